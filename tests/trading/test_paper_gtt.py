"""GTTs on paper: when they fire, what they place, and what a restart still knows of them."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Fatal, Refused, Rejected
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.portfolio import Gtt, GttOrder, GttRequest, Gtts
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.trading.paper_gtt import PaperGtts, detail_of, gtt_of
from tests.trading.test_paper import INFY, Desk, _now

SELL = GttOrder(transaction_type="SELL", quantity=10, price=94.5, product="CNC")
STOP = GttRequest(exchange="NSE", tradingsymbol="INFY", trigger_values=(95.0,), last_price=100.0, orders=(SELL,))
OCO = replace(STOP, trigger_values=(95.0, 110.0), orders=(SELL, replace(SELL, price=110.0)))


@dataclass
class Standing:
    """A paper desk with its triggers and all that was noted."""

    desk: Desk = field(default_factory=Desk)
    notes: list[Event] = field(default_factory=list)
    wanted: list[Instrument] = field(default_factory=list)
    broken: bool = False

    def __post_init__(self) -> None:
        self.desk.tick(100, bids=[(99.95, 50)], asks=[(100.05, 50)])
        self.gtts = PaperGtts(self.desk.broker, self.desk.clock, self.note, self.want)

    async def note(self, event: Event) -> None:
        if self.broken:
            raise Fatal("the disk is full")
        self.notes.append(Event(event.kind, event.at, json.loads(json.dumps(event.detail))))

    def want(self, instruments: list[Instrument]) -> None:
        self.wanted = instruments

    def tick(self, price: float, **more: Any) -> None:
        self.gtts.on_tick(self.desk.tick(price, bids=[(price, 50)], asks=[(price + 0.05, 50)], **more))

    def only(self) -> Gtt:
        (gtt,) = _now(self.gtts.list())
        return gtt

    def fired(self) -> list[Order]:
        return [order for order in _now(self.desk.broker.orders()) if order.meta.get("gtt")]


def test_they_satisfy_the_port() -> None:
    port: Gtts = Standing().gtts
    assert _now(port.list()) == []


def test_a_single_trigger_fires_once_when_its_price_is_reached_or_passed() -> None:
    s = Standing()
    s.desk.place("BUY", 10, product="CNC")
    id_ = _now(s.gtts.place(STOP))
    assert [instrument.key for instrument in s.wanted] == [INFY.key]
    s.tick(95.05)
    assert s.only().active and s.fired() == []
    s.tick(94.8)
    (order,) = s.fired()
    assert (order.status, order.price, order.average_price, order.meta["gtt"]) == ("COMPLETE", 94.5, 94.8, id_)
    gtt = s.only()
    result = gtt.orders[0].result
    assert (gtt.status, result and result.status, result and result.order_id) == (
        "triggered", "success", order.order_id,
    )  # fmt: skip
    s.tick(90)
    assert len(s.fired()) == 1
    assert s.wanted == []


@pytest.mark.parametrize(("price", "leg"), [(94.0, 0), (110.0, 1), (115.0, 1)])
def test_exactly_one_leg_of_two_fires(price: float, leg: int) -> None:
    s = Standing()
    s.desk.place("BUY", 10, product="CNC")
    _now(s.gtts.place(OCO))
    s.tick(price)
    s.tick(95 if leg else 110)
    gtt = s.only()
    assert [order.result is not None for order in gtt.orders] == [leg == 0, leg == 1]
    assert len(s.fired()) == 1


def test_an_order_that_cannot_be_placed_leaves_its_reason() -> None:
    s = Standing()
    _now(s.gtts.place(replace(STOP, orders=(replace(SELL, price=94.53),))))
    s.tick(94)
    result = s.only().orders[0].result
    assert result is not None and result.status == "failed" and "Tick size" in result.rejection_reason
    assert s.fired() == []


def test_a_cached_tick_of_another_day_and_a_closed_market_fire_nothing() -> None:
    s = Standing()
    _now(s.gtts.place(STOP))
    yesterday = int((s.desk.clock.now() - timedelta(days=1)).timestamp())
    s.gtts.on_tick(replace_epoch(s.desk.tick(90), yesterday))
    assert s.only().active
    s.desk.clock.advance(6 * 3600)
    s.tick(90)
    assert s.only().active


def replace_epoch(tick: Any, epoch_s: int) -> Any:
    tick.exchange_epoch_s = epoch_s
    return tick


def test_changes_and_deletions_are_for_those_that_wait() -> None:
    s = Standing()
    id_ = _now(s.gtts.place(STOP))
    assert _now(s.gtts.modify(id_, OCO)) == id_
    assert (s.only().type, s.only().trigger_values) == ("two-leg", (95.0, 110.0))
    assert _now(s.gtts.delete(id_)) == id_
    assert s.only().status == "deleted"
    for late in (s.gtts.delete(id_), s.gtts.modify(id_, STOP), s.gtts.delete(7)):
        with pytest.raises(Rejected):
            _now(late)
    with pytest.raises(Refused, match="differ from the last price"):
        _now(s.gtts.place(replace(STOP, last_price=95.0)))
    with pytest.raises(Rejected, match="NSE:GONE"):
        _now(s.gtts.place(replace(STOP, tradingsymbol="GONE")))
    s.tick(80)
    assert s.fired() == []


def test_what_could_not_be_written_down_does_not_wait() -> None:
    s = Standing(broken=True)
    with pytest.raises(Fatal):
        _now(s.gtts.place(STOP))
    assert _now(s.gtts.list()) == []


def test_a_restart_knows_what_waits_and_what_has_fired() -> None:
    s = Standing()
    s.desk.place("BUY", 20, product="CNC")
    _now(s.gtts.place(STOP))
    second = _now(s.gtts.place(replace(STOP, trigger_values=(90.0,))))
    s.tick(94)
    again = Standing(desk=s.desk)
    again.gtts.restore(s.notes, _now(s.desk.broker.orders()))
    assert [gtt.status for gtt in _now(again.gtts.list())] == ["triggered", "active"]
    again.tick(93)
    assert len(again.fired()) == 1, "what fired in the moment of a crash is known by its order"
    again.tick(89)
    assert [order.meta["gtt"] for order in again.fired()][-1] == second


def test_what_fires_is_written_down_by_the_runner(arun: Any, eventually: Any) -> None:
    s = Standing()

    async def story() -> None:
        import asyncio

        async with asyncio.TaskGroup() as group:
            running = group.create_task(s.gtts.run())
            await s.gtts.place(STOP)
            s.tick(94)
            await eventually(lambda: len(s.notes) == 2)
            running.cancel()

    arun(story())
    assert [gtt_of(event.detail).status for event in s.notes] == ["active", "triggered"]


def test_the_journals_form_of_a_gtt_loses_nothing() -> None:
    s = Standing()
    _now(s.gtts.place(OCO))
    s.tick(94)
    gtt = s.only()
    assert gtt_of(json.loads(json.dumps(detail_of(gtt)))) == gtt


def test_a_trigger_expires_after_a_year_and_an_ended_one_leaves_the_list_after_a_week() -> None:
    s = Standing()
    id_ = _now(s.gtts.place(STOP))
    s.desk.clock.advance(366 * 86_400)
    assert [(gtt.id, gtt.status) for gtt in _now(s.gtts.list())] == [(id_, "expired")]
    s.desk.clock.advance(8 * 86_400)
    assert _now(s.gtts.list()) == []
