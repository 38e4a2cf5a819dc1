"""A paper desk on a real loop, recorded while it traded; then its recording, replayed: the same orders and prices."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from pathlib import Path
from typing import Any

from alphapanda_desktop.clock import VenueClock
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.domain.session import IST, recorded
from alphapanda_desktop.domain.ticklog import Frame
from alphapanda_desktop.kite.contract import order_from_wire
from alphapanda_desktop.kite.inbox import Inbox
from alphapanda_desktop.kite.packets import encode_frame, encode_packet
from alphapanda_desktop.replaying.errands import ErrandScope
from alphapanda_desktop.replaying.source import Recording
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.dayfile import day_path
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.recorder import Recorder
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.runner import Runner, StartOrder
from tests.backtest.history import INFY
from tests.fakes import a_tick
from tests.replaying.ticks import replay

TEN = datetime(2026, 11, 23, 10, 0, tzinfo=IST)
SPEED = 90.0
MINUTES = 8
CASH = 1_000_000.0
CLOSES = (100.0, 101.0, 102.0, 101.0, 99.0, 100.5, 103.0, 102.4, 104.0)
"""The price leaps within each minute, and then stands: a slow machine must not be asked at which price it was slow."""

Told = list[tuple[str, int, float, str]]


class FeedClock(VenueClock):
    """Stands where a frame is late: a minute is not over before all its prices have come."""

    next_ns = 0
    """When the next frame is due."""

    def now_ns(self) -> int:
        return min(super().now_ns(), self.next_ns) if self.next_ns else super().now_ns()


class Wire:
    """The feed of the paper desk: frames come when their time has come, off the wire as Kite's do.

    None comes before the orders are out that those before it have caused, however slow disk and machine are.
    """

    def __init__(self, clock: FeedClock, scope: ErrandScope) -> None:
        self._clock = clock
        self._scope = scope

    def watch(self, tokens: Any, mode: Any) -> None: ...

    def unwatch(self, tokens: Any) -> None: ...

    def renew(self, session: Any) -> None: ...

    async def run(self, sink: Any) -> None: ...

    async def send(self, frames: Sequence[Frame], inbox: Inbox) -> None:
        for at_ns, frame in frames:
            self._clock.next_ns = at_ns
            await asyncio.sleep(max(0.0, (at_ns - self._clock.now_ns()) / 1e9 / SPEED))
            left = inbox.take(frame)
            while left:
                await asyncio.sleep(0)
                left = inbox.more()
            for _ in range(9):
                await asyncio.sleep(0)
            while self._scope.errands:
                await asyncio.sleep(0.001)
        self._clock.next_ns = 0


class NoHistory:
    async def candles(self, *_: Any) -> list[Any]:
        return []


def the_day() -> list[Frame]:
    frames = []
    for second in range(0, MINUTES * 60 - 10, 2):  # the last bar closes on no side
        minute, within = divmod(second, 60)
        price = CLOSES[minute] if within < 30 else CLOSES[minute + 1]
        tick = a_tick(
            price, at_s=int(TEN.timestamp()) + second, volume=second + 1, bids=[(price, 50)], asks=[(price + 0.05, 50)]
        )
        tick.last_trade_epoch_s = tick.exchange_epoch_s
        frames.append((tick.exchange_epoch_s * 1_000_000_000, encode_frame([encode_packet(tick, Mode.FULL)])))
    return frames


async def on_paper(folder: Path) -> Told:
    """What the paper desk did on that day, recorded as it came."""
    clock = FeedClock(TEN, SPEED)
    session = recorded(clock.now())
    async with AsyncExitStack() as stack:
        database = Database(folder / "paper.sqlite")
        await database.open()
        stack.push_async_callback(database.close)
        journal = SqlJournal(database)
        errors: list[str] = []
        scope = ErrandScope("paper", lambda name, error: errors.append(f"{name}: {error!r}"))
        await stack.enter_async_context(scope)
        master, wire = InstrumentMaster([INFY]), Wire(clock, scope)
        market = Market(session, wire, NoHistory(), master, clock, scope, hours=True)
        paper = PaperBroker(session, market.latest, master, clock, CASH)
        paper.on_order = market.take_order
        market.on_every_tick(paper.on_tick, paper.waits_for)
        market.after_frame(paper.look)
        desk = Desk(session, paper, journal, market, clock, Limits(), scope, Arming(clock, needed=False), hours=True)
        runner = Runner(session, desk, market, journal, clock, SHIPPED, scope)
        stack.callback(runner.close)
        recorder = Recorder(folder, lambda _token: INFY.key, 10**9, errors.append)
        recording = scope.spawn("recorder", recorder.run())
        sink = MarketSink(market)
        sink.link(LinkReport(LinkState.UP))
        await desk.open()
        run = await runner.start(StartOrder("ma_cross", (INFY,), PARAMS))
        await wire.send(the_day(), Inbox(sink, clock, order_from_wire, {}, recorder.frame))
        await runner.stop(run.run_id)
        await recorder.flush()
        recording.cancel()
        assert not errors
        return told(run.orders.values())


PARAMS = {"fast": 1, "slow": 2, "cool_down": 0, "stop_loss": 0.5, "lots": 10, "allow_short": True}


def told(orders: Any) -> Told:
    return [(order.transaction_type, order.filled_quantity, order.average_price, order.status) for order in orders]


def test_a_replay_of_what_paper_recorded_makes_the_same_orders_at_the_same_prices(arun: Any, tmp_path: Path) -> None:
    on_the_day = arun(on_paper(tmp_path))
    kind = SHIPPED["ma_cross"]
    with Recording.open([day_path(tmp_path, TEN.date())], known=lambda _key: INFY) as recording:
        assert recording.count == len(the_day())
        again = replay(kind, recording, kind.Params(**PARAMS), cash=CASH)
    assert told(again.run.orders.values()) == on_the_day
    assert len(on_the_day) == 4 and {status for *_, status in on_the_day} == {"COMPLETE"}
