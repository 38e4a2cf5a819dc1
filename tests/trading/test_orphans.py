"""What a run leaves behind when it ends or fails, and the three ways to see to it."""

from __future__ import annotations

import pytest

from alphapanda_desktop.domain.errors import Rejected, StrategyError
from alphapanda_desktop.trading import host, orphans
from alphapanda_desktop.trading.run import RunState
from alphapanda_desktop.trading.runner import StartOrder
from alphapanda_desktop.trading.stops import kept_by
from tests.trading.desk_fakes import INFY, RESTING, TCS, Probe, Seen, a_desk, yields


@pytest.fixture
def little_patience(monkeypatch):
    """What never comes is waited for only shortly."""
    monkeypatch.setattr(host, "STOP_DEADLINE_S", 0.05)
    monkeypatch.setattr(orphans, "CANCEL_WAIT_S", 0.05)


class Other(Probe):
    name = "other"


async def failed(s, *, stop=None):
    """A run that bought ten and then raised."""
    run = await s.run()
    s.probe.ctx.buy(INFY, 10, reason="entry")
    await yields()
    if stop is not None:
        s.probe.ctx.protect(INFY, stop, reason="no deeper")

    def boom(*_args):
        raise ValueError("no more")

    Seen.acts["on_tick"] = boom
    s.tick()
    await yields()
    Seen.acts.clear()
    s.errors.clear()
    assert run.state is RunState.FAILED
    return run


def test_a_run_that_goes_on_has_no_orphans_and_one_that_failed_has_its_position(arun):
    async def story():
        async with a_desk() as s:
            alive = await s.run()
            s.probe.ctx.buy(INFY, 1, reason="entry")
            await yields()
            assert s.runner.orphans(alive.run_id) == []
            run = await failed(s)
            (left,) = s.runner.orphans(run.run_id)
            assert (left.key, left.product, left.quantity, left.average_price) == (INFY.key, "MIS", 10, 100.0)
            assert str(left) == "10 NSE:INFY MIS at 100.00, guarded by nothing here"

    arun(story())


def test_another_run_of_the_strategy_takes_the_position_over_and_closes_it(arun):
    async def story():
        async with a_desk() as s:
            old, new = await failed(s, stop=90.0), await s.run()
            made = old.pnl()
            words = await s.runner.hand_over(old.run_id, new.run_id)
            assert "10 NSE:INFY MIS handed over" in words and words in [line.text for line in new.log]
            assert old.holding(INFY.key).quantity == 0 and s.runner.orphans(old.run_id) == []
            assert (new.holding(INFY.key).quantity, new.holding(INFY.key).average_price) == (10, 100.0)
            assert old.pnl() + new.pnl() == made
            assert [(stop.trigger, stop.run_id) for stop in kept_by(s.runner.runs)] == [(90.0, new.run_id)]
            s.probe.ctx.exit(INFY, reason="out")
            await yields()
            assert new.holding(INFY.key).quantity == 0
            assert (s.broker.placed[-1].transaction_type, s.broker.placed[-1].quantity) == ("SELL", 10)

    arun(story())


def test_a_stop_at_the_broker_is_watched_here_before_it_is_cancelled_for_the_new_run(arun):
    async def story():
        async with a_desk() as s:
            old, new = await s.run(), await s.run()
            ctx = Seen.probes[0].ctx
            ctx.buy(INFY, 10, reason="entry")
            await yields()
            ctx.sell(INFY, 10, reason="stop", trigger_price=90.0)
            await yields()
            await s.runner.stop(old.run_id)
            s.broker.door.clear()
            guarded_at_cancel = []
            cancel = s.broker.cancel

            async def looks(order):
                guarded_at_cancel.append([(kept.trigger, kept.run_id) for kept in kept_by(s.runner.runs)])
                return await cancel(order)

            s.broker.cancel = looks
            words = await s.runner.hand_over(old.run_id, new.run_id)
            assert guarded_at_cancel == [[(90.0, old.run_id)]]
            assert "the stop of NSE:INFY at 90.00 was at the broker and is watched by this program only now" in words
            assert [(kept.trigger, kept.run_id) for kept in kept_by(s.runner.runs)] == [(90.0, new.run_id)]
            s.broker.door.set()
            s.tick(89.0)
            await yields()
            assert new.holding(INFY.key).quantity == 0
            assert [p.quantity for p in await s.broker.positions() if p.quantity] == []

    arun(story())


def test_a_nearer_stop_of_the_new_run_is_not_replaced_by_the_one_that_comes(arun):
    async def story():
        async with a_desk() as s:
            old, new = await s.run(), await s.run()
            for probe, trigger in zip(Seen.probes, (80.0, 95.0), strict=True):
                probe.ctx.buy(INFY, 10, reason="entry")
                await yields()
                probe.ctx.protect(INFY, trigger, reason="no deeper")
            await s.runner.stop(old.run_id)
            await s.runner.hand_over(old.run_id, new.run_id)
            assert [(kept.trigger, kept.run_id) for kept in kept_by(s.runner.runs)] == [(95.0, new.run_id)]
            s.tick(94.0)
            await yields()
            assert new.holding(INFY.key).quantity == 0

    arun(story())


def test_what_cannot_take_it_over_is_told_why(arun):
    async def story():
        async with a_desk(strategies={"probe": Probe, "other": Other}) as s:
            old = await failed(s)
            other = await s.runner.start(StartOrder("other", (INFY,)))
            elsewhere, stopped = await s.run(TCS), await s.run()
            await s.runner.stop(stopped.run_id)
            for run, why in ((other, "to its own kind only, not to other"), (elsewhere, "does not trade NSE:INFY"),
                             (stopped, "can take nothing over: it is stopped")):  # fmt: skip
                with pytest.raises(StrategyError, match=why):
                    await s.runner.hand_over(old.run_id, run.run_id)
            with pytest.raises(StrategyError, match="has left nothing behind"):
                await s.runner.hand_over(stopped.run_id, elsewhere.run_id)
            assert old.holding(INFY.key).quantity == 10

    arun(story())


def test_nothing_is_handed_over_while_an_order_of_it_works_still(arun, little_patience, monkeypatch):
    async def story():
        async with a_desk() as s:
            old = await s.run()
            s.probe.ctx.buy(INFY, 10, reason="entry")
            s.probe.ctx.buy(INFY, 5, reason="more", price=RESTING)
            await yields()
            s.broker.fails_cancelling = Rejected("not now")
            await s.runner.stop(old.run_id)
            new = await s.run()
            (left,) = s.runner.orphans(old.run_id)
            assert left.quantity == 10 and [order.quantity for order in left.orders] == [5]
            with pytest.raises(StrategyError, match=r"not handed over.*works still \(not now\)"):
                await s.runner.hand_over(old.run_id, new.run_id)
            s.broker.fails_cancelling = None
            monkeypatch.setattr(orphans, "CANCEL_WAIT_S", 60.0)
            assert "1 working orders cancelled" in await s.runner.hand_over(old.run_id, new.run_id)
            assert (
                new.holding(INFY.key).quantity == 10
                and s.broker.book[left.orders[0].order_id][-1].status == "CANCELLED"
            )

    arun(story())


def test_a_person_takes_it_and_the_runs_stop_ends_which_is_said(arun):
    async def story():
        async with a_desk() as s:
            run = await failed(s, stop=90.0)
            words = await s.runner.adopt(run.run_id)
            assert words == "taken over by hand: 10 NSE:INFY MIS; stop NSE:INFY at 90.00 ends with that"
            assert run.holding(INFY.key).quantity == 0 and not kept_by([run])
            assert [p.quantity for p in await s.broker.positions()] == [10]
            s.tick(80.0)
            await yields()
            assert len(s.broker.placed) == 1

    arun(story())


def test_flatten_closes_what_is_left_and_cancels_what_works(arun, eventually):
    async def story():
        async with a_desk() as s:
            run = await failed(s)
            words = await s.runner.flatten(run.run_id)
            assert words == "1 exits sent"
            await eventually(lambda: run.holding(INFY.key).quantity == 0)
            assert s.broker.placed[-1].closes and s.broker.placed[-1].strategy == run.run_id
            assert await s.runner.flatten(run.run_id) == "nothing to close"
            alive = await s.run()
            with pytest.raises(StrategyError, match="is running: stop it first"):
                await s.runner.flatten(alive.run_id)

    arun(story())
