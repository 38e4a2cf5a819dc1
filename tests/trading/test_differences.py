"""Where broker and journal disagree: each difference once, decided by a person, strategies locked meanwhile."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from alphapanda_desktop.domain.errors import Refused, Rejected, StrategyError, Unknown
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.portfolio import Holding
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.trading import rounds
from alphapanda_desktop.trading.differences import Choice, ForeignPolicy
from alphapanda_desktop.trading.run import RunState
from tests.fakes import a_session
from tests.trading.desk_fakes import INFY, RESTING, TCS, Seen, a_desk, yields


@pytest.fixture(autouse=True)
def in_a_hurry(monkeypatch):
    """The same order of events, without the seconds between them."""
    monkeypatch.setattr(rounds, "SETTLE_S", 0.0)
    monkeypatch.setattr(rounds, "LOOK_AGAIN_S", (0.01,))


async def made_elsewhere(s, **more) -> Order:
    """An order that another program placed at the same broker, unseen by the socket."""
    told, s.broker.on_order = s.broker.on_order, None
    order_id = await super(type(s.broker), s.broker).place(s.request(**{"tag": "theirs", **more}))
    s.broker.on_order = told
    return s.broker.book[order_id][-1]


def kinds(desk) -> list[str]:
    return [row.kind for row in desk.differences.rows()]


def test_an_order_made_elsewhere_is_listed_once_and_locks_nothing_by_itself(arun):
    async def story():
        async with a_desk() as s:
            order = await made_elsewhere(s, price=RESTING)
            for _ in range(3):
                await s.desk.reconcile("look")
            assert kinds(s.desk) == ["foreign order"] and s.desk.differences.red_open() == []
            assert s.desk.by_whom(s.desk.books.book.get(order.order_id)) == "elsewhere"
            s.broker.fill(order.order_id, 10, RESTING)
            await s.desk.reconcile("look")
            row = s.desk.differences.rows()[0]
            assert kinds(s.desk) == ["foreign order"] and "COMPLETE, 10 of 10 filled" in row.theirs

    arun(story())


def test_the_policy_pause_holds_entries_until_someone_has_decided(arun, eventually):
    async def story():
        async with a_desk() as s:
            s.desk.foreign_policy = ForeignPolicy.PAUSE
            run = await s.run()
            s.probe.ctx.buy(INFY, 5, reason="entry")
            await yields()
            order = await made_elsewhere(s, price=RESTING)
            s.sink.order(order)
            assert run.state is RunState.PAUSED and len(s.desk.differences.red_open()) == 1
            with pytest.raises(StrategyError, match="locked"):
                await s.run(TCS)
            s.runner.resume(run.run_id)
            sent = len(s.broker.arrived)
            s.probe.ctx.buy(INFY, 5, reason="more")
            await yields()
            assert len(s.broker.arrived) == sent and any("locked" in line.text for line in run.log)
            s.probe.ctx.exit(INFY, reason="out")
            await eventually(lambda: len(s.broker.arrived) == sent + 1)
            await s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.IGNORE)
            s.probe.ctx.buy(INFY, 5, reason="again")
            await eventually(lambda: len(s.broker.arrived) == sent + 2)
            Seen.acts.clear()

    arun(story())


def test_the_policy_adopt_makes_an_order_ours_and_the_kill_switch_takes_it_along(arun, eventually):
    async def story():
        async with a_desk() as s:
            s.desk.foreign_policy = ForeignPolicy.ADOPT
            order = await made_elsewhere(s, price=RESTING)
            s.sink.order(order)
            assert s.desk.by_whom(s.desk.books.book.get(order.order_id)) == "adopted"
            assert s.desk.differences.rows()[0].decided is Choice.ADOPT
            report = await s.desk.kill.press("test", flatten=False)
            assert report.cancelled == (order.order_id,)

    arun(story())


def test_a_decision_outlives_the_program(arun):
    async def story():
        async with a_desk() as s:
            s.desk.foreign_policy = ForeignPolicy.PAUSE
            order = await made_elsewhere(s, price=RESTING)
            await s.desk.reconcile("look")
            await s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.ADOPT)
            desk, runner = s.restart()
            desk.foreign_policy = ForeignPolicy.PAUSE
            await desk.open()
            assert [row.decided for row in desk.differences.rows()] == [Choice.ADOPT]
            assert desk.by_whom(desk.books.book.get(order.order_id)) == "adopted"
            runner.close()

    arun(story())


def test_flatten_cancels_what_works_of_a_foreign_order_and_closes_what_it_filled(arun):
    async def story():
        async with a_desk() as s:
            order = await made_elsewhere(s, price=RESTING)
            s.broker.fill(order.order_id, 4, RESTING)
            await s.desk.reconcile("look")
            await s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.FLATTEN)
            assert s.broker.book[order.order_id][-1].status == "CANCELLED"
            assert [(f.transaction_type, f.quantity) for f in s.broker.trades] == [("BUY", 4), ("SELL", 4)]
            assert await s.broker.positions() and not (await s.broker.positions())[0].quantity

    arun(story())


def test_flatten_asked_for_twice_sends_one_order(arun):
    async def story():
        async with a_desk() as s:
            order = await made_elsewhere(s)
            await s.desk.reconcile("look")
            asked = (s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.FLATTEN) for _ in range(2))
            answers = await asyncio.gather(*asked, return_exceptions=True)
            assert answers[0] is None and "is being carried out" in str(answers[1])
            with pytest.raises(Refused, match="flattened already"):
                await s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.FLATTEN)
            assert [(f.transaction_type, f.quantity) for f in s.broker.trades] == [("BUY", 10), ("SELL", 10)]

    arun(story())


def test_a_decision_that_failed_can_be_made_again(arun):
    async def story():
        async with a_desk() as s:
            order = await made_elsewhere(s)
            await s.desk.reconcile("look")
            s.broker.refuse_next = Rejected("the exchange said no", "OrderException", 400)
            with pytest.raises(Rejected):
                await s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.FLATTEN)
            await s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.FLATTEN)
            assert s.desk.books.held("NSE", "INFY", "MIS") == 0

    arun(story())


def test_flatten_takes_the_stop_of_what_it_closes_along(arun):
    async def story():
        async with a_desk() as s:
            order = await made_elsewhere(s)
            await s.desk.reconcile("look")
            stop = await s.desk.submit(s.request("SELL", order_type="SL-M", trigger_price=90.0))
            await s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.FLATTEN)
            assert s.broker.cancelled == [stop.order_id] and s.desk.books.book.working() == []
            assert s.desk.books.held("NSE", "INFY", "MIS") == 0

    arun(story())


def test_flatten_of_a_part_sends_nothing_that_a_resting_stop_would_close_as_well(arun):
    async def story():
        async with a_desk() as s:
            await s.desk.submit(s.request("BUY", 5))
            order = await made_elsewhere(s)
            await s.desk.reconcile("look")
            await s.desk.submit(s.request("SELL", 15, order_type="SL-M", trigger_price=90.0))
            with pytest.raises(Refused, match="0 left"):
                await s.desk.differences.decide(f"foreign order:{order.order_id}", Choice.FLATTEN)
            assert s.desk.books.held("NSE", "INFY", "MIS") == 15 and s.broker.cancelled == []

    arun(story())


def test_a_choice_that_is_not_offered_is_refused(arun):
    async def story():
        async with a_desk() as s:
            with pytest.raises(Refused, match="No difference"):
                await s.desk.differences.decide("nothing", Choice.ADOPT)
            s.broker.lose_next_reply, s.broker.on_order = True, None
            with pytest.raises(Unknown):
                await s.desk.submit(request := s.request())
            with pytest.raises(Refused, match="adopt asked, ignore offered"):
                await s.desk.differences.decide(f"unknown order:{request.tag}", Choice.ADOPT)

    arun(story())


def test_an_order_without_an_answer_is_red_until_it_is_found(arun):
    async def story():
        async with a_desk() as s:
            s.broker.lose_next_reply, s.broker.on_order = True, None
            with pytest.raises(Unknown):
                await s.desk.submit(s.request())
            assert [row.kind for row in s.desk.differences.red_open()] == ["unknown order"]
            with pytest.raises(StrategyError, match="locked"):
                await s.run()
            await s.desk.reconcile("look")
            row = s.desk.differences.rows()[0]
            assert s.desk.differences.red_open() == [] and "COMPLETE" in row.theirs

    arun(story())


def test_an_order_that_the_broker_does_not_have_any_more_is_red(arun):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            s.broker.fill(order.order_id, 3, RESTING)
            gone = s.broker.book.pop(order.order_id)
            desk, runner = s.restart()
            await desk.open()
            assert [row.id for row in desk.differences.red_open()] == [f"missing order:{order.order_id}"]
            s.broker.book[order.order_id] = gone
            await desk.reconcile("it is back")
            assert desk.differences.rows() == []
            runner.close()

    arun(story())


def test_an_order_of_which_the_broker_tells_less_than_the_journal_is_red(arun):
    async def story():
        async with a_desk() as s:
            order = await s.desk.submit(s.request(price=RESTING))
            s.broker.fill(order.order_id, 10, RESTING)
            await s.desk.reconcile("look")
            history = s.broker.book[order.order_id]
            history.append(replace(history[-1], status="CANCELLED", filled_quantity=4))
            desk, runner = s.restart()
            await desk.open()
            red = [(row.kind, row.ours, row.theirs) for row in desk.differences.red_open()]
            assert red == [("order", "COMPLETE, 10 filled", "CANCELLED, 4 filled")]
            await desk.differences.decide(desk.differences.red_open()[0].id, Choice.ADOPT)
            await desk.reconcile("look")
            assert desk.differences.red_open() == []
            runner.close()

    arun(story())


def test_a_trade_that_the_broker_does_not_list_any_more_is_red(arun):
    async def story():
        async with a_desk() as s:
            await s.desk.submit(s.request(quantity=5))
            await s.desk.reconcile("look")
            s.broker.trades.clear()
            desk, runner = s.restart()
            await desk.open()
            await desk.reconcile("look")
            assert "fill" not in kinds(desk)  # while an order tells of more than the trades, they are read again first
            fill = next(iter(s.journal.fill_rows.values()))[0]
            s.broker.trades.append(replace(fill, trade_id="another"))
            await desk.reconcile("look")
            await desk.reconcile("look")
            assert [row.kind for row in desk.differences.red_open()] == ["fill"]
            runner.close()

    arun(story())


def test_a_position_that_the_days_trades_do_not_explain_is_red_once_it_is_found_twice(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            await s.desk.submit(s.request(quantity=5))
            await s.desk.reconcile("look")
            read = s.broker.positions

            async def more():
                return [replace(p, quantity=p.quantity + 3) for p in await read()]

            monkeypatch.setattr(s.broker, "positions", more)
            await s.desk.reconcile("look")
            assert s.desk.differences.rows() == []  # lists are read one after the other: it may be a race
            await s.desk.reconcile("look")
            row = s.desk.differences.red_open()[0]
            assert (row.kind, row.ours, row.theirs) == ("position", "5 by the day's trades", "8 held")
            monkeypatch.setattr(s.broker, "positions", read)
            await s.desk.reconcile("look")
            assert s.desk.differences.rows() == []

    arun(story())


def test_a_position_moved_between_products_is_told_and_locks_nothing(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            await s.desk.submit(s.request(quantity=5))
            moved = [
                Position(exchange="NSE", tradingsymbol="INFY", product="MIS", instrument_token=408065),
                Position(exchange="NSE", tradingsymbol="INFY", product="CNC", instrument_token=408065, quantity=5),
            ]

            async def converted():
                return moved

            monkeypatch.setattr(s.broker, "positions", converted)
            await s.desk.reconcile("look")
            await s.desk.reconcile("look")
            rows = s.desk.differences.rows()
            assert {row.kind for row in rows} == {"position"} and not s.desk.differences.red_open()

    arun(story())


def test_what_was_carried_overnight_is_held_against_what_was_left(arun, monkeypatch):
    async def story():
        async with a_desk() as s:
            row = Position(
                exchange="NFO", tradingsymbol="NIFTY26DECFUT", product="NRML", overnight_quantity=75, quantity=75
            )
            s.broker.positions = lambda: answered([row])  # type: ignore[method-assign]
            await s.desk.reconcile("look")
            s.clock.advance(86_400)
            s.broker.positions = lambda: answered([replace(row, overnight_quantity=150, quantity=150)])  # type: ignore[method-assign]
            desk, runner = s.restart()
            await desk.resume(a_session(s.clock.now()))
            red = [(r.kind, r.ours, r.theirs) for r in desk.differences.red_open()]
            assert red == [("position", "75 when it was last looked at", "150 carried into today")]
            await desk.differences.decide(desk.differences.red_open()[0].id, Choice.ADOPT)
            assert desk.differences.why_locked() == ""
            runner.close()

    arun(story())


async def answered(rows):
    return rows


class Shares:
    """A demat account."""

    def __init__(self, *rows: Holding) -> None:
        self.rows = list(rows)

    async def holdings(self) -> list[Holding]:
        return self.rows

    async def convert(self, position, quantity, to_product) -> None:
        raise AssertionError("nobody converts here")


def test_shares_that_came_or_went_are_told(arun):
    async def story():
        async with a_desk() as s:
            shares = Shares(Holding(tradingsymbol="INFY", exchange="NSE", quantity=10))
            s.desk.guard_portfolio(shares)
            await s.desk.reconcile("look")
            assert s.desk.differences.rows() == []
            shares.rows = [Holding(tradingsymbol="INFY", exchange="NSE", quantity=4)]
            await s.desk.reconcile("look")
            row = s.desk.differences.rows()[0]
            assert (row.kind, row.red) == ("holding", False) and "4 held" in row.theirs

    arun(story())


def test_the_slices_and_second_legs_of_our_orders_are_ours(arun):
    async def story():
        async with a_desk() as s:
            parent = await s.desk.submit(s.request(price=RESTING, strategy="run1"))
            row = s.broker.book[parent.order_id][-1]
            s.sink.order(replace(row, order_id="s1", tag=None, tags=("autoslice", f"autoslice:{parent.order_id}")))
            s.sink.order(replace(row, order_id="s2", tag=None, tags=(), parent_order_id=parent.order_id))
            book = s.desk.books.book
            assert [s.desk.run_of(book.get(id_)) for id_ in ("s1", "s2")] == ["run1", "run1"]
            assert s.desk.differences.rows() == []

    arun(story())
