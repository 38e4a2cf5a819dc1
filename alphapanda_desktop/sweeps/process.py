"""One worker process, as its parent sees it."""

from __future__ import annotations

import builtins
import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, Final, cast

from alphapanda_desktop.authoring.probe import FIND, KEPT, PATHS, ROOT
from alphapanda_desktop.domain import errors
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.strategies.models import FOLDER
from alphapanda_desktop.sweeps.narrow import TROUBLE, value_of
from alphapanda_desktop.sweeps.worker import HEAD, READY

LARGEST_ANSWER: Final = 1 << 30
LAST_WORDS_S: Final = 0.5
"""How long a worker that hangs gets to write where it is stuck."""

CHILD: Final = f"{FIND}from alphapanda_desktop.sweeps.worker import main; main()"
SEEN: Final = (*KEPT, FOLDER)
"""What a worker sees of the environment: no secret, and the folder of models that a person allowed."""

_PLACE: Final = re.compile(r'File "([^"]+)", line (\d+) in (\S+)')


class Died(AlphaPandaError):
    """The worker process ended before the job did; the message says how, and its last words."""


class Hung(Died):
    """The job told nothing for too long, and its worker was killed; the message says where it was stuck."""


class Failed(Exception):
    """The call raised in the worker; `error` is to be raised here."""

    def __init__(self, error: Exception) -> None:
        super().__init__(str(error))
        self.error = error


class Worker:
    """A child that carries out one call at a time. One thread asks; any thread may end it.

    Making one waits until it has started; raises Died where it does not.
    """

    def __init__(self) -> None:
        self._said: IO[bytes] = tempfile.TemporaryFile("a+b")  # noqa: SIM115  # as long as the worker
        try:
            self._process = _start(self._said)
        except Died:
            self._said.close()
            raise
        self._guard = threading.Lock()
        self._gave_up_s = 0.0
        self._code: int | None = None
        self.value: Any = None
        """What the last call returned."""
        self._wait_until_ready()

    @property
    def pid(self) -> int:
        return self._process.pid

    def ask(self, call: bytes) -> None:
        """Send a call. Raises Died."""
        self._said.truncate(0)
        stream = cast(IO[bytes], self._process.stdin)
        try:
            stream.write(HEAD.pack(len(call)) + call)
            stream.flush()
        except (OSError, ValueError):
            raise self._died() from None

    def answer(self) -> tuple[int, int] | None:
        """Wait for the next word: how far it is, or None when `value` is there. Raises Failed or Died."""
        match self._message():
            case ("told", int(done), int(total)):
                return done, total
            case ("done", value):
                self.value = value
                return None
            case ("failed", str(kind), str(words), str(stack)):
                raise Failed(_error(kind, words, stack))
        raise Died("the worker answered what is no answer; it was ended")

    def give_up(self, after_s: float) -> None:
        """Kill a worker that hangs, after it wrote where."""
        self._gave_up_s = after_s
        with self._guard:
            if self._code is None and hasattr(signal, "SIGUSR1"):
                os.kill(self._process.pid, signal.SIGUSR1)
        time.sleep(LAST_WORDS_S)
        self.kill()

    def kill(self) -> None:
        """Kill it and what it started, without waiting: whoever reads from it then finds it dead. By any thread."""
        with self._guard:
            if self._code is not None:
                return  # its number may be another process's by now
            if hasattr(os, "killpg"):
                with suppress(ProcessLookupError, PermissionError):
                    os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()

    def end(self) -> None:
        """Kill it, wait until it is gone, and let go of it; nothing of it stays behind. By the thread that asks."""
        self.kill()
        with self._guard:
            self._code = self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._said):
            if stream is not None:
                with suppress(OSError):  # what was still to be written to a dead one
                    stream.close()

    def _wait_until_ready(self) -> None:
        try:
            if self._message() != READY:
                raise Died("the worker did not start as one")
        except Died:
            self.end()
            raise

    def _message(self) -> object:
        length = HEAD.unpack(self._read(HEAD.size))[0]
        if length > LARGEST_ANSWER:
            raise Died(f"the worker announced an answer of {length:,} bytes, {LARGEST_ANSWER:,} allowed; it was ended")
        body = self._read(length)
        try:
            return value_of(body)
        except TROUBLE as error:
            raise Died(f"the worker answered what cannot be read ({error}); it was ended") from None

    def _read(self, count: int) -> bytes:
        body = cast(IO[bytes], self._process.stdout).read(count)
        if len(body) < count:
            raise self._died()
        return body

    def _died(self) -> Died:
        self.kill()
        with self._guard:
            self._code = self._process.wait()
        words = self._last_words()
        if self._gave_up_s:
            place = _place_in(words)
            return Hung(
                f"it told nothing for {self._gave_up_s:g} s and was ended{', stuck in ' + place if place else ''}"
            )
        last = words.strip().splitlines()[-1:] if words else []
        place = _place_in(words)
        tail = f", in {place}" if place else f": {last[0][:300]}" if last else ""
        return Died(f"its worker process ended with {_name(self._code)}{tail}")

    def _last_words(self) -> str:
        end = self._said.seek(0, os.SEEK_END)
        self._said.seek(max(0, end - 8_000))
        return self._said.read().decode("utf-8", "replace")


def _start(said: IO[bytes]) -> subprocess.Popen[bytes]:
    env = {name: os.environ[name] for name in SEEN if name in os.environ} | {"OPENBLAS_NUM_THREADS": "1"}
    own = getattr(sys, "frozen", False)
    words = ["sweep-worker"] if own else ["-I", "-B", "-X", "utf8", "-c", CHILD, PATHS]
    pipe = subprocess.PIPE
    try:
        return subprocess.Popen(
            [sys.executable, *words], stdin=pipe, stdout=pipe, stderr=said, env=env, start_new_session=True
        )
    except OSError as error:
        raise Died(f"no worker process could be started: {error}") from None


def _place_in(words: str) -> str:
    """Where a stack that faulthandler wrote says that it was: the strategy's own line, else the innermost."""
    found = _PLACE.findall(words)
    own = [place for place in found if not place[0].startswith((ROOT, sys.prefix, sys.base_prefix, "<"))]
    if not found:
        return ""
    path, line, function = (own or found)[0]
    return f"{function}, {Path(path).name} line {line}"


def _error(kind: str, words: str, stack: str) -> Exception:
    """The error as it was where it is one of ours or Python's own, with the stack it had there."""
    known = getattr(errors, kind, None) or getattr(builtins, kind, None)
    made: Exception = AlphaPandaError(f"{kind}: {words}")
    if isinstance(known, type) and issubclass(known, Exception):
        with suppress(TypeError):  # kinds that take more than words
            made = known(words)
    made.add_note(stack)
    return made


def _name(code: int | None) -> str:
    if code is None:
        return "no exit code"
    try:
        return signal.Signals(-code).name if code < 0 else f"exit code {code}"
    except ValueError:
        return f"signal {-code}"
