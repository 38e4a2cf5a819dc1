"""The fixtures that drive coroutines see what a test must not leave behind; on both loops."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import keyring
import pytest
from aiohttp import web

Story = Callable[[Any], Any]


@pytest.fixture(params=["run", "arun"])
def drive(request: pytest.FixtureRequest) -> Story:
    story: Story = request.getfixturevalue(request.param)
    return story


def test_a_story_returns_its_value_and_may_be_followed_by_another(drive: Story) -> None:
    assert [drive(asyncio.sleep(0, result=n)) for n in (1, 2)] == [1, 2]


def test_a_task_left_behind_fails_the_story(drive: Story) -> None:
    async def story() -> None:
        asyncio.create_task(asyncio.Event().wait(), name="forgotten")  # noqa: RUF006  # forgotten on purpose

    with pytest.raises(AssertionError, match=r"tasks left behind: .*forgotten"):
        drive(story())


def test_an_error_that_nobody_awaited_fails_the_story(drive: Story) -> None:
    async def fail() -> None:
        raise ValueError("unheard")

    async def story() -> None:
        asyncio.create_task(fail())  # noqa: RUF006  # forgotten on purpose
        await asyncio.sleep(0.01)

    with pytest.raises(AssertionError, match=r"errors nobody awaited: .*unheard"):
        drive(story())


def test_an_error_in_a_callback_fails_the_story(drive: Story) -> None:
    async def story() -> None:
        asyncio.get_running_loop().call_soon(list[int]().pop)
        await asyncio.sleep(0.01)

    with pytest.raises(AssertionError, match=r"errors nobody awaited: .*IndexError"):
        drive(story())


def test_eventually_gives_the_first_true_value(drive: Story, eventually: Story) -> None:
    async def story() -> object:
        heard: list[str] = []
        asyncio.get_running_loop().call_later(0.02, heard.append, "now")
        return await eventually(lambda: heard)

    assert drive(story()) == ["now"]


def test_eventually_quotes_what_never_became_true(drive: Story, eventually: Callable[..., Any]) -> None:
    with pytest.raises(AssertionError, match=r"not true within 0\.02 s: .*len\(\[\]\) == 1.*last value False"):
        drive(eventually(lambda: len([]) == 1, timeout=0.02))


@pytest.mark.timeout(8)  # it ends at nine tenths of this; clearing up after a full suite takes its part of the rest
def test_a_story_that_waits_for_ever_ends_before_the_test_runner_gives_up(run: Story) -> None:
    with pytest.raises(TimeoutError):
        run(asyncio.Event().wait())


@pytest.mark.parametrize("turn", [1, 2])
def test_each_test_has_an_empty_keyring_that_no_person_uses(turn: int) -> None:
    assert keyring.get_password("alphapanda", "token") is None
    keyring.set_password("alphapanda", "token", str(turn))
    assert keyring.get_password("alphapanda", "token") == str(turn)


@pytest.mark.parametrize("turns", range(6))
def test_a_connection_that_comes_while_its_server_closes_is_closed_too(drive: Story, turns: int) -> None:
    async def story() -> bytes:
        runner = web.AppRunner(web.Application(), access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        with socket.socket() as late:
            late.setblocking(False)
            late.connect_ex(runner.addresses[0])
            for _ in range(turns):
                await asyncio.sleep(0)
            await runner.cleanup()
            for _ in range(5):
                await asyncio.sleep(0)
            late.settimeout(5)
            try:
                return late.recv(1)
            except ConnectionResetError:
                return b""

    assert drive(story()) == b""  # anything left open would be told here, as an unraisable ResourceWarning
