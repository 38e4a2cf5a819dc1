"""Charges and books of a backtest against the functions that they stand in for."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.backtest.lane import folded
from alphapanda_desktop.backtest.rates import ChargeBook
from alphapanda_desktop.commands.charges import run as charges_command
from alphapanda_desktop.domain.charges import charges
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.runbook import fold
from tests.backtest.history import INFY, buy, flat, play, sell
from tests.backtest.history import a_series as series
from tests.fakes import an_instrument

CONTRACTS = [
    (an_instrument(), "MIS"), (an_instrument(), "CNC"), (an_instrument(), "MTF"),
    (an_instrument("SBIN", exchange="BSE"), "MIS"),
    (an_instrument("NIFTY26NOVFUT", exchange="NFO", kind="FUT"), "NRML"),
    (an_instrument("NIFTY26N2426000CE", exchange="NFO", kind="CE"), "NRML"),
    (an_instrument("SENSEX26N2680000PE", exchange="BFO", kind="PE"), "MIS"),
    (an_instrument("USDINR26NOVFUT", exchange="CDS", kind="FUT", tick_size=0.0025), "NRML"),
    (an_instrument("GOLDM26DECFUT", exchange="MCX", kind="FUT", tick_size=1.0, name="GOLDM"), "NRML"),
    (an_instrument("COTTONCNDY26NOVFUT", exchange="MCX", kind="FUT", tick_size=1.0, name="COTTONCNDY"), "NRML"),
]  # fmt: skip


@given(
    contract=st.sampled_from(CONTRACTS),
    side=st.sampled_from(["BUY", "SELL"]),
    quantity=st.integers(1, 40_000),
    ticks=st.integers(1, 3_000_000),
    on=st.dates(date(2022, 1, 1), date(2027, 6, 1)),
)
def test_charges_are_those_of_the_dated_tables(contract: Any, side: Any, quantity: int, ticks: int, on: date) -> None:
    instrument, product = contract
    price, units = instrument.snap(ticks * instrument.tick_size), instrument.multiplier
    plain = charges(
        exchange=instrument.exchange, instrument_type=instrument.instrument_type, product=product,
        transaction_type=side, quantity=quantity, average_price=price, on=on, multiplier=units,
        tradingsymbol=instrument.tradingsymbol,
    ).total  # fmt: skip
    book = ChargeBook()
    assert book.total(instrument, product, side, quantity, price, on, units) == plain
    assert book.total(instrument, product, side, quantity, price, on, units) == plain


def test_charges_are_those_of_the_charges_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    result = play(
        {0: buy(300), 40: sell(300), 60: sell(120), 90: buy(120)}, series(*flat(60, 1_500.0), *flat(60, 1_512.35))
    )
    rows = [
        {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY" if fill.sign > 0 else "SELL",
         "product": fill.product, "quantity": fill.quantity, "average_price": fill.price}
        for fill in result.executions
    ]  # fmt: skip
    path = tmp_path / "orders.json"
    path.write_text(json.dumps(rows), encoding="utf-8")
    assert charges_command(["--rows", "--date", "2024-06-03", str(path)]) == 0
    told = [row["charges"]["total"] for row in json.loads(capsys.readouterr().out)]
    assert len(told) == 4
    assert [fill.charges / 10_000 for fill in result.executions] == pytest.approx(told, abs=3e-4)
    assert result.charged == sum(fill.charges for fill in result.executions)


@given(st.lists(st.tuples(st.integers(-9, 9).filter(bool), st.integers(1, 4_000)), max_size=20))
def test_the_book_of_average_cost_is_a_runs(fills: list[tuple[int, int]]) -> None:
    ours = theirs = (0, 0.0, 0.0)
    for signed, ticks in fills:
        order = Order(
            order_id="1", status="COMPLETE", exchange="NSE", tradingsymbol="INFY", quantity=abs(signed), product="MIS",
            transaction_type="BUY" if signed > 0 else "SELL", order_type="LIMIT", filled_quantity=abs(signed),
            average_price=ticks * 0.05,
        )  # fmt: skip
        ours, theirs = folded(ours, signed, ticks * 0.05), fold(*theirs, order)
        assert ours == theirs
    assert INFY.multiplier == 1
