"""Worker processes of this machine behind the interface of `concurrent.futures`: with progress, and an end to any job.

A job that runs can be cancelled, for its process is killed; one that tells nothing for long is taken to hang, and its
process is killed too; one whose process died is given to a fresh one once. Each worker is a fresh interpreter that sees
no environment but what it needs, and nothing it answers is trusted (`sweeps.narrow`).
"""

from __future__ import annotations

import pickle
import queue
import threading
import time
from collections.abc import Callable
from concurrent.futures import Executor, Future
from os import cpu_count
from typing import Any, Final, Generic, ParamSpec, TypeVar

from alphapanda_desktop.sweeps.job import Job, Outcome, play
from alphapanda_desktop.sweeps.process import Died, Failed, Hung, Worker

SILENCE_S: Final = 60.0
"""How long a job may tell nothing before it is taken to hang; 8,192 bars of the slowest shipped strategy take 2 s."""

_LOOK_S: Final = 0.25

P = ParamSpec("P")
T = TypeVar("T")
Told = Callable[[int, int], object]
"""Told bars done and bars in all, in a thread of the pool's."""


class Work(Future[T], Generic[T]):
    """One call on its way through a pool. `cancel` ends it where it runs, too; it then ends as cancelled."""

    def __init__(self, call: bytes, told: Told | None) -> None:
        super().__init__()
        self.call = call
        self.told = told
        self.worker: Worker | None = None
        self.heard_at = 0.0

    def running(self) -> bool:
        """Whether a worker has it."""
        return self.worker is not None and not self.done()

    def cancel(self) -> bool:
        """End it; False where it has ended already."""
        ended = super().cancel()
        worker = self.worker
        if ended and worker is not None:
            worker.kill()
        return ended

    def settle(self, value: T | None, error: BaseException | None = None) -> None:
        """Tell whoever waits, unless it was cancelled."""
        self.worker = None
        if not self.set_running_or_notify_cancel():
            return
        if error is not None:
            self.set_exception(error)
        else:
            self.set_result(value)  # type: ignore[arg-type]


class Pool(Executor):
    """So many workers, started when there is work. Use it as a context, or call `kill` when done with it."""

    def __init__(self, workers: int | None = None, *, silence_s: float = SILENCE_S) -> None:
        self.workers = workers or cpu_count() or 1
        self._silence_s = silence_s
        self._waiting: queue.SimpleQueue[Work[Any] | None] = queue.SimpleQueue()
        self._unsettled: set[Work[Any]] = set()
        self._threads: list[threading.Thread] = []
        self._drivers = 0
        self._closed = threading.Event()
        self._guard = threading.Lock()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Work[T]:
        """Call a function of an importable module in a worker; its answer must be of the kinds `sweeps.narrow` knows.

        The future raises what the function raised, `Died` or `Hung`.
        """
        return self._add(Work(pickle.dumps((fn, args, kwargs)), None))

    def play(self, job: Job, told: Told | None = None) -> Work[Outcome]:
        """Play a job in a worker."""
        return self._add(Work(pickle.dumps((play, (job,), {})), told))

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more; end the workers when what was taken has ended, or at once what has not begun."""
        with self._guard:
            if not self._closed.is_set():
                self._closed.set()
                for _ in range(self._drivers):
                    self._waiting.put(None)
        if cancel_futures:
            self._cancel(lambda work: not work.running())
        for thread in self._threads if wait else ():
            thread.join()

    def kill(self) -> None:
        """End everything now; every future that has not ended is cancelled."""
        self.shutdown(wait=False)
        self._cancel(lambda _work: True)
        for thread in self._threads:
            thread.join()

    def _cancel(self, which: Callable[[Work[Any]], bool]) -> None:
        with self._guard:
            found = [work for work in self._unsettled if which(work)]
        for work in found:
            work.cancel()

    def _add(self, work: Work[T]) -> Work[T]:
        with self._guard:
            if self._closed.is_set():
                raise RuntimeError("this pool takes no more jobs: it was shut down")
            self._unsettled.add(work)
            self._waiting.put(work)
            if not self._threads:
                self._start("watch", self._watch)
            if self._drivers < min(self.workers, len(self._unsettled)):
                self._start(f"drive-{self._drivers}", _Driver(self._waiting, self._settled).run)
                self._drivers += 1
        return work

    def _start(self, name: str, run: Callable[[], None]) -> None:
        thread = threading.Thread(target=run, name=f"pool-{name}", daemon=True)
        thread.start()
        self._threads.append(thread)

    def _settled(self, work: Work[Any]) -> None:
        with self._guard:
            self._unsettled.discard(work)
        if not work.done():  # an error of the caller's own `told` ends this thread, but nobody waits for ever
            work.settle(None, RuntimeError("what was to be told of its progress raised"))

    def _watch(self) -> None:
        """One thread: ends the workers of jobs that hang."""
        while not self._closed.wait(_LOOK_S) or self._unsettled:
            now = time.monotonic()
            with self._guard:
                found = [(work, work.worker) for work in self._unsettled]
            for work, worker in found:
                if worker is not None and now - work.heard_at > self._silence_s and not work.done():
                    worker.give_up(self._silence_s)
            if self._closed.is_set():
                time.sleep(_LOOK_S)


class _Driver:
    """One thread and its worker: takes what waits, has it done, until there is no more."""

    def __init__(self, waiting: queue.SimpleQueue[Work[Any] | None], settled: Callable[[Work[Any]], None]) -> None:
        self._waiting = waiting
        self._settled = settled
        self._worker: Worker | None = None

    def run(self) -> None:
        """Until a None comes."""
        try:
            while (work := self._waiting.get()) is not None:
                try:
                    self._carry_out(work)
                finally:
                    self._settled(work)
        finally:
            self._let_go()

    def _carry_out(self, work: Work[Any]) -> None:
        """Have it done, by a second worker where the first one dies."""
        for is_last in (False, True):
            if work.cancelled():
                break
            try:
                work.settle(self._ask(work))
                return
            except Failed as failed:
                work.settle(None, failed.error)
                return
            except Died as died:
                self._let_go()
                if is_last or isinstance(died, Hung):
                    work.settle(None, died)
                    return
        work.settle(None)

    def _ask(self, work: Work[Any]) -> Any:
        worker = self._worker = self._worker or Worker()
        work.heard_at, work.worker = time.monotonic(), worker
        if work.cancelled():  # a moment ago, when `cancel` did not know the worker yet
            raise Died("it was cancelled")
        worker.ask(work.call)
        while (progress := worker.answer()) is not None:
            work.heard_at = time.monotonic()
            if work.told is not None:
                work.told(*progress)
        return worker.value

    def _let_go(self) -> None:
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.end()
