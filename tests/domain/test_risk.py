"""Every limit of the desk: what it refuses, what it says, and that nobody is locked in."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.risk import DEFAULT_LIMITS, Exposure, Limits, TradingState, check, reduces
from tests.fakes import a_request, an_instrument

INFY = an_instrument()
FUTURE = an_instrument("NIFTY26NOVFUT", token=2, exchange="NFO", kind="FUT", lot_size=65, tick_size=0.1)
CRUDE = an_instrument("CRUDEOIL26DECFUT", token=7, exchange="MCX", kind="FUT", lot_size=100, tick_size=1)
INDEX = an_instrument("NIFTY 50", token=256265, segment="INDICES")
FRESH = Exposure(last_price=100)


def refusal(request: Any, instrument: Any = INFY, limits: Limits = DEFAULT_LIMITS, **exposure: Any) -> str:
    found = check(request, instrument, limits, replace(FRESH, **exposure))
    return found.text if found else ""


def test_an_ordinary_order_passes() -> None:
    assert refusal(a_request("BUY", 10, price=100)) == ""
    assert refusal(a_request("SELL", 10)) == ""


@pytest.mark.parametrize(
    ("request_", "instrument", "exposure", "text"),
    [
        (a_request(price=100), INFY, {"state": TradingState.HALTED}, "Kill switch"),
        (a_request(price=100), INFY, {"state": TradingState.REDUCING}, "would not shrink the position of 0"),
        (a_request(price=100, instrument=INDEX), INDEX, {}, "is an index"),
        (a_request(price=100, tag=""), INFY, {}, "0 characters, 1 to 20"),
        (a_request(price=100, tag="x" * 21), INFY, {}, "21 characters"),
        (a_request(order_type="LIMIT"), INFY, {}, "needs a price above 0, None given"),
        (a_request(price=float("nan")), INFY, {}, "needs a price above 0, nan given"),
        (a_request(order_type="SL-M"), INFY, {}, "needs a trigger above 0"),
        (a_request(quantity=0, price=100), INFY, {}, "Quantity 0"),
        (a_request(quantity=-5, price=100), INFY, {}, "Quantity -5"),
        (a_request(quantity=64, price=100, instrument=FUTURE), FUTURE, {}, "its lot of 65"),
        (a_request(price=100.03), INFY, {}, "Price 100.03 of NSE:INFY is not a multiple of its tick of 0.05"),
        (a_request(price=100, trigger_price=99.99, order_type="SL"), INFY, {}, "Trigger 99.99"),
        (a_request(quantity=5_001, price=100), INFY, {}, "Order quantity: 5001 asked, 5000 allowed"),
        (a_request(quantity=2_501, price=1_000), INFY, {"last_price": 1_000}, "2,501,000.00 asked, 2,500,000.00"),
        (a_request(), INFY, {"last_price": None}, "no price of NSE:INFY is known"),
        (a_request(quantity=6, price=5_000, instrument=CRUDE), CRUDE, {"last_price": 5_000}, "3,000,000.00 asked"),
        (a_request(price=100), INFY, {"orders_today": 500}, "Orders per day: 500 sent, 500 allowed"),
        (a_request(quantity=100, price=100), INFY, {"position": 9_950}, "Position: 10050 would be held"),
        (a_request(price=110.05), INFY, {}, "price 110.05 is 10.05 % from the last price 100, 10 % allowed"),
        (a_request("SELL", price=89.9), INFY, {}, "from the last price"),
        (a_request(trigger_price=120, price=None, order_type="SL-M"), INFY, {}, "trigger 120 is 20.00 %"),
        (a_request(price=100), INFY, {"last_price": None}, "no last price of NSE:INFY"),
    ],
)
def test_a_refusal_names_the_rule_the_value_and_the_limit(
    request_: Any, instrument: Any, exposure: dict[str, Any], text: str
) -> None:
    assert text in refusal(request_, instrument, **exposure)


def test_working_orders_count_towards_the_position() -> None:
    assert "10020 would be held" in refusal(a_request("BUY", 20, price=100), position=5_000, working=5_000)
    assert "10020 would be held" in refusal(a_request("BUY", 20, price=100), position=5_000, buying=5_000)


def test_orders_on_the_other_side_do_not_make_room_because_they_may_never_fill() -> None:
    text = refusal(a_request("BUY", 5_000, price=100), position=9_000, working=-9_000, selling=9_000)
    assert "14000 would be held" in text


def test_a_buy_and_a_sell_at_work_do_not_hide_each_other() -> None:
    hidden = Exposure(position=50, working=0, buying=50, selling=50)
    assert not reduces(a_request("SELL", 50), hidden)
    assert reduces(a_request("SELL", 50), Exposure(position=50))


def test_who_is_in_can_get_out_whatever_the_size_the_count_or_the_value() -> None:
    tight = Limits(max_order_quantity=10, max_order_value=10, max_orders_per_day=0, max_position_quantity=1)
    held: dict[str, Any] = {"position": 500, "state": TradingState.REDUCING}
    assert refusal(a_request("SELL", 500, price=100), limits=tight, **held) == ""
    assert refusal(a_request("SELL", 501, price=100), limits=tight, **held) != ""


def test_a_sale_is_valued_at_what_the_market_pays() -> None:
    limits = Limits(max_order_value=950)
    assert "1,000.00 asked" in refusal(a_request("SELL", 10, price=92), limits=limits)
    assert refusal(a_request("BUY", 10, price=92), limits=limits) == ""


@given(st.integers(-200, 200), st.integers(0, 300), st.integers(0, 300), st.integers(1, 300), st.booleans())
def test_a_reducing_order_never_leaves_more_or_the_other_side(
    position: int, buying: int, selling: int, quantity: int, buys: bool
) -> None:
    request = a_request("BUY" if buys else "SELL", quantity)
    if reduces(request, Exposure(position=position, buying=buying, selling=selling)):
        same_side = buying if buys else selling
        after = position + request.sign * (quantity + same_side)
        assert abs(after) < abs(position)
        assert after * position >= 0
