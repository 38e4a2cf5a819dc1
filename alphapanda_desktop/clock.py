"""The clocks the program runs on: the machine's, one that follows a practice exchange's, and who sees their jumps."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final


class SystemClock:
    """This machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def now_ns(self) -> int:
        return time.time_ns()

    def monotonic_s(self) -> float:
        return time.monotonic()


class VenueClock:
    """Now at a venue whose clock stood at `at` when this was made and runs `speed` times as fast as the machine's."""

    def __init__(self, at: datetime, speed: float) -> None:
        self._origin_ns = int(at.timestamp() * 1e9)
        self._speed = speed
        self._began = time.monotonic_ns()

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.now_ns() / 1e9, UTC)

    def now_ns(self) -> int:
        return self._origin_ns + int((time.monotonic_ns() - self._began) * self._speed)

    def monotonic_s(self) -> float:
        return time.monotonic()


STEP_S: Final = 5.0
"""A jump of the clock that is worth a word; what is less is the clock being kept right."""


class WakeWatch:
    """Notices between two looks that the machine slept, or that somebody set its clock."""

    def __init__(
        self,
        wall_s: Callable[[], float] = time.time,
        running_s: Callable[[], float] = time.monotonic,
        awake_and_asleep_s: Callable[[], float] | None = None,
    ) -> None:
        self._wall_s = wall_s
        self._running_s = running_s
        self._whole_s = awake_and_asleep_s or _whole_s()
        self._last = self._read()

    def look(self) -> str:
        """What happened since the last look, in words; empty if nothing did."""
        before, self._last = self._last, self._read()
        wall_s, running_s, whole_s = (now - then for now, then in zip(self._last, before, strict=True))
        slept_s = whole_s - running_s
        if slept_s > STEP_S:
            return f"the machine slept for {_words(slept_s)}"
        step_s = wall_s - whole_s
        if abs(step_s) > STEP_S:
            return f"the machine's clock went {'forward' if step_s > 0 else 'back'} by {_words(abs(step_s))}"
        return ""

    def _read(self) -> tuple[float, float, float]:
        return self._wall_s(), self._running_s(), self._whole_s()


class ZoneWatch:
    """Notices between two looks that the machine's time zone was changed; summer time is no change of it."""

    def __init__(self, read: Callable[[], str] | None = None) -> None:
        self._read = read or zone
        self._last = self._read()

    def look(self) -> str:
        """What happened since the last look, in words; empty if nothing did."""
        before, self._last = self._last, self._read()
        return "" if before == self._last else f"the machine's time zone went from {before} to {self._last}"


def zone() -> str:
    """The machine's time zone as it is set now: its names, and how far its winter is from UTC."""
    if sys.platform == "win32":  # the C library there reads it once for all
        return _windows_zone()
    time.tzset()  # it would go on with what was set as the program began
    names = "/".join(dict.fromkeys(time.tzname))
    sign, minutes = "-" if time.timezone > 0 else "+", abs(time.timezone) // 60
    return f"{names} (UTC{sign}{minutes // 60:02d}:{minutes % 60:02d})"


if sys.platform == "win32":
    import ctypes

    def _windows_zone() -> str:
        """Source: Win32 TIME_ZONE_INFORMATION: a LONG of minutes west of UTC, then 32 UTF-16 letters of its name."""
        raw = ctypes.create_string_buffer(172)
        ctypes.windll.kernel32.GetTimeZoneInformation(raw)
        west = int.from_bytes(raw.raw[:4], "little", signed=True)
        name = raw.raw[4:68].decode("utf-16-le").partition("\0")[0]
        return f"{name} (UTC{'-' if west > 0 else '+'}{abs(west) // 60:02d}:{abs(west) % 60:02d})"


def _whole_s() -> Callable[[], float]:
    """Seconds that go on while the machine sleeps; where the system does not count them, those that do not."""
    number = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic if number is None else lambda: time.clock_gettime(number)


def _words(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"
