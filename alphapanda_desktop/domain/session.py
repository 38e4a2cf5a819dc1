"""The proof that Zerodha knows this person: nothing that needs a login can be built without one.

`verify` is the only way to get a `Session` that a network takes: it asks Kite for the profile first. So a function that
takes a `Session` cannot be called by code that merely hopes to be logged in, and the type checker says so. A recorded
day has nobody to ask: `recorded` makes a session for it whose token is empty.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, time, timedelta, timezone
from typing import Any, Final, Protocol, final

IST: Final = timezone(timedelta(hours=5, minutes=30), "IST")

DEATH_TIME: Final = time(6, 0)
"""Kite ends every access token at 06:00 IST of the next day.  Source: CONTRACT 1.4."""

NOBODY: Final = "REPLAY"
"""Who a recorded day is traded as: no user id of Kite's is made of letters alone."""

_PROOF: Final = object()


@dataclass(frozen=True, slots=True)
class Token:
    """What a login gives and the vault keeps. `login_time` is aware UTC."""

    api_key: str
    access_token: str
    user_id: str
    login_time: datetime

    def __repr__(self) -> str:
        return f"Token({self.user_id!r}, login_time={self.login_time.isoformat()})"


@dataclass(frozen=True, slots=True)
class Profile:
    """Who Kite says the token belongs to."""

    user_id: str
    user_name: str
    email: str = ""
    broker: str = "ZERODHA"
    exchanges: tuple[str, ...] = ()
    products: tuple[str, ...] = ()


class AsksProfile(Protocol):
    """Whoever can ask Kite for the profile of a token."""

    async def profile(self, token: Token) -> Profile:
        """The profile; raises SessionEnded for a dead token, Offline where Kite cannot be asked."""
        ...


@final
class Session:
    """A login that Kite has confirmed in this run, or the stand-in of one in a replay. Made by `verify`, `recorded`."""

    __slots__ = ("profile", "token", "verified_at")

    def __init__(self, proof: object, token: Token, profile: Profile, verified_at: datetime) -> None:
        if proof is not _PROOF:
            raise TypeError("a Session is made by domain.session.verify alone: it is the proof of a login")
        self.token = token
        self.profile = profile
        self.verified_at = verified_at

    def __reduce__(self) -> Any:
        raise TypeError("a Session does not leave the process that verified it")

    def __repr__(self) -> str:
        return f"Session({self.profile.user_id!r}, until {self.expires_at.isoformat()})"

    @property
    def user_id(self) -> str:
        return self.profile.user_id

    @property
    def is_recorded(self) -> bool:
        """Whether it is a replay's: nobody logged in, and no network would take it."""
        return not self.token.access_token

    @property
    def expires_at(self) -> datetime:
        """When Kite will end it, aware UTC."""
        return expiry_of(self.token.login_time)


async def verify(kite: AsksProfile, token: Token, now: datetime) -> Session:
    """The session that `token` opens, after Kite has answered with its profile.

    Raises SessionEnded for a dead token, Offline where Kite cannot be asked.
    """
    profile = await kite.profile(token)
    return Session(_PROOF, token, profile, now)


def recorded(began: datetime) -> Session:
    """The session of a recorded day that is played from `began` on, in the day's own time.

    Its token is empty: whatever could send it anywhere would be refused. A replay alone may ask for it.
    """
    token = Token("", "", NOBODY, began)
    return Session(_PROOF, token, Profile(NOBODY, "a recorded day", broker=""), began)


def expiry_of(login_time: datetime) -> datetime:
    """The first 06:00 IST after a login, in the zone of `login_time`."""
    local = login_time.astimezone(IST)
    death = datetime.combine(local.date(), DEATH_TIME, IST)
    if local >= death:
        death += timedelta(days=1)
    return death.astimezone(login_time.tzinfo)


def trading_day(at: datetime) -> datetime:
    """When the trading day of that moment began: 06:00 IST, when books and tokens begin anew; before it, yesterday's.

    Source: CONTRACT 1.4, 7 (lesson 13).
    """
    local = at.astimezone(IST)
    began = datetime.combine(local.date(), DEATH_TIME, IST)
    return began if local >= began else began - timedelta(days=1)
