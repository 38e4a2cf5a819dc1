"""Hybrid momentum: the return, the trend and a model, under one policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from alphapanda_desktop.domain.indicators import ema, settled
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.strategy import Context, Parameters, Presets, choice, number
from alphapanda_desktop.strategies import features
from alphapanda_desktop.strategies.one_position import Direction, closes_of
from alphapanda_desktop.strategies.voting import Opinion
from alphapanda_desktop.strategies.with_model import Hybrid, HybridParams


class HybridMomentumParams(HybridParams):
    """Parameters of `HybridMomentum`."""

    lookback: int = number(20, "Bars over which return and features are measured", unit="bars", ge=5, le=500, step=1)
    threshold: float = number(0.5, "Return that must be exceeded, up or down", unit="%", ge=0, le=50, step=0.05)
    trend: int = number(20, "Bars in the average that tells the trend", unit="bars", ge=2, le=200, step=1)
    model: str = choice("ml_momentum.joblib", "File in the folder of models, on the list of allowed ones")


class HybridMomentum(Hybrid):
    """Return over the look-back, side of the average, and a model of momentum, voting."""

    name = "hybrid_momentum"
    title = "Hybrid momentum"
    description = (
        "Lets two rules, the return over the last bars and the side of an average, vote with a trained model. Most of "
        "them, or all of them, must agree. Without a model it says so; a majority can then still come from the rules."
    )
    Params: ClassVar[type[Parameters]] = HybridMomentumParams
    FEATURES: ClassVar[features.Features] = features.MOMENTUM
    presets: ClassVar[Presets] = {
        "majority": {"policy": "majority_vote", "stop_loss": 1.0},
        "conservative": {"policy": "conservative", "confidence": 0.6, "stop_loss": 0.8},
    }

    @property
    def lookback(self) -> int:
        """Closed bars needed before the first decision."""
        return max(int(self.params.lookback) + 1, settled(self.params.trend))

    def rules(self, ctx: Context, instrument: Instrument) -> Sequence[Opinion]:
        """The return against its threshold, the close against its average."""
        closes, p = closes_of(ctx, instrument, self.lookback), self.params
        if closes is None or not closes[-1 - p.lookback] > 0:
            few = f"fewer than {self.lookback} bars"
            return Opinion("return", "none", "", silent=few), Opinion("trend", "none", "", silent=few)
        then, now = float(closes[-1 - p.lookback]), float(closes[-1])
        moved = round((now - then) * 100 / then, 9)
        average = float(ema(closes, p.trend)[-1])
        ctx.show(return_pct=round(moved, 4), average=round(average, 4))
        gone: Direction = "up" if moved > p.threshold else "down" if moved < -p.threshold else "none"
        apart = 1e-9 * average
        side: Direction = "up" if now > average + apart else "down" if now < average - apart else "none"
        return Opinion("return", gone, f"{moved:+.2f} % over {p.lookback} bars"), Opinion(
            "trend", side, f"{now:.2f} against {average:.2f}"
        )
