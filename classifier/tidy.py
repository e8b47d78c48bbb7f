"""Our own tidy tables (dimensions, then `FIGURE_COLUMNS`) held against what their measures imply of each other."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from operator import attrgetter
from typing import TypeAlias

import pandas as pd

from classifier.errors import InputError
from classifier.quantities import Finding, Quantity, compare, exact, not_checked, total
from classifier.study import FIGURE_COLUMNS, TOP_FIVE, TOTAL, UNKNOWN

COMPANIES = frozenset({"companies", "new_companies", "all_companies", "published_companies"})
COUNTS = COMPANIES | {"events", "published_events"}
ADDITIVE = COUNTS | {"amount_wan", "amount_low_wan", "amount_high_wan", "market_value_wan", "in_scope", "board"}
PARTITIONS = frozenset({"domain", "province"})  # a company is in one of each; in months and channels it can be in many
WHOLE_YEAR = "全年"
SUBTOTALS = {
    "再融资": ("增发", "配股", "可转债"),
    "H1": ("01", "02", "03", "04", "05", "06"),
    "H2": ("07", "08", "09", "10", "11", "12"),
    WHOLE_YEAR: ("H1", "H2"),
}
OF_WHICH = "其中"
WHOLES = frozenset({TOTAL, TOP_FIVE, *SUBTOTALS})
SHARE_OF = {
    "share": "companies",  # or of events, where no companies are counted
    "amount_share": "amount_wan",
    "all_share": "all_companies",
    "new_share": "new_companies",
    "mix_in_scope": "in_scope",
    "mix_board": "board",
}
GROWTH_OF = {"growth": "market_value_wan", "amount_growth": "amount_wan"}
AT_MOST = (
    ("companies", "events"),
    ("published_events", "events"),
    ("new_companies", "companies"),
    ("companies", "all_companies"),
    ("amount_low_wan", "amount_wan"),
    ("amount_wan", "amount_high_wan"),
    ("in_scope", "board"),
)
ALIKE = (  # tables of one population: their totals of a year are the same
    ("months", "round_groups", "provinces", "domains", "domain_amounts"),
    ("listed_provinces", "listed_domains"),
)

Key: TypeAlias = tuple[str, ...]  # of a figure: its measure, then its label in every dimension


def is_tidy(table: pd.DataFrame) -> bool:
    """Tell whether a table has the columns of gonglian's own tables."""
    return set(FIGURE_COLUMNS) <= set(table.columns)


def check_tables(tables: Mapping[str, pd.DataFrame], *, tolerance: float = 1e-6) -> list[Finding]:
    """Return a finding for every relation that the measures of tidy tables imply, of ``plain`` and of ``value``.

    Parts sum to 合计, months to halves and years (what has no month may stand in either half); companies of months,
    boards and channels may overlap: at most the sum, at least the largest. 前五合计 are the five largest by ``value``.
    Shares are part / whole, growth is new / old - 1, a change is new - old, a location quotient (``plain``) is the
    domain's share in the province / its share in all. Intervals hold their value, shares lie in 0..1, counts are
    whole; tables of one population have the same totals. Blank figures are left out. ``tolerance`` is relative: how
    exactly a figure is written.

    Raises
    ------
    InputError
        If a cell is no number, or two rows have the same dimensions and measure.
    """
    read = {name: _read_grids(name, table, tolerance) for name, table in tables.items()}
    findings: list[Finding] = []
    for grids in read.values():
        findings += _intervals(**grids)
        for grid in grids.values():
            findings += _ranges(grid)
        for grid in (grids["plain"], grids["value"]):
            for rule in (_totals, _subtotals, _of_which, _shares, _against_year_before, _at_most):
                findings += rule(grid)
        findings += _location_quotients(grids["plain"])
    for column in ("plain", "value"):
        findings += _alike({name: grids[column] for name, grids in read.items()})
    return findings


@dataclass(frozen=True)
class _Grid:
    """One column of a tidy table: its figures, but blank ones, and their units."""

    name: str
    dimensions: Key  # the first is the measure
    column: str
    figures: dict[Key, Quantity]
    units: dict[Key, str]

    def sums(self) -> Iterator[tuple[Key, int, str]]:
        """Yield the key of every figure that is a sum, with the place and text of each label."""
        for key in self.figures:
            for index, label in enumerate(key if key[0] in ADDITIVE else ()):
                yield key, index, label

    def beside(self, key: Key, measure: str) -> Quantity | None:
        """Return the figure of another measure under the same labels."""
        return self.figures.get((measure, *key[1:]))

    def parts(self, key: Key, open_: Sequence[int]) -> dict[Key, Quantity]:
        """Return the figures whose keys agree but at the open places, where they are parts."""
        return {
            other: figure
            for other, figure in self.figures.items()
            if all(_is_part(label) if index in open_ else label == key[index] for index, label in enumerate(other))
        }

    def named_parts(self, key: Key, index: int, names: Iterable[str]) -> list[Quantity]:
        """Return the figures that stand there under other names at one place of the key."""
        others = (_at(key, index, name) for name in names)
        return [self.figures[other] for other in others if other in self.figures]

    def total(self, key: Key) -> Quantity | None:
        """Return the figure of the nearest row 合计 that a key is a part of."""
        pairs = {other: set(zip(other, key, strict=True)) for other in self.figures if TOTAL in other}
        wholes = [other for other, both in pairs.items() if all(one in (TOTAL, two) for one, two in both)]
        return self.figures.get(min(wholes, key=lambda whole: whole.count(TOTAL), default=()))

    def compare(self, id: str, key: Key, statement: str, expected: Quantity | None, sign: str = "=") -> Finding:
        """Return whether a figure is what was expected of it."""
        labels = ", ".join(map(" ".join, zip(self.dimensions[1:], key[1:], strict=True)))
        place = f"{self.name}: {labels}: {key[0]} ({self.column})"
        if expected is None:
            return not_checked(id, place, statement, "a figure to compute it from is missing, or zero")
        return compare(id, place, statement, expected, self.figures[key], sign)


def _read_grids(name: str, table: pd.DataFrame, tolerance: float) -> dict[str, _Grid]:
    dimensions = ("measure", *(column for column in table.columns if column not in FIGURE_COLUMNS))
    units: dict[Key, str] = {}
    grids = {column: _Grid(name, dimensions, column, {}, units) for column in FIGURE_COLUMNS[2:]}
    for number, record in enumerate(table.to_dict("records"), 2):
        key = tuple(str(record[dimension]) for dimension in dimensions)
        if key in units:
            raise InputError(f"{name}, row {number}: {' '.join(key)} stands twice; every figure has one row")
        units[key] = record["unit"]
        for column, grid in grids.items():
            cell = record[column]
            try:
                if not pd.isna(cell) and cell != "":
                    grid.figures[key] = _near(float(cell), tolerance)
            except (TypeError, ValueError, OverflowError):
                raise InputError(f"{name}, row {number}, {column}: {cell!r} is no number; mend the cell") from None
    return grids


def _near(number: float, tolerance: float) -> Quantity:
    figure = exact(Fraction(number))
    width = abs(figure.value) * Fraction(tolerance) + Fraction(1, 10**12)  # what is left of a sum that should be zero
    return Quantity(figure.value, figure.value - width, figure.value + width, figure.text)


def _is_part(label: str) -> bool:
    return label not in WHOLES and not label.startswith(OF_WHICH)


def _at(key: Key, index: int, name: str) -> Key:
    return *key[:index], name, *key[index + 1 :]


def _intervals(low: _Grid, value: _Grid, high: _Grid, **_: _Grid) -> Iterator[Finding]:
    for grid, sign in ((low, "<="), (high, ">=")):
        for key in grid.figures:
            if key in value.figures:
                yield grid.compare("interval", key, "An interval holds its value", value.figures[key], sign)


def _ranges(grid: _Grid) -> Iterator[Finding]:
    for key, figure in grid.figures.items():
        if grid.column == "n" or (grid.column == "plain" and key[0] in COUNTS):
            count = exact(max(round(figure.value), 0))
            yield grid.compare("count", key, "A count is a whole number, from 0", count)
        elif grid.units[key] == "share":
            share = exact(min(max(figure.value, Fraction(0)), Fraction(1)))
            yield grid.compare("share in 0..1", key, "A share lies between 0 and 1", share)


def _totals(grid: _Grid) -> Iterator[Finding]:
    for key in grid.figures:
        open_ = [index for index, label in enumerate(key) if label in (TOTAL, WHOLE_YEAR)]
        if key[0] in ADDITIVE and open_ and (parts := grid.parts(key, open_)):
            yield from _against_parts(grid, key, open_, [*parts.values()])


def _subtotals(grid: _Grid) -> Iterator[Finding]:
    for key, index, label in grid.sums():
        if parts := grid.named_parts(key, index, SUBTOTALS.get(label, ())):
            yield from _against_parts(grid, key, [index], parts, grid.named_parts(key, index, [UNKNOWN]))


def _against_parts(
    grid: _Grid, key: Key, open_: list[int], parts: list[Quantity], rest: Sequence[Quantity] = ()
) -> Iterator[Finding]:
    """Yield whether a total is the sum of its parts; ``rest`` may belong to it, and companies to several parts."""
    overlap = key[0] in COMPANIES and not {grid.dimensions[index] for index in open_} <= PARTITIONS
    if not overlap and not rest:
        yield grid.compare("total", key, "A total is the sum of its parts", total(parts))
        return
    least, most = max(parts, key=attrgetter("value")) if overlap else total(parts), total([*parts, *rest])
    yield grid.compare("total, at least", key, "A total is at least what is surely in it", least, ">=")
    yield grid.compare("total, at most", key, "A total is at most all that may be in it", most, "<=")


def _of_which(grid: _Grid) -> Iterator[Finding]:
    for key, index, label in grid.sums():
        if label == TOP_FIVE or label.startswith(OF_WHICH):
            parts = [part for other, part in grid.parts(key, [index]).items() if other[index] != UNKNOWN]
            if label == TOP_FIVE:
                parts = sorted(parts, key=attrgetter("value"))[-5:]
            sign = "=" if label == TOP_FIVE and grid.column == "value" else "<="
            says = f"{label} is part of what stands above it; the five are those that are largest by value"
            yield grid.compare("of which", key, says, total(parts) if parts else None, sign)


def _shares(grid: _Grid) -> Iterator[Finding]:
    measures = {measure for measure, *_ in grid.figures}
    for key in grid.figures:
        if base := SHARE_OF.get(key[0]):
            base = base if base in measures else "events"
            part, whole = grid.beside(key, base), grid.total((base, *key[1:]))
            if key[0] == "share" and "board" in measures:  # of a board's patents, those in scope
                part, whole = grid.beside(key, "in_scope"), grid.beside(key, "board")
            yield grid.compare("share", key, "A share is the part / the whole", _ratio(part, whole))


def _ratio(part: Quantity | None, whole: Quantity | None) -> Quantity | None:
    return part / whole if part and whole and not whole.low <= 0 <= whole.high else None


def _against_year_before(grid: _Grid) -> Iterator[Finding]:
    measures = {measure for measure, *_ in grid.figures}
    for key in grid.figures if "year" in grid.dimensions else ():
        base, _, kind = key[0].rpartition("_")
        base = GROWTH_OF.get(key[0], base)
        new, old = grid.beside(key, base), grid.beside(_year_before(grid, key), base)
        if kind == "growth" and base in measures:
            ratio = _ratio(new, old)
            yield grid.compare("growth", key, "Growth is new / old - 1", ratio and ratio - exact(1))
        elif kind == "change" and base in measures:
            yield grid.compare("change", key, "A change is new - old", new - old if new and old else None)


def _year_before(grid: _Grid, key: Key) -> Key:
    """Return the key with the last earlier year of the table."""
    year = grid.dimensions.index("year")
    return _at(key, year, max((other[year] for other in grid.figures if other[year] < key[year]), default=""))


def _at_most(grid: _Grid) -> Iterator[Finding]:
    for small, large in AT_MOST:
        for key in grid.figures:
            if key[0] == small and (bound := grid.beside(key, large)):
                yield grid.compare("at most", key, f"{small} <= {large}", bound, "<=")


def _location_quotients(grid: _Grid) -> Iterator[Finding]:
    """Yield quotients of ``plain``: provinces that have none by plain labels stand in no row, yet count for value."""
    for key in grid.figures:
        if key[0] == "location_quotient":
            province, domain = grid.dimensions.index("province"), grid.dimensions.index("domain")
            some, every = _at(key, 0, "events"), _at(_at(key, 0, "events"), domain, TOTAL)
            here = _ratio(grid.figures.get(some), grid.figures.get(every))
            in_all = _ratio(*(total([*grid.parts(events, [province]).values()]) for events in (some, every)))
            says = "A location quotient is the domain's share in the province / its share in all"
            yield grid.compare("location quotient", key, says, _ratio(here, in_all))


def _alike(grids: Mapping[str, _Grid]) -> Iterator[Finding]:
    """Yield whether tables of one population have the same totals of a year."""
    for names in ALIKE:
        first: dict[Key, tuple[str, Quantity]] = {}
        for grid in (grids[name] for name in names if name in grids):
            for key, index, label in grid.sums():
                if index == len(key) - 1 and label in (TOTAL, WHOLE_YEAR):
                    name, expected = first.setdefault(key[:-1], (grid.name, grid.figures[key]))
                    if name != grid.name:
                        yield grid.compare("same total", key, f"The total is that of {name}", expected)
