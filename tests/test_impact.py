from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from classifier.aggregate import build_tables
from classifier.correction import Confusion, Stratum
from classifier.disputes import assign, load_case, open_case, review
from classifier.entries import Event, Listing, NewPrediction
from classifier.errors import LedgerError, SchemeError
from classifier.finance import read_rates
from classifier.impact import COLUMNS, before_decision, impact, to_text, with_label
from classifier.ledger import Ledger, read_ledger_sources
from classifier.sources import read_facts
from classifier.study import TOTAL, Comparison

YEAR = Comparison(2020, 2019, provinces=("山东", "浙江"))
MODEL = "AII-2020/planted"
VALUES = """证券简称,板块,年份,总市值(亿元)
睿创微纳,科创板,2019,100
睿创微纳,科创板,2020,291
杭可科技,科创板,2019,200
杭可科技,科创板,2020,418
"""


@pytest.fixture
def confusion(scheme):
    """Of ten listed texts that the model calls services, eight are."""
    truth = np.zeros(len(scheme.codes))
    truth[scheme.codes.index("services")], truth[scheme.codes.index("automation_edge")] = 8, 2
    return Confusion(scheme.codes, {Stratum("listed", "services", "review"): {1.0: truth}}, frozenset([MODEL]))


@pytest.fixture
def ledger(tmp_path):
    """Two companies of the STAR board that people labelled, one that only the model did, and an investor of two."""
    with Ledger.open(tmp_path / "gonglian.db") as ledger:
        add = ledger.add_company
        add(stock_code="688002", short_name="睿创微纳", source="x", province="山东")
        add(stock_code="688006", short_name="杭可科技", source="x", province="浙江")
        add(stock_code="688001", short_name="华兴源创", source="x", province="江苏")
        ledger.add_label("688002", "network_identifier", person="AII", reason="printed in 表2-3")
        ledger.add_label("688006", "automation_edge", person="AII", reason="printed in 表2-3")
        text = ledger.add_description("688001", "检测设备", source="x")
        ledger.add_predictions([NewPrediction(text, MODEL, "AII-2020", {"services": 0.5}, "services", "review")])
        listings = [
            Listing("688002", "睿创微纳", date(2020, 7, 22), "首发", "A股", "科创板", 120_000.0),
            Listing("688006", "杭可科技", date(2020, 7, 22), "首发", "A股", "科创板", 112_400.0),
            Listing("688001", "华兴源创", date(2019, 7, 22), "首发", "A股", "科创板", 97_200.0),
        ]
        ledger.add_listings(listings, source="x")
        day, money = date(2016, 5, 1), (1000.0, 1000.0, 1000.0)
        for company in ("688002", "688006"):
            event = Event(company, day, "day", "A轮", "early", *money, True, "CNY", "stated", ("深创投",))
            ledger.add_events([event], source="x")
        yield ledger
        assert ledger.verify() == []


@pytest.fixture
def sources(ledger, tmp_path):
    path = tmp_path / "market_values.csv"
    path.write_text(VALUES, encoding="utf-8")
    held, _ = read_ledger_sources(ledger)
    frames, problems = read_facts({"market_values": str(path)}, held.companies, read_rates())
    assert problems == []
    return replace(held, **frames)


@pytest.fixture
def changes(sources, scheme, confusion):
    def changed(company, code, of=None):
        frame = impact(of or sources, company, code, scheme, confusion, YEAR)
        assert tuple(frame.columns) == COLUMNS
        return {
            (row.table, row.place, row.measure): (row.plain_before, row.plain_after, row.plain_difference)
            for row in frame.itertuples()
        }

    return changed


def test_a_company_moves_from_one_domain_to_another(changes):
    found = changes("688002", "automation_edge")
    assert found["L9", "network_identifier", "companies"] == (1, 0, -1)
    assert found["L9", "automation_edge", "companies"] == (1, 2, 1)
    assert found["L9", "automation_edge", "new_share"] == (0.5, 1, 0.5)
    assert found["L9", "automation_edge", "share"] == pytest.approx((1 / 3, 2 / 3, 1 / 3))
    assert {table for table, *_ in found} == {"L5", "L9"}  # 合计 and all that counts companies in scope stay
    assert not any(place == TOTAL for _, place, _ in found)


def test_a_listed_gainer_stands_under_its_new_domain(changes):
    found = changes("688002", "automation_edge")
    before, after, difference = found["L5", "688002 / 睿创微纳 / 科创板 / network_identifier", "growth"]
    assert before == pytest.approx(1.91) and np.isnan(after) and np.isnan(difference)
    before, after, _ = found["L5", "688002 / 睿创微纳 / 科创板 / automation_edge", "growth"]
    assert np.isnan(before) and after == pytest.approx(1.91)


def test_what_leaves_the_scope_is_counted_nowhere(changes):
    found = changes("688002", "out_of_scope")
    assert found["L1", "2020", "market_value_wan"] == (7_090_000, 4_180_000, -2_910_000)
    assert found["L1", "2020", "growth"] == pytest.approx((709 / 300 - 1, 418 / 200 - 1, 418 / 200 - 709 / 300))
    assert found["L4", "A股 / 科创板", "companies"] == (2, 1, -1)
    assert found["L2", "首发", "amount_wan"] == (232_400, 112_400, -120_000)
    assert found["L8", "山东", "companies"] == (1, 0, -1)
    assert found["L9", TOTAL, "companies"] == (3, 2, -1)
    assert found["U3", "深创投", "listed_companies"] == (2, 1, -1)
    assert "all_companies" not in {measure for *_, measure in found}


def test_a_count_without_a_row_is_none(sources, scheme, confusion, changes):
    alone = with_label(sources, "688006", "out_of_scope")
    assert changes("688002", "out_of_scope", alone)["U3", "深创投", "listed_companies"] == (1, 0, -1)


def test_tables_stand_in_their_order(sources, scheme, confusion):
    tables = impact(sources, "688002", "out_of_scope", scheme, confusion, YEAR)["table"].drop_duplicates().tolist()
    assert tables == ["L1", "L2", "L4", "L5", "L8", "L9", "U3"]


def test_a_label_that_is_there_changes_nothing(sources, scheme, confusion):
    found = impact(sources, "688002", "network_identifier", scheme, confusion, YEAR)
    assert found.empty and to_text(found, scheme) == "no table changes"


def test_a_confirmed_prediction_becomes_certain(sources, scheme, confusion):
    found = impact(sources, "688001", "services", scheme, confusion, YEAR).set_index(["table", "place", "measure"])
    row = found.loc["L9", "services", "companies"]
    assert (row.plain_before, row.plain_after, row.plain_difference) == (1, 1, 0)
    assert 0.5 < row.value_before < 1 and row.value_after == 1
    assert row.value_difference == pytest.approx(1 - row.value_before)
    taken = found.loc["L9", "automation_edge", "companies"]
    assert taken.value_difference < 0 and taken.plain_difference == 0


@pytest.mark.parametrize("code", ["automation_edge", "out_of_scope", "security"])
def test_after_is_what_the_tables_say_with_that_label(ledger, sources, scheme, confusion, code):
    changes = impact(sources, "688002", code, scheme, confusion, YEAR)
    ledger.decide("688002", code, person="李雷", reason="定义")
    decided = replace(read_ledger_sources(ledger)[0], market_values=sources.market_values)
    tables = {table.id: table.data for table in build_tables(decided, scheme, confusion, YEAR)}
    domains = tables["L9"].set_index(["domain", "measure"])
    for row in changes[changes["table"] == "L9"].itertuples():
        figure = domains.loc[(row.place, row.measure)]
        assert (row.plain_after, row.value_after) == pytest.approx((figure.plain, figure.value))
    assert impact(decided, "688002", code, scheme, confusion, YEAR).empty


@pytest.mark.parametrize(("company", "claimed"), [("688002", "automation_edge"), ("688001", "security")])
def test_a_decided_dispute_has_the_impact_that_it_had_before(ledger, scheme, confusion, company, claimed):
    open_case(ledger, scheme, company, claimed, reason="传感器", person="张三")
    assign(ledger, 1, ["李雷", "韩梅梅"], person="编辑")
    undecided, case = read_ledger_sources(ledger)[0], load_case(ledger, 1)
    assert before_decision(undecided, ledger, case) is undecided
    expected = impact(undecided, company, claimed, scheme, confusion, YEAR)
    for person in ("李雷", "韩梅梅"):
        case = review(ledger, scheme, 1, person, claimed, reason="定义")
    decided = read_ledger_sources(ledger)[0]
    ledger.add_label(company, "platform", person="路人", reason="later")
    later = read_ledger_sources(ledger)[0]
    for held in (decided, later):
        found = impact(before_decision(held, ledger, case), company, claimed, scheme, confusion, YEAR)
        assert len(found) and found.equals(expected)


def test_asking_changes_neither_ledger_nor_sources(ledger, sources, scheme, confusion):
    head, companies = ledger.head(), sources.companies.copy()
    impact(sources, "688002", "out_of_scope", scheme, confusion, YEAR)
    assert ledger.head() == head and sources.companies.equals(companies)


def test_unknown_companies_and_labels_are_refused(sources, scheme, confusion):
    with pytest.raises(LedgerError, match="'000001' has no label and no prediction"):
        impact(sources, "000001", "platform", scheme, confusion, YEAR)
    with pytest.raises(SchemeError):
        impact(sources, "688002", "robots", scheme, confusion, YEAR)


def test_changes_are_printed_for_people(sources, scheme, confusion):
    text = to_text(impact(sources, "688002", "automation_edge", scheme, confusion, YEAR), scheme)
    line = next(line for line in text.splitlines() if "工业自动化与边缘计算" in line and " companies (" in line)
    assert line.split()[:3] == ["L9", "图2-3", "工业自动化与边缘计算"] and "→ 2" in line and "+1" in line
    assert "睿创微纳" in text and "1.91" in text and "—" in text
