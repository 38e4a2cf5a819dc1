"""Points: what a person does with orders, and the one thing that goes wrong meanwhile, both drawn from a seed."""

from __future__ import annotations

import random
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Any, Final, Literal

NAMES: Final = ("NSE:INFY", "NSE:SBIN", "NSE:TCS", "NSE:RELIANCE")

Kind = Literal[
    "market", "limit", "take", "stop", "wrong", "modify", "cancel", "cancel all", "reconcile", "fill", "kill",
    "gtt", "gtt modify", "gtt delete", "gtt trigger", "convert", "sliced", "exit all", "new login",
]  # fmt: skip
"""Orders: at the market, resting far away, taking through the spread, a stop, one that is refused. A `fill` is the
exchange's: it trades a part of a resting order; and so is a `gtt trigger`. The rest says so."""

Request = Literal[
    "place", "modify", "cancel", "gtt", "convert", "orders", "trades", "positions", "funds", "holdings"
]  # fmt: skip


class Trouble(StrEnum):
    """What happens to a request on its way, or to its answer."""

    LOST_REQUEST = "lost request"
    LOST_REPLY = "lost reply"
    HALF_REPLY = "half a reply"
    TOO_MANY = "429"
    ERROR_BEFORE = "500 before"
    ERROR_AFTER = "500 after"
    GATEWAY_BEFORE = "502 before"
    GATEWAY_AFTER = "504 after"
    SLOW = "slow"
    SILENT_BEFORE = "silence before"
    SILENT_AFTER = "silence after"
    LATE = "late: carried out after the desk gave up"
    DISCONNECT = "socket cut"
    KILL_BEFORE = "kill -9 before"
    KILL_AFTER = "kill -9 after"
    REPEATED = "updates repeated"
    SHUFFLED = "updates shuffled"
    MISSED = "updates missed"
    KILL_ON_WRITE = "kill -9 before a journal write"
    KILL_ON_WRITTEN = "kill -9 after a journal write"


KILLS: Final = frozenset(
    {Trouble.KILL_BEFORE, Trouble.KILL_AFTER, Trouble.KILL_ON_WRITE, Trouble.KILL_ON_WRITTEN}
)  # fmt: skip

_ON_SENDING: Final = (
    Trouble.LOST_REQUEST, Trouble.LOST_REPLY, Trouble.HALF_REPLY, Trouble.TOO_MANY, Trouble.ERROR_BEFORE,
    Trouble.ERROR_AFTER, Trouble.GATEWAY_BEFORE, Trouble.GATEWAY_AFTER, Trouble.SLOW, Trouble.SILENT_BEFORE,
    Trouble.SILENT_AFTER, Trouble.LATE, Trouble.DISCONNECT, Trouble.KILL_BEFORE, Trouble.KILL_AFTER,
)  # fmt: skip
_ON_READING: Final = (
    Trouble.LOST_REPLY, Trouble.TOO_MANY, Trouble.ERROR_BEFORE, Trouble.GATEWAY_BEFORE, Trouble.SLOW,
    Trouble.SILENT_BEFORE, Trouble.DISCONNECT, Trouble.KILL_BEFORE, Trouble.KILL_AFTER,
)  # fmt: skip
_ON_UPDATES: Final = (
    Trouble.REPEATED, Trouble.SHUFFLED, Trouble.MISSED, Trouble.DISCONNECT, Trouble.KILL_BEFORE, Trouble.KILL_AFTER,
)  # fmt: skip
_ON_WRITING: Final = (Trouble.KILL_ON_WRITE, Trouble.KILL_ON_WRITTEN)

_READS: Final[tuple[Request, ...]] = ("orders", "trades", "positions", "funds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One thing that is done. `target` is an earlier step; `away` per cent from the last price; `at_once` waits not
    for the steps before, but `after_s` of the story's seconds.
    """

    kind: Kind
    key: str = NAMES[0]
    side: Literal["BUY", "SELL"] = "BUY"
    quantity: int = 1
    away: float = 0.0
    target: int = 0
    at_once: bool = False
    after_s: float = 0.0
    flatten: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """From the `nth` request, update or journal write of that name on, `times` of them meet this trouble."""

    trouble: Trouble
    on: str
    nth: int = 1
    times: int = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """One story with one fault. `patient` waits until an order that never came is given up; others end in doubt."""

    seed: int
    number: int
    steps: tuple[Step, ...]
    fault: Fault
    patient: bool
    restart: bool

    def told(self) -> dict[str, Any]:
        """Everything that is needed to read the story again."""
        return asdict(self)


def point(seed: int, number: int) -> Point:
    """The point of that number in the series of that seed: the same one for ever."""
    rng = random.Random(f"torture {seed} {number}")
    steps = _steps(rng)
    fault = _fault(rng, steps)
    restart = fault.trouble in KILLS or rng.random() < 0.15
    return Point(seed=seed, number=number, steps=steps, fault=fault, patient=rng.random() < 0.5, restart=restart)


def _steps(rng: random.Random) -> tuple[Step, ...]:
    steps: list[Step] = [_order(rng)]
    for _ in range(rng.randint(1, 5)):
        steps += [_order(rng)] if rng.random() < 0.45 else _later(rng, len(steps))
    steps += _scene(rng, len(steps))
    if rng.random() < 0.2:
        kill = Step(kind="kill", flatten=rng.random() < 0.5, at_once=rng.random() < 0.7)
        steps.insert(rng.randint(1, len(steps)), kill)
    return tuple(steps)


def _scene(rng: random.Random, done: int) -> list[Step]:
    """Things that belong together and would seldom meet by chance: most stories have none of them."""
    key, place = rng.choice(NAMES), rng.random()
    if place < 0.12:  # a queue of orders, and the kill switch while they wait
        crowd = [replace(_order(rng), at_once=True) for _ in range(rng.randint(4, 8))]
        return [*crowd, Step(kind="kill", flatten=rng.random() < 0.5, at_once=True)]
    if place < 0.26:  # a cancelled order that owns a position
        rests = Step(kind="limit", key=key, side=rng.choice(("BUY", "SELL")), quantity=40, away=4.0)
        at_once = rng.random() < 0.3
        return [rests, Step(kind="fill", target=done), Step(kind="cancel", target=done, at_once=at_once)]
    if place < 0.38:  # a GTT's whole life
        away = rng.uniform(2.5, 7.0)
        ends: Kind = rng.choice(("gtt delete", "gtt trigger"))
        return [Step(kind=kind, key=key, away=away, quantity=3) for kind in ("gtt", "gtt modify", ends)]
    if place < 0.44:  # a GTT on its way as the switch is pressed
        away, after_s = rng.uniform(2.5, 7.0), rng.uniform(0.05, 1.2)
        flatten = rng.random() < 0.5
        waits = Step(kind="gtt", key=key, away=away)
        return [waits, Step(kind="kill", at_once=True, after_s=after_s, flatten=flatten)]
    return []


def _order(rng: random.Random) -> Step:
    kind: Kind = rng.choices(("market", "limit", "take", "stop", "wrong"), (4, 5, 3, 2, 1))[0]
    return Step(
        kind=kind,
        key=rng.choice(NAMES),
        side=rng.choice(("BUY", "SELL")),
        quantity=rng.choice((1, 2, 5, 40, 900)),
        away=rng.uniform(3.0, 6.0),
        at_once=rng.random() < 0.3,
    )


_LATER: Final[dict[Kind, int]] = {
    "modify": 12, "cancel": 10, "fill": 6, "cancel all": 2, "reconcile": 2, "gtt": 6, "gtt modify": 2, "gtt delete": 3,
    "gtt trigger": 3, "convert": 5, "sliced": 3, "exit all": 3, "new login": 3,
}  # fmt: skip


def _later(rng: random.Random, done: int) -> list[Step]:
    """One thing done after an order; a position that is to be converted is bought first."""
    kind: Kind = rng.choices(tuple(_LATER), tuple(_LATER.values()))[0]
    step = Step(
        kind=kind,
        key=rng.choice(NAMES),
        target=rng.randrange(done),
        quantity=rng.choice((0, 3, 7)),
        away=rng.uniform(2.5, 7.0),
        at_once=rng.random() < 0.3,
    )
    return [Step(kind="market", key=step.key, quantity=5), step] if kind == "convert" else [step]


def _fault(rng: random.Random, steps: tuple[Step, ...]) -> Fault:
    where = rng.choices(("send", "read", "update", "journal"), (11, 3, 4, 3))[0]
    if where == "read":
        return Fault(trouble=rng.choice(_ON_READING), on=rng.choice(_READS), nth=rng.randint(2, 5), times=_times(rng))
    if where == "update":
        return Fault(trouble=rng.choice(_ON_UPDATES), on="update", nth=rng.randint(1, 8), times=rng.randint(1, 4))
    if where == "journal":
        return Fault(trouble=rng.choice(_ON_WRITING), on="journal", nth=rng.randint(1, 10))
    on: list[str] = [_request_of(step) for step in steps if _request_of(step)]
    chosen = rng.choice(on)
    return Fault(trouble=rng.choice(_ON_SENDING), on=chosen, nth=rng.randint(1, on.count(chosen)), times=_times(rng))


def _times(rng: random.Random) -> int:
    return rng.choices((1, 2, 4), (6, 2, 1))[0]


def _request_of(step: Step) -> str:
    """Which request a step sends, empty for one that sends none by itself."""
    if step.kind in ("modify", "cancel", "convert"):
        return step.kind
    if step.kind in ("gtt", "gtt modify", "gtt delete"):
        return "gtt"
    if step.kind in ("cancel all", "kill"):
        return "cancel"
    return "" if step.kind in ("reconcile", "fill", "gtt trigger", "new login") else "place"
