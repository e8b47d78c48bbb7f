"""Does the seed matter? Models of ten seeds, trained on labeled/, on real texts that none of them saw.

python bench/seeds.py [FOLDER]     FOLDER as for bench/quality.py; takes some minutes

Prints, for every evaluation text column, the share of texts that get one label from all ten seeds, and the least
agreement of any two. The seed orders the examples for the solver; the copies of the texts do not depend on it. The
calibration, whose folds depend on the seed, is the shipped one.
"""

from dataclasses import replace
from itertools import combinations

import numpy as np
from quality import SETS, evaluation_sets
from tqdm import tqdm

from classifier.artifact import load_model
from classifier.domains import load_scheme
from classifier.labels import read_examples
from classifier.model import fit, read_settings, training_counts
from classifier.resources import labeled_folder, model_folder
from classifier.scoring import Scorer
from classifier.text import load_dictionary

SEEDS = 10


def main():
    """Print the agreement."""
    scheme = load_scheme(labeled_folder())
    shipped = load_model(model_folder(), scheme)
    settings = read_settings(labeled_folder() / "settings.toml")
    examples = read_examples(labeled_folder() / "corpus")
    labels = np.array([example.label for example in examples])
    counts = training_counts(examples, load_dictionary(shipped.lexicon), settings)
    sets = [[row[column] for row in agreed] for column, agreed, _ in evaluation_sets()]
    found = [[] for _ in sets]
    for seed in tqdm(range(SEEDS), unit="model"):
        weighting, _, linear = fit(counts, labels, np.arange(len(labels)), replace(settings, seed=seed))
        coefficients = linear.coefficients.astype(np.float32)
        model = replace(shipped, blocks=weighting.blocks(), coefficients=coefficients, intercepts=linear.intercepts)
        scorer = Scorer(model, scheme)
        for texts, given in zip(sets, found, strict=True):
            given.append(np.array([label.domain for label in scorer.label(texts)]))
    for (name, column), given in zip(SETS, found, strict=True):
        every = np.mean([len(set(text)) == 1 for text in zip(*given, strict=True)])
        least = min(np.mean(a == b) for a, b in combinations(given, 2))
        print(f"{name} {column}\tone label from all seeds {every:.4f}\tleast agreement of two {least:.4f}")


if __name__ == "__main__":
    main()
