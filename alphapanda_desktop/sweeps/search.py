"""Trying many parameters on any executor: this machine's pool or a cluster's, without a line of change.

Whoever chooses is asked for a batch of points and told what came of them, in the order in which they were chosen. So
the same seed makes the same choices however many workers there are, and after an interruption, too.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, wait
from itertools import islice
from typing import NamedTuple, Protocol

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.sweeps.job import Job
from alphapanda_desktop.sweeps.space import Value, key_of
from alphapanda_desktop.sweeps.trial import Results, Trial, try_out

Told = Callable[[int, Trial], object]
"""Told how many trials are done, and the latest."""


class Hands(NamedTuple):
    """Who does the work, and how many jobs keep all of them busy."""

    executor: Executor
    width: int


class Chooser(Protocol):
    """Decides what is tried next."""

    def ask(self) -> Sequence[dict[str, Value]]:
        """The next batch; empty when there is no more."""
        ...

    def tell(self, trials: Sequence[Trial]) -> None:
        """What came of the last batch, in its order."""
        ...


class Listed:
    """Tries what is on a list."""

    def __init__(self, points: Iterable[dict[str, Value]]) -> None:
        self._points = list(points)

    def ask(self) -> Sequence[dict[str, Value]]:
        points, self._points = self._points, []
        return points

    def tell(self, trials: Sequence[Trial]) -> None:
        """Nothing that is found changes the list."""


def search(
    job: Job, chooser: Chooser, hands: Hands, results: Results, told: Told | None = None, of: str = ""
) -> list[Trial]:
    """Every trial, in the order of choice. Raises BadData where the job cannot be played at all.

    Interrupted, it cancels what is under way; what was found until then is in `results`.
    """
    found: list[Trial] = []
    while points := chooser.ask():
        batch: dict[str, Trial] = {}
        for trial in _tried(job, points, hands, results, of):
            batch[key_of(trial.params)] = trial
            if told is not None:
                told(len(found) + len(batch), trial)
        in_order = [batch[key_of(point)] for point in points]
        found.extend(in_order)
        chooser.tell(in_order)
    return found


def _tried(job: Job, points: Sequence[dict[str, Value]], hands: Hands, results: Results, of: str) -> Iterator[Trial]:
    """The trials of different points as they end; what was found earlier is not tried again."""
    different = {key_of(point): point for point in points}.values()
    yield from (trial for point in different if (trial := results.known(point, of)) is not None)
    left = iter([point for point in different if results.known(point, of) is None])
    under_way: dict[Future[Trial], dict[str, Value]] = {}
    try:
        while True:
            for point in islice(left, hands.width - len(under_way)):
                under_way[hands.executor.submit(try_out, job, point)] = point
            if not under_way:
                return
            ended = wait(under_way, return_when=FIRST_COMPLETED).done
            for future in sorted(ended, key=_is_lost):  # what was found is kept before a loss is raised
                trial = _trial_of(future, under_way.pop(future))
                results.add(trial, of)
                yield trial
    finally:
        for future in under_way:
            future.cancel()


def _is_lost(future: Future[Trial]) -> bool:
    return future.cancelled() or future.exception() is not None


def _trial_of(future: Future[Trial], point: dict[str, Value]) -> Trial:
    error = future.exception()
    if error is None:
        return future.result()
    if isinstance(error, BadData):  # of the history: every other trial would say the same
        raise error
    return Trial(params=point, status="failed", reason=f"{type(error).__name__}: {error}")
