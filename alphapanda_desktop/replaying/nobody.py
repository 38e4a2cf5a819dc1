"""The session of a recorded market: of nobody, with an empty token that opens nothing anywhere."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from alphapanda_desktop.domain.session import Profile, Session, Token, verify

NOBODY: Final = "REPLAY"
"""Whose session it is, as the books show it."""


class _Recorded:
    """Answers for a recorded market, where nobody can log in."""

    async def profile(self, token: Token) -> Profile:
        return Profile(token.user_id, "a recorded market", broker="RECORDED")


async def nobodys_session(at: datetime) -> Session:
    """A session that lives until 06:00 IST of the recorded day's next morning."""
    return await verify(_Recorded(), Token("", "", NOBODY, at), at)
