"""Whatever the broker and the market do, in any order, a bracket never sells more than it bought."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.trading.test_stops import INFY, Desk

QUANTITY = 10
Event = tuple[str, int, int]
EVENTS = st.tuples(
    st.sampled_from(["accept", "fill", "fill", "cancelled", "refuse", "tick", "exit", "wait"]),
    st.integers(0, 5),
    st.integers(1, QUANTITY),
)


class Exchange:
    """Answers each order that was asked for, as drawn; a cancellation may be overtaken by a fill."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.desk.ctx.bracket(INFY, QUANTITY, stop=97.0, target=104.0, reason="in")

    def do(self, event: Event) -> None:
        what, which, count = event
        if what == "tick":
            self.desk.tick(94.0 + 2 * which, 0.5)
        elif what == "wait":
            self.desk.tick(100.0, 6.0)
        elif what == "exit":
            self.desk.ctx.exit(INFY, reason="out")
        else:
            self._answer(what, which, count)

    def _answer(self, what: str, which: int, count: int) -> None:
        live = [request for request in self.desk.asked if self.desk.run.orders[request.tag].live]
        if not live:
            return
        request = live[which % len(live)]
        known = self.desk.run.orders[request.tag]
        if what == "accept" and not known.order_id:
            self.desk.says(request, "OPEN")
        elif what == "fill":
            filled = min(request.quantity, known.filled_quantity + count)
            self.desk.says(request, "COMPLETE" if filled == request.quantity else "OPEN", filled)
        elif what == "cancelled" and request.tag in self.desk.cancelled:
            self.desk.says(request, "CANCELLED", known.filled_quantity)
        elif what == "refuse" and not known.order_id:
            self.desk.says(request, "REJECTED")

    def check(self) -> None:
        held = self.desk.ctx.position(INFY).quantity
        working = self.desk.ctx.working(INFY)
        selling = sum(order.open_quantity for order in working if order.sign < 0)
        bought = sum(order.filled_quantity for order in self.desk.run.orders.values() if order.sign > 0)
        assert 0 <= held <= bought <= QUANTITY
        assert selling <= held, "all that would close must not be more than is held"


@settings(max_examples=80, deadline=None)
@given(st.lists(EVENTS, min_size=5, max_size=60))
def test_a_bracket_never_closes_more_than_it_opened(events: list[Event]) -> None:
    exchange = Exchange()
    for event in events:
        exchange.do(event)
        exchange.check()


@settings(max_examples=30, deadline=None)
@given(st.lists(EVENTS, max_size=40))
def test_a_bracket_whose_orders_are_all_answered_ends_flat(events: list[Event]) -> None:
    exchange = Exchange()
    for event in events:
        exchange.do(event)
    for _ in range(30):  # from now on the broker answers everything, and the price is through the stop
        exchange.do(("wait", 0, 0))
        exchange.desk.tick(95.0, 6.0)
        for request in list(exchange.desk.asked):
            known = exchange.desk.run.orders[request.tag]
            if known.live and request.tag in exchange.desk.cancelled:
                exchange.desk.says(request, "CANCELLED", known.filled_quantity)
            elif known.live and request.order_type != "LIMIT":
                exchange.desk.says(request, "COMPLETE", request.quantity)
            elif known.live and not known.order_id:
                exchange.desk.says(request, "OPEN")
        exchange.check()
    assert exchange.desk.ctx.position(INFY).quantity == 0
    assert exchange.desk.ctx._brackets.on(INFY) is None
