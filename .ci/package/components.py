"""What the packaged program is made of: libraries of the lock, Python, Qt, Chromium, fonts, and the build system's own.

The lock says which versions and which files may be installed; the installed metadata says what needs what, and under
which licence. Where the two disagree the build stops.
"""

from __future__ import annotations

import hashlib
import os
import platform
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
TEXTS = ROOT / "resources" / "licences"
SPDX = {
    "MIT License": "MIT", "Apache License 2.0": "Apache-2.0", "Apache 2.0": "Apache-2.0", "Apache 2": "Apache-2.0",
    "Apache License, Version 2.0": "Apache-2.0", "BSD": "BSD-3-Clause", "BSD License": "BSD-3-Clause",
    "BSD 3-Clause License": "BSD-3-Clause", "Dual License": "BSD-3-Clause", "PSF": "PSF-2.0",
    "GPLv2-or-later with a special exception which allows to use PyInstaller to build and distribute non-free "
    "programs (including commercial ones)": "GPL-2.0-or-later WITH Bootloader-exception",
    "OSI Approved :: BSD License": "BSD-3-Clause", "OSI Approved :: MIT License": "MIT",
}  # fmt: skip
"""What authors wrote, and how it is written so that a machine can read it."""
SAID = {
    "ta-lib": "BSD-2-Clause",  # its metadata name no licence; its LICENSE file does
    "pyside6-qtads": "LGPL-2.1-only",
    "pyinstaller": "GPL-2.0-or-later WITH Bootloader-exception",
}
FILES_OF = {"LGPL-3.0-only": ("LGPL-3.0.txt", "GPL-3.0.txt")}
"""Licences whose text the wheels leave out."""
LICENCE_FILE = re.compile(r"(licen[cs]e|copying|notice|copyright)", re.IGNORECASE)
CHROMIUM = """\
Chromium is copyright The Chromium Authors and others, and used as Qt builds it into Qt WebEngine. Qt lists what
Qt WebEngine contains of others, each with its licence in full:

    https://doc.qt.io/qt-6/qtwebengine-licensing.html

and the same for all other parts of Qt: https://doc.qt.io/qt-6/licenses-used-in-qt.html
"""
"""No page of the web view tells them: Qt builds Chromium without chrome://credits."""
FONTS = (
    ("Noto Sans", "2.004", "OFL-1.1", "OFL.txt"),
    ("Noto Sans Devanagari", "2.001", "OFL-1.1", "OFL.txt"),
    ("Noto Sans Symbols2", "2.003", "OFL-1.1", "OFL.txt"),
    ("DejaVu Sans", "2.37", "Bitstream-Vera", "DejaVu.txt"),
    ("DejaVu Sans Mono", "2.37", "Bitstream-Vera", "DejaVu.txt"),
)


@dataclass(frozen=True)
class Part:
    """One thing of somebody else in the package. `texts` are (file name, licence text), `hashes` SHA-256."""

    name: str
    version: str
    kind: str
    licence: str
    purl: str
    home: str = ""
    hashes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    texts: tuple[tuple[str, str], ...] = ()


def locked(text: str) -> dict[str, tuple[str, tuple[str, ...]]]:
    """Version and SHA-256 sums of each library in a lock file, by its canonical name."""
    found = {}
    for block in re.split(r"\n(?=[\w.-]+==)", text):
        head = re.match(r"([\w.-]+)(?:\[[\w,-]+\])?==([^\s;\\]+)", block)
        if head:
            found[canonicalize_name(head[1])] = (head[2], tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", block)))
    return found


def libraries(lock: dict[str, tuple[str, tuple[str, ...]]]) -> list[Part]:
    """Every library that the program needs on this system, and PyInstaller's boot loader."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs: dict[str, set[str]] = {}
    asked: set[tuple[str, str]] = set()
    waiting = _wanted(project["dependencies"], "")
    while waiting:
        name, extra = one = waiting.pop()
        if one not in asked:
            asked.add(one)
            more = _wanted(distribution(name).requires or (), extra)
            needs.setdefault(name, set()).update(other for other, _ in more)
            waiting += more
    needs.setdefault("pyinstaller", set())
    return [_library(name, lock, sorted(needs[name])) for name in sorted(needs)]


def _wanted(requirements: Iterable[str], extra: str) -> list[tuple[str, str]]:
    """What is required on this system, each once without an extra and once for each that it is asked with."""
    wanted = [Requirement(text) for text in requirements]
    here = [one for one in wanted if not one.marker or one.marker.evaluate({"extra": extra})]
    return [(canonicalize_name(one.name), asked) for one in here for asked in ("", *sorted(one.extras))]


def _library(name: str, lock: dict[str, tuple[str, tuple[str, ...]]], needs: list[str]) -> Part:
    installed = distribution(name)
    version, hashes = lock[name]
    if installed.version != version:
        raise SystemExit(f"{name} {installed.version} is installed, the lock names {version}: run make package")
    licence = licence_of(installed)
    texts = tuple(_texts(installed)) or tuple((file, _text(file)) for file in FILES_OF.get(licence, ()))
    home = installed.metadata.get("Home-page") or _home(installed.metadata.get_all("Project-URL") or [])
    return Part(installed.name, version, "library", licence, f"pkg:pypi/{name}@{version}", home, hashes,
        tuple(f"pkg:pypi/{other}@{lock[other][0]}" for other in needs), texts)  # fmt: skip


def licence_of(installed: Distribution) -> str:
    """Its licence as an SPDX expression where that is known, else in its author's words."""
    meta = installed.metadata
    if said := SAID.get(canonicalize_name(installed.name)):
        return said
    if expression := meta.get("License-Expression"):
        return expression
    line = " ".join((meta.get("License") or "").split())
    if line.startswith("LGPL-3.0-only"):
        return "LGPL-3.0-only"  # Qt for Python: of the three that are offered, this one is taken
    if not line or len(line) > 120:
        kinds = [kind.removeprefix("License :: ") for kind in meta.get_all("Classifier") or [] if "License ::" in kind]
        line = kinds[0] if kinds else "unknown"
    return SPDX.get(line, line)


def _texts(installed: Distribution) -> Iterable[tuple[str, str]]:
    for file in installed.files or ():
        if LICENCE_FILE.search(file.name) and file.suffix not in (".py", ".pyc", ".so", ".h", ".pyi"):
            path = Path(str(installed.locate_file(file)))
            if path.is_file():
                yield file.name, path.read_text(encoding="utf-8", errors="replace")


def _text(name: str) -> str:
    return (TEXTS / name).read_text(encoding="utf-8")


def _home(urls: list[str]) -> str:
    """The first address that an author calls home, or any."""
    pairs = [tuple(part.strip() for part in url.partition(",")[::2]) for url in urls]
    named = [url for label, url in pairs if label.lower() in ("homepage", "home", "source", "repository")]
    return (named or [url for _, url in pairs] or [""])[0]


def runtimes() -> list[Part]:
    """Python itself, Qt with its web engine, and the fonts: in no lock, yet in the folder."""
    from PySide6.QtCore import qVersion
    from PySide6.QtWebEngineCore import qWebEngineChromiumVersion

    lgpl = tuple((file, _text(file)) for file in FILES_OF["LGPL-3.0-only"])
    icu = next((path.name.rpartition(".so.")[2] for path in _qt_libraries().glob("libicuuc.so.*")), qVersion())
    version, chromium, fonts = platform.python_version(), qWebEngineChromiumVersion(), ROOT / "resources" / "fonts"
    return [
        Part("CPython", version, "runtime", "PSF-2.0", f"pkg:generic/cpython@{version}", "https://www.python.org/",
            texts=(("LICENSE", _python_licence()),)),
        Part("Qt", qVersion(), "runtime", "LGPL-3.0-only", f"pkg:generic/qt@{qVersion()}",
            "https://download.qt.io/official_releases/qt/", texts=lgpl),
        Part("Chromium in Qt WebEngine", chromium, "runtime", "BSD-3-Clause", f"pkg:generic/chromium@{chromium}",
            "https://www.chromium.org/", texts=(("of whom", CHROMIUM),)),
        Part("ICU in Qt", icu, "runtime", "Unicode-3.0", f"pkg:generic/icu@{icu}", "https://icu.unicode.org/",
            texts=(("Unicode-3.0.txt", _text("Unicode-3.0.txt")),)),
        *(Part(name, number, "font", licence, f"pkg:generic/{name.lower().replace(' ', '-')}@{number}",
            texts=((file, (fonts / file).read_text(encoding="utf-8")),)) for name, number, licence, file in FONTS),
    ]  # fmt: skip


def _qt_libraries() -> Path:
    """Where the libraries of Qt are that come with its wheels."""
    from PySide6.QtCore import QLibraryInfo

    return Path(QLibraryInfo.path(QLibraryInfo.LibraryPath.LibrariesPath))


def _python_licence() -> str:
    """The interpreter's own licence, wherever its maker put it."""
    short = f"python{sys.version_info.major}.{sys.version_info.minor}"
    base = Path(sys.base_prefix)
    places = (base / "lib" / short / "LICENSE.txt", base / "LICENSE.txt", Path("/usr/share/doc") / short / "copyright")
    return next(
        (path.read_text(encoding="utf-8") for path in places if path.is_file()), "https://docs.python.org/license\n"
    )


def of_system(sources: Iterable[Path]) -> list[Part]:
    """The build system's own libraries among files that were collected, by package where it can tell."""
    by_owner: dict[str, list[Path]] = {}
    for path in sorted({Path(os.path.realpath(source)) for source in sources}):
        by_owner.setdefault(_owner(path), []).append(path)
    return [_system_part(owner, files) for owner, files in sorted(by_owner.items())]


def _owner(path: Path) -> str:
    """The Debian package that a file is of, or the file's own name."""
    merged = Path("/usr", *path.parts[1:])
    for name in (path, Path(*path.parts[:1], *path.parts[2:]) if path.parts[1:2] == ("usr",) else merged):
        try:
            told = subprocess.run(["dpkg-query", "-S", str(name)], capture_output=True, text=True, check=False)
        except FileNotFoundError:
            break
        if told.returncode == 0:
            return told.stdout.partition(": ")[0].partition(",")[0].partition(":")[0]
    return path.name


def _system_part(owner: str, files: list[Path]) -> Part:
    hashes = tuple(hashlib.sha256(path.read_bytes()).hexdigest() for path in files)
    copyright_file = Path("/usr/share/doc") / owner / "copyright"
    if owner == files[0].name or not copyright_file.is_file():
        return Part(owner, "", "system", "unknown", f"pkg:generic/{owner}", hashes=hashes)
    asked = ["dpkg-query", "-W", "-f=${Version}\n", owner]
    version = subprocess.run(asked, capture_output=True, text=True, check=True).stdout.split("\n")[0]
    text = copyright_file.read_text(encoding="utf-8", errors="replace")
    kinds = sorted(set(re.findall(r"^License: *(\S.*)$", text, re.MULTILINE)))
    return Part(owner, version, "system", ", ".join(kinds)[:200] or "see its text",
        f"pkg:deb/debian/{owner}@{version}", hashes=hashes, texts=(("copyright", text),))  # fmt: skip


def parts(collected: Iterable[Path] = ()) -> list[Part]:
    """All of it; `collected` are the system's files that PyInstaller put in."""
    lock = locked((ROOT / "requirements.lock").read_text(encoding="utf-8"))
    return [*runtimes(), *libraries(lock), *of_system(collected)]
