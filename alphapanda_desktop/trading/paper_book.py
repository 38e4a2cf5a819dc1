"""The exchange's side of paper trading: each order's life from its first row to its end, and its fills.

Everything happens within the call or the tick that causes it, in the order of the book, with the clock's time.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final

from alphapanda_desktop.domain.errors import Rejected
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.matching import Execution, arriving, average, resting, triggered
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.session import trading_day
from alphapanda_desktop.trading.paper_account import SQUARED_OFF, PaperAccount
from alphapanda_desktop.trading.paper_orders import Entry, Liquidity, filled_at, next_leg, priority, protected

_NEVER: Final = datetime.max.replace(tzinfo=UTC)

WAITS: Final = "AMO REQ RECEIVED"
"""Status of an order that waits for its market to open."""


class PaperBook:
    """Orders by id, and the fills they made. `on_order` hears each change of each order. Owned by a PaperBroker."""

    def __init__(self, account: PaperAccount, clock: Clock) -> None:
        self.on_order: Callable[[Order], None] | None = None
        self.fills: list[Fill] = []
        self._account = account
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._working: dict[int, dict[str, Entry]] = {}
        self._liquidity = Liquidity()
        self._last_id = 0
        self._next_expiry = _NEVER

    def __iter__(self) -> Iterator[Entry]:
        return iter(list(self._entries.values()))

    def new_id(self) -> str:
        """Nineteen digits, ordered by time, never the same twice."""
        self._last_id = max(self._last_id + 1, self._clock.now_ns())
        return f"{self._last_id:019d}"

    def live(self) -> list[Order]:
        """Orders that still work."""
        return [entry.order for group in self._working.values() for entry in group.values()]

    def entry(self, order_id: str) -> Entry:
        """The order's life. Raises Rejected for an id that is not in the book."""
        entry = self._entries.get(order_id)
        if entry is None:
            raise Rejected(f"Order {order_id} is not in the book.", "OrderException", 400)
        return entry

    def changeable(self, order_id: str, what: str) -> Entry:
        """The life of an order that rests. Raises Rejected for another one."""
        entry = self.entry(order_id)
        if not entry.order.changeable:
            text = f"Order cannot be {what}: its status is {entry.order.status}."
            raise Rejected(text, "OrderException", 400)
        return entry

    # --- what the broker does ---------------------------------------------------------------------------------------

    def accept(self, entry: Entry, tick: Tick | None, objection: str = "") -> None:
        """Enter an order and send it to the exchange, let it wait for the open, or end it with an objection."""
        self._enter(entry)
        if objection:
            self.refuse(entry, objection)
        elif entry.due is None:
            self._send(entry, tick)
        else:
            self._work(entry)
            self.say(entry, WAITS)

    def refuse(self, entry: Entry, text: str) -> None:
        """End an order that has an id but never reaches the exchange."""
        self.end(entry, "REJECTED", status_message=text, status_message_raw=f"RMS:{text}")

    def change(self, entry: Entry, wanted: Order, tick: Tick | None) -> None:
        """Make a modification that was found good, and let it meet the market."""
        entry.modifications += 1
        self.say(entry, "MODIFY VALIDATION PENDING")
        self.say(entry, "MODIFY PENDING")
        entry.order = replace(wanted, modified=True)
        self.say(entry, "MODIFIED")
        self.say(entry, WAITS if entry.due is not None else wanted.status)
        if entry.due is None and wanted.status == "OPEN":
            self._arrive(entry, tick)

    def cancel(self, entry: Entry) -> None:
        """Take a resting order out; what had filled stays filled."""
        self.say(entry, "CANCEL PENDING")
        self.end(entry, "CANCELLED")

    def resume(self, entry: Entry, fills: Sequence[Fill]) -> None:
        """Take up an order of an earlier run with the fills it has made."""
        order = entry.order
        self._last_id = max(self._last_id, int(order.order_id) if order.order_id.isdecimal() else 0)
        self._entries[order.order_id] = entry
        if order.live:
            self._work(entry)
        if sum(fill.quantity for fill in fills) > order.filled_quantity:
            self._tell_fill(entry)

    def book_fill(self, fill: Fill) -> None:
        """Take a fill into the account."""
        self.fills.append(fill)
        self._account.add(fill, day_of(filled_at(fill)))

    # --- what time and the market do --------------------------------------------------------------------------------

    def expire(self, now: datetime) -> None:
        """End orders whose validity is over."""
        if now < self._next_expiry:
            return
        for entry in [e for group in self._working.values() for e in group.values()]:
            if entry.expires_at <= now:
                self.end(entry, "CANCELLED", status_message=f"{entry.order.validity} order: its validity has ended.")
        left = [e.expires_at for group in self._working.values() for e in group.values()]
        self._next_expiry = min(left, default=_NEVER)

    def waiting(self) -> Collection[int]:
        """Tokens that orders wait for."""
        return self._working.keys()

    def waiting_for(self, instrument_token: int) -> Instrument | None:
        """The instrument of a token that orders wait for, None where none does."""
        waiting = self._working.get(instrument_token)
        return next(iter(waiting.values())).instrument if waiting else None

    def meet(self, tick: Tick, now: datetime) -> None:
        """Let a tick of an open market trigger and fill what waits for it, better prices first."""
        for entry in sorted(self._working.get(tick.instrument_token, {}).values(), key=priority):
            if entry.order.status == WAITS:
                if entry.due is not None and now >= entry.due:
                    entry.due = None
                    self._send(entry, tick)
            else:
                self._wake(entry, tick)

    def _enter(self, entry: Entry) -> None:
        self._entries[entry.order.order_id] = entry
        self.say(entry, "PUT ORDER REQ RECEIVED")
        self.say(entry, "VALIDATION PENDING")

    def _send(self, entry: Entry, tick: Tick | None) -> None:
        if entry.order.order_type == "MARKET" and entry.protection and tick is not None:
            entry.order = protected(entry, tick)
        text = self._objection(entry.order)
        if text:
            self.refuse(entry, text)
            return
        self.say(entry, "OPEN PENDING")
        number = str(1_000_000_000_000_000 + len(self._entries))
        entry.order = replace(entry.order, exchange_order_id=number, exchange_timestamp=entry.order.order_timestamp)
        self._work(entry)
        self.say(entry, "TRIGGER PENDING" if entry.order.order_type == "SL" else "OPEN")
        if entry.order.status == "OPEN":
            self._arrive(entry, tick)

    def _objection(self, order: Order) -> str:
        """Why the exchange is not asked at all; empty when nothing speaks against it."""
        others = [other for other in self.live() if other.order_id != order.order_id]
        if (
            order.product == "MTF"
            and order.transaction_type == "SELL"
            and self._account.opening_quantity(order, others)
        ):
            return f"Insufficient holdings: {order.quantity} to be sold as MTF, which takes no short."
        if order.product == "CNC" and order.transaction_type == "SELL":
            if self._account.opening_quantity(order, others):
                held = max(0, self._account.held(order))
                return f"Insufficient holdings: {order.quantity} to be sold as CNC, {held} held."
            return ""
        needed, free = self._account.needs(order, others), self._account.available(others)
        if needed > free and needed > 0:
            return f"Insufficient funds. Required margin is {needed:.2f} but available margin is {free:.2f}."
        return ""

    def _work(self, entry: Entry) -> None:
        self._working.setdefault(entry.instrument.instrument_token, {})[entry.order.order_id] = entry
        self._next_expiry = min(self._next_expiry, entry.expires_at)

    def _wake(self, entry: Entry, tick: Tick) -> None:
        order = entry.order
        if order.status == "TRIGGER PENDING":
            if triggered(order.transaction_type, order.trigger_price, tick.last_price):
                self.say(entry, "OPEN")
                self._arrive(entry, tick)
            return
        if order.order_type == "MARKET":
            self._arrive(entry, tick)
            return
        quote = self._liquidity.quote(tick)
        if entry.rests_since == (tick.last_price, tick.volume_traded):
            quote = replace(quote, last_price=order.price)
        self._execute(entry, tick, resting(order.transaction_type, order.price, order.open_quantity, quote))

    def _arrive(self, entry: Entry, tick: Tick | None) -> None:
        order = entry.order
        if tick is not None and tick.last_price:
            entry.rests_since = (tick.last_price, tick.volume_traded)
            limit = None if order.order_type == "MARKET" else order.price
            quote = self._liquidity.quote(tick)
            self._execute(entry, tick, arriving(order.transaction_type, limit, order.open_quantity, quote))
        if entry.order.validity == "IOC" and entry.order.live:
            self.end(entry, "CANCELLED")

    def _execute(self, entry: Entry, tick: Tick, executions: Sequence[Execution]) -> None:
        for execution in executions:
            self._liquidity.take(tick, entry.order.transaction_type, execution.quantity)
            entry.executions.append(execution)
            self.book_fill(self._fill_of(entry.order, execution))
            self._tell_fill(entry)
        if entry.order.status == "COMPLETE":
            self._follow(entry, tick)

    def _follow(self, entry: Entry, tick: Tick) -> None:
        """Send the next leg of an iceberg."""
        following = next_leg(entry, self.new_id, self._clock.now())
        if following is not None:
            self.accept(following, tick)

    def _fill_of(self, order: Order, execution: Execution) -> Fill:
        mark = SQUARED_OFF if order.meta.get("square_off") else ""
        return Fill(
            trade_id=f"{mark}{len(self.fills) + 1:09d}",
            order_id=order.order_id,
            exchange=order.exchange,
            tradingsymbol=order.tradingsymbol,
            transaction_type=order.transaction_type,
            quantity=execution.quantity,
            average_price=execution.price,
            product=order.product,
            instrument_token=order.instrument_token,
            exchange_order_id=order.exchange_order_id or "",
            fill_timestamp=self._clock.now(),
        )

    def _tell_fill(self, entry: Entry) -> None:
        filled = sum(execution.quantity for execution in entry.executions)
        entry.order = replace(
            entry.order,
            filled_quantity=filled,
            pending_quantity=entry.order.quantity - filled,
            average_price=round(average(entry.executions), 6),
        )
        if filled == entry.order.quantity:
            self.end(entry, "COMPLETE")
        else:
            self.say(entry, "OPEN")

    def end(self, entry: Entry, status: str, **changes: str) -> None:
        """Take an order out of work in its last status."""
        order = entry.order
        waiting = self._working.get(order.instrument_token, {})
        waiting.pop(order.order_id, None)
        if not waiting:
            self._working.pop(order.instrument_token, None)
        left = order.quantity - order.filled_quantity if status == "CANCELLED" else 0
        entry.order = replace(order, pending_quantity=0, cancelled_quantity=left)
        self.say(entry, status, **changes)

    def say(self, entry: Entry, status: str, **changes: str) -> None:
        """Take an order to a status, and tell of it."""
        now = self._clock.now()
        at_exchange = now if entry.order.exchange_order_id else None
        entry.order = replace(entry.order, status=status, order_timestamp=now, exchange_update_timestamp=at_exchange)
        if changes:
            entry.order = replace(entry.order, **changes)  # type: ignore[arg-type]  # both are texts
        entry.history.append(entry.order)
        if self.on_order is not None:
            self.on_order(entry.order)


def day_of(at: datetime) -> date:
    """The trading day of a moment."""
    return trading_day(at).date()
