"""A journal that somebody or something has damaged: every column, row and byte; verify names what is bad."""

from __future__ import annotations

import argparse
import asyncio
import random
import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from alphapanda_desktop.commands.journal import run
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.proof import prove_file
from alphapanda_desktop.store.schema import JOURNAL

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
OPTIONS = argparse.Namespace(data_dir=None, profile="default", mode=None)
REQUEST = OrderRequest(
    exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10, product="MIS", order_type="LIMIT",
    price=1500.05, tag="ap1", strategy="run-1", reason="crossed", instrument_token=408065,
)  # fmt: skip
ORDER = Order(
    order_id="1", status="OPEN", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10,
    product="MIS", order_type="LIMIT", tag="ap1", order_timestamp=AT,
)  # fmt: skip
FILL = Fill(
    trade_id="1", order_id="1", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10,
    average_price=1500.05, product="MIS", fill_timestamp=AT,
)  # fmt: skip


async def _write(path: Path) -> None:
    database = Database(path)
    await database.open()
    journal = SqlJournal(database)
    await journal.session_began("AB1234", AT, AT + timedelta(hours=20))
    for n in range(2):
        tag, at = f"ap{n}", AT + timedelta(seconds=n)
        await journal.intend(replace(REQUEST, tag=tag), at)
        await journal.settle(tag, "sent", at, order_id=str(n))
        await journal.order_seen(replace(ORDER, order_id=str(n), tag=tag), at)
        await journal.fill_seen(replace(FILL, order_id=str(n)), at, "run-1")
        await journal.note(Event("trouble", at, {"n": n}))
    await database.close()


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("journal") / "practice.sqlite"
    asyncio.run(_write(path))
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "copy.sqlite"))


def opened(path: Path) -> sqlite3.Connection:
    vandal = sqlite3.connect(path)
    for (trigger,) in vandal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        vandal.execute(f"DROP TRIGGER {trigger}")
    return vandal


def columns(path: Path) -> Iterator[tuple[str, str]]:
    with closing(sqlite3.connect(path)) as reader:
        for table in (*JOURNAL, "chain"):
            if reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0]:
                for row in reader.execute(f"PRAGMA table_info({table})").fetchall():
                    yield table, str(row[1])


def test_a_change_in_any_column_of_any_table_shows(whole: Path, tmp_path: Path) -> None:
    tried = 0
    for table, column in columns(whole):
        for value in ("'spoilt'", "NULL"):
            path = Path(shutil.copy(whole, tmp_path / "copy.sqlite"))
            with closing(opened(path)) as vandal, vandal:
                vandal.execute("PRAGMA foreign_keys=OFF")
                try:
                    where = f"seq = (SELECT max(seq) FROM {table}) AND {column} IS NOT {value}"
                    changed = vandal.execute(f"UPDATE {table} SET {column} = {value} WHERE {where}").rowcount
                except sqlite3.IntegrityError:
                    continue  # the schema itself does not let it stand
            if changed:
                tried += 1
                assert prove_file(path).bad is not None, (table, column, value)
    assert tried > 40


def test_any_row_that_is_gone_shows(whole: Path, tmp_path: Path) -> None:
    for table in dict(columns(whole)):
        with closing(sqlite3.connect(whole)) as reader:
            numbers = [seq for (seq,) in reader.execute(f"SELECT seq FROM {table}")]
        for seq in numbers:
            path = Path(shutil.copy(whole, tmp_path / "copy.sqlite"))
            with closing(opened(path)) as vandal, vandal:
                vandal.execute(f"DELETE FROM {table} WHERE seq = ?", (seq,))
            bad = prove_file(path).bad
            assert bad is not None and bad.seq in (seq, seq + 1), (table, seq, bad)


def test_any_two_links_that_change_places_show(whole: Path, tmp_path: Path) -> None:
    with closing(sqlite3.connect(whole)) as reader:
        numbers = [seq for (seq,) in reader.execute("SELECT seq FROM chain")]
    for one, other in pairwise(numbers):
        path = Path(shutil.copy(whole, tmp_path / "copy.sqlite"))
        with closing(opened(path)) as vandal, vandal:
            for old, new in ((one, -1), (other, one), (-1, other)):
                vandal.execute("UPDATE chain SET seq = ? WHERE seq = ?", (new, old))
        bad = prove_file(path).bad
        assert bad is not None and bad.seq == one, (one, bad)


def test_the_content_of_two_intents_that_changed_places_shows(copy: Path) -> None:
    with closing(opened(copy)) as vandal, vandal:
        first, second = (seq for (seq,) in vandal.execute("SELECT seq FROM intents ORDER BY seq LIMIT 2"))
        for old, new in ((first, -1), (second, first), (-1, second)):
            vandal.execute("UPDATE intents SET seq = ? WHERE seq = ?", (new, old))
    bad = prove_file(copy).bad
    assert bad is not None and (bad.seq, bad.kind) == (first, "intents")


def test_a_tail_cut_off_at_any_page_shows(whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    content = whole.read_bytes()
    for size in range(0, len(content), 2_048):
        path = tmp_path / "short.sqlite"
        path.write_bytes(content[:size])
        assert run(["verify", "--database", str(path)], OPTIONS) in (1, 2), size
        out, err = capsys.readouterr()
        assert "NOT whole" in out or "journal" in err, (size, out, err)


def test_a_byte_spoilt_anywhere_is_named_or_changes_nothing_that_was_written(
    whole: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    content, rng = whole.read_bytes(), random.Random(7)
    path, codes = tmp_path / "copy.sqlite", Counter[int]()
    path.write_bytes(content)
    assert run(["verify", "--database", str(path)], OPTIONS) == 0
    true = capsys.readouterr().out
    for _ in range(250):
        spoilt = bytearray(content)
        place = rng.randrange(len(content))
        spoilt[place] ^= 1 << rng.randrange(8)
        path.write_bytes(spoilt)
        code = run(["verify", "--database", str(path)], OPTIONS)
        codes[code] += 1
        out, err = capsys.readouterr()
        assert {0: out == true, 1: "NOT whole" in out, 2: "copy.sqlite" in err}[code], (place, out, err)
        assert run(["export", "--database", str(path)], OPTIONS) in (0, 1, 2), place
        capsys.readouterr()
    assert codes[1] + codes[2] >= 3, codes  # most of so small a file is indexes and free room


def test_what_is_no_journal_is_refused_by_name(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    text, folder, other = tmp_path / "notes.txt", tmp_path / "folder", tmp_path / "other.sqlite"
    text.write_text("not a database at all\n" * 100)
    folder.mkdir()
    with closing(sqlite3.connect(other)) as database, database:
        database.execute("CREATE TABLE prices (at INTEGER)")
    for path in (text, folder, other, tmp_path / "missing.sqlite"):
        for what in ("verify", "export"):
            assert run([what, "--database", str(path)], OPTIONS) == 2
            out, err = capsys.readouterr()
            assert out == "" and path.name in err and "Traceback" not in err, (what, path, err)
