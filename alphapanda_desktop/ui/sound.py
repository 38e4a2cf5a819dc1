"""The sound of an alert: two short tones of our own, played by the system's player, or the system's beep.

Qt's own players are not in the packages: they would bring its multimedia libraries for half a second of sound.
"""

from __future__ import annotations

import io
import sys
import time
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from PySide6.QtCore import QProcess, QStandardPaths
from PySide6.QtWidgets import QApplication

RATE: Final = 22_050
TONES: Final = ((880.0, 0.12), (1174.7, 0.22))
"""Hertz and seconds: an A, and the D above it."""

LOUD: Final = 0.35
REST_S: Final = 1.5
"""Alerts that fire together make one sound."""

PLAYERS: Final = ("afplay",) if sys.platform == "darwin" else ("pw-play", "paplay", "aplay")


def chime() -> bytes:
    """The two tones as a WAV file, 16 bits mono, each fading out so that nothing clicks."""
    parts = []
    for pitch_hz, length_s in TONES:
        at_s = np.arange(int(RATE * length_s)) / RATE
        rise = np.minimum(1.0, at_s / 0.005)
        parts.append(np.sin(2 * np.pi * pitch_hz * at_s) * rise * np.exp(-6.0 * at_s / length_s))
    samples = (np.concatenate(parts) * LOUD * 32_767).astype("<i2")
    made = io.BytesIO()
    with wave.open(made, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        file.writeframes(samples.tobytes())
    return made.getvalue()


class Chime:
    """Rings at most once in a while. The tones are written once into `folder`, for players take files."""

    def __init__(self, folder: Path, monotonic_s: Callable[[], float] = time.monotonic) -> None:
        self._path = folder / "alert.wav"
        self._monotonic_s = monotonic_s
        self._rung_s = float("-inf")

    def ring(self) -> str:
        """Make the sound, without waiting for it; what made it, empty where one has just sounded."""
        now_s = self._monotonic_s()
        if now_s - self._rung_s < REST_S:
            return ""
        self._rung_s = now_s
        player = self._play()
        if not player:
            QApplication.beep()
        return player or "beep"

    def _play(self) -> str:
        """Start a player; its name, empty where there is none or the tones could not be written."""
        try:
            if not self._path.exists():
                self._path.parent.mkdir(parents=True, exist_ok=True)
                self._path.write_bytes(chime())
        except OSError:
            return ""
        if sys.platform == "win32":
            import winsound

            winsound.PlaySound(str(self._path), winsound.SND_FILENAME | winsound.SND_ASYNC | winsound.SND_NODEFAULT)
            return "winsound"
        for name in PLAYERS:
            program = QStandardPaths.findExecutable(name)
            if program and _start(program, self._path):
                return name
        return ""


def _start(program: str, path: Path) -> bool:
    process = QProcess()
    process.setProgram(program)
    process.setArguments([str(path)])
    process.setStandardOutputFile(QProcess.nullDevice())
    process.setStandardErrorFile(QProcess.nullDevice())
    started = process.startDetached()
    return started[0] if isinstance(started, tuple) else bool(started)
