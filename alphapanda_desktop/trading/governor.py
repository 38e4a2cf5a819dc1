"""The one window through which every order request of an account leaves: who goes first, and who waits.

A request is counted at the moment it leaves, in the same step of the loop in which its caller goes on, never when it
is promised a place: a stalled loop cannot bunch promises, and a cancelled waiter leaves no hole.
"""

from __future__ import annotations

import asyncio
from bisect import insort
from collections import Counter, deque
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import IntEnum
from itertools import count
from typing import Final

from psygnal import Signal

from alphapanda_desktop.domain.compliance import OrderLimits, beyond, limits_on
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.domain.session import IST

SECOND_S: Final = 1.05
"""Length of the sliding second; a little over one, for a clock that measures coarsely."""

MINUTE_S: Final = 60.5

BACK_OFF_S: Final = (1.0, 2.0, 4.0)
"""How long nothing leaves after the first, second and every further 429 in a row.  Source: CONTRACT 3.2."""

CALM_S: Final = 10.0
"""After so long without a 429 the next one counts as the first again."""

_LOOK_S: Final = (0.002, 0.05)
"""The shortest and longest that a timer sleeps: the wall clock may be set, or run at a speed of its own."""


class Kind(IntEnum):
    """What a request is; the lower goes first."""

    CANCEL = 0
    EXIT = 1
    MODIFY = 2
    ENTRY = 3

    @property
    def gets_out(self) -> bool:
        """Whether it may use what is kept back for exits."""
        return self <= Kind.EXIT

    @property
    def places(self) -> bool:
        """Whether it makes an order, and so counts for the day."""
        return self in (Kind.EXIT, Kind.ENTRY)


@dataclass(frozen=True, slots=True)
class Gauges:
    """Used and allowed in the running second, minute and day; who waits, and for what."""

    second: tuple[int, int]
    minute: tuple[int, int]
    day: tuple[int, int]
    waiting: int
    why_waiting: str


@dataclass(order=True, slots=True)
class _Place:
    kind: Kind
    serial: int
    order_id: str = field(compare=False)
    orders: int = field(compare=False)
    woken: asyncio.Event = field(compare=False, default_factory=asyncio.Event)
    refusal: str = field(compare=False, default="")


class _Span:
    """What left in the last `length_s` seconds, and in each calendar second or minute.

    Calendar spans follow the wall clock and survive its steps, back into a span that is used up included.
    """

    def __init__(self, length_s: float, calendar_s: int) -> None:
        self._length_s = length_s
        self._calendar_s = calendar_s
        self._left: deque[float] = deque()
        self._by_calendar: Counter[int] = Counter()

    def add(self, elapsed_s: float, at_s: float) -> None:
        insort(self._left, elapsed_s)
        self._by_calendar[int(at_s // self._calendar_s)] += 1
        if len(self._by_calendar) > 10_000:
            del self._by_calendar[next(iter(self._by_calendar))]

    def used(self, elapsed_s: float) -> int:
        """How many left in the last span."""
        while self._left and elapsed_s - self._left[0] >= self._length_s:
            self._left.popleft()
        return len(self._left)

    def wait_s(self, limit: int, elapsed_s: float, at_s: float) -> float:
        """Seconds until one more may leave under that limit, 0 when it may now."""
        used = self.used(elapsed_s)
        slides = self._left[used - limit] + self._length_s - elapsed_s if used >= limit else 0.0
        bucket = at_s // self._calendar_s
        turns = (bucket + 1) * self._calendar_s - at_s if self._by_calendar[int(bucket)] >= limit else 0.0
        return max(slides, turns)


class Governor:
    """Gives every request its turn: cancels first, then exits, modifications, entries; in each, first come first.

    One per account, shared by all order paths; may be used from one loop only. Signals: `changed()` with its figures.
    """

    changed = Signal()

    def __init__(self, clock: Clock, limits: OrderLimits | None = None) -> None:
        self._clock = clock
        self._limits = limits
        self._second = _Span(SECOND_S, 1)
        self._minute = _Span(MINUTE_S, 60)
        self._placed: Counter[date] = Counter()
        self._modified: Counter[str] = Counter()
        self._waiting: list[_Place] = []
        self._serial = count()
        self._timer: asyncio.TimerHandle | None = None
        self._held_until_s = float("-inf")
        self._refused_in_a_row = 0
        self._held = 0

    @property
    def limits(self) -> OrderLimits:
        """The figures in force: the account's own, or those of the day's table."""
        return self._limits or limits_on(self._today)

    @property
    def own_limits(self) -> OrderLimits | None:
        """The account's own figures, None where the day's table is in force."""
        return self._limits

    @asynccontextmanager
    async def slot(self, most: asyncio.Semaphore) -> AsyncIterator[None]:
        """Hold one of so many places for entries on their way; who waits for one is among those that wait."""
        self._held += 1
        try:
            await most.acquire()
        finally:
            self._held -= 1
        try:
            yield
        finally:
            most.release()

    async def turn(self, kind: Kind, order_id: str = "", *, orders: int = 1) -> None:
        """Return when the request may leave, which it must do at once: it is counted now.

        `orders` is what it comes to in the day's count (an iceberg's legs). Cancelling gives the place to the next.
        Raises Refused for the day's cap (cancellations never), for one modification too many, and for whoever was
        called back.
        """
        self._refuse(kind, order_id, orders)
        place = _Place(kind, next(self._serial), order_id, orders)
        insort(self._waiting, place)
        try:
            while self._waiting[0] is not place or self._wait_s(place.kind) > 0:
                place.woken.clear()
                self._look()
                await place.woken.wait()
                if place.refusal:
                    raise Refused(place.refusal, "called back")
                self._refuse(kind, order_id, orders)
            self._leave(place)
        finally:
            self._waiting.remove(place)
            self._look()

    def restore(self, placed_today: int, modifications: Mapping[str, int], left: Iterable[datetime] = ()) -> None:
        """Take up the day's counts from the journal; what is counted here already is never forgotten for less.

        `left` is when requests left that this governor has not seen, as before a restart within the minute.
        """
        now_s, at = self._clock.monotonic_s(), self._clock.now()
        for moment in left:
            age_s = max(0.0, (at - moment).total_seconds())
            self._second.add(now_s - age_s, moment.timestamp())
            self._minute.add(now_s - age_s, moment.timestamp())
        self._placed[self._today] = max(self._placed[self._today], placed_today)
        for order_id, times in modifications.items():
            self._modified[order_id] = max(self._modified[order_id], times)

    def new_day(self) -> None:
        """Begin the day's counts anew; the second and the minute run on."""
        self._placed.clear()
        self._modified.clear()
        self._look()

    def back_off(self) -> None:
        """The broker said 429: nothing leaves for a second, for longer if it says so again."""
        now_s = self._clock.monotonic_s()
        if now_s < self._held_until_s:
            return  # the others of the same burst
        if now_s > self._held_until_s + CALM_S:
            self._refused_in_a_row = 0
        step = min(self._refused_in_a_row, len(BACK_OFF_S) - 1)
        self._refused_in_a_row += 1
        self._held_until_s = now_s + BACK_OFF_S[step]
        self._look()

    def call_back(self, why: str) -> int:
        """Refuse every entry and modification that still waits, and say how many there were."""
        called = [place for place in self._waiting if not place.kind.gets_out and not place.refusal]
        for place in called:
            place.refusal = why
            place.woken.set()
        return len(called)

    def change(self, limits: OrderLimits) -> None:
        """Put other figures in force at once. Raises Refused for one above the regulator's or Kite's."""
        problem = beyond(limits, self._today)
        if problem:
            raise Refused(problem, "order limits")
        self._limits = limits
        self._look()
        self.changed.emit()

    def modifications(self, order_id: str) -> int:
        """How often the order has been modified."""
        return self._modified[order_id]

    def gauges(self) -> Gauges:
        """What the screen shows."""
        now_s, limits = self._clock.monotonic_s(), self.limits
        return Gauges(
            second=(self._second.used(now_s), limits.second),
            minute=(self._minute.used(now_s), limits.minute(for_exits=True)),
            day=(self._placed[self._today], limits.per_day),
            waiting=len(self._waiting) + self._held,
            why_waiting=self._why() if self._waiting else "the entry before it" if self._held else "",
        )

    @property
    def _today(self) -> date:
        return self._clock.now().astimezone(IST).date()

    def _leave(self, place: _Place) -> None:
        now_s, at_s = self._clock.monotonic_s(), self._clock.now().timestamp()
        self._second.add(now_s, at_s)
        self._minute.add(now_s, at_s)
        if place.kind.places:
            self._placed[self._today] += place.orders
        if place.kind is Kind.MODIFY and place.order_id:
            self._modified[place.order_id] += 1

    def _refuse(self, kind: Kind, order_id: str, orders: int) -> None:
        limits = self.limits
        used, cap = self._placed[self._today], limits.day(for_exits=kind.gets_out)
        if kind.places and used + orders > cap:
            kept = "" if kind.gets_out else f" ({limits.per_day - cap} of {limits.per_day} are kept for exits)"
            raise Refused(f"Orders per day: {used} sent, {orders} more asked, {cap} allowed{kept}.", "orders per day")
        times, most = self._modified[order_id], limits.modifications_per_order
        if kind is Kind.MODIFY and order_id and times >= most:
            raise Refused(
                f"Modifications: order {order_id} was modified {times} times, {most} allowed; cancel it instead.",
                "modifications per order",
            )

    def _waits(self, kind: Kind) -> dict[str, float]:
        now_s, at_s, limits = self._clock.monotonic_s(), self._clock.now().timestamp(), self.limits
        minute = limits.minute(for_exits=kind.gets_out)
        return {
            "the broker said it was too fast": self._held_until_s - now_s,
            f"{limits.second} orders a second": self._second.wait_s(limits.second, now_s, at_s),
            f"{minute} orders a minute": self._minute.wait_s(minute, now_s, at_s),
        }

    def _wait_s(self, kind: Kind) -> float:
        return max(self._waits(kind).values())

    def _why(self) -> str:
        waits = self._waits(self._waiting[0].kind)
        return max(waits, key=lambda reason: waits[reason])

    def _look(self) -> None:
        """Wake the first in line, now or when its turn comes."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if not self._waiting:
            return
        wait_s = self._wait_s(self._waiting[0].kind)
        if wait_s <= 0:
            self._waiting[0].woken.set()
        else:
            shortest, longest = _LOOK_S
            self._timer = asyncio.get_running_loop().call_later(min(max(wait_s, shortest), longest), self._look)
