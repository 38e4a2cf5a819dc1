"""Scenarios: the timeline on the wire and in the answers, and the way back to a good day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from alphapanda_desktop.sim import scenarios
from alphapanda_desktop.sim.scenarios import SCENARIOS, Director, Scenario, Trouble, Turn, Updates
from alphapanda_desktop.sim.stream import Faults

Run = Callable[[Any], Any]
NAMED = {
    "calm", "volatile", "disconnect", "silence", "flapping", "dead-token", "rate-limited", "rejecting", "lost-reply",
    "slow", "out-of-order", "session-end",
}  # fmt: skip


def director() -> tuple[Director, Trouble, Faults, list[str]]:
    trouble, faults, acted = Trouble(), Faults(), []
    acts: dict[str, Callable[[], None]] = {
        "drop": lambda: acted.append("drop"), "end-session": lambda: acted.append("end-session"),
    }  # fmt: skip
    return Director(trouble, faults, acts), trouble, faults, acted


def test_every_scenario_that_was_promised_is_there_and_turns_only_what_exists() -> None:
    assert set(SCENARIOS) >= NAMED
    for scenario in SCENARIOS.values():
        assert scenario.told
        for turn in scenario.turns:
            assert set(turn.rest) <= set(Trouble.__dataclass_fields__)
            assert set(turn.wire) <= set(Faults.__dataclass_fields__)
            assert turn.act in ("", "drop", "end-session")


def test_an_unknown_scenario_names_the_known_ones() -> None:
    with pytest.raises(ValueError, match="flapping"):
        scenarios.find("mayhem")
    assert scenarios.find("out-of-order updates") is SCENARIOS["out-of-order"]


def test_what_is_due_at_once_is_done_before_anybody_can_call() -> None:
    playing, trouble, faults, acted = director()
    playing.play("slow")
    assert trouble.delay_s > 0 and faults.extra_delay_s > 0
    playing.play("dead-token")
    assert (trouble, faults, acted) == (Trouble(), Faults(), ["end-session"])


def test_a_timeline_goes_round_and_gives_way_to_another(
    arun: Run, eventually: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = (Turn(0.01, wire={"silent": True}), Turn(0.02, wire={"silent": False}, act="drop"))
    monkeypatch.setitem(SCENARIOS, "quick", Scenario("fast", turns, again_s=0.03))

    async def story() -> None:
        playing, _, faults, acted = director()
        playing.play("quick")
        async with asyncio.TaskGroup() as group:
            task = group.create_task(playing.run())
            await eventually(lambda: faults.silent)
            await eventually(lambda: len(acted) >= 3)
            playing.play("calm")
            await asyncio.sleep(0)
            assert not faults.silent
            count = len(acted)
            playing.play("session-end")
            await eventually(lambda: playing.playing == "session-end")
            assert len(acted) == count, "what was played before has stopped"
            task.cancel()

    arun(story())


def test_updates_keep_their_order_on_a_good_day_and_are_all_told_on_a_bad_one() -> None:
    trouble, heard = Trouble(), []
    updates = Updates(trouble, 1, heard.append)
    for n in range(5):
        updates.publish({"n": n})
    assert [one["n"] for one in heard] == [0, 1, 2, 3, 4]
    heard.clear()
    trouble.shuffle_updates = True
    for n in range(20):
        updates.publish({"n": n})
    updates.release()
    told = [one["n"] for one in heard]
    assert set(told) == set(range(20)) and told != sorted(told) and len(told) > 20
