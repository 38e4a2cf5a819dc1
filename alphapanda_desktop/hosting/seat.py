"""A seat in a process of its own: one call at a time, each with its budget; whatever it does, it ends alone."""

from __future__ import annotations

import asyncio
import itertools
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from alphapanda_desktop.authoring.describe import Described
from alphapanda_desktop.authoring.exitcodes import exit_words
from alphapanda_desktop.authoring.sources import read
from alphapanda_desktop.domain.errors import StrategyError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.strategy import Parameters
from alphapanda_desktop.hosting import wire
from alphapanda_desktop.hosting.hearing import Hearing
from alphapanda_desktop.hosting.mirror import Mirror
from alphapanda_desktop.hosting.papers import instrument_told, order_told
from alphapanda_desktop.hosting.process import Process, Use
from alphapanda_desktop.hosting.wishing import Wish, Wishing
from alphapanda_desktop.trading.seat import Budgets, Seat, SeatMaker, Sitting

LOOK_S: Final = 0.25
"""How often a process is looked at; a call is credited with no more than this for a look, so that a program that was
held up itself does not take its own delay for the strategy's."""

MOST_WAITING: Final = 2_000
"""Bars, orders and timers that may wait for a strategy."""

MOST_SAID: Final = 2_000
"""Messages that a process may send in one call."""

MOST_UNHEARD: Final = 2 * wire.LARGEST_SAID
"""Bytes that a process may have said before it is heard; then it has to wait."""

START_GAP_S: Final = 0.05
"""Between the starts of two processes."""

MOST_LINES_S: Final = 50
"""Printed lines of one second that reach the run's log."""

LEAVE_S: Final = 0.5
"""How long a process that was stopped may take to leave."""

CASH: Final = ("NSE", "BSE")

BUILT_IN: Final = str(Path(__file__).resolve().parents[1] / "strategies")


@dataclass(slots=True, eq=False)
class Call:
    """One call of a hook, as it waits or is under way."""

    hook: str
    header: Mapping[str, Any] = field(default_factory=dict)
    body: bytes = b""
    own: bytes = b""
    tick: Tick | None = None
    """Packed only when it is told: a newer one may come first."""
    over: asyncio.Event = field(default_factory=asyncio.Event)
    well: bool = False
    said: int = 0
    problems: tuple[str, ...] = ()
    number: int = 0


@dataclass(slots=True)
class Beside:
    """What the seats of one venue share: the loop's time for hearing them, and one start at a time.

    To start a process holds the loop for some milliseconds, and far more while others come up: thirty at once are seen.
    """

    hearing: Hearing = field(default_factory=Hearing)
    starting: asyncio.Lock = field(default_factory=asyncio.Lock)
    next_s: float = 0.0
    """When the next may start, in the loop's time."""

    async def turn(self) -> None:
        """When a start may be; `starting` is held."""
        await asyncio.sleep(self.next_s - asyncio.get_running_loop().time())
        self.next_s = asyncio.get_running_loop().time() + START_GAP_S


class ProcessSeat:
    """One strategy in one process. Its owner is the run's host; nothing of it is left after `gone`."""

    def __init__(self, sitting: Sitting, budgets: Budgets, environment: Mapping[str, str], beside: Beside) -> None:
        self._beside = beside
        self._sitting = sitting
        self._run = sitting.run
        self._budgets = budgets
        self._environment = environment
        self._mirror = Mirror(sitting)
        self._wishing = Wishing(sitting, self._mirror)
        self._splitter = wire.Splitter(wire.LARGEST_SAID, 0)
        self._process = Process(self._hear, self._printed, self._exited)
        self._numbers = itertools.count(1)
        self._waiting: dict[object, Call] = {}
        """In the order in which they happened; a tick waits under its instrument's place, so that a newer replaces it.
        """
        self._now: Call | None = None
        self._last_call: Call | None = None
        self._asked_s = 0.0
        """When `on_stop` was asked for, in the loop's time."""
        self._over = False
        self._exit_code: int | None = None
        self._hears: frozenset[str] = frozenset()
        self._lookback = 0
        self._lines: tuple[float, int] = (0.0, 0)
        self._threads_told = False
        self._used: tuple[float, Use] | None = None

    @property
    def hears_ticks(self) -> bool:
        return "on_tick" in self._hears

    @property
    def lookback(self) -> int:
        return self._lookback

    @property
    def busy(self) -> bool:
        """Whether something that happened is being answered: a recorded day waits for that, but not for a Load."""
        return self._now is not None and self._now.hook != "build"

    # -- its life --------------------------------------------------------------------------------------------

    async def load(self) -> bool:
        try:
            header, content = self._told()
            async with self._beside.starting:
                await self._beside.turn()
                if self._over:
                    return False
                await self._process.start(self._budgets.memory, self._environment)
        except (StrategyError, OSError) as error:
            self._sitting.failed(f"its process could not be started: {error}")
            return False
        self._run.pulse.pid = self._process.pid
        self._sitting.scope.spawn(f"watch {self._run.strategy.name} {self._run.run_id}", self._watch())
        return await self._called(Call("build", header, own=content))

    def _told(self) -> tuple[dict[str, Any], bytes]:
        run, kind = self._run, self._run.strategy
        header: dict[str, Any] = {
            "params": run.params.model_dump(mode="json"), "interval": run.interval.value, "product": run.product,
            "instruments": [instrument_told(i) for i in run.instruments],
            "units": [run.units_of(i.key) for i in run.instruments],
            "hours": [self._hours(i) for i in run.instruments],
            "shipped": "", "entry": "", "path": "", "sha256": "",
        }  # fmt: skip
        if not issubclass(kind, Described):
            return header | {"shipped": kind.name}, b""
        source, content = read(kind.source.path, kind.source.entry, kind.source.package)
        if source.sha256 != kind.source.sha256:
            raise StrategyError(f"{source.label} was changed since it was read; load it again")
        return header | {"entry": source.entry, "path": str(source.path), "sha256": source.sha256}, content

    def _hours(self, instrument: Instrument) -> tuple[str, bool] | None:
        """What makes its bars' hours; None where the exchange never closes."""
        market = self._sitting.market
        if market.live_series(instrument, self._run.interval).hours is None:
            return None
        auction = instrument.exchange in CASH and instrument.tradable and market.master.has_derivatives(instrument)
        return instrument.exchange, auction

    async def start(self) -> bool:
        return await self._called(self._event("on_start", range(len(self._run.instruments))))

    async def _called(self, call: Call) -> bool:
        self._put(call)
        await call.over.wait()
        return call.well

    def ask_stop(self) -> None:
        """Whatever waits is dropped: Stop means now."""
        for call in self._waiting.values():
            call.over.set()
        self._waiting.clear()
        self._asked_s = asyncio.get_running_loop().time()
        self._last_call = self._event("on_stop", range(len(self._run.instruments)))
        self._put(self._last_call)

    async def stopped(self) -> str:
        stop = self._last_call
        if stop is None or self._over:
            return ""
        limit = self._budgets.stop_s
        try:
            async with asyncio.timeout_at(self._asked_s + limit):
                await stop.over.wait()
        except TimeoutError:
            busy = self._now.hook if self._now is not None else stop.hook
            where = self._line(await self._process.where())
            self.end()
            return f"refused to stop within {limit:.1f} s, busy in {busy}{where}, and was killed"
        if not self._over:
            self._over = True
            self._process.hang_up()
        return ""

    def end(self) -> None:
        self._over = True
        self._release()
        self._process.kill()

    def _release(self) -> None:
        """Let nobody wait for a call that will not come back."""
        for call in [self._now, *self._waiting.values()]:
            if call is not None:
                call.over.set()
        self._waiting.clear()
        self._now = None

    async def gone(self) -> None:
        self._over = True
        self._release()
        await self._process.gone(LEAVE_S)

    # -- what happens ----------------------------------------------------------------------------------------

    def bar(self, instrument: Instrument, bar: Bar) -> None:
        place = self._mirror.place_of(instrument)
        self._put(self._event("on_bar", [place], i=place, bar=list(bar)))

    def tick(self, instrument: Instrument, tick: Tick) -> None:
        if self._over:
            return
        place = self._mirror.place_of(instrument)
        if self._waiting.pop(place, None) is not None:
            self._run.pulse.dropped_ticks += 1
        self._put(Call("on_tick", self._mirror.ticked(place, tick), tick=tick), place)

    def order(self, order: Order) -> None:
        self._mirror.stale = True
        if "on_order" in self._hears:
            self._put(self._event("on_order", (), order=order_told(order)))

    def timer(self, name: str) -> None:
        self._put(self._event("on_timer", (), name=name))

    async def judge(self, params: Parameters) -> Sequence[str]:
        call = Call("judge", {"params": params.model_dump(mode="json")})
        await self._called(call)
        return call.problems

    def change(self, params: Parameters) -> None:
        self._put(Call("change", {"params": params.model_dump(mode="json")}))

    def _event(self, hook: str, places: Sequence[int], **more: Any) -> Call:
        """A call with what is known as it happens: time, all prices, and new bars of these instruments."""
        bars, body = self._mirror.bars(places)
        return Call(hook, {**self._mirror.moment(range(len(self._run.instruments))), **bars, **more}, body)

    def _put(self, call: Call, place: int | None = None) -> None:
        if self._over:
            call.over.set()
            return
        call.number = next(self._numbers)
        self._waiting[("call", call.number) if place is None else place] = call
        if len(self._waiting) > MOST_WAITING:
            self._sitting.failed(f"does not keep up: {MOST_WAITING:,} events wait for it")
        self._next()

    def _next(self) -> None:
        """Hand over what has waited longest, once the call before it is back."""
        if self._now is not None or self._over or not self._waiting:
            return
        call = self._now = self._waiting.pop(next(iter(self._waiting)))
        header = {"do": call.hook, "n": call.number, **call.header}
        if call.hook.startswith("on_"):
            header |= self._mirror.orders()
        own = wire.tick_bytes(call.tick) if call.tick is not None else call.own
        if own:
            header["own"] = len(own)
        self._process.write(wire.packed(header, call.body + own))

    # -- what its process says -------------------------------------------------------------------------------

    def _hear(self, data: bytes) -> None:
        if self._over and self._now is None:
            return
        self._splitter.put(data)
        if self._splitter.kept > MOST_UNHEARD:
            self._process.hold()
        self._beside.hearing.want(self._hear_one)

    def _hear_one(self) -> bool:
        """Hear one message; whether there may be another."""
        if self._over and self._now is None:
            return False
        try:
            frame = self._splitter.next()
            if frame is not None:
                self._take(wire.heard(frame))
        except wire.Garbled as error:
            self._sitting.failed(f"wrote into its pipe what is no message ({str(error)[:300]}), and was killed")
            return False
        if self._splitter.kept <= MOST_UNHEARD // 2:
            self._process.let_on()
        return frame is not None

    def _take(self, said: wire.Speech) -> None:
        call = self._now
        if isinstance(said, wire.Ready):
            if self._process.ready:
                raise wire.Garbled(f"{said.say!r} a second time")
            # Where the loop is late, it is heard before `load` comes back from the start and makes the first call.
            self._process.ready = True
            return
        if call is None:
            raise wire.Garbled(f"{said.say!r} between two calls")
        call.said += 1
        if call.said > MOST_SAID:
            raise wire.Garbled(f"more than {MOST_SAID:,} messages in one call")
        if isinstance(said, wire.Done | wire.Failed):
            self._back(call, said)
        else:
            self._wish(call, said)

    def _back(self, call: Call, said: wire.Done | wire.Failed) -> None:
        if said.n != call.number:
            raise wire.Garbled(f"the end of call {said.n} while {call.number} is under way")
        self._now = None
        call.well = isinstance(said, wire.Done)
        if call.hook.startswith("on_"):
            self._sitting.took(call.hook, said.took_s)
        if isinstance(said, wire.Failed):
            call.over.set()
            self._sitting.failed(said.why)
            return
        if call.hook == "build":
            self._hears = frozenset(said.hears)
        if call.hook in ("build", "change"):
            self._lookback = said.lookback
        call.problems = said.problems
        if said.threads and not self._threads_told:
            self._threads_told = True
            names = ", ".join(said.threads)
            self._run.note("warning", f"{call.hook} left threads running, which see no market: {names}")
        call.over.set()
        if call.tick is None:  # a card need not be drawn anew for each tick; what one shows is told when it is shown
            self._sitting.changed()
        self._next()

    def _wish(self, call: Call, said: Wish) -> None:
        if not call.hook.startswith("on_"):
            raise wire.Garbled(f"{said.say!r} in {call.hook}")
        self._wishing.check(said)
        name = f"{self._run.strategy.name}.{call.hook}"
        error = self._sitting.scope.call(name, self._carry, said)
        if error is not None:
            self._sitting.failed(f"{call.hook} failed: what it asked for cannot be: {error!r}")

    def _carry(self, said: Wish) -> None:
        if isinstance(said, wire.Wished):
            self._process.write(wire.packed(self._wishing.answer(said)))
        else:
            self._wishing.carry(said)

    def _printed(self, line: str) -> None:
        if self._over or not line.strip():
            return
        second, count = self._lines
        now = asyncio.get_running_loop().time()
        self._lines = (second, count + 1) if now - second < 1 else (now, 1)
        if self._lines[1] <= MOST_LINES_S:
            self._run.note("info", f"printed: {line[:500]}")
            self._sitting.changed()
        elif self._lines[1] == MOST_LINES_S + 1:
            self._run.note("warning", f"it prints more than {MOST_LINES_S} lines a second; the rest is left out")

    # -- watching over it ------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Look at the process until it is gone: a call that does not come back, and memory beyond its budget."""
        call, looks, look_s = self._now, 0, min(LOOK_S, self._budgets.call_s / 8)
        try:
            while self._exit_code is None:
                await asyncio.sleep(look_s)
                self._measure()
                call, looks = (call, looks + 1) if self._now is call else (self._now, 0)
                allowed = self._budgets.load_s if call is not None and call.hook == "build" else self._budgets.call_s
                if call is not None and self._last_call is None and looks * look_s >= allowed and not self._over:
                    await self._hung(call, allowed)
        finally:
            self._process.kill()

    async def _hung(self, call: Call, allowed: float) -> None:
        where = self._line(await self._process.where())
        if self._now is call:
            self._sitting.failed(f"hung in {call.hook} for {allowed:.1f} s{where}, and was killed")

    def _measure(self) -> None:
        use, now = self._process.use(), asyncio.get_running_loop().time()
        if use is None or self._over:
            return
        pulse, before = self._run.pulse, self._used
        pulse.memory_bytes = use.memory
        if before is None or now - before[0] >= 1.0:
            pulse.cpu_share = (use.cpu_s - before[1].cpu_s) / (now - before[0]) if before else None
            self._used = (now, use)
        if use.memory > self._budgets.memory:
            most = f"{use.memory >> 20:,} MB of memory, {self._budgets.memory >> 20:,} MB allowed"
            self._sitting.failed(f"used {most}, and was killed")

    def _exited(self, code: int) -> None:
        self._exit_code = code
        self._run.pulse.pid = None
        if self._over:
            self._release()
        elif not self._sitting.scope.closed:
            self._sitting.scope.spawn(f"last words of {self._run.run_id}", self._crashed(code))

    async def _crashed(self, code: int) -> None:
        when = f"in {self._now.hook}" if self._now is not None else "between two calls"
        where = self._line(await self._process.last_words())
        self._sitting.failed(f"its process ended by itself {when} with {exit_words(code)}{where}")
        self._release()

    def _line(self, text: str) -> str:
        """File and line of the author's that a dump names first, in words."""
        kind = self._run.strategy
        own = str(kind.source.path) if issubclass(kind, Described) else BUILT_IN
        found = re.findall(r'File "([^"]+)", line (\d+)', text)
        return next((f", {Path(file).name} line {line}" for file, line in found if file.startswith(own)), "")


def process_seats(budgets: Budgets | None = None, environment: Mapping[str, str] | None = None) -> SeatMaker:
    """Seats in child processes; `environment` is what a child sees beside the bare necessities."""

    beside = Beside()

    def make(sitting: Sitting) -> Seat:
        return ProcessSeat(sitting, budgets or Budgets(), environment or {}, beside)

    return make
