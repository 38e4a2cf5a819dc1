"""What several tests of the window ask for by name."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from alphapanda_desktop.ui.qttypes import make_events


@pytest.fixture(scope="module")
def bus_address() -> Iterator[str]:
    """The address of a D-Bus of the module's own."""
    if shutil.which("dbus-daemon") is None:
        pytest.skip("there is no dbus-daemon to run a bus of the test's own")
    with subprocess.Popen(
        ["dbus-daemon", "--session", "--nofork", "--print-address=1"], stdout=subprocess.PIPE, text=True
    ) as daemon:
        assert daemon.stdout is not None
        try:
            yield daemon.stdout.readline().strip()
        finally:
            daemon.terminate()


@pytest.fixture(scope="session", autouse=True)
def events_have_types() -> None:
    """Events have their types before one is filtered, as in the program; what else did depends on other test files."""
    make_events()


@pytest.fixture(autouse=True)
def nothing_is_held_down() -> Iterator[None]:
    """No key and no mouse button of another test is held.

    QTest's last word of a key with Shift is that Shift is down still, and a row that is then selected is not selected.
    """
    _let_go()
    yield
    _let_go()


def _let_go() -> None:
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return
    from PySide6.QtCore import Qt
    from PySide6.QtTest import QTest

    app, nobody = widgets.QApplication, widgets.QWidget()
    if app.keyboardModifiers() != Qt.KeyboardModifier.NoModifier:
        QTest.keyRelease(nobody, Qt.Key.Key_Shift, Qt.KeyboardModifier.NoModifier)
    for button in (Qt.MouseButton.LeftButton, Qt.MouseButton.RightButton, Qt.MouseButton.MiddleButton):
        if app.mouseButtons() & button:
            QTest.mouseRelease(nobody, button)
    assert (app.keyboardModifiers(), app.mouseButtons()) == (Qt.KeyboardModifier.NoModifier, Qt.MouseButton.NoButton)
