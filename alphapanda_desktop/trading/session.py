"""The session gate: whether someone is logged in is whether a verified Kite session exists.

It restores the stored token, checks it with a profile call, completes a login, knows when the session will die,
and closes once when it has died. Nothing here retries a dead token.
"""

from __future__ import annotations

import asyncio
from enum import StrEnum

from psygnal import Signal

from alphapanda_desktop.domain.errors import AlphaPandaError, Fatal, LoginFailed, SessionEnded
from alphapanda_desktop.domain.ports import Clock, Journal, Login, Vault
from alphapanda_desktop.domain.session import IST, Session, Token, expiry_of, verify
from alphapanda_desktop.trading.tokens import token_from_text, token_to_text

ACCESS_TOKEN = "access_token"
"""Name of the stored token in the vault."""


class GateState(StrEnum):
    CHECKING = "checking the stored login"
    LOGIN_NEEDED = "login needed"
    EXCHANGING = "completing the login"
    OPEN = "logged in"
    ENDED = "session ended"
    OFFLINE = "cannot reach Kite"


class SessionGate:
    """Owner of the one Kite session of this run.

    Signals: `changed()` after any change of `state`, `detail` or `session`; `opened(Session)` after each login.
    """

    changed = Signal()
    opened = Signal(object)

    def __init__(self, login: Login, vault: Vault, journal: Journal, clock: Clock) -> None:
        self._login = login
        self._vault = vault
        self._journal = journal
        self._clock = clock
        self._row: int | None = None
        self._open = asyncio.Event()
        self.state = GateState.CHECKING
        self.detail = ""
        self._owner = ""
        self.session: Session | None = None

    @property
    def login_url(self) -> str:
        return self._login.login_url()

    @property
    def redirect_url(self) -> str:
        return self._login.redirect_url

    def seconds_left(self) -> float | None:
        """Seconds until Kite ends the session; None while there is none."""
        if self.session is None:
            return None
        return (self.session.expires_at - self._clock.now()).total_seconds()

    async def wait_open(self) -> Session:
        """The verified session, once there is one."""
        while self.session is None:
            await self._open.wait()
            if self.session is None:
                self._open.clear()
        return self.session

    async def restore(self) -> None:
        """Use the stored token if Kite still honours it, without asking anyone."""
        self._say(GateState.CHECKING, "")
        try:
            await self._restore()
        finally:
            # Broken off: the keyring or the journal failed, or we were cancelled.
            self._leave(GateState.CHECKING, "The stored login could not be checked. Log in to Kite.")

    async def _restore(self) -> None:
        text = await self._vault.get(ACCESS_TOKEN)
        token = token_from_text(text) if text else None
        if self.state is not GateState.CHECKING:
            return  # someone logged in meanwhile
        if token is None:
            self._say(GateState.LOGIN_NEEDED, "Log in to Kite to begin.")
        elif expiry_of(token.login_time) <= self._clock.now():
            await self._forget("expired at 06:00 IST")
            self._leave(GateState.CHECKING, "The last session ended at 06:00 IST, as every Kite session does.")
        else:
            await self._check(token)

    async def admit_recorded(self, session: Session) -> None:
        """Open for a recorded day, which has no login. Raises Fatal for any other session: those are verified here."""
        if not session.is_recorded:
            raise Fatal(f"The session of {session.user_id} has a token: only a recorded day opens without a login.")
        self._row = await self._began(session)
        self._enter(session)

    async def retry(self) -> None:
        """Try the stored token once more, after Kite could not be reached."""
        if self.state is GateState.OFFLINE:
            await self.restore()

    async def _check(self, token: Token) -> None:
        # While this waits a person may log in: that kills the stored token, whose end then says nothing of theirs.
        try:
            session = await verify(self._login, token, self._clock.now())
        except SessionEnded as error:
            if self.state is GateState.CHECKING:
                await self._forget("refused by Kite")
                self._leave(GateState.CHECKING, f"The stored session is no longer valid ({error}).")
        except AlphaPandaError as error:
            if self.state is GateState.CHECKING:
                self._say(GateState.OFFLINE, str(error))
        else:
            if self.state is GateState.CHECKING:
                await self._admit(session, new=False)

    def _leave(self, state: GateState, detail: str) -> None:
        """Ask for a login, unless something else has become of `state` meanwhile."""
        if self.state is state:
            self._say(GateState.LOGIN_NEEDED, detail)

    async def complete(self, address: str) -> None:
        """Finish a login from the address that Kite sent the browser to, or a bare request_token.

        Raises LoginFailed or Offline with what to do next; the gate then asks for a login again.
        """
        if self.session is not None or self.state is GateState.EXCHANGING:
            return
        request_token = self._login.request_token_of(address)
        self._say(GateState.EXCHANGING, "")
        detail = "The login was broken off. Log in once more."
        try:
            token = await self._login.exchange(request_token)
            session = await verify(self._login, token, self._clock.now())
            self._refuse_stranger(session)
            await self._admit(session, new=True)
        except SessionEnded as error:
            detail = str(error)
            raise LoginFailed(f"Kite gave a token and then refused it: {error}. Log in once more.") from error
        except AlphaPandaError as error:
            detail = str(error)
            raise
        finally:
            self._leave(GateState.EXCHANGING, detail)  # whatever happened, the gate must not stay shut for good

    def _refuse_stranger(self, session: Session) -> None:
        """Books, positions and strategies of this run are one person's: another one must not get hold of them."""
        if self._owner and session.user_id != self._owner:
            raise LoginFailed(
                f"This window belongs to {self._owner}, and {session.user_id} logged in. Log in as {self._owner}, "
                "or close it and start with a profile of your own: alphapanda --profile NAME."
            )

    async def _admit(self, session: Session, *, new: bool) -> None:
        if new:
            await self._vault.put(ACCESS_TOKEN, token_to_text(session.token))
        began = self.state
        row = await (self._began(session) if new else self._row_of(session))
        if self.state is not began:
            return  # a person's login overtook the check of the stored one
        self._row = row
        self._enter(session)

    def _enter(self, session: Session) -> None:
        self._owner = session.user_id
        self.session = session
        self._say(GateState.OPEN, "")
        self._open.set()
        self.opened.emit(session)

    async def _row_of(self, session: Session) -> int:
        for row in await self._journal.sessions(20):
            if row.user_id == session.user_id and row.login_time == session.token.login_time and not row.ended_how:
                return row.id
        return await self._began(session)

    async def _began(self, session: Session) -> int:
        return await self._journal.session_began(session.user_id, session.token.login_time, session.expires_at)

    async def ended(self, how: str) -> None:
        """Close the gate: the session is dead. Called by whoever sees it first; later calls change nothing."""
        if self.session is None:
            return
        self.session = None
        self._open.clear()
        self._say(GateState.ENDED, how)
        await self._forget(how)

    async def log_out(self) -> None:
        """End the API session at Kite and forget the token; the program stays open and asks for a login."""
        session = self.session
        if session is None:
            return
        await self.ended("logged out here")
        await self._login.log_out(session.token)

    async def watch(self) -> None:
        """End the session at its hour, and ask again while Kite cannot be reached; runs until cancelled."""
        while True:
            try:
                await self._look()
            except AlphaPandaError as error:  # a journal that takes no row must not end this watch
                self._say(self.state, f"{self.detail} {error}".strip())
            left = self.seconds_left()
            await asyncio.sleep(5.0 if left is None else min(max(left, 0.2), 20.0))

    async def _look(self) -> None:
        left = self.seconds_left()
        if left is not None and left <= 0:
            await self.ended("06:00 IST: Kite ends every session then")
        if self.state is GateState.OFFLINE:
            await self.retry()

    async def _forget(self, how: str) -> None:
        row, self._row = self._row, None  # before the wait: afterwards it may be the next session's
        await self._vault.drop(ACCESS_TOKEN)
        if row is not None:
            await self._journal.session_ended(row, self._clock.now(), how)
            return
        for known in await self._journal.sessions(5):
            if not known.ended_how:
                await self._journal.session_ended(known.id, self._clock.now(), how)

    def _say(self, state: GateState, detail: str) -> None:
        self.state, self.detail = state, detail
        self.changed.emit()

    def expiry_words(self) -> str:
        """When the session ends, as the screen says it."""
        if self.session is None:
            return ""
        return f"until {self.session.expires_at.astimezone(IST):%d %b %H:%M} IST"
