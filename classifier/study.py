"""What a table is made from: companies with labels, the frames of facts, and the sheet on which figures are collected.

All tables work on sums along whose last axis stand the plain sum, the corrected one, and one for every drawn labelling
(`Labelling.tally`): shares, growth and quotients are computed element by element, so that every figure gets its
interval in the same way.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from classifier.correction import DRAWS, Labelling, interval, ratio
from classifier.domains import Scheme

FIGURE_COLUMNS = ("measure", "unit", "n", "plain", "value", "low", "high")
TOTAL = "合计"
TOP_FIVE = "前五合计"
UNKNOWN = "未知"
DOMESTIC = "A股"


# how put_parts names a count and its share, with the unit of each
COMPANIES = {"companies": "companies", "share": "share"}
NEW_COMPANIES = {"new_companies": "companies", "new_share": "share"}
EVENTS = {"events": "events", "share": "share"}

Filled = tuple[pd.DataFrame, list[str]]  # a table's figures and notes


@dataclass(frozen=True)
class Table:
    """One of the report's tables, tidy: its dimensions first, then `FIGURE_COLUMNS`.

    A figure that cannot be computed is NaN, and so is the end of an interval without bound. ``missing`` names inputs
    that were not given; ``data`` has no rows then. ``notes`` say, in Chinese, what is counted.
    """

    id: str
    name: str
    title: str
    printed_as: str
    data: pd.DataFrame
    notes: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sources:
    """What was read: canonical frames, None where an input was not given. Companies are known by ``company_id``.

    - companies: company_id, name, province, domain (the model's), status, label (a person's code or "")
    - events: company_id, date, precision, round, group, amount_low_wan, amount_wan, amount_high_wan, published,
      investors (tuples of names)
    - listings: company_id, name, date, channel, market, board, amount_wan
    - market_values: company_id, board, year, market_value_wan
    - indicators: company_id, board, year, indicator, value
    - valuations: company_id, first_listed, region, round, round_date, valuation_usd (100 million USD)

    Rows of a company that is not among ``companies`` have the company_id "": they count where a whole market is meant.
    """

    companies: pd.DataFrame
    events: pd.DataFrame | None = None
    listings: pd.DataFrame | None = None
    market_values: pd.DataFrame | None = None
    indicators: pd.DataFrame | None = None
    valuations: pd.DataFrame | None = None


@dataclass(frozen=True)
class Comparison:
    """What is asked: a year against another, the board of 表2-3 to 表2-6, provinces, and how labels are drawn."""

    year: int
    against: int
    board: str = "科创板"
    provinces: tuple[str, ...] = ()
    draws: int = DRAWS
    seed: int = 0


@dataclass(frozen=True)
class Study:
    """Everything a table needs: the companies in a fixed order, their labels, the frames, and what is asked."""

    companies: pd.DataFrame
    labelling: Labelling
    sources: Sources
    scheme: Scheme
    comparison: Comparison

    @property
    def year(self) -> int:
        """The report's year."""
        return self.comparison.year

    @property
    def years(self) -> tuple[int, int]:
        """The year compared with, and the report's."""
        return self.comparison.against, self.comparison.year

    @property
    def board(self) -> str:
        """The board of 表2-3 to 表2-6."""
        return self.comparison.board

    @property
    def provinces(self) -> tuple[str, ...]:
        """The provinces that get a row even without a company, and "" for the unknown one."""
        return *self.comparison.provinces, ""

    @property
    def domains(self) -> tuple[str, ...]:
        """Codes of the labels in scope, in the scheme's order."""
        return tuple(domain.code for domain in self.scheme.domains if domain.in_scope)

    def given(self, name: str) -> bool:
        """Return whether an input was given."""
        return getattr(self.sources, name) is not None

    def frame(self, name: str) -> pd.DataFrame:
        """Return a frame with the place of each row's company in ``company`` (-1: not among the companies)."""
        held = getattr(self.sources, name)
        return held.assign(company=self._places.get_indexer(held["company_id"])).reset_index(drop=True)

    @cached_property
    def _places(self) -> pd.Index:
        return pd.Index(self.companies["company_id"])

    def sums(self, rows: pd.DataFrame, by: Mapping[str, Sequence], amount: str | None = None) -> np.ndarray:
        """Return sums by cell and domain: shape (*lengths of by, domains in scope, 2 + draws).

        ``by`` maps columns of ``rows`` to the values that make cells; rows with other values, and rows of companies
        that are not known, count nowhere.
        """
        rows = rows[rows["company"] >= 0]
        codes = [pd.Index(values).get_indexer(rows[column]) for column, values in by.items()]
        inside = np.all([code >= 0 for code in codes], axis=0) if codes else np.ones(len(rows), bool)
        lengths = tuple(len(values) for values in by.values())
        cell = np.ravel_multi_index([code[inside] for code in codes], lengths) if by else np.zeros(len(rows), int)
        amounts = None if amount is None else rows[amount].to_numpy(float)[inside]
        found = self.labelling.tally(rows["company"].to_numpy()[inside], cell, int(np.prod(lengths)), amounts)
        chosen = [self.labelling.codes.index(code) for code in self.domains]
        return found[:, chosen].reshape(*lengths, len(chosen), -1)

    def in_scope(self, rows: pd.DataFrame, by: Mapping[str, Sequence], amount: str | None = None) -> np.ndarray:
        """Return sums by cell over all domains in scope: shape (*lengths of by, 2 + draws)."""
        return self.sums(rows, by, amount).sum(axis=-2)

    def chances(self) -> tuple[np.ndarray, np.ndarray]:
        """Return for every company whether its plain label is in scope, and how probable it is that the true one is."""
        chosen = [self.labelling.codes.index(code) for code in self.domains]
        return np.isin(self.labelling.plain, chosen), self.labelling.expected[:, chosen].sum(axis=1)


class Sheet:
    """Collects figures under dimensions, and returns them as a tidy frame."""

    def __init__(self, *dimensions: str) -> None:
        self.dimensions = dimensions
        self.parts: list[pd.DataFrame] = []

    def put(
        self, places: Iterable[tuple], measure: str, unit: str, sums: np.ndarray, base: np.ndarray | None = None
    ) -> None:
        """Add one figure a place; ``base`` holds what they rest on (default: the figures, if they are counts)."""
        part = pd.DataFrame(list(places), columns=list(self.dimensions))
        plain, value, low, high = (np.atleast_1d(figure) for figure in interval(sums))
        low, high = (np.where(np.isfinite(value) & np.isfinite(end), end, np.nan) for end in (low, high))
        rests_on = np.atleast_2d(sums if base is None else base)[..., 0]
        counts = np.broadcast_to(np.nan_to_num(rests_on), plain.shape).round().astype(int)
        self.parts.append(
            part.assign(measure=measure, unit=unit, n=counts, plain=plain, value=value, low=low, high=high)
        )

    def chance(self, places: Iterable[tuple], measure: str, plain: np.ndarray, value: np.ndarray) -> None:
        """Add probabilities: they have no interval of their own."""
        self.put(places, measure, "share", np.stack([plain, value, value], axis=-1), np.ones((len(value), 1)))

    def frame(self) -> pd.DataFrame:
        """Return the figures; those of one place stand together, places in the order in which they came."""
        if not self.parts:
            return pd.DataFrame(columns=[*self.dimensions, *FIGURE_COLUMNS])
        whole = pd.concat(self.parts, ignore_index=True)
        places = whole.groupby(list(self.dimensions), sort=False, dropna=False).ngroup()
        return whole.iloc[np.argsort(places, kind="stable")].reset_index(drop=True)


def distinct(rows: pd.DataFrame, *by: str) -> pd.DataFrame:
    """Return one row a company (and value of ``by``)."""
    return rows.drop_duplicates(["company", *by])


def growth_of(sums: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Return growth from the first of two years to the second, shape (1, ..., 2 + draws).

    ``counts`` are the companies or events that the sums rest on. Where fewer than one is expected in the first year
    the corrected growth is NaN; a draw that has none there grows without bound.
    """
    growth = ratio(sums[1:], sums[:1]) - 1
    growth[..., 2:][(sums[:1, ..., 2:] == 0) & (sums[1:, ..., 2:] > 0)] = np.inf
    growth[..., 1][counts[:1, ..., 1] < 1] = np.nan
    return growth


def without_amount(rows: pd.DataFrame) -> list[str]:
    """Return a note on rows that have no amount, if there are any."""
    lacking = int(rows["amount_wan"].isna().sum())
    return [f"{lacking}条记录没有金额，不计入金额。"] if lacking else []


LISTED_BY_LABEL = "列出标注或预测为产业范围内的企业；产业范围内一列为其确实属于产业范围的概率。"


def plainly_in_scope(study: Study, rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of companies whose plain label is in scope."""
    rows = rows[rows["company"] >= 0]
    return rows[study.chances()[0][rows["company"]]]


def company_chances(study: Study, rows: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Return, for the company of each row, whether its plain label is in scope and how probable that is."""
    plain, value = study.chances()
    return plain[rows["company"]].astype(float), value[rows["company"]]


def names_of(study: Study, rows: pd.DataFrame) -> np.ndarray:
    """Return the name of each row's company."""
    return study.companies["name"].to_numpy()[rows["company"]]


def exact(values: pd.Series) -> np.ndarray:
    """Return facts as sums that no labelling changes, shape (rows, 3)."""
    return np.repeat(values.to_numpy(float)[:, None], 3, axis=1)


def put_parts(
    sheet: Sheet, places: Sequence[tuple], measures: Mapping[str, str], sums: np.ndarray, whole: np.ndarray
) -> None:
    """Put counts and their shares of a whole."""
    count, share = measures
    sheet.put(places, count, measures[count], sums)
    sheet.put(places, share, measures[share], ratio(sums, whole), np.broadcast_to(whole, sums.shape))


def with_totals(values: Sequence[str], sums: np.ndarray) -> tuple[list[str], np.ndarray]:
    """Return names and sums with the five largest and all together behind them; "" becomes `UNKNOWN`."""
    known = np.array([bool(value) for value in values])
    largest = np.argsort(-np.where(known, sums[:, 1], -1.0), kind="stable")[:5]
    whole = np.concatenate([sums, sums[largest].sum(axis=0, keepdims=True), sums.sum(axis=0, keepdims=True)])
    return [*(value or UNKNOWN for value in values), TOP_FIVE, TOTAL], whole


def and_total(sums: np.ndarray) -> np.ndarray:
    """Return sums by domain with all in scope behind them: shape (..., domains + 1, 2 + draws)."""
    return np.concatenate([sums, sums.sum(axis=-2, keepdims=True)], axis=-2)


def listings_of(study: Study, *channels: str, until: bool = False) -> pd.DataFrame:
    """Return the listings of the report's year (or all until its end) by these channels."""
    rows = study.frame("listings")
    years = rows["date"].dt.year
    chosen = years <= study.year if until else years == study.year
    return rows[rows["channel"].isin(channels) & chosen]


def day_text(value: Any) -> str:
    """Return a date as in 2020-07-16, or ""."""
    return "" if pd.isna(value) else f"{value:%Y-%m-%d}"
