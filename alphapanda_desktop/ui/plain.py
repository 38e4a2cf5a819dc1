"""Words that others wrote, shown as they stand: Qt would read what looks like markup in them as markup.

Names of instruments, answers of the exchange, log lines and files are such words. So no label is made of QLabel here
but of one of these two, and each tooltip of words that come from elsewhere goes through `as_tip`.
"""

from __future__ import annotations

from html import escape
from typing import Any

from PySide6.QtCore import Qt
from PySide6.QtGui import Qt as Gui
from PySide6.QtWidgets import QLabel


class Words(QLabel):
    """A label that shows its text letter by letter."""

    def __init__(self, *what: Any, **properties: Any) -> None:
        super().__init__(*what, **properties)
        self.setTextFormat(Qt.TextFormat.PlainText)

    def tell(self, text: str, tip: str) -> None:
        """Show these words, and those where the mouse rests on them."""
        self.setText(text)
        self.setToolTip(as_tip(tip))


class Marked(QLabel):
    """A label of markup that is made here; its maker escapes whatever comes from elsewhere."""

    def __init__(self, *what: Any, **properties: Any) -> None:
        super().__init__(*what, **properties)
        self.setTextFormat(Qt.TextFormat.RichText)


def as_tip(text: str) -> str:
    """A tooltip that shows this text letter by letter: Qt knows no other way of saying that it is none of markup."""
    if "<" not in text or not Gui.mightBeRichText(text):
        return text
    return f"<span style='white-space: pre-wrap'>{escape(text)}</span>"


def bare(text: str) -> str:
    """The text without a letter that begins markup, for notices: what shows them is another program."""
    return text.translate(_BARE)


_BARE = str.maketrans({"<": "‹", ">": "›"})
