"""The day's fills as money: who made them, what they cost, and what each run, position and the account comes to.

A run's result is of its own lots at average cost. The account's is Kite's own arithmetic over Kite's own rows, so
that it is the broker's figure; what of it is realised comes from the fills where they tell the whole of a row, and
from the row's averages where they do not. Charges are of executed orders, because brokerage has its cap per order.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Final

from psygnal import Signal

from alphapanda_desktop.domain.charges import (
    Charges,
    charges_of_part_netted,
    exact_charges,
    instrument_type_of,
    turnover_of,
)
from alphapanda_desktop.domain.grouping import grouped
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Fill, Order
from alphapanda_desktop.domain.pnl import Lots, Pnl, lots_of, pnl_of, sum_of
from alphapanda_desktop.domain.portfolio import ChargeQuery
from alphapanda_desktop.domain.positions import RUPEE, Position, to_money
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.units import multiplier_of, units_of
from alphapanda_desktop.trading.handed import HandedOver

PriceOf = Callable[[str], float | None]
"""Latest price in rupees by instrument key ("NSE:INFY"); None where none is known."""

Where = tuple[str, str, str]
"""Exchange, tradingsymbol and product: what tells positions apart."""


PAISA: Final = RUPEE // 100


@dataclass(frozen=True, slots=True)
class ChargeDifference:
    """One executed order as we charged it and as the broker does."""

    order_id: str
    ours: Charges
    theirs: Charges

    @property
    def rupees(self) -> float:
        """Ours less theirs, in rupees."""
        return (self.ours.total - self.theirs.total) / RUPEE

    @property
    def text(self) -> str:
        """Both figures, for a person."""
        return f"Kite says ₹{grouped(self.theirs.total / RUPEE, 2)}, we say ₹{grouped(self.ours.total / RUPEE, 2)}"

    @property
    def matters(self) -> bool:
        """Whether the whole, or any part of it, is off by a paisa or more."""
        names = ("total", *(f.name for f in fields(Charges) if isinstance(getattr(self.ours, f.name), int)))
        return any(abs(getattr(self.ours, name) - getattr(self.theirs, name)) >= PAISA for name in names)


@dataclass(slots=True)
class _Executed:
    """One order as far as it has filled."""

    where: Where
    run_id: str
    fills: list[Fill] = field(default_factory=list)
    charged: Charges | None = None
    order_type: str = "LIMIT"
    variety: str = "regular"
    netted: int = 0
    """Units that were traded the other way on the same day, and so are not delivered."""

    @property
    def quantity(self) -> int:
        return sum(fill.quantity for fill in self.fills)

    def query(self) -> ChargeQuery:
        """What has filled so far, as the broker would be asked what it costs."""
        one, quantity = self.fills[0], self.quantity
        traded = sum((turnover_of(f.quantity, f.average_price) for f in self.fills), turnover_of(0, 0))
        return ChargeQuery(
            exchange=one.exchange,
            tradingsymbol=one.tradingsymbol,
            transaction_type=one.transaction_type,
            product=one.product,
            quantity=quantity,
            average_price=float(traded / quantity),
            order_type=self.order_type,
            variety=self.variety,
            order_id=one.order_id,
        )


@dataclass(slots=True)
class _Made:
    """What one run has made of one position. `start` is what it holds of it without having traded it today."""

    start: Lots = field(default_factory=Lots)
    lots: Lots = field(default_factory=Lots)


class Ledger:
    """Fills of today with their run ids, carried lots, and charges by order. One account; called on the loop.

    Signals: `charges_told()` after the broker has said what orders cost.
    """

    charges_told = Signal()

    def __init__(self, find: Callable[[str], Instrument | None], today: Callable[[], date]) -> None:
        self._find = find
        self._today = today
        self._seen: set[tuple[str, str, str]] = set()
        self._orders: dict[str, _Executed] = {}
        self._runs: dict[str, dict[Where, _Made]] = {}
        self._trades: dict[Where, list[tuple[int, int]]] = {}
        """Signed quantity and value of every fill of a position, whoever made it, in the order taken."""
        self._charged = Counter[str | Where]()
        """Booked charges by run id, by position, and under "*" of all."""
        self._units_told: dict[str, float] = {}
        self._told: dict[str, tuple[ChargeQuery, Charges]] = {}
        """What the broker said an order costs, as far as it had filled when it was asked."""

    # --- taking ------------------------------------------------------------------------------------------------------

    def take(self, fill: Fill, run_id: str, order: Order | None = None) -> None:
        """Book one fill under its run ("" for by hand or elsewhere); a fill that is known already changes nothing."""
        if fill.id in self._seen:
            return
        self._seen.add(fill.id)
        where = (fill.exchange, fill.tradingsymbol, fill.product)
        executed = self._orders.setdefault(fill.order_id, _Executed(where, run_id))
        executed.fills.append(fill)
        if order is not None:
            executed.order_type, executed.variety = order.order_type, order.variety
        self._charge(executed)
        self._charge_anew(executed)
        trade = (fill.sign * fill.quantity, fill.sign * self._worth(fill.key, fill.quantity, fill.average_price))
        self._trades.setdefault(where, []).append(trade)
        made = self._made(run_id, where)
        made.lots = made.lots.after(*trade)

    def carry(
        self, run_id: str, exchange: str, tradingsymbol: str, product: str, quantity: int, average_price: float
    ) -> None:
        """What a run brought into the day: `quantity` signed, bought or sold at `average_price` rupees.

        Call it once for each of its positions, before the day's fills of it are taken.
        """
        made = self._made(run_id, (exchange, tradingsymbol, product))
        made.lots = made.start = Lots(quantity, self._worth(f"{exchange}:{tradingsymbol}", quantity, average_price))

    def hand_over(self, one: HandedOver) -> None:
        """Move lots from one run to another at what they cost: nothing is realised, and nothing charged."""
        where = (one.exchange, one.tradingsymbol, one.product)
        worth = self._worth(f"{one.exchange}:{one.tradingsymbol}", one.quantity, one.price)
        for run_id, sign in one.shares():
            made = self._made(run_id, where)
            made.lots = made.lots.after(sign * one.quantity, sign * worth)
            made.start = made.start.after(sign * one.quantity, sign * worth)

    def tell_units(self, positions: Iterable[Position]) -> None:
        """The broker's own multipliers, of the positions it tells of; say them before the fills that make them."""
        self._units_told |= {position.key: position.multiplier for position in positions if position.multiplier > 0}

    def tell_charges(self, answers: Iterable[tuple[ChargeQuery, Charges]]) -> None:
        """What the broker says that executed orders cost."""
        self._told |= {query.order_id: (query, charges) for query, charges in answers}
        self.charges_told.emit()

    def new_day(self) -> None:
        """Begin a day: what is open is carried at its cost; realised results and charges begin at nothing."""
        self._seen.clear()
        self._orders.clear()
        self._trades.clear()
        self._charged.clear()
        self._told.clear()
        for run_id, made in self._runs.items():
            open_ = {where: Lots(one.lots.quantity, one.lots.cost) for where, one in made.items() if one.lots.quantity}
            self._runs[run_id] = {where: _Made(lots, lots) for where, lots in open_.items()}

    # --- reading -----------------------------------------------------------------------------------------------------

    def account(self, positions: Iterable[Position], price_of: PriceOf) -> Pnl:
        """The whole account by Kite's arithmetic, less the charges of every fill taken today."""
        gross = sum_of(self._gross(position, price_of) for position in positions)
        return gross.less(self._charged["*"])

    def of_position(self, position: Position, price_of: PriceOf) -> Pnl:
        """One of Kite's rows by Kite's arithmetic, less the charges of today's fills in it."""
        return self._gross(position, price_of).less(self._charged[position.id])

    def runs(self) -> list[str]:
        """Ids of the runs that traded today or carry something."""
        return [run_id for run_id in self._runs if run_id]

    def of_run(self, run_id: str, price_of: PriceOf) -> Pnl:
        """What one run's own fills, and what it brought into the day, come to."""
        made = self._runs.get(run_id, {})
        realised = sum(one.lots.realised for one in made.values())
        open_ = [self._open(where, one.lots, price_of) for where, one in made.items() if one.lots.quantity]
        known = [value for value in open_ if value is not None]
        unrealised = sum(known) if len(known) == len(open_) else None
        return pnl_of(realised, unrealised, self._charged[f"run {run_id}"])

    def of_order(self, order_id: str) -> Charges | None:
        """What an order's execution has cost so far; None where none of it has been seen."""
        executed = self._orders.get(order_id)
        return executed.charged if executed else None

    def executed(self) -> dict[str, ChargeQuery]:
        """Every order that has filled today, wholly or in part, by order id."""
        return {order_id: executed.query() for order_id, executed in self._orders.items()}

    def asked(self, order_id: str) -> ChargeQuery | None:
        """What the broker was last asked of an order; None where it was not."""
        return self._told[order_id][0] if order_id in self._told else None

    def told_of(self, order_id: str) -> Charges | None:
        """The broker's word on an order; None where it was not asked, or the order has filled further since."""
        executed = self._orders.get(order_id)
        query, charges = self._told.get(order_id, (None, None))
        return charges if executed is not None and query == executed.query() else None

    def charge_difference(self, order_id: str) -> ChargeDifference | None:
        """Our charges of an order beside the broker's; None where they agree to the paisa, or are not both known."""
        ours, theirs = self.of_order(order_id), self.told_of(order_id)
        both = ChargeDifference(order_id, ours, theirs) if ours and theirs else None
        return both if both is not None and both.matters else None

    def charge_differences(self) -> list[ChargeDifference]:
        """Every order of today of which the broker's word is known and is another than ours."""
        return [one for order_id in self._told if (one := self.charge_difference(order_id)) is not None]

    def carried(self, run_id: str, where: Where) -> int:
        """Signed quantity that a run brought into the day, or was handed; less than nothing of what it gave away."""
        made = self._runs.get(run_id, {}).get(where)
        return made.start.quantity if made else 0

    def difference(self, position: Position) -> float | None:
        """Our result of a row minus Kite's own `pnl`, in rupees, both at the row's own price; None if none was told."""
        if position.told_pnl is None:
            return None
        return pnl_of(to_money(position.pnl) - to_money(position.told_pnl), 0, 0).gross

    # --- inside ------------------------------------------------------------------------------------------------------

    def _made(self, run_id: str, where: Where) -> _Made:
        return self._runs.setdefault(run_id, {}).setdefault(where, _Made())

    def units(self, key: str) -> float:
        """Units of value behind a quantity of one: what the broker told, else by the table and the master."""
        instrument = self._find(key)
        exchange, _, tradingsymbol = key.partition(":")
        if key in self._units_told:
            return self._units_told[key]
        return multiplier_of(instrument) if instrument else units_of(exchange, tradingsymbol) or 1

    def _worth(self, key: str, quantity: int, price: float) -> int:
        return to_money(quantity * price * self.units(key))

    def _charge(self, executed: _Executed) -> None:
        """Charge an order anew for all that it has filled: a cap is for the order, not for the fill."""
        before = executed.charged.total if executed.charged else 0
        executed.charged = self._charges_of(executed)
        for whose in ("*", f"run {executed.run_id}", executed.where):
            self._charged[whose] += executed.charged.total - before

    def _charge_anew(self, executed: _Executed) -> None:
        """Charge every order of a share that is bought and sold as CNC on one day: some of it is not delivered."""
        if not self._delivers(executed):
            return
        orders = [one for one in self._orders.values() if one.where == executed.where and self._delivers(one)]
        units = Counter[str]()
        for order in orders:
            units[order.fills[0].transaction_type] += order.quantity
        left = dict.fromkeys(units, min(units["BUY"], units["SELL"]))
        for order in orders:
            side = order.fills[0].transaction_type
            netted = min(left[side], order.quantity)
            left[side] -= netted
            if netted != order.netted or (netted and order is executed):
                order.netted = netted
                self._charge(order)

    def _delivers(self, executed: _Executed) -> bool:
        exchange, _, product = executed.where
        return product == "CNC" and exchange in ("NSE", "BSE") and executed.variety != "co"

    def _charges_of(self, executed: _Executed) -> Charges:
        fills, one = executed.fills, executed.fills[0]
        units = self.units(one.key)
        turnover = sum((turnover_of(f.quantity, f.average_price, units) for f in fills), turnover_of(0, 0))
        on = one.fill_timestamp.astimezone(IST).date() if one.fill_timestamp else self._today()
        if executed.netted:
            return charges_of_part_netted(
                exchange=one.exchange,
                transaction_type=one.transaction_type,
                turnover=turnover,
                netted=turnover * executed.netted / executed.quantity,
                on=on,
            ).booked()
        instrument = self._find(one.key)
        type_ = instrument.instrument_type if instrument else instrument_type_of(one.exchange, one.tradingsymbol)
        return exact_charges(
            exchange=one.exchange,
            instrument_type=type_,
            product=one.product,
            transaction_type=one.transaction_type,
            turnover=turnover,
            on=on,
            variety=executed.variety,
            tradingsymbol=one.tradingsymbol,
        ).booked()

    def _open(self, where: Where, lots: Lots, price_of: PriceOf) -> int | None:
        key = f"{where[0]}:{where[1]}"
        price = price_of(key)
        return None if price is None else lots.unrealised(self._worth(key, lots.quantity, price))

    def _gross(self, position: Position, price_of: PriceOf) -> Pnl:
        """At the latest price, or at the row's own where none has come; unknown where the row has none either."""
        realised = self._realised(position)
        price = price_of(position.key)
        if price is None:
            price = position.last_price or None
        if price is None and position.quantity:
            return pnl_of(realised, None, 0)
        return pnl_of(realised, to_money(position.pnl_at(price or 0.0)) - realised, 0)

    def _realised(self, position: Position) -> int:
        """By the fills where they tell the whole of the row's day, else by the averages of the row itself."""
        trades = self._trades.get(position.id, [])
        bought, sold = sum(q for q, _ in trades if q > 0), -sum(q for q, _ in trades if q < 0)
        if (bought, sold) != (position.day_buy_quantity, position.day_sell_quantity):
            return to_money(position.realised)
        start = Lots(position.overnight_quantity, to_money(position.overnight_value))
        return lots_of(trades, start).realised
