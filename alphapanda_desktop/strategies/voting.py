"""Rules and a model under one policy: what several opinions on a market come to."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, NamedTuple

from alphapanda_desktop.strategies.one_position import Direction, Signal

Policy = Literal["majority_vote", "conservative"]


class Opinion(NamedTuple):
    """What one voter expects. `silent` says why it has no vote now, empty when it has one."""

    who: str
    direction: Direction
    words: str
    silent: str = ""


def decide(opinions: Sequence[Opinion], policy: Policy) -> Signal:
    """What to do about these opinions; the reason quotes each.

    `majority_vote`: more than half of all voters, the silent ones counted, must agree. `conservative`: to enter, all
    must agree and none be silent; to leave, one is enough that no other contradicts.
    """
    said = "; ".join(f"{one.who}: {one.silent or one.words}" for one in opinions)
    up, down = ([one for one in opinions if not one.silent and one.direction == side] for side in ("up", "down"))
    ahead, behind = (up, down) if len(up) >= len(down) else (down, up)
    if not ahead or len(up) == len(down):
        return Signal("none", f"no agreement: {said}")
    side = ahead[0].direction
    counted = f"{len(ahead)} of {len(opinions)} {side}"
    if policy == "majority_vote":
        enough = len(ahead) * 2 > len(opinions)
        return Signal(side, f"{counted}: {said}") if enough else Signal("none", f"{counted}, too few: {said}")
    whole = len(ahead) == len(opinions)
    return Signal(side, f"{counted}: {said}", enter=whole) if not behind else Signal("none", f"disagreement: {said}")
