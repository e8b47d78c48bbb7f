import json
import signal
import subprocess
import sys
from concurrent.futures import Future
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from classifier import parts, records
from classifier.records import Batch
from tests.conftest import BAKERY, FIREWALL, ROBOT

ROOT = Path(__file__).parents[1]
ROWS = 3_000
SMALL = "import cli; from classifier import parts, records; records.BLOCK_BYTES, parts.PART_ROWS = 20_000, 500\n"
DIES = SMALL + (
    "import os, signal, sys\n"
    "settle, count = parts.Parts._settle, iter(range(99))\n"
    "def stop(self, *part):\n"
    "    settle(self, *part)\n"
    "    if next(count) == 2: os.kill(os.getpid(), signal.SIGKILL)\n"
    "parts.Parts._settle = stop\n"
    "cli.main()\n"
)


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(records, "BLOCK_BYTES", 20_000)
    monkeypatch.setattr(parts, "PART_ROWS", 500)


@pytest.fixture
def many(tmp_path):
    path = tmp_path / "many.csv"
    rows = [f"{i:06d},公司{i},{(ROBOT, BAKERY, FIREWALL)[i % 3]}{i}" for i in range(ROWS)]
    rows[1_700] += ",多出来的"
    path.write_text("\n".join(["代码,企业名称,简介", *rows, ""]), encoding="utf-8")
    return path


def killed(*arguments):
    """Run the command line until three parts are done, then kill it as the system would."""
    command = [sys.executable, "-c", DIES, *map(str, arguments)]
    found = subprocess.run(command, capture_output=True, cwd=ROOT, check=False)
    assert found.returncode == -signal.SIGKILL, found.stderr


@pytest.mark.parametrize("kind", ["csv", "csv.gz", "csv.zst", "jsonl", "parquet"])
def test_a_run_resumed_after_a_kill_gives_the_bytes_of_an_undisturbed_one(run, small, many, tmp_path, kind):
    whole, broken = tmp_path / f"whole.{kind}", tmp_path / f"broken.{kind}"
    undisturbed = run("score", many, "-o", whole)
    assert undisturbed.exit_code == 0, undisturbed.stderr
    killed("score", many, "-o", broken, "--resume", "-q")
    assert not broken.exists()
    assert json.loads((tmp_path / f".broken.{kind}.parts" / "manifest.json").read_text(encoding="utf-8"))["parts"]
    resumed = run("score", many, "-o", broken, "--resume", "--jobs", "2")
    assert resumed.exit_code == 0, resumed.stderr
    assert broken.read_bytes() == whole.read_bytes()
    summary = [line for line in undisturbed.stderr.splitlines() if "rows" not in line and "many.csv" not in line]
    assert set(summary) <= set(resumed.stderr.splitlines())
    for path in (whole, broken):
        rejected = Path(f"{path}.rejected.jsonl").read_text(encoding="utf-8")
        assert json.loads(rejected)["line"] == 1_702
    assert not list(tmp_path.glob(".*"))


def test_what_is_resumed_holds_every_row_once(run, small, many, tmp_path):
    killed("score", many, "-o", tmp_path / "out.csv", "--resume", "-q")
    assert run("score", many, "-o", tmp_path / "out.csv", "--resume").exit_code == 0
    codes = pd.read_csv(tmp_path / "out.csv", dtype=str)["代码"].tolist()
    assert codes == [f"{i:06d}" for i in range(ROWS) if i != 1_700]


def test_without_resume_a_run_starts_afresh(run, small, many, tmp_path):
    killed("score", many, "-o", tmp_path / "out.csv", "-q")
    many.write_text("简介\n" + f"{ROBOT}\n" * 5, encoding="utf-8")
    assert run("score", many, "-o", tmp_path / "out.csv").exit_code == 0
    assert len(pd.read_csv(tmp_path / "out.csv")) == 5


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--prior", "0.9"], "--prior or --threshold"),
        (["--prefix", "x_"], "format, --compression or --prefix"),
        ([], "input"),
    ],
)
def test_another_run_is_not_resumed(run, small, many, tmp_path, options, named):
    killed("score", many, "-o", tmp_path / "out.csv", "--resume", "-q")
    if not options:
        many.write_text(many.read_text(encoding="utf-8").replace("公司7,", "公司８,"), encoding="utf-8")
    found = run("score", many, "-o", tmp_path / "out.csv", "--resume", *options)
    assert found.exit_code == 1
    assert f"the run that was cut short had another {named}; undo that" in found.stderr
    assert not (tmp_path / "out.csv").exists()


def test_a_run_with_another_compression_is_not_resumed(run, small, many, tmp_path):
    killed("score", many, "-o", tmp_path / "out.parquet", "--resume", "-q")
    found = run("score", many, "-o", tmp_path / "out.parquet", "--resume", "--compression", "zstd")
    assert found.exit_code == 1
    assert "the run that was cut short had another format, --compression or --prefix; undo that" in found.stderr


def test_nothing_waits_for_the_hash_of_the_input(tmp_path):
    hashed, output = Future(), tmp_path / "out.csv"
    options = {"format": "csv", "zipped": "", "marked": False, "schema": None}
    rows = parts.PART_ROWS
    with parts.open_parts(str(output), hashed, resume=False, **options) as sink:
        for _ in range(9):
            sink.write(*(Batch({name: pa.array(["甲"] * rows)}, rows) for name in "ab"), {})
        assert not (tmp_path / ".out.csv.parts" / "manifest.json").exists()
    assert len(output.read_text(encoding="utf-8").splitlines()) == 9 * rows + 1


def test_another_model_is_not_resumed(run, small, many, tmp_path, small_model):
    from classifier.artifact import save_model

    save_model(small_model, tmp_path / "model")
    killed("score", many, "-o", tmp_path / "out.csv", "--resume", "-q")
    found = run("score", many, "-o", tmp_path / "out.csv", "--resume", "--model", tmp_path / "model")
    assert "had another model" in found.stderr


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.write_bytes(b""),
        lambda path: path.unlink(),
        lambda path: path.write_bytes(bytes(path.stat().st_size)),
    ],
)
def test_a_damaged_part_is_not_built_on(run, small, many, tmp_path, damage):
    killed("score", many, "-o", tmp_path / "out.csv", "--resume", "-q")
    damage(tmp_path / ".out.csv.parts" / "000001")
    found = run("score", many, "-o", tmp_path / "out.csv", "--resume")
    assert "part 000001 is gone or damaged; start afresh without --resume" in found.stderr
    (tmp_path / ".out.csv.parts" / "manifest.json").write_text("{", encoding="utf-8")
    assert "manifest.json is damaged" in run("score", many, "-o", tmp_path / "out.csv", "--resume").stderr


def test_parts_that_were_cut_otherwise_are_not_built_on(run, small, many, tmp_path, monkeypatch):
    killed("score", many, "-o", tmp_path / "out.csv", "--resume", "-q")
    monkeypatch.setattr(records, "BLOCK_BYTES", 30_000)
    found = run("score", many, "-o", tmp_path / "out.csv", "--resume")
    assert found.exit_code == 1
    assert "the parts have other rows than the input; start afresh without --resume" in found.stderr
    assert not (tmp_path / "out.csv").exists()


def test_nothing_to_resume_is_an_ordinary_run(run, many, tmp_path):
    assert run("score", many, "-o", tmp_path / "out.csv", "--resume").exit_code == 0
    assert len(pd.read_csv(tmp_path / "out.csv")) == ROWS - 1


@pytest.mark.parametrize("output", ["-", "out.xlsx"])
def test_what_cannot_be_resumed_is_said(run, many, tmp_path, output):
    found = run("score", many, "-o", output if output == "-" else tmp_path / output, "--resume")
    assert found.exit_code == 1
    assert "only a csv, tsv, jsonl or parquet file can be resumed" in found.stderr


def test_two_runs_do_not_write_one_output(run, many, tmp_path):
    fcntl = pytest.importorskip("fcntl")
    (tmp_path / ".out.csv.parts").mkdir()
    with (tmp_path / ".out.csv.parts" / "lock").open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found = run("score", many, "-o", tmp_path / "out.csv")
    assert "another run is writing it" in found.stderr


def test_an_interrupted_run_with_resume_keeps_what_it_did(small, many, tmp_path):
    program = DIES.replace("SIGKILL", "SIGTERM")
    command = [sys.executable, "-c", program, "score", str(many), "-o", str(tmp_path / "out.csv"), "--resume", "-q"]
    found = subprocess.run(command, capture_output=True, cwd=ROOT, check=False)
    assert found.returncode == 130
    assert b"the finished parts are kept; give the same command again" in found.stderr
    assert (tmp_path / ".out.csv.parts" / "000001").exists()
    assert not (tmp_path / "out.csv").exists()


def test_compressed_parts_are_one_file_for_every_reader(tmp_path):
    for kind, suffix in (("gzip", "gz"), ("zstd", "zst")):
        path = tmp_path / f"a.csv.{suffix}"
        path.write_bytes(b"".join(bytes(pa.compress(part, kind, asbytes=True)) for part in (b"a\n1\n", b"2\n")))
        with records.open_table(str(path)) as table:
            assert [cell for batch in table.batches for cell in batch.cells("a")] == ["1", "2"]
