"""The gauges follow the one governor: counts against limits, and who waits for a turn."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from alphapanda_desktop.trading.governor import Governor, Kind
from alphapanda_desktop.ui.gauges import Gauge, OrderGauges
from tests.fakes import FakeClock
from tests.ui.fakes_sheets import a_stage

Eventually = Callable[..., Awaitable[Any]]


def test_what_left_is_counted_against_its_limit(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            governor, gauges = Governor(FakeClock()), OrderGauges(stage.edge, stage.window)
            assert gauges.isHidden()
            gauges.follow(governor)
            for kind in (Kind.ENTRY, Kind.ENTRY, Kind.CANCEL):
                await governor.turn(kind)
            gauges.refresh()
            assert gauges.second.used == 3 and gauges.minute.used == 3
            assert gauges.day.used == 2  # a cancellation is none of the day's orders
            assert gauges.second.limit == governor.limits.second
            assert gauges.day.text == "2/5,000 /day"
            assert "2 of 5,000 order requests this day" in gauges.day.toolTip()
            assert gauges.waiting.isHidden()

    run(story())


def test_who_waits_is_shown_with_the_reason(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            governor, gauges = Governor(FakeClock()), OrderGauges(stage.edge, stage.window)
            gauges.follow(governor)
            for _ in range(governor.limits.second):
                await governor.turn(Kind.ENTRY)
            late = stage.edge.scope.spawn("late", governor.turn(Kind.ENTRY))
            await eventually(lambda: governor.gauges().waiting == 1)
            gauges.refresh()
            assert gauges.waiting.text() == "1 waiting"
            assert "a second" in gauges.waiting.toolTip()
            late.cancel()
            await eventually(lambda: governor.gauges().waiting == 0)
            gauges.refresh()
            assert gauges.waiting.isHidden()

    run(story())


@pytest.mark.parametrize(("used", "role"), [(0, "good"), (5, "good"), (6, "warn"), (9, "danger"), (11, "danger")])
def test_the_colour_tells_how_near_the_limit_is(used: int, role: str, run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            gauge = Gauge("gauge", "second", stage.edge, stage.window)
            gauge.fill(used, 10)
            assert gauge.role == role

    run(story())


def test_a_gauge_fills_as_far_as_it_is_used(run: Any) -> None:
    async def story() -> None:
        async with a_stage() as stage:
            gauge = Gauge("gauge", "second", stage.edge, stage.window)
            gauge.resize(100, 24)
            gauge.fill(5, 10)
            picture = gauge.grab().toImage()
            bar = picture.height() - 2
            good = stage.edge.theme.colour("good")
            assert picture.pixelColor(picture.width() // 4, bar) == good
            assert picture.pixelColor(3 * picture.width() // 4, bar) == stage.edge.theme.colour("border")

    run(story())
