"""Guard against PySide6 6.12.0, which under Python 3.10 and 3.11 gives away references that it does not own.

There every void Qt call drops one reference of None and every Signal.emit() one of True; when the count reaches nought
(some hundred emits, some thousand calls: seconds of a running program) the interpreter aborts.  6.8 to 6.11.2 are
sound, and so is 6.12.0 on Python 3.12 and later, where None and True are immortal.  docs/decisions/0002 tells more.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

IMMORTAL = sys.version_info >= (3, 12)
# In a child: with the defect the process may abort before it can tell.
COUNT = """
import sys
from PySide6.QtCore import QObject, Signal
from PySide6.QtWidgets import QApplication, QWidget

class Lamp(QObject):
    lit = Signal()

app = QApplication([])
widget, lamp = QWidget(), Lamp()

def use_qt(times):
    for _ in range(times):
        widget.update()
        lamp.lit.emit()

def lose_references(times):
    from ctypes import pythonapi, py_object
    for _ in range(times):
        pythonapi.Py_DecRef(py_object(None))

work = {work}
work(10)
none, true = sys.getrefcount(None), sys.getrefcount(True)
work({times})
print(sys.getrefcount(None) - none, sys.getrefcount(True) - true)
"""


def _references_gained(work: str, times: int) -> tuple[int, int]:
    program = COUNT.format(work=work, times=times)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"the process died ({done.returncode}), as with 6.12.0: {done.stderr[-500:]}"
    none, true = done.stdout.split()
    return int(none), int(true)


def test_qt_calls_and_signals_give_away_no_reference_of_none_or_true() -> None:
    none, true = _references_gained("use_qt", 300)
    assert none > -50, f"PySide6 {version('PySide6')} loses references of None (the defect of 6.12.0)"
    assert true > -50, f"PySide6 {version('PySide6')} loses references of True (the defect of 6.12.0)"


@pytest.mark.skipif(IMMORTAL, reason="None is immortal from Python 3.12 on: no count moves")
def test_the_guard_sees_lost_references() -> None:
    none, _ = _references_gained("lose_references", 300)
    assert none < -250


def test_python_3_11_is_given_no_pyside_that_has_the_defect() -> None:
    project = tomllib.loads((Path(__file__).resolve().parent.parent / "pyproject.toml").read_text("utf-8"))["project"]
    pyside = [Requirement(line) for line in project["dependencies"] if line.startswith("PySide6")]
    on_3_11 = [pin for pin in pyside if pin.marker is None or pin.marker.evaluate({"python_version": "3.11"})]
    assert on_3_11, "3.11 is supported, so PySide6 must be pinned for it"
    assert not any(pin.specifier.contains(Version("6.12.0")) for pin in on_3_11)
