"""Plays a recording in time: play, pause, speed, steps, and running ahead, in slices that never hold the loop.

The clock is set to the time of each frame before the frame is told, and stands still while what the frame caused is
under way: at a thousandfold an order would else be seconds late that was milliseconds late on the day.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final, Protocol, final

from alphapanda_desktop.domain.replay import FASTEST, SLOWEST, Pace
from alphapanda_desktop.domain.ticklog import Frame, tokens_in
from alphapanda_desktop.replaying.clock import DeskClock, ReplayClock

SLICE_S: Final = 0.008
"""How long frames are told in one go."""

BREATH_S: Final = 0.001
"""A turn for all that waits; with no time at all the next slice would stand before a timer's work."""

LOOK_S: Final = 0.02
"""Longest wait for the next frame that is due: the clock on the screen goes on meanwhile."""

BEHIND_S: Final = 0.25
"""How far what was asked for may be ahead of what was played, before the rest of it is forgotten."""

HELD_S: Final = 2.5
"""Longest that the market stands still for what a frame has caused; a strategy that hangs is ended by then."""

CLOSES_S: Final = 3
"""Seconds after its end by which the clock has closed a bar that no tick did: a market's grace, and one more."""

SECOND: Final = 1_000_000_000
_IST_S: Final = 19_800
_AFTER_ALL: Final = 2**63


class Source(Protocol):
    """What is played."""

    begin_ns: int
    end_ns: int

    def frames(self, from_ns: int = 0) -> Iterator[Frame]: ...


@dataclass(frozen=True, slots=True)
class _Goal:
    """Where to stop: at `latest_ns`, or behind the first frame from `from_ns` on that has the token (None: any)."""

    latest_ns: int
    from_ns: int = _AFTER_ALL
    token: int | None = None
    play_on: bool = False

    def met_by(self, at_ns: int, frame: bytes) -> bool:
        return at_ns >= self.from_ns and (self.token is None or self.token in tokens_in(frame))


@final
class Player:
    """Owner of the recorded day's time. `run` plays; everything else says what, and returns at once.

    `each_second` is called whenever a second of the day has passed; `busy` says whether something is under way that
    the day has to wait for.
    """

    def __init__(self, source: Source, clock: ReplayClock, desk_clock: DeskClock) -> None:
        self._source = source
        self._clock = clock
        begins = clock.now_ns()
        self._first_ns = begins + 1 if begins > source.begin_ns else begins
        """The frames of its very beginning are in the snapshot, where there is one."""
        self._desk_clock = desk_clock
        self._speed = SLOWEST
        self._playing = False
        self._goal: _Goal | None = None
        self._woken = asyncio.Event()
        self._anchor = (0.0, 0)
        self._next: Frame = (_AFTER_ALL, b"")
        self._second_ns = 0
        self._waits_for_more = False
        self._given_up = False
        self._track: deque[tuple[float, int]] = deque(maxlen=64)
        self.held_too_long = 0
        """How often the day went on though something was still under way."""
        self.each_second: Callable[[], object] = lambda: None
        self.busy: Callable[[], bool] = lambda: False

    # -- what it does ------------------------------------------------------------------------------------------------

    @property
    def position_ns(self) -> int:
        return self._clock.now_ns()

    @property
    def pace(self) -> Pace:
        if self._goal is not None:
            return Pace.RUNNING
        if self._playing:
            return Pace.PLAYING
        return Pace.ENDED if self.position_ns >= self._source.end_ns else Pace.PAUSED

    @property
    def speed(self) -> float:
        return self._speed

    @property
    def reached(self) -> float:
        """Seconds of the day in one of ours, over the last second or so; 0 while it stands."""
        if not self._moves or len(self._track) < 2:
            return 0.0
        (first_s, first_ns), (last_s, last_ns) = self._track[0], self._track[-1]
        return (last_ns - first_ns) / SECOND / (last_s - first_s) if last_s > first_s else 0.0

    # -- what is asked of it -----------------------------------------------------------------------------------------

    def play(self) -> None:
        """Go on in time."""
        self._ask(self.position_ns < self._source.end_ns, None)

    def pause(self) -> None:
        """Stand still at once."""
        self._ask(False, None)

    def set_speed(self, speed: float) -> None:
        """From SLOWEST to FASTEST."""
        self._speed = min(max(speed, SLOWEST), FASTEST)
        self._ask(self._playing, self._goal)

    def step_tick(self, token: int | None = None) -> None:
        """On to the next tick, then stand."""
        self._ask(False, _Goal(self._source.end_ns, self.position_ns, token))

    def step_bar(self, seconds: int, open_s: int, token: int | None = None) -> None:
        """On until the running bar is over and something or the clock has closed it, then stand."""
        ends_ns = bar_end_ns(self.position_ns, seconds, open_s)
        latest = min(ends_ns + CLOSES_S * SECOND, self._source.end_ns)
        self._ask(False, _Goal(latest, ends_ns, token))

    def run_to(self, at_ns: int) -> None:
        """As fast as it goes to a later time, then on as before."""
        if at_ns > self.position_ns:
            self._ask(self._playing, _Goal(min(at_ns, self._source.end_ns), play_on=self._playing))

    def _ask(self, playing: bool, goal: _Goal | None) -> None:
        self._playing, self._goal = playing, goal
        self._anchor = time.perf_counter(), self.position_ns
        self._track.clear()
        self._woken.set()

    @property
    def _moves(self) -> bool:
        return self._playing or self._goal is not None

    # -- playing -----------------------------------------------------------------------------------------------------

    async def run(self, take: Callable[[int, bytes], bool], more: Callable[[], bool]) -> None:
        """Play what is asked for until cancelled. `take` says whether `more` has to be called before the next frame."""
        frames = self._source.frames(self._first_ns)
        self._next = next(frames, (_AFTER_ALL, b""))
        self._second_ns = (self.position_ns // SECOND + 1) * SECOND
        while True:
            if not self._moves:
                await self._stand()
                continue
            self._desk_clock.go_on()
            wait_s = self._slice(frames, take)
            while self._waits_for_more:
                await asyncio.sleep(BREATH_S)
                self._waits_for_more = more()
            await self._settle()
            await asyncio.sleep(wait_s)

    async def _stand(self) -> None:
        self._desk_clock.stand()
        self._woken.clear()
        await self._woken.wait()

    async def _settle(self) -> None:
        """Let what the last frame caused come to its end, while the day's time stands."""
        if not self.busy():
            self._given_up = False
        if not self._must_wait():
            return
        self._desk_clock.stand()
        began = time.perf_counter()
        while self.busy():
            if time.perf_counter() - began > HELD_S:
                self.held_too_long += 1
                self._given_up = True
                break
            await asyncio.sleep(0)
        # The time that this took was none of the day's: what is to be played begins where it stands.
        waited, (at_s, at_ns) = time.perf_counter() - began, self._anchor
        self._anchor = at_s + waited, at_ns
        self._desk_clock.go_on()

    def _must_wait(self) -> bool:
        """Whether something is under way, and was not waited for in vain already."""
        return not self._given_up and self.busy()

    def _slice(self, frames: Iterator[Frame], take: Callable[[int, bytes], bool]) -> float:
        """Tell what is due, for no longer than a slice; seconds to wait before the next one."""
        began, clock, goal = time.perf_counter(), self._clock, self._goal
        target = self._target_ns(began)
        while self._moves and self._goal is goal:
            at_ns, frame = self._next
            due = min(at_ns, self._second_ns)
            if due > target:
                clock.set(target)
                break
            clock.set(due)
            if self._second_ns == due:
                self._second_ns += SECOND
                self.each_second()
            if at_ns == due:
                self._next = next(frames, (_AFTER_ALL, b""))
                self._waits_for_more = take(at_ns, frame)
                if goal is not None and goal.met_by(at_ns, frame):
                    self._arrive(goal)
                    return 0.0
            if self._waits_for_more or self._must_wait():
                return 0.0
            if time.perf_counter() - began > SLICE_S:
                self._note(began)
                return BREATH_S
        self._look_for_end(goal)
        self._note(began)
        return self._until_due(began) if self._moves else 0.0

    def _target_ns(self, now_s: float) -> int:
        if self._goal is not None:
            return self._goal.latest_ns
        at_s, at_ns = self._anchor
        target = at_ns + int((now_s - at_s) * self._speed * SECOND)
        behind_ns = target - self.position_ns
        if behind_ns > BEHIND_S * self._speed * SECOND:  # it cannot go as fast as that: do not try to catch up
            self._anchor = now_s, self.position_ns
            target = self.position_ns + int(SLICE_S * self._speed * SECOND)
        return min(target, self._source.end_ns)

    def _look_for_end(self, goal: _Goal | None) -> None:
        if goal is not None and goal is self._goal and self.position_ns >= goal.latest_ns:
            self._arrive(goal)
        if self._playing and self.position_ns >= self._source.end_ns:
            self._ask(False, None)

    def _arrive(self, goal: _Goal) -> None:
        self._ask(goal.play_on and self.position_ns < self._source.end_ns, None)

    def _until_due(self, now_s: float) -> float:
        ahead_s = (min(self._next[0], self._second_ns) - self.position_ns) / SECOND / self._speed
        return BREATH_S if self._goal is not None else min(max(ahead_s, BREATH_S), LOOK_S)

    def _note(self, now_s: float) -> None:
        """Remember how far it came by when, a few dozen times in the last second."""
        track = self._track
        if not track or now_s - track[-1][0] > 0.03:
            track.append((now_s, self.position_ns))
        while len(track) > 2 and now_s - track[0][0] > 1.5:
            track.popleft()


def bar_end_ns(at_ns: int, seconds: int, open_s: int) -> int:
    """When the bar of that length that runs at a time is over; bars are counted from `open_s` after midnight IST."""
    day_s = at_ns // SECOND + _IST_S
    midnight = day_s // 86_400 * 86_400
    number = (day_s - midnight - open_s) // seconds
    return (midnight + open_s + (number + 1) * seconds - _IST_S) * SECOND
