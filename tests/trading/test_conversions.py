"""Conversions through the desk's gate: no more than is held, and nothing that an order is to close."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.portfolio import Holding, conversion_problem
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading.stops import kept_by
from tests.trading.desk_fakes import INFY, Stage, a_desk, yields


class Converting:
    """A portfolio that notes what it is asked to convert."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int, str]] = []

    async def holdings(self) -> list[Holding]:
        return []

    async def convert(self, position: Position, quantity: int, to_product: str) -> None:
        self.asked.append((position.product, quantity, to_product))


async def _holds(stage: Stage) -> Position:
    await stage.desk.submit(stage.request("BUY", 10))
    await stage.desk.reconcile("test")
    return stage.desk.positions()[0]


@pytest.mark.parametrize("quantity", [11, 1000, 0, -5])
def test_only_what_is_held_is_converted(arun: Any, quantity: int) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            portfolio = Converting()
            guarded, position = stage.desk.guard_portfolio(portfolio), await _holds(stage)
            with pytest.raises(Refused, match=f"{quantity} asked to be converted, 1 to 10 allowed"):
                await guarded.convert(position, quantity, "CNC")
            await guarded.convert(position, 10, "CNC")
            assert portfolio.asked == [("MIS", 10, "CNC")]

    arun(story())


def test_what_an_order_is_to_close_stays_as_it_is(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            portfolio = Converting()
            guarded, position = stage.desk.guard_portfolio(portfolio), await _holds(stage)
            stop = await stage.desk.submit(stage.request("SELL", 6, order_type="SL-M", trigger_price=90.0))
            with pytest.raises(Refused, match=f"10 asked to be converted, 4 allowed.*{stop.order_id}"):
                await guarded.convert(position, 10, "CNC")
            await guarded.convert(position, 4, "CNC")
            await stage.desk.cancel(stop.order_id)
            await guarded.convert(position, 6, "CNC")
            assert [quantity for _, quantity, _ in portfolio.asked] == [4, 6]

    arun(story())


class Moving(Converting):
    """A broker that books what was filled under the new product."""

    def __init__(self, stage: Stage) -> None:
        super().__init__()
        self._stage = stage

    async def convert(self, position: Position, quantity: int, to_product: str) -> None:
        await super().convert(position, quantity, to_product)
        trades = self._stage.broker.trades
        trades[:] = [replace(fill, product=to_product) for fill in trades]


def test_a_conversion_names_the_stop_that_it_ends_before_and_after(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as stage:
            guarded, run = stage.desk.guard_portfolio(Moving(stage)), await stage.run()
            stage.probe.ctx.buy(INFY, 10, reason="in")
            await yields(60)
            await stage.desk.reconcile("test")
            stage.probe.ctx.protect(INFY, 95.0, reason="stop")
            position = stage.desk.positions()[0]
            words = "probe #1: SELL 10 NSE:INFY at 95.00, watched by this program"
            assert stage.desk.guards(position.id) == [words]
            await guarded.convert(position, 10, "CNC")
            assert f"10 NSE:INFY became CNC, which this does not guard: {words}" in stage.notices
            await stage.desk.reconcile("test")
            for _ in range(4):
                stage.tick(99.0, after_s=3)
                await yields(40)
            assert kept_by([run]) == []
            assert any("ends: the account holds nothing of it any more as MIS" in text for text in stage.notices)

    arun(story())


@pytest.mark.parametrize("product", ["CNC", "MTF"])
def test_no_short_becomes_delivery(product: str) -> None:
    short = Position(exchange="NSE", tradingsymbol="INFY", product="MIS", quantity=-10)
    assert conversion_problem(short, 10, product) == f"{product} takes no short position"
    assert conversion_problem(replace(short, quantity=10), 10, product) == ""
