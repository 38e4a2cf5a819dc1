"""Alerts in the window: the menu, the sheet that sets one, and how the news of one gets to a person.

A piece of news is told as often as the settings say: a toast in the window, a line in the log, the system's own
notification where there is a tray, a sound. Each names the mode.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtGui import QKeySequence
from PySide6.QtWidgets import QMenu

from alphapanda_desktop.domain.alerts import LOGIN, Firing, Kind, Rule
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.trading.alerts import AlertBook
from alphapanda_desktop.ui.alerts import AlertsPanel
from alphapanda_desktop.ui.alertsheet import AlertSheet
from alphapanda_desktop.ui.deliverysheet import DeliverySheet
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.question import MODE_ROLES
from alphapanda_desktop.ui.sound import Chime
from alphapanda_desktop.ui.strip import MODE_MARKS
from alphapanda_desktop.ui.systemnotice import SystemNotice
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.toasts import Toasts
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from collections.abc import Callable

    from alphapanda_desktop.domain.instruments import Instrument
    from alphapanda_desktop.domain.market import Interval
    from alphapanda_desktop.ui.chart.studies import Study
    from alphapanda_desktop.ui.shell import DeskParts, MainWindow

NEW_KEY: Final = "Ctrl+Shift+A"
ROLES: Final[dict[Kind, Role]] = {Kind.ORDER: "accent", Kind.FEED: "danger", Kind.SESSION: "danger"}
"""The colour of a toast's edge; the mode's mark and the words say the rest."""

USUAL: Final = (
    Rule(kind=Kind.ORDER, event="rejected", repeat=True),
    Rule(kind=Kind.ORDER, event="unknown", repeat=True),
    Rule(kind=Kind.SESSION, event=LOGIN, level=15.0, repeat=True),
    Rule(kind=Kind.FEED, level=30.0, repeat=True),
)
"""What nearly everybody wants to be told of."""


@dataclass(slots=True)
class Ways:
    """By which ways news comes, as the settings say."""

    toast: bool = True
    sound: bool = True
    tray: bool = True


class AlertDesk:
    """Ties one book to the window for as long as its panel lives; owned by the view of the desk.

    What an alert tells stays in the history until somebody has acknowledged it.
    """

    def __init__(self, window: MainWindow, parts: DeskParts, book: AlertBook, edge: Edge) -> None:
        self._window = window
        self._parts = parts
        self._book = book
        self._edge = edge
        self.mark = MODE_MARKS.get(parts.mode, parts.mode)
        self.ways = parts.alert_ways or Ways()
        self.chime = Chime(Path(parts.database).parent)
        self.system = SystemNotice(window, self._come_forward)
        self.panel = AlertsPanel(book, edge, parts.mode)
        self.panel.new_wanted.connect(self.ask_new)
        self.toasts = Toasts(window, window.centre, edge)
        window.deck.keep_over(self.toasts)
        connect(book.fired, self.panel, self._tell)
        connect(book.noticed, self.panel, lambda text: edge.notify(text, "warning"))
        self._add_menu()

    def _add_menu(self) -> None:
        bar = self._window.menuBar()
        menu = bar.findChild(QMenu, "alerts_menu")
        if menu is None:
            menu = QMenu(say("&Alerts"), bar)
            menu.setObjectName("alerts_menu")
            bar.insertMenu(bar.actions()[-1], menu)
        menu.clear()
        new = menu.addAction(say("&New alert…"), self.ask_new)
        new.setShortcut(QKeySequence(NEW_KEY))
        menu.addAction(say("Set the &usual alerts (rejections, unanswered orders, login, feed)"), self._set_usual)
        if self._parts.deliveries is not None:
            menu.addAction(say("By &Telegram and e-mail…"), self.show_delivery)
        menu.addSeparator()
        # The panel hears these keys: here they are only told.
        menu.addAction(say("&Arm the selected alert again\tR"), self.panel.arm_selected)
        menu.addAction(say("&Remove the selected alert\tDel"), self.panel.remove_selected)
        menu.addAction(say("Acknowledge the &selected news\tA"), self.panel.see_selected)
        menu.addAction(say("Acknowledge a&ll news\tShift+A"), self.panel.see_all)
        self.menu = menu

    # -- setting ---------------------------------------------------------------------------------------------

    def ask_new(self) -> None:
        """A sheet for a new alert on what is on the chart that had the keyboard last."""
        view = self._window.view
        active = view.charts.active.chart if view is not None else None
        self.ask_about(active.instrument if active is not None else None)

    def ask_about(self, instrument: Instrument | None, level: float | None = None) -> None:
        """A sheet for a new alert on this instrument, at this price where one was pointed at."""
        made = self._new_sheet(instrument)
        if level is not None:
            made.level.setValue(level)
        self._window.deck.lay(made)

    def ask_on(self, instrument: Instrument | None, study: Study, interval: Interval | None) -> None:
        """A sheet for a new alert on an indicator as it stands on a chart of this instrument."""
        made = self._new_sheet(instrument)
        made.look_at(study.name, study.parameters, interval)
        self._window.deck.lay(made)

    def _new_sheet(self, instrument: Instrument | None) -> AlertSheet:
        window = self._window
        sheet = window.deck.find("alert_sheet")
        if sheet is not None:
            sheet.dismiss()
        return AlertSheet(self._book, self._parts.market.master, self._parts.mode, self._edge, window, instrument)

    def show_delivery(self) -> None:
        """Where alerts go outside this computer."""
        keeper, deck = self._parts.deliveries, self._window.deck
        if keeper is not None:
            deck.lay(deck.find("delivery_sheet") or DeliverySheet(keeper, self._edge, self._window))

    def _set_usual(self) -> None:
        self._edge.spawn("usual alerts", self._add_usual())

    async def _add_usual(self) -> None:
        """Those that are not set yet; what is so already is not."""
        there = [alert.rule for alert in self._book.alerts]
        count = 0
        for rule in USUAL:
            if rule in there:
                continue
            try:
                await self._book.add(rule)
                count += 1
            except Refused as refusal:
                self._edge.notify(str(refusal), "warning")
        self._edge.notify(f"{count} of the {len(USUAL)} usual alerts were set now.", "info")

    # -- telling ---------------------------------------------------------------------------------------------

    def _tell(self, firing: Firing) -> None:
        text = f"{self.mark} · {firing.text}"
        self._edge.notify(f"Alert: {text}", "warning")
        if self.ways.toast:
            roles = ROLES.get(firing.kind, "warn"), MODE_ROLES.get(self._parts.mode, "text")
            self.toasts.show_toast(f"{self.mark} · Alert", firing.text, roles, self._seen(firing))
        if self.ways.sound:
            self.chime.ring()
        if self.ways.tray:
            self.system.show(f"AlphaPanda {self.mark}", firing.text)

    def _come_forward(self) -> None:
        self._window.come_forward()
        if self._window.view is not None:
            self._window.view.show_tab("alerts")

    def _seen(self, firing: Firing) -> Callable[[], object]:
        return lambda: self._edge.spawn("acknowledge", self._book.acknowledge(firing.id))
