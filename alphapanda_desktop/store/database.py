"""One SQLite file on one worker thread: a coroutine hands in work and gets its result after the commit.

WAL with synchronous=FULL: what `run` has returned from is on the disk. Whatever the disk refuses becomes a
Fatal that names the file and the remedy.
"""

from __future__ import annotations

import asyncio
import errno
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.pool import NullPool

from alphapanda_desktop.domain.errors import BadData, Fatal
from alphapanda_desktop.store.upgrade import bring_up_to_date, look_at

T = TypeVar("T")
Work = Callable[[Connection], T]

log = logging.getLogger(__name__)

BUSY_MS: Final = 5_000
SLOW_S: Final = 3.0
"""A call that takes as long as this is held up: by another program, or by a disk that does not answer."""

LEAST_ROOM: Final = 1 << 20
"""Bytes that must be free where a file is opened. SQLite maps the file that it makes beside it into memory, and where
the disk then has no room for what is written there, the system ends the whole program with SIGBUS and not a word."""

APPLICATION_ID: Final = int.from_bytes(b"APda", "big")
"""What tells file(1) and database browsers whose file it is."""

_SETTINGS: Final = (
    f"PRAGMA busy_timeout={BUSY_MS}",
    "PRAGMA foreign_keys=ON",
    "PRAGMA synchronous=FULL",
    # macOS answers fsync before the disk has it; other systems ignore these two.
    "PRAGMA fullfsync=ON",
    "PRAGMA checkpoint_fullfsync=ON",
    # KiB a connection; it is 2 MB by default, which orders slowly fill. The system keeps the pages of the file anyway.
    "PRAGMA cache_size=-400",
)

_REMEDIES: Final = {
    sqlite3.SQLITE_FULL: "the disk is full: free some space",
    sqlite3.SQLITE_READONLY: "it may not be written to: give your user the right to write to it and its folder",
    sqlite3.SQLITE_PERM: "it may not be opened: give your user the right to write to it and its folder",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened or made: see that its folder exists and your user may write there",
    sqlite3.SQLITE_BUSY: "another program holds it: close other AlphaPandas and database browsers",
    sqlite3.SQLITE_LOCKED: "another program holds it: close other AlphaPandas and database browsers",
    sqlite3.SQLITE_CORRUPT: "it is damaged: move it aside or put a backup in its place, then start again",
    sqlite3.SQLITE_NOTADB: "it is not a database: move it aside or put a backup in its place, then start again",
    sqlite3.SQLITE_IOERR: "the disk did not read or write it: see that the disk is whole and has room",
}


class Database:
    """Owner of one SQLite file and of the thread that works on it; used from one loop."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"sqlite-{path.stem}")
        self._engine: Engine | None = None
        self._connection: Connection | None = None
        self._stopped: Future[None] | None = None
        self._began_s: float | None = None
        self._refused = ""

    @property
    def trouble(self) -> str:
        """Why nothing is written now, in words; "" as long as the last call went well and none is held up."""
        began_s = self._began_s
        if self._refused or began_s is None or time.monotonic() - began_s < SLOW_S:
            return self._refused
        return f"the journal {self.path} takes nothing; another program holds it, or the disk does not answer"

    @property
    def waiting(self) -> int:
        """Calls that the thread has not begun yet."""
        return self._executor._work_queue.qsize()  # it has no public name

    async def open(self) -> None:
        """Make or upgrade the file and hold it open; what fails or is cancelled here is closed and cannot be reopened.

        Raises Fatal, with nothing touched, for a file that is damaged, not ours, or of a newer program.
        """
        opened = False
        try:
            await asyncio.shield(asyncio.wrap_future(self._executor.submit(self._open)))
            opened = True
        finally:
            if not opened:
                self._stop()

    async def run(self, work: Work[T]) -> T:
        """What `work(connection)` returns, after its transaction is committed; one at a time, in the order asked.

        If `work` raises, nothing is written and the error comes out here. Cancelling the caller does not undo or
        skip the write. Raises Fatal where the disk refuses, BadData where the tables refuse.
        """
        future = asyncio.wrap_future(self._executor.submit(self._in_transaction, work))
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(self._tell_of_orphan)
            raise

    async def close(self) -> None:
        """Finish what was asked, then let go of the file; nothing can be run afterwards."""
        await asyncio.shield(asyncio.wrap_future(self._stop()))

    def _stop(self) -> Future[None]:
        if self._stopped is None:
            self._stopped = self._executor.submit(self._close)
            self._executor.shutdown(wait=False)
        return self._stopped

    def _tell_of_orphan(self, future: asyncio.Future[T]) -> None:
        error = future.exception()
        if error is not None:
            log.error("a write to %s failed after its asker was cancelled: %s", self.path.name, error)

    # --- on the worker thread -------------------------------------------------------------------------------------

    def _open(self) -> None:
        with _plainly(self.path):
            state = look_at(self.path)
            make_private(self.path)
            _need_room(self.path)
            self._engine = _engine(self.path)
            connection = self._engine.connect()
            self._connection = connection
            bring_up_to_date(connection, self.path, state)
            with connection.begin():
                # SQLite opens what it may only read without a word: a first write finds out now, not at an order.
                connection.exec_driver_sql(f"PRAGMA application_id={APPLICATION_ID}")

    def _in_transaction(self, work: Work[T]) -> T:
        connection = self._connection
        if connection is None:
            raise RuntimeError(f"{self.path} is not open")
        self._began_s = time.monotonic()
        try:
            with _plainly(self.path), connection.begin():
                done = work(connection)
        except Fatal as error:
            self._refused = str(error)
            raise
        finally:
            self._began_s = None
        self._refused = ""
        return done

    def _close(self) -> None:
        connection, self._connection = self._connection, None
        with _plainly(self.path):
            if connection is not None:
                connection.close()
            if self._engine is not None:
                self._engine.dispose()


def make_private(path: Path) -> None:
    """See that the folder exists and the file is its owner's alone; SQLite's side files take the same mode."""
    if not path.parent.is_dir():
        path.parent.mkdir(mode=0o700, parents=True)
    if os.name != "posix":
        return
    if path.exists():
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    else:
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))


def _need_room(path: Path) -> None:
    free = shutil.disk_usage(path.parent).free
    if free < LEAST_ROOM:
        raise OSError(errno.ENOSPC, f"{free:,} bytes are free, {LEAST_ROOM:,} are needed")


def _engine(path: Path) -> Engine:
    def connect() -> sqlite3.Connection:
        # isolation_level=None: the driver begins nothing by itself, `_begin` below does.
        return sqlite3.connect(path, isolation_level=None, timeout=BUSY_MS / 1000)

    engine = create_engine("sqlite+pysqlite://", creator=connect, poolclass=NullPool)
    event.listen(engine, "connect", _set_up)
    event.listen(engine, "begin", _begin)
    return engine


def _set_up(connection: sqlite3.Connection, _record: object) -> None:
    for sql in _SETTINGS:
        connection.execute(sql)
    (mode,) = connection.execute("PRAGMA journal_mode=WAL").fetchone()
    if mode != "wal":
        raise Fatal(
            f"SQLite cannot keep a write-ahead log in this folder (it offers {mode!r}), as on some network drives: "
            "choose a folder on a local disk with --data-dir"
        )


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a write that would have to wait does so here, not half way through.
    connection.exec_driver_sql("BEGIN IMMEDIATE")


@contextmanager
def _plainly(path: Path) -> Iterator[None]:
    """Turns what SQLite and the file system say into words for a person."""
    try:
        yield
    except IntegrityError as error:
        raise BadData(f"{path.name} does not take this row: {error.orig}") from error
    except DBAPIError as error:
        raise Fatal(_words(path, error.orig)) from error
    except (sqlite3.Error, OSError) as error:
        raise Fatal(_words(path, error)) from error


def _words(path: Path, error: BaseException | None) -> str:
    code = getattr(error, "sqlite_errorcode", None)
    remedy = _REMEDIES.get(code & 0xFF) if isinstance(code, int) else None
    if isinstance(error, OSError) and error.errno == errno.ENOSPC:
        remedy = _REMEDIES[sqlite3.SQLITE_FULL]
    elif isinstance(error, OSError):
        remedy = "see that its folder exists, that your user may write there and that the disk has room"
    return f"The journal {path} cannot be used; {remedy or 'start again, and report it if it comes back'} ({error})"
