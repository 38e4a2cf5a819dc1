"""The window on the loop: QApplication, first paint, then everything else."""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import logging
import os
import signal
import sys
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING

from alphapanda_desktop import logs, settings
from alphapanda_desktop.domain.errors import Fatal

if TYPE_CHECKING:
    from PySide6.QtWidgets import QApplication

    from alphapanda_desktop.app import Options, Program
    from alphapanda_desktop.ui.shell import MainWindow

Drive = Callable[["Program"], Awaitable[None]]
log = logging.getLogger("alphapanda.start")

HEARTBEAT_S = 0.01


def open_window(arguments: argparse.Namespace, drive: Drive | None = None, vault: object | None = None) -> int:
    """Run the program until its window is closed; the exit code. `drive` plays a person, `vault` a keyring."""
    began = time.perf_counter()
    try:
        folder = settings.data_dir(arguments.profile, arguments.data_dir)
        logs.set_up(folder / "logs", verbose=arguments.verbose)
        remembered = settings.load(folder / "settings.json")
    except Fatal as error:
        print(f"alphapanda: {error}", file=sys.stderr)
        return 1
    mode = arguments.mode or remembered.general.mode
    app = _application(practice=mode in (None, "practice"), theme_name=remembered.window.theme)
    locked = _lock(folder)
    if locked is None:
        print(f"alphapanda: profile {arguments.profile!r} is already open in another window", file=sys.stderr)
        return 3
    with contextlib.closing(_Unlock(locked)):
        return _run(app, arguments, folder, remembered, began, drive, vault)


class _Unlock:
    def __init__(self, lock: object) -> None:
        self._lock = lock

    def close(self) -> None:
        self._lock.unlock()  # type: ignore[attr-defined]


def _lock(folder: Path) -> object | None:
    """The profile's lock file, or None while another copy holds it; one left by a killed program is taken over."""
    from PySide6.QtCore import QLockFile

    lock = QLockFile(str(folder / "alphapanda.lock"))
    lock.setStaleLockTime(0)  # only a process that is gone makes it stale, however old it is
    return lock if lock.tryLock(100) else None


def _application(*, practice: bool, theme_name: str) -> QApplication:
    from alphapanda_desktop.ui.webprobe import guard_sandbox

    guard_sandbox(practice)
    os.environ.setdefault("QT_API", "pyside6")
    from PySide6.QtCore import QCoreApplication, Qt
    from PySide6.QtWidgets import QApplication

    from alphapanda_desktop.ui import theme

    QCoreApplication.setAttribute(
        Qt.ApplicationAttribute.AA_ShareOpenGLContexts
    )  # the web view needs it before the app
    app = QApplication(sys.argv[:1])
    app.setApplicationName("alphapanda")
    app.setApplicationDisplayName("AlphaPanda")
    app.setDesktopFileName("alphapanda")
    app.setQuitOnLastWindowClosed(False)
    theme.apply(app, theme.THEMES[theme_name])
    return app


def _run(
    app: QApplication,
    arguments: argparse.Namespace,
    folder: Path,
    remembered: settings.Settings,
    began: float,
    drive: Drive | None,
    vault: object | None,
) -> int:
    from alphapanda_desktop.loop import AppLoop
    from alphapanda_desktop.trading.scope import Scope
    from alphapanda_desktop.ui.edge import Edge, FrameClock
    from alphapanda_desktop.ui.shell import MainWindow
    from alphapanda_desktop.ui.theme import THEMES

    loop = AppLoop(app)
    asyncio.set_event_loop(loop)

    async def main() -> int:
        failures: list[str] = []
        async with Scope("window", lambda name, error: _failed(name, error, failures)) as scope:
            held: list[MainWindow] = []
            edge = Edge(
                scope, FrameClock(), lambda text, level: held[0].notify(text, level), THEMES[remembered.window.theme]
            )
            window = MainWindow(arguments.profile, edge, _memory(remembered, folder, held))
            held.append(window)
            failures_shown = edge.notify
            logs.catch_crashes(lambda text: failures_shown(f"unexpected error: {text}", "danger"))
            window.show()
            await asyncio.sleep(0)
            log.info("first paint after %.0f ms", (time.perf_counter() - began) * 1000)
            code = await _program(arguments, folder, remembered, window, edge, drive, vault)
        window.hide()
        window.deleteLater()
        await asyncio.sleep(0)
        return code

    watchdog = logs.Watchdog()
    with loop:
        return loop.run_until_complete(_watched(main(), watchdog))


async def _watched(work: Awaitable[int], watchdog: logs.Watchdog) -> int:
    async def beat() -> None:
        while True:
            watchdog.beat()
            await asyncio.sleep(HEARTBEAT_S)

    from alphapanda_desktop.trading.scope import Scope

    async with Scope("watchdog", lambda name, error: log.error("%s failed", name, exc_info=error)) as scope:
        scope.spawn("beat", beat())
        await asyncio.sleep(0)
        watchdog.start()
        try:
            return await work
        finally:
            watchdog.stop()


def _failed(name: str, error: BaseException, failures: list[str]) -> None:
    failures.append(name)
    log.error("task %s failed", name, exc_info=error)


def _memory(remembered: settings.Settings, folder: Path, held: list[MainWindow]):  # type: ignore[no-untyped-def]
    from alphapanda_desktop.memory import remembered_window

    return remembered_window(remembered, folder / "settings.json", lambda: held[0].mode)


async def _program(
    arguments: argparse.Namespace,
    folder: Path,
    remembered: settings.Settings,
    window: MainWindow,
    edge: object,
    drive: Drive | None,
    vault: object | None,
) -> int:
    from alphapanda_desktop.app import Program

    program = Program(_options(arguments, folder, remembered, vault), window, edge, remembered)  # type: ignore[arg-type]
    _end_on_signals(program)
    return await program.run(drive)


def _options(
    arguments: argparse.Namespace, folder: Path, remembered: settings.Settings, vault: object | None
) -> Options:
    from alphapanda_desktop.app import Options
    from alphapanda_desktop.venues import PracticeOptions

    practice = PracticeOptions(
        seed=remembered.practice.seed if arguments.seed is None else arguments.seed,
        scenario=arguments.scenario or remembered.practice.scenario,
        speed=arguments.speed,
        ticks=tuple(arguments.ticks),
        clock=arguments.clock,
    )
    return Options(arguments.mode, arguments.profile, folder, practice, vault)  # type: ignore[arg-type]


def _end_on_signals(program: Program) -> None:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, program.close)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda _n, _f: loop.call_soon_threadsafe(program.close))
