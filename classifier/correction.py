"""Predicted labels in, what the true ones probably are out: counts of predictions, corrected for misclassification.

A count of predicted labels is biased even where the classifier is good: with one company of twelve in scope, two wrong
in a hundred of the others outweigh much of what is right. The *calibration estimator* reads P(true label | predicted
label) off texts that people labelled and applies it to every predicted company; a person's label is certain.

Kloos, Meertens, Scholtus, Karch, "Comparing correction methods to reduce misclassification bias" (2020) and Meertens,
"Misclassification bias in statistical learning" (2021) find it the best of the simple estimators in most applications,
as long as the population resembles the held-out one; Meertens, Diks, van den Herik, Takes, "Improving the output
quality of official statistics based on machine learning algorithms" (2022) and Forman, "Quantifying counts and costs
via classification" (2008) have the alternative for populations whose shares have shifted. Van Delden, Scholtus, Burger,
"Accuracy of mixed-source statistics as affected by classification errors" (2016) draw labels anew for the interval, as
`draw_labels` does. Whether the intervals hold: docs/statistics.md, bench/intervals.py.
"""

import csv
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classifier.errors import InputError
from classifier.evaluate import Judged

COLUMNS = ("model", "population", "predicted", "status", "truth", "weight", "texts")
DRAWS = 1_000
# Pseudo-texts that keep a stratum of few texts from being sure of itself; docs/statistics.md has why so many.
BORROWED = 1.0  # at every sampling weight, spread over the true labels as all texts with the predicted label are
UNSEEN = 0.5  # at the mean weight, spread evenly: what was not seen can happen
MOST_WEIGHTS = 3  # with more sampling weights than this, all of them together borrow no more texts than this


class Stratum(NamedTuple):
    """Companies that one part of the confusion stands for: listed or unlisted, the predicted label, and its status."""

    population: str
    predicted: str
    status: str


class Posterior(NamedTuple):
    """What held-out texts say of P(true label | stratum): it is proportional to sum over w of ``weight[w] * gamma[w]``.

    ``weight`` (weights,) are the sampling weights, ``shape`` (weights, labels), in texts, the parameters of independent
    gamma variables. With one weight this is a Dirichlet distribution; with several it is the Bayesian bootstrap of a
    stratified sample, in which few heavy texts say less than many light ones.
    """

    weight: np.ndarray
    shape: np.ndarray

    def mean(self) -> np.ndarray:
        """Return the shares of the labels, shape (labels,)."""
        mass = self.weight @ self.shape
        return mass / mass.sum()

    def draw(self, random: np.random.Generator, draws: int) -> np.ndarray:
        """Return shares of the labels, shape (draws, labels)."""
        mass = np.einsum("w,dwl->dl", self.weight, random.standard_gamma(self.shape, (draws, *self.shape.shape)))
        return mass / mass.sum(axis=1, keepdims=True)


@dataclass(frozen=True)
class Confusion:
    """Held-out texts, counted by `Stratum`, sampling weight and true label: arrays of shape (labels,).

    ``models`` are the identities of the models that labelled them.
    """

    codes: tuple[str, ...]
    counts: Mapping[Stratum, Mapping[float, np.ndarray]]
    models: frozenset[str] = frozenset()

    def called(self, population: str) -> dict[str, float]:
        """Return by label the share of a population (whole, by sampling weights) that a model called so."""
        sums: Counter[str] = Counter()
        for stratum, by_weight in self.counts.items():
            if stratum.population == population:
                sums[stratum.predicted] += sum(weight * counts.sum() for weight, counts in by_weight.items())
        return {label: mass / sums.total() for label, mass in sums.items()}

    def posterior(self, stratum: Stratum) -> Posterior:
        """Return what is known of the true labels in a stratum.

        A stratum without a held-out text has nothing but what it borrows: its interval is as wide as it should be.
        """
        own = self.counts.get(stratum, {})
        texts = self._by_weight(population=stratum.population) or {1.0: np.ones(len(self.codes))}
        mean_weight = np.average(list(texts), weights=[counts.sum() for counts in texts.values()])
        evenly = np.full(len(self.codes), 1 / len(self.codes))
        alike = self._by_weight(predicted=stratum.predicted)
        shared = sum((weight * counts for weight, counts in alike.items()), mean_weight * evenly)
        borrowed = BORROWED * min(1, MOST_WEIGHTS / len(texts)) * shared / shared.sum()
        return Posterior(
            np.array([*texts, mean_weight]),
            np.array([*(own.get(weight, 0) + borrowed for weight in texts), UNSEEN * evenly]),
        )

    def _by_weight(self, **part: str) -> dict[float, np.ndarray]:
        """Return texts by sampling weight and true label, over the strata that have what ``part`` names."""
        found: dict[float, np.ndarray] = {}
        for stratum, by_weight in self.counts.items():
            if part.items() <= stratum._asdict().items():
                for weight, counts in by_weight.items():
                    found[weight] = found.get(weight, 0) + counts
        return found


def read_confusion(path: Path, codes: Sequence[str]) -> Confusion:
    """Return the confusion kept in a csv file with `COLUMNS`.

    Raises
    ------
    InputError
        If the file is missing or empty, lacks a column, or holds an unknown label or a cell that is no number above 0.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"{path}: cannot be read ({error}); make one with gonglian evaluate") from error
    if not rows:
        raise InputError(f"{path}: no held-out text; make one with gonglian evaluate")
    if missing := [column for column in COLUMNS if column not in rows[0]]:
        raise InputError(f"{path}: no column {', '.join(missing)}; found {', '.join(map(str, rows[0]))}")
    counts: dict[Stratum, dict[float, np.ndarray]] = {}
    for line, row in enumerate(rows, 2):
        try:
            predicted, truth = (_place(row[column], codes) for column in ("predicted", "truth"))
            weight, texts = (_positive(row[column]) for column in ("weight", "texts"))
        except ValueError as error:
            raise InputError(f"{path}: line {line}: {error}; correct it") from error
        by_weight = counts.setdefault(Stratum(row["population"], codes[predicted], row["status"]), {})
        by_weight.setdefault(weight, np.zeros(len(codes)))[truth] += texts
    return Confusion(tuple(codes), counts, frozenset(row["model"] for row in rows))


def _place(label: str, codes: Sequence[str]) -> int:
    if label not in codes:
        raise ValueError(f"label {label!r} is not one of {', '.join(codes)}")
    return codes.index(label)


def _positive(text: str | None) -> float:
    try:
        number = float(text or "")
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError(f"{text!r} is not a number above 0")
    return number


def confusion_csv(model: str, judged: Mapping[str, Judged]) -> str:
    """Return held-out texts that a model labelled, by population, as the text of a file that `read_confusion` reads.

    >>> held_out = Judged(["security"], ["platform"], np.ones(1), np.ones(1, bool), np.array([3.0]))
    >>> print(confusion_csv("AII-2020/mine", {"unlisted": held_out}), end="")
    model,population,predicted,status,truth,weight,texts
    AII-2020/mine,unlisted,platform,accepted,security,3.0,1
    """
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(COLUMNS)
    for population, texts in judged.items():
        status = ["accepted" if accepted else "review" for accepted in texts.accepted]
        weight = [round(float(weight), 4) for weight in texts.weight]
        counts = Counter(zip(texts.predicted, status, texts.truth, weight, strict=True))
        writer.writerows([model, population, *key, count] for key, count in sorted(counts.items()))
    return stream.getvalue()


@dataclass(frozen=True)
class Labelling:
    """What is known of the label of every company; a label is its place among ``codes``.

    ``plain`` (companies,) is a person's label or else the predicted one; ``expected`` (companies, labels) how probable
    every label is; ``draws`` (companies, draws) labels drawn from the distribution of what the true ones may be.
    """

    codes: tuple[str, ...]
    plain: np.ndarray
    expected: np.ndarray
    draws: np.ndarray

    def tally(self, company: np.ndarray, cell: np.ndarray, cells: int, amount: np.ndarray | None = None) -> np.ndarray:
        """Return sums by cell and label: shape (cells, labels, 2 + draws).

        ``company`` (rows,) is the place of each row's company, ``cell`` (rows,) where the row counts, and ``amount``
        (rows,) what it adds (1 by default). Along the last axis stand the plain sum, the expected one, and one a draw:
        what is computed from sums element by element is thereby computed for all of them.
        """
        labels = len(self.codes)
        amounts = np.ones(len(company)) if amount is None else amount
        first = cell * labels

        def summed(label: np.ndarray) -> np.ndarray:
            return np.bincount(first + label[company], amount, minlength=cells * labels)

        found = np.empty((cells, labels, 2 + self.draws.shape[1]))
        by_place = found.reshape(cells * labels, -1)
        by_place[:, 0] = summed(self.plain)
        for label, probable in enumerate(self.expected.T):
            found[:, label, 1] = np.bincount(cell, probable[company] * amounts, minlength=cells)
        for place, draw in enumerate(self.draws.T, 2):
            by_place[:, place] = summed(draw)
        return found


def draw_labels(
    strata: Sequence[Stratum],
    person: Sequence[str],
    confusion: Confusion,
    *,
    draws: int = DRAWS,
    seed: int = 0,
) -> Labelling:
    """Return what the labels of companies probably are.

    Parameters
    ----------
    strata
        One a company: its population, predicted label and status.
    person
        One a company: the code that a person gave, or "".
    draws, seed
        How many labellings are drawn, and the start of the random numbers. A byte a company and draw is needed.

    Each draw takes for every stratum one P(true label | stratum) from its posterior and then a label for every
    company: both how few the held-out texts are and chance among the companies widen the interval.

    Raises
    ------
    InputError
        If a label is not one of the scheme.

    >>> confusion = Confusion(("a", "b"), {Stratum("unlisted", "a", "accepted"): {1.0: np.array([90.0, 10.0])}})
    >>> found = draw_labels([Stratum("unlisted", "a", "accepted")] * 50, [""] * 49 + ["b"], confusion)
    >>> found.expected.sum(axis=0).round(1)
    array([44.,  6.])
    """
    random = np.random.default_rng(seed)
    place = {code: index for index, code in enumerate(confusion.codes)}
    said = [own or stratum.predicted for own, stratum in zip(person, strata, strict=True)]
    unknown = sorted(set(said) - set(place))
    if unknown:
        raise InputError(f"label {unknown[0]!r} is not one of {', '.join(confusion.codes)}; correct it")
    plain = np.array([place[label] for label in said], dtype=np.int8)
    expected = np.eye(len(place))[plain]
    drawn = np.tile(plain, (draws, 1))
    for stratum, members in _members(strata, person).items():
        posterior = confusion.posterior(stratum)
        expected[members] = posterior.mean()
        for labels, bounds in zip(drawn, posterior.draw(random, draws).cumsum(axis=1), strict=True):
            labels[members] = np.searchsorted(bounds[:-1], random.random(len(members)))
    return Labelling(confusion.codes, plain, expected, drawn.T)


def _members(strata: Iterable[Stratum], person: Iterable[str]) -> dict[Stratum, np.ndarray]:
    """Return the places of the companies without a person's label, by stratum, in a fixed order of strata."""
    found: dict[Stratum, list[int]] = {}
    for index, (stratum, own) in enumerate(zip(strata, person, strict=True)):
        if not own:
            found.setdefault(stratum, []).append(index)
    return {stratum: np.array(found[stratum]) for stratum in sorted(found)}


def interval(sums: np.ndarray) -> tuple[np.ndarray, ...]:
    """Return plain value, corrected value, and the ends of its 95 % interval, each without the last axis of ``sums``.

    The interval is that of the draws (percentiles, each a figure that was drawn: some may be infinite), widened to the
    corrected value where that lies outside: a count that is 0 in nearly all draws has an expectation above 0. What
    cannot be computed is NaN.
    """
    drawn = sums[..., 2:]
    possible = np.isfinite(drawn).any(axis=-1)
    low, high = np.full((2, *possible.shape), np.nan)
    if possible.any():
        low[possible] = np.nanpercentile(drawn[possible], 2.5, axis=-1, method="lower")
        high[possible] = np.nanpercentile(drawn[possible], 97.5, axis=-1, method="higher")
    return sums[..., 0], sums[..., 1], np.fmin(low, sums[..., 1]), np.fmax(high, sums[..., 1])


def ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    """Return part / whole, NaN where the whole is 0.

    >>> ratio(np.array([1.0, 1.0]), np.array([2.0, 0.0]))
    array([0.5, nan])
    """
    part, whole = np.broadcast_arrays(np.asarray(part, float), np.asarray(whole, float))
    return np.divide(part, whole, out=np.full(part.shape, np.nan), where=whole != 0)
