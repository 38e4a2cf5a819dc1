"""Torture: its points repeat, its judge sees every kind of damage, and a sample of it leaves none."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import time
from collections import Counter
from datetime import UTC, datetime
from typing import get_args

import pytest

from alphapanda_desktop.commands.torture_clock import Pace, PacedLoop, StoryClock
from alphapanda_desktop.commands.torture_judge import Truth, Written, judge, judge_kill
from alphapanda_desktop.commands.torture_line import Heard
from alphapanda_desktop.commands.torture_points import Kind, Trouble, point

AT = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
SAMPLE = ("--points", "12", "--seed", "4")
ROW = {
    "tag": "ap1",
    "order_id": "1",
    "status": "COMPLETE",
    "key": "NSE:INFY",
    "side": "BUY",
    "quantity": 5,
    "filled": 5,
    "cancelled": 0,
    "average": 100.0,
    "price": 0.0,
    "trigger": 0.0,
    "type": "MARKET",
}
FILL = ["NSE", "1", "t1", "BUY", 5, 100.0]
POSITION = ["NSE:INFY", "MIS", 5, 100.0]


def truth(**more):
    return Truth(**({"orders": {"ap1": [ROW]}, "fills": [FILL], "positions": [POSITION]} | more))


def written(**more):
    whole = {"intents": {"ap1": ("sent", "1")}, "orders": {"1": ROW}, "fills": [FILL], "broken": ""}
    return Written(**(whole | more))


def told(**more):
    return {"orders": [ROW], "fills": [FILL], "positions": [POSITION], "errors": []} | more


def unanswered(status):
    return ROW | {"order_id": "", "status": status, "filled": 0, "average": 0.0}


NOWHERE = {"orders": {}, "fills": [], "positions": []}
EMPTY = {"orders": [], "fills": [], "positions": []}


def test_a_point_is_the_same_for_ever_and_each_kind_of_trouble_comes():
    assert point(7, 3) == point(7, 3)
    assert point(7, 3) != point(8, 3)
    met = Counter(point(1, number).fault.trouble for number in range(1000))
    assert set(met) == set(Trouble) and min(met.values()) >= 15
    struck = {"place", "modify", "cancel", "update", "journal", "gtt", "convert"}
    assert {point(1, number).fault.on for number in range(1000)} >= struck
    done = Counter(step.kind for number in range(1000) for step in point(1, number).steps)
    assert set(done) == set(get_args(Kind)) and min(done.values()) >= 40


def test_what_is_the_same_everywhere_passes():
    assert judge(truth(), written(), told()).words() == []


@pytest.mark.parametrize(
    ("kind", "truth_", "written_", "told_"),
    [
        ("doubled", truth(orders={"ap1": [ROW, ROW | {"order_id": "2"}]}), written(), told()),
        ("lost", truth(), written(intents={}), told()),
        ("lost", truth(), written(), told(orders=[])),
        ("lost", truth(**NOWHERE), written(intents={"ap1": ("intended", "")}), told(orders=[])),
        ("unresolved", truth(), written(intents={"ap1": ("unknown", "")}), told()),
        ("unresolved", truth(), written(intents={"ap1": ("rejected", "")}), told()),
        ("unresolved", truth(), written(), told(orders=[unanswered("UNKNOWN")])),
        ("unresolved", truth(**NOWHERE), written(intents={"ap1": ("sent", "1")}), told()),
        ("unresolved", truth(**NOWHERE), written(), told(orders=[unanswered("INTENDED")])),
        ("unresolved", truth(), written(), told(errors=["desk/poll: KeyError('x')"])),
        ("mismatched", truth(), written(orders={"1": ROW | {"status": "OPEN"}}), told()),
        ("mismatched", truth(), written(), told(orders=[ROW | {"filled": 4}])),
        ("mismatched", truth(), written(orders={}), told()),
        ("mismatched", truth(), written(fills=[]), told()),
        ("mismatched", truth(), written(), told(fills=[FILL, FILL])),
        ("mismatched", truth(), written(), told(positions=[])),
        ("mismatched", truth(), written(broken="row 3 was changed"), told()),
        ("doubled", truth(gtts=[{"id": 1}, {"id": 2}]), written(gtts=1), told()),
    ],
)
def test_every_kind_of_damage_is_named(kind, truth_, written_, told_):
    verdict = judge(truth_, written_, told_)
    assert getattr(verdict, kind), verdict.words()


def test_an_order_that_never_came_may_be_given_up_or_shown_as_unknown():
    for state, status in (("absent", "REJECTED"), ("rejected", "REJECTED"), ("unknown", "UNKNOWN")):
        row = unanswered(status)
        verdict = judge(
            truth(**NOWHERE),
            written(intents={"ap1": (state, "")}, orders={}, fills=[]),
            told(**EMPTY) | {"orders": [row]},
        )
        assert verdict.words() == []


def killed(**more):
    at = {"latched_ns": 10, "asked_ns": {"ap5": 5, "ap8": 8, "ap11": 11}, "halted": True, "reports": []}
    return told() | at | more


def report(**more):
    whole = {"done_at": "now", "cancelled": [], "not_cancelled": [], "unknown": [], "left": [["NSE:INFY", "MIS", 5]]}
    return whole | {"flat": False} | more


def test_only_what_was_on_its_way_may_arrive_after_the_latch():
    def heard(*arrivals):
        return [Heard(at_ns, "place", tag) for at_ns, tag in arrivals]

    assert judge_kill(truth(), written(), killed(), heard((9, "ap5"), (12, "ap8"))) == []
    two = heard((11, "ap5"), (12, "ap8"))
    assert judge_kill(truth(), written(), killed(), two) == ["ap8 left after the latch"]
    assert judge_kill(truth(), written(), killed(), heard((12, "ap11"))) == ["ap11 left after the latch"]
    assert judge_kill(truth(), written(), killed(), heard((12, "an exit of its own"))) == []
    assert judge_kill(truth(), written(), killed(latched_ns=0), two) == []


def test_a_kill_report_is_held_against_the_broker():
    works = ROW | {"order_id": "2", "tag": "ap2", "status": "OPEN"}
    both = truth(orders={"ap1": [ROW], "ap2": [works]})

    def wrong(truth_, **more):
        return judge_kill(truth_, written(), killed(reports=[report(**more)]), [])

    assert wrong(truth()) == []
    assert wrong(truth(), left=[]) and wrong(truth(positions=[]))
    assert wrong(both) and wrong(both, cancelled=["2"])
    assert wrong(both, not_cancelled=[["2", "no answer"]]) == []
    assert wrong(both, unknown=["ap2"]) == []
    assert wrong(both, done_at=None) == []
    assert judge_kill(truth(), written(halted=True), killed(halted=False), [])


def test_a_paced_loop_sleeps_shorter_and_leaps_over_what_is_skipped():
    pace = Pace(1000.0)

    async def story():
        clock, loop = StoryClock(pace, at=AT), asyncio.get_running_loop()
        began, slept = time.monotonic(), loop.time()
        await asyncio.sleep(100.0)
        assert loop.time() - slept >= 100.0
        assert time.monotonic() - began < 100.0
        assert (clock.now() - AT).total_seconds() >= 100.0
        task = loop.create_task(asyncio.sleep(3600.0))
        await asyncio.sleep(0)
        pace.skip(3600.0)
        await task

    with asyncio.Runner(loop_factory=lambda: PacedLoop(pace)) as runner:
        runner.run(story())


def test_a_sample_of_points_doubles_loses_and_leaves_open_nothing():
    done = subprocess.run(
        [sys.executable, "-m", "alphapanda_desktop", "torture", *SAMPLE], capture_output=True, text=True, check=False
    )
    assert json.loads(done.stdout or "{}") == {
        "points": 12, "doubled": 0, "lost": 0, "unresolved": 0, "mismatched": 0, "ok": True,
    }, done.stderr  # fmt: skip
    assert done.returncode == 0


def test_an_order_that_a_gtt_placed_has_no_tag_and_is_known_by_its_number():
    fired = [ROW | {"tag": number, "order_id": number} for number in ("1", "2")]
    fills = [["NSE", row["order_id"], "t1", "BUY", 5, 100.0] for row in fired]
    both = truth(orders={row["tag"]: [row] for row in fired}, fills=fills, gtts=[{"id": 1}])
    known = written(intents={}, orders={row["tag"]: row for row in fired}, fills=fills, gtts=1)
    assert judge(both, known, told(orders=fired, fills=fills)).words() == []
    assert judge(both, known, told(orders=fired[:1], fills=fills)).mismatched


@pytest.mark.parametrize(
    "arguments", [("--points", "0"), ("--jobs", "0"), ("--first", "-1"), ("--only", "3,x"), ("--only", "")]
)
def test_numbers_that_make_no_sense_are_refused(arguments):
    done = subprocess.run(
        [sys.executable, "-m", "alphapanda_desktop", "torture", *arguments], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2 and ("1 or more" in done.stderr or "no list of numbers" in done.stderr)
