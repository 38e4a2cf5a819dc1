"""What the market last said: subscriptions, the latest values, live bar series, and how old all of it is.

Nothing here paints or waits. A frame of the feed is put into one table, and becomes ticks only for those instruments
that a strategy, a series or a tick chart wants; readers that draw ask later what has changed.
"""

from __future__ import annotations

import logging
import math
import time
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray
from psygnal import Signal

from alphapanda_desktop.domain.bars import BarSeries, TickSeries
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.freshness import GRADES, OLD, Grade, Kept, Pulse
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Bar, Mode, Period, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.ports import Clock, Feed, History, LinkReport, LinkState
from alphapanda_desktop.domain.quotes import FULL, SENT_AT, Batch, LatestTable, Rows
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.trading.closedhours import ClosedHours
from alphapanda_desktop.trading.liveseries import LiveSeries
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.tickrate import TickRate

log = logging.getLogger(__name__)

CLOSE_GRACE_S: Final = 2.0
"""How long after its end a bar waits for ticks still on their way before the clock closes it."""

SLICE_S: Final = 0.006
"""How long the ticks of one frame may be told in one go: then input, timers and the kill switch have their turn."""

BRISK: Final = 16
"""Ticks that are told between two looks at the clock, as long as"""
BRISK_S: Final = 0.0005
"""so many took no longer than this; a listener that takes longer is looked after at each tick."""

FEW: Final = 8
"""Packets up to which Python is quicker than numpy."""

_RANK: Final = {Mode.LTP: 0, Mode.QUOTE: 1, Mode.FULL: 2}

P = TypeVar("P", bound=Period)
TickListener = Callable[[Tick], None]
Among = Callable[[], Collection[int]]
L = TypeVar("L")


class Market:
    """The venue's market data; the sink of its feed. Built with a verified session.

    Signals: `link_changed(LinkReport)`, `noticed(kind, text)`. Listeners are called on the tick path: with a `scope`
    one that fails is reported there and starves neither the others nor the feed. `table` has the latest values of all
    instruments in columns. `hours` holds bars to the exchanges' sessions: the practice exchange never closes.
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
        *,
        hours: bool = False,
    ) -> None:
        if not isinstance(session, Session):
            raise TypeError("a Market needs a verified Session")
        self._feed = feed
        self._clock = clock
        self._scope = scope
        self.master = master
        self.table = LatestTable()
        self.link = LinkReport(LinkState.OFF)
        self.frozen_at: datetime | None = None
        self.was_down = True
        """Whether updates may have been missed: until the first link is up, and again after each loss."""
        self._up_since_s = 0.0
        self._kept = Kept()
        self._wishes: dict[str, dict[int, Mode]] = {}
        self._rows_of: dict[str, Rows] = {}
        """Rows of what each owner watches."""
        self._told: dict[int, Mode] = {}
        """What the feed took."""
        self._pulse = Pulse()
        self._beating: list[Rows] = []
        """What ticked since the beat began and was not put into the pulse yet."""
        self._beat_s = 0.0
        self._series = LiveSeries(history, master, clock, self._bar_closed, hours=hours)
        self._closed_hours = ClosedHours(self.table, master, clock, hours=hours)
        self._mending = False
        self._tick_series: dict[int, TickSeries] = {}
        self._tick_listeners: dict[int, list[TickListener]] = {}
        self._told_to: dict[int, tuple[tuple[Callable[[Tick], object], ...], tuple[TickListener, ...]]] = {}
        """By token: what keeps its ticks, and who listens; made anew when either changes, never by the tick."""
        self._every_tick: list[tuple[TickListener, Among | None]] = []
        self._after_frame: list[Callable[[], None]] = []
        self._bar_listeners: dict[tuple[int, Period], list[Callable[..., None]]] = {}
        self._order_listener: Callable[[Order], None] | None = None
        self._wanted = np.zeros(1024, np.bool_)
        """By row: whether its packets have to become ticks."""
        self._telling: deque[Iterator[Tick]] = deque()
        """Ticks of frames that are in the table, but were not told yet."""
        self._now_told: Tick | None = None
        self._objects: dict[int, Tick] = {}
        """Latest ticks that came as objects."""
        self._made: dict[int, Tick] = {}
        """Ticks made from rows since the last frame."""
        self._rate = TickRate()

    # -- subscriptions ---------------------------------------------------------------------------------------

    def watch(self, owner: str, instruments: Iterable[Instrument], mode: Mode) -> None:
        """What `owner` wants from now on, in place of what it wanted; the feed gets the union over owners.

        Raises what the feed raises for too many instruments; the owner's former wish then stands.
        """
        former, taken = self._wishes.get(owner), False
        self._wishes[owner] = {i.instrument_token: mode for i in instruments}
        try:
            self._tell_feed()
            self._rows_of[owner] = self.table.make_rows(self._wishes[owner])
            taken = True
        finally:
            if not taken:
                self._wishes.pop(owner)
                if former is not None:
                    self._wishes[owner] = former
                self._tell_feed()

    def unwatch(self, owner: str) -> None:
        """Want nothing for `owner` any more; a reader of that name is forgotten with it."""
        self.table.forget_reader(owner)
        self._rows_of.pop(owner, None)
        if self._wishes.pop(owner, None) is not None:
            self._tell_feed()

    def watched(self) -> list[int]:
        """Tokens that the feed was asked for, whoever wants them."""
        return list(self._told)

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
                self._begin([token for token in new if token not in self._told])
                self._told.update(new)

    def _begin(self, tokens: Sequence[int]) -> None:
        """Take what comes first of these for old news."""
        rows = self.table.make_rows(tokens)
        self._settle()
        self._pulse.subscribed(rows, self._clock.monotonic_s())
        self._kept.subscribed(rows, self._clock.now().timestamp())

    def now(self) -> datetime:
        """The venue's time, aware UTC."""
        return self._clock.now()

    # -- what readers ask ------------------------------------------------------------------------------------

    def latest(self, instrument_token: int) -> Tick | None:
        """Its last tick, made from the table when asked for; while a tick is being told, that one."""
        told = self._now_told
        if told is not None and told.instrument_token == instrument_token:
            return told
        tick = self._objects.get(instrument_token) or self._made.get(instrument_token)
        if tick is None:
            row = self.table.row_of(instrument_token)
            tick = self.table.tick(row) if row is not None else None
            if tick is not None:
                self._made[instrument_token] = tick
        return tick

    def trusted(self, instrument_token: int) -> Tick | None:
        """Its last tick if money may hang on it: with a price, and of no time before it was subscribed on this link.

        What a subscription tells first was kept, and may be of yesterday.  Source: CONTRACT 7, lessons 3 and 4.
        """
        tick = self.latest(instrument_token)
        if tick is None or not tick.last_price > 0:
            return None
        return None if self._kept.was(self._row(instrument_token), tick.exchange_epoch_s) else tick

    def age_s(self, instrument_token: int) -> float | None:
        """Seconds since its last tick arrived, or None if none ever did."""
        self._settle()
        row = self.table.row_of(instrument_token)
        at = self._pulse.last_s(row) if row is not None else None
        return None if at is None else max(0.0, self._clock.monotonic_s() - at)

    def ages_s(self, rows: Rows) -> NDArray[np.float64]:
        """The same of rows of the table; infinite where no tick ever came."""
        self._settle()
        return self._pulse.ages_s(rows, self._clock.monotonic_s())

    def stale(self, instrument_token: int) -> bool:
        """Whether its price must be shown as old, and must carry no entry: closed markets' prices are such, too."""
        return self.grade(instrument_token) in OLD

    def grade(self, instrument_token: int) -> Grade:
        """How fresh its price is; stale without a link or a session, until its first tick after either and after it was
        subscribed, and as long as that tick's time is of before."""
        row = self.table.row_of(instrument_token)
        return Grade.NEVER if row is None else GRADES[self.grades(np.array((row,))).item()]

    def grades(self, rows: Rows) -> NDArray[np.intp]:
        """The same of rows of the table, as places in `domain.freshness.GRADES`."""
        self._settle()
        grades = self._pulse.grades(rows, self._clock.monotonic_s(), since_s=self._up_since_s)
        sent_s = np.where(self.table.level[rows] == FULL, self.table.column(SENT_AT)[rows].astype(np.int64), 0)
        grades[self._kept.were(rows, sent_s)] = GRADES.index(Grade.STALE)
        self._closed_hours.mark(rows, grades)
        if self.frozen_at is not None or self.link.state is not LinkState.UP:
            grades[grades != GRADES.index(Grade.NEVER)] = GRADES.index(Grade.STALE)
        return grades

    def take_changed(self, reader: str) -> set[int]:
        """Tokens that ticked since this reader last asked; all known ones the first time.

        A reader that watches under the same name hears of what it watches, any other of all.
        """
        return set(self.table.tokens(self.table.take_changed(reader, self._rows_of.get(reader))))

    @property
    def ticks_per_s(self) -> float:
        """Ticks a second over the last few seconds."""
        return self._rate.per_s(self._clock.monotonic_s())

    @property
    def silence_s(self) -> float | None:
        """Seconds since anything ticked; None before the first tick."""
        return self._rate.silence_s(self._clock.monotonic_s())

    # -- series ----------------------------------------------------------------------------------------------

    def live_series(self, instrument: Instrument, interval: Period) -> BarSeries:
        """The series of this instrument and interval, without waiting for history."""
        series = self._series.live(instrument, interval)
        self._consider(instrument.instrument_token)
        return series

    async def series(self, instrument: Instrument, interval: Period) -> BarSeries:
        """The series, back-filled from history once. Raises what History raises; `live_series` still works then."""
        self.live_series(instrument, interval)
        return await self._series.filled(instrument, interval)

    async def refill(self) -> None:
        """Close the gap that a lost link left in every live series; raises the first failure after all were tried."""
        await self._series.refill()

    def tick_series(self, instrument: Instrument) -> TickSeries:
        """Ticks of this instrument since it was first asked for."""
        token = instrument.instrument_token
        if (series := self._tick_series.get(token)) is None:
            series = self._tick_series[token] = TickSeries()
            self._consider(token)
        return series

    # -- listeners on the tick path --------------------------------------------------------------------------

    def on_tick(self, instrument_token: int, listener: TickListener) -> Callable[[], None]:
        """Call `listener` for each tick of one instrument; returns what ends it."""
        end = _listen(self._tick_listeners.setdefault(instrument_token, []), listener)
        self._consider(instrument_token)

        def stop() -> None:
            end()
            self._consider(instrument_token)

        return stop

    def on_every_tick(self, listener: TickListener, among: Among | None = None) -> Callable[[], None]:
        """Call `listener` for each tick of all instruments; returns what ends it.

        It costs an object for each tick of the feed: `among` says, once a frame, which instruments it is to be.
        """
        return _listen(self._every_tick, (listener, among))

    def after_frame(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` once after each frame of ticks, however many there were; returns what ends it."""
        return _listen(self._after_frame, listener)

    def on_bar(
        self, instrument: Instrument, interval: P, listener: Callable[[Instrument, P, Bar], None]
    ) -> Callable[[], None]:
        """Call `listener` for each bar that closes; returns what ends it."""
        self.live_series(instrument, interval)
        return _listen(self._bar_listeners.setdefault((instrument.instrument_token, interval), []), listener)

    def on_order(self, listener: Callable[[Order], None]) -> None:
        """Who hears order updates that come over the feed."""
        self._order_listener = listener

    # -- from the feed ---------------------------------------------------------------------------------------

    def take_batch(self, batch: Batch) -> bool:
        """A frame was put into `table`: tell who wants its ticks; whether some are left for `tell_more`."""
        now, rows = self._clock.monotonic_s(), batch.rows
        self._arrived(rows, now)
        if self._objects:
            for token in self.table.tokens(rows.tolist()):
                self._objects.pop(token, None)
        places = self._places(rows)
        if places:
            self._telling.append(batch.ticks(places))
        if not self._telling:
            self._end_frame()
            return False
        return self.tell_more()

    def take(self, ticks: Sequence[Tick]) -> None:
        """Store ticks that come as objects, fold them into series, call listeners."""
        self.tell_more(all_of_them=True)
        self._arrived(self.table.put_ticks(ticks), self._clock.monotonic_s())
        self._objects.update((tick.instrument_token, tick) for tick in ticks)
        self._tell(iter(ticks), math.inf)
        self._end_frame()

    def tell_more(self, *, all_of_them: bool = False) -> bool:
        """Tell ticks that were left, for no longer than a slice; whether any are left still."""
        ends = math.inf if all_of_them else time.perf_counter() + SLICE_S
        while self._telling:
            ticks = self._telling[0]
            if self._tell(ticks, ends):
                return True
            if self._telling and self._telling[0] is ticks:  # else a listener has brought ticks of its own
                self._telling.popleft()
                self._end_frame()
        return False

    def _tell(self, ticks: Iterator[Tick], ends: float) -> bool:
        """Tell these until the clock says `ends`; whether some may be left. The clock costs a twentieth of a tick."""
        take, looked, unseen = self._take, time.perf_counter(), 1
        try:
            for tick in ticks:
                take(tick)
                unseen -= 1
                if not unseen:
                    now = time.perf_counter()
                    if now > ends:
                        return True
                    unseen, looked = BRISK if now - looked < BRISK_S else 1, now
        finally:
            self._now_told = None
        return False

    def _arrived(self, rows: Rows, now_s: float) -> None:
        """Note that these ticked; the pulse is worked out for many frames at once."""
        self._made.clear()
        if self._rate.add(len(rows), now_s):
            self._settle()
        self._beating.append(rows)
        self._beat_s = now_s

    def _settle(self) -> None:
        if self._beating:
            rows = np.concatenate(self._beating)
            self._beating.clear()
            self._pulse.reserve(len(self.table))
            self._pulse.beat(rows, self._beat_s, since_s=self._up_since_s)

    def _places(self, rows: Rows) -> Sequence[int]:
        """Which packets of a frame somebody wants as ticks."""
        if any(among is None for _, among in self._every_tick):
            return range(len(rows))
        if len(self.table) > len(self._wanted):
            self._wanted = np.concatenate((self._wanted, np.zeros(len(self.table), np.bool_)))
        wanted = self._wanted
        more = {row for _, among in self._every_tick if among for token in among() if (row := self._row(token)) >= 0}
        if len(rows) <= FEW:
            return [place for place, row in enumerate(rows.tolist()) if wanted.item(row) or row in more]
        hits = wanted[rows]
        if more:
            hits |= np.isin(rows, [*more])
        places: list[int] = hits.nonzero()[0].tolist()
        return places

    def _row(self, token: int) -> int:
        row = self.table.row_of(token)
        return -1 if row is None else row

    def _consider(self, token: int) -> None:
        """Note whether packets of this instrument have to become ticks."""
        row = self.table.make_rows((token,)).item()
        if row >= len(self._wanted):
            self._wanted = np.concatenate((self._wanted, np.zeros(row + 1, np.bool_)))
        ring = self._tick_series.get(token)
        folds: tuple[Callable[[Tick], object], ...] = () if ring is None else (ring.take,)
        folds += (self._series.take,) * self._series.wants(token)
        ears = tuple(self._tick_listeners.get(token, ()))
        self._told_to[token] = folds, ears
        self._wanted[row] = bool(folds or ears)

    def _take(self, tick: Tick) -> None:
        """Fold a tick into series and tell who listens; `latest` gives this very tick until the caller forgets it."""
        self._now_told = tick
        token = tick.instrument_token
        folds, ears = self._told_to.get(token, ((), ()))
        for fold in folds:
            fold(tick)
        for listener in ears:
            if self._scope is None:
                listener(tick)
            else:
                self._scope.call("tick", listener, tick)
        if self._every_tick:
            self._tell_every(tick, token)

    def _tell_every(self, tick: Tick, token: int) -> None:
        for listener, among in tuple(self._every_tick):
            if among is None or token in among():
                self._call("tick", listener, tick)

    def _end_frame(self) -> None:
        for listener in tuple(self._after_frame):
            self._call("frame", listener)

    def _call(self, name: str, listener: Callable[..., object], *args: object) -> None:
        if self._scope is None:
            listener(*args)
        else:
            self._scope.call(name, listener, *args)

    def advance(self) -> None:
        """Close bars by the clock where no tick came to close them; called about once a second."""
        if self.link.state is not LinkState.UP or self._telling:
            return  # the clock alone must not close bars while ticks may be missing
        self._series.advance(self._clock.now().timestamp() - CLOSE_GRACE_S)
        torn = self._series.torn() if self._scope is not None and not self._mending else ()
        if torn and self._scope is not None and not self._scope.closed and self.frozen_at is None:
            self._mending = True
            self._scope.spawn("mend bars", self._mend(torn))

    async def _mend(self, torn: Sequence[Any]) -> None:
        try:
            await self._series.mend(torn)
        except AlphaPandaError as error:
            log.info("bars stay marked as incomplete for now: %s", error)
        finally:
            self._mending = False

    def _bar_closed(self, token: int, interval: Period, bar: Bar) -> None:
        instrument = self.master.by_token(token)
        if instrument is not None:
            for listener in tuple(self._bar_listeners.get((token, interval), ())):
                self._call("bar", listener, instrument, interval, bar)

    def take_link(self, report: LinkReport) -> None:
        """The feed's connection changed."""
        self._settle()
        was_up, is_up = self.link.state is LinkState.UP, report.state is LinkState.UP
        if was_up and not is_up:
            self.was_down = True
            self._series.lost(self._clock.now())
        if is_up and not was_up:
            self._up_since_s = self._clock.monotonic_s()
            self._kept.linked(self._clock.now().timestamp())
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
    """What the feed talks to: hands frames, orders and link changes to the market.

    `orders` is False where the feed tells of another account's orders than the desk's, as Zerodha's does to paper.
    """

    def __init__(self, market: Market, *, orders: bool = True) -> None:
        self._market = market
        self._orders = orders

    @property
    def table(self) -> LatestTable:
        """Where the feed puts frames."""
        return self._market.table

    def batch(self, batch: Batch) -> bool:
        """A frame was put into the table; whether `more` has to be called before the next one."""
        return self._market.take_batch(batch)

    def more(self) -> bool:
        """Go on with what the last frame left undone; whether anything is left."""
        return self._market.tell_more()

    def ticks(self, ticks: Sequence[Tick]) -> None:
        self._market.take(ticks)

    def order(self, order: Order) -> None:
        if self._orders:
            self._market.take_order(order)

    def link(self, report: LinkReport) -> None:
        self._market.take_link(report)

    def notice(self, kind: str, text: str) -> None:
        self._market.noticed.emit(kind, text)


def _listen(listeners: list[L], listener: L) -> Callable[[], None]:
    def end() -> None:
        if listener in listeners:
            listeners.remove(listener)

    listeners.append(listener)
    return end
