import json
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from classifier.artifact import load_model
from classifier.drift import (
    PROFILE,
    STOP,
    Drift,
    Profile,
    chance_point,
    drift,
    is_to_stop,
    make_profile,
    model_profile_json,
    profile_ledger,
    profile_texts,
    read_model_profile,
    read_profile,
    read_reference,
    stability,
    to_text,
    unknown_rates,
    write_profile,
)
from classifier.entries import NewPrediction
from classifier.errors import InputError, LedgerError
from classifier.ledger import Ledger
from classifier.resources import model_folder
from classifier.scoring import Scorer
from tests.conftest import BAKERY, ROBOT


def labels(**counts):
    return Profile("m", "planted", {"label": counts})


def verdict(before, after):
    [found] = drift(labels(**before), labels(**after))
    return found.verdict


def test_the_index_is_that_of_the_formula():
    shares, parts = stability(np.array([499.5, 499.5]), np.array([249.5, 749.5]))
    assert shares.tolist() == [[0.5, 0.5], [0.25, 0.75]]
    assert parts.sum() == pytest.approx(-0.25 * np.log(0.5) + 0.25 * np.log(1.5))


def test_the_index_is_0_for_equal_shares_and_the_same_in_both_directions():
    few, many = np.array([1.0, 7.0, 30.0]), np.array([9.0, 5.0, 40.0])
    assert stability(few, few)[1].sum() == 0
    assert stability(few, many)[1].sum() == pytest.approx(stability(many, few)[1].sum())


def test_siddiqis_rule():
    even = {"a": 5_000, "b": 5_000}
    assert verdict(even, {"a": 4_500, "b": 5_500}) == "ok"  # 0.01
    assert verdict(even, {"a": 3_300, "b": 6_700}) == "warn"  # 0.12
    assert verdict(even, {"a": 2_500, "b": 7_500}) == "stop"  # 0.27


def test_a_bin_that_nobody_has_seen_before_is_drift_and_finite():
    [found] = drift(labels(a=1_000, b=1_000), labels(a=600, b=600, c=800))
    assert found.verdict == "stop" and found.moved == "c" and np.isfinite(found.psi)
    assert found.before == pytest.approx(0, abs=1e-3) and found.after == pytest.approx(0.4, abs=1e-3)


def test_few_texts_cannot_tell():
    assert verdict({"a": 500, "b": 500}, {"a": 10, "b": 20}) == "too few texts"
    assert verdict({"a": 500, "b": 500}, {"a": 1, "b": 29}) == "stop"  # unless it is more than chance can do


def test_without_drift_the_chance_point_is_passed_in_1_of_100_cases():
    random = np.random.default_rng(0)
    shares = np.array([0.4, 0.3, 0.2, 0.1])
    samples = zip(random.multinomial(800, shares, 2_000), random.multinomial(300, shares, 2_000), strict=True)
    passed = [stability(*pair)[1].sum() > chance_point(4, 800, 300) for pair in samples]
    assert np.mean(passed) == pytest.approx(0.01, abs=0.007)


def test_nothing_to_compare_is_never_told_from_chance():
    assert chance_point(8, 0, 100) == float("inf")
    assert verdict({"a": 100, "b": 100}, {}) == "too few texts"


def test_one_feature_that_stops_is_enough():
    calm = Drift("status", 1, 1, 0.01, 0.0, "ok", "review", 0.1, 0.1)
    assert not is_to_stop([calm, calm._replace(verdict="warn"), calm._replace(verdict="too few texts")])
    assert is_to_stop([calm, calm._replace(psi=STOP, verdict="stop")])


def test_the_table_says_what_moved_and_the_numbers_of_texts():
    before, after = labels(a=500, b=500), labels(a=100, b=900)
    line = to_text(before, after, drift(before, after)).splitlines()[4].split()
    assert line[:3] == ["label", "1000", "1000"]
    assert line[5:] == ["stop", "a", "50.0%", "10.0%"]


def test_only_features_of_both_are_compared():
    both = Profile("m", "s", {"label": {"a": 1.0}, "status": {"review": 1.0}})
    assert [one.feature for one in drift(both, labels(a=1.0))] == ["label"]


def test_a_profile_counts_labels_probabilities_status_and_unknown_terms():
    profile = make_profile(
        *("m", "s", ["平台", "平台", "安全"], np.array([1.0, 0.61, 0.69]), np.array([True, False, False])),
        unknown=np.array([0.0, 0.02, 0.021]),
    )
    assert profile.features == {
        "label": {"安全": 1, "平台": 2},
        "probability": {"0.6-0.7": 2, "0.9-1.0": 1},
        "status": {"accepted": 1, "review": 2},
        "unknown terms": {"up to 0%": 1, "up to 2%": 1, "up to 5%": 1},
    }


def test_weighted_texts_count_as_their_effective_number():
    weight = np.array([1.0, 1.0, 2.0])
    profile = make_profile("m", "s", ["a", "a", "b"], np.ones(3), np.ones(3, bool), weight=weight)
    counts = profile.features["label"]
    assert sum(counts.values()) == pytest.approx(16 / 6, abs=1e-3)
    assert counts["a"] == pytest.approx(counts["b"])


def test_words_that_the_model_never_saw_are_unknown(small_model):
    rates = unknown_rates(["工业机器人的研发", "龘靐齉爩 麤鱻龘靐", "12 + 3!"], small_model)
    assert rates[0] == 0
    assert rates[1] == rates[2] == 1


def test_words_of_pairs_that_the_model_kept_are_learned(small_model):
    pairs = [replace(block, vocabulary=("工业 机器人", "研发 生产")) for block in small_model.blocks[:1]]
    assert unknown_rates(["机器人研发", "机器人龘"], replace(small_model, blocks=tuple(pairs))).tolist() == [0, 0.5]


@pytest.mark.parametrize("population", ["unlisted", "listed"])
def test_the_shipped_profile_is_of_the_shipped_model(scheme, population):
    """make card makes it anew; without that the model was trained anew and nothing measured."""
    profile = read_model_profile(model_folder(), population, load_model(model_folder(), scheme).identity)
    assert list(profile.features) == ["label", "probability", "status", "unknown terms"]
    sizes = [sum(counts.values()) for counts in profile.features.values()]
    assert sizes == pytest.approx([sizes[0]] * 4, abs=0.01)
    assert 50 < sizes[0] < 1_431  # fewer than there are texts: some stand for 25 companies
    assert set(profile.features["label"]) <= set(scheme.codes)
    for counts in profile.features.values():  # where all texts lie in one bin, nothing can be seen to move
        assert max(counts.values()) < 0.95 * sum(counts.values())


def test_texts_like_the_held_out_ones_have_not_moved(scheme):
    profile = read_model_profile(model_folder(), "unlisted", load_model(model_folder(), scheme).identity)
    random = np.random.default_rng(0)
    drawn = {}
    for feature, counts in profile.features.items():
        shares = np.array(list(counts.values())) / sum(counts.values())
        drawn[feature] = dict(zip(counts, random.multinomial(2_000, shares).tolist(), strict=True))
    assert {one.verdict for one in drift(profile, Profile("m", "drawn", drawn))} == {"ok"}


def test_a_model_has_a_profile_by_population(tmp_path, small_model, scheme):
    model = replace(small_model, digest="0" * 64)
    labels = Scorer(model, scheme).label([ROBOT, BAKERY, BAKERY])
    profile = profile_texts("held out", [ROBOT, BAKERY, BAKERY], labels, model, np.ones(3))
    assert profile.model == model.identity
    assert sum(profile.features["unknown terms"].values()) == 3
    (tmp_path / PROFILE).write_text(model_profile_json({"listed": profile}), encoding="utf-8")
    assert read_model_profile(tmp_path, "listed", model.identity) == profile
    with pytest.raises(InputError, match="holds listed, not unlisted; make one with gonglian evaluate FILE --model"):
        read_model_profile(tmp_path, "unlisted", model.identity)
    with pytest.raises(InputError, match="made with AII-2020/small@00000000, not with AII-2020/other@1, the model"):
        read_model_profile(tmp_path, "listed", "AII-2020/other@1")


@pytest.mark.parametrize("text", ["", "[]", '{"unlisted": 1}', '{"unlisted": {"format": 2}}'])
def test_what_is_no_profile_of_a_model_is_refused(tmp_path, text):
    (tmp_path / PROFILE).write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"profile.json: (is no profile of a model|holds nothing).*--reference"):
        read_model_profile(tmp_path, "unlisted", "m")


def test_a_model_without_a_profile_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match=r"no profile.json.*gonglian evaluate FILE .*--profile .*--past.*--reference"):
        read_model_profile(tmp_path, "unlisted", "m")


def test_a_reference_of_another_model_is_refused(tmp_path):
    write_profile(labels(a=1.0), tmp_path / "kept.json")
    assert read_reference(tmp_path / "kept.json", "m") == labels(a=1.0)
    with pytest.raises(InputError, match=r"kept.json: made with m, not with n: what moved may be the model.*--model"):
        read_reference(tmp_path / "kept.json", "n")


def test_a_profile_is_kept(tmp_path):
    profile = make_profile("m", "样本", ["平台"], np.array([0.5]), np.array([True]))
    write_profile(profile, tmp_path / "profile.json")
    assert read_profile(tmp_path / "profile.json") == profile


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{}", '{"format": 2}', '{"format": 1, "model": "m", "source": "s", "features": {"label": {"a": "x"}}}'],
)
def test_what_is_no_profile_is_refused(tmp_path, text):
    path = tmp_path / "profile.json"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match="is no profile"):
        read_profile(path)


def test_a_negative_count_is_refused(tmp_path):
    path = tmp_path / "profile.json"
    record = {"format": 1, "model": "m", "source": "s", "features": {"label": {"a": -1}}}
    path.write_text(json.dumps(record), encoding="utf-8")
    with pytest.raises(InputError, match="-1 is not a number of texts"):
        read_profile(path)


def test_a_missing_profile_is_told(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_profile(tmp_path / "nothing.json")


# a ledger


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "ledger.sqlite") as opened:
        yield opened


def add(ledger, name, label, year, *, model="m"):
    company = ledger.add_company(full_name=f"{name}有限公司", source="t")
    text = ledger.add_description(company, f"{name}在{year}年", source="t", dated=date(year, 6, 1))
    ledger.add_predictions([NewPrediction(text, model, "AII-2020", {label: 0.8, "other": 0.2}, label, "accepted")])


def test_a_planted_change_of_labels_is_found_between_two_windows(ledger):
    for number in range(200):
        add(ledger, f"旧{number}", "platform" if number % 2 else "security", 2019)
        add(ledger, f"新{number}", "platform" if number % 10 else "security", 2020)
    before = profile_ledger(ledger, until=date(2020, 1, 1))
    after = profile_ledger(ledger, since=date(2020, 1, 1))
    found = {one.feature: one.verdict for one in drift(before, after)}
    assert found == {"label": "stop", "probability": "ok", "status": "ok"}
    assert "before 2020-01-01" in before.source and "2020-01-01 to the last" in after.source


def test_two_models_are_never_mixed(ledger):
    add(ledger, "甲", "platform", 2020, model="old")
    add(ledger, "乙", "security", 2020, model="new")
    assert profile_ledger(ledger).features["label"] == {"security": 1}
    old = profile_ledger(ledger, model="old")
    assert old.features["label"] == {"platform": 1}
    assert old.source.endswith("; 1 by other models left out")
    with pytest.raises(LedgerError, match="by third, but by new, old: name the folder of that model with --model"):
        profile_ledger(ledger, model="third")


def test_unknown_terms_of_a_ledger_are_those_of_its_texts(ledger):
    add(ledger, "甲", "platform", 2020)
    profile = profile_ledger(ledger, lambda texts: np.array([0.5 if text == "甲在2020年" else 0 for text in texts]))
    assert profile.features["unknown terms"] == {"up to 100%": 1}


def test_a_window_without_a_prediction_is_told(ledger):
    with pytest.raises(LedgerError, match="no description from the first to the last"):
        profile_ledger(ledger)
