"""Sleep and a clock that is set are told apart, and small corrections are no news."""

from __future__ import annotations

import time

import pytest

from alphapanda_desktop.clock import SystemClock, WakeWatch, ZoneWatch, zone


class Machine:
    def __init__(self) -> None:
        self.wall_s, self.running_s, self.whole_s = 1_700_000_000.0, 50.0, 80.0

    def watch(self) -> WakeWatch:
        return WakeWatch(lambda: self.wall_s, lambda: self.running_s, lambda: self.whole_s)

    def run(self, seconds: float) -> None:
        self.wall_s, self.running_s, self.whole_s = (at + seconds for at in (self.wall_s, self.running_s, self.whole_s))

    def sleep(self, seconds: float) -> None:
        self.wall_s += seconds
        self.whole_s += seconds


@pytest.mark.parametrize(
    ("slept_s", "words"),
    [(4.0, ""), (30.0, "30 s"), (600.0, "10 min"), (4 * 3600.0, "4.0 h")],
)
def test_sleep_is_told_once_with_its_length(slept_s: float, words: str) -> None:
    machine = Machine()
    watch = machine.watch()
    machine.run(1.0)
    machine.sleep(slept_s)
    assert watch.look() == (f"the machine slept for {words}" if words else "")
    machine.run(1.0)
    assert watch.look() == ""


@pytest.mark.parametrize(("step_s", "words"), [(3600.0, "forward by 60 min"), (-30.0, "back by 30 s"), (2.0, "")])
def test_a_clock_that_is_set_is_told_with_its_direction(step_s: float, words: str) -> None:
    machine = Machine()
    watch = machine.watch()
    machine.run(1.0)
    machine.wall_s += step_s
    assert watch.look() == (f"the machine's clock went {words}" if words else "")


def test_a_loop_that_was_held_up_is_no_sleep() -> None:
    machine = Machine()
    watch = machine.watch()
    machine.run(120.0)
    assert watch.look() == ""


def test_this_machine_is_awake_and_its_clock_keeps_still() -> None:
    watch = WakeWatch()
    assert watch.look() == ""
    assert abs(SystemClock().now_ns() / 1e9 - time.time()) < 5.0


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="this system cannot be told another zone for one process")
def test_another_time_zone_is_told_once_and_summer_time_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "XST-5:30")
    watch = ZoneWatch()
    assert watch.look() == ""
    try:
        monkeypatch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        assert watch.look() == "the machine's time zone went from XST (UTC+05:30) to CET/CEST (UTC+01:00)"
        assert watch.look() == ""
    finally:
        monkeypatch.undo()
        zone()
