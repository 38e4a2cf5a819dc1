"""Moving-average crossover: enter when the fast average crosses the slow one, leave when it is back below."""

from __future__ import annotations

from typing import ClassVar, Final, Self

from pydantic import model_validator

from alphapanda_desktop.domain.indicators import sma
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.strategy import Context, Parameters, Presets, number
from alphapanda_desktop.strategies.one_position import OnePosition, OnePositionParams, Signal

SAME: Final = 1e-9
"""Averages closer than this part of the price are equal: their running sums differ in the last bits."""


class MaCrossParams(OnePositionParams):
    """Parameters of `MaCross`."""

    fast: int = number(9, "Bars in the fast average", unit="bars", ge=1, le=500, step=1)
    slow: int = number(21, "Bars in the slow average", unit="bars", ge=2, le=1_000, step=1)

    @model_validator(mode="after")
    def _fast_is_shorter(self) -> Self:
        if self.fast >= self.slow:
            raise ValueError(f"fast average of {self.fast} bars must be shorter than the slow one of {self.slow} bars")
        return self


class MaCross(OnePosition):
    """Buys when the fast average crosses above the slow one; leaves when it is below."""

    name = "ma_cross"
    title = "Moving-average crossover"
    description = (
        "Buys on the bar on which the fast average comes from below the slow one to above it, and closes the "
        "position when it is below again. With shorting allowed it does the same downwards."
    )
    Params: ClassVar[type[Parameters]] = MaCrossParams
    presets: ClassVar[Presets] = {
        "day": {"fast": 9, "slow": 21, "stop_loss": 1.0},
        "slow": {"fast": 50, "slow": 200, "stop_loss": 2.0, "cool_down": 20},
        "first steps": {"fast": 1, "slow": 2, "cool_down": 0, "stop_loss": 0.5},
    }

    @property
    def lookback(self) -> int:
        """Closed bars needed before the first decision: the slow average, now and one bar ago."""
        return int(self.params.slow) + 1

    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """Which average is above, and whether that is new."""
        closes = ctx.closes(instrument, self.lookback)
        if len(closes) < self.lookback:
            return Signal("none", f"{len(closes)} of {self.lookback} bars")
        fast, slow = sma(closes, self.params.fast)[-2:], sma(closes, self.params.slow)[-2:]
        before, now = (_side(float(f), float(s)) for f, s in zip(fast, slow, strict=True))
        ctx.show(fast=round(float(fast[-1]), 4), slow=round(float(slow[-1]), 4))
        text = f"fast average {fast[-1]:.2f} ({_bars(self.params.fast)})"
        against = f"slow {slow[-1]:.2f} ({_bars(self.params.slow)})"
        if now > 0:
            return Signal("up", f"{text} {'crossed above' if before <= 0 else 'above'} {against}", enter=before <= 0)
        if now < 0:
            return Signal("down", f"{text} {'crossed below' if before >= 0 else 'below'} {against}", enter=before >= 0)
        return Signal("none", f"{text} equal to {against}")


def _side(fast: float, slow: float) -> int:
    if abs(fast - slow) <= SAME * abs(slow):
        return 0
    return 1 if fast > slow else -1


def _bars(count: int) -> str:
    return f"{count} bar" if count == 1 else f"{count} bars"
