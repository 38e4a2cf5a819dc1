"""Order limits with their dates, and every rule of an exchange with the value and limit it names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.calendar import EXCHANGES
from alphapanda_desktop.domain.compliance import LIMITS, beyond, limits_on
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.order_hours import amo_window
from alphapanda_desktop.domain.order_rules import comply, failed, iceberg_legs, on_tick
from alphapanda_desktop.domain.risk import RuleResult
from tests.fakes import a_request, an_instrument

TODAY = date(2026, 11, 23)
INFY = an_instrument()
NIFTY = an_instrument("NIFTY26NOVFUT", exchange="NFO", kind="FUT", lot_size=65, tick_size=0.1, name="NIFTY")
CALL = an_instrument("NIFTY26NOV26000CE", exchange="NFO", kind="CE", lot_size=65, name="NIFTY")
GOLD = an_instrument("GOLD26DECFUT", exchange="MCX", kind="FUT", lot_size=100, tick_size=1.0, name="GOLD")
RUPEE = an_instrument("USDINR26NOVFUT", exchange="CDS", kind="FUT", lot_size=1000, tick_size=0.0025, name="USDINR")


def at(text: str) -> datetime:
    """Aware UTC of an Indian time; a bare time is of 23 Nov 2026, a Monday."""
    day = "" if "T" in text else "2026-11-23T"
    return datetime.fromisoformat(f"{day}{text}+05:30").astimezone(UTC)


def judged(
    instrument: Instrument = INFY, when: str = "11:00", *, derivatives: bool = False, hours: bool = True, **words: Any
) -> RuleResult | None:
    """The refusal of an order, or None."""
    words.setdefault("quantity", instrument.lot)
    words.setdefault("product", "CNC" if instrument.exchange in ("NSE", "BSE") else "NRML")
    changing = words.pop("changing", False)
    request = a_request(instrument=instrument, **words)
    results = comply(request, instrument, at=at(when), has_derivatives=derivatives, hours=hours, changing=changing)
    assert all(bool(result.text) != result.passed for result in results)
    return failed(results)


def rule(instrument: Instrument = INFY, when: str = "11:00", **words: Any) -> str:
    """The name of the rule that refuses, empty when all pass."""
    refusal = judged(instrument, when, **words)
    return refusal.rule if refusal else ""


def test_the_limits_in_force_are_those_of_the_day() -> None:
    assert limits_on(TODAY).per_minute == 400
    assert limits_on(date(2026, 7, 13)).per_minute == 200
    assert limits_on(date(2026, 7, 13)).per_day == 3_000
    assert limits_on(date(2019, 1, 1)) is LIMITS[0]
    assert [row.since for row in LIMITS] == sorted(row.since for row in LIMITS)
    assert all(row.source and row.per_second == 10 and row.modifications_per_order == 25 for row in LIMITS)


def test_what_leaves_stays_under_the_limit_and_keeps_room_for_exits() -> None:
    limits = limits_on(TODAY)
    assert limits.second == 9
    assert limits.minute(for_exits=True) == 390
    assert limits.minute(for_exits=False) == 330
    assert limits.day(for_exits=True) == 5_000
    assert limits.day(for_exits=False) == 4_750


def test_a_figure_above_the_regulators_is_named_with_its_limit() -> None:
    limits = limits_on(TODAY)
    assert beyond(limits, TODAY) == ""
    assert beyond(replace(limits, per_second=11), TODAY).startswith("Order limits: per second of 11 asked, 1 to 10")
    assert "per minute of 400 asked, 1 to 200" in beyond(limits, date(2026, 7, 1))
    assert "day reserve for exits of -1" in beyond(replace(limits, day_reserve_for_exits=-1), TODAY)


def test_an_order_that_breaks_nothing_shows_every_rule_it_was_held_to() -> None:
    results = comply(a_request(price=1500.0, product="CNC"), INFY, at=at("11:00"))
    shown = {result.rule: (result.value, result.limit) for result in results}
    assert failed(results) is None
    assert shown["lot size"] == ("10", "multiples of 1")
    assert shown["tick size"] == ("1500", "multiples of 0.05")
    assert shown["product"] == ("CNC", "CNC MIS MTF")
    assert shown["validity"] == ("DAY", "DAY IOC TTL")
    assert shown["freeze quantity"] == ("10", "66666")
    assert shown["session"] == ("LIMIT at 11:00", "open: LIMIT MARKET SL SL-M")
    assert "market protection" not in shown


@pytest.mark.parametrize(
    ("words", "refusing"),
    [
        ({"instrument": NIFTY, "quantity": 64}, "lot size"),
        ({"instrument": NIFTY, "quantity": 130}, ""),
        ({"quantity": 0}, "lot size"),
        ({"instrument": GOLD, "quantity": 3}, ""),
        ({"price": 1500.03}, "tick size"),
        ({"price": 1500.35}, ""),
        ({"instrument": RUPEE, "quantity": 1000, "price": 88.1225}, ""),
        ({"instrument": RUPEE, "quantity": 1000, "price": 88.1226}, "tick size"),
        ({"price": float("nan")}, "prices of the type"),
        ({"price": float("inf")}, "tick size"),
        ({"order_type": "LIMIT"}, "prices of the type"),
        ({"order_type": "SL-M"}, "prices of the type"),
        ({"price": 100.0, "trigger_price": 100.0, "order_type": "SL"}, ""),
        ({"price": 100.0, "trigger_price": 100.05, "order_type": "SL"}, "stop and its limit"),
        ({"price": 100.05, "trigger_price": 100.0, "order_type": "SL", "side": "SELL"}, "stop and its limit"),
        ({"price": 100.0, "trigger_price": 100.05, "order_type": "SL", "side": "SELL"}, ""),
        ({"product": "NRML"}, "product"),
        ({"product": "MTF"}, ""),
        ({"instrument": NIFTY, "product": "CNC"}, "product"),
        ({"instrument": GOLD, "product": "MTF"}, "product"),
        ({"tag": ""}, "tag"),
        ({"tag": "x" * 21}, "tag"),
        ({"market_protection": None}, "market protection"),
        ({"market_protection": 101}, "market protection"),
        ({"market_protection": 0.5}, ""),
        ({"market_protection": None, "when": "2026-03-30T11:00"}, ""),
        ({"order_type": "SL-M", "trigger_price": 100.0, "market_protection": 0}, "market protection"),
        ({"order_type": "SL-M", "trigger_price": 100.0, "market_protection": 0, "changing": True}, ""),
        ({"market_protection": 0, "changing": True}, "market protection"),
        ({"validity": "IOC"}, ""),
        ({"instrument": GOLD, "validity": "IOC"}, "validity"),
        ({"instrument": GOLD, "validity": "IOC", "when": "2026-03-30T11:00"}, ""),
        ({"validity": "TTL"}, "minutes"),
        ({"validity": "TTL", "validity_ttl": 1}, ""),
        ({"validity": "TTL", "validity_ttl": 1441}, "minutes"),
        ({"validity": "TTL", "validity_ttl": 5, "variety": "amo", "when": "17:00"}, "validity"),
        ({"quantity": 100, "disclosed_quantity": 9}, "disclosed quantity"),
        ({"quantity": 101, "disclosed_quantity": 10}, "disclosed quantity"),
        ({"quantity": 101, "disclosed_quantity": 11}, ""),
        ({"quantity": 100, "disclosed_quantity": 101}, "disclosed quantity"),
        ({"instrument": NIFTY, "disclosed_quantity": 65}, "disclosed quantity"),
        ({"variety": "co", "trigger_price": 90.0, "product": "MIS"}, ""),
        ({"variety": "co", "product": "MIS"}, "prices of the type"),
        ({"variety": "co", "trigger_price": 90.0, "product": "CNC"}, "cover order"),
        ({"variety": "auction", "instrument": NIFTY}, "variety"),
        ({"variety": "iceberg", "quantity": 10, "iceberg_legs": 1, "iceberg_quantity": 10}, "iceberg legs"),
        ({"variety": "iceberg", "quantity": 100, "iceberg_legs": 51, "iceberg_quantity": 2}, "iceberg legs"),
        ({"variety": "iceberg", "quantity": 10, "iceberg_legs": 3, "iceberg_quantity": 4}, ""),
        ({"variety": "iceberg", "quantity": 10, "iceberg_legs": 3, "iceberg_quantity": 3}, "iceberg quantity"),
        ({"variety": "iceberg", "quantity": 10, "changing": True}, ""),
        ({"variety": "iceberg", "quantity": 10, "iceberg_legs": 2, "iceberg_quantity": 5, "validity": "IOC"},
         "validity"),
        ({"instrument": NIFTY, "quantity": 1755}, ""),
        ({"instrument": NIFTY, "quantity": 1820}, "freeze quantity"),
        ({"variety": "iceberg", "instrument": NIFTY, "quantity": 3510, "iceberg_legs": 2, "iceberg_quantity": 1755},
         ""),
        ({"quantity": 100_001}, "freeze quantity"),
        ({"quantity": 100_000, "price": 1000.0}, ""),
        ({"quantity": 100_000, "price": 1000.05}, "freeze quantity"),
    ],
)  # fmt: skip
def test_form_and_size(words: dict[str, Any], refusing: str) -> None:
    assert rule(**words) == refusing


def test_a_refusal_names_the_rule_the_value_and_the_limit() -> None:
    refusal = judged(NIFTY, quantity=1820)
    assert refusal is not None
    assert (refusal.value, refusal.limit) == ("1820", "1755")
    assert "1820 asked, 1755 allowed in one order; 2 orders would hold it, 10 are allowed at a time" in refusal.text
    refusal = judged(product="NRML")
    assert refusal is not None
    assert refusal.text == "Product: NRML is not taken on NSE; CNC and MIS and MTF are."


def test_an_index_cannot_be_ordered() -> None:
    assert rule(an_instrument("NIFTY 50", token=256265, segment="INDICES")) == "exchange"


def test_icebergs_had_fewer_legs_before() -> None:
    assert iceberg_legs(date(2024, 1, 1)) == (2, 10)
    assert iceberg_legs(TODAY) == (2, 50)


@pytest.mark.parametrize(
    ("instrument", "derivatives", "when", "taken"),
    [
        (INFY, False, "08:59", ""),
        (INFY, False, "09:00", "LIMIT MARKET"),
        (INFY, False, "09:07", "LIMIT MARKET"),
        (INFY, False, "09:08", ""),
        (INFY, False, "09:15", "LIMIT MARKET SL SL-M"),
        (INFY, False, "15:29:59", "LIMIT MARKET SL SL-M"),
        (INFY, False, "15:30", ""),
        (INFY, False, "15:45", "LIMIT MARKET"),
        (INFY, True, "15:14:59", "LIMIT MARKET SL SL-M"),
        (INFY, True, "15:15", ""),
        (INFY, True, "15:20", "LIMIT MARKET"),
        (INFY, True, "15:25", "LIMIT"),
        (INFY, True, "15:30", ""),
        (INFY, True, "15:45", ""),
        (INFY, True, "15:50", "LIMIT MARKET"),
        (INFY, True, "2026-07-31T15:20", "LIMIT MARKET SL SL-M"),
        (INFY, True, "2026-07-31T15:45", "LIMIT MARKET"),
        (NIFTY, False, "15:39", "LIMIT MARKET SL SL-M"),
        (NIFTY, False, "2026-07-31T15:39", ""),
        (NIFTY, False, "09:05", "LIMIT MARKET"),
        (CALL, False, "09:05", ""),
        (NIFTY, False, "2025-12-05T09:05", ""),
        (RUPEE, False, "16:59", "LIMIT MARKET SL SL-M"),
        (RUPEE, False, "17:00", ""),
        (GOLD, False, "23:54", "LIMIT MARKET SL SL-M"),
        (GOLD, False, "2026-10-30T23:40", ""),
        (GOLD, False, "2026-11-24T11:00", ""),
        (GOLD, False, "2026-11-24T17:00", "LIMIT MARKET SL SL-M"),
        (INFY, False, "2026-11-24T11:00", ""),
        (INFY, False, "2026-11-22T11:00", ""),
        (INFY, False, "2025-10-21T13:35", "LIMIT MARKET"),
        (INFY, False, "2025-10-21T13:38", ""),
        (INFY, False, "2025-10-21T13:45", "LIMIT MARKET SL SL-M"),
    ],
)
def test_the_types_that_enter_at_a_time(instrument: Instrument, derivatives: bool, when: str, taken: str) -> None:
    words: dict[str, dict[str, Any]] = {
        "LIMIT": {"price": 100.0},
        "MARKET": {},
        "SL": {"order_type": "SL", "price": 100.0, "trigger_price": 100.0},
        "SL-M": {"order_type": "SL-M", "trigger_price": 100.0},
    }
    passing = [kind for kind, more in words.items() if not rule(instrument, when, derivatives=derivatives, **more)]
    assert " ".join(passing) == taken
    assert all(not rule(instrument, when, derivatives=derivatives, hours=False, **more) for more in words.values())
    assert all(not rule(instrument, when, derivatives=derivatives, changing=True, **more) for more in words.values())


@pytest.mark.parametrize(
    ("words", "when", "refusing"),
    [
        ({"validity": "IOC"}, "15:21", "closing auction"),
        ({"disclosed_quantity": 1}, "15:21", "closing auction"),
        ({"validity": "TTL", "validity_ttl": 5}, "15:21", "continuous trading"),
        ({"variety": "iceberg", "quantity": 10, "iceberg_legs": 2, "iceberg_quantity": 5}, "15:21",
         "continuous trading"),
        ({"variety": "co", "trigger_price": 90.0, "product": "MIS"}, "09:05", "continuous trading"),
        ({"validity": "IOC"}, "15:14", ""),
    ],
)  # fmt: skip
def test_what_the_closing_auction_and_the_pre_open_leave_out(words: dict[str, Any], when: str, refusing: str) -> None:
    assert rule(INFY, when, derivatives=True, price=100.0, **words) == refusing


@pytest.mark.parametrize(
    ("instrument", "when", "taken"),
    [
        (INFY, "15:59", False),
        (INFY, "16:00", True),
        (INFY, "23:59", True),
        (INFY, "00:00", False),
        (INFY, "05:29", False),
        (INFY, "05:30", True),
        (INFY, "08:57", True),
        (INFY, "08:58", False),
        (INFY, "11:00", False),
        (INFY, "2026-11-24T11:00", True),
        (INFY, "2026-11-22T11:00", True),
        (INFY, "2025-10-21T16:00", True),
        (INFY, "2024-11-01T18:30", False),
        (INFY, "2024-11-01T19:00", True),
        (NIFTY, "15:44", False),
        (NIFTY, "15:45", True),
        (NIFTY, "09:09", True),
        (RUPEE, "17:00", True),
        (GOLD, "23:54", False),
        (GOLD, "23:55", True),
        (GOLD, "2026-07-01T23:30", True),
    ],
)
def test_after_market_windows(instrument: Instrument, when: str, taken: bool) -> None:
    assert rule(instrument, when, variety="amo") == ("" if taken else "after-market window")
    assert rule(instrument, when, variety="amo", hours=False) == ""


def test_a_special_session_without_times_is_left_to_the_broker_and_said_so() -> None:
    results = comply(a_request(product="CNC"), INFY, at=at("2026-11-08T18:30"))
    assert failed(results) is None
    assert [result.value for result in results if result.rule == "session"] == ["times not known"]


def test_every_exchange_has_an_after_market_window() -> None:
    assert {exchange: amo_window(exchange, date(2026, 11, 22))[0] for exchange in EXCHANGES} == dict.fromkeys(EXCHANGES)
    assert all(amo_window(exchange, TODAY)[0] is not None for exchange in EXCHANGES)


@given(st.integers(1, 10_000_000), st.sampled_from([0.0025, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0]))
def test_a_count_of_ticks_is_on_the_tick_and_a_fifth_beside_it_is_not(count: int, tick: float) -> None:
    assert on_tick(count * tick, tick)
    assert on_tick(round(count * tick, 4), tick)
    assert not on_tick(count * tick + tick / 5, tick)


@given(
    st.sampled_from([INFY, NIFTY, CALL, GOLD, RUPEE]),
    st.integers(0, 365 * 86_400),
    st.booleans(),
    st.sampled_from(["regular", "amo", "co", "iceberg", "auction"]),
    st.sampled_from(["MARKET", "LIMIT", "SL", "SL-M"]),
    st.sampled_from(["DAY", "IOC", "TTL"]),
    st.floats() | st.none(),
    st.integers(-5, 10**9),
)
def test_whatever_is_asked_every_rule_answers(
    instrument: Instrument,
    second: int,
    derivatives: bool,
    variety: str,
    order_type: str,
    validity: str,
    price: float | None,
    quantity: int,
) -> None:
    when = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=second)
    request = a_request(
        instrument=instrument,
        quantity=quantity,
        price=price,
        variety=variety,
        order_type=order_type,
        validity=validity,
        trigger_price=price,
        iceberg_legs=quantity % 60,
        disclosed_quantity=quantity % 7,
    )
    results = comply(request, instrument, at=when, has_derivatives=derivatives)
    assert len(results) >= 7
    assert all(result.rule and result.limit and bool(result.text) != result.passed for result in results)
