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
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.ui import crashsheet, progress

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
        self.bar = progress.put_into(window, edge)

    # -- errors ----------------------------------------------------------------------------------------------

    def failed(self, doing: str, error: BaseException) -> None:
        """A task or slot failed: one that we raise on purpose is a notice, any other brings up the sheet."""
        words = f"{type(error).__name__}: {error}"
        self._window.notify(f"{doing}: {words}" if doing else words, "danger")
        if isinstance(error, AlphaPandaError):
            return
        new = self.faults.add(error, doing)
        sheet = self._window.deck.find(crashsheet.FAULTS)
        if sheet is not None or new:  # what was taken away stays away, until there is something else
            self._show_faults()

    def _show_faults(self) -> None:
        faults = self.faults.faults
        newest, count = faults[-1], sum(fault.count for fault in faults)
        sheet = self._sheet(crashsheet.FAULTS, "An error that the program did not expect", "danger")
        many = "" if count == 1 else f" {count} errors of {len(faults)} kind{'s' * (len(faults) > 1)} so far."
        doing = f" while it did: {newest.doing}" if newest.doing else ""
        details = "\n\n".join(fault.told() for fault in faults[: -SHOWN_FAULTS - 1 : -1])
        sheet.say(f"{newest.words}{doing}.{many}", crashsheet.GOES_ON, details)

    def tell_last_run(self, crash: Crash | None) -> None:
        """How the run before ended, where nobody closed it."""
        if crash is None:
            return
        log.warning("the run before ended without closing: %s", crash.words)
        if not crash.dump:
            self._window.notify(f"The run before did not end by being closed. {crash.words}.", "warning")
            return
        when = f" on {crash.at.astimezone(IST):%d %b at %H:%M:%S} IST" if crash.at is not None else ""
        sheet = self._sheet("last_crash_sheet", "AlphaPanda crashed the last time", "danger")
        sheet.say(f"It ended{when}: {crash.words}.", crashsheet.ENDED, crash.dump)

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
        more = {"faults.json": [asdict(fault) for fault in self.faults.faults]}
        folder = options.folder / REPORTS
        out = folder / f"{NAME}-{datetime.now(IST):%Y%m%d-%H%M%S}.zip"

        def write() -> Path:
            folder.mkdir(parents=True, exist_ok=True)
            profile = options.own or options.folder
            bundle(profile, out, datetime.now(UTC), checks, secrets, more=more, progress=progress)
            return out

        return await asyncio.wrap_future(in_daemon_thread("support bundle", write))
