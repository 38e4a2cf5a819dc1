"""Momentum: go with a move that is larger than a threshold, leave when it turns."""

from __future__ import annotations

from typing import ClassVar

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.strategy import Context, Parameters, Presets, number
from alphapanda_desktop.strategies.one_position import OnePosition, OnePositionParams, Signal


class MomentumParams(OnePositionParams):
    """Parameters of `Momentum`."""

    lookback: int = number(20, "Bars over which the return is measured", unit="bars", ge=1, le=500, step=1)
    threshold: float = number(1.0, "Return that must be exceeded, up or down", unit="%", ge=0, le=50, step=0.05)


class Momentum(OnePosition):
    """Buys when the return over `lookback` bars exceeds the threshold; leaves when it falls below minus that."""

    name = "momentum"
    title = "Momentum"
    description = (
        "Buys when the price has risen by more than the threshold over the last bars, and closes the position "
        "when it has fallen by as much. With shorting allowed it sells on the way down too."
    )
    Params: ClassVar[type[Parameters]] = MomentumParams
    presets: ClassVar[Presets] = {
        "calm": {"lookback": 60, "threshold": 1.0, "stop_loss": 1.0, "cool_down": 15},
        "quick": {"lookback": 10, "threshold": 0.3, "stop_loss": 0.4, "cool_down": 5},
        "both ways": {"lookback": 20, "threshold": 0.6, "stop_loss": 0.6, "allow_short": True},
    }

    @property
    def lookback(self) -> int:
        """Closed bars needed before the first decision."""
        return int(self.params.lookback) + 1

    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """Return over the look-back against the threshold."""
        closes = ctx.closes(instrument, self.lookback)
        if len(closes) < self.lookback or closes[0] <= 0:
            return Signal("none", f"{len(closes)} of {self.lookback} bars")
        moved = round(float(closes[-1] - closes[0]) * 100 / float(closes[0]), 9)
        threshold = self.params.threshold
        ctx.show(return_pct=round(moved, 4))
        text = f"return over {self.params.lookback} bars {moved:+.2f} %"
        if moved > threshold:
            return Signal("up", f"{text} above {threshold:.2f} %")
        if moved < -threshold:
            return Signal("down", f"{text} below {-threshold:.2f} %")
        return Signal("none", f"{text} within {threshold:.2f} %")
