"""Types are made before anybody else asks for them."""

from __future__ import annotations

import subprocess
import sys

CODE = """
from PySide6.QtWidgets import QApplication
app = QApplication([])
import sys, types
from alphapanda_desktop.ui.qttypes import make_types
from PySide6 import QtCore, QtGui, QtWidgets
steps = sum(1 for _ in make_types())
made = [sum(isinstance(one, type) for one in vars(module).values()) for module in (QtCore, QtGui, QtWidgets)]
import pyqtgraph
after = [sum(isinstance(one, type) for one in vars(module).values()) for module in (QtCore, QtGui, QtWidgets)]
print(steps > 1, made == after, min(made) > 100)
"""


def test_what_imports_next_makes_no_type_any_more() -> None:
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "True", "True"]


EVENTS = """
import sys
from PySide6 import QtCore, QtGui, QtWidgets
def made():
    return {name for module in (QtCore, QtGui, QtWidgets)
            for name, one in vars(module).items() if name.endswith("Event") and isinstance(one, type)}
before = len(made())
from alphapanda_desktop import start
from alphapanda_desktop.memory import Looks
app = start._application(practice=True, looks=Looks())
there = made()
for module in (QtCore, QtGui, QtWidgets):
    for name in dir(module):
        getattr(module, name)
print(before < 10, len(there) > 50, there == made())
"""


def test_every_event_has_its_type_before_one_is_given_to_python() -> None:
    done = subprocess.run([sys.executable, "-c", EVENTS], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["True", "True", "True"]
