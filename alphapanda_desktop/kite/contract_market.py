"""Quotes, the instrument master and candles: REST's other names for a tick's fields are translated here, once.

Source: CONTRACT 2.10-2.11 and 4.7 (kite.trade/docs/connect/v3/market-quotes, /historical).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from typing import Annotated, Any, Final
from urllib.parse import quote_plus

from pydantic import Field

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import SEGMENT_INDICES, price_divisor, segment_of
from alphapanda_desktop.domain.market import Bar, Interval, Mode, Ohlc, Tick
from alphapanda_desktop.kite.contract_wire import Float, Int, When, Wire, parse, parse_map

MAX_DAYS: Final[dict[str, int]] = {
    "minute": 60,
    "3minute": 100,
    "5minute": 100,
    "10minute": 100,
    "15minute": 200,
    "30minute": 200,
    "60minute": 400,
    "day": 2000,
}
"""Most days that one request for candles may span, by interval. Source: CONTRACT 2.11."""

MAX_KEYS: Final[dict[str, int]] = {"/quote": 500, "/quote/ohlc": 1000, "/quote/ltp": 1000}
"""Most instruments that one request for quotes may name. Source: CONTRACT 2.10."""

MAX_QUERY: Final = 6000
"""Most characters of a query that names instruments: servers in between refuse addresses beyond 8 KB with HTML."""

LEVELS: Final = 5


class OhlcRow(Wire):
    """Open, high, low of the day and the previous close."""

    open: Float = 0.0
    high: Float = 0.0
    low: Float = 0.0
    close: Float = 0.0


class LevelRow(Wire):
    """One price level of the market depth; zeros where there is none."""

    price: Annotated[Float, Field(ge=-1e12, le=1e12)] = 0.0
    quantity: Int = 0
    orders: Int = 0


class DepthRow(Wire):
    """Best bids (`buy`) and offers (`sell`), best first."""

    buy: tuple[LevelRow, ...] | None = ()
    sell: tuple[LevelRow, ...] | None = ()


class QuoteRow(Wire):
    """A snapshot of /quote, /quote/ohlc or /quote/ltp, under REST's names. Source: CONTRACT 2.10.

    The official ticker samples carry the same old names, and `mode` and `tradable` besides.
    """

    instrument_token: int
    last_price: Float = 0.0
    mode: str | None = None
    tradable: bool | None = None
    timestamp: When = None
    last_trade_time: When = None
    last_quantity: int | None = None
    buy_quantity: int | None = None
    sell_quantity: int | None = None
    volume: int | None = None
    average_price: float | None = None
    oi: float | None = None
    oi_day_high: float | None = None
    oi_day_low: float | None = None
    net_change: float | None = None
    lower_circuit_limit: float | None = None
    upper_circuit_limit: float | None = None
    ohlc: OhlcRow | None = None
    depth: DepthRow | None = None

    def tick(self, received_ns: int = 0) -> Tick:
        """The snapshot as a tick, under the ticker's names; an index keeps no volume and no depth."""
        trades = segment_of(self.instrument_token) != SEGMENT_INDICES
        tick = Tick(self.instrument_token, self._mode(), self.last_price, received_ns, tradable=trades)
        tick.ohlc = Ohlc(self.ohlc.open, self.ohlc.high, self.ohlc.low, self.ohlc.close) if self.ohlc else None
        tick.divisor = price_divisor(self.instrument_token)
        tick.exchange_epoch_s = int(self.timestamp.timestamp()) if self.timestamp else 0
        if trades:
            self._put_trading(tick)
        return tick

    def _put_trading(self, tick: Tick) -> None:
        tick.last_traded_quantity = self.last_quantity
        tick.average_traded_price = self.average_price
        tick.volume_traded = self.volume
        tick.total_buy_quantity = self.buy_quantity
        tick.total_sell_quantity = self.sell_quantity
        tick.oi = _whole(self.oi)
        tick.oi_day_high = _whole(self.oi_day_high)
        tick.oi_day_low = _whole(self.oi_day_low)
        tick.last_trade_epoch_s = int(self.last_trade_time.timestamp()) if self.last_trade_time else 0
        tick.raw_depth = _depth_words(self.depth, tick.divisor) if self.depth else None

    def _mode(self) -> Mode:
        if self.depth is not None or self.timestamp is not None:
            return Mode.FULL
        return Mode.QUOTE if self.ohlc is not None else Mode.LTP


def _whole(value: float | None) -> int | None:
    return None if value is None else int(value)


def _depth_words(depth: DepthRow, divisor: int) -> tuple[int, ...]:
    words: list[int] = []
    for side in (depth.buy or (), depth.sell or ()):
        levels = [*side[:LEVELS], *[LevelRow()] * (LEVELS - len(side))]
        for level in levels:
            words += (level.quantity, round(level.price * divisor), level.orders)
    return tuple(words)


def quote_from_wire(row: Mapping[str, Any], received_ns: int = 0) -> Tick:
    """One snapshot as a tick with Kite's ticker names. Raises BadData."""
    return parse(QuoteRow, row, "quote").tick(received_ns)


def quotes_from_wire(data: object, received_ns: int = 0) -> dict[str, Tick]:
    """Snapshots by the key they were asked with; what Kite does not know is absent. Raises BadData."""
    return {key: row.tick(received_ns) for key, row in parse_map(QuoteRow, data, "quotes").items()}


def quote_batches(keys: Iterable[str], most: int) -> Iterator[list[str]]:
    """The keys in batches that one request for quotes may name, by count and by length of its address."""
    batch: list[str] = []
    length = 0
    for key in keys:
        size = len(quote_plus(key)) + len("i=&")
        if batch and (len(batch) == most or length + size > MAX_QUERY):
            yield batch
            batch, length = [], 0
        batch.append(key)
        length += size
    if batch:
        yield batch


class TriggerRange(Wire):
    """Allowed trigger prices of a cover order, in rupees. Source: the official sample trigger_range."""

    instrument_token: Int = 0
    lower: Float = 0.0
    upper: Float = 0.0
    percentage: Float = 0.0


class Candles(Wire):
    """Rows of [time, open, high, low, close, volume] and, where asked, open interest. Source: CONTRACT 2.11."""

    candles: tuple[tuple[Any, ...], ...] = ()


def bars_from_candles(data: object, interval: Interval, now_s: float) -> list[Bar]:
    """Bars of a historical answer, as it came; the one that still runs at `now_s` is marked not closed.

    Raises BadData with the row's number.
    """
    rows = parse(Candles, data, "candles").candles
    ended_s = now_s - interval.seconds
    return [_bar(row, k, ended_s) for k, row in enumerate(rows)]


def _bar(row: Sequence[Any], number: int, ended_s: float) -> Bar:
    try:
        start_s = int(datetime.fromisoformat(row[0]).timestamp())
        prices = (float(row[1]), float(row[2]), float(row[3]), float(row[4]))
        if not all(map(isfinite, prices)):
            raise ValueError
        oi = int(row[6]) if len(row) > 6 else 0
        return Bar(start_s, *prices, int(row[5]), oi, start_s <= ended_s)
    except (TypeError, ValueError, IndexError, OverflowError):
        raise BadData(f"candles[{number}] is {list(row)!r:.120}: [time, o, h, l, c, volume] expected") from None


def candle_pages(start: datetime, end: datetime, interval: Interval) -> list[tuple[datetime, datetime]]:
    """Spans that Kite allows in one request each, together start to end, oldest first, with no second asked twice.

    Kite's `from` and `to` are whole seconds and both included.
    """
    start, end = start.replace(microsecond=0), end.replace(microsecond=0)
    span = timedelta(days=MAX_DAYS[interval]) - timedelta(seconds=1)
    pages: list[tuple[datetime, datetime]] = []
    while start <= end:
        stop = min(start + span, end)
        pages.append((start, stop))
        start = stop + timedelta(seconds=1)
    return pages
