"""Qt's classes as Python types, made by the window's own thread before any other thread asks for them.

PySide makes a type when it is first asked for, and on two threads at once that is not safe: importing pyqtgraph, which
asks for all of them, on the thread for imports has ended the program while the window's thread took in an event.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Final

from PySide6 import QtCore, QtGui, QtWidgets

SLICE_S: Final = 0.006
"""So long types are made before others have their turn. A single one takes up to three times as long."""


def make_events() -> None:
    """Make those of events, in six milliseconds: call it before a filter or an override sees the first one.

    WORKAROUND PySide 6.11: the process dies where the first event that Python is given is what makes their types.
    """
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            if name.endswith("Event"):
                getattr(module, name)


def make_types() -> Iterator[None]:
    """Make all of them, a slice at each step."""
    began = time.perf_counter()
    for module in (QtCore, QtGui, QtWidgets):
        for name in dir(module):
            getattr(module, name)
            if time.perf_counter() - began > SLICE_S:
                yield
                began = time.perf_counter()
