from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax

from classifier.errors import SchemeError
from classifier.labels import read_examples
from classifier.model import calibrate, fit, read_settings, reference_decisions, train, training_counts
from classifier.resources import labeled_folder
from classifier.scoring import Scorer
from classifier.text import Segmenter, load_dictionary

TEXTS = [
    "工业机器人的研发",
    "ＭＥＳ軟件、ERP系統实施",
    "",
    "123",
    "hello",
    "。，；",
    "面包面包面包面包",
    "5G工业网关\x00与AGV",
]


def test_training_twice_gives_the_same_arrays(few_examples, small_model, scheme):
    settings = read_settings(labeled_folder() / "settings.toml")
    again = train(few_examples, scheme, load_dictionary(()), (), settings, name="small")
    np.testing.assert_array_equal(again.coefficients, small_model.coefficients)
    np.testing.assert_array_equal(again.bias, small_model.bias)
    assert again.slope == small_model.slope


def test_the_seed_does_not_decide_labels(few_examples, small_model, scheme):
    """On texts that the models did not see; bench/seeds.py measures the same on the whole corpus and real texts."""
    settings = read_settings(labeled_folder() / "settings.toml")
    counts = training_counts(few_examples, load_dictionary(()), settings)
    labels = np.array([example.label for example in few_examples])
    seen = set(few_examples)
    unseen = [e.text for e in read_examples(labeled_folder() / "corpus") if e not in seen][::40]
    found = []
    for seed in range(10):
        weighting, _, linear = fit(counts, labels, np.arange(len(labels)), replace(settings, seed=seed))
        blocks = weighting.blocks()
        model = replace(small_model, blocks=blocks, coefficients=linear.coefficients, intercepts=linear.intercepts)
        found.append([label.domain for label in Scorer(model, scheme).label(unseen)])
    assert min(np.mean(np.array(given) == found[0]) for given in found) >= 0.995


def test_scoring_computes_what_scikit_learn_computes(small_model, scheme, few_examples):
    texts = TEXTS + [example.text for example in few_examples]
    scorer = Scorer(small_model, scheme)
    reference = reference_decisions(small_model, texts, Segmenter(load_dictionary(())))
    logits = small_model.slope * reference + small_model.bias
    trained, expected = small_model.trained_out_of_scope, small_model.expected_out_of_scope
    shift = [expected / trained if c == "out_of_scope" else (1 - expected) / (1 - trained) for c in small_model.labels]
    np.testing.assert_allclose(scorer.probabilities(texts), softmax(logits + np.log(shift), axis=1), atol=1e-7)


def test_the_shipped_model_learned_its_training_texts(scorer, few_examples):
    found = [label.domain for label in scorer.label([example.text for example in few_examples])]
    assert np.mean([a == e.label for a, e in zip(found, few_examples, strict=True)]) > 0.9


def test_shuffled_labels_teach_nothing(few_examples, scheme):
    settings = read_settings(labeled_folder() / "settings.toml")
    codes = np.random.default_rng(0).permutation([example.label for example in few_examples])
    shuffled = [type(e)(**{**e.__dict__, "label": str(c)}) for e, c in zip(few_examples, codes, strict=True)]
    model = train(shuffled, scheme, load_dictionary(()), (), settings)
    assert model.record["held_out_folds"]["macro_f1"] < 0.25


def test_too_few_texts_of_a_label_are_refused(few_examples, scheme):
    settings = read_settings(labeled_folder() / "settings.toml")
    few = [e for e in few_examples if e.label != "security"]
    with pytest.raises(SchemeError, match="label security: 0 texts, expected at least 10"):
        train(few, scheme, load_dictionary(()), (), settings)


def test_calibration_recovers_planted_slope_and_bias():
    random = np.random.default_rng(0)
    decisions = random.normal(size=(40_000, 3))
    probabilities = softmax(2.5 * decisions + [0.5, 0.0, -0.5], axis=1)
    labels = (probabilities.cumsum(axis=1) < random.random((40_000, 1))).sum(axis=1)
    found = calibrate(decisions, labels)
    assert found.slope == pytest.approx(2.5, rel=0.03)
    np.testing.assert_allclose(found.bias, [0.5, 0.0, -0.5], atol=0.05)


def test_settings_with_a_missing_number_are_refused(tmp_path):
    path = tmp_path / "settings.toml"
    path.write_text("[features]\ncharacter_ngrams = [1, 4]\n", encoding="utf-8")
    with pytest.raises(SchemeError, match="minimum_documents"):
        read_settings(path)
