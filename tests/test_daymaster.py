"""The day's instruments: kept for the day, and what is different of what is watched told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from alphapanda_desktop.daymaster import day_master
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.session import Session
from alphapanda_desktop.venues.venue import Venue
from tests.fakes import FakeClock, an_instrument

ANY_SESSION = cast(Session, None)
INFY, SBIN = an_instrument(), an_instrument("SBIN", token=779521)


class Exchange:
    """A venue as far as its instruments go."""

    def __init__(self, mode: str, rows: list[Instrument]) -> None:
        self.mode, self.rows, self.asked = mode, rows, 0
        self.clock = FakeClock()

    async def instruments(self, _session: Session) -> list[Instrument]:
        self.asked += 1
        return self.rows


def _open(
    arun: Callable[..., Any], venue: Exchange, folder: Path, told: list[str], watched: tuple[str, ...] = ()
) -> Any:
    return arun(day_master(cast(Venue, venue), ANY_SESSION, folder, watched, told.append))


def test_the_day_s_list_is_asked_for_once(arun: Callable[..., Any], tmp_path: Path) -> None:
    venue = Exchange("paper", [INFY, SBIN])
    for _ in range(2):
        master = _open(arun, venue, tmp_path, [])
        assert master.by_key(INFY.key) == INFY
    assert venue.asked == 1


def test_the_practice_exchange_is_asked_every_time(arun: Callable[..., Any], tmp_path: Path) -> None:
    venue = Exchange("practice", [INFY])
    for _ in range(2):
        _open(arun, venue, tmp_path, [])
    assert venue.asked == 2 and list(tmp_path.iterdir()) == []


def test_a_changed_lot_of_a_watched_instrument_is_told_the_next_day(arun: Callable[..., Any], tmp_path: Path) -> None:
    venue, told = Exchange("paper", [INFY, SBIN]), list[str]()
    _open(arun, venue, tmp_path, told, (INFY.key,))
    assert told == []
    venue.rows = [replace(INFY, lot_size=75), replace(SBIN, lot_size=75)]
    venue.clock.advance(24 * 3600)
    _open(arun, venue, tmp_path, told, (INFY.key,))
    assert len(told) == 1 and INFY.key in told[0] and "75" in told[0] and SBIN.key not in told[0]


def test_an_empty_list_is_said(arun: Callable[..., Any], tmp_path: Path) -> None:
    with pytest.raises(Fatal, match="came empty"):
        _open(arun, Exchange("practice", []), tmp_path, [])
