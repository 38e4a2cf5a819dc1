"""Torture finds what is wrong: desks that each break one promise, over real sockets, on points that ask for it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from itertools import count, islice
from pathlib import Path

import pytest

from alphapanda_desktop.commands.torture_points import Point, Trouble, point

SEED = 11
UNANSWERED = {Trouble.LOST_REPLY, Trouble.HALF_REPLY, Trouble.ERROR_AFTER, Trouble.GATEWAY_AFTER}
QUIET = {Trouble.SLOW, Trouble.REPEATED, Trouble.MISSED, Trouble.SHUFFLED}


def crowd_before_the_kill(p: Point) -> bool:
    kinds = [step.kind for step in p.steps]
    waiting = sum(step.at_once for step in p.steps[: kinds.index("kill")]) if "kill" in kinds else 0
    return waiting >= 5 and kinds.count("kill") == 1 and p.fault.trouble in QUIET


def order_without_an_answer(p: Point) -> bool:
    return (p.fault.on, p.fault.nth) == ("place", 1) and p.fault.trouble in UNANSWERED


def killed_as_an_order_leaves(p: Point) -> bool:
    return (p.fault.on, p.fault.nth) == ("place", 1) and p.fault.trouble is Trouble.KILL_AFTER


def cancelled_after_a_part(p: Point) -> bool:
    kinds = [step.kind for step in p.steps]
    return kinds[-2:] == ["fill", "cancel"] and "kill" not in kinds and p.fault.trouble in QUIET


def gtt_without_an_answer(p: Point) -> bool:
    first = next((step.kind for step in p.steps if step.kind.startswith("gtt")), "")
    return first == "gtt" and (p.fault.on, p.fault.nth) == ("gtt", 1) and p.fault.trouble in UNANSWERED


def of(fits: Callable[[Point], bool], points: int) -> list[int]:
    """The first points of the series that are of this kind."""
    return list(islice((n for n in count() if fits(point(SEED, n))), points))


def tortured(sabotage: str, numbers: list[int]) -> tuple[int, dict[str, int], str]:
    asked = [sys.executable, "-m", "sabotages", sabotage, "--seed", str(SEED), "--only", ",".join(map(str, numbers))]
    paths = os.pathsep.join([str(Path(__file__).parent), os.environ.get("PYTHONPATH", "")])
    done = subprocess.run(
        asked, capture_output=True, text=True, check=False, timeout=90, env=os.environ | {"PYTHONPATH": paths}
    )
    return done.returncode, json.loads(done.stdout or "{}"), done.stderr


@pytest.mark.parametrize(
    ("sabotage", "fits", "damage"),
    [
        ("gate_not_read_again", crowd_before_the_kill, "lost"),
        ("resent_without_an_answer", order_without_an_answer, "doubled"),
        ("journaled_after_it_left", killed_as_an_order_leaves, "lost"),
        ("cancelled_is_taken_for_unfilled", cancelled_after_a_part, "mismatched"),
        ("gtt_resent", gtt_without_an_answer, "doubled"),
    ],
)
def test_a_desk_that_breaks_a_promise_is_found_out(sabotage: str, fits: Callable[[Point], bool], damage: str) -> None:
    code, summary, story = tortured(sabotage, of(fits, 2))
    assert set(summary) == {"points", "doubled", "lost", "unresolved", "mismatched", "ok"}, story
    assert summary[damage] and summary["ok"] is False, (summary, story)
    assert code == 1
    assert "BROKEN" in story and f"--seed {SEED} --first" in story


def test_the_same_points_leave_a_whole_desk_whole() -> None:
    kinds = (crowd_before_the_kill, cancelled_after_a_part, gtt_without_an_answer, order_without_an_answer)
    code, summary, story = tortured("none", [of(fits, 1)[0] for fits in kinds])
    assert (code, summary["points"], summary["ok"]) == (0, 4, True), story
