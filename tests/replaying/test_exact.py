"""The exact tier: recorded ticks through the parts of paper trading, the same every time."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.statistics import equity_of, statistics_of
from alphapanda_desktop.domain.errors import BadData, StrategyError
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.replaying.csvticks import ColumnTicks
from alphapanda_desktop.replaying.exact import LONG_AGO, ExactSetup, Played, play
from alphapanda_desktop.replaying.models import Models
from alphapanda_desktop.replaying.outcome import assumptions_of_replay, result_of
from alphapanda_desktop.replaying.past import RecordedPast
from alphapanda_desktop.replaying.source import Recording
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.ledger import Ledger
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.why import why
from tests.backtest.history import INFY
from tests.fakes import a_tick
from tests.replaying.ticks import OPEN_NS, SECOND, of_prices, of_ticks, on_ticks, replay, traded

BUY = {3: lambda ctx, instrument, tick: ctx.buy(instrument, 10, reason="script")}


def a_walk(count: int, seed: int = 5, every_s: float = 1.0) -> Recording:
    dice = np.random.default_rng(seed)
    price = ((20_000 + np.cumsum(dice.integers(-9, 10, count))) * 0.05).round(2)
    at_ns = OPEN_NS + (np.arange(count) * every_s * SECOND).astype(np.int64)
    volume = np.cumsum(dice.integers(0, 50, count)).astype(np.int64)
    return Recording([ColumnTicks([INFY], np.zeros(count, np.intp), at_ns, price, volume)])


def crossing(recording: Recording, **kept: Any) -> Played:
    kind = SHIPPED["ma_cross"]
    params = kind.Params(fast=2, slow=4, cool_down=0, stop_loss=0.2, lots=5, allow_short=True)
    return replay(kind, recording, params, **kept)


# --- the same every time ---------------------------------------------------------------------------------------------


def test_the_same_recording_gives_the_same_orders_fills_and_journal_bit_for_bit() -> None:
    recording = a_walk(1_800)
    one, other = crossing(recording), crossing(recording)
    assert len(one.fills) > 4
    assert one.orders == other.orders and one.fills == other.fills
    assert one.journal.digest() == other.journal.digest() and one.digest() == other.digest()


def test_another_seed_gives_other_names_and_the_same_fills() -> None:
    recording = a_walk(1_800)
    one, other = crossing(recording), crossing(recording, seed=1)
    assert [order.tag for order in one.orders] != [order.tag for order in other.orders]
    assert traded(one) == traded(other) and one.digest() != other.digest()


def many_at_the_end() -> Played:
    """Two instruments whose limits rest when the run is stopped, and whose stops go off together."""

    def rest(ctx: Any, instrument: Any, tick: Any) -> None:
        for n in range(4):
            ctx.buy(instrument, 10 + n, price=93.0 - n / 2, reason="rest")

    def enter(ctx: Any, instrument: Any, tick: Any) -> None:
        ctx.buy(instrument, 10, reason="enter")
        ctx.protect(instrument, 95.0, reason="stop")

    tcs = replace(INFY, tradingsymbol="TCS", instrument_token=2953217)
    number = np.arange(80)
    at_ns, price = OPEN_NS + number * SECOND // 2, np.where(number < 50, 100.0, 94.0)
    recording = Recording([ColumnTicks([INFY, tcs], number % 2, at_ns, price, number * 10)])
    return replay(on_ticks({4: rest, 5: rest, 8: enter, 9: enter}), recording)


_IN_A_PROCESS = """
from tests.replaying.test_exact import a_walk, crossing, many_at_the_end
print(crossing(a_walk(700)).digest(), many_at_the_end().digest())
"""


def test_another_process_with_other_hashes_gives_the_same_journal() -> None:
    def digest(seed: str) -> str:
        environment = os.environ | {"PYTHONHASHSEED": seed}
        command = [sys.executable, "-c", _IN_A_PROCESS]
        root = Path(__file__).parents[2]
        return subprocess.run(command, env=environment, cwd=root, capture_output=True, text=True, check=True).stdout

    played = many_at_the_end()
    assert [order.status for order in played.orders].count("CANCELLED") > 3 and len(played.fills) == 4
    assert digest("1") == digest("2") == f"{crossing(a_walk(700)).digest()} {played.digest()}\n"


# --- what an order meets ---------------------------------------------------------------------------------------------


def test_an_order_meets_the_tick_on_which_it_was_asked_for() -> None:
    assert traded(replay(on_ticks(BUY), of_prices(*[100.0 + n for n in range(10)]))) == [(10, 103.0)]


@pytest.mark.parametrize(("latency_s", "price"), [(0.5, 103.0), (1.0, 103.0), (1.001, 104.0), (2.5, 105.0)])
def test_an_order_on_its_way_meets_the_market_as_it_is_when_it_arrives(latency_s: float, price: float) -> None:
    prices = of_prices(*[100.0 + n for n in range(10)])
    played = replay(on_ticks(BUY), prices, models=Models(latency_s=latency_s))
    assert traded(played) == [(10, price)]  # one that arrives with a tick was there before it


def test_without_depth_an_order_pays_the_slippage() -> None:
    played = replay(on_ticks(BUY), of_prices(*[100.0] * 10), models=Models(slippage=Slippage(2)))
    assert traded(played) == [(10, 100.1)]


def test_with_depth_an_order_takes_the_levels_and_no_slippage() -> None:
    asks = [(100.05, 4), (100.2, 4), (100.3, 100)]
    ticks = [(n, a_tick(100.0, volume=n, bids=[(99.95, 50)], asks=asks)) for n in range(10)]
    played = replay(on_ticks(BUY), of_ticks(ticks), models=Models(slippage=Slippage(20)))
    assert traded(played) == [(4, 100.05), (4, 100.2), (2, 100.3)]
    assert [order.average_price for order in played.orders] == [pytest.approx(100.16)]


def test_a_share_of_the_volume_fills_an_order_part_by_part() -> None:
    recording = of_prices(*[100.0] * 10, volume=[40 * n for n in range(10)])
    played = replay(on_ticks(BUY), recording, models=Models(volume_share=0.1))
    # What is left rests at its protection and is filled there, as on paper.
    assert [quantity for quantity, _ in traded(played)] == [4, 4, 2]
    assert played.orders[0].status == "COMPLETE"


def test_of_the_smallest_trade_one_lot_may_be_taken() -> None:
    recording = of_prices(*[100.0] * 14, volume=[3 * n for n in range(14)])
    played = replay(on_ticks(BUY), recording, models=Models(volume_share=0.1))
    assert traded(played)[0] == (1, 100.0) and [quantity for quantity, _ in traded(played)] == [1] * 10


def test_a_stop_that_the_program_watches_goes_off_on_the_tick_that_crosses_it() -> None:
    script = BUY | {4: lambda ctx, instrument, tick: ctx.protect(instrument, 99.0, reason="stop")}
    played = replay(on_ticks(script), of_prices(100, 100, 100, 100, 100, 99.5, 98.5, 98.0, 97.0))
    assert traded(played) == [(10, 100.0), (-10, 98.5)]


@pytest.mark.parametrize(("latency_s", "share"), [(-1, 0), (61, 0), (0, 1.5), (0, -0.1)])
def test_models_that_cannot_be_are_refused(latency_s: float, share: float) -> None:
    with pytest.raises(BadData, match="can be"):
        Models(latency_s=latency_s, volume_share=share)


# --- what is left ----------------------------------------------------------------------------------------------------


def test_statistics_are_of_the_fills_and_their_charges() -> None:
    played = crossing(a_walk(2_400))
    result = result_of(played)
    statistics = statistics_of(result)
    last = played.market.latest(INFY.instrument_token)
    assert last is not None and statistics.fills == len(played.fills) > 8
    held = sum(fill.sign * fill.quantity for fill in result.executions)
    value = sum(-fill.sign * fill.quantity * fill.price for fill in result.executions) + held * last.last_price
    assert statistics.closing - statistics.opening == pytest.approx(value - result.charged / RUPEE, abs=1e-6)
    assert equity_of(result).worth[-1] == pytest.approx(statistics.closing * RUPEE)
    assert [work.tag for work in result.working] == [order.tag for order in played.orders]
    assert {fill.reason.split()[0] for fill in result.executions} <= {"fast", "the", "squared"}


def test_why_of_an_order_can_be_asked_of_the_journal(arun: Any) -> None:
    played = crossing(a_walk(1_200))
    tag = played.orders[0].tag
    assert tag is not None
    find = InstrumentMaster([INFY]).by_key
    ledger = Ledger(find, played.run.started_at.date)
    trail = arun(why(played.journal, ledger, tag, price_of=lambda _key: None, find=find))
    assert trail.run is not None and trail.run.strategy == "ma_cross"
    assert trail.fills and trail.cause is not None and "fast average" in trail.text()


def test_a_refused_order_is_told_with_its_rule() -> None:
    script = {2: lambda ctx, instrument, tick: ctx.buy(instrument, 10**9, reason="too much")}
    played = replay(on_ticks(script), of_prices(*[100.0] * 6))
    (refused,) = result_of(played).refused
    assert refused.key == "NSE:INFY" and "1,000,000,000" in refused.text.replace("1000000000", "1,000,000,000")
    assert [order.status for order in played.orders] == ["REJECTED"] and not played.fills


def test_a_strategy_that_raises_ends_its_run_and_the_recording_plays_on() -> None:
    script = {2: lambda ctx, instrument, tick: 1 / 0}
    played = replay(on_ticks(script), of_prices(*[100.0] * 6))
    assert played.run.state is RunState.FAILED and "ZeroDivisionError" in played.run.detail
    assert played.complete and played.frames == played.ticks == 6
    assert any("ZeroDivisionError" in problem for problem in played.problems)


def test_it_can_be_ended_in_between() -> None:
    recording = a_walk(20_000, every_s=0.01)
    seen: list[tuple[int, int]] = []
    kind = SHIPPED["ma_cross"]
    setup = ExactSetup(strategy=kind, params=kind.Params(), recording=recording, instruments=(INFY,))
    played = play(setup, lambda done, whole: seen.append((done, whole)) is not None)
    assert not played.complete and played.frames < 17_000 and len(seen) == 1
    assert "It was ended before the last tick." in assumptions_of_replay(played)


def test_mis_is_squared_off_at_zerodhas_time() -> None:
    recording = of_prices(*[100.0] * 400, every_s=60)
    played = replay(on_ticks(BUY), recording)
    bought, sold = result_of(played).executions
    assert (bought.sign, sold.sign, sold.reason) == (1, -1, "squared off by the broker")
    assert sold.charges > bought.charges  # a square-off costs a fee


def test_days_follow_one_another_with_a_login_each_morning() -> None:
    ticks = [(n + day * 86_400.0, a_tick(100.0 + day, volume=n + 1)) for day in (0, 1) for n in range(30)]
    script = BUY | {40: lambda ctx, instrument, tick: ctx.exit(instrument, reason="script")}
    played = replay(on_ticks(script), of_ticks(ticks), product="CNC")
    assert traded(played) == [(10, 100.0), (-10, 101.0)]
    assert played.fills[1].fill_timestamp - played.fills[0].fill_timestamp > timedelta(hours=23)  # type: ignore[operator]


def test_a_span_of_the_recording_is_played_alone() -> None:
    recording = a_walk(600)
    played = crossing(recording, first_ns=OPEN_NS + 100 * SECOND, last_ns=OPEN_NS + 199 * SECOND)
    assert played.frames == 100 and played.begin_ns == OPEN_NS + 100 * SECOND


def test_what_was_recorded_before_the_span_fills_the_look_back() -> None:
    class Looking(Strategy):
        name = "looking"
        lookback = 5

        def on_bar(self, ctx: Any, instrument: Any, bar: Any) -> None:
            ctx.log(" ".join(f"{close:.2f}" for close in ctx.closes(instrument, 5)))

    recording = a_walk(1_200)
    whole = replay(Looking, recording)
    later = replay(Looking, recording, first_ns=OPEN_NS + 630 * SECOND)
    seen = [text for _, text in result_of(whole).lines if text[0].isdigit()]
    seen_later = [text for _, text in result_of(later).lines if text[0].isdigit()]
    assert len(seen) == 16 and seen_later == seen[6:]
    assert len(result_of(later).series[0]) == 10  # and no bar before the span is part of the result


def test_candles_tell_what_was_heard_and_nothing_later(arun: Any) -> None:
    recording = a_walk(700)
    heard_ns = OPEN_NS + 400 * SECOND
    past = RecordedPast(recording, (INFY,), lambda: heard_ns, hours=True)
    first, last = (datetime.fromtimestamp(OPEN_NS / SECOND + s, UTC) for s in (0, 700))
    bars = arun(past.candles(INFY, Interval.MINUTE_3, first, last))
    prices = [tick.last_price for at_ns, frame in recording.frames() for tick in decode_frame(frame, at_ns)]
    assert [(bar.open, bar.close, bar.closed) for bar in bars] == [
        (prices[0], prices[179], True), (prices[180], prices[359], True), (prices[360], prices[400], False),
    ]  # fmt: skip
    heard_ns = OPEN_NS + 600 * SECOND
    assert [bar.close for bar in arun(past.candles(INFY, Interval.MINUTE_3, first, last))][2:] == [
        prices[539], prices[600],
    ]  # fmt: skip
    assert arun(past.candles(replace(INFY, instrument_token=5), Interval.MINUTE, first, last)) == []


def test_an_index_cannot_be_traded_and_says_so() -> None:
    index = replace(INFY, tradingsymbol="NIFTY 50", segment="INDICES")
    with pytest.raises(StrategyError, match="NSE:NIFTY 50 is an index"):
        replay(SHIPPED["ma_cross"], of_prices(*[100.0] * 5, instrument=index))


def test_what_was_not_recorded_cannot_be_played() -> None:
    recording = a_walk(10)
    with pytest.raises(BadData, match="NSE:TCS is not in the recording; there are: NSE:INFY"):
        crossing(recording, instruments=(replace(INFY, tradingsymbol="TCS"),))
    with pytest.raises(BadData, match="nothing was recorded in that span"):
        crossing(recording, first_ns=OPEN_NS + 3_600 * SECOND)
    with pytest.raises(BadData, match="cash of 0 rupees"):
        crossing(recording, cash=0)


def test_a_recording_of_the_night_plays_where_the_market_never_closes() -> None:
    ticks = [(12 * 3600.0 + n, a_tick(100.0 + n, volume=n + 1)) for n in range(10)]
    assert traded(replay(on_ticks(BUY), of_ticks(ticks), hours=False)) == [(10, 103.0)]
    assert traded(replay(on_ticks(BUY), of_ticks(ticks))) == []


def test_bars_of_another_length_are_made_of_the_same_ticks() -> None:
    class Counting(Strategy):
        name = "counting"

        def on_bar(self, ctx: Any, instrument: Any, bar: Any) -> None:
            ctx.log(f"{bar.start_s} {bar.close}")

    played = replay(Counting, a_walk(1_000), interval=Interval.MINUTE_3)
    bars = [text for _, text in result_of(played).lines if text[0].isdigit()]
    assert [int(text.split()[0]) - OPEN_NS // SECOND for text in bars] == [0, 180, 360, 540, 720]


def test_nothing_that_the_journal_holds_comes_from_this_machines_clock() -> None:
    played = crossing(a_walk(900))
    latest = max(order.order_timestamp for order in played.orders if order.order_timestamp)
    assert latest.year == 2024 and played.run.started_at.year == 2024
    assert all(event.at.year == 2024 for event in played.refusals) and LONG_AGO.year == 1970
