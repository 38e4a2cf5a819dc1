"""The paper broker: Kite's life cycle over real quotes, and the old paper engine's defects by name."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.errors import Rejected, SessionEnded
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.orders import Order, OrderBook, OrderChange
from alphapanda_desktop.domain.ports import Broker
from alphapanda_desktop.trading.paper import PaperBroker
from tests.fakes import NOON, FakeClock, a_request, a_session, a_tick, an_instrument

INFY = an_instrument()
SBIN = an_instrument("SBIN", token=779521)
NIFTY_FUT = an_instrument("NIFTY26NOVFUT", token=11_000_002, exchange="NFO", kind="FUT", lot_size=65, tick_size=0.1)
NIFTY_CALL = an_instrument(
    "NIFTY26D0126000CE",
    token=11_000_258,
    exchange="NFO",
    kind="CE",
    lot_size=65,
    strike=26_000,
    expiry=date(2026, 12, 1),
)
CRUDE = an_instrument("CRUDEOIL26DECFUT", token=60_000_007, exchange="MCX", kind="FUT", lot_size=100, tick_size=1)
INDEX = an_instrument("NIFTY 50", token=256265, segment="INDICES")
ALL = (INFY, SBIN, NIFTY_FUT, NIFTY_CALL, CRUDE, INDEX)

Run = Callable[[Coroutine[Any, Any, Any]], Any]


@dataclass
class Desk:
    """A paper broker with its market, its clock and all it said."""

    cash: float = 1_000_000.0
    clock: FakeClock = field(default_factory=FakeClock)
    ticks: dict[int, Tick] = field(default_factory=dict)
    said: list[Order] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.broker = PaperBroker(
            a_session(NOON - timedelta(hours=3)), self.ticks.get, InstrumentMaster(ALL), self.clock, self.cash
        )
        self.broker.on_order = self.said.append

    def tick(self, price: float, instrument: Instrument = INFY, **more: Any) -> Tick:
        """Let the market say something."""
        tick = a_tick(price, token=instrument.instrument_token, **more)
        self.ticks[instrument.instrument_token] = tick
        self.clock.advance(1)
        self.broker.on_tick(tick)
        return tick

    def next_day(self) -> None:
        """The morning of the next day but one, at 09:30 IST: 24 November is a holiday."""
        self.clock.at = self.clock.at.replace(hour=4, minute=0, second=0) + timedelta(days=2)
        self.broker.renew(a_session(self.clock.at))

    def place(self, *words: Any, **more: Any) -> Order:
        order_id = _now(self.broker.place(a_request(*words, **more)))
        return self.order(order_id)

    def order(self, order_id: str) -> Order:
        return next(o for o in _now(self.broker.orders()) if o.order_id == order_id)

    def cancel(self, order: Order) -> Order:
        _now(self.broker.cancel(order))
        return self.order(order.order_id)

    def modify(self, order: Order, **change: Any) -> Order:
        _now(self.broker.modify(order, OrderChange(**change)))
        return self.order(order.order_id)

    def fills(self) -> list[tuple[float, int]]:
        return [(fill.average_price, fill.quantity) for fill in _now(self.broker.fills())]

    def free(self) -> float:
        return _now(self.broker.funds())[0].live_balance

    def charged(self) -> float:
        return self.broker.account.charged()

    def held(self, instrument: Instrument = INFY) -> int:
        return sum(p.quantity for p in _now(self.broker.positions()) if p.key == instrument.key)


def _now(work: Coroutine[Any, Any, Any]) -> Any:
    """What a coroutine returns that never waits: the paper broker never does."""
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    work.close()
    raise AssertionError("the paper broker waited for something")


def statuses(desk: Desk, order: Order) -> list[str]:
    return [seen.status for seen in desk.said if seen.order_id == order.order_id]


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.tick(100, bids=[(99.95, 50), (99.90, 100)], asks=[(100.05, 50), (100.10, 100)])
    return made


def test_it_is_a_broker(desk: Desk, arun: Run) -> None:
    async def story(broker: Broker) -> list[Order]:
        await broker.place(a_request(price=90))
        await asyncio.sleep(0)
        return await broker.orders()

    assert [o.status for o in arun(story(desk.broker))] == ["OPEN"]


def test_a_market_order_fills_level_by_level_at_the_prices_that_show(desk: Desk) -> None:
    order = desk.place("BUY", 70)
    assert desk.fills() == [(100.05, 50), (100.10, 20)]
    assert (order.status, order.filled_quantity, order.average_price) == ("COMPLETE", 70, 100.064286)


def test_a_market_order_shows_in_the_book_as_a_limit_at_its_protection_price(desk: Desk) -> None:
    order = desk.place("BUY", 10, market_protection=1)
    assert (order.order_type, order.price) == ("LIMIT", 101.0)
    assert order.tags == ("t1", "mktp", "mktp:1.00")


def test_what_does_not_fill_within_the_protection_stays_open_as_a_limit_order(desk: Desk) -> None:
    order = desk.place("BUY", 200)
    assert (order.status, order.filled_quantity, order.pending_quantity) == ("OPEN", 150, 50)
    assert order.live


def test_an_order_lives_through_kites_states_in_order(desk: Desk) -> None:
    order = desk.place("BUY", 10)
    assert statuses(desk, order) == [
        "PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN", "COMPLETE",
    ]  # fmt: skip
    history = _now(desk.broker.order_history(order.order_id))
    assert [row.status for row in history] == statuses(desk, order)


def test_updates_carry_the_exchanges_time_once_the_exchange_knows_the_order(desk: Desk) -> None:
    order = desk.place("BUY", 10, price=90)
    seen = [o for o in desk.said if o.order_id == order.order_id]
    assert [o.exchange_update_timestamp is None for o in seen] == [True, True, True, False]
    assert all(o.order_timestamp == desk.clock.now() for o in seen)


def test_every_update_is_news_to_a_book(desk: Desk) -> None:
    book, applied = OrderBook(), []
    desk.broker.on_order = lambda order: applied.append(book.apply(order) is not None)
    order = desk.place("BUY", 200)
    desk.modify(order, price=99.0)
    desk.cancel(desk.order(order.order_id))
    desk.place("SELL", 10, order_type="SL", price=98, trigger_price=99, tag="t2")
    desk.tick(98.9)
    assert applied == [True] * len(applied)
    assert {o.order_id: o for o in book} == {o.order_id: o for o in _now(desk.broker.orders())}


def test_order_ids_are_nineteen_digits_and_rise(desk: Desk) -> None:
    ids = [desk.place(tag=f"t{k}").order_id for k in range(5)]
    assert ids == sorted(set(ids))
    assert all(len(i) == 19 and i.isdecimal() for i in ids)


def test_a_limit_that_does_not_cross_rests_and_fills_when_the_market_comes(desk: Desk) -> None:
    order = desk.place("BUY", 10, price=99)
    assert (order.status, desk.fills()) == ("OPEN", [])
    desk.tick(99.05, bids=[(99, 10)], asks=[(99.10, 10)])
    assert desk.fills() == []
    desk.tick(98.95, bids=[(98.9, 10)], asks=[(98.95, 40)])
    assert desk.fills() == [(99, 10)]
    assert desk.order(order.order_id).status == "COMPLETE"


def test_a_day_limit_that_does_not_cross_publishes_no_fill_of_quantity_0_and_is_not_forgotten(desk: Desk) -> None:
    order = desk.place("BUY", 10, price=90)
    assert all(seen.filled_quantity == 0 and seen.status != "COMPLETE" for seen in desk.said)
    assert [o.order_id for o in _now(desk.broker.orders()) if o.live] == [order.order_id]
    desk.tick(89.95)
    assert desk.fills() == [(90, 10)]


def test_a_triggered_stop_is_not_lost(desk: Desk) -> None:
    desk.place("BUY", 10)
    stop = desk.place("SELL", 10, order_type="SL-M", trigger_price=99, market_protection=2, tag="stop")
    assert (stop.status, stop.order_type, stop.price) == ("TRIGGER PENDING", "SL", 97.05)
    desk.tick(99.05, bids=[(99, 50)], asks=[(99.1, 50)])
    assert desk.held() == 10
    desk.tick(98.9, bids=[(98.85, 50)], asks=[(98.95, 50)])
    assert desk.held() == 0
    assert statuses(desk, stop)[-3:] == ["TRIGGER PENDING", "OPEN", "COMPLETE"]


def test_an_exit_changes_cash_and_position(desk: Desk) -> None:
    desk.place("BUY", 50, product="CNC")
    assert desk.charged() > 0
    assert (desk.held(), desk.free()) == (50, round(1_000_000 - 50 * 100.05 - desk.charged(), 4))
    desk.tick(110, bids=[(110, 50)], asks=[(110.05, 50)])
    desk.place("SELL", 50, product="CNC", tag="t2")
    assert (desk.held(), round(desk.free() + desk.charged(), 4)) == (0, 1_000_000 + 50 * 9.95)


def test_positions_and_orders_are_not_lost_on_restart(desk: Desk) -> None:
    desk.place("BUY", 40, product="CNC")
    desk.place("BUY", 10, price=95, tag="t2")
    journal = _now(desk.broker.orders()), _now(desk.broker.fills())
    again = Desk(clock=desk.clock, ticks=desk.ticks)
    again.broker.restore(*journal)
    assert _now(again.broker.orders()) == journal[0]
    assert _now(again.broker.fills()) == journal[1]
    assert _now(again.broker.positions()) == _now(desk.broker.positions())
    assert _now(again.broker.funds()) == _now(desk.broker.funds())
    again.tick(94.9)
    assert again.held() == 50
    assert again.place("BUY", 1, tag="t3").order_id > journal[0][-1].order_id


def test_shorting_for_the_day_is_allowed(desk: Desk) -> None:
    desk.place("SELL", 50, product="MIS")
    assert desk.held() == -50
    desk.tick(90, asks=[(90, 50)])
    desk.place("BUY", 50, product="MIS", tag="t2")
    assert round(desk.free() + desk.charged() - 1_000_000, 2) == round(50 * (99.95 - 90), 2)


def test_the_same_share_is_not_sold_to_two_orders(desk: Desk) -> None:
    desk.place("BUY", 50)
    second = desk.place("BUY", 50, tag="t2")
    assert second.average_price == 100.10
    desk.tick(100, asks=[(100.05, 50)])
    assert desk.place("BUY", 10, tag="t3").average_price == 100.05


def test_an_old_trade_price_does_not_fill_what_found_no_seller(desk: Desk) -> None:
    tick = desk.tick(100, volume=500, bids=[(99.9, 10)], asks=[(101, 10)])
    order = desk.place("BUY", 10, price=100.5)
    desk.broker.on_tick(tick)
    desk.tick(100, volume=500, bids=[(99.9, 20)], asks=[(101, 20)])
    assert desk.order(order.order_id).status == "OPEN"
    desk.tick(100, volume=510, bids=[(99.9, 20)], asks=[(101, 20)])
    assert desk.order(order.order_id).status == "COMPLETE"


def test_better_priced_orders_fill_first_and_among_equals_the_older(desk: Desk) -> None:
    for tag, price in (("a", 99), ("b", 99.5), ("c", 99)):
        desk.place("BUY", 10, price=price, tag=tag)
    desk.tick(99, bids=[(98.9, 5)], asks=[(98.95, 25)])
    filled = {o.tag: o.filled_quantity for o in _now(desk.broker.orders())}
    assert filled == {"b": 10, "a": 10, "c": 5}


def test_ioc_fills_what_it_can_and_the_rest_is_cancelled(desk: Desk) -> None:
    order = desk.place("BUY", 80, price=100.05, validity="IOC")
    assert (order.status, order.filled_quantity, order.cancelled_quantity) == ("CANCELLED", 50, 30)
    assert (order.pending_quantity, order.open_quantity, desk.held()) == (0, 0, 50)


def test_ttl_ends_after_its_minutes(desk: Desk) -> None:
    order = desk.place("BUY", 10, price=90, validity="TTL", validity_ttl=2)
    desk.clock.advance(119)
    assert desk.order(order.order_id).status == "OPEN"
    desk.clock.advance(1)
    assert desk.order(order.order_id).status == "CANCELLED"


def test_a_day_order_ends_with_the_session(desk: Desk) -> None:
    order = desk.place("BUY", 10, price=90)
    desk.clock.at = datetime(2026, 11, 23, 10, 0, tzinfo=UTC)
    desk.tick(80)
    assert desk.order(order.order_id).status == "CANCELLED"
    assert desk.fills() == []


def test_a_cancelled_order_can_own_a_position(desk: Desk) -> None:
    order = desk.cancel(desk.place("BUY", 200))
    assert (order.status, order.filled_quantity, order.cancelled_quantity) == ("CANCELLED", 150, 50)
    assert desk.held() == 150
    assert statuses(desk, order)[-2:] == ["CANCEL PENDING", "CANCELLED"]


def test_an_ended_order_can_be_neither_cancelled_nor_modified(desk: Desk) -> None:
    order = desk.place("BUY", 10)
    with pytest.raises(Rejected, match="COMPLETE"):
        desk.cancel(order)
    with pytest.raises(Rejected, match="COMPLETE"):
        desk.modify(order, price=99.0)


def test_a_modified_price_can_fill_at_once(desk: Desk) -> None:
    order = desk.modify(desk.place("BUY", 10, price=99), price=100.05)
    assert (order.status, order.average_price, order.modified) == ("COMPLETE", 100.05, True)
    assert statuses(desk, order)[4:8] == ["MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "OPEN"]


def test_quantity_cannot_be_modified_below_what_has_filled(desk: Desk) -> None:
    order = desk.place("BUY", 200)
    with pytest.raises(Rejected, match="150 already filled"):
        desk.modify(order, quantity=150)
    assert desk.modify(order, quantity=160).pending_quantity == 10


def test_the_twenty_sixth_modification_is_rejected(desk: Desk) -> None:
    order = desk.place("BUY", 10, price=90)
    for k in range(25):
        desk.modify(order, price=90 + k * 0.05)
    with pytest.raises(Rejected, match="modifications exceeded"):
        desk.modify(order, price=91.5)


def test_a_limit_becomes_a_protected_market_order_when_modified_to_market(desk: Desk) -> None:
    order = desk.place("BUY", 10, price=90)
    with pytest.raises(Rejected, match="market protection"):
        desk.modify(order, order_type="MARKET")
    assert desk.modify(order, order_type="MARKET", market_protection=-1).status == "COMPLETE"


def test_an_order_becomes_a_stop_and_back(desk: Desk) -> None:
    order = desk.place("SELL", 10, price=110)
    order = desk.modify(order, order_type="SL", price=98.0, trigger_price=99.0)
    assert (order.status, order.trigger_price) == ("TRIGGER PENDING", 99)
    order = desk.modify(order, order_type="LIMIT", price=99.95)
    assert (order.status, order.trigger_price) == ("COMPLETE", 0)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ({"market_protection": None}, "without market protection"),
        ({"market_protection": 0}, "without market protection"),
        ({"market_protection": 101}, "market_protection"),
        ({"price": 100.03}, "Tick size for this script is 0.05"),
        ({"price": 0, "order_type": "LIMIT"}, "`price`"),
        ({"price": 101, "order_type": "SL"}, "`trigger_price`"),
        ({"price": 102, "trigger_price": 101.02, "order_type": "SL"}, "trigger price in the multiple"),
        ({"price": 100.5, "trigger_price": 101, "order_type": "SL"}, "at or below"),
        ({"price": 99.5, "trigger_price": 99, "order_type": "SL"}, "should be higher"),
        ({"quantity": 0}, "multiple of the lot size 1"),
        ({"quantity": -5}, "multiple of the lot size"),
        ({"quantity": 64, "instrument": NIFTY_FUT, "product": "NRML", "price": 26_000}, "multiple of the lot size 65"),
        ({"product": "NRML"}, "Trading in NSE is not allowed using NRML"),
        ({"product": "CNC", "instrument": NIFTY_FUT, "price": 26_000, "quantity": 65}, "not allowed using CNC"),
        ({"instrument": INDEX, "price": 100}, "cannot be traded"),
        ({"instrument": SBIN}, "No price of NSE:SBIN is known"),
        ({"tradingsymbol": "GONE"}, "does not exist"),
        ({"tag": "x" * 21}, "21 characters"),
        ({"variety": "co"}, "regular, amo, iceberg orders, not 'co'"),
        ({"variety": "auction"}, "regular, amo, iceberg orders, not 'auction'"),
        ({"variety": "amo"}, "NSE is open"),
        ({"variety": "iceberg", "iceberg_legs": 1, "iceberg_quantity": 1}, "2 to 50, 1 given"),
        ({"variety": "iceberg", "quantity": 10, "iceberg_legs": 3, "iceberg_quantity": 3}, "3 given, 4 expected"),
        ({"validity": "TTL"}, "validity_ttl"),
        ({"instrument": CRUDE, "price": 5_000, "validity": "IOC", "product": "NRML", "quantity": 1}, "IOC"),
    ],
)
def test_what_kite_would_not_take_is_rejected_and_leaves_no_row(
    desk: Desk, words: dict[str, Any], message: str
) -> None:
    with pytest.raises(Rejected, match=message) as error:
        desk.place(**{"side": "BUY", **words})
    assert (error.value.kind, error.value.code) == ("InputException", 400)
    assert (_now(desk.broker.orders()), desk.said) == ([], [])


def test_insufficient_funds_are_said_in_kites_words(desk: Desk) -> None:
    text = "Insufficient funds. Required margin is 1000500.00 but available margin is 1000000.00."
    with pytest.raises(Rejected) as error:
        desk.place("BUY", 10_000, price=100.05, product="CNC")
    assert (str(error.value), error.value.kind, error.value.code) == (text, "MarginException", 400)


def test_working_orders_tie_up_money_until_they_end(desk: Desk) -> None:
    order = desk.place("BUY", 100, price=90, product="CNC")
    assert desk.free() == 1_000_000 - 9_000
    desk.cancel(order)
    assert desk.free() == 1_000_000


def test_an_order_that_closes_a_position_needs_no_money(desk: Desk) -> None:
    poor = Desk(cash=1_060)
    poor.tick(100, asks=[(100, 10)])
    poor.place("BUY", 10, product="CNC")
    poor.tick(100, bids=[(100, 10)])
    assert poor.place("SELL", 10, product="CNC", tag="t2").status == "COMPLETE"


def test_shares_that_are_not_held_cannot_be_sold_as_cnc(desk: Desk) -> None:
    order = desk.place("SELL", 10, product="CNC")
    assert (order.status, order.exchange_order_id) == ("REJECTED", None)
    assert "Insufficient holdings" in (order.status_message or "")
    desk.place("BUY", 10, product="CNC", tag="t2")
    desk.place("SELL", 10, price=120, product="CNC", tag="t3")
    assert desk.place("SELL", 10, price=120, product="CNC", tag="t4").status == "REJECTED"


def test_mtf_takes_no_short(desk: Desk) -> None:
    order = desk.place("SELL", 10, product="MTF")
    assert order.status == "REJECTED" and "MTF, which takes no short" in (order.status_message or "")
    desk.place("BUY", 10, product="MTF", tag="t2")
    assert desk.place("SELL", 10, product="MTF", tag="t3").status == "COMPLETE"
    assert desk.place("SELL", 1, product="MTF", tag="t4").status == "REJECTED"


def test_mcx_counts_in_lots_and_books_in_units(desk: Desk) -> None:
    desk.tick(5_000, CRUDE)
    desk.place("BUY", 2, instrument=CRUDE, product="NRML")
    (position,) = _now(desk.broker.positions())
    assert (position.quantity, position.multiplier, position.buy_value) == (2, 100, 1_000_000)
    assert desk.free() + desk.charged() == 1_000_000 - 150_000
    desk.tick(5_010, CRUDE)
    assert _now(desk.broker.positions())[0].pnl == 2_000


def test_bought_options_cost_their_premium_and_written_ones_a_margin(desk: Desk) -> None:
    desk.tick(50, NIFTY_CALL)
    desk.place("BUY", 65, instrument=NIFTY_CALL, product="NRML")
    assert desk.free() + desk.charged() == 1_000_000 - 65 * 50
    with pytest.raises(Rejected, match="Insufficient funds"):
        desk.place("SELL", 65 * 5, price=50, instrument=NIFTY_CALL, product="NRML", tag="t2")


def test_outside_trading_hours_an_order_is_rejected(desk: Desk) -> None:
    desk.clock.at = datetime(2026, 11, 23, 3, 40, tzinfo=UTC)
    with pytest.raises(Rejected, match="closed right now"):
        desk.place("BUY", 10)


def test_a_share_with_futures_trades_until_its_closing_auction(desk: Desk) -> None:
    future = an_instrument("RELIANCE26DECFUT", token=9_000_002, exchange="NFO", kind="FUT", name="RELIANCE")
    share = an_instrument("RELIANCE", token=738561)
    with_futures = PaperBroker(
        a_session(), {share.instrument_token: a_tick(100)}.get, InstrumentMaster([share, future]), desk.clock, 1e6
    )
    desk.clock.at = datetime(2026, 11, 23, 9, 44, tzinfo=UTC)
    order_id = _now(with_futures.place(a_request(price=90, instrument=share, product="CNC")))
    desk.clock.at = datetime(2026, 11, 23, 9, 45, tzinfo=UTC)
    assert [(o.order_id, o.status) for o in _now(with_futures.orders())] == [(order_id, "CANCELLED")]
    with pytest.raises(Rejected, match="closed right now"):
        _now(with_futures.place(a_request(price=90, instrument=share)))


def test_it_cannot_be_built_without_a_verified_session() -> None:
    with pytest.raises(TypeError, match="verified Session"):
        PaperBroker("AB1234", {}.get, InstrumentMaster([]), FakeClock(), 1e6)  # type: ignore[arg-type]  # on purpose


def test_a_dead_session_places_nothing_and_a_new_one_goes_on_in_place(desk: Desk) -> None:
    desk.clock.at = datetime(2026, 11, 25, 4, 0, tzinfo=UTC)
    with pytest.raises(SessionEnded):
        desk.place("BUY", 10)
    desk.broker.renew(a_session(desk.clock.at))
    assert desk.place("BUY", 10).status == "COMPLETE"


def test_on_the_next_day_the_book_is_empty_and_what_is_carried_is_overnight_quantity(desk: Desk) -> None:
    desk.tick(26_000, NIFTY_FUT)
    desk.place("BUY", 65, instrument=NIFTY_FUT, product="NRML")
    free = desk.free()
    desk.next_day()
    assert (_now(desk.broker.orders()), _now(desk.broker.fills())) == ([], [])
    (position,) = _now(desk.broker.positions())
    assert (position.quantity, position.overnight_quantity, position.day_buy_quantity) == (65, 65, 0)
    assert position.average_price == 26_000
    assert (desk.free(), desk.charged()) == (free, 0)


def test_shares_bought_are_holdings_on_the_next_day_and_can_be_sold(desk: Desk) -> None:
    desk.place("BUY", 20, product="CNC")
    free = desk.free()
    desk.next_day()
    assert _now(desk.broker.positions()) == []
    assert [(line.held, line.t1, line.average_price) for line in desk.broker.account.holdings] == [(20, 20, 100.05)]
    assert desk.free() == free
    desk.tick(110, bids=[(110, 50)], asks=[(110.05, 50)])
    assert desk.place("SELL", 15, product="CNC", tag="t2").status == "COMPLETE"
    assert desk.place("SELL", 6, product="CNC", tag="t3").status == "REJECTED"
    assert round(desk.free() + desk.charged() - free, 4) == 15 * 110
    free = desk.free()
    desk.next_day()
    assert [(line.held, line.settled) for line in desk.broker.account.holdings] == [(5, 5)]
    assert desk.free() == free


def test_a_fill_that_the_journal_lost_is_made_up_from_the_book(desk: Desk) -> None:
    desk.place("BUY", 70)
    orders, fills = _now(desk.broker.orders()), _now(desk.broker.fills())
    again = Desk(clock=desk.clock, ticks=desk.ticks)
    again.broker.restore(orders, fills[:1])
    assert again.held() == 70
    assert again.fills() == [(100.05, 50), (100.1, 20)]


def test_a_book_row_that_is_older_than_its_fills_is_brought_up_to_date(desk: Desk) -> None:
    order = desk.place("BUY", 70)
    fills = _now(desk.broker.fills())
    older = next(o for o in desk.said if o.status == "OPEN" and o.filled_quantity == 50)
    again = Desk(clock=desk.clock, ticks=desk.ticks)
    again.broker.restore([older], fills)
    restored = again.order(order.order_id)
    assert (restored.status, restored.filled_quantity, again.held()) == ("COMPLETE", 70, 70)


def test_a_working_order_of_yesterday_ends_on_restart(desk: Desk) -> None:
    order = desk.place("BUY", 10, price=90)
    rows = _now(desk.broker.orders())
    later = FakeClock(datetime(2026, 11, 25, 4, 0, tzinfo=UTC))
    again = Desk(clock=later)
    again.broker.renew(a_session(later.at))
    again.broker.restore(rows, [])
    assert [(o.order_id, o.status) for o in again.said] == [(order.order_id, "CANCELLED")]


Step = tuple[str, int, int]


@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL", "tick", "cancel"]), st.integers(1, 60), st.integers(-8, 8))))
def test_the_same_story_always_gives_the_same_book_and_money_adds_up(steps: list[Step]) -> None:
    first, second = _play(steps), _play(steps)
    assert first.said == second.said
    fills = _now(first.broker.fills())
    for order in _now(first.broker.orders()):
        own = [fill for fill in fills if fill.order_id == order.order_id]
        assert sum(fill.quantity for fill in own) == order.filled_quantity <= order.quantity
        assert all(order.sign * (order.price - fill.average_price) >= -1e-9 for fill in own)
        assert order.live == (order.status == "OPEN")
        if not order.live:
            assert order.filled_quantity + order.cancelled_quantity == order.quantity
    assert all(fill.quantity > 0 for fill in fills)
    assert first.held() == sum(fill.sign * fill.quantity for fill in fills)


@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL", "tick", "cancel"]), st.integers(1, 60), st.integers(-8, 8))))
def test_what_the_journal_holds_is_enough_to_go_on(steps: list[Step]) -> None:
    desk = _play(steps)
    latest = {order.order_id: order for order in desk.said}
    again = Desk(cash=1e9, clock=desk.clock, ticks=desk.ticks)
    again.broker.restore(list(latest.values())[::-1], _now(desk.broker.fills())[::-1])
    for read in ("orders", "fills", "positions", "funds"):
        assert _now(getattr(again.broker, read)()) == _now(getattr(desk.broker, read)()), read


def _play(steps: list[Step]) -> Desk:
    desk = Desk(cash=1e9)
    for k, (what, quantity, offset) in enumerate(steps):
        price = 100 + offset * 0.05
        if what == "tick" or not desk.ticks:
            asks, bids = [(price + 0.05, quantity), (price + 0.10, 10)], [(price - 0.05, quantity), (price - 0.10, 10)]
            desk.tick(price, volume=k, bids=bids, asks=asks)
        elif what == "cancel":
            for order in [o for o in _now(desk.broker.orders()) if o.live][:1]:
                desk.cancel(order)
        else:
            desk.place(what, quantity, price=round(price, 2), tag=f"t{k}")
    return desk
