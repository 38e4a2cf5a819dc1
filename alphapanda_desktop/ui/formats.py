"""Numbers and times as an Indian trader reads them; plain strings, no Qt."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from alphapanda_desktop.domain import grouping

if TYPE_CHECKING:  # the first paint tells no time
    from datetime import datetime

MINUS: Final = grouping.MINUS
grouped = grouping.grouped

DASH: Final = "–"
"""Stands where there is no value: never a zero, never an empty cell."""

LAKH: Final = 100_000
CRORE: Final = 10_000_000


def rupees(value: float | None, decimals: int = 2) -> str:
    """₹ 12,34,567.80."""
    if value is None:
        return DASH
    text = grouped(value, decimals)
    return f"{MINUS}₹ {text[1:]}" if text.startswith(MINUS) else f"₹ {text}"


def signed(value: float | None, decimals: int = 2) -> str:
    """A change with its sign: +1,234.50, −88.00, and 0.00 without one."""
    if value is None:
        return DASH
    text = grouped(value, decimals)
    is_positive = value > 0 and any(digit in "123456789" for digit in text)
    return f"+{text}" if is_positive else text


def signed_rupees(value: float | None, decimals: int = 2) -> str:
    """A profit or loss: +₹ 1,234.50, −₹ 88.00."""
    if value is None:
        return DASH
    text = rupees(value, decimals)
    return f"+{text}" if signed(value, decimals).startswith("+") else text


def percent(value: float | None) -> str:
    """+1.25 %."""
    return DASH if value is None else f"{signed(value)} %"


def price(value: float | None, decimals: int = 2) -> str:
    """A price with the digits that its instrument trades in; a dash where there is none (Kite sends 0)."""
    return grouped(value, decimals) if value else DASH


def volume(quantity: float | None) -> str:
    """A quantity short enough for a column: 9,850, then 1.24 L, 3.41 Cr."""
    if quantity is None:
        return DASH
    for unit, name in ((CRORE, "Cr"), (LAKH, "L")):
        if abs(quantity) >= unit:
            return f"{grouped(quantity / unit, 2)} {name}"
    return grouped(quantity)


def ist_time(at: datetime | float | None) -> str:
    """10:41:27 in India, of an aware time or epoch seconds."""
    return DASH if at is None else _in_india(at).strftime("%H:%M:%S")


def ist_moment(at: datetime | float) -> str:
    """Tue 6 Oct 2026, 10:41 in India."""
    here = _in_india(at)
    return f"{here:%a} {here.day} {here:%b %Y, %H:%M}"


def ist_day(at: datetime | float) -> str:
    """6 Oct 2026 in India."""
    here = _in_india(at)
    return f"{here.day} {here:%b %Y}"


def _in_india(at: datetime | float) -> datetime:
    from datetime import datetime

    from alphapanda_desktop.domain.session import IST

    return at.astimezone(IST) if isinstance(at, datetime) else datetime.fromtimestamp(at, IST)


def countdown(seconds: float | None) -> str:
    """Time left in its two largest units: 5 h 12 m, 4 m 09 s, 12 s; "over" once it has passed."""
    if seconds is None:
        return DASH
    left = int(seconds)
    if left <= 0:
        return "over"
    if left >= 3600:
        return f"{left // 3600} h {left % 3600 // 60:02} m"
    return f"{left // 60} m {left % 60:02} s" if left >= 60 else f"{left} s"


def age(seconds: float | None) -> str:
    """How old a price is: 0.4 s as "now", then 12 s, 3 m, 2 h; "never" without one."""
    if seconds is None:
        return "never"
    if seconds < 1:
        return "now"
    if seconds < 60:
        return f"{int(seconds)} s"
    return f"{int(seconds // 60)} m" if seconds < 3600 else f"{int(seconds // 3600)} h"


UNKNOWN_WORD: Final = "unknown"
"""Stands for a sum that cannot be known now: a dash would read as nothing."""


def known_rupees(value: float | None) -> str:
    """₹ 1,234.50, or the word "unknown"."""
    return UNKNOWN_WORD if value is None else rupees(value)


def known_result(value: float | None) -> str:
    """A profit or loss with its sign, or the word "unknown"."""
    return UNKNOWN_WORD if value is None else signed_rupees(value)


def known_signed(value: float | None) -> str:
    """+1,234.50 for a column, or the word "unknown"."""
    return UNKNOWN_WORD if value is None else signed(value)


def ist_instant(at: datetime | None) -> str:
    """10:41:27.318 in India."""
    if at is None:
        return DASH
    here = _in_india(at)
    return f"{here:%H:%M:%S}.{here.microsecond // 1000:03d}"
