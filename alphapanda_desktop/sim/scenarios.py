"""Named days with trouble in them: a timeline of faults on the wire and in the answers, the same for the same seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, NamedTuple

from alphapanda_desktop.sim.stream import Faults


@dataclass(slots=True)
class Trouble:
    """What is wrong with REST at the moment; everything off is a good day."""

    delay_s: float = 0.0
    """Seconds that each answer waits, up to half more by chance."""
    too_many: bool = False
    """Every call is answered 429."""
    reject: bool = False
    """The exchange refuses every order after it has an id."""
    lose_replies: bool = False
    """Every second placement is carried out and never answered, the first one first."""
    shuffle_updates: bool = False
    """Order updates overtake one another, and some come twice."""


class Turn(NamedTuple):
    """At `at_s` seconds after the scenario began, these settings change."""

    at_s: float
    rest: Mapping[str, object] = MappingProxyType({})
    wire: Mapping[str, object] = MappingProxyType({})
    act: str = ""
    """"drop" cuts every socket, "end-session" kills the token."""


class Scenario(NamedTuple):
    """A timeline, what a person is told of it, and how it goes on after its last turn."""

    told: str
    turns: tuple[Turn, ...] = ()
    again_s: float = 0.0
    """Length of one round in seconds; 0 plays it once."""
    volatility: float = 1.0


SCENARIOS: Final[dict[str, Scenario]] = {
    "calm": Scenario("an ordinary day"),
    "volatile": Scenario("prices move four times as much", volatility=4.0),
    "disconnect": Scenario("the socket is cut once a minute", (Turn(10, act="drop"),), again_s=60),
    "silence": Scenario(
        "the link stays up and nothing is sent, not even a heartbeat",
        (Turn(8, wire={"silent": True}), Turn(38, wire={"silent": False})),
        again_s=60,
    ),
    "flapping": Scenario("the socket is cut every three seconds", (Turn(3, act="drop"),), again_s=3),
    "dead-token": Scenario("the token is dead from the start", (Turn(0, act="end-session"),)),
    "rate-limited": Scenario(
        "every call is answered 429 for five seconds in fifteen",
        (Turn(0, rest={"too_many": True}), Turn(5, rest={"too_many": False})),
        again_s=15,
    ),
    "rejecting": Scenario("the exchange rejects every order", (Turn(0, rest={"reject": True}),)),
    "lost-reply": Scenario(
        "every second order is carried out and never answered", (Turn(0, rest={"lose_replies": True}),)
    ),
    "slow": Scenario(
        "answers take seconds and ticks come late",
        (Turn(0, rest={"delay_s": 2.5}, wire={"extra_delay_s": 1.5}),),
    ),
    "out-of-order": Scenario(
        "order updates overtake one another and repeat", (Turn(0, rest={"shuffle_updates": True}),)
    ),
    "session-end": Scenario("the token dies after twenty seconds", (Turn(20, act="end-session"),)),
}

ALIASES: Final = {"out-of-order updates": "out-of-order", "out-of-order-updates": "out-of-order"}


def find(name: str) -> Scenario:
    """The scenario of a name; ValueError names those there are."""
    known = SCENARIOS.get(ALIASES.get(name, name))
    if known is None:
        raise ValueError(f"no scenario {name!r}: there are {', '.join(SCENARIOS)}")
    return known


class Director:
    """Plays scenarios on `trouble` (REST) and `faults` (the socket). `acts` are what a turn may order."""

    def __init__(self, trouble: Trouble, faults: Faults, acts: dict[str, Callable[[], None]]) -> None:
        self._trouble, self._faults, self._acts = trouble, faults, acts
        self._next: asyncio.Queue[Scenario] = asyncio.Queue()
        self.playing = "calm"

    def play(self, name: str) -> None:
        """Start another scenario, with everything as on a good day first."""
        scenario = find(name)
        self.playing = name
        self._clear()
        self._due(scenario, 0.0)
        self._next.put_nowait(scenario)

    def _clear(self) -> None:
        for target, fresh in ((self._trouble, Trouble()), (self._faults, Faults())):
            for name in type(fresh).__dataclass_fields__:
                setattr(target, name, getattr(fresh, name))

    async def run(self) -> None:
        """Follow the timeline of whatever plays, until cancelled."""
        scenario = await self._next.get()
        while True:
            scenario = await self._play(scenario) or await self._next.get()

    async def _play(self, scenario: Scenario) -> Scenario | None:
        """Play to the end; the scenario that took its place, if one did."""
        loop, start = asyncio.get_running_loop(), asyncio.get_running_loop().time()
        first = True
        while scenario.turns and (first or scenario.again_s):
            for turn in scenario.turns:
                if first and turn.at_s == 0:
                    continue
                other = await self._wait(start + turn.at_s - loop.time())
                if other is not None:
                    return other
                self._turn(turn)
            if scenario.again_s:
                other = await self._wait(start + scenario.again_s - loop.time())
                if other is not None:
                    return other
                start += scenario.again_s
            first = False
        return None

    async def _wait(self, seconds: float) -> Scenario | None:
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                return await self._next.get()
        except TimeoutError:
            return None if self._next.empty() else self._next.get_nowait()

    def _due(self, scenario: Scenario, at_s: float) -> None:
        for turn in scenario.turns:
            if turn.at_s <= at_s:
                self._turn(turn)

    def _turn(self, turn: Turn) -> None:
        for target, changes in ((self._trouble, turn.rest), (self._faults, turn.wire)):
            for name, value in changes.items():
                setattr(target, name, value)
        if turn.act:
            self._acts[turn.act]()


class Updates:
    """Hands order updates on, in order or, while it is told to shuffle, overtaking and repeating."""

    def __init__(self, trouble: Trouble, seed: int, send: Callable[[dict[str, object]], None]) -> None:
        self._trouble, self._send = trouble, send
        self._random = random.Random(seed)
        self._held: list[dict[str, object]] = []

    def publish(self, order: dict[str, object]) -> None:
        """Send one update, or hold it back to be overtaken."""
        if not self._trouble.shuffle_updates:
            self._send(order)
            return
        self._held.append(order)
        if len(self._held) >= 3:
            self.release()

    def release(self) -> None:
        """Send what was held back, shuffled, some of it twice."""
        self._random.shuffle(self._held)
        held, self._held = self._held, []
        for order in held:
            self._send(order)
            if self._random.random() < 0.3:
                self._send(order)
