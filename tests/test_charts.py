from itertools import combinations
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pytest

from classifier.canvas import WIDTH, pixels
from classifier.charts import draw_figures
from tests.samples import (
    DOMAINS,
    NAMES,
    YEARS,
    draw,
    missing,
    months,
    province_domains,
    row,
    sample_tables,
    table,
)

DRAWN = {"L1", "L4", "L8", "L9", "U1", "U2", "U4", "U5", "U6", "U7"}
LONG = {
    **NAMES,
    "platform": "面向离散制造与流程制造行业的工业互联网与工业大数据平台及其运营服务",
    "security": "Industrial cyber security and OT security",
}


@pytest.fixture(scope="module")
def figures():
    return {figure.id: figure for figure in draw(*sample_tables())}


def texts(svg):
    """Text, left end, right end and baseline of everything that is written in a drawing."""
    found = []
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        size = float(element.get("font-size").removesuffix("px"))
        wide = pixels(element.text, size)
        left = float(element.get("x")) - {"start": 0, "middle": 0.5, "end": 1}[element.get("text-anchor")] * wide
        found.append((element.text, left, left + wide, float(element.get("y"))))
    return found


def extreme_tables():
    huge, many, close = [], [], []
    for year, amounts in ((2019, (0, 12, 3, 0.001, np.nan, 4, 1)), (2020, (0, 98_765_432.1, 3, 0, np.nan, 1, 50))):
        for domain, amount in zip(DOMAINS, amounts, strict=True):
            huge.append(row((year, domain), "amount_wan", "wan_rmb", 1e4 * amount, low=1e3 * amount, high=3e4 * amount))
            huge.append(row((year, domain), "published_companies", "companies", amount))
    for place, province in enumerate("京津冀蒙辽吉黑沪苏浙皖闽赣鲁豫鄂湘粤桂琼渝川贵云藏陕甘青宁新港澳台"):
        for domain in DOMAINS:
            many.append(row((2020, province, domain), "events", "events", 1234.0 * (place % 5)))
            many.append(row((2020, province, domain), "location_quotient", "ratio", 0.0 if place % 2 else 9.9))
    for year in YEARS:
        for month in range(1, 13):
            value = np.nan if month in (4, 5) else 98_765 + 0.001 * year
            close.append(row((year, f"{month:02}"), "events", "events", value, low=-4, high=3e5))
    return [
        table("U7", "domain_amounts", ["year", "domain"], huge),
        table("U5", "province_domains", ["year", "province", "domain"], many),
        table("U1", "months", ["year", "period"], close),
        table("U4", "provinces", ["year", "province"], [row((2020, "广东"), "events", "events", 1, low=0, high=3)]),
        table("U6", "domains", ["year", "domain"], [row((2020, "platform"), "share", "share", 0.0)]),
        table("L1", "market_value", ["year"], [row((2020,), "market_value_wan", "wan_rmb", 4.3e8)]),
    ]


# what is drawn


def test_every_table_of_the_reports_figures_is_drawn(figures):
    assert set(figures) == DRAWN
    for figure in figures.values():
        assert figure.title and figure.caption and len(figure.alt) > 20


@pytest.mark.parametrize("id", sorted(DRAWN))
def test_no_figure_without_rows(id):
    empty = table(id, "x", ["year"], [])
    assert draw(missing(id, "x", [], "events"), empty) == []


def test_figures_have_the_same_bytes_every_time(figures):
    assert draw(months(), province_domains()) == [figures["U1"], figures["U5"]]


def test_plain_figures_show_counts_without_intervals():
    [figure] = draw(months(), plain=True)
    assert "470起" in figure.title and "[" not in figure.alt
    assert "区间" not in figure.svg and "未校正" in figure.caption


def test_global_settings_stay_as_they_were():
    before = dict(matplotlib.rcParams)
    draw(months())
    assert dict(matplotlib.rcParams) == before


@pytest.mark.parametrize("id", sorted(DRAWN))
def test_labels_neither_cross_the_edge_nor_each_other(figures, id):
    assert_legible(figures[id].svg)


@pytest.mark.parametrize("extreme", extreme_tables(), ids=lambda extreme: extreme.id)
def test_labels_of_extreme_data_neither_cross_the_edge_nor_each_other(extreme):
    [figure] = draw_figures([extreme], LONG, year=2020, against=2019)
    assert_legible(figure.svg)


def assert_legible(svg):
    written = texts(svg)
    for text, left, right, _ in written:
        assert left > -6 and right < WIDTH + 6, text
    for (one, left, right, y), (other, start, end, line) in combinations(written, 2):
        assert abs(y - line) > 9 or right <= start + 3 or end <= left + 3, (one, other)


def test_without_a_font_there_is_an_svg_and_no_picture(no_fonts):
    [figure] = draw(months())
    assert figure.png is None
    assert_legible(figure.svg)
    assert "Noto Sans CJK SC" in figure.svg and "stand-in" not in figure.svg


# what titles say


@pytest.mark.parametrize(
    ("growth", "margin", "said"),
    [
        (0.085, 0.05, "2020年融资事件452起，同比增长8.5%"),
        (-0.085, 0.05, "2020年融资事件452起，同比下降8.5%"),
        (0.085, 0.1, "2020年融资事件452起，与上年无显著差异"),
        (0.0, np.nan, "2020年融资事件452起，与上年持平"),
        (np.nan, np.nan, "2020年融资事件452起；"),
    ],
)
def test_title_claims_a_change_only_where_the_interval_excludes_none(growth, margin, said):
    [figure] = draw(months(growth, margin))
    assert figure.title.startswith(said)
    assert "下半年占57.1%" in figure.title


def test_title_names_the_year_that_is_not_the_one_before():
    [figure] = draw_figures([months()], NAMES, year=2020, against=2018)
    assert "比2018年增长8.5%" in figure.title


def test_title_of_shares_names_the_domains_that_moved_beyond_doubt(figures):
    title = figures["U6"].title
    assert title.startswith("2020年相关服务（39.2%）最多")
    assert "占比上升的是相关服务（+6.7个百分点）、网络与标识（+3.6个百分点）" in title
    assert "下降的是平台（-4.0个百分点）、工业软件及APP（-3.0个百分点）" in title
    assert "安全" not in title  # -1.3, give or take 2


def test_no_leader_where_intervals_meet():
    rows = [
        row((2020, "services"), "share", "share", 0.4, low=0.35, high=0.45, n=99),
        row((2020, "platform"), "share", "share", 0.36, low=0.30, high=0.42, n=99),
    ]
    [figure] = draw(table("U6", "domains", ["year", "domain"], rows))
    assert figure.title == "2020年相关服务（40.0%）与平台（36.0%）居前，区间重叠"


def test_title_warns_where_next_to_nothing_was_counted():
    [figure] = draw(table("U4", "provinces", ["year", "province"], [row((2020, "广东"), "events", "events", 3)]))
    assert figure.title.endswith("（样本很少：n最多为3，不宜下结论）")


def test_title_is_the_tables_where_all_figures_are_nothing():
    rows = [row((2020, "platform"), "share", "share", 0.0, n=99)]
    [figure] = draw(table("U6", "domains", ["year", "domain"], rows))
    assert figure.title == "题目"


def test_growth_from_nearly_nothing_has_no_interval_that_could_be_drawn():
    rows = [row((2020, "平台"), "share", "share", 0.3, low=0.1, high=np.inf)]
    [figure] = draw(table("U6", "domains", ["year", "domain"], rows))
    assert "[" not in figure.alt


def test_titles_of_the_other_figures(figures):
    assert figures["L1"].title.startswith("2020年末总市值43,000.0亿元（160家），同比增长38.5%")
    assert "不计当年新上市的企业，同比增长28.5%" in figures["L1"].title
    assert "科创板（26家）最多" in figures["L4"].title
    assert figures["L8"].title.startswith("上市企业160家，前五省份占76.2%；广东（42家）最多")
    assert "战略投资（+9.2%）" in figures["U2"].title and "B轮及以后（-7.2%）" in figures["U2"].title
    assert "北京、广东、上海、江苏、浙江占2020年融资事件的88.4%" in figures["U4"].title
    assert "江苏的工业软件及APP（1.90）" in figures["U5"].title
    assert figures["U7"].title == "2020年披露金额合计478.0亿元；相关服务（200.0亿元）最多"


def test_alternative_text_has_the_numbers_with_their_intervals(figures):
    assert "相关服务 39.2%[36.9%–41.6%]" in figures["U6"].alt
    assert "北京：工业智能设备 16" in figures["U5"].alt
