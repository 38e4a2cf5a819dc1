"""Whether a strategy's backtest can be believed: does it see the future, does its start matter, is it the same twice?

Each check plays the strategy again and compares what it did, wish by wish. What is found is a fact about these bars: a
strategy that was not caught on them may still look ahead on others.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np

from alphapanda_desktop.backtest.engine import Progress, Setup
from alphapanda_desktop.backtest.series import Series, decided_of, ends_of, ist
from alphapanda_desktop.backtest.tracing import Act, Trace, traced
from alphapanda_desktop.domain.errors import BadData

CUTS_AT_ORDERS: Final = 12
CUTS_BETWEEN: Final = 4
STARTS: Final = (0.25, 0.5, 0.75)
"""Where a run begins anew, as parts of the whole history."""

WINDOW: Final = 2_000
"""Decisions after a new start within which values must have settled."""

FEWEST: Final = 3
"""Orders that it takes to say that a strategy does not look at prices."""

MISSED: Final = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)
"""What a strategy raises where it reaches for a bar that is not there."""


class Finding(NamedTuple):
    """What one check found. `severe` where the backtest cannot be believed."""

    check: str
    text: str
    severe: bool = False


def look_ahead(setup: Setup, whole: Trace, progress: Progress | None = None) -> list[Finding]:
    """Play bars up to a moment alone: all that was done by then must be the same as on the whole history."""
    cuts = _cuts(setup.series, whole)
    for at_s in cuts:
        short = [_upto(series, at_s) for series in setup.series]
        if not all(len(series) for series in short):
            continue
        try:
            trace, _ = traced(replace(setup, series=short), progress)
        except MISSED as error:
            words = f"on bars up to {ist(at_s)} alone it raises {type(error).__name__}: {error}"
            return [Finding("look-ahead", f"{words}; on all of them it does not: it reads beyond the bar", True)]
        count = len(trace.ends)
        finding = _difference(whole.until(count), trace.until(count), at_s, len(trace.until(count - 1)))
        if finding is not None:
            return [finding]
    return [Finding("look-ahead", f"none found: the same on bars cut at {len(cuts)} moments")]


def _cuts(all_series: Sequence[Series], whole: Trace) -> list[int]:
    """Moments at which a bar ends: some where orders were asked for, some in between."""
    ends = np.unique(np.concatenate([decided_of(series, ends_of(series)) for series in all_series]))
    asked = np.unique([act.at_s for act in whole.orders() if act.at_s < ends[-1]])
    some = [asked[k] for k in np.linspace(0, len(asked) - 1, min(CUTS_AT_ORDERS, len(asked))).astype(int)]
    between = [ends[k] for k in np.linspace(0, len(ends) - 1, CUTS_BETWEEN + 2).astype(int)[1:-1]]
    return sorted({int(at_s) for at_s in [*some, *between]})


def _upto(series: Series, at_s: int) -> Series:
    return series[: int(np.searchsorted(decided_of(series, ends_of(series)), at_s, side="right"))]


def _difference(whole: Sequence[Act], short: Sequence[Act], at_s: int, timed: int) -> Finding | None:
    """The first difference. After the first `timed` acts moments may differ: with the last bar of a day there is, the
    calendar alone tells when the next one would begin.
    """
    for number, (of_all, of_few) in enumerate(zip(whole, short, strict=False)):
        if of_all[1:] != of_few[1:] or (number < timed and of_all != of_few):
            return _differs(of_all, of_few, at_s)
    if len(whole) != len(short):
        longer, count = max(whole, short, key=len), min(len(whole), len(short))
        return _differs(longer[count] if longer is whole else None, longer[count] if longer is short else None, at_s)
    return None


def _differs(of_all: Act | None, of_few: Act | None, at_s: int) -> Finding:
    first = min(act.at_s for act in (of_all, of_few) if act is not None)
    text = f"at {ist(first)} it does {_said(of_all)} on all bars, but {_said(of_few)} on those up to {ist(at_s)} alone"
    return Finding("look-ahead", text, True)


def _said(act: Act | None) -> str:
    return "nothing" if act is None else f"{act.call}({act.told})"


# --- where a run begins ----------------------------------------------------------------------------------------------


def warm_up(setup: Setup, whole: Trace, tolerance: float = 1e-9, progress: Progress | None = None) -> list[Finding]:
    """Begin later: how many decisions pass until the values shown are those of the run that began earlier."""
    lookback = max(1, setup.strategy(setup.params).lookback)
    settled: dict[str, float] = {}
    for part in STARTS:
        late = [_part(series, part, lookback + WINDOW) for series in setup.series]
        if all(len(series) > lookback for series in late):
            trace, _ = traced(replace(setup, series=late), progress)
            for name, count in _settling(whole, trace, tolerance).items():
                settled[name] = max(settled.get(name, 0), count)
    if not settled:
        return [Finding("warm-up", "nothing to compare: it shows no numbers (ctx.show), or there are too few bars")]
    slow = {name: count for name, count in settled.items() if count}
    if not slow:
        return [Finding("warm-up", f"the same wherever it begins: {', '.join(sorted(settled))}")]
    return [Finding("warm-up", _slowness(name, slow[name], lookback, tolerance)) for name in sorted(slow)]


def _slowness(name: str, count: float, lookback: int, tolerance: float) -> str:
    if math.isinf(count):
        return f"{name} depends on when the run began, and does not settle within {WINDOW:,} bars"
    more = f"a look-back of {lookback} bars is {count:g} too few" if lookback > 1 else f"look back on {count:g} bars"
    return (
        f"{name} depends on when the run began: it agrees within {tolerance:g} from decision {count + 1:g} on; {more}"
    )


def _part(series: Series, part: float, most: int) -> Series:
    first = int(len(series) * part)
    return series[first : first + most]


def _settling(whole: Trace, late: Trace, tolerance: float) -> dict[str, float]:
    """By name, how many decisions passed before values agreed for good; infinite where the last ones do not."""
    known = {(value.at_s, value.key, value.name): value.number for value in whole.values}
    places = {decision: place for place, decision in enumerate(late.decisions)}
    last: dict[str, float] = {}
    for value in late.values:
        there = known.get((value.at_s, value.key, value.name))
        place = places.get((value.at_s, value.key))
        if place is None:
            continue
        last.setdefault(value.name, 0)
        if there is None or not _agree(value.number, there, tolerance):
            last[value.name] = place + 1
    end = len(late.decisions)
    return {name: math.inf if count == end else count for name, count in last.items()}


def _agree(one: float, other: float, tolerance: float) -> bool:
    if math.isnan(one) or math.isnan(other):
        return math.isnan(one) and math.isnan(other)
    return abs(one - other) <= tolerance * max(1.0, abs(one), abs(other))


# --- the same twice, and on other prices -----------------------------------------------------------------------------


def repeats(setup: Setup, whole: Trace, progress: Progress | None = None) -> list[Finding]:
    """Play it again: the same input must give the same wishes."""
    again, _ = traced(setup, progress)
    for first, second in zip(whole.acts, again.acts, strict=False):
        if first != second:
            text = f"at {ist(first.at_s)} it did {_said(first)} once, and {_said(second)} the next time"
            return [Finding("same twice", text, True)]
    if len(whole.acts) != len(again.acts):
        return [Finding("same twice", f"{len(whole.acts)} wishes once, {len(again.acts)} the next time", True)]
    return [Finding("same twice", "yes")]


def on_other_prices(setup: Setup, whole: Trace, progress: Progress | None = None) -> list[Finding]:
    """Play it over prices that move in another order: orders that stay the same were not made from them."""
    other, _ = traced(replace(setup, series=[shuffled(series) for series in setup.series]), progress)
    orders, others = ([(act.at_s, act.call) for act in trace.orders()] for trace in (whole, other))
    if len(orders) < FEWEST:
        return [Finding("prices", f"{len(orders)} orders are too few to tell whether it looks at prices")]
    if orders == others:
        return [Finding("prices", "it asks for the same orders at the same times though the prices are others")]
    return [Finding("prices", "other prices, other orders")]


def shuffled(series: Series, seed: int = 1) -> Series:
    """The same times with the same moves in another order: another history of the same kind."""
    snap, before = series.instrument.snap, np.concatenate([series.open[:1], series.close[:-1]])
    order = np.random.default_rng(seed).permutation(len(series))
    path = {name: (getattr(series, name) / before)[order] for name in ("open", "high", "low", "close")}
    closes = before[0] * np.cumprod(path["close"])
    starts = np.concatenate([before[:1], closes[:-1]])
    floor = series.instrument.tick_size or 0.01
    opened, high, low, close = (
        np.array([max(snap(price), floor) for price in (starts * path[name]).tolist()]) for name in path
    )
    high, low = np.maximum.reduce([opened, high, low, close]), np.minimum.reduce([opened, high, low, close])
    return replace(series, open=opened, high=high, low=low, close=close)


def scrutinised(setup: Setup, tolerance: float = 1e-9, progress: Progress | None = None) -> tuple[Trace, list[Finding]]:
    """All checks, and what the strategy did. Raises BadData for bars that cannot be played."""
    if not all(len(series) >= 2 for series in setup.series):
        raise BadData("a check needs two bars at least")
    whole, _ = traced(setup, progress)
    found = repeats(setup, whole, progress)
    if not found[0].severe:  # else every comparison would only show that again
        found += look_ahead(setup, whole, progress)
    if not any(finding.severe for finding in found):
        found += warm_up(setup, whole, tolerance, progress)
        found += on_other_prices(setup, whole, progress)
    return whole, found
