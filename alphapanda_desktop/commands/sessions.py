"""`alphapanda sessions EXCHANGE --from D --to D`: the exchange's trading days as JSON lines."""

from __future__ import annotations

import argparse
import json
import os
import re
import sys
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Final

from alphapanda_desktop.domain.calendar import EXCHANGES, Span, about, session_on, times_unknown
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.slicing import CASH

_STOCKS: Final = {False: "stocks without derivatives", True: "stocks with derivatives"}

_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")

_ABOUT: Final = """\
One line a session: {"date", "exchange", "phases": [{"phase", "start", "end"} ...], "why"}, times in Indian time.

"why" is "regular", "half day: ...", "special: ..." (Muhurat, Union Budget, drill, outage) or "closed: ...", and says
what is not known: a special session without published times has no phases.

Since 3 Aug 2026 shares of companies with derivatives end their day in a closing auction, other shares do not. Where the
two differ, each phase of NSE and BSE says in "for" which of them it is about; --derivatives or --plain prints one plan.
MCX and NCO are non-agricultural commodities, CDS and BCD pairs with the rupee.
"""


def run(arguments: list[str], _options: argparse.Namespace | None = None) -> int:
    """Print the sessions; 2 for an exchange or dates that make no sense."""
    parser = _parser()
    given = parser.parse_args(arguments)
    start = given.start or datetime.now(IST).date()
    end = given.end or start
    if end < start:
        parser.error(f"--to {end} lies before --from {start}")
    stocks = tuple(which for which in (False, True) if given.stocks in (None, which))
    try:
        sys.stdout.writelines(lines(given.exchange, start, end, stocks=stocks, closed_too=given.all))
        sys.stdout.flush()
    except BrokenPipeError:  # whoever read has enough, as `head` has; nothing is left to flush at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def lines(
    exchange: str, start: date, end: date, *, stocks: tuple[bool, ...] = (False, True), closed_too: bool = False
) -> Iterator[str]:
    """A JSON line for each day with a session, or for every day; `stocks` without derivatives, with them, or both."""
    for count in range((end - start).days + 1):
        day = start + timedelta(days=count)
        phases = _phases(exchange, day, stocks)
        if phases or closed_too or times_unknown(exchange, day):
            row = {"date": day.isoformat(), "exchange": exchange, "phases": phases, "why": about(exchange, day)}
            yield json.dumps(row) + "\n"


def _phases(exchange: str, day: date, stocks: tuple[bool, ...]) -> list[dict[str, str]]:
    plans = {which: _spans(exchange, day, which) for which in stocks}
    if len({*plans.values()}) == 1 or exchange not in CASH:
        return [_shown(span) for span in plans[stocks[0]]]
    both = [(span.start, which, span) for which, spans in plans.items() for span in spans]
    return [
        _shown(span) | ({} if all(span in spans for spans in plans.values()) else {"for": _STOCKS[which]})
        for _, which, span in sorted(both)
        if not which or span not in plans.get(False, ())
    ]


def _spans(exchange: str, day: date, has_derivatives: bool) -> tuple[Span, ...]:
    session = session_on(exchange, day, has_derivatives=has_derivatives)
    return session.phases if session else ()


def _shown(span: Span) -> dict[str, str]:
    return {
        "phase": span.phase.value,
        "start": span.start.astimezone(IST).isoformat(),
        "end": span.end.astimezone(IST).isoformat(),
    }


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphapanda sessions",
        description="Print when an exchange trades, as JSON lines.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("exchange", metavar="EXCHANGE", type=str.upper, choices=EXCHANGES, help=" ".join(EXCHANGES))
    parser.add_argument("--from", dest="start", metavar="D", type=_day, help="first day, YYYY-MM-DD (default: today)")
    parser.add_argument("--to", dest="end", metavar="D", type=_day, help="last day (default: the first)")
    parser.add_argument("--all", action="store_true", help="list closed days too, with why")
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--derivatives", dest="stocks", action="store_const", const=True, help="only stocks with derivatives"
    )
    which.add_argument(
        "--plain", dest="stocks", action="store_const", const=False, help="only stocks without derivatives"
    )
    return parser


def _day(text: str) -> date:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError(text)
        return date.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no day; write it as YYYY-MM-DD") from None
