"""Kite's binary market data, both ways: frames ⇄ packets ⇄ ticks. Bytes in, ticks out; no input or output.

A packet's length alone decides its type; whatever else the bytes say, decoding never raises.
Prices are signed on the wire, everything else is unsigned.  Source: CONTRACT 4.3–4.7.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, MutableMapping, Sequence
from struct import Struct
from typing import Final

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import PRICE_DIVISORS, SEGMENT_INDICES, price_divisor, segment_of
from alphapanda_desktop.domain.market import Mode, Ohlc, Tick

Bytes = bytes | bytearray | memoryview
Problems = MutableMapping[str, int]
"""What was dropped, in words without values of the market, and how often."""

HEARTBEAT: Final = b"\x00"
"""A frame of one byte: the link lives and there is nothing to say."""

LTP_SIZE: Final = 8
INDEX_QUOTE_SIZE: Final = 28
INDEX_FULL_SIZE: Final = 32
QUOTE_SIZE: Final = 44
FULL_SIZE: Final = 184

_WORD: Final = 0xFFFF_FFFF
_COUNT: Final = Struct(">H")
_LTP: Final = Struct(">Ii")
_INDEX_QUOTE: Final = Struct(">I6i")
_INDEX_FULL: Final = Struct(">I6iI")
_QUOTE: Final = Struct(">IiIi3I4i")
_FULL: Final = Struct(">IiIi3I4i5I")
_DEPTH: Final = Struct(">" + "IiH2x" * 10)

# Reading a member off an enum class costs 0.1 µs under 3.11, a twentieth of the whole decode.
_MODE_LTP: Final = Mode.LTP
_MODE_QUOTE: Final = Mode.QUOTE
_MODE_FULL: Final = Mode.FULL

_read_count: Final = _COUNT.unpack_from
_read_ltp: Final = _LTP.unpack_from
_read_index_quote: Final = _INDEX_QUOTE.unpack_from
_read_index_full: Final = _INDEX_FULL.unpack_from
_read_quote: Final = _QUOTE.unpack_from
_read_full: Final = _FULL.unpack_from
_read_depth: Final = _DEPTH.unpack_from
_divisor_of: Final = PRICE_DIVISORS.get


def decode_frame(frame: Bytes, received_ns: int, problems: Problems | None = None) -> list[Tick]:
    """Ticks of one websocket message; what cannot be read is left out and counted in `problems`.

    `received_ns` is epoch nanoseconds. A heartbeat holds no ticks.
    """
    size, ticks = len(frame), list[Tick]()
    if size < 2:
        return ticks
    at = 2
    for _ in range(_read_count(frame)[0]):
        start = at + 2
        if start > size:
            _count(problems, "frame ends before its last packet")
            return ticks
        length = _read_count(frame, at)[0]
        at = start + length
        if at > size:
            _count(problems, "frame ends within a packet")
            return ticks
        decode = _DECODERS.get(length)
        if decode is None:
            _count(problems, f"packet of unknown length {length}")
        else:
            ticks.append(decode(frame, start, received_ns))
    if at < size:
        _count(problems, "frame goes on after its last packet")
    return ticks


def decode_packet(packet: Bytes, received_ns: int) -> Tick | None:
    """Tick of one packet without framing; None for a length that is no packet's."""
    decode = _DECODERS.get(len(packet))
    return decode(packet, 0, received_ns) if decode else None


def _count(problems: Problems | None, what: str) -> None:
    if problems is not None:
        problems[what] = problems.get(what, 0) + 1


# Ticks are built by position, in the order of domain.market.Tick: by keyword costs half as much again,
# and this runs for every tick of every instrument.


def _ltp(data: Bytes, at: int, now: int) -> Tick:
    token, last = _read_ltp(data, at)
    divisor = _divisor_of(token & 0xFF, 100)
    tick = Tick(token, _MODE_LTP, last / divisor, now, token & 0xFF != SEGMENT_INDICES)
    tick.divisor = divisor
    return tick


def _index_quote(data: Bytes, at: int, now: int) -> Tick:
    token, last, high, low, open_, close, _change = _read_index_quote(data, at)
    return _index(token, last, now, (open_, high, low, close))


def _index_full(data: Bytes, at: int, now: int) -> Tick:
    token, last, high, low, open_, close, _change, sent = _read_index_full(data, at)
    tick = _index(token, last, now, (open_, high, low, close))
    tick.mode, tick.exchange_epoch_s = _MODE_FULL, sent
    return tick


def _index(token: int, last: int, now: int, ohlc: tuple[int, int, int, int]) -> Tick:
    d = _divisor_of(token & 0xFF, 100)
    tick = Tick(token, _MODE_QUOTE, last / d, now, token & 0xFF != SEGMENT_INDICES)
    tick.ohlc, tick.divisor = Ohlc(*[price / d for price in ohlc]), d
    return tick


def _quote(data: Bytes, at: int, now: int) -> Tick:
    token, last, quantity, average, volume, buy, sell, open_, high, low, close = _read_quote(data, at)
    segment = token & 0xFF
    d = _divisor_of(segment, 100)
    return Tick(
        token, _MODE_QUOTE, last / d, now, segment != SEGMENT_INDICES, quantity, average / d, volume, buy, sell,
        Ohlc(open_ / d, high / d, low / d, close / d), None, None, None, 0, 0, None, d,
    )  # fmt: skip


def _full(data: Bytes, at: int, now: int) -> Tick:
    (
        token, last, quantity, average, volume, buy, sell,
        open_, high, low, close, traded, oi, oi_high, oi_low, sent,
    ) = _read_full(data, at)  # fmt: skip
    segment = token & 0xFF
    d = _divisor_of(segment, 100)
    return Tick(
        token, _MODE_FULL, last / d, now, segment != SEGMENT_INDICES, quantity, average / d, volume, buy, sell,
        Ohlc(open_ / d, high / d, low / d, close / d), oi, oi_high, oi_low, sent, traded,
        _read_depth(data, at + 64), d,
    )  # fmt: skip


_DECODERS: Final[dict[int, Callable[[Bytes, int, int], Tick]]] = {
    LTP_SIZE: _ltp,
    INDEX_QUOTE_SIZE: _index_quote,
    INDEX_FULL_SIZE: _index_full,
    QUOTE_SIZE: _quote,
    FULL_SIZE: _full,
}


def encode_frame(packets: Sequence[bytes]) -> bytes:
    """One websocket message of these packets, in their order; raises BadData past 65,535 of them."""
    if len(packets) > 0xFFFF:
        raise BadData(f"{len(packets)} packets do not fit one frame: 65,535 do")
    return _COUNT.pack(len(packets)) + b"".join([_COUNT.pack(len(p)) + p for p in packets])


def encode_packet(tick: Tick, mode: Mode) -> bytes:
    """The packet in which Kite sends this tick to a subscriber of that mode.

    What the tick does not carry is sent as 0; volumes past 32 bits wrap, as they do at Kite.
    `raw_depth` is sent as it is, so its prices must already be on the instrument's divisor.
    Raises BadData for a price that 32 bits do not hold.
    """
    try:
        return _pack(tick, mode)
    except struct.error as error:
        raise BadData(f"token {tick.instrument_token}: a price or token does not fit 32 bits ({error})") from None


def _pack(tick: Tick, mode: Mode) -> bytes:
    token, divisor = tick.instrument_token, price_divisor(tick.instrument_token)
    last = round(tick.last_price * divisor)
    if mode is Mode.LTP:
        return _LTP.pack(token, last)
    open_, high, low, close = [round(price * divisor) for price in tick.ohlc or (0.0, 0.0, 0.0, 0.0)]
    if segment_of(token) == SEGMENT_INDICES:
        words = (token, last, high, low, open_, close, last - close)
        return _INDEX_QUOTE.pack(*words) if mode is Mode.QUOTE else _INDEX_FULL.pack(*words, tick.exchange_epoch_s)
    average = round((tick.average_traded_price or 0.0) * divisor)
    volume, buy, sell = _words(tick.volume_traded, tick.total_buy_quantity, tick.total_sell_quantity)
    (quantity,) = _words(tick.last_traded_quantity)
    quote = _QUOTE.pack(token, last, quantity, average, volume, buy, sell, open_, high, low, close)
    return quote if mode is Mode.QUOTE else quote + _pack_rest_of_full(tick)


_REST: Final = Struct(">5I")
_NO_DEPTH: Final = (0,) * 30


def _pack_rest_of_full(tick: Tick) -> bytes:
    times_and_oi = _words(tick.last_trade_epoch_s, tick.oi, tick.oi_day_high, tick.oi_day_low, tick.exchange_epoch_s)
    return _REST.pack(*times_and_oi) + _DEPTH.pack(*(tick.raw_depth or _NO_DEPTH))


def _words(*values: int | None) -> list[int]:
    return [(value or 0) & _WORD for value in values]
