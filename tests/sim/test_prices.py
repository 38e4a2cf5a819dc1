"""Random factors and what is made of them."""

from __future__ import annotations

from datetime import date

import numpy as np
import pytest

from alphapanda_desktop.sim.characters import models_of
from alphapanda_desktop.sim.hours import midnight
from alphapanda_desktop.sim.prices import FACTORS, Factors, option_price, prints
from alphapanda_desktop.sim.universe import build_universe

DAY = date(2026, 11, 16)
NOON = midnight(DAY) + 43_200
MODELS = models_of(build_universe(DAY, 400, None), DAY, always=True)


def test_any_second_reads_the_same_alone_or_in_a_stretch() -> None:
    stretch = Factors(5).read(NOON - 20_000, NOON + 20_000)
    assert stretch.shape == (FACTORS, 40_000)
    for second in (NOON - 20_000, NOON - 14_400, NOON, NOON + 14_399, NOON + 14_400, NOON + 19_999):
        alone = Factors(5).read(second, second + 1)[:, 0]
        assert np.array_equal(alone, stretch[:, second - NOON + 20_000])


@pytest.mark.parametrize("step", [16, 128])
def test_a_coarse_reading_is_a_part_of_the_fine_one(step: int) -> None:
    start = midnight(DAY)
    fine, coarse = Factors(5).read(start, start + 86_400), Factors(5).read(start, start + 86_400, step)
    assert np.array_equal(coarse, fine[:, ::step])


def test_another_seed_is_another_day_at_much_the_same_level() -> None:
    one, other = (Factors(seed).read(NOON, NOON + 600) for seed in (1, 2))
    assert not np.array_equal(one, other)
    assert np.abs(one - other).max() < 0.1


def test_paths_have_no_jumps_at_the_pins() -> None:
    path = Factors(3).read(midnight(DAY), midnight(DAY) + 86_400)
    assert np.abs(np.diff(path, axis=1)).max() < 8 * 0.01 / 150


def test_volatility_multiplies_the_moves() -> None:
    calm, wild = (np.diff(Factors(3, v).read(NOON, NOON + 3600), axis=1).std() for v in (1.0, 3.0))
    assert 2.7 < wild / calm < 3.3


@pytest.mark.parametrize("period", [1, 3, 20, 60])
def test_a_trade_is_the_same_whatever_else_is_asked(period: int) -> None:
    rows = np.flatnonzero(MODELS.period == period)[:12]
    slots = np.arange(NOON // period, NOON // period + 50)
    together = prints(Factors(9), MODELS.taken(rows), slots[None, :], period)
    for n in (0, len(rows) - 1):
        alone = prints(Factors(9), MODELS.taken(rows[[n]]), slots[None, 17:18], period)
        for a, b in zip(alone, together, strict=True):
            assert a[0, 0] == b[n, 17]


def test_trades_are_plausible() -> None:
    rows = np.flatnonzero((MODELS.period == 1) & (MODELS.rate > 0))
    out = prints(Factors(9), MODELS.taken(rows), np.arange(NOON, NOON + 900)[None, :], 1)
    assert (out.bid < out.ask).all()
    assert ((out.last == out.bid) | (out.last == out.ask) | (out.last == 1)).all()
    assert (out.quantity > 0).all()
    assert (out.quantity % MODELS.lot[rows, None] == 0).all()
    assert (np.diff(out.last[:20], axis=1) != 0).mean() > 0.3


def _priced(strike: float, side: float, years: float = 0.02) -> float:
    values = (np.array([[v]]) for v in (24_000.0, strike, years, 0.12, side))
    return float(option_price(*values)[0, 0])


@pytest.mark.parametrize("strike", [23_000.0, 23_950.0, 24_000.0, 24_600.0])
def test_calls_and_puts_keep_parity(strike: float) -> None:
    forward = 24_000.0 * np.exp(0.06 * 0.02)
    parity = (forward - strike) * np.exp(-0.06 * 0.02)
    assert _priced(strike, 1) - _priced(strike, -1) == pytest.approx(parity, abs=0.02)


def test_calls_cost_less_at_higher_strikes() -> None:
    costs = [_priced(strike, 1) for strike in range(23_000, 25_001, 50)]
    assert costs == sorted(costs, reverse=True)


@pytest.mark.parametrize("side", [1, -1])
def test_an_option_is_worth_its_intrinsic_value_in_the_end(side: int) -> None:
    assert _priced(23_800, side, 0.0) == pytest.approx(200.0 if side == 1 else 0.0, abs=0.1)
