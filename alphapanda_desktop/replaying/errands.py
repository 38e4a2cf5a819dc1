"""What the recorded day waits for: orders under way, endings of runs, and strategies that are answering."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Final, Protocol, final, runtime_checkable

from alphapanda_desktop.trading.scope import OnError, Scope
from alphapanda_desktop.trading.seat import Seat, SeatMaker, Sitting

ERRANDS: Final = ("submit ", "cancel ", "place ", "end ", "kill ", "refresh books", "journal update")
"""How the names of tasks begin that an order, a run's end or a look at the books is carried out in."""


class ErrandScope(Scope):
    """A scope that knows how many orders and endings are under way in it."""

    def __init__(self, name: str, on_error: OnError) -> None:
        super().__init__(name, on_error)
        self.errands = 0

    def spawn(self, name: str, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a child task, as a scope does."""
        task = super().spawn(name, work)
        if name.startswith(ERRANDS):
            self.errands += 1
            task.add_done_callback(self._ended)
        return task

    def _ended(self, _task: asyncio.Task[Any]) -> None:
        self.errands -= 1


@runtime_checkable
class Answers(Protocol):
    """A seat whose strategy takes its time, because it sits in another process."""

    @property
    def busy(self) -> bool: ...


@final
class UnderWay:
    """Everything that a recorded day has caused and that is not over."""

    def __init__(self) -> None:
        self._scopes: list[ErrandScope] = []
        self._seats: list[Answers] = []
        self.news_waits: Callable[[], bool] = lambda: False
        """Whether the desk is about to read its books."""

    def scope(self, name: str, on_error: OnError) -> Scope:
        """A scope that is looked at."""
        self._scopes.append(ErrandScope(name, on_error))
        return self._scopes[-1]

    def seats(self, make: SeatMaker) -> SeatMaker:
        """The same seats, looked at."""

        def made(sitting: Sitting) -> Seat:
            seat = make(sitting)
            if isinstance(seat, Answers):
                self._seats.append(seat)
            return seat

        return made

    def __bool__(self) -> bool:
        errands = any(scope.errands for scope in self._scopes) or any(seat.busy for seat in self._seats)
        return errands or self.news_waits()
