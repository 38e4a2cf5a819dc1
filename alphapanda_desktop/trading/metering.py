"""Where the meter is held to the path: between the feed and the market, and at the broker's door."""

from __future__ import annotations

from collections.abc import Sequence

from alphapanda_desktop.domain.errors import Rejected
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
        self._owed: list[tuple[int, int]] = []
        """When frames were read, of several links perhaps, and their ticks that not all strategies have had yet."""

    def batch(self, batch: Batch) -> bool:
        self._owed.append((self._meter.read_ns, len(batch.rows)))
        return self._settle(super().batch(batch))

    def more(self) -> bool:
        return self._settle(super().more())

    def _settle(self, left: bool) -> bool:
        if not left:
            owed, self._owed = self._owed, []
            for read_ns, count in owed:
                self._meter.ticks_in(count, read_ns)
        return left

    def ticks(self, ticks: Sequence[Tick]) -> None:
        super().ticks(ticks)
        self._meter.ticks_in(len(ticks), self._meter.read_ns)


def time_orders(broker: Broker, meter: Meter) -> None:
    """Tell the meter of each order in the moment in which it is handed to this broker.

    The object stays itself: what looks at its class, as the proof that paper sends nothing, sees no stranger.
    """
    place = broker.place

    async def timed(request: OrderRequest) -> str:
        meter.ordered()
        left_ns = meter.now_ns()
        try:
            order_id = await place(request)
        except Rejected:
            meter.answered(left_ns)  # a no is an answer; what got none is told by the desk as unknown
            raise
        meter.answered(left_ns)
        return order_id

    broker.place = timed  # type: ignore[method-assign]
