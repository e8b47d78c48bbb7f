"""Does reading in the order of `gonglian audit queue` mend the published numbers faster than other orders?

python bench/reading.py [FOLDER] [--populations 100] [--companies 3000]     FOLDER as for bench/quality.py; seconds

The texts of startups_dev.csv, which people labelled, are split in halves at random, for every population anew. One half
is the held-out texts that counts are corrected by. From the other, companies are drawn by sampling weight; they get
events of two years (Poisson, 0.6 a year), provinces (Zipf) and lognormal amounts, every second one published, all
independent of the text. Companies are read in some order; what is read is known from then on, the rest is

- plain: counted by the predicted label,
- corrected: by P(true | predicted, status) of the held-out half, as the tables do,
- by doubt: the same with finer strata, by the probability of the predicted label (`DOUBT`), too,
- learning: the same, updated by what was read in the stratum (held-out texts count as their effective number).

Errors are means over domains and populations: of shares among those in scope in points, of 图3-4 in events a cell.
"against 1 - p": the mean error over all numbers of companies read, beside that of reading by 1 - p alone, with its 95 %
interval over populations, and the populations in which it is smaller (of a bias: its size in each population).
"""

import argparse
from pathlib import Path

import numpy as np
import pandas as pd
from joblib import Parallel, delayed
from tqdm import tqdm

from classifier.correction import Confusion, Stratum, ratio
from classifier.reading import Facts, order_reading, weigh_stakes
from classifier.scoring import load_scorer
from classifier.tables import align

YEARS = (2019, 2020)
READS = (0, 25, 50, 100, 200, 400)
DOUBT = (0.5, 0.7, 0.85)
PROVINCES = np.array([f"province {number}" for number in range(1, 32)])
AT_RANDOM = 0.2  # of the reading, in one of the orders
ESTIMATORS = ("plain", "corrected", "by doubt", "learning")
SHARES = ("all companies", "companies (U6)", "amounts (U7)")
FIGURES = (*SHARES, "events by province (U5)")
BIAS = "in scope (U6), bias in %"


class Texts:
    """Labelled texts and what the model says of them; labels are places among ``codes``."""

    def __init__(self, texts, truth, weight, scorer):
        self.codes = list(scorer.facts.labels)
        self.inside = np.array([code != scorer.scheme.out_of_scope for code in self.codes])
        self.probability = scorer.probabilities(texts)
        self.predicted = self.probability.argmax(axis=1)
        self.status = np.array([label.status for label in scorer.label(texts)])
        self.truth = np.array([self.codes.index(label) for label in truth])
        self.weight = np.array(weight)

    def strata(self, by_doubt):
        """Return the stratum of every text."""
        bins = np.digitize(self.probability.max(axis=1), DOUBT) if by_doubt else np.zeros(len(self.truth), int)
        return [
            Stratum("unlisted", self.codes[p], f"{s} {b}")
            for p, s, b in zip(self.predicted, self.status, bins, strict=True)
        ]

    def confusion(self, chosen, strata):
        """Return the counts of some texts."""
        counts = {}
        for place in chosen:
            by_weight = counts.setdefault(strata[place], {})
            by_weight.setdefault(self.weight[place], np.zeros(len(self.codes)))[self.truth[place]] += 1
        return Confusion(tuple(self.codes), counts)


class Population:
    """Companies drawn from some texts, with events: the place of each one's text, and what tables count."""

    def __init__(self, random, texts, chosen, size):
        weight = texts.weight[chosen]
        self.text = random.choice(chosen, size, p=weight / weight.sum())
        zipf = 1 / np.arange(1, len(PROVINCES) + 1)
        self.province = random.choice(len(PROVINCES), size, p=zipf / zipf.sum())
        number = random.poisson(0.6, (2, size))
        year, company = (np.repeat(place.ravel(), number.ravel()) for place in np.indices(number.shape))
        amount = random.lognormal(7.5, 1.5, len(company))
        self.events = pd.DataFrame(
            {
                "company_id": company,
                "date": pd.to_datetime({"year": year + YEARS[0], "month": random.integers(1, 13, len(year)), "day": 1}),
                "group": "early",
                "amount_wan": amount,
                "published": random.random(len(year)) < 0.5,
            }
        )
        later = self.events[year == 1]
        self.number = number[1]
        self.amount = np.bincount(later["company_id"], later["amount_wan"] * later["published"], minlength=size)

    def facts(self):
        """Return what the queue weighs stakes by."""
        return Facts(dict(enumerate(PROVINCES[self.province])), self.events)

    def sums(self, labels):
        """Return by figure the sums over companies by cell and label, from labels (companies, labels)."""
        by_province = np.zeros((len(PROVINCES), labels.shape[1]))
        np.add.at(by_province, self.province, labels * self.number[:, None])
        counts = (np.ones(len(labels)), self.number > 0, self.amount)
        return dict(zip(FIGURES, [*(np.array([each @ labels]) for each in counts), by_province], strict=True))


def errors(found, truth, inside):
    """Return the mean absolute error of every figure, and the bias of the companies in scope."""
    wrong = {}
    for figure in FIGURES:
        mine, true = found[figure][:, inside], truth[figure][:, inside]
        if figure in SHARES:
            mine, true = (100 * ratio(sums, sums.sum(axis=1, keepdims=True)) for sums in (mine, true))
        wrong[figure] = np.abs(mine - true).mean()
    mine, true = (sums["companies (U6)"][:, inside].sum() for sums in (found, truth))
    return wrong | {BIAS: 100 * (mine / true - 1)}


def effective(by_weight):
    """Return how many equally weighted texts say as much (Kish 1965)."""
    weight, texts = np.array(list(by_weight)), np.array([counts.sum() for counts in by_weight.values()])
    return (weight @ texts) ** 2 / (weight**2 @ texts)


class Correction:
    """Expected labels of a population, before and after some of it was read."""

    def __init__(self, texts, held_out, population, by_doubt):
        strata = texts.strata(by_doubt)
        confusion = texts.confusion(held_out, strata)
        keys = sorted({strata[place] for place in population.text})
        self.member = np.array([keys.index(strata[place]) for place in population.text])
        self.mean = np.array([confusion.posterior(key).mean() for key in keys])
        self.size = np.array([1 + effective(confusion.counts[key]) if key in confusion.counts else 1 for key in keys])

    def expected(self):
        """Return the expected labels (companies, labels)."""
        return self.mean[self.member]

    def learned(self, truth, read):
        """Return them with the strata's distributions updated by what was read."""
        seen = np.zeros_like(self.mean)
        np.add.at(seen, self.member[read], truth[read])
        mean = (self.size[:, None] * self.mean + seen) / (self.size + seen.sum(axis=1))[:, None]
        return mean[self.member]


def orders(random, texts, population):
    """Return by name the companies in the order in which they are read."""
    size = len(population.text)
    shuffled = random.permutation(size)  # copies of one text tie
    probabilities = texts.probability[population.text[shuffled]]
    in_scope = probabilities[:, texts.inside].sum(axis=1)
    stake, even = weigh_stakes(population.facts(), shuffled.tolist(), in_scope, YEARS).stake, np.ones(size)
    queue, at_random = order_reading(probabilities, stake).place, random.permutation(size)
    places = {
        "uncertainty (1 - p)": np.argsort(probabilities.max(axis=1), kind="stable"),
        "uncertainty (margin)": order_reading(probabilities, even, spread=0).place,
        "stake": np.argsort(-stake, kind="stable"),
        "margin x stake": order_reading(probabilities, stake, spread=0).place,
        "queue": queue,
        "queue, a fifth at random": mixed(random, queue),
        "queue, even stakes": order_reading(probabilities, even).place,
    }
    return {"random": at_random, **{name: shuffled[place] for name, place in places.items()}}


def mixed(random, order):
    """Return an order in which every place is, with a chance of `AT_RANDOM`, taken by a company drawn at random."""
    early = random.random(len(order)) < AT_RANDOM
    drawn = random.permutation(order)[: early.sum()]
    rest = order[~np.isin(order, drawn)]
    found = np.empty_like(order)
    found[early], found[~early] = drawn, rest
    return found


def trial(seed, texts, size):
    """Return errors by order, estimator, number of companies read, and figure."""
    random = np.random.default_rng(seed)
    places = random.permutation(len(texts.truth))
    held_out, others = np.array_split(places, 2)
    population = Population(random, texts, others, size)
    identity = np.eye(len(texts.codes))
    truth = identity[texts.truth[population.text]]
    wanted = population.sums(truth)
    corrections = {by_doubt: Correction(texts, held_out, population, by_doubt) for by_doubt in (False, True)}
    plain = identity[texts.predicted[population.text]]
    found = {}
    for name, order in orders(random, texts, population).items():
        for reads in READS:
            read = np.isin(np.arange(size), order[:reads])
            guesses = (
                plain,
                corrections[False].expected(),
                corrections[True].expected(),
                corrections[True].learned(truth, read),
            )
            for estimator, guess in zip(ESTIMATORS, guesses, strict=True):
                known = np.where(read[:, None], truth, guess)
                found[name, estimator, reads] = errors(population.sums(known), wanted, texts.inside)
    return found


def table(trials, estimator, figure):
    """Return the errors of every order, and how it compares with uncertainty alone over all reads."""
    names = dict.fromkeys(name for name, _, _ in trials[0])
    rows = [["order", *map(str, READS), "against 1 - p", "95 %", "nearer in"]]
    curves = {n: np.array([[found[n, estimator, reads][figure] for reads in READS] for found in trials]) for n in names}
    baseline = np.abs(curves["uncertainty (1 - p)"][:, 1:]).mean(axis=1)
    for name, curve in curves.items():
        mine = np.abs(curve[:, 1:]).mean(axis=1)
        difference = 100 * (mine - baseline) / baseline.mean()
        margin = 1.96 * difference.std(ddof=1) / len(difference) ** 0.5
        versus = (f"{difference.mean():+.0f} %", f"±{margin:.0f}", f"{100 * np.mean(mine < baseline):.0f} %")
        rows.append([name, *(f"{error:.2f}" for error in curve.mean(axis=0)), *versus])
    return align(rows)


def main():
    """Print a table an estimator and figure."""
    parser = argparse.ArgumentParser()
    parser.add_argument("folder", nargs="?", type=Path, default=Path(__file__).parents[2] / "shared" / "eval")
    parser.add_argument("--populations", type=int, default=100)
    parser.add_argument("--companies", type=int, default=3_000)
    options = parser.parse_args()
    labelled = pd.read_csv(options.folder / "startups_dev.csv", keep_default_na=False).query("label != ''")
    columns = (labelled[column].tolist() for column in ("description", "label", "weight"))
    texts = Texts(*columns, load_scorer())
    tasks = (delayed(trial)(seed, texts, options.companies) for seed in range(options.populations))
    parallel = Parallel(n_jobs=-1, return_as="generator")(tasks)
    trials = list(tqdm(parallel, total=options.populations, unit=" populations"))
    for figure in (*FIGURES, BIAS):
        for estimator in ESTIMATORS:
            print(f"\n{figure}, {estimator}: error by companies read\n{table(trials, estimator, figure)}")


if __name__ == "__main__":
    main()
