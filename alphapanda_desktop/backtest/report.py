"""A backtest as one HTML file that needs nothing else: figures, curves, trades, parameters, assumptions."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from html import escape
from itertools import pairwise
from typing import Any, Final

import numpy as np

from alphapanda_desktop.backtest.assumptions import assumptions_of
from alphapanda_desktop.backtest.engine import Result
from alphapanda_desktop.backtest.facts import Facts
from alphapanda_desktop.backtest.orders import Refused
from alphapanda_desktop.backtest.series import DAY_S, Floats, day_of, ist
from alphapanda_desktop.backtest.statistics import Equity, Statistics, drawdown_of
from alphapanda_desktop.backtest.trades import Trade
from alphapanda_desktop.domain.figures import in_lakhs
from alphapanda_desktop.domain.grouping import grouped
from alphapanda_desktop.domain.positions import RUPEE, to_money

MOST_POINTS: Final = 1_200
"""Points of a curve: more than a screen has columns."""

MOST_TRADES: Final = 5_000

_WIDTH, _HEIGHT, _LEFT, _TOP, _BOTTOM = 1_100, 280, 92, 12, 28

_WORDS: Final = frozenset(("why in", "why out", "rule", "the first one, in words"))
"""Columns that hold sentences."""

_STYLE: Final = """
:root{color-scheme:light dark;--ground:#eceff3;--panel:#fff;--line:#c2cad4;--text:#171b21;--muted:#525d6b;
--accent:#1257c0;--up:#087044;--down:#be1e31}
@media(prefers-color-scheme:dark){:root{--ground:#0f1216;--panel:#161a20;--line:#343c48;--text:#e8ebf0;--muted:#9ba6b5;
--accent:#6aa5ff;--up:#2fc28b;--down:#ff6370}}
body{font:14px/1.5 system-ui,'Segoe UI',Roboto,'Noto Sans',sans-serif;margin:0;background:var(--ground);
color:var(--text)}main{max-width:1180px;margin:0 auto;padding:20px 16px 48px}h1{font-size:22px;margin:0}
h2{font-size:15px;margin:28px 0 8px}header p{color:var(--muted);margin:4px 0 16px}
.tiles{display:grid;grid-template-columns:repeat(auto-fit,minmax(128px,1fr));gap:10px}
.tiles div,svg,.scroll,.figures{background:var(--panel);border:1px solid var(--line);border-radius:6px}
.tiles div{padding:8px 12px}.tiles span{display:block;color:var(--muted);font-size:12px}.tiles b{font-size:17px}
.tiles b,td{font-variant-numeric:tabular-nums}table{border-collapse:collapse;width:100%;white-space:nowrap}
td,th{padding:4px 10px;text-align:right;border-bottom:1px solid var(--line)}
th{position:sticky;top:0;background:var(--panel);color:var(--muted);font-weight:500}
td:first-child,th:first-child,.text{text-align:left;white-space:normal}td.text{min-width:130px;font-size:12px;line-height:1.35}
.figures{columns:3;column-gap:28px;padding:8px 14px}@media(max-width:760px){.figures{columns:1}}
.figures div{display:flex;gap:12px;break-inside:avoid;justify-content:space-between;padding:2px 0}
.figures span{color:var(--muted)}.figures b{overflow-wrap:anywhere;text-align:right}
.bad{color:var(--down)}.good{color:var(--up)}
svg{width:100%;height:auto;display:block}svg text{font:11px system-ui,sans-serif;fill:var(--muted)}
svg .line{fill:none;stroke:var(--accent);stroke-width:1.4;stroke-linejoin:round}
svg .depth{fill:var(--down);fill-opacity:.35;stroke:var(--down);stroke-width:1}
svg .mark{stroke:var(--line);stroke-opacity:.6}
.scroll{max-height:560px;overflow:auto}
"""


@dataclass(frozen=True, slots=True)
class _OfResult:
    """The facts of a result that was played here."""

    title: str
    params: Mapping[str, Any]
    keys: Sequence[str]
    bar_s: int
    first_s: int
    last_s: int
    product: str
    slippage: str
    statistics: Statistics
    equity: Equity
    trades: Sequence[Trade]
    refused: Sequence[Refused]
    assumptions: Sequence[str]
    complete: bool


def html_of(result: Result, statistics: Statistics, equity: Equity, trades: Sequence[Trade]) -> str:
    """The whole page of a result."""
    setup = result.setup
    facts = _OfResult(
        setup.strategy.title or setup.strategy.name,
        setup.params.model_dump(),
        [series.instrument.key for series in result.series],
        result.series[0].seconds,
        int(min(series.start_s[0] for series in result.series)),
        int(max(series.start_s[-1] for series in result.series)),
        setup.product, str(setup.slippage), statistics, equity, trades, result.refused, assumptions_of(result),
        result.complete,
    )  # fmt: skip
    return page_of(facts)


def page_of(facts: Facts, notes: Sequence[str] = ()) -> str:
    """The whole page; `notes` are what is to be said of the history."""
    worth, drawdown = facts.equity.worth / RUPEE, drawdown_of(facts.equity.worth) * 100
    chosen = _chosen(worth)
    at = [ist(int(second)) for second in facts.equity.at_s[chosen]]
    title = f"{facts.title} on {', '.join(facts.keys)}"
    words = [*notes, *facts.assumptions]
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(title)}</title>"
        "<meta name='viewport' content='width=device-width'>",
        f"<style>{_STYLE}</style><main><header><h1>{escape(facts.title)}</h1>{_about(facts)}</header>",
        f"<section class='tiles'>{''.join(_tiles(facts.statistics))}</section>",
        f"<h2>Equity, rupees</h2>{curve(worth[chosen], at, 'equity')}",
        f"<h2>Below its highest, per cent</h2>{curve(drawdown[chosen], at, 'drawdown', tall=150, depth=True)}",
        f"<h2>Figures</h2><div class='figures'>{''.join(_figures(facts.statistics))}</div>",
        f"<h2>Parameters</h2><div class='figures'>{''.join(_pairs(facts.params))}</div>",
        f"<h2>Months</h2>{_months(facts)}",
        f"<h2>Trades</h2><div class='scroll'>{_trades(facts.trades)}</div>",
        f"<h2>Refused orders</h2>{_refusals(facts.refused)}",
        f"<h2>What this rests on</h2><ul>{''.join(f'<li>{escape(text)}</li>' for text in words)}</ul></main></html>",
    ]
    return "\n".join(parts)


def _about(facts: Facts) -> str:
    first, last = ist(facts.first_s), ist(facts.last_s)
    ended = "" if facts.complete else " <b class='bad'>It was ended before the last bar.</b>"
    return (
        f"<p>{escape(', '.join(facts.keys))} · {first} to {last} IST · bars of {_length(facts.bar_s)} · "
        f"{escape(facts.product)} · {in_lakhs(facts.statistics.opening)} rupees at the start · slippage "
        f"{escape(facts.slippage)}.{ended} A backtest is no promise.</p>"
    )


def _length(seconds: int) -> str:
    for unit, name in ((DAY_S, "day"), (3_600, "hour"), (60, "minute")):
        if seconds % unit == 0:
            return f"{seconds // unit} {name}{'' if seconds == unit else 's'}"
    return f"{seconds} s"


def _tiles(statistics: Statistics) -> Iterable[str]:
    """The few figures that are looked at first."""
    shown = dict(lines_of(statistics))
    for name in ("return", "net", "max drawdown", "Sharpe", "win rate", "profit factor", "trades", "charges"):
        tone = _tone(statistics.total_return) if name in ("return", "net") else ""
        yield f"<div><span>{name}</span><b class='{tone}'>{escape(shown[name])}</b></div>"


def _tone(value: float) -> str:
    return "good" if value > 0 else "bad" if value < 0 else ""


def _months(facts: Facts) -> str:
    """A row for each year: what each of its months made of the account, in per cent."""
    returns = monthly_returns(facts.equity, to_money(facts.statistics.opening))
    years = sorted({year for year, _ in returns})
    head = "".join(f"<th>{name}</th>" for name in ("year", *(f"{date(2024, m, 1):%b}" for m in range(1, 13)), "year"))
    rows = []
    for year in years:
        cells = [returns.get((year, month)) for month in range(1, 13)]
        whole = float(np.prod([1 + cell for cell in cells if cell is not None]) - 1)
        rows.append(f"<tr><td>{year}</td>{''.join(map(_cell, cells))}{_cell(whole)}</tr>")
    return f"<div class='scroll'><table class='months'><tr>{head}</tr>{''.join(rows)}</table></div>"


def _cell(value: float | None) -> str:
    return "<td></td>" if value is None else f"<td class='{_tone(value)}'>{value * 100:,.2f}</td>"


def _pairs(values: Mapping[str, Any]) -> Iterable[str]:
    return (f"<div><span>{escape(name)}</span><b>{escape(str(value))}</b></div>" for name, value in values.items())


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


def curve(values: Floats, at: Sequence[str], name: str, *, tall: int = _HEIGHT, depth: bool = False) -> str:
    """A line as inline SVG with marks at round values and times; `depth` fills it from nought down."""
    low, high = float(values.min()), 0.0 if depth else float(values.max())
    span = (high - low) or max(abs(high), 1.0) * 1e-3
    x = _LEFT + np.arange(len(values)) / max(1, len(values) - 1) * (_WIDTH - _LEFT - 12)
    y = _TOP + (high - values) / span * (tall - _TOP - _BOTTOM)
    points = " ".join(f"{a:.1f},{b:.1f}" for a, b in zip(x, y, strict=True))
    drawn = f"<polyline class='line' points='{points}'/>"
    if depth:
        drawn = f"<polygon class='depth' points='{x[0]:.1f},{_TOP} {points} {x[-1]:.1f},{_TOP}'/>"
    return (
        f"<svg viewBox='0 0 {_WIDTH} {tall}' role='img' aria-label='{name}'>{_levels(low, low + span, tall)}{drawn}"
        f"{_moments(x, at, tall)}</svg>"
    )


def _levels(low: float, high: float, tall: int) -> str:
    """Lines at round values, with the values left of them."""
    step = 10.0 ** np.floor(np.log10((high - low) / 2))
    step *= next(factor for factor in (1, 2, 2.5, 5, 10) if (high - low) / (step * factor) <= tall / 45)
    marks = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    decimals = max(0, int(-np.floor(np.log10(step) + 1e-9)) + (1 if step < 1 else 0))
    made = []
    for mark in marks:
        y = _TOP + (high - mark) / (high - low) * (tall - _TOP - _BOTTOM)
        text = in_lakhs(mark + 0.0, decimals).removesuffix(".")
        made.append(f"<line class='mark' x1='{_LEFT}' x2='{_WIDTH}' y1='{y:.1f}' y2='{y:.1f}'/>")
        made.append(f"<text x='{_LEFT - 8}' y='{y + 4:.1f}' text-anchor='end'>{text}</text>")
    return "".join(made)


def _moments(x: Floats, at: Sequence[str], tall: int) -> str:
    """Days below, as many as there is room for."""
    places = np.unique(np.linspace(0, len(at) - 1, 7).astype(np.int64)).tolist()
    anchors = {places[0]: "start", places[-1]: "end"}
    return "".join(
        f"<text x='{x[place]:.1f}' y='{tall - 7}' text-anchor='{anchors.get(place, 'middle')}'>{at[place][:10]}</text>"
        for place in places
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
            trade.quantity, grouped(trade.entry_price, 2), grouped(trade.exit_price, 2) if trade.exit_price else "",
            _money(trade.gross / RUPEE), _money(trade.charges / RUPEE), _money(trade.net / RUPEE), trade.reason,
            trade.exit_reason,
        )
        for trade in trades[:MOST_TRADES]
    ]  # fmt: skip
    names = ("instrument", "as", "opened", "closed", "quantity", "entry", "exit", "gross", "charges", "net", "why in")
    more = f"<p>{len(trades) - MOST_TRADES} more are not shown.</p>" if len(trades) > MOST_TRADES else ""
    return _table((*names, "why out"), rows) + more


def _refusals(orders: Sequence[Refused]) -> str:
    if not orders:
        return "<p>None.</p>"
    counts: dict[tuple[str, str], tuple[int, str]] = {}
    for refused in orders:
        count, text = counts.get((refused.key, refused.rule), (0, refused.text))
        counts[refused.key, refused.rule] = count + 1, text
    rows = [(key, rule, count, text) for (key, rule), (count, text) in counts.items()]
    return f"<div class='scroll'>{_table(('instrument', 'rule', 'times', 'the first one, in words'), rows)}</div>"


def _table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    head = "".join(f"<th{' class=text' if name in _WORDS else ''}>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(map(_plain, names, row))}</tr>" for row in rows)
    return f"<table><tr>{head}</tr>{body}</table>"


def _plain(name: str, cell: object) -> str:
    tone = _tone(float(str(cell).replace(",", ""))) if name == "net" else "text" if name in _WORDS else ""
    return f"<td class='{tone}'>{escape(str(cell))}</td>" if tone else f"<td>{escape(str(cell))}</td>"


def _percent(value: float | None) -> str:
    return "–" if value is None else f"{value * 100:,.2f} %"


def _ratio(value: float | None) -> str:
    return "–" if value is None else f"{value:,.2f}"


def _money(value: float | None) -> str:
    return "–" if value is None else in_lakhs(value)


def monthly_returns(equity: Equity, opening: int) -> dict[tuple[int, int], float]:
    """What each month made of the account, as a fraction, by year and month; none where nothing was left of it."""
    days, worth = equity.daily(opening)
    months = [(day.year, day.month) for day in (day_of(int(number) * DAY_S) for number in days)]
    found: dict[tuple[int, int], float] = {}
    before = float(worth[0])
    for place, month in enumerate(months):
        if place + 1 == len(months) or months[place + 1] != month:
            if before > 0:
                found[month] = float(worth[place + 1]) / before - 1
            before = float(worth[place + 1])
    return found
