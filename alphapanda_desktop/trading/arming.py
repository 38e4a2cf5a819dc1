"""Live trading is armed by typing, for one session, and never by a toggle."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from psygnal import Signal

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.ports import Clock

WORD: Final = "LIVE"
"""What has to be typed."""


class Arming:
    """Whether orders may leave. Where `needed` is False (practice, paper) they always may.

    Signal: `changed()` when it was armed or disarmed; that its hour has come is for the clock to tell.
    """

    changed = Signal()

    def __init__(self, clock: Clock, *, needed: bool) -> None:
        self._clock = clock
        self._until: datetime | None = None
        self.needed = needed

    @property
    def armed(self) -> bool:
        return not self.needed or (self._until is not None and self._clock.now() < self._until)

    @property
    def until(self) -> datetime | None:
        """When it ends, aware UTC; None while disarmed."""
        return self._until if self.armed else None

    def arm(self, typed: str, until: datetime) -> None:
        """Allow orders until the session ends. Raises Refused unless the word was typed exactly."""
        if typed.strip() != WORD:
            raise Refused(f"Live trading is armed by typing {WORD}; {typed!r} was typed.", "arming")
        if until <= self._clock.now():
            raise Refused("Live trading cannot be armed: the Kite session is over. Log in first.", "arming")
        self._until = until
        self.changed.emit()

    def disarm(self) -> None:
        """Let no order leave until it is typed again."""
        self._until = None
        self.changed.emit()

    def why_not(self) -> str:
        """Why an order must not leave, or empty."""
        return "" if self.armed else f"Live trading is not armed: type {WORD} in Trade > Arm live trading first."
