from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from PySide6.QtCore import QEvent, QObject, Qt
from PySide6.QtWidgets import QApplication, QDialog, QMenu, QPushButton, QSpinBox, QSplitterHandle, QWidget

from alphapanda_desktop.ui.clothes import clothe, sheet_of
from alphapanda_desktop.ui.recolour import wear
from alphapanda_desktop.ui.theme import DARK, LIGHT, LiveTheme
from alphapanda_desktop.ui.workspaces import BUILT_IN
from tests.ui.window_stage import WindowStage, a_window


@pytest.fixture
def worn(qapp: QApplication) -> Iterator[LiveTheme]:
    before = qapp.palette(), qapp.font()
    yield LiveTheme(DARK, qapp)
    qapp.setPalette(before[0])
    qapp.setFont(before[1])


class Restyled(QObject):
    """Counts how often Qt styled these widgets anew."""

    def __init__(self, widgets: list[QWidget]) -> None:
        super().__init__()
        self.count = 0
        for widget in widgets:
            widget.installEventFilter(self)

    def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
        self.count += event.type() == QEvent.Type.StyleChange
        return False


def panels(stage: WindowStage) -> list[QWidget]:
    return [dock.widget() for dock in stage.window.dockyard()] + [stage.window.centre]


def within(widgets: list[QWidget]) -> list[QWidget]:
    return widgets + [child for widget in widgets for child in widget.findChildren(QWidget)]


def test_another_workspace_styles_no_panel_anew(run: Any, worn: LiveTheme) -> None:
    async def story() -> None:
        async with a_window(theme=worn) as stage:
            spaces = stage.window.workspaces
            assert spaces is not None
            for name in (*BUILT_IN[1:], BUILT_IN[0]):  # every panel is seen once: Qt styles it then
                spaces.go_to(name)
            everything = within(panels(stage))
            assert len(everything) > 100
            restyled = Restyled(everything)
            for name in (*BUILT_IN[1:], BUILT_IN[0]):
                spaces.go_to(name)
            # Only what the panels themselves do as they get another width.
            assert restyled.count < len(everything) // 10, restyled.count

    run(story())


def bare(window: QWidget, sheet: str) -> list[QWidget]:
    """What can be seen of a window and wears no sheet of the program's, nor stands in what does."""
    found = [child for child in window.findChildren(QWidget) if child.isVisible()]
    return [widget for widget in found if not _clothed(widget, sheet)]


def _clothed(widget: QWidget, sheet: str) -> bool:
    above: QWidget | None = widget
    while above is not None and not above.styleSheet().startswith(sheet):
        above = above.parentWidget()
    return above is not None


def test_all_that_is_seen_wears_the_programs_style_sheet(run: Any, worn: LiveTheme) -> None:
    async def story() -> None:
        async with a_window(theme=worn) as stage:
            window, spaces = stage.window, stage.window.workspaces
            assert spaces is not None
            spaces.show_sheet()
            for name in (*BUILT_IN[1:], BUILT_IN[0]):
                spaces.go_to(name)
                frame = {type(widget).__name__ for widget in bare(window, sheet_of(worn))}
                assert frame <= {
                    "CDockManager", "CDockWidget", "CDockAreaWidget", "CDockSplitter", "CDockContainerWidget",
                    "QSplitterHandle", "QMainWindowExtensionLayout", "QRubberBand",
                }, frame  # fmt: skip
            dock = window.dockyard().find("orders")
            assert dock is not None
            dock.float_()
            assert _clothed(dock.widget(), sheet_of(worn))

    run(story())


def test_what_thinks_of_no_sheet_is_given_one_as_it_opens(run: Any, worn: LiveTheme) -> None:
    async def story() -> None:
        async with a_window(theme=worn, show_desk=False) as stage:
            menu, dialog = QMenu(stage.window), QDialog(stage.window)
            dialog.setStyleSheet("QLabel { color: #123456; }")
            for late in (menu, dialog):
                late.ensurePolished()
                assert late.styleSheet().startswith(sheet_of(worn))
            assert dialog.styleSheet().endswith("#123456; }")

    run(story())


def test_other_colours_come_to_every_part(run: Any, qapp: QApplication, worn: LiveTheme) -> None:
    async def story() -> None:
        async with a_window(theme=worn) as stage:
            wear(qapp, worn, LIGHT)
            for part in (stage.window.strip, stage.window.centre, stage.window.menuBar(), *panels(stage)):
                assert part.styleSheet().startswith(sheet_of(worn)), part
                assert DARK.raised not in part.styleSheet()
            handle = next(h for h in stage.window.findChildren(QSplitterHandle) if h.isVisible())
            assert handle.grab().toImage().pixelColor(1, 1).name() == LIGHT.border

    run(story())


def test_a_part_that_wears_rules_of_its_own_already_takes_the_programs_too(qapp: QApplication, worn: LiveTheme) -> None:
    sizes = []
    for own in ("", "QLabel { color: #123456; }"):
        panel = QWidget()
        panel.setStyleSheet(own)
        button, _spin = QPushButton("Start", panel), QSpinBox(panel)  # the latter makes Qt read the rules
        clothe(panel, worn, own)
        panel.ensurePolished()
        sizes.append(button.sizeHint())
    assert sizes[0] == sizes[1]


def test_colours_that_no_program_wears_bring_no_sheet(qapp: QApplication) -> None:
    button = QPushButton("Start")
    clothe(button, DARK, "QPushButton { color: #123456; }")
    assert sheet_of(DARK) == "" and button.styleSheet() == "QPushButton { color: #123456; }"
    assert qapp.styleSheet() == "" and not button.testAttribute(Qt.WidgetAttribute.WA_WState_Visible)
