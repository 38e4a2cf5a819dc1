"""Alerts: what a person wants to be told of, as rules in words, and when a value has crossed a line.

A rule fires once, and again only after it was armed anew. A value that stands beyond its line when the rule is armed
has crossed nothing: it has to come back first.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from datetime import datetime
from enum import StrEnum
from functools import lru_cache
from typing import Any, Final, Literal, Protocol, cast

from alphapanda_desktop.domain.anyindicator import Indicator, indicator
from alphapanda_desktop.domain.indicatorlist import entry, judged
from alphapanda_desktop.domain.market import Interval

Direction = Literal["either", "above", "below"]


class Kind(StrEnum):
    """What a rule looks at; the values are the words on screen."""

    PRICE = "price"
    MOVE = "move in %"
    INDICATOR = "indicator"
    PNL = "net P&L"
    ORDER = "order"
    SESSION = "session end"
    FEED = "feed stale"


ORDER_EVENTS: Final = ("filled", "rejected", "cancelled", "unknown")
"""What may become of an order that a person is told of."""

LOGIN: Final = "login"
"""The end of the Kite session; another session is an exchange by its name."""

SESSIONS: Final = (LOGIN, "NSE", "BSE", "NFO", "BFO", "CDS", "MCX")
INDICATORS: Final = ("rsi", "sma", "ema", "atr", "macd")
"""Those with one period that rules of earlier programs watch, besides all of `indicatorlist.catalogue` by their names
and parameters. Both are looked at as each bar closes: a bar that is still forming fires nothing.
"""

INTERVALS: Final = tuple(interval.value for interval in Interval)

WITH_KEY: Final = frozenset({Kind.PRICE, Kind.MOVE, Kind.INDICATOR})
"""Kinds that need an instrument; orders and the feed may have one."""

PERIOD_MOST: Final = 400
MINUTES_MOST: Final = 600.0
SECONDS_MOST: Final = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """What to be told of. Fields that the kind has no use for keep their defaults.

    `level` is a price in rupees, per cent against the previous close, an indicator's value, net rupees, minutes before
    a session's end, or seconds without a tick. `key` is "EXCHANGE:SYMBOL"; empty is any.
    """

    kind: Kind
    key: str = ""
    direction: Direction = "either"
    level: float = 0.0
    indicator: str = "rsi"
    period: int = 14
    parameters: tuple[tuple[str, float], ...] = ()
    """Of an indicator of the whole list, which has them instead of a period."""
    line: str = ""
    """Which of an indicator's lines, as TA-Lib calls it; empty for the first."""
    interval: str = "5minute"
    event: str = ""
    repeat: bool = False
    """Armed anew by itself each time it has fired."""
    note: str = ""

    def as_json(self) -> dict[str, object]:
        """Plain values that `rule_of` takes."""
        return {**asdict(self), "kind": self.kind.name}


def rule_of(values: Mapping[str, object]) -> Rule:
    """The rule that `as_json` wrote; what a later program added is left out. Raises KeyError, TypeError, ValueError."""
    known = {f.name for f in fields(Rule)}
    own: dict[str, Any] = {name: value for name, value in values.items() if name in known}
    own["parameters"] = tuple((str(name), value) for name, value in own.get("parameters", ()))  # JSON has lists
    return Rule(**{**own, "kind": Kind[str(values["kind"])]})


def problem(rule: Rule) -> str:
    """Why nobody can be told by this rule, with the value and what is allowed; empty for a sound one."""
    if not math.isfinite(rule.level):
        return f"The level is {rule.level}, which is no number."
    if rule.kind in WITH_KEY and not rule.key:
        return f"An alert on {rule.kind} needs an instrument."
    return _PROBLEMS[rule.kind](rule)


def _price(rule: Rule) -> str:
    return "" if rule.level > 0 else f"The price is {rule.level:g}; it must be more than 0."


def _move(rule: Rule) -> str:
    return "" if 0 < rule.level <= 100 else f"The move is {rule.level:g} %; more than 0 and up to 100 can be watched."


def _indicator(rule: Rule) -> str:
    if rule.interval not in INTERVALS:
        return f"There are no bars of {rule.interval!r}; there are {', '.join(INTERVALS)}."
    if rule.indicator not in INDICATORS:
        return _listed(rule)
    if not 2 <= rule.period <= PERIOD_MOST:
        return f"The period is {rule.period}; 2 to {PERIOD_MOST} bars can be watched."
    return ""


def _listed(rule: Rule) -> str:
    found = entry(rule.indicator)
    if found is None:
        return f"There is no indicator {rule.indicator!r} of a bar alone; the chart's list has all that there are."
    try:
        judged(found, dict(rule.parameters))
    except ValueError as error:
        return f"{error}."
    lines = made_of(rule).lines
    if rule.line and rule.line not in lines:
        return f"{rule.indicator} has no line {rule.line!r}; there is {', '.join(lines)}."
    return ""


@lru_cache(256)
def _made(name: str, parameters: tuple[tuple[str, float], ...]) -> Indicator:
    return indicator(name, None, **dict(parameters))


def made_of(rule: Rule) -> Indicator:
    """What works out an indicator of the whole list."""
    return _made(rule.indicator, rule.parameters)


def _order(rule: Rule) -> str:
    return "" if rule.event in ORDER_EVENTS else f"Orders are {', '.join(ORDER_EVENTS)}, not {rule.event!r}."


def _session(rule: Rule) -> str:
    if rule.event not in SESSIONS:
        return f"There is no session {rule.event!r}; there is {', '.join(SESSIONS)}."
    if 0 <= rule.level <= MINUTES_MOST:
        return ""
    return f"{rule.level:g} minutes before the end; 0 to {MINUTES_MOST:g} can be told."


def _feed(rule: Rule) -> str:
    if 1 <= rule.level <= SECONDS_MOST:
        return ""
    return f"{rule.level:g} seconds without a tick; 1 to {SECONDS_MOST:g} can be told."


_PROBLEMS: Final = {
    Kind.PRICE: _price, Kind.MOVE: _move, Kind.INDICATOR: _indicator, Kind.PNL: lambda _rule: "",
    Kind.ORDER: _order, Kind.SESSION: _session, Kind.FEED: _feed,
}  # fmt: skip


class Crossing:
    """Whether a value that comes again and again has crossed a line. `side` is +1 above it, -1 below, 0 unknown.

    With no side known, a line that was to be reached from one side is taken for not reached yet: what lies beyond it
    at the first look has crossed it while nobody looked.
    """

    __slots__ = ("direction", "level", "side")

    def __init__(self, level: float, direction: Direction, side: int = 0) -> None:
        self.level = level
        self.direction: Direction = direction
        self.side = side or {"above": -1, "below": 1, "either": 0}[direction]

    def take(self, value: float) -> bool:
        """Whether this value is the first beyond the line, or on it, from the other side."""
        if not math.isfinite(value):
            return False
        before = self.side
        now = (value > self.level) - (value < self.level)
        self.side = now or before
        up = before < 0 <= now and self.direction != "below"
        down = before > 0 >= now and self.direction != "above"
        if up or down:
            self.side = now or -before
        return up or down


def side_of(value: float | None, level: float) -> int:
    """On which side of the line a value stands; 0 on it, or where it is unknown."""
    return 0 if value is None or not math.isfinite(value) else (value > level) - (value < level)


def reached(value: float | None, level: float, direction: Direction) -> bool:
    """Whether the line is reached already, so that there is nothing to wait for."""
    if value is None or direction == "either":
        return False
    return value >= level if direction == "above" else value <= level


# -- what the book keeps -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Alert:
    """A rule that was set. `armed` tells whether it can fire; `why_not` says why it cannot though it is armed."""

    id: str
    rule: Rule
    set_at: datetime
    armed: bool = True
    side: int = 0
    fired_at: datetime | None = None
    armed_at: datetime | None = None
    why_not: str = ""


@dataclass(frozen=True, slots=True)
class Firing:
    """One time that an alert fired. `id` is a number of its own; `seen_at` is when a person acknowledged it."""

    id: str
    alert_id: str
    kind: Kind
    key: str
    at: datetime
    text: str
    seen_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class AlertFact:
    """One row of the journal of alerts: `fact` is "set", "armed", "side", "fired", "seen" or "removed"."""

    alert_id: str
    fact: str
    at: datetime
    detail: Mapping[str, object] = field(default_factory=dict)


class AlertJournal(Protocol):
    """Append-only memory of alerts; every call returns once the row is safely on disk. Writing may raise Fatal."""

    async def alert_fact(self, fact: AlertFact) -> None: ...

    async def alert_facts(self) -> list[AlertFact]:
        """All that was ever written, oldest first."""
        ...


class Folded:
    """Alerts and firings as the facts of a journal leave them, in the order in which they were set and fired."""

    def __init__(self, firings_kept: int) -> None:
        self.alerts: dict[str, Alert] = {}
        self.firings: dict[str, Firing] = {}
        self.told: set[tuple[str, str]] = set()
        """What an alert has told of: its id, and a thing that is not to be told of twice."""
        self.last_number = 0
        self._kept = firings_kept

    def take(self, fact: AlertFact) -> None:
        """One more fact; one that this program does not know, or of an alert that is gone, changes nothing."""
        own, detail = fact.alert_id, fact.detail
        if fact.fact == "set":
            self.last_number = max(self.last_number, int(own) if own.isdecimal() else 0)
            rule = rule_of(cast(Mapping[str, object], detail["rule"]))
            self.alerts[own] = Alert(own, rule, fact.at, side=_whole(detail.get("side")), armed_at=fact.at)
        elif fact.fact == "seen":
            self._seen(str(detail.get("firing", "")), fact.at)
        elif fact.fact == "removed":
            self.alerts.pop(own, None)
        elif own in self.alerts and fact.fact == "armed":
            side = _whole(detail.get("side"))
            self.alerts[own] = replace(self.alerts[own], armed=True, side=side, armed_at=fact.at)
        elif own in self.alerts and fact.fact == "side":
            self.alerts[own] = replace(self.alerts[own], side=_whole(detail.get("side")))
        elif own in self.alerts and fact.fact == "fired":
            self._fired(self.alerts[own], fact)

    def _fired(self, alert: Alert, fact: AlertFact) -> None:
        detail, rule = fact.detail, alert.rule
        side = _whole(detail.get("side"))
        self.alerts[alert.id] = replace(alert, armed=rule.repeat, side=side, fired_at=fact.at)
        name = str(detail["firing"])
        self.firings[name] = Firing(name, alert.id, rule.kind, rule.key, fact.at, str(detail["text"]))
        if detail.get("about"):
            self.told.add((alert.id, str(detail["about"])))
        while len(self.firings) > self._kept:
            self.firings.pop(next(iter(self.firings)))

    def _seen(self, name: str, at: datetime) -> None:
        firing = self.firings.get(name)
        if firing is not None and firing.seen_at is None:
            self.firings[name] = replace(firing, seen_at=at)


def _whole(value: object) -> int:
    return value if isinstance(value, int) else 0


# -- words ---------------------------------------------------------------------------------------------------

Figure = Callable[[float, int], str]
"""Writes a number with so many decimals."""

_REACHES: Final = {"either": "crosses", "above": "rises to", "below": "falls to"}
_MOVES: Final = {"either": "moves", "above": "rises", "below": "falls"}


def plain(value: float, decimals: int) -> str:
    """A number without groups."""
    return f"{value:.{decimals}f}"


def words_of(rule: Rule, figure: Figure = plain) -> str:
    """The rule as the middle of a sentence: NSE:INFY rises to 1500.00."""
    return _WORDS[rule.kind](rule, figure)


def _order_words(rule: Rule, _figure: Figure) -> str:
    said = "is not answered for" if rule.event == "unknown" else f"is {rule.event}"
    return f"an order{f' in {rule.key}' if rule.key else ''} {said}"


def _session_words(rule: Rule, _figure: Figure) -> str:
    what = "the Kite session ends" if rule.event == LOGIN else f"{rule.event} closes"
    return f"{rule.level:g} min before {what}" if rule.level else what


def indicator_name(rule: Rule) -> str:
    """RSI(14, 5m), or BBANDS(20, 2, 2, 5m) upperband where there is more than one line."""
    label = Interval(rule.interval).label
    if rule.indicator in INDICATORS:
        return f"{rule.indicator.upper()}({rule.period}, {label})"
    given = ", ".join([*(f"{value:g}" for key, value in rule.parameters if "matype" not in key), label])
    lines = made_of(rule).lines
    return f"{rule.indicator}({given}){f' {rule.line or lines[0]}' if len(lines) > 1 else ''}"


def finely(rule: Rule, value: float) -> int:
    """How many decimals an indicator's value needs: a slope or a ratio changes in the fourth."""
    return 2 if rule.indicator in INDICATORS or abs(value) >= 1000 or round(value, 2) == value else 4


def _indicator_words(rule: Rule, figure: Figure) -> str:
    level = figure(rule.level, finely(rule, rule.level))
    return f"{rule.key} {indicator_name(rule)} {_REACHES[rule.direction]} {level}"


_WORDS: Final[dict[Kind, Callable[[Rule, Figure], str]]] = {
    Kind.PRICE: lambda r, figure: f"{r.key} {_REACHES[r.direction]} {figure(r.level, 2)}",
    Kind.MOVE: lambda r, _figure: f"{r.key} {_MOVES[r.direction]} {r.level:g} % from the previous close",
    Kind.INDICATOR: _indicator_words,
    Kind.PNL: lambda r, figure: f"net P&L {_REACHES[r.direction]} ₹ {figure(r.level, 2)}",
    Kind.ORDER: _order_words,
    Kind.SESSION: _session_words,
    Kind.FEED: lambda r, _figure: f"{r.key or 'the feed'} has no tick for {r.level:g} s",
}
