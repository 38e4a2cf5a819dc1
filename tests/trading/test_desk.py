"""The order path and the books: nothing twice, nothing after the kill switch, nothing lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from alphapanda_desktop.domain.errors import Fatal, Offline, Refused, Rejected, SessionEnded, Unknown
from alphapanda_desktop.domain.orders import UNKNOWN, OrderChange
from alphapanda_desktop.domain.ports import LinkReport, LinkState
from alphapanda_desktop.domain.risk import Limits, TradingState
from alphapanda_desktop.trading import reconcile, rounds
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.trading.kill import RELEASE
from alphapanda_desktop.trading.killrun import WRITE
from tests.fakes import a_session
from tests.trading.desk_fakes import FULL_DISK, INFY, RESTING, a_desk, yields

GONE = Offline("Kite cannot be reached", after_s=0.0)


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """The same order of events, without the seconds between them."""
    monkeypatch.setattr(rounds, "SETTLE_S", 0.0)
    monkeypatch.setattr(rounds, "LOOK_AGAIN_S", (0.01,))


def test_an_intent_is_on_disk_before_its_request_leaves(arun):
    async def story():
        async with a_desk() as s:
            s.broker.door.clear()
            task = s.scope.spawn("submit", s.desk.submit(request := s.request()))
            await yields()
            assert s.journal.intent_rows[request.tag].state == "intended" and not s.broker.arrived
            s.broker.door.set()
            order = await task
            assert s.journal.intent_rows[request.tag].order_id == order.order_id

    arun(story())


def test_a_full_disk_lets_no_order_leave(arun):
    async def story():
        async with a_desk() as s:
            s.journal.fails = FULL_DISK
            with pytest.raises(Fatal):
                await s.desk.submit(request := s.request())
            assert not s.broker.placed
            assert [o.status for o in s.desk.orders() if o.tag == request.tag] == ["REJECTED"]
            assert s.desk.books.working("NSE", "INFY", "MIS") == (0, 0)

    arun(story())


def test_a_disk_that_fills_after_the_order_left_does_not_make_it_look_unsent(arun, eventually):
    async def story():
        async with a_desk() as s:
            s.broker.reply.clear()
            task = s.scope.spawn("submit", s.desk.submit(request := s.request(price=RESTING)))
            await yields()
            s.journal.fails = FULL_DISK
            s.broker.reply.set()
            order = await task
            assert order.order_id and any("could not be journaled" in text for text in s.notices)
            s.journal.fails = None
            await s.desk.reconcile("the disk has room again")
            assert s.journal.intent_rows[request.tag].order_id == order.order_id
            s.errors[:] = [text for text in s.errors if "disk is full" not in text]

    arun(story())


def test_a_full_disk_does_not_turn_no_answer_into_a_no(arun):
    async def story():
        async with a_desk() as s:
            s.broker.lose_next_reply, s.broker.on_order = True, None
            s.broker.reply.clear()
            s.broker.door.clear()
            task = s.scope.spawn("submit", s.desk.submit(request := s.request()))
            await yields()
            s.journal.fails = FULL_DISK
            s.broker.door.set()
            await asyncio.wait({task})
            assert isinstance(task.exception(), Unknown)
            assert next(o for o in s.desk.orders() if o.tag == request.tag).status == UNKNOWN
            s.journal.fails = None
            s.errors.clear()

    arun(story())


def test_what_waits_for_its_turn_never_leaves_once_the_kill_switch_is_on(arun):
    async def story():
        async with a_desk() as s:
            s.broker.door.clear()  # a rate limit, a request before it that hangs
            task = s.scope.spawn("submit", s.desk.submit(s.request()))
            await yields()
            await s.desk.kill.press("test", flatten=False)
            s.broker.door.set()
            await asyncio.wait({task})
            await yields()
            assert s.broker.arrived == [] and isinstance(task.exception(), Unknown)
            s.errors.clear()

    arun(story())


def test_an_order_that_left_before_the_kill_switch_is_cancelled_when_it_turns_up(arun, eventually):
    async def story():
        async with a_desk() as s:
            s.broker.reply.clear()
            s.broker.on_order = None
            task = s.scope.spawn("submit", s.desk.submit(request := s.request(price=RESTING)))
            await yields()
            await s.desk.kill.press("test", flatten=False)
            await asyncio.wait({task})
            assert s.broker.arrived == [request.tag]
            s.broker.on_order = s.market.take_order
            await s.desk.reconcile("look")
            await eventually(lambda: s.desk.books.book.by_tag(request.tag).status == "CANCELLED")
            s.errors.clear()

    arun(story())


def test_the_kill_switch_pressed_during_the_journal_write_stops_the_order(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            write = s.journal.intend

            async def slow(request, at, cause):
                await write(request, at, cause)
                s.scope.spawn("kill", s.desk.kill.press("test", flatten=False))
                await yields()

            monkeypatch.setattr(s.journal, "intend", slow)
            with pytest.raises(Refused, match="kill switch is on"):
                await s.desk.submit(request := s.request())
            assert not s.broker.placed and s.journal.intent_rows[request.tag].state == "refused"

    arun(story())


def test_an_answer_that_comes_with_the_kill_switch_is_cancelled(arun, eventually, monkeypatch):
    async def story():
        async with a_desk() as s:
            place = s.broker.place
            s.broker.on_order = None  # no update tells of it

            async def answered_as_it_was_pressed(request):
                order_id = await place(request)
                s.scope.spawn("kill", s.desk.kill.press("test", flatten=False))
                return order_id

            monkeypatch.setattr(s.broker, "place", answered_as_it_was_pressed)
            order = await s.desk.submit(s.request(price=RESTING))
            await eventually(lambda: s.broker.cancelled == [order.order_id])

    arun(story())


def test_the_kill_switch_cancels_though_the_disk_is_full(arun):
    async def story():
        async with a_desk() as s:
            await s.desk.submit(s.request(price=RESTING))
            s.journal.fails = FULL_DISK
            report = await s.desk.kill.press("test", flatten=False)
            assert next(step.ok for step in report.steps if step.name == WRITE) is False
            assert s.desk.trading_state is TradingState.HALTED
            assert [o.status for o in s.desk.orders()] == ["CANCELLED"]
            s.journal.fails = None
            await yields()
            s.errors.clear()

    arun(story())


def test_one_order_that_cannot_be_cancelled_does_not_keep_the_others_alive(arun):
    async def story():
        async with a_desk() as s:
            first = await s.desk.submit(s.request(price=RESTING))
            await s.desk.submit(s.request(price=RESTING))
            s.broker.book[first.order_id].append(replace(s.broker.book[first.order_id][-1], status="COMPLETE"))
            with pytest.raises(Rejected):
                await s.desk.cancel_all()
            assert len(s.broker.cancelled) == 2

    arun(story())


def test_a_release_counts_only_once_it_is_journaled_and_a_later_press_holds(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            await s.desk.kill.press("test", flatten=False)
            s.journal.fails = FULL_DISK
            with pytest.raises(Fatal):
                await s.desk.kill.release(RELEASE)
            assert s.desk.trading_state is TradingState.HALTED
            s.journal.fails = None
            note = s.journal.note

            async def slow(event):
                await note(event)
                if event.detail.get("state") == "active":
                    await s.desk.kill.press("pressed again", flatten=False)

            monkeypatch.setattr(s.journal, "note", slow)
            await s.desk.kill.release(RELEASE)
            assert s.desk.trading_state is TradingState.HALTED

    arun(story())


def test_the_kill_switch_is_read_before_anything_is_accepted_however_the_desk_opens(arun):
    async def story():
        async with a_desk() as s:
            await s.desk.kill.press("yesterday", flatten=False)
            desk, runner = s.restart()
            await desk.reconcile("the feed came up before the desk was opened", quiet=True)
            assert desk.trading_state is TradingState.HALTED
            with pytest.raises(Refused, match="Kill switch"):
                await desk.submit(s.request())
            runner.close()

    arun(story())


def test_opening_twice_counts_the_days_orders_once(arun):
    async def story():
        async with a_desk(limits=Limits(max_orders_per_day=2)) as s:
            await s.desk.submit(s.request())
            desk, runner = s.restart()
            await desk.open()
            await desk.open()
            await desk.submit(s.request())
            with pytest.raises(Refused, match="2 sent, 2 allowed"):
                await desk.submit(s.request())
            runner.close()

    arun(story())


def test_a_tag_is_sent_once(arun):
    async def story():
        async with a_desk() as s:
            request = s.request(price=RESTING)
            await s.desk.submit(request)
            with pytest.raises(Refused, match="made before"):
                await s.desk.submit(request)
            desk, runner = s.restart()
            await desk.open()
            with pytest.raises(Refused, match="made before"):
                await desk.submit(request)
            assert s.broker.arrived == [request.tag]
            runner.close()

    arun(story())


def test_a_cancelled_wait_leaves_the_order_unknown_and_it_is_found(arun, eventually):
    async def story():
        async with a_desk() as s:
            s.broker.reply.clear()
            s.broker.on_order = None
            task = asyncio.create_task(s.desk.submit(request := s.request()))
            await yields()
            task.cancel()
            await asyncio.wait({task})
            assert s.desk.books.undecided(request.tag)
            await s.desk.reconcile("look")
            assert s.desk.books.book.by_tag(request.tag).status == "COMPLETE"
            assert s.broker.arrived == [request.tag]

    arun(story())


def test_an_error_nobody_foresaw_in_a_broker_leaves_no_order_in_limbo(arun):
    async def story():
        async with a_desk() as s:
            s.broker.refuse_next = KeyError("order_id")
            with pytest.raises(KeyError):
                await s.desk.submit(request := s.request())
            assert s.desk.books.pending(request.tag).status == UNKNOWN
            assert s.journal.intent_rows[request.tag].state == "unknown"
            assert any("KeyError" in text for text in s.errors)
            s.errors.clear()

    arun(story())


def test_the_session_that_dies_in_mid_order_leaves_a_rejection_and_closes_once(arun):
    async def story():
        async with a_desk() as s:
            ends = []
            s.desk.session_ended.connect(ends.append)
            s.broker.refuse_next = SessionEnded("token is dead")
            with pytest.raises(SessionEnded):
                await s.desk.submit(request := s.request())
            assert ends == ["token is dead"] and s.journal.intent_rows[request.tag].state == "rejected"

    arun(story())


def test_the_end_of_the_former_session_does_not_end_the_new_one(arun):
    async def story():
        async with a_desk() as s:
            ends = []
            s.desk.session_ended.connect(ends.append)
            s.broker.reads.clear()
            s.broker.fails_once["orders"] = SessionEnded("the former token is dead")
            late = s.scope.spawn("late look", s.desk.reconcile("late", quiet=True))
            await yields()
            s.desk.freeze("06:00")
            again = s.scope.spawn("resume", s.desk.resume(a_session(s.clock.now())))
            await yields()
            s.broker.reads.set()
            await asyncio.wait({late, again})
            assert ends == [] and s.desk.state is DeskState.READY
            s.errors.clear()

    arun(story())


def test_a_repeated_and_an_overtaken_update_change_nothing(arun):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            resting = s.broker.book[order.order_id][-1]
            s.broker.fill(order.order_id, 10, RESTING)
            heard = len(s.heard)
            for late in (resting, s.broker.book[order.order_id][-1], resting):
                s.sink.order(late)
            assert len(s.heard) == heard
            assert s.desk.books.book.get(order.order_id).filled_quantity == 10

    arun(story())


def test_an_update_before_the_reply_is_the_same_order(arun):
    async def story():
        async with a_desk() as s:
            s.broker.reply.clear()
            task = s.scope.spawn("submit", s.desk.submit(request := s.request()))
            await yields()
            assert s.desk.books.book.by_tag(request.tag).status == "COMPLETE"
            s.broker.reply.set()
            assert (await task).status == "COMPLETE"
            assert [o.tag for o in s.desk.orders()] == [request.tag]

    arun(story())


def test_an_order_of_another_program_is_shown_and_is_nobodys(arun):
    async def story():
        async with a_desk() as s:
            mine = await s.desk.submit(s.request(price=RESTING))
            other = replace(s.broker.book[mine.order_id][-1], order_id="77", tag="theirs", tags=("theirs",))
            s.sink.order(other)
            assert s.desk.by_whom(s.desk.books.book.get("77")) == "elsewhere"
            s.broker.book["77"] = [other]
            await s.desk.kill.press("test", flatten=False)
            s.sink.order(replace(other, order_id="78"))
            await yields()
            assert "78" not in s.broker.cancelled  # what a person does at Kite after the kill switch is theirs

    arun(story())


def test_a_partly_filled_order_that_is_cancelled_leaves_its_position(arun):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            s.broker.fill(order.order_id, 4, RESTING)
            await s.desk.cancel(order.order_id)
            assert s.desk.books.held("NSE", "INFY", "MIS") == 4
            assert s.desk.books.working("NSE", "INFY", "MIS") == (0, 0)

    arun(story())


def test_what_has_filled_counts_against_the_limit_before_positions_are_read(arun):
    async def story():
        async with a_desk(limits=Limits(max_position_quantity=15)) as s:
            await s.desk.submit(s.request())  # fills at once; no await reads the positions in between
            with pytest.raises(Refused, match="20 would be held, 15 allowed"):
                await s.desk.submit(s.request())

    arun(story())


def test_a_working_sale_does_not_hide_behind_a_working_purchase(arun):
    async def story():
        async with a_desk(limits=Limits(max_position_quantity=15, price_band_pct=60)) as s:
            await s.desk.submit(s.request("BUY", price=RESTING))
            await s.desk.submit(s.request("SELL", price=150.0))
            with pytest.raises(Refused, match="20 would be held"):
                await s.desk.submit(s.request("BUY", price=RESTING))

    arun(story())


def test_a_change_is_held_against_the_limits_and_journaled(arun):
    async def story():
        async with a_desk(limits=Limits(max_order_quantity=20, price_band_pct=60)) as s:
            order = await s.desk.submit(s.request(price=RESTING))
            with pytest.raises(Refused, match="500 asked, 20 allowed"):
                await s.desk.modify(order.order_id, OrderChange(quantity=500))
            await s.desk.modify(order.order_id, OrderChange(quantity=20))
            assert s.desk.books.book.get(order.order_id).quantity == 20
            assert [e.detail["quantity"] for e in s.journal.event_rows if e.kind == "modify"] == [20]

    arun(story())


def test_what_was_found_is_told_though_a_later_read_fails(arun, eventually):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            s.broker.on_order = None
            s.broker.fill(order.order_id, 10, RESTING)
            s.broker.fails_reading["positions"] = GONE
            with pytest.raises(Offline):
                await s.desk.reconcile("look", quiet=True)
            assert s.heard[-1].filled_quantity == 10 and s.journal.fill_rows
            s.broker.fails_reading.clear()
            await eventually(s.desk.positions)  # and it is tried again by itself

    arun(story())


def test_a_fill_that_the_disk_did_not_take_is_written_later(arun):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            s.broker.on_order = None
            s.broker.fill(order.order_id, 10, RESTING)
            s.journal.fails = FULL_DISK
            with pytest.raises(Fatal):
                await s.desk.reconcile("look")
            assert s.desk.fills() and s.desk.positions()[0].quantity == 10
            assert s.desk.state is not DeskState.READY
            s.journal.fails = None
            await s.desk.reconcile("again")
            assert len(s.journal.fill_rows) == 1 and s.desk.state is DeskState.READY
            s.errors.clear()

    arun(story())


def test_books_that_lack_a_fill_are_read_again_until_they_have_it(arun, eventually):
    async def story():
        async with a_desk() as s:
            hidden = s.broker.trades
            s.broker.trades = []
            order = await s.desk.submit(s.request(price=RESTING))
            s.broker.fill(order.order_id, 10, RESTING)
            trades, s.broker.trades = s.broker.trades, hidden
            await eventually(lambda: s.broker.read_count > 2)
            s.broker.trades = trades
            await eventually(lambda: [f.quantity for f in s.desk.fills()] == [10])

    arun(story())


def test_looks_at_the_books_are_one_at_a_time_and_shared(arun):
    async def story():
        async with a_desk() as s:
            before = s.broker.read_count
            s.broker.reads.clear()
            looks = [s.scope.spawn(f"look {k}", s.desk.reconcile("look", quiet=True)) for k in range(10)]
            await yields()
            assert s.broker.read_count == before + 1
            s.broker.reads.set()
            await asyncio.gather(*looks)
            assert s.broker.read_count == before + 2  # nine came after it began

    arun(story())


def test_a_look_that_breaks_off_does_not_lock_the_desk(arun, eventually):
    async def story():
        async with a_desk() as s:
            s.broker.fails_reading["orders"] = ZeroDivisionError("a bug")
            with pytest.raises(ZeroDivisionError):
                await s.desk.reconcile("look")
            assert s.desk.state is DeskState.CLOSED
            s.broker.fails_reading.clear()
            await eventually(lambda: s.desk.state is DeskState.READY)

    arun(story())


def test_a_listener_that_fails_breaks_off_no_order_and_no_feed(arun):
    async def story():
        async with a_desk() as s:
            s.desk.order_changed.connect(lambda order: 1 / 0)
            order = await s.desk.submit(request := s.request())
            assert s.journal.intent_rows[request.tag].order_id == order.order_id
            s.market.on_every_tick(lambda tick: 1 / 0)
            s.tick(101.0)
            assert s.market.latest(INFY.instrument_token).last_price == 101.0
            assert any("ZeroDivisionError" in text for text in s.errors)
            s.errors.clear()

    arun(story())


def test_a_refused_order_is_not_looked_for_for_ever(arun):
    async def story():
        async with a_desk() as s:
            s.broker.refuse_next = Rejected("no margin")
            with pytest.raises(Rejected):
                await s.desk.submit(s.request())
            assert s.desk.books.unanswered() == [] and [o.status for o in s.desk.orders()] == ["REJECTED"]

    arun(story())


def test_live_orders_need_arming_up_to_the_moment_they_leave(arun, monkeypatch):
    async def story():
        async with a_desk(live=True) as s:
            with pytest.raises(Refused, match="not armed"):
                await s.desk.submit(s.request())
            s.arming.arm("LIVE", a_session(s.clock.now()).expires_at)
            write = s.journal.intend

            async def slow(request, at, cause):
                await write(request, at, cause)
                s.arming.disarm()

            monkeypatch.setattr(s.journal, "intend", slow)
            with pytest.raises(Refused, match="not armed"):
                await s.desk.submit(s.request())
            assert not s.broker.placed

    arun(story())


def test_a_new_day_begins_with_an_empty_book_and_counter(arun):
    async def story():
        async with a_desk(limits=Limits(max_orders_per_day=1, price_band_pct=60)) as s:
            await s.desk.submit(s.request(price=RESTING))
            s.clock.advance(86_400)
            s.broker.book.clear()
            await s.desk.resume(a_session(s.clock.now()))
            assert s.desk.orders() == [] and s.desk.books.working("NSE", "INFY", "MIS") == (0, 0)
            s.sink.link(LinkReport(LinkState.UP))
            s.tick()
            await s.desk.submit(s.request(price=RESTING))

    arun(story())


def test_two_desks_on_one_journal_never_send_one_intent_twice(arun):
    async def story():
        async with a_desk() as s:
            s.broker.door.clear()
            first = s.scope.spawn("submit", s.desk.submit(request := s.request(price=RESTING)))
            await yields()
            second, runner = s.restart()
            await second.open()
            assert [(o.tag, o.status) for o in second.orders()] == [(request.tag, UNKNOWN)]
            s.broker.door.set()
            order = await first
            await second.reconcile("look")
            assert [(o.order_id, o.tag) for o in second.orders()] == [(order.order_id, request.tag)]
            assert s.broker.arrived == [request.tag]
            s.market.on_order(s.desk.take_update)
            runner.close()

    arun(story())


def test_an_unanswered_order_is_given_up_by_a_clock_that_nobody_sets(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            s.broker.refuse_next = Unknown("no answer")
            with pytest.raises(Unknown):
                await s.desk.submit(request := s.request())
            s.clock.at += timedelta(hours=2)
            await s.desk.reconcile("look")
            assert s.desk.books.pending(request.tag).status == UNKNOWN  # the wall clock stepped; nothing was awaited
            s.clock.advance(reconcile.GIVE_UP_AFTER_S)
            await s.desk.reconcile("look")
            assert s.desk.books.pending(request.tag).status == "REJECTED"
            assert s.journal.intent_rows[request.tag].state == "absent"

    arun(story())
