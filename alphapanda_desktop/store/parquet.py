"""Parquet files of plain columns, written with numpy and zlib alone: what notebooks and databases read.

Enough of the format for a table of numbers, words and times that may be missing: one page a column and row group,
PLAIN, GZIP. Source: the Parquet format's README and parquet.thrift (version 2.11); Thrift's compact protocol.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final, Self, final

import numpy as np
from numpy.typing import NDArray

MAGIC: Final = b"PAR1"

_GZIP: Final = 2
_RLE: Final = 3
_OPTIONAL: Final = 1
_I32, _I64, _BINARY, _LIST, _STRUCT = 5, 6, 8, 9, 12


@dataclass(frozen=True, slots=True)
class Kind:
    """How a column's values are stored: the format's number for it, and numpy's name or "" for words."""

    physical: int
    dtype: str
    converted: int | None = None


INTEGER: Final = Kind(2, "<i8")
NUMBER: Final = Kind(5, "<f8")
WORD: Final = Kind(6, "", 0)
TIME: Final = Kind(2, "<i8", 10)
"""Epoch microseconds, UTC."""


@final
class ParquetWriter:
    """Writes row groups to `file` as they come; the file can be read once this is left without an error."""

    def __init__(self, file: BinaryIO, columns: Mapping[str, Kind]) -> None:
        self._file = file
        self._columns = dict(columns)
        self._groups: list[_Struct] = []
        self._rows = 0
        self._at = file.write(MAGIC)

    def write(self, columns: Sequence[Sequence[Any]]) -> None:
        """One row group of equally long columns, in the order of the schema; None is a missing value."""
        count = len(columns[0])
        chunks = [
            self._chunk(name, kind, values) for (name, kind), values in zip(self._columns.items(), columns, strict=True)
        ]
        size = sum(written for _, written in chunks)
        self._groups.append(_Struct().list(1, _STRUCT, [chunk for chunk, _ in chunks]).i64(2, size).i64(3, count))
        self._rows += count

    def _chunk(self, name: str, kind: Kind, values: Sequence[Any]) -> tuple[_Struct, int]:
        there = np.fromiter((value is not None for value in values), np.bool_, len(values))
        page = _levels(there) + _plain(kind, [value for value in values if value is not None])
        packer = zlib.compressobj(6, wbits=31)
        stored = packer.compress(page) + packer.flush()
        data = _Struct().i32(1, len(values)).i32(2, 0).i32(3, _RLE).i32(4, _RLE)
        head = bytes(_Struct().i32(1, 0).i32(2, len(page)).i32(3, len(stored)).struct(5, data))
        start = self._at
        self._at += self._file.write(head) + self._file.write(stored)
        about = (
            _Struct()
            .i32(1, kind.physical)
            .list(2, _I32, [_zigzag(0), _zigzag(_RLE)])
            .list(3, _BINARY, [_bytes(name.encode())])
            .i32(4, _GZIP)
            .i64(5, len(values))
            .i64(6, len(head) + len(page))
            .i64(7, len(head) + len(stored))
            .i64(9, start)
        )
        return _Struct().i64(2, start).struct(3, about), len(head) + len(page)

    def close(self) -> None:
        """Write what readers begin with: the schema and where everything lies."""
        root = _Struct().binary(4, b"schema").i32(5, len(self._columns))
        schema = [root, *(_element(name, kind) for name, kind in self._columns.items())]
        footer = bytes(
            _Struct()
            .i32(1, 2)
            .list(2, _STRUCT, schema)
            .i64(3, self._rows)
            .list(4, _STRUCT, self._groups)
            .binary(6, b"AlphaPanda Desktop")
        )
        self._file.write(footer + struct.pack("<I", len(footer)) + MAGIC)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: object, *_: object) -> None:
        if kind is None:
            self.close()


def _element(name: str, kind: Kind) -> _Struct:
    made = _Struct().i32(1, kind.physical).i32(3, _OPTIONAL).binary(4, name.encode())
    return made if kind.converted is None else made.i32(6, kind.converted)


def _levels(there: NDArray[np.bool_]) -> bytes:
    """Which values are there: one run where all are or none is, else a bit each."""
    if there.all() or not there.any():
        runs = _varint(len(there) << 1) + bytes([bool(len(there) and there[0])])
    else:
        bits = np.packbits(there, bitorder="little").tobytes()
        runs = _varint(len(bits) << 1 | 1) + bits
    return struct.pack("<I", len(runs)) + runs


def _plain(kind: Kind, values: list[Any]) -> bytes:
    if kind.dtype:
        return np.array(values, kind.dtype).tobytes()
    coded = {value: (text := value.encode(), struct.pack("<I", len(text)) + text)[1] for value in set(values)}
    return b"".join(map(coded.__getitem__, values))


# --- Thrift's compact protocol ---------------------------------------------------------------------------------------


@dataclass(slots=True)
class _Struct:
    """Fields in ascending order, as bytes."""

    content: bytearray = field(default_factory=bytearray)
    last: int = 0

    def _field(self, number: int, kind: int, value: bytes) -> Self:
        self.content.append((number - self.last) << 4 | kind)
        self.content += value
        self.last = number
        return self

    def i32(self, number: int, value: int) -> Self:
        return self._field(number, _I32, _zigzag(value))

    def i64(self, number: int, value: int) -> Self:
        return self._field(number, _I64, _zigzag(value))

    def binary(self, number: int, value: bytes) -> Self:
        return self._field(number, _BINARY, _bytes(value))

    def struct(self, number: int, value: _Struct) -> Self:
        return self._field(number, _STRUCT, bytes(value))

    def list(self, number: int, kind: int, values: Sequence[Any]) -> Self:
        size = len(values)
        head = bytes([size << 4 | kind]) if size < 15 else bytes([0xF0 | kind]) + _varint(size)
        return self._field(number, _LIST, head + b"".join(map(bytes, values)))

    def __bytes__(self) -> bytes:
        return bytes(self.content) + b"\x00"


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _zigzag(value: int) -> bytes:
    return _varint(value << 1 if value >= 0 else (-value << 1) - 1)


def _bytes(value: bytes) -> bytes:
    return _varint(len(value)) + value
