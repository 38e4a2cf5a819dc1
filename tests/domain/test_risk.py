"""Every limit of the desk: what it refuses, what it says, and that nobody is locked in."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.risk import (
    DEFAULT_LIMITS,
    Exposure,
    InstrumentLimits,
    Limits,
    Refusal,
    RiskLimits,
    RuleResult,
    StrategyLimits,
    TradingState,
    check,
    examine,
    reduces,
    refusal_of,
    results_of,
)
from alphapanda_desktop.domain.risk_profiles import (
    PROFILES,
    SINCE,
    SOURCE,
    day_limits,
    loosened,
    tightest,
)
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
        (a_request(quantity=0, price=100), INFY, {}, "Lot size: quantity 0"),
        (a_request(quantity=-5, price=100), INFY, {}, "Lot size: quantity -5"),
        (a_request(quantity=64, price=100, instrument=FUTURE), FUTURE, {}, "not a multiple of 65"),
        (a_request(price=100.03), INFY, {}, "Tick size: price 100.03 of NSE:INFY is not a multiple of 0.05"),
        (a_request(price=100, trigger_price=99.99, order_type="SL"), INFY, {}, "trigger 99.99"),
        (a_request(quantity=5_001, price=100), INFY, {}, "Order quantity: 5001 asked, 5000 allowed"),
        (a_request(quantity=2_501, price=1_000), INFY, {"last_price": 1_000}, "25,01,000.00 asked, 25,00,000.00"),
        (a_request(), INFY, {"last_price": None}, "no fresh price of NSE:INFY is known"),
        (a_request(quantity=6, price=5_000, instrument=CRUDE), CRUDE, {"last_price": 5_000}, "30,00,000.00 asked"),
        (a_request(price=100), INFY, {"orders_today": 500}, "Orders per day: 500 sent, 500 allowed"),
        (a_request(quantity=100, price=100), INFY, {"position": 9_950}, "Position: 10050 would be held"),
        (a_request(price=110.05), INFY, {}, "price 110.05 is 10.05 % from the last price 100, 10 % allowed"),
        (a_request("SELL", price=89.9), INFY, {}, "from the last price"),
        (a_request(trigger_price=120, price=None, order_type="SL-M"), INFY, {}, "trigger 120 is 20.00 %"),
        (a_request(price=100), INFY, {"last_price": None}, "no fresh price of NSE:INFY"),
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


# --- every rule, with its value and its limit -----------------------------------------------------------------------

FULL = RiskLimits(
    desk=Limits(
        max_order_quantity=100,
        max_order_value=10_000.0,
        max_orders_per_day=5,
        max_position_quantity=200,
        price_band_pct=5.0,
        max_working_orders=3,
        max_loss_per_day=1_000.0,
        max_drawdown=500.0,
    ),
    strategy=StrategyLimits(
        max_order_quantity=90,
        max_order_value=9_000.0,
        max_orders_per_day=4,
        max_working_orders=2,
        max_position_quantity=150,
        max_loss_per_day=800.0,
        max_drawdown=400.0,
    ),
    instruments={
        "NSE:INFY": InstrumentLimits(
            max_order_quantity=80,
            max_order_value=8_000.0,
            max_orders_per_day=3,
            max_working_orders=1,
            max_position_quantity=120,
            price_band_pct=2.0,
        )
    },
)
BY_RUN = a_request("BUY", 10, price=100, strategy="run")


def results(request: Any = BY_RUN, limits: Any = FULL, instrument: Any = INFY, **exposure: Any) -> list[RuleResult]:
    return list(examine(request, instrument, limits, replace(FRESH, **exposure)))


def result(rule: str, request: Any = BY_RUN, limits: Any = FULL, **exposure: Any) -> RuleResult:
    (found,) = [r for r in results(request, limits, **exposure) if r.rule == rule]
    return found


def test_all_rules_are_told_in_their_order_with_value_and_limit() -> None:
    told = results(day_pnl=-10.0, day_peak=20.0, strategy_pnl=5.0, strategy_peak=7.0)
    assert [(r.rule, r.value, r.limit) for r in told] == [
        ("kill switch", "active", "not halted"),
        ("tradable", "NSE", "not an index"),
        ("tag", "2 characters", "1 to 20"),
        ("price", "100", "above 0"),
        ("lot size", "10", "multiples of 1"),
        ("tick size", "price 100", "multiples of 0.05"),
        ("order quantity", "10", "100"),
        ("strategy order quantity", "10", "90"),
        ("instrument order quantity", "10", "80"),
        ("order value", "1,000.00", "10,000.00"),
        ("strategy order value", "1,000.00", "9,000.00"),
        ("instrument order value", "1,000.00", "8,000.00"),
        ("orders per day", "0", "5"),
        ("strategy orders per day", "0", "4"),
        ("instrument orders per day", "0", "3"),
        ("working orders", "1", "3"),
        ("strategy working orders", "1", "2"),
        ("instrument working orders", "1", "1"),
        ("position", "10", "200"),
        ("strategy position", "10", "150"),
        ("instrument position", "10", "120"),
        ("price band", "0.00 %", "5 %"),
        ("instrument price band", "0.00 %", "2 %"),
        ("loss per day", "10.00", "1,000.00"),
        ("drawdown", "30.00", "500.00"),
        ("strategy loss per day", "0.00", "800.00"),
        ("strategy drawdown", "2.00", "400.00"),
    ]
    assert all(r.passed and r.text == "" for r in told)


def test_limits_alone_are_the_desks_and_what_is_off_is_not_told() -> None:
    told = [r.rule for r in results(limits=DEFAULT_LIMITS)]
    assert told == ["kill switch", "tradable", "tag", "price", "lot size", "tick size", "order quantity", "order value",
                    "orders per day", "position", "price band"]  # fmt: skip
    assert told == [r.rule for r in results(limits=RiskLimits())]


def test_an_order_by_hand_is_not_held_to_a_strategys_limits() -> None:
    by_hand = results(replace(BY_RUN, strategy=""), strategy_pnl=-(10**6))
    assert not [r for r in by_hand if r.rule.startswith("strategy")]
    assert len([r for r in by_hand if r.rule.startswith("instrument")]) == 6


def test_another_instrument_is_not_held_to_infys_limits() -> None:
    other = an_instrument("TCS", token=9)
    assert not [r for r in results(replace(BY_RUN, tradingsymbol="TCS"), instrument=other) if "instrument" in r.rule]


@pytest.mark.parametrize(
    ("rule", "request_", "exposure", "text"),
    [
        ("order quantity", {"quantity": 101}, {}, "Order quantity: 101 asked, 100 allowed."),
        ("strategy order quantity", {"quantity": 91}, {}, "Strategy order quantity: 91 asked, 90 allowed."),
        ("instrument order quantity", {"quantity": 81}, {}, "Instrument order quantity: 81 asked, 80 allowed."),
        ("order value", {"quantity": 101}, {}, "Order value: 10,100.00 asked, 10,000.00 allowed."),
        ("strategy order value", {"quantity": 91}, {}, "Strategy order value: 9,100.00 asked, 9,000.00 allowed."),
        ("instrument order value", {"quantity": 81}, {}, "Instrument order value: 8,100.00 asked, 8,000.00 allowed."),
        ("orders per day", {}, {"orders_today": 5}, "Orders per day: 5 sent, 5 allowed."),
        ("strategy orders per day", {}, {"strategy_orders_today": 4}, "Strategy orders per day: 4 sent, 4 allowed."),
        ("instrument orders per day", {}, {"instrument_orders_today": 3},
         "Instrument orders per day: 3 sent, 3 allowed."),
        ("working orders", {}, {"working_orders": 3}, "Working orders: 4 would be working, 3 allowed."),
        ("strategy working orders", {}, {"strategy_working_orders": 2},
         "Strategy working orders: 3 would be working, 2 allowed."),
        ("instrument working orders", {}, {"instrument_working_orders": 1},
         "Instrument working orders: 2 would be working, 1 allowed."),
        ("position", {}, {"position": 191}, "Position: 201 would be held, 200 allowed."),
        ("position", {"transaction_type": "SELL"}, {"position": -150, "selling": 41},
         "Position: 201 would be held, 200 allowed."),
        ("strategy position", {}, {"strategy_position": 100, "strategy_buying": 41},
         "Strategy position: 151 would be held, 150 allowed."),
        ("strategy position", {"transaction_type": "SELL"}, {"strategy_position": -100, "strategy_selling": 41},
         "Strategy position: 151 would be held, 150 allowed."),
        ("instrument position", {}, {"instrument_position": 100, "instrument_buying": 11},
         "Instrument position: 121 would be held, 120 allowed."),
        ("instrument position", {"transaction_type": "SELL"}, {"instrument_position": -100, "instrument_selling": 11},
         "Instrument position: 121 would be held, 120 allowed."),
        ("price band", {"price": 105.05}, {},
         "Price band: price 105.05 is 5.05 % from the last price 100, 5 % allowed."),
        ("instrument price band", {"price": 97.95}, {},
         "Instrument price band: price 97.95 is 2.05 % from the last price 100, 2 % allowed."),
        ("instrument price band", {}, {"last_price": None},
         "Instrument price band: no fresh price of NSE:INFY is known to hold 100 against, 2 % allowed."),
        ("loss per day", {}, {"day_pnl": -1_000.0}, "Loss per day: 1,000.00 lost, 1,000.00 allowed."),
        ("drawdown", {}, {"day_pnl": 100.0, "day_peak": 600.0}, "Drawdown: 500.00 lost, 500.00 allowed."),
        ("strategy loss per day", {}, {"strategy_pnl": -800.0}, "Strategy loss per day: 800.00 lost, 800.00 allowed."),
        ("strategy drawdown", {}, {"strategy_pnl": -1.0, "strategy_peak": 399.0},
         "Strategy drawdown: 400.00 lost, 400.00 allowed."),
    ],
)  # fmt: skip
def test_each_scope_refuses_in_its_own_name(
    rule: str, request_: dict[str, Any], exposure: dict[str, Any], text: str
) -> None:
    found = result(rule, replace(BY_RUN, **request_), **exposure)
    assert (found.passed, found.text) == (False, text)
    assert (found.value in text and found.limit.split()[0] in text) or found.value == "unknown"


@pytest.mark.parametrize(
    ("rule", "request_", "exposure"),
    [
        ("order quantity", {"quantity": 100}, {}),
        ("strategy order quantity", {"quantity": 90}, {}),
        ("instrument order quantity", {"quantity": 80}, {}),
        ("order value", {"quantity": 100}, {}),
        ("instrument order value", {"quantity": 80}, {}),
        ("orders per day", {}, {"orders_today": 4}),
        ("strategy orders per day", {}, {"strategy_orders_today": 3}),
        ("instrument orders per day", {}, {"instrument_orders_today": 2}),
        ("working orders", {}, {"working_orders": 2}),
        ("strategy working orders", {}, {"strategy_working_orders": 1}),
        ("position", {}, {"position": 190}),
        ("position", {"transaction_type": "SELL"}, {"position": -150, "buying": 99, "selling": 40}),
        ("strategy position", {}, {"strategy_position": 100, "strategy_buying": 40, "strategy_selling": 99}),
        ("instrument position", {}, {"instrument_position": 100, "instrument_buying": 10, "instrument_selling": 99}),
        ("price band", {"price": 105.0}, {}),
        ("price band", {"price": 95.0}, {}),
        ("instrument price band", {"price": 98.0}, {}),
        ("loss per day", {}, {"day_pnl": -999.99}),
        ("drawdown", {}, {"day_pnl": 100.0, "day_peak": 599.99}),
        ("strategy loss per day", {}, {"strategy_pnl": -799.99}),
        ("strategy drawdown", {}, {"strategy_pnl": 0.0, "strategy_peak": 399.99}),
    ],
)
def test_what_just_fits_passes(rule: str, request_: dict[str, Any], exposure: dict[str, Any]) -> None:
    found = result(rule, replace(BY_RUN, **request_), **exposure)
    assert (found.passed, found.text) == (True, "")


def test_an_exit_passes_every_limit_of_size_count_and_loss_and_says_so() -> None:
    out = replace(BY_RUN, transaction_type="SELL", quantity=190)
    told = results(out, position=190, orders_today=99, strategy_orders_today=99, instrument_orders_today=99,
                   working_orders=99, strategy_working_orders=99, instrument_working_orders=99, strategy_position=999,
                   instrument_position=-999, day_pnl=-9_999.0, day_peak=9.0, strategy_pnl=-9_999.0)  # fmt: skip
    assert all(r.passed for r in told)
    free = {r.rule for r in told if r.limit == "exits pass"}
    assert free == {r.rule for r in told} - {"kill switch", "tradable", "tag", "price", "lot size", "tick size",
                                             "price band", "instrument price band"}  # fmt: skip


def test_an_exit_needs_no_price_for_its_value() -> None:
    out = a_request("SELL", 10, strategy="run")
    found = result("order value", out, position=10, last_price=None)
    assert (found.passed, found.value, found.limit) == (True, "unknown", "exits pass")
    entry = result("strategy order value", a_request("BUY", 10, strategy="run"), last_price=None)
    text = "Strategy order value: no fresh price of NSE:INFY is known, so its value cannot be held against 9,000.00."
    assert entry == RuleResult("strategy order value", False, "unknown", "9,000.00", text)


def test_reducing_tells_what_would_shrink() -> None:
    state = {"state": TradingState.REDUCING}
    refused = result("reducing", position=5, **state)
    assert refused == RuleResult("reducing", False, "BUY 10", "shrinks 5",
                                 "Reducing only: BUY 10 would not shrink the position of 5.")  # fmt: skip
    allowed = result("reducing", replace(BY_RUN, transaction_type="SELL"), position=10, **state)
    assert allowed == RuleResult("reducing", True, "SELL 10", "shrinks 10", "")


def test_halted_lets_not_even_an_exit_pass() -> None:
    out = replace(BY_RUN, transaction_type="SELL")
    found = result("kill switch", out, position=10, state=TradingState.HALTED)
    assert found == RuleResult("kill switch", False, "halted", "not halted",
                               "Kill switch: trading is halted; no order passes until it is released.")  # fmt: skip
    assert not [r for r in results(out, position=10, state=TradingState.HALTED) if r.rule == "reducing"]


def test_the_form_of_each_order_type() -> None:
    def forms(**words: Any) -> list[tuple[str, bool]]:
        asked = replace(BY_RUN, **words)
        return [(r.rule, r.passed) for r in results(asked) if r.rule in ("price", "trigger")]

    assert forms(order_type="MARKET", price=None) == []
    assert forms(order_type="SL", price=100, trigger_price=99.0) == [("price", True), ("trigger", True)]
    assert forms(order_type="SL", price=None, trigger_price=None) == [("price", False), ("trigger", False)]
    assert forms(order_type="SL-M", price=None, trigger_price=99.0) == [("trigger", True)]
    assert forms(order_type="LIMIT", price=-1.0) == [("price", False)]


@pytest.mark.parametrize("price", [float("nan"), float("inf"), -float("inf")])
def test_a_price_that_is_no_number_is_refused_and_breaks_nothing(price: float) -> None:
    told = results(replace(BY_RUN, price=price))
    refused = {r.rule for r in told if not r.passed}
    assert {"price", "tick size", "price band"} <= refused
    assert not all(r.passed for r in results(replace(BY_RUN, order_type="MARKET", price=None, trigger_price=price)))


@pytest.mark.parametrize(("tag", "passed"), [("", False), ("x", True), ("x" * 20, True), ("x" * 21, False)])
def test_a_tag_has_one_to_twenty_characters(tag: str, passed: bool) -> None:
    found = result("tag", replace(BY_RUN, tag=tag))
    assert (found.passed, found.value, found.text != "") == (passed, f"{len(tag)} characters", not passed)


def test_prices_and_triggers_are_each_held_to_tick_and_band() -> None:
    stop = replace(BY_RUN, order_type="SL", price=100.05, trigger_price=100.02)
    ticks = [(r.passed, r.value, r.text) for r in results(stop) if r.rule == "tick size"]
    assert ticks == [(True, "price 100.05", ""), (False, "trigger 100.02",
                     "Tick size: trigger 100.02 of NSE:INFY is not a multiple of 0.05.")]  # fmt: skip
    assert [r.value for r in results(stop) if r.rule == "price band"] == ["0.05 %", "0.02 %"]


def test_a_market_order_is_held_to_no_band() -> None:
    asked = replace(BY_RUN, order_type="MARKET", price=500.0)
    assert not [r for r in results(asked) if "band" in r.rule]


@pytest.mark.parametrize("last", [0.0, -1.0, None, float("nan")])
def test_without_a_last_price_no_price_is_inside_the_band(last: float | None) -> None:
    found = result("price band", last_price=last)
    assert (found.passed, found.value, found.limit) == (False, "unknown", "5 %")


@pytest.mark.parametrize(
    ("symbol", "exchange", "lot_size", "told", "value"),
    [
        ("CRUDEOIL26DECFUT", "MCX", 100, None, "1,00,000.00"),
        ("LEAD26DECFUT", "MCX", 5, None, "50,00,000.00"),
        ("LEAD26DECFUT", "MCX", 5, 5.0, "50,00,000.00"),
        ("LEAD26DECFUT", "MCX", 5, 7.0, "7,000.00"),
        ("UNHEARDOF26DECFUT", "MCX", 3, 3.0, "3,000.00"),
        ("USDINR26DECFUT", "CDS", 1, 1.0, "10,00,000.00"),
        ("NIFTY26DECFUT", "NFO", 1, None, "1,000.00"),
    ],
)
def test_value_counts_the_units_of_a_lot(
    symbol: str, exchange: str, lot_size: int, told: float | None, value: str
) -> None:
    future = an_instrument(symbol, exchange=exchange, kind="FUT", lot_size=lot_size)
    request = a_request("BUY", 10, price=100, instrument=future)
    assert result("order value", request, instrument=future, multiplier=told).value == value


def test_value_takes_the_price_asked_else_the_trigger_else_the_last() -> None:
    def value(**words: Any) -> str:
        return result("order value", replace(BY_RUN, **words)).value

    assert value(price=99.0) == "990.00"
    assert value(price=None, trigger_price=98.0, order_type="SL-M") == "980.00"
    assert value(price=None, order_type="MARKET") == "1,000.00"
    assert value(price=99.0, transaction_type="SELL") == "1,000.00"
    assert value(price=101.0, transaction_type="SELL") == "1,010.00"
    assert (
        result("order value", replace(BY_RUN, transaction_type="SELL", price=99.0), last_price=None).value == "990.00"
    )


def test_an_unknown_result_passes_and_is_told_as_unknown() -> None:
    for rule, limit in (("loss per day", "1,000.00"), ("strategy drawdown", "400.00")):
        assert result(rule) == RuleResult(rule, True, "unknown", limit, "")


def test_a_profit_is_no_loss() -> None:
    (loss, drawdown) = results_of("", 50.0, 20.0, 100.0, 100.0)
    assert (loss.value, drawdown.value) == ("0.00", "0.00")
    assert list(results_of("", -50.0, 0.0, 0.0, 0.0)) == []


def test_the_first_refusal_is_the_one_that_is_told() -> None:
    request = replace(BY_RUN, quantity=500, tag="")
    told = check(request, INFY, FULL, FRESH)
    assert told == Refusal("tag", "Tag '' has 0 characters, 1 to 20 allowed.", "0 characters", "1 to 20")
    assert refusal_of(examine(request, INFY, FULL, FRESH)) == told
    assert check(BY_RUN, INFY, FULL, FRESH) is None
    assert refusal_of(()) is None
    assert (Refusal("a", "b").value, Refusal("a", "b").limit) == ("", "")


@pytest.mark.parametrize(
    ("position", "side", "quantity", "working", "passes"),
    [
        (0, "BUY", 1, {}, False),
        (0, "SELL", 1, {}, False),
        (10, "BUY", 1, {}, False),
        (-10, "SELL", 1, {}, False),
        (10, "SELL", 10, {}, True),
        (10, "SELL", 11, {}, False),
        (-10, "BUY", 10, {}, True),
        (-10, "BUY", 11, {}, False),
        (1, "SELL", 1, {}, True),
        (10, "SELL", 6, {"selling": 4}, True),
        (10, "SELL", 6, {"selling": 5}, False),
        (10, "SELL", 6, {"working": -4}, True),
        (10, "SELL", 6, {"working": -5}, False),
        (10, "SELL", 10, {"working": 5, "buying": 5}, True),
        (-10, "BUY", 6, {"buying": 4}, True),
        (-10, "BUY", 6, {"buying": 5}, False),
        (-10, "BUY", 6, {"working": 5}, False),
        (-10, "BUY", 10, {"working": -5, "selling": 5}, True),
    ],
)
def test_what_shrinks_a_position(position: int, side: str, quantity: int, working: Any, passes: bool) -> None:
    assert reduces(a_request(side, quantity), Exposure(position=position, **working)) is passes


@given(st.integers(-300, 300), st.integers(0, 300), st.integers(0, 300), st.integers(1, 300), st.booleans())
def test_whatever_passes_never_leaves_more_than_the_position_limit_unless_it_shrinks(
    position: int, buying: int, selling: int, quantity: int, buys: bool
) -> None:
    request = a_request("BUY" if buys else "SELL", quantity)
    seen = replace(FRESH, position=position, buying=buying, selling=selling)
    limits = Limits(max_position_quantity=200)
    if check(request, INFY, limits, seen) is None:
        after = abs(position + request.sign * (quantity + (buying if buys else selling)))
        assert after <= max(200, abs(position))


# --- defaults and profiles ------------------------------------------------------------------------------------------


def test_the_desks_defaults() -> None:
    desk = DEFAULT_LIMITS
    assert (desk.max_order_quantity, desk.max_order_value, desk.max_orders_per_day) == (5_000, 2_500_000, 500)
    assert (desk.max_position_quantity, desk.price_band_pct) == (10_000, 10)
    assert (desk.max_working_orders, desk.max_loss_per_day, desk.max_drawdown) == (0, 0, 0)
    assert RiskLimits() == RiskLimits(desk=desk, strategy=StrategyLimits(), instruments={}, profile="own")
    zeros = [getattr(part, name) for part in (StrategyLimits(), InstrumentLimits()) for name in part.__slots__]
    assert set(zeros) == {0}


def test_profiles_go_from_tight_to_wide_and_bear_a_date_and_a_source() -> None:
    assert list(PROFILES) == ["conservative", "default", "aggressive"]
    assert (SINCE.isoformat(), bool(SOURCE)) == ("2026-11-23", True)
    tight, usual, wide = PROFILES.values()
    assert [p.profile for p in PROFILES.values()] == list(PROFILES)
    for name in Limits.__slots__:
        values = [getattr(p.desk, name) for p in (tight, usual, wide)]
        assert values == sorted(values) and values[0] > 0, name
    assert not loosened(wide, usual) and not loosened(usual, tight)
    assert loosened(tight, usual) and loosened(usual, wide)


def test_the_default_profile_is_the_desks_defaults_with_a_days_end() -> None:
    usual = PROFILES["default"].desk
    assert replace(usual, max_working_orders=0, max_loss_per_day=0.0, max_drawdown=0.0) == DEFAULT_LIMITS


def test_day_limits_by_name() -> None:
    assert day_limits(FULL) == {
        "max_orders_per_day": 5,
        "max_loss_per_day": 1_000,
        "max_drawdown": 500,
        "strategy max_orders_per_day": 4,
        "strategy max_loss_per_day": 800,
        "strategy max_drawdown": 400,
        "NSE:INFY max_orders_per_day": 3,
    }


@pytest.mark.parametrize(
    ("old", "new", "loose"),
    [
        ({"max_loss_per_day": 0.0}, {"max_loss_per_day": 100.0}, ()),
        ({"max_loss_per_day": 100.0}, {"max_loss_per_day": 100.0}, ()),
        ({"max_loss_per_day": 100.0}, {"max_loss_per_day": 99.0}, ()),
        ({"max_loss_per_day": 100.0}, {"max_loss_per_day": 101.0}, (("max_loss_per_day", 100.0, 101.0),)),
        ({"max_loss_per_day": 100.0}, {"max_loss_per_day": 0.0}, (("max_loss_per_day", 100.0, 0.0),)),
        ({"max_orders_per_day": 5}, {"max_orders_per_day": 0}, ()),
        ({"max_orders_per_day": 0}, {"max_orders_per_day": 1}, (("max_orders_per_day", 0.0, 1.0),)),
    ],
)
def test_what_loosens_a_day_limit(old: Any, new: Any, loose: Any) -> None:
    before, after = RiskLimits(desk=Limits(**old)), RiskLimits(desk=Limits(**new))
    assert loosened(before, after) == loose


MONEY = st.sampled_from([0.0, 1.0, 50.0, 1_000.0])
COUNT = st.sampled_from([0, 1, 5, 100])
SOME = st.builds(
    RiskLimits,
    desk=st.builds(Limits, max_orders_per_day=COUNT, max_loss_per_day=MONEY, max_drawdown=MONEY),
    strategy=st.builds(StrategyLimits, max_orders_per_day=COUNT, max_loss_per_day=MONEY, max_drawdown=MONEY),
    instruments=st.dictionaries(st.sampled_from("AB"), st.builds(InstrumentLimits, max_orders_per_day=COUNT)),
)


@given(SOME, SOME)
def test_the_tightest_of_two_loosens_neither_and_is_no_tighter_than_needed(a: RiskLimits, b: RiskLimits) -> None:
    both = tightest(a, b)
    assert not loosened(a, both) and not loosened(b, both)
    for name, limit in day_limits(both).items():
        assert limit in (day_limits(a).get(name), day_limits(b).get(name))
    assert replace(both.desk, max_orders_per_day=0, max_loss_per_day=0.0, max_drawdown=0.0) == replace(
        a.desk, max_orders_per_day=0, max_loss_per_day=0.0, max_drawdown=0.0
    )
    assert both.profile == a.profile and tightest(both, b) == both


def test_limits_and_results_are_not_changed_in_place_and_are_told_by_name() -> None:
    things = (Limits(), StrategyLimits(), InstrumentLimits(), RiskLimits(), Exposure(), Refusal("a", "b"),
              RuleResult("a", True, "b", "c"))  # fmt: skip
    for thing in things:
        with pytest.raises(FrozenInstanceError):
            setattr(thing, fields(thing)[0].name, 1)
        assert not hasattr(thing, "__dict__")
    for kind in (Limits, StrategyLimits, InstrumentLimits, RiskLimits, Exposure):
        with pytest.raises(TypeError):
            kind(1)  # type: ignore[misc]


def test_an_exit_at_a_limit_passes_where_no_fresh_price_is_known_and_says_so() -> None:
    leaving = a_request("SELL", 10, price=100)
    (band,) = [r for r in results(leaving, position=10, last_price=None) if r.rule == "price band"]
    assert (band.passed, band.value, band.limit) == (True, "unknown", "exits pass")
