"""Closed lots as an Indian tax return asks for them: first in, first out, over the whole account.

Speculative: shares bought and sold on one day on one exchange, which are never delivered (Income-tax Act 1961,
section 43(5)). F&O: derivatives on a recognised exchange are business that is not speculative (section 43(5),
provisos d and e). Delivered shares are capital gains: long-term when held for more than 12 months (section 2(42A)).
The transaction tax is an expense of a business, but none of a capital gain (section 48). From 1 April 2026 the
Income-tax Act 2025 says the same under other numbers; its sections 196 and 198 have the rates.

Every share is taken for listed equity: a journal cannot tell gold, debt and liquid funds, whose rules differ.
"""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Final, NamedTuple

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.dayresults import Kept, KeptFill, Priced, priced, scrip_of
from alphapanda_desktop.domain.ordercosts import CASH, Find, units_behind
from alphapanda_desktop.domain.positions import to_money


class Head(StrEnum):
    """Where in a tax return a closed lot belongs."""

    SPECULATIVE = "speculative"
    DERIVATIVES = "F&O business"
    SHORT_TERM = "short-term capital gain"
    LONG_TERM = "long-term capital gain"
    UNKNOWN = "unknown: its purchase is not in the journal"
    UNSETTLED = "unknown: traded no more"


CAPITAL: Final = (Head.SHORT_TERM, Head.LONG_TERM)


class GainRates(NamedTuple):
    """Rates on capital gains of listed equity in force from a day: per cent, and rupees a year that are free."""

    since: date
    short_pct: float
    long_pct: float
    long_free: int
    source: str


GAIN_RATES: Final = (
    GainRates(date(2018, 4, 1), 15.0, 10.0, 1_00_000, "Income-tax Act 1961, sections 111A and 112A (Finance Act 2018)"),
    GainRates(date(2024, 7, 23), 20.0, 12.5, 1_25_000, "Finance (No. 2) Act 2024, for transfers from 23 July 2024"),
    GainRates(date(2026, 4, 1), 20.0, 12.5, 1_25_000, "Income-tax Act 2025, sections 196 and 198, from 1 April 2026"),
)

CAVEATS: Final = (
    "First in, first out over the whole account, from the executions in this journal alone: shares bought before it "
    "began, or elsewhere, have no cost here and are listed as unknown.",
    "Splits, bonuses, transfers and expired contracts are not in a journal of orders. Every share is taken for listed "
    "equity: gold, debt and liquid funds have rules of their own.",
    "Charges are Kite's where it told others than ours, else our tables'. A record for your accountant, and no advice.",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaxLot:
    """One lot that was closed; money booked. None is what cannot be known.

    `charges` are those of both sides without the transaction tax, which is `tax`.
    """

    head: Head
    exchange: str
    tradingsymbol: str
    quantity: int
    bought_on: date | None
    sold_on: date | None
    closed_on: date
    bought: int | None
    sold: int | None
    charges: int | None
    tax: int | None

    @property
    def gross(self) -> int | None:
        """Sold less bought."""
        return None if self.bought is None or self.sold is None else self.sold - self.bought

    @property
    def gain(self) -> int | None:
        """What the return asks for: less the charges, and, for a business, less the transaction tax."""
        gross, charges, tax = self.gross, self.charges, self.tax
        if gross is None or charges is None or tax is None:
            return None
        return gross - charges - (0 if self.head in CAPITAL else tax)


@dataclass(frozen=True, slots=True)
class HeadTotal:
    """All lots of one head. `gain` is None where one of them is unknown, `turnover` is profits and losses as such."""

    head: Head
    lots: int
    gross: int | None
    charges: int | None
    tax: int | None
    gain: int | None
    turnover: int | None


@dataclass(frozen=True, slots=True, order=True)
class FinancialYear:
    """April of `begins` to March of the next."""

    begins: int

    @property
    def name(self) -> str:
        return f"{self.begins}-{(self.begins + 1) % 100:02}"

    @property
    def first(self) -> date:
        return date(self.begins, 4, 1)

    @property
    def last(self) -> date:
        return date(self.begins + 1, 3, 31)


def year_of(day: date) -> FinancialYear:
    """The financial year of a day."""
    return FinancialYear(day.year if day.month >= 4 else day.year - 1)


def rates_on(day: date) -> GainRates:
    """Rates on capital gains for a sale on that day; the first that are known for an earlier one."""
    return ([rates for rates in GAIN_RATES if rates.since <= day] or [GAIN_RATES[0]])[-1]


def is_long_term(bought_on: date, sold_on: date) -> bool:
    """Whether a share was held for more than twelve months; one bought on 29 February has its year on 1 March."""
    try:
        anniversary = bought_on.replace(year=bought_on.year + 1)
    except ValueError:
        anniversary = date(bought_on.year + 1, 3, 1)
    return sold_on > anniversary


def totals_of(lots: Iterable[TaxLot]) -> list[HeadTotal]:
    """The sums under each head that has lots, in the order of the heads."""
    rows = list(lots)
    return [_head_total(head, mine) for head in Head if (mine := [lot for lot in rows if lot.head is head])]


def _head_total(head: Head, lots: Sequence[TaxLot]) -> HeadTotal:
    gross = [lot.gross for lot in lots]
    turnover = _sum([None if one is None else abs(one) for one in gross])
    charges, tax = _sum([lot.charges for lot in lots]), _sum([lot.tax for lot in lots])
    return HeadTotal(head, len(lots), _sum(gross), charges, tax, _sum([lot.gain for lot in lots]), turnover)


def _sum(parts: Sequence[int | None]) -> int | None:
    known = [part for part in parts if part is not None]
    return sum(known) if len(known) == len(parts) else None


def tax_lots(kept: Kept, find: Find, days: Priced | None = None) -> list[TaxLot]:
    """Every lot that the journal's fills closed, in the order in which they were closed."""
    known = days or priced(kept, find)
    book, parts = _Book(), _Parts(kept, known.costs, find)
    for day, fills in known():
        book.take([parts.trade(one, day) for one in fills])
    book.end(find)
    return book.closed


@dataclass(slots=True)
class _Trade:
    """A fill, or what is left of it: units, and the money behind these."""

    exchange: str
    tradingsymbol: str
    sign: int
    day: date
    quantity: int
    value: int | None
    charges: int | None
    tax: int | None

    def split(self, quantity: int) -> _Trade:
        """Take so many units off, with their part of the money; both together are what was, to the last count."""
        money = (_part(one, quantity, self.quantity) for one in (self.value, self.charges, self.tax))
        part = _Trade(self.exchange, self.tradingsymbol, self.sign, self.day, quantity, *money)
        self.value, self.charges, self.tax = (
            None if whole is None or gone is None else whole - gone
            for whole, gone in ((self.value, part.value), (self.charges, part.charges), (self.tax, part.tax))
        )
        self.quantity -= quantity
        return part


def _part(money: int | None, part: int, whole: int) -> int | None:
    return None if money is None else money * part // whole


class _Parts:
    """What each order cost, given out to its fills by units: to the last count, also over several days."""

    def __init__(self, kept: Kept, costs: Mapping[str, Charges | None], find: Find) -> None:
        self._find = find
        self._units: dict[str, int] = defaultdict(int)
        for one in kept.fills:
            self._units[one.fill.order_id] += one.fill.quantity
        self._left = {id_: _due(costs[id_], kept.told.get(id_)) for id_ in self._units}

    def trade(self, one: KeptFill, day: date) -> _Trade:
        """The fill with its part of what its order cost."""
        fill, id_ = one.fill, one.fill.order_id
        behind = units_behind(fill.exchange, fill.tradingsymbol, self._find)
        value = None if behind is None else to_money(fill.quantity * fill.average_price * behind)
        due, whole = self._left[id_], self._units[id_]
        charges, tax = (_part(money, fill.quantity, whole) for money in due)
        self._left[id_] = (_less(due[0], charges), _less(due[1], tax))
        self._units[id_] -= fill.quantity
        return _Trade(fill.exchange, fill.tradingsymbol, fill.sign, day, fill.quantity, value, charges, tax)


def _due(cost: Charges | None, told: int | None) -> tuple[int | None, int | None]:
    """What an order cost besides the transaction tax, and that tax: the broker's total where it told one."""
    if cost is None:
        return None, None
    total = cost.total if told is None else told
    return total - cost.transaction_tax, cost.transaction_tax


def _less(whole: int | None, part: int | None) -> int | None:
    return None if whole is None or part is None else whole - part


def _is_netted(tradingsymbol: str) -> bool:
    """Whether what is bought and sold on one day is never delivered; trade for trade, each trade is."""
    return scrip_of(tradingsymbol) == tradingsymbol


class _Book:
    """What is held, oldest first, and what was closed of it."""

    def __init__(self) -> None:
        self.closed: list[TaxLot] = []
        self._demat: dict[str, deque[_Trade]] = defaultdict(deque)
        """Shares by symbol, on whichever exchange they were bought."""
        self._contracts: dict[tuple[str, str], deque[_Trade]] = defaultdict(deque)

    def take(self, trades: Sequence[_Trade]) -> None:
        """Close what the day's trades close: within the day first, where shares are not delivered."""
        shares: dict[tuple[str, str], deque[_Trade]] = defaultdict(deque)
        for trade in trades:
            place = (trade.exchange, trade.tradingsymbol)
            if trade.exchange in CASH and _is_netted(trade.tradingsymbol):
                self._match(trade, shares[place], Head.SPECULATIVE)
            elif trade.exchange in CASH:
                shares[place].append(trade)
            else:
                self._match(trade, self._contracts[place], Head.DERIVATIVES)
        left = [trade for queue in shares.values() for trade in queue]
        for trade in sorted(left, key=lambda trade: -trade.sign):
            self._deliver(trade)

    def _match(self, trade: _Trade, queue: deque[_Trade], head: Head) -> None:
        """Close what stands against the trade, oldest first; what is left of it stands itself."""
        while trade.quantity and queue and queue[0].sign != trade.sign:
            self._close(queue, trade, head)
        if trade.quantity:
            queue.append(trade)

    def _deliver(self, trade: _Trade) -> None:
        queue = self._demat[scrip_of(trade.tradingsymbol)]
        if trade.sign > 0:
            queue.append(trade)
            return
        while trade.quantity and queue:
            held = is_long_term(queue[0].day, trade.day)
            self._close(queue, trade, Head.LONG_TERM if held else Head.SHORT_TERM)
        if trade.quantity:
            self._add(Head.UNKNOWN, None, trade, trade.day)

    def end(self, find: Find) -> None:
        """Add what is held of contracts that are traded no more: it was settled, and no trade says at what."""
        for (exchange, symbol), queue in self._contracts.items():
            if find(f"{exchange}:{symbol}") is None:
                for trade in queue:
                    is_long = trade.sign > 0
                    self._add(Head.UNSETTLED, trade if is_long else None, None if is_long else trade, trade.day)

    def _close(self, queue: deque[_Trade], trade: _Trade, head: Head) -> None:
        oldest = queue[0]
        quantity = min(oldest.quantity, trade.quantity)
        one, other = oldest.split(quantity), trade.split(quantity)
        if not oldest.quantity:
            queue.popleft()
        bought, sold = (one, other) if one.sign > 0 else (other, one)
        self._add(head, bought, sold, trade.day)

    def _add(self, head: Head, bought: _Trade | None, sold: _Trade | None, closed_on: date) -> None:
        both = [trade for trade in (sold, bought) if trade is not None]
        self.closed.append(
            TaxLot(
                head=head,
                exchange=both[0].exchange,
                tradingsymbol=both[0].tradingsymbol,
                quantity=both[0].quantity,
                bought_on=bought.day if bought is not None else None,
                sold_on=sold.day if sold is not None else None,
                closed_on=closed_on,
                bought=bought.value if bought is not None else None,
                sold=sold.value if sold is not None else None,
                charges=_sum([trade.charges for trade in both]),
                tax=_sum([trade.tax for trade in both]),
            )
        )
