"""The words of a quote's cells, kept for prices that come back: what the watchlist's model hands to its table."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from alphapanda_desktop.domain.freshness import GRADES, Grade
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.tables import Cell, Mark
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import keeps_words, say

MOST_MOVES: Final = 2_048
"""So many last prices are kept in words with their changes, and twice as many bids and asks: what rows come back to.

A kept cell takes up to 450 bytes, and prices that wander fill any room within the hour: these take 3 MB.
"""

_NEVER, _FRESH, _LATE, _STALE, _CLOSED = map(GRADES.index, Grade)
OLD: Final = frozenset((_STALE, _NEVER))
_MARKS: Final[dict[int, Mark]] = {_NEVER: "stale", _FRESH: "", _LATE: "late", _STALE: "stale", _CLOSED: ""}


def _move(last: int, close: int, *, old: bool) -> Role:
    """Colour of a live price; an old one has none."""
    if old:
        return "muted"
    if not close or last == close:
        return "unchanged"
    return "up" if last > close else "down"


@lru_cache(maxsize=MOST_MOVES)
def moved(last: int, close: int, divisor: float, decimals: int, grade: int) -> tuple[Cell, Cell, Cell]:
    """Last price, change and per cent, which always change together."""
    role = _move(last, close, old=grade in OLD)
    price = Cell(formats.price(last / divisor, decimals), role, None, _MARKS[grade] if last else "")
    return price, _change(last, close, divisor, decimals, role), _percent(last, close, role)


@lru_cache(maxsize=2 * MOST_MOVES)
def price(raw: int, divisor: float, decimals: int, role: Role | None) -> Cell:
    return Cell(formats.price(raw / divisor, decimals), role)


def _change(last: int, close: int, divisor: float, decimals: int, role: Role) -> Cell:
    change = (last - close) / divisor if close and last else None
    if not change:
        return Cell(formats.signed(change, decimals), role)
    return Cell(f"{'▲' if change > 0 else '▼'} {formats.grouped(abs(change), decimals)}", role)


def _percent(last: int, close: int, role: Role) -> Cell:
    return Cell(formats.percent((last - close) * 100 / close if close and last else None), role)


@keeps_words(1_024)
def age(seconds: int, grade: int) -> Cell:
    if grade == _NEVER:
        return Cell(say("never"), "warn", "warn")
    said = formats.age(seconds)
    if grade == _STALE:
        return Cell(say(f"stale {said}"), "warn", "warn")
    if grade == _CLOSED:
        return Cell(say("closed"), "muted")
    return Cell(say(f"late {said}"), "warn") if grade == _LATE else Cell(say(said), "good")


def age_tip(seconds: float, grade: int) -> str:
    if grade == _NEVER:
        return "No tick has come for it yet."
    said = f"Last tick {formats.age(seconds)} ago" if seconds >= 1 else "Ticking now"
    if grade == _STALE:
        return f"{said}: too old to trade on."
    if grade == _CLOSED:
        return f"{said}; its market is closed now."
    return f"{said}: longer than is usual for it." if grade == _LATE else f"{said}."


def about(instrument: Instrument) -> str:
    parts = [f"{instrument.key}", instrument.name if instrument.name != instrument.tradingsymbol else ""]
    parts += [f"expires {instrument.expiry:%d %b %Y}" if instrument.expiry else ""]
    parts += [
        f"lot {formats.grouped(instrument.lot_size)}" if instrument.lot_size > 1 else "",
        f"tick {instrument.tick_size:g}",
    ]
    return " · ".join(part for part in parts if part)
