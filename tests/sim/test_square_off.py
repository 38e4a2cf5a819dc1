"""The practice exchange's square-off in real hours: what it closes, when, and what it refuses afterwards."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from alphapanda_desktop.sim.answers import KiteError
from alphapanda_desktop.sim.venue import LocalKite
from tests.sim.practice_kite import INFY, order, still_kite

BEFORE, AFTER = datetime(2026, 11, 23, 9, 30, tzinfo=UTC), datetime(2026, 11, 23, 9, 51, tzinfo=UTC)
"""15:00 and 15:21 IST."""


def _at(kite: LocalKite, when: datetime) -> None:
    kite.clock.jump_to(when)
    kite.market.step()


def _place(kite: LocalKite, **fields: object) -> None:
    kite.exchange.place("regular", order(**fields))
    kite.exchange.settle_all()


def _held(kite: LocalKite) -> dict[str, int]:
    return {p.product: p.quantity for p in kite.book.accounts.positions.values()}


@pytest.fixture
def kite() -> LocalKite:
    made = still_kite("hours=real")
    _at(made, BEFORE)
    _place(made, price=1600, product="MIS", quantity=10)
    _place(made, price=1600, product="CNC", quantity=5)
    _place(made, price=1400, product="MIS", quantity=3)
    return made


def test_positions_of_the_day_are_closed_and_their_orders_taken_out(kite: LocalKite) -> None:
    assert _held(kite) == {"MIS": 10, "CNC": 5}
    _at(kite, BEFORE)
    assert _held(kite) == {"MIS": 10, "CNC": 5}
    _at(kite, AFTER)
    assert _held(kite) == {"MIS": 0, "CNC": 5}
    rows: list[dict[str, Any]] = kite.book.rows()
    assert [row["status"] for row in rows] == ["COMPLETE", "COMPLETE", "CANCELLED", "COMPLETE"]
    assert rows[-1]["meta"] == {"square_off": True} and rows[-1]["tag"] is None
    _at(kite, AFTER)
    assert len(kite.book.rows()) == 4


def test_no_position_of_the_day_is_opened_after_it(kite: LocalKite) -> None:
    _at(kite, AFTER)
    with pytest.raises(KiteError, match="after the square-off"):
        _place(kite, price=1400, product="MIS")
    _place(kite, price=1400, product="CNC", quantity=1)


def test_an_exchange_that_never_closes_squares_nothing_off() -> None:
    kite = still_kite()
    _at(kite, BEFORE)
    _place(kite, price=1600, product="MIS", quantity=10)
    _at(kite, AFTER)
    assert _held(kite) == {"MIS": 10}
    assert not kite.square_off.is_past(INFY)
