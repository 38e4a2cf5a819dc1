"""Where only exits pass, what rests and is none goes: orders, GTTs, and what turns up later."""

from __future__ import annotations

from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused, Rejected, Unknown
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.risk import Limits, TradingState
from tests.trading.desk_fakes import RESTING, FaultyBroker, a_desk, yields
from tests.trading.test_gtts_under_kill import Gtts, a_gtt


def working(s: Any) -> list[tuple[str, int, str]]:
    return [(o.transaction_type, o.quantity, o.order_type) for o in s.desk.books.book.working()]


async def stop_and_target(s: Any) -> None:
    """10 held, with a stop, a target, and an entry that rests."""
    await s.desk.submit(s.request("BUY", 10))
    await s.desk.reconcile("test")
    await s.desk.submit(s.request("SELL", 10, order_type="LIMIT", price=120.0))
    await s.desk.submit(s.request("SELL", 10, order_type="SL", price=88.0, trigger_price=90.0))
    await s.desk.submit(s.request("BUY", 100, order_type="LIMIT", price=RESTING))


def test_a_limit_of_the_day_cancels_what_rests_and_is_no_exit(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        limits = Limits(price_band_pct=60.0, max_loss_per_day=300.0)
        async with a_desk(broker=FaultyBroker(), limits=limits) as s:
            guarded = s.desk.guard_gtts(gtts := Gtts())
            await guarded.place(a_gtt(5, "BUY"))
            await guarded.place(a_gtt(5, "SELL"))  # of shares in the demat account
            await stop_and_target(s)
            s.tick(65.0, after_s=2)
            await eventually(lambda: len(working(s)) == 1 and gtts.active() == [701])
            assert s.desk.trading_state is TradingState.REDUCING
            assert working(s) == [("SELL", 10, "SL")], "the stop stays, beside it there is nothing left to close"
            (told,) = await eventually(lambda: [text for text in s.notices if "resting orders cancelled: 2 (" in text])
            assert "GTTs deleted: 1" in told
            assert "SELL 10 INFY MIS at 120.00, order" in told and "BUY 100 INFY MIS at 50.00, order" in told

    arun(story())


def test_an_entry_that_turns_up_later_is_cancelled(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        broker = FaultyBroker()
        async with a_desk(broker=broker) as s:
            broker.on_order = None
            broker.place_faults = ["lost reply"]
            with pytest.raises(Unknown):
                await s.desk.submit(s.request("BUY", 7, order_type="LIMIT", price=RESTING))
            await s.desk.kill.reduce("test")
            await s.desk.reconcile("look")
            await eventually(lambda: not broker.live())

    arun(story())


def test_an_entry_gtt_that_comes_to_stand_later_is_deleted(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            guarded = s.desk.guard_gtts(gtts := Gtts())
            s.desk.kill.patience.gtts_again_s = 0.01
            gtts.lost = True
            with pytest.raises(Unknown):
                await guarded.place(a_gtt(5, "BUY"))
            await s.desk.kill.reduce("test")
            gtts.arrive()
            await eventually(lambda: gtts.rows and not gtts.active())

    arun(story())


def test_an_exit_that_nothing_is_left_for_is_cancelled(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        broker = FaultyBroker()
        async with a_desk(broker=broker) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.reconcile("test")
            stop = await s.desk.submit(s.request("SELL", 10, order_type="SL", price=88.0, trigger_price=90.0))
            await s.desk.kill.reduce("test")
            assert working(s)
            await broker.place(s.request("SELL", 10, tag="web"))
            await s.desk.reconcile("look")
            await eventually(lambda: stop.order_id not in broker.live())

    arun(story())


def test_nothing_is_taken_for_an_entry_before_positions_were_read(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await stop_and_target(s)
            s.desk.books.positions_at = None
            await s.desk.kill.reduce("test")
            await yields()
            assert len(working(s)) == 3

    arun(story())


def test_the_stop_of_a_cover_order_stays(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            leg = Order(order_id="leg", status="TRIGGER PENDING", exchange="NSE", tradingsymbol="INFY",
                        transaction_type="SELL", quantity=2, product="CO", order_type="SL-M", variety="co",
                        trigger_price=95.0, parent_order_id="first")  # fmt: skip
            s.broker.book["leg"] = [leg]
            s.desk.take_update(leg)
            s.desk.books.adopt("leg")
            await s.desk.kill.reduce("test")
            await yields()
            assert working(s) == [("SELL", 2, "SL-M")]

    arun(story())


def test_the_stop_of_an_entry_that_filled_in_part_is_made_smaller(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            entry = await s.desk.submit(s.request("BUY", 10, order_type="LIMIT", price=RESTING))
            s.broker.fill(entry.order_id, 4, RESTING)
            await s.desk.submit(s.request("SELL", 10, order_type="SL-M", trigger_price=45.0))
            await s.desk.reconcile("test")
            await s.desk.kill.reduce("test")
            await eventually(lambda: working(s) == [("SELL", 4, "SL-M")])
            assert any("stops made smaller: SELL 10 INFY MIS stop at 45.00" in text for text in s.notices)

    arun(story())


def test_the_stop_of_a_position_that_was_sold_in_part_is_made_smaller(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.submit(s.request("SELL", 10, order_type="SL-M", trigger_price=95.0))
            await s.desk.submit(s.request("SELL", 6))
            await s.desk.reconcile("test")
            await s.desk.kill.reduce("test")
            await eventually(lambda: working(s) == [("SELL", 4, "SL-M")])

    arun(story())


def test_of_the_stops_of_two_runs_that_net_the_one_that_closes_is_made_smaller(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.submit(s.request("SELL", 4))
            await s.desk.submit(s.request("SELL", 10, order_type="SL-M", trigger_price=95.0))
            await s.desk.submit(s.request("BUY", 4, order_type="SL-M", trigger_price=105.0))
            await s.desk.reconcile("test")
            await s.desk.kill.reduce("test")
            await eventually(lambda: working(s) == [("SELL", 6, "SL-M")])

    arun(story())


def test_a_stop_that_cannot_be_made_smaller_stays_and_is_named_once(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        broker = FaultyBroker()

        async def refuse(*_: Any) -> str:
            raise Rejected("modification is not allowed", "OrderException", 400)

        broker.modify = refuse  # type: ignore[method-assign]
        async with a_desk(broker=broker) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.submit(s.request("SELL", 10, order_type="SL-M", trigger_price=95.0))
            await s.desk.submit(s.request("SELL", 6))
            await s.desk.kill.reduce("test")
            await s.desk.reconcile("look")
            await eventually(lambda: any("could not be made smaller, it stays" in text for text in s.notices))
            await s.desk.reconcile("look again")
            await yields()
            assert working(s) == [("SELL", 10, "SL-M")]
            assert sum("could not be made smaller" in text for text in s.notices) == 1

    arun(story())


def test_a_stop_of_shares_bought_with_margin_stays(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await s.desk.submit(s.request("SELL", 10, order_type="SL-M", trigger_price=95.0, product="MTF"))
            await s.desk.reconcile("test")
            await s.desk.kill.reduce("test")
            await yields()
            assert working(s) == [("SELL", 10, "SL-M")]

    arun(story())


def test_an_exit_beside_a_stop_is_refused_with_the_stop_as_the_reason(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            await s.desk.submit(s.request("BUY", 10))
            await s.desk.submit(s.request("SELL", 10, order_type="SL-M", trigger_price=95.0))
            await s.desk.kill.reduce("test")
            with pytest.raises(Refused, match="working orders are to close 10 of it already: cancel or change them"):
                await s.desk.submit(s.request("SELL", 10))

    arun(story())
