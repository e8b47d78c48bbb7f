import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from classifier.comparison import (
    compare,
    compare_figures,
    compare_hits,
    flips,
    moved_figures,
    to_record,
    to_text,
)
from classifier.correction import Confusion
from classifier.errors import InputError
from classifier.evaluate import Judged, evaluate
from classifier.scoring import Label, Scorer
from classifier.study import Comparison, Sources
from tests.conftest import BAKERY, FIREWALL, ROBOT

CODES = ("platform", "security", "out_of_scope")


def said(domain, probability=0.9, status="accepted"):
    return Label(domain, domain, probability, "other", 1 - probability, status, "", ())


def judged(truth, predicted, weight=None):
    size = len(truth)
    return Judged(
        truth, predicted, np.full(size, 0.9), np.ones(size, bool), np.ones(size) if weight is None else weight
    )


def some_texts(seed=0, size=300, right=0.8):
    random = np.random.default_rng(seed)
    truth = random.choice(CODES, size)
    predicted = np.where(random.random(size) < right, truth, random.choice(CODES, size))
    return truth.tolist(), predicted.tolist()


def test_flips_name_both_labels_and_whom_a_person_supports():
    old = [said("platform"), said("platform"), said("platform", 0.6, "review"), said("security")]
    new = [said("platform"), said("security"), said("out_of_scope", 0.7), said("platform")]
    found = flips(["甲", "乙", "丙", "丁"], old, new, {"乙": "security", "丙": "platform", "丁": "out_of_scope"})
    assert found.index.tolist() == ["乙", "丙", "丁"]
    assert found["nearer"].tolist() == ["new", "old", "neither"]
    assert found.loc["丙", "old":"new_status"].tolist() == ["platform", 0.6, "review", "out_of_scope", 0.7, "accepted"]


def test_a_company_that_nobody_labelled_speaks_for_no_model():
    assert flips(["甲"], [said("platform")], [said("security")], {})["nearer"].tolist() == [""]


def test_a_model_against_itself_differs_in_nothing():
    texts = judged(*some_texts())
    for one in compare_figures(texts, texts, CODES, "out_of_scope"):
        assert one.difference == (0, 0, 0)
    assert compare_hits(texts, texts) == (0, 0, 1.0)


def test_the_figures_are_those_of_evaluate():
    truth, predicted = some_texts()
    weight = np.arange(1.0, 301.0)
    texts = judged(truth, predicted, weight)
    figures = {one.figure: one.old for one in compare_figures(texts, texts, CODES, "out_of_scope")}
    expected = evaluate(texts, CODES, "out_of_scope")
    assert figures["macro-F1"] == expected.macro_f1
    assert figures["scope-F1"] == expected.scope_f1
    assert figures["weighted accuracy"] == expected.weighted_accuracy
    assert figures["the same, in scope"] == expected.accuracy_accepted_in_scope


def test_the_interval_of_the_difference_is_paired():
    truth, predicted = some_texts(right=0.6)
    better = predicted.copy()
    wrong = [place for place, (a, b) in enumerate(zip(truth, predicted, strict=True)) if a != b]
    for place in wrong[:20]:
        better[place] = truth[place]
    found = {
        one.figure: one
        for one in compare_figures(judged(truth, predicted), judged(truth, better), CODES, "out_of_scope")
    }
    accuracy = found["accuracy"]
    assert accuracy.difference.value == pytest.approx(20 / 300)
    assert accuracy.difference.low > 0  # although the two intervals overlap
    assert accuracy.old.high > accuracy.new.low


def test_a_shuffled_model_is_seen_to_be_worse():
    truth, predicted = some_texts(right=0.9)
    shuffled = np.random.default_rng(1).permutation(predicted).tolist()
    found = compare_figures(judged(truth, predicted), judged(truth, shuffled), CODES, "out_of_scope")
    assert found[0].figure == "macro-F1" and found[0].difference.high < -0.3
    assert compare_hits(judged(truth, predicted), judged(truth, shuffled)).p < 1e-9


def test_mcnemar_is_the_exact_test_of_a_fair_coin():
    truth = ["a"] * 10
    old, new = ["b"] * 9 + ["a"], ["a"] * 9 + ["b"]
    assert compare_hits(judged(truth, old), judged(truth, new)) == (1, 9, pytest.approx(22 / 1024))
    assert compare_hits(judged(truth, new), judged(truth, old)).p == pytest.approx(22 / 1024)
    assert compare_hits(judged(truth[:2], ["a", "b"]), judged(truth[:2], ["b", "a"])).p == 1.0


def test_models_judged_on_other_texts_are_refused():
    with pytest.raises(InputError, match="not judged on the same texts"):
        compare_figures(judged(["platform"], ["platform"]), judged(["security"], ["security"]), CODES, "out_of_scope")
    with pytest.raises(InputError, match="no labelled text"):
        compare_figures(judged([], []), judged([], []), CODES, "out_of_scope")


# tables


@pytest.fixture
def sources():
    names = list("甲乙丙丁")
    companies = pd.DataFrame(
        {
            "company_id": names,
            "name": names,
            "province": "浙江",
            "domain": "services",
            "status": "review",
            "text": names,
        }
    ).assign(label=["", "", "", "security"])
    events = pd.DataFrame(
        {
            "company_id": names,
            "date": pd.to_datetime(["2020-03-01"] * 4),
            "precision": "day",
            "round": "A轮",
            "group": "early",
            **dict.fromkeys(("amount_low_wan", "amount_wan", "amount_high_wan"), 100.0),
            "published": True,
            "investors": [()] * 4,
        }
    )
    return Sources(companies, events)


def moved(sources, scheme, old, new):
    labels = [[said(code) for code in codes] for codes in (old, new)]
    return moved_figures(
        sources, *labels, scheme, Confusion(scheme.codes, {}), Comparison(2020, 2019, provinces=("浙江",))
    )


def test_a_flip_moves_the_figures_in_which_it_counts(sources, scheme):
    found = moved(sources, scheme, ["platform"] * 4, ["platform", "platform", "security", "platform"])
    assert list(found.columns)[-3:] == ["plain_before", "plain_after", "plain_difference"]
    assert set(found["table"]) == {"U5", "U6", "U7"}  # the total in scope stays
    row = found[(found["table"] == "U6") & (found["place"] == "2020 / security") & (found["measure"] == "companies")]
    assert row[["plain_before", "plain_after", "plain_difference"]].to_numpy().tolist() == [[1, 2, 1]]


def test_a_persons_label_is_not_moved_by_a_model(sources, scheme):
    assert moved(sources, scheme, ["platform"] * 4, ["platform"] * 3 + ["services"]).empty


def test_a_place_that_only_the_new_model_has_is_among_what_moves(sources, scheme):
    outside = [scheme.out_of_scope] * 4
    found = moved(replace(sources, companies=sources.companies.assign(label="")), scheme, outside, ["platform"] * 4)
    assert found[(found["table"] == "U6") & (found["measure"] == "companies")]["plain_after"].max() == 4


# two models


@pytest.fixture(scope="module")
def small_scorer(small_model, scheme):
    return Scorer(small_model, scheme)


def test_two_models_are_compared_on_what_people_labelled(scorer, small_scorer):
    ids, texts = ["甲", "乙", "丙"], [ROBOT, FIREWALL, BAKERY]
    compared = compare(scorer, small_scorer, ids, texts, ["smart_equipment", "", "out_of_scope"], [2.0, 1.0, 1.0])
    assert (compared.companies, compared.judged) == (3, 2)
    assert compared.old == scorer.facts.identity
    record = json.loads(json.dumps(to_record(compared)))
    assert record["figures"]["accuracy"]["old"]["value"] == 1.0
    assert "McNemar" in to_text(compared, scorer.scheme.name)


def test_without_a_persons_label_there_are_only_flips(scorer, small_scorer):
    compared = compare(scorer, small_scorer, ["甲"], [ROBOT], [""])
    assert compared.figures is None and compared.hits is None
    assert "of 1 labels flip" in to_text(compared, scorer.scheme.name)


def test_models_of_different_schemes_are_refused(scorer, small_model, scheme):
    other = Scorer(small_model, replace(scheme, version="AII-2021"))
    with pytest.raises(InputError, match="different schemes"):
        compare(scorer, other, ["甲"], [ROBOT], [""])
