"""Shipped strategies over a recorded day of INFY: real ticks, real bars, the paper broker's fills."""

from __future__ import annotations

import csv
import gzip
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from itertools import accumulate
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.domain.bars import BarSeries
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Bar, Interval, Tick
from alphapanda_desktop.domain.orders import Order, Product, Side
from alphapanda_desktop.domain.positions import fold_fills
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.squareoff import square_off_at
from alphapanda_desktop.domain.strategy import Holding, Strategy
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.paper import PaperBroker
from tests.fakes import FakeClock, FakeContext, a_request, a_session, a_tick, an_instrument

INFY = an_instrument()
MORNING = datetime(2021, 4, 12, 8, 0, tzinfo=IST)
ID = ("NSE", "INFY", "MIS")


class DayContext(FakeContext):
    """A context whose bars are made of recorded ticks and whose orders go to a paper broker."""

    def __init__(self) -> None:
        super().__init__([INFY])
        self.clock = FakeClock(MORNING.astimezone(UTC))
        self.series = BarSeries(Interval.MINUTE)
        self.tick: Tick | None = None
        self.above = True
        """Whether the price was above the stop when it was asked for."""
        self.broker = PaperBroker(a_session(MORNING), lambda _: self.tick, InstrumentMaster([INFY]), self.clock, 1e6)

    def hear(self, tick: Tick, strategy: Strategy) -> None:
        """One tick of the day."""
        self.tick, self.clock.at = tick, datetime.fromtimestamp(tick.exchange_epoch_s, UTC)
        self.now = self.clock.at
        bar = self.series.add(tick)
        self.broker.on_tick(tick)
        self._stop_out(tick.last_price)
        if bar is not None:
            strategy.on_bar(self, INFY, bar)

    def _stop_out(self, price: float) -> None:
        """Fire the stop that was asked for, as the desk does on the tick."""
        stop = self.stops.get(INFY.key)
        if stop is None or (price > stop) == self.above:
            return
        held = self.position(INFY).quantity
        if held and (price - stop) * held <= 0 and not self.working(INFY):
            self.exit(INFY, reason=f"stop at {stop}")
            self.stops[INFY.key] = None

    def protect(self, instrument: Instrument, trigger: float | None, *, reason: str) -> None:
        super().protect(instrument, trigger, reason=reason)
        self.above = trigger is not None and self.tick is not None and self.tick.last_price > trigger

    def bars(self, instrument: Instrument, count: int | None = None) -> Sequence[Bar]:
        return self.series.closed(count)

    def closes(self, instrument: Instrument, count: int | None = None) -> Any:
        return np.array([bar.close for bar in self.series.closed(count)])

    def position(self, instrument: Instrument) -> Holding:
        row = fold_fills(_now(self.broker.fills())).get(ID)
        return Holding(row.quantity, row.average_price) if row else Holding()

    def working(self, instrument: Instrument) -> Sequence[Order]:
        return [order for order in _now(self.broker.orders()) if order.live]

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
        self.reasons.append(reason)
        tag = f"t{len(self.reasons)}"
        _now(self.broker.place(a_request(side, quantity, tag=tag)))
        return tag


def _now(work: Coroutine[Any, Any, Any]) -> Any:
    try:
        work.send(None)
    except StopIteration as done:
        return done.value
    raise AssertionError("the paper broker waited for something")


def _ticks(folder: Path) -> list[Tick]:
    path = folder / "ticks" / "nse_1s_GPL3" / "12-April-2021__INFY_12_April.csv.gz"
    with gzip.open(path, "rt") as lines:
        rows = list(csv.DictReader(lines))
    times = [datetime.fromisoformat(row["timestamp"]).replace(tzinfo=IST) for row in rows]
    return [
        a_tick(float(row["ltp"]), volume=int(row["volume"]), at_s=int(at.timestamp()))
        for at, row in sorted(zip(times, rows, strict=True), key=lambda pair: pair[0])
    ]


@pytest.mark.parametrize(
    ("name", "params"),
    [("ma_cross", {"allow_short": True}), ("ma_cross", {"fast": 2, "slow": 3, "cool_down": 0}),
     ("momentum", {"lookback": 5, "threshold": 0.2, "stop_loss": 0.5, "allow_short": True}),
     ("rsi", {"rsi_period": 3, "allow_short": True, "cool_down": 0}),
     ("mean_reversion", {"rsi_period": 3, "bollinger_std": 1.0, "cool_down": 0, "allow_short": True}),
     ("low_frequency_demo", {"min_interval": 900, "side": "BUY"}),
     ("opening_range", {"entries": 10, "cool_down": 0, "buffer": 0.0, "allow_short": True, "target": 0.2})],
)  # fmt: skip
def test_a_strategy_trades_a_real_day_one_position_at_a_time(
    name: str, params: dict[str, Any], real_data: Path
) -> None:
    strategy = SHIPPED[name](SHIPPED[name].Params(**params))
    ctx = DayContext()
    square_off = square_off_at("NSE", MORNING.date())
    assert square_off is not None
    for tick in _ticks(real_data):
        if tick.exchange_epoch_s < square_off.timestamp():
            ctx.hear(tick, strategy)
    fills, orders = _now(ctx.broker.fills()), _now(ctx.broker.orders())
    assert len(fills) >= 4
    assert set(accumulate(fill.sign * fill.quantity for fill in fills)) <= {-1, 0, 1}
    assert [order.status for order in orders] == ["COMPLETE"] * len(ctx.reasons)
    low, high = ctx.series.low.min(), ctx.series.high.max()
    assert all(low <= fill.average_price <= high for fill in fills)
