"""The last look before an order leaves: what, how, from which position, and that it is LIVE or not."""

from __future__ import annotations

from collections.abc import Iterator

from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import OrderChange, OrderRequest
from alphapanda_desktop.domain.portfolio import Gtt, GttRequest
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.question import mode_label
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say


class ConfirmCard(QFrame):
    """Mode and order in words. Object name of the words: `ticket_confirm`."""

    def __init__(self, mode: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self.words = Words(self)
        self.words.setObjectName("ticket_confirm")
        self.words.setFont(ui_font(11))
        self.words.setWordWrap(True)
        self.mode = mode_label(mode, edge, self)
        self.mode.setObjectName("ticket_confirm_mode")
        self.mode.setWordWrap(True)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 4, 0, 4)
        box.setSpacing(8)
        box.addWidget(self.mode)
        box.addWidget(self.words)

    def say(self, lines: list[str]) -> None:
        self.words.setText(say("\n".join(lines)))


def order_lines(request: OrderRequest, instrument: Instrument, parts: list[int]) -> list[str]:
    """An order in words, a line for each thing to look at."""
    return list(_order_words(request, instrument, parts))


def _order_words(request: OrderRequest, instrument: Instrument, parts: list[int]) -> Iterator[str]:
    decimals = instrument.decimals
    units = " lots" if instrument.exchange == "MCX" else ""
    yield f"{request.transaction_type} {formats.grouped(request.quantity)}{units} {request.key}"
    price = f" at {formats.price(request.price, decimals)}" if request.price else ""
    yield f"{request.order_type}{price} · {request.product} · {_validity(request)}"
    if request.trigger_price:
        name = "Stop-loss" if request.variety == "co" else "Trigger"
        yield f"{name} {formats.price(request.trigger_price, decimals)}"
    if request.variety == "amo":
        yield "After market: sent when the next session opens"
    if request.variety == "iceberg" and request.iceberg_legs:
        yield f"Iceberg of {request.iceberg_legs} legs of {formats.grouped(request.iceberg_quantity or 0)}"
    if request.disclosed_quantity:
        yield f"The market sees {formats.grouped(request.disclosed_quantity)} at a time"
    if len(parts) > 1:
        yield f"In {len(parts)} orders, for the exchange takes {formats.grouped(parts[0])} in one"
    yield f"Tag {request.tag}"


def _validity(request: OrderRequest) -> str:
    return f"{request.validity_ttl} minutes" if request.validity == "TTL" else request.validity


def gtt_lines(request: GttRequest, instrument: Instrument, changing: Gtt | None) -> list[str]:
    """A GTT in words."""
    decimals = instrument.decimals
    order = request.orders[0]
    kind = "One of two, whichever is reached first:" if len(request.orders) == 2 else "Waits for up to a year:"
    head = f"GTT {changing.id} changes to" if changing is not None else "GTT"
    lines = [f"{head} {order.transaction_type} {formats.grouped(order.quantity)} {request.key} {order.product}", kind]
    for trigger, leg in zip(request.trigger_values, request.orders, strict=True):
        sign = "≤" if trigger < request.last_price else "≥"
        lines.append(
            f"last {sign} {formats.price(trigger, decimals)}: {leg.order_type} at {formats.price(leg.price, decimals)}"
        )
    return lines


def change_lines(order_words: str, change: OrderChange, decimals: int) -> list[str]:
    """What a modification changes, in words."""
    said = (
        ("Quantity", formats.grouped(change.quantity) if change.quantity is not None else ""),
        ("Type", change.order_type or ""),
        ("Price", formats.price(change.price, decimals) if change.price is not None else ""),
        ("Trigger", formats.price(change.trigger_price, decimals) if change.trigger_price is not None else ""),
        ("Validity", change.validity or ""),
        ("Disclosed", formats.grouped(change.disclosed_quantity) if change.disclosed_quantity is not None else ""),
    )
    return [order_words, *(f"{name} becomes {text}" for name, text in said if text)]
