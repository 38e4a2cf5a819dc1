"""GTTs where only exits pass, and under the kill switch: judged together, and not known to be gone before they are."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Offline, Refused, Unknown
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder, GttRequest
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.trading import reconcile
from alphapanda_desktop.trading.gttdoubts import unanswered_in
from alphapanda_desktop.trading.killrun import GTTS
from tests.fakes import NOON
from tests.trading.desk_fakes import FaultyBroker, a_desk, yields


class Gtts:
    """The broker's GTTs. What is asked for while `lost` is not answered, and stands when `arrive` is called."""

    def __init__(self) -> None:
        self.rows: dict[int, Gtt] = {}
        self.lost = False
        self.under_way: list[GttRequest] = []

    async def list(self) -> list[Gtt]:
        return list(self.rows.values())

    async def place(self, request: GttRequest) -> int:
        if self.lost:
            self.under_way.append(request)
            raise Unknown("no answer")
        return self._enter(request)

    def arrive(self) -> None:
        self._enter(self.under_way.pop())

    def _enter(self, request: GttRequest) -> int:
        id = 700 + len(self.rows)
        self.rows[id] = Gtt(
            id=id, type=request.type, status="active", exchange=request.exchange,
            tradingsymbol=request.tradingsymbol, trigger_values=request.trigger_values,
            last_price=request.last_price, orders=request.orders,
        )  # fmt: skip
        return id

    async def modify(self, id: int, request: GttRequest) -> int:
        self.rows[id] = replace(self.rows[id], orders=request.orders)
        return id

    async def delete(self, id: int) -> int:
        self.rows[id] = replace(self.rows[id], status="deleted")
        return id

    def active(self) -> list[int]:
        return [gtt.id for gtt in self.rows.values() if gtt.active]


def a_gtt(quantity: int = 10, side: Any = "SELL", *triggers: float) -> GttRequest:
    leg = GttOrder(transaction_type=side, quantity=quantity, price=94.0, product="CNC")
    at = triggers or (95.0,)
    return GttRequest(
        exchange="NSE", tradingsymbol="INFY", trigger_values=at, last_price=100.0, orders=(leg,) * len(at)
    )


async def holds(s: Any, quantity: int = 10) -> None:
    s.desk.books.take_holdings([])  # nothing of earlier days
    await s.desk.submit(s.request("BUY", quantity, product="CNC"))
    await s.desk.reconcile("test")


def test_where_only_exits_pass_gtts_are_held_to_what_is_held_together(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            guarded, venue = s.desk.guard_gtts(gtts := Gtts()), gtts
            await holds(s)
            await s.desk.kill.reduce("limit")
            first = await guarded.place(a_gtt(6, "SELL", 95.0, 110.0))  # of an OCO one leg fires
            await guarded.place(a_gtt(4))
            with pytest.raises(Refused, match="reducing"):
                await guarded.place(a_gtt(1))
            with pytest.raises(Refused, match="reducing"):
                await guarded.modify(first, a_gtt(7, "SELL", 95.0, 110.0))
            await guarded.modify(first, a_gtt(5, "SELL", 95.0, 110.0))
            assert len(venue.active()) == 2

    arun(story())


def test_a_working_exit_takes_the_room_of_a_gtt_where_only_exits_pass(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            guarded = s.desk.guard_gtts(Gtts())
            await holds(s)
            await s.desk.submit(s.request("SELL", 6, product="CNC", order_type="LIMIT", price=120.0))
            await guarded.place(a_gtt(10))  # a target and a stop of the same shares: one of them will fire
            await s.desk.kill.reduce("limit")
            with pytest.raises(Refused, match="reducing"):
                await guarded.place(a_gtt(1))

    arun(story())


def test_the_kill_switch_keeps_only_the_gtts_that_what_is_held_has_room_for(arun: Any) -> None:
    async def story() -> None:
        async with a_desk(broker=FaultyBroker()) as s:
            guarded = s.desk.guard_gtts(gtts := Gtts())
            await holds(s)
            for quantity in (4, 10, 6, 1):
                await guarded.place(a_gtt(quantity))
            report = await s.desk.kill.press("test", flatten=False)
            assert gtts.active() == [700, 702]
            assert [(t.ok, t.detail) for t in report.steps if t.name == GTTS] == [
                (True, "2 deleted; 2 that close a position stay")
            ]

    arun(story())


def test_a_gtt_without_an_answer_is_not_known_to_be_gone_until_it_has_come_and_was_deleted(
    arun: Any, eventually: Any
) -> None:
    async def story() -> None:
        async with a_desk() as s:
            guarded = s.desk.guard_gtts(gtts := Gtts())
            s.desk.kill.patience.gtts_again_s = 0.01
            gtts.lost = True
            with pytest.raises(Unknown):
                await guarded.place(a_gtt(5, "BUY"))
            report = await s.desk.kill.press("test", flatten=False)
            last = [t for t in report.steps if t.name == GTTS][-1]
            assert last.ok is None and "BUY 5 CNC NSE:INFY at 95" in last.detail and not report.clean
            gtts.arrive()
            await eventually(lambda: s.desk.kill.report.clean)
            told = s.desk.kill.report
            assert not gtts.active() and told.steps[-1].detail == "1 deleted"
            assert told.done_at >= told.steps[-1].at
            assert s.journal.event_rows[-1].detail["steps"][-1]["ok"] is True

    arun(story())


def test_a_gtt_without_an_answer_is_given_up_as_an_order_is(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            guarded = s.desk.guard_gtts(gtts := Gtts())
            s.desk.kill.patience.gtts_again_s = 0.01
            gtts.lost = True
            with pytest.raises(Unknown):
                await guarded.place(a_gtt(5, "BUY"))
            await s.desk.kill.press("test", flatten=False)
            s.clock.advance(reconcile.GIVE_UP_AFTER_S)
            await eventually(lambda: s.desk.kill.report.clean)

    arun(story())


def test_a_gtt_that_waits_for_its_turn_when_the_switch_is_pressed_never_leaves(arun: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            guarded = s.desk.guard_gtts(gtts := Gtts())
            s.desk.governor.back_off()
            placing = asyncio.ensure_future(guarded.place(a_gtt(5, "BUY")))
            await yields()
            report = await s.desk.kill.press("test", flatten=False)
            with pytest.raises(Refused):
                await placing
            assert report.clean and not gtts.rows

    arun(story())


def test_after_a_restart_a_gtt_that_nobody_had_answered_for_is_still_in_doubt(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        async with a_desk() as s:
            guarded = s.desk.guard_gtts(gtts := Gtts())
            gtts.lost = True
            with pytest.raises(Unknown):
                await guarded.place(a_gtt(5, "BUY"))
            await s.desk.kill.press("test", flatten=False)
            desk, runner = s.restart()
            desk.guard_gtts(gtts)
            desk.kill.patience.gtts_again_s = 0.01
            s.desk.kill.patience.gtts_again_s = 600.0
            await desk.open()
            await eventually(lambda: not desk.kill.at_work)
            assert not desk.kill.report.clean
            gtts.arrive()
            await eventually(lambda: desk.kill.report.clean)
            assert not gtts.active()
            runner.close()

    arun(story())


def test_an_answer_among_several_requests_answers_none_of_them() -> None:
    told = {"order": "NSE:INFY", "triggers": [95.0], "last_price": 100.0, "orders": [
        {"side": "BUY", "quantity": 5, "price": 94.0, "product": "CNC"}]}  # fmt: skip
    placed, answered = Event("gtt placed", NOON, told), Event("gtt answer", NOON + timedelta(seconds=2), {"answer": 7})
    later = replace(placed, at=NOON + timedelta(seconds=1))
    assert unanswered_in([placed], [answered]) == []
    assert [at for _, at, _ in unanswered_in([placed, later], [answered])] == [placed.at, later.at]
    lost = Event("gtt answer", NOON + timedelta(seconds=2), {"error": "Unknown"})
    assert unanswered_in([placed], [lost]) == [(a_gtt(5, "BUY"), NOON, 0)]


@pytest.mark.parametrize("error", [Offline("down"), Refused("no", "test")])
def test_a_clear_no_leaves_no_doubt(arun: Any, error: Exception) -> None:
    async def story() -> None:
        async with a_desk() as s:
            gtts = Gtts()
            gtts.place = lambda request: _raises(error)  # type: ignore[method-assign]
            guarded = s.desk.guard_gtts(gtts)
            with pytest.raises(type(error)):
                await guarded.place(a_gtt(5, "BUY"))
            assert (await s.desk.kill.press("test", flatten=False)).clean

    arun(story())


async def _raises(error: Exception) -> int:
    raise error
