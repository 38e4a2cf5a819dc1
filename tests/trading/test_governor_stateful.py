"""The governor under any mixture of requests, on a virtual clock: its promises against a list of what left when."""

from __future__ import annotations

import asyncio
import selectors
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from alphapanda_desktop.domain.compliance import limits_on
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.trading.governor import BACK_OFF_S, Governor, Kind

T = TypeVar("T")
T0 = datetime(2026, 11, 23, 5, 0, 0, 300_000, tzinfo=UTC)
LIMITS = replace(
    limits_on(T0.date()),
    per_second=4,
    per_minute=14,
    per_day=12,
    modifications_per_order=3,
    day_reserve_for_exits=4,
    minute_reserve_for_exits=3,
    headroom_per_second=1,
    headroom_per_minute=2,
)


class VirtualTime(asyncio.SelectorEventLoop):
    """A loop that never waits: when nothing is ready, its clock stands at the next timer, up to `until`."""

    def __init__(self) -> None:
        self.now_s = 0.0
        super().__init__(_Impatient(self))

    def time(self) -> float:
        return self.now_s


class _Impatient(selectors.SelectSelector):
    def __init__(self, loop: VirtualTime) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[Any]:
        assert timeout is not None, "the loop has nothing to wait for"
        self._loop.now_s += max(0.0, timeout)
        return super().select(0)


class LoopClock:
    """domain.ports.Clock that follows the loop; the wall may be set."""

    def __init__(self, loop: VirtualTime) -> None:
        self._loop = loop
        self.set_by_s = 0.0

    def now(self) -> datetime:
        return T0 + timedelta(seconds=self._loop.now_s + self.set_by_s)

    def now_ns(self) -> int:
        return int(self.now().timestamp() * 1e9)

    def monotonic_s(self) -> float:
        return self._loop.now_s


@dataclass
class Asked:
    """One request: when it was asked, when it left, or why not."""

    serial: int
    kind: Kind
    order_id: str
    task: asyncio.Task[None] | None = None
    left_s: float | None = None
    left_at: datetime | None = None
    position: int = -1
    refused: str = ""
    called_back: bool = False
    cancelled: bool = False
    waiting_then: list[Asked] = field(default_factory=list)


class AWindow(RuleBasedStateMachine):
    """Requests of every kind come, are cancelled and called back; time passes, and Kite says 429."""

    @initialize()
    def open(self) -> None:
        self.loop = VirtualTime()
        self.clock = LoopClock(self.loop)
        self.governor = Governor(self.clock, LIMITS)
        self.asked: list[Asked] = []
        self.left: list[Asked] = []
        self.told_off_s: list[float] = []

    def teardown(self) -> None:
        if hasattr(self, "loop"):
            waiting = [a.task for a in self.asked if a.task and not a.task.done()]
            for task in waiting:
                task.cancel()
            self.loop.run_until_complete(asyncio.sleep(0))
            self.loop.run_until_complete(asyncio.sleep(0))
            assert self.governor.gauges().waiting == 0
            self.loop.close()

    async def _leave(self, asked: Asked) -> None:
        try:
            await self.governor.turn(asked.kind, asked.order_id)
        except Refused as refusal:
            asked.refused = refusal.rule
            return
        asked.left_s, asked.left_at = self.loop.now_s, self.clock.now()
        asked.waiting_then = [a for a in self._waiting() if a is not asked]
        self.left.append(asked)

    def _now(self, work: Callable[[], T]) -> T:
        async def on_the_loop() -> T:
            return work()

        return self.loop.run_until_complete(on_the_loop())

    def _waiting(self) -> list[Asked]:
        return [a for a in self.asked if a.task and not a.task.done() and a.left_s is None and not a.refused]

    # --- what happens -----------------------------------------------------------------------------------------------

    @rule(kinds=st.lists(st.sampled_from(Kind), min_size=1, max_size=8), order_id=st.sampled_from(["", "1", "2"]))
    def ask(self, kinds: list[Kind], order_id: str) -> None:
        async def all_at_once() -> None:
            for kind in kinds:
                asked = Asked(len(self.asked), kind, order_id if kind is not Kind.ENTRY else "")
                self.asked.append(asked)
                asked.task = asyncio.get_running_loop().create_task(self._leave(asked))
                await asyncio.sleep(0)

        self.loop.run_until_complete(all_at_once())

    @rule(seconds=st.sampled_from([0.0, 0.01, 0.3, 1.1, 5.0, 61.0]))
    def time_passes(self, seconds: float) -> None:
        self.loop.run_until_complete(asyncio.sleep(seconds))

    @rule(seconds=st.sampled_from([-2.0, -0.4, 0.7, 30.0]))
    def the_wall_clock_is_set(self, seconds: float) -> None:
        self.clock.set_by_s += seconds

    @rule()
    def too_many(self) -> None:
        self._now(self.governor.back_off)
        if not self.told_off_s or self.loop.now_s - self.told_off_s[-1] > BACK_OFF_S[-1]:  # else of the same burst
            self.told_off_s.append(self.loop.now_s)

    @precondition(lambda self: self._waiting())
    @rule(data=st.data())
    def whoever_asked_gives_up(self, data: st.DataObject) -> None:
        asked = data.draw(st.sampled_from(self._waiting()))
        asked.cancelled = True
        assert asked.task is not None
        asked.task.cancel()
        self.loop.run_until_complete(asyncio.sleep(0))

    @rule()
    def the_kill_switch_is_pressed(self) -> None:
        called = [a for a in self._waiting() if a.kind in (Kind.ENTRY, Kind.MODIFY)]
        assert self._now(lambda: self.governor.call_back("killed")) == len(called)
        self.loop.run_until_complete(asyncio.sleep(0))
        self.loop.run_until_complete(asyncio.sleep(0))
        assert all(a.refused == "called back" for a in called)

    # --- what always holds ------------------------------------------------------------------------------------------

    @invariant()
    def no_second_and_no_minute_holds_more_than_is_allowed(self) -> None:
        times = [a.left_s for a in self.left if a.left_s is not None]
        for first, last in zip(times, times[LIMITS.second :], strict=False):
            assert last - first >= 1.0
        for first, last in zip(times, times[LIMITS.minute(for_exits=True) :], strict=False):
            assert last - first >= 60.0

    @invariant()
    def no_calendar_second_holds_more_than_is_allowed(self) -> None:
        by_second = Counter(int(a.left_at.timestamp()) for a in self.left if a.left_at)
        assert max(by_second.values(), default=0) <= LIMITS.second

    @invariant()
    def the_day_keeps_its_reserve_for_exits(self) -> None:
        placed = [a for a in self.left if a.kind in (Kind.ENTRY, Kind.EXIT)]
        assert len(placed) <= LIMITS.per_day
        entries = [index for index, a in enumerate(placed) if a.kind is Kind.ENTRY]
        assert not entries or entries[-1] < LIMITS.day(for_exits=False)

    @invariant()
    def no_order_is_modified_too_often(self) -> None:
        modified = Counter(a.order_id for a in self.left if a.kind is Kind.MODIFY and a.order_id)
        assert max(modified.values(), default=0) <= LIMITS.modifications_per_order

    @invariant()
    def cancellations_are_never_refused(self) -> None:
        assert not any(a.refused for a in self.asked if a.kind is Kind.CANCEL)

    @invariant()
    def nothing_leaves_for_a_second_after_a_429(self) -> None:
        for at_s in self.told_off_s:
            assert not any(a.left_s is not None and at_s < a.left_s < at_s + 1.0 for a in self.left)

    @invariant()
    def nobody_overtakes_who_goes_first(self) -> None:
        for asked in self.left:
            for other in asked.waiting_then:
                earlier = (other.kind, other.serial) < (asked.kind, asked.serial)
                assert not earlier or other.cancelled or other.refused or other.left_s == asked.left_s

    @invariant()
    def a_refusal_has_its_reason(self) -> None:
        for asked in self.asked:
            assert asked.refused in ("", "called back", "orders per day", "modifications per order")
            assert not asked.refused or asked.left_s is None

    @invariant()
    def the_gauges_tell_the_truth(self) -> None:
        gauges = self.governor.gauges()
        assert gauges.waiting == len(self._waiting())
        assert bool(gauges.why_waiting) == bool(gauges.waiting)
        assert gauges.day == (sum(a.kind in (Kind.ENTRY, Kind.EXIT) for a in self.left), LIMITS.per_day)
        recent = [a for a in self.left if a.left_s is not None and self.loop.now_s - a.left_s < 1.0]
        assert len(recent) <= gauges.second[0] <= LIMITS.second

    @rule()
    def all_who_wait_leave_in_the_end(self) -> None:
        """Within a few minutes nobody is left, for nothing is held for ever."""
        deadline_s = self.loop.now_s + 60.0 * (2 + len(self._waiting()) // LIMITS.minute(for_exits=False))
        while self._waiting():
            assert self.loop.now_s < deadline_s
            self.loop.run_until_complete(asyncio.sleep(1.0))


AWindow.TestCase.settings = settings(max_examples=150, stateful_step_count=25)
TestAWindow = AWindow.TestCase
