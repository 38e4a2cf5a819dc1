"""One script played by a run on the desk with the paper broker, and by the backtest: the same orders, fills and calls.

A bar has one price. What a script asks for at a bar's close meets the next bar's price in both.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, time, timedelta
from typing import Any, ClassVar

import numpy as np
import pytest

from alphapanda_desktop.backtest.engine import Setup, backtest
from alphapanda_desktop.backtest.path import Slippage
from alphapanda_desktop.backtest.series import Series
from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
from alphapanda_desktop.domain.market import Bar, BarSize, Interval
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy
from alphapanda_desktop.trading.paper import PaperBroker
from tests.fakes import NOON, FakeClock, a_session
from tests.trading.desk_fakes import INFY, Stage, a_desk, yields

Act = Callable[[Context], object]
Said = list[tuple[int, Any]]
Story = tuple[list[tuple[int, float]], Said]
"""Signed quantities and prices of the fills, and what the script and the timers said, each after so many bars."""


class Actor(Strategy):
    """Does at the close of bar n what the script says, and writes down what it answers."""

    name = "actor"
    script: ClassVar[Mapping[int, Act]] = {}
    said: ClassVar[Said] = []

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self.bars = 0
        type(self).said = []

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        act = self.script.get(self.bars)
        self.bars += 1
        if act is not None:
            self.said.append((self.bars, act(ctx)))

    def on_timer(self, ctx: Context, name: str) -> None:
        self.said.append((self.bars, name))


def by_backtest(script: Mapping[int, Act], prices: Sequence[float]) -> Story:
    Actor.script = script
    column = np.array(prices, np.float64)
    starts = int(NOON.timestamp()) + 60 * np.arange(len(column), dtype=np.int64)
    series = Series(INFY, 60, starts, column, column, column, column, np.full(len(column), 100, np.int64))
    result = backtest(Setup(strategy=Actor, params=Parameters(), series=[series], slippage=Slippage(0)))
    return [(fill.sign * fill.quantity, fill.price) for fill in result.executions], _plain(Actor.said)


class LatePaper(PaperBroker):
    """The paper broker, made before its market is."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__(a_session(clock.now()), self._quote, InstrumentMaster([INFY]), clock, 1_000_000.0, hours=False)
        self.stage: Stage | None = None

    def _quote(self, token: int) -> Any:
        return self.stage.market.latest(token) if self.stage else None


def by_run(arun: Any, script: Mapping[int, Act], prices: Sequence[float]) -> Story:
    Actor.script = script
    clock = FakeClock()
    broker: Any = LatePaper(clock)

    async def story() -> list[tuple[int, float]]:
        async with a_desk(strategies={"probe": Actor}, clock=clock, broker=broker) as s:
            broker.stage = s
            s.market.on_every_tick(broker.on_tick)
            s.tick(prices[0])
            await s.run()
            for price in prices[1:]:
                for _ in range(3):  # within the bar that is told next
                    s.tick(s.market.latest(INFY.instrument_token).last_price, after_s=15)
                    await yields()
                s.tick(price, after_s=15)
                await yields()
            fills = await broker.fills()
            s.errors.clear()
            return [(fill.sign * fill.quantity, fill.average_price) for fill in fills]

    fills = arun(story())
    return fills, _plain(Actor.said)


def _plain(said: Said) -> Said:
    """Tags are another at each venue: that one was given is what counts."""
    return [(bars, "tag" if isinstance(what, str) and len(what) > 8 else what) for bars, what in said]


@pytest.fixture
def both(arun: Any) -> Callable[..., Story]:
    """What a script comes to; the test fails where run and backtest do not agree."""

    def play(script: Mapping[int, Act], *prices: float) -> Story:
        tested, run = by_backtest(script, prices), by_run(arun, script, prices)
        assert run == tested
        return run

    return play


def bracket(quantity: int = 10, **more: Any) -> Act:
    return lambda ctx: ctx.bracket(INFY, quantity, **{"stop": 98.0, "target": 104.0, "reason": "in"} | more)


def target(quantity: int, **more: Any) -> Act:
    return lambda ctx: ctx.target(INFY, quantity, reason="as wished", **more)


def stands(ctx: Context) -> tuple[int, int]:
    """What is held, and the net of what works."""
    working: Sequence[Order] = ctx.working(INFY)
    return ctx.position(INFY).quantity, sum(order.sign * order.open_quantity for order in working)


# --- brackets --------------------------------------------------------------------------------------------------------


def test_a_bracket_takes_its_profit_and_takes_its_stop_along(both: Any) -> None:
    fills, said = both({0: bracket(), 2: stands, 4: stands, 6: stands}, 100, 100, 101, 103, 105, 105, 97, 97, 97)
    assert fills == [(10, 100.0), (-10, 104.0)]
    assert said == [(1, "tag"), (3, (10, -10)), (5, (0, 0)), (7, (0, 0))]


def test_a_bracket_that_is_stopped_withdraws_its_target(both: Any) -> None:
    fills, said = both({0: bracket(), 3: stands, 6: stands}, 100, 100, 99, 97, 97, 110, 110, 110)
    assert fills == [(10, 100.0), (-10, 97.0)]
    assert said[1:] == [(4, (0, 0)), (7, (0, 0))]


def test_a_short_bracket_is_the_mirror_image(both: Any) -> None:
    fills, _ = both({0: bracket(-10, stop=102.0, target=96.0)}, 100, 100, 98, 95, 103, 103)
    assert fills == [(-10, 100.0), (10, 96.0)]
    fills, _ = both({0: bracket(-10, stop=102.0, target=96.0)}, 100, 100, 101, 103, 90, 90)
    assert fills == [(-10, 100.0), (10, 103.0)]


def test_an_entry_at_a_price_is_guarded_only_once_it_fills(both: Any) -> None:
    fills, said = both({0: bracket(price=99.0, stop=97.0), 2: stands}, 100, 100, 100, 98.5, 96, 96)
    assert fills == [(10, 99.0), (-10, 96.0)]
    assert said[1] == (3, (0, 10))


def test_an_entry_that_breaks_out_waits_for_its_trigger(both: Any) -> None:
    script = {0: bracket(trigger_price=101.0, stop=99.0), 2: stands}
    fills, said = both(script, 100, 100, 100, 101.5, 103, 105, 105)
    assert fills == [(10, 101.5), (-10, 104.0)]
    assert said[1] == (3, (0, 10))


def test_an_entry_that_is_withdrawn_leaves_nothing(both: Any) -> None:
    def give_up(ctx: Context) -> None:
        for order in ctx.working(INFY):
            ctx.cancel(order.tag or "")

    fills, said = both({0: bracket(price=99.0), 1: give_up, 3: bracket(), 5: stands}, *[100.0] * 8)
    assert fills == [(10, 100.0)]
    assert said[-1] == (6, (10, -10))


def test_an_exit_ends_a_bracket(both: Any) -> None:
    script = {0: bracket(), 2: lambda ctx: ctx.exit(INFY, reason="out"), 4: stands, 5: bracket(), 7: stands}
    fills, said = both(script, 100, 100, 101, 101, 101, 101, 101, 101, 101)
    assert fills == [(10, 100.0), (-10, 101.0), (10, 101.0)]
    assert said[2:] == [(5, (0, 0)), (6, "tag"), (8, (10, -10))]


def test_a_target_that_somebody_withdrew_stays_away_and_the_stop_goes_on(both: Any) -> None:
    def withdraw(ctx: Context) -> None:
        for order in ctx.working(INFY):
            ctx.cancel(order.tag or "")

    fills, said = both({0: bracket(), 2: withdraw, 4: stands}, 100, 100, 101, 101, 105, 105, 97, 97)
    assert fills == [(10, 100.0), (-10, 97.0)]
    assert said[-1] == (5, (10, 0))


# --- targets ---------------------------------------------------------------------------------------------------------


def test_a_target_is_reached_kept_shrunk_and_turned(both: Any) -> None:
    script = {0: target(30), 1: target(30), 2: target(10), 4: target(-5), 5: target(-5), 7: target(0), 8: target(0)}
    fills, said = both(script, *range(100, 112))
    assert fills == [(30, 101.0), (-20, 103.0), (-10, 105.0), (-5, 106.0), (5, 108.0)]
    assert [what for _, what in said] == ["tag", None, "tag", "tag", "tag", "tag", None]


def test_a_target_leaves_a_resting_stop_alone_until_the_position_shrinks(both: Any) -> None:
    def guard(ctx: Context) -> str:
        return ctx.sell(INFY, 10, reason="stop at the broker", trigger_price=90.0)

    script = {0: target(10), 1: guard, 2: target(10), 3: stands, 4: target(4), 5: target(4), 7: stands}
    fills, said = both(script, *[100.0] * 10)
    assert fills == [(10, 100.0), (-6, 100.0)]
    assert said[2:] == [(3, None), (4, (10, -10)), (5, None), (6, "tag"), (8, (4, 0))]


def test_a_target_of_nothing_withdraws_the_stop_and_leaves_once(both: Any) -> None:
    def guard(ctx: Context) -> str:
        return ctx.sell(INFY, 10, reason="stop at the broker", trigger_price=90.0)

    fills, said = both({0: target(10), 1: guard, 2: target(0), 4: stands}, *[100.0] * 7)
    assert fills == [(10, 100.0), (-10, 100.0)]
    assert said[-1] == (5, (0, 0))


# --- timers ----------------------------------------------------------------------------------------------------------


def test_timers_come_in_the_bar_in_which_they_lie(both: Any) -> None:
    def begin(ctx: Context) -> None:
        ctx.timer("once", after=150)
        ctx.timer("often", every=105)
        ctx.timer("never", after=30)
        ctx.cancel_timer("never")

    script = {0: begin, 6: lambda ctx: ctx.cancel_timer("often")}
    _, said = both(script, *[100.0] * 10)
    assert [(bars, what) for bars, what in said if what] == [(2, "often"), (3, "once"), (4, "often"), (6, "often")]


def test_a_moment_of_the_day_in_india_and_one_with_a_zone_come_once_each(both: Any) -> None:
    def begin(ctx: Context) -> None:
        ctx.timer("quarter", at=time(12, 3, 20))
        ctx.timer("moment", at=NOON + timedelta(minutes=5, seconds=20))
        ctx.timer("past", at=datetime(2026, 1, 1, tzinfo=IST))

    _, said = both({0: begin}, *[100.0] * 9)
    assert [what for _, what in said if what] == ["past", "quarter", "moment"]


def test_what_a_timer_asks_for_is_an_order_like_any_other(both: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def ring(self: Any, ctx: Context, name: str) -> None:
        ctx.buy(INFY, 5, reason=name)

    monkeypatch.setattr(Actor, "on_timer", ring)
    fills, _ = both({0: lambda ctx: ctx.timer("buy", after=60)}, *[100.0] * 6)
    assert fills == [(5, 100.0)]


@pytest.mark.parametrize(
    "wrong", [{}, {"after": 1, "every": 1}, {"after": 0}, {"every": -5}, {"at": NOON.replace(tzinfo=None)}]
)
def test_a_timer_that_cannot_be_is_refused(both: Any, wrong: Any) -> None:
    def ask(ctx: Context) -> str:
        with pytest.raises(ValueError, match="timer 'odd'"):
            ctx.timer("odd", **wrong)
        return "refused"

    _, said = both({0: ask}, *[100.0] * 3)
    assert said == [(1, "refused")]


# --- bars of another length ------------------------------------------------------------------------------------------


def test_longer_bars_are_the_same_and_end_with_the_last_of_their_own(both: Any) -> None:
    def look(ctx: Context) -> list[tuple[int, float, float, float]]:
        start_s = int(NOON.timestamp())
        made = ctx.history(INFY, Interval.MINUTE_5, 2)
        return [((bar.start_s - start_s) // 60, bar.open, bar.high, bar.close) for bar in made]

    _, said = both({3: look, 4: look, 8: look, 9: look, 14: look}, *range(100, 117))
    five, ten, fifteen = (0, 100.0, 104.0, 104.0), (5, 105.0, 109.0, 109.0), (10, 110.0, 114.0, 114.0)
    assert said == [(4, []), (5, [five]), (9, [five]), (10, [five, ten]), (15, [ten, fifteen])]


def test_bars_that_do_not_fit_are_refused(both: Any) -> None:
    def ask(ctx: Context) -> str:
        with pytest.raises(ValueError, match="cannot be made of bars of 1m"):
            ctx.history(INFY, BarSize(90))
        return "refused"

    _, said = both({0: ask, 1: lambda ctx: len(ctx.history(INFY, Interval.MINUTE))}, *[100.0] * 4)
    assert said == [(1, "refused"), (2, 2)]
