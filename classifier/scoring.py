"""A batch of descriptions in, a labelled batch out: the one scoring path of command line, files and tests.

It needs numpy and jieba alone. What it computes is the scikit-learn pipeline of `classifier.model`, term by term:
sub-linear term frequency x inverse document frequency, each block of terms scaled to length one, one linear decision
a label, a calibrated softmax, and a correction for the share of companies out of scope that the user expects
(Saerens, Latinne and Decaestecker 2002, equation 4).
"""

from collections.abc import Sequence
from copy import copy
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classifier.artifact import Model, load_model
from classifier.domains import Scheme, load_scheme
from classifier.errors import ArtifactError, ClassifierError
from classifier.resources import labeled_folder, model_folder
from classifier.text import (
    MAX_CHARACTERS,
    Segmenter,
    Word,
    load_dictionary,
    normalize,
)

LEAST_WORDS = 2  # known Chinese words of two characters or more that a text needs before it can be accepted
LEAST_COVER = 0.25  # share of a text's letters that such words must cover
_SHOWN_FOR, _SHOWN_AGAINST = 4, 2
_LEAST_SHOWN = 0.05  # log-odds below which a word is not worth showing


class Contribution(NamedTuple):
    """A word of the text and what it adds to the log-odds of the domain against the runner-up."""

    word: str
    log_odds: float


class Label(NamedTuple):
    """What the model says of one description."""

    domain: str
    domain_name: str
    probability: float
    runner_up: str
    runner_up_probability: float
    status: str
    reason: str
    contributions: tuple[Contribution, ...]


@dataclass(frozen=True)
class Decision:
    """How probabilities become labels: the expected share out of scope, and the least probabilities to accept.

    A label in scope has a least probability of its own: where nine companies of ten are out of scope, a mistake there
    is a mistake in a published number.
    """

    expected_out_of_scope: float
    accept_probability: float
    accept_in_scope_probability: float

    def __post_init__(self) -> None:
        """Refuse shares that leave nothing in scope or nothing outside."""
        if not 0 < self.expected_out_of_scope < 1:
            raise ClassifierError(
                f"expected share out of scope is {self.expected_out_of_scope}; it lies between 0 and 1"
            )
        for threshold in (self.accept_probability, self.accept_in_scope_probability):
            if not 0 <= threshold <= 1:
                raise ClassifierError(f"threshold is {threshold}; a probability lies between 0 and 1")

    def least_probability(self, in_scope: bool) -> float:
        """Return the least probability at which a label is accepted."""
        return self.accept_in_scope_probability if in_scope else self.accept_probability


class _Encoded(NamedTuple):
    """The known terms of a batch: one entry an occurrence; ``document`` and ``term`` are indices."""

    document: np.ndarray
    term: np.ndarray
    start: np.ndarray
    end: np.ndarray


class Scorer:
    """A model made ready to label descriptions."""

    def __init__(self, model: Model, scheme: Scheme, decision: Decision | None = None) -> None:
        self.model = model
        self.scheme = scheme
        self.decision = decision or Decision(
            model.expected_out_of_scope, model.accept_probability, model.accept_in_scope_probability
        )
        dictionary = load_dictionary(model.lexicon)
        if dictionary.digest != model.dictionary_digest:
            raise ArtifactError(
                "the model was trained with another segmentation dictionary "
                f"({model.dictionary_digest[:12]}) than jieba's here ({dictionary.digest[:12]}); "
                "install jieba 0.42.1, or rebuild the model with gonglian train"
            )
        self._segmenter = Segmenter(dictionary)
        self._vocabularies = _vocabularies(model)
        self._block_of = np.repeat(np.arange(len(model.blocks)), [len(b.vocabulary) for b in model.blocks])
        self._idf = np.concatenate([block.idf for block in model.blocks]).astype(np.float64)
        self._coefficients = np.ascontiguousarray(model.coefficients, dtype=np.float64)
        self._outside = model.labels.index(scheme.out_of_scope)

    def with_decision(self, decision: Decision) -> "Scorer":
        """Return a scorer of the same model that decides otherwise."""
        other = copy(self)
        other.decision = decision
        return other

    def probabilities(self, texts: Sequence[str]) -> np.ndarray:
        """Return calibrated probabilities, shape (texts, labels), rows summing to 1, labels in the model's order."""
        normal, words = self._read(texts)
        return self._probabilities(self._decide(self._encode(normal, words), len(normal))[0])

    def label(self, texts: Sequence[str]) -> list[Label]:
        """Return one `Label` a text, in order: never accepted where the text gives the model too little to go by."""
        normal, words = self._read(texts)
        encoded = self._encode(normal, words)
        decisions, weights = self._decide(encoded, len(normal))
        probabilities = self._probabilities(decisions)
        order = np.argsort(-probabilities, axis=1, kind="stable")[:, :2]
        explained = self._explain(encoded, weights, words, order)
        return [
            self._label(texts[i], normal[i], words[i], probabilities[i], order[i], explained[i])
            for i in range(len(texts))
        ]

    def _read(self, texts: Sequence[str]) -> tuple[list[str], list[list[Word]]]:
        normal = [normalize(text) for text in texts]
        return normal, [self._segmenter.words(text) for text in normal]

    def _encode(self, normal: list[str], words: list[list[Word]]) -> _Encoded:
        documents, terms, starts, ends = [], [], [], []
        for index, (text, found) in enumerate(zip(normal, words, strict=True)):
            for block, vocabulary in zip(self.model.blocks, self._vocabularies, strict=True):
                for term, start, end in self._segmenter.terms(block.kind, block.parameters, text, found):
                    known = vocabulary.get(term)
                    if known is not None:
                        documents.append(index)
                        terms.append(known)
                        starts.append(start)
                        ends.append(end)
        return _Encoded(*(np.asarray(column, dtype=np.int64) for column in (documents, terms, starts, ends)))

    def _decide(self, encoded: _Encoded, count: int) -> tuple[np.ndarray, np.ndarray]:
        """Return decisions (texts, labels) and each occurrence's share of its term's TF-IDF weight."""
        size = len(self._idf)
        keys, inverse, counts = np.unique(
            encoded.document * size + encoded.term, return_inverse=True, return_counts=True
        )
        document, term = keys // size, keys % size
        weights = (1.0 + np.log(counts)) * self._idf[term]
        group = document * len(self.model.blocks) + self._block_of[term]
        weights /= np.sqrt(np.bincount(group, weights**2))[group]
        decisions = np.tile(self.model.intercepts, (count, 1))
        for label in range(len(self.model.labels)):
            added = np.bincount(document, weights * self._coefficients[term, label], minlength=count)
            decisions[:, label] += added[:count]
        return decisions, (weights / counts)[inverse]

    def _probabilities(self, decisions: np.ndarray) -> np.ndarray:
        logits = self.model.slope * decisions + self.model.bias
        trained, expected = self.model.trained_out_of_scope, self.decision.expected_out_of_scope
        shift = np.full(len(self.model.labels), np.log((1 - expected) / (1 - trained)))
        shift[self._outside] = np.log(expected / trained)
        logits = logits + shift
        exponentials = np.exp(logits - logits.max(axis=1, keepdims=True))
        return exponentials / exponentials.sum(axis=1, keepdims=True)

    def _explain(
        self, encoded: _Encoded, weights: np.ndarray, words: list[list[Word]], order: np.ndarray
    ) -> list[tuple[Contribution, ...]]:
        """Return for each text what its words add to the log-odds of the first label against the second.

        Every term's exact contribution is spread evenly over the characters of its occurrences and gathered by
        word, so the contributions of a text sum to the difference of the two decisions (less the intercepts).
        """
        first, second = order[encoded.document].T
        difference = self._coefficients[encoded.term, first] - self._coefficients[encoded.term, second]
        shares = self.model.slope * weights * difference / np.maximum(encoded.end - encoded.start, 1)
        bounds = np.searchsorted(encoded.document, np.arange(len(words) + 1))
        return [
            _gather(shares[low:high], encoded.start[low:high], encoded.end[low:high], found)
            for found, low, high in zip(words, bounds, bounds[1:], strict=False)
        ]

    def _label(
        self,
        text: str,
        normal: str,
        words: list[Word],
        probabilities: np.ndarray,
        order: np.ndarray,
        contributions: tuple[Contribution, ...],
    ) -> Label:
        first, second = (self.model.labels[i] for i in order)
        best, next_best = (float(probabilities[i]) for i in order)
        doubt = self._doubt(normal, words, best, self.decision.least_probability(first != self.scheme.out_of_scope))
        notes = [doubt] if doubt else []
        if len(text) > MAX_CHARACTERS:
            notes.append(f"只读了前{MAX_CHARACTERS}个字符")
        reason = "；".join([*notes, *_terms_for_and_against(contributions)])
        status = "review" if doubt else "accepted"
        return Label(first, self.scheme.name(first), best, second, next_best, status, reason, contributions)

    def _doubt(self, normal: str, words: list[Word], probability: float, least: float) -> str:
        """Return why a person should look at the text, or nothing."""
        if not normal:
            return "没有说明文字"
        known = [word for word in words if len(word.text) > 1 and _is_chinese(word.text) and self._knows(word.text)]
        if not known:
            return "没有模型认识的词"
        letters = sum(character.isalpha() for character in normal)
        cover = sum(len(word.text) for word in known) / letters
        if len({word.text for word in known}) < LEAST_WORDS or cover < LEAST_COVER:
            return "模型认识的词太少"
        if probability < least:
            return f"概率低于{least:.2f}"
        return ""

    def _knows(self, word: str) -> bool:
        return any(word in vocabulary for vocabulary in self._vocabularies)


def _vocabularies(model: Model) -> list[dict[str, int]]:
    vocabularies, start = [], 0
    for block in model.blocks:
        vocabularies.append({term: start + i for i, term in enumerate(block.vocabulary)})
        start += len(block.vocabulary)
    return vocabularies


def _is_chinese(word: str) -> bool:
    return "\u4e00" <= word[0] <= "\u9fff"


def _gather(shares: np.ndarray, start: np.ndarray, end: np.ndarray, words: list[Word]) -> tuple[Contribution, ...]:
    if not words:
        return ()
    length = max(words[-1].end, int(end.max(initial=0)))
    steps = np.bincount(start, shares, minlength=length + 1) - np.bincount(end, shares, minlength=length + 1)
    running = np.concatenate([[0.0], np.cumsum(np.cumsum(steps))])
    totals: dict[str, float] = {}
    for word in words:
        totals[word.text] = totals.get(word.text, 0.0) + float(running[word.end] - running[word.start])
    return tuple(Contribution(word, total) for word, total in sorted(totals.items(), key=lambda item: -abs(item[1])))


def _terms_for_and_against(contributions: tuple[Contribution, ...]) -> list[str]:
    favour = [c for c in contributions if c.log_odds >= _LEAST_SHOWN][:_SHOWN_FOR]
    against = [c for c in contributions if c.log_odds <= -_LEAST_SHOWN][:_SHOWN_AGAINST]
    parts = []
    if favour:
        parts.append("支持：" + "、".join(f"{c.word} {c.log_odds:+.2f}" for c in favour))
    if against:
        parts.append("反对：" + "、".join(f"{c.word} {c.log_odds:+.2f}" for c in against))
    return parts


@lru_cache(maxsize=2)
def load_scorer(model: Path | None = None, labeled: Path | None = None) -> Scorer:
    """Return a scorer of a model folder and a labelled folder's scheme (by default the shipped ones).

    Raises
    ------
    ArtifactError
        If the model is damaged or of another scheme, format or dictionary.
    """
    scheme = load_scheme(labeled or labeled_folder())
    return Scorer(load_model(model or model_folder(), scheme), scheme)


def decide_with(scorer: Scorer, expected_out_of_scope: float | None, accept_probability: float | None) -> Scorer:
    """Return the scorer with the given parts of its decision replaced; None keeps the model's own.

    One ``accept_probability`` counts for every label.
    """
    decision = scorer.decision
    if expected_out_of_scope is not None:
        decision = replace(decision, expected_out_of_scope=expected_out_of_scope)
    if accept_probability is not None:
        decision = replace(
            decision, accept_probability=accept_probability, accept_in_scope_probability=accept_probability
        )
    return scorer.with_decision(decision)
