"""Held against printed figures: Hull, Options, Futures, and Other Derivatives; Haug, Option Pricing Formulas."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime

import numpy as np
import pytest

from alphapanda_desktop.domain import options
from alphapanda_desktop.domain.options import around, chains, greeks, implied_vol, parity_forward, price, years_left
from tests.fakes import an_instrument


def test_hulls_black_scholes_example() -> None:
    """Hull, 15.6: S 42, K 40, r 10 %, vol 20 %, half a year: call 4.76, put 0.81."""
    call, put = price([1, -1], 42, 40, 0.5, 0.10, 0.20, carry=0.10)
    assert call == pytest.approx(4.76, abs=0.005)
    assert put == pytest.approx(0.81, abs=0.005)


def test_haugs_black_76_example() -> None:
    """Haug, 1.1.3: F 19, X 19, nine months, r 10 %, vol 28 %: call and put 1.7011."""
    assert price([1, -1], 19, 19, 0.75, 0.10, 0.28) == pytest.approx([1.7011, 1.7011], abs=5e-5)


def test_hulls_option_on_a_future() -> None:
    """Hull, 18.8: F 20, K 20, four months, r 9 %, vol 25 %: put 1.12."""
    assert float(price(-1, 20, 20, 4 / 12, 0.09, 0.25)) == pytest.approx(1.12, abs=0.005)


def test_hulls_greeks() -> None:
    """Hull, chapter 19: S 49, K 50, r 5 %, vol 20 %, 0.3846 years."""
    found = greeks(1, 49, 50, 0.3846, 0.05, 0.20, carry=0.05)
    assert float(found.delta) == pytest.approx(0.522, abs=5e-4)
    assert float(found.gamma) == pytest.approx(0.066, abs=5e-4)
    assert float(found.theta) * 365 == pytest.approx(-4.31, abs=0.005)
    assert float(found.vega) * 100 == pytest.approx(12.1, abs=0.05)
    assert float(found.rho) * 100 == pytest.approx(8.91, abs=0.005)


def test_hulls_implied_volatility() -> None:
    """Hull, 15.11: a call of 1.875 at S 21, K 20, r 10 %, three months implies 23.5 %."""
    assert float(implied_vol(1, 1.875, 21, 20, 0.25, 0.10, carry=0.10)) == pytest.approx(0.235, abs=5e-4)


@pytest.mark.parametrize("carry", [0.0, 0.065])
def test_puts_and_calls_stand_in_parity(carry: float) -> None:
    strikes = np.arange(20_000.0, 31_000.0, 500.0)
    call = price(1, 25_500, strikes, 0.08, 0.065, 0.14, carry)
    put = price(-1, 25_500, strikes, 0.08, 0.065, 0.14, carry)
    forward = 25_500 * math.exp(carry * 0.08)
    assert call - put == pytest.approx((forward - strikes) * math.exp(-0.065 * 0.08), abs=1e-8)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize("years", [0.5 / 365, 7 / 365, 0.25, 2.0])
def test_the_implied_volatility_of_a_price_is_the_one_it_was_made_with(sign: int, years: float) -> None:
    forward = 25_000.0
    vols = np.array([0.05, 0.12, 0.35, 1.2])
    for moneyness in (-1.5, -0.5, 0.0, 0.5, 1.5):
        strikes = forward * np.exp(moneyness * vols * math.sqrt(years))
        paid = price(sign, forward, strikes, years, 0.065, vols)
        assert implied_vol(sign, paid, forward, strikes, years, 0.065) == pytest.approx(vols, rel=1e-4)


def test_greeks_are_the_slopes_of_the_price() -> None:
    sign, strikes = np.array([1.0, -1.0, 1.0, -1.0]), np.array([24_000.0, 24_000.0, 26_500.0, 26_500.0])
    f, years, rate, vol = 25_000.0, 0.1, 0.065, np.array([0.15, 0.15, 0.13, 0.13])
    found = greeks(sign, f, strikes, years, rate, vol)
    up, down = (price(sign, f + step, strikes, years, rate, vol) for step in (1.0, -1.0))
    assert found.delta == pytest.approx((up - down) / 2, rel=1e-5)
    assert found.gamma == pytest.approx(up - 2 * price(sign, f, strikes, years, rate, vol) + down, rel=1e-4)
    wider, tighter = (price(sign, f, strikes, years, rate, vol + step) for step in (1e-4, -1e-4))
    assert found.vega == pytest.approx((wider - tighter) / 2e-4 / 100, rel=1e-5)
    step = 1e-5
    sooner, later = (price(sign, f, strikes, years - s, rate, vol) for s in (step, -step))
    assert found.theta == pytest.approx((sooner - later) / (2 * step) / 365, rel=1e-5)
    dear, cheap = (price(sign, f, strikes, years, rate + s, vol) for s in (1e-5, -1e-5))
    assert found.rho == pytest.approx((dear - cheap) / 2e-5 / 100, rel=1e-5)


def test_a_price_that_no_volatility_explains_has_none() -> None:
    lent = math.exp(-0.065 * 0.1)
    paid = [999 * lent, 0.0, 25_000.0, math.nan, -1.0]
    assert np.isnan(implied_vol(1, paid, 25_000, 24_000, 0.1, 0.065)).all()
    assert np.isnan(implied_vol(1, [100.0], 25_000, 25_000, 0.0, 0.065)).all()


def test_the_forward_is_read_off_the_chain() -> None:
    strikes = np.arange(24_000.0, 26_050.0, 50.0)
    calls, puts = (price(sign, 25_123.4, strikes, 0.05, 0.065, 0.13) for sign in (1, -1))
    assert parity_forward(strikes, calls, puts, 0.05, 0.065) == pytest.approx(25_123.4, abs=1e-6)
    calls[20] = math.nan
    puts[22] += 40  # one bad quote near the money
    assert parity_forward(strikes, calls, puts, 0.05, 0.065) == pytest.approx(25_123.4, abs=1e-6)
    assert math.isnan(parity_forward([100.0], [math.nan], [1.0], 0.05, 0.065))


def test_time_runs_to_the_close_of_the_expiry_day() -> None:
    """Derivatives close at 15:40 IST from August 2026 on."""
    noon = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
    seconds = 2 * 86_400 + 3 * 3600 + 40 * 60
    assert years_left("NFO", date(2026, 11, 25), noon) == pytest.approx(seconds / (365 * 86_400))
    assert years_left("NFO", date(2026, 11, 20), noon) == 0.0


def an_option(strike: float, kind: str, day: date, exchange: str = "NFO", token: int = 1) -> object:
    return an_instrument(
        f"NIFTY{day:%d%b}{strike:.0f}{kind}{exchange}", token=token, exchange=exchange, kind=kind, strike=strike,
        expiry=day, name="NIFTY",
    )  # fmt: skip


def test_a_chain_has_both_sides_of_each_strike_by_expiry() -> None:
    near, far = date(2026, 11, 24), date(2026, 12, 1)
    rows = [an_option(k, kind, day) for day in (far, near) for k in (110.0, 100.0) for kind in ("CE", "PE")]
    rows = [*rows[:-1], an_option(100.0, "CE", near, "BFO")]
    found = chains(rows, "NIFTY")  # type: ignore[arg-type]
    assert list(found) == [near, far]
    assert [line.strike for line in found[near]] == [100.0, 110.0]
    lacking = [line for line in found[near] if line.put is None]
    assert [line.strike for line in lacking] == [100.0]
    assert chains(rows, "BANKNIFTY") == {}  # type: ignore[arg-type]


def test_strikes_around_the_money_are_cut_at_the_ends() -> None:
    chain = [options.Strike(k, None, None) for k in (100.0, 110.0, 120.0, 130.0, 140.0)]
    assert [line.strike for line in around(chain, 121.0, 1)] == [110.0, 120.0, 130.0]
    assert [line.strike for line in around(chain, 99.0, 2)] == [100.0, 110.0, 120.0]
    assert around([], 100.0, 2) == []


def test_an_index_is_known_by_the_name_of_its_options() -> None:
    index = an_instrument("NIFTY BANK", token=9, segment="INDICES", tick_size=0.0)
    assert options.underlying_of(index) == "BANKNIFTY"
    assert options.underlying_of(an_instrument()) == "INFY"
