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
import re
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from itertools import repeat
from typing import Any, NamedTuple, Protocol

import numpy as np

from classifier.domains import Scheme
from classifier.entries import FIRST_OFFER, Listing
from classifier.errors import LedgerError
from classifier.ledger import Ledger
from classifier.tables import align

SPREAD = 0.5  # the k-th company of a group counts k ** -SPREAD; 0 is no spread
_SAID = (("domain", "probability"), ("runner_up", "runner_up_probability"))
_NEVER = np.datetime64("9999-12-31")


class Columns(Protocol):
    """Arrays by name, be it a dict or a frame."""

    def __getitem__(self, name: str, /) -> Any:
        """Return a column."""


NOTHING: Columns = dict.fromkeys(
    ("company_id", "date", "group", "amount_wan", "published", "channel", "board"), np.empty(0, object)
)


class Facts(NamedTuple):
    """What tables are made from, in the columns of `classifier.study.Sources`.

    provinces : by company_id, "" or none where it is unknown
    events : company_id, date, group, amount_wan, published
    listings : company_id, date, channel, board, amount_wan
    """

    provinces: Mapping[Any, str]
    events: Columns = NOTHING
    listings: Columns = NOTHING


class Opinions(NamedTuple):
    """What is known of all companies: probabilities (companies, labels), and who needs no reading.

    A label that a person gave has the probability 1; ``settled`` companies have one, or are under dispute.
    """

    companies: list[str]
    probabilities: np.ndarray
    settled: np.ndarray


class Order(NamedTuple):
    """Companies, an entry each, the first to read first.

    place : of the company among those that were given
    domain, runner_up : columns of its two likeliest labels
    before : how many of the same group come earlier
    """

    place: np.ndarray
    domain: np.ndarray
    probability: np.ndarray
    runner_up: np.ndarray
    runner_up_probability: np.ndarray
    doubt: np.ndarray
    stake: np.ndarray
    before: np.ndarray
    score: np.ndarray


class Stakes(NamedTuple):
    """What hangs on companies, an entry each, in the order in which they were given.

    events : venture events in both years
    amount_wan : published, of events and first offers
    cells : of tables in which the company counts, once a cell whatever its domain
    """

    stake: np.ndarray
    events: np.ndarray
    amount_wan: np.ndarray
    cells: np.ndarray


class Candidate(NamedTuple):
    """A company that is to be read: what the model says, and what hangs on it; see `Order` and `Stakes`."""

    company_id: str
    domain: str
    probability: float
    runner_up: str
    runner_up_probability: float
    doubt: float
    stake: float
    before: int
    score: float
    events: int
    amount_wan: float
    cells: int


def order_reading(
    probabilities: np.ndarray, stake: np.ndarray, *, groups: Iterable[Hashable] | None = None, spread: float = SPREAD
) -> Order:
    """Return companies in the order in which to read them.

    Parameters
    ----------
    probabilities : (companies, labels)
    stake : (companies,)
        How much hangs on each.
    groups : (companies,)
        Companies that resemble each other have the same value (default: those with the same likeliest label).
    spread
        The k-th company of a group counts ``k ** -spread``.

    Returns
    -------
    order
        That of the greedy choice, one after the other, of the best score given what has been chosen.

    >>> probabilities = np.array([[0.6, 0.4], [0.9, 0.1]])
    >>> order = order_reading(probabilities, np.array([1.0, 8.0]))
    >>> order.place.tolist(), order.score.round(2).tolist()
    ([1, 0], [1.6, 0.57])
    """
    rows = np.arange(len(probabilities))
    likeliest = probabilities.argmax(axis=1)
    others = probabilities.copy()
    others[rows, likeliest] = -1
    second = others.argmax(axis=1)
    first_share, second_share = probabilities[rows, likeliest], probabilities[rows, second]
    doubt = 1 - (first_share - second_share)
    alone = doubt * stake
    before = _ranks(alone, likeliest if groups is None else _numbers(groups))
    score = alone / (1.0 + before) ** spread  # within a group scores fall: sorting them is the greedy choice
    order = np.argsort(-score, kind="stable")
    columns = (rows, likeliest, first_share, second, second_share, doubt, stake, before, score)
    return Order(*(column[order] for column in columns))


def _ranks(score: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Return how many of its group have a higher score, or the same and an earlier place."""
    order = np.lexsort((-score, group))
    sizes = np.bincount(group)
    starts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    ranks = np.empty(len(score), int)
    ranks[order] = np.arange(len(score)) - starts
    return ranks


def _numbers(values: Iterable[Hashable]) -> np.ndarray:
    """Return numbers from 0 that are the same where the values are."""
    values = list(values)
    numbers = {value: number for number, value in enumerate(dict.fromkeys(values))}
    return np.fromiter(map(numbers.__getitem__, values), int, len(values))


class _Rows(NamedTuple):
    """Rows that count in the cells of a table: place of the company, cell, and what each adds there."""

    company: np.ndarray
    cell: np.ndarray
    amount: np.ndarray


class _Placed(NamedTuple):
    """Events or first offers of known companies; ``kind`` numbers groups or boards, amounts may be NaN."""

    company: np.ndarray
    day: np.ndarray
    kind: np.ndarray
    province: np.ndarray
    amount_wan: np.ndarray

    @property
    def year(self) -> np.ndarray:
        return _year(self.day)

    def where(self, held: np.ndarray) -> "_Placed":
        """Return some of the rows."""
        return _Placed(*(column[held] for column in self))


def _year(day: np.ndarray) -> np.ndarray:
    return day.astype("datetime64[Y]").astype(int) + 1970


def weigh_stakes(facts: Facts, companies: Sequence[Hashable], in_scope: np.ndarray, years: tuple[int, int]) -> Stakes:
    """Return how much of the tables of two years hangs on each company.

    Parameters
    ----------
    facts
        The events and listings that the tables are made from.
    companies
        Their ids. Companies that are not here are in no table.
    in_scope : (companies,)
        How probable it is that each is in scope: what a cell probably sums to.
    years
        The year compared with, and the report's.

    Returns
    -------
    stakes
        A company that stands in no table has the little stake that the list of companies itself gives it.
    """
    size, places = len(companies), {company: place for place, company in enumerate(companies)}
    everyone = _Rows(np.arange(size), np.zeros(size, int), np.ones(size))
    stake, cells = _shares(everyone, in_scope), np.zeros(size, int)
    offers = _first_offers(facts, places)
    events, offers = _venture_events(facts, places, years, offers), offers.where(offers.year == years[1])
    for rows in [*_event_tables(events), *_listing_tables(offers)]:
        stake += _shares(rows, in_scope)
        cells += _cells(rows, size)
    count, amount = np.bincount(events.company, minlength=size), np.zeros(size)
    for placed in (events, offers):
        amount += np.bincount(placed.company, np.nan_to_num(placed.amount_wan), minlength=size)
    return Stakes(stake, count, amount, cells)


def _shares(rows: _Rows, chance: np.ndarray) -> np.ndarray:
    """Return by company the sum of what its rows add, each by the geometric mean of two shares: of cell and table."""
    likely = np.bincount(rows.cell, rows.amount * chance[rows.company])
    scale = np.sqrt(likely[rows.cell] * likely.sum())
    share = np.divide(rows.amount, scale, out=np.zeros(len(scale)), where=scale > 0)
    return np.bincount(rows.company, share, minlength=len(chance))


def _cells(rows: _Rows, size: int) -> np.ndarray:
    """Return by company the number of different cells."""
    return np.bincount(rows.company[_firsts(_combine(rows.company, rows.cell))], minlength=size)


def _firsts(key: np.ndarray) -> np.ndarray:
    """Return where each number, 0 or more, stands first."""
    order = np.argsort(key, kind="stable")  # np.unique would load all of numpy.ma
    return np.sort(order[np.diff(key[order], prepend=-1) > 0])


def _first_offers(facts: Facts, places: Mapping[Hashable, int]) -> _Placed:
    """Return the listings by which known companies came to the stock exchange."""
    offers = _place(facts, facts.listings, "board", places)
    return offers.where(_is(facts.listings, "channel", FIRST_OFFER) & (offers.company >= 0))


def _venture_events(facts: Facts, places: Mapping[Hashable, int], years: tuple[int, int], offers: _Placed) -> _Placed:
    """Return the events of known companies that the tables count, with their published amounts."""
    events = _place(facts, facts.events, "group", places)
    first = np.full(len(places), _NEVER)
    np.fmin.at(first, offers.company, offers.day)
    counted = ~_is(facts.events, "group", "none") & (events.company >= 0) & np.isin(events.year, years)
    counted &= ~(events.day >= first[events.company])
    published = np.where(_is(facts.events, "published", True), events.amount_wan, np.nan)
    return events._replace(amount_wan=published).where(counted)


def _is(columns: Columns, name: str, value: Hashable) -> np.ndarray:
    """Tell of every row whether it has this value."""
    return np.asarray(columns[name]) == value


def _place(facts: Facts, columns: Columns, kind: str, places: Mapping[Hashable, int]) -> _Placed:
    """Return all rows; those of unknown companies have the place -1."""
    companies = np.asarray(columns["company_id"]).tolist()
    return _Placed(
        np.fromiter(map(places.get, companies, repeat(-1)), int, len(companies)),
        np.asarray(columns["date"]).astype("datetime64[D]"),
        _numbers(columns[kind]),
        _numbers(map(facts.provinces.get, companies, repeat(""))),
        np.asarray(columns["amount_wan"], float),
    )


def _event_tables(events: _Placed) -> Iterator[_Rows]:
    """Yield what the tables of unlisted companies count: U6; U1, U2, U4 and U5; U7."""
    once = events.where(_firsts(_combine(events.company, events.year)))
    yield _rows(once, once.year)
    yield _rows(events, events.day.astype("datetime64[M]").astype(int))
    yield _rows(events, _combine(events.year, events.kind))
    yield _rows(events, _combine(events.year, events.province))
    yield _rows(events, events.year, events.amount_wan)


def _listing_tables(offers: _Placed) -> Iterator[_Rows]:
    """Yield what the tables of listed companies count: L4 and L9; L8; the amounts of L2 and L4."""
    yield _rows(offers, offers.kind)
    yield _rows(offers, offers.province)
    yield _rows(offers, offers.kind, offers.amount_wan)


def _combine(first: np.ndarray, second: np.ndarray) -> np.ndarray:
    """Return numbers that are the same where both are."""
    return first * (second.max(initial=0) + 1) + second


def _rows(placed: _Placed, key: np.ndarray, amount: np.ndarray | None = None) -> _Rows:
    """Return what counts in the cells that the key tells apart."""
    cell = key - (key.min() if len(key) else 0)
    added = np.ones(len(key)) if amount is None else amount
    known = added > 0
    return _Rows(placed.company[known], cell[known], added[known])


def read_queue(
    ledger: Ledger, scheme: Scheme, *, years: tuple[int, int] | None = None, limit: int | None = None
) -> list[Candidate]:
    """Return the companies of a ledger that no person has labelled, in the order in which to read them.

    Companies without a prediction under the scheme, with a person's label or under an open dispute are left out.

    Parameters
    ----------
    years
        The year compared with, and the report's (default: the last with an event or listing, and the one before).
    limit
        How many companies at most (default: all).

    Raises
    ------
    LedgerError
        If no company has a prediction.
    """
    with ledger.reading():
        companies, probabilities, settled = read_opinions(ledger, scheme)
        years = years or _latest_years(ledger)
        facts = read_facts(ledger, years)
    if not companies:
        raise LedgerError(f"{ledger.path}: no company has a prediction; score some with gonglian track")
    in_scope = 1 - probabilities[:, scheme.codes.index(scheme.out_of_scope)]
    stakes = weigh_stakes(facts, companies, in_scope, years)
    order = order_reading(probabilities, np.where(settled, 0.0, stakes.stake))
    chosen = np.flatnonzero(~settled[order.place])[:limit]  # the settled scored 0, so that they stood before nobody
    return list(_candidates(companies, scheme.codes, [column[chosen] for column in order], stakes))


def _candidates(
    companies: Sequence[str], codes: Sequence[str], chosen: Sequence[np.ndarray], stakes: Stakes
) -> Iterator[Candidate]:
    hanging = (column[chosen[0]].tolist() for column in stakes[1:])
    for place, domain, share, rival, *rest in zip(*(column.tolist() for column in chosen), *hanging, strict=True):
        yield Candidate(companies[place], codes[domain], share, codes[rival], *rest)


# in the ledger's own tables: rows as tuples take half the time of `Ledger.current_predictions` and the like
_PREDICTIONS = (
    "SELECT company_id, probabilities FROM descriptions d CROSS JOIN predictions USING (description_id)"
    " WHERE scheme = ? ORDER BY d.dated, d.description_id, prediction_id"
)
_LABELS = "SELECT company_id, code FROM labels ORDER BY label_id"
_LAST_DAY = (
    "SELECT max(date) FROM (SELECT date FROM events UNION ALL SELECT date FROM listings) WHERE date GLOB '[0-9]*'"
)
_EVENTS = (
    'SELECT company_id, date, round, "group", amount_wan, published FROM events'
    " WHERE substr(date, 1, 4) IN (?, ?) ORDER BY event_id"
)
_PROVINCES = "SELECT company_id, province FROM regions ORDER BY region_id"


def _latest_years(ledger: Ledger) -> tuple[int, int]:
    [(day,)] = ledger.fetch(_LAST_DAY)
    last = int(day[:4]) if day else 0
    return last - 1, last


def read_opinions(ledger: Ledger, scheme: Scheme) -> Opinions:
    """Return what is known of the companies that have a person's label, or a prediction under this scheme."""
    labels, said = dict(ledger.fetch(_LABELS)), dict(ledger.fetch(_PREDICTIONS, scheme.version))
    for company in labels:
        said.pop(company, None)
    certain = np.array(list(labels.values()), object)[:, None] == np.array(scheme.codes, object)
    companies = [*labels, *said]
    settled = {*labels, *(dispute.company_id for dispute in ledger.disputes("open"))}
    return Opinions(
        companies,
        np.concatenate([certain, read_shares(list(said.values()), scheme.codes)]),
        np.fromiter(map(settled.__contains__, companies), bool, len(companies)),
    )


def read_facts(ledger: Ledger, years: tuple[int, int]) -> Facts:
    """Return the newest revision of the events of two years and of all listings, and their companies' provinces."""
    events = {row[:3]: row for row in ledger.fetch(_EVENTS, *map(str, years))}  # by company, date and round
    listings = ledger.listings()
    return Facts(
        dict(ledger.fetch(_PROVINCES)) if events or listings else {},
        _columns(events.values(), ("company_id", "date", "round", "group", "amount_wan", "published")),
        _columns(listings, Listing._fields),
    )


def _columns(rows: Iterable[Sequence[Any]], names: Sequence[str]) -> dict[str, np.ndarray]:
    cells = np.array(list(rows), object).reshape(-1, len(names))
    return dict(zip(names, cells.T, strict=True))


def read_shares(said: Sequence[str], codes: Sequence[str]) -> np.ndarray:
    """Return probabilities (texts, labels) from JSON objects with a number a code.

    >>> read_shares(['{"platform":0.75,"security":0.25}', '{"security":1.0,"platform":1e-06}'], ["platform"])
    array([[7.5e-01],
           [1.0e-06]])
    """
    shares = _read_alike(said, codes)
    if shares is not None:
        return shares
    rows = json.loads(f"[{','.join(said)}]")
    return np.array([[row[code] for code in codes] for row in rows], float).reshape(-1, len(codes))


def _read_alike(said: Sequence[str], codes: Sequence[str]) -> np.ndarray | None:
    """Return what `read_shares` does in half the time, where all objects have the same keys in the same order."""
    keys = list(json.loads(said[0])) if said else []
    if not keys or not set(codes) <= set(keys) or not all(re.fullmatch("[a-z_]+", key) for key in keys):
        return None
    text = "".join(said).encode().replace(b"e-", b"E-")
    form = "{" + ",".join(f'"{key}":' for key in keys) + "}"
    if text.translate(None, b"0123456789.E-") != form.encode() * len(said):
        return None
    numbers = text.translate(None, b'abcdefghijklmnopqrstuvwxyz_":{').replace(b"}", b",")
    return np.fromstring(numbers[:-1], sep=",").reshape(-1, len(keys))[:, [keys.index(code) for code in codes]]


def to_records(ledger: Ledger, queue: Iterable[Candidate]) -> list[dict[str, Any]]:
    """Return the rows of a queue with the companies' names, for JSON."""
    return [{"name": ledger.company(one.company_id).name, **one._asdict()} for one in queue]


def to_text(ledger: Ledger, queue: Sequence[Candidate], scheme: Scheme) -> str:
    """Return a queue as a table for a terminal: what the model says, and what hangs on it."""
    if not queue:
        return "nothing to read: a person has labelled every company that has a prediction, or it is under dispute"
    heads = ["company", "name", "label", "or", "doubt", "events", "万元", "cells"]
    return align([heads, *(_line(row, scheme) for row in to_records(ledger, queue))])


def _line(row: dict[str, Any], scheme: Scheme) -> list[str]:
    said = (f"{scheme.name(row[label])} {row[share]:.2f}" for label, share in _SAID)
    stake = (str(row["events"]), f"{row['amount_wan']:,.0f}", str(row["cells"]))
    return [row["company_id"], row["name"], *said, f"{row['doubt']:.2f}", *stake]
