"""The main window on a real desk over fakes, and what it asked to be remembered."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import timedelta

from psygnal import Signal

from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.trading.session import GateState
from alphapanda_desktop.ui.lastrun import Remembered
from alphapanda_desktop.ui.shell import DeskParts, MainWindow
from alphapanda_desktop.ui.theme import DARK, Theme
from tests.fakes import FakeClock, a_session
from tests.ui.fakes_desk import DeskStage, a_desk


class OpenGate:
    """A gate with a session that lasts five hours from the clock's noon."""

    changed = Signal()

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._ends = clock.now() + timedelta(hours=5)
        self.state = GateState.OPEN
        self.detail = ""
        self.session: Session | None = a_session(clock.now())
        self.login_url = "http://127.0.0.1:1/connect/login"
        self.redirect_url = "http://127.0.0.1:5599/"
        self.logged_out = 0

    def seconds_left(self) -> float | None:
        return None if self.session is None else (self._ends - self._clock.now()).total_seconds()

    def end(self, why: str) -> None:
        self.session, self.state, self.detail = None, GateState.ENDED, why
        self.changed.emit()

    async def log_out(self) -> None:
        self.logged_out += 1
        self.end("logged out here")


@dataclass
class WindowStage:
    """A window, its desk, its gate, and what it saved."""

    desk: DeskStage
    window: MainWindow
    gate: OpenGate
    saved: dict[str, object] = field(default_factory=dict)

    @property
    def parts(self) -> DeskParts:
        return DeskParts(
            market=self.desk.market,
            desk=self.desk.desk,
            runner=self.desk.runner,
            gate=self.gate,  # type: ignore[arg-type]
            mode="live" if self.desk.arming.needed else "practice",
            user_id="AB1234",
            database="/somewhere/else/practice.sqlite",
            phase=lambda: "open",
            arming=self.desk.arming,
            watch_keys=["NSE:INFY"],
            chart_key="",
            aside=in_daemon_thread,
        )


@asynccontextmanager
async def a_window(
    *, live: bool = False, profile: str = "default", layout: bytes = b"", show_desk: bool = True, theme: Theme = DARK
) -> AsyncIterator[WindowStage]:
    saved: dict[str, object] = {}
    async with a_desk(live=live, theme=theme) as desk:
        desk.give_history()
        remembered = Remembered(theme="dark", layout=layout, save=saved.__setitem__, save_later=saved.__setitem__)
        window = MainWindow(profile, desk.edge, remembered)
        stage = WindowStage(desk, window, OpenGate(desk.clock), saved)
        window.show()
        if show_desk:
            window.show_desk(stage.parts)
        try:
            yield stage
        finally:
            await window.hide_login()
            window.hide()
            window.deleteLater()
            await asyncio.sleep(0)
