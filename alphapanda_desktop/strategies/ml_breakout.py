"""Breakout with a model: a trained classifier judges how the price leaves its range and with what volume."""

from __future__ import annotations

from typing import ClassVar

from alphapanda_desktop.domain.strategy import Parameters, Presets, choice, number
from alphapanda_desktop.strategies import features
from alphapanda_desktop.strategies.with_model import ModelAlone, ModelParams


class MlBreakoutParams(ModelParams):
    """Parameters of `MlBreakout`."""

    lookback: int = number(
        30, "Bars that the features look back on; as the model was trained", unit="bars", ge=5, le=500
    )
    model: str = choice("ml_breakout.joblib", "File in the folder of models, on the list of allowed ones")


class MlBreakout(ModelAlone):
    """Goes where its model says, once it is sure enough; does nothing without one."""

    name = "ml_breakout"
    title = "Breakout with a model"
    description = (
        "Asks a trained classifier about how the price leaves its range and with what volume, and goes with it "
        "when it is sure enough. Without a model on the list of allowed ones it says 'no model' and enters nothing."
    )
    Params: ClassVar[type[Parameters]] = MlBreakoutParams
    FEATURES: ClassVar[features.Features] = features.BREAKOUT
    presets: ClassVar[Presets] = {
        "as trained": {"lookback": 30, "confidence": 0.6, "stop_loss": 1.0},
        "only when sure": {"lookback": 30, "confidence": 0.8, "stop_loss": 1.0, "cool_down": 15},
    }
