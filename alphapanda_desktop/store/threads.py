"""Blocking calls on daemon threads of their own: one that hangs holds up neither the loop nor the program's end."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

T = TypeVar("T")


def in_daemon_thread(name: str, work: Callable[[], T]) -> Future[T]:
    """The result, some day, of work that has begun on a daemon thread of that name."""
    future: Future[T] = Future()
    future.set_running_or_notify_cancel()  # a cancelled waiter cannot cancel the work
    threading.Thread(target=_carry, args=(work, future), name=name, daemon=True).start()
    return future


def _carry(work: Callable[[], T], future: Future[T]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:  # whoever waits is on another thread: what is not carried there is lost here
        future.set_exception(error)
