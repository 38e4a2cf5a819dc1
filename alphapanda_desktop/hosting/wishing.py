"""What a strategy's process wishes, carried out by its run's context: nothing of it is believed beyond its form."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, time
from typing import Any, Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.hosting import wire
from alphapanda_desktop.hosting.mirror import Mirror
from alphapanda_desktop.trading.askedcontext import Asked
from alphapanda_desktop.trading.seat import Sitting
from alphapanda_desktop.trading.stops import KeptStop

MOST_SHOWN: Final = 300
"""Values that a run's card may hold: their names stay for as long as the run is shown."""

Wish = wire.Logged | wire.Shown | wire.Ordered | wire.Cancelled | wire.Wished


class Wishing:
    """The wishes of one run. Every call may raise Garbled, and what its context raises for a wish that cannot be."""

    def __init__(self, sitting: Sitting, mirror: Mirror) -> None:
        self._sitting = sitting
        self._mirror = mirror

    def carry(self, said: wire.Logged | wire.Shown | wire.Ordered | wire.Cancelled) -> None:
        """Carry out a wish that nobody waits for."""
        context = self._sitting.context
        match said:
            case wire.Logged():
                self._sitting.run.note(said.level, said.text)
            case wire.Shown():
                self._check_shown(said.values)
                context.show(**said.values)
            case wire.Cancelled():
                context.cancel(said.tag)
            case wire.Ordered():
                self._mirror.stale = True
                context.ask(self._asked(said))

    def _check_shown(self, values: Mapping[str, object]) -> None:
        """Raises ValueError for a value that would stand where a stop does, and for more than a card can hold."""
        variables = self._sitting.run.variables
        for name in values:
            if isinstance(variables.get(name), KeptStop):
                raise ValueError(f"{name!r} is a stop of this run, and no value can be shown in its place")
        if len(variables.keys() | values.keys()) > MOST_SHOWN:
            raise ValueError(f"more than {MOST_SHOWN} values are shown")

    def check(self, said: Wish) -> None:
        """Raises Garbled where it names what is not its own."""
        if isinstance(said, wire.Ordered) and not self._mirror.takes_tag(said.tag):
            raise wire.Garbled(f"an order under {said.tag!r}, which is no tag of its own")
        if isinstance(said, wire.Ordered | wire.Wished):
            self._instrument(said)

    def _asked(self, said: wire.Ordered) -> Asked:
        instrument = self._sitting.run.instruments[said.i]
        prices = (said.price, said.trigger_price)
        return Asked(said.tag, said.side, instrument, said.quantity, said.reason, *prices, said.product)

    def _instrument(self, said: wire.Ordered | wire.Wished) -> Instrument | None:
        instruments = self._sitting.run.instruments
        timer = isinstance(said, wire.Wished) and said.what in ("timer", "cancel_timer")
        if timer != (said.i is None) or (said.i or 0) >= len(instruments):
            raise wire.Garbled(f"instrument {said.i} of {len(instruments)}")
        return None if said.i is None else instruments[said.i]

    def answer(self, said: wire.Wished) -> dict[str, Any]:
        """Carry out a wish whose answer is waited for: its value or its refusal, and what became another by it."""
        told: dict[str, Any] = {}
        try:
            told["value"] = self._granted(said)
        except (ValueError, TypeError, ArithmeticError) as error:
            told["error"] = str(error)
        self._mirror.stale = True
        return told | self._mirror.orders()

    def _granted(self, said: wire.Wished) -> str | None:
        context, instrument = self._sitting.context, self._instrument(said)
        if instrument is None:
            self._time(said)
            return None
        match said.what:
            case "exit":
                return context.exit(instrument, reason=said.reason)
            case "target":
                return context.target(instrument, said.quantity, reason=said.reason, product=said.product)
            case "bracket":
                return context.bracket(
                    instrument, said.quantity, stop=said.stop or 0.0, reason=said.reason, target=said.target,
                    price=said.price, trigger_price=said.trigger_price, product=said.product,
                )  # fmt: skip
        context.protect(instrument, said.trigger, reason=said.reason)
        return None

    def _time(self, said: wire.Wished) -> None:
        if said.what == "cancel_timer":
            self._sitting.context.cancel_timer(said.name)
        else:
            self._sitting.context.timer(said.name, after=said.after, every=said.every, at=_moment(said.at))


def _moment(text: str | None) -> time | datetime | None:
    if text is None:
        return None
    return datetime.fromisoformat(text) if "T" in text else time.fromisoformat(text)
