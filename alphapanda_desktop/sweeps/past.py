"""Kite's candles as the bars that a backtest plays, and which candles to ask for."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np

from alphapanda_desktop.backtest.series import DAY_S, IST_S, OPEN_S, Ints, Series
from alphapanda_desktop.domain.calendar import session_on
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.market import BarSize, Interval, history_of
from alphapanda_desktop.store.history import Past
from alphapanda_desktop.sweeps.bars import DataRef, keep


def interval_for(seconds: int) -> Interval:
    """The longest candles of Kite's that make bars of so many seconds. Raises BadData where none do."""
    made = history_of(BarSize(seconds))
    if made is None:
        raise BadData(f"bars of {seconds} s cannot be made of Kite's candles, whose shortest are of 60 s")
    return made


def series_of_past(past: Past) -> Series:
    """Its candles as a backtest's bars; a day's begins at that day's open. Raises BadData where there are none."""
    table = past.table
    if not len(table.start_s):
        raise BadData(f"{past.instrument.key}: Kite has no candles from {past.first} to {past.last}")
    starts = _opens(past.instrument.exchange, table.start_s) if past.interval is Interval.DAY else table.start_s
    return Series(
        past.instrument, past.interval.seconds, starts, table.open, table.high, table.low, table.close, table.volume
    )


def refer_past(past: Past, folder: Path) -> DataRef:
    """A reference to its bars, written to `folder` once. Raises BadData without candles, OSError for the disk."""
    return keep(series_of_past(past), folder)


def _opens(exchange: str, start_s: Ints) -> Ints:
    return np.array([_open_s(exchange, int(number)) for number in (start_s + IST_S) // DAY_S], np.int64)


def _open_s(exchange: str, number: int) -> int:
    session = session_on(exchange, date(1970, 1, 1) + timedelta(days=number))
    return int(session.open.timestamp()) if session else number * DAY_S - IST_S + OPEN_S
