"""Sleep, a set clock, another time zone and another network are told, and compared with the broker until that works."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from psygnal import Signal

from alphapanda_desktop.clock import WakeWatch, ZoneWatch
from alphapanda_desktop.domain.errors import Offline, SessionEnded
from alphapanda_desktop.domain.session import Profile, Session, Token
from alphapanda_desktop.network import RouteWatch, routes
from alphapanda_desktop.trading.tokens import token_to_text
from alphapanda_desktop.upkeep import Surroundings, Upkeep, keep_login, watch_journal
from tests.fakes import a_session
from tests.trading.desk_fakes import Stage, a_desk

Eventually = Callable[..., Awaitable[Any]]


class Machine:
    """What the program sees of the computer."""

    def __init__(self) -> None:
        self.wall_s, self.running_s, self.whole_s = 1_700_000_000.0, 50.0, 80.0
        self.zone = "IST (UTC+05:30)"
        self.routes = ("192.168.1.7", "")

    def around(self) -> Surroundings:
        wake = WakeWatch(lambda: self.wall_s, lambda: self.running_s, lambda: self.whole_s)
        return Surroundings(wake, ZoneWatch(lambda: self.zone), RouteWatch(lambda: self.routes))


class Gate:
    opened = Signal(object)

    def __init__(self, session: Session) -> None:
        self.session: Session | None = session
        self.told: list[str] = []

    async def ended(self, how: str) -> None:
        self.session = None
        self.told.append(how)


@dataclass
class Login:
    """Answers with the profile, or fails as the test says."""

    fails: Exception | None = None
    asked: int = 0

    async def profile(self, token: Token) -> Profile:
        self.asked += 1
        if self.fails is not None:
            raise self.fails
        return Profile(token.user_id, "Asha")


@dataclass
class Kept:
    stage: Stage
    machine: Machine
    gate: Gate
    login: Login
    upkeep: Upkeep
    told: list[str] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)


@asynccontextmanager
async def kept(mode: str = "paper") -> AsyncIterator[Kept]:
    async with a_desk() as stage:
        machine, login, gate = Machine(), Login(), Gate(a_session(stage.clock.now()))
        venue: Any = SimpleNamespace(mode=mode, recorded=None, login=login, clock=stage.clock, client=None)
        told: list[str] = []
        waits: list[float] = []

        async def wait(seconds: float) -> None:
            """No look by itself; a wait for the next try is over at once."""
            if seconds == 1.0:
                await asyncio.Event().wait()
            waits.append(seconds)
            await asyncio.sleep(0)

        async def shown() -> None: ...

        one: Any = gate
        upkeep = Upkeep(
            stage.scope, venue, one, stage.market, stage.desk, told.append, shown, machine.around(), wait
        )  # fmt: skip
        upkeep.begin()
        yield Kept(stage, machine, gate, login, upkeep, told, waits)


def sleep(machine: Machine) -> None:
    machine.whole_s += 600
    machine.wall_s += 600


HAPPENS: dict[str, Callable[[Machine], None]] = {
    "slept": sleep,
    "clock went back by 60 min": lambda m: setattr(m, "wall_s", m.wall_s - 3600),
    "time zone": lambda m: setattr(m, "zone", "CET/CEST (UTC+01:00)"),
    "network changed": lambda m: setattr(m, "routes", ("10.0.0.4", "")),
}


@pytest.mark.parametrize("what", HAPPENS)
def test_what_happens_around_it_is_told_and_followed_by_reconciliation(
    what: str, arun: Any, eventually: Eventually
) -> None:
    async def story() -> None:
        async with kept() as it:
            it.upkeep.look()
            assert it.told == []
            reads = it.stage.broker.read_count
            HAPPENS[what](it.machine)
            it.upkeep.look()
            assert len(it.told) == 1 and what in it.told[0] and "checking with Kite" in it.told[0]
            await eventually(lambda: it.told[-1] == "Caught up with Kite.")
            assert it.login.asked == 1 and it.stage.broker.read_count > reads and it.stage.desk.ready
            it.upkeep.look()
            assert len(it.told) == 2  # it is told once

    arun(story())


def test_a_network_that_is_gone_is_told_and_what_it_brings_back_is_caught_up(arun: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with kept("live") as it:
            it.machine.routes = ("", "")
            it.upkeep.look()
            assert it.told == ["This machine has no network. What is shown is old until it is back."]
            assert it.login.asked == 0
            it.machine.routes = ("10.0.0.4", "fd00::/64")
            it.upkeep.look()
            await eventually(lambda: it.login.asked == 1)
            assert "back, by 10.0.0.4 and fd00::/64" in it.told[1] and "registered" in it.told[1]

    arun(story())


def test_practice_needs_no_network_and_says_nothing_of_it(arun: Any) -> None:
    async def story() -> None:
        async with kept("practice") as it:
            it.machine.routes = ("", "")
            it.upkeep.look()
            assert it.told == []

    arun(story())


def test_what_cannot_be_caught_up_is_tried_again_until_it_can_and_told_twice_in_all(
    arun: Any, eventually: Eventually
) -> None:
    async def story() -> None:
        async with kept() as it:
            it.login.fails = Offline("no route to Kite")
            it.machine.wall_s += 3600
            it.upkeep.look()
            await eventually(lambda: it.login.asked > 3)
            assert [text for text in it.told if "no route" in text] == [it.told[1]]
            it.login.fails = None
            await eventually(lambda: it.told[-1] == "Caught up with Kite.")
            assert len(it.told) == 3 and it.waits[:3] == [2.0, 5.0, 10.0]

    arun(story())


def test_a_session_that_died_meanwhile_closes_the_gate_and_is_not_asked_for_again(
    arun: Any, eventually: Eventually
) -> None:
    async def story() -> None:
        async with kept() as it:
            it.login.fails = SessionEnded("Kite knows this token no more")
            it.machine.zone = "UTC (UTC+00:00)"
            it.upkeep.look()
            await eventually(lambda: it.gate.told)
            assert it.gate.told == ["Kite knows this token no more"] and it.login.asked == 1

    arun(story())


def test_links_that_wait_for_their_next_try_have_it_at_once(arun: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with kept() as it:
            renewed: list[object] = []
            it.stage.feed.renew = renewed.append  # type: ignore[method-assign]
            it.machine.routes = ("10.0.0.4", "")
            it.upkeep.look()
            await eventually(lambda: renewed)
            assert renewed != [it.gate.session] and renewed[0].token == it.gate.session.token  # type: ignore[attr-defined,union-attr]

    arun(story())


def test_this_machine_keeps_its_way_out() -> None:
    watch = RouteWatch()
    assert watch.look() is None
    assert len(routes()) == 2


class Door:
    """A gate that is open for one session, then for another."""

    opened = Signal(object)

    def __init__(self, session: Session) -> None:
        self.session: Session | None = session

    async def wait_open(self) -> Session:
        assert self.session is not None
        return self.session


class Ring:
    """A keyring that takes nothing until it has `dead` refusals behind it, or is locked for good."""

    def __init__(self, dead: int, why: str) -> None:
        self.dead, self.why, self.lasting = dead, why, dead == 0
        self.secrets: list[str] = []

    @property
    def where(self) -> str:
        return f"in memory until the program ends: {self.why}"

    async def put(self, _name: str, secret: str) -> None:
        self.secrets.append(secret)
        self.dead -= 1
        self.lasting = self.dead <= 0


async def a_login_kept(ring: Ring, eventually: Eventually, until: Callable[[list[str]], bool]) -> tuple[Any, ...]:
    """What was told until that came true, how long was waited, and the session; then another login comes."""
    told: list[str] = []
    waits: list[float] = []
    session = a_session(datetime(2026, 11, 23, 5, 0, tzinfo=UTC))
    door = Door(session)

    async def wait(seconds: float) -> None:
        waits.append(seconds)
        await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        keeping = group.create_task(keep_login(door, ring, told.append, wait))  # type: ignore[arg-type]
        await eventually(lambda: until(told))
        before = len(told)
        ring.lasting = False
        door.opened.emit(session)
        await eventually(lambda: len(told) > before)
        keeping.cancel()
    return told, waits, session


def test_a_login_that_no_keyring_keeps_is_told_each_time_and_offered_until_one_does(
    arun: Any, eventually: Eventually
) -> None:
    ring = Ring(3, "the keyring could not be opened")
    told, waits, session = arun(a_login_kept(ring, eventually, lambda told: len(told) == 2))
    assert told[0] == f"The Kite login is kept {ring.where}. The next start will ask for it again."
    assert told[1] == "The keyring keeps the Kite login again."
    assert told[2] == told[0]
    assert waits[:3] == [30.0, 60.0, 120.0]
    assert set(ring.secrets) == {token_to_text(session.token)}


def test_a_locked_keyring_is_not_asked_again_for_each_question_brings_up_its_box(
    arun: Any, eventually: Eventually
) -> None:
    ring = Ring(9, "the keyring is locked")
    told, waits, _ = arun(a_login_kept(ring, eventually, lambda told: len(told) == 1))
    assert len(told) == 2 and waits == [] and ring.secrets == []


def test_a_journal_that_takes_nothing_is_told_once_and_its_end_too(arun: Any) -> None:
    looks = iter(["", "the disk is full", "the disk is full", "another program holds it", "", ""])
    told: list[str] = []

    async def next_look(_seconds: float) -> None:
        await asyncio.sleep(0)

    async def story() -> None:
        with pytest.raises(RuntimeError):  # what `next` of an iterator at its end becomes in a coroutine
            await watch_journal(lambda: next(looks), told.append, next_look)

    arun(story())
    assert told == [
        "Nothing is written down now, so no order leaves: the disk is full",
        "The journal is written again.",
    ]
