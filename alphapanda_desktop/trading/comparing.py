"""Finding where broker and journal disagree: after every look at the books, and with every order that shows up.

Order, trade and position lists are read one after the other while the market runs, so a disagreement counts only
when the next look finds it again; at the start it counts at once, and goes away if the next look does not find it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime

from alphapanda_desktop.domain.orders import UNKNOWN, Fill, Order
from alphapanda_desktop.domain.portfolio import Holding
from alphapanda_desktop.trading.differences import Choice, Difference, Differences, ForeignPolicy
from alphapanda_desktop.trading.parts import Parts
from alphapanda_desktop.trading.reconcile import Report
from alphapanda_desktop.trading.snapshot import Snapshot, Where

_BROKERS: tuple[Choice, ...] = (Choice.ADOPT, Choice.IGNORE)


class Comparing:
    """Adds rows to the sheet. `policy` says what follows from an order that was made elsewhere, `behind` whether
    the broker still tells the positions of an earlier day.
    """

    def __init__(
        self,
        parts: Parts,
        differences: Differences,
        policy: Callable[[], ForeignPolicy],
        behind: Callable[[], bool] = lambda: False,
    ) -> None:
        self._parts = parts
        self._differences = differences
        self._policy = policy
        self._behind = behind
        self._journaled: dict[str, Order] = {}
        self._journaled_fills: dict[tuple[str, str, str], Fill] = {}
        self._candidates: set[str] = set()
        self._found: set[str] = set()
        """Ids of rows that the look at the books made, and that the next one may take back."""
        self._snapshot = Snapshot(parts)
        self._looks = 0

    async def recall(self, day: datetime) -> None:
        """What the journal knew before this program began; a look at the books is held against it."""
        journal = self._parts.journal
        await self._differences.recall(day)
        self._journaled = {order.order_id: order for order in await journal.orders(day)}
        self._journaled_fills = {fill.id: fill for fill, _ in await journal.fills(day)}
        await self._snapshot.recall()

    def new_day(self) -> None:
        """The broker's book began anew, and with it what can differ from it."""
        self._journaled.clear()
        self._journaled_fills.clear()
        self._candidates.clear()
        self._found.clear()
        self._differences.new_day()
        self._looks = 0

    # -- one order, as it shows up ---------------------------------------------------------------------------

    def see(self, order: Order) -> None:
        """Take note of an order that nobody here asked for, or whose answer never came."""
        books = self._parts.books
        if order.order_id and not books.ours(order) and not books.squares_off(order):
            if not self._may_be_awaited(order):
                self._foreign(order)
        elif order.order_id and not books.adopted(order):
            self._differences.withdraw(f"foreign order:{order.order_id}")  # it was not known yet whose GTT it is of
        known = self._differences.get(f"unknown order:{order.tag}") if order.tag else None
        if order.status == UNKNOWN or known is not None:
            self._unknown(order)

    def _may_be_awaited(self, order: Order) -> bool:
        """Whether it may be one of ours that has no answer yet: the socket is faster, and need not tell the tag.

        The answer makes it ours; where it does not, the next look at the book finds it again.
        """
        if order.tag or order.tags:
            return False
        asked = (order.key, order.transaction_type, order.quantity)
        return any((o.key, o.transaction_type, o.quantity) == asked for o in self._parts.books.unanswered())

    def _foreign(self, order: Order) -> None:
        id_, policy = f"foreign order:{order.order_id}", self._policy()
        decision = self._differences.decision(id_)
        if decision is Choice.ADOPT or (decision is None and policy is ForeignPolicy.ADOPT):
            self._parts.books.adopt(order.order_id)
            decision = Choice.ADOPT
        matters = order.live or order.filled_quantity > 0
        row = self._row(
            id_,
            "foreign order",
            _words(order),
            "not asked for by this program",
            f"{order.order_id}: {order.status}, {order.filled_quantity} of {order.quantity} filled",
            red=matters and policy is ForeignPolicy.PAUSE,
            choices=(*_BROKERS, Choice.FLATTEN) if matters else _BROKERS,
        )
        if self._differences.add(row, decision):
            self._parts.voice.tell(self._parts.voice.foreign_seen, order)

    def _unknown(self, order: Order) -> None:
        if any(journaled.tag == order.tag for journaled in self._journaled.values()):
            return  # the broker told of it before: it is not unknown but missing, and listed so
        open_ = order.status == UNKNOWN
        theirs = "no answer, and not in the book so far" if open_ else f"{order.order_id or 'none'}: {order.status}"
        row = self._row(
            f"unknown order:{order.tag}",
            "unknown order",
            _words(order),
            f"sent as {order.tag}",
            theirs,
            red=open_,
            choices=(Choice.IGNORE,) if open_ else (),
        )
        self._differences.add(row)

    # -- a whole look at the books ---------------------------------------------------------------------------

    async def compare(self, report: Report) -> bool:
        """Hold what was read against what is known; whether something has to be looked at again."""
        for order in report.theirs.values():
            self.see(self._parts.books.book.get(order.order_id) or order)
        rows = {row.id: row for row in self._rows(report)}
        sure = rows.keys() & self._candidates if self._looks else rows.keys()
        for gone in self._found - rows.keys():
            self._differences.withdraw(gone)
        for id_ in sure:
            self._differences.add(rows[id_])
        again = rows.keys() - self._candidates
        self._candidates, self._found = set(rows), (self._found & rows.keys()) | set(sure)
        self._looks += 1
        if report.complete and not self._behind():
            await self._snapshot.keep()
        return bool(again)

    def _rows(self, report: Report) -> Iterator[Difference]:
        yield from self._missing(report)
        yield from self._contradicted(report)
        if report.complete and not self._behind() and not self._parts.books.lacks_fills():
            yield from self._fills(report)
            yield from self._positions(report)
            yield from self._carried()

    def _missing(self, report: Report) -> Iterator[Difference]:
        """Orders that we know by the broker's own id, and that its book does not have."""
        books = self._parts.books.book
        known = {id_: order for id_ in report.before if (order := books.get(id_)) is not None}
        for id_, order in (self._journaled | known).items():
            if id_ in report.theirs or (not order.live and not order.filled_quantity):
                continue
            yield self._row(
                f"missing order:{id_}",
                "missing order",
                _words(order),
                f"{id_}: {order.status}, {order.filled_quantity} filled",
                "not in the broker's book",
                red=True,
                choices=_BROKERS,
            )

    def _contradicted(self, report: Report) -> Iterator[Difference]:
        """Orders of which the broker tells what cannot have come after what we know."""
        for id_, theirs in report.theirs.items():
            for ours in (self._journaled.get(id_), self._parts.books.book.get(id_)):
                if ours is not None and contradicts(ours, theirs):
                    yield self._row(
                        f"order:{id_}:{ours.status} {ours.filled_quantity}:{theirs.status} {theirs.filled_quantity}",
                        "order",
                        _words(theirs),
                        f"{ours.status}, {ours.filled_quantity} filled",
                        f"{theirs.status}, {theirs.filled_quantity} filled",
                        red=True,
                        choices=_BROKERS,
                    )
                    break

    def _fills(self, report: Report) -> Iterator[Difference]:
        for id_, fill in self._journaled_fills.items():
            if id_ not in report.executed and fill.order_id in report.theirs:
                yield self._row(
                    "fill:" + ":".join(id_),
                    "fill",
                    f"{fill.transaction_type} {fill.quantity} {fill.key} at {fill.average_price:.10g}",
                    f"trade {fill.trade_id} of order {fill.order_id}",
                    "not among the broker's trades",
                    red=True,
                    choices=_BROKERS,
                )

    def _positions(self, report: Report) -> Iterator[Difference]:
        """Positions that the day's trades and what was carried into it do not explain."""
        odd = {where: pair for where, pair in self._sums(report).items() if pair[0] != pair[1]}
        by_key = Counter[tuple[str, str]]()
        for (exchange, symbol, _), (ours, theirs) in odd.items():
            by_key[exchange, symbol] += theirs - ours
        for where, (ours, theirs) in odd.items():
            exchange, symbol, product = where
            converted = not by_key[exchange, symbol]
            yield self._row(
                f"position:{':'.join(where)}:{ours}:{theirs}",
                "position",
                f"{exchange}:{symbol} {product}" + (", moved between products" if converted else ""),
                f"{ours} by the day's trades",
                f"{theirs} held",
                red=not converted,
                choices=(*_BROKERS, Choice.FLATTEN) if theirs else _BROKERS,
            )

    def _sums(self, report: Report) -> dict[Where, tuple[int, int]]:
        """By position: what trades and yesterday make of it, and what the broker says."""
        traded = Counter[Where]()
        for fill in report.executed.values():
            traded[fill.exchange, fill.tradingsymbol, fill.product] += fill.sign * fill.quantity
        rows = {position.id: position for position in self._parts.books.positions}
        sums = {id_: (row.overnight_quantity + traded[id_], row.quantity) for id_, row in rows.items()}
        return sums | {id_: (count, 0) for id_, count in traded.items() if id_ not in rows}

    def _carried(self) -> Iterator[Difference]:
        """What was held at the end of an earlier day, against what was carried into this one."""
        for where, ours, theirs in self._snapshot.carried():
            yield self._row(
                f"position:{':'.join(where)}:carried {ours}:{theirs}",
                "position",
                f"{where[0]}:{where[1]} {where[2]}, carried overnight",
                f"{ours} when it was last looked at",
                f"{theirs} carried into today",
                red=True,
                choices=(*_BROKERS, Choice.FLATTEN) if theirs else _BROKERS,
            )

    def holdings(self, rows: Iterable[Holding]) -> None:
        """Hold the demat account against what it was when it was last read."""
        for key, ours, theirs in self._snapshot.holdings_changed(list(rows)):
            row = self._row(
                f"holding:{key}:{ours}:{theirs}",
                "holding",
                key,
                f"{ours} when it was last read, with what has settled since",
                f"{theirs} held",
                red=False,
                choices=_BROKERS,
            )
            self._differences.add(row)

    def _row(
        self, id_: str, kind: str, what: str, ours: str, theirs: str, *, red: bool, choices: tuple[Choice, ...]
    ) -> Difference:
        at = self._parts.clock.now()
        return Difference(id=id_, kind=kind, red=red, what=what, ours=ours, theirs=theirs, choices=choices, at=at)


def contradicts(ours: Order, theirs: Order) -> bool:
    """Whether `theirs` cannot be a later picture of the same order than `ours`."""
    if not ours.live and theirs.live:
        return True
    if theirs.filled_quantity < ours.filled_quantity:
        return True
    return not ours.live and not theirs.live and ours.status != theirs.status


def _words(order: Order) -> str:
    return f"{order.transaction_type} {order.quantity} {order.key} {order.product}"
