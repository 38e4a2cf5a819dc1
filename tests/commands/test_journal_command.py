"""`alphapanda journal`: what was tampered with is named, and what is exported has lost its secrets and accounts."""

from __future__ import annotations

import asyncio
import json
import shutil
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.__main__ import main
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.risk import RuleResult
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal

AT = datetime(2026, 11, 23, 4, 0, 0, tzinfo=UTC)
ACCESS_TOKEN = "Zx8kQ2v9LmN4pR7tW1yB5cD3fG6hJ0sA"
REQUEST = OrderRequest(
    exchange="NSE", tradingsymbol="INFY", transaction_type="BUY", quantity=10, product="MIS", order_type="LIMIT",
    price=1500.05, tag="ap1", strategy="run-1", reason="crossed", instrument_token=408065,
)  # fmt: skip
ORDER = Order(
    order_id="261123000000001", status="REJECTED", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY",
    quantity=10, product="MIS", order_type="LIMIT", tag="ap1", placed_by="AB1234", guid="01XGuid", order_timestamp=AT,
    status_message=f"client ab1234: token abcdefgh:{ACCESS_TOKEN} from 103.21.58.7 is not allowed; mail asha@x.in",
    meta={"account_id": "QQ9876", "access_token": ACCESS_TOKEN, "legs": [{"client_id": "AB1234", "n": 1}]},
)  # fmt: skip
FILL = Fill(
    trade_id="1", order_id="261123000000001", exchange="NSE", tradingsymbol="INFY", transaction_type="BUY",
    quantity=10, average_price=1500.05, product="MIS", fill_timestamp=AT,
)  # fmt: skip
OPTIONS: list[str] = []
"""The program's own, before the command."""


def run(rest: list[str], before: list[str]) -> int:
    return main([*before, "journal", *rest])


async def write(journal: SqlJournal) -> None:
    await journal.session_began("AB1234", AT, AT + timedelta(hours=20))
    cause = Cause(tick={"last_price": 1500.0}, reason="crossed", rules=(RuleResult("lot", True, "10", "1"),))
    await journal.intend(REQUEST, AT, cause)
    await journal.order_seen(ORDER, AT + timedelta(seconds=1))
    await journal.fill_seen(FILL, AT + timedelta(seconds=2), "run-1")
    detail = {"text": f"request_token={ACCESS_TOKEN[:20]}&user=QQ9876", "instrument_token": 408065, "api_key": "k3y"}
    await journal.note(Event("trouble", AT + timedelta(days=1), detail))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A closed journal of six rows."""
    path = tmp_path_factory.mktemp("journal") / "practice.sqlite"

    async def story() -> None:
        database = Database(path)
        await database.open()
        await write(SqlJournal(database))
        await database.close()

    asyncio.run(story())
    return path


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(whole, tmp_path / "practice.sqlite"))


def vandalise(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as vandal, vandal:
        for (trigger,) in vandal.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
            vandal.execute(f"DROP TRIGGER {trigger}")
        vandal.executescript(sql)


def entries(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


# --- verify ----------------------------------------------------------------------------------------------------------


def test_a_whole_journal_is_told_with_its_rows_and_last_hash(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = whole.read_bytes(), sorted(whole.parent.iterdir())
    assert run(["verify", "--database", str(whole)], OPTIONS) == 0
    said = capsys.readouterr().out
    with closing(sqlite3.connect(f"file:{whole}?mode=ro&immutable=1", uri=True)) as reader:
        (last,) = reader.execute("SELECT hash FROM chain ORDER BY seq DESC LIMIT 1").fetchone()
    assert said == f"{whole}: 6 rows, whole; the last is {last}\n"
    assert (whole.read_bytes(), sorted(whole.parent.iterdir())) == before
    assert run(["verify", "--database", str(whole), "--expect", last.upper()], OPTIONS) == 0
    assert run(["verify", "--database", str(whole), "--expect", "0" * 64], OPTIONS) == 1
    assert "no row of the chain has the expected hash" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("sql", "words"),
    [
        ("UPDATE intents SET quantity = 11", "row 2 (intents): its content was changed"),
        ("UPDATE causes SET cause = replace(cause, '1500', '1499')", "row 3 (causes): its content was changed"),
        ("DELETE FROM orders", "row 4 (orders): its content is missing"),
        ("DELETE FROM orders; DELETE FROM chain WHERE seq = 4", "row 5 (fills): row 4 is missing before it"),
        ("UPDATE chain SET seq = 40 WHERE seq = 4; UPDATE chain SET seq = 4 WHERE seq = 5; "
         "UPDATE chain SET seq = 5 WHERE seq = 40", "row 4 (fills): it does not follow the row before it"),
        ("DELETE FROM events; DELETE FROM chain WHERE seq = 6", "row 6 (chain): rows 6 to 6 were cut off at the end"),
        ("INSERT INTO events VALUES (7, 0, 'halt', '{}')", "row 7 (events): it was never numbered"),
    ],
)  # fmt: skip
def test_the_first_bad_entry_is_named(copy: Path, capsys: pytest.CaptureFixture[str], sql: str, words: str) -> None:
    vandalise(copy, sql)
    assert run(["verify", "--database", str(copy)], OPTIONS) == 1
    assert words in capsys.readouterr().out


def test_without_a_mode_every_journal_of_the_profile_is_verified(
    tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "profiles" / "second"
    folder.mkdir(parents=True)
    for mode in ("practice", "live"):
        shutil.copy(whole, folder / f"{mode}.sqlite")
    vandalise(folder / "live.sqlite", "DELETE FROM fills")
    asked = ["verify", "--data-dir", str(tmp_path), "--profile", "second"]
    assert run(asked, OPTIONS) == 1
    said = capsys.readouterr().out.splitlines()
    assert "6 rows, whole" in said[0] and "row 5 (fills)" in said[1]
    assert run([*asked, "--mode", "practice"], OPTIONS) == 0
    assert run(["verify"], ["--data-dir", str(tmp_path), "--profile", "second", "--mode", "live"]) == 1


@pytest.mark.parametrize("asked", [["verify"], ["export"]])
def test_a_journal_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], asked: list[str]
) -> None:
    assert run([*asked, "--data-dir", str(tmp_path), "--mode", "paper"], OPTIONS) == 2
    assert run([*asked, "--database", str(tmp_path / "gone.sqlite")], OPTIONS) == 2
    assert "paper.sqlite" in (said := capsys.readouterr().err) and "gone.sqlite" in said


def test_the_program_itself_verifies_and_exports(copy: Path) -> None:
    command = [sys.executable, "-m", "alphapanda_desktop", "journal"]
    vandalise(copy, "DELETE FROM fills")
    told = subprocess.run([*command, "verify", "--database", copy], capture_output=True, text=True, check=False)
    assert (told.returncode, "row 5 (fills)" in told.stdout) == (1, True), told


# --- export ----------------------------------------------------------------------------------------------------------


def test_an_export_has_every_row_in_order_with_its_own_hash(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--database", str(whole)], OPTIONS) == 0
    rows = entries(capsys)
    assert [row["kind"] for row in rows] == ["sessions", "intents", "causes", "orders", "fills", "events"]
    assert [row["seq"] for row in rows] == [1, 2, 3, 4, 5, 6]
    assert rows[1]["at"] == AT.isoformat() and rows[1]["content"]["reason"] == "crossed"
    assert rows[2]["content"]["cause"]["rules"][0]["rule"] == "lot"
    assert rows[3]["content"]["order_timestamp"] == AT.isoformat() and rows[3]["content"]["modified"] is False
    with closing(sqlite3.connect(f"file:{whole}?mode=ro&immutable=1", uri=True)) as reader:
        hashes = [text for (text,) in reader.execute("SELECT hash FROM chain ORDER BY seq")]
    assert [row["hash"] for row in rows] == hashes


def test_an_export_names_no_account_and_no_secret(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["export", "--database", str(whole)], OPTIONS) == 0
    said = capsys.readouterr().out
    for secret in ("AB1234", "ab1234", "QQ9876", ACCESS_TOKEN, ACCESS_TOKEN[:20], "abcdefgh", "103.21", "asha@", "k3y"):
        assert secret not in said
    assert "01XGuid" not in said
    rows = [json.loads(line) for line in said.splitlines()]
    order, trouble = rows[3]["content"], rows[5]["content"]["detail"]
    assert rows[0]["content"]["user_id"] == order["placed_by"] == "account 1"
    assert order["meta"]["account_id"] == "account 2" and "account 2" in trouble["text"]
    assert order["meta"]["legs"] == [{"client_id": "account 1", "n": 1}]
    assert order["status_message"].startswith("client account 1: token [redacted] from [redacted] is not allowed")
    assert (trouble["instrument_token"], trouble["api_key"]) == (408065, "[redacted]")
    assert (order["order_id"], order["instrument_token"]) == (ORDER.order_id, 0)


def test_since_leaves_out_what_was_before_in_indian_days(whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for since, kinds in (
        ("2026-11-23", 6),
        ("2026-11-24", 1),
        ("2026-11-23T04:00:01+00:00", 3),
        ("2026-11-23T09:30:01", 3),
        ("2026-11-25", 0),
    ):
        assert run(["export", "--database", str(whole), "--since", since], OPTIONS) == 0
        assert len(entries(capsys)) == kinds, since
    with pytest.raises(SystemExit):
        run(["export", "--since", "yesterday"], OPTIONS)


def test_an_export_to_a_file_is_its_owners_alone_and_never_the_journal(
    copy: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.jsonl"
    assert run(["export", "--database", str(copy), "--out", str(out)], OPTIONS) == 0
    assert len(out.read_text(encoding="utf-8").splitlines()) == 6
    if sys.platform != "win32":
        assert stat.S_IMODE(out.stat().st_mode) == 0o600
    before = copy.read_bytes()
    assert run(["export", "--database", str(copy), "--out", str(copy)], OPTIONS) == 2
    assert copy.read_bytes() == before
    assert sorted(file.name for file in tmp_path.iterdir()) == ["out.jsonl", "practice.sqlite"]


def test_a_journal_that_is_being_written_is_verified_and_exported(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "live.sqlite"

    async def story() -> None:
        database = Database(path)
        await database.open()
        journal = SqlJournal(database)
        await write(journal)
        assert run(["verify", "--database", str(path)], OPTIONS) == 0
        assert run(["export", "--database", str(path)], OPTIONS) == 0
        await journal.intend(replace(REQUEST, tag="ap2"), AT)
        assert await journal.verify() is None
        await database.close()

    asyncio.run(story())
    assert "6 rows, whole" in capsys.readouterr().out


def test_two_journals_are_not_exported_as_one(tmp_path: Path, whole: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "profiles" / "default"
    folder.mkdir(parents=True)
    for mode in ("practice", "paper"):
        shutil.copy(whole, folder / f"{mode}.sqlite")
    assert run(["export", "--data-dir", str(tmp_path)], OPTIONS) == 2
    assert "--mode practice|paper" in capsys.readouterr().err
    assert run(["export", "--data-dir", str(tmp_path), "--mode", "paper"], OPTIONS) == 0
