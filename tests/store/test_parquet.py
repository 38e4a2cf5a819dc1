"""Parquet as we write it, read back by a reader of the format that knows nothing of how we write."""

from __future__ import annotations

import io
import math
import struct
import subprocess
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.store.parquet import INTEGER, NUMBER, TIME, WORD, ParquetWriter

ROOT = Path(__file__).resolve().parents[2]
SCHEMA = {"at": TIME, "name": WORD, "count": INTEGER, "price": NUMBER}
ROWS = [(1_795_410_900_000_000, "NSE:INFY", None, 1500.05), (None, "NSE:M&M", -3, None), (0, None, 2**62, math.inf)]


class Thrift:
    """Reads Thrift's compact protocol into dicts by field number."""

    def __init__(self, data: bytes) -> None:
        self.data, self.at = data, 0

    def varint(self) -> int:
        value = shift = 0
        while True:
            byte = self.data[self.at]
            self.at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    def value(self, kind: int) -> Any:
        if kind in (1, 2):
            return kind == 1
        if kind in (5, 6):
            coded = self.varint()
            return coded >> 1 ^ -(coded & 1)
        if kind == 8:
            size = self.varint()
            self.at += size
            return self.data[self.at - size : self.at]
        if kind == 9:
            head = self.data[self.at]
            self.at += 1
            size = head >> 4 if head >> 4 < 15 else self.varint()
            return [self.value(head & 15) for _ in range(size)]
        assert kind == 12
        return self.struct()

    def struct(self) -> dict[int, Any]:
        found: dict[int, Any] = {}
        last = 0
        while head := self.data[self.at]:
            self.at += 1
            last += head >> 4
            found[last] = self.value(head & 15)
        self.at += 1
        return found


def read(data: bytes) -> list[tuple[Any, ...]]:
    """Rows of a file."""
    assert data[:4] == data[-4:] == b"PAR1"
    (size,) = struct.unpack("<I", data[-8:-4])
    about = Thrift(data[-8 - size : -8]).struct()
    root, *elements = about[2]
    assert root[5] == len(elements)
    rows: list[tuple[Any, ...]] = []
    for group in about.get(4, []):
        columns = [_column(data, chunk[3]) for chunk in group[1]]
        assert all(len(column) == group[3] for column in columns)
        rows += zip(*columns, strict=True)
    assert len(rows) == about[3]
    return rows


def _column(data: bytes, about: dict[int, Any]) -> list[Any]:
    thrift = Thrift(data[about[9] :])
    head = thrift.struct()
    stored = thrift.data[thrift.at : thrift.at + head[3]]
    assert about[7] == thrift.at + head[3]
    page = zlib.decompress(stored, wbits=31)
    assert len(page) == head[2]
    count = head[5][1]
    (size,) = struct.unpack_from("<I", page)
    there = _levels(page[4 : 4 + size], count)
    values = iter(_values(about[1], page[4 + size :]))
    column = [next(values) if level else None for level in there]
    assert next(values, None) is None
    return column


def _levels(data: bytes, count: int) -> list[int]:
    thrift = Thrift(data)
    found: list[int] = []
    while len(found) < count:
        head = thrift.varint()
        if head & 1:
            size = head >> 1
            found += [data[thrift.at + n // 8] >> n % 8 & 1 for n in range(size * 8)]
            thrift.at += size
        else:
            found += [data[thrift.at]] * (head >> 1)
            thrift.at += 1
    return found[:count]


def _values(kind: int, data: bytes) -> list[Any]:
    if kind != 6:
        return list(struct.unpack(f"<{len(data) // 8}{'q' if kind == 2 else 'd'}", data))
    found, at = [], 0
    while at < len(data):
        (size,) = struct.unpack_from("<I", data, at)
        found.append(data[at + 4 : at + 4 + size].decode())
        at += 4 + size
    return found


def written(*groups: list[tuple[Any, ...]]) -> bytes:
    file = io.BytesIO()
    with ParquetWriter(file, SCHEMA) as writer:
        for rows in groups:
            writer.write(list(zip(*rows, strict=True)))
    return file.getvalue()


@given(
    st.lists(
        st.lists(
            st.tuples(
                st.none() | st.integers(-(2**63), 2**63 - 1),
                st.none() | st.text(max_size=5),
                st.none() | st.integers(-(2**63), 2**63 - 1),
                st.none() | st.floats(allow_nan=False),
            ),
            min_size=1,
            max_size=20,
        ),
        max_size=3,
    )
)
def test_what_was_written_is_read_back(groups: list[list[tuple[Any, ...]]]) -> None:
    assert read(written(*groups)) == [row for rows in groups for row in rows]


def test_a_table_of_many_columns_has_them_all() -> None:
    file = io.BytesIO()
    with ParquetWriter(file, {f"c{n}": INTEGER for n in range(40)}) as writer:
        writer.write([[n] for n in range(40)])
    assert read(file.getvalue()) == [tuple(range(40))]


def test_pyarrow_reads_the_same(tmp_path: Path) -> None:
    """The reader that most people have; it is none of ours, so it is asked where `make bench` put the rivals."""
    python = ROOT / ".venv-rivals" / "bin" / "python"
    ask = "import sys, pyarrow.parquet as p; t = p.read_table(sys.argv[1]); print(t.schema); print(t.to_pylist())"
    if not python.exists() or subprocess.run([python, "-c", "import pyarrow"], check=False).returncode:
        pytest.skip("pyarrow comes with the rivals of `make bench`, which are not installed")
    path = tmp_path / "day.parquet"
    path.write_bytes(written(ROWS, ROWS[:1]))
    said = subprocess.run([python, "-c", ask, path], capture_output=True, text=True, check=True).stdout
    assert "at: timestamp[us, tz=UTC]" in said
    assert "name: string" in said
    assert said.count("'NSE:INFY', 'count': None, 'price': 1500.05") == 2
    assert "datetime.datetime(2026, 11, 23, 5, 15" in said
