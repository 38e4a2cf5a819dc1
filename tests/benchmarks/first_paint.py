"""A process that ends with its first paint, and prints how many ms after its spawning that was.

Arguments: the epoch second of the spawning, then `bare` for an empty QMainWindow or `ours FOLDER`.
"""

from __future__ import annotations

import os
import sys
import time
from typing import Any


def _tell_first_paint(window: Any, spawned_at: float) -> None:
    """Print when this window has painted for the first time, and leave at once."""
    from PySide6.QtCore import QEvent, QObject, QTimer

    class Watcher(QObject):
        def eventFilter(self, _watched: QObject, event: QEvent) -> bool:
            if event.type() == QEvent.Type.Paint:
                QTimer.singleShot(0, self.leave)  # the filter comes before the paint, the timer after it
            return False

        def leave(self) -> None:
            print(f"{(time.time() - spawned_at) * 1000:.1f}", flush=True)
            os._exit(0)

    watcher = Watcher(window)
    window.installEventFilter(watcher)


def _bare(spawned_at: float) -> None:
    from PySide6.QtWidgets import QApplication, QMainWindow

    app = QApplication([])
    window = QMainWindow()
    window.resize(1600, 900)
    _tell_first_paint(window, spawned_at)
    window.show()
    app.exec()


def _ours(spawned_at: float, folder: str) -> None:
    from alphapanda_desktop import start
    from alphapanda_desktop.__main__ import parser

    show = start._Opening._show

    def watched(self: Any, *given: Any) -> Any:
        from alphapanda_desktop.ui.shell import MainWindow

        build = MainWindow.__init__

        def built(window: Any, *args: Any, **more: Any) -> None:
            build(window, *args, **more)
            _tell_first_paint(window, spawned_at)

        MainWindow.__init__ = built  # type: ignore[method-assign]
        return show(self, *given)

    start._Opening._show = watched  # type: ignore[method-assign]
    start.open_window(parser().parse_args(["--mode", "practice", "--data-dir", folder]))


if __name__ == "__main__":
    spawned, what = float(sys.argv[1]), sys.argv[2]
    if what == "bare":
        _bare(spawned)
    else:
        _ours(spawned, sys.argv[3])
