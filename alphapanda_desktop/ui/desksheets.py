"""The sheets of an open desk, and when each comes by itself: the kill switch's, differences, limits, why, coverage."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.ui.coveragesheet import ClosingSheet, CoverageSheet, Leaving
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.killsheet import KillSheet
from alphapanda_desktop.ui.limitssheet import LimitsSheet
from alphapanda_desktop.ui.preflightsheet import PreflightSheet
from alphapanda_desktop.ui.reconcilesheet import ReconcileSheet
from alphapanda_desktop.ui.sheet import Sheet, SheetDeck
from alphapanda_desktop.ui.whysheet import WhySheet

if TYPE_CHECKING:
    from alphapanda_desktop.ui.reports import ReviewWindow
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow

BY_HAND: Final = "kill switch pressed"
REPORTS: Final = "reports"
"""Folder beside the journal in which kill reports and trails are saved."""


class DeskSheets:
    """Builds each sheet when it is asked for and lays it over the window's centre; owned by the window."""

    def __init__(self, window: MainWindow, parts: DeskParts, deck: SheetDeck, edge: Edge) -> None:
        self._window = window
        self._parts = parts
        self._deck = deck
        self._edge = edge
        self._folder = Path(parts.database).parent / REPORTS
        self._told: set[str] = set()
        self._review: ReviewWindow | None = None

    def start(self) -> None:
        """Follow the desk from now on."""
        window, parts = self._window, self._parts
        connect(parts.desk.differences.changed, window, self._differences_changed)
        connect(parts.desk.kill.changed, window, self.show_state)
        if parts.coverage is not None:
            connect(parts.coverage.changed, window, self._coverage_changed)
            self._coverage_changed()
        self.show_state()
        self._differences_changed()

    def _lay(self, name: str, make: Callable[[], Sheet]) -> Sheet:
        """The open sheet of that name, or a new one, on top."""
        sheet = self._deck.find(name) or make()
        self._deck.lay(sheet)
        return sheet

    # -- kill switch -----------------------------------------------------------------------------------------

    def press_kill(self) -> None:
        """Stop strategies and cancel orders at once, and show it; what happens to positions is asked on the sheet."""
        self._edge.spawn("kill", self._parts.desk.kill.press(BY_HAND, flatten=False))
        self.show_kill()

    def show_kill(self) -> None:
        """The kill switch's state, its last report, and its release."""
        desk = self._parts.desk
        self._lay("kill_sheet", lambda: KillSheet(desk.kill, desk.positions, self._folder, self._edge, self._window))

    def show_state(self) -> None:
        """What the latch lets pass, on the strip."""
        kill = self._parts.desk.kill
        self._window.strip.show_trading(kill.state, kill.why)
        self._window.menus.show_latch(kill.state)

    def reduce(self) -> None:
        """Let only orders pass that shrink a position."""
        if self._parts.desk.kill.state is TradingState.ACTIVE:
            self._edge.spawn("reduce", self._parts.desk.kill.reduce("asked by hand"))

    # -- differences, limits, why ----------------------------------------------------------------------------

    def show_differences(self) -> None:
        """Where the journal and the broker disagree."""
        self._lay("reconcile_sheet", lambda: ReconcileSheet(self._parts.desk, self._edge, self._window))

    def _differences_changed(self) -> None:
        """A red row that was not shown before brings the sheet up; one that was taken away unread stays away."""
        red = self._parts.desk.differences.red_open()
        self._window.strip.show_differences(len(red))
        new = {row.id for row in red} - self._told
        self._told |= new
        if new and self._deck.find("kill_sheet") is None:
            self.show_differences()

    def show_limits(self) -> None:
        """The limits in force, to change them."""
        desk, market = self._parts.desk, self._parts.market
        today = market.now().astimezone(IST).date()
        self._lay(
            "limits_sheet",
            lambda: LimitsSheet(desk.risk, desk.governor, market.master, today, self._edge, self._window),
        )

    def show_why(self, ref: str) -> None:
        """The trail of an order, by its tag or id; without one, the sheet asks."""
        why = self._parts.why
        if why is None:
            self._edge.notify("This venue keeps no trail of its orders.", "warning")
            return
        sheet = self._lay("why_sheet", lambda: WhySheet(why, self._folder, self._edge, self._window))
        assert isinstance(sheet, WhySheet)
        if ref:
            sheet.ask(ref)

    def show_preflight(self) -> None:
        """Whether everything is ready for the day."""
        look = self._parts.preflight
        if look is not None:
            self._lay("preflight_sheet", lambda: PreflightSheet(look, self._edge, self._window))

    def show_review(self) -> None:
        """The review window, with the journal as it is now."""
        if self._parts.review is not None:
            self._edge.spawn("open the review", self._open_review())

    def show_data(self) -> None:
        """What lies on the disk, and what of it may go."""
        room = self._parts.room
        if room is not None:
            from alphapanda_desktop.ui.datamanager import DataSheet

            self._lay("data_sheet", lambda: DataSheet(room, self._edge, self._window))

    async def _open_review(self) -> None:
        made = await self.review_window()
        if made is not None:
            made.come_forward()

    async def review_window(self) -> ReviewWindow | None:
        """The review window, shown or not."""
        if self._parts.review is None:
            return None
        review = await self._parts.review()
        if self._review is None:
            from alphapanda_desktop.ui.reports import ReviewWindow

            old = self._window.findChild(ReviewWindow)
            if old is not None:  # of a desk that is closed, and with it the journal it wrote to
                old.hide()
                old.setParent(None)
                old.deleteLater()
            self._review = ReviewWindow(review, self._edge, self._window)
            self._window.closed.connect(self._review.keep_words)
            if self._window.workspaces is not None:
                self._window.workspaces.companions.place("review", self._review)
        return self._review

    # -- stop coverage, and leaving with it ------------------------------------------------------------------

    def show_coverage(self) -> None:
        """How much of each position a stop protects, and where."""
        coverage = self._parts.coverage
        if coverage is None:
            self._edge.notify("Stop coverage is not known here.", "warning")
            return
        self._edge.spawn("read GTTs", coverage.refresh())
        self._lay("coverage_sheet", lambda: CoverageSheet(coverage, self._edge, self._window))

    def _coverage_changed(self) -> None:
        if self._parts.coverage is not None:
            self._window.strip.show_coverage(len(self._parts.coverage.app_only()))

    def leaving(self) -> Leaving:
        """What ends, or is left alone, when the program ends now."""
        desk, runner, coverage = self._parts.desk, self._parts.runner, self._parts.coverage
        return Leaving(
            runs=tuple(desk.name_of_run(run.run_id) for run in runner.runs if not run.state.over),
            app_only=tuple(coverage.app_only()) if coverage is not None else (),
            positions=sum(position.quantity != 0 for position in desk.positions()),
            working=sum(order.live for order in desk.orders()),
            replayed=self._parts.transport is not None,
        )

    def ask_to_leave(self, leave: Callable[[], None]) -> None:
        """Leave now, or ask first where strategies run or stops live only in this program."""
        leaving = self.leaving()
        if not leaving.matters:
            leave()
            return
        self._ask(leaving, "Close", leave)

    def ask_before_sleep(self, go_on: Callable[[], None]) -> None:
        """The machine is about to sleep: ask where stops live only in this program, else let it at once."""
        leaving = Leaving(app_only=self.leaving().app_only)
        if leaving.matters:
            self._ask(leaving, "Sleep", go_on)
        else:
            go_on()

    def _ask(self, leaving: Leaving, what: str, agreed: Callable[[], None]) -> None:
        old = self._deck.find("closing_sheet")
        if old is not None:  # what it says may have changed since
            old.dismiss()
        sheet = ClosingSheet(leaving, self._parts.coverage, self._edge, self._window, what)
        sheet.agreed.connect(agreed)
        self._deck.lay(sheet)
