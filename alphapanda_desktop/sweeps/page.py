"""A sweep as one HTML file that needs nothing else: what was tried, the best of it, the map, the walk forward."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, timedelta
from html import escape
from typing import Final

from alphapanda_desktop.backtest.series import Ints
from alphapanda_desktop.backtest.statistics import drawdown_of
from alphapanda_desktop.domain.figures import in_lakhs
from alphapanda_desktop.domain.positions import RUPEE, to_money
from alphapanda_desktop.domain.shades import Shades
from alphapanda_desktop.sweeps.forward import Forward, Step
from alphapanda_desktop.sweeps.job import Job, Outcome
from alphapanda_desktop.sweeps.space import shown
from alphapanda_desktop.sweeps.swept import HeatMap, Swept, heat_map
from alphapanda_desktop.sweeps.trial import Trial

MOST_ROWS: Final = 50
MOST_CELLS: Final = 60
"""Values of a parameter in the map; more are thinned out, and that is said."""

FIGURES: Final = (
    ("total_return", "return", "pct"), ("sharpe", "Sharpe", "ratio"), ("sortino", "Sortino", "ratio"),
    ("max_drawdown", "max drawdown", "pct"), ("trades", "trades", "count"), ("win_rate", "win rate", "pct"),
    ("profit_factor", "profit factor", "ratio"), ("charges", "charges ₹", "money"),
)  # fmt: skip

_WIDTH, _HEIGHT, _LEFT = 1_100, 240, 90

_STYLE: Final = """
:root{color-scheme:light dark;--line:#8884;--up:#2e7d32;--down:#c62828;--curve:#1976d2}
@media (prefers-color-scheme:dark){:root{--up:#66bb6a;--down:#ef5350;--curve:#64b5f6}}
body{font:14px/1.5 system-ui,sans-serif;max-width:1180px;margin:24px auto;padding:0 16px}
h1{font-size:22px;margin:0}h2{font-size:16px;margin:28px 0 8px}table{border-collapse:collapse}
td,th{padding:3px 8px;text-align:right;border-bottom:1px solid var(--line);font-variant-numeric:tabular-nums}
.words td,.words th{text-align:left}.scroll{overflow:auto;max-height:640px}
.map td{border:1px solid var(--line);min-width:44px}
.map th{border:0;font-weight:normal}.map th,.note{color:color-mix(in srgb,CanvasText 65%,Canvas)}
.best{outline:2px solid;outline-offset:-2px;font-weight:600}
svg{width:100%;height:auto}svg text{font:11px system-ui;fill:currentColor}
"""


def page_of(swept: Swept) -> str:
    """The whole page."""
    parts = [
        f"<!doctype html><html lang='en'><meta charset='utf-8'><title>{escape(swept.title)}</title>",
        f"<style>{_STYLE}</style><h1>{escape(swept.title)}</h1><p>{escape(swept.method)}</p>",
        f"<p>{escape('. '.join([*lines_of(swept), _terms(swept.job)]))}.</p>",
    ]
    if swept.forward is not None:
        parts += _walk(swept.forward, swept.objective.figure)
    else:
        found = heat_map(swept.axes, swept.trials, swept.objective)
        parts += _map(found, swept) if found else []
        parts += ["<h2>Best first</h2>", _ranking(swept)]
    if swept.best is not None:
        parts += _of_best(swept.best)
    return "\n".join([*parts, "<h2>What did not count</h2>", _rest(swept.trials), "</html>"])


def _terms(job: Job) -> str:
    """How each of them was played, in words."""
    span = f"{job.first or 'the first day'} to {job.last or 'the last'}"
    others = ", ".join(f"{name}={value}" for name, value in job.params.items())
    told = f"Played from {span} as {job.product} with ₹{in_lakhs(job.cash)} and a slippage of {job.slippage}"
    return f"{told}; beside what was tried: {others}" if others else told


def _of_best(best: Outcome) -> list[str]:
    """The account of the best one, and what its figures rest on."""
    days, worth = best.equity.daily(to_money(best.statistics.opening))
    return [
        "<h2>The best one</h2>", *_curves(days, worth),
        f"<h2>Assumptions</h2><ul>{''.join(f'<li>{escape(text)}</li>' for text in best.assumptions)}</ul>",
    ]  # fmt: skip


def lines_of(swept: Swept) -> list[str]:
    """What a person must know before the figures, one sentence each."""
    done, skipped, failed = (swept.count(status) for status in ("done", "skipped", "failed"))
    told = [f"{done} parameter sets were played, {skipped} skipped as the strategy refuses them, {failed} failed"]
    if swept.objective.min_trades > 1:
        told.append(f"Those with fewer than {swept.objective.min_trades} trades are no candidates")
    if swept.by_luck is not None:
        told.append(
            f"The best of {done} is flattered by the choice: were none of them worth anything, the best Sharpe ratio "
            f"would still be about {swept.by_luck:.2f}; a walk forward tells more"
        )
    return told


# --- the map ---------------------------------------------------------------------------------------------------------


def _map(found: HeatMap, swept: Swept) -> list[str]:
    columns, rows = (_thinned(len(values)) for values in (found.columns, found.rows))
    known = [cell for row in found.cells for cell in row if cell is not None]
    if not known:
        return []
    best = min(known) if swept.objective.least else max(known)
    shades = Shades(known, swept.objective.figure, least=swept.objective.least)
    head = "".join(f"<th>{escape(shown(found.columns[number]))}</th>" for number in columns)
    body = "".join(
        f"<tr><th>{escape(shown(found.rows[row]))}</th>"
        + "".join(_cell(found.cells[row][column], best, shades) for column in columns)
        + "</tr>"
        for row in rows
    )
    over = f" Each field is the best over {', '.join(found.others)}." if found.others else ""
    thin = " Not every value is shown." if len(columns) < len(found.columns) or len(rows) < len(found.rows) else ""
    return [
        f"<h2>{escape(swept.objective.figure)} by {escape(found.across)} (across) and {escape(found.down)} (down)</h2>",
        f"<p class='note'>A good set among bad neighbours is luck.{escape(over + thin)}</p>",
        f"<div class='scroll'><table class='map'><tr><th></th>{head}</tr>{body}</table></div>",
    ]


def _thinned(count: int) -> list[int]:
    step = -(-count // MOST_CELLS)
    return list(range(0, count, step))


def _cell(value: float | None, best: float, shades: Shades) -> str:
    if value is None:
        return "<td class='note'>–</td>"
    good = shades.of(value)
    colour = f"color-mix(in srgb,var(--{'up' if good > 0 else 'down'}) {abs(good) * 60:.0f}%,transparent)"
    return f"<td style='background:{colour}'{' class=best' if value == best else ''}>{_short(value)}</td>"


def _short(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 1_000 else f"{value:.3g}"


# --- tables ----------------------------------------------------------------------------------------------------------


def _ranking(swept: Swept) -> str:
    ranked = swept.ranked
    if not ranked:
        return "<p>No parameter set is a candidate.</p>"
    names = [axis.name for axis in swept.axes]
    rows = [
        [shown(trial.params[name]) for name in names]
        + [figure(trial.statistics.get(key), how) for key, _, how in FIGURES]
        for trial in ranked[:MOST_ROWS]
    ]
    more = f"<p class='note'>{len(ranked) - MOST_ROWS} more are not shown.</p>" if len(ranked) > MOST_ROWS else ""
    return _table([*names, *(title for _, title, _ in FIGURES)], rows) + more


def _rest(trials: Sequence[Trial]) -> str:
    failed = Counter(trial.reason for trial in trials if trial.status == "failed")
    skipped = [trial.reason for trial in trials if trial.status == "skipped"]
    rows = [("failed", reason, str(count)) for reason, count in failed.items()]
    rows += [("refused by the strategy", f"such as: {skipped[0]}", str(len(skipped)))] if skipped else []
    return _table(("", "why", "times"), rows, "words") if rows else "<p>Nothing: all were played.</p>"


def _table(names: Sequence[str], rows: Iterable[Sequence[str]], kind: str = "figures") -> str:
    head = "".join(f"<th>{escape(name)}</th>" for name in names)
    body = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in rows)
    return f"<div class='scroll'><table class='{kind}'><tr>{head}</tr>{body}</table></div>"


def figure(value: float | None, how: str) -> str:
    """A figure as a person reads it; an unknown one as a dash."""
    if value is None:
        return "–"
    if how == "pct":
        return f"{value * 100:,.2f} %"
    return in_lakhs(value, 0 if how == "count" else 2)


# --- the walk forward ------------------------------------------------------------------------------------------------


def _walk(forward: Forward, objective: str) -> list[str]:
    ratios = forward.ratios
    told = [
        f"return {figure(ratios.total_return, 'pct')}", f"CAGR {figure(ratios.cagr, 'pct')}",
        f"Sharpe {figure(ratios.sharpe, 'ratio')}", f"Sortino {figure(ratios.sortino, 'ratio')}",
        f"max drawdown {figure(ratios.max_drawdown, 'pct')}",
    ]  # fmt: skip
    kept = forward.efficiency
    if kept is not None:
        told.append(f"{kept * 100:.0f} % of the {objective} that was learned was left")
    rows = [row_of(step) for step in forward.steps]
    return [
        f"<h2>Out of sample: what the choices were worth</h2><p>{escape(', '.join(told))}.</p>",
        *_curves(forward.days, forward.worth),
        "<p class='note'>What is held at the end of a stretch is valued at its last close and not carried on.</p>",
        "<h2>Steps</h2>",
        _table(("learned from", "judged on", "tried", "chosen", f"{objective} learned", "judged", "return", "trades"),
               rows),
    ]  # fmt: skip


def row_of(step: Step) -> list[str]:
    """A step in words: learned from, judged on, tried, chosen, objective learned and judged, return, trades."""
    stretch, told = step.stretch, step.statistics
    chosen = ", ".join(f"{name}={shown(value)}" for name, value in (step.params or {}).items()) or step.note
    return [
        f"{stretch.learn_first} to {stretch.learn_last}", str(stretch), f"{step.tried}", chosen,
        figure(step.learned, "ratio"), figure(step.judged, "ratio"),
        figure(told.total_return if told else None, "pct"), figure(told.trades if told else None, "count"),
    ]  # fmt: skip


def _curves(days: Ints, account: Ints) -> list[str]:
    """Equity and drawdown from day to day."""
    if not len(days):
        return []
    ends = [str(date(1970, 1, 1) + timedelta(days=int(days[place]))) for place in (0, -1)]
    worth = [float(value) / RUPEE for value in account]
    fallen = [float(value) * 100 for value in drawdown_of(account)]
    return [_curve(worth, ends, "equity, rupees"), _curve(fallen, ends, "drawdown, per cent")]


def _curve(values: Sequence[float], ends: Sequence[str], name: str) -> str:
    low, high = min(values), max(values)
    down, across = (_HEIGHT - 40) / ((high - low) or 1.0), (_WIDTH - _LEFT - 10) / max(1, len(values) - 1)
    points = " ".join(f"{_LEFT + n * across:.1f},{10 + (high - value) * down:.1f}" for n, value in enumerate(values))
    return (
        f"<svg viewBox='0 0 {_WIDTH} {_HEIGHT}' role='img' aria-label='{name}'>"
        f"<text x='4' y='14'>{in_lakhs(high)}</text><text x='4' y='{_HEIGHT - 30}'>{in_lakhs(low)}</text>"
        f"<polyline fill='none' stroke='var(--curve)' stroke-width='1.3' points='{points}'/>"
        f"<text x='{_LEFT}' y='{_HEIGHT - 6}'>{ends[0]}: {name}</text>"
        f"<text x='{_WIDTH - 10}' y='{_HEIGHT - 6}' text-anchor='end'>{ends[1]}: {in_lakhs(values[-1])}</text></svg>"
    )
