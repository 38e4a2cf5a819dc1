"""Prices that money may hang on: never a zero, never what a subscription tells first of a time before the link."""

from __future__ import annotations

import asyncio
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.matching import quote_of
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.ports import Broker, Clock, TellsQuotes
from alphapanda_desktop.trading.books import Books
from alphapanda_desktop.trading.market import Market

QUOTE_HOLDS_S: Final = 5.0
"""How long a quote that was asked for stands for the ticks that do not come."""

QUOTE_WAIT_S: Final = 3.0


class Prices:
    """What an instrument is worth, by its ticks, by the broker's books, and by quotes asked for by hand."""

    def __init__(self, market: Market, books: Books, broker: Broker, clock: Clock) -> None:
        self._market = market
        self._books = books
        self._broker = broker
        self._clock = clock
        self._quoted: dict[int, tuple[float, float]] = {}
        """Price of a quote that was asked for, and when, by token."""

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
        if tick and not self._market.stale(token):
            return tick.last_price
        price, at_s = self._quoted.get(token, (None, 0.0))
        by_hand = _at_a_price_by_hand(request) and self._clock.monotonic_s() - at_s <= QUOTE_HOLDS_S
        return price if by_hand else None

    async def ask(self, request: OrderRequest) -> str:
        """Ask for the quote of a silent instrument that a person orders at a price; why there is none, else empty.

        A name that trades every few minutes may be ordered too. Strategies, and orders at the market, wait for a tick.
        """
        broker = self._broker
        if not _at_a_price_by_hand(request) or self.for_limits(request) is not None:
            return ""
        if not isinstance(broker, TellsQuotes):
            return ""
        try:
            async with asyncio.timeout(QUOTE_WAIT_S):
                tick = (await broker.quotes([request.key])).get(request.key)
        except (AlphaPandaError, TimeoutError) as error:
            return str(error) or f"no answer within {QUOTE_WAIT_S:g} s"
        price = _price_in(tick) if tick else 0.0
        if not price > 0:
            return "it has neither a last price nor bids and offers"
        self._quoted[request.instrument_token] = (price, self._clock.monotonic_s())
        return ""

    def _told(self, key: str) -> float | None:
        return next((p.last_price for p in self._books.positions if p.key == key and p.last_price > 0), None)


def _at_a_price_by_hand(request: OrderRequest) -> bool:
    return not request.strategy and request.order_type != "MARKET" and request.variety != "amo"


def _price_in(tick: Tick) -> float:
    """The last price, moved into the spread of now where the market has left it behind; 0 where nothing is known."""
    quote = quote_of(tick)
    price = quote.last_price
    if quote.bids:
        price = max(price, quote.bids[0].price)
    if quote.asks:
        price = min(price or quote.asks[0].price, quote.asks[0].price)
    return price
