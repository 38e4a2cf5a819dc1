"""The child's side of a pool: plays one job after another, tells how far it is, and ends with its parent.

Frames of a length and a pickle come on stdin and go to what was stdout when it began; what a strategy prints goes to
stderr. Nothing here knows the window, a token or the keyring.
"""

from __future__ import annotations

import faulthandler
import os
import pickle
import queue
import signal
import struct
import sys
import threading
import traceback
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Final

from alphapanda_desktop.authoring.load import MODULE
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.sweeps.job import TELLER

HEAD: Final = struct.Struct("<Q")
READY: Final = ("ready",)
"""The first answer: it has started, which must not count as a job's silence."""

LARGEST_FILE: Final = 1 << 30
"""Bytes of any file that a worker writes, what its strategies print among them."""

MOST_MEMORY: Final = 4 << 30
"""Bytes of its own that a worker may hold: a strategy that leaks ends with MemoryError, and not the machine."""

LESS_URGENT: Final = 5
"""Steps of niceness: a sweep takes what the feed and the window leave."""

_KILLED_WITH_PARENT: Final = 1
"""PR_SET_PDEATHSIG."""


def main(_arguments: Sequence[str] = ()) -> int:
    """Serve until stdin ends."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _guard()
    calls: queue.SimpleQueue[bytes] = queue.SimpleQueue()
    write(answers, READY)
    threading.Thread(target=_listen, args=(sys.stdin.buffer, calls), daemon=True).start()
    while True:
        _serve(calls.get(), answers)


def write(stream: IO[bytes], message: object) -> None:
    """One frame."""
    body = pickle.dumps(message, pickle.HIGHEST_PROTOCOL)
    stream.write(HEAD.pack(len(body)))
    stream.write(body)
    stream.flush()


def _guard() -> None:
    """Tell of crashes, give way to the window, fill neither disk nor memory, die with the parent even when stuck."""
    faulthandler.enable(all_threads=False)
    if hasattr(signal, "SIGUSR1"):
        faulthandler.register(signal.SIGUSR1, all_threads=False)  # the parent asks so where a job that hangs is stuck
    if hasattr(os, "nice"):
        os.nice(LESS_URGENT)
    try:
        import resource
    except ImportError:
        return
    limits = {
        resource.RLIMIT_CORE: 0,
        resource.RLIMIT_FSIZE: LARGEST_FILE,
        resource.RLIMIT_DATA: MOST_MEMORY,
    }
    for which, most in limits.items():
        hard = resource.getrlimit(which)[1]
        allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(which, (allowed, allowed))
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(_KILLED_WITH_PARENT, signal.SIGKILL)


def _listen(calls: IO[bytes], to: queue.SimpleQueue[bytes]) -> None:
    while True:
        head = calls.read(HEAD.size)
        if len(head) < HEAD.size:
            os._exit(0)  # the parent is gone, or wants no more: whatever runs is of no use to anybody
        to.put(calls.read(HEAD.unpack(head)[0]))


def _serve(call: bytes, answers: IO[bytes]) -> None:
    def told(done: int, total: int) -> bool:
        write(answers, ("told", done, total))
        return True

    try:
        function, arguments, named = pickle.loads(call)  # noqa: S301  from the program that started this one
        TELLER.set(told)
        write(answers, ("done", function(*arguments, **named)))
    except BaseException as error:  # whatever a strategy raises, SystemExit too, is the answer
        write(answers, ("failed", *_failure(error)))


def _failure(error: BaseException) -> tuple[str, str, str]:
    """Kind, words and stack of an error; one in a strategy file is told with its line."""
    stack = "".join(traceback.format_exception(error))[-8_000:]
    words = "".join(traceback.format_exception_only(error)).strip()[:2_000]
    own = [
        f"{Path(frame.f_code.co_filename).name}:{line}"
        for frame, line in traceback.walk_tb(error.__traceback__)
        if frame.f_globals.get("__name__") == MODULE
    ]
    if own and not isinstance(error, AlphaPandaError):
        return "StrategyError", f"{own[-1]}: {words}", stack
    kind = next(kind for kind in type(error).__mro__ if kind.__module__ in ("builtins", AlphaPandaError.__module__))
    return kind.__name__, str(error), stack
