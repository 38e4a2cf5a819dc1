"""The instrument master of a large day: our reader against the official client's, the cache, and search."""

from __future__ import annotations

import gzip
import os
import time
from collections.abc import Callable
from datetime import date
from pathlib import Path

import pytest
from kiteconnect import KiteConnect

from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.masterchanges import master_changes
from alphapanda_desktop.kite.contract_instruments import read_instruments
from alphapanda_desktop.store.instruments import packed, unpacked
from tests.benchmarks.race import Board, alternating, percentile, rounds

SEARCHES = ("n", "ni", "nifty", "nifty 26", "nifty 26000 ce", "reliance", "bank fut", "26000", "x", "ce", "sbin eq")


@pytest.fixture(scope="module")
def data() -> bytes:
    folder = os.environ.get("ALPHAPANDA_REAL_DATA")
    if not folder:
        pytest.skip("ALPHAPANDA_REAL_DATA names no folder of recorded markets")
    return gzip.decompress((Path(folder) / "instruments" / "scale_147k_mixed.csv.gz").read_bytes())


def test_reading_the_instrument_master(board: Board, data: bytes) -> None:
    official = KiteConnect("key")

    def rival() -> list[dict[str, object]]:
        rows: list[dict[str, object]] = official._parse_instruments(data)
        return rows

    ours, theirs = read_instruments(data).instruments, rival()
    assert [i.tradingsymbol for i in ours] == [row["tradingsymbol"] for row in theirs]
    assert ours[0].expiry == (theirs[0]["expiry"] or None)
    count = len(ours)
    del ours, theirs  # or the collector walks through them during both sides' turns
    times = alternating(lambda: read_instruments(data), rival, 3, clock=time.process_time)
    board.race(f"read {count:,} instruments, KiteConnect, CPU µs", *times, 1 / 8)


def test_the_cache_and_the_search(board: Board, data: bytes) -> None:
    rows = read_instruments(data).instruments
    kept = packed(rows)
    assert unpacked(kept) == rows
    board.limit("the master from its cache, CPU ms", [_ms(lambda: unpacked(kept)) for _ in range(rounds(7))], 150.0)
    yesterday = rows[500:]
    changes = master_changes(yesterday, rows, date(2026, 11, 23))
    assert changes.new and not changes.gone
    board.note("the day's differences, CPU ms", _ms(lambda: master_changes(yesterday, rows, date(2026, 11, 23))))
    master = InstrumentMaster(rows)
    master.prepare()
    times = [_ms(lambda text=text: master.search(text)) for text in SEARCHES for _ in range(rounds(7))]
    assert master.search("nifty")
    board.limit("search as you type, the slowest of some words, CPU ms", percentile(times, 0.95), 5.0)


def _ms(work: Callable[[], object]) -> float:
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000
