"""What is missing to hold a wanted quantity, asked for once however often it is wished."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Order, Product
from alphapanda_desktop.domain.strategy import Context

REFUSED_FOR: Final = timedelta(seconds=5)
"""How long a wish that was refused is not asked for again: it may be repeated with every tick."""


@dataclass(slots=True)
class _Asked:
    """What was last asked for on one instrument: the quantity wanted, the tags, and when it was refused."""

    quantity: int
    tags: set[str] = field(default_factory=set)
    refused: datetime | None = None


class Targets:
    """The targets of one run. Tell it of every order with `heard`, and of orders cut into several with `note_slices`.

    `held_as(instrument)` gives signed quantities by product, `leaving(instrument)` whether an exit is on its way.
    """

    def __init__(
        self,
        held_as: Callable[[Instrument], Mapping[Product, int]],
        leaving: Callable[[Instrument], bool] = lambda _instrument: False,
    ) -> None:
        self._held_as = held_as
        self._leaving = leaving
        self._asked: dict[str, _Asked] = {}
        self._slices: dict[str, Sequence[str]] = {}

    def want(
        self, ctx: Context, instrument: Instrument, quantity: int, *, reason: str, product: Product | None = None
    ) -> str | None:
        """As `Context.target`."""
        held, working = ctx.position(instrument).quantity, ctx.working(instrument)
        if self._leaving(instrument):
            return None
        if held and held * quantity <= 0:
            _cancel(ctx, [order for order in working if order.sign * held > 0])
            return ctx.exit(instrument, reason=reason)
        shrinks = abs(quantity) < abs(held)
        closers = [order for order in working if order.sign * held < 0 and not self._is_mine(order)]
        if shrinks and closers:
            _cancel(ctx, closers)
            return None
        coming = [order for order in working if order not in closers]
        missing = quantity - held - sum(order.sign * order.open_quantity for order in coming)
        if not missing or coming:
            _cancel(ctx, coming if missing else [])
            return None
        return self._ask(ctx, instrument, quantity, missing, reason, product)

    def _ask(
        self, ctx: Context, instrument: Instrument, quantity: int, missing: int, reason: str, product: Product | None
    ) -> str | None:
        asked = self._asked.get(instrument.key)
        known = asked is not None and asked.quantity == quantity
        if known and asked and asked.refused is not None and ctx.now - asked.refused < REFUSED_FOR:
            return None
        for held_as, held in self._held_as(instrument).items():
            if held * missing < 0:  # each can be given back only as what it is held as; the next call takes the rest
                product, missing = held_as, min(abs(held), abs(missing)) * (1 if missing > 0 else -1)
                break
        ask = ctx.buy if missing > 0 else ctx.sell
        tag = ask(instrument, abs(missing), reason=reason, product=product)
        self._asked[instrument.key] = _Asked(quantity, set(self._slices.pop(tag, (tag,))))
        return tag

    def _is_mine(self, order: Order) -> bool:
        asked = self._asked.get(order.key)
        return asked is not None and order.tag in asked.tags

    def note_slices(self, tag: str, tags: Sequence[str]) -> None:
        """Know that what was asked for as `tag` goes out as several orders."""
        self._slices = {tag: tags}

    def heard(self, ctx: Context, order: Order) -> None:
        """Something became of an order of the run."""
        if order.status == "REJECTED" and self._is_mine(order):
            self._asked[order.key].refused = ctx.now


def _cancel(ctx: Context, orders: Sequence[Order]) -> None:
    for order in orders:
        if order.changeable and order.tag:
            ctx.cancel(order.tag)
