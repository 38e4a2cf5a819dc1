"""What is looked at before the day: each check says what was found and, where that is not well, what to do."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from enum import StrEnum
from typing import Final

from alphapanda_desktop.domain.calendar import about, holidays_known, times_unknown

CLOCK_WARN_S: Final = 2.0
CLOCK_BAD_S: Final = 30.0
"""Kite refuses nothing for a wrong clock, but bars, square-off and the 06:00 end of a session follow ours."""

FREE_BAD: Final = 200_000_000
FREE_WARN: Final = 2_000_000_000
"""Bytes: the journal needs little, a recorded day of 3,000 instruments about a gigabyte."""

EXCHANGES: Final = ("NSE", "MCX")
AHEAD: Final = timedelta(days=14)


class Standing(StrEnum):
    GOOD = "ok"
    WARN = "look"
    BAD = "wrong"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the preflight; `remedy` is empty where nothing has to be done."""

    name: str
    standing: Standing
    found: str
    remedy: str = ""


def worst(checks: Iterable[Check]) -> Standing:
    """The standing that decides: wrong before unknown before look before ok."""
    order = (Standing.BAD, Standing.UNKNOWN, Standing.WARN, Standing.GOOD)
    standings = {check.standing for check in checks}
    return next((one for one in order if one in standings), Standing.GOOD)


def of_clock(ahead_s: float | None, of_whom: str) -> Check:
    """Our clock against another's: seconds that it is ahead, None where nobody could be asked."""
    if ahead_s is None:
        return Check("Clock", Standing.UNKNOWN, f"{of_whom} could not be asked for the time",
            "Connect to the internet, and let the system set its clock by itself.")  # fmt: skip
    words = f"{abs(ahead_s):.1f} s {'ahead of' if ahead_s > 0 else 'behind'} {of_whom}"
    remedy = "Turn on automatic time in the system's settings: bars and square-off follow this clock."
    if abs(ahead_s) <= CLOCK_WARN_S:
        return Check("Clock", Standing.GOOD, f"within {CLOCK_WARN_S:g} s of {of_whom}")
    return Check("Clock", Standing.BAD if abs(ahead_s) > CLOCK_BAD_S else Standing.WARN, words, remedy)


def of_disk(free: int, folder: str) -> Check:
    """Room where journal and recordings are kept."""
    words = f"{free / 1e9:.1f} GB free in {folder}"
    if free < FREE_BAD:
        return Check("Disk", Standing.BAD, words, "Free some space: an order is written down before it is sent.")
    if free < FREE_WARN:
        return Check("Disk", Standing.WARN, words, "Free some space, or lower the budget of recordings.")
    return Check("Disk", Standing.GOOD, words)


def of_calendar(today: date) -> Check:
    """Whether this release knows today's and the next days' hours."""
    days = [today + timedelta(days=count) for count in range(AHEAD.days)]
    unlisted = sorted({f"{exchange} {day.year}" for exchange in EXCHANGES for day in days
        if not holidays_known(exchange, day)})  # fmt: skip
    untimed = [f"{exchange} {day:%d %b}" for exchange in EXCHANGES for day in days if times_unknown(exchange, day)]
    words = "; ".join(f"{exchange} today: {about(exchange, today)}" for exchange in EXCHANGES)
    if unlisted:
        return Check("Calendar", Standing.WARN, f"holidays of {', '.join(unlisted)} are not known",
            "Install the newest release; until then watch the exchange's own circulars.")  # fmt: skip
    if untimed:
        return Check("Calendar", Standing.WARN, f"{words}; hours not known: {', '.join(untimed)}",
            "See the exchange's circular for the hours of that session.")  # fmt: skip
    return Check("Calendar", Standing.GOOD, words)


def of_keyring(where: str, *, lasting: bool) -> Check:
    """Where secrets are kept."""
    if lasting:
        return Check("Keyring", Standing.GOOD, f"secrets are kept in {where}")
    return Check("Keyring", Standing.WARN, f"secrets are kept {where}",
        "Unlock or install a keyring (GNOME Keyring, KWallet); until then each start asks for the login.")  # fmt: skip
