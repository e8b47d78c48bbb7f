"""An output in the making, kept so that a run that was cut short goes on where it stopped and gives the same bytes.

In a folder beside the output, ``.OUTPUT.parts``, lie the file itself, not yet under its name, the results of the rows
so far in parts, and ``manifest.json``: what the run is (hash of the input, model, options) and, of each part, its rows,
its size and what was counted. Where a part ends depends on the input alone. A resumed run writes the file anew, with
the results of the parts, in about half of the time that scoring took. At the end the file takes its name
and the folder goes.
"""

import contextlib
import json
import shutil
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import xxhash

from classifier.errors import OutputError
from classifier.outputs import Writer, bring_to_disk, open_writer, settle, take_name, unwritable
from classifier.records import Batch

PART_ROWS = 50_000
_MOST_WAITING = 2  # parts that are finished and not yet on the disk
_HASHED_BYTES = 8 << 20  # at a time

Run = Future[Mapping[str, str]]


class Parts:
    """What is written of an output, and the results in it: in parts that are finished, and one that is not."""

    def __init__(self, folder: Path, run: Run, options: Mapping[str, Any]) -> None:
        self._folder, self._run = folder, run
        self._finished: list[dict[str, Any]] = []
        self._stream = (folder / "whole").open("wb")
        self._open_whole, self._open_part = ExitStack(), ExitStack()
        self._whole: Writer = self._open_whole.enter_context(open_writer(self._stream, **options))
        self._part: Any = None
        self._begun = 0
        self._counts: Counter[str] = Counter()
        self._thread = ThreadPoolExecutor(1, "settle parts")
        self._waiting: deque[Future[None]] = deque()

    @property
    def rows(self) -> int:
        """Rows in the finished parts: so many batches of the input are done."""
        return self.counted("rows")

    @property
    def guarded(self) -> int:
        """Cells that were guarded, see `classifier.outputs.guard`."""
        return self._whole.guarded

    def counted(self, name: str) -> int:
        """Return the sum of a count over the finished parts."""
        return sum(part["counts"].get(name, 0) for part in self._finished)

    def behind(self, batches: Iterator[Batch], progress: Callable[[int], object]) -> Iterator[Batch]:
        """Yield the batches behind the finished parts; write those before with the results that the parts have.

        Raises
        ------
        OutputError
            If a part is damaged, or has other rows than the input.
        """
        for results in self._results():
            batch = next(batches)
            if batch.rows != results.rows:
                raise OutputError(
                    f"{self._folder}: the parts have other rows than the input; start afresh without --resume"
                )
            self._whole.write(batch.beside(results))
            progress(batch.rows)
        yield from batches

    def _results(self) -> Iterator[Batch]:
        """Yield the results in the finished parts, batch by batch as they were written."""
        for part in self._finished:
            try:
                with pa.memory_map(str(self._folder / part["name"])) as source, pa.ipc.open_file(source) as held:
                    yield from map(Batch.of, map(held.get_batch, range(held.num_record_batches)))
            except (pa.ArrowInvalid, OSError) as error:
                raise _damaged(self._folder, part["name"]) from error

    def write(self, batch: Batch, results: Batch, counts: Mapping[str, int]) -> None:
        """Write a batch, keep its results and what was counted of it; finish the part if it is large enough."""
        self._whole.write(batch.beside(results))
        kept = pa.RecordBatch.from_pydict(results.columns)
        if self._part is None:
            stream = self._open_part.enter_context(self._path(self._begun).with_suffix(".open").open("wb"))
            self._part = self._open_part.enter_context(pa.ipc.new_file(stream, kept.schema))
        self._part.write_batch(kept)
        self._counts.update({**counts, "rows": batch.rows})
        if self._counts["rows"] >= PART_ROWS:
            self._finish()

    def _finish(self) -> None:
        """Finish the open part; a thread sees to it that it stays, while others are written."""
        self._open_part.close()
        self._waiting.append(self._thread.submit(self._settle, self._begun, dict(self._counts)))
        self._part, self._counts = None, Counter()
        self._begun += 1
        if len(self._waiting) > _MOST_WAITING:
            self._waiting.popleft().result()

    def _settle(self, number: int, counts: Mapping[str, int]) -> None:
        """Bring a part to the disk, enter it in the manifest, and bring to the disk what is written of the whole.

        As long as the input is being hashed there is no manifest, so that nothing waits for the hash.
        """
        path = self._path(number)
        settle(path.with_suffix(".open"), path)
        self._finished.append({"name": path.name, "bytes": path.stat().st_size, "counts": counts})
        if self._run.done():
            manifest = self._folder / "manifest.json"
            told = json.dumps({"run": self._run.result(), "parts": self._finished}, ensure_ascii=False, indent=1)
            manifest.with_suffix(".open").write_text(told, encoding="utf-8")
            settle(manifest.with_suffix(".open"), manifest)
        bring_to_disk(self._stream)  # a little at a time, beside the scoring, rather than all of it at the end

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
        now = self._run.result()
        changed = sorted(name for name in {*run, *now} if run.get(name) != now.get(name))
        if changed:
            raise OutputError(f"{output}: the run that was cut short had another {', '.join(changed)}; {way_out}")
        if missing:
            raise _damaged(self._folder, missing[0])
        self._finished, self._begun = finished, len(finished)

    def _is_whole(self, part: Mapping[str, Any]) -> bool:
        path = self._folder / str(part["name"])
        return path.is_file() and path.stat().st_size == part["bytes"]

    def join(self, target: Path) -> None:
        """Finish the whole and give it the name of the output; from then on nobody needs the parts."""
        self._open_part.close()
        self._open_whole.close()
        while self._waiting:
            self._waiting.popleft().result()
        self._thread.shutdown()
        self._stream.close()
        take_name(self._folder / "whole", target)

    def discard(self) -> None:
        """Let go of the part that is not finished, and of the whole: a resumed run writes it anew."""
        self._thread.shutdown(cancel_futures=True)
        for opened in (self._open_part, self._open_whole):
            with contextlib.suppress(Exception):
                opened.__exit__(InterruptedError, InterruptedError(), None)
        with contextlib.suppress(OSError):
            self._stream.close()

    def _path(self, part: int) -> Path:
        return self._folder / f"{part:06d}"


def _damaged(folder: Path, part: str) -> OutputError:
    return OutputError(f"{folder}: part {part} is gone or damaged; start afresh without --resume")


class Whole:
    """What is written of an output that cannot be resumed, as `Parts` has it."""

    rows = 0

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    @property
    def guarded(self) -> int:
        """Cells that were guarded, see `classifier.outputs.guard`."""
        return self._writer.guarded

    def counted(self, name: str) -> int:
        """Return 0: there are no finished parts."""
        return 0

    def behind(self, batches: Iterator[Batch], progress: Callable[[int], object]) -> Iterator[Batch]:
        """Return all batches: there are no finished parts."""
        return batches

    def write(self, batch: Batch, results: Batch, counts: Mapping[str, int]) -> None:
        """Write a batch with its results."""
        self._writer.write(batch.beside(results))


@contextmanager
def open_parts(
    output: str, run: Run, *, resume: bool, format: str, zipped: str, marked: bool, schema: Any
) -> Iterator[Parts]:
    """Yield parts that become the output when all is written.

    Parameters
    ----------
    output : str
        Name of the file.
    run : future
        What must be the same for a run to be resumed: names that mean something to the user, and values. Only a run
        that is resumed waits for it, so that the input may be hashed meanwhile.
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
            try:
                if resume:
                    parts.resume(output)
                else:
                    (folder / "manifest.json").unlink(missing_ok=True)
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
    """Return the XXH3 hash of a file (128 bits): it tells changes, at a tenth of what SHA-256 costs, but no forgery.

    It is read in pieces so large that other threads seldom have to wait for this one.
    """
    digest, buffer = xxhash.xxh3_128(), memoryview(bytearray(_HASHED_BYTES))
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            digest.update(buffer[:size])
    return digest.hexdigest()


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
