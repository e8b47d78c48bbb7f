import numpy as np
import pytest

from classifier.errors import ArtifactError, ClassifierError
from classifier.scoring import Decision, Scorer, decide_with
from classifier.text import MAX_CHARACTERS
from tests.conftest import BAKERY, FIREWALL, ROBOT


def test_plain_cases_get_their_domain(scorer):
    found = [label.domain for label in scorer.label([ROBOT, BAKERY, FIREWALL])]
    assert found == ["smart_equipment", "out_of_scope", "security"]


def test_probabilities_sum_to_one_and_lead_the_runner_up(scorer):
    np.testing.assert_allclose(scorer.probabilities([ROBOT, "", BAKERY]).sum(axis=1), 1)
    for label in scorer.label([ROBOT, BAKERY]):
        assert label.probability >= label.runner_up_probability
        assert label.domain != label.runner_up


def test_a_text_is_scored_alike_alone_and_in_company(scorer):
    alone = scorer.probabilities([ROBOT])[0]
    np.testing.assert_allclose(scorer.probabilities([BAKERY, ROBOT, "", FIREWALL])[1], alone, atol=1e-12)


def test_no_texts_give_no_labels(scorer):
    assert scorer.label([]) == []
    assert scorer.probabilities([]).shape == (0, 8)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "没有说明文字"),
        ("   \n\u3000", "没有说明文字"),
        ("The leading provider of industrial robots, PLC and MES software", "没有模型认识的词"),
        ("12345 67890", "没有模型认识的词"),
        ("asdf qwer zxcv", "没有模型认识的词"),
        ("龘靐齉爩鱻麤", "没有模型认识的词"),
        ("机器人", "模型认识的词太少"),
    ],
)
def test_texts_that_say_too_little_are_never_accepted(scorer, text, reason):
    label = decide_with(scorer, None, 0.0).label([text])[0]
    assert label.status == "review"
    assert label.reason.startswith(reason)


@pytest.mark.parametrize("text", ["汽车及零部件的制造。", "公司从事零部件的制造与销售。", "互联网数据中心业务"])
def test_words_that_the_model_holds_in_pairs_alone_are_known(scorer, text):
    label = decide_with(scorer, None, 0.0).label([text])[0]
    assert label.status == "accepted"


@pytest.mark.parametrize("text", ["从事相关业务", "一家公司", "公司成立于2010年,位于北京"])
def test_texts_of_which_no_word_speaks_are_never_accepted(scorer, text):
    label = decide_with(scorer, None, 0.0).label([text])[0]
    assert (label.status, label.reason) == ("review", "模型认识的词太少")


def test_gibberish_of_common_characters_is_never_accepted(scorer):
    characters = "的一是了我不在人们有来他这上着个地到大里说去子得也和那要下看天时过出小么起你都把好还多没为又可家学"
    shuffled = np.random.default_rng(0).permutation(list(characters * 2))
    assert decide_with(scorer, None, 0.0).label(["".join(shuffled)])[0].status == "review"


def test_threshold_decides_what_is_accepted(scorer):
    sure, unsure = decide_with(scorer, None, 0.0), decide_with(scorer, None, 1.0)
    assert sure.label([ROBOT])[0].status == "accepted"
    label = unsure.label([ROBOT])[0]
    assert label.status == "review"
    assert label.reason.startswith("概率低于1.00")


def test_expected_share_out_of_scope_moves_every_probability_that_way(scorer):
    outside = scorer.facts.labels.index("out_of_scope")
    few, many = (decide_with(scorer, share, None).probabilities([ROBOT, BAKERY, "技术服务"]) for share in (0.3, 0.95))
    assert (few[:, outside] < many[:, outside]).all()


def test_prior_correction_follows_bayes(scorer):
    """Odds of out of scope are multiplied by the ratio of prior odds."""
    outside = scorer.facts.labels.index("out_of_scope")
    odds = []
    for share in (0.5, 0.9):
        p = decide_with(scorer, share, None).probabilities(["软件开发与系统集成"])[0, outside]
        odds.append(p / (1 - p))
    assert odds[1] / odds[0] == pytest.approx(9.0)


@pytest.mark.parametrize(("share", "threshold"), [(0.0, 0.5), (1.0, 0.5), (0.5, 1.1), (0.5, -0.1)])
def test_impossible_decisions_are_refused(share, threshold):
    with pytest.raises(ClassifierError):
        Decision(share, threshold, threshold)


def test_contributions_sum_to_the_difference_of_the_two_decisions(scorer, few_examples):
    """Words carry all of it where every known term lies inside words (no term reaches into a gap)."""
    model = scorer.facts
    for text in [ROBOT, FIREWALL, *(example.text for example in few_examples[::40])]:
        label = scorer.label([text])[0]
        first, second = model.labels.index(label.domain), model.labels.index(label.runner_up)
        shift = np.where(
            np.array(model.labels) == "out_of_scope",
            np.log(scorer.decision.expected_out_of_scope / model.trained_out_of_scope),
            np.log((1 - scorer.decision.expected_out_of_scope) / (1 - model.trained_out_of_scope)),
        )
        constant = model.slope * np.array(model.intercepts) + np.array(model.bias) + shift
        log_odds = np.log(label.probability / label.runner_up_probability)
        expected = log_odds - constant[first] + constant[second]
        assert sum(c.log_odds for c in label.contributions) == pytest.approx(expected, abs=1e-6)


def test_reason_names_the_words_that_decided(scorer):
    label = scorer.label([ROBOT])[0]
    favour = label.reason.split("支持：")[1].split("；")[0]
    assert "机器人" in favour or "机器视觉" in favour


def test_removing_the_deciding_word_moves_the_probability_down(scorer):
    label = scorer.label([FIREWALL])[0]
    word = label.contributions[0].word
    weaker = scorer.probabilities([FIREWALL.replace(word, "")])[0, scorer.facts.labels.index("security")]
    assert weaker < label.probability


def test_what_lies_behind_the_limit_is_not_read_and_said(scorer):
    label = scorer.label([ROBOT + "。" * 10 + "面包" * MAX_CHARACTERS])[0]
    assert f"只读了前{MAX_CHARACTERS}个字符" in label.reason


def test_a_model_of_another_dictionary_is_refused(small_model, scheme):
    from dataclasses import replace

    with pytest.raises(ArtifactError, match="another segmentation dictionary"):
        Scorer(replace(small_model, lexicon=("工业云",)), scheme)


def test_terms_of_an_unknown_kind_are_refused(small_model, scheme):
    from dataclasses import replace

    block = replace(small_model.blocks[0], kind="emoji")
    with pytest.raises(ArtifactError, match="terms of kind 'emoji'"):
        Scorer(replace(small_model, blocks=(block, *small_model.blocks[1:])), scheme).label([ROBOT])


def test_labels_in_scope_need_the_higher_probability_that_the_model_asks_for(scorer):
    asked = scorer.with_decision(Decision(0.5, 0.0, 1.0))
    assert [label.status for label in asked.label([ROBOT, BAKERY])] == ["review", "accepted"]
