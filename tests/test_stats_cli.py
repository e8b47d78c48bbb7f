"""gonglian stats and gonglian report, as a user runs them."""

import json
from html.parser import HTMLParser

import openpyxl
import pytest

from classifier.ledger import Ledger
from classifier.resources import labeled_folder
from tests.conftest import BAKERY, FIREWALL, ROBOT, read_csv

EVENTS = """融资方,融资时间,轮次,金额,投资方
机甲,2019-03-05,天使轮,500万人民币,深创投
机甲,2020-03-05,A轮,1000万美元,深创投 达晨
盾安,2020-08-01,B轮,数千万人民币,未披露
面包房,2020-08-08,A轮,1亿人民币,红杉资本
无名,2020-01-01,A轮,未披露,
盾安,0002-12-02,A轮,未披露,
"""


@pytest.fixture
def files(tmp_path):
    """A list with descriptions, one with labels, and events."""
    texts = {
        "companies.csv": f"名称,地址,简介\n机甲,深圳市南山区,{ROBOT}\n盾安,北京市海淀区,{FIREWALL}\n"
        f"面包房,上海市,{BAKERY}\n",
        "labelled.csv": "名称,省份,标签\n机甲,广东,工业智能设备\n盾安,北京,安全\n面包房,上海,不属于工业互联网\n",
        "events.csv": EVENTS,
    }
    for name, text in texts.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    return tmp_path


def inputs(files, companies="companies.csv"):
    return ["--companies", files / companies, "--events", files / "events.csv", "--year", "2020"]


def figure(result, table, **place):
    rows = next(entry for entry in json.loads(result.stdout) if entry["id"] == table)["rows"]
    return next(row for row in rows if all(row[key] == value for key, value in place.items()))


def test_tables_say_n_corrected_value_and_interval(run, files):
    result = run("stats", "tables", *inputs(files), "--json")
    assert result.exit_code == 0, result.stderr
    found = figure(result, "U1", year=2020, period="全年", measure="events")
    assert found["n"] == 2 and found["plain"] == 2
    assert found["low"] <= found["value"] <= found["high"] and found["value"] != 2
    assert "not used:" in result.stderr and "0002-12-02" in result.stderr
    assert "no L1 上市企业总市值 (图2-1): needs --market-values" in result.stderr


def test_labels_of_people_are_certain(run, files):
    result = run("stats", "tables", *inputs(files, "labelled.csv"), "--json", "-q")
    found = figure(result, "U6", year=2020, domain="security", measure="companies")
    assert (found["plain"], found["value"], found["low"], found["high"]) == (1, 1, 1, 1)
    amount = figure(result, "U7", year=2020, domain="smart_equipment", measure="amount_wan")
    assert amount["value"] == pytest.approx(6461.4)
    assert result.stderr == ""


def test_another_rate_counts(run, files):
    result = run("stats", "tables", *inputs(files, "labelled.csv"), "--json", "-q", "--rate", "USD=7")
    assert figure(result, "U7", year=2020, domain="smart_equipment", measure="amount_wan")["value"] == 7000
    bad = run("stats", "tables", *inputs(files, "labelled.csv"), "--rate", "USD:7")
    assert bad.exit_code == 1 and "USD=6.4614" in bad.stderr


def test_plain_tables_have_no_interval(run, files):
    result = run("stats", "tables", *inputs(files), "--json", "--plain", "-q")
    found = figure(result, "U1", year=2020, period="全年", measure="events")
    assert (found["value"], found["low"], found["high"]) == (2, None, None)


def test_tables_are_printed_for_people(run, files):
    result = run("stats", "tables", *inputs(files), "--table", "U6", "-q")
    assert result.exit_code == 0
    assert "U6" in result.stdout and "图3-5" in result.stdout and "工业智能设备" in result.stdout
    assert "U7" not in result.stdout
    assert run("stats", "tables", *inputs(files), "--table", "U99").exit_code == 2


def test_sensitivity_counts_under_other_choices(run, files):
    result = run("stats", "tables", *inputs(files), "--json", "-q", "--sensitivity", "--table", "U6")
    found = figure(result, "U6", year=2020, domain="security", measure="companies")
    assert found["prior 0.3"] == 1 and "accepted at 0.97" in found
    without_texts = run("stats", "tables", *inputs(files, "labelled.csv"), "--sensitivity")
    assert without_texts.exit_code == 1 and "no descriptions" in without_texts.stderr


def test_tables_that_were_written_add_up(run, files, tmp_path):
    assert run("stats", "tables", *inputs(files), "-o", tmp_path / "tables", "-q").exit_code == 0
    assert run("stats", "tables", *inputs(files), "-o", tmp_path / "tables.xlsx", "-q").exit_code == 0
    assert "domains" in openpyxl.load_workbook(tmp_path / "tables.xlsx").sheetnames
    result = run("stats", "check", tmp_path / "tables")
    assert result.exit_code == 0, result.stdout


def test_the_printed_tables_have_five_faults(run):
    result = run("stats", "check", labeled_folder() / "reference" / "aii2020")
    assert result.exit_code == 1
    assert "5 do not" in result.stdout and "3477" in result.stdout and "5056" in result.stdout


def test_every_event_comes_back_with_what_it_means(run, files, tmp_path):
    result = run("stats", "events", files / "events.csv")
    rows = read_csv(result.stdout)
    assert len(rows) == 6
    assert rows[0]["金额"] == "500万人民币" and float(rows[0]["read_amount_wan"]) == 500
    assert rows[2]["read_rule"] == "several" and rows[5]["read_date"] == ""
    assert "row 6: date '0002-12-02'" in result.stderr
    assert run("stats", "events", files / "events.csv", "-o", tmp_path / "read.xlsx").exit_code == 0
    assert openpyxl.load_workbook(tmp_path / "read.xlsx").active.max_row == 7


def test_a_report_is_written_whole(run, files, tmp_path):
    result = run("report", *inputs(files), "-o", tmp_path / "report")
    assert result.exit_code == 0, result.stderr
    page = (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
    HTMLParser().feed(page)
    assert "2020" in page and "<svg" in page and "未能使用" in page
    sheets = openpyxl.load_workbook(tmp_path / "report" / "report.xlsx").sheetnames
    assert len(sheets) >= 18
    assert (tmp_path / "report" / "tables" / "domains.csv").exists()
    assert (tmp_path / "report" / "figures" / "U6_domains.svg").exists()
    problems = read_csv((tmp_path / "report" / "problems.csv").read_text(encoding="utf-8-sig"))
    assert {problem["column"] for problem in problems} == {"date", "name"}


def test_evaluate_writes_a_confusion_that_stats_reads(run, files, tmp_path):
    held_out = tmp_path / "held_out.csv"
    held_out.write_text(f"简介,领域\n{ROBOT},工业智能设备\n{BAKERY},out_of_scope\n", encoding="utf-8")
    confusion = tmp_path / "confusion.csv"
    result = run("evaluate", held_out, "--text", "简介", "--label", "领域", "--confusion", confusion)
    assert result.exit_code == 0, result.stderr
    assert "smart_equipment" in confusion.read_text(encoding="utf-8")
    assert run("stats", "tables", *inputs(files), "--confusion", confusion, "-q").exit_code == 0
    missing = run("stats", "tables", *inputs(files), "--confusion", tmp_path / "none.csv")
    assert missing.exit_code == 1 and "none.csv" in missing.stderr


def test_a_ledger_yields_the_tables_of_the_files(run, files, tmp_path):
    path = tmp_path / "gonglian.db"
    with Ledger.open(path) as ledger:
        for name, province, code in (("机甲", "广东", "smart_equipment"), ("盾安", "北京", "security")):
            company = ledger.add_company(short_name=name, province=province, source="test")
            ledger.add_label(company, code, person="评审甲")
    asked = ["--ledger", path, "--year", "2020", "--json", "-q"]
    result = run("stats", "tables", *asked, "--events", files / "events.csv")
    assert result.exit_code == 0, result.stderr
    found = figure(result, "U6", year=2020, domain="security", measure="companies")
    assert (found["plain"], found["value"]) == (1, 1)
    both = run("stats", "tables", *asked, "--companies", files / "companies.csv")
    assert both.exit_code == 1 and "leave out" in both.stderr
    assert run("stats", "tables", "--year", "2020").exit_code == 2
