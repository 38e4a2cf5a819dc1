"""Mean reversion: enter where RSI and Bollinger's bands agree that a move went too far, leave at the average."""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator

from alphapanda_desktop.domain.indicators import bollinger, is_flat, rsi, settled
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.strategy import Context, Parameters, Presets, number
from alphapanda_desktop.strategies.one_position import (
    Direction,
    OnePosition,
    OnePositionParams,
    Signal,
    closes_of,
    too_few,
)


class MeanReversionParams(OnePositionParams):
    """Parameters of `MeanReversion`."""

    lookback: int = number(20, "Bars in the average and its bands", unit="bars", ge=2, le=500, step=1)
    bollinger_std: float = number(2.0, "Width of the bands in standard deviations", ge=0.5, le=5, step=0.1)
    rsi_period: int = number(14, "Bars in the RSI", unit="bars", ge=2, le=100, step=1)
    rsi_oversold: float = number(30.0, "RSI below which a fall went too far", ge=1, le=50, step=1)
    rsi_overbought: float = number(70.0, "RSI above which a rise went too far", ge=50, le=99, step=1)

    @model_validator(mode="after")
    def _levels_are_apart(self) -> Self:
        if self.rsi_oversold >= self.rsi_overbought:
            raise ValueError(f"oversold at {self.rsi_oversold:g} must lie below overbought at {self.rsi_overbought:g}")
        return self


class MeanReversion(OnePosition):
    """Buys a close below the lower band with an oversold RSI; leaves when the close is back at the average."""

    name = "mean_reversion"
    title = "Mean reversion"
    description = (
        "Buys when the close is below the lower Bollinger band and the RSI is oversold, both at once, and closes the "
        "position when the price is back at the average. With shorting allowed it does the same upside down."
    )
    Params: ClassVar[type[Parameters]] = MeanReversionParams
    presets: ClassVar[Presets] = {
        "day": {"lookback": 20, "rsi_period": 14, "stop_loss": 1.0},
        "patient": {"lookback": 50, "bollinger_std": 2.5, "rsi_oversold": 25, "rsi_overbought": 75, "stop_loss": 1.5},
        "lively": {"lookback": 20, "bollinger_std": 1.5, "rsi_period": 7, "stop_loss": 0.5, "allow_short": True},
    }

    @property
    def lookback(self) -> int:
        """Closed bars needed before the first decision: until older ones no longer move the RSI."""
        return max(int(self.params.lookback), settled(self.params.rsi_period))

    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """Both indicators on the last close; the average alone is reason to leave."""
        closes, p = closes_of(ctx, instrument, self.lookback), self.params
        if closes is None:
            return too_few(ctx, instrument, self.lookback)
        if is_flat(closes):
            return Signal("none", f"the price did not move in {len(closes)} bars")
        index = float(rsi(closes, p.rsi_period)[-1])
        upper, middle, lower = (
            float(line[-1]) for line in bollinger(closes[-p.lookback :], p.lookback, p.bollinger_std)
        )
        close = float(closes[-1])
        ctx.show(rsi=round(index, 2), lower=round(lower, 4), middle=round(middle, 4), upper=round(upper, 4))
        where = f"close {close:.2f}"
        if close < lower and index < p.rsi_oversold:
            return Signal("up", f"{where} below the band at {lower:.2f}, RSI {index:.1f} below {p.rsi_oversold:g}")
        if close > upper and index > p.rsi_overbought:
            return Signal("down", f"{where} above the band at {upper:.2f}, RSI {index:.1f} above {p.rsi_overbought:g}")
        if close == middle:
            return Signal("none", f"{where} at the average, RSI {index:.1f}")
        side: Direction = "down" if close > middle else "up"
        word = "above" if close > middle else "below"
        return Signal(
            side,
            f"{where} {word} the average {middle:.2f}, RSI {index:.1f}",
            enter=False,
        )
