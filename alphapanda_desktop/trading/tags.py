"""Tags that name order intents: unique, at most 20 letters and digits, in the order they were made."""

from __future__ import annotations

import secrets
from typing import Final, Protocol, runtime_checkable

from alphapanda_desktop.domain.ports import Clock

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


@runtime_checkable
class Draws(Protocol):
    """A clock that also draws lots: under one that does, a replay gives the same names every time."""

    def draw(self, letters: str, count: int) -> str:
        """So many of the letters."""
        ...


class Tags:
    """Maker of tags: "ap", the milliseconds since 1970 in base 36, then six random characters."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def new(self) -> str:
        stamp = _base36(self._clock.now_ns() // 1_000_000)
        return "ap" + stamp + drawn(self._clock, _ALPHABET, 6)


def drawn(clock: Clock, letters: str, count: int) -> str:
    """So many of the letters at random, by the clock's own lot where it has one."""
    if isinstance(clock, Draws):
        return clock.draw(letters, count)
    return "".join(secrets.choice(letters) for _ in range(count))


def new_run_id(clock: Clock) -> str:
    """Eight hexadecimal digits that name a run."""
    return drawn(clock, "0123456789abcdef", 8)


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _ALPHABET[rest] + digits
    return digits or "0"
