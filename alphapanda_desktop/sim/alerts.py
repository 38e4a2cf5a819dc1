"""Price alerts, and alerts that place a basket of orders when they fire.  Source: CONTRACT 2.14."""

from __future__ import annotations

import json
import operator
import uuid
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.sim import quotes
from alphapanda_desktop.sim.answers import KiteError, bad_input, missing, stamp
from alphapanda_desktop.sim.checks import number
from alphapanda_desktop.sim.exchange import Exchange
from alphapanda_desktop.sim.market import Market
from alphapanda_desktop.sim.memory import Memory

ACTIVE_MAX: Final = 500
_OPERATORS: Final[dict[str, Callable[[float, float], bool]]] = {
    "<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq,
}  # fmt: skip
_TEXTS: Final = ("name", "lhs_exchange", "lhs_tradingsymbol", "lhs_attribute", "operator", "rhs_type")
_ATTRIBUTE: Final = "LastTradedPrice"
_SENT: Final = (
    "exchange", "tradingsymbol", "transaction_type", "product", "order_type", "validity", "validity_ttl", "quantity",
    "price", "trigger_price", "disclosed_quantity", "market_protection",
)  # fmt: skip

Body = dict[str, Any]
"""An alert in Kite's own JSON; its shape is checked when it is made."""


class Alerts:
    """All alerts of the user and what they did. An alert that fires is spent: it turns disabled."""

    def __init__(
        self, market: Market, exchange: Exchange, now_s: Callable[[], float], memory: Memory, user_id: str
    ) -> None:
        self._market = market
        self._exchange = exchange
        self._now_s = now_s
        self._memory = memory
        self._user_id = user_id
        self._all: dict[str, Body] = {str(row["uuid"]): row for row in memory.rows("alert")}
        self._history: dict[str, list[Body]] = {}
        for row in memory.rows("alert-history"):
            self._history.setdefault(str(row["uuid"]), []).append(row)

    def _keep(self, body: Body) -> Body:
        self._all[body["uuid"]] = body
        self._memory.put("alert", body["uuid"], body)
        self._market.watched |= self._tokens(body)
        return body

    def start_over(self) -> None:
        """Forget every alert."""
        self._all.clear()
        self._history.clear()
        self._memory.drop("alert")
        self._memory.drop("alert-history")

    def tokens(self) -> set[int]:
        """Instruments whose ticks it needs."""
        return set().union(*(self._tokens(body) for body in self._enabled()))

    def _tokens(self, body: Body) -> set[int]:
        both = (self._instrument(body, side) for side in ("lhs", "rhs"))
        return {instrument.instrument_token for instrument in both if instrument is not None}

    def _enabled(self) -> list[Body]:
        return [body for body in self._all.values() if body["status"] == "enabled"]

    def create(self, form: Mapping[str, str]) -> Body:
        """Keep a new alert; the alert."""
        if len(self._enabled()) >= ACTIVE_MAX:
            raise bad_input(f"You have {ACTIVE_MAX} active alerts, the most that is allowed.")
        now = stamp(self._now_s())
        head = {
            "type": form.get("type", ""),
            "user_id": self._user_id,
            "uuid": str(uuid.uuid4()),
            "name": "",
            "status": "enabled",
            "disabled_reason": "",
        }
        return self._keep(head | self._read(form) | {"alert_count": 0, "created_at": now, "updated_at": now})

    def modify(self, id_: str, form: Mapping[str, str]) -> Body:
        """Replace an alert and arm it again."""
        body = self.get(id_)
        now = stamp(self._now_s())
        return self._keep(body | self._read(form) | {"status": "enabled", "disabled_reason": "", "updated_at": now})

    def get(self, id_: str) -> Body:
        """The alert; KiteError when there is none, or it was deleted."""
        body = self._all.get(id_)
        if body is None or body["status"] == "deleted":
            raise KiteError(404, "GeneralException", "Alert not found.")
        return body

    def delete(self, ids: Sequence[str]) -> None:
        if not ids:
            raise missing("uuid")
        for body in [self.get(id_) for id_ in ids]:
            self._keep(body | {"status": "deleted", "updated_at": stamp(self._now_s())})

    def rows(self, status: str, page: int, page_size: int) -> list[Body]:
        """Alerts of a status, or all but the deleted, one page of them."""
        wanted = [b for b in self._all.values() if (b["status"] == status if status else b["status"] != "deleted")]
        return wanted[(page - 1) * page_size : page * page_size] if page_size else wanted

    def history(self, id_: str) -> list[Body]:
        if id_ not in self._all:
            raise KiteError(404, "GeneralException", "Alert not found.")
        return self._history.get(id_, [])

    def _read(self, form: Mapping[str, str]) -> Body:
        if form.get("type") not in ("simple", "ato"):
            raise bad_input("Invalid `type`.")
        for name in _TEXTS:
            if not form.get(name):
                raise missing(name)
        if form["operator"] not in _OPERATORS or form["rhs_type"] not in ("constant", "instrument"):
            raise bad_input("Invalid `operator` or `rhs_type`.")
        body: Body = {name: form[name] for name in ("type", *_TEXTS)}
        for name in ("rhs_attribute", "rhs_exchange", "rhs_tradingsymbol"):
            body[name] = form.get(name, "")
        body["rhs_constant"] = _constant(form)
        sides = ("lhs", "rhs") if body["rhs_type"] == "instrument" else ("lhs",)
        for side in sides:
            if self._instrument(body, side) is None or body[f"{side}_attribute"] != _ATTRIBUTE:
                raise bad_input(f"Invalid `{side}_tradingsymbol` or `{side}_attribute`.")
        if body["type"] == "ato":
            body["basket"] = self._basket(form)
        return body

    def _basket(self, form: Mapping[str, str]) -> Body:
        try:
            basket = json.loads(form.get("basket") or "")
            items = [self._item(n, item) for n, item in enumerate(basket["items"], 1)]
        except (json.JSONDecodeError, KeyError, TypeError, AttributeError):
            raise bad_input("Invalid `basket`.") from None
        return {"items": items}

    def _item(self, n: int, item: Body) -> Body:
        instrument = self._market.by_key(f"{item['exchange']}:{item['tradingsymbol']}")
        if instrument is None or not instrument.tradable:
            raise bad_input("Invalid `tradingsymbol` in the basket.")
        usual = {
            "validity": "DAY", "validity_ttl": 0, "variety": "regular", "disclosed_quantity": 0, "price": 0,
            "trigger_price": 0, "squareoff": 0, "stoploss": 0, "trailing_stoploss": 0,
            "gtt": {"target": 0, "stoploss": 0}, "tags": [],
        }  # fmt: skip
        return {
            "id": 275_000_000 + n,
            "tradingsymbol": instrument.tradingsymbol,
            "exchange": instrument.exchange,
            "instrument_token": instrument.instrument_token,
            "weight": item.get("weight", 0),
            "params": usual | item["params"],
        }

    def _instrument(self, body: Body, side: str) -> Instrument | None:
        exchange, symbol = body.get(f"{side}_exchange"), body.get(f"{side}_tradingsymbol")
        if exchange != "INDICES":
            return self._market.by_key(f"{exchange}:{symbol}")
        found = (self._market.by_key(f"{real}:{symbol}") for real in ("NSE", "BSE", "MCX"))
        return next((one for one in found if one is not None and not one.tradable), None)

    def on_step(self, moved: Mapping[int, Tick]) -> None:
        """Fire what has come true; `moved` are the new ticks by token."""
        for body in self._enabled():
            if self._tokens(body).isdisjoint(moved):
                continue
            left, right = self._value(body, "lhs"), self._value(body, "rhs")
            if left is not None and right is not None and _OPERATORS[body["operator"]](left, right):
                self._fire(body)

    def _value(self, body: Body, side: str) -> float | None:
        if side == "rhs" and body["rhs_type"] == "constant":
            return float(body["rhs_constant"])
        instrument = self._instrument(body, side)
        return self._market.picture(instrument.instrument_token).last_price if instrument else None

    def _fire(self, body: Body) -> None:
        now = stamp(self._now_s())
        done = body | {"status": "disabled", "alert_count": body["alert_count"] + 1, "updated_at": now}
        self._keep(done)
        event = {
            "uuid": body["uuid"],
            "type": body["type"],
            "meta": [self._meta(body)],
            "condition": _condition(body),
            "created_at": now,
            "order_meta": [self._order(item) for item in body["basket"]["items"]] if body["type"] == "ato" else None,
        }
        events = self._history.setdefault(body["uuid"], [])
        events.append(event)
        self._memory.put("alert-history", f"{body['uuid']}-{len(events):05d}", event)

    def _meta(self, body: Body) -> Body:
        instrument = self._instrument(body, "lhs")
        assert instrument is not None
        seen = quotes.full(self._market, instrument)
        if seen["last_trade_time"] is None:
            seen["last_trade_time"] = "0001-01-01 00:00:00"  # what Kite's history shows for an index
        return {"tradingsymbol": instrument.tradingsymbol, "exchange": instrument.exchange, **seen}

    def _order(self, item: Body) -> Body:
        fields = item["params"] | {"exchange": item["exchange"], "tradingsymbol": item["tradingsymbol"]}
        form = {name: str(fields[name]) for name in _SENT if fields.get(name)}
        if form.get("order_type") in ("MARKET", "SL-M"):
            form.setdefault("market_protection", "-1")
        try:
            placed = self._exchange.place(str(fields["variety"]), form)
        except KiteError as error:
            return {"status": "failed", "order_id": "", "rejection_reason": error.message}
        self._exchange.settle_all()
        order_id = str(placed["order_id"]) if isinstance(placed, dict) else ""
        return {"status": "success", "order_id": order_id, "rejection_reason": ""}


def _constant(form: Mapping[str, str]) -> float:
    if form["rhs_type"] != "constant":
        return 0.0
    if not form.get("rhs_constant"):
        raise missing("rhs_constant")
    return number(form, "rhs_constant")


def _condition(body: Body) -> str:
    left = f'{body["lhs_attribute"]}("{body["lhs_exchange"]}:{body["lhs_tradingsymbol"]}")'
    if body["rhs_type"] == "constant":
        return f"{left} {body['operator']} {body['rhs_constant']:g}"
    return f'{left} {body["operator"]} {body["rhs_attribute"]}("{body["rhs_exchange"]}:{body["rhs_tradingsymbol"]}")'
