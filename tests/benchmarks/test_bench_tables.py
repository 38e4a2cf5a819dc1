"""Frames into the latest-value table, what 9,000 instruments cost, and what a table of changing cells costs to show."""

from __future__ import annotations

import logging
import time

import pytest
from kiteconnect import KiteTicker

from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.quotes import LAST, LatestTable
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.trading.market import Market, MarketSink
from alphapanda_desktop.ui.quotemodel import QuoteModel
from tests.benchmarks.packets_drive import INDICES, full_frame, tokens, varied_frames
from tests.benchmarks.race import QUICK, Board, Rival, alternating, figure, rounds
from tests.fakes import FakeClock, FakeFeed, FakeHistory, a_session, an_instrument

NOW = 1_795_410_900_000_000_000


FRAMES = 16
"""Distinct frames in turn: few enough to lie in the cache, where a frame is that has just been read off a socket."""


@pytest.mark.parametrize(
    ("key", "size", "mixed"),
    [
        pytest.param("table-100", 100, False, marks=figure("table-100")),
        pytest.param("table-3000", 3_000, False, marks=figure("table-3000")),
        pytest.param("table-mixed", 100, True, marks=figure("table-mixed")),
    ],
    ids=("100", "3000", "mixed"),
)
def test_a_frame_into_the_table(board: Board, key: str, size: int, mixed: bool) -> None:
    logging.getLogger("kiteconnect").setLevel(logging.CRITICAL)
    table, official = LatestTable(), KiteTicker("key", "token")._parse_binary
    table.make_rows([*tokens(9_000), *INDICES])
    frames = varied_frames(2 if size == 3_000 else FRAMES, size, mixed=mixed)
    for frame in frames:
        rows = put_frame(table, frame, NOW).rows
        ours = dict(zip(table.tokens(rows.tolist()), table.rupees(LAST)[rows].tolist(), strict=True))
        assert ours == {tick["instrument_token"]: tick["last_price"] for tick in official(frame)}

    def put_all() -> None:
        for frame in frames:
            put_frame(table, frame, NOW)

    def parse_some() -> None:
        for frame in frames[:2]:
            official(frame)

    ours_us, rival_us = alternating(put_all, parse_some, 25, 8 if size == 100 else 2, time.thread_time)
    said = "each frame of other instruments, in another order"
    board.figure(key, *([us / n for us in side] for side, n in ((ours_us, len(frames)), (rival_us, 2))), said)


class Path:
    """Frames of 100 to a market that watches so many instruments, of which strategies hear one in five."""

    def __init__(self, count: int) -> None:
        clock, names = FakeClock(), tokens(count)
        instruments = [an_instrument(f"S{token}", token=token) for token in names]
        self.market = Market(a_session(), FakeFeed(), FakeHistory(), InstrumentMaster(instruments), clock)
        self.sink = MarketSink(self.market)
        self.market.take_link(LinkReport(LinkState.UP))
        self.market.watch("watchlist", instruments, Mode.FULL)
        self.heard = 0
        for token in names[::5]:
            self.market.on_tick(token, self._hear)
        # As many frames on either side: what differs is the instruments, not what the processor's cache holds.
        self.frames = [full_frame(100, number * 100 % count, number) for number in range(90)]
        self._clock, self._at = clock, 0

    def _hear(self, _tick: object) -> None:
        self.heard += 1

    def one(self) -> None:
        """Take the next frame; every tenth time a screen asks what has changed."""
        frame = self.frames[self._at % len(self.frames)]
        self._at += 1
        self.sink.batch(put_frame(self.market.table, frame, NOW + self._at))
        if self._at % 10 == 0:
            self._clock.advance(0.1)
            self.market.table.take_changed("watchlist")


@figure("growth")
def test_what_a_tick_costs_does_not_grow_with_the_instruments(board: Board) -> None:
    many, few = Path(9_000), Path(100)
    for _ in range(90):
        many.one()
        few.one()
    times = alternating(many.one, few.one, 60, 180, time.process_time)
    assert many.heard > 0 and few.heard > 0
    board.figure("growth", *([one / 100 for one in side] for side in times), "one in five is heard by a strategy")


@figure("cells-50k")
def test_fifty_thousand_changed_cells_a_second(board: Board) -> None:
    seconds = "1" if QUICK else "3"
    with (
        Rival("cells_drive.py", "ours", seconds, rivals=False) as ours,
        Rival("cells_drive.py", "rival", seconds, rivals=False) as rival,
    ):
        turns = [(ours.turn(), rival.turn()) for _ in range(rounds(4, 1))]
    cells = min(turn["cells_per_s"] for pair in turns for turn in pair)
    board.figure(
        "cells-50k", *([turn["cpu_s"] for turn in side] for side in zip(*turns, strict=True)), f"{cells:,.0f} cells/s"
    )


def test_sorting_and_filtering_nine_thousand_rows(board: Board, qapp: object) -> None:
    path = Path(9_000)
    for _ in range(90):
        path.one()
    model = QuoteModel(path.market, "another")
    model.show([i for token in tokens(9_000) if (i := path.market.master.by_token(token))])

    def took_ms(work: object, *args: object) -> float:
        began = time.perf_counter()
        work(*args)  # type: ignore[operator]
        return (time.perf_counter() - began) * 1000

    sorts = [took_ms(model.sort, column) for column in (1, 3, 4, 0) for _ in range(3)]
    model.sort(1)
    filters = [took_ms(model.set_filter, text) for text in ("s25", "nse s3", "") * 4]
    assert model.rowCount() == 9_000
    board.note("sort 9,000 rows of the watchlist, worst of 12, ms (50 allowed)", max(sorts))
    board.note("filter 9,000 rows of the watchlist, worst of 12, ms (50 allowed)", max(filters))
