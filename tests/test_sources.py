import datetime

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.domains import load_scheme
from classifier.errors import InputError
from classifier.finance import read_rates
from classifier.sources import Directory, read_companies, read_events, read_grid, read_sources, understand_events
from tests.conftest import BAKERY, FIREWALL, ROBOT

SCHEME = load_scheme()
RATES = read_rates()
COMPANIES = """统一社会信用代码,名称,公司全称,地址,domain,status,标签
91,光年科技,浙江光年科技有限公司,杭州市西湖区文三路1号,smart_equipment,accepted,
92,远山,江西远山信息技术有限公司,,平台,review,
,安盾,,,,,安全
93,旧名,北京旧名网络有限公司,,out_of_scope,accepted,网络及标识
"""


@pytest.fixture
def write(tmp_path):
    def written(name, text):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8")
        return str(path)

    return written


def grid_of(path, kind):
    from classifier.sources import NEEDED, WANTED

    return read_grid(path, WANTED[kind], NEEDED[kind])


def read_all(write, **texts):
    paths = {kind: write(f"{kind}.csv", text) for kind, text in texts.items()}
    return read_sources(paths, SCHEME, RATES)


def test_companies_keep_code_names_region_and_labels(write):
    sources, problems = read_all(write, companies=COMPANIES)
    first, second, third, fourth = sources.companies.to_dict("records")
    assert (first["company_id"], first["province"], first["city"]) == ("91", "浙江", "杭州市")
    assert (second["domain"], second["status"], second["province"]) == ("platform", "review", "江西")
    assert (third["company_id"], third["label"]) == ("安盾", "security")
    assert fourth["label"] == "network_identifier", "the report's own spelling"
    assert problems == []


def test_a_company_given_twice_or_without_label_is_reported(write):
    text = (
        COMPANIES + "91,光年科技,,,security,accepted,\n94,无标,,,,,\n,,,,security,accepted,\n95,错,,,软件业,accepted,\n"
    )
    sources, problems = read_all(write, companies=text)
    assert len(sources.companies) == 4
    assert [(problem.row, problem.reason.split(";")[0]) for problem in problems] == [
        (8, "label '软件业' is not one of " + ", ".join(SCHEME.codes) + " or their Chinese names"),
        (5, "this company has come before"),
        (6, "has no label"),
        (7, "has neither a code nor a name"),
        (8, "has no label"),
    ]


def test_companies_without_labels_are_judged_by_their_descriptions(write, scorer):
    path = write("plain.csv", f"企业名称,简介\n甲,{ROBOT}\n乙,{BAKERY}\n丙,{FIREWALL}\n")
    frame = read_companies(grid_of(path, "companies"), SCHEME, scorer.label)
    assert frame["domain"].tolist() == ["smart_equipment", "out_of_scope", "security"]
    with pytest.raises(InputError, match="gonglian score"):
        read_companies(grid_of(path, "companies"), SCHEME)
    path = write("bare.csv", "企业名称,成立时间\n甲,2014\n")
    with pytest.raises(InputError, match="found 企业名称, 成立时间"):
        read_companies(grid_of(path, "companies"), SCHEME, scorer.label)


def test_events_find_their_company_and_are_read(write):
    events = """融资方,融资时间,轮次,金额,投资方
光年科技,2020-03-01,A轮,1000万美元,深创投 达晨
浙江光年科技有限公司,2020年7月,B+轮,数千万人民币,未披露机构
无名氏,2019-01-01,天使轮,未披露,
远山,0002-12-02,A轮,100万人民币,
安盾,2020-05-05,Z轮,很多钱,红杉资本
"""
    sources, problems = read_all(write, companies=COMPANIES, events=events)
    found = sources.events
    assert found["company_id"].tolist() == ["91", "91", "", "安盾"], "a row without a date belongs to no year"
    assert found["amount_wan"].iloc[0] == pytest.approx(6461.4), "at the report's rate"
    assert found["precision"].tolist() == ["day", "month", "day", "day"]
    assert found["group"].tolist() == ["early", "late", "early", "unknown"]
    assert found["published"].tolist() == [True, True, False, False]
    assert found["investors"].tolist() == [("深创投", "达晨"), (), (), ("红杉资本",)]
    assert [(problem.row, problem.column) for problem in problems] == [
        (4, "date"),
        (5, "round"),
        (5, "amount"),
        (3, "name"),
    ]
    assert "0002-12-02" in problems[0].reason and "2100" in problems[0].reason


def test_a_name_of_two_companies_is_reported_and_not_guessed(write):
    companies = (
        COMPANIES
        + "96,光年,江苏光年软件有限公司,,security,accepted,\n97,光年,广东光年材料有限公司,,security,accepted,\n"
    )
    sources, problems = read_all(write, companies=companies, events="融资方,融资时间,轮次\n光年,2020-01-01,A轮\n")
    assert sources.events["company_id"].tolist() == [""]
    assert "96" in problems[0].reason and "97" in problems[0].reason and "company_id" in problems[0].reason


def test_listings_take_units_markets_and_price_times_shares(write):
    listings = """证券代码,证券简称,上市日期,上市板块,融资方式,首发募集资金(亿元),发行价格,发行股数(万股)
91,光年科技,2020-07-22,上交所-科创板,,4.5,,
92,远山,2020-08-01,创业板,定增,,10.5,2000
93,旧名,2020-09-09,港交所,IPO,,,
77,别家,2020-09-10,主板,首发,1.0,,
91,光年科技,2020-09-11,月球,首发,1.0,,
91,光年科技,2020-09-12,主板,众筹,1.0,,
"""
    sources, problems = read_all(write, companies=COMPANIES, listings=listings)
    found = sources.listings
    assert found["market"].tolist() == ["A股", "A股", "港股", "A股"]
    assert found["channel"].tolist() == ["首发", "增发", "首发", "首发"]
    assert found["amount_wan"].iloc[:2].tolist() == [45_000, 21_000] and found["amount_wan"].isna().iloc[2]
    assert found["company_id"].tolist() == ["91", "92", "93", ""] and found["name"].iloc[3] == "别家"
    assert [(problem.row, problem.column) for problem in problems] == [(4, "name"), (5, "board"), (6, "channel")]


def test_market_values_indicators_and_valuations(write):
    sources, problems = read_all(
        write,
        companies=COMPANIES,
        listings="证券代码,上市日期,板块\n91,2020-07-22,科创板\n",
        market_values="证券代码,日期,总市值(亿元)\n91,2020-12-31,30\n91,2019年,x\n",
        indicators="证券代码,年份,研发人数,发明专利,研发支出(万元)\n91,2020,120,7,\n",
        valuations="企业名称,上榜时间,地区,最新一轮融资日期,最新一轮融资轮次,最新估值(亿美元)\n远山,2019-08-21,江西,2020-08-31,C+轮,18.46\n",
    )
    value = sources.market_values.iloc[0]
    assert (value.board, value.year, value.market_value_wan) == ("科创板", 2020, 300_000)
    assert sources.indicators.set_index("indicator")["value"].to_dict() == {"研发人数": 120, "发明专利": 7}
    assert sources.indicators["board"].unique().tolist() == ["科创板"]
    valuation = sources.valuations.iloc[0]
    assert (valuation.company_id, valuation["round"], valuation.region) == ("92", "C+轮", "江西")
    assert valuation.valuation_usd == pytest.approx(18.46)
    assert [(problem.row, problem.column) for problem in problems] == [(2, "market_value")]


def test_a_missing_column_is_named_with_those_found(write):
    path = write("events.csv", "融资方,轮次\n甲,A轮\n")
    with pytest.raises(InputError, match="no column for date; found 融资方, 轮次"):
        grid_of(path, "events")


def test_dates_and_numbers_of_a_workbook_are_read_as_they_are(write, tmp_path):
    book = openpyxl.Workbook()
    for row in (
        ["融资方", "融资时间", "轮次", "金额(万元)"],
        ["光年科技", datetime.datetime(2020, 3, 1), "A轮\t", 1200.5],
    ):
        book.active.append(row)
    book.save(tmp_path / "events.xlsx")
    companies = read_companies(grid_of(write("companies.csv", COMPANIES), "companies"), SCHEME)
    grid = grid_of(str(tmp_path / "events.xlsx"), "events")
    event = read_events(grid, Directory(companies), RATES).iloc[0]
    assert (event["date"].date(), event["round"], event.amount_wan) == (datetime.date(2020, 3, 1), "A轮", 1200.5)


cell = st.text(st.characters(codec="utf-8", exclude_characters='\x00\r\n"'), max_size=12)


@settings(max_examples=40)
@given(st.lists(st.tuples(cell, cell, cell, cell), min_size=1, max_size=8))
def test_every_event_is_read_or_reported(tmp_path_factory, rows):
    path = tmp_path_factory.mktemp("events") / "events.csv"
    lines = ["融资方,融资时间,轮次,金额", *(",".join(f'"{one}"' for one in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    grid = grid_of(str(path), "events")
    found = understand_events(grid, RATES)
    refused = {(problem.row, problem.column) for problem in grid.problems}
    assert len(found) == grid.rows
    assert {row for row, column in refused if column == "date"} == set(found.index[found["date"].isna()] + 1)
    assert {row for row, column in refused if column == "round"} == set(found.index[found["round"] == ""] + 1)
    assert all(problem.reason for problem in grid.problems)
