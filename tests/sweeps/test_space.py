"""What is tried: texts become values, grids every combination, draws the same for the same seed."""

from __future__ import annotations

import re
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.sweeps.space import Axis, drawn, key_of, points_of, shown


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("fast=5:20:5", (5, 10, 15, 20)),
        ("fast=5:8", (5, 6, 7, 8)),
        ("fast=5:7:5", (5,)),
        ("stop=0.1:0.3:0.1", (0.1, 0.2, 0.3)),
        ("stop=0:1:0.5", (0.0, 0.5, 1.0)),
        ("stop=1,0.5,2", (1, 0.5, 2)),
        ("both=true,False", (True, False)),
        ("kind=ema,sma", ("ema", "sma")),
        ("kind=ema", ("ema",)),
    ],
)
def test_a_text_becomes_values(text: str, values: tuple[Any, ...]) -> None:
    made = Axis.of(text).values
    assert made == values and list(map(type, made)) == list(map(type, values))


@pytest.mark.parametrize(
    "text",
    ["fast", "fast=", "=5", "fa st=1", "fast=9:5", "fast=5:9:0", "fast=5:9:-1", "fast=1:2:3:4", "fast=a:b", "fast=1,1",
     "fast=0:inf", "fast=nan:1", "fast=0:1e9:1"],
)  # fmt: skip
def test_a_text_that_is_no_axis_is_refused_by_name(text: str) -> None:
    with pytest.raises(BadData, match=f"{re.escape(text)}'"):
        Axis.of(text)


def test_a_grid_is_every_combination_once() -> None:
    points = list(points_of([Axis.of("a=1:3"), Axis.of("b=x,y")]))
    assert points[:3] == [{"a": 1, "b": "x"}, {"a": 1, "b": "y"}, {"a": 2, "b": "x"}]
    assert len({key_of(point) for point in points}) == len(points) == 6


def test_a_grid_too_large_or_without_a_step_is_refused_before_it_is_made() -> None:
    with pytest.raises(BadData, match="the grid has 8,000,000 combinations, 1,000,000 allowed"):
        points_of([Axis.of("a=1:200"), Axis.of("b=1:200"), Axis.of("c=1:200")])
    with pytest.raises(BadData, match=r"a grid needs a step for stop=0\.5:2"):
        points_of([Axis.of("stop=0.5:2.0")])


@pytest.mark.parametrize("axes", [("a=1:1000", "b=1:1000"), ("a=0.0:1.0", "b=true,false"), ("a=1:5", "b=1:5")])
def test_draws_are_different_and_the_same_for_the_same_seed(axes: tuple[str, ...]) -> None:
    space = [Axis.of(text) for text in axes]
    points = drawn(space, 20, seed=7)
    assert points == drawn(space, 20, seed=7) != drawn(space, 20, seed=8)
    assert len({key_of(point) for point in points}) == 20
    assert all(0 <= point["a"] <= 1_000 for point in points)  # type: ignore[operator]


def test_more_draws_than_there_are_combinations_are_all_of_them() -> None:
    space = [Axis.of("a=1:3"), Axis.of("b=1,2")]
    assert {key_of(p) for p in drawn(space, 50, seed=1)} == {key_of(p) for p in points_of(space)}


def test_values_are_shown_short() -> None:
    assert [shown(value) for value in (1.000000012, 5, True, "ema")] == ["1", "5", "True", "ema"]
