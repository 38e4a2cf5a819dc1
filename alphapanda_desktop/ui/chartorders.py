"""Orders, GTTs and the position of the charted instrument as lines, and what is asked when a line was moved.

A moved line changes nothing by itself: a question shows both prices and the mode, and its yes goes through the desk.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

import shiboken6
from PySide6.QtCore import QObject

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import UNKNOWN, Order, OrderChange, Side
from alphapanda_desktop.domain.portfolio import Gtt, GttRequest, Gtts
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.books import kind_of
from alphapanda_desktop.ui.chart.orderlines import OrderLine, Part
from alphapanda_desktop.ui.chart.view import ChartView
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.question import Asker, Question
from alphapanda_desktop.ui.words import say


def lines_of_order(order: Order, who: str) -> Iterator[OrderLine]:
    """Its limit and its trigger, as far as it has them.

    They can be taken whatever its state: it may be another one by the time they are let go, and then that is said.
    """
    state = f" · {order.status}" if order.status == UNKNOWN else ""
    text = f"{order.transaction_type} {formats.grouped(order.open_quantity)} {kind_of(order)} · {who}{state}"
    ref = order.order_id or order.tag or ""
    if order.order_type in ("LIMIT", "SL") and order.price:
        yield OrderLine("order", ref, "price", order.price, order.transaction_type, text)
    if order.trigger_price and order.status != "OPEN":
        words = text.replace(order.order_type, f"{order.order_type} trigger", 1)
        yield OrderLine("order", ref, "trigger", order.trigger_price, order.transaction_type, words)


def lines_of_gtt(gtt: Gtt) -> Iterator[OrderLine]:
    """Its one trigger, or both."""
    kind = "OCO" if len(gtt.trigger_values) == 2 else "GTT"
    parts: tuple[Part, ...] = ("lower", "upper")
    for part, trigger, order in zip(parts, gtt.trigger_values, gtt.orders, strict=False):
        text = f"{kind} {order.transaction_type} {formats.grouped(order.quantity)} trigger"
        yield OrderLine("gtt", str(gtt.id), part, trigger, order.transaction_type, text)


def line_of_position(position: Position) -> OrderLine:
    """Its average price, which nobody can move."""
    text = say(f"{formats.signed(position.quantity, 0)} {position.product} average")
    side: Side = "BUY" if position.quantity > 0 else "SELL"
    return OrderLine("position", position.product, "average", position.average_price, side, text, movable=False)


def change_for(order: Order, line: OrderLine, price: float, instrument: Instrument) -> OrderChange:
    """What putting the line there asks for. The limit of a stop goes along with its trigger."""
    if line.part == "price":
        return OrderChange(price=price)
    if order.order_type != "SL":
        return OrderChange(trigger_price=price)
    return OrderChange(trigger_price=price, price=instrument.snap(order.price + price - order.trigger_price))


def gtt_for(gtt: Gtt, line: OrderLine, price: float, instrument: Instrument, last: float) -> GttRequest:
    """The GTT with this trigger there; the limit behind it goes along."""
    place = 1 if line.part == "upper" else 0
    moved = price - gtt.trigger_values[place]
    orders = tuple(
        replace(order, price=instrument.snap(order.price + moved)) if number == place else order
        for number, order in enumerate(gtt.orders)
    )
    triggers = tuple(price if number == place else value for number, value in enumerate(gtt.trigger_values))
    return replace(gtt.as_request(), trigger_values=triggers, orders=orders, last_price=last)


class ChartOrders(QObject):
    """Keeps the lines of one chart, and asks before a moved one is sent. Owned by the chart."""

    def __init__(self, chart: ChartView, desk: Desk, mode: str, edge: Edge, gtts: Gtts | None = None) -> None:
        super().__init__(chart)
        self._chart = chart
        self._desk = desk
        self._mode = mode
        self._asker = Asker()
        self._edge = edge
        self._gtts = gtts
        self._waiting: list[Gtt] = []
        self._shown: Instrument | None = None
        self._old = True
        for signal in (desk.order_changed, desk.positions_changed, desk.state_changed):
            connect(signal, self, self._mark)
        chart.line_moved.connect(self._ask_move)
        chart.line_cancelled.connect(self._cancel)
        edge.frames.add(chart, self._frame)

    def take_gtts(self, gtts: Iterable[Gtt]) -> None:
        """These wait at the broker now."""
        self._waiting = [gtt for gtt in gtts if gtt.active]
        self._mark()

    def _mark(self, *_what: object) -> None:
        self._old = True

    def _frame(self) -> None:
        instrument = self._chart.instrument
        if instrument is not None and (self._old or instrument != self._shown):
            self._old, self._shown = False, instrument
            self._chart.set_lines(list(self._lines(instrument.key)))

    def _lines(self, key: str) -> Iterator[OrderLine]:
        for position in self._desk.positions():
            if position.key == key and position.quantity:
                yield line_of_position(position)
        for gtt in self._waiting:
            if gtt.key == key:
                yield from lines_of_gtt(gtt)
        for order in self._desk.orders():
            if order.key == key and order.live:
                yield from lines_of_order(order, say(self._desk.by_whom(order)))

    # -- moving ----------------------------------------------------------------------------------------------

    def _ask_move(self, line: OrderLine, price: float) -> None:
        instrument = self._chart.instrument
        if instrument is not None:
            self._edge.spawn(f"move {line.name}", self._move(line, price, instrument))

    async def _move(self, line: OrderLine, price: float, instrument: Instrument) -> None:
        try:
            if line.owner == "gtt":
                await self._move_gtt(line, price, instrument)
            else:
                await self._move_order(line, price, instrument)
        finally:
            if shiboken6.isValid(self._chart):  # it may have been closed while the change was on its way
                self._chart.let_go_of_line()

    async def _move_order(self, line: OrderLine, price: float, instrument: Instrument) -> None:
        order = self._desk.books.book.get(line.ref)
        if order is not None and order.live and not order.changeable:
            raise Refused(f"Order {line.ref} cannot be changed while it is {order.status}.", "order")
        if order is None or not order.live:
            raise Refused(f"Order {line.ref} cannot be changed any more.", "order")
        change = change_for(order, line, price, instrument)
        lines = [f"{order.transaction_type} {formats.grouped(order.quantity)} {order.key}, {kind_of(order)}"]
        lines += _moves(order, change, instrument.decimals)
        if await self._agreed(f"Change order of {order.tradingsymbol}?", lines, order.transaction_type):
            await self._desk.modify(order.order_id, change)

    async def _move_gtt(self, line: OrderLine, price: float, instrument: Instrument) -> None:
        gtt = next((one for one in self._waiting if str(one.id) == line.ref), None)
        if gtt is None or self._gtts is None:
            raise Refused(f"GTT {line.ref} does not wait any more.", "gtt")
        request = gtt_for(gtt, line, price, instrument, self._chart.last_price() or gtt.last_price)
        problem = request.problem()
        if problem:
            raise Refused(f"GTT {gtt.id}: {problem}.", "gtt")
        words = (formats.price(value, instrument.decimals) for value in (line.price, price))
        order = gtt.orders[1 if line.part == "upper" else 0]
        lines = [
            f"{order.transaction_type} {formats.grouped(order.quantity)} {gtt.key}",
            f"Trigger {' → '.join(words)}; the limit behind it goes along.",
        ]
        if await self._agreed(f"Change GTT {gtt.id}?", lines, order.transaction_type):
            await self._gtts.modify(gtt.id, request)
            if shiboken6.isValid(self._chart):
                self.take_gtts([*(one for one in self._waiting if one.id != gtt.id), _after(gtt, request)])

    async def _agreed(self, title: str, lines: list[str], face: str) -> bool:
        question = Question(title, lines, "Change", self._mode, self._edge, self._chart.window(), face)
        return await self._asker.confirmed(question)

    # -- cancelling ------------------------------------------------------------------------------------------

    def _cancel(self, line: OrderLine) -> None:
        if line.owner == "order":
            self._edge.spawn(f"cancel {line.ref}", self._desk.cancel(line.ref))
        else:
            self._edge.notify(f"GTT {line.ref} is deleted in the GTT panel.", "info")


def _moves(order: Order, change: OrderChange, decimals: int) -> Iterator[str]:
    for name, before, now in (
        ("Price", order.price, change.price),
        ("Trigger", order.trigger_price, change.trigger_price),
    ):
        if now is not None:
            yield f"{name} {formats.price(before, decimals)} → {formats.price(now, decimals)}"


def _after(gtt: Gtt, request: GttRequest) -> Gtt:
    return replace(gtt, trigger_values=request.trigger_values, orders=request.orders, last_price=request.last_price)
