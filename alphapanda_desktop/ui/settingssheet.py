"""The settings as a sheet, made from their models: bounds, units and help beside each field, found by typing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from pydantic import BaseModel
from PySide6.QtCore import QLocale, QSize, Qt
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QFrame,
    QGridLayout,
    QLabel,
    QLineEdit,
    QScrollArea,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.ui.edge import Edge
from alphapanda_desktop.ui.forms import ModelForm, help_of, label_of
from alphapanda_desktop.ui.plain import Words, as_tip
from alphapanda_desktop.ui.sheet import Sheet, tell, tint
from alphapanda_desktop.ui.theme import ui_font
from alphapanda_desktop.ui.words import say

RESET_COLUMN: Final = 2
LABEL_PX: Final = 170
FIELD_PX: Final = 190
NOTHING: Final = "No setting is called like that."
WHEN: Final = "Colours change at once; all else holds from the next start of the program on."


@dataclass(frozen=True, slots=True)
class Section:
    """Settings that belong together. `fixed` says of a field why it cannot be changed here."""

    name: str
    title: str
    model: type[BaseModel]
    values: Mapping[str, object]
    fixed: Mapping[str, str] = field(default_factory=dict)


class Keeper(Protocol):
    """Where the settings are kept."""

    def sections(self) -> Sequence[Section]:
        """What can be set here, with the values in force."""
        ...

    def elsewhere(self, words: Sequence[str]) -> str:
        """Where that is set, if not here; empty where nobody knows."""
        ...

    def keep(self, values: Mapping[str, Mapping[str, object]]) -> None:
        """Put new values, by section and field, on the disk. Raises Fatal where that fails: nothing is changed then."""
        ...


class SectionForm(QWidget):
    """One section: its title, its fields, and beside each what puts the default back."""

    def __init__(self, section: Section, edge: Edge, parent: QWidget) -> None:
        super().__init__(parent)
        self.section = section
        self.title = Words(say(section.title), self)
        self.title.setFont(ui_font(11, bold=True))
        self.form = ModelForm(section.model, edge.theme, self, f"setting_{section.name}")
        self.form.set_values(dict(section.values))
        self._rows: dict[str, list[QWidget]] = {}
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 10)
        whole.addWidget(self.title)
        whole.addWidget(self.form)
        for name in section.model.model_fields:
            self._rows[name] = self._dress(name, edge)

    def _dress(self, name: str, edge: Edge) -> list[QWidget]:
        widget = self.form.findChild(QWidget, f"setting_{self.section.name}_{name}")
        grid = self.form.layout()
        assert widget is not None and isinstance(grid, QGridLayout)
        row = grid.getItemPosition(grid.indexOf(widget))[0]  # type: ignore[index]  # its stub says object
        label = next(label for label in self.form.findChildren(QLabel) if label.buddy() is widget)
        words = Words(say(self.section.fixed.get(name) or help_of(self.section.model.model_fields[name])), self.form)
        words.setWordWrap(True)
        tint(words, "warn" if name in self.section.fixed else "muted", edge)
        back = self._back(name)
        label.setText(say(self.section.model.model_fields[name].title or label.text()))
        label.setFixedWidth(LABEL_PX)
        widget.setFixedWidth(FIELD_PX)
        if isinstance(widget, QAbstractSpinBox):
            widget.setLocale(QLocale(QLocale.Language.English, QLocale.Country.India))  # 10,00,000
            widget.setGroupSeparatorShown(True)
        widget.setEnabled(name not in self.section.fixed)
        back.setEnabled(widget.isEnabled())
        grid.addWidget(back, row, RESET_COLUMN)
        grid.addWidget(words, row, RESET_COLUMN + 1)
        grid.setColumnStretch(RESET_COLUMN + 1, 3)
        return [widget, label, words, back]

    def _back(self, name: str) -> QToolButton:
        default = self.section.model.model_fields[name].get_default(call_default_factory=True)
        button = QToolButton(self.form)
        button.setObjectName(f"setting_reset_{self.section.name}_{name}")
        button.setText("↺")
        button.setToolTip(as_tip(say(f"Back to the default: {default}")))
        button.setAccessibleName(say(f"{label_of(name)}: back to the default, {default}"))
        button.clicked.connect(lambda _checked=False: self.form.set_values({name: default}))
        return button

    def changed(self) -> dict[str, object]:
        """What differs from the values in force, by field."""
        before = self.section.values
        return {name: value for name, value in self.form.values().items()
            if name not in self.section.fixed and value != before.get(name)}  # fmt: skip

    def seek(self, words: Sequence[str]) -> bool:
        """Show only the fields that hold all the words; whether there is one."""
        any_found = False
        for name, widgets in self._rows.items():
            about = self.section.model.model_fields[name].description or ""
            title = self.section.model.model_fields[name].title or label_of(name)
            text = f"{self.section.title} {title} {about}".lower()
            found = all(word in text for word in words)
            any_found = any_found or found
            for widget in widgets:
                widget.setVisible(found)
        self.setVisible(any_found)
        return any_found


class SettingsSheet(Sheet):
    """Every setting that has no sheet of its own; Save keeps them, whole or not at all."""

    least = QSize(980, 560)

    def __init__(self, keeper: Keeper, edge: Edge, parent: QWidget, wear: Callable[[str, str], object]) -> None:
        """`wear` puts other colours on the program: dark or light, and the pair of what rises and falls."""
        super().__init__("settings_sheet", "Settings", edge, parent)
        self._keeper = keeper
        self._wear = wear
        self.search = QLineEdit(self)
        self.search.setObjectName("settings_search")
        self.search.setPlaceholderText(say("Find a setting: cash, recording, seed …"))
        self.search.setAccessibleName(say("Find a setting"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._seek)
        self.sections: list[SectionForm] = []
        self.nothing = self.line("", "muted", "settings_nothing")
        self.answer = self.line("", "danger", "settings_answer")
        self.save = self.button("settings_save", "Save", self._save, WHEN)
        self.body.addWidget(self.search)
        self.body.addWidget(self.nothing)
        self.body.addWidget(self._page(), 1)
        self.body.addWidget(self.answer)
        self.foot.addWidget(self.line(WHEN, "muted"), 1)
        self.foot.addWidget(self.button("settings_cancel", "Cancel", self.dismiss))
        self.foot.addWidget(self.save)
        self.setFocusProxy(self.search)
        self._follow()

    def _page(self) -> QScrollArea:
        page = QWidget(self)
        box = QVBoxLayout(page)
        for section in self._keeper.sections():
            made = SectionForm(section, self.edge, page)
            made.form.changed.connect(self._follow)
            self.sections.append(made)
            box.addWidget(made)
        box.addStretch(1)
        area = QScrollArea(self)
        area.setFrameShape(QFrame.Shape.NoFrame)
        area.setWidgetResizable(True)
        area.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        area.viewport().setAutoFillBackground(False)
        page.setAutoFillBackground(False)
        area.setWidget(page)
        return area

    def _seek(self, text: str) -> None:
        words = text.lower().split()
        found = [section.seek(words) for section in self.sections]
        where = self._keeper.elsewhere(words)
        tell(self.nothing, where if any(found) else f"{NOTHING} {where}".strip())

    def _follow(self) -> None:
        """Save is for what has changed and is sound; what is not says so under its field."""
        problems = [problem for section in self.sections for problem in section.form.judge()]
        self.save.setEnabled(not problems and any(section.changed() for section in self.sections))

    def _save(self) -> None:
        changed = {section.section.name: section.changed() for section in self.sections if section.changed()}
        try:
            self._keeper.keep(changed)
        except AlphaPandaError as error:
            tell(self.answer, str(error))
            return
        worn = {name: str(value) for name, value in changed.get("window", {}).items() if name in ("theme", "pair")}
        if worn:
            self._wear(worn.get("theme", ""), worn.get("pair", ""))
        self.edge.notify(f"The settings are saved. {WHEN}", "info")
        self.dismiss()
