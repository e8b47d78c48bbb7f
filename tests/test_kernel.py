"""The kernel against what it stands for: `classifier.text`, jieba, scikit-learn; as it stands and as machine code."""

import csv
from collections import Counter
from copy import copy
from itertools import product
from pathlib import Path
from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy.special import softmax

from classifier import kernel, scoring
from classifier.artifact import load_model
from classifier.labels import read_examples
from classifier.model import reference_decisions
from classifier.records import find_roles, join_texts, open_table
from classifier.resources import labeled_folder, model_folder
from classifier.scoring import encode_texts
from classifier.text import (
    BOILERPLATE_SIGNS,
    MAX_CHARACTERS,
    Segmenter,
    load_dictionary,
    normalize,
    offering_clause,
)

REAL = Path(__file__).parents[2] / "shared" / "real" / "companies.xlsx"
PIECES = st.sampled_from(
    [
        *(
            "工业机器人",
            "研发、生产和销售",
            "是一家",
            "致力于",
            "提供",
            "软件",
            "的",
            "机器视觉",
            "PLC",
            "ＡＧＶ",
            "5G",
            "iPhone",
        ),
        *(
            "，",
            "。",
            "、",
            " ",
            "\u3000",
            "\n",
            "\x00",
            "\u200b",
            "(",
            "）",
            "&",
            "&amp;",
            "<p>",
            "<",
            "R&D",
            "３",
            "①",
            "㈱",
        ),
        *(
            "機器人",
            "研發",
            "回覆",
            "依法须经批准的项目",
            "一般项目：",
            "许可经营项目:",
            "(一般项目为)：",
            "许可",
            "项目是",
            ":",
            "法律",
            "规定除外",
            "国家限制",
            "凭营业执照经营",
            "Σ",
            "İ",
        ),
        *(
            "e\u0301",
            "か\u3099",
            "각",
            "\u1112\u1161\u11ab",
            "😀",
            "𠮷",
            "\ud800",
            "\U0010ffff",
            "é",
            "ß",
            "Ⅷ",
            "½",
            "²",
            "…",
            "㎡",
            "a1b2",
            "-",
            ".",
        ),
    ]
)
TEXTS = st.one_of(
    st.lists(PIECES, max_size=30).map("".join),
    st.text(max_size=60),
    st.lists(st.one_of(PIECES, st.text(max_size=3)), max_size=40).map("".join),
)


@pytest.fixture(scope="module")
def plain(scorer):
    return scorer._engines.choose(1)


@pytest.fixture(scope="module")
def machine(scorer):
    return scorer._engines.choose(scoring.MANY + 1)


@pytest.fixture(scope="module")
def options(plain, scheme):
    return plain.settings(scheme, scoring.Decision(0.5, 0.5, 0.5))


@pytest.fixture(scope="module")
def model(scheme):
    return load_model(model_folder(), scheme)


@pytest.fixture(scope="module")
def segmenter(model):
    return Segmenter(load_dictionary(model.lexicon))


@pytest.fixture(scope="module")
def reference(model, segmenter):

    def probabilities(texts):
        share = model.expected_out_of_scope / model.trained_out_of_scope
        rest = (1 - model.expected_out_of_scope) / (1 - model.trained_out_of_scope)
        shift = np.log([share if label == "out_of_scope" else rest for label in model.labels])
        return softmax(model.slope * reference_decisions(model, texts, segmenter) + model.bias + shift, axis=1)

    return probabilities


def read(engine, text):
    """Return the normal form that the kernel makes of a text, or None where it leaves it to `normalize`."""
    data, _ = encode_texts([text])
    with engine.workspace() as work:
        if not kernel.read_text(engine.tables, data, 0, len(data), False, work):
            return None
        return "".join(chr(c) for c in work.characters[: work.sizes[kernel.CHARACTERS]])


@given(TEXTS)
@example("工业" * 10_000)
@example("许可一般项目:项目:面包")
@example("甲 一般项目:b")
@example("a 一般项目:")
@example("a一般项目: b,(许可项目:丙")
@example("一般 项目:甲")
@example("国家一般项目:规定除外")
def test_what_the_kernel_normalises_itself_is_the_normal_form(plain, text):
    assert read(plain, text) in (None, normalize(text))


def test_every_character_between_two_others_is_normalised_alike(plain):
    for first, last in (("甲", "乙"), ("a", " b")):
        for number in [*range(0xD800), *range(0xE000, 0x10000)]:
            text = first + chr(number) + last
            assert read(plain, text) in (None, normalize(text)), hex(number)


def test_plain_texts_are_not_left_to_the_slow_way(plain):
    texts = [e.text for e in read_examples(labeled_folder() / "corpus") if e.style == "intro"][::20]
    assert np.mean([read(plain, text) is None for text in texts]) < 0.1


@pytest.mark.parametrize("sign", [*BOILERPLATE_SIGNS[0], *map("".join, product(*BOILERPLATE_SIGNS[1:]))])
def test_signs_of_boilerplate_send_a_text_the_slow_way(plain, sign):
    assert read(plain, f"机器人{sign}销售") is None


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("一般项目：面包；许可经营项目：酒", "面包;酒"),
        ("(许可经营项目是):酒(一般项目)：面包", "酒面包"),
        ("面积５㎡…炉温９９℃", "面积5m2...炉温99°c"),
        ("国家级企业,无限制", None),
        ("无限制,国家级企业", "无限制,国家级企业"),
    ],
)
def test_heads_of_scopes_and_signs_are_read_the_fast_way(plain, text, normal):
    assert read(plain, text) == normal


def test_every_scope_of_the_corpus_is_read_alike(plain):
    for e in read_examples(labeled_folder() / "corpus"):
        if e.style == "scope":
            assert read(plain, e.text) in (None, normalize(e.text))


@given(TEXTS)
@example("abcdef工业4.0c++AGV小车3d打印x")
def test_words_and_offering_clause_are_those_of_jieba_and_of_text(plain, options, segmenter, text):
    normal = normalize(text)
    data, ends = encode_texts([normal])
    with plain.workspace() as work:
        plain.score(options, data, ends, bytes(1), normal=True, work=work)
        found = [(work.word_start[i], work.word_end[i]) for i in range(work.sizes[kernel.WORDS])]
        clause = work.sizes[kernel.CLAUSE_START], work.sizes[kernel.CLAUSE_STOP]
    assert found == [(word.start, word.end) for word in segmenter.words(normal)]
    assert clause == offering_clause(normal)


@given(st.lists(TEXTS, min_size=1, max_size=5))
@example(["", "机器人", "工业机器人" * 3_000, "面包" * MAX_CHARACTERS, "a" * 30_000])
def test_probabilities_are_those_of_scikit_learn(scorer, reference, texts):
    expected = reference(texts)
    np.testing.assert_allclose(scorer.probabilities(texts), expected, atol=1e-6)
    labels = [scorer.facts.labels.index(label.domain) for label in scorer.label(texts)]
    assert labels == expected.argmax(axis=1).tolist()


@given(st.lists(TEXTS, min_size=1, max_size=5))
@example(["", "机器人", "工业机器人" * 3_000, "面包" * MAX_CHARACTERS, "a" * 30_000])
def test_machine_code_does_what_the_source_says(scorer, plain, machine, texts):
    found = []
    for engine in (plain, machine):
        with patch.object(scorer._engines, "choose", lambda count, engine=engine: engine):
            found.append((scorer.score(*encode_texts(texts)), scorer.label(texts)))
    (one, labels), (other, others) = found
    np.testing.assert_allclose(one.probabilities, other.probabilities, atol=1e-12)
    for a, b in zip(one[1:], other[1:], strict=True):
        np.testing.assert_array_equal(a, b)
    for i, (a, b) in enumerate(zip(labels, others, strict=True)):
        assert a[:2] == b[:2]
        assert a.reason == b.reason == bytes(one.reasons[one.reason_ends[i] : one.reason_ends[i + 1]]).decode()
        assert [c.word for c in a.contributions] == [c.word for c in b.contributions]


def by_hand(model, segmenter, normal, first, second):
    """Return what each word adds to the log-odds of one label against another, term by term, character by character."""
    words, shares, start = segmenter.words(normal), np.zeros(len(normal)), 0
    for block in model.blocks:
        column = {term: i for i, term in enumerate(block.vocabulary)}
        found = [o for o in segmenter.terms(block.kind, block.parameters, normal, words) if o[0] in column]
        counts = Counter(term for term, _, _ in found)
        weight = {t: (1 + np.log(c)) * float(block.idf[column[t]]) for t, c in counts.items()}
        length = np.sqrt(sum(w * w for w in weight.values()))
        for term, begin, end in found:
            row = model.coefficients[start + column[term]].astype(float)
            share = model.slope * weight[term] / length / counts[term] * (row[first] - row[second])
            shares[begin:end] += share / (end - begin)
        start += len(block.vocabulary)
    total = Counter()
    for word in words:
        total[word.text] += shares[word.start : word.end].sum()
    return total


def test_what_words_add_is_what_their_terms_add(scorer, model, segmenter, few_examples):
    for text in [e.text for e in few_examples[::16]]:
        label = scorer.label([text])[0]
        ends = [model.labels.index(code) for code in (label.domain, label.runner_up)]
        expected = by_hand(model, segmenter, normalize(text), *ends)
        assert {c.word for c in label.contributions} == set(expected)
        for contribution in label.contributions:
            assert contribution.log_odds == pytest.approx(expected[contribution.word], abs=1e-6)


def test_a_reason_shows_the_strongest_words(scorer, few_examples):
    for label in scorer.label([e.text for e in few_examples[:150]]):
        strong = [c for c in label.contributions if abs(c.log_odds) >= kernel.LEAST_SHOWN]
        parts = [
            head + "、".join(f"{c.word} {c.log_odds:+.2f}" for c in chosen[:most])
            for head, most, chosen in (
                ("支持：", kernel.SHOWN_FOR, [c for c in strong if c.log_odds > 0]),
                ("反对：", kernel.SHOWN_AGAINST, [c for c in strong if c.log_odds < 0]),
            )
            if chosen
        ]
        doubt = [label.reason.split("；")[0]] if label.status == "review" else []
        assert label.reason == "；".join(doubt + parts)


@pytest.mark.parametrize("value", [0.05, 0.125, 0.135, 1.005, 2.675, 9.995, 12.345, 99.999, 123.456, -0.075, -7.0])
def test_numbers_are_shown_as_python_rounds_them(plain, value):
    with plain.workspace() as work:
        work.word_start[0] = work.word_end[0] = 0
        work.total[0] = value
        out = bytearray(40)
        assert out[: kernel.put_word(work, 0, out, 0)].decode() == f" {value:+.2f}"


@pytest.mark.skipif(not REAL.exists(), reason="real descriptions lie beside the project, not in it")
def test_ten_thousand_real_descriptions_get_the_labels_of_scikit_learn(scorer, reference):
    with open_table(str(REAL)) as table:
        text = find_roles(table).text
        texts = [value for batch in table.batches for value in join_texts(batch, text).to_pylist()]
    assert len(texts) == 10_000
    expected, found = reference(texts), scorer.probabilities(texts)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert (found.argmax(axis=1) == expected.argmax(axis=1)).all()


def test_machine_code_is_made_once_there_is_much_to_do(scorer, monkeypatch):
    engines = copy(scorer._engines)
    engines._machine, engines._asked = None, 0
    monkeypatch.setattr(scoring, "is_kept", lambda: False)
    monkeypatch.setattr(engines, "_load", lambda: "machine code")
    assert engines.choose(scoring.FEW) is engines._plain
    assert engines.choose(scoring.MANY) is engines._plain
    assert engines.choose(scoring.FEW + 1) == "machine code"
    assert engines.choose(scoring.FEW) is engines._plain


def test_machine_code_that_is_kept_is_used_sooner(scorer, monkeypatch):
    engines = copy(scorer._engines)
    engines._machine, engines._asked = None, 0
    monkeypatch.setattr(scoring, "is_kept", lambda: True)
    monkeypatch.setattr(engines, "_load", lambda: "machine code")
    assert engines.choose(scoring.FEW + 1) == "machine code"


def test_a_text_of_a_batch_is_scored_as_alone(scorer):
    with (labeled_folder() / "corpus" / "services.csv").open(encoding="utf-8") as file:
        texts = [row["text"] for row in csv.DictReader(file)][:300]
    together = scorer.probabilities(texts)
    assert np.array_equal(together[::50], np.concatenate([scorer.probabilities([text]) for text in texts[::50]]))
