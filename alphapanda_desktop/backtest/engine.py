"""One strategy over history, bar by bar, in virtual time: the same input gives the same result, bit for bit.

For each bar: what waits meets its open, its way and its close; then the bar has closed, and the strategy is called.
What it asks for then leaves with the next bar's open, so nothing can be done at a price that was known beforehand.
Bars of several instruments that begin together are all matched before the first of them is told to the strategy.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Final

from alphapanda_desktop.backtest.book import Book
from alphapanda_desktop.backtest.context import BacktestContext
from alphapanda_desktop.backtest.gate import Gate
from alphapanda_desktop.backtest.lane import Lane
from alphapanda_desktop.backtest.matcher import Matcher
from alphapanda_desktop.backtest.orders import Execution, Refused, Working
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.series import CHUNK, DAY_S, IST_S, Series
from alphapanda_desktop.backtest.ticks import Ticks
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.risk import RiskLimits
from alphapanda_desktop.domain.strategy import Parameters, Strategy

CASH: Final = 10_00_000.0

SELDOM: Final = 50_000
"""Objects made and kept between two looks of the collector."""

Progress = Callable[[int, int], bool]
"""Told bars done and bars in all, now and then; False ends the backtest there."""


@dataclass(frozen=True, kw_only=True)
class Setup:
    """What is to be tested, and under which assumptions; cash in rupees."""

    strategy: type[Strategy]
    params: Parameters
    series: Sequence[Series]
    product: Product = "MIS"
    cash: float = CASH
    slippage: Slippage = field(default_factory=Slippage)
    limits: RiskLimits = field(default_factory=RiskLimits)
    with_derivatives: frozenset[str] = frozenset()
    """Keys of shares whose day ends in a closing auction."""
    ticks: Sequence[Ticks] = ()
    """What bars in `series` were made of (`Ticks.bars`), where that is known: orders then meet tick after tick."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of it. `series` is what was played; a bar's number counts within its own instrument's."""

    setup: Setup
    series: tuple[Series, ...]
    working: tuple[Working, ...]
    executions: tuple[Execution, ...]
    refused: tuple[Refused, ...]
    lines: tuple[tuple[int, str], ...]
    variables: Mapping[str, object]
    opening: int
    """Cash at the start, as booked money."""
    cash: int
    """Cash at the end, charges paid, as booked money."""
    charged: int
    complete: bool
    """False where it was ended before the last bar."""

    @property
    def orders(self) -> list[Order]:
        """Every order in the order in which it was asked for, as an order book shows it."""
        return [work.order() for work in self.working]


class Engine:
    """Plays one setup once."""

    def __init__(self, setup: Setup) -> None:
        _judge(setup)
        self._setup = setup
        self._strategy = setup.strategy(setup.params)
        series = [each.checked() for each in setup.series]
        ticks = {each.instrument.key: each.checked() for each in setup.ticks}
        self._lanes = [
            Lane(
                each,
                has_derivatives=each.instrument.key in setup.with_derivatives,
                ticks=ticks.get(each.instrument.key),
            )
            for each in series
        ]
        self._hears_ticks = setup.strategy.on_tick is not Strategy.on_tick and bool(ticks)
        if self._hears_ticks and len(series) > 1:
            raise BadData("a strategy that hears ticks is played here on one instrument: several need the exact tier")
        self._book = Book(self._lanes, setup.cash)
        gate = Gate(setup.limits)
        self._matcher = Matcher(self._lanes, self._book, gate, setup.slippage, setup.product)
        self._context = BacktestContext(self._lanes, self._matcher)
        self._context.on_timer = lambda name: self._strategy.on_timer(self._context, name)
        if setup.strategy.on_order is not Strategy.on_order:
            self._matcher.heard = lambda order: self._strategy.on_order(self._context, order)

    def run(self, progress: Progress | None = None) -> Result:
        """Play all bars; what came of it."""
        lookback = max(1, self._strategy.lookback)
        play = self._play_one if len(self._lanes) == 1 else self._play_together
        with _seldom_collected():
            complete = play(lookback, progress or (lambda _done, _all: True))
        self._matcher.tell()
        self._strategy.on_stop(self._context)
        self._matcher.finish()
        book, context = self._book, self._context
        return Result(
            self._setup, tuple(lane.series for lane in self._lanes), tuple(book.orders), tuple(book.executions),
            tuple(book.refused), tuple(context.lines), dict(context.variables), book.opening, book.cash,
            book.charged, complete,
        )  # fmt: skip

    def _play_one(self, lookback: int, progress: Progress) -> bool:
        """The loop of one instrument: a bar in which nothing can happen costs one comparison."""
        lane, total = self._lanes[0], len(self._lanes[0].series)
        known = self._begin(lookback)
        play = self._play_ticks if self._hears_ticks else self._play_some
        bars = lane.series.bars(known)
        for first in range(known, total, CHUNK):
            play(lane, zip(range(first + 1, min(first + CHUNK, total) + 1), bars, strict=False))
            if not progress(lane.count, total):
                return lane.count == total
        return True

    def _play_some(self, lane: Lane, numbered: Iterator[tuple[int, Bar]]) -> None:
        on_bar, context, instrument, look = self._strategy.on_bar, self._context, lane.instrument, self._look
        for lane.count, bar in numbered:
            if lane.count > lane.due or (lane.watching and (bar[3] <= lane.watch_low or bar[2] >= lane.watch_high)):
                look(lane, bar)
            on_bar(context, instrument, bar)

    def _play_ticks(self, lane: Lane, numbered: Iterator[tuple[int, Bar]]) -> None:
        """The same for a strategy that hears every tick. A bar closes when its last tick has been heard."""
        matcher, on_tick, context, way = self._matcher, self._strategy.on_tick, self._context, lane.way
        instrument, tell = lane.instrument, matcher.tick
        for number, bar in numbered:
            plan = matcher.begin(lane, bar)
            for tick in way.ticks(number - 1) if way is not None else ():
                matcher.now_s, price = tick.exchange_epoch_s, tick.last_price
                if lane.count >= lane.due or price <= lane.watch_low or price >= lane.watch_high:
                    tell(lane, price)
                else:
                    lane.last = price
                on_tick(context, instrument, tick)
            matcher.end(lane, bar, plan)
            lane.count = number
            matcher.ring()
            self._strategy.on_bar(context, instrument, bar)

    def _look(self, lane: Lane, bar: Bar) -> None:
        """Play a bar that something waits for; it has not closed before that."""
        lane.count -= 1
        self._matcher.meet(lane, bar)
        lane.count += 1
        self._matcher.ring()

    def _begin(self, lookback: int) -> int:
        """Let the history before the first decision pass, and start the strategy; how many bars that were."""
        lane = self._lanes[0]
        known = min(lookback - 1, len(lane.series))
        lane.count = known
        starts = lane.series.start_s
        begins = int(starts[known]) if known < len(starts) else int(lane.decided[-1])
        self._start(begins)
        return known

    def _play_together(self, lookback: int, progress: Progress) -> bool:
        total, done, started = sum(len(lane.series) for lane in self._lanes), 0, False
        for group in _together(self._lanes):
            if not started and any(lane.count + 1 >= lookback for lane, _ in group):
                started = True
                self._start(group[0][1].start_s)
            for lane, bar in group:
                self._match(lane, bar)
            for lane, _ in group:
                lane.count += 1
            self._matcher.now_s = self._decided(group)
            self._matcher.ring()
            for lane, bar in group:
                if lane.count >= lookback:
                    self._strategy.on_bar(self._context, lane.instrument, bar)
            before, done = done, done + len(group)
            if before // CHUNK != done // CHUNK and not progress(done, total):
                return False
        if not started:
            self._start(max(lane.end_s for lane in self._lanes))
        progress(done, total)
        return True

    def _start(self, at_s: int) -> None:
        self._matcher.now_s = at_s
        self._strategy.on_start(self._context)

    def _decided(self, group: Sequence[tuple[Lane, Bar]]) -> int:
        """When the strategy is called with these bars: none of them is known before all have ended."""
        ended = max(lane.ends.item(lane.count - 1) for lane, _ in group)
        if self._lanes[0].seconds < DAY_S:
            return ended
        coming = [lane.series.start_s.item(lane.count) for lane in self._lanes if lane.count < len(lane.series)]
        return max(ended, min(coming, default=max(lane.end_s for lane, _ in group)))

    def _match(self, lane: Lane, bar: Bar) -> None:
        if lane.count >= lane.due or bar.low <= lane.watch_low or bar.high >= lane.watch_high:
            self._matcher.meet(lane, bar)


@contextmanager
def _seldom_collected() -> Iterator[None]:
    """Have the collector look less often: orders and fills stay, and looking through them each time is in vain."""
    before = gc.get_threshold()
    if before[0]:  # else it is off
        gc.set_threshold(max(before[0], SELDOM), *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)


def backtest(setup: Setup, progress: Progress | None = None) -> Result:
    """Play a strategy over history. Raises BadData for what cannot be played; what the strategy raises passes."""
    return Engine(setup).run(progress)


def _judge(setup: Setup) -> None:
    if not setup.series or not all(len(each) for each in setup.series):
        raise BadData("a backtest needs bars, and there are none in what was given")
    if len({each.seconds for each in setup.series}) > 1:
        lengths = ", ".join(f"{each.instrument.key} {each.seconds} s" for each in setup.series)
        raise BadData(f"all instruments need bars of one length: {lengths}")
    if len({each.instrument.key for each in setup.series}) < len(setup.series):
        raise BadData("an instrument was given twice")
    if not 0 < setup.cash <= 1e12:
        raise BadData(f"cash of {setup.cash:g} rupees: more than 0 and at most 1e12 can be")


def _together(lanes: Sequence[Lane]) -> Iterator[list[tuple[Lane, Bar]]]:
    """The bars of all lanes, those that begin at the same second at once, oldest first; day's bars by their day."""
    same_s = DAY_S if lanes[0].seconds >= DAY_S else 1
    sources = [lane.series.bars() for lane in lanes]
    heads = [next(source, None) for source in sources]
    while any(head is not None for head in heads):
        start = (min(head.start_s for head in heads if head is not None) + IST_S) // same_s
        group = []
        for number, head in enumerate(heads):
            if head is not None and (head.start_s + IST_S) // same_s == start:
                group.append((lanes[number], head))
                heads[number] = next(sources[number], None)
        yield group
