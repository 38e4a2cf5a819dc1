"""The names that a strategy may use of what it is handed, read off the domain itself."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from typing import Any, Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import RENAMED, Bar, Tick
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.strategy import Context, Holding, Strategy

KINDS: Final[dict[str, type]] = {
    "Context": Context, "Tick": Tick, "Bar": Bar, "Order": Order, "Holding": Holding, "Instrument": Instrument,
}  # fmt: skip
CALLED: Final = {
    "Context": "the context", "Tick": "a tick", "Bar": "a bar", "Order": "an order", "Holding": "a position",
    "Instrument": "an instrument",
}  # fmt: skip
USUAL: Final = {
    "ctx": "Context", "context": "Context", "tick": "Tick", "bar": "Bar", "order": "Order", "instrument": "Instrument",
}  # fmt: skip
"""What a parameter without an annotation is, by the name it bears in a strategy's own methods."""

GIVES: Final = {
    "position": "Holding",
    "bars": "[Bar]",
    "history": "[Bar]",
    "working": "[Order]",
    "instruments": "[Instrument]",
}
"""What members of the context hand out; in brackets a sequence of it."""

ELSEWHERE: Final[dict[str, Mapping[str, str]]] = {
    "Tick": RENAMED,
    "Bar": {
        "volume_traded": "volume", "timestamp": "start_s", "date": "start_s", "datetime": "start_s", "time": "start_s",
        "last_price": "close", "ltp": "close", "price": "close", "open_interest": "oi",
    },
    "Order": {
        "symbol": "tradingsymbol", "side": "transaction_type", "filled": "filled_quantity", "id": "order_id",
        "state": "status", "average": "average_price", "remaining": "open_quantity", "is_open": "live",
    },
    "Holding": {"qty": "quantity", "net_quantity": "quantity", "avg_price": "average_price", "unrealised": "pnl"},
    "Instrument": {
        "token": "instrument_token", "symbol": "tradingsymbol", "lot_qty": "lot", "lotsize": "lot_size",
        "ticksize": "tick_size",
    },
    "Context": {
        "candles": "bars", "resample": "history", "consolidate": "history", "order_target": "target",
        "bracket_order": "bracket", "schedule": "timer", "set_timer": "timer", "call_later": "timer", "after": "timer",
        "every": "timer",
        "get_bars": "bars", "close": "closes", "ltp": "last_price", "price": "last_price", "positions": "position",
        "holding": "position", "orders": "working", "open_orders": "working", "time": "now", "print": "log",
        "close_position": "exit", "square_off": "exit", "stop_loss": "protect", "stop": "protect",
        "cancel_order": "cancel", "plot": "show",
    },
}  # fmt: skip
"""Names from other systems, and what they are called here."""


def members(kind: str) -> frozenset[str]:
    """Every name that something of this kind has."""
    cls = KINDS[kind]
    own = {name for name in dir(cls) if not name.startswith("_")}
    return frozenset(own | set(getattr(cls, "__annotations__", {})))


def meant(kind: str, name: str) -> str:
    """The right name for a wrong one, empty when none is near."""
    known = ELSEWHERE[kind].get(name)
    if known:
        return known
    near = difflib.get_close_matches(name, sorted(members(kind)), 1, 0.72)
    return near[0] if near else ""


def hooks() -> dict[str, tuple[str, ...]]:
    """Names of the hooks, each with the kinds of what it is handed after `self`."""
    found = {name: value for name, value in vars(Strategy).items() if name.startswith("on_")}
    return {name: tuple(_kinds_of(hook)) for name, hook in found.items()}


def _kinds_of(hook: Callable[..., Any]) -> list[str]:
    return [str(part.annotation) for part in list(inspect.signature(hook).parameters.values())[1:]]


def signature(method: str) -> inspect.Signature | None:
    """How a method of the context is called, without its `self`; None for what is no method."""
    found = inspect.getattr_static(Context, method, None)
    if not inspect.isfunction(found):
        return None
    whole = inspect.signature(found)
    return whole.replace(parameters=list(whole.parameters.values())[1:])
