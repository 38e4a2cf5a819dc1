"""Orders through their whole life, over a market that moves only when told to."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.matching import Execution
from alphapanda_desktop.sim.answers import KiteError
from alphapanda_desktop.sim.orders import SimOrder
from alphapanda_desktop.sim.venue import LocalKite
from tests.sim.practice_kite import CALL, CRUDE, FUT, INFY, LEVEL, NIFTY, NOON, SBIN, StillMarket, order, still_kite

PROTECTED = {"order_type": "MARKET", "price": None, "market_protection": -1}


def place(kite: LocalKite, form: dict[str, str], variety: str = "regular") -> SimOrder:
    """The order as it stands when it has gone to the exchange."""
    placed: Any = kite.exchange.place(variety, form)
    kite.exchange.settle_all()
    return kite.book.get(placed["order_id"])


def statuses(row: SimOrder) -> list[object]:
    return [one["status"] for one in row.history]


def market_of(kite: LocalKite) -> StillMarket:
    assert isinstance(kite.market, StillMarket)
    return kite.market


def refused(kite: LocalKite, form: dict[str, str], variety: str = "regular") -> KiteError:
    with pytest.raises(KiteError) as caught:
        kite.exchange.place(variety, form)
    assert kite.book.rows() == [], "a refusal leaves no row"
    return caught.value


def test_a_crossing_limit_order_goes_through_every_status_and_fills() -> None:
    row = place(still_kite(), order(price=1500.1))
    assert statuses(row) == [
        "PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN", "COMPLETE",
    ]  # fmt: skip
    assert (row.filled_quantity, row.average_price, row.pending_quantity) == (10, 1500.1, 0)
    assert row.history[0]["instrument_token"] == 1 and row.history[1]["instrument_token"] == INFY.instrument_token
    assert row.exchange_order_id and row.exchange_timestamp == "2026-11-23 12:00:00"


def test_a_limit_order_below_the_market_rests_until_the_market_comes_through_it() -> None:
    kite = still_kite()
    row = place(kite, order(price=1495))
    assert row.status == "OPEN"
    market_of(kite).move(INFY, 1495.0)
    assert row.status == "OPEN", "touching is not enough"
    market_of(kite).move(INFY, 1494.8)
    assert (row.status, row.average_price) == ("COMPLETE", 1495)


def test_a_large_order_fills_level_by_level_and_keeps_the_rest_open() -> None:
    kite = still_kite("market_protection=on")
    row = place(kite, order(quantity=LEVEL * 2 + 100, price=1500.2))
    assert (row.status, row.filled_quantity) == ("OPEN", LEVEL * 2)
    assert row.average_price == pytest.approx(1500.15)
    assert [trade["quantity"] for trade in kite.book.trades(row.order_id)] == [LEVEL, LEVEL]


def test_a_protected_market_order_becomes_a_limit_order_at_the_protection_price() -> None:
    row = place(still_kite(), order(**PROTECTED))
    assert (row.order_type, row.price, row.market_protection) == ("LIMIT", 1530.0, 0)
    assert row.tags == ["mktp", "mktp:2.00"]
    assert row.status == "COMPLETE"


@pytest.mark.parametrize("kind", ["MARKET", "SL-M"])
def test_a_bare_market_order_is_refused_where_protection_is_the_rule(kind: str) -> None:
    error = refused(still_kite(), order(order_type=kind, price=None, trigger_price=1510))
    assert (error.status, error.error_type) == (400, "InputException")
    assert error.message.startswith("Market orders without market protection are not allowed via API.")


def test_a_bare_market_order_stays_one_where_protection_is_off() -> None:
    row = place(still_kite("market_protection=off"), order(order_type="MARKET", price=None))
    assert (row.order_type, row.price, row.status, row.average_price) == ("MARKET", 0.0, "COMPLETE", 1500.1)


def test_a_stop_waits_for_its_trigger_and_then_trades_within_its_limit() -> None:
    kite = still_kite()
    row = place(kite, order(order_type="SL", trigger_price=1510, price=1512))
    assert (row.status, row.exchange_order_id is not None) == ("TRIGGER PENDING", True)
    market_of(kite).move(INFY, 1510.0)
    assert row.status == "COMPLETE" and 1510 < row.average_price <= 1512
    assert "TRIGGER PENDING" in statuses(row) and "OPEN" in statuses(row)


def test_a_protected_stop_market_order_is_a_stop_with_a_limit() -> None:
    row = place(still_kite(), order(order_type="SL-M", price=None, trigger_price=1510, market_protection=1))
    assert (row.order_type, row.price, row.status) == ("SL", 1525.1, "TRIGGER PENDING")


def test_a_stop_on_the_wrong_side_is_refused_by_kite_now_and_by_the_exchange_before() -> None:
    form = order(order_type="SL", trigger_price=1490, price=1495)
    assert "should be higher than the last traded price (1500)" in refused(still_kite(), form).message
    row = place(still_kite("market_protection=off"), form)
    assert (row.status, row.exchange_order_id, row.pending_quantity) == ("REJECTED", None, 0)
    assert row.status_message and row.status_message_raw and row.status_message_raw.startswith("RMS:")


def test_an_immediate_order_fills_what_it_can_and_cancels_the_rest() -> None:
    row = place(still_kite(), order(quantity=LEVEL + 50, price=1500.1, validity="IOC"))
    assert (row.status, row.filled_quantity, row.cancelled_quantity) == ("CANCELLED", LEVEL, 50)


def test_an_order_with_minutes_to_live_is_cancelled_when_they_are_over() -> None:
    kite = still_kite()
    row = place(kite, order(price=1490, validity="TTL", validity_ttl=2))
    kite.clock.jump_to(kite.clock.now() + timedelta(seconds=119))
    kite.market.step()
    assert row.status == "OPEN"
    kite.clock.jump_to(kite.clock.now() + timedelta(seconds=1))
    kite.market.step()
    assert row.status == "CANCELLED"


def test_a_modification_is_noted_step_by_step_and_can_fill_at_once() -> None:
    kite = still_kite()
    row = place(kite, order(price=1490))
    assert kite.exchange.modify("regular", row.order_id, {"price": "1495", "quantity": "20"}) == row.order_id
    assert (row.price, row.quantity, row.status, row.modified) == (1495, 20, "OPEN", True)
    assert statuses(row)[-4:] == ["MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "OPEN"]
    kite.exchange.modify("regular", row.order_id, {"price": "1500.1"})
    assert row.status == "COMPLETE"


def test_the_socket_says_update_of_an_open_order_that_was_modified_or_partly_filled() -> None:
    kite, told = still_kite(), list[object]()
    row = place(kite, order(price=1490))
    stop = place(
        kite, order(transaction_type="SELL", order_type="SL-M", price=None, trigger_price=1480, market_protection=-1)
    )
    kite.book.publish = lambda body: told.append(body["status"])
    kite.exchange.modify("regular", row.order_id, {"price": "1491"})
    kite.exchange.modify("regular", stop.order_id, {"trigger_price": "1481"})
    assert told == ["MODIFY VALIDATION PENDING", "MODIFY PENDING", "MODIFIED", "UPDATE"] * 2
    assert [row.status, stop.status] == ["OPEN", "TRIGGER PENDING"], "no order in the book bears that word"
    told.clear()
    kite.book.fill(row, Execution(1491.0, 3))
    kite.book.fill(row, Execution(1491.0, 7))
    assert told == ["UPDATE", "COMPLETE"]


def test_a_limit_order_turned_into_a_market_order_needs_protection() -> None:
    kite = still_kite()
    row = place(kite, order(price=1490))
    with pytest.raises(KiteError, match="without market protection"):
        kite.exchange.modify("regular", row.order_id, {"order_type": "MARKET"})
    assert row.status == "OPEN" and row.order_type == "LIMIT"
    kite.exchange.modify("regular", row.order_id, {"order_type": "MARKET", "market_protection": "-1"})
    assert (row.order_type, row.status) == ("LIMIT", "COMPLETE")


def test_the_26th_modification_is_refused() -> None:
    kite = still_kite()
    row = place(kite, order(price=1400))
    for n in range(25):
        kite.exchange.modify("regular", row.order_id, {"price": str(1401 + n)})
    with pytest.raises(KiteError, match="Maximum allowed order modifications exceeded"):
        kite.exchange.modify("regular", row.order_id, {"price": "1450"})


def test_a_partly_filled_order_that_is_cancelled_keeps_its_position() -> None:
    kite = still_kite()
    row = place(kite, order(quantity=LEVEL + 50, price=1500.1))
    kite.exchange.cancel("regular", row.order_id)
    assert statuses(row)[-2:] == ["CANCEL PENDING", "CANCELLED"]
    assert (row.filled_quantity, row.cancelled_quantity, row.pending_quantity) == (LEVEL, 50, 50)
    assert kite.book.accounts.positions["NSE", "INFY", "MIS"].quantity == LEVEL


def test_an_ended_order_can_be_neither_modified_nor_cancelled() -> None:
    kite = still_kite()
    row = place(kite, order(price=1500.1))
    for act in (
        lambda: kite.exchange.cancel("regular", row.order_id),
        lambda: kite.exchange.modify("regular", row.order_id, {"price": "1400"}),
    ):
        with pytest.raises(KiteError, match="It is COMPLETE") as caught:
            act()
        assert caught.value.error_type == "OrderException"


@pytest.mark.parametrize(
    ("form", "text"),
    [
        (order(quantity=None), "Missing or empty field `quantity`"),
        (order(order_type="STOP"), "Invalid `order_type`."),
        (order(price=None), "Missing or empty field `price`"),
        (order(price=1500.03), "Tick size for this script is 0.10. Kindly enter price in the multiple of tick size"),
        (order(price=1300), "lower than the current lower circuit limit of 1350."),
        (order(price=1700), "higher than the current upper circuit limit of 1650."),
        (order(product="NRML"), "Trading in NSE is not allowed using NRML product type."),
        (order(FUT, price=25000, product="CNC", quantity=65), "Trading in NFO is not allowed using CNC"),
        (order(FUT, price=25000, product="NRML", quantity=60), "multiples of the lot size 65"),
        (order(FUT, price=25000, product="NRML", quantity=1820),
         "The order quantity 1820 (28 lots) is higher than the maximum quantity of 1755 (27 lots)"),
        (order(quantity=100_001, price=1500), "Maximum quantity per order for Equity is 1,00,000"),
        (order(quantity=90_000, price=1500), "Maximum value per order for Equity"),
        (order(tag="x" * 21), "Invalid `tag`"),
        (order(NIFTY, price=25000), "expired or does not exist"),
        (order(tradingsymbol="NOSUCH"), "expired or does not exist"),
        (order(CRUDE, price=5600, product="NRML", quantity=1, validity="IOC"), "IOC validity is not allowed for MCX"),
        (order(validity="TTL"), "Missing or empty field `validity_ttl`"),
        (order(disclosed_quantity=0.5), "Invalid `disclosed_quantity`"),
        (order(quantity=100, disclosed_quantity=9), "Disclosed quantity should be between 10%"),
        (order(order_type="SL", trigger_price=1600, price=1590), "Trigger price should be lower than or equal"),
        (order(order_type="SL", trigger_price=1660, price=1660), "higher than the current upper circuit limit"),
        (order(price="nan"), "Invalid `price`."),
        (order(market_protection=101, order_type="MARKET"), "Invalid `market_protection`."),
    ],
)  # fmt: skip
def test_kite_refuses_what_its_own_checks_find(form: dict[str, str], text: str) -> None:
    error = refused(still_kite(), form)
    assert error.status == 400 and error.error_type == "InputException"
    assert text in error.message


def test_an_order_beyond_the_funds_is_refused_with_both_figures() -> None:
    error = refused(still_kite(), order(quantity=1000, product="CNC"))
    assert error.error_type == "MarginException"
    expected = "Insufficient funds. Required margin is 1500000.00 but available margin is 1000000.00."
    assert error.message == expected


def test_an_iceberg_shows_one_leg_at_a_time() -> None:
    kite = still_kite()
    form = order(quantity=1000, price=1495, iceberg_legs=3, iceberg_quantity=334)
    first = place(kite, form, "iceberg")
    assert first.quantity == 334 and len(kite.book.rows()) == 1
    market_of(kite).move(INFY, 1494.0)
    legs = [kite.book.get(str(row["order_id"])) for row in kite.book.rows()]
    assert [leg.quantity for leg in legs] == [334, 334, 332]
    assert [leg.meta["iceberg"]["leg"] for leg in legs] == [1, 2, 3]  # type: ignore[index]
    assert [leg.status for leg in legs] == ["COMPLETE"] * 3
    assert legs[2].meta["iceberg"]["remaining_quantity"] == 0  # type: ignore[index]


@pytest.mark.parametrize(("legs", "quantity"), [(1, 1000), (51, 20), (3, 300)])
def test_wrong_iceberg_sums_are_refused(legs: int, quantity: int) -> None:
    form = order(quantity=1000, iceberg_legs=legs, iceberg_quantity=quantity)
    assert "iceberg_" in refused(still_kite(), form, "iceberg").message


def test_a_cover_order_gets_its_stop_when_it_fills_and_is_exited_through_it() -> None:
    kite = still_kite()
    entry = place(kite, order(price=1500.1, trigger_price=1480), "co")
    stop = kite.book.get(str(kite.book.rows()[-1]["order_id"]))
    assert (entry.status, entry.product) == ("COMPLETE", "CO")
    assert (stop.parent_order_id, stop.transaction_type, stop.status) == (entry.order_id, "SELL", "TRIGGER PENDING")
    kite.exchange.modify("co", stop.order_id, {"trigger_price": "1470"})
    assert (stop.status, stop.trigger_price) == ("TRIGGER PENDING", 1470)
    kite.exchange.cancel("co", stop.order_id, entry.order_id)
    assert stop.status == "COMPLETE"
    assert kite.book.accounts.positions["NSE", "INFY", "CO"].quantity == 0


def test_an_auction_order_waits_for_the_auction() -> None:
    kite = still_kite()
    form = order(SBIN, transaction_type="SELL", product="CNC", quantity=3, price=790, auction_number="7529")
    row = place(kite, form, "auction")
    market_of(kite).move(SBIN, 805.0)
    assert (row.status, row.auction_number) == ("OPEN", "7529")


def test_slices_of_an_order_above_the_freeze_quantity_carry_their_parent() -> None:
    kite = still_kite()
    form = order(CALL, quantity=65 * 60, price=100, product="NRML", autoslice="true")
    placed: Any = kite.exchange.place("regular", form)
    rows = kite.book.rows()
    assert [row["quantity"] for row in rows] == [1755, 1755, 390]
    assert [child["order_id"] for child in placed["children"]] == [row["order_id"] for row in rows]
    assert all(row["tags"] == ["autoslice", f"autoslice:{placed['order_id']}"] for row in rows)


def test_a_slice_that_fails_is_told_among_the_others() -> None:
    kite = still_kite()
    form = order(FUT, quantity=65 * 60, price=25000, product="NRML", autoslice="true")
    placed: Any = kite.exchange.place("regular", form)
    errors = [child["error"] for child in placed["children"] if "error" in child]
    assert errors and errors[0]["error_type"] == "MarginException" and errors[0]["code"] == 400
    flat = still_kite("autoslice=v1").exchange.place("regular", form)
    assert isinstance(flat, list) and len(flat) == 3


def test_an_after_market_order_waits_for_the_next_opening() -> None:
    kite = still_kite("hours=real")
    market_of(kite).open = False
    kite.clock.jump_to(kite.clock.now() + timedelta(hours=6))
    assert "closed" in refused(kite, order()).message
    row = place(kite, order(price=1500.1), "amo")
    assert row.status == "AMO REQ RECEIVED"
    market_of(kite).open = True
    kite.clock.jump_to(kite.clock.now() + timedelta(hours=39, minutes=20))  # the 24th is a holiday
    kite.market.step()
    assert row.status == "COMPLETE"
    assert kite.book.rows(), "it outlived the change of day"


@pytest.mark.parametrize(
    ("hours", "minutes", "text"),
    [(0, 0, "from 16:00 to 08:58"), (3, 45, "from 16:00"), (4, 0, ""), (13, 0, "scheduled maintenance"),
     (17, 40, ""), (20, 57, ""), (45, 0, "from 16:00")],
)  # fmt: skip
def test_after_market_orders_have_their_window(hours: int, minutes: int, text: str) -> None:
    kite = still_kite("hours=real")
    kite.clock.jump_to(NOON + timedelta(hours=hours, minutes=minutes))
    if text:
        assert text in refused(kite, order(), "amo").message
    else:
        assert place(kite, order(), "amo").status == "AMO REQ RECEIVED"


def test_a_new_trading_day_empties_the_book_and_carries_derivatives() -> None:
    kite = still_kite()
    place(kite, order(FUT, quantity=65, price=25000.1, product="NRML"))
    place(kite, order(price=1490))
    place(kite, order(SBIN, quantity=10, price=800.05, product="CNC"))
    kite.clock.jump_to(kite.clock.now() + timedelta(hours=18))
    kite.market.step()
    assert kite.book.rows() == [] and kite.book.trades() == []
    positions = kite.book.accounts.positions
    assert list(positions) == [("NFO", "NIFTY26NOVFUT", "NRML")]
    assert positions["NFO", "NIFTY26NOVFUT", "NRML"].overnight_quantity == 65
    sbin = next(row for row in kite.book.accounts.holdings.rows() if row["tradingsymbol"] == "SBIN")
    assert (sbin["quantity"], sbin["t1_quantity"]) == (100, 10)


def test_ids_are_nineteen_digits_and_rise() -> None:
    kite = still_kite()
    ids = [place(kite, order(price=1490)).order_id for _ in range(20)]
    assert ids == sorted(set(ids)) and {len(id_) for id_ in ids} == {19}


def test_the_exchange_rejects_every_order_when_the_scenario_asks() -> None:
    kite = still_kite()
    kite.director.play("rejecting")
    row = place(kite, order())
    assert (row.status, row.exchange_order_id) == ("REJECTED", None)
    kite.director.play("calm")
    assert place(kite, order(price=1490)).status == "OPEN"


def test_an_after_market_order_can_be_changed_and_withdrawn_while_it_waits() -> None:
    kite = still_kite("hours=real")
    market_of(kite).open = False
    kite.clock.jump_to(NOON + timedelta(hours=6))
    row = place(kite, order(price=1490), "amo")
    kite.exchange.modify("amo", row.order_id, {"price": "1480"})
    assert (row.status, row.price) == ("AMO REQ RECEIVED", 1480)
    kite.exchange.cancel("amo", row.order_id)
    assert row.status == "CANCELLED" and row.exchange_order_id is None


def test_an_iceberg_stops_at_the_days_cap_without_stopping_the_market() -> None:
    kite = still_kite()
    place(kite, order(quantity=100, price=1495, iceberg_legs=2, iceberg_quantity=50), "iceberg")
    kite.limits.orders_today = 5_000
    market_of(kite).move(INFY, 1494.0)
    assert [row["status"] for row in kite.book.rows()] == ["COMPLETE", "REJECTED"]
    assert "Maximum allowed order requests exceeded." in str(kite.book.rows()[1]["status_message"])
