"""What the window is built with from the run before, and how it keeps what the next one needs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.ui.edge import Edge, ended
from alphapanda_desktop.ui.theme import PAIRS

if TYPE_CHECKING:
    from concurrent.futures import Future


@dataclass(frozen=True, eq=False, repr=False)
class Remembered:
    """What was left by the last run.

    `save(name, value)` keeps "layout", "watch_lists", "chart_key", "theme", "pair", "screen", "shortcuts", "guide"
    and "ask_first".
    `unasked` are the modes in which a ticket sends its order without showing it once more.
    """

    theme: str
    layout: bytes
    save: Callable[[str, object], None]
    save_later: Callable[[str, object], Future[None] | None]
    """`save` with nothing waiting for the disk; None where there is nothing to wait for."""
    unasked: frozenset[str] = frozenset()
    pair: str = PAIRS[0]
    """The colours of what rises and falls."""
    guide: bool = False
    """Whether the guided first run goes on."""
    shortcuts: Mapping[str, str] = field(default_factory=dict)
    """Keys of the person's own, by action."""
    scale: int = 100
    """Size of everything that is asked for, in per cent."""

    def keep(self, edge: Edge, name: str, value: object) -> None:
        """Keep this for the next run, with nothing waiting for the disk; its refusal is told."""
        with _telling(edge):
            if (saving := self.save_later(name, value)) is not None:
                edge.spawn("remember", _ended(edge, saving))


async def _ended(edge: Edge, saving: Future[None]) -> None:
    with _telling(edge):
        await ended(saving)


@contextmanager
def _telling(edge: Edge) -> Iterator[None]:
    """A layout that is not kept is no danger: everything else goes on as it was."""
    try:
        yield
    except AlphaPandaError as error:
        edge.notify(str(error), "warning")
