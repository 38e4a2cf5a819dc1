"""The preflight: each line finds out for itself, and what is not well comes with what to do."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.commands import doctor
from alphapanda_desktop.domain.preflight import Check, Standing, of_calendar, of_clock, of_disk, of_keyring, worst
from alphapanda_desktop.domain.session import Token
from alphapanda_desktop.preflight import Places, preflight
from alphapanda_desktop.trading.session import ACCESS_TOKEN
from alphapanda_desktop.trading.tokens import token_to_text
from tests.e2e.headless import MemoryVault

NOON = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)


@asynccontextmanager
async def a_kite(behind: timedelta) -> AsyncIterator[str]:
    """The root of a real server whose clock is that far behind ours."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while await reader.readline() not in (b"\r\n", b""):
            pass
        date = format_datetime(datetime.now(UTC) - behind, usegmt=True)
        writer.write(f"HTTP/1.1 200 OK\r\nDate: {date}\r\nContent-Length: 0\r\n\r\n".encode())
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def checks_of(folder: Path, vault: MemoryVault, rest: str = "", feed: str = "", **more: Any) -> dict[str, Check]:
    places = Places(folder, more.pop("mode", "paper"), rest, feed, **more)
    return {check.name: check for check in await preflight(places, vault, lambda: NOON)}


@pytest.mark.parametrize(
    ("ahead_s", "standing"),
    [
        (0.5, Standing.GOOD),
        (-1.9, Standing.GOOD),
        (3.0, Standing.WARN),
        (-31.0, Standing.BAD),
        (None, Standing.UNKNOWN),
    ],
)
def test_a_clock_is_judged_by_how_far_off_it_is(ahead_s: float | None, standing: Standing) -> None:
    check = of_clock(ahead_s, "api.kite.trade")
    assert check.standing is standing
    assert bool(check.remedy) is (standing is not Standing.GOOD)


def test_a_full_disk_is_wrong_and_a_small_one_worth_a_look() -> None:
    standings = [of_disk(free, "there").standing for free in (100_000_000, 1_000_000_000, 10_000_000_000)]
    assert standings == [Standing.BAD, Standing.WARN, Standing.GOOD]


def test_a_year_without_a_known_list_of_holidays_is_said() -> None:
    assert of_calendar(NOON.date()).standing is Standing.GOOD
    unknown = of_calendar(NOON.replace(year=2031).date())
    assert unknown.standing is Standing.WARN and "NSE 2031" in unknown.found


def test_the_worst_line_decides() -> None:
    good, bad = of_disk(10**10, "there"), of_disk(1, "there")
    assert worst([]) is Standing.GOOD
    assert worst([good, of_keyring("in memory", lasting=False)]) is Standing.WARN
    assert worst([good, bad, of_clock(None, "Kite")]) is Standing.BAD


def test_a_clock_that_is_an_hour_ahead_of_kites_is_found_over_the_network(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_kite(timedelta(hours=1)) as root:
            clock = (await checks_of(tmp_path, MemoryVault(), root))["Clock"]
            assert clock.standing is Standing.BAD
            assert "ahead of 127.0.0.1" in clock.found
        async with a_kite(timedelta(0)) as root:
            assert (await checks_of(tmp_path, MemoryVault(), root))["Clock"].standing is Standing.GOOD

    arun(story())


def test_a_feed_that_nobody_serves_is_wrong(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_kite(timedelta(0)) as root:
            good = await checks_of(tmp_path, MemoryVault(), root, root.replace("http", "ws"))
            assert good["Feed"].standing is Standing.GOOD
        gone = await checks_of(tmp_path, MemoryVault(), root, root.replace("http", "ws"))  # nobody listens there now
        assert gone["Feed"].standing is Standing.BAD and gone["Feed"].remedy
        assert gone["Clock"].standing is Standing.UNKNOWN

    arun(story())


def test_a_damaged_journal_is_named(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        path = tmp_path / "paper.sqlite"
        with sqlite3.connect(path) as line:
            line.execute("create table rows (x)")
            line.executemany("insert into rows values (?)", [("x" * 500,)] * 200)
        line.close()
        assert (await checks_of(tmp_path, MemoryVault()))["Journal"].standing is Standing.GOOD
        whole = bytearray(path.read_bytes())
        whole[4096:8192] = b"\xff" * 4096
        path.write_bytes(whole)
        journal = (await checks_of(tmp_path, MemoryVault()))["Journal"]
        assert journal.standing is Standing.BAD and "paper.sqlite" in journal.found and journal.remedy

    arun(story())


def test_a_login_is_told_with_its_end_and_one_of_yesterday_as_over(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        vault = MemoryVault()
        assert (await checks_of(tmp_path, vault))["Session"].standing is Standing.WARN
        await vault.put(ACCESS_TOKEN, token_to_text(Token("key", "secret-token", "AB1234", NOON - timedelta(hours=3))))
        session = (await checks_of(tmp_path, vault))["Session"]
        assert session.standing is Standing.GOOD and "AB1234 until 24 Nov 06:00" in session.found
        await vault.put(ACCESS_TOKEN, token_to_text(Token("key", "secret-token", "AB1234", NOON - timedelta(days=1))))
        assert "ended at 06:00" in (await checks_of(tmp_path, vault))["Session"].found

    arun(story())


def test_live_is_told_by_which_address_orders_would_leave(arun: Any, tmp_path: Path) -> None:
    async def story() -> None:
        async with a_kite(timedelta(0)) as root:
            live = await checks_of(tmp_path, MemoryVault(), root, mode="live", api_key="kite-key")
            assert "IPv4 from 127.0.0.1" in live["Address"].found and "registered" in live["Address"].remedy
            assert live["Kite app"].standing is Standing.GOOD
            assert "kite-key" not in live["Kite app"].found
            assert (await checks_of(tmp_path, MemoryVault(), root))["Kite app"].standing is Standing.BAD

    arun(story())


def test_the_doctor_prints_the_same_lines_and_says_by_its_code_whether_something_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = Places(tmp_path, "practice", "", "")
    assert doctor.run(["--json"], places, "default") == 0
    told = json.loads(capsys.readouterr().out)
    assert told["mode"] == "practice"
    assert {"Session", "Keyring", "Disk", "Journal", "Calendar"} <= {check["name"] for check in told["checks"]}
    (tmp_path / "practice.sqlite").write_bytes(b"no database at all" * 100)
    assert doctor.run([], places, "default") == 1
    assert "wrong    Journal" in capsys.readouterr().out
