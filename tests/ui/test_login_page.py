"""The login page of the window: the web view, the pasted address and the browser all end at the one gate."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from alphapanda_desktop.domain.errors import LoginFailed
from alphapanda_desktop.trading.session import GateState
from alphapanda_desktop.ui import login as login_module
from alphapanda_desktop.ui.login import Listen, LoginPlan, LoginView
from tests.ui.login_site import FakeGate, a_site, a_stage

pytestmark = pytest.mark.timeout(90)
Eventually = Callable[..., Awaitable[Any]]

HERE = "http://127.0.0.1:5599/alphapanda/"
LANDED = f"{HERE}?request_token=tok123&status=success"
NO_WEB = LoginPlan(frozenset(), web=False, why_not_web="As root the login page cannot be shown safely.")


@asynccontextmanager
async def a_view(gate: FakeGate, plan: LoginPlan = NO_WEB) -> AsyncIterator[LoginView]:
    async with a_stage() as stage:
        window = QWidget()
        view = LoginView(gate, plan, stage.edge, window)  # type: ignore[arg-type]
        if plan.web:
            view.open_web()
        window.resize(900, 600)
        view.resize(900, 600)
        window.show()
        try:
            yield view
        finally:
            await view.aclose()
            window.close()
            window.deleteLater()
            await asyncio.sleep(0)


def press(view: LoginView, name: str) -> None:
    button = view.findChild(QPushButton, name)
    assert button is not None and button.isVisible() and button.isEnabled(), name
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_the_web_view_hands_the_caught_address_to_the_gate(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site, a_site() as target:
            site.redirects["/connect/login"] = target.url("/back?request_token=tok7&status=success")
            gate = FakeGate(site.url("/connect/login"), target.url("/back"))
            async with a_view(gate, LoginPlan(frozenset({site.host}), web=True)) as view:
                await eventually(lambda: gate.given)
                assert gate.given == [target.url("/back?request_token=tok7&status=success")]
                assert target.asked == []
                assert view.web is not None

    run(story())


def test_a_login_that_fails_is_said_in_words_and_begins_anew(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site:
            site.redirects["/connect/login"] = LANDED
            gate = FakeGate(site.url("/connect/login"), HERE)
            gate.error = LoginFailed("The api_secret does not belong to this api_key.")
            async with a_view(gate, LoginPlan(frozenset({site.host}), web=True)) as view:
                await eventually(lambda: gate.given)
                site.pages["/connect/login"] = "the form, once more"
                del site.redirects["/connect/login"]
                await eventually(lambda: view.words.text() == str(gate.error))
                await eventually(lambda: len(site.asked) > 1)

    run(story())


def test_the_redirect_url_without_a_token_is_a_failed_login(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site, a_site() as target:
            site.pages["/connect/login"] = f"<a id=out href='{target.url('/cb?status=error')}'>cancel</a>"
            gate = FakeGate(site.url("/connect/login"), target.url("/cb"))
            gate.error = LoginFailed("Kite says the login was not successful (status 'error'). Log in once more.")
            async with a_view(gate, LoginPlan(frozenset({site.host}), web=True)) as view:
                assert view.web is not None
                await eventually(lambda: site.asked)
                page = view.web.page
                await eventually(lambda: gate.given or page.runJavaScript(CLICK))
                await eventually(lambda: "not successful" in view.words.text())
                assert set(gate.given) == {target.url("/cb?status=error")}
                assert target.asked == []

    run(story())


CLICK = "document.getElementById('out')?.click()"


def test_load_it_again_begins_the_login_anew(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site:
            site.pages["/connect/login"] = "the form"
            gate = FakeGate(site.url("/connect/login"), HERE)
            async with a_view(gate, LoginPlan(frozenset({site.host}), web=True)) as view:
                await eventually(lambda: "/connect/login" in site.asked)
                press(view, "again_button")
                await eventually(lambda: site.asked.count("/connect/login") == 2)

    run(story())


@pytest.mark.parametrize("how", ["button", "Enter"])
def test_a_pasted_address_completes_the_login(how: str, run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        gate = FakeGate("http://127.0.0.1:1/", HERE)
        async with a_view(gate) as view:
            QTest.keyClicks(view.paste, f"  {LANDED} ")
            if how == "button":
                press(view, "paste_button")
            else:
                QTest.keyClick(view.paste, Qt.Key.Key_Return)
            await eventually(lambda: gate.given == [LANDED])

    run(story())


def test_an_empty_paste_field_asks_nobody(run: Any) -> None:
    async def story() -> None:
        gate = FakeGate("http://127.0.0.1:1/", HERE)
        async with a_view(gate) as view:
            press(view, "paste_button")
            await asyncio.sleep(0)
            assert gate.given == []

    run(story())


def test_without_a_web_view_the_reason_stands_beside_what_the_gate_says(run: Any) -> None:
    async def story() -> None:
        async with a_view(FakeGate("http://127.0.0.1:1/", HERE)) as view:
            why = view.findChild(QLabel, "why_not_web")
            assert why is not None and why.text() == NO_WEB.why_not_web and why.isVisible()
            assert view.words.text() == "Log in to Kite to begin."
            assert view.web is None
            again = view.findChild(QPushButton, "again_button")
            assert again is not None and not again.isVisible()

    run(story())


def test_while_the_token_is_exchanged_the_page_says_so(run: Any) -> None:
    async def story() -> None:
        gate = FakeGate("http://127.0.0.1:1/", HERE)
        async with a_view(gate) as view:
            gate.state, gate.detail = GateState.EXCHANGING, ""
            gate.changed.emit()
            assert view.words.text() == "Completing the login…"

    run(story())


def a_browser(monkeypatch: pytest.MonkeyPatch, works: bool) -> list[str]:
    opened: list[str] = []

    def open_it(url: str) -> bool:
        opened.append(url)
        return works

    monkeypatch.setattr(login_module, "open_in_browser", open_it)
    return opened


def listening(answers: list[Any]) -> Listen:
    async def listen() -> str:
        answer = answers.pop(0)
        await asyncio.sleep(0)
        if isinstance(answer, Exception):
            raise answer
        return str(answer)

    return listen


def test_the_browser_login_is_heard(run: Any, eventually: Eventually, monkeypatch: pytest.MonkeyPatch) -> None:
    opened = a_browser(monkeypatch, True)

    async def story() -> None:
        gate = FakeGate("https://kite.zerodha.com/connect/login", HERE)
        async with a_view(gate, LoginPlan(frozenset(), web=False, listen=listening([LANDED]))) as view:
            press(view, "browser_button")
            await eventually(lambda: gate.given == [LANDED])
            assert opened == ["https://kite.zerodha.com/connect/login"]

    run(story())


def test_a_taken_port_is_said_and_the_button_tries_again(
    run: Any, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    a_browser(monkeypatch, True)

    async def story() -> None:
        gate = FakeGate("https://kite.zerodha.com/connect/login", HERE)
        listen = listening([LoginFailed("Port 5599 is taken."), LANDED])
        async with a_view(gate, LoginPlan(frozenset(), web=False, listen=listen)) as view:
            press(view, "browser_button")
            await eventually(lambda: "Port 5599 is taken" in view.words.text())
            press(view, "browser_button")
            await eventually(lambda: gate.given == [LANDED])

    run(story())


def test_without_a_browser_the_address_can_be_copied(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a_browser(monkeypatch, False)

    async def story() -> None:
        gate = FakeGate("https://kite.zerodha.com/connect/login?v=3", HERE)
        async with a_view(gate) as view:
            press(view, "browser_button")
            assert gate.login_url in view.words.text()
            assert view.words.textInteractionFlags() & Qt.TextInteractionFlag.TextSelectableByMouse

    run(story())


def test_closing_stops_listening(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    a_browser(monkeypatch, True)
    ended: list[bool] = []

    async def forever() -> str:
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(True)
        return ""

    async def story() -> None:
        gate = FakeGate("https://kite.zerodha.com/", HERE)
        async with a_view(gate, LoginPlan(frozenset(), web=False, listen=forever)) as view:
            press(view, "browser_button")
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        assert ended == [True]

    run(story())


def test_tab_leads_through_the_foot_in_reading_order(run: Any) -> None:
    async def story() -> None:
        async with a_view(FakeGate("http://127.0.0.1:1/", HERE)) as view:
            names, widget = [], view.browser
            for _ in range(3):
                names.append(widget.objectName())
                widget = widget.nextInFocusChain()
            assert names == ["browser_button", "paste_field", "paste_button"]

    run(story())


def test_another_key_can_be_asked_for_where_there_is_one(run: Any) -> None:
    async def story() -> None:
        asked: list[bool] = []
        gate = FakeGate("http://127.0.0.1:1/", HERE)
        async with a_view(gate, LoginPlan(frozenset(), web=False, change=lambda: asked.append(True))) as view:
            press(view, "change_keys_button")
            assert asked == [True]
        async with a_view(gate) as view:
            assert view.change.isHidden(), "the practice exchange has one key"

    run(story())
