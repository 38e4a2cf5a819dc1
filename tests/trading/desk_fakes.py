"""A real desk, market and runner on fake ports, with what goes wrong in the test's hands."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from alphapanda_desktop.domain.errors import AlphaPandaError, Fatal, RateLimited, Rejected, Unknown
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Bar, Tick
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.domain.strategy import Context, Strategy
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.inprocess import InProcessSeat
from alphapanda_desktop.trading.killrun import Patience
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.runner import Run, Runner, StartOrder
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.seat import SeatMaker
from tests.fakes import FakeBroker, FakeClock, FakeFeed, FakeHistory, FakeJournal, a_request, a_session, an_instrument

FULL_DISK = Fatal("the disk is full")
INFY = an_instrument()
TCS = an_instrument("TCS", token=2953217)
RESTING = 50.0
"""A limit below the fake broker's quote of 100: a purchase at it rests."""


class HeldBroker(FakeBroker):
    """A broker whose requests wait before they leave (`door`), or whose answers wait after it (`reply`)."""

    def __init__(self) -> None:
        super().__init__()
        self.door, self.reply, self.reads = asyncio.Event(), asyncio.Event(), asyncio.Event()
        self.door.set()
        self.reply.set()
        self.reads.set()
        self.arrived: list[str] = []
        self.cancelled: list[str] = []
        self.read_count = 0
        self.fails_reading: dict[str, BaseException] = {}
        self.fails_once: dict[str, BaseException] = {}
        self.fails_cancelling: AlphaPandaError | None = None

    async def place(self, request: OrderRequest) -> str:
        await self.door.wait()
        self.arrived.append(request.tag)
        order_id = await super().place(request)
        await self.reply.wait()
        return order_id

    async def cancel(self, order: Order) -> str:
        self.cancelled.append(order.order_id)
        if self.fails_cancelling is not None:
            raise self.fails_cancelling
        return await super().cancel(order)

    async def orders(self) -> list[Order]:
        self.read_count += 1
        await self.reads.wait()
        self._fail("orders")
        return await super().orders()

    async def fills(self) -> list[Fill]:
        self._fail("fills")
        return await super().fills()

    async def positions(self) -> list[Position]:
        self._fail("positions")
        return await super().positions()

    def _fail(self, what: str) -> None:
        if what in self.fails_once:
            raise self.fails_once.pop(what)
        if what in self.fails_reading:
            raise self.fails_reading[what]


A_TURN_S = 1e-5
"""What a turn of the loop without any rest takes on a FastClock."""


class FastClock(FakeClock):
    """A clock that runs by itself, two hundred times as fast as the wall's, but only while the running loop rests.

    On a machine that others load, prices would grow old here within a few lines of a test.
    """

    def __init__(self) -> None:
        super().__init__()
        self._rested_s = 0.0
        selector: Any = asyncio.get_running_loop()._selector  # type: ignore[attr-defined]
        selector.select = self._resting(selector.select)

    def _resting(self, select: Callable[[float | None], Any]) -> Callable[[float | None], Any]:
        def rest(timeout: float | None = None) -> Any:
            began_s = time.monotonic()
            try:
                return select(timeout)
            finally:
                took_s = time.monotonic() - began_s
                self._rested_s += max(A_TURN_S, took_s if timeout is None else min(timeout, took_s))

        return rest

    def monotonic_s(self) -> float:
        return self._elapsed_s + self._rested_s * 200

    def now(self) -> datetime:
        return self.at + timedelta(seconds=self._rested_s * 200)

    def now_ns(self) -> int:
        return (self.now() - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1) * 1000


class FaultyBroker(HeldBroker):
    """A broker whose next cancellations and placements go wrong as planned, each fault once.

    Faults: "429", "rejected", "lost request" (nothing happens, no answer), "lost reply" (it happens, no answer).
    """

    def __init__(self) -> None:
        super().__init__()
        self.cancel_faults: list[str] = []
        self.place_faults: list[str] = []

    async def place(self, request: OrderRequest) -> str:
        fault = self.place_faults.pop(0) if self.place_faults else ""
        if fault in ("429", "rejected", "lost request"):
            await asyncio.sleep(0)
            raise _FAULTS[fault]
        order_id = await super().place(request)
        if fault == "lost reply":
            raise _FAULTS[fault]
        return order_id

    async def cancel(self, order: Order) -> str:
        fault = self.cancel_faults.pop(0) if self.cancel_faults else ""
        if fault in ("429", "rejected", "lost request"):
            await asyncio.sleep(0)
            raise _FAULTS[fault]
        order_id = await super().cancel(order)
        if fault == "lost reply":
            raise _FAULTS[fault]
        return order_id

    def live(self) -> set[str]:
        """Ids of the orders that may still fill."""
        return {order_id for order_id, history in self.book.items() if history[-1].live}

    async def held(self) -> dict[tuple[str, str], int]:
        """What is held: quantity by key and product."""
        return {(p.key, p.product): p.quantity for p in await super().positions() if p.quantity}


_FAULTS = {
    "429": RateLimited("Too many requests", after_s=0.01),
    "rejected": Rejected("the exchange said no", "OrderException", 400),
    "lost request": Unknown("no answer"),
    "lost reply": Unknown("no answer"),
}


class Probe(Strategy):
    """Writes down what it is called with, and does what the test puts into `acts`."""

    name = "probe"
    title = "Probe"

    def __init__(self, params: Any) -> None:
        super().__init__(params)
        self.calls: list[str] = []
        self.ctx: Context | None = None
        Seen.probes.append(self)

    def _act(self, hook: str, ctx: Context, *args: Any) -> None:
        self.ctx = ctx
        self.calls.append(hook)
        act = Seen.acts.get(hook)
        if act is not None:
            act(ctx, *args)

    def on_start(self, ctx: Context) -> None:
        self._act("on_start", ctx)

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        self._act("on_bar", ctx, instrument, bar)

    def on_tick(self, ctx: Context, instrument: Instrument, tick: Tick) -> None:
        self._act("on_tick", ctx, instrument, tick)

    def on_order(self, ctx: Context, order: Order) -> None:
        self._act("on_order", ctx, order)

    def on_stop(self, ctx: Context) -> None:
        self._act("on_stop", ctx)


class Seen:
    """What the probes of the running test saw and shall do; `a_desk` empties it."""

    probes: list[Probe] = []  # noqa: RUF012  # one test at a time
    acts: dict[str, Any] = {}  # noqa: RUF012


@dataclass
class Stage:
    """A desk and all around it."""

    scope: Scope
    clock: FakeClock
    broker: HeldBroker
    journal: FakeJournal
    feed: FakeFeed
    history: FakeHistory
    market: Market
    sink: MarketSink
    desk: Desk
    runner: Runner
    arming: Arming
    errors: list[str]
    heard: list[Order] = field(default_factory=list)
    notices: list[str] = field(default_factory=list)
    at_s: int = 1_795_415_400  # NOON in epoch seconds

    def tick(self, price: float = 100.0, instrument: Instrument = INFY, after_s: int = 0) -> None:
        """A tick `after_s` seconds later than the last."""
        self.at_s += after_s
        self.clock.advance(after_s)
        self.sink.ticks([Tick(instrument.instrument_token, "full", price, exchange_epoch_s=self.at_s)])

    def request(self, side: str = "BUY", quantity: int = 10, **more: Any) -> OrderRequest:
        """A market order with a tag of its own."""
        return a_request(side, quantity, **{"tag": self.desk.new_tag(), **more})

    async def run(self, *instruments: Instrument) -> Run:
        """Start the probe."""
        return await self.runner.start(StartOrder("probe", instruments or (INFY,)))

    @property
    def probe(self) -> Probe:
        return Seen.probes[-1]

    def restart(self) -> tuple[Desk, Runner]:
        """A second start of the program on the same journal and broker."""
        session = a_session(self.clock.now())
        parts = (self.broker, self.journal, self.market, self.clock)
        desk = Desk(session, *parts, self.desk.limits, self.scope, self.arming)
        hurry(desk)
        runner = Runner(session, desk, self.market, self.journal, self.clock, self.runner.available, self.scope)
        return desk, runner


def hurry(desk: Desk) -> None:
    """Let the kill switch look as often as a test does, and wait for what comes on a machine that is held up too."""
    desk.kill.patience = Patience(
        cancel_s=60.0, unanswered_s=0.05, flatten_s=60.0, strategies_s=60.0, look_every_s=0.01
    )


def give_up_soon(desk: Desk) -> None:
    """Let the kill switch wait only shortly for what never comes."""
    desk.kill.patience.cancel_s = desk.kill.patience.flatten_s = 1.0


@asynccontextmanager
async def a_desk(
    *,
    opened: bool = True,
    live: bool = False,
    limits: Limits | None = None,
    strategies: Mapping[str, type[Strategy]] | None = None,
    clock: FakeClock | None = None,
    broker: HeldBroker | None = None,
    journal: Any = None,
    instruments: tuple[Instrument, ...] = (),
    seats: SeatMaker = InProcessSeat,
) -> AsyncIterator[Stage]:
    """An open desk with a live link and a price; an error that the test does not take out of `errors` fails it."""
    Seen.probes.clear()
    Seen.acts.clear()
    errors: list[str] = []
    async with Scope("stage", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        clock, broker = clock or FakeClock(), broker or HeldBroker()
        journal, feed, history = journal or FakeJournal(), FakeFeed(), FakeHistory()
        broker.clock = FakeClock(clock.at)
        session = a_session(clock.now())
        market = Market(session, feed, history, InstrumentMaster([INFY, TCS, *instruments]), clock, scope)
        sink, arming = MarketSink(market), Arming(clock, needed=live)
        wide = limits or replace(Limits(), price_band_pct=60.0)
        desk = Desk(session, broker, journal, market, clock, wide, scope, arming)
        hurry(desk)
        runner = Runner(session, desk, market, journal, clock, strategies or {"probe": Probe}, scope, seats)
        stage = Stage(scope, clock, broker, journal, feed, history, market, sink, desk, runner, arming, errors)
        stage.at_s = int(clock.now().timestamp())
        broker.on_order = market.take_order
        desk.order_changed.connect(stage.heard.append)
        desk.noticed.connect(stage.notices.append)
        sink.link(LinkReport(LinkState.UP))
        stage.tick()
        if opened:
            await desk.open()
        yield stage
        runner.close()
    assert not errors, errors


async def yields(times: int = 20) -> None:
    """Let everything that is ready run."""
    for _ in range(times):
        await asyncio.sleep(0)
