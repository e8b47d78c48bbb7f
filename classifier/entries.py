"""The rows of the ledger, each kind a tuple; times are in UTC, ISO 8601."""

from collections.abc import Mapping
from typing import Any, NamedTuple

FIRST_OFFER = "首发"  # the channel of a listing by which a company comes to the stock exchange


class Company(NamedTuple):
    """A company as it is known now: its newest names, codes and region; "" is unknown.

    ``code_fault`` says what is wrong with a unified social credit code that was kept all the same.
    """

    company_id: str
    name: str
    full_name: str
    code: str
    stock_code: str
    code_fault: str
    province: str
    city: str
    generated: bool
    at: str


class Name(NamedTuple):
    """A name of a company; its kind is short or full."""

    name_id: int
    company_id: str
    name: str
    kind: str
    source: str
    at: str


class Description(NamedTuple):
    """What a source said of a company, and the day of that source (the day it was seen if no day was given)."""

    description_id: int
    company_id: str
    text: str
    source: str
    dated: str
    at: str


class NewPrediction(NamedTuple):
    """What a model says of a description: probabilities by label, the domain, and accepted or review."""

    description_id: int
    model: str
    scheme: str
    probabilities: Mapping[str, float]
    domain: str
    status: str


class Prediction(NamedTuple):
    """A prediction that was kept."""

    prediction_id: int
    description_id: int
    model: str
    scheme: str
    probabilities: Mapping[str, float]
    domain: str
    status: str
    at: str


class PersonLabel(NamedTuple):
    """A person's word on a company; its source is decision, import or review."""

    label_id: int
    company_id: str
    description_id: int | None
    decision_id: int | None
    code: str
    person: str
    reason: str
    source: str
    at: str


class Dispute(NamedTuple):
    """A claim that a company belongs to another domain."""

    dispute_id: int
    company_id: str
    claimed: str
    reason: str
    person: str
    at: str


class Reopening(NamedTuple):
    """That a dispute takes up again what another one on the company decided."""

    reopening_id: int
    dispute_id: int
    reopens: int
    person: str
    reason: str
    at: str


class Assignment(NamedTuple):
    """Who is to read a dispute, and which person assigned him, and why; the role is reviewer or arbiter.

    Where it was made before 2026-11 nobody kept person and reason: "".
    """

    assignment_id: int
    dispute_id: int
    reviewer: str
    role: str
    at: str
    person: str
    reason: str


class Review(NamedTuple):
    """What an assigned person says of a dispute."""

    review_id: int
    dispute_id: int
    reviewer: str
    code: str
    reason: str
    at: str


class Decision(NamedTuple):
    """Who decided on a label, why, and on which text and prediction of which model ("" if there was none)."""

    decision_id: int
    dispute_id: int | None
    company_id: str
    code: str
    person: str
    reason: str
    description_id: int | None
    model: str
    prediction_id: int | None
    at: str


class Event(NamedTuple):
    """A financing event, in the columns of `classifier.sources.read_events`."""

    company_id: str
    date: Any
    precision: str
    round: str
    group: str
    amount_low_wan: float | None
    amount_wan: float | None
    amount_high_wan: float | None
    published: bool
    currency: str
    rule: str
    investors: tuple[str, ...]


class Listing(NamedTuple):
    """A listing or refinancing, in the columns of `classifier.sources.read_listings`; company_id "" is unknown."""

    company_id: str
    name: str
    date: Any
    channel: str
    market: str
    board: str
    amount_wan: float | None


class Added(NamedTuple):
    """How many facts were new, were known already, and came with other values than before (the newest count)."""

    new: int
    known: int
    revised: int
