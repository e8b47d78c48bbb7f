"""Suspect labels: which labelled texts probably have the wrong label, and which one they should have.

Confident learning (Northcutt, Jiang and Chuang, "Confident learning: estimating uncertainty in dataset labels", 2021)
over out-of-fold probabilities: every text is judged by a model of the project that saw neither the text nor its copies,
nor another text of its company, nor the same text reworded.

Texts are ranked by self-confidence, the probability of the given label: on the whole corpus with one label of twenty
flipped, the first twentieth of that ranking holds 93 % of the flips and the first tenth 99.5 %. With an earlier model
the first twentieth held 94 %, by normalised margin 89 %, with either adjusted by the labels' thresholds 88 to 89 %.

The method is written here and checked against cleanlab rather than taken from it: cleanlab 2.9.0 (January 2026) finds
the same suspects from the same probabilities, but half a year later its repository had seen no further change, and most
of what it brings is not needed for the thirty lines below.
"""

import hashlib
import io
import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.special import softmax

from classifier import augment, labels, model, text, weighting
from classifier.domains import Scheme
from classifier.errors import InputError, SchemeError
from classifier.labels import Example, corpus_digest, near_duplicates
from classifier.model import (
    LIBRARIES,
    Settings,
    calibrate,
    fit_folds,
    held_out_decisions,
    settings_digest,
    training_counts,
)
from classifier.text import Dictionary, cache_folder, keep_file, normalize
from classifier.weighting import Counts, Weighting

TERMS_SHOWN = 4
_NO_LETTER = re.compile(r"[\W_]+")


class OutOfFold(NamedTuple):
    """What models that did not see a text say of it, by id of the text.

    ``probabilities`` has one column a code; ``terms`` holds what speaks loudest for the likeliest label and against the
    given one, "" where the two are the same.
    """

    probabilities: pd.DataFrame
    terms: pd.Series


def kept_out_of_fold(
    examples: Sequence[Example],
    scheme: Scheme,
    dictionary: Dictionary,
    settings: Settings,
    *,
    report: Callable[[str], None] = lambda line: None,
) -> OutOfFold:
    """Return `out_of_fold` from the private cache if texts, labels, settings, rules and libraries are the same.

    Where there is no private cache it is computed every time.
    """
    folder = cache_folder()
    path = folder / f"folds-{_digest(examples, scheme, dictionary, settings)[:32]}.parquet" if folder else None
    kept = _read(path) if path else None
    if kept is None:
        kept = out_of_fold(examples, scheme, dictionary, settings, report=report)
        if path:
            keep_file(path, [_parquet(kept)])
    return kept


def out_of_fold(
    examples: Sequence[Example],
    scheme: Scheme,
    dictionary: Dictionary,
    settings: Settings,
    *,
    report: Callable[[str], None] = lambda line: None,
) -> OutOfFold:
    """Return the probabilities of every text by a model of the other folds, calibrated over all of them.

    The folds, features, linear model and calibration are those of `classifier.model.train`, without its transfer to
    real text: the texts judged are the training texts.

    Raises
    ------
    SchemeError
        If an id stands twice, or a label of the scheme has too few examples.
    """
    _check(examples, scheme, settings.folds)
    report(f"segmenting {len(examples):,} texts")
    counts = training_counts(examples, dictionary, settings)
    report(f"fitting {settings.folds} folds")
    ids = pd.Index([example.id for example in examples], name="id")
    given = pd.Series([example.label for example in examples], index=ids)
    return cross_fit(counts, given, company_groups(examples), settings)


def cross_fit(counts: Counts, given: pd.Series, groups: Sequence[str], settings: Settings) -> OutOfFold:
    """Return what the model of the other folds says of every counted text.

    Parameters
    ----------
    counts : Counts
        As `classifier.model.training_counts` gives them.
    given : Series
        Code by id, in the order of the texts.
    groups : sequence of str
        Texts of one key stand in one fold.
    """
    codes, truth = np.unique(given.to_numpy(dtype=str), return_inverse=True)
    folds = fit_folds(counts, codes[truth], groups, settings)
    decisions = held_out_decisions(folds)
    calibration = calibrate(decisions, truth)
    probabilities = softmax(calibration.slope * decisions + calibration.bias, axis=1)
    likely = probabilities.argmax(axis=1)
    terms = np.full(len(truth), "", dtype=object)
    for fold in folds:
        other = fold.held[likely[fold.held] != truth[fold.held]]
        weights = Weighting(counts, fold.seen, settings.minimum_documents).only(fold.kept)
        terms[other] = _loudest_terms(weights, fold.coefficients, other, likely[other], truth[other])
    return OutOfFold(
        pd.DataFrame(probabilities, index=given.index, columns=list(map(str, codes))),
        pd.Series(list(terms), index=given.index, name="terms"),
    )


def company_groups(examples: Sequence[Example]) -> list[str]:
    """Return one key a company (its name, else the id), the same for texts that are equal or one another reworded.

    Without such texts they are the groups on which `classifier.model.train` builds its folds.
    """
    normals = [normalize(example.text) for example in examples]
    links = [(place, earlier) for place, earlier, _ in near_duplicates(normals)]
    first: dict[tuple[str, str], int] = {}
    for place, (example, normal) in enumerate(zip(examples, normals, strict=True)):
        for key in (("company", example.name or example.id), ("letters", _NO_LETTER.sub("", normal))):
            links.append((place, first.setdefault(key, place)))
    rows, columns = np.array(links).T
    size = len(examples)
    _, parts = connected_components(coo_matrix((np.ones(len(rows)), (rows, columns)), (size, size)), directed=False)
    leaders = np.unique(parts, return_index=True)[1][parts]
    return [examples[leader].name or examples[leader].id for leader in leaders]


def find_suspects(examples: Sequence[Example], found: OutOfFold) -> pd.DataFrame:
    """Return the labelled texts, the most suspect label first.

    Index: id. Columns: place (file and line), those of `rank_suspects`, and terms (see `OutOfFold`).
    """
    ids = [example.id for example in examples]
    ranked = rank_suspects(found.probabilities, pd.Series([example.label for example in examples], index=ids))
    ranked.insert(0, "place", pd.Series([example.place for example in examples], index=ids))
    return ranked.assign(terms=found.terms)


def rank_suspects(probabilities: pd.DataFrame, given: pd.Series) -> pd.DataFrame:
    """Return all texts, the most suspect label first.

    Parameters
    ----------
    probabilities : DataFrame
        Out of fold: index id, one column a code.
    given : Series
        Code by id.

    Returns
    -------
    DataFrame
        Index id; columns label, likely (the code of highest probability), score (probability of the label: low is
        suspect), probability (of the likely code) and suspect (counted off the diagonal of the confident joint).

    Raises
    ------
    InputError
        If an id has no label, or one that is not a column.

    >>> said = pd.DataFrame({"platform": [0.8, 0.1, 0.9], "security": [0.2, 0.9, 0.1]}, index=["a", "b", "c"])
    >>> rank_suspects(said, pd.Series({"a": "platform", "b": "security", "c": "security"}))
          label    likely  score  probability  suspect
    c  security  platform    0.1          0.9     True
    a  platform  platform    0.8          0.8    False
    b  security  security    0.9          0.9    False
    """
    values, truth = _arrays(probabilities, given)
    likely, confident = values.argmax(axis=1), confident_labels(values, truth)
    frame = pd.DataFrame(
        {
            "label": probabilities.columns[truth],
            "likely": probabilities.columns[likely],
            "score": _own(values, truth),
            "probability": _own(values, likely),
            "suspect": (confident >= 0) & (confident != truth) & (likely != truth),
        },
        index=probabilities.index,
    )
    return frame.sort_values("score", kind="stable")


def confident_thresholds(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return per label the mean probability of the texts that have it (equation 2 of the paper), 2 without a text."""
    size = values.shape[1]
    counts = np.bincount(truth, minlength=size)
    return np.divide(np.bincount(truth, _own(values, truth), size), counts, out=np.full(size, 2.0), where=counts > 0)


def confident_labels(values: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return per text the likeliest label of those that reach their threshold, -1 where none does."""
    reached = values >= confident_thresholds(values, truth) - 1e-9
    return np.where(reached.any(axis=1), np.where(reached, values, -1.0).argmax(axis=1), -1)


def confident_joint(probabilities: pd.DataFrame, given: pd.Series) -> pd.DataFrame:
    """Return how many texts have each given label (rows) and probably each true one (columns).

    Texts are counted where the model is confident (equation 1 of the paper), then every row is scaled to the number of
    texts with that label (equation 3): off the diagonal stands an estimate of how many labels are wrong.
    """
    values, truth = _arrays(probabilities, given)
    size = values.shape[1]
    confident = confident_labels(values, truth)
    sure = confident >= 0
    counts = np.bincount(truth[sure] * size + confident[sure], minlength=size * size).reshape(size, size).astype(float)
    counts[np.diag_indices(size)] = np.maximum(counts.diagonal(), 1.0)
    scaled = counts / counts.sum(axis=1, keepdims=True) * np.bincount(truth, minlength=size)[:, None]
    codes = probabilities.columns
    return pd.DataFrame(scaled, index=codes.rename("label"), columns=codes.rename("likely"))


def _own(values: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Return of every row the value in its column."""
    return values[np.arange(len(columns)), columns]


def _arrays(probabilities: pd.DataFrame, given: pd.Series) -> tuple[np.ndarray, np.ndarray]:
    labelled = given.reindex(probabilities.index)
    truth = probabilities.columns.get_indexer(pd.Index(labelled))
    if (truth < 0).any():
        place = int(np.flatnonzero(truth < 0)[0])
        known = ", ".join(probabilities.columns)
        raise InputError(f"{probabilities.index[place]}: label {labelled.iloc[place]!r} is not one of {known}")
    return probabilities.to_numpy(dtype=float), truth


def _check(examples: Sequence[Example], scheme: Scheme, folds: int) -> None:
    seen: dict[str, Example] = {}
    for example in examples:
        if example.id in seen:
            raise SchemeError(f"{example.place}: id {example.id} stands at {seen[example.id].place} already")
        seen[example.id] = example
    model.check_counts(np.array([example.label for example in examples]), scheme, folds)


def _loudest_terms(
    weights: Weighting, coefficients: np.ndarray, places: np.ndarray, likely: np.ndarray, truth: np.ndarray
) -> list[str]:
    """Return for the texts at some places what speaks loudest for the likely label and against the given one."""
    names = [term for block in weights.blocks() for term in block.vocabulary]
    found = []
    for row, gained, lost in zip(weights.matrix(places), likely, truth, strict=True):
        speaking = row.data * (coefficients[row.indices, gained] - coefficients[row.indices, lost])
        found.append("、".join(_distinct(zip((names[column] for column in row.indices), speaking, strict=True))))
    return found


def _distinct(speaking: Iterable[tuple[str, float]]) -> list[str]:
    """Return the loudest terms of two or more characters, none inside another one."""
    loudness: dict[str, float] = defaultdict(float)
    for term, value in speaking:
        loudness[term.replace(" ", "")] += value
    chosen: list[str] = []
    for term in sorted(loudness, key=lambda term: -loudness[term]):
        if loudness[term] <= 0 or len(chosen) == TERMS_SHOWN:
            break
        if len(term) > 1 and not any(term in other or other in term for other in chosen):
            chosen.append(term)
    return chosen


def _digest(examples: Sequence[Example], scheme: Scheme, dictionary: Dictionary, settings: Settings) -> str:
    """Return a SHA-256 over all that the probabilities hang on, the rules in the code included."""
    digest = hashlib.sha256()
    for part in (corpus_digest(examples), scheme.digest, dictionary.digest, settings_digest(settings)):
        digest.update(f"{part}\n".encode())
    digest.update("\n".join([*(e.name for e in examples), *map(version, LIBRARIES)]).encode())
    for module in (augment.__file__, labels.__file__, model.__file__, text.__file__, weighting.__file__, __file__):
        digest.update(Path(module).read_bytes())
    return digest.hexdigest()


def _parquet(found: OutOfFold) -> bytes:
    return bytes(found.probabilities.assign(terms=found.terms).to_parquet())


def _read(path: Path) -> OutOfFold | None:
    try:
        frame = pd.read_parquet(io.BytesIO(path.read_bytes()))
    except (OSError, ValueError):
        return None
    return OutOfFold(frame.drop(columns="terms"), frame["terms"])
