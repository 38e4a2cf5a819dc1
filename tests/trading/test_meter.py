"""The meter: buckets, windows, rates, and that a sample keeps nothing."""

from __future__ import annotations

import asyncio
import gc
import random
import sys

import pytest

from alphapanda_desktop.trading.meter import BUCKETS, TURN_NS, Meter, Rate, Times, bucket_of, longest_in


class Now:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ns = 5_000_000_000

    def __call__(self) -> int:
        return self.ns


def test_every_time_lies_in_its_bucket_and_is_known_to_one_part_in_32() -> None:
    rng = random.Random(3)
    values = [*range(5_000), *(rng.randrange(1 << rng.randrange(1, 36)) for _ in range(5_000))]
    for ns in values:
        bucket = bucket_of(ns)
        longest, before = longest_in(bucket), longest_in(bucket - 1) if bucket else -1
        assert before < ns <= longest
        assert longest - ns <= max(0, ns / 32)


def test_buckets_rise_with_time_and_end_at_the_last() -> None:
    edges = [longest_in(bucket) for bucket in range(BUCKETS)]
    assert edges == sorted(set(edges))
    assert bucket_of(-5) == 0 and bucket_of(1 << 60) == BUCKETS - 1


def test_quantiles_are_those_of_the_samples() -> None:
    times = Times("x")
    for ns in range(1, 1001):
        times.add(ns * 1_000)
    p50, p99, most = times.quantiles(0.5, 0.99, 1.0)
    assert 500_000 <= p50 <= 500_000 * 33 / 32
    assert 990_000 <= p99 <= 990_000 * 33 / 32
    assert most == times.worst_ns == 1_000_000
    assert times.total == 1000


def test_what_was_not_measured_has_no_figure() -> None:
    assert Times("x").quantiles(0.5, 0.99) == [None, None]


def test_figures_are_of_the_last_two_turns_and_the_worst_of_all() -> None:
    times = Times("x")
    times.add(1_000_000)
    times.turn()
    assert times.quantiles(0.5) != [None]
    times.turn()
    assert times.quantiles(0.5) == [None]
    assert (times.worst_ns, times.total) == (1_000_000, 1)


def test_a_sample_keeps_no_memory() -> None:
    meter = Meter()
    _exercise(meter, 200)
    gc.collect()
    gc.disable()
    try:
        grown = [_grown_by(meter, 20_000) for _ in range(3)]
    finally:
        gc.enable()
    assert min(grown) < 100, f"{grown} blocks kept by 20,000 samples each time"


def _grown_by(meter: Meter, times: int) -> int:
    """Blocks of the whole process, to which other threads may add some of theirs in one of several times."""
    before = sys.getallocatedblocks()
    _exercise(meter, times)
    return sys.getallocatedblocks() - before


def _exercise(meter: Meter, times: int) -> None:
    for number in range(times):
        meter.frame_in()
        meter.ticks_in(100, meter.read_ns)
        meter.painted(meter.now_ns(), meter.take_unpainted())
        meter.looked(number, number % 7)


def test_ticks_a_second_are_of_the_whole_seconds_behind() -> None:
    rate = Rate()
    for tenth in range(50):
        rate.add(100, tenth * 100_000_000)
    assert rate.per_s(5_050_000_000) == pytest.approx(1000.0)
    assert rate.total == 5_000
    assert rate.per_s(60_000_000_000) == 0.0


def test_a_tick_is_timed_from_its_frame_to_its_strategies_and_to_the_paint_that_shows_it() -> None:
    now = Now()
    meter = Meter(now_ns=now)
    meter.frame_in()
    now.ns += 300_000
    meter.ticks_in(100, meter.read_ns)
    now.ns += 5_000_000
    meter.frame_in()
    meter.ticks_in(50, meter.read_ns)
    began, since = now.ns, meter.take_unpainted()
    now.ns += 2_000_000
    meter.painted(began, since)
    assert meter.strategy.worst_ns == 300_000
    assert meter.paint.worst_ns == 7_300_000  # of the oldest tick that it shows
    assert meter.frame.worst_ns == 2_000_000
    assert meter.take_unpainted() == 0


def test_a_frame_without_new_ticks_is_no_time_of_a_tick() -> None:
    meter = Meter()
    meter.painted(meter.now_ns(), meter.take_unpainted())
    assert (meter.frame.total, meter.paint.total) == (1, 0)


def test_an_order_is_timed_from_the_click_that_asked_for_it() -> None:
    now = Now()
    meter = Meter(now_ns=now)
    later: list[asyncio.Task[None]] = []

    async def silent(gate: asyncio.Event) -> None:
        ended = meter.clicked(now.ns)  # a click that starts something and orders nothing itself
        later.append(asyncio.create_task(after(gate)))
        ended()

    async def slot(gate: asyncio.Event, delay_ns: int) -> None:
        ended = meter.clicked(meter.now_ns())
        later.append(asyncio.create_task(after(gate)))  # what it started lives on without the click
        await asyncio.gather(asyncio.create_task(path(delay_ns)))  # the order path has tasks of its own
        ended()

    async def after(gate: asyncio.Event) -> None:
        await gate.wait()
        meter.ordered()

    async def path(delay_ns: int) -> None:
        now.ns += delay_ns
        meter.ordered()
        meter.ordered()  # its second slice is no click

    async def story() -> None:
        gate = asyncio.Event()
        meter.ordered()  # a strategy's: nobody clicked
        await asyncio.create_task(slot(gate, 4_000_000))
        meter.ordered()
        await asyncio.create_task(silent(gate))
        gate.set()
        await asyncio.gather(*later)

    asyncio.run(story())
    assert (meter.order.total, meter.order.worst_ns) == (1, 4_000_000)


def test_the_window_turns_with_the_heartbeat() -> None:
    now = Now()
    meter = Meter(now_ns=now)
    meter.looked(1_000, 3)
    for _ in range(3):
        now.ns += TURN_NS + 1
        meter.looked(2_000, 1)
    lag = next(row for row in meter.rows() if row.name == "loop lag")
    assert lag.p50_ns is not None and lag.p50_ns >= 2_000
    assert (lag.total, meter.backlog, meter.deepest) == (4, 1, 3)
