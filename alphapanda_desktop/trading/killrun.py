"""One press of the kill switch at work: step after step, each told as it goes, until the report can be closed."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from alphapanda_desktop.domain.errors import AlphaPandaError, Fatal
from alphapanda_desktop.domain.orders import UNKNOWN, Order
from alphapanda_desktop.trading.books import left_of
from alphapanda_desktop.trading.changing import Changing
from alphapanda_desktop.trading.flatten import Flattening
from alphapanda_desktop.trading.gate import DeskState
from alphapanda_desktop.trading.gttsweep import GttSweep
from alphapanda_desktop.trading.killreport import Held, KillReport, KillStep
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.reconcile import GIVE_UP_AFTER_S, journaled
from alphapanda_desktop.trading.sweep import Sweep

REFUSE: Final = "refuse new orders"
WRITE: Final = "write the latch down"
STOP: Final = "stop strategies"
CANCEL: Final = "cancel working orders"
GTTS: Final = "delete GTTs"
FLATTEN: Final = "close positions"
LOOK: Final = "look at the broker's books"


@dataclass(slots=True)
class Patience:
    """How long each part of the work is waited for, in seconds."""

    cancel_s: float = 30.0
    each_s: float = 0.25
    """What each working order adds to that, for cancellations leave at the pace that Kite allows."""
    unanswered_s: float = 8.0
    """How long orders without an answer hold up what comes next; they are cancelled later too, when they turn up."""
    gtts_s: float = 15.0
    gtts_again_s: float = 2.0
    """How often GTTs are looked at after the report was closed, while it is not known that all are gone."""
    flatten_s: float = GIVE_UP_AFTER_S + 60.0
    """Longer than an order without an answer can hold back the exit of its position."""
    strategies_s: float = 15.0
    look_every_s: float = 0.5


class KillRun:
    """`latch` journals the latch, `stop` stops the strategies, `look(why)` reads the books, `tell(report)` shows."""

    def __init__(
        self,
        parts: Parts,
        changing: Changing,
        flattening: Flattening,
        sweep: Sweep,
        report: KillReport,
        *,
        latch: Callable[[], Awaitable[None]],
        stop: Callable[[], Awaitable[None]],
        look: Callable[[str], Awaitable[None]],
        tell: Callable[[KillReport], None],
        patience: Patience,
        gtts: GttSweep | None = None,
    ) -> None:
        self._parts = parts
        self._changing = changing
        self._flattening = flattening
        self._sweep = sweep
        self._latch = latch
        self._stop = stop
        self._look = look
        self._tell = tell
        self._patience = patience
        self._gtts = gtts
        self._asked: dict[str, Order] = {}
        self._failures: dict[str, AlphaPandaError] = {}
        self._before: list[Held] = []
        self._cannot_read = ""
        self._knows_held = False
        """Whether the last look read orders and executions at least, and with them what is held."""
        self._flattened = False
        self._closed = False
        self.report = report
        self.flatten = report.flatten

    def also_flatten(self) -> None:
        """Close positions as well: the switch was pressed again, for more."""
        self.flatten = True
        self._show(flatten=True)

    async def run(self) -> KillReport:
        """All of it; what fails is a step that failed, and the next one is taken all the same."""
        self._begin(WRITE)
        error = await journaled(self._latch())
        self._end(WRITE, error is None, str(error or "the journal has it"))
        strategies = self._parts.scope.spawn(STOP, self._stop_strategies())
        await self._cancel()
        await self._delete_gtts()
        if self.flatten:
            await self._close()
        await asyncio.wait({strategies}, timeout=self._patience.strategies_s)
        if not strategies.done():
            self._end(STOP, None, f"silent since the press, not wound up within {self._patience.strategies_s:g} s")
        if self.flatten and not self._flattened:
            await self._delete_gtts()
            await self._close()
        await self._gtts_again()
        await self._last_look()
        self._closed = True
        return self.report

    # -- steps -----------------------------------------------------------------------------------------------

    async def _stop_strategies(self) -> None:
        self._begin(STOP)
        stopped = False
        try:
            await self._stop()
            stopped = True
            self._end(STOP, True, "no strategy runs")
        except AlphaPandaError as error:
            stopped = True
            self._end(STOP, False, str(error))
        finally:
            if not stopped:
                self._end(STOP, False, "broken off")

    async def _cancel(self) -> None:
        self._begin(CANCEL)
        with suppress(TimeoutError):  # what still works is told by the books
            each_s = len(self._parts.books.book.working()) * self._patience.each_s
            async with asyncio.timeout(self._patience.cancel_s + each_s):
                await self._until_none_works()
        live = [order for order in self._asked.values() if self._now(order).live]
        ok = not live and self._knows_held
        self._end(CANCEL, ok, self._words(live))

    async def _until_none_works(self) -> None:
        loop = asyncio.get_running_loop()
        unanswered_until_s = loop.time() + self._patience.unanswered_s
        while True:
            working = self._parts.books.book.working()
            self._asked.update((order.order_id, order) for order in working)
            self._failures = await self._changing.cancel_these(working)
            if self._parts.gate.state is DeskState.FROZEN:
                self._cannot_read = str(self._parts.gate.state)
                return
            await self._read()
            waits = self._unknown() and loop.time() < unanswered_until_s
            if self._knows_held and not self._parts.books.book.working() and not waits:
                return
            await asyncio.sleep(self._patience.look_every_s)

    async def _delete_gtts(self) -> None:
        if self._gtts is None:
            return
        self._begin(GTTS)
        ok: bool | None = False
        words = f"the broker did not answer within {self._patience.gtts_s:g} s"
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience.gtts_s):
                ok, words = await self._gtts.run(flatten=self.flatten)
        self._end(GTTS, ok, words)

    async def _gtts_again(self) -> None:
        """Look once more for what could not be known, or deleted, at first."""
        last = next((step for step in reversed(self.report.steps) if step.name == GTTS), None)
        if last is not None and last.ok is not True:
            await self._delete_gtts()

    async def _close(self) -> None:
        self._begin(FLATTEN)
        self._flattened = True
        self._flattening.begin()
        self._before = _held(self._flattening)
        with suppress(TimeoutError):  # what is still open is told by the books
            async with asyncio.timeout(self._patience.flatten_s):
                await self._until_flat()
        await self._withdraw()
        left = _held(self._flattening)
        problems = "; ".join(dict.fromkeys(self._flattening.problems.values()))
        words = f"{len(left)} positions could not be closed. {problems}" if left else self._all_closed()
        words += self._unwritten()
        ok = None if self._cannot_read else not left
        self._end(FLATTEN, ok, f"{words}{self._sold()} {self._cannot_read}".strip())

    def _unwritten(self) -> str:
        """What left though the disk did not take it, in words."""
        count = len(self._flattening.sent() & self._parts.owed.tags())
        return f"; {count} exits left that the journal did not take, written when it can be" if count else ""

    def _all_closed(self) -> str:
        read = not self._cannot_read
        return "every position is closed" if read else "every position is closed, by what filled since they were read."

    def _sold(self) -> str:
        rows = ", ".join(f"{-p.quantity} {p.key} {p.product}" for p in self._flattening.sold())
        return f"; sold from the demat account, not bought back: {rows}" if rows else ""

    async def _until_flat(self) -> None:
        while self._parts.gate.state is not DeskState.FROZEN:
            await self._read()
            if self._knows_held:
                known = {(key, product) for key, product, _ in self._before}
                self._before += [row for row in _held(self._flattening) if row[:2] not in known]
                if self._flattening.over():
                    return
                await self._flattening.round()
                self._tell_problems()
            await asyncio.sleep(self._patience.look_every_s)

    def _tell_problems(self) -> None:
        """Say what holds the exits up while they are waited for."""
        problems = "; ".join(dict.fromkeys(self._flattening.problems.values()))
        last = next(step for step in reversed(self.report.steps) if step.name == FLATTEN)
        if problems and problems != last.detail:
            self._end(FLATTEN, None, problems)

    async def _withdraw(self) -> None:
        """Leave no exit of ours working behind a report that is closed."""
        resting = [order for order in self._flattening.resting() if order.order_id]
        if resting:
            self._asked.update((order.order_id, order) for order in resting)
            self._failures |= await self._changing.cancel_these(resting)

    async def _last_look(self) -> None:
        self._begin(LOOK)
        read = await self._read()
        self._asked = {order.order_id: order for order in self._sweep.taken} | self._asked
        left = tuple(_held(self._flattening))
        now = [self._now(order) for order in self._asked.values()]
        still = {(key, product) for key, product, _ in left}
        self._show(
            cancelled=tuple(o.order_id for o in now if not o.live and o.status != "COMPLETE"),
            not_cancelled=tuple((o.order_id, self._why_live(o)) for o in now if o.live),
            unknown=tuple(self._unknown()),
            flattened=tuple(row for row in self._before if row[:2] not in still),
            left=left,
            flat=not left if read else None,
        )
        self._end(LOOK, read, "read" if read else self._cannot_read)
        self._show(done_at=self._parts.clock.now())

    # -- telling ---------------------------------------------------------------------------------------------

    async def _read(self) -> bool:
        """Whether the books were read just now."""
        books, gate = self._parts.books, self._parts.gate
        before = books.orders_read
        try:
            await self._look("kill switch")
        except Fatal:
            pass  # books follow the broker even where the journal takes nothing
        except AlphaPandaError as error:
            self._cannot_read = f"The broker's books could not be read: {error}"
            self._knows_held = books.orders_read != before and gate.knows_held()
            return False
        self._cannot_read, self._knows_held = "", True
        return True

    def _unknown(self) -> list[str]:
        """Tags of orders that may exist. What is on its way still cannot leave: its own coroutine will say so."""
        return [order.tag or "" for order in self._parts.books.unanswered() if order.status == UNKNOWN]

    def _now(self, order: Order) -> Order:
        return self._parts.books.book.get(order.order_id) or order

    def _why_live(self, order: Order) -> str:
        error = self._failures.get(order.order_id)
        return str(error) if error is not None else f"it is {order.status}, {order.filled_quantity} filled"

    def _words(self, live: list[Order]) -> str:
        asked = list(self._asked.values())
        covers = [o for o in asked if closes_a_cover(o) and not self._now(o).live]
        rest = [self._now(o) for o in asked if not closes_a_cover(o)]
        filled = [o for o in rest if o.status == "COMPLETE"]
        ended = sum(1 for o in rest if not o.live) - len(filled)
        parts = [f"{ended} cancelled" if self._asked else "none was working"]
        if filled:
            parts.append(f"{len(filled)} filled before")
        if covers:
            named = ", ".join(f"{left_of(o)} {o.key} {o.product}" for o in covers)
            parts.append(f"cover orders closed, for cancelling the stop of one is its exit: {named}")
        if live:
            parts.append(f"{len(live)} still working")
        unanswered = len(self._unknown())
        if unanswered:
            parts.append(f"{unanswered} without an answer, cancelled when they turn up")
        return "; ".join([*parts, self._cannot_read] if self._cannot_read else parts)

    def _begin(self, name: str) -> None:
        self._show(steps=(*self.report.steps, KillStep(name, self._parts.clock.now())))

    def _end(self, name: str, ok: bool | None, detail: str) -> None:
        """The words of a step and the time of its end; the steps stay in the order of their times."""
        steps = self.report.steps
        at = max(k for k, step in enumerate(steps) if step.name == name)
        ended = replace(steps[at], ok=ok, detail=detail, at=self._parts.clock.now())
        self._show(steps=tuple(sorted((*steps[:at], *steps[at + 1 :], ended), key=_when)))

    def _show(self, **what: object) -> None:
        if self._closed:
            return  # a step that ends after its report was closed
        self.report = replace(self.report, **what)  # type: ignore[arg-type]  # fields of the report, by name
        self._tell(self.report)


def closes_a_cover(order: Order) -> bool:
    """Whether it is a cover order's stop: cancelling it closes the position at the market.  Source: CONTRACT 2.4."""
    return order.variety == "co" and bool(order.parent_order_id)


def _when(step: KillStep) -> datetime:
    return step.at


def _held(flattening: Flattening) -> list[Held]:
    return [(p.key, p.product, p.quantity) for p in flattening.open_positions()]
