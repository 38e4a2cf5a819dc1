"""What overrides of Qt's raise goes to the crash handler, and the program lives on. In processes of their own."""

from __future__ import annotations

import os
import subprocess
import sys

STORM = """
import sys
from PySide6.QtCore import QEvent, QObject, QSize
from PySide6.QtGui import QFont
from PySide6.QtWidgets import QApplication, QVBoxLayout, QWidget

from alphapanda_desktop.ui import guarded

__name__ = "alphapanda_desktop.ui.storm"


class Early(QWidget):
    def sizeHint(self):
        raise LookupError("sizeHint")


guarded.install()


class Failing(Early):
    def resizeEvent(self, event):
        raise LookupError("resizeEvent")

    def changeEvent(self, event):
        raise LookupError("changeEvent")

    def paintEvent(self, event):
        raise LookupError("paintEvent")

    def showEvent(self, event):
        raise LookupError("showEvent")

    def hideEvent(self, event):
        raise LookupError("hideEvent")

    def event(self, event):
        super().event(event)
        raise LookupError("event")


class Filter(QObject):
    def eventFilter(self, watched, event):
        raise LookupError("eventFilter")


told = set()
sys.excepthook = lambda kind, error, trace: told.add(str(error))
app = QApplication(["storm"])
watch = Filter()
for round in range(20):
    whole = QWidget()
    column = QVBoxLayout(whole)
    for _ in range(3):
        column.addWidget(Failing(whole))
    if round % 2:
        whole.installEventFilter(watch)
    whole.show()
    whole.resize(300, 200 + round)
    whole.setStyleSheet("QWidget { color: red; }")
    whole.setFont(QFont("x", 9 + round % 3))
    whole.grab()
    whole.hide()
print(*sorted(told))
"""


def test_a_storm_of_errors_in_overrides_is_told_of_and_lived_through() -> None:
    done = subprocess.run(
        [sys.executable, "-c", STORM], capture_output=True, text=True, timeout=120, check=False,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == [
        "changeEvent", "event", "eventFilter", "hideEvent", "paintEvent", "resizeEvent", "showEvent", "sizeHint",
    ]  # fmt: skip


WHOLE = """
from alphapanda_desktop.ui import guarded
guarded.install()
from alphapanda_desktop.ui import chips, desk, docks, forms, ladder, shell, strip, tableview, tables
from alphapanda_desktop.ui.chart import plot, surface, view
for kind, name in (
    (strip._Inside, "resizeEvent"), (shell.MainWindow, "closeEvent"), (tableview.TableView, "paintEvent"),
    (tables.RowModel, "data"), (view.ChartView, "changeEvent"), (docks.Docks, "eventFilter"), (chips.Chip, "sizeHint"),
    (surface.Surface, "paintEvent"), (plot.Plot, "resizeEvent"),
):
    assert hasattr(getattr(kind, name), "__wrapped__"), (kind, name)
print("all guarded")
"""


def test_the_programs_own_widgets_are_guarded() -> None:
    done = subprocess.run([sys.executable, "-c", WHOLE], capture_output=True, text=True, timeout=120, check=False)
    assert done.stdout.strip() == "all guarded", done.stderr
