from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from classifier.domains import load_scheme
from classifier.errors import InputError, SchemeError
from classifier.labels import Example, read_examples
from classifier.model import read_settings, training_counts
from classifier.resources import labeled_folder
from classifier.suspects import (
    company_groups,
    confident_joint,
    confident_labels,
    confident_thresholds,
    cross_fit,
    find_suspects,
    kept_out_of_fold,
    out_of_fold,
    rank_suspects,
)
from classifier.text import cache_folder, load_dictionary, normalize

PROBABILITIES = np.array(
    [
        [0.7, 0.2, 0.1],
        [0.6, 0.3, 0.1],
        [0.1, 0.8, 0.1],
        [0.2, 0.5, 0.3],
        [0.8, 0.1, 0.1],
        [0.1, 0.2, 0.7],
        [0.3, 0.3, 0.4],
        [0.05, 0.9, 0.05],
    ]
)
LABELS = np.array([0, 0, 1, 1, 1, 2, 2, 2])


def example(id, text, label="platform", name=""):
    return Example(id, label, "intro", name, text, "illustrative", "2026-11-23", f"{label}.csv", 2)


def flipped(given, share, seed):
    """Labels of which a share is another one, drawn at random, and which these are."""
    random = np.random.default_rng(seed)
    codes, changed = sorted(set(given)), given.copy()
    places = random.choice(len(given), round(share * len(given)), replace=False)
    for place in places:
        changed.iloc[place] = random.choice([code for code in codes if code != given.iloc[place]])
    return changed, set(given.index[places])


@pytest.fixture(scope="module")
def settings():
    return read_settings(labeled_folder() / "settings.toml")


@pytest.fixture(scope="module")
def spread_examples():
    """160 texts a label, from all parts of the corpus."""
    by_label = [[e for e in read_examples(labeled_folder() / "corpus") if e.label == c] for c in load_scheme().codes]
    return [e for part in by_label for e in part[:: len(part) // 160][:160]]


@pytest.fixture(scope="module")
def few_found(few_examples, scheme, settings):
    return out_of_fold(few_examples, scheme, load_dictionary(()), settings)


def test_the_first_tenth_of_the_ranking_holds_four_fifths_of_flipped_labels(spread_examples, settings):
    """The whole corpus holds more of them: bench."""
    counts = training_counts(spread_examples, load_dictionary(()), settings)
    given = pd.Series({e.id: e.label for e in spread_examples})
    changed, flips = flipped(given, 0.05, seed=0)
    found = cross_fit(counts, changed, company_groups(spread_examples), settings)
    ranked = rank_suspects(found.probabilities, changed)
    first = flips & set(ranked.index[: len(ranked) // 10])
    assert len(first) >= 0.8 * len(flips)
    assert np.mean(ranked.loc[list(first), "likely"] == given[list(first)]) > 0.8
    assert ranked.loc[list(flips), "suspect"].mean() > 0.6  # 0.64 to 0.77 over seeds 0 to 3, as with all terms


def test_suspects_are_those_of_cleanlab():
    """Of cleanlab 2.9.0 on the same numbers: get_confident_thresholds, find_label_issues (confident_learning), and
    compute_confident_joint (calibrated: rounded there)."""
    assert confident_thresholds(PROBABILITIES, LABELS) == pytest.approx([0.65, 0.466667, 0.383333], abs=1e-6)
    confident = confident_labels(PROBABILITIES, LABELS)
    assert np.flatnonzero((confident >= 0) & (confident != LABELS)).tolist() == [4, 7]
    assert np.rint(confident_joint(*frames())).to_numpy().tolist() == [[2, 0, 0], [1, 2, 0], [0, 1, 2]]


def test_a_label_nobody_has_is_never_confident():
    others = np.minimum(LABELS, 1)
    assert confident_thresholds(PROBABILITIES, others)[2] > 1
    assert (confident_labels(PROBABILITIES, others) < 2).all()


def frames(columns=("platform", "security", "services")):
    ids = [f"c{place}" for place in range(len(LABELS))]
    probabilities = pd.DataFrame(PROBABILITIES, index=ids, columns=columns)
    return probabilities, pd.Series(np.array(columns)[LABELS], index=ids)


def test_the_most_suspect_label_stands_first():
    ranked = rank_suspects(*frames())
    assert list(ranked.index[:2]) == ["c7", "c4"]
    assert ranked.loc["c7"].to_dict() == {
        "label": "services",
        "likely": "security",
        "score": 0.05,
        "probability": 0.9,
        "suspect": True,
    }
    assert ranked["score"].is_monotonic_increasing
    assert ranked["suspect"].sum() == 2


def test_labels_are_found_by_id_not_by_place():
    probabilities, given = frames()
    pd.testing.assert_frame_equal(rank_suspects(probabilities, given), rank_suspects(probabilities, given[::-1]))


def test_confident_joint_counts_every_text_once():
    joint = confident_joint(*frames())
    assert joint.sum(axis=1).tolist() == [2, 3, 3]
    assert joint.loc["security", "platform"] == pytest.approx(1.0)
    assert joint.loc["services", "security"] == pytest.approx(1.0)
    assert joint.loc["platform", "platform"] == pytest.approx(2.0)


def test_an_id_without_a_known_label_is_named():
    probabilities, given = frames()
    with pytest.raises(InputError, match="c0: label 'robots' is not one of platform"):
        rank_suspects(probabilities, given.replace("platform", "robots"))
    with pytest.raises(InputError, match="c7: label nan"):
        rank_suspects(probabilities, given[:-1])


def test_copies_of_a_text_and_texts_of_a_company_share_a_fold():
    groups = company_groups(
        [
            example("a", "海川科技是一家工业机器人研发商，主要从事协作机器人的研发、生产和销售。"),
            example("b", "远望公司提供防火墙和终端安全产品，客户为电力企业。", name="远望"),
            example("c", "海川科技是一家工业机器人研发商，主要从事协作机器人的研发、生产与销售。", "services"),
            example("d", "态势感知平台的研发。", name="远望"),
            example("e", "态势感知平台的研发。"),
            example("f", "面包门店的连锁经营。"),
            example("g", "面包门店的连锁经营；"),
        ]
    )
    assert groups == ["a", "远望", "a", "远望", "远望", "f", "f"]


def test_without_copies_the_groups_are_those_of_training(few_examples):
    assert company_groups(few_examples) == [example.name or example.id for example in few_examples]


def test_the_folds_are_those_of_training(few_examples, few_found, small_model):
    said = few_found.probabilities.idxmax(axis=1)
    accuracy = np.mean([said[e.id] == e.label for e in few_examples])
    assert accuracy == pytest.approx(small_model.record["held_out_folds"]["accuracy"], abs=1e-4)


def test_a_copy_does_not_vouch_for_a_wrong_label(few_examples, scheme, settings):
    """Ten texts on security, each twice and both times under services: the copies alone would teach the wrong label."""
    wrong = [replace(e, label="services", name="") for e in few_examples if e.label == "security"][:10]
    again = [replace(e, id=f"{e.id}-2", text=e.text.replace("。", "；")) for e in wrong]
    others = [e for e in few_examples if e.id not in {w.id for w in wrong}]
    found = out_of_fold([*others, *wrong, *again], scheme, load_dictionary(()), settings)
    pairs = found.probabilities.loc[[e.id for e in wrong], "security"]
    assert (pairs > found.probabilities.loc[pairs.index, "services"]).sum() >= 7


def test_terms_say_what_speaks_for_the_likely_label(few_examples, few_found):
    found = find_suspects(few_examples, few_found)
    assert ((found["terms"] != "") == (found["label"] != found["likely"])).all()
    texts = {e.id: normalize(e.text).replace(" ", "") for e in few_examples}
    for id, terms in found.loc[found["terms"] != "", "terms"].items():
        assert all(term in texts[id] for term in terms.split("、"))
    assert found.loc[few_examples[0].id, "place"] == few_examples[0].place


def test_out_of_fold_probabilities_are_kept(few_examples, few_found, scheme, settings, monkeypatch, tmp_path):
    monkeypatch.setenv("GONGLIAN_CACHE", str(tmp_path / "cache"))
    some = [e for e in few_examples if e.id[-1] in "0123456789"]
    given = (some, scheme, load_dictionary(()), settings)
    told = []
    first = kept_out_of_fold(*given, report=told.append)
    assert told and len(list(cache_folder().glob("folds-*"))) == 1
    told.clear()
    again = kept_out_of_fold(*given, report=told.append)
    assert not told
    pd.testing.assert_frame_equal(again.probabilities, first.probabilities)
    assert again.terms.tolist() == first.terms.tolist()
    pd.testing.assert_frame_equal(find_suspects(some, again), find_suspects(some, first))
    for path in cache_folder().glob("folds-*"):
        path.write_bytes(b"half a file")
    assert kept_out_of_fold(*given).terms.tolist() == first.terms.tolist()
    kept_out_of_fold([replace(some[0], label=some[-1].label), *some[1:]], *given[1:])
    assert len(list(cache_folder().glob("folds-*"))) == 2


def test_an_id_that_stands_twice_is_refused(few_examples, scheme, settings):
    with pytest.raises(SchemeError, match=f"id {few_examples[0].id} stands at .* already"):
        out_of_fold([*few_examples, few_examples[0]], scheme, load_dictionary(()), settings)


def test_too_few_texts_of_a_label_are_refused(few_examples, scheme, settings):
    few = [e for e in few_examples if e.label != "security"]
    with pytest.raises(SchemeError, match="label security: 0 texts"):
        out_of_fold(few, scheme, load_dictionary(()), settings)
