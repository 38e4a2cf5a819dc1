"""What every test stands on: an offscreen Qt, no real keyring, no real home, and loops that must be left clean."""

from __future__ import annotations

import asyncio
import gc
import inspect
import os
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import keyring
import pytest
from hypothesis import HealthCheck, settings
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

from tests.watch import Watch

T = TypeVar("T")
Story = Callable[[Coroutine[Any, Any, T]], T]

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
os.environ.setdefault("QT_API", "pyside6")
if os.environ["QT_QPA_PLATFORM"].startswith("offscreen"):
    # QtWebEngine looks at the X screen even when Qt draws offscreen, and dies on one 16 bits deep.
    for name in ("DISPLAY", "WAYLAND_DISPLAY"):
        os.environ.pop(name, None)
if hasattr(os, "geteuid") and os.geteuid() == 0:
    # Chromium refuses its sandbox to root and ends the process; check machines are often root.
    os.environ["QTWEBENGINE_DISABLE_SANDBOX"] = "1"
# For the processes that tests start; in this one `no_real_keyring` sets a keyring of its own.
os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"

# A slow machine is no failed property, and the same examples everywhere make a red run repeatable.
settings.register_profile(
    "house", deadline=None, derandomize=True, print_blob=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("house")


LONGEST = ("e2e", "commands", "hosting", "contracts")
"""Folders whose tests wait for processes and sockets: they go first, so that none of them is left over to the end."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole folders are moved, so that a file's tests stay together and in their order."""
    turn = {folder: at for at, folder in enumerate(LONGEST)}
    items.sort(key=lambda item: turn.get(item.path.parent.name, len(turn)))


class MemoryKeyring(KeyringBackend):
    """A keyring that forgets everything with the test."""

    priority = 1  # type: ignore[assignment]  # upstream computes it as a property of the class

    def __init__(self) -> None:
        super().__init__()
        self.entries: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.entries.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.entries[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        if self.entries.pop((service, username), None) is None:
            raise PasswordDeleteError(username)


@pytest.fixture(autouse=True)
def no_real_keyring() -> Iterator[MemoryKeyring]:
    """The keyring of this test: in memory, empty."""
    before, memory = keyring.get_keyring(), MemoryKeyring()
    keyring.set_keyring(memory)
    yield memory
    keyring.set_keyring(before)


@pytest.fixture(scope="session", autouse=True)
def no_real_home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A home for data, settings and caches that no person uses."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for kind in ("DATA", "CONFIG", "STATE", "CACHE"):
            patch.setenv(f"XDG_{kind}_HOME", str(home / kind.lower()))
        for kind in ("APPDATA", "LOCALAPPDATA"):
            patch.setenv(kind, str(home / kind.lower()))
        if sys.platform == "darwin":  # where no variable moves the Library folder
            patch.setenv("HOME", str(home))
        yield home


@pytest.fixture(scope="session")
def qapp_args() -> list[str]:
    """pytest-qt's arguments for the one QApplication, asked for just before it is made."""
    from PySide6.QtCore import QCoreApplication, Qt

    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)  # a web view may come later
    return ["alphapanda-tests"]


@pytest.fixture(scope="module", autouse=True)
def what_is_loaded_stays() -> None:
    """Freezes what there is before a module's tests, so that collecting after each story looks at that story only.

    Looking at all that imports and collected tests hold took a third of the suite's time.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(autouse=True)
def nothing_is_left() -> Iterator[None]:
    """Fails a test that leaves a thread or a visible window behind."""
    before = set(threading.enumerate())
    yield
    windows = _close_visible_windows()
    threads = _threads_that_stay(before)
    assert not windows, f"windows left open: {windows}"
    assert not threads, f"threads left running: {threads}"


def _threads_that_stay(before: set[threading.Thread], patience_s: float = 20.0) -> list[str]:
    new = [thread for thread in threading.enumerate() if thread not in before and not thread.daemon]
    deadline = time.monotonic() + patience_s
    for thread in new:
        thread.join(max(0.0, deadline - time.monotonic()))
    return [thread.name for thread in new if thread.is_alive()]


def _close_visible_windows() -> list[str]:
    widgets = sys.modules.get("PySide6.QtWidgets")
    if widgets is None or widgets.QApplication.instance() is None:
        return []
    visible = [window for window in widgets.QApplication.topLevelWidgets() if window.isVisible()]
    names = [f"{type(window).__name__} {window.windowTitle()!r}" for window in visible]
    for window in visible:
        window.hide()
        window.deleteLater()
    return names


@pytest.fixture
def limit_s(request: pytest.FixtureRequest) -> float:
    """How long a story may take: a little less than pytest-timeout gives the whole test."""
    marker = request.node.get_closest_marker("timeout")
    whole = marker.args[0] if marker is not None and marker.args else request.config.getini("timeout")
    return 0.9 * float(whole)


@pytest.fixture
def run(qapp: Any, limit_s: float) -> Iterator[Story[Any]]:
    """Drives a coroutine on the Qt loop; fails when it leaves a task or an unawaited error."""
    from alphapanda_desktop.loop import AppLoop

    qapp.setQuitOnLastWindowClosed(False)
    loop = AppLoop(qapp, reentrant=True)
    asyncio.set_event_loop(loop)
    watch = Watch(loop, limit_s)
    try:
        yield watch.run
        watch.close()
    finally:
        asyncio.set_event_loop(None)
        loop.close()


@pytest.fixture
def arun(limit_s: float) -> Iterator[Story[Any]]:
    """Drives a coroutine on a plain asyncio loop, with the same demands as `run` and no Qt."""
    with asyncio.Runner() as runner:
        watch = Watch(runner.get_loop(), limit_s)
        yield watch.run
        watch.close()


async def _eventually(condition: Callable[[], T | Awaitable[T]], timeout: float = 60.0) -> T:
    deadline = time.monotonic() + timeout
    while True:
        value = condition()
        if inspect.isawaitable(value):
            value = await value
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"not true within {timeout} s: {_text_of(condition)}, last value {value!r}")
        await asyncio.sleep(0.005)


def _text_of(condition: Callable[[], object]) -> str:
    try:
        return inspect.getsource(condition).strip()
    except OSError:
        return repr(condition)


@pytest.fixture
def eventually() -> Callable[..., Coroutine[Any, Any, Any]]:
    """`await eventually(condition)`: the first true value, or a failure that quotes the condition."""
    return _eventually


def _folder_named_by(variable: str, what: str) -> Path:
    folder = os.environ.get(variable, "")
    if not folder or not Path(folder).is_dir():
        pytest.skip(f"{what} are not here: {variable} names no folder")
    return Path(folder)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of recorded markets, instrument masters and charge sheets."""
    return _folder_named_by("ALPHAPANDA_REAL_DATA", "recorded market data")


@pytest.fixture(scope="session")
def kite_samples() -> Path:
    """The folder of Kite's official sample payloads (mocks/) and packets (packets/)."""
    return _folder_named_by("ALPHAPANDA_KITE_SAMPLES", "Kite's official samples")
