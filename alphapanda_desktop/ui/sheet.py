"""Sheets: pages laid over the centre of the window. Nothing beneath is stopped, and the strip stays in reach."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import shiboken6
from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QKeyEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QMainWindow,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.ui.clothes import clothe
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.ticketsheet import go_round
from alphapanda_desktop.ui.words import say

if TYPE_CHECKING:
    import asyncio

MARGIN: Final = 10


class Sheet(QFrame):
    """A titled page over the centre. Signal: `dismissed()` once it is taken away; Esc does that too.

    It takes the centre, and more of the window where the docks leave the centre less than `least`; a `compact` one is
    as wide as `least` and as high as it must be.
    """

    dismissed = Signal()
    least = QSize(1040, 560)
    compact = False

    def __init__(self, name: str, title: str, edge: Edge, parent: QWidget, role: Role = "accent") -> None:
        super().__init__(parent)
        self.edge = edge
        self.setObjectName(name)
        self.setAccessibleName(say(title))
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        self.setAutoFillBackground(True)
        self._role: Role = role
        self.had_keyboard = False
        self._started: set[asyncio.Task[None]] = set()
        self._dismissed = False
        self.title = Words(say(title), self)
        self.title.setFont(ui_font(13, bold=True))
        self.body = QVBoxLayout()
        self.body.setSpacing(8)
        self.foot = QHBoxLayout()
        whole = QVBoxLayout(self)
        whole.setContentsMargins(18, 12, 18, 14)
        whole.setSpacing(10)
        whole.addLayout(self._head())
        whole.addLayout(self.body, 1)
        whole.addLayout(self.foot)
        self.colour(role)
        self.hide()

    def _head(self) -> QHBoxLayout:
        self.away = QToolButton(self)
        self.away.setObjectName(f"{self.objectName()}_away")
        self.away.setText("✕")
        self.away.setToolTip(say("Take this sheet away (Esc)"))
        self.away.setAccessibleName(say("Take this sheet away"))
        self.away.clicked.connect(self.dismiss)
        head = QHBoxLayout()
        head.addWidget(self.title, 1)
        head.addWidget(self.away)
        return head

    def setStyleSheet(self, sheet: str) -> None:
        """Wear these rules, and no others that were worn before it was shown.

        Qt keeps what it has read of a style sheet until the widget is polished: rules that are added before are lost.
        """
        self.ensurePolished()
        super().setStyleSheet(sheet)

    def colour(self, role: Role) -> None:
        """Frame and title in the colour of what it tells."""
        self._role, theme = role, self.edge.theme
        tone = theme.colour(role).name()
        name = self.objectName()
        clothe(
            self,
            theme,
            f"#{name} {{ background: {theme.window}; border: 1px solid {theme.border}; border-top: 3px solid {tone}; "
            "border-radius: 6px; }",
        )
        self.title.setStyleSheet(f"color: {tone};")

    def line(self, text: str = "", role: Role = "text", name: str = "") -> QLabel:
        """A line of words that wraps and can be copied, hidden while it has none (`tell`); not yet in any layout."""
        label = Words(say(text), self)
        label.setObjectName(name)
        label.setWordWrap(True)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        label.setHidden(not text)
        tint(label, role, self.edge)
        return label

    def button(self, name: str, text: str, work: Callable[[], object], tip: str = "") -> QPushButton:
        """A named button that calls `work`; not yet in any layout."""
        button = QPushButton(say(text), self)
        button.setObjectName(name)
        button.setAccessibleName(say(text))
        button.setToolTip(as_tip(say(tip)))
        button.clicked.connect(lambda _checked=False: work())
        return button

    def needed_height(self, width: int) -> int:
        """What its words and fields need at that width."""
        layout = self.layout()
        assert layout is not None
        return layout.totalHeightForWidth(width) if layout.hasHeightForWidth() else layout.totalSizeHint().height()

    def start(self, name: str, work: Coroutine[Any, Any, Any]) -> None:
        """Start work of this sheet's. One that is taken away meanwhile is kept, out of sight, until that is done."""
        task = self.edge.spawn(name, work)
        self._started.add(task)
        task.add_done_callback(self._done_with)

    def _done_with(self, task: asyncio.Task[None]) -> None:
        self._started.discard(task)
        if self._dismissed and not self._started and shiboken6.isValid(self):
            self.deleteLater()

    def dismiss(self) -> None:
        """Take it away; what it started goes on."""
        if self._dismissed:
            return
        focused = self.window().focusWidget()  # asked now: hiding gives the keyboard to whatever comes next
        self.had_keyboard = focused is not None and (focused is self or self.isAncestorOf(focused))
        self.hide()
        self._dismissed = True
        self.dismissed.emit()
        if not self._started:
            self.deleteLater()

    def focusNextPrevChild(self, forward: bool) -> bool:
        return go_round(self, forward)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape:
            self.dismiss()
        else:
            super().keyPressEvent(event)


class SheetDeck(QObject):
    """Lays sheets over the centre of a window, the newest on top; the one beneath shows again as it goes."""

    def __init__(self, window: QMainWindow, centre: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._centre = centre
        self._sheets: list[Sheet] = []
        self._over: list[QWidget] = []
        self._came_from: QWidget | None = None
        centre.installEventFilter(self)
        window.installEventFilter(self)

    @property
    def top(self) -> Sheet | None:
        return self._sheets[-1] if self._sheets else None

    @property
    def has_keyboard(self) -> bool:
        """Whether what is typed goes to a sheet."""
        focused = self._window.focusWidget()
        return focused is not None and any(sheet is focused or sheet.isAncestorOf(focused) for sheet in self._sheets)

    def find(self, name: str) -> Sheet | None:
        """The open sheet of that name."""
        return next((sheet for sheet in self._sheets if sheet.objectName() == name), None)

    def keep_under(self, dock: QWidget) -> None:
        """A neighbour that raises itself, as a dock does when its tab is chosen, never comes over a sheet."""
        dock.installEventFilter(self)

    def keep_over(self, widget: QWidget) -> None:
        """Something else of the window that lies over it, as the ticket does, stays over it too."""
        self._over.append(widget)

    def lay(self, sheet: Sheet) -> None:
        """Show a sheet on top of the others."""
        if not self._sheets:
            self._came_from = self._window.focusWidget()
        if sheet in self._sheets:
            self._sheets.remove(sheet)
        else:
            sheet.setParent(self._window)
            sheet.dismissed.connect(lambda: self._gone(sheet))
            sheet.installEventFilter(self)
        self._sheets.append(sheet)
        sheet.setGeometry(self._place(sheet))
        sheet.show()
        sheet.raise_()
        sheet.setFocus()
        self.keep_over_windows()

    def keep_over_windows(self) -> None:
        """Where the centre has a window of its own, as a web view is, be one as well: else it is drawn over sheets."""
        within = self._centre.findChildren(QWidget)
        if any(widget.testAttribute(Qt.WidgetAttribute.WA_NativeWindow) for widget in within):
            for above in (*self._over, *self._sheets):
                above.setAttribute(Qt.WidgetAttribute.WA_DontCreateNativeAncestors)
                above.setAttribute(Qt.WidgetAttribute.WA_NativeWindow)
                above.winId()
            for sheet in self._sheets:
                sheet.raise_()

    def _gone(self, sheet: Sheet) -> None:
        self._sheets = [kept for kept in self._sheets if kept is not sheet and shiboken6.isValid(kept)]
        if self.top is not None:
            self.top.raise_()
            self.top.setFocus()
        elif sheet.had_keyboard:
            back, self._came_from = self._came_from, None
            known = back is not None and shiboken6.isValid(back) and back.isVisible()
            (back if known and back is not None else self._centre).setFocus()

    def _place(self, sheet: Sheet) -> QRect:
        """The centre's place, widened over its neighbours where it is small, below the strip in any case."""
        window, centre = self._window, self._centre
        at = QRect(centre.mapTo(window, QPoint(0, 0)), centre.size()).adjusted(MARGIN, MARGIN, -MARGIN, -MARGIN)
        room = QRect(QPoint(MARGIN, at.top()), window.rect().bottomRight() - QPoint(MARGIN, MARGIN))
        wide = min(sheet.least.width() if sheet.compact else max(at.width(), sheet.least.width()), room.width())
        high = sheet.needed_height(wide) if sheet.compact else max(at.height(), sheet.least.height())
        left = max(room.left(), min(at.center().x() - wide // 2, room.right() - wide + 1))
        return QRect(left, at.top(), wide, min(high, room.height()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.ZOrderChange:
            if not isinstance(watched, Sheet):
                self._raise_again()
            return False
        moved = event.type() in (QEvent.Type.Resize, QEvent.Type.Move) and not isinstance(watched, Sheet)
        if moved or event.type() == QEvent.Type.LayoutRequest:  # the latter once a sheet says more than before
            self._arrange()
        return False

    def _raise_again(self) -> None:
        """What lies over the window comes over what was just raised, in the order that it had."""
        ours = {id(kept) for kept in (*self._sheets, *self._over)}
        for child in self._window.children():
            if id(child) in ours and isinstance(child, QWidget) and child.isVisible():
                child.raise_()

    def _arrange(self) -> None:
        for sheet in self._sheets:
            sheet.setGeometry(self._place(sheet))


class TypedSheet(Sheet):
    """A question answered by typing a word. Signal: `typed(str)`; the sheet stays until the asker takes it away."""

    typed = Signal(str)
    least = QSize(640, 0)
    compact = True

    def __init__(self, name: str, title: str, text: str, edge: Edge, parent: QWidget) -> None:
        super().__init__(name, title, edge, parent, "warn")
        self.words = self.line(text)
        self.field = QLineEdit(self)
        self.field.setObjectName("typed_word")
        self.field.setAccessibleName(say(text))
        self.field.setMaximumWidth(260)
        self.answer = self.line("", "danger", "typed_answer")
        self.ok = self.button("typed_ok", "OK", self._say)
        self.field.returnPressed.connect(self._say)
        row = QHBoxLayout()
        row.addWidget(self.field)
        row.addWidget(self.ok)
        row.addWidget(self.button("typed_cancel", "Cancel", self.dismiss))
        row.addStretch(1)
        self.body.addWidget(self.words)
        self.body.addLayout(row)
        self.body.addWidget(self.answer)
        self.body.addStretch(1)
        self.setFocusProxy(self.field)

    def _say(self) -> None:
        self.typed.emit(self.field.text().strip())


def tint(label: QLabel, role: Role, edge: Edge) -> None:
    """Words in the colour of what they tell."""
    label.setStyleSheet(f"color: {edge.theme.colour(role).name()};")


def give_way(label: QLabel) -> QLabel:
    """Wrap, and never make what it stands in wider, however long a word a strategy says."""
    label.setWordWrap(True)
    label.setMinimumWidth(1)
    return label


def tell(label: QLabel, text: str) -> None:
    """Show words, or no line at all where there are none."""
    label.setText(say(text))
    label.setVisible(bool(text))


def copy_text(text: str, edge: Edge, what: str) -> None:
    """Put text on the clipboard, and say so."""
    QGuiApplication.clipboard().setText(text)
    edge.notify(f"{what} is on the clipboard.", "info")


def save_text(text: str, folder: Path, name: str, edge: Edge) -> Path | None:
    """Write a new file there, say where it is, and give its path; None where it could not be written, which is told.

    No file dialog: each of them is modal or runs a loop of its own, and the kill switch must stay in reach.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path = _unused(folder / name)
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except OSError as error:
        edge.notify(f"{folder / name} could not be written: {error.strerror or error}", "danger")
        return None
    edge.notify(f"Saved to {path}", "info")
    return path


def _unused(path: Path) -> Path:
    """The path, or one with a number behind its name where a file is there already."""
    numbered = (path.with_stem(f"{path.stem}-{number}") for number in count(2))
    return path if not path.exists() else next(other for other in numbered if not other.exists())
