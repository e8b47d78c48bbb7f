import datetime
import json
import sqlite3

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from classifier.entries import NewPrediction
from classifier.errors import InputError
from classifier.identifiers import credit_check
from classifier.ledger import PROGRAM as PERSON
from classifier.ledger import Ledger
from classifier.schema import TABLES
from classifier.scoring import Scorer, decide_with
from classifier.sources import Grid
from classifier.track import Tracked, read_tracked, to_record, to_text, track
from tests.conftest import BAKERY, FIREWALL, ROBOT

NOON = datetime.datetime(2026, 7, 1, 12, tzinfo=datetime.UTC)
FIRST, SECOND, THIRD = (body + credit_check(body) for body in (f"91330100000000{n:03}" for n in (1, 2, 3)))
COMPANIES = f"""统一社会信用代码,企业简称,公司全称,省份,城市,简介
{FIRST},光年,浙江光年科技有限公司,浙江,杭州市,{ROBOT}
{SECOND},安盾,江西安盾信息技术有限公司,江西,,{FIREWALL}
,麦香,麦香餐饮管理有限公司,,,{BAKERY}
"""
EVENTS = """融资方,融资时间,轮次,金额,投资方
光年科技,2026-03-01,A轮,1000万人民币,深创投 达晨
无名氏,2026年5月,天使轮,未披露,
"""


@pytest.fixture
def ledger(tmp_path):
    with Ledger.open(tmp_path / "gonglian.db", now=lambda: NOON) as opened:
        yield opened


@pytest.fixture
def take(tmp_path, ledger, scorer):
    """Track texts of files, companies or events by their header, as gonglian track does."""

    def taken(*texts: str, scorer: Scorer = scorer, **options: object) -> Tracked:
        grids = []
        for number, text in enumerate(texts):
            path = tmp_path / f"file{number}.csv"
            path.write_text(text, encoding="utf-8")
            grids.append(read_tracked(str(path), events=text.startswith("融资方")))
        return track(ledger, grids, scorer, **options)

    return taken


def contents(path):
    """Return all rows of all tables of a file."""
    with sqlite3.connect(path) as connection:
        tables = (*TABLES, "chain", "migrations")
        found = {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in tables}
    connection.close()
    return found


def names(outcomes):
    return [outcome.name for outcome in outcomes]


def test_new_companies_are_kept_whole_and_scored(take, ledger, scorer):
    tracked = take(COMPANIES, source="桔子", dated=datetime.date(2026, 6, 30))
    assert names(tracked.new) == ["光年", "安盾", "麦香"] and tracked.rows == 3
    company = ledger.company(FIRST)
    assert (company.full_name, company.province, company.city) == ("浙江光年科技有限公司", "浙江", "杭州市")
    text = ledger.latest_description(FIRST)
    assert (text.text, text.source, text.dated) == (ROBOT, "桔子", "2026-06-30")
    said = ledger.current_prediction(FIRST)
    assert said.domain == "smart_equipment" and said.model == scorer.facts.identity
    assert set(said.probabilities) == set(scorer.scheme.codes) and sum(said.probabilities.values()) == pytest.approx(1)
    assert ledger.company(tracked.new[2].company_id).generated
    assert ledger.verify() == []


def test_twice_changes_nothing(take, ledger):
    first = take(COMPANIES, EVENTS)
    held, head = contents(ledger.path), ledger.head()
    again = take(COMPANIES, EVENTS)
    assert contents(ledger.path) == held and ledger.head() == head
    assert (again.new, again.changed, again.renamed, again.changed_domain, again.to_review) == ([], [], [], [], [])
    assert first.events.new == again.events.known == 2
    assert len(again.unchanged) == 5, "one outcome a company and file"


def test_a_changed_description_is_a_new_version_that_is_scored(take, ledger):
    take(COMPANIES)
    tracked = take(f"企业名称,简介\n浙江光年科技有限公司,{FIREWALL}\n江西安盾信息技术有限公司,{FIREWALL} \n")
    assert names(tracked.changed) == ["光年"] and names(tracked.unchanged) == ["安盾"], "white space is no change"
    assert [text.text for text in ledger.descriptions_of(FIRST)] == [ROBOT, FIREWALL]
    change = tracked.changed_domain[0]
    assert (change.before, change.domain) == ("smart_equipment", "security")
    assert len(ledger.predictions_of(FIRST)) == 2 and len(ledger.predictions_of(SECOND)) == 1


def test_an_older_description_does_not_become_the_newest(take, ledger):
    take(COMPANIES)
    tracked = take(f"企业名称,简介\n浙江光年科技有限公司,{FIREWALL}\n", dated=datetime.date(2020, 1, 1))
    assert tracked.changed == [] and ledger.latest_description(FIRST).text == ROBOT
    assert len(ledger.descriptions_of(FIRST)) == 2


def test_codes_outrank_names_and_a_renamed_company_keeps_all_of_them(take, ledger):
    take(COMPANIES)
    tracked = take(f"统一社会信用代码,企业简称,公司全称\n{FIRST},星河,浙江星河机器人有限公司\n")
    assert tracked.new == [] and tracked.renamed[0].new_names == ("星河", "浙江星河机器人有限公司")
    assert {name.name for name in ledger.names_of(FIRST)} >= {"光年", "星河"}
    assert take("融资方,融资时间,轮次\n光年,2026-01-01,A轮\n星河,2026-02-01,B轮\n").new == []
    assert {event.company_id for event in ledger.events()} == {FIRST}


def test_a_company_of_one_name_and_another_code_is_another_one(take, ledger):
    take(COMPANIES)
    tracked = take(f"统一社会信用代码,企业简称,简介\n{THIRD},光年,{BAKERY}\n")
    assert [one.company_id for one in tracked.new] == [THIRD] and ledger.latest_description(FIRST).text == ROBOT
    fourth = "91330100000000004" + credit_check("91330100000000004")
    assert len(take(f"统一社会信用代码,企业简称\n{fourth},安盾\n{FIRST},光年\n{THIRD},安盾\n").new) == 1
    same = take(f"统一社会信用代码,公司全称\n{SECOND[:-1]}X,甲有限公司\n{THIRD},浙江光年科技有限公司\n")
    assert "ends in X" in same.problems[0].reason, "a faulty code is flagged"
    assert ledger.find("甲有限公司")[0].code_fault
    assert THIRD in {one.company_id for one in same.unchanged}, "the code decides"


def test_a_full_name_with_a_contradicting_code_is_for_a_person(take, ledger):
    take(COMPANIES)
    head = ledger.head()
    tracked = take(f"统一社会信用代码,公司全称,简介\n{THIRD},浙江光年科技有限公司,{BAKERY}\n")
    assert tracked.outcomes == () and FIRST in tracked.ambiguous[0].reason and ledger.head() == head


def test_codes_of_two_companies_are_for_a_person(take, ledger):
    take("统一社会信用代码,证券代码,企业简称\n" + f"{FIRST},,光年\n,688002,睿创\n")
    tracked = take(f"统一社会信用代码,证券代码,企业简称\n{FIRST},688002,光年\n")
    assert "688002" in tracked.ambiguous[0].reason and FIRST in tracked.ambiguous[0].reason


def test_an_ambiguous_name_adds_nothing_until_a_person_gives_the_id(take, ledger):
    two = f"{THIRD},光年,江苏光年软件有限公司,,,{BAKERY}\n"
    take(COMPANIES + two)
    head = ledger.head()
    tracked = take("融资方,融资时间,轮次\n光年,2026-01-01,A轮\n")
    (doubt,) = tracked.ambiguous
    assert (doubt.row, doubt.cell) == (1, "光年") and FIRST in doubt.reason and THIRD in doubt.reason
    assert tracked.outcomes == () and tracked.events == (0, 0, 0) and ledger.head() == head
    take(f"融资方,融资时间,轮次,company_id\n光年,2026-01-01,A轮,{THIRD}\n")
    assert [event.company_id for event in ledger.events()] == [THIRD]


def test_two_companies_do_not_share_what_is_known_by_a_short_name_alone(take, ledger):
    take("融资方,融资时间,轮次\n光年,2026-01-01,A轮\n")
    one = f"统一社会信用代码,企业简称,公司全称\n{FIRST},光年,浙江光年科技有限公司\n"
    tracked = take(one + f"{THIRD},光年,江苏光年软件有限公司\n")
    assert [doubt.row for doubt in tracked.ambiguous] == [1, 2] and len(ledger.companies()) == 1
    assert len(take(one).renamed) == 1


def test_an_event_of_an_unknown_company_adds_it_without_description(take, ledger, scorer):
    tracked = take(COMPANIES, EVENTS)
    assert names(tracked.without_text) == ["无名氏"] and tracked.without_text[0].domain == ""
    first, second = ledger.events()
    assert (first.company_id, first.amount_wan, first.investors) == (FIRST, 1000, ("深创投", "达晨"))
    assert (second.precision, second.published) == ("month", False)
    assert "无名氏" in to_text(tracked, scorer.scheme) and "without description" in to_text(tracked, scorer.scheme)
    later = take(f"企业简称,公司全称,简介\n无名氏,无名氏机器人有限公司,{ROBOT}\n")
    assert names(later.changed) == ["无名氏"] and later.changed[0].domain == "smart_equipment"


def test_two_events_of_a_day_are_kept_and_reported(take, ledger):
    events = "融资方,融资时间,轮次,金额\n光年,2026-03-01,A轮,2000万人民币\n光年,2026-03-01,A轮,500万人民币\n"
    tracked = take(events)
    assert [(problem.row, problem.column) for problem in tracked.problems] == [(2, "date")]
    assert [event.amount_wan for event in ledger.events()] == [2000]
    head = ledger.head()
    assert take(events).events.known == 2 and ledger.head() == head


def test_bad_rows_are_reported_and_the_others_are_taken(take, ledger):
    header = "统一社会信用代码,企业简称,简介\n"
    tracked = take(header + f",,{BAKERY}\n{FIRST},光年,{ROBOT}\n-,无,暂时没有\n91,,{BAKERY}\n,乙,{BAKERY},多了\n")
    nameless = "has neither a name nor a sound code of a company"
    assert [problem.reason.split(";")[0] for problem in tracked.problems if problem.row in (1, 3)] == [nameless] * 2
    assert [problem.cell for problem in tracked.problems if problem.row == 4] == ["91", ""]
    assert any("4 cells" in problem.reason for problem in tracked.problems)
    assert names(tracked.new) == ["光年"]
    tracked = take("融资方,融资时间,轮次,金额\n光年,0002-12-02,A轮,1万\n光年,2026-01-01,Z轮,很多钱\n")
    assert {(problem.row, problem.column) for problem in tracked.problems} == {(1, "date"), (2, "round"), (2, "amount")}
    assert [event.round for event in ledger.events()] == [""]


def test_several_descriptions_of_a_company_are_kept_and_reported(take, ledger):
    tracked = take("企业简称,简介\n光年,做机器人的研发\n光年,机器人\n")
    assert ledger.latest_description(tracked.new[0].company_id).text == "做机器人的研发"
    assert [(problem.row, problem.cell) for problem in tracked.problems] == [(2, "机器人")]


def test_a_name_does_not_move_a_company_whose_address_is_known(take, ledger):
    take("企业简称,公司全称,地址\n光年,北京光年科技有限公司,上海市浦东新区张江路1号\n")
    take("融资方,融资时间,轮次\n北京光年科技有限公司,2026-01-01,A轮\n")
    assert ledger.companies()[0].province == "上海"
    take("企业简称,公司全称,地址\n光年,北京光年科技有限公司,苏州市工业园区1号\n")
    assert ledger.companies()[0].province == "江苏"


def test_a_persons_label_stands_and_a_model_that_disagrees_opens_one_dispute(take, ledger, scorer):
    take("企业简称,公司全称\n光年,浙江光年科技有限公司\n安盾,江西安盾信息技术有限公司\n")
    ((first,), (second,)) = ([one.company_id for one in ledger.find(name)] for name in ("光年", "安盾"))
    ledger.add_label(first, "services", person="李雷", reason="集成为主")
    ledger.add_label(second, "security", person="李雷")
    text = f"公司全称,简介\n浙江光年科技有限公司,{ROBOT}\n江西安盾信息技术有限公司,{FIREWALL}\n"
    (opened,) = take(text).reviews_opened
    dispute = ledger.dispute(opened.dispute_id)
    assert (dispute.company_id, dispute.claimed, dispute.person) == (first, "smart_equipment", PERSON)
    assert scorer.facts.identity in dispute.reason and "李雷 said services" in dispute.reason
    assert (opened.before, opened.by) == ("services", "李雷")
    head = ledger.head()
    assert take(text).reviews_opened == [] and ledger.head() == head
    assert ledger.current_label(first).code == "services" and len(ledger.labels_of(first)) == 1
    ledger.decide(first, "services", person="韩梅梅", reason="按合同", dispute_id=dispute.dispute_id)
    assert take(text).reviews_opened == [], "the same text and model"
    ledger.add_label(first, "platform", person="王强")
    assert take(text).reviews_opened == [], "not even for another label"
    (again,) = take(f"公司全称,简介\n浙江光年科技有限公司,{FIREWALL}\n").reviews_opened
    assert again.domain == "security", "another text"


def test_a_decision_that_knew_what_the_model_said_is_not_disputed(take, ledger):
    take(COMPANIES)
    ledger.decide(FIRST, "services", person="李雷", reason="集成为主")
    assert take(COMPANIES).reviews_opened == [] and ledger.disputes() == []


def test_another_model_is_heard_on_texts_that_are_known(take, ledger, scorer, small_model):
    take(COMPANIES)
    ledger.decide(FIRST, "services", person="李雷", reason="集成为主")
    small = decide_with(Scorer(small_model, scorer.scheme), None, 0.3)
    tracked = take(COMPANIES, scorer=small)
    assert all(one.scored for one in tracked.outcomes) and names(tracked.unchanged) == ["光年", "安盾", "麦香"]
    assert names(tracked.reviews_opened) == ["光年"], "a new model that is sure may dispute a decision"
    assert [one.model for one in ledger.predictions_of(FIRST)] == [scorer.facts.identity, small.facts.identity]


def test_what_differs_by_less_than_engines_do_is_no_new_prediction(take, ledger):
    take(COMPANIES)
    said = ledger.current_prediction(FIRST)
    near = {label: share + 1e-6 for label, share in said.probabilities.items()}
    ledger.add_predictions([NewPrediction(*said[1:4], near, said.domain, said.status)])
    head = ledger.head()
    assert not any(one.scored for one in take(COMPANIES).outcomes) and ledger.head() == head


def test_doubtful_companies_are_for_a_person_unless_one_has_spoken(take, ledger, scorer):
    text = "企业简称,简介\n光年,从事相关业务\n安盾,从事有关业务\n"
    take("企业简称\n安盾\n")
    ledger.add_label(ledger.companies()[0].company_id, "out_of_scope", person="李雷")
    tracked = take(text)
    assert names(tracked.to_review) == ["光年"] and tracked.to_review[0].reason
    assert ledger.current_prediction(tracked.new[0].company_id).status == "review"
    assert take(text).to_review == []
    shown = to_text(tracked, scorer.scheme)
    assert "to review" in shown and "光年" in shown
    record = json.loads(json.dumps(to_record(tracked), ensure_ascii=False))
    assert record["to_review"] == [tracked.new[0].company_id] and record["rows"] == 2


def test_a_file_is_taken_whole_or_not_at_all(tmp_path, scorer):
    source = tmp_path / "companies.csv"
    source.write_text(COMPANIES, encoding="utf-8")
    left = iter(range(10**6))

    def clock():
        if next(left, None) is None:
            raise KeyboardInterrupt
        return NOON

    def run(name):
        with Ledger.open(tmp_path / name, now=clock) as ledger:
            track(ledger, [read_tracked(str(source))], scorer)

    for name in ("whole.db", "cut.db"):
        Ledger.open(tmp_path / name, now=lambda: NOON).close()
    empty = contents(tmp_path / "cut.db")
    run("whole.db")
    calls = next(left)
    for last in range(0, calls, 2):
        left = iter(range(last))
        with pytest.raises(KeyboardInterrupt):
            run("cut.db")
        assert contents(tmp_path / "cut.db") == empty
    left = iter(range(10**6))
    run("cut.db")
    assert contents(tmp_path / "cut.db") == contents(tmp_path / "whole.db")


def test_a_workbook_with_dates_and_numbers_is_read_as_it_is(tmp_path, ledger, scorer):
    book = openpyxl.Workbook()
    for row in (
        ["证券代码", "公司简称", "融资时间", "轮次", "金额(万元)", "主营业务"],
        [688002, "睿创微纳", datetime.datetime(2020, 3, 1), "A轮\t", 1200.5, ROBOT],
    ):
        book.active.append(row)
    book.save(tmp_path / "events.xlsx")
    track(ledger, [read_tracked(str(tmp_path / "events.xlsx"))], scorer)
    (event,), (company,) = ledger.events(), ledger.companies()
    assert (company.company_id, company.name) == ("688002", "睿创微纳")
    assert (str(event.date)[:10], event.round, event.amount_wan) == ("2020-03-01", "A轮", 1200.5)
    assert ledger.latest_description("688002").dated == "2026-07-01", "the day it was seen, not that of the event"


def test_a_company_list_may_leave_the_columns_of_events_empty(take, ledger):
    tracked = take(f"企业简称,融资时间,轮次,简介\n光年,,,{ROBOT}\n安盾,2026-01-01,A轮,{FIREWALL}\n")
    assert tracked.problems == () and tracked.events.new == 1


def test_a_file_without_companies_or_dates_is_refused(tmp_path):
    path = tmp_path / "bad.csv"
    path.write_text("城市,金额\n杭州,1\n", encoding="utf-8")
    with pytest.raises(InputError, match="found 城市, 金额"):
        read_tracked(str(path))
    path.write_text("融资方,轮次\n甲,A轮\n", encoding="utf-8")
    with pytest.raises(InputError, match="no column for date"):
        read_tracked(str(path), events=True)


COLUMNS = ("统一社会信用代码", "证券代码", "企业简称", "公司全称", "省份", "简介", "融资时间", "轮次", "金额")
row = st.tuples(
    st.sampled_from(("", FIRST, SECOND, FIRST[:-1] + "0")),
    st.sampled_from(("", "688002", "12")),
    st.sampled_from(("", "光年", "安盾", "光年科技", "麦香 ")),
    st.sampled_from(("", "浙江光年科技有限公司", "江苏光年软件有限公司", "浙江光年科技股份有限公司", "安盾有限公司")),
    st.sampled_from(("", "浙江", "上海")),
    st.sampled_from(("", ROBOT, FIREWALL, "做机器人")),
    st.sampled_from(("", "2026-01-01", "2026-01", "x")),
    st.sampled_from(("A轮", "B轮")),
    st.sampled_from(("", "1000万人民币", "5万美元", "未披露")),
)


def grid_of(rows):
    from classifier.sources import WANTED, find_columns

    cells = {name: [row[index] for row in rows] for index, name in enumerate(COLUMNS)}
    found = find_columns(COLUMNS, dict.fromkeys((*WANTED["companies"], *WANTED["events"])))
    taken = {column: cells[header] for column, header in found.items()}
    return Grid("rows.csv", taken, dict.fromkeys(found, ""), len(rows), [], cells)


def state(ledger):
    connection = ledger._connection
    return {table: connection.execute(f"SELECT * FROM {table}").fetchall() for table in TABLES}


@settings(max_examples=150)
@given(st.lists(row, max_size=4), st.lists(row, min_size=1, max_size=8), st.randoms(use_true_random=False))
def test_the_order_of_rows_does_not_matter_and_twice_changes_nothing(scorer, known, rows, random):
    states = []
    for shuffled in (rows, random.sample(rows, len(rows))):
        with Ledger.open(":memory:", now=lambda: NOON) as ledger:
            track(ledger, [grid_of(known)], scorer)
            for company in ledger.companies()[:1]:
                ledger.add_label(company.company_id, "platform", person="李雷")
            track(ledger, [grid_of(shuffled)], scorer)
            states.append(state(ledger))
            again = track(ledger, [grid_of(shuffled)], scorer)
            assert state(ledger) == states[-1] and again.new == again.changed == again.changed_domain == []
            assert ledger.verify() == []
    assert states[0] == states[1]


@settings(max_examples=60)
@given(st.lists(row, min_size=1, max_size=8))
def test_every_row_is_taken_or_reported(scorer, rows):
    with Ledger.open(":memory:", now=lambda: NOON) as ledger:
        tracked = track(ledger, [grid_of(rows)], scorer)
        said = {problem.row for problem in (*tracked.problems, *tracked.ambiguous)}
        held = {name for _, name in ledger.all_names()} | {code for one in ledger.companies() for code in one[3:5]}
        for number, cells in enumerate(rows, 1):
            mentioned = {cell.strip() for cell in cells[2:4]} - {""}
            assert number in said or (mentioned and mentioned <= held) or (set(cells[:2]) - {""}) & held


def test_labels_of_a_file_are_the_sources_and_do_not_undo_a_decision(take, ledger):
    text = "企业简称,简介,人工标签\n光年,从事相关业务,网络及标识\n"
    take(text, source="AII-2020")
    [company] = ledger.companies()
    label = ledger.current_label(company.company_id)
    assert (label.code, label.person) == ("network_identifier", "AII-2020")
    ledger.decide(company.company_id, "automation_edge", person="王老师", reason="定义")
    head = ledger.head()
    take(text, source="AII-2020")
    assert ledger.head() == head and ledger.current_label(company.company_id).code == "automation_edge"


def test_a_model_in_doubt_does_not_dispute_a_label(take, ledger):
    tracked = take("企业简称,简介,人工标签\n光年,从事相关业务,平台\n")
    assert tracked.reviews_opened == [] and ledger.disputes() == []
