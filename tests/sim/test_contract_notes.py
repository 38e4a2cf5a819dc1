"""The practice exchange's contract notes are those of `alphapanda charges`, to the last digit."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alphapanda_desktop.commands.charges import note
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.sim.answers import ist
from tests.sim.practice_kite import CALL, FUT, INFY, served, still_kite

Run = Callable[[Any], Any]


@pytest.mark.parametrize("side", ["BUY", "SELL"])
@pytest.mark.parametrize(
    ("instrument", "product", "quantity", "price"),
    [
        (INFY, "CNC", 7, 1500.1),
        (INFY, "MIS", 333, 1499.9),
        (INFY, "MTF", 13, 1501.3),
        (FUT, "NRML", 65, 24_999.7),
        (CALL, "MIS", 130, 87.35),
    ],
)
def test_a_note_over_the_wire_is_that_of_the_command(
    arun: Run, instrument: Instrument, product: str, quantity: int, price: float, side: str
) -> None:
    row = {"order_id": "1", "exchange": instrument.exchange, "tradingsymbol": instrument.tradingsymbol,
           "transaction_type": side, "variety": "regular", "product": product, "order_type": "LIMIT",
           "quantity": quantity, "average_price": price}  # fmt: skip

    async def story() -> None:
        kite = still_kite()
        async with served(kite) as call:
            reply = await call.data("POST", "/charges/orders", json=[row])
        assert reply == [note(1, row, ist(kite.market.clock.now_s()).date())]

    arun(story())
