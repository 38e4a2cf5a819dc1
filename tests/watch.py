"""A loop that is watched: whatever a story leaves on it, a task, an error, a socket, fails that story's own test."""

from __future__ import annotations

import asyncio
import asyncio.base_events
import asyncio.selector_events
import gc
import sys
import threading
import time
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")

# WORKAROUND gh-109564 (CPython 3.11): a connection that was accepted in the turn in which its server closed is refused
# by the server after its transport was made, and is then left open for the collector to complain of in a later test.
# Python 3.13 closes such a connection; here it is closed before the transport is made.
_SelectorLoop: Any = asyncio.selector_events.BaseSelectorEventLoop
_accepted = _SelectorLoop._accept_connection2


async def _accept_while_open(
    loop: Any, factory: Any, connection: Any, extra: Any, tls: Any = None, server: Any = None, *rest: Any, **named: Any
) -> None:
    if server is not None and not server.sockets:
        connection.close()
        return
    await _accepted(loop, factory, connection, extra, tls, server, *rest, **named)


if sys.version_info < (3, 13):
    _SelectorLoop._accept_connection2 = _accept_while_open


# WORKAROUND gh-79033 (CPython 3.11): a closed server's `wait_closed` returns while its connections are still open. One
# whose client's last word comes after the loop was closed is left for the collector to complain of in a later test.
# Python 3.12.1 waits for them.
async def _until_all_left(server: Any) -> None:
    if server._waiters is not None:
        left = server._loop.create_future()
        server._waiters.append(left)
        await left


if sys.version_info < (3, 12, 1):
    asyncio.base_events.Server.wait_closed = _until_all_left  # type: ignore[method-assign]


WAITS_FOR_A_CHILD = ("asyncio-waitpid-", "waitpid-")
"""How CPython 3.11 calls the thread that waits for a process: the first in its later releases, the second in 3.11.2."""


def _open_of(loop: Any) -> list[str]:
    """What a loop reads, writes, waits for or has a transport of, beside the pipe that wakes it."""
    watched = [key for fd, key in loop._selector.get_map().items() if fd != loop._ssock.fileno()]
    sockets = [transport for transport in loop._transports.values() if transport._sock is not None]
    processes = [thread for thread in threading.enumerate() if thread.name.startswith(WAITS_FOR_A_CHILD)]
    return [repr(key.data) for key in watched] + [repr(one) for one in (*sockets, *processes)]


class Watch:
    """Runs one coroutine after another on a loop; fails the test for what each leaves behind."""

    def __init__(self, loop: asyncio.AbstractEventLoop, limit_s: float) -> None:
        self.loop = loop
        self.limit_s = limit_s
        self.patience_s = 20.0
        """How long the last word of another process or thread may be under way to a socket or pipe."""
        self.errors: list[str] = []
        loop.set_exception_handler(self._note)

    def _note(self, _loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.errors.append(f"{context['message']}: {error!r}" if error else str(context["message"]))

    def run(self, story: Coroutine[Any, Any, T]) -> T:
        """What the story returns; fails for a task it leaves or an error that nobody awaited."""
        result = self.loop.run_until_complete(self._within_limit(story))
        left = sorted(task.get_name() + " " + repr(task.get_coro()) for task in asyncio.all_tasks(self.loop))
        self._settle()
        errors, self.errors = self.errors, []
        assert not left, f"tasks left behind: {left}"
        assert not errors, f"errors nobody awaited: {errors}"
        return result

    async def _within_limit(self, story: Coroutine[Any, Any, T]) -> T:
        # pytest-timeout's alarm is not heard while the Qt loop sleeps in C++.
        async with asyncio.timeout(self.limit_s):
            return await story

    def _settle(self) -> None:
        left = asyncio.all_tasks(self.loop)
        for task in left:
            task.cancel()
        self.loop.run_until_complete(asyncio.gather(*left, return_exceptions=True) if left else asyncio.sleep(0))
        gc.collect()  # a failed task reports itself only when it is collected
        self.loop.run_until_complete(asyncio.sleep(0))

    def close(self) -> None:
        """Fails for a socket, pipe or process that stays: it would be found by the collector, in a later test."""
        self._settle()
        self.loop.run_until_complete(self.loop.shutdown_asyncgens())
        left = self.loop.run_until_complete(self._staying_open())
        assert not left, f"sockets, pipes or processes left: {left}"

    async def _staying_open(self) -> list[str]:
        deadline = time.monotonic() + self.patience_s
        while (found := _open_of(self.loop)) and time.monotonic() < deadline:
            await asyncio.sleep(0.005)
        return found
