"""What people decided, as labelled texts to learn from, or to judge a model by."""

import csv
import hashlib
import io
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import NamedTuple

from classifier.domains import Scheme
from classifier.entries import Decision
from classifier.labels import COLUMNS, Example, Finding, check_examples
from classifier.ledger import Ledger
from classifier.outputs import whole_file

PROVENANCE = "decision"


class Decided(NamedTuple):
    """Decided texts, and what was left out: a finding each."""

    examples: list[Example]
    findings: list[Finding]


def labels_from_ledger(
    ledger: Ledger, *, style: str = "intro", since: date | None = None, until: date | None = None
) -> Decided:
    """Return the decisions that stand, each with the description that it was made on.

    A company counts once, by its newest decision. It is left out, with a finding, while it is under dispute, where a
    label by a person has come after the decision and says otherwise, and where the decision names no description.

    Parameters
    ----------
    style
        What the descriptions are: one of `classifier.labels.STYLES`.
    since, until
        The first day of the decisions, and the first day after them: a model that learned from decisions until a day
        can be judged by those since.
    """
    with ledger.reading():
        newest = {decision.company_id: decision for decision in ledger.decisions()}
        disputed = {dispute.company_id for dispute in ledger.disputes("open")}
        chosen = [decision for decision in newest.values() if _is_in(decision, since, until)]
        reasons = [_reason_against(ledger, decision, disputed) for decision in chosen]
        kept = [decision for decision, reason in zip(chosen, reasons, strict=True) if not reason]
        examples = [_example(ledger, decision, style) for decision in kept]
    findings = [
        Finding("decision", f"{ledger.path}: decision {decision.decision_id}", reason)
        for decision, reason in zip(chosen, reasons, strict=True)
        if reason
    ]
    return Decided(examples, findings)


def _is_in(decision: Decision, since: date | None, until: date | None) -> bool:
    day = decision.at[:10]
    return (not since or since.isoformat() <= day) and (not until or day < until.isoformat())


def _reason_against(ledger: Ledger, decision: Decision, disputed: set[str]) -> str:
    if decision.company_id in disputed:
        return f"{decision.company_id} is under dispute; left out until that is decided"
    if decision.description_id is None:
        return f"{decision.company_id} had no description; add one and decide anew"
    label = ledger.current_label(decision.company_id)
    if label and label.code != decision.code:
        return f"{decision.company_id} was decided to be {decision.code}, later labelled {label.code}; settle it"
    return ""


def _example(ledger: Ledger, decision: Decision, style: str) -> Example:
    texts = ledger.descriptions_of(decision.company_id)
    return Example(
        id=f"{PROVENANCE}-{_digest(decision)}",
        label=decision.code,
        style=style,
        name=ledger.company(decision.company_id).name,
        text=next(text.text for text in texts if text.description_id == decision.description_id),
        provenance=PROVENANCE,
        added=decision.at[:10],
        file=f"{decision.code}.csv",
        line=decision.decision_id,
    )


def _digest(decision: Decision) -> str:
    """Return what tells a decision from those of other ledgers, too."""
    return hashlib.sha256(f"{decision.company_id}\n{decision.at}\n{decision.code}".encode()).hexdigest()[:11]


def add_decided(corpus: Sequence[Example], decided: Decided, scheme: Scheme) -> Decided:
    """Return labelled texts with the decided ones behind them, and what was left out of those.

    A decided text stays out where `check_examples` finds a fault in it beside the others: an unknown label, a text that
    stands there already, under the same label or another, or one that is another reworded.
    """
    if not decided.examples:
        return Decided(list(corpus), decided.findings)
    places = {example.place for example in decided.examples}
    findings = [one for one in check_examples([*corpus, *decided.examples], scheme) if one.place in places]
    at_fault = {one.place for one in findings}
    kept = [example for example in decided.examples if example.place not in at_fault]
    return Decided([*corpus, *kept], [*decided.findings, *findings])


def write_decided(examples: Sequence[Example], corpus: Path) -> list[Path]:
    """Append decided texts to the files of their labels in a folder of labelled texts; return the files that grew.

    Those whose id stands there already are not written again. A file is replaced whole or not at all.
    """
    grown = []
    for label in sorted({example.label for example in examples}):
        path = corpus / f"{label}.csv"
        held = path.read_text(encoding="utf-8") if path.exists() else ",".join(COLUMNS) + "\n"
        known = {row["id"] for row in csv.DictReader(io.StringIO(held, newline=""))}
        new = [example for example in examples if example.label == label and example.id not in known]
        if new:
            with whole_file(path) as stream:
                stream.write((held + _as_csv(new)).encode())
            grown.append(path)
    return grown


def _as_csv(examples: Sequence[Example]) -> str:
    stream = io.StringIO(newline="")
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerows([getattr(example, column) for column in COLUMNS] for example in examples)
    return stream.getvalue()
