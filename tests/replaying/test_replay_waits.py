"""What the recorded day waits for, for how long, and which clock goes on meanwhile."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from alphapanda_desktop.domain.replay import FASTEST, Pace
from alphapanda_desktop.replaying import control
from alphapanda_desktop.replaying.clock import DeskClock, ReplayClock
from alphapanda_desktop.replaying.errands import UnderWay
from tests.replaying.recorded import BEGAN_NS, BEGAN_S, SECOND
from tests.replaying.test_replay_control import Day


def test_the_markets_clock_is_set_and_never_goes_back() -> None:
    clock = ReplayClock(BEGAN_NS)
    assert clock.now() == datetime.fromtimestamp(BEGAN_S, UTC) and clock.monotonic_s() == 0.0
    clock.set(BEGAN_NS + 3 * SECOND)
    clock.set(BEGAN_NS + SECOND)
    assert clock.now() == datetime.fromtimestamp(BEGAN_S + 3, UTC) and clock.monotonic_s() == 3.0


def test_the_desks_deadlines_go_on_while_the_market_stands_and_its_hour_does_not() -> None:
    running = [100.0]
    market = ReplayClock(BEGAN_NS)
    desk = DeskClock(market, lambda: running[0])
    running[0] += 5  # a pause at the beginning
    assert desk.monotonic_s() == 5.0 and desk.now() == market.now()
    desk.go_on()
    running[0] += 2
    market.set(BEGAN_NS + 60 * SECOND)  # played: the market's seconds count, ours do not
    assert desk.monotonic_s() == 65.0
    desk.stand()
    desk.stand()
    running[0] += 1
    assert desk.monotonic_s() == 66.0 and desk.now_ns() == BEGAN_NS + 60 * SECOND


def test_orders_and_answers_are_waited_for_and_what_lives_long_is_not(arun) -> None:
    async def story() -> None:
        under_way, done = UnderWay(), asyncio.Event()
        seat: Any = SimpleNamespace(busy=False)
        assert under_way.seats(lambda _sitting: seat)(SimpleNamespace()) is seat  # type: ignore[arg-type]
        async with under_way.scope("desk", lambda _name, _error: None) as scope:
            scope.spawn("feed", asyncio.sleep(60))
            assert not under_way
            scope.spawn("submit t1", done.wait())
            assert under_way
            done.set()
            while scope.names() != ["desk/feed"]:
                await asyncio.sleep(0)
            await asyncio.sleep(0)
            assert not under_way
            seat.busy = True
            assert under_way
            seat.busy = False
            under_way.news_waits = lambda: True
            assert under_way

    arun(story())


def test_what_never_ends_is_waited_for_once_and_counted(arun, eventually, monkeypatch) -> None:
    monkeypatch.setattr(control, "HELD_S", 0.02)

    async def story() -> None:
        day = Day(40)
        day.player.busy = lambda: bool(day.told)

        async def person() -> None:
            day.player.set_speed(FASTEST)
            day.player.play()
            await eventually(lambda: day.player.pace is Pace.ENDED)
            assert day.seconds_told == list(range(40)) and day.player.held_too_long == 1

        await day.playing(person())

    arun(story())
