"""The desk over the real client and the practice exchange: real sockets, a real SQLite file."""

from __future__ import annotations

from dataclasses import replace

import pytest

from alphapanda_desktop.domain.errors import Refused, Rejected, SessionEnded, Unknown
from alphapanda_desktop.domain.orders import UNKNOWN, OrderChange
from alphapanda_desktop.domain.ports import LinkState
from alphapanda_desktop.domain.risk import Limits, TradingState
from alphapanda_desktop.kite.portfolio import KiteCalculator
from alphapanda_desktop.trading import ledger
from alphapanda_desktop.trading.chargecheck import ChargeCheck
from alphapanda_desktop.trading.desk import DeskState
from alphapanda_desktop.trading.kill import RELEASE
from alphapanda_desktop.trading.runner import RunState, StartOrder
from tests.e2e.headless import MemoryVault, exchange, house, log_in


def test_a_market_order_fills_and_all_books_tell_the_same(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            order = await h.desk.submit(h.request(quantity=3))
            await eventually(lambda: h.desk.books.book.get(order.order_id).status == "COMPLETE")
            await eventually(lambda: sum(f.quantity for f in h.desk.fills() if f.order_id == order.order_id) == 3)
            await eventually(lambda: h.desk.books.held("NSE", "INFY", "MIS") == 3)
            intents = await h.journal.intents(h.desk.day_start())
            assert [(i.state, i.order_id) for i in intents] == [("sent", order.order_id)]

            async def journaled():
                return sum(f.quantity for f, _ in await h.journal.fills(h.desk.day_start())) == 3

            await eventually(journaled)
            await eventually(lambda: h.desk.net().charges)
            net = h.desk.net()
            assert net.charges > 0 and net.net == pytest.approx(net.gross - net.charges)
            await h.desk.reconcile("look again")
            assert h.desk.differences.rows() == []

    arun(story())


def test_a_resting_order_can_be_modified_and_cancelled(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            last = h.market.latest(h.request().instrument_token).last_price
            instrument = h.market.master.by_key("NSE:INFY")
            price = instrument.snap(last * 0.97)
            order = await h.desk.submit(h.request(quantity=2, order_type="LIMIT", price=price))
            await eventually(lambda: h.desk.books.book.get(order.order_id).status == "OPEN")
            await h.desk.cancel(order.order_id)
            await eventually(lambda: h.desk.books.book.get(order.order_id).status == "CANCELLED")
            with pytest.raises(Refused, match="has ended: CANCELLED"):
                await h.desk.cancel(order.order_id)

    arun(story())


def test_a_modified_stop_is_a_stop_still_though_the_socket_only_says_update(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            told = []
            h.market.on_order(lambda order: (told.append(order.status), h.desk.take_update(order)))
            last = h.market.latest(h.request().instrument_token).last_price
            instrument = h.market.master.by_key("NSE:INFY")
            stop = h.request(quantity=2, side="SELL", order_type="SL-M", trigger_price=instrument.snap(last * 0.95))
            order = await h.desk.submit(stop)
            await eventually(lambda: h.desk.books.book.get(order.order_id).status == "TRIGGER PENDING")
            trigger = instrument.snap(last * 0.96)
            await h.desk.modify(order.order_id, OrderChange(trigger_price=trigger))
            await eventually(lambda: "UPDATE" in told)
            await eventually(lambda: h.desk.books.book.get(order.order_id).status == "TRIGGER PENDING")
            row = h.desk.books.book.get(order.order_id)
            assert (row.trigger_price, row.changeable) == (trigger, True)
            await h.desk.cancel(order.order_id)
            await eventually(lambda: h.desk.books.book.get(order.order_id).status == "CANCELLED")

    arun(story())


def test_a_lost_reply_is_unknown_then_found_and_never_sent_twice(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path, timeout_s=2.0) as h:
            seen = []
            h.desk.order_changed.connect(lambda order: seen.append(order.status))
            h.market.on_order(lambda order: None)  # and the socket's updates are missed as well
            await kite.control("scenario", name="lost-reply")
            request = h.request(quantity=1)
            with pytest.raises(Unknown):
                await h.desk.submit(request)
            assert UNKNOWN in seen
            await kite.control("scenario", name="calm")
            await eventually(lambda: h.desk.books.book.by_tag(request.tag))
            await eventually(lambda: not h.desk.books.unanswered())
            book = await kite.get("/orders")
            assert sum(1 for row in book if request.tag in (row["tag"], *row.get("tags", []))) == 1

    arun(story())


def test_a_lost_reply_is_no_matter_when_the_socket_told_of_the_order(arun, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path, timeout_s=2.0) as h:
            await kite.control("scenario", name="lost-reply")
            order = await h.desk.submit(h.request(quantity=1))
            assert order.order_id and not h.desk.books.unanswered()
            assert (await h.journal.intents(h.desk.day_start()))[-1].order_id == order.order_id

    arun(story())


def test_a_rejection_by_kite_is_shown_and_journaled(arun, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            last = h.market.latest(h.request().instrument_token).last_price
            request = h.request(quantity=1, order_type="SL", price=round(last * 0.96), trigger_price=round(last * 0.95))
            with pytest.raises(Rejected, match="Trigger price"):
                await h.desk.submit(request)
            row = next(o for o in h.desk.orders() if o.tag == request.tag)
            assert row.status == "REJECTED" and "Trigger price" in row.status_message
            assert (await h.journal.intents(h.desk.day_start()))[-1].state == "rejected"

    arun(story())


def test_the_kill_switch_lets_no_order_out_and_survives_a_restart(arun, eventually, tmp_path):
    async def story():
        vault = MemoryVault()
        async with exchange("--state", str(tmp_path / "kite.state")) as kite:
            async with house(kite, tmp_path, vault) as h:
                last = h.market.latest(h.request().instrument_token).last_price
                price = h.market.master.by_key("NSE:INFY").snap(last * 0.97)
                order = await h.desk.submit(h.request(order_type="LIMIT", price=price))
                await eventually(lambda: h.desk.books.book.get(order.order_id).status == "OPEN")
                await h.desk.kill.press("test", flatten=False)
                await eventually(lambda: h.desk.books.book.get(order.order_id).status == "CANCELLED")
                with pytest.raises(Refused, match="Kill switch"):
                    await h.desk.submit(h.request())
                sent = len(await kite.get("/orders"))
            async with house(kite, tmp_path, vault) as h:
                assert h.desk.trading_state is TradingState.HALTED
                with pytest.raises(Refused, match="Kill switch"):
                    await h.desk.submit(h.request())
                assert len(await kite.get("/orders")) == sent
                await h.desk.kill.release(RELEASE)
                await h.desk.submit(h.request())

    arun(story())


def test_the_session_dies_and_rest_and_feed_carry_on_after_login_in_place(arun, eventually, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            h.desk.session_ended.connect(lambda why: None)
            token = h.request().instrument_token
            await kite.control("expire")
            with pytest.raises(SessionEnded):
                await h.desk.reconcile("check")
            assert h.desk.state is DeskState.FROZEN
            await h.gate.ended("test")
            h.market.freeze(h.market.now())
            assert h.market.stale(token)
            with pytest.raises(Refused, match="login needed"):
                await h.desk.submit(h.request())
            await h.gate.complete(await log_in(h.gate.login_url))
            session = h.gate.session
            h.client.use(session.token)
            h.market.resume(session)
            await h.desk.resume(session)
            assert h.desk.state is DeskState.READY
            h.market.take_changed("test")
            await eventually(lambda: token in h.market.take_changed("test"))
            await eventually(lambda: h.market.link.state is LinkState.UP)
            await h.desk.submit(h.request())
            ends = [row.ended_how for row in await h.journal.sessions()]
            assert ends == ["", "test"]

    arun(story())


def test_a_limit_refuses_before_anything_is_journaled_or_sent(arun, tmp_path):
    async def story():
        async with exchange() as kite, house(kite, tmp_path, limits=Limits(max_order_quantity=10)) as h:
            with pytest.raises(Refused, match="11 asked, 10 allowed"):
                await h.desk.submit(h.request(quantity=11))
            assert await h.journal.intents(h.desk.day_start()) == []
            assert await kite.get("/orders") == []
            refused = await h.journal.events(h.desk.day_start(), "refused")
            assert refused[0].detail["rule"] == "order quantity"

    arun(story())


def test_orders_survive_a_restart_with_their_owner(arun, eventually, tmp_path):
    async def story():
        vault = MemoryVault()
        async with exchange("--speed", "60", "--scenario", "volatile") as kite:
            async with house(kite, tmp_path, vault) as h:
                infy = h.market.master.by_key("NSE:INFY")
                run = await h.runner.start(StartOrder("ma_cross", (infy,), {"fast": 1, "slow": 2}))
                assert run.state is RunState.RUNNING
                await eventually(lambda: any(o.filled_quantity for o in run.orders.values()))
                await eventually(h.desk.fills)
                run_id, owned = run.run_id, run.holding("NSE:INFY").quantity
                words = await h.runner.stop(run_id)
                assert ("position stays open" in words) == (run.holding("NSE:INFY").quantity != 0)
                owned = run.holding("NSE:INFY").quantity
            async with house(kite, tmp_path, vault) as h:
                await h.runner.recall(h.desk.day_start())
                again = h.runner.run(run_id)
                assert again.state is RunState.STOPPED
                assert again.holding("NSE:INFY").quantity == owned
                assert {owner for _, owner in await h.journal.fills(h.desk.day_start())} == {run_id}

    arun(story())


def test_charges_are_held_against_kites_own_and_the_difference_is_named(arun, eventually, tmp_path, monkeypatch):
    async def story():
        async with exchange() as kite, house(kite, tmp_path) as h:
            said = []
            check = ChargeCheck(h.desk.ledger, KiteCalculator(h.client), h.journal, h.clock, said.append)
            first = await h.desk.submit(h.request(quantity=3))
            await eventually(lambda: h.desk.ledger.of_order(first.order_id))
            assert await check.compare() and h.desk.ledger.told_of(first.order_id) and not said
            assert all(position.told_pnl is not None for position in h.desk.positions())
            assert h.desk.ledger.difference(h.desk.positions()[0]) == pytest.approx(0, abs=0.01)
            honest = ledger.exact_charges

            def wrong(**about):
                right = honest(**about)
                return replace(right, stamp_duty=right.stamp_duty + 1)

            monkeypatch.setattr(ledger, "exact_charges", wrong)
            second = await h.desk.submit(h.request(quantity=2))
            await eventually(lambda: h.desk.ledger.of_order(second.order_id))
            assert await check.compare()
            (found,) = h.desk.ledger.charge_differences()
            assert found.order_id == second.order_id and found.rupees == pytest.approx(1.0, abs=0.01)
            assert said == [f"Charges of order {second.order_id}: {found.text}. Kite's count."]
            assert len(await h.journal.events(h.desk.day_start(), "charges differ")) == 1

    arun(story())
