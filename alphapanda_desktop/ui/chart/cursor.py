"""The words that go with the crosshair: what is charted, what the bar under the mouse holds."""

from __future__ import annotations

from functools import lru_cache
from typing import Final

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.ui import formats
from alphapanda_desktop.ui.chart.overlay import Word
from alphapanda_desktop.ui.chart.series import CandleSource, CurveSource, Source, TickSource
from alphapanda_desktop.ui.theme import Role

DAY_S: Final = 86_400

CURVES: Final[tuple[Role, ...]] = ("accent", "warn", "unknown", "up")
"""Colours of lines that share a pane, the first one first."""


def caption(instrument: Instrument, interval: str) -> list[Word]:
    """What the chart shows: symbol, exchange, interval."""
    return [Word(instrument.tradingsymbol), Word(instrument.exchange, "muted"), Word(interval, "muted")]


def moment(source: Source, row: int) -> str:
    """When the row began, as finely as its kind of row needs."""
    if isinstance(source, CandleSource):
        return _bar_moment(source.series.columns.start_s.item(row), source.series.interval.seconds >= DAY_S)
    at_s = float(source.times(row, row + 1)[0])
    return formats.ist_moment(at_s) if isinstance(source, CurveSource) else formats.ist_time(at_s)


# The bar that is spoken of moves with each tick, most of its words do not.


@lru_cache(64)
def _bar_moment(at_s: float, is_day: bool) -> str:
    return formats.ist_day(at_s) if is_day else formats.ist_moment(at_s)


@lru_cache(256)
def _price(price: float, decimals: int) -> str:
    return formats.price(price, decimals)


def readout(source: Source, row: int, decimals: int, rising: Role = "up", falling: Role = "down") -> list[Word]:
    """Time and values of one row; empty where there is no such row."""
    if not source.first <= row < source.end:
        return []
    when = Word(moment(source, row), "muted")
    if isinstance(source, CandleSource):
        return [when, *_candle_words(source, row, decimals, rising, falling)]
    if isinstance(source, CurveSource):
        return [when, *(Word(one.text_of(one.price_of(row)), role) for one, role in _curves(source))]
    if isinstance(source, TickSource):
        volume = int(source.series.volume[row - source.first])
        return [when, Word(formats.price(source.price_of(row), decimals)), *_volume_words(volume)]
    return []


def _curves(source: CurveSource) -> list[tuple[CurveSource, Role]]:
    return list(zip((source, *source.beside), CURVES, strict=False))


def _candle_words(source: CandleSource, row: int, decimals: int, rising: Role, falling: Role) -> list[Word]:
    bars = source.series.columns
    start, close = bars.open.item(row), bars.close.item(row)
    role = rising if close >= start else falling
    words: list[Word] = []
    for name, price in zip(_NAMES, (start, bars.high.item(row), bars.low.item(row), close), strict=True):
        words += (name, Word(_price(price, decimals), role))
    words += _volume_words(bars.volume.item(row))
    if row > 0 and (before := bars.close.item(row - 1)):
        words.append(Word(_change(close, before), rising if close >= before else falling))
    if any(first <= row < end for first, end in source.gaps()):
        words.append(Word("trades may be missing", "warn"))
    return words


@lru_cache(256)
def _change(close: float, before: float) -> str:
    return formats.percent((close - before) * 100 / before)


_NAMES: Final = tuple(Word(name, "muted") for name in "OHLC")
_VOLUME: Final = Word("V", "muted")


def _volume_words(volume: int) -> list[Word]:
    return [_VOLUME, Word(formats.volume(volume))] if volume else []
