import datetime
import gzip
import json

import openpyxl
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from classifier import outputs
from classifier.errors import OutputError
from classifier.outputs import guard, open_output
from classifier.records import ABSENT, Batch


def frame(**columns):
    return Batch(columns, len(next(iter(columns.values()))))


def written(path, format, *frames, **options):
    with open_output(str(path), format, **options) as writer:
        for part in frames:
            writer.write(part)
    return writer


LIVE = ["=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1", "＝1"]


@pytest.mark.parametrize("cell", LIVE)
def test_no_cell_of_a_csv_is_a_live_formula(tmp_path, cell):
    writer = written(tmp_path / "a.csv", "csv", frame(简介=[cell]))
    assert (tmp_path / "a.csv").read_text(encoding="utf-8").splitlines()[1].strip('"').startswith("'")
    assert writer.guarded == 1


@pytest.mark.parametrize("cell", ["-3.5", "+86", "-", "12%", "-1,200.5", "1e-5", "三一-重工", "a=b"])
def test_numbers_and_plain_text_are_left_alone(cell):
    assert guard(cell) == cell


@given(st.text())
def test_what_is_guarded_differs_by_the_apostrophe_alone(text):
    assert guard(text) in (text, "'" + text)


@pytest.mark.parametrize("cell", LIVE)
def test_no_cell_of_an_xlsx_is_a_formula(tmp_path, cell):
    written(tmp_path / "a.xlsx", "xlsx", frame(简介=[cell]))
    found = openpyxl.load_workbook(tmp_path / "a.xlsx").active["A2"]
    assert (found.data_type, found.value) == ("s", cell)


def test_xlsx_cells_keep_their_type(tmp_path):
    day = datetime.datetime(2020, 7, 1)
    written(tmp_path / "a.xlsx", "xlsx", frame(代码=["000001"], 数=[12.5], 日=[day], 是=[True], 空=[None], 长=[10**17]))
    cells = [cell.value for cell in openpyxl.load_workbook(tmp_path / "a.xlsx").active[2]]
    assert cells == ["000001", 12.5, day, True, None, str(10**17)]


def test_a_cell_too_long_for_xlsx_is_refused_with_a_way_out(tmp_path):
    with pytest.raises(OutputError, match=r"32,767: write csv or parquet"):
        written(tmp_path / "a.xlsx", "xlsx", frame(简介=["工" * 32_768]))
    assert list(tmp_path.iterdir()) == []


def test_more_rows_than_xlsx_holds_are_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("classifier.outputs.XLSX_ROWS", 3)
    with pytest.raises(OutputError, match="xlsx holds 3 rows at most"):
        written(tmp_path / "a.xlsx", "xlsx", frame(简介=["a", "b", "c"]))


def test_gzip_output_is_the_same_bytes_every_time(tmp_path):
    for name in ("a.csv.gz", "b.csv.gz"):
        written(tmp_path / name, "csv", frame(简介=["机器人"]), zipped="gzip")
    assert (tmp_path / "a.csv.gz").read_bytes() == (tmp_path / "b.csv.gz").read_bytes()
    assert gzip.decompress((tmp_path / "a.csv.gz").read_bytes()).decode() == "简介\n机器人\n"


def test_marked_csv_opens_in_excel(tmp_path):
    written(tmp_path / "a.csv", "csv", frame(简介=["机器人"]), marked=True)
    assert (tmp_path / "a.csv").read_bytes().startswith(b"\xef\xbb\xbf")


def test_json_lines_leave_missing_keys_away(tmp_path):
    written(tmp_path / "a.jsonl", "jsonl", frame(a=[None, ABSENT], b=[["甲"], {"c": 1}], n=[1, 2.5]))
    lines = [json.loads(line) for line in (tmp_path / "a.jsonl").read_text(encoding="utf-8").splitlines()]
    assert lines == [{"a": None, "b": ["甲"], "n": 1}, {"b": {"c": 1}, "n": 2.5}]


def test_parquet_without_a_schema_is_text_and_numbers(tmp_path):
    parts = [frame(代码=["000001", None]), frame(代码=[3, datetime.datetime(2020, 1, 2)])]
    written(tmp_path / "a.parquet", "parquet", *parts)
    assert pd.read_parquet(tmp_path / "a.parquet")["代码"].tolist()[0] == "000001"
    assert pd.read_parquet(tmp_path / "a.parquet")["代码"].tolist()[2:] == ["3", "2020-01-02"]


@pytest.mark.parametrize(("limit", "value"), [("GROUP_ROWS", 3), ("GROUP_BYTES", 15)])
def test_parquet_rows_are_packed_in_groups_of_whole_batches(tmp_path, monkeypatch, limit, value):
    monkeypatch.setattr(outputs, limit, value)
    written(tmp_path / "a.parquet", "parquet", *(frame(n=[number, number + 1]) for number in range(0, 10, 2)))
    held = pq.ParquetFile(tmp_path / "a.parquet").metadata
    assert [held.row_group(number).num_rows for number in range(held.num_row_groups)] == [4, 4, 2]
    assert pd.read_parquet(tmp_path / "a.parquet")["n"].tolist() == [str(number) for number in range(10)]


def test_parquet_holds_as_text_what_comes_with_a_dictionary(tmp_path):
    for size in (1, 3):
        named = pa.DictionaryArray.from_arrays(pa.array([0, 1, 0][:size], pa.uint8()), ["接受", "复核"])
        written(tmp_path / "a.parquet", "parquet", *[frame(状态=named)] * 2)
        found = pq.read_table(tmp_path / "a.parquet")
        assert found.schema == pa.schema([("状态", pa.string())])
        assert found["状态"].to_pylist() == ["接受", "复核", "接受"][:size] * 2


def test_parquet_keeps_the_types_of_the_input(tmp_path):
    schema = pa.schema(
        [
            pa.field("代码", pa.large_string(), nullable=False),
            pa.field("行业", pa.dictionary(pa.int32(), pa.string())),
            pa.field("日", pa.timestamp("ms", "Asia/Shanghai")),
        ]
    )
    rows = pa.record_batch(
        [pa.array(["1", "2"], t) if t != schema[2].type else [0, None] for t in schema.types], schema
    )
    written(tmp_path / "a.parquet", "parquet", Batch.of(rows), schema=schema)
    found = pq.read_table(tmp_path / "a.parquet")
    assert found.schema.equals(schema)
    assert found.to_pylist() == rows.to_pylist()


@pytest.mark.parametrize(("zipped", "named"), [("", "UNCOMPRESSED"), ("snappy", "SNAPPY"), ("zstd", "ZSTD")])
def test_parquet_is_compressed_as_asked(tmp_path, zipped, named):
    written(tmp_path / "a.parquet", "parquet", frame(简介=[f"工业机器人{i}" for i in range(99)]), zipped=zipped)
    assert pq.ParquetFile(tmp_path / "a.parquet").metadata.row_group(0).column(0).compression == named
    assert pd.read_parquet(tmp_path / "a.parquet")["简介"].tolist()[98] == "工业机器人98"


def test_nothing_is_left_when_writing_fails(tmp_path):
    with pytest.raises(RuntimeError), open_output(str(tmp_path / "a.csv"), "csv") as writer:
        writer.write(frame(简介=["a"]))
        raise RuntimeError
    assert list(tmp_path.iterdir()) == []


def test_an_older_file_stays_when_writing_fails(tmp_path):
    (tmp_path / "a.csv").write_text("old", encoding="utf-8")
    with pytest.raises(KeyboardInterrupt), open_output(str(tmp_path / "a.csv"), "csv") as writer:
        writer.write(frame(简介=["a"]))
        raise KeyboardInterrupt
    assert [(p.name, p.read_text(encoding="utf-8")) for p in tmp_path.iterdir()] == [("a.csv", "old")]


def test_a_full_disk_is_told_in_one_line():
    with pytest.raises(OutputError, match="No space left on device") as told:
        written("/dev/full", "csv", frame(简介=["a" * 100_000]))
    assert "\n" not in str(told.value)


def test_a_folder_is_no_place_for_a_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        written(tmp_path, "csv", frame(a=["1"]))


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("x", encoding="utf-8")
    with pytest.raises(OutputError, match="cannot be written"):
        written(tmp_path / "file" / "a.csv", "csv", frame(a=["1"]))


def test_half_a_character_of_broken_json_is_written_as_utf_8(tmp_path):
    path = tmp_path / "out.jsonl"
    with open_output(str(path), "jsonl") as writer:
        writer.write(Batch({"简介": ["半个\ud83d字"], "其他": [{"深": "\udc00"}]}, 1))
    assert json.loads(path.read_text(encoding="utf-8")) == {"简介": "半个\ufffd字", "其他": {"深": "\ufffd"}}
