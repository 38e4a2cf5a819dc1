"""What the strip is made of: short statements in boxes, each with fewer words for a narrow window."""

from __future__ import annotations

from typing import Final

from PySide6.QtCore import QSize, Qt
from PySide6.QtWidgets import QLabel, QToolButton, QWidget

from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import say

SLACK_PX: Final = 2


class Chip(Words):
    """A short statement in a box, in one of the theme's colours.

    `reserve` keeps the room of its longest words from the beginning: figures change with each tick, and what stands
    beside them must not move.
    """

    def __init__(self, name: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._terse = False
        self._longest: tuple[str, str] | None = None
        self._widest = {False: 0, True: 0}
        self._needs: dict[bool, int] = {}
        """What was measured since words or looks changed last: the strip asks at each change of any figure."""
        self._words = ("", "")
        self._looks = ""
        self.setObjectName(name)
        self.setAccessibleName(say(name.replace("_", " ")))
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setFont(ui_font(10, bold=True))

    def say(self, text: str, role: Role, tip: str = "", *, short: str = "", solid: bool = False) -> None:
        """Show `text`, or `short` where the strip has no room; `solid` paints on a ground of the kill button's colour.

        Nothing is done when that is what it shows already.
        """
        if (text, short or text) != self._words:
            self._words = text, short or text
            self._needs.clear()
            self._show()
        if self.toolTip() != (tip or text):
            self.setToolTip(as_tip(say(tip or text)))
            self.setAccessibleDescription(say(tip or text))
        looks = self._solid() if solid else boxed(self._edge.theme.colour(role).name())
        if looks != self._looks:
            self._looks = looks
            self._needs.clear()
            self.setStyleSheet(looks)

    def _solid(self) -> str:
        theme = self._edge.theme
        return f"background:{theme.kill}; {boxed(theme.kill, theme.on_button)}"

    def reserve(self, longest: str, short: str, where: Qt.AlignmentFlag) -> None:
        """Never be narrower than these words; what is shorter stands at that side."""
        self._longest = longest, short
        self.setAlignment(where | Qt.AlignmentFlag.AlignVCenter)

    def _show(self) -> None:
        self.setText(say(self._words[self._terse]))

    def _width_of(self, text: str) -> int:
        measure = self.fontMetrics().horizontalAdvance
        return QLabel.sizeHint(self).width() - measure(self.text()) + measure(text)

    def width_as(self, *, terse: bool) -> int:
        """The room that it asks for with many words or with few."""
        if self.isHidden():
            return 0
        if terse not in self._needs:
            self._needs[terse] = self._measured(terse)
        return self._needs[terse]

    def _measured(self, terse: bool) -> int:
        width = self._width_of(say(self._words[terse]))
        if self._longest is None:
            return width
        if not self._widest[terse] and self._looks:  # once: in parts of pixels the longest words measure differently
            self._widest[terse] = self._width_of(say(self._longest[terse])) + SLACK_PX
        self._widest[terse] = max(width, self._widest[terse])
        return self._widest[terse]

    def be_terse(self, *, terse: bool) -> None:
        """Take few words from now on, or many."""
        if terse != self._terse:
            self._terse = terse
            self._show()
            self.updateGeometry()

    def sizeHint(self) -> QSize:
        hint = super().sizeHint()
        return QSize(max(hint.width(), self.width_as(terse=self._terse)), hint.height())


class Notice(QToolButton):
    """A chip that can be pressed; hidden while there is nothing to tell."""

    def __init__(self, name: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._edge = edge
        self._terse = False
        self._needs: dict[bool, int] = {}
        self._shown: tuple[str, ...] = ("", "", "", "")
        self.setObjectName(name)
        self.setFont(ui_font(10, bold=True))
        self.hide()

    def say(self, text: str, role: Role, tip: str = "", *, short: str = "") -> None:
        """Show `text`, or nothing at all where there is none."""
        if (text, role, tip, short) == self._shown:
            return
        self._shown = (text, role, tip, short)
        self._needs.clear()
        theme = self._edge.theme
        self._show()
        self.setAccessibleName(say(text))
        self.setToolTip(as_tip(say(tip)))
        self.setVisible(bool(text))
        colour = theme.colour(role).name()
        self.setStyleSheet(
            f"QToolButton {{ background: transparent; {boxed(colour)} }}"
            f"QToolButton:hover, QToolButton:focus {{ background: {theme.selection}; }}"
        )

    def _words(self, terse: bool) -> str:
        text, _role, _tip, short = self._shown
        return (short or text) if terse else text

    def _show(self) -> None:
        self.setText(say(self._words(self._terse)))

    def width_as(self, *, terse: bool) -> int:
        """The room that it asks for with many words or with few."""
        if self.isHidden():
            return 0
        if terse not in self._needs:
            measure = self.fontMetrics().horizontalAdvance
            bare = self.sizeHint().width() - measure(self.text())
            self._needs[terse] = bare + measure(say(self._words(terse)))
        return self._needs[terse]

    def be_terse(self, *, terse: bool) -> None:
        """Take few words from now on, or many."""
        self._terse = terse
        self._show()


def boxed(colour: str, words: str = "") -> str:
    """Style of words in a rounded box of one colour."""
    return f"color:{words or colour}; border:1px solid {colour}; border-radius:4px; padding:3px 10px; margin:2px 3px;"
