"""Alerts of an open desk: the book that watches them, and how news gets out of the program."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import AsyncExitStack
from typing import TYPE_CHECKING, Final

from psygnal import Signal

from alphapanda_desktop.domain.errors import AlphaPandaError, Refused
from alphapanda_desktop.logs import strike_out
from alphapanda_desktop.settings import Delivery

if TYPE_CHECKING:
    from alphapanda_desktop.couriers import Courier, Dispatch, Outcome
    from alphapanda_desktop.domain.alerts import Firing
    from alphapanda_desktop.domain.ports import Clock, Vault
    from alphapanda_desktop.settings import Settings
    from alphapanda_desktop.store.journal import SqlJournal
    from alphapanda_desktop.trading.alerts import AlertBook
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.scope import Scope
    from alphapanda_desktop.trading.session import SessionGate
    from alphapanda_desktop.venues.venue import Venue

TELEGRAM_TOKEN: Final = "telegram_token"
MAIL_PASSWORD: Final = "mail_password"
KEPT: Final = 20
"""Outcomes that are kept in sight."""


async def open_alerts(
    stack: AsyncExitStack,
    scope: Scope,
    venue: Venue,
    gate: SessionGate,
    market: Market,
    desk: Desk,
    journal: SqlJournal,
    deliveries: Deliveries,
) -> AlertBook:
    """The alerts as they were left, watched and delivered until the stack ends.

    Raises Fatal where the journal cannot be read.
    """
    from alphapanda_desktop.trading.alerts import AlertBook
    from alphapanda_desktop.ui.formats import grouped

    book = AlertBook(journal, market, desk, gate, venue.market_clock, scope, figure=grouped, hours=venue.real_hours)
    stack.callback(book.close)
    await book.open()
    deliveries.follow(book)
    scope.spawn("alerts", book.run())
    scope.spawn("alerts outside", deliveries.run())
    return book


class Deliveries:
    """Sends alerts by Telegram and e-mail as the settings say; the sheet of them reads and changes it.

    Signal: `changed()` after each outcome and each change of settings. `failed` hears of what did not get there;
    `telegram` is another server than Telegram's own.
    """

    changed = Signal()
    model = Delivery
    secrets = (TELEGRAM_TOKEN, MAIL_PASSWORD)

    def __init__(
        self,
        settings: Settings,
        save: Callable[[], None],
        vault: Vault,
        clock: Clock,
        who: str,
        failed: Callable[[str], None],
        *,
        telegram: str = "",
    ) -> None:
        self._settings = settings
        self._save = save
        self._vault = vault
        self._clock = clock
        self._who = who
        self._failed = failed
        self._telegram = telegram
        self._dispatch: Dispatch | None = None
        self._early: deque[str] | None = deque(maxlen=KEPT)
        """Alerts that fired while the keyring was read; None while nothing is to be sent anywhere."""
        self._anew = asyncio.Event()
        self.outcomes: deque[str] = deque(maxlen=KEPT)
        """What became of the last messages, newest first."""

    @property
    def where(self) -> str:
        """Where the secrets are kept, in words."""
        return self._vault.where

    def values(self) -> Mapping[str, object]:
        """The settings in force."""
        return self._settings.delivery.model_dump()

    async def has(self, secret: str) -> bool:
        """Whether that secret is kept."""
        return bool(await self._vault.get(secret))

    def follow(self, book: AlertBook) -> None:
        """Send what this book tells."""
        book.fired.connect(self._send)

    async def keep(self, values: Mapping[str, object], secrets: Mapping[str, str]) -> None:
        """Put other settings in force and on the disk; an empty secret is left as it was.

        Raises Fatal for a full disk.
        """
        before = self._settings.delivery
        self._settings.delivery = Delivery.model_validate(values)
        try:
            self._save()
        except AlphaPandaError:
            self._settings.delivery = before
            raise
        for name, secret in secrets.items():
            if secret:
                strike_out(secret)
                await self._vault.put(name, secret)
        self._begin_anew()
        self.changed.emit()

    async def forget(self) -> None:
        """Take both secrets out of the keyring."""
        for name in self.secrets:
            await self._vault.drop(name)
        self._begin_anew()
        self.changed.emit()

    def _begin_anew(self) -> None:
        """Other settings hold; what fires until they are read is sent by them."""
        if self._dispatch is None and self._early is None:
            self._early = deque(maxlen=KEPT)
        self._anew.set()

    async def test(self) -> None:
        """Send a message by every way that is set, and wait for what becomes of it. Raises Refused where none is."""
        from alphapanda_desktop.couriers import Dispatch

        dispatch = Dispatch(await self._couriers(), self._clock.now, waits_s=())
        if not dispatch.couriers:
            raise Refused("Nothing is set: a chat id and a token, or an address and a server, are needed.")
        dispatch.ended.connect(self._ended)
        words = "This is a test. Alerts will look like this."
        await asyncio.gather(*(dispatch.carry(courier, self._subject, words) for courier in dispatch.couriers))

    async def run(self) -> None:
        """Send what there is to send, by the settings as they are, until cancelled."""
        while True:
            self._anew.clear()
            couriers = await self._known_couriers()
            if couriers:
                await self._work(couriers)
            else:
                self._early = None
                await self._anew.wait()

    async def _known_couriers(self) -> list[Courier]:
        """None where the keyring cannot be read, which is told: alerts then stay in the window until it is set anew."""
        try:
            return await self._couriers()
        except AlphaPandaError as error:
            self._failed(f"Alerts are not sent out of this window, for their secrets cannot be read: {error}")
            return []

    async def _work(self, couriers: list[Courier]) -> None:
        """Until other settings are in force; what still waits then goes by those."""
        from alphapanda_desktop.couriers import Dispatch

        self._dispatch = dispatch = Dispatch(couriers, self._clock.now)
        dispatch.ended.connect(self._ended)
        early, self._early = self._early or (), deque(maxlen=KEPT)
        for text in early:
            dispatch.send(self._subject, text)
        try:
            async with asyncio.TaskGroup() as group:
                working = group.create_task(dispatch.run(), name="alerts outside")
                await self._anew.wait()
                working.cancel()
        finally:
            self._dispatch = None
            self._early = deque(dispatch.waiting(), maxlen=KEPT)

    async def _couriers(self) -> list[Courier]:
        from alphapanda_desktop.couriers import TELEGRAM, Mail, Telegram

        own = self._settings.delivery
        made: list[Courier] = []
        token, password = (await self._vault.get(TELEGRAM_TOKEN), await self._vault.get(MAIL_PASSWORD))
        for secret in (token, password):
            strike_out(secret or "")
        if own.telegram_chat and token:
            made.append(Telegram(token, own.telegram_chat, self._telegram or TELEGRAM))
        if own.mail_to and own.mail_host:
            made.append(Mail(own.mail_host, own.mail_port, own.mail_security, own.mail_user, password or "",
                             own.mail_from, own.mail_to))  # fmt: skip
        return made

    @property
    def _subject(self) -> str:
        return f"AlphaPanda {self._who} alert"

    def _send(self, firing: Firing) -> None:
        if self._dispatch is not None:
            self._dispatch.send(self._subject, firing.text)
        elif self._early is not None:
            self._early.append(firing.text)

    def _ended(self, outcome: Outcome) -> None:
        self.outcomes.appendleft(str(outcome))
        if not outcome.ok:
            self._failed(f"An alert could not be delivered. {outcome.words}")
        self.changed.emit()
