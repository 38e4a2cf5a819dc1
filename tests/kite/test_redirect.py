"""The redirect of a browser login, heard on this machine: one path, one address, one time."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable
from typing import Any

import aiohttp
import pytest

from alphapanda_desktop.domain.errors import LoginFailed
from alphapanda_desktop.kite.redirect import can_listen, wait_for_redirect
from tests.ports import free_port

Eventually = Callable[..., Awaitable[Any]]


@pytest.mark.parametrize(
    ("redirect_url", "can"),
    [
        ("http://127.0.0.1:5599/", True),
        ("http://localhost:5599/alphapanda", True),
        ("http://127.0.0.1/", False),  # port 80 belongs to root
        ("https://127.0.0.1:5599/", False),
        ("https://example.com/cb", False),
        ("http://192.168.1.4:5599/", False),
        ("", False),
    ],
)
def test_only_a_redirect_to_this_machine_can_be_heard(redirect_url: str, can: bool) -> None:
    assert can_listen(redirect_url) is can


class Ear:
    """A listener in its task, and a browser beside it."""

    def __init__(self, port: int, path: str = "/cb", login_url: str = "", limit_s: float = 60.0) -> None:
        self.port = port
        self.root = f"http://127.0.0.1:{port}"
        self.task = asyncio.create_task(wait_for_redirect(f"http://127.0.0.1:{port}{path}", login_url, limit_s))

    async def ready(self) -> None:
        while not self.task.done():
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            except OSError:
                await asyncio.sleep(0.005)
                continue
            writer.close()
            await writer.wait_closed()
            return

    async def get(self, http: aiohttp.ClientSession, path: str, **headers: str) -> tuple[int, str]:
        async with http.get(self.root + path, headers=headers) as reply:
            return reply.status, await reply.text()


def test_the_address_comes_whole_and_the_person_is_told(arun: Any) -> None:
    async def story() -> None:
        ear = Ear(free_port())
        await ear.ready()
        async with aiohttp.ClientSession() as http:
            status, page = await ear.get(http, "/cb?request_token=tok1&status=success&action=login")
            assert status == 200 and "go back to AlphaPanda" in page
            assert await ear.task == f"{ear.root}/cb?request_token=tok1&status=success&action=login"

    arun(story())


def test_a_login_that_kite_calls_failed_comes_too(arun: Any) -> None:
    async def story() -> None:
        ear = Ear(free_port())
        await ear.ready()
        async with aiohttp.ClientSession() as http:
            assert (await ear.get(http, "/cb?status=error"))[0] == 200
        assert (await ear.task).endswith("/cb?status=error")

    arun(story())


@pytest.mark.parametrize(
    ("path", "host", "status"),
    [
        ("/other?request_token=stolen", "", 404),
        ("/?request_token=stolen", "", 404),
        ("/cb/?request_token=stolen", "", 404),
        ("/cb?request_token=stolen", "evil.example", 404),  # a name that was made to point at 127.0.0.1
        ("/cb?request_token=stolen", "127.0.0.1", 404),
        ("/cb", "", 400),
    ],
)
def test_anything_else_is_no_login(path: str, host: str, status: int, arun: Any) -> None:
    async def story() -> None:
        ear = Ear(free_port())
        await ear.ready()
        async with aiohttp.ClientSession() as http:
            headers = {"Host": host} if host else {}
            assert (await ear.get(http, path, **headers))[0] == status
            assert not ear.task.done()
            await ear.get(http, "/cb?request_token=right")
        assert (await ear.task).endswith("=right")

    arun(story())


@pytest.mark.parametrize(
    "mark", ["", "&mark=guessed", "&mark=", "&mark=right&mark=guessed", "&mark=guessed&mark=right"]
)
def test_a_page_cannot_send_a_login_of_its_own(mark: str, arun: Any) -> None:
    """Any page may lead the browser here; it would log the person in to somebody else's account."""

    async def story() -> None:
        ear = Ear(free_port(), login_url="https://kite.example/connect/login?v=3&redirect_params=mark%3Dright")
        await ear.ready()
        async with aiohttp.ClientSession() as http:
            status, page = await ear.get(http, f"/cb?request_token=theirs&status=success{mark}")
            assert status == 400 and "paste it into AlphaPanda" in page and not ear.task.done()
            assert (await ear.get(http, "/cb?status=error&request_token=x"))[0] == 400 and not ear.task.done()
            await ear.get(http, "/cb?request_token=mine&mark=right")
        assert "request_token=mine" in await ear.task

    arun(story())


def test_localhost_is_this_machine_too(arun: Any) -> None:
    async def story() -> None:
        port = free_port()
        ear = Ear(port)
        await ear.ready()
        async with aiohttp.ClientSession() as http:
            await ear.get(http, "/cb?request_token=tok1", Host=f"localhost:{port}")
        assert (await ear.task).endswith("tok1")

    arun(story())


def test_other_machines_cannot_reach_it(arun: Any) -> None:
    async def story() -> None:
        ear = Ear(free_port())
        await ear.ready()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.2", ear.port)
        ear.task.cancel()
        await asyncio.gather(ear.task, return_exceptions=True)

    arun(story())


def test_after_the_one_redirect_the_port_is_free_again(arun: Any) -> None:
    async def story() -> None:
        ear = Ear(free_port())
        await ear.ready()
        async with aiohttp.ClientSession() as http:  # its connection stays open, as a browser's does
            await ear.get(http, "/cb?request_token=tok1")
            await ear.task
            with pytest.raises(OSError):
                await asyncio.open_connection("127.0.0.1", ear.port)
        again = Ear(ear.port)
        await again.ready()
        async with aiohttp.ClientSession() as http:
            await again.get(http, "/cb?request_token=tok2")
        assert (await again.task).endswith("tok2")

    arun(story())


def test_a_taken_port_is_said_in_words(arun: Any) -> None:
    async def story() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            taken.listen()
            port = taken.getsockname()[1]
            with pytest.raises(
                LoginFailed, match=f"Port {port} of the redirect URL cannot be used here: .*address already in use"
            ):
                await wait_for_redirect(f"http://127.0.0.1:{port}/", limit_s=60)

    arun(story())


def test_nobody_coming_is_said_in_words(arun: Any) -> None:
    async def story() -> None:
        with pytest.raises(LoginFailed, match="Nobody came back"):
            await wait_for_redirect(f"http://127.0.0.1:{free_port()}/", limit_s=0.05)

    arun(story())


def test_giving_up_frees_the_port(arun: Any) -> None:
    async def story() -> None:
        ear = Ear(free_port())
        await ear.ready()
        ear.task.cancel()
        await asyncio.gather(ear.task, return_exceptions=True)
        with socket.socket() as mine:
            mine.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            mine.bind(("127.0.0.1", ear.port))

    arun(story())
