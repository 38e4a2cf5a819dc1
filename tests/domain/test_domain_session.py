"""The proof of a login: only an answered profile makes one."""

from __future__ import annotations

import copy
import pickle
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.errors import SessionEnded
from alphapanda_desktop.domain.session import IST, Profile, Session, Token, expiry_of, recorded, verify
from tests.fakes import NOON, a_session

TOKEN = Token("key", "very-secret", "AB1234", NOON)


def test_a_session_cannot_be_made_by_hand() -> None:
    with pytest.raises(TypeError, match=r"made by domain\.session\.verify alone"):
        Session(object(), TOKEN, Profile("AB1234", "Asha"), NOON)


def test_a_dead_token_makes_no_session() -> None:
    class Kite:
        async def profile(self, token: Token) -> Profile:
            raise SessionEnded("dead")

    with pytest.raises(SessionEnded):
        verify(Kite(), TOKEN, NOON).send(None)


def test_a_session_does_not_leave_its_process() -> None:
    with pytest.raises(TypeError, match="does not leave"):
        pickle.dumps(a_session())
    with pytest.raises(TypeError, match="does not leave"):
        copy.copy(a_session())


def test_neither_token_nor_session_shows_the_secret() -> None:
    assert "very-secret" not in repr(TOKEN) + str(TOKEN)
    assert "token" not in repr(a_session()).lower()


def test_a_recorded_days_session_has_no_token_and_says_so() -> None:
    session = recorded(NOON)
    assert session.is_recorded and not a_session().is_recorded
    assert (session.token.api_key, session.token.access_token) == ("", "")
    assert session.expires_at == expiry_of(NOON)


@pytest.mark.parametrize(
    ("login", "death"),
    [
        ("2026-11-23T09:00", "2026-11-24T06:00"),
        ("2026-11-23T05:59", "2026-11-23T06:00"),
        ("2026-11-23T06:00", "2026-11-24T06:00"),
        ("2026-11-23T23:59", "2026-11-24T06:00"),
        ("2026-12-31T12:00", "2027-01-01T06:00"),
    ],
)
def test_a_login_lives_until_the_next_six_in_the_morning_ist(login: str, death: str) -> None:
    assert expiry_of(datetime.fromisoformat(f"{login}+05:30")) == datetime.fromisoformat(f"{death}+05:30")


@given(st.integers(0, 4_000_000_000))
def test_the_end_is_within_a_day_and_in_the_zone_that_was_asked_in(second: int) -> None:
    login = datetime.fromtimestamp(second, UTC)
    death = expiry_of(login)
    assert 0 < (death - login).total_seconds() <= 86_400
    assert death.tzinfo is UTC
    assert death.astimezone(IST).strftime("%H:%M:%S") == "06:00:00"
