"""Files of companies in, batches of rows out: csv, tsv, xlsx, jsonl and parquet, also gzip, zstd and standard input.

Every row of a file is either in a batch or among `Table.rejected` with its line and reason: nothing disappears.
Cells keep their type: text stays text (``000001``, 18-digit codes, ``NA``), xlsx numbers and dates stay what they are.
A csv file is read block by block: by pyarrow where a block is plain, by Python's csv module where it is not (a row has
another number of cells than the header, a quotation mark stands inside a cell, ...), which reads it slowly and exactly.
"""

import csv
import datetime
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
from typing import Any, BinaryIO, NamedTuple, TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from classifier import xlsx_child
from classifier.encoding import count_lines, detect_encoding
from classifier.errors import InputError
from classifier.text import SURROGATE

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
COMPRESSIONS = {".gz": "gzip", ".zst": "zstd"}
SEPARATORS = {"csv": ",", "tsv": "\t"}
BATCH_ROWS = 2_000  # of formats that are read row by row
BLOCK_BYTES = 4 << 20  # of a csv file
PARQUET_ROWS = 10_000
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


class Absent:
    """The value of a key that a row of jsonl does not have (null is another thing)."""

    def __repr__(self) -> str:
        """Return a name for messages."""
        return "<absent>"


ABSENT = Absent()

# an Arrow array, or Python values where the cells of a column may be of any type
Column: TypeAlias = "pa.Array | list[Any]"


class Batch(NamedTuple):
    """Some rows of a table, column by column, in the order of the table's columns."""

    columns: dict[str, Column]
    rows: int

    @classmethod
    def of(cls, held: pa.RecordBatch) -> "Batch":
        """Return what Arrow holds."""
        return cls(dict(zip(held.schema.names, held.columns, strict=True)), held.num_rows)

    def beside(self, other: "Batch") -> "Batch":
        """Return the rows with the columns of another batch behind their own."""
        return Batch({**self.columns, **other.columns}, self.rows)

    def cells(self, column: str) -> list[Any]:
        """Return a column as Python values."""
        held = self.columns[column]
        return held if isinstance(held, list) else held.to_pylist()

    def text(self, column: str) -> pa.Array:
        """Return a column as text, as csv shows it; a cell that is null in its own type may stay null."""
        held = self.columns[column]
        if isinstance(held, list):
            return _as_text(held)
        if pa.types.is_string(held.type):
            return held
        if pa.types.is_large_string(held.type):
            return held.cast(pa.string())
        try:
            encoded = held if pa.types.is_dictionary(held.type) else held.dictionary_encode()
        except pa.ArrowNotImplementedError:  # lists and structures
            return _as_text(held.to_pylist())
        return _as_text(encoded.dictionary.to_pylist()).take(encoded.indices)


def _as_text(cells: Iterable[Any]) -> pa.Array:
    return pa.array([valid_text(cell_text(value)) for value in cells], pa.string())


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
    batches: Iterator[Batch]
    encoding: str = ""
    marked: bool = False
    notes: list[str] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    schema: Any = None
    local: Path = Path()


class Roles(NamedTuple):
    """Which columns hold the description (joined in this order) and the company's name."""

    text: tuple[str, ...]
    name: str | None


def format_of(path: str, given: str | None = None) -> tuple[str, str]:
    """Return a file's format and compression, by ``given`` or the extension (standard input: csv).

    Raises
    ------
    InputError
        If the extension is not one of the formats.

    >>> format_of("名单.csv.gz"), format_of("名单.csv")
    (('csv', 'gzip'), ('csv', ''))
    """
    suffixes = [suffix.lower() for suffix in Path(path).suffixes]
    zipped = COMPRESSIONS.get(suffixes[-1], "") if suffixes else ""
    last = (suffixes[-2] if zipped and len(suffixes) > 1 else suffixes[-1]) if suffixes else ""
    found = given or ("csv" if path == "-" else _EXTENSIONS.get(last))
    if last == ".xls" and not given:
        raise InputError(f"{path}: the old binary xls is not read; save it as xlsx in Excel or WPS")
    if found is None:
        raise InputError(
            f"{path}: unknown extension {last!r}, expected one of {', '.join(_EXTENSIONS)}; name the --format"
        )
    if zipped and found in ("xlsx", "parquet"):
        raise InputError(f"{path}: a {found} in {zipped} is not read; unpack it first (it is compressed inside)")
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
            path, zipped = "stdin", found if found in COMPRESSIONS.values() else ""
            kind = format or ("csv" if zipped else found)
        _check_magic(path, found, kind, zipped)
        state = _state(local)
        if kind == "xlsx":
            table = _open_xlsx(path, local, sheet, opened)
        elif kind == "parquet":
            table = _open_parquet(path, local, opened)
        else:
            table = _open_text(path, kind, partial(_open_bytes, local, zipped), encoding, opened)
        table.local, table.batches = local, _unchanged(table.batches, path, local, state)
        yield table


def _state(local: Path) -> tuple[int, ...]:
    try:
        told = local.stat()
    except OSError:
        return ()
    return told.st_ino, told.st_size, told.st_mtime_ns


def _unchanged(batches: Iterator[Batch], path: str, local: Path, state: tuple[int, ...]) -> Iterator[Batch]:
    """Yield batches of a file that nobody writes meanwhile: what was found in it before must hold when it is read."""
    yield from batches
    if _state(local) != state:
        raise InputError(f"{path}: the file was changed while it was read; read it again when it is complete")


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
    heads = {plain_header(column): column for column in reversed(table.columns)}
    found = tuple(text) or tuple(c for c in table.columns if plain_header(c) in TEXT_HEADERS)
    if not found:
        raise InputError(f"{table.path}: no column with a description; found {listed}. Name it with --text")
    names = [heads[head] for head in NAME_HEADERS if head in heads and heads[head] not in found]
    return Roles(found, name or (names[0] if names else None))


def plain_header(header: str) -> str:
    """Return a header without brackets and spaces: ``主营业务(2020年末)`` is ``主营业务``."""
    folded = unicodedata.normalize("NFKC", header).lower()
    return re.sub(r"\(.*?\)|\[.*?\]|【.*?】|\s+", "", folded)


def join_texts(batch: Batch, columns: Sequence[str]) -> pa.Array:
    """Return one description a row: the cells of the columns, joined by a full stop, empty and equal ones left out."""
    if len(columns) == 1:
        return filled(batch.text(columns[0]))
    parts: list[pa.Array] = []
    joined = pa.array([""] * batch.rows, pa.large_string())
    for column in columns:
        cells = filled(pc.utf8_trim_whitespace(batch.text(column).cast(pa.large_string())))
        for part in parts:
            cells = pc.if_else(pc.equal(cells, part), "", cells)
        parts.append(cells)
        both = pc.binary_join_element_wise(joined, cells, pa.scalar("。", pa.large_string()))
        joined = pc.if_else(pc.equal(joined, ""), cells, pc.if_else(pc.equal(cells, ""), joined, both))
    return joined


def filled(cells: pa.Array) -> pa.Array:
    """Return text cells with empty text for what is absent; pyarrow imports pandas for that, so only if need be."""
    return pc.fill_null(cells, "") if cells.null_count else cells


def cell_text(value: Any) -> str:
    """Return a cell as the text that csv shows.

    >>> cell_text(datetime.datetime(2014, 12, 4)), cell_text(None), cell_text("000001"), cell_text(True)
    ('2014-12-04', '', '000001', 'TRUE')
    """
    if value is None or value is ABSENT:
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


def valid_text(text: str) -> str:
    """Return text that UTF-8 can hold: halves of characters, which broken JSON may have, become U+FFFD."""
    return text if text.isascii() or not SURROGATE.search(text) else SURROGATE.sub("\ufffd", text)


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
        (b"\x28\xb5\x2f\xfd", "zstd"),
        (b"\xd0\xcf\x11\xe0", "xls"),
    ):
        if head.startswith(magic):
            return found
    return "jsonl" if head.lstrip(b"\xef\xbb\xbf \r\n").startswith(b"{") else "csv"


def _open_bytes(local: Path, compression: str) -> BinaryIO:
    """Open a file for reading, unpacked."""
    if not compression:
        return local.open("rb")
    return io.BufferedReader(pa.CompressedInputStream(pa.OSFile(str(local)), compression), 1 << 20)


def _check_magic(path: str, found: str, kind: str, zipped: str) -> None:
    if found == "xls":
        raise InputError(f"{path}: an old binary xls or an encrypted workbook; save it as a plain xlsx in Excel or WPS")
    packed = found if found in COMPRESSIONS.values() else ""
    if zipped != packed:
        expected = f"{zipped} by its name but is not compressed so" if zipped else f"compressed with {packed}"
        suffix = next(suffix for suffix, name in COMPRESSIONS.items() if name == (packed or zipped))
        told = "" if zipped else f" but not named {suffix}"
        raise InputError(f"{path}: the file is {expected}{told}; give it the right name")
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
    except OSError as error:
        raise InputError(
            f"{path}: the compressed file is damaged or cut off ({error}); fetch or make it again"
        ) from error
    table = Table(path, kind, [], lines, iter(()), name, marked)
    stream = opened.enter_context(open_bytes())
    if kind == "jsonl":
        text = opened.enter_context(io.TextIOWrapper(stream, encoding=name, newline=""))
        table.columns = _json_columns(open_bytes, name)
        table.batches = _batches(table, _json_rows(table, text))
    else:
        table.batches = _CsvBlocks(table, stream, name, opened).batches()
    _check_header(table)
    table.expected_rows = max(lines - 1, 0) if kind != "jsonl" else lines
    return table


class _CsvBlocks:
    """A csv file block by block, each ending with a row."""

    def __init__(self, table: Table, stream: BinaryIO, encoding: str, opened: ExitStack) -> None:
        """Read the header into ``table.columns``."""
        csv.field_size_limit(sys.maxsize)
        self._table = table
        plain = encoding.lower().replace("_", "-") in ("utf-8", "utf-8-sig", "ascii")
        self._opened = opened  # closes what is opened here
        if not plain:
            decoded = opened.enter_context(io.TextIOWrapper(stream, encoding=encoding, newline=""))
            stream = _joined(b"", lambda: decoded.read(BLOCK_BYTES).encode())
        self._line, self._short = 0, 0
        begin = stream.read(BLOCK_BYTES)
        while b"\n" not in begin and (more := stream.read(BLOCK_BYTES)):
            begin += more
        begin = begin.removeprefix(b"\xef\xbb\xbf")
        end = begin.rfind(b"\n") + 1 or len(begin)
        text = io.StringIO(begin[:end].decode(), newline="")
        self._separator = _separator(text.readline(), SEPARATORS[table.format])
        if self._separator != SEPARATORS[table.format]:
            table.notes.append(f"cells are separated by {self._separator!r}")
        text.seek(0)
        reader = self._reader(text)
        with self._csv_errors(reader):
            table.columns = next(reader, [])
        self._line = reader.line_num
        self._window = _Window(text.read().encode() + begin[end:], stream)

    def batches(self) -> Iterator[Batch]:
        """Yield every row that has as many cells as the header; put the others right or among the rejected ones."""
        window = self._window
        while window.move():
            if not window.is_regular(self._separator):  # where rows end is for the csv module to say, from here on
                whole = _joined(window.unread(), lambda: window.stream.read(BLOCK_BYTES))
                yield from self._by_hand(
                    self._opened.enter_context(io.TextIOWrapper(whole, encoding="utf-8", newline=""))
                )
                break
            batch = self._plain(window)
            if batch is None:
                yield from self._by_hand(io.StringIO(bytes(window.block()).decode(), newline=""))
            else:
                self._line += window.lines()
                yield batch
        if self._short:
            self._table.notes.append(
                f"{self._short} rows had fewer cells than the header; the missing ones count as empty"
            )

    def _plain(self, window: "_Window") -> Batch | None:
        """Return the rows of a block that pyarrow and the csv module read alike, or None."""
        import pyarrow.csv as pa_csv

        columns = self._table.columns
        if not window.is_plain():
            return None
        if len(columns) == 1 and re.search(rb"(?:^|\n)\r?\n", window.block()):
            return None
        odd: list[Any] = []

        def note(row: Any) -> str:
            odd.append(row)
            return "skip"

        names = [str(index) for index in range(len(columns))]
        try:
            found = pa_csv.read_csv(
                pa.BufferReader(window.block()),
                pa_csv.ReadOptions(column_names=names, use_threads=False, block_size=window.end + 1),
                pa_csv.ParseOptions(delimiter=self._separator, newlines_in_values=True, invalid_row_handler=note),
                pa_csv.ConvertOptions(
                    column_types=dict.fromkeys(names, pa.string()),
                    strings_can_be_null=False,
                    quoted_strings_can_be_null=False,
                    check_utf8=False,  # all of the file was decoded once already
                ),
            )
        except pa.ArrowInvalid:
            return None
        if odd:
            return None
        arrays = [column.chunk(0) if column.num_chunks == 1 else column.combine_chunks() for column in found.columns]
        return Batch(dict(zip(columns, arrays, strict=True)), found.num_rows)

    def _by_hand(self, lines: Iterable[str]) -> Iterator[Batch]:
        reader = self._reader(lines)
        before = self._line
        yield from _batches(self._table, self._rows(reader, before))
        self._line = before + reader.line_num

    def _rows(self, reader: Any, before: int) -> Iterator[list[Any]]:
        width = len(self._table.columns)
        with self._csv_errors(reader):
            for row in reader:
                if len(row) == width:
                    yield row
                elif not row and width > 1:
                    continue  # a blank line
                elif len(row) < width:
                    self._short += 1
                    yield row + [""] * (width - len(row))
                elif not any(row[width:]):
                    yield row[:width]
                else:
                    reason = f"{len(row)} cells, the header has {width}"
                    self._table.rejected.append(Rejected(before + reader.line_num, reason, row))

    def _reader(self, lines: Iterable[str]) -> Any:
        return csv.reader(lines, delimiter=self._separator, strict=True)

    @contextmanager
    def _csv_errors(self, reader: Any) -> Iterator[None]:
        try:
            yield
        except csv.Error as error:
            raise InputError(
                f"{self._table.path}: line {self._line + reader.line_num}: {error}; a quotation mark is not closed or "
                "not doubled: mend it"
            ) from error


class _Window:
    """A stream block by block, each ending with a row, in one buffer: fresh memory would cost more than the reading.

    The block is ``held[:end]``; behind it stands the beginning of the next one.
    """

    def __init__(self, begin: bytes, stream: BinaryIO) -> None:
        self.stream, self.held, self.end = stream, bytearray(begin), 0
        self._size = len(begin)
        self._marks = np.empty(0, np.intp)  # where quotation marks stand
        self._found = np.empty(0, np.bool_)  # room to look for them

    def move(self) -> bool:
        """Go on to the next block; return whether there is one."""
        rest = self.held[self.end : self._size]
        self.held[: len(rest)], self._size, self.end = rest, len(rest), 0
        more = True
        while more and not self.end:
            more = self._read()
            self._marks = self._where('"', self._size).nonzero()[0]
            self.end = self._end_of_rows() if more else self._size
        return self.end > 0

    def _read(self) -> bool:
        needed = self._size + BLOCK_BYTES
        if len(self.held) <= needed:  # a new one: the old one cannot grow while somebody looks at it
            self.held = self.held.ljust(needed + 1 + BLOCK_BYTES // 4, b"\0")
        with memoryview(self.held) as view, view[self._size : needed] as free:
            read: int = self.stream.readinto(free)  # type: ignore[attr-defined]
        self._size += read
        self.held[self._size] = ord("\n")
        return read > 0

    def _where(self, character: str, end: int) -> np.ndarray:
        """Return, in a buffer that is used again, which bytes up to ``end`` are an ASCII character."""
        if len(self._found) < end:
            self._found = np.empty(len(self.held), np.bool_)
        return np.equal(np.frombuffer(self.held, np.uint8, end), ord(character), out=self._found[:end])

    def _end_of_rows(self) -> int:
        """Return where the last whole row ends, if quotation marks stand at the ends of cells; else 0."""
        end = self._size
        while (end := self.held.rfind(b"\n", 0, end)) >= 0:
            if self._marks.searchsorted(end) % 2 == 0:
                return end + 1
        return 0

    def is_regular(self, separator: str) -> bool:
        """Tell whether quotation marks stand only at the ends of cells or doubled inside quoted ones."""
        marks = self._marks[: self._marks.searchsorted(self.end)]
        if len(marks) % 2:
            return False
        around = self._around()
        outside = np.isin(np.arange(256), [ord(separator), *b'\n"'])
        behind = np.isin(np.arange(256), [ord(separator), *b'\r\n"'])
        return bool(outside[around[marks[::2] - 1]].all() and behind[around[marks[1::2] + 1]].all())

    def block(self) -> memoryview:
        """Return the bytes of the block."""
        return memoryview(self.held)[: self.end]

    def lines(self) -> int:
        """Return how many lines the block has."""
        return int(np.count_nonzero(self._where("\n", self.end)))

    def is_plain(self) -> bool:
        """Tell whether the block has no NUL, and carriage returns at the ends of lines alone."""
        if self.held.find(b"\0", 0, self.end) >= 0:
            return False
        if self.held.find(b"\r", 0, self.end) < 0:
            return True
        behind = self._where("\r", self.end).nonzero()[0] + 1
        return bool(behind[-1] < self.end and (self._around()[behind] == ord("\n")).all())

    def _around(self) -> np.ndarray:
        """Return what is read as an array; behind it, and so before it, stands a line feed."""
        return np.frombuffer(self.held, np.uint8, self._size + 1)

    def unread(self) -> bytes:
        """Return the block and what is read behind it."""
        return bytes(self.held[: self._size])


class _Joined(io.RawIOBase):
    def __init__(self, begin: bytes, read: Callable[[], bytes]) -> None:
        self._held, self._read = memoryview(begin), read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        if not self._held:
            self._held = memoryview(self._read())
        size = min(len(buffer), len(self._held))
        buffer[:size], self._held = self._held[:size], self._held[size:]
        return size


def _joined(begin: bytes, read: Callable[[], bytes]) -> io.BufferedReader:
    """Return a stream of some bytes and of all that is read behind them."""
    return io.BufferedReader(_Joined(begin, read), 1 << 20)


def _separator(head: str, usual: str) -> str:
    """Return the separator that a header line uses: the usual one unless it has none and another splits the line."""
    return max((usual, "\t", ";", ",", "|"), key=lambda mark: (mark == usual and usual in head, head.count(mark)))


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


def _batches(table: Table, rows: Iterator[list[Any]]) -> Iterator[Batch]:
    while batch := list(islice(rows, BATCH_ROWS)):
        cells = map(list, zip(*batch, strict=True))
        yield Batch(dict(zip(table.columns, cells, strict=True)), len(batch))


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
            yield [found.get(column, ABSENT) for column in table.columns]
        else:
            table.rejected.append(Rejected(number, "not a JSON object", [line.rstrip("\n")]))


def _open_parquet(path: str, local: Path, opened: ExitStack) -> Table:
    import pyarrow.parquet as pq

    try:
        file = opened.enter_context(pq.ParquetFile(local))
        schema = file.schema_arrow
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: not a readable parquet file ({error}); write it again") from error
    table = Table(path, "parquet", list(schema.names), file.metadata.num_rows, iter(()), schema=schema)
    _check_header(table)
    table.batches = _parquet_batches(file, path)
    return table


def _parquet_batches(file: Any, path: str) -> Iterator[Batch]:
    try:
        for batch in file.iter_batches(batch_size=PARQUET_ROWS):
            batch.validate(full=True)  # a damaged file may hold text that is not UTF-8
            yield Batch.of(batch)
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
    table.batches = _batches(table, _xlsx_rows(table, rows))
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
