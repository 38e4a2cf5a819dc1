"""What orders and positions tie up, by kind of instrument and product."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.margins import margin
from tests.fakes import an_instrument

FUTURE = an_instrument("NIFTY26NOVFUT", exchange="NFO", kind="FUT")
CALL = an_instrument("NIFTY26N2426000CE", exchange="NFO", kind="CE", strike=26_000.0)


@pytest.mark.parametrize(
    ("instrument", "product", "side", "count", "price", "rupees"),
    [
        (an_instrument(), "CNC", "BUY", 10, 1_500.0, 15_000.0),
        (an_instrument(), "MIS", "BUY", 10, 1_500.0, 3_000.0),
        (an_instrument(), "MIS", "SELL", 10, 1_500.0, 3_000.0),
        (an_instrument("SBIN", exchange="BSE"), "MTF", "BUY", 10, 800.0, 4_000.0),
        (FUTURE, "NRML", "SELL", 75, 24_000.0, 270_000.0),
        (CALL, "NRML", "BUY", 75, 100.0, 7_500.0),
        (CALL, "NRML", "SELL", 75, 100.0, 292_500.0),
    ],
)
def test_margins_are_the_stand_ins(
    instrument: Any, product: str, side: Any, count: float, price: float, rupees: float
) -> None:
    assert margin(instrument, product, side, count, price) == pytest.approx(rupees)
