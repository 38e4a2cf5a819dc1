"""The whole program in practice mode under a market of 3,000 instruments, for as long as is asked; what it felt.

Arguments: seconds, a folder for the profile, ticks a second of each instrument, a file for what was measured (JSON
lines, one every ten seconds, the sums last). Its web socket goes through busy_server.py; REST and orders are the
practice exchange's. Four charts and the depth ladder are open, and a ticket is sent by a click every ten seconds.
"""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from alphapanda_desktop import practice
from alphapanda_desktop.__main__ import parser
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.start import open_window
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.trading.meter import Times
from alphapanda_desktop.venues.venue import PracticeOptions
from tests.benchmarks.memory_drive import resident_mb
from tests.e2e.headless import MemoryVault, log_in

HERE = Path(__file__).parent
COUNT, PER_FRAME = 3_000, 300
PROBE_S, ROUND_S = 0.005, 10.0
CHARTED = ("NSE:RELIANCE", "NSE:SBIN", "NSE:TCS")
"""Beside the one that is there."""

IDLE = """
import asyncio, sys, time
sys.path.insert(0, sys.argv[1])
from tests.benchmarks.day_drive import Lag
async def main():
    lag = Lag()
    asyncio.create_task(lag.run())
    await asyncio.to_thread(sys.stdin.readline)
    print(lag.said())
asyncio.run(main())
"""


class Lag:
    """How late the loop comes back to one who waits for 5 ms."""

    def __init__(self) -> None:
        self.whole, self.lately = Times("all"), Times("lately")

    async def run(self) -> None:
        while True:
            due = time.perf_counter_ns() + int(PROBE_S * 1e9)
            await asyncio.sleep(PROBE_S)
            late = max(0, time.perf_counter_ns() - due)
            self.whole.add(late)
            self.lately.add(late)

    def said(self) -> str:
        return json.dumps(in_ms(self.whole))


class Kept(Times):
    """Every time of the run, in ms."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.all_ms: list[float] = []

    def add(self, ns: int) -> None:
        super().add(ns)
        self.all_ms.append(ns / 1e6)


def in_ms(times: Times) -> dict[str, float]:
    p50, p99 = times.quantiles(0.5, 0.99)
    return {"p50": (p50 or 0) / 1e6, "p99": (p99 or 0) / 1e6, "worst": times.worst_ns / 1e6, "samples": times.total}


class Day:
    """One run: log in, watch everything, open charts, click; write down what it is like."""

    def __init__(self, seconds: float, out: Path) -> None:
        self.seconds, self.out = seconds, out
        self.lag = Lag()
        self.order = Kept("click to order")

    def write(self, row: dict[str, Any]) -> None:
        with self.out.open("a") as file:
            file.write(json.dumps(row) + "\n")

    async def drive(self, program: Any) -> None:
        window = program._window
        await until(lambda: window.login is not None)
        window.login.paste.setText(await log_in(program.gate.login_url))
        press(window.login, "paste_button")
        await until(lambda: window.view is not None and program.desk is not None, 60)
        await until(lambda: program.desk.state is DeskState.READY, 60)
        market, view = program.market, window.view
        shares = [i for i in market.master if i.exchange == "NSE"][:COUNT]
        market.watch("busy", shares, Mode.FULL)
        for number, key in enumerate(CHARTED):
            self.open_chart(window, number, key)
        view.show_tab("ladder")
        window._edge.meter.order = self.order
        await until(lambda: market.ticks_per_s > 1_000, 60)
        probe = asyncio.get_running_loop().create_task(self.lag.run())
        idle = await asyncio.create_subprocess_exec(
            sys.executable, "-c", IDLE, str(HERE.parents[1]), stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        end = await self._rounds(program)
        said, _ = await idle.communicate(b"\n")
        self._sum_up(window, end, json.loads(said))
        probe.cancel()
        window.close()

    def open_chart(self, window: Any, number: int, key: str) -> None:
        from alphapanda_desktop.ui.workspaces import ChartRecord

        pane = window.view.charts.open(ChartRecord(f"chart_{number}", key))
        pane.dock.show()

    async def _rounds(self, program: Any) -> dict[str, float]:
        window, market = program._window, program.market
        infy = market.master.by_key("NSE:INFY")
        window.view.ticket.ask_first.setChecked(False)
        began = before = (time.monotonic(), time.process_time())
        side = "BUY"
        while before[0] - began[0] < self.seconds:
            filled = len(program.desk.fills())
            window.view.ticket.open_for(infy, side, 1)
            await asyncio.sleep(0.3)
            press(window.view.ticket, "ticket_send")
            side = "SELL" if side == "BUY" else "BUY"
            await asyncio.sleep(ROUND_S - 0.3)
            now = (time.monotonic(), time.process_time())
            self.write({
                "at_s": round(now[0] - began[0], 1),
                "rss_mb": round(resident_mb(), 1),
                "ticks_s": round(market.ticks_per_s),
                "cpu_share": round((now[1] - before[1]) / (now[0] - before[0]), 3),
                "lag_ms": in_ms(self.lag.lately),
                "filled": len(program.desk.fills()) - filled,
            })  # fmt: skip
            self.lag.lately, before = Times("lately"), now
        return {"seconds": before[0] - began[0], "cpu_s": before[1] - began[1]}

    def _sum_up(self, window: Any, end: dict[str, float], empty: dict[str, float]) -> None:
        clicks = sorted(self.order.all_ms)
        self.write(end | {
            "surface": window.windowHandle().surfaceType().name,
            "cpu_share": end["cpu_s"] / end["seconds"],
            "lag_ms": in_ms(self.lag.whole),
            "empty_loop_ms": empty,
            "clicks": len(clicks),
            "click_ms": {"p50": clicks[len(clicks) // 2], "p99": clicks[int(len(clicks) * 0.99)], "worst": clicks[-1]},
            "stalls": [(s.where, s.count, round(s.worst_s * 1e3)) for s in window._edge.meter.stalls()],
        })  # fmt: skip


def press(parent: Any, name: str) -> None:
    button = parent.findChild(QPushButton, name)
    assert button is not None and button.isEnabled(), name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.02)


def through(per_s: str) -> None:
    """Let the program's websocket go through the busy server, and the exchange list 3,000 instruments."""
    plain, arguments = practice._addresses, PracticeOptions.arguments

    def busy(line: bytes) -> practice.Addresses:
        where = plain(line)
        command = [sys.executable, str(HERE / "busy_server.py"), where.ws, per_s, str(PER_FRAME)]
        server = subprocess.Popen(
            command, stdout=subprocess.PIPE, env=os.environ | {"PYTHONPATH": str(HERE.parents[1])}
        )
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        SERVERS.append(server)
        return dataclasses.replace(where, ws=f"ws://127.0.0.1:{port}/")

    practice._addresses = busy  # type: ignore[assignment]
    more = ["--count", str(COUNT + 50)]
    PracticeOptions.arguments = lambda self, state: arguments(self, state) + more  # type: ignore[method-assign]


SERVERS: list[subprocess.Popen[bytes]] = []


def main(seconds: float, folder: str, per_s: str, out: str) -> int:
    through(per_s)
    day = Day(seconds, Path(out))
    try:
        return open_window(parser().parse_args(["--mode", "practice", "--data-dir", folder]), day.drive, MemoryVault())
    finally:
        for server in SERVERS:
            server.kill()


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), sys.argv[2], sys.argv[3], sys.argv[4]))
