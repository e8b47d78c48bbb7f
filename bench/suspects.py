"""Does gonglian audit labels find wrong labels of real texts? One label of ten is made wrong, to be found again.

python bench/suspects.py [FOLDER]     FOLDER as for bench/quality.py; takes some minutes

Beside the planted labels, drawn at random, stand those of texts on which two careful people differ (the first one's):
are they doubted more than labels on which people agree?
"""

import numpy as np
from quality import evaluation_sets

from classifier.domains import load_scheme
from classifier.evaluate import Disputed, doubt_auroc
from classifier.labelled import find_labelled_suspects, join_corpus
from classifier.labels import Example, read_examples
from classifier.model import read_settings
from classifier.resources import labeled_folder
from classifier.suspects import kept_out_of_fold
from classifier.text import load_dictionary, read_lexicon

SHARE = 0.1  # of the labels that are made wrong
FIRST = (0.1, 0.2, 0.3)  # of the ranking


def planted(rows, codes, random):
    """Return labels of which a share is wrong, and the places of these."""
    labels = [row["label"] for row in rows]
    wrong = random.choice(len(rows), round(SHARE * len(rows)), replace=False)
    for place in wrong:
        labels[place] = str(random.choice([code for code in codes if code != labels[place]]))
    return labels, wrong


def main():
    """Print how many of the planted labels stand in front, and how many of the suspects they are."""
    scheme, corpus = load_scheme(), read_examples(labeled_folder() / "corpus")
    column, agreed, disputed = next(evaluation_sets())
    labels, wrong = planted(agreed, scheme.codes, np.random.default_rng(0))
    rows, given = [*agreed, *disputed], [*labels, *(row["label_a"] for row in disputed)]
    examples = [
        Example(f"row {place}", label, "", row["name"], row[column], "", "", "startups", place)
        for place, (row, label) in enumerate(zip(rows, given, strict=True))
    ]
    dictionary = load_dictionary(read_lexicon(labeled_folder() / "lexicon"))
    settings = read_settings(labeled_folder() / "settings.toml")
    found = kept_out_of_fold(join_corpus(examples, corpus), scheme, dictionary, settings, report=print)
    ranked = find_labelled_suspects(examples, corpus, found).set_index("row")
    judged = ranked[ranked.index < len(agreed)]
    flips = judged.index.isin(wrong)
    print(f"\n{len(judged):,} labels on which people agree, {len(wrong)} of them made wrong")
    for share in FIRST:
        print(f"in the first {share:.0%} of the ranking: {flips[: round(share * len(judged))].sum() / len(wrong):.1%}")
    print(f"{judged['suspect'].sum()} suspects, {(judged['suspect'] & flips).sum()} of them made wrong")
    likely = judged.loc[wrong, "likely"]
    print(
        f"the likely label is the true one: {np.mean([agreed[place]['label'] == likely[place] for place in wrong]):.1%}"
    )
    one, other = judged.loc[~flips, "score"].to_numpy(), ranked.loc[ranked.index >= len(agreed), "score"].to_numpy()
    auroc = doubt_auroc(Disputed(one, np.ones(len(one))), Disputed(other, np.ones(len(other))))
    print(f"{len(other)} labels on which people differ: AUROC {auroc.value:.3f} ({auroc.low:.2f}-{auroc.high:.2f})")


if __name__ == "__main__":
    main()
