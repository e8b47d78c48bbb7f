"""Labelled texts of a user's file, to be audited beside the training corpus: every row is judged, or reported."""

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

import pandas as pd

from classifier.domains import Scheme
from classifier.errors import InputError
from classifier.labels import Example
from classifier.records import Table, cell_text, find_roles, join_texts, open_table
from classifier.sources import HEADERS, Problem, find_columns
from classifier.suspects import OutOfFold, find_suspects
from classifier.tables import beginning
from classifier.text import normalize

_BEGINNING = 14  # characters of a text that stand for a company without a name
_NO_WORD = re.compile(r"[\W\d_]+")


class Columns(NamedTuple):
    """The columns of a file that hold descriptions (joined in this order), labels, and names, if any."""

    text: tuple[str, ...]
    label: str
    name: str | None


class Labelled(NamedTuple):
    """The rows of a file that can be judged, those that cannot, and the number of rows without a label.

    The ``file`` of an example is that file, its ``line`` the row: 1 is the first below the header. ``notes`` holds what
    reading the file has to say.
    """

    examples: list[Example]
    problems: list[Problem]
    unlabelled: int
    columns: Columns
    notes: list[str]


class _Row(NamedTuple):
    number: int
    text: str
    label: str
    name: str


def read_labelled(
    path: str,
    scheme: Scheme,
    *,
    text: Sequence[str] = (),
    label: str | None = None,
    name: str | None = None,
    **options: Any,
) -> Labelled:
    """Return the labelled texts of a file; ``options`` are those of `open_table`.

    Columns that are not named are found by the usual headers. Labels are codes or Chinese names of the scheme.

    Raises
    ------
    InputError
        If the file cannot be read, lacks a column, has a malformed row, or has no row that can be judged.
    """
    with open_table(path, **options) as table:
        columns = _find_columns(table, text, label, name)
        rows = list(_rows(table, columns))
    if table.rejected:
        bad = table.rejected[0]
        others = f" ({len(table.rejected)} such rows)" if len(table.rejected) > 1 else ""
        raise InputError(f"{table.path}: line {bad.line}: {bad.reason}; mend the row{others}")
    judged = [_judge(row, table.path, columns, scheme) for row in rows if row.label]
    examples = [one for one in judged if isinstance(one, Example)]
    problems = [one for one in judged if isinstance(one, Problem)]
    if not examples:
        raise InputError(_nothing_to_judge(table.path, columns, len(rows), problems))
    return Labelled(examples, problems, len(rows) - len(judged), columns, table.notes)


def _judge(row: _Row, path: str, columns: Columns, scheme: Scheme) -> Example | Problem:
    """Return a row as an example, or why it cannot be one."""
    code = scheme.find_code(row.label)
    if code is None:
        reason = f"not one of {', '.join(scheme.codes)} or their Chinese names"
        return Problem(path, row.number, columns.label, row.label, reason)
    if not _NO_WORD.sub("", normalize(row.text)):
        return Problem(path, row.number, " + ".join(columns.text), row.text, "the text says nothing")
    return Example(f"row {row.number}", code, "", row.name, row.text, "", "", path, row.number)


def _find_columns(table: Table, text: Sequence[str], label: str | None, name: str | None) -> Columns:
    found = label or find_columns(table.columns, ["label"]).get("label")
    if found is None:
        usual, listed = "、".join(HEADERS["label"]), ", ".join(table.columns)
        raise InputError(f"{table.path}: no column with a label ({usual}); found {listed}. Name it with --label")
    find_roles(table, [found])
    roles = find_roles(table, text, name)
    return Columns(roles.text, found, roles.name)


def _rows(table: Table, columns: Columns) -> Iterator[_Row]:
    number = 0
    for batch in table.batches:
        texts = join_texts(batch, columns.text).to_pylist()
        labels, names = (
            [cell_text(cell).strip() for cell in batch.cells(column)] if column else [""] * batch.rows
            for column in (columns.label, columns.name)
        )
        for text, label, name in zip(texts, labels, names, strict=True):
            number += 1
            yield _Row(number, text, label, name)


def _nothing_to_judge(path: str, columns: Columns, rows: int, problems: Sequence[Problem]) -> str:
    if problems:
        bad = problems[0]
        return (
            f"{path}: row {bad.row}: {bad.column} {bad.cell!r}: {bad.reason}; no row can be judged: correct the labels"
        )
    return f"{path}: column {columns.label} is empty in all {rows} rows; name the column of the labels with --label"


def join_corpus(examples: Sequence[Example], corpus: Sequence[Example]) -> list[Example]:
    """Return the corpus without the texts that stand among the examples, and the examples behind it.

    So every text is judged once, under the label to be audited.
    """
    normals = {normalize(example.text) for example in examples}
    return [*(one for one in corpus if normalize(one.text) not in normals), *examples]


def find_labelled_suspects(examples: Sequence[Example], corpus: Sequence[Example], found: OutOfFold) -> pd.DataFrame:
    """Return the examples alone, the most suspect label first; thresholds are those of examples and corpus together.

    Parameters
    ----------
    examples, corpus
        What `join_corpus` joined.
    found
        What models out of fold say of these.

    Returns
    -------
    DataFrame
        Index id. Columns: row (1 is the first below the header), name (the company's, else how the text begins), those
        of `classifier.suspects.rank_suspects`, terms (see `OutOfFold`), and elsewhere (where the same text stands
        under another label, "" if nowhere).
    """
    own = {example.id: example for example in examples}
    kept = [example for example in corpus if example.id in found.probabilities.index]
    left_out = [example for example in corpus if example.id not in found.probabilities.index]
    ranked = find_suspects([*kept, *examples], found).drop(columns="place")
    ranked = ranked[ranked.index.isin(own)]
    given = [own[id] for id in ranked.index]
    ranked.insert(0, "row", [example.line for example in given])
    ranked.insert(
        1, "name", [example.name or beginning(" ".join(example.text.split()), _BEGINNING) for example in given]
    )
    return ranked.assign(elsewhere=_elsewhere(given, left_out))


def _elsewhere(examples: Sequence[Example], corpus: Sequence[Example]) -> list[str]:
    """Return for each example the label and place of the same text under another label, "" where there is none."""
    places: dict[str, dict[str, str]] = defaultdict(dict)
    for example in corpus:
        places[normalize(example.text)].setdefault(example.label, example.place)
    normals = [normalize(example.text) for example in examples]
    for normal, example in sorted(zip(normals, examples, strict=True), key=lambda pair: pair[1].line):
        places[normal].setdefault(example.label, example.id)
    others = (
        [f"{label} ({place})" for label, place in places[normal].items() if label != example.label]
        for normal, example in zip(normals, examples, strict=True)
    )
    return [", ".join(found) for found in others]
