"""What keeps an open desk in step with the world: the session's end, the link's fall, a sleep of the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from alphapanda_desktop.clock import WakeWatch, ZoneWatch
from alphapanda_desktop.domain.errors import AlphaPandaError, SessionEnded
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.session import verify
from alphapanda_desktop.logs import strike_out
from alphapanda_desktop.network import RouteWatch
from alphapanda_desktop.trading.session import ACCESS_TOKEN
from alphapanda_desktop.trading.tokens import token_to_text

if TYPE_CHECKING:
    from alphapanda_desktop.domain.ports import Vault
    from alphapanda_desktop.domain.session import Session
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.scope import Scope
    from alphapanda_desktop.trading.session import SessionGate
    from alphapanda_desktop.venues.venue import Venue


LOOK_S: Final = 1.0
CATCH_UP_S: Final = (2.0, 5.0, 10.0, 20.0, 30.0)
"""How long to wait before what could not be caught up is tried again; the last for all later ones."""
KEEP_S: Final = (30.0, 60.0, 120.0, 300.0, 600.0)
"""How long to wait before a keyring that took no login is asked again; the last for all later ones."""
LOCKED: Final = "is locked"
ADDRESS: Final = "Kite takes orders only from the address that is registered in the developer console."


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What may change around a running program: the machine's clock and sleep, its time zone, its network."""

    wake: WakeWatch = field(default_factory=WakeWatch)
    zone: ZoneWatch = field(default_factory=ZoneWatch)
    routes: RouteWatch = field(default_factory=RouteWatch)


class Upkeep:
    """Hears venue, gate, market and desk of one account; `tell` says what a person should know.

    `welcome_back` hides the login after another one has been verified. `sleep` waits between two looks around.
    """

    def __init__(
        self,
        scope: Scope,
        venue: Venue,
        gate: SessionGate,
        market: Market,
        desk: Desk,
        tell: Callable[[str], None],
        welcome_back: Callable[[], Awaitable[None]],
        around: Surroundings | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._scope = scope
        self._venue = venue
        self._gate = gate
        self._market = market
        self._desk = desk
        self._tell = tell
        self._welcome_back = welcome_back
        self._around = around or Surroundings()
        self._sleep = sleep
        self._behind = asyncio.Event()
        """Set while something happened after which nobody has caught up."""
        self._why = ""

    def begin(self) -> None:
        """Listen, and keep the bars' clock going."""
        self._desk.session_ended.connect(self._end_session)
        self._desk.noticed.connect(self._tell)
        self._market.link_changed.connect(self._link_changed)
        self._market.noticed.connect(lambda kind, text: self._tell(f"Kite {kind}: {text}"))
        self._gate.opened.connect(lambda session: self._scope.spawn("resume", self._resume(session)))
        self._scope.spawn("bar clock", self._advance())
        if self._venue.recorded is None:  # a recorded day does not change
            self._scope.spawn("surroundings", self._look_around())
            self._scope.spawn("catching up", self._catch_up())

    def session_over(self, why: str) -> bool:
        """Freeze what is shown as old; False where it is frozen already."""
        if self._market.frozen_at is not None:
            return False
        self._market.freeze(self._market.now())
        self._desk.freeze(why)
        self._tell(f"The Kite session is over: {why}. What is shown is old until someone logs in.")
        return True

    def _end_session(self, why: str) -> None:
        self._scope.spawn("end session", self._gate.ended(why))

    def _link_changed(self, report: LinkReport) -> None:
        if report.state is LinkState.REFUSED:
            self._end_session("Kite has ended the session (its feed answers 403)")
        elif report.state is LinkState.UP and self._market.was_down:
            self._market.was_down = False
            self._scope.spawn("after reconnect", self._look_again("feed reconnected", quiet=True))

    async def _look_around(self) -> None:
        while True:
            await self._sleep(LOOK_S)
            self.look()

    def look(self) -> None:
        """Tell what changed around the program since the last look, and have it compared with Kite."""
        around = self._around
        # The practice exchange is on this computer: no network of its carries anything.
        route = around.routes.look() if self._venue.mode != "practice" else None
        words = [around.wake.look(), around.zone.look(), route.words if route is not None else ""]
        happened = ", and ".join(text for text in words if text)
        if not happened or self._market.frozen_at is not None:
            return
        if route is not None and not route.online:
            self._tell(f"{_sentence(happened)}. What is shown is old until it is back.")
            return
        moved = f" {ADDRESS}" if route is not None and self._venue.mode == "live" else ""
        self._tell(f"{_sentence(happened)}: checking with Kite.{moved}")
        self._why = happened
        self._behind.set()

    async def _catch_up(self) -> None:
        """After each change, until it succeeds: the first tries often come before the network does."""
        while True:
            await self._behind.wait()
            self._behind.clear()
            failures, told = 0, False
            while not await self._caught_up(quiet_failure=told):
                told = True
                await self._sleep(CATCH_UP_S[min(failures, len(CATCH_UP_S) - 1)])
                failures += 1
            if self._gate.session is not None:
                self._tell("Caught up with Kite.")

    async def _caught_up(self, *, quiet_failure: bool) -> bool:
        """Whether books, bars and feed are those of now, or there is nobody logged in whom that concerns."""
        session = self._gate.session
        if session is None or self._market.frozen_at is not None:
            return True
        try:
            await self._desk.reconcile(self._why)
            # Kite is asked who we are, and links that wait for their next try have it at once.
            known = await verify(self._venue.login, session.token, self._venue.clock.now())
            if self._gate.session is session and self._market.frozen_at is None:
                self._market.resume(known)
            await self._market.refill()
        except SessionEnded as error:
            self._end_session(str(error))
        except AlphaPandaError as error:
            if not quiet_failure:
                self._tell(f"Could not catch up yet: {error}. It is tried again until it succeeds.")
            return False
        return True

    async def _look_again(self, why: str, *, quiet: bool = False) -> None:
        """Read the broker's books and the bars that may have been missed."""
        try:
            await self._desk.reconcile(why, quiet=quiet)
            await self._market.refill()
        except AlphaPandaError as error:
            self._tell(f"Could not catch up ({why}): {error}")

    async def _resume(self, session: Session) -> None:
        """A new login while the desk is open: REST and feed carry on with the new token in place."""
        strike_out(session.token.access_token)
        self._venue.client.use(session.token)
        self._market.resume(session)
        await self._welcome_back()
        try:
            await self._desk.resume(session)
            await self._market.refill()
        except AlphaPandaError as error:
            self._tell(f"After the login: {error}")

    async def _advance(self) -> None:
        while True:
            await asyncio.sleep(1.0)
            self._market.advance()


async def keep_login(
    gate: SessionGate,
    vault: Vault,
    tell: Callable[[str], None],
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Tell of each login that no keyring keeps, and offer it again until one does; runs until cancelled."""
    news = asyncio.Event()
    gate.opened.connect(lambda _session: news.set())
    while True:
        session = await gate.wait_open()
        news.clear()
        if not vault.lasting:
            tell(f"The Kite login is kept {vault.where}. The next start will ask for it again.")
            if await _taken_later(gate, vault, session, sleep):
                tell("The keyring keeps the Kite login again.")
        await news.wait()


async def watch_journal(
    trouble: Callable[[], str], tell: Callable[[str], None], sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> None:
    """Tell when the journal takes nothing any more, and when it does again; runs until cancelled.

    Whoever asks it for something hears of it as well, but that may be a strategy, or a fill that is written later.
    """
    told = False
    while True:
        words = trouble()
        if bool(words) is not told:
            told = bool(words)
            tell(
                f"Nothing is written down now, so no order leaves: {words}" if told else "The journal is written again."
            )
        await sleep(LOOK_S)


async def _taken_later(
    gate: SessionGate, vault: Vault, session: Session, sleep: Callable[[float], Awaitable[None]]
) -> bool:
    """Whether the keyring took it in the end; not where it is locked, or another login came first."""
    tries = 0
    # Of a locked keyring each question brings up a box for its password: one that was sent away does not come again.
    while gate.session is session and not vault.lasting and LOCKED not in vault.where:
        await sleep(KEEP_S[min(tries, len(KEEP_S) - 1)])
        tries += 1
        if gate.session is session:  # else what it was given last is the end of this login, or another one
            await vault.put(ACCESS_TOKEN, token_to_text(session.token))
    return vault.lasting


def _sentence(words: str) -> str:
    return words[:1].upper() + words[1:]
