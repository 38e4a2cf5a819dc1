from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from datetime import date
from typing import Any

import pytest
import shiboken6
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.options import price, years_left
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.chainlines import board_of, worth_of
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.optionchain import CENTRE, OWNER, USUAL_RATE, OptionChain
from tests.fakes import an_instrument
from tests.ui.fakes_market import INFY, NIFTY, MarketStage

NEAR, FAR = date(2026, 12, 1), date(2026, 12, 29)
VOL = 0.14


def the_options() -> list[Instrument]:
    rows, token = [], 1_000
    for day in (NEAR, FAR):
        for strike in range(25_000, 27_050, 50):
            for kind in ("CE", "PE"):
                token += 1
                rows.append(
                    an_instrument(
                        f"NIFTY{day:%y%b%d}{strike}{kind}".upper(), token=token * 256 + 2, exchange="NFO", kind=kind,
                        lot_size=65, strike=float(strike), expiry=day, name="NIFTY", segment="NFO-OPT",
                    )
                )  # fmt: skip
    return rows


OPTIONS = the_options()


class Pane:
    """A chain of Nifty options on a stage whose prices come from one volatility."""

    def __init__(self) -> None:
        self.stage = MarketStage(NIFTY, INFY, *OPTIONS)
        self.edge = Edge(Scope("ui", lambda *_: None), FrameClock(), lambda *_: None)
        self.chain = OptionChain(self.stage.market, self.edge, None, self.stage.clock.monotonic_s)
        self.chain.resize(1200, 500)
        self.forward = 26_012.0
        self.said: list[tuple[str, str]] = []
        self.chain.chosen.connect(lambda i: self.said.append(("chart", i.tradingsymbol)))
        self.chain.order_wanted.connect(lambda i, side: self.said.append((side, i.tradingsymbol)))

    def tick_all(self) -> None:
        self.stage.tick(NIFTY, 25_990.0)
        now = self.stage.clock.now()
        for i in OPTIONS:
            assert i.expiry is not None
            years = years_left("NFO", i.expiry, now)
            sign = 1 if i.instrument_type == "CE" else -1
            worth = float(price(sign, self.forward, i.strike, years, USUAL_RATE / 100, VOL))
            if worth > 1:
                self.stage.tick(i, round(worth, 2), 1_000)

    def frame(self) -> None:
        self.stage.clock.advance(1)
        self.edge.frames.beat()

    def shown(self) -> Pane:
        self.chain.show()
        self.chain.show_instrument(NIFTY)
        self.tick_all()
        self.frame()
        self.tick_all()  # what a subscription finds is old news until it has ticked again
        self.frame()
        return self

    def row_at_money(self) -> int:
        return next(n for n, line in enumerate(self.chain.model.rows()) if line.at_money)


@pytest.fixture
def pane(qtbot: Any) -> Iterator[Callable[[], Pane]]:
    made: list[Pane] = []

    def make() -> Pane:
        made.append(Pane())
        return made[-1]

    yield make
    for each in made:
        if shiboken6.isValid(each.chain):
            shiboken6.delete(each.chain)


def test_the_volatility_and_the_forward_that_made_the_prices_are_read_back(pane: Any) -> None:
    p = pane().shown()
    board = p.chain.board
    assert board.basis == "put-call parity"
    assert board.forward == pytest.approx(p.forward, abs=0.5)
    assert board.vol_at_money == pytest.approx(VOL, abs=0.002)
    line = board.lines[p.row_at_money()]
    assert line.strike == 26_000
    assert line.call.delta == pytest.approx(0.51, abs=0.03)
    assert line.put.delta == pytest.approx(line.call.delta - 1, abs=0.01)
    assert line.call.theta < 0 < line.call.vega


def test_only_the_strikes_around_the_money_are_subscribed_and_only_while_seen(pane: Any) -> None:
    p = pane()
    p.chain.show_instrument(NIFTY)
    assert OWNER not in p.stage.market._wishes
    p.shown()
    assert len(p.chain.model.rows()) == 21
    assert len(p.stage.market._wishes[OWNER]) == 2 * 21 + 1
    p.chain.hide()
    assert OWNER not in p.stage.market._wishes


def test_the_strikes_follow_the_money_when_it_has_moved_far_enough(pane: Any) -> None:
    p = pane().shown()
    middle = p.chain.model.rows()[10].strike
    p.forward += 60
    p.tick_all()
    p.frame()
    assert p.chain.model.rows()[10].strike == middle
    p.forward += 240
    p.tick_all()
    p.frame()
    p.frame()
    assert p.chain.model.rows()[10].strike == 26_300


def test_another_expiry_shows_its_own_contracts(pane: Any) -> None:
    p = pane().shown()
    assert [p.chain.expiry.itemText(n) for n in range(2)] == ["1 Dec 2026", "29 Dec 2026"]
    before = p.chain.board.years
    p.chain.expiry.setCurrentIndex(1)
    p.chain.expiry.activated.emit(1)
    p.tick_all()
    p.frame()
    p.frame()
    assert p.chain.board.years - before == pytest.approx(28 / 365, abs=1e-4)
    assert p.chain.model.rows()[0].call.instrument.expiry == FAR


def test_an_option_chosen_in_the_watchlist_brings_its_expiry(pane: Any) -> None:
    p = pane()
    p.chain.show()
    p.chain.show_instrument(OPTIONS[-1])
    assert p.chain.expiry.currentData() == FAR


def test_what_has_no_options_leaves_the_chain_as_it_is(pane: Any) -> None:
    p = pane().shown()
    p.chain.show_instrument(INFY)
    assert len(p.chain.model.rows()) == 21


def test_old_prices_have_no_greeks(pane: Any) -> None:
    p = pane().shown()
    p.stage.clock.advance(600)
    p.frame()
    board = p.chain.board
    assert all(side.vol is None and side.stale for line in board.lines for side in (line.call, line.put))
    assert board.basis != "put-call parity"


def test_the_cell_tells_call_from_put(pane: Any) -> None:
    p = pane().shown()
    row = p.row_at_money()
    table = p.chain.table
    table.setCurrentIndex(p.chain.model.index(row, CENTRE - 1))
    QTest.keyClick(table, Qt.Key.Key_B)
    table.setCurrentIndex(p.chain.model.index(row, CENTRE + 1))
    QTest.keyClick(table, Qt.Key.Key_S)
    QTest.keyClick(table, Qt.Key.Key_Return)
    call, put = "NIFTY26DEC0126000CE", "NIFTY26DEC0126000PE"
    assert p.said == [("BUY", call), ("SELL", put), ("chart", put)]
    assert p.chain.picked.text() == put
    table.setCurrentIndex(p.chain.model.index(row, CENTRE))
    assert p.chain.current() is None


def test_the_rate_hardly_matters_beside_a_forward_from_the_chain(pane: Any) -> None:
    p = pane().shown()
    before = p.chain.board.vol_at_money
    assert before == pytest.approx(VOL, abs=0.002)
    p.chain.rate.setValue(4.5)
    assert p.chain.board.vol_at_money == pytest.approx(before, abs=0.001)


def test_an_empty_chain_is_an_empty_board() -> None:
    stage = MarketStage(NIFTY)
    board = board_of([], stage.market, None, 0.065, stage.clock.now())
    assert board.lines == ()
    assert board.forward is None


@pytest.mark.parametrize(
    ("bid", "ask", "last", "worth"),
    [
        (100.0, 102.0, 90.0, 101.0),  # a sound book: its middle
        (10.0, 20.0, 14.0, 14.0),  # a wide one: the last trade within it
        (10.0, 20.0, 50.0, None),  # a trade of long ago: one could buy at 20
        (10.0, 20.0, 4.0, None),
        (0.0, 0.05, 5.0, None),  # nobody bids, and it is offered for next to nothing
        (0.0, 0.05, 0.05, 0.05),
        (12.0, 0.0, 11.0, None),  # nobody offers, and more is bid
        (0.0, 0.0, 7.0, 7.0),  # no book at all
        (0.0, 0.0, 0.0, None),
    ],
)
def test_an_option_is_worth_what_its_book_allows(bid: float, ask: float, last: float, worth: float | None) -> None:
    levels = [(75, round(price * 100), 1) if price else (0, 0, 0) for price in (bid, ask)]
    raw = (*levels[0], *(0, 0, 0) * 4, *levels[1], *(0, 0, 0) * 4)
    found = worth_of(Tick(1, Mode.FULL, last, raw_depth=raw))
    assert found == worth if worth is not None else math.isnan(found)
