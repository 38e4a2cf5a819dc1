"""A database is copied once a day while it is written to, and a copy comes back only whole and only to a closed one."""

from __future__ import annotations

import os
import sqlite3
import threading
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.commands import backups as command
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.progress import Progress, Stopped, Works
from alphapanda_desktop.folders import data_dir
from alphapanda_desktop.single import hold
from alphapanda_desktop.store import backup
from alphapanda_desktop.store.backup import (
    KEPT,
    ask_to_restore,
    back_up,
    backups_of,
    keep_daily,
    restore,
    restore_asked,
)
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.proof import prove_file

TODAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)


@asynccontextmanager
async def a_journal(path: Path) -> AsyncIterator[SqlJournal]:
    database = Database(path)
    await database.open()
    try:
        yield SqlJournal(database)
    finally:
        await database.close()


async def written(path: Path, notes: int) -> None:
    async with a_journal(path) as journal:
        for number in range(notes):
            await journal.note(Event("noted", NOW, {"number": number}))


def rows(path: Path) -> int:
    proof = prove_file(path)
    assert proof.bad is None
    return proof.rows


def test_a_copy_of_an_open_database_holds_what_was_committed(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "paper.sqlite"
        async with a_journal(path) as journal:
            await journal.note(Event("noted", NOW, {"number": 1}))
            copy = back_up(path, TODAY)
            await journal.note(Event("noted", NOW, {"number": 2}))
        assert (rows(copy), rows(path)) == (1, 2)
        assert copy.stat().st_mode & 0o077 == 0 and copy.parent.stat().st_mode & 0o077 == 0

    arun(story())


def test_what_is_written_between_two_steps_neither_begins_it_anew_nor_gets_into_it(
    arun: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGES", 4)
    path = tmp_path / "paper.sqlite"
    arun(written(path, 60))
    before, steps = rows(path), list[int]()

    class Written(Progress):
        def at(self, done: int, total: int | None = None, words: str | None = None) -> None:
            super().at(done, total, words)
            steps.append(done)
            with closing(sqlite3.connect(path)) as line:
                line.execute("CREATE TABLE IF NOT EXISTS beside (at INTEGER)")
                line.execute("INSERT INTO beside VALUES (?)", (done,))
                line.commit()

    copy = back_up(path, TODAY, Written("Backup"))
    assert len(steps) > 4 and steps == sorted(set(steps))  # it always went on
    with closing(sqlite3.connect(copy)) as line:
        assert line.execute("SELECT count(*) FROM sqlite_master WHERE name = 'beside'").fetchone() == (0,)
    assert rows(copy) == before


def test_a_backup_that_is_stopped_leaves_nothing_and_that_is_said(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path, told, works = tmp_path / "paper.sqlite", list[str](), Works()
        async with a_journal(path) as journal:
            await journal.note(Event("noted", NOW, {"number": 1}))
            works.listeners.append(lambda: [progress.stop() for progress in works.running])
            await keep_daily(path, TODAY, told.append, works)
            assert len(told) == 1 and "stopped" in told[0] and works.running == []
            assert list((tmp_path / "backups").iterdir()) == []
            works.listeners.clear()
            await keep_daily(path, TODAY, told.append, works)
            assert len(told) == 1 and len(backups_of(tmp_path)) == 1

    arun(story())


def test_two_programs_copy_one_database_at_once_and_the_copy_is_whole(
    arun: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backup, "PAGES", 4)
    path, begun, goes_on = tmp_path / "paper.sqlite", threading.Event(), threading.Event()
    arun(written(path, 60))

    class Another(Progress):
        """Rests in the middle, and is stopped then."""

        def at(self, done: int, total: int | None = None, words: str | None = None) -> None:
            begun.set()
            self._asked = goes_on.wait(60)
            super().at(done, total, words)

    class One(Progress):
        """Goes on once the other has begun."""

        def at(self, done: int, total: int | None = None, words: str | None = None) -> None:
            super().at(done, total, words)
            if not begun.is_set():
                other.start()
                assert begun.wait(60)

    def copied() -> None:
        with pytest.raises(Stopped):
            back_up(path, TODAY, Another("Backup"))

    other = threading.Thread(target=copied)
    try:
        copy = back_up(path, TODAY, One("Backup"))
    finally:
        goes_on.set()
        other.join(60)
    assert rows(copy) == rows(path) and list(copy.parent.iterdir()) == [copy]


def test_a_copy_that_a_killed_program_left_half_is_taken_away_and_a_running_ones_is_not(
    arun: Any, tmp_path: Path
) -> None:
    path = tmp_path / "paper.sqlite"
    arun(written(path, 1))
    (tmp_path / "backups").mkdir(mode=0o700)
    left, running = (tmp_path / "backups" / f"paper-2026-11-{day}.part" for day in ("20", "23"))
    for half in (left, running):
        half.touch()
    os.utime(left, (0, 0))
    copy = back_up(path, TODAY)
    assert {found.name for found in copy.parent.iterdir()} == {copy.name, running.name}


def test_there_is_one_copy_a_day_and_the_oldest_goes(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path, told = tmp_path / "paper.sqlite", list[str]()
        await written(path, 1)
        for count in range(KEPT + 2):
            await keep_daily(path, TODAY + timedelta(days=count), told.append)
        assert [backup.day for backup in backups_of(tmp_path, "paper")] == [
            TODAY + timedelta(days=count) for count in range(KEPT + 1, 1, -1)
        ]
        newest = backups_of(tmp_path)[0].path
        before = newest.read_bytes()
        await written(path, 3)
        await keep_daily(path, TODAY + timedelta(days=KEPT + 1), told.append)
        assert newest.read_bytes() == before  # of this day there was one
        assert told == []

    arun(story())


def test_a_disk_that_takes_no_copy_is_told_and_leaves_no_half(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path, told = tmp_path / "paper.sqlite", list[str]()
        await written(path, 1)
        (tmp_path / "backups").write_text("a file where the folder should be", encoding="utf-8")
        await keep_daily(path, TODAY, told.append)
        assert len(told) == 1 and "paper.sqlite could not be made" in told[0]

    arun(story())


def test_going_back_keeps_what_was_there(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "paper.sqlite"
        await written(path, 2)
        copy = back_up(path, TODAY)
        await written(path, 3)
        replaced = restore(copy, path, NOW)
        assert replaced == tmp_path / "paper.replaced-20261123-050000.sqlite"
        assert (rows(path), rows(replaced)) == (2, 5)
        await written(path, 1)  # it is a database like any other
        assert rows(path) == 3

    arun(story())


def test_a_copy_that_was_changed_is_not_gone_back_to(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "paper.sqlite"
        await written(path, 2)
        copy = back_up(path, TODAY)
        with closing(sqlite3.connect(copy)) as line, line:
            for (trigger,) in line.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
                line.execute(f"DROP TRIGGER {trigger}")
            line.execute("UPDATE chain SET hash = 'f' || substr(hash, 2)")
        before = path.read_bytes()
        with pytest.raises(Fatal, match="no backup to go back to"):
            restore(copy, path, NOW)
        assert path.read_bytes() == before

    arun(story())
    assert sorted(p.name for p in tmp_path.glob("*replaced*")) == []


def test_the_command_goes_back_only_while_nobody_has_the_profile(
    arun: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    options = Namespace(profile="default", data_dir=tmp_path, mode="paper")
    folder = data_dir("default", tmp_path)
    arun(written(folder / "paper.sqlite", 2))
    assert command.run(["make"], options, hold) == 0
    held = hold(folder)
    assert held is not None
    assert command.run(["restore"], options, hold) == 2
    assert "the program is running" in capsys.readouterr().err
    held.release()
    assert command.run(["restore"], options, hold) == 0
    assert "what was there before is" in capsys.readouterr().out
    assert command.run(["restore", "--day", "2020-01-01"], options, hold) == 2
    assert command.run(["list"], options, hold) == 0
    assert capsys.readouterr().out.startswith("paper")


def test_a_start_goes_back_where_that_was_asked_and_only_once(arun: Any, tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    assert restore_asked(path, NOW) == ""
    arun(written(path, 2))
    copy = back_up(path, TODAY)
    arun(written(path, 3))
    ask_to_restore(copy, path)
    said = restore_asked(path, NOW)
    assert copy.name in said and "paper.replaced-" in said and rows(path) == 2
    assert list(copy.parent.iterdir()) == [copy]  # reading it has left nothing beside it
    assert restore_asked(path, NOW) == ""


def test_a_copy_that_is_not_whole_is_not_gone_back_to_at_a_start_and_that_is_said(arun: Any, tmp_path: Path) -> None:
    path = tmp_path / "paper.sqlite"
    arun(written(path, 2))
    copy = back_up(path, TODAY)
    copy.write_bytes(b"no database")
    ask_to_restore(copy, path)
    assert restore_asked(path, NOW).startswith("Nothing was changed.") and rows(path) == 2
    assert restore_asked(path, NOW) == ""
