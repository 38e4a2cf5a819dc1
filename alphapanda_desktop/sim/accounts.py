"""The demo account: positions, holdings and funds, by Kite's own arithmetic.

Source: CONTRACT 2.2, 2.9 and 2.10.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import asdict, replace
from typing import Final, NamedTuple

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.orders import Fill, Side
from alphapanda_desktop.domain.positions import Position, add_fill
from alphapanda_desktop.sim.answers import KiteError, bad_input
from alphapanda_desktop.sim.checks import whole
from alphapanda_desktop.sim.holdings import Holdings
from alphapanda_desktop.sim.margins import Need, multiplier_of, need_of, pays_at_once, segment_of
from alphapanda_desktop.sim.market import Market
from alphapanda_desktop.sim.memory import Memory
from alphapanda_desktop.sim.orders import SimOrder

OPENING_CASH: Final = {"equity": 1_000_000.0, "commodity": 500_000.0}

Key = tuple[str, str, str]


def listed(market: Market, token: int) -> Instrument:
    """The instrument of a token that is known to be listed."""
    instrument = market.by_token(token)
    if instrument is None:
        raise KeyError(token)
    return instrument


class Funds(NamedTuple):
    """One segment's money in rupees."""

    opening: float
    need: Need
    delivery: float
    sales: float
    realised: float
    unrealised: float
    blocked: float

    @property
    def live(self) -> float:
        """What a new order may use."""
        losses = min(self.unrealised, 0.0)
        used = self.need.span + self.need.exposure + self.need.var + self.blocked
        return self.opening + self.realised + losses + self.sales - self.delivery - self.need.premium - used


class Accounts:
    """Positions and money of one user. `working` gives the orders that block margin."""

    def __init__(self, market: Market, memory: Memory, working: Callable[[], Iterable[SimOrder]]) -> None:
        self._market = market
        self._memory = memory
        self._working = working
        self.holdings = Holdings(market, memory)
        self.positions: dict[Key, Position] = {}
        self.cash = dict(OPENING_CASH)
        for row in memory.rows("cash"):
            self.cash[str(row["segment"])] = float(str(row["rupees"]))
        for row in memory.rows("position"):
            position = Position(**row)  # type: ignore[arg-type]
            self.positions[position.id] = position
        self._settle_expired()

    def start_over(self) -> None:
        """A fresh account: no positions, the opening cash, the first holdings."""
        self.positions.clear()
        self.cash.update(OPENING_CASH)
        self._memory.drop("position")
        self._memory.drop("cash")
        self.holdings.start_over()

    def _settle_expired(self) -> None:
        """Pay out, at the last price known, what an earlier run held and today's master no longer lists."""
        for position in list(self.positions.values()):
            if self._market.by_token(position.instrument_token) is None:
                at = position.close_price or position.average_price
                paid = position.day_sell_value - position.day_buy_value
                is_option = position.tradingsymbol.endswith(("CE", "PE"))
                worth = paid + position.quantity * at * position.multiplier
                self._close(position, worth if is_option else replace(position, last_price=at).m2m)

    def _close(self, position: Position, rupees: float) -> None:
        segment = segment_of(position.exchange)
        self.cash[segment] += rupees
        self._memory.put("cash", segment, {"segment": segment, "rupees": self.cash[segment]})
        del self.positions[position.id]
        self._memory.drop("position", "|".join(position.id))

    # --- what fills do ------------------------------------------------------------------------------------------

    def filled(self, order: SimOrder, fill: Fill) -> None:
        """Book one fill: the position, and the holding that a delivery sale takes from."""
        position = self._position(fill.exchange, fill.tradingsymbol, order.product, fill.instrument_token)
        self._keep(add_fill(position, fill))
        if order.product == "CNC" and fill.transaction_type == "SELL":
            short = max(0, -self.positions[position.id].quantity)
            self.holdings.use(fill.exchange, fill.tradingsymbol, short)

    def _position(self, exchange: str, tradingsymbol: str, product: str, token: int) -> Position:
        known = self.positions.get((exchange, tradingsymbol, product))
        if known is not None:
            return known
        instrument = listed(self._market, token)
        return Position(
            exchange=exchange,
            tradingsymbol=tradingsymbol,
            product=product,
            instrument_token=token,
            multiplier=multiplier_of(instrument),
        )

    def _keep(self, position: Position) -> None:
        self.positions[position.id] = position
        self._memory.put("position", "|".join(position.id), asdict(position))

    # --- what orders may do -------------------------------------------------------------------------------------

    def opening_part(self, instrument: Instrument, side: Side, product: str, quantity: int) -> int:
        """How many of `quantity` open or enlarge a position, the rest closing what is held and not yet on sale."""
        position = self.positions.get((instrument.exchange, instrument.tradingsymbol, product))
        held = position.quantity if position else 0
        closable = max(0, -held if side == "BUY" else held)
        if product == "CNC" and side == "SELL":
            closable += self.holdings.sellable(instrument.exchange, instrument.tradingsymbol)
        promised = sum(
            order.open_quantity
            for order in self._working()
            if order.key == instrument.key and order.product == product and order.transaction_type == side
        )
        return max(0, quantity - max(0, closable - promised))

    def check(self, instrument: Instrument, side: Side, product: str, quantity: int, price: float) -> tuple[int, float]:
        """Opening units and the margin each blocks; KiteError when holdings or funds do not reach."""
        opening = self.opening_part(instrument, side, product, quantity)
        if product in ("CNC", "MTF") and side == "SELL" and opening:
            raise KiteError(
                400,
                "HoldingException",
                f"Insufficient stock holding. You can sell {quantity - opening} of {instrument.tradingsymbol}, "
                f"{quantity} asked.",
            )
        need = need_of(instrument, side, product, opening, price).total
        available = self.funds(segment_of(instrument.exchange)).live
        if need > available + 0.005:
            raise KiteError(
                400,
                "MarginException",
                f"Insufficient funds. Required margin is {need:.2f} but available margin is {available:.2f}.",
            )
        return opening, need / opening if opening else 0.0

    def convert(self, form: dict[str, str]) -> bool:
        """`PUT /portfolio/positions`: move part of a position to another product."""
        old = self.positions.get((form.get("exchange", ""), form.get("tradingsymbol", ""), form.get("old_product", "")))
        quantity = whole(form, "quantity")
        side = form.get("transaction_type", "")
        held = old.quantity if old else 0
        if old is None or quantity < 1 or (held > 0) != (side == "BUY") or abs(held) < quantity:
            raise bad_input(f"Position of {abs(held)} cannot be converted by {quantity} {side}.")
        carried = abs(old.overnight_quantity)
        if form.get("position_type") == "overnight" and carried < quantity:
            raise bad_input(f"Only {carried} of the position were carried overnight.")
        product = form.get("new_product", "")
        instrument = listed(self._market, old.instrument_token)
        allowed = ("CNC", "MIS", "MTF") if instrument.exchange in ("NSE", "BSE") else ("NRML", "MIS")
        if product not in allowed or product == old.product:
            raise bad_input(f"Trading in {old.exchange} is not allowed using {product} product type.")
        direction: Side = "BUY" if held > 0 else "SELL"
        self.check(instrument, direction, product, quantity, old.average_price)
        self._move(old, product, direction, quantity)
        return True

    def _move(self, old: Position, product: str, side: Side, quantity: int) -> None:
        at = old.average_price
        opposite: Side = "SELL" if side == "BUY" else "BUY"
        new = self._position(old.exchange, old.tradingsymbol, product, old.instrument_token)
        self._keep(add_fill(new, _as_fill(old, side, quantity, at)))
        if old.overnight_quantity:
            self._keep(add_fill(old, _as_fill(old, opposite, quantity, at)))
        else:  # taken off the side it stands on, so that the old row keeps only what was really traded in it
            self._keep(_less(old, side, quantity, at))

    # --- funds --------------------------------------------------------------------------------------------------

    def funds(self, segment: str) -> Funds:
        """The segment's money now."""
        span = exposure = premium = var = delivery = sales = realised = unrealised = 0.0
        for position in self.positions.values():
            instrument = self._market.by_token(position.instrument_token)
            if instrument is None or segment_of(position.exchange) != segment:
                continue
            paid = position.day_buy_value - position.day_sell_value
            need = _held_need(instrument, position)
            span, exposure, var = span + need.span, exposure + need.exposure, var + need.var
            if position.product == "CNC":
                delivery, sales = delivery + max(paid, 0.0), sales + max(-paid, 0.0)
            elif pays_at_once(instrument, position.product):
                premium += paid
            else:
                at = self.last_price(position.instrument_token)
                total, closed = replace(position, last_price=at).m2m, _realised(position)
                realised, unrealised = realised + closed, unrealised + total - closed
        blocked = sum(order.blocked for order in self._working() if segment_of(order.exchange) == segment)
        return Funds(
            self.cash[segment], Need(span, exposure, premium, var), delivery, sales, realised, unrealised, blocked
        )

    def margins(self, segment: str) -> dict[str, object]:
        """One segment of `GET /user/margins`."""
        funds = self.funds(segment)
        live, opening = round(funds.live, 4), round(funds.opening, 4)
        return {
            "enabled": True,
            "net": live,
            "available": {
                "adhoc_margin": 0,
                "cash": opening,
                "opening_balance": opening,
                "live_balance": live,
                "collateral": 0,
                "intraday_payin": 0,
            },
            "utilised": {
                "debits": round(opening - live, 4),
                "exposure": round(funds.need.exposure, 4),
                "m2m_realised": round(funds.realised, 4),
                "m2m_unrealised": round(funds.unrealised, 4),
                "option_premium": round(funds.need.premium, 4),
                "payout": 0,
                "span": round(funds.need.span + funds.need.var + funds.blocked, 4),
                "holding_sales": round(funds.sales, 4),
                "turnover": 0,
                "liquid_collateral": 0,
                "stock_collateral": 0,
                "delivery": round(funds.delivery, 4),
            },
        }

    # --- rows ---------------------------------------------------------------------------------------------------

    def last_price(self, token: int) -> float:
        return self._market.picture(token).last_price

    def tick(self, token: int) -> Tick:
        return self._market.picture(token)

    def rows(self) -> dict[str, object]:
        """`data` of /portfolio/positions."""
        now = [replace(p, last_price=self.last_price(p.instrument_token)) for p in self.positions.values()]
        traded = [_day_part(p) for p in now if p.day_buy_quantity or p.day_sell_quantity]
        return {"net": [position_row(p) for p in now], "day": [position_row(p) for p in traded]}

    # --- days ---------------------------------------------------------------------------------------------------

    def new_day(self) -> None:
        """Settle yesterday: money for what was closed, delivery into holdings, derivatives carried over."""
        self.holdings.new_day()
        for position in list(self.positions.values()):
            self._settle(replace(position, last_price=self.last_price(position.instrument_token)))

    def _settle(self, position: Position) -> None:
        instrument = listed(self._market, position.instrument_token)
        paid = position.day_sell_value - position.day_buy_value
        self._close(position, paid if pays_at_once(instrument, position.product) else position.m2m)
        if position.product == "CNC":
            self.holdings.deliver(position)
        if position.product in ("NRML", "MTF") and position.quantity:
            self._keep(_carried(position))


def _realised(position: Position) -> float:
    closed = min(position.buy_quantity, position.sell_quantity)
    return closed * (position.sell_price - position.buy_price) * position.multiplier


def _held_need(instrument: Instrument, position: Position) -> Need:
    if position.product == "CNC" or not position.quantity:
        return Need()
    side: Side = "BUY" if position.quantity > 0 else "SELL"
    need = need_of(instrument, side, position.product, abs(position.quantity), position.average_price)
    return need._replace(premium=0.0)  # premiums are counted as they were paid


def _as_fill(position: Position, side: Side, quantity: int, price: float) -> Fill:
    return Fill(
        trade_id="",
        order_id="",
        exchange=position.exchange,
        tradingsymbol=position.tradingsymbol,
        transaction_type=side,
        quantity=quantity,
        average_price=price,
        product=position.product,
        instrument_token=position.instrument_token,
    )


def _less(position: Position, side: Side, quantity: int, price: float) -> Position:
    value = quantity * price * position.multiplier
    if side == "BUY":
        return replace(
            position,
            quantity=position.quantity - quantity,
            buy_quantity=position.buy_quantity - quantity,
            buy_value=position.buy_value - value,
            day_buy_quantity=position.day_buy_quantity - quantity,
            day_buy_value=position.day_buy_value - value,
        )
    return replace(
        position,
        quantity=position.quantity + quantity,
        sell_quantity=position.sell_quantity - quantity,
        sell_value=position.sell_value - value,
        day_sell_quantity=position.day_sell_quantity - quantity,
        day_sell_value=position.day_sell_value - value,
    )


def _carried(position: Position) -> Position:
    """Tomorrow's row of what is open tonight."""
    value = abs(position.quantity) * position.average_price * position.multiplier
    long = position.quantity > 0
    return Position(
        exchange=position.exchange,
        tradingsymbol=position.tradingsymbol,
        product=position.product,
        quantity=position.quantity,
        instrument_token=position.instrument_token,
        overnight_quantity=position.quantity,
        multiplier=position.multiplier,
        close_price=position.last_price,
        buy_quantity=position.quantity if long else 0,
        buy_value=value if long else 0.0,
        sell_quantity=0 if long else -position.quantity,
        sell_value=0.0 if long else value,
    )


def _day_part(position: Position) -> Position:
    """The same row as if nothing had been carried into the day."""
    return replace(
        position,
        quantity=position.day_buy_quantity - position.day_sell_quantity,
        overnight_quantity=0,
        buy_quantity=position.day_buy_quantity,
        buy_value=position.day_buy_value,
        sell_quantity=position.day_sell_quantity,
        sell_value=position.day_sell_value,
    )


def position_row(p: Position) -> dict[str, object]:
    """The 29 fields of one row."""
    carried = p.overnight_quantity * p.close_price * p.multiplier
    per_unit = p.multiplier or 1
    return {
        "tradingsymbol": p.tradingsymbol,
        "exchange": p.exchange,
        "instrument_token": p.instrument_token,
        "product": p.product,
        "quantity": p.quantity,
        "overnight_quantity": p.overnight_quantity,
        "multiplier": p.multiplier,
        "average_price": p.average_price,
        "close_price": p.close_price,
        "last_price": p.last_price,
        "value": p.value,
        "pnl": p.pnl,
        "m2m": p.m2m,
        "unrealised": p.pnl,
        "realised": 0,
        "buy_quantity": p.buy_quantity,
        "buy_price": p.buy_price,
        "buy_value": p.buy_value,
        "buy_m2m": p.day_buy_value + max(carried, 0.0),
        "sell_quantity": p.sell_quantity,
        "sell_price": p.sell_price,
        "sell_value": p.sell_value,
        "sell_m2m": p.day_sell_value + max(-carried, 0.0),
        "day_buy_quantity": p.day_buy_quantity,
        "day_buy_price": p.day_buy_value / (p.day_buy_quantity * per_unit) if p.day_buy_quantity else 0,
        "day_buy_value": p.day_buy_value,
        "day_sell_quantity": p.day_sell_quantity,
        "day_sell_price": p.day_sell_value / (p.day_sell_quantity * per_unit) if p.day_sell_quantity else 0,
        "day_sell_value": p.day_sell_value,
    }
