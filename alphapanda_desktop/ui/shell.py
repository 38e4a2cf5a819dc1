"""The main window: pages, docks, menus, strip and status bar. It shows and asks; it decides nothing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QCloseEvent, QKeyEvent
from PySide6.QtWidgets import QMainWindow, QStackedWidget, QWidget

from alphapanda_desktop.ui.clothes import Wardrobe
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.formats import ist_day, ist_time
from alphapanda_desktop.ui.lastrun import Remembered
from alphapanda_desktop.ui.menus import Menus
from alphapanda_desktop.ui.pages import BusyPage, ProblemPage
from alphapanda_desktop.ui.placement import on_paper, put_where_it_was
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import SheetDeck
from alphapanda_desktop.ui.sleep import SleepWatch
from alphapanda_desktop.ui.strip import MODE_MARKS, TopStrip
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:  # numpy and pydantic behind these would hold the first paint
    from concurrent.futures import Future

    from alphapanda_desktop.domain.masterchanges import MasterChanges
    from alphapanda_desktop.domain.portfolio import Calculator, Gtts, Portfolio
    from alphapanda_desktop.domain.preflight import Check
    from alphapanda_desktop.domain.replay import RecordedFile, Transport
    from alphapanda_desktop.domain.watchlists import WatchedList
    from alphapanda_desktop.trading.alerts import AlertBook
    from alphapanda_desktop.trading.arming import Arming
    from alphapanda_desktop.trading.coverage import StopCoverage
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.runner import Runner
    from alphapanda_desktop.trading.session import SessionGate
    from alphapanda_desktop.trading.why import Trail
    from alphapanda_desktop.ui.alertdesk import Ways
    from alphapanda_desktop.ui.backtestparts import Bench
    from alphapanda_desktop.ui.backtestwindow import BacktestWindow
    from alphapanda_desktop.ui.datamanager import Room
    from alphapanda_desktop.ui.deliverysheet import Keeps
    from alphapanda_desktop.ui.desk import DeskView
    from alphapanda_desktop.ui.desksheets import DeskSheets
    from alphapanda_desktop.ui.docks import Dock, Docks
    from alphapanda_desktop.ui.guide import Guide
    from alphapanda_desktop.ui.login import LoginPlan, LoginView
    from alphapanda_desktop.ui.profiles import Shelf
    from alphapanda_desktop.ui.replay import ReplayBar
    from alphapanda_desktop.ui.reportparts import Review
    from alphapanda_desktop.ui.settingssheet import Keeper
    from alphapanda_desktop.ui.strategyfiles import StrategyFiles
    from alphapanda_desktop.ui.welcome import Check as CheckKeys
    from alphapanda_desktop.ui.welcome import WelcomePage
    from alphapanda_desktop.ui.workspacedesk import WorkspaceDesk

USUAL_SIZE = (1600, 900)
FRAME_PX = 40
"""What a window manager may add to the height."""
NOTICE_MS = 15_000
BEAT_MS = 500
BREATH_S = 0.001
"""A turn for all that waits: with no time at all, the next step would stand in the queue before a timer's work."""
SIDES = {"B": "BUY", "S": "SELL"}


@dataclass(frozen=True, eq=False, repr=False)
class DeskParts:
    """What the panels are made of. Exists only behind the session gate."""

    market: Market
    desk: Desk
    runner: Runner
    gate: SessionGate
    mode: str
    user_id: str
    database: str
    phase: Callable[[], str]
    arming: Arming
    watch_keys: list[str]
    chart_key: str
    aside: Callable[[str, Callable[[], None]], Future[None]]
    """Begins blocking work, such as writing a file, on a thread of that name."""
    watch_lists: tuple[Sequence[WatchedList], int] = ((), 0)
    """All watchlists, and which is shown; without any, one of `watch_keys`."""
    changes: Callable[[], Awaitable[MasterChanges | None]] | None = None
    """What is different in today's list of instruments; None where no earlier one is kept."""
    gtts: Gtts | None = None
    portfolio: Portfolio | None = None
    calculator: Calculator | None = None
    why: Callable[[str], Awaitable[Trail]] | None = None
    """From a tag or an order id to the trail of that order."""
    coverage: StopCoverage | None = None
    files: StrategyFiles | None = None
    """People's own strategy files."""
    preflight: Callable[[], Awaitable[list[Check]]] | None = None
    """Looks whether everything is ready for the day."""
    bench: Callable[[], Awaitable[Bench]] | None = None
    """Gives what plays backtests, when the first one is asked for."""
    review: Callable[[], Awaitable[Review]] | None = None
    """Gives what reads the journal for the review."""
    room: Room | None = None
    """Looks at what the profile keeps on the disk, and cleans it up."""
    transport: Transport | None = None
    """The controls of a recorded day, where that is what is traded."""
    real_hours: bool = False
    """Whether orders are held against the exchange's hours; the practice exchange never closes."""
    alerts: AlertBook | None = None
    alert_ways: Ways | None = None
    deliveries: Keeps | None = None
    """Alerts outside this computer."""


class MainWindow(QMainWindow):
    """The one window. `closed()` tells that the person asked to close it; the program decides when it goes."""

    closed = Signal()
    recordings_wanted = Signal(object)
    """Files of a recorded day that a person wants to see in a window of its own."""

    def __init__(self, profile: str, edge: Edge, remembered: Remembered) -> None:
        super().__init__()
        self._profile = profile
        self._edge = edge
        self._login: LoginView | None = None
        self._gate: SessionGate | None = None
        self._parts: DeskParts | None = None
        self.remembered = remembered
        self.mode = ""
        self.user_id = ""
        self.database = ""
        self.recorded_day = ""
        self.recorded_days: Callable[[], list[RecordedFile]] = list
        self.shelf: Shelf | None = None
        self.keeper: Callable[[], Keeper] | None = None
        self.view: DeskView | None = None
        self.replay: ReplayBar | None = None
        self.sheets: DeskSheets | None = None
        self.backtest: BacktestWindow | None = None
        self.guide: Guide | None = None
        self.docks: Docks | None = None
        self.workspaces: WorkspaceDesk | None = None
        self.setObjectName("main_window")
        self.resize(*USUAL_SIZE)
        # Qt's own context menu offers to hide docks and the strip, and with it the kill switch.
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.NoContextMenu)
        self.strip = TopStrip(edge, self)
        self.addToolBar(Qt.ToolBarArea.TopToolBarArea, self.strip)
        self.centre = QStackedWidget(self)
        self.setCentralWidget(self.centre)
        self.deck = SheetDeck(self, self.centre)
        self._busy = BusyPage(self.centre)
        self.centre.addWidget(self._busy)
        Wardrobe(self, edge.theme, (self.centre, self.statusBar(), self.menuBar()))
        self._status = self._make_status()
        self.menus = Menus(self, edge)
        self.set_mode("")
        self._refresh_strip()
        self._sleep = SleepWatch(self)
        self._beat = QTimer(self)
        self._beat.timeout.connect(self._refresh_strip)
        self._beat.start(BEAT_MS)

    def _make_status(self) -> dict[str, Words]:
        labels = {name: Words("", self, objectName=f"status_{name}") for name in ("clock", "phase", "database")}
        for label in labels.values():
            label.setContentsMargins(8, 0, 8, 0)
            self.statusBar().addPermanentWidget(label)
        labels["clock"].setMinimumWidth(labels["clock"].fontMetrics().horizontalAdvance("IST 00:00:00 ") + 20)
        return labels

    def present(self) -> None:
        """Show it where it was, else in its usual size, filling a screen that has no room for that."""
        if put_where_it_was(self, self.remembered.layout):
            self.show()
            return
        room = self.screen().availableGeometry()
        fits = room.width() >= USUAL_SIZE[0] and room.height() >= USUAL_SIZE[1] + FRAME_PX
        if fits or on_paper():
            self.show()
        else:
            self.showMaximized()

    # -- what app.py says ------------------------------------------------------------------------------------

    def set_mode(self, mode: str, user_id: str = "") -> None:
        self.mode, self.user_id = mode, user_id
        mark = MODE_MARKS.get(mode, "")
        if self.recorded_day:
            mark, user_id = f"{mark} {self.recorded_day}", ""
        # The name last: Qt adds it there itself to a title that does not end with it.
        said = mark if mode == "live" else say(mark)  # what is armed begins with its own word in every language
        parts = [said, user_id, "" if self._profile == "default" else self._profile, "AlphaPanda"]
        self.setWindowTitle(" — ".join(part for part in parts if part))
        self.strip.show_mode(mode)
        if self.guide is not None:
            self.guide.meet_mode(mode)
        elif mode == "practice" and self.remembered.guide:
            self.show_guide()

    def show_guide(self) -> None:
        """The guided first run, from its beginning."""
        from alphapanda_desktop.ui.guide import Guide

        if self.guide is None:
            self.guide = Guide(self, self._edge, self._parts)
        self.guide.begin()

    def show_busy(self, text: str, *, stoppable: bool = True) -> None:
        self._busy.tell(text, stoppable=stoppable)
        self.centre.setCurrentWidget(self._busy)

    def show_welcome(self, check: CheckKeys, mode: str = "") -> WelcomePage:
        """The first page; for a mode that is settled, only its account."""
        from alphapanda_desktop.ui.welcome import WelcomePage

        page = WelcomePage(check, self._edge, self.centre, mode)
        page.recording_wanted.connect(self.ask_recording)
        self._show_page(page)
        if not mode:
            self.show_guide()
        return page

    def show_problem(self, title: str, text: str, retry: Callable[[], None] | None) -> None:
        self._show_page(ProblemPage(self._edge, title, text, retry, self.centre))

    def _show_page(self, page: QWidget) -> None:
        self._drop_pages()
        self.centre.addWidget(page)
        self.centre.setCurrentWidget(page)

    def _drop_pages(self) -> None:
        keep = (self._busy, self._login, self.view.chart if self.view else None)
        for number in reversed(range(self.centre.count())):
            page = self.centre.widget(number)
            if page is not None and page not in keep:
                self.centre.removeWidget(page)
                page.deleteLater()

    def show_login(self, gate: SessionGate, plan: LoginPlan) -> LoginView:
        """The login over the centre; panels stay where they are."""
        if self._login is not None:
            self.centre.setCurrentWidget(self._login)
            return self._login
        self._gate = gate
        self.dockyard()
        from alphapanda_desktop.ui.login import LoginView

        login = LoginView(gate, plan, self._edge, self.centre)
        self._login = login
        self._show_page(login)
        if self.guide is not None:
            self.guide.meet_login(gate, login)
        if plan.web:
            login.open_web()
            self.deck.keep_over_windows()
        return login

    @property
    def login(self) -> LoginView | None:
        return self._login

    async def hide_login(self) -> None:
        """Take the login down, and show what is behind it."""
        login, self._login = self._login, None
        if login is None:
            return
        self.centre.setCurrentWidget(self.view.chart if self.view else self._busy)
        await login.aclose()
        self.centre.removeWidget(login)
        login.deleteLater()

    def remember(self, name: str, value: object) -> None:
        """Keep this for the next run; the disk's refusal is told."""
        self.remembered.keep(self._edge, name, value)

    def show_desk(self, parts: DeskParts) -> None:
        """Build the panels and show them."""
        for _step in self._build_desk(parts):
            pass

    async def open_desk(self, parts: DeskParts) -> None:
        """`show_desk`, which gives the loop its turn after each panel."""
        import asyncio

        for _step in self._build_desk(parts):
            await asyncio.sleep(BREATH_S)

    def _build_desk(self, parts: DeskParts) -> Iterator[None]:
        from alphapanda_desktop.ui.desk import DeskView

        self._parts, self._gate = parts, parts.gate
        if parts.transport is not None:
            self.recorded_day = ist_day(parts.transport.begin_ns / 1e9)
        self.set_mode(parts.mode, parts.user_id)
        if self.view is not None and self.workspaces is not None:
            self.workspaces.keep()
            self.view.leave()
        view = DeskView(self, parts, self._edge)
        yield from view.build()
        yield
        self.view = view
        if parts.transport is not None:
            from alphapanda_desktop.ui.replayface import wear

            self.replay = wear(self, parts.transport, parts, view, self._edge)
            yield
        self.centre.addWidget(view.chart)
        self.centre.setCurrentWidget(view.chart)
        from alphapanda_desktop.ui.workspacedesk import stand_up

        self.workspaces = stand_up(self, view.charts, self._edge)
        yield
        self.database = parts.database
        self._status["database"].tell(say(f"journal {parts.database.rsplit('/', 1)[-1]}"), parts.database)
        self._show_sheets(parts, view)
        if self.guide is not None:
            self.guide.meet_desk(parts, view)
        connect(parts.desk.state_changed, self, lambda _state: self._refresh_strip())
        self._edge.frames.add(self.strip, self._show_pnl)
        self._refresh_strip()

    def _show_sheets(self, parts: DeskParts, view: DeskView) -> None:
        from alphapanda_desktop.ui.desksheets import DeskSheets
        from alphapanda_desktop.ui.liveframe import frame_of
        from alphapanda_desktop.ui.scale import settle

        self.sheets = sheets = DeskSheets(self, parts, self.deck, self._edge)
        self.menus.show_desk(parts, view, sheets)
        sheets.start()
        if told := settle(self, self.remembered.scale, self.remember):
            self.notify(told, "warning")
        connect(parts.desk.kill.changed, self, self._refresh_strip)
        view.strategies.follow_coverage(parts.coverage)
        self.strip.show_gauges(parts.desk.governor)
        self.strip.show_algos(parts.runner)
        connect(parts.arming.changed, self, self._refresh_strip)
        frame_of(self, self._edge).follow(parts.arming)
        self.strip.kill_pressed.connect(sheets.press_kill)
        self.strip.release_pressed.connect(sheets.show_kill)
        self.strip.differences_pressed.connect(sheets.show_differences)
        self.strip.coverage_pressed.connect(sheets.show_coverage)
        self._sleep.sleeping.connect(lambda: sheets.ask_before_sleep(self._sleep.let_sleep))
        self._sleep.start()

    def show_why(self, ref: str) -> None:
        """Answer "why this order?" for a tag or an order id."""
        if self.sheets is not None:
            self.sheets.show_why(ref)

    def show_backtest(self) -> None:
        """The backtest window, as it was left."""
        self._edge.spawn("open the backtest window", self._open_backtest())

    async def _open_backtest(self) -> None:
        made = await self.backtest_window()
        if made is not None:
            made.come_forward()

    async def backtest_window(self) -> BacktestWindow | None:
        """The backtest window, shown or not, of the desk that is open."""
        from alphapanda_desktop.ui.companions import backtest_of

        if self._parts is not None and self._parts.bench is not None:
            self.backtest = backtest_of(self, await self._parts.bench(), self._edge)
        return self.backtest

    def come_forward(self) -> None:
        """Show the window above others: a second launch was asked for."""
        self.setWindowState((self.windowState() & ~Qt.WindowState.WindowMinimized) | Qt.WindowState.WindowActive)
        self.show()
        self.raise_()
        self.activateWindow()

    def dock(self, name: str, title: str, widget: QWidget, area: Qt.DockWidgetArea, *, passing: bool = False) -> Dock:
        """A dock that can be moved and torn off but not lost, behind the tabs of its side; `passing`, it can be closed.

        Only behind the login: the docking library comes with the first.
        """
        return self.dockyard().add(name, title, widget, area, passing=passing)

    def dockyard(self) -> Docks:
        """All docks, around the centre."""
        if self.docks is None:
            from alphapanda_desktop.ui.docks import Docks

            self.docks = Docks(self, self.centre, self._edge)
            self.docks.changed.connect(self._follow_centre)
            self._follow_centre()
        return self.docks

    def _follow_centre(self) -> None:
        """Sheets lie over the centre wherever that comes to stand."""
        for holder in self.dockyard().around_centre():
            self.deck.keep_under(holder)

    def notify(self, text: str, level: str = "info") -> None:
        """A notice in the status bar, and in the log where there is one."""
        self.statusBar().showMessage(say(text), NOTICE_MS)
        if self.view is not None:
            self.view.log.add(text, level)

    # -- what the person does --------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        """A person who closes the window is asked first where that matters; the program's own `close` is not."""
        event.ignore()
        if event.spontaneous():
            self.ask_to_close()
        else:
            self._leave()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """What no panel has taken; a sheet's keys are not for what lies beneath it."""
        view, key = self.view, event.text().upper()
        beneath = view is not None and not (self.deck.has_keyboard or view.ticket.isVisible())
        if view is not None and beneath and key in SIDES:
            view.order_here(SIDES[key])
        elif view is not None and beneath and key == "/":
            view.search()
        elif key == "?" and not self.deck.has_keyboard:
            self.menus.show_keys()
        else:
            super().keyPressEvent(event)

    def ask_recording(self) -> None:
        """Ask which recorded day to open; it gets a window of its own, for a program has one mode for life."""
        from alphapanda_desktop.ui.recordingsheet import RecordingsSheet

        sheet = self.deck.find("recordings_sheet")
        if not isinstance(sheet, RecordingsSheet):
            sheet = RecordingsSheet(self.recorded_days(), self._edge, self)
            sheet.wanted.connect(self.recordings_wanted.emit)
        self.deck.lay(sheet)

    def ask_to_close(self) -> None:
        """End the program, after a question where strategies run or stops live only in it."""
        if self.sheets is not None:
            self.sheets.ask_to_leave(self._leave)
        else:
            self._leave()

    def _leave(self) -> None:
        self.remember_layout()
        self.closed.emit()

    def remember_layout(self) -> None:
        """Keep how the docks stand."""
        if self.workspaces is not None:  # without the panels there is no layout, only the loss of the last one
            self.workspaces.keep_now()

    def set_theme(self, name: str = "", pair: str = "") -> None:
        """Other colours, at once: dark or light, and the pair of what rises and falls; what is empty stays."""
        from alphapanda_desktop.ui.recolour import choose

        choose(self._edge, self.remember, name, pair)

    # -- the strip -------------------------------------------------------------------------------------------

    def _show_pnl(self) -> None:
        if self._parts is not None:
            self.strip.show_pnl(self._parts.desk.net())

    def _refresh_strip(self) -> None:
        gate, parts = self._gate, self._parts
        if self.recorded_day:
            self.strip.show_recorded_day(self.recorded_day)
        else:
            self.strip.show_session(self.user_id, gate.seconds_left() if gate is not None else None)
        if parts is None:
            return
        market, desk = parts.market, parts.desk
        link, is_open = market.link, not (parts.real_hours and parts.phase().startswith("closed"))
        self.strip.show_feed(link.state, market.ticks_per_s, link.detail, market.silence_s, is_open=is_open)
        self.strip.show_arming(parts.arming)
        if desk.ready:
            armed = parts.arming.why_not()
            self.strip.show_desk("disarmed" if armed else "desk ready", "warn" if armed else "good")
        else:
            self.strip.show_desk(f"desk {desk.state}", "warn")
        self._status["clock"].setText(say(f"IST {ist_time(market.now())}"))
        self._status["phase"].setText(say(parts.phase()))
