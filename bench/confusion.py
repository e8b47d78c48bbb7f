"""What the shipped model says of held-out texts, and what people say: the counts that correct the statistics.

python bench/confusion.py [FOLDER] > models/default/confusion.csv     FOLDER as for bench/quality.py

Unlisted companies are judged by the descriptions of a startup database, listed ones by their lines of main business.
"""

from quality import SETS, evaluation_sets

from classifier.correction import confusion_csv
from classifier.evaluate import judge
from classifier.scoring import load_scorer

POPULATIONS = {"description": "unlisted", "main_business": "listed"}


def populations():
    """Yield for each of `POPULATIONS` its name, its column, the rows on which people agree, and those in dispute."""
    for (name, column), (_, agreed, disputed) in zip(SETS, evaluation_sets(), strict=True):
        if column in POPULATIONS:
            yield POPULATIONS[column], name, column, agreed, disputed


def main():
    """Print the counts."""
    scorer = load_scorer()
    judged = {}
    for population, _, column, agreed, _ in populations():
        truth, weight = [row["label"] for row in agreed], [float(row["weight"]) for row in agreed]
        judged[population] = judge(scorer.label([row[column] for row in agreed]), truth, weight)
    print(confusion_csv(scorer.facts.identity, judged), end="")


if __name__ == "__main__":
    main()
