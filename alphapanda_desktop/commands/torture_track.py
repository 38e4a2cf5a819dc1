"""A track: one exchange process, the line before it, and the desk processes that are sent over it one by one."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from multiprocessing import get_all_start_methods, get_context
from multiprocessing.context import BaseContext
from pathlib import Path
from typing import Any, Final

import aiohttp

from alphapanda_desktop.commands import torture_desk
from alphapanda_desktop.commands.torture_clock import until
from alphapanda_desktop.commands.torture_desk import DATABASE, TOLD, Errand
from alphapanda_desktop.commands.torture_judge import Verdict, judge, judge_kill, truth_of, written_in
from alphapanda_desktop.commands.torture_line import Heard, Line, a_line
from alphapanda_desktop.commands.torture_points import KILLS, Point
from alphapanda_desktop.practice import command
from alphapanda_desktop.store.database import Database, make_private
from alphapanda_desktop.trading.scope import Scope

LONGEST_S: Final = 60.0
"""How long a desk process may live, by the wall."""

SIM: Final = ("sim", "--port", "0", "--parent", "--switch", "rate_limits=off", "--count", "80")


@dataclass(slots=True)
class Result:
    """One point, what became of it, and how to read it."""

    point: Point
    verdict: Verdict
    struck: bool
    story: list[Any] = field(default_factory=list)
    heard: list[Heard] = field(default_factory=list)


def start_method() -> BaseContext:
    """Processes that begin with everything imported where the system can fork, fresh ones elsewhere."""
    if "forkserver" not in get_all_start_methods():
        return get_context("spawn")
    context = get_context("forkserver")
    context.set_forkserver_preload([torture_desk.__name__, "kiteconnect", "alembic.command"])
    return context


_NOTHING: Final[dict[str, Any]] = {
    "orders": [], "fills": [], "positions": [], "latched_ns": 0, "asked_ns": {},
    "halted": False, "reports": [],
}  # fmt: skip
"""What a desk that says nothing believes."""


class Track:
    """Runs points, one after another."""

    def __init__(
        self, said: dict[str, str], rest: str, line: Line, http: aiohttp.ClientSession, folder: Path,
        processes: BaseContext,
    ) -> None:  # fmt: skip
        self._said, self._rest, self._line, self._http = said, rest, line, http
        self._folder, self._processes = folder, processes
        self._clock = datetime.fromisoformat(said["at"])

    async def run(self, point: Point) -> Result:
        """Play one point on a fresh account and a fresh journal, and judge it."""
        folder = self._folder / f"point-{point.number}"
        folder.mkdir()
        shutil.copyfile(self._folder / DATABASE, folder / DATABASE)
        await self._tell("reset", seed=point.number)
        told = await self._play(point, folder)
        verdict = await self._judged(folder, told)
        result = Result(point, verdict, self._line.struck, told.get("story", []), list(self._line.heard))
        shutil.rmtree(folder)
        return result

    async def _play(self, point: Point, folder: Path) -> dict[str, Any]:
        """The last words of the last desk process of a point, with the story and the errors of all."""
        said = [await self._process(point, folder, play=True)]
        if "orders" not in said[0] or point.restart:
            said.append(await self._process(point, folder, play=False))
        lists = {name: [row for told in said for row in told[name]] for name in ("errors", "story")}
        return _NOTHING | said[0] | said[-1] | lists

    async def _process(self, point: Point, folder: Path, *, play: bool) -> dict[str, Any]:
        at = datetime.fromisoformat((await self._asked("clock"))["now"])
        said = self._said | await self._tell("login")
        errand = Errand(folder=folder, said=said, rest=self._rest, at=at, point=point, play=play)
        child = self._processes.Process(target=torture_desk.run, args=(errand,), daemon=True)  # type: ignore[attr-defined]
        if play:
            self._line.begin(point.fault, f"{point.seed} {point.number}", child.kill)
        else:
            self._line.mend()
        child.start()
        deadline = time.monotonic() + LONGEST_S
        await until(lambda: child.exitcode is not None or time.monotonic() > deadline, 0.005)
        child.kill()
        child.join()
        await until(lambda: self._line.idle, 0.01)
        path = folder / TOLD
        if path.exists():
            told: dict[str, Any] = json.loads(path.read_text())
            path.unlink()
            return told
        meant = play and child.exitcode == -signal.SIGKILL and point.fault.trouble in KILLS
        return {"errors": [] if meant else [f"the process ended with {child.exitcode} and without a word"], "story": []}

    async def _judged(self, folder: Path, told: Mapping[str, Any]) -> Verdict:
        said = await self._truth()
        written = await written_in(folder / DATABASE, self._clock)
        truth = truth_of(said)
        verdict = judge(truth, written, told)
        verdict.lost.extend(judge_kill(truth, written, told, self._line.heard))
        return verdict

    async def _truth(self) -> Mapping[str, Any]:
        while True:
            said = await self._asked("truth")
            if not said["unsettled"]:
                return said
            await asyncio.sleep(0.01)

    async def _tell(self, control: str, **form: object) -> dict[str, str]:
        async with self._http.post(f"/sim/{control}", json=form) as reply:
            reply.raise_for_status()
            said: dict[str, str] = await reply.json()
            return said

    async def _asked(self, control: str) -> Mapping[str, Any]:
        async with self._http.get(f"/sim/{control}") as reply:
            reply.raise_for_status()
            answer: Mapping[str, Any] = await reply.json()
            return answer


@asynccontextmanager
async def a_track(folder: Path, seed: int, scope: Scope) -> AsyncIterator[Track]:
    """A track with its own exchange, which ends with it."""
    make_private(folder / DATABASE)
    database = Database(folder / DATABASE)
    await database.open()
    await database.close()
    async with (
        _an_exchange(seed) as said,
        aiohttp.ClientSession(said["rest"]) as http,
        a_line(said["rest"], scope) as (line, rest),
    ):
        async with http.post("/sim/clock", json={"now": said["at"]}) as reply:
            reply.raise_for_status()
        yield Track(said, rest, line, http, folder, start_method())


@asynccontextmanager
async def _an_exchange(seed: int) -> AsyncIterator[dict[str, str]]:
    """What an exchange in its own process says of itself, and `at`, the last noon in India: no midnight is near."""
    process = await asyncio.create_subprocess_exec(
        *command(*SIM, "--seed", str(seed)), stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    try:
        line = await process.stdout.readline() if process.stdout else b""
        said: dict[str, str] = json.loads(line)
        now = datetime.now(UTC)
        noon = now.replace(hour=6, minute=30, second=0, microsecond=0)
        said["at"] = (noon if noon <= now else noon - timedelta(days=1)).isoformat()
        yield said
    finally:
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
