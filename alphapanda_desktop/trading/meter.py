"""The live meter: how long ticks, paints, orders and the loop itself take, while they do.

A sample costs one count in a fixed bucket and keeps nothing. Times are integer nanoseconds of this process's own
monotonic clock, never the venue's, which in practice runs at any speed.
"""

from __future__ import annotations

import time
from array import array
from bisect import bisect_left
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from itertools import accumulate
from operator import add
from typing import Final, NamedTuple, Protocol

SUB_BITS: Final = 5
SUB: Final = 1 << SUB_BITS
"""Buckets to an octave: a value is known to 1 part in 32."""
TOP_BITS: Final = 37
"""Of the longest time told apart, 137 s; what is longer counts as that."""
BUCKETS: Final = (TOP_BITS - SUB_BITS + 1) * SUB
HEARTBEAT_SIZE: Final = 2
"""Messages of up to so many bytes hold no tick: Kite sends one each second, also while the market is closed."""
TURN_NS: Final = 10_000_000_000
"""Figures are of the last ten to twenty seconds."""

_click: ContextVar[list[int] | None] = ContextVar("click", default=None)


def bucket_of(ns: int) -> int:
    """The bucket of a time: exact below 32 ns, then 32 to each doubling."""
    if ns < SUB:
        return ns if ns > 0 else 0
    shift = ns.bit_length() - SUB_BITS - 1
    index = (shift << SUB_BITS) + (ns >> shift)
    return index if index < BUCKETS else BUCKETS - 1


def longest_in(bucket: int) -> int:
    """The longest time that a bucket counts, in ns."""
    if bucket < SUB:
        return bucket
    shift = (bucket >> SUB_BITS) - 1
    return ((bucket - (shift << SUB_BITS) + 1) << shift) - 1


class Times:
    """Times of the last ten to twenty seconds in fixed buckets. `name` is what a person reads."""

    __slots__ = ("_before", "_now", "name", "total", "worst_ns")

    def __init__(self, name: str) -> None:
        self.name = name
        self.total = 0
        """Samples since the start."""
        self.worst_ns = 0
        """The longest since the start."""
        self._now = array("q", bytes(8 * BUCKETS))
        self._before = array("q", bytes(8 * BUCKETS))

    def add(self, ns: int) -> None:
        """Count one time."""
        self._now[bucket_of(ns)] += 1
        self.total += 1
        self.worst_ns = max(self.worst_ns, ns)

    def turn(self) -> None:
        """Forget what is older than the last turn."""
        self._before, self._now = self._now, self._before
        for bucket in range(BUCKETS):
            self._now[bucket] = 0

    def quantiles(self, *shares: float) -> list[int | None]:
        """The time that each share of the recent samples does not exceed, in ns; None where there is none."""
        sums = list(accumulate(map(add, self._before, self._now)))
        count = sums[-1]
        if not count:
            return [None] * len(shares)
        return [min(longest_in(bisect_left(sums, max(1, share * count))), self.worst_ns) for share in shares]


class Rate:
    """Events a second over the last few seconds, counted by the second."""

    __slots__ = ("_counts", "_seconds", "total")

    SPAN: Final = 4

    def __init__(self) -> None:
        self.total = 0
        self._counts = array("q", bytes(8 * self.SPAN))
        self._seconds = array("q", bytes(8 * self.SPAN))

    def add(self, count: int, now_ns: int) -> None:
        second = now_ns // 1_000_000_000
        place = second % self.SPAN
        if self._seconds[place] != second:
            self._seconds[place] = second
            self._counts[place] = 0
        self._counts[place] += count
        self.total += count

    def per_s(self, now_ns: int) -> float:
        """Of the whole seconds that lie behind."""
        second, whole = now_ns // 1_000_000_000, self.SPAN - 1
        counted = sum(n for at, n in zip(self._seconds, self._counts, strict=True) if second - whole <= at < second)
        return counted / whole


class Row(NamedTuple):
    """One line of the meter; times in ns, None where nothing was measured lately."""

    name: str
    p50_ns: int | None
    p99_ns: int | None
    worst_ns: int
    total: int


class Stall(Protocol):
    """A place that held the loop, how often, and for how long at most and together."""

    where: str
    count: int
    worst_s: float
    total_s: float


class Meter:
    """What is measured on the paths of the program. Every method is for the loop's thread.

    `frame_in` when a frame was read off the socket, `ticks_in` when its ticks have been through every strategy,
    `painted` when the screen shows them, `clicked` in the task of a person's click, `ordered` as its order leaves,
    `answered` once the broker has said yes or no to it.
    """

    def __init__(
        self, now_ns: Callable[[], int] = time.perf_counter_ns, stalls: Callable[[], Sequence[Stall]] = list
    ) -> None:
        self.now_ns = now_ns
        self.stalls = stalls
        self.strategy = Times("socket to strategy")
        self.paint = Times("tick to paint")
        self.order = Times("click to order")
        self.answer = Times("order to answer")
        self.lag = Times("loop lag")
        self.frame = Times("frame drawn in")
        self.pause = Times("garbage collection")
        self.ticks = Rate()
        self.backlog = 0
        """Callbacks that waited for their turn when the loop was last looked at."""
        self.deepest = 0
        self.shed = ""
        """What is drawn less often for want of time, in words; empty where nothing is."""
        self.read_ns = 0
        """When the last frame was read."""
        self.wake: Callable[[], None] | None = None
        """Called as the next frame is read: whoever draws has lain down."""
        self._unpainted_ns = 0
        self._stirred_ns = 0
        self._turned_ns = 0

    def frame_in(self) -> None:
        """A frame was read off the socket, now."""
        self.read_ns = now = self.now_ns()
        if not self._unpainted_ns:
            self._unpainted_ns = now
        if self.wake is not None:
            self.wake()

    def silent_ns(self) -> int:
        """How long no frame has come; since for ever, before the first."""
        return self.now_ns() - self.read_ns

    def stir(self) -> None:
        """Somebody is at work: whoever rests in a silence beats as before for a while."""
        self._stirred_ns = self.now_ns()

    def still_ns(self) -> int:
        """How long nobody was at work."""
        return self.now_ns() - self._stirred_ns

    def heard(self, on_frame: Callable[[int, bytes], None] | None) -> Callable[[int, bytes], None]:
        """What a feed calls with each frame that it reads: `frame_in` unless it is a heartbeat, then `on_frame`."""

        def frame(received_ns: int, message: bytes) -> None:
            if len(message) > HEARTBEAT_SIZE:
                self.frame_in()
            if on_frame is not None:
                on_frame(received_ns, message)

        return frame

    def ticks_in(self, count: int, read_ns: int) -> None:
        """A frame read then (0: nobody knows when) held so many ticks; all strategies that want them have had them."""
        now = self.now_ns()
        self.ticks.add(count, now)
        if read_ns:
            self.strategy.add(now - read_ns)

    def take_unpainted(self) -> int:
        """When the oldest frame came that no paint has shown, 0 for none; the next paint is to show it."""
        since, self._unpainted_ns = self._unpainted_ns, 0
        return since

    def painted(self, began_ns: int, since_ns: int) -> None:
        """The paint begun then is on the screen, and with it the ticks that came since `since_ns` (0 for none)."""
        now = self.now_ns()
        self.frame.add(now - began_ns)
        if since_ns:
            self.paint.add(now - since_ns)

    def clicked(self, at_ns: int) -> Callable[[], None]:
        """A person asked then for what this task does: an order of it is timed from there. Returns what ends that."""
        click = [at_ns]
        _click.set(click)
        return click.clear

    def ordered(self) -> None:
        """An order leaves for the broker. Of several that come of one click the first is timed."""
        at = _click.get()
        if at:
            self.order.add(self.now_ns() - at.pop())

    def answered(self, left_ns: int) -> None:
        """The broker has answered the order that left then, with a yes or a no."""
        self.answer.add(self.now_ns() - left_ns)

    def looked(self, late_ns: int, backlog: int) -> None:
        """The loop's heartbeat came that much late, with so many callbacks waiting."""
        self.lag.add(late_ns)
        self.backlog = backlog
        self.deepest = max(self.deepest, backlog)
        now = self.now_ns()
        if now - self._turned_ns > TURN_NS:
            self._turned_ns = now
            for times in self.all():
                times.turn()

    def all(self) -> tuple[Times, ...]:
        """Every kind of time, in the order in which they are shown."""
        return (self.strategy, self.paint, self.order, self.answer, self.lag, self.frame, self.pause)

    def rows(self) -> list[Row]:
        """The figures to show."""
        return [_row(times) for times in self.all()]

    def ticks_per_s(self) -> float:
        """Ticks a second over the last whole seconds."""
        return self.ticks.per_s(self.now_ns())


def _row(times: Times) -> Row:
    p50, p99 = times.quantiles(0.5, 0.99)
    return Row(times.name, p50, p99, times.worst_ns, times.total)
