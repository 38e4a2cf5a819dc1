"""Orders, instruments and bar lengths as JSON, both ways: the program writes them, a strategy's process reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, fields
from datetime import UTC, date, datetime
from typing import Any, Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Order

_TIMES: Final = ("order_timestamp", "exchange_timestamp", "exchange_update_timestamp")
_NAMES: Final = tuple(field.name for field in fields(Order))
_USUAL: Final = Order(order_id="", status="", exchange="", tradingsymbol="", transaction_type="BUY", quantity=0,
    product="", order_type="")  # fmt: skip


def order_told(order: Order) -> dict[str, Any]:
    """An order's fields, those that say nothing left out."""
    told = {name: getattr(order, name) for name in _NAMES}
    told = {name: value for name, value in told.items() if value != getattr(_USUAL, name) or name == "transaction_type"}
    for name in _TIMES:
        if name in told:
            told[name] = told[name].isoformat()
    return told


def order_of(told: Mapping[str, Any]) -> Order:
    """The order that `order_told` told."""
    values = {name: getattr(_USUAL, name) for name in _NAMES} | dict(told)
    for name in _TIMES:
        if name in told:
            values[name] = datetime.fromisoformat(told[name])
    return Order(**values | {"tags": tuple(values["tags"])})


def instrument_told(instrument: Instrument) -> dict[str, Any]:
    """An instrument's row of the master."""
    return {**asdict(instrument), "expiry": instrument.expiry and instrument.expiry.isoformat()}


def instrument_of(told: Mapping[str, Any]) -> Instrument:
    """The instrument that `instrument_told` told."""
    return Instrument(**{**told, "expiry": date.fromisoformat(told["expiry"]) if told["expiry"] else None})


def moment(now_ns: int) -> datetime:
    """Epoch nanoseconds as aware UTC, to the microsecond."""
    return datetime.fromtimestamp(now_ns // 1_000_000_000, UTC).replace(microsecond=now_ns // 1_000 % 1_000_000)
