"""A book that hears of an exchange late, twice, in any order or not at all, against the exchange itself."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, MultipleResults, RuleBasedStateMachine, initialize, invariant, multiple, rule

from alphapanda_desktop.domain.orders import TERMINAL, Order, OrderBook

T0 = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
QUANTITY = 10
ON_THE_WAY = {
    "PUT ORDER REQ RECEIVED": "VALIDATION PENDING",
    "VALIDATION PENDING": "OPEN PENDING",
}
IDS = st.sampled_from(["1", "2"])
TOUCHED = ("MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "CANCEL PENDING")
TOUCHABLE = ("TRIGGER PENDING", "OPEN", *TOUCHED)


class AnExchange(RuleBasedStateMachine):
    """Orders move on at the exchange by rules; the book hears of it by others."""

    told = Bundle("told")
    """Pictures that were true once and may arrive now, again, or never."""

    @initialize(target=told)
    def two_orders(self) -> MultipleResults[Order]:
        self.second = 0
        self.true: dict[str, Order] = {}
        self.heard: dict[str, list[Order]] = {}
        self.rests_in = {"1": "OPEN", "2": "TRIGGER PENDING"}
        self.book = OrderBook()
        return multiple(self._placed("1", "LIMIT"), self._placed("2", "SL"))

    def _placed(self, order_id: str, order_type: str) -> Order:
        return self._now(
            Order(
                order_id=order_id,
                status="PUT ORDER REQ RECEIVED",
                exchange="NSE",
                tradingsymbol="INFY",
                transaction_type="BUY",
                quantity=QUANTITY,
                product="MIS",
                order_type=order_type,
                price=100.0,
                tag=f"tag{order_id}",
            )
        )

    # --- the exchange ---------------------------------------------------------------------------------------------

    @rule()
    def a_second_passes(self) -> None:
        self.second += 1

    @rule(target=told, order_id=IDS, heard=st.booleans())
    def go_on(self, order_id: str, heard: bool) -> Order:
        """The next step of an order's life that needs nobody."""
        order = self.true[order_id]
        if not order.live:
            return order
        status = ON_THE_WAY.get(order.status, self.rests_in[order_id])
        if order.status == "TRIGGER PENDING":
            status = self.rests_in[order_id] = "OPEN"
        return self._now(replace(order, status=status), heard)

    @rule(target=told, order_id=IDS, part=st.integers(1, QUANTITY), heard=st.booleans())
    def trade(self, order_id: str, part: int, heard: bool) -> Order:
        order = self.true[order_id]
        if order.status not in ("OPEN", *TOUCHED) or self.rests_in[order_id] != "OPEN":
            return order
        filled = min(QUANTITY, order.filled_quantity + part)
        status = "COMPLETE" if filled == QUANTITY else order.status
        return self._now(replace(order, status=status, filled_quantity=filled, average_price=100.0), heard)

    @rule(target=told, order_id=IDS, step=st.sampled_from(TOUCHED), price=st.integers(90, 110), heard=st.booleans())
    def touch(self, order_id: str, step: str, price: int, heard: bool) -> Order:
        """A step of a modification or cancellation."""
        order = self.true[order_id]
        if order.status not in TOUCHABLE:
            return order
        if step == "MODIFIED":
            order = replace(order, price=float(price), modified=True)
        return self._now(replace(order, status=step), heard)

    @rule(target=told, order_id=IDS, status=st.sampled_from(["CANCELLED", "REJECTED", "LAPSED"]), heard=st.booleans())
    def end(self, order_id: str, status: str, heard: bool) -> Order:
        order = self.true[order_id]
        if not order.live or not self.second:
            return order
        return self._now(replace(order, status=status, cancelled_quantity=QUANTITY - order.filled_quantity), heard)

    # --- what the book hears --------------------------------------------------------------------------------------

    @rule(picture=told, bare=st.booleans())
    def arrive(self, picture: Order, bare: bool) -> None:
        """One picture, new or old; a snapshot comes without its tag."""
        self._hear(replace(picture, tag=None) if bare else picture)

    @rule(data=st.data())
    def read_the_book(self, data: st.DataObject) -> None:
        """The broker's whole book: afterwards ours says the same."""
        for order in data.draw(st.permutations(list(self.true.values()))):
            self._hear(order)
        assert len(self.book) == len(self.true)
        for order in self.true.values():
            assert self.book.get(order.order_id) == order

    # --- what always holds ----------------------------------------------------------------------------------------

    @invariant()
    def filled_is_the_most_that_was_heard(self) -> None:
        for order in self.book:
            assert order.filled_quantity == max(o.filled_quantity for o in self.heard[order.order_id])

    @invariant()
    def what_has_ended_stays_ended(self) -> None:
        for order in self.book:
            ends = [o.status for o in self.heard[order.order_id] if o.status in TERMINAL]
            assert order.live == (not ends)
            assert not ends or (order.status == ends[0] and order.open_quantity == 0)

    @invariant()
    def a_tag_finds_its_order_and_is_never_lost(self) -> None:
        for order_id, pictures in self.heard.items():
            row = self.book.get(order_id)
            assert row is not None
            assert row.tag == f"tag{order_id}" or not pictures[0].tag
            assert not row.tag or self.book.by_tag(row.tag) is row

    @invariant()
    def a_row_says_nothing_that_was_never_heard(self) -> None:
        for order in self.book:
            heard = self.heard[order.order_id]
            assert any(
                (o.status, o.price, o.order_timestamp) == (order.status, order.price, order.order_timestamp)
                for o in heard
            )

    @invariant()
    def working_orders_are_those_that_live(self) -> None:
        assert self.book.working() == [order for order in self.book if order.status not in TERMINAL]

    # --- how -------------------------------------------------------------------------------------------------------

    def _hear(self, picture: Order) -> None:
        self.heard.setdefault(picture.order_id, []).append(picture)
        before = self.book.get(picture.order_id)
        news = self.book.apply(picture)
        now = self.book.get(picture.order_id)
        assert news is None or news is now
        assert news is not None or now is before

    def _now(self, order: Order, heard: bool = False) -> Order:
        at = T0 + timedelta(seconds=self.second)
        reached = order.status not in ("PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING")
        order = replace(order, order_timestamp=at, exchange_update_timestamp=at if reached else None)
        self.true[order.order_id] = order
        if heard:
            self._hear(order)
        return order


AnExchange.TestCase.settings = settings(max_examples=300, stateful_step_count=30)
TestABookThatHearsOfAnExchange = AnExchange.TestCase
