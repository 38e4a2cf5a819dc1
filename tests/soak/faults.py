"""The faults of a soak: what is done to the program, in order, and the words by which a person learns of it."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import NamedTuple

from tests.soak.actor import Gone
from tests.soak.director import Director, Result, trader_of

Story = Callable[[Director, Result], Awaitable[None]]
LOGIN = r"session is over|not logged in|Log in"


class Fault(NamedTuple):
    """A story, the words (a regular expression) that name it, and what the stage must have for it."""

    name: str
    words: str
    story: Story
    needs: str = ""


# -- the link --------------------------------------------------------------------------------------------------------


async def link_down(d: Director, _: Result) -> None:
    d.line.down()
    await asyncio.sleep(12)
    d.line.well()


async def link_stalls(d: Director, _: Result) -> None:
    d.line.stall()
    await asyncio.sleep(20)
    d.line.well()


async def link_flaps(d: Director, _: Result) -> None:
    for _turn in range(6):
        d.line.cut()
        await asyncio.sleep(2.5)


async def replies_lost(d: Director, _: Result) -> None:
    """The next orders are carried out and their answers never come; one request never arrives."""
    await d.control("faults", plan=[
        {"on": "place", "nth": 1, "fault": "lost_reply"}, {"on": "place", "nth": 2, "fault": "lost_request"},
        {"on": "place", "nth": 3, "fault": "503_after"},
    ])  # fmt: skip
    await asyncio.sleep(3 * d.pace_s + 4)
    await d.control("faults", plan=[])


# -- the session -----------------------------------------------------------------------------------------------------


async def session_killed(d: Director, _: Result) -> None:
    await d.control("expire")
    await _login_asked(d)


async def _login_asked(d: Director) -> None:
    if await d.until_read(LOGIN, 20) is None:
        raise Gone("the login is not asked for")


async def keyring_killed(d: Director, result: Result) -> None:
    """With a login that cannot be kept; then the keyring is back, and must get it."""
    d.stage.keyring.kill()
    await d.control("expire")
    await _login_asked(d)
    await d.recover(result)
    d.stage.keyring.start()
    if await d.until_read("keyring keeps the Kite login again", 75) is None:
        raise Gone("the keyring is back, and got no login")


async def started_without_keyring(d: Director, result: Result) -> None:
    d.stage.keyring.kill()
    await d.kill(result)
    await d.live()
    await d.recover(result)
    d.stage.keyring.start()


# -- processes -------------------------------------------------------------------------------------------------------


async def killed(d: Director, result: Result) -> None:
    await d.kill(result)
    await d.live()


async def killed_while_down(d: Director, result: Result) -> None:
    """Orders are on their way, the line is gone, and so is the program; the line comes back after its next start."""
    d.line.stall()
    await asyncio.sleep(d.pace_s + 2)
    await d.kill(result)
    d.line.down()
    await d.live()
    await asyncio.sleep(12)
    d.line.well()


async def exchange_killed(d: Director, _: Result) -> None:
    os.kill(d.child(r"alphapanda_desktop sim "), signal.SIGKILL)
    await asyncio.sleep(3)


async def strategy_killed(d: Director, _: Result) -> None:
    run = trader_of(await d.actor.state())
    if run is None or not run["pid"]:
        raise Gone("the strategy has no process")
    os.kill(run["pid"], signal.SIGKILL)
    await d.actor.until(lambda state: any(r["id"] == run["id"] and r["state"] == "failed" for r in state["runs"]), 15)


# -- the disk --------------------------------------------------------------------------------------------------------


def _fill(d: Director) -> None:
    """Leave no room at all, not even what the journal's log would use again."""
    with closing(sqlite3.connect(d.journal, timeout=5)) as other:
        other.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    d.stage.disk.fill()


async def disk_full(d: Director, _: Result) -> None:
    _fill(d)
    end = time.monotonic() + 20
    while time.monotonic() < end:  # what lets go of a byte must not have it back
        await asyncio.sleep(0.5)
        d.stage.disk.fill()
    d.stage.disk.free()


async def disk_full_and_killed(d: Director, result: Result) -> None:
    _fill(d)
    await asyncio.sleep(d.pace_s + 4)
    d.stage.disk.fill()
    await d.kill(result)
    d.stage.disk.free()
    await d.live()


async def disk_turns_read_only(d: Director, result: Result) -> None:
    """As one does that fails. Only another start helps, on a disk that was checked."""
    if not d.stage.disk.turn_read_only():
        raise Gone("the disk did not turn read-only")
    await asyncio.sleep(2 * d.pace_s + 4)
    await d.kill(result)
    if not d.stage.disk.mend():
        raise Gone("the disk is still in use after the kill")
    await d.live()


async def read_only_at_start(d: Director, result: Result) -> None:
    await d.kill(result)
    if not d.stage.disk.mount_read_only(on=True):
        raise Gone("the disk could not be mounted read-only")
    await d.live()
    await _until_well_or_anew(d, r"could not start|cannot be used", lambda: d.stage.disk.mount_read_only(on=False))


async def disk_full_at_start(d: Director, result: Result) -> None:
    await d.kill(result)
    d.stage.disk.fill()
    await d.live()
    await _until_well_or_anew(d, r"disk is full|has room", d.stage.disk.free)


async def _until_well_or_anew(d: Director, words: str, mend: Callable[[], object]) -> None:
    """Read why it does not start, see to that, and press Try again; where there is no such button, start it anew."""
    read = await d.until_read(words, 60, since_s=d.actor.began_s)
    mend()
    if read is None or not d.actor.alive:
        raise Gone(f"a program that cannot start says nothing, or ends by itself ({d.actor.code})")
    if not await d.actor.ask("retry"):
        await d.actor.close()
        await d.live()


async def database_locked(d: Director, _: Result) -> None:
    with closing(sqlite3.connect(d.journal, isolation_level=None, timeout=5)) as other:
        other.execute("BEGIN IMMEDIATE")
        await asyncio.sleep(14)
        other.execute("ROLLBACK")


# -- the clock -------------------------------------------------------------------------------------------------------


def clock_set(seconds: float) -> Story:
    async def story(d: Director, _: Result) -> None:
        d.stage.clock.step(seconds)
        await asyncio.sleep(15)

    return story


async def calm(d: Director, _: Result) -> None:
    await asyncio.sleep(150)


FAULTS = (
    Fault("killed with SIGKILL", r"did not end by being closed|interrupted", killed),
    Fault("link down", r"feed (waiting|down|connecting)|waiting|refused", link_down),
    Fault("link stalls", r"STALE|silent|feed waiting|stale|no tick", link_stalls),
    Fault("link flaps", r"feed (waiting|down|connecting)|waiting", link_flaps),
    Fault("replies lost", r"was found in the book as|to decide|never accepted", replies_lost),
    Fault("strategy killed with SIGKILL", r"SIGKILL|ended by itself", strategy_killed),
    Fault("exchange killed with SIGKILL", r"practice exchange ended unexpectedly", exchange_killed),
    Fault("database locked by another program", r"another program holds it", database_locked),
    Fault("clock 3 minutes forward", r"clock went forward", clock_set(180), "clock"),
    Fault("clock 3 minutes back", r"clock went back", clock_set(-180), "clock"),
    Fault("calm", "", calm),
    Fault("disk full", r"Ticks are not recorded: No space & disk is full: free some space", disk_full, "disk"),
    Fault("session killed", r"session is over", session_killed),
    Fault("keyring killed, login dies", r"in memory until|keyring", keyring_killed, "keyring"),
    Fault("killed, and the keyring too", r"in memory until|keyring", started_without_keyring, "keyring"),
    Fault("killed with the disk full", r"disk is full|No space|no room", disk_full_and_killed, "disk"),
    Fault(
        "disk turns read-only",
        r"Ticks are not recorded: Read-only & may not be written to|did not read or write",
        disk_turns_read_only,
        "ext4",
    ),
    Fault("read-only at the start", r"could not start & Read-only", read_only_at_start, "disk and screen"),
    Fault("disk full at the start", r"could not start & disk is full|has room", disk_full_at_start, "disk and screen"),
    Fault("killed while the line was dead", r"did not end by being closed|interrupted", killed_while_down),
)
"""A round. Before the last disk faults nothing kills the program for minutes: there its memory is watched."""
