"""Files of companies in, batches of rows out: csv, tsv, xlsx, jsonl and parquet, also gzip and standard input.

Every row of a file is either in a batch or among `Table.rejected` with its line and reason: nothing disappears.
Cells keep their type: text stays text (``000001``, 18-digit codes, ``NA``), xlsx numbers and dates stay what they are.
"""

import csv
import datetime
import gzip
import io
import json
import re
import shutil
import subprocess
import sys
import tempfile
import unicodedata
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager, suppress
from dataclasses import dataclass, field
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple, cast

import pandas as pd

from classifier import xlsx_child
from classifier.encoding import count_lines, detect_encoding
from classifier.errors import InputError

_EXTENSIONS = {
    ".csv": "csv",
    ".tsv": "tsv",
    ".txt": "tsv",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".parquet": "parquet",
    ".pq": "parquet",
}
SEPARATORS = {"csv": ",", "tsv": "\t"}
BATCH_ROWS = 2_000
XLSX_MEMORY_BYTES = 2 << 30
XLSX_SECONDS = 600

# Headers under which companies' descriptions and names stand in the usual exports.
TEXT_HEADERS = frozenset(
    {
        *("简介", "介绍", "描述", "公司介绍", "公司简介", "公司描述", "企业介绍", "企业简介", "企业描述", "一句话简介"),
        *("一句话介绍", "业务描述", "业务介绍", "业务简介", "主营业务", "主要业务", "主营", "主营产品", "主要产品"),
        *("主营产品类型", "产品介绍", "产品简介", "产品服务", "项目简介", "项目介绍", "经营范围", "业务范围"),
        *("description", "main_business", "main_business_csmar", "introduction", "intro", "profile", "business"),
        *("business_scope", "scope", "text", "summary"),
    }
)
NAME_HEADERS = (  # the first that is there counts
    *("企业名称", "公司名称", "公司全称", "企业全称", "全称", "名称", "公司", "企业", "机构名称", "单位名称"),
    *("证券简称", "股票简称", "公司简称", "企业简称", "简称", "项目名称", "融资方"),
    *("company", "company_name", "name", "fullname", "full_name"),
)


class Rejected(NamedTuple):
    """A row that cannot be scored: where it stands, why, and what it holds."""

    line: int
    reason: str
    cells: list[Any]


@dataclass
class Table:
    """An opened file of companies: its columns at once, its rows batch by batch."""

    path: str
    format: str
    columns: list[str]
    expected_rows: int | None
    batches: Iterator[pd.DataFrame]
    encoding: str = ""
    marked: bool = False
    notes: list[str] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    schema: Any = None


class Roles(NamedTuple):
    """Which columns hold the description (joined in this order) and the company's name."""

    text: tuple[str, ...]
    name: str | None


def format_of(path: str, given: str | None = None) -> tuple[str, bool]:
    """Return a file's format and whether it is gzipped, by ``given`` or the extension (standard input: csv).

    Raises
    ------
    InputError
        If the extension is not one of the formats.

    >>> format_of("名单.csv.gz")
    ('csv', True)
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    zipped = bool(suffixes) and suffixes[-1] == ".gz"
    last = (suffixes[-2] if zipped and len(suffixes) > 1 else suffixes[-1]) if suffixes else ""
    found = given or ("csv" if path == "-" else _EXTENSIONS.get(last))
    if last == ".xls" and not given:
        raise InputError(f"{path}: the old binary xls is not read; save it as xlsx in Excel or WPS")
    if found is None:
        raise InputError(
            f"{path}: unknown extension {last!r}, expected one of {', '.join(_EXTENSIONS)}; name the --format"
        )
    if zipped and found in ("xlsx", "parquet"):
        raise InputError(f"{path}: a gzipped {found} is not read; unpack it first (it is compressed inside)")
    return found, zipped


@contextmanager
def open_table(
    path: str, *, format: str | None = None, encoding: str | None = None, sheet: str | None = None
) -> Iterator[Table]:
    """Open a file of companies (``-`` is standard input) for reading batch by batch.

    Raises
    ------
    InputError
        If it is missing, a directory, empty, unreadable, in mixed encodings, without a usable header, malformed, or
        a workbook that cannot be parsed within limits. Errors found later are raised while batches are taken.
    """
    kind, zipped = format_of(path, format)
    with _local_file(path) as (local, found), ExitStack() as opened:
        if path == "-":
            path, zipped = "stdin", found == "gzip"
            kind = format or ("csv" if zipped else found)
        _check_magic(path, found, kind, zipped)
        if kind == "xlsx":
            table = _open_xlsx(path, local, sheet, opened)
        elif kind == "parquet":
            table = _open_parquet(path, local, opened)
        else:
            open_bytes = cast(Callable[[], BinaryIO], partial(gzip.open if zipped else open, local, "rb"))
            table = _open_text(path, kind, open_bytes, encoding, opened)
        yield table


def find_roles(table: Table, text: Sequence[str] = (), name: str | None = None) -> Roles:
    """Return the description and name columns: those named by the user, else those with a usual header.

    Raises
    ------
    InputError
        If a named column is not there, or no description column is found.
    """
    wanted = [*text, *([name] if name else [])]
    missing = [column for column in wanted if column not in table.columns]
    listed = ", ".join(column or "(blank)" for column in table.columns)
    if missing:
        raise InputError(f"{table.path}: no column {missing[0]!r}; found {listed}")
    heads = {_plain_header(column): column for column in reversed(table.columns)}
    found = tuple(text) or tuple(c for c in table.columns if _plain_header(c) in TEXT_HEADERS)
    if not found:
        raise InputError(f"{table.path}: no column with a description; found {listed}. Name it with --text")
    names = [heads[head] for head in NAME_HEADERS if head in heads and heads[head] not in found]
    return Roles(found, name or (names[0] if names else None))


def _plain_header(header: str) -> str:
    """Return a header without brackets and spaces: ``主营业务(2020年末)`` is ``主营业务``."""
    folded = unicodedata.normalize("NFKC", header).lower()
    return re.sub(r"\(.*?\)|\[.*?\]|【.*?】|\s+", "", folded)


def join_texts(frame: pd.DataFrame, columns: Sequence[str]) -> list[str]:
    """Return one description a row: the cells of the columns, joined by a full stop, empty cells left out."""
    cells = [[cell_text(value).strip() for value in frame[column].tolist()] for column in columns]
    return ["。".join(dict.fromkeys(part for part in parts if part)) for parts in zip(*cells, strict=True)]


def cell_text(value: Any) -> str:
    """Return a cell as the text that csv shows.

    >>> cell_text(datetime.datetime(2014, 12, 4)), cell_text(None), cell_text("000001"), cell_text(True)
    ('2014-12-04', '', '000001', 'TRUE')
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    if isinstance(value, datetime.datetime):
        return value.isoformat(sep=" ").removesuffix(" 00:00:00")
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False)
    return "" if isinstance(value, float) and value != value else str(value)


@contextmanager
def _local_file(path: str) -> Iterator[tuple[Path, str]]:
    """Yield a readable file and what its first bytes say it is; standard input is copied to a temporary file."""
    if path == "-":
        with tempfile.NamedTemporaryFile(prefix="gonglian-") as copy:
            shutil.copyfileobj(sys.stdin.buffer, copy)
            copy.flush()
            yield Path(copy.name), _magic(path, Path(copy.name))
    else:
        yield Path(path), _magic(path, Path(path))


def _magic(path: str, local: Path) -> str:
    if local.is_dir():
        raise InputError(f"{path}: is a folder, expected a file; name one of its files")
    try:
        with local.open("rb") as stream:
            head = stream.read(8)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file; check the name and the folder you are in") from None
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror}); check its permissions") from error
    if not head:
        raise InputError(f"{path}: the file is empty, expected a header and rows")
    for magic, found in (
        (b"PK\x03\x04", "xlsx"),
        (b"PAR1", "parquet"),
        (b"\x1f\x8b", "gzip"),
        (b"\xd0\xcf\x11\xe0", "xls"),
    ):
        if head.startswith(magic):
            return found
    return "jsonl" if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") else "csv"


def _check_magic(path: str, found: str, kind: str, zipped: bool) -> None:
    if found == "xls":
        raise InputError(f"{path}: an old binary xls or an encrypted workbook; save it as a plain xlsx in Excel or WPS")
    if zipped != (found == "gzip"):
        expected = "gzip by its name but is not compressed" if zipped else "compressed with gzip but not named .gz"
        raise InputError(f"{path}: the file is {expected}; give it the right name")
    binary = ("xlsx", "parquet")
    if kind != found and (kind in binary or found in binary):  # text may be told apart by its name alone
        raise InputError(
            f"{path}: not a {kind} file, its content looks like {found}; use --format {found} or the right file"
        )


def _open_text(
    path: str, kind: str, open_bytes: Callable[[], BinaryIO], encoding: str | None, opened: ExitStack
) -> Table:
    try:
        if encoding:
            name, lines, marked = encoding, count_lines(open_bytes, encoding, path), False
        else:
            name, lines, marked = detect_encoding(open_bytes, path)
    except (EOFError, gzip.BadGzipFile) as error:
        raise InputError(f"{path}: the gzip file is damaged or cut off ({error}); fetch or make it again") from error
    table = Table(path, kind, [], lines, iter(()), name, marked)
    stream = opened.enter_context(io.TextIOWrapper(open_bytes(), encoding=name, newline=""))
    if kind == "jsonl":
        table.columns = _json_columns(open_bytes, name)
        rows = _json_rows(table, stream)
    else:
        rows = _csv_rows(table, stream)
        next(rows)  # the header
    _check_header(table)
    table.expected_rows = max(lines - 1, 0) if kind != "jsonl" else lines
    table.batches = _frames(table, rows)
    return table


def _csv_rows(table: Table, stream: io.TextIOWrapper) -> Iterator[list[Any]]:
    """Yield a first empty row once the header is known, then every row with as many cells as the header."""
    csv.field_size_limit(sys.maxsize)
    head = stream.readline()
    separator = _separator(head, SEPARATORS[table.format])
    if separator != SEPARATORS[table.format]:
        table.notes.append(f"cells are separated by {separator!r}")
    reader = csv.reader(_again(head, stream), delimiter=separator, strict=True)
    try:
        table.columns = next(reader, [])
        yield []
        short = 0
        for row in reader:
            if len(row) == len(table.columns):
                yield row
            elif not row and len(table.columns) > 1:
                continue  # a blank line
            elif len(row) < len(table.columns):
                short += 1
                yield row + [""] * (len(table.columns) - len(row))
            elif not any(row[len(table.columns) :]):
                yield row[: len(table.columns)]
            else:
                reason = f"{len(row)} cells, the header has {len(table.columns)}"
                table.rejected.append(Rejected(reader.line_num, reason, row))
        if short:
            table.notes.append(f"{short} rows had fewer cells than the header; the missing ones count as empty")
    except csv.Error as error:
        raise InputError(
            f"{table.path}: line {reader.line_num}: {error}; a quotation mark is not closed or not doubled: mend it"
        ) from error


def _separator(head: str, usual: str) -> str:
    """Return the separator that a header line uses: the usual one unless it has none and another splits the line."""
    return max((usual, "\t", ";", ",", "|"), key=lambda mark: (mark == usual and usual in head, head.count(mark)))


def _again(first: str, rest: Iterable[str]) -> Iterator[str]:
    yield first
    yield from rest


def _check_header(table: Table) -> None:
    columns = [column.strip() for column in table.columns]
    if not any(columns):
        raise InputError(f"{table.path}: the first row is blank, expected column names; put them in row 1")
    for index, column in enumerate(columns):
        if column in columns[:index]:
            first, second = columns.index(column) + 1, index + 1
            shown = f"are both called {column!r}" if column else "have no name"
            raise InputError(
                f"{table.path}: row 1: columns {first} and {second} {shown}; give each column its own name"
            )
    if "" in columns:
        table.notes.append(f"column {columns.index('') + 1} has no name; it is kept as it is")


def _frames(table: Table, rows: Iterator[list[Any]]) -> Iterator[pd.DataFrame]:
    while batch := list(islice(rows, BATCH_ROWS)):
        yield _frame(table, batch)


def _frame(table: Table, rows: list[list[Any]]) -> pd.DataFrame:
    columns = zip(*rows, strict=True)
    data = {name: pd.Series(list(cells), dtype=object) for name, cells in zip(table.columns, columns, strict=True)}
    return pd.DataFrame(data, columns=pd.Index(table.columns, dtype=object))


def _json_columns(open_bytes: Callable[[], BinaryIO], encoding: str) -> list[str]:
    columns: dict[str, None] = {}
    with io.TextIOWrapper(open_bytes(), encoding=encoding) as stream:
        for line in stream:
            with suppress(ValueError):
                found = json.loads(line)
                columns.update(dict.fromkeys(found if isinstance(found, dict) else ()))
    return list(columns)


def _json_rows(table: Table, stream: io.TextIOWrapper) -> Iterator[list[Any]]:
    for number, line in enumerate(stream, 1):
        if not line.strip():
            continue
        try:
            found = json.loads(line)
        except ValueError as error:
            table.rejected.append(Rejected(number, f"not JSON ({error})", [line.rstrip("\n")]))
            continue
        if isinstance(found, dict):
            yield [found.get(column, pd.NA) for column in table.columns]
        else:
            table.rejected.append(Rejected(number, "not a JSON object", [line.rstrip("\n")]))


def _open_parquet(path: str, local: Path, opened: ExitStack) -> Table:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        file = opened.enter_context(pq.ParquetFile(local))
        schema = file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable parquet file ({error}); write it again") from error
    table = Table(path, "parquet", list(schema.names), file.metadata.num_rows, iter(()), schema=schema)
    _check_header(table)
    table.batches = _parquet_frames(file, path)
    return table


def _parquet_frames(file: Any, path: str) -> Iterator[pd.DataFrame]:
    import pyarrow as pa

    try:
        for batch in file.iter_batches(batch_size=BATCH_ROWS):
            yield pa.Table.from_batches([batch]).to_pandas(types_mapper=pd.ArrowDtype, ignore_metadata=True)
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: the parquet file is damaged ({error}); write it again") from error


def _open_xlsx(path: str, local: Path, sheet: str | None, opened: ExitStack) -> Table:
    rows = opened.enter_context(closing(_xlsx_lines(path, local, sheet)))
    head, header = next(rows), next(rows, None)
    if not isinstance(header, list):
        raise InputError(
            f"{path}: sheet {head['sheet']!r} is empty, expected a header and rows; name another with --sheet"
        )
    columns = [cell_text(_typed(cell)) for cell in header]
    table = Table(path, "xlsx", columns, max((head["rows"] or 1) - 1, 0), iter(()))
    _check_merged(table, head)
    _check_header(table)
    if len(head["sheets"]) > 1:
        others = ", ".join(name for name in head["sheets"] if name != head["sheet"])
        table.notes.append(f"took sheet {head['sheet']!r}; not {others} (choose with --sheet)")
    table.batches = _frames(table, _xlsx_rows(table, rows))
    return table


def _check_merged(table: Table, head: dict[str, Any]) -> None:
    inside = []
    for cells in head["merged"]:
        if min(map(int, re.findall(r"\d+", cells))) == 1:
            raise InputError(
                f"{table.path}: sheet {head['sheet']!r}: cells {cells} of the header are merged; "
                "delete a title above the table and unmerge, so that row 1 holds one name a column"
            )
        inside.append(cells)
    if inside:
        shown = ", ".join(inside[:5]) + (" ..." if len(inside) > 5 else "")
        table.notes.append(f"merged cells {shown}: the value counts for the first cell alone, the others are empty")


def _xlsx_rows(table: Table, lines: Iterator[Any]) -> Iterator[list[Any]]:
    width = len(table.columns)
    for number, cells in enumerate(lines, 2):
        row = [_typed(cell) for cell in cells[:width]] + [None] * (width - len(cells))
        if any(cell is not None for cell in cells[width:]):
            reason = f"{len(cells)} cells, the header has {width}"
            table.rejected.append(Rejected(number, reason, [cell_text(_typed(cell)) for cell in cells]))
        else:
            yield row


def _typed(cell: Any) -> Any:
    if not isinstance(cell, dict):
        return cell
    try:
        return datetime.datetime.fromisoformat(cell["date"])
    except ValueError:
        return cell["date"]


def _xlsx_lines(path: str, local: Path, sheet: str | None) -> Generator[Any, None, None]:
    """Yield what `classifier.xlsx_child` prints of a workbook, parsed; it runs with limits on memory and time."""
    limits = [str(XLSX_MEMORY_BYTES), str(XLSX_SECONDS)]
    command = [
        sys.executable,
        "-P",
        "-X",
        "utf8",
        "-W",
        "ignore",
        xlsx_child.__file__,
        str(local),
        sheet or "",
        *limits,
    ]
    ended = False
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, encoding="utf-8") as child:
        try:
            for line in child.stdout or ():
                found = json.loads(line)
                if isinstance(found, dict) and "error" in found:
                    raise InputError(f"{path}: {found['error']}")
                ended = isinstance(found, dict) and "end" in found
                if not ended:
                    yield found
            ended = ended and child.wait(timeout=10) == 0
        finally:
            child.kill()
    if not ended:
        raise InputError(
            f"{path}: the workbook could not be parsed within {XLSX_MEMORY_BYTES >> 30} GB and {XLSX_SECONDS} s; "
            "it is damaged or hostile: save it again in Excel or WPS, or export csv"
        )
