import io
import re
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import font_manager
from matplotlib.colors import to_rgb
from PIL import Image

from classifier import charts
from classifier.charts import FontError, draw_figures, find_font, missing_font_hint, number_text
from classifier.domains import load_scheme
from classifier.study import FIGURE_COLUMNS, TOP_FIVE, TOTAL, Table

YEARS = (2019, 2020)
DOMAINS = tuple(domain.code for domain in load_scheme().domains if domain.in_scope)
NAMES = {domain.code: domain.name for domain in load_scheme().domains}
PROVINCES = (
    "北京",
    "广东",
    "上海",
    "江苏",
    "浙江",
    "山东",
    "四川",
    "湖北",
    "福建",
    "陕西",
    "安徽",
    "湖南",
    "辽宁",
    "天津",
    "河南",
    "重庆",
    "内蒙古",
)


def row(place, measure, unit, value, *, plain=None, low=None, high=None, n=None):
    """One figure: by default its interval is 6 % to either side, and the plain count 4 % above."""
    bounds = (0.94 * value if low is None else low, 1.06 * value if high is None else high)
    counted = 1.04 * value if plain is None else plain
    return (
        *place,
        measure,
        unit,
        round(np.nan_to_num(abs(counted))) if n is None else n,
        counted,
        value,
        *sorted(bounds),
    )


def table(id, name, dimensions, rows, *, title="题目", printed_as="图", notes=("一条说明。",)):
    data = pd.DataFrame(rows, columns=[*dimensions, *FIGURE_COLUMNS])
    return Table(id, name, title, printed_as, data, tuple(notes))


def missing(id, name, dimensions, *inputs):
    return Table(id, name, "题目", "图", pd.DataFrame(columns=list(FIGURE_COLUMNS)), (), inputs)


def change(year, place, measure, unit, value, margin):
    return row((year, *place), measure, unit, value, plain=value, low=value - margin, high=value + margin, n=100)


def market_value():
    rows = []
    for year, companies, value in ((2019, 121, 3.1e8), (2020, 160, 4.3e8)):
        rows += [
            row((year,), "companies", "companies", companies),
            row((year,), "market_value_wan", "wan_rmb", value, n=companies),
        ]
    rows += [
        change(2020, (), "growth", "ratio", 0.3846, 0.05),
        change(2020, (), "growth_without_new", "ratio", 0.2855, 0.05),
    ]
    return table("L1", "market_value", ["year"], rows, title="上市企业总市值", printed_as="图2-1")


def channels():
    rows = []
    for channel, companies, amount in (
        ("首发", 39, 2.909e6),
        ("增发", 8, 1.227e6),
        ("再融资", 18, 2.315e6),
        (TOTAL, 57, 5.2e6),
    ):
        rows += [
            row((channel,), "companies", "companies", companies),
            row((channel,), "amount_wan", "wan_rmb", amount, n=companies),
        ]
    return table("L2", "financing_channels", ["channel"], rows, printed_as="正文2.1")


def overseas():
    places = [
        ("000001", "金山云", "2020-05-08", "中概股", "纳斯达克"),
        ("2", "<script>alert(1)</script>", "2020-11-02", "港股", "港交所"),
    ]
    rows = []
    for place, amount in zip(places, (329531.4, 1240408.03), strict=True):
        rows += [
            row(place, "amount_wan", "wan_rmb", amount, plain=amount, low=amount, high=amount, n=1),
            row(place, "in_scope", "share", 0.93, plain=1.0, low=0.93, high=0.93, n=1),
        ]
    return table("L3", "overseas_listings", ["company_id", "name", "date", "market", "board"], rows, printed_as="表2-1")


def boards():
    rows = []
    found = (
        *(
            ("A股", "科创板", 26, 2.234e6),
            ("A股", "创业板", 11, 5.77e5),
            ("A股", "中小板", 2, 9.8e4),
            ("A股", TOTAL, 39, 2.909e6),
        ),
        *(("港股", "港交所", 2, 1.251e6), ("中概股", "纳斯达克", 2, 6.78e5), (TOTAL, TOTAL, 43, 4.8e6)),
    )
    for market, board, companies, amount in found:
        place = (market, board)
        rows += [
            row(place, "companies", "companies", companies),
            row(place, "amount_wan", "wan_rmb", amount, n=companies),
            row(place, "share", "share", companies / 43, n=43),
            row(place, "amount_share", "share", amount / 4.8e6, n=43),
            row(
                place,
                "all_companies",
                "companies",
                4 * companies,
                plain=4 * companies,
                low=4 * companies,
                high=4 * companies,
            ),
            row(place, "all_share", "share", companies / 43, n=172),
        ]
    return table("L4", "boards", ["market", "board"], rows, title="新上市企业", printed_as="表2-2")


def gainers():
    place = ("688002", "睿创微纳", "科创板", "network_identifier")
    rows = [
        row(place, "growth", "ratio", 1.91, plain=1.91, low=1.91, high=1.91, n=1),
        row(place, "in_scope", "share", 0.97, plain=1.0, low=0.97, high=0.97, n=1),
    ]
    return table("L5", "gainers", ["company_id", "name", "board", "domain"], rows, printed_as="表2-3")


def research():
    rows = []
    for group, factor in (("工业互联网企业（科创板）", 1.0), ("科创板整体", 0.9)):
        for indicator, unit, value in (
            ("研发人数", "persons", 273.58),
            ("研发支出（万元）", "wan_rmb", 4323.51),
            ("研发支出占营收比（%）", "percent", 16.84),
        ):
            rows.append(row((indicator, group), "mean", unit, factor * value, n=38))
    return table("L6", "research", ["indicator", "group"], rows, printed_as="表2-4")


def patents():
    rows = []
    for kind, ours, board in (("发明专利", 1825, 15999), ("国际专利", 15, 3389), (TOTAL, 1840, 19388)):
        rows += [
            row((kind,), "in_scope", "patents", ours, n=40),
            row((kind,), "board", "patents", board, plain=board, low=board, high=board, n=200),
            row((kind,), "share", "share", ours / board, n=40),
            row((kind,), "mix_in_scope", "share", ours / 1840, n=40),
            row((kind,), "mix_board", "share", board / 19388, n=200),
        ]
    return table("L7", "patents", ["kind"], rows, printed_as="表2-5、表2-6")


def listed(id, name, dimension, values, counts):
    rows = []
    for value, companies in zip(values, counts, strict=True):
        new = companies / 4
        rows += [
            row((value,), "new_companies", "companies", new),
            row((value,), "new_share", "share", new / 39, n=39),
            row((value,), "companies", "companies", companies),
            row((value,), "share", "share", companies / 160, n=160),
        ]
    return table(id, name, [dimension], rows, printed_as="图2-2")


def listed_provinces():
    counts = (36, 42, 14, 17, 13, 8, 5, 4, 4, 3, 3, 2, 2, 2, 1, 1, 0)
    return listed("L8", "listed_provinces", "province", (*PROVINCES, "未知", TOP_FIVE, TOTAL), (*counts, 2, 122, 160))


def listed_domains():
    return listed("L9", "listed_domains", "domain", (*DOMAINS, TOTAL), (30, 28, 33, 3, 12, 10, 44, 160))


def months(growth=0.085, margin=0.05):
    rows = []
    series = {
        2019: (30, 28, 41, 33, 40, 35, 29, 38, 36, 31, 42, 34),
        2020: (20, 12, 30, 38, 45, 49, 40, 41, 44, 38, 48, 47),
    }
    for year, events in series.items():
        halves = {"H1": sum(events[:6]), "H2": sum(events[6:]), "全年": sum(events)}
        for period, count in {**{f"{m + 1:02}": e for m, e in enumerate(events)}, **halves}.items():
            rows += [
                row((year, period), "companies", "companies", 0.94 * count),
                row((year, period), "events", "events", count),
                row((year, period), "published_events", "events", 0.7 * count),
                row((year, period), "amount_wan", "wan_rmb", 10_560 * count, n=round(0.7 * count)),
            ]
    rows += [
        change(2020, ("全年",), "companies_growth", "ratio", 0.05, 0.06),
        change(2020, ("全年",), "events_growth", "ratio", growth, margin),
        change(2020, ("全年",), "amount_growth", "ratio", 0.02, 0.1),
    ]
    return table("U1", "months", ["year", "period"], rows, title="融资事件：按月", printed_as="图3-1")


def round_groups():
    rows = []
    groups = ("A+轮及以前", "B轮及以后", "战略投资", "其他", "未披露", TOTAL, "其中:种子轮和天使轮")
    for year, counts in zip(YEARS, ((230, 152, 76, 2, 9, 469, 60), (222, 141, 83, 1, 5, 452, 49)), strict=True):
        for group, count in zip(groups, counts, strict=True):
            rows += [
                row((year, group), "events", "events", count),
                row((year, group), "share", "share", count / counts[5], n=counts[5]),
                row((year, group), "amount_wan", "wan_rmb", 10_000 * count, n=count),
            ]
    rows += [
        change(2020, ("A+轮及以前",), "events_growth", "ratio", -0.035, 0.04),
        change(2020, ("B轮及以后",), "events_growth", "ratio", -0.072, 0.05),
        change(2020, ("战略投资",), "events_growth", "ratio", 0.092, 0.05),
        change(2020, ("战略投资",), "events_change", "events", 7, 4),
    ]
    return table("U2", "round_groups", ["year", "group"], rows, printed_as="图3-2")


def investors():
    rows = [row(("深创投", "有方科技 金现代 奇安信"), "listed_companies", "companies", 2.8, plain=3, low=2, high=3)]
    return table("U3", "investors", ["investor", "names"], rows, printed_as="表3-1")


def provinces():
    rows = []
    counts = (150, 90, 80, 45, 33, 9, 8, 7, 5, 5, 4, 4, 3, 3, 2, 2, 0)
    for year, factor in zip(YEARS, (1.1, 1.0), strict=True):
        for province, count in zip((*PROVINCES, TOP_FIVE, TOTAL), (*counts, sum(counts[:5]), sum(counts)), strict=True):
            rows += [
                row((year, province), "events", "events", factor * count),
                row((year, province), "share", "share", count / sum(counts), n=452),
            ]
    rows += [
        change(2020, ("上海",), "events_growth", "ratio", 0.31, 0.1),
        change(2020, ("北京",), "events_growth", "ratio", -0.05, 0.1),
        change(2020, ("内蒙古",), "events_growth", "ratio", np.nan, np.nan),
    ]
    return table("U4", "provinces", ["year", "province"], rows, printed_as="图3-3")


def province_domains():
    rows, random = [], np.random.default_rng(5)
    sizes = (150, 90, 80, 45, 33, 9, 8, 7, 5, 5, 4, 4, 3, 3, 2, 2, 1)
    shares = np.array([0.12, 0.08, 0.08, 0.16, 0.13, 0.05, 0.38])
    for year in YEARS:
        counts = np.array([random.multinomial(size, shares) for size in sizes])
        quotients = counts / counts.sum(axis=1, keepdims=True) / (counts.sum(axis=0) / counts.sum())
        for province, events, own in zip(PROVINCES, counts, quotients, strict=True):
            for domain, count, quotient in zip((*DOMAINS, TOTAL), (*events, events.sum()), (*own, 1.0), strict=True):
                place, sure = (year, province, domain), 0.97 if quotient > 1.3 and count > 4 else 0.5
                rows += [
                    row(place, "events", "events", count),
                    row(place, "share", "share", count / events.sum(), n=events.sum()),
                    row(place, "location_quotient", "ratio", quotient, n=events.sum()),
                    row(place, "chance_above_one", "share", sure, plain=float(quotient > 1), low=sure, high=sure, n=1),
                ]
    return table("U5", "province_domains", ["year", "province", "domain"], rows, printed_as="图3-4")


def domains():
    rows = []
    for year, counts in zip(YEARS, ((50, 44, 24, 80, 66, 26, 140), (48, 36, 39, 62, 52, 20, 166)), strict=True):
        for domain, count in zip((*DOMAINS, TOTAL), (*counts, sum(counts)), strict=True):
            rows += [
                row((year, domain), "companies", "companies", count),
                row((year, domain), "share", "share", count / sum(counts), n=sum(counts)),
            ]
    for domain, points in zip(DOMAINS, (0.0, -0.017, 0.036, -0.04, -0.03, -0.013, 0.067), strict=True):
        rows += [
            change(2020, (domain,), "share_change", "points", points, 0.02),
            change(2020, (domain,), "companies_growth", "ratio", 6 * points, 0.2),
            change(2020, (domain,), "share_growth", "ratio", 6 * points, 0.2),
        ]
    return table("U6", "domains", ["year", "domain"], rows, title="融资企业：按领域", printed_as="图3-5")


def domain_amounts():
    rows = []
    for year, amounts in zip(YEARS, ((40, 35, 30, 130, 25, 20, 180), (52, 41, 24, 116, 27, 18, 200)), strict=True):
        for domain, amount in zip((*DOMAINS, TOTAL), (*amounts, sum(amounts)), strict=True):
            rows += [
                row((year, domain), "published_companies", "companies", amount / 3),
                row((year, domain), "amount_wan", "wan_rmb", 1e4 * amount, n=round(amount / 3)),
            ]
    return table("U7", "domain_amounts", ["year", "domain"], rows, printed_as="正文3.4")


def unicorns():
    place = ("91", "树根互联", "2020-12-17", "北京", "C轮", "2020-12-17")
    rows = [
        row(place, "valuation_usd", "usd_100m", 12.31, plain=12.31, low=12.31, high=12.31, n=1),
        row(place, "in_scope", "share", 0.99, plain=1.0, low=0.99, high=0.99, n=1),
    ]
    dimensions = ["company_id", "name", "first_listed", "region", "round", "round_date"]
    return table("U8", "unicorns", dimensions, rows, printed_as="表3-2")


def sample_tables():
    listed = [market_value(), channels(), overseas(), boards(), gainers(), research(), patents()]
    listed += [listed_provinces(), listed_domains()]
    unlisted = [months(), round_groups(), investors(), provinces(), province_domains(), domains(), domain_amounts()]
    return [*listed, *unlisted, unicorns()]


def draw(*tables, **options):
    return draw_figures(tables, NAMES, year=2020, against=2019, **options)


DEJAVU = Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf"
DRAWN = {"L1", "L4", "L8", "L9", "U1", "U2", "U4", "U5", "U6", "U7"}
PAGES = {"light": "#ffffff", "dark": "#14181d"}
LONG = {
    **NAMES,
    "platform": "面向离散制造与流程制造行业的工业互联网与工业大数据平台及其运营服务",
    "security": "Industrial cyber security and OT security",
}


@pytest.fixture
def no_fonts(monkeypatch):
    """A machine without a Chinese font."""
    monkeypatch.setattr(font_manager.fontManager, "ttflist", [])
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [])
    monkeypatch.setattr(charts, "PACKAGED", ())


@pytest.fixture(scope="module")
def figures():
    return {figure.id: figure for figure in draw(*sample_tables())}


def texts(svg):
    """Text, left end, right end and baseline of everything that is written in a drawing."""
    found = []
    for element in ElementTree.fromstring(svg).iter("{http://www.w3.org/2000/svg}text"):
        size = float(element.get("font-size").removesuffix("px"))
        wide = charts._pixels(element.text, size)
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
        assert left > -6 and right < charts.WIDTH + 6, text
    for (one, left, right, y), (other, start, end, line) in combinations(written, 2):
        assert abs(y - line) > 9 or right <= start + 3 or end <= left + 3, (one, other)


# the svg


@pytest.mark.parametrize("id", sorted(DRAWN))
def test_svg_leaves_ink_and_font_to_the_page_and_brings_no_style(figures, id):
    svg = figures[id].svg
    root = ElementTree.fromstring(svg)
    assert charts.INK not in svg and "currentColor" in svg
    assert "style" not in svg and root.get("role") == "img"
    assert {element.tag for element in root.iter()}.isdisjoint({"style", "metadata", "script", "image"})
    assert all(element.get("fill") == "currentColor" for element in root.iter("{http://www.w3.org/2000/svg}text"))
    assert not re.search(r"https?://", svg.replace('xmlns="http://www.w3.org/2000/svg"', ""))


def test_names_inside_svgs_do_not_meet_on_one_page(figures):
    names = [name for figure in figures.values() for name in re.findall(r'\bid="([^"]+)"', figure.svg)]
    assert len(names) == len(set(names))
    for figure in figures.values():
        used = set(re.findall(r"#([\w-]+)\)", figure.svg)) | set(re.findall(r'href="#([^"]+)"', figure.svg))
        assert used <= set(names)


def test_svg_escapes_what_comes_from_data():
    rows = [row((2020, province), "events", "events", 3) for province in ("<b>&x", "$a_1$", "广\x00东")]
    [figure] = draw(table("U4", "provinces", ["year", "province"], rows))
    assert "<b>" not in figure.svg and {"<b>&x", "$a_1$", "广 东"} <= {text for text, *_ in texts(figure.svg)}


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


@given(
    st.floats(-1e300, 1e300) | st.just(np.nan) | st.just(np.inf),
    st.sampled_from([*charts._UNITS, "years"]),
    st.booleans(),
)
def test_any_number_has_a_text(value, unit, signed):
    text = number_text(value, unit, signed=signed)
    assert re.fullmatch(r"—|[+-]?[\d,]+(\.\d+)?%?", text)
    assert not re.fullmatch(r"[+-][0,.]+%?", text)


# fonts


def test_given_font_draws_pictures(tmp_path):
    letters = {letter for table in sample_tables() for letter in str(table.data.to_numpy().tolist())} | set(HANZI)
    font = charts._stand_in_font(letters, tmp_path / "given.ttf")
    [figure] = draw(market_value(), font=str(font))
    picture = Image.open(io.BytesIO(figure.png))
    assert picture.width == int((charts.WIDTH + 2 * charts.MARGIN) / 72 * charts.PNG_DPI)
    assert picture.getpixel((2, 2))[:3] == (255, 255, 255)


HANZI = "上市企业总市值（亿元）末其中原有年区间模型直接计数95%0123456789,.—"


def test_missing_character_is_an_error_that_names_it():
    with pytest.raises(FontError, match=r"DejaVuSans.ttf: .*'年' \(U\+5E74\).* table U1"):
        draw(months(), font=DEJAVU)


@pytest.mark.parametrize("content", [None, b"no font"])
def test_file_that_is_no_font_is_an_error(tmp_path, content):
    path = tmp_path / "a.ttf"
    if content:
        path.write_bytes(content)
    with pytest.raises(FontError, match=r"a\.ttf: not a font"):
        find_font(path)


def test_without_a_font_there_is_an_svg_and_no_picture(no_fonts):
    assert find_font() is None
    [figure] = draw(months())
    assert figure.png is None
    assert_legible(figure.svg)
    assert "Noto Sans CJK SC" in figure.svg and "stand-in" not in figure.svg
    for word in ("fonts-noto-cjk", "dnf install", "brew", "Windows", "--font FILE"):
        assert word in missing_font_hint()


def test_font_installed_after_matplotlib_made_its_list_is_found(no_fonts, monkeypatch, tmp_path):
    font = tmp_path / "new.ttf"
    charts._stand_in_font("工业互联网", font, family="Noto Sans SC")
    monkeypatch.setattr(font_manager, "findSystemFonts", lambda *_, **__: [str(DEJAVU), str(font)])
    assert find_font() == str(font)


def test_found_font_has_chinese_shapes(figures):
    if find_font() is None:
        pytest.skip("no Chinese font on this machine")
    assert figures["U1"].png.startswith(b"\x89PNG")
    ink = np.asarray(Image.open(io.BytesIO(figures["U1"].png)).convert("L"))
    assert (ink < 100).mean() > 0.004  # letters and lines, not a blank picture


# colours

# Machado, Oliveira, Fernandes, "A physiologically-based model for simulation of color vision deficiency" (2009)
BLINDNESS = {
    "none": np.eye(3),
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def linear(colour):
    channels = np.array(to_rgb(colour))
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour):
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def contrast(one, other):
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def lab(rgb):
    xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]) @ rgb
    f = np.cbrt(np.clip(xyz / [0.9505, 1.0, 1.089], 0, None))
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("blindness", BLINDNESS)
@pytest.mark.parametrize("pair", [(charts.STRONG, charts.MUTED), (charts.STRONG, charts.WARM)])
def test_colours_stay_apart_for_the_colour_blind(pair, blindness):
    one, other = (lab(np.clip(np.array(BLINDNESS[blindness]) @ linear(colour), 0, 1)) for colour in pair)
    assert np.linalg.norm(one - other) > 20  # CIE 1976; about 2 can just be seen


@pytest.mark.parametrize("page", PAGES.values(), ids=PAGES)
@pytest.mark.parametrize("colour", [charts.STRONG, charts.MUTED, charts.WARM])
def test_colours_stand_out_on_light_and_dark_pages(colour, page):
    assert contrast(colour, page) >= 3


def test_year_pair_differs_in_lightness_as_print_without_colour_does():
    assert contrast(charts.STRONG, charts.MUTED) > 1.5
