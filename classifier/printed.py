"""Printed tables held against the relations that a ``checks.toml`` declares; a row 合计 speaks for itself.

A ``checks.toml`` has an optional list ``more_than`` of references to figures that the print calls "more than". Each
entry of ``[[checks]]`` has ``id``, ``says``, ``kind`` and operands. ``of``, ``times`` and ``by`` are lists, each is
summed; with the number ``scale`` they make E = of x times / by x scale, where what is not given is 1::

    sum, ratio   ``printed`` is E; a ratio must have ``by``
    growth       ``printed`` is (of x times / by - 1) x scale
    at_least     ``printed`` is at least E
    at_most      ``printed`` is at most E
    whole        E is a whole number, as a count behind a share or a mean (Brown and Heathers, "The GRIM test", 2017)
    domain       ``printed`` is the domain that the scheme's precedents have for the company ``of``, without dispute

An operand is a number, a date (dates count as days) or a reference::

    TABLE:ID                    column ``value`` of the row with ID in its first column
    TABLE[KEY=WORD].COLUMN      the one row with WORD in column KEY
    TABLE[*KEY=WORD].COLUMN     all such rows (``!=``: all others; ``[*]``: all rows), summed
    .COLUMN                     the row at hand: ``each = "TABLE[*]"`` repeats a check for every such row
    rows TABLE[*KEY=WORD]       how many rows
    names TABLE[*].COLUMN       how many different names, separated by spaces, stand there
"""

import re
import tomllib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields, replace
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import pandas as pd

from classifier.domains import load_scheme
from classifier.errors import InputError
from classifier.quantities import NUMBER, Finding, Quantity, compare, exact, not_checked, read_figure, total
from classifier.study import TOTAL

OPERANDS = {  # of a kind: those that it must have
    "sum": {"of", "printed"},
    "ratio": {"of", "by", "printed"},
    "growth": {"of", "by", "printed"},
    "at_least": {"of", "printed"},
    "at_most": {"of", "printed"},
    "whole": {"of"},
    "domain": {"of", "printed"},
}
SIGNS = {"at_least": ">=", "at_most": "<="}
TOTALS = frozenset({TOTAL, "总计", "总和"})
NOT_SUMMED = re.compile("[%比率均幅]")  # headers of shares, rates, means and changes


class Reference(NamedTuple):
    """Cells of printed tables, as the text of a ``checks.toml`` names them."""

    text: str
    function: str = ""
    table: str = ""
    many: bool = False
    key: str = ""
    sign: str = ""
    sought: str = ""
    column: str = ""


Operand: TypeAlias = Reference | Quantity


@dataclass(frozen=True)
class Check:
    """A relation between printed figures: what it says, of which kind it is, and its operands."""

    id: str
    says: str
    kind: str
    of: tuple[Operand, ...]
    times: tuple[Operand, ...] = ()
    by: tuple[Operand, ...] = ()
    printed: Operand | None = None
    scale: Quantity | None = None
    each: Reference | None = None

    @property
    def references(self) -> tuple[Reference, ...]:
        """All references to cells, that to the printed figure first."""
        operands = (self.printed, *self.of, *self.times, *self.by, self.each)
        return tuple(operand for operand in operands if isinstance(operand, Reference))


class Relations(NamedTuple):
    """What a ``checks.toml`` declares."""

    checks: tuple[Check, ...] = ()
    more_than: tuple[Reference, ...] = ()


_REFERENCE = re.compile(
    r"(?:(?P<function>rows|names) )?"
    r"(?:(?P<table>[^\[\]:.]+)"
    r"(?::(?P<id>\S+)|\[(?P<many>\*?)(?:(?P<key>[^=\]]*?)(?P<sign>!?=)(?P<sought>[^\]]*))?\]))?"
    r"(?:\.(?P<column>.+))?"
)


def parse_reference(text: str) -> Reference:
    """Return the cells that a text of a ``checks.toml`` names.

    Raises
    ------
    InputError
        If the text does not follow the grammar.

    >>> parse_reference("figures:U.events").sought
    'U.events'
    >>> parse_reference("names table[*].参投项目").column
    '参投项目'
    """
    found = _REFERENCE.fullmatch(text)
    if not text or not found:
        raise InputError(f"{text!r} is no reference; expected TABLE:ID, TABLE[KEY=WORD].COLUMN or .COLUMN")
    parts: dict[str, Any] = found.groupdict(default="")
    if name := parts.pop("id"):
        parts.update(sign="=", sought=name, column="value")
    return Reference(text, **{**parts, "many": bool(parts["many"])})


def read_relations(path: Path) -> Relations:
    """Return the relations that a ``checks.toml`` declares.

    Raises
    ------
    InputError
        If it is missing, not TOML, or an entry lacks a field, has an unknown one, or repeats an id.
    """
    try:
        declared = tomllib.loads(path.read_text(encoding="utf-8"), parse_float=Decimal)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError(f"{path}: not a readable TOML file ({error})") from error
    checks: list[Check] = []
    try:
        above = tuple(map(parse_reference, declared.get("more_than", ())))
        for entry in declared.get("checks", ()):
            checks.append(_declared(entry))
    except (InputError, TypeError, ValueError) as error:
        raise InputError(f"{path}: behind {len(checks)} well-formed [[checks]]: {error}; mend the entry") from error
    if repeated := [id for id, times in Counter(check.id for check in checks).items() if times > 1]:
        raise InputError(f"{path}: check {repeated[0]!r} stands twice; give every check its own id")
    return Relations(tuple(checks), above)


def _declared(entry: Mapping[str, Any]) -> Check:
    kind = dict(entry).get("kind")
    if kind not in OPERANDS:
        raise InputError(f"kind {kind!r} is not one of {', '.join(OPERANDS)}")
    if lacking := {"id", "says", *OPERANDS[kind]} - {name for name, written in entry.items() if written != []}:
        raise InputError(f"kind {kind} needs {', '.join(sorted(lacking))}")
    if unknown := set(entry) - {field.name for field in fields(Check)}:
        raise InputError(f"{', '.join(sorted(unknown))} is not a field of a check")
    lists = {name: tuple(map(_operand, entry[name])) for name in ("of", "times", "by") if name in entry}
    single = {name: _operand(entry[name]) for name in ("printed", "scale", "each") if name in entry}
    check = Check(**{**entry, **lists, **single})
    if isinstance(check.scale, Reference) or isinstance(check.each, Quantity):
        raise InputError("scale must be a number, and each a reference to rows")
    if kind == "domain" and len(check.references) - bool(check.each) != 2:
        raise InputError("a domain compares one reference in of with one in printed")
    return check


def _operand(written: object) -> Any:
    if isinstance(written, str):
        return parse_reference(written)
    if isinstance(written, date):
        return exact(written.toordinal(), written.isoformat())
    if isinstance(written, int) or (isinstance(written, Decimal) and written.is_finite()):
        return exact(written, str(written))
    raise InputError(f"{written!r} is neither a reference nor a number nor a date")


def check_printed(tables: Mapping[str, pd.DataFrame], relations: Relations, *, partial: bool = False) -> list[Finding]:
    """Return a finding for every relation between printed figures, and one a table for figures without any relation.

    ``tables`` hold text. With ``partial`` a relation to a table that is not among them is not checked.

    Raises
    ------
    InputError
        If a relation asks for a table, row or column that is not there, or for a number where none is.
    """
    printed = _Print(tables)
    above = [reference for reference in relations.more_than if reference.table in tables or not partial]
    printed = replace(printed, more_than=frozenset(cell for reference in above for cell in printed.cells(reference)))
    totals = [check for name, table in tables.items() for check in _totals_of(name, table)]
    findings, used = [], set()
    for check in (*relations.checks, *totals):
        absent = sorted({reference.table for reference in check.references} - {"", *tables})
        if absent and partial:
            findings.append(not_checked(check.id, absent[0], check.says, f"there is no table {absent[0]}"))
            continue
        try:
            for row in printed.rows(check.each) if check.each else [None]:
                at_hand = replace(printed, row=row)
                findings.append(_evaluate(check, at_hand))
                used |= {cell for reference in check.references for cell in at_hand.cells(reference)}
        except InputError as error:
            raise InputError(f"check {check.id!r}: {error}") from error
    return [*findings, *_without_relation(printed, used)]


class _Cell(NamedTuple):
    """A cell of a printed table, or without a column its row; rows count from 0."""

    table: str
    row: int
    column: str = ""


@dataclass(frozen=True)
class _Print:
    """Printed tables, the figures that are called "more than", and the row at hand."""

    tables: Mapping[str, pd.DataFrame]
    more_than: frozenset[_Cell] = frozenset()
    row: _Cell | None = None

    def rows(self, reference: Reference) -> list[_Cell]:
        name, sign = reference.table, reference.sign
        if not name and self.row:
            return [self.row]
        if not name:
            raise InputError(f"{reference.text!r} is about a row at hand; name a table here, or rows with each")
        if name not in self.tables:
            raise InputError(f"{reference.text!r}: no table {name!r}; there are {', '.join(self.tables)}")
        words = self._column(name, reference.key or self.tables[name].columns[0]).str.strip()
        fits = [not sign or (word == reference.sought) == (sign == "=") for word in words]
        if not reference.many and sum(fits) != 1:
            raise InputError(f"{reference.text!r} names {sum(fits)} rows, expected one; [*...] takes all that fit")
        return [_Cell(name, index) for index, fit in enumerate(fits) if fit]

    def cells(self, reference: Reference) -> list[_Cell]:
        """Return the cells that a reference names: none if it names rows alone."""
        if not reference.column:
            return []
        rows = self.rows(reference)
        if not rows:
            raise InputError(f"{reference.text!r} names no row of {reference.table}")
        self._column(rows[0].table, reference.column)
        return [row._replace(column=reference.column) for row in rows]

    def _column(self, table: str, column: str) -> pd.Series:
        columns = self.tables[table].columns
        if column not in columns:
            raise InputError(f"{table} has no column {column!r}; it has {', '.join(columns)}")
        return self.tables[table][column]

    def text(self, cell: _Cell) -> str:
        return self.tables[cell.table][cell.column].iloc[cell.row].strip()

    def head(self, cell: _Cell) -> str:
        """Return what stands first in a cell's row."""
        return self.text(cell._replace(column=self.tables[cell.table].columns[0]))

    def place(self, cell: _Cell) -> str:
        """Return where a cell stands, as a reader counts: the header is row 1."""
        return f"{cell.table}, row {cell.row + 2} ({self.head(cell)}), {cell.column}"

    def figure(self, cell: _Cell) -> Quantity:
        text, unit = self.text(cell), cell.column
        if unit == "value" and "unit" in self.tables[cell.table].columns:
            unit = self.text(cell._replace(column="unit"))
        try:
            return read_figure(text, unit, more_than=cell in self.more_than)
        except ValueError:
            message = f"{text!r} is no number and no date; mend the cell or the reference to it"
            raise InputError(f"{self.place(cell)}: {message}") from None

    def quantity(self, operand: Operand) -> Quantity:
        """Return the sum of what an operand names, or its number of rows or names."""
        if isinstance(operand, Quantity):
            return operand
        if operand.function == "rows":
            return exact(count := len(self.rows(operand)), f"{count} counted")
        cells = self.cells(operand)
        if not cells:
            raise InputError(f"{operand.text!r} names rows, not figures; add .COLUMN")
        if operand.function == "names":
            names = {name for cell in cells for name in self.text(cell).split()}
            return exact(len(names), f"{len(names)} named")
        return total([self.figure(cell) for cell in cells])

    def total(self, operands: Iterable[Operand]) -> Quantity:
        return total([self.quantity(operand) for operand in operands])


def _evaluate(check: Check, printed: _Print) -> Finding:
    places = [printed.place(cell) for reference in check.references for cell in printed.cells(reference)]
    relation = check.id, places[0] if places else "", check.says
    if check.kind == "domain":
        domain, company = (printed.text(printed.cells(reference)[0]) for reference in check.references[:2])
        return _compare_domain(relation, company, domain)
    try:
        expected = _formula(check, printed)
    except ZeroDivisionError as error:
        return not_checked(*relation, str(error))
    if check.printed is not None:
        return compare(*relation, expected, printed.quantity(check.printed), SIGNS.get(check.kind, "="))
    if expected.high - expected.low >= 1:
        return not_checked(*relation, f"too coarse to tell: {expected.equation}")
    return compare(*relation, exact(round(expected.value)), expected)


def _formula(check: Check, printed: _Print) -> Quantity:
    result = printed.total(check.of)
    if check.times:
        result = result * printed.total(check.times)
    if check.by:
        result = result / printed.total(check.by)
    if check.kind == "growth":
        result = result - exact(1)
    return result * check.scale if check.scale else result


def _compare_domain(relation: tuple[str, str, str], company: str, domain: str) -> Finding:
    """Return whether a printed domain contradicts the scheme: 0 contradictions are expected."""
    for expected in load_scheme().domains:
        for name, _, remark in (precedent.partition("(") for precedent in expected.precedents):
            if name == company:
                differs = bool(remark) or domain.replace("及", "与") != expected.name.replace("及", "与")
                reason = f"{name}: {domain}; the scheme: {expected.name}" + (f" ({remark}" if remark else "")
                return compare(*relation, exact(0), exact(differs))._replace(reason=reason)
    return not_checked(*relation, f"the scheme has no precedent {company}")


def _totals_of(name: str, table: pd.DataFrame) -> Iterator[Check]:
    """Yield a relation for every column that a row 合计 should sum up."""
    summed = [column for column in table.columns if not NOT_SUMMED.search(column)]
    summed = [column for column in summed if all(NUMBER.fullmatch(cell.strip()) for cell in table[column])]
    for key in table.columns:
        labels = [label for label in table[key] if label in TOTALS]
        for column in summed if len(labels) == 1 < len(table) else ():
            id, says = f"{labels[0]} of {name}, {column}", f"The row {labels[0]} is the sum of the other rows"
            whole = Reference(id, table=name, key=key, sign="=", sought=labels[0], column=column)
            yield Check(id, says, "sum", (whole._replace(many=True, sign="!="),), printed=whole)


def _without_relation(printed: _Print, used: set[_Cell]) -> Iterator[Finding]:
    for name, table in printed.tables.items():
        cells = [_Cell(name, row, column) for column in table.columns for row in range(len(table))]
        alone = [cell for cell in cells if cell not in used and NUMBER.fullmatch(printed.text(cell))]
        if alone:
            shown = "; ".join(f"{printed.head(cell)} {cell.column}" for cell in alone)
            yield not_checked("without relation", name, f"{len(alone)} figures stand in no relation", shown)
