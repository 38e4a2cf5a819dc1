"""The web view of the login: real Chromium, real servers; nothing may reach the redirect's target."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import pytest
from PySide6.QtCore import QUrl
from PySide6.QtWebEngineCore import QWebEnginePage
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.ui.login import is_redirect
from tests.ports import free_port
from tests.ui.login_site import Site, a_site

pytestmark = pytest.mark.timeout(90)
Eventually = Callable[..., Awaitable[Any]]

KITE = frozenset({"kite.zerodha.com", "kite.trade", "zerodha.com"})
HERE = "http://127.0.0.1:5599/alphapanda/"


@pytest.mark.parametrize(
    ("address", "registered", "is_it"),
    [
        ("http://127.0.0.1:5599/alphapanda/?request_token=a1&status=success", HERE, True),
        ("http://127.0.0.1:5599/alphapanda/?status=error", HERE, True),
        ("http://127.0.0.1:5599/alphapanda/", HERE, True),
        ("http://127.0.0.1:5599/other/", HERE, False),
        ("http://127.0.0.1:5598/alphapanda/", HERE, False),
        ("https://127.0.0.1:5599/alphapanda/", HERE, False),
        ("https://registered.elsewhere.example/?request_token=a1", HERE, True),
        ("https://kite.zerodha.com/connect/login?v=3&api_key=k", HERE, False),
        ("https://kite.zerodha.com/connect/finish?request_token=a1", HERE, False),
        ("https://my.example/connect/back?request_token=a1", "https://my.example/connect/back", True),
        ("https://kite.trade/?request_token=a1", "https://kite.trade", True),
        ("https://kite.trade/", "https://kite.trade", True),
        ("https://KITE.trade/", "https://kite.TRADE/", True),
        ("https://kite.trade/docs", "https://kite.trade", False),
        ("https://kite.zerodha.com/?next=request_token", HERE, False),
        ("about:blank", HERE, False),
    ],
)
def test_the_way_back_is_known_by_its_address_or_its_token(address: str, registered: str, is_it: bool) -> None:
    assert is_redirect(QUrl(address), registered) is is_it


@pytest.mark.parametrize(
    ("address", "hosts", "may"),
    [
        ("https://kite.zerodha.com/connect/login?v=3", KITE, True),
        ("https://accounts.zerodha.com/", KITE, True),
        ("http://kite.zerodha.com/", KITE, False),
        ("https://kite.zerodha.com.evil.example/", KITE, False),
        ("https://evilzerodha.com/", KITE, False),
        ("https://zerodha.com@evil.example/", KITE, False),
        ("ftp://zerodha.com/", KITE, False),
        ("file:///etc/passwd", KITE, False),
        ("data:text/html,hello", KITE, False),
        ("javascript:alert(1)", KITE, False),
        ("chrome://gpu", KITE, False),
        ("view-source:https://zerodha.com/", KITE, False),
        ("about:blank", KITE, True),
        ("http://127.0.0.1:7001/connect/login", frozenset({"127.0.0.1:7001"}), True),
        ("http://127.0.0.1:7002/connect/login", frozenset({"127.0.0.1:7001"}), False),
        ("http://127.0.0.1/", frozenset({"127.0.0.1:7001"}), False),
    ],
)
def test_only_the_login_hosts_may_be_shown(address: str, hosts: frozenset[str], may: bool) -> None:
    from alphapanda_desktop.ui.webpage import allowed

    assert allowed(QUrl(address), hosts) is may


class Shown:
    """A login page on show: what it caught and what it refused."""

    def __init__(self, web: Any) -> None:
        self.web = web
        self.arrived: list[str] = []
        self.refused: list[str] = []
        self.loads: list[bool] = []
        web.arrived.connect(self.arrived.append)
        web.refused.connect(self.refused.append)
        web.page.loadFinished.connect(self.loads.append)

    async def script(self, source: str) -> Any:
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self.web.page.runJavaScript(source, lambda value: None if answer.done() else answer.set_result(value))
        return await asyncio.wait_for(answer, 60)


@asynccontextmanager
async def a_page(hosts: frozenset[str], redirect_url: str) -> AsyncIterator[Shown]:
    from alphapanda_desktop.ui.webpage import LoginWeb

    window = QWidget()
    web = LoginWeb(hosts, redirect_url, window)
    window.show()
    try:
        yield Shown(web)
    finally:
        await web.aclose()
        window.close()
        window.deleteLater()
        await asyncio.sleep(0)


WAYS = {
    "302": "",
    "two hops": "",
    "JavaScript": "<script>location.href = '%s'</script>",
    "meta refresh": "<meta http-equiv='refresh' content='0; url=%s'>",
    "form": "<form method='get' action='%s'><input name='request_token' value='tok123'></form>"
    "<script>document.forms[0].submit()</script>",
}


def lead(site: Site, way: str, target: str) -> None:
    """Make /login lead to the target that way."""
    if way == "302":
        site.redirects["/login"] = target
    elif way == "two hops":
        site.redirects |= {"/login": site.url("/hop"), "/hop": target}
    else:
        site.pages["/login"] = WAYS[way] % target


@pytest.mark.parametrize("way", WAYS)
def test_the_redirect_is_caught_and_nothing_reaches_its_target(way: str, run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site, a_site() as target:
            address = target.url("/back?request_token=tok123&status=success")
            lead(site, way, address)
            async with a_page(frozenset({site.host}), target.url("/back")) as page:
                page.web.load(site.url("/login"))
                await eventually(lambda: page.arrived)
                await eventually(lambda: page.loads)
                assert page.arrived[0].startswith(target.url("/back?request_token=tok123"))
                assert target.asked == []
                assert page.refused == []

    run(story())


def test_a_redirect_url_of_a_host_that_does_not_exist_is_caught_too(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site:
            site.redirects["/login"] = "https://no-such-host.invalid/cb?request_token=tok9&status=success"
            async with a_page(frozenset({site.host}), "https://no-such-host.invalid/cb") as page:
                page.web.load(site.url("/login"))
                await eventually(lambda: page.arrived)
                assert page.arrived == ["https://no-such-host.invalid/cb?request_token=tok9&status=success"]

    run(story())


def test_another_host_is_refused_in_words_and_never_asked(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site, a_site() as other:
            site.pages["/login"] = f"<script>location.href = '{other.url('/phish')}'</script>"
            async with a_page(frozenset({site.host}), HERE) as page:
                page.web.load(site.url("/login"))
                await eventually(lambda: page.refused)
                assert "127.0.0.1" in page.refused[0] and "refused" in page.refused[0]
                assert other.asked == [] and page.arrived == []

    run(story())


def test_a_frame_of_another_host_stays_empty(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site, a_site() as other:
            site.pages["/login"] = f"<iframe src='{other.url('/ad?request_token=stolen')}'></iframe>"
            async with a_page(frozenset({site.host}), HERE) as page:
                page.web.load(site.url("/login"))
                await eventually(lambda: page.loads)
                assert other.asked == []
                assert page.arrived == []  # a token in a frame is no login

    run(story())


def test_an_error_in_the_check_refuses_the_navigation(
    run: Any, eventually: Eventually, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pytestqt.exceptions import capture_exceptions

    from alphapanda_desktop.ui import webpage

    def broken(_url: QUrl, _redirect: str) -> bool:
        raise ValueError("broken on purpose")

    async def story() -> None:
        async with a_site(login="hello") as site, a_page(frozenset({site.host}), HERE) as page:
            monkeypatch.setattr(webpage, "is_redirect", broken)
            page.web.load(site.url("/login"))
            await eventually(lambda: raised or page.loads)
            assert site.asked == []

    with capture_exceptions() as raised:
        run(story())
    assert "broken on purpose" in str(raised)


def test_a_page_opens_no_window_and_asks_no_dialog(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site, a_site() as other:
            site.pages["/login"] = (
                f"<a id=a target=_blank href='{other.url('/popup')}'>x</a><script>"
                f"window.open('{other.url('/window')}'); document.getElementById('a').click();"
                "alert('wrong code'); window.said = [confirm('sure?'), prompt('who?', 'me')]</script>"
            )
            async with a_page(frozenset({site.host}), HERE) as page:
                page.web.load(site.url("/login"))
                await eventually(lambda: page.loads)
                assert await page.script("JSON.stringify(window.said)") == "[false,null]"
                assert page.refused == ["The login page says: wrong code"]
                assert other.asked == []
                for kind in QWebEnginePage.WebWindowType:  # as for a click of a person's, which no switch holds back
                    assert page.web.page.createWindow(kind) is None

    run(story())


def test_the_second_login_sends_no_cookie_of_the_first(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site(login="first", again="second") as site:
            for _ in range(2):
                async with a_page(frozenset({site.host}), HERE) as page:
                    assert page.web._profile.isOffTheRecord()  # the disk of one that is not is written to late
                    page.web.load(site.url("/login"))
                    await eventually(lambda page=page: page.loads)
                    page.web.load(site.url("/again"))
                    await eventually(lambda page=page: len(page.loads) > 1)
            cookies = [sent for path, sent in zip(site.asked, site.cookies, strict=True) if path != "/favicon.ico"]
            assert cookies == ["", "who=first", "", "who=first"]  # within one login they work, as Kite needs

    run(story())


def test_a_page_that_cannot_be_loaded_is_said_in_words(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        gone = f"127.0.0.1:{free_port()}"  # one that the system gives to nobody meanwhile
        async with a_page(frozenset({gone}), HERE) as page:
            page.web.load(f"http://{gone}/login")
            await eventually(lambda: page.refused)
            assert "could not be loaded" in page.refused[0] and "CONNECTION_REFUSED" in page.refused[0]

    run(story())


def test_a_page_that_says_no_is_no_lost_connection(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site() as site, a_page(frozenset({site.host}), HERE) as page:
            page.web.load(site.url("/nowhere"))
            await eventually(lambda: page.refused)
            assert page.refused == ["Kite answered with status 404; its page says why."]

    run(story())


def test_a_dead_page_is_said_in_words(run: Any, eventually: Eventually) -> None:
    async def story() -> None:
        async with a_site(login="hello") as site, a_page(frozenset({site.host}), HERE) as page:
            page.web.load(site.url("/login"))
            await eventually(lambda: page.loads)
            renderer = page.web.page.renderProcessPid()
            assert renderer > 1
            os.kill(renderer, signal.SIGKILL)
            await eventually(lambda: page.refused)
            assert "process ended" in page.refused[0]
            page.web.load(site.url("/login"))
            await eventually(lambda: len(page.loads) > 1 and page.loads[-1])

    run(story())


def test_closing_destroys_page_then_profile(run: Any, eventually: Eventually) -> None:
    from alphapanda_desktop.ui.webpage import LoginWeb

    async def story() -> None:
        async with a_site(login="hello") as site:
            window, gone = QWidget(), []
            web = LoginWeb(frozenset({site.host}), HERE, window)
            web.page.destroyed.connect(lambda: gone.append("page"))
            web._profile.destroyed.connect(lambda: gone.append("profile"))
            assert web._profile.isOffTheRecord()
            web.load(site.url("/login"))  # and closed in the middle of it
            await web.aclose()
            assert gone == ["page", "profile"]
            window.deleteLater()
            await asyncio.sleep(0)

    run(story())
