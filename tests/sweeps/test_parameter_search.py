"""The same is found on any executor, and after any interruption."""

from __future__ import annotations

import json
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from datetime import date
from multiprocessing import get_context
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.sweeps.cluster import hands
from alphapanda_desktop.sweeps.job import Job, play
from alphapanda_desktop.sweeps.search import Chooser, Hands, Listed, search
from alphapanda_desktop.sweeps.space import Axis, points_of
from alphapanda_desktop.sweeps.suggest import Suggested
from alphapanda_desktop.sweeps.trial import Objective, Results, Trial, fingerprint
from tests.sweeps.searching import AXES, LIVELY, a_file, a_job, bars_in, here

SPACE = [Axis.of(text) for text in AXES]
BEST = Objective("total_return")


def listed() -> Listed:
    return Listed(points_of(SPACE))


def kept_in(path: Path, job: Job) -> Results:
    results = Results(path)
    results.open(fingerprint(job, axes=list(AXES)))
    return results


def test_every_set_is_played_and_what_the_strategy_refuses_is_skipped_with_its_reason(tmp_path: Path) -> None:
    job = a_job(tmp_path)
    trials = search(job, listed(), here(), Results())
    assert [trial.params for trial in trials] == list(points_of(SPACE))
    refused = [trial for trial in trials if trial.status == "skipped"]
    assert [trial.params for trial in refused] == [{"fast": 6, "slow": 5}, {"fast": 8, "slow": 5}]
    assert "fast average of 6 bars must be shorter than the slow one of 5" in refused[0].reason
    for trial in trials:
        if trial.status == "done":
            alone = play(replace(job, params=LIVELY | trial.params))
            assert trial.statistics == alone.statistics.as_dict()


def test_workers_of_this_machine_and_the_standard_librarys_find_what_one_thread_finds(tmp_path: Path) -> None:
    job = a_job(tmp_path, bar_s=300)
    alone = search(job, listed(), here(), Results())
    with hands(2) as who:
        assert search(job, listed(), who, Results()) == alone
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as executor:
        assert search(job, listed(), Hands(executor, 3), Results()) == alone


def test_a_set_with_which_the_strategy_raises_is_told_and_the_others_are_played(tmp_path: Path) -> None:
    mine = a_file(tmp_path, "1 / (self.params.fast - 4)")
    job = Job(strategy=mine, data=(bars_in(tmp_path, 400),))
    trials = search(job, Listed(points_of([Axis.of("fast=3:5")])), here(), Results())
    assert [trial.status for trial in trials] == ["done", "failed", "done"]
    assert trials[1].reason == "ZeroDivisionError: division by zero"


def test_history_that_cannot_be_played_ends_the_sweep_at_once(tmp_path: Path) -> None:
    who = here()
    with pytest.raises(BadData, match="no bars between"):
        search(a_job(tmp_path, first=date(2030, 1, 1)), listed(), who, Results())
    assert who.executor.count <= 2  # type: ignore[attr-defined]


def stop_at(number: int) -> Any:
    def stop(count: int) -> None:
        if count == number:
            raise KeyboardInterrupt

    return stop


def choosers() -> list[tuple[str, Any]]:
    stretch = [
        Axis.of("fast=2:8"),
        Axis.of("slow=9:30"),
        Axis.of("stop_loss=0.1:0.5"),
        Axis.of("allow_short=true,false"),
    ]
    return [("grid", listed), ("optuna", lambda: Suggested(stretch, 20, BEST, seed=3))]


@pytest.mark.parametrize(("name", "choosing"), choosers())
def test_an_interrupted_sweep_goes_on_where_it_was_and_finds_the_same(name: str, choosing: Any, tmp_path: Path) -> None:
    if name == "optuna":
        pytest.importorskip("optuna", reason="the extra [sweep] is not installed")
    job, path = a_job(tmp_path, bar_s=300, params={"cool_down": 0}), tmp_path / "r.jsonl"
    whole = search(job, choosing(), here(), Results())
    results = kept_in(path, job)
    with pytest.raises(KeyboardInterrupt):
        search(job, choosing(), here(stop_at(5)), results)
    results.close()
    done = len(path.read_text(encoding="utf-8").splitlines()) - 1
    assert done == 4
    again, who = kept_in(path, job), here()
    assert search(job, choosing(), who, again) == whole
    again.close()
    assert done > 0 and who.executor.count == len({json.dumps(t.params) for t in whole}) - done  # type: ignore[attr-defined]


def test_a_line_that_was_not_written_whole_is_tried_again(tmp_path: Path) -> None:
    job, path = a_job(tmp_path), tmp_path / "r.jsonl"
    results = kept_in(path, job)
    whole = search(job, listed(), here(), results)
    results.close()
    text = path.read_text(encoding="utf-8")
    path.write_text(text[:-40], encoding="utf-8")
    again, who = kept_in(path, job), here()
    assert search(job, listed(), who, again) == whole
    again.close()
    assert who.executor.count == 1  # type: ignore[attr-defined]
    assert path.read_text(encoding="utf-8") == text


def test_results_of_another_sweep_are_refused_by_what_differs(tmp_path: Path) -> None:
    job, path = a_job(tmp_path), tmp_path / "r.jsonl"
    kept_in(path, job).close()
    with pytest.raises(BadData, match=r"another sweep: cash was 1000000\.0, is 5\.0"):
        kept_in(path, replace(job, cash=5.0))
    other = replace(job, data=(bars_in(tmp_path, seed=2),))
    with pytest.raises(BadData, match="another sweep: data was"):
        kept_in(path, other)
    path.write_text("nothing of ours\n", encoding="utf-8")
    with pytest.raises(BadData, match="holds no results of a sweep"):
        kept_in(path, job)


def a_trial(value: float | None, trades: int = 9, **kept: Any) -> Trial:
    return Trial(params={"a": value or 0}, statistics={"sharpe": value, "trades": trades}, **kept)


def test_candidates_have_the_figure_and_trades_enough_and_the_best_is_first() -> None:
    trials = [a_trial(1.0), a_trial(3.0, 2), a_trial(None), a_trial(2.0), a_trial(9.0, status="failed")]
    ranked = Objective("sharpe", min_trades=5).ranked(trials)
    assert [trial.statistics["sharpe"] for trial in ranked] == [2.0, 1.0]
    ranked = Objective("sharpe", least=True).ranked(trials)
    assert [trial.statistics["sharpe"] for trial in ranked] == [1.0, 2.0, 3.0]
    with pytest.raises(BadData, match="no figure is called 'sharp'; there are: bars, days"):
        Objective("sharp")


def test_optuna_chooses_the_same_for_the_same_seed_and_better_than_its_first_choices(tmp_path: Path) -> None:
    pytest.importorskip("optuna", reason="the extra [sweep] is not installed")
    axes = [Axis.of("x=0.0:10.0"), Axis.of("y=0:10"), Axis.of("z=a,b")]

    def found(seed: int) -> list[float]:
        chooser: Chooser = Suggested(axes, 60, Objective("sharpe", min_trades=0), seed)
        values: list[float] = []
        while points := chooser.ask():
            batch = [-((float(p["x"]) - 7) ** 2) - abs(int(p["y"]) - 3) + (p["z"] == "b") for p in points]
            chooser.tell([Trial(params=p, statistics={"sharpe": v}) for p, v in zip(points, batch, strict=True)])
            values += batch
        return values

    one = found(1)
    assert one == found(1) != found(2) and len(one) == 60
    assert max(one) > max(one[:10]) and max(one) > -1.0
