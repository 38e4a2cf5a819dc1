"""The loop in virtual time: order of timers and frames, nothing from outside, and no waiting for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from datetime import UTC, datetime
from typing import Any

import pytest

from alphapanda_desktop.replaying.virtualloop import Stuck, VirtualClock, VirtualLoop

BEGIN_NS = 1_795_410_900_000_000_000
SECOND = 1_000_000_000


def told(loop: VirtualLoop, story: Coroutine[Any, Any, Any]) -> Any:
    try:
        result = loop.run_until_complete(story)
        assert not asyncio.all_tasks(loop)
        return result
    finally:
        loop.close()


def test_an_hour_of_sleep_passes_at_once_and_to_the_nanosecond() -> None:
    loop = VirtualLoop(BEGIN_NS)
    told(loop, asyncio.sleep(3600.000_000_001))
    assert loop.now_ns == BEGIN_NS + 3600 * SECOND + 1


def test_timers_and_frames_take_turns_by_their_times() -> None:
    loop, seen = VirtualLoop(BEGIN_NS), []
    frames = [(BEGIN_NS + n * SECOND, bytes([n])) for n in (1, 2, 3)]

    async def story() -> None:
        for delay_s in (0.5, 2.0, 2.5):
            loop.call_later(delay_s, lambda delay_s=delay_s: seen.append(delay_s))
        await loop.play(iter(frames), lambda at_ns, frame: seen.append(frame[0]))

    told(loop, story())
    assert seen == [0.5, 1, 2.0, 2, 2.5, 3]  # a timer that is due with a frame goes first


def test_what_a_frame_sets_off_is_done_before_the_next_frame() -> None:
    loop, seen = VirtualLoop(BEGIN_NS), []

    async def after(number: int) -> None:
        seen.append(("begun", number))
        await asyncio.sleep(0)
        seen.append(("done", number))

    async def story() -> None:
        async with asyncio.TaskGroup() as group:

            def take(at_ns: int, frame: bytes) -> None:
                seen.append(("frame", frame[0]))
                group.create_task(after(frame[0]))

            await loop.play(iter([(BEGIN_NS + 1, b"\1"), (BEGIN_NS + 2, b"\2")]), take)

    told(loop, story())
    assert seen == [(word, number) for number in (1, 2) for word in ("frame", "begun", "done")]


def test_a_timer_that_a_frame_sets_is_kept_before_later_frames() -> None:
    loop, seen = VirtualLoop(BEGIN_NS), []

    def take(at_ns: int, frame: bytes) -> None:
        seen.append(frame[0])
        if frame[0] == 1:
            loop.call_later(1.5, seen.append, "timer")

    frames = [(BEGIN_NS + n * SECOND, bytes([n])) for n in (1, 2, 3)]
    loop_done = loop.play(iter(frames), take)

    async def story() -> None:
        await loop_done

    told(loop, story())
    assert seen == [1, 2, "timer", 3]


def test_a_frame_that_is_older_than_now_comes_now_and_time_never_goes_back() -> None:
    loop, times = VirtualLoop(BEGIN_NS), []
    frames = [(BEGIN_NS + 5, b""), (BEGIN_NS + 3, b""), (BEGIN_NS + 7, b"")]

    async def story() -> None:
        await loop.play(iter(frames), lambda at_ns, _: times.append(loop.now_ns - BEGIN_NS))

    told(loop, story())
    assert times == [5, 5, 7]


def test_whoever_waits_for_nothing_is_told_so() -> None:
    loop = VirtualLoop(BEGIN_NS)
    waiter = loop.create_future()

    async def story() -> None:
        await waiter

    task = loop.create_task(story())
    with pytest.raises(Stuck, match="wait for ever"):
        loop.run_until_complete(task)
    task.cancel()
    loop.run_until_complete(asyncio.gather(task, return_exceptions=True))
    loop.close()


def test_threads_are_refused() -> None:
    loop = VirtualLoop(BEGIN_NS)

    async def story() -> None:
        with pytest.raises(RuntimeError, match="no threads"):
            loop.run_in_executor(None, print)
        with pytest.raises(RuntimeError, match="no thread can call"):
            loop.call_soon_threadsafe(print)

    told(loop, story())


def test_the_clock_tells_the_loops_time_and_draws_the_same_names_from_the_same_seed() -> None:
    loop = VirtualLoop(BEGIN_NS)
    clock, again, other = VirtualClock(loop, 7), VirtualClock(loop, 7), VirtualClock(loop, 8)
    assert clock.now() == datetime.fromtimestamp(BEGIN_NS / 1e9, UTC)
    told(loop, asyncio.sleep(1.25))
    assert clock.now_ns() == BEGIN_NS + 1_250_000_000
    assert clock.now() == datetime.fromtimestamp(BEGIN_NS / 1e9 + 1.25, UTC)
    assert clock.monotonic_s() == 1.25
    drawn = clock.draw("abcdef", 20)
    assert drawn == again.draw("abcdef", 20) != other.draw("abcdef", 20)
