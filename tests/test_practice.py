"""The practice exchange's process: it comes back on its port when it falls, and never outlives the program."""

from __future__ import annotations

import asyncio
import os
import signal
import sys

import aiohttp
import pytest

from alphapanda_desktop import practice
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.practice import PracticeExchange

pytestmark = pytest.mark.skipif(os.name != "posix", reason="looks for processes as POSIX does")

PROGRAM = """
import asyncio, sys
from pathlib import Path
from alphapanda_desktop.practice import PracticeExchange

async def main():
    exchange = PracticeExchange(["--seed", "7"], Path(sys.argv[1]), print)
    await exchange.start()
    print(exchange._child.pid, flush=True)
    await asyncio.Event().wait()

asyncio.run(main())
"""


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
        with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as stat:  # noqa: PTH123
            return stat.read().rsplit(")", 1)[1].split()[0] != "Z"
    except (ProcessLookupError, FileNotFoundError):  # it may be gone between the two looks
        return False


async def answers(rest: str) -> bool:
    try:
        async with aiohttp.ClientSession() as http, http.get(f"{rest.rstrip('/')}/instruments") as reply:
            return reply.status > 0
    except aiohttp.ClientError:
        return False


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    monkeypatch.setattr(practice, "RESTART_S", 0.01)
    monkeypatch.setattr(practice, "RETRY_S", 0.1)


def test_killed_it_is_started_again_on_the_same_port_and_then_ended_for_good(arun, eventually, tmp_path):
    async def story():
        told = []
        exchange = PracticeExchange(["--seed", "7"], tmp_path / "sim.log", told.append)
        where = await exchange.start()
        watch = asyncio.create_task(exchange.watch())
        first = exchange._child.pid
        os.kill(first, signal.SIGKILL)
        await eventually(lambda: exchange._child.pid != first and exchange.addresses is not where)
        assert exchange.addresses.rest == where.rest and exchange.addresses.ws == where.ws
        await eventually(lambda: answers(where.rest))
        assert "code -9" in told[0]
        second = exchange._child.pid
        await exchange.stop()
        await asyncio.wait_for(watch, 60)
        assert not alive(second) and len(told) == 1  # an end on purpose is no fall

    arun(story())


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_it_dies_with_a_program_that_was_killed(arun, eventually, tmp_path):
    async def story():
        parent = await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROGRAM, str(tmp_path / "sim.log"), stdout=asyncio.subprocess.PIPE
        )
        child = int(await parent.stdout.readline())
        assert alive(child)
        parent.kill()
        await parent.communicate()
        await eventually(lambda: not alive(child))

    arun(story())


def test_one_that_does_not_start_says_where_its_last_words_are(arun, tmp_path):
    async def story():
        exchange = PracticeExchange(["--scenario", "no-such-thing"], tmp_path / "sim.log", print)
        with pytest.raises(Fatal, match=r"sim\.log"):
            await exchange.start()
        assert "no-such-thing" in (tmp_path / "sim.log").read_text(encoding="utf-8")

    arun(story())


def test_stopped_while_it_starts_it_does_not_stay(arun, tmp_path):
    async def story():
        exchange = PracticeExchange(["--seed", "7"], tmp_path / "sim.log", print)
        starting = asyncio.create_task(exchange.start())
        await asyncio.sleep(0)
        await exchange.stop()
        with pytest.raises(Fatal, match="stopped while it started"):
            await starting
        assert exchange._child is None

    arun(story())
