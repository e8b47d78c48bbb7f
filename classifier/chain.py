"""An SQLite file whose rows are only ever added, and have their places in one hash chain.

Triggers refuse every change. `Chain.verify` finds what was done behind their back: rows that were edited, deleted,
inserted or swapped; with a head that was kept outside of the file (`Chain.head`), also a chain that was cut off or made
anew.
"""

import json
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self, TypeVar

from classifier.errors import LedgerError
from classifier.schema import APPLICATION, GUARDED, MIGRATIONS, TABLES, Migration, guards

PATIENCE_SECONDS = 60  # how long a writer waits for others
START = bytes(32)  # what the first row's hash continues

MEMORY = ":memory:"
_OUTERMOST = ("BEGIN IMMEDIATE", "COMMIT", ("ROLLBACK",))
_NESTED = ("SAVEPOINT inner_", "RELEASE inner_", ("ROLLBACK TO inner_", "RELEASE inner_"))
_ADVICE = {
    "locked": f"another program has been writing for {PATIENCE_SECONDS} seconds; try again",
    "not a database": "this file is no ledger; name another one",
    "FOREIGN KEY": "it names a company, text, dispute or reviewer that is not in the ledger",
    "UNIQUE constraint failed: assignments": "this person has the dispute already",
    "CHECK constraint failed": "a label and a person are always told, and the reason of a claim or decision",
    "unable to open": "name a file in a folder that is there",
    "readonly": "the file or its folder is write-protected",
}

_CANONICAL = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":"), default=repr)

Row = TypeVar("Row")


class Fault(NamedTuple):
    """A row that is not as it was appended: its place in the chain (0: none), table, id, and what is wrong."""

    place: int
    table: str
    row_id: int
    reason: str


def utc_now() -> datetime:
    """Return the time."""
    return datetime.now(UTC)


class Chain:
    """An open file: use `Chain.open`, as a context manager; one thread at a time.

    Every method that appends is one transaction; several are one inside `atomic`. What a method has returned outside
    of `atomic` is on the disk.
    """

    def __init__(self, path: Path, connection: sqlite3.Connection, now: Callable[[], datetime]) -> None:
        self.path = path
        self._connection = connection
        self._now = now

    @classmethod
    def open(cls, path: str | Path, *, create: bool = True, now: Callable[[], datetime] = utc_now) -> Self:
        """Return the ledger of a file, made if there is none and ``create``; an older one is migrated.

        Raises
        ------
        LedgerError
            If there is no file, or it is no ledger, or one of a newer version of the program.
        """
        path = Path(path)
        ledger = cls(path, _connect(path, create), now)
        try:
            ledger._set_up()
        except BaseException:
            ledger.close()
            raise
        return ledger

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the ledger."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the file."""
        self.close()

    @contextmanager
    def atomic(self) -> Iterator[None]:
        """Append everything inside or, after an exception, nothing; may be nested. Other writers wait."""
        nested = self._connection.in_transaction
        begin, commit, undo = _NESTED if nested else _OUTERMOST
        self._run(begin)
        try:
            yield
            self._run(commit)
        except BaseException:
            if self._connection.in_transaction:  # SQLite ends it itself when the disk is full
                for statement in undo:
                    self._run(statement)
            raise

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Read one state of the ledger, whatever others append meanwhile."""
        if self._connection.in_transaction:
            yield
            return
        self._run("BEGIN")
        try:
            yield
        finally:
            self._run("COMMIT")

    def head(self) -> str:
        """Return place and hash of the last row, as in ``3:9f…``; kept elsewhere, it proves that none was cut off."""
        place, held = self._end()
        return f"{place}:{held.hex()}"

    def verify(self, head: str | None = None) -> list[Fault]:
        """Return what is wrong with the ledger, nothing if all rows are as they were appended.

        Raises
        ------
        LedgerError
            If ``head`` is no head.
        """
        kept = _read_head(head) if head else None
        with self.reading():
            faults = [*self._schema_faults(), *self._chain_faults()]
            return faults + ([] if kept is None else self._head_faults(*kept))

    def fetch(self, query: str, *values: Any) -> list[Any]:
        """Return the rows of a query."""
        with self._explained():
            return self._connection.execute(query, values).fetchall()

    # how it is done

    def _set_up(self) -> None:
        # A rollback journal that is synced with its folder: a decision that was acknowledged survives a loss of power.
        # No write-ahead log: before version 3.51.3 SQLite may lose commits when it is reset while another one writes.
        mode = self._first("PRAGMA journal_mode = DELETE")
        if mode[0] not in ("delete", "memory"):
            raise LedgerError(f"{self.path}: is open elsewhere with a write-ahead log; close that program first")
        for setting in ("synchronous = EXTRA", "foreign_keys = ON", "trusted_schema = OFF"):
            self._run(f"PRAGMA {setting}")
        self._run("PRAGMA recursive_triggers = ON")  # or REPLACE would delete rows that no trigger sees
        if self._missing_migrations():
            self._migrate()

    def _missing_migrations(self) -> list[Migration]:
        """Return the migrations that are to be run.

        Raises
        ------
        LedgerError
            If the file is no ledger, or has migrations that this version does not know.
        """
        (mark,) = self._first("PRAGMA application_id")
        if not mark and not self._first("SELECT 1 FROM sqlite_master"):
            return list(MIGRATIONS)
        if mark != APPLICATION:
            raise LedgerError(f"{self.path}: a database, but no ledger of gonglian; name another file")
        done = [name for (name,) in self.fetch("SELECT name FROM migrations")]
        if unknown := sorted(set(done) - {migration.name for migration in MIGRATIONS}):
            raise LedgerError(f"{self.path}: made by a newer gonglian (unknown: {', '.join(unknown)}); update gonglian")
        return [migration for migration in MIGRATIONS if migration.name not in done]

    def _migrate(self) -> None:
        with self.atomic():
            for migration in self._missing_migrations():  # another process may have done it meanwhile
                for statement in migration.statements:
                    self._run(statement)
                self._run(f"PRAGMA application_id = {APPLICATION}")
                self._run("INSERT INTO migrations VALUES (?, ?)", migration.name, self._time())

    def _run(self, statement: str, *values: Any) -> sqlite3.Cursor:
        with self._explained():
            return self._connection.execute(statement, values)

    def _first(self, query: str, *values: Any) -> Any:
        with self._explained():
            return self._connection.execute(query, values).fetchone()

    def _rows(self, kind: Callable[..., Row], query: str, *values: Any) -> list[Row]:
        return [kind(*cells) for cells in self.fetch(query, *values)]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Tell what SQLite refuses in a way that a person can act on."""
        try:
            yield
        except UnicodeEncodeError as error:
            raise LedgerError(f"{self.path}: {error.object!r} is no well-formed text; clean it first") from error
        except sqlite3.Error as error:
            told = str(error)
            advice = next((advice for words, advice in _ADVICE.items() if words in told), "")
            raise LedgerError(f"{self.path}: {told}{advice and f'; {advice}'}") from error

    def _time(self) -> str:
        return self._now().astimezone(UTC).isoformat(timespec="seconds")

    def _append(self, table: str, **values: Any) -> int:
        """Return the id of a new row, which gets the next place in the chain."""
        columns = ", ".join(f'"{column}"' for column in (*values, "at"))
        marks = ", ".join("?" * (len(values) + 1))
        added = self._run(f"INSERT INTO {table} ({columns}) VALUES ({marks})", *values.values(), self._time())
        row_id = added.lastrowid or 0
        place, previous = self._end()
        link = _link(previous, table, self._cells(table, row_id))
        self._run("INSERT INTO chain VALUES (?, ?, ?, ?)", place + 1, table, row_id, link)
        return row_id

    def _end(self) -> tuple[int, bytes]:
        return self._first("SELECT place, hash FROM chain ORDER BY place DESC LIMIT 1") or (0, START)

    def _cells(self, table: str, row_id: int) -> dict[str, Any] | None:
        """Return a row as SQLite holds it (5 may have become 5.0), by column, without those that are NULL."""
        with self._explained():
            cursor = self._connection.execute(f"SELECT * FROM {table} WHERE rowid = ?", (row_id,))
            row = cursor.fetchone()
        named = zip(cursor.description, row or (), strict=False)
        return {column[0]: cell for column, cell in named if cell is not None} or None

    def _schema_faults(self) -> Iterator[Fault]:
        """Yield the tables whose triggers are gone."""
        held = {sql for (sql,) in self.fetch("SELECT sql FROM sqlite_master WHERE type = 'trigger'")}
        for table in GUARDED:
            if not held.issuperset(guards(table)):
                yield Fault(0, table, 0, "the triggers that refuse changes were removed or altered")

    def _chain_faults(self) -> Iterator[Fault]:
        """Yield rows that are not as their places in the chain say, and rows without a place."""
        seen: dict[str, set[int]] = {table: set() for table in TABLES}
        last, previous = 0, START
        for place, table, row_id, link in self._run("SELECT * FROM chain ORDER BY place"):
            if place != last + 1:
                yield Fault(last + 1, "chain", 0, f"places {last + 1} to {place - 1} are missing: rows were deleted")
            if reason := self._link_fault(previous, table, row_id, link, seen):
                yield Fault(place, table, row_id, reason)
            last, previous = place, link
        for table, chained in seen.items():
            ids = {row_id for (row_id,) in self.fetch(f"SELECT rowid FROM {table}")}
            for row_id in sorted(ids - chained):
                yield Fault(0, table, row_id, "has no place in the chain: inserted, or its place was deleted")

    def _link_fault(self, previous: object, table: str, row_id: int, link: object, seen: Mapping[str, set[int]]) -> str:
        """Return what is wrong with a row and its place, "" if nothing."""
        if table not in seen:
            return "is of no known table: the chain was edited"
        if row_id in seen[table]:
            return "has two places: the chain was edited"
        seen[table].add(row_id)
        try:
            cells = self._cells(table, row_id)
        except LedgerError as error:
            return f"cannot be read: edited ({error})"
        if cells is None:
            return "is gone: deleted"
        sound = isinstance(previous, bytes) and _link(previous, table, cells) == link
        return "" if sound else "does not agree with its hash and the row before: edited, swapped or put in between"

    def _head_faults(self, place: int, link: bytes) -> list[Fault]:
        end, _ = self._end()
        held = self._first("SELECT hash FROM chain WHERE place = ?", place)
        if (place, link) == (0, START) or (held and held[0] == link):
            return []
        if place > end:
            return [Fault(place, "chain", 0, f"the chain ends at {end}: it was cut off after the head was kept")]
        return [Fault(place, "chain", 0, "has another hash than the head that was kept: all was made anew")]


def _connect(path: Path, create: bool) -> sqlite3.Connection:
    if str(path) == MEMORY:
        return sqlite3.connect(MEMORY, isolation_level=None)
    if not create and not path.is_file():
        raise LedgerError(f"{path}: no such ledger; name the right file, or make one with gonglian track")
    uri = f"{path.absolute().as_uri()}?mode={'rwc' if create else 'rw'}"
    try:
        return sqlite3.connect(uri, uri=True, timeout=PATIENCE_SECONDS, isolation_level=None)
    except sqlite3.Error as error:
        raise LedgerError(f"{path}: {error}; name a file in a folder that is there") from error


def _link(previous: bytes, table: str, cells: Mapping[str, Any] | None) -> bytes:
    """Return the hash of a row that comes after another one."""
    return sha256(previous + _CANONICAL.encode([table, cells]).encode()).digest()


def _read_head(head: str) -> tuple[int, bytes]:
    place, _, link = head.strip().partition(":")
    try:
        return int(place), bytes.fromhex(link)
    except ValueError:
        raise LedgerError(f"{head!r} is no head of a ledger; expected place:hash as ledger head prints it") from None
