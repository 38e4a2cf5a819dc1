"""What passes between the program and a strategy's process: frames of a JSON header and raw numbers, of bounded size.

Nothing is ever unpickled. What comes from the process is believed in nothing: a header that does not fit one of the
models here, a length beyond the limits, an index of nothing end the process and touch nobody else.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from alphapanda_desktop.domain.market import Mode, Ohlc, Tick

HEAD: Final = struct.Struct("<2sII")
MAGIC: Final = b"AP"
LARGEST_HEADER: Final = 4 << 20
LARGEST_BODY: Final = 64 << 20
LARGEST_SAID: Final = 256 << 10
"""Longest header that a strategy's process may send; it sends no bodies."""


class Garbled(Exception):
    """What came is no message of this protocol."""


class Frame(NamedTuple):
    """One message as it travels."""

    header: bytes
    body: bytes = b""


def packed(header: Mapping[str, Any], body: bytes = b"") -> bytes:
    """A message ready to be written."""
    text = json.dumps(header, separators=(",", ":"), allow_nan=True).encode()
    return HEAD.pack(MAGIC, len(text), len(body)) + text + body


class Splitter:
    """Cuts a stream into frames. Raises Garbled as soon as what came cannot be one."""

    def __init__(self, largest_header: int, largest_body: int) -> None:
        self._header = largest_header
        self._body = largest_body
        self._kept = bytearray()

    @property
    def kept(self) -> int:
        """Bytes that came and were not taken as a frame yet."""
        return len(self._kept)

    def put(self, data: bytes) -> None:
        """More of the stream has come."""
        self._kept += data

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are whole now; what is left waits for more."""
        self.put(data)
        while (frame := self.next()) is not None:
            yield frame

    def next(self) -> Frame | None:
        """The next frame; None until it is whole."""
        kept = self._kept
        if len(kept) < HEAD.size:
            if not MAGIC.startswith(kept[:2]):
                raise Garbled(f"{bytes(kept)!r} begins no message")
            return None
        magic, header, body = HEAD.unpack_from(kept)
        if magic != MAGIC:
            raise Garbled(f"{bytes(kept[:16])!r} begins no message")
        if header > self._header or body > self._body:
            raise Garbled(f"a message of {header:,} and {body:,} bytes, {self._header:,} and {self._body:,} allowed")
        end = HEAD.size + header + body
        if len(kept) < end:
            return None
        frame = Frame(bytes(kept[HEAD.size : HEAD.size + header]), bytes(kept[HEAD.size + header : end]))
        del kept[:end]
        return frame


# -- what a strategy's process may say ---------------------------------------------------------------------------------

Text = Annotated[str, Field(max_length=4_000)]
Reason = Annotated[str, Field(max_length=1_000)]
Name = Annotated[str, Field(max_length=200)]
Tag = Annotated[str, Field(max_length=20)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Whole = Annotated[int, Field(ge=-(1 << 53), le=1 << 53)]
Goods = Literal["CNC", "NRML", "MIS", "MTF"]
Which = Annotated[int, Field(ge=0, lt=100_000)]
"""An instrument, as its place among the run's."""


class Said(BaseModel):
    """Base of what a process says."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Ready(Said):
    """It listens, and would tell where it is if it were asked."""

    say: Literal["ready"]


class Done(Said):
    """The call of that number came back; what it took in seconds, and names of threads that it left running."""

    say: Literal["done"]
    n: int
    took_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    hears: tuple[Name, ...] = ()
    lookback: Annotated[int, Field(ge=0, le=1 << 53)] = 0
    """Closed bars that it needs; told when it is built and when its parameters change."""
    threads: Annotated[tuple[Name, ...], Field(max_length=50)] = ()
    problems: Annotated[tuple[Text, ...], Field(max_length=200)] = ()


class Failed(Said):
    """The call of that number raised."""

    say: Literal["failed"]
    n: int
    took_s: Annotated[float, Field(ge=0, allow_inf_nan=False)]
    why: Text


class Logged(Said):
    """A line for the run's log."""

    say: Literal["log"]
    text: Text
    level: Literal["info", "warning"] = "info"


class Shown(Said):
    """Values for the run's card."""

    say: Literal["show"]
    values: Annotated[dict[Name, Text | Number | Whole | bool | None], Field(max_length=200)]


class Ordered(Said):
    """A purchase or a sale, under a tag that was handed out."""

    say: Literal["order"]
    tag: Tag
    side: Literal["BUY", "SELL"]
    i: Which
    quantity: Whole
    reason: Reason
    price: Number | None = None
    trigger_price: Number | None = None
    product: Goods | None = None


class Cancelled(Said):
    """One of its own orders is wished away."""

    say: Literal["cancel"]
    tag: Tag


class Wished(Said):
    """A wish that is answered: a call of the run's context by name, with what that one takes."""

    say: Literal["wish"]
    what: Literal["exit", "protect", "target", "bracket", "timer", "cancel_timer"]
    i: Which | None = None
    reason: Reason = ""
    quantity: Whole = 0
    trigger: Number | None = None
    stop: Number | None = None
    target: Number | None = None
    price: Number | None = None
    trigger_price: Number | None = None
    product: Goods | None = None
    name: Name = ""
    after: Number | None = None
    every: Number | None = None
    at: Name | None = None


Speech = Ready | Done | Failed | Logged | Shown | Ordered | Cancelled | Wished
_SPEECH: Final[TypeAdapter[Speech]] = TypeAdapter(Annotated[Speech, Field(discriminator="say")])


def heard(frame: Frame) -> Speech:
    """What a process says with a frame. Raises Garbled."""
    try:
        return _SPEECH.validate_json(frame.header)
    except ValidationError as error:
        first = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise Garbled(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None


# -- numbers -----------------------------------------------------------------------------------------------------------

TICK: Final = struct.Struct("<IBBHd qdqqqqqq qqq dddd i 30q")
_MODES: Final = tuple(Mode)
_FIELDS: Final = (
    "last_traded_quantity", "average_traded_price", "volume_traded", "total_buy_quantity", "total_sell_quantity", "oi",
    "oi_day_high", "oi_day_low",
)  # fmt: skip
_OHLC, _DEPTH, _TRADABLE = 1 << 8, 1 << 9, 1 << 10
_NO_DEPTH: Final = (0,) * 30


def tick_bytes(tick: Tick) -> bytes:
    """A tick as numbers; what it does not carry is marked."""
    there, values = _TRADABLE if tick.tradable else 0, list[float]()
    for bit, name in enumerate(_FIELDS):
        value = getattr(tick, name)
        there |= (value is not None) << bit
        values.append(value or 0)
    there |= (_OHLC if tick.ohlc else 0) | (_DEPTH if tick.raw_depth else 0)
    return TICK.pack(
        tick.instrument_token, _MODES.index(tick.mode), 0, there, tick.last_price, *values, tick.received_ns,
        tick.exchange_epoch_s, tick.last_trade_epoch_s, *(tick.ohlc or (0.0,) * 4), tick.divisor,
        *(tick.raw_depth or _NO_DEPTH),
    )  # fmt: skip


def tick_of(data: bytes) -> Tick:
    """The tick that `tick_bytes` told."""
    token, mode, _, there, last_price, *rest = TICK.unpack_from(data)
    known = {name: rest[bit] if there & 1 << bit else None for bit, name in enumerate(_FIELDS)}
    received_ns, exchange_s, last_trade_s, *rest = rest[8:]
    return Tick(
        token, _MODES[mode], last_price, received_ns, bool(there & _TRADABLE), **known,
        ohlc=Ohlc(*rest[:4]) if there & _OHLC else None, exchange_epoch_s=exchange_s, last_trade_epoch_s=last_trade_s,
        raw_depth=tuple(rest[5:]) if there & _DEPTH else None, divisor=rest[4],
    )  # fmt: skip


class Columns(NamedTuple):
    """Closed bars as columns of one length: starts in epoch seconds, prices in rupees."""

    start_s: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    volume: NDArray[np.int64]
    oi: NDArray[np.int64]

    def rows(self, first: int, end: int) -> Columns:
        """These rows of it."""
        return Columns._make(column[first:end] for column in self)

    def as_bytes(self) -> bytes:
        """One column after the other."""
        return b"".join(column.tobytes() for column in self)


KINDS: Final = (np.int64, np.float64, np.float64, np.float64, np.float64, np.int64, np.int64)
ROW_BYTES: Final = 8 * len(KINDS)


def columns_of(body: bytes, at: int, rows: int) -> Columns:
    """The columns that `as_bytes` told, read at that place."""
    return Columns._make(np.frombuffer(body, kind, rows, at + n * 8 * rows) for n, kind in enumerate(KINDS))


def no_rows() -> Columns:
    """Columns without a bar."""
    return Columns._make(np.empty(0, kind) for kind in KINDS)


def joined(columns: Columns, first: int, more: Columns) -> Columns:
    """These columns up to that row, then others."""
    return Columns._make(np.concatenate((mine[:first], theirs)) for mine, theirs in zip(columns, more, strict=True))
