"""The controls of a recorded day, put together for the window: its player, its outline, and the way back."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

from alphapanda_desktop.domain.replay import Outline, Pace
from alphapanda_desktop.replaying.control import Player
from alphapanda_desktop.replaying.day import RecordedDay


@final
class RecordedTransport:
    """A `domain.replay.Transport`. `on_rewind` hears the time from which the day is to begin anew."""

    def __init__(self, name: str, day: RecordedDay, player: Player, problems: dict[str, int]) -> None:
        self.name = name
        self._day = day
        self._player = player
        self._problems = problems
        self.on_rewind: Callable[[int], None] = lambda _at_ns: None

    @property
    def begin_ns(self) -> int:
        return self._day.begin_ns

    @property
    def end_ns(self) -> int:
        return self._day.end_ns

    @property
    def position_ns(self) -> int:
        return self._player.position_ns

    @property
    def pace(self) -> Pace:
        return self._player.pace

    @property
    def speed(self) -> float:
        return self._player.speed

    @property
    def reached(self) -> float:
        return self._player.reached

    @property
    def trouble(self) -> str:
        held = self._player.held_too_long
        words = [self._day.played.damage, *(f"{what}: {count:,} times" for what, count in self._problems.items())]
        words.append(f"the day went on {held:,} times before a strategy had answered" if held else "")
        return "; ".join(filter(None, words))

    def play(self) -> None:
        self._player.play()

    def pause(self) -> None:
        self._player.pause()

    def set_speed(self, speed: float) -> None:
        self._player.set_speed(speed)

    def step_tick(self, instrument_token: int | None = None) -> None:
        self._player.step_tick(instrument_token)

    def step_bar(self, seconds: int, open_s: int, instrument_token: int | None = None) -> None:
        self._player.step_bar(seconds, open_s, instrument_token)

    def run_to(self, at_ns: int) -> None:
        self._player.run_to(at_ns)

    def rewind(self, at_ns: int) -> None:
        self._player.pause()
        self.on_rewind(min(max(at_ns, self.begin_ns), self.position_ns))

    def outline(self, instrument_token: int | None = None) -> Outline:
        return self._day.minutes.outline(self.begin_ns, self.end_ns, instrument_token)
