"""The keeper of the limits: what trips it, what it lets be changed, and what a restart finds."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from alphapanda_desktop.domain.errors import Refused
from alphapanda_desktop.domain.risk import Exposure, InstrumentLimits, Limits, RiskLimits, StrategyLimits
from alphapanda_desktop.domain.risk_profiles import PROFILES
from alphapanda_desktop.domain.session import trading_day
from alphapanda_desktop.trading.riskkeeper import KIND, RiskKeeper, limits_from
from tests.fakes import NOON, FakeClock, FakeJournal, a_request, an_instrument

INFY = an_instrument()
DAY = trading_day(NOON)
LIMITS = RiskLimits(
    desk=Limits(max_orders_per_day=100, max_loss_per_day=5_000, max_drawdown=3_000),
    strategy=StrategyLimits(max_orders_per_day=50, max_loss_per_day=2_000, max_drawdown=1_500),
    instruments={"NSE:INFY": InstrumentLimits(max_orders_per_day=10)},
)


class Parts:
    """A keeper with its fakes; `again` is the program started anew."""

    def __init__(self, limits: RiskLimits = LIMITS) -> None:
        self.journal, self.clock = FakeJournal(), FakeClock()
        self.keeper = RiskKeeper(self.journal, self.clock, limits)

    def again(self, limits: RiskLimits = LIMITS) -> RiskKeeper:
        self.keeper = RiskKeeper(self.journal, self.clock, limits)
        return self.keeper

    @property
    def kept(self) -> list[dict[str, Any]]:
        return [dict(event.detail) for event in self.journal.event_rows if event.kind == KIND]


@pytest.fixture
def parts() -> Parts:
    return Parts()


def desk(limits: RiskLimits = LIMITS, **words: Any) -> RiskLimits:
    return replace(limits, desk=replace(limits.desk, **words))


def strategy(**words: Any) -> RiskLimits:
    return replace(LIMITS, strategy=replace(LIMITS.strategy, **words))


# --- what trips it --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("pnl", [0.0, 4_000.0, -2_999.99, None])
def test_a_result_inside_the_limits_says_nothing(parts: Parts, pnl: float | None) -> None:
    assert parts.keeper.heed(pnl) == ""


def test_the_days_loss_names_rule_value_and_limit() -> None:
    keeper = Parts(desk(max_drawdown=0)).keeper
    assert keeper.heed(-4_999.99) == ""
    assert keeper.heed(-5_000) == "Loss per day: 5,000.00 lost, 5,000.00 allowed."
    assert keeper.heed(-7_500.5) == "Loss per day: 7,500.50 lost, 5,000.00 allowed."


def test_a_fall_from_the_days_peak_trips_though_the_day_is_in_profit(parts: Parts) -> None:
    assert parts.keeper.heed(4_000) == ""
    assert parts.keeper.heed(1_000.01) == ""
    assert parts.keeper.heed(1_000) == "Drawdown: 3,000.00 lost, 3,000.00 allowed."


def test_a_peak_is_not_forgotten_on_the_way_down(parts: Parts) -> None:
    for pnl in (2_000.0, 4_000.0, 3_000.0):
        assert parts.keeper.heed(pnl) == ""
    assert parts.keeper.heed(900) != ""


def test_an_unknown_result_neither_trips_nor_clears(parts: Parts) -> None:
    parts.keeper.heed(-6_000)
    assert parts.keeper.heed(None) == ""
    (refused,) = [
        r for r in parts.keeper.examine(a_request(price=100), INFY, Exposure(last_price=100)) if not r.passed
    ][:1]
    assert refused.rule == "loss per day"


def test_limits_that_are_off_never_trip() -> None:
    keeper = Parts(RiskLimits()).keeper
    keeper.heed(10**9)
    assert keeper.heed(-(10.0**9)) == ""


# --- what it adds to an examination ---------------------------------------------------------------------------------


def found(keeper: RiskKeeper, rule: str, request: Any = None, **exposure: Any) -> tuple[bool, str, str]:
    results = keeper.examine(request or a_request(price=100), INFY, Exposure(last_price=100, **exposure))
    return next((r.passed, r.value, r.limit) for r in results if r.rule == rule)


def test_every_order_is_held_against_what_was_last_heard(parts: Parts) -> None:
    parts.keeper.heed(1_000)
    parts.keeper.heed(-1_500)
    assert found(parts.keeper, "loss per day") == (True, "1,500.00", "5,000.00")
    assert found(parts.keeper, "drawdown") == (True, "2,500.00", "3,000.00")
    assert found(parts.keeper, "loss per day", day_pnl=-6_000) == (False, "6,000.00", "5,000.00")
    assert found(parts.keeper, "drawdown", day_peak=9_000) == (False, "10,500.00", "3,000.00")


def test_before_anything_is_heard_the_days_result_is_unknown(parts: Parts) -> None:
    assert found(parts.keeper, "loss per day") == (True, "unknown", "5,000.00")


def test_a_runs_peak_is_kept_for_each_run(parts: Parts) -> None:
    run, other = a_request(price=100, strategy="run"), a_request(price=100, strategy="other")
    assert found(parts.keeper, "strategy drawdown", run, strategy_pnl=1_000) == (True, "0.00", "1,500.00")
    assert found(parts.keeper, "strategy drawdown", run, strategy_pnl=-499.0) == (True, "1,499.00", "1,500.00")
    assert found(parts.keeper, "strategy drawdown", run, strategy_pnl=-500.0) == (False, "1,500.00", "1,500.00")
    assert found(parts.keeper, "strategy drawdown", other, strategy_pnl=-500.0) == (True, "500.00", "1,500.00")
    assert found(parts.keeper, "strategy drawdown", run, strategy_pnl=None) == (True, "unknown", "1,500.00")
    assert found(parts.keeper, "strategy drawdown", other, strategy_pnl=0.0, strategy_peak=2_000)[0] is False


# --- changing -------------------------------------------------------------------------------------------------------


def test_a_change_is_journaled_before_it_is_in_force(parts: Parts, arun: Any) -> None:
    parts.journal.fails = OSError("disk full")
    tight = desk(max_loss_per_day=1_000)
    with pytest.raises(OSError, match="disk full"):
        arun(parts.keeper.change(tight))
    assert parts.keeper.limits == LIMITS and parts.kept == []
    parts.journal.fails = None
    arun(parts.keeper.change(tight))
    assert parts.keeper.limits == tight
    (event,) = parts.journal.event_rows
    assert (event.kind, event.at, event.detail["why"], event.detail["day"]) == ("limits", NOON, "changed", "2026-11-23")
    assert limits_from(json.loads(json.dumps(event.detail))["limits"]) == tight


def test_listeners_hear_of_a_change_and_not_of_a_refusal(parts: Parts, arun: Any) -> None:
    heard: list[RiskLimits] = []
    parts.keeper.changed.connect(lambda: heard.append(parts.keeper.limits))
    with pytest.raises(Refused):
        arun(parts.keeper.change(desk(max_loss_per_day=6_000)))
    assert heard == []
    arun(parts.keeper.change(desk(max_order_quantity=1)))
    assert heard == [desk(max_order_quantity=1)]


@pytest.mark.parametrize(
    ("looser", "name", "words"),
    [
        (desk(max_loss_per_day=5_001), "max_loss_per_day", "max_loss_per_day is 5,000, 5,001 asked"),
        (desk(max_loss_per_day=0), "max_loss_per_day", "max_loss_per_day is 5,000, off asked"),
        (desk(max_drawdown=3_000.5), "max_drawdown", "max_drawdown is 3,000, 3,000.50 asked"),
        (desk(max_orders_per_day=101), "max_orders_per_day", "max_orders_per_day is 100, 101 asked"),
        (strategy(max_loss_per_day=0), "strategy max_loss_per_day", "strategy max_loss_per_day is 2,000, off asked"),
        (strategy(max_drawdown=1_501), "strategy max_drawdown", "strategy max_drawdown is 1,500, 1,501 asked"),
        (strategy(max_orders_per_day=51), "strategy max_orders_per_day", "max_orders_per_day is 50, 51 asked"),
        (replace(LIMITS, instruments={}), "NSE:INFY max_orders_per_day", "max_orders_per_day is 10, off asked"),
    ],
)
def test_a_day_limit_cannot_be_loosened_today(
    parts: Parts, arun: Any, looser: RiskLimits, name: str, words: str
) -> None:
    with pytest.raises(Refused, match="Day limits can be tightened, not loosened, until tomorrow: ") as refused:
        arun(parts.keeper.change(looser))
    assert words in str(refused.value) and refused.value.rule == name
    assert parts.keeper.limits == LIMITS and parts.kept == []


def test_other_limits_may_be_loosened_at_any_time(parts: Parts, arun: Any) -> None:
    looser = desk(max_order_quantity=10**6, max_order_value=1e9, max_position_quantity=10**6, price_band_pct=50,
                  max_working_orders=0)  # fmt: skip
    arun(parts.keeper.change(looser))
    assert parts.keeper.limits == looser


def test_a_limit_that_was_off_may_be_set(arun: Any) -> None:
    parts = Parts(RiskLimits())
    arun(parts.keeper.change(PROFILES["conservative"]))
    assert parts.keeper.limits == PROFILES["conservative"]


# --- restarts and days ----------------------------------------------------------------------------------------------


def test_the_first_recall_of_a_day_writes_down_what_is_in_force(parts: Parts, arun: Any) -> None:
    arun(parts.keeper.recall(DAY))
    assert parts.keeper.limits == LIMITS
    assert [(k["why"], k["peak"]) for k in parts.kept] == [("the day began", 0.0)]
    arun(parts.again().recall(DAY))
    assert len(parts.kept) == 1


def test_what_was_tightened_today_holds_over_a_restart(parts: Parts, arun: Any) -> None:
    arun(parts.keeper.recall(DAY))
    tight = desk(max_loss_per_day=1_000)
    arun(parts.keeper.change(tight))
    arun(parts.again().recall(DAY))
    assert parts.keeper.limits == tight
    with pytest.raises(Refused):
        arun(parts.keeper.change(LIMITS))


def test_settings_loosened_on_disk_hold_from_tomorrow(parts: Parts, arun: Any) -> None:
    arun(parts.keeper.recall(DAY))
    loose = RiskLimits(desk=Limits(max_orders_per_day=1_000, max_order_quantity=9), profile="aggressive")
    arun(parts.again(loose).recall(DAY))
    held = parts.keeper.limits
    assert (held.desk.max_loss_per_day, held.desk.max_drawdown, held.desk.max_orders_per_day) == (5_000, 3_000, 100)
    assert held.strategy == replace(StrategyLimits(), max_orders_per_day=50, max_loss_per_day=2_000, max_drawdown=1_500)
    assert held.instruments == {"NSE:INFY": InstrumentLimits(max_orders_per_day=10)}
    assert (held.desk.max_order_quantity, held.profile) == (9, "aggressive")
    parts.clock.at += timedelta(days=1)
    arun(parts.keeper.recall(DAY + timedelta(days=1)))
    assert parts.keeper.limits == loose


def test_the_tightest_of_several_changes_holds(parts: Parts, arun: Any) -> None:
    for loss in (4_000, 3_000):
        arun(parts.keeper.change(desk(max_loss_per_day=loss)))
    arun(parts.again(desk(max_loss_per_day=3_500)).recall(DAY))
    assert parts.keeper.limits.desk.max_loss_per_day == 3_000
    arun(parts.again(desk(max_loss_per_day=2_000)).recall(DAY))
    assert parts.keeper.limits.desk.max_loss_per_day == 2_000


def test_what_is_wanted_for_tomorrow_holds_from_the_next_day(parts: Parts, arun: Any) -> None:
    arun(parts.keeper.recall(DAY))
    loose = desk(max_loss_per_day=50_000)
    parts.keeper.want(loose)
    assert parts.keeper.limits == LIMITS
    arun(parts.keeper.recall(DAY))
    assert parts.keeper.limits == LIMITS
    parts.clock.at += timedelta(days=1)
    arun(parts.keeper.recall(DAY + timedelta(days=1)))
    assert parts.keeper.limits == loose


def test_a_new_day_begins_without_peak_or_result(parts: Parts, arun: Any) -> None:
    arun(parts.keeper.recall(DAY))
    parts.keeper.heed(10_000)
    arun(parts.keeper.keep_peak())
    parts.clock.at += timedelta(days=1)
    arun(parts.keeper.recall(DAY + timedelta(days=1)))
    assert parts.keeper.heed(0) == ""
    assert parts.kept[-1]["peak"] == 0.0
    assert found(parts.again(), "loss per day")[1] == "unknown"


def test_a_restart_knows_the_days_peak(parts: Parts, arun: Any) -> None:
    arun(parts.keeper.recall(DAY))
    parts.keeper.heed(4_000)
    arun(parts.keeper.keep_peak())
    arun(parts.again().recall(DAY))
    assert parts.keeper.heed(1_000) == "Drawdown: 3,000.00 lost, 3,000.00 allowed."


def test_a_peak_is_written_when_it_has_risen_by_a_tenth_of_the_limit(parts: Parts, arun: Any) -> None:
    arun(parts.keeper.recall(DAY))
    peaks = []
    for pnl in (299.0, 300.0, 599.0, 600.0, 100.0):
        parts.keeper.heed(pnl)
        arun(parts.keeper.keep_peak())
        peaks.append(len(parts.kept))
    assert peaks == [1, 2, 2, 3, 3]
    assert (parts.kept[-1]["peak"], parts.kept[-1]["why"]) == (600.0, "a new peak of the day")


def test_without_a_drawdown_limit_no_peak_is_written(arun: Any) -> None:
    parts = Parts(desk(max_drawdown=0))
    parts.keeper.heed(10**6)
    arun(parts.keeper.keep_peak())
    assert parts.kept == []


def test_events_of_the_day_before_are_history(parts: Parts, arun: Any) -> None:
    arun(parts.keeper.change(desk(max_loss_per_day=1)))
    arun(parts.again().recall(NOON + timedelta(seconds=1)))
    assert parts.keeper.limits == LIMITS


# --- reading what was written ---------------------------------------------------------------------------------------


def test_unknown_fields_and_missing_parts_are_left_at_their_defaults() -> None:
    row = {
        "desk": {"max_order_quantity": 7, "of_a_newer_program": 1},
        "instruments": {"NSE:X": {"price_band_pct": 2.0}},
    }
    got = limits_from(row)
    assert got == RiskLimits(
        desk=Limits(max_order_quantity=7), instruments={"NSE:X": InstrumentLimits(price_band_pct=2.0)}
    )
    assert limits_from(None) == limits_from({"instruments": None}) == RiskLimits()


def test_an_event_without_limits_does_not_tighten(parts: Parts, arun: Any) -> None:
    from alphapanda_desktop.domain.ports import Event

    arun(parts.journal.note(Event(KIND, NOON, {"why": "of another program", "peak": "high"})))
    wide = RiskLimits(desk=Limits(max_orders_per_day=5_000))
    arun(parts.again(wide).recall(DAY))
    assert parts.keeper.limits == wide


def test_a_peak_is_journaled_for_the_day_that_was_recalled_last(arun: Any) -> None:
    parts = Parts()
    parts.clock.at = datetime(2026, 11, 23, 19, 0, tzinfo=NOON.tzinfo)  # half past midnight in India
    arun(parts.keeper.recall(trading_day(parts.clock.at)))
    assert parts.kept[0]["day"] == "2026-11-23"
    parts.clock.at = datetime(2026, 11, 24, 0, 30, tzinfo=NOON.tzinfo)
    arun(parts.keeper.recall(trading_day(parts.clock.at)))
    assert parts.kept[1]["day"] == "2026-11-24"
