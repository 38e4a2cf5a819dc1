"""Charges against an arithmetic of its own: decimals of a hundred digits and the rate cards as they are published.

Nothing here is taken from the tables that it checks: rates stand as the percentages of the cards, and each item is
written out as a contract note explains it.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal, localcontext
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.commands.charges import note

D = Decimal

# Per cent of turnover, of premium for options: (first day, intraday and delivery, futures, options).
NSE = (
    (date(2023, 4, 1), "0.00335", "0.002", "0.0505"),
    (date(2024, 4, 1), "0.00322", "0.00188", "0.0495"),
    (date(2024, 10, 1), "0.00307", "0.00183", "0.03553"),
)
BSE = (
    (date(2023, 4, 1), "0.00375", "0", "0.005"),
    (date(2023, 11, 1), "0.00375", "0", "0.0375"),
    (date(2024, 5, 13), "0.00375", "0", "0.0495"),
    (date(2024, 10, 1), "0.00375", "0", "0.0325"),
)
CDS = ((date(2023, 4, 1), "0", "0.0009", "0.035"), (date(2024, 10, 1), "0", "0.00035", "0.0311"))
BCD = ((date(2023, 4, 1), "0", "0.0009", "0.001"), (date(2024, 10, 1), "0", "0.00045", "0.001"))
MCX = ((date(2023, 4, 1), "0", "0.0026", "0.05"), (date(2024, 10, 1), "0", "0.0021", "0.0418"))
NCO = ((date(2023, 4, 1), "0", "0.0001", "0.001"),)
EXCHANGE = {"NSE": NSE, "NFO": NSE, "BSE": BSE, "BFO": BSE, "CDS": CDS, "BCD": BCD, "MCX": MCX, "NCO": NCO}
STT = (
    (date(2023, 4, 1), "0.0125", "0.0625"),
    (date(2024, 10, 1), "0.02", "0.1"),
    (date(2026, 4, 1), "0.05", "0.15"),
)
CHANGES = sorted({row[0] for rows in (*EXCHANGE.values(), STT) for row in rows})

ROOTS = {"NFO": "NIFTY", "BFO": "SENSEX", "CDS": "USDINR", "BCD": "USDINR", "MCX": "GOLDM", "NCO": "GOLDM"}
SEGMENTS = {
    "delivery": [("NSE", "INFY", "CNC"), ("BSE", "SBIN", "CNC")],
    "funded": [("NSE", "INFY", "MTF"), ("BSE", "SBIN", "MTF")],
    "intraday": [("NSE", "M&M", "MIS"), ("BSE", "SBIN", "MIS")],
    "future": [(place, f"{root}26DECFUT", "NRML") for place, root in ROOTS.items()],
    "option": [(place, f"{root}26DEC99000{right}", "MIS") for place, root in ROOTS.items() for right in ("CE", "PE")],
}
UNITS = 10
"""Of GOLDM on MCX: its price is for ten grams, a lot is a hundred."""


def in_force(card: tuple[tuple[Any, ...], ...], day: date) -> tuple[Any, ...]:
    return [row for row in card if row[0] <= day][-1]


def tax(segment: str, exchange: str, side: str, day: date) -> Decimal:
    """Per cent: shares and their derivatives the securities tax, commodities theirs, currency none."""
    if exchange in ("CDS", "BCD"):
        return D(0)
    if segment in ("delivery", "funded"):
        return D("0.1")
    if side == "BUY":
        return D(0)
    if exchange in ("MCX", "NCO"):
        return D({"future": "0.01", "option": "0.05"}[segment])
    _, future, option = in_force(STT, day)
    return D({"intraday": "0.025", "future": future, "option": option}[segment])


def stamp(segment: str, exchange: str) -> Decimal:
    if exchange in ("CDS", "BCD"):
        return D("0.0001")
    return D({"intraday": "0.003", "future": "0.002", "option": "0.003"}.get(segment, "0.015"))


def levy_free_of_gst(segment: str, exchange: str, day: date) -> Decimal:
    """Kite's sample notes of 2023 charge no GST on NSE's investor-protection levy: 10 a crore, options 50."""
    if exchange not in ("NSE", "NFO") or day >= date(2024, 4, 1):
        return D(0)
    return D("0.0005") if segment == "option" else D("0.0001")


def brokerage(segment: str, turnover: Decimal) -> Decimal:
    if segment == "delivery":
        return D(0)
    if segment == "option":
        return D(20)
    return min(D(20), turnover * (D("0.3") if segment == "funded" else D("0.03")) / 100)


def expected(segment: str, row: dict[str, Any], day: date) -> dict[str, Decimal]:
    exchange, side = row["exchange"], row["transaction_type"]
    units = UNITS if exchange == "MCX" else 1
    turnover = D(row["quantity"]) * D(str(row["average_price"])) * units
    _, shares, future, option = in_force(EXCHANGE[exchange], day)
    rate = D({"future": future, "option": option}.get(segment, shares))
    items = {
        "transaction_tax": turnover * tax(segment, exchange, side, day) / 100,
        "exchange_turnover_charge": turnover * rate / 100,
        "sebi_turnover_charge": turnover * D("0.0001") / 100,
        "brokerage": brokerage(segment, turnover),
        "stamp_duty": D(0),
    }
    if side == "BUY":
        duty = turnover * stamp(segment, exchange) / 100
        items["stamp_duty"] = duty.quantize(D(1), ROUND_HALF_UP, Context(prec=60))
    serviced = items["brokerage"] + items["exchange_turnover_charge"] + items["sebi_turnover_charge"]
    items["gst"] = (serviced - turnover * levy_free_of_gst(segment, exchange, day) / 100) * 18 / 100
    return items | {"total": sum(items.values(), D(0))}


def days() -> st.SearchStrategy[date]:
    """Any day of the tables, and the days about each change of a rate oftener than chance would have them."""
    edges = [change + timedelta(days=k) for change in CHANGES for k in (-1, 0, 1)]
    anyday = st.dates(CHANGES[0], date(2027, 12, 31))
    return st.sampled_from([day for day in edges if day >= CHANGES[0]]) | anyday


def rows() -> st.SearchStrategy[tuple[str, dict[str, Any]]]:
    prices = st.integers(1, 10**9).map(lambda count: count / 400) | st.integers(1, 10**7).map(lambda p: p / 100)
    places = [(segment, place) for segment, places in SEGMENTS.items() for place in places]
    return st.builds(
        lambda place, side, quantity, price: (
            place[0],
            {"exchange": place[1][0], "tradingsymbol": place[1][1], "product": place[1][2], "transaction_type": side,
             "quantity": quantity, "average_price": price},
        ),
        st.sampled_from(places),
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 300) | st.integers(1, 500_000),
        prices,
    )  # fmt: skip


@settings(max_examples=400)
@given(rows(), days())
def test_every_item_of_any_order_on_any_day_is_what_the_rate_cards_say(
    asked: tuple[str, dict[str, Any]], day: date
) -> None:
    segment, row = asked
    with localcontext(Context(prec=100)):
        told: Any = json.loads(json.dumps(note(1, row, day)))["charges"]
        for name, amount in expected(segment, row, day).items():
            ours = D(repr(told["gst"]["total"] if name == "gst" else told[name]))
            assert abs(ours - amount) <= abs(amount) * D("1e-15"), (name, ours, amount)
        assert told["transaction_tax_type"] == ("ctt" if row["exchange"] in ("MCX", "NCO") else "stt")
        assert told["gst"] == {"igst": told["gst"]["total"], "cgst": 0, "sgst": 0, "total": told["gst"]["total"]}


def test_the_cards_agree_with_the_collected_history(real_data: Path) -> None:
    for window in json.loads((real_data / "charges" / "rates_history.json").read_text())["windows"][1:]:
        first = date.fromisoformat(window["from_"])
        for day in (first, date.fromisoformat(window["to"]) if window["to"] else date(2027, 1, 1)):
            _, *ours = in_force(NSE, day)
            total = window["nse_total"]
            assert [float(rate) for rate in ours] == [total["equity"], total["futures"], total["options"]], day
            if isinstance(window["stt"], dict):
                _, future, option = in_force(STT, day)
                assert (float(future), float(option)) == (window["stt"]["futures_sell"], window["stt"]["options_sell"])
