"""A recorded day being played: what can be asked of it, and how the day looks from afar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

SLOWEST: Final = 1.0
FASTEST: Final = 1_000.0
"""Seconds of the recorded day in one of ours."""

PRESETS: Final = (1, 10, 60, 300, 1_000)


@dataclass(frozen=True, slots=True)
class RecordedFile:
    """A recorded day on the disk: where, of which Indian day, in which mode it was recorded, and its bytes."""

    path: str
    day: date
    mode: str
    size: int


class Pace(StrEnum):
    """What the recorded day is doing."""

    PAUSED = "paused"
    PLAYING = "playing"
    RUNNING = "running ahead"
    ENDED = "at its end"


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """A recorded day from afar, in pieces of equal length from `begin_ns` on.

    `ticks` counts them in each piece, of all instruments. `price` and `volume` are one instrument's: its last price,
    nan where it is silent, and what was traded.
    """

    begin_ns: int
    piece_ns: int
    ticks: NDArray[np.int64]
    price: NDArray[np.float64]
    volume: NDArray[np.int64]


class Transport(Protocol):
    """The controls of a recorded day; owned by one loop. Times are epoch nanoseconds."""

    @property
    def name(self) -> str:
        """The recording's file, or what stands for several."""
        ...

    @property
    def begin_ns(self) -> int: ...

    @property
    def end_ns(self) -> int: ...

    @property
    def position_ns(self) -> int:
        """What time it is in the recorded day."""
        ...

    @property
    def pace(self) -> Pace: ...

    @property
    def speed(self) -> float:
        """Seconds of the day in one of ours, as asked for."""
        ...

    @property
    def reached(self) -> float:
        """The same as it really was, over the last second or so; 0 while it stands."""
        ...

    @property
    def trouble(self) -> str:
        """What of the recording could not be played, in words; empty where nothing is lost."""
        ...

    def play(self) -> None: ...

    def pause(self) -> None:
        """Stand still at once; what runs ahead stops too."""
        ...

    def set_speed(self, speed: float) -> None:
        """From SLOWEST to FASTEST; beyond them the nearer one."""
        ...

    def step_tick(self, instrument_token: int | None = None) -> None:
        """On to the next tick of that instrument, of any without one; then it stands."""
        ...

    def step_bar(self, seconds: int, open_s: int, instrument_token: int | None = None) -> None:
        """On until the running bar of that length has closed; then it stands. `open_s` is where bars are counted from.

        Seconds after midnight IST.
        """
        ...

    def run_to(self, at_ns: int) -> None:
        """As fast as it goes to a later time, through everything between; then as before."""
        ...

    def rewind(self, at_ns: int) -> None:
        """Begin the day anew at an earlier time: the desk is closed, and another one opened on empty books."""
        ...

    def outline(self, instrument_token: int | None = None) -> Outline:
        """The whole day from afar."""
        ...
