"""What an order was decided on: the tick, the bar, the numbers shown, the reason and every rule it was held against.

A `Cause` is taken at the moment of the decision and journaled with the intent, so that "why this order?" is answered
from what was known then and not from what is known now.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from numbers import Integral, Real
from typing import Any, Final

from alphapanda_desktop.domain.market import Bar, Interval, Tick
from alphapanda_desktop.domain.risk import RuleResult

Facts = Mapping[str, Any]
"""Names and what JSON can say of them: numbers, texts, times as ISO text in UTC."""

_TICK: Final = (
    "last_price",
    "last_traded_quantity",
    "average_traded_price",
    "volume_traded",
    "total_buy_quantity",
    "total_sell_quantity",
    "oi",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """What was known when an order was asked for; every part is plain JSON. None is "there was none".

    `tick` and `bar` are the last that the run had been given of the instrument; `values` what it showed on its card;
    `market` is {"last", "bid", "ask", "age_s"} as the desk judged it, None where a price was not known.
    """

    tick: Facts | None = None
    bar: Facts | None = None
    values: Mapping[str, float | str] = field(default_factory=dict)
    reason: str = ""
    rules: tuple[RuleResult, ...] = ()
    market: Facts | None = None

    def as_json(self) -> dict[str, Any]:
        """Only what there is, ready for json.dumps."""
        told: dict[str, Any] = {
            "tick": self.tick and dict(self.tick),
            "bar": self.bar and dict(self.bar),
            "values": dict(self.values),
            "reason": self.reason,
            "rules": [_told(rule) for rule in self.rules],
            "market": self.market and dict(self.market),
        }
        return {name: value for name, value in told.items() if value}

    @classmethod
    def of_json(cls, told: Mapping[str, Any]) -> Cause:
        """The cause that `as_json` told; names of a later program are left out."""
        return cls(
            tick=told.get("tick"),
            bar=told.get("bar"),
            values=told.get("values", {}),
            reason=str(told.get("reason", "")),
            rules=tuple(_rule(row) for row in told.get("rules", ())),
            market=told.get("market"),
        )


def _told(rule: RuleResult) -> dict[str, Any]:
    # By hand: dataclasses.asdict takes ten times as long, and an order waits for this.
    return {
        "rule": rule.rule,
        "passed": rule.passed,
        "value": rule.value,
        "limit": rule.limit,
        "text": rule.text,
    }


def _rule(row: Mapping[str, Any]) -> RuleResult:
    return RuleResult(
        rule=str(row.get("rule", "")),
        passed=bool(row.get("passed")),
        value=str(row.get("value", "")),
        limit=str(row.get("limit", "")),
        text=str(row.get("text", "")),
    )


def tick_facts(tick: Tick) -> dict[str, Any]:
    """A tick under Kite's names, with the best bid and offer and both its times; what it does not carry is left out."""
    told: dict[str, Any] = {name: getattr(tick, name) for name in _TICK}
    told["bid"], told["ask"] = best_prices(tick)
    told["exchange_timestamp"] = tick.exchange_timestamp and tick.exchange_timestamp.isoformat()
    told["received"] = _iso(tick.received_ns) if tick.received_ns else None
    if tick.ohlc is not None:
        told["ohlc"] = list(tick.ohlc)
    return {name: value for name, value in told.items() if value is not None}


def bar_facts(bar: Bar, interval: Interval) -> dict[str, Any]:
    """A bar with its length in words and the moment it began."""
    told = {"interval": interval.value, **bar._asdict(), "start": datetime.fromtimestamp(bar.start_s, UTC).isoformat()}
    del told["start_s"]
    return {name: value for name, value in told.items() if name != "oi" or value}


def market_facts(tick: Tick | None, now_ns: int) -> dict[str, float | None]:
    """Last price, best bid and offer in rupees, and the tick's age in seconds; None where not known."""
    if tick is None:
        return {"last": None, "bid": None, "ask": None, "age_s": None}
    bid, ask = best_prices(tick)
    heard_ns = tick.received_ns or tick.at_ns
    age_s = round((now_ns - heard_ns) / 1e9, 3) if heard_ns else None
    return {"last": tick.last_price, "bid": bid, "ask": ask, "age_s": age_s}


def best_prices(tick: Tick) -> tuple[float | None, float | None]:
    """Best bid and best offer in rupees, None for a side that is empty or not carried."""
    depth = tick.depth
    if depth is None:
        return None, None
    return (
        depth.buy[0].price if depth.buy[0].quantity else None,
        depth.sell[0].price if depth.sell[0].quantity else None,
    )


def shown(variables: Mapping[str, object]) -> dict[str, float | str]:
    """A run's variables as they stood: numbers as numbers (numpy's too), all else as text."""
    return {name: _plain(value) for name, value in variables.items()}


def _plain(value: object) -> float | str:
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, Integral):
        return int(value)
    return float(value) if isinstance(value, Real) and math.isfinite(value) else str(value)


def _iso(ns: int) -> str:
    return datetime.fromtimestamp(ns / 1e9, UTC).isoformat()
