"""One day played to one strategy, in this process and in a process of its own: the same orders, the same words."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.authoring.describe import described, spec_of
from alphapanda_desktop.authoring.load import execute
from alphapanda_desktop.authoring.sources import read
from alphapanda_desktop.domain.matching import Quote
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.hosting.seat import process_seats
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.inprocess import InProcessSeat
from alphapanda_desktop.trading.run import Run, RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.trading.seat import SeatMaker
from tests.hosting.files import PATIENT
from tests.trading.desk_fakes import INFY, TCS, Stage, a_desk, yields

SCRIPT = '''
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.strategy import Parameters, Strategy, number

class Scripted(Strategy):
    """Does one thing after the other."""
    name = "scripted"
    title = "Scripted"

    class Params(Parameters):
        lots: int = number(10, "how many", ge=1, le=1000)

    def __init__(self, params):
        super().__init__(params)
        self.bars = 0
        self.resting = ""

    @property
    def lookback(self):
        return 2

    def on_start(self, ctx):
        ctx.log(f"start {[i.key for i in ctx.instruments]} {ctx.last_price(ctx.instruments[0])} {ctx.now:%H:%M}")

    def on_bar(self, ctx, instrument, bar):
        closes = ctx.closes(instrument)
        held, working = ctx.position(instrument), ctx.working(instrument)
        ctx.log(f"{instrument.tradingsymbol} {bar.close:.2f} {len(closes)} {ctx.closes(instrument, 2).sum():.2f}"
                f" held {held.quantity}@{held.average_price:.2f} {held.pnl:.2f} working {[o.status for o in working]}"
                f" {ctx.last_price(instrument)} {ctx.now:%H:%M:%S} {len(ctx.bars(instrument, 3))}"
                f" {[b.close for b in ctx.history(instrument, Interval.MINUTE_3, 2)]}")
        ctx.show(close=bar.close, held=held.quantity)
        if instrument.tradingsymbol == "INFY":
            self.bars += 1
            act = getattr(self, f"act_{self.bars}", None)
            if act is not None:
                act(ctx, instrument)

    def act_1(self, ctx, i):
        ctx.buy(i, self.params.lots, reason="one")
    def act_2(self, ctx, i):
        self.resting = ctx.sell(i, 4, reason="two", price=150.0)
    def act_3(self, ctx, i):
        ctx.cancel(self.resting)
        ctx.protect(i, 90.0, reason="three")
    def act_4(self, ctx, i):
        ctx.log(f"exit {ctx.exit(i, reason='four') is not None}, again {ctx.exit(i, reason='four again')}")
    def act_5(self, ctx, i):
        ctx.target(i, -5, reason="five")
    def act_6(self, ctx, i):
        ctx.target(i, 0, reason="six")
    def act_7(self, ctx, i):
        ctx.bracket(i, 3, stop=95.0, target=130.0, reason="seven")
        try:
            ctx.bracket(i, 3, stop=95.0, reason="seven again")
        except ValueError as error:
            ctx.log(f"no: {error}")
        try:
            ctx.protect(i, -1.0, reason="nonsense")
        except ValueError as error:
            ctx.log(f"no: {error}")
    def act_8(self, ctx, i):
        ctx.exit(i, reason="eight")
        ctx.buy(ctx.instruments[1], 2, reason="eight", price=50.0)
        ctx.timer("soon", after=60.0)
    def act_9(self, ctx, i):
        ctx.buy(i, 0, reason="nothing at all")
    def act_10(self, ctx, i):
        ctx.buy(i, 2, reason="ten")
    def on_timer(self, ctx, name):
        ctx.log(f"timer {name}")
    def on_tick(self, ctx, instrument, tick):
        self.ticks = getattr(self, "ticks", 0) + 1
        ctx.show(tick=tick.last_price, at=str(tick.exchange_timestamp), depth=str(tick.depth), mode=tick.mode)
    def on_stop(self, ctx):
        ctx.log(f"stop after {self.bars}")
        ctx.buy(ctx.instruments[0], 1, reason="too late")
'''


def here(folder: Path) -> type[Strategy]:
    path = folder / "scripted.py"
    path.write_text(SCRIPT, encoding="utf-8")
    return execute(str(path), path.read_bytes())


def there(folder: Path) -> type[Strategy]:
    kind = here(folder)
    return described(spec_of(kind), read(folder / "scripted.py")[0])


async def settled(run: Run, stage: Stage, eventually: Any) -> None:
    """Everything that was told has been dealt with, and its orders have been heard of."""
    host = stage.runner.host_of(run.run_id)
    assert host is not None
    for _ in range(3):
        await yields()
        await eventually(lambda: host.idle)


async def played(stage: Stage, run: Run, prices: Sequence[float], eventually: Any) -> None:
    """A minute of two instruments for each price."""
    for price in prices:
        for instrument, now in ((INFY, price), (TCS, 300.0 - price)):
            stage.broker.quote = Quote(now)
            stage.tick(now, instrument, after_s=60 if instrument is INFY else 0)
            await settled(run, stage, eventually)


def story_of(run: Run, stage: Stage) -> dict[str, Any]:
    """What is to be the same: orders, words, values, and how it ended."""
    asked = [(r.transaction_type, r.quantity, r.key, r.order_type, r.price, r.trigger_price, r.product, r.reason)
             for r in stage.broker.placed]  # fmt: skip
    # In its own process a strategy waits for the answer to a wish, and a fill may be heard of meanwhile.
    # How long a call took is a matter of the machine.
    lines = sorted((line.level, line.text) for line in run.log if " ms allowed" not in line.text)
    return {"asked": asked, "log": lines, "detail": run.detail,
            "values": {name: str(value) for name, value in run.variables.items()}, "state": run.state}  # fmt: skip


@pytest.fixture
def tell(arun: Any, eventually: Any) -> Callable[..., dict[str, Any]]:
    """The story of a strategy in seats of that kind."""

    def play(kind: type[Strategy], seats: SeatMaker, prices: Sequence[float], **params: object) -> dict[str, Any]:
        async def story() -> dict[str, Any]:
            async with a_desk(strategies={kind.name: kind}, seats=seats) as s:
                run = await s.runner.start(StartOrder(kind.name, (INFY, TCS), params))
                assert run.state is RunState.RUNNING, run.detail
                await played(s, run, prices, eventually)
                await s.runner.stop(run.run_id)
                return story_of(run, s)

        told: dict[str, Any] = arun(story())
        return told

    return play


def test_a_scripted_strategy_asks_and_says_the_same_in_a_process_of_its_own(tell, tmp_path):
    prices = [100.0 + minute for minute in range(12)]
    mine = tell(here(tmp_path), InProcessSeat, prices)
    theirs = tell(there(tmp_path), process_seats(PATIENT), prices)
    assert len(mine["asked"]) >= 8 and len(mine["log"]) > 40 and ("info", "timer soon") in mine["log"]
    assert theirs["asked"] == mine["asked"]
    assert theirs["log"] == mine["log"]
    assert theirs == mine


def test_a_shipped_strategy_asks_and_says_the_same_in_a_process_of_its_own(tell):
    prices = [100.0 + 5 * math.sin(minute / 2) for minute in range(30)]
    params = {"fast": 2, "slow": 5, "cool_down": 0, "stop_loss": 0}
    mine = tell(SHIPPED["ma_cross"], InProcessSeat, prices, **params)
    assert len(mine["asked"]) >= 7
    assert tell(SHIPPED["ma_cross"], process_seats(PATIENT), prices, **params) == mine
