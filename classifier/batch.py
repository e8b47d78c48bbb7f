"""A file of companies in, the same file with labels out: streaming, parallel, in the order of the input."""

import json
from collections import Counter, deque
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from classifier import __version__
from classifier.errors import InputError, OutputError
from classifier.outputs import open_output, whole_file
from classifier.parts import Parts, Whole, file_hash, open_parts
from classifier.records import Batch, Rejected, Roles, Table, join_texts
from classifier.scoring import Scorer, Scores, encode_texts

EXPLAINED = ("clause", "tie_rule")  # which clause spoke loudest, and the codebook's rule between the two likeliest
COLUMNS = ("domain", "domain_name", "probability", "runner_up", "runner_up_probability", "status", "reason", "model")


Explain = Callable[[Sequence[str]], Iterable[Sequence[str]]]  # descriptions -> one row of `EXPLAINED` each


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
    resume: bool = False,
    explain: Explain | None = None,
    progress: Callable[[int], object] = lambda rows: None,
) -> Summary:
    """Write a table with its labels and return what was done.

    The table's own columns come first and unchanged, then `COLUMNS` (each with ``prefix``); rows keep their order.
    Rows that cannot be read go to ``OUTPUT.rejected.jsonl``. ``progress`` is told the rows of every batch. So many
    ``workers`` (threads) score, while this thread reads and another one writes. With ``resume`` a run that was cut
    short goes on where it stopped, see `classifier.parts`. ``explain`` gives the `EXPLAINED` columns of descriptions;
    they come last.

    Raises
    ------
    ClassifierError
        If the input, the model or the output does not allow it; the output file is then not touched.
    """
    names = name_results(table.path, table.columns, prefix, more=EXPLAINED if explain else ())
    names, told = names[: len(COLUMNS)], names[len(COLUMNS) :]

    def label(batch: Batch, scores: Scores) -> Batch:
        results = result_columns(scores, scorer, names)
        if not explain:
            return results
        return results.beside(_explained(explain(join_texts(batch, roles.text).to_pylist()), told))

    in_parts = format != "xlsx" and output != "-" and (Path(output).is_file() or not Path(output).exists())
    if resume and not in_parts:
        raise OutputError(f"{output}: only a csv, tsv, jsonl or parquet file can be resumed; name one with -o")
    options: dict[str, Any] = {
        "format": format,
        "zipped": zipped,
        "marked": output != "-" and (table.marked or table.encoding == "gb18030"),
        "schema": table.schema,
    }
    summary = Summary(rejected=table.rejected)
    with ExitStack() as opened:
        sink: Parts | Whole
        if in_parts:
            beside = opened.enter_context(ThreadPoolExecutor(1, "hash"))
            run = beside.submit(_identity, table, roles, scorer, [format, zipped, prefix, *told])
            sink = opened.enter_context(open_parts(output, run, resume=resume, **options))
        else:
            sink = Whole(opened.enter_context(open_output(output, **options)))
        _take_over(summary, sink, scorer)

        def write(batch: Batch, scores: Scores) -> int:
            sink.write(batch, label(batch, scores), _count(summary, scores, scorer))
            return batch.rows

        scored = _scored(sink.behind(table.batches, progress), roles, scorer, workers)
        for rows in opened.enter_context(closing(_in_turn(write, scored))):  # threads end before their folder goes
            progress(rows)
        if summary.rows == 0:
            nothing = Batch({column: [] for column in table.columns}, 0)
            sink.write(nothing, label(nothing, score_texts(scorer, pa.array([], pa.string()))), {})
        summary.guarded = sink.guarded
    if table.rejected and output != "-":
        summary.rejects_file = _write_rejected(output, table.rejected)
    return summary


def _identity(table: Table, roles: Roles, scorer: Scorer, output: Sequence[str]) -> Mapping[str, str]:
    """Return what makes two runs the same, under names for messages."""
    return {
        "input": f"{file_hash(table.local)} {table.format} {table.encoding}",
        "description column": json.dumps(roles.text, ensure_ascii=False),
        "model": scorer.facts.identity,
        "--prior or --threshold": repr(scorer.decision),
        "format, --compression or --prefix": json.dumps(output, ensure_ascii=False),
        "version of gonglian": __version__,
    }


def _take_over(summary: Summary, sink: "Parts | Whole", scorer: Scorer) -> None:
    summary.rows = sink.rows
    for label in scorer.facts.labels:
        summary.domains[label] = sink.counted(label)
        summary.accepted[label] = sink.counted(f"{label} accepted")


def name_results(
    path: str, columns: Sequence[str], prefix: str, fold: Callable[[str], str] = str, more: Sequence[str] = ()
) -> list[str]:
    """Return the names of the result's columns; names are equal that ``fold`` makes equal.

    Raises
    ------
    InputError
        If the input has a column of such a name.
    """
    names = [prefix + column for column in (*COLUMNS, *more)]
    needed = {fold(name) for name in names}
    clash = [column for column in columns if fold(column) in needed]
    if clash:
        raise InputError(
            f"{path}: has a column {clash[0]!r} already, which the result needs; rename it, or put something before "
            "the result's columns with --prefix"
        )
    return names


def score_texts(scorer: Scorer, texts: pa.Array) -> Scores:
    """Score an Arrow array of strings without nulls."""
    texts = texts.cast(pa.large_string())
    _, offsets, data = texts.buffers()
    ends = np.frombuffer(offsets, np.int64, len(texts) + 1, texts.offset * 8) if len(texts) else np.zeros(1, np.int64)
    return scorer.score(data if data is not None else b"", ends)


def result_columns(scores: Scores, scorer: Scorer, names: Sequence[str]) -> Batch:
    """Return the columns of a result, under the given names."""
    labels, count = scorer.facts.labels, len(scores.first)
    rows, ends = np.arange(count), pa.py_buffer(scores.reason_ends.astype(np.int32))
    columns = (
        _named(scores.first, labels),
        _named(scores.first, [scorer.scheme.name(label) for label in labels]),
        _numbers(scores.probabilities[rows, scores.first].round(4)),
        _named(scores.second, labels),
        _numbers(scores.probabilities[rows, scores.second].round(4)),
        _named(scores.accepted.astype(np.uint8), ["review", "accepted"]),
        pa.StringArray.from_buffers(count, ends, pa.py_buffer(scores.reasons)),
        _named(np.zeros(count, np.uint8), [scorer.facts.identity]),
    )
    return Batch(dict(zip(names, columns, strict=True)), count)


def _explained(told: Iterable[Sequence[str]], names: Sequence[str]) -> Batch:
    """Return columns that explain labels."""
    rows = list(told)
    columns = {name: pa.array([row[place] for row in rows], pa.string()) for place, name in enumerate(names)}
    return Batch(columns, len(rows))


def _named(numbers: np.ndarray, names: Sequence[str]) -> pa.Array:
    text, ends = encode_texts(names)
    named = pa.StringArray.from_buffers(len(names), pa.py_buffer(np.array(ends, np.int32)), pa.py_buffer(text))
    return pa.DictionaryArray.from_arrays(_numbers(numbers), named)


def _numbers(numbers: np.ndarray) -> pa.Array:
    """Return numbers as pyarrow has them; ``pyarrow.array`` would import pandas first, a quarter of a start."""
    return pa.Array.from_buffers(pa.from_numpy_dtype(numbers.dtype), len(numbers), [None, pa.py_buffer(numbers)])


def _scored(batches: Iterable[Batch], roles: Roles, scorer: Scorer, workers: int) -> Iterator[tuple[Batch, Scores]]:
    """Yield the batches with their scores, in order, while others are read and scored."""
    waiting: deque[tuple[Batch, Future[Scores]]] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for batch in batches:
            texts = join_texts(batch, roles.text)
            waiting.append((batch, pool.submit(score_texts, scorer, texts)))
            if len(waiting) > 2 * workers + 1:
                first, scores = waiting.popleft()
                yield first, scores.result()
        for first, scores in waiting:
            yield first, scores.result()


def _in_turn(
    write: Callable[[Batch, Scores], int], scored: Iterable[tuple[Batch, Scores]]
) -> Generator[int, None, None]:
    """Yield the rows of batches that a thread has written, one after the other, while others are scored."""
    waiting: deque[Future[int]] = deque()
    with ThreadPoolExecutor(1, "write") as thread:
        for batch, scores in scored:
            waiting.append(thread.submit(write, batch, scores))
            if len(waiting) > 1:
                yield waiting.popleft().result()
        for written in waiting:
            yield written.result()


def _count(summary: Summary, scores: Scores, scorer: Scorer) -> dict[str, int]:
    """Count the labels of a batch in the summary; return them by name for the manifest."""
    labels = scorer.facts.labels
    summary.rows += len(scores.first)
    found: dict[str, int] = {}
    for counter, numbers, more in (
        (summary.domains, scores.first, ""),
        (summary.accepted, scores.first[scores.accepted], " accepted"),
    ):
        counts = dict(zip(labels, np.bincount(numbers, minlength=len(labels)).tolist(), strict=True))
        counter.update(counts)
        found |= {label + more: count for label, count in counts.items()}
    return found


def _write_rejected(output: str, rejected: Sequence[Rejected]) -> str:
    path = Path(f"{output}.rejected.jsonl")
    try:
        with whole_file(path) as stream:
            for row in rejected:
                stream.write((json.dumps(row._asdict(), ensure_ascii=False) + "\n").encode())
    except OSError as error:
        raise OutputError(f"{path}: the rows that could not be scored cannot be written ({error.strerror})") from error
    return str(path)
