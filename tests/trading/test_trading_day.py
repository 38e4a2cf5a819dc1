"""The trading day runs from 06:00 to 06:00: what was before it is not today's, and what it ends is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Unknown
from alphapanda_desktop.domain.matching import Quote
from alphapanda_desktop.domain.orders import INTENDED, UNKNOWN, OrderRequest
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Limits, TradingState
from alphapanda_desktop.domain.session import IST, trading_day
from alphapanda_desktop.trading.differences import ForeignPolicy
from alphapanda_desktop.trading.reconcile import GIVE_UP_AFTER_S
from tests.fakes import FakeClock, a_request, a_session, an_instrument
from tests.trading.desk_fakes import INFY, HeldBroker, a_desk, yields

WIDE = replace(Limits(), price_band_pct=90.0)
FUT = an_instrument(
    "INFY26DECFUT", token=10_000_130, exchange="NFO", kind="FUT", name="INFY", expiry=date(2026, 12, 31)
)
LOSES_1000 = replace(WIDE, max_loss_per_day=1000.0)


def ist(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, day, hour, minute, tzinfo=IST).astimezone(UTC)


@pytest.mark.parametrize(
    ("at", "began"),
    [(ist(23, 12), ist(23, 6)), (ist(24, 0, 30), ist(23, 6)), (ist(24, 5, 59), ist(23, 6)), (ist(24, 6), ist(24, 6))],
)
def test_before_six_in_the_morning_it_is_yesterday(at: datetime, began: datetime) -> None:
    assert trading_day(at) == began


def a_loss(broker: HeldBroker, at: datetime) -> Any:
    """Bought 100 at 100 and sold at 80, at that moment."""

    async def trade() -> None:
        broker.clock = FakeClock(at)
        await broker.place(a_request("BUY", 100, tag="y1"))
        broker.quote = Quote(80.0)
        await broker.place(a_request("SELL", 100, tag="y2"))
        broker.quote = Quote(100.0)

    return trade()


def test_the_day_turns_in_a_program_that_was_started_at_night(arun: Any) -> None:
    async def story() -> None:
        clock, broker = FakeClock(ist(24, 0, 30)), HeldBroker()
        await a_loss(broker, ist(23, 22))
        async with a_desk(clock=clock, broker=broker, limits=LOSES_1000) as s:
            await yields(50)
            assert s.desk.trading_state is TradingState.REDUCING, "the day of that loss is not over"
            clock.at = ist(24, 9, 20)
            broker.book.clear()
            broker.trades.clear()
            await s.desk.reconcile("new login")
            await s.desk.reconcile("again")
            net = s.desk.net()
            assert net is not None and net.net == 0.0
            assert s.desk.trading_state is TradingState.ACTIVE
            assert (s.desk.orders(), s.desk.differences.why_locked()) == ([], "")
            await s.desk.submit(s.request("BUY", 1))

    arun(story())


def test_a_book_of_yesterday_is_neither_shown_nor_counted_nor_held_against_anything(arun: Any) -> None:
    async def story() -> None:
        clock, broker = FakeClock(ist(23, 14)), HeldBroker()
        async with a_desk(clock=clock, broker=broker, limits=LOSES_1000) as s:
            desk = s.desk
            await desk.submit(s.request("BUY", 60))
            broker.quote = Quote(80.0)
            s.tick(80.0, after_s=2)
            await desk.submit(s.request("SELL", 60))
            await desk.reconcile("evening")
            await yields(50)
            assert desk.trading_state is TradingState.REDUCING
            clock.at = ist(24, 6, 10)  # the broker has not begun its book anew yet
            s.tick(80.0, after_s=2)
            assert desk.net() is None, "before the new day was read, nothing is known of it"
            await desk.resume(a_session(clock.now()))
            await yields(50)
            assert (desk.orders(), desk.fills(), desk.net(), desk.pnl()) == ([], [], None, None)
            assert desk.trading_state is TradingState.ACTIVE
            broker.book.clear()
            broker.trades.clear()
            clock.at = ist(24, 9, 20)
            await desk.reconcile("day")
            await desk.reconcile("again")
            net = desk.net()
            assert net is not None and net.net == 0.0
            assert (desk.trading_state, desk.differences.rows()) == (TradingState.ACTIVE, [])

    arun(story())


def test_the_peak_of_yesterday_is_not_carried_by_limits_that_are_changed_at_night(arun: Any) -> None:
    async def story() -> None:
        clock, broker = FakeClock(ist(23, 14)), HeldBroker()
        async with a_desk(clock=clock, broker=broker, limits=replace(WIDE, max_drawdown=5000.0)) as s:
            desk = s.desk
            await desk.submit(s.request("BUY", 100))
            await desk.reconcile("test")
            s.tick(170.0, after_s=2)
            broker.quote = Quote(170.0)
            await desk.submit(s.request("SELL", 100))
            await desk.reconcile("test")
            for at in (ist(24, 0, 30), ist(24, 6, 5)):  # the second of a day that was not read yet
                clock.at = at
                drawdown = desk.risk.limits.desk.max_drawdown - 500
                await desk.risk.change(replace(desk.risk.limits, desk=replace(desk.limits, max_drawdown=drawdown)))
            clock.at = ist(24, 8)
            broker.book.clear()
            broker.trades.clear()
            await desk.reconcile("morning")
            await yields(50)
            assert (desk.trading_state, desk.limits.max_drawdown) == (TradingState.ACTIVE, 4000.0)

    arun(story())


class NextDay(HeldBroker):
    """A broker whose positions are what the test says, once it says so."""

    rows: list[Position] | None = None

    async def positions(self) -> list[Position]:
        return await super().positions() if self.rows is None else self.rows


def test_a_stop_that_lapsed_overnight_does_not_keep_a_run_from_getting_out(arun: Any) -> None:
    async def story() -> None:
        clock, broker = FakeClock(ist(23, 14)), NextDay()
        async with a_desk(clock=clock, broker=broker) as s:
            run = await s.run()
            ctx: Any = s.probe.ctx
            ctx.buy(INFY, 10, reason="in", product="CNC")
            await yields(50)
            await s.desk.reconcile("test")
            ctx.sell(INFY, 10, reason="stop", trigger_price=90.0, product="CNC")
            await yields(50)
            (stop,) = run.working("NSE:INFY")
            clock.advance(20 * 3600)
            broker.clock.advance(20 * 3600)
            broker.trades.clear()
            broker.book.clear()
            row = Position(exchange="NSE", tradingsymbol="INFY", product="CNC", quantity=10, overnight_quantity=10,
                instrument_token=INFY.instrument_token, buy_quantity=10, buy_value=1e3, last_price=100.0)  # fmt: skip
            broker.rows = [row]
            await s.desk.resume(a_session(clock.now()))
            assert run.working("NSE:INFY") == []
            assert run.orders[stop.tag or ""].status == "LAPSED"
            ctx.protect(INFY, 95.0, reason="app stop")
            sent = len(broker.placed)
            s.tick(94.0, after_s=6)
            await yields(60)
            assert [(r.transaction_type, r.quantity, r.product) for r in broker.placed[sent:]] == [("SELL", 10, "CNC")]

    arun(story())


class Losing(HeldBroker):
    """A broker of which the next request is lost on its way."""

    loses = False

    async def place(self, request: OrderRequest) -> str:
        if self.loses:
            raise Unknown("no answer")
        return await super().place(request)


def test_last_evening_s_orders_are_ours_after_a_restart_and_what_got_no_answer_is_looked_for(arun: Any) -> None:
    async def story() -> None:
        clock, broker = FakeClock(ist(23, 22)), Losing()
        async with a_desk(clock=clock, broker=broker) as s:
            evening = {"order_type": "LIMIT", "price": 95.0, "variety": "amo", "market_protection": None}
            amo = await s.desk.submit(s.request("BUY", 10, **evening))
            broker.loses = True
            with pytest.raises(Unknown):
                await s.desk.submit(s.request("BUY", 7, **evening))
            broker.loses = False
            clock.at = ist(24, 8, 45)
            desk, _ = s.restart()
            desk.foreign_policy = ForeignPolicy.PAUSE
            await desk.open()
            seen = desk.books.book.get(amo.order_id)
            assert seen is not None and desk.by_whom(seen) == "by hand"
            assert [(o.status, o.quantity) for o in desk.books.unanswered()] == [(UNKNOWN, 7)]
            assert [row.kind for row in desk.differences.rows()] == ["unknown order"]
            clock.advance(GIVE_UP_AFTER_S + 1)
            await desk.reconcile("later")
            assert desk.books.unanswered() == []
            assert desk.differences.why_locked() == ""
            assert {r.request.quantity: r.state for r in s.journal.intent_rows.values()} == {10: "sent", 7: "absent"}
            await desk.kill.press("test", flatten=False)
            assert [o.status for o in await broker.orders()] == ["CANCELLED"], "the kill switch sweeps it too"

    arun(story())


@pytest.mark.parametrize("expiry", ["", "2026-11-22"])
def test_a_contract_that_expired_is_no_difference(arun: Any, expiry: str) -> None:
    async def story() -> None:
        async with a_desk(opened=False, instruments=(FUT,)) as s:
            gone = ["NFO", "NIFTY26NOV26000CE", "NRML", 65, *([expiry] if expiry else [])]
            left = ["NFO", FUT.tradingsymbol, "NRML", 50, "2026-12-31"]
            detail = {"positions": [gone, left], "holdings": {}, "holdings_read": False}
            await s.journal.note(Event("held", s.clock.now() - timedelta(days=1), detail))
            await s.desk.open()
            (row,) = s.desk.differences.rows()
            assert row.red and FUT.tradingsymbol in row.what, "what did not expire is missed"

    arun(story())


def test_an_order_that_is_on_its_way_while_the_day_turns_is_not_taken_for_lost(arun: Any) -> None:
    async def story() -> None:
        clock, broker = FakeClock(ist(24, 5, 59)), HeldBroker()
        async with a_desk(clock=clock, broker=broker) as s:
            evening = {"order_type": "LIMIT", "price": 95.0, "variety": "amo", "market_protection": None}
            broker.door.clear()
            placing = s.scope.spawn("submit", s.desk.submit(s.request("BUY", 10, **evening)))
            await yields(20)
            clock.at = broker.clock.at = ist(24, 6, 1)
            await s.desk.reconcile("morning")
            assert [o.status for o in s.desk.books.unanswered()] == [INTENDED]
            broker.door.set()
            order = await placing
            assert s.desk.books.unanswered() == [] and s.desk.by_whom(order) == "by hand"

    arun(story())
