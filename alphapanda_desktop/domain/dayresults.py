"""What was made on each day, of each instrument, by each run: realised results and charges of journaled fills.

One table of cells, and every view of it is a sum over them: pages made of it cannot disagree. Results are booked on
the day that closes, each run's lots at average cost, as the desk's ledger has them while the day runs. What cannot
be known is None, and makes unknown what is made of it; the part that is known stays readable beside it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Final, NamedTuple, TypeVar

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.daynotes import DayNote
from alphapanda_desktop.domain.ordercosts import CASH, Find, costs_of, units_behind
from alphapanda_desktop.domain.orders import Fill
from alphapanda_desktop.domain.pnl import Lots
from alphapanda_desktop.domain.positions import DELIVERY, to_money
from alphapanda_desktop.domain.session import IST, trading_day

BY_HAND: Final = "by hand"
"""Whose the fills of no run are."""

BETWEEN: Final = "closed between runs"
"""Whose results are that no run made alone: one bought what another sold, and the account holds neither."""

INTRADAY: Final = frozenset({"MIS", "CO", "BO"})
"""Products of which nothing is held over night."""

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class KeptFill:
    """A fill as the journal has it: with its run ("" for none) and when it was seen."""

    fill: Fill
    run_id: str
    seen_at: datetime

    @property
    def at(self) -> datetime:
        """When it was executed, as far as anybody told."""
        return self.fill.fill_timestamp or self.seen_at

    @property
    def day(self) -> date:
        """The trading day in India."""
        return trading_day(self.at).astimezone(IST).date()


@dataclass(frozen=True, slots=True)
class Handed:
    """Lots that went from one run to another: `quantity` signed, at `price` rupees each."""

    at: datetime
    giver: str
    taker: str
    where: tuple[str, str, str]
    quantity: int
    price: float


@dataclass(frozen=True, slots=True)
class Converted:
    """Units of a position, `quantity` without a sign, that went from one product to another."""

    at: datetime
    exchange: str
    tradingsymbol: str
    giver: str
    taker: str
    quantity: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """All that the journal has for results, oldest first. `told` is the broker's own charge of an order, booked."""

    fills: Sequence[KeptFill]
    strategies: Mapping[str, str]
    """Strategy by run id."""
    handed: Sequence[Handed] = ()
    converted: Sequence[Converted] = ()
    varieties: Mapping[str, str] = field(default_factory=dict)
    told: Mapping[str, int] = field(default_factory=dict)
    notes: Sequence[DayNote] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cell:
    """One day of one position of one run; money booked. Unknown parts are counted, and left out of the sums."""

    day: date
    exchange: str
    tradingsymbol: str
    product: str
    strategy: str
    orders: int = 0
    fills: int = 0
    bought: int = 0
    sold: int = 0
    realised: int = 0
    charges: int = 0
    unknown_results: int = 0
    """Fills whose result cannot be known."""
    unknown_charges: int = 0
    """Orders whose charges cannot be known."""
    unsettled: int = 0
    """Contracts held that are traded no more: what their settlement brought is no trade."""

    @property
    def key(self) -> str:
        return f"{self.exchange}:{self.tradingsymbol}"


@dataclass(frozen=True, slots=True)
class Total:
    """Several cells together. `realised`, `charges` and `net` are None where a part of them is unknown."""

    orders: int
    fills: int
    bought: int
    sold: int
    known_realised: int
    known_charges: int
    unknown_results: int
    unknown_charges: int
    unsettled: int

    @property
    def realised(self) -> int | None:
        return None if self.unknown_results or self.unsettled else self.known_realised

    @property
    def charges(self) -> int | None:
        return None if self.unknown_charges else self.known_charges

    @property
    def net(self) -> int | None:
        realised, charges = self.realised, self.charges
        return None if realised is None or charges is None else realised - charges

    @property
    def known_net(self) -> int:
        """What is known of it."""
        return self.known_realised - self.known_charges

    @property
    def why_unknown(self) -> str:
        """What is missing, in words; empty where nothing is."""
        parts = []
        if self.unknown_results:
            parts.append(f"the cost of what {_many(self.unknown_results, 'fill')} closed is not in the journal")
        if self.unsettled:
            parts.append(
                f"no trade says what {_many(self.unsettled, 'held contract')} came to that can be traded no more"
            )
        if self.unknown_charges:
            parts.append(f"no table has the charges of {_many(self.unknown_charges, 'order')}")
        return " and ".join(parts)


def _many(number: int, thing: str) -> str:
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


@dataclass(frozen=True, slots=True)
class OpenLots:
    """What is held at the end: signed `quantity` at `cost` (booked, None where units are unknown)."""

    exchange: str
    tradingsymbol: str
    product: str
    strategy: str
    quantity: int
    cost: int | None
    since: date


@dataclass(frozen=True, slots=True)
class Results:
    """The whole table, what is open at its end, and the notes."""

    cells: Sequence[Cell]
    open: Sequence[OpenLots]
    notes: Sequence[DayNote] = ()

    @property
    def days(self) -> list[date]:
        """Days with trades or notes, oldest first."""
        return sorted({cell.day for cell in self.cells} | {note.day for note in self.notes})

    def between(self, first: date | None, last: date | None) -> Results:
        """The same of these days alone."""

        def inside(day: date) -> bool:
            return (first is None or day >= first) and (last is None or day <= last)

        cells = [cell for cell in self.cells if inside(cell.day)]
        return Results(cells, self.open, [note for note in self.notes if inside(note.day)])

    def tags_of(self, cell: Cell) -> frozenset[str]:
        """Tags of the cell's day, and of its instrument or strategy on that day."""
        about = ("", cell.key, cell.strategy)
        return frozenset(tag for n in self.notes if n.day == cell.day and n.about in about for tag in n.tags)


def total_of(cells: Iterable[Cell]) -> Total:
    """The sum of the cells."""
    rows = list(cells)
    names = (
        "orders",
        "fills",
        "bought",
        "sold",
        "realised",
        "charges",
        "unknown_results",
        "unknown_charges",
        "unsettled",
    )
    return Total(*(sum(getattr(row, name) for row in rows) for name in names))


def by(cells: Iterable[Cell], of: Callable[[Cell], Iterable[K]]) -> dict[K, list[Cell]]:
    """The cells under each key that they have; one with several keys counts under each, once."""
    found: dict[K, list[Cell]] = defaultdict(list)
    for cell in cells:
        for key in of(cell):
            found[key].append(cell)
    return dict(found)


class Priced(NamedTuple):
    """The fills of each day in the order of their times, and what every order cost by our tables."""

    days: Mapping[date, Sequence[KeptFill]]
    costs: Mapping[str, Charges | None]
    breathe: Callable[[], None]

    def __call__(self) -> Iterator[tuple[date, Sequence[KeptFill]]]:
        """Day after day, with a breath before each."""
        for day, fills in self.days.items():
            self.breathe()
            yield day, fills


Costs = dict[str, Charges | None]
CostsKept = dict[date, tuple[object, Costs]]
"""Costs of the orders of each day, with what they were worked out from: a day that is over is worked out once."""


def priced(
    kept: Kept, find: Find, breathe: Callable[[], None] = lambda: None, known: CostsKept | None = None
) -> Priced:
    """The days in their order with their costs, worked out once for all that is made of them.

    An order that trades on two days, as one on a venue that never closes may, is charged once, on the first of them.
    `breathe` is called between days here and there: a thread that does this lets others have the interpreter. `known`
    is kept from one time to the next, while the master is the same.
    """
    days: dict[date, list[KeptFill]] = defaultdict(list)
    for one in sorted(kept.fills, key=lambda one: one.at):
        days[one.day].append(one)
    orders: dict[str, list[Fill]] = defaultdict(list)
    began: dict[date, dict[str, None]] = defaultdict(dict)
    for day, all_ in days.items():
        for one in all_:
            if one.fill.order_id not in orders:
                began[day][one.fill.order_id] = None
            orders[one.fill.order_id].append(one.fill)
    costs, known = Costs(), {} if known is None else known
    for day, ids in began.items():
        fills = [fill for id_ in ids for fill in orders[id_]]
        told = (len(fills), [(id_, kept.varieties[id_]) for id_ in ids if id_ in kept.varieties])
        if day not in known or known[day][0] != told:  # the journal only grows: as many fills are the same ones
            breathe()
            known[day] = (told, costs_of(fills, day, find, kept.varieties))
        costs |= known[day][1]
    return Priced(days, costs, breathe)


def results_of(kept: Kept, find: Find, days: Priced | None = None) -> Results:
    """The table of all that the journal has."""
    table = _Table(kept, find)
    moved: list[Handed | Converted] = [*kept.handed, *kept.converted]
    moved.sort(key=lambda one: one.at)
    known = days or priced(kept, find)
    for day, fills in known():
        table.charge(day, fills, known.costs)
        for one in fills:
            while moved and moved[0].at <= one.at:
                table.move(moved.pop(0))
            table.take(day, one)
        table.close_between(day, fills)
    for left in moved:
        table.move(left)
    table.mark_unsettled()
    return Results(table.cells(), table.open(), kept.notes)


@dataclass(slots=True)
class _Sums:
    """A cell while it is being added up."""

    orders: set[str] = field(default_factory=set)
    numbers: dict[str, int] = field(default_factory=lambda: defaultdict(int))


def scrip_of(tradingsymbol: str) -> str:
    """The share behind a symbol: moved to trade for trade it gets an ending, and is the same share in the account."""
    return tradingsymbol.removesuffix("-BE").removesuffix("-BZ")


def _share_of(where: tuple[str, str, str]) -> tuple[str, str]:
    return scrip_of(where[1]), where[2]


def _cost_of(lots: Lots, units: int) -> int:
    """What so many units of the lots cost, signed as they are, to the nearest count."""
    whole = abs(lots.quantity)
    cost = (2 * abs(lots.cost) * units + whole) // (2 * whole)
    return cost if lots.cost >= 0 else -cost


Place = tuple[str, str, str]
Whose = tuple[str, Place]
"""A run and a position of it."""


class _Table:
    """Lots by run and position, and the sums of each day's cells."""

    def __init__(self, kept: Kept, find: Find) -> None:
        self._kept = kept
        self._find = find
        self._lots: dict[Whose, Lots] = {}
        self._since: dict[Whose, date] = {}
        self._last: dict[Whose, date] = {}
        """When each was traded or moved last."""
        self._runs: dict[Place, dict[Whose, None]] = defaultdict(dict)
        """Who ever had lots of each position."""
        self._charged: set[str] = set()
        self._cells: dict[tuple[date, Place, str], _Sums] = defaultdict(_Sums)

    def charge(self, day: date, fills: Sequence[KeptFill], costs: Mapping[str, Charges | None]) -> None:
        """Book the day's charges: the broker's word where it gave one, else the tables'."""
        for one in fills:
            id_ = one.fill.order_id
            if id_ in self._charged:
                continue
            self._charged.add(id_)
            sums, cost = self._sums(day, one), costs[id_]
            due = self._kept.told.get(id_, cost.total if cost is not None else None)
            sums.numbers["charges"] += due or 0
            sums.numbers["unknown_charges"] += due is None

    def take(self, day: date, one: KeptFill) -> None:
        fill, sums = one.fill, self._sums(day, one)
        sums.orders.add(fill.order_id)
        sums.numbers["fills"] += 1
        where = (fill.exchange, fill.tradingsymbol, fill.product)
        units = units_behind(fill.exchange, fill.tradingsymbol, self._find)
        worth = to_money(fill.quantity * fill.average_price * (units or 0))
        sums.numbers["bought" if fill.sign > 0 else "sold"] += worth
        result = self._book(day, (one.run_id, where), fill, worth) if units is not None else None
        sums.numbers["realised"] += result or 0
        sums.numbers["unknown_results"] += result is None

    def _book(self, day: date, whose: Whose, fill: Fill, worth: int) -> int | None:
        """What the fill realised; None where it sold shares whose purchase nobody knows."""
        quantity = fill.quantity
        is_share = fill.product in DELIVERY and fill.exchange in CASH
        beyond = self._fetch(day, whose, quantity) if is_share and fill.sign < 0 else 0
        lots = self._lots.get(whose, Lots())
        if beyond:  # nobody sells shares short as delivery: they were bought before the journal began, or elsewhere
            worth, quantity = worth - worth * beyond // quantity, quantity - beyond
        after = lots.after(fill.sign * quantity, fill.sign * worth)
        self._keep(day, whose, after)
        return None if beyond else after.realised - lots.realised

    def _fetch(self, day: date, whose: Whose, quantity: int) -> int:
        """See that so many shares are there to be sold, out of what others hold of them; how many nobody has.

        One demat account has them all, on whichever exchange they were bought: what is taken goes at its cost.
        """
        where = whose[1]
        lacking = quantity - max(0, self._lots.get(whose, Lots()).quantity)
        others = [
            other for other, lots in self._lots.items()
            if other != whose and lots.quantity > 0 and other[1][0] in CASH and _share_of(other[1]) == _share_of(where)
        ]  # fmt: skip
        for other in sorted(others, key=self._since.__getitem__) if lacking > 0 else ():
            lots = self._lots[other]
            units = min(lacking, lots.quantity)
            worth = _cost_of(lots, units)
            self._keep(day, other, lots.after(-units, -worth))
            self._keep(day, whose, self._lots.get(whose, Lots()).after(units, worth))
            lacking -= units
        return max(0, lacking)

    def move(self, one: Handed | Converted) -> None:
        """Lots go elsewhere at what they cost: nothing is realised."""
        if isinstance(one, Handed):
            self.hand_over(one)
        else:
            self.convert(one)

    def convert(self, one: Converted) -> None:
        """Move units to another product, each run's own; those by hand first, for a person converts, then the oldest.

        What this journal never saw bought or sold is not there to be moved.
        """
        day = trading_day(one.at).astimezone(IST).date()
        giver, taker = ((one.exchange, one.tradingsymbol, product) for product in (one.giver, one.taker))
        mine = [whose for whose, lots in self._lots.items() if whose[1] == giver and lots.quantity]
        sign = 1 if sum(self._lots[whose].quantity for whose in mine) >= 0 else -1
        left = one.quantity
        for whose in sorted(mine, key=lambda whose: (whose[0] != "", self._since[whose])):
            lots = self._lots[whose]
            if lots.quantity * sign <= 0 or not left:
                continue
            units = min(left, abs(lots.quantity))
            worth = _cost_of(lots, units)
            self._keep(day, whose, lots.after(-sign * units, -worth))
            heir = (whose[0], taker)
            self._keep(day, heir, self._lots.get(heir, Lots()).after(sign * units, worth))
            left -= units

    def close_between(self, day: date, fills: Sequence[KeptFill]) -> None:
        """At a day's end, close lots of several runs that stand against each other where the account holds neither.

        So does what is squared off intraday, by whomever, and what a person or the broker closes of a strategy's. Two
        strategies against each other keep what is held over night: each means to close its own.
        """
        traded = dict.fromkeys((one.fill.exchange, one.fill.tradingsymbol, one.fill.product) for one in fills)
        for where in traded:
            held = (whose for whose in self._runs[where] if self._lots[whose].quantity)
            mine = sorted(held, key=self._since.__getitem__)
            for one in mine:
                for other in mine:
                    if where[2] in INTRADAY or "" in (one[0], other[0]):
                        self._close_two(day, one, other)

    def _close_two(self, day: date, long: Whose, short: Whose) -> None:
        bought, sold = self._lots[long], self._lots[short]
        units = min(bought.quantity, -sold.quantity)
        if units <= 0:
            return
        cost, brought = _cost_of(bought, units), _cost_of(sold, units)
        self._keep(day, long, bought.after(-units, -cost))
        self._keep(day, short, sold.after(units, -brought))
        self._cells[day, long[1], BETWEEN].numbers["realised"] -= cost + brought

    def mark_unsettled(self) -> None:
        """Contracts that are held and traded no more: what they came to is unknown, on the day of their last trade."""
        for (run_id, where), lots in self._lots.items():
            if lots.quantity and where[0] not in CASH and self._find(f"{where[0]}:{where[1]}") is None:
                self._cells[self._last[run_id, where], where, self._named(run_id)].numbers["unsettled"] += 1

    def hand_over(self, one: Handed) -> None:
        """Move lots at what they cost: nothing is realised."""
        units = units_behind(*one.where[:2], self._find)
        worth = to_money(one.quantity * one.price * (units or 0))
        day = trading_day(one.at).astimezone(IST).date()
        for run_id, sign in ((one.giver, -1), (one.taker, 1)):
            whose = (run_id, one.where)
            self._keep(day, whose, self._lots.get(whose, Lots()).after(sign * one.quantity, sign * worth))

    def _keep(self, day: date, whose: Whose, lots: Lots) -> None:
        before = self._lots.get(whose, Lots())
        if before.quantity * lots.quantity <= 0:
            self._since[whose] = day
        self._lots[whose] = lots
        self._runs[whose[1]][whose] = None
        self._last[whose] = day

    def _sums(self, day: date, one: KeptFill) -> _Sums:
        fill = one.fill
        return self._cells[day, (fill.exchange, fill.tradingsymbol, fill.product), self._named(one.run_id)]

    def _named(self, run_id: str) -> str:
        return self._kept.strategies.get(run_id, run_id) or BY_HAND

    def cells(self) -> list[Cell]:
        """Every cell, in the order of days."""
        return [
            Cell(day=day, exchange=where[0], tradingsymbol=where[1], product=where[2], strategy=strategy,
                 orders=len(sums.orders), **sums.numbers)
            for (day, where, strategy), sums in sorted(self._cells.items(), key=lambda item: item[0])
        ]  # fmt: skip

    def open(self) -> list[OpenLots]:
        """What is held at the end, by run."""
        return [
            OpenLots(*where, self._named(run_id), lots.quantity,
                     lots.cost if units_behind(*where[:2], self._find) is not None else None,
                     self._since[run_id, where])
            for (run_id, where), lots in self._lots.items()
            if lots.quantity
        ]  # fmt: skip
