"""`alphapanda sweep`: many parameters of a strategy over history, on this machine's processors or a cluster's."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import CancelledError
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Final

from alphapanda_desktop.commands.jobs import Progress, about, add_to, job_of, page_path, read
from alphapanda_desktop.domain.errors import AlphaPandaError, BadData
from alphapanda_desktop.sweeps.cluster import address, hands
from alphapanda_desktop.sweeps.forward import Forward, Walk, days_of, walk_forward
from alphapanda_desktop.sweeps.job import Job, Outcome, play
from alphapanda_desktop.sweeps.page import FIGURES, figure, lines_of, page_of, row_of
from alphapanda_desktop.sweeps.pool import SILENCE_S
from alphapanda_desktop.sweeps.search import Chooser, Hands, Listed, search
from alphapanda_desktop.sweeps.space import Axis, drawn, points_of, shown
from alphapanda_desktop.sweeps.suggest import Suggested
from alphapanda_desktop.sweeps.swept import Swept, heat_map
from alphapanda_desktop.sweeps.trial import FIGURES as NAMES
from alphapanda_desktop.sweeps.trial import Objective, Results, Trial, fingerprint

INTERRUPTED: Final = 130
SHOWN: Final = 10
MOST_WORKERS: Final = 256
LONGEST_SILENCE_S: Final = 86_400.0

_MORE: Final = """
--grid NAME=LOW:HIGH:STEP or NAME=VALUE,VALUE names what is tried: every combination, or with --random N so many drawn
by --seed, or with --optuna N so many chosen by what was found (extra [sweep]). Sets that the strategy refuses are
skipped. --walk-forward 6m/1m chooses on 6 months and judges on the next, again and again (d, w, m and y are known).
--results FILE keeps each result at once: the same command takes up an interrupted sweep where it was.
--scheduler tcp://HOST:PORT plays on a Dask cluster (extra [cluster]); its workers need this program and the same files.
Exit codes: 0, 2 for what cannot be read or played, 130 when it was interrupted.
"""


def run(rest: list[str], options: argparse.Namespace | None = None) -> int:
    """Sweep and print what was found; 2 with the reason on stderr for what cannot be played."""
    given = parser().parse_args(rest)
    results = Results(given.results)
    try:
        swept = _swept(given, job_of(given, options), results)
        if given.report:
            given.report.write_text(page_of(swept), encoding="utf-8")
    except (AlphaPandaError, OSError) as error:
        print(f"alphapanda sweep: {error}", file=sys.stderr)
        return 2
    except (KeyboardInterrupt, CancelledError) as error:
        what = "interrupted" if isinstance(error, KeyboardInterrupt) else "the workers are gone"
        kept = f"what was found is in {given.results}, the same command goes on" if given.results else "nothing is kept"
        print(f"alphapanda sweep: {what}; {kept}", file=sys.stderr)
        return INTERRUPTED if isinstance(error, KeyboardInterrupt) else 2
    finally:
        results.close()
    if given.json:
        print(json.dumps(_as_json(swept), ensure_ascii=False, indent=1, default=str))
    else:
        _print(swept)
    return 0


def _swept(given: argparse.Namespace, job: Job, results: Results) -> Swept:
    axes, objective = tuple(given.grid), Objective(given.objective, given.minimise, given.min_trades)
    _judge(axes, job)
    walk = Walk.of(given.walk_forward, anchored=given.anchored) if given.walk_forward else None
    choosing, method, total = _choosing(given, axes, objective)
    same = {"grid": list(map(str, given.grid)), "method": method.partition(":")[0], "seed": given.seed}
    found = results.open(fingerprint(job, **same, walk=str(walk), objective=str(objective) if given.optuna else ""))
    if found:
        print(f"alphapanda sweep: {found} results were there already", file=sys.stderr)
    told = _Teller(total * (len(walk.stretches(*days_of(job))) if walk else 1), objective)
    forward: Forward | None = None
    try:
        with hands(given.workers, given.scheduler or "", silence_s=given.silence) as who:
            forward, trials = _done(job, walk, choosing, objective, who, results, told)
            best = _best(job, objective, trials, who) if walk is None and given.report else None
    finally:
        told.progress.end()
    if trials and all(trial.status != "done" for trial in trials):
        every = "refuses" if all(trial.status == "skipped" for trial in trials) else "fails with or refuses"
        raise BadData(f"the strategy {every} every parameter set, such as: {trials[-1].reason}")
    name = job.strategy if isinstance(job.strategy, str) else Path(job.strategy.path).name
    goal = f"{'lowest' if objective.least else 'highest'} {objective.figure}"
    title = f"{name} on {', '.join(ref.instrument.key for ref in job.data)}: {goal}"
    method += f"; walked forward {given.walk_forward}{', anchored' if given.anchored else ''}" if walk else ""
    return Swept(
        job=job, title=title, method=method, axes=axes, objective=objective, trials=tuple(trials), forward=forward,
        best=best,
    )  # fmt: skip


def _done(
    job: Job,
    walk: Walk | None,
    choosing: Callable[[], Chooser],
    objective: Objective,
    who: Hands,
    results: Results,
    told: _Teller,
) -> tuple[Forward | None, list[Trial]]:
    if walk is None:
        return None, search(job, choosing(), who, results, told)
    forward, tried = walk_forward(job, walk, choosing, objective, who, results, told)
    return forward, [trial for step in tried for trial in step]


def _best(job: Job, objective: Objective, trials: Sequence[Trial], who: Hands) -> Outcome | None:
    """The best candidate played once more, for its account and its assumptions."""
    best = next(iter(objective.ranked(trials)), None)
    if best is None:
        return None
    return who.executor.submit(play, replace(job, params={**job.params, **best.params})).result()


def _judge(axes: Sequence[Axis], job: Job) -> None:
    names = [axis.name for axis in axes]
    twice = [name for name in names if names.count(name) > 1 or name in job.params]
    if twice:
        raise BadData(f"{twice[0]} is given twice: in --grid, and again or in --set")


def _choosing(
    given: argparse.Namespace, axes: Sequence[Axis], objective: Objective
) -> tuple[Callable[[], Chooser], str, int]:
    """Makes a chooser; what it does, in words; how many points it will choose."""
    if given.optuna:
        count = int(given.optuna)
        words = f"Optuna: {count} sets chosen by what was found, seed {given.seed}"
        return lambda: Suggested(axes, count, objective, given.seed), words, count
    points = drawn(axes, given.random, given.seed) if given.random else list(points_of(axes))
    words = f"random: {len(points)} sets drawn, seed {given.seed}" if given.random else f"grid: {len(points)} sets"
    return lambda: Listed(points), words, len(points)


class _Teller:
    """Tells how far it is and what is best so far."""

    def __init__(self, total: int, objective: Objective) -> None:
        self.progress = Progress()
        self._total, self._objective = total, objective
        self._best: float | None = None
        self._done = 0

    def __call__(self, _done: int, trial: Trial) -> None:
        self._done += 1
        value = self._objective.of(trial)
        if value is not None:
            best = value if self._best is None else self._best
            self._best = min(best, value) if self._objective.least else max(best, value)
        best_text = "" if self._best is None else f", best {self._objective.figure} {self._best:.3f}"
        self.progress(f"{self._done} of {self._total} tried{best_text}")


# --- telling ---------------------------------------------------------------------------------------------------------


def _print(swept: Swept) -> None:
    print(swept.title)
    print(swept.method)
    for line in lines_of(swept):
        print(f"- {line}.")
    if swept.forward is None:
        names = [axis.name for axis in swept.axes]
        rows = [
            [shown(trial.params[name]) for name in names]
            + [figure(trial.statistics.get(key), how) for key, _, how in FIGURES]
            for trial in swept.ranked[:SHOWN]
        ]
        _print_table([*names, *(title for _, title, _ in FIGURES)], rows)
        if not rows:
            print("No parameter set is a candidate.")
    else:
        _print_table(
            ["learned from", "judged on", "tried", "chosen", "learned", "judged", "return", "trades"],
            [row_of(step) for step in swept.forward.steps],
        )
        ratios = [f"{name.replace('_', ' ')} {value}" for name, value in _ratios(swept.forward)]
        print(f"out of sample: {', '.join(ratios)}")


def _ratios(forward: Forward) -> list[tuple[str, str]]:
    percents = ("total_return", "cagr", "volatility", "max_drawdown")
    told = forward.ratios._asdict().items()
    return [(name, figure(value, "pct" if name in percents else "ratio")) for name, value in told]


def _print_table(names: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(len(line[place]) for line in [names, *rows]) for place in range(len(names))]
    for line in [names, *rows]:
        print("  ".join(f"{cell:>{width}}" for cell, width in zip(line, widths, strict=True)))


def _as_json(swept: Swept) -> dict[str, Any]:
    found = heat_map(swept.axes, swept.trials, swept.objective) if swept.forward is None else None
    return {
        "title": swept.title,
        "method": swept.method,
        "objective": asdict(swept.objective),
        "best_sharpe_by_luck": swept.by_luck,
        "trials": [asdict(trial) for trial in (swept.ranked if swept.forward is None else swept.trials)],
        "not_ranked": [asdict(trial) for trial in swept.trials if trial.status != "done"],
        "heat_map": asdict(found) if found else None,
        "walk_forward": _forward_as_json(swept.forward) if swept.forward else None,
    }


def _forward_as_json(forward: Forward) -> dict[str, Any]:
    return {
        "steps": [asdict(step) for step in forward.steps],
        "out_of_sample": forward.ratios._asdict(),
        "efficiency": forward.efficiency,
        "days": forward.days.tolist(),
        "worth": forward.worth.tolist(),
    }


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="alphapanda sweep",
        description="Try many parameters of a strategy over history.",
        epilog=about("sweep", _MORE),
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    add_to(made)
    made.add_argument(
        "--grid", nargs="+", required=True, action="extend", type=read(Axis.of), metavar="AXIS", help="what is tried"
    )
    how = made.add_mutually_exclusive_group()
    how.add_argument("--random", type=read(_count), metavar="N", help="draw so many of them")
    how.add_argument("--optuna", type=read(_count), metavar="N", help="choose so many by what was found")
    made.add_argument("--seed", type=int, default=0, help="of what is drawn or chosen (default: 0)")
    made.add_argument(
        "--objective", choices=NAMES, default="sharpe", metavar="FIGURE", help=f"{', '.join(NAMES)} (default: sharpe)"
    )
    made.add_argument("--minimise", action="store_true", help="the lowest is the best")
    made.add_argument("--min-trades", type=int, default=1, metavar="N", help="fewer make no candidate (default: 1)")
    made.add_argument("--walk-forward", metavar="6m/1m", help="learn on the first span, judge on the second, go on")
    made.add_argument("--anchored", action="store_true", help="walking forward, always learn from the first day on")
    made.add_argument("--workers", type=read(_workers), metavar="N", help="processes (default: one for each processor)")
    made.add_argument("--scheduler", type=read(address), metavar="tcp://…", help="play on this Dask cluster instead")
    made.add_argument(
        "--silence",
        type=read(_silence),
        default=SILENCE_S,
        metavar="SECONDS",
        help="a job that tells nothing so long is ended",
    )
    made.add_argument(
        "--results", type=read(page_path), metavar="FILE.jsonl", help="keep results, and go on from those there"
    )
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.add_argument(
        "--report", type=read(page_path), metavar="FILE.html", help="write a page with map, ranking, curves"
    )
    return made


def _count(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError(f"{number} is fewer than one")
    return number


def _workers(text: str) -> int:
    number = _count(text)
    if number > MOST_WORKERS:
        raise ValueError(f"{number:,} processes: 1 to {MOST_WORKERS} can be; for more machines there is --scheduler")
    return number


def _silence(text: str) -> float:
    seconds = float(text)
    if not 1 <= seconds <= LONGEST_SILENCE_S:
        raise ValueError(f"a silence of {text} s: 1 to {LONGEST_SILENCE_S:,.0f} can be")
    return seconds
