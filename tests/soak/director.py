"""Runs a soak: keeps a life of the program going, has it traded with, strikes it with faults, and has it judged."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import aiohttp

from tests.soak import referee
from tests.soak.actor import Actor, Gone, Saw, children_of, command_of
from tests.soak.line import Line
from tests.soak.soak_stage import Stage

TRADER = "soak_trader"
ON = ["NSE:SBIN", "NSE:TCS", "NSE:RELIANCE"]
START_S = 240.0
AND = " & "
"""Between words that must all be read."""
JUDGED_WITHIN_S = 45.0


@dataclass
class Result:
    """One fault: what was read on the screen, how long it lasted, how long until all was well, what was wrong."""

    fault: str
    at_s: float
    words: str = ""
    named_after_s: float | None = None
    recovered_after_s: float | None = None
    checks: str = ""
    wrong: list[str] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return not self.wrong


def well(state: dict[str, Any], *, trades: bool = True) -> bool:
    """Whether everything is as on a good day; with `trades` that the strategy runs as well."""
    return bool(
        not state["problem"]
        and state["gate"] == "OPEN" and state["desk"] == "READY" and state["link"] == "UP" and state["panels"]
        and not (state["login"] or state["frozen"] or state["red"])
        and state["ticks_s"] > 1
        and (not trades or trader_of(state) is not None)
    )  # fmt: skip


def trader_of(state: dict[str, Any]) -> dict[str, Any] | None:
    """The run of the trader that goes on, if one does."""
    return next((run for run in state["runs"] if run["name"] == TRADER and run["state"] == "running"), None)


class Director:
    """One soak. `say` prints a line of its log."""

    def __init__(self, stage: Stage, pace_s: int, say: Callable[[str], None]) -> None:
        self.stage, self.pace_s, self.say = stage, pace_s, say
        self.upstream = stage.scratch / "upstream"
        self.line = Line(self.upstream)
        self.truth = referee.Truth()
        self.clicks = 0
        self.orders_at: list[tuple[float, int]] = []
        """How many orders the exchange had taken by when."""
        self.lives: list[Actor] = []
        self.results: list[Result] = []
        self.busy_hands = True
        """Whether logins, differences and strategies are seen to as soon as they need it."""
        self.journal = stage.profile / "practice.sqlite"
        self.recordings = stage.profile / "recordings" / "practice"
        self._met: set[str] = set()
        self._frames = 0
        self._tasks: list[asyncio.Task[None]] = []
        self.began_s = time.monotonic()

    @property
    def actor(self) -> Actor:
        return self.lives[-1]

    # -- its life ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        await self.line.open()
        strategies = self.stage.profile / "strategies"
        strategies.mkdir()
        path = strategies / f"{TRADER}.py"
        shutil.copyfile(Path(__file__).with_name(path.name), path)
        enabled = {"hashes": {}, "followed": [str(path)]}
        (self.stage.profile / "enabled.json").write_text(json.dumps(enabled), encoding="utf-8")
        await self.live()
        await self.actor.until(well, START_S)
        self._tasks = [asyncio.create_task(work()) for work in (self._watch_exchange, self._click_on)]

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        for life in self.lives[-1:]:
            if life.alive:
                await life.kill()
        self.line.close()

    async def live(self) -> Actor:
        """Start the program anew, on the same folder."""
        actor = Actor(
            self.stage, self.line.port, self.upstream, self.stage.scratch / "program.out", len(self.lives) + 1
        )
        self.lives.append(actor)
        await actor.start()
        actor.weight.marks_s.append(time.monotonic())
        self._tasks.append(asyncio.create_task(self._take_care(actor)))
        return actor

    async def control(self, path: str, **body: object) -> Any:
        """Ask the exchange itself, past the line."""
        async with aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=10)) as http:
            root = f"http://{self.upstream.read_text(encoding='utf-8')}/sim/{path}"
            async with http.get(root) if path == "truth" else http.post(root, json=body) as reply:
                return await reply.json()

    async def look(self) -> bool:
        """Take the exchange's books as they are now; whether it answered."""
        try:
            self.truth.take(await self.control("truth"))
        except (aiohttp.ClientError, TimeoutError, OSError, ValueError):
            return False
        return True

    async def _watch_exchange(self) -> None:
        while True:
            await self.look()
            self.orders_at.append((time.monotonic(), len(self.truth.orders)))
            await asyncio.sleep(3)

    async def _click_on(self) -> None:
        side = "BUY"
        while True:
            await asyncio.sleep(self.pace_s)
            self.clicks += 1  # before it: one that is killed while it is sent may have left
            try:
                if await self.actor.ask("click", 10, side=side):
                    self.clicks -= 1
                else:
                    side = "SELL" if side == "BUY" else "BUY"
            except Gone:
                pass

    async def _take_care(self, actor: Actor) -> None:
        """The person at this life: logs in, decides, starts the strategy, whenever that is to be done."""
        while actor is self.actor and (actor.alive or actor.code is None):
            await asyncio.sleep(1)
            if not self.busy_hands:
                continue
            with suppress(Gone):
                await self._see_to(actor, await actor.state())

    async def _see_to(self, actor: Actor, state: dict[str, Any]) -> None:
        if state["login"]:
            actor.weight.marks_s.append(time.monotonic())
            await asyncio.sleep(1.5)  # time to read it
            if await actor.ask("log_in"):
                self.say("  hands: logged in")
        elif well({**state, "red": []}, trades=False) and state["red"]:
            await asyncio.sleep(12)  # what the broker's book settles by itself needs nobody's word
            for done in await actor.ask("decide"):
                self.say(f"  hands: decided {done}")
        elif state["desk"] == "READY" and state["panels"] and not any(
            run["name"] == TRADER and run["state"] not in ("stopped", "failed") for run in state["runs"]
        ):  # fmt: skip
            await actor.ask("start", 30, strategy=TRADER, keys=ON, params={"pace_s": self.pace_s})
            self.say("  hands: started the strategy")

    # -- a fault -------------------------------------------------------------------------------------------------

    async def strike(self, name: str, words: str, story: Callable[[Director, Result], Awaitable[None]]) -> Result:
        """Play a fault's story, with the words that name it; then have everything well again, and judged."""
        result = Result(name, time.monotonic() - self.began_s)
        self.results.append(result)
        self.say(f"FAULT {name}")
        began = time.monotonic()
        try:
            await story(self, result)
        except Gone as error:
            result.wrong.append(f"it did not come through: {error}")
        await self.recover(result)
        for one in filter(None, words.split(AND)):
            self._named(result, one, began)
        await self.check(result)
        self.say(
            (f"  named {_s(result.named_after_s)}: {result.words}\n" if words else "")
            + f"  well again {_s(result.recovered_after_s)}"
            f"   checks: {result.checks}" + "".join(f"\n  WRONG {wrong}" for wrong in result.wrong)
        )
        return result

    async def until_read(self, words: str, limit_s: float, since_s: float | None = None) -> Saw | None:
        """The first words like these on the screen of the life that runs; None where they do not come."""
        began = time.monotonic() if since_s is None else since_s
        while time.monotonic() < began + limit_s:
            for saw in self.actor.read_since(began):
                if re.search(words, saw.text):
                    return saw
            await asyncio.sleep(0.1)
        return None

    def _named(self, result: Result, words: str, began: float) -> None:
        for life in self.lives:
            for saw in life.read_since(began):
                if re.search(words, saw.text):
                    result.words += f"{' / ' if result.words else ''}[{saw.where}] {saw.text}"
                    result.named_after_s = max(saw.at_s - began, result.named_after_s or 0.0)
                    return
        read = {f"[{saw.where}] {saw.text[:120]}" for life in self.lives for saw in life.read_since(began)}
        result.wrong.append(f"nothing on the screen names it ({words!r}); read: {sorted(read)[:40]}")

    async def recover(self, result: Result, limit_s: float = 150.0) -> None:
        """Wait until all is well and the strategy trades again."""
        began = time.monotonic()
        try:
            state = await self.actor.until(well, limit_s)
            result.recovered_after_s = time.monotonic() - began
            await self._trades_again(state)
        except Gone as error:
            result.wrong.append(f"it is not well again: {error}")

    async def _trades_again(self, before: dict[str, Any]) -> None:
        """Until the strategy itself has sent an order more; a run that another took the place of counts anew."""
        was, deadline = trader_of(before), time.monotonic() + 4 * self.pace_s + 40
        while was is not None and time.monotonic() < deadline:
            with suppress(Gone):
                now = trader_of(await self.actor.state())
                if now is not None and now["orders"] > (was["orders"] if now["id"] == was["id"] else 0):
                    return
            await asyncio.sleep(0.5)
        raise Gone("ticks flow and the desk is ready, and the strategy sent no order for a while")

    # -- judgement -----------------------------------------------------------------------------------------------

    async def check(self, result: Result) -> None:
        """The referee's word; what is on its way is given time to arrive."""
        wrong, tries, began = ["never judged"], 0, time.monotonic()
        while wrong and time.monotonic() < began + JUDGED_WITHIN_S:
            tries += 1
            wrong, rows = await self._judged(compare=False)
            if wrong:
                await asyncio.sleep(1.5)
        if wrong and not (await self._judged(compare=True))[0]:
            wrong.append("all of that is right only once the desk is told to compare its books")
        frames, torn = await asyncio.to_thread(referee.recordings_in, self.recordings)
        wrong += torn
        if frames <= self._frames:
            wrong.append(f"nothing was recorded since the check before: {frames} frames then and now")
        self._frames = frames
        with suppress(Gone):
            faults = set((await self.actor.state())["faults"])
            wrong += [f"the program met an error that it did not expect: {fault}" for fault in faults - self._met]
            self._met |= faults
        result.wrong += wrong
        counted = f"{len(self.truth.orders)} orders, {len(self.truth.trades)} trades, {rows} journal rows, "
        result.checks = "broken" if wrong else f"{counted}{frames} frames; look {tries}"

    async def _judged(self, *, compare: bool) -> tuple[list[str], int]:
        """What is wrong at this moment, and the rows of the journal."""
        try:
            told = await self.actor.ask("books", 40, compare=compare)
            if not await self.look():
                raise Gone("the exchange does not answer")
        except Gone as error:
            return [f"the books cannot be compared: {error}"], 0
        written = await self._read_journal(alive=True)
        return referee.judge(self.truth, written, told, self.clicks), written.rows

    async def check_the_dead(self, result: Result) -> None:
        """What a killed program has left: whole, and nothing sent that was not written."""
        written = await self._read_journal(alive=False)
        result.wrong += [
            word for word in referee.judge(self.truth, written, None) if "does not know" not in word
        ]  # what the exchange knew last it said three seconds before it died
        _, torn = await asyncio.to_thread(referee.recordings_in, self.recordings)
        result.wrong += [f"after the kill: {word}" for word in torn]

    async def _read_journal(self, *, alive: bool) -> referee.Written:
        return await asyncio.to_thread(referee.look_into, self.journal, self.stage.scratch, alive=alive)

    async def kill(self, result: Result, when: str = "") -> None:
        """kill -9 the program, look at what it left, and see that nothing of it lives on."""
        if not self.actor.alive:
            result.wrong.append(f"the program had ended by itself with code {self.actor.code}")
            return
        left = await self.actor.kill()
        for pid in left:
            result.wrong.append(f"ten seconds after the kill there is still {pid}: {command_of(pid)[:120]}")
        await self.check_the_dead(result)

    def child(self, words: str) -> int:
        """The process id of a child whose command line has these words. Raises Gone."""
        for pid in children_of(self.actor.pid):
            if re.search(words, command_of(pid)):
                return pid
        raise Gone(f"no child of the program is {words!r}: {[command_of(p) for p in children_of(self.actor.pid)]}")

    def as_json(self) -> list[dict[str, Any]]:
        return [asdict(result) | {"ok": result.ok} for result in self.results]


def _s(seconds: float | None) -> str:
    return "never" if seconds is None else f"after {seconds:.1f} s"
