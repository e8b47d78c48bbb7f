"""Training: TF-IDF of words, word pairs and character n-grams + a linear model + calibrated probabilities.

What stands in the clause that says what the company offers counts once more, as a block of its own.

The linear model is a support vector machine on terms weighted by their log-count ratio (Wang and Manning, "Baselines
and bigrams", 2012): a term counts for a label as far as it is more, or less, frequent there than elsewhere. The
weights are folded into the coefficients, so a scored text needs one product. Then the terms that can add least to a
decision are left out (pruning by magnitude): most of the occurrences in a text are of such terms, and they say nothing
but make the text long.

The scikit-learn side of the project. `reference_decisions` is the yardstick that `classifier.scoring` is held to.
"""

import hashlib
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from joblib import Parallel, delayed
from scipy.optimize import minimize
from scipy.sparse import csr_matrix, diags, hstack
from scipy.special import log_softmax, softmax
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.metrics import f1_score
from sklearn.model_selection import StratifiedGroupKFold
from sklearn.svm import LinearSVC

from classifier.artifact import Block, HeldOut, Model
from classifier.augment import copies
from classifier.domains import Scheme
from classifier.errors import SchemeError
from classifier.labels import Example, corpus_digest
from classifier.text import Dictionary, Segmenter, normalize
from classifier.weighting import Counts, Weighting, block_terms, count_terms, read_documents

LIBRARIES = ("scikit-learn", "numpy", "scipy", "jieba", "opencc")


@dataclass(frozen=True)
class Settings:
    """The choices behind a model, read from ``settings.toml``; each has its source there."""

    character_ngrams: tuple[int, int]
    minimum_documents: int
    penalty_c: float
    offering_weight: float
    background_clauses: int
    kept_share: float
    ratio_smoothing: float
    kept_terms: float
    folds: int
    seed: int
    temperature: float
    out_of_scope_shift: float
    expected_out_of_scope: float
    accept_probability: float
    accept_in_scope_probability: float


@dataclass(frozen=True)
class Calibration:
    """Probabilities are softmax(slope * decision + bias): temperature and class bias, fitted on held-out folds."""

    slope: float
    bias: np.ndarray


class Linear(NamedTuple):
    """A fitted linear model: coefficients (terms, labels) and intercepts (labels,)."""

    labels: tuple[str, ...]
    coefficients: np.ndarray
    intercepts: np.ndarray


class Fitted(NamedTuple):
    """TF-IDF weights of the terms that were kept, which of all terms these are, and a linear model on them."""

    weighting: Weighting
    kept: np.ndarray
    linear: Linear


class Fold(NamedTuple):
    """A model of some texts, and what it says of the others.

    seen, held : places of the texts learned from and of those held out
    decisions : (held texts, labels in alphabetical order)
    kept : which of the terms of the seen texts the model kept
    coefficients : float32 (kept terms, labels)
    """

    seen: np.ndarray
    held: np.ndarray
    decisions: np.ndarray
    kept: np.ndarray
    coefficients: np.ndarray


def read_settings(path: Path) -> Settings:
    """Return the settings of a TOML file.

    Raises
    ------
    SchemeError
        If the file is missing or not TOML, or a number is missing or unknown.
    """
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        numbers = {name: value for section in table.values() for name, value in section.items()}
        shortest, longest = numbers.pop("character_ngrams")
        return Settings(character_ngrams=(shortest, longest), **numbers)
    except FileNotFoundError:
        raise SchemeError(
            f"{path}: no settings here; name the folder that holds settings.toml with --labeled"
        ) from None
    except (tomllib.TOMLDecodeError, AttributeError, KeyError, TypeError, ValueError) as error:
        raise SchemeError(f"{path}: not the settings of a model ({error}); see labeled/settings.toml") from error


def settings_digest(settings: Settings) -> str:
    """Return a SHA-256 over every setting: two models of one digest were made with the same choices."""
    return hashlib.sha256(repr(settings).encode()).hexdigest()


def train(
    examples: Sequence[Example],
    scheme: Scheme,
    dictionary: Dictionary,
    lexicon: tuple[str, ...],
    settings: Settings,
    *,
    name: str = "default",
    report: Callable[[str], None] = lambda line: None,
    keep: Callable[[HeldOut], None] = lambda held_out: None,
) -> Model:
    """Return a model trained on labelled examples: the same examples and settings give the same arrays.

    ``report`` is told what is under way, ``keep`` what models of the other folds say of each text. Raises
    `SchemeError` if a label of the scheme has too few examples.
    """
    labels = np.array([example.label for example in examples])
    check_counts(labels, scheme, settings.folds)
    report(f"segmenting {len(examples):,} texts")
    counts = training_counts(examples, dictionary, settings)
    report(f"fitting {settings.folds} folds for the calibration")
    held_out = held_out_decisions(fit_folds(counts, labels, _groups(examples), settings))
    codes = sorted(scheme.codes)
    on_folds = calibrate(held_out, np.searchsorted(codes, labels))
    opinions = softmax(on_folds.slope * held_out + on_folds.bias, axis=1)
    keep(HeldOut(tuple(example.id for example in examples), opinions))
    calibration = transfer(on_folds, codes.index(scheme.out_of_scope), settings)
    report("fitting the model on all texts")
    weighting, _, linear = fit(counts, labels, np.arange(len(labels)), settings)
    outside = float(np.mean(labels == scheme.out_of_scope))
    return Model(
        name=name,
        scheme_version=scheme.version,
        scheme_digest=scheme.digest,
        labels=linear.labels,
        blocks=weighting.blocks(),
        coefficients=linear.coefficients.astype(np.float32),
        intercepts=linear.intercepts,
        slope=calibration.slope,
        bias=calibration.bias,
        lexicon=lexicon,
        dictionary_digest=dictionary.digest,
        trained_out_of_scope=outside,
        expected_out_of_scope=settings.expected_out_of_scope,
        accept_probability=settings.accept_probability,
        accept_in_scope_probability=settings.accept_in_scope_probability,
        record={
            **_record(examples, labels, held_out, on_folds, scheme),
            "settings": settings_digest(settings),
        },
    )


def empty_blocks(settings: Settings) -> tuple[Block, ...]:
    """Return the blocks of a model before it has seen a text."""
    nothing = np.zeros(0, dtype=np.float32)
    return (
        Block("words", "words", (), (), nothing),
        Block("offering", "offering", (), (), nothing),
        Block("characters", "characters", settings.character_ngrams, (), nothing),
    )


def calibrate(decisions: np.ndarray, labels: np.ndarray) -> Calibration:
    """Return slope and bias that minimise the log loss of held-out decisions.

    Parameters
    ----------
    decisions : array of shape (texts, labels)
        One linear decision a label, from folds that did not see the text.
    labels : integer array of shape (texts,)
        Column of the true label.

    Notes
    -----
    Vector scaling with one shared slope: Guo, Pleiss, Sun and Weinberger, "On calibration of modern neural
    networks" (2017), section 4.2. The bias sums to 0.
    """
    count = decisions.shape[1]

    def loss(parameters: np.ndarray) -> float:
        logits = np.exp(parameters[0]) * decisions + np.append(0.0, parameters[1:])
        return float(-log_softmax(logits, axis=1)[np.arange(len(labels)), labels].mean())

    fitted = minimize(loss, np.zeros(count), method="L-BFGS-B").x
    bias = np.append(0.0, fitted[1:])
    return Calibration(float(np.exp(fitted[0])), bias - bias.mean())


def transfer(calibration: Calibration, outside: int, settings: Settings) -> Calibration:
    """Return a calibration of the training texts made fit for real ones.

    Real texts are harder than texts written for training, and further from the domains: the temperature flattens the
    probabilities, and the shift is added to the log-odds of the label in column ``outside``. Both are settings, with
    their source there.
    """
    bias = calibration.bias / settings.temperature
    bias[outside] += settings.out_of_scope_shift
    return Calibration(calibration.slope / settings.temperature, bias - bias.mean())


def reference_decisions(model: Model, texts: Sequence[str], segmenter: Segmenter) -> np.ndarray:
    """Return the decisions (texts, labels) of a model as scikit-learn computes them: the yardstick of faster paths."""
    documents = read_documents(segmenter, [normalize(text) for text in texts])
    parts = []
    for block in model.blocks:
        analyzer = partial(block_terms, segmenter, block)
        vectorizer = TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, vocabulary=list(block.vocabulary))
        vectorizer.idf_ = block.idf.astype(np.float64)
        parts.append(vectorizer.transform(documents))
    return hstack(parts).tocsr() @ model.coefficients.astype(np.float64) + model.intercepts


def check_counts(labels: np.ndarray, scheme: Scheme, folds: int) -> None:
    """Refuse labels with too few texts to divide among the folds."""
    for code in scheme.codes:
        count = int(np.sum(labels == code))
        if count < 2 * folds:
            raise SchemeError(f"label {code}: {count} texts, expected at least {2 * folds}; write more before training")


def training_counts(examples: Sequence[Example], dictionary: Dictionary, settings: Settings) -> Counts:
    """Return the counted terms of all texts and of their copies."""
    normal = [normalize(example.text) for example in examples]
    changed = copies(normal, settings.background_clauses, settings.kept_share)
    return count_terms(empty_blocks(settings), Segmenter(dictionary), normal, changed, settings.minimum_documents)


def _groups(examples: Sequence[Example]) -> list[str]:
    """Return one key a company: texts of one company never stand on both sides of a fold."""
    return [example.name or example.id for example in examples]


def fit_linear(matrix: csr_matrix, labels: np.ndarray, settings: Settings) -> Linear:
    """Return one linear decision a label, against all others, on terms weighted by their log-count ratio.

    Parameters
    ----------
    matrix : sparse matrix of shape (texts, terms)
        TF-IDF weights.
    labels : array of shape (texts,)
        Codes.
    """
    codes = sorted(set(map(str, labels)))
    columns, intercepts = [], []
    for code in codes:
        weights = _ratio_weights(matrix, labels == code, settings)
        machine = LinearSVC(C=settings.penalty_c, random_state=settings.seed)
        machine.fit(matrix @ diags(weights), labels == code)
        columns.append(machine.coef_[0] * weights)
        intercepts.append(machine.intercept_[0])
    return Linear(tuple(codes), np.stack(columns, axis=1), np.array(intercepts))


def _ratio_weights(matrix: csr_matrix, chosen: np.ndarray, settings: Settings) -> np.ndarray:
    """Return |log(p / q)| a term: p, q its share of the weight of the chosen texts and of the others."""
    inside = np.asarray(matrix[chosen].sum(axis=0)).ravel() + settings.ratio_smoothing
    outside = np.asarray(matrix[~chosen].sum(axis=0)).ravel() + settings.ratio_smoothing
    return np.abs(np.log(inside / inside.sum()) - np.log(outside / outside.sum()))


def fit(counts: Counts, labels: np.ndarray, chosen: np.ndarray, settings: Settings) -> Fitted:
    """Return a linear model of the chosen texts and their copies, without the terms that tell least.

    Parameters
    ----------
    counts : Counts
        Of the texts and their copies, as `training_counts` gives them.
    labels : array of shape (texts,)
        Codes.
    chosen : integer array
        Places of the texts to learn from.
    """
    weighting = Weighting(counts, chosen, settings.minimum_documents)
    rows = counts.with_copies(chosen)
    # a block counts as much as its scale; folded into the coefficients, so that scoring need not know
    scale = {"offering": settings.offering_weight}
    scales = np.repeat([scale.get(block.name, 1.0) for block in counts.blocks], weighting.sizes)
    linear = fit_linear(weighting.matrix(rows) @ diags(scales), labels[rows % counts.texts], settings)
    kept = _telling(weighting.idf, linear.coefficients, settings.kept_terms)
    coefficients = (linear.coefficients * scales[:, None])[kept]
    return Fitted(weighting.only(kept), kept, linear._replace(coefficients=coefficients))


def _telling(idf: np.ndarray, coefficients: np.ndarray, share: float) -> np.ndarray:
    """Return which terms are among this share of those that, seen once, can move a decision most."""
    most = idf * np.abs(coefficients - coefficients.mean(axis=1, keepdims=True)).max(axis=1)
    return most >= np.quantile(most, 1 - share)


def fit_folds(counts: Counts, labels: np.ndarray, groups: Sequence[str], settings: Settings) -> list[Fold]:
    """Return for every fold of the texts a model of the others; groups are never divided."""
    splitter = StratifiedGroupKFold(settings.folds, shuffle=True, random_state=settings.seed)
    learn = delayed(partial(_fit_fold, counts, labels, settings))
    return list(Parallel(n_jobs=-1)(learn(*split) for split in splitter.split(labels, labels, groups)))


def _fit_fold(counts: Counts, labels: np.ndarray, settings: Settings, seen: np.ndarray, held: np.ndarray) -> Fold:
    weighting, kept, linear = fit(counts, labels, seen, settings)
    decisions = weighting.matrix(held) @ linear.coefficients + linear.intercepts
    return Fold(seen, held, decisions, kept, linear.coefficients.astype(np.float32))


def held_out_decisions(folds: Sequence[Fold]) -> np.ndarray:
    """Return decisions (texts, labels in alphabetical order) by models that did not see the text's group."""
    decisions = np.zeros((sum(len(fold.held) for fold in folds), folds[0].decisions.shape[1]))
    for fold in folds:
        decisions[fold.held] = fold.decisions
    return decisions


def _record(
    examples: Sequence[Example], labels: np.ndarray, held_out: np.ndarray, calibration: Calibration, scheme: Scheme
) -> dict[str, Any]:
    codes = np.array(sorted(scheme.codes))
    predicted = codes[np.argmax(calibration.slope * held_out + calibration.bias, axis=1)]
    inside, predicted_inside = labels != scheme.out_of_scope, predicted != scheme.out_of_scope
    return {
        "training": {
            "sha256": corpus_digest(examples),
            "texts": len(examples),
            "by_label": {str(code): int(np.sum(labels == code)) for code in codes},
        },
        "held_out_folds": {
            "accuracy": round(float(np.mean(predicted == labels)), 4),
            "macro_f1": round(float(f1_score(labels, predicted, average="macro")), 4),
            "scope_f1": round(float(f1_score(inside, predicted_inside)), 4),
        },
        "libraries": {name: version(name) for name in LIBRARIES},
    }
