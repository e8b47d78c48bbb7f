"""Who decided what, when and why: companies, texts, predictions, labels, disputes and decisions in one SQLite file.

Nothing in it is ever changed: a correction is a new row (`classifier.chain`), of one of the kinds in
`classifier.entries`.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import date
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from classifier.chain import Chain, Row
from classifier.entries import (
    Added,
    Assignment,
    Company,
    Decision,
    Description,
    Dispute,
    Event,
    Listing,
    Name,
    NewPrediction,
    PersonLabel,
    Prediction,
    Reopening,
    Review,
)
from classifier.errors import LedgerError
from classifier.identifiers import check_credit_code, check_stock_code, plain_credit_code, plain_stock_code

if TYPE_CHECKING:
    import pandas as pd

    from classifier.sources import Problem
    from classifier.study import Sources

PROGRAM = "gonglian"  # the claimant where a model disagrees with a label
_BY_DATE = "ORDER BY d.dated, d.description_id"
_KEYS = {"events": ("company_id", "date", "round"), "listings": ("company_id", "date", "channel")}
COMPANY_COLUMNS = (
    *("company_id", "name", "full_name", "province", "city", "text", "domain", "status", "model", "label"),
)


class Ledger(Chain):
    """An open ledger: use `Ledger.open`, as a context manager; one thread at a time.

    Every method that appends is one transaction; several are one inside `atomic`. What a method has returned outside
    of `atomic` is on the disk. Times are in UTC, ISO 8601.

    >>> with Ledger.open(":memory:") as ledger:
    ...     company_id = ledger.add_company(full_name="浙江光年科技有限公司", short_name="光年", source="demo")
    ...     text_id = ledger.add_description(company_id, "工业机器人的研发和销售", source="demo")
    ...     decision_id = ledger.decide(company_id, "smart_equipment", person="李雷", reason="造机器人")
    ...     ledger.current_label(company_id).code, ledger.company(company_id).name, ledger.verify()
    ('smart_equipment', '光年', [])
    """

    # companies

    def add_company(
        self,
        *,
        code: str = "",
        stock_code: str = "",
        short_name: str = "",
        full_name: str = "",
        source: str,
        province: str = "",
        city: str = "",
    ) -> str:
        """Return the id of a company: the one that has the code or else the stock code, or a new one.

        A new id is the unified social credit code, else the stock code, else G and a hash of the full name (else of
        the short one). A faulty code makes no id; it is kept with its fault. Names, codes and region that are new are
        added to a company that is known.
        """
        with self.atomic():
            company_id = self._known(code, stock_code) or self._new(code, stock_code, full_name or short_name)
            self.add_codes(company_id, code=code, stock_code=stock_code, source=source)
            self.add_names(company_id, short_name=short_name, full_name=full_name, source=source)
            self.add_region(company_id, province, city, source=source)
        return company_id

    def add_names(self, company_id: str, *, short_name: str = "", full_name: str = "", source: str) -> None:
        """Keep names; those that the company has had already add nothing."""
        with self.atomic():
            for kind, name in (("short", short_name.strip()), ("full", full_name.strip())):
                known = "SELECT 1 FROM names WHERE company_id = ? AND name = ? AND kind = ?"
                if name and not self._first(known, company_id, name, kind):
                    self._append("names", company_id=company_id, name=name, kind=kind, source=source)

    def add_codes(self, company_id: str, *, code: str = "", stock_code: str = "", source: str) -> None:
        """Keep codes, with their faults; one that belongs to another company is refused (LedgerError)."""
        with self.atomic():
            for kind, plain, fault in _checked(code, stock_code):
                owner = self._owner(plain)
                if owner not in ("", company_id) and not fault:
                    raise LedgerError(f"{self.path}: {kind} code {plain} belongs to company {owner}, not {company_id}")
                known = "SELECT 1 FROM codes WHERE company_id = ? AND code = ?"
                if not self._first(known, company_id, plain):
                    values = {"company_id": company_id, "kind": kind, "code": plain, "fault": fault, "source": source}
                    self._append("codes", **values)

    def add_region(self, company_id: str, province: str, city: str = "", *, source: str) -> None:
        """Keep where a company is, if it was not known to be there."""
        with self.atomic():
            known = "SELECT 1 FROM regions WHERE company_id = ? AND province = ? AND city = ?"
            if province and not self._first(known, company_id, province, city):
                self._append("regions", company_id=company_id, province=province, city=city, source=source)

    def add_description(self, company_id: str, text: str, *, source: str, dated: date | None = None) -> int:
        """Return the id of a description; a text that the company has had already keeps its first id."""
        with self.atomic():
            known = "SELECT description_id FROM descriptions WHERE company_id = ? AND text = ?"
            if found := self._first(known, company_id, text):
                return found[0]
            day = str(dated or self._time())[:10]
            return self._append("descriptions", company_id=company_id, text=text, source=source, dated=day)

    def companies(self) -> list[Company]:
        """Return all companies in the order in which they were added."""
        return self._companies("")

    def company(self, company_id: str) -> Company:
        """Return a company.

        Raises
        ------
        LedgerError
            If there is no such company.
        """
        for company in self._companies("WHERE company_id = ?", company_id):
            return company
        raise LedgerError(f"{self.path}: no company {company_id!r}; find it by its name or code")

    def find(self, text: str) -> list[Company]:
        """Return the companies whose id, code, stock code or name (now or formerly) is exactly this."""
        query = (
            "SELECT company_id FROM companies WHERE company_id IN (?1, ?2, ?3) UNION"
            " SELECT company_id FROM codes WHERE code IN (?2, ?3) UNION SELECT company_id FROM names WHERE name = ?1"
        )
        plain = text.strip(), plain_credit_code(text), plain_stock_code(text)
        return [self.company(company_id) for (company_id,) in self.fetch(query, *plain)]

    def all_names(self) -> list[tuple[str, str]]:
        """Return company_id and name of all names, for `classifier.names.NameIndex`."""
        return self.fetch("SELECT company_id, name FROM names ORDER BY name_id")

    def names_of(self, company_id: str) -> list[Name]:
        """Return the names of a company, the oldest first."""
        return self._rows(Name, "SELECT * FROM names WHERE company_id = ? ORDER BY name_id", company_id)

    def descriptions_of(self, company_id: str) -> list[Description]:
        """Return the descriptions of a company by date, the newest last."""
        return self._rows(Description, f"SELECT * FROM descriptions d WHERE company_id = ? {_BY_DATE}", company_id)

    def latest_description(self, company_id: str) -> Description | None:
        """Return the newest description of a company."""
        return _last(self.descriptions_of(company_id))

    def latest_descriptions(self) -> dict[str, Description]:
        """Return the newest description by company_id."""
        rows = self._rows(Description, f"SELECT * FROM descriptions d {_BY_DATE}")
        return {row.company_id: row for row in rows}

    # predictions and labels

    def add_predictions(self, predictions: Iterable[NewPrediction]) -> list[int]:
        """Return the ids of predictions; one that repeats the newest of its description adds nothing."""
        with self.atomic():
            return [self._add_prediction(prediction) for prediction in predictions]

    def predictions_of(self, company_id: str) -> list[Prediction]:
        """Return the predictions of a company by the date of their text, then in order; the one that counts is last."""
        return [prediction for _, prediction in self._predictions("WHERE company_id = ?", company_id)]

    def current_prediction(self, company_id: str) -> Prediction | None:
        """Return the last prediction on the newest description that has one."""
        return _last(self.predictions_of(company_id))

    def current_predictions(self) -> dict[str, Prediction]:
        """Return the predictions that count by company_id."""
        return dict(self._predictions(""))

    def add_label(
        self,
        company_id: str,
        code: str,
        *,
        person: str,
        reason: str = "",
        source: str = "import",
        description_id: int | None = None,
    ) -> int:
        """Return the id of a person's label (source import or review); that of a decision comes from `decide`."""
        values = {"company_id": company_id, "code": code, "person": person.strip(), "reason": reason, "source": source}
        if source == "decision":
            raise LedgerError(f"{self.path}: a decision's label comes with the decision; use decide")
        with self.atomic():
            self._check_text(company_id, description_id)
            return self._append("labels", **values, description_id=description_id)

    def labels_of(self, company_id: str) -> list[PersonLabel]:
        """Return the labels of a company, the oldest first."""
        return self._rows(PersonLabel, "SELECT * FROM labels WHERE company_id = ? ORDER BY label_id", company_id)

    def current_label(self, company_id: str) -> PersonLabel | None:
        """Return the newest label of a company."""
        return _last(self.labels_of(company_id))

    def current_labels(self) -> dict[str, PersonLabel]:
        """Return the newest labels by company_id."""
        rows = self._rows(PersonLabel, "SELECT * FROM labels ORDER BY label_id")
        return {row.company_id: row for row in rows}

    # disputes and decisions

    def open_dispute(self, company_id: str, claimed: str, *, reason: str, person: str) -> int:
        """Return the id of a new dispute: ``person`` claims that the company's code is ``claimed``.

        That it reopens the last one that was decided on the company, if there is one, becomes an entry of its own.
        """
        said = {"reason": reason.strip(), "person": person.strip()}
        with self.atomic():
            earlier = _last(self.disputes("decided", company_id=company_id))
            dispute_id = self._append("disputes", company_id=company_id, claimed=claimed, **said)
            if earlier:
                self._append("reopenings", dispute_id=dispute_id, reopens=earlier.dispute_id, **said)
        return dispute_id

    def assign(self, dispute_id: int, reviewer: str, *, person: str, reason: str = "", role: str = "reviewer") -> int:
        """Return the id of an assignment by ``person``; role reviewer or arbiter, once a dispute, while it is open."""
        said = {"reviewer": reviewer.strip(), "role": role, "person": person.strip(), "reason": reason.strip()}
        with self.atomic():
            self._check_open(dispute_id)
            return self._append("assignments", dispute_id=dispute_id, **said)

    def review(self, dispute_id: int, reviewer: str, code: str, *, reason: str = "") -> int:
        """Return the id of what an assigned person says, while the dispute is open."""
        with self.atomic():
            self._check_open(dispute_id)
            return self._append("reviews", dispute_id=dispute_id, reviewer=reviewer.strip(), code=code, reason=reason)

    def decide(
        self,
        company_id: str,
        code: str,
        *,
        person: str,
        reason: str,
        dispute_id: int | None = None,
        description_id: int | None = None,
        prediction_id: int | None = None,
    ) -> int:
        """Return the id of a decision, which becomes the company's label; it closes the dispute if one is given.

        It was made on the newest description, and on the last prediction of that, unless others are named.
        """
        said = {"company_id": company_id, "code": code, "person": person.strip(), "reason": reason.strip()}
        with self.atomic():
            if dispute_id is not None:
                self._check_open(dispute_id, company_id)
            self._check_text(company_id, description_id)
            if description_id is None:
                latest = self.latest_description(company_id)
                description_id = latest and latest.description_id
            prediction = self._prediction_on(description_id, prediction_id)
            made_on = {
                "description_id": description_id,
                "model": prediction.model if prediction else "",
                "prediction_id": prediction and prediction.prediction_id,
            }
            decision_id = self._append("decisions", **said, **made_on, dispute_id=dispute_id)
            label = {"description_id": description_id, "decision_id": decision_id, "source": "decision"}
            self._append("labels", **said, **label)
        return decision_id

    def dispute(self, dispute_id: int) -> Dispute:
        """Return a dispute (LedgerError if there is none)."""
        for row in self._rows(Dispute, "SELECT * FROM disputes WHERE dispute_id = ?", dispute_id):
            return row
        raise LedgerError(f"{self.path}: no dispute {dispute_id}; list them first")

    def disputes(self, status: str | None = None, *, company_id: str | None = None) -> list[Dispute]:
        """Return disputes: all, those "open" or those "decided"; of one company if it is named."""
        decided = "dispute_id IN (SELECT dispute_id FROM decisions WHERE dispute_id IS NOT NULL)"
        conditions = {None: "1", "open": f"NOT {decided}", "decided": decided}
        if status not in conditions:
            raise LedgerError(f"{self.path}: status {status!r} is neither open nor decided")
        query = f"SELECT * FROM disputes WHERE {conditions[status]} AND company_id = ifnull(?, company_id)"
        return self._rows(Dispute, f"{query} ORDER BY dispute_id", company_id)

    def assignments_of(self, dispute_id: int) -> list[Assignment]:
        """Return who is to read a dispute, in the order of assignment."""
        query = (
            "SELECT assignment_id, dispute_id, reviewer, role, at, ifnull(person, ''), ifnull(reason, '')"
            " FROM assignments WHERE dispute_id = ? ORDER BY assignment_id"
        )
        return self._rows(Assignment, query, dispute_id)

    def reopening_of(self, dispute_id: int) -> Reopening | None:
        """Return the entry that a dispute reopens another one."""
        return _last(self._rows(Reopening, "SELECT * FROM reopenings WHERE dispute_id = ?", dispute_id))

    def reviews_of(self, dispute_id: int) -> list[Review]:
        """Return what was said of a dispute, the oldest first."""
        return self._rows(Review, "SELECT * FROM reviews WHERE dispute_id = ? ORDER BY review_id", dispute_id)

    def decision_of(self, dispute_id: int) -> Decision | None:
        """Return the decision that closed a dispute."""
        return _last(self._rows(Decision, "SELECT * FROM decisions WHERE dispute_id = ?", dispute_id))

    def decisions_of(self, company_id: str) -> list[Decision]:
        """Return the decisions on a company, the oldest first."""
        query = "SELECT * FROM decisions WHERE company_id = ? ORDER BY decision_id"
        return self._rows(Decision, query, company_id)

    def decisions(self) -> list[Decision]:
        """Return all decisions, the oldest first."""
        return self._rows(Decision, "SELECT * FROM decisions ORDER BY decision_id")

    # facts

    def add_events(self, events: Iterable[Event], *, source: str) -> Added:
        """Keep financing events. One of the same company, date and round with other values is a revision of it."""
        with self.atomic():
            return self._add_facts("events", map(_event_cells, events), source)

    def add_listings(self, listings: Iterable[Listing], *, source: str) -> Added:
        """Keep listings. One of the same company, date and channel with other values is a revision of it."""
        with self.atomic():
            return self._add_facts("listings", map(_listing_cells, listings), source)

    def events(self) -> list[Event]:
        """Return the financing events, the newest revision of each."""
        found = (Event(*cells) for cells in self._facts("events", Event._fields))
        read = (event._replace(published=bool(event.published), investors=_investors(event)) for event in found)
        return list({(event.company_id, event.date, event.round): event for event in read}.values())

    def listings(self) -> list[Listing]:
        """Return the listings, the newest revision of each."""
        found = (Listing(*cells) for cells in self._facts("listings", Listing._fields))
        newest = {(one.company_id or one.name, one.date, one.channel): one for one in found}
        known = {(one.name, one.date, one.channel) for one in newest.values() if one.company_id}
        return [
            one._replace(company_id=one.company_id or "")
            for one in newest.values()
            if one.company_id or (one.name, one.date, one.channel) not in known  # its company was added meanwhile
        ]

    # how it is done

    def _owner(self, code: str) -> str:
        found = self._first("SELECT company_id FROM codes WHERE code = ? AND fault = ''", code)
        return found[0] if found else ""

    def _known(self, code: str, stock_code: str) -> str:
        owners = [self._owner(plain) for _, plain, fault in _checked(code, stock_code) if not fault]
        return next(filter(None, owners), "")

    def _new(self, code: str, stock_code: str, name: str) -> str:
        """Return the id of a company that has none of these codes yet; that of its name may be there already."""
        sound = [plain for _, plain, fault in _checked(code, stock_code) if not fault]
        if not sound and not name.strip():
            raise LedgerError(f"{self.path}: a company needs a name or a sound code; fill in one of them")
        company_id = sound[0] if sound else generated_id(name)
        if not self._first("SELECT 1 FROM companies WHERE company_id = ?", company_id):
            self._append("companies", company_id=company_id, generated=not sound)
        return company_id

    def _companies(self, condition: str, *values: str) -> list[Company]:
        with self.reading():
            names = self._newest(f"SELECT company_id, kind, name FROM names {condition} ORDER BY name_id", *values)
            codes = self._newest(
                f"SELECT company_id, kind, code, fault FROM codes {condition} ORDER BY fault = '', code_id", *values
            )
            places = self._newest(
                f"SELECT company_id, '', province, city FROM regions {condition} ORDER BY region_id", *values
            )
            rows = self.fetch(f"SELECT company_id, generated, at FROM companies {condition} ORDER BY number", *values)
        companies = []
        for company_id, generated, at in rows:
            (full,) = names.get((company_id, "full"), ("",))
            (short,) = names.get((company_id, "short"), (full,))
            code, fault = codes.get((company_id, "credit"), ("", ""))
            stock_code, _ = codes.get((company_id, "stock"), ("", ""))
            province, city = places.get((company_id, ""), ("", ""))
            name = short or company_id
            codes_and_place = (code, stock_code, fault, province, city)
            companies.append(Company(company_id, name, full, *codes_and_place, bool(generated), at))
        return companies

    def _newest(self, query: str, *values: str) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return what stands last by the first two columns."""
        return {(company_id, kind): tuple(cells) for company_id, kind, *cells in self.fetch(query, *values)}

    def _newest_cells(self) -> tuple[dict[str, tuple], dict[str, tuple], dict[str, tuple]]:
        """Return text, prediction (domain, status, model) and label's code by company_id: the newest of each."""
        queries = (
            f"SELECT company_id, text FROM descriptions d {_BY_DATE}",
            "SELECT company_id, domain, status, model FROM descriptions d JOIN predictions USING (description_id)"
            f" {_BY_DATE}, prediction_id",
            "SELECT company_id, code FROM labels ORDER BY label_id",
        )
        texts, predictions, labels = ({company: cells for company, *cells in self.fetch(query)} for query in queries)
        return texts, predictions, labels

    def _predictions(self, condition: str, *values: str) -> list[tuple[str, Prediction]]:
        query = (
            "SELECT company_id, p.* FROM descriptions d JOIN predictions p USING (description_id)"
            f" {condition} {_BY_DATE}, prediction_id"
        )
        return [(company_id, _prediction(cells)) for company_id, *cells in self.fetch(query, *values)]

    def _add_prediction(self, new: NewPrediction) -> int:
        rounded = {label: round(share, 6) for label, share in new.probabilities.items()}
        values = new._asdict() | {"probabilities": _compact(rounded)}
        columns = ", ".join(("prediction_id", *values))
        query = f"SELECT {columns} FROM predictions WHERE description_id = ? ORDER BY prediction_id DESC LIMIT 1"
        found = self._first(query, new.description_id)
        if found and found[1:] == tuple(values.values()):
            return found[0]
        return self._append("predictions", **values)

    def _prediction_on(self, description_id: int | None, prediction_id: int | None) -> Prediction | None:
        """Return the last prediction on a text, or the one of this id, which must be on it."""
        query = "SELECT * FROM predictions WHERE description_id = ?1 AND prediction_id = ifnull(?2, prediction_id)"
        found = self.fetch(f"{query} ORDER BY prediction_id", description_id, prediction_id)
        if prediction_id is not None and not found:
            raise LedgerError(f"{self.path}: prediction {prediction_id} is not one on description {description_id}")
        return _prediction(found[-1]) if found else None

    def _check_text(self, company_id: str, description_id: int | None) -> None:
        known = "SELECT 1 FROM descriptions WHERE description_id = ? AND company_id = ?"
        if description_id is not None and not self._first(known, description_id, company_id):
            raise LedgerError(f"{self.path}: description {description_id} is not one of company {company_id!r}")

    def _check_open(self, dispute_id: int, company_id: str | None = None) -> None:
        if company_id not in (None, self.dispute(dispute_id).company_id):
            raise LedgerError(f"{self.path}: dispute {dispute_id} is not one on company {company_id!r}")
        if self.decision_of(dispute_id):
            raise LedgerError(f"{self.path}: dispute {dispute_id} is decided; open a new one")

    def _add_facts(self, table: str, facts: Iterable[dict[str, Any]], source: str) -> Added:
        """Append facts that are not there yet, in any revision of them."""
        counts = {"new": 0, "known": 0, "revised": 0}
        for fact in facts:
            columns = ", ".join(f'"{column}"' for column in fact)
            key = _KEYS[table] if fact["company_id"] else ("name", *_KEYS[table])
            same = " AND ".join(f"{column} IS ?" for column in key)
            held = self.fetch(f"SELECT {columns} FROM {table} WHERE {same}", *(fact[column] for column in key))
            known = tuple(fact.values()) in held
            counts["known" if known else "revised" if held else "new"] += 1
            if not known:
                self._append(table, **fact, source=source)
        return Added(**counts)

    def _facts(self, table: str, columns: Sequence[str]) -> list[Any]:
        chosen = ", ".join(f'"{column}"' for column in columns)
        return self.fetch(f"SELECT {chosen} FROM {table} ORDER BY rowid")


def generated_id(name: str) -> str:
    """Return the id of a company without codes: the same for one name wherever and whenever it is seen.

    >>> generated_id(" 浙江光年科技有限公司")
    'G68e5920fdbd78715'
    """
    return f"G{sha256(name.strip().encode(errors='surrogatepass')).hexdigest()[:16]}"


def _checked(code: str, stock_code: str) -> Iterator[tuple[str, str, str]]:
    """Yield kind, normal form and fault of the codes that are given."""
    if plain := plain_credit_code(code):
        yield "credit", plain, check_credit_code(plain)
    if plain := plain_stock_code(stock_code):
        yield "stock", plain, check_stock_code(plain)


def _last(rows: Sequence[Row]) -> Row | None:
    return rows[-1] if rows else None


def _compact(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _prediction(cells: Sequence[Any]) -> Prediction:
    prediction = Prediction(*cells)
    return prediction._replace(probabilities=json.loads(cells[4]))


def _day(value: Any) -> str:
    """Return a date, datetime, pandas timestamp or ISO text as in 2020-07-16."""
    return str(value)[:10]


def _number(value: float | None) -> float | None:
    return None if value is None or value != value else float(value)


def _event_cells(event: Event) -> dict[str, Any]:
    amounts = {column: _number(cell) for column, cell in event._asdict().items() if column.endswith("_wan")}
    told = {"date": _day(event.date), "published": int(event.published), "investors": _compact(event.investors)}
    return event._asdict() | amounts | told


def _listing_cells(listing: Listing) -> dict[str, Any]:
    told = {"date": _day(listing.date), "amount_wan": _number(listing.amount_wan)}
    return listing._asdict() | told | {"company_id": listing.company_id or None}


def _investors(event: Event) -> tuple[str, ...]:
    return tuple(json.loads(str(event.investors)))


def read_ledger_sources(ledger: Ledger) -> "tuple[Sources, list[Problem]]":
    """Return the frames for statistics, in the columns of `classifier.sources`, and companies that have no label.

    Events and listings are None if the ledger has none at all.
    """
    import pandas as pd  # here: showing one company must not wait for it

    from classifier.sources import Problem
    from classifier.study import Sources

    with ledger.reading():
        companies = _companies_frame(ledger)
        events, listings = pd.DataFrame(ledger.events()), pd.DataFrame(ledger.listings())
    labelled = (companies["domain"] + companies["label"]) != ""
    problems = [
        Problem(str(ledger.path), row, "company_id", company_id, "has no label and no prediction; score it first")
        for row, company_id in zip(companies.index[~labelled] + 1, companies["company_id"][~labelled], strict=True)
    ]
    companies = companies[labelled].reset_index(drop=True)
    known = set(companies["company_id"])
    return Sources(companies, _facts_frame(events, known), _facts_frame(listings, known)), problems


def _facts_frame(frame: "pd.DataFrame", known: Collection[str]) -> "pd.DataFrame | None":
    """Return facts with their types; those of companies that are not among the labelled ones have the company_id ""."""
    import pandas as pd

    if frame.empty:
        return None
    amounts = {column: float for column in frame.columns if column.endswith("_wan")}
    ids = frame["company_id"].where(frame["company_id"].isin(known), "")
    return frame.astype(amounts).assign(company_id=ids, date=pd.to_datetime(frame["date"]))


def _companies_frame(ledger: Ledger) -> "pd.DataFrame":
    """Return all companies with text, prediction and label, "" where there is none."""
    import pandas as pd

    texts, predictions, labels = ledger._newest_cells()
    rows = [
        (
            *(company.company_id, company.name, company.full_name, company.province, company.city),
            *texts.get(company.company_id, ("",)),
            *predictions.get(company.company_id, ("", "", "")),
            *labels.get(company.company_id, ("",)),
        )
        for company in ledger.companies()
    ]
    return pd.DataFrame(rows, columns=COMPANY_COLUMNS)
