"""What the risk rules must know of the account, gathered from the desk's books."""

from __future__ import annotations

from dataclasses import dataclass, replace

from alphapanda_desktop.domain.orders import Order, OrderRequest
from alphapanda_desktop.domain.positions import DELIVERY
from alphapanda_desktop.domain.risk import Exposure, TradingState
from alphapanda_desktop.trading.books import Books, left_of, place_of
from alphapanda_desktop.trading.ledger import Ledger


def exposure_of(
    request: OrderRequest,
    books: Books,
    *,
    last_price: float | None,
    orders_today: int,
    strategy_orders_today: int,
    ledger: Ledger,
    state: TradingState,
    multiplier: float | None = None,
    strategy_pnl: float | None = None,
) -> Exposure:
    """Everything that one order is judged by, as of now.

    `strategy_pnl` is the net result of the order's own run today, None where it is unknown; `multiplier` the
    broker's own figure where it told one.
    """
    same = place_of(request)
    buying, selling = books.working(*same)
    run, key = _run(request, books, ledger), _instrument(request, books)
    return Exposure(
        position=books.held(*same),
        in_holdings=_in_holdings(request, books, ledger),
        buying=buying,
        selling=selling,
        orders_today=orders_today,
        last_price=last_price,
        state=state,
        working_orders=len(_live(books)),
        strategy_position=run.position,
        strategy_buying=run.buying,
        strategy_selling=run.selling,
        strategy_orders_today=strategy_orders_today,
        strategy_working_orders=run.working,
        strategy_pnl=strategy_pnl,
        instrument_position=key.position,
        instrument_buying=key.buying,
        instrument_selling=key.selling,
        instrument_orders_today=key.orders,
        instrument_working_orders=key.working,
        multiplier=multiplier,
    )


def beside(order: Order, exposure: Exposure, counted: int | None = None) -> Exposure:
    """The exposure without this order: a change of it is no further order of the day, nor one more at work.

    `counted` are the units that the exposure counts of it, where they are not those that its row has left.
    """
    side, left = ("buying" if order.sign > 0 else "selling"), left_of(order) if counted is None else counted
    scopes = (side, f"strategy_{side}", f"instrument_{side}")
    return replace(
        exposure,
        orders_today=0,
        strategy_orders_today=0,
        instrument_orders_today=0,
        working_orders=max(0, exposure.working_orders - 1),
        strategy_working_orders=max(0, exposure.strategy_working_orders - 1),
        instrument_working_orders=max(0, exposure.instrument_working_orders - 1),
        **{scope: max(0, getattr(exposure, scope) - left) for scope in scopes},
    )


@dataclass(frozen=True, slots=True)
class _Side:
    """What one run, or one instrument, holds and has at work."""

    position: int = 0
    buying: int = 0
    selling: int = 0
    working: int = 0
    orders: int = 0


def _in_holdings(request: OrderRequest, books: Books, ledger: Ledger) -> int | None:
    """Shares to be sold from; at least what the order's own run brought, for the broker may book a delivery late."""
    where = place_of(request)
    told = books.in_holdings(where)
    if told is None or request.product not in DELIVERY or not request.strategy:
        return told
    return max(told, ledger.carried(request.strategy, where))


def _run(request: OrderRequest, books: Books, ledger: Ledger) -> _Side:
    """The run's own position in what is ordered; its working orders in everything."""
    if not request.strategy:
        return _Side()
    orders = [o for o in _all(books) if books.run_of(o) == request.strategy]
    where = place_of(request)
    same = [o for o in orders if place_of(o) == where]
    held = ledger.carried(request.strategy, where) + sum(o.sign * o.filled_quantity for o in same)
    return _Side(held, *books.open_of(same), sum(1 for o in orders if o.live), len(orders))


def _instrument(request: OrderRequest, books: Books) -> _Side:
    """The instrument in all products, whoever holds or ordered it."""
    same = [o for o in _all(books) if o.key == request.key]
    products = {p.product for p in books.positions if p.key == request.key} | {place_of(o)[2] for o in same}
    held = sum(books.held(request.exchange, request.tradingsymbol, product) for product in products)
    return _Side(held, *books.open_of(same), sum(1 for o in same if o.live), sum(1 for o in same if books.ours(o)))


def _live(books: Books) -> list[Order]:
    return [o for o in _all(books) if o.live]


def _all(books: Books) -> list[Order]:
    """Every order of the day once, those on their way included, in no order."""
    return [*books.book, *books.unanswered()]
