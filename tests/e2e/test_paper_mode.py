"""Paper mode from the first page to a fill, with a practice exchange in Zerodha's place."""

from __future__ import annotations

import argparse
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton

from alphapanda_desktop import settings
from alphapanda_desktop.app import Program
from alphapanda_desktop.memory import Looks, WindowMemory
from alphapanda_desktop.options import Options
from alphapanda_desktop.sim.session import REDIRECT_URL
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.login import LoginView
from alphapanda_desktop.ui.shell import MainWindow
from alphapanda_desktop.ui.welcome import WelcomePage
from alphapanda_desktop.venues.paper import paper_venue
from alphapanda_desktop.venues.venue import Roots
from tests.e2e.headless import Exchange, MemoryVault, exchange, log_in


def _click(parent, name: str) -> None:
    QTest.mouseClick(parent.findChild(QPushButton, name), Qt.MouseButton.LeftButton)


def _roots(kite: Exchange) -> Roots:
    host = kite.said["login"].split("//", 1)[1]
    return Roots(kite.said["rest"], kite.said["ws"], kite.said["login"], frozenset({host}))


def test_paper_orders_fill_on_live_ticks_and_not_one_reaches_kite(run, eventually, tmp_path: Path, monkeypatch):
    monkeypatch.setattr("alphapanda_desktop.admission.web_engine_works", _no_web_view)
    monkeypatch.setattr("alphapanda_desktop.venues.paper.paper_venue", _at_any_hour(paper_venue))

    async def story():
        failures = []
        async with exchange() as kite, Scope("window", lambda name, error: failures.append((name, error))) as scope:
            kept = settings.Settings()
            keeper = WindowMemory(tmp_path / "settings.json", Looks(), lambda: "paper")
            keeper.settle(kept)
            memory = keeper.remembered()
            window = MainWindow("default", Edge(scope, FrameClock(), lambda text, level: None), memory)
            options = Options(None, "default", tmp_path, vault=MemoryVault(), roots=_roots(kite))
            program = Program(options, window, window._edge, kept)
            window.show()

            async def person(_program: Program) -> None:
                page = await eventually(lambda: window.findChild(WelcomePage))
                _click(page, "choose_paper")
                for name, value in (
                    ("api_key", kite.said["api_key"]),
                    ("api_secret", "notthesecret"),
                    ("redirect_url", REDIRECT_URL),
                ):
                    page.fields[name].setText(value)
                _click(page, "save_account")
                login = await _mend_the_secret(program, window, kite, eventually)
                login.paste.setText(await log_in(program.gate.login_url))
                _click(login, "paste_button")
                await eventually(lambda: window.view)
                await _trade(program, window, kite, eventually)
                program.close()

            code = await program.run(person)
            window.hide()
            window.deleteLater()
        assert code == 0
        assert failures == []
        assert kept.general.mode == "paper"
        assert "api_secret" not in (tmp_path / "settings.json").read_text()
        assert not (tmp_path / "practice.sqlite").exists()

    run(story())


async def _mend_the_secret(program: Program, window: MainWindow, kite: Exchange, eventually) -> LoginView:
    """Kite's refusal names the field; another secret is entered without a new start. The login that follows."""
    login = await eventually(lambda: window.login)
    login.paste.setText(await log_in(program.gate.login_url))
    _click(login, "paste_button")
    await eventually(lambda: "“API secret”" in login.words.text())
    _click(login, "change_keys_button")
    page = await eventually(lambda: next((p for p in window.findChildren(WelcomePage) if p.isVisible()), None))
    assert window.login is None
    assert page.fields["api_key"].text() == kite.said["api_key"] and page.fields["api_secret"].text() == ""
    page.fields["api_secret"].setText(kite.said["api_secret"])
    _click(page, "test_account")
    found = page.findChild(QLabel, "found_api_key")
    await eventually(lambda: found.text().startswith("✓"))
    _click(page, "save_account")
    return await eventually(lambda: window.login)


async def _trade(program: Program, window: MainWindow, kite: Exchange, eventually) -> None:
    assert "PAPER" in window.windowTitle()
    assert isinstance(program.desk._parts.broker, PaperBroker)
    await eventually(lambda: program.desk.state is DeskState.READY)
    infy = program.market.master.by_key("NSE:INFY")
    await eventually(lambda: program.market.latest(infy.instrument_token))
    window.view.ticket.open_for(infy, "BUY", 5)
    window.view.ticket.ask_first.setChecked(False)
    window.view.ticket.findChild(QPushButton, "ticket_send").click()
    await eventually(program.desk.fills)
    await eventually(lambda: program.desk.books.held("NSE", "INFY", "MIS") == 5)
    kite.said["access_token"] = program.gate.session.token.access_token
    assert await kite.get("/orders") == []


def _at_any_hour(open_venue):
    """The exchange behind this test never closes, and the test may run at night."""

    async def opened(*given):
        venue = await open_venue(*given)
        venue.real_hours = False
        return venue

    return opened


async def _no_web_view(*_: object, **__: object) -> argparse.Namespace:
    return argparse.Namespace(ok=False, why="no web view in this test")
