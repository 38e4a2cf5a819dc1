"""No error leaves what Qt calls in our widgets: PySide 6.11.2 dies of it where Python called Qt.

An error in an override that Qt calls while Python waits for Qt (`show`, `resize`, `setStyleSheet`) stays pending, and
the next override is called on top of it: a segmentation fault, sooner or later. So each class of the program's has its
overrides wrapped as it is made, and what they raise goes where errors that nobody caught go: to `sys.excepthook`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from functools import wraps
from types import FunctionType
from typing import Any, Final

from PySide6.QtCore import QObject, QSize

OURS: Final = "alphapanda_desktop."
INSTEAD: Final[dict[str, Callable[[], object]]] = {
    "event": bool,
    "eventFilter": bool,
    "focusNextPrevChild": bool,
    "sizeHint": QSize,
    "minimumSizeHint": QSize,
    **dict.fromkeys(
        ("paint", "paintEvent", "resizeEvent", "moveEvent", "showEvent", "hideEvent", "closeEvent", "changeEvent",
         "childEvent", "timerEvent", "customEvent", "enterEvent", "leaveEvent", "focusInEvent", "focusOutEvent",
         "keyPressEvent", "keyReleaseEvent", "mousePressEvent", "mouseReleaseEvent", "mouseMoveEvent",
         "mouseDoubleClickEvent", "wheelEvent", "contextMenuEvent", "dragEnterEvent", "dragMoveEvent", "dropEvent",
         "data", "headerData", "stepBy"),
        lambda: None,
    ),
}  # fmt: skip
"""What Qt gets where an override failed."""


def guard(kind: type) -> None:
    """Wrap what a class overrides of Qt."""
    for name, instead in INSTEAD.items():
        own = kind.__dict__.get(name)
        if isinstance(own, FunctionType) and not hasattr(own, "__wrapped__"):
            setattr(kind, name, _guarded(own, instead))


def _guarded(own: Callable[..., object], instead: Callable[[], object]) -> Callable[..., object]:
    @wraps(own)
    def override(*given: Any) -> object:
        try:
            return own(*given)
        except Exception as error:
            sys.excepthook(type(error), error, error.__traceback__)
            return instead()

    return override


def install() -> None:
    """Guard the classes of ours that are made of Qt's: those that there are, and each that is made from now on."""
    for kind in _beneath(QObject):
        if kind.__module__.startswith(OURS):
            guard(kind)

    def made(cls: type, /, **given: Any) -> None:
        super(QObject, cls).__init_subclass__(**given)  # type: ignore[misc]
        if cls.__module__.startswith(OURS):
            guard(cls)

    QObject.__init_subclass__ = classmethod(made)  # type: ignore[assignment]


def _beneath(root: type) -> Iterator[type]:
    kinds: list[type] = root.__subclasses__()
    for kind in kinds:
        yield kind
        yield from _beneath(kind)
