#!/usr/bin/env python
"""The application icon for every system, drawn from the SVG sources by Qt's own renderer.

    icons.py FOLDER     writes alphapanda.ico, alphapanda.icns and hicolor/SIZExSIZE/apps/alphapanda.png

ICO and ICNS are lists of PNG files with a short head before each; both systems take PNG in them since 2007.
"""

from __future__ import annotations

import struct
import sys
from pathlib import Path

from PySide6.QtCore import QBuffer, QByteArray, QIODevice, QRectF
from PySide6.QtGui import QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

RESOURCES = Path(__file__).resolve().parents[2] / "resources"
SMALL = 32
"""Up to this many pixels the simpler drawing is the clearer one."""
HICOLOR = (16, 22, 24, 32, 48, 64, 96, 128, 256, 512)
ICO = (16, 20, 24, 32, 40, 48, 64, 256)
ICNS = {b"icp4": 16, b"ic11": 32, b"icp5": 32, b"ic12": 64, b"ic07": 128, b"ic13": 256, b"ic08": 256, b"ic14": 512,
        b"ic09": 512, b"ic10": 1024}  # fmt: skip
"""Apple's names of sizes: those of 10 to 14 are twice as dense."""


def png(size: int) -> bytes:
    """The icon as a square PNG with transparent corners."""
    source = RESOURCES / ("alphapanda-small.svg" if size <= SMALL else "alphapanda.svg")
    renderer = QSvgRenderer(str(source))
    if not renderer.isValid():
        raise SystemExit(f"{source} is no drawing that Qt can read")
    image = QImage(size, size, QImage.Format.Format_ARGB32_Premultiplied)
    image.fill(0)
    painter = QPainter(image)
    renderer.render(painter, QRectF(0, 0, size, size))
    painter.end()
    data = QByteArray()
    buffer = QBuffer(data)
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return data.data()


def ico() -> bytes:
    """Windows' container: a directory of 16-byte entries, then the pictures."""
    pictures = [(size, png(size)) for size in ICO]
    at = 6 + 16 * len(pictures)
    head, body = struct.pack("<HHH", 0, 1, len(pictures)), b""
    for size, data in pictures:
        edge = size % 256  # 256 is written as 0
        head += struct.pack("<BBBBHHII", edge, edge, 0, 0, 1, 32, len(data), at + len(body))
        body += data
    return head + body


def icns() -> bytes:
    """macOS's container: each picture behind its name and length."""
    parts = b"".join(name + struct.pack(">I", 8 + len(data)) + data for name, data in _named())
    return b"icns" + struct.pack(">I", 8 + len(parts)) + parts


def _named() -> list[tuple[bytes, bytes]]:
    return [(name, png(size)) for name, size in ICNS.items()]


def write(folder: Path) -> list[Path]:
    """All of them; their paths."""
    made = {folder / "alphapanda.ico": ico(), folder / "alphapanda.icns": icns()}
    made |= {folder / "hicolor" / f"{size}x{size}" / "apps" / "alphapanda.png": png(size) for size in HICOLOR}
    for path, data in made.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return list(made)


if __name__ == "__main__":
    write(Path(sys.argv[1]))
