"""Mutual funds: a small fixed scheme list, holdings and orders, and the few things that can be done with them."""

from __future__ import annotations

import csv
import io
import random
import uuid
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Final

from alphapanda_desktop.sim.answers import KiteError, bad_input, ist, missing, stamp
from alphapanda_desktop.sim.checks import number

_COLUMNS: Final = (
    "tradingsymbol", "amc", "name", "purchase_allowed", "redemption_allowed", "minimum_purchase_amount",
    "purchase_amount_multiplier", "minimum_additional_purchase_amount", "minimum_redemption_quantity",
    "redemption_quantity_multiplier", "dividend_type", "scheme_type", "plan", "settlement_type", "last_price",
    "last_price_date",
)  # fmt: skip
_SCHEMES: Final = (
    ("INF000P01011", "PracticeMutualFund_MF", "Practice Flexi Cap Fund - Direct Plan", "growth", "equity", 84.86),
    ("INF000P01029", "PracticeMutualFund_MF", "Practice Liquid Fund - Direct Plan", "growth", "debt", 2081.4984),
    ("INF000P01037", "PracticeMutualFund_MF", "Practice Tax Saver Fund - Direct Plan", "growth", "equity", 101.13),
    ("INF000P01045", "PracticeMutualFund_MF", "Practice Balanced Fund - Direct Plan", "payout", "balanced", 30.68),
)

Row = dict[str, object]


class Funds:
    """Kite's mutual-fund calls over made-up schemes. Orders stay OPEN: no fund house answers here."""

    def __init__(self, now_s: Callable[[], float], user_id: str) -> None:
        self._now_s = now_s
        self._user_id = user_id
        self._schemes = {symbol: (name, price) for symbol, _, name, _, _, price in _SCHEMES}
        self._random = random.Random(user_id)
        self._orders: dict[str, Row] = {}
        self._sips: dict[str, Row] = {}
        first = self._new_order("INF000P01011", "BUY", 5000.0, 0.0, None)
        first["status_message"] = "Insufficient fund. 1/5"
        for symbol, day in (("INF000P01029", "05-05"), ("INF000P01045", "15-02")):
            self._new_sip(symbol, 1000.0, -1, "monthly", 0, {day: 10})

    def _price_date(self) -> str:
        return f"{ist(self._now_s()).date() - timedelta(days=1):%Y-%m-%d}"

    def instruments_csv(self) -> str:
        """The scheme list in Kite's columns."""
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        writer.writerow(_COLUMNS)
        for symbol, house, name, dividend, kind, price in _SCHEMES:
            writer.writerow([symbol, house, name, 1, 1, 1000.0, 1.0, 1000.0, 0.001, 0.001, dividend, kind, "direct",
                             "T3", price, self._price_date()])  # fmt: skip
        return out.getvalue()

    def holdings(self) -> list[Row]:
        found = (("INF000P01011", "3108290884", 78.43, 382.488), ("INF000P01029", "5102495241", 1874.101138, 1.334))
        return [
            {
                "folio": folio, "average_price": average, "last_price": self._schemes[symbol][1],
                "last_price_date": self._price_date(), "pledged_quantity": 0, "fund": self._schemes[symbol][0],
                "tradingsymbol": symbol, "pnl": 0, "quantity": quantity,
            }
            for symbol, folio, average, quantity in found
        ]  # fmt: skip

    def orders(self) -> list[Row]:
        return list(self._orders.values())

    def order(self, order_id: str) -> Row:
        return _found(self._orders, order_id, "order_id")

    def place(self, form: Mapping[str, str]) -> Row:
        """Enter an order; its id."""
        side, amount, quantity = form.get("transaction_type"), number(form, "amount"), number(form, "quantity")
        if side not in ("BUY", "SELL"):
            raise bad_input("Invalid `transaction_type`.")
        if (side == "BUY" and amount < 1000) or (side == "SELL" and quantity <= 0):
            raise missing("amount" if side == "BUY" else "quantity")
        return {"order_id": self._new_order(self._symbol(form), side, amount, quantity, form.get("tag"))["order_id"]}

    def cancel(self, order_id: str) -> Row:
        order = self.order(order_id)
        if order["status"] != "OPEN":
            raise KiteError(400, "OrderException", f"Order cannot be cancelled. It is {order['status']}.")
        order["status"] = "CANCELLED"
        return {"order_id": order_id}

    def sips(self) -> list[Row]:
        return list(self._sips.values())

    def sip(self, sip_id: str) -> Row:
        return _found(self._sips, sip_id, "sip_id")

    def place_sip(self, form: Mapping[str, str]) -> Row:
        amount, frequency = number(form, "amount"), form.get("frequency", "")
        if amount < 500:
            raise missing("amount")
        if frequency not in ("weekly", "monthly", "quarterly"):
            raise bad_input("Invalid `frequency`.")
        count, day = int(number(form, "instalments")) or -1, int(number(form, "instalment_day"))
        return {"sip_id": self._new_sip(self._symbol(form), amount, count, frequency, day, {})["sip_id"]}

    def modify_sip(self, sip_id: str, form: Mapping[str, str]) -> Row:
        sip = self.sip(sip_id)
        status = form.get("status", "")
        if status:
            if status.lower() not in ("active", "paused"):
                raise bad_input("Invalid `status`.")
            sip["status"] = status.upper()
        for name, field in (("amount", "instalment_amount"), ("instalments", "instalments")):
            if form.get(name):
                sip[field] = number(form, name)
        if form.get("frequency"):
            sip["frequency"] = form["frequency"]
        return {"sip_id": sip_id}

    def cancel_sip(self, sip_id: str) -> Row:
        self.sip(sip_id)["status"] = "CANCELLED"
        return {"sip_id": sip_id}

    def _symbol(self, form: Mapping[str, str]) -> str:
        symbol = form.get("tradingsymbol", "")
        if symbol not in self._schemes:
            raise bad_input("Invalid `tradingsymbol`.")
        return symbol

    def _new_order(self, symbol: str, side: str, amount: float, quantity: float, tag: str | None) -> Row:
        name, price = self._schemes[symbol]
        order: Row = {
            "status": "OPEN", "purchase_type": "FRESH", "folio": None, "order_timestamp": stamp(self._now_s()),
            "average_price": 0.0, "exchange_order_id": None, "last_price": price, "tradingsymbol": symbol,
            "settlement_id": None, "transaction_type": side,
            "order_id": str(uuid.UUID(int=self._random.getrandbits(128))),
            "amount": amount, "tag": tag or None, "placed_by": self._user_id, "exchange_timestamp": None,
            "variety": "regular", "last_price_date": self._price_date(), "status_message": "", "fund": name,
            "quantity": quantity,
        }  # fmt: skip
        self._orders[str(order["order_id"])] = order
        return order

    def _new_sip(
        self, symbol: str, amount: float, count: int, frequency: str, day: int, step_up: Mapping[str, int]
    ) -> Row:
        at = stamp(self._now_s())
        sip: Row = {
            "status": "ACTIVE", "sip_reg_num": None, "created": at, "dividend_type": "growth",
            "instalment_amount": amount, "fund": self._schemes[symbol][0], "instalments": count,
            "next_instalment": f"{ist(self._now_s()).date() + timedelta(days=7):%Y-%m-%d}", "transaction_type": "BUY",
            "trigger_price": 0, "step_up": dict(step_up), "tradingsymbol": symbol, "tag": "practice",
            "frequency": frequency, "last_instalment": at, "pending_instalments": count, "instalment_day": day,
            "sip_type": "sip", "completed_instalments": 0,
            "sip_id": str(self._random.randrange(10**14, 10**15)),
        }  # fmt: skip
        self._sips[str(sip["sip_id"])] = sip
        return sip


def _found(rows: dict[str, Row], id_: str, name: str) -> Row:
    if id_ not in rows:
        raise KiteError(404, "GeneralException", f"Couldn't find that `{name}`.")
    return rows[id_]
