"""Held-out figures with bootstrap intervals: how good labels and probabilities are on texts labelled by people."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from classifier.errors import InputError
from classifier.scoring import Label

RESAMPLES = 1_000
BINS = 10


class Figure(NamedTuple):
    """An estimate with its 95 % bootstrap interval (percentiles)."""

    value: float
    low: float
    high: float


class ClassFigures(NamedTuple):
    """Precision, recall and F1 of one label; ``support`` is the number of texts that people gave it."""

    code: str
    support: int
    precision: Figure
    recall: Figure
    f1: Figure


@dataclass(frozen=True)
class Evaluation:
    """Everything that `evaluate` measures; ``confusion[i, j]`` counts texts of label i that got label j.

    Without disputed texts the two AUROCs of doubt are None.
    """

    texts: int
    unlabelled: int
    disputed: int
    codes: tuple[str, ...]
    classes: tuple[ClassFigures, ...]
    macro_f1: Figure
    scope_f1: Figure
    accuracy: Figure
    weighted_accuracy: Figure
    calibration_error: float
    share_accepted: Figure
    accuracy_accepted: Figure
    accuracy_accepted_in_scope: Figure
    doubt_auroc: Figure | None
    weighted_doubt_auroc: Figure | None
    confusion: np.ndarray


class Judged(NamedTuple):
    """Held-out texts: true and predicted label, probability of the latter, accepted or not, and a weight each."""

    truth: Sequence[str]
    predicted: Sequence[str]
    probability: np.ndarray
    accepted: np.ndarray
    weight: np.ndarray


def judge(labels: Sequence[Label], truth: Sequence[str], weight: Sequence[float]) -> Judged:
    """Return a model's labels beside what people said."""
    return Judged(
        truth,
        [label.domain for label in labels],
        np.array([label.probability for label in labels]),
        np.array([label.status == "accepted" for label in labels]),
        np.array(weight),
    )


class Disputed(NamedTuple):
    """Texts on which two people differ: probability of the predicted label, and a weight each."""

    probability: np.ndarray
    weight: np.ndarray


def evaluate(
    judged: Judged,
    codes: Sequence[str],
    out_of_scope: str,
    *,
    unlabelled: int = 0,
    disputed: Disputed | None = None,
    seed: int = 0,
) -> Evaluation:
    """Return the figures of a classifier on texts that people labelled.

    Per-class figures, macro-F1 (mean over the labels that occur in the truth), scope-F1 (in scope against out) and
    accuracy count every text once. Weighted accuracy, calibration error and the accepted shares use ``weight``: with
    sampling weights they estimate the whole source. ``disputed`` texts count for the AUROCs of doubt alone.

    Raises
    ------
    InputError
        If no text has a label, or a label is not among ``codes``.
    """
    truth, predicted = label_places(judged.truth, codes), label_places(judged.predicted, codes)
    if not len(truth):
        raise InputError("no labelled text to evaluate on; the label column is empty in every row")
    counts = resampled_counts(np.random.default_rng(seed), len(truth))
    tables = confusion_tables(counts, truth, predicted, len(codes))
    scope = np.array([code != out_of_scope for code in codes], dtype=int)
    scope_tables = confusion_tables(counts, scope[truth], scope[predicted], 2)
    present = tables[0].sum(axis=1) > 0
    precision, recall, f1 = precision_recall_f1(tables)
    right, weights = truth == predicted, counts * judged.weight
    accepted, inside = judged.accepted.astype(bool), scope[predicted].astype(bool)
    return Evaluation(
        texts=len(truth),
        unlabelled=unlabelled,
        codes=tuple(codes),
        classes=tuple(
            ClassFigures(
                code, int(tables[0, i].sum()), figure_of(precision[:, i]), figure_of(recall[:, i]), figure_of(f1[:, i])
            )
            for i, code in enumerate(codes)
        ),
        macro_f1=figure_of(f1[:, present].mean(axis=1)),
        scope_f1=figure_of(precision_recall_f1(scope_tables)[2][:, 1]),
        accuracy=figure_of(share_of(counts, right)),
        weighted_accuracy=figure_of(share_of(weights, right)),
        calibration_error=calibration_error(judged.probability, right, judged.weight),
        share_accepted=figure_of(share_of(weights, accepted)),
        accuracy_accepted=figure_of(share_of(weights * accepted, right)),
        accuracy_accepted_in_scope=figure_of(share_of(weights * (accepted & inside), right)),
        disputed=len(disputed.weight) if disputed else 0,
        doubt_auroc=_doubt(_unweighted(judged), disputed and _unweighted(disputed), seed),
        weighted_doubt_auroc=_doubt(judged, disputed, seed),
        confusion=tables[0].astype(int),
    )


def doubt_auroc(agreed: Judged | Disputed, disputed: Disputed, *, seed: int = 0) -> Figure:
    """Return how well doubt (1 - probability) tells disputed texts from agreed ones: the area under the ROC curve.

    It is the chance that a disputed text is doubted more than an agreed one (ties count half).

    >>> agreed = Disputed(np.array([0.9, 0.8, 0.7]), np.ones(3))
    >>> doubt_auroc(agreed, Disputed(np.array([0.75]), np.ones(1))).value
    0.666...
    """
    said, others = agreed.probability, disputed.probability[:, None]
    above = (others < said) + 0.5 * (others == said)
    random = np.random.default_rng(seed)
    first, second = (resampled_counts(random, len(texts.weight)) * texts.weight for texts in (disputed, agreed))
    total = first.sum(axis=1) * second.sum(axis=1)
    return figure_of(((first @ above) * second).sum(axis=1) / total)


def _doubt(agreed: Judged, disputed: Disputed | None, seed: int) -> Figure | None:
    return doubt_auroc(agreed, disputed, seed=seed) if disputed and len(disputed.weight) else None


def _unweighted(texts: Any) -> Any:
    return texts._replace(weight=np.ones(len(texts.weight)))


def resampled_counts(random: np.random.Generator, size: int) -> np.ndarray:
    """Return how often each of ``size`` texts counts: row 0 the sample itself, then one row a bootstrap sample."""
    return np.vstack([np.ones(size), random.multinomial(size, np.full(size, 1 / size), size=RESAMPLES)])


def calibration_error(probability: np.ndarray, right: np.ndarray, weight: np.ndarray) -> float:
    """Return the expected calibration error: mean gap of probability and accuracy over equal-width bins, weighted.

    Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning" (2015).

    >>> float(calibration_error(np.array([0.95, 0.95]), np.array([True, True]), np.ones(2)))
    0.05...
    """
    bins = probability_bins(probability)
    mass = np.bincount(bins, weight, minlength=BINS)
    gap = np.bincount(bins, weight * (probability - right), minlength=BINS)
    return float(np.abs(gap).sum() / mass.sum())


def probability_bins(probability: np.ndarray) -> np.ndarray:
    """Return for each probability the number, from 0, of its bin among `BINS` of equal width."""
    return np.minimum((probability * BINS).astype(int), BINS - 1)


def label_places(labels: Sequence[str], codes: Sequence[str]) -> np.ndarray:
    """Return the place of every label among the codes; an unknown label is an error."""
    place = {code: index for index, code in enumerate(codes)}
    unknown = sorted(set(labels) - set(place))
    if unknown:
        raise InputError(f"label {unknown[0]!r} is not one of {', '.join(codes)}; correct the label column")
    return np.array([place[label] for label in labels], dtype=int)


def confusion_tables(counts: np.ndarray, truth: np.ndarray, predicted: np.ndarray, size: int) -> np.ndarray:
    """Return one confusion table a row of ``counts``: shape (rows, size, size)."""
    cells = np.zeros((len(truth), size * size))
    cells[np.arange(len(truth)), truth * size + predicted] = 1
    return (counts @ cells).reshape(-1, size, size)


def precision_recall_f1(tables: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return precision, recall and F1 by label, one row a confusion table."""
    hits = np.diagonal(tables, axis1=1, axis2=2)
    predicted, true = tables.sum(axis=1), tables.sum(axis=2)
    return _ratio(hits, predicted), _ratio(hits, true), _ratio(2 * hits, predicted + true)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=float), where=whole > 0)


def share_of(weights: np.ndarray, chosen: np.ndarray) -> np.ndarray:
    """Return which share of the weight was chosen, one figure a row of weights."""
    return _ratio((weights * chosen).sum(axis=1), weights.sum(axis=1))


def figure_of(values: np.ndarray) -> Figure:
    """Return the first value with the 95 % interval of the others."""
    low, high = np.percentile(values[1:], [2.5, 97.5])
    return Figure(float(values[0]), float(low), float(high))


def to_record(evaluation: Evaluation) -> dict[str, object]:
    """Return an evaluation as plain numbers, for JSON."""
    named: dict[str, Figure | None] = {
        name: getattr(evaluation, name)
        for name in (
            "macro_f1",
            "scope_f1",
            "accuracy",
            "weighted_accuracy",
            "share_accepted",
            "accuracy_accepted",
            "accuracy_accepted_in_scope",
            "doubt_auroc",
            "weighted_doubt_auroc",
        )
    }
    figures = {name: figure._asdict() if figure else None for name, figure in named.items()}
    classes = {
        c.code: {
            "support": c.support,
            "precision": c.precision._asdict(),
            "recall": c.recall._asdict(),
            "f1": c.f1._asdict(),
        }
        for c in evaluation.classes
    }
    return {
        "texts": evaluation.texts,
        "unlabelled": evaluation.unlabelled,
        "disputed": evaluation.disputed,
        **figures,
        "calibration_error": evaluation.calibration_error,
        "classes": classes,
        "labels": list(evaluation.codes),
        "confusion": evaluation.confusion.tolist(),
    }


def to_text(evaluation: Evaluation, name_of: Callable[[str], str]) -> str:
    """Return an evaluation as tables of text."""
    from classifier.tables import align

    heads = ["label", "texts", "precision", "recall", "F1", "95 % of F1"]
    classes = [
        [
            f"{c.code} {name_of(c.code)}",
            str(c.support),
            f"{c.precision.value:.3f}",
            f"{c.recall.value:.3f}",
            f"{c.f1.value:.3f}",
            f"{c.f1.low:.3f}-{c.f1.high:.3f}",
        ]
        for c in evaluation.classes
    ]
    figures: list[tuple[str, Figure]] = [
        ("macro-F1", evaluation.macro_f1),
        ("scope-F1", evaluation.scope_f1),
        ("accuracy", evaluation.accuracy),
        ("weighted accuracy", evaluation.weighted_accuracy),
        ("share accepted", evaluation.share_accepted),
        ("accuracy of the accepted", evaluation.accuracy_accepted),
        ("the same, in scope", evaluation.accuracy_accepted_in_scope),
    ]
    if evaluation.doubt_auroc and evaluation.weighted_doubt_auroc:
        figures.append(("AUROC of doubt", evaluation.doubt_auroc))
        figures.append(("the same, weighted", evaluation.weighted_doubt_auroc))
    lines = [[name, f"{f.value:.3f}", f"{f.low:.3f}-{f.high:.3f}"] for name, f in figures]
    lines.append(["calibration error", f"{evaluation.calibration_error:.3f}", ""])
    short = [code[:10] for code in evaluation.codes]
    confusion = [[code, *map(str, row)] for code, row in zip(evaluation.codes, evaluation.confusion, strict=True)]
    left_out = [f"{evaluation.unlabelled} rows without a label left out"]
    if evaluation.disputed:
        left_out.append(f"{evaluation.disputed} disputed rows judged by doubt alone")
    return "\n\n".join(
        [
            f"{evaluation.texts} labelled texts ({'; '.join(left_out)}); intervals: 95 %, bootstrap",
            align([heads, *classes]),
            align([["figure", "value", "95 %"], *lines]),
            "confusion (rows: people, columns: model)\n" + align([["", *short], *confusion]),
        ]
    )
