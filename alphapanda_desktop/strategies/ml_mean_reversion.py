"""Mean reversion with a model: a trained classifier judges how far the price is from its average."""

from __future__ import annotations

from typing import ClassVar

from alphapanda_desktop.domain.strategy import Parameters, Presets, choice, number
from alphapanda_desktop.strategies import features
from alphapanda_desktop.strategies.with_model import ModelAlone, ModelParams


class MlMeanReversionParams(ModelParams):
    """Parameters of `MlMeanReversion`."""

    lookback: int = number(
        20, "Bars that the features look back on; as the model was trained", unit="bars", ge=5, le=500
    )
    model: str = choice("ml_mean_reversion.joblib", "File in the folder of models, on the list of allowed ones")


class MlMeanReversion(ModelAlone):
    """Goes where its model says, once it is sure enough; does nothing without one."""

    name = "ml_mean_reversion"
    title = "Mean reversion with a model"
    description = (
        "Asks a trained classifier about how far the price is from its average, and goes with it "
        "when it is sure enough. Without a model on the list of allowed ones it says 'no model' and enters nothing."
    )
    Params: ClassVar[type[Parameters]] = MlMeanReversionParams
    FEATURES: ClassVar[features.Features] = features.MEAN_REVERSION
    presets: ClassVar[Presets] = {
        "as trained": {"lookback": 20, "confidence": 0.6, "stop_loss": 1.0},
        "only when sure": {"lookback": 20, "confidence": 0.8, "stop_loss": 1.0, "cool_down": 15},
    }
