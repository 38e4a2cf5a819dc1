"""The desk's picture of the account: orders, intents on their way, fills, positions, funds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Final

from alphapanda_desktop.domain.orders import INTENDED, UNKNOWN, Fill, Order, OrderBook, OrderRequest
from alphapanda_desktop.domain.portfolio import Holding
from alphapanda_desktop.domain.ports import Funds
from alphapanda_desktop.domain.positions import DELIVERY, Position, closable
from alphapanda_desktop.trading.gttdoubts import GttDoubts

SLICE_OF: Final = "autoslice:"
"""What the tag of a slice begins with, before its parent's id.  Source: CONTRACT 2.7."""

COVER: Final = "CO"
"""The product under which a cover order and what it buys are booked, whatever was asked for.  Source: CONTRACT 2.4."""

Place = tuple[str, str, str]
"""Exchange, tradingsymbol and the product that it is booked under: a position can be closed only as itself."""


def place_of(order: Order | OrderRequest) -> Place:
    """The position that an order makes or closes."""
    return (order.exchange, order.tradingsymbol, COVER if order.variety == "co" else order.product)


def left_of(order: Order) -> int:
    """Units that an order may still fill, an iceberg's legs that are yet to come among them.  Source: CONTRACT 2.7."""
    legs = order.meta.get("iceberg")
    later = legs.get("remaining_quantity") if isinstance(legs, Mapping) and order.live else 0
    return order.open_quantity + (later if isinstance(later, int) else 0)


class Books:
    """State only: what the broker has said, and what we have asked without an answer yet."""

    def __init__(self) -> None:
        self.book = OrderBook()
        self.positions: list[Position] = []
        self.positions_at: datetime | None = None
        self.funds: list[Funds] = []
        self.reading_failed = ""
        """Why the broker's books could not be read when that was tried last, empty where they could."""
        self.orders_read = 0
        """How often orders and executions were read since the link or the login was new; 0 where not yet."""
        self._holdings: Counter[tuple[str, str]] | None = None
        """Shares in the demat account when the day began, by symbol and product; None until they were read today."""
        self.missing_since_s: dict[str, float] = {}
        """When an intent was first found missing from the broker's book, by tag and a clock that nobody sets."""
        self._read_at: dict[str, int] = {}
        """Filled quantity by order id when the positions were asked for."""
        self._pending: dict[str, Order] = {}
        self._asked: dict[str, Order] = {}
        """Every intent's first row by tag."""
        self._fills: dict[tuple[str, str, str], Fill] = {}
        self._runs: dict[str, str] = {}
        self._reasons: dict[str, str] = {}
        self._wanted: dict[str, int] = {}
        """Units that an order could still fill after changes whose outcome was not read yet, by its id."""
        self._changes = Counter[str]()
        """Changes of an order that are under way, by its id."""
        self.gtt_doubts = GttDoubts()
        self._gtts: set[int] = set()
        self._fired: dict[str, int] = {}
        self._adopted: set[str] = set()
        """Orders made elsewhere that a person, or the policy, took for ours."""

    def orders(self) -> list[Order]:
        """Newest first; intents without an order id before the book's rows of the same moment."""
        rows = [*self._pending.values(), *self.book]
        return sorted(rows, key=self._moment, reverse=True)

    def fills(self) -> list[Fill]:
        """Newest first."""
        return sorted(self._fills.values(), key=lambda f: (str(f.fill_timestamp), f.trade_id), reverse=True)

    def run_of(self, order: Order) -> str:
        """Run id of the strategy that asked for it, empty for an order by hand or from elsewhere."""
        return self._runs.get(self._intent(order), "")

    def reason_of(self, order: Order) -> str:
        return self._reasons.get(self._intent(order), "")

    def ours(self, order: Order) -> bool:
        """Whether this program asked for it, in this or an earlier run of today, by a GTT too, or it was adopted."""
        return self._intent(order) in self._runs or self.adopted(order) or self.of_gtt(order)

    def own_gtt(self, id: int) -> None:
        """Know a GTT that this program made or changed: what it places is ours."""
        self._gtts.add(id)

    def gtt_fired(self, id: int, order_id: str) -> None:
        """A GTT, ours or not, has placed that order."""
        self._fired[order_id] = id

    def of_gtt(self, order: Order) -> bool:
        """Whether a GTT of ours placed it."""
        return self.gtt_of(order) in self._gtts

    def gtt_of(self, order: Order) -> int:
        """Id of the GTT that placed it, 0 for none.  Source: CONTRACT 2.13, an order's `meta`."""
        told = order.meta.get("gtt") or self._fired.get(order.order_id, 0)
        return int(told) if isinstance(told, int | float) or (isinstance(told, str) and told.isdecimal()) else 0

    def adopt(self, order_id: str) -> None:
        """Take an order that was made elsewhere for one of ours, by hand."""
        self._adopted.add(order_id)

    def adopted(self, order: Order) -> bool:
        """Whether it was made elsewhere and taken for ours."""
        return order.order_id in self._adopted

    def _intent(self, order: Order) -> str:
        """Tag of the intent behind it, empty when it was made elsewhere.

        What Kite makes of one order (slices, a cover order's second leg) is of the same intent.  Source: CONTRACT 2.7.
        """
        tag = next((tag for tag in (order.tag, *order.tags) if tag in self._runs), None)
        if tag is not None:
            return tag
        sliced = next((t.removeprefix(SLICE_OF) for t in order.tags if t.startswith(SLICE_OF)), "")
        parent = self.book.get(order.parent_order_id or sliced)
        return self._intent(parent) if parent is not None and parent.order_id != order.order_id else ""

    def of_run(self, run_id: str) -> list[Order]:
        """Orders of one strategy run, intents included, oldest first."""
        return [order for order in reversed(self.orders()) if self.run_of(order) == run_id]

    def knows(self, tag: str) -> bool:
        """Whether an intent of that tag was made before."""
        return tag in self._runs

    def squares_off(self, order: Order) -> bool:
        """Whether the broker placed it to close a position of the day at the end of it."""
        return bool(order.meta.get("square_off"))

    def new_day(self) -> None:
        """Forget what the broker said of an earlier day: its book begins anew, and ours with it.

        What is on its way, or got no answer, is of the day whose book will have it.
        """
        self.book = OrderBook()
        self.orders_read = 0
        self._pending = {tag: order for tag, order in self._pending.items() if order.live}
        self._fills.clear()
        self._holdings = None
        self._read_at.clear()
        self._wanted.clear()
        self._adopted.clear()
        self._fired.clear()

    def remember(self, request: OrderRequest) -> None:
        """Know whose order a tag is."""
        self._runs[request.tag] = request.strategy
        self._reasons[request.tag] = request.reason

    def intend(self, request: OrderRequest, at: datetime) -> Order:
        """A row for an order that is on its way."""
        self.remember(request)
        order = Order(
            order_id="",
            status=INTENDED,
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            transaction_type=request.transaction_type,
            quantity=request.quantity,
            product=place_of(request)[2],
            order_type=request.order_type,
            variety=request.variety,
            validity=request.validity,
            instrument_token=request.instrument_token,
            price=request.price or 0.0,
            trigger_price=request.trigger_price or 0.0,
            pending_quantity=request.quantity,
            order_timestamp=at,
            tag=request.tag,
            tags=(request.tag,),
        )
        self._pending[request.tag] = self._asked[request.tag] = order
        return order

    def unanswered(self) -> list[Order]:
        """Intents of which the broker has not told yet and that may exist there."""
        return [order for order in self._pending.values() if order.live]

    def pending(self, tag: str) -> Order | None:
        """The row of an intent without an order id, whatever became of it."""
        return self._pending.get(tag)

    def undecided(self, tag: str) -> bool:
        """Whether the intent may yet turn out to be an order or not."""
        order = self._pending.get(tag)
        return order is not None and order.live

    def mark_unknown(self, tag: str, why: str) -> Order | None:
        return self._mark(tag, UNKNOWN, why)

    def mark_rejected(self, tag: str, why: str) -> Order | None:
        """The row of an intent that did not become an order; it stays to be read."""
        return self._mark(tag, "REJECTED", why)

    def _mark(self, tag: str, status: str, why: str) -> Order | None:
        order = self._pending.get(tag)
        if order is None:
            return None
        ended = status == "REJECTED"
        self._pending[tag] = replace(
            order, status=status, status_message=why, pending_quantity=0 if ended else order.quantity
        )
        return self._pending[tag]

    def accepted(self, tag: str, order_id: str) -> Order:
        """The broker gave an order id: the row enters the book unless an update was there first."""
        self._pending.pop(tag, None)
        known = self.book.get(order_id)
        if known is not None:
            # An update need not carry the tag, and whose order it is hangs on that.
            return known if known.tag else self.book.apply(replace(known, tag=tag, tags=(tag,))) or known
        # Without a time: ours must not be compared with Kite's, which tells only seconds of another clock.
        row = replace(self._asked[tag], order_id=order_id, status="PUT ORDER REQ RECEIVED", order_timestamp=None)
        return self.book.apply(row) or row

    def apply(self, order: Order) -> Order | None:
        """Take what the broker says of an order; the row as it now stands if that was news."""
        changed = self.book.apply(order)
        for tag in (order.tag, *order.tags):
            if tag:
                self._pending.pop(tag, None)
        return changed

    def take_fills(self, fills: Iterable[Fill]) -> list[Fill]:
        """Remember fills; those that were new, in the order given."""
        new: list[Fill] = []
        for fill in fills:
            if fill.id not in self._fills:
                self._fills[fill.id] = fill
                new.append(fill)
        return new

    def lacks_fills(self) -> bool:
        """Whether an order tells of more filled than the fills that were read add up to."""
        read = Counter[str]()
        for fill in self._fills.values():
            read[fill.order_id] += fill.quantity
        return any(order.filled_quantity > read[order.order_id] for order in self.book)

    def filled_so_far(self) -> dict[str, int]:
        """Filled quantity by order id; taken before the positions are asked for."""
        return {order.order_id: order.filled_quantity for order in self.book if order.filled_quantity}

    def take_positions(self, positions: Sequence[Position], at: datetime, read_at: Mapping[str, int]) -> None:
        """Positions that the broker gave when exactly `read_at` had filled, not a unit more or less."""
        self.positions, self.positions_at, self._read_at = list(positions), at, dict(read_at)

    def take_holdings(self, rows: Iterable[Holding]) -> None:
        """The demat account as the broker tells of it; what was sold today is told by the positions."""
        self._holdings = Counter()
        for row in rows:
            self._holdings[row.tradingsymbol, "CNC"] += max(row.opening_quantity, row.held)
            self._holdings[row.tradingsymbol, "MTF"] += row.mtf_quantity

    def in_holdings(self, where: Place) -> int | None:
        """Shares that lay in the demat account before today's trades, on whichever exchange; None where unread."""
        _, symbol, product = where
        if product not in DELIVERY:
            return 0
        return None if self._holdings is None else self._holdings[symbol, product]

    def carries(self, where: Place) -> bool:
        """Whether the broker keeps it among the positions although it is of earlier days: they tell what is left."""
        return any(position.id == where and position.overnight_quantity for position in self.positions)

    def closable(self, where: Place, sign: int) -> int | None:
        """Units that orders of that sign can only close, all together; None where only the broker knows how many."""
        return closable(where[2], sign, self.held(*where), self.in_holdings(where))

    def why_behind(self) -> str:
        """Why the result of the day is not known: orders have filled that the positions cannot be read for."""
        if not self.reading_failed:
            return ""
        news = sum(abs(n - self._read_at.get(order_id, 0)) for order_id, n in self.filled_so_far().items())
        if not news:
            return ""
        return f"{news} units have filled since the positions were read, and now they cannot be: {self.reading_failed}"

    def explain(self, positions: Sequence[Position]) -> bool:
        """Whether the orders that are known filled just what these rows say was bought and sold today."""
        filled, told = Counter[tuple[Place, int]](), Counter[tuple[Place, int]]()
        for order in self.book:
            filled[place_of(order), order.sign] += order.filled_quantity
        for position in positions:
            told[position.id, 1] += position.day_buy_quantity
            told[position.id, -1] += position.day_sell_quantity
        return +filled == +told

    def held(self, exchange: str, tradingsymbol: str, product: str) -> int:
        """Signed quantity of one position, with what has filled since the positions were read."""
        where = (exchange, tradingsymbol, product)
        news = sum(o.sign * (o.filled_quantity - self._read_at.get(o.order_id, 0)) for o in self._at(where, self.book))
        return news + sum(p.quantity for p in self.positions if p.id == where)

    def working(self, exchange: str, tradingsymbol: str, product: str) -> tuple[int, int]:
        """What live orders of one instrument and product may still buy and sell, those on their way included."""
        return self.open_of(self._at((exchange, tradingsymbol, product), self.live()))

    def live(self) -> list[Order]:
        """Orders to which something can still happen, those on their way included, in no order."""
        return [o for o in (*self._pending.values(), *self.book.working()) if o.live]

    def open_of(self, orders: Iterable[Order]) -> tuple[int, int]:
        """What these orders may still buy and sell, as they would after the changes of them that are under way."""
        rows = [(order.sign, self.counted(order)) for order in orders if order.live]
        return sum(units for sign, units in rows if sign > 0), sum(units for sign, units in rows if sign < 0)

    def counted(self, order: Order) -> int:
        """Units that an order may still fill, before a change of it whose outcome is not known, or after it."""
        return max(left_of(order), self._wanted.get(order.order_id, 0))

    @contextmanager
    def changing(self, order: Order, units: int) -> Iterator[bool]:
        """Count an order as able to fill so many units, from now until a look at the book tells; whether it grows."""
        id, grows = order.order_id, units > left_of(order)
        self._wanted[id] = max(self._wanted.get(id, 0), units)
        self._changes[id] += 1
        try:
            yield grows
        finally:
            self._changes[id] -= 1

    def looked_at(self, order: Order) -> None:
        """The broker's book was read and has the order so: what was wanted of it before has come about, or never."""
        if not self._changes[order.order_id] and (order.changeable or not order.live):
            self._wanted.pop(order.order_id, None)

    @staticmethod
    def _at(where: Place, orders: Iterable[Order]) -> list[Order]:
        return [order for order in orders if place_of(order) == where]

    def _moment(self, order: Order) -> tuple[float, str]:
        asked = self._asked.get(order.tag or "")
        at = order.order_timestamp or (asked.order_timestamp if asked else None)
        return (at.timestamp() if at else 0.0, order.order_id or "~")
