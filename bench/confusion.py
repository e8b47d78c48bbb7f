"""What the shipped model says of held-out texts, and what people say: the counts that correct the statistics.

python bench/confusion.py [FOLDER] > models/default/confusion.csv     FOLDER as for bench/quality.py

Unlisted companies are judged by the descriptions of a startup database, listed ones by their lines of main business.
"""

from quality import SETS, evaluation_sets

from classifier.correction import confusion_csv
from classifier.evaluate import judge
from classifier.scoring import load_scorer

POPULATIONS = {"description": "unlisted", "main_business": "listed"}


def main():
    """Print the counts."""
    scorer = load_scorer()
    judged = {}
    for (_, column), (_, agreed, _) in zip(SETS, evaluation_sets(), strict=True):
        if column in POPULATIONS:
            truth, weight = [row["label"] for row in agreed], [float(row["weight"]) for row in agreed]
            judged[POPULATIONS[column]] = judge(scorer.label([row[column] for row in agreed]), truth, weight)
    print(confusion_csv(scorer.facts.identity, judged), end="")


if __name__ == "__main__":
    main()
