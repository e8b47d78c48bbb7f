"""A claim that a company belongs elsewhere, from its reason to the decision: who may do what, and when.

Two reviewers answer, neither knowing what the other says. If they agree that is the decision; if not, an arbiter makes
it. The claimant is none of them. A decision stands until the dispute is reopened, by a new claim that refers to it.
Every step is an entry of the ledger: who did it, when, and why.
"""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, NamedTuple

from classifier.domains import Scheme
from classifier.entries import (
    Assignment,
    Company,
    Decision,
    Description,
    Dispute,
    PersonLabel,
    Prediction,
    Reopening,
    Review,
)
from classifier.errors import LedgerError
from classifier.ledger import PROGRAM, Ledger
from classifier.schema import REOPENINGS
from classifier.tables import align, beginning

KINDS = (
    *("name", "description", "prediction", "dispute", "reopening"),
    *("reviewer", "review", "arbiter", "decision", "label"),
)
STATES = ("open", "in review", "disagreement", "decided")
REVIEWERS = 2
ARBITERS = 1
HIDDEN = "(not told before both have answered)"
_SHOWN_CHARACTERS = 60  # of a text, in a line of history


@dataclass(frozen=True)
class Case:
    """A dispute with all that has been done about it.

    ``reopens`` is the decided dispute that it takes up again, ``reopening`` the entry of that; disputes from before
    2026-11 have none.
    """

    dispute: Dispute
    reopens: int | None
    reopening: Reopening | None
    assignments: tuple[Assignment, ...]
    answers: tuple[Review, ...]
    decision: Decision | None

    @property
    def reviewers(self) -> list[str]:
        """Who is to review."""
        return [one.reviewer for one in self.assignments if one.role == "reviewer"]

    @property
    def arbiters(self) -> list[str]:
        """Who is to decide where the reviewers differ."""
        return [one.reviewer for one in self.assignments if one.role == "arbiter"]

    @property
    def answered(self) -> bool:
        """Whether both reviewers have answered: from then on everyone may know what they said."""
        return len(self.answers) >= REVIEWERS

    @property
    def state(self) -> str:
        """One of `STATES`."""
        if self.decision:
            return "decided"
        if self.answered:
            return "disagreement"
        return "open" if len(self.reviewers) < REVIEWERS else "in review"

    @property
    def awaited(self) -> list[str]:
        """Who can act now: reviewers that have not answered, or arbiters."""
        if self.state in ("decided", "disagreement"):
            return [] if self.decision else self.arbiters
        return [name for name in self.reviewers if not _is_among(name, (answer.reviewer for answer in self.answers))]

    @property
    def next_step(self) -> str:
        """What is allowed now."""
        awaited = ", ".join(self.awaited)
        if self.state == "open":
            return f"assign {REVIEWERS} reviewers, {len(self.reviewers)} so far"
        if self.state == "in review":
            return f"it waits for the review of {awaited}"
        if self.state == "disagreement":
            return f"it waits for the arbiter {awaited}" if awaited else "assign an arbiter"
        return "reopen it by a new claim"


@dataclass(frozen=True)
class Brief:
    """What an assigned person gets to read; what he must not know yet is "" or None, or not among ``answers``."""

    dispute_id: int
    state: str
    company: Company
    text: Description | None
    claimed: str
    reason: str
    claimant: str
    reopens: int | None
    label: PersonLabel | None
    prediction: Prediction | None
    answers: tuple[Review, ...]


class Entry(NamedTuple):
    """One line of a company's history, of one of `KINDS`, and the text and model that it rests on.

    ``what`` is the label's code where there is one; ``reopens`` the dispute that one reopens; ``by`` who assigned a
    reviewer or arbiter.
    """

    at: str
    kind: str
    who: str
    what: str
    why: str = ""
    text_id: int | None = None
    model: str = ""
    dispute_id: int | None = None
    reopens: int | None = None
    by: str = ""


def find_company(ledger: Ledger, text: str) -> Company:
    """Return the one company of this id, code or name.

    Raises
    ------
    LedgerError
        If there is none, or more than one.
    """
    found = ledger.find(text)
    if len(found) == 1:
        return found[0]
    if not found:
        raise LedgerError(f"{ledger.path}: no company {text!r}; give its code, or its name as it was tracked")
    ids = ", ".join(f"{company.company_id} {company.full_name}".strip() for company in found[:5])
    raise LedgerError(f"{ledger.path}: {len(found)} companies are called {text!r}: {ids}; give the code")


def find_code(scheme: Scheme, text: str) -> str:
    """Return the code of a label, given by code or Chinese name (also as the report prints it: 网络及标识).

    Raises
    ------
    SchemeError
        If the scheme has no such label.

    >>> from classifier.domains import load_scheme
    >>> find_code(load_scheme(), "网络及标识"), find_code(load_scheme(), "security")
    ('network_identifier', 'security')
    """
    code = scheme.find_code(text) or text.strip()
    scheme.name(code)
    return code


def load_case(ledger: Ledger, dispute_id: int) -> Case:
    """Return a dispute as it stands.

    Raises
    ------
    LedgerError
        If there is none of this number.
    """
    with ledger.reading():
        dispute = ledger.dispute(dispute_id)
        assignments = tuple(ledger.assignments_of(dispute_id))
        answers = tuple(ledger.reviews_of(dispute_id))
        decision = ledger.decision_of(dispute_id)
        reopening = ledger.reopening_of(dispute_id)
        reopens = reopening.reopens if reopening else _reopened_by_older(ledger, dispute)
        return Case(dispute, reopens, reopening, assignments, answers, decision)


def _reopened_by_older(ledger: Ledger, dispute: Dispute) -> int | None:
    """Return what a dispute reopens that is older than such entries: the last one that had been decided before it."""
    [(since,)] = ledger.fetch("SELECT at FROM migrations WHERE name = ?", REOPENINGS)
    if dispute.at > since:
        return None
    decided = [
        made.dispute_id
        for made in ledger.decisions_of(dispute.company_id)
        if made.dispute_id and made.dispute_id < dispute.dispute_id and made.at <= dispute.at
    ]
    return max(decided, default=None)


def load_cases(ledger: Ledger, state: str | None = None) -> list[Case]:
    """Return the disputes in one of `STATES`, by default all that are not decided.

    Raises
    ------
    LedgerError
        If ``state`` is none of them.
    """
    if state not in (None, *STATES):
        raise LedgerError(f"state {state!r} is none of {', '.join(STATES)}")
    with ledger.reading():
        disputes = ledger.disputes("decided" if state == "decided" else "open")
        cases = [load_case(ledger, dispute.dispute_id) for dispute in disputes]
    return [case for case in cases if state in (None, case.state)]


def open_case(
    ledger: Ledger,
    scheme: Scheme,
    company_id: str,
    claimed: str,
    *,
    reason: str,
    person: str,
    reopens: int | None = None,
) -> Case:
    """Return a new dispute; ``reopens`` names the last one on the company, if it has had one.

    Raises
    ------
    LedgerError
        If nothing is claimed that is not so already, if there is no reason or person, if another dispute on the
        company is not decided yet, or if ``reopens`` is not the last one.
    """
    scheme.name(claimed)
    _check_said(person, reason)
    with ledger.atomic():
        company = ledger.company(company_id)
        _check_standing(ledger, company, claimed)
        _check_earlier(ledger, company, reopens)
        dispute_id = ledger.open_dispute(company_id, claimed, reason=reason, person=person)
        return load_case(ledger, dispute_id)


def assign(
    ledger: Ledger,
    dispute_id: int,
    readers: Sequence[str],
    *,
    person: str,
    reason: str = "",
    role: str = "reviewer",
    substitute: bool = False,
) -> Case:
    """Return the dispute with readers assigned as reviewer or arbiter by a person.

    There are two reviewers; an arbiter is assigned when they differ, and is a third person. A ``substitute`` is one
    more, where somebody does not answer, which is to be said as the reason: the first two answers count.

    Raises
    ------
    LedgerError
        If it is not the time for it, if they would be too many, if one of them has a part in the dispute already, or if
        nobody assigns them.
    """
    _check_person(person)
    if substitute and not reason.strip():
        raise LedgerError(f"dispute {dispute_id}: a substitute needs a reason; say who does not answer, with --reason")
    with ledger.atomic():
        for reader in readers:
            case = load_case(ledger, dispute_id)
            _check_assignment(case, reader, role, substitute)
            ledger.assign(dispute_id, reader, person=person, reason=reason, role=role)
        return load_case(ledger, dispute_id)


def review(ledger: Ledger, scheme: Scheme, dispute_id: int, person: str, code: str, *, reason: str) -> Case:
    """Return the dispute with a reviewer's answer; the second one decides it if it is that of the first.

    Raises
    ------
    LedgerError
        If the person is no reviewer of it, or has answered, or both have, or if there is no reason.
    """
    scheme.name(code)
    _check_said(person, reason)
    with ledger.atomic():
        case = load_case(ledger, dispute_id)
        reviewer = _assigned(case, person, "reviewer", case.reviewers)
        if _is_among(person, (answer.reviewer for answer in case.answers)):
            raise _refusal(case, f"{person} has answered")
        if case.state not in ("open", "in review"):
            raise _refusal(case, f"{person} cannot review it any more")
        ledger.review(dispute_id, reviewer, code, reason=reason.strip())
        case = load_case(ledger, dispute_id)
        if case.answered and len({answer.code for answer in case.answers}) == 1:
            said = "；".join(f"{answer.reviewer}：{answer.reason}" for answer in case.answers)
            return _decide(ledger, case, code, "、".join(answer.reviewer for answer in case.answers), said)
        return case


def resolve(ledger: Ledger, scheme: Scheme, dispute_id: int, person: str, code: str, *, reason: str) -> Case:
    """Return the dispute with the arbiter's decision, which may be a third label.

    Raises
    ------
    LedgerError
        If the reviewers do not differ, if the person is not the arbiter, or if there is no reason.
    """
    scheme.name(code)
    _check_said(person, reason)
    with ledger.atomic():
        case = load_case(ledger, dispute_id)
        if case.state != "disagreement":
            raise _refusal(case, f"there is nothing that {person} could resolve")
        return _decide(ledger, case, code, _assigned(case, person, "arbiter", case.arbiters), reason)


def brief(ledger: Ledger, dispute_id: int, reader: str, *, blind: bool = False) -> Brief:
    """Return what an assigned person is to read.

    Before both reviewers have answered it holds no answer and, if ``blind``, nothing that a model says, be it as the
    claimant. What a person wrote is told as it stands.

    Raises
    ------
    LedgerError
        If the reader is not assigned.
    """
    with ledger.reading():
        case = load_case(ledger, dispute_id)
        _assigned(case, reader, "reviewer or arbiter", [*case.reviewers, *case.arbiters])
        dispute, text = case.dispute, _text_at_issue(ledger, case.dispute)
        blind = blind and not case.answered
        predictions = [] if blind else ledger.predictions_of(dispute.company_id)
        said = [one for one in predictions if text and one.description_id == text.description_id]
        return Brief(
            dispute_id,
            case.state,
            ledger.company(dispute.company_id),
            text,
            *_claim(dispute, blind),
            case.reopens,
            label_before(ledger, case),
            said[-1] if said else None,
            case.answers if case.answered else (),
        )


def label_before(ledger: Ledger, case: Case) -> PersonLabel | None:
    """Return the label that a person had given before the dispute was decided."""
    labels: Iterable[PersonLabel] = ledger.labels_of(case.dispute.company_id)
    if case.decision:
        made = case.decision.decision_id
        labels = takewhile(lambda label: label.decision_id != made, labels)
    return next(reversed([*labels]), None)


def history(ledger: Ledger, company_id: str, *, blind: bool = False) -> list[Entry]:
    """Return all that is known of a company in the order in which it came; ``blind``: without what models say.

    Answers are not told before both reviewers have given theirs.

    Raises
    ------
    LedgerError
        If there is no such company.
    """
    with ledger.reading():
        ledger.company(company_id)
        entries = [
            *_facts(ledger, company_id),
            *([] if blind else _predictions(ledger, company_id)),
            *_steps(ledger, company_id, blind),
            *_decisions(ledger, company_id),
        ]
    entries.sort(key=lambda entry: (entry.at, entry.dispute_id or 0, KINDS.index(entry.kind)))
    return [entry._replace(model="") for entry in entries] if blind else entries


# ------------------------------------------------------------------------------------------------------------- checks


def _check_person(person: str) -> None:
    if not person.strip():
        raise LedgerError("nobody said it; name yourself with --person")


def _check_said(person: str, reason: str) -> None:
    _check_person(person)
    if not reason.strip():
        raise LedgerError(f"{person} gives no reason; write one")


def _check_standing(ledger: Ledger, company: Company, claimed: str) -> None:
    label, prediction = ledger.current_label(company.company_id), ledger.current_prediction(company.company_id)
    if label:
        code, who = label.code, label.person
    elif prediction:
        code, who = prediction.domain, prediction.model
    else:
        raise LedgerError(f"{company.name} has no label and no prediction to dispute; score it first")
    if code == claimed:
        raise LedgerError(f"{company.name} is {claimed} already (by {who}); claim another label, or leave it")


def _check_earlier(ledger: Ledger, company: Company, reopens: int | None) -> None:
    earlier = [load_case(ledger, one.dispute_id) for one in ledger.disputes(company_id=company.company_id)]
    for case in earlier:
        if not case.decision:
            raise _refusal(case, f"no second dispute on {company.name} beside it")
    last = earlier[-1] if earlier else None
    if last and reopens is None:
        raise LedgerError(
            f"dispute {_id(last)} on {company.name} is decided; say that you reopen it: --reopens {_id(last)}"
        )
    if reopens != (last and _id(last)):
        told = f"the last one is {_id(last)}" if last else "it has had none; leave out --reopens"
        raise LedgerError(f"dispute {reopens} is not the last one on {company.name}: {told}")


def _check_assignment(case: Case, person: str, role: str, substitute: bool) -> None:
    if not person.strip():
        raise LedgerError(f"dispute {_id(case)}: nobody is named; give the name of a {role}")
    held, most, states = {
        "reviewer": (case.reviewers, REVIEWERS, ("open", "in review")),
        "arbiter": (case.arbiters, ARBITERS, ("disagreement",)),
    }.get(role, ([], 0, ()))
    if case.state not in states:
        raise _refusal(case, f"{person} cannot become its {role}")
    if _is_among(person, [case.dispute.person]):
        raise _refusal(case, f"{person} made the claim and cannot become its {role}")
    for other in case.assignments:
        if _is_among(person, [other.reviewer]):
            raise _refusal(case, f"{person} is its {other.role} already")
    if len(held) >= most and not substitute:
        raise _refusal(case, f"{', '.join(held)} is its {role} already; {person} can only be a substitute")


def _assigned(case: Case, person: str, role: str, names: Sequence[str]) -> str:
    """Return a person's name as it was assigned."""
    for name in names:
        if _is_among(person, [name]):
            return name
    told = f"{', '.join(names)} is" if names else "nobody is"
    raise _refusal(case, f"{person or 'nobody'} is not its {role} ({told})")


def _refusal(case: Case, what: str) -> LedgerError:
    return LedgerError(f"dispute {_id(case)} ({case.state}): {what}; {case.next_step}")


def _is_among(person: str, names: Iterable[str]) -> bool:
    """Tell whether a name is one of others, however it is written (width, case, spaces)."""
    return _plain(person) in map(_plain, names)


def _plain(name: str) -> str:
    return "".join(unicodedata.normalize("NFKC", name).casefold().split())


def _id(case: Case) -> int:
    return case.dispute.dispute_id


# ----------------------------------------------------------------------------------------------------------- decisions


def _decide(ledger: Ledger, case: Case, code: str, person: str, reason: str) -> Case:
    text = _text_at_issue(ledger, case.dispute)
    ledger.decide(
        case.dispute.company_id,
        code,
        person=person,
        reason=reason,
        dispute_id=_id(case),
        description_id=text and text.description_id,
    )
    return load_case(ledger, _id(case))


def _claim(dispute: Dispute, blind: bool) -> tuple[str, str, str]:
    """Return label, reason and claimant; to the blind a model's claim says nothing but that there is one."""
    told = not (blind and _is_among(dispute.person, [PROGRAM]))
    return dispute.claimed if told else "", dispute.reason if told else "", dispute.person


def _text_at_issue(ledger: Ledger, dispute: Dispute) -> Description | None:
    """Return the newest text that was known when the claim was made (else the newest): all read the same one."""
    texts = ledger.descriptions_of(dispute.company_id)
    known = [text for text in texts if text.at <= dispute.at] or texts
    return known[-1] if known else None


# ------------------------------------------------------------------------------------------------------------- history


def _facts(ledger: Ledger, company_id: str) -> Iterator[Entry]:
    for name in ledger.names_of(company_id):
        yield Entry(name.at, "name", name.source, name.name, f"{name.kind} name")
    for text in ledger.descriptions_of(company_id):
        yield Entry(text.at, "description", text.source, text.text, f"of {text.dated}", text.description_id)


def _predictions(ledger: Ledger, company_id: str) -> Iterator[Entry]:
    for one in ledger.predictions_of(company_id):
        said = f"{one.probabilities.get(one.domain, 0):.3f}, {one.status}"
        yield Entry(one.at, "prediction", one.model, one.domain, said, one.description_id, one.model)


def _steps(ledger: Ledger, company_id: str, blind: bool) -> Iterator[Entry]:
    for dispute in ledger.disputes(company_id=company_id):
        number, case = dispute.dispute_id, load_case(ledger, dispute.dispute_id)
        text = _text_at_issue(ledger, dispute)
        on = (text and text.description_id, "", number)
        claimed, reason, person = _claim(dispute, blind)
        yield Entry(dispute.at, "dispute", person, claimed, reason, *on, case.reopens)
        if case.reopening:
            yield Entry(case.reopening.at, "reopening", person, "", reason, dispute_id=number, reopens=case.reopens)
        for one in case.assignments:
            yield Entry(one.at, one.role, one.reviewer, "", one.reason, dispute_id=number, by=one.person)
        for answer in case.answers:
            code, reason = (answer.code, answer.reason) if case.answered else (HIDDEN, "")
            yield Entry(answer.at, "review", answer.reviewer, code, reason, *on)


def _decisions(ledger: Ledger, company_id: str) -> Iterator[Entry]:
    disputes = {}
    for made in ledger.decisions_of(company_id):
        disputes[made.decision_id] = made.dispute_id
        on = (made.description_id, made.model, made.dispute_id)
        yield Entry(made.at, "decision", made.person, made.code, made.reason, *on)
    for label in ledger.labels_of(company_id):
        number = disputes.get(label.decision_id or 0)
        yield Entry(label.at, "label", label.person, label.code, label.reason, label.description_id, "", number)


# ---------------------------------------------------------------------------------------------------------------- text


def case_record(case: Case, company: Company) -> dict[str, Any]:
    """Return a dispute as JSON has it, without answers that may not be told yet."""
    return {
        **case.dispute._asdict(),
        "company": company.name,
        "reopens": case.reopens,
        "reopening": case.reopening and case.reopening._asdict(),
        "assignments": [one._asdict() for one in case.assignments],
        "state": case.state,
        "reviewers": case.reviewers,
        "arbiters": case.arbiters,
        "waits_for": case.awaited,
        "reviews": [answer._asdict() for answer in case.answers] if case.answered else [],
        "decision": case.decision and case.decision._asdict(),
    }


def case_text(case: Case, company: Company, scheme: Scheme) -> str:
    """Return a dispute in two lines: what is claimed, and how far it has come."""
    again = f" (reopens {case.reopens})" if case.reopens else ""
    head = f"dispute {_id(case)}{again}: {company.name} ({company.company_id}): {_named(scheme, case.dispute.claimed)}"
    if case.decision:
        made = case.decision
        return f"{head}\n  decided by {made.person}: {_named(scheme, made.code)}: {made.reason}"
    return f"{head}\n  {case.state}: {case.next_step}"


def cases_text(cases: Sequence[tuple[Case, Company]], scheme: Scheme) -> str:
    """Return disputes with their companies, a line each."""
    if not cases:
        return "no such dispute"
    heads = ["dispute", "reopens", "company", "claimed", "by", "opened", "state", "waits for", "assigned by"]
    rows = [
        [
            str(_id(case)),
            str(case.reopens or ""),
            f"{company.name} {company.company_id}",
            scheme.name(case.dispute.claimed),
            case.dispute.person,
            case.dispute.at[:10],
            case.state,
            ", ".join(case.awaited),
            ", ".join(dict.fromkeys(one.person for one in case.assignments if one.person)),
        ]
        for case, company in cases
    ]
    return align([heads, *rows])


def brief_record(found: Brief) -> dict[str, Any]:
    """Return what a person is to read as JSON has it."""
    parts = {
        "company": found.company._asdict(),
        "text": found.text and found.text._asdict(),
        "label": found.label and found.label._asdict(),
        "prediction": found.prediction and found.prediction._asdict(),
        "answers": [answer._asdict() for answer in found.answers],
    }
    return {**vars(found), **parts}


def brief_text(found: Brief, scheme: Scheme) -> str:
    """Return what a person is to read, as lines."""
    company, text, label, said = found.company, found.text, found.label, found.prediction
    again = f" (reopens {found.reopens})" if found.reopens else ""
    lines = [
        f"dispute {found.dispute_id}{again}, {found.state}: {company.full_name or company.name} ({company.company_id})",
        f"text: {text.text} ({text.source}, {text.dated})" if text else "text: none",
        f"label: {_named(scheme, label.code)}, by {label.person}: {label.reason}" if label else "label: none",
        f"claim: {_named(scheme, found.claimed) or 'not told'}, by {found.claimant}: {found.reason}".rstrip(": "),
    ]
    if said:
        chance = said.probabilities.get(said.domain, 0)
        lines.append(f"model: {_named(scheme, said.domain)} {chance:.3f}, {said.status} ({said.model})")
    lines += [f"{one.reviewer}: {_named(scheme, one.code)}: {one.reason}" for one in found.answers]
    return "\n".join(lines)


def history_text(entries: Iterable[Entry], scheme: Scheme) -> str:
    """Return a company's history, a line an entry: when, what, who, and in brackets why and on what."""
    return "\n".join(_entry_text(entry, scheme) for entry in entries)


def _entry_text(entry: Entry, scheme: Scheme) -> str:
    what = beginning(_named(scheme, entry.what), _SHOWN_CHARACTERS)
    on = [
        f"text {entry.text_id}" if entry.text_id else "",
        entry.model if entry.model != entry.who else "",
        f"dispute {entry.dispute_id}" if entry.dispute_id else "",
        f"reopens {entry.reopens}" if entry.reopens else "",
    ]
    by = f"assigned by {entry.by}" if entry.by else ""
    told = "; ".join(filter(None, [by, entry.why, ", ".join(filter(None, on))]))
    line = f"{entry.at}  {entry.kind:<11}  {entry.who}: {what}".rstrip(": ")
    return f"{line} ({told})" if told else line


def _named(scheme: Scheme, code: str) -> str:
    return f"{scheme.name(code)} {code}" if code in scheme.codes else code
