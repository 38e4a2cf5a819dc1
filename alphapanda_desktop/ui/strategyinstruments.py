"""The instruments of a run that is to be started: chosen one by one, or the chart's as long as none was."""

from __future__ import annotations

from collections.abc import Iterable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QToolButton, QVBoxLayout, QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import as_tip
from alphapanda_desktop.ui.search import SearchBox
from alphapanda_desktop.ui.words import say


class InstrumentsField(QWidget):
    """A chip for each instrument, and a search that adds one; its list of finds lies over `over`.

    Signal: `changed()` after any change of the choice.
    """

    changed = Signal()

    def __init__(self, market: Market, edge: Edge, over: QWidget, parent: QWidget) -> None:
        super().__init__(parent)
        self._default: Instrument | None = None
        self._chosen_by_hand = False
        self.chosen: list[Instrument] = []
        """What the next run would be started on."""
        self._chips = QGridLayout()
        self._chips.setSpacing(4)
        self.search = SearchBox(market.master, edge.theme, over)
        self.search.setObjectName("strategy_search")
        self.search.setPlaceholderText(say("Add an instrument: INFY, NIFTY …"))
        self.search.setAccessibleName(say("Add an instrument to the strategy"))
        self.search.picked.connect(self.add)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(6)
        box.addLayout(self._chips)
        box.addWidget(self.search)

    def offer(self, instrument: Instrument) -> None:
        """Take this one unless others were chosen by hand."""
        self._default = instrument
        if not self._chosen_by_hand:
            self._take([instrument])

    def offer_other_than(self, keys: set[str]) -> None:
        """Begin anew with what is offered, where it is none of these; else with none at all."""
        self._chosen_by_hand = False
        default = self._default
        self._take([] if default is None or default.key in keys else [default])

    def choose(self, instruments: Iterable[Instrument]) -> None:
        """Take these, as if they were chosen one by one."""
        self._chosen_by_hand = True
        self._take(list(instruments))

    def add(self, instrument: Instrument) -> None:
        """Add one more; the first chosen by hand takes the place of the one that was offered."""
        before = self.chosen if self._chosen_by_hand else []
        self._chosen_by_hand = True
        self._take([*(i for i in before if i.key != instrument.key), instrument])

    def remove(self, instrument: Instrument) -> None:
        """Take one away; without any chosen by hand the chart's is offered again."""
        left = [i for i in self.chosen if i.key != instrument.key]
        back = self._default if self._chosen_by_hand and not left else None
        self._chosen_by_hand = bool(left)
        self._take([back] if back is not None else left)

    def _take(self, instruments: list[Instrument]) -> None:
        self.chosen = instruments
        while (item := self._chips.takeAt(0)) is not None:
            gone = item.widget()
            if gone is not None:
                gone.setParent(None)
                gone.deleteLater()
        for place, instrument in enumerate(instruments):
            self._chips.addWidget(self._chip(instrument), place // 2, place % 2)
        self.changed.emit()

    def _chip(self, instrument: Instrument) -> QToolButton:
        chip = QToolButton(self)
        chip.setObjectName(f"strategy_instrument_{instrument.key}")
        chip.setText(f"{instrument.tradingsymbol}  ×")
        chip.setToolTip(as_tip(say(f"{instrument.key}: click to take it away")))
        chip.setAccessibleName(say(f"Take {instrument.key} away"))
        chip.clicked.connect(lambda _checked=False: self.remove(instrument))
        return chip
