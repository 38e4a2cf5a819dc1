"""How much of what a run took the account still holds: a person, another run or the broker may have closed it.

An account nets what its runs hold. Where several runs count on the same units, the run that started first has them:
so no unit is sold twice, and none is left that nobody would sell.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.positions import DELIVERY, to_close
from alphapanda_desktop.domain.session import trading_day
from alphapanda_desktop.trading.books import Books, Place, left_of, place_of
from alphapanda_desktop.trading.run import Run
from alphapanda_desktop.trading.stops import kept_by


def in_holdings(run: Run, books: Books, key: str, product: str) -> bool:
    """Whether what the run holds of it lies among the holdings: brought into the day, or bought before it began."""
    if product not in DELIVERY or _of(run, key, product) <= 0 or books.carries(_place(key, product)):
        return False
    brought = sum(lots[0] for (where, as_), lots in run.brought.items() if where == key and as_ == product)
    return brought + sum(o.sign * o.filled_quantity for o in run.orders.values() if _earlier(o, run, key, product)) > 0


def _earlier(order: Order, run: Run, key: str, product: str) -> bool:
    """Whether it filled before this day began, as a run has it that lived over night."""
    at = order.order_timestamp
    return (order.key, order.product) == (key, product) and at is not None and at < trading_day(run.now())


class Shares:
    """One run's share of the account; `runs` are all runs of the venue, itself included."""

    def __init__(self, run: Run, books: Books, runs: Callable[[], Iterable[Run]]) -> None:
        self._run = run
        self._books = books
        self._runs = runs

    def held(self, key: str, product: str) -> int:
        """Signed quantity of the run's position that is there still; what it says itself where nobody can tell."""
        own = to_close(product, _of(self._run, key, product))
        if not own or not self.told(key, product):
            return own
        sign, account = (1 if own > 0 else -1), self._books.held(*_place(key, product))
        pool = account * sign
        for other in self._others():
            share = _of(other, key, product) * sign
            first = other.started_at < self._run.started_at
            pool -= share if share < 0 or first else 0
        return sign * max(0, min(abs(own), pool))

    def told(self, key: str, product: str) -> bool:
        """Whether the positions tell what is left: not of shares that lie among the holdings, nor before they came."""
        return self._books.positions_at is not None and not in_holdings(self._run, self._books, key, product)

    def netted(self, key: str, product: str) -> bool:
        """Whether another run holds the opposite: what the account holds is then no measure of an exit."""
        own = _of(self._run, key, product)
        return any(_of(other, key, product) * own < 0 for other in self._others())

    def only_closes(self, key: str, product: str) -> bool:
        """Whether an exit of the run can only shrink what the account holds."""
        return self.told(key, product) and not self.netted(key, product)

    def free(self, key: str, product: str) -> int:
        """`held`, less what orders that are not the run's will close already."""
        held = self.held(key, product)
        if not held or not self.only_closes(key, product):
            return held
        account = abs(self._books.held(*_place(key, product)))
        room = account - sum(map(left_of, self.theirs(key, product)))
        return (1 if held > 0 else -1) * max(0, min(abs(held), room))

    def theirs(self, key: str, product: str) -> list[Order]:
        """Orders that are not the run's and will close it, those on their way included."""
        place, held = _place(key, product), self.held(key, product)
        rows = [*self._books.unanswered(), *self._books.book.working()]
        return [o for o in rows if place_of(o) == place and o.sign * held < 0 and not self._owns(o.tag)]

    def targets(self, key: str, product: str, last_price: float | None) -> list[Order]:
        """Those of `theirs` that no run asked for and that only wait for a better price than the market's."""
        rows = [o for o in self.theirs(key, product) if not self._books.run_of(o)]
        return [order for order in rows if waits_for_better(order, last_price)]

    def room(self, key: str, product: str, sign: int) -> int:
        """Units of the account's position of that sign which no order closes yet."""
        place = _place(key, product)
        buying, selling = self._books.working(*place)
        return max(0, self._books.held(*place) * sign - (selling if sign > 0 else buying))

    def _owns(self, tag: str | None) -> bool:
        return tag in self._run.orders

    def _others(self) -> list[Run]:
        """Other runs that may still close what they hold: asking ones, and those whose stops are watched."""
        return [run for run in self._runs() if run is not self._run and (run.asking or kept_by([run]))]


def waits_for_better(order: Order, last_price: float | None) -> bool:
    """Whether it rests at a limit that the market has not reached: no stop, and nothing that is being filled."""
    if last_price is None or order.trigger_price or not order.order_id or not order.changeable:
        return False
    return order.price > last_price if order.sign < 0 else order.price < last_price


def _place(key: str, product: str) -> Place:
    exchange, _, symbol = key.partition(":")
    return (exchange, symbol, product)


def _of(run: Run, key: str, product: str) -> int:
    return sum(count for as_, count in run.held_as(key).items() if as_ == product)
