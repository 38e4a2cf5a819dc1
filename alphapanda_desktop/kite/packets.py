"""Kite's binary market data, both ways: frames ⇄ packets ⇄ ticks. Bytes in, ticks out; no input or output.

A packet's length alone decides its type; whatever else the bytes say, decoding never raises.
Prices are signed on the wire, everything else is unsigned.  Source: CONTRACT 4.3–4.7.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterable, Iterator, MutableMapping, Sequence
from dataclasses import fields
from struct import Struct
from typing import Final

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import PRICE_DIVISORS, SEGMENT_INDICES, price_divisor, segment_of
from alphapanda_desktop.domain.market import Depth, Mode, Ohlc, Tick, depth_of

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
_STEP: Final = FULL_SIZE + 2

_WORD: Final = 0xFFFF_FFFF
_COUNT: Final = Struct(">H")
_LTP: Final = Struct(">Ii")
_INDEX_QUOTE: Final = Struct(">I6i")
_INDEX_FULL: Final = Struct(">I6iI")
_QUOTE: Final = Struct(">IiIi3I4i")
_REST: Final = Struct(">5I")
_HOT_OF_QUOTE: Final = Struct(">Ii8xI")
_HOT_OF_FULL: Final = Struct(">Ii8xI40xI")
_HOT_OF_FRAME: Final = Struct(">2xIi8xI40xI120x")
_PACKET_OF_FRAME: Final = Struct(f">2x{FULL_SIZE}s")
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
_read_rest: Final = _REST.unpack_from
_read_hot_of_quote: Final = _HOT_OF_QUOTE.unpack_from
_read_hot_of_full: Final = _HOT_OF_FULL.unpack_from
_read_depth: Final = _DEPTH.unpack_from
_divisor_of: Final = PRICE_DIVISORS.get


def decode_frame(frame: Bytes, received_ns: int, problems: Problems | None = None) -> list[Tick]:
    """Ticks of one websocket message; what cannot be read is left out and counted in `problems`.

    `received_ns` is epoch nanoseconds. A heartbeat holds no ticks.
    """
    frame = bytes(frame)  # ticks keep pieces of it, and a buffer may be used again
    size = len(frame)
    ticks: list[Tick] = []
    if size < 2:
        return ticks
    at = 2
    count: int = _read_count(frame)[0]
    if (
        count > 1
        and size == 2 + count * _STEP
        and frame[2::_STEP].count(0) == frame[3::_STEP].count(FULL_SIZE) == count
    ):
        return _all_full(frame, received_ns)
    for _ in range(count):
        start = at + 2
        if start > size:
            count_problem(problems, "frame ends before its last packet")
            return ticks
        length = _read_count(frame, at)[0]
        at = start + length
        if at > size:
            count_problem(problems, "frame ends within a packet")
            return ticks
        decode = DECODERS.get(length)
        if decode is None:
            count_problem(problems, f"packet of unknown length {length}")
        else:
            ticks.append(decode(frame, start, received_ns))
    if at < size:
        count_problem(problems, "frame goes on after its last packet")
    return ticks


def _all_full(frame: bytes, received_ns: int) -> list[Tick]:
    """Ticks of a sound frame of full packets, read by one walk in C."""
    ticks: list[Tick] = []
    keep, packets = ticks.append, memoryview(frame)[2:]
    pairs = zip(_HOT_OF_FRAME.iter_unpack(packets), _PACKET_OF_FRAME.iter_unpack(packets), strict=True)
    for (token, last, volume, sent), (packet,) in pairs:
        tick = _new(_WireTick)
        tick.instrument_token, tick.mode, tick.received_ns, tick.volume_traded = token, _MODE_FULL, received_ns, volume
        tick.divisor = divisor = _divisor_of(token & 0xFF, 100)
        tick.last_price = last / divisor
        tick.exchange_epoch_s = sent
        tick._packet = packet
        keep(tick)
    return ticks


def decode_packet(packet: Bytes, received_ns: int) -> Tick | None:
    """Tick of one packet without framing; None for a length that is no packet's."""
    decode = DECODERS.get(len(packet))
    return decode(bytes(packet), 0, received_ns) if decode else None


def count_problem(problems: Problems | None, what: str) -> None:
    if problems is not None:
        problems[what] = problems.get(what, 0) + 1


def _ltp(data: bytes, at: int, now: int) -> Tick:
    token, last = _read_ltp(data, at)
    divisor = _divisor_of(token & 0xFF, 100)
    tick = Tick(token, _MODE_LTP, last / divisor, now, token & 0xFF != SEGMENT_INDICES)
    tick.divisor = divisor
    return tick


def _index_quote(data: bytes, at: int, now: int) -> Tick:
    token, last, high, low, open_, close, _change = _read_index_quote(data, at)
    return _index(token, last, now, (open_, high, low, close))


def _index_full(data: bytes, at: int, now: int) -> Tick:
    token, last, high, low, open_, close, _change, sent = _read_index_full(data, at)
    tick = _index(token, last, now, (open_, high, low, close))
    tick.mode, tick.exchange_epoch_s = _MODE_FULL, sent
    return tick


def _index(token: int, last: int, now: int, ohlc: tuple[int, int, int, int]) -> Tick:
    d = _divisor_of(token & 0xFF, 100)
    tick = Tick(token, _MODE_QUOTE, last / d, now, token & 0xFF != SEGMENT_INDICES)
    tick.ohlc, tick.divisor = Ohlc(*[price / d for price in ohlc]), d
    return tick


def _quote(data: bytes, at: int, now: int) -> Tick:
    token, last, volume = _read_hot_of_quote(data, at)
    tick = _new(_WireTick)
    tick.instrument_token, tick.mode, tick.received_ns, tick.volume_traded = token, _MODE_QUOTE, now, volume
    tick.divisor = divisor = _divisor_of(token & 0xFF, 100)
    tick.last_price = last / divisor
    tick.exchange_epoch_s = 0
    tick._packet = data[at : at + QUOTE_SIZE]
    return tick


def _full(data: bytes, at: int, now: int) -> Tick:
    token, last, volume, sent = _read_hot_of_full(data, at)
    tick = _new(_WireTick)
    tick.instrument_token, tick.mode, tick.received_ns, tick.volume_traded = token, _MODE_FULL, now, volume
    tick.divisor = divisor = _divisor_of(token & 0xFF, 100)
    tick.last_price = last / divisor
    tick.exchange_epoch_s = sent
    tick._packet = data[at : at + FULL_SIZE]
    return tick


class _WireTick(Tick):
    """A tick that reads its rarer fields off its own copy of the packet when somebody asks.

    A slot that is not set yet ends in `__getattr__`. Equal to the plain tick of the same values, and pickled
    and copied as one. A whole tick is three times the work and four times the memory, for every instrument of
    a burst, where bars and strategies look at the price, the volume and the time.
    """

    __slots__ = ("_packet",)
    _packet: bytes

    @property
    def depth(self) -> Depth | None:
        """As any tick's, straight from the packet."""
        return depth_of(_read_depth(self._packet, QUOTE_SIZE + 20), self.divisor) if self.mode is _MODE_FULL else None

    def __getattr__(self, name: str) -> object:
        if name == "raw_depth":
            full = self.mode is _MODE_FULL
            self.raw_depth = _read_depth(self._packet, QUOTE_SIZE + 20) if full else None
        elif name in _RARER:
            self._read_rarer()
        else:
            return super().__getattr__(name)
        return object.__getattribute__(self, name)

    def _read_rarer(self) -> None:
        d, full = self.divisor, self.mode is _MODE_FULL
        token, _, quantity, average, _, buy, sell, open_, high, low, close = _read_quote(self._packet)
        self.tradable = token & 0xFF != SEGMENT_INDICES
        self.last_traded_quantity, self.average_traded_price = quantity, average / d
        self.total_buy_quantity, self.total_sell_quantity = buy, sell
        self.ohlc = Ohlc(open_ / d, high / d, low / d, close / d)
        traded, oi, high_oi, low_oi = _read_rest(self._packet, QUOTE_SIZE)[:4] if full else (0, None, None, None)
        self.last_trade_epoch_s = traded or 0
        self.oi, self.oi_day_high, self.oi_day_low = oi, high_oi, low_oi

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Tick) and _values(self) == _values(other)

    __hash__ = None  # type: ignore[assignment]  # as its parent's

    def __reduce__(self) -> tuple[type[Tick], tuple[object, ...]]:
        return Tick, _values(self)


def full_ticks(
    packets: Iterable[bytes],
    columns: tuple[Iterable[int], Iterable[float], Iterable[int], Iterable[int]],
    divisors: Iterable[int],
    received_ns: int,
) -> Iterator[Tick]:
    """Ticks of full packets whose tokens, prices in rupees, volumes and times were read by columns already."""
    for packet, token, last, volume, sent, divisor in zip(packets, *columns, divisors, strict=True):
        tick = _new(_WireTick)
        tick.instrument_token, tick.mode, tick.received_ns = token, _MODE_FULL, received_ns
        tick.last_price, tick.volume_traded, tick.exchange_epoch_s, tick.divisor = last, volume, sent, divisor
        tick._packet = packet
        yield tick


_new: Final = object.__new__
_FIELDS: Final = tuple(field.name for field in fields(Tick))
_RARER: Final = frozenset(
    (
        "tradable",
        "last_traded_quantity",
        "average_traded_price",
        "total_buy_quantity",
        "total_sell_quantity",
        "ohlc",
        "oi",
        "oi_day_high",
        "oi_day_low",
        "last_trade_epoch_s",
    )
)


def _values(tick: Tick) -> tuple[object, ...]:
    return tuple([getattr(tick, name) for name in _FIELDS])


DECODERS: Final[dict[int, Callable[[bytes, int, int], Tick]]] = {
    LTP_SIZE: _ltp,
    INDEX_QUOTE_SIZE: _index_quote,
    INDEX_FULL_SIZE: _index_full,
    QUOTE_SIZE: _quote,
    FULL_SIZE: _full,
}
"""By a packet's length: what makes a tick of `(frame, place of the packet, received_ns)`; it must lie there whole."""


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


_NO_DEPTH: Final = (0,) * 30


def _pack_rest_of_full(tick: Tick) -> bytes:
    times_and_oi = _words(tick.last_trade_epoch_s, tick.oi, tick.oi_day_high, tick.oi_day_low, tick.exchange_epoch_s)
    return _REST.pack(*times_and_oi) + _DEPTH.pack(*(tick.raw_depth or _NO_DEPTH))


def _words(*values: int | None) -> list[int]:
    return [(value or 0) & _WORD for value in values]
