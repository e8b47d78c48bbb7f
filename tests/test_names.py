import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier.names import MAX_CHARACTERS, Match, NameIndex

COMPANIES = (
    ("1", "光年", "浙江光年科技有限公司"),
    ("2", "远山湖信息技术股份有限公司"),
    ("3", "杭州银行股份有限公司"),
    ("4", "青石（北京）网络科技有限公司"),
    ("5", "广东深海集团有限公司"),
    ("6", "Light Year"),
)
NOTHING = Match("", (), "none")
WORDS = ["光年", "远山", "北京", "浙江", "（北京）", "科技", "网络", "集团", "股份", "有限公司", "A", " "]
names = st.lists(st.sampled_from(WORDS), max_size=6).map("".join)


@pytest.mark.parametrize(
    ("name", "company_id", "rule"),
    [
        ("光年", "1", "exact"),
        (" 光年 ", "1", "exact"),
        ("浙江光年科技有限公司", "1", "exact"),
        ("Light Year", "6", "exact"),
        ("浙江省光年科技有限责任公司", "1", "normalized"),
        ("光年科技（浙江）有限公司", "1", "normalized"),
        ("浙江光年科技", "1", "normalized"),
        ("远山湖信息技术", "2", "normalized"),
        ("远山湖信息技术股份", "2", "normalized"),
        ("杭州银行", "3", "normalized"),
        ("杭州 银行", "3", "normalized"),
        ("青石(北京)网络科技有限公司", "4", "normalized"),
        ("广东深海集团", "5", "normalized"),
        ("光年科技", "1", "core"),
        ("青石网络科技", "4", "core"),
        ("深海集团", "5", "core"),
        ("深海", "5", "core"),
        ("远山湖", "2", "short"),
        ("青石网络", "4", "short"),
        ("北京青石", "4", "short"),
    ],
)
def test_rules_from_the_safest_on(name, company_id, rule):
    assert NameIndex(COMPANIES).match(name) == Match(company_id, (company_id,), rule)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "青石",  # two characters and generic words left out: too little
        "远山湖医疗",  # another trade
        "远山湖信息技术研究院",
        "远山",
        "深海股份",  # the company is a 集团
        "江苏光年科技",  # another region
        "光年科技有限公司",  # a full name without a region is another company's
        "银行",
        "上海银行",
        "科技",
        "年",
        "LightYear",  # letters match as they are or not at all
        "light year",
        "光" * (MAX_CHARACTERS + 1),
    ],
)
def test_what_may_be_another_company_matches_nothing(name):
    assert NameIndex(COMPANIES).match(name) == NOTHING


def test_trade_without_a_brand_is_no_name():
    index = NameIndex([("1", "四川路桥建设集团股份有限公司")])
    assert index.match("路桥建设") == NOTHING
    assert index.match("四川路桥建设集团").company_id == "1"


def test_two_companies_with_one_name_match_neither():
    index = NameIndex([*COMPANIES, ("7", "江苏光年科技有限公司"), ("8", "光年")])
    assert index.match("光年") == Match("", ("1", "8"), "ambiguous")
    assert index.match("光年科技") == Match("", ("1", "7"), "ambiguous")
    assert index.match("江苏光年科技").company_id == "7"


def test_companies_of_one_brand_are_not_told_apart_by_generic_words():
    index = NameIndex([("1", "江苏远山湖信息科技有限公司"), ("2", "湖北远山湖科技有限公司")])
    assert index.match("远山湖科技") == Match("", ("1", "2"), "ambiguous")
    assert index.match("湖北远山湖科技").company_id == "2"


def test_full_name_tells_companies_with_one_short_name_apart():
    index = NameIndex([("1", "光年", "浙江光年科技有限公司"), ("2", "光年", "江西光年软件有限公司")])
    assert index.match("光年", full_name="江西光年软件股份有限公司") == Match("2", ("2",), "normalized")
    assert index.match("光年", full_name="湖北光年医疗有限公司") == NOTHING


def test_full_name_finds_a_company_known_by_its_short_name_alone():
    index = NameIndex([("1", "光年"), ("2", "杭州银行")])
    assert index.match("光年", full_name="湖北光年医疗有限公司") == Match("1", ("1",), "exact")
    assert index.match("杭州银行股份有限公司") == Match("2", ("2",), "normalized")


def test_renamed_company_is_found_by_every_name_it_had():
    index = NameIndex([("1", "新光", "浙江新光股份有限公司"), ("1", "旧日软件", "杭州旧日软件有限公司", "")])
    assert {index.match(name).company_id for name in ("新光", "新光股份", "旧日软件", "杭州旧日软件")} == {"1"}


@given(st.lists(st.tuples(st.sampled_from("123"), st.text(), st.text())), st.text(), st.text())
def test_any_text_gives_a_match(rows, name, full_name):
    found = NameIndex(rows).match(name, full_name=full_name)
    assert (found.rule == "ambiguous") == (len(found.candidates) > 1)
    assert found.candidates == ((found.company_id,) if found.company_id else found.candidates)


@given(st.lists(st.tuples(st.sampled_from("123"), names, names), max_size=3), names)
def test_order_of_the_rows_does_not_matter(rows, name):
    assert len({NameIndex(order).match(name) for order in itertools.permutations(rows)}) == 1


@given(st.lists(st.tuples(st.sampled_from("123"), names, names), max_size=4), names)
def test_second_company_with_the_same_names_takes_every_match_away(rows, name):
    found = NameIndex(rows).match(name)
    doubled = NameIndex([*rows, *((company_id + "0", *held) for company_id, *held in rows)]).match(name)
    assert doubled.company_id == ""
    assert set(found.candidates) <= set(doubled.candidates)
    assert (found.rule == "none") == (doubled.rule == "none")
