"""The card of the shipped model: what it was made of, how well it does on real text, when not to trust it.

python bench/card.py [FOLDER] > models/default/card.md     FOLDER as for bench/quality.py; takes some minutes
"""

import hashlib
from collections import Counter
from dataclasses import replace

import numpy as np
from quality import SETS, evaluation_sets
from tqdm import tqdm

from classifier.artifact import load_model
from classifier.evaluate import BINS, Disputed, evaluate, judge, probability_bins
from classifier.labels import STYLES, read_examples
from classifier.model import read_settings, train
from classifier.resources import labeled_folder, model_folder
from classifier.scoring import Scorer, load_scorer
from classifier.text import load_dictionary

STYLE_OF = ("startup-database intro", "filing's main business", "company profile", "main business, 2020", "scope")
SHARES = (1 / 16, 1 / 8, 1 / 4, 1 / 2, 1)

HEAD = """# Model card: {identity}

Made by `bench/card.py` for the model beside it; every number was measured in that run.

## What it is

A linear model that reads a Chinese business description of up to some thousand characters and says to which of
the seven domains of 《中国工业互联网投融资报告(2020年)》 the company belongs, or that it belongs to none, with a
calibrated probability and the words that decided. Words and word pairs of jieba and character n-grams of 1 to 4,
sub-linear TF-IDF, one support vector machine a label on terms weighted by their log-count ratio. The terms that tell
least (inverse document frequency times coefficient) are left out after fitting; {terms:,} stay.
Scheme {scheme}.

**For** tagging companies for the report's statistics, with a person reading what is under review. **Not for** decisions
on a single company without a reader (credit, subsidies, procurement), texts in other languages than Chinese, texts that
describe a product or a person instead of a company, or other schemes of industries.

It decides as if {prior:.0%} of the companies were out of scope (`--prior` changes that), and accepts a label from a
probability of {accept:.2f}, in scope from {accept_in:.2f}; everything else goes to review.

## What it learned from

{texts:,} descriptions written for this purpose by the codebook, each read a second time by a reader who saw text and
codebook alone, and {lexicon:,} terms of a lexicon. None is taken from the evaluation texts. Most companies are
invented ({real:,} texts state facts of real ones). Writers and readers were language models; docs/training-data.md
has their briefs.
"""

FIGURES = """
## How well it does

Real texts of others, on which it never trained; settings were chosen on them. With 95 % intervals (bootstrap).
*Weighted* figures stand for the whole source, in which one company of twelve is in scope; *accepted* is the share of
companies that needs no reader.
"""

RELIABILITY = """
## Reliability

On `startups_dev.csv`, weighted to its source: where the model says p, is it right in a share p?
"""

CURVE = """
## Learning curve

Macro-F1 / scope-F1 of models trained on nested random shares of the texts, without lexicon:
"""

WEAK = """
## Known weaknesses

- Texts written for training are easier than real ones: held-out folds of the corpus give macro-F1 {folds:.2f}.
  Believe the tables above.
- `industrial_software` is weakest: software firms that tell of benefits and hardly of functions are taken for services
  or read as out of scope. Thin IT firms, and firms whose customers are mixed, are the next worst (`services`).
- Network and automation products that share their words with goods out of scope (chips, antennas, cables, power
  supplies, sensors of cars) go wrong in both directions.
- Marketplaces outside industry that call themselves 平台 are sometimes accepted as `platform`.
- The listed companies of the development half hold few companies a domain: look at the intervals.
- Real companies drift; the evaluation texts were written between 2015 and 2025.
- Where nine of ten companies are out of scope, as in this source, probabilities below 0.9 are too low at the default
  prior (the table above shows it): set `--prior` to the share you expect.
"""


def table(rows):
    """Return rows as a Markdown table; the first holds the heads."""
    lines = ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join([lines[0], "|" + "---|" * len(rows[0]), *lines[1:]])


def cell(figure):
    """Return an estimate with its interval."""
    return f"{figure.value:.3f} ({figure.low:.2f}-{figure.high:.2f})"


def reliability(judged):
    """Return bins of probability beside the share that was right, weighted to the source."""
    right = np.array(judged.truth) == np.array(judged.predicted)
    place = probability_bins(judged.probability)
    rows = [["probability", "texts", "mean probability", "share right", ""]]
    for index in range(BINS):
        chosen = place == index
        if chosen.any():
            weight = judged.weight[chosen]
            said, was = (
                np.average(judged.probability[chosen], weights=weight),
                np.average(right[chosen], weights=weight),
            )
            bar = "█" * round(was * 20) + "░" * (20 - round(was * 20))
            rows.append(
                [f"{index / BINS:.1f}-{(index + 1) / BINS:.1f}", chosen.sum(), f"{said:.2f}", f"{was:.2f}", f"`{bar}`"]
            )
    return table(rows)


def learning_curve(examples, scheme, sets):
    """Return macro-F1 and scope-F1 of models trained on nested random shares of the texts."""
    settings = replace(read_settings(labeled_folder() / "settings.toml"), folds=2)
    order = sorted(examples, key=lambda example: hashlib.sha256(example.id.encode()).digest())
    rows = [["texts", *(f"{name}, {column}" for name, column in SETS[:3])]]
    for share in tqdm(SHARES, desc="learning curve", unit="model"):
        some = order[: round(share * len(order))]
        scorer = Scorer(train(some, scheme, load_dictionary(()), (), settings), scheme)
        rows.append([f"{len(some):,}"])
        for texts, truth, weight in sets[:3]:
            found = evaluate(judge(scorer.label(texts), truth, weight), scheme.codes, scheme.out_of_scope)
            rows[-1].append(f"{found.macro_f1.value:.3f} / {found.scope_f1.value:.3f}")
    return table(rows)


def overview(scorer, examples):
    """Return what the model is and what it learned from."""
    model = load_model(model_folder(), scorer.scheme)
    counted = Counter((example.label, example.style) for example in examples)
    counts = [[code, *(counted[code, style] for style in STYLES)] for code in scorer.scheme.codes]
    head = HEAD.format(
        identity=model.identity,
        terms=len(model.coefficients),
        scheme=model.scheme_version,
        prior=model.expected_out_of_scope,
        accept=model.accept_probability,
        accept_in=model.accept_in_scope_probability,
        texts=len(examples),
        lexicon=len(model.lexicon),
        real=sum(example.provenance == "real" for example in examples),
    )
    return head + "\n" + table([["label", *STYLES, "all"], *([*row, sum(row[1:])] for row in counts)])


def figures(found):
    """Return the figures of every evaluation column, whole and by label."""
    heads = [f"{style}<br>`{name}` {column}" for style, (name, column) in zip(STYLE_OF, SETS, strict=True)]
    shown = {
        "macro-F1": "macro_f1",
        "scope-F1": "scope_f1",
        "accuracy, weighted": "weighted_accuracy",
        "accepted, weighted": "share_accepted",
        "right among the accepted": "accuracy_accepted",
        "right among the accepted in scope": "accuracy_accepted_in_scope",
    }
    whole = [
        ["texts", *(one.texts for one in found)],
        *([name, *(cell(getattr(one, field)) for one in found)] for name, field in shown.items()),
        ["calibration error", *(f"{one.calibration_error:.3f}" for one in found)],
        ["texts in dispute", *(one.disputed for one in found)],
        ["AUROC of doubt", *(cell(one.doubt_auroc) for one in found)],
        ["the same, weighted", *(cell(one.weighted_doubt_auroc) for one in found)],
    ]
    by_label = [
        [found[0].classes[i].code, *(f"{cell(one.classes[i].f1)}; {one.classes[i].support}" for one in found)]
        for i in range(len(found[0].classes))
    ]
    return "\n".join(
        [
            table([["", *heads], *whole]),
            "\nF1 by label, its interval, and the number of texts that people gave it:\n",
            table([["", *heads], *by_label]),
        ]
    )


def main():
    """Print the card."""
    scorer = load_scorer()
    scheme = scorer.scheme
    examples = read_examples(labeled_folder() / "corpus")
    sets, judged, found = [], [], []
    for column, agreed, others in evaluation_sets():
        sets.append(([r[column] for r in agreed], [r["label"] for r in agreed], [float(r["weight"]) for r in agreed]))
        texts, truth, weight = sets[-1]
        judged.append(judge(scorer.label(texts), truth, weight))
        disputed = Disputed(
            np.array([label.probability for label in scorer.label([row[column] for row in others])]),
            np.array([float(row["weight"]) for row in others]),
        )
        found.append(evaluate(judged[-1], scheme.codes, scheme.out_of_scope, disputed=disputed))
    print(overview(scorer, examples))
    print(FIGURES)
    print(figures(found))
    print(RELIABILITY)
    print(reliability(judged[0]))
    print(CURVE)
    print(learning_curve(examples, scheme, sets))
    print(WEAK.format(folds=load_model(model_folder(), scheme).record["held_out_folds"]["macro_f1"]), end="")


if __name__ == "__main__":
    main()
