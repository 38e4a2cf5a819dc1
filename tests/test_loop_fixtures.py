"""The fixtures that drive coroutines see what a test must not leave behind; on both loops."""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Any

import keyring
import pytest
from aiohttp import web

from tests.watch import Watch

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


@pytest.mark.parametrize("limit_s", [0.1])
def test_a_story_that_waits_for_ever_is_ended_on_the_qt_loop_too(run: Story, limit_s: float) -> None:
    with pytest.raises(TimeoutError):
        run(asyncio.Event().wait())


@pytest.mark.timeout(50)
def test_a_story_is_ended_before_the_test_runner_gives_up(limit_s: float) -> None:
    assert limit_s == 45


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


@pytest.fixture
def watch() -> Iterator[Watch]:
    with asyncio.Runner() as runner:
        yield Watch(runner.get_loop(), limit_s=60)


def a_pair(watch: Watch) -> tuple[socket.socket, asyncio.Transport]:
    """A socket, and the transport of its other end."""
    near, far = socket.socketpair()
    transport, _ = watch.loop.run_until_complete(watch.loop.create_connection(asyncio.Protocol, sock=far))
    return near, transport


@pytest.mark.parametrize("reading", [True, False])
def test_a_socket_that_stays_open_fails_the_test_that_opened_it(watch: Watch, reading: bool) -> None:
    near, transport = a_pair(watch)
    if not reading:
        transport.pause_reading()
    watch.patience_s = 0.0
    with near, pytest.raises(AssertionError, match=r"left: .*_SelectorSocketTransport"):
        watch.close()
    transport.close()
    watch.patience_s = 60.0
    watch.close()


def test_the_last_word_from_outside_may_come_after_the_story(watch: Watch) -> None:
    near, transport = a_pair(watch)
    watch.loop.call_later(0.05, near.close)
    watch.close()
    assert transport.is_closing()


def test_a_process_that_ends_by_itself_is_waited_for_though_the_story_did_not(watch: Watch) -> None:
    async def story() -> asyncio.subprocess.Process:
        return await asyncio.create_subprocess_exec(sys.executable, "-c", "input()", stdin=asyncio.subprocess.PIPE)

    child = watch.run(story())
    assert child.stdin is not None and child.returncode is None
    child.stdin.close()
    watch.close()
    assert child.returncode is not None


def test_a_closed_server_waits_for_those_it_serves(arun: Story) -> None:
    async def story() -> list[str]:
        told: list[str] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"come in")
            await reader.read()
            told.append("its client left")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await reader.read(4)
            asyncio.get_running_loop().call_later(0.05, writer.close)
        return told

    assert arun(story()) == ["its client left"]
