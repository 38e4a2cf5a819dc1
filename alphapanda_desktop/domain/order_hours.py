"""When an order may enter: sessions, the closing auction, after-market windows, each with its dates.

A special session whose times are not known is left to the broker, and said so. Nothing here reads a clock.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Final

from alphapanda_desktop.domain import calendar
from alphapanda_desktop.domain.calendar import Phase
from alphapanda_desktop.domain.compliance import OrderLimits
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.risk import RuleResult
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.slicing import CASH

PRE_OPEN_ENTRY: Final = timedelta(minutes=8)
"""How long a pre-open takes orders, to a random second of its last minute; matching follows.  Source: CONTRACT 6.1."""

AMO_WINDOWS: Final[dict[str, tuple[time | None, time]]] = {
    "NSE": (time(16), time(8, 58)),
    "BSE": (time(16), time(8, 58)),
    "NFO": (time(15, 45), time(9, 10)),
    "BFO": (time(15, 45), time(9, 10)),
    "CDS": (time(17), time(8, 59)),
    "BCD": (time(17), time(8, 59)),
    "MCX": (None, time(8, 58)),
    "NCO": (None, time(8, 58)),
}
"""From when and until when a trading day takes after-market orders, Indian time; None is the day's own close.
Source: CONTRACT 6.2."""

AMO_MAINTENANCE: Final = (time(0), time(5, 30))
"""When Kite's order system takes none at all.  Source: CONTRACT 2.5."""

_PHASE_TYPES: Final[dict[Phase, tuple[str, ...]]] = {
    Phase.PRE_OPEN: ("LIMIT", "MARKET"),
    Phase.OPEN: ("LIMIT", "MARKET", "SL", "SL-M"),
    Phase.AUCTION_WAIT: (),
    Phase.AUCTION_ENTRY: ("LIMIT", "MARKET"),
    Phase.AUCTION_LIMIT: ("LIMIT",),
    Phase.AUCTION_MATCH: (),
    Phase.POST_CLOSE: ("LIMIT", "MARKET"),
}
"""Order types that enter in each phase.  Source: SEBI HO/47/11/11(3)2025-MRD-POD2/I/2765/2026; CONTRACT 6.1."""

_AUCTION: Final = (Phase.AUCTION_WAIT, Phase.AUCTION_ENTRY, Phase.AUCTION_LIMIT, Phase.AUCTION_MATCH)


@dataclass(frozen=True, slots=True)
class Case:
    """One order under examination. `changing` says that it rests at the exchange already and is to be changed."""

    request: OrderRequest
    instrument: Instrument
    at: datetime
    """Indian time."""
    phase: Phase | None
    """None where the hours do not matter."""
    limits: OrderLimits
    changing: bool

    @property
    def cash(self) -> bool:
        return self.instrument.exchange in CASH

    @property
    def day(self) -> date:
        return self.at.date()


def result(rule: str, passed: bool, value: object, limit: object, text: str) -> RuleResult:
    """A rule as it was applied; the words are kept only where it refused."""
    return RuleResult(rule, passed, str(value), str(limit), "" if passed else text)


def in_session(case: Case) -> RuleResult | None:
    """Whether the exchange takes that order type now, or the broker that after-market order."""
    if case.phase is None:
        return None
    if case.phase is Phase.UNKNOWN:
        return result("session", True, "times not known", "a special session, left to the broker", "")
    return _after_market(case) if case.request.variety == "amo" else _in_phase(case, case.phase)


def _in_phase(case: Case, phase: Phase) -> RuleResult:
    request, types = case.request, _types_now(case, phase)
    listed = " ".join(types) or "none"
    return result(
        "session",
        request.order_type in types,
        f"{request.order_type} at {case.at:%H:%M}",
        f"{phase.value}: {listed}",
        f"Session: {case.instrument.exchange} is {phase.value} at {case.at:%H:%M} and takes "
        f"{listed if types else 'no orders'}, {request.order_type} asked"
        f"{'' if types else ' (an after-market order waits for the next session)'}.",
    )


def _types_now(case: Case, phase: Phase) -> tuple[str, ...]:
    if phase is Phase.PRE_OPEN and (_pre_open_matches(case) or case.instrument.instrument_type in ("CE", "PE")):
        return ()
    return _PHASE_TYPES.get(phase, ())


def _pre_open_matches(case: Case) -> bool:
    session = calendar.session_on(case.instrument.exchange, case.day)
    starts = [span.start for span in session.phases if span.phase is Phase.PRE_OPEN] if session else []
    return all(not start <= case.at < start + PRE_OPEN_ENTRY for start in starts)


def _after_market(case: Case) -> RuleResult:
    start, end = amo_window(case.instrument.exchange, case.day)
    now = case.at.time()
    low, high = AMO_MAINTENANCE
    open_now = (start is None or now >= start or now < end) and not low <= now < high
    window = "all day" if start is None else f"{start:%H:%M} to {end:%H:%M}"
    return result(
        "after-market window",
        open_now,
        f"{now:%H:%M}",
        window,
        f"After-market orders: {now:%H:%M} now; {case.instrument.exchange} takes them {window} on this day, "
        f"and never from {low:%H:%M} to {high:%H:%M}.",
    )


def amo_window(exchange: str, day: date) -> tuple[time | None, time]:
    """From when and until when that day takes after-market orders; from None means all day, for it does not trade."""
    session = calendar.session_on(exchange, day)
    start, end = AMO_WINDOWS.get(exchange, AMO_WINDOWS["NSE"])
    if session is None:
        return None, end
    close = session.close.astimezone(IST).time()
    return max(start or close, close), end


def in_auction(case: Case) -> RuleResult | None:
    """What the closing auction leaves out, besides types."""
    request = case.request
    if case.phase not in _AUCTION or request.variety == "amo":
        return None
    odd = [
        name
        for name, given in (
            (request.order_type, request.order_type in ("SL", "SL-M")),
            ("IOC", request.validity == "IOC"),
            ("a disclosed quantity", bool(request.disclosed_quantity)),
        )
        if given
    ]
    return result(
        "closing auction",
        not odd,
        ", ".join(odd) or "plain",
        "no SL, IOC, disclosed quantity",
        f"Closing auction: {', '.join(odd)} asked; it takes no stops, IOC or disclosed quantity.",
    )


def in_continuous(case: Case) -> RuleResult | None:
    """Icebergs, cover orders and minutes of validity need continuous trading.  Source: Zerodha's announcement."""
    request = case.request
    odd = request.variety if request.variety in ("iceberg", "co") else "TTL" if request.validity == "TTL" else ""
    if case.phase in (None, Phase.UNKNOWN) or not odd or request.variety == "amo":
        return None
    return result(
        "continuous trading",
        case.phase is Phase.OPEN,
        odd,
        Phase.OPEN.value,
        f"Session: {odd} orders are for continuous trading; {case.instrument.exchange} is {case.phase} now.",
    )
