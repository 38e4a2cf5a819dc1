"""A process that runs the whole program on the practice exchange and prints how long ticks took, as one JSON line.

`paint_ms`: from the arrival of a tick of the charted instrument to the end of the paint that shows it.
`decision_ms`: from the arrival of the tick that closed a bar to the strategy's order, there and back through its pipe.
`gc_ms`: each garbage collection on the loop from the first ticks on, in CPU time.
`alone_ms`, `together_ms`: from the same tick to the call of `Broker.place`, the durable journal row included; with one
instrument traded, and with six whose bars close in the same moment.
"""

from __future__ import annotations

import asyncio
import gc
import json
import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyqtgraph as pg

from alphapanda_desktop.__main__ import parser
from alphapanda_desktop.app import Program
from alphapanda_desktop.authoring.describe import Spec, described
from alphapanda_desktop.authoring.sources import read
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Tick
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.hosting.seat import ProcessSeat
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.player import TourVault, browse_to_redirect, window
from alphapanda_desktop.start import open_window
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.runner import Runner, StartOrder
from alphapanda_desktop.trading.sending import Sender
from alphapanda_desktop.trading.session import GateState
from alphapanda_desktop.ui.chart.canvas import Canvas
from alphapanda_desktop.ui.chart.plot import Plot

SPEED = 30.0
WATCH_S = 12.0
TRADE_S = 22.0
TRADED = ("NSE:INFY", "NSE:RELIANCE", "NSE:SBIN", "NSE:HDFCBANK", "NSE:TCS", "NSE:ICICIBANK")


class Stopwatch:
    """Arrival times by the venue's clock, and what became of them in milliseconds of ours."""

    def __init__(self) -> None:
        self.now_ns: Callable[[], int] = lambda: 0
        self.waiting: list[int] = []
        self.taken: list[int] = []
        self.closing_ns: int | None = None
        self.by_bar: dict[str, int] = {}
        """By instrument: the tick that closed its last bar, until an order was asked for."""
        self.by_tag: dict[str, int] = {}
        self.paint_ms: list[float] = []
        self.decision_ms: list[float] = []
        self.order_ms: list[float] = []

    def since_ms(self, arrived_ns: int) -> float:
        return (self.now_ns() - arrived_ns) / SPEED / 1e6

    def arrived(self, tick: Tick) -> None:
        self.waiting.append(tick.received_ns)

    def refreshed(self) -> None:
        """The chart has taken over what it will paint next."""
        self.taken += self.waiting
        self.waiting.clear()

    def painted(self) -> None:
        self.paint_ms += [self.since_ms(at_ns) for at_ns in self.taken]
        self.taken.clear()

    def placed(self, tag: str) -> None:
        at_ns = self.by_tag.pop(tag, None)
        if at_ns is not None:
            self.order_ms.append(self.since_ms(at_ns))


WATCH = Stopwatch()


FLIP = '''
from alphapanda_desktop.domain.strategy import Strategy

class Flip(Strategy):
    """Buys on one bar, sells on the next: an order for every bar that closes."""

    name = "flip"
    title = "Flip"

    def on_bar(self, ctx, instrument, bar):
        if not ctx.working(instrument):
            order = ctx.sell if ctx.position(instrument).quantity > 0 else ctx.buy
            order(instrument, 1, reason="another bar")
'''


def _flip(folder: Path) -> type[Strategy]:
    """A file of one's own, which sits in a process as every strategy does."""
    path = folder / "flip.py"
    path.write_text(FLIP, encoding="utf-8")
    return described(Spec(name="flip", title="Flip"), read(path)[0])


def _listen_in() -> None:
    """Note when the chart refreshes and paints, which tick is being taken, and when an order is placed."""
    refresh, take, place = Plot.refresh, Market._take, KiteBroker.place
    bar, submit = ProcessSeat.bar, Sender.submit

    def refreshing(plot: Plot) -> None:
        refresh(plot)
        WATCH.refreshed()

    def painting(canvas: Canvas, event: Any) -> None:
        pg.GraphicsView.paintEvent(canvas, event)
        WATCH.painted()

    def taking(market: Market, tick: Tick) -> None:
        WATCH.closing_ns = tick.received_ns
        take(market, tick)
        WATCH.closing_ns = None

    def hearing(seat: ProcessSeat, instrument: Instrument, closed: Bar) -> None:
        if WATCH.closing_ns is not None:  # else it was closed by the clock
            WATCH.by_bar[instrument.key] = WATCH.closing_ns
        bar(seat, instrument, closed)

    def deciding(sender: Sender, request: OrderRequest, cause: Cause) -> None:
        arrived_ns = WATCH.by_bar.pop(request.key, None)
        if arrived_ns is not None:
            WATCH.decision_ms.append(WATCH.since_ms(arrived_ns))
            WATCH.by_tag[request.tag] = arrived_ns
        submit(sender, request, cause)

    async def placing(broker: KiteBroker, request: OrderRequest) -> str:
        WATCH.placed(request.tag)
        return await place(broker, request)

    Plot.refresh = refreshing  # type: ignore[method-assign]
    Canvas.paintEvent = painting
    Market._take = taking  # type: ignore[method-assign]
    ProcessSeat.bar = hearing  # type: ignore[method-assign]
    Sender.submit = deciding  # type: ignore[method-assign]
    KiteBroker.place = placing  # type: ignore[method-assign]


class Collections:
    """CPU milliseconds of each garbage collection from now on."""

    def __init__(self) -> None:
        self.took_ms: list[tuple[float, int]] = []
        """How long, and of which generation."""
        self._began_ns = 0
        gc.callbacks.append(self._heard)

    def _heard(self, phase: str, info: dict[str, int]) -> None:
        if phase == "start":
            self._began_ns = time.thread_time_ns()
        else:
            self.took_ms.append(((time.thread_time_ns() - self._began_ns) / 1e6, info["generation"]))


async def _until(condition: Callable[[], Any], patience_s: float = 60.0) -> Any:
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, "the program did not get there in time"
        await asyncio.sleep(0.02)
    return found


async def _drive(program: Program) -> None:
    try:
        await _until(lambda: program.gate is not None and program.gate.state is GateState.LOGIN_NEEDED)
        assert program.gate is not None
        await program.gate.complete(await browse_to_redirect(program.gate.login_url))
        view = await _until(lambda: window().view)
        market, runner, venue = program.market, program.runner, program.venue
        assert market is not None and runner is not None and venue is not None
        WATCH.now_ns = venue.clock.now_ns
        charted, interval = view.chart.instrument, view.chart.interval
        await _until(lambda: market.ticks_per_s > 1 and len(market.live_series(charted, interval)) > 20)
        collections = Collections()
        market.on_tick(charted.instrument_token, WATCH.arrived)
        await asyncio.sleep(WATCH_S)
        ticks_per_s = market.ticks_per_s
        runner.available = {**runner.available, "flip": _flip(program._options.folder)}
        traded = tuple(i for key in TRADED if (i := market.master.by_key(key)))
        alone_ms = await _trade(runner, traded[:1])
        together_ms = await _trade(runner, traded)
        found = {"paint_ms": WATCH.paint_ms, "decision_ms": WATCH.decision_ms, "ticks_per_s": ticks_per_s}
        found["gc_ms"] = collections.took_ms
        print(json.dumps(found | {"alone_ms": alone_ms, "together_ms": together_ms}), flush=True)
    finally:
        window().close()


async def _trade(runner: Runner, traded: tuple[Instrument, ...]) -> list[float]:
    """Milliseconds to `Broker.place` of each order of one run."""
    WATCH.order_ms = []
    run = await runner.start(StartOrder("flip", traded))
    await asyncio.sleep(TRADE_S)
    await runner.stop(run.run_id)
    return WATCH.order_ms


def main(folder: Path) -> int:
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 19_800))
    words = ["--mode", "practice", "--data-dir", str(folder), "--speed", str(SPEED), "--scenario", "volatile"]
    options = parser().parse_args([*words, "--clock", f"{day}T10:30:00+05:30"])
    _listen_in()
    return open_window(options, _drive, TourVault(folder / "vault.json"))


if __name__ == "__main__":
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    sys.exit(main(Path(sys.argv[1])))
