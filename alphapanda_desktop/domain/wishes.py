"""Wishes made of simpler ones: a target, a bracket, a timer, bars of another length. One meaning for every host.

They need no more of a context than its simpler half. A bracket's stop is `ctx.protect`: stop coverage counts it.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from datetime import datetime, time

from alphapanda_desktop.domain.barbuilder import NSE_OPEN_S, Hours
from alphapanda_desktop.domain.brackets import Bracket, Brackets
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.lengths import Lengths, longer
from alphapanda_desktop.domain.market import Bar, Period
from alphapanda_desktop.domain.orders import Order, Product, Side
from alphapanda_desktop.domain.strategy import Context
from alphapanda_desktop.domain.targets import Targets
from alphapanda_desktop.domain.timers import Timers

__all__ = ["Bracket", "Brackets", "Lengths", "Targets", "Timers", "Wishes", "longer"]

LATE_OPENS_S = 32_400
"""09:00 IST, when currencies and commodities open, in seconds after midnight."""


class Wishes(Context):
    """The half of a context that is made of the other half, which is its subclass's.

    Its host calls `tell_order` after an order is in the run's picture, and `due` as market time goes on.
    """

    def __init__(self, interval: Period) -> None:
        self._targets = Targets(self.held_as, self.leaving)
        self._brackets = Brackets(self.leaving)
        self._timers = Timers()
        self._interval = interval
        self._lengths: dict[str, Lengths] = {}

    # -- what only the subclass can tell -------------------------------------------------------------------------------

    def held_as(self, instrument: Instrument) -> Mapping[Product, int]:
        """Signed quantity by product, where there is any; not known here."""
        return {}

    def leaving(self, instrument: Instrument) -> bool:
        """Whether an exit is on its way that is no order yet."""
        return False

    def hours_of(self, instrument: Instrument) -> Hours | None:
        """When its exchange trades; None where it never closes."""
        return None

    def version_of(self, instrument: Instrument) -> int:
        """Another number when bars of it that had closed have changed."""
        return 0

    @abstractmethod
    def _order(
        self,
        side: Side,
        instrument: Instrument,
        quantity: int,
        reason: str,
        price: float | None,
        trigger_price: float | None,
        product: Product | None,
    ) -> str:
        """Ask for a purchase or a sale; its tag."""

    def _following(self) -> None:
        """Orders are to be told from now on: a wish that follows them is made. Most hosts tell them anyway."""

    def _timed(self) -> None:
        """The next timer may be another one than before."""

    # -- the wishes ----------------------------------------------------------------------------------------------------

    def buy(
        self,
        instrument: Instrument,
        quantity: int,
        *,
        reason: str,
        price: float | None = None,
        trigger_price: float | None = None,
        product: Product | None = None,
    ) -> str:
        return self._order("BUY", instrument, quantity, reason, price, trigger_price, product)

    def sell(
        self,
        instrument: Instrument,
        quantity: int,
        *,
        reason: str,
        price: float | None = None,
        trigger_price: float | None = None,
        product: Product | None = None,
    ) -> str:
        return self._order("SELL", instrument, quantity, reason, price, trigger_price, product)

    def target(
        self, instrument: Instrument, quantity: int, *, reason: str, product: Product | None = None
    ) -> str | None:
        self._following()
        return self._targets.want(self, instrument, quantity, reason=reason, product=product)

    def bracket(
        self,
        instrument: Instrument,
        quantity: int,
        *,
        stop: float,
        reason: str,
        target: float | None = None,
        price: float | None = None,
        trigger_price: float | None = None,
        product: Product | None = None,
    ) -> str | None:
        self._following()
        return self._brackets.enter(
            self, instrument, quantity, stop=stop, reason=reason, target=target, price=price,
            trigger_price=trigger_price, product=product,
        )  # fmt: skip

    def timer(
        self,
        name: str,
        *,
        after: float | None = None,
        every: float | None = None,
        at: time | datetime | None = None,
    ) -> None:
        self._timers.put(name, self.now, after=after, every=every, at=at)
        self._timed()

    def cancel_timer(self, name: str) -> None:
        self._timers.stop(name)
        self._timed()

    def history(self, instrument: Instrument, interval: Period, count: int | None = None) -> Sequence[Bar]:
        lengths = self._lengths.get(instrument.key)
        if lengths is None:
            hours, opens_s = self.hours_of(instrument), opens_s_of(instrument)
            bars = lambda most: self.bars(instrument, most)  # noqa: E731
            lengths = self._lengths[instrument.key] = Lengths(bars, self._interval, opens_s, hours)
        return lengths.of(interval, count, self.version_of(instrument))

    # -- for the host --------------------------------------------------------------------------------------------------

    def tell_order(self, order: Order) -> None:
        """Something became of an order of the run."""
        self._targets.heard(self, order)
        self._brackets.heard(self, order)

    def tell_slices(self, tag: str, tags: Sequence[str]) -> None:
        """What was asked for as `tag` goes out as several orders; said before the wish returns."""
        self._targets.note_slices(tag, tags)
        self._brackets.note_slices(tag, tags)

    def look(self, instrument: Instrument) -> None:
        """A tick of it came: do what had to wait."""
        self._brackets.look(self, instrument)

    def due(self) -> list[str]:
        """Names of the timers whose `on_timer` is to be called now."""
        return self._timers.due(self.now)

    def next_timer(self) -> datetime | None:
        """When the next timer comes; None without any."""
        return self._timers.next(self.now)


def opens_s_of(instrument: Instrument) -> int:
    """What intraday bars of it are counted from, in seconds after midnight in India, where no session is known."""
    return LATE_OPENS_S if instrument.exchange in ("CDS", "BCD", "MCX", "NCO") else NSE_OPEN_S
