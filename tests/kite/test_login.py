"""The login outside the browser: addresses, checksum, exchange, and words that help."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import LoginFailed, Offline, SessionEnded
from alphapanda_desktop.domain.ports import Login
from alphapanda_desktop.domain.session import Token, verify
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.login import KiteLogin, check_shape
from alphapanda_desktop.kite.redirect import sent_back
from tests.kite.kite_stub_server import Reply, Stub, a_stub, no, ok, raw

REDIRECT = "http://127.0.0.1:5599/"
SESSION = {"user_id": "AB1234", "user_name": "A", "access_token": "s3cr3t", "login_time": "2026-11-20 09:01:02"}
ROUTE = "POST /session/token"


def a_login(client: KiteClient | None = None, **more: Any) -> KiteLogin:
    return KiteLogin("kkkk", "ssss", REDIRECT, client or KiteClient("kkkk", clock=SystemClock()), **more)


@asynccontextmanager
async def a_pair() -> AsyncIterator[tuple[Stub, KiteLogin]]:
    async with a_stub() as stub:
        client = KiteClient("kkkk", root=stub.root, clock=SystemClock(), timeout_s=60.0)
        try:
            yield stub, a_login(client)
        finally:
            await client.close()


def test_the_login_page_is_kites_and_is_asked_to_send_back_what_nobody_can_guess() -> None:
    login = a_login()
    address, _, mark = login.login_url().partition("&redirect_params=alphapanda%3D")
    assert address == "https://kite.zerodha.com/connect/login?v=3&api_key=kkkk"
    assert len(mark) >= 20 and login.login_url().endswith(mark) and not a_login().login_url().endswith(mark)
    local = a_login(login_root="http://127.0.0.1:7000/")
    assert local.login_url().startswith("http://127.0.0.1:7000/connect/login?v=3&api_key=kkkk&")


def test_a_login_that_another_program_began_is_refused() -> None:
    login = a_login()
    (mark,) = sent_back(login.login_url()).values()
    there = "http://127.0.0.1:5599/?request_token=abc123XYZ&status=success"
    assert login.request_token_of(f"{there}&alphapanda={mark}") == "abc123XYZ"
    for wrong in ("x", f"{mark}&alphapanda=x", f"x&alphapanda={mark}"):
        with pytest.raises(LoginFailed, match="not begun here"):
            login.request_token_of(f"{there}&alphapanda={wrong}")


def test_it_is_a_login_by_type() -> None:
    login: Login = a_login()
    assert login.redirect_url == REDIRECT


@pytest.mark.parametrize(
    "address",
    [
        "http://127.0.0.1:5599/?request_token=abc123XYZ&status=success&action=login",
        "http://127.0.0.1:5599/?action=login&type=login&status=success&request_token=abc123XYZ&user_id=AB1234",
        "http://127.0.0.1:5599/?request_token=abc123XYZ",
        "https://elsewhere.example/callback?request_token=abc123XYZ&status=success",
        "  http://127.0.0.1:5599/?request_token=abc123XYZ  \n",
        "request_token=abc123XYZ&status=success",
        "abc123XYZ",
    ],
)
def test_a_request_token_is_found_by_name(address: str) -> None:
    assert a_login().request_token_of(address) == "abc123XYZ"


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("http://127.0.0.1:5599/?status=cancelled&request_token=abc123XYZ", "not successful"),
        ("http://127.0.0.1:5599/", "no request_token"),
        ("http://localhost:9/?x=1", "“Redirect URL”.*to http://127.0.0.1:5599/"),
        ("https://kite.zerodha.com/connect/login?v=3&api_key=kkkk", "finish the login"),
        ("hello world", "no address"),
        ("", "no address"),
        ("http://[::1/?request_token=a", "no address"),
    ],
)
def test_an_address_without_success_says_what_to_do(address: str, words: str) -> None:
    with pytest.raises(LoginFailed, match=words):
        a_login().request_token_of(address)


def test_a_request_token_is_traded_for_a_token(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, login):
            stub.script[ROUTE] = ok(SESSION)
            token = await login.exchange("rrrr")
            assert token == Token("kkkk", "s3cr3t", "AB1234", datetime(2026, 11, 20, 3, 31, 2, tzinfo=UTC))
            assert stub.bodies == [
                {
                    "api_key": "kkkk",
                    "request_token": "rrrr",
                    "checksum": "c8d87db8361fda70c0a6865d6535f9e90309d2a6c2496d0d457122a5729eef08",
                }
            ]
            assert stub.headers[0]["X-Kite-Version"] == "3"
            assert "Authorization" not in stub.headers[0]

    arun(story())


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (no(403, "TokenException", "Token is invalid or has expired."), "Log in once more"),
        (no(403, "TokenException", "Invalid `checksum`."), "api_secret does not belong.*“API key” and “API secret”"),
        (no(400, "InputException", "Invalid `api_key`."), "copy it again.*“API key”"),
        (no(403, "UserException", "The user is not enabled for the app."), "“Zerodha Client ID”"),
        (no(403, "UserException", "Account blocked."), "Account blocked"),
        (ok({"user_id": "AB1234"}), "access_token is missing"),
        (ok(SESSION | {"access_token": ""}), "access_token"),
    ],
)
def test_a_refused_exchange_says_what_to_do_and_no_secret(arun: Any, reply: Reply, words: str) -> None:
    async def story() -> None:
        async with a_pair() as (stub, login):
            stub.script[ROUTE] = reply
            with pytest.raises(LoginFailed, match=words) as refused:
                await login.exchange("rrrr")
            assert "ssss" not in str(refused.value)

    arun(story())


def test_kite_being_down_is_no_failed_login(arun: Any) -> None:
    async def story() -> None:
        async with a_pair() as (stub, login):
            stub.script[ROUTE] = raw("<html>down</html>", 502)
            with pytest.raises(Offline):
                await login.exchange("rrrr")

    arun(story())


def test_a_token_is_verified_by_the_profile(arun: Any, kite_samples: Path) -> None:
    token = Token("kkkk", "s3cr3t", "AB1234", datetime(2026, 11, 20, 3, 31, 2, tzinfo=UTC))

    async def story() -> None:
        async with a_pair() as (stub, login):
            sample = (kite_samples / "mocks" / "profile.json").read_bytes()
            stub.script["GET /user/profile"] = raw(sample, content_type="application/json")
            session = await verify(login, token, datetime(2026, 11, 20, 4, tzinfo=UTC))
            assert session.user_id == "AB1234"
            stub.script["GET /user/profile"] = no(403, "TokenException", "Incorrect `api_key` or `access_token`.")
            with pytest.raises(SessionEnded):
                await verify(login, token, datetime(2026, 11, 20, 4, tzinfo=UTC))

    arun(story())


def test_logging_out_ends_the_token_once(arun: Any) -> None:
    token = Token("kkkk", "s3cr3t", "AB1234", datetime(2026, 11, 20, tzinfo=UTC))

    async def story() -> None:
        async with a_pair() as (stub, login):
            stub.script["DELETE /session/token"] = ok(True)
            await login.log_out(token)
            assert dict(stub.queries[0]) == {"api_key": "kkkk", "access_token": "s3cr3t"}
            stub.script["DELETE /session/token"] = no(403, "TokenException", "Incorrect `api_key` or `access_token`.")
            await login.log_out(token)
            assert len(stub.seen) == 2

    arun(story())


def test_an_offline_log_out_shows_no_token(arun: Any) -> None:
    token = Token("kkkk", "s3cr3t", "AB1234", datetime(2026, 11, 20, tzinfo=UTC))

    async def story() -> None:
        client = KiteClient("kkkk", root="http://127.0.0.1:9", clock=SystemClock())
        with pytest.raises(Offline) as refused:
            await a_login(client).log_out(token)
        seen: BaseException | None = refused.value
        while seen is not None:  # the transport's own error names the whole address, token and all
            assert "s3cr3t" not in f"{seen!r}"
            seen = seen.__cause__ or seen.__context__
        await client.close()

    arun(story())


def test_nothing_that_is_printed_holds_the_secret() -> None:
    assert "ssss" not in repr(a_login())


GOOD = ("abcd1234efgh5678", "s" * 32, REDIRECT)


@pytest.mark.parametrize("redirect", [REDIRECT, "http://localhost", "https://example.com/kite?x=1"])
def test_good_shapes_have_no_problems(redirect: str) -> None:
    assert check_shape(*GOOD[:2], redirect) == []


@pytest.mark.parametrize(
    ("key", "secret", "redirect", "field"),
    [
        ("", *GOOD[1:], "api_key"),
        ("has space", *GOOD[1:], "api_key"),
        ("short", *GOOD[1:], "api_key"),
        (GOOD[0], " ", GOOD[2], "api_secret"),
        (*GOOD[:2], "", "redirect_url"),
        (*GOOD[:2], "127.0.0.1:5599", "redirect_url"),
        (*GOOD[:2], "http://example.com/", "redirect_url"),
        (*GOOD[:2], "ftp://127.0.0.1/", "redirect_url"),
        (*GOOD[:2], "http://127.0.0.1:99999/", "redirect_url"),
        (*GOOD[:2], "http://[::1/", "redirect_url"),
    ],
)
def test_a_bad_shape_is_named_by_its_field(key: str, secret: str, redirect: str, field: str) -> None:
    problems = check_shape(key, secret, redirect)
    assert [name for name, _ in problems] == [field]
    assert all(words for _, words in problems)
