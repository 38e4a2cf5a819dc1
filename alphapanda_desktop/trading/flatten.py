"""Closing every open position for the kill switch: exits, looked after until the broker's book is flat.

An exit is never sent while another one could still close the same units, one without an answer included; so nothing
can be closed twice, and what cannot be closed is left and named.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import replace
from typing import Final, cast, get_args

from alphapanda_desktop.domain.errors import AlphaPandaError, Retry
from alphapanda_desktop.domain.matching import protection_price
from alphapanda_desktop.domain.orders import Order, OrderRequest, Product, Side
from alphapanda_desktop.domain.positions import Position, to_close
from alphapanda_desktop.trading.books import place_of
from alphapanda_desktop.trading.changing import Changing
from alphapanda_desktop.trading.heldup import why_held_up
from alphapanda_desktop.trading.orderpath import MOST_SLICES, OrderPath
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.sweep import Sweep

MOST_TRIES: Final = 4
"""How often a position's exit is asked for: at the market first, then at a limit beyond the last price."""

Id = tuple[str, str, str]


class Flattening:
    """One account's way out. `rest_s` is how long an exit may rest before it is cancelled and asked for anew."""

    rest_s = 5.0
    pause_s = 1.0

    def __init__(self, parts: Parts, path: OrderPath, changing: Changing, sweep: Sweep) -> None:
        self._parts = parts
        self._path = path
        self._changing = changing
        self._sweep = sweep
        self._tries: Counter[Id] = Counter()
        self._not_before_s: dict[Id, float] = {}
        self._since_s: dict[str, float] = {}
        self.problems: dict[Id, str] = {}
        """Why a position is still open, in words, by (exchange, tradingsymbol, product)."""

    def begin(self) -> None:
        """Forget the tries of an earlier press."""
        self._tries.clear()
        self._not_before_s.clear()
        self.problems.clear()

    def over(self) -> bool:
        """Whether nothing is open, or nothing more can be tried."""
        open_ = self.open_positions()
        tired = all(self._tries[p.id] >= MOST_TRIES for p in open_)
        return tired and not self.resting()

    def open_positions(self) -> list[Position]:
        """Positions that are not flat: as the broker told of them last, and what has filled since."""
        books = self._parts.books
        filled = [o for o in books.book if o.filled_quantity and place_of(o)[2] in get_args(Product)]
        told = {place_of(order): _row_of(order) for order in filled}
        told |= {position.id: position for position in books.positions}
        now = [replace(position, quantity=books.held(*where)) for where, position in told.items()]
        return [p for p in now if to_close(p.product, p.quantity)]

    def sold(self) -> list[Position]:
        """Sales of holdings: negative rows, and no positions; nobody buys such shares back."""
        return [p for p in self._parts.books.positions if p.quantity and not to_close(p.product, p.quantity)]

    def resting(self) -> list[Order]:
        """Exits of ours that may still fill, those without an answer included."""
        books = self._parts.books
        rows = [*books.unanswered(), *books.book.working()]
        return [order for order in rows if order.tag in self._since_s]

    def sent(self) -> frozenset[str]:
        """Tags of all exits that were asked for."""
        return frozenset(self._since_s)

    async def round(self) -> None:
        """Ask for every exit that is due, and cancel those that rest too long."""
        now_s = asyncio.get_running_loop().time()
        late = [o for o in self.resting() if o.order_id and now_s - self._since_s[o.tag or ""] > self.rest_s]
        await self._changing.cancel_these(late)
        await asyncio.gather(*(self._close(position, now_s) for position in self.open_positions()))

    async def _close(self, position: Position, now_s: float) -> None:
        books, where = self._parts.books, position.id
        held = to_close(position.product, books.held(*where))
        buying, selling = books.working(*where)
        quantity = abs(held) - (selling if held > 0 else buying)
        due = now_s >= self._not_before_s.get(where, 0.0) and self._tries[where] < MOST_TRIES
        held_up = why_held_up(books, where, self._parts.clock.monotonic_s())
        if held_up:
            self.problems[where] = f"{position.key} {position.product}: {held_up}"
        if quantity <= 0 or not due:
            return
        self._tries[where] += 1
        self._not_before_s[where] = now_s + self.pause_s * self._tries[where]
        try:
            await self._send(self._request(position, held, quantity))
            self.problems.pop(where, None)
        except Retry as error:  # not accepted, as after a 429: that was no try
            self._tries[where] -= 1
            self.problems[where] = str(error)
        except AlphaPandaError as error:
            self.problems[where] = str(error)

    async def _send(self, request: OrderRequest) -> None:
        for child in self._path.sliced(request, MOST_SLICES):
            self._sweep.spared.add(child.tag)  # before it leaves: the socket may tell of it first
            self._since_s[child.tag] = asyncio.get_running_loop().time()
            await self._path.exit_for_kill(child)

    def _request(self, position: Position, held: int, quantity: int) -> OrderRequest:
        side: Side = "SELL" if held > 0 else "BUY"
        price = self._limit(position, side) if self._tries[position.id] > 1 else None
        return OrderRequest(
            exchange=position.exchange,
            tradingsymbol=position.tradingsymbol,
            instrument_token=position.instrument_token,
            transaction_type=side,
            quantity=quantity,
            product=cast(Product, position.product),
            order_type="LIMIT" if price else "MARKET",
            price=price,
            market_protection=None if price else -1,
            tag=self._parts.tags.new(),
            reason="kill switch: close the position",
        )

    def _limit(self, position: Position, side: Side) -> float | None:
        """A limit that the market would have to run away from, where a market order was of no use."""
        instrument = self._parts.market.master.by_key(position.key)
        tick = self._parts.market.latest(position.instrument_token)
        last = tick.last_price if tick else position.last_price
        return protection_price(side, last, -1, instrument) if instrument and last > 0 else None


def _row_of(order: Order) -> Position:
    """A position that only a fill tells of as yet, without its quantity."""
    exchange, tradingsymbol, product = place_of(order)
    return Position(
        exchange=exchange,
        tradingsymbol=tradingsymbol,
        product=product,
        instrument_token=order.instrument_token,
        last_price=order.average_price,
    )
