"""Workspaces as they are remembered, without a window."""

from __future__ import annotations

import json

import pytest

from alphapanda_desktop.ui.dockplan import PLANS, state_of
from alphapanda_desktop.ui.workspaces import BUILT_IN, ChartRecord, Standing, Workspaces

STATE = state_of(PLANS["Trade"], {"watchlist": "left"})
STANDING = Standing(STATE, (ChartRecord("centre", "NSE:INFY", "5m", "heikin", 1), ChartRecord("chart_2", link=3)), 2)


def test_everything_comes_back_as_it_was_left() -> None:
    spaces = Workspaces(locked=True, geometry=b"\x01\xd9")
    spaces.leave(STANDING)
    spaces.add("Expiry day", STANDING)
    again = Workspaces.from_bytes(spaces.to_bytes())
    assert again == spaces
    assert again.names == [*BUILT_IN, "Expiry day"] and again.current == "Expiry day"
    assert again.all["Trade"].now == STANDING


@pytest.mark.parametrize(
    "kept",
    [b"", b"\x00\xff spoilt", b"[]", b'{"version": 2}', b'{"version": 3, "workspaces": [], "geometry": "#"}',
     b'{"version": 3, "workspaces": {"Trade": 7, "": {}}, "current": "none"}'],
    ids=["nothing", "an older layout", "a list", "another version", "no table", "no workspace"],
)  # fmt: skip
def test_what_cannot_be_read_is_as_it_comes_with_the_program(kept: bytes) -> None:
    assert Workspaces.from_bytes(kept) == Workspaces()


def test_a_spoilt_part_costs_only_itself() -> None:
    spaces = Workspaces()
    spaces.leave(STANDING)
    raw = json.loads(spaces.to_bytes())
    raw["workspaces"]["Trade"]["now"]["state"] = "<torn"
    raw["workspaces"]["Trade"]["now"]["charts"].append({"name": 4})
    raw["workspaces"]["Trade"]["now"]["charts"][1]["link"] = 99
    now = Workspaces.from_bytes(json.dumps(raw).encode()).shown.now
    assert now == Standing("", (STANDING.charts[0], ChartRecord("chart_2", link=0)), 2)


def test_names_are_of_use_and_each_is_there_once() -> None:
    spaces = Workspaces()
    assert spaces.why_not_named("") == "A workspace needs a name."
    assert spaces.why_not_named("Trade") == "There is a workspace Trade already."
    assert spaces.why_not_named("x" * 41) == "41 letters given, 40 fit into the menu."
    assert spaces.why_not_named("Trade", but="Trade") == ""
    assert spaces.add("Mine", STANDING) == "Mine"
    assert spaces.add("Mine", STANDING) == "Mine 2"
    spaces.rename("Mine 2", "Other")
    assert spaces.names == [*BUILT_IN, "Mine", "Other"] and spaces.current == "Other"
    spaces.remove("Other")
    assert spaces.current == "Trade" and spaces.names == [*BUILT_IN, "Mine"]


def test_a_chart_keeps_its_name_to_itself_over_all_workspaces() -> None:
    spaces = Workspaces()
    assert spaces.next_chart() == "chart_2"
    spaces.leave(STANDING)
    assert spaces.next_chart() == "chart_3" and spaces.uses("chart_2")
