"""The heartbeat: how late it comes, what it says of idleness, and shedding under a loop that is really loaded."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alphapanda_desktop.trading.heart import BEAT_S, CALM_NS, CALM_S, REST_NS, REST_S, Heart
from alphapanda_desktop.trading.meter import Meter
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.shedding import Shedding
from tests.owntime import of_the_heart, work


class Body:
    """What a heart calls."""

    def __init__(self, meter: Meter | None = None) -> None:
        self.meter = meter or Meter()
        self.shedding = Shedding()
        self.beats = 0
        self.rested: list[bool] = []
        self.waiting = 0
        self.heart = Heart(self.meter, self.shedding, self._alive, lambda: self.waiting, lambda: 0, self.rested.append)

    def _alive(self, _next_s: float) -> None:
        self.beats += 1


def test_an_idle_loop_beats_rests_and_sheds_nothing(run: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    body = Body(Meter(now_ns=of_the_heart(monkeypatch).now_ns))

    async def story() -> None:
        async with Scope("test", lambda *_: None) as scope:
            scope.spawn("heart", body.heart.run())
            await eventually(lambda: True in body.rested)

    run(story())
    assert body.beats - 1 == body.meter.lag.total > 0 and body.meter.shed == ""  # the last beat is not over


def test_waiting_callbacks_are_no_rest_and_are_counted(run: Any, eventually: Any) -> None:
    body = Body()
    body.waiting = 7

    async def story() -> None:
        async with Scope("test", lambda *_: None) as scope:
            scope.spawn("heart", body.heart.run())
            await eventually(lambda: body.rested)

    run(story())
    assert (body.rested[0], body.meter.backlog, body.meter.deepest) == (False, 7, 7)


def test_a_loaded_loop_sheds_the_chart_and_an_order_still_leaves(
    run: Any, eventually: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = Body(Meter(now_ns=of_the_heart(monkeypatch).now_ns))
    left: list[int] = []

    async def load() -> None:
        while True:
            work(0.03)  # a callback that holds the loop
            await asyncio.sleep(0)

    async def order() -> None:
        for _ in range(10):  # an order path's awaits
            await asyncio.sleep(0)
        left.append(body.meter.now_ns())

    async def story() -> str:
        async with Scope("test", lambda *_: None) as scope:
            scope.spawn("heart", body.heart.run())
            busy = scope.spawn("load", load())
            await eventually(lambda: body.shedding.depth >= 2)
            said = body.meter.shed
            await scope.spawn("order", order())
            assert left, "an order never waits for the load to end"
            busy.cancel()
            depth = body.shedding.depth
            await eventually(lambda: body.shedding.depth < depth)
            return said

    said = run(story())
    assert said.startswith("chart ") and "table" not in said


def test_in_a_long_silence_with_nobody_at_work_it_beats_seldom_and_says_so(run: Any, eventually: Any) -> None:
    now = [10**12]
    body, told = Body(), list[float]()
    body.meter.now_ns = lambda: now[0]
    body.heart.alive = told.append
    body.heart._calm = True

    async def story() -> None:
        async with Scope("test", lambda *_: None) as scope:
            scope.spawn("heart", body.heart.run())
            await eventually(lambda: told)

    run(story())
    assert told[0] == REST_S
    body.meter.stir()
    assert body.heart._pace_s() == CALM_S
    now[0] += REST_NS + 1
    assert body.heart._pace_s() == REST_S
    body.meter.frame_in()
    assert body.heart._pace_s() == BEAT_S
    now[0] += CALM_NS + 1
    assert body.heart._pace_s() == CALM_S
