"""One life of the program under the soak: the real one, with hands at its window that do as they are told.

Arguments: the data folder, the port of the soak that tells what to do, the port of the line to the exchange, and the
file in which the exchange's own address is left for that line. One JSON line asks, one answers; what comes to stand
on the screen is told without being asked.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import re
import sys
import time
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QAbstractButton, QApplication, QLabel, QPushButton, QStatusBar, QWidget

from alphapanda_desktop import practice, start
from alphapanda_desktop.__main__ import parser
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.trading.runner import StartOrder
from tests.e2e.headless import log_in

LOOK_S = 0.2
SAME_S = 3.0
"""Words that differ in figures alone are told again after so long."""


def behind(line_port: int, upstream: Path) -> None:
    """Have the program reach its exchange through the line, wherever the exchange listens."""
    plain = practice.PracticeExchange.start

    def leave(address: str) -> None:
        upstream.write_text(address, encoding="utf-8")

    async def begin(self: practice.PracticeExchange) -> practice.Addresses:
        where = await plain(self)
        leave(where.rest.partition("//")[2].rstrip("/"))
        here = f"127.0.0.1:{line_port}"
        return dataclasses.replace(where, rest=f"http://{here}", ws=f"ws://{here}", login=f"http://{here}")

    practice.PracticeExchange.start = begin  # type: ignore[method-assign]


def on_screen() -> Iterator[tuple[str, str]]:
    """What stands on the screen now, with the name of what it stands on."""
    for top in QApplication.topLevelWidgets():
        if not top.isVisible():
            continue
        for widget in top.findChildren(QWidget):
            if not isinstance(widget, (QLabel, QAbstractButton, QStatusBar)) or not widget.isVisible():
                continue
            text = widget.currentMessage() if isinstance(widget, QStatusBar) else widget.text()
            if text and any(letter.isalpha() for letter in text):
                yield widget.objectName() or type(widget).__name__, text


class Hands:
    """A person who is told what to do, and tells what they read."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._program: Any = None
        self._writer: asyncio.StreamWriter | None = None
        self._read_at: dict[tuple[str, str], float] = {}
        self._shown: set[tuple[str, str]] = set()
        self._log: Any = None

    async def drive(self, program: Any) -> None:
        """Live at the window of this program."""
        self._program = program
        await self._live(program._window.close)

    async def _live(self, leave: Callable[[], object]) -> None:
        reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        async with asyncio.TaskGroup() as group:
            group.create_task(self._read_on())
            while line := await reader.readline():
                group.create_task(self._obey(json.loads(line)))
            leave()  # the soak is gone
            raise SystemExit

    async def beside(self, showing: Coroutine[Any, Any, None], window: QWidget) -> None:
        """Live at the window of a program that could not start."""
        living = asyncio.ensure_future(self._live(window.close))
        await showing
        living.cancel()

    def _tell(self, **what: Any) -> None:
        assert self._writer is not None
        self._writer.write(json.dumps(what).encode() + b"\n")

    # -- reading -------------------------------------------------------------------------------------------------

    async def _read_on(self) -> None:
        while True:
            now = time.monotonic()
            shown = set(on_screen())
            for where, text in shown - self._shown:
                self._saw(now, where, text)
            self._shown = shown
            self._read_log(now)
            await asyncio.sleep(LOOK_S)

    def _read_log(self, now: float) -> None:
        view = self._program and self._program._window.view
        if view is None:
            return
        entries = view.log.entries()
        new = entries[entries.index(self._log) + 1 :] if self._log in entries else entries
        for entry in new:
            self._saw(now, "log", entry.text)
        self._log = entries[-1] if entries else None

    def _saw(self, now: float, where: str, text: str) -> None:
        key = where, re.sub(r"\d+", "0", text)
        if now - self._read_at.get(key, -SAME_S) >= SAME_S:
            self._read_at[key] = now
            self._tell(saw=text, where=where)

    # -- doing ---------------------------------------------------------------------------------------------------

    async def _obey(self, wish: dict[str, Any]) -> None:
        if self._program is None and wish["do"] not in ("state", "retry", "close"):
            self._tell(id=wish["id"], error="it did not start")
            return
        try:
            answer = await getattr(self, f"do_{wish['do']}")(**wish.get("with", {}))
            self._tell(id=wish["id"], answer=answer)
        except (AlphaPandaError, TimeoutError, AssertionError, OSError) as error:
            self._tell(id=wish["id"], error=f"{type(error).__name__}: {error}")

    async def do_log_in(self) -> bool:
        """As a person with a browser: through Kite's page, and the address it lands on is pasted."""
        window = self._program._window
        if window.login is None:
            return False
        async with asyncio.timeout(20):
            address = await log_in(self._program.gate.login_url)
        if window.login is None:
            return False
        window.login.paste.setText(address)
        self._press(window.login, "paste_button")
        return True

    async def do_retry(self) -> bool:
        """Press Try again on the page that says what failed."""
        return self._program is not None and self._press(self._program._window, "try_again")

    async def do_click(self, side: str) -> str:
        """Send a ticket by its button: "" once that was pressed, else why it could not be."""
        program, window = self._program, self._program._window
        if window.view is None or program.market is None:
            return "there is no desk"
        ticket = window.view.ticket
        ticket.ask_first.setChecked(False)
        ticket.open_for(program.market.master.by_key("NSE:INFY"), side, 1)
        await asyncio.sleep(0.3)
        if self._press(ticket, "ticket_send"):
            return ""
        ticket.dismiss()
        return "the button is off"

    async def do_start(self, strategy: str, keys: list[str], params: dict[str, Any]) -> str:
        """Start a strategy; its run's id."""
        program = self._program
        chosen = tuple(filter(None, map(program.market.master.by_key, keys)))
        run = await program.runner.start(StartOrder(strategy, chosen, params))
        return str(run.run_id)

    async def do_decide(self) -> list[str]:
        """What a person decides who has looked: the broker's word on each difference that waits is taken."""
        differences, done = self._program.desk.differences, []
        for row in differences.red_open():
            await differences.decide(row.id, row.choices[0])
            done.append(f"{row.what}: {row.choices[0]}")
        return done

    async def do_state(self) -> dict[str, Any]:
        """How everything stands."""
        if self._program is None:
            return {"problem": "it did not start", "desk": "", "gate": "", "login": False, "runs": [], "faults": []}
        program, window = self._program, self._program._window
        gate, market, desk, runner = program.gate, program.market, program.desk, program.runner
        problem = window.findChild(QLabel, "problem_words")
        return {
            "login": window.login is not None,
            "problem": problem.text() if problem is not None and problem.isVisible() else "",
            "gate": gate.state.name if gate else "",
            "desk": desk.state.name if desk else "",
            "why": desk.state_detail if desk else "",
            "link": market.link.state.name if market else "",
            "frozen": market is not None and market.frozen_at is not None,
            "ticks_s": market.ticks_per_s if market else 0.0,
            "red": [row.what for row in desk.differences.red_open()] if desk else [],
            "faults": [fault.told() for fault in program.care.faults.faults],
            "panels": window.view is not None,
            "runs": [
                {"id": run.run_id, "name": run.strategy.name, "state": run.state.value, "detail": run.detail,
                 "pid": run.pulse.pid, "orders": len(run.orders)}
                for run in (runner.runs if runner else [])
            ],
        }  # fmt: skip

    async def do_books(self, compare: bool) -> dict[str, Any]:
        """The books; with `compare` after they were compared with the broker's because somebody asked for it."""
        desk = self._program.desk
        if compare:
            async with asyncio.timeout(25):
                await desk.reconcile("the soak looks", quiet=True)
        return {
            "orders": [{"tag": o.tag, "order_id": o.order_id, "status": o.status} for o in desk.orders()],
            "positions": [{"key": p.key, "product": p.product, "quantity": p.quantity} for p in desk.positions()],
        }

    async def do_close(self) -> bool:
        for top in QApplication.topLevelWidgets():
            if top.objectName() in ("main_window", "refusal_window"):
                top.close()
        return True

    def _press(self, parent: QWidget, name: str) -> bool:
        button = parent.findChild(QPushButton, name)
        if button is None or not button.isEnabled() or not button.isVisible():
            return False
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)
        return True


def main(folder: str, port: str, line_port: str, upstream: str) -> int:
    behind(int(line_port), Path(upstream))
    hands, plain = Hands(int(port)), start.until_closed
    start.until_closed = lambda window: hands.beside(plain(window), window)  # type: ignore[assignment]
    return start.open_window(parser().parse_args(["--mode", "practice", "--data-dir", folder]), hands.drive)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
