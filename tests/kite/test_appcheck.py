"""A Kite Connect app is tried before its first login: each finding is named for its field and says what to change."""

from __future__ import annotations

import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import LoginFailed
from alphapanda_desktop.domain.preflight import Check, Standing
from alphapanda_desktop.kite import appcheck
from alphapanda_desktop.kite.appcheck import try_app
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.login import KiteLogin
from tests.e2e.headless import exchange, log_in
from tests.ports import free_port

KEY, SECRET = "abcd1234efgh5678", "zyxw9876vuts5432zyxw9876vuts5432"


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """The servers of these tests must wait for their turn on this machine."""
    monkeypatch.setattr(appcheck, "LIMIT_S", 60.0)


@asynccontextmanager
async def a_login_page(status: int, text: str) -> AsyncIterator[tuple[str, list[str]]]:
    """A server that answers everything so, and what it was asked."""
    asked: list[str] = []

    async def answer(request: web.Request) -> web.Response:
        said = request.headers.get("Authorization", "")
        asked.append(f"{request.method} {request.path_qs} {await request.text()}{said}")
        return web.Response(status=status, text=text, content_type="text/html")

    app = web.Application()
    app.router.add_route("*", "/{tail:.*}", answer)
    runner = web.AppRunner(app, access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}", asked
    finally:
        await runner.cleanup()


async def found(root: str, redirect: str = "", key: str = KEY, secret: str = SECRET) -> dict[str, Check]:
    checks = await try_app(key, secret, redirect or f"http://127.0.0.1:{free_port()}/", root)
    assert [check.name for check in checks] == ["api_key", "api_secret", "redirect_url"]
    return {check.name: check for check in checks}


def test_a_key_whose_login_page_comes_is_good_and_no_secret_leaves(
    arun: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login somebody password a-netrc-password\n", encoding="ascii")
    netrc.chmod(0o600)
    monkeypatch.setenv("NETRC", str(netrc))

    async def story() -> None:
        async with a_login_page(200, "<form>user id</form>") as (root, asked):
            checks = await found(root)
            assert checks["api_key"].standing is Standing.GOOD
            assert checks["api_secret"].standing is Standing.UNKNOWN
            assert "first login" in checks["api_secret"].found
            assert checks["redirect_url"].standing is Standing.GOOD
            assert "“Redirect URL”" in checks["redirect_url"].remedy
            assert asked == [f"GET /connect/login?v=3&api_key={KEY} "]

    arun(story())


@pytest.mark.parametrize(
    ("status", "text", "standing", "words"),
    [
        (400, '{"status":"error","message":"Invalid `api_key`.","error_type":"InputException"}', "wrong", "“API key”"),
        (200, '{"status":"error","message":"Invalid `api_key`.","error_type":"InputException"}', "wrong", "“API key”"),
        (503, "<html>down</html>", "unknown", "active and paid"),
    ],
)
def test_what_kite_says_to_a_key(status: int, text: str, standing: str, words: str, arun: Any) -> None:
    async def story() -> None:
        async with a_login_page(status, text) as (root, _asked):
            check = (await found(root))["api_key"]
            assert check.standing.value == standing and words in check.remedy

    arun(story())


def test_without_a_network_nothing_is_said_of_the_key(arun: Any) -> None:
    async def story() -> None:
        check = (await found(f"http://127.0.0.1:{free_port()}"))["api_key"]
        assert check.standing is Standing.UNKNOWN
        assert "cannot be reached" in check.found and "online" in check.remedy

    arun(story())


def test_a_taken_port_names_another_and_the_field_to_change(arun: Any) -> None:
    async def story() -> None:
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            port = other.getsockname()[1]
            check = (await found("http://127.0.0.1:1", f"http://127.0.0.1:{port}/"))["redirect_url"]
        assert check.standing is Standing.BAD
        assert f"Port {port}" in check.found and "another program" in check.found
        assert "another port" in check.remedy and "“Redirect URL”" in check.remedy

    arun(story())


@pytest.mark.parametrize("redirect", ["https://my.example/kite", "http://127.0.0.1/"])
def test_an_address_that_cannot_be_heard_is_told_as_such(redirect: str, arun: Any) -> None:
    async def story() -> None:
        check = (await found("http://127.0.0.1:1", redirect))["redirect_url"]
        assert check.standing is Standing.WARN and "pasted" in check.found and redirect in check.remedy

    arun(story())


def test_a_wrong_shape_is_told_without_asking_anybody(arun: Any) -> None:
    async def story() -> None:
        async with a_login_page(200, "a form") as (root, asked):
            checks = await found(root, "http://example.com/", key="no good", secret="")
            assert {check.standing for check in checks.values()} == {Standing.BAD}
            assert asked == []

    arun(story())


def test_the_practice_exchange_plays_every_wrong_field(arun: Any) -> None:
    async def story() -> None:
        async with exchange("--count", "20") as kite:
            said, port = kite.said, free_port()
            good = await found(said["login"], key=said["api_key"], secret=said["api_secret"])
            assert good["api_key"].standing is Standing.GOOD
            assert (await found(said["login"]))["api_key"].standing is Standing.BAD

            client = KiteClient(said["api_key"], root=said["rest"], clock=SystemClock(), timeout_s=60.0)
            wrong_redirect = f"http://127.0.0.1:{port}/elsewhere"
            login = KiteLogin(said["api_key"], SECRET, wrong_redirect, client, login_root=said["login"])
            landed = await log_in(login.login_url())
            with pytest.raises(LoginFailed, match="“API secret”"):
                await login.exchange(login.request_token_of(landed))
            nowhere = landed.split("?", maxsplit=1)[0]
            with pytest.raises(LoginFailed, match=f"“Redirect URL”.*{wrong_redirect}"):
                login.request_token_of(nowhere)
            await client.close()

            stranger = KiteClient(KEY, root=said["rest"], clock=SystemClock(), timeout_s=60.0)
            other = KiteLogin(KEY, said["api_secret"], wrong_redirect, stranger, login_root=said["login"])
            with pytest.raises(LoginFailed, match="“API key”"):
                await other.exchange("abcdef123456")
            await stranger.close()

    arun(story())
