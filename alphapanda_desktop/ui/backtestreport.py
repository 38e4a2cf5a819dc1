"""One backtest as it is read: charts above; figures, trades, refusals, the strategy's log and assumptions below.

Object names: `backtest_charts`, `backtest_pages`, `backtest_figures`, `backtest_trades`, `backtest_refused`,
`backtest_log`, `backtest_assumptions`, `backtest_chart_of`.
"""

from __future__ import annotations

from dataclasses import fields
from typing import Final, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QPlainTextEdit, QSplitter, QTabWidget, QVBoxLayout, QWidget

from alphapanda_desktop.backtest.report import lines_of
from alphapanda_desktop.backtest.statistics import Equity, Statistics
from alphapanda_desktop.backtest.trades import Trade
from alphapanda_desktop.domain.positions import RUPEE, to_money
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.backtestcharts import EquityCharts, Held, PricePlot
from alphapanda_desktop.ui.backtestparts import Report
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import Pick
from alphapanda_desktop.ui.longtable import LongModel
from alphapanda_desktop.ui.tables import CellModel, Column
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say


class Figure(NamedTuple):
    """One figure of a report, and of the one that it is compared with."""

    name: str
    value: str
    other: str = ""


class Line(NamedTuple):
    """A line of words with its number and time."""

    number: int
    at: str
    text: str
    more: str = ""


class TradeRow(NamedTuple):
    number: int
    trade: Trade


def figures_of(statistics: Statistics, other: Statistics | None = None) -> list[Figure]:
    """All figures in words, beside those of another."""
    beside = [value for _, value in lines_of(other)] if other is not None else [""] * len(fields(Statistics))
    both = zip(lines_of(statistics), beside, strict=False)
    return [Figure(name, _minus(value), _minus(more)) for (name, value), more in both]


def _minus(text: str) -> str:
    return text.replace("-", formats.MINUS)


def _closed(trade: Trade) -> str:
    """When it was closed; of the day on which it was opened, the time alone."""
    if trade.closed_s is None:
        return "still open"
    moment = formats.ist_moment(trade.closed_s)
    same_day = formats.ist_day(trade.opened_s) == formats.ist_day(trade.closed_s)
    return moment.rpartition(", ")[2] if same_day else moment


def _result_role(money: int) -> Role | None:
    return "up" if money > 0 else "down" if money < 0 else None


FIGURES: Final[tuple[Column[Figure], ...]] = (
    Column("Figure", lambda f: f.name, width_chars=18),
    Column("This one", lambda f: f.value, align="right", width_chars=18),
    Column("Compared with", lambda f: f.other, align="right", width_chars=18, colour=lambda _: "warn"),
    Column("", lambda _: ""),
)

TRADES: Final[tuple[Column[TradeRow], ...]] = (
    Column("#", lambda r: r.number, align="right", width_chars=5, colour=lambda _: "muted"),
    Column("Opened", lambda r: r.trade.opened_s, lambda r: formats.ist_moment(r.trade.opened_s), width_chars=22),
    Column("Closed", lambda r: r.trade.closed_s,
           lambda r: _closed(r.trade), width_chars=19, colour=lambda r: "warn" if r.trade.closed_s is None else None),
    Column("Symbol", lambda r: r.trade.key.partition(":")[2], width_chars=11, tooltip=lambda r: r.trade.key,
           elide="middle"),
    Column("Side", lambda r: "LONG" if r.trade.quantity > 0 else "SHORT", width_chars=6,
           colour=lambda r: "buy" if r.trade.quantity > 0 else "sell"),
    Column("Qty", lambda r: abs(r.trade.quantity), lambda r: formats.grouped(abs(r.trade.quantity)), "right", 7),
    Column("Entry", lambda r: r.trade.entry_price, lambda r: formats.price(r.trade.entry_price), "right", 10),
    Column("Exit", lambda r: r.trade.exit_price, lambda r: formats.price(r.trade.exit_price), "right", 10),
    Column("Charges", lambda r: r.trade.charges, lambda r: formats.grouped(r.trade.charges / RUPEE, 2), "right", 9),
    Column("Net", lambda r: r.trade.net, lambda r: formats.signed(r.trade.net / RUPEE), "right", 12,
           colour=lambda r: _result_role(r.trade.net)),
    Column("Why in", lambda r: r.trade.reason, width_chars=20, tooltip=lambda r: r.trade.reason),
    Column("Why out", lambda r: r.trade.exit_reason, width_chars=26, tooltip=lambda r: r.trade.exit_reason),
)  # fmt: skip

REFUSED: Final[tuple[Column[Line], ...]] = (
    Column("#", lambda r: r.number, align="right", width_chars=5, colour=lambda _: "muted"),
    Column("Time", lambda r: r.number, lambda r: r.at, width_chars=22),
    Column("Rule", lambda r: r.more, width_chars=22),
    Column("In words", lambda r: r.text, width_chars=110, tooltip=lambda r: r.text),
)

LOG: Final[tuple[Column[Line], ...]] = (
    Column("Time", lambda r: r.number, lambda r: r.at, width_chars=22, colour=lambda _: "muted"),
    Column("Line", lambda r: r.text, width_chars=120, tooltip=lambda r: r.text),
)


class ReportView(QWidget):
    """Shows one report, and another beside it where one is compared."""

    def __init__(self, edge: Edge, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._edge = edge
        self._report: Report | None = None
        self._build_charts()
        self._build_pages()
        split = QSplitter(Qt.Orientation.Vertical, self)
        split.addWidget(self.charts)
        split.addWidget(self.pages)
        split.setSizes([480, 300])
        split.setChildrenCollapsible(False)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.addWidget(split)

    def _build_charts(self) -> None:
        self.equity = EquityCharts(self._edge, self)
        self.price = PricePlot(self._edge, self)
        self.chart_of = Pick(self)
        self.chart_of.setObjectName("backtest_chart_of")
        self.chart_of.setAccessibleName(say("Instrument on the chart"))
        self.chart_of.currentIndexChanged.connect(lambda _place: self._show_price())
        self.charts = QTabWidget(self)
        self.charts.setObjectName("backtest_charts")
        self.charts.addTab(self.equity, say("Equity and drawdown"))
        self.charts.addTab(self.price, say("Price and trades"))
        self.charts.setCornerWidget(self.chart_of)
        self.charts.currentChanged.connect(lambda _place: self._show_price())

    def _build_pages(self) -> None:
        theme = self._edge.theme
        self.figures = LongModel(FIGURES, theme, self)
        self.trades = LongModel(TRADES, theme, self)
        self.refused = LongModel(REFUSED, theme, self)
        self.log = LongModel(LOG, theme, self)
        self.pages = QTabWidget(self)
        self.pages.setObjectName("backtest_pages")
        self.pages.addTab(self._table(self.figures, "figures", "Figures", ""), say("Figures"))
        trades = self._table(self.trades, "trades", "Trades of the backtest", "No trades.")
        trades.chosen.connect(self._show_trade)
        self.pages.addTab(trades, say("Trades"))
        self.pages.addTab(
            self._table(self.refused, "refused", "Refused orders", "No order was refused."), say("Refused")
        )
        self.pages.addTab(self._table(self.log, "log", "The strategy's log", "The strategy wrote nothing."), say("Log"))
        self.assumptions = QPlainTextEdit(self)
        self.assumptions.setObjectName("backtest_assumptions")
        self.assumptions.setAccessibleName(say("What the figures rest on"))
        self.assumptions.setReadOnly(True)
        self.pages.addTab(self.assumptions, say("Assumptions and history"))

    def _table(self, model: CellModel, name: str, title: str, empty: str) -> TableView:
        table = TableView(model, empty, self)
        table.setObjectName(f"backtest_{name}")
        table.setAccessibleName(say(title))
        table.horizontalHeader().setStretchLastSection(True)
        return table

    # -- what is shown ---------------------------------------------------------------------------------------

    def show_report(self, report: Report, other: Report | None = None) -> None:
        """Show this one; with another, both equities and both columns of figures."""
        fresh, self._report = report is not self._report, report
        played = report.played
        if other is None:
            self.equity.show_one(played.equity)
        else:
            self.equity.show_two(_side(report), _side(other))
        self.figures.show_rows(figures_of(played.statistics, other.played.statistics if other is not None else None))
        if fresh:
            self._show_lists(report)
            self._offer_charts(report)

    def _show_lists(self, report: Report) -> None:
        played = report.played
        self.trades.show_rows([TradeRow(number, trade) for number, trade in enumerate(played.trades, 1)])
        self.refused.show_rows(
            [Line(n, formats.ist_moment(r.at_s), r.text, r.rule) for n, r in enumerate(played.refused, 1)]
        )
        self.log.show_rows([Line(n, formats.ist_moment(at_s), text) for n, (at_s, text) in enumerate(played.lines, 1)])
        self.assumptions.setPlainText("\n".join(f"• {text}" for text in (*report.notes, *played.assumptions)))
        for place, (title, count) in enumerate(
            (("Trades", len(played.trades)), ("Refused", len(played.refused)), ("Log", len(played.lines))), 1
        ):
            self.pages.setTabText(place, say(f"{title} {formats.grouped(count)}" if count else title))

    def _offer_charts(self, report: Report) -> None:
        self.chart_of.blockSignals(True)
        self.chart_of.clear()
        for key in report.played.keys:
            self.chart_of.addItem(key, key)
        self.chart_of.blockSignals(False)
        self._show_price()

    def _show_price(self) -> None:
        """Draw the bars once somebody looks at them."""
        report, key = self._report, self.chart_of.currentData()
        self.chart_of.setVisible(self.charts.currentWidget() is self.price and self.chart_of.count() > 1)
        if report is None or key not in report.bars or self.charts.currentWidget() is not self.price:
            return
        if self.price.shown != (report, key):
            self.price.shown = (report, key)
            self.price.show_bars(report.instruments[key], report.bars[key], report.played.executions)

    def _show_trade(self, row: TradeRow) -> None:
        report = self._report
        if report is None:
            return
        self.charts.setCurrentWidget(self.price)
        self.chart_of.setCurrentIndex(self.chart_of.findData(row.trade.key))
        self._show_price()
        trade = row.trade
        closed_s = report.played.last_s if trade.closed_s is None else trade.closed_s
        last = trade.exit_price or report.bars[trade.key].close[-1]
        self.price.show_held(Held(trade.opened_s, trade.entry_price, closed_s, float(last), trade.net > 0))


def _side(report: Report) -> tuple[str, Equity, int]:
    return report.name, report.played.equity, to_money(report.played.statistics.opening)
