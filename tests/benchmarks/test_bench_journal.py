"""One order intent on the disk: the journal, thread hop and all, against a bare sqlite3 insert as durable."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.rows import row_of
from tests.benchmarks.race import Board, percentile
from tests.fakes import NOON, a_request

ROUNDS = 300


def _bare(path: Path) -> Callable[[int], None]:
    """Insert and commit in this thread; WAL and FULL, as the journal has it."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("CREATE TABLE intents (tag TEXT UNIQUE, row TEXT)")

    def insert(number: int) -> None:
        if number < 0:
            connection.close()
            return
        request = a_request(tag=f"b{number}")
        row = json.dumps(row_of(request), default=str)
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("INSERT INTO intents VALUES (?, ?)", (request.tag, row))
        connection.execute("COMMIT")

    return insert


def test_a_durable_order_intent(board: Board, tmp_path: Path, arun: Callable[[Coroutine[Any, Any, Any]], Any]) -> None:
    async def story() -> tuple[list[float], list[float], int]:
        database = Database(tmp_path / "ours.sqlite")
        await database.open()
        journal, bare = SqlJournal(database), _bare(tmp_path / "bare.sqlite")
        ours: list[float] = []
        rival: list[float] = []
        for number in range(ROUNDS):
            request = a_request(tag=f"o{number}")
            began = time.perf_counter()
            await journal.intend(request, NOON)
            middle = time.perf_counter()
            bare(number)
            ours.append((middle - began) * 1e6)
            rival.append((time.perf_counter() - middle) * 1e6)
        written = len(await journal.intents(NOON))
        bare(-1)
        await database.close()
        return ours, rival, written

    ours, rival, written = arun(story())
    assert written == ROUNDS
    board.race("durable order intent, sqlite3 WAL FULL, µs", ours[20:], rival[20:], 1.3)
    board.note("durable order intent, 99th percentile, µs", percentile(ours[20:], 0.99))
