"""What the simulator remembers: rows by kind and id, one owner, and files that are something else."""

from __future__ import annotations

import sqlite3
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.sim import memory
from alphapanda_desktop.sim.memory import Memory
from tests.sim.practice_kite import order, still_kite


def test_rows_come_back_as_they_were_last_put_in_the_order_of_their_ids(tmp_path: Path) -> None:
    first = Memory(tmp_path / "a.state")
    first.put("order", "2", {"n": 2})
    first.put("order", "1", {"n": 1})
    first.put("order", "2", {"n": 3, "deep": {"list": [1, None]}})
    first.put("trade", "9", {})
    first.drop("trade", "9")
    first.close()
    second = Memory(tmp_path / "a.state")
    assert second.rows("order") == [{"n": 1}, {"n": 3, "deep": {"list": [1, None]}}]
    assert second.rows("trade") == []
    second.drop("order")
    assert second.rows("order") == []
    second.close()


def test_without_a_file_nothing_is_kept() -> None:
    nothing = Memory()
    nothing.put("order", "1", {"n": 1})
    nothing.commit()
    assert nothing.rows("order") == []


def test_a_file_has_one_owner(tmp_path: Path) -> None:
    first = Memory(tmp_path / "a.state")
    with pytest.raises(OSError, match="locked"):
        Memory(tmp_path / "a.state")
    first.close()
    Memory(tmp_path / "a.state").close()


def test_a_file_that_is_no_database_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "a.state"
    path.write_text("these are my notes, not a database " * 50)
    Memory(path).close()
    assert (tmp_path / "a.state.broken").read_text().startswith("these are my notes")


def test_what_another_version_kept_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Memory(tmp_path / "a.state")
    first.put("order", "1", {"n": 1})
    first.close()
    monkeypatch.setattr(memory, "VERSION", memory.VERSION + 1)
    second = Memory(tmp_path / "a.state")
    assert second.rows("order") == []
    second.close()


def test_what_was_not_committed_is_not_half_there(tmp_path: Path) -> None:
    path = tmp_path / "a.state"
    first = Memory(path)
    first.put("order", "1", {"n": 1})
    first.commit()
    first.put("order", "2", {"n": 2})
    assert first._db is not None
    first._db.rollback()  # as the system does with an open transaction of a killed process
    first.close()
    with sqlite3.connect(path) as db:
        assert db.execute("SELECT id FROM kept").fetchall() == [("1",)]
    db.close()


def test_an_order_that_was_accepted_and_not_yet_sent_goes_on_after_a_restart(tmp_path: Path) -> None:
    first = still_kite(state=tmp_path / "sim.state")
    placed: Any = first.exchange.place("regular", order(price=1500.1))
    first.memory.close()
    second = still_kite(state=tmp_path / "sim.state")
    row = second.book.get(placed["order_id"])
    assert row.status == "COMPLETE" and row.history[1]["status"] == "VALIDATION PENDING"
    second.memory.close()
