"""Live orders are armed by typing, until the session ends, and by nothing else."""

from __future__ import annotations

from datetime import timedelta

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.trading.arming import Arming
from tests.fakes import NOON, FakeClock


def test_practice_and_paper_need_none():
    assert Arming(FakeClock(), needed=False).why_not() == ""


@pytest.mark.parametrize("typed", ["", "live", "LIVE!", "yes"])
def test_only_the_word_arms(typed):
    arming = Arming(FakeClock(), needed=True)
    with pytest.raises(Refused, match="typing LIVE"):
        arming.arm(typed, NOON + timedelta(hours=1))
    assert not arming.armed and "not armed" in arming.why_not()


def test_it_ends_with_the_session_and_when_disarmed():
    clock = FakeClock()
    arming = Arming(clock, needed=True)
    arming.arm(" LIVE ", NOON + timedelta(hours=1))
    assert arming.armed and arming.until == NOON + timedelta(hours=1)
    clock.advance(3600)
    assert not arming.armed and arming.until is None
    arming.arm("LIVE", clock.now() + timedelta(hours=1))
    arming.disarm()
    assert not arming.armed


def test_it_cannot_be_armed_for_a_session_that_is_over():
    arming = Arming(FakeClock(), needed=True)
    with pytest.raises(Refused, match="session is over"):
        arming.arm("LIVE", NOON)
