"""What the shipped model says of held-out texts, in numbers by bin: what gonglian audit drift compares with.

python bench/drift.py [FOLDER] > models/default/profile.json     FOLDER as for bench/quality.py; half a minute

The texts are those of bench/confusion.py, and those on which people differ: the model sees such texts, too.
"""

import numpy as np
from confusion import populations

from classifier.artifact import load_model
from classifier.drift import model_profile_json, profile_texts
from classifier.resources import model_folder
from classifier.scoring import load_scorer


def main():
    """Print the profiles."""
    scorer = load_scorer()
    model = load_model(model_folder(), scorer.scheme)
    profiles = {}
    for population, name, column, agreed, disputed in populations():
        rows = [*agreed, *disputed]
        texts, weight = [row[column] for row in rows], np.array([float(row["weight"]) for row in rows])
        source = f"{len(rows):,} held-out texts ({name}, {column}), weighted to their source"
        profiles[population] = profile_texts(source, texts, scorer.label(texts), model, weight)
    print(model_profile_json(profiles), end="")


if __name__ == "__main__":
    main()
