"""The kill switch: one latch, and all that follows from pressing it, told step by step and written down.

The latch is in memory before anything is awaited, then in the journal. From then on the gate lets nothing leave:
what waits for its turn is called back, and what had left and turns up later is cancelled. Positions are closed only
when that was asked for, through a door that nothing else has. The report says what the broker's books say.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final

from psygnal import Signal

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.portfolio import Gtts
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.risk import TradingState as KillState
from alphapanda_desktop.trading.changing import Changing
from alphapanda_desktop.trading.flatten import Flattening
from alphapanda_desktop.trading.gttdoubts import WRITES, unanswered_in
from alphapanda_desktop.trading.gttsweep import GttSweep
from alphapanda_desktop.trading.killreport import KillReport, KillStep, report_of
from alphapanda_desktop.trading.killrun import FLATTEN, GTTS, REFUSE, KillRun, Patience
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.placing import Placing
from alphapanda_desktop.trading.reconcile import GIVE_UP_AFTER_S, journaled
from alphapanda_desktop.trading.standing import GTT_ANSWER
from alphapanda_desktop.trading.sweep import Sweep

__all__ = ["RELEASE", "KillReport", "KillState", "KillStep", "KillSwitch"]

RELEASE: Final = "RELEASE"
"""What has to be typed."""

LATCH: Final = "kill switch"
REPORT: Final = "kill report"
"""The journal's kinds of event for the latch and for the written report."""

BY_HAND: Final = "by hand"
BY_LIMIT: Final = "by limit"
"""Who latched: what a day's limit did ends with the day, what a person did does not."""

MEMORY: Final = timedelta(days=3650)


class KillSwitch:
    """Owner of the latch. Signals: `changed()` after any change of its state or report.

    `look(why)` reads the broker's books; `heed()` says which day limit is broken now, empty for none.
    """

    changed = Signal()

    def __init__(
        self,
        parts: Parts,
        placing: Placing,
        changing: Changing,
        flattening: Flattening,
        sweep: Sweep,
        *,
        look: Callable[[str], Awaitable[None]],
        heed: Callable[[], str],
    ) -> None:
        self._parts = parts
        self._placing = placing
        self._changing = changing
        self._flattening = flattening
        self._sweep = sweep
        self._look = look
        self._heed = heed
        self._stop: Callable[[str], Awaitable[None]] | None = None
        self._gtts: GttSweep | None = None
        self._run: KillRun | None = None
        self._work: asyncio.Task[KillReport] | None = None
        self._latchings = 0
        self._by = BY_HAND
        self._former: frozenset[datetime] | None = None
        """When the switch was pressed in earlier runs of the program; None until the journal was read."""
        self._owes_latch = False
        """Whether the latch is in memory only, for the disk did not take it."""
        self.patience = Patience()
        self.reports: list[KillReport] = []
        """Every press, oldest first."""

    @property
    def state(self) -> KillState:
        return self._parts.gate.latch

    @property
    def why(self) -> str:
        """Why it is not ACTIVE."""
        return self._parts.gate.why_latched

    @property
    def report(self) -> KillReport | None:
        """What the last press came to, as far as it came."""
        return self.reports[-1] if self.reports else None

    @property
    def at_work(self) -> bool:
        """Whether a press is still being carried out."""
        return self._work is not None and not self._work.done()

    def on_stop(self, stop: Callable[[str], Awaitable[None]] | None) -> None:
        """Have the strategies stopped by this when the switch is pressed; None when there are none any more."""
        self._stop = stop

    def watch_gtts(self, gtts: Gtts) -> None:
        """Look after the GTTs too when the switch is pressed."""
        self._gtts = GttSweep(gtts, self._parts.books, self._parts.clock)

    # -- pressing --------------------------------------------------------------------------------------------

    async def press(self, why: str, *, flatten: bool) -> KillReport:
        """Halt, cancel what works, by choice close positions; return when that is done or named as not done.

        Latched before the first wait. Whoever stops waiting stops nothing. Pressing again while it is at work
        joins it; afterwards it goes over everything once more.
        """
        called = self._halt(why)
        while True:
            if not self.at_work:
                self._start(why, flatten, f"{called} requests called back before they left" if called else "latched")
            elif flatten and self._run is not None:
                self._run.also_flatten()
            work = self._work
            assert work is not None
            await asyncio.wait({work})
            report = work.result()
            if report.flatten or not flatten:
                return report

    def _halt(self, why: str) -> int:
        self._latchings += 1
        self._set(KillState.HALTED, why, BY_HAND)
        called = self._placing.call_back() + self._parts.recall.call_back()
        self._sweep.begin()
        return called + self._parts.governor.call_back(f"Not sent: the kill switch is on ({why})")

    def _start(self, why: str, flatten: bool, words: str, broken: KillReport | None = None) -> None:
        now = self._parts.clock.now()
        first = KillStep(REFUSE, now, True, words)
        report = KillReport(why=why, pressed_at=now, flatten=flatten, steps=(first,))
        if broken is not None and broken.flatten and broken.flat is not True:
            text = "was asked for and broken off; press again to close positions"
            report = replace(report, steps=(first, KillStep(FLATTEN, now, False, text)))
        self.reports.append(report)
        self._run = run = KillRun(
            self._parts,
            self._changing,
            self._flattening,
            self._sweep,
            report,
            latch=lambda: self._write(why),
            stop=self._stop_strategies,
            look=self._look,
            tell=self._show,
            patience=self.patience,
            gtts=self._gtts,
        )
        self._work = self._parts.scope.spawn("kill switch", self._carry_out(run))

    async def _carry_out(self, run: KillRun) -> KillReport:
        report = await run.run()
        for order_id, _ in report.not_cancelled:
            self._sweep.failed(order_id)
        self._parts.voice.report(await journaled(self._note(report)), "the kill report")
        if self._gtts is not None and _gtts_open(report):
            self._parts.scope.spawn("GTTs after the kill switch", self._gtts_again(self._gtts, report.pressed_at))
        return report

    async def _gtts_again(self, gtts: GttSweep, pressed_at: datetime) -> None:
        """Look at them again until it is known that none waits that should not; the report tells what came of it."""
        until_s = self._parts.clock.monotonic_s() + GIVE_UP_AFTER_S + self.patience.gtts_s
        while self._parts.clock.monotonic_s() < until_s:
            await asyncio.sleep(self.patience.gtts_again_s)
            report = self.report
            if self.state is not KillState.HALTED or report is None or report.pressed_at != pressed_at:
                return  # released, or pressed again: then that press looks after them
            try:
                async with asyncio.timeout(self.patience.gtts_s):
                    ok, words = await gtts.run(flatten=report.flatten)
            except TimeoutError:
                continue
            now = self._parts.clock.now()
            if ok is True or words != report.steps[-1].detail:
                self._show(replace(report, steps=(*report.steps, KillStep(GTTS, now, ok, words)), done_at=now))
                self._parts.voice.report(await journaled(self._note(self.reports[-1])), "the kill report")
            if ok is True:
                return

    async def _stop_strategies(self) -> None:
        if self._stop is not None:
            await self._stop(f"kill switch: {self.why}")

    async def _write(self, why: str) -> None:
        self._owes_latch = True
        await self._latch(KillState.HALTED, why, BY_HAND)
        self._owes_latch = False
        if self.report is not None:
            await self._note(self.report)

    async def _write_again(self) -> None:
        await journaled(self._write(self.why))

    async def _note(self, report: KillReport) -> None:
        await self._parts.journal.note(Event(REPORT, self._parts.clock.now(), report.json()))

    async def _latch(self, state: KillState, why: str, by: str) -> None:
        detail = {"state": state.value, "why": why, "by": by}
        await self._parts.journal.note(Event(LATCH, self._parts.clock.now(), detail))

    def _set(self, state: KillState, why: str, by: str) -> None:
        gate = self._parts.gate
        gate.latch, gate.why_latched, self._by = state, why, by
        self._parts.voice.tell(self._parts.voice.halted_changed, state)
        self._tell()

    def _show(self, report: KillReport) -> None:
        self.reports[-1] = report
        self._tell()

    def _tell(self) -> None:
        self._parts.voice.tell(self.changed)

    # -- reducing, releasing ---------------------------------------------------------------------------------

    async def reduce(self, why: str, *, by: str = BY_HAND) -> None:
        """Let only orders pass that shrink a position, and cancel what rests and does not, GTTs too.

        Nothing happens while trading is halted or reducing already.
        """
        if self.state is not KillState.ACTIVE:
            return
        self._latchings += 1
        self._set(KillState.REDUCING, why, by)
        called = self._placing.call_back() + self._parts.recall.call_back()
        trimmed = self._sweep.trim()
        try:
            await self._latch(KillState.REDUCING, why, by)
        finally:
            gtts = await self._gtts.trim() if self._gtts is not None else ""
            done = [f"requests called back: {called}"] if called else []
            self._tell_trimmed([*done, *trimmed, *([gtts] if gtts else [])])
            if self._gtts is not None and self._gtts.doubts():
                self._parts.scope.spawn("GTTs while only exits pass", self._trim_again(self._gtts))

    async def _trim_again(self, gtts: GttSweep) -> None:
        """Look at the GTTs again until none of them is in doubt: one may come to stand later that is no exit."""
        while gtts.doubts():
            await asyncio.sleep(self.patience.gtts_again_s)
            if self.state is not KillState.REDUCING:
                return
            done = await gtts.trim()
            self._tell_trimmed([done] if done else [])

    def _tell_trimmed(self, done: list[str]) -> None:
        if done:
            self._parts.voice.notice(f"Only exits pass: {'; '.join(done)}.")

    async def release(self, typed: str) -> None:
        """Let orders pass again, once the journal has it. What is pressed meanwhile holds.

        Raises Refused unless the word was typed, while a press is still at work, and where a day limit is broken:
        then only exits pass until tomorrow.
        """
        if typed.strip() != RELEASE:
            raise Refused(f"The kill switch is released by typing {RELEASE}; {typed!r} was typed.", "kill switch")
        if self.at_work:
            raise Refused("The kill switch is still at work; it can be released when its report is closed.", LATCH)
        limit, latchings = self._heed(), self._latchings
        if limit and self.state is KillState.REDUCING:
            raise Refused(f"Only exits pass until tomorrow: {limit}", "day limit")
        state, by = (KillState.REDUCING, BY_LIMIT) if limit else (KillState.ACTIVE, BY_HAND)
        await self._latch(state, limit, by)
        if latchings == self._latchings:
            self._sweep.end()
            self._set(state, limit, by)

    async def new_day(self) -> None:
        """Let go of what yesterday's limit had latched."""
        if self.state is KillState.REDUCING and self._by == BY_LIMIT:
            await self._latch(KillState.ACTIVE, "", BY_HAND)
            self._set(KillState.ACTIVE, "", BY_HAND)

    # -- after a restart, after a login ----------------------------------------------------------------------

    async def recall(self, day: datetime) -> None:
        """Read latch and reports from the journal, before anything is accepted."""
        since = self._parts.clock.now() - MEMORY
        latches = await self._parts.journal.events(since, LATCH)
        if self._former is None:
            await self._doubt_gtts()
        told = await self._parts.journal.events(since, REPORT)
        reports = {(row := report_of(event.detail)).pressed_at: row for event in told}
        if self._former is None:
            self._former = frozenset(reports)
        reports |= {row.pressed_at: row for row in self.reports}  # pressed before the journal could be read
        self.reports = list(reports.values())
        if not latches or self.state is KillState.HALTED:
            return
        last = latches[-1]
        state, by = KillState(str(last.detail.get("state"))), str(last.detail.get("by", BY_HAND))
        if state is KillState.HALTED or (state is KillState.REDUCING and (by == BY_HAND or last.at >= day)):
            self._set(state, str(last.detail.get("why", "")), by)

    async def _doubt_gtts(self) -> None:
        """What the program had asked for when it ended and nobody had answered may still come to stand."""
        parts, now = self._parts, self._parts.clock.now()
        since = now - timedelta(seconds=GIVE_UP_AFTER_S)
        asked = [event for kind in WRITES for event in await parts.journal.events(since, kind)]
        for request, at, id in unanswered_in(asked, await parts.journal.events(since, GTT_ANSWER)):
            age_s = (now - at).total_seconds()
            parts.books.gtt_doubts.begin(request, at, parts.clock.monotonic_s() - age_s, id)

    def carry_on(self) -> None:
        """The books can be read again: go on with a press that was broken off. Positions are closed only when asked
        for anew, for what a person wanted before a crash or a night need not be wanted now.
        """
        last = self.report
        if self.state is not KillState.HALTED or self.at_work or self._parts.scope.closed:
            return
        if self._owes_latch:
            self._parts.scope.spawn("write the latch down", self._write_again())
        done = last is not None and last.done_at is not None and not last.not_cancelled and last.flat is not None
        broken_off = last is not None and last.pressed_at in (self._former or ()) and _gtts_open(last)
        if last is None or (done and not broken_off):
            return
        self._start(f"{last.why} (carried on)", False, "the latch was kept", broken=last)


def _gtts_open(report: KillReport) -> bool:
    """Whether the last look at the GTTs left something that is not known, or not done."""
    last = next((step for step in reversed(report.steps) if step.name == GTTS), None)
    return last is not None and last.ok is not True
