"""A seat in this process: for backtests and tests, where the strategy is trusted; each call has its effect at once."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.strategy import Parameters, Strategy
from alphapanda_desktop.trading.seat import Sitting


class InProcessSeat:
    """Calls the strategy's hooks as they come; one that raises ends its run and reaches nobody else."""

    def __init__(self, sitting: Sitting) -> None:
        self._sitting = sitting
        self._strategy: Strategy | None = None
        self._lookback = 0

    @property
    def hears_ticks(self) -> bool:
        return self._strategy is not None and type(self._strategy).on_tick is not Strategy.on_tick

    @property
    def lookback(self) -> int:
        return self._lookback

    @property
    def busy(self) -> bool:
        return False

    async def load(self) -> bool:
        return self._call("build", self._build)

    def _build(self) -> None:
        run = self._sitting.run
        self._strategy = run.strategy(run.params)
        self._lookback = self._strategy.lookback

    async def start(self) -> bool:
        return self._hook("on_start")

    def bar(self, instrument: Instrument, bar: Bar) -> None:
        self._call("on_bar", self._bar, instrument, bar)

    def _bar(self, instrument: Instrument, bar: Bar) -> None:
        # The look-back is the author's code too.
        sitting, strategy = self._sitting, self._strategy
        series = sitting.market.live_series(instrument, sitting.run.interval)
        if strategy is not None and series.closed_count >= strategy.lookback:
            strategy.on_bar(sitting.context, instrument, bar)

    def tick(self, instrument: Instrument, tick: Tick) -> None:
        self._hook("on_tick", instrument, tick)

    def order(self, order: Order) -> None:
        if self._strategy is not None:
            self._hook("on_order", order)

    def timer(self, name: str) -> None:
        self._hook("on_timer", name)

    async def judge(self, params: Parameters) -> Sequence[str]:
        return ()  # they were made of the strategy's own class

    def change(self, params: Parameters) -> None:
        if self._strategy is not None:
            self._strategy.params = params
            self._call("change", self._look_back)

    def _look_back(self) -> None:
        if self._strategy is not None:
            self._lookback = self._strategy.lookback

    def ask_stop(self) -> None:
        self._hook("on_stop")

    async def stopped(self) -> str:
        return ""

    def end(self) -> None:
        """Nothing is called after a run's end, and there is no process to be ended."""

    async def gone(self) -> None:
        """There is no process that could be left."""

    def _hook(self, name: str, *args: object) -> bool:
        hook: Callable[..., None] = getattr(self._strategy, name)
        return self._call(name, hook, self._sitting.context, *args)

    def _call(self, name: str, work: Callable[..., None], *args: object) -> bool:
        sitting = self._sitting
        if sitting.run.state.over:
            return False  # an ended strategy is never called again
        began = time.perf_counter()
        error = sitting.scope.call(f"{sitting.run.strategy.name}.{name}", work, *args)
        took = time.perf_counter() - began
        if error is None:
            if name != "build":
                sitting.took(name, took)
            return True
        what = "".join(traceback.format_exception_only(error)).strip()  # copes with a str() that fails itself
        sitting.failed(f"{name} failed at {_where(error, sitting.run.strategy)}: {what}")
        return False


def _where(error: BaseException, strategy: type[Strategy]) -> str:
    """File and line in the author's own code, else the innermost one."""
    theirs = {getattr(sys.modules.get(kind.__module__), "__file__", None) for kind in strategy.__mro__[:-1]}
    frames = traceback.extract_tb(error.__traceback__)
    last = next((frame for frame in reversed(frames) if frame.filename in theirs), frames[-1])
    return f"{Path(last.filename).name} line {last.lineno}"
