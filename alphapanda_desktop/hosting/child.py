"""The process of one strategy: reads what happens from a pipe, calls the hook, says what came of it. One thread.

It imports domain, authoring and strategies only: no loop, no Qt, no network, no token. Its protocol has descriptors of
its own, so that what the author prints reaches the run's log and never the protocol. It dies with the program.
"""

from __future__ import annotations

import argparse
import ctypes
import faulthandler
import gc
import json
import math
import os
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, BinaryIO, Final, Never, cast

from pydantic import ValidationError

from alphapanda_desktop.authoring.load import execute, imported, told_of
from alphapanda_desktop.domain.barbuilder import Hours
from alphapanda_desktop.domain.market import Bar, period_of
from alphapanda_desktop.domain.misfits import misfits_of
from alphapanda_desktop.domain.orders import Product
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.hosting.childcontext import ChildContext
from alphapanda_desktop.hosting.papers import instrument_of, order_of
from alphapanda_desktop.hosting.wire import HEAD, LARGEST_BODY, LARGEST_HEADER, MAGIC, Garbled, packed, tick_of

HOOKS: Final = ("on_start", "on_bar", "on_tick", "on_order", "on_timer", "on_stop")
REFUSED: Final = ("os.fork", "os.forkpty", "os.posix_spawn", "os.exec", "os.system", "subprocess.Popen", "pty.spawn")
"""What starts another process, by the names of Python's audit events."""

PR_SET_PDEATHSIG: Final = 1


class Ended(BaseException):
    """The program wants nothing more of this process."""


class Wire:
    """Frames from and to the program; everything blocks."""

    def __init__(self, source: BinaryIO, sink: int) -> None:
        self._source = source
        self._sink = sink

    def hear(self) -> tuple[dict[str, Any], bytes]:
        """The next message. Raises Ended when the program has closed the pipe, or is gone."""
        magic, header, body = HEAD.unpack(self._exactly(HEAD.size))
        if magic != MAGIC or header > LARGEST_HEADER or body > LARGEST_BODY:
            raise Garbled("the program's pipe carries something else")
        told: dict[str, Any] = json.loads(self._exactly(header))
        return told, self._exactly(body)

    def _exactly(self, count: int) -> bytes:
        data = self._source.read(count) if count else b""
        if len(data) != count:
            raise Ended
        return data

    def say(self, **header: Any) -> None:
        """Send a message."""
        left = memoryview(packed(header))
        while left:
            left = left[os.write(self._sink, left) :]


class Child:
    """One strategy and the calls that it is given."""

    def __init__(self, wire: Wire) -> None:
        self._wire = wire
        self._strategy: Strategy | None = None
        self._kind: type[Strategy] = Strategy
        self._context: ChildContext | None = None
        self._calls = 0

    def run(self) -> None:
        """Do what is told until the pipe ends."""
        with suppress(Ended):
            while True:
                told, body = self._wire.hear()
                self._do(told, body)

    # -- the pipe, for the context ---------------------------------------------------------------------------

    def say(self, **header: Any) -> None:
        """Send a message."""
        self._wire.say(**header)

    def ask(self, what: str, i: int | None, args: Mapping[str, Any]) -> Any:
        """Wish for something and wait for its answer; nothing else can come meanwhile."""
        self.say(say="wish", what=what, i=i, **args)
        told, body = self._wire.hear()
        if self._context is not None:
            self._context.take(told, body)
        if told.get("error"):
            raise ValueError(told["error"])
        return told.get("value")

    # -- calls -----------------------------------------------------------------------------------------------

    def _do(self, told: dict[str, Any], body: bytes) -> None:
        number, hook = told["n"], told["do"]
        began = time.perf_counter()
        try:
            more = self._called(hook, told, body)
        except BaseException as error:  # whatever the author's code raises, SystemExit too, is the answer
            if isinstance(error, Ended):
                raise
            took = time.perf_counter() - began
            self.say(say="failed", n=number, took_s=took, why=f"{hook} failed at {self._where(error)}: {words(error)}")
        else:
            self.say(say="done", n=number, took_s=time.perf_counter() - began, threads=left_running(), **more)

    def _called(self, hook: str, told: dict[str, Any], body: bytes) -> dict[str, Any]:
        if hook == "build":
            return self._build(told, body)
        if hook == "judge":
            problems = told_of(self._kind, told["params"]).problems
            return {"problems": [f"{one.right}: {one.text}" if one.right else one.text for one in problems]}
        context, strategy = self._context, self._strategy
        assert context is not None and strategy is not None
        if hook == "change":
            strategy.params = self._kind.Params.model_validate(told["params"])
            return {"lookback": bars_of(strategy)}
        split = len(body) - told.get("own", 0)
        context.take(told, body[:split])
        context.begin()
        try:
            self._hook(hook, context, strategy, told, body[split:])
        finally:
            context.end()
        return {}

    def _hook(self, hook: str, context: ChildContext, strategy: Strategy, told: Mapping[str, Any], own: bytes) -> None:
        if hook == "on_bar":
            instrument = context.instruments[told["i"]]
            if context.count(instrument) >= strategy.lookback:
                strategy.on_bar(context, instrument, Bar._make(told["bar"]))
        elif hook == "on_tick":
            strategy.on_tick(context, context.instruments[told["i"]], tick_of(own))
        elif hook == "on_order":
            strategy.on_order(context, order_of(told["order"]))
        elif hook == "on_timer":
            strategy.on_timer(context, told["name"])
        elif hook in ("on_start", "on_stop"):
            getattr(strategy, hook)(context)
        else:
            raise Garbled(f"no hook {hook!r}")

    def _build(self, told: Mapping[str, Any], body: bytes) -> dict[str, Any]:
        self._kind = kind = self._found(told, body)
        params = kind.Params.model_validate(told["params"])
        instruments = [instrument_of(row) for row in told["instruments"]]
        hours = [None if row is None else Hours(row[0], has_derivatives=row[1]) for row in told["hours"]]
        self._context = ChildContext(self, instruments, period_of(told["interval"]), cast(Product, told["product"]),
            told["units"], hours)  # fmt: skip
        self._strategy = kind(params)
        gc.freeze()
        hears = [hook for hook in HOOKS if getattr(kind, hook) is not getattr(Strategy, hook)]
        return {"hears": hears, "lookback": bars_of(self._strategy)}

    @staticmethod
    def _found(told: Mapping[str, Any], body: bytes) -> type[Strategy]:
        if told["shipped"]:
            from alphapanda_desktop.strategies import SHIPPED

            return SHIPPED[told["shipped"]]
        return imported(told["entry"], told["sha256"]) if told["entry"] else execute(told["path"], body)

    def _where(self, error: BaseException) -> str:
        """File and line in the author's own code, else the innermost one."""
        theirs = {getattr(sys.modules.get(kind.__module__), "__file__", None) for kind in self._kind.__mro__[:-1]}
        theirs |= {getattr(sys.modules.get("alphapanda_user_strategy"), "__file__", None)}
        frames = traceback.extract_tb(error.__traceback__)
        base = sys.modules[Strategy.__module__].__file__
        own = [frame for frame in frames if frame.filename in theirs and frame.filename != base]
        last = own[-1] if own else frames[-1]
        return f"{Path(last.filename).name} line {last.lineno}"


def bars_of(strategy: Strategy) -> int:
    """How many closed bars it needs before it is asked to decide."""
    return max(0, math.ceil(strategy.lookback))


def words(error: BaseException) -> str:
    """What an error says; even one that cannot be shown."""
    if isinstance(error, ValidationError):
        return "; ".join(map(str, misfits_of(error)))[:3_000]
    return "".join(traceback.format_exception_only(error)).strip()[:3_000]


def left_running() -> list[str]:
    """Names of threads that a call has left behind."""
    if threading.active_count() == 1:
        return []
    return [thread.name[:200] for thread in threading.enumerate() if thread is not threading.main_thread()][:50]


# -- the process -------------------------------------------------------------------------------------------------------


def limit(memory: int) -> None:
    """Allow this process no more address space than that, and no core file; where the system knows such limits."""
    try:
        import resource
    except ImportError:
        return  # Windows: the program watches what it uses
    for name, most in (("RLIMIT_AS", memory), ("RLIMIT_CORE", 0)):
        which = getattr(resource, name, None)
        if which is not None:
            hard = resource.getrlimit(which)[1]
            allowed = most if hard == resource.RLIM_INFINITY else min(most, hard)
            resource.setrlimit(which, (allowed, allowed))


def die_with(parent: int) -> None:
    """End when the program ends, in whatever way; on Linux even in the middle of a call."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(0)


def refuse(event: str, _arguments: object) -> None:
    """An audit hook: a strategy starts no process."""
    if event in REFUSED:
        raise RuntimeError(f"a strategy starts no other process ({event})")


def own_descriptors() -> Wire:
    """The protocol on descriptors of its own; what was stdin is empty, and what is printed goes to stderr."""
    source, sink = os.fdopen(os.dup(0), "rb"), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    os.dup2(2, 1)
    for stream in (sys.stdout, sys.stderr):
        with suppress(AttributeError, ValueError):
            cast(Any, stream).reconfigure(line_buffering=True, encoding="utf-8", errors="replace")
    return Wire(source, sink)


def main(arguments: Sequence[str]) -> Never:
    """Live as one strategy's process until the pipe ends."""
    parser = argparse.ArgumentParser(prog="host-strategy", description="Run one strategy, told through a pipe.")
    parser.add_argument("--memory", type=int, required=True)
    parser.add_argument("--parent", type=int, required=True)
    given = parser.parse_args(arguments)
    die_with(given.parent)
    wire = own_descriptors()
    faulthandler.enable(file=2, all_threads=False)
    dump: Callable[..., None] | None = getattr(faulthandler, "register", None)
    if dump is not None:
        dump(signal.SIGUSR1, file=2, all_threads=True)
    limit(given.memory)
    sys.addaudithook(refuse)
    wire.say(say="ready")
    try:
        Child(wire).run()
    except (OSError, Garbled):
        os._exit(3)
    os._exit(0)  # threads and exit handlers of the author's are not waited for
