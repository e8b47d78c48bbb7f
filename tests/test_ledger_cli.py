"""gonglian track, ledger and audit, as people use them."""

import json

from classifier.ledger import Ledger
from tests.conftest import BAKERY, FIREWALL, ROBOT


def test_track_keeps_companies_and_says_what_is_new_once(run, tmp_path):
    companies, events, ledger = tmp_path / "companies.csv", tmp_path / "events.csv", tmp_path / "gonglian.db"
    companies.write_text(f"企业简称,简介\n光年,{ROBOT}\n,{BAKERY}\n", encoding="utf-8")
    events.write_text("融资方,融资时间,轮次,金额\n光年,2026-03-01,A轮,1000万人民币\n", encoding="utf-8")
    arguments = ("track", companies, "--events", events, "--ledger", ledger, "--source", "桔子", "--date", "2026-07-01")
    first = run(*arguments)
    assert first.exit_code == 0, first.stderr
    assert "光年" in first.stdout and "events new 1" in first.stdout
    assert "row 2" in first.stderr and "head" in first.stderr
    held = ledger.read_bytes()
    again = run(*arguments, "--json", "-q")
    assert json.loads(again.stdout)["companies"] == [] and again.stderr == "" and ledger.read_bytes() == held
    assert run("track", "--ledger", ledger).exit_code == 2
    assert run("track", companies, "--events", companies, "--ledger", ledger).exit_code == 1


def test_a_dispute_goes_from_claim_to_impact(run, tmp_path):
    companies, listings, book = tmp_path / "companies.csv", tmp_path / "listings.csv", tmp_path / "gonglian.db"
    companies.write_text(f"证券代码,证券简称,简介\n688002,睿甲,{ROBOT}\n688003,盾乙,{FIREWALL}\n", encoding="utf-8")
    listings.write_text(
        "证券代码,上市日期,板块\n688002,2020-07-22,科创板\n688003,2020-07-22,科创板\n", encoding="utf-8"
    )
    on = ("--ledger", book)
    assert run("track", companies, *on, "-q").exit_code == 0
    claim = ("--claim", "网络与标识", "--reason", "印在网络及标识下", "--person", "甲")
    assert run("audit", "open", "睿甲", *claim, *on).exit_code == 0
    assert run("audit", "assign", "1", "乙", "丙", "--person", "编辑", "--reason", "值班", *on).exit_code == 0
    blind = run("audit", "review", "1", "--person", "乙", "--blind", "--json", *on)
    assert blind.exit_code == 0 and "smart_equipment" not in blind.stdout, "the model's label stays hidden"
    for person, code in (("乙", "automation_edge"), ("丙", "smart_equipment")):
        answer = run("audit", "review", "1", "--person", person, "--code", code, "--reason", "定义", *on)
        assert answer.exit_code == 0, answer.stderr
    assert "disagreement" in run("audit", "list", "--json", *on).stdout
    early = run("audit", "resolve", "1", "--code", "automation_edge", "--reason", "定义", "--person", "丁", *on)
    assert early.exit_code == 1, "丁 is not the arbiter yet"
    assert run("audit", "assign", "1", "丁", "--arbiter", *on).exit_code == 0
    decided = run("audit", "resolve", "1", "--code", "automation_edge", "--reason", "定义", "--person", "丁", *on)
    assert decided.exit_code == 0, decided.stderr
    told = json.loads(run("audit", "history", "688002", "--json", *on).stdout)
    assert [(one["who"], one["by"], one["why"]) for one in told if one["kind"] == "reviewer"] == [
        ("乙", "编辑", "值班"),
        ("丙", "编辑", "值班"),
    ]
    assert next(one for one in told if one["kind"] == "decision")["what"] == "automation_edge"
    impact = run("audit", "impact", "1", "--year", "2020", "--listings", listings, "--json", "-q", *on)
    changed = {
        (row["table"], row["place"]): row for row in json.loads(impact.stdout) if row["measure"] == "new_companies"
    }
    assert {place for _, place in changed} >= {"automation_edge", "smart_equipment"}, impact.stdout[:500]
    agreement = run("audit", "agreement", "--by-month", *on)
    assert agreement.exit_code == 0 and "overall" in agreement.stdout and "丙, 乙" in agreement.stdout
    told = json.loads(run("audit", "agreement", "--json", *on).stdout)
    assert next(row for row in told["kappa"] if row["second"] == "乙")["items"] == 1
    again = ("--claim", "安全", "--reason", "年报改了主营", "--person", "戊", "--reopens", "1")
    assert run("audit", "open", "睿甲", *again, *on).exit_code == 0
    [listed] = json.loads(run("audit", "list", "--json", *on).stdout)
    assert (listed["reopening"]["reopens"], listed["reopening"]["person"]) == (1, "戊")
    assert "戊 (年报改了主营; dispute 2, reopens 1)" in run("audit", "history", "688002", *on).stdout
    assert run("ledger", "verify", *on).exit_code == 0


def test_evidence_is_shown_for_a_company_of_the_ledger(run, tmp_path):
    companies, book = tmp_path / "companies.csv", tmp_path / "gonglian.db"
    companies.write_text(f"名称,简介\n机甲,{ROBOT}\n面包房,{BAKERY}\n", encoding="utf-8")
    run("track", companies, "--ledger", book, "-q")
    shown = run("audit", "show", "机甲", "--ledger", book)
    assert shown.exit_code == 0, shown.stderr
    assert "机甲" in shown.stdout and "工业智能设备" in shown.stdout and "最相近" in shown.stdout
    page = tmp_path / "why.html"
    assert run("audit", "show", "机甲", "--ledger", book, "--html", page).exit_code == 0
    assert "机甲" in page.read_text(encoding="utf-8")
    assert run("audit", "show", "无名", "--ledger", book).exit_code == 1
    told = run("audit", "show", "-", "--json", stdin=ROBOT)
    assert json.loads(told.stdout)["label"]["domain"] == "smart_equipment"


def test_a_ledger_that_was_edited_is_found(run, tmp_path):
    import sqlite3

    book = tmp_path / "gonglian.db"
    with Ledger.open(book) as opened:
        company = opened.add_company(short_name="机甲", source="test")
        opened.add_label(company, "security", person="甲")
    head = run("ledger", "head", "--ledger", book).stdout.strip()
    assert run("ledger", "verify", "--head", head, "--ledger", book).exit_code == 0
    with sqlite3.connect(book) as raw:
        raw.execute("DROP TRIGGER IF EXISTS labels_update")
        for (name,) in raw.execute(
            "SELECT name FROM sqlite_master WHERE type = 'trigger' AND tbl_name = 'labels'"
        ).fetchall():
            raw.execute(f'DROP TRIGGER "{name}"')
        raw.execute("UPDATE labels SET code = 'platform'")
    raw.close()
    found = run("ledger", "verify", "--ledger", book)
    assert found.exit_code == 1 and "labels" in found.stdout


def test_the_queue_says_what_to_read_next(run, tmp_path):
    companies, events, on = tmp_path / "companies.csv", tmp_path / "events.csv", ("--ledger", tmp_path / "gonglian.db")
    companies.write_text("名称,简介\n乙,专业从事软件开发及系统集成\n甲,专业从事软件开发及系统集成\n", encoding="utf-8")
    events.write_text("融资方,融资时间,轮次,金额\n甲,2020-03-01,A轮,3亿人民币\n", encoding="utf-8")
    run("track", companies, "--events", events, *on, "-q")
    queue = run("audit", "queue", "--year", "2020", "--json", *on)
    assert queue.exit_code == 0, queue.stderr
    assert json.loads(queue.stdout)[0]["name"] == "甲", "an amount hangs on it"


def test_drift_is_told_against_a_kept_profile(run, tmp_path):
    companies, on = tmp_path / "companies.csv", ("--ledger", tmp_path / "gonglian.db")
    rows = "".join(f"企业{number},{text}\n" for number, text in enumerate([ROBOT, BAKERY, FIREWALL] * 10))
    companies.write_text(f"名称,简介\n{rows}", encoding="utf-8")
    run("track", companies, *on, "-q")
    profile = tmp_path / "profile.json"
    assert run("audit", "drift", "--save", profile, "--json", *on).exit_code == 3
    same = run("audit", "drift", "--reference", profile, "--json", *on)
    assert same.exit_code == 0 and json.loads(same.stdout)["stop"] is False


def test_drift_from_the_held_out_texts_stops_a_job_with_a_code_of_its_own(run, tmp_path):
    """Two of three companies are in scope, of the held-out ones one of twelve."""
    companies, on = tmp_path / "companies.csv", ("--ledger", tmp_path / "gonglian.db")
    rows = "".join(f"企业{number},{text}\n" for number, text in enumerate([ROBOT, BAKERY, FIREWALL] * 30))
    companies.write_text(f"名称,简介\n{rows}", encoding="utf-8")
    run("track", companies, *on, "-q", "--date", "2026-07-01")
    found = run("audit", "drift", *on)
    assert found.exit_code == 3 and "stop accepting" in found.stderr
    assert "held-out texts (startups_dev.csv, description)" in found.stdout and "unknown terms" in found.stdout
    assert run("audit", "drift", "--ledger", tmp_path / "none.db").exit_code == 1
    told = json.loads(run("audit", "drift", "--population", "listed", "--json", *on).stdout)
    assert "listed_dev.csv" in told["before"] and told["stop"] is True
    companies.write_text(f"名称,简介\n{rows.replace('企业', '新企业')}", encoding="utf-8")
    run("track", companies, *on, "-q", "--date", "2026-07-08")
    past = run("audit", "drift", "--since", "2026-07-08", "--past", "--json", *on)
    assert past.exit_code == 0 and "before 2026-07-08" in json.loads(past.stdout)["before"]
    assert run("audit", "drift", "--past", *on).exit_code == 2


def test_a_model_of_ones_own_gets_its_profile_from_evaluate(run, tmp_path, small_model):
    from classifier.artifact import save_model

    save_model(small_model, tmp_path / "small")
    held_out, on = tmp_path / "held_out.csv", ("--model", tmp_path / "small")
    rows = [f"{text},{label}" for text, label in ((ROBOT, "smart_equipment"), (BAKERY, "out_of_scope"))] * 40
    held_out.write_text("\n".join(["简介,领域", *rows]), encoding="utf-8")
    companies, ledger = tmp_path / "companies.csv", tmp_path / "gonglian.db"
    held = "".join(f"企业{number},{text}\n" for number, text in enumerate([ROBOT, BAKERY] * 40))
    companies.write_text(f"名称,简介\n{held}", encoding="utf-8")
    run("track", companies, "--ledger", ledger, "-q", *on)
    drift = ("audit", "drift", "--ledger", ledger)
    without = run(*drift, *on)
    assert without.exit_code == 1 and "no profile.json" in without.stderr
    asked = (
        "evaluate",
        held_out,
        "--text",
        "简介",
        "--label",
        "领域",
        "--profile",
        tmp_path / "small" / "profile.json",
    )
    assert run(*asked, *on).exit_code == 0
    found = run(*drift, *on)
    assert found.exit_code == 0, found.stdout
    assert "80 held-out texts (held_out.csv)" in found.stdout
    shipped = run(*drift)
    assert shipped.exit_code == 1 and "AII-2020/small@" in shipped.stderr and "--model" in shipped.stderr


def test_models_are_compared_and_decisions_join_the_training_data(run, tmp_path, labeled_copy, small_model):
    from classifier.artifact import save_model

    save_model(small_model, tmp_path / "small")
    held_out = tmp_path / "held_out.csv"
    held_out.write_text(f"简介,领域\n{ROBOT},工业智能设备\n{BAKERY},out_of_scope\n", encoding="utf-8")
    asked = ("model", "compare", tmp_path / "small", "--held-out", held_out, "--text", "简介", "--label", "领域")
    compared = run(*asked, "--json")
    assert compared.exit_code == 0, compared.stderr
    assert "held_out" in json.loads(compared.stdout)
    book = tmp_path / "gonglian.db"
    with Ledger.open(book) as opened:
        company = opened.add_company(short_name="甲", source="test")
        opened.add_description(
            company, "研制涡街与电磁流量测量装置，数据经无线回传到厂站监控，用户多为热力公司", source="test"
        )
        opened.decide(company, "smart_equipment", person="王老师", reason="能传输数据的仪表")
    added = run("labels", "add", "--from-ledger", book, "--labeled", labeled_copy)
    assert added.exit_code == 0 and added.stdout.startswith("1 decided texts"), added.stdout + added.stderr
    grown = (labeled_copy / "corpus" / "smart_equipment.csv").read_text(encoding="utf-8")
    assert "涡街" in grown and "decision" in grown
    assert run("labels", "check", "--labeled", labeled_copy).exit_code == 0
