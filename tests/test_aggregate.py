"""A small ledger whose every table was computed by hand, and rules that hold for any ledger."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.aggregate import build_tables
from classifier.correction import Confusion, Stratum
from classifier.domains import load_scheme
from classifier.errors import InputError
from classifier.study import FIGURE_COLUMNS, Comparison, Sources

SCHEME = load_scheme()
NOTHING = float("nan")
PROVINCES = ("北京", "上海", "江苏", "广东", "西藏")
COMPARISON = Comparison(2020, 2019, provinces=PROVINCES, draws=40)
# held-out texts: nine of ten predictions right, one in truth out of scope; out of scope always right
CONFUSION = Confusion(
    SCHEME.codes,
    {
        Stratum(population, code, "accepted"): {
            1.0: 900.0 * np.eye(8)[SCHEME.codes.index(code)] + 100.0 * np.eye(8)[SCHEME.codes.index("out_of_scope")]
        }
        for population in ("listed", "unlisted")
        for code in SCHEME.codes
    },
)


def frame(columns, *rows):
    return pd.DataFrame(list(rows), columns=columns.split())


def events(*rows):
    """Rows of company, date, precision, round, group, amount (None or point or low, point, high), investors."""
    found = []
    for company, date, precision, code, group, amount, investors in rows:
        low, point, high = amount if isinstance(amount, tuple) else (amount,) * 3
        values = [NOTHING if one is None else float(one) for one in (low, point, high)]
        day = pd.Timestamp(date)
        found.append((company, day, precision, code, group, *values, amount is not None, tuple(investors.split())))
    columns = "company_id date precision round group amount_low_wan amount_wan amount_high_wan published investors"
    return frame(columns, *found).astype({"date": "datetime64[s]", "published": bool})


def listings(*rows):
    found = frame("company_id name date channel market board amount_wan", *rows)
    return found.assign(date=pd.to_datetime(found["date"]))


@pytest.fixture
def ledger():
    """Eight companies labelled by people: nothing is uncertain, so plain and corrected figures are the same."""
    companies = frame(
        "company_id name province label",
        ("a", "安一", "北京", "security"),
        ("b", "自二", "广东", "automation_edge"),
        ("c", "平三", "广东", "platform"),
        ("d", "软四", "上海", "industrial_software"),
        ("e", "外五", "北京", "out_of_scope"),
        ("f", "备六", "江苏", "smart_equipment"),
        ("g", "服七", "北京", "services"),
        ("h", "网八", "", "network_identifier"),
    ).assign(domain="", status="")
    return Sources(
        companies,
        events=events(
            ("a", "2019-03-05", "day", "天使轮", "early", 500, ""),
            ("b", "2019-08-01", "day", "B轮", "late", None, "深创投"),
            ("c", "2019-12-31", "day", "战略投资", "strategic", 3000, ""),
            ("e", "2019-03-09", "day", "A轮", "early", 100, "红杉"),
            ("a", "2020-01-10", "day", "A轮", "early", 1000, ""),
            ("a", "2020-07-01", "day", "A+轮", "early", 2000, ""),
            ("b", "2020-02-02", "day", "C轮", "late", (8000, 10000, 12000), "深创投 达晨"),
            ("b", "2020-11-01", "day", "D轮", "late", 5000, ""),  # after its listing
            ("c", "2020-06-30", "day", "新三板", "other", None, ""),
            ("d", "2020-07-15", "day", "种子轮", "early", 100, ""),
            ("e", "2020-08-08", "day", "A轮", "early", 999, "红杉"),
            ("d", "2020-01-01", "year", "A轮", "early", None, ""),
            ("g", "2020-09-09", "day", "并购", "none", 7777, ""),
            ("h", "2020-05-01", "month", "未披露", "unknown", None, ""),
        ),
        listings=listings(
            ("b", "自二", "2020-10-01", "首发", "A股", "科创板", 50_000),
            ("", "谁九", "2020-02-02", "首发", "A股", "科创板", 30_000),
            ("e", "外五", "2020-03-03", "首发", "A股", "主板", 80_000),
            ("f", "备六", "2018-06-01", "首发", "A股", "创业板", 20_000),
            ("g", "服七", "2020-05-08", "首发", "中概股", "纳斯达克", 329_531.4),
            ("d", "软四", "2020-06-06", "增发", "A股", "科创板", 7_000),
            ("f", "备六", "2020-09-09", "增发", "A股", "创业板", 1_000),
            ("f", "备六", "2020-04-04", "可转债", "A股", "创业板", 9_000),
        ),
        market_values=frame(
            "company_id board year market_value_wan",
            ("b", "科创板", 2020, 300_000.0),
            ("f", "创业板", 2019, 100_000.0),
            ("f", "创业板", 2020, 250_000.0),
            ("e", "创业板", 2019, 500.0),
            ("e", "创业板", 2020, 5_000.0),
        ),
        indicators=frame(
            "company_id board year indicator value",
            ("b", "科创板", 2020, "研发人数", 100.0),
            ("", "科创板", 2020, "研发人数", 200.0),
            ("b", "科创板", 2020, "发明专利", 10.0),
            ("", "科创板", 2020, "发明专利", 30.0),
            ("b", "科创板", 2020, "国际专利", 5.0),
            ("b", "科创板", 2019, "发明专利", 999.0),
            ("f", "创业板", 2020, "发明专利", 999.0),
        ),
        valuations=frame(
            "company_id first_listed region round round_date valuation_usd",
            ("c", pd.Timestamp("2019-08-21"), "广东", "C轮", pd.NaT, 12.0),
            ("a", pd.NaT, "北京", "A轮", pd.NaT, 9.9),
            ("e", pd.NaT, "北京", "D轮", pd.NaT, 50.0),
        ),
    )


def tables_of(ledger, **changes):
    tables = build_tables(ledger, SCHEME, CONFUSION, replace(COMPARISON, **changes))
    return {table.id: table for table in tables}


def figures(table, **place):
    """Return the figures of one place by measure; where labels are certain all four columns must agree."""
    rows = table.data
    for column, value in place.items():
        rows = rows[rows[column] == value]
    np.testing.assert_allclose(rows[["value", "low", "high"]].T, [rows["plain"]] * 3)
    return {row.measure: pytest.approx(row.plain, nan_ok=True) for row in rows.itertuples()}


def test_there_are_seventeen_tables(ledger):
    tables = build_tables(ledger, SCHEME, CONFUSION, COMPARISON)
    assert [table.id for table in tables] == [f"L{i}" for i in range(1, 10)] + [f"U{i}" for i in range(1, 9)]
    assert all(tuple(table.data.columns[-7:]) == FIGURE_COLUMNS for table in tables)
    assert not any(table.missing for table in tables)


def test_market_value_grows_with_and_without_the_newly_listed(ledger):
    table = tables_of(ledger)["L1"]
    assert figures(table, year=2019) == {"companies": 1, "market_value_wan": 100_000}
    assert figures(table, year=2020) == {
        "companies": 2,
        "market_value_wan": 550_000,
        "growth": 4.5,
        "growth_without_new": 1.5,
    }


def test_a_company_with_two_channels_counts_once_in_the_total(ledger):
    table = tables_of(ledger)["L2"]
    assert figures(table, channel="首发") == {"companies": 1, "amount_wan": 50_000}
    assert figures(table, channel="增发") == {"companies": 2, "amount_wan": 8_000}
    assert figures(table, channel="配股") == {"companies": 0, "amount_wan": 0}
    assert figures(table, channel="可转债") == {"companies": 1, "amount_wan": 9_000}
    assert figures(table, channel="再融资") == {"companies": 2, "amount_wan": 17_000}
    assert figures(table, channel="合计") == {"companies": 3, "amount_wan": 67_000}


def test_listings_abroad_are_listed_one_by_one(ledger):
    table = tables_of(ledger)["L3"]
    assert figures(table, name="服七", date="2020-05-08", board="纳斯达克") == {"amount_wan": 329_531.4, "in_scope": 1}
    assert table.data["name"].unique() == ["服七"]


def test_boards_are_compared_with_all_their_listings(ledger):
    table = tables_of(ledger)["L4"]
    assert figures(table, market="A股", board="科创板") == {
        "companies": 1,
        "amount_wan": 50_000,
        "share": 1,
        "amount_share": 1,
        "all_companies": 2,
        "all_share": pytest.approx(2 / 3),
    }
    assert figures(table, market="A股", board="主板")["companies"] == 0
    assert figures(table, market="A股", board="合计")["all_companies"] == 3
    assert figures(table, market="合计", board="合计")["companies"] == 2
    assert figures(table, market="中概股", board="纳斯达克")["share"] == 1


def test_gainers_doubled_and_are_in_scope(ledger):
    table = tables_of(ledger, board="创业板")["L5"]
    assert figures(table, name="备六", domain="smart_equipment") == {"growth": 1.5, "in_scope": 1}
    assert set(table.data["name"]) == {"备六"}, "外五 rose tenfold, but is out of scope"


def test_research_is_a_mean_beside_that_of_the_whole_board(ledger):
    table = tables_of(ledger)["L6"]
    assert figures(table, indicator="研发人数", group="工业互联网企业（科创板）") == {"mean": 100}
    assert figures(table, indicator="研发人数", group="科创板整体") == {"mean": 150}
    assert figures(table, indicator="研发支出(万元)", group="科创板整体") == {
        "mean": pytest.approx(NOTHING, nan_ok=True)
    }


def test_patents_are_summed_by_kind(ledger):
    table = tables_of(ledger)["L7"]
    assert figures(table, kind="发明专利") == {
        "in_scope": 10,
        "board": 40,
        "share": 0.25,
        "mix_in_scope": pytest.approx(10 / 15),
        "mix_board": pytest.approx(40 / 45),
    }
    assert figures(table, kind="合计")["share"] == pytest.approx(15 / 45)


def test_listed_companies_by_province_and_domain(ledger):
    tables = tables_of(ledger)
    provinces, domains = tables["L8"], tables["L9"]
    assert figures(provinces, province="广东") == {"new_companies": 1, "new_share": 1, "companies": 1, "share": 0.5}
    assert figures(provinces, province="江苏") == {"new_companies": 0, "new_share": 0, "companies": 1, "share": 0.5}
    assert figures(provinces, province="前五合计")["share"] == 1
    assert figures(provinces, province="合计")["companies"] == 2
    assert figures(domains, domain="automation_edge") == {
        "new_companies": 1,
        "new_share": 1,
        "companies": 1,
        "share": 0.5,
    }
    assert figures(domains, domain="合计")["companies"] == 2


def test_events_by_month_half_and_year(ledger):
    table = tables_of(ledger)["U1"]
    assert figures(table, year=2020, period="全年") == {
        "companies": 5,
        "events": 7,
        "published_events": 4,
        "amount_wan": 13_100,
        "amount_low_wan": 11_100,
        "amount_high_wan": 15_100,
        "companies_growth": pytest.approx(2 / 3),
        "events_growth": pytest.approx(4 / 3),
        "amount_growth": pytest.approx(13_100 / 3_500 - 1),
    }
    first, second = figures(table, year=2020, period="H1"), figures(table, year=2020, period="H2")
    assert (first["companies"], first["events"], first["amount_wan"]) == (4, 4, 11_000)
    assert (second["companies"], second["events"], second["amount_wan"]) == (2, 2, 2_100)
    assert figures(table, year=2020, period="未知")["events"] == 1, "one event of 软四 has a year alone"
    assert figures(table, year=2020, period="05")["events"] == 1
    assert figures(table, year=2019, period="12")["amount_wan"] == 3_000
    assert any("2起发生在企业上市之后" in note for note in table.notes)


def test_events_by_round_group(ledger):
    table = tables_of(ledger)["U2"]
    early = figures(table, year=2020, group="A+轮及以前")
    assert (early["events"], early["share"], early["amount_wan"]) == (4, pytest.approx(4 / 7), 3_100)
    assert (early["events_change"], early["events_growth"]) == (3, 3)
    assert figures(table, year=2020, group="B轮及以后")["events"] == 1
    assert figures(table, year=2020, group="战略投资")["events_growth"] == -1
    assert figures(table, year=2020, group="其他")["events_growth"] == pytest.approx(NOTHING, nan_ok=True)
    assert figures(table, year=2020, group="未披露")["events"] == 1
    assert figures(table, year=2020, group="合计")["events"] == 7
    assert figures(table, year=2020, group="其中:种子轮和天使轮")["events"] == 1


def test_investors_are_ranked_by_their_companies_listed_in_the_year(ledger):
    table = tables_of(ledger)["U3"]
    assert figures(table, investor="深创投", names="自二") == {"listed_companies": 1}
    assert set(table.data["investor"]) == {"深创投", "达晨"}, "红杉's company is out of scope"


def test_events_by_province(ledger):
    table = tables_of(ledger)["U4"]
    beijing = figures(table, year=2020, province="北京")
    assert beijing == {"events": 2, "share": pytest.approx(2 / 7), "events_change": 1, "events_growth": 1}
    assert figures(table, year=2020, province="未知")["events"] == 1
    assert figures(table, year=2020, province="前五合计")["events"] == 6
    assert figures(table, year=2020, province="西藏")["events"] == 0
    assert "两年均无事件的省份：江苏、西藏。" in table.notes


def test_location_quotients(ledger):
    table = tables_of(ledger)["U5"]
    found = figures(table, year=2020, province="广东", domain="platform")
    assert (found["events"], found["share"]) == (1, 0.5)
    assert found["location_quotient"] == pytest.approx(0.5 / (1 / 7)) and found["chance_above_one"] == 1
    assert any("广东：工业自动化与边缘计算、平台" in note for note in table.notes)


def test_companies_by_domain(ledger):
    table = tables_of(ledger)["U6"]
    security = figures(table, year=2020, domain="security")
    assert security == {
        "companies": 1,
        "share": pytest.approx(1 / 5),
        "share_change": pytest.approx(1 / 5 - 1 / 3),
        "companies_growth": 0,
        "share_growth": pytest.approx(-0.4),
    }
    assert figures(table, year=2019, domain="合计")["companies"] == 3


def test_amounts_by_domain(ledger):
    table = tables_of(ledger)["U7"]
    found = figures(table, year=2020, domain="security")
    assert (found["published_companies"], found["amount_wan"]) == (1, 3_000)
    assert figures(table, year=2020, domain="合计")["amount_wan"] == 13_100


def test_unicorns_are_in_scope_and_large(ledger):
    table = tables_of(ledger)["U8"]
    assert figures(table, name="平三", first_listed="2019-08-21", round_date="") == {"valuation_usd": 12, "in_scope": 1}
    assert set(table.data["name"]) == {"平三"}


def test_a_table_without_its_input_says_what_is_missing(ledger):
    tables = tables_of(Sources(ledger.companies, events=ledger.events))
    assert tables["U3"].missing == ("listings",) and tables["U3"].data.empty
    assert tables["U1"].missing == ()
    assert figures(tables["U1"], year=2020, period="全年")["events"] == 8, "without listings no company has left"


def test_a_company_given_twice_is_refused(ledger):
    twice = pd.concat([ledger.companies, ledger.companies.head(1)])
    with pytest.raises(InputError, match="company 'a' stands twice"):
        tables_of(replace(ledger, companies=twice))


SNAPSHOT = Path(__file__).parent / "snapshots" / "tables.csv"


def snapshot(tables):
    """Return all figures of all tables as lines: table, place, measure, n and the figures to six digits."""
    lines = ["table,place,measure,unit,n,plain,value,low,high"]
    for table in tables.values():
        for row in table.data.itertuples(index=False):
            *place, measure, unit, n, plain, value, low, high = row
            figures = [f"{figure:.6g}" for figure in (plain, value, low, high)]
            lines.append(",".join([table.id, "/".join(map(str, place)), measure, unit, str(n), *figures]))
    return "\n".join(lines) + "\n"


def test_tables_are_those_of_the_snapshot(ledger):
    """After a change that is meant: delete the file, run this test twice, and read the difference."""
    found = snapshot(tables_of(predicted(ledger)))
    if not SNAPSHOT.exists():
        SNAPSHOT.parent.mkdir(exist_ok=True)
        SNAPSHOT.write_text(found, encoding="utf-8")
        pytest.fail(f"{SNAPSHOT} was missing and has been written; look at it and run again")
    assert found == SNAPSHOT.read_text(encoding="utf-8")


def predicted(ledger):
    """The same ledger with labels that the model gave."""
    companies = ledger.companies
    return replace(ledger, companies=companies.assign(domain=companies["label"], status="accepted", label=""))


def test_predictions_are_corrected_and_get_an_interval(ledger):
    table = tables_of(predicted(ledger), draws=400)["U6"]
    row = table.data.query("year == 2020 and domain == '合计' and measure == 'companies'").iloc[0]
    assert row.plain == 5 and row.value == pytest.approx(4.5, abs=0.01)
    assert row.low <= 4 and row.high == 5


def test_the_order_of_rows_does_not_matter(ledger):
    mixed = predicted(ledger)
    turned = Sources(**{name: held.iloc[::-1].reset_index(drop=True) for name, held in vars(mixed).items()})
    for left, right in zip(tables_of(mixed).values(), tables_of(turned).values(), strict=True):
        pd.testing.assert_frame_equal(left.data, right.data)


def test_an_event_more_changes_its_own_cells_alone(ledger):
    mixed = predicted(ledger)
    more = events(("d", "2020-03-03", "day", "B轮", "late", 400, ""))
    before = tables_of(mixed)["U1"].data
    after = tables_of(replace(mixed, events=pd.concat([mixed.events, more])))["U1"].data
    pd.testing.assert_frame_equal(before[["year", "period", "measure"]], after[["year", "period", "measure"]])
    same = np.isclose(before[["plain", "value"]], after[["plain", "value"]], equal_nan=True).all(axis=1)
    changed = after[~same & ~after["measure"].str.endswith("growth")]
    assert set(zip(changed["year"], changed["period"], strict=True)) == {(2020, "03"), (2020, "H1"), (2020, "全年")}
    whole = changed[changed["period"] == "全年"].set_index("measure")["plain"]
    assert (whole["events"], whole["amount_wan"]) == (8, 13_500) and "companies" not in whole.index


@settings(max_examples=10)
@given(
    st.lists(
        st.tuples(
            st.sampled_from("abcdefgh"),
            st.dates(pd.Timestamp("2019-01-01").date(), pd.Timestamp("2020-12-31").date()),
            st.sampled_from(["early", "late", "strategic", "other", "unknown", "none"]),
            st.one_of(st.none(), st.floats(1, 1e6)),
        ),
        max_size=30,
    )
)
def test_parts_sum_to_totals(rows):
    companies = frame("company_id name province domain status label", *(
        (letter, letter, province, code, "accepted", "")
        for letter, code, province in zip("abcdefgh", SCHEME.codes, (*PROVINCES, "", "北京", ""), strict=True)
    ))  # fmt: skip
    found = events(*((c, day, "day", "A轮", group, amount, "") for c, day, group, amount in rows))
    tables = tables_of(Sources(companies, events=found))
    assert_adds_up(tables["U1"].data, "period", ["H1", "H2"], "全年", ("events", "amount_wan"))
    assert_adds_up(
        tables["U2"].data,
        "group",
        ["A+轮及以前", "B轮及以后", "战略投资", "其他", "未披露"],
        "合计",
        ("events", "share"),
    )
    assert_adds_up(tables["U4"].data, "province", [*PROVINCES, "未知"], "合计", ("events",))
    assert_adds_up(
        tables["U6"].data, "domain", [c for c in SCHEME.codes if c != "out_of_scope"], "合计", ("companies",)
    )


def assert_adds_up(data, column, parts, whole, measures):
    for measure in measures:
        rows = data[data["measure"] == measure]
        summed = rows[rows[column].isin(parts)].groupby("year")[["plain", "value"]].sum(min_count=1)
        total = rows[rows[column] == whole].set_index("year")[["plain", "value"]]
        np.testing.assert_allclose(summed.fillna(0), total.fillna(0), rtol=1e-9, atol=1e-9)
