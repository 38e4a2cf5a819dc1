"""Orders that may only close: judged when asked for, and again in the step in which they leave."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused
from tests.fakes import a_request
from tests.trading.desk_fakes import RESTING, a_desk, yields

PLACE = ("NSE", "INFY", "MIS")


async def _hold(stage: Any, quantity: int = 10) -> None:
    await stage.desk.submit(stage.request("BUY", quantity))
    await stage.desk.reconcile("test")


@pytest.mark.parametrize(("side", "quantity"), [("SELL", 11), ("BUY", 1)])
def test_what_does_not_shrink_the_position_is_refused_with_what_is_left(arun: Any, side: str, quantity: int) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage)
            with pytest.raises(Refused, match=f"{side} {quantity} NSE:INFY MIS asked") as refused:
                await stage.desk.submit(stage.request(side, quantity, closes=True))
            assert refused.value.rule == "only closes"
            assert len(stage.broker.placed) == 1

    arun(story())


def test_two_ways_out_asked_for_in_one_turn_close_the_position_once(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage)
            both = (stage.desk.submit(stage.request("SELL", 10, closes=True)) for _ in range(2))
            answers = await asyncio.gather(*both, return_exceptions=True)
            assert [type(answer).__name__ for answer in answers] == ["Order", "Refused"]
            assert "0 left (10 held, 10 of it being closed by other orders)" in str(answers[1])
            assert stage.desk.books.held(*PLACE) == 0

    arun(story())


def test_an_order_that_rests_to_close_leaves_that_much_less(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage)
            await stage.desk.submit(stage.request("SELL", 6, price=150.0, order_type="LIMIT", market_protection=None))
            with pytest.raises(Refused, match="4 left"):
                await stage.desk.submit(stage.request("SELL", 5, closes=True))
            await stage.desk.submit(stage.request("SELL", 4, closes=True))
            assert stage.desk.books.held(*PLACE) == 6

    arun(story())


@pytest.mark.parametrize("reducing", [True, False])
def test_an_exit_that_was_held_up_does_not_leave_for_a_position_closed_meanwhile(arun: Any, reducing: bool) -> None:
    """With the mark it never does; without it, while only orders that shrink a position pass."""

    async def story() -> None:
        async with a_desk() as stage:
            await _hold(stage)
            if reducing:
                await stage.desk.kill.reduce("limit")
            stage.desk.governor.back_off()
            exit_ = asyncio.create_task(stage.desk.submit(stage.request("SELL", 10, closes=not reducing)))
            await yields(30)
            await stage.broker.place(a_request("SELL", 10, tag="web"))
            await stage.desk.reconcile("see")
            stage.clock.advance(5)
            with pytest.raises(Refused, match="only orders that shrink" if reducing else "0 left"):
                await exit_
            assert stage.desk.books.held(*PLACE) == 0

    arun(story())


def test_an_entry_is_not_asked_what_it_closes(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            order = await stage.desk.submit(stage.request("BUY", 5, price=RESTING))
            assert order.live

    arun(story())
