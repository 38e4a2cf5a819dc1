"""A strategy's process as the program's loop sees it: three pipes, an end, and what it uses. It outlives nothing."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple, cast

from alphapanda_desktop.authoring.probe import FIND, KEPT, PATHS

CHILD: Final = f"{FIND}from alphapanda_desktop.hosting.child import main; main(sys.argv[1:])"
MAPPED: Final = 1 << 30
"""Address space that libraries take before the first line of a strategy, beside what it may use."""

NICE: Final = 5
"""How far its process steps back behind the program's own: the window, the feed and the kill switch come first."""

DUMP_WAIT_S: Final = 0.3
"""How long a hung process may take to tell where it is."""

SAID_A_SECOND: Final = 64 << 10
"""Bytes of printed text that are read in a second; who prints more waits."""

KEPT_SAID: Final = 8_000
LONGEST_DUMP: Final = 100_000
DUMP: Final = b"most recent call first"
"""What faulthandler writes above the lines of a stack."""


class Use(NamedTuple):
    """What a process uses: resident bytes, and seconds of processor time since it began."""

    memory: int
    cpu_s: float


class Process(asyncio.SubprocessProtocol):
    """One child. `hear` takes what comes on its protocol, `said` what it prints, `over` its exit code, once."""

    def __init__(self, hear: Callable[[bytes], None], said: Callable[[str], None], over: Callable[[int], None]) -> None:
        self._hear = hear
        self._said = said
        self._over = over
        self._transport: asyncio.SubprocessTransport | None = None
        self._gone = asyncio.Event()
        self._quiet = asyncio.Event()
        """Set when all that it printed was read."""
        self._printed = 0
        self._line = b""
        self._tail = b""
        self._spoke = asyncio.Event()
        self._unwanted = False
        self._held = self._hushed = False
        """Whether its protocol, or what it prints, is not read for now: Python 3.11.2's pipes do not tell."""
        self.ready = False
        """Whether it would print where it is, and not end, when it is asked."""
        self.dumping = False
        """Whether what it prints is where it hangs, and no line for the log."""

    @property
    def pid(self) -> int | None:
        return self._transport.get_pid() if self._transport is not None else None

    @property
    def tail(self) -> str:
        """The last that it printed."""
        return self._tail.decode("utf-8", "replace")

    async def start(self, memory: int, environment: Mapping[str, str]) -> None:
        """Start it in a session of its own, with nothing of this program's environment that could tell a secret."""
        env = {name: os.environ[name] for name in KEPT if name in os.environ}
        env |= {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"} | dict(environment)
        # From the loop's own thread: the child is to die with the thread that made it, and threads of a pool end early.
        await asyncio.get_running_loop().subprocess_exec(
            lambda: self, *command(memory), cwd=tempfile.gettempdir(), env=env, start_new_session=True
        )
        if self.pid is not None:
            step_back(self.pid)
        if self._unwanted:
            self.kill()

    def write(self, data: bytes) -> None:
        """Send bytes; nothing happens where it has ended."""
        if self._transport is not None and not self._gone.is_set():
            cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0)).write(data)

    @property
    def unread(self) -> int:
        """Bytes that it has not taken yet."""
        if self._transport is None or self._gone.is_set():
            return 0
        return cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0)).get_write_buffer_size()

    def hold(self) -> None:
        """Read nothing of its protocol for now: it waits as soon as the pipe is full."""
        pipe = self._protocol()
        if pipe is not None and not self._held:
            self._held = True
            pipe.pause_reading()

    def let_on(self) -> None:
        """Read its protocol again."""
        pipe = self._protocol()
        if pipe is not None and not pipe.is_closing() and self._held:
            self._held = False
            pipe.resume_reading()

    def _protocol(self) -> asyncio.ReadTransport | None:
        return None if self._transport is None else cast(asyncio.ReadTransport, self._transport.get_pipe_transport(1))

    def hang_up(self) -> None:
        """Close its pipe: it ends by itself when it next looks."""
        if self._transport is not None and not self._gone.is_set():
            cast(asyncio.WriteTransport, self._transport.get_pipe_transport(0)).close()

    def kill(self) -> None:
        """End it now, and what it may have started."""
        self._unwanted = True
        transport = self._transport
        if transport is not None and not self._gone.is_set() and not _kill_group(transport.get_pid()):
            transport.kill()

    async def gone(self, patience_s: float = 0.0) -> None:
        """When nothing of it is left; killed where it still lives after that time."""
        if self._transport is None:
            return
        with suppress(TimeoutError):
            async with asyncio.timeout(patience_s):
                await self._gone.wait()
        self.kill()
        await self._gone.wait()
        self._transport.close()

    async def where(self) -> str:
        """Let it print where it is, even in the middle of a call; what it printed."""
        if self._transport is None or not self.ready or not hasattr(signal, "SIGUSR1"):
            return ""
        self.dumping, self._tail = True, b""
        self._resume()  # what it prints beside it may fill the pipe
        with suppress(ProcessLookupError):
            os.kill(self._transport.get_pid(), signal.SIGUSR1)
        with suppress(TimeoutError):
            async with asyncio.timeout(DUMP_WAIT_S):
                while DUMP not in self._tail:
                    self._spoke.clear()
                    await self._spoke.wait()
                await asyncio.sleep(DUMP_WAIT_S / 6)
        return self.tail[self.tail.find(DUMP.decode()) :]

    async def last_words(self) -> str:
        """What it printed last, after its end."""
        with suppress(TimeoutError):
            async with asyncio.timeout(DUMP_WAIT_S):
                await self._quiet.wait()
        if self._transport is not None:
            self._transport.close()
        return self.tail

    def use(self) -> Use | None:
        """What it uses now; None where the system does not tell."""
        return use_of(self.pid) if self.pid is not None and not self._gone.is_set() else None

    # -- from the loop ---------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        if fd == 1:
            self._hear(data)
        else:
            self._print(data)

    def _print(self, data: bytes) -> None:
        self._spoke.set()
        if self.dumping:
            self._tail = (
                (self._tail + data)[:LONGEST_DUMP] if DUMP in self._tail else (self._tail + data)[-LONGEST_DUMP:]
            )
            return
        self._tail = (self._tail + data)[-KEPT_SAID:]
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[-KEPT_SAID:]
        self._printed += len(data)
        if self._printed > SAID_A_SECOND:
            self._pause()
        for line in lines:
            self._said(line.decode("utf-8", "replace"))

    def _pause(self) -> None:
        pipe = cast(asyncio.ReadTransport, cast(asyncio.SubprocessTransport, self._transport).get_pipe_transport(2))
        if not self._hushed:
            self._hushed = True
            pipe.pause_reading()
            asyncio.get_running_loop().call_later(1.0, self._resume)

    def _resume(self) -> None:
        self._printed, self._hushed = 0, False
        pipe = cast(asyncio.SubprocessTransport, self._transport).get_pipe_transport(2)
        if pipe is not None and not pipe.is_closing():
            cast(asyncio.ReadTransport, pipe).resume_reading()

    def pipe_connection_lost(self, fd: int, exc: Exception | None) -> None:
        if fd == 2:
            self._quiet.set()

    def process_exited(self) -> None:
        transport = cast(asyncio.SubprocessTransport, self._transport)
        _kill_group(transport.get_pid())  # what it started itself, and what would hold its pipes open
        self._gone.set()
        if self._unwanted:
            transport.close()
        self._over(transport.get_returncode() or 0)


def command(memory: int) -> list[str]:
    """How the child is started; a packaged program starts itself."""
    rest = [f"--memory={memory + MAPPED}", f"--parent={os.getpid()}"]
    if getattr(sys, "frozen", False):
        return [sys.executable, "host-strategy", *rest]
    return [sys.executable, "-I", "-B", "-X", "utf8", "-c", CHILD, PATHS, *rest]


def step_back(pid: int) -> None:
    """Let the program have the processor first where both want it; where the system knows of such a thing."""
    if hasattr(os, "setpriority"):
        with suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + NICE)
        with suppress(OSError):  # Linux may share the processor among sessions first
            Path(f"/proc/{pid}/autogroup").write_text(str(NICE), encoding="ascii")


def _kill_group(pid: int) -> bool:
    """Kill a process and what it started; whether this system has groups.

    Not with `Popen.kill`: it looks first whether the process is over, and so takes its exit code from the loop.
    """
    if not hasattr(os, "killpg"):
        return False
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)
    return True


def use_of(pid: int) -> Use | None:
    """What a process uses, as Linux tells it."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
        after_name = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except (OSError, ValueError, IndexError):
        return None
    ticks = int(after_name[11]) + int(after_name[12])
    return Use(pages * os.sysconf("SC_PAGE_SIZE"), ticks / os.sysconf("SC_CLK_TCK"))
