"""Tables as the aggregation makes them, with planted figures."""

import numpy as np
import pandas as pd

from classifier.charts import draw_figures
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
