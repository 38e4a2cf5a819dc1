"""Logging in: the page a person sees, the exchange of tokens, and every way a token dies."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from alphapanda_desktop.sim.login_page import redirect_to
from alphapanda_desktop.sim.session import REDIRECT_URL, Credentials, checksum, next_death
from tests.sim.practice_kite import NOON, Caller, served, still_kite

Run = Callable[[Any], Any]
BARE = {"X-Kite-Version": None, "Authorization": None}


def test_the_checksum_is_kites() -> None:
    expected = "c8d87db8361fda70c0a6865d6535f9e90309d2a6c2496d0d457122a5729eef08"
    assert checksum("kkkk", "rrrr", "ssss") == expected


def test_credentials_are_the_same_for_the_same_seed_and_differ_for_another() -> None:
    assert Credentials.of_seed(7) == Credentials.of_seed(7)
    assert Credentials.of_seed(7).api_key != Credentials.of_seed(8).api_key


def test_death_is_at_six_in_the_morning_indian_time() -> None:
    assert next_death(NOON.timestamp()) - NOON.timestamp() == 18 * 3600
    five = NOON - timedelta(hours=7)
    assert next_death(five.timestamp()) - five.timestamp() == 3600


def test_the_redirect_keeps_its_own_query_and_adds_what_the_app_asked_for() -> None:
    url = redirect_to("http://127.0.0.1:5599/back?x=1", "tok", "some=thing&more=1")
    query = parse_qs(urlsplit(url).query)
    assert query["x"] == ["1"] and query["request_token"] == ["tok"] and query["status"] == ["success"]
    assert query["action"] == ["login"] and query["type"] == ["login"] and query["some"] == ["thing"]


async def fill_in(call: Caller, **wrong: str) -> tuple[int, Any, str]:
    """Go through the login page; status, body and where the last answer leads."""
    key = call.said["api_key"]
    status, page = await call("GET", f"/connect/login?v=3&api_key={key}&redirect_params=a%3Db", headers=BARE)
    assert status == 200 and 'id="userid"' in page and 'id="password"' in page
    extra = re.search(r'name="redirect_params" value="([^"]*)"', page)
    assert extra
    form = {"userid": "AP1234", "password": "panda", "redirect_params": extra[1]}
    form |= {name: value for name, value in wrong.items() if name in form}
    status, page = await call("POST", "/connect/login", data=form, headers=BARE)
    if status != 200:
        return status, page, ""
    ticket = re.search(r'name="ticket" value="([^"]*)"', page)
    assert ticket and 'id="totp"' in page
    code = {"ticket": ticket[1], "totp": wrong.get("totp", "246810")}
    async with call.http.post("/connect/totp", data=code, allow_redirects=False) as reply:
        return reply.status, await reply.text(), reply.headers.get("Location", "")


def token_form(call: Caller, request_token: str, secret: str = "") -> dict[str, str]:
    key = call.said["api_key"]
    digest = checksum(key, request_token, secret or call.said["api_secret"])
    return {"api_key": key, "request_token": request_token, "checksum": digest}


def test_a_person_logs_in_and_the_new_token_ends_the_old_one(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            status, _, location = await fill_in(call)
            assert status == 302 and location.startswith(REDIRECT_URL)
            query = parse_qs(urlsplit(location).query)
            assert query["a"] == ["b"]
            form = token_form(call, query["request_token"][0])
            got = await call.data("POST", "/session/token", data=form, headers={"Authorization": None})
            assert got["user_id"] == "AP1234" and len(got["login_time"]) == 19
            assert (await call("GET", "/user/profile"))[0] == 403, "one live token per user and app"
            call.headers["Authorization"] = f"token {got['api_key']}:{got['access_token']}"
            assert (await call.data("GET", "/user/profile"))["user_id"] == "AP1234"
            status, body = await call("POST", "/session/token", data=form)
            assert (status, body["error_type"]) == (403, "TokenException")
            assert body["message"] == "Token is invalid or has expired."

    arun(story())


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"password": "bear"}, "Invalid user ID or password."),
        ({"userid": "ZZ0000"}, "Invalid user ID or password."),
        ({"totp": "000000"}, "Invalid code."),
    ],
)
def test_a_wrong_entry_says_so_on_the_page(arun: Run, wrong: dict[str, str], text: str) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            status, page, location = await fill_in(call, **wrong)
            assert (status, location) == (403, "") and text in page

    arun(story())


def test_an_unknown_app_gets_an_error_page(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            status, page = await call("GET", "/connect/login?v=3&api_key=somebodyelse", headers=BARE)
            assert status == 400 and "api_key" in page and 'id="userid"' not in page

    arun(story())


def test_the_login_page_needs_nothing_from_elsewhere(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            _, page = await call("GET", f"/connect/login?v=3&api_key={call.said['api_key']}", headers=BARE)
            assert not re.findall(r"(?:src|href)=|<script|@import|url\(", page)

    arun(story())


def test_a_wrong_checksum_a_late_token_and_a_missing_field_are_told_apart(arun: Run) -> None:
    async def story() -> None:
        kite = still_kite()
        async with served(kite) as call:
            token = kite.sessions.request_token()
            status, body = await call("POST", "/session/token", data=token_form(call, token, "other"))
            assert (status, body["message"]) == (403, "Invalid `checksum`.")
            status, body = await call("POST", "/session/token", data={"api_key": "x"})
            assert (status, body["error_type"]) == (400, "InputException")
            kite.clock.jump_to(NOON + timedelta(minutes=6))
            status, body = await call("POST", "/session/token", data=token_form(call, token))
            assert (status, body["message"]) == (403, "Token is invalid or has expired.")

    arun(story())


def test_a_token_dies_at_six_and_by_logout(arun: Run) -> None:
    async def story() -> None:
        kite = still_kite()
        async with served(kite) as call:
            kite.clock.jump_to(NOON + timedelta(hours=17, minutes=59))
            assert (await call("GET", "/user/profile"))[0] == 200
            kite.clock.jump_to(NOON + timedelta(hours=18))
            status, body = await call("GET", "/user/profile")
            assert (status, body["error_type"]) == (403, "TokenException")
            assert body["message"] == "Incorrect `api_key` or `access_token`."
            login = kite.sessions.open()
            pair = {"api_key": call.said["api_key"], "access_token": login.access_token}
            assert await call.data("DELETE", "/session/token", params=pair) is True
            assert not kite.sessions.authorised(**pair)

    arun(story())


def test_a_refresh_token_is_not_given_to_individuals(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            key = call.said["api_key"]
            form = {"api_key": key, "refresh_token": "r", "checksum": checksum(key, "r", call.said["api_secret"])}
            status, body = await call("POST", "/session/refresh_token", data=form)
            assert (status, body["error_type"]) == (403, "TokenException")

    arun(story())


def test_a_token_outlives_a_restart_of_the_simulator(tmp_path: Path) -> None:
    first = still_kite(state=tmp_path / "sim.state")
    token = first.sessions.open().access_token
    first.memory.close()
    second = still_kite(state=tmp_path / "sim.state")
    assert second.sessions.open().access_token == token
    second.memory.close()


def test_a_clock_set_back_does_not_lengthen_a_token() -> None:
    kite = still_kite()
    login = kite.sessions.open()
    kite.set_clock(NOON - timedelta(days=30))
    assert kite.sessions.authorised(kite.credentials.api_key, login.access_token)
    kite.clock.jump_to(NOON - timedelta(days=29))
    assert not kite.sessions.authorised(kite.credentials.api_key, login.access_token)
