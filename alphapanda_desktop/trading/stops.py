"""Stops that a run keeps by itself: watched on its ticks, carried out through the desk, gone with the program.

A stop stands among the run's variables, so that its card shows it and stop coverage finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from alphapanda_desktop.domain.coverage import AppStop
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.trading.run import Run

AGAIN_S: Final = 5.0
"""How long a stop that has fired waits before it asks again for an exit that came to nothing."""


class KeptStop:
    """One stop of one run on one instrument; it guards whatever the run holds of it on that side, in any product."""

    def __init__(self, run: Run, instrument: Instrument, trigger: float, side: Side, reason: str) -> None:
        self.instrument = instrument
        self.trigger = trigger
        self.side: Side = side
        self.reason = reason
        self._run = run
        self._held = False
        self._lifted = False
        self._fired_at: float | None = None
        self._asked_s = 0.0

    def __str__(self) -> str:
        word = "or lower" if self.side == "SELL" else "or higher"
        fired = ", fired" if self._fired_at is not None else ""
        return f"{self.side} at {self.trigger:.2f} {word}, watched by this program only{fired}"

    @property
    def active(self) -> bool:
        """Whether it is watched: not after it was lifted, nor once the run may ask for nothing any more."""
        return not self._lifted and self._run.asking

    def lift(self) -> None:
        """Watch it no more."""
        self._lifted = True

    def stops(self) -> list[AppStop]:
        """What it guards now, by product; empty while the run holds nothing on that side."""
        if not self.active:
            return []
        sign, key = (1 if self.side == "SELL" else -1), self.instrument.key
        held = {product: abs(count) for product, count in self._run.held_as(key).items() if count * sign > 0}
        return [
            AppStop(key, product, count, self.trigger, self._run.run_id, self.side, self.reason)
            for product, count in held.items()
        ]

    def crossed(self, last_price: float) -> bool:
        """Whether that price is at or beyond the trigger."""
        return last_price <= self.trigger if self.side == "SELL" else last_price >= self.trigger

    def hear(self, last_price: float, now_s: float, fire: Callable[[str], None]) -> None:
        """Take one price: fire when it crosses, ask again while an exit came to nothing, end with the position."""
        guards = bool(self.stops())
        self._held, ended = self._held or guards, self._held and not guards
        if ended:
            self.lift()
        elif guards and (self._fired_at is not None or self.crossed(last_price)):
            self._fire(last_price, now_s, fire)

    def _fire(self, last_price: float, now_s: float, fire: Callable[[str], None]) -> None:
        if self._fired_at is not None and now_s - self._asked_s < AGAIN_S:
            return
        self._fired_at, self._asked_s = self._fired_at or last_price, now_s
        why = f"the price of {self._fired_at:.2f} crossed the stop at {self.trigger:.2f}"
        fire(f"{why}: {self.reason}" if self.reason else why)


def name_of(instrument: Instrument) -> str:
    """What a stop is called among the run's variables."""
    return f"stop {instrument.key}"


def kept_by(runs: Iterable[Run]) -> list[KeptStop]:
    """The stops that these runs watch now."""
    return [value for run in runs for value in run.variables.values() if isinstance(value, KeptStop) and value.active]
