"""A recording is played in time: no frame before its time, none left out, and the loop is never held."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from alphapanda_desktop.domain.replay import FASTEST, Pace
from alphapanda_desktop.domain.ticklog import Frame
from alphapanda_desktop.replaying import control
from alphapanda_desktop.replaying.clock import DeskClock, ReplayClock
from alphapanda_desktop.replaying.control import SECOND, SLICE_S, Player, bar_end_ns
from tests.replaying.recorded import BEGAN_NS, INFY, SBIN, frame_of

WORK_S = 0.002
"""What each frame takes in the test of a day that is too much for its speed."""


class Day:
    """So many seconds with a frame each; SBIN's every third second."""

    def __init__(self, seconds: int, work: Callable[[int], None] = lambda _at_ns: None) -> None:
        self.rows: list[Frame] = [
            (BEGAN_NS + n * SECOND, frame_of(0, (INFY,) if n % 3 else (INFY, SBIN))) for n in range(seconds)
        ]
        self.begin_ns, self.end_ns = self.rows[0][0], self.rows[-1][0]
        self.clock = ReplayClock(self.begin_ns)
        self.desk_clock = DeskClock(self.clock)
        self.player = Player(self, self.clock, self.desk_clock)
        self.told: list[tuple[int, int]] = []
        self.work = work

    def frames(self, from_ns: int = 0):
        return iter([row for row in self.rows if row[0] >= from_ns])

    def take(self, at_ns: int, _frame: bytes) -> bool:
        self.told.append((at_ns, self.clock.now_ns()))
        self.work(at_ns)
        return False

    @property
    def seconds_told(self) -> list[int]:
        return [(at_ns - BEGAN_NS) // SECOND for at_ns, _ in self.told]

    async def playing(self, story: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(self.player.run(self.take, lambda: False))
        try:
            await story
        finally:
            task.cancel()
            await asyncio.wait({task})


def test_nothing_is_told_before_play_is_pressed_and_the_clock_stands(arun):
    async def story():
        day = Day(5)

        async def person() -> None:
            for _ in range(20):
                await asyncio.sleep(0.001)
            assert day.told == [] and day.player.pace is Pace.PAUSED
            assert day.clock.now_ns() == BEGAN_NS and day.clock.monotonic_s() == 0.0

        await day.playing(person())

    arun(story())


@pytest.mark.parametrize("speed", [60.0, FASTEST])
def test_every_frame_is_told_once_in_order_at_its_own_time(arun, eventually, speed):
    async def story():
        day = Day(90)

        async def person() -> None:
            day.player.set_speed(speed)
            day.player.play()
            await eventually(lambda: day.player.pace is Pace.ENDED)
            assert day.seconds_told == list(range(90))
            assert all(at_ns == now_ns for at_ns, now_ns in day.told)
            assert day.clock.now_ns() == day.end_ns

        await day.playing(person())

    arun(story())


def test_a_pause_stops_at_once_and_play_leaves_nothing_out(arun, eventually):
    async def story():
        day = Day(60)
        day.work = lambda at_ns: day.player.pause() if at_ns == BEGAN_NS + 20 * SECOND else None

        async def person() -> None:
            day.player.set_speed(FASTEST)
            day.player.play()
            await eventually(lambda: day.player.pace is Pace.PAUSED)
            assert day.seconds_told == list(range(21))
            day.player.play()
            await eventually(lambda: day.player.pace is Pace.ENDED)
            assert day.seconds_told == list(range(60))

        await day.playing(person())

    arun(story())


def test_a_step_goes_to_the_next_tick_of_that_instrument(arun, eventually):
    async def story():
        day = Day(10)

        async def person() -> None:
            day.player.step_tick(SBIN)
            await eventually(lambda: day.player.pace is Pace.PAUSED)
            assert day.seconds_told == [0]
            day.player.step_tick(SBIN)
            await eventually(lambda: day.player.pace is Pace.PAUSED)
            assert day.seconds_told == [0, 1, 2, 3]
            day.player.step_tick()
            await eventually(lambda: day.player.pace is Pace.PAUSED)
            assert day.seconds_told == [0, 1, 2, 3, 4]

        await day.playing(person())

    arun(story())


def test_a_step_of_a_bar_ends_with_the_tick_that_closes_it(arun, eventually):
    async def story():
        day = Day(200)

        async def person() -> None:
            day.player.step_bar(60, 33_300, SBIN)
            await eventually(lambda: day.player.pace is Pace.PAUSED)
            assert day.seconds_told == list(range(61))
            day.player.step_bar(60, 33_300, 1)  # of an instrument that is silent the clock closes it
            await eventually(lambda: day.player.pace is Pace.PAUSED)
            assert day.seconds_told[-1] == 123

        await day.playing(person())

    arun(story())


def test_running_ahead_passes_every_frame_and_then_goes_on_as_before(arun, eventually):
    async def story():
        day = Day(4000)

        async def person() -> None:
            day.player.run_to(BEGAN_NS + 3000 * SECOND)
            await eventually(lambda: day.player.pace is Pace.PAUSED)
            assert day.seconds_told == list(range(3001))
            day.player.play()
            day.player.run_to(BEGAN_NS + 3500 * SECOND)
            assert day.player.pace is Pace.RUNNING
            await eventually(lambda: day.player.pace is Pace.PLAYING)
            day.player.run_to(BEGAN_NS)  # what is over is not gone to
            assert day.player.pace is Pace.PLAYING

        await day.playing(person())

    arun(story())


def test_the_day_stands_while_something_that_a_frame_caused_is_under_way(arun, eventually, monkeypatch):
    monkeypatch.setattr(control, "HELD_S", 60.0)

    async def story():
        day, busy = Day(30), []
        day.work = lambda at_ns: busy.append(1) if at_ns == BEGAN_NS + 10 * SECOND else None
        day.player.busy = lambda: bool(busy)

        async def person() -> None:
            day.player.set_speed(FASTEST)
            day.player.play()
            await eventually(lambda: busy)
            before = day.desk_clock.monotonic_s()
            for _ in range(30):
                await asyncio.sleep(0.001)
            assert day.clock.now_ns() == BEGAN_NS + 10 * SECOND
            assert day.desk_clock.monotonic_s() > before  # deadlines of the desk go on
            busy.clear()
            await eventually(lambda: day.player.pace is Pace.ENDED)
            assert day.seconds_told == list(range(30)) and day.player.held_too_long == 0

        await day.playing(person())

    arun(story())


def test_a_day_that_cannot_be_played_so_fast_goes_slower_in_slices_between_which_the_loop_turns(arun, eventually):
    async def story():
        turns, told_in_turn = [0], []

        def work(_at_ns: int) -> None:
            told_in_turn.append(turns[0])
            until = time.perf_counter() + WORK_S
            while time.perf_counter() < until:
                pass

        async def turn() -> None:
            while True:
                turns[0] += 1
                await asyncio.sleep(0)

        day = Day(300, work)

        async def person() -> None:
            turning = asyncio.create_task(turn())
            day.player.set_speed(FASTEST)
            day.player.play()
            await eventually(lambda: day.player.pace is Pace.ENDED)
            turning.cancel()
            await asyncio.wait({turning})
            assert day.seconds_told == list(range(300))
            assert max(Counter(told_in_turn).values()) <= SLICE_S / WORK_S + 1

        await day.playing(person())

    arun(story())


def test_each_second_of_the_day_is_told_in_silence_too(arun, eventually):
    async def story():
        day, seconds = Day(2), []
        day.rows = [day.rows[0], (BEGAN_NS + 40 * SECOND, day.rows[1][1])]
        day.end_ns = day.rows[-1][0]
        day.player.each_second = lambda: seconds.append((day.clock.now_ns() - BEGAN_NS) / SECOND)

        async def person() -> None:
            day.player.set_speed(FASTEST)
            day.player.play()
            await eventually(lambda: day.player.pace is Pace.ENDED)
            assert seconds == list(range(1, 41))

        await day.playing(person())

    arun(story())


@pytest.mark.parametrize(
    ("second", "length", "ends"), [(0, 60, 60), (59, 60, 60), (60, 60, 120), (61, 300, 300), (901, 3600, 3600)]
)
def test_bars_are_counted_from_the_open(second, length, ends):
    assert bar_end_ns(BEGAN_NS + second * SECOND, length, 33_300) == BEGAN_NS + ends * SECOND
