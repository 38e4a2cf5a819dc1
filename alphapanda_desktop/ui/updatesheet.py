"""Whether there is a newer version: asked when the sheet is opened, fetched on a word, installed by the person alone.

Object names: update_sheet, update_words, update_notes, update_answer, update_ask, update_get, update_stop,
update_folder, update_copy, update_close.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final, NamedTuple, Protocol

import shiboken6
from PySide6.QtCore import QSize, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QPlainTextEdit, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.progress import Progress, Stopped
from alphapanda_desktop.domain.release import Offer
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.sheet import Sheet, copy_text, tell, tint
from alphapanda_desktop.ui.theme import Role
from alphapanda_desktop.ui.words import say

NAME: Final = "update_sheet"
WORK: Final = "Fetching the new version"
ABOUT: Final = (
    "The owner's signature is verified with a key that came with this program. An older version, an announcement that "
    "has run out, and a file that is not the announced one are refused. Before the file is shown, the journals of "
    "every profile are backed up. Nothing is installed by itself."
)


class Fetched(Protocol):
    """A verified file and how a person installs it; see `updates.Fetched`."""

    @property
    def path(self) -> Path: ...
    @property
    def backups(self) -> Sequence[Path]: ...
    @property
    def how(self) -> str: ...


class Asked(NamedTuple):
    """Where it is asked, what runs, and how: `look` gives what is newer, `fetch` its file. Both raise our errors."""

    address: str
    running: str
    look: Callable[[], Awaitable[Offer | None]]
    fetch: Callable[[Offer, Progress], Awaitable[Fetched]]


class UpdateSheet(Sheet):
    """Looks, fetches with progress, and says how to install."""

    least = QSize(820, 0)
    compact = True

    def __init__(self, asked: Asked, edge: Edge, parent: QWidget) -> None:
        super().__init__(NAME, "A newer version?", edge, parent)
        self._asked = asked
        self._offer: Offer | None = None
        self._fetched: Fetched | None = None
        self._progress: Progress | None = None
        self.words = self.line("", "text", "update_words")
        self.notes = QPlainTextEdit(self)
        self.notes.setObjectName("update_notes")
        self.notes.setAccessibleName(say("What is new"))
        self.notes.setReadOnly(True)
        self.notes.setTabChangesFocus(True)
        self.notes.setFixedHeight(150)
        self.notes.hide()
        self.answer = self.line("", "muted", "update_answer")
        for widget in (self.words, self.notes, self.answer, self.line(ABOUT, "muted")):
            self.body.addWidget(widget)
        self.ask = self.button("update_ask", "Ask again", self.look)
        self.get = self.button("update_get", "Fetch it", self.fetch)
        self.stop = self.button("update_stop", "Stop", self._stop)
        self.folder = self.button("update_folder", "Show its folder", self._show_folder)
        self.copy = self.button("update_copy", "Copy how to install", self._copy)
        for button in (self.ask, self.get, self.stop, self.folder, self.copy):
            self.foot.addWidget(button)
        self.foot.addStretch(1)
        self.foot.addWidget(self.button("update_close", "Close", self.dismiss))
        self._offer_buttons()

    def look(self) -> None:
        """Ask the address now."""
        self._offer = self._fetched = None
        tell(self.words, f"Version {self._asked.running} runs. Asking {self._asked.address} …")
        tell(self.answer, "")
        self.notes.hide()
        self._offer_buttons(busy=True)
        self.start("look for a newer version", self._looked())

    async def _looked(self) -> None:
        said, bad = "", False
        try:
            self._offer = await self._asked.look()
        except AlphaPandaError as error:
            said, bad = str(error), True
        if self._is_there():
            self._show_offer(said, bad=bad)

    def _show_offer(self, said: str, *, bad: bool) -> None:
        offer, running = self._offer, self._asked.running
        if bad:
            tell(self.words, f"Version {running} runs.")
        elif offer is None:
            tell(self.words, f"Version {running} runs, and it is the newest.")
        else:
            when = f"{offer.release.issued.astimezone(IST):%d %b %Y}"
            tell(self.words, f"Version {offer.release.version} was announced on {when}; {running} runs.")
            self.notes.setPlainText(offer.release.notes)
            self.notes.setVisible(bool(offer.release.notes))
            file = offer.file
            said = f"{file.name}, {file.size / 1e6:.1f} MB" if file else "It has no file for this system."
        self._say(said, "warn" if bad else "muted")
        self._offer_buttons()

    def fetch(self) -> None:
        """Fetch what was found; it goes on when the sheet is taken away, and can be stopped on the status bar too."""
        if self._offer is not None and self._progress is None:
            self._progress = Progress(WORK)
            self._say("Fetching …", "muted")
            self._offer_buttons(busy=True)
            self.start("fetch a newer version", self._got(self._offer, self._progress))

    async def _got(self, offer: Offer, progress: Progress) -> None:
        fetched: Fetched | None = None
        role: Role = "warn"
        try:
            with self.edge.works.shown(progress):
                fetched = await self._asked.fetch(offer, progress)
        except Stopped:
            said, role = "Stopped; nothing was kept.", "muted"
        except AlphaPandaError as error:
            said = str(error)
        else:
            said, role = f"Verified; journals backed up: {len(fetched.backups)}. {fetched.path}\n{fetched.how}", "good"
        if self._is_there():
            self._show_fetched(fetched, said, role)
        else:
            self.edge.notify(said, "info" if fetched else "warning")

    def _is_there(self) -> bool:
        return shiboken6.isValid(self) and not self.isHidden()

    def _show_fetched(self, fetched: Fetched | None, said: str, role: Role) -> None:
        self._progress, self._fetched = None, fetched
        self._say(said, role)
        self._offer_buttons()

    def _offer_buttons(self, *, busy: bool = False) -> None:
        """Only what can be done now."""
        can_fetch = self._offer is not None and self._offer.file is not None and self._fetched is None
        self.ask.setVisible(not busy)
        self.get.setVisible(can_fetch and not busy)
        self.stop.setVisible(self._progress is not None)
        self.folder.setVisible(self._fetched is not None)
        self.copy.setVisible(self._fetched is not None)

    def _say(self, text: str, role: Role) -> None:
        tint(self.answer, role, self.edge)
        tell(self.answer, text)

    def _stop(self) -> None:
        if self._progress is not None:
            self._progress.stop()
            self._say("Stopping …", "muted")

    def _show_folder(self) -> None:
        if self._fetched is not None:
            show_folder(self._fetched.path)

    def _copy(self) -> None:
        if self._fetched is not None:
            copy_text(self._fetched.how, self.edge, "How to install it")


def show_folder(path: Path) -> None:
    """Open the folder in which that file lies, by the system's own means."""
    QDesktopServices.openUrl(QUrl.fromLocalFile(str(path.parent)))
