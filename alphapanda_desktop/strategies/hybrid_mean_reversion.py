"""Hybrid mean reversion: the bands, the RSI and a model, under one policy."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from alphapanda_desktop.domain.indicators import Floats, bollinger, is_flat, rsi, settled
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.strategy import Context, Parameters, Presets, choice
from alphapanda_desktop.strategies import features
from alphapanda_desktop.strategies.mean_reversion import MeanReversionParams
from alphapanda_desktop.strategies.one_position import Direction, closes_of
from alphapanda_desktop.strategies.voting import Opinion
from alphapanda_desktop.strategies.with_model import Hybrid, HybridParams


class HybridMeanReversionParams(HybridParams, MeanReversionParams):
    """Parameters of `HybridMeanReversion`."""

    model: str = choice("ml_mean_reversion.joblib", "File in the folder of models, on the list of allowed ones")


class HybridMeanReversion(Hybrid):
    """Bollinger's bands, the RSI and a model of mean reversion, voting."""

    name = "hybrid_mean_reversion"
    title = "Hybrid mean reversion"
    description = (
        "Lets two rules, the Bollinger bands and the RSI, vote with a trained model. Most of them, or all of them, "
        "must agree. Without a model it says so; a majority can then still come from the rules."
    )
    Params: ClassVar[type[Parameters]] = HybridMeanReversionParams
    FEATURES: ClassVar[features.Features] = features.MEAN_REVERSION
    presets: ClassVar[Presets] = {
        "majority": {"policy": "majority_vote", "stop_loss": 1.0},
        "conservative": {"policy": "conservative", "confidence": 0.6, "stop_loss": 0.8},
    }

    @property
    def lookback(self) -> int:
        """Closed bars needed before the first decision."""
        return max(int(self.params.lookback) + 1, settled(self.params.rsi_period))

    def rules(self, ctx: Context, instrument: Instrument) -> Sequence[Opinion]:
        """The close against the bands, the RSI against its levels."""
        closes = closes_of(ctx, instrument, self.lookback)
        if closes is None or is_flat(closes):
            why = f"fewer than {self.lookback} bars" if closes is None else "the price did not move"
            return Opinion("bands", "none", "", silent=why), Opinion("RSI", "none", "", silent=why)
        return self._bands(closes), self._index(ctx, closes)

    def _bands(self, closes: Floats) -> Opinion:
        p, close = self.params, float(closes[-1])
        upper, _, lower = (float(line[-1]) for line in bollinger(closes[-p.lookback :], p.lookback, p.bollinger_std))
        side: Direction = "up" if close < lower else "down" if close > upper else "none"
        return Opinion("bands", side, f"{close:.2f} against {lower:.2f} and {upper:.2f}")

    def _index(self, ctx: Context, closes: Floats) -> Opinion:
        p, index = self.params, float(rsi(closes, self.params.rsi_period)[-1])
        ctx.show(rsi=round(index, 2))
        side: Direction = "up" if index < p.rsi_oversold else "down" if index > p.rsi_overbought else "none"
        return Opinion("RSI", side, f"{index:.1f} against {p.rsi_oversold:g} and {p.rsi_overbought:g}")
