"""A sheet that takes a watchlist from text: pasted, typed, or out of a file.

Object names: import_sheet, import_text, import_path, import_found, import_add, import_new.
"""

from __future__ import annotations

from pathlib import Path

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QWidget

from alphapanda_desktop.domain.watchlists import Imported
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.watchtabs import WatchTabs
from alphapanda_desktop.ui.words import say

WHAT = (
    "Paste a CSV of AlphaPanda or Kite, or names between commas or on lines: INFY, NFO:NIFTY26DECFUT, RELIANCE. "
    "A third column is the group."
)


class ImportSheet(Sheet):
    """Says what the text names of today's instruments before anything is added."""

    least = QSize(640, 380)

    def __init__(self, tabs: WatchTabs, edge: Edge, parent: QWidget) -> None:
        super().__init__("import_sheet", "Import a watchlist", edge, parent)
        self._tabs = tabs
        self._read = Imported((), ())
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("import_text")
        self.text.setAccessibleName(say("Instruments to import"))
        self.text.setTabChangesFocus(True)
        self.text.textChanged.connect(self._look)
        self.path = QLineEdit(self)
        self.path.setObjectName("import_path")
        self.path.setAccessibleName(say("File to import"))
        self.path.setPlaceholderText(
            say("or the path of a CSV file, then Enter; a file can also be dropped on the list")
        )
        self.path.returnPressed.connect(self._take_file)
        self.found = self.line("Nothing yet.", "muted", "import_found")
        self.add = self.button("import_add", "Add to this list", lambda: self._take(""))
        self.new = self.button("import_new", "Make a new list", lambda: self._take("Imported"))
        self.body.addWidget(self.line(WHAT, "muted"))
        self.body.addWidget(self.text, 1)
        self.body.addWidget(self.path)
        self.body.addWidget(self.found)
        self._add_buttons()
        self.setFocusProxy(self.text)
        self._look()

    def _add_buttons(self) -> None:
        row = QHBoxLayout()
        row.addWidget(self.add)
        row.addWidget(self.new)
        row.addStretch(1)
        self.foot.addLayout(row)

    def _look(self) -> None:
        self._read = read = self._tabs.read(self.text.toPlainText())
        tell(self.found, f"{read.text()}." if self.text.toPlainText().strip() else "Nothing yet.")
        tint(self.found, "warn" if read.wrong else "good" if read.found else "muted", self.edge)
        self.add.setText(say(f"Add to {self._tabs.showing.name}".replace("&", "&&")))
        for button in (self.add, self.new):
            button.setEnabled(bool(read.found))

    def _take(self, name: str) -> None:
        self._tabs.take(self._read, name)
        self.dismiss()

    def _take_file(self) -> None:
        path = Path(self.path.text().strip()).expanduser()
        try:
            self.text.setPlainText(path.read_text(encoding="utf-8-sig", errors="replace")[:1_000_000])
        except OSError as error:
            tell(self.found, f"{path} cannot be read: {error.strerror or error}")
            tint(self.found, "danger", self.edge)
