"""Stops that a run keeps by itself: watched on its ticks, carried out through the desk, gone with the program.

A stop stands among the run's variables, so that its card shows it and stop coverage finds it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

from alphapanda_desktop.domain.coverage import AppStop
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.trading.run import Run

AGAIN_S: Final = 5.0
"""How long a stop that has fired waits before it asks again for an exit that came to nothing."""

GONE_S: Final = 5.0
"""How long the account must hold nothing of what a stop guards before the stop ends: news may overtake one another."""

Still = Callable[[], bool]

Left = Callable[[str], int | None]
"""What is held as a product still, signed; None where it cannot be told."""


class KeptStop:
    """One stop of one run on one instrument; it guards whatever the run holds of it on that side, in any product."""

    def __init__(
        self,
        run: Run,
        instrument: Instrument,
        trigger: float,
        side: Side,
        reason: str,
        left: Left = lambda _product: None,
    ) -> None:
        self.instrument = instrument
        self.trigger = trigger
        self.side: Side = side
        self.reason = reason
        self._run = run
        self._held = False
        self._lifted = False
        self._elsewhere: dict[str, tuple[Still, Callable[[], None]]] = {}
        self._fired_at: float | None = None
        self._asked_s = 0.0
        self._left = left
        self._outlives = False
        self._gone_s: float | None = None

    def outlive(self, left: Left | None = None) -> None:
        """Be watched although the run is over; `left` tells what the account holds of it."""
        self._outlives = True
        self._left = left or self._left

    def detail(self) -> dict[str, object]:
        """What the journal must know to watch it again."""
        told = {"run": self.run_id, "key": self.instrument.key, "trigger": self.trigger, "side": self.side}
        return {**told, "reason": self.reason, "watched": self.active}

    def __str__(self) -> str:
        word = "or lower" if self.side == "SELL" else "or higher"
        fired = ", fired" if self._fired_at is not None else ""
        where = (
            "at the broker, watched by this program if it ends there"
            if self.handed_over
            else "watched by this program only"
        )
        return f"{self.side} at {self.trigger:.2f} {word}, {where}{fired}"

    def is_as(self, trigger: float, side: Side) -> bool:
        """Whether it is that very stop, and has not fired."""
        return (self.trigger, self.side, self._fired_at) == (trigger, side, None)

    @property
    def active(self) -> bool:
        """Whether it is watched: not after it was lifted, nor once the run may ask for nothing any more."""
        return not self._lifted and (self._run.asking or self._outlives)

    @property
    def run_id(self) -> str:
        return self._run.run_id

    @property
    def lifted(self) -> bool:
        return self._lifted

    def lift(self) -> None:
        """Watch it no more."""
        self._lifted = True

    def hand_over(self, product: str, still: Still, tell: Callable[[], None] = lambda: None) -> None:
        """Leave what is held as that product to another stop, for as long as that one does `still` guard it.

        `tell` is called when it does not any more and the position is there: from then on it is watched here again.
        """
        self._elsewhere[product] = (still, tell)

    @property
    def handed_over(self) -> bool:
        """Whether another stop guards something of what it guards here otherwise."""
        return self.active and any(self._away(product) for product in self._guarded())

    def _away(self, product: str) -> bool:
        return product in self._elsewhere and self._elsewhere[product][0]()

    def _take_back(self) -> None:
        """Watch again what the other stop guards no more."""
        over = {product: tell for product, (still, tell) in self._elsewhere.items() if not still()}
        for product, tell in over.items():
            del self._elsewhere[product]
            closing = [o for o in self._run.working(self.instrument.key) if o.product == product]
            # An exit withdraws the other stop on purpose, and closes what it guarded.
            if product in self._guarded() and not any(o.transaction_type == self.side for o in closing):
                tell()

    def stops(self) -> list[AppStop]:
        """What it guards now, by product; empty while the run holds nothing on that side."""
        if not self.active:
            return []
        return [
            AppStop(self.instrument.key, product, count, self.trigger, self._run.run_id, self.side, self.reason)
            for product, count in self._guarded().items()
            if not self._away(product)
        ]

    def _guarded(self) -> dict[str, int]:
        """Units by product that are there to be guarded, here or by another stop."""
        sign, held = (1 if self.side == "SELL" else -1), self._run.held_as(self.instrument.key)
        there = {
            product: self._still(product, count * sign, sign) for product, count in held.items() if count * sign > 0
        }
        return {product: count for product, count in there.items() if count > 0}

    def _still(self, product: str, count: int, sign: int) -> int:
        """What of it the account holds still: it may have been closed elsewhere."""
        known = self._left(product)
        return count if known is None else max(0, min(count, known * sign))

    def crossed(self, last_price: float) -> bool:
        """Whether that price is at or beyond the trigger."""
        return last_price <= self.trigger if self.side == "SELL" else last_price >= self.trigger

    def hear(self, last_price: float, now_s: float, fire: Callable[[str], None]) -> None:
        """Take one price: fire when it crosses, ask again while an exit came to nothing, end with the position."""
        self._take_back()
        guards = bool(self.stops())
        self._held = self._held or guards
        self._gone_s = None if guards or not self.closed_elsewhere else self._gone_s or now_s
        if guards and (self._fired_at is not None or self.crossed(last_price)):
            self._fire(last_price, now_s, fire)
        elif not (guards or self.handed_over) and (self._held or not self.entering) and self._for_good(now_s):
            self.lift()

    @property
    def closed_elsewhere(self) -> bool:
        """Whether the run took something that the account no longer holds."""
        sign, held = (1 if self.side == "SELL" else -1), self._run.held_as(self.instrument.key)
        return not self.stops() and any(n * sign > 0 for product, n in held.items() if not self._away(product))

    @property
    def products(self) -> list[str]:
        """Under which products the run took what it guards."""
        sign, held = (1 if self.side == "SELL" else -1), self._run.held_as(self.instrument.key)
        return [product for product, count in held.items() if count * sign > 0]

    def _for_good(self, now_s: float) -> bool:
        return self._gone_s is None or now_s - self._gone_s >= GONE_S

    @property
    def entering(self) -> bool:
        """Whether an order is on its way that would make a position to guard."""
        return any((order.sign > 0) == (self.side == "SELL") for order in self._run.working(self.instrument.key))

    def _fire(self, last_price: float, now_s: float, fire: Callable[[str], None]) -> None:
        if self._fired_at is not None and now_s - self._asked_s < AGAIN_S:
            return
        self._fired_at, self._asked_s = self._fired_at or last_price, now_s
        why = f"the price of {self._fired_at:.2f} crossed the stop at {self.trigger:.2f}"
        fire(f"{why}: {self.reason}" if self.reason else why)


def name_of(instrument: Instrument) -> str:
    """What a stop is called among the run's variables."""
    return f"stop {instrument.key}"


def ends_words(kept: KeptStop) -> str:
    """Why a stop ends of which the account holds nothing: closed elsewhere, or converted and so guarded no more."""
    gone = f"{name_of(kept.instrument)} ends: the account holds nothing of it any more"
    return f"{gone} as {' or '.join(kept.products)}; what became another product is guarded by nothing here"


def kept_by(runs: Iterable[Run]) -> list[KeptStop]:
    """The stops that these runs watch now."""
    return [value for run in runs for value in run.variables.values() if isinstance(value, KeptStop) and value.active]


class StopWatch:
    """The stops of one run, one for each instrument; `out(instrument, reason)` closes a position.

    `keep(stop)` hears of each that begins or ends, for the journal; `left(instrument, product)` tells what the account
    still holds of it; `warn(text)` tells a person of one that ended because the account holds nothing of it.
    """

    def __init__(
        self,
        run: Run,
        clock: Clock,
        out: Callable[[Instrument, str], object],
        keep: Callable[[KeptStop], None] = lambda _kept: None,
        left: Callable[[Instrument, str], int | None] = lambda _instrument, _product: None,
        warn: Callable[[str], None] = lambda _text: None,
    ) -> None:
        self._warn = warn
        self._left = left
        self._keep = keep
        self._run = run
        self._clock = clock
        self._out = out

    def on(self, instrument: Instrument) -> KeptStop | None:
        """The stop that is watched on an instrument, if one is."""
        kept = self._run.variables.get(name_of(instrument))
        return kept if isinstance(kept, KeptStop) and kept.active else None

    def put(self, instrument: Instrument, trigger: float, reason: str) -> bool:
        """Watch a stop from now on, instead of a former one; False where nothing is held or about to be."""
        if not trigger > 0:
            raise ValueError(f"a stop needs a trigger above 0, {trigger} given for {instrument.key}")
        side = self._side(instrument)
        if side is None:
            self._run.note("warning", f"no stop on {instrument.key}: nothing is held, and no order is on its way")
            return False
        before = self.on(instrument)
        if before is not None and before.is_as(instrument.snap(trigger), side):
            before.reason = reason
            return True  # a strategy may ask with every tick: nothing is new, and nothing is journaled
        if before is None:
            self._run.note("info", f"stop on {instrument.key} at {trigger:.2f}, watched by this program only")
        left = partial(self._left, instrument)
        kept = KeptStop(self._run, instrument, instrument.snap(trigger), side, reason, left)
        self._run.variables[name_of(instrument)] = kept
        self._keep(kept)
        return True

    def take_away(self, instrument: Instrument) -> None:
        """Watch none on it any more."""
        kept = self.on(instrument)
        if kept is not None:
            kept.lift()
            self._keep(kept)
            del self._run.variables[name_of(instrument)]

    def hear(self, instrument: Instrument, last_price: float) -> None:
        """Take one price of an instrument."""
        kept = self.on(instrument)
        if kept is None:
            return
        kept.hear(last_price, self._clock.monotonic_s(), lambda why: self._fire(instrument, why))
        if not kept.active:
            if kept.closed_elsewhere:
                self._run.note("warning", ends_words(kept))
                self._warn(ends_words(kept))
            self._keep(kept)
            self._run.variables.pop(name_of(instrument), None)

    def _fire(self, instrument: Instrument, why: str) -> None:
        self._run.note("warning", f"{instrument.key}: {why}")
        self._out(instrument, why)

    def _side(self, instrument: Instrument) -> Side | None:
        """What would close the position, the one that orders on their way will make included."""
        held = sum(self._run.held_as(instrument.key).values())
        net = held or sum(order.sign * order.open_quantity for order in self._run.working(instrument.key))
        return None if net == 0 else "SELL" if net > 0 else "BUY"
