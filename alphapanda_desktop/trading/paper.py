"""PaperBroker: orders that live like Kite's and fill against real ticks, with no order client in the process.

Everything happens within the call or the tick that causes it, in the order of the book, with the clock's time: the
same requests and ticks always give the same book. State is orders and fills alone, so the journal can restore it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Final, Protocol

from alphapanda_desktop.domain import calendar
from alphapanda_desktop.domain.errors import Rejected, SessionEnded
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.matching import (
    AUTOMATIC_PROTECTION_PCT,
    Execution,
    arriving,
    average,
    resting,
    triggered,
)
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.ports import Clock, Funds
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import IST, Session
from alphapanda_desktop.trading.paper_account import PaperAccount
from alphapanda_desktop.trading.paper_orders import (
    MODIFICATIONS,
    Entry,
    Liquidity,
    as_limit,
    completed,
    expiry,
    filled_at,
    in_turn,
    modified,
    placed_at,
    priority,
)
from alphapanda_desktop.trading.paper_rules import bad_input, check_request, underlyings

_NEVER: Final = datetime.max.replace(tzinfo=UTC)


class FindsInstruments(Protocol):
    """Whoever knows the day's instruments, as `InstrumentMaster` does."""

    def by_key(self, key: str) -> Instrument | None: ...

    def __iter__(self) -> Iterator[Instrument]: ...


class PaperBroker:
    """Broker over live quotes. `on_order` hears each change of each order, before `place` has returned its id.

    Owned by the desk of one venue; give it every tick through `on_tick`. Shares sold as CNC must be held here.
    """

    def __init__(
        self,
        session: Session,
        quotes: Callable[[int], Tick | None],
        instruments: FindsInstruments,
        clock: Clock,
        opening_cash: float,
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a PaperBroker needs a verified Session")
        if not isinstance(session, Session):
            raise TypeError("a PaperBroker needs a verified Session")
        self.on_order: Callable[[Order], None] | None = None
        self._session = session
        self._quotes = quotes
        self._find = instruments.by_key
        self._clock = clock
        self._underlyings = underlyings(instruments)
        self._account = PaperAccount(opening_cash, instruments.by_key)
        self._entries: dict[str, Entry] = {}
        self._working: dict[int, dict[str, Entry]] = {}
        self._fills: list[Fill] = []
        self._book = Liquidity()
        self._last_id = 0
        self._next_expiry = _NEVER

    def renew(self, session: Session) -> None:
        """Go on under a new login."""
        self._session = session

    async def place(self, request: OrderRequest) -> str:
        """Order id; what became of the order has been told to `on_order` by then. Raises Rejected, SessionEnded."""
        now = self._begin()
        instrument = self._find(request.key)
        if instrument is None:
            raise bad_input(f"The instrument {request.key} does not exist or has expired.")
        tick = self._quotes(instrument.instrument_token)
        check_request(request, instrument, tick.last_price if tick else None)
        closes = self._closing_time(instrument, now)
        if closes is None:
            raise bad_input(f"{request.exchange} is closed right now; paper trading takes no after-market orders.")
        order = self._first_row(request, instrument, tick, now)
        self._check_funds(order)
        self._accept(Entry(order, instrument, expiry(order, now, closes)), tick)
        return order.order_id

    async def modify(self, order: Order, change: OrderChange) -> str:
        """The order id, with the change made. Raises Rejected for an order or a change that Kite would not take."""
        self._begin()
        entry = self._changeable(order.order_id, "modified")
        if entry.modifications >= MODIFICATIONS:
            raise bad_input("Maximum allowed order modifications exceeded.")
        tick = self._quotes(entry.instrument.instrument_token)
        wanted = modified(entry, change, tick)
        self._check_funds(wanted)
        entry.modifications += 1
        self._say(entry, "MODIFY VALIDATION PENDING")
        self._say(entry, "MODIFY PENDING")
        entry.order = replace(wanted, modified=True)
        self._say(entry, "MODIFIED")
        self._say(entry, wanted.status)
        if wanted.status == "OPEN":
            self._arrive(entry, tick)
        return order.order_id

    async def cancel(self, order: Order) -> str:
        """The order id; what had filled stays filled. Raises Rejected for an order that is no longer at work."""
        self._begin()
        entry = self._changeable(order.order_id, "cancelled")
        self._say(entry, "CANCEL PENDING")
        self._end(entry, "CANCELLED")
        return order.order_id

    async def orders(self) -> list[Order]:
        """The day's book, oldest first."""
        today = self._day_of(self._begin())
        return [e.order for e in self._entries.values() if e.order.live or self._day_of(placed_at(e.order)) == today]

    async def order_history(self, order_id: str) -> list[Order]:
        """Every picture of an order, oldest first. Raises Rejected for an id that is not in the book."""
        self._begin()
        return list(self._entry(order_id).history)

    async def fills(self) -> list[Fill]:
        """Executions of the day, oldest first."""
        today = self._day_of(self._begin())
        return [fill for fill in self._fills if fill.fill_timestamp and self._day_of(fill.fill_timestamp) == today]

    async def positions(self) -> list[Position]:
        """Net positions at the latest quotes."""
        self._begin()
        return [self._quoted(position) for position in self._account.positions()]

    async def funds(self) -> list[Funds]:
        """One pot of money for every exchange, unlike Kite, which keeps commodities apart."""
        self._begin()
        opening, free = self._account.cash(), self._account.available(self._live_orders())
        return [Funds("equity", free, free, opening, round(opening - free, 4))]

    def on_tick(self, tick: Tick) -> None:
        """Let a tick trigger and fill the orders that wait for it."""
        now = self._clock.now()
        self._expire(now)
        waiting = self._working.get(tick.instrument_token)
        if not waiting or not tick.last_price:
            return
        entries = sorted(waiting.values(), key=priority)
        if self._closing_time(entries[0].instrument, now) is not None:
            for entry in entries:
                self._wake(entry, tick)

    def restore(self, orders: Iterable[Order], fills: Iterable[Fill]) -> None:
        """Take up an earlier run's book on a broker that is still empty: its orders, and all its fills ever.

        Working orders work on, unless their validity has ended meanwhile. A fill that the book knows and the
        list lacks is made up at the book's average price, so that no position is lost.
        """
        by_order: dict[str, list[Fill]] = {}
        for fill in fills:
            by_order.setdefault(fill.order_id, []).append(fill)
        known = {order.order_id: order for order in orders if order.order_id}
        for order in known.values():
            by_order[order.order_id] = completed(order, by_order.get(order.order_id, []))
        for fill in sorted((f for group in by_order.values() for f in group), key=in_turn):
            self._book_fill(fill)
        for order_id in sorted(known, key=lambda text: (len(text), text)):
            self._resume(known[order_id], by_order[order_id])
        self._begin()

    def _begin(self) -> datetime:
        now = self._clock.now()
        if now >= self._session.expires_at:
            raise SessionEnded("The Kite session ended at 06:00 IST: log in again.")
        self._account.begin(self._day_of(now))
        self._expire(now)
        return now

    def _closing_time(self, instrument: Instrument, at: datetime) -> datetime | None:
        has_derivatives = instrument.tradingsymbol in self._underlyings
        return calendar.closing_time(instrument.exchange, at, has_derivatives=has_derivatives)

    def _first_row(self, request: OrderRequest, instrument: Instrument, tick: Tick | None, now: datetime) -> Order:
        order_type, price = as_limit(request, instrument, tick)
        pct = AUTOMATIC_PROTECTION_PCT if request.market_protection == -1 else request.market_protection
        protected = ("mktp", f"mktp:{pct:.2f}") if order_type != request.order_type else ()
        self._last_id = max(self._last_id + 1, self._clock.now_ns())
        return Order(
            order_id=f"{self._last_id:019d}",
            status="PUT ORDER REQ RECEIVED",
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=request.transaction_type,
            quantity=request.quantity,
            pending_quantity=request.quantity,
            disclosed_quantity=request.disclosed_quantity,
            product=request.product,
            order_type=order_type,
            variety=request.variety,
            validity=request.validity,
            price=price,
            trigger_price=(request.trigger_price or 0.0) if order_type == "SL" else 0.0,
            order_timestamp=now,
            placed_by=self._session.user_id,
            tag=request.tag or None,
            tags=(*((request.tag,) if request.tag else ()), *protected),
            meta={"validity_ttl": request.validity_ttl} if request.validity == "TTL" else {},
        )

    def _accept(self, entry: Entry, tick: Tick | None) -> None:
        self._entries[entry.order.order_id] = entry
        self._say(entry, "PUT ORDER REQ RECEIVED")
        self._say(entry, "VALIDATION PENDING")
        if self._sells_unheld_shares(entry.order):
            held = max(0, self._account.held(entry.order))
            text = f"Insufficient holdings: {entry.order.quantity} to be sold as CNC, {held} held."
            self._end(entry, "REJECTED", status_message=text, status_message_raw=f"RMS:{text}")
            return
        self._say(entry, "OPEN PENDING")
        number = str(1_000_000_000_000_000 + len(self._entries))
        entry.order = replace(entry.order, exchange_order_id=number, exchange_timestamp=entry.order.order_timestamp)
        self._work(entry)
        self._say(entry, "TRIGGER PENDING" if entry.order.order_type == "SL" else "OPEN")
        if entry.order.status == "OPEN":
            self._arrive(entry, tick)

    def _sells_unheld_shares(self, order: Order) -> bool:
        if order.product != "CNC" or order.transaction_type != "SELL":
            return False
        others = [other for other in self._live_orders() if other.order_id != order.order_id]
        return self._account.opening_quantity(order, others) > 0

    def _work(self, entry: Entry) -> None:
        self._working.setdefault(entry.instrument.instrument_token, {})[entry.order.order_id] = entry
        self._next_expiry = min(self._next_expiry, entry.expires_at)

    def _wake(self, entry: Entry, tick: Tick) -> None:
        order = entry.order
        if order.status == "TRIGGER PENDING":
            if triggered(order.transaction_type, order.trigger_price, tick.last_price):
                self._say(entry, "OPEN")
                self._arrive(entry, tick)
            return
        quote = self._book.quote(tick)
        if entry.rests_since == (tick.last_price, tick.volume_traded):
            quote = replace(quote, last_price=order.price)
        self._execute(entry, tick, resting(order.transaction_type, order.price, order.open_quantity, quote))

    def _arrive(self, entry: Entry, tick: Tick | None) -> None:
        order = entry.order
        if tick is not None and tick.last_price:
            entry.rests_since = (tick.last_price, tick.volume_traded)
            quote = self._book.quote(tick)
            self._execute(entry, tick, arriving(order.transaction_type, order.price, order.open_quantity, quote))
        if entry.order.validity == "IOC" and entry.order.live:
            self._end(entry, "CANCELLED")

    def _execute(self, entry: Entry, tick: Tick, executions: Sequence[Execution]) -> None:
        for execution in executions:
            self._book.take(tick, entry.order.transaction_type, execution.quantity)
            entry.executions.append(execution)
            self._book_fill(self._fill_of(entry.order, execution))
            self._tell_fill(entry)

    def _fill_of(self, order: Order, execution: Execution) -> Fill:
        return Fill(
            trade_id=f"{len(self._fills) + 1:09d}",
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

    def _book_fill(self, fill: Fill) -> None:
        self._fills.append(fill)
        self._account.add(fill, self._day_of(filled_at(fill)))

    def _tell_fill(self, entry: Entry) -> None:
        filled = sum(execution.quantity for execution in entry.executions)
        entry.order = replace(
            entry.order,
            filled_quantity=filled,
            pending_quantity=entry.order.quantity - filled,
            average_price=round(average(entry.executions), 6),
        )
        if filled == entry.order.quantity:
            self._end(entry, "COMPLETE")
        else:
            self._say(entry, "OPEN")

    def _end(self, entry: Entry, status: str, **changes: str) -> None:
        order = entry.order
        self._working.get(order.instrument_token, {}).pop(order.order_id, None)
        left = order.quantity - order.filled_quantity if status == "CANCELLED" else 0
        entry.order = replace(order, pending_quantity=0, cancelled_quantity=left)
        self._say(entry, status, **changes)

    def _say(self, entry: Entry, status: str, **changes: str) -> None:
        now = self._clock.now()
        at_exchange = now if entry.order.exchange_order_id else None
        entry.order = replace(entry.order, status=status, order_timestamp=now, exchange_update_timestamp=at_exchange)
        if changes:
            entry.order = replace(entry.order, **changes)  # type: ignore[arg-type]  # both are texts
        entry.history.append(entry.order)
        if self.on_order is not None:
            self.on_order(entry.order)

    def _expire(self, now: datetime) -> None:
        if now < self._next_expiry:
            return
        for entry in [e for group in self._working.values() for e in group.values()]:
            if entry.expires_at <= now:
                self._end(entry, "CANCELLED", status_message=f"{entry.order.validity} order: its validity has ended.")
        left = [e.expires_at for group in self._working.values() for e in group.values()]
        self._next_expiry = min(left, default=_NEVER)

    def _check_funds(self, order: Order) -> None:
        others = [other for other in self._live_orders() if other.order_id != order.order_id]
        needed, free = self._account.needs(order, others), self._account.available(others)
        if needed > free and needed > 0:
            text = f"Insufficient funds. Required margin is {needed:.2f} but available margin is {free:.2f}."
            raise Rejected(text, "MarginException", 400)

    def _live_orders(self) -> list[Order]:
        return [e.order for group in self._working.values() for e in group.values()]

    def _entry(self, order_id: str) -> Entry:
        entry = self._entries.get(order_id)
        if entry is None:
            raise Rejected(f"Order {order_id} is not in the book.", "OrderException", 400)
        return entry

    def _changeable(self, order_id: str, what: str) -> Entry:
        entry = self._entry(order_id)
        if not entry.order.changeable:
            text = f"Order cannot be {what}: its status is {entry.order.status}."
            raise Rejected(text, "OrderException", 400)
        return entry

    def _quoted(self, position: Position) -> Position:
        tick = self._quotes(position.instrument_token)
        if tick is None:
            return replace(position, last_price=position.average_price, close_price=position.average_price)
        return replace(position, last_price=tick.last_price, close_price=tick.ohlc.close if tick.ohlc else 0.0)

    def _resume(self, order: Order, fills: Sequence[Fill]) -> None:
        instrument = self._find(order.key)
        self._last_id = max(self._last_id, int(order.order_id) if order.order_id.isdecimal() else 0)
        if instrument is None:
            return
        placed = placed_at(order)
        closes = self._closing_time(instrument, placed) or placed
        executions = [Execution(fill.average_price, fill.quantity) for fill in fills]
        entry = Entry(order, instrument, expiry(order, placed, closes), [order], executions)
        self._entries[order.order_id] = entry
        filled = sum(fill.quantity for fill in fills)
        if order.live:
            self._work(entry)
        if filled > order.filled_quantity:
            self._tell_fill(entry)

    @staticmethod
    def _day_of(at: datetime) -> date:
        return at.astimezone(IST).date()
