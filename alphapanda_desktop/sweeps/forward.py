"""Walking forward: parameters are chosen on one stretch of history and judged on the next, which they have not seen.

Rolling: the stretch that is learned from has one length. Anchored: it always begins at the first day. The stretches
that judge follow one another without a gap; the account goes on from each to the next, and its figures over all of
them together are what the choice of parameters has been worth.
"""

from __future__ import annotations

import re
from calendar import monthrange
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Final

import numpy as np

from alphapanda_desktop.backtest.series import Ints
from alphapanda_desktop.backtest.statistics import Ratios, Statistics, ratios_of
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.positions import RUPEE, to_money
from alphapanda_desktop.sweeps.bars import DataRef, load
from alphapanda_desktop.sweeps.job import Job, Outcome, play
from alphapanda_desktop.sweeps.search import Chooser, Hands, Told, search
from alphapanda_desktop.sweeps.space import Value
from alphapanda_desktop.sweeps.trial import Objective, Results, Trial

MOST: Final = 1_000
_SPAN: Final = re.compile(r"(\d{1,4})([dwmy])")


@dataclass(frozen=True, slots=True)
class Span:
    """So many days, weeks, months or years."""

    count: int
    unit: str

    @classmethod
    def of(cls, text: str) -> Span:
        """From "90d", "8w", "6m", "1y". Raises BadData naming the text."""
        match = _SPAN.fullmatch(text.strip().lower())
        if match is None or not int(match[1]):
            raise BadData(f"{text!r}: a number of days, weeks, months or years is expected, as 90d, 8w, 6m, 1y")
        return cls(int(match[1]), match[2])

    def after(self, day: date, times: int = 1) -> date:
        """The day so much later, or earlier for a negative number of times; the last of a month where it is shorter."""
        count = self.count * times
        if self.unit in "dw":
            return day + timedelta(days=count * (7 if self.unit == "w" else 1))
        months = day.year * 12 + day.month - 1 + count * (12 if self.unit == "y" else 1)
        year, month = months // 12, months % 12 + 1
        return date(year, month, min(day.day, monthrange(year, month)[1]))


@dataclass(frozen=True, slots=True)
class Walk:
    """How far each step looks back, and how far it goes."""

    learn: Span
    judge: Span
    anchored: bool = False

    @classmethod
    def of(cls, text: str, *, anchored: bool = False) -> Walk:
        """From "6m/1m". Raises BadData naming the text."""
        learn, slash, judge = text.partition("/")
        if not slash:
            raise BadData(f"{text!r}: what is learned from and what is judged on are expected, as 6m/1m")
        return cls(Span.of(learn), Span.of(judge), anchored)

    def stretches(self, first: date, last: date) -> list[Stretch]:
        """All steps between two days, both included; the last one may be cut short. Raises BadData for none."""
        found: list[Stretch] = []
        begin = self.learn.after(first)
        while begin <= last and len(found) < MOST:
            after = self.judge.after(self.learn.after(first), len(found) + 1)
            learned_from = first if self.anchored else max(first, self.learn.after(begin, -1))
            day = timedelta(days=1)
            found.append(Stretch(learned_from, begin - day, begin, min(last, after - day)))
            begin = after
        if not found:
            raise BadData(f"nothing is left to judge on: {first} to {last} is no longer than what is learned from")
        return found


@dataclass(frozen=True, slots=True)
class Stretch:
    """One step: learned from and judged on, first and last days."""

    learn_first: date
    learn_last: date
    first: date
    last: date

    def __str__(self) -> str:
        return f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """What came of one stretch. Without a candidate nothing was traded, and `statistics` is None."""

    stretch: Stretch
    tried: int
    params: dict[str, Value] | None
    learned: float | None
    """The objective where it was learned."""
    judged: float | None
    """The objective where it was judged."""
    statistics: Statistics | None
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Forward:
    """All steps, and the account over all that was judged: day number since 1970, booked money at its end."""

    steps: tuple[Step, ...]
    days: Ints
    worth: Ints
    """One more than there are days: the opening cash comes first."""
    ratios: Ratios

    @property
    def efficiency(self) -> float | None:
        """What of the objective is left where it is judged: mean judged over mean learned, of the same steps."""
        pairs = [(s.judged, s.learned) for s in self.steps if s.judged is not None and s.learned is not None]
        below = sum(learned for _, learned in pairs)
        return sum(judged for judged, _ in pairs) / below if pairs and below > 0 else None


def walk_forward(
    job: Job,
    walk: Walk,
    choosing: Callable[[], Chooser],
    objective: Objective,
    hands: Hands,
    results: Results,
    told: Told | None = None,
) -> tuple[Forward, list[list[Trial]]]:
    """Every step in turn; with each, what was tried. `choosing` makes a fresh chooser for each. Raises BadData."""
    stretches = walk.stretches(*days_of(job))
    steps: list[Step] = []
    tried: list[list[Trial]] = []
    accounts: list[tuple[Ints, Ints]] = []
    cash = job.cash
    for number, stretch in enumerate(stretches):
        learn = replace(job, first=stretch.learn_first, last=stretch.learn_last, warm=True)
        tried.append(search(learn, choosing(), hands, results, told, of=f"{number}:") if _has_bars(learn) else [])
        step, outcome = _judge(replace(job, first=stretch.first, last=stretch.last, cash=cash, warm=True), objective,
                               stretch, tried[-1], hands)  # fmt: skip
        steps.append(step)
        if outcome is not None:
            accounts.append(outcome.equity.daily(to_money(cash)))
            cash = int(outcome.equity.worth[-1]) / RUPEE
    return _stitched(steps, accounts, to_money(job.cash)), tried


def days_of(job: Job) -> tuple[date, date]:
    """The first and the last day that a job has bars of. Raises BadData for none."""
    ends = [_ends(ref, job) for ref in job.data]
    return min(first for first, _ in ends), max(last for _, last in ends)


def _ends(ref: DataRef, job: Job) -> tuple[date, date]:
    days = load(ref).between(job.first, job.last).days
    if not len(days):
        raise BadData(f"{ref.instrument.key}: no bars between {job.first or 'the first'} and {job.last or 'the last'}")
    epoch = date(1970, 1, 1)
    return epoch + timedelta(days=int(days[0])), epoch + timedelta(days=int(days[-1]))


def _has_bars(job: Job) -> bool:
    return all(len(load(ref).between(job.first, job.last)) for ref in job.data)


def _judge(
    job: Job, objective: Objective, stretch: Stretch, tried: Sequence[Trial], hands: Hands
) -> tuple[Step, Outcome | None]:
    best = next(iter(objective.ranked(tried)), None)
    note = _why_not(job, best)
    if best is None or note:
        nothing = Step(stretch=stretch, tried=len(tried), params=None, learned=None, judged=None, statistics=None,
                       note=note)  # fmt: skip
        return nothing, None
    outcome = hands.executor.submit(play, replace(job, params={**job.params, **best.params})).result()
    as_trial = Trial(params=best.params, statistics=outcome.statistics.as_dict())
    step = Step(
        stretch=stretch, tried=len(tried), params=best.params, learned=objective.of(best),
        judged=replace(objective, min_trades=0).of(as_trial), statistics=outcome.statistics,
    )  # fmt: skip
    return step, outcome


def _why_not(job: Job, best: Trial | None) -> str:
    """Why a stretch is not played, empty where it is."""
    if job.cash <= 0:
        return "nothing is left of the account, nothing was traded"
    if best is None:
        return "no parameters qualified, nothing was traded"
    return "" if _has_bars(job) else "no bars of every instrument"


def _stitched(steps: Sequence[Step], accounts: Sequence[tuple[Ints, Ints]], opening: int) -> Forward:
    """One account of all stretches, each of which began with what the one before it ended with."""
    days = np.concatenate([np.zeros(0, np.int64), *(days for days, _ in accounts)])
    worth = np.concatenate([np.array([opening], np.int64), *(worth[1:] for _, worth in accounts)])
    return Forward(steps=tuple(steps), days=days, worth=worth, ratios=ratios_of(worth))
