"""Scoring on a local Spark gives what the command line gives, however Spark divides the rows and whatever fails."""

import datetime
import os
import re
import runpy
import signal
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyspark import TaskContext
from pyspark.sql import SparkSession
from pyspark.sql import functions as F

import cli
from classifier import spark as on_spark
from classifier.artifact import save_model
from classifier.batch import COLUMNS, score_table
from classifier.errors import ArtifactError, ClassifierError, InputError
from classifier.labels import read_examples
from classifier.records import find_roles, open_table
from classifier.resources import labeled_folder
from classifier.scoring import decide_with, load_scorer
from classifier.spark import score
from tests.conftest import BAKERY, FIREWALL, ROBOT

pytestmark = pytest.mark.filterwarnings("ignore:PySpark does not yet fully support pandas:FutureWarning")

SCRIPT = Path(cli.__file__).parent / "examples" / "score_on_spark.py"
STRANGE = [
    None,
    "",
    " ",
    "🤖🏭工业机器人🤖",
    "工业机器人" * 6_000,
    "a\x00b",
    "<p>工業機器人&nbsp;</p>",
    "robots, welding cells",
]


@pytest.fixture(scope="module")
def spark(private_cache):
    """A local Spark of two cores; a task may fail twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYSPARK_PYTHON", sys.executable)
        patch.setenv("SPARK_LOCAL_IP", "127.0.0.1")
        options = {
            "spark.ui.enabled": "false",
            "spark.sql.shuffle.partitions": "3",
            "spark.log.level": "OFF",
            "spark.ui.showConsoleProgress": "false",
        }
        session = SparkSession.builder.master("local[2, 3]").config(map=options).getOrCreate()
        yield session
        session.stop()


@pytest.fixture(scope="module")
def companies():
    """Texts of every label, and strange ones; another text and an identifier beside them."""
    texts = [example.text for example in read_examples(labeled_folder() / "corpus")][::50] + STRANGE
    others = [None, ROBOT, BAKERY, "", FIREWALL]
    return pa.table(
        {
            "编号": [f"{i:06d}" for i in range(len(texts))],
            "简介": texts,
            "经营范围": [others[i % len(others)] for i in range(len(texts))],
        }
    )


@pytest.fixture(scope="module")
def by_command_line(companies, tmp_path_factory):
    """Return the rows of `gonglian score` of the companies, in the order of their identifiers."""

    def labelled(text, scorer=None, prefix=""):
        folder = tmp_path_factory.mktemp("reference")
        pq.write_table(companies, folder / "in.parquet")
        with open_table(str(folder / "in.parquet")) as table:
            output = str(folder / "out.parquet")
            score_table(table, find_roles(table, text), scorer or load_scorer(), output, "parquet", prefix=prefix)
        return pq.read_table(folder / "out.parquet").to_pylist()

    return labelled


@pytest.fixture(scope="module")
def expected(by_command_line):
    return by_command_line(["简介"])


def rows(dataframe):
    return dataframe.toArrow().sort_by("编号").to_pylist()


@pytest.mark.parametrize("partitions", [1, 3, 7])
@pytest.mark.parametrize("records", [1, 10, 10_000])
def test_any_division_gives_the_rows_of_the_command_line(spark, companies, expected, partitions, records):
    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", records)
    try:
        found = rows(score(spark.createDataFrame(companies).repartition(partitions), "简介"))
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    assert len(expected) > 400 and {row["status"] for row in expected} == {"accepted", "review"}
    assert found == expected


def test_result_columns_have_the_names_and_types_of_the_command_line(spark, companies):
    labelled = score(spark.createDataFrame(companies), "简介")
    assert labelled.columns == [*companies.column_names, *COLUMNS]
    doubles = {field.name for field in labelled.schema if field.dataType.simpleString() == "double"}
    assert doubles == {"probability", "runner_up_probability"}
    assert {field.dataType.simpleString() for field in labelled.schema if field.name not in doubles} == {"string"}


def test_large_strings_and_batches_of_any_length_are_scored_alike(spark, companies, expected):
    options = {
        "spark.sql.execution.arrow.useLargeVarTypes": "true",
        "spark.sql.execution.arrow.maxRecordsPerBatch": "0",
    }
    dataframe = spark.createDataFrame(companies)
    for name, value in options.items():
        spark.conf.set(name, value)
    try:
        assert rows(score(dataframe, "简介")) == expected
    finally:
        for name in options:
            spark.conf.unset(name)


def test_long_batches_are_scored_in_parts(scorer):
    count = on_spark.PARQUET_ROWS + 5
    batch = pa.record_batch({"简介": pa.array([ROBOT, BAKERY, None, FIREWALL, ROBOT] * (count // 5 + 2))}).slice(
        3, count
    )
    job = on_spark._Job(("简介",), COLUMNS, scorer.facts.identity, scorer.decision, None)
    parts = list(on_spark._label_batches(iter([batch, batch.slice(0, 0)]), job))
    assert [part.num_rows for part in parts] == [on_spark.PARQUET_ROWS, 5]
    found = pa.Table.from_batches(parts)
    assert found["简介"].to_pylist() == batch["简介"].to_pylist()
    assert found["domain"].to_pylist()[:2] == ["security", "smart_equipment"]


def test_two_descriptions_are_joined_as_by_the_command_line(spark, companies, by_command_line):
    text = ["经营范围", "简介"]
    assert rows(score(spark.createDataFrame(companies), text)) == by_command_line(text)


def test_descriptions_are_found_by_their_usual_headers(spark, companies, by_command_line):
    assert rows(score(spark.createDataFrame(companies))) == by_command_line([])


def test_prior_threshold_and_prefix_count(spark, companies, by_command_line, expected):
    labelled = score(
        spark.createDataFrame(companies), "简介", expected_out_of_scope=0.9, accept_probability=0.7, prefix="g_"
    )
    found = rows(labelled)
    assert found == by_command_line(["简介"], decide_with(load_scorer(), 0.9, 0.7), "g_")
    assert [row["g_status"] for row in found] != [row["status"] for row in expected]


def test_columns_of_any_type_pass_unchanged(spark):
    row = {
        "编号": "000001",
        "简介": ROBOT,
        "员工": 2**40,
        "市值": Decimal("1.50"),
        "成立": datetime.date(2014, 12, 4),
        "更新": datetime.datetime(2020, 1, 2, 3, 4, 5, 6),
        "标签": ["甲", None],
        "地址": {"省": "浙江", "市": None},
        "指标": {"营收": 1.5},
        "原文": b"\xff",
        "上市": None,
    }
    schema = (
        "`编号` string not null, `简介` string, `员工` bigint, `市值` decimal(20,2), `成立` date, `更新` timestamp, "
        "`标签` array<string>, `地址` struct<`省`: string, `市`: string>, `指标` map<string, double>, `原文` binary, "
        "`上市` boolean"
    )
    dataframe = spark.createDataFrame([row], schema)
    labelled = score(dataframe, "简介")
    assert labelled.schema.fields[: len(row)] == dataframe.schema.fields
    assert labelled.drop(*COLUMNS).collect() == dataframe.collect()
    assert labelled.first().domain == "smart_equipment"


@pytest.mark.parametrize("kind", ["void", "int", "boolean"])
def test_descriptions_that_are_no_text_are_read_as_the_command_line_reads_them(spark, kind):
    dataframe = spark.range(3).withColumn("简介", F.lit(None if kind == "void" else 1).cast(kind))
    assert {row.domain for row in score(dataframe, "简介").collect()} == {"out_of_scope"}


def test_a_table_without_rows_keeps_its_columns(spark, companies):
    labelled = score(spark.createDataFrame(companies).limit(0), "简介")
    assert labelled.count() == 0
    assert labelled.columns == [*companies.column_names, *COLUMNS]


@pytest.mark.parametrize(
    ("columns", "options", "message"),
    [
        (["编号", "简介"], {"text": "主营"}, "dataframe: no column '主营'; found 编号, 简介"),
        (["编号", "备注"], {}, "dataframe: no column with a description; found 编号, 备注. Name it with --text"),
        (["简介", "Domain"], {"text": "简介"}, "dataframe: has a column 'Domain' already, which the result needs"),
        (["简介", "g_reason"], {"text": "简介", "prefix": "G_"}, "dataframe: has a column 'g_reason' already"),
        (["简介", "甲", "甲"], {"text": "简介"}, "dataframe: more than one column is named '甲'; rename them"),
    ],
)
def test_columns_that_do_not_fit_are_told_before_a_job_runs(spark, columns, options, message):
    dataframe = spark.createDataFrame([("一",) * len(columns)], columns)
    with pytest.raises(InputError, match="^" + re.escape(message)):
        score(dataframe, **options)


def test_wrong_model_and_numbers_are_told_before_a_job_runs(spark, companies, tmp_path):
    dataframe = spark.createDataFrame(companies)
    with pytest.raises(ArtifactError, match="no model here"):
        score(dataframe, "简介", model=tmp_path)
    with pytest.raises(ClassifierError, match="expected share out of scope is 1"):
        score(dataframe, "简介", expected_out_of_scope=1)


@pytest.mark.parametrize("way", ["raises", "is killed"])
def test_a_task_that_fails_once_leaves_no_row_out_and_none_twice(spark, companies, expected, tmp_path, way):
    failed = tmp_path / "failed"

    def fail_once(batches):
        context = TaskContext.get()
        for number, batch in enumerate(batches):
            if context.partitionId() == 1 and context.attemptNumber() == 0 and number == 3:
                failed.touch()
                if way == "raises":
                    raise RuntimeError("planted")
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 10)
    try:
        dataframe = spark.createDataFrame(companies).repartition(3)
        assert rows(score(dataframe.mapInArrow(fail_once, dataframe.schema), "简介")) == expected
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    assert failed.exists()


def test_a_killed_process_that_scores_leaves_no_row_out_and_none_twice(spark, companies, expected, scorer, tmp_path):
    failed = tmp_path / "failed"
    job = on_spark._Job(("简介",), COLUMNS, scorer.facts.identity, scorer.decision, None)

    def die_once(batches):
        context = TaskContext.get()
        for number, batch in enumerate(on_spark._label_batches(batches, job)):
            if context.partitionId() == 1 and context.attemptNumber() == 0 and number == 3:
                failed.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            yield batch

    spark.conf.set("spark.sql.execution.arrow.maxRecordsPerBatch", 10)
    try:
        dataframe = spark.createDataFrame(companies).repartition(3)
        assert rows(dataframe.mapInArrow(die_once, score(dataframe, "简介").schema)) == expected
    finally:
        spark.conf.unset("spark.sql.execution.arrow.maxRecordsPerBatch")
    assert failed.exists()


def test_a_process_loads_its_model_once_and_shares_the_arrays(spark, companies, scorer):
    job = on_spark._Job(("简介",), COLUMNS, scorer.facts.identity, scorer.decision, None)

    def probe(batches):
        scored = sum(batch.num_rows for batch in on_spark._label_batches(batches, job))
        maps = re.findall(r"automaton-\S+\.bin\n((?:\w+: .*\n)+)", Path("/proc/self/smaps").read_text())
        own = sum(int(size) for entry in maps for size in re.findall(r"Private_Dirty: +(\d+)", entry))
        loads = on_spark._load.cache_info().misses
        yield pa.RecordBatch.from_pylist(
            [{"pid": os.getpid(), "rows": scored, "loads": loads, "maps": len(maps), "own": own}]
        )

    dataframe = spark.createDataFrame(companies).repartition(7)
    found = dataframe.mapInArrow(probe, "pid long, rows long, loads long, maps long, own long").collect()
    assert sum(row.rows for row in found) == len(companies)
    assert len(found) == 7 > len({row.pid for row in found})  # processes had more than one task
    assert all(row.maps == 1 and row.own == 0 for row in found)
    assert {row.loads for row in found} == {1}


def test_a_model_of_ones_own_reaches_the_workers_without_its_folder(
    spark, companies, by_command_line, small_model, tmp_path
):
    folder = tmp_path / "mine"
    save_model(small_model, folder)
    labelled = score(spark.createDataFrame(companies).repartition(3), "简介", model=folder)
    reference = by_command_line(["简介"], load_scorer(folder, labeled_folder()))
    folder.rename(tmp_path / "elsewhere")
    found = rows(labelled)
    assert found == reference
    assert found[0]["model"].startswith("AII-2020/small@")


def test_a_worker_with_another_model_than_the_driver_says_so(scorer):
    job = on_spark._Job(("简介",), COLUMNS, "AII-2020/default@00000000", scorer.decision, None)
    with pytest.raises(ArtifactError, match="the driver's is AII-2020/default@00000000; install the same gonglian"):
        next(on_spark._label_batches(iter([]), job))


def test_workers_without_a_private_cache_use_the_folder_of_the_application(spark, monkeypatch, tmp_path):
    open_to_all = tmp_path / "open"
    open_to_all.mkdir()
    open_to_all.chmod(0o777)
    monkeypatch.setenv("GONGLIAN_CACHE", str(open_to_all))
    cache = on_spark._worker_cache()
    assert open_to_all not in (cache, *cache.parents)
    assert cache.stat().st_mode & 0o077 == 0


def submit(*arguments):
    command = [Path(sys.executable).parent / "spark-submit", "--master", "local[2]", "--conf", "spark.ui.enabled=false"]
    environment = {**os.environ, "PYSPARK_PYTHON": sys.executable, "SPARK_LOCAL_IP": "127.0.0.1"}
    return subprocess.run([*command, SCRIPT, *arguments], capture_output=True, text=True, env=environment)


def test_the_script_labels_parquet_under_spark_submit(companies, by_command_line, tmp_path):
    pq.write_table(companies, tmp_path / "in.parquet")
    options = ["--text", "简介", "--text", "经营范围", "--prior", "0.9", "--threshold", "0.7", "--prefix", "g_"]
    ran = submit(tmp_path / "in.parquet", tmp_path / "out.parquet", *options)
    assert ran.returncode == 0, ran.stderr
    assert (tmp_path / "out.parquet" / "_SUCCESS").exists()
    found = pq.read_table(tmp_path / "out.parquet").sort_by("编号").to_pylist()
    assert found == by_command_line(["简介", "经营范围"], decide_with(load_scorer(), 0.9, 0.7), "g_")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["{in}", "{out}", "--text", "主营"], "dataframe: no column '主营'; found 编号, 简介, 经营范围"),
        (["{in}", "{out}", "--prior", "2"], "expected share out of scope is 2.0; it lies between 0 and 1"),
        (["{none}", "{out}", "--text", "简介"], "Path does not exist"),
        (["{in}", "{there}", "--text", "简介"], "already exists"),
    ],
)
def test_the_script_tells_known_errors_in_one_line(spark, companies, tmp_path, monkeypatch, options, message):
    pq.write_table(companies, tmp_path / "in.parquet")
    (tmp_path / "there").mkdir()
    places = {name: str(tmp_path / name) for name in ("out", "none", "there")} | {"in": str(tmp_path / "in.parquet")}
    monkeypatch.setattr(sys, "argv", ["score_on_spark.py", *(option.format(**places) for option in options)])
    with pytest.raises(SystemExit) as stopped:
        runpy.run_path(str(SCRIPT), run_name="__main__")
    told = str(stopped.value)
    assert told.startswith("score_on_spark: ") and message in told and "\n" not in told
    assert not (tmp_path / "out").exists()
