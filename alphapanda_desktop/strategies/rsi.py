"""RSI: enter when the index crosses a level, not while it stays beyond it."""

from __future__ import annotations

from typing import ClassVar, Literal, Self

from pydantic import model_validator

from alphapanda_desktop.domain import indicators
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.strategy import Context, Parameters, Presets, choice, number
from alphapanda_desktop.strategies.one_position import OnePosition, OnePositionParams, Signal, closes_of, too_few


class RsiParams(OnePositionParams):
    """Parameters of `Rsi`."""

    rsi_period: int = number(14, "Bars in the RSI", unit="bars", ge=2, le=100, step=1)
    oversold: float = number(30.0, "RSI of a market sold too far", ge=1, le=50, step=1)
    overbought: float = number(70.0, "RSI of a market bought too far", ge=50, le=99, step=1)
    enter_on: Literal["return", "breach"] = choice(
        "return", "Whether to enter when the RSI comes back across the level, or already when it goes beyond it"
    )

    @model_validator(mode="after")
    def _levels_are_apart(self) -> Self:
        if self.oversold >= self.overbought:
            raise ValueError(f"oversold at {self.oversold:g} must lie below overbought at {self.overbought:g}")
        return self


class Rsi(OnePosition):
    """Buys once when the RSI crosses the oversold level; leaves when it is overbought."""

    name = "rsi"
    title = "RSI"
    description = (
        "Buys on the one bar on which the RSI crosses the oversold level, and closes the position when it reaches the "
        "overbought one. With shorting allowed it does the same upside down."
    )
    Params: ClassVar[type[Parameters]] = RsiParams
    presets: ClassVar[Presets] = {
        "classic": {"rsi_period": 14, "oversold": 30, "overbought": 70, "stop_loss": 1.0},
        "short swings": {"rsi_period": 5, "oversold": 25, "overbought": 65, "stop_loss": 0.5},
        "catch the fall": {"rsi_period": 14, "oversold": 25, "overbought": 60, "enter_on": "breach", "stop_loss": 1.0},
    }

    @property
    def lookback(self) -> int:
        """Closed bars needed before the first decision: two settled values of the RSI."""
        return indicators.settled(self.params.rsi_period) + 1

    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """Where the RSI is, where it was one bar ago, and which level lies between."""
        closes, p = closes_of(ctx, instrument, self.lookback), self.params
        if closes is None:
            return too_few(ctx, instrument, self.lookback)
        if indicators.is_flat(closes[1:]) or indicators.is_flat(closes[:-1]):
            return Signal("none", f"the price did not move in {len(closes) - 1} bars")
        # Each over as many bars, so that what is "before" now is exactly what was "now" one bar ago.
        before, now = (float(indicators.rsi(part, p.rsi_period)[-1]) for part in (closes[:-1], closes[1:]))
        ctx.show(rsi=round(now, 2))
        if _crossed(before, now, p.oversold, up=p.enter_on == "return"):
            return Signal("up", f"RSI went from {before:.1f} to {now:.1f}, across {p.oversold:g}")
        if _crossed(before, now, p.overbought, up=p.enter_on == "breach"):
            return Signal("down", f"RSI went from {before:.1f} to {now:.1f}, across {p.overbought:g}")
        if now >= p.overbought:
            return Signal("down", f"RSI {now:.1f} at or above {p.overbought:g}", enter=False)
        if now <= p.oversold:
            return Signal("up", f"RSI {now:.1f} at or below {p.oversold:g}", enter=False)
        return Signal("none", f"RSI {now:.1f} between {p.oversold:g} and {p.overbought:g}")


def _crossed(before: float, now: float, level: float, *, up: bool) -> bool:
    return before <= level < now if up else before >= level > now
