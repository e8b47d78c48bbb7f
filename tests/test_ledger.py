import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta, timezone

import pandas as pd
import pytest

from classifier import chain
from classifier.entries import Event, Listing, NewPrediction
from classifier.errors import LedgerError
from classifier.finance import read_rates
from classifier.ledger import PROGRAM, Ledger, generated_id, read_ledger_sources
from classifier.schema import MIGRATIONS, TABLES, Migration
from classifier.sources import Directory, Grid, read_events, read_listings

HUAWEI = "914403001922038216"
TENCENT = "9144030071526726XG"
KILLS = int(os.environ.get("GONGLIAN_KILLS", "15"))
EVENT = Event("", date(2020, 7, 3), "day", "A轮", "early", 90.0, 100.0, 110.0, True, "CNY", "about", ("红杉资本",))
LISTING = Listing("", "睿创微纳", date(2019, 7, 22), "首发", "A股", "科创板", 120_000.0)


def at_nine():
    return datetime(2026, 7, 18, 9, tzinfo=timezone(timedelta(hours=8)))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "ledger.sqlite"


@pytest.fixture
def ledger(path):
    with Ledger.open(path, now=at_nine) as opened:
        yield opened


@pytest.fixture
def company(ledger):
    return ledger.add_company(code=HUAWEI, short_name="华为", full_name="华为技术有限公司", source="test")


def prediction(description_id, domain="security", **changes):
    new = NewPrediction(description_id, "default", "1", {"security": 0.75, "platform": 0.25}, domain, "accepted")
    return new._replace(**changes)


def fill(ledger, company, stock_code="688002"):
    """Put a row into every table."""
    text = ledger.add_description(company, "防火墙与入侵检测", source="桔子", dated=date(2020, 1, 31))
    ledger.add_predictions([prediction(text)])
    ledger.add_codes(company, stock_code=stock_code, source="交易所")
    ledger.add_region(company, "广东", "深圳", source="桔子")
    ledger.add_label(company, "platform", person="韩梅梅", source="import")
    dispute = ledger.open_dispute(company, "platform", reason="平台收入过半", person="李雷")
    for reviewer in ("甲", "乙"):
        ledger.assign(dispute, reviewer, person="王编辑", reason="在岗")
        ledger.review(dispute, reviewer, "platform", reason="年报第10页")
    ledger.decide(company, "platform", person="王编辑", reason="两人一致", dispute_id=dispute)
    ledger.open_dispute(company, "security", reason="再议", person="李雷")
    ledger.add_events([EVENT._replace(company_id=company)], source="桔子")
    ledger.add_listings([LISTING._replace(company_id=company)], source="交易所")
    return dispute


# companies


def test_id_is_the_credit_code_else_the_stock_code_else_made_from_the_name(ledger):
    assert ledger.add_company(code=HUAWEI.lower(), stock_code="688002", full_name="甲公司", source="s") == HUAWEI
    assert ledger.add_company(stock_code="688003.SH", full_name="乙公司", source="s") == "688003"
    assert ledger.add_company(short_name="丙", full_name="丙公司", source="s") == generated_id("丙公司")
    assert [company.generated for company in ledger.companies()] == [False, False, True]


def test_same_company_again_adds_nothing(ledger):
    for _ in range(2):
        ledger.add_company(code=HUAWEI, full_name="华为技术有限公司", province="广东", source="s")
        ledger.add_company(short_name="丙", source="s")
    assert [company.company_id for company in ledger.companies()] == [HUAWEI, generated_id("丙")]
    assert len(ledger.all_names()) == 2


def test_faulty_code_is_flagged_and_the_company_kept(ledger):
    company_id = ledger.add_company(code="914403001922038217", short_name="华为", source="s")
    company = ledger.company(company_id)
    assert company.generated
    assert company.code == "914403001922038217"
    assert "would end in 6" in company.code_fault
    ledger.add_codes(company_id, code=HUAWEI, source="s")
    assert ledger.company(company_id)[3:6] == (HUAWEI, "", "")
    assert ledger.add_company(code=HUAWEI, short_name="华为", source="s") == company_id


def test_code_of_another_company_is_refused(ledger, company):
    other = ledger.add_company(code=TENCENT, short_name="腾讯", source="s")
    with pytest.raises(LedgerError, match=f"{HUAWEI} belongs to company {HUAWEI}, not {TENCENT}"):
        ledger.add_codes(other, code=HUAWEI, source="s")


def test_company_without_code_and_name_is_refused(ledger):
    with pytest.raises(LedgerError, match="needs a name or a sound code"):
        ledger.add_company(code="1", source="s")
    assert ledger.companies() == []


def test_newest_name_and_region_count_and_the_former_ones_are_kept(ledger, company):
    ledger.add_names(company, short_name="华为技术", source="later")
    ledger.add_region(company, "广东", source="s")
    ledger.add_region(company, "广东", "深圳", source="s")
    assert ledger.company(company)[:3] == (HUAWEI, "华为技术", "华为技术有限公司")
    assert ledger.company(company).city == "深圳"
    assert [name.name for name in ledger.names_of(company)] == ["华为", "华为技术有限公司", "华为技术"]
    assert [found.company_id for found in ledger.find("华为")] == [company]


def test_find_by_id_code_and_name(ledger, company):
    other = ledger.add_company(stock_code="688002", short_name="华为", source="s")
    assert {found.company_id for found in ledger.find(" 华为 ")} == {company, other}
    assert [found.company_id for found in ledger.find("688002.SH")] == [other]
    assert [found.company_id for found in ledger.find(HUAWEI.lower())] == [company]
    assert ledger.find("华") == []
    with pytest.raises(LedgerError, match="no company '华'"):
        ledger.company("华")


def test_description_again_keeps_its_id(ledger, company):
    first = ledger.add_description(company, "路由器", source="s", dated=date(2020, 1, 1))
    assert ledger.add_description(company, "路由器", source="other") == first
    assert len(ledger.descriptions_of(company)) == 1


def test_latest_description_is_that_of_the_newest_source(ledger, company):
    newer = ledger.add_description(company, "智能汽车", source="s", dated=date(2024, 1, 1))
    ledger.add_description(company, "路由器", source="s", dated=date(2020, 1, 1))
    assert ledger.latest_description(company).description_id == newer
    assert ledger.latest_descriptions()[company].text == "智能汽车"
    ledger.add_description(company, "手机", source="s")  # of no date: of the day it was seen
    assert ledger.latest_description(company).dated == "2026-07-18"


# predictions, labels, decisions


def test_prediction_counts_on_the_newest_text_that_has_one(ledger, company):
    assert ledger.current_prediction(company) is None
    newer = ledger.add_description(company, "智能汽车", source="s", dated=date(2024, 1, 1))
    older = ledger.add_description(company, "路由器", source="s", dated=date(2020, 1, 1))
    ledger.add_predictions([prediction(older, "platform")])
    assert ledger.current_prediction(company).domain == "platform"
    ledger.add_predictions([prediction(newer), prediction(newer, "services"), prediction(older)])
    assert ledger.current_prediction(company).domain == "services"
    assert ledger.current_predictions()[company].probabilities == {"security": 0.75, "platform": 0.25}
    assert len(ledger.predictions_of(company)) == 4


def test_prediction_that_repeats_the_newest_adds_nothing(ledger, company):
    text = ledger.add_description(company, "路由器", source="s")
    first, again, other, back = ledger.add_predictions(
        [prediction(text), prediction(text), prediction(text, model="new"), prediction(text)]
    )
    assert first == again
    assert len({first, other, back}) == 3


def test_newest_label_of_a_person_counts(ledger, company):
    assert ledger.current_label(company) is None
    ledger.add_label(company, "platform", person="甲")
    ledger.add_label(company, "security", person="乙", source="review", reason="年报")
    assert ledger.current_label(company).code == "security"
    assert ledger.current_labels()[company] == ledger.labels_of(company)[-1]


def test_decision_names_the_text_and_the_model_it_was_made_on(ledger, company):
    text = ledger.add_description(company, "路由器", source="s")
    (first,) = ledger.add_predictions([prediction(text)])
    ledger.add_predictions([prediction(text, model="candidate")])
    ledger.decide(company, "security", person="甲", reason="因为")
    ledger.decide(company, "platform", person="乙", reason="所以", description_id=text, prediction_id=first)
    one, two = ledger.decisions_of(company)
    assert (one.description_id, one.model, one.at) == (text, "candidate", "2026-07-18T01:00:00+00:00")
    assert (two.model, two.prediction_id) == ("default", first)
    assert [label.decision_id for label in ledger.labels_of(company)] == [one.decision_id, two.decision_id]
    assert ledger.decisions() == [one, two]


def test_decision_without_any_text_is_possible(ledger, company):
    ledger.decide(company, "security", person="甲", reason="众所周知")
    assert ledger.decisions_of(company)[0].description_id is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"person": " "}, "a label and a person are always told"),
        ({"reason": ""}, "a label and a person are always told"),
        ({"code": ""}, "a label and a person are always told"),
        ({"company_id": "nobody"}, "not in the ledger"),
        ({"description_id": 99}, "description 99 is not one of company"),
        ({"prediction_id": 99}, "prediction 99 is not one on description"),
        ({"dispute_id": 99}, "no dispute 99"),
    ],
)
def test_decision_that_lacks_something_is_refused_whole(ledger, company, change, message):
    said = {"company_id": company, "code": "security", "person": "甲", "reason": "因为"} | change
    with pytest.raises(LedgerError, match=message):
        ledger.decide(**said)
    assert ledger.decisions() == []
    assert ledger.labels_of(company) == []
    assert ledger.verify() == []


def test_label_of_a_decision_comes_from_the_decision_alone(ledger, company):
    with pytest.raises(LedgerError, match="use decide"):
        ledger.add_label(company, "security", person="甲", source="decision")


def test_dispute_is_open_until_it_is_decided(ledger, company):
    dispute = fill(ledger, company)
    second = dispute + 1
    assert [one.dispute_id for one in ledger.disputes("decided")] == [dispute]
    assert [one.dispute_id for one in ledger.disputes("open")] == [second]
    assert len(ledger.disputes(company_id=company)) == 2
    assert ledger.disputes(company_id="other") == []
    assert ledger.decision_of(dispute).code == "platform"
    assert ledger.decision_of(second) is None
    assert [one.reviewer for one in ledger.assignments_of(dispute)] == ["甲", "乙"]
    assert [one.code for one in ledger.reviews_of(dispute)] == ["platform"] * 2
    with pytest.raises(LedgerError, match="neither open nor decided"):
        ledger.disputes("closed")


def test_a_dispute_after_a_decided_one_is_entered_as_its_reopening(ledger, company):
    first = ledger.open_dispute(company, "platform", reason="平台收入过半", person="李雷")
    beside = ledger.open_dispute(company, "security", reason="卖防火墙", person="韩梅梅")
    ledger.decide(company, "platform", person="王编辑", reason="属实", dispute_id=first)
    again = ledger.open_dispute(company, "services", reason="年报改了主营", person=PROGRAM)
    assert [ledger.reopening_of(one) for one in (first, beside)] == [None, None]
    assert ledger.reopening_of(again)[1:] == (again, first, PROGRAM, "年报改了主营", "2026-07-18T01:00:00+00:00")


def test_it_is_kept_who_assigned_whom_and_why(ledger, company):
    dispute = ledger.open_dispute(company, "platform", reason="平台收入过半", person="李雷")
    ledger.assign(dispute, "甲", person=" 王编辑 ", reason="在岗")
    assert ledger.assignments_of(dispute) == [
        (1, dispute, "甲", "reviewer", "2026-07-18T01:00:00+00:00", "王编辑", "在岗")
    ]
    with pytest.raises(LedgerError, match="a person are always told"):
        ledger.assign(dispute, "乙", person=" ")


def test_decided_dispute_takes_nothing_more(ledger, company):
    dispute = fill(ledger, company)
    for more in (
        lambda: ledger.assign(dispute, "丙", role="arbiter", person="王编辑"),
        lambda: ledger.review(dispute, "甲", "security"),
        lambda: ledger.decide(company, "security", person="甲", reason="不同意", dispute_id=dispute),
    ):
        with pytest.raises(LedgerError, match="is decided; open a new one"):
            more()


def test_only_assigned_people_review_and_each_is_assigned_once(ledger, company):
    dispute = ledger.open_dispute(company, "security", reason="理由", person="李雷")
    with pytest.raises(LedgerError, match="reviewer that is not in the ledger"):
        ledger.review(dispute, "丙", "security")
    ledger.assign(dispute, "丙", person="王编辑")
    with pytest.raises(LedgerError, match="has the dispute already"):
        ledger.assign(dispute, "丙", role="arbiter", person="王编辑")


def test_dispute_of_another_company_is_not_decided(ledger, company):
    other = ledger.add_company(code=TENCENT, source="s")
    dispute = ledger.open_dispute(company, "security", reason="理由", person="李雷")
    with pytest.raises(LedgerError, match="is not one on company"):
        ledger.decide(other, "security", person="甲", reason="因为", dispute_id=dispute)


# facts


def test_same_event_again_adds_nothing_and_another_amount_is_a_revision(ledger, company):
    event = EVENT._replace(company_id=company)
    untold = event._replace(amount_low_wan=float("nan"), amount_wan=float("nan"), amount_high_wan=None, published=False)
    assert ledger.add_events([untold, untold], source="s") == (1, 1, 0)
    assert ledger.add_events([event, event._replace(round="B轮")], source="s") == (1, 0, 1)
    assert ledger.add_events([untold, event], source="s") == (0, 2, 0)
    assert [(one.round, one.amount_wan) for one in ledger.events()] == [("A轮", 100.0), ("B轮", 100.0)]
    assert ledger.events()[0] == event._replace(date="2020-07-03")


def test_listing_of_an_unknown_company_is_kept_until_the_company_is_known(ledger, company):
    assert ledger.add_listings([LISTING, LISTING, LISTING._replace(name="别家")], source="s") == (2, 1, 0)
    assert [one.company_id for one in ledger.listings()] == ["", ""]
    known = LISTING._replace(company_id=company)
    assert ledger.add_listings([known, known._replace(board="主板")], source="s") == (1, 0, 1)
    assert [(one.company_id, one.name, one.board) for one in ledger.listings()] == [
        ("", "别家", "科创板"),
        (company, "睿创微纳", "主板"),
    ]


def test_event_of_an_unknown_company_is_refused(ledger):
    with pytest.raises(LedgerError, match="names a company"):
        ledger.add_events([EVENT._replace(company_id="nobody")], source="s")


def test_sources_have_the_columns_of_files(ledger, company):
    fill(ledger, company)
    ledger.add_company(short_name="没有标签", source="s")
    sources, problems = read_ledger_sources(ledger)
    (row,) = sources.companies.to_dict("records")
    assert row == {
        **{"company_id": company, "name": "华为", "full_name": "华为技术有限公司", "province": "广东", "city": "深圳"},
        **{"text": "防火墙与入侵检测", "domain": "security", "status": "accepted", "model": "default"},
        "label": "platform",
    }
    assert [problem.cell for problem in problems] == [generated_id("没有标签")]
    directory, rates = Directory(sources.companies), read_rates()
    cells = {"name": ["华为"], "date": ["2020-07-03"], "round": ["A轮"], "board": ["科创板"], "amount": ["1亿"]}
    for frame, reader in ((sources.events, read_events), (sources.listings, read_listings)):
        read = reader(Grid("file", cells, {}, 1), directory, rates)
        assert list(frame.columns) == list(read.columns)
        assert [kind.kind for kind in frame.dtypes] == [kind.kind for kind in read.dtypes]
    assert sources.events["investors"][0] == ("红杉资本",)
    assert sources.listings["date"][0] == pd.Timestamp(2019, 7, 22)


def test_amounts_that_are_never_told_are_numbers_all_the_same(ledger, company):
    ledger.add_label(company, "platform", person="甲")
    untold = EVENT._replace(company_id=company, amount_low_wan=None, amount_wan=None, amount_high_wan=None)
    ledger.add_events([untold], source="s")
    sources, _ = read_ledger_sources(ledger)
    assert sources.events["amount_wan"].dtype == float
    assert sources.listings is None


def test_facts_of_a_company_without_label_belong_to_none(ledger, company):
    ledger.add_events([EVENT._replace(company_id=company)], source="s")
    sources, problems = read_ledger_sources(ledger)
    assert list(sources.events["company_id"]) == [""]
    assert len(problems) == 1


# transactions


def test_atomic_appends_everything_or_nothing(ledger, company):
    head = ledger.head()
    with pytest.raises(ZeroDivisionError), ledger.atomic():
        ledger.decide(company, "security", person="甲", reason="因为")
        raise ZeroDivisionError
    assert ledger.decisions() == []
    assert ledger.head() == head


def test_failure_inside_undoes_the_inner_part_alone(ledger, company):
    with ledger.atomic():
        ledger.decide(company, "security", person="甲", reason="因为")
        with pytest.raises(LedgerError):
            ledger.decide("nobody", "security", person="甲", reason="因为")
    assert len(ledger.decisions()) == 1
    assert ledger.verify() == []


def test_reading_sees_one_state(ledger, company, path):
    with Ledger.open(path) as other:
        with other.reading():
            assert other.labels_of(company) == []
        ledger.add_label(company, "platform", person="甲")
        assert len(other.labels_of(company)) == 1


def test_what_is_appended_while_reading_is_kept(ledger, company, path):
    with ledger.reading():
        ledger.add_label(company, "platform", person="甲")
    with Ledger.open(path) as other:
        assert len(other.labels_of(company)) == 1


def test_surrogates_are_refused(ledger, company):
    with pytest.raises(LedgerError, match="no well-formed text"):
        ledger.add_description(company, "a\ud800", source="s")


# append-only, chain


@pytest.mark.parametrize("table", (*TABLES, "chain", "migrations"))
@pytest.mark.parametrize("change", ["UPDATE {} SET {} = 1", "DELETE FROM {}", "REPLACE INTO {0} SELECT * FROM {0}"])
def test_changes_are_refused(ledger, company, path, table, change):
    fill(ledger, company)
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA recursive_triggers = ON")
        column = connection.execute(f"SELECT * FROM {table}").description[0][0]
        with pytest.raises(sqlite3.IntegrityError, match=f"{table} are append-only"):
            connection.execute(change.format(table, column))
    connection.close()
    assert ledger.verify() == []


@pytest.fixture
def attack(ledger, company, path):
    """Change the file behind the ledger's back; the triggers are put back afterwards, as a careful forger would."""
    fill(ledger, company)
    fill(ledger, ledger.add_company(code=TENCENT, short_name="腾讯", source="s"), "688003")
    ledger.close()
    assert opened_faults(path) == []

    def change(*statements):
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA ignore_check_constraints = ON")
            guards = connection.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
            for name, _ in guards:
                connection.execute(f"DROP TRIGGER {name}")
            for statement in statements:
                assert connection.execute(statement).rowcount
            for _, sql in guards:
                connection.execute(sql)
        connection.close()
        return opened_faults(path)

    return change


def opened_faults(path, head=None):
    with Ledger.open(path, create=False) as ledger:
        return ledger.verify(head)


@pytest.mark.parametrize("table", TABLES)
def test_edited_row_is_found_in_every_table_and_column(attack, path, table):
    with sqlite3.connect(path) as connection:
        columns = [column[0] for column in connection.execute(f"SELECT * FROM {table}").description]
    connection.close()
    saved = path.with_suffix(".saved")
    shutil.copy(path, saved)
    for column in columns[1:]:
        shutil.copy(saved, path)
        faults = attack(f'UPDATE {table} SET "{column}" = ifnull("{column}", 0) || 1 WHERE rowid = 2')
        assert [(fault.table, fault.row_id) for fault in faults] == [(table, 2)], column
        assert "edited" in faults[0].reason


@pytest.mark.parametrize("table", TABLES)
def test_deleted_row_is_found(attack, table):
    (fault,) = attack(f"DELETE FROM {table} WHERE rowid = 2")
    assert (fault.table, fault.row_id, fault.reason) == (table, 2, "is gone: deleted")


def test_row_deleted_with_its_place_is_found(attack):
    gap, after = attack("DELETE FROM labels WHERE rowid = 2", "DELETE FROM chain WHERE kind = 'labels' AND row_id = 2")
    assert "are missing: rows were deleted" in gap.reason
    assert "put in between" in after.reason


def test_row_inserted_is_found(attack):
    columns = "company_id, code, person, reason, source, at"
    (fault,) = attack(f"INSERT INTO labels ({columns}) SELECT {columns} FROM labels LIMIT 1")
    assert (fault.table, "inserted" in fault.reason) == ("labels", True)


def test_row_inserted_with_a_place_is_found(attack):
    columns = "company_id, code, person, reason, source, at"
    (fault,) = attack(
        f"INSERT INTO labels ({columns}) SELECT {columns} FROM labels LIMIT 1",
        "INSERT INTO chain (kind, row_id, hash) SELECT 'labels', max(label_id), zeroblob(32) FROM labels",
    )
    assert "put in between" in fault.reason


def test_swapped_rows_are_found(attack):
    faults = attack(
        "UPDATE decisions SET decision_id = 99 WHERE decision_id = 1",
        "UPDATE decisions SET decision_id = 1 WHERE decision_id = 2",
        "UPDATE decisions SET decision_id = 2 WHERE decision_id = 99",
    )
    assert {(fault.table, fault.row_id) for fault in faults} == {("decisions", 1), ("decisions", 2)}


def test_swapped_places_are_found(attack):
    faults = attack(
        "UPDATE chain SET place = 999 WHERE place = 3",
        "UPDATE chain SET place = 3 WHERE place = 4",
        "UPDATE chain SET place = 4 WHERE place = 999",
    )
    assert [fault.place for fault in faults] == [3, 4, 5]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE chain SET hash = zeroblob(32) WHERE place = 5",
        "UPDATE chain SET hash = 'text' WHERE place = 5",
        "UPDATE chain SET kind = 'sqlite_master' WHERE place = 5",
        "UPDATE chain SET row_id = 2 WHERE place = 5",
        "UPDATE chain SET place = -1 WHERE place = 1",
        "UPDATE labels SET reason = x'ff' WHERE label_id = 1",
        "UPDATE labels SET reason = CAST(x'ff' AS TEXT) WHERE label_id = 1",
    ],
)
def test_edited_chain_and_foreign_values_are_found(attack, change):
    assert attack(change)


def test_chain_cut_off_is_found_with_the_head_kept_outside(attack, path):
    with Ledger.open(path) as ledger:
        head = ledger.head()
    assert opened_faults(path, head) == []
    cut = "DELETE FROM {} WHERE rowid = (SELECT max(rowid) FROM {})"
    assert attack(cut.format("listings", "listings"), cut.format("chain", "chain")) == []
    (fault,) = opened_faults(path, head)
    assert "cut off" in fault.reason


def test_chain_made_anew_is_found_with_the_head_kept_outside(path, tmp_path):
    heads = []
    for name, code in (("one", "security"), ("two", "platform")):
        with Ledger.open(tmp_path / name, now=at_nine) as ledger:
            ledger.add_label(ledger.add_company(code=HUAWEI, source="s"), code, person="甲")
            heads.append(ledger.head())
    assert opened_faults(tmp_path / "two") == []
    (fault,) = opened_faults(tmp_path / "two", heads[0])
    assert "made anew" in fault.reason


def test_head_of_an_earlier_day_stays_good(ledger, company):
    empty = f"0:{'00' * 32}"
    head = ledger.head()
    fill(ledger, company)
    assert ledger.verify(head) == ledger.verify(empty) == []
    with pytest.raises(LedgerError, match="no head of a ledger"):
        ledger.verify("yesterday")


def test_missing_trigger_is_found(ledger, company, path):
    with sqlite3.connect(path) as connection:
        connection.execute("DROP TRIGGER labels_refuse_update")
    connection.close()
    (fault,) = ledger.verify()
    assert (fault.table, "were removed" in fault.reason) == ("labels", True)


def test_descriptions_by_date_are_read_without_their_texts(ledger):
    plan = ledger.fetch("EXPLAIN QUERY PLAN SELECT company_id FROM descriptions ORDER BY dated, description_id")
    assert [row[-1] for row in plan] == ["SCAN descriptions USING COVERING INDEX descriptions_by_date"]


# files and migrations


def test_settings_are_durable(ledger):
    pragmas = [ledger._first(f"PRAGMA {name}")[0] for name in ("journal_mode", "synchronous", "foreign_keys")]
    assert pragmas == ["delete", 3, 1]


def test_missing_file_is_refused_unless_it_may_be_made(path, tmp_path):
    with pytest.raises(LedgerError, match="no such ledger"):
        Ledger.open(path, create=False)
    with pytest.raises(LedgerError, match="folder that is there"):
        Ledger.open(tmp_path / "nowhere" / "ledger.sqlite")


def test_file_that_is_no_ledger_is_refused_and_untouched(path):
    path.write_text("公司,行业\n华为,网络\n" * 100, encoding="utf-8")
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="no ledger"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_other_database_is_refused_and_untouched(path):
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE labels (x)")
    connection.close()
    before = path.read_bytes()
    with pytest.raises(LedgerError, match="no ledger of gonglian"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_empty_file_becomes_a_ledger(path):
    path.touch()
    with Ledger.open(path) as ledger:
        assert ledger.verify() == []


def test_older_ledger_is_migrated_and_its_chain_stays_good(path, monkeypatch):
    with Ledger.open(path) as ledger:
        fill(ledger, ledger.add_company(code=HUAWEI, source="s"))
        head = ledger.head()
    later = Migration("later", ("ALTER TABLE companies ADD COLUMN note TEXT", "CREATE TABLE extra (x)"))
    monkeypatch.setattr(chain, "MIGRATIONS", (*MIGRATIONS, later))
    with Ledger.open(path) as ledger:
        assert ledger.verify(head) == []
        assert ledger.fetch("SELECT name FROM migrations") == [(one.name,) for one in chain.MIGRATIONS]


def test_newer_ledger_is_refused(path, monkeypatch):
    with monkeypatch.context() as newer:
        newer.setattr(chain, "MIGRATIONS", (*MIGRATIONS, Migration("2030-moon", ("CREATE TABLE moon (x)",))))
        Ledger.open(path).close()
    with pytest.raises(LedgerError, match=r"newer gonglian \(unknown: 2030-moon\)"):
        Ledger.open(path)


def test_migration_that_fails_leaves_the_ledger_as_it_was(path, monkeypatch):
    Ledger.open(path).close()
    broken = Migration("broken", ("CREATE TABLE extra (x)", "CREATE TABLE extra (x)"))
    with monkeypatch.context() as newer:
        newer.setattr(chain, "MIGRATIONS", (*MIGRATIONS, broken))
        with pytest.raises(LedgerError, match="already exists"):
            Ledger.open(path)
    with Ledger.open(path) as ledger:
        assert ledger._first("SELECT 1 FROM sqlite_master WHERE name = 'extra'") is None


def test_ledger_with_a_write_ahead_log_is_taken_back(path):
    Ledger.open(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
    connection.close()
    with Ledger.open(path) as ledger:
        assert ledger._first("PRAGMA journal_mode") == ("delete",)


# processes

WRITER = """
import sys
from classifier.ledger import Ledger
path, name, rows = sys.argv[1:]
with Ledger.open(path) as ledger:
    company = ledger.add_company(short_name=name, source="writer")
    for number in range(int(rows)):
        decision = ledger.decide(company, "security", person=name, reason=str(number))
        print(decision, flush=True)
"""


def start_writer(path, name, rows):
    return subprocess.Popen([sys.executable, "-c", WRITER, path, name, str(rows)], stdout=subprocess.PIPE, text=True)


def test_eight_writers_at_once_lose_nothing(path):
    writers = [start_writer(path, f"公司{number}", 25) for number in range(8)]
    said = [line for writer in writers for line in writer.communicate()[0].split()]
    assert [writer.returncode for writer in writers] == [0] * 8
    with Ledger.open(path) as ledger:
        assert sorted(map(int, said)) == [decision.decision_id for decision in ledger.decisions()]
        assert len(said) == len(set(said)) == 200
        for number in range(8):
            reasons = [one.reason for one in ledger.decisions_of(generated_id(f"公司{number}"))]
            assert reasons == [str(reason) for reason in range(25)]
        assert ledger.verify() == []


def test_killed_writer_loses_no_acknowledged_decision(path):
    chance = random.Random(KILLS)
    acknowledged = set()
    for number in range(KILLS):
        writer = start_writer(path, f"公司{number}", 1_000_000)
        if number % 5:  # or else while it starts, or makes the file
            acknowledged.add(int(writer.stdout.readline()))
        time.sleep(chance.uniform(0, 0.2))
        writer.send_signal(signal.SIGKILL)
        lines = writer.communicate()[0].split("\n")
        acknowledged.update(int(line) for line in lines[:-1])
        with Ledger.open(path, create=not number) as ledger:
            assert acknowledged <= {decision.decision_id for decision in ledger.decisions()}
            assert ledger.verify() == []
            decided = {decision.decision_id for decision in ledger.decisions()}
            labelled = {label.decision_id for label in ledger.current_labels().values()}
            assert labelled <= decided
    assert len(acknowledged) >= KILLS // 2


def test_times_are_in_utc(path):
    before = datetime.now(UTC).replace(microsecond=0)
    with Ledger.open(path) as ledger:
        company = ledger.company(ledger.add_company(code=HUAWEI, source="s"))
    assert before <= datetime.fromisoformat(company.at) <= datetime.now(UTC)


def test_showing_a_company_needs_no_pandas():
    code = "import sys, classifier.ledger; print('pandas' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"
