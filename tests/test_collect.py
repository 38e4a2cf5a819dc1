"""Garbage in cycles is still collected, when the loop is idle; what lives for good is not looked at."""

from __future__ import annotations

import gc
import weakref
from collections.abc import Iterator

import pytest

from alphapanda_desktop import collect
from alphapanda_desktop.collect import DEEP_NS, EVERY_NS, LATEST_NS, Collector


class Node:
    """Something that holds on to itself."""

    def __init__(self) -> None:
        self.me = self


class Now:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.ns = 1

    def __call__(self) -> int:
        self.ns += 1
        return self.ns


@pytest.fixture(scope="module", autouse=True)
def what_is_loaded_stays() -> None:
    """Nothing is frozen by the tests' own means: what is frozen is counted here."""
    gc.unfreeze()


@pytest.fixture
def now() -> Now:
    return Now()


@pytest.fixture
def pauses() -> list[int]:
    return []


@pytest.fixture
def collector(now: Now, pauses: list[int]) -> Iterator[Collector]:
    threshold = gc.get_threshold()
    collector = Collector(pauses.append, now)
    collector.start()
    yield collector
    collector.stop()
    assert gc.get_threshold() == threshold and gc.isenabled() and gc.get_freeze_count() == 0


def cycle() -> weakref.ref[Node]:
    """A garbage cycle."""
    return weakref.ref(Node())


def test_nothing_is_collected_while_the_program_starts(collector: Collector) -> None:
    garbage = [cycle() for _ in range(2_000)]
    collector.look(idle=True)
    assert not gc.isenabled() and all(one() is not None for one in garbage)


def test_what_is_there_at_the_start_is_frozen(collector: Collector) -> None:
    collector.settle()
    assert gc.isenabled() and gc.get_freeze_count() > 1_000
    assert gc.get_threshold()[2] == collect.NEVER


def test_young_garbage_goes_by_itself(collector: Collector) -> None:
    collector.settle()
    garbage = [cycle() for _ in range(2_000)]
    assert sum(one() is not None for one in garbage) < 1_000


def test_old_garbage_goes_when_the_loop_is_idle(collector: Collector, now: Now) -> None:
    collector.settle()
    kept = Node()
    garbage = weakref.ref(kept)
    gc.collect(1)  # it is old now
    del kept
    collector.look(idle=False)
    assert garbage() is not None  # a busy loop is left alone
    collector.look(idle=True)
    assert garbage() is None


def test_garbage_of_a_quiet_program_goes_too(collector: Collector, now: Now) -> None:
    collector.settle()
    garbage = cycle()
    now.ns += EVERY_NS + 1
    collector.look(idle=True)
    assert garbage() is None


def test_a_loop_that_is_never_idle_is_collected_once_a_minute(collector: Collector, now: Now) -> None:
    collector.settle()
    gc.collect(0)  # else young garbage may be due in this very moment
    garbage = cycle()
    now.ns += LATEST_NS // 2
    collector.look(idle=False)
    assert garbage() is not None
    now.ns += LATEST_NS
    collector.look(idle=False)
    assert garbage() is None


def test_a_large_load_is_frozen_and_not_looked_through(collector: Collector, pauses: list[int]) -> None:
    collector.settle()
    frozen = gc.get_freeze_count()
    load = [[number] for number in range(100_000)]
    pauses.clear()
    collector.look(idle=True)
    assert gc.get_freeze_count() - frozen >= len(load) and pauses == []


def test_each_pause_is_told(collector: Collector, pauses: list[int]) -> None:
    collector.settle()
    gc.collect()
    assert len(pauses) == 1 and pauses[0] > 0


def test_survivors_of_a_long_collection_are_frozen(
    collector: Collector, now: Now, monkeypatch: pytest.MonkeyPatch
) -> None:
    collector.settle()
    frozen = gc.get_freeze_count()
    now.ns += EVERY_NS + 1
    collector.look(idle=True)
    assert gc.get_freeze_count() <= frozen  # it was short by this clock
    monkeypatch.setattr(collect, "LONG_NS", 0)
    now.ns += EVERY_NS + 1
    collector.look(idle=True)
    assert gc.get_freeze_count() > frozen


def test_garbage_that_was_frozen_goes_in_an_hour_without_a_market(collector: Collector, now: Now) -> None:
    garbage = cycle()
    collector.settle()
    now.ns += EVERY_NS + 1
    collector.look(idle=True)
    assert garbage() is not None  # it was there when all was frozen
    now.ns += DEEP_NS
    collector.look(idle=True)
    assert garbage() is not None  # a market speaks
    collector.look(idle=True, nobody_waits=True)
    assert garbage() is None and gc.get_freeze_count() > 1_000
