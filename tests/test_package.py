"""What goes around the packaged program: icons, licences, bill of materials, version resource, entries for desktops.

The package itself is built and tried by `make package`, and installed on a bare Debian by `make package-test`.
"""

from __future__ import annotations

import configparser
import importlib
import json
import os
import plistlib
import re
import shutil
import struct
import subprocess
import sys
import tomllib
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from PySide6.QtGui import QImage

ROOT = Path(__file__).resolve().parents[1]
SCRIPTS = ROOT / ".ci" / "package"
LINUX = SCRIPTS / "linux"
sys.path.insert(0, str(SCRIPTS))
components, icons, tryout, winversion = (
    importlib.import_module(name) for name in ("components", "icons", "tryout", "winversion")
)
LOCK = components.locked((ROOT / "requirements.lock").read_text(encoding="utf-8"))
GPL_ALONE = (
    "QtCharts",
    "QtDataVisualization",
    "QtGraphs",
    "QtGraphsWidgets",
    "QtHttpServer",
    "QtNetworkAuth",
    "QtQuick3D",
)
"""Parts of Qt that are offered under the GPL and a commercial licence, and under no other."""
ON_LINUX = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a Linux package")


# --- icons -------------------------------------------------------------------------------------------------------


def test_the_windows_icon_holds_a_picture_of_each_size_where_its_directory_says() -> None:
    data = icons.ico()
    reserved, kind, count = struct.unpack_from("<HHH", data)
    entries = [struct.unpack_from("<BBBBHHII", data, 6 + 16 * number) for number in range(count)]
    assert (reserved, kind, count) == (0, 1, len(icons.ICO))
    for wanted, (width, _height, *_rest, length, at) in zip(icons.ICO, entries, strict=True):
        image = QImage.fromData(data[at : at + length], "PNG")
        assert (width or 256, image.width(), image.height()) == (wanted, wanted, wanted)
    assert entries[-1][7] + entries[-1][6] == len(data)


def test_the_macos_icon_holds_a_picture_of_each_size_that_its_names_mean() -> None:
    data = icons.icns()
    assert data[:4] == b"icns" and struct.unpack(">I", data[4:8]) == (len(data),)
    at, found = 8, {}
    while at < len(data):
        name, length = struct.unpack_from(">4sI", data, at)
        found[name] = QImage.fromData(data[at + 8 : at + length], "PNG").width()
        at += length
    assert found == icons.ICNS


def test_corners_of_the_icon_let_what_is_beneath_show() -> None:
    for size in (16, 256):
        image = QImage.fromData(icons.png(size), "PNG")
        assert image.pixelColor(0, 0).alpha() == 0 and image.pixelColor(size // 2, size // 2).alpha() == 255


# --- licences and bill of materials ------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def papers(tmp_path_factory: pytest.TempPathFactory) -> SimpleNamespace:
    """What both scripts write, run as the build runs them, with one library of this system."""
    folder = tmp_path_factory.mktemp("papers")
    taken = folder / "collected.txt"
    taken.write_text(f"{Path(sys.executable).resolve()}\n", encoding="utf-8")
    blind = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "SOURCE_DATE_EPOCH": "1795000000"}
    for script in ("papers.py", "sbom.py"):
        subprocess.run([sys.executable, str(SCRIPTS / script), str(folder), str(taken)], check=True, env=blind)
    listed = json.loads((folder / "third-party.json").read_text(encoding="utf-8"))
    bill = json.loads((folder / "sbom.cdx.json").read_text(encoding="utf-8"))
    return SimpleNamespace(listed=listed, bill=bill, text=(folder / "LICENSES.txt").read_text(encoding="utf-8"))


def test_every_library_that_the_project_names_is_listed_with_the_version_of_the_lock(papers: Any) -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {re.split(r"[=<>;\[ ]", line)[0].lower().replace("_", "-") for line in project["dependencies"]}
    listed = {re.sub(r"[-_.]+", "-", one["name"]).lower(): one["version"] for one in papers.listed}
    assert wanted <= set(listed)
    assert {name: listed[name] for name in wanted} == {name: LOCK[name][0] for name in wanted}


def test_no_tool_of_the_developers_is_listed(papers: Any) -> None:
    assert {one["name"].lower() for one in papers.listed}.isdisjoint({"pytest", "mypy", "ruff", "hypothesis", "rich"})


def test_what_an_extra_of_a_library_needs_is_listed_too(papers: Any) -> None:
    """Kite's own library asks for autobahn[twisted]."""
    assert {"twisted", "zope-interface"} <= {re.sub(r"[-_.]+", "-", one["name"]).lower() for one in papers.listed}


def test_every_library_has_a_licence_and_its_text(papers: Any) -> None:
    unknown = [one["name"] for one in papers.listed if one["kind"] != "system" and one["licence"] in ("", "unknown")]
    untold = [one["name"] for one in papers.listed if f"\n{one['name']} {one['version']}".rstrip() not in papers.text]
    assert (unknown, untold) == ([], [])
    assert "GNU LESSER GENERAL PUBLIC LICENSE" in papers.text and "SIL OPEN FONT LICENSE" in papers.text
    assert "its maker gives no text" not in papers.text.lower().replace(SYSTEM_WORDS, "")


SYSTEM_WORDS = f"licence: unknown\n{'=' * 100}\n\nits maker gives no text"


def test_nothing_is_under_the_gpl_alone_but_the_boot_loader(papers: Any) -> None:
    bare = [
        one["name"] for one in papers.listed if re.search(r"(?<!L)GPL", one["licence"]) and one["kind"] == "library"
    ]
    assert bare == ["pyinstaller"]
    spec = (ROOT / "pyinstaller.spec").read_text(encoding="utf-8")
    assert [module for module in GPL_ALONE if not re.search(rf"\b{module}\b", spec)] == []


def test_the_bill_names_every_part_once_and_its_dependencies_lead_to_parts(papers: Any) -> None:
    bill = papers.bill
    refs = [one["bom-ref"] for one in bill["components"]]
    root = bill["metadata"]["component"]["bom-ref"]
    assert (bill["bomFormat"], bill["specVersion"], bill["version"]) == ("CycloneDX", "1.6", 1)
    assert len(refs) == len(set(refs)) == len(papers.listed)
    assert {one["ref"] for one in bill["dependencies"]} == {*refs, root}
    assert {need for one in bill["dependencies"] for need in one["dependsOn"]} <= set(refs)
    assert bill["metadata"]["timestamp"] == "2026-11-18T11:06:40Z"
    assert re.fullmatch(r"urn:uuid:[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", bill["serialNumber"])


def test_hashes_of_the_bill_are_those_that_the_lock_admits(papers: Any) -> None:
    told = {}
    for one in papers.bill["components"]:
        for reference in one.get("externalReferences", []):
            if reference["type"] == "distribution":
                name = re.sub(r"[-_.]+", "-", one["name"]).lower()
                told[name] = (one["version"], tuple(hash_["content"] for hash_ in reference["hashes"]))
    assert len(told) > 40
    assert {name: LOCK[name] for name in told} == told


# --- Windows and macOS: written, not run here --------------------------------------------------------------------


def test_the_version_resource_is_one_that_pyinstaller_can_read() -> None:
    def made(kind: str) -> Any:
        return lambda *words, **named: SimpleNamespace(kind=kind, words=words, **named)

    names = (
        "VSVersionInfo",
        "FixedFileInfo",
        "StringFileInfo",
        "StringTable",
        "StringStruct",
        "VarFileInfo",
        "VarStruct",
    )
    whole = eval(winversion.resource("1.2.3"), {name: made(name) for name in names})
    fields = dict(one.words for one in whole.kids[0].words[0][0].words[1])
    assert whole.ffi.filevers == whole.ffi.prodvers == (1, 2, 3, 0)
    assert fields["ProductName"] == "AlphaPanda Desktop" and fields["FileVersion"] == "1.2.3"


def test_the_entitlements_let_the_web_engine_run_and_no_debugger_in() -> None:
    told = plistlib.loads((SCRIPTS / "macos" / "entitlements.plist").read_bytes())
    assert told["com.apple.security.cs.allow-jit"] and told["com.apple.security.network.client"]
    assert [name for name in told if name.endswith("get-task-allow")] == []


def test_the_windows_installer_needs_no_administrator_and_keeps_the_persons_data() -> None:
    script = (SCRIPTS / "windows" / "alphapanda.iss").read_text(encoding="utf-8")
    assert "PrivilegesRequired=lowest" in script and "AppId={{" in script
    assert "[UninstallDelete]" not in script  # journals and settings are the person's


# --- Debian ------------------------------------------------------------------------------------------------------


def test_the_package_depends_on_every_library_that_a_checkout_needs() -> None:
    control = (LINUX / "control").read_text(encoding="utf-8")
    depends = re.search(r"^Depends: (.+)$", control, re.MULTILINE)
    prepare = (ROOT / ".ci" / "prepare.sh").read_text(encoding="utf-8")
    needed = re.search(r'^program_libraries="(.+?)"', prepare, re.MULTILINE | re.DOTALL)
    assert depends is not None and needed is not None
    named = set(re.findall(r"[\w.+-]+", depends[1]))
    assert [library for library in needed[1].split() if library not in named] == []
    assert {"@VERSION@", "@ARCHITECTURE@", "@SIZE@", "@GLIBC@"} <= set(re.findall(r"@\w+@", control))


def test_the_desktop_entry_starts_the_program_in_modes_that_it_has() -> None:
    entry = configparser.ConfigParser(interpolation=None)
    entry.optionxform = str  # type: ignore[assignment,method-assign]
    entry.read(LINUX / "alphapanda.desktop", encoding="utf-8")
    main = entry["Desktop Entry"]
    assert (main["Exec"], main["Icon"], main["Terminal"]) == ("alphapanda", "alphapanda", "false")
    actions = [name for name in main["Actions"].split(";") if name]
    assert [entry[f"Desktop Action {name}"]["Exec"] for name in actions] == [
        "alphapanda --mode practice",
        "alphapanda --mode paper",
    ]


@pytest.mark.skipif(shutil.which("desktop-file-validate") is None, reason="desktop-file-utils are not installed")
def test_the_desktop_entry_is_what_desktops_understand() -> None:
    done = subprocess.run(
        ["desktop-file-validate", str(LINUX / "alphapanda.desktop")], capture_output=True, check=False
    )
    assert (done.returncode, done.stdout) == (0, b"")


def test_every_override_of_lintian_has_its_reason() -> None:
    lines = (LINUX / "lintian-overrides").read_text(encoding="utf-8").splitlines()
    unreasoned = [
        line for before, line in zip(["", *lines], lines, strict=False) if not line.startswith("#") and not before
    ]
    assert [line for line in lines if line.startswith("alphapanda: ")] and unreasoned == []


# --- the trial of a package --------------------------------------------------------------------------------------


def test_a_package_that_is_too_large_is_faulty(tmp_path: Path) -> None:
    with (tmp_path / "library.so").open("wb") as file:
        file.truncate((tryout.LARGEST_MB + 1) * 2**20)
    with pytest.raises(tryout.Faulty, match=r"481\.0 MB, 480 are allowed"):
        tryout.size(tmp_path)


@ON_LINUX
def test_a_program_that_is_left_running_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tryout, "ENDS_WITHIN_S", 0.1)
    program = tmp_path / "opt" / "sleeper"
    program.parent.mkdir()
    shutil.copy(str(shutil.which("sleep")), program)
    child = subprocess.Popen([str(program), "60"])
    try:
        (left,) = tryout.left_running(tmp_path)
        assert left.startswith(str(child.pid)) and "sleeper" in left
    finally:
        child.kill()
        child.wait()
    assert tryout.left_running(tmp_path) == []


@ON_LINUX
def test_a_copy_is_tried_that_nobody_may_write_to(tmp_path: Path) -> None:
    program = tmp_path / "alphapanda"
    program.write_text("#!/bin/sh\n", encoding="utf-8")
    program.chmod(0o755)
    with tryout.installed(tmp_path) as place:
        assert "₹" in str(place) and " " in str(place)
        assert (place / "opt" / "alphapanda").stat().st_mode & 0o777 == 0o555
        assert (place / "opt").stat().st_mode & 0o222 == 0
    assert not place.exists()
