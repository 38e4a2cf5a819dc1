"""Results as tables of plain values: what the window shows, and what CSV, spreadsheet and page are made of.

One way from the journal to every one of them, so that none can say another figure. Money is rupees here, exact to
the ten-thousandth as it was booked; None is what cannot be known, and is written as the word "unknown".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Final, Literal

from alphapanda_desktop.domain.dayresults import Cell, Results, Total, by, total_of
from alphapanda_desktop.domain.positions import RUPEE
from alphapanda_desktop.domain.taxlots import CAPITAL, CAVEATS, TaxLot, rates_on, totals_of

UNKNOWN: Final = "unknown"

Kind = Literal["day", "instrument", "strategy", "tag"]
NO_TAG: Final = "no tag"
"""Where results stand that have none; no tag has a blank in it."""

KINDS: Final[tuple[Kind, ...]] = ("day", "instrument", "strategy", "tag")

Value = str | int | Decimal | date | None
"""What a cell of a table holds; None is unknown."""


@dataclass(frozen=True, slots=True)
class Looked:
    """The whole journal as results and tax lots, as it was at one moment."""

    results: Results
    lots: Sequence[TaxLot]


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a view: what it is of, its sum, and the tags that its days have."""

    of: str
    day: date | None
    total: Total
    cells: Sequence[Cell]
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sheet:
    """A table with a name, the titles of its columns, and words beneath it."""

    name: str
    titles: Sequence[str]
    rows: Sequence[Sequence[Value]]
    notes: Sequence[str] = ()


def rows_by(results: Results, kind: Kind) -> list[Row]:
    """The lines of one view: days oldest first, all else by name. A day with a note alone is a line too."""
    if kind == "day":
        cells = by(results.cells, lambda cell: [cell.day])
        return [_day_row(results, day, cells.get(day, [])) for day in results.days]
    of: dict[Kind, Callable[[Cell], Iterable[str]]] = {
        "instrument": lambda cell: [cell.key],
        "strategy": lambda cell: [cell.strategy],
        "tag": results.tags_of,
    }
    found = by(results.cells, of[kind])
    rows = [Row(name, None, total_of(found[name]), found[name]) for name in sorted(found)]
    bare = [cell for cell in results.cells if kind == "tag" and rows and not results.tags_of(cell)]
    return [*rows, Row(NO_TAG, None, total_of(bare), bare)] if bare else rows


def _day_row(results: Results, day: date, cells: Sequence[Cell]) -> Row:
    tags = dict.fromkeys(tag for note in results.notes if note.day == day for tag in note.tags)
    return Row(day.isoformat(), day, total_of(cells), cells, tuple(tags))


def curve_of(cells: Iterable[Cell]) -> list[tuple[date, int, int]]:
    """Known net and known realised results summed up to each day, booked."""
    net = realised = 0
    points = []
    for day, mine in sorted(by(cells, lambda cell: [cell.day]).items()):
        total = total_of(mine)
        net, realised = net + total.known_net, realised + total.known_realised
        points.append((day, net, realised))
    return points


def rupees(money: int | None) -> Decimal | None:
    """Booked money in rupees, exact."""
    return None if money is None else Decimal(money) / RUPEE


def sheets_of(results: Results) -> list[Sheet]:
    """Every view of the results, what is open at the end, and the journal of notes."""
    return [*(_view(results, kind) for kind in KINDS), _open(results), _notes(results)]


def _view(results: Results, kind: Kind) -> Sheet:
    titles = (kind.capitalize(), "Orders", "Fills", "Bought", "Sold", "Realised", "Charges", "Net")
    rows = rows_by(results, kind)
    lines: list[list[Value]] = [[_name(row), *_sums(row.total)] for row in rows]
    lines.append(["All", *_sums(total_of(results.cells))])
    why = total_of(results.cells).why_unknown
    notes = [f'Where it says "{UNKNOWN}", {why}.'] if why else []
    if kind == "tag":
        notes.append("A result with two tags counts under both, and once in All.")
    return Sheet(f"By {kind}", titles, lines, notes)


def _name(row: Row) -> Value:
    return row.day if row.day is not None else row.of


def _sums(total: Total) -> list[Value]:
    return [
        total.orders,
        total.fills,
        rupees(total.bought),
        rupees(total.sold),
        rupees(total.realised),
        rupees(total.charges),
        rupees(total.net),
    ]


def _open(results: Results) -> Sheet:
    titles = ("Instrument", "Product", "Strategy", "Quantity", "Cost", "Open since")
    rows: list[list[Value]] = [
        [f"{one.exchange}:{one.tradingsymbol}", one.product, one.strategy, one.quantity, rupees(one.cost), one.since]
        for one in results.open
    ]
    note = (
        "As it is now, whatever days are looked at; at average cost. What is traded no more stays: no trade closed it."
    )
    return Sheet("Open", titles, rows, [note])


def _notes(results: Results) -> Sheet:
    rows: list[list[Value]] = [
        [note.day, note.about or "the day", note.text, ", ".join(note.tags)] for note in results.notes
    ]
    return Sheet("Journal", ("Day", "About", "Note", "Tags"), rows)


def tax_sheets(lots: Sequence[TaxLot]) -> list[Sheet]:
    """The sums under each head, and every lot."""
    return [_heads(lots), _lots(lots)]


def _heads(lots: Sequence[TaxLot]) -> Sheet:
    titles = ("Head", "Lots", "Sold less bought", "Charges", "Transaction tax", "Gain", "Turnover")
    rows: list[list[Value]] = [
        [t.head.value, t.lots, *(rupees(m) for m in (t.gross, t.charges, t.tax, t.gain, t.turnover))]
        for t in totals_of(lots)
    ]
    rates = dict.fromkeys(rates_on(lot.closed_on) for lot in lots if lot.head in CAPITAL)
    said = [
        f"Sold from {r.since:%d %b %Y}: short-term {r.short_pct:g} %, long-term {r.long_pct:g} % above "
        f"₹{r.long_free / 100_000:g} lakh a year. {r.source}."
        for r in rates
    ]
    return Sheet("Tax heads", titles, rows, [*said, *CAVEATS])


def _lots(lots: Sequence[TaxLot]) -> Sheet:
    titles = (
        "Head", "Instrument", "Quantity", "Bought on", "Sold on", "Closed on", "Bought", "Sold", "Charges",
        "Transaction tax", "Gain",
    )  # fmt: skip
    rows: list[list[Value]] = [
        [
            lot.head.value, f"{lot.exchange}:{lot.tradingsymbol}", lot.quantity, lot.bought_on, lot.sold_on,
            lot.closed_on, *(rupees(m) for m in (lot.bought, lot.sold, lot.charges, lot.tax, lot.gain)),
        ]
        for lot in lots
    ]  # fmt: skip
    return Sheet("Tax lots", titles, rows)
