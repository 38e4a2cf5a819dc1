"""Brackets over a run's context, order by order: partial fills, refusals and exits never leave two that close it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.stops import kept_by
from tests.trading.test_stops import INFY, Desk


@pytest.fixture
def desk() -> Desk:
    return Desk()


def enters(desk: Desk, quantity: int = 10, **more: Any) -> OrderRequest:
    desk.ctx.bracket(INFY, quantity, **{"stop": 97.0, "target": 104.0, "reason": "in"} | more)
    return desk.asked[-1]


def closing(desk: Desk) -> int:
    """Units that orders at work would close."""
    return sum(order.open_quantity for order in desk.ctx.working(INFY) if order.transaction_type == "SELL")


def guarded(desk: Desk) -> list[tuple[int, float]]:
    return [(stop.quantity, stop.trigger) for kept in kept_by([desk.run]) for stop in kept.stops()]


def test_the_target_follows_an_entry_that_fills_in_parts(desk: Desk) -> None:
    entry = enters(desk)
    desk.says(entry, "OPEN", filled=4)
    first = desk.asked[-1]
    assert (first.quantity, first.price, closing(desk), guarded(desk)) == (4, 104.0, 4, [(4, 97.0)])
    desk.says(first, "OPEN")
    desk.says(entry, "COMPLETE", filled=10)
    assert (desk.cancelled, closing(desk), guarded(desk)) == ([first.tag], 4, [(10, 97.0)])
    desk.says(first, "CANCELLED")
    assert (desk.asked[-1].quantity, closing(desk)) == (10, 10)


def test_many_small_fills_make_few_orders(desk: Desk) -> None:
    entry = enters(desk)
    for filled in range(1, 9):
        desk.says(entry, "OPEN", filled=filled)
        desk.says(desk.asked[1], "OPEN")
    assert (len(desk.asked), desk.cancelled, closing(desk)) == (2, [], 1)
    desk.tick(101.0, 0.5)
    assert desk.cancelled == []
    desk.tick(101.0, 0.5)
    assert desk.cancelled == [desk.asked[1].tag]
    desk.says(desk.asked[1], "CANCELLED")
    assert (len(desk.asked), closing(desk)) == (3, 8)
    desk.says(desk.asked[2], "OPEN")
    desk.says(entry, "COMPLETE", filled=10)
    desk.says(desk.asked[2], "CANCELLED")
    assert (len(desk.asked), closing(desk)) == (4, 10)


def test_a_target_that_fills_while_it_is_resized_is_counted(desk: Desk) -> None:
    entry = enters(desk)
    desk.says(entry, "OPEN", filled=4)
    first = desk.asked[-1]
    desk.says(first, "OPEN")
    desk.says(entry, "COMPLETE", filled=10)
    desk.says(first, "COMPLETE", filled=4)
    assert (desk.asked[-1].quantity, closing(desk)) == (6, 6)


def test_a_stop_that_fires_on_a_part_takes_back_target_and_the_rest_of_the_entry(desk: Desk) -> None:
    entry = enters(desk)
    desk.says(entry, "OPEN", filled=4)
    target = desk.asked[-1]
    desk.says(target, "OPEN")
    desk.tick(96.0, 1.0)
    assert desk.cancelled == [target.tag] and len(desk.asked) == 2
    desk.says(target, "CANCELLED")
    exit_ = desk.asked[-1]
    assert (exit_.order_type, exit_.quantity, closing(desk)) == ("MARKET", 4, 4)
    desk.says(exit_, "COMPLETE", filled=4)
    assert desk.cancelled == [target.tag, entry.tag]
    desk.says(entry, "CANCELLED", filled=4)
    assert (closing(desk), guarded(desk), len(desk.asked)) == (0, [], 3)


def test_what_fills_after_a_brackets_end_is_closed_at_once(desk: Desk) -> None:
    entry = enters(desk)
    desk.says(entry, "OPEN", filled=4)
    target = desk.asked[-1]
    desk.says(target, "COMPLETE", filled=4)
    assert desk.cancelled == [entry.tag]
    desk.says(entry, "COMPLETE", filled=10)
    assert (desk.last(), desk.asked[-1].reason) == (("SELL", 6, "MARKET"), "filled after its end: in")
    desk.says(desk.asked[-1], "COMPLETE", filled=6)
    assert (desk.ctx.position(INFY).quantity, closing(desk), len(desk.asked)) == (0, 0, 3)


def test_a_target_that_is_refused_is_not_tried_again_and_the_stop_goes_on(desk: Desk) -> None:
    entry = enters(desk)
    desk.says(entry, "COMPLETE", filled=10)
    desk.says(desk.asked[-1], "REJECTED")
    assert (len(desk.asked), guarded(desk)) == (2, [(10, 97.0)])
    assert "target was rejected and is not put again; its stop goes on" in desk.log()
    desk.tick(96.9, 1.0)
    assert desk.last() == ("SELL", 10, "MARKET")


def test_a_target_is_no_greater_than_what_a_person_has_left(desk: Desk) -> None:
    entry = enters(desk)
    desk.says(entry, "COMPLETE", filled=10)
    target = desk.asked[-1]
    desk.says(target, "OPEN")
    by_hand = OrderRequest(
        exchange="NSE", tradingsymbol="INFY", transaction_type="SELL", quantity=4, product="MIS", order_type="LIMIT",
        price=101.0, tag="by hand", instrument_token=INFY.instrument_token,
    )  # fmt: skip
    desk.says(by_hand, "OPEN")
    assert desk.cancelled == [target.tag], "both together would close more than is held"
    desk.says(target, "CANCELLED")
    desk.says(by_hand, "COMPLETE", filled=4)
    assert (desk.asked[-1].quantity, closing(desk)) == (6, 6)


def test_an_exit_that_waits_lets_no_target_come_in_between(desk: Desk) -> None:
    entry = enters(desk)
    desk.says(entry, "OPEN", filled=4)
    target, stop = desk.asked[-1], desk.stops_at_broker(quantity=4)
    desk.says(target, "OPEN")
    desk.ctx.exit(INFY, reason="out")
    desk.says(target, "CANCELLED")
    assert desk.asked[-1] is stop, "the exit waits for the stop at the broker, and nothing is put meanwhile"
    desk.says(entry, "OPEN", filled=6)
    assert (desk.asked[-1] is stop, entry.tag in desk.cancelled) == (True, True)
    desk.says(stop, "CANCELLED")
    assert desk.last() == ("SELL", 6, "MARKET")


def test_a_target_in_several_orders_is_one(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    entry = enters(desk)
    desk.says(entry, "OPEN", filled=4)
    first = desk.asked[-1]
    desk.says(first, "OPEN")
    desk.says(entry, "COMPLETE", filled=10)
    parts: list[OrderRequest] = []

    def cut(request: OrderRequest, _cause: Any) -> None:
        parts[:] = [replace(request, quantity=6), replace(request, tag="part 2", quantity=4)]
        desk.ctx.note_slices(request, [part.tag for part in parts])
        for part in parts:
            desk.says(part, "INTENDED", order_id="")

    monkeypatch.setattr(desk.ctx, "_submit", cut)
    desk.says(first, "CANCELLED")
    for part in parts:
        desk.says(part, "OPEN")
    assert (closing(desk), desk.cancelled) == (10, [first.tag])
    desk.says(parts[0], "COMPLETE", filled=6)
    assert (closing(desk), desk.cancelled, guarded(desk)) == (4, [first.tag], [(4, 97.0)])
    desk.says(parts[1], "COMPLETE", filled=4)
    assert (desk.ctx.position(INFY).quantity, guarded(desk), desk.cancelled) == (0, [], [first.tag])


def test_after_the_runs_end_no_target_is_put_and_the_stop_goes_on(desk: Desk) -> None:
    entry = enters(desk)
    desk.run.state = RunState.STOPPING
    desk.says(entry, "COMPLETE", filled=10)
    assert len(desk.asked) == 1


def test_a_refused_target_quantity_is_not_asked_for_with_every_tick(desk: Desk) -> None:
    for _ in range(30):
        desk.ctx.target(INFY, 10, reason="in")
        if desk.asked[-1].tag and desk.run.orders[desk.asked[-1].tag].live:
            desk.says(desk.asked[-1], "REJECTED")
    assert len(desk.asked) == 1
    desk.clock.advance(5.0)
    assert desk.ctx.target(INFY, 10, reason="in") is not None
    desk.says(desk.asked[-1], "REJECTED")
    assert desk.ctx.target(INFY, 11, reason="another quantity is another wish") is not None


def test_what_is_held_as_another_product_is_given_back_as_that(desk: Desk) -> None:
    desk.holds(10, product="CNC")
    desk.ctx.target(INFY, 4, reason="less")
    assert (desk.asked[-1].product, desk.last()) == ("CNC", ("SELL", 6, "MARKET"))


def test_a_stop_that_is_put_to_the_broker_takes_the_targets_place(desk: Desk) -> None:
    entry = enters(desk)
    desk.says(entry, "COMPLETE", filled=10)
    target = desk.asked[-1]
    desk.says(target, "OPEN")
    stop = desk.stops_at_broker(trigger=97.0)
    assert desk.cancelled == [target.tag]
    desk.says(target, "CANCELLED")
    assert (closing(desk), desk.asked[-1]) == (10, stop)
