"""A file of companies in, the same file with labels out: streaming, parallel, in the order of the input."""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from classifier.errors import InputError, OutputError
from classifier.outputs import open_output, whole_file
from classifier.records import Rejected, Roles, Table, join_texts
from classifier.scoring import Decision, Label, load_scorer

COLUMNS = ("domain", "domain_name", "probability", "runner_up", "runner_up_probability", "status", "reason", "model")


class Job(NamedTuple):
    """What workers need to build the scorer of a run on their own."""

    model: Path
    labeled: Path
    decision: Decision
    workers: int = 1


@dataclass
class Summary:
    """What a run did: every row that was read is labelled or rejected."""

    rows: int = 0
    domains: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    guarded: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    rejects_file: str = ""


def score_table(
    table: Table,
    roles: Roles,
    job: Job,
    output: str,
    format: str,
    *,
    zipped: bool = False,
    prefix: str = "",
    progress: Callable[[int], object] = lambda rows: None,
) -> Summary:
    """Write a table with its labels and return what was done.

    The table's own columns come first and unchanged, then `COLUMNS` (each with ``prefix``); rows keep their order.
    Rows that cannot be read go to ``OUTPUT.rejected.jsonl``. ``progress`` is told the rows of every batch.

    Raises
    ------
    ClassifierError
        If the input, the model or the output does not allow it; the output file is then not touched.
    """
    names = [prefix + column for column in COLUMNS]
    clash = [name for name in names if name in table.columns]
    if clash:
        raise InputError(
            f"{table.path}: has a column {clash[0]!r} already, which the result needs; rename it, or put something "
            "before the result's columns with --prefix"
        )
    summary = Summary(rejected=table.rejected)
    model = load_scorer(job.model, job.labeled).model.identity
    marked = output != "-" and (table.marked or table.encoding == "gb18030")
    with open_output(output, format, zipped=zipped, marked=marked, schema=table.schema) as writer:
        for frame, labels in _labelled(table, roles, job):
            writer.write(add_labels(frame, labels, model, names))
            summary.rows += len(frame)
            summary.domains.update(label.domain for label in labels)
            summary.accepted.update(label.domain for label in labels if label.status == "accepted")
            progress(len(frame))
        if summary.rows == 0:
            nothing = pd.DataFrame({column: pd.Series(dtype=object) for column in table.columns})
            writer.write(add_labels(nothing, [], model, names))
        summary.guarded = writer.guarded
    if table.rejected and output != "-":
        summary.rejects_file = _write_rejected(output, table.rejected)
    return summary


def add_labels(frame: pd.DataFrame, labels: Sequence[Label], model: str, names: Sequence[str]) -> pd.DataFrame:
    """Return a batch with the result columns behind its own."""
    values = {
        "domain": [label.domain for label in labels],
        "domain_name": [label.domain_name for label in labels],
        "probability": [round(label.probability, 4) for label in labels],
        "runner_up": [label.runner_up for label in labels],
        "runner_up_probability": [round(label.runner_up_probability, 4) for label in labels],
        "status": [label.status for label in labels],
        "reason": [label.reason for label in labels],
        "model": [model] * len(labels),
    }
    added = {
        name: pd.Series(values[column], dtype="float64" if "probability" in column else object, index=frame.index)
        for name, column in zip(names, COLUMNS, strict=True)
    }
    return pd.concat([frame, pd.DataFrame(added)], axis=1)


def _labelled(table: Table, roles: Roles, job: Job) -> Iterator[tuple[pd.DataFrame, list[Label]]]:
    if job.workers == 1:
        for frame in table.batches:
            yield frame, _label(job, join_texts(frame, roles.text))
        return
    from joblib import Parallel, delayed

    waiting: deque[pd.DataFrame] = deque()

    def tasks() -> Iterator[object]:
        for frame in table.batches:
            waiting.append(frame)
            yield delayed(_label)(job, join_texts(frame, roles.text))

    for labels in Parallel(n_jobs=job.workers, return_as="generator", pre_dispatch="2*n_jobs")(tasks()):
        yield waiting.popleft(), labels


def _label(job: Job, texts: list[str]) -> list[Label]:
    scorer = load_scorer(job.model, job.labeled).with_decision(job.decision)
    return [label._replace(contributions=()) for label in scorer.label(texts)]


def _write_rejected(output: str, rejected: Sequence[Rejected]) -> str:
    path = Path(f"{output}.rejected.jsonl")
    try:
        with whole_file(path) as stream:
            for row in rejected:
                stream.write((json.dumps(row._asdict(), ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise OutputError(f"{path}: the rows that could not be scored cannot be written ({error.strerror})") from error
    return str(path)
