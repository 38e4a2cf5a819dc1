#!/usr/bin/env python
"""The licences of everything in the package: one text to read, one list for the About sheet.

papers.py FOLDER [COLLECTED]     writes LICENSES.txt and third-party.json; COLLECTED lists system files, a line each
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from pathlib import Path

from components import Part, parts

RULE = "=" * 100
INTRODUCTION = """\
What AlphaPanda Desktop contains of others, and under which licences.

Qt and Qt for Python are used under the LGPL: they are shared libraries in this folder, unchanged, and may be replaced
by others of the same interface. Their sources: https://download.qt.io/official_releases/. No part of Qt that is
offered under the GPL alone is in here. The licence of AlphaPanda Desktop itself is its owner's to state.
"""


def as_text(found: Iterable[Part]) -> str:
    """Every licence in full; parts with the very same text stand above it together."""
    together: dict[tuple[tuple[str, str], ...], list[Part]] = {}
    for part in found:
        together.setdefault(part.texts, []).append(part)
    listed = "\n".join(f"  {part.name} {part.version}: {part.licence}" for same in together.values() for part in same)
    sections = [_section(same, texts) for texts, same in together.items()]
    return "\n".join([INTRODUCTION, listed, "", *sections])


def _section(same: list[Part], texts: tuple[tuple[str, str], ...]) -> str:
    head = "\n".join(" ".join(filter(None, (part.name, part.version, part.home))) for part in same)
    body = "\n\n".join(f"--- {name} ---\n\n{text.rstrip()}" for name, text in texts)
    return f"{RULE}\n{head}\nLicence: {same[0].licence}\n{RULE}\n\n{body or 'Its maker gives no text.'}\n\n"


def as_list(found: Iterable[Part]) -> list[dict[str, str]]:
    """Name, version, kind, licence and home of each."""
    return [{name: getattr(part, name) for name in ("name", "version", "kind", "licence", "home")} for part in found]


def write(folder: Path, found: list[Part]) -> None:
    """Both files."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "LICENSES.txt").write_text(as_text(found), encoding="utf-8")
    listed = json.dumps(as_list(found), indent=1, ensure_ascii=False)
    (folder / "third-party.json").write_text(listed + "\n", encoding="utf-8")


def collected(arguments: list[str]) -> list[Path]:
    """The paths in the file that the second argument names."""
    lines = Path(arguments[1]).read_text(encoding="utf-8").splitlines() if len(arguments) > 1 else []
    return [Path(line) for line in lines if line]


if __name__ == "__main__":
    write(Path(sys.argv[1]), parts(collected(sys.argv[1:])))
