"""Number columns of a flat parquet file compressed with zstd: enough to read candles where no parquet library is.

Source: the Apache Parquet format, its Thrift footer, PLAIN and RLE_DICTIONARY pages of version 1.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

_TYPES = {2: np.dtype("<i8"), 5: np.dtype("<f8")}


class Thrift:
    """Reads Thrift's compact protocol: structs as dicts by field number."""

    def __init__(self, data: bytes, at: int = 0) -> None:
        self.data, self.at = data, at

    def struct(self) -> dict[int, Any]:
        fields: dict[int, Any] = {}
        number = 0
        while head := self._byte():
            number = number + (head >> 4) if head >> 4 else self._zigzag()
            kind = head & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind)
        return fields

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value

    def _byte(self) -> int:
        self.at += 1
        return self.data[self.at - 1]

    def _zigzag(self) -> int:
        value = self.varint()
        return value >> 1 ^ -(value & 1)

    def _value(self, kind: int) -> Any:
        if kind in (4, 5, 6):
            return self._zigzag()
        if kind == 8:
            size = self.varint()
            self.at += size
            return self.data[self.at - size : self.at]
        if kind in (9, 10):
            head = self._byte()
            size = self.varint() if head >> 4 == 15 else head >> 4
            return [self._value(head & 15) for _ in range(size)]
        return self.struct() if kind == 12 else self._byte()


def read_parquet(path: Path) -> dict[str, np.ndarray]:
    """Columns by name; skips the test where the machine has no zstd library."""
    data = path.read_bytes()
    size = struct.unpack("<I", data[-8:-4])[0]
    groups = Thrift(data[-8 - size : -8]).struct()[4]
    found: dict[str, list[np.ndarray]] = {}
    for group in groups:
        for chunk in group[1]:
            found.setdefault(chunk[3][3][0].decode(), []).append(_chunk(data, chunk[3]))
    return {name: np.concatenate(parts) for name, parts in found.items()}


def _chunk(data: bytes, meta: dict[int, Any]) -> np.ndarray:
    kind, at, rows = _TYPES[meta[1]], meta.get(11, meta[9]), 0
    words, parts = np.zeros(0, kind), []
    while rows < meta[5]:
        reader = Thrift(data, at)
        page = reader.struct()
        plain = _unpacked(data[reader.at : reader.at + page[3]], page[2])
        at = reader.at + page[3]
        if page[1] == 2:
            words = np.frombuffer(plain, kind)
            continue
        count, encoding = page[5][1], page[5][2]
        values = plain[4 + struct.unpack_from("<I", plain)[0] :]  # past the levels: no value is missing
        parts.append(np.frombuffer(values, kind) if encoding == 0 else words[_indices(values, count)])
        rows += count
    return np.concatenate(parts)


def _indices(data: bytes, count: int) -> np.ndarray:
    """Runs of equal numbers and of packed ones, `data[0]` bits each."""
    width, reader, parts, have = data[0], Thrift(data, 1), [], 0
    while have < count:
        head = reader.varint()
        if head & 1:
            size = (head >> 1) * width
            bits = np.unpackbits(np.frombuffer(data, np.uint8, size, reader.at), bitorder="little")
            part = bits.reshape(-1, width) @ (1 << np.arange(width))
        else:
            size = (width + 7) // 8
            part = np.full(head >> 1, int.from_bytes(data[reader.at : reader.at + size], "little"))
        reader.at += size
        parts.append(part)
        have += part.size
    return np.concatenate(parts)[:count]


def _unpacked(packed: bytes, size: int) -> bytes:
    name = ctypes.util.find_library("zstd")
    if name is None:
        pytest.skip("no zstd library on this machine to unpack recorded candles with")
    zstd = ctypes.CDLL(name)
    zstd.ZSTD_decompress.restype = ctypes.c_size_t
    zstd.ZSTD_decompress.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    room = ctypes.create_string_buffer(size)
    assert zstd.ZSTD_decompress(room, size, packed, len(packed)) == size
    return room.raw
