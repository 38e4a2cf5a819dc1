"""One life of the program, seen from outside: asked and told over a socket, weighed, listened to, and killed."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any, NamedTuple

from tests.soak.soak_stage import Stage

ROOT = Path(__file__).parents[2]
WEIGH_S = 5.0


class Gone(Exception):
    """The program ended, or does not answer."""


class Saw(NamedTuple):
    """Words that came to stand on the screen; `at_s` on the clock that only runs forward."""

    at_s: float
    where: str
    text: str


@dataclass
class Weight:
    """Resident memory of one life every five seconds: when, and MB of the program."""

    samples: list[tuple[float, float]] = field(default_factory=list)
    marks_s: list[float] = field(default_factory=list)
    """When something took memory once: the start, a login page."""

    def stretches(self, warm_up_s: float) -> list[list[tuple[float, float]]]:
        """The samples between two such moments, without the first `warm_up_s` of each."""
        ends = [*self.marks_s[1:], float("inf")]
        return [
            [(t, mb) for t, mb in self.samples if began + warm_up_s < t < end and mb]
            for began, end in zip(self.marks_s, ends, strict=True)
        ]


def resident_mb(pid: int) -> float:
    """What a process has in memory; 0 where it is gone."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def children_of(pid: int) -> list[int]:
    """All processes below one, as they are now."""
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError, ValueError):
            fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, wave = [], [pid]
    while wave:
        wave = [child for parent in wave for child in parents.get(parent, [])]
        found += wave
    return found


def lives(pid: int) -> bool:
    """Whether a process is there and no mere entry that nobody has waited for."""
    try:
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] != "Z"
    except (OSError, IndexError):
        return False


def command_of(pid: int) -> str:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


class Actor:
    """Starts the program on the stage's data folder; `words` is all that was read on its screen."""

    def __init__(self, stage: Stage, line_port: int, upstream: Path, out: Path, number: int) -> None:
        self._stage, self._line_port, self._upstream, self._out = stage, line_port, upstream, out
        self.number = number
        self.words: list[Saw] = []
        self.weight = Weight()
        self.began_s = time.monotonic()
        self._process: asyncio.subprocess.Process | None = None
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._connected = asyncio.Event()
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._ids = count(1)
        self._weighing: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def code(self) -> int | None:
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        """Spawn it; it speaks once its window is there."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        port = self._server.sockets[0].getsockname()[1]
        with self._out.open("ab") as out:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "tests.soak.incarnation", str(self._stage.data), str(port),
                str(self._line_port), str(self._upstream),
                stdin=asyncio.subprocess.DEVNULL, stdout=out, stderr=out, cwd=ROOT,
                env=self._stage.environment,
            )  # fmt: skip
        self._weighing = asyncio.create_task(self._weigh())

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._connected.set()
        with suppress(OSError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                self._hear(json.loads(line))
        for answer in self._answers.values():
            if not answer.done():
                answer.set_exception(Gone("the program ended while it was asked"))
        writer.close()

    def _hear(self, said: dict[str, Any]) -> None:
        if "saw" in said:
            self.words.append(Saw(time.monotonic(), said["where"], said["saw"]))
            return
        answer = self._answers.pop(said["id"], None)
        if answer is not None and not answer.done():
            if "error" in said:
                answer.set_exception(Gone(said["error"]))
            else:
                answer.set_result(said["answer"])

    async def ask(self, what: str, limit_s: float = 30.0, **given: Any) -> Any:
        """What the hands answer. Raises Gone where they could not, or nobody answers in time."""
        if not self.alive:
            raise Gone(f"{what}: the program is not there")
        number = next(self._ids)
        answer = self._answers[number] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(limit_s):
                await self._connected.wait()
                assert self._writer is not None
                self._writer.write(json.dumps({"do": what, "id": number, "with": given}).encode() + b"\n")
                return await answer
        except (TimeoutError, OSError) as error:
            raise Gone(f"{what}: {type(error).__name__} within {limit_s:g} s") from error
        finally:
            self._answers.pop(number, None)

    async def state(self) -> dict[str, Any]:
        return dict(await self.ask("state", 15))

    async def until(self, look: Callable[[dict[str, Any]], object], limit_s: float) -> dict[str, Any]:
        """The first state of which that is true. Raises Gone with the last one."""
        deadline, last = time.monotonic() + limit_s, {}
        while time.monotonic() < deadline and self.alive:
            with suppress(Gone):
                last = await self.state()
                if look(last):
                    return last
            await asyncio.sleep(0.3)
        raise Gone(f"not within {limit_s:g} s: {last}" if self.alive else f"it ended by itself with code {self.code}")

    def read_since(self, at_s: float) -> list[Saw]:
        return [saw for saw in self.words if saw.at_s >= at_s]

    async def _weigh(self) -> None:
        while self.alive:
            self.weight.samples.append((time.monotonic(), resident_mb(self.pid)))
            await asyncio.sleep(WEIGH_S)

    async def kill(self) -> list[int]:
        """SIGKILL, to the program alone; those of its children that are there ten seconds later."""
        assert self._process is not None
        below = children_of(self.pid)
        with suppress(ProcessLookupError):
            self._process.send_signal(signal.SIGKILL)
        await self._over()
        deadline = time.monotonic() + 10
        while (left := [pid for pid in below if lives(pid)]) and time.monotonic() < deadline:
            await asyncio.sleep(0.1)
        return left

    async def close(self) -> int | None:
        """Close its window as a person does; its exit code."""
        with suppress(Gone):
            await self.ask("close", 10)
        try:
            assert self._process is not None
            await asyncio.wait_for(self._process.wait(), 40)
        except TimeoutError:
            await self.kill()
            return None
        await self._over()
        return self.code

    async def _over(self) -> None:
        assert self._process is not None
        await self._process.wait()
        if self._weighing is not None:
            self._weighing.cancel()
        if self._server is not None:
            self._server.close()
        if self._writer is not None:
            self._writer.close()
