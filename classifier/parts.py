"""The output of a run in parts, so that a run that was cut short goes on where it stopped and gives the same bytes.

The parts lie in a folder beside the output, ``.OUTPUT.parts``, with ``manifest.json``: what the run is (hash of the
input, model, options) and, of each part, its rows, its size and what was counted. Where a part ends depends on the
input alone. A thread puts finished parts behind one another while others are written; a part of a parquet file is kept
as Arrow has it in memory until then. At the end the whole takes its name and the folder goes.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa

from classifier.errors import OutputError
from classifier.outputs import Writer, open_writer, settle, take_name, unwritable
from classifier.records import Batch

PART_ROWS = 50_000
_MOST_WAITING = 2  # parts that are finished and not yet in the whole

Run = Callable[[], Mapping[str, str]]


class Parts:
    """What is written of an output: parts that are finished, and one that is not."""

    def __init__(self, folder: Path, run: Run, options: Mapping[str, Any]) -> None:
        self._folder, self._run = folder, run
        self._options = {**options, "format": "arrow"} if options["format"] == "parquet" else options
        self._joiner = _Joiner(folder / "whole", options)
        self._finished: list[dict[str, Any]] = []
        self._open = ExitStack()
        self._writer: Writer | None = None
        self._counts: Counter[str] = Counter()

    @property
    def rows(self) -> int:
        """Rows in the finished parts: so many batches of the input are done."""
        return self.counted("rows")

    def counted(self, name: str) -> int:
        """Return the sum of a count over the finished parts."""
        return sum(part["counts"].get(name, 0) for part in self._finished)

    def write(self, batch: Batch, counts: Mapping[str, int]) -> None:
        """Write a batch and keep what was counted of it; finish the part if it is large enough."""
        if self._writer is None:
            first = not self._finished
            stream = self._open.enter_context(self._path("open").open("wb"))
            self._writer = self._open.enter_context(open_writer(stream, first=first, **self._options))
        self._writer.write(batch)
        self._counts.update({**counts, "rows": batch.rows})
        if self._counts["rows"] >= PART_ROWS:
            self.finish()

    def finish(self) -> None:
        """Finish the open part, if there is one, and enter it in the manifest."""
        if self._writer is None:
            return
        self._counts["guarded"] = self._writer.guarded
        self._open.close()
        path = self._path(len(self._finished))
        settle(self._path("open"), path)
        self._finished.append({"name": path.name, "bytes": path.stat().st_size, "counts": dict(self._counts)})
        self._writer, self._counts = None, Counter()
        manifest = self._folder / "manifest.json"
        manifest.with_suffix(".open").write_text(
            json.dumps({"run": self._run(), "parts": self._finished}, ensure_ascii=False, indent=1), encoding="utf-8"
        )
        settle(manifest.with_suffix(".open"), manifest)
        self._joiner.add(path)

    def resume(self, output: str) -> None:
        """Take over the finished parts of an earlier run.

        Raises
        ------
        OutputError
            If that was another run, or a part is damaged.
        """
        way_out = "undo that, or start afresh without --resume"
        try:
            manifest = json.loads((self._folder / "manifest.json").read_text(encoding="utf-8"))
            finished, run = manifest["parts"], manifest["run"]
            missing = [part["name"] for part in finished if not self._is_whole(part)]
        except FileNotFoundError:
            return
        except (ValueError, KeyError, TypeError) as error:
            raise OutputError(f"{self._folder}: manifest.json is damaged; start afresh without --resume") from error
        now = self._run()
        changed = sorted(name for name in {*run, *now} if run.get(name) != now.get(name))
        if changed:
            raise OutputError(f"{output}: the run that was cut short had another {', '.join(changed)}; {way_out}")
        if missing:
            raise OutputError(f"{self._folder}: part {missing[0]} is gone or damaged; start afresh without --resume")
        self._finished = finished
        for part in finished:
            self._joiner.add(self._path(part["name"]))

    def _is_whole(self, part: Mapping[str, Any]) -> bool:
        path = self._folder / str(part["name"])
        return path.is_file() and path.stat().st_size == part["bytes"]

    def join(self, target: Path) -> None:
        """Give the whole the name of the output when the last part stands in it."""
        self.finish()
        self._joiner.close()
        take_name(self._joiner.path, target)

    def discard(self) -> None:
        """Let go of the part that is not finished, and of the whole: a resumed run puts its parts together anew."""
        self._joiner.stop()
        for opened in (self._open, self._joiner.opened):
            with contextlib.suppress(Exception):
                opened.__exit__(InterruptedError, InterruptedError(), None)

    def _path(self, part: int | str) -> Path:
        return self._folder / (f"{part:06d}" if isinstance(part, int) else part)


class _Joiner:
    """Puts parts behind one another in a thread of its own."""

    def __init__(self, path: Path, options: Mapping[str, Any]) -> None:
        self.path, self._options = path, options
        self.opened = ExitStack()
        self._thread = ThreadPoolExecutor(1, "join parts")
        self._waiting: deque[Future[None]] = deque()
        self._stream: BinaryIO | None = None
        self._parquet: Writer | None = None

    def add(self, part: Path) -> None:
        """Put a part behind those before; wait where too many are waiting."""
        self._waiting.append(self._thread.submit(self._append, part))
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft().result()

    def close(self) -> None:
        """Finish the whole."""
        while self._waiting:
            self._waiting.popleft().result()
        self._thread.shutdown()
        self.opened.close()

    def stop(self) -> None:
        """Wait for the part that is being put behind the others, and take no other one."""
        self._thread.shutdown(cancel_futures=True)

    def _append(self, part: Path) -> None:
        if self._stream is None:
            self._stream = self.opened.enter_context(self.path.open("wb"))
            if self._options["format"] == "parquet":
                self._parquet = self.opened.enter_context(open_writer(self._stream, **self._options))
        if self._parquet is None:
            with part.open("rb") as file:
                shutil.copyfileobj(file, self._stream, 1 << 20)
        else:
            with pa.memory_map(str(part)) as source:  # one group of rows a part
                table = pa.ipc.open_file(source).read_all()
                columns = {name: table.column(name).combine_chunks() for name in table.column_names}
                self._parquet.write(Batch(columns, table.num_rows))
        self._stream.flush()
        os.fsync(self._stream.fileno())  # a little at a time, beside the scoring, rather than all of it at the end


class Whole:
    """What is written of an output that cannot be resumed, in one piece, as `Parts` has it."""

    rows = 0

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def counted(self, name: str) -> int:
        """Return how many cells were guarded; nothing else is counted here."""
        return self._writer.guarded if name == "guarded" else 0

    def write(self, batch: Batch, counts: Mapping[str, int]) -> None:
        """Write a batch."""
        self._writer.write(batch)

    def finish(self) -> None:
        """Do nothing: the writer is finished by its owner."""


@contextmanager
def open_parts(
    output: str, run: Run, *, resume: bool, format: str, zipped: str, marked: bool, schema: Any
) -> Iterator[Parts]:
    """Yield parts that become the output when all is written.

    Parameters
    ----------
    output : str
        Name of the file.
    run : function
        Returns what must be the same for a run to be resumed: names that mean something to the user, and values. It is
        asked when the first part is finished, so that the input may be hashed meanwhile.
    resume : bool
        Take over the parts of a run that was cut short; and keep them, if this one is.
    format, zipped, marked, schema
        As `classifier.outputs.open_output` has them.

    Raises
    ------
    OutputError
        If the place cannot be written, another run writes there, or the run to be resumed was another one.
    """
    target = Path(output)
    folder = target.with_name(f".{target.name}.parts")
    try:
        if target.is_dir():
            raise OutputError(f"{target}: is a folder, expected the name of a file; name one with -o")
        folder.mkdir(parents=True, exist_ok=True)
        with _alone(folder, output):
            parts = Parts(folder, run, {"format": format, "zipped": zipped, "marked": marked, "schema": schema})
            if resume:
                parts.resume(output)
            else:
                (folder / "manifest.json").unlink(missing_ok=True)
            try:
                yield parts
                parts.join(target)
            except BaseException:
                parts.discard()
                if not resume:
                    shutil.rmtree(folder, ignore_errors=True)
                raise
            shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise unwritable(output, error) from error


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def _alone(folder: Path, output: str) -> Iterator[None]:
    """Keep other runs away from a folder."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(folder / "lock", wait=False))
        except BlockingIOError:
            raise OutputError(f"{output}: another run is writing it; wait for it, or name another file") from None
        yield


@contextmanager
def locked(path: Path, *, wait: bool) -> Iterator[None]:
    """Lock a file against other processes; the system lets go of it when this one ends in whatever way.

    Raises
    ------
    BlockingIOError
        If another process has it and ``wait`` is False.
    """
    with path.open("wb") as lock:
        try:
            import fcntl
        except ImportError:  # not on Windows: there two runs at once are the user's to avoid
            pass
        else:
            fcntl.flock(lock, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
