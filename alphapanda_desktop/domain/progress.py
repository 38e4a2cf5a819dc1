"""How far long work is, and whether a person wants it to stop: one small thing that all long work shares.

A `Progress` is moved on by the work, on whatever thread that runs, and read by the screen. `Works` lists what runs now.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from alphapanda_desktop.domain.errors import AlphaPandaError


class Stopped(AlphaPandaError):
    """A person stopped this work; it has left nothing half done."""


class Progress:
    """One piece of long work. `total` 0 says that nobody knows how much there is; `end` is what else ends it."""

    __slots__ = ("_asked", "done", "end", "name", "stoppable", "total", "words")

    def __init__(
        self, name: str, total: int = 0, *, stoppable: bool = True, end: Callable[[], object] | None = None
    ) -> None:
        self.name = name
        self.words = ""
        self.done = 0
        self.total = total
        self.stoppable = stoppable
        self.end = end
        self._asked = False

    @property
    def asked_to_stop(self) -> bool:
        return self._asked

    def at(self, done: int, total: int | None = None, words: str | None = None) -> None:
        """So much is done; raises Stopped where a person wants no more of it, so call it where that is safe."""
        if self._asked:
            raise Stopped(f"Stopped: {self.name}.")
        self.done = done
        self.total = self.total if total is None else total
        self.words = self.words if words is None else words

    def step(self, words: str | None = None) -> None:
        """One more is done; raises Stopped as `at` does."""
        self.at(self.done + 1, words=words)

    def stop(self) -> None:
        """Ask it to stop, from the loop's thread; it does at its next step."""
        if self.stoppable and not self._asked:
            self._asked = True
            if self.end is not None:
                self.end()

    def told(self) -> str:
        """Name, share and words, as a screen reader says them."""
        share = f" {min(100, 100 * self.done // self.total)} %" if self.total > 0 else ""
        doing = "stopping…" if self._asked else self.words
        return f"{self.name}{share}" + (f": {doing}" if doing else "")


class Works:
    """What long work runs now, oldest first. `listeners` are called when one begins or ends, on the loop's thread."""

    def __init__(self) -> None:
        self.running: list[Progress] = []
        self.listeners: list[Callable[[], object]] = []

    @contextmanager
    def shown(self, progress: Progress) -> Iterator[Progress]:
        """Show this work for as long as the block runs."""
        self.running.append(progress)
        self._changed()
        try:
            yield progress
        finally:
            self.running.remove(progress)
            self._changed()

    def _changed(self) -> None:
        for listener in tuple(self.listeners):
            listener()
