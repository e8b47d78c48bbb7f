"""Companies and financing events of new files into the ledger: matched or added, then scored.

A row finds its company by code, else by full name, else by normalised short name (`classifier.names`). What may mean
two companies is left to a person, and nothing is added for it. Rows are taken in an order of their contents, those that
say most of a company first, so that the order of a file does not matter; and what was taken once changes nothing when
it comes again. A person's label stands whatever the model says: one that is sure of another opens a dispute. Companies
that the files do not name are not scored anew, whatever the model.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from classifier.domains import Scheme
from classifier.entries import Added, Description, Event, NewPrediction, PersonLabel, Prediction
from classifier.errors import InputError
from classifier.finance import Rates, read_rates
from classifier.identifiers import check_credit_code, check_stock_code, plain_credit_code, plain_stock_code
from classifier.ledger import PROGRAM, Ledger
from classifier.names import Match, NameIndex
from classifier.records import plain_header, valid_text
from classifier.scoring import Scorer, encode_texts
from classifier.sources import (
    NEEDED,
    NOBODY,
    WANTED,
    Grid,
    Problem,
    descriptions_of,
    read_codes,
    read_grid,
    regions_of,
    understand_events,
)
from classifier.tables import align

if TYPE_CHECKING:
    import pandas as pd

TOLERANCE = 2e-6  # engines agree on probabilities within 1e-6, and the ledger keeps six digits
SHOWN = 20  # rows of a kind that are printed

_CREDIT_HEADERS = ("统一社会信用代码", "统一信用代码", "信用代码")
_STOCK_HEADERS = ("证券代码", "股票代码")
_ID_HEADERS = ("company_id", "企业代码", "code")  # of the ledger, or either code
_REGISTERED = re.compile(r"(?:公司|合伙(?:企业)?[)）]?|\b(?:ltd|inc|limited)\.?)$", re.IGNORECASE)
_EVENT_COLUMNS = ("date", "round", "amount")


class Outcome(NamedTuple):
    """What a file did to a company.

    ``change``: "new", "changed" (another newest description) or "unchanged". ``before``: the domain that counted, by a
    person's ``label`` or else the last prediction, and ``by`` whom; "" if there was none. ``domain``, ``probability``,
    ``status`` and ``reason``: what the model says now, "" of a company without description; ``scored``: it did not
    say so before. ``dispute_id``: of the dispute that the model opened against the label.
    """

    company_id: str
    name: str
    change: str
    new_names: tuple[str, ...]
    before: str
    by: str
    label: str
    domain: str
    probability: float
    status: str
    reason: str
    scored: bool
    dispute_id: int | None


@dataclass(frozen=True)
class Tracked:
    """What files did to the ledger: one outcome a company and file, in the order of being taken."""

    rows: int
    outcomes: tuple[Outcome, ...]
    ambiguous: tuple[Problem, ...]
    problems: tuple[Problem, ...]
    events: Added

    @property
    def new(self) -> list[Outcome]:
        """Return the companies that were added."""
        return [one for one in self.outcomes if one.change == "new"]

    @property
    def changed(self) -> list[Outcome]:
        """Return known companies with another newest description."""
        return [one for one in self.outcomes if one.change == "changed"]

    @property
    def unchanged(self) -> list[Outcome]:
        """Return known companies with the description that was known."""
        return [one for one in self.outcomes if one.change == "unchanged"]

    @property
    def renamed(self) -> list[Outcome]:
        """Return known companies with names that were not known."""
        return [one for one in self.outcomes if one.change != "new" and one.new_names]

    @property
    def without_text(self) -> list[Outcome]:
        """Return the companies that were added and have no description."""
        return [one for one in self.new if not one.domain]

    @property
    def changed_domain(self) -> list[Outcome]:
        """Return the companies of which the model says now that they are elsewhere than where they counted."""
        return [one for one in self.outcomes if one.scored and one.before not in ("", one.domain)]

    @property
    def to_review(self) -> list[Outcome]:
        """Return the companies without a person's label of which the model is newly in doubt."""
        return [one for one in self.outcomes if one.scored and one.status == "review" and not one.label]

    @property
    def reviews_opened(self) -> list[Outcome]:
        """Return the companies whose label the model disputes."""
        return [one for one in self.outcomes if one.dispute_id is not None]


class _Row(NamedTuple):
    """What a row says of a company.

    ``given`` is an id of the ledger; the region is ``told`` if more than the company's name says it.
    """

    number: int
    code: str
    stock_code: str
    given: str
    full_name: str
    name: str
    province: str
    city: str
    text: str
    told: bool

    @property
    def sound(self) -> list[str]:
        """Return the codes that have no fault."""
        faults = check_credit_code(self.code), check_stock_code(self.stock_code)
        return [code for code, fault in zip((self.code, self.stock_code), faults, strict=True) if not fault]

    @property
    def is_named(self) -> bool:
        """Return whether the row says of which company it is."""
        return bool(self.sound or self.given or self.full_name or self.name)

    @property
    def own(self) -> set[str]:
        """Return what tells the company from others of its short name, if anything does."""
        return set(filter(None, [self.full_name or self.code or self.stock_code]))

    @property
    def rank(self) -> tuple[Any, ...]:
        """Return the place among rows: with a code, with a full name, others; never by the number."""
        return not (self.code or self.stock_code or self.given), not self.full_name, self[1:]


def read_tracked(path: str, *, events: bool = False, **options: Any) -> Grid:
    """Return a file of companies or, with ``events``, of financing events; ``options`` are those of `open_table`.

    Raises
    ------
    InputError
        If it cannot be read, or no column names companies or, with ``events``, date and round.
    """
    wanted = dict.fromkeys((*WANTED["companies"], *WANTED["events"]))
    grid = read_grid(path, wanted, NEEDED["events"] if events else (), **options)
    if not {"company_id", "name", "full_name"} & set(grid.columns):
        raise InputError(
            f"{path}: no column with names or codes of companies; found {', '.join(grid.others)}. "
            "Name one of them 企业名称 or 统一社会信用代码"
        )
    return grid


def track(
    ledger: Ledger,
    grids: Iterable[Grid],
    scorer: Scorer,
    *,
    source: str = "",
    dated: date | None = None,
    rates: Rates | None = None,
) -> Tracked:
    """Take files into the ledger, each in one transaction, and return what they did.

    Rows of a file with columns for date and round are financing events as well; a company that is known from an event
    alone is added without description. Labels in a column 人工标签 are those of the source.

    Parameters
    ----------
    grids
        Of `read_tracked`; problems are added to them.
    source
        Where the files are from (default: the name of each).
    dated
        The day of the descriptions (default: today).
    rates
        Of the amounts of events (default: the shipped ones).
    """
    done = [_track(ledger, grid, scorer, source or Path(grid.path).name, dated, rates) for grid in grids]
    return Tracked(
        sum(one.rows for one in done),
        tuple(outcome for one in done for outcome in one.outcomes),
        tuple(problem for one in done for problem in one.ambiguous),
        tuple(problem for one in done for problem in one.problems),
        Added(*(sum(counts) for counts in zip(*(one.events for one in done), strict=True))) if done else Added(0, 0, 0),
    )


def _track(ledger: Ledger, grid: Grid, scorer: Scorer, source: str, dated: date | None, rates: Rates | None) -> Tracked:
    """Take one file, or nothing of it."""
    rows = list(_read_rows(grid))
    codes = read_codes(grid, "label", scorer.scheme)
    understood = _read_events(grid, rates or read_rates()) if {"date", "round"} <= set(grid.columns) else None
    with ledger.atomic():
        file = _File(ledger, grid, rows, source)
        file.take_rows()
        file.take_descriptions(dated)
        file.take_labels(codes)
        events = ledger.add_events([] if understood is None else file.events(understood), source=source)
        outcomes = tuple(_form_outcomes(ledger, file, scorer))
    return Tracked(grid.rows, outcomes, tuple(file.ambiguous), tuple(grid.problems), events)


# rows


def _read_rows(grid: Grid) -> Iterator[_Row]:
    """Yield the rows that name a company; others and faulty codes are problems."""
    told = zip(_cells(grid.texts("full_name")), _cells(grid.texts("name")), strict=True)
    names = [_read_names(full_name, name) for full_name, name in told]
    places = regions_of(grid, [full_name for full_name, _ in names])
    texts = descriptions_of(grid) or [""] * grid.rows
    columns = (
        *(_column(grid, headers) for headers in (_CREDIT_HEADERS, _STOCK_HEADERS, _ID_HEADERS)),
        places["province"],
        places["city"],
        _cells(" ".join(text.split()) for text in texts),
        map(any, zip(*(grid.texts(column) for column in ("province", "city", "address")), strict=True)),
    )
    for number, (both, *cells) in enumerate(zip(names, *columns, strict=True), 1):
        codes = _read_codes(grid, number, *cells[:3])
        row = _Row(number, *codes, *both, *cells[3:])
        if row.is_named:
            yield row
        else:
            grid.report(number, "name", "", "has neither a name nor a sound code of a company; fill in one of them")


def _column(grid: Grid, headers: Sequence[str]) -> list[str]:
    """Return the cells of the first column with one of these headers, empty ones if there is none."""
    heads = {plain_header(header): header for header in reversed(grid.others)}
    found = next((heads[head] for head in headers if head in heads), None)
    if found is None:
        return [""] * grid.rows
    return _cells(Grid(grid.path, {found: grid.others[found]}, {}, grid.rows).texts(found))


def _cells(texts: Iterable[str]) -> list[str]:
    """Return texts that a database can hold; those that stand for nothing are empty."""
    return ["" if text in NOBODY else _clean(text) for text in texts]


def _clean(text: str) -> str:
    return valid_text(text).replace("\0", "").strip()


def _read_codes(grid: Grid, number: int, code: str, stock_code: str, given: str) -> tuple[str, str, str]:
    """Return both codes and an id of the ledger; faulty codes are kept and reported."""
    if given and not check_credit_code(given):
        code, given = code or given, ""
    elif given and not check_stock_code(given):
        stock_code, given = stock_code or given, ""
    for text, fault in ((code, check_credit_code(code)), (stock_code, check_stock_code(stock_code))):
        if text and fault:
            grid.report(number, "company_id", text, f"{fault}; kept, and flagged as faulty")
    return plain_credit_code(code), plain_stock_code(stock_code), given


def _read_names(full_name: str, name: str) -> tuple[str, str]:
    """Return full and short name; one name for both is the full one if it ends so.

    >>> _read_names("", "浙江光年科技有限公司"), _read_names("光年", "光年"), _read_names("光年大厦", "光年")
    (('浙江光年科技有限公司', ''), ('', '光年'), ('光年大厦', '光年'))
    """
    if full_name and name and full_name != name:
        return full_name, name
    only = full_name or name
    return (only, "") if _REGISTERED.search(only) else ("", only)


def _read_events(grid: Grid, rates: Rates) -> "pd.DataFrame":
    """Return the events of all rows; companies of a list of which no event is told are no problem."""
    events = understand_events(grid, rates)
    told = zip(*(grid.texts(column) for column in _EVENT_COLUMNS), strict=True)
    listed = bool(descriptions_of(grid))
    silent = {number for number, cells in enumerate(told, 1) if listed and not any(cells)}
    grid.problems[:] = [
        problem for problem in grid.problems if problem.row not in silent or problem.column not in _EVENT_COLUMNS
    ]
    return events


# companies


class _Names(NameIndex):
    """The names of the ledger, and those that are learnt from a file."""

    def __init__(self, names: Sequence[tuple[str, str]]) -> None:
        super().__init__(names)
        self._known = set(names)

    def learn(self, company_id: str, names: Iterable[str]) -> tuple[str, ...]:
        """Add names of a company; return those that are new."""
        new = tuple(name for name in names if name and (company_id, name) not in self._known)
        for name in new:
            self._known.add((company_id, name))
            self.add(company_id, name)
        return new


@dataclass
class _Visit:
    """What a file says of a company, and which description it had before."""

    is_new: bool
    latest: Description | None
    texts: dict[str, int] = field(default_factory=dict)  # with the number of its row
    new_names: tuple[str, ...] = ()


class _File:
    """A file on its way into the ledger."""

    def __init__(self, ledger: Ledger, grid: Grid, rows: Sequence[_Row], source: str) -> None:
        self.ledger, self.grid, self.source = ledger, grid, source
        known = filter(lambda row: row.is_named, map(self._with_known_id, rows))
        self.rows = sorted(known, key=lambda row: row.rank)
        self.names = _Names(ledger.all_names())
        self.rivals: defaultdict[str, set[str]] = defaultdict(set)  # by short name: what tells its companies apart
        for row in self.rows:
            self.rivals[row.name] |= row.own
        self.visits: dict[str, _Visit] = {}
        self.placed: dict[int, str] = {}  # company_id by row
        self.ambiguous: list[Problem] = []

    def take_rows(self) -> None:
        """Match or add the company of every row; what is ambiguous waits for what the others teach."""
        waiting = self.rows
        while True:
            found = [(row, self._take(row)) for row in waiting]
            doubtful = [(row, match) for row, match in found if match.rule == "ambiguous"]
            if len(doubtful) == len(waiting):
                break
            waiting = [row for row, _ in doubtful]
        self.ambiguous = sorted(self._doubt(row, match) for row, match in doubtful)

    def take_descriptions(self, dated: date | None) -> None:
        """Add the descriptions that are new; of several of one day, the longest comes last and counts."""
        for company_id, visit in self.visits.items():
            texts = sorted(visit.texts, key=lambda text: (len(text), text))
            for text in texts[:-1]:
                told = f"{company_id} has a longer description in the file, too; both are kept, that one counts"
                self.grid.report(visit.texts[text], "text", text, told)
            for text in texts:
                self.ledger.add_description(company_id, text, source=self.source, dated=dated)

    def take_labels(self, codes: Sequence[str]) -> None:
        """Add what people said, under the source's name, unless it said so before: a later decision stays."""
        for number, company_id in sorted(self.placed.items()):
            code = codes[number - 1]
            said = {(label.person, label.code) for label in self.ledger.labels_of(company_id)} if code else set()
            if code and (self.source, code) not in said:
                self.ledger.add_label(company_id, code, person=self.source)

    def events(self, understood: "pd.DataFrame") -> list[Event]:
        """Return the events of companies that were found; of several of one day and round, the largest comes last."""
        found = []
        for number, cells in enumerate(understood.to_dict("records"), 1):
            if number in self.placed and cells["date"] == cells["date"]:
                told: dict[str, Any] = {str(column): cell for column, cell in cells.items()}
                told |= {"date": told["date"].date(), "investors": tuple(map(_clean, told["investors"]))}
                found.append((Event(self.placed[number], **told), number))
        found.sort(key=lambda entry: _event_rank(entry[0]))
        for (one, number), (other, _) in pairwise(found):
            if _event_key(one) == _event_key(other) and _event_rank(one) != _event_rank(other):
                self.grid.report(
                    number, "date", one.date, "the file has a larger event of this day and round; that counts"
                )
        return [event for event, _ in found]

    def _with_known_id(self, row: _Row) -> _Row:
        """Return a row without an id that the ledger does not have: a problem."""
        if not row.given or any(company.company_id == row.given for company in self.ledger.find(row.given)):
            return row
        self.grid.report(row.number, "company_id", row.given, "is no company of the ledger and no code; not used")
        return row._replace(given="")

    def _take(self, row: _Row) -> Match:
        match = self._find(row)
        if match.rule == "ambiguous":
            return match
        codes = {"code": row.code, "stock_code": row.stock_code}
        names = {"short_name": row.name, "full_name": row.full_name}
        company_id = match.company_id or self.ledger.add_company(**codes, **names, source=self.source)
        visit = self.visits.get(company_id)
        if visit is None:
            latest = self.ledger.latest_description(company_id)
            visit = self.visits[company_id] = _Visit(not match.company_id, latest)
        if match.company_id:
            self.ledger.add_codes(company_id, **codes, source=self.source)
            self.ledger.add_names(company_id, **names, source=self.source)
        self._add_region(company_id, row)
        visit.new_names += self.names.learn(company_id, (row.name, row.full_name))
        if row.text:
            visit.texts.setdefault(row.text, row.number)
        self.placed[row.number] = company_id
        return match

    def _add_region(self, company_id: str, row: _Row) -> None:
        """Keep where a company is, unless more is known, or as much by better evidence than its name."""
        known = self.ledger.company(company_id)
        says_more = row.told and (row.city or row.province != known.province)
        if says_more or not known.province:
            self.ledger.add_region(company_id, row.province, row.city, source=self.source)

    def _find(self, row: _Row) -> Match:
        """Return the company of a row, by the first of codes, full name and short name that says anything."""
        if owners := self._owners(row):
            return self._choose(row, Match("", owners, "code"), binding=True)
        full = self.names.match("", full_name=row.full_name)
        if full.candidates:
            return self._choose(row, full, binding=full.rule == "exact")
        short = self._choose(row, self.names.match(row.name, full_name=row.full_name), binding=False)
        if short.company_id and row.own and len(self.rivals[row.name]) > 1:
            return Match("", short.candidates, "ambiguous")
        return short

    def _owners(self, row: _Row) -> tuple[str, ...]:
        """Return the companies that have the sound codes of a row, or the id that it gives."""
        texts = filter(None, (*row.sound, row.given))
        return tuple(sorted({company.company_id for text in texts for company in self.ledger.find(text)}))

    def _choose(self, row: _Row, match: Match, *, binding: bool) -> Match:
        """Return a match that the credit code of the row does not contradict.

        A binding one, by a code or the very full name, is then left to a person; another one means another company.
        """
        possible = [company_id for company_id in match.candidates if not self._contradicts(row, company_id)]
        if len(match.candidates) == len(possible) == 1:
            return Match(possible[0], match.candidates, match.rule)
        if possible or (match.candidates and binding):
            return Match("", match.candidates, "ambiguous")
        return Match("", (), "none")

    def _contradicts(self, row: _Row, company_id: str) -> bool:
        if row.code not in row.sound:
            return False
        company = self.ledger.company(company_id)
        return bool(company.code and not company.code_fault and company.code != row.code)

    def _doubt(self, row: _Row, match: Match) -> Problem:
        could = " or ".join(
            f"{company_id} ({company.full_name or company.name})"
            for company_id in match.candidates[:5]
            for company in [self.ledger.company(company_id)]
        )
        name = next(filter(None, (row.full_name, row.name, row.code, row.stock_code, row.given)))
        reason = f"could be {could}; give its company_id, or mend its code"
        return Problem(self.grid.path, row.number, "name", name, reason)


def _event_key(event: Event) -> tuple[str, date, str]:
    return event.company_id, event.date, event.round


def _event_rank(event: Event) -> tuple[Any, ...]:
    """Return the place of an event among others of its company, day and round: the best told comes last."""
    amounts = [-1.0 if amount is None or amount != amount else amount for amount in event[5:8]]
    return (*_event_key(event), event.published, *amounts, str(event))


# what the model says


class _Said(NamedTuple):
    """What the model says of a text."""

    probabilities: dict[str, float]
    domain: str
    status: str
    reason: str


def _score(scorer: Scorer, texts: Sequence[str]) -> list[_Said]:
    if not texts:
        return []
    scores, labels = scorer.score(*encode_texts(texts)), scorer.facts.labels
    ends, reasons = scores.reason_ends.tolist(), bytes(scores.reasons)
    return [
        _Said(
            dict(zip(labels, probabilities, strict=True)),
            labels[first],
            "accepted" if accepted else "review",
            reasons[start:end].decode(),
        )
        for probabilities, first, accepted, start, end in zip(
            *(column.tolist() for column in (scores.probabilities, scores.first, scores.accepted)),
            ends[:-1],
            ends[1:],
            strict=True,
        )
    ]


def _form_outcomes(ledger: Ledger, file: _File, scorer: Scorer) -> Iterator[Outcome]:
    """Yield what became of the companies of a file; predictions and disputes that are new are appended."""
    latest = {company_id: ledger.latest_description(company_id) for company_id in file.visits}
    texts = {company_id: description.text for company_id, description in latest.items() if description}
    said = dict(zip(texts, _score(scorer, list(texts.values())), strict=True))
    for company_id, visit in file.visits.items():
        yield _form_outcome(ledger, scorer, company_id, visit, latest[company_id], said.get(company_id))


def _form_outcome(
    ledger: Ledger, scorer: Scorer, company_id: str, visit: _Visit, latest: Description | None, said: _Said | None
) -> Outcome:
    label, last = ledger.current_label(company_id), ledger.current_prediction(company_id)
    before, by = (label.code, label.person) if label else (last.domain, last.model) if last else ("", "")
    scored, dispute_id = False, None
    if said and latest:
        scored = _predict(ledger, scorer, latest, said, last)
        if label and label.code != said.domain and said.status == "accepted":
            dispute_id = _dispute(ledger, scorer.facts.identity, latest, said, label)
    change = "new" if visit.is_new else "unchanged" if latest == visit.latest else "changed"
    return Outcome(
        company_id=company_id,
        name=ledger.company(company_id).name,
        change=change,
        new_names=visit.new_names,
        before=before,
        by=by,
        label=label.code if label else "",
        domain=said.domain if said else "",
        probability=said.probabilities[said.domain] if said else 0.0,
        status=said.status if said else "",
        reason=said.reason if said else "",
        scored=scored,
        dispute_id=dispute_id,
    )


def _predict(ledger: Ledger, scorer: Scorer, latest: Description, said: _Said, last: Prediction | None) -> bool:
    """Append what the model says, unless it is what counts already; return whether it was appended."""
    identity, scheme = scorer.facts.identity, scorer.scheme.version
    new = NewPrediction(latest.description_id, identity, scheme, said.probabilities, said.domain, said.status)
    repeats = (
        last is not None
        and all(getattr(last, name) == getattr(new, name) for name in NewPrediction._fields if name != "probabilities")
        and last.probabilities.keys() == new.probabilities.keys()
        and all(abs(last.probabilities[label] - share) < TOLERANCE for label, share in new.probabilities.items())
    )
    if not repeats:
        ledger.add_predictions([new])
    return not repeats


def _dispute(ledger: Ledger, model: str, latest: Description, said: _Said, label: PersonLabel) -> int | None:
    """Open a dispute, once for a text and model, unless its claim is under dispute or was known when it was decided."""
    company_id, text_id = label.company_id, latest.description_id
    on = f"{model} on description {text_id}: "
    if (
        any(one.person == PROGRAM and one.reason.startswith(on) for one in ledger.disputes(company_id=company_id))
        or any(one.claimed == said.domain for one in ledger.disputes("open", company_id=company_id))
        or any(
            (one.decision_id, one.model, one.description_id) == (label.decision_id, model, text_id)
            for one in ledger.decisions_of(company_id)
        )
    ):
        return None
    probability = said.probabilities[said.domain]
    reason = f"{on}{said.domain} with probability {probability:.2f}, where {label.person} said {label.code}"
    return ledger.open_dispute(company_id, said.domain, reason=reason, person=PROGRAM)


# for people and programs


def to_text(tracked: Tracked, scheme: Scheme) -> str:
    """Return what is new, what changed its domain and what needs a person; of each kind first what is in scope."""
    counts = {
        **{name: len(getattr(tracked, name)) for name in ("new", "changed", "unchanged")},
        "new without description": len(tracked.without_text),
        "known with new names": len(tracked.renamed),
        "changed domain": len(tracked.changed_domain),
        "to review": len(tracked.to_review),
        "disputes opened": len(tracked.reviews_opened),
        "ambiguous rows": len(tracked.ambiguous),
        "problems": len(tracked.problems),
        **{f"events {name}": count for name, count in tracked.events._asdict().items()},
    }
    lines = [f"{tracked.rows:,} rows: " + ", ".join(f"{name} {count:,}" for name, count in counts.items() if count)]
    sections = {
        "new": (tracked.new, ("domain", "probability", "status")),
        "changed domain": (tracked.changed_domain, ("before", "by", "domain", "probability", "status")),
        "to review": (tracked.to_review, ("domain", "probability", "reason")),
        "disputes opened": (tracked.reviews_opened, ("before", "by", "domain", "probability", "dispute_id")),
    }
    for title, (outcomes, columns) in sections.items():
        lines += _section(title, outcomes, columns, scheme)
    if tracked.ambiguous:
        lines += ["", "ambiguous: nothing was added for these rows"]
        lines += [f"{one.file}: row {one.row}: {one.cell} {one.reason}" for one in tracked.ambiguous[:SHOWN]]
        lines += _more(tracked.ambiguous)
    return "\n".join(lines)


def _section(title: str, outcomes: Sequence[Outcome], columns: Sequence[str], scheme: Scheme) -> list[str]:
    if not outcomes:
        return []
    first = sorted(outcomes, key=lambda one: (one.domain in ("", scheme.out_of_scope), -one.probability))[:SHOWN]
    rows = [[_shown(one, column, scheme) for column in ("name", "company_id", *columns)] for one in first]
    return ["", align([[title, "company", *columns], *rows]), *_more(outcomes)]


def _shown(outcome: Outcome, column: str, scheme: Scheme) -> str:
    value = getattr(outcome, column)
    if column in ("domain", "before"):
        return scheme.name(value) if value in scheme.codes else value or "no description"
    if column == "reason":
        return value.partition("；")[0]
    return (f"{value:.2f}" if outcome.domain else "") if column == "probability" else str(value)


def _more(shown: Sequence[object]) -> list[str]:
    return [f"and {len(shown) - SHOWN:,} more; --json has all"] if len(shown) > SHOWN else []


def to_record(tracked: Tracked) -> dict[str, Any]:
    """Return everything for JSON: outcomes that are no mere repetition, and the numbers of those that are."""
    told = [
        one for one in tracked.outcomes if one.change != "unchanged" or one.scored or one.new_names or one.dispute_id
    ]
    return {
        "rows": tracked.rows,
        "unchanged": len(tracked.outcomes) - len(told),
        "companies": [one._asdict() for one in told],
        "to_review": [one.company_id for one in tracked.to_review],
        "changed_domain": [one.company_id for one in tracked.changed_domain],
        "ambiguous": [one._asdict() for one in tracked.ambiguous],
        "problems": [one._asdict() for one in tracked.problems],
        "events": tracked.events._asdict(),
    }
