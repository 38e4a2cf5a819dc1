"""Hand-written fakes of the ports, and short ways to say an instrument, a tick or a session."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from numpy.typing import NDArray

from alphapanda_desktop.domain.errors import Rejected, Unknown
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Mode, Ohlc, Tick
from alphapanda_desktop.domain.matching import Quote, arriving
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest, Product, Side
from alphapanda_desktop.domain.ports import (
    Event,
    FeedSink,
    Funds,
    IntentRow,
    IntentState,
    LinkReport,
    LinkState,
    RunRow,
    SessionRow,
)
from alphapanda_desktop.domain.positions import Position, fold_fills
from alphapanda_desktop.domain.session import IST, Profile, Session, Token, verify
from alphapanda_desktop.domain.strategy import Holding
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.domain.wishes import Wishes

NOON = datetime(2026, 11, 23, 12, 0, tzinfo=IST).astimezone(UTC)
"""A Monday in the middle of trading."""


class FakeClock:
    """A clock that stands still until told."""

    def __init__(self, at: datetime = NOON) -> None:
        self.at = at
        self._elapsed_s = 0.0

    def now(self) -> datetime:
        return self.at

    def now_ns(self) -> int:
        return (self.at - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000

    def monotonic_s(self) -> float:
        return self._elapsed_s

    def advance(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)
        self._elapsed_s += seconds


class _Profiles:
    async def profile(self, token: Token) -> Profile:
        return Profile(token.user_id, "Asha Rao")


def a_session(at: datetime = NOON, user_id: str = "AB1234") -> Session:
    """A verified session whose login was at that moment."""
    proof = verify(_Profiles(), Token("key", "token", user_id, at), at)
    try:
        proof.send(None)
    except StopIteration as done:
        return done.value  # type: ignore[no-any-return]  # what verify returned
    raise AssertionError("the fake profile never waits")


def an_instrument(
    symbol: str = "INFY",
    *,
    token: int = 408065,
    exchange: str = "NSE",
    kind: str = "EQ",
    lot_size: int = 1,
    tick_size: float = 0.05,
    strike: float = 0.0,
    expiry: date | None = None,
    segment: str = "",
    name: str = "",
) -> Instrument:
    """One row of the master."""
    name, segment = name or symbol, segment or exchange
    return Instrument(
        token, token >> 8, symbol, name, 0.0, expiry, strike, tick_size, lot_size, kind, segment, exchange
    )


def a_tick(
    price: float,
    *,
    token: int = 408065,
    at_s: int = 0,
    volume: int | None = None,
    bids: Sequence[tuple[float, int]] = (),
    asks: Sequence[tuple[float, int]] = (),
    close: float = 0.0,
) -> Tick:
    """A full tick where depth is given, else a quote tick."""
    depth = _words(bids) + _words(asks) if bids or asks else None
    return Tick(
        token,
        Mode.FULL if depth else Mode.QUOTE,
        price,
        volume_traded=volume,
        exchange_epoch_s=at_s,
        ohlc=Ohlc(price, price, price, close) if close else None,
        raw_depth=depth,
    )


def _words(levels: Sequence[tuple[float, int]]) -> tuple[int, ...]:
    padded = [*levels, *[(0.0, 0)] * (5 - len(levels))]
    return tuple(word for price, quantity in padded for word in (quantity, round(price * 100), 1 if quantity else 0))


def bars_of(closes: Iterable[float], start_s: int = 1_795_410_900, step_s: int = 60) -> list[Bar]:
    """Closed flat bars with these closes."""
    return [Bar(start_s + k * step_s, c, c, c, c, 100) for k, c in enumerate(closes)]


def a_request(
    side: str = "BUY",
    quantity: int = 10,
    *,
    price: float | None = None,
    instrument: Instrument | None = None,
    tag: str = "t1",
    **more: Any,
) -> OrderRequest:
    """A limit order if a price is given, else a market order with automatic protection."""
    row = instrument or an_instrument()
    words: dict[str, Any] = {
        "exchange": row.exchange,
        "tradingsymbol": row.tradingsymbol,
        "instrument_token": row.instrument_token,
        "transaction_type": side,
        "quantity": quantity,
        "product": "MIS",
        "order_type": "MARKET" if price is None else "LIMIT",
        "price": price,
        "market_protection": -1 if price is None else None,
        "tag": tag,
    }
    return OrderRequest(**{**words, **more})


class FakeContext(Wishes):
    """A strategy's view on a hand-fed market. Orders fill whole at the last close unless `fills` is False.

    `tell_order` and `due` are the host's: call them where a test needs brackets and timers to go on.
    """

    now: datetime = NOON  # type: ignore[assignment]  # a context's own property

    def __init__(self, instruments: Sequence[Instrument], *, fills: bool = True) -> None:
        super().__init__(Interval.MINUTE)
        self._instruments = tuple(instruments)
        self._bars: dict[str, list[Bar]] = {i.key: [] for i in instruments}
        self._holdings: dict[str, Holding] = {}
        self._fills = fills
        self.orders: list[Order] = []
        self.reasons: list[str] = []
        self.cancelled: list[str] = []
        self.stops: dict[str, float | None] = {}
        self.lines: list[str] = []
        self.shown: dict[str, object] = {}

    @property
    def instruments(self) -> Sequence[Instrument]:
        return self._instruments

    def add_bar(self, instrument: Instrument, close: float) -> Bar:
        """One more closed bar."""
        bars = self._bars[instrument.key]
        bars.extend(bars_of([close], 1_795_410_900 + 60 * len(bars)))
        return bars[-1]

    def bars(self, instrument: Instrument, count: int | None = None) -> Sequence[Bar]:
        bars = self._bars[instrument.key]
        return bars if count is None else bars[max(0, len(bars) - count) :]

    def closes(self, instrument: Instrument, count: int | None = None) -> NDArray[np.float64]:
        return np.array([bar.close for bar in self.bars(instrument, count)])

    def last_price(self, instrument: Instrument) -> float | None:
        bars = self._bars[instrument.key]
        return bars[-1].close if bars else None

    def position(self, instrument: Instrument) -> Holding:
        return self._holdings.get(instrument.key, Holding())

    def hold(self, instrument: Instrument, quantity: int, average_price: float) -> None:
        """Set what the run owns."""
        self._holdings[instrument.key] = Holding(quantity, average_price)

    def working(self, instrument: Instrument) -> Sequence[Order]:
        return [o for o in self.orders if o.key == instrument.key and o.live]

    def exit(self, instrument: Instrument, *, reason: str) -> str | None:
        held = self.position(instrument).quantity
        if not held:
            return None
        return self._order("SELL" if held > 0 else "BUY", instrument, abs(held), reason, None, None, None)

    def protect(self, instrument: Instrument, trigger: float | None, *, reason: str) -> None:
        self.stops[instrument.key] = trigger

    def cancel(self, tag: str) -> None:
        self.cancelled.append(tag)
        self.orders = [replace(o, status="CANCELLED") if o.tag == tag else o for o in self.orders]

    def log(self, text: str) -> None:
        self.lines.append(text)

    def show(self, **variables: object) -> None:
        self.shown.update(variables)

    def _order(
        self,
        side: Side,
        instrument: Instrument,
        quantity: int,
        reason: str,
        price: float | None,
        trigger_price: float | None,
        product: Product | None,
    ) -> str:
        tag = f"tag{len(self.orders)}"
        order = Order(
            order_id=tag,
            status="COMPLETE" if self._fills else "OPEN",
            exchange=instrument.exchange,
            tradingsymbol=instrument.tradingsymbol,
            transaction_type=side,
            quantity=quantity,
            product=product or "NRML",
            order_type="MARKET",
            tag=tag,
        )
        self.orders.append(order)
        self.reasons.append(reason)
        if self._fills:
            held = self.position(instrument).quantity + order.sign * quantity
            self.hold(instrument, held, self.last_price(instrument) or 0.0 if held else 0.0)
        return tag


class FakeBroker:
    """A broker in memory. Orders fill against `quote` on arrival and rest otherwise; `fill` fills by hand.

    `refuse_next` is raised by the next placement; `lose_next_reply` accepts it and answers nothing.
    """

    def __init__(self, quote: Quote | None = None) -> None:
        self.quote = quote or Quote(100.0)
        self.on_order: Callable[[Order], None] | None = None
        self.refuse_next: Exception | None = None
        self.lose_next_reply = False
        self.session: Session | None = None
        self.placed: list[OrderRequest] = []
        self.book: dict[str, list[Order]] = {}
        self.trades: list[Fill] = []
        self.clock = FakeClock()

    async def place(self, request: OrderRequest) -> str:
        self.placed.append(request)
        if self.refuse_next is not None:
            error, self.refuse_next = self.refuse_next, None
            raise error
        if request.quantity <= 0:
            raise Rejected("Missing or empty field `quantity`", "InputException", 400)
        order = self._row(request)
        self._say(order)
        self._match(order)
        if self.lose_next_reply:
            self.lose_next_reply = False
            raise Unknown(f"no answer came to the placement of {request.tag}")
        return order.order_id

    def fill(self, order_id: str, quantity: int, price: float) -> Fill:
        """Fill by hand."""
        order = self.book[order_id][-1]
        filled = order.filled_quantity + quantity
        fill = Fill(
            trade_id=str(len(self.trades) + 1),
            order_id=order_id,
            exchange=order.exchange,
            tradingsymbol=order.tradingsymbol,
            transaction_type=order.transaction_type,
            quantity=quantity,
            average_price=price,
            product=order.product,
            instrument_token=order.instrument_token,
            fill_timestamp=self.clock.now(),
        )
        self.trades.append(fill)
        paid = order.average_price * order.filled_quantity + price * quantity
        self._say(
            replace(
                order,
                status="COMPLETE" if filled == order.quantity else "OPEN",
                filled_quantity=filled,
                pending_quantity=order.quantity - filled,
                average_price=paid / filled,
            )
        )
        return fill

    async def modify(self, order: Order, change: OrderChange) -> str:
        known = self._working(order.order_id)
        changed = replace(known, modified=True)
        for name in ("quantity", "price", "trigger_price", "order_type", "validity"):
            value = getattr(change, name)
            if value is not None:
                changed = replace(changed, **{name: value})
        changed = replace(changed, pending_quantity=changed.quantity - changed.filled_quantity)
        self._say(changed)
        self._match(changed)
        return order.order_id

    async def cancel(self, order: Order) -> str:
        known = self._working(order.order_id)
        left = known.quantity - known.filled_quantity
        self._say(replace(known, status="CANCELLED", pending_quantity=0, cancelled_quantity=left))
        return order.order_id

    async def orders(self) -> list[Order]:
        return [history[-1] for history in self.book.values()]

    async def order_history(self, order_id: str) -> list[Order]:
        return list(self._history(order_id))

    async def fills(self) -> list[Fill]:
        return list(self.trades)

    async def positions(self) -> list[Position]:
        return [replace(p, last_price=self.quote.last_price) for p in fold_fills(self.trades).values()]

    async def funds(self) -> list[Funds]:
        return [Funds("equity", 1_000_000.0, 1_000_000.0, 1_000_000.0, 0.0)]

    def renew(self, session: Session) -> None:
        self.session = session

    def _row(self, request: OrderRequest) -> Order:
        return Order(
            order_id=f"{self.clock.now_ns() + len(self.book):019d}",
            status="TRIGGER PENDING" if request.trigger_price else "OPEN",
            exchange=request.exchange,
            tradingsymbol=request.tradingsymbol,
            transaction_type=request.transaction_type,
            quantity=request.quantity,
            pending_quantity=request.quantity,
            product=request.product,
            order_type="LIMIT" if request.order_type == "MARKET" else request.order_type,
            instrument_token=request.instrument_token,
            price=request.price or self.quote.last_price * (1.02 if request.transaction_type == "BUY" else 0.98),
            trigger_price=request.trigger_price or 0.0,
            tag=request.tag,
        )

    def _match(self, order: Order) -> None:
        if order.trigger_price:
            return
        for execution in arriving(order.transaction_type, order.price, order.open_quantity, self.quote):
            self.fill(order.order_id, execution.quantity, execution.price)

    def _say(self, order: Order) -> None:
        self.clock.advance(0.001)
        seen = replace(order, order_timestamp=self.clock.now(), exchange_update_timestamp=self.clock.now())
        self.book.setdefault(order.order_id, []).append(seen)
        if self.on_order is not None:
            self.on_order(seen)

    def _history(self, order_id: str) -> list[Order]:
        if order_id not in self.book:
            raise Rejected(f"Order {order_id} is not in the book.", "OrderException", 400)
        return self.book[order_id]

    def _working(self, order_id: str) -> Order:
        order = self._history(order_id)[-1]
        if not order.changeable:
            raise Rejected(f"Order is {order.status}.", "OrderException", 400)
        return order


class FakeFeed:
    """A feed that says what the test says."""

    def __init__(self) -> None:
        self.wanted: dict[int, Mode] = {}
        self.sink: FeedSink | None = None
        self.sessions: list[Session] = []
        self.started = asyncio.Event()

    def watch(self, tokens: Iterable[int], mode: Mode) -> None:
        self.wanted.update(dict.fromkeys(tokens, mode))

    def unwatch(self, tokens: Iterable[int]) -> None:
        for token in tokens:
            self.wanted.pop(token, None)

    def renew(self, session: Session) -> None:
        self.sessions.append(session)

    async def run(self, sink: FeedSink) -> None:
        self.sink = sink
        sink.link(LinkReport(LinkState.UP))
        self.started.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.sink = None
            self.started.clear()

    def say(self, *ticks: Tick) -> None:
        """Deliver ticks of watched instruments, as one frame."""
        assert self.sink is not None, "the feed is not running"
        self.sink.ticks([tick for tick in ticks if tick.instrument_token in self.wanted])

    def link(self, state: LinkState, detail: str = "") -> None:
        """Report a change of the connection."""
        assert self.sink is not None, "the feed is not running"
        self.sink.link(LinkReport(state, detail))


class FakeHistory:
    """Candles by token and interval; `fails` is raised instead while it is set."""

    def __init__(self) -> None:
        self.rows: dict[tuple[int, Interval], list[Bar]] = {}
        self.asked: list[tuple[int, Interval, datetime, datetime]] = []
        self.fails: Exception | None = None

    async def candles(self, instrument: Instrument, interval: Interval, start: datetime, end: datetime) -> list[Bar]:
        self.asked.append((instrument.instrument_token, interval, start, end))
        if self.fails is not None:
            raise self.fails
        rows = self.rows.get((instrument.instrument_token, interval), [])
        return [bar for bar in rows if start.timestamp() <= bar.start_s <= end.timestamp()]


class FakeJournal:
    """A journal in memory; `fails` is raised by writes while it is set."""

    def __init__(self) -> None:
        self.fails: Exception | None = None
        self.session_rows: list[SessionRow] = []
        self.intent_rows: dict[str, IntentRow] = {}
        self.settled: list[tuple[str, str]] = []
        self.state_rows: list[tuple[str, IntentState]] = []
        self.causes: dict[str, Cause] = {}
        self.pictures: list[tuple[datetime, Order]] = []
        """Every picture of every order, as it came."""
        self.order_rows: dict[str, tuple[Order, datetime]] = {}
        self.fill_rows: dict[tuple[str, str, str], tuple[Fill, str, datetime]] = {}
        self.run_rows: dict[str, RunRow] = {}
        self.event_rows: list[Event] = []

    async def session_began(self, user_id: str, login_time: datetime, expires_at: datetime) -> int:
        self._write()
        self.session_rows.append(SessionRow(len(self.session_rows) + 1, user_id, login_time, expires_at))
        return len(self.session_rows)

    async def session_ended(self, row_id: int, at: datetime, how: str) -> None:
        self._write()
        self.session_rows[row_id - 1] = replace(self.session_rows[row_id - 1], ended_at=at, ended_how=how)

    async def sessions(self, limit: int = 50) -> list[SessionRow]:
        return self.session_rows[::-1][:limit]

    async def intend(self, request: OrderRequest, at: datetime, cause: Cause | None = None) -> None:
        self._write()
        assert request.tag not in self.intent_rows, f"tag {request.tag!r} was used before"
        self.intent_rows[request.tag] = IntentRow(request, "intended", "", at)
        if cause is not None:
            self.causes[request.tag] = Cause.of_json(json.loads(json.dumps(cause.as_json())))

    async def settle(self, tag: str, state: str, at: datetime, order_id: str = "", detail: str = "") -> None:
        self._write()
        row = self.intent_rows[tag]
        self.settled.append((tag, state))
        self.state_rows.append((tag, IntentState(state, at, order_id, detail)))
        self.intent_rows[tag] = replace(
            row, state=state, order_id=order_id or row.order_id, detail=detail or row.detail
        )

    async def intents(self, since: datetime) -> list[IntentRow]:
        return [row for row in self.intent_rows.values() if row.at >= since]

    async def intent_of(self, name: str) -> IntentRow | None:
        named = [row for row in self.intent_rows.values() if name in (row.request.tag, row.order_id)]
        seen = [order.tag for _, order in self.pictures if order.order_id == name and order.tag in self.intent_rows]
        return named[0] if named else self.intent_rows[seen[0] or ""] if seen else None

    async def intent_states(self, tag: str) -> list[IntentState]:
        return [state for said, state in self.state_rows if said == tag]

    async def cause(self, tag: str) -> Cause | None:
        return self.causes.get(tag)

    async def history(self, name: str) -> list[tuple[datetime, Order]]:
        row = await self.intent_of(name)
        names = {name, row.request.tag, row.order_id} - {""} if row else {name}
        ids = {order.order_id for _, order in self.pictures if order.tag in names} - {""} | names
        return [(at, order) for at, order in self.pictures if order.order_id in ids or order.tag in names]

    async def fills_of(self, order_id: str) -> list[Fill]:
        return [fill for fill, _, _ in self.fill_rows.values() if fill.order_id == order_id]

    async def fills_in(self, exchange: str, tradingsymbol: str, product: str, strategy: str) -> list[Fill]:
        where = (exchange, tradingsymbol, product, strategy)
        rows = self.fill_rows.values()
        return [f for f, run_id, _ in rows if (f.exchange, f.tradingsymbol, f.product, run_id) == where]

    async def order_seen(self, order: Order, at: datetime) -> None:
        self._write()
        self.pictures.append((at, order))
        self.order_rows[order.order_id] = (order, at)

    async def orders(self, since: datetime) -> list[Order]:
        return [order for order, at in self.order_rows.values() if at >= since]

    async def fill_seen(self, fill: Fill, at: datetime, strategy: str = "") -> bool:
        self._write()
        if fill.id in self.fill_rows:
            return False
        self.fill_rows[fill.id] = (fill, strategy, at)
        return True

    async def fills(self, since: datetime) -> list[tuple[Fill, str]]:
        return [(fill, strategy) for fill, strategy, at in self.fill_rows.values() if at >= since]

    async def run_began(self, run: RunRow) -> None:
        self._write()
        self.run_rows[run.run_id] = run

    async def run_ended(self, run_id: str, at: datetime, how: str) -> None:
        self._write()
        self.run_rows[run_id] = replace(self.run_rows[run_id], stopped_at=at, how=how)

    async def runs(self, since: datetime) -> list[RunRow]:
        return [run for run in self.run_rows.values() if run.started_at >= since]

    async def note(self, event: Event) -> None:
        self._write()
        self.event_rows.append(event)

    async def events(self, since: datetime, kind: str = "") -> list[Event]:
        return [event for event in self.event_rows if event.at >= since and (not kind or event.kind == kind)]

    async def events_about(self, name: str, since: datetime) -> list[Event]:
        return [event for event in self.event_rows if event.at >= since and name in event.detail.values()]

    def _write(self) -> None:
        if self.fails is not None:
            raise self.fails
