"""One order intent on the disk: the journal, thread hop and all, against fdatasync and a bare insert."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.rows import row_of
from tests.benchmarks.race import Board, figure, percentile, rounds
from tests.fakes import NOON, a_request

ROUNDS = rounds(600, 60)


class Rivals:
    """200 bytes and fdatasync, and a bare sqlite3 insert with WAL and FULL as the journal has it; in this thread."""

    def __init__(self, folder: Path) -> None:
        self._file = os.open(folder / "rival", os.O_CREAT | os.O_WRONLY | os.O_APPEND)
        self._connection = sqlite3.connect(folder / "bare.sqlite", isolation_level=None)
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("PRAGMA synchronous=FULL")
        self._connection.execute("CREATE TABLE intents (tag TEXT UNIQUE, row TEXT)")

    def sync(self, _number: int) -> None:
        os.write(self._file, b"x" * 200)
        os.fdatasync(self._file)

    def insert(self, number: int) -> None:
        request = a_request(tag=f"b{number}")
        row = json.dumps(row_of(request), default=str)
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.execute("INSERT INTO intents VALUES (?, ?)", (request.tag, row))
        self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
        os.close(self._file)


@figure("intent")
def test_a_durable_order_intent(board: Board, tmp_path: Path, arun: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
    async def story() -> tuple[dict[str, list[float]], int]:
        database, rivals = Database(tmp_path / "ours.sqlite"), Rivals(tmp_path)
        await database.open()
        journal = SqlJournal(database)
        times: dict[str, list[float]] = {"ours": [], "sync": [], "insert": []}
        for number in range(ROUNDS):
            request = a_request(tag=f"o{number}")
            began = time.perf_counter()
            await journal.intend(request, NOON)
            times["ours"].append((time.perf_counter() - began) * 1e6)
            for name, work in (("sync", rivals.sync), ("insert", rivals.insert)):
                began = time.perf_counter()
                work(number)
                times[name].append((time.perf_counter() - began) * 1e6)
        written = len(await journal.intents(NOON))
        rivals.close()
        await database.close()
        return times, written

    times, written = arun(story())
    assert written == ROUNDS
    ours = times["ours"][20:]
    board.figure("intent", ours, times["sync"][20:])
    board.race("durable order intent, sqlite3 WAL FULL, µs", ours, times["insert"][20:], 1.5)
    board.note("durable order intent, 99th percentile, µs", percentile(ours, 0.99))
