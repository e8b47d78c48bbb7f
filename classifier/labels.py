"""The training data in ``labeled/corpus/*.csv``: read it, and find what is wrong with it."""

import csv
import hashlib
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from classifier.domains import Scheme
from classifier.errors import SchemeError
from classifier.text import lexicon_rows, normalize

COLUMNS = ("id", "label", "style", "name", "text", "provenance", "added")
STYLES = ("intro", "main_business", "scope", "profile")
PROVENANCES = ("real", "illustrative", "decision")  # decision: a person's, from a ledger
KINDS = ("product", "technique", "industry", "role")
NEAR_DUPLICATE = 0.7  # Jaccard similarity of 5-character shingles from which two texts count as one text reworded
_SHINGLE = 5
_COMMON = 40  # a shingle that stands in more texts than this is a set phrase, not a trace of copying


@dataclass(frozen=True)
class Example:
    """One labelled description and where it stands."""

    id: str
    label: str
    style: str
    name: str
    text: str
    provenance: str
    added: str
    file: str
    line: int

    @property
    def place(self) -> str:
        """File and line, as editors understand them."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True)
class Finding:
    """One fault of the training data: a rule, the place, and what to do."""

    rule: str
    place: str
    message: str


def read_examples(folder: Path) -> list[Example]:
    """Return the rows of ``folder/*.csv`` in file and line order.

    Raises
    ------
    SchemeError
        If there is no file, a file is not UTF-8, or its columns are not `COLUMNS`.
    """
    paths = sorted(folder.glob("*.csv"))
    if not paths:
        raise SchemeError(
            f"{folder}: no labelled texts (*.csv) here; name the folder that holds corpus/ with --labeled"
        )
    return [example for path in paths for example in _read_file(path)]


def _read_file(path: Path) -> Iterator[Example]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file, strict=True)
            if tuple(reader.fieldnames or ()) != COLUMNS:
                raise SchemeError(f"{path}: line 1: columns {reader.fieldnames}, expected {','.join(COLUMNS)}")
            for row in reader:
                if None in row or None in row.values():
                    raise SchemeError(f"{path}: line {reader.line_num}: not {len(COLUMNS)} cells; mend the row")
                yield Example(**row, file=path.name, line=reader.line_num)
    except (UnicodeDecodeError, csv.Error) as error:
        raise SchemeError(f"{path}: not a well-formed csv file in UTF-8 ({error}); mend or re-export it") from error


def corpus_digest(examples: Iterable[Example]) -> str:
    """Return the SHA-256 over ids, labels and texts: what a model was trained on."""
    digest = hashlib.sha256()
    for example in examples:
        digest.update(f"{example.id}\t{example.label}\t{example.text}\n".encode())
    return digest.hexdigest()


def check_examples(examples: list[Example], scheme: Scheme) -> list[Finding]:
    """Return every fault of the training data, in the order of the rows.

    The rules: known code, own file of the label, known style and provenance, a date, an id of its own, a text with
    content, no text twice, no text under two labels, no text that is another one reworded (`NEAR_DUPLICATE`).
    """
    normal = [normalize(example.text) for example in examples]
    return [
        *_check_fields(examples, scheme),
        *_check_ids(examples),
        *_check_texts(examples, normal),
        *_check_near_duplicates(examples, normal),
    ]


def _check_fields(examples: list[Example], scheme: Scheme) -> Iterator[Finding]:
    for example in examples:
        if example.label not in scheme.codes:
            yield Finding("code", example.place, f"label {example.label!r} is not one of {', '.join(scheme.codes)}")
        elif example.file != f"{example.label}.csv":
            yield Finding("file", example.place, f"label {example.label} stands in {example.file}; move it to its own")
        if example.style not in STYLES:
            yield Finding("style", example.place, f"style {example.style!r} is not one of {', '.join(STYLES)}")
        if example.provenance not in PROVENANCES:
            yield Finding("provenance", example.place, f"provenance {example.provenance!r} is not one of {PROVENANCES}")
        if not _is_date(example.added):
            yield Finding("added", example.place, f"added {example.added!r} is not a date such as 2026-11-23")


def _is_date(text: str) -> bool:
    try:
        return bool(date.fromisoformat(text))
    except ValueError:
        return False


def _check_ids(examples: list[Example]) -> Iterator[Finding]:
    first: dict[str, Example] = {}
    for example in examples:
        if not example.id.strip():
            yield Finding("id", example.place, "the id is empty; give the row one of its own")
        elif first.setdefault(example.id, example) is not example:
            yield Finding("id", example.place, f"id {example.id} stands at {first[example.id].place} already")


def _check_texts(examples: list[Example], normal: list[str]) -> Iterator[Finding]:
    first: dict[str, Example] = {}
    for example, text in zip(examples, normal, strict=True):
        letters = re.sub(r"[\W\d_]+", "", text)
        if not letters:
            yield Finding("empty", example.place, "the text says nothing; write one or delete the row")
            continue
        earlier = first.setdefault(letters, example)
        if earlier is example:
            continue
        if earlier.label != example.label:
            message = f"the text stands at {earlier.place} under {earlier.label}; settle the label, keep one"
            yield Finding("two labels", example.place, message)
        else:
            yield Finding("duplicate", example.place, f"the text stands at {earlier.place} already; delete one")


def _check_near_duplicates(examples: list[Example], normal: list[str]) -> Iterator[Finding]:
    for later, earlier, similarity in near_duplicates(normal):
        message = f"{similarity:.0%} of its wording stands at {examples[earlier].place}; rewrite or delete one"
        yield Finding("near-duplicate", examples[later].place, message)


def check_lexicon(folder: Path, scheme: Scheme) -> list[Finding]:
    """Return every fault of ``lexicon/*.csv``: unknown domain, kind or provenance, a term that stands twice."""
    first: dict[str, str] = {}
    findings = []
    for path, number, row in lexicon_rows(folder):
        place = f"{path.name}:{number}"
        term = normalize(row["term"])
        if first.setdefault(term, place) != place:
            findings.append(Finding("term", place, f"term {term} stands at {first[term]} already; keep one"))
        if row.get("domain") not in scheme.codes:
            findings.append(Finding("code", place, f"domain {row.get('domain')!r} is not in the scheme"))
        if row.get("kind") not in KINDS or row.get("provenance") not in PROVENANCES:
            found = f"{row.get('kind')!r}, {row.get('provenance')!r}"
            findings.append(Finding("kind", place, f"kind and provenance {found} are not of {KINDS}, {PROVENANCES}"))
    return findings


def near_duplicates(texts: list[str], least: float = NEAR_DUPLICATE) -> list[tuple[int, int, float]]:
    """Return pairs (later, earlier, similarity) of texts that share most of their wording but are not equal.

    Similarity is the Jaccard index of 5-character shingles over letters only. Every text is paired at most once,
    with its most similar earlier text.

    >>> near_duplicates(["工业机器人的研发、生产和销售服务", "工业机器人的研发、生产和销售业务"], least=0.6)
    [(1, 0, 0.6923076923076923)]
    """
    shingles = [_shingles(text) for text in texts]
    frequency = Counter(shingle for found in shingles for shingle in found)
    places: dict[str, list[int]] = defaultdict(list)
    pairs = []
    for index, found in enumerate(shingles):
        rare = [shingle for shingle in found if 1 < frequency[shingle] <= _COMMON]
        shared = Counter(other for shingle in rare for other in places[shingle])
        best = max(((_jaccard(found, shingles[other]), -other) for other, _ in shared.most_common(5)), default=(0.0, 0))
        if least <= best[0] < 1:
            pairs.append((index, -best[1], best[0]))
        for shingle in rare:
            places[shingle].append(index)
    return pairs


def _shingles(text: str) -> frozenset[str]:
    letters = re.sub(r"[\W_]+", "", text)
    return frozenset(letters[i : i + _SHINGLE] for i in range(max(1, len(letters) - _SHINGLE + 1)))


def _jaccard(first: frozenset[str], second: frozenset[str]) -> float:
    return len(first & second) / len(first | second)
