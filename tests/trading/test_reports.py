"""The tables that are shown and saved are sums of one table, and add up."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from alphapanda_desktop.domain.daynotes import DayNote
from alphapanda_desktop.domain.dayresults import Kept, KeptFill, Results, results_of
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.taxlots import tax_lots
from alphapanda_desktop.trading.reports import curve_of, rows_by, sheets_of, tax_sheets
from tests.fakes import an_instrument

MONDAY = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
FIND = {i.key: i for i in (an_instrument(),)}.get


def kept(*trades: tuple[int, Any, int, float], product: str = "MIS", notes: Any = ()) -> Kept:
    fills = []
    for n, (day, side, quantity, price) in enumerate(trades):
        at = MONDAY + timedelta(days=day, seconds=n)
        fill = Fill(trade_id=f"t{n}", order_id=f"o{n}", exchange="NSE", tradingsymbol="INFY", transaction_type=side,
                    quantity=quantity, average_price=price, product=product, fill_timestamp=at)  # fmt: skip
        fills.append(KeptFill(fill, "r1", at))
    return Kept(fills=fills, strategies={"r1": "rsi"}, notes=notes)


def results(*trades: tuple[int, Any, int, float], **words: Any) -> Results:
    return results_of(kept(*trades, **words), FIND)


def test_the_last_line_of_a_view_is_the_sum_of_the_others() -> None:
    days = sheets_of(results((0, "BUY", 10, 100), (0, "SELL", 10, 110), (1, "BUY", 5, 100), (1, "SELL", 5, 90)))[0]
    assert days.titles[-3:] == ("Realised", "Charges", "Net")
    *lines, last = [row[-3:] for row in days.rows]
    assert [sum(column) for column in zip(*lines, strict=True)] == list(last)
    assert last[0] == Decimal(50)


def test_what_is_unknown_is_none_in_every_view_and_said_beneath() -> None:
    days, instruments, *_ = sheets_of(results((0, "SELL", 10, 100), product="CNC"))
    assert days.rows[0][-1] is None and days.rows[-1][-1] is None and instruments.rows[0][-1] is None
    assert "not in the journal" in days.notes[0]


def test_the_curve_sums_up_net_and_gross_from_day_to_day() -> None:
    found = results((0, "BUY", 10, 100), (0, "SELL", 10, 110), (1, "BUY", 5, 100), (1, "SELL", 5, 90))
    points = curve_of(found.cells)
    assert [(day, gross) for day, _, gross in points] == [
        (date(2026, 11, 23), 100 * RUPEE),
        (date(2026, 11, 24), 50 * RUPEE),
    ]
    assert points[-1][1] == sum(row.total.net or 0 for row in rows_by(found, "day"))


def test_a_day_with_a_note_alone_is_a_line_with_its_tags() -> None:
    (row,) = rows_by(results(notes=[DayNote(date(2026, 11, 20), "", "out", ("rest",))]), "day")
    assert (row.day, row.total.fills, row.tags) == (date(2026, 11, 20), 0, ("rest",))


def test_tax_sheets_name_the_rates_in_force_and_what_they_rest_on() -> None:
    lots = tax_lots(kept((0, "BUY", 10, 100), (1, "SELL", 10, 110), product="CNC"), FIND)
    heads, every = tax_sheets(lots)
    assert heads.rows[0][:3] == ["short-term capital gain", 1, Decimal(100)]
    assert "short-term 20 %, long-term 12.5 % above ₹1.25 lakh a year" in heads.notes[0]
    assert any("no advice" in note for note in heads.notes)
    assert every.rows[0][3:6] == [date(2026, 11, 23), date(2026, 11, 24), date(2026, 11, 24)]


def test_every_view_and_the_curve_end_at_the_same_total_also_where_not_all_has_a_tag() -> None:
    notes = [DayNote(date(2026, 11, 23), "", "x", ("calm",))]
    trades = ((0, "BUY", 10, 100), (0, "SELL", 10, 110), (1, "BUY", 5, 100), (1, "SELL", 5, 90))
    found = results(*trades, notes=notes)
    views = sheets_of(found)[:4]
    assert [view.name for view in views] == ["By day", "By instrument", "By strategy", "By tag"]
    assert {tuple(view.rows[-1][1:]) for view in views} == {tuple(views[0].rows[-1][1:])}
    assert [row[0] for row in views[3].rows] == ["calm", "no tag", "All"]
    for view in views:
        *lines, last = [row[1:] for row in view.rows]
        assert [sum(column) for column in zip(*lines, strict=True)] == list(last)  # type: ignore[arg-type]
    assert Decimal(curve_of(found.cells)[-1][1]) / RUPEE == views[0].rows[-1][-1]
    assert [row.of for row in rows_by(results(*trades), "tag")] == []  # nobody tagged anything
