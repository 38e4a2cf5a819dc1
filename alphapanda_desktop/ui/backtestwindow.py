"""The backtest window: what to play on the left, what came of it on the right, the last few to compare, a sweep.

A window of its own beside the main one: it may stand on another screen, and it stops nothing. The kill switch's key
is the strip's, which hears it here too: a second one would silence both.
Object names: `backtest_run`, `backtest_cancel`, `backtest_progress`, `backtest_said`,
`backtest_result`, `backtest_compare`, `backtest_html`, `backtest_csv`, `backtest_forget`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut
from PySide6.QtWidgets import (
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSplitter,
    QStackedWidget,
    QTabWidget,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.backtestform import BacktestForm
from alphapanda_desktop.ui.backtestparts import Bench, Report, Wanted
from alphapanda_desktop.ui.backtestreport import ReportView
from alphapanda_desktop.ui.clothes import clothe
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.forms import Pick, field_looks
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.sheet import tell
from alphapanda_desktop.ui.sweeppage import SweepPage
from alphapanda_desktop.ui.tallscroll import TallScroll
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from PySide6.QtWidgets import QMainWindow

MOST_KEPT: Final = 12
"""Reports that can be chosen; the oldest goes first."""

BREATH_S: Final = 0.001
"""A turn for all that waits."""

FORM_PX: Final = 340
SIZE: Final = (1360, 860)


class BacktestWindow(QWidget):
    """Owned by the main window; closing hides it, and what it holds is there when it is opened again."""

    def __init__(self, bench: Bench, edge: Edge, main: QMainWindow) -> None:
        super().__init__(main, Qt.WindowType.Window)
        self.bench = bench
        self._edge = edge
        self._playing: asyncio.Task[None] | None = None
        self._view: ReportView | None = None
        self.reports: list[Report] = []
        self.setObjectName("backtest_window")
        self.setWindowTitle(say("Backtest"))
        clothe(self, edge.theme, field_looks(edge.theme))
        self.setAutoFillBackground(True)
        self.resize(*SIZE)
        QShortcut(QKeySequence("Ctrl+Return"), self).activated.connect(self.play)
        QShortcut(QKeySequence("Ctrl+."), self).activated.connect(self.stop)
        split = QSplitter(Qt.Orientation.Horizontal, self)
        split.addWidget(self._build_left())
        split.addWidget(self._build_right())
        split.setSizes([FORM_PX, SIZE[0] - FORM_PX])
        split.setStretchFactor(1, 1)
        split.setChildrenCollapsible(False)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.addWidget(split)
        self._refresh()

    # -- its parts -------------------------------------------------------------------------------------------

    def _build_left(self) -> QWidget:
        side = QWidget(self)
        self.form = BacktestForm(self.bench, self._edge, self)
        self.form.changed.connect(self._edited)
        area = TallScroll(self.form, side)
        self.run = self._button("run", "Run the backtest", self.play, "Ctrl+Return")
        self.run.setStyleSheet("font-weight: 600; padding: 7px;")
        self.cancel = self._button("cancel", "Cancel", self.stop, "Ctrl+.")
        self.progress = QProgressBar(side)
        self.progress.setObjectName("backtest_progress")
        self.progress.setAccessibleName(say("How far the backtest is"))
        self.said = Words(side)
        self.said.setObjectName("backtest_said")
        self.said.setWordWrap(True)
        self.said.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        row = QHBoxLayout()
        row.addWidget(self.run, 1)
        row.addWidget(self.cancel)
        foot = QVBoxLayout()
        foot.setContentsMargins(12, 6, 12, 10)
        for widget in (self.said, self.progress):
            foot.addWidget(widget)
        foot.addLayout(row)
        box = QVBoxLayout(side)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(area, 1)
        box.addLayout(foot)
        return side

    def _build_right(self) -> QWidget:
        side = QWidget(self)
        self.result = self._pick("result", "Which backtest is shown")
        self.compare = self._pick("compare", "Which backtest it is compared with")
        self.html = self._button("html", "Save page", self._save_page, "One HTML file with curves, trades, assumptions")
        self.csv = self._button("csv", "Save tables", self._save_tables, "Trades and equity as CSV files")
        self.forget = self._button("forget", "Forget it", self._forget)
        head = QHBoxLayout()
        head.setContentsMargins(8, 8, 10, 4)
        head.addWidget(self.result, 3)
        head.addWidget(self.compare, 2)
        for button in (self.html, self.csv, self.forget):
            head.addWidget(button)
        self.empty = Words(
            say(
                "Choose a strategy and an instrument on the left, and run it over the past.\n"
                "Fills, charges, limits and refusals are those of paper trading."
            ),
            self,
        )
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setStyleSheet(f"color: {self._edge.theme.muted};")
        self.pages = QStackedWidget(self)
        self.pages.addWidget(self.empty)
        box = QVBoxLayout(side)
        box.setContentsMargins(0, 0, 0, 0)
        box.addLayout(head)
        box.addWidget(self.pages, 1)
        side.setAutoFillBackground(True)
        self.sweeping = SweepPage(self._edge, self)
        self.sweeping.wanted.connect(self.sweep)
        self.sweeping.taken.connect(self._take)
        self.sides = QTabWidget(self)
        self.sides.setObjectName("backtest_sides")
        self.sides.addTab(side, say("Backtest"))
        self.sides.addTab(self.sweeping, say("Sweep"))
        self.sides.currentChanged.connect(lambda _place: self._offer_sweep())
        return self.sides

    def _button(self, name: str, text: str, work: Callable[[], object], tip: str = "") -> QPushButton:
        button = QPushButton(say(text), self)
        button.setObjectName(f"backtest_{name}")
        button.setAccessibleName(say(text))
        button.setToolTip(as_tip(say(tip)))
        button.clicked.connect(lambda _checked=False: work())
        return button

    def _pick(self, name: str, title: str) -> Pick:
        pick = Pick(self)
        pick.setObjectName(f"backtest_{name}")
        pick.setAccessibleName(say(title))
        pick.setSizeAdjustPolicy(Pick.SizeAdjustPolicy.AdjustToMinimumContentsLengthWithIcon)
        pick.setMinimumContentsLength(12)
        pick.currentIndexChanged.connect(lambda _place: self._show())
        return pick

    def come_forward(self) -> None:
        """Show it above others, with what can be played now."""
        self.renew()
        self.setWindowState(self.windowState() & ~Qt.WindowState.WindowMinimized)
        self.show()
        self.raise_()
        self.activateWindow()

    def renew(self) -> None:
        """Offer what can be played now."""
        self.form.offer_strategies()

    # -- playing ---------------------------------------------------------------------------------------------

    def play(self) -> None:
        """Play what the form says, unless something is being played."""
        if self._playing is not None:
            return
        try:
            wanted = self.form.wanted()
        except AlphaPandaError as error:
            self._say(str(error), "warn")
            return
        self.sides.setCurrentIndex(0)
        self._begin(lambda: self._play(wanted))

    def sweep(self, axes: Sequence[str], figure: str) -> None:
        """Try these values of the parameters, unless something is being played."""
        if self._playing is not None:
            return
        try:
            wanted = self.form.wanted()
        except AlphaPandaError as error:
            self._say(str(error), "warn")
            return
        self._begin(lambda: self._sweep(wanted, axes, figure))

    def _begin(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        self._tell("Begins…", 0, 0)
        self._playing = self._edge.spawn("backtest", self._told(work))
        self._playing.add_done_callback(lambda _task: self._ended())
        self._refresh()

    def stop(self) -> None:
        """End what is being played; its worker process goes with it."""
        if self._playing is not None:
            self._playing.cancel()

    async def _told(self, work: Callable[[], Coroutine[Any, Any, None]]) -> None:
        """The work, with what ends it said."""
        try:
            await work()
        except asyncio.CancelledError:
            self._say("Cancelled.", "muted")
            raise
        except AlphaPandaError as error:
            self._say(str(error), "danger")

    async def _sweep(self, wanted: Wanted, axes: Sequence[str], figure: str) -> None:
        report = await self.bench.sweep(wanted, axes, figure, self._tell)
        self.sweeping.show_sweep(report)
        self._say(f"{grouped(len(report.tried))} combinations in {report.took_s:.1f} s.", "muted")

    def _offer_sweep(self) -> None:
        if self.sides.currentWidget() is self.sweeping and self.form.params is not None:
            self.sweeping.offer(self.form.params.model, self.form.params.values)

    def _take(self, params: dict[str, object]) -> None:
        """Values of a trial into the form; Run plays them."""
        if self.form.params is not None:
            self.form.params.set_values(params)
            words = ", ".join(f"{name} {value}" for name, value in params.items())
            self._say(f"In the form now: {words}.", "muted")

    async def _play(self, wanted: Wanted) -> None:
        report = await self.bench.play(wanted, self._tell)
        _ = self.view  # built with the first report, a turn of the loop before it is filled
        await asyncio.sleep(BREATH_S)
        self._keep(report)
        bars = formats.grouped(report.played.statistics.bars)
        self._say(f"{bars} bars in {report.took_s:.1f} s.{' ' + report.notes[0] if report.notes else ''}", "muted")

    def _tell(self, text: str, done: int, total: int) -> None:
        self._say(text, "muted")
        self.progress.setRange(0, total)
        self.progress.setValue(done)

    def _ended(self) -> None:
        self._playing = None
        self._refresh()

    def _say(self, text: str, role: Role) -> None:
        self.said.setStyleSheet(f"color: {getattr(self._edge.theme, role)};")
        tell(self.said, text)

    def _edited(self) -> None:
        if hasattr(self, "sides"):
            self._offer_sweep()

    def _refresh(self) -> None:
        """Buttons as they can be used now."""
        playing = self._playing is not None
        self.run.setEnabled(not playing)
        self.sweeping.run.setEnabled(not playing)
        self.cancel.setVisible(playing)
        self.progress.setVisible(playing)
        for widget in (self.result, self.compare, self.html, self.csv, self.forget):
            widget.setVisible(bool(self.reports))

    # -- reports ---------------------------------------------------------------------------------------------

    def _keep(self, report: Report) -> None:
        self.reports = [*self.reports, report][-MOST_KEPT:]
        self._offer(report)

    def _offer(self, chosen: Report | None) -> None:
        """Fill both lists again, and show the report that is chosen."""
        for pick in (self.result, self.compare):
            pick.blockSignals(True)
            pick.clear()
        self.compare.addItem(say("compared with none"), None)
        for report in reversed(self.reports):
            words = f"{report.name} · {formats.percent(report.played.statistics.total_return * 100)}"
            self.result.addItem(say(words), report.number)
            self.compare.addItem(say(f"against {words}"), report.number)
        if chosen is not None:
            self.result.setCurrentIndex(self.result.findData(chosen.number))
        for pick in (self.result, self.compare):
            pick.blockSignals(False)
        self._refresh()
        self._show()

    @property
    def view(self) -> ReportView:
        """Where reports are shown; built with the first one."""
        if self._view is None:
            self._view = ReportView(self._edge, self)
            self.pages.addWidget(self._view)
        return self._view

    @property
    def shown(self) -> Report | None:
        """The report that is shown."""
        return self._by_number(self.result.currentData())

    def _by_number(self, number: object) -> Report | None:
        return next((report for report in self.reports if report.number == number), None)

    def _show(self) -> None:
        report, other = self.shown, self._by_number(self.compare.currentData())
        if report is None:
            self.pages.setCurrentWidget(self.empty)
            return
        self.view.show_report(report, other if other is not report else None)
        self.pages.setCurrentWidget(self.view)

    def _forget(self) -> None:
        report = self.shown
        self.reports = [kept for kept in self.reports if kept is not report]
        self._offer(None)

    def _save_page(self) -> None:
        if self.shown is not None:
            self._edge.spawn("save backtest page", self._saved(self.bench.save_page(self.shown)))

    def _save_tables(self) -> None:
        if self.shown is not None:
            self._edge.spawn("save backtest tables", self._saved(self.bench.save_tables(self.shown)))

    async def _saved(self, saving: Awaitable[Sequence[Path]]) -> None:
        try:
            paths = await saving
        except OSError as error:
            self._say(f"It could not be saved: {error.strerror or error}", "danger")
        else:
            self._say(f"Saved to {' and '.join(map(str, paths))}", "good")
