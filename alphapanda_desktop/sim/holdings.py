"""Shares in the demo demat account, and what of them may be sold today."""

from __future__ import annotations

import secrets
from dataclasses import asdict, dataclass
from typing import Final

from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.sim.answers import stamp
from alphapanda_desktop.sim.market import Market
from alphapanda_desktop.sim.memory import Memory

_START: Final = (
    # symbol, ISIN, units, bought at this share of yesterday's close
    ("INFY", "INE009A01021", 50, 0.91),
    ("RELIANCE", "INE002A01018", 20, 1.04),
    ("SBIN", "INE062A01020", 100, 0.83),
    ("HDFCBANK", "INE040A01034", 40, 0.97),
    ("TCS", "INE467B01029", 12, 1.08),
)
_AUCTION: Final = ("SBIN", "INE062A01020", 3, "7529")


@dataclass(slots=True)
class Holding:
    """One line of the demat account; `used` units were sold today, `t1` were bought yesterday."""

    exchange: str
    tradingsymbol: str
    instrument_token: int
    isin: str
    quantity: int
    average_price: float
    t1: int = 0
    used: int = 0


class Holdings:
    """The account's shares. A fresh account starts with a few, so that delivery sales can be practised."""

    def __init__(self, market: Market, memory: Memory) -> None:
        self._market = market
        self._memory = memory
        self._lines: dict[tuple[str, str], Holding] = {}
        kept = memory.rows("holding")
        for row in kept:
            line = Holding(**row)  # type: ignore[arg-type]
            if market.by_token(line.instrument_token) is not None:  # another master may not list it
                self._lines[line.exchange, line.tradingsymbol] = line
        if not kept:
            self._start()

    def _start(self) -> None:
        for symbol, isin, units, share in _START:
            instrument = self._market.by_key(f"NSE:{symbol}")
            if instrument is not None:
                average = instrument.snap(self._close(instrument.instrument_token) * share)
                self._keep(Holding("NSE", symbol, instrument.instrument_token, isin, units, average))

    def start_over(self) -> None:
        """The shares that a fresh account starts with."""
        self._lines.clear()
        self._memory.drop("holding")
        self._start()

    def _keep(self, line: Holding) -> None:
        self._lines[line.exchange, line.tradingsymbol] = line
        self._memory.put("holding", f"{line.exchange}|{line.tradingsymbol}", asdict(line))

    def _close(self, token: int) -> float:
        tick = self._market.picture(token)
        return (tick.ohlc.close if tick.ohlc else 0.0) or tick.last_price

    def sellable(self, exchange: str, tradingsymbol: str) -> int:
        """Units that may still be sold today."""
        line = self._lines.get((exchange, tradingsymbol))
        return max(0, line.quantity + line.t1 - line.used) if line else 0

    def use(self, exchange: str, tradingsymbol: str, units: int) -> None:
        """Count units as sold today."""
        line = self._lines.get((exchange, tradingsymbol))
        if line is not None:
            line.used = min(units, line.quantity + line.t1)
            self._keep(line)

    def new_day(self) -> None:
        """Yesterday's purchases settle, and nothing has been sold yet."""
        for line in self._lines.values():
            line.quantity, line.t1, line.used = line.quantity + line.t1, 0, 0
            self._keep(line)

    def deliver(self, position: Position) -> None:
        """Settle one instrument's delivery trades of the day: bought units arrive as T1, sold ones leave."""
        line = self._lines.get((position.exchange, position.tradingsymbol)) or Holding(
            position.exchange, position.tradingsymbol, position.instrument_token, "", 0, 0.0
        )
        if position.quantity > 0:
            cost = line.average_price * line.quantity + position.average_price * position.quantity
            line.average_price = round(cost / (line.quantity + position.quantity), 4)
            line.t1 += position.quantity
        else:
            line.quantity = max(0, line.quantity + position.quantity)
        self._keep(line)
        if line.quantity + line.t1 == 0:
            del self._lines[line.exchange, line.tradingsymbol]
            self._memory.drop("holding", f"{line.exchange}|{line.tradingsymbol}")

    def rows(self) -> list[dict[str, object]]:
        """`data` of /portfolio/holdings."""
        return [self._row(line) for line in self._lines.values()]

    def compact(self) -> list[dict[str, object]]:
        names = ("exchange", "tradingsymbol", "instrument_token", "t1_quantity", "quantity")
        return [{name: row[name] for name in names} for row in self.rows()]

    def summary(self) -> dict[str, float]:
        """Totals over all lines."""
        invested = value = before = 0.0
        for line in self._lines.values():
            units, tick = line.quantity + line.t1, self._market.picture(line.instrument_token)
            invested += units * line.average_price
            value += units * tick.last_price
            before += units * self._close(line.instrument_token)
        return {
            "total_pnl": value - invested,
            "total_pnl_percent": (value - invested) * 100 / invested if invested else 0.0,
            "today_pnl": value - before,
            "today_pnl_percent": (value - before) * 100 / before if before else 0.0,
            "invested_amount": invested,
            "current_value": value,
        }

    def auctions(self) -> list[dict[str, object]]:
        """Shares that the exchange's auction asks for, and the account holds."""
        symbol, isin, units, number = _AUCTION
        instrument = self._market.by_key(f"NSE:{symbol}")
        if instrument is None or self.sellable("NSE", symbol) < units:
            return []
        average = self._lines["NSE", symbol].average_price
        line = Holding("NSE", symbol, instrument.instrument_token, isin, units, average)
        left_out = {"used_quantity", "authorisation", "short_quantity", "mtf"}
        row = {name: value for name, value in self._row(line).items() if name not in left_out}
        return [row | {"auction_number": number}]

    def authorise(self) -> dict[str, object]:
        """`POST /portfolio/holdings/authorise`: this account has given its power of attorney, so any id will do."""
        return {"request_id": secrets.token_urlsafe(24)}

    def _row(self, line: Holding) -> dict[str, object]:
        last, close = self._market.picture(line.instrument_token).last_price, self._close(line.instrument_token)
        units = line.quantity + line.t1
        change = last - close
        return {
            "tradingsymbol": line.tradingsymbol,
            "exchange": line.exchange,
            "instrument_token": line.instrument_token,
            "isin": line.isin,
            "product": "CNC",
            "price": 0,
            "quantity": line.quantity,
            "used_quantity": line.used,
            "t1_quantity": line.t1,
            "realised_quantity": line.quantity,
            "authorised_quantity": 0,
            "authorised_date": f"{stamp(self._market.clock.now_s())[:10]} 00:00:00",
            "authorisation": {},
            "opening_quantity": units,
            "short_quantity": 0,
            "collateral_quantity": 0,
            "collateral_type": "",
            "discrepancy": False,
            "average_price": line.average_price,
            "last_price": last,
            "close_price": close,
            "pnl": (last - line.average_price) * units,
            "day_change": change,
            "day_change_percentage": change * 100 / close if close else 0,
            "mtf": {"quantity": 0, "used_quantity": 0, "average_price": 0, "value": 0, "initial_margin": 0},
        }
