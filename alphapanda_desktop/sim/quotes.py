"""Snapshots of the market in REST's own names.  Source: CONTRACT 2.10."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import DepthLevel, Ohlc, Tick
from alphapanda_desktop.sim.answers import stamp
from alphapanda_desktop.sim.market import Market

_NOTHING = DepthLevel(0, 0, 0)

Shape = Callable[[Market, Instrument], dict[str, object]]


def snapshot(market: Market, keys: Iterable[str], shape: Shape) -> dict[str, object]:
    """`data` of a quote call by the keys that were asked; unknown ones are left out, as on Kite."""
    found = ((key, _look_up(market, key)) for key in keys)
    return {key: shape(market, instrument) for key, instrument in found if instrument is not None}


def _look_up(market: Market, key: str) -> Instrument | None:
    return market.by_token(int(key)) if key.isdecimal() else market.by_key(key)


def ltp(market: Market, instrument: Instrument) -> dict[str, object]:
    """One row of /quote/ltp."""
    token = instrument.instrument_token
    return {"instrument_token": token, "last_price": market.picture(token).last_price}


def ohlc(market: Market, instrument: Instrument) -> dict[str, object]:
    """One row of /quote/ohlc."""
    tick = market.picture(instrument.instrument_token)
    return {
        "instrument_token": instrument.instrument_token,
        "last_price": tick.last_price,
        "ohlc": (tick.ohlc or Ohlc(0, 0, 0, 0))._asdict(),
    }


def full(market: Market, instrument: Instrument) -> dict[str, object]:
    """One row of /quote."""
    token = instrument.instrument_token
    tick, (lower, upper) = market.picture(token), market.circuit(token)
    return {
        "instrument_token": token,
        "timestamp": stamp(tick.exchange_epoch_s),
        "last_trade_time": stamp(tick.last_trade_epoch_s) if tick.last_trade_epoch_s else None,
        "last_price": tick.last_price,
        "last_quantity": tick.last_traded_quantity or 0,
        "buy_quantity": tick.total_buy_quantity or 0,
        "sell_quantity": tick.total_sell_quantity or 0,
        "volume": tick.volume_traded or 0,
        "average_price": tick.average_traded_price or 0,
        "oi": tick.oi or 0,
        "oi_day_high": tick.oi_day_high or 0,
        "oi_day_low": tick.oi_day_low or 0,
        "net_change": 0,
        "lower_circuit_limit": lower,
        "upper_circuit_limit": upper,
        "ohlc": (tick.ohlc or Ohlc(0, 0, 0, 0))._asdict(),
        "depth": _depth(tick),
    }


def _depth(tick: Tick) -> dict[str, object]:
    depth = tick.depth
    sides = {"buy": depth.buy if depth else (), "sell": depth.sell if depth else ()}
    return {
        side: [{"price": level.price, "quantity": level.quantity, "orders": level.orders}
               for level in [*levels, *([_NOTHING] * (5 - len(levels)))]]
        for side, levels in sides.items()
    }  # fmt: skip
