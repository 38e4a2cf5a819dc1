"""Price alerts on a chart's price axis: lines that are pulled elsewhere, and taken away, with the mouse or the keys."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtCore import QObject

from alphapanda_desktop.domain.alerts import Alert, Kind
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.trading.alerts import AlertBook
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.orderlines import OrderLine
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.words import say


class AlertLines(QObject):
    """Keeps the alerts of one chart; owned by it. An alert that was moved is armed at its new level at once."""

    def __init__(self, chart: ChartView, book: AlertBook, edge: Edge) -> None:
        super().__init__(chart)
        self._chart, self._book, self._edge = chart, book, edge
        connect(book.changed, self, self.show)
        chart.instrument_changed.connect(self.show)
        chart.alert_moved.connect(self._move)
        chart.alert_removed.connect(self._remove)
        self.show()

    def show(self) -> None:
        """Draw those that are armed on the instrument that is charted."""
        instrument = self._chart.instrument
        self._chart.set_alerts(list(self._lines(instrument)) if instrument is not None else ())

    def _lines(self, instrument: Instrument) -> Iterator[OrderLine]:
        for alert in self._book.alerts:
            if alert.rule.kind is Kind.PRICE and alert.rule.key == instrument.key and alert.armed:
                yield OrderLine("alert", alert.id, "level", alert.rule.level, "BUY", _words(alert))

    def _move(self, line: OrderLine, price: float) -> None:
        instrument = self._chart.instrument
        if instrument is not None:
            self._edge.spawn(f"move {line.name}", self._moved(line, price, instrument))

    async def _moved(self, line: OrderLine, price: float, instrument: Instrument) -> None:
        before, now = (formats.price(level, instrument.decimals) for level in (line.price, price))
        try:
            await self._book.move(line.ref, price)
        except AlphaPandaError as error:
            self._edge.notify(str(error), "warning")
        else:
            self._edge.notify(say(f"Alert on {instrument.tradingsymbol}: {before} → {now}"), "info")
        finally:
            self._chart.let_go_of_line()

    def _remove(self, line: OrderLine) -> None:
        self._edge.spawn(f"remove {line.name}", self._book.remove(line.ref))


def _words(alert: Alert) -> str:
    arrow = {"either": "↕", "above": "▲", "below": "▼"}[alert.rule.direction]
    note = f" · {alert.rule.note[:24]}" if alert.rule.note else ""
    return f"⚑ {say('Alert')} {arrow}{note}"
