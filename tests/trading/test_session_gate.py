"""The gate opens once, closes once, and never stays shut for good."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from alphapanda_desktop.domain.errors import Fatal, LoginFailed, Offline, SessionEnded
from alphapanda_desktop.domain.session import Profile, Token, expiry_of, recorded
from alphapanda_desktop.trading.session import ACCESS_TOKEN, GateState, SessionGate
from alphapanda_desktop.trading.tokens import token_from_text, token_to_text
from tests.e2e.headless import MemoryVault
from tests.fakes import FakeClock, FakeJournal, a_session
from tests.trading.desk_fakes import FULL_DISK, yields


class FakeLogin:
    """Kite's login, with answers that can be held back or refused."""

    redirect_url = "http://127.0.0.1:5599/"

    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.answers = asyncio.Event()
        self.answers.set()
        self.user_id = "AB1234"
        self.dead: set[str] = set()
        self.fails: Exception | None = None
        self.exchanged: list[str] = []
        self.ended: list[str] = []
        self.asked = 0

    def login_url(self) -> str:
        return "http://127.0.0.1/connect/login"

    def request_token_of(self, address: str) -> str:
        if not address:
            raise LoginFailed("no request_token")
        return address

    async def exchange(self, request_token: str) -> Token:
        self.exchanged.append(request_token)
        if self.fails is not None:
            raise self.fails
        return Token("key", f"token of {request_token}", self.user_id, self.clock.now())

    async def profile(self, token: Token) -> Profile:
        self.asked += 1
        answers = self.answers
        await answers.wait()
        if token.access_token in self.dead:
            raise SessionEnded("Incorrect `api_key` or `access_token`.")
        if self.fails is not None:
            raise self.fails
        return Profile(token.user_id, "Asha Rao")

    async def log_out(self, token: Token) -> None:
        self.ended.append(token.access_token)


class Gate:
    """A gate with its fakes; `stored` is a token in the vault."""

    def __init__(self, *, stored: bool = False) -> None:
        self.clock, self.journal, self.vault = FakeClock(), FakeJournal(), MemoryVault()
        self.login = FakeLogin(self.clock)
        if stored:
            token = Token("key", "old", "AB1234", self.clock.now() - timedelta(hours=2))
            self.vault.secrets[ACCESS_TOKEN] = token_to_text(token)
        self.gate = SessionGate(self.login, self.vault, self.journal, self.clock)
        self.opened: list[str] = []
        self.gate.opened.connect(lambda session: self.opened.append(session.token.access_token))


def test_a_stored_token_that_kite_honours_is_used_without_asking(arun):
    async def story():
        g = Gate(stored=True)
        await g.gate.restore()
        assert g.gate.state is GateState.OPEN and g.opened == ["old"]
        again = SessionGate(g.login, g.vault, g.journal, g.clock)
        await again.restore()
        assert len(g.journal.session_rows) == 1  # one login is one row, over restarts

    arun(story())


@pytest.mark.parametrize("text", ["", "garbage", "[1, 2]", '["k", "t", "u", "2026-11-23T10:00:00"]', "null"])
def test_what_is_no_token_asks_for_a_login(arun, text):
    async def story():
        g = Gate()
        g.vault.secrets[ACCESS_TOKEN] = text
        await g.gate.restore()
        assert g.gate.state is GateState.LOGIN_NEEDED and g.login.asked == 0

    arun(story())


def test_a_token_survives_the_vault():
    token = Token("key", "secret", "AB1234", FakeClock().now())
    assert token_from_text(token_to_text(token)) == token


def test_a_token_past_six_in_the_morning_is_not_even_tried(arun):
    async def story():
        g = Gate(stored=True)
        g.clock.at = expiry_of(g.clock.at) + timedelta(seconds=1)
        await g.gate.restore()
        assert g.gate.state is GateState.LOGIN_NEEDED and g.login.asked == 0
        assert ACCESS_TOKEN not in g.vault.secrets

    arun(story())


def test_a_dead_token_is_tried_once_and_forgotten(arun):
    async def story():
        g = Gate(stored=True)
        g.login.dead.add("old")
        await g.gate.restore()
        assert g.gate.state is GateState.LOGIN_NEEDED and g.login.asked == 1
        assert ACCESS_TOKEN not in g.vault.secrets

    arun(story())


def test_without_a_network_the_token_is_kept_and_tried_again(arun):
    async def story():
        g = Gate(stored=True)
        g.login.fails = Offline("no network")
        await g.gate.restore()
        assert g.gate.state is GateState.OFFLINE and ACCESS_TOKEN in g.vault.secrets
        g.login.fails = None
        await g.gate.retry()
        assert g.gate.state is GateState.OPEN

    arun(story())


@pytest.mark.parametrize("stored_is_dead", [True, False])
def test_a_login_by_hand_overtakes_the_check_of_the_stored_token(arun, stored_is_dead):
    async def story():
        g = Gate(stored=True)
        g.login.answers.clear()
        checking = asyncio.gather(g.gate.restore())
        await yields()
        held, g.login.answers = g.login.answers, asyncio.Event()
        g.login.answers.set()
        await g.gate.complete("new")
        if stored_is_dead:
            g.login.dead.add("old")  # a login kills the token before it
        held.set()
        await checking
        assert g.opened == ["token of new"] and g.gate.state is GateState.OPEN
        assert "token of new" in g.vault.secrets[ACCESS_TOKEN]

    arun(story())


@pytest.mark.parametrize("error", [Offline("no network"), SessionEnded("dead"), LoginFailed("checksum"), Fatal("disk")])
def test_a_login_that_fails_can_be_tried_again(arun, error):
    async def story():
        g = Gate()
        g.login.fails = error
        with pytest.raises((Offline, LoginFailed, Fatal)):
            await g.gate.complete("first")
        assert g.gate.state is GateState.LOGIN_NEEDED and g.gate.detail
        g.login.fails = None
        await g.gate.complete("second")
        assert g.gate.state is GateState.OPEN

    arun(story())


def test_a_full_disk_and_a_cancelled_login_do_not_shut_the_gate_for_good(arun):
    async def story():
        g = Gate()
        g.journal.fails = FULL_DISK
        with pytest.raises(Fatal):
            await g.gate.complete("first")
        assert g.gate.state is GateState.LOGIN_NEEDED
        g.journal.fails = None
        g.login.answers.clear()
        waiting = asyncio.create_task(g.gate.complete("second"))
        await yields()
        assert g.gate.state is GateState.EXCHANGING
        waiting.cancel()
        await asyncio.wait({waiting})
        g.login.answers.set()
        await g.gate.complete("third")
        assert g.gate.state is GateState.OPEN

    arun(story())


def test_a_redirect_that_comes_twice_is_exchanged_once(arun):
    async def story():
        g = Gate()
        await asyncio.gather(g.gate.complete("ticket"), g.gate.complete("ticket"))
        assert g.login.exchanged == ["ticket"] and g.opened == ["token of ticket"]

    arun(story())


def test_an_end_is_told_once_and_closes_its_own_row(arun):
    async def story():
        g = Gate()
        await g.gate.complete("one")
        said = []
        g.gate.changed.connect(lambda: said.append(g.gate.state))
        await asyncio.gather(g.gate.ended("403"), g.gate.ended("feed refused"))
        assert said == [GateState.ENDED] and ACCESS_TOKEN not in g.vault.secrets
        await g.gate.complete("two")
        assert [row.ended_how for row in g.journal.session_rows] == ["403", ""]

    arun(story())


def test_nobody_else_can_log_in_where_someone_has_books_open(arun):
    async def story():
        g = Gate()
        await g.gate.complete("one")
        await g.gate.ended("06:00")
        g.login.user_id = "ZZ9999"
        with pytest.raises(LoginFailed, match="belongs to AB1234, and ZZ9999 logged in"):
            await g.gate.complete("two")
        assert g.gate.session is None and g.opened == ["token of one"] and ACCESS_TOKEN not in g.vault.secrets
        g.login.user_id = "AB1234"
        await g.gate.complete("three")
        assert g.opened == ["token of one", "token of three"]

    arun(story())


def test_log_out_ends_it_at_kite(arun):
    async def story():
        g = Gate()
        await g.gate.complete("one")
        await g.gate.log_out()
        assert g.login.ended == ["token of one"] and g.gate.session is None

    arun(story())


def test_whoever_waits_gets_the_next_session_not_a_dead_one(arun):
    async def story():
        g = Gate()
        await g.gate.complete("one")
        await g.gate.ended("403")
        waiting = asyncio.create_task(g.gate.wait_open())
        await yields()
        assert not waiting.done()
        await g.gate.complete("two")
        assert (await waiting).token.access_token == "token of two"

    arun(story())


def test_at_six_the_watch_ends_the_session_and_outlives_a_full_disk(arun, eventually):
    async def story():
        g = Gate()
        await g.gate.complete("one")
        g.clock.at = g.gate.session.expires_at
        g.journal.fails = FULL_DISK
        watch = asyncio.create_task(g.gate.watch())
        await eventually(lambda: "disk is full" in g.gate.detail)
        assert g.gate.session is None and not watch.done()
        assert g.gate.seconds_left() is None
        watch.cancel()
        await asyncio.wait({watch})

    arun(story())


def test_a_recorded_day_opens_without_a_login_and_leaves_no_token(arun):
    async def story():
        g = Gate()
        await g.gate.admit_recorded(recorded(g.clock.now()))
        assert (await g.gate.wait_open()).is_recorded
        assert g.gate.state is GateState.OPEN and not g.vault.secrets and not g.login.asked

    arun(story())


def test_no_other_session_opens_the_gate_unverified(arun):
    async def story():
        g = Gate()
        with pytest.raises(Fatal, match="has a token"):
            await g.gate.admit_recorded(a_session())
        assert g.gate.session is None

    arun(story())
