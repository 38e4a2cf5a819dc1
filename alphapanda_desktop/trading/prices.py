"""Prices that money may hang on: never a zero, never what a subscription tells first of a time before the link."""

from __future__ import annotations

from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.market import Market


class Prices:
    """What an instrument is worth, by its ticks and by the broker's books."""

    def __init__(self, market: Market, books: Books) -> None:
        self._market = market
        self._books = books

    def of(self, key: str) -> float | None:
        """Latest price by instrument key: of its ticks, else the broker's own where it is held; None for neither."""
        instrument = self._market.master.by_key(key)
        tick = self._market.trusted(instrument.instrument_token) if instrument else None
        return tick.last_price if tick else self._told(key)

    def for_limits(self, request: OrderRequest) -> float | None:
        """What an order's price and value are held against; None where none is fresh.

        An after-market order is asked for when nothing ticks: the last price is the closing price then.
        """
        token = request.instrument_token
        if request.variety == "amo":
            tick = self._market.latest(token)
            return tick.last_price if tick and tick.last_price > 0 else None
        tick = self._market.trusted(token)
        return tick.last_price if tick and not self._market.stale(token) else None

    def _told(self, key: str) -> float | None:
        return next((p.last_price for p in self._books.positions if p.key == key and p.last_price > 0), None)
