"""A recorded day, or a part of it, as CSV or Parquet: a row a tick, read block by block."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final, TextIO

from alphapanda_desktop.domain.cells import as_cell
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.store.dayfile import Recording
from alphapanda_desktop.store.parquet import INTEGER, NUMBER, TIME, WORD, Kind, ParquetWriter

COLUMNS: Final[dict[str, Kind]] = {
    "received": TIME, "exchange_timestamp": TIME, "instrument": WORD, "instrument_token": INTEGER, "mode": WORD,
    "last_price": NUMBER, "last_traded_quantity": INTEGER, "average_traded_price": NUMBER, "volume_traded": INTEGER,
    "oi": INTEGER, "total_buy_quantity": INTEGER, "total_sell_quantity": INTEGER,
    "open": NUMBER, "high": NUMBER, "low": NUMBER, "close": NUMBER,
}  # fmt: skip

DEPTH: Final[dict[str, Kind]] = {
    f"{side}_{part}_{level}": kind
    for side in ("bid", "ask")
    for level in range(1, 6)
    for part, kind in (("price", NUMBER), ("quantity", INTEGER), ("orders", INTEGER))
}

GROUP: Final = 50_000
"""Rows that are in memory together, and stand in one row group of a Parquet file."""

Row = list[Any]


@dataclass(frozen=True, slots=True)
class Wish:
    """What to export: of which time, both ends included, and whether with the five levels of depth."""

    first_ns: int = 0
    last_ns: int = 2**63 - 1
    depth: bool = False

    @property
    def columns(self) -> dict[str, Kind]:
        return COLUMNS | DEPTH if self.depth else COLUMNS


def export(recording: Recording, out: Path | None, wish: Wish) -> None:
    """Write CSV to `out` or the terminal; Parquet where `out` ends so. A file is whole, or not there at all."""
    if out is None:
        _csv(sys.stdout, recording, wish)
        return
    half = out.with_name(out.name + ".part")
    try:
        if out.suffix == ".parquet":
            _parquet(half, recording, wish)
        else:
            with half.open("w", newline="", encoding="utf-8") as file:
                _csv(file, recording, wish)
        half.replace(out)
    finally:
        half.unlink(missing_ok=True)


def _csv(file: TextIO, recording: Recording, wish: Wish) -> None:
    writer = csv.writer(file)
    writer.writerow(wish.columns)
    for received_us, sent_us, *rest in _rows(recording, wish):
        writer.writerow((_ist(received_us), "" if sent_us is None else _ist(sent_us), *map(as_cell, rest)))


def _parquet(path: Path, recording: Recording, wish: Wish) -> None:
    with path.open("wb") as file, ParquetWriter(file, wish.columns) as writer:
        rows = _rows(recording, wish)
        while part := list(islice(rows, GROUP)):
            writer.write(list(zip(*part, strict=True)))


def _rows(recording: Recording, wish: Wish) -> Iterator[Row]:
    for at_ns, frame in recording.between(wish.first_ns, wish.last_ns):
        for tick in decode_frame(frame, at_ns):
            row = _row(tick, recording.names.get(tick.instrument_token, ""))
            yield row + _depth(tick) if wish.depth else row


def _row(tick: Tick, name: str) -> Row:
    sent_us = tick.exchange_epoch_s * 1_000_000 if tick.exchange_epoch_s else None
    ohlc: Iterable[float | None] = tick.ohlc or (None,) * 4
    return [
        tick.received_ns // 1_000, sent_us, name, tick.instrument_token, tick.mode.value,
        tick.last_price, tick.last_traded_quantity, tick.average_traded_price, tick.volume_traded,
        tick.oi, tick.total_buy_quantity, tick.total_sell_quantity, *ohlc,
    ]  # fmt: skip


def _depth(tick: Tick) -> Row:
    if tick.depth is None:
        return [None] * len(DEPTH)
    levels: Sequence[Iterable[Any]] = (*tick.depth.buy, *tick.depth.sell)
    return [value for level in levels for value in level]


def _ist(at_us: int) -> str:
    return datetime.fromtimestamp(at_us / 1e6, UTC).astimezone(IST).isoformat(timespec="milliseconds")
