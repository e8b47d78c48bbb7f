"""A file of companies in, the same file with labels out: streaming, parallel, in the order of the input."""

import json
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from classifier.errors import InputError, OutputError
from classifier.outputs import open_output, whole_file
from classifier.records import Batch, Rejected, Roles, Table, join_texts
from classifier.scoring import Scorer, Scores

COLUMNS = ("domain", "domain_name", "probability", "runner_up", "runner_up_probability", "status", "reason", "model")


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
    scorer: Scorer,
    output: str,
    format: str,
    *,
    workers: int = 1,
    zipped: str = "",
    prefix: str = "",
    progress: Callable[[int], object] = lambda rows: None,
) -> Summary:
    """Write a table with its labels and return what was done.

    The table's own columns come first and unchanged, then `COLUMNS` (each with ``prefix``); rows keep their order.
    Rows that cannot be read go to ``OUTPUT.rejected.jsonl``. ``progress`` is told the rows of every batch. So many
    ``workers`` (threads) score, while this thread reads and writes.

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
    marked = output != "-" and (table.marked or table.encoding == "gb18030")
    with open_output(output, format, zipped=zipped, marked=marked, schema=table.schema) as writer:
        for batch, scores in _scored(table, roles, scorer, workers):
            writer.write(add_labels(batch, scores, scorer, names))
            _count(summary, scores, scorer)
            progress(batch.rows)
        if summary.rows == 0:
            nothing = Batch({column: [] for column in table.columns}, 0)
            writer.write(add_labels(nothing, score_texts(scorer, pa.array([], pa.string())), scorer, names))
        summary.guarded = writer.guarded
    if table.rejected and output != "-":
        summary.rejects_file = _write_rejected(output, table.rejected)
    return summary


def score_texts(scorer: Scorer, texts: pa.Array) -> Scores:
    """Score an Arrow array of strings without nulls."""
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int64, len(texts) + 1, texts.offset * 8) if len(texts) else np.zeros(1, np.int64)
    return scorer.score(data if data is not None else b"", ends)


def add_labels(batch: Batch, scores: Scores, scorer: Scorer, names: Sequence[str]) -> Batch:
    """Return a batch with the result columns behind its own."""
    labels, rows = scorer.facts.labels, np.arange(batch.rows)
    ends = pa.py_buffer(scores.reason_ends.astype(np.int32))
    added = (
        _named(scores.first, labels),
        _named(scores.first, [scorer.scheme.name(label) for label in labels]),
        pa.array(scores.probabilities[rows, scores.first].round(4)),
        _named(scores.second, labels),
        pa.array(scores.probabilities[rows, scores.second].round(4)),
        _named(scores.accepted.astype(np.uint8), ["review", "accepted"]),
        pa.StringArray.from_buffers(batch.rows, ends, pa.py_buffer(scores.reasons)),
        _named(np.zeros(batch.rows, np.uint8), [scorer.facts.identity]),
    )
    return Batch({**batch.columns, **dict(zip(names, added, strict=True))}, batch.rows)


def _named(numbers: np.ndarray, names: Sequence[str]) -> pa.Array:
    return pa.array(names, pa.string()).take(pa.array(numbers))


def _scored(table: Table, roles: Roles, scorer: Scorer, workers: int) -> Iterator[tuple[Batch, Scores]]:
    """Yield the batches with their scores, in order, while others are read and scored."""
    waiting: deque[tuple[Batch, Future[Scores]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for batch in table.batches:
            texts = join_texts(batch, roles.text)
            waiting.append((batch, pool.submit(score_texts, scorer, texts)))
            if len(waiting) > workers + 1:
                first, scores = waiting.popleft()
                yield first, scores.result()
        for first, scores in waiting:
            yield first, scores.result()


def _count(summary: Summary, scores: Scores, scorer: Scorer) -> None:
    labels = scorer.facts.labels
    summary.rows += len(scores.first)
    for counter, numbers in ((summary.domains, scores.first), (summary.accepted, scores.first[scores.accepted])):
        counter.update(dict(zip(labels, np.bincount(numbers, minlength=len(labels)).tolist(), strict=True)))


def _write_rejected(output: str, rejected: Sequence[Rejected]) -> str:
    path = Path(f"{output}.rejected.jsonl")
    try:
        with whole_file(path) as stream:
            for row in rejected:
                stream.write((json.dumps(row._asdict(), ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise OutputError(f"{path}: the rows that could not be scored cannot be written ({error.strerror})") from error
    return str(path)
