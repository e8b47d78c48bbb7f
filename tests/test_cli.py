import gzip
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import openpyxl
import pandas as pd
import pyarrow.parquet as pq
import pytest

import cli
from classifier.batch import COLUMNS
from tests.conftest import BAKERY, FIREWALL, ROBOT, read_csv

ROOT = Path(cli.__file__).parent
LIST = (
    f"代码,企业名称,简介,备注\n000001,甲机器人,{ROBOT},NA\n000002,乙烘焙,{BAKERY},\n"
    f"000003,丙安全,{FIREWALL},0.10\n000004,丁,,\n"
)


@pytest.fixture
def companies(tmp_path):
    path = tmp_path / "companies.csv"
    path.write_text(LIST, encoding="utf-8")
    return path


def test_classify_prints_one_line_a_text(run):
    result = run("classify", ROBOT, BAKERY)
    assert result.exit_code == 0
    lines = [line.split("\t") for line in result.stdout.splitlines()]
    assert [(line[0], line[1], line[5]) for line in lines] == [
        ("工业智能设备", "smart_equipment", "accepted"),
        ("不属于工业互联网", "out_of_scope", "accepted"),
    ]
    assert all("支持：" in line[6] for line in lines)


def test_classify_reads_stdin_and_prints_json(run):
    result = run("classify", "-", "--json", stdin=f"{ROBOT}\n\n{FIREWALL}\n".encode())
    records = [json.loads(line) for line in result.stdout.splitlines()]
    assert [r["domain"] for r in records] == ["smart_equipment", "out_of_scope", "security"]
    assert records[1]["status"] == "review"
    assert records[0]["text"] == ROBOT
    assert any("机器人" in word for word in records[0]["contributions"])


def test_score_keeps_columns_and_rows_and_adds_its_own(run, companies):
    result = run("score", companies)
    assert result.exit_code == 0
    rows = read_csv(result.stdout)
    assert list(rows[0]) == ["代码", "企业名称", "简介", "备注", *COLUMNS]
    own = "\n".join(",".join(list(row.values())[:4]) for row in rows)
    assert own + "\n" == LIST.split("\n", 1)[1]
    assert [row["domain"] for row in rows] == ["smart_equipment", "out_of_scope", "security", "out_of_scope"]
    assert rows[3]["status"] == "review"
    assert rows[3]["reason"].startswith("没有说明文字")
    assert rows[0]["model"].startswith("AII-2020/default@")


def test_score_tells_columns_progress_and_summary_on_stderr(run, companies):
    told = run("score", companies).stderr
    assert "description from 简介, name from 企业名称" in told
    assert "rows/s" in told or "row/s" in told or " rows" in told
    assert "rows in 4 = rows out 4 + not scored 0" in told
    assert "工业智能设备 smart_equipment" in told


def test_quiet_score_says_nothing(run, companies):
    assert run("score", companies, "-q").stderr == ""


@pytest.mark.parametrize("kind", ["csv", "tsv", "xlsx", "jsonl", "parquet", "csv.gz", "jsonl.gz"])
def test_every_format_goes_in_and_comes_out_alike(run, companies, tmp_path, kind):
    expected = [(row["代码"], row["domain"], row["probability"]) for row in read_csv(run("score", companies).stdout)]
    first, second = tmp_path / f"one.{kind}", tmp_path / f"two.{kind}"
    assert run("score", companies, "-o", first, "--prefix", "a_").exit_code == 0
    assert run("score", first, "-o", second, "--text", "简介").exit_code == 0
    found = load(second, kind)
    assert list(found.columns) == ["代码", "企业名称", "简介", "备注", *("a_" + c for c in COLUMNS), *COLUMNS]
    got = list(zip(found["代码"], found["domain"], found["probability"].astype(float), strict=True))
    assert got == [(code, domain, float(probability)) for code, domain, probability in expected]
    assert found["a_domain"].tolist() == found["domain"].tolist()
    assert found["备注"].tolist()[0] == "NA"


def load(path, kind):
    options = {"dtype": {"代码": str}, "keep_default_na": False}
    if kind.startswith(("csv", "tsv")):
        return pd.read_csv(path, sep="\t" if kind == "tsv" else ",", **options)
    if kind == "xlsx":
        return pd.read_excel(path, **options)
    if kind == "parquet":
        return pd.read_parquet(path)
    return pd.read_json(path, lines=True, dtype={"代码": str}, precise_float=True)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_stdin_may_be_any_format(run, pack):
    result = run("score", "-", stdin=pack(LIST.encode("gb18030")))
    assert [row["企业名称"] for row in read_csv(result.stdout)] == ["甲机器人", "乙烘焙", "丙安全", "丁"]


def test_stdin_workbook_is_recognised(run, tmp_path):
    book = openpyxl.Workbook()
    book.active.append(["简介"])
    book.active.append([ROBOT])
    book.save(tmp_path / "a.xlsx")
    result = run("score", "-", "--format", "xlsx", stdin=(tmp_path / "a.xlsx").read_bytes())
    assert result.exit_code == 0
    assert result.stdout_bytes.startswith(b"PK")


def test_two_jobs_give_the_bytes_of_one(run, tmp_path):
    path = tmp_path / "many.csv"
    texts = [ROBOT, BAKERY, FIREWALL, "", "软件开发与系统集成"] * 1_000
    path.write_text("序号,简介\n" + "".join(f"{i},{text}{i}\n" for i, text in enumerate(texts)), encoding="utf-8")
    assert run("score", path, "-o", tmp_path / "one.csv").exit_code == 0
    assert run("score", path, "-o", tmp_path / "two.csv", "--jobs", 2).exit_code == 0
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_parquet_output_may_be_compressed(run, companies, tmp_path):
    for name in ("none", "zstd"):
        assert run("score", companies, "-o", tmp_path / f"{name}.parquet", "--compression", name).exit_code == 0
    whole, packed = (pq.ParquetFile(tmp_path / f"{name}.parquet") for name in ("none", "zstd"))
    assert packed.read().equals(whole.read())
    assert [file.metadata.row_group(0).column(0).compression for file in (whole, packed)] == ["UNCOMPRESSED", "ZSTD"]


def test_compression_of_a_text_output_is_in_its_name(run, companies, tmp_path):
    result = run("score", companies, "-o", tmp_path / "out.csv", "--compression", "zstd")
    assert result.exit_code == 2
    assert "csv, tsv and jsonl take it from the name: -o list.csv.zst" in result.stderr
    assert not (tmp_path / "out.csv").exists()


def test_threshold_and_prior_change_the_decision(run, companies):
    assert "accepted" not in run("score", companies, "--threshold", 1).stdout
    assert (
        run("classify", "软件开发与系统集成", "--prior", 0.1).stdout
        != run("classify", "软件开发与系统集成", "--prior", 0.99).stdout
    )


def test_rows_that_cannot_be_scored_are_kept_in_a_file_of_their_own(run, tmp_path):
    path = tmp_path / "in.csv"
    path.write_text(f"名称,简介\n甲,{ROBOT}\n乙,{BAKERY},多一格\n丙,{FIREWALL}\n", encoding="utf-8")
    result = run("score", path, "-o", tmp_path / "out.csv")
    assert result.exit_code == 0
    assert "rows in 3 = rows out 2 + not scored 1" in result.stderr
    assert "line 3: 3 cells, the header has 2" in result.stderr
    (kept,) = (tmp_path / "out.csv.rejected.jsonl").read_text(encoding="utf-8").splitlines()
    assert json.loads(kept)["cells"] == ["乙", BAKERY, "多一格"]


def test_a_header_without_rows_gives_a_header_without_rows(run, tmp_path):
    (tmp_path / "in.csv").write_text("名称,简介\n", encoding="utf-8")
    for kind in ("csv", "xlsx", "parquet"):
        assert run("score", tmp_path / "in.csv", "-o", tmp_path / f"out.{kind}").exit_code == 0
    assert (tmp_path / "out.csv").read_text(encoding="utf-8") == "名称,简介," + ",".join(COLUMNS) + "\n"
    assert list(pd.read_parquet(tmp_path / "out.parquet").columns)[2:] == list(COLUMNS)


def test_a_formula_in_the_input_is_no_formula_in_the_output(run, tmp_path):
    (tmp_path / "in.csv").write_text(f'名称,简介\n=HYPERLINK("x"),{ROBOT}\n', encoding="utf-8")
    result = run("score", tmp_path / "in.csv", "-o", tmp_path / "out.csv")
    assert "1 cells would run as formulas" in result.stderr
    assert "\"'=HYPERLINK" in (tmp_path / "out.csv").read_text(encoding="utf-8").replace('""', '"')
    run("score", tmp_path / "in.csv", "-o", tmp_path / "out.xlsx")
    assert openpyxl.load_workbook(tmp_path / "out.xlsx").active["A2"].data_type == "s"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["score", "none.csv"], "none.csv: no such file"),
        (["score", "."], "unknown extension"),
        (["score", "companies.csv", "--text", "说明"], "no column '说明'; found 代码, 企业名称, 简介, 备注"),
        (["score", "companies.csv", "-o", "out.docx"], "unknown extension"),
        (["score", "companies.csv", "-o", "companies.csv"], "is the input itself"),
        (["score", "companies.csv", "--model", "nowhere"], "no model here"),
        (["score", "companies.csv", "--labeled", "nowhere"], "no such scheme file"),
        (["score", "companies.csv", "--encoding", "ascii"], "line 1 is not ascii"),
        (["evaluate", "companies.csv", "--text", "简介", "--label", "备注"], "label '0.10' is not one of"),
        (["train", "--labeled", "nowhere"], "no such scheme file"),
        (["labels", "check", "--labeled", "nowhere"], "no such scheme file"),
    ],
)
def test_known_errors_are_one_line_and_exit_1(run, companies, monkeypatch, arguments, message):
    monkeypatch.chdir(companies.parent)
    result = run(*arguments)
    assert result.exit_code == 1
    (line,) = [line for line in result.stderr.splitlines() if line.startswith("gonglian: ")]
    assert message in line
    assert result.stdout == ""


def test_columns_of_an_earlier_run_are_not_overwritten(run, companies, tmp_path):
    run("score", companies, "-o", tmp_path / "out.csv")
    again = run("score", tmp_path / "out.csv")
    assert again.exit_code == 1
    assert "has a column 'domain' already" in again.stderr
    assert "--prefix" in again.stderr


@pytest.mark.parametrize(
    "arguments",
    [["score"], ["score", "a.csv", "--jobs", "0"], ["score", "a.csv", "--prior", "1.5"], ["classify"], ["nothing"]],
)
def test_wrong_usage_exits_2(run, arguments):
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize(
    "command", [[], ["classify"], ["score"], ["train"], ["evaluate"], ["labels", "check"], ["domains"], ["doctor"]]
)
def test_every_command_explains_itself_with_examples(run, command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Examples:\n" in result.stdout or not command
    assert "gonglian" in result.stdout


def test_evaluate_prints_figures_and_json(run, tmp_path):
    path = tmp_path / "held_out.csv"
    path.write_text(
        f"简介,领域,weight\n{ROBOT},工业智能设备,1\n{BAKERY},out_of_scope,9\n{FIREWALL},安全,1\n某公司,,1\n",
        encoding="utf-8",
    )
    result = run("evaluate", path, "--text", "简介", "--label", "领域")
    assert result.exit_code == 0
    assert "macro-F1" in result.stdout
    figures = json.loads(run("evaluate", path, "--text", "简介", "--label", "领域", "--json").stdout)
    assert figures["macro_f1"]["value"] == 1.0
    assert (figures["texts"], figures["unlabelled"]) == (3, 1)


def test_evaluate_names_the_rows_that_it_cannot_read(run, tmp_path):
    path = tmp_path / "held_out.csv"
    path.write_text(f"简介,领域\n{ROBOT},工业智能设备\n{BAKERY},out_of_scope,甲\n", encoding="utf-8")
    result = run("evaluate", path, "--text", "简介", "--label", "领域")
    assert result.exit_code == 0
    assert f"not read: {path}: line 3: 3 cells, the header has 2" in result.stderr


def test_evaluate_sets_aside_what_two_readers_dispute(run, tmp_path):
    path = tmp_path / "twice.csv"
    path.write_text(
        f"简介,甲,乙\n{ROBOT},工业智能设备,smart_equipment\n{BAKERY},out_of_scope,platform\n{FIREWALL},安全,安全\n某公司,安全,\n",
        encoding="utf-8",
    )
    result = run("evaluate", path, "--text", "简介", "--label", "甲", "--second-label", "乙", "--json")
    figures = json.loads(result.stdout)
    assert (figures["texts"], figures["disputed"], figures["unlabelled"]) == (2, 1, 1)
    assert 0 <= figures["doubt_auroc"]["value"] <= 1


def test_evaluate_refuses_weights_that_are_no_numbers(run, tmp_path):
    (tmp_path / "a.csv").write_text(f"简介,label,weight\n{ROBOT},security,heavy\n", encoding="utf-8")
    result = run("evaluate", tmp_path / "a.csv", "--text", "简介", "--label", "label")
    assert result.exit_code == 1
    assert "'heavy' is not a number" in result.stderr


def test_domains_prints_the_scheme(run):
    assert "工业自动化与边缘计算 automation_edge" in run("domains").stdout
    assert json.loads(run("domains", "--json").stdout)["version"] == "AII-2020"


def test_doctor_names_versions_model_and_dictionary(run):
    facts = json.loads(run("doctor", "--json").stdout)["facts"]
    assert {"jieba", "scikit-learn", "model", "dictionary", "chinese font"} <= set(facts)


def test_doctor_says_what_is_wrong(run, tmp_path):
    result = run("doctor", "--model", tmp_path)
    assert result.exit_code == 1
    assert "no model here" in result.stderr


def test_labels_check_names_every_fault(run, labeled_copy):
    assert run("labels", "check", "--labeled", labeled_copy).exit_code == 0
    path = labeled_copy / "corpus" / "platform.csv"
    lines = path.read_text(encoding="utf-8").splitlines()
    lines.append(lines[1].replace(lines[1].split(",")[0], "c0", 1))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    result = run("labels", "check", "--labeled", labeled_copy)
    assert result.exit_code == 1
    assert f"platform.csv:{len(lines)}\tduplicate" in result.stdout


def test_own_labels_make_an_own_model(run, labeled_copy, few_examples, tmp_path):
    """The README's recipe: copy labeled/, change it, train, score."""
    for path in (labeled_copy / "corpus").glob("*.csv"):
        lines = path.read_text(encoding="utf-8").splitlines(keepends=True)
        path.write_text("".join(lines[:61]), encoding="utf-8")
    result = run("train", "--labeled", labeled_copy, "-o", tmp_path / "mine", "--name", "mine")
    assert result.exit_code == 0
    assert "/mine@" in result.stdout
    assert "/mine@" in run("classify", ROBOT, "--json", "--model", tmp_path / "mine", "--labeled", labeled_copy).stdout


def gonglian(*arguments, **options):
    return subprocess.run([sys.executable, ROOT / "cli.py", *arguments], capture_output=True, check=False, **options)


HEAVY = {"sklearn", "pandas", "scipy", "pyarrow", "joblib", "jieba", "numpy", "numba", "opencc"}


def test_classify_needs_no_heavy_package(run):
    run("classify", ROBOT)  # the first call makes the arrays that later ones map into memory
    program = (
        "import sys; sys.argv = ['gonglian', 'classify', '工业机器人']\n"
        "import cli\n"
        "try:\n    cli.main()\nexcept SystemExit:\n    pass\n"
        f"print(sorted({HEAVY} & set(sys.modules)))"
    )
    found = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=ROOT, check=True)
    assert found.stdout.splitlines()[-1] == "[]"


def test_a_reader_that_hangs_up_is_no_error(tmp_path):
    path = tmp_path / "many.csv"
    path.write_text("简介\n" + f"{ROBOT}\n" * 4_000, encoding="utf-8")
    command = f"{sys.executable} {ROOT / 'cli.py'} score {path} | head -n 1"
    found = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert found.stdout.startswith("简介,domain")
    assert "Traceback" not in found.stderr


def test_a_full_stdout_is_told_in_one_line(companies):
    with Path("/dev/full").open("wb") as full:
        found = subprocess.run(
            [sys.executable, ROOT / "cli.py", "score", companies, "-q"],
            stdout=full,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert found.returncode == 1
    assert b"No space left" in found.stderr
    assert b"Traceback" not in found.stderr


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_leaves_no_half_file(tmp_path, stop):
    path = tmp_path / "many.csv"
    path.write_text("简介\n" + f"{ROBOT}{BAKERY}\n" * 200_000, encoding="utf-8")
    command = [sys.executable, str(ROOT / "cli.py"), "score", str(path), "-o", str(tmp_path / "out.csv")]
    run = subprocess.Popen(command, stderr=subprocess.PIPE, cwd=tmp_path)
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".out.csv*")) and time.monotonic() < deadline:
        time.sleep(0.05)
    os.kill(run.pid, stop)
    _, told = run.communicate(timeout=60)
    assert run.returncode == 130
    assert [p.name for p in tmp_path.iterdir()] == ["many.csv"]
    assert b"Traceback" not in told


def test_a_place_without_permission_is_named(companies, tmp_path):
    folder = tmp_path / "locked"
    folder.mkdir(mode=0o555)
    if os.access(folder, os.W_OK):  # root may write anywhere: a file in the way of a folder stands in
        folder = companies / "sub"
    found = gonglian("score", str(companies), "-o", str(folder / "out.csv"))
    assert found.returncode == 1
    assert b"cannot be written" in found.stderr


def test_help_is_flush_and_keeps_the_lines_of_examples(run):
    lines = run("score", "--help").stdout.splitlines()
    assert any(line.startswith("  The file's own columns come first") for line in lines)
    examples = lines[lines.index("  Examples:") :]
    assert examples[1].startswith("    gonglian score companies.xlsx -o labelled.xlsx")


def test_explain_adds_the_clause_and_the_tie_rule(run, tmp_path):
    source = tmp_path / "in.csv"
    source.write_text(f"企业名称,简介\n甲,{ROBOT}，成立于2014年\n乙,\n", encoding="utf-8")
    plain, explained = run("score", source), run("score", source, "--explain")
    assert explained.exit_code == 0, explained.stderr
    rows = read_csv(explained.stdout)
    assert list(rows[0])[-2:] == ["clause", "tie_rule"] and rows[0]["clause"] == ROBOT.replace("、", "、")
    assert [{**row, "clause": None, "tie_rule": None} for row in rows] == [
        {**row, "clause": None, "tie_rule": None} for row in read_csv(plain.stdout)
    ]
    again = run("score", source, "-o", tmp_path / "out.csv", "--explain", "--resume")
    assert again.exit_code == 0 and "tie_rule" in (tmp_path / "out.csv").read_text(encoding="utf-8-sig")
