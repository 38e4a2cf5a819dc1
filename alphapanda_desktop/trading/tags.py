"""Tags that name order intents: unique, at most 20 letters and digits, in the order they were made."""

from __future__ import annotations

import secrets
from typing import Final

from alphapanda_desktop.domain.ports import Clock

_ALPHABET: Final = "0123456789abcdefghijklmnopqrstuvwxyz"


class Tags:
    """Maker of tags: "ap", the milliseconds since 1970 in base 36, then six random characters."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    def new(self) -> str:
        stamp = _base36(self._clock.now_ns() // 1_000_000)
        return "ap" + stamp + "".join(secrets.choice(_ALPHABET) for _ in range(6))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, rest = divmod(number, 36)
        digits = _ALPHABET[rest] + digits
    return digits or "0"
