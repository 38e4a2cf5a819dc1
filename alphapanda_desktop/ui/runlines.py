"""The lines of a run's card, as words."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape
from typing import TYPE_CHECKING, Final

from pydantic import BaseModel

from alphapanda_desktop.domain.freshness import Grade
from alphapanda_desktop.domain.risk import TradingState
from alphapanda_desktop.trading.desk import Desk, DeskState
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.formats import grouped
from alphapanda_desktop.ui.forms import words_of
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import count_of

if TYPE_CHECKING:
    from alphapanda_desktop.domain.pnl import Pnl
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.pulse import Pulse

MEGABYTE: Final = 1 << 20
SLOW_MS: Final = 50.0
"""Calls above this are noted in the run's log, too."""
ROWS_MOST: Final = 24
NAME_MOST: Final = 24
VALUE_MOST: Final = 160
"""Of what a strategy shows: it decides what, and must not fill the panel with it."""
ENOUGH: Final = 100
"""Of fewer calls the slowest is the first one, which loads what the strategy needs."""

SHUT: Final = frozenset({Grade.CLOSED, Grade.NEVER})
"""Grades of a run whose market is closed, one of which may never have ticked."""


def why_no_start(desk: Desk) -> str:
    """Why no strategy may start now; empty where one may."""
    if desk.trading_state is TradingState.HALTED:
        return "The kill switch is on: release it before starting a strategy."
    if desk.trading_state is TradingState.REDUCING:
        return f"Only exits pass: {desk.why_halted}. No strategy starts until that is released."
    if desk.differences.why_locked():
        return f"Strategies are locked: {desk.differences.why_locked()}. Decide them first (F6)."
    if desk.state in (DeskState.CLOSED, DeskState.FROZEN):
        return f"The desk takes no orders: {desk.state}. {desk.state_detail}".strip()
    return desk.arming.why_not()


def where(run: Run) -> str:
    """What it trades, on which bars, as what, and since when."""
    names = ", ".join(i.tradingsymbol for i in run.instruments) or "instruments no longer in the master"
    return f"{names} · {run.interval.label} · {run.product} · since {formats.ist_time(run.started_at)}"


def position(run: Run) -> str:
    """What it holds, by instrument."""
    held = [
        f"{formats.grouped(holding.quantity)} {key.partition(':')[2]} @ {formats.price(holding.average_price)}"
        for key, holding in run.holdings().items()
        if holding.quantity
    ]
    return "\n".join(held) or "no position"


def ending(run: Run) -> str:
    """How it came to its end. What it left then may be gone now, so what a stop found is said to be of then."""
    ended = run.state is RunState.STOPPED and run.detail and not run.detail.startswith("interrupted")
    return f"At its end: {run.detail}" if ended else run.detail


def made_of(made: Pnl) -> str:
    """What a net result is made of."""
    realised, unrealised = formats.signed_rupees(made.realised), formats.signed_rupees(made.unrealised)
    charges = formats.rupees(made.charges)
    return f"This run's own fills, after charges: realised {realised}, open {unrealised}, charges {charges}"


def short(text: str, most: int) -> str:
    """The text, cut where it is longer than so many letters."""
    return text if len(text) <= most else f"{text[: most - 1]}…"


def variables(values: Mapping[str, object], muted: str) -> str:
    """A table in rich text: names in the muted colour beside their values."""
    rows = [
        f"<tr><td style='color:{muted}; padding-right:10px'>{escape(short(name.replace('_', ' '), NAME_MOST))}</td>"
        f"<td>{escape(short(_value(value), VALUE_MOST))}</td></tr>"
        for name, value in list(values.items())[:ROWS_MOST]
    ]
    if len(values) > ROWS_MOST:
        rows.append(f"<tr><td colspan=2 style='color:{muted}'>and {len(values) - ROWS_MOST} more</td></tr>")
    return f"<table cellspacing=0>{''.join(rows)}</table>" if rows else ""


def age(run: Run, market: Market) -> tuple[str, Role]:
    """How old its prices are, and how grave that is."""
    stale = [i.tradingsymbol for i in run.instruments if market.stale(i.instrument_token)]
    if stale and {market.grade(i.instrument_token) for i in run.instruments} in ({Grade.CLOSED}, SHUT):
        return "the market is closed; no entries until it opens", "muted"
    if stale:
        return f"⚠ old prices: {', '.join(stale)}; no entries until ticks come again", "warn"
    if run.lacks:
        few = (
            f"{key.partition(':')[2]} has {grouped(have)} of the {grouped(needs)}"
            for key, (have, needs) in run.lacks.items()
        )
        return f"⚠ decides nothing yet: {', '.join(few)} closed bars that it looks back on", "warn"
    ages = [f"{i.tradingsymbol} {formats.age(market.age_s(i.instrument_token))}" for i in run.instruments]
    return f"last tick: {', '.join(ages)}", "muted"


def process(pulse: Pulse) -> tuple[str, Role]:
    """How its process does: calls and their times, memory, what it was too slow for; and how grave that is."""
    if pulse.pid is None and not pulse.calls:
        return "", "muted"
    parts = [f"process {pulse.pid}" if pulse.pid is not None else "inside the program", count_of(pulse.calls, "call")]
    p50, p99 = pulse.p50_ms, pulse.p99_ms
    if p50 is not None and p99 is not None:
        parts.append(f"p50 {_ms(p50)}, p99 {_ms(p99)}, longest {_ms(pulse.slowest_ms)}")
    if pulse.memory_bytes is not None:
        parts.append(f"{pulse.memory_bytes / MEGABYTE:.0f} MB")
    if pulse.cpu_share is not None:
        parts.append(f"{pulse.cpu_share:.0%} CPU")
    if pulse.dropped_ticks:
        parts.append(f"{formats.grouped(pulse.dropped_ticks)} ticks came too fast for it")
    slow = (p50 or 0.0) > SLOW_MS or (pulse.calls >= ENOUGH and (p99 or 0.0) > SLOW_MS)
    return " · ".join(parts), "warn" if slow else "muted"


def waiting(run: Run) -> str:
    """Which parameters another bar will change; empty where none."""
    if run.waiting_params is None:
        return ""
    return f"From its next bar on: {changed(run.params, run.waiting_params) or 'the parameters it has'}."


def changed(old: BaseModel, new: BaseModel) -> str:
    """The values that differ, as words: "fast 12 bars · lots 2 lots"."""
    before, after = words_of(old).split(" · "), words_of(new).split(" · ")
    return " · ".join(word for word in after if word not in before)


def _ms(value: float) -> str:
    if value < 0.1:
        return "<0.1 ms"
    return f"{value:.0f} ms" if value >= 10 else f"{value:.1f} ms"


def _value(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return grouped(value, 4).rstrip("0").rstrip(".")
    return str(value)
