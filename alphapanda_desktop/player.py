"""Plays a person at the window for the tour: waits, clicks, types, takes pictures, and writes down what it saw."""

from __future__ import annotations

import argparse
import asyncio
import json
import re
import sqlite3
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import aiohttp
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QComboBox, QLabel, QPushButton, QWidget

from alphapanda_desktop.playedorders import SHOWN_S, OrderSteps, PastSteps, Seen, Stopped, window
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.session import GateState

PATIENCE_S: Final = 90.0
FILL_FORM: Final = """
(function() {
  const type = (id, text) => {
    const field = document.getElementById(id);
    if (!field) return false;
    Object.getOwnPropertyDescriptor(HTMLInputElement.prototype, "value").set.call(field, text);
    field.dispatchEvent(new Event("input", {bubbles: true}));
    field.dispatchEvent(new Event("change", {bubbles: true}));
    return true;
  };
  return %s;
})()
"""


_READ: Final = "document.getElementById('%s').textContent"
_SUBMIT: Final = "document.querySelector('[type=submit]').click()"


@dataclass(slots=True)
class _Step:
    name: str
    ok: bool
    seconds: float
    detail: str


@dataclass(slots=True)
class Notebook:
    """Steps as they happen, and the picture of each."""

    out: Path
    part: str
    steps: list[_Step] = field(default_factory=list)
    shots: int = 0

    def write(self) -> None:
        path = self.out / f"tour-{self.part}.json"
        path.write_text(json.dumps({"steps": [asdict(step) for step in self.steps]}), encoding="utf-8")


def play(part: str, out: Path, spawned_at: float, options: argparse.Namespace) -> int:
    """Run the program with a player at its window; its exit code, 1 where a step failed."""
    from alphapanda_desktop.start import open_window

    book = Notebook(out, part)
    vault = TourVault(Path(options.data_dir) / "tour-vault.json")

    async def drive(program: Seen) -> None:
        player = Player(program, book, spawned_at)
        whole = False
        try:
            await (player.first_use() if part == "first" else player.second_use())
            whole = True
        except Stopped as error:
            book.steps.append(_Step("stopped", False, 0.0, str(error)))
            player.picture("failed")
        finally:
            if not whole and all(step.ok for step in book.steps):
                book.steps.append(_Step("broken off", False, 0.0, "an error in the program, which is in its log"))
            try:
                book.write()
            finally:
                window().close()  # whatever failed, the tour ends

    code = open_window(options, drive, vault)
    return code or (0 if book.steps and all(step.ok for step in book.steps) else 1)


class Player:
    """One person's walk through the program."""

    def __init__(self, program: Seen, book: Notebook, spawned_at: float) -> None:
        self._program = program
        self._book = book
        self._spawned_at = spawned_at
        self._prefix = {"first": "", "second": "second "}[book.part]

    # -- the two walks ---------------------------------------------------------------------------------------

    async def first_use(self) -> None:
        await self.step("start", self._start)
        await self.step("login page", self._login_page)
        await self.step("login", self._log_in)
        await self.step("ticks", self._ticks)
        await self.step("chart", self._chart)
        await self.step("guide", self._guide)
        await self.step("start a strategy", self._start_strategy)
        await self.step("its fill", self._fill)
        orders = OrderSteps(self, self._program)
        await self.step("closing", orders.closing)
        await self.step("stop", self._stop)
        await self.step("why", orders.why)
        await self.step("ticket", orders.ticket)
        await self.step("books", orders.books)
        await self.step("reconciliation", orders.reconciliation)
        await self.step("stop coverage", orders.coverage)
        await self.step("limits", orders.limits)
        await self.step("kill report", orders.kill_report)
        past = PastSteps(self)
        await self.step("backtest", past.backtest)
        await self.step("sweep", past.sweep)
        await self.step("journal", self._journal)

    async def second_use(self) -> None:
        await self.step("start", self._start)
        await self.step("session restored", self._restored)
        await self.step("ticks", self._ticks)
        await self.step("trades remembered", self._trades_remembered)
        await self.step("journal", self._journal)

    async def step(self, name: str, work: Callable[[], Awaitable[str]]) -> None:
        """Do one step, take its picture, write it down. Raises Stopped when it fails."""
        began = time.perf_counter()
        try:
            detail, ok = await work(), True
        except Stopped as error:
            detail, ok = str(error), False
        seconds = round(time.perf_counter() - began, 3)
        await asyncio.sleep(SHOWN_S)
        self.picture(name)
        self._book.steps.append(_Step(self._prefix + name, ok, seconds, detail))
        if not ok:
            raise Stopped(f"{name}: {detail}")

    def picture(self, name: str, of: QWidget | None = None) -> None:
        """The main window as it is now, or a part or another window of it."""
        self._book.shots += 1
        file = f"{self._book.part}-{self._book.shots:02d}-{name.replace(' ', '-')}.png"
        if not (of or window()).grab().save(str(self._book.out / file)):
            raise Stopped(f"the picture {file} could not be saved in {self._book.out}")

    async def until(self, what: str, condition: Callable[[], Any], patience_s: float = PATIENCE_S) -> Any:
        """Wait until something is true and give it; raises Stopped with what was awaited."""
        deadline = time.monotonic() + patience_s
        while time.monotonic() < deadline:
            found = condition()
            if found:
                return found
            await asyncio.sleep(0.05)
        raise Stopped(f"{what} did not come within {patience_s:g} s")

    # -- steps -----------------------------------------------------------------------------------------------

    async def _start(self) -> str:
        await self.until("a painted window", lambda: window().isVisible())
        seconds = time.time() - self._spawned_at if self._spawned_at else 0.0
        return f"window painted {seconds:.2f} s after the process was spawned"

    async def _login_page(self) -> str:
        login = await self.until("the login page", lambda: window().login)
        if login.web is None:
            return f"no web view here: {login.findChild(QLabel, 'why_not_web').text()}"
        page = login.web.page
        await self._until_script("the user id field", page, "!!document.getElementById('userid')")
        return f"Kite's page in the window: {page.url().toString().split('?')[0]}"

    async def _log_in(self) -> str:
        began = time.perf_counter()
        login = window().login
        if login.web is None:
            await self._log_in_by_paste()
            how = "by pasting the address a browser landed on"
        else:
            await self._log_in_by_page(login.web.page)
            how = "through the web view"
        await self.until("a verified session", lambda: self._program.gate.state is GateState.OPEN)
        took = time.perf_counter() - began
        await self.until("the desk", lambda: window().view)
        return f"logged in as {window().user_id} {how} in {took:.2f} s"

    async def _log_in_by_page(self, page: Any) -> None:
        shown = {name: await self._script(page, _READ % f"demo-{name}") for name in ("userid", "password")}
        await self._script(page, FILL_FORM % " && ".join(f"type('{k}', '{v}')" for k, v in shown.items()))
        await asyncio.sleep(SHOWN_S)
        self.picture("user and password")
        await self._script(page, _SUBMIT)
        await self._until_script("the code field", page, "!!document.getElementById('totp')")
        code = await self._script(page, _READ % "demo-totp")
        await self._script(page, FILL_FORM % f"type('totp', '{code}')")
        await asyncio.sleep(SHOWN_S)
        self.picture("code")
        await self._script(page, _SUBMIT)

    async def _log_in_by_paste(self) -> None:
        address = await browse_to_redirect(self._program.gate.login_url)
        login = window().login
        QTest.keyClicks(login.paste, address)
        QTest.mouseClick(login.findChild(QPushButton, "paste_button"), Qt.MouseButton.LeftButton)

    async def _script(self, page: Any, source: str) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        page.runJavaScript(source, lambda value: None if answer.done() else answer.set_result(value))
        async with asyncio.timeout(10):
            return await answer

    async def _until_script(self, what: str, page: Any, source: str) -> None:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if await self._script(page, source):
                return
            await asyncio.sleep(0.1)
        raise Stopped(f"{what} did not appear")

    async def _ticks(self) -> str:
        market = self._program.market
        await self.until("ticks", lambda: market is not None and market.ticks_per_s > 1)
        seen = market.take_changed("tour")
        await self.until("more ticks", lambda: len(market.take_changed("tour")) >= min(3, len(seen)))
        return f"{market.ticks_per_s:.0f} ticks/s, {len(seen)} instruments"

    async def _chart(self) -> str:
        chart = window().view.chart
        series = self._program.market.live_series(chart.instrument, chart.interval)
        await self.until("bars on the chart", lambda: len(series) > 20)
        version, before = series.version, chart.plot.grab().toImage()
        await self.until("ticks in the open bar", lambda: series.version > version + 3)
        await self.until("the chart to move", lambda: chart.plot.grab().toImage() != before)
        return f"{chart.instrument.key}: {len(series)} bars of {chart.interval.label}, the open one moves"

    async def _guide(self) -> str:
        """Have the guided first run from the menu Help, do its third step, and skip the rest."""
        next(action for action in window().findChildren(QAction) if "Guided first run" in action.text()).trigger()
        guide = await self.until("the guide", lambda: window().guide)
        table = window().view.watchlist.table
        for row in (2, 1):
            table.selectRow(row)
        await self.until("its third step", lambda: guide.ticked("instrument"))
        await asyncio.sleep(SHOWN_S)
        self.picture("guided")
        words = str(guide.words.text())
        self.click(guide, "guide_end")
        return words

    async def _start_strategy(self) -> str:
        panel = window().view.strategies
        pick = panel.findChild(QComboBox, "strategy_pick")
        pick.setCurrentIndex(pick.findData("ma_cross"))
        await asyncio.sleep(0.1)
        for name, value in {"fast": 1, "slow": 2}.items():
            spin: Any = panel.findChild(QWidget, f"param_{name}")
            spin.setValue(value)
        self.picture("strategy form")
        self.picture("card form", panel)
        self.click(panel, "strategy_start")
        run = await self.until("a running strategy", self._running)
        return f"{run.strategy.title} on {', '.join(i.key for i in run.instruments)} is {run.state}"

    def _running(self) -> Any:
        runs = self._program.runner.runs
        return runs[0] if runs and runs[0].state is RunState.RUNNING else None

    async def _fill(self) -> str:
        run = self._program.runner.runs[0]
        began = time.perf_counter()
        await self.until("a fill", lambda: any(o.filled_quantity for o in run.orders.values()))
        await self.until("the trade in the book", self._program.desk.fills)
        fill = self._program.desk.fills()[-1]
        took = time.perf_counter() - began
        what = f"{fill.transaction_type} {fill.quantity} {fill.key} @ {fill.average_price:.2f}"
        panel = window().view.strategies
        said = f"{fill.quantity} {fill.tradingsymbol} @"
        await self.until("the card to tell it", lambda: any(said in one.text() for one in panel.findChildren(QLabel)))
        await asyncio.sleep(SHOWN_S)
        self.picture("card running", panel)
        return f"{what} after {took:.1f} s: {run.last_reason}"

    async def _stop(self) -> str:
        run = self._program.runner.runs[0]
        self.click(window().view.strategies, f"run_stop_{run.run_id}")
        await self.until("the strategy to stop", lambda: run.state.over)
        if run.state is not RunState.STOPPED:
            raise Stopped(run.detail)
        await asyncio.sleep(SHOWN_S)
        self.picture("card stopped", window().view.strategies)
        return str(run.detail)

    async def _journal(self) -> str:
        await asyncio.sleep(0.3)
        path = window().database
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
            sessions = database.execute("select count(*) from sessions").fetchone()[0]
            fills = database.execute("select count(*) from fills").fetchone()[0]
        if not sessions or not fills:
            raise Stopped(f"{sessions} sessions and {fills} fills are in the journal")
        return f"{sessions} session and {fills} fills in SQLite"

    async def _restored(self) -> str:
        await self.until("the desk", lambda: window().view)
        if window().login is not None:
            raise Stopped("a login was asked for")
        return f"logged in as {window().user_id} without asking; {self._program.gate.expiry_words()}"

    async def _trades_remembered(self) -> str:
        fills = await self.until("yesterday's trades", self._program.desk.fills, 20)
        runs = self._program.runner.runs
        window().view.show_tab("trades")
        return f"{len(fills)} trades and {len(runs)} strategy run of the first start are shown"

    def click(self, parent: QWidget, name: str) -> None:
        """Press a button; raises Stopped where there is none to press."""
        button = parent.findChild(QPushButton, name)
        if button is None or not button.isEnabled():
            raise Stopped(f"button {name} is {'missing' if button is None else 'disabled'}")
        QTest.mouseClick(button, Qt.MouseButton.LeftButton)


async def browse_to_redirect(login_url: str) -> str:
    """Log in to the practice exchange as a browser elsewhere would; the address it would land on."""
    root = login_url.split("/connect/", maxsplit=1)[0]
    async with aiohttp.ClientSession() as http:
        page = await (await http.get(login_url)).text()
        form = {"userid": _shown(page, "userid"), "password": _shown(page, "password")}
        page = await (await http.post(f"{root}/connect/login", data=form)).text()
        ticket = re.search(r'name="ticket" value="([^"]+)"', page)
        form = {"ticket": ticket[1] if ticket else "", "totp": _shown(page, "totp")}
        reply = await http.post(f"{root}/connect/totp", data=form, allow_redirects=False)
        return str(reply.headers["Location"])


def _shown(page: str, name: str) -> str:
    found = re.search(rf'id="demo-{name}">([^<]+)<', page)
    if found is None:
        raise Stopped(f"the login page does not show the practice {name}")
    return str(found[1])


class TourVault:
    """Keeps the tour's practice token in its own temporary folder: the person's keyring is not the tour's to fill."""

    where = "the tour's temporary folder"
    lasting = True

    def __init__(self, path: Path) -> None:
        self._path = path

    async def get(self, name: str) -> str | None:
        return self._all().get(name)

    async def put(self, name: str, secret: str) -> None:
        self._save({**self._all(), name: secret})

    async def drop(self, name: str) -> None:
        self._save({key: value for key, value in self._all().items() if key != name})

    def _all(self) -> dict[str, str]:
        found: dict[str, str] = json.loads(self._path.read_text(encoding="utf-8")) if self._path.exists() else {}
        return found

    def _save(self, secrets: dict[str, str]) -> None:
        self._path.write_text(json.dumps(secrets), encoding="utf-8")
        self._path.chmod(0o600)
