"""The way to a newer version in the window: a menu entry where somebody can be asked, else a word in About."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, TypeVar

from alphapanda_desktop import __version__
from alphapanda_desktop.announcement import Source, source_of
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.ui.entries import entry, menu_of

if TYPE_CHECKING:
    from pathlib import Path

    from alphapanda_desktop.domain.progress import Progress
    from alphapanda_desktop.domain.release import Offer
    from alphapanda_desktop.ui.edge import Edge
    from alphapanda_desktop.ui.shell import MainWindow
    from alphapanda_desktop.ui.updatesheet import Asked
    from alphapanda_desktop.updates import Fetched

T = TypeVar("T")


def offer_updates(window: MainWindow, edge: Edge, profile: Path, address: str, keys: Path | None = None) -> None:
    """Put the entry into Help, and what stands into About. `keys` are in that folder instead of the program's own."""
    source, menu = source_of(address, keys), menu_of(window, "&Help")
    if isinstance(source, str) or menu is None:
        window.menus.updates = f"{source[0].upper()}{source[1:]}." if isinstance(source, str) else ""
        return
    window.menus.updates = (
        f"New versions are asked for at {source.address}, when you ask for them (Help › Check for updates)."
    )
    words = "Check for &updates…"
    entry(menu, "updates_action", words, lambda: show_updates(window, edge, asked(source, profile)))


def show_updates(window: MainWindow, edge: Edge, asked_: Asked) -> None:
    """The sheet, which begins by asking; one that is open is only brought forward."""
    from alphapanda_desktop.ui.updatesheet import NAME, UpdateSheet

    known = window.deck.find(NAME)
    sheet = known or UpdateSheet(asked_, edge, window)
    window.deck.lay(sheet)
    if known is None and isinstance(sheet, UpdateSheet):
        sheet.look()


def asked(source: Source, profile: Path) -> Asked:
    """Looks and fetches on threads of their own, so that no window waits for a network or a disk."""
    from alphapanda_desktop.ui.updatesheet import Asked
    from alphapanda_desktop.updates import Updates

    made = Updates(source, profile, __version__, lambda: datetime.now(UTC))

    async def look() -> Offer | None:
        return await _on_a_thread("look for a newer version", made.look)

    async def fetch(offer: Offer, progress: Progress) -> Fetched:
        try:
            return await _on_a_thread("fetch a newer version", lambda: made.fetch(offer, progress))
        except asyncio.CancelledError:
            progress.stop()  # the program ends: its thread takes away what it has
            raise

    return Asked(source.address, __version__, look, fetch)


async def _on_a_thread(name: str, work: Callable[[], T]) -> T:
    return await asyncio.wrap_future(in_daemon_thread(name, work))
