"""The page of a sweep, the map on it, and how much of the best is luck."""

from __future__ import annotations

import math
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from alphapanda_desktop.sweeps.forward import Walk, walk_forward
from alphapanda_desktop.sweeps.job import play
from alphapanda_desktop.sweeps.page import page_of
from alphapanda_desktop.sweeps.search import Listed, search
from alphapanda_desktop.sweeps.space import Axis, points_of
from alphapanda_desktop.sweeps.swept import Swept, heat_map
from alphapanda_desktop.sweeps.trial import Objective, Results, Trial
from tests.sweeps.searching import a_job, here

GOAL = Objective("sharpe")
VOID = {"meta", "polyline", "br"}


class Balanced(HTMLParser):
    """Fails on an end without a beginning; `open` are those without an end."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: object) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: object) -> None:
        """Begins and ends at once."""

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def well_formed(page: str) -> bool:
    reader = Balanced()
    reader.feed(page)
    return reader.open == [] and not any(text in page for text in ("http:", "https:", "<script", "src="))


def a_trial(value: float | None, **params: float | str) -> Trial:
    return Trial(params=dict(params), statistics={"sharpe": value, "trades": 5})


def swept(folder: Path, *axes: str) -> Swept:
    job, made = a_job(folder), tuple(Axis.of(text) for text in axes)
    trials = tuple(search(job, Listed(points_of(made)), here(), Results()))
    return Swept(job=job, title="ma_cross <on> INFY", method="grid", axes=made, objective=GOAL, trials=trials)


def test_the_map_lies_over_the_two_widest_axes_and_takes_the_best_over_the_others() -> None:
    axes = [Axis.of("a=1,2,3"), Axis.of("b=5,4"), Axis.of("c=x,y"), Axis.of("d=7")]
    trials = [
        a_trial(a * b + (c == "y"), a=a, b=b, c=c, d=7)
        for a in (3, 1, 2)
        for b in (4, 5)
        for c in "xy"
        if (a, b) != (2, 5)
    ]
    found = heat_map(axes, trials, GOAL)
    assert found is not None
    assert (found.across, found.columns, found.down, found.rows) == ("a", (1, 2, 3), "b", (4, 5))
    assert found.cells == ((5.0, 9.0, 13.0), (6.0, None, 16.0)) and found.others == ("c", "d")
    lowest = heat_map(axes, trials, Objective("sharpe", least=True))
    assert lowest is not None and lowest.cells[0] == (4.0, 8.0, 12.0)
    assert heat_map(axes[3:], trials, GOAL) is None


def test_the_page_holds_map_ranking_and_what_did_not_count(tmp_path: Path) -> None:
    page = page_of(swept(tmp_path, "fast=2:8:2", "slow=5,9,12"))
    assert well_formed(page) and page.count("class=best") == 1
    assert "ma_cross &lt;on&gt; INFY" in page and "must be shorter than the slow one of 5 bars" in page
    assert "the best Sharpe ratio would still be about" in page
    assert page.count("<tr>") >= 10 + 2


def test_no_loss_is_green_and_no_gain_red_however_it_compares(tmp_path: Path) -> None:
    found = swept(tmp_path, "fast=1,2", "slow=5,9")
    for shift, colour in ((-1e6, "down"), (1e6, "up")):
        trials = tuple(replace(t, statistics=t.statistics | {"sharpe": shift + n}) for n, t in enumerate(found.trials))
        fields = [
            part for part in page_of(replace(found, trials=trials)).split("<td") if "background:color-mix" in part
        ]
        assert len(fields) == 4 and all(f"var(--{colour})" in cell for cell in fields)


def test_the_page_shows_the_account_and_the_assumptions_of_the_best(tmp_path: Path) -> None:
    found = swept(tmp_path, "slow=9,12,15")
    best = play(replace(found.job, params={**found.job.params, **found.ranked[0].params}))
    page = page_of(replace(found, best=best))
    assert well_formed(page) and page.count("<polyline") == 2
    assert "next bar&#x27;s open" in page and "beside what was tried: cool_down=0, stop_loss=0.3, lots=20" in page
    assert "with ₹10,00,000.00 and a slippage of 1 tick" in page


def test_a_sweep_of_one_axis_has_a_ranking_and_no_map(tmp_path: Path) -> None:
    page = page_of(swept(tmp_path, "slow=9,12,15"))
    assert well_formed(page) and "class='map'" not in page and "Best first" in page


def test_a_walks_page_tells_each_step_and_the_account_over_all(tmp_path: Path) -> None:
    job, axes = a_job(tmp_path, 375 * 9, bar_s=300), (Axis.of("fast=2,3"),)
    forward, tried = walk_forward(job, Walk.of("3d/3d"), lambda: Listed(points_of(axes)), GOAL, here(), Results())
    trials = tuple(trial for step in tried for trial in step)
    whole = Swept(job=job, title="walk", method="grid", axes=axes, objective=GOAL, trials=trials, forward=forward)
    page = page_of(whole)
    assert well_formed(page) and page.count("<polyline") == 2
    assert all(str(step.stretch) in page for step in forward.steps) and whole.ranked == []


def test_the_best_of_many_worthless_trials_is_foretold() -> None:
    """Against what 4,000 samples of so many normal draws really have as their highest."""
    dice = np.random.default_rng(5)
    for count in (10, 100, 400):
        draws = dice.standard_normal(count)
        trials = tuple(a_trial(float(value), a=n) for n, value in enumerate(draws))
        told = Swept(job=None, title="", method="", axes=(), objective=GOAL, trials=trials).by_luck  # type: ignore[arg-type]
        highest = dice.standard_normal((4_000, count)).max(axis=1).mean() * np.std(draws, ddof=1)
        assert told is not None and math.isclose(told, highest, rel_tol=0.03)


@pytest.mark.parametrize("values", [[], [1.0], [None, None]])
def test_luck_of_fewer_than_two_trials_is_unknown(values: list[float | None]) -> None:
    trials = tuple(a_trial(value, a=n) for n, value in enumerate(values))
    assert Swept(job=None, title="", method="", axes=(), objective=GOAL, trials=trials).by_luck is None  # type: ignore[arg-type]
