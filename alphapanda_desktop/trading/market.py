"""What the market last said: subscriptions, latest ticks, live bar series, and how old all of it is.

Nothing here paints or waits: a tick is stored, series fold it in, listeners are called, and readers that draw ask
later what has changed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, TypeVar

from psygnal import Signal

from alphapanda_desktop.domain.bars import BarSeries, TickSeries
from alphapanda_desktop.domain.errors import AlphaPandaError, SessionEnded
from alphapanda_desktop.domain.freshness import Grade, Pulse
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Bar, Interval, Mode, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.ports import Clock, Feed, History, LinkReport, LinkState
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.trading.scope import Scope

CLOSE_GRACE_S: Final = 2.0
"""How long after its end a bar waits for ticks still on their way before the clock closes it."""

_BACKFILL: Final = {
    Interval.MINUTE: timedelta(days=4),
    Interval.MINUTE_3: timedelta(days=8),
    Interval.MINUTE_5: timedelta(days=12),
    Interval.MINUTE_15: timedelta(days=30),
    Interval.MINUTE_60: timedelta(days=120),
    Interval.DAY: timedelta(days=730),
}
_RANK: Final = {Mode.LTP: 0, Mode.QUOTE: 1, Mode.FULL: 2}

BarListener = Callable[[Instrument, Interval, Bar], None]
TickListener = Callable[[Tick], None]
Key = tuple[int, Interval]
L = TypeVar("L")


class Market:
    """The venue's market data; the sink of its feed. Built with a verified session.

    Signals: `link_changed(LinkReport)`, `noticed(kind, text)`. Listeners are called on the tick path: with a `scope`
    one that fails is reported there and starves neither the others nor the feed.
    """

    link_changed = Signal(object)
    noticed = Signal(str, str)

    def __init__(
        self,
        session: Session,
        feed: Feed,
        history: History,
        master: InstrumentMaster,
        clock: Clock,
        scope: Scope | None = None,
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a Market needs a verified Session")
        self._feed = feed
        self._history = history
        self._clock = clock
        self._scope = scope
        self.master = master
        self.link = LinkReport(LinkState.OFF)
        self.frozen_at: datetime | None = None
        self.was_down = True
        """Whether updates may have been missed: until the first link is up, and again after each loss."""
        self._up_since_s = 0.0
        self._lost_at: datetime | None = None
        self._wishes: dict[str, dict[int, Mode]] = {}
        self._told: dict[int, Mode] = {}
        """What the feed took."""
        self._latest: dict[int, Tick] = {}
        self._pulse = Pulse()
        self._changed: dict[str, set[int]] = {}
        self._series: dict[Key, BarSeries] = {}
        self._by_token: dict[int, list[tuple[Interval, BarSeries]]] = {}
        self._filled: set[Key] = set()
        self._filling: dict[Key, asyncio.Event] = {}
        self._tick_series: dict[int, TickSeries] = {}
        self._tick_listeners: dict[int, list[TickListener]] = {}
        self._every_tick: list[TickListener] = []
        self._bar_listeners: dict[Key, list[BarListener]] = {}
        self._order_listener: Callable[[Order], None] | None = None
        self._counts: deque[tuple[float, int]] = deque(maxlen=256)

    # -- subscriptions ---------------------------------------------------------------------------------------

    def watch(self, owner: str, instruments: Iterable[Instrument], mode: Mode) -> None:
        """What `owner` wants from now on, in place of what it wanted; the feed gets the union over owners.

        Raises what the feed raises for too many instruments; the owner's former wish then stands.
        """
        former, taken = self._wishes.get(owner), False
        self._wishes[owner] = {i.instrument_token: mode for i in instruments}
        try:
            self._tell_feed()
            taken = True
        finally:
            if not taken:
                self._wishes.pop(owner)
                if former is not None:
                    self._wishes[owner] = former
                self._tell_feed()

    def unwatch(self, owner: str) -> None:
        """Want nothing for `owner` any more; a reader of that name is forgotten with it."""
        self._changed.pop(owner, None)
        if self._wishes.pop(owner, None) is not None:
            self._tell_feed()

    def _union(self) -> dict[int, Mode]:
        union: dict[int, Mode] = {}
        for wish in self._wishes.values():
            for token, mode in wish.items():
                if token not in union or _RANK[mode] > _RANK[union[token]]:
                    union[token] = mode
        return union

    def _tell_feed(self) -> None:
        wanted = self._union()
        gone = [token for token in self._told if token not in wanted]
        if gone:
            self._feed.unwatch(gone)
        for token in gone:
            del self._told[token]
        for mode in Mode:
            new = {token: mode for token, at in wanted.items() if at is mode and self._told.get(token) is not mode}
            if new:
                self._feed.watch(new, mode)
                self._told.update(new)

    def now(self) -> datetime:
        """The venue's time, aware UTC."""
        return self._clock.now()

    # -- what readers ask ------------------------------------------------------------------------------------

    def latest(self, instrument_token: int) -> Tick | None:
        return self._latest.get(instrument_token)

    def age_s(self, instrument_token: int) -> float | None:
        """Seconds since its last tick arrived, or None if none ever did."""
        at = self._pulse.last_s(instrument_token)
        return None if at is None else max(0.0, self._clock.monotonic_s() - at)

    def stale(self, instrument_token: int) -> bool:
        """Whether its price must be shown as old, and must carry no entry."""
        return self.grade(instrument_token) in (Grade.STALE, Grade.NEVER)

    def grade(self, instrument_token: int) -> Grade:
        """How fresh its price is; stale without a link or a session, and until its first tick after either."""
        grade = self._pulse.grade(instrument_token, self._clock.monotonic_s(), since_s=self._up_since_s)
        if grade is not Grade.NEVER and (self.frozen_at is not None or self.link.state is not LinkState.UP):
            return Grade.STALE
        return grade

    def take_changed(self, reader: str) -> set[int]:
        """Tokens that ticked since this reader last asked; all known ones the first time."""
        changed = self._changed.get(reader)
        self._changed[reader] = set()
        return set(self._latest) if changed is None else changed

    @property
    def ticks_per_s(self) -> float:
        """Ticks a second over the last few seconds."""
        now = self._clock.monotonic_s()
        recent = [(at, n) for at, n in self._counts if now - at <= 3.0]
        return sum(n for _, n in recent) / 3.0

    # -- series ----------------------------------------------------------------------------------------------

    def live_series(self, instrument: Instrument, interval: Interval) -> BarSeries:
        """The series of this instrument and interval, without waiting for history."""
        key = (instrument.instrument_token, interval)
        series = self._series.get(key)
        if series is None:
            series = self._series[key] = BarSeries(interval, open_s=_open_s(instrument))
            self._by_token.setdefault(instrument.instrument_token, []).append((interval, series))
        return series

    async def series(self, instrument: Instrument, interval: Interval) -> BarSeries:
        """The series, back-filled from history once. Raises what History raises; `live_series` still works then."""
        series = self.live_series(instrument, interval)
        key = (instrument.instrument_token, interval)
        while key not in self._filled:
            under_way = self._filling.get(key)
            if under_way is not None:
                await under_way.wait()  # whoever was first asks; where that fails, the next one does
                continue
            done = self._filling[key] = asyncio.Event()
            try:
                await self._backfill(instrument, interval, series)
                self._filled.add(key)
            finally:
                del self._filling[key]
                done.set()
        return series

    async def _backfill(self, instrument: Instrument, interval: Interval, series: BarSeries) -> None:
        end = self._clock.now()
        series.backfill(await self._history.candles(instrument, interval, end - _BACKFILL[interval], end))

    async def refill(self) -> None:
        """Close the gap that a lost link left in every live series; raises the first failure after all were tried."""
        lost_at, self._lost_at = self._lost_at, None
        failures: list[AlphaPandaError] = []
        for token, interval in list(self._filled):
            instrument = self.master.by_token(token)
            if instrument is not None and not any(isinstance(error, SessionEnded) for error in failures):
                try:
                    await self._close_gap(instrument, interval, lost_at)
                except AlphaPandaError as error:
                    failures.append(error)
        if failures:
            self._lost_at = lost_at or self._lost_at
            raise failures[0]

    async def _close_gap(self, instrument: Instrument, interval: Interval, lost_at: datetime | None) -> None:
        series, end = self._series[instrument.instrument_token, interval], self._clock.now()
        last = series.last()
        start = datetime.fromtimestamp(last.start_s, end.tzinfo) if last else end - _BACKFILL[interval]
        if lost_at is not None:
            start = min(start, lost_at)  # the last bar may have begun after the gap
        series.backfill(await self._history.candles(instrument, interval, start - timedelta(days=1), end))

    def tick_series(self, instrument: Instrument) -> TickSeries:
        """Ticks of this instrument since it was first asked for."""
        series = self._tick_series.get(instrument.instrument_token)
        if series is None:
            series = self._tick_series[instrument.instrument_token] = TickSeries()
        return series

    # -- listeners on the tick path --------------------------------------------------------------------------

    def on_tick(self, instrument_token: int, listener: TickListener) -> Callable[[], None]:
        """Call `listener` for each tick of one instrument; returns what ends it."""
        return _listen(self._tick_listeners.setdefault(instrument_token, []), listener)

    def on_every_tick(self, listener: TickListener) -> Callable[[], None]:
        """Call `listener` for each tick of all instruments; returns what ends it."""
        return _listen(self._every_tick, listener)

    def on_bar(self, instrument: Instrument, interval: Interval, listener: BarListener) -> Callable[[], None]:
        """Call `listener` for each bar that closes; returns what ends it."""
        self.live_series(instrument, interval)
        return _listen(self._bar_listeners.setdefault((instrument.instrument_token, interval), []), listener)

    def on_order(self, listener: Callable[[Order], None]) -> None:
        """Who hears order updates that come over the feed."""
        self._order_listener = listener

    # -- from the feed ---------------------------------------------------------------------------------------

    def take(self, ticks: Sequence[Tick]) -> None:
        """Store ticks, fold them into series, call listeners."""
        now = self._clock.monotonic_s()
        self._counts.append((now, len(ticks)))
        tokens = {tick.instrument_token for tick in ticks}
        self._pulse.beat(tokens, now, since_s=self._up_since_s)
        for changed in self._changed.values():
            changed.update(tokens)
        for tick in ticks:
            self._take(tick)

    def _take(self, tick: Tick) -> None:
        token = tick.instrument_token
        self._latest[token] = tick
        ring = self._tick_series.get(token)
        if ring is not None:
            ring.add(tick.at_ns / 1e9, tick.last_price, tick.volume_traded)
        for interval, series in self._by_token.get(token, ()):
            closed = series.add(tick)
            if closed is not None:
                self._bar_closed(token, interval, closed)
        for listener in (*self._tick_listeners.get(token, ()), *self._every_tick):
            self._call("tick", listener, tick)

    def _call(self, name: str, listener: Callable[..., object], *args: object) -> None:
        if self._scope is None:
            listener(*args)
        else:
            self._scope.call(name, listener, *args)

    def advance(self) -> None:
        """Close bars by the clock where no tick came to close them; called about once a second."""
        if self.link.state is not LinkState.UP:
            return  # the clock alone must not close bars while ticks may be missing
        now_s = self._clock.now().timestamp() - CLOSE_GRACE_S
        for token, rows in list(self._by_token.items()):
            for interval, series in rows:
                closed = series.advance(now_s)
                if closed is not None:
                    self._bar_closed(token, interval, closed)

    def _bar_closed(self, token: int, interval: Interval, bar: Bar) -> None:
        instrument = self.master.by_token(token)
        if instrument is not None:
            for listener in tuple(self._bar_listeners.get((token, interval), ())):
                self._call("bar", listener, instrument, interval, bar)

    def take_link(self, report: LinkReport) -> None:
        """The feed's connection changed."""
        was_up, is_up = self.link.state is LinkState.UP, report.state is LinkState.UP
        if was_up and not is_up:
            self.was_down = True
            self._lost_at = self._lost_at or self._clock.now()
        if is_up and not was_up:
            self._up_since_s = self._clock.monotonic_s()
        self.link = report
        self._call("link", self.link_changed.emit, report)

    def take_order(self, order: Order) -> None:
        """An order update came."""
        if self._order_listener is not None:
            self._call("order", self._order_listener, order)

    # -- session ---------------------------------------------------------------------------------------------

    def freeze(self, at: datetime) -> None:
        """Mark all data as old: the session is over. It stays readable."""
        self.frozen_at = at
        self.link_changed.emit(self.link)

    def resume(self, session: Session) -> None:
        """Go on with a new session in place: same subscriptions, same series."""
        if not isinstance(session, Session):
            raise TypeError("a Market resumes only with a verified Session")
        self.frozen_at = None
        self._feed.renew(session)


class MarketSink:
    """What the feed talks to: hands ticks, orders and link changes to the market.

    `orders` is False where the feed tells of another account's orders than the desk's, as Zerodha's does to paper.
    """

    def __init__(self, market: Market, *, orders: bool = True) -> None:
        self._market = market
        self._orders = orders

    def ticks(self, ticks: Sequence[Tick]) -> None:
        self._market.take(ticks)

    def order(self, order: Order) -> None:
        if self._orders:
            self._market.take_order(order)

    def link(self, report: LinkReport) -> None:
        self._market.take_link(report)

    def notice(self, kind: str, text: str) -> None:
        self._market.noticed.emit(kind, text)


def _open_s(instrument: Instrument) -> int:
    """Session open in seconds after IST midnight, which candles are aligned to."""
    return 32_400 if instrument.exchange in ("CDS", "BCD", "MCX", "NCO") else 33_300


def _listen(listeners: list[L], listener: L) -> Callable[[], None]:
    def end() -> None:
        if listener in listeners:
            listeners.remove(listener)

    listeners.append(listener)
    return end
