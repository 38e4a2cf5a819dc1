"""What the tour's person does with orders, sheets and the past: by keyboard where there is a key."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

import aiohttp
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError

SHOWN_S: Final = 0.4
"""How long a page stands before its picture is taken, so that its last frame is drawn."""

PRESSES: Final = 6
AGAIN_S: Final = 15.0
"""After so long without an answer a person presses a key again: one that comes while no window is active is lost."""

ORDERS: Final = "/orders/regular"
ELSEWHERE: Final = tuple(
    {"exchange": "NSE", "tradingsymbol": symbol, "transaction_type": side, "quantity": quantity, "product": "MIS",
     "order_type": "MARKET", "market_protection": "-1", "validity": "DAY"}
    for symbol, side, quantity in (("SBIN", "BUY", "40"), ("TCS", "SELL", "15"))
)  # fmt: skip
"""Orders that the tour places as the person would on Kite's own site."""

SWEPT: Final = (("fast", "2:16:2"), ("slow", "20:70:10"))
"""What the tour's sweep tries: parameter, and its values as they are typed."""


class Stopped(AlphaPandaError):
    """A step of the tour did not come true in time."""


class Seen(Protocol):
    """The parts of the program that a player looks at; `app.Program` is one."""

    gate: Any
    market: Any
    desk: Any
    runner: Any

    def close(self) -> None: ...


class Person(Protocol):
    """Whose hands and eyes these steps use; `player.Player` is one."""

    def picture(self, name: str, of: QWidget | None = None) -> None: ...

    async def until(self, what: str, condition: Callable[[], Any], patience_s: float = ...) -> Any: ...

    def click(self, parent: QWidget, name: str) -> None: ...


async def by_key(
    person: Person,
    what: str,
    condition: Callable[[], Any],
    key: Qt.Key,
    modifiers: Any = Qt.KeyboardModifier.NoModifier,
) -> Any:
    """Press a key of the window until what it is for is true, and give that; raises Stopped with what was awaited."""
    for left in reversed(range(PRESSES)):
        window().activateWindow()
        QTest.keyClick(window(), key, modifiers)
        try:
            return await person.until(what, condition, AGAIN_S)
        except Stopped:
            if not left:
                raise
    return None


def _sheet(name: str) -> Callable[[], Any]:
    return lambda: window().deck.find(name)


def window() -> Any:
    """The main window."""
    for widget in QApplication.topLevelWidgets():
        if widget.objectName() == "main_window":
            return widget
    raise Stopped("there is no main window")


class OrderSteps:
    """What the person does with orders: by keyboard where there is a key."""

    def __init__(self, player: Person, program: Seen) -> None:
        self._player = player
        self._program = program

    async def why(self) -> str:
        """Ask why the strategy's first order was sent."""
        run = self._program.runner.runs[0]
        order = next(iter(run.orders.values()))
        view, until = window().view, self._player.until
        table = self._bring("orders")
        rows = view.orders.model.rows  # they come with a frame, once the panel is seen
        places = await until("its row", lambda: [n for n, row in enumerate(rows()) if row.order_id == order.order_id])
        table.selectRow(places[0])
        QTest.keyClick(table, Qt.Key.Key_W)
        sheet = await until("the trail", lambda: window().deck.find("why_sheet"))
        trail = await until("its words", lambda: sheet.trail)
        if order.order_id not in trail.text():
            raise Stopped(f"the trail does not name order {order.order_id}")
        return f"order {order.order_id} back to its reason: {run.last_reason}"

    async def ticket(self) -> str:
        """Place a limit order with keys alone; it shows the order once more before it leaves."""
        self._away("why_sheet")
        view, until = window().view, self._player.until
        known = {order.order_id for order in self._program.desk.orders()}
        QTest.keyClick(view.watchlist.table, Qt.Key.Key_B)
        ticket, fields = view.ticket, view.ticket.fields
        QTest.keyClicks(fields.quantity, "25")
        fields.kind.setCurrentIndex(fields.kind.findData("LIMIT"))
        fields.price.setValue(fields.price.value() * 0.97)
        for _ in range(3):
            QTest.keyClick(fields.price, Qt.Key.Key_Down)
        await until("margin and charges", lambda: ticket.sums.estimate)
        await asyncio.sleep(SHOWN_S)
        self._player.picture("ticket fields")
        QTest.keyClick(fields.price, Qt.Key.Key_Return)
        await until("the last look", lambda: ticket.asking)
        await asyncio.sleep(SHOWN_S)
        self._player.picture("ticket asks")
        words = ticket.card.words.text().splitlines()
        QTest.keyClick(ticket.send, Qt.Key.Key_Return)
        await until("the order", lambda: {order.order_id for order in self._program.desk.orders()} - known)
        return "; ".join(words)

    async def books(self) -> str:
        """Look at the new order in the book, with every state that it had."""
        view = window().view
        table = self._bring("orders")
        table.selectRow(0)
        view.orders.times.setChecked(True)
        steps = view.orders.timeline.model
        await self._player.until("a timeline", lambda: steps.rowCount() > 1)
        return f"{view.orders.model.rowCount()} orders; the last one in {steps.rowCount()} states"

    async def reconciliation(self) -> str:
        """Trade behind the program's back, as on Kite's own site, and look at what it makes of it."""
        desk, until = self._program.desk, self._player.until
        sheet = await by_key(self._player, "the sheet", _sheet("reconcile_sheet"), Qt.Key.Key_F6)
        sheet.policy.setCurrentIndex(1)  # orders made elsewhere pause all strategies
        for order in ELSEWHERE:
            await self._order_elsewhere(order)
        await until("their fills", lambda: len(desk.differences.red_open()) >= len(ELSEWHERE))
        await asyncio.sleep(SHOWN_S)
        self._player.picture("differences")
        count = len(desk.differences.red_open())
        sheet.table.selectAll()
        self._player.click(sheet, "difference_adopt")
        await until("the decisions", lambda: not desk.differences.red_open())
        return f"{count} orders from elsewhere shown and adopted"

    async def _order_elsewhere(self, form: Mapping[str, str]) -> None:
        gate = self._program.gate
        token = gate.session.token
        root = gate.login_url.split("/connect/", maxsplit=1)[0]
        headers = {"X-Kite-Version": "3", "Authorization": f"token {token.api_key}:{token.access_token}"}
        async with aiohttp.ClientSession(headers=headers) as http, http.post(f"{root}{ORDERS}", data=form) as reply:
            if reply.status != 200:
                raise Stopped(f"the practice exchange took no order from elsewhere: {await reply.text()}")

    async def kill_report(self) -> str:
        """Press the kill switch by its key and wait for its report."""
        kill = self._program.desk.kill
        both = Qt.KeyboardModifier.ControlModifier | Qt.KeyboardModifier.ShiftModifier
        await by_key(self._player, "the kill sheet", _sheet("kill_sheet"), Qt.Key.Key_K, both)
        report = await self._player.until("its report", lambda: _closed(kill.report))
        await asyncio.sleep(SHOWN_S)
        self._player.picture("kill sheet")
        await self._player.until("the press to be done", lambda: not kill.at_work)  # after its report is closed
        await kill.release("RELEASE")  # the second use starts with a desk that takes orders
        self._away("kill_sheet")
        return f"{len(report.cancelled)} orders cancelled, {len(report.left)} positions left"

    async def closing(self) -> str:
        """Ask to close while a strategy runs, read what that would leave, and stay."""
        control = Qt.KeyboardModifier.ControlModifier
        sheet = await by_key(self._player, "the question", _sheet("closing_sheet"), Qt.Key.Key_Q, control)
        words = [label.text() for label in sheet.findChildren(QLabel) if "will be stopped" in label.text()]
        if not words:
            raise Stopped("the question before closing does not name the strategy that runs")
        await asyncio.sleep(SHOWN_S)
        self._player.picture("closing sheet")
        self._player.click(sheet, "close_stay")
        return str(words[0])

    async def coverage(self) -> str:
        """Look which positions have a stop, and where."""
        self._away("reconcile_sheet")
        sheet = await by_key(self._player, "stop coverage", _sheet("coverage_sheet"), Qt.Key.Key_F7)
        rows = await self._player.until("its rows", sheet.model.rows)
        await asyncio.sleep(SHOWN_S)
        self._player.picture("coverage sheet")
        self._away("coverage_sheet")
        return f"{len(rows)} positions: {sheet.summary.text()}"

    async def limits(self) -> str:
        """Ask for a looser limit of the day: it is kept for tomorrow."""
        sheet = await by_key(self._player, "the limits", _sheet("limits_sheet"), Qt.Key.Key_F8)
        loss: Any = sheet.findChild(QWidget, "limit_desk_max_loss_per_day")
        loss.setValue(loss.value() + 15_000)
        if sheet.apply.isEnabled():
            raise Stopped("a looser limit of the day could be put in force at once")
        self._player.click(sheet, "limits_tomorrow")
        await asyncio.sleep(SHOWN_S)
        self._player.picture("limits sheet")
        said = str(sheet.answer.text())
        self._away("limits_sheet")
        return said

    def _bring(self, name: str) -> Any:
        view = window().view
        view.show_tab(name)
        table = getattr(view, name).table
        table.setFocus()
        return table

    def _away(self, name: str) -> None:
        sheet = window().deck.find(name)
        if sheet is not None:
            QTest.keyClick(sheet, Qt.Key.Key_Escape)


class PastSteps:
    """What the person tries on the past, in the window that is for it."""

    def __init__(self, player: Person) -> None:
        self._player = player

    async def backtest(self) -> str:
        """Play the strategy over the candles of three months."""
        bench = await by_key(self._player, "the backtest window", lambda: window().backtest, Qt.Key.Key_F4)
        bench.form.strategy.setCurrentIndex(bench.form.strategy.findData("ma_cross"))
        bench.form.bar.setCurrentIndex(bench.form.bar.findData(900))
        bench.form.add_instrument(window().view.chart.instrument)
        self._player.click(bench, "backtest_run")
        report = await self._player.until("what came of it", lambda: bench.shown)
        await asyncio.sleep(SHOWN_S)
        self._player.picture("backtest window", bench)
        return f"{report.name}: {report.played.statistics.bars} bars in {report.took_s:.1f} s"

    async def sweep(self) -> str:
        """Try both of its averages over the same candles."""
        bench = window().backtest
        page = bench.sweeping
        bench.sides.setCurrentWidget(page)
        for pick, field, (name, values) in zip(page.params, page.values, SWEPT, strict=True):
            pick.setCurrentIndex(pick.findData(name))
            field.setText(values)
        self._player.click(page, "sweep_run")
        tried = await self._player.until("its ranking", page.ranking.rows)
        await asyncio.sleep(SHOWN_S)
        self._player.picture("sweep window", bench)
        bench.close()
        return f"{len(tried)} pairs of averages tried"


def _closed(report: Any) -> Any:
    return report if report is not None and report.done_at is not None else None
