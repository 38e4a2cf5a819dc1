"""The kill switch at every point of an order's life, with everything going wrong that a broker can do."""

from __future__ import annotations

import asyncio

import pytest

from alphapanda_desktop.domain.errors import Offline, Refused
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.ports import Event
from alphapanda_desktop.domain.risk import Limits, TradingState
from alphapanda_desktop.trading import governor, rounds
from alphapanda_desktop.trading.flatten import Flattening
from alphapanda_desktop.trading.gate import DeskState
from alphapanda_desktop.trading.kill import RELEASE, KillReport
from alphapanda_desktop.trading.killreport import report_of
from alphapanda_desktop.trading.killrun import CANCEL
from tests.fakes import a_session
from tests.trading.desk_fakes import FULL_DISK, INFY, RESTING, FastClock, FaultyBroker, a_desk, give_up_soon, yields

FAULTS = ("", "429", "rejected", "lost request", "lost reply")


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """The same order of events, without the seconds between them."""
    monkeypatch.setattr(rounds, "SETTLE_S", 0.0)
    monkeypatch.setattr(rounds, "LOOK_AGAIN_S", (0.01,))
    monkeypatch.setattr(Flattening, "rest_s", 0.05)
    monkeypatch.setattr(Flattening, "pause_s", 0.02)


def hold(s, monkeypatch):
    """Let nothing leave for a while, as after a 429."""
    monkeypatch.setattr(governor, "BACK_OFF_S", (60.0,))
    s.desk.governor.back_off()


# -- an order at each point of its life -----------------------------------------------------------------------


async def before_the_journal(s, monkeypatch):
    go, write = asyncio.Event(), s.journal.intend

    async def slow(request, at, cause):
        await go.wait()
        await write(request, at, cause)

    monkeypatch.setattr(s.journal, "intend", slow)
    s.scope.spawn("submit", s.desk.submit(s.request(price=RESTING)))
    await yields()
    return go.set


async def in_the_governor(s, monkeypatch):
    hold(s, monkeypatch)
    s.scope.spawn("submit", s.desk.submit(s.request(price=RESTING)))
    await yields()
    assert s.desk.governor.gauges().waiting == 1


async def in_the_client(s, monkeypatch):
    s.broker.door.clear()
    s.scope.spawn("submit", s.desk.submit(s.request(price=RESTING)))
    await yields()
    return s.broker.door.set


async def before_the_reply(s, monkeypatch):
    s.broker.reply.clear()
    s.broker.on_order = None
    s.scope.spawn("submit", s.desk.submit(s.request(price=RESTING)))
    await yields()
    assert s.broker.live()
    return s.broker.reply.set


async def after_the_reply(s, monkeypatch):
    await s.desk.submit(s.request(price=RESTING))


async def partly_filled(s, monkeypatch):
    order = await s.desk.submit(s.request(price=RESTING))
    s.broker.fill(order.order_id, 4, RESTING)


async def being_cancelled(s, monkeypatch):
    order = await s.desk.submit(s.request(price=RESTING))
    s.scope.spawn("cancel", s.desk.cancel(order.order_id))


async def being_modified(s, monkeypatch):
    from alphapanda_desktop.domain.orders import OrderChange

    order = await s.desk.submit(s.request(price=RESTING))
    s.scope.spawn("modify", s.desk.modify(order.order_id, OrderChange(price=RESTING + 1)))


async def filled(s, monkeypatch):
    await s.desk.submit(s.request())


POINTS = (
    before_the_journal,
    in_the_governor,
    in_the_client,
    before_the_reply,
    after_the_reply,
    partly_filled,
    being_cancelled,
    being_modified,
    filled,
)


@pytest.mark.parametrize("flatten", [False, True], ids=["stay", "flatten"])
@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.__name__)
def test_after_the_latch_no_entry_leaves_and_the_report_is_what_the_broker_has(
    arun, eventually, monkeypatch, point, flatten
):
    async def story():
        for fault in FAULTS:
            with monkeypatch.context() as patch:
                await pressed_at(point, fault, flatten, patch, eventually)

    arun(story())


async def pressed_at(point, fault, flatten, monkeypatch, eventually):
    async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
        then = await point(s, monkeypatch)
        s.broker.cancel_faults = [fault, fault] if fault else []
        pressing = s.scope.spawn("press", s.desk.kill.press("test", flatten=flatten))
        await asyncio.sleep(0)
        assert s.desk.trading_state is TradingState.HALTED, fault
        before = list(s.broker.arrived)
        if then is not None:
            then()
        report = await pressing
        await eventually(lambda: not s.desk.books.unanswered() or report.unknown)
        own = {tag for tag, row in s.journal.intent_rows.items() if row.request.reason.startswith("kill switch")}
        assert set(s.broker.arrived) - set(before) <= own, fault
        assert {id_ for id_, _ in report.not_cancelled} == s.broker.live(), fault
        assert {(key, kind): count for key, kind, count in report.left} == await s.broker.held(), fault
        assert report.flat is (not report.left) and not (flatten and report.left), fault
        assert report.done_at is not None and any(row.kind == "kill report" for row in s.journal.event_rows)
        with pytest.raises(Refused, match="Kill switch"):
            await s.desk.submit(s.request())
        s.errors.clear()


@pytest.mark.parametrize("fault", FAULTS[1:])
def test_an_exit_that_goes_wrong_is_looked_after_and_never_closes_more_than_was_held(arun, fault):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            s.broker.place_faults = [fault]
            s.desk.kill.patience.flatten_s = 0.3  # before an order without an answer may be given up
            report = await s.desk.kill.press("test", flatten=True)
            held = await s.broker.held()
            if fault == "lost request":  # it may exist: it is never sent again, and what is left is named
                assert held == {("NSE:INFY", "MIS"): 10} and report.left == (("NSE:INFY", "MIS", 10),)
                assert report.flat is False and len(report.unknown) == 1 and not report.clean
            else:
                assert held == {} and report.flat is True and report.flattened == (("NSE:INFY", "MIS", 10),)
            sold = sum(fill.quantity for fill in s.broker.trades if fill.transaction_type == "SELL")
            assert sold <= 10
            s.errors.clear()

    arun(story())


def test_an_exit_that_rests_is_withdrawn_and_asked_for_anew_for_the_rest_alone(arun, monkeypatch):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            match = s.broker._match
            rests = [4]

            def thin(order):
                if order.transaction_type == "SELL" and rests:
                    s.broker.fill(order.order_id, rests.pop(), 99.0)
                else:
                    match(order)

            monkeypatch.setattr(s.broker, "_match", thin)
            report = await s.desk.kill.press("test", flatten=True)
            assert report.flat is True and not s.broker.live()
            sold = [fill.quantity for fill in s.broker.trades if fill.transaction_type == "SELL"]
            assert sold == [4, 6]

    arun(story())


def test_positions_that_cannot_be_closed_are_named_with_why(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            s.broker.place_faults = ["rejected"] * 20
            report = await s.desk.kill.press("test", flatten=True)
            assert report.left == (("NSE:INFY", "MIS", 10),) and report.flat is False
            step = next(step for step in report.steps if step.name == "close positions")
            assert step.ok is False and "the exchange said no" in step.detail
            assert "NOT FLAT" in report.text() and "+10 NSE:INFY MIS" in report.text()

    arun(story())


def test_a_broker_that_cannot_be_reached_is_told_as_not_known(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            s.broker.fails_reading["orders"] = Offline("Kite cannot be reached", after_s=0.0)
            give_up_soon(s.desk)
            report = await s.desk.kill.press("test", flatten=True)
            assert report.flat is None and "not known" in report.text() and not report.clean
            assert s.desk.trading_state is TradingState.HALTED
            s.broker.fails_reading.clear()

    arun(story())


def test_the_kill_switch_needs_no_feed(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            order = await s.desk.submit(s.request(price=RESTING))
            await s.desk.submit(s.request(quantity=7))
            s.broker.on_order = None
            s.market.freeze(s.clock.now())
            report = await s.desk.kill.press("the feed is down", flatten=True)
            assert report.cancelled == (order.order_id,) and report.flat is True and report.clean

    arun(story())


# -- the latch ------------------------------------------------------------------------------------------------


def test_an_order_called_back_before_it_left_is_said_at_once_to_have_never_left(arun, monkeypatch):
    async def story():
        async with a_desk(clock=FastClock()) as s:
            hold(s, monkeypatch)
            task = s.scope.spawn("submit", s.desk.submit(request := s.request()))
            await yields()
            await s.desk.kill.press("test", flatten=False)
            await asyncio.wait({task})
            assert isinstance(task.exception(), Refused) and "never left" in str(task.exception())
            assert s.desk.books.unanswered() == [] and s.journal.intent_rows[request.tag].state == "refused"
            assert s.desk.kill.report.unknown == ()
            s.errors.clear()

    arun(story())


def test_someone_who_stops_waiting_in_the_queue_leaves_no_unknown_order(arun, monkeypatch):
    async def story():
        async with a_desk(clock=FastClock()) as s:
            hold(s, monkeypatch)
            task = asyncio.create_task(s.desk.submit(request := s.request()))
            await yields()
            task.cancel()
            await asyncio.wait({task})
            assert s.desk.books.unanswered() == [] and s.journal.intent_rows[request.tag].state == "refused"
            assert s.broker.arrived == []

    arun(story())


def test_pressing_twice_is_pressing_once_and_may_ask_for_more(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            s.broker.reads.clear()
            first = s.scope.spawn("first", s.desk.kill.press("one", flatten=False))
            await yields()
            second = s.scope.spawn("second", s.desk.kill.press("two", flatten=True))
            await yields()
            s.broker.reads.set()
            reports = await asyncio.gather(first, second)
            assert reports[0] == reports[1] and reports[1].flat is True and len(s.desk.kill.reports) == 1

    arun(story())


def test_a_press_after_a_press_goes_over_everything_once_more(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            first = await s.desk.kill.press("stop", flatten=False)
            second = await s.desk.kill.press("and out", flatten=True)
            assert first.left == (("NSE:INFY", "MIS", 10),) and second.flat is True
            assert len(s.desk.kill.reports) == 2

    arun(story())


def test_the_latch_and_the_reports_outlive_the_program(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            report = await s.desk.kill.press("test", flatten=True)
            desk, runner = s.restart()
            await desk.open()
            assert desk.kill.state is TradingState.HALTED and desk.kill.why == "test"
            assert desk.kill.report == report
            with pytest.raises(Refused, match="Kill switch"):
                await desk.submit(s.request())
            runner.close()

    arun(story())


def test_a_press_that_the_program_did_not_survive_is_carried_on_but_closes_nothing_by_itself(arun, eventually):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            order = await s.desk.submit(s.request(price=RESTING))
            await s.desk.submit(s.request(quantity=10))
            now = s.clock.now()
            begun = KillReport(why="the crash", pressed_at=now, flatten=True)
            await s.journal.note(Event("kill switch", now, {"state": "halted", "why": "the crash"}))
            await s.journal.note(Event("kill report", now, begun.json()))
            desk, runner = s.restart()
            await desk.open()
            assert desk.kill.state is TradingState.HALTED
            await eventually(lambda: desk.kill.report.done_at is not None)
            report = desk.kill.report
            assert report.cancelled == (order.order_id,) and report.left == (("NSE:INFY", "MIS", 10),)
            assert "press again to close positions" in report.text() and not report.clean
            assert (await desk.kill.press("again", flatten=True)).flat is True
            runner.close()

    arun(story())


def test_an_order_that_could_not_be_cancelled_in_a_dead_session_is_after_the_login(arun, eventually):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            order = await s.desk.submit(s.request(price=RESTING))
            s.desk.freeze("06:00")
            report = await s.desk.kill.press("test", flatten=False)
            assert [id_ for id_, _ in report.not_cancelled] == [order.order_id]
            await s.desk.resume(a_session(s.clock.now()))
            assert s.desk.state is DeskState.READY and s.desk.trading_state is TradingState.HALTED
            await eventually(lambda: not s.broker.live() and s.desk.kill.report.done_at)
            assert s.desk.kill.report.cancelled == (order.order_id,)

    arun(story())


def test_a_latch_that_the_disk_did_not_take_is_written_when_it_can_be(arun, eventually):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            s.journal.fails = FULL_DISK
            report = await s.desk.kill.press("test", flatten=False)
            assert next(step for step in report.steps if "write" in step.name).ok is False
            s.journal.fails = None
            await s.desk.reconcile("look")
            await eventually(lambda: any(e.kind == "kill switch" for e in s.journal.event_rows))
            s.errors.clear()

    arun(story())


def test_release_is_typed_and_waits_for_the_report(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            s.broker.reads.clear()
            pressing = s.scope.spawn("press", s.desk.kill.press("test", flatten=False))
            await yields()
            with pytest.raises(Refused, match="still at work"):
                await s.desk.kill.release(RELEASE)
            s.broker.reads.set()
            await pressing
            with pytest.raises(Refused, match="typing RELEASE; 'release' was typed"):
                await s.desk.kill.release("release")
            await s.desk.kill.release(RELEASE)
            assert s.desk.trading_state is TradingState.ACTIVE
            await s.desk.submit(s.request())

    arun(story())


def test_reducing_lets_only_exits_through_and_is_kept(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            await s.desk.kill.reduce("a person said so")
            with pytest.raises(Refused, match="Reducing only"):
                await s.desk.submit(s.request())
            await s.desk.submit(s.request("SELL", quantity=4))
            desk, runner = s.restart()
            await desk.open()
            assert desk.trading_state is TradingState.REDUCING and desk.why_halted == "a person said so"
            runner.close()

    arun(story())


def test_a_days_loss_lets_only_exits_through_until_tomorrow(arun, eventually):
    async def story():
        limits = Limits(max_loss_per_day=100.0, price_band_pct=60)
        async with a_desk(clock=FastClock(), broker=FaultyBroker(), limits=limits) as s:
            await s.desk.submit(s.request(quantity=10))
            await eventually(s.desk.positions)
            s.tick(80.0, after_s=2)
            await eventually(lambda: s.desk.trading_state is TradingState.REDUCING)
            assert "100" in s.desk.why_halted
            with pytest.raises(Refused, match="until tomorrow"):
                await s.desk.kill.release(RELEASE)
            with pytest.raises(Refused):
                await s.desk.submit(s.request())
            await s.desk.submit(s.request("SELL", quantity=10))
            s.clock.advance(86_400)
            s.broker.trades.clear()
            s.broker.book.clear()
            await s.desk.resume(a_session(s.clock.now()))
            assert s.desk.trading_state is TradingState.ACTIVE

    arun(story())


def test_strategies_are_silent_from_the_moment_of_the_press(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            run = await s.run()
            pressing = s.scope.spawn("press", s.desk.kill.press("test", flatten=False))
            await asyncio.sleep(0)
            calls = len(s.probe.calls)
            s.tick()
            assert len(s.probe.calls) == calls
            s.probe.ctx.buy(INFY, 10, reason="too late")
            report = await pressing
            assert s.broker.arrived == [] and run.state.over
            assert next(step for step in report.steps if step.name == "stop strategies").ok is True

    arun(story())


def test_a_report_is_the_same_when_it_comes_back_from_the_journal(arun):
    async def story():
        async with a_desk(clock=FastClock(), broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(price=RESTING))
            report = await s.desk.kill.press("test", flatten=True)
            assert report_of(report.json()) == report and report.clean
            assert "Orders cancelled (1)" in report.text()

    arun(story())


def test_a_cover_order_that_closes_with_its_stop_is_named_though_positions_were_to_stay(arun):
    async def story():
        async with a_desk(broker=FaultyBroker()) as s:
            leg = Order(order_id="leg", status="TRIGGER PENDING", exchange="NSE", tradingsymbol="INFY",
                        transaction_type="SELL", quantity=2, product="CO", order_type="SL-M", variety="co",
                        trigger_price=95.0, parent_order_id="first")  # fmt: skip
            s.broker.book["leg"] = [leg]
            s.desk.take_update(leg)
            await s.desk.submit(s.request(price=RESTING))
            report = await s.desk.kill.press("test", flatten=False)
            step = next(step for step in report.steps if step.name == CANCEL)
            assert step.detail == (
                "1 cancelled; cover orders closed, for cancelling the stop of one is its exit: 2 NSE:INFY CO"
            )

    arun(story())


def test_the_steps_of_a_report_are_in_the_order_of_their_times_and_end_before_it(arun):
    async def story():
        async with a_desk(broker=FaultyBroker(), clock=FastClock()) as s:
            await s.desk.submit(s.request("SELL", 10))
            await s.desk.submit(s.request(price=RESTING))
            s.broker.fails_cancelling = Offline("down")
            give_up_soon(s.desk)
            report = await s.desk.kill.press("test", flatten=False)
            times = [step.at for step in report.steps]
            assert times == sorted(times) and times[-1] <= report.done_at
            assert "\u221210 NSE:INFY MIS" in report.text()

    arun(story())


def test_an_exit_for_the_kill_switch_leaves_at_a_limit_though_no_fresh_price_is_known(arun):
    async def story():
        async with a_desk(broker=FaultyBroker()) as s:
            await s.desk.submit(s.request(quantity=10))
            await s.desk.reconcile("test")
            s.clock.advance(3 * 3600)
            s.broker.place_faults = ["rejected"]
            report = await s.desk.kill.press("test", flatten=True)
            assert report.flat is True, report.text()
            assert [r.order_type for r in s.broker.placed] == ["MARKET", "LIMIT"]

    arun(story())
