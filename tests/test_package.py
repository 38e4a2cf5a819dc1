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


def the_spec_of(system: str, monkeypatch: pytest.MonkeyPatch, folder: Path) -> SimpleNamespace:
    """What the recipe asks PyInstaller for on that system: what it defined, and the words of each target."""
    asked: dict[str, Any] = {}

    def target(name: str) -> Any:
        return lambda *words, **named: asked.setdefault(name, SimpleNamespace(words=words, **named))

    files = [("PySide6/QtCore.pyd", "a", "EXTENSION"), ("libstdc++.so.6", "b", "BINARY")]
    config = SimpleNamespace(CONF={"code_cache": {}})
    hooks = SimpleNamespace(collect_data_files=lambda *_w, **_n: [], collect_submodules=lambda name: [name])
    monkeypatch.setitem(sys.modules, "PyInstaller.config", config)
    monkeypatch.setitem(sys.modules, "PyInstaller.utils.hooks", hooks)
    monkeypatch.setattr(sys, "platform", system)
    monkeypatch.setattr(subprocess, "run", lambda *_w, **_n: None)
    monkeypatch.setattr(Path, "mkdir", lambda *_w, **_n: None)
    monkeypatch.setattr(Path, "write_text", lambda *_w, **_n: 0)
    analysis = SimpleNamespace(binaries=files, datas=[], pure=[], scripts=[])
    names: dict[str, Any] = {name: target(name) for name in ("PYZ", "EXE", "COLLECT", "BUNDLE")}
    names |= {"Analysis": lambda *_w, **_n: analysis, "SPECPATH": str(ROOT)}
    exec((ROOT / "pyinstaller.spec").read_text(encoding="utf-8"), names)
    return SimpleNamespace(names=names, taken=[entry[0] for entry in analysis.binaries], asked=asked, folder=folder)


def test_the_recipe_for_windows_has_icon_and_version_and_no_console(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = the_spec_of("win32", monkeypatch, tmp_path)
    program = spec.asked["EXE"]
    assert program.icon.endswith("alphapanda.ico") and program.version.endswith("version_info.txt")
    assert not program.console and program.entitlements_file is None and "BUNDLE" not in spec.asked
    needed = ("platforms/qwindows.dll", "tls/qschannelbackend.dll", "iconengines/qsvgicon.dll")
    wanted = [f"PySide6\\plugins\\{name}" for name in needed]
    wanted += ["PySide6\\Qt6WebEngineCore.dll", "PySide6\\QtWebEngineProcess.exe", "PySide6\\resources\\icudtl.dat"]
    assert [name for name in wanted if not spec.names["is_wanted"](name)] == []
    assert not spec.names["is_wanted"]("PySide6\\Qt6Charts.dll")


def test_the_recipe_for_macos_makes_a_bundle_whose_plist_can_be_written(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spec = the_spec_of("darwin", monkeypatch, tmp_path)
    bundle = spec.asked["BUNDLE"]
    told = plistlib.loads(plistlib.dumps(bundle.info_plist))
    assert told["CFBundleShortVersionString"] == bundle.version and bundle.icon.endswith("alphapanda.icns")
    assert bundle.bundle_identifier == spec.names["BUNDLE_ID"]
    assert Path(spec.asked["EXE"].entitlements_file).is_file()
    engine = "PySide6/Qt/lib/QtWebEngineCore.framework/Versions/A"
    wanted = [
        f"{engine}/QtWebEngineCore",
        f"{engine}/Resources/icudtl.dat",
        "PySide6/Qt/plugins/platforms/libqcocoa.dylib",
    ]
    assert [name for name in wanted if not spec.names["is_wanted"](name)] == []


def test_what_is_the_desktops_own_is_left_to_it_on_linux_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert the_spec_of("linux", monkeypatch, tmp_path).taken == ["PySide6/QtCore.pyd"]
    assert len(the_spec_of("win32", monkeypatch, tmp_path).taken) == 2


def test_what_pip_noted_on_the_building_machine_stays_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    wanted = the_spec_of("linux", monkeypatch, tmp_path).names["is_wanted"]
    assert not wanted("alphapanda_desktop-0.1.0.dist-info/direct_url.json")
    assert not wanted("numpy-2.4.6.dist-info/RECORD") and wanted("keyring-25.7.0.dist-info/entry_points.txt")


def test_what_only_the_owner_can_settle_stands_in_one_place_each() -> None:
    places: dict[str, list[str]] = {"packages@alphapanda.in": [], "in.alphapanda.desktop": []}
    sources = [ROOT / "pyinstaller.spec", *SCRIPTS.rglob("*.*"), *(ROOT / ".github").rglob("*.yml"), LINUX / "control"]
    for path in sources:
        if path.is_file() and path.suffix != ".pyc":
            text = path.read_text(encoding="utf-8")
            for value in places:
                places[value] += [path.name] * text.count(value)
    assert places == {"packages@alphapanda.in": ["deb.sh"], "in.alphapanda.desktop": ["pyinstaller.spec"]}
    page = (ROOT / "docs" / "packaging.md").read_text(encoding="utf-8")
    assert all(value in page for value in places)


def test_every_step_of_the_workflows_is_of_an_exact_commit_and_names_scripts_that_are_there() -> None:
    yaml = pytest.importorskip("yaml", reason="PyYAML comes with the extras")
    for path in sorted((ROOT / ".github" / "workflows").glob("*.yml")):
        told = yaml.safe_load(path.read_text(encoding="utf-8"))
        assert told["permissions"] == {"contents": "read"}
        steps = [step for job in told["jobs"].values() for step in job["steps"]]
        used = [step["uses"] for step in steps if "uses" in step]
        assert [name for name in used if not re.search(r"@[0-9a-f]{40}$", name)] == []
        machines = re.findall(r"(?:ubuntu|windows|macos|debian)[-:]\w+", path.read_text(encoding="utf-8"))
        assert machines and [name for name in machines if name.endswith("latest")] == []
        named = re.findall(r"\.ci[\\/][\w\\/.-]+", "\n".join(step.get("run", "") for step in steps))
        assert [name for name in named if not (ROOT / name.replace("\\", "/")).is_file()] == []


@ON_LINUX
@pytest.mark.parametrize("script", sorted(path.name for path in SCRIPTS.rglob("*.sh")))
def test_every_shell_script_can_be_read_by_its_shell(script: str) -> None:
    (path,) = SCRIPTS.rglob(script)
    done = subprocess.run(["bash", "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "") and os.access(path, os.X_OK)


def test_every_section_and_constant_of_the_installer_is_one_that_inno_setup_has() -> None:
    script = (SCRIPTS / "windows" / "alphapanda.iss").read_text(encoding="utf-8")
    known = {"Setup", "Languages", "Tasks", "InstallDelete", "Files", "Icons", "Run"}
    assert set(re.findall(r"^\[(\w+)\]", script, re.MULTILINE)) == known
    constants = set(re.findall(r"\{([a-z]+)[},:]", script.replace("{{", "")))
    assert constants <= {"app", "autopf", "autoprograms", "autodesktop", "cm"}
    for entry in re.findall(r"^(?:Name|Source|Type|Filename): .+$", script, re.MULTILINE):
        assert entry.count('"') % 2 == 0


# --- Debian ------------------------------------------------------------------------------------------------------


def test_the_package_depends_on_every_library_that_a_checkout_needs() -> None:
    control = (LINUX / "control").read_text(encoding="utf-8")
    depends = re.search(r"^Depends: (.+)$", control, re.MULTILINE)
    prepare = (ROOT / ".ci" / "prepare.sh").read_text(encoding="utf-8")
    needed = re.search(r'^program_libraries="(.+?)"', prepare, re.MULTILINE | re.DOTALL)
    assert depends is not None and needed is not None
    named = set(re.findall(r"[\w.+-]+", depends[1]))
    assert [library for library in needed[1].split() if library not in named] == []
    filled = set(re.findall(r"@\w+@", (SCRIPTS / "deb.sh").read_text(encoding="utf-8")))
    assert set(re.findall(r"@\w+@", control)) <= filled


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


def test_a_file_that_lends_rights_or_names_a_folder_of_the_builder_is_faulty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tryout, "frozen", lambda _dist: iter([("module", b"clean")]))
    (tmp_path / "library.so").write_bytes(b"clean")
    (tmp_path / "library.so").chmod(0o755)
    assert tryout.clean(tmp_path).startswith("2 files and modules")
    monkeypatch.setattr(tryout, "frozen", lambda _dist: iter([("module", str(ROOT).encode())]))
    with pytest.raises(tryout.Faulty, match="named in module"):
        tryout.clean(tmp_path)
    (tmp_path / "library.so").chmod(0o4755)
    with pytest.raises(tryout.Faulty, match=r"lend rights: library\.so"):
        tryout.clean(tmp_path)


def test_a_library_that_slipped_in_without_its_licence_is_faulty(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    papers = tmp_path / "_internal" / "resources" / "third-party"
    papers.mkdir(parents=True)
    (papers / "third-party.json").write_text('[{"name": "NumPy"}]', encoding="utf-8")
    monkeypatch.setattr(tryout, "frozen", lambda _dist: iter([("numpy.core", b"")]))
    assert tryout.licensed(tmp_path).startswith("1 libraries")
    monkeypatch.setattr(tryout, "frozen", lambda _dist: iter([("numpy", b""), ("pytest", b"")]))
    with pytest.raises(tryout.Faulty, match="in no list of licences: pytest"):
        tryout.licensed(tmp_path)


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
