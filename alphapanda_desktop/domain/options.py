"""Options: Black-Scholes-Merton and Black-76 over whole chains, implied volatility, Greeks, forward, and the chain.

One formula with a cost of carry `b` serves both: b = r is Black-Scholes on a share without dividends, b = 0 is
Black-76 on a forward.  Source: Haug, The Complete Guide to Option Pricing Formulas, 2nd ed., 1.1.6; the tests hold it
against the figures that Hull and Haug print.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alphapanda_desktop.domain.calendar import session_on
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.session import IST

Floats = NDArray[np.float64]

YEAR_S: Final = 365 * 86_400
"""Time is counted in calendar seconds over a year of 365 days."""
LOWEST_VOL, HIGHEST_VOL = 1e-4, 10.0
STEPS: Final = 60
CLOSE_ENOUGH: Final = 1e-7
PARITY_STRIKES: Final = 3
USUAL_CLOSE: Final = time(15, 30)

_erf: Final = np.frompyfunc(math.erf, 1, 1)


class Greeks(NamedTuple):
    """Sensitivities of one unit of each option.

    `delta` and `gamma` are against the underlying that was priced with (the forward under Black-76), `theta` rupees a
    calendar day, `vega` rupees for one point of volatility (0.01), `rho` rupees for one point of the rate (0.01).
    """

    delta: Floats
    gamma: Floats
    theta: Floats
    vega: Floats
    rho: Floats


def normal_cdf(x: ArrayLike) -> Floats:
    """The standard normal distribution function."""
    found: Floats = 0.5 * (1.0 + np.asarray(_erf(np.asarray(x, np.float64) / math.sqrt(2.0)), np.float64))
    return found


def normal_pdf(x: Floats) -> Floats:
    """Its density."""
    found: Floats = np.exp(-0.5 * x * x) / math.sqrt(2.0 * math.pi)
    return found


def price(
    sign: ArrayLike, under: ArrayLike, strike: ArrayLike, years: float, rate: float, vol: ArrayLike, carry: float = 0.0
) -> Floats:
    """Value of European options in rupees; `sign` is 1 for calls and -1 for puts, `vol` and rates are fractions.

    `under` is the forward with `carry` 0, the spot with `carry` = `rate`.
    """
    s, u, k = (np.asarray(each, np.float64) for each in (sign, under, strike))
    d1, d2 = _d(u, k, years, np.asarray(vol, np.float64), carry)
    grown, lent = math.exp((carry - rate) * years), math.exp(-rate * years)
    found: Floats = s * (u * grown * normal_cdf(s * d1) - k * lent * normal_cdf(s * d2))
    return found


def greeks(
    sign: ArrayLike, under: ArrayLike, strike: ArrayLike, years: float, rate: float, vol: ArrayLike, carry: float = 0.0
) -> Greeks:
    """Sensitivities, of the same arguments as `price`; not a number where the volatility is not one."""
    s, u, k, v = (np.asarray(each, np.float64) for each in (sign, under, strike, vol))
    d1, d2 = _d(u, k, years, v, carry)
    grown, lent, root = math.exp((carry - rate) * years), math.exp(-rate * years), math.sqrt(years)
    n1, n2, density = normal_cdf(s * d1), normal_cdf(s * d2), normal_pdf(d1)
    decay = -u * grown * density * v / (2.0 * root)
    theta = decay - s * (carry - rate) * u * grown * n1 - s * rate * k * lent * n2
    rho = s * years * k * lent * n2 if carry else -years * price(s, u, k, years, rate, v, carry)
    return Greeks(s * grown * n1, density * grown / (u * v * root), theta / 365.0, u * grown * density * root / 100.0,
                  rho / 100.0)  # fmt: skip


def _d(under: Floats, strike: Floats, years: float, vol: Floats, carry: float) -> tuple[Floats, Floats]:
    wide = vol * math.sqrt(years)
    d1: Floats = (np.log(under / strike) + (carry + 0.5 * vol * vol) * years) / wide
    return d1, d1 - wide


def implied_vol(
    sign: ArrayLike, paid: ArrayLike, under: ArrayLike, strike: ArrayLike, years: float, rate: float, carry: float = 0.0
) -> Floats:
    """The volatility at which `price` gives what was paid; not a number where none does.

    None does below the discounted intrinsic value, at or above what the option can be worth at most, and at expiry.
    Newton's steps, halved where they leave the bracket.
    """
    s, p, u, k = np.broadcast_arrays(*(np.asarray(each, np.float64) for each in (sign, paid, under, strike)))
    found = np.full(p.shape, np.nan)
    if years <= 0 or not p.size:
        return found
    grown, lent = math.exp((carry - rate) * years), math.exp(-rate * years)
    with np.errstate(invalid="ignore", divide="ignore"):
        least = np.maximum(s * (u * grown - k * lent), 0.0)
        able = np.isfinite(p) & (p > least) & (p < np.where(s > 0, u * grown, k * lent)) & (u > 0) & (k > 0)
    found[able] = _solve(s[able], p[able], u[able], k[able], years, rate, carry)
    return found


def _solve(s: Floats, p: Floats, u: Floats, k: Floats, years: float, rate: float, carry: float) -> Floats:
    low, high = np.full(p.shape, LOWEST_VOL), np.full(p.shape, HIGHEST_VOL)
    vol = np.full(p.shape, 0.25)
    grown, root = math.exp((carry - rate) * years), math.sqrt(years)
    for _ in range(STEPS):
        over = price(s, u, k, years, rate, vol, carry) - p
        if not vol.size or float(np.max(np.abs(over))) < CLOSE_ENOUGH:
            break
        low, high = np.where(over < 0, vol, low), np.where(over > 0, vol, high)
        slope = u * grown * normal_pdf(_d(u, k, years, vol, carry)[0]) * root
        with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
            newton = vol - over / slope
        inside = np.isfinite(newton) & (newton > low) & (newton < high)
        vol = np.where(inside, newton, 0.5 * (low + high))
    out: Floats = np.where((vol > 1.01 * LOWEST_VOL) & (vol < 0.99 * HIGHEST_VOL), vol, np.nan)
    return out


def parity_forward(strikes: ArrayLike, calls: ArrayLike, puts: ArrayLike, years: float, rate: float) -> float:
    """The forward that put-call parity says: K + (C − P)·e^(rT), the median at the strikes where C and P are nearest.

    Not a number where no strike has both.
    """
    k, c, p = (np.asarray(each, np.float64) for each in (strikes, calls, puts))
    both = np.flatnonzero(np.isfinite(c) & np.isfinite(p) & (c > 0) & (p > 0))
    if not len(both):
        return math.nan
    nearest = both[np.argsort(np.abs(c[both] - p[both]), kind="stable")][:PARITY_STRIKES]
    return float(np.median(k[nearest] + (c[nearest] - p[nearest]) * math.exp(rate * years)))


def years_left(exchange: str, expiry: date, now: datetime) -> float:
    """Calendar time from now to the close of trading on the expiry day, in years of 365 days; 0 once it is over."""
    day = session_on(exchange, expiry)
    end = day.close if day else datetime.combine(expiry, USUAL_CLOSE, IST).astimezone(UTC)
    return max(0.0, (end - now).total_seconds() / YEAR_S)


# --- the chain -------------------------------------------------------------------------------------------------------

INDEX_NAMES: Final = {
    "NIFTY 50": "NIFTY",
    "NIFTY BANK": "BANKNIFTY",
    "NIFTY FIN SERVICE": "FINNIFTY",
    "NIFTY MID SELECT": "MIDCPNIFTY",
    "NIFTY NEXT 50": "NIFTYNXT50",
}
"""How the master calls the underlying of an index's options, where not as the index.  Source: Kite's master."""

KINDS: Final = {"CE": 1, "PE": -1}


@dataclass(frozen=True, slots=True)
class Strike:
    """One line of a chain; a side that is not listed is None."""

    strike: float
    call: Instrument | None
    put: Instrument | None


def underlying_of(instrument: Instrument) -> str:
    """The name under which the master lists what is derived from an instrument, or from what it is derived from."""
    if instrument.expiry is not None:
        return instrument.name
    return INDEX_NAMES.get(instrument.tradingsymbol, instrument.tradingsymbol)


def chains(instruments: Iterable[Instrument], name: str) -> dict[date, list[Strike]]:
    """Options of that underlying by expiry, nearest first, each by strike; of the exchange that lists the most."""
    by_exchange: dict[str, dict[date, dict[float, dict[str, Instrument]]]] = {}
    for i in instruments:
        if i.name == name and i.instrument_type in KINDS and i.expiry is not None:
            days = by_exchange.setdefault(i.exchange, {})
            days.setdefault(i.expiry, {}).setdefault(i.strike, {})[i.instrument_type] = i
    if not by_exchange:
        return {}
    largest = max(by_exchange.values(), key=lambda days: sum(map(len, days.values())))
    return {
        day: [Strike(strike, sides.get("CE"), sides.get("PE")) for strike, sides in sorted(largest[day].items())]
        for day in sorted(largest)
    }


def around(chain: list[Strike], money: float, reach: int) -> list[Strike]:
    """The strike nearest to the money and so many on each side of it."""
    if not chain:
        return []
    at = min(range(len(chain)), key=lambda n: abs(chain[n].strike - money))
    return chain[max(0, at - reach) : at + reach + 1]
