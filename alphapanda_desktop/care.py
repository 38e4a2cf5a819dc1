"""What looks after the program itself, in any mode and before any login: its errors, long work, figures and tray."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.faults import Crash, FaultBook
from alphapanda_desktop.figures import Figures, Watched
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.ui import crashsheet, progress
from alphapanda_desktop.ui.diagnostics import DiagnosticsPanel, Fact, Sources, report
from alphapanda_desktop.ui.entries import beat, entry, menu_of
from alphapanda_desktop.ui.formats import signed_rupees
from alphapanda_desktop.ui.strip import MODE_MARKS
from alphapanda_desktop.ui.tray import Standing, Tray
from alphapanda_desktop.ui.wakeful import KeepAwake
from alphapanda_desktop.ui.words import say
from alphapanda_desktop.usage import Chronicle

if TYPE_CHECKING:
    from alphapanda_desktop.domain.ports import Vault
    from alphapanda_desktop.domain.progress import Progress
    from alphapanda_desktop.options import Options
    from alphapanda_desktop.ui.crashsheet import CrashSheet
    from alphapanda_desktop.ui.edge import Edge
    from alphapanda_desktop.ui.shell import MainWindow
    from alphapanda_desktop.ui.theme import Role

log = logging.getLogger("alphapanda.care")

REPORTS: Final = "reports"
BEAT_MS: Final = 1_000
NOBODY_RUNS: Final = "No strategy runs"
SHOWN_FAULTS: Final = 5
"""Kinds of error of which the sheet quotes the traceback; the log has all."""


class Care:
    """Belongs to one window; `api_key` and `vault_of` tell what must not leave in a support bundle."""

    def __init__(
        self,
        window: MainWindow,
        edge: Edge,
        options: Options,
        api_key: Callable[[], str],
        vault_of: Callable[[str], Vault],
    ) -> None:
        self._window = window
        self._edge = edge
        self._options = options
        self._api_key = api_key
        self._vault_of = vault_of
        self.faults = FaultBook()
        self._killed = ""
        """What is to be told once more when there is a log that keeps it."""
        self.bar = progress.put_into(window, edge)
        self.figures = Figures(edge.meter, edge.works, self._others, Chronicle())
        self.awake = KeepAwake(window)
        self.awake.changed.connect(self._tell_awake)
        self._told_awake = ""
        self.tray = Tray(window, edge.theme, window.come_forward, window.strip.algos.turn, self._ask_to_leave)
        self._offer()
        beat(window, BEAT_MS, self.look)

    def _offer(self) -> None:
        """What it can be asked for, in the menus."""
        help_, file = menu_of(self._window, "&Help"), menu_of(self._window, "&File")
        if help_ is None or file is None:
            return
        # the last entry of File is the end of the program
        words = "&Backups of the journal…"
        self._backups = entry(file, "backups_action", words, self.show_backups, above_last=True, enabled=False)
        entry(help_, "support_action", "Make a support &bundle…", self.show_support)
        entry(help_, "stop_works_action", "&Stop the long work that runs", self.bar.stop_all)

    # -- once a second ---------------------------------------------------------------------------------------

    def follow(self, watched: Watched) -> None:
        """Tell of this desk from now on."""
        self.figures.watched = watched
        if self._killed:
            self._window.notify(self._killed, "warning")
            self._killed = ""
        self._backups.setEnabled(self._window.mode != "replay")
        self.look()

    def look(self) -> None:
        """Take a sample, keep the computer awake where that is due, and show how things stand in the tray."""
        watched = self.figures.watched
        self.figures.sample()
        self.awake.want(watched is not None and watched.arming.needed and watched.arming.armed)
        self.tray.look(self._standing())

    def _standing(self) -> Standing:
        watched, mode = self.figures.watched, self._window.mode
        mark = say(MODE_MARKS.get(mode, ""))
        if watched is None:
            return Standing(mode, " ".join(part for part in (mark, say("not logged in")) if part), NOBODY_RUNS, False)
        armed = watched.arming.needed and watched.arming.armed
        net = watched.desk.net()
        result = f"{say('net')} {signed_rupees(net.net if net else None)}"
        words = (mark + (f" {say('ARMED')}" if armed else ""), watched.user_id, result)
        states = [run.state for run in watched.runner.runs]
        going = sum(state in (RunState.RUNNING, RunState.STARTING) for state in states)
        held = states.count(RunState.PAUSED)
        algos = (
            f"⏸ Pause the entries of all strategies ({going} on)" if going
            else f"▶ Let all strategies enter again ({held} paused)" if held else NOBODY_RUNS
        )  # fmt: skip
        return Standing("armed" if armed else mode, " · ".join(filter(None, words)), say(algos), bool(going or held))

    def _tell_awake(self) -> None:
        if self.awake.settled and self.awake.words != self._told_awake:
            self._told_awake = self.awake.words
            if self._told_awake:
                self._window.notify(self._told_awake, "info" if self.awake.held_by else "warning")

    def _ask_to_leave(self) -> None:
        self._window.come_forward()  # the question is on the window
        self._window.ask_to_close()

    # -- figures ---------------------------------------------------------------------------------------------

    def panel(self) -> DiagnosticsPanel:
        """A page of diagnostics; it reads only while it is seen."""
        return DiagnosticsPanel(self._edge, Sources(self.figures.facts, lambda: self.figures.chronicle.samples))

    def _others(self) -> list[Fact]:
        faults = sum(fault.count for fault in self.faults.faults)
        awake = self.awake.words or "the computer may sleep: live is not armed"
        return [
            Fact("Kept awake", awake),
            Fact("Tray", "has the icon" if self.tray.there else "this system has none"),
            Fact("Unexpected errors", str(faults)),
        ]

    # -- errors ----------------------------------------------------------------------------------------------

    def failed(self, doing: str, error: BaseException) -> None:
        """A task or slot failed: one that we raise on purpose is a notice, any other brings up the sheet."""
        words = f"{type(error).__name__}: {error}"
        expected = isinstance(error, AlphaPandaError)
        count = 1 if expected else self.faults.add(error, doing)
        if str(count).strip("0") == "1":  # an error on each tick must not wash everything else out of the logs
            log.error("%s failed%s", doing or "a slot", f", {count} times" if count > 1 else "", exc_info=error)
            self._window.notify(f"{doing}: {words}" if doing else words, "danger")
        if not expected and (count == 1 or self._window.deck.find(crashsheet.FAULTS) is not None):
            self._show_faults()  # what was taken away stays away, until there is something else

    def _show_faults(self) -> None:
        faults = self.faults.faults
        newest, count = faults[-1], sum(fault.count for fault in faults)
        sheet = self._sheet(crashsheet.FAULTS, "An error that the program did not expect", "danger")
        kinds = f", {len(faults)} kinds of them" if len(faults) > 1 else ""
        many = "" if count == 1 else f" {count} such errors so far{kinds}."
        doing = f" while it did: {newest.doing}" if newest.doing else ""
        details = "\n\n".join(fault.told() for fault in faults[: -SHOWN_FAULTS - 1 : -1])
        sheet.say(f"{newest.words}{doing}.{many}", crashsheet.GOES_ON, details)

    def tell_last_run(self, crash: Crash | None) -> None:
        """How the run before ended, where nobody closed it."""
        if crash is None:
            return
        log.warning("the run before ended without closing: %s", crash.words)
        if not crash.dump:
            self._killed = f"The run before did not end by being closed. {crash.words}."
            self._window.notify(self._killed, "warning")
            return
        when = f" on {crash.at.astimezone(IST):%d %b at %H:%M:%S} IST" if crash.at is not None else ""
        sheet = self._sheet("last_crash_sheet", "AlphaPanda crashed the last time", "danger")
        sheet.say(f"It ended{when}: {crash.words}.", crashsheet.ENDED, crash.dump)

    # -- backups ---------------------------------------------------------------------------------------------

    def show_backups(self) -> None:
        """The copies of this mode's journal."""
        from alphapanda_desktop.store.backup import ask_to_restore, back_up, backups_of
        from alphapanda_desktop.ui.backupsheet import BackupsSheet, Copies

        window, path = self._window, self._options.database(self._window.mode)

        async def make(progress: Progress) -> Path:
            today = datetime.now(IST).date()
            copied = in_daemon_thread("database backup", lambda: back_up(path, today, progress))
            return await asyncio.wrap_future(copied)

        def go_back(copy: Path) -> None:
            def agreed() -> None:
                try:
                    ask_to_restore(copy, path)
                except OSError as error:
                    window.notify(f"It could not be noted for the next start: {error}", "danger")
                else:
                    window.close()

            # Noted only once the person has agreed to close: a later end of the program must not go back by itself.
            if window.sheets is not None:
                window.sheets.ask_to_leave(agreed)
            else:
                agreed()

        sheet = window.deck.find("backups_sheet")
        if sheet is None:
            copies = Copies(lambda: backups_of(path.parent, window.mode), make, go_back)
            sheet = BackupsSheet(copies, self._edge, window)
        window.deck.lay(sheet)

    # -- the support bundle ----------------------------------------------------------------------------------

    def show_support(self) -> None:
        """What a support bundle is, and its button."""
        sheet = self._sheet(crashsheet.SUPPORT, "A support bundle", "accent")
        sheet.say(crashsheet.IN_IT, "")
        sheet.setFocus()

    def _sheet(self, name: str, title: str, role: Role) -> CrashSheet:
        window, deck = self._window, self._window.deck
        sheet = deck.find(name)
        if not isinstance(sheet, crashsheet.CrashSheet):
            sheet = crashsheet.CrashSheet(name, title, self.bundle, self._edge, window, role)
            crashsheet.lay_beside_work(deck, sheet, window)
        return sheet

    async def bundle(self, progress: Progress) -> Path:
        """Write a support bundle into the profile's reports; where it lies. Raises Fatal, Stopped."""
        from alphapanda_desktop.preflight import Places
        from alphapanda_desktop.support import NAME, bundle, looked

        options, mode = self._options, self._window.mode or "practice"
        roots = options.roots if mode in ("paper", "live") else None
        rest, feed = (roots.rest, roots.feed) if roots is not None else ("", "")
        progress.at(0, words="looking around")
        places = Places(options.folder, mode, rest, feed, self._api_key())
        checks, secrets = await looked(places, self._vault_of, partial(datetime.now, UTC))
        more = {
            "faults.json": [asdict(fault) for fault in self.faults.faults],
            "figures.json": report(self._edge.meter, self.figures.facts()).splitlines(),
        }
        folder = options.folder / REPORTS
        out = folder / f"{NAME}-{datetime.now(IST):%Y%m%d-%H%M%S}.zip"

        def write() -> Path:
            folder.mkdir(parents=True, exist_ok=True)
            profile = options.own or options.folder
            bundle(profile, out, datetime.now(UTC), checks, secrets, more=more, progress=progress)
            return out

        return await asyncio.wrap_future(in_daemon_thread("support bundle", write))
