"""Conversions through the desk's gate: no more than is held, and nothing that an order is to close."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.portfolio import Holding
from alphapanda_desktop.domain.positions import Position
from tests.trading.desk_fakes import Stage, a_desk


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
