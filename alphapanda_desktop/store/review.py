"""All that the journal has for results, read past the thread that orders wait for.

A connection of its own that may only read: in WAL mode it sees one moment of the file, and holds up no write.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any, Final

from alphapanda_desktop.domain.daynotes import DayNote, latest
from alphapanda_desktop.domain.dayresults import Converted, Handed, Kept, KeptFill
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.positions import to_money
from alphapanda_desktop.store.rows import of_ns

AT_ONCE: Final = 100
"""Rows that are taken between two breaths."""

HANDED: Final = "run handed over"
DIFFER: Final = "charges differ"
CONVERSION: Final = "conversion"
CONVERTED: Final = "conversion answer"
"""The journal's kinds of events that say whose a position is, and what the broker charged."""

_FILLS: Final = (
    "SELECT at_ns, trade_id, order_id, exchange, tradingsymbol, transaction_type, product, exchange_order_id, "
    "strategy, quantity, instrument_token, average_price, fill_timestamp_ns FROM fills ORDER BY seq"
)
_VARIETIES: Final = "SELECT order_id, variety FROM orders WHERE variety != 'regular' AND order_id != '' GROUP BY 1"
_EVENTS: Final = "SELECT at_ns, detail FROM events WHERE kind = ? ORDER BY seq"


def read_kept(path: Path, breathe: Callable[[], None] = lambda: None) -> Kept:
    """Fills with their runs, what was handed over, the broker's own charges, and notes. Blocks.

    `breathe` is called now and again, for a thread to let others have the interpreter.

    Raises Fatal, naming the file, where it cannot be read.
    """
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as reader:
            reader.row_factory = sqlite3.Row
            reader.execute("BEGIN")  # one moment for all questions
            return _read(reader, breathe)
    except sqlite3.Error as error:
        raise Fatal(f"The journal {path} could not be read for the review: {error}") from error


def _read(reader: sqlite3.Connection, breathe: Callable[[], None]) -> Kept:
    return Kept(
        fills=_fills(reader, breathe),
        strategies=dict(reader.execute("SELECT run_id, strategy FROM runs").fetchall()),
        handed=[_handed(at_ns, detail) for at_ns, detail in _events(reader, HANDED)],
        converted=_converted(reader),
        varieties=dict(reader.execute(_VARIETIES).fetchall()),
        told=_told(detail for _, detail in _events(reader, DIFFER)),
        notes=latest(_note(row) for row in reader.execute("SELECT * FROM day_notes ORDER BY seq")),
    )


def _fills(reader: sqlite3.Connection, breathe: Callable[[], None]) -> list[KeptFill]:
    found: list[KeptFill] = []
    rows = reader.execute(_FILLS)
    while some := rows.fetchmany(AT_ONCE):
        found += map(_fill, some)
        breathe()
    return found


def _events(reader: sqlite3.Connection, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
    return ((at_ns, json.loads(detail)) for at_ns, detail in reader.execute(_EVENTS, (kind,)))


def _fill(row: sqlite3.Row) -> KeptFill:
    at_ns = row["fill_timestamp_ns"]
    fill = Fill(
        trade_id=row["trade_id"],
        order_id=row["order_id"],
        exchange=row["exchange"],
        tradingsymbol=row["tradingsymbol"],
        transaction_type=row["transaction_type"],
        quantity=row["quantity"],
        average_price=row["average_price"],
        product=row["product"],
        instrument_token=row["instrument_token"],
        exchange_order_id=row["exchange_order_id"],
        fill_timestamp=None if at_ns is None else of_ns(at_ns),
    )
    return KeptFill(fill, row["strategy"], of_ns(row["at_ns"]))


def _handed(at_ns: int, detail: dict[str, Any]) -> Handed:
    exchange, _, symbol = str(detail["key"]).partition(":")
    where = (exchange, symbol, str(detail["product"]))
    giver, taker = str(detail["from"]), str(detail["to"])
    return Handed(of_ns(at_ns), giver, taker, where, int(detail["quantity"]), float(detail["price"]))


def _converted(reader: sqlite3.Connection) -> list[Converted]:
    """What the venue said it has moved to another product; answers come in the order in which was asked."""
    answers = [detail for _, detail in _events(reader, CONVERTED)]
    found = []
    for (at_ns, asked), answer in zip(_events(reader, CONVERSION), answers, strict=False):
        if "error" not in answer:
            exchange, _, symbol = str(asked["position"]).partition(":")
            products = str(asked["from"]), str(asked["to"])
            found.append(Converted(of_ns(at_ns), exchange, symbol, *products, int(asked["quantity"])))
    return found


def _told(details: Iterable[dict[str, Any]]) -> dict[str, int]:
    """The broker's last word on each order that it charged otherwise."""
    return {str(detail["order_id"]): to_money(float(detail["kite"])) for detail in details}


def _note(row: sqlite3.Row) -> DayNote:
    return DayNote(date.fromisoformat(row["day"]), row["about"], row["text"], tuple(json.loads(row["tags"])))
