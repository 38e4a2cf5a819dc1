"""A run's context that also takes a wish under a tag which its process was given before."""

from __future__ import annotations

from dataclasses import dataclass

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Product, Side
from alphapanda_desktop.trading.context import RunContext


@dataclass(frozen=True, slots=True)
class Asked:
    """An order as a strategy asks for it; `tag` was handed out by `AskedContext.new_tag`."""

    tag: str
    side: Side
    instrument: Instrument
    quantity: int
    reason: str
    price: float | None = None
    trigger_price: float | None = None
    product: Product | None = None


class AskedContext(RunContext):
    """Context of a run whose strategy may sit in another process: it names an order before this one has heard of it."""

    def new_tag(self) -> str:
        """A tag for an order to come."""
        return self._tags.new()

    def ask(self, wish: Asked) -> None:
        """As `buy` or `sell`, under the tag that the strategy knows already."""
        self._order(
            wish.side, wish.instrument, wish.quantity, wish.reason, wish.price, wish.trigger_price, wish.product,
            wish.tag,
        )  # fmt: skip
