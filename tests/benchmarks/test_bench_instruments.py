"""A real instrument master: our reader against the official client's."""

from __future__ import annotations

import gzip
from pathlib import Path

from kiteconnect import KiteConnect

from alphapanda_desktop.kite.contract_instruments import read_instruments
from tests.benchmarks.race import Board, alternating


def test_reading_the_instrument_master(board: Board, real_data: Path) -> None:
    data = gzip.decompress((real_data / "instruments" / "kite_NFO_BFO_2026-08-18.csv.gz").read_bytes())
    official = KiteConnect("key")

    def rival() -> list[dict[str, object]]:
        rows: list[dict[str, object]] = official._parse_instruments(data)
        return rows

    ours, theirs = read_instruments(data).instruments, rival()
    assert [i.tradingsymbol for i in ours] == [row["tradingsymbol"] for row in theirs]
    assert ours[0].expiry == theirs[0]["expiry"]
    count = len(ours)
    del ours, theirs  # or the collector walks through them during both sides' turns
    times = alternating(lambda: read_instruments(data), rival, 3)
    board.race(f"read {count:,} instruments, KiteConnect, µs", *times, 0.1)
