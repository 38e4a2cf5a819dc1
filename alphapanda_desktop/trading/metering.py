"""Where the meter is held to the path: between the feed and the market, and at the broker's door."""

from __future__ import annotations

from collections.abc import Sequence

from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.ports import Broker
from alphapanda_desktop.domain.quotes import Batch
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.meter import Meter


class MeteredSink(MarketSink):
    """A market's sink that times each frame to its last strategy. The feed calls `meter.heard` as it reads one."""

    def __init__(self, market: Market, meter: Meter, *, orders: bool = True) -> None:
        super().__init__(market, orders=orders)
        self._meter = meter
        self._owed = 0
        """Ticks of a frame whose strategies have not all been called yet."""

    def batch(self, batch: Batch) -> bool:
        self._owed += len(batch.rows)
        return self._settle(super().batch(batch))

    def more(self) -> bool:
        return self._settle(super().more())

    def _settle(self, left: bool) -> bool:
        if not left:
            self._meter.ticks_in(self._owed)
            self._owed = 0
        return left

    def ticks(self, ticks: Sequence[Tick]) -> None:
        super().ticks(ticks)
        self._meter.ticks_in(len(ticks))


def time_orders(broker: Broker, meter: Meter) -> None:
    """Tell the meter of each order in the moment in which it is handed to this broker.

    The object stays itself: what looks at its class, as the proof that paper sends nothing, sees no stranger.
    """
    place = broker.place

    async def timed(request: OrderRequest) -> str:
        meter.ordered()
        return await place(request)

    broker.place = timed  # type: ignore[method-assign]
