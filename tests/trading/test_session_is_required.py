"""Nothing that needs a session can be built without a verified one: not at run time, not past the type checker."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.risk import Limits
from alphapanda_desktop.domain.session import Profile, Session, Token
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.kite.contract import order_from_wire
from alphapanda_desktop.kite.ticker import Ticker
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.paper import PaperBroker
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.trading.scope import Scope
from tests.fakes import NOON, FakeBroker, FakeClock, FakeFeed, FakeHistory, FakeJournal, a_session

CLOCK = FakeClock()
TOKEN = Token("key", "token", "AB1234", NOON)
MASTER = InstrumentMaster([])


def parts():
    market = Market(a_session(), FakeFeed(), FakeHistory(), MASTER, CLOCK)
    scope = Scope("test", lambda name, error: None)
    desk = Desk(a_session(), FakeBroker(), FakeJournal(), market, CLOCK, Limits(), scope, Arming(CLOCK, needed=False))
    return market, scope, desk


MAKERS = {
    "Desk": lambda s, m, scope, desk: Desk(
        s, FakeBroker(), FakeJournal(), m, CLOCK, Limits(), scope, Arming(CLOCK, needed=False)
    ),
    "Market": lambda s, m, scope, desk: Market(s, FakeFeed(), FakeHistory(), MASTER, CLOCK),
    "Runner": lambda s, m, scope, desk: Runner(s, desk, m, FakeJournal(), CLOCK, {}, scope),
    "Ticker": lambda s, m, scope, desk: Ticker(s, CLOCK, order_of=order_from_wire),
    "KiteBroker": lambda s, m, scope, desk: KiteBroker(s, KiteClient("key", clock=CLOCK)),
    "PaperBroker": lambda s, m, scope, desk: PaperBroker(s, m.latest, MASTER, CLOCK, 1e6),
}


class Lookalike:
    """Has everything a Session has, but the proof."""

    token, profile, user_id, expires_at, verified_at = TOKEN, Profile("AB1234", "Asha"), "AB1234", NOON, NOON


def test_a_session_cannot_be_made_by_hand():
    for proof in (None, object(), True):
        with pytest.raises(TypeError, match="made by"):
            Session(proof, TOKEN, Profile("AB1234", "Asha"), NOON)


@pytest.mark.parametrize("name", MAKERS)
@pytest.mark.parametrize("instead", [None, TOKEN, Lookalike(), Session], ids=["None", "token", "lookalike", "class"])
def test_it_cannot_be_built_without_a_session(arun, name, instead):
    async def story():
        with pytest.raises(TypeError, match=f"a {name} needs a verified Session"):
            MAKERS[name](instead, *parts())
        assert MAKERS[name](a_session(), *parts()) is not None

    arun(story())


@pytest.mark.parametrize("name", ["Desk", "Market"])
def test_it_cannot_go_on_without_one_either(arun, name):
    async def story():
        market, _, desk = parts()
        with pytest.raises(TypeError, match="only with a verified Session"):
            if name == "Market":
                market.resume(None)
            else:
                await desk.resume(None)

    arun(story())


SNIPPET = """
from alphapanda_desktop.domain.session import Session, Token
from alphapanda_desktop.kite.broker import KiteBroker
from alphapanda_desktop.kite.client import KiteClient
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.domain.ports import Broker, Clock, Journal
from alphapanda_desktop.domain.risk import Limits

def hope(b: Broker, j: Journal, m: Market, c: Clock, s: Scope, a: Arming, t: Token, k: KiteClient, ok: Session) -> None:
    Desk(ok, b, j, m, c, Limits(), s, a)
    Desk(None, b, j, m, c, Limits(), s, a)
    Desk(t, b, j, m, c, Limits(), s, a)
    KiteBroker(None, k)
"""


def test_the_type_checker_refuses_it(tmp_path: Path):
    snippet = tmp_path / "hope.py"
    snippet.write_text(SNIPPET, encoding="utf-8")
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "mypy", "--config-file", str(root / "pyproject.toml"), "--no-error-summary"]
    done = subprocess.run([*command, str(snippet)], cwd=root, capture_output=True, text=True, timeout=110, check=False)
    first = SNIPPET.splitlines().index("    Desk(None, b, j, m, c, Limits(), s, a)") + 1
    told = [line for line in done.stdout.splitlines() if "hope.py" in line and "error" in line]
    assert len(told) == 3, done.stdout + done.stderr
    refused = ((first, "Desk", "None"), (first + 1, "Desk", "Token"), (first + 2, "KiteBroker", "None"))
    for number, what, given in refused:
        assert any(
            f"hope.py:{number}: error" in line and f'Argument 1 to "{what}"' in line and f'"{given}"' in line
            for line in told
        ), told
