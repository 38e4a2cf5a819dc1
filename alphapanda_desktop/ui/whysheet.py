"""Why an order: from the ticks and values that led to it to its fills, charges and result, to read and to keep.

Object names: `why_text`, `why_ref`, `why_copy`, `why_save_text`, `why_save_json`.
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final

from PySide6.QtCore import QSize
from PySide6.QtGui import QFontMetricsF, QResizeEvent
from PySide6.QtWidgets import QLineEdit, QPlainTextEdit, QPushButton, QWidget

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.fonts import fixed_font
from alphapanda_desktop.ui.sheet import Sheet, copy_text, save_text
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    from alphapanda_desktop.trading.why import Trail

ASKING: Final = "Reading the journal…"


def hanging(text: str, width: int) -> str:
    """The same lines, each broken at `width` characters under its own words, not under its name."""
    return "\n".join(_hung(line, width) for line in text.splitlines())


def _hung(line: str, width: int) -> str:
    name = re.match(r"\s*\S+(?: \S+)*\s{2,}", line)  # "  bar        " before what is said of it
    indent = len(name[0]) if name is not None and len(name[0]) < width // 2 else 2
    return "\n".join(textwrap.wrap(line, width, subsequent_indent=" " * indent, drop_whitespace=True)) or line


class WhySheet(Sheet):
    """Shows the trail of one order at a time; `why` reads it by tag or order id, `folder` keeps saved ones."""

    least = QSize(1040, 720)

    def __init__(self, why: Callable[[str], Awaitable[Trail]], folder: Path, edge: Edge, parent: QWidget) -> None:
        super().__init__("why_sheet", "Why this order?", edge, parent)
        self._why = why
        self._folder = folder
        self._ref = ""
        self.trail: Trail | None = None
        self.ref = QLineEdit(self)
        self.ref.setObjectName("why_ref")
        self.ref.setAccessibleName(say("Order id or tag"))
        self.ref.setPlaceholderText(say("order id or tag, Enter"))
        self.ref.setMaximumWidth(280)
        self.ref.returnPressed.connect(lambda: self.ask(self.ref.text().strip()))
        self.text = QPlainTextEdit(self)
        self.text.setObjectName("why_text")
        self.text.setAccessibleName(say("The trail of the order"))
        self.text.setReadOnly(True)
        self.text.setFont(fixed_font(10))
        self.body.addWidget(self.ref)
        self.body.addWidget(self.text, 1)
        self._build_foot()
        self._show("Type an order id or a tag, or choose “Why this order?” on a row of Orders or Trades.")

    def _build_foot(self) -> None:
        self.saves: list[QPushButton] = [
            self.button("why_copy", "Copy", self._copy),
            self.button("why_save_text", "Save as text", lambda: self._save("txt")),
            self.button("why_save_json", "Save as JSON", lambda: self._save("json")),
        ]
        self.foot.addStretch(1)
        for button in self.saves:
            self.foot.addWidget(button)

    def ask(self, ref: str) -> None:
        """Show the trail of this order id or tag."""
        if not ref:
            return
        self._ref, self.trail = ref, None
        self.ref.setText(ref)
        self.title.setText(say(f"Why this order? {ref}"))
        self._show(ASKING)
        self.start(f"why {ref}", self._read(ref))

    async def _read(self, ref: str) -> None:
        try:
            trail = await self._why(ref)
        except AlphaPandaError as error:
            words, found = f"{ref}: {error}", None
        else:
            words, found = trail.text(), trail
        if ref == self._ref:  # else another was asked for meanwhile
            self.trail = found
            self._show(words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        if self.trail is not None:
            self._show(self.trail.text())

    def _show(self, words: str) -> None:
        self.text.setPlainText(hanging(words, self._columns()))
        for button in self.saves:
            button.setEnabled(self.trail is not None)

    def _columns(self) -> int:
        """Characters that a line has room for, beside the scroll bar that may come."""
        beside = 2 * self.text.frameWidth() + self.text.verticalScrollBar().sizeHint().width()
        room = self.text.width() - beside - 2 * self.text.document().documentMargin()
        return max(40, int(room / QFontMetricsF(self.text.font()).horizontalAdvance("0")) - 2)

    def _copy(self) -> None:
        if self.trail is not None:
            copy_text(self.trail.text(), self.edge, "The trail")

    def _save(self, kind: str) -> None:
        if self.trail is None:
            return
        text = self.trail.text() if kind == "txt" else self.trail.json()
        save_text(text.rstrip() + "\n", self._folder, f"why-{self._ref}.{kind}", self.edge)
