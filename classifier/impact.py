"""What hangs on one label: the published tables with it and without it."""

import math
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import pandas as pd

from classifier.aggregate import build_tables
from classifier.correction import Confusion
from classifier.disputes import Case, label_before
from classifier.domains import Scheme
from classifier.errors import LedgerError
from classifier.ledger import Ledger
from classifier.study import FIGURE_COLUMNS, Comparison, Sources, Table
from classifier.tables import align

COLUMNS = (
    *("table", "printed_as", "place", "measure", "unit"),
    *("plain_before", "plain_after", "plain_difference"),
    *("value_before", "value_after", "value_difference"),
)
_BETWEEN = " / "  # the dimensions of a place
_TOLD = "names"  # 表3-1 tells the companies of an investor: no place of its own
_COUNTS = ("companies", "events")  # no row of them is a count of none
_SAME = 1e-9  # relative: what the order of adding leaves


def impact(
    sources: Sources, company_id: str, code: str, scheme: Scheme, confusion: Confusion, comparison: Comparison
) -> pd.DataFrame:
    """Return what changes in the tables (`build_tables`) if a person says that a company's label is ``code``.

    Returns
    -------
    frame
        `COLUMNS`, a row a figure that changes, in the order of the tables: ``plain`` are raw counts, ``value`` is
        corrected for misclassification (the expected value; nothing is drawn). A figure without a row is NaN: a
        company that is listed no more; but companies and events are none.

    Raises
    ------
    LedgerError
        If the company is not among those of ``sources``.
    SchemeError
        If the scheme has no such label.
    """
    scheme.name(code)
    once = replace(comparison, draws=0)
    before = build_tables(sources, scheme, confusion, once)
    after = build_tables(with_label(sources, company_id, code), scheme, confusion, once)
    rows = [change for pair in zip(before, after, strict=True) for change in changes_between(*pair)]
    return pd.DataFrame(rows, columns=list(COLUMNS))


def with_label(sources: Sources, company_id: str, code: str) -> Sources:
    """Return the sources with a company labelled by a person; "" leaves it to its prediction, if it has one.

    Raises
    ------
    LedgerError
        If the company is not among them.
    """
    companies = sources.companies
    own = companies["company_id"] == company_id
    if not own.any():
        raise LedgerError(f"company {company_id!r} has no label and no prediction yet; score it first")
    companies = companies.assign(label=companies["label"].mask(own, code))
    labelled = (companies["label"] + companies["domain"]) != ""
    return replace(sources, companies=companies[labelled].reset_index(drop=True))


def before_decision(sources: Sources, ledger: Ledger, case: Case) -> Sources:
    """Return the sources as if a dispute had not been decided."""
    if case.decision is None:
        return sources
    label = label_before(ledger, case)
    return with_label(sources, case.dispute.company_id, label.code if label else "")


def to_text(changes: pd.DataFrame, scheme: Scheme) -> str:
    """Return changes as lines for a terminal: before, after and difference, as they are counted and as corrected.

    Numbers stand in the units of the tables as they are in csv: one company moves little of a share.
    """
    if changes.empty:
        return "no table changes"
    heads = ["table", "place", "measure", "plain", "", "difference", "corrected", "", "difference"]
    return align([heads, *(_line(row, scheme) for row in changes.to_dict("records"))])


def changes_between(before: Table, after: Table) -> Iterator[tuple]:
    """Yield the figures that differ between two versions of a table."""
    old, new = _figures(before), _figures(after)
    for place, measure, unit in dict.fromkeys([*old, *new]):
        absent = (0.0, 0.0) if unit in _COUNTS else (math.nan, math.nan)
        pairs = zip(old.get((place, measure, unit), absent), new.get((place, measure, unit), absent), strict=True)
        plain, value = ((one, two, two - one) for one, two in pairs)
        if not (_same(*plain) and _same(*value)):
            yield (before.id, before.printed_as, place, measure, unit, *plain, *value)


def _figures(table: Table) -> dict[tuple[str, str, str], tuple[float, float]]:
    """Return the plain and the corrected figure by place, measure and unit."""
    dimensions = [name for name in table.data.columns if name not in (*FIGURE_COLUMNS, _TOLD)]
    return {
        (_BETWEEN.join(str(row[name]) for name in dimensions), row["measure"], row["unit"]): (
            row["plain"],
            row["value"],
        )
        for row in table.data.to_dict("records")
    }


def _same(before: float, after: float, difference: float) -> bool:
    if math.isnan(before) or math.isnan(after):
        return math.isnan(before) and math.isnan(after)
    return math.isclose(before, after, rel_tol=_SAME, abs_tol=_SAME)


def _line(row: Mapping[Hashable, Any], scheme: Scheme) -> list[str]:
    names = {domain.code: domain.name for domain in scheme.domains}
    place = _BETWEEN.join(names.get(part, part) for part in row["place"].split(_BETWEEN))
    figures = [
        text
        for kind in ("plain", "value")
        for text in (
            _number(row[f"{kind}_before"]),
            "→ " + _number(row[f"{kind}_after"]),
            _number(row[f"{kind}_difference"], "+"),
        )
    ]
    return [f"{row['table']} {row['printed_as']}", place, f"{row['measure']} ({row['unit']})", *figures]


def _number(number: float, sign: str = "") -> str:
    if not math.isfinite(number):
        return "—"
    text = f"{number:{sign}z,.6f}".rstrip("0").rstrip(".")
    return "0" if text == "+0" else text
