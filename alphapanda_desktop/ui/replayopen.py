"""Which recorded day to open."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PySide6.QtWidgets import QDialog, QFileDialog, QWidget

from alphapanda_desktop.ui.edge import ask

KINDS: Final = "Recorded days (*.ticks *.csv *.csv.gz)"


async def ask_recordings(folder: Path, parent: QWidget) -> list[Path]:
    """The files that a person chooses, from `folder` on; none where the person goes back."""
    dialog = QFileDialog(parent, "Open a recorded day", str(folder), KINDS)
    dialog.setObjectName("open_recording")
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    # Qt's own: the platform's would be modal, and shadow the kill switch.
    dialog.setOption(QFileDialog.Option.DontUseNativeDialog)
    try:
        chosen = await ask(dialog) == QDialog.DialogCode.Accepted.value
        return [Path(name) for name in dialog.selectedFiles()] if chosen else []
    finally:
        dialog.deleteLater()
