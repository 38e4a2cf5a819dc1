"""After-market orders, icebergs and the square-off on paper, and the charges that each order costs."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from alphapanda_desktop.domain.charges import charges
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.squareoff import FEE
from alphapanda_desktop.trading.paper import PaperBroker
from tests.fakes import FakeClock, a_request, a_session, a_tick
from tests.trading.test_paper import INFY, NIFTY_FUT, Desk, _now

EVENING = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
"""17:30 IST: the shares' market is closed."""


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.tick(100, bids=[(99.95, 50), (99.90, 100)], asks=[(100.05, 50), (100.10, 100)])
    return made


def _morning(desk: Desk) -> None:
    """09:15 IST of the next trading day, with a login of that day."""
    desk.clock.at = datetime(2026, 11, 25, 3, 45, tzinfo=UTC)
    desk.broker.renew(a_session(desk.clock.at))


def test_an_after_market_order_waits_for_the_open_and_fills_then(desk: Desk) -> None:
    desk.clock.at = EVENING
    order = desk.place("BUY", 10, variety="amo", product="CNC", price=101)
    market = desk.place("BUY", 5, variety="amo", product="CNC", tag="t2")
    assert (order.status, order.exchange_order_id, market.order_type) == ("AMO REQ RECEIVED", None, "MARKET")
    desk.tick(100, asks=[(100.05, 50)])
    assert desk.held() == 0, "an evening tick opens no market"
    _morning(desk)
    assert {o.status for o in _now(desk.broker.orders())} == {"AMO REQ RECEIVED"}
    desk.tick(102, asks=[(100.05, 8), (100.50, 100)])
    filled, protected = desk.order(order.order_id), desk.order(market.order_id)
    assert (filled.status, filled.filled_quantity) == ("COMPLETE", 10)
    assert (protected.order_type, protected.price, protected.status) == ("LIMIT", 104.0, "COMPLETE")
    assert desk.fills() == [(100.05, 8), (100.50, 2), (100.50, 5)]


def test_an_after_market_order_can_be_changed_cancelled_and_restored(desk: Desk) -> None:
    desk.clock.at = EVENING
    order = desk.place("BUY", 10, variety="amo", product="CNC", price=99)
    gone = desk.place("BUY", 10, variety="amo", product="CNC", price=99, tag="t2")
    assert desk.cancel(gone).status == "CANCELLED"
    order = desk.modify(order, price=99.5)
    assert (order.status, order.price) == ("AMO REQ RECEIVED", 99.5)
    again = Desk(clock=desk.clock, ticks=desk.ticks)
    again.broker.restore([order, desk.order(gone.order_id)], [])
    _morning(again)
    again.tick(99, asks=[(99.05, 50)])
    assert again.order(order.order_id).status == "COMPLETE"
    assert again.held() == 10


def test_an_after_market_order_that_never_met_its_market_ends_with_the_next_session(desk: Desk) -> None:
    desk.clock.at = EVENING
    order = desk.place("BUY", 10, variety="amo", product="CNC", price=90)
    _morning(desk)
    desk.clock.at += timedelta(hours=7)
    _now(desk.broker.orders())
    assert [row.status for row in desk.said if row.order_id == order.order_id][-1] == "CANCELLED"


def _legs(desk: Desk) -> list[Order]:
    return [order for order in _now(desk.broker.orders()) if order.variety == "iceberg"]


def test_each_leg_of_an_iceberg_follows_the_one_before(desk: Desk) -> None:
    first = desk.place("BUY", 100, variety="iceberg", iceberg_legs=3, iceberg_quantity=34, price=100, product="CNC")
    assert (first.quantity, first.meta["iceberg"]) == (34, {
        "leg": 1, "legs": 3, "leg_quantity": 34, "total_quantity": 100, "remaining_quantity": 66,
    })  # fmt: skip
    desk.tick(99.5, asks=[(99.5, 40)])
    assert [(leg.quantity, leg.status) for leg in _legs(desk)] == [(34, "COMPLETE"), (34, "OPEN")]
    assert _legs(desk)[1].filled_quantity == 6, "the next leg takes what the first left of the same quote"
    desk.tick(99.4, asks=[(99.4, 100)])
    assert [(leg.quantity, leg.status) for leg in _legs(desk)] == [(34, "COMPLETE")] * 2 + [(32, "COMPLETE")]
    assert {leg.tag for leg in _legs(desk)} == {first.tag}
    assert len({leg.order_id for leg in _legs(desk)}) == 3
    assert desk.held() == 100


def test_a_cancelled_leg_is_followed_by_none(desk: Desk) -> None:
    first = desk.place("BUY", 100, variety="iceberg", iceberg_legs=2, iceberg_quantity=50, price=90, product="CNC")
    desk.cancel(first)
    desk.tick(80)
    assert [leg.status for leg in _legs(desk)] == ["CANCELLED"]


def test_positions_of_the_day_are_squared_off_at_zerodhas_time_for_a_fee(desk: Desk) -> None:
    desk.place("BUY", 50, product="MIS")
    resting = desk.place("BUY", 10, price=90, product="MIS", tag="t2")
    kept = desk.place("BUY", 10, price=90, product="CNC", tag="t3")
    desk.clock.at = datetime(2026, 11, 23, 9, 49, 0, tzinfo=UTC)
    desk.tick(98, bids=[(98, 20), (97.5, 20)], asks=[(98.05, 50)])
    assert desk.held() == 50
    charged, free = desk.charged(), desk.free()
    desk.clock.at = datetime(2026, 11, 23, 9, 49, 59, tzinfo=UTC)
    desk.tick(98, bids=[(98, 20), (97.5, 20)], asks=[(98.05, 50)])
    assert desk.order(resting.order_id).status == "CANCELLED"
    assert desk.order(kept.order_id).status == "OPEN"
    (closing,) = [o for o in _now(desk.broker.orders()) if o.placed_by == "RMS"]
    assert (closing.transaction_type, closing.order_type, closing.quantity, closing.filled_quantity) == (
        "SELL", "MARKET", 50, 40,
    )  # fmt: skip
    desk.tick(97, bids=[(97, 100)], asks=[(97.05, 50)])
    assert desk.held() == 0
    sold = charges(
        exchange="NSE", instrument_type="EQ", product="MIS", transaction_type="SELL", quantity=50,
        average_price=(20 * 98 + 20 * 97.5 + 10 * 97) / 50, on=NOON_DAY,
    )  # fmt: skip
    assert round(desk.charged() - charged, 4) == round((sold.total + FEE) / 10_000, 4)
    assert desk.free() > free - 200
    late = desk.place("BUY", 10, product="MIS", tag="t4")
    assert late.status == "REJECTED" and "squared off at 15:20" in (late.status_message or "")


NOON_DAY = datetime(2026, 11, 23, tzinfo=UTC).date()


def test_a_market_that_never_closes_takes_orders_at_night_and_squares_nothing_off() -> None:
    clock = FakeClock(EVENING)
    ticks = {INFY.instrument_token: a_tick(100, token=INFY.instrument_token)}
    broker = PaperBroker(a_session(EVENING), ticks.get, InstrumentMaster([INFY]), clock, 1e6, hours=False)
    _now(broker.place(a_request("BUY", 10, price=100.05)))
    broker.on_tick(ticks[INFY.instrument_token])
    assert [(o.status, o.filled_quantity) for o in _now(broker.orders())] == [("COMPLETE", 10)]
    assert [p.quantity for p in _now(broker.positions())] == [10]


def test_a_square_offs_fee_outlives_a_restart(desk: Desk) -> None:
    desk.place("BUY", 50, product="MIS")
    desk.clock.at = datetime(2026, 11, 23, 9, 50, tzinfo=UTC)
    desk.tick(98, bids=[(98, 200)], asks=[(98.05, 50)])
    journal = _now(desk.broker.orders()), _now(desk.broker.fills())
    assert [fill.trade_id[:3] for fill in journal[1]].count("sq-") == 1
    again = Desk(clock=desk.clock, ticks=desk.ticks)
    again.broker.restore(*journal)
    assert (again.free(), again.charged()) == (desk.free(), desk.charged())


def test_a_position_of_the_day_that_was_carried_goes_at_the_first_tick_of_the_morning(desk: Desk) -> None:
    desk.place("BUY", 50, product="MIS")
    _morning(desk)
    desk.tick(99, bids=[(99, 50)])
    assert desk.held() == 0


def test_brokerage_is_capped_for_the_order_and_not_for_each_fill(desk: Desk) -> None:
    desk.tick(26_000, NIFTY_FUT, asks=[(26_000, 65), (26_000.1, 65)])
    desk.place("BUY", 130, instrument=NIFTY_FUT, product="NRML")
    assert len(desk.fills()) == 2
    whole = charges(
        exchange="NFO", instrument_type="FUT", product="NRML", transaction_type="BUY", quantity=130,
        average_price=26_000.05, on=NOON_DAY, tradingsymbol=NIFTY_FUT.tradingsymbol,
    )  # fmt: skip
    assert whole.brokerage == 200_000
    assert desk.charged() == whole.total / 10_000


def test_a_partly_filled_order_has_paid_for_what_filled(desk: Desk) -> None:
    desk.place("BUY", 50, price=100.05, product="CNC")
    first = desk.charged()
    desk.place("BUY", 200, price=100.10, product="CNC", tag="t2")
    part = charges(
        exchange="NSE", instrument_type="EQ", product="CNC", transaction_type="BUY", quantity=100,
        average_price=100.10, on=NOON_DAY,
    )  # fmt: skip
    assert round(desk.charged() - first, 4) == part.total / 10_000
    assert INFY.instrument_type == "EQ"
