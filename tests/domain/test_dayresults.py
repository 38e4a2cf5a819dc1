"""Results by day, instrument, strategy and tag: one table, equal to the desk's own ledger, unknown said as unknown."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import count
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.domain.daynotes import DayNote, latest, tags_in
from alphapanda_desktop.domain.dayresults import (
    BETWEEN,
    BY_HAND,
    Converted,
    CostsKept,
    Handed,
    Kept,
    KeptFill,
    Results,
    by,
    priced,
    results_of,
    total_of,
)
from alphapanda_desktop.domain.ordercosts import costs_of
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.trading.ledger import Ledger
from tests.fakes import an_instrument

MONDAY = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
FIND = {i.key: i for i in (an_instrument(), an_instrument("TCS", token=9))}.get
NUMBER = count(1)


def kept_fill(side: Any, quantity: int, price: float, at: datetime = MONDAY, run: str = "r1", **words: Any) -> KeptFill:
    n = next(NUMBER)
    usual: dict[str, Any] = {"exchange": "NSE", "tradingsymbol": "INFY", "product": "MIS", "order_id": f"o{n}"}
    fill = Fill(trade_id=f"t{n}", transaction_type=side, quantity=quantity, average_price=price, fill_timestamp=at,
                **{**usual, **words})  # fmt: skip
    return KeptFill(fill, run, at)


def results(*fills: KeptFill, **words: Any) -> Results:
    return results_of(Kept(fills=fills, strategies={"r1": "rsi", "r2": "ma_cross"}, **words), FIND)


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["BUY", "SELL"]),
            st.integers(1, 500),
            st.integers(20_000, 30_000),
            st.sampled_from(["MIS", "NRML"]),
            st.sampled_from(["r1", "r2", ""]),
            st.integers(0, 5),
        ),
        min_size=1,
        max_size=25,
    )
)
def test_a_days_results_and_charges_are_the_ledgers_to_the_last_count(trades: Any) -> None:
    fills = [
        kept_fill(side, quantity, paise / 20, MONDAY + timedelta(seconds=n), run, product=product,
                  order_id=f"{side}{product}{run}{order}")
        for n, (side, quantity, paise, product, run, order) in enumerate(trades)
    ]  # fmt: skip
    ledger = Ledger(FIND, MONDAY.date)
    for one in fills:
        ledger.take(one.fill, one.run_id)
    found = results(*fills)
    for run, name in (("r1", "rsi"), ("r2", "ma_cross"), ("", BY_HAND)):
        pnl, mine = ledger.of_run(run, lambda _key: 1.0), total_of(c for c in found.cells if c.strategy == name)
        assert mine.realised is not None and mine.charges is not None
        assert (mine.realised / RUPEE, mine.charges / RUPEE) == (pnl.realised, pnl.charges)


@given(st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 90), st.integers(0, 4)), max_size=20))
def test_delivery_orders_cost_what_the_ledger_says_though_part_of_them_is_netted(trades: Any) -> None:
    fills = [
        kept_fill(
            side, quantity, 1_500.05, MONDAY + timedelta(seconds=n), product="CNC", order_id=f"{side}{order}"
        ).fill
        for n, (side, quantity, order) in enumerate(trades)
    ]
    ledger = Ledger(FIND, MONDAY.date)
    for fill in fills:
        ledger.take(fill, "r1")
    costs = costs_of(fills, MONDAY.date(), FIND, {})
    assert costs == {fill.order_id: ledger.of_order(fill.order_id) for fill in fills}


def test_a_position_carried_over_night_is_booked_on_the_day_that_closes_it() -> None:
    tuesday = MONDAY + timedelta(days=1)
    found = results(kept_fill("BUY", 10, 100, product="NRML"), kept_fill("SELL", 10, 130, tuesday, product="NRML"))
    days = {day: total_of(cells).realised for day, cells in by(found.cells, lambda c: [c.day]).items()}
    assert days == {date(2026, 11, 23): 0, date(2026, 11, 24): 300 * RUPEE}
    assert not found.open


def test_all_views_sum_up_to_the_same() -> None:
    found = results(
        kept_fill("BUY", 10, 100), kept_fill("SELL", 10, 110, run="r1"), kept_fill("BUY", 5, 50, run=""),
        kept_fill("SELL", 5, 40, MONDAY + timedelta(days=2), run=""),
    )  # fmt: skip
    whole = total_of(found.cells)
    for of in (lambda c: [c.day], lambda c: [c.key], lambda c: [c.strategy]):
        parts = [total_of(cells) for cells in by(found.cells, of).values()]
        assert sum(part.net for part in parts) == whole.net
    assert whole.realised == 50 * RUPEE


def test_shares_sold_that_were_never_bought_here_have_an_unknown_result_and_a_known_charge() -> None:
    found = total_of(results(kept_fill("SELL", 10, 1_500, product="CNC")).cells)
    assert (found.realised, found.net, found.known_realised) == (None, None, 0)
    assert found.charges is not None and found.charges > 0
    assert "1 fill closed is not in the journal" in found.why_unknown


def test_shares_are_sold_out_of_one_account_whoever_bought_them_on_whichever_exchange() -> None:
    found = results(
        kept_fill("BUY", 10, 100, product="CNC"), kept_fill("BUY", 5, 110, run="r2", product="CNC"),
        kept_fill("SELL", 12, 120, MONDAY + timedelta(days=1), "", product="CNC", exchange="BSE"),
    )  # fmt: skip
    made = {name: total_of(cells).realised for name, cells in by(found.cells, lambda c: [c.strategy]).items()}
    assert made == {"rsi": 0, "ma_cross": 0, BY_HAND: 220 * RUPEE}
    assert [(one.strategy, one.quantity, one.cost) for one in found.open] == [("ma_cross", 3, 330 * RUPEE)]


def test_of_shares_that_only_in_part_were_bought_here_the_result_is_unknown_and_none_is_left() -> None:
    found = results(kept_fill("BUY", 4, 100, product="CNC"), kept_fill("SELL", 10, 120, product="CNC"))
    assert total_of(found.cells).realised is None and not found.open


def test_what_no_table_charges_is_unknown_and_the_rest_stays_known() -> None:
    strange = {"exchange": "NCDEX", "tradingsymbol": "GUARSEED10"}
    fills = [kept_fill("BUY", 10, 100), kept_fill("SELL", 10, 110), kept_fill("BUY", 1, 10, **strange)]
    found = total_of(results(*fills, kept_fill("SELL", 1, 10, **strange)).cells)
    assert (found.realised, found.charges, found.net) == (100 * RUPEE, None, None)
    assert found.unknown_charges == 2 and found.known_net == 100 * RUPEE - found.known_charges


def test_the_brokers_own_charge_of_an_order_counts_before_ours() -> None:
    one = kept_fill("BUY", 10, 100)
    assert total_of(results(one, told={one.fill.order_id: 77_700}).cells).charges == 77_700


def test_handing_over_realises_nothing_and_the_taker_closes_at_the_givers_cost() -> None:
    where = ("NSE", "INFY", "NRML")
    buy, sell = (kept_fill("BUY", 10, 100, product="NRML"),
                 kept_fill("SELL", 10, 120, MONDAY + timedelta(hours=2), "r2", product="NRML"))  # fmt: skip
    handed = Handed(MONDAY + timedelta(hours=1), "r1", "r2", where, 10, 100.0)
    found = results(buy, sell, handed=[handed])
    made = {name: total_of(cells).realised for name, cells in by(found.cells, lambda c: [c.strategy]).items()}
    assert made == {"rsi": 0, "ma_cross": 200 * RUPEE}
    assert not found.open


def test_what_is_open_is_told_with_its_cost_and_the_day_it_was_opened() -> None:
    (lots,) = results(kept_fill("BUY", 10, 100, product="CNC"), kept_fill("SELL", 4, 110, product="CNC")).open
    assert (lots.tradingsymbol, lots.quantity, lots.cost, lots.since) == ("INFY", 6, 600 * RUPEE, date(2026, 11, 23))


def test_a_tag_of_an_instrument_counts_its_cells_alone_and_a_days_tag_all() -> None:
    day = MONDAY.astimezone(IST).date()
    notes = [DayNote(day, "", "calm day", ("calm",)), DayNote(day, "NSE:TCS", "", ("late", "calm"))]
    found = results(
        kept_fill("BUY", 1, 10), kept_fill("SELL", 1, 20), kept_fill("SELL", 1, 50, tradingsymbol="TCS"), notes=notes
    )
    tagged = {tag: {c.key for c in cells} for tag, cells in by(found.cells, found.tags_of).items()}
    assert tagged == {"calm": {"NSE:INFY", "NSE:TCS"}, "late": {"NSE:TCS"}}


def test_a_day_with_a_note_and_no_trade_is_a_day() -> None:
    assert results(notes=[DayNote(date(2026, 11, 20), "", "stayed out")]).days == [date(2026, 11, 20)]


def test_tags_are_taken_as_they_are_typed_each_once() -> None:
    assert tags_in(" #Revenge, late;LATE  trend ") == ("revenge", "late", "trend")


def test_an_emptied_note_is_none() -> None:
    day = date(2026, 11, 20)
    assert latest([DayNote(day, "", "one"), DayNote(day)]) == []


def test_an_order_that_trades_on_two_days_is_charged_once() -> None:
    whole = results(kept_fill("BUY", 100, 1_000, product="CNC"))
    first, second = (
        kept_fill("BUY", units, 1_000, at, product="CNC", order_id="x")
        for units, at in ((10, MONDAY), (90, MONDAY + timedelta(days=1)))
    )
    parts = results(first, second)
    assert total_of(parts.cells).charges == total_of(whole.cells).charges
    assert [cell.charges > 0 for cell in parts.cells] == [True, False]
    assert total_of(results(first, second, told={"x": 77_700}).cells).charges == 77_700


def test_what_was_converted_is_sold_at_its_cost_and_does_not_stay_open() -> None:
    tuesday = MONDAY + timedelta(days=1)
    converted = [Converted(MONDAY + timedelta(hours=1), "NSE", "INFY", "MIS", "CNC", 8)]
    found = results(
        kept_fill("BUY", 6, 100, run="r1"), kept_fill("BUY", 4, 110, run=""),
        kept_fill("SELL", 8, 120, tuesday, run="", product="CNC"), converted=converted,
    )  # fmt: skip
    made = {name: total_of(cells).realised for name, cells in by(found.cells, lambda c: [c.strategy]).items()}
    assert made == {"rsi": 0, BY_HAND: (4 * 10 + 4 * 20) * RUPEE}
    assert [(one.product, one.strategy, one.quantity, one.cost) for one in found.open] == [
        ("MIS", "rsi", 2, 200 * RUPEE)
    ]


def test_a_short_that_was_converted_is_bought_back_at_what_it_brought() -> None:
    future = {"exchange": "NFO", "tradingsymbol": "TCS26NOVFUT"}
    find = {"NFO:TCS26NOVFUT": an_instrument("TCS26NOVFUT", token=5)}.get
    fills = [kept_fill("SELL", 10, 100, **future),
             kept_fill("BUY", 10, 90, MONDAY + timedelta(days=1), product="NRML", **future)]  # fmt: skip
    move = Converted(MONDAY + timedelta(hours=1), "NFO", "TCS26NOVFUT", "MIS", "NRML", 10)
    found = results_of(Kept(fills=fills, strategies={}, converted=[move]), find)
    assert total_of(found.cells).realised == 100 * RUPEE and not found.open


def test_what_the_journal_never_saw_cannot_be_converted() -> None:
    found = results(kept_fill("BUY", 2, 100), converted=[Converted(MONDAY, "NSE", "INFY", "MIS", "CNC", 50)])
    assert sum(one.quantity for one in found.open) == 2


def test_a_contract_that_is_held_and_traded_no_more_makes_the_result_unknown() -> None:
    option = {"exchange": "NFO", "tradingsymbol": "NIFTY2611325900CE", "product": "NRML"}
    found = results(
        kept_fill("BUY", 75, 100, **option), kept_fill("BUY", 10, 100), kept_fill("SELL", 10, 110, run="r2")
    )
    whole = total_of(found.cells)
    assert (whole.realised, whole.net, whole.unsettled) == (None, None, 1)
    assert "1 held contract came to that can be traded no more" in whole.why_unknown
    closed = results(kept_fill("BUY", 75, 100, **option), kept_fill("SELL", 75, 90, **option))
    assert total_of(closed.cells).realised == -750 * RUPEE


def test_a_share_that_went_to_trade_for_trade_is_the_same_share() -> None:
    found = results(
        kept_fill("BUY", 10, 100, product="CNC"),
        kept_fill("SELL", 10, 110, MONDAY + timedelta(days=1), product="CNC", tradingsymbol="INFY-BE"),
    )
    assert total_of(found.cells).realised == 100 * RUPEE and not found.open


def test_what_a_person_or_the_broker_closes_of_a_strategy_is_in_the_total_though_each_run_keeps_its_own_book() -> None:
    found = results(kept_fill("BUY", 10, 100, run="r1"), kept_fill("SELL", 10, 110, run=""))
    made = {name: total_of(cells).realised for name, cells in by(found.cells, lambda c: [c.strategy]).items()}
    assert made == {"rsi": 0, BY_HAND: 0, BETWEEN: 100 * RUPEE}
    assert not found.open and total_of(found.cells).orders == 2


def test_an_intraday_position_is_closed_between_runs_only_when_the_day_is_over() -> None:
    tuesday = MONDAY + timedelta(days=1)
    found = results(
        kept_fill("BUY", 10, 100, run="r1"), kept_fill("SELL", 6, 110, run="r2"),
        kept_fill("SELL", 4, 120, run="r1"), kept_fill("BUY", 1, 50, tuesday, run="r2"),
    )  # fmt: skip
    days = {(c.day.day, c.strategy): c.realised / RUPEE for c in found.cells}
    assert days == {(23, "rsi"): 80, (23, "ma_cross"): 0, (23, BETWEEN): 60, (24, "ma_cross"): 0}
    assert [(one.strategy, one.quantity, one.cost) for one in found.open] == [("ma_cross", 1, 50 * RUPEE)]


def test_two_strategies_that_hold_a_contract_against_each_other_over_night_keep_it() -> None:
    found = results(
        kept_fill("BUY", 10, 100, run="r1", product="NRML"), kept_fill("SELL", 10, 110, run="r2", product="NRML")
    )
    assert {one.strategy: one.quantity for one in found.open} == {"rsi": 10, "ma_cross": -10}


@given(
    st.lists(st.tuples(st.sampled_from(["BUY", "SELL"]), st.integers(1, 50), st.integers(2_000, 3_000),
                       st.sampled_from(["r1", "r2", ""]), st.integers(0, 2)), min_size=1, max_size=20)
)  # fmt: skip
def test_of_a_flat_intraday_account_the_total_is_what_came_in_less_what_went_out(trades: Any) -> None:
    fills = [
        kept_fill(side, quantity, paise / 20, MONDAY + timedelta(days=day, seconds=n), run)
        for n, (side, quantity, paise, run, day) in enumerate(sorted(trades, key=lambda one: one[4]))
    ]
    for day in range(3):
        at = MONDAY + timedelta(days=day, hours=5)
        left = sum(one.fill.sign * one.fill.quantity for one in fills if one.day == at.astimezone(IST).date())
        if left:  # the broker squares off
            fills.append(kept_fill("SELL" if left > 0 else "BUY", abs(left), 123.45, at, ""))
    found = results(*fills)
    for day, cells in by(found.cells, lambda c: [c.day]).items():
        flow = sum(round(-o.fill.sign * o.fill.quantity * o.fill.average_price * RUPEE) for o in fills if o.day == day)
        assert total_of(cells).realised == flow
    assert not found.open


def test_costs_that_were_worked_out_before_are_those_of_working_them_out_anew() -> None:
    known: CostsKept = {}
    fills = [kept_fill("BUY", 10, 100, product="CNC"), kept_fill("SELL", 4, 110, product="CNC")]
    tuesday = MONDAY + timedelta(days=1)
    for more in (
        [],
        [kept_fill("SELL", 3, 115, MONDAY + timedelta(hours=1), product="CNC")],  # it changes what the others cost
        [kept_fill("SELL", 3, 120, tuesday, product="CNC")],
        [kept_fill("SELL", 1, 120, tuesday, product="CNC", order_id=fills[0].fill.order_id)],
    ):
        fills = [*fills, *more]
        kept = Kept(fills=fills, strategies={})
        again = priced(kept, FIND, known=known)
        assert again.costs == priced(kept, FIND).costs
        assert priced(kept, FIND, known=known).costs == again.costs
