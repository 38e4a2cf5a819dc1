"""The database keeps order, keeps promises, and says in words what the disk will not do."""

from __future__ import annotations

import asyncio
import os
import sqlite3
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, text

from alphapanda_desktop.domain.errors import BadData, Fatal
from alphapanda_desktop.store import database as database_module
from alphapanda_desktop.store.database import Database

Arun = Callable[..., Any]
posix = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data" / "practice.sqlite"


def note(kind: str) -> Callable[[Connection], None]:
    """Work that writes one event under the next number."""

    def work(connection: Connection) -> None:
        connection.execute(text("INSERT INTO chain SELECT 1 + count(*), 'events', '', '' FROM chain"))
        connection.execute(text("INSERT INTO events SELECT max(seq), 0, :kind, '{}' FROM chain"), {"kind": kind})

    return work


def kinds(connection: Connection) -> list[str]:
    return list(connection.execute(text("SELECT kind FROM events ORDER BY seq")).scalars())


def kinds_in(path: Path) -> list[str]:
    with closing(sqlite3.connect(path)) as reader:
        return [kind for (kind,) in reader.execute("SELECT kind FROM events ORDER BY seq")]


def test_concurrent_calls_are_done_in_the_order_they_were_made(path: Path, arun: Arun) -> None:
    async def story() -> list[str]:
        database = Database(path)
        await database.open()
        async with asyncio.TaskGroup() as group:
            for number in range(50):
                group.create_task(database.run(note(str(number))))
        told = await database.run(kinds)
        await database.close()
        return told

    assert arun(story()) == [str(number) for number in range(50)]


def test_all_work_is_done_on_one_named_thread_that_is_not_the_loop_s(path: Path, arun: Arun) -> None:
    async def story() -> set[str]:
        database = Database(path)
        await database.open()
        names = {await database.run(lambda _: threading.current_thread().name) for _ in range(3)}
        await database.close()
        return names

    (name,) = arun(story())
    assert name.startswith("sqlite-practice")


def test_what_fails_leaves_nothing_and_the_next_work_goes_on(path: Path, arun: Arun) -> None:
    def half(connection: Connection) -> None:
        note("half")(connection)
        raise ValueError("changed my mind")

    async def story() -> list[str]:
        database = Database(path)
        await database.open()
        with pytest.raises(ValueError, match="changed my mind"):
            await database.run(half)
        await database.run(note("whole"))
        told = await database.run(kinds)
        await database.close()
        return told

    assert arun(story()) == ["whole"]


@pytest.mark.parametrize("begun", [True, False], ids=["while it runs", "while it queues"])
def test_a_cancelled_asker_does_not_lose_the_write(path: Path, arun: Arun, *, begun: bool) -> None:
    """Whether the work has begun or waits behind another."""
    started, go_on = threading.Event(), threading.Event()

    def slow(connection: Connection) -> None:
        started.set()
        go_on.wait(60)
        note("slow")(connection)

    async def story() -> None:
        database = Database(path)
        await database.open()
        first = asyncio.create_task(database.run(slow))
        second = asyncio.create_task(database.run(note("queued")))
        await asyncio.to_thread(started.wait, 60)
        (first if begun else second).cancel()
        await asyncio.wait([first if begun else second])
        go_on.set()
        await asyncio.gather(first, second, return_exceptions=True)
        await database.close()

    arun(story())
    assert kinds_in(path) == ["slow", "queued"]


def test_an_error_that_nobody_waits_for_any_more_is_logged(
    path: Path, arun: Arun, caplog: pytest.LogCaptureFixture
) -> None:
    go_on = threading.Event()

    def fail(_: Connection) -> None:
        go_on.wait(60)
        raise ValueError("too late to tell")

    async def story() -> None:
        database = Database(path)
        await database.open()
        asker = asyncio.create_task(database.run(fail))
        await asyncio.sleep(0)
        asker.cancel()
        await asyncio.wait([asker])
        go_on.set()
        await database.close()

    arun(story())
    assert "too late to tell" in caplog.text


def test_closing_waits_for_what_was_asked(path: Path, arun: Arun) -> None:
    async def story() -> list[BaseException | None]:
        database = Database(path)
        await database.open()
        writes = [asyncio.create_task(database.run(note(str(number)))) for number in range(20)]
        await asyncio.sleep(0)
        await database.close()
        return await asyncio.gather(*writes)

    arun(story())
    assert kinds_in(path) == [str(number) for number in range(20)]


def test_nothing_can_be_run_once_it_is_closed(path: Path, arun: Arun) -> None:
    async def story() -> None:
        database = Database(path)
        await database.open()
        await database.close()
        with pytest.raises(RuntimeError):
            await database.run(kinds)

    arun(story())


def test_closing_twice_is_closing_once(path: Path, arun: Arun) -> None:
    async def story() -> None:
        database = Database(path)
        await database.open()
        await asyncio.gather(database.close(), database.close())
        await database.close()

    arun(story())
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_an_opening_that_is_cancelled_holds_nothing(path: Path, arun: Arun) -> None:
    async def story() -> None:
        database = Database(path)
        opening = asyncio.create_task(database.open())
        await asyncio.sleep(0)
        opening.cancel()
        await asyncio.wait([opening])
        assert opening.cancelled()
        await database.close()

    arun(story())
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_every_commit_is_synced_and_keys_are_checked(path: Path, arun: Arun) -> None:
    async def story() -> list[Any]:
        database = Database(path)
        await database.open()
        names = ("journal_mode", "synchronous", "foreign_keys", "busy_timeout", "cache_size")
        told = await database.run(lambda c: [c.exec_driver_sql(f"PRAGMA {name}").scalar() for name in names])
        with pytest.raises(BadData, match="FOREIGN KEY"):
            await database.run(lambda c: c.execute(text("INSERT INTO events VALUES (77, 0, 'x', '{}')")))
        await database.close()
        return list(told)

    assert arun(story()) == ["wal", 2, 1, 5000, -400]


@posix
def test_files_are_their_owner_s_alone(path: Path, arun: Arun) -> None:
    async def story() -> dict[str, str]:
        database = Database(path)
        await database.open()
        await database.run(note("x"))
        modes = {file.name: oct(stat.S_IMODE(file.stat().st_mode)) for file in (path.parent, *path.parent.iterdir())}
        await database.close()
        return modes

    before = os.umask(0)
    try:
        modes = arun(story())
    finally:
        os.umask(before)
    files = ("practice.sqlite", "practice.sqlite-shm", "practice.sqlite-wal")
    assert modes == {"data": "0o700", **dict.fromkeys(files, "0o600")}


@posix
def test_a_folder_that_was_there_keeps_its_mode(path: Path, arun: Arun) -> None:
    path.parent.mkdir(mode=0o755)
    path.parent.chmod(0o755)
    arun(open_and_close(path))
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o755


async def open_and_close(path: Path) -> None:
    database = Database(path)
    await database.open()
    await database.close()


# --- what the disk will not do ---------------------------------------------------------------------------------------


def test_a_full_disk_is_told_and_loses_nothing_that_was_kept(path: Path, arun: Arun) -> None:
    async def story() -> None:
        database = Database(path)
        await database.open()
        await database.run(note("kept"))
        await database.run(_no_more_pages)
        with pytest.raises(Fatal, match="disk is full") as caught:
            await database.run(note("x" * 100_000))
        assert str(path) in str(caught.value)
        await database.run(note("small enough"))
        await database.close()

    arun(story())
    assert kinds_in(path) == ["kept", "small enough"]


def test_a_disk_without_room_to_work_in_is_refused_before_anything_is_mapped(
    path: Path, arun: Arun, monkeypatch: pytest.MonkeyPatch
) -> None:
    arun(open_and_close(path))
    before = sorted(part.name for part in path.parent.iterdir())
    monkeypatch.setattr(database_module, "LEAST_ROOM", 1 << 62)
    with pytest.raises(Fatal, match=r"the disk is full: free some space .*bytes are free, 4,611"):
        arun(open_and_close(path))
    assert sorted(part.name for part in path.parent.iterdir()) == before
    monkeypatch.undo()
    arun(open_and_close(path))


def _no_more_pages(connection: Connection) -> None:
    pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
    connection.exec_driver_sql(f"PRAGMA max_page_count={pages}")


FILE_LIMIT = """
import asyncio, resource, sys
from pathlib import Path
from sqlalchemy import text
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.store.database import Database

def note(kind):
    def work(connection):
        connection.execute(text("INSERT INTO chain VALUES (1, 'events', '', '')"))
        connection.execute(text("INSERT INTO events VALUES (1, 0, :kind, '{}')"), {"kind": kind})
    return work

async def main():
    database = Database(Path(sys.argv[1]))
    await database.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, resource.RLIM_INFINITY))
    try:
        await database.run(note("x" * 3_000_000))
    except Fatal as error:
        sys.stdout.write(str(error))
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    await database.run(note("there is room again"))
    await database.close()

asyncio.run(main())
"""


@posix
def test_a_write_that_the_system_cuts_short_is_told_and_the_next_one_goes_on(path: Path) -> None:
    words = subprocess.run(
        [sys.executable, "-c", FILE_LIMIT, str(path)], check=True, capture_output=True, text=True
    ).stdout
    assert str(path) in words
    assert "disk" in words
    assert kinds_in(path) == ["there is room again"]


def test_a_file_that_may_only_be_read_is_told(path: Path, arun: Arun) -> None:
    arun(open_and_close(path))
    # Byte 18 of the header is the write version: one that SQLite does not know makes the file read-only for
    # everyone, root included, whom file modes do not stop.
    with path.open("r+b") as file:
        file.seek(18)
        file.write(b"\x09")

    with pytest.raises(Fatal, match="may not be written") as caught:
        arun(open_and_close(path))
    assert str(path) in str(caught.value)


@posix
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_that_may_only_be_read_is_told(path: Path, arun: Arun) -> None:
    path.parent.mkdir()
    path.parent.chmod(0o500)
    with pytest.raises(Fatal, match="your user may write there"):
        arun(open_and_close(path))


def test_a_folder_that_cannot_be_made_is_told(tmp_path: Path, arun: Arun) -> None:
    (tmp_path / "data").write_text("a file, not a folder")
    with pytest.raises(Fatal, match="see that its folder exists"):
        arun(open_and_close(tmp_path / "data" / "practice.sqlite"))


def test_a_file_that_another_program_holds_is_told(path: Path, arun: Arun, monkeypatch: pytest.MonkeyPatch) -> None:
    arun(open_and_close(path))
    monkeypatch.setattr("alphapanda_desktop.store.database._SETTINGS", ("PRAGMA busy_timeout=1",))

    async def story() -> None:
        database = Database(path)
        await database.open()
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Fatal, match="another program holds it"):
                await database.run(note("x"))
            other.execute("ROLLBACK")
        await database.run(note("afterwards"))
        await database.close()

    arun(story())
    assert kinds_in(path) == ["afterwards"]


def test_while_nothing_is_written_the_journal_says_why(
    path: Path, arun: Arun, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alphapanda_desktop.store.database.SLOW_S", 0.05)

    async def story() -> None:
        database = Database(path)
        await database.open()
        assert database.trouble == ""
        await database.run(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=60000"))
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            asked = asyncio.ensure_future(database.run(note("x")))
            await eventually(lambda: "another program holds it, or" in database.trouble)
            other.execute("ROLLBACK")
            await asked
            assert database.trouble == ""
            await database.run(lambda connection: connection.exec_driver_sql("PRAGMA busy_timeout=1"))
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(Fatal):
                await database.run(note("y"))
            assert "another program holds it: close" in database.trouble
            other.execute("ROLLBACK")
        await database.run(note("afterwards"))
        assert database.trouble == ""
        await database.close()

    arun(story())


def test_a_file_that_is_no_database_is_told_and_not_touched(path: Path, arun: Arun) -> None:
    path.parent.mkdir()
    path.write_bytes(b"my notes, please keep " * 500)
    before = path.read_bytes()
    with pytest.raises(Fatal, match="not a database"):
        arun(open_and_close(path))
    assert path.read_bytes() == before


def test_a_damaged_file_is_told_at_the_start_and_not_touched(path: Path, arun: Arun) -> None:
    async def fill() -> None:
        database = Database(path)
        await database.open()
        for number in range(200):
            await database.run(note(f"{number} " * 50))
        await database.close()

    arun(fill())
    torn = bytearray(path.read_bytes())
    torn[-20_000:] = b"\xa5" * 20_000
    path.write_bytes(torn)
    with pytest.raises(Fatal, match="damaged"):
        arun(open_and_close(path))
    assert path.read_bytes() == bytes(torn)


def test_an_empty_file_becomes_a_journal(path: Path, arun: Arun) -> None:
    path.parent.mkdir()
    path.touch()
    arun(open_and_close(path))
    assert kinds_in(path) == []
