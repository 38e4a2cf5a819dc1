"""PaperBroker: orders that live like Kite's and fill against real ticks, with no order client in the process.

Everything happens within the call or the tick that causes it, in the order of the book, with the clock's time: the
same requests and ticks always give the same book. State is orders, fills and conversions alone, so the journal can
restore it.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

from alphapanda_desktop.domain import calendar
from alphapanda_desktop.domain.errors import Rejected, SessionEnded
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.margins import margin
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.matching import AUTOMATIC_PROTECTION_PCT, Execution
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest, Side
from alphapanda_desktop.domain.ports import Clock, Funds
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import IST, Session, trading_day
from alphapanda_desktop.domain.squareoff import square_off_at
from alphapanda_desktop.trading.paper_account import Conversion, PaperAccount
from alphapanda_desktop.trading.paper_book import WAITS, PaperBook, day_of
from alphapanda_desktop.trading.paper_orders import (
    MODIFICATIONS,
    Entry,
    as_limit,
    completed,
    expiry,
    first_leg,
    in_turn,
    modified,
    placed_at,
    square_off_orders,
)
from alphapanda_desktop.trading.paper_rules import bad_input, check_request, underlyings

_LOOK_AGAIN: Final = timedelta(seconds=1)
"""How often it is looked whether a position of the day must be closed."""


class FindsInstruments(Protocol):
    """Whoever knows the day's instruments, as `InstrumentMaster` does."""

    def by_key(self, key: str) -> Instrument | None: ...

    def __iter__(self) -> Iterator[Instrument]: ...


class PaperBroker:
    """Broker over live quotes. `on_order` hears each change of each order, before `place` has returned its id.

    Owned by the desk of one venue; give it every tick through `on_tick`. It takes regular, AMO and iceberg orders,
    squares MIS positions off at Zerodha's time, and takes charges off the cash. With `hours` False its market never
    closes, as that of the practice exchange: then nothing is squared off either.
    """

    def __init__(
        self,
        session: Session,
        quotes: Callable[[int], Tick | None],
        instruments: FindsInstruments,
        clock: Clock,
        opening_cash: float,
        *,
        hours: bool = True,
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a PaperBroker needs a verified Session")
        self._session = session
        self._quotes = quotes
        self._find = instruments.by_key
        self._clock = clock
        self._hours = hours
        self._underlyings = underlyings(instruments)
        self._account = PaperAccount(opening_cash, instruments.by_key)
        self._book = PaperBook(self._account, clock)
        self._looked_at: datetime | None = None

    @property
    def on_order(self) -> Callable[[Order], None] | None:
        """Who hears each change of each order."""
        return self._book.on_order

    @on_order.setter
    def on_order(self, listener: Callable[[Order], None] | None) -> None:
        self._book.on_order = listener

    def renew(self, session: Session) -> None:
        """Go on under a new login."""
        self._session = session

    async def place(self, request: OrderRequest) -> str:
        """Order id; what became of the order has been told to `on_order` by then. Raises Rejected, SessionEnded."""
        return self.place_now(request)

    def place_now(self, request: OrderRequest, meta: dict[str, object] | None = None) -> str:
        """The same at once, for who has no time to wait: a trigger within a tick. `meta` is kept with the order."""
        now = self._begin()
        instrument = self._known(request)
        tick = self._quotes(instrument.instrument_token)
        check_request(request, instrument, tick.last_price if tick else None)
        due = self._due(request, instrument, now)
        closes = self._closing_time(instrument, due or now) or now
        order = self._first_row(request, instrument, None if due else tick, now)
        order = replace(order, meta=order.meta | (meta or {}))
        self._check_funds(replace(order, price=order.price or (tick.last_price if tick else 0.0)))
        protection = request.market_protection or 0.0
        entry = Entry(order, instrument, expiry(order, now, closes), due=due, protection=protection)
        self._book.accept(entry, tick, self._too_late(order, instrument, now))
        return order.order_id

    async def modify(self, order: Order, change: OrderChange) -> str:
        """The order id, with the change made. Raises Rejected for an order or a change that Kite would not take."""
        self._begin()
        entry = self._book.changeable(order.order_id, "modified")
        if entry.modifications >= MODIFICATIONS:
            raise bad_input("Maximum allowed order modifications exceeded.")
        tick = self._quotes(entry.instrument.instrument_token)
        wanted = modified(entry, change, tick)
        self._check_funds(wanted)
        self._book.change(entry, wanted, tick)
        return order.order_id

    async def cancel(self, order: Order) -> str:
        """The order id; what had filled stays filled. Raises Rejected for an order that is no longer at work."""
        self._begin()
        self._book.cancel(self._book.changeable(order.order_id, "cancelled"))
        return order.order_id

    async def orders(self) -> list[Order]:
        """The day's book, oldest first."""
        today = day_of(self._begin())
        return [e.order for e in self._book if e.order.live or day_of(placed_at(e.order)) == today]

    async def order_history(self, order_id: str) -> list[Order]:
        """Every picture of an order, oldest first. Raises Rejected for an id that is not in the book."""
        self._begin()
        return list(self._book.entry(order_id).history)

    async def fills(self) -> list[Fill]:
        """Executions of the day, oldest first."""
        today = day_of(self._begin())
        return [fill for fill in self._book.fills if fill.fill_timestamp and day_of(fill.fill_timestamp) == today]

    async def positions(self) -> list[Position]:
        """Net positions at the latest quotes; shares bought as CNC are holdings from the next day on."""
        self._begin()
        return [self._quoted(position) for position in self._account.positions()]

    async def funds(self) -> list[Funds]:
        """One pot of money for every exchange, unlike Kite, which keeps commodities apart."""
        self._begin()
        opening, free = self._account.cash(), self.available()
        return [Funds("equity", free, free, opening, round(opening - free, 4))]

    # --- what else the account can be asked -------------------------------------------------------------------------

    @property
    def account(self) -> PaperAccount:
        """Positions, holdings and charges, to be read."""
        self._begin()
        return self._account

    def instrument(self, key: str) -> Instrument | None:
        """The day's instrument of that key."""
        return self._find(key)

    def quote(self, instrument_token: int) -> Tick | None:
        """Its latest tick."""
        return self._quotes(instrument_token)

    def price_of(self, request: OrderRequest) -> float | None:
        """What an order would trade at, by its own limit or the last price; None where neither is known."""
        own = request.price if request.order_type in ("LIMIT", "SL") else request.trigger_price
        tick = self._quotes(self._known(request).instrument_token)
        return own or (tick.last_price if tick and tick.last_price else None)

    def trades_now(self, key: str) -> bool:
        """Whether that instrument trades continuously at this moment."""
        instrument = self._find(key)
        return instrument is not None and self._closing_time(instrument, self._clock.now()) is not None

    def available(self) -> float:
        """Rupees that a new order may use."""
        return self._account.available(self._book.live())

    def need(self, requests: Sequence[OrderRequest]) -> float:
        """Rupees that these orders, one after another, would tie up. Raises Rejected for one that cannot be placed."""
        now, ahead, needed = self._begin(), self._book.live(), 0.0
        for n, request in enumerate(requests):
            instrument = self._known(request)
            tick = self._quotes(instrument.instrument_token)
            order = replace(self._first_row(request, instrument, tick, now), order_id=f"asked {n}")
            order = replace(order, quantity=request.quantity, price=order.price or (tick.last_price if tick else 0.0))
            needed += self._account.needs(order, ahead)
            ahead.append(order)
        return needed

    def check_conversion(self, change: Conversion) -> None:
        """Raise Rejected for a conversion that funds or the hour do not allow."""
        self._begin()
        row, instrument = self._account.position(change.id), self._find(change.key)
        if row is None or instrument is None or abs(row.quantity) < change.quantity:
            raise bad_input(f"{change.quantity} of {change.key} cannot be converted: they are not held.")
        if change.to_product == "MIS" and self._past_square_off(instrument, self._clock.now()):
            raise bad_input("Positions cannot be converted to MIS after the square-off.")
        side: Side = "BUY" if row.quantity > 0 else "SELL"
        units = change.quantity * instrument.multiplier
        then, now = (
            margin(instrument, product, side, units, row.average_price)
            for product in (change.to_product, change.product)
        )
        free = self.available()
        if then - now > free:
            text = f"Insufficient funds. Required margin is {then - now:.2f} but available margin is {free:.2f}."
            raise Rejected(text, "MarginException", 400)

    def convert(self, change: Conversion) -> None:
        """Do what `check_conversion` found good. Raises Rejected where that has changed."""
        self.check_conversion(change)
        self._account.convert(change, day_of(self._clock.now()))

    # --- time and the market ----------------------------------------------------------------------------------------

    def waits_for(self) -> Collection[int]:
        """Tokens of the instruments that orders wait for."""
        return self._book.waiting()

    def look(self) -> None:
        """End what its validity has ended, and close positions of the day at their time; called after each frame."""
        now = self._clock.now()
        self._book.expire(now)
        if self._looked_at is None or now - self._looked_at >= _LOOK_AGAIN:
            self._looked_at = now
            self._square_off(now)

    def on_tick(self, tick: Tick) -> None:
        """Let a tick trigger and fill the orders that wait for it."""
        self.look()
        now = self._clock.now()
        instrument = self._book.waiting_for(tick.instrument_token)
        if instrument is None or not tick.last_price:
            return
        if self._closing_time(instrument, now) is not None:
            self._book.meet(tick, now)

    def restore(self, orders: Iterable[Order], fills: Iterable[Fill], conversions: Iterable[Conversion] = ()) -> None:
        """Take up an earlier run's book on a broker that is still empty: its orders, all its fills and conversions.

        Working orders work on, unless their validity has ended meanwhile. A fill that the book knows and the
        list lacks is made up at the book's average price, so that no position is lost.
        """
        by_order: dict[str, list[Fill]] = {}
        for fill in fills:
            by_order.setdefault(fill.order_id, []).append(fill)
        known = {order.order_id: order for order in orders if order.order_id}
        for order in known.values():
            by_order[order.order_id] = completed(order, by_order.get(order.order_id, []))
        changes = sorted(conversions, key=lambda change: change.at, reverse=True)
        for fill in sorted((f for group in by_order.values() for f in group), key=in_turn):
            while changes and changes[-1].at <= in_turn(fill)[0]:
                self._replay(changes.pop())
            self._book.book_fill(fill)
        while changes:
            self._replay(changes.pop())
        for order_id in sorted(known, key=lambda text: (len(text), text)):
            self._resume(known[order_id], by_order[order_id])
        self._begin()

    def _replay(self, change: Conversion) -> None:
        self._account.convert(change, day_of(change.at))

    def _begin(self) -> datetime:
        now = self._clock.now()
        if now >= self._session.expires_at:
            raise SessionEnded("The Kite session ended at 06:00 IST: log in again.")
        self._account.begin(day_of(now))
        self._book.expire(now)
        return now

    def _square_off(self, now: datetime) -> None:
        """Close MIS positions whose hour has come, as Zerodha does; one carried overnight goes at once."""
        self._account.begin(day_of(now))
        for position in self._account.positions():
            instrument = self._find(position.key) if position.product == "MIS" and position.quantity else None
            if instrument is None or self._closing_time(instrument, now) is None:
                continue
            if position.overnight_quantity or self._past_square_off(instrument, now):
                self._close(position, instrument, now)

    def _close(self, position: Position, instrument: Instrument, now: datetime) -> None:
        working = [o for o in self._book.live() if (o.key, o.product) == (position.key, "MIS")]
        if any(order.meta.get("square_off") for order in working):
            return
        for order in working:
            self._book.cancel(self._book.entry(order.order_id))
        tick = self._quotes(instrument.instrument_token)
        closes = self._closing_time(instrument, now) or now
        for order in square_off_orders(position, instrument, self._book.new_id, now):
            self._book.accept(Entry(order, instrument, closes), tick)

    def _past_square_off(self, instrument: Instrument, now: datetime) -> bool:
        at = square_off_at(instrument.exchange, day_of(now), has_derivatives=self._has_derivatives(instrument))
        return self._hours and at is not None and now >= at

    def _has_derivatives(self, instrument: Instrument) -> bool:
        return instrument.tradingsymbol in self._underlyings

    def _closing_time(self, instrument: Instrument, at: datetime) -> datetime | None:
        if not self._hours:
            return trading_day(at) + timedelta(days=1)
        return calendar.closing_time(instrument.exchange, at, has_derivatives=self._has_derivatives(instrument))

    def _due(self, request: OrderRequest, instrument: Instrument, now: datetime) -> datetime | None:
        """When an order is sent on, None for at once. Raises Rejected where the hour is not one for it."""
        is_open = self._closing_time(instrument, now) is not None
        if request.variety == "amo" and is_open:
            raise bad_input(f"{request.exchange} is open: after-market orders are taken when it is closed.")
        if request.variety == "amo":
            return calendar.next_open(request.exchange, now)
        if not is_open:
            raise bad_input(f"{request.exchange} is closed right now. Place an after-market order (AMO) instead.")
        return None

    def _known(self, request: OrderRequest) -> Instrument:
        instrument = self._find(request.key)
        if instrument is None:
            raise bad_input(f"The instrument {request.key} does not exist or has expired.")
        return instrument

    def _first_row(self, request: OrderRequest, instrument: Instrument, tick: Tick | None, now: datetime) -> Order:
        order_type, price = as_limit(request, instrument, tick)
        pct = AUTOMATIC_PROTECTION_PCT if request.market_protection == -1 else request.market_protection
        protected = ("mktp", f"mktp:{pct:.2f}") if order_type != request.order_type else ()
        quantity, meta = first_leg(request)
        return Order(
            order_id=self._book.new_id(),
            status="PUT ORDER REQ RECEIVED",
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            instrument_token=instrument.instrument_token,
            transaction_type=request.transaction_type,
            quantity=quantity,
            pending_quantity=quantity,
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
            meta=meta,
        )

    def _too_late(self, order: Order, instrument: Instrument, now: datetime) -> str:
        """Why a position of the day can be opened no more; empty before its square-off, and for what closes one."""
        if order.product != "MIS" or order.variety == "amo" or not self._past_square_off(instrument, now):
            return ""
        if not self._account.opening_quantity(order, self._book.live()):
            return ""
        at = square_off_at(instrument.exchange, day_of(now), has_derivatives=self._has_derivatives(instrument))
        shown = at.astimezone(IST).strftime("%H:%M") if at else ""
        return f"MIS positions are squared off at {shown}: no new one can be opened after that."

    def _check_funds(self, order: Order) -> None:
        others = [other for other in self._book.live() if other.order_id != order.order_id]
        needed, free = self._account.needs(order, others), self._account.available(others)
        if needed > free and needed > 0:
            text = f"Insufficient funds. Required margin is {needed:.2f} but available margin is {free:.2f}."
            raise Rejected(text, "MarginException", 400)

    def _quoted(self, position: Position) -> Position:
        tick = self._quotes(position.instrument_token)
        if tick is None:
            return replace(position, last_price=position.average_price, close_price=position.average_price)
        return replace(position, last_price=tick.last_price, close_price=tick.ohlc.close if tick.ohlc else 0.0)

    def _resume(self, order: Order, fills: Sequence[Fill]) -> None:
        instrument = self._find(order.key)
        if instrument is None:
            return
        placed = placed_at(order)
        due = calendar.next_open(order.exchange, placed) if order.status == WAITS else None
        closes = self._closing_time(instrument, due or placed) or placed
        executions = [Execution(fill.average_price, fill.quantity) for fill in fills]
        entry = Entry(order, instrument, expiry(order, placed, closes), [order], executions, due=due)
        self._book.resume(entry, fills)
