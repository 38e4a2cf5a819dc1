"""Plans of docks and kept states, as text."""

from __future__ import annotations

from xml.etree import ElementTree

import pytest

from alphapanda_desktop.ui.dockplan import CENTRE, PLANS, docks_in, mended, named, readable, state_of

KNOWN = {"watchlist": "left", "ladder": "left", "strategies": "right"} | dict.fromkeys(
    ("positions", "orders", "trades", "gtt", "holdings", "funds", "log", "options", "alerts"), "bottom"
)


def widgets(state: str) -> dict[str, str]:
    """Whether each dock is closed, by its name."""
    return {one.get("Name", ""): one.get("Closed", "") for one in ElementTree.fromstring(state).iter("Widget")}


@pytest.mark.parametrize("name", PLANS)
def test_each_plan_knows_every_panel_once_and_shows_the_centre(name: str) -> None:
    state = state_of(PLANS[name], KNOWN)
    assert readable(state) and docks_in(state) == set(KNOWN)
    assert [one.get("Name") for one in ElementTree.fromstring(state).iter("Widget")].count(CENTRE) == 1
    assert widgets(state)[CENTRE] == "0"
    for splitter in ElementTree.fromstring(state).iter("Splitter"):
        sizes = splitter.find("Sizes")
        assert sizes is not None and sizes.text is not None
        assert len(sizes.text.split()) == int(splitter.get("Count", "0")) == len(splitter) - 1


def test_a_plan_leaves_out_what_the_account_does_not_have() -> None:
    state = state_of(PLANS["Trade"], {"watchlist": "left", "positions": "bottom"})
    assert set(widgets(state)) == {CENTRE, "watchlist", "positions"}


def test_a_panel_of_a_newer_program_stands_beside_its_neighbours_in_an_older_state() -> None:
    old = state_of(PLANS["Trade"], KNOWN)
    new = mended(old, {**KNOWN, "diagnostics": "bottom"})
    area = next(area for area in ElementTree.fromstring(new).iter("Area") if "positions" in names(area))
    assert names(area)[-1] == "diagnostics" and area.get("Tabs") == str(len(names(area)))


def test_a_panel_that_is_no_more_goes_and_so_does_its_empty_window() -> None:
    root = ElementTree.fromstring(state_of(PLANS["Trade"], KNOWN))
    away = ElementTree.SubElement(root, "Container", Floating="1")
    area = ElementTree.SubElement(ElementTree.SubElement(away, "Splitter", Count="1"), "Area", Tabs="1")
    ElementTree.SubElement(area, "Widget", Name="chart_9", Closed="0")
    new = mended(ElementTree.tostring(root, encoding="unicode"), KNOWN)
    assert "chart_9" not in docks_in(new)
    assert ElementTree.fromstring(new).get("Containers") == "1"


@pytest.mark.parametrize(
    "spoilt",
    ["", "<", "<a/>", state_of(PLANS["Trade"], KNOWN).replace('UserVersion="3"', 'UserVersion="2"'),
     state_of(PLANS["Trade"], KNOWN).replace('Floating="0"', 'Floating="1"')],
    ids=["nothing", "no XML", "something else", "older", "no main window"],
)  # fmt: skip
def test_what_is_no_state_is_not_readable(spoilt: str) -> None:
    assert not readable(spoilt)


def test_a_name_that_is_taken_gets_a_number() -> None:
    assert named(["Trade"], "Mine") == "Mine"
    assert named(["Mine", "Mine 2"], "Mine") == "Mine 3"


def names(area: ElementTree.Element) -> list[str]:
    return [one.get("Name", "") for one in area.findall("Widget")]
