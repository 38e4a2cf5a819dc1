"""What became of one order: every state it was seen in, when, and why, oldest first."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PySide6.QtWidgets import QVBoxLayout, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.orders import INTENDED, UNKNOWN, Order, is_news
from alphapanda_desktop.domain.ports import Now
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.bookparts import seconds
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.tables import Column, RowModel
from alphapanda_desktop.ui.tableview import TableView
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import say

Picture = tuple[datetime, Order]
History = Callable[[str], Awaitable[Sequence[Picture]]]
"""From a tag or an order id to every picture of that order with the time it was seen, oldest first."""

STATUS_ROLES: Final[dict[str, Role]] = {
    "COMPLETE": "good",
    "OPEN": "accent",
    "TRIGGER PENDING": "warn",
    "REJECTED": "danger",
    "CANCELLED": "muted",
    "LAPSED": "muted",
    UNKNOWN: "unknown",
    INTENDED: "muted",
    # On the way, and nothing that a person could do about it.
    "PUT ORDER REQ RECEIVED": "muted",
    "VALIDATION PENDING": "muted",
    "OPEN PENDING": "muted",
    "MODIFY VALIDATION PENDING": "muted",
    "MODIFY PENDING": "muted",
    "CANCEL PENDING": "muted",
}


MOST: Final = 16
"""Orders whose pictures are kept in memory where the journal has them too."""


def status_role(order: Order) -> Role:
    return STATUS_ROLES.get(order.status, "warn")


def status_words(status: str) -> str:
    """Kite's word, or ours for what Kite has not told."""
    return "sending…" if status == INTENDED else status


@dataclass(frozen=True, slots=True)
class Step:
    """One picture of an order, and in words what is new in it."""

    number: int
    at: datetime
    order: Order
    words: str


def steps_of(pictures: Sequence[Picture]) -> list[Step]:
    """Pictures that tell something new, each with what it tells; repeats and stragglers are left out."""
    rows = [Step(0, at, order, _asked(order)) for at, order in pictures[:1]]
    for at, order in pictures[1:]:
        before = rows[-1].order
        words = "; ".join(_news(before, order))
        # An intent bears this machine's time to the microsecond, Kite's pictures theirs to the second.
        answered = not before.order_id and bool(order.order_id)
        if (answered or is_news(before, order)) and (words or order.status != before.status):
            rows.append(Step(len(rows), at, order, words))
    return rows


def _asked(order: Order) -> str:
    words = f"{order.transaction_type} {formats.grouped(order.quantity)} {order.order_type} {order.product}"
    words += f" at {formats.price(order.price)}" if order.price else ""
    words += f", trigger {formats.price(order.trigger_price)}" if order.trigger_price else ""
    return "; ".join([words, *_reasons(order)])


def _news(before: Order, now: Order) -> Iterator[str]:
    more = now.filled_quantity - before.filled_quantity
    if more:
        yield f"{formats.grouped(more)} filled, average {formats.price(now.average_price)}"
    for name, of in _FIELDS.items():
        if of(before) != of(now):
            yield f"{name} {of(before)} → {of(now)}"
    if not before.order_id and now.order_id:
        yield f"order id {now.order_id}"
    if now.exchange_order_id and now.exchange_order_id != before.exchange_order_id:
        yield f"exchange id {now.exchange_order_id}"
    if now.status == "CANCELLED" and before.live:
        yield f"{formats.grouped(now.quantity - now.filled_quantity)} cancelled"
    if (now.status_message, now.status_message_raw) != (before.status_message, before.status_message_raw):
        yield from _reasons(now)


_FIELDS: Final[dict[str, Callable[[Order], str]]] = {
    "quantity": lambda o: formats.grouped(o.quantity),
    "type": lambda o: o.order_type,
    "price": lambda o: formats.price(o.price),
    "trigger": lambda o: formats.price(o.trigger_price),
    "validity": lambda o: o.validity,
}


def _reasons(order: Order) -> list[str]:
    """What was said of it, the exchange's own words after Kite's where they differ."""
    said = [order.status_message, order.status_message_raw]
    return list(dict.fromkeys(text for text in said if text))


class Pictures:
    """Every picture of the day's orders that the desk told of since this was made.

    With `most`, those of so many orders: the longest unheard of that has ended goes first. The journal has them all.
    """

    def __init__(self, desk: Desk, now: Now, most: int | None = None) -> None:
        self._now = now
        self._most = most
        self._seen: dict[str, list[Picture]] = {}
        for order in reversed(desk.orders()):
            self.take(order)

    def take(self, order: Order) -> None:
        """Remember a picture; one that repeats tells nothing."""
        name = name_of(order)
        rows = self._seen.pop(name, [])
        self._seen[name] = rows  # now the last
        if not rows or rows[-1][1] != order:
            rows.append((self._now(), order))
        if self._most is not None and len(self._seen) > self._most:
            self._drop()

    def _drop(self) -> None:
        ended = next((name for name, rows in self._seen.items() if not rows[-1][1].live), None)
        if ended is not None:
            del self._seen[ended]

    def of(self, order: Order) -> list[Picture]:
        return list(self._seen.get(name_of(order), ()))


def name_of(order: Order) -> str:
    """What an order is asked for by: its tag where it has one, for that is known before its id."""
    return order.tag or order.order_id


COLUMNS: Final[tuple[Column[Step], ...]] = (
    Column("Seen", lambda s: seconds(s.at), lambda s: formats.ist_instant(s.at), width_chars=12,
           colour=lambda _: "muted", tooltip=lambda s: f"at the exchange {_exchange_time(s.order)}"),
    Column("State", lambda s: s.number, lambda s: status_words(s.order.status), width_chars=27,
           colour=lambda s: status_role(s.order), chip=lambda s: status_role(s.order)),
    Column("Filled", lambda s: s.order.filled_quantity,
           lambda s: f"{formats.grouped(s.order.filled_quantity)}/{formats.grouped(s.order.quantity)}", "right", 11),
    Column("What was new", lambda s: s.words, width_chars=24, tooltip=lambda s: s.words),
)  # fmt: skip


def _exchange_time(order: Order) -> str:
    return formats.ist_time(order.exchange_update_timestamp or order.exchange_timestamp)


class Timeline(QWidget):
    """The states of the order chosen last. With a `history` they come from the journal, earlier programs included."""

    def __init__(
        self, desk: Desk, edge: Edge, now: Now, parent: QWidget | None = None, history: History | None = None
    ) -> None:
        super().__init__(parent)
        self._edge = edge
        self._history = history
        self._order: Order | None = None
        self.pictures = Pictures(desk, now, MOST if history is not None else None)
        self.title = Words(say("Timeline"), self)
        self.title.setFont(ui_font(10, bold=True))
        self.title.setContentsMargins(8, 4, 8, 4)
        self.model: RowModel[Step] = RowModel(COLUMNS, key=lambda s: s.number, theme=edge.theme, parent=self)
        self.table = TableView(self.model, "Select an order to see what became of it.", self)
        self.table.setObjectName("timeline_table")
        self.table.setAccessibleName(say("Timeline of the selected order"))
        self.table.horizontalHeader().setStretchLastSection(True)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(0)
        whole.addWidget(self.title)
        whole.addWidget(self.table, 1)
        connect(desk.order_changed, self, self._take)

    def _take(self, order: Order) -> None:
        self.pictures.take(order)
        if self._order is not None and name_of(order) == name_of(self._order):
            self.show_order(order)

    def show_order(self, order: Order) -> None:
        """Show what became of this order, and follow it."""
        self._order = order
        self.title.setText(say(f"Timeline of {order.transaction_type} {formats.grouped(order.quantity)} {order.key}"))
        self.title.setToolTip(as_tip(say(f"order {order.order_id or formats.DASH}, tag {order.tag or formats.DASH}")))
        self.model.update(steps_of(self.pictures.of(order)))
        if self._history is not None:
            self._edge.spawn("order history", self._read(order))

    async def _read(self, order: Order) -> None:
        assert self._history is not None
        try:
            pictures = await self._history(name_of(order))
        except AlphaPandaError as error:
            self.title.setText(say(f"{self.title.text()} · since this start; the journal could not be read: {error}"))
            return
        if order is self._order:
            # The journal knows earlier programs, this one knows what it intended.
            both = sorted([*pictures, *self.pictures.of(order)], key=lambda picture: picture[0])
            self.model.update(steps_of(both))
