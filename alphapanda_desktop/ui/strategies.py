"""The strategies panel: what is asked of all, a form that starts a run, people's own files, and a card for each run.

Object names for the tour: `strategy_new` (opens and closes the form), and those of `ui.strategybar`,
`ui.strategyform`, `ui.strategyfiles` and `ui.runcard`.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.runcard import RunCard
from alphapanda_desktop.ui.strategybar import StrategyBar
from alphapanda_desktop.ui.strategyfiles import FilesBox, StrategyFiles, quiet_toggle
from alphapanda_desktop.ui.strategyform import StartForm, products_for
from alphapanda_desktop.ui.tallscroll import TallScroll
from alphapanda_desktop.ui.words import count_of, say

if TYPE_CHECKING:
    from alphapanda_desktop.trading.coverage import StopCoverage

__all__ = ["StrategiesPanel", "products_for"]

REFRESH_FRAMES: Final = 8
"""Cards follow prices about four times a second; a frame is 33 ms."""


class StrategiesPanel(QWidget):
    """The form and the files above the cards, newest run first."""

    def __init__(
        self,
        runner: Runner,
        market: Market,
        desk: Desk,
        edge: Edge,
        parent: QWidget | None = None,
        *,
        mode: str = "",
        files: StrategyFiles | None = None,
    ) -> None:
        super().__init__(parent)
        self._runner = runner
        self._market = market
        self._desk = desk
        self._edge = edge
        self._mode = mode
        self._files = files
        self._frames = 0
        self._changed: set[str] = set()
        self._coverage: StopCoverage | None = None
        self._books_changed = True
        self.cards: dict[str, RunCard] = {}
        self._build()
        self._show_cards()
        connect(runner.changed, self, self._on_changed)
        connect(desk.state_changed, self, self._on_desk)
        connect(desk.halted_changed, self, self._on_desk)
        connect(desk.order_changed, self, self._on_books)
        connect(desk.positions_changed, self, self._on_books)
        connect(desk.differences.changed, self, self._on_differences)
        if files is not None:
            connect(files.changed, self, self._on_files)
        edge.frames.add(self, self._frame)

    def _build(self) -> None:
        self.bar = StrategyBar(self._runner, self._edge, self)
        self.bar.filtered.connect(self._filter)
        self.bar.entered.connect(self._open_form)
        self.new = QToolButton(self)
        self.new.setObjectName("strategy_new")
        self.new.setCheckable(True)
        self.new.setChecked(True)
        self.new.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.new.setStyleSheet(quiet_toggle(self._edge))
        self.new.toggled.connect(self._show_form)
        self.form = StartForm(self._runner, self._market, self._desk, self._edge, self, self._files)
        self.form.started.connect(lambda: self.new.setChecked(False))
        self.files = FilesBox(self._files, self._edge, self) if self._files is not None else None
        self.empty = Words(say("No strategy was started today."), self)
        self.empty.setWordWrap(True)
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.empty.setStyleSheet(f"color: {self._edge.theme.muted}; padding: 14px;")
        self._build_column()
        self._show_form(True)

    def _build_column(self) -> None:
        inside = QWidget(self)
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(6, 2, 6, 6)
        self._column.setSpacing(6)
        for widget in (self.new, self.form, self.files, self.empty):
            if widget is not None:
                self._column.addWidget(widget)
        self._column.addStretch(1)
        self.area = TallScroll(inside, self)
        self.area.setAccessibleName(say("Strategies"))
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.bar)
        whole.addWidget(self.area, 1)

    def _show_form(self, shown: bool) -> None:
        self.new.setText(say("▾ New run" if shown else "▸ New run"))
        self.form.setVisible(shown)

    def _open_form(self) -> None:
        self.new.setChecked(True)
        self.form.pick.setFocus()

    def set_default_instrument(self, instrument: Instrument) -> None:
        """The chart's instrument is what the next run is offered."""
        self.form.set_default_instrument(instrument)

    def _fill_form(self, fill: Callable[[Run], None], run: Run) -> None:
        """Open the form, filled in from a run, where it can be seen."""
        self.new.setChecked(True)
        fill(run)
        self.area.verticalScrollBar().setValue(0)

    # -- cards -----------------------------------------------------------------------------------------------

    def _show_cards(self) -> None:
        for run in reversed(self._runner.runs):
            if run.run_id not in self.cards:
                self._add_card(run)
        self._filter_cards()

    def _add_card(self, run: Run) -> None:
        card = RunCard(run, self._runner, self._market, self._desk, self._edge, self, self._mode, self._files)
        card.coverage = self._coverage
        card.again_wanted.connect(partial(self._fill_form, self.form.again))
        card.clone_wanted.connect(partial(self._fill_form, self.form.clone))
        self.cards[run.run_id] = card
        self._books_changed = True
        self._column.insertWidget(self._column.indexOf(self.empty) + 1, card)
        self._put_first(card)

    def _put_first(self, card: RunCard) -> None:
        """Tab goes through the newest card first, as the eye does."""
        before: QWidget = (self.files or self.form).last_field
        for widget in card.findChildren(QWidget):
            # A combo box has a window of its own inside, for its list.
            if widget.focusPolicy() & Qt.FocusPolicy.TabFocus and widget.window() is before.window():
                QWidget.setTabOrder(before, widget)
                before = widget

    def _filter(self, text: str) -> None:
        """Show the cards, and offer the strategies, that the words fit."""
        strategies = self.form.filter(text)
        cards = self._filter_cards()
        found = f"{strategies} {'strategy' if strategies == 1 else 'strategies'}, {count_of(cards, 'run')}"
        self.bar.tell_found(found if text.strip() else "")

    def _filter_cards(self) -> int:
        words = self.bar.filter.text().lower().split()
        fitting = [card for card in self.cards.values() if card.fits(words)]
        for card in self.cards.values():
            card.setVisible(card in fitting)
        self.empty.setText(say("No strategy was started today." if not self.cards else "No run fits these words."))
        self.empty.setVisible(not fitting)
        return len(fitting)

    def _on_changed(self, run_id: str) -> None:
        self._changed.add(run_id)
        if run_id not in self.cards:
            self._show_cards()
        if run_id in self.cards:
            self.cards[run_id].follow_state()

    def follow_coverage(self, coverage: StopCoverage | None) -> None:
        """Show on each card what stops protect of its positions."""
        self._coverage = coverage
        for card in self.cards.values():
            card.coverage = coverage
            card.refresh()

    def _on_files(self) -> None:
        """A file was saved, enabled, or went away."""
        self.form.show_strategies()
        self.form.judge()
        for card in self.cards.values():
            card.file.forget()

    def _on_desk(self, _state: object) -> None:
        self._on_differences()

    def _on_books(self, _order: object = None) -> None:
        self._books_changed = True

    def _on_differences(self) -> None:
        """What holds strategies back has changed."""
        self.form.judge()
        for card in self.cards.values():
            card.follow_state()

    # -- frames ----------------------------------------------------------------------------------------------

    def _frame(self) -> None:
        if self._books_changed:  # asked once for all cards: it goes through the day's fills
            self._books_changed, unread = False, self._desk.books.lacks_fills()
            for card in self.cards.values():
                card.fills_unread = unread
                card.left.refresh()
        for card in self.cards.values():
            card.show_pnl()  # with every frame, as the books and the strip do: the figures must agree
        nets = [card.net for card in self.cards.values()]
        self.bar.show_net(None if None in nets else sum(net for net in nets if net is not None))
        self._frames = (self._frames + 1) % REFRESH_FRAMES
        if not self._frames:
            self._refresh()

    def _refresh(self) -> None:
        changed, self._changed = self._changed, set()
        for run_id, card in self.cards.items():
            if run_id in changed or not card.run.state.over:
                card.refresh()
            elif not card.left.isHidden():
                card.left.refresh()  # other runs may take it over now, or not any more
        self.bar.refresh()
        if self.form.isVisible():
            self.form.judge()
