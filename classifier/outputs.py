"""Batches of rows out to files: whole or not at all, every cell as data, never as a live formula."""

import base64
import datetime
import gzip
import json
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, BinaryIO, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from classifier.errors import OutputError
from classifier.records import ABSENT, SEPARATORS, Batch, Column, cell_text, filled, valid_text

GROUP_ROWS, GROUP_BYTES = 50_000, 64 << 20  # of a parquet file are packed together
XLSX_ROWS = 1_048_576
XLSX_CHARACTERS = 32_767
_LIVE = re.compile(r"[=@\t\r＝＠]|[+\-＋－](?!$)")
_PERHAPS_LIVE = r"(?s)^(?:[=@\t\r＝＠]|[+\-＋－].)"  # the same without a look ahead, for pyarrow
_NUMBER = re.compile(r"[+\-]?\d[\d,]*(\.\d+)?([eE][+\-]?\d+)?%?")


class Writer(Protocol):
    """Takes batches of one table, in order."""

    guarded: int

    def write(self, batch: Batch) -> None:
        """Write a batch."""

    def close(self) -> None:
        """Finish the file."""

    def discard(self) -> None:
        """Let go of everything without finishing the file."""


@contextmanager
def open_output(
    path: str, format: str, *, zipped: str = "", marked: bool = False, schema: Any = None
) -> Iterator[Writer]:
    """Yield a writer; the file appears under its name when all is written, and not at all otherwise.

    Parameters
    ----------
    path : str
        ``-`` is standard output.
    format : str
        csv, tsv, xlsx, jsonl or parquet.
    zipped : str
        ``gzip`` or ``zstd`` to compress csv, tsv or jsonl, ``snappy`` or ``zstd`` for parquet, else empty.
    marked : bool
        Begin csv and tsv with a byte-order mark, by which Excel knows UTF-8.
    schema : pyarrow.Schema, optional
        Types of the table's own columns, for parquet.

    Raises
    ------
    OutputError
        If the place cannot be written, the disk is full, or the format cannot hold the table.
    """
    try:
        with (
            _sink(path) as stream,
            open_writer(stream, format=format, zipped=zipped, marked=marked, schema=schema, path=path) as writer,
        ):
            yield writer
    except BrokenPipeError:
        raise
    except OSError as error:
        raise unwritable(path, error) from error


def unwritable(path: str, error: OSError) -> OutputError:
    """Return what to tell when a file cannot be written."""
    return OutputError(
        f"{path}: cannot be written ({error.strerror}); nothing was left behind: free space, mend the permissions, "
        "or name another place with -o"
    )


@contextmanager
def open_writer(
    stream: BinaryIO, *, format: str, zipped: str, marked: bool, schema: Any, path: str = ""
) -> Iterator[Writer]:
    """Yield a writer on a stream that belongs to the caller; see `open_output`."""
    packed: Any = stream
    if format != "parquet" and zipped == "gzip":
        packed = gzip.GzipFile("", "wb", fileobj=stream, mtime=0)
    elif format != "parquet" and zipped:
        packed = pa.CompressedOutputStream(pa.PythonFile(_Kept(stream), "w"), zipped)
    writer: Writer
    if format in SEPARATORS:
        writer = CsvWriter(packed, SEPARATORS[format], marked=marked)
    elif format == "jsonl":
        writer = JsonWriter(packed)
    elif format == "parquet":
        writer = ParquetWriter(packed, schema, zipped)
    else:
        writer = XlsxWriter(packed, path)
    try:
        yield writer
        writer.close()
    except BaseException:
        writer.discard()
        raise
    if packed is not stream:
        packed.close()
    stream.flush()


class _Kept:
    """A stream that its owner closes, whoever else tries to."""

    closed = False

    def __init__(self, stream: BinaryIO) -> None:
        self.write, self.flush = stream.write, stream.flush

    def close(self) -> None:
        """Do nothing."""


@contextmanager
def _sink(path: str) -> Iterator[BinaryIO]:
    target = Path(path)
    if path == "-":
        yield sys.stdout.buffer
    elif target.exists() and not target.is_file() and not target.is_dir():
        with target.open("wb") as stream:  # a device or a pipe cannot be replaced
            yield stream
    else:
        with whole_file(target) as stream:
            yield stream


@contextmanager
def whole_file(target: Path) -> Iterator[BinaryIO]:
    """Yield a stream beside ``target`` that takes its name when all is written, and is deleted otherwise."""
    if target.is_dir():
        raise OutputError(f"{target}: is a folder, expected the name of a file; name one with -o")
    target.parent.mkdir(parents=True, exist_ok=True)
    handle, part = tempfile.mkstemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent)
    try:
        with os.fdopen(handle, "wb") as stream:
            yield stream
        take_name(Path(part), target)
    except BaseException:
        Path(part).unlink(missing_ok=True)
        raise


def take_name(part: Path, target: Path) -> None:
    """Give a finished file the name and the permissions of the one that it replaces; its bytes are on the disk then."""
    part.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o666 & ~_umask())
    settle(part, target)


def settle(part: Path, name: Path) -> None:
    """Give a file its name once its bytes are on the disk."""
    with part.open("rb") as file:
        bring_to_disk(file)
    part.replace(name)


def bring_to_disk(file: BinaryIO) -> None:
    """Wait until a file is on the disk, and let the system use the memory that held it for what comes next.

    Else a long output would fill all memory, and pages that are new to the process cost more than the writing.
    """
    os.fsync(file.fileno())
    if hasattr(os, "posix_fadvise"):  # Linux
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def guard(text: str) -> str:
    """Return a cell that no spreadsheet runs: what would be a formula gets an apostrophe before it.

    >>> guard("=1+1"), guard("-3.5%"), guard("-"), guard("@公司"), guard("三一重工")
    ("'=1+1", '-3.5%', '-', "'@公司", '三一重工')
    """
    return "'" + text if _LIVE.match(text) and not _NUMBER.fullmatch(text) else text


class TextWriter:
    """UTF-8 text over a stream that belongs to somebody else."""

    _stream: Any

    def close(self) -> None:
        """Leave the stream to its owner."""

    def discard(self) -> None:
        """Leave the stream to its owner, who deletes the file."""


class CsvWriter(TextWriter):
    """Comma- or tab-separated text in UTF-8; cells are quoted where they have to be."""

    def __init__(self, stream: BinaryIO, separator: str, *, marked: bool) -> None:
        self.guarded = 0
        self._stream, self._separator = stream, separator
        self._mark, self._begun = b"\xef\xbb\xbf" if marked else b"", False

    def write(self, batch: Batch) -> None:
        """Write a batch, before the first one the header."""
        if not self._begun:
            self._stream.write(self._mark)
            self._write_rows([pa.array([name]) for name in batch.columns])
            self._begun = True
        if batch.rows:
            self._write_rows([filled(batch.text(name)) for name in batch.columns])

    def _write_rows(self, columns: list[pa.Array]) -> None:
        cells = [self._quoted(self._guarded(column)).cast(pa.large_string()) for column in columns]
        if len(cells) == 1:  # an empty line would be no row
            cells = [pc.if_else(pc.equal(cells[0], ""), '""', cells[0])]
        separator, end, nothing = (pa.scalar(text, pa.large_string()) for text in (self._separator, "\n", ""))
        lines = pc.binary_join_element_wise(pc.binary_join_element_wise(*cells, separator), nothing, end)
        self._stream.write(lines.buffers()[2])

    def _guarded(self, column: pa.Array) -> pa.Array:
        perhaps = pc.match_substring_regex(column, _PERHAPS_LIVE)
        cells = column.filter(perhaps).to_pylist()
        if not cells:
            return column
        safe = [guard(cell) for cell in cells]
        self.guarded += sum(a is not b for a, b in zip(safe, cells, strict=True))
        return pc.replace_with_mask(column, perhaps, pa.array(safe, column.type))

    def _quoted(self, column: pa.Array) -> pa.Array:
        special = pc.match_substring_regex(column, f'["\r\n{self._separator}]')
        if not pc.any(special).as_py():
            return column
        doubled = pc.replace_substring(column.filter(special), '"', '""')
        mark = pa.scalar('"', column.type)
        quoted = pc.binary_join_element_wise(mark, doubled, mark, pa.scalar("", column.type))
        return pc.replace_with_mask(column, special, quoted)


class JsonWriter(TextWriter):
    """One JSON object a line; keys that a row did not have stay away."""

    guarded = 0

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    def write(self, batch: Batch) -> None:
        """Write a batch."""
        lines = []
        for row in zip(*(batch.cells(name) for name in batch.columns), strict=True):
            cells = zip(batch.columns, row, strict=True)
            record = {name: _json_value(value) for name, value in cells if value is not ABSENT}
            lines.append(json.dumps(record, ensure_ascii=False) + "\n")
        self._stream.write(valid_text("".join(lines)).encode())


def _json_value(value: Any) -> Any:
    plain = value is None or isinstance(value, str | bool | int | float | dict | list)
    return value if plain and value == value else cell_text(value)


class ParquetWriter:
    """Parquet, in groups of rows: the input's own types where it has any, else text; compressed inside if asked."""

    guarded = 0

    def __init__(self, stream: BinaryIO, schema: Any, zipped: str) -> None:
        self._stream, self._own, self._zipped = stream, schema, zipped or "none"
        self._schema: Any = None
        self._writer: Any = None
        self._group: list[pa.RecordBatch] = []

    def write(self, batch: Batch) -> None:
        """Write a batch, or keep it until there are enough for a group; the first one has the schema."""
        if self._schema is None:
            import pyarrow.parquet  # noqa: F401  now, while others have something to do, not when the group is full

            own = {field.name: field for field in self._own or ()}
            self._schema = pa.schema([own.get(n) or pa.field(n, _arrow_type(c)) for n, c in batch.columns.items()])
        arrays = [_arrow_array(batch.columns[field.name], field.type) for field in self._schema]
        held = pa.schema([field.with_type(array.type) for field, array in zip(self._schema, arrays, strict=True)])
        self._group.append(pa.RecordBatch.from_arrays(arrays, schema=held))
        rows, size = (sum(getattr(held, name) for held in self._group) for name in ("num_rows", "nbytes"))
        if rows >= GROUP_ROWS or size >= GROUP_BYTES:
            self._write_group()

    def _write_group(self) -> None:
        import pyarrow.parquet as pq

        group = pa.Table.from_batches(self._group)
        if self._writer is None:  # texts that never recur are not worth a dictionary, nor to know the first and last of
            recurring = [name for name in group.column_names if _recurs(group.column(name))]
            self._writer = pq.ParquetWriter(
                self._stream,
                group.schema,
                store_schema=False,  # it would tell of dictionaries in which only we hold text
                compression=self._zipped,
                use_dictionary=recurring,
                write_statistics=recurring,
            )
            self._writer.add_key_value_metadata(_arrow_schema(self._schema))
        self._writer.write_table(group, max(group.num_rows, 1))
        self._group.clear()

    def close(self) -> None:
        """Write the last group and the footer."""
        if self._group:
            self._write_group()
        if self._writer is not None:
            self._writer.close()

    def discard(self) -> None:
        """End the file wherever it is; its owner deletes it."""
        with suppress(OSError, ValueError):
            if self._writer is not None:
                self._writer.close()


def _recurs(column: Any) -> bool:
    try:
        return bool(2 * pc.count_distinct(column).as_py() <= len(column))
    except pa.ArrowNotImplementedError:  # lists, structures, what has a dictionary already
        return True


def _arrow_type(column: Column) -> Any:
    return pa.string() if isinstance(column, list) or pa.types.is_dictionary(column.type) else column.type


def _arrow_schema(schema: Any) -> dict[bytes, bytes]:
    """Return the key and value by which a Parquet file tells Arrow what its columns were."""
    return {b"ARROW:schema": base64.b64encode(schema.serialize())}


def _has_dictionary_of(kind: Any, held: Any) -> bool:
    return bool(pa.types.is_dictionary(held) and held.value_type == kind)


def _arrow_array(column: Column, kind: Any) -> Any:
    if not isinstance(column, list):
        return column if column.type == kind or _has_dictionary_of(kind, column.type) else column.cast(kind)
    if pa.types.is_string(kind):
        column = [None if value is None or value is ABSENT else valid_text(cell_text(value)) for value in column]
    return pa.array(column, kind)


class XlsxWriter:
    """One worksheet with typed cells; text is always text, so ``=1+1`` and ``000001`` stay what they are."""

    guarded = 0

    def __init__(self, stream: BinaryIO, path: str) -> None:
        import xlsxwriter

        options = {
            "constant_memory": True,
            "strings_to_formulas": False,
            "strings_to_numbers": False,
            "strings_to_urls": False,
            "default_date_format": "yyyy-mm-dd",
        }
        self._stream, self._path, self._buffer = stream, path, tempfile.TemporaryFile(prefix="gonglian-")  # noqa: SIM115
        self._book = xlsxwriter.Workbook(self._buffer, options)
        self._sheet = self._book.add_worksheet("companies")
        self._row = 0

    def write(self, batch: Batch) -> None:
        """Write a batch, before the first one the header."""
        if self._row == 0:
            self._write_row(list(batch.columns))
            self._sheet.freeze_panes(1, 0)
        for row in zip(*(batch.cells(name) for name in batch.columns), strict=True):
            self._write_row(row)

    def _write_row(self, cells: Any) -> None:
        if self._row >= XLSX_ROWS:
            raise OutputError(f"{self._path}: xlsx holds {XLSX_ROWS:,} rows at most; write csv or parquet with -o")
        for column, value in enumerate(cells):
            self._write_cell(column, value)
        self._row += 1

    def _write_cell(self, column: int, value: Any) -> None:
        if isinstance(value, bool):
            self._sheet.write_boolean(self._row, column, value)
        elif isinstance(value, int | float) and abs(value) < 1e15:
            self._sheet.write_number(self._row, column, value)
        elif isinstance(value, datetime.datetime) and value.tzinfo is None and value.year >= 1900:
            self._sheet.write_datetime(self._row, column, value)
        elif text := cell_text(value):
            if len(text) > XLSX_CHARACTERS:
                raise OutputError(
                    f"{self._path}: row {self._row + 1}, column {column + 1} has {len(text):,} characters; "
                    f"an xlsx cell holds {XLSX_CHARACTERS:,}: write csv or parquet with -o"
                )
            self._sheet.write_string(self._row, column, text)

    def close(self) -> None:
        """Write the workbook to its stream."""
        self._book.close()
        self._buffer.seek(0)
        while chunk := self._buffer.read(1 << 20):
            self._stream.write(chunk)
        self._buffer.close()

    def discard(self) -> None:
        """Delete the parts of the workbook."""
        with suppress(OSError, ValueError):
            self._book.close()
        self._buffer.close()
