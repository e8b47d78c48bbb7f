"""Quality on held-out text beside baselines, all trained on labeled/ alone.

python bench/quality.py [FOLDER]     FOLDER holds startups_dev.csv and listed_dev.csv (default: ../shared/eval)

Prints macro-F1 over the eight labels and scope-F1 (in scope against out), each with its 95 % bootstrap interval.
"""

import csv
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.svm import LinearSVC

from classifier.domains import load_scheme
from classifier.evaluate import Judged, evaluate
from classifier.labels import read_examples
from classifier.resources import labeled_folder
from classifier.scoring import load_scorer
from classifier.tables import align
from classifier.text import Segmenter, character_terms, load_dictionary, normalize, pair_terms

SETS = [
    ("startups_dev.csv", "description"),
    ("listed_dev.csv", "main_business"),
    ("listed_dev.csv", "introduction"),
    ("listed_dev.csv", "main_business_csmar"),
    ("listed_dev.csv", "business_scope"),
]
SEGMENTER = Segmenter(load_dictionary(()))


def words(text):
    """Return jieba's words."""
    return [word.text for word in SEGMENTER.words(normalize(text))]


def words_and_pairs(text):
    """Return jieba's words and word pairs."""
    found = SEGMENTER.words(normalize(text))
    return [word.text for word in found] + [term for term, _, _ in pair_terms(found)]


def characters(text):
    """Return character n-grams."""
    return [term for term, _, _ in character_terms(normalize(text), 1, 4)]


def tfidf(analyzer):
    """Return a TF-IDF vectorizer as the model's own."""
    return TfidfVectorizer(analyzer=analyzer, sublinear_tf=True, min_df=2)


def baselines():
    """Return untrained classifiers by name."""
    both = FeatureUnion([("words", tfidf(words_and_pairs)), ("characters", tfidf(characters))])
    topics = TruncatedSVD(200, random_state=0)
    return {
        "words, logistic regression": make_pipeline(tfidf(words), LogisticRegression(C=10, max_iter=2000)),
        "characters 1-4, logistic regression": make_pipeline(tfidf(characters), LogisticRegression(C=10, max_iter=500)),
        "200 dense dimensions (LSA), logistic regression": make_pipeline(
            both, topics, LogisticRegression(C=10, max_iter=2000)
        ),
        "words, pairs, characters, LinearSVC": make_pipeline(both, LinearSVC(C=0.3)),
    }


def read_set(path, column):
    """Return texts and labels of the rows that have a label."""
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["label"]]
    return [row[column] for row in rows], [row["label"] for row in rows]


def shown(truth, predicted):
    """Return macro-F1 and scope-F1 as a cell."""
    scheme = load_scheme()
    nothing = np.ones(len(truth))
    found = evaluate(Judged(truth, predicted, nothing, nothing, nothing), scheme.codes, scheme.out_of_scope)
    return " ".join(f"{f.value:.3f} ({f.low:.2f}-{f.high:.2f})" for f in (found.macro_f1, found.scope_f1))


def main():
    """Print the table."""
    warnings.simplefilter("ignore")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "eval"
    sets = [read_set(folder / name, column) for name, column in SETS]
    examples = read_examples(labeled_folder() / "corpus")
    labels = [example.label for example in examples]
    most = Counter(labels).most_common(1)[0][0]
    rows = [["majority", *(shown(truth, [most] * len(truth)) for _, truth in sets)]]
    for name, pipeline in baselines().items():
        pipeline.fit([example.text for example in examples], labels)
        rows.append([name, *(shown(truth, list(pipeline.predict(texts))) for texts, truth in sets)])
        print(f"{name}: done", file=sys.stderr)
    scorer = load_scorer()
    own = [shown(truth, [label.domain for label in scorer.label(texts)]) for texts, truth in sets]
    rows.append([f"gonglian {scorer.model.identity}", *own])
    print(f"trained on {len(examples):,} texts; macro-F1 and scope-F1, each with its 95 % interval")
    for index, (name, column) in enumerate(SETS):
        print(f"\n{name}, {column}: {len(sets[index][1])} texts")
        print(align([["model", "macro-F1, scope-F1"], *([row[0], row[1 + index]] for row in rows)]))


if __name__ == "__main__":
    main()
