"""A backtest's orders handed to the paper broker, which hears each bar's way as ticks: the same fills and money."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from alphapanda_desktop.backtest.engine import Result, Setup, backtest
from alphapanda_desktop.backtest.path import turns
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.paper import PaperBroker
from tests.backtest.history import FUTURE, INFY, NONE, walk
from tests.fakes import FakeClock, a_session, a_tick

CASH = 1_000_000.0


def ticks(series: Series) -> Iterator[tuple[int, bool, Tick]]:
    """The way of each bar, tick by tick of the price: bar, whether it is the open, tick."""
    for number, bar in enumerate(series.bars()):
        last = round(bar.open * 20)
        yield number, True, a_tick(bar.open, token=series.instrument.instrument_token, at_s=bar.start_s)
        for turn, price in enumerate(turns(bar)):
            at_s = bar.start_s + 60 * turn // 3
            step = 1 if round(price * 20) > last else -1
            for counted in range(last + step, round(price * 20) + step, step):
                yield number, False, a_tick(counted / 20, token=series.instrument.instrument_token, at_s=at_s)
            last = round(price * 20)


class Paper:
    """The paper broker on the same bars; the orders are asked for at the moments of the backtest."""

    def __init__(self, result: Result) -> None:
        self.series = result.series[0]
        self.tick: Tick | None = None
        start = datetime.fromtimestamp(int(self.series.start_s[0]) - 3_000, UTC)
        self.clock = FakeClock(start)
        master = InstrumentMaster([self.series.instrument])
        self.broker = PaperBroker(a_session(start), lambda _: self.tick, master, self.clock, CASH)
        self.asked = [work for work in result.working if not work.square_off and work.status != "REJECTED"]
        self.fills: list[Fill] = []

    def play(self) -> list[tuple[int, float, str]]:
        day = None
        for _, opens, tick in ticks(self.series):
            at = datetime.fromtimestamp(tick.exchange_epoch_s, UTC)
            if at.date() != day:
                day = at.date()
                self.broker.renew(a_session(at))
            self.tick, self.clock.at = tick, at
            self.broker.on_tick(tick)
            self._place(tick, opens)
        return [(fill.sign * fill.quantity, fill.average_price, fill.product) for fill in self.broker._book.fills]

    def _place(self, tick: Tick, opens: bool) -> None:
        while self.asked and self._due(tick, opens):
            self.broker.place_now(replace(self.asked.pop(0).request(), strategy="", closes=False))

    def _due(self, tick: Tick, opens: bool) -> bool:
        work = self.asked[0]
        if tick.exchange_epoch_s < work.asked_s:
            return False
        within = (work.asked_s - int(self.series.start_s[0])) % 60 or "crossed the stop" in work.reason
        return opens or not within or tick.last_price == work.average_price


def entries_and_exits(result: Result) -> list[tuple[int, float, str]]:
    return [(fill.sign * fill.quantity, fill.price, fill.product) for fill in result.executions]


@pytest.mark.parametrize(
    ("instrument", "product", "seed"),
    [(INFY, "MIS", 21), (INFY, "MIS", 22), (INFY, "CNC", 23), (replace(FUTURE, lot_size=1), "NRML", 24)],
)
def test_the_paper_broker_fills_the_same_orders_at_the_same_prices_for_the_same_money(
    instrument: Any, product: Any, seed: int
) -> None:
    kind, series = SHIPPED["ma_cross"], walk(800, seed, instrument=instrument)
    params = kind.Params(fast=3, slow=8, cool_down=0, stop_loss=0.15, lots=5, allow_short=product != "CNC")
    setup = Setup(strategy=kind, params=params, series=[series], product=product, cash=CASH, slippage=NONE)
    result = backtest(setup)
    paper = Paper(result)
    assert paper.play() == entries_and_exits(result)
    assert len(result.executions) > 30
    last, account = float(series.close[-1]), paper.broker.account
    held = sum(fill.sign * fill.quantity for fill in result.executions)
    delivered = account.holdings.held(instrument.exchange, instrument.tradingsymbol)
    open_ = sum(position.pnl_at(last) for position in account.positions()) + delivered * last
    assert result.cash / RUPEE + held * last == pytest.approx(account.cash() - account.charged() + open_, abs=0.01)
