"""What must not change a label, measured on the first texts of every label: at most 1 % may flip."""

import random
import re

import opencc
import pytest

FEWEST = 0.01
CITIES = "北京|上海|深圳|广州|杭州|苏州|成都|武汉|南京"


def clauses_turned(text):
    parts = [part for part in re.split(r"(?<=[。；])", text) if part]
    return "".join(parts[::-1])


def cities_exchanged(text):
    chosen = random.Random(len(text))
    return re.sub(CITIES, lambda _: chosen.choice(["天津", "青岛", "宁波", "合肥", "无锡", "长沙"]), text)


CHANGES = {
    "half-width punctuation": lambda t: t.replace("，", ",").replace("。", ".").replace("（", "(").replace("）", ")"),
    "full-width letters": lambda t: "".join(chr(ord(c) + 0xFEE0) if "!" <= c <= "~" else c for c in t),
    "traditional characters": opencc.OpenCC("s2t").convert,
    "order of sentences": clauses_turned,
    "names of cities": cities_exchanged,
    "seat of the company": lambda t: "公司位于成都市高新区。" + t,
    "boilerplate of scopes": lambda t: t + "（依法须经批准的项目，经相关部门批准后方可开展经营活动）",
    "html": lambda t: "<p>" + t.replace("，", "，<br/>") + "&nbsp;</p>",
    "company suffixes": lambda t: re.sub("股份有限公司|有限责任公司|有限公司", "", t),
    "control characters": lambda t: t.replace("，", "\x07，\u200b"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_says_nothing_of_the_business_changes_no_label(scorer, few_examples, change):
    texts = [example.text for example in few_examples]
    before = [label.domain for label in scorer.label(texts)]
    after = [label.domain for label in scorer.label([CHANGES[change](text) for text in texts])]
    flipped = sum(a != b for a, b in zip(before, after, strict=True))
    assert flipped <= FEWEST * len(texts)


@pytest.mark.parametrize(
    "text",
    [
        "连锁餐饮企业，主营川菜火锅和外卖",
        "火锅店，自营门店和加盟，提供火锅底料与食材配送",
        "社区烘焙门店，现做面包蛋糕",
    ],
)
def test_a_slogan_does_not_bring_a_restaurant_into_scope(scorer, text):
    found = scorer.label([text, text + "，打造工业互联网平台", text + "。公司打造工业互联网平台，助力智能制造。"])
    assert not [label for label in found if label.domain != "out_of_scope" and label.status == "accepted"]
    assert found[0].domain == found[1].domain == "out_of_scope"
