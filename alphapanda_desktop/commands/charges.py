"""The `alphapanda charges` command: what a list of executed orders costs, in the shape of Kite's own answer."""

from __future__ import annotations

import argparse
import json
import math
import os
import re
import sys
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime
from fractions import Fraction
from pathlib import Path
from typing import Final, get_args

from alphapanda_desktop.domain.charges import (
    BEGIN,
    EXCHANGES,
    ExactCharges,
    exact_charges,
    instrument_type_of,
    turnover_of,
)
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.orders import OrderType, Side, Variety
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.units import units_of

Row = Mapping[str, object]

_ECHOED: Final = ("transaction_type", "tradingsymbol", "exchange", "variety", "product", "order_type", "quantity")
_SIDES: Final[Mapping[str, Side]] = {"BUY": "BUY", "SELL": "SELL"}
_CASH_PRODUCTS: Final = ("CNC", "MIS", "MTF", "CO", "BO")
_OTHER_PRODUCTS: Final = ("NRML", "MIS", "CO", "BO")
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
_WRAPPERS: Final = ("orders", "data")
_LARGEST: Final = 10**12
"""Of a quantity, price or multiplier: no order comes near, and what is worked out stays a number that JSON can hold."""

_ABOUT: Final = """\
FILE is JSON: a list of executed orders in the shape of the body of Kite's POST /charges/orders, each with
  order_id (any; may be left out), exchange (NSE BSE NFO BFO CDS BCD MCX NCO), tradingsymbol, transaction_type
  (BUY SELL), variety (regular if left out), product (CNC MIS MTF NRML CO), order_type (MARKET if left out),
  quantity (above 0), average_price (rupees, above 0).
An object that holds such a list as its "orders" or "data" will do too.

What is printed is Kite's reply, {"status": "success", "data": [...]}; --rows prints its `data` list alone.  `data`
has a row for each order and in their order: transaction_type,
tradingsymbol, exchange, variety, product, order_type, quantity, price (the average_price asked with) and charges:
  transaction_tax, transaction_tax_type ("stt", on MCX and NCO "ctt"), exchange_turnover_charge,
  sebi_turnover_charge, brokerage, stamp_duty, gst {igst, cgst, sgst, total}, total; all in rupees.

How it is worked out
  The tables in force on --date; they begin on %(begin)s. Each row is one executed order with its own brokerage.
  Futures and options are told by the symbol (...FUT, ...CE, ...PE), delivery and intraday by the product of the row.
  Kite itself calls equity intraday only what was bought and sold on the day, whatever the product.
  Stamp duty is in whole rupees an order, as Kite's replies have it (--exact leaves it unrounded); nothing else is
  rounded. NSE's investor-protection levy is in the exchange charge. All GST is shown as igst.
  Quantities are units. On MCX they are lots, as in Kite's orders: turnover is quantity x price x units of a lot, of
  which the program has a table; a row may give its own as "multiplier".
  Shares of BSE pay the rate of its groups A and B; ETFs pay a share's transaction tax; a row does not tell them apart.
  Not in it, as in Kite's reply: DP charge on a sale of holdings, call-and-trade and square-off fees, interest.
"""


def run(rest: list[str], _options: argparse.Namespace | None = None) -> int:
    """Print what the orders of a file cost; exit code 2, with row and field on stderr, for what is no such list."""
    options = _parser().parse_args(rest)
    on = options.date or datetime.now(UTC).astimezone(IST).date()
    try:
        if on < BEGIN:
            raise BadData(f"--date: the tables begin on {BEGIN}, {on} asked")
        notes = [note(number, row, on, exact=options.exact) for number, row in enumerate(_rows(options.file), 1)]
    except (OSError, BadData) as error:
        said = error.strerror if isinstance(error, OSError) else error
        print(f"alphapanda charges: {options.file}: {said}", file=sys.stderr)
        return 2
    _tell_of_a_day_ahead(on)
    try:
        sys.stdout.write(json.dumps(notes if options.rows else {"status": "success", "data": notes}, indent=2) + "\n")
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for one, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def note(number: int, row: object, on: date, *, exact: bool = False) -> dict[str, object]:
    """One row of the reply. Raises BadData that names the row, its field and what was wrong with it."""
    try:
        return _note(row, on, exact=exact)
    except BadData as error:
        name = f" ({row['tradingsymbol']})" if isinstance(row, Mapping) and row.get("tradingsymbol") else ""
        raise BadData(f"row {number}{name}: {error}") from None


def _note(row: object, on: date, *, exact: bool) -> dict[str, object]:
    if not isinstance(row, Mapping):
        raise BadData(f"an order should be an object, {json.dumps(row)} given")
    order = _filled(row)
    exchange, symbol = str(order["exchange"]), str(order["tradingsymbol"])
    quantity, price = _quantity(order), _positive(order, "average_price")
    costs = exact_charges(
        exchange=exchange,
        instrument_type=_instrument_type(exchange, symbol),
        product=str(order["product"]),
        transaction_type=_SIDES[str(order["transaction_type"])],
        turnover=turnover_of(quantity, price, _multiplier(order)),
        on=on,
        variety=str(order["variety"]),
        tradingsymbol=symbol,
        whole_stamp=not exact,
    )
    echo = {name: order[name] for name in _ECHOED} | {"quantity": quantity}
    return echo | {"price": order["average_price"], "charges": _in_kites_shape(costs)}


def _in_kites_shape(costs: ExactCharges) -> dict[str, object]:
    gst = _plain(costs.gst)
    return {
        "transaction_tax": _plain(costs.transaction_tax),
        "transaction_tax_type": costs.transaction_tax_type,
        "exchange_turnover_charge": _plain(costs.exchange_turnover_charge),
        "sebi_turnover_charge": _plain(costs.sebi_turnover_charge),
        "brokerage": _plain(costs.brokerage),
        "stamp_duty": _plain(costs.stamp_duty),
        "gst": {"igst": gst, "cgst": 0, "sgst": 0, "total": gst},
        "total": _plain(costs.total),
    }


def _plain(rupees: Fraction) -> int | float:
    """As Kite prints numbers: whole ones without a point."""
    return rupees.numerator if rupees.denominator == 1 else float(rupees)


def _tell_of_a_day_ahead(on: date) -> None:
    if on > datetime.now(UTC).astimezone(IST).date():
        told = f"alphapanda charges: {on} lies ahead; the newest rates that this release knows are taken"
        print(told, file=sys.stderr)


# --- reading ---------------------------------------------------------------------------------------------------------


def _rows(path: Path) -> Sequence[object]:
    try:
        text = sys.stdin.read() if str(path) == "-" else path.read_text(encoding="utf-8-sig")
        rows = json.loads(text)
    except ValueError as error:
        raise BadData(f"not JSON: {error}") from None
    except RecursionError:
        raise BadData("not a list of orders: nested too deeply") from None
    if isinstance(rows, dict):
        rows = next((rows[name] for name in _WRAPPERS if name in rows), rows)
    if not isinstance(rows, list):
        raise BadData(f"a list of orders is expected, {type(rows).__name__} given")
    return rows


def _filled(row: Row) -> dict[str, object]:
    """The row with what may be left out, its words checked."""
    order: dict[str, object] = {"variety": "regular", "order_type": "MARKET"} | dict(row)
    _word(order, "exchange", EXCHANGES)
    if not isinstance(order.get("tradingsymbol"), str) or not order["tradingsymbol"]:
        raise BadData(f"tradingsymbol: a symbol is expected, {_given(order, 'tradingsymbol')}")
    _word(order, "transaction_type", tuple(_SIDES))
    _word(order, "variety", get_args(Variety))
    _word(order, "order_type", get_args(OrderType))
    _word(order, "product", _CASH_PRODUCTS if order["exchange"] in ("NSE", "BSE") else _OTHER_PRODUCTS)
    return order


def _word(order: Row, name: str, allowed: Sequence[str]) -> None:
    if order.get(name) not in allowed:
        raise BadData(f"{name}: one of {', '.join(allowed)} is expected, {_given(order, name)}")


def _quantity(order: Row) -> int:
    quantity = _positive(order, "quantity")
    if quantity != int(quantity):
        raise BadData(f"quantity: a whole number is expected, {_given(order, 'quantity')}")
    return int(quantity)


def _positive(order: Row, name: str) -> int | float:
    value = order.get(name)
    number = isinstance(value, int) or (isinstance(value, float) and math.isfinite(value))
    if not number or isinstance(value, bool) or not isinstance(value, int | float) or value <= 0:
        raise BadData(f"{name}: a number above 0 is expected, {_given(order, name)}")
    if value > _LARGEST:
        raise BadData(f"{name}: at most {_LARGEST} is expected, {len(str(int(value)))} digits given")
    return value


def _given(order: Row, name: str) -> str:
    return f"{json.dumps(order[name])} given" if name in order else "none given"


def _instrument_type(exchange: str, symbol: str) -> str:
    try:
        return instrument_type_of(exchange, symbol)
    except BadData as error:
        raise BadData(f"tradingsymbol: {error}") from None


def _multiplier(order: Row) -> int | float:
    if "multiplier" in order:
        return _positive(order, "multiplier")
    units = units_of(str(order["exchange"]), str(order["tradingsymbol"]))
    if units is None:
        told = f"alphapanda charges: {order['tradingsymbol']}: units of a lot are not known, 1 is taken;"
        print(told, 'the row may give its own "multiplier"', file=sys.stderr)
    return units or 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphapanda charges",
        description="Print what executed orders cost, as Kite's virtual contract note does.",
        epilog=_ABOUT % {"begin": BEGIN},
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("file", type=Path, metavar="FILE", help="the orders; - reads standard input")
    parser.add_argument("--date", type=_day, metavar="YYYY-MM-DD", help="the day of the trades (default: today in IST)")
    parser.add_argument("--rows", action="store_true", help="print the list of rows alone, without Kite's envelope")
    parser.add_argument("--exact", action="store_true", help="do not round stamp duty to whole rupees")
    return parser


def _day(text: str) -> date:
    try:
        if not _DAY.fullmatch(text):
            raise ValueError("write year, month and day as YYYY-MM-DD")
        return date.fromisoformat(text)
    except ValueError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-11-23: {error}") from None
