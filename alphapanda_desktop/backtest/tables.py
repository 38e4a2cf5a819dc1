"""A backtest's trades and equity as CSV, for spreadsheets and notebooks; times are India's."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from typing import Final

from alphapanda_desktop.backtest.series import ist
from alphapanda_desktop.backtest.statistics import Equity, drawdown_of
from alphapanda_desktop.backtest.trades import Trade
from alphapanda_desktop.domain.cells import as_cell
from alphapanda_desktop.domain.positions import RUPEE

TRADE: Final = (
    "instrument", "product", "opened", "closed", "quantity", "entry_price", "exit_price", "gross", "charges", "net",
    "reason", "exit_reason",
)  # fmt: skip


def csv_of_trades(trades: Iterable[Trade]) -> str:
    """A line for each trade, rupees; one that is still open has no time of closing."""
    return _csv(
        TRADE,
        (
            (
                as_cell(trade.key), trade.product,
                ist(trade.opened_s), "" if trade.closed_s is None else ist(trade.closed_s),
                trade.quantity, trade.entry_price, trade.exit_price, trade.gross / RUPEE, trade.charges / RUPEE,
                trade.net / RUPEE, as_cell(trade.reason), as_cell(trade.exit_reason),
            )
            for trade in trades
        ),
    )  # fmt: skip


def csv_of_equity(equity: Equity) -> str:
    """A line for each bar: when it closed, what the account was worth in rupees, how far below its highest."""
    rows = zip(equity.at_s.tolist(), (equity.worth / RUPEE).tolist(), drawdown_of(equity.worth).tolist(), strict=True)
    return _csv(("closed", "equity", "drawdown"), ((ist(at_s), worth, f"{fall:.8f}") for at_s, worth, fall in rows))


def _csv(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = io.StringIO()
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(names)
    lines.writerows(rows)
    return text.getvalue()
