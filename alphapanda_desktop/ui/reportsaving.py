"""Saves one thing after another: what is asked for while another is being saved waits its turn, and that is said.

The buttons stay as they are meanwhile: one that is disabled would give the keyboard away to whatever comes next.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

from alphapanda_desktop.domain.progress import Progress, Stopped
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.theme import Role

Saving = Callable[[Progress], Awaitable[Sequence[Path]]]
Say = Callable[[str, Role], None]


class Saver:
    """Owned by its window, which says what is told by `say`."""

    def __init__(self, edge: Edge, say: Say) -> None:
        self._edge = edge
        self._say = say
        self._wanted: dict[str, Saving] = {}
        """What is being saved, and behind it what waits."""

    def save(self, name: str, saving: Saving) -> None:
        """Save this after what was asked for before; once, where the same was asked for and is not saved yet."""
        begins = not self._wanted
        self._wanted.setdefault(name, saving)
        self._say_what_is_saved()
        if begins:
            self._edge.spawn("save review", self._save_all())

    def _say_what_is_saved(self) -> None:
        waiting = len(self._wanted) - 1
        self._say(f"Saving… {waiting} more to save after it." if waiting else "Saving…", "muted")

    async def _save_all(self) -> None:
        try:
            while self._wanted:
                name, saving = next(iter(self._wanted.items()))
                self._say_what_is_saved()
                words, role = await self._saved(saving)
                del self._wanted[name]
                self._say(words, role)
        finally:
            self._wanted.clear()

    async def _saved(self, saving: Saving) -> tuple[str, Role]:
        """What to say of it."""
        try:
            with self._edge.works.shown(Progress("Saving the review")) as progress:
                paths = await saving(progress)
        except Stopped as stopped:
            return str(stopped), "muted"
        except OSError as error:
            return f"It could not be saved: {error.strerror or error}", "danger"
        where = paths[0] if len(paths) == 1 else f"{len(paths)} files in {paths[0].parent}"
        return f"Saved: {where}", "good"
