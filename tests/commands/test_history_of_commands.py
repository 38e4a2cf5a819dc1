"""Candles that a command asks for: of a practice exchange without a window, and not without a login."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from keyring.backend import KeyringBackend

from alphapanda_desktop.commands.history import Profile, candles_of
from alphapanda_desktop.domain.errors import BadData, SessionEnded
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.session import Token
from alphapanda_desktop.store.vault import SAFE
from alphapanda_desktop.sweeps.bars import load
from alphapanda_desktop.sweeps.past import interval_for, refer_past, series_of_past
from alphapanda_desktop.trading.tokens import token_to_text

LAST = datetime.now(UTC).date() - timedelta(days=1)
FIRST = LAST - timedelta(days=30)


def test_practice_candles_come_from_an_exchange_of_the_commands_own_and_then_from_the_disk(tmp_path: Path):
    profile, said = Profile("practice", data_dir=tmp_path), list[str]()
    (one,) = candles_of(["NSE:INFY"], Interval.MINUTE_15, FIRST, LAST, profile, said.append)
    (other,) = candles_of(["NSE:INFY"], Interval.MINUTE_15, FIRST, LAST, profile, said.append)
    assert one.fetched == 1 and other.fetched == 0 and "1 of 1 pages" in said[0]
    assert len(one.table.start_s) > 15 * 20 and (one.table.close == other.table.close).all()
    series = load(refer_past(one, tmp_path / "bars")).checked()
    assert series.seconds == 900 and len(series) == len(one.table.start_s)


def test_a_days_candle_begins_when_the_exchange_opens(tmp_path: Path):
    profile = Profile("practice", data_dir=tmp_path)
    (past,) = candles_of(["NSE:INFY"], Interval.DAY, FIRST, LAST, profile, lambda _: None)
    starts = series_of_past(past).start_s
    assert len(starts) and set((starts + 19_800) % 86_400) == {9 * 3600 + 15 * 60}


def test_a_name_that_is_no_instrument_is_told(tmp_path: Path):
    with pytest.raises(BadData, match="NSE:NOBODY is no instrument today"):
        candles_of(["NSE:NOBODY"], Interval.DAY, FIRST, LAST, Profile("practice", data_dir=tmp_path), lambda _: None)


def test_without_a_keyring_the_window_is_the_way_out(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    with pytest.raises(SessionEnded, match=r"no keyring that keeps secrets safe\. Run it in the window"):
        candles_of(["NSE:INFY"], Interval.DAY, FIRST, LAST, Profile(data_dir=tmp_path), lambda _: None)
    assert caplog.messages == []


def test_without_a_login_nothing_is_asked_and_the_way_out_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(SAFE, __name__, "the test's keyring")
    monkeypatch.setattr("keyring.get_keyring", OneLogin)
    with pytest.raises(SessionEnded, match="Nobody is logged in to Kite in live or paper mode: open AlphaPanda"):
        candles_of(["NSE:INFY"], Interval.DAY, FIRST, LAST, Profile(data_dir=tmp_path), lambda _: None)
    monkeypatch.setattr(OneLogin, "held", yesterdays_login())
    with pytest.raises(SessionEnded, match="in paper mode"):
        candles_of(["NSE:INFY"], Interval.DAY, FIRST, LAST, Profile("paper", data_dir=tmp_path), lambda _: None)


class OneLogin(KeyringBackend):
    """A keyring in which every name stands for the same thing."""

    held: str | None = None

    def get_password(self, _service: str, _name: str) -> str | None:
        return self.held

    def set_password(self, _service: str, _name: str, _secret: str) -> None:
        raise AssertionError("a command only reads")

    def delete_password(self, _service: str, _name: str) -> None:
        raise AssertionError("a command only reads")


def yesterdays_login() -> str:
    return token_to_text(Token("abcd1234", "secret", "AB1234", datetime.now(UTC) - timedelta(days=2)))


def test_the_longest_candles_that_fit_are_asked_for():
    assert [interval_for(seconds) for seconds in (60, 120, 900, 1_800, 7_200, 86_400)] == [
        Interval.MINUTE, Interval.MINUTE, Interval.MINUTE_15, Interval.MINUTE_15, Interval.MINUTE_60, Interval.DAY,
    ]  # fmt: skip
    with pytest.raises(BadData, match="30 s"):
        interval_for(30)
