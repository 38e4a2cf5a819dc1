"""What the strategies with a model share: it is loaded once, at the start, and there is one clear state without it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.strategy import Context, Parameters, choice, number
from alphapanda_desktop.strategies.features import Features, values_of
from alphapanda_desktop.strategies.models import Model, NoModel, load
from alphapanda_desktop.strategies.one_position import OnePosition, OnePositionParams, Signal
from alphapanda_desktop.strategies.voting import Opinion, Policy, decide


class ModelParams(OnePositionParams):
    """How the model is found, and how sure it must be."""

    model: str = choice("", "File in the folder of models, on the list of allowed ones")
    confidence: float = number(0.6, "Probability that the model must give", ge=0.34, le=0.99, step=0.05)


class WithModel(OnePosition):
    """Base of strategies that ask a model; `FEATURES` is what it was trained on."""

    Params: ClassVar[type[Parameters]] = ModelParams
    FEATURES: ClassVar[Features] = {}

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self._model: Model | None = None
        self._missing = "it is loaded at the start"

    @property
    def lookback(self) -> int:
        """Closed bars needed before the first decision."""
        return int(self.params.lookback) + 1

    def on_start(self, ctx: Context) -> None:
        """Load the model; without one the run goes on and says so."""
        try:
            self._model, self._missing = load(self.params.model, len(self.FEATURES)), ""
            ctx.log(f"model {self.params.model}: {len(self.FEATURES)} features")
        except NoModel as error:
            self._missing = str(error)
            ctx.log(f"no model: {error}")
        ctx.show(model=self.params.model if self._model else f"no model: {self._missing}")

    def ask(self, ctx: Context, instrument: Instrument) -> Opinion:
        """The model's opinion on this instrument's own bars."""
        if self._model is None:
            return Opinion("model", "none", "", silent=f"no model: {self._missing}")
        bars = ctx.bars(instrument, self.lookback)
        if len(bars) < self.lookback:
            return Opinion("model", "none", "", silent=f"{len(bars)} of {self.lookback} bars")
        values = values_of(self.FEATURES, bars[-int(self.params.lookback) - 1 :])
        ctx.show(**{name: round(value, 4) for name, value in zip(self.FEATURES, values, strict=True)})
        said = self._model.say(values)
        words = f"{said.direction} with {said.confidence:.0%}"
        if said.confidence < self.params.confidence:
            return Opinion("model", "none", f"{words}, {self.params.confidence:.0%} needed")
        return Opinion("model", said.direction, words)


class ModelAlone(WithModel):
    """A strategy whose only rule is its model."""

    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """What the model says."""
        opinion = self.ask(ctx, instrument)
        return Signal(opinion.direction, opinion.silent or f"{opinion.who}: {opinion.words}")


class HybridParams(ModelParams):
    """How rules and model come to one decision."""

    policy: Policy = choice(
        "majority_vote",
        "Majority: most of rules and model agree. Conservative: all agree to enter, one is enough to leave",
    )


class Hybrid(WithModel):
    """Base of strategies that put their rules and a model under one policy."""

    Params: ClassVar[type[Parameters]] = HybridParams

    def rules(self, ctx: Context, instrument: Instrument) -> Sequence[Opinion]:
        """The opinions of the rules, each on this instrument alone."""
        return ()

    def on_start(self, ctx: Context) -> None:
        """Load the model, and say what its absence means under this policy."""
        super().on_start(ctx)
        if self._model is None:
            alone = "the rules must all agree" if self.params.policy == "majority_vote" else "nothing is entered"
            ctx.log(f"without a model, under {self.params.policy}: {alone}")

    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """What all opinions come to."""
        opinions = [*self.rules(ctx, instrument), self.ask(ctx, instrument)]
        return decide(opinions, self.params.policy)
