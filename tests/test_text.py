import json
import string
import tempfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.errors import SchemeError
from classifier.resources import labeled_folder
from classifier.text import (
    MAX_CHARACTERS,
    Segmenter,
    build_dictionary,
    character_terms,
    load_dictionary,
    normalize,
    pair_terms,
    read_lexicon,
    traditional_characters,
)


@pytest.fixture(scope="module")
def segmenter():
    return Segmenter(load_dictionary(read_lexicon(labeled_folder() / "lexicon")))


@pytest.mark.parametrize(
    ("raw", "normal"),
    [
        ("ＭＥＳ系统，ＰＬＣ", "mes系统,plc"),
        ("工業機器人與軟件", "工业机器人与软件"),
        ("工业 机器人\u3000研发\r\n销售", "工业机器人研发销售"),
        ("machine  vision\tsystem", "machine vision system"),
        ("<p>工业&nbsp;相机</p>&amp;镜头", "工业相机 &镜头"),
        ("控制\x00系统\x07", "控制系统"),
        ("㎡级①号ﾛﾎﾞｯﾄ", "m2级1号ロボット"),
    ],
)
def test_normal_form_folds_width_script_space_and_noise(raw, normal):
    assert normalize(raw) == normal


@pytest.mark.parametrize(
    "scope",
    [
        "一般项目：工业机器人制造；智能仪表销售（除依法须经批准的项目外，凭营业执照依法自主开展经营活动）",
        "许可项目:工业机器人制造;智能仪表销售(依法须经批准的项目,经相关部门批准后方可开展经营活动,具体经营项目以审批结果为准)",
        "工业机器人制造；智能仪表销售。（依法须经批准的项目，经相关部门批准后方可开展经营活动）",
        "工业机器人制造；智能仪表销售。（企业依法自主选择经营项目，开展经营活动；"
        "依法须经批准的项目，经相关部门批准后依批准的内容开展经营活动；"
        "不得从事本市产业政策禁止和限制类项目的经营活动。）",
    ],
)
def test_boilerplate_of_registered_scopes_is_removed(scope, segmenter):
    assert [w.text for w in segmenter.words(normalize(scope))] == ["工业机器人", "制造", "智能仪表", "销售"]


@given(st.text(max_size=300))
def test_normal_form_is_stable_and_bounded(text):
    once = normalize(text)
    assert len(once) <= MAX_CHARACTERS
    assert once == once.strip()
    assert not any(character in once for character in "\n\r\t\x00")


@given(st.text(alphabet="工业机器人平台软件abcAI5G0123，。、 -_", max_size=60))
def test_words_stand_where_they_say(text):
    normal = normalize(text)
    for word in Segmenter(load_dictionary(())).words(normal):
        assert normal[word.start : word.end] == word.text


def test_huge_text_is_cut_and_not_refused():
    assert len(normalize("工业互联网" * 1_000_000)) == MAX_CHARACTERS


def test_lexicon_terms_stay_in_one_piece(segmenter):
    for term in ("标识解析", "边缘计算网关", "时间敏感网络"):
        assert [w.text for w in segmenter.words(f"提供{term}产品")] == ["提供", term, "产品"]


def test_lexicon_is_what_joins_them():
    words = Segmenter(load_dictionary(())).words("时间敏感网络")
    assert [w.text for w in words] != ["时间敏感网络"]


def test_words_inside_words_are_terms_too(segmenter):
    words = segmenter.words("边缘计算网关")
    inner = {term for term, start, end in segmenter.inner_words(words) if "边缘计算网关"[start:end] == term}
    assert {"边缘", "计算", "网关"} <= inner


def test_order_of_lexicon_terms_does_not_matter():
    base = "工业 100 n\n机器 50 n\n人 80 n\n机 5 n\n器 5 n\n"
    terms = ["工业机器人", "机器人"]
    assert build_dictionary(base, terms) == build_dictionary(base, terms[::-1])


def test_dictionary_digest_changes_with_the_lexicon():
    base = "工业 100 n\n"
    assert build_dictionary(base, []).digest != build_dictionary(base, ["工业云"]).digest


def test_lexicon_term_with_punctuation_is_refused(tmp_path):
    (tmp_path / "bad.csv").write_text("term\n工业，机器人\n", encoding="utf-8")
    with pytest.raises(SchemeError, match=r"bad\.csv: line 2"):
        read_lexicon(tmp_path)


def test_pairs_do_not_cross_punctuation(segmenter):
    words = segmenter.words(normalize("机器人，软件研发"))
    assert [term for term, _, _ in pair_terms(words)] == ["软件 研发"]


def test_character_terms_count():
    run = string.ascii_lowercase[:6]
    assert len(list(character_terms(run, 1, 4))) == 6 + 5 + 4 + 3


def test_jieba_leaves_nothing_in_the_shared_temp_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    load_dictionary.cache_clear()
    Segmenter(load_dictionary(("工业云",))).words("工业互联网平台")
    assert list(tmp_path.iterdir()) == []


def test_cache_that_others_may_write_is_not_used(tmp_path, monkeypatch):
    from classifier.text import cache_folder

    tmp_path.chmod(0o777)
    monkeypatch.setenv("GONGLIAN_CACHE", str(tmp_path))
    assert cache_folder() is None


def test_damaged_cache_is_built_again(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGLIAN_CACHE", str(tmp_path))
    load_dictionary.cache_clear()
    expected = load_dictionary(("工业云",))
    (cache,) = tmp_path.glob("dictionary-*.json")
    cache.write_text("{broken", encoding="utf-8")
    load_dictionary.cache_clear()
    assert load_dictionary(("工业云",)).digest == expected.digest
    load_dictionary.cache_clear()


def test_traditional_characters_are_kept_and_found_again(tmp_path, monkeypatch):
    monkeypatch.setenv("GONGLIAN_CACHE", str(tmp_path))
    found = traditional_characters.__wrapped__()
    [kept] = tmp_path.iterdir()
    assert {*"機發與"} <= found and found.isdisjoint("机发与")
    assert traditional_characters.__wrapped__() == found == frozenset(json.loads(kept.read_bytes()))
    kept.write_bytes(kept.read_bytes()[:100])
    assert traditional_characters.__wrapped__() == found, "a file that was cut off is made again"
    assert frozenset(json.loads(kept.read_bytes())) == found
