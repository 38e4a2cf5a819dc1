"""Stops that a run keeps itself, exits that withdraw what rests first, and what an order remembers of its making."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Mode, Ohlc, Tick
from alphapanda_desktop.domain.orders import Order, OrderRequest
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.strategy import Parameters, Strategy
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.closing import AGAIN_S, TRIES_AFTER_END
from alphapanda_desktop.trading.context import RunContext
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.shares import Shares
from alphapanda_desktop.trading.stops import KeptStop, kept_by, name_of
from tests.fakes import FakeClock, FakeFeed, FakeHistory, a_session, a_tick, an_instrument

INFY = an_instrument()
TCS = an_instrument("TCS", token=2953217)


class Desk:
    """A context with the run, the market and the host's part in the test's hands: nothing happens by itself."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.market = Market(a_session(), FakeFeed(), FakeHistory(), _master(), self.clock, None)
        self.sink = MarketSink(self.market)
        self.sink.link(LinkReport(LinkState.UP))
        self.run = Run(
            run_id="run-1", strategy=Strategy, instruments=(INFY, TCS), params=Parameters(), interval=Interval.MINUTE,
            product="MIS", started_at=self.clock.now(), now=self.clock.now, state=RunState.RUNNING,
        )  # fmt: skip
        self.asked: list[OrderRequest] = []
        self.causes: list[Cause] = []
        self.cancelled: list[str] = []
        self.books = Books()
        shares = Shares(self.run, self.books, lambda: [self.run])
        self.ctx = RunContext(
            self.run, self.market, self.clock, self._submit, self.cancelled.append, lambda: None, shares
        )
        self.tick(100.0)

    def _submit(self, request: OrderRequest, cause: Cause) -> None:
        self.asked.append(request)
        self.causes.append(cause)
        self.says(request, "INTENDED", order_id="")

    def tick(self, price: float, after_s: float = 0.0, instrument: Instrument = INFY) -> None:
        self.clock.advance(after_s)
        self.sink.ticks([a_tick(price, token=instrument.instrument_token, at_s=int(self.clock.now().timestamp()))])

    def says(self, request: OrderRequest, status: str, filled: int = 0, order_id: str | None = None) -> None:
        """What the broker says of an order, as the host hands it on."""
        order = Order(
            order_id=f"id {request.tag}" if order_id is None else order_id, status=status, exchange=request.exchange,
            tradingsymbol=request.tradingsymbol, transaction_type=request.transaction_type, quantity=request.quantity,
            # Kite shows what was asked at the market as LIMIT.
            product=request.product, order_type="SL" if request.trigger_price else "LIMIT", filled_quantity=filled,
            trigger_price=request.trigger_price or 0.0, average_price=100.0 if filled else 0.0, tag=request.tag,
        )  # fmt: skip
        self.run.orders[request.tag] = order
        self.ctx.heard(order)

    def holds(self, quantity: int, instrument: Instrument = INFY, product: Any = None) -> None:
        """The run enters, and it is done."""
        enter = self.ctx.buy if quantity > 0 else self.ctx.sell
        enter(instrument, abs(quantity), reason="entry", product=product)
        self.says(self.asked[-1], "COMPLETE", abs(quantity))

    def stops_at_broker(self, trigger: float = 95.0, quantity: int = 10) -> OrderRequest:
        self.ctx.sell(INFY, quantity, reason="stop", trigger_price=trigger)
        self.says(self.asked[-1], "TRIGGER PENDING")
        return self.asked[-1]

    def last(self) -> tuple[str, int, str]:
        request = self.asked[-1]
        return request.transaction_type, request.quantity, request.order_type

    def log(self) -> str:
        return "\n".join(line.text for line in self.run.log)


def _master() -> Any:
    from alphapanda_desktop.domain.instruments import InstrumentMaster

    return InstrumentMaster([INFY, TCS])


@pytest.fixture
def desk() -> Desk:
    return Desk()


# --- exits -----------------------------------------------------------------------------------------------------------


def test_an_exit_while_nothing_rests_leaves_at_once_and_only_once(desk: Desk) -> None:
    desk.holds(10)
    tag = desk.ctx.exit(INFY, reason="out")
    assert (desk.asked[-1].tag, desk.last()) == (tag, ("SELL", 10, "MARKET"))
    assert desk.ctx.exit(INFY, reason="out again") is None
    desk.says(desk.asked[-1], "OPEN", 4)
    assert desk.ctx.exit(INFY, reason="out again") is None
    assert len(desk.asked) == 2


def test_an_exit_withdraws_the_resting_stop_and_leaves_when_that_is_confirmed(desk: Desk) -> None:
    desk.holds(10)
    stop = desk.stops_at_broker()
    tag = desk.ctx.exit(INFY, reason="out")
    assert tag is not None and desk.cancelled == [stop.tag] and len(desk.asked) == 2
    assert desk.ctx.exit(INFY, reason="again") is None, "one is on its way already"
    desk.says(stop, "CANCEL PENDING")
    assert len(desk.asked) == 2
    desk.says(stop, "CANCELLED")
    assert (desk.asked[-1].tag, desk.asked[-1].reason, desk.last()) == (tag, "out", ("SELL", 10, "MARKET"))


def test_a_stop_that_fills_while_it_is_withdrawn_leaves_nothing_to_exit(desk: Desk) -> None:
    desk.holds(10)
    stop = desk.stops_at_broker()
    desk.ctx.exit(INFY, reason="out")
    desk.says(stop, "COMPLETE", 10)
    desk.tick(90.0, AGAIN_S)
    assert len(desk.asked) == 2 and desk.ctx.position(INFY).quantity == 0


def test_a_stop_that_filled_in_part_before_it_went_leaves_only_the_rest_to_exit(desk: Desk) -> None:
    desk.holds(10)
    stop = desk.stops_at_broker()
    desk.ctx.exit(INFY, reason="out")
    desk.says(stop, "CANCELLED", 4)
    assert desk.last() == ("SELL", 6, "MARKET")


def test_a_resting_target_is_withdrawn_too_but_an_entry_is_not(desk: Desk) -> None:
    desk.holds(10)
    target = desk.ctx.sell(INFY, 10, reason="target", price=110.0)
    desk.says(desk.asked[-1], "OPEN")
    desk.ctx.buy(INFY, 5, reason="more", price=90.0)
    desk.says(desk.asked[-1], "OPEN")
    desk.ctx.exit(INFY, reason="out")
    assert desk.cancelled == [target]


def test_a_stop_without_a_number_yet_is_withdrawn_as_soon_as_it_rests(desk: Desk) -> None:
    desk.holds(10)
    stop = desk.ctx.sell(INFY, 10, reason="stop", trigger_price=95.0)
    request = desk.asked[-1]
    desk.ctx.exit(INFY, reason="out")
    assert desk.cancelled == []
    desk.says(request, "PUT ORDER REQ RECEIVED")
    assert desk.cancelled == []
    desk.says(request, "TRIGGER PENDING")
    assert desk.cancelled == [stop]


def test_a_withdrawal_that_is_not_confirmed_is_asked_for_again_and_told(desk: Desk) -> None:
    desk.holds(10)
    stop = desk.stops_at_broker()
    desk.ctx.exit(INFY, reason="out")
    desk.tick(99.0, AGAIN_S - 1)
    assert desk.cancelled == [stop.tag]
    desk.tick(99.0, 2)
    assert desk.cancelled == [stop.tag] * 2
    assert f"id {stop.tag} (TRIGGER PENDING)" in desk.log()


def test_an_exit_that_is_refused_after_its_stop_went_is_asked_for_again(desk: Desk) -> None:
    desk.holds(10)
    stop = desk.stops_at_broker()
    first = desk.ctx.exit(INFY, reason="out")
    desk.says(stop, "CANCELLED")
    desk.says(desk.asked[-1], "REJECTED")
    desk.tick(99.0, 1)
    assert len(desk.asked) == 3
    desk.tick(99.0, AGAIN_S)
    assert len(desk.asked) == 4 and desk.last() == ("SELL", 10, "MARKET") and desk.asked[-1].tag != first
    desk.says(desk.asked[-1], "COMPLETE", 10)
    desk.tick(99.0, 2 * AGAIN_S)
    assert len(desk.asked) == 4


def test_an_exit_that_is_refused_without_a_stop_is_the_strategys_to_repeat(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.exit(INFY, reason="out")
    desk.says(desk.asked[-1], "REJECTED")
    desk.tick(99.0, 2 * AGAIN_S)
    assert len(desk.asked) == 2
    assert desk.ctx.exit(INFY, reason="out") == desk.asked[-1].tag


def test_an_exit_whose_stop_is_withdrawn_is_carried_out_after_the_run_s_end_too(desk: Desk) -> None:
    desk.holds(10)
    stop = desk.stops_at_broker()
    assert desk.ctx.guards(desk.run.orders[stop.tag])
    desk.ctx.exit(INFY, reason="out")
    assert not desk.ctx.guards(desk.run.orders[stop.tag])
    desk.run.state = RunState.STOPPING
    desk.says(stop, "CANCELLED")
    assert desk.last() == ("SELL", 10, "MARKET")
    assert desk.ctx.guards(desk.run.orders[desk.asked[-1].tag]) and desk.ctx.left_behind() == ["1 exit goes on"]
    assert desk.ctx.exit(INFY, reason="from the grave") is None


def test_an_exit_that_is_refused_after_the_runs_end_is_tried_a_few_times_more(desk: Desk) -> None:
    desk.holds(10)
    stop = desk.stops_at_broker()
    desk.ctx.exit(INFY, reason="out")
    desk.run.state = RunState.STOPPING
    desk.says(stop, "CANCELLED")
    sent = len(desk.asked)
    for _ in range(6):
        desk.says(desk.asked[-1], "REJECTED")
        desk.tick(99.0, AGAIN_S)
    assert len(desk.asked) == sent + TRIES_AFTER_END


def test_an_exit_that_withdrew_nothing_ends_with_its_run(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.sell(INFY, 10, reason="stop", trigger_price=95.0)  # on its way: it cannot be withdrawn yet
    desk.ctx.exit(INFY, reason="out")
    desk.run.state = RunState.STOPPING
    desk.says(desk.asked[-1], "CANCELLED")
    assert len(desk.asked) == 2


def test_each_product_is_closed_as_itself_and_short_ones_by_purchase(desk: Desk) -> None:
    desk.holds(10, product="CNC")
    desk.holds(-3, product="MIS")
    desk.ctx.exit(INFY, reason="out")
    asked = {(r.transaction_type, r.quantity, r.product) for r in desk.asked[2:]}
    assert asked == {("SELL", 10, "CNC"), ("BUY", 3, "MIS")}


# --- stops of the program --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("held", "trigger", "safe", "fires"), [(10, 95.0, 95.05, 95.0), (10, 95.0, 99.0, 80.0), (-10, 105.0, 104.95, 105.0)]
)
def test_a_stop_fires_when_the_price_reaches_it_and_not_before(
    desk: Desk, held: int, trigger: float, safe: float, fires: float
) -> None:
    desk.holds(held)
    desk.ctx.protect(INFY, trigger, reason="2 % under the entry")
    desk.tick(safe, 1)
    assert len(desk.asked) == 1
    desk.tick(fires, 1)
    assert desk.last() == ("SELL" if held > 0 else "BUY", 10, "MARKET")
    assert f"crossed the stop at {trigger:.2f}: 2 % under the entry" in desk.asked[-1].reason
    assert f"{fires:.2f}" in desk.asked[-1].reason


def test_a_stop_set_at_a_price_that_is_gone_already_fires_at_once(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.protect(INFY, 100.0, reason="trailing")
    assert desk.last() == ("SELL", 10, "MARKET")


def test_a_stop_is_not_judged_by_an_old_price(desk: Desk) -> None:
    desk.holds(10)
    desk.clock.advance(600)
    desk.ctx.protect(INFY, 101.0, reason="trailing")
    assert len(desk.asked) == 1
    desk.tick(100.0)
    assert len(desk.asked) == 2


def test_no_stop_fires_at_a_zero_or_at_what_was_kept_from_before_the_link(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.protect(INFY, 95.0, reason="stop")
    desk.tick(0.0, 1)
    for state in (LinkState.WAITING, LinkState.UP):
        desk.sink.link(LinkReport(state))
    yesterday = int(desk.clock.now().timestamp()) - 20 * 3600
    desk.sink.ticks([a_tick(90.0, token=INFY.instrument_token, at_s=yesterday)])
    assert len(desk.asked) == 1
    desk.tick(90.0, 1)
    assert desk.last() == ("SELL", 10, "MARKET")


def test_a_stop_set_with_the_entry_on_its_way_waits_for_it(desk: Desk) -> None:
    desk.ctx.buy(INFY, 10, reason="entry")
    desk.ctx.protect(INFY, 95.0, reason="stop")
    desk.tick(90.0, 1)
    assert len(desk.asked) == 1 and kept_by([desk.run])[0].stops() == []
    desk.says(desk.asked[0], "COMPLETE", 10)
    desk.tick(94.0, 1)
    assert desk.last() == ("SELL", 10, "MARKET")


def test_a_stop_of_an_entry_that_never_came_does_not_close_a_later_one(desk: Desk) -> None:
    desk.ctx.buy(INFY, 10, reason="entry")
    desk.ctx.protect(INFY, 95.0, reason="stop")
    desk.says(desk.asked[0], "REJECTED")
    desk.tick(100.0, 1)
    desk.tick(90.0, 1)
    desk.holds(10)
    desk.tick(90.0, 1)
    assert len(desk.asked) == 2 and kept_by([desk.run]) == []


def test_a_stop_ends_with_its_position_and_leaves_the_opposite_one_alone(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.protect(INFY, 95.0, reason="stop")
    desk.holds(-20)
    desk.tick(94.0, 1)
    assert len(desk.asked) == 2
    assert name_of(INFY) not in desk.run.variables


def test_a_stop_is_moved_and_taken_away(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.protect(INFY, 95.0, reason="stop")
    desk.ctx.protect(INFY, 97.0, reason="trailing")
    (stop,) = kept_by([desk.run])[0].stops()
    assert (stop.trigger, stop.reason, stop.owner) == (97.0, "trailing", "run-1")
    desk.ctx.protect(INFY, None, reason="")
    desk.tick(50.0, 1)
    assert len(desk.asked) == 1 and kept_by([desk.run]) == []


def test_a_stop_that_came_to_nothing_is_tried_again_but_not_in_a_frenzy(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.protect(INFY, 95.0, reason="stop")
    desk.tick(94.0, 1)
    desk.says(desk.asked[-1], "REJECTED")
    for _ in range(4):
        desk.tick(94.0, 1)
    assert len(desk.asked) == 2
    desk.tick(99.0, 1)
    assert len(desk.asked) == 3, "it has fired, and the price that comes back does not unfire it"
    desk.says(desk.asked[-1], "COMPLETE", 10)
    desk.tick(94.0, 10)
    assert len(desk.asked) == 3 and kept_by([desk.run]) == []


def test_a_stop_withdraws_the_target_that_rests(desk: Desk) -> None:
    desk.holds(10)
    target = desk.ctx.sell(INFY, 10, reason="target", price=110.0)
    desk.says(desk.asked[-1], "OPEN")
    desk.ctx.protect(INFY, 95.0, reason="stop")
    desk.tick(94.0, 1)
    assert desk.cancelled == [target]
    desk.says(desk.asked[-1], "CANCELLED")
    assert desk.last() == ("SELL", 10, "MARKET")


def test_a_stop_holds_while_entries_are_paused_and_ends_with_the_run(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.protect(INFY, 95.0, reason="stop")
    desk.run.state = RunState.PAUSED
    assert len(kept_by([desk.run])) == 1
    desk.run.state = RunState.STOPPED
    assert kept_by([desk.run]) == []
    desk.tick(90.0, 1)
    assert len(desk.asked) == 1


def test_a_stop_on_nothing_is_told_and_one_at_no_price_is_an_error(desk: Desk) -> None:
    desk.ctx.protect(INFY, 95.0, reason="stop")
    assert "nothing is held" in desk.log() and kept_by([desk.run]) == []
    desk.holds(10)
    with pytest.raises(ValueError, match=r"above 0, nan given"):
        desk.ctx.protect(INFY, float("nan"), reason="stop")


def test_stops_of_two_instruments_do_not_mix(desk: Desk) -> None:
    desk.holds(10)
    desk.tick(200.0, instrument=TCS)
    desk.holds(5, TCS)
    desk.ctx.protect(INFY, 95.0, reason="a")
    desk.ctx.protect(TCS, 190.0, reason="b")
    desk.tick(180.0, 1, TCS)
    assert (desk.asked[-1].key, desk.asked[-1].quantity) == (TCS.key, 5)
    assert [kept.instrument for kept in kept_by([desk.run])] == [INFY, TCS]


def test_the_card_shows_a_stop_in_words(desk: Desk) -> None:
    desk.holds(10)
    desk.ctx.protect(INFY, 95.0, reason="stop")
    kept = desk.run.variables[name_of(INFY)]
    assert isinstance(kept, KeptStop) and str(kept) == "SELL at 95.00 or lower, watched by this program only"


# --- causes ----------------------------------------------------------------------------------------------------------


def test_an_order_carries_the_tick_the_bar_the_numbers_and_the_reason_of_its_moment(desk: Desk) -> None:
    desk.ctx.bars(INFY)  # whoever asks for bars has them made
    desk.tick(99.5, 60)
    desk.tick(99.0, 60)
    words = (10, 9995, 1, *[0] * 12, 20, 10005, 1, *[0] * 12)
    at_s = int(desk.clock.now().timestamp())
    full = Tick(INFY.instrument_token, Mode.FULL, 100.0, volume_traded=7, exchange_epoch_s=at_s, raw_depth=words)
    full.ohlc = Ohlc(99.0, 101.0, 98.0, 97.0)
    desk.sink.ticks([full])
    desk.clock.advance(0.25)
    desk.ctx.show(fast=100.5, state="above")
    desk.ctx.buy(INFY, 10, reason="fast crossed above slow")
    desk.ctx.show(fast=0.0)
    cause = desk.causes[-1]
    assert cause.tick is not None and cause.bar is not None and cause.market is not None
    assert (cause.tick["last_price"], cause.tick["volume_traded"], cause.tick["bid"]) == (100.0, 7, 99.95)
    assert cause.tick["exchange_timestamp"].startswith("2026-11-23T06:32:00")
    assert (cause.bar["close"], cause.bar["interval"], cause.bar["closed"]) == (99.5, "minute", True)
    assert cause.values == {"fast": 100.5, "state": "above"}
    assert cause.reason == "fast crossed above slow"
    assert cause.market == {"last": 100.0, "bid": 99.95, "ask": 100.05, "age_s": 0.25}


def test_an_order_without_a_tick_says_so(desk: Desk) -> None:
    desk.ctx.buy(TCS, 1, reason="blind")
    cause = desk.causes[-1]
    assert (cause.tick, cause.bar) == (None, None)
    assert cause.market == {"last": None, "bid": None, "ask": None, "age_s": None}


@pytest.mark.parametrize(
    ("prices", "protection"),
    [
        ({}, -1.0),
        ({"price": 100.0}, None),
        ({"trigger_price": 95.0}, -1.0),
        ({"price": 94.0, "trigger_price": 95.0}, None),
    ],
)
def test_orders_at_the_market_ask_for_protection(
    desk: Desk, prices: dict[str, float], protection: float | None
) -> None:
    desk.ctx.sell(INFY, 10, reason="x", **prices)
    assert desk.asked[-1].market_protection == protection


def test_bars_are_told_with_their_beginning() -> None:
    from alphapanda_desktop.domain.why import bar_facts

    told = bar_facts(Bar(1_795_410_900, 1.0, 2.0, 0.5, 1.5, 10), Interval.MINUTE_5)
    assert told["start"] == "2026-11-23T05:15:00+00:00" and told["interval"] == "5minute" and "oi" not in told
