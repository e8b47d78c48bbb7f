import numpy as np
import pytest
from sklearn.metrics import confusion_matrix, f1_score, precision_recall_fscore_support, roc_auc_score

from classifier.errors import InputError
from classifier.evaluate import Disputed, Judged, calibration_error, doubt_auroc, evaluate, to_record, to_text

CODES = ("platform", "security", "out_of_scope")


def judged(truth, predicted, probability=None, accepted=None, weight=None):
    n = len(truth)
    return Judged(
        truth,
        predicted,
        np.full(n, 0.9) if probability is None else np.array(probability),
        np.full(n, True) if accepted is None else np.array(accepted),
        np.ones(n) if weight is None else np.array(weight),
    )


def test_a_perfect_model_scores_one():
    truth = ["platform", "security", "out_of_scope"] * 10
    found = evaluate(judged(truth, truth, probability=[1.0] * 30), CODES, "out_of_scope")
    assert found.macro_f1 == found.scope_f1 == found.weighted_accuracy == (1.0, 1.0, 1.0)
    assert found.calibration_error == 0


def test_figures_are_those_of_scikit_learn():
    random = np.random.default_rng(1)
    truth, predicted = list(random.choice(CODES, 300)), list(random.choice(CODES, 300))
    found = evaluate(judged(truth, predicted), CODES, "out_of_scope")
    assert found.macro_f1.value == pytest.approx(f1_score(truth, predicted, average="macro"))
    inside = [t != "out_of_scope" for t in truth], [p != "out_of_scope" for p in predicted]
    assert found.scope_f1.value == pytest.approx(f1_score(*inside))
    expected = precision_recall_fscore_support(truth, predicted, labels=CODES)
    values = [(c.precision.value, c.recall.value, c.f1.value, c.support) for c in found.classes]
    np.testing.assert_allclose(values, np.array(expected).T)
    np.testing.assert_array_equal(found.confusion, confusion_matrix(truth, predicted, labels=CODES))


def test_hand_computed_case():
    """Four companies: one platform missed, one company out of scope taken for security."""
    truth = ["platform", "platform", "out_of_scope", "out_of_scope"]
    predicted = ["platform", "out_of_scope", "security", "out_of_scope"]
    weight = [1, 1, 1, 7]
    found = evaluate(judged(truth, predicted, accepted=[1, 1, 0, 1], weight=weight), CODES, "out_of_scope")
    assert found.accuracy.value == 0.5
    assert found.weighted_accuracy.value == 0.8
    assert found.share_accepted.value == 0.9
    assert found.accuracy_accepted.value == pytest.approx(8 / 9)
    assert found.accuracy_accepted_in_scope.value == 1.0
    assert found.scope_f1.value == 0.5
    assert found.macro_f1.value == pytest.approx((2 / 3 + 1 / 2) / 2)  # labels that occur: platform, out_of_scope


def test_interval_covers_the_true_accuracy():
    """Over repeated samples of a model that is right in 80 % of cases, about 95 % of the intervals hold 0.8."""
    random, covered = np.random.default_rng(2), 0
    for _ in range(100):
        truth = ["platform"] * 200
        predicted = list(np.where(random.random(200) < 0.8, "platform", "security"))
        low, high = evaluate(judged(truth, predicted), CODES, "out_of_scope").accuracy[1:]
        covered += low <= 0.8 <= high
    assert covered >= 88


def test_calibration_error_of_honest_and_of_boastful_probabilities():
    random = np.random.default_rng(3)
    probability = random.random(20_000)
    right = random.random(20_000) < probability
    assert calibration_error(probability, right, np.ones(20_000)) < 0.02
    assert calibration_error(np.full(20_000, 0.99), right, np.ones(20_000)) == pytest.approx(0.49, abs=0.02)


def test_unknown_label_is_named():
    with pytest.raises(InputError, match="label 'robots' is not one of"):
        evaluate(judged(["robots"], ["platform"]), CODES, "out_of_scope")


def test_no_label_at_all_is_said():
    with pytest.raises(InputError, match="no labelled text"):
        evaluate(judged([], []), CODES, "out_of_scope")


def test_text_and_json_show_the_same_numbers():
    found = evaluate(judged(["platform", "security"], ["platform", "platform"]), CODES, "out_of_scope", unlabelled=4)
    assert to_record(found)["macro_f1"]["value"] == found.macro_f1.value
    assert f"{found.macro_f1.value:.3f}" in to_text(found, str)
    assert "4 rows without a label" in to_text(found, str)


def test_auroc_of_doubt_is_that_of_scikit_learn():
    random = np.random.default_rng(3)
    agreed = Disputed(random.integers(0, 65, 200) / 64, random.random(200))  # with ties
    disputed = Disputed(random.integers(0, 49, 30) / 64, random.random(30))
    found = doubt_auroc(agreed, disputed)
    doubt = 1 - np.concatenate([agreed.probability, disputed.probability])
    weight = np.concatenate([agreed.weight, disputed.weight])
    assert found.value == pytest.approx(roc_auc_score([0] * 200 + [1] * 30, doubt, sample_weight=weight))
    assert found.low < found.value < found.high


def test_disputed_texts_count_for_doubt_alone():
    truth = ["platform", "security", "out_of_scope"] * 10
    probability = [0.9] * 27 + [0.5] * 3
    disputed = Disputed(np.array([0.6, 0.4]), np.array([1.0, 3.0]))
    found = evaluate(judged(truth, truth, probability), CODES, "out_of_scope", disputed=disputed)
    assert (found.texts, found.disputed, found.accuracy.value) == (30, 2, 1.0)
    assert found.doubt_auroc.value == pytest.approx((27 + 30) / 60)
    assert found.weighted_doubt_auroc.value == pytest.approx((27 + 3 * 30) / 120)
    assert "2 disputed rows judged by doubt alone" in to_text(found, str)
    assert to_record(found)["doubt_auroc"]["value"] == found.doubt_auroc.value


def test_without_disputed_texts_doubt_is_not_judged():
    found = evaluate(judged(["platform"], ["platform"]), CODES, "out_of_scope")
    assert found.doubt_auroc is found.weighted_doubt_auroc is None
    assert to_record(found)["weighted_doubt_auroc"] is None
