"""An exit without an answer holds up the next one, which is never sent blindly; how long it does is said."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Unknown
from alphapanda_desktop.trading.exits import Account, get_out
from alphapanda_desktop.trading.killreport import KillStep
from alphapanda_desktop.trading.reconcile import GIVE_UP_AFTER_S
from tests.trading.desk_fakes import FastClock, FaultyBroker, Stage, a_desk

PLACE = ("NSE", "INFY", "MIS")


async def lost(s: Stage) -> None:
    """10 held, and an exit whose request got no answer and is not in the book."""
    await s.desk.submit(s.request("BUY", 10))
    await s.desk.reconcile("test")
    s.broker.place_faults = ["lost request"]
    with pytest.raises(Unknown):
        await s.desk.submit(s.request("SELL", 10, closes=True))
    await s.desk.reconcile("test")


def _steps(s: Stage) -> tuple[KillStep, ...]:
    return s.desk.kill.report.steps if s.desk.kill.report else ()


def test_a_way_out_that_is_held_up_says_for_how_long(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await lost(s)
            for passed_s, left_s in ((0, 120), (50, 70), (69, 1)):
                s.clock.advance(passed_s)
                out = await get_out(s.desk, Account(s.desk), s.market.master.by_key, s.desk.submit_sliced, 0.01)
                assert (
                    out.sent == ()
                    and f"SELL 10 got no answer and may still fill; it counts as lost if the book "
                    f"lacks it for {left_s} s more"
                    in out.problems[-1]
                )
            s.clock.advance(2)
            await s.desk.reconcile("test")
            assert s.desk.why_held_up(PLACE) == ""
            s.tick()
            out = await get_out(s.desk, Account(s.desk), s.market.master.by_key, s.desk.submit_sliced, 0.01)
            assert len(out.sent) == 1 and not await s.broker.held()

    arun(story())


def test_the_kill_switch_says_what_holds_it_up_and_closes_once_it_is_lost(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await lost(s)
            told: list[str] = []
            s.desk.kill.changed.connect(lambda: told.extend(step.detail for step in _steps(s)))
            report = await s.desk.kill.press("test", flatten=True)
            assert report.flat is True and [r.quantity for r in s.broker.placed] == [10, 10]
            assert any("NSE:INFY MIS: SELL 10 got no answer" in text for text in told)
            assert GIVE_UP_AFTER_S == 120.0

    arun(story())
