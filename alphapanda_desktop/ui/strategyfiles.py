"""People's own strategy files in the panel: what each is good for, enabling one after a look at it, and a new one.

Object names for the tour: `files_toggle`, `files_name`, `files_create`, `files_folder`, `file_row_<label>`,
`file_enable_<label>`, `file_disable_<label>`; in the dialog `enable_follow`, `enable_back`, `enable_yes`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final, Protocol

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import (
    QCheckBox,
    QDialog,
    QHBoxLayout,
    QLabel,
    QLineEdit,
    QPlainTextEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.domain.authored import FileNews, FileState, FirstLook, StrategyFile
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.ui.edge import Edge, connect
from alphapanda_desktop.ui.fonts import fixed_font
from alphapanda_desktop.ui.forms import field_looks
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.question import Asker
from alphapanda_desktop.ui.sheet import give_way, tell
from alphapanda_desktop.ui.theme import Role, ui_font
from alphapanda_desktop.ui.words import count_of, say

if TYPE_CHECKING:
    from psygnal import SignalInstance

STATE_ROLES: Final[dict[FileState, Role]] = {
    FileState.OFF: "muted",
    FileState.CHECKING: "accent",
    FileState.FAULTY: "danger",
    FileState.READY: "good",
}
STATE_MARKS: Final[dict[FileState, str]] = {
    FileState.OFF: "○",
    FileState.CHECKING: "…",
    FileState.FAULTY: "✕",
    FileState.READY: "●",
}
PROBLEMS_SHOWN: Final = 3
WARNING: Final = (
    "This file is code, and it runs as you: it can read, write and send whatever you can on this computer. It gets no "
    "Kite token, and its orders pass your limits. Enable only what you wrote, or have read."
)

SHARED: Final = "Every user of this computer may write this file, or put another one in its place."


class StrategyFiles(Protocol):
    """What the panel needs of whoever follows the files; `changed()` after anything that `files` tells has changed."""

    changed: SignalInstance

    @property
    def folder(self) -> Path: ...

    def files(self) -> Sequence[StrategyFile]: ...

    def news_of(self, kind: type[Strategy]) -> FileNews:
        """How a strategy that runs stands to what its file holds now."""
        ...

    async def judge(self, kind: type[Strategy], values: Mapping[str, object]) -> Sequence[tuple[str, str]]:
        """What the file's own rules say against parameters: field, empty for the whole, and words."""
        ...

    async def first_look(self, path: str) -> FirstLook: ...

    async def enable(self, path: str, sha256: str, *, follow: bool = False) -> None:
        """Allow what was shown; with `follow` whatever is saved there later, too."""
        ...

    async def disable(self, path: str) -> None: ...

    async def create(self, name: str) -> str:
        """A new file; its path, from the template, enabled."""
        ...


class FilesBox(QWidget):
    """Every file with its state, below a line that opens and closes the list."""

    def __init__(self, files: StrategyFiles, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self._files = files
        self._edge = edge
        self._asker = Asker()
        self.rows: dict[str, FileRow] = {}
        self._build()
        self.show_files()
        connect(files.changed, self, self.show_files)

    def _build(self) -> None:
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        self.toggle = QToolButton(self)
        self.toggle.setObjectName("files_toggle")
        self.toggle.setCheckable(True)
        self.toggle.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.toggle.setStyleSheet(quiet_toggle(self._edge))
        self.toggle.toggled.connect(lambda _on: self.show_files())
        box.addWidget(self.toggle)
        self.inside = QWidget(self)
        inside = QVBoxLayout(self.inside)
        inside.setContentsMargins(10, 0, 10, 8)
        inside.setSpacing(6)
        self.empty = Words(say("No file there yet. Make one from the template, or put your own there."), self)
        give_way(self.empty)
        self.empty.setStyleSheet(f"color: {self._edge.theme.muted};")
        self._column = QVBoxLayout()
        self._column.setSpacing(6)
        inside.addWidget(self.empty)
        inside.addLayout(self._column)
        inside.addLayout(self._build_new())
        box.addWidget(self.inside)

    def _build_new(self) -> QHBoxLayout:
        self.name = QLineEdit(self)
        self.name.setObjectName("files_name")
        self.name.setPlaceholderText(say("New strategy: my_idea"))
        self.name.setAccessibleName(say("Name of a new strategy file"))
        self.make = _button("files_create", "Create", "Write a new file that trades as it stands", self._create, self)
        folder = self._folder = _button("files_folder", "Folder", f"Open {self._files.folder}", self._open_folder, self)
        folder.setAccessibleName(say("Open the folder of strategy files"))
        self.name.returnPressed.connect(self._create)
        row = QHBoxLayout()
        row.addWidget(self.name, 1)
        row.addWidget(self.make)
        row.addWidget(folder)
        return row

    @property
    def last_field(self) -> QWidget:
        """Where Tab leaves it."""
        return self._folder

    def show_files(self) -> None:
        """Show every file as it is now."""
        files, opened = self._files.files(), self.toggle.isChecked()
        for path in set(self.rows) - {file.path for file in files}:
            row = self.rows.pop(path)
            row.setParent(None)
            row.deleteLater()
        for place, file in enumerate(files):
            if file.path not in self.rows:
                self.rows[file.path] = FileRow(file, self._edge, self._ask_enable, self._disable, self)
                self._column.insertWidget(place, self.rows[file.path])
            self.rows[file.path].show_file(file)
        faulty, off = (sum(f.state is state for f in files) for state in (FileState.FAULTY, FileState.OFF))
        said = [count_of(len(files), "file")] if files else ["none"]
        said += [f"{faulty} faulty"] if faulty else []
        said += [f"{off} not enabled"] if off else []
        self.toggle.setText(say(f"{'▾' if opened else '▸'} My strategy files: {', '.join(said)}"))
        self.empty.setVisible(not files)
        self.inside.setVisible(opened)

    # -- what a person asks for ------------------------------------------------------------------------------

    def _ask_enable(self, path: str) -> None:
        self._edge.spawn("enable file", self._enable(path))

    async def _enable(self, path: str) -> None:
        look = await self._files.first_look(path)
        dialog = EnableDialog(look, self._edge, self.window())
        if await self._asker.confirmed(dialog):
            await self._files.enable(path, look.sha256, follow=dialog.wants_to_follow)

    def _disable(self, path: str) -> None:
        self._edge.spawn("disable file", self._files.disable(path))

    def _create(self) -> None:
        if self.name.text().strip():
            self._edge.spawn("new strategy file", self._make(self.name.text()))
        else:
            self.name.setFocus()

    async def _make(self, name: str) -> None:
        path = await self._files.create(name)
        self.name.clear()
        self._edge.notify(f"Written: {path}. Change it in your editor; each save is loaded again.", "info")

    def _open_folder(self) -> None:
        folder = self._files.folder
        folder.mkdir(parents=True, exist_ok=True)
        if not QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder))):
            self._edge.notify(f"Nothing here opens folders. Strategy files belong into {folder}", "warning")


class FileRow(QWidget):
    """One file: its name, what state it is in, what is wrong with it, and the button that changes that."""

    def __init__(
        self,
        file: StrategyFile,
        edge: Edge,
        enable: Callable[[str], object],
        disable: Callable[[str], object],
        parent: QWidget,
    ) -> None:
        super().__init__(parent)
        self._edge = edge
        self.setObjectName(f"file_row_{file.label}")
        self.name = Words(say(file.label), self)
        give_way(self.name)
        self.name.setFont(ui_font(10, bold=True))
        self.name.setToolTip(as_tip(file.path))
        self.state = Words(self)
        self.enable = _button(f"file_enable_{file.label}", "Enable…", "", lambda: enable(file.path), self)
        self.disable = _button(f"file_disable_{file.label}", "Disable", "", lambda: disable(file.path), self)
        self.enable.setAccessibleName(say(f"Look at {file.label} and enable it"))
        self.disable.setAccessibleName(say(f"Disable {file.label}"))
        self.problems = Words(self)
        give_way(self.problems)
        self.problems.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        head = QHBoxLayout()
        head.setSpacing(8)
        head.addWidget(self.name, 1)
        for widget in (self.state, self.enable, self.disable):
            head.addWidget(widget)
        box = QVBoxLayout(self)
        box.setContentsMargins(0, 0, 0, 0)
        box.setSpacing(2)
        box.addLayout(head)
        box.addWidget(self.problems)

    def show_file(self, file: StrategyFile) -> None:
        """Show the file as it is now."""
        theme, faulty = self._edge.theme, file.state is FileState.FAULTY
        self.name.setText(file.label)
        self.state.setText(f"{STATE_MARKS[file.state]} {file.state}")
        self.state.setStyleSheet(f"color: {getattr(theme, STATE_ROLES[file.state])};")
        self.state.setToolTip(as_tip(say(_state_words(file))))
        more = len(file.problems) - PROBLEMS_SHOWN
        lines = [*file.problems[:PROBLEMS_SHOWN], *([f"and {more} more"] if more > 0 else [])]
        if faulty and file.strategy:
            lines.append("What was right before this save can still be started.")
        tell(self.problems, "\n".join(lines))
        self.problems.setStyleSheet(f"color: {theme.danger if faulty else theme.warn};")
        self.enable.setVisible(file.state is FileState.OFF)
        self.disable.setVisible(file.state in (FileState.FAULTY, FileState.READY))


class EnableDialog(QDialog):
    """Shows a file that is code, and asks whether it may run; Back is what Enter says."""

    def __init__(self, look: FirstLook, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle(say(f"Enable {look.label}?"))
        self.resize(680, 520)
        self.setStyleSheet(field_looks(edge.theme))
        box = QVBoxLayout(self)
        box.setContentsMargins(14, 12, 14, 12)
        box.setSpacing(10)
        heading = self._words(f"Enable {look.label}?")
        heading.setFont(ui_font(12, bold=True))
        warning = self._words(WARNING)
        warning.setStyleSheet(f"color: {edge.theme.warn};")
        shared = self._words(SHARED if look.shared else "")
        shared.setStyleSheet(f"color: {edge.theme.danger};")
        shared.setVisible(look.shared)
        where = self._words(f"{look.path}\nSHA-256 {look.sha256}")
        where.setStyleSheet(f"color: {edge.theme.muted};")
        for widget in (heading, warning, shared, where):
            box.addWidget(widget)
        shown = len(look.lines)
        box.addWidget(self._words(f"Its first {shown} of {look.count} lines:" if shown < look.count else "All of it:"))
        box.addWidget(self._text(look), 1)
        self.follow = QCheckBox(say("Enable whatever I save under this path later, too: it is my own file"), self)
        self.follow.setObjectName("enable_follow")
        self.follow.setVisible("(" not in look.label)
        box.addWidget(self.follow)
        box.addLayout(self._buttons())

    @property
    def wants_to_follow(self) -> bool:
        """Whether later saves are enabled with it."""
        return self.follow.isChecked()

    def _words(self, text: str) -> QLabel:
        label = Words(say(text), self)
        give_way(label)
        label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
        return label

    def _text(self, look: FirstLook) -> QPlainTextEdit:
        text = QPlainTextEdit("\n".join(look.lines), self)
        text.setObjectName("enable_text")
        text.setAccessibleName(say(f"First lines of {look.label}"))
        text.setReadOnly(True)
        text.setTabChangesFocus(True)
        text.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        text.setFont(fixed_font(10))
        return text

    def _buttons(self) -> QHBoxLayout:
        back = _button("enable_back", "Back", "", self.reject, self)
        back.setDefault(True)
        yes = _button("enable_yes", "Enable", "Let it run in a process of its own", self.accept, self)
        yes.setAutoDefault(False)
        row = QHBoxLayout()
        row.addStretch(1)
        row.addWidget(back)
        row.addWidget(yes)
        back.setFocus()
        return row


def quiet_toggle(edge: Edge) -> str:
    """Looks of a line that opens and closes what is below it."""
    return (
        "QToolButton { border: 0; background: transparent; font-weight: 600; padding: 6px 4px; }"
        f"QToolButton:focus {{ color: {edge.theme.accent}; }}"
    )


def _state_words(file: StrategyFile) -> str:
    if file.state is FileState.OFF:
        return "Nobody has enabled what it holds now; it is never executed"
    if file.state is FileState.CHECKING:
        return "A process of its own loads it and tells what it is"
    follows = "every save is enabled" if file.followed else "enabled as it is; the next save asks again"
    return follows if file.state is FileState.READY else f"Cannot be loaded; {follows}"


def _button(name: str, text: str, tip: str, work: Callable[[], object], parent: QWidget) -> QPushButton:
    button = QPushButton(say(text), parent)
    button.setObjectName(name)
    button.setToolTip(as_tip(say(tip)))
    button.setAccessibleName(say(text))
    button.clicked.connect(lambda _checked=False: work())
    return button
