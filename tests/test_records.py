import codecs
import csv
import gzip
import io
import json
import subprocess
import zipfile
from pathlib import Path
from tempfile import TemporaryDirectory
from unittest.mock import patch

import openpyxl
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from classifier import encoding, records, xlsx_child
from classifier.encoding import detect_encoding
from classifier.errors import InputError
from classifier.records import ABSENT, Batch, cell_text, find_roles, format_of, join_texts, open_table

HEADER = "企业名称,简介\n"
ROWS = "三一重工,工程机械制造\n奇安信,网络安全产品\n"


def rows_of(path, **options):
    with open_table(str(path), **options) as table:
        batches = list(table.batches)
        rows = [list(row) for batch in batches for row in zip(*map(batch.cells, batch.columns), strict=True)]
        return table, rows


def write(path, content):
    path.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8"))
    return path


def workbook(path, rows, *, title="名单", merge=None, sheets=()):
    book = openpyxl.Workbook()
    sheet = book.active
    sheet.title = title
    for row in rows:
        sheet.append(row)
    if merge:
        sheet.merge_cells(merge)
    for name in sheets:
        book.create_sheet(name)
    book.save(path)
    return path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a.csv", ("csv", "")),
        ("a.TSV", ("tsv", "")),
        ("名单.2020.csv.gz", ("csv", "gzip")),
        ("名单.csv.zst", ("csv", "zstd")),
        ("a.xlsx", ("xlsx", "")),
        ("a.jsonl.gz", ("jsonl", "gzip")),
        ("a.parquet", ("parquet", "")),
        ("-", ("csv", "")),
    ],
)
def test_extension_tells_the_format(name, expected):
    assert format_of(name) == expected


@pytest.mark.parametrize("name", ["a", "a.docx", "a.xls", "a.xlsx.gz"])
def test_unknown_extension_is_refused_with_a_way_out(name):
    with pytest.raises(InputError, match=r"--format|save it as xlsx|unpack"):
        format_of(name)


@pytest.mark.parametrize(
    ("encoding", "marked"),
    [("utf-8", False), ("utf-8-sig", True), ("gb18030", False), ("utf-16", True)],
)
def test_the_usual_encodings_are_told_apart(tmp_path, encoding, marked):
    table, rows = rows_of(write(tmp_path / "a.csv", (HEADER + ROWS).encode(encoding)))
    assert rows == [["三一重工", "工程机械制造"], ["奇安信", "网络安全产品"]]
    assert table.marked == marked


def test_short_gb18030_that_detectors_misread(tmp_path):
    _, rows = rows_of(write(tmp_path / "a.csv", "简介\n联通\n".encode("gb18030")))
    assert rows == [["联通"]]


def test_a_file_mixing_two_encodings_is_refused_and_both_lines_named(tmp_path):
    content = (HEADER + "三一重工,工程机械制造\n").encode("utf-8") + "奇安信,网络安全产品\n".encode("gb18030")
    with pytest.raises(InputError, match=r"line 1 is UTF-8, line 3 is not .*mixes two encodings"):
        rows_of(write(tmp_path / "a.csv", content))


def test_bytes_of_no_encoding_are_named_by_line(tmp_path):
    content = (HEADER + ROWS).encode("gb18030") + b"\xff\xff,abc\n"
    with pytest.raises(InputError, match="line 4 is neither UTF-8 nor GB18030"):
        rows_of(write(tmp_path / "a.csv", content))


def test_utf16_without_a_mark_is_recognised(tmp_path):
    with pytest.raises(InputError, match="--encoding utf-16-le"):
        rows_of(write(tmp_path / "a.csv", "name,text\nabc,def\n".encode("utf-16-le")))


def test_a_named_encoding_is_taken_at_its_word(tmp_path):
    path = write(tmp_path / "a.csv", (HEADER + ROWS).encode("big5", "ignore"))
    rows_of(path, encoding="big5")
    with pytest.raises(InputError, match="line 1 is not ascii"):
        rows_of(path, encoding="ascii")
    with pytest.raises(InputError, match="unknown encoding"):
        rows_of(path, encoding="klingon")


@given(st.text(alphabet=st.characters(codec="gb18030", exclude_categories=["Cs", "Cc"]), min_size=1))
def test_every_gb18030_text_is_read_back_or_refused_never_changed(text):
    content = f"简介\n某公司{text}\n".encode("gb18030")
    try:
        found = detect_encoding(lambda: io.BytesIO(content), "a.csv")
    except InputError:
        return
    assert content.decode(found.name) == f"简介\n某公司{text}\n" or found.name == "utf-8"


@given(
    st.lists(
        st.one_of(st.text(max_size=6).map(lambda text: text.encode("utf-8", "surrogatepass")), st.binary(max_size=4))
    ),
    st.integers(1, 9),
)
@example(["工业".encode(), b"\n", "𠮷a".encode()[:3]], 2)
def test_files_in_utf8_are_told_from_others_and_their_lines_counted(pieces, size):
    content = b"".join(pieces)
    with patch.object(encoding, "_CHUNK", size):
        try:
            expected = content.decode().count("\n")
        except UnicodeDecodeError:
            with pytest.raises(ValueError):
                encoding._check_utf8(lambda: io.BytesIO(content))
        else:
            assert encoding._check_utf8(lambda: io.BytesIO(content)) == expected


@pytest.mark.parametrize(
    ("head", "message"),
    [
        ("简介,名称,简介\n", "columns 1 and 3 are both called '简介'"),
        (",,\n", "the first row is blank"),
        ("简介,,名称,\n", "columns 2 and 4 have no name"),
    ],
)
def test_unusable_headers_are_refused(tmp_path, head, message):
    with pytest.raises(InputError, match=message):
        rows_of(write(tmp_path / "a.csv", head + "a,b,c\n"))


def test_one_blank_header_is_kept_and_said(tmp_path):
    table, rows = rows_of(write(tmp_path / "a.csv", ",简介\n0,机器人\n"))
    assert table.columns == ["", "简介"]
    assert rows == [["0", "机器人"]]
    assert table.notes == ["column 1 has no name; it is kept as it is"]


def test_ragged_rows_are_padded_or_reported_never_lost(tmp_path):
    content = "名称,简介,省\n甲,a,b\n乙,a\n丙,a,b,多出来的\n丁,a,b,\n\n戊,a,b\n"
    table, rows = rows_of(write(tmp_path / "a.csv", content))
    assert [row[0] for row in rows] == ["甲", "乙", "丁", "戊"]
    assert rows[1] == ["乙", "a", ""]
    assert [(r.line, r.reason, r.cells[0]) for r in table.rejected] == [(4, "4 cells, the header has 3", "丙")]
    assert "1 rows had fewer cells" in table.notes[0]


def test_an_unclosed_quotation_mark_does_not_swallow_rows(tmp_path):
    with pytest.raises(InputError, match="quotation mark"):
        rows_of(write(tmp_path / "a.csv", '名称,简介\n甲,"没有结束\n乙,机器人\n'))


def test_line_breaks_and_separators_inside_quotes(tmp_path):
    _, rows = rows_of(write(tmp_path / "a.csv", '名称,简介\r\n甲,"第一行\r\n第二行,逗号""引号"""\r\n'))
    assert rows == [["甲", '第一行\r\n第二行,逗号"引号"']]


@pytest.mark.parametrize(("separator", "name"), [("\t", "a.csv"), (";", "a.csv"), (",", "a.tsv")])
def test_another_separator_is_seen_and_said(tmp_path, separator, name):
    table, rows = rows_of(write(tmp_path / name, f"名称{separator}简介\n甲{separator}机器人\n"))
    assert rows == [["甲", "机器人"]]
    assert "separated by" in table.notes[0]


def test_identifiers_stay_text(tmp_path):
    cells = ["000001", "913302040933533733", "NA", "1E5", "null", "0.10", "TRUE", "2020-1-1", ""]
    heads = [f"c{i}" for i in range(len(cells))]
    _, rows = rows_of(write(tmp_path / "a.csv", ",".join(heads) + "\n" + ",".join(cells) + "\n"))
    assert rows == [cells]


def test_huge_field_and_control_characters_are_read(tmp_path):
    huge = "工业" * 500_000 + "\x00\x07"
    _, rows = rows_of(write(tmp_path / "a.csv", f"名称,简介\n甲,{huge}\n"))
    assert rows == [["甲", huge]]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b"", "the file is empty"),
        ("a.xlsx", b"", "the file is empty"),
        ("a.xlsx", b"name,text\n", "looks like csv"),
        ("a.csv", b"PK\x03\x04rest", "looks like xlsx"),
        ("a.csv", b"PAR1rest", "looks like parquet"),
        ("a.csv", b"\x1f\x8brest", "compressed with gzip but not named .gz"),
        ("a.csv.gz", b"name,text\n", "not compressed"),
        ("a.xlsx", b"\xd0\xcf\x11\xe0rest", "old binary xls"),
        ("a.xlsx", b"PK\x03\x04 not a zip at all", "not a readable xlsx"),
        ("a.parquet", b"PAR1 broken PAR1", "not a readable parquet"),
        ("a.csv.gz", gzip.compress(b"name,text\n" * 999)[:40], "damaged or cut off"),
    ],
)
def test_wrong_or_broken_content_is_named(tmp_path, name, content, message):
    with pytest.raises(InputError, match=message):
        rows_of(write(tmp_path / name, content))


def test_missing_file_and_folder_are_named(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        rows_of(tmp_path / "none.csv")
    (tmp_path / "d.csv").mkdir()
    with pytest.raises(InputError, match="is a folder"):
        rows_of(tmp_path / "d.csv")


def test_workbook_cells_keep_their_type(tmp_path):
    import datetime

    day = datetime.datetime(2014, 12, 4)
    path = workbook(
        tmp_path / "a.xlsx", [["代码", "数", "日期", "简介"], ["000001", 12.5, day, "NA"], [None, 3, None, None]]
    )
    table, rows = rows_of(path)
    assert table.columns == ["代码", "数", "日期", "简介"]
    assert rows == [["000001", 12.5, day, "NA"], [None, 3, None, None]]
    assert table.expected_rows == 2


def test_a_code_shown_with_leading_zeros_is_that_text(tmp_path):
    path = tmp_path / "a.xlsx"
    book = openpyxl.Workbook()
    book.active.append(["代码"])
    book.active.append([1])
    book.active["A2"].number_format = "000000"
    book.save(path)
    assert rows_of(path)[1] == [["000001"]]


def test_blank_rows_inside_a_sheet_are_kept_and_those_below_are_not(tmp_path):
    path = workbook(
        tmp_path / "a.xlsx", [["名称", "简介"], ["甲", "a"], [None, None], ["乙", "b"], [None, " "], [None, None]]
    )
    assert [row[0] for row in rows_of(path)[1]] == ["甲", None, "乙", None]


def test_merged_cells_above_and_inside_the_table(tmp_path):
    rows = [["2020年企业名单", None], ["名称", "简介"], ["甲", "a"]]
    with pytest.raises(InputError, match="cells A1:B1 of the header are merged"):
        rows_of(workbook(tmp_path / "a.xlsx", rows, merge="A1:B1"))
    table, found = rows_of(workbook(tmp_path / "b.xlsx", [["省", "简介"], ["京", "a"], [None, "b"]], merge="A2:A3"))
    assert found == [["京", "a"], [None, "b"]]
    assert "merged cells A2:A3" in table.notes[0]


def test_sheets_are_chosen_by_name_and_the_others_are_named(tmp_path):
    path = workbook(tmp_path / "a.xlsx", [["简介"], ["a"]], sheets=["二季度"])
    assert "took sheet '名单'; not 二季度" in rows_of(path)[0].notes[0]
    with pytest.raises(InputError, match="sheet '二季度' is empty"):
        rows_of(path, sheet="二季度")
    with pytest.raises(InputError, match="no sheet '三季度'; the workbook has 名单, 二季度"):
        rows_of(path, sheet="三季度")


def test_a_cell_to_the_right_of_the_header_is_reported(tmp_path):
    table, rows = rows_of(workbook(tmp_path / "a.xlsx", [["名称", "简介"], ["甲", "a", "备注"], ["乙", "b"]]))
    assert rows == [["乙", "b"]]
    assert table.rejected[0].cells == ["甲", "a", "备注"]


def test_an_xlsx_bomb_is_stopped_by_the_limits(tmp_path, monkeypatch):
    """A 30 KB workbook whose one cell unpacks to hundreds of megabytes."""
    path = workbook(tmp_path / "a.xlsx", [["简介"], ["a"]])
    bomb = tmp_path / "bomb.xlsx"
    with zipfile.ZipFile(path) as source, zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as target:
        for entry in source.namelist():
            content = source.read(entry)
            if entry == "xl/worksheets/sheet1.xml":
                cell = b'<row r="3"><c r="A3" t="inlineStr"><is><t>' + b"A" * 300_000_000 + b"</t></is></c></row>"
                content = content.replace(b"</sheetData>", cell + b"</sheetData>")
            target.writestr(entry, content)
    assert bomb.stat().st_size < 1_000_000
    monkeypatch.setattr(records, "XLSX_MEMORY_BYTES", 256 << 20)
    with pytest.raises(InputError, match=r"memory|could not be parsed within"):
        rows_of(bomb)


def test_a_workbook_that_claims_to_unpack_to_too_much_is_refused(tmp_path, monkeypatch, capsys):
    path = workbook(tmp_path / "a.xlsx", [["简介"], ["a"]])
    monkeypatch.setattr(xlsx_child, "MOST_UNPACKED_BYTES", 100)
    monkeypatch.setattr(xlsx_child, "_limit", lambda memory, seconds: None)
    xlsx_child.main(str(path), "", 1 << 30, 10)
    assert "unpacks to" in json.loads(capsys.readouterr().out)["error"]


def test_the_parser_that_dies_takes_nothing_with_it(tmp_path, monkeypatch):
    path = workbook(tmp_path / "a.xlsx", [["简介"], *[["a"]] * 50])
    killer = tmp_path / "killer.py"
    head = json.dumps({"sheets": ["s"], "sheet": "s", "rows": 3, "merged": []})
    killer.write_text(f"import os\nprint({head!r}, '[\"a\"]', sep='\\n', flush=True)\nos.abort()\n")
    monkeypatch.setattr(records.xlsx_child, "__file__", str(killer))
    with pytest.raises(InputError, match="could not be parsed within"):
        rows_of(path)


def test_json_lines_keep_values_and_missing_keys_apart(tmp_path):
    content = '{"name": "甲", "简介": null, "n": 1}\n\n{"name": "乙", "tags": ["a"]}\n[1]\n{broken\n'
    table, rows = rows_of(write(tmp_path / "a.jsonl", content))
    assert table.columns == ["name", "简介", "n", "tags"]
    assert rows == [["甲", None, 1, ABSENT], ["乙", ABSENT, ABSENT, ["a"]]]
    assert [r.line for r in table.rejected] == [4, 5]


def test_parquet_keeps_its_types(tmp_path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    data = pa.table(
        {"id": pa.array([1, None], pa.int16()), "简介": ["机器人", None], "d": pa.array([1, 2], pa.date32())}
    )
    pq.write_table(data, tmp_path / "a.parquet")
    table, rows = rows_of(tmp_path / "a.parquet")
    assert table.schema == data.schema
    assert rows[0][:2] == [1, "机器人"]


def test_description_and_name_columns_are_found_by_the_usual_headers(tmp_path):
    content = "证券简称,公司名称,主营业务(2020年末),经营范围,地址\n甲,甲公司,机器人,制造,北京\n"
    with open_table(str(write(tmp_path / "a.csv", content))) as table:
        assert find_roles(table) == (("主营业务(2020年末)", "经营范围"), "公司名称")
        assert find_roles(table, ["地址"], "证券简称") == (("地址",), "证券简称")
        with pytest.raises(InputError, match="no column '说明'; found 证券简称"):
            find_roles(table, ["说明"])


def test_no_description_column_is_said_with_what_was_found(tmp_path):
    with (
        open_table(str(write(tmp_path / "in.csv", "企业名称,地区\n甲,乙\n"))) as table,
        pytest.raises(
            InputError, match=r"in\.csv: no column with a description; found 企业名称, 地区. Name it with --text"
        ),
    ):
        find_roles(table)


def test_joined_descriptions_leave_out_what_is_empty_or_repeated():
    batch = Batch(
        {"a": ["机器人", "", None, "甲"], "b": [" 机器人", "视觉", None, "乙"], "c": ["", "视觉", "\u3000", "甲"]}, 4
    )
    assert join_texts(batch, ["a", "b", "c"]).to_pylist() == ["机器人", "视觉", "", "甲。乙"]


@pytest.mark.parametrize(("value", "text"), [(1, "1"), (1.5, "1.5"), (float("nan"), ""), ({"a": "甲"}, '{"a": "甲"}')])
def test_cells_as_text(value, text):
    assert cell_text(value) == text


def test_mark_constants_are_those_of_the_standard():
    assert codecs.BOM_UTF8 == b"\xef\xbb\xbf"
    assert detect_encoding(lambda: io.BytesIO(b"\xef\xbb\xbf" + "简介".encode()), "a.csv").name == "utf-8-sig"


def test_child_process_needs_no_installed_package(tmp_path):
    import sys

    path = workbook(tmp_path / "a.xlsx", [["简介"], ["a"]])
    command = [sys.executable, "-P", xlsx_child.__file__, str(path), "", str(1 << 30), "20"]
    lines = subprocess.run(command, capture_output=True, text=True, check=True, cwd=tmp_path).stdout.splitlines()
    assert json.loads(lines[-1]) == {"end": 2}


def by_csv_module(content):
    """Return rows and rejected lines as Python's csv module reads a whole file, or the error's beginning."""
    reader = csv.reader(io.StringIO(content, newline=""), strict=True)
    rows, rejected = [], []
    try:
        width = len(next(reader))
        for row in reader:
            if len(row) <= width or not any(row[width:]):
                if row or width == 1:
                    rows.append((row + [""] * width)[:width])
            else:
                rejected.append(reader.line_num)
    except csv.Error as error:
        return f"line {reader.line_num}: {error}"
    return rows, rejected


CELLS = st.sampled_from(
    [
        *("", "a", "工业", '"b"', '"x,y"', '"一\n二"', '"q""q"', " ", "'", "\\"),
        *('c"', '"', '"d"e', '""', "\r", '"\r\n"'),  # irregular, some of them
    ]
)
LINES = st.lists(st.lists(CELLS, max_size=4).map(",".join), max_size=12)


@given(LINES, st.sampled_from(["\n", "\r\n"]), st.integers(1, 40), st.sampled_from(["h,i,j", "h", '"h","i"']))
@example(["a,b,c", '"x\n,y",b,c', "", "1,2,3,4"], "\n", 5, "h,i,j")
@example(["\r"], "\n", 1, "h")
@settings(max_examples=500)
def test_blocks_give_what_the_csv_module_gives_of_the_whole(lines, end, block, head):
    content = end.join([head, *lines])
    expected = by_csv_module(content)
    with TemporaryDirectory() as folder, patch.object(records, "BLOCK_BYTES", block):
        path = Path(folder) / "a.csv"
        path.write_bytes(content.encode())
        try:
            table, rows = rows_of(path)
        except InputError as error:
            assert isinstance(expected, str) and expected in str(error)
            return
    assert (rows, [rejected.line for rejected in table.rejected]) == expected


@pytest.mark.parametrize("name", ["a.csv", "a.jsonl"])
def test_a_file_that_is_written_while_it_is_read_is_refused(tmp_path, name):
    path = tmp_path / name
    path.write_text("简介\n机器人\n" if name == "a.csv" else '{"简介": "机器人"}\n', encoding="utf-8")
    with open_table(str(path)) as table:
        with path.open("a", encoding="utf-8") as file:
            file.write("面包\n" if name == "a.csv" else '{"简介": "面包"}\n')
        with pytest.raises(InputError, match=r"was changed while it was read; read it again when it is complete"):
            list(table.batches)
