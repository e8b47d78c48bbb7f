"""Child process that parses one xlsx sheet within limits and prints it as lines of JSON.

A hostile workbook can take all memory or crash its parser; here it takes down this process only. Run as
``python -m classifier.xlsx_child FILE SHEET MEMORY_BYTES CPU_SECONDS``; an empty SHEET means the first one.

Lines: ``{"sheets", "sheet", "rows", "merged"}``, then one list a row, then ``{"end": rows}``; a problem that the user
can mend is ``{"error": message}``. Cells are null, true/false, numbers, strings, or ``{"date": ISO 8601}``.
"""

import datetime
import json
import re
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

MOST_UNPACKED_BYTES = 4 << 30
_MERGED = re.compile(rb"<mergeCell [^>]*?ref=\"([A-Z0-9:]+)\"")


def main(path: str, sheet: str, memory_bytes: int, cpu_seconds: int) -> None:
    """Print one sheet of a workbook."""
    _limit(memory_bytes, cpu_seconds)
    try:
        for line in _lines(path, sheet):
            sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")
    except MemoryError:
        sys.stdout.write(
            json.dumps({"error": f"the workbook needs more than {memory_bytes >> 20} MB of memory"}) + "\n"
        )
    except Exception as error:  # any parser error is the file's fault and is told in one line by the parent
        sys.stdout.write(
            json.dumps({"error": f"not a readable xlsx workbook ({type(error).__name__}: {error})"}) + "\n"
        )
    sys.stdout.flush()


def _limit(memory_bytes: int, cpu_seconds: int) -> None:
    try:
        import resource
    except ImportError:  # not on Windows: there the parent's time limit alone holds
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    resource.setrlimit(resource.RLIMIT_CPU, (cpu_seconds, cpu_seconds))


def _lines(path: str, wanted: str) -> Iterator[Any]:
    import openpyxl

    with zipfile.ZipFile(path) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
        if unpacked > MOST_UNPACKED_BYTES:
            yield {
                "error": f"the workbook unpacks to {unpacked >> 20:,} MB, more than {MOST_UNPACKED_BYTES >> 20:,} MB"
            }
            return
    with Path(path).open("rb") as stream:  # by its content: openpyxl goes by the name's extension
        yield from _sheet_lines(
            openpyxl.load_workbook(stream, read_only=True, data_only=True, keep_links=False), path, wanted
        )


def _sheet_lines(book: Any, path: str, wanted: str) -> Iterator[Any]:
    names = [name for name in book.sheetnames if hasattr(book[name], "iter_rows")]
    if (wanted and wanted not in names) or not names:
        yield {"error": f"no sheet {wanted!r}; the workbook has {', '.join(names) or 'none'}; name one with --sheet"}
        return
    sheet = book[wanted or names[0]]
    with zipfile.ZipFile(path) as archive:
        merged = _merged_ranges(archive, sheet._worksheet_path)
    yield {"sheets": names, "sheet": sheet.title, "rows": sheet.max_row, "merged": merged}
    count, blank = 0, 0
    sheet.reset_dimensions()
    for row in sheet.iter_rows():
        cells = [_plain(cell) for cell in row]
        while cells and cells[-1] is None:
            cells.pop()
        if not cells:
            blank += 1
            continue
        for _ in range(blank):
            yield []
        yield cells
        count, blank = count + blank + 1, 0
    yield {"end": count}


def _merged_ranges(archive: zipfile.ZipFile, part: str) -> list[str]:
    found: list[str] = []
    with archive.open(part.lstrip("/")) as stream:
        tail = b""
        while chunk := stream.read(1 << 20):
            text = tail + chunk
            found += [match.decode() for match in _MERGED.findall(text)]
            rest = text[text.rfind(b"<") :] if b"<" in text else b""
            tail = b"" if b">" in rest else rest  # an element cut in two is read again with the next chunk
    return found


def _plain(cell: Any) -> Any:
    value = cell.value
    if value is None or isinstance(value, bool | str | float):
        return value if value != "" else None
    if isinstance(value, int):
        zeros = str(getattr(cell, "number_format", ""))
        padded = len(zeros) > 1 and not zeros.strip("0")  # a code shown as 000001 is the text 000001
        return str(value).zfill(len(zeros)) if padded else value
    if isinstance(value, datetime.datetime | datetime.date | datetime.time):
        return {"date": value.isoformat()}
    return str(value)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))
