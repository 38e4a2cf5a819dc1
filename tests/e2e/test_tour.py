"""The tour as a person starts it: offscreen, on an X screen, and as an ordinary user with Chromium's sandbox on."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import sysconfig
import tempfile
import zipfile
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path

import pytest
from PySide6.QtGui import QImage

from alphapanda_desktop.store.backup import back_up
from alphapanda_desktop.support import bundle
from tests.e2e.canaries import House, files_in
from tests.e2e.display import a_screen

pytestmark = pytest.mark.timeout(600)

Ended = subprocess.CompletedProcess[str]
ROOT = Path(__file__).resolve().parents[2]
LIMIT_S = 500
RUN = ["guide", "start a strategy", "its fill", "closing", "stop"]
ORDERS = ["why", "ticket", "books", "reconciliation", "stop coverage", "limits", "kill report"]
FIRST = ["start", "login page", "login", "ticks", "chart", *RUN, *ORDERS, "backtest", "sweep", "journal"]
SECOND = [f"second {name}" for name in ("start", "session restored", "ticks", "trades remembered", "journal")]
PARTS = {"-card-": (300, 500)}
"""Pictures of less than a window, and the least they measure."""
STEPS = [*FIRST, "first run ends", *SECOND, "second run ends"]


def tour(out: Path, platform: str, **environment: str) -> subprocess.CompletedProcess[str]:
    given = {**os.environ, "QT_QPA_PLATFORM": platform, **environment}
    command = [sys.executable, "-m", "alphapanda_desktop", "tour", "--out", str(out)]
    return subprocess.run(command, env=given, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False)


def assert_told(out: Path, ended: subprocess.CompletedProcess[str]) -> None:
    """Every step was ok, in order, and told in exactly the shape that others read."""
    assert ended.returncode == 0, ended.stdout + ended.stderr[-3000:]
    told = json.loads((out / "tour.json").read_text(encoding="utf-8"))
    assert set(told) == {"steps", "ok"} and told["ok"] is True
    assert [step["name"] for step in told["steps"]] == STEPS
    for step in told["steps"]:
        assert set(step) == {"name", "ok", "seconds", "detail"}
        assert step["ok"] is True and step["detail"]
        assert isinstance(step["seconds"], float) and 0 <= step["seconds"] < LIMIT_S
    assert "through the web view" in next(step["detail"] for step in told["steps"] if step["name"] == "login")


def assert_pictured(out: Path) -> None:
    """One picture a step, none of them blank, of a whole window but for PARTS."""
    pictures = sorted(out.glob("*.png"))
    assert len(pictures) >= len(FIRST) + len(SECOND)
    for path in pictures:
        image = QImage(str(path))
        width, height = next((size for part, size in PARTS.items() if part in path.name), (1280, 720))
        assert image.width() >= width and image.height() >= height, (path.name, image.size())
        assert path.stat().st_size > 8_000, path.name
        small = image.scaled(160, 90)
        colours = {small.pixel(x, y) for x in range(160) for y in range(90)}
        assert len(colours) > 20, f"{path.name} is blank: {len(colours)} colours"


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> tuple[House, Ended]:
    """A tour in a house where each secret is known, started by somebody whose files are open to all."""
    house = House(tmp_path_factory.mktemp("house") / "of")
    given = {**os.environ, "QT_QPA_PLATFORM": "offscreen", **house.furnish()}
    command = [sys.executable, "-m", "alphapanda_desktop", "--data-dir", str(house.data), "tour", "--out"]
    process = subprocess.Popen(
        [*command, str(house.root / "out")], env=given, cwd=ROOT, text=True, umask=0,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip
    with house.watched(process):
        try:
            said, complained = process.communicate(timeout=LIMIT_S)
        finally:
            process.kill()
    return house, Ended(process.args, process.returncode, said, complained)


def test_the_tour_is_ok_offscreen(lived: tuple[House, Ended]) -> None:
    house, ended = lived
    out = house.root / "out"
    assert_told(out, ended)
    assert_pictured(out)
    assert "The tour is ok" in ended.stdout
    left = {path.suffix for path in out.iterdir()}
    assert left == {".png", ".json"}


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_after_a_tour_no_secret_is_anywhere_but_in_the_vault(lived: tuple[House, Ended]) -> None:
    house, ended = lived
    for database in house.profile.glob("[!.]*.sqlite"):
        if database != house.exchange_book:
            back_up(database, date(2026, 11, 23))
    bundle(house.profile, house.root / "support.zip", datetime(2026, 11, 23, tzinfo=UTC), [], [])
    with zipfile.ZipFile(house.root / "support.zip") as zipped:
        packed = [zipped.read(name) for name in zipped.namelist()]
    kinds = {path.name.rpartition(".")[2] for path in files_in(house.root)}
    assert {"log", "sqlite", "json", "png", "ticks"} <= kinds, kinds  # what is looked through is there
    assert any(b"QtWebEngineProcess" in seen for seen in house.shown)
    assert any(b"host-strategy" in seen or b"hosting" in seen for seen in house.shown)
    assert house.leaks(*packed, ended.stdout.encode(), ended.stderr.encode()) == []


def test_nothing_that_a_tour_makes_is_open_to_others(lived: tuple[House, Ended]) -> None:
    assert lived[0].open_to_others() == []


def test_the_tour_is_ok_on_a_screen(tmp_path: Path) -> None:
    with a_screen() as display:
        ended = tour(tmp_path / "out", "xcb", DISPLAY=display)
    assert_told(tmp_path / "out", ended)
    assert_pictured(tmp_path / "out")


def test_a_tour_that_fails_says_so(tmp_path: Path) -> None:
    """Here because there is nothing to draw on."""
    out = tmp_path / "out"
    blind = {name: value for name, value in os.environ.items() if name not in ("QT_QPA_PLATFORM", "DISPLAY")}
    command = [sys.executable, "-m", "alphapanda_desktop", "tour", "--out", str(out)]
    ended = subprocess.run(command, env=blind, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "The tour FAILED" in ended.stdout and "no display" in ended.stderr
    told = json.loads((out / "tour.json").read_text(encoding="utf-8"))
    assert told["ok"] is False
    assert [(step["name"], step["ok"]) for step in told["steps"]] == [("first run ends", False)]


def test_a_folder_that_cannot_be_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    command = [sys.executable, "-m", "alphapanda_desktop", "tour", "--out", str(tmp_path / "file" / "out")]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 1
    assert "no pictures can be put in" in ended.stderr and "Traceback" not in ended.stderr


# -- as an ordinary user ---------------------------------------------------------------------------------------------

SANDBOXED = """
import os, sys
from PySide6.QtCore import QTimer
from alphapanda_desktop.ui.webprobe import guard_sandbox
os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"          # what a hostile environment may say
os.environ["QTWEBENGINE_CHROMIUM_FLAGS"] = "--no-sandbox --disable-gpu"
guard_sandbox(practice=False)
from PySide6.QtWebEngineWidgets import QWebEngineView
from PySide6.QtWidgets import QApplication
app = QApplication(sys.argv[:1])
view = QWebEngineView()
def read(_ok):
    view.page().toPlainText(lambda text: (print(text, flush=True), os._exit(0)))
view.loadFinished.connect(read)
view.load("chrome://sandbox")
QTimer.singleShot(120000, lambda: os._exit(2))
app.exec()
"""


Command = list[str]
IMPORTS = "import PySide6.QtWebEngineCore, talib, alphapanda_desktop.start"
ABLE = f"{IMPORTS}; import subprocess, sys; subprocess.run([sys.executable, '-c', {IMPORTS!r}], check=True)"


def as_ordinary_user(arguments: Command, home: Path) -> subprocess.CompletedProcess[str]:
    """Run our Python as `nobody` where this is root, else as who we are; skips where nobody cannot read the program."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("XDG_", "QTWEBENGINE", "DBUS"))}
    environment = {**kept, "HOME": str(home), "QT_QPA_PLATFORM": "offscreen", "PYTHONDONTWRITEBYTECODE": "1"}
    if os.geteuid() != 0:
        return _run([sys.executable, *arguments], environment)
    if shutil.which("setpriv") is None:
        pytest.skip("running as root without setpriv: there is no other user to be")
    nobody = pwd.getpwnam("nobody")
    drop = ["setpriv", f"--reuid={nobody.pw_uid}", f"--regid={nobody.pw_gid}", "--clear-groups"]
    # The interpreter may lie where nobody must not look; the system's own of the same version then takes our packages.
    ours = os.pathsep.join([str(ROOT), sysconfig.get_path("purelib"), sysconfig.get_path("platlib")])
    system = f"/usr/bin/python{sys.version_info[0]}.{sys.version_info[1]}"
    why = "no message"
    for python, path in ((sys.executable, environment.get("PYTHONPATH", "")), (system, ours)):
        given = {**environment, "PYTHONPATH": path}
        tried = _run([*drop, python, "-c", ABLE], given)
        if tried.returncode == 0:
            return _run([*drop, python, *arguments], given)
        why = (tried.stderr.strip().splitlines() or [why])[-1]
    pytest.skip(f"the user nobody can run no Python on this checkout: {why}")


def _run(command: list[str], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=LIMIT_S, check=False
    )


@pytest.fixture
def anybodys() -> Iterator[Path]:
    """A folder that is open to all; pytest closes its own as often as another run of it begins."""
    with tempfile.TemporaryDirectory(prefix="alphapanda-") as name:
        Path(name).chmod(0o777)
        yield Path(name)


def test_an_ordinary_users_login_page_is_sandboxed_whatever_the_environment_says(anybodys: Path) -> None:
    ended = as_ordinary_user(["-c", SANDBOXED], anybodys)
    assert ended.returncode == 0, ended.stderr[-2000:]
    assert "You are adequately sandboxed" in ended.stdout or "Seccomp-BPF sandbox\tYes" in ended.stdout, ended.stdout


def test_an_ordinary_users_tour_is_ok(anybodys: Path) -> None:
    out = anybodys / "out"
    ended = as_ordinary_user(["-m", "alphapanda_desktop", "tour", "--out", str(out)], anybodys)
    assert_told(out, ended)
