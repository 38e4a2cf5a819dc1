"""A backtest as one HTML file that needs nothing else: figures, curves, trades, parameters, assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from html import escape
from itertools import pairwise
from typing import Final

import numpy as np

from alphapanda_desktop.backtest.assumptions import assumptions_of
from alphapanda_desktop.backtest.engine import Result
from alphapanda_desktop.backtest.series import Floats, ist
from alphapanda_desktop.backtest.statistics import Equity, Statistics, drawdown_of
from alphapanda_desktop.backtest.trades import Trade
from alphapanda_desktop.domain.figures import in_lakhs
from alphapanda_desktop.domain.positions import RUPEE

MOST_POINTS: Final = 1_200
"""Points of a curve: more than a screen has columns."""

MOST_TRADES: Final = 5_000

_WIDTH, _HEIGHT, _LEFT = 1_100, 260, 80

_STYLE: Final = """
:root{color-scheme:light dark}body{font:14px/1.5 system-ui,sans-serif;max-width:1180px;margin:24px auto;padding:0 16px}
h1{font-size:22px;margin:0}h2{font-size:16px;margin:28px 0 8px}table{border-collapse:collapse;width:100%}
td,th{padding:3px 8px;text-align:right;border-bottom:1px solid #8884;font-variant-numeric:tabular-nums}
td:first-child,th:first-child,.text{text-align:left}.figures{columns:3}.figures div{display:flex;break-inside:avoid;
justify-content:space-between;border-bottom:1px solid #8884;padding:2px 8px}.bad{color:#c62828}.good{color:#2e7d32}
svg{width:100%;height:auto}svg text{font:11px system-ui;fill:currentColor}.scroll{max-height:560px;overflow:auto}
"""


def html_of(result: Result, statistics: Statistics, equity: Equity, trades: Sequence[Trade]) -> str:
    """The whole page."""
    setup = result.setup
    first, last = (min(s.start_s[0] for s in result.series), max(s.start_s[-1] for s in result.series))
    keys = ", ".join(series.instrument.key for series in result.series)
    worth = equity.worth / RUPEE
    at = [ist(int(second)) for second in equity.at_s[_chosen(worth)]]
    title = f"{setup.strategy.title or setup.strategy.name} on {keys}"
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>",
        f"<style>{_STYLE}</style><h1>{escape(title)}</h1>",
        f"<p>{ist(int(first))} to {ist(int(last))} IST, bars of {result.series[0].seconds} s, {setup.product}, "
        f"{in_lakhs(result.opening / RUPEE)} at the start. A backtest is no promise.</p>",
        f"<h2>Figures</h2><div class='figures'>{''.join(_figures(statistics))}</div>",
        f"<h2>Equity, rupees</h2>{curve(worth[_chosen(worth)], at, 'equity')}",
        f"<h2>Drawdown, per cent</h2>{curve(drawdown_of(equity.worth)[_chosen(worth)] * 100, at, 'drawdown')}",
        f"<h2>Parameters</h2>{_table(('name', 'value'), setup.params.model_dump().items())}",
        f"<h2>Assumptions</h2><ul>{''.join(f'<li>{escape(text)}</li>' for text in assumptions_of(result))}</ul>",
        f"<h2>Trades</h2><div class='scroll'>{_trades(trades)}</div>",
        f"<h2>Refused orders</h2>{_refusals(result)}</html>",
    ]
    return "\n".join(parts)


def _chosen(values: Floats) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Which points to draw: of each stretch its lowest and its highest, so that no drawdown is lost."""
    count = len(values)
    if count <= MOST_POINTS:
        return np.arange(count)
    edges = np.linspace(0, count, MOST_POINTS // 2 + 1).astype(np.int64)
    spans = list(pairwise(edges))
    lows = [low + int(np.argmin(values[low:high])) for low, high in spans]
    highs = [low + int(np.argmax(values[low:high])) for low, high in spans]
    return np.unique(np.array([0, *lows, *highs, count - 1], np.int64))


def curve(values: Floats, at: Sequence[str], name: str) -> str:
    """A line as inline SVG, with its lowest, highest and last value and its first and last time."""
    low, high = float(values.min()), float(values.max())
    span = (high - low) or 1.0
    x = _LEFT + np.arange(len(values)) / max(1, len(values) - 1) * (_WIDTH - _LEFT - 10)
    y = 10 + (high - values) / span * (_HEIGHT - 40)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    labels = "".join(
        f"<text x='4' y='{10 + (high - value) / span * (_HEIGHT - 40) + 4:.1f}'>{value:,.2f}</text>"
        f"<line x1='{_LEFT}' x2='{_WIDTH}' y1='{10 + (high - value) / span * (_HEIGHT - 40):.1f}' "
        f"y2='{10 + (high - value) / span * (_HEIGHT - 40):.1f}' stroke='#8884'/>"
        for value in dict.fromkeys((low, high))
    )
    return (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' aria-label='{name}'>{labels}"
        f"<polyline fill='none' stroke='#1976d2' stroke-width='1.3' points='{points}'/>"
        f"<text x='{_LEFT}' y='{_HEIGHT - 6}'>{at[0]}</text>"
        f"<text x='{_WIDTH - 10}' y='{_HEIGHT - 6}' text-anchor='end'>{at[-1]}: {values[-1]:,.2f}</text></svg>"
    )


def lines_of(statistics: Statistics) -> list[tuple[str, str]]:
    """The figures as a person reads them: name and value; unknown ones as a dash."""
    s = statistics
    return [
        ("return", _percent(s.total_return)), ("CAGR", _percent(s.cagr)), ("volatility", _percent(s.volatility)),
        ("Sharpe", _ratio(s.sharpe)), ("Sortino", _ratio(s.sortino)), ("max drawdown", _percent(s.max_drawdown)),
        ("trades", f"{s.trades}"), ("still open", f"{s.open_trades}"), ("win rate", _percent(s.win_rate)),
        ("profit factor", _ratio(s.profit_factor)), ("expectancy", _money(s.expectancy)),
        ("best trade", _money(s.best_trade)), ("worst trade", _money(s.worst_trade)),
        ("before charges", _money(s.gross)), ("charges", _money(s.charges)), ("net", _money(s.closing - s.opening)),
        ("turnover", _money(s.turnover)), ("exposure", _percent(s.exposure)), ("bars", f"{s.bars:,}"),
        ("days", f"{s.days:,}"), ("orders", f"{s.orders:,}"), ("refused", f"{s.refused:,}"),
    ]  # fmt: skip


def _figures(statistics: Statistics) -> Iterable[str]:
    return (f"<div><span>{name}</span><b>{escape(value)}</b></div>" for name, value in lines_of(statistics))


def _trades(trades: Sequence[Trade]) -> str:
    rows = [
        (
            trade.key, trade.product, ist(trade.opened_s), "open" if trade.closed_s is None else ist(trade.closed_s),
            trade.quantity, f"{trade.entry_price:,.2f}", f"{trade.exit_price:,.2f}" if trade.exit_price else "",
            _money(trade.gross / RUPEE), _money(trade.charges / RUPEE), _money(trade.net / RUPEE), trade.reason,
            trade.exit_reason,
        )
        for trade in trades[:MOST_TRADES]
    ]  # fmt: skip
    names = ("instrument", "as", "opened", "closed", "quantity", "entry", "exit", "gross", "charges", "net", "why in")
    more = f"<p>{len(trades) - MOST_TRADES} more are not shown.</p>" if len(trades) > MOST_TRADES else ""
    return _table((*names, "why out"), rows) + more


def _refusals(result: Result) -> str:
    if not result.refused:
        return "<p>None.</p>"
    counts: dict[tuple[str, str], tuple[int, str]] = {}
    for refused in result.refused:
        count, text = counts.get((refused.key, refused.rule), (0, refused.text))
        counts[refused.key, refused.rule] = count + 1, text
    rows = [(key, rule, count, text) for (key, rule), (count, text) in counts.items()]
    return _table(("instrument", "rule", "times", "the first one, in words"), rows)


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(str(cell))}</td>' for cell in row)}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:,.2f} %"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _money(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"
