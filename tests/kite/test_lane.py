"""Lanes and rate limits: what waits can be overtaken, cancelled and given up, and then it was not done."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import BadData, Offline, Unknown, never_begun
from alphapanda_desktop.kite.lane import Lane
from alphapanda_desktop.kite.limits import WINDOWS, Limits, Rate, Window


async def at_once() -> None:
    """No rate limit."""


class Held:
    """Work that waits in the lane's thread until it is let go."""

    def __init__(self) -> None:
        self.go = threading.Event()
        self.began = threading.Event()

    def __call__(self, _tool: object) -> str:
        self.began.set()
        assert self.go.wait(60)
        return "held"


def a_lane() -> Lane[list[str]]:
    return Lane("kite-test", list)


def test_work_is_done_in_the_lanes_own_thread_with_its_own_tool(arun: Any) -> None:
    async def story() -> None:
        lane = a_lane()
        names = [await lane.run(lambda tool: (threading.current_thread().name, id(tool)), at_once) for _ in range(2)]
        assert names[0] == names[1]
        assert names[0][0] == "kite-test"
        lane.close()

    arun(story())


def test_urgent_work_goes_before_what_waits(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        lane, held, done = a_lane(), Held(), []
        async with asyncio.TaskGroup() as group:
            group.create_task(lane.run(held, at_once))
            await eventually(held.began.is_set)
            group.create_task(lane.run(lambda _: done.append("plain"), at_once))
            await asyncio.sleep(0)
            group.create_task(lane.run(lambda _: done.append("urgent"), at_once, urgent=True))
            await asyncio.sleep(0)
            held.go.set()
        assert done == ["urgent", "plain"]
        lane.close()

    arun(story())


def test_what_got_no_turn_in_time_was_not_done(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        lane, held, done = a_lane(), Held(), []
        async with asyncio.TaskGroup() as group:
            first = group.create_task(lane.run(held, at_once))
            await eventually(held.began.is_set)
            with pytest.raises(Offline, match="not sent"):
                await lane.run(lambda _: done.append(1), at_once, sends=True, patience_s=0.01)
            held.go.set()
            assert await first == "held"
        assert await lane.run(lambda _: "next", at_once) == "next"
        assert done == []
        lane.close()

    arun(story())


def test_giving_up_while_the_rate_limit_holds_frees_the_lane(arun: Any) -> None:
    async def story() -> None:
        lane = a_lane()
        with pytest.raises(Offline, match="not sent"):
            await lane.run(lambda _: 1, asyncio.Event().wait, patience_s=0.01)  # type: ignore[arg-type]
        assert await lane.run(lambda _: 2, at_once) == 2
        lane.close()

    arun(story())


def test_cancelling_what_runs_loses_the_result_and_frees_the_lane(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        lane, held = a_lane(), Held()
        async with asyncio.TaskGroup() as group:
            first = group.create_task(lane.run(held, at_once))
            await eventually(held.began.is_set)
            first.cancel()
            after = group.create_task(lane.run(lambda _: "after", at_once))
            held.go.set()
            assert await after == "after"
        lane.close()

    arun(story())


def test_a_cancellation_says_whether_the_call_had_begun(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        lane, held, done, said = a_lane(), Held(), [], []

        async def asked(work: Any) -> None:
            try:
                await lane.run(work, at_once, sends=True, patience_s=60.0)
            except asyncio.CancelledError as error:
                said.append(never_begun(error))
                raise

        async with asyncio.TaskGroup() as group:
            first = group.create_task(asked(held))
            await eventually(held.began.is_set)
            second = group.create_task(asked(lambda _: done.append(1)))
            await asyncio.sleep(0)
            second.cancel()
            await asyncio.wait({second})
            first.cancel()
            await asyncio.wait({first})
            held.go.set()
        assert await lane.run(lambda _: "next", at_once) == "next"
        assert (said, done) == ([True, False], [])
        lane.close()

    arun(story())


def test_an_error_of_ours_reaches_whoever_asked(arun: Any) -> None:
    def fail(_: object) -> None:
        raise BadData("quantity is 'many'")

    async def story() -> None:
        lane = a_lane()
        with pytest.raises(BadData, match="many"):
            await lane.run(fail, at_once)
        lane.close()

    arun(story())


def _dead_threads() -> None:
    """They die of their errors, and whoever is told of that must be this test's hook still."""
    for thread in threading.enumerate():
        if thread.name.startswith("kite-test"):
            thread.join(60.0)


def test_a_surprise_is_reported_by_the_thread_and_the_lane_lives_on(arun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    reported: list[str] = []
    monkeypatch.setattr(threading, "excepthook", lambda args: reported.append(repr(args.exc_value)))

    def surprise(_: object) -> None:
        raise ZeroDivisionError("surprise")

    async def story() -> None:
        lane = a_lane()
        with pytest.raises(Unknown):
            await lane.run(surprise, at_once, sends=True)
        with pytest.raises(Offline):
            await lane.run(surprise, at_once)
        assert await lane.run(lambda _: "well", at_once) == "well"
        lane.close()

    arun(story())
    _dead_threads()
    assert reported == ["ZeroDivisionError('surprise')"] * 2


def test_a_tool_that_cannot_be_made_is_no_hang(arun: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading, "excepthook", lambda args: None)

    def build() -> object:
        raise ImportError("no such client")

    async def story() -> None:
        lane = Lane("kite-test", build)
        for _ in range(2):
            with pytest.raises(Offline):
                await lane.run(lambda _: 1, at_once)
        lane.close()

    arun(story())
    _dead_threads()


class StillClock(SystemClock):
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.at_s = 100.0

    def monotonic_s(self) -> float:
        return self.at_s


def test_a_window_slides(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        clock = StillClock()
        window, passed = Window(2, 0.05, clock), []

        async def go(name: str) -> None:
            await window.turn()
            passed.append(name)

        async with asyncio.TaskGroup() as group:
            await go("a")
            clock.at_s += 0.03
            await go("b")
            for name in "cd":
                group.create_task(go(name))
            await asyncio.sleep(0)
            assert passed == ["a", "b"]
            clock.at_s += 0.03  # "a" is out of the window, "b" is in it
            await eventually(lambda: passed == ["a", "b", "c"])
            clock.at_s += 0.03
            await eventually(lambda: passed == ["a", "b", "c", "d"])

    arun(story())


def test_in_a_window_the_urgent_pass_first_and_the_cancelled_take_no_place(arun: Any, eventually: Any) -> None:
    async def story() -> None:
        clock = StillClock()
        window, passed = Window(1, 0.02, clock), []

        async def go(name: str, urgent: bool = False) -> None:
            await window.turn(urgent)
            passed.append(name)

        async with asyncio.TaskGroup() as group:
            await go("first")
            gone = group.create_task(go("gone"))
            group.create_task(go("plain"))
            group.create_task(go("urgent", urgent=True))
            await asyncio.sleep(0)
            gone.cancel()
            clock.at_s += 0.02
            await eventually(lambda: passed == ["first", "urgent"])
            clock.at_s += 0.02
            await eventually(lambda: passed == ["first", "urgent", "plain"])

    arun(story())


def test_after_a_429_the_class_rests_for_a_span(arun: Any) -> None:
    async def story() -> None:
        clock = StillClock()
        limits = Limits(clock)
        limits.back_off(Rate.ORDER)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limits.turn(Rate.ORDER), 0.01)
        await asyncio.wait_for(limits.turn(Rate.OTHER), 60)
        clock.at_s += WINDOWS[Rate.ORDER][0][1]
        await asyncio.wait_for(limits.turn(Rate.ORDER), 60)

    arun(story())


def test_our_limits_stay_under_kites() -> None:
    kites = {Rate.QUOTE: 1.0, Rate.HISTORICAL: 3.0, Rate.ORDER: 10.0, Rate.OTHER: 10.0}
    for rate, per_s in kites.items():
        limit, span_s = WINDOWS[rate][0]
        assert limit / span_s < per_s
    assert WINDOWS[Rate.ORDER][1][0] < 400


def test_nine_orders_pass_at_once_and_the_tenth_waits(arun: Any) -> None:
    async def story() -> None:
        limits = Limits(StillClock())
        for _ in range(9):
            await asyncio.wait_for(limits.turn(Rate.ORDER), 60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(limits.turn(Rate.ORDER), 0.01)

    arun(story())
