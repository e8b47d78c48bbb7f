"""Which encoding a text file is in: byte-order mark, else strict UTF-8, else strict GB18030, else a clear error.

Detectors that guess misread short GB18030 texts, and a wrong guess would turn company names into others.
"""

import codecs
import contextlib
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Lock
from typing import BinaryIO, NamedTuple

from classifier.errors import InputError

_CHUNK, _THREADS = 1 << 20, 2
_MARKS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHINESE_IN_UTF8 = re.compile(rb"(?:[\xe4-\xe9][\x80-\xbf]{2}){2}")


class Encoding(NamedTuple):
    """An encoding by its Python name, the number of line feeds seen on the way, and whether there was a mark."""

    name: str
    lines: int
    marked: bool


def detect_encoding(open_bytes: Callable[[], BinaryIO], path: str) -> Encoding:
    """Return the encoding of a text file after reading all of it once (twice if it is not UTF-8).

    Raises
    ------
    InputError
        If it is neither UTF-8 nor GB18030 throughout, mixes both, or is UTF-16 without a mark; the line is named.
    """
    with open_bytes() as stream:
        head = stream.read(4096)
    for mark, name in _MARKS:
        if head.startswith(mark):
            return Encoding(name, count_lines(open_bytes, name, path), True)
    if head.count(0) * 4 > len(head):
        raise InputError(f"{path}: looks like UTF-16 without a byte-order mark; name it with --encoding utf-16-le")
    try:
        return Encoding("utf-8", _decode_all(open_bytes, "utf-8"), False)
    except UnicodeDecodeError:
        return Encoding("gb18030", _check_gb18030(open_bytes, path), False)


def count_lines(open_bytes: Callable[[], BinaryIO], encoding: str, path: str) -> int:
    """Return the number of line feeds of a file that must be in the given encoding throughout.

    Raises
    ------
    InputError
        If the encoding is unknown, or a line is not in it.
    """
    try:
        codecs.lookup(encoding)
        return _decode_all(open_bytes, encoding)
    except LookupError:
        raise InputError(f"{path}: unknown encoding {encoding!r}; use one such as utf-8, gb18030 or utf-16") from None
    except UnicodeError as error:
        line = _first_bad_line(open_bytes, encoding)
        raise InputError(f"{path}: line {line} is not {encoding} ({error}); name the right --encoding") from error


def _decode_all(open_bytes: Callable[[], BinaryIO], encoding: str) -> int:
    if encoding == "utf-8":
        with contextlib.suppress(ValueError):  # the decoder below says where
            return _check_utf8(open_bytes)
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    lines = 0
    with open_bytes() as stream:
        while chunk := stream.read(_CHUNK):
            lines += decoder.decode(chunk).count("\n")
        decoder.decode(b"", final=True)
    return lines


def _check_utf8(open_bytes: Callable[[], BinaryIO]) -> int:
    """Return the line feeds of a file in UTF-8, which pyarrow and numpy look through beside the lock of Python.

    Raises
    ------
    ValueError
        If it is not UTF-8 throughout.
    """
    with open_bytes() as stream, ThreadPoolExecutor(_THREADS, "encoding") as pool:
        chunks = _Chunks(stream)
        lines = sum(pool.map(_lines_of_utf8, [chunks] * _THREADS))
    return lines + chunks.rest.decode().count("\n")


class _Chunks:
    """A stream from which threads take chunks of whole characters."""

    def __init__(self, stream: BinaryIO) -> None:
        self.rest = b""  # of the last chunk, the beginning of a character or the last one
        self._stream, self._lock = stream, Lock()

    def read_into(self, buffer: bytearray) -> int:
        """Put some bytes into a buffer, which has 4 to spare; return how many are whole characters, 0 at the end."""
        with self._lock, memoryview(buffer) as view:
            whole = 0
            while not whole:
                size = len(self.rest)
                view[:size] = self.rest
                read: int = self._stream.readinto(view[size:])  # type: ignore[attr-defined]
                if not read:
                    return 0
                size += read
                last = next((back for back in range(1, min(4, size) + 1) if buffer[size - back] >= 0xC0), 0)
                whole, self.rest = size - last, bytes(view[size - last : size])
            return whole


def _lines_of_utf8(chunks: _Chunks) -> int:
    import numpy as np
    import pyarrow as pa

    buffer, lines = bytearray(_CHUNK + 4), 0
    held, shared = np.frombuffer(buffer, np.uint8), pa.py_buffer(buffer)
    while size := chunks.read_into(buffer):
        pa.LargeStringArray.from_buffers(1, pa.py_buffer(np.array([0, size])), shared).validate(full=True)
        lines += int(np.count_nonzero(held[:size] == ord("\n")))
    return lines


def _first_bad_line(open_bytes: Callable[[], BinaryIO], encoding: str) -> int:
    decoder = codecs.getincrementaldecoder(encoding)("strict")
    lines = 1
    with open_bytes() as stream:
        for line in stream:
            try:
                lines += decoder.decode(line).count("\n")
            except UnicodeError:
                break
    return lines


def _check_gb18030(open_bytes: Callable[[], BinaryIO], path: str) -> int:
    """Return the line feeds of a file whose every line is GB18030 and none is plainly UTF-8."""
    number, in_utf8, not_utf8 = 0, 0, 0
    with open_bytes() as stream:
        for number, line in enumerate(stream, 1):
            if line.isascii():
                continue
            if _is_utf8(line):
                in_utf8 = in_utf8 or (number if _CHINESE_IN_UTF8.search(line) else 0)
            else:
                not_utf8 = not_utf8 or number
                _decode_gb18030(line, number, path)
    if in_utf8 and not_utf8:
        raise InputError(
            f"{path}: line {in_utf8} is UTF-8, line {not_utf8} is not (GB18030?): the file mixes two encodings; "
            "save it again in UTF-8, or mend that line"
        )
    return number


def _is_utf8(line: bytes) -> bool:
    try:
        return bool(line.decode("utf-8"))
    except UnicodeDecodeError:
        return False


def _decode_gb18030(line: bytes, number: int, path: str) -> None:
    try:
        line.decode("gb18030")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}: line {number} is neither UTF-8 nor GB18030 (byte {error.start + 1}); "
            "mend the line, or name the file's --encoding"
        ) from error
