"""What a reviewer should read next: the companies whose label, if it is wrong, moves the published numbers most.

The order is that of doubt x stake, spread over the labels:

- doubt is 1 - (p1 - p2), the margin between the two likeliest labels ("margin sampling": Scheffer, Decomain and Wrobel,
  "Active hidden Markov models for information extraction", 2001);
- the stake says how much of the report's tables hangs on the company: over every cell in which it counts, what it adds
  there, by the geometric mean of its share of the cell and of its share of the table, so that cells with small counts
  weigh more;
- the k-th company called by one label counts 1 / sqrt(k): what is read of one label says less and less.

`bench/reading.py` has what the order is worth, and what reading chosen companies does to corrected counts.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from classifier.domains import Scheme
from classifier.entries import Listing
from classifier.errors import LedgerError
from classifier.ledger import Ledger
from classifier.study import FIRST_OFFER
from classifier.tables import align

SPREAD = 0.5  # the k-th company of a group counts k ** -SPREAD; 0 is no spread
_SAID = (("domain", "probability"), ("runner_up", "runner_up_probability"))
ORDER_COLUMNS = ("domain", "probability", "runner_up", "runner_up_probability", "doubt", "stake", "before", "score")


@dataclass(frozen=True)
class Facts:
    """What tables are made from, in the columns of `classifier.study.Sources`.

    provinces : by company_id, "" or none where it is unknown
    events : company_id, date, group, amount_wan, published
    listings : company_id, date, channel, board, amount_wan
    """

    provinces: Mapping[str, str]
    events: pd.DataFrame | None = None
    listings: pd.DataFrame | None = None


class Opinions(NamedTuple):
    """What is known of all companies: probabilities by label (index company_id), and who needs no reading.

    A label that a person gave has the probability 1; ``settled`` companies have one, or are under dispute.
    """

    probabilities: pd.DataFrame
    settled: pd.Series


def order_reading(
    probabilities: pd.DataFrame, stake: pd.Series, *, groups: pd.Series | None = None, spread: float = SPREAD
) -> pd.DataFrame:
    """Return companies in the order in which to read them.

    Parameters
    ----------
    probabilities
        Index company_id, one column a label.
    stake
        How much hangs on each company, by company_id; 0 where there is none.
    groups
        Companies that resemble each other, by company_id (default: those with the same likeliest label).
    spread
        The k-th company of a group counts ``k ** -spread``.

    Returns
    -------
    frame
        Index company_id, `ORDER_COLUMNS`: ``before`` counts those of the same group that come earlier. The order is
        that of the greedy choice, one after the other, of the best score given what has been chosen.

    >>> probabilities = pd.DataFrame({"platform": [0.6, 0.9], "services": [0.4, 0.1]}, index=["海川", "光年"])
    >>> order_reading(probabilities, pd.Series({"光年": 8.0, "海川": 1.0}))["score"].round(2).to_dict()
    {'光年': 1.6, '海川': 0.57}
    """
    values, labels = probabilities.to_numpy(float), probabilities.columns.to_numpy()
    rows = np.arange(len(values))
    likeliest = values.argmax(axis=1)
    others = values.copy()
    others[rows, likeliest] = -1
    second = others.argmax(axis=1)
    first_share, second_share = values[rows, likeliest], values[rows, second]
    order = pd.DataFrame(
        {
            "domain": labels[likeliest],
            "probability": first_share,
            "runner_up": labels[second],
            "runner_up_probability": second_share,
            "doubt": 1 - (first_share - second_share),
            "stake": stake.reindex(probabilities.index).fillna(0.0).to_numpy(),
        },
        index=probabilities.index,
    )
    alone = order["doubt"].to_numpy() * order["stake"].to_numpy()
    group = likeliest if groups is None else pd.factorize(groups.reindex(probabilities.index))[0]
    before = _ranks(alone, group)
    # within a group scores fall, so that sorting them is the greedy choice
    order = order.assign(before=before, score=alone / (1.0 + before) ** spread)
    return order.iloc[np.argsort(-order["score"].to_numpy(), kind="stable")]


def _ranks(score: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return how many of its group have a higher score, or the same and an earlier place."""
    order = np.lexsort((-score, group))
    sizes = np.bincount(group + 1)  # -1 is the group of those that have none
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    ranks = np.empty(len(score), int)
    ranks[order] = np.arange(len(score)) - starts
    return ranks


class _Rows(NamedTuple):
    """Rows that count in the cells of a table: place of the company, cell, and what each adds there."""

    company: np.ndarray
    cell: np.ndarray
    amount: np.ndarray


def weigh_stakes(facts: Facts, in_scope: pd.Series, years: tuple[int, int]) -> pd.DataFrame:
    """Return how much of the tables of two years hangs on each company.

    Parameters
    ----------
    facts
        The events and listings that the tables are made from.
    in_scope
        How probable it is that a company is in scope, by company_id: what a cell probably sums to. Companies that are
        not here are in no table.
    years
        The year compared with, and the report's.

    Returns
    -------
    frame
        Index company_id: stake, events (venture events in both years), amount_wan (published, of events and first
        offers), cells (of tables in which the company counts, once a cell whatever its domain). A company that stands
        in no table has the little stake that the list of companies itself gives it.
    """
    ids, chance, size = in_scope.index, in_scope.to_numpy(float), len(in_scope)
    everyone = _Rows(np.arange(size), np.zeros(size, int), np.ones(size))
    stake, cells = _shares(everyone, chance), np.zeros(size, int)
    events, listings = _venture_events(facts, ids, years), _first_offers(facts, ids, years[1])
    for rows in [*_event_tables(events), *_listing_tables(listings)]:
        stake += _shares(rows, chance)
        cells += _cells(rows, size)
    count, amount = np.bincount(events["company"], minlength=size), np.zeros(size)
    for frame in (events, listings):
        amount += np.bincount(frame["company"], frame["amount_wan"].fillna(0), minlength=size)
    return pd.DataFrame({"stake": stake, "events": count, "amount_wan": amount, "cells": cells}, index=ids)


def _shares(rows: _Rows, chance: np.ndarray) -> np.ndarray:
    """Return by company the sum of what its rows add, each by the geometric mean of two shares: of cell and table."""
    likely = np.bincount(rows.cell, rows.amount * chance[rows.company])
    scale = np.sqrt(likely[rows.cell] * likely.sum())
    share = np.divide(rows.amount, scale, out=np.zeros(len(scale)), where=scale > 0)
    return np.bincount(rows.company, share, minlength=len(chance))


def _cells(rows: _Rows, size: int) -> np.ndarray:
    """Return by company the number of different cells."""
    width = int(rows.cell.max(initial=0)) + 1
    return np.bincount(np.unique(rows.company * width + rows.cell) // width, minlength=size)


def _venture_events(facts: Facts, ids: pd.Index, years: tuple[int, int]) -> pd.DataFrame:
    """Return company, year, month, province, group and published amount of the events that the tables count."""
    columns = ["company_id", "date", "group", "amount_wan", "published"]
    rows = pd.DataFrame(columns=columns) if facts.events is None else facts.events[columns]
    rows = rows[rows["group"] != "none"]
    rows = _placed(rows.assign(date=pd.to_datetime(rows["date"])), facts, ids)
    rows = rows[rows["year"].isin(years)]
    if facts.listings is not None:
        first = facts.listings[facts.listings["channel"] == FIRST_OFFER].groupby("company_id")["date"].min()
        rows = rows[~(rows["date"] >= pd.to_datetime(rows["company_id"].map(first)))]
    return rows.assign(amount_wan=rows["amount_wan"].astype(float).where(rows["published"].astype(bool)))


def _first_offers(facts: Facts, ids: pd.Index, year: int) -> pd.DataFrame:
    """Return company, board, province and amount of the first offers of a year."""
    columns = ["company_id", "date", "channel", "board", "amount_wan"]
    rows = pd.DataFrame(columns=columns) if facts.listings is None else facts.listings[columns]
    rows = rows[rows["channel"] == FIRST_OFFER]
    rows = _placed(rows.assign(date=pd.to_datetime(rows["date"])), facts, ids)
    return rows[rows["year"] == year].astype({"amount_wan": float})


def _placed(rows: pd.DataFrame, facts: Facts, ids: pd.Index) -> pd.DataFrame:
    """Return rows of known companies with the place of the company, its province, and the year."""
    company = ids.get_indexer(pd.Index(rows["company_id"]))
    rows = rows.assign(company=company, year=rows["date"].dt.year)[company >= 0]
    return rows.assign(province=[facts.provinces.get(company, "") for company in rows["company_id"].to_numpy(object)])


def _event_tables(events: pd.DataFrame) -> Iterator[_Rows]:
    """Yield what the tables of unlisted companies count: U6; U1, U2, U4 and U5; U7."""
    yield _rows(events.drop_duplicates(["company", "year"]), ["year"])
    yield _rows(events, ["year", events["date"].dt.month])
    yield _rows(events, ["year", "group"])
    yield _rows(events, ["year", "province"])
    yield _rows(events, ["year"], "amount_wan")


def _listing_tables(listings: pd.DataFrame) -> Iterator[_Rows]:
    """Yield what the tables of listed companies count: L4 and L9; L8; the amounts of L2 and L4."""
    yield _rows(listings, ["board"])
    yield _rows(listings, ["province"])
    yield _rows(listings, ["board"], "amount_wan")


def _rows(frame: pd.DataFrame, by: Sequence[Any], amount: str | None = None) -> _Rows:
    cell = frame.groupby(list(by), dropna=False).ngroup().to_numpy(int)
    added = np.ones(len(frame)) if amount is None else frame[amount].to_numpy(float)
    known = added > 0
    return _Rows(frame["company"].to_numpy(int)[known], cell[known], added[known])


def read_queue(
    ledger: Ledger, scheme: Scheme, *, years: tuple[int, int] | None = None, limit: int | None = None
) -> pd.DataFrame:
    """Return the companies of a ledger that no person has labelled, in the order in which to read them.

    Parameters
    ----------
    years
        The year compared with, and the report's (default: the last with an event or listing, and the one before).
    limit
        How many companies at most (default: all).

    Returns
    -------
    frame
        Index company_id: `ORDER_COLUMNS`, then events, amount_wan and cells of `weigh_stakes`. Companies without a
        prediction under the scheme, with a person's label or under an open dispute are left out.

    Raises
    ------
    LedgerError
        If no company has a prediction.
    """
    with ledger.reading():
        opinions, facts = read_opinions(ledger, scheme), read_facts(ledger)
    if opinions.probabilities.empty:
        raise LedgerError(f"{ledger.path}: no company has a prediction; score some with gonglian track")
    in_scope = 1 - opinions.probabilities[scheme.out_of_scope]
    stakes = weigh_stakes(facts, in_scope, years or _latest_years(facts))
    order = order_reading(opinions.probabilities, stakes["stake"].where(~opinions.settled, 0.0))
    order = order[~opinions.settled[order.index]][:limit]  # they scored 0, so that they stood before nobody
    return order.join(stakes[["events", "amount_wan", "cells"]])


def _latest_years(facts: Facts) -> tuple[int, int]:
    frames = [frame for frame in (facts.events, facts.listings) if frame is not None and len(frame)]
    last = max((pd.to_datetime(frame["date"]).max().year for frame in frames), default=0)
    return last - 1, last


# in the ledger's own tables: rows as tuples take half the time of `Ledger.current_predictions` and the like
_PREDICTIONS = (
    "SELECT company_id, probabilities FROM descriptions d JOIN predictions USING (description_id)"
    " WHERE scheme = ? ORDER BY d.dated, d.description_id, prediction_id"
)
_LABELS = "SELECT company_id, code FROM labels ORDER BY label_id"
_EVENTS = 'SELECT company_id, date, round, "group", amount_wan, published FROM events ORDER BY event_id'


def read_opinions(ledger: Ledger, scheme: Scheme) -> Opinions:
    """Return what is known of the companies that have a person's label, or a prediction under this scheme."""
    codes = list(scheme.codes)
    labels = dict(_select(ledger, _LABELS))
    said = {company: text for company, text in _select(ledger, _PREDICTIONS, scheme.version) if company not in labels}
    rows = json.loads(f"[{','.join(said.values())}]")  # all at once: half the time of one by one
    shares = np.fromiter(chain.from_iterable(map(itemgetter(*codes), rows)), float, len(rows) * len(codes))
    certain = np.array(list(labels.values()), object)[:, None] == np.array(codes, object)
    ids = pd.Index([*labels, *said], name="company_id")
    probabilities = pd.DataFrame(np.concatenate([certain, shares.reshape(-1, len(codes))]), ids, codes)
    settled = {*labels, *(dispute.company_id for dispute in ledger.disputes("open"))}
    return Opinions(probabilities, pd.Series(ids.isin(settled), ids))


def read_facts(ledger: Ledger) -> Facts:
    """Return the provinces of a ledger's companies, and the newest revision of events and listings."""
    provinces = dict(_select(ledger, "SELECT company_id, province FROM regions ORDER BY region_id"))
    columns = ["company_id", "date", "round", "group", "amount_wan", "published"]
    events = pd.DataFrame(_select(ledger, _EVENTS), columns=columns)
    events = events.drop_duplicates(["company_id", "date", "round"], keep="last")
    listings = pd.DataFrame(ledger.listings(), columns=list(Listing._fields))
    return Facts(provinces, events, listings)


def _select(ledger: Ledger, query: str, *values: str) -> list[tuple]:
    return ledger.fetch(query, *values)


def to_records(ledger: Ledger, queue: pd.DataFrame) -> list[dict[str, Any]]:
    """Return the rows of a queue with the companies' names, for JSON."""
    rows = ({str(column): cell for column, cell in row.items()} for row in queue.reset_index().to_dict("records"))
    return [{"name": ledger.company(row["company_id"]).name, **row} for row in rows]


def to_text(ledger: Ledger, queue: pd.DataFrame, scheme: Scheme) -> str:
    """Return a queue as a table for a terminal: what the model says, and what hangs on it."""
    if queue.empty:
        return "nothing to read: a person has labelled every company that has a prediction, or it is under dispute"
    heads = ["company", "name", "label", "or", "doubt", "events", "万元", "cells"]
    return align([heads, *(_line(row, scheme) for row in to_records(ledger, queue))])


def _line(row: dict[str, Any], scheme: Scheme) -> list[str]:
    said = (f"{scheme.name(row[label])} {row[share]:.2f}" for label, share in _SAID)
    stake = (str(row["events"]), f"{row['amount_wan']:,.0f}", str(row["cells"]))
    return [row["company_id"], row["name"], *said, f"{row['doubt']:.2f}", *stake]
