"""Do the 95 % intervals of corrected figures hold the true ones in 95 of 100 simulated populations?

python bench/intervals.py [CONFUSION] [--populations 500]     CONFUSION: default the shipped model's; ten minutes

Companies with a predicted and a true label are drawn in the proportions of the held-out texts in CONFUSION; every
stratum takes half a text at every sampling weight from its like, so that confusions nobody has seen do occur. Two
years of companies a population, the second with other shares of the strata, P(true | stratum) the same; amounts are
lognormal. The correction sees a new held-out sample of the shipped one's size: stratified as that was, or simple.
Beside it: the plain figure with a bootstrap over companies (for counts that is the binomial interval), and, with
`pip install quapy`, QuaPy's adjusted count (ACC, solved exactly) with a bootstrap over held-out texts and companies.
Over 500 populations an interval that holds in 95 % is seen to do so in 93 to 97 %.
"""

import argparse
import importlib.util
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from joblib import Parallel, delayed
from tqdm import tqdm

from classifier.correction import Confusion, Stratum, draw_labels, interval, ratio, read_confusion
from classifier.domains import load_scheme
from classifier.resources import model_folder
from classifier.tables import align

RESAMPLES = 200
YEARS = 2
FIGURES = ("count", "in scope", "share, points", "amount, million", "difference", "growth, points")


@dataclass(frozen=True)
class World:
    """A superpopulation: ``joint`` (weights, strata, labels) is how often each true label occurs at every weight."""

    codes: tuple[str, ...]
    inside: np.ndarray
    strata: list[Stratum]
    weights: np.ndarray
    texts: np.ndarray
    joint: np.ndarray

    @property
    def predicted(self):
        """The place of each stratum's predicted label."""
        return np.array([self.codes.index(stratum.predicted) for stratum in self.strata])

    @property
    def whole(self):
        """Shares of strata and true labels among all companies, shape (strata, labels)."""
        return np.tensordot(self.texts * self.weights / (self.texts @ self.weights), self.joint, 1)


def superpopulation(confusion, population, inside):
    """Return the world that the held-out texts of a population come from, confusions that were not seen included."""
    strata = [stratum for stratum in sorted(confusion.counts) if stratum.population == population]
    weights = sorted({weight for stratum in strata for weight in confusion.counts[stratum]})
    nobody = np.zeros(len(confusion.codes))
    seen = np.array([[confusion.counts[s].get(weight, nobody) for s in strata] for weight in weights])
    alike = np.array([[a.predicted == b.predicted for b in strata] for a in strata]) @ seen.sum(axis=0) + 1 / len(
        nobody
    )
    labels = seen + 0.5 * alike / alike.sum(axis=1, keepdims=True)
    sizes = seen.sum(axis=2) + 0.5 * seen.sum(axis=(0, 2)) / seen.sum()
    joint = labels * (sizes / labels.sum(axis=2))[..., None]
    joint /= joint.sum(axis=(1, 2), keepdims=True)
    return World(confusion.codes, inside, strata, np.array(weights), seen.sum(axis=(1, 2)).astype(int), joint)


def drawn(random, size, shares):
    """Return so many companies or texts, counted like ``shares``."""
    return random.multinomial(size, shares.ravel()).reshape(shares.shape)


def held_out(random, world, stratified):
    """Return sampling weights and held-out texts, shape (weights, strata, labels)."""
    if not stratified:
        return np.ones(1), drawn(random, world.texts.sum(), world.whole)[None]
    pairs = zip(world.texts, world.joint, strict=True)
    return world.weights, np.array([drawn(random, size, joint) for size, joint in pairs])


@dataclass(frozen=True)
class Companies:
    """Year, stratum, true label and amount of every company of a population."""

    year: np.ndarray
    stratum: np.ndarray
    truth: np.ndarray
    amount: np.ndarray

    def sums(self, label, labels, chosen=slice(None)):
        """Return counts and amounts by year and label, shape (2, YEARS, labels)."""
        cell = (self.year * labels + label)[chosen]
        found = [np.bincount(cell, of, YEARS * labels) for of in (np.ones(len(cell)), self.amount[chosen])]
        return np.reshape(found, (2, YEARS, labels))


def companies(random, world, size, tripled):
    """Return a population; ``tripled``: three times as many in scope, P(predicted | true label) as it was."""
    shares = world.whole
    if tripled:
        scope = shares[:, world.inside].sum()
        shares = shares * np.where(world.inside, 3, (1 - 3 * scope) / (1 - scope))
    moved = shares * np.exp(random.normal(0, 0.1, (len(world.strata), 1)))
    tables = np.array([drawn(random, size, year / year.sum()) for year in (shares, moved)])
    year, stratum, truth = (np.repeat(place.ravel(), tables.ravel()) for place in np.indices(tables.shape))
    return Companies(year, stratum, truth, random.lognormal(3, 1.5, len(year)))


def figures(sums, inside):
    """Return the `FIGURES` of sums (2, YEARS, labels, any): each of shape (domains, any)."""
    (count, later), (amount, _) = sums[:, :, inside]
    scope = count.sum(axis=0, keepdims=True)
    growth = 100 * (ratio(later, count) - 1)
    return count, scope, 100 * ratio(count, scope), amount / 100, later - count, growth


def corrected(random, world, weights, texts, population):
    """Return the sums of the correction: plain, corrected and one a draw along the last axis."""
    seen = {s: dict(zip(weights, texts[:, i], strict=True)) for i, s in enumerate(world.strata)}
    known = {s: {w: row for w, row in rows.items() if row.any()} for s, rows in seen.items()}
    strata = [world.strata[place] for place in population.stratum]
    confusion = Confusion(world.codes, known)
    labels = draw_labels(strata, [""] * len(strata), confusion, seed=random.integers(1 << 30))
    row = np.arange(len(strata))
    return np.array([labels.tally(row, population.year, YEARS, of) for of in (None, population.amount)])


def plain(random, world, weights, texts, population):
    """Return the sums of predicted labels, and of bootstrap samples of the companies."""
    predicted, size = world.predicted[population.stratum], len(population.year)
    chosen = [slice(None)] * 2 + [random.integers(0, size, size) for _ in range(RESAMPLES)]
    return np.stack([population.sums(predicted, len(world.codes), rows) for rows in chosen], axis=-1)


def adjusted(random, world, weights, texts, population):
    """Return the sums that QuaPy adjusts, and those of bootstrap samples of held-out texts and of companies."""
    found = plain(random, world, weights, texts, population)
    for place in range(1, found.shape[-1]):
        again = texts if place == 1 else np.array([drawn(random, t.sum(), t / t.sum()) for t in texts])
        table = np.zeros((len(world.codes), len(world.codes)))
        np.add.at(table, world.predicted, np.tensordot(weights, again, 1))
        found[..., place] = [[_adjusted(table, year) for year in kind] for kind in found[..., place]]
    return found


def _adjusted(table, sums):
    from quapy.functional import normalize_prevalence
    from quapy.method.aggregative import ACC

    known = table.sum(axis=0)  # as ACC does: a label without a text is never confused
    rates = np.where(known, table / np.where(known, known, 1), np.eye(len(table)))
    shares = ACC.solve_adjustment(rates, sums / sums.sum(), method="inversion", solver="exact-cc")
    return normalize_prevalence(shares, method="clip").round(9) * sums.sum()


class Scenario(NamedTuple):
    """Which companies, how many a year, how the held-out texts are sampled, and whether the share in scope triples."""

    population: str
    size: int
    stratified: bool = True
    tripled: bool = False

    def __str__(self):
        sample = "stratified" if self.stratified else "simple random"
        shift = ", three times as many in scope" if self.tripled else ""
        return f"{self.population}, {self.size} companies a year, {sample} held-out texts{shift}"


SCENARIOS = (
    Scenario("unlisted", 10_000),
    Scenario("unlisted", 10_000, stratified=False),
    Scenario("unlisted", 1_000),
    Scenario("unlisted", 1_000, stratified=False),
    Scenario("listed", 1_000),
    Scenario("unlisted", 10_000, tripled=True),
)


def trial(seed, world, scenario, methods):
    """Return truth, value, low and high (4, domains) of every figure, by method."""
    random = np.random.default_rng(seed)
    weights, texts = held_out(random, world, scenario.stratified)
    population = companies(random, world, scenario.size, scenario.tripled)
    truth = figures(population.sums(population.truth, len(world.codes))[..., None], world.inside)
    found = []
    for method in methods:
        guessed = figures(method(random, world, weights, texts, population), world.inside)
        found.append([np.array([true[:, 0], *interval(sums)[1:]]) for true, sums in zip(truth, guessed, strict=True)])
    return found


def summary(found):
    """Return the share held of every domain, mean absolute error and mean width, from (populations, 4, domains)."""
    truth, value, low, high = np.moveaxis(np.array(found), 1, 0)
    known = np.isfinite(truth) & np.isfinite(value)  # growth from nothing is none
    held = ((low <= truth) & (truth <= high) & known).sum(axis=0) / known.sum(axis=0)
    return 100 * held, np.abs(value - truth)[known].mean(), (high - low)[known].mean()


def report(trials, methods, domains):
    """Return the table of a scenario, and under it the share held of every domain's corrected count."""
    rows = [["figure", "method", "held %", "least", "most", "error", "width"]]
    for place, figure in enumerate(FIGURES):
        for number, name in enumerate(methods):
            held, error, width = summary([found[number][place] for found in trials])
            numbers = (held.mean(), held.min(), held.max(), error, width)
            rows.append([figure, name, *(f"{number:.1f}" for number in numbers)])
    held, *_ = summary([found[list(methods).index("corrected")][0] for found in trials])
    return align(rows) + "\n" + ", ".join(f"{code} {share:.1f}" for code, share in zip(domains, held, strict=True))


def main():
    """Print a table a scenario."""
    parser = argparse.ArgumentParser()
    parser.add_argument("confusion", nargs="?", type=Path, default=model_folder() / "confusion.csv")
    parser.add_argument("--populations", type=int, default=500)
    options = parser.parse_args()
    scheme = load_scheme()
    inside = np.array([code != scheme.out_of_scope for code in scheme.codes])
    confusion = read_confusion(options.confusion, scheme.codes)
    methods = {"plain": plain, "corrected": corrected}
    if importlib.util.find_spec("quapy"):
        methods["QuaPy ACC"] = adjusted
    for scenario in SCENARIOS:
        world = superpopulation(confusion, scenario.population, inside)
        run = delayed(trial)
        tasks = (run(seed, world, scenario, methods.values()) for seed in range(options.populations))
        parallel = Parallel(n_jobs=-1, return_as="generator")(tasks)
        trials = list(tqdm(parallel, total=options.populations, unit=" populations"))
        print(f"\n{scenario}\n{report(trials, methods, np.array(scheme.codes)[inside])}", flush=True)


if __name__ == "__main__":
    main()
