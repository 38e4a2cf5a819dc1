"""The About sheet: which program this is, on what it runs, and what it contains of others."""

from __future__ import annotations

import json
import platform
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, metadata, requires
from pathlib import Path
from typing import Final

from PySide6.QtCore import QSize, Qt, qVersion
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from alphapanda_desktop import __version__
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.fonts import fixed_font
from alphapanda_desktop.ui.plain import Words
from alphapanda_desktop.ui.sheet import Sheet, copy_text
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

ICON_PX: Final = 72
LICENCES: Final = "LICENSES.txt"


@dataclass(frozen=True, slots=True)
class Part:
    """Something of others within the program."""

    name: str
    version: str
    licence: str


def parts(folder: Path) -> tuple[Part, ...]:
    """What a package lists in `third-party.json`; from source, the libraries that the project itself names.

    Raises OSError or ValueError where the list of a package cannot be read.
    """
    listed = folder / "third-party.json"
    if listed.is_file():
        read = json.loads(listed.read_text(encoding="utf-8"))
        return tuple(Part(str(one["name"]), str(one["version"]), str(one["licence"])) for one in read)
    return tuple(_installed())


def _installed() -> list[Part]:
    try:
        wanted = [line.partition("==")[0] for line in requires("alphapanda-desktop") or () if "extra ==" not in line]
    except PackageNotFoundError:
        return []
    found = []
    for name in wanted:
        told = metadata(name)
        licence = (told.get_all("License-Expression") or told.get_all("License") or ["see its page"])[0]
        found.append(Part(told["Name"], told["Version"], licence.strip().partition("\n")[0][:60]))
    return found


def about_text() -> str:
    """Program, Python, Qt and system in one line each: what a report of a fault begins with."""
    frozen = "package" if getattr(sys, "frozen", False) else "source"
    return (
        f"AlphaPanda Desktop {__version__} ({frozen})\n"
        f"Python {platform.python_version()} · Qt {qVersion()}\n"
        f"{platform.platform(aliased=True, terse=True)}, {platform.machine()}"
    )


class AboutSheet(Sheet):
    """Name, versions and the parts of others; their licences in full where the package brought them."""

    least = QSize(760, 560)

    def __init__(self, edge: Edge, parent: QWidget, icon: QIcon, folder: Path, updates: str = "") -> None:
        """`updates` says how newer versions are asked for."""
        super().__init__("about_sheet", "About AlphaPanda Desktop", edge, parent)
        self._folder = folder
        self.body.addLayout(self._head_of(icon))
        self.updates = self.line(updates, "muted", "about_updates")
        self.body.addWidget(self.updates)
        self.body.addWidget(self.line("Contains, with thanks:", "muted"))
        self.listed = self._page("about_parts", "Parts of others and their licences")
        self.body.addWidget(self.listed, 1)
        self.licences = self.button("about_licences", "Show the licences in full", self._show_licences)
        self.licences.setEnabled((folder / LICENCES).is_file())
        if not self.licences.isEnabled():
            self.licences.setToolTip(say("The texts are made with the package: make package"))
        self.copy = self.button("about_copy", "Copy versions", lambda: copy_text(about_text(), edge, "What this is"))
        self.foot.addWidget(self.licences)
        self.foot.addStretch(1)
        self.foot.addWidget(self.copy)
        self._show_parts()

    def _head_of(self, icon: QIcon) -> QHBoxLayout:
        picture = Words(self)
        picture.setPixmap(icon.pixmap(QSize(ICON_PX, ICON_PX), self.devicePixelRatioF()))
        picture.setAccessibleName(say("The panda of AlphaPanda"))
        self.versions = self.line(about_text(), name="about_versions")
        self.versions.setFont(ui_font(11))
        words = QVBoxLayout()
        words.addWidget(self.versions)
        words.addWidget(self.line("A trading terminal for Zerodha's algo traders. Not made or endorsed by Zerodha.",
            "muted"))  # fmt: skip
        row = QHBoxLayout()
        row.setSpacing(18)
        row.addWidget(picture, 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        return row

    def _page(self, name: str, accessible: str) -> QPlainTextEdit:
        page = QPlainTextEdit(self)
        page.setObjectName(name)
        page.setAccessibleName(accessible)
        page.setReadOnly(True)
        page.setTabChangesFocus(True)
        page.setFont(fixed_font(9))
        page.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        return page

    def _show_parts(self) -> None:
        try:
            found = parts(self._folder)
        except (OSError, ValueError, KeyError, TypeError) as error:
            self.listed.setPlainText(f"The list that came with the program cannot be read: {error}")
            return
        wide = max((len(part.name) for part in found), default=0)
        lines = [f"{part.name:<{wide}}  {part.version:<18}  {part.licence}" for part in found]
        self.listed.setPlainText("\n".join(lines) or "The program was not installed, so nothing tells what it is of.")

    def _show_licences(self) -> None:
        try:
            text = (self._folder / LICENCES).read_text(encoding="utf-8")
        except OSError as error:
            text = f"{LICENCES} cannot be read: {error.strerror}"
        self.listed.setPlainText(text)
        self.listed.setFocus()
