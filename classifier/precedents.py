"""Labelled texts to compare a text with: the nearest by the model's own terms and weights."""

import hashlib
import json
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classifier import kernel, trace
from classifier import text as rules
from classifier.labels import read_examples
from classifier.scoring import Scorer
from classifier.text import cache_folder, keep_file
from classifier.trace import Trace, term_rows, tracing

SAME_TEXT = 0.98  # similarity from which a text counts as the precedent itself
VOTERS, VOTE_POWER = 15, 2  # of `Precedents.vote`
_ARRAYS = ("starts", "texts", "weights", "rows", "ends")


class Precedent(NamedTuple):
    """A labelled text and its similarity (cosine) to another one."""

    id: str
    label: str
    name: str
    text: str
    place: str
    similarity: float


@dataclass(frozen=True)
class Precedents:
    """Labelled texts by the model's terms, a sparse matrix held term by term.

    starts : int64 (terms + 1)
        Where the entries of each term begin and, last, the end.
    texts, weights : int32, float32
        Entries: a text and the term's weight there, as the model weighs it; a text has length 1 over all its terms.
    rows, ends : uint8, int64
        The texts' id, label, name, text and place as JSON, one behind the other, and where each ends.
    """

    starts: np.ndarray
    texts: np.ndarray
    weights: np.ndarray
    rows: np.ndarray
    ends: np.ndarray

    def __len__(self) -> int:
        """Return the number of texts."""
        return len(self.ends) - 1

    def nearest(self, trace: Trace, count: int) -> tuple[Precedent, ...]:
        """Return the most similar texts, the most similar first; none for a text without a known term."""
        similarities = self._similarities(trace)
        order = np.argsort(-similarities, kind="stable")[:count]
        return tuple(self._precedent(int(at), float(similarities[at])) for at in order if similarities[at] > 0)

    def vote(self, trace: Trace, own: Precedent) -> dict[str, float]:
        """Return the share of each label among the nearest texts, by a power of their similarity.

        The text itself, others of its company and all but equal ones have no vote. It is what neighbours say, not the
        model: of 1,500 texts of the shipped corpus it gives 93.8 % their label, the model out of fold 97.4 %.
        """
        votes: dict[str, float] = {}
        voters = 0
        for near in self.nearest(trace, 20 * VOTERS):
            if near.similarity < SAME_TEXT and near.id != own.id and (not own.name or near.name != own.name):
                votes[near.label] = votes.get(near.label, 0.0) + near.similarity**VOTE_POWER
                voters += 1
            if voters == VOTERS:
                break
        together = sum(votes.values())
        ranked = sorted(votes.items(), key=lambda entry: -entry[1])
        return {label: weight / together for label, weight in ranked}

    def _similarities(self, trace: Trace) -> np.ndarray:
        spans = [slice(self.starts[number], self.starts[number + 1]) for number in trace.numbers]
        if not spans:
            return np.zeros(len(self))
        texts = np.concatenate([self.texts[span] for span in spans])
        products = [weight * self.weights[span] for weight, span in zip(trace.weights, spans, strict=True)]
        return np.minimum(np.bincount(texts, np.concatenate(products), minlength=len(self)), 1.0)

    def _precedent(self, at: int, similarity: float) -> Precedent:
        cells = json.loads(self.rows[self.ends[at] : self.ends[at + 1]].tobytes())
        return Precedent(**cells, similarity=similarity)


def load_precedents(scorer: Scorer, folder: Path) -> Precedents:
    """Return the labelled texts of ``folder/*.csv``, from the private cache if texts and model are those of before.

    Raises
    ------
    SchemeError
        If there is no file, or one is not in order.
    """
    cache = cache_folder()
    if cache is None:
        return _build_precedents(scorer, folder)
    place = hashlib.sha256(f"{folder.resolve()}\n{scorer.facts.identity.split('@')[0]}".encode()).hexdigest()[:16]
    key = _precedents_key(scorer, folder)
    paths = [cache / f"precedents-{place}-{key}-{name}.npy" for name in _ARRAYS]
    try:
        return Precedents(*(np.load(path, mmap_mode="r", allow_pickle=False) for path in paths))
    except (OSError, ValueError):
        found = _build_precedents(scorer, folder)
    for path in cache.glob(f"precedents-{place}-*.npy"):  # of another model or of other texts at the same place
        path.unlink(missing_ok=True)
    for name, path in zip(_ARRAYS, paths, strict=True):
        content = BytesIO()
        np.save(content, getattr(found, name), allow_pickle=False)
        keep_file(path, [content.getvalue()])
    return found


def _precedents_key(scorer: Scorer, folder: Path) -> str:
    """Return a digest of what the matrix depends on: the texts, the model's terms, and how terms are made."""
    digest = hashlib.sha256(term_rows(scorer).tobytes())
    for path in (
        *sorted(folder.glob("*.csv")),
        Path(rules.__file__),
        Path(kernel.__file__),
        Path(trace.__file__),
        Path(__file__),
    ):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:32]


def _build_precedents(scorer: Scorer, folder: Path) -> Precedents:
    examples = read_examples(folder)
    with tracing(scorer, len(examples)) as read:
        traces = [(trace.numbers, trace.weights) for trace in (read(example.text) for example in examples)]
    numbers = np.concatenate([numbers for numbers, _ in traces])
    weights = np.concatenate([weights for _, weights in traces])
    texts = np.repeat(np.arange(len(examples), dtype=np.int32), [len(numbers) for numbers, _ in traces])
    order = np.argsort(numbers, kind="stable")
    cells = ("id", "label", "name", "text", "place")
    rows = [json.dumps({cell: getattr(e, cell) for cell in cells}, ensure_ascii=False).encode() for e in examples]
    return Precedents(
        np.concatenate([[0], np.cumsum(np.bincount(numbers, minlength=len(term_rows(scorer))))]),
        texts[order],
        weights[order].astype(np.float32),
        np.frombuffer(b"".join(rows), np.uint8),
        np.cumsum([0, *map(len, rows)]),
    )
