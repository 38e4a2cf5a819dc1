"""A field for a price that its instrument's exchange would take."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.ui.forms import NumberSpin

PRICE_MAX: Final = 10_000_000.0


class PriceSpin(NumberSpin):
    """A price in rupees that steps and snaps to the instrument's tick. Signal: `snapped(text)` says what was moved."""

    snapped = Signal(str)

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._instrument: Instrument | None = None
        self.setRange(0.0, PRICE_MAX)
        self.setAlignment(Qt.AlignmentFlag.AlignRight)
        self.setGroupSeparatorShown(True)
        self.editingFinished.connect(self._snap)

    def suit(self, instrument: Instrument) -> None:
        """Step and snap as this instrument trades."""
        self._instrument = instrument
        self.setDecimals(instrument.decimals)
        self.setSingleStep(instrument.tick_size or 0.05)

    def start_at(self, price: float) -> None:
        """Show the tick next to this price, without a word about it."""
        self.setValue(price if self._instrument is None else self._instrument.snap(price))

    def stepBy(self, steps: int) -> None:
        self._snap()
        super().stepBy(steps)
        self._snap()

    def _snap(self) -> None:
        if self._instrument is None or self._instrument.on_tick(self.value()):
            return
        typed = self.text()
        self.setValue(self._instrument.snap(self.value()))
        self.snapped.emit(f"{typed} is not a multiple of the tick of {self._instrument.tick_size:g}: now {self.text()}")
