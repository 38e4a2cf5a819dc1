"""Blocking calls on daemon threads of their own: one that hangs holds up neither the loop nor the program's end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from types import TracebackType
from typing import Final, Generic, TypeVar

T = TypeVar("T")


class _Carry(Generic[T]):
    """Runs the work and carries to the future whatever it returns or raises."""

    def __init__(self, work: Callable[[], T]) -> None:
        self._work: Final = work
        self.future: Final[Future[T]] = Future()

    def __call__(self) -> None:
        with self:
            self.future.set_result(self._work())

    def __enter__(self) -> None:
        pass

    def __exit__(
        self, _kind: type[BaseException] | None, error: BaseException | None, _trace: TracebackType | None
    ) -> bool:
        if error is not None:
            self.future.set_exception(error)
        return True


def in_daemon_thread(name: str, work: Callable[[], T]) -> Future[T]:
    """The result, some day, of work that has begun on a daemon thread of that name."""
    carry = _Carry(work)
    carry.future.set_running_or_notify_cancel()  # a cancelled waiter cannot cancel the work
    threading.Thread(target=carry, name=name, daemon=True).start()
    return carry.future
