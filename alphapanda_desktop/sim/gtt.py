"""Good-till-triggered orders: they wait beside the book and place ordinary LIMIT orders when a price is reached.

Source: CONTRACT 2.13.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any, Final

from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.matching import reached
from alphapanda_desktop.sim.answers import KiteError, bad_input, ist, missing, stamp
from alphapanda_desktop.sim.exchange import Exchange
from alphapanda_desktop.sim.market import Market
from alphapanda_desktop.sim.memory import Memory

ACTIVE_MAX: Final = 500
_LISTED_DAYS: Final = 7
_PRODUCTS: Final = ("CNC", "NRML", "MTF", "MIS")

Body = dict[str, Any]
"""A trigger in Kite's own JSON; its shape is checked when it is made."""


class Triggers:
    """All GTTs of the user, at any age, and their firing."""

    def __init__(
        self, market: Market, exchange: Exchange, now_s: Callable[[], float], memory: Memory, user_id: str
    ) -> None:
        self._market = market
        self._exchange = exchange
        self._now_s = now_s
        self._memory = memory
        self._user_id = user_id
        self._last_id = 100_000
        self._all: dict[int, Body] = {int(row["id"]): row for row in memory.rows("gtt")}  # type: ignore[call-overload]

    def _keep(self, body: Body) -> int:
        self._all[body["id"]] = body
        self._memory.put("gtt", f"{body['id']:012d}", body)
        return int(body["id"])

    def start_over(self) -> None:
        """Forget every trigger; ids go on counting."""
        self._last_id = max(self._all, default=self._last_id)
        self._all.clear()
        self._memory.drop("gtt")

    def _active(self) -> list[Body]:
        return [body for body in self._all.values() if body["status"] == "active"]

    def place(self, form: Mapping[str, str]) -> dict[str, int]:
        """Keep a new trigger; its id."""
        if len(self._active()) >= ACTIVE_MAX:
            raise bad_input(f"You have {ACTIVE_MAX} active triggers, the most that is allowed.")
        now_s = self._now_s()
        body = self._read(form) | {
            "id": max(self._all, default=self._last_id) + 1,
            "user_id": self._user_id,
            "parent_trigger": None,
            "created_at": stamp(now_s),
            "updated_at": stamp(now_s),
            "expires_at": stamp((ist(now_s) + timedelta(days=365)).timestamp()),
            "status": "active",
            "meta": {},
        }
        return {"trigger_id": self._keep(body)}

    def modify(self, trigger_id: str, form: Mapping[str, str]) -> dict[str, int]:
        """Replace an active trigger's condition and orders."""
        body = self._get(trigger_id)
        if body["status"] != "active":
            raise bad_input(f"Trigger {body['id']} is {body['status']} and cannot be modified.")
        return {"trigger_id": self._keep(body | self._read(form) | {"updated_at": stamp(self._now_s())})}

    def delete(self, trigger_id: str) -> dict[str, int]:
        body = self._get(trigger_id)
        if body["status"] != "active":
            raise bad_input(f"Trigger {body['id']} is {body['status']} and cannot be deleted.")
        return {"trigger_id": self._keep(body | {"status": "deleted", "updated_at": stamp(self._now_s())})}

    def rows(self) -> list[Body]:
        """Active triggers, and the others of the last days."""
        since = stamp(self._now_s() - _LISTED_DAYS * 86_400)
        return [body for body in self._all.values() if body["status"] == "active" or body["updated_at"] >= since]

    def get(self, trigger_id: str) -> Body:
        return self._get(trigger_id)

    def _get(self, trigger_id: str) -> Body:
        body = self._all.get(int(trigger_id)) if trigger_id.isdecimal() else None
        if body is None:
            raise KiteError(404, "GeneralException", "Trigger not found.")
        return body

    def _read(self, form: Mapping[str, str]) -> Body:
        """Type, condition and orders of a form; KiteError for what does not fit together."""
        kind = form.get("type", "")
        if kind not in ("single", "two-leg"):
            raise bad_input("Invalid `type`.")
        condition, orders = _json(form, "condition", dict), _json(form, "orders", list)
        instrument = self._market.by_key(f"{condition.get('exchange')}:{condition.get('tradingsymbol')}")
        if instrument is None or not instrument.tradable:
            raise bad_input("Invalid `tradingsymbol`.")
        values = condition.get("trigger_values")
        legs = 1 if kind == "single" else 2
        if not isinstance(values, list) or len(values) != legs or len(orders) != legs:
            raise bad_input(f"A {kind} trigger has {legs} of `trigger_values` and of `orders`.")
        values = sorted(_price(value, "trigger_values") for value in values)
        last = _price(condition.get("last_price"), "last_price")
        if kind == "two-leg" and not values[0] < last < values[1]:
            raise bad_input("The last price should lie between the two trigger values.")
        if kind == "single" and values[0] == last:
            raise bad_input("The trigger value should differ from the last price.")
        self._market.watched.add(instrument.instrument_token)
        return {
            "type": kind,
            "condition": {
                "exchange": instrument.exchange,
                "last_price": last,
                "tradingsymbol": instrument.tradingsymbol,
                "trigger_values": values,
                "instrument_token": instrument.instrument_token,
            },
            "orders": [_order(order, instrument.exchange, instrument.tradingsymbol) for order in orders],
        }

    def tokens(self) -> set[int]:
        """Instruments whose ticks it needs."""
        return {body["condition"]["instrument_token"] for body in self._active()}

    def on_step(self, moved: Mapping[int, Tick]) -> None:
        """Fire what the market has reached, expire what has waited a year; `moved` are the new ticks by token."""
        now = stamp(self._now_s())
        for body in self._active():
            if body["expires_at"] <= now:
                self._keep(body | {"status": "expired", "updated_at": now})
                continue
            tick = moved.get(body["condition"]["instrument_token"])
            asked = body["condition"]
            leg = reached(asked["trigger_values"], asked["last_price"], tick.last_price) if tick else None
            if leg is not None:
                self._fire(body, leg)

    def fire(self, trigger_id: str, leg: int) -> Body:
        """Fire an active trigger whatever the price is; raises ValueError where there is no such leg to fire."""
        body = self._get(trigger_id)
        if body["status"] != "active" or not 0 <= leg < len(body["orders"]):
            raise ValueError(f"trigger {trigger_id} is {body['status']} and has {len(body['orders'])} orders")
        self._fire(body, leg)
        return self._get(trigger_id)

    def _fire(self, body: Body, leg: int) -> None:
        now, order = stamp(self._now_s()), body["orders"][leg]
        result = {
            "account_id": self._user_id,
            "exchange": order["exchange"],
            "tradingsymbol": order["tradingsymbol"],
            "validity": "DAY",
            "product": order["product"],
            "order_type": order["order_type"],
            "transaction_type": order["transaction_type"],
            "quantity": order["quantity"],
            "price": order["price"],
            "meta": json.dumps({"app_id": 1234, "gtt": body["id"]}),
            "timestamp": now,
            "triggered_at": body["condition"]["trigger_values"][leg],
            "order_result": self._place(order, body["id"]),
        }
        orders = [one | {"result": result} if n == leg else one for n, one in enumerate(body["orders"])]
        self._keep(body | {"orders": orders, "status": "triggered", "updated_at": now})

    def _place(self, order: Body, id: int) -> dict[str, str]:
        form = {name: str(value) for name, value in order.items() if name != "result"}
        try:
            placed = self._exchange.place("regular", form, {"gtt": id})
        except KiteError as error:
            return {"status": "failed", "order_id": "", "rejection_reason": error.message}
        self._exchange.settle_all()
        order_id = str(placed["order_id"]) if isinstance(placed, dict) else ""
        return {"status": "success", "order_id": order_id, "rejection_reason": ""}


def _json(form: Mapping[str, str], name: str, kind: type) -> Any:
    if not form.get(name):
        raise missing(name)
    try:
        value = json.loads(form[name])
    except json.JSONDecodeError:
        raise bad_input(f"Invalid `{name}`.") from None
    if not isinstance(value, kind):
        raise bad_input(f"Invalid `{name}`.")
    return value


def _price(value: object, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise bad_input(f"Invalid `{name}`.")
    return float(value)


def _order(order: object, exchange: str, tradingsymbol: str) -> Body:
    if not isinstance(order, dict):
        raise bad_input("Invalid `orders`.")
    quantity = order.get("quantity")
    if not isinstance(quantity, int) or quantity < 1:
        raise bad_input("Invalid `quantity`.")
    if order.get("order_type") != "LIMIT" or order.get("transaction_type") not in ("BUY", "SELL"):
        raise bad_input("Triggers place LIMIT orders to BUY or SELL.")
    if order.get("product") not in _PRODUCTS:
        raise bad_input("Invalid `product`.")
    return {
        "exchange": exchange,
        "tradingsymbol": tradingsymbol,
        "product": order["product"],
        "order_type": "LIMIT",
        "transaction_type": order["transaction_type"],
        "quantity": quantity,
        "price": _price(order.get("price"), "price"),
        "result": None,
    }
