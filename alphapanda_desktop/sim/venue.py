"""The local Kite put together: its market, exchange, account and sessions, as the routes see them."""

from __future__ import annotations

import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Protocol, runtime_checkable

from aiohttp import web

from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.sim.alerts import Alerts
from alphapanda_desktop.sim.answers import ist
from alphapanda_desktop.sim.book import Book
from alphapanda_desktop.sim.clock import SimClock
from alphapanda_desktop.sim.exchange import Exchange
from alphapanda_desktop.sim.faults import Faults as Plan
from alphapanda_desktop.sim.funds import Funds
from alphapanda_desktop.sim.gtt import Triggers
from alphapanda_desktop.sim.limits import Limits
from alphapanda_desktop.sim.market import Market, SimMarket
from alphapanda_desktop.sim.memory import Memory
from alphapanda_desktop.sim.scenarios import Director, Trouble, Updates, find
from alphapanda_desktop.sim.session import REDIRECT_URL, Credentials, Sessions
from alphapanda_desktop.sim.squareoff import SquareOff
from alphapanda_desktop.sim.stream import Faults, Stream
from alphapanda_desktop.sim.switches import Switches
from alphapanda_desktop.sim.universe import build_universe


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says; `port` 0 takes a free one."""

    port: int = 0
    seed: int = 7
    scenario: str = "calm"
    count: int | None = None
    speed: float = 1.0
    ticks: tuple[Path, ...] = ()
    instruments: Path | None = None
    switches: Switches = field(default_factory=Switches)
    state: Path | None = None
    redirect: str = REDIRECT_URL
    with_parent: bool = False


@runtime_checkable
class Recorded(Protocol):
    """A market that comes to an end, at this epoch second."""

    last_s: float


class LocalKite:
    """Every part of one simulator, built and not yet running. Closed by whoever built it."""

    def __init__(self, options: Options, market: Market | None = None) -> None:
        self.options = options
        self.switches = options.switches
        self.market = market or make_market(options)
        self.clock = self.market.clock
        now_s = self.clock.now_s
        self.memory = Memory(options.state)
        self._go_on()
        self.credentials = Credentials.of_seed(options.seed)
        self.sessions = Sessions(self.credentials, now_s, self.memory)
        self.limits = Limits(time.monotonic)
        self.trouble, self.faults = Trouble(), Faults()
        self.stream = Stream(self.market, self.sessions.authorised, self.faults)
        self.book = Book(self.market, now_s, self.memory, self.credentials.api_secret)
        self.exchange = Exchange(
            self.market, self.book, now_s, self.memory, self.switches, self.limits, self.credentials.user_id
        )
        self.square_off = SquareOff(self.market, self.exchange, now_s, self.switches)
        self.limits.orders_today = len(self.book)
        self.plan = Plan(
            publish=self._send, cut=self.stream.drop_all, settle=self.exchange.settle_all, later=self._later
        )
        self.updates = Updates(self.trouble, options.seed, self.plan.publish)
        self.triggers = Triggers(self.market, self.exchange, now_s, self.memory, self.credentials.user_id)
        self.alerts = Alerts(self.market, self.exchange, now_s, self.memory, self.credentials.user_id)
        self.funds = Funds(now_s, self.credentials.user_id)
        self.random = random.Random(options.seed)
        self.director = Director(
            self.trouble, self.faults, {"drop": self.stream.drop_all, "end-session": self.sessions.end}
        )
        self._connect()

    def _connect(self) -> None:
        self.book.publish = self.updates.publish
        self.exchange.refuses = self._refusal
        self.exchange.too_late = self.square_off.is_past
        self.sessions.on_end.append(self.stream.drop_all)
        self.market.listeners.append(self._after_step)
        self.market.watched |= self._tokens()
        self.first_token = self.sessions.open().access_token
        self.director.play(self.options.scenario)
        self.exchange.settle_all()  # what an earlier run had accepted and not yet sent

    def _go_on(self) -> None:
        """Take the clock up where an earlier run left it, if it lives in another time than the wall.

        A recording that has been played to its end, or another recording, starts over with nothing remembered.
        """
        ends_s = self.market.last_s if isinstance(self.market, Recorded) else float("inf")
        for row in self.memory.rows("clock"):
            kept = datetime.fromisoformat(str(row["now"]))
            if row["of"] != self._recording() or kept.timestamp() >= ends_s:
                self.memory.clear()
            elif kept > self.clock.now() and (self.options.ticks or self.options.speed > 1):
                self.clock.jump_to(kept)

    def _recording(self) -> list[str]:
        return [path.name for path in self.options.ticks]

    def set_clock(self, at: datetime) -> None:
        """Set the clock; the session and the book follow."""
        self.clock.jump_to(at)
        self.sessions.clock_set_back()
        self.exchange.roll_over()

    def _send(self, order: dict[str, object]) -> None:
        self.stream.publish_order(self.credentials.user_id, order)

    def _refusal(self) -> str:
        asked = self.trouble.reject or self.plan.rejecting
        return "Order rejected by the exchange as the practice scenario asks." if asked else ""

    def _later(self, request: web.Request, form: Mapping[str, str]) -> object:
        """Do what a client asked for that no longer waits for the answer."""
        answer = self.exchange.carry_out(request.method, request.match_info, form, request.query)
        self.exchange.settle_all()
        self.memory.commit()
        return answer

    def start_over(self) -> None:
        """A fresh account and no faults; login, sockets and market live on, and ids go on counting."""
        self.plan.clear()
        self.limits.start_over()
        self.exchange.start_over()
        self.triggers.start_over()
        self.alerts.start_over()
        self.director.play("calm")
        self.memory.commit()

    def _tokens(self) -> set[int]:
        return self.exchange.tokens() | self.triggers.tokens() | self.alerts.tokens()

    def _after_step(self, ticks: Sequence[Tick]) -> None:
        moved = {tick.instrument_token: tick for tick in ticks}
        self.sessions.expire_if_due()
        self.exchange.on_step(moved)
        self.square_off.on_step()
        self.triggers.on_step(moved)
        self.alerts.on_step(moved)
        self.market.watched.clear()
        self.market.watched |= self._tokens()
        self.updates.release()
        if self.clock.speed != 1 or self.options.ticks:
            self.memory.put("clock", "clock", {"now": self.clock.now().isoformat(), "of": self._recording()})
        self.memory.commit()


def make_market(options: Options) -> Market:
    """The made-up market, or the recording that the options name."""
    volatility = find(options.scenario).volatility
    if options.ticks:
        from alphapanda_desktop.sim.replay import open_replay

        return open_replay(options.ticks, options.speed, options.instruments, options.switches.hours)
    clock = SimClock(speed=options.speed)
    instruments = build_universe(ist(clock.now_s()).date(), options.count, options.instruments)
    switches = options.switches
    return SimMarket(
        clock, options.seed, instruments, hours=switches.hours, calendar=switches.calendar, volatility=volatility
    )
