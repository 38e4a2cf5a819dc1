"""The bench with its real workers: from a wish to a report, from Kite's candles and from a file."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from alphapanda_desktop.authoring.describe import described, spec_of
from alphapanda_desktop.authoring.load import execute
from alphapanda_desktop.authoring.sources import read
from alphapanda_desktop.domain.calendar import session_on
from alphapanda_desktop.domain.errors import AlphaPandaError, BadData
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Bar, Interval
from alphapanda_desktop.kite.contract_market import candle_pages
from alphapanda_desktop.store.history import CandleHistory
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.testbench import TestBench
from alphapanda_desktop.ui.backtestparts import Wanted
from tests.fakes import FakeClock, an_instrument

INFY = an_instrument()
WISH = Wanted(
    strategy="ma_cross", params={"fast": 3, "slow": 8}, instruments=(INFY,), first=date(2024, 6, 3),
    last=date(2024, 6, 7), bar_s=300,
)  # fmt: skip

HANGS = b'''
from alphapanda_desktop.domain.strategy import Strategy


class Hangs(Strategy):
    """Never comes back."""

    name = "hangs"

    def on_bar(self, ctx, instrument, bar):
        while True:
            pass
'''


@dataclass
class Waves:
    """Candles of a price that goes up and down; a day may be left out."""

    asked: int = 0
    without: set[date] = field(default_factory=set)

    async def candles(
        self, instrument: Instrument, interval: Interval, start: datetime, end: datetime, *, continuous: bool = False
    ) -> list[Bar]:
        self.asked += 1
        bars = []
        for number in range((end - start).days + 2):
            day = (start + timedelta(days=number)).date()
            session = session_on("NSE", day)
            if session is None or day in self.without:
                continue
            for at in range(int(session.open.timestamp()), int(session.close.timestamp()), interval.seconds):
                if start.timestamp() <= at <= end.timestamp():
                    price = round(1_000 + 20 * float(np.sin(at / 3_000)), 1)
                    bars.append(Bar(at, price, price + 1, price - 1, price, 100))
        return bars


@pytest.fixture
def waves() -> Waves:
    return Waves()


@pytest.fixture
def bench(tmp_path: Path, waves: Waves) -> Iterator[TestBench]:
    clock = FakeClock(datetime(2024, 7, 1, 6, 30, tzinfo=UTC))
    history = CandleHistory(waves, candle_pages, tmp_path / "history", clock)
    made = TestBench(tmp_path, history, InstrumentMaster([INFY]), lambda: SHIPPED, clock)
    yield made
    made.close()


def test_kites_candles_are_played_by_a_worker_and_drawn_from_the_same_bars(arun, bench, waves):
    async def story():
        waves.without = {date(2024, 6, 5)}
        said: list[str] = []
        report = await bench.play(WISH, lambda text, _done, _all: said.append(text))
        played, bars = report.played, report.bars[INFY.key]
        assert len(bars) == played.statistics.bars == 4 * 75
        assert len(played.trades) > 3 and played.keys == (INFY.key,)
        assert report.notes == ("NSE:INFY: 1 trading day without a candle: 05 Jun 2024.",)
        assert list(dict.fromkeys(said))[:2] == ["Reading candles of INFY…", "Playing bar by bar…"]
        again = await bench.play(WISH, lambda *_: None)
        assert again.number == 2 and again.played.executions == played.executions
        assert waves.asked == 1

    arun(story())


def test_a_file_is_played_as_the_instrument_that_it_is_called_like(arun, bench, tmp_path):
    async def story():
        path = tmp_path / "infy.csv"
        at = [datetime(2024, 6, 3, 9, 15) + timedelta(minutes=n) for n in range(375)]  # noqa: DTZ001 - Indian time
        price = [1_000 + 10 * float(np.sin(n / 9)) for n in range(375)]
        rows = [f"{t},{p:.1f},{p:.1f},{p:.1f},{p:.1f}" for t, p in zip(at, price, strict=True)]
        path.write_text("\n".join(["time,open,high,low,close", *rows]), encoding="utf-8")
        wish = Wanted(strategy="ma_cross", params={"fast": 3, "slow": 8}, file=path, bar_s=60)
        report = await bench.play(wish, lambda *_: None)
        assert report.played.keys == (INFY.key,) and len(report.bars[INFY.key]) == 375
        assert report.instruments[INFY.key] == INFY

    arun(story())


def test_pages_and_tables_are_written_beside_one_another(arun, bench):
    async def story():
        report = await bench.play(WISH, lambda *_: None)
        (page,), (again,) = await bench.save_page(report), await bench.save_page(report)
        trades, equity = await bench.save_tables(report)
        assert page != again and page.read_text(encoding="utf-8") == again.read_text(encoding="utf-8")
        assert len(trades.read_text(encoding="utf-8").splitlines()) == 1 + len(report.played.trades)
        assert len(equity.read_text(encoding="utf-8").splitlines()) == 1 + len(report.played.equity.at_s)

    arun(story())


def test_what_a_worker_cannot_play_is_told_in_words(arun, bench, waves):
    async def story():
        with pytest.raises(BadData, match="slow"):
            await bench.play(Wanted(**(vars_of(WISH) | {"params": {"fast": 9, "slow": 3}})), lambda *_: None)
        with pytest.raises(BadData, match="day bars of futures only"):
            await bench.play(Wanted(**(vars_of(WISH) | {"continuous": True})), lambda *_: None)
        waves.without = {date(2024, 6, day) for day in range(10, 15)}
        nothing = Wanted(**(vars_of(WISH) | {"first": date(2024, 6, 10), "last": date(2024, 6, 14)}))
        with pytest.raises(BadData, match="Kite has no candles from 2024-06-10"):
            await bench.play(nothing, lambda *_: None)

    arun(story())


def test_without_a_past_a_file_is_asked_for(arun, bench):
    async def story():
        bench.history = None
        with pytest.raises(AlphaPandaError, match="choose a file"):
            await bench.play(WISH, lambda *_: None)

    arun(story())


def test_a_strategy_file_that_never_comes_back_is_ended_by_cancel(arun, bench, tmp_path):
    async def story():
        path = tmp_path / "hangs.py"
        path.write_bytes(HANGS)
        source, content = read(path)
        kind = described(spec_of(execute(str(path), content)), source)
        bench.strategies = lambda: {"hangs": kind}
        playing, began = asyncio.Event(), asyncio.get_running_loop()

        def told(text: str, _done: int, _all: int) -> None:
            if text.startswith("Playing"):
                began.call_soon(playing.set)

        task = asyncio.ensure_future(bench.play(Wanted(**(vars_of(WISH) | {"strategy": "hangs", "params": {}})), told))
        await playing.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        bench.strategies = lambda: SHIPPED
        assert (await bench.play(WISH, lambda *_: None)).played.complete

    arun(story())


def test_a_sweep_tries_every_combination_in_workers_and_can_be_ended(arun, bench):
    async def story():
        said: list[tuple[int, int]] = []
        report = await bench.sweep(WISH, ["fast=2:4", "slow=4:8:4"], "sharpe", lambda _t, *at: said.append(at))
        assert len(report.tried) == 6 and report.candidates == 5
        assert report.tried[-1].status == "skipped" and report.field is not None
        assert (0, 6) in said
        with pytest.raises(BadData, match="10,000 allowed here"):
            await bench.sweep(WISH, ["fast=1:200", "slow=1:200"], "sharpe", lambda *_: None)
        begun = asyncio.Event()
        many = asyncio.ensure_future(
            bench.sweep(WISH, ["fast=2:80", "slow=81:160"], "sharpe", lambda _t, done, _all: done and begun.set())
        )
        await begun.wait()
        many.cancel()
        with pytest.raises(asyncio.CancelledError):
            await many

    arun(story())


def vars_of(wanted: Wanted) -> dict[str, object]:
    return {name: getattr(wanted, name) for name in wanted.__dataclass_fields__}
