"""What keeps an open desk in step with the world: the session's end, the link's fall, a sleep of the machine."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING

from alphapanda_desktop.clock import WakeWatch
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.logs import strike_out

if TYPE_CHECKING:
    from alphapanda_desktop.domain.session import Session
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.scope import Scope
    from alphapanda_desktop.trading.session import SessionGate
    from alphapanda_desktop.venues.venue import Venue


class Upkeep:
    """Hears venue, gate, market and desk of one account; `tell` says what a person should know.

    `welcome_back` hides the login after another one has been verified.
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
    ) -> None:
        self._scope = scope
        self._venue = venue
        self._gate = gate
        self._market = market
        self._desk = desk
        self._tell = tell
        self._welcome_back = welcome_back

    def begin(self) -> None:
        """Listen, and keep the bars' clock going."""
        self._desk.session_ended.connect(self._end_session)
        self._desk.noticed.connect(self._tell)
        self._market.link_changed.connect(self._link_changed)
        self._market.noticed.connect(lambda kind, text: self._tell(f"Kite {kind}: {text}"))
        self._gate.opened.connect(lambda session: self._scope.spawn("resume", self._resume(session)))
        self._scope.spawn("bar clock", self._advance())
        self._scope.spawn("wake watch", self._watch_wake())

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

    async def _watch_wake(self) -> None:
        watch = WakeWatch()
        while True:
            await asyncio.sleep(1.0)
            happened = watch.look()
            if happened and self._market.frozen_at is None:
                self._tell(f"Checking with Kite, for {happened}.")
                await self._look_again(happened)

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
