"""The whole program on the practice exchange: a session that dies, a venue that dies, a log-out, a close, a signal."""

from __future__ import annotations

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QPushButton

from alphapanda_desktop import settings
from alphapanda_desktop.app import Program
from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.orders import OrderRequest
from alphapanda_desktop.domain.ports import LinkState, Vault
from alphapanda_desktop.memory import Looks, WindowMemory
from alphapanda_desktop.options import Options
from alphapanda_desktop.player import Notebook, Player, browse_to_redirect
from alphapanda_desktop.sim.session import REDIRECT_URL
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.trading.differences import ForeignPolicy
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.session import GateState
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.login import LoginView
from alphapanda_desktop.ui.shell import MainWindow
from alphapanda_desktop.ui.welcome import WelcomePage
from alphapanda_desktop.venues.venue import ZERODHA, Roots
from tests.e2e.headless import MemoryVault, exchange

pytestmark = pytest.mark.timeout(150)

ROOT = Path(__file__).resolve().parents[2]
Eventually = Callable[..., Awaitable[Any]]
Person = Callable[["Stage"], Awaitable[None]]


@dataclass
class Stage:
    """The program in the test's own loop, and all that it said."""

    program: Program
    window: MainWindow
    eventually: Eventually
    folder: Path
    notices: list[str]
    failures: list[str] = field(default_factory=list)

    async def control(self, path: str) -> None:
        """Turn one of the practice exchange's own controls."""
        root = self.program.gate.login_url.split("/connect/", maxsplit=1)[0]
        async with aiohttp.ClientSession() as http, http.post(f"{root}/sim/{path}") as reply:
            assert reply.status == 200

    async def paste_login(self) -> None:
        login = await self.eventually(lambda: self.window.login)
        login.paste.setText(await browse_to_redirect(self.program.gate.login_url))
        click(login, "paste_button")
        await self.eventually(lambda: self.window.login is None and self.window.view)

    async def page_login(self) -> None:
        """Through the web view, as the tour does it."""
        web = await self.eventually(lambda: self.window.login and self.window.login.web)
        player = Player(self.program, Notebook(self.folder, "first"), 0.0)
        await player._until_script("the user id field", web.page, "!!document.getElementById('userid')")
        await player._log_in_by_page(web.page)
        await self.eventually(lambda: self.window.login is None and self.window.view)

    async def ready(self) -> int:
        """Wait until the desk takes orders, its window is whole and INFY ticks; its token."""
        program = self.program
        await self.eventually(lambda: program.desk is not None and program.desk.state is DeskState.READY)
        infy = program.market.master.by_key("NSE:INFY")
        await self.eventually(lambda: not program.market.stale(infy.instrument_token))
        await self.eventually(
            self.window.menus.log_out.isEnabled
        )  # the desk opens in steps, and this is one of the last
        return int(infy.instrument_token)

    def request(self, token: int) -> OrderRequest:
        return OrderRequest(
            exchange="NSE", tradingsymbol="INFY", instrument_token=token, transaction_type="BUY", quantity=1,
            product="MIS", order_type="MARKET", tag=self.program.desk.new_tag(),
        )  # fmt: skip

    async def trade(self, token: int) -> None:
        fills = len(self.program.desk.fills())
        await self.program.desk.submit(self.request(token))
        await self.eventually(lambda: len(self.program.desk.fills()) > fills)

    async def sessions(self) -> list[str]:
        """How every session in the journal ended, oldest first; empty for one that lives."""
        rows = await self.program.journal.sessions()
        return [row.ended_how for row in reversed(rows)]


def click(parent: Any, name: str) -> None:
    button = parent.findChild(QPushButton, name)
    assert button is not None, name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def play(
    run: Any, eventually: Eventually, folder: Path, person: Person,
    *, mode: str | None = "practice", vault: Vault | None = None, roots: Roots = ZERODHA,
) -> Stage:  # fmt: skip
    """Run the program with a person at it until it ends; fails unless it ends well."""
    told: list[Stage] = []

    async def story() -> None:
        failures: list[str] = []
        notices: list[str] = []
        (folder / "logs").mkdir(exist_ok=True)
        async with Scope("window", lambda name, error: failures.append(f"{name}: {error!r}")) as scope:
            kept = settings.Settings()
            keeper = WindowMemory(folder / "settings.json", Looks(), lambda: mode or "")
            keeper.settle(kept)
            memory = keeper.remembered()
            window = MainWindow("default", Edge(scope, FrameClock(), lambda text, _level: notices.append(text)), memory)
            program = Program(Options(mode, "default", folder, vault=vault, roots=roots), window, window._edge, kept)
            program._failed = lambda name, error: failures.append(f"{name}: {error!r}")  # type: ignore[method-assign]
            stage = Stage(program, window, eventually, folder, notices, failures)
            told.append(stage)
            window.show()

            async def drive(_program: Program) -> None:
                try:
                    await person(stage)
                finally:
                    window.close()

            code = await program.run(drive)
            window.hide()
            window.deleteLater()
            assert failures == []
            assert code == 0

    run(story())
    return told[0]


def logged(stage: Stage) -> str:
    assert stage.window.view is not None
    return str(stage.window.view.log.lines.toPlainText())


def test_a_session_that_dies_is_replaced_in_place(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    async def person(stage: Stage) -> None:
        program, window = stage.program, stage.window
        await stage.page_login()
        token = await stage.ready()
        await stage.trade(token)
        feed, market, desk = program.market._feed, program.market, program.desk
        wishes, first = dict(market._told), program.gate.session
        panels = [dock.is_open for dock in window.dockyard()]

        await stage.control("expire")
        await eventually(lambda: window.login is not None)
        assert program.gate.state is GateState.ENDED
        assert desk.state is DeskState.FROZEN
        assert market.stale(token)
        assert len(window.findChildren(LoginView)) == 1
        assert panels == [dock.is_open for dock in window.dockyard()]
        await eventually(lambda: window.strip.session.text() == "not logged in")
        with pytest.raises(Refused):
            await desk.submit(stage.request(token))

        await stage.page_login()
        assert await stage.ready() == token
        assert program.gate.session is not first
        assert program.market is market and program.desk is desk and market._feed is feed  # no restart
        assert dict(market._told) == wishes
        await eventually(lambda: market.link.state is LinkState.UP)
        assert sum(link.needed for link in feed._links) == 1  # one connection
        await stage.trade(token)
        assert window.centre.currentWidget() is window.view.chart
        ends = await stage.sessions()
        assert len(ends) == 2 and ends[0] and not ends[1]

    play(run, eventually, tmp_path, person, vault=MemoryVault())


def test_log_out_ends_the_session_and_close_does_not(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    vault = MemoryVault()

    async def person(stage: Stage) -> None:
        await stage.paste_login()
        await stage.ready()
        assert "access_token" in vault.secrets
        stage.window.menus.log_out.trigger()
        await eventually(lambda: stage.window.login is not None)
        assert stage.window.isVisible() and stage.program.gate.session is None
        assert "access_token" not in vault.secrets
        assert await stage.sessions() == ["logged out here"]
        await stage.paste_login()
        await stage.ready()

    play(run, eventually, tmp_path, person, vault=vault)
    assert "access_token" in vault.secrets  # closing is not logging out

    async def again(stage: Stage) -> None:
        await eventually(lambda: stage.window.view)
        await stage.ready()
        assert stage.window.findChildren(LoginView) == []
        assert await stage.sessions() == ["logged out here", ""]  # the same session, not a third

    play(run, eventually, tmp_path, again, vault=vault)


def test_closing_stops_a_running_strategy_before_it_ends(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    async def person(stage: Stage) -> None:
        await stage.paste_login()
        await stage.ready()
        assert stage.window.view is not None
        panel = stage.window.view.strategies
        await eventually(lambda: panel.findChild(QPushButton, "strategy_start").isEnabled())
        click(panel, "strategy_start")
        runner = stage.program.runner
        await eventually(lambda: runner.runs and runner.runs[0].state is RunState.RUNNING)

    stage = play(run, eventually, tmp_path, person, vault=MemoryVault())
    assert stage.program.runner.runs[0].state is RunState.STOPPED
    with closing(sqlite3.connect(f"file:{tmp_path / 'practice.sqlite'}?mode=ro", uri=True)) as database:
        ends = database.execute("select how from run_ends").fetchall()
    assert ends == [("no working orders; no position left",)]


def test_limits_are_on_the_disk_as_soon_as_they_are_chosen(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    async def person(stage: Stage) -> None:
        await stage.paste_login()
        await stage.ready()
        desk, file = stage.program.desk, tmp_path / "settings.json"
        now = desk.risk.limits
        tight = replace(now, desk=replace(now.desk, max_loss_per_day=now.desk.max_loss_per_day / 2))
        await desk.risk.change(tight)
        assert settings.load(file).risk.limits == tight
        desk.risk.want(now)
        assert settings.load(file).risk.limits == now and desk.risk.limits == tight
        desk.governor.change(replace(desk.governor.limits, per_second=3))
        assert settings.load(file).risk.order_limits == desk.governor.limits
        desk.foreign_policy = ForeignPolicy.PAUSE
        assert settings.load(file).risk.foreign_orders == ForeignPolicy.PAUSE.value

    play(run, eventually, tmp_path, person, vault=MemoryVault())


def test_a_practice_exchange_that_is_killed_comes_back(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    async def person(stage: Stage) -> None:
        await stage.paste_login()
        token = await stage.ready()
        market = stage.program.market
        os.kill(the_exchange_of(os.getpid()), signal.SIGKILL)
        await eventually(lambda: market.link.state is not LinkState.UP)
        assert market.stale(token)
        await eventually(lambda: "ended unexpectedly" in "".join(stage.notices) + logged(stage))
        await eventually(lambda: market.link.state is LinkState.UP or stage.window.login is not None)
        assert stage.window.login is None  # it knows its sessions again
        assert await stage.ready() == token
        await stage.trade(token)

    play(run, eventually, tmp_path, person, vault=MemoryVault())


def test_without_a_keyring_the_log_says_where_the_login_is(run: Any, eventually: Eventually, tmp_path: Path) -> None:
    async def person(stage: Stage) -> None:
        await stage.paste_login()
        await stage.ready()
        await eventually(lambda: "The Kite login is kept in memory" in logged(stage))

    play(run, eventually, tmp_path, person)  # the test's keyring is none that the program trusts


def test_without_a_keyring_an_account_typed_now_is_good_for_now(
    run: Any, eventually: Eventually, tmp_path: Path
) -> None:
    async def person(stage: Stage) -> None:
        async with exchange() as kite:
            host = kite.said["login"].split("//", 1)[1]
            roots = Roots(kite.said["rest"], kite.said["ws"], kite.said["login"], frozenset({host}))
            stage.program._options = Options("paper", "default", tmp_path, roots=roots)
            page = await eventually(lambda: stage.window.findChild(WelcomePage))
            values = {"api_key": kite.said["api_key"], "api_secret": kite.said["api_secret"]}
            for name, value in {**values, "redirect_url": REDIRECT_URL}.items():
                page.fields[name].setText(value)
            click(page, "save_account")
            await stage.paste_login()
            assert "PAPER" in stage.window.windowTitle()
            stage.window.close()
            await asyncio.sleep(0)

    play(run, eventually, tmp_path, person, mode="paper")
    assert "mode" in (tmp_path / "settings.json").read_text()
    assert settings.load(tmp_path / "settings.json").general.mode is None  # the command line is for one run


# -- as processes ----------------------------------------------------------------------------------------------------


def the_exchange_of(parent: int) -> int:
    """The process number of the practice exchange that a program started."""
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            above = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            continue
        if above == parent and b"sim" in words and b"--parent" in words:
            return int(entry.name)
    raise AssertionError("no practice exchange is running")


def alive_in_session(leader: int) -> list[str]:
    """Command lines of what is left of a process and its descendants."""
    left = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                if int(fields[3]) == leader and fields[0] != "Z":
                    left.append((entry / "cmdline").read_bytes().replace(b"\0", b" ").decode())
            except OSError:
                continue
    return left


def start(folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "alphapanda_desktop", "--mode", "practice", "--data-dir", str(folder)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def wait_for(condition: Callable[[], Any], what: str, seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        found = condition()
        if found:
            return found
        time.sleep(0.05)
    raise AssertionError(f"{what} did not come within {seconds:g} s")


def shows_a_page(folder: Path) -> bool:
    """Whether the probe has answered, which is when the login page comes."""
    for log in folder.rglob("alphapanda.log"):
        words = log.read_text(encoding="utf-8", errors="replace")
        assert "could not start" not in words, words
    return any(folder.rglob("webengine.json"))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    running = start(tmp_path)
    try:
        wait_for(lambda: shows_a_page(tmp_path) or running.poll() is not None, "the login page")
        second = start(tmp_path)
        said, words = second.communicate(timeout=60)
        assert second.returncode == 0, words
        assert f"is already open (process {running.pid}); its window was brought forward" in said
        assert alive_in_session(second.pid) == []
        running.send_signal(number)
        _, words = running.communicate(timeout=60)
        assert running.returncode == 0, words
        assert "Traceback" not in words
        wait_for(lambda: not alive_in_session(running.pid), "the end of its children")
    finally:
        end(running)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="looks at /proc")
def test_a_killed_program_takes_its_exchange_along_and_its_lock_stops_nobody(tmp_path: Path) -> None:
    first = start(tmp_path)
    try:
        wait_for(lambda: shows_a_page(tmp_path) or first.poll() is not None, "the login page")
        first.kill()
        first.communicate(timeout=60)
        wait_for(lambda: not alive_in_session(first.pid), "the end of its children")
        next(tmp_path.rglob("webengine.json")).unlink()
        second = start(tmp_path)
        try:
            wait_for(lambda: shows_a_page(tmp_path) or second.poll() is not None, "the login page")
            second.terminate()
            _, words = second.communicate(timeout=60)
            assert second.returncode == 0, words
        finally:
            end(second)
    finally:
        end(first)


def end(process: subprocess.Popen[str]) -> None:
    """Leave nothing of a test that failed."""
    if alive_in_session(process.pid):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait(20)
    for pipe in (process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
