"""Walking forward: stretches without gaps, choices that have seen nothing ahead, one account over all of it."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from alphapanda_desktop.backtest.statistics import ratios_of
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.sweeps.bars import keep
from alphapanda_desktop.sweeps.forward import Forward, Span, Walk, walk_forward
from alphapanda_desktop.sweeps.job import Job, play
from alphapanda_desktop.sweeps.search import Listed
from alphapanda_desktop.sweeps.space import Axis, points_of
from alphapanda_desktop.sweeps.trial import Objective, Results, Trial
from tests.backtest.history import FUTURE, walk
from tests.sweeps.searching import LIVELY, a_job, here

GRID = [Axis.of("fast=2:6:2"), Axis.of("slow=7,15")]
GOAL = Objective("total_return")
D = date.fromisoformat


@pytest.mark.parametrize(
    ("text", "day", "after"),
    [
        ("10d", "2024-02-25", "2024-03-06"),
        ("2w", "2024-02-25", "2024-03-10"),
        ("1m", "2024-01-31", "2024-02-29"),
        ("6m", "2024-08-31", "2025-02-28"),
        ("1y", "2024-02-29", "2025-02-28"),
    ],
)
def test_spans_go_by_the_calendar(text: str, day: str, after: str) -> None:
    assert Span.of(text).after(D(day)) == D(after)


def test_a_rolling_walk_keeps_its_look_back_and_an_anchored_one_its_first_day() -> None:
    rolling, anchored = (Walk.of("6m/1m", anchored=anchored) for anchored in (False, True))
    steps = rolling.stretches(D("2024-01-01"), D("2024-09-10"))
    assert [str(step) for step in steps] == [
        "2024-07-01 to 2024-07-31", "2024-08-01 to 2024-08-31", "2024-09-01 to 2024-09-10",
    ]  # fmt: skip
    assert [(step.learn_first, step.learn_last) for step in steps[:2]] == [
        (D("2024-01-01"), D("2024-06-30")), (D("2024-02-01"), D("2024-07-31")),
    ]  # fmt: skip
    assert {step.learn_first for step in anchored.stretches(D("2024-01-01"), D("2024-09-10"))} == {D("2024-01-01")}


@pytest.mark.parametrize("text", ["6m/1w", "1y/3m", "90d/30d", "5w/10d"])
def test_stretches_follow_one_another_without_a_gap_to_the_last_day(text: str) -> None:
    first, last = D("2021-01-31"), D("2024-03-05")
    steps = Walk.of(text).stretches(first, last)
    for one, other in pairwise(steps):
        assert other.first == one.last + timedelta(days=1)
    for step in steps:
        assert first <= step.learn_first <= step.learn_last == step.first - timedelta(days=1)
    assert steps[-1].last == last


@pytest.mark.parametrize("text", ["6m", "6m/", "m/1m", "0d/1d", "6q/1m"])
def test_a_text_that_is_no_walk_is_refused(text: str) -> None:
    with pytest.raises(BadData, match="expected, as"):
        Walk.of(text)


def test_a_history_no_longer_than_what_is_learned_from_is_refused() -> None:
    with pytest.raises(BadData, match="nothing is left to judge on"):
        Walk.of("6m/1m").stretches(D("2024-01-01"), D("2024-05-01"))


def forward(job: Job, objective: Objective = GOAL) -> tuple[Forward, list[list[Trial]]]:
    return walk_forward(job, Walk.of("5d/3d"), lambda: Listed(points_of(GRID)), objective, here(), Results())


@pytest.fixture
def job(tmp_path: Path) -> Job:
    return a_job(tmp_path, 375 * 14, bar_s=300)


def test_each_step_judges_the_best_of_what_it_learned_with_the_account_of_the_one_before(job: Job) -> None:
    found, tried = forward(job)
    assert len(found.steps) == 5 and [step.tried for step in found.steps] == [6] * 5
    cash, worth = job.cash, [job.cash]
    for step, trials in zip(found.steps, tried, strict=True):
        best = max((trial for trial in trials), key=lambda trial: trial.statistics["total_return"] or 0.0)
        assert (step.params, step.learned) == (best.params, best.statistics["total_return"])
        alone = play(replace(job, params=LIVELY | best.params, first=step.stretch.first, last=step.stretch.last,
                             cash=cash, warm=True))  # fmt: skip
        assert step.statistics == alone.statistics and step.judged == alone.statistics.total_return
        worth += (alone.equity.daily(0)[1][1:] / RUPEE).tolist()
        cash = alone.statistics.closing
    assert (found.worth / RUPEE).tolist() == worth
    assert len(found.days) == len(worth) - 1 and np.all(np.diff(found.days) > 0)
    assert found.ratios == ratios_of(found.worth)


def test_a_choice_has_seen_nothing_of_what_it_is_judged_on(job: Job, tmp_path: Path) -> None:
    """Prices after the first stretch that was learned from are turned upside down: its choice is as before."""
    found, tried = forward(job)
    series = walk(375 * 14)
    later = int(np.searchsorted(series.days, np.datetime64(found.steps[0].stretch.first).astype(int)))
    assert 0 < later < len(series)
    mirror = 2 * series.close[later - 1]
    prices = {name: np.array(getattr(series, name)) for name in ("open", "high", "low", "close")}
    turned = {name: np.concatenate([old[:later], np.round(mirror - old[later:], 2)]) for name, old in prices.items()}
    turned["high"], turned["low"] = (
        np.concatenate([prices[name][:later], turned[other][later:]])
        for name, other in (("high", "low"), ("low", "high"))
    )
    other, tried_there = forward(replace(job, data=(keep(replace(series, **turned), tmp_path),)))
    assert tried_there[0] == tried[0] and other.steps[0].params == found.steps[0].params
    assert other.steps[0].judged != found.steps[0].judged
    assert other.steps[0].statistics != found.steps[0].statistics


def test_where_nothing_qualifies_nothing_is_traded_and_that_is_said(job: Job) -> None:
    found, _ = forward(job, Objective("total_return", min_trades=10_000))
    assert {step.note for step in found.steps} == {"no parameters qualified, nothing was traded"}
    assert found.worth.tolist() == [int(job.cash * RUPEE)] and found.efficiency is None
    assert (found.ratios.total_return, found.ratios.sharpe) == (0.0, None)


def test_a_walk_that_was_interrupted_goes_on_where_it_was(job: Job, tmp_path: Path) -> None:
    whole, _ = forward(job)

    def stop(count: int) -> None:
        if count == 10:
            raise KeyboardInterrupt

    results = Results(tmp_path / "r.jsonl")
    results.open({"a": 1})
    walked = Walk.of("5d/3d")
    with pytest.raises(KeyboardInterrupt):
        walk_forward(job, walked, lambda: Listed(points_of(GRID)), GOAL, here(stop), results)
    results.close()
    again, who = Results(tmp_path / "r.jsonl"), here()
    assert again.open({"a": 1}) == 8
    found, _ = walk_forward(job, walked, lambda: Listed(points_of(GRID)), GOAL, who, again)
    again.close()
    assert found.steps == whole.steps
    assert who.executor.count == 5 * (6 + 1) - 8  # type: ignore[attr-defined]


def test_where_nothing_is_left_of_the_account_the_walk_goes_on_without_trading(tmp_path: Path) -> None:
    series = replace(walk(375 * 14), instrument=replace(FUTURE, lot_size=1))
    fallen = np.where(series.days > series.days[375 * 7], 0.2, 1.0)  # overnight, to a fifth
    prices = {name: np.round(getattr(series, name) * fallen * 20) / 20 for name in ("open", "high", "low", "close")}
    params = {"side": "BUY", "min_interval": 86_400, "stop_loss": 0, "lots": 20}
    job = Job(strategy="low_frequency_demo", params=params, product="NRML", cash=8_000.0, bar_s=300,
              data=(keep(replace(series, **prices), tmp_path),))  # fmt: skip
    points = [{"cool_down": 0}]
    found, _ = walk_forward(job, Walk.of("3d/2d"), lambda: Listed(points), GOAL, here(), Results())
    notes = [step.note for step in found.steps]
    assert found.worth[-1] < 0 and notes[-1] == "nothing is left of the account, nothing was traded"
    assert found.ratios.total_return < -1 and found.ratios.cagr is None
