"""The house stands as drawn: contracts that bite, a domain that stays small, a lock that says what pyproject says."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "alphapanda_desktop"
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
LOCK = (ROOT / "requirements.lock").read_text(encoding="utf-8")

HOUSE = [
    "__main__", "start", "folders", "memory", "preload", "tour", "player", "app", "venues.venue", "venues.kite",
    "venues.paper", "single", "commands.charges", "loop", "settings", "logs", "clock", "practice", "domain.orders",
    "trading.desk", "kite.client", "kite.reader", "kite.broker", "kite.portfolio", "kite.contract",
    "kite.contract_orders", "kite.packets", "sim.server", "store.journal", "strategies.momentum", "ui.shell",
    "ui.chart.view",
    "authoring.names", "authoring.probe", "backtest.engine", "hosting.child", "hosting.seat", "replaying.exact",
    "sweeps.job", "upkeep", "answers", "noticing", "couriers", "preferences", "preflight", "support", "selftest",
    "admission", "updates", "announcement", "care", "updating",
]  # fmt: skip
PERMITTED = [
    ("__main__", "alphapanda_desktop.start"),
    ("start", "alphapanda_desktop.app"),
    ("start", "PySide6.QtWidgets"),
    ("tour", "alphapanda_desktop.player"),
    ("player", "alphapanda_desktop.start"),
    ("player", "PySide6.QtWidgets"),
    ("memory", "alphapanda_desktop.settings"),
    ("app", "alphapanda_desktop.venues.kite"),
    ("venues.paper", "alphapanda_desktop.kite.reader"),
    ("venues.kite", "alphapanda_desktop.kite.client"),
    ("commands.charges", "alphapanda_desktop.domain.orders"),
    ("__main__", "PySide6.QtWidgets"),
    ("app", "alphapanda_desktop.settings"),
    ("app", "alphapanda_desktop.admission"),
    ("updates", "alphapanda_desktop.store.journal"),
    ("updates", "alphapanda_desktop.announcement"),
    ("admission", "alphapanda_desktop.settings"),
    ("app", "alphapanda_desktop.ui.shell"),
    ("app", "alphapanda_desktop.kite.client"),
    ("ui.shell", "alphapanda_desktop.trading.desk"),
    ("ui.shell", "PySide6.QtWidgets"),
    ("loop", "qasync"),
    ("trading.desk", "alphapanda_desktop.domain.orders"),
    ("sim.server", "alphapanda_desktop.kite.contract"),
    ("sim.server", "alphapanda_desktop.kite.contract_orders"),
    ("sim.server", "alphapanda_desktop.kite.packets"),
    ("kite.client", "kiteconnect"),
    ("store.journal", "sqlalchemy"),
    ("authoring.names", "alphapanda_desktop.domain.orders"),
    ("commands.charges", "alphapanda_desktop.authoring.probe"),
    ("backtest.engine", "alphapanda_desktop.domain.orders"),
    ("commands.charges", "alphapanda_desktop.backtest.engine"),
    ("hosting.seat", "alphapanda_desktop.trading.desk"),
    ("hosting.child", "alphapanda_desktop.authoring.probe"),
    ("hosting.child", "alphapanda_desktop.strategies.momentum"),
    ("replaying.exact", "alphapanda_desktop.trading.desk"),
    ("replaying.exact", "alphapanda_desktop.store.journal"),
    ("sweeps.job", "alphapanda_desktop.backtest.engine"),
    ("ui.shell", "alphapanda_desktop.sweeps.job"),
    ("app", "alphapanda_desktop.hosting.seat"),
    ("app", "alphapanda_desktop.upkeep"),
    ("app", "alphapanda_desktop.answers"),
    ("app", "alphapanda_desktop.preferences"),
    ("preferences", "alphapanda_desktop.settings"),
    ("app", "alphapanda_desktop.preflight"),
    ("commands.charges", "alphapanda_desktop.support"),
    ("selftest", "alphapanda_desktop.practice"),
]
FORBIDDEN = [
    ("domain.orders", "alphapanda_desktop.trading.desk"),
    ("domain.orders", "alphapanda_desktop.logs"),
    ("domain.orders", "asyncio"),
    ("domain.orders", "PySide6.QtCore"),
    ("domain.orders", "sqlalchemy"),
    ("trading.desk", "alphapanda_desktop.kite.client"),
    ("trading.desk", "alphapanda_desktop.store.journal"),
    ("trading.desk", "alphapanda_desktop.ui.shell"),
    ("trading.desk", "aiohttp"),
    ("trading.desk", "PySide6.QtCore"),
    ("kite.client", "alphapanda_desktop.sim.server"),
    ("kite.client", "alphapanda_desktop.trading.desk"),
    ("sim.server", "alphapanda_desktop.kite.client"),
    ("sim.server", "kiteconnect"),
    ("store.journal", "alphapanda_desktop.kite.contract"),
    ("store.journal", "aiohttp"),
    ("strategies.momentum", "alphapanda_desktop.trading.desk"),
    ("strategies.momentum", "aiohttp"),
    ("authoring.names", "alphapanda_desktop.strategies.momentum"),
    ("authoring.names", "alphapanda_desktop.trading.desk"),
    ("authoring.probe", "PySide6.QtCore"),
    ("authoring.probe", "keyring"),
    ("backtest.engine", "alphapanda_desktop.trading.desk"),
    ("backtest.engine", "alphapanda_desktop.strategies.momentum"),
    ("backtest.engine", "asyncio"),
    ("hosting.child", "alphapanda_desktop.trading.desk"),
    ("hosting.child", "alphapanda_desktop.store.journal"),
    ("hosting.child", "asyncio"),
    ("hosting.seat", "alphapanda_desktop.sweeps.job"),
    ("hosting.seat", "keyring"),
    ("replaying.exact", "aiohttp"),
    ("sweeps.job", "PySide6.QtCore"),
    ("trading.desk", "alphapanda_desktop.hosting.seat"),
    ("preflight", "PySide6.QtCore"),
    ("updates", "PySide6.QtCore"),
    ("announcement", "PySide6.QtCore"),
    ("ui.shell", "alphapanda_desktop.kite.client"),
    ("ui.shell", "alphapanda_desktop.store.journal"),
    ("ui.shell", "alphapanda_desktop.app"),
    ("ui.shell", "alphapanda_desktop.settings"),
    ("trading.desk", "alphapanda_desktop.settings"),
    ("app", "PySide6.QtCore"),
    ("venues.kite", "PySide6.QtCore"),
    ("venues.kite", "alphapanda_desktop.app"),
    ("venues.kite", "alphapanda_desktop.settings"),
    ("app", "alphapanda_desktop.start"),
    ("logs", "alphapanda_desktop.app"),
    ("logs", "alphapanda_desktop.trading.desk"),
    ("settings", "alphapanda_desktop.ui.shell"),
    ("practice", "alphapanda_desktop.sim.server"),
    ("practice", "PySide6.QtCore"),
    ("care", "PySide6.QtCore"),
    ("clock", "alphapanda_desktop.trading.desk"),
    ("venues.paper", "alphapanda_desktop.kite.client"),
    ("commands.charges", "alphapanda_desktop.ui.shell"),
    ("commands.charges", "alphapanda_desktop.settings"),
]


def _build_house(folder: Path, imports: list[tuple[str, str]]) -> None:
    for module in HOUSE:
        path = folder.joinpath("alphapanda_desktop", *module.split(".")).with_suffix(".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        lines = [f"import {imported}\n" for importer, imported in imports if importer == module]
        path.write_text("".join(lines), encoding="utf-8")
    for package in {path.parent for path in folder.rglob("*.py")}:
        (package / "__init__.py").touch()
    (folder / "pyproject.toml").write_text((ROOT / "pyproject.toml").read_text(encoding="utf-8"), encoding="utf-8")


def _lint_imports(folder: Path) -> tuple[int, str]:
    """Exit code and report of import-linter, started in the folder (it caches nothing and sees only that tree)."""
    program = "import sys; from importlinter.cli import lint_imports_command; lint_imports_command()"
    done = subprocess.run(
        [sys.executable, "-c", program, "--no-cache"], cwd=folder, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout + done.stderr


def test_the_contracts_permit_the_house_as_drawn(tmp_path: Path) -> None:
    _build_house(tmp_path, PERMITTED)
    code, report = _lint_imports(tmp_path)
    assert code == 0, report


def test_every_contract_bites(tmp_path: Path) -> None:
    """All offences in one house, so that the linter runs once: each must be named in its report."""
    _build_house(tmp_path, PERMITTED + FORBIDDEN)
    code, report = _lint_imports(tmp_path)
    assert code == 1, report
    unseen = [
        (importer, imported)
        for importer, imported in FORBIDDEN
        if not re.search(
            rf"alphapanda_desktop\.{re.escape(importer)}\s*->\s*{re.escape(_as_in_report(imported))}\s", report
        )
    ]
    assert unseen == [], report
    kept = re.findall(r"^(.+) KEPT$", report, re.MULTILINE)
    assert kept == [], f"contracts that nothing in FORBIDDEN breaks: {kept}"


def _as_in_report(module: str) -> str:
    return module if module.startswith("alphapanda_desktop.") else module.partition(".")[0]


def _imports_of(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module


MATTER_OF_THOUGHT = {"numpy", "talib", "pydantic", "psygnal", "alphapanda_desktop"}
OUTSIDE_WORLD = {
    "asyncio", "concurrent", "http", "io", "logging", "multiprocessing", "os", "pathlib", "random", "selectors",
    "shutil", "signal", "socket", "sqlite3", "ssl", "subprocess", "sys", "tempfile", "threading", "time", "urllib",
}  # fmt: skip


@pytest.mark.parametrize("path", sorted((PACKAGE / "domain").rglob("*.py")), ids=lambda path: path.stem)
def test_the_domain_is_thought_alone(path: Path) -> None:
    """Standard library without its doors to the outside, numpy, TA-Lib, and what a strategy declares itself with."""
    roots = {name.partition(".")[0] for name in _imports_of(path)}
    assert roots & OUTSIDE_WORLD == set()
    assert roots - sys.stdlib_module_names - MATTER_OF_THOUGHT == set()


def test_no_import_is_relative() -> None:
    relative = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ImportFrom) and node.level
    ]
    assert relative == []


def test_every_folder_of_sources_is_a_package() -> None:
    """import-linter does not see a folder without __init__.py, and would find nothing wrong in it.

    Alembic's revisions are files that it loads by path, with names that no import could spell.
    """
    folders = {path.parent for path in PACKAGE.rglob("*.py") if "migrations" not in path.parts}
    assert [str(folder.relative_to(ROOT)) for folder in folders if not (folder / "__init__.py").exists()] == []


# --- requirements.lock -------------------------------------------------------------------------------------------

LOCKED = re.compile(r"^(?P<name>[a-z0-9-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<marker>[^\\\n]+?))? \\\n", re.MULTILINE)


def _locked() -> dict[str, str]:
    return {match["name"]: match["version"] for match in LOCKED.finditer(LOCK)}


def _declared() -> list[Requirement]:
    project = PYPROJECT["project"]
    extras = project["optional-dependencies"]
    return [Requirement(line) for line in project["dependencies"] + extras["dev"]]


def _wished() -> list[Requirement]:
    """Of extras that only some want: they are no part of the lock, which everybody installs."""
    extras = PYPROJECT["project"]["optional-dependencies"]
    return [Requirement(line) for name, group in extras.items() if name != "dev" for line in group]


@pytest.mark.parametrize("requirement", _declared(), ids=lambda requirement: requirement.name)
def test_each_direct_dependency_is_exact_and_locked_at_that_version(requirement: Requirement) -> None:
    (pin,) = requirement.specifier
    assert pin.operator == "=="
    assert _locked()[canonicalize_name(requirement.name)] == pin.version


@pytest.mark.parametrize("requirement", _wished(), ids=lambda requirement: requirement.name)
def test_what_an_extra_brings_is_exact(requirement: Requirement) -> None:
    assert [pin.operator for pin in requirement.specifier] == ["=="]


def test_the_build_back_end_is_the_locked_one() -> None:
    (back_end,) = PYPROJECT["build-system"]["requires"]
    assert back_end == f"hatchling=={_locked()['hatchling']}"


def test_every_line_of_the_lock_is_a_pin_a_hash_or_a_reason() -> None:
    """So none is an address, an option or a path: an install takes what was hashed, from wherever it is set up to."""
    pin = r"[a-z0-9-]+==[\w.+!]+(?: ; [^/\\]+)? \\"
    allowed = re.compile(rf"{pin}|    --hash=sha256:[0-9a-f]{{64}}(?: \\)?|    # +(?:via ?)?[\w .()-]*")
    odd = [line for line in LOCK.splitlines() if not allowed.fullmatch(line)]
    assert odd == []


def test_every_pin_of_the_lock_is_followed_by_a_hash() -> None:
    lines = LOCK.splitlines()
    bare = [pin for pin, after in pairwise([*lines, ""]) if "==" in pin and "--hash=" not in after]
    assert bare == []
    assert len(_locked()) > len(_declared())


def test_nothing_is_installed_without_its_hash() -> None:
    """By no script, target or check machine: the tool that writes the locks neither."""
    places = [
        ROOT / "Makefile",
        *(ROOT / ".ci").rglob("*.sh"),
        ROOT / ".ci" / "run",
        *(ROOT / ".github").rglob("*.yml"),
    ]
    texts = {path.name: re.sub(r"\\\n\s*", " ", path.read_text(encoding="utf-8")) for path in places}
    lines = [f"{name}: {line}" for name, text in texts.items() for line in text.splitlines() if "pip install" in line]
    assert len(lines) > 6
    ours = "--no-deps --no-build-isolation -e ."
    assert [line for line in lines if "--require-hashes" not in line and ours not in line] == []
    locks = list((ROOT / ".ci").glob("*.lock"))
    assert len(locks) > 3
    for lock in locks:
        lines = lock.read_text(encoding="utf-8").splitlines()
        assert [pin for pin, after in pairwise([*lines, ""]) if "==" in pin and "--hash=" not in after] == [], lock.name


def test_the_extras_lock_is_like_the_lock_and_says_the_same_of_what_both_hold() -> None:
    extras = (ROOT / ".ci" / "extras.lock").read_text(encoding="utf-8")
    theirs = {match["name"]: match["version"] for match in LOCKED.finditer(extras)}
    assert {name: version for name, version in theirs.items() if _locked().get(name, version) != version} == {}
    assert {canonicalize_name(requirement.name) for requirement in _wished()} <= set(theirs)
    lines = extras.splitlines()
    assert [pin for pin, after in pairwise([*lines, ""]) if "==" in pin and "--hash=" not in after] == []


def test_the_console_script_points_at_a_function_that_exists() -> None:
    module, _, function = PYPROJECT["project"]["scripts"]["alphapanda"].partition(":")
    tree = ast.parse((ROOT / (module.replace(".", "/") + ".py")).read_text(encoding="utf-8"))
    assert function in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
