"""The window, first painted by Qt alone; then the loop, the settings, and everything else."""

from __future__ import annotations

import argparse
import gc
import logging
import os
import sys
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, cast

from alphapanda_desktop import logs
from alphapanda_desktop.collect import Collector
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.faults import crash_of_last_run
from alphapanda_desktop.folders import data_dir, replay_dir, title_of
from alphapanda_desktop.single import Elsewhere, Owner, take

if TYPE_CHECKING:
    import asyncio

    from PySide6.QtWidgets import QApplication

    from alphapanda_desktop.app import Program
    from alphapanda_desktop.care import Care
    from alphapanda_desktop.domain.ports import Vault
    from alphapanda_desktop.loop import AppLoop
    from alphapanda_desktop.memory import Looks, WindowMemory
    from alphapanda_desktop.options import Options
    from alphapanda_desktop.settings import Settings
    from alphapanda_desktop.trading.meter import Meter
    from alphapanda_desktop.trading.scope import Scope
    from alphapanda_desktop.trading.shedding import Shedding
    from alphapanda_desktop.ui.edge import Edge
    from alphapanda_desktop.ui.refusal import RefusalWindow
    from alphapanda_desktop.ui.shell import MainWindow
    from alphapanda_desktop.venues.venue import ReplayOptions

Drive = Callable[["Program"], Coroutine[Any, Any, None]]
log = logging.getLogger("alphapanda.start")

SWITCH_S: Final = 0.0005
"""How long another thread keeps the interpreter once the loop asks for it. Most calls of Qt give it away, and with
Python's own 5 ms twenty of them would hold the loop for a tenth of a second while a thread imports or parses."""
FIRST_PAINT_MS: Final = 1_000
SILENT_NS: Final = 600_000_000_000
"""A market that was silent for ten minutes is closed."""
SETTINGS_FILE: Final = "settings.json"
UNSEEN: Final = ("offscreen", "minimal")
"""Platforms of Qt on which nobody sees a window."""
EXIT_OPEN_ALREADY: Final = 3
EXIT_NO_DISPLAY: Final = 4
NO_DISPLAY: Final = (
    "there is no display to open a window on. Start it from a desktop session, or see it work without one: "
    "QT_QPA_PLATFORM=offscreen alphapanda tour --out FOLDER"
)


def open_window(arguments: argparse.Namespace, drive: Drive | None = None, vault: Vault | None = None) -> int:
    """Run the program until its window is closed; the exit code. `drive` plays a person, `vault` a keyring."""
    gc.disable()  # till the collector of the run takes over: what imports make stays, and there is much of it
    try:
        return _open(arguments, drive, vault)
    finally:
        gc.enable()


def _open(arguments: argparse.Namespace, drive: Drive | None, vault: Vault | None) -> int:
    began = time.perf_counter()
    if not _has_display():
        print(f"alphapanda: {NO_DISPLAY}", file=sys.stderr)
        return EXIT_NO_DISPLAY
    try:
        folder = own = data_dir(arguments.profile, arguments.data_dir)
        if arguments.mode == "replay":
            arguments.replay = _replay(arguments)
            own = replay_dir(folder, arguments.recording)
        _log_into(own / "logs", verbose=arguments.verbose)
    except Fatal as error:
        return _refuse(error)
    from alphapanda_desktop.memory import looks_of

    looks = looks_of(own / SETTINGS_FILE, newcomer=arguments.guide)
    try:
        owner = take(own)
    except Fatal as error:
        return _refuse(error)
    if isinstance(owner, Elsewhere):
        what = f"profile {arguments.profile!r}" if own is folder else f"the replay of {own.name}"
        return _leave_it_to(owner, what)
    try:
        return _Opening(arguments, folder, own, looks, owner, began).run(drive, vault)
    finally:
        owner.release()


def _log_into(folder: Path, *, verbose: bool) -> None:
    """Begin the log there. Raises Fatal where it cannot be written."""
    try:
        logs.set_up(folder, verbose=verbose)
    except OSError as error:
        raise Fatal(
            f"The log in {folder} cannot be written: {error.strerror or error}. See that the disk has room and that "
            "your user may write there, then start again."
        ) from error


def _refuse(error: Fatal) -> int:
    """Say why it cannot start, in a window too where nobody reads a terminal; the exit code."""
    print(f"alphapanda: {error}", file=sys.stderr)
    read = sys.stderr is not None and sys.stderr.isatty()
    if not read and os.environ.get("QT_QPA_PLATFORM", "") not in UNSEEN:
        _show_refusal(str(error))
    return 1


def _show_refusal(words: str) -> None:
    """Until it is closed."""
    from alphapanda_desktop.memory import Looks
    from alphapanda_desktop.ui.edge import Edge, FrameClock

    app = _application(practice=True, looks=Looks())
    import asyncio

    from alphapanda_desktop.loop import AppLoop
    from alphapanda_desktop.ui.refusal import RefusalWindow

    window = RefusalWindow(Edge(cast("Scope", None), FrameClock(), lambda _text, _level: None), words)
    loop = AppLoop(app)
    asyncio.set_event_loop(loop)
    try:
        loop.run_until_complete(until_closed(window))
    finally:
        loop.close()


async def until_closed(window: RefusalWindow) -> None:
    """Show it, and wait until a person or a signal closes it."""
    import asyncio
    import signal

    closed = asyncio.Event()
    window.closed.connect(closed.set)
    window.show()
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        loop.add_signal_handler(signal.SIGTERM, window.close)
    try:
        await closed.wait()
    finally:
        if sys.platform != "win32":
            loop.remove_signal_handler(signal.SIGTERM)
        window.deleteLater()


def _replay(arguments: argparse.Namespace) -> ReplayOptions:
    from alphapanda_desktop.replaywindow import replay_options

    return replay_options(arguments.recording, arguments.at)


def _leave_it_to(other: Elsewhere, what: str) -> int:
    """Say that it is open in another window, which has come forward if it could."""
    where = f"{what} is already open" + (f" (process {other.pid})" if other.pid else "")
    if other.came_forward:
        print(f"alphapanda: {where}; its window was brought forward")
        return 0
    print(f"alphapanda: {where}, and its window does not answer", file=sys.stderr)
    return EXIT_OPEN_ALREADY


def _has_display() -> bool:
    """Whether Qt will find something to draw on; without it Qt ends the process where it stands."""
    if not sys.platform.startswith("linux"):
        return True
    return any(os.environ.get(name) for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"))


def _application(*, practice: bool, looks: Looks) -> QApplication:
    from alphapanda_desktop.ui import guarded
    from alphapanda_desktop.ui.webprobe import guard_sandbox

    guarded.install()
    guard_sandbox(practice)
    os.environ.setdefault("QT_API", "pyside6")
    from PySide6.QtCore import QCoreApplication, QLoggingCategory, Qt
    from PySide6.QtWidgets import QApplication

    from alphapanda_desktop.ui import fonts, theme
    from alphapanda_desktop.ui.qttypes import make_events
    from alphapanda_desktop.ui.words import speak

    speak(looks.language)
    # Qt warns of every font that lacks a script before it takes the next, which has it.
    QLoggingCategory.setFilterRules("qt.text.font.db.warning=false")
    if looks.scale != 100:  # Qt reads it once, when the application is made; a person's own value stands
        from alphapanda_desktop.ui.scale import fitting

        os.environ.setdefault("QT_SCALE_FACTOR", f"{fitting(looks.scale, looks.screen) / 100:g}")
    # The web view needs this set before there is an application.
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_ShareOpenGLContexts)
    # Else all that stands beside the web view is a window of its own for good, and moving docks takes twice as long.
    QCoreApplication.setAttribute(Qt.ApplicationAttribute.AA_DontCreateNativeWidgetSiblings)
    make_events()
    app = QApplication([*sys.argv[:1], *theme.STYLE])
    app.setApplicationName("alphapanda")
    app.setApplicationDisplayName("AlphaPanda")
    app.setDesktopFileName("alphapanda")
    app.setQuitOnLastWindowClosed(False)
    fonts.load_fonts()
    theme.dress(app, theme.themed(looks.theme, looks.pair))
    return app


class _Opening:
    """One run of the loop, from the first paint to the last."""

    def __init__(
        self, arguments: argparse.Namespace, folder: Path, own: Path, looks: Looks, owner: Owner, began: float
    ) -> None:
        self._arguments = arguments
        self._owner = owner
        self._folder = folder
        self._own = own
        self._looks = looks
        self._began = began
        self._window: MainWindow | None = None
        self._loop: AppLoop | None = None
        self._watchdog = logs.Watchdog()
        self._care: Care | None = None

    def run(self, drive: Drive | None, vault: Vault | None) -> int:
        from alphapanda_desktop.trading.meter import Meter

        meter = Meter(stalls=lambda: self._watchdog.places)
        collector = Collector(meter.pause.add)
        collector.start()
        switch_s = sys.getswitchinterval()
        sys.setswitchinterval(SWITCH_S)
        try:
            return self._run(meter, collector, drive, vault)
        finally:
            sys.setswitchinterval(switch_s)
            collector.stop()

    def _run(self, meter: Meter, collector: Collector, drive: Drive | None, vault: Vault | None) -> int:
        from alphapanda_desktop.trading.shedding import Shedding
        from alphapanda_desktop.ui.firstpaint import until_painted

        practice = (self._arguments.mode or self._looks.mode) in (None, "practice")
        app = _application(practice=practice, looks=self._looks)
        shedding, memory = Shedding(), self._memory()
        edge = self._edge(meter, shedding, app)
        window = self._window = self._show(edge, memory)
        until_painted(window, FIRST_PAINT_MS)
        log.info("window shown after %.0f ms", (time.perf_counter() - self._began) * 1000)
        from alphapanda_desktop.ui.icons import app_icon

        app.setWindowIcon(app_icon())
        # Only now, for asyncio and qasync take a third of the time to the first paint.
        import asyncio

        from alphapanda_desktop.loop import AppLoop

        loop = self._loop = AppLoop(app)
        asyncio.set_event_loop(loop)
        try:
            code: int = loop.run_until_complete(self._main(loop, edge, memory, shedding, collector, drive, vault))
            return code
        finally:
            loop.close()

    def _edge(self, meter: Meter, shedding: Shedding, app: QApplication) -> Edge:
        """The window's edge, which has no scope until there is a loop: nothing can be spawned before `_main`."""
        from alphapanda_desktop.ui.edge import Edge, FrameClock
        from alphapanda_desktop.ui.theme import LiveTheme, themed

        frames = FrameClock(meter=meter, shedding=shedding)
        shedding.changed = frames.consider
        theme = LiveTheme(themed(self._looks.theme, self._looks.pair), app)
        return Edge(cast("Scope", None), frames, self._notify, theme)

    async def _main(
        self,
        loop: AppLoop,
        edge: Edge,
        memory: WindowMemory,
        shedding: Shedding,
        collector: Collector,
        drive: Drive | None,
        vault: Vault | None,
    ) -> int:
        from alphapanda_desktop.preload import MODULES, SETTINGS, preload
        from alphapanda_desktop.trading.heart import Heart
        from alphapanda_desktop.trading.scope import Scope

        window, meter, frames = self._window, edge.meter, edge.frames
        assert window is not None
        async with Scope("window", self._failed) as scope:

            def rest(idle: bool) -> None:
                collector.look(idle, nobody_waits=idle and meter.silent_ns() > SILENT_NS)

            edge.scope = scope
            heart = Heart(meter, shedding, self._watchdog.beat, lambda: loop.backlog, lambda: frames.spent_ns, rest)
            scope.spawn("heartbeat", heart.run())
            self._listen()
            self._watchdog.start()
            try:
                await preload(SETTINGS)
                settings = await self._read_settings(window)
                if settings is None:
                    return 1
                memory.settle(settings)
                await _types()
                await preload(MODULES)
                scope.spawn("imports", self._import_later(collector))
                return await self._programs(edge, memory, settings, vault, drive)
            finally:
                self._watchdog.stop()
                await self._drop_window()

    async def _import_later(self, collector: Collector) -> None:
        from alphapanda_desktop.preload import CHART, LATER, preload

        try:
            await preload(CHART)
            await preload(LATER)
        finally:
            collector.settle()  # what imports make stays; collecting between them would look through all of it

    def _memory(self) -> WindowMemory:
        from alphapanda_desktop.memory import WindowMemory

        return WindowMemory(self._own / SETTINGS_FILE, self._looks, self._mode)

    async def _read_settings(self, window: MainWindow) -> Settings | None:
        """The settings; while they cannot be read the window says why. None when it was closed over that."""
        from alphapanda_desktop.settings import load

        while True:
            try:
                return load(self._own / SETTINGS_FILE)
            except Fatal as error:
                log.error("%s", error)
                if not await _again(window, error):
                    return None

    def _show(self, edge: Edge, memory: WindowMemory) -> MainWindow:
        from alphapanda_desktop.ui.shell import MainWindow

        window = MainWindow(title_of(self._folder, self._arguments.profile), edge, memory.remembered())
        logs.catch_crashes(self._tell_crash)
        window.present()
        return window

    async def _drop_window(self) -> None:
        window, self._window = self._window, None
        if window is not None:
            await window.hide_login()  # WebEngine dies of a page that outlives the loop
            window.hide()
            window.deleteLater()

    def _come_forward(self) -> None:
        if self._window is not None:
            self._window.come_forward()

    def _listen(self) -> None:
        deaf = self._owner.listen(self._come_forward)
        if deaf:
            log.warning("a second launch will not find this window: %s", deaf)

    def _tell_crash(self, error: BaseException) -> None:
        # Errors come from any thread, and the window may be touched by its own alone.
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._failed, "", error)
        else:
            log.critical("not caught", exc_info=error)

    def _mode(self) -> str:
        return self._window.mode if self._window is not None else ""

    def _notify(self, text: str, level: str) -> None:
        if self._window is not None:
            self._window.notify(text, level)

    def _failed(self, name: str, error: BaseException) -> None:
        if self._care is not None:
            self._care.failed(name, error)
            return
        log.error("%s failed", name or "a slot", exc_info=error)
        self._notify(f"{name or 'unexpected error'}: {type(error).__name__}: {error}", "danger")

    async def _programs(
        self, edge: Edge, memory: WindowMemory, settings: Settings, vault: Vault | None, drive: Drive | None
    ) -> int:
        """One program after another: a recorded day that goes back is played anew, on a desk that knows nothing."""
        from alphapanda_desktop.app import Program

        options = self._options(settings, vault)
        while True:
            assert self._window is not None
            program = Program(options, self._window, edge, settings)
            self._look_after(program)
            _end_on_signals(self._window)
            code = await program.run(drive)
            if program.rewound_to is None or options.replay is None:
                return code
            options = replace(options, replay=replace(options.replay, at_ns=program.rewound_to, speed=program.speed))
            await self._replace_window(edge, memory)

    def _look_after(self, program: Program) -> None:
        """Have unexpected errors shown, and say once how the run before ended where nobody closed it."""
        first, self._care = self._care is None, program.care
        if first:
            program.care.tell_last_run(crash_of_last_run(self._own / "logs", self._owner.killed_pid))

    async def _replace_window(self, edge: Edge, memory: WindowMemory) -> None:
        """Another window in the place of this one."""
        assert self._window is not None
        self._window.remember_layout()
        where, state = self._window.geometry(), self._window.windowState()
        await self._drop_window()
        self._window = self._show(edge, memory)
        self._window.setGeometry(where)
        self._window.setWindowState(state)

    def _options(self, settings: Settings, vault: Vault | None) -> Options:
        from alphapanda_desktop.options import Options
        from alphapanda_desktop.venues.venue import PracticeOptions

        given, practice = self._arguments, settings.practice
        return Options(
            mode=given.mode,
            profile=given.profile,
            folder=self._folder,
            practice=PracticeOptions(
                seed=practice.seed if given.seed is None else given.seed,
                scenario=given.scenario or practice.scenario,
                speed=given.speed,
                ticks=tuple(given.ticks),
                clock=given.clock,
            ),
            vault=vault,
            replay=given.replay if given.mode == "replay" else None,
            own=self._own,
        )


async def _types() -> None:
    """Have Qt's types made here, for the threads that import ask for them next."""
    import asyncio

    from alphapanda_desktop.ui.qttypes import make_types

    for _slice in make_types():
        await asyncio.sleep(0)


async def _again(window: MainWindow, error: Fatal) -> bool:
    """Whether to try again what failed: False once the window is closed."""
    import asyncio

    answer: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def say(again: bool) -> None:
        if not answer.done():
            answer.set_result(again)

    closing = window.closed.connect(lambda: say(False))
    window.show_problem("The settings cannot be used", str(error), lambda: say(True))
    try:
        return await answer
    finally:
        window.closed.disconnect(closing)


def _end_on_signals(window: MainWindow) -> None:
    import asyncio
    import signal

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        try:
            loop.add_signal_handler(number, window.close)
        except NotImplementedError:  # Windows
            signal.signal(number, lambda _n, _f: loop.call_soon_threadsafe(window.close))
