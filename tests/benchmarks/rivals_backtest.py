"""Rivals' backtests in their own environment: the same EMA cross, the same columns, in turns.

    python rivals_backtest.py ENGINE BARS.npz

Every rival is given its data ready made: what is timed is its loop alone, in CPU seconds. The averages are the same
few lines of Python in all, so that what differs is the engine; backtesting.py has them also as its own pages write
them, which is dearer. Each is asked for its result in the way that costs it least. What each does for a bar stands in
docs/performance.md.
"""

from __future__ import annotations

import sys
import time
import warnings
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.benchmarks.rivals_parts import serve

FAST, SLOW, WARM = 20, 100, 100
FAST_PART, SLOW_PART = 2 / (FAST + 1), 2 / (SLOW + 1)

Columns = dict[str, Any]


class Cross:
    """Two averages and which is above: 1 or -1 on the bar that turns, else 0."""

    def __init__(self) -> None:
        self.fast = self.slow = 0.0
        self.bars = 0
        self.up = False

    def turned(self, close: float) -> int:
        if not self.bars:
            self.fast = self.slow = close
        self.bars += 1
        self.fast += (close - self.fast) * FAST_PART
        self.slow += (close - self.slow) * SLOW_PART
        up = self.fast > self.slow
        if up is self.up:
            return 0
        self.up = up
        return (1 if up else -1) if self.bars > WARM else 0


def timed(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return time.process_time() - began


def frame_of(columns: Columns, names: tuple[str, ...]) -> Any:
    """A DataFrame of the bars by time."""
    import pandas as pd

    kept = ("open", "high", "low", "close", "volume")
    values = {name: columns[key].astype(np.float64) for name, key in zip(names, kept, strict=True)}
    return pd.DataFrame(values, index=pd.to_datetime(columns["start_s"], unit="s"))


# --- backtrader -------------------------------------------------------------------------------------------------------


def backtrader(columns: Columns) -> Callable[[str], object]:
    import backtrader as bt

    frame = frame_of(columns, ("open", "high", "low", "close", "volume"))

    class Turning(bt.Strategy):  # type: ignore[misc, name-defined]
        def __init__(self) -> None:
            self.cross, self.filled = Cross(), 0

        def notify_order(self, order: Any) -> None:
            self.filled += order.status == order.Completed

        def next(self) -> None:
            wanted = self.cross.turned(self.data.close[0])
            if wanted and wanted != self.position.size:
                size = abs(wanted - self.position.size)
                self.buy(size=size) if wanted > 0 else self.sell(size=size)

    def turn(_: str) -> object:
        cerebro = bt.Cerebro(stdstats=False)
        cerebro.broker.setcash(1e9)
        cerebro.broker.setcommission(commission=0.0003, margin=None)
        cerebro.adddata(bt.feeds.PandasData(dataname=frame))
        cerebro.addstrategy(Turning)
        kept: list[Any] = []
        spent = timed(lambda: kept.extend(cerebro.run()))
        return {"s": spent, "fills": kept[0].filled}

    return turn


# --- backtesting.py ---------------------------------------------------------------------------------------------------


def backtesting(columns: Columns, *, plain: bool = False) -> Callable[[str], object]:
    """With its own indicators, as its pages write it; or `plain`, with the lines that the others have."""
    warnings.simplefilter("ignore")
    from backtesting import Backtest, Strategy
    from backtesting import backtesting as inside
    from backtesting.lib import crossover

    inside._tqdm = lambda seq, **_: seq  # no bar of progress
    frame = frame_of(columns, ("Open", "High", "Low", "Close", "Volume"))
    kept: list[Any] = []

    class Turning(Strategy):  # type: ignore[misc]
        def init(self) -> None:
            self.cross = Cross()
            kept.append(self)

        def next(self) -> None:
            self.turn(self.cross.turned(self.data.Close[-1]))

        def turn(self, wanted: int) -> None:
            if wanted and wanted != self.position.size:
                size = abs(wanted - self.position.size)
                self.buy(size=size) if wanted > 0 else self.sell(size=size)

    class Lines(Turning):
        def init(self) -> None:
            super().init()
            self.fast, self.slow = (self.I(average, self.data.Close.s, bars) for bars in (FAST, SLOW))

        def next(self) -> None:
            if crossover(self.fast, self.slow):
                self.turn(1)
            elif crossover(self.slow, self.fast):
                self.turn(-1)

    def average(closes: Any, bars: int) -> Any:
        line = closes.ewm(span=bars, adjust=False).mean()
        line[:WARM] = np.nan
        return line

    def turn(_: str) -> object:
        test = Backtest(frame, Turning if plain else Lines, cash=1e9, commission=0.0003, finalize_trades=False)
        inside.compute_stats = lambda **_: {}  # figures of the end are not the loop's
        spent = timed(test.run)
        strategy = kept.pop()
        kept.clear()
        broker = strategy._broker
        return {"s": spent, "fills": len(broker.closed_trades) + len(broker.trades)}

    return turn


# --- NautilusTrader ---------------------------------------------------------------------------------------------------


def nautilus_engine() -> tuple[Any, Any]:
    """An engine with a venue and one share, orders checked by its risk engine, 3 basis points for each fill."""
    from decimal import Decimal

    from nautilus_trader.backtest.engine import BacktestEngine, BacktestEngineConfig
    from nautilus_trader.config import DataEngineConfig, LoggingConfig
    from nautilus_trader.model.currencies import USD
    from nautilus_trader.model.enums import AccountType, OmsType
    from nautilus_trader.model.identifiers import InstrumentId, Symbol, Venue
    from nautilus_trader.model.instruments import Equity
    from nautilus_trader.model.objects import Money, Price, Quantity

    bars = DataEngineConfig(time_bars_build_with_no_updates=False, time_bars_interval_type="right-open")
    logging = LoggingConfig(bypass_logging=True)
    engine = BacktestEngine(BacktestEngineConfig(logging=logging, data_engine=bars, run_analysis=False))
    engine.add_venue(Venue("SIM"), OmsType.NETTING, AccountType.MARGIN, [Money(1e9, USD)], base_currency=USD)
    share = Equity(
        InstrumentId(Symbol("X"), Venue("SIM")), Symbol("X"), USD, 2, Price(0.01, 2), Quantity.from_int(1), 0, 0,
        maker_fee=Decimal("0.0003"), taker_fee=Decimal("0.0003"),
    )  # fmt: skip
    engine.add_instrument(share)
    return engine, share


def nautilus_strategy(share: Any, words: str) -> Any:
    """Turns on bars of this type."""
    from nautilus_trader.model.data import BarType
    from nautilus_trader.model.enums import OrderSide
    from nautilus_trader.model.objects import Quantity
    from nautilus_trader.trading.strategy import Strategy

    class Turning(Strategy):  # type: ignore[misc]
        def on_start(self) -> None:
            self.cross, self.held, self.filled = Cross(), 0, 0
            self.subscribe_bars(BarType.from_str(f"X.SIM-{words}"))

        def on_bar(self, bar: Any) -> None:
            wanted = self.cross.turned(bar.close.as_double())
            if wanted and wanted != self.held:
                side = OrderSide.BUY if wanted > 0 else OrderSide.SELL
                count = Quantity.from_int(abs(wanted - self.held))
                self.held = wanted
                self.submit_order(self.order_factory.market(share.id, side, count))

        def on_order_filled(self, _event: Any) -> None:
            self.filled += 1

    return Turning()


def nautilus_turn(data: list[Any], words: str) -> Callable[[str], object]:
    def turn(_: str) -> object:
        engine, share = nautilus_engine()
        strategy = nautilus_strategy(share, words)
        engine.add_strategy(strategy)
        engine.add_data(data, sort=False)
        spent = timed(engine.run)
        engine.dispose()
        return {"s": spent, "fills": strategy.filled}

    return turn


def nautilus(columns: Columns) -> Callable[[str], object]:
    from nautilus_trader.model.data import BarType
    from nautilus_trader.persistence.wranglers import BarDataWrangler

    words = "1-MINUTE-LAST-EXTERNAL"
    _, share = nautilus_engine()
    wrangler = BarDataWrangler(BarType.from_str(f"X.SIM-{words}"), share)
    bars = wrangler.process(frame_of(columns, ("open", "high", "low", "close", "volume")))
    return nautilus_turn(bars, words)


def nautilus_ticks(columns: Columns) -> Callable[[str], object]:
    import pandas as pd
    from nautilus_trader.persistence.wranglers import TradeTickDataWrangler

    _, share = nautilus_engine()
    count = len(columns["time_ns"])
    frame = pd.DataFrame(
        {
            "price": columns["price"],
            "quantity": columns["quantity"].astype(np.float64),
            "buyer_maker": np.zeros(count, np.bool_),
            "trade_id": np.arange(count).astype(str),
        },
        index=pd.to_datetime(columns["time_ns"], unit="ns", utc=True),
    )
    return nautilus_turn(TradeTickDataWrangler(share).process(frame), "1-MINUTE-LAST-INTERNAL")


# --- VeighNa's CTA backtester -----------------------------------------------------------------------------------------


def veighna_engine() -> Any:
    from vnpy_ctastrategy.backtesting import BacktestingEngine

    class Quiet(BacktestingEngine):  # type: ignore[misc]
        def output(self, msg: str) -> None:
            if "异常" in msg or "Traceback" in msg:
                raise RuntimeError(msg)

    return Quiet()


def veighna_turn(data: list[Any], mode: Any) -> Callable[[str], object]:
    from datetime import UTC, datetime

    from vnpy.trader.constant import Interval
    from vnpy.trader.utility import BarGenerator
    from vnpy_ctastrategy import CtaTemplate

    class Turning(CtaTemplate):  # type: ignore[misc]
        def on_init(self) -> None:
            self.cross, self.maker = Cross(), BarGenerator(self.on_bar)

        def on_tick(self, tick: Any) -> None:
            self.maker.update_tick(tick)

        def on_bar(self, bar: Any) -> None:
            wanted = self.cross.turned(bar.close_price)
            if wanted and wanted != self.pos:
                size = abs(wanted - self.pos)
                if wanted > 0:
                    self.buy(bar.close_price * 1.02, size)
                else:
                    self.short(bar.close_price * 0.98, size)

    def turn(_: str) -> object:
        engine = veighna_engine()
        kept: Any = {"rate": 0.0003, "slippage": 0.0, "size": 1.0, "pricetick": 0.05, "capital": 1_000_000_000}
        days = datetime(2015, 1, 1, tzinfo=UTC), datetime(2099, 1, 1, tzinfo=UTC)
        engine.set_parameters("X.SSE", Interval.MINUTE, days[0], end=days[1], mode=mode, **kept)
        engine.add_strategy(Turning, {})
        engine.history_data = data
        spent = timed(engine.run_backtesting)
        return {"s": spent, "fills": len(engine.trades)}

    return turn


def veighna(columns: Columns) -> Callable[[str], object]:
    from datetime import UTC, datetime

    from vnpy.trader.constant import Exchange, Interval
    from vnpy.trader.object import BarData
    from vnpy_ctastrategy.base import BacktestingMode

    names = ("start_s", "open", "high", "low", "close", "volume")
    bars = [
        BarData(
            gateway_name="x", symbol="X", exchange=Exchange.SSE, datetime=datetime.fromtimestamp(at, UTC),
            interval=Interval.MINUTE, volume=volume, open_price=first, high_price=high, low_price=low,
            close_price=close,
        )
        for at, first, high, low, close, volume in zip(*[columns[name].tolist() for name in names], strict=True)
    ]  # fmt: skip
    return veighna_turn(bars, BacktestingMode.BAR)


def veighna_ticks(columns: Columns) -> Callable[[str], object]:
    from datetime import UTC, datetime

    from vnpy.trader.constant import Exchange
    from vnpy.trader.object import TickData
    from vnpy_ctastrategy.base import BacktestingMode

    ticks = [
        TickData(
            gateway_name="x", symbol="X", exchange=Exchange.SSE, datetime=datetime.fromtimestamp(at / 1e9, UTC),
            last_price=price, volume=volume, ask_price_1=price, bid_price_1=price, ask_volume_1=100, bid_volume_1=100,
        )
        for at, price, volume in zip(
            columns["time_ns"].tolist(), columns["price"].tolist(), columns["quantity"].cumsum().tolist(), strict=True
        )
    ]  # fmt: skip
    return veighna_turn(ticks, BacktestingMode.TICK)


ENGINES: dict[str, Callable[[Columns], Callable[[str], object]]] = {
    "backtrader": backtrader,
    "backtesting": backtesting,
    "backtesting-plain": partial(backtesting, plain=True),
    "nautilus": nautilus,
    "nautilus-ticks": nautilus_ticks,
    "veighna": veighna,
    "veighna-ticks": veighna_ticks,
}


def main() -> None:
    with np.load(sys.argv[2]) as file:
        columns = dict(file)
    serve(ENGINES[sys.argv[1]](columns))


if __name__ == "__main__":
    main()
