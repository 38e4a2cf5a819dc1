"""A job plays what the engine plays, and only that."""

from __future__ import annotations

import pickle
from datetime import date
from pathlib import Path

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Setup, backtest
from alphapanda_desktop.backtest.statistics import equity_of, statistics_of
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.sweeps.bars import keep
from alphapanda_desktop.sweeps.job import BadParameters, Job, Outcome, play, strategy_of
from tests.backtest.history import FUTURE, INFY, walk
from tests.sweeps.searching import LIVELY, a_file, a_job, bars_in


def test_a_job_comes_to_what_the_engine_comes_to(tmp_path: Path) -> None:
    kind = SHIPPED["ma_cross"]
    result = backtest(Setup(strategy=kind, params=kind.Params(fast=3, slow=8, **LIVELY), series=[walk(1_500)]))
    outcome = play(a_job(tmp_path, params=LIVELY | {"fast": 3, "slow": 8}))
    assert outcome.executions == result.executions and len(outcome.executions) > 20
    assert outcome.statistics == statistics_of(result)
    assert np.array_equal(outcome.equity.worth, equity_of(result).worth)
    assert (outcome.strategy, outcome.keys, outcome.bar_s, outcome.complete) == ("ma_cross", ("NSE:INFY",), 60, True)


def test_what_comes_back_can_be_sent(tmp_path: Path) -> None:
    outcome = play(a_job(tmp_path, page=True))
    back: Outcome = pickle.loads(pickle.dumps(outcome))
    assert (back.statistics, back.trades, back.refused) == (outcome.statistics, outcome.trades, outcome.refused)
    assert back.page.startswith("<!doctype html>") and "ma_cross" not in play(a_job(tmp_path)).page


def test_longer_bars_and_days_are_chosen_as_the_command_says(tmp_path: Path) -> None:
    outcome = play(a_job(tmp_path, bar_s=900, first=date(2024, 6, 4), last=date(2024, 6, 5)))
    assert (outcome.bar_s, outcome.statistics.bars, outcome.statistics.days) == (900, 50, 2)
    with pytest.raises(BadData, match="no bars between 2030-01-01 and the last"):
        play(a_job(tmp_path, first=date(2030, 1, 1)))


def test_a_warm_job_decides_on_its_first_bar_and_counts_only_its_own_days(tmp_path: Path) -> None:
    mine = a_file(tmp_path, "ctx.log(str(len(ctx.bars(instrument))))")
    ref = bars_in(tmp_path)
    cold, warm = (play(Job(strategy=mine, data=(ref,), first=date(2024, 6, 5), warm=warm)) for warm in (False, True))
    assert cold.statistics.bars == warm.statistics.bars == len(warm.equity.at_s) == 750
    assert [len(outcome.lines) for outcome in (cold, warm)] == [748, 750]
    assert warm.lines[0][0] == warm.first_s + 60 == cold.first_s + 60
    assert warm.lines[0][1] == "3"


def test_warm_jobs_of_two_instruments_keep_fills_at_their_bars(tmp_path: Path) -> None:
    refs = (bars_in(tmp_path), keep(walk(1_500, 2, instrument=FUTURE), tmp_path))
    outcome = play(
        a_job(tmp_path, data=refs, params={"fast": 3, "slow": 8, "cool_down": 0}, first=date(2024, 6, 5), warm=True)
    )
    starts = {
        ref.instrument.key: series.start_s for ref, series in zip(refs, (walk(1_500), walk(1_500, 2)), strict=True)
    }
    begin = 750
    assert {fill.key for fill in outcome.executions} == {INFY.key, FUTURE.key}
    for fill in outcome.executions:
        assert 0 <= fill.at_s - starts[fill.key][begin + fill.bar] <= 60


def test_a_walk_of_two_warm_halves_trades_as_one_where_nothing_is_carried_over(tmp_path: Path) -> None:
    """MIS is flat at each day's end, and the look-back is filled: the cut between two days must not show."""
    params = {**LIVELY, "fast": 3, "slow": 8}
    whole = play(a_job(tmp_path, params=params, first=date(2024, 6, 4), warm=True))
    halves = [
        play(a_job(tmp_path, params=params, first=first, last=last, warm=True))
        for first, last in ((date(2024, 6, 4), date(2024, 6, 4)), (date(2024, 6, 5), None))
    ]
    told = [(fill.at_s, fill.sign, fill.quantity, fill.price) for half in halves for fill in half.executions]
    assert told == [(fill.at_s, fill.sign, fill.quantity, fill.price) for fill in whole.executions]


def test_a_file_is_executed_anew_for_each_job_and_refused_once_changed(tmp_path: Path) -> None:
    mine = a_file(tmp_path, "self.runs.append(1)", "ctx.log(str(len(self.runs)))")
    job = Job(strategy=mine, data=(bars_in(tmp_path, 400),))
    first = play(job).lines
    assert play(job).lines == first and first[0][1] == "1"
    a_file(tmp_path, "pass")
    with pytest.raises(BadData, match="not the file that the job was made for"):
        play(job)


def test_values_that_are_refused_are_named_with_their_reason(tmp_path: Path) -> None:
    with pytest.raises(BadParameters, match="fast average of 9 bars must be shorter"):
        play(a_job(tmp_path, params={"fast": 9, "slow": 9}))
    with pytest.raises(BadData, match="no strategy is called 'nobody'"):
        strategy_of("nobody")


def test_progress_is_told_and_may_end_it(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    outcome = play(a_job(tmp_path, 20_000), lambda done, total: bool(told.append((done, total))))
    assert not outcome.complete and len(told) == 1 and told[0][1] == 20_000
