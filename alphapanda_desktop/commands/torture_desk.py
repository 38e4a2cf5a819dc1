"""The desk that is tortured: one process, which plays a point's story, and says at the end what it believes.

Everything in it is the program's own but the time: client, ticker, market, desk and journal on a real file.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
import time
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import Any, Final, cast

import aiohttp

from alphapanda_desktop.commands.torture_acts import Acts, far_call, patiently
from alphapanda_desktop.commands.torture_clock import Pace, PacedLoop, StoryClock, until
from alphapanda_desktop.commands.torture_line import GIVEN_UP_S
from alphapanda_desktop.commands.torture_points import NAMES, Point, Step, Trouble
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.orders import UNKNOWN, Fill, Order, OrderChange, OrderRequest, OrderType
from alphapanda_desktop.domain.ports import Journal
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import Limits, TradingState
from alphapanda_desktop.domain.session import Session, Token, verify
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.contract import order_from_wire
from alphapanda_desktop.kite.portfolio import KiteGtts, KitePortfolio
from alphapanda_desktop.kite.ticker import Patience, Ticker
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk, DeskState
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.trading.scope import Scope

DATABASE: Final = "torture.sqlite"
TOLD: Final = "told.json"
READY_S: Final = 60.0
"""How long the desk may take to come up and to come to rest, in the story's seconds."""

ON_THE_WAY_S: Final = 0.1
"""How long the exchange may take with what it has accepted, by the wall."""

GIVEN_UP_AFTER_S: Final = 150.0
"""When an order that never came is certainly given up, in the story's seconds."""

LIMITS: Final = Limits(max_order_value=5_00_00_000.0, max_position_quantity=50_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """What a desk process is told; `play` False starts on what is there, only to reconcile and to say what it sees."""

    folder: Path
    said: dict[str, str]
    rest: str
    at: datetime
    point: Point
    play: bool


@dataclass
class Seat:
    """The desk and what it stands on."""

    desk: Desk
    market: Market
    acts: Acts
    pace: Pace
    scope: Scope
    rest: str
    errors: list[str] = field(default_factory=list)
    story: list[dict[str, object]] = field(default_factory=list)
    tags: dict[int, str] = field(default_factory=dict)
    asked_ns: dict[str, int] = field(default_factory=dict)
    """When each order was asked for, by tag."""
    latched_ns: int = 0

    def say(self, step: int, what: str, text: str = "") -> None:
        self.story.append({"step": step, "at_ns": time.monotonic_ns(), "what": what, "text": text})


class Doomed:
    """A journal whose process is killed at its `nth` write, before or after it. All else is the journal's."""

    _WRITES: Final = frozenset({"intend", "settle", "order_seen", "fill_seen", "note"})

    def __init__(self, journal: SqlJournal, nth: int, after: bool) -> None:
        self._journal, self._left, self._after = journal, nth, after

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._journal, name)
        if name not in self._WRITES:
            return call

        async def write(*args: Any, **named: Any) -> Any:
            self._left -= 1
            if not self._left and not self._after:
                os.kill(os.getpid(), signal.SIGKILL)
            result = await call(*args, **named)
            if not self._left:
                os.kill(os.getpid(), signal.SIGKILL)
            return result

        return write


def run(errand: Errand) -> None:
    """The whole life of a desk process; its last words are in the folder."""
    logging.disable(logging.WARNING)  # that a link was cut is no news here
    pace = Pace()
    with asyncio.Runner(loop_factory=lambda: PacedLoop(pace)) as runner:
        told = runner.run(_live(errand, pace))
    path = errand.folder / TOLD
    path.with_suffix(".part").write_text(json.dumps(told))
    path.with_suffix(".part").replace(path)


async def _live(errand: Errand, pace: Pace) -> dict[str, object]:
    async with a_seat(errand, pace) as seat:
        async with asyncio.timeout(READY_S * 4):
            await _open(seat)
            if errand.play:
                await play(seat, errand.point)
            await rest(seat, errand)
        return told_by(seat)


@asynccontextmanager
async def a_seat(errand: Errand, pace: Pace) -> AsyncIterator[Seat]:
    """Connect, and put a desk there that is not yet open."""
    errors: list[str] = []
    clock, said = StoryClock(pace, errand.at), errand.said
    async with AsyncExitStack() as stack:
        database = Database(errand.folder / DATABASE)
        await database.open()
        stack.push_async_callback(database.close)
        scope = await stack.enter_async_context(Scope("desk", lambda name, error: errors.append(f"{name}: {error!r}")))
        journal = _journal(SqlJournal(database), errand)
        client = KiteClient(said["api_key"], root=errand.rest, clock=clock, timeout_s=GIVEN_UP_S)
        stack.push_async_callback(client.close)
        token = Token(said["api_key"], said["access_token"], said["user_id"], clock.now())
        session = await patiently(lambda: verify(client, token, clock.now()))
        client.use(session.token)
        master = InstrumentMaster(await patiently(client.instruments))
        option = far_call(master, errand.at.date())
        market = _market(errand, session, client, master, clock, scope)
        market.watch("slices", [option], Mode.FULL)
        desk = Desk(
            session, KiteBroker(session, client), journal, market, clock, LIMITS, scope, Arming(clock, needed=False)
        )
        gtts, portfolio = desk.guard_gtts(KiteGtts(client)), desk.guard_portfolio(KitePortfolio(client))
        acts = Acts(desk, market, gtts, portfolio, client, clock, errand.rest, option)
        yield Seat(desk, market, acts, pace, scope, errand.rest, errors=errors)


def _journal(journal: SqlJournal, errand: Errand) -> Journal:
    fault = errand.point.fault
    if not errand.play or fault.trouble not in (Trouble.KILL_ON_WRITE, Trouble.KILL_ON_WRITTEN):
        return journal
    return cast(Journal, Doomed(journal, fault.nth, fault.trouble is Trouble.KILL_ON_WRITTEN))


def _market(
    errand: Errand, session: Session, client: KiteClient, master: InstrumentMaster, clock: StoryClock, scope: Scope
) -> Market:
    patience = Patience(silence_s=40.0, first_s=0.5, cap_s=2.0, connect_s=20.0)
    feed = Ticker(session, clock, errand.rest.replace("http", "ws", 1), order_of=order_from_wire, patience=patience)
    market = Market(session, feed, client, master, clock, scope)
    scope.spawn("feed", feed.run(MarketSink(market)))
    market.watch("torture", [found for name in NAMES if (found := master.by_key(name))], Mode.FULL)
    return market


async def _open(seat: Seat) -> None:
    """Open the desk as the program does: again, while the exchange cannot be read."""
    while seat.desk.state is not DeskState.READY:
        try:
            await seat.desk.open()
        except AlphaPandaError as error:
            seat.say(-1, type(error).__name__, str(error))
            await asyncio.sleep(1.0)
    await until(lambda: all(seat.market.latest(_instrument(seat, name).instrument_token) for name in NAMES), 0.2)


# --- the story --------------------------------------------------------------------------------------------------------


async def play(seat: Seat, point: Point) -> None:
    """Do each step, waiting for the one before unless it is done at once; errors are part of the story."""
    tasks: list[asyncio.Task[Any]] = []
    for number, step in enumerate(point.steps):
        if not step.at_once and tasks:
            await asyncio.wait(tasks)
        tasks.append(seat.scope.spawn(f"step {number}", _do(seat, number, step)))
    await asyncio.wait(tasks)


async def _do(seat: Seat, number: int, step: Step) -> None:
    await asyncio.sleep(step.after_s)
    try:
        await _work(seat, number, step)
        seat.say(number, "done")
    except AlphaPandaError as error:
        seat.say(number, type(error).__name__, str(error))


def _work(seat: Seat, number: int, step: Step) -> Awaitable[object]:
    desk, act = seat.desk, seat.acts.of(step)
    if act is not None:
        return act
    match step.kind:
        case "modify":
            return _modify(seat, step)
        case "cancel":
            return _cancel(seat, step)
        case "cancel all":
            return desk.cancel_all()
        case "reconcile":
            return desk.reconcile("asked by hand")
        case "fill":
            return _fill(seat, step)
        case "kill":
            return _kill(seat, step)
    return desk.submit(_request(seat, number, step))


async def _kill(seat: Seat, step: Step) -> None:
    def latched() -> None:
        seat.latched_ns = time.monotonic_ns()

    asyncio.get_running_loop().call_soon(latched)  # the switch latches before it waits for anything
    report = await seat.desk.kill.press("the story says so", flatten=step.flatten)
    seat.say(-3, "report", report.text())


def _instrument(seat: Seat, key: str) -> Instrument:
    found = seat.market.master.by_key(key)
    if found is None:
        raise LookupError(f"{key} is not listed")
    return found


def _request(seat: Seat, number: int, step: Step) -> OrderRequest:
    instrument = _instrument(seat, step.key)
    tick = seat.market.latest(instrument.instrument_token)
    last = tick.last_price if tick else instrument.last_price
    tag = seat.tags[number] = seat.desk.new_tag()
    seat.asked_ns[tag] = time.monotonic_ns()
    kind, price, trigger = _prices(step, instrument, last)
    return OrderRequest(
        exchange=instrument.exchange,
        tradingsymbol=instrument.tradingsymbol,
        instrument_token=instrument.instrument_token,
        transaction_type=step.side,
        quantity=step.quantity,
        product="MIS",
        order_type=kind,
        price=price,
        trigger_price=trigger,
        market_protection=-1 if kind == "MARKET" else None,
        tag=tag,
    )


def _prices(step: Step, instrument: Instrument, last: float) -> tuple[OrderType, float | None, float | None]:
    """Order type, price and trigger; "wrong" has its trigger where the exchange refuses it."""
    up = 1 if step.side == "BUY" else -1
    away = last * step.away / 100
    match step.kind:
        case "market":
            return "MARKET", None, None
        case "take":
            return "LIMIT", instrument.snap(last * (1 + up * 0.004)), None
        case "stop":
            return "SL", instrument.snap(last + up * away * 1.1), instrument.snap(last + up * away)
        case "wrong":
            return "SL", instrument.snap(last - up * away * 0.9), instrument.snap(last - up * away)
    return "LIMIT", instrument.snap(last - up * away), None


def _order_of(seat: Seat, target: int) -> Order | None:
    tag = seat.tags.get(target)
    found = [order for order in seat.desk.orders() if tag and order.tag == tag and order.order_id]
    return found[0] if found else None


async def _modify(seat: Seat, step: Step) -> None:
    order = _order_of(seat, step.target)
    if order is None:
        return
    instrument = _instrument(seat, order.key)
    tick = seat.market.latest(instrument.instrument_token)
    last = tick.last_price if tick else instrument.last_price
    far = replace(step, kind="stop" if order.order_type == "SL" else "limit", side=order.transaction_type)
    _, price, trigger = _prices(far, instrument, last)
    quantity = order.quantity + step.quantity if step.quantity else None
    await seat.desk.modify(order.order_id, OrderChange(price=price, trigger_price=trigger, quantity=quantity))


async def _cancel(seat: Seat, step: Step) -> None:
    order = _order_of(seat, step.target)
    if order is not None:
        await seat.desk.cancel(order.order_id)


async def _fill(seat: Seat, step: Step) -> None:
    """Have the exchange trade a part of a resting order; where it does not rest the exchange says so, and no more."""
    order = _order_of(seat, step.target)
    if order is not None:
        part = {"order_id": order.order_id, "quantity": max(1, order.quantity // 3)}
        async with aiohttp.ClientSession(seat.rest) as http, http.post("/sim/fill", json=part) as reply:
            seat.say(step.target, "filled in part", await reply.text())


# --- the end ----------------------------------------------------------------------------------------------------------


async def rest(seat: Seat, errand: Errand) -> None:
    """Wait until nothing more is to be learnt; a patient story leaps to where what never came is given up.

    The last thing is a look at the broker's books, as a person may ask for at any time.
    """
    await asyncio.sleep(ON_THE_WAY_S * seat.pace.speed)
    if errand.play and errand.point.fault.trouble is Trouble.LATE:
        await asyncio.sleep(GIVEN_UP_S * 1.5 * seat.pace.speed)  # it arrives meanwhile
    if errand.point.patient:
        await _give_up(seat)
    async with asyncio.timeout(READY_S * 2):
        looked = False
        while not looked:
            await until(lambda: not _owes(seat), 0.5)
            looked = await _looked(seat)


async def _give_up(seat: Seat) -> None:
    left_s = GIVEN_UP_AFTER_S
    while _in_doubt(seat) and left_s > 0:
        seat.pace.skip(10.0)
        left_s -= 10.0
        await asyncio.sleep(0.3)


async def _looked(seat: Seat) -> bool:
    try:
        await seat.desk.reconcile("the story ends")
    except AlphaPandaError as error:
        seat.say(-2, type(error).__name__, str(error))
        return False
    return not _owes(seat)


def _in_doubt(seat: Seat) -> bool:
    return any(order.status == UNKNOWN for order in seat.desk.orders())


def _owes(seat: Seat) -> bool:
    """Whether the desk itself knows that there is more to come."""
    if seat.desk.state is not DeskState.READY or seat.desk.kill.at_work:
        return True
    filled: dict[str, int] = {}
    for fill in seat.desk.fills():
        filled[fill.order_id] = filled.get(fill.order_id, 0) + fill.quantity
    rows = seat.desk.orders()
    return any(order.filled_quantity > filled.get(order.order_id, 0) for order in rows if order.order_id)


def told_by(seat: Seat) -> dict[str, object]:
    """What the desk believes."""
    return {
        "orders": [order_told(order) for order in seat.desk.orders()],
        "fills": [fill_told(fill) for fill in seat.desk.fills()],
        "positions": [position_told(position) for position in seat.desk.positions() if position.quantity],
        "errors": seat.errors,
        "story": seat.story,
        "asked_ns": seat.asked_ns,
        "latched_ns": seat.latched_ns,
        "halted": seat.desk.trading_state is TradingState.HALTED,
        "reports": [report.json() for report in seat.desk.kill.reports],
    }


def order_told(order: Order) -> dict[str, object]:
    """What must be the same on all sides of an order."""
    return {
        "tag": order.tag or order.order_id,
        "order_id": order.order_id,
        "status": order.status,
        "key": order.key,
        "side": order.transaction_type,
        "quantity": order.quantity,
        "filled": order.filled_quantity,
        "cancelled": order.cancelled_quantity,
        "average": round(order.average_price, 4),
        "price": round(order.price, 4),
        "trigger": round(order.trigger_price, 4),
        "type": order.order_type,
    }


def fill_told(fill: Fill) -> list[object]:
    """What must be the same on all sides of a fill."""
    return [fill.exchange, fill.order_id, fill.trade_id, fill.transaction_type, fill.quantity, fill.average_price]


def position_told(position: Position) -> list[object]:
    """What must be the same on all sides of a position."""
    return [position.key, position.product, position.quantity, round(position.average_price, 4)]
