"""The exact tier: recorded ticks played to the very parts that trade on paper, in virtual time.

Market, desk with its risk and governor, paper broker and runner are the real ones; time, journal and names drawn by
lot are this module's. The same recording under the same set-up gives the same orders, fills and journal, bit for bit.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, final

from alphapanda_desktop.backtest.engine import CASH, Progress
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Interval, Tick
from alphapanda_desktop.domain.orders import Fill, Order, Product
from alphapanda_desktop.domain.ports import Broker, Event, History, IntentRow, LinkReport, LinkState
from alphapanda_desktop.domain.risk import RiskLimits
from alphapanda_desktop.domain.session import Session, recorded
from alphapanda_desktop.domain.strategy import Parameters, Strategy
from alphapanda_desktop.domain.ticklog import Frame
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.replaying.feed import Recorded
from alphapanda_desktop.replaying.memoryjournal import MemoryJournal
from alphapanda_desktop.replaying.models import DistantBroker, Models, Offers
from alphapanda_desktop.replaying.past import RecordedPast
from alphapanda_desktop.replaying.source import Recording
from alphapanda_desktop.replaying.virtualloop import VirtualClock, VirtualLoop, driven
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.governor import Governor
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.runner import Runner, StartOrder
from alphapanda_desktop.trading.scope import Scope

LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

AFTER_S: Final = 5.0
"""How long time goes on after the last frame: the last bar closes, and what was asked for is answered."""

TOLD_EVERY: Final = 16_384
"""Frames between two words of how far it has come."""

BAR_CLOCK_S: Final = 1.0

LOOK_US: Final = 1_000_000
"""How often the paper broker looks whether a position of the day must be closed."""

QUIET_S: Final = 300.0
"""Silence after which nothing is left for the bars' clock to do, at bars of up to half as long."""


@dataclass(frozen=True, kw_only=True)
class ExactSetup:
    """What is played, from `first_ns` to `last_ns`, both included; cash in rupees.

    `hours` holds orders, bars and square-off to the exchanges' hours: not so for a recording of the practice exchange.
    """

    strategy: type[Strategy]
    params: Parameters
    recording: Recording
    instruments: Sequence[Instrument]
    interval: Interval = Interval.MINUTE
    product: Product = "MIS"
    cash: float = CASH
    models: Models = field(default_factory=Models)
    limits: RiskLimits = field(default_factory=RiskLimits)
    first_ns: int = 0
    last_ns: int = 2**63 - 1
    hours: bool = True
    seed: int = 0
    history: History | None = None
    """Candles, for the look-back above all; without it what has been recorded so far is all that is known."""


@dataclass(frozen=True, slots=True)
class Played:
    """What a replay left behind: its run, its journal, and the market as it was at the end."""

    setup: ExactSetup
    run: Run
    market: Market
    journal: MemoryJournal
    orders: tuple[Order, ...]
    """Every order as it was last seen, in the order in which they were asked for; square-offs and refused ones too."""
    fills: tuple[Fill, ...]
    intents: tuple[IntentRow, ...]
    refusals: tuple[Event, ...]
    """What the desk's own rules let not out."""
    problems: tuple[str, ...]
    """What went wrong beside the orders, in words: notices of the desk, errors in parts."""
    frames: int
    ticks: int
    begin_ns: int
    complete: bool
    """False where it was ended before the last frame."""

    def digest(self) -> str:
        """SHA-256 over orders, fills and journal: equal for equal replays, in whatever process."""
        return hashlib.sha256(repr((self.orders, self.fills, self.journal.digest())).encode()).hexdigest()


@final
class _Feed(Recorded):
    """The feed whose ticks are played by the loop."""

    async def run(self, sink: object) -> None:
        """Nothing: the loop hands frames to the stage."""


@final
class _Stage:
    """The parts of a paper desk in virtual time, put together as the program does."""

    def __init__(self, setup: ExactSetup, loop: VirtualLoop, session: Session, scope: Scope) -> None:
        self.setup = setup
        self.scope = scope
        self._loop = loop
        self.begin_ns = loop.now_ns
        self._heard_ns = loop.now_ns - 1
        self.clock = clock = VirtualClock(loop, setup.seed)
        self.journal = MemoryJournal()
        self.problems: list[str] = []
        self.wire_problems: dict[str, int] = {}
        self.frames = self.ticks = 0
        master = InstrumentMaster(setup.recording.instruments)
        past = RecordedPast(setup.recording, setup.instruments, lambda: self._heard_ns, hours=setup.hours)
        history = setup.history or past
        self.market = market = Market(session, _Feed(), history, master, clock, scope, hours=setup.hours)
        offers = Offers(setup.models, master.by_token)
        paper = PaperBroker(session, lambda token: offers.of(market.latest(token)), master, clock, setup.cash,
            hours=setup.hours)  # fmt: skip
        paper.on_order = market.take_order
        market.on_every_tick(_met(paper, offers), paper.waits_for)
        market.after_frame(_looks(paper, loop))
        latency_s = setup.models.latency_s
        broker: Broker = DistantBroker(paper, latency_s) if latency_s else paper
        self.desk = Desk(
            session, broker, self.journal, market, clock, setup.limits, scope, Arming(clock, needed=False),
            governor=Governor(clock), hours=setup.hours,
        )  # fmt: skip
        self.desk.noticed.connect(self.problems.append)
        strategies = {setup.strategy.name: setup.strategy}
        self.runner = Runner(session, self.desk, market, self.journal, clock, strategies, scope)

    def take(self, at_ns: int, frame: bytes) -> None:
        """Hand a frame to the market, all of it at once."""
        market = self.market
        batch = put_frame(market.table, frame, at_ns, self.wire_problems)
        self.frames += 1
        self._heard_ns = at_ns
        self.ticks += len(batch.rows)
        if len(batch.rows) and market.take_batch(batch):
            market.tell_more(all_of_them=True)

    async def begin(self) -> Run:
        """Open the desk and start the run."""
        self.market.take_link(LinkReport(LinkState.UP, "a recording"))
        await self.desk.open()
        self.scope.spawn("bar clock", self._advance())
        self.scope.spawn("logins", self._log_in_daily())
        setup = self.setup
        order = StartOrder(
            setup.strategy.name, tuple(setup.instruments), setup.params.model_dump(), setup.interval, setup.product
        )
        return await self.runner.start(order)

    async def _advance(self) -> None:
        """The bars' clock. In a night it stands still: every bar has closed, and none begins before the next frame."""
        loop, quiet_s = self._loop, max(QUIET_S, 2.0 * self.setup.interval.seconds)
        while True:
            silent_s = (loop.now_ns - self._heard_ns) / 1e9
            wait_s = (loop.next_ns - loop.now_ns) / 1e9 if silent_s > quiet_s and loop.next_ns else BAR_CLOCK_S
            await asyncio.sleep(max(wait_s, BAR_CLOCK_S))
            self.market.advance()

    async def _log_in_daily(self) -> None:
        """A session ends at 06:00 IST; a recording of several days goes on with another one."""
        session = recorded(self.clock.now())
        while True:
            await asyncio.sleep((session.expires_at - self.clock.now()).total_seconds())
            session = recorded(self.clock.now())
            self.market.resume(session)
            await self.desk.resume(session)

    async def end(self, run: Run) -> None:
        """Let the last bar close and the last answers come, then stop the run as a person would."""
        await asyncio.sleep(AFTER_S)
        if not run.state.over:
            await self.runner.stop(run.run_id)
        await self.desk.reconcile("the recording is over")
        self.runner.close()


def _met(paper: PaperBroker, offers: Offers) -> Callable[[Tick], None]:
    def meet(tick: Tick) -> None:
        offered = offers.of(tick)
        if offered is not None:
            paper.on_tick(offered)

    return meet


def _looks(paper: PaperBroker, loop: VirtualLoop) -> Callable[[], None]:
    """`paper.look` after frames, but for those after which it would find nothing to do: a second between two of them
    is its own, and the validity of an order cannot end where none works.
    """
    looked_us = -(2**63)

    def look() -> None:
        nonlocal looked_us
        now_us = loop.now_ns // 1000
        due = now_us - looked_us >= LOOK_US
        if due or paper.waits_for():
            looked_us = now_us if due else looked_us
            paper.look()

    return look


def play(setup: ExactSetup, told: Progress | None = None) -> Played:
    """Play a recording to a strategy. Must not be called within a running loop.

    `told` hears nanoseconds played and in all; where it says False the replay ends there. Raises BadData for what
    cannot be played, StrategyError for a run that cannot be started.
    """
    _judge(setup)
    first_ns = max(setup.first_ns, setup.recording.begin_ns)
    loop = VirtualLoop(first_ns)
    return driven(loop, _story(setup, loop, told))


async def _story(setup: ExactSetup, loop: VirtualLoop, told: Progress | None) -> Played:
    errors: list[str] = []
    session = recorded(VirtualClock(loop).now())
    async with Scope("replay", lambda name, error: errors.append(f"{name}: {type(error).__name__}: {error}")) as scope:
        stage = _Stage(setup, loop, session, scope)
        run = await stage.begin()
        progress = _Progress(setup, loop.now_ns, told)
        await loop.play(progress.frames(), stage.take)
        await stage.end(run)
        return await _left(stage, run, errors, complete=progress.complete)


async def _left(stage: _Stage, run: Run, errors: Sequence[str], *, complete: bool) -> Played:
    journal = stage.journal
    return Played(
        setup=stage.setup,
        run=run,
        market=stage.market,
        journal=journal,
        orders=tuple(_in_turn(run, await journal.orders(LONG_AGO))),
        fills=tuple(fill for fill, _ in await journal.fills(LONG_AGO)),
        intents=tuple(await journal.intents(LONG_AGO)),
        refusals=tuple(await journal.events(LONG_AGO, "refused")),
        problems=(*stage.problems, *errors, *(f"{what}: {n:,} times" for what, n in stage.wire_problems.items())),
        frames=stage.frames,
        ticks=stage.ticks,
        begin_ns=stage.begin_ns,
        complete=complete,
    )


def _in_turn(run: Run, seen: Sequence[Order]) -> list[Order]:
    """The run's orders, and all others that the broker told of, by their times."""
    own = set(run.orders)
    orders = [*run.orders.values(), *(order for order in seen if order.tag not in own)]
    return sorted(orders, key=lambda order: order.order_timestamp or LONG_AGO)


class _Progress:
    """The frames of the set-up's span, counted as they are asked for."""

    def __init__(self, setup: ExactSetup, first_ns: int, told: Progress | None) -> None:
        self._setup = setup
        self._first_ns = first_ns
        self._told = told
        self.complete = True

    def frames(self) -> Iterator[Frame]:
        """In the order of time, until they end or nobody wants more."""
        setup, told = self._setup, self._told
        last_ns = min(setup.last_ns, setup.recording.end_ns)
        left = TOLD_EVERY
        for frame in setup.recording.frames(self._first_ns):
            if frame[0] > last_ns:
                return
            left -= 1
            if not left:
                left = TOLD_EVERY
                if told is not None and not told(frame[0] - self._first_ns, last_ns - self._first_ns):
                    self.complete = False
                    return
            yield frame


def _judge(setup: ExactSetup) -> None:
    if not 0 < setup.cash <= 1e12:
        raise BadData(f"cash of {setup.cash:g} rupees: more than 0 and at most 1e12 can be")
    if max(setup.first_ns, setup.recording.begin_ns) > min(setup.last_ns, setup.recording.end_ns):
        raise BadData("nothing was recorded in that span of time")
    for instrument in setup.instruments:
        if setup.recording.find(instrument.key) is None:
            there = ", ".join(each.key for each in setup.recording.instruments[:8])
            raise BadData(f"{instrument.key} is not in the recording; there are: {there or 'none'}")
