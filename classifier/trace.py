"""What the kernel did with a text: which terms it found where, what they weigh, and what they add to any log-odds.

The terms are those on which the label rests, so that what they add, with what does not hang on the text, sums to the
log-odds of one label against another. Places are those of the normal form, which is what the model reads.
"""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np

from classifier import kernel
from classifier.scoring import Scorer, encode_texts
from classifier.text import normalize

KINDS = ("words", "offering", "characters")  # of terms, in the order of the kernel's blocks


@dataclass(frozen=True)
class Trace:
    """A scored text, different term by different term and occurrence by occurrence.

    labels, probabilities : as the model has them, in its order
    shift : what does not hang on the text, one a label: intercepts, calibration and expected shares
    word_ends : where each word ends, by the place where it begins
    numbers, blocks : the terms in the kernel's order, and of which of `KINDS` they are
    weights : of the terms, with all of them together at length one
    parts : float64 (terms, labels); what all occurrences of a term add to the logit of a label
    occurrence, begin, end : which of the terms stands there, and where
    """

    normal: str
    labels: tuple[str, ...]
    probabilities: np.ndarray
    shift: np.ndarray
    word_ends: dict[int, int]
    numbers: np.ndarray
    blocks: np.ndarray
    weights: np.ndarray
    parts: np.ndarray
    occurrence: np.ndarray
    begin: np.ndarray
    end: np.ndarray

    @property
    def leaders(self) -> tuple[str, str]:
        """The label of highest probability, and the runner-up."""
        first, second, *_ = np.argsort(-self.probabilities, kind="stable").tolist()
        return self.labels[first], self.labels[second]

    def log_odds(self, label: str, rival: str) -> float:
        """Return the natural log of a label's probability over that of another one."""
        one, other = self._columns(label, rival)
        return math.log(self.probabilities[one] / self.probabilities[other])

    def constant(self, label: str, rival: str) -> float:
        """Return the part of the log-odds that does not hang on the text."""
        one, other = self._columns(label, rival)
        return float(self.shift[one] - self.shift[other])

    def added(self, label: str, rival: str) -> np.ndarray:
        """Return what one occurrence of each term adds to the log-odds."""
        one, other = self._columns(label, rival)
        counts = np.bincount(self.occurrence, minlength=len(self.numbers))
        return (self.parts[:, one] - self.parts[:, other]) / counts

    def _columns(self, *labels: str) -> list[int]:
        return [self.labels.index(label) for label in labels]


Read = Callable[[str], Trace]


@contextmanager
def tracing(scorer: Scorer, texts: int) -> Iterator[Read]:
    """Lend a function that scores a text and returns its `Trace`; ``texts``: how many are to come."""
    engine = scorer.engine(texts)
    settings = engine.settings(scorer.scheme, scorer.decision)
    starts, rows = np.asarray(engine.tables.starts), term_rows(scorer)
    shift = np.array(settings.shift)
    with engine.workspace() as work:

        def read(text: str) -> Trace:
            normal = normalize(text)
            results = engine.score(settings, *encode_texts([normal]), bytes(1), normal=True, work=work)
            terms, found = work.sizes[kernel.TERMS], work.sizes[kernel.OCCURRENCES]
            numbers, counts = (np.array(array[:terms]) for array in (work.term, work.count))
            blocks = np.searchsorted(starts[1:3], numbers, side="right")
            here = rows[numbers].astype(float)
            weights = here[:, 0] * (1 + np.log(counts))
            squares = np.bincount(blocks, weights**2, minlength=len(KINDS))
            weights /= np.sqrt(squares[blocks])
            span = np.array(work.span[:found])
            return Trace(
                normal,
                scorer.facts.labels,
                np.array(results.probabilities),
                shift,
                {int(work.word_start[i]): int(work.word_end[i]) for i in range(work.sizes[kernel.WORDS])},
                numbers,
                blocks,
                weights / math.sqrt(max(int(np.count_nonzero(squares)), 1)),
                settings.slope * weights[:, None] * np.pad(here[:, 1 : len(shift)], ((0, 0), (0, 1))),
                np.array(work.occurrence[:found]),
                span >> kernel.SPAN_BITS,
                span & (1 << kernel.SPAN_BITS) - 1,
            )

        yield read


def term_rows(scorer: Scorer) -> np.ndarray:
    """Return the kernel's row of every term (float32): its inverse document frequency, then its coefficients.

    These are those of every label but the last less those of the last.
    """
    tables = scorer.engine(1).tables
    return np.asarray(tables.rows).reshape(int(tables.starts[3]), -1)
