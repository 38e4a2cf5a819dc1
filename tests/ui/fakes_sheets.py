"""What the sheets follow, in the test's hands: a kill switch, limits, coverage and trails; and a window to lie over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta

from psygnal import Signal
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QDockWidget, QMainWindow, QWidget

from alphapanda_desktop.domain.coverage import AppStop, Coverage
from alphapanda_desktop.domain.errors import AlphaPandaError, Refused
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.differences import Choice, Difference, Differences, ForeignPolicy
from alphapanda_desktop.trading.killreport import KillReport, KillStep
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.sheet import SheetDeck
from alphapanda_desktop.ui.theme import DARK, Theme
from tests.fakes import FakeClock, FakeJournal

AT = datetime(2026, 11, 23, 5, 11, 27, tzinfo=UTC)
"""10:41:27 in India."""


def held(symbol: str = "INFY", quantity: int = 10, product: str = "MIS") -> Position:
    return Position(exchange="NSE", tradingsymbol=symbol, product=product, quantity=quantity, last_price=1500.0)


class FakeKill:
    """A kill switch that takes each step when the test says so."""

    changed = Signal()

    def __init__(self) -> None:
        self.state = TradingState.ACTIVE
        self.why = ""
        self.report: KillReport | None = None
        self.pressed: list[tuple[str, bool]] = []
        self.finish = asyncio.Event()
        self.left: tuple[tuple[str, str, int], ...] = ()

    async def press(self, why: str, *, flatten: bool) -> KillReport:
        self.pressed.append((why, flatten))
        self.state, self.why = TradingState.HALTED, why
        self.report = KillReport(why=why, pressed_at=AT, flatten=flatten)
        self.step("latch", True, "no order passes")
        await self.finish.wait()
        self.report = replace(
            self.report, done_at=AT + timedelta(seconds=2), flat=not self.left, left=self.left, cancelled=("1001",)
        )
        self.changed.emit()
        return self.report

    def step(self, name: str, ok: bool | None, detail: str) -> None:
        assert self.report is not None
        step = KillStep(name, AT + timedelta(seconds=len(self.report.steps)), ok, detail)
        self.report = replace(self.report, steps=(*self.report.steps, step))
        self.changed.emit()

    async def reduce(self, why: str) -> None:
        self.state, self.why = TradingState.REDUCING, why
        self.changed.emit()

    async def release(self, typed: str) -> None:
        if typed != "RELEASE":
            raise Refused(f"The kill switch is released by typing RELEASE; {typed!r} was typed.", "kill switch")
        self.state, self.why = TradingState.ACTIVE, ""
        self.changed.emit()


class FakeReconciling:
    """Real differences, and a desk that notes when it was told to look."""

    def __init__(self) -> None:
        self.journal = FakeJournal()
        self.differences = Differences(self.journal, FakeClock(), self._carry)
        self.foreign_policy = ForeignPolicy.IGNORE
        self.looks: list[str] = []
        self.carried: list[tuple[str, Choice]] = []
        self.refuse = ""
        self.asked = 0

    async def _carry(self, row: Difference, choice: Choice) -> None:
        self.asked += 1
        if self.refuse:
            raise Refused(self.refuse)
        self.carried.append((row.id, choice))

    async def reconcile(self, why: str, *, quiet: bool = False) -> None:
        self.looks.append(why)


def a_difference(id_: str, *, red: bool = True, **more: object) -> Difference:
    told: dict[str, object] = {
        "kind": "foreign order",
        "what": f"Order {id_}: BUY 50 INFY MIS, which this program did not make",
        "ours": "",
        "theirs": "OPEN, 0 of 50 filled at 1,500.00",
        "choices": (Choice.ADOPT, Choice.IGNORE, Choice.FLATTEN),
        "at": AT,
    }
    return Difference(id=id_, red=red, **{**told, **more})  # type: ignore[arg-type]


class FakeCoverage:
    """Stop coverage of positions that the test names: at the broker, only here."""

    changed = Signal()

    def __init__(self, *rows: Coverage) -> None:
        self._rows = list(rows)
        self.gtts_unread = ""
        self.converted: list[str] = []
        self.refuse: AlphaPandaError | None = None
        self.refreshed = 0
        self.tries = 0

    def rows(self) -> list[Coverage]:
        return list(self._rows)

    def app_only(self) -> list[Coverage]:
        return [row for row in self._rows if row.in_program]

    def take(self, rows: Iterable[Coverage]) -> None:
        self._rows = list(rows)
        self.changed.emit()

    async def refresh(self) -> None:
        self.refreshed += 1

    async def convert(self, position: Position) -> list[object]:
        self.tries += 1
        if self.refuse is not None:
            raise self.refuse
        self.converted.append(position.tradingsymbol)
        self._rows = [
            replace(row, at_broker=row.at_broker + row.in_program, in_program=0) if row.position == position else row
            for row in self._rows
        ]
        self.changed.emit()
        return []


def covered_row(symbol: str, quantity: int, at_broker: int, in_program: int) -> Coverage:
    whole = abs(quantity)
    stops = [f"SELL {at_broker} stop at 1480.00, order 1001"] if at_broker else []
    app = AppStop(f"NSE:{symbol}", "MIS", in_program, 1485.0, "run1")
    return Coverage(
        held(symbol, quantity),
        at_broker,
        in_program,
        whole - at_broker - in_program,
        tuple(stops + ([str(app)] if in_program else [])),
        (app,) if in_program else (),
    )


@dataclass
class FakeTrail:
    """A trail that says its own name."""

    ref: str

    def text(self) -> str:
        return f"Order {self.ref}\nbecause the fast average crossed the slow one\n"

    def json(self) -> str:
        return f'{{"name": "{self.ref}"}}'


@dataclass
class SheetStage:
    """A window of the usual size with docks around its centre, and what was told."""

    window: QMainWindow
    centre: QWidget
    deck: SheetDeck
    edge: Edge
    notices: list[tuple[str, str]] = field(default_factory=list)


@asynccontextmanager
async def a_stage(theme: Theme = DARK) -> AsyncIterator[SheetStage]:
    """A window with docks; leaving it ends all work, and errors fail the test."""
    errors: list[str] = []
    notices: list[tuple[str, str]] = []
    async with Scope("sheets", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        edge = Edge(scope, FrameClock(), lambda text, level: notices.append((text, level)), theme)
        window = QMainWindow()
        window.resize(1600, 900)
        centre = QWidget(window)
        window.setCentralWidget(centre)
        for area, width in ((Qt.DockWidgetArea.LeftDockWidgetArea, 500), (Qt.DockWidgetArea.RightDockWidgetArea, 370)):
            dock = QDockWidget("dock", window)
            inside = QWidget(dock)
            inside.setMinimumWidth(width)
            dock.setWidget(inside)
            window.addDockWidget(area, dock)
        stage = SheetStage(window, centre, SheetDeck(window, centre), edge, notices)
        window.show()
        try:
            yield stage
        finally:
            window.hide()
            window.deleteLater()
            await asyncio.sleep(0)
    assert errors == []
