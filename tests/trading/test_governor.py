"""The one window: who goes first, what never leaves, and what is refused, in virtual time."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain.compliance import OrderLimits, limits_on
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.governor import Governor, Kind
from tests.fakes import NOON
from tests.trading.virtual_time import LeapingClock, LeapingLoop, leap

SMALL = OrderLimits(
    since=date(2026, 1, 1),
    source="small, so that a test reaches them",
    per_second=4,
    per_minute=12,
    per_day=20,
    modifications_per_order=3,
    day_reserve_for_exits=4,
    minute_reserve_for_exits=3,
    headroom_per_second=1,
    headroom_per_minute=1,
)


@dataclass
class Watch:
    """Asks a governor for turns, writes down what left, and holds each departure against every rule."""

    clock: LeapingClock
    governor: Governor
    left: list[tuple[float, datetime, Kind, str]] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    waiting: dict[int, Kind] = field(default_factory=dict)
    serials: count[int] = field(default_factory=count)

    async def ask(self, kind: Kind, order_id: str = "", give_up_after: float | None = None) -> None:
        serial = next(self.serials)
        self.waiting[serial] = kind
        try:
            async with asyncio.timeout(give_up_after):
                await self.governor.turn(kind, order_id)
                assert (kind, serial) == min((k, s) for s, k in self.waiting.items())
                self.left.append((self.clock.monotonic_s(), self.clock.now(), kind, order_id))
                self.hold_to_the_rules()
        except Refused as refusal:
            self.refused.append(str(refusal))
        except TimeoutError:
            pass
        finally:
            del self.waiting[serial]

    def hold_to_the_rules(self) -> None:
        now_s, at, kind, order_id = self.left[-1]
        limits = self.governor.limits
        assert sum(now_s - s < 1.0 for s, *_ in self.left) <= limits.per_second - 1
        assert sum(int(a.timestamp()) == int(at.timestamp()) for _, a, *_ in self.left) <= limits.per_second - 1
        assert sum(now_s - s < 60.0 for s, *_ in self.left) <= limits.minute(for_exits=kind.gets_out)
        minute = [a for _, a, *_ in self.left if int(a.timestamp()) // 60 == int(at.timestamp()) // 60]
        assert len(minute) <= limits.minute(for_exits=kind.gets_out)
        days = Counter(a.astimezone(IST).date() for _, a, k, _ in self.left if k.places)
        if kind.places:
            assert days[at.astimezone(IST).date()] <= limits.day(for_exits=kind.gets_out)
        changed = Counter(o for *_, k, o in self.left if k is Kind.MODIFY)
        assert changed[order_id] <= limits.modifications_per_order

    def kinds(self) -> list[Kind]:
        return [kind for _, _, kind, _ in self.left]


def watched(clock: LeapingClock, limits: OrderLimits = SMALL) -> Watch:
    return Watch(clock, Governor(clock, limits))


async def together(*asked: Coroutine[Any, Any, None]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in asked:
            group.create_task(one)


def test_a_lone_request_leaves_without_giving_up_the_loop() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        turn = Governor(clock).turn(Kind.ENTRY)
        with pytest.raises(StopIteration):
            turn.send(None)

    assert leap(story) == 0.0


def test_a_burst_leaves_at_the_limit_and_not_slower() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock, limits_on(date(2026, 11, 23)))
        await together(*(watch.ask(Kind.ENTRY) for _ in range(100)))
        assert len(watch.left) == 100

    assert 11 * 1.0 <= leap(story) <= 12.5


def test_cancels_go_first_then_exits_then_changes_then_entries() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        first = [watch.ask(Kind.ENTRY) for _ in range(3)]
        mixed = [watch.ask(kind, "7") for kind in (Kind.ENTRY, Kind.MODIFY, Kind.EXIT, Kind.CANCEL)]
        await together(*first, *mixed)
        assert watch.kinds()[3:] == [Kind.CANCEL, Kind.EXIT, Kind.MODIFY, Kind.ENTRY]

    leap(story)


def test_within_a_kind_first_come_is_first_served() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        await together(*(watch.ask(Kind.CANCEL, str(n)) for n in range(9)))
        assert [order_id for *_, order_id in watch.left] == [str(n) for n in range(9)]

    leap(story)


def test_when_entries_have_used_up_their_minute_an_exit_still_leaves_at_once() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        entries = [watch.ask(Kind.ENTRY) for _ in range(10)]

        async def late_exit() -> None:
            await asyncio.sleep(20)
            assert watch.governor.gauges().waiting == 2
            assert watch.governor.gauges().why_waiting == "8 orders a minute"
            await watch.ask(Kind.EXIT)
            assert watch.left[-1][0] == 20.0

        await together(*entries, late_exit())
        assert len(watch.left) == 11

    assert leap(story) > 60


def test_the_day_ends_for_entries_before_it_ends_for_exits_and_never_for_cancels() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        watch.governor.restore(15, {})
        for kind in (Kind.ENTRY, Kind.ENTRY, *(Kind.EXIT,) * 5, Kind.MODIFY, Kind.CANCEL):
            await watch.ask(kind, "1")
        assert watch.kinds() == [Kind.ENTRY, *(Kind.EXIT,) * 4, Kind.MODIFY, Kind.CANCEL]
        assert watch.refused == [
            "Orders per day: 16 sent, 1 more asked, 16 allowed (4 of 20 are kept for exits).",
            "Orders per day: 20 sent, 1 more asked, 20 allowed.",
        ]
        assert watch.governor.gauges().day == (20, 20)
        watch.governor.new_day()
        await watch.ask(Kind.ENTRY)
        assert watch.governor.gauges().day == (1, 20)

    leap(story)


def test_an_entry_that_waits_while_the_day_fills_up_is_refused() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        watch.governor.restore(12, {})
        await together(*(watch.ask(Kind.ENTRY) for _ in range(6)))
        assert len(watch.left) == 4
        assert len(watch.refused) == 2

    leap(story)


def test_at_midnight_in_india_the_day_begins_anew_and_a_clock_set_back_does_not_forget_it() -> None:
    late = datetime(2026, 11, 23, 23, 59, 59, tzinfo=IST)

    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        watch.governor.restore(16, {})
        await watch.ask(Kind.ENTRY)
        clock.step(2)
        await watch.ask(Kind.ENTRY)
        clock.step(-2)
        await watch.ask(Kind.ENTRY)
        assert len(watch.left) == 1
        assert len(watch.refused) == 2

    leap(story, late)


def test_an_iceberg_counts_each_leg_for_the_day_and_once_for_the_second() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        governor = Governor(clock, SMALL)
        await governor.turn(Kind.ENTRY, orders=10)
        assert governor.gauges().day == (10, 20)
        assert governor.gauges().second == (1, 3)
        with pytest.raises(Refused, match="10 sent, 10 more asked, 16 allowed"):
            await governor.turn(Kind.ENTRY, orders=10)

    leap(story)


def test_the_modification_after_the_last_is_refused_and_says_what_to_do() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock, limits_on(date(2026, 11, 23)))
        watch.governor.restore(0, {"42": 24})
        await together(*(watch.ask(Kind.MODIFY, "42") for _ in range(2)), watch.ask(Kind.MODIFY, "43"))
        assert watch.refused == [
            "Modifications: order 42 was modified 25 times, 25 allowed; cancel it instead.",
        ]
        assert watch.governor.modifications("42") == 25
        await watch.ask(Kind.CANCEL, "42")
        assert len(watch.left) == 3

    leap(story)


def test_after_a_429_nothing_leaves_for_a_second_and_longer_when_it_comes_again() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        for expected in (1.0, 3.0, 7.0, 11.0):
            watch.governor.back_off()
            watch.governor.back_off()
            assert watch.governor.gauges().why_waiting == ""
            await watch.ask(Kind.CANCEL)
            assert watch.left[-1][0] == pytest.approx(expected, abs=0.1)
        await asyncio.sleep(30)
        before = clock.monotonic_s()
        watch.governor.back_off()
        await watch.ask(Kind.CANCEL)
        assert clock.monotonic_s() - before == pytest.approx(1.0, abs=0.1)

    leap(story)


def test_the_kill_switch_calls_back_entries_and_changes_and_lets_exits_pass() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        watch.governor.back_off()

        async def kill() -> None:
            await asyncio.sleep(0.5)
            assert watch.governor.gauges().why_waiting == "the broker said it was too fast"
            assert watch.governor.call_back("the kill switch") == 2
            assert watch.governor.call_back("the kill switch") == 0

        kinds = (Kind.ENTRY, Kind.MODIFY, Kind.EXIT, Kind.CANCEL)
        await together(*(watch.ask(kind, "1") for kind in kinds), kill())
        assert watch.refused == ["the kill switch", "the kill switch"]
        assert watch.kinds() == [Kind.CANCEL, Kind.EXIT]

    leap(story)


def test_one_that_is_called_back_in_the_very_step_of_its_turn_does_not_leave() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        await together(*(watch.ask(Kind.ENTRY) for _ in range(3)))

        async def kill() -> None:
            await asyncio.sleep(0)
            loop.stall(5)
            loop.call_soon(watch.governor.call_back, "the kill switch")

        await together(watch.ask(Kind.ENTRY), kill())
        assert watch.refused == ["the kill switch"]
        assert len(watch.left) == 3

    leap(story)


def test_a_stalled_loop_does_not_bunch_what_it_promised_before() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)

        async def stalls() -> None:
            for _ in range(20):
                await asyncio.sleep(0.31)
                loop.stall(0.9)

        await together(*(watch.ask(Kind.EXIT) for _ in range(11)), stalls())
        assert len(watch.left) == 11

    leap(story)


def test_who_asks_when_the_window_has_just_opened_does_not_overtake_who_waited() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        async with asyncio.TaskGroup() as group:
            for n in range(4):
                group.create_task(watch.ask(Kind.ENTRY, str(n)))
            await asyncio.sleep(0.1)
            loop.stall(5)
            await watch.ask(Kind.ENTRY, "late")
        assert [order_id for *_, order_id in watch.left] == ["0", "1", "2", "3", "late"]

    leap(story)


def test_a_wall_clock_set_back_does_not_open_its_second_again() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        await together(*(watch.ask(Kind.EXIT) for _ in range(3)))
        await asyncio.sleep(1.2)
        clock.step(-1.0)
        await watch.ask(Kind.EXIT)
        assert watch.left[-1][0] == pytest.approx(2.0, abs=0.1)

    leap(story)


def test_who_waits_for_the_wall_clock_sees_at_once_that_it_was_set_forward() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        await together(*(watch.ask(Kind.EXIT) for _ in range(3)))
        await asyncio.sleep(1.2)
        clock.step(-1.1)

        async def sets_it_forward() -> None:
            await asyncio.sleep(0.1)
            clock.step(10)

        await together(watch.ask(Kind.EXIT), sets_it_forward())
        assert watch.left[-1][0] == pytest.approx(1.3, abs=0.06)

    leap(story)


def test_a_wall_clock_set_back_an_hour_holds_nobody_up() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        await together(*(watch.ask(Kind.EXIT) for _ in range(3)))
        clock.step(-3_600)
        await watch.ask(Kind.EXIT)
        assert watch.left[-1][0] == pytest.approx(1.05, abs=0.1)

    leap(story)


def test_a_waiter_that_gives_up_leaves_its_place_to_the_next() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        asked = [watch.ask(Kind.EXIT, give_up_after=None if n % 2 else 0.2) for n in range(9)]
        await together(*asked)
        assert len(watch.left) == 3 + 3
        assert watch.governor.gauges().waiting == 0
        assert watch.governor.gauges().day == (6, 20)

    assert leap(story) < 2.0


def test_limits_can_be_tightened_at_once_and_never_set_above_the_regulators() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        governor = Governor(clock)
        assert governor.limits == limits_on(date(2026, 11, 23))
        governor.change(SMALL)
        assert governor.gauges().second == (0, 3)
        for change in ({"per_second": 11}, {"per_day": 5_001}, {"per_minute": 0}, {"headroom_per_second": -1}):
            with pytest.raises(Refused, match="Order limits"):
                governor.change(replace(SMALL, **change))  # type: ignore[arg-type]  # a table of fields
        assert governor.limits == SMALL

    leap(story)


def test_restoring_less_than_is_counted_forgets_nothing() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        governor = Governor(clock, SMALL)
        governor.restore(9, {"1": 2})
        governor.restore(3, {"1": 1})
        assert governor.gauges().day == (9, 20)
        assert governor.modifications("1") == 2

    leap(story)


def test_after_a_restart_what_left_within_the_minute_still_counts() -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        left = [clock.now() - timedelta(seconds=seconds) for seconds in (0.1, 30, 0.2, 30, 0.3, 30, 30, 30, 90)]
        watch.governor.restore(9, {}, left)
        assert watch.governor.gauges().second == (3, 3)
        assert watch.governor.gauges().minute == (8, 11)
        await watch.ask(Kind.EXIT)
        assert watch.left[-1][0] == pytest.approx(0.75, abs=0.1)
        await watch.ask(Kind.ENTRY)
        assert watch.left[-1][0] == pytest.approx(30.5, abs=0.1)

    leap(story)


STEPS = st.one_of(
    st.tuples(st.just("ask"), st.sampled_from(Kind), st.sampled_from(["1", "2"]), st.sampled_from([None, 0, 0.4, 2])),
    st.tuples(st.just("burst"), st.sampled_from(Kind), st.integers(2, 9)),
    st.tuples(st.just("clock"), st.sampled_from([-3600, -86_400, -60, -1.5, -1, -0.3, 0.7, 30, 86_400])),
    st.tuples(st.just("stall"), st.sampled_from([0.2, 0.99, 3])),
    st.tuples(st.just("429")),
    st.tuples(st.just("call back")),
    st.tuples(st.just("limits"), st.sampled_from([2, 3, 4])),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.sampled_from([0, 0, 0, 0.01, 0.5, 1.0, 20]), STEPS), max_size=60))
def test_whatever_happens_no_window_overflows_and_nobody_is_forgotten(
    steps: list[tuple[float, tuple[Any, ...]]],
) -> None:
    async def story(loop: LeapingLoop, clock: LeapingClock) -> None:
        watch = watched(clock)
        async with asyncio.TaskGroup() as group:
            for pause, (what, *details) in steps:
                if pause:
                    await asyncio.sleep(pause)
                if what == "ask":
                    group.create_task(watch.ask(*details))
                elif what == "burst":
                    for _ in range(details[1]):
                        group.create_task(watch.ask(details[0], "3"))
                elif what == "clock":
                    clock.step(*details)
                elif what == "stall":
                    loop.stall(*details)
                elif what == "429":
                    watch.governor.back_off()
                elif what == "call back":
                    watch.governor.call_back("the kill switch")
                else:
                    watch.governor.change(replace(SMALL, per_second=details[0]))
        assert not watch.waiting
        assert watch.governor.gauges().waiting == 0

    leap(story, NOON)
