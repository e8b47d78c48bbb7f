import json
import shutil
import sqlite3
import threading
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from classifier import chain
from classifier.disputes import (
    HIDDEN,
    PROGRAM,
    assign,
    brief,
    brief_record,
    brief_text,
    case_record,
    case_text,
    cases_text,
    find_code,
    find_company,
    history,
    history_text,
    load_case,
    load_cases,
    open_case,
    resolve,
    review,
)
from classifier.entries import NewPrediction
from classifier.errors import ClassifierError, LedgerError, SchemeError
from classifier.ledger import Ledger
from classifier.schema import Migration, guards
from classifier.track import PROGRAM as PERSON

MODEL = "AII-2020/planted"
DETECTORS = "红外探测器芯片的研发和销售"


class Clock:
    """A clock that goes on by a minute whenever it is read."""

    def __init__(self):
        self.time = datetime(2026, 7, 1, tzinfo=UTC)

    def __call__(self):
        self.time += timedelta(minutes=1)
        return self.time


@pytest.fixture
def ledger(tmp_path):
    """睿创微纳: printed under 网络及标识; the model says services."""
    with Ledger.open(tmp_path / "gonglian.db", now=Clock()) as ledger:
        ledger.add_company(stock_code="688002", short_name="睿创微纳", source="listed.csv")
        text = ledger.add_description("688002", DETECTORS, source="listed.csv")
        said = {"services": 0.61, "automation_edge": 0.3, "network_identifier": 0.09}
        ledger.add_predictions([NewPrediction(text, MODEL, "AII-2020", said, "services", "review")])
        ledger.add_label("688002", "network_identifier", person="AII", reason="printed in 表2-3", source="import")
        yield ledger
        assert ledger.verify() == []


@pytest.fixture
def opened(ledger, scheme):
    open_case(ledger, scheme, "688002", "automation_edge", reason="探测器是传感器", person="张三")
    return ledger


@pytest.fixture
def assigned(opened):
    assign(opened, 1, ["李雷", "韩梅梅"], person="编辑")
    return opened


@pytest.fixture
def differing(assigned, scheme):
    review(assigned, scheme, 1, "李雷", "automation_edge", reason="传感器")
    review(assigned, scheme, 1, "韩梅梅", "network_identifier", reason="芯片")
    return assigned


def answer_alike(ledger, scheme, dispute_id=1, code="automation_edge"):
    review(ledger, scheme, dispute_id, "李雷", code, reason="传感器")
    return review(ledger, scheme, dispute_id, "韩梅梅", code, reason="定义明列")


def test_reviewers_that_agree_decide(assigned, scheme):
    first = review(assigned, scheme, 1, "李雷", "automation_edge", reason="传感器")
    assert (first.state, first.awaited) == ("in review", ["韩梅梅"])
    case = review(assigned, scheme, 1, "韩梅梅", "automation_edge", reason="定义明列")
    label, made = assigned.current_label("688002"), case.decision
    assert (case.state, made.code, made.person) == ("decided", "automation_edge", "李雷、韩梅梅")
    assert made.reason == "李雷：传感器；韩梅梅：定义明列"
    assert (made.description_id, made.model, made.prediction_id) == (1, MODEL, 1)
    assert (label.code, label.reason, label.decision_id) == ("automation_edge", made.reason, made.decision_id)
    assert label.source == "decision"


def test_an_arbiter_decides_where_they_differ(differing, scheme):
    case = load_case(differing, 1)
    assert (case.state, case.next_step, case.decision) == ("disagreement", "assign an arbiter", None)
    assert differing.current_label("688002").code == "network_identifier"
    assert "waits for the arbiter 王老师" in assign(differing, 1, ["王老师"], person="编辑", role="arbiter").next_step
    case = resolve(differing, scheme, 1, "王老师", "out_of_scope", reason="只用于夜视仪")
    assert (case.state, case.decision.person, case.decision.code) == ("decided", "王老师", "out_of_scope")
    assert differing.current_label("688002").reason == "只用于夜视仪"


def test_states_follow_each_other(ledger, scheme):
    case = open_case(ledger, scheme, "688002", "automation_edge", reason="传感器", person="张三")
    assert (case.state, case.next_step) == ("open", "assign 2 reviewers, 0 so far")
    assert assign(ledger, 1, ["李雷"], person="编辑").state == "open"
    assert assign(ledger, 1, ["韩梅梅"], person="编辑").state == "in review"
    assert [one.state for one in load_cases(ledger)] == ["in review"]
    assert answer_alike(ledger, scheme).state == "decided"
    assert load_cases(ledger) == [] and len(load_cases(ledger, "decided")) == 1


@pytest.mark.parametrize("blind", [True, False])
def test_a_reviewer_does_not_see_the_answer_of_the_other(assigned, scheme, blind):
    review(assigned, scheme, 1, "李雷", "platform", reason="planted answer")
    for reader in ("李雷", "韩梅梅"):
        found = brief(assigned, 1, reader, blind=blind)
        written = json.dumps(brief_record(found), ensure_ascii=False) + brief_text(found, scheme)
        assert "platform" not in written and "平台" not in written and "planted answer" not in written
        assert DETECTORS in written and "探测器是传感器" in written and "network_identifier" in written
    everywhere = history_text(history(assigned, "688002", blind=blind), scheme) + str(
        case_record(load_case(assigned, 1), assigned.company("688002"))
    )
    assert "platform" not in everywhere and "planted answer" not in everywhere and HIDDEN in everywhere


def test_the_blind_do_not_see_what_the_model_says(assigned, scheme):
    found = brief(assigned, 1, "李雷", blind=True)
    written = json.dumps(brief_record(found), ensure_ascii=False) + brief_text(found, scheme)
    assert MODEL not in written and "services" not in written and "相关服务" not in written and "0.61" not in written
    told = history_text(history(assigned, "688002", blind=True), scheme)
    assert MODEL not in told and "services" not in told
    assert "services" in brief_text(brief(assigned, 1, "李雷"), scheme)


def test_a_claim_of_the_model_is_not_told_to_the_blind(ledger, scheme):
    assert PROGRAM == PERSON
    ledger.open_dispute("688002", "services", reason=f"{MODEL} on description 1: services 0.61", person=PERSON)
    assign(ledger, 1, ["李雷", "韩梅梅"], person="编辑")
    found = brief(ledger, 1, "李雷", blind=True)
    told = json.dumps(brief_record(found), ensure_ascii=False) + brief_text(found, scheme)
    told += history_text(history(ledger, "688002", blind=True), scheme)
    assert "services" not in told and MODEL not in told and "claim: not told" in told
    assert brief(ledger, 1, "李雷").claimed == "services"


def test_all_is_told_when_both_have_answered(differing, scheme):
    assign(differing, 1, ["王老师"], person="编辑", role="arbiter")
    for reader in ("李雷", "韩梅梅", "王老师"):
        found = brief(differing, 1, reader, blind=True)
        assert [one.code for one in found.answers] == ["automation_edge", "network_identifier"]
        assert found.prediction.model == MODEL
    assert "芯片" in brief_text(found, scheme)
    assert HIDDEN not in history_text(history(differing, "688002"), scheme)


def test_all_read_the_text_that_was_known_when_the_claim_was_made(assigned, scheme):
    assigned.add_description("688002", "改行做面包", source="later.csv")
    assert brief(assigned, 1, "李雷").text.text == DETECTORS
    assert answer_alike(assigned, scheme).decision.description_id == 1


def test_only_the_assigned_read(assigned):
    with pytest.raises(LedgerError, match=r"路人 is not its reviewer or arbiter \(李雷, 韩梅梅 is\)"):
        brief(assigned, 1, "路人")


def test_the_claimant_has_no_other_part(opened, differing):
    for person in ("张三", " 张 三 "):
        with pytest.raises(LedgerError, match="made the claim and cannot become its arbiter"):
            assign(differing, 1, [person], person="编辑", role="arbiter")


def test_the_claimant_cannot_review(opened):
    with pytest.raises(LedgerError, match=r"dispute 1 \(open\): 张三 made the claim and cannot become its reviewer"):
        assign(opened, 1, ["李雷", "张三"], person="编辑")
    assert opened.assignments_of(1) == []


def test_a_person_has_one_part_however_the_name_is_written(ledger, scheme):
    open_case(ledger, scheme, "688002", "automation_edge", reason="传感器", person="张三")
    for second in ("Li Lei", "lilei", "ＬＩＬＥＩ"):
        with pytest.raises(LedgerError, match="reviewer already"):
            assign(ledger, 1, ["LiLei", second], person="编辑")
    assign(ledger, 1, ["LiLei", "韩梅梅"], person="编辑")
    assert review(ledger, scheme, 1, "li lei", "platform", reason="平台").answers[0].reviewer == "LiLei"


def test_the_arbiter_is_a_third_person(differing):
    with pytest.raises(LedgerError, match="李雷 is its reviewer already"):
        assign(differing, 1, ["李雷"], person="编辑", role="arbiter")


def test_a_reviewer_answers_once(assigned, scheme):
    review(assigned, scheme, 1, "李雷", "platform", reason="平台")
    with pytest.raises(LedgerError, match=r"in review\): 李雷 has answered; it waits for the review of 韩梅梅"):
        review(assigned, scheme, 1, "李雷", "security", reason="改主意")
    assert len(assigned.reviews_of(1)) == 1


def test_two_review_and_a_third_stands_in(assigned, scheme):
    with pytest.raises(LedgerError, match="李雷, 韩梅梅 is its reviewer already; 王老师 can only be a substitute"):
        assign(assigned, 1, ["王老师"], person="编辑")
    assign(assigned, 1, ["王老师"], person="编辑", substitute=True, reason="韩梅梅休假")
    review(assigned, scheme, 1, "李雷", "platform", reason="平台")
    assert review(assigned, scheme, 1, "王老师", "platform", reason="平台").state == "decided"
    with pytest.raises(LedgerError, match=r"decided\): 韩梅梅 cannot review it any more; reopen it"):
        review(assigned, scheme, 1, "韩梅梅", "security", reason="迟到")


def wrong_steps(ledger, scheme):
    """Steps that no state allows to these people."""
    said = {"reason": "因为"}
    return {
        "review by nobody assigned": lambda: review(ledger, scheme, 1, "路人", "platform", **said),
        "review by the claimant": lambda: review(ledger, scheme, 1, "张三", "platform", **said),
        "resolved by nobody assigned": lambda: resolve(ledger, scheme, 1, "路人", "platform", **said),
        "resolved by a reviewer": lambda: resolve(ledger, scheme, 1, "李雷", "platform", **said),
        "a second claim": lambda: open_case(ledger, scheme, "688002", "security", person="赵六", **said),
        "no such dispute": lambda: review(ledger, scheme, 99, "李雷", "platform", **said),
        "no such company": lambda: open_case(ledger, scheme, "000001", "platform", person="赵六", **said),
        "no such label": lambda: open_case(ledger, scheme, "688002", "robots", person="赵六", **said),
        "no reason": lambda: review(ledger, scheme, 1, "李雷", "platform", reason=" "),
        "no person": lambda: open_case(ledger, scheme, "688002", "platform", person="", **said),
        "no such role": lambda: assign(ledger, 1, ["赵六"], person="编辑", role="judge"),
        "nobody": lambda: assign(ledger, 1, [" "], person="编辑"),
        "brief for nobody assigned": lambda: brief(ledger, 1, "路人"),
        "state": lambda: load_cases(ledger, "closed"),
    }


@pytest.mark.parametrize("state", ["opened", "assigned", "differing", "decided"])
def test_every_wrong_step_is_refused_and_leaves_nothing(state, request, scheme):
    ledger = request.getfixturevalue("differing" if state == "decided" else state)
    if state == "decided":
        assign(ledger, 1, ["王老师"], person="编辑", role="arbiter")
        resolve(ledger, scheme, 1, "王老师", "platform", reason="平台")
    head = ledger.head()
    for name, step in wrong_steps(ledger, scheme).items():
        with pytest.raises(ClassifierError):
            step()
            pytest.fail(name)
    assert ledger.head() == head


def test_steps_wait_for_their_state(opened, scheme):
    with pytest.raises(LedgerError, match=r"dispute 1 \(open\): 王老师 cannot become its arbiter; assign 2 reviewers"):
        assign(opened, 1, ["王老师"], person="编辑", role="arbiter")
    assign(opened, 1, ["李雷", "韩梅梅"], person="编辑")
    with pytest.raises(LedgerError, match=r"in review\): there is nothing that 王老师 could resolve"):
        resolve(opened, scheme, 1, "王老师", "platform", reason="平台")
    answer_alike(opened, scheme)
    for step in (
        lambda: assign(opened, 1, ["王老师"], person="编辑"),
        lambda: assign(opened, 1, ["王老师"], person="编辑", role="arbiter"),
        lambda: resolve(opened, scheme, 1, "王老师", "platform", reason="平台"),
        lambda: review(opened, scheme, 1, "李雷", "platform", reason="平台"),
    ):
        with pytest.raises(LedgerError, match=r"dispute 1 \(decided\)"):
            step()


def test_differing_reviewers_answer_no_more(differing, scheme):
    with pytest.raises(LedgerError, match=r"disagreement\): 赵六 cannot become its reviewer; assign an arbiter"):
        assign(differing, 1, ["赵六"], person="编辑", substitute=True, reason="多一人")


def test_what_is_so_already_is_not_claimed(ledger, scheme):
    with pytest.raises(LedgerError, match=r"睿创微纳 is network_identifier already \(by AII\)"):
        open_case(ledger, scheme, "688002", "network_identifier", reason="一样", person="张三")
    ledger.add_company(short_name="无名", full_name="无名有限公司", source="x")
    with pytest.raises(LedgerError, match="no label and no prediction"):
        open_case(ledger, scheme, find_company(ledger, "无名").company_id, "platform", reason="平台", person="张三")


def test_a_prediction_alone_can_be_disputed(ledger, scheme):
    company_id = ledger.add_company(short_name="光年", source="x")
    text = ledger.add_description(company_id, "工业机器人", source="x")
    ledger.add_predictions([NewPrediction(text, MODEL, "AII-2020", {"services": 0.9}, "services", "accepted")])
    with pytest.raises(LedgerError, match=MODEL):
        open_case(ledger, scheme, company_id, "services", reason="一样", person="张三")
    assert open_case(ledger, scheme, company_id, "smart_equipment", reason="机器人", person="张三").state == "open"


def test_reopening_is_a_new_dispute_that_names_the_old_one(assigned, scheme):
    said = {"reason": "年报改了主营", "person": "李雷"}
    with pytest.raises(LedgerError, match="no second dispute on 睿创微纳"):
        open_case(assigned, scheme, "688002", "platform", **said)
    answer_alike(assigned, scheme)
    with pytest.raises(LedgerError, match="is decided; say that you reopen it: --reopens 1"):
        open_case(assigned, scheme, "688002", "platform", **said)
    with pytest.raises(LedgerError, match="dispute 7 is not the last one on 睿创微纳: the last one is 1"):
        open_case(assigned, scheme, "688002", "platform", reopens=7, **said)
    again = open_case(assigned, scheme, "688002", "platform", reopens=1, **said)
    assert (again.dispute.dispute_id, again.reopens, again.state) == (2, 1, "open")
    assert load_case(assigned, 1).decision.code == "automation_edge"  # the old one stands as it was
    assign(assigned, 2, ["韩梅梅", "张三"], person="编辑")
    for person in ("韩梅梅", "张三"):
        review(assigned, scheme, 2, person, "platform", reason="平台")
    assert assigned.current_label("688002").code == "platform"
    entries = [one for one in history(assigned, "688002") if one.kind in ("dispute", "reopening")]
    assert [(one.kind, one.dispute_id, one.reopens) for one in entries] == [
        ("dispute", 1, None),
        ("dispute", 2, 1),
        ("reopening", 2, 1),
    ]
    assert (entries[-1].who, entries[-1].why) == ("李雷", "年报改了主营")
    assert again.reopening.at == entries[-1].at


def test_a_reopening_is_an_entry_that_cannot_be_removed(assigned, scheme):
    answer_alike(assigned, scheme)
    open_case(assigned, scheme, "688002", "platform", reason="年报改了主营", person="李雷", reopens=1)
    copy = assigned.path.with_suffix(".forged")
    shutil.copy(assigned.path, copy)
    with sqlite3.connect(copy) as raw:
        raw.execute("DROP TRIGGER reopenings_refuse_delete")
        raw.execute("DELETE FROM reopenings")
        raw.execute(next(guard for guard in guards("reopenings") if "DELETE" in guard))
    raw.close()
    with Ledger.open(copy) as forged:
        assert [(fault.table, fault.reason) for fault in forged.verify()] == [("reopenings", "is gone: deleted")]
        assert load_case(forged, 2).reopens is None, "it is told by the entry alone"


def test_a_reopening_by_the_model_is_not_told_to_the_blind(assigned, scheme):
    answer_alike(assigned, scheme)
    assigned.open_dispute("688002", "services", reason=f"{MODEL} on description 1: services 0.61", person=PROGRAM)
    blind, seeing = (
        [one for one in history(assigned, "688002", blind=blind) if one.kind == "reopening"] for blind in (True, False)
    )
    assert [(one.who, one.why) for one in blind] == [(PROGRAM, "")]
    assert "services" in seeing[0].why


def test_history_and_list_tell_who_assigned_whom_and_why(opened, scheme):
    assign(opened, 1, ["李雷", "韩梅梅"], person="编辑部", reason="本周值班")
    assign(opened, 1, ["王老师"], person="主编", reason="韩梅梅休假", substitute=True)
    entries = [one for one in history(opened, "688002") if one.kind == "reviewer"]
    assert [(one.who, one.by, one.why) for one in entries] == [
        ("李雷", "编辑部", "本周值班"),
        ("韩梅梅", "编辑部", "本周值班"),
        ("王老师", "主编", "韩梅梅休假"),
    ]
    assert history_text(entries, scheme).endswith("王老师 (assigned by 主编; 韩梅梅休假; dispute 1)")
    case, company = load_case(opened, 1), opened.company("688002")
    assert cases_text([(case, company)], scheme).endswith("编辑部, 主编")
    assert [(one["reviewer"], one["person"]) for one in case_record(case, company)["assignments"]] == [
        ("李雷", "编辑部"),
        ("韩梅梅", "编辑部"),
        ("王老师", "主编"),
    ]


def test_somebody_assigns_and_a_substitute_has_a_reason(assigned):
    with pytest.raises(LedgerError, match="name yourself with --person"):
        assign(assigned, 1, ["王老师"], person=" ")
    with pytest.raises(LedgerError, match="a substitute needs a reason"):
        assign(assigned, 1, ["王老师"], person="编辑", substitute=True)


OLDER = """
name         listed.csv: 睿创微纳 (short name)
description  listed.csv: 红外探测器芯片的研发和销售 (of 2026-07-01; text 1)
prediction   AII-2020/planted: 相关服务 services (0.610, review; text 1)
label        AII: 网络与标识 network_identifier (printed in 表2-3)
dispute      张三: 工业自动化与边缘计算 automation_edge (探测器是传感器; text 1, dispute 1)
reviewer     李雷 (dispute 1)
reviewer     韩梅梅 (dispute 1)
review       李雷: 工业自动化与边缘计算 automation_edge (传感器; text 1, dispute 1)
review       韩梅梅: 网络与标识 network_identifier (芯片; text 1, dispute 1)
arbiter      王老师 (dispute 1)
decision     王老师: 工业自动化与边缘计算 automation_edge (定义明列传感器; text 1, AII-2020/planted, dispute 1)
label        王老师: 工业自动化与边缘计算 automation_edge (定义明列传感器; text 1, dispute 1)
dispute      赵六: 不属于工业互联网 out_of_scope (年报改了主营; text 1, dispute 2, reopens 1)
reviewer     李雷 (dispute 2)
"""  # as gonglian told it before the migration, without times
OLDER_HEAD = "16:ad2d09309ed3c25962abdb79165601b9fdf93b07e7e81adfdb7270f4d7d11f10"


def write_older(folder):
    path = folder / "older.db"
    with closing(sqlite3.connect(path)) as raw:
        raw.executescript(Path(__file__).with_name("ledger_2026_07.sql").read_text(encoding="utf-8"))
    return path


@pytest.fixture
def older(tmp_path):
    """A ledger that was written before 2026-11: no entries of reopenings, no word on who assigned."""
    with Ledger.open(write_older(tmp_path)) as ledger:
        yield ledger
        assert ledger.verify(OLDER_HEAD) == []


def test_an_older_ledger_is_valid_and_tells_the_same_history(older, scheme):
    assert older.head() == OLDER_HEAD and older.verify() == []
    told = history_text(history(older, "688002"), scheme).splitlines()
    assert [line.partition("  ")[2] for line in told] == OLDER.strip().splitlines()
    assert (load_case(older, 2).reopens, load_case(older, 2).reopening) == (1, None)


def test_an_older_ledger_is_migrated_whole_or_not_at_all(tmp_path, monkeypatch):
    path = write_older(tmp_path)
    before = path.read_bytes()
    broken = Migration("broken", ("CREATE TABLE companies (x)",))
    monkeypatch.setattr(chain, "MIGRATIONS", (*chain.MIGRATIONS, broken))
    with pytest.raises(LedgerError, match="already exists"):
        Ledger.open(path)
    assert path.read_bytes() == before


def test_an_older_ledger_is_carried_on(older, scheme):
    assign(older, 2, ["韩梅梅"], person="编辑部")
    assert [one.person for one in older.assignments_of(2)] == ["", "编辑部"]
    answer_alike(older, scheme, 2, "out_of_scope")
    again = open_case(older, scheme, "688002", "platform", reason="又改了", person="赵六", reopens=2)
    assert (again.reopens, again.reopening.reason) == (2, "又改了")


def test_a_first_dispute_reopens_nothing(ledger, scheme):
    with pytest.raises(LedgerError, match="it has had none"):
        open_case(ledger, scheme, "688002", "platform", reason="平台", person="张三", reopens=1)


def test_history_has_everything_in_order(differing, scheme):
    assign(differing, 1, ["王老师"], person="编辑", role="arbiter")
    resolve(differing, scheme, 1, "王老师", "automation_edge", reason="定义明列传感器")
    entries = history(differing, "688002")
    assert [entry.kind for entry in entries] == [
        *("name", "description", "prediction", "label", "dispute", "reviewer", "reviewer", "review", "review"),
        *("arbiter", "decision", "label"),
    ]
    assert [entry.at for entry in entries] == sorted(entry.at for entry in entries)
    decided = entries[-2]
    assert (decided.who, decided.what, decided.why) == ("王老师", "automation_edge", "定义明列传感器")
    assert (decided.text_id, decided.model, decided.dispute_id) == (1, MODEL, 1)
    lines = history_text(entries, scheme).splitlines()
    assert len(lines) == len(entries)
    assert (
        "王老师: 工业自动化与边缘计算 automation_edge (定义明列传感器; text 1, AII-2020/planted, dispute 1)"
        in lines[-2]
    )
    with pytest.raises(LedgerError, match="no company"):
        history(differing, "000001")


def test_history_keeps_the_order_of_steps_within_a_second(tmp_path, scheme):
    with Ledger.open(tmp_path / "still.db", now=lambda: datetime(2026, 7, 1, tzinfo=UTC)) as ledger:
        ledger.add_company(stock_code="688002", short_name="睿创微纳", source="x")
        ledger.add_label("688002", "network_identifier", person="AII")
        open_case(ledger, scheme, "688002", "automation_edge", reason="传感器", person="张三")
        assign(ledger, 1, ["李雷", "韩梅梅"], person="编辑")
        answer_alike(ledger, scheme)
        open_case(ledger, scheme, "688002", "platform", reason="平台", person="张三", reopens=1)
        kinds = [entry.kind for entry in history(ledger, "688002")]
    assert kinds == [
        *("name", "label", "dispute", "reviewer", "reviewer", "review", "review", "decision", "label", "dispute"),
        "reopening",
    ]


def test_two_that_answer_at_once_are_both_heard(assigned, scheme):
    faults = []

    def answer(person):
        try:
            with Ledger.open(assigned.path) as own:
                review(own, scheme, 1, person, "automation_edge", reason="传感器")
        except ClassifierError as error:
            faults.append(error)

    threads = [threading.Thread(target=answer, args=[person]) for person in ("李雷", "韩梅梅")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == [] and load_case(assigned, 1).state == "decided" and len(assigned.decisions()) == 1


def test_disputes_are_listed(assigned, scheme):
    company = assigned.company("688002")
    case = load_case(assigned, 1)
    text = cases_text([(case, company)], scheme)
    assert "睿创微纳" in text and "工业自动化与边缘计算" in text and "李雷, 韩梅梅" in text
    record = case_record(case, company)
    assert (record["state"], record["waits_for"], record["decision"]) == ("in review", ["李雷", "韩梅梅"], None)
    assert "it waits for the review of 李雷, 韩梅梅" in case_text(case, company, scheme)
    assert "decided by 李雷、韩梅梅" in case_text(answer_alike(assigned, scheme), company, scheme)


def test_companies_and_labels_are_found_as_people_write_them(ledger, scheme):
    assert find_company(ledger, "睿创微纳").company_id == "688002"
    with pytest.raises(LedgerError, match="no company '睿创'"):
        find_company(ledger, "睿创")
    ledger.add_company(stock_code="000002", short_name="睿创微纳", source="x")
    with pytest.raises(LedgerError, match="2 companies are called"):
        find_company(ledger, "睿创微纳")
    assert find_code(scheme, "网络及标识") == "network_identifier"
    with pytest.raises(SchemeError):
        find_code(scheme, "机器人")
