"""Windows whose screen is gone, or is another one now."""

from __future__ import annotations

import base64
import json

import pytest
from PySide6.QtCore import QRect
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QWidget

from alphapanda_desktop.ui.placement import place_in, put, put_where_it_was

SCREEN_WIDTH = slice(46, 50)
MAXIMISED = 44


def kept(rect: QRect, screen_width: int, maximised: bool = False) -> bytes:
    """What Qt would have kept of a window on a screen of that width."""
    window = QWidget()
    window.setGeometry(rect)
    geometry = bytearray(bytes(window.saveGeometry().data()))
    geometry[SCREEN_WIDTH] = screen_width.to_bytes(4, "big")
    geometry[MAXIMISED] = maximised
    return bytes(geometry)


@pytest.mark.parametrize("left", [60, 3000], ids=["where a screen is", "where none is"])
def test_a_window_from_a_much_wider_screen_keeps_its_size(qapp: QApplication, left: int) -> None:
    geometry = kept(QRect(left, 90, 700, 500), 3840)
    window = QWidget()
    assert not window.restoreGeometry(geometry)  # or Qt does it, and ours is of no use
    assert put_where_it_was(window, json.dumps({"geometry": base64.b64encode(geometry).decode()}).encode())
    assert (window.width(), window.height()) == (700, 500)
    screen = QGuiApplication.primaryScreen().availableGeometry()
    assert screen.contains(window.geometry()) and (left > 60 or window.x() == 60)


def test_a_maximised_window_from_another_screen_is_maximised(qapp: QApplication) -> None:
    window = QWidget()
    assert put(window, kept(QRect(60, 90, 700, 500), 3840, maximised=True), window.screen())
    assert window.isMaximized() and place_in(bytes(window.saveGeometry().data())) is not None


@pytest.mark.parametrize("text", [b"", b"\x01\xd9", b"x" * 66], ids=["nothing", "its beginning", "something else"])
def test_what_is_no_geometry_moves_nothing(qapp: QApplication, text: bytes) -> None:
    window = QWidget()
    window.setGeometry(10, 10, 200, 100)
    assert place_in(text) is None and not put(window, text, window.screen())
    assert window.geometry() == QRect(10, 10, 200, 100)
