"""Who comes in: the first page, the key and secret of the person's own app, and the login of the day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Final

from alphapanda_desktop import settings as settings_
from alphapanda_desktop.logs import strike_out
from alphapanda_desktop.options import Options
from alphapanda_desktop.preload import WEB, preload
from alphapanda_desktop.ui.webprobe import web_engine_works
from alphapanda_desktop.venues.venue import API_SECRET

if TYPE_CHECKING:
    from alphapanda_desktop.domain.ports import Vault
    from alphapanda_desktop.domain.session import Session
    from alphapanda_desktop.trading.scope import Scope
    from alphapanda_desktop.trading.session import SessionGate
    from alphapanda_desktop.ui.shell import MainWindow
    from alphapanda_desktop.venues.venue import Venue

PAGES: Final = ("alphapanda_desktop.kite.redirect", "alphapanda_desktop.ui.docks", "alphapanda_desktop.ui.login")
"""What is imported before the login page is made."""


class Admission:
    """Asks what has to be known before there is a session. `vault_of(mode)` keeps the secret, `save` the settings."""

    def __init__(
        self,
        options: Options,
        settings: settings_.Settings,
        window: MainWindow,
        vault_of: Callable[[str], Vault],
        save: Callable[[], None],
    ) -> None:
        self._options = options
        self._settings = settings
        self._window = window
        self._vault_of = vault_of
        self._save = save
        self._news = asyncio.Event()
        self._other_keys = False

    async def mode(self) -> str:
        """The mode of this run: as told, as kept, or as chosen now."""
        return self._options.mode or self._settings.general.mode or await self._welcome()

    async def keys(self, mode: str) -> None:
        """See that there are a key and a secret: the kept ones, or those entered now."""
        vault = self._vault_of(mode)
        asked, self._other_keys = self._other_keys, False
        if asked or not self._settings.account.api_key or not await vault.get(API_SECRET):
            await self._welcome(mode, again=asked)
        strike_out(await vault.get(API_SECRET) or "")

    async def _welcome(self, mode: str = "", *, again: bool = False) -> str:
        """Ask for the mode, or only for the account of one that is settled; the mode."""
        await preload(("alphapanda_desktop.kite.appcheck",))
        from alphapanda_desktop.kite.appcheck import try_app
        from alphapanda_desktop.kite.login import check_shape

        chosen: asyncio.Future[tuple[str, dict[str, str] | None]] = asyncio.get_running_loop().create_future()

        def choose(mode: str, credentials: dict[str, str] | None) -> None:
            if not chosen.done():
                chosen.set_result((mode, credentials))

        page = self._window.show_welcome(check_shape, mode)
        page.offer_test(partial(try_app, login_root=self._options.roots.login))
        account = self._settings.account
        if account.api_key:
            page.fill(account.api_key, account.redirect_url)
        if again:
            page.offer_way_back()
        page.chosen.connect(choose)
        mode, credentials = await chosen
        if credentials is not None:
            await self._keep(mode, credentials)
        if self._options.mode is None:  # what the command line says is for this run only
            self._settings.general.mode = settings_.General.model_validate({"mode": mode}).mode
        self._save()
        return mode

    async def _keep(self, mode: str, credentials: Mapping[str, str]) -> None:
        self._settings.account.api_key = credentials["api_key"]
        self._settings.account.redirect_url = credentials["redirect_url"]
        await self._vault_of(mode).put(API_SECRET, credentials["api_secret"])

    # -- the login -------------------------------------------------------------------------------------------

    async def log_in(self, scope: Scope, gate: SessionGate, venue: Venue, mode: str) -> Session | None:
        """A verified session; None where the person would rather enter another key and secret first."""
        gate.changed.connect(self._news.set)
        if venue.recorded is not None:
            await gate.admit_recorded(venue.recorded.session)
        else:
            self._window.show_busy("Checking the stored login…")
            await gate.restore()
        scope.spawn("session hour", gate.watch())
        if gate.session is None:
            await self.show_login(gate, venue, mode)
        while gate.session is None and not self._other_keys:
            self._news.clear()
            await self._news.wait()
        await self._window.hide_login()
        if gate.session is None:
            return None
        session = await gate.wait_open()
        strike_out(session.token.access_token)
        self._window.set_mode(mode, session.user_id)
        return session

    async def show_login(self, gate: SessionGate, venue: Venue, mode: str, *, first: bool = True) -> None:
        """Kite's login page in the window; only the `first` one of a run can still be given other keys."""
        probe = await web_engine_works(self._options.folder / "webengine.json", practice=mode == "practice")
        if probe.ok:
            await preload(WEB)
        await preload(PAGES)
        if gate.session is not None:
            return
        from alphapanda_desktop.kite.redirect import can_listen, wait_for_redirect
        from alphapanda_desktop.ui.login import LoginPlan

        redirect = venue.login.redirect_url
        listen = partial(wait_for_redirect, redirect, gate.login_url) if can_listen(redirect) else None
        change = self._ask_for_other_keys if first and mode in ("paper", "live") else None
        self._window.show_login(gate, LoginPlan(venue.login_hosts, probe.ok, probe.why, venue.hint, listen, change))

    def _ask_for_other_keys(self) -> None:
        self._other_keys = True
        self._news.set()
