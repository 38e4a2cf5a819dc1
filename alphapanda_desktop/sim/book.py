"""The day's orders and trades as they stand: every change noted, kept and told, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from alphapanda_desktop.domain.matching import Execution
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.sim.accounts import Accounts
from alphapanda_desktop.sim.answers import KiteError, stamp
from alphapanda_desktop.sim.market import Market
from alphapanda_desktop.sim.memory import Memory
from alphapanda_desktop.sim.orders import Ids, SimOrder

Publish = Callable[[dict[str, object]], None]


class Book:
    """Orders by id in the order they came, their fills, and the account they are booked to.

    `publish` is handed the order object after every change of state.
    """

    def __init__(self, market: Market, now_s: Callable[[], float], memory: Memory, api_secret: str) -> None:
        self.publish: Publish = lambda _: None
        self.ids = Ids()
        self.accounts = Accounts(market, memory, self.working)
        self._now_s = now_s
        self._memory = memory
        self._api_secret = api_secret
        self._orders: dict[str, SimOrder] = {}
        self._live: dict[str, SimOrder] = {}
        self._trades: list[dict[str, object]] = []
        self._restore(market)

    def _restore(self, market: Market) -> None:
        for row in self._memory.rows("order"):
            order = SimOrder(**row)  # type: ignore[arg-type]
            if market.by_token(order.instrument_token) is not None:  # another master may not list it
                self._add(order)
            reached = int(order.exchange_order_id or 0) % 1_000_000_000_000
            self.ids.seen(order.order_id, reached, 0)
        self._trades = self._memory.rows("trade")
        for trade in self._trades:
            self.ids.seen("", 0, int(str(trade["trade_id"])) % 10_000_000)

    def working(self) -> Iterator[SimOrder]:
        """Orders to which something can still happen."""
        return iter(list(self._live.values()))

    def __len__(self) -> int:
        return len(self._orders)

    def get(self, order_id: str) -> SimOrder:
        """The order; KiteError when the day has none of that id."""
        order = self._orders.get(order_id)
        if order is None:
            raise KiteError(400, "OrderException", "Couldn't find that `order_id`.")
        return order

    def _add(self, order: SimOrder) -> None:
        self._orders[order.order_id] = order
        if order.live:
            self._live[order.order_id] = order

    def enter(self, order: SimOrder) -> None:
        """Put a new order into the book in its first state."""
        self._add(order)
        self.move(order, "PUT ORDER REQ RECEIVED")

    def move(self, order: SimOrder, status: str) -> None:
        """Take an order to its next state; of an open one that was modified or partly filled UPDATE is told.

        Source: CONTRACT 2.8 and 5: the word of updates, which no order in the book bears.
        """
        now = stamp(self._now_s())
        changed = order.status == "MODIFIED" or order.filled_quantity > 0
        order.status = status
        order.order_timestamp = now
        if order.exchange_order_id is not None:
            order.exchange_update_timestamp = now
        if not order.live:
            self._live.pop(order.order_id, None)
        order.note()
        self._memory.put("order", order.order_id, order.body())
        told = order.postback(self._api_secret)
        self.publish(told | {"status": "UPDATE"} if changed and status in ("OPEN", "TRIGGER PENDING") else told)

    def reject(self, order: SimOrder, message: str, raw: str = "") -> None:
        """End an order that has an id but never reached the exchange."""
        order.status_message, order.status_message_raw = message, raw or message
        self.move(order, "REJECTED")

    def fill(self, order: SimOrder, execution: Execution) -> None:
        """Book one execution; the order is complete with the last."""
        self._trades.append(self._trade_row(order, execution))
        self._memory.put("trade", str(self._trades[-1]["trade_id"]), self._trades[-1])
        before = order.average_price * order.filled_quantity
        order.filled_quantity += execution.quantity
        order.average_price = round((before + execution.price * execution.quantity) / order.filled_quantity, 6)
        self.accounts.filled(order, _as_fill(order, execution))
        self.move(order, "COMPLETE" if order.open_quantity == 0 else "OPEN")

    def _trade_row(self, order: SimOrder, execution: Execution) -> dict[str, object]:
        now = stamp(self._now_s())
        return {
            "trade_id": self.ids.trade(),
            "order_id": order.order_id,
            "exchange": order.exchange,
            "tradingsymbol": order.tradingsymbol,
            "instrument_token": order.instrument_token,
            "product": order.product,
            "average_price": execution.price,
            "quantity": execution.quantity,
            "exchange_order_id": order.exchange_order_id,
            "transaction_type": order.transaction_type,
            "fill_timestamp": now,
            "order_timestamp": now[11:],
            "exchange_timestamp": now,
        }

    def rows(self) -> list[dict[str, object]]:
        """`data` of GET /orders."""
        return [order.row() for order in self._orders.values()]

    def trades(self, order_id: str | None = None) -> list[dict[str, object]]:
        """`data` of GET /trades, or of one order's."""
        return [trade for trade in self._trades if order_id in (None, trade["order_id"])]

    def start_over(self) -> None:
        """Empty the book and begin with a fresh account; ids go on counting."""
        self._orders, self._live, self._trades = {}, {}, []
        self._memory.drop("order")
        self._memory.drop("trade")
        self.accounts.start_over()

    def new_day(self) -> None:
        """Empty the book; orders that wait for a market to open stay."""
        kept = [order for order in self._orders.values() if order.status == "AMO REQ RECEIVED"]
        self._orders, self._live, self._trades = {}, {}, []
        self._memory.drop("order")
        self._memory.drop("trade")
        for order in kept:
            self._add(order)
            self._memory.put("order", order.order_id, order.body())
        self.accounts.new_day()


def _as_fill(order: SimOrder, execution: Execution) -> Fill:
    return Fill(
        trade_id="",
        order_id=order.order_id,
        exchange=order.exchange,
        tradingsymbol=order.tradingsymbol,
        transaction_type=order.transaction_type,
        quantity=execution.quantity,
        average_price=execution.price,
        product=order.product,
        instrument_token=order.instrument_token,
    )


def iceberg_of(order: SimOrder) -> dict[str, int] | None:
    """The `meta.iceberg` of an iceberg's leg."""
    found = order.meta.get("iceberg")
    return {str(name): int(value) for name, value in found.items()} if isinstance(found, Mapping) else None
