"""What a replayed order meets: how long it is on its way, and what a recording without depth offers it.

A recorded tick with depth is met as it is, level by level. One without tells its last price alone: an order that takes
pays the slippage for it, and takes no more than its share of what was traded with that tick, where a share is set, and
one lot at least.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, final

from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.ports import Broker, Funds
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import Session

BOTTOMLESS: Final = 2**31 - 1
"""Units that a level has where nothing limits it."""

LONGEST_S: Final = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Models:
    """Seconds from the desk to the exchange; slippage where no depth was recorded; the share of a tick's volume that
    one order may take then, from 0 to 1, 0 for all it asks.
    """

    latency_s: float = 0.0
    slippage: Slippage = field(default_factory=lambda: Slippage(0))
    volume_share: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.latency_s <= LONGEST_S:
            raise BadData(f"a latency of {self.latency_s:g} s: 0 to {LONGEST_S:g} can be")
        if not 0 <= self.volume_share <= 1:
            raise BadData(f"a share of {self.volume_share:g} of the volume: 0 to 1 can be")


@final
class Offers:
    """Ticks as an order meets them: those without depth get one level on each side.

    The same tick gives the same object, so that what was taken from it is not offered again.
    """

    def __init__(self, models: Models, find: Callable[[int], Instrument | None]) -> None:
        self._slippage = models.slippage
        self._share = models.volume_share
        self._find = find
        self._plain = not (models.slippage.ticks or models.slippage.pct or models.volume_share)
        self._made: dict[int, tuple[Tick, Tick]] = {}

    def of(self, tick: Tick | None) -> Tick | None:
        """The tick with something to meet; itself where it has depth, or where nothing is modelled."""
        if self._plain or tick is None or not tick.last_price or any((tick.raw_depth or ())[::3]):
            return tick
        known = self._made.get(tick.instrument_token)
        if known is None or known[0] is not tick:
            known = self._made[tick.instrument_token] = (tick, self._with_levels(tick))
        return known[1]

    def _with_levels(self, tick: Tick) -> Tick:
        instrument = self._find(tick.instrument_token)
        if instrument is None or not instrument.tradable:
            return tick
        bid, ask = (self._slippage.paid(tick.last_price, sign, instrument) for sign in (-1, 1))
        units = self._units(tick, instrument)
        levels = [(units, round(price * tick.divisor), 1) for price in (bid, ask)]
        empty = (0,) * 12
        return Tick(
            tick.instrument_token,
            Mode.FULL,
            tick.last_price,
            tick.received_ns,
            volume_traded=tick.volume_traded,
            last_traded_quantity=tick.last_traded_quantity,
            ohlc=tick.ohlc,
            exchange_epoch_s=tick.exchange_epoch_s,
            raw_depth=(*levels[0], *empty, *levels[1], *empty),
            divisor=tick.divisor,
        )

    def _units(self, tick: Tick, instrument: Instrument) -> int:
        """What may be taken, in whole lots: one at least, for a level of none would mean that nothing limits it."""
        if not self._share or tick.last_traded_quantity is None:
            return BOTTOMLESS
        lots = int(tick.last_traded_quantity * self._share) // instrument.lot
        return max(lots, 1) * instrument.lot


@final
class DistantBroker:
    """A broker to which every order is `latency_s` on its way; what is asked of its books is answered at once."""

    def __init__(self, broker: Broker, latency_s: float) -> None:
        self._broker = broker
        self._latency_s = latency_s

    async def place(self, request: OrderRequest) -> str:
        await asyncio.sleep(self._latency_s)
        return await self._broker.place(request)

    async def modify(self, order: Order, change: OrderChange) -> str:
        await asyncio.sleep(self._latency_s)
        return await self._broker.modify(order, change)

    async def cancel(self, order: Order) -> str:
        await asyncio.sleep(self._latency_s)
        return await self._broker.cancel(order)

    async def orders(self) -> list[Order]:
        return await self._broker.orders()

    async def order_history(self, order_id: str) -> list[Order]:
        return await self._broker.order_history(order_id)

    async def fills(self) -> list[Fill]:
        return await self._broker.fills()

    async def positions(self) -> list[Position]:
        return await self._broker.positions()

    async def funds(self) -> list[Funds]:
        return await self._broker.funds()

    def renew(self, session: Session) -> None:
        self._broker.renew(session)
