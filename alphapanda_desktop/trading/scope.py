"""Named child tasks that end with their owner, and whose failures are reported: the only place that spawns tasks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from types import TracebackType
from typing import Any, Self

OnError = Callable[[str, BaseException], None]


class Scope:
    """Owner of child tasks. Leaving it cancels them and waits until they are gone.

    A child that fails is reported through `on_error` with its name, and its siblings live on.
    """

    def __init__(self, name: str, on_error: OnError) -> None:
        self.name = name
        self._on_error = on_error
        self._tasks: set[asyncio.Task[Any]] = set()
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether it is over: nothing can be spawned any more."""
        return self._closed

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a child task; raises RuntimeError once the scope is closed (the coroutine is then closed too)."""
        if self._closed:
            work.close()
            raise RuntimeError(f"scope {self.name!r} is closed: {name!r} cannot start")
        task = asyncio.get_running_loop().create_task(work, name=f"{self.name}/{name}")
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def call(self, name: str, work: Callable[..., object], *args: object) -> BaseException | None:
        """Call code that is not ours; its failure is reported like a child's and returned.

        An exit or a cancellation that it raises is a failure too: neither the program nor the caller's task is its.
        """
        try:
            work(*args)
        except (Exception, SystemExit, GeneratorExit, asyncio.CancelledError) as error:
            self._on_error(f"{self.name}/{name}", error)
            return error
        return None

    async def attempt(self, name: str, work: Coroutine[Any, Any, Any]) -> bool:
        """Await work as a child whose failure is reported and not raised; whether it succeeded."""
        task = self.spawn(name, work)
        try:
            await asyncio.wait({task})
        finally:
            task.cancel()
        return not task.cancelled() and task.exception() is None

    def names(self) -> list[str]:
        """Names of the children that are running."""
        return sorted(task.get_name() for task in self._tasks)

    def _done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()
        if error is not None:
            self._on_error(task.get_name(), error)

    async def close(self) -> None:
        """Cancel the children and wait for them; nothing can be spawned afterwards."""
        self._closed = True
        tasks = [task for task in self._tasks if task is not asyncio.current_task()]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.gather(*tasks, return_exceptions=True)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
