"""One signal per interval, to see the whole path of an order at leisure."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from typing import ClassVar, Literal, Self

from pydantic import model_validator

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.strategy import Context, Parameters, Presets, choice, number
from alphapanda_desktop.strategies.one_position import Direction, OnePosition, OnePositionParams, Signal


class LowFrequencyDemoParams(OnePositionParams):
    """Parameters of `LowFrequencyDemo`."""

    min_interval: int = number(900, "Time between two signals of an instrument", unit="s", ge=1, le=86_400, step=60)
    max_daily_signals: int = number(0, "Entries in an instrument a day; 0 any", unit="entries", ge=0, le=1_000, step=1)
    side: Literal["auto", "BUY", "SELL"] = choice("auto", "What to enter with; auto follows the last bar")
    cool_down: int = number(0, "Bars to wait between two entries", unit="bars", ge=0, le=1_000, step=1)

    @model_validator(mode="after")
    def _selling_is_shorting(self) -> Self:
        if self.side == "SELL" and not self.allow_short:
            raise ValueError("to enter with SELL is to sell short: allow_short is off")
        return self


class LowFrequencyDemo(OnePosition):
    """Enters, an interval later leaves, an interval later enters again. It has no opinion on the market."""

    name = "low_frequency_demo"
    title = "Low-frequency demo"
    description = (
        "Gives one signal per interval: enters when it is flat, leaves when it is not. It shows the path of an order "
        "from reason to fill; it does not try to earn anything."
    )
    Params: ClassVar[type[Parameters]] = LowFrequencyDemoParams
    presets: ClassVar[Presets] = {
        "quarter of an hour": {"min_interval": 900, "side": "BUY"},
        "each bar": {"min_interval": 1, "side": "BUY", "stop_loss": 0.5},
        "once a day": {"min_interval": 3600, "max_daily_signals": 1},
    }

    def __init__(self, params: Parameters) -> None:
        super().__init__(params)
        self._last: dict[str, datetime] = {}
        self._entries: dict[tuple[str, date], int] = {}

    @property
    def lookback(self) -> int:
        """The bar whose direction "auto" follows."""
        return 1

    def signal(self, ctx: Context, instrument: Instrument) -> Signal:
        """Whether the interval is over, and what is next."""
        key, now = instrument.key, ctx.now
        due = self._last[key] + timedelta(seconds=self.params.min_interval) if key in self._last else now
        if now < due:
            return Signal("none", f"next signal in {(due - now).total_seconds():.0f} s")
        if ctx.working(instrument):
            return Signal("none", "an order is at work")
        held, entries = ctx.position(instrument).quantity, self._entries.get((key, _day(now)), 0)
        if not held and self.params.max_daily_signals and entries >= self.params.max_daily_signals:
            return Signal("none", f"{entries} entries today, {self.params.max_daily_signals} allowed")
        before, self._last[key] = self._last.get(key), now
        why = f"{(now - before).total_seconds():.0f} s since the last signal" if before is not None else "first signal"
        if held:
            return Signal("down" if held > 0 else "up", f"{why}: leave", enter=False)
        self._entries[key, _day(now)] = entries + 1
        return Signal(self._side(ctx, instrument), f"{why}: entry {entries + 1} of the day")

    def _side(self, ctx: Context, instrument: Instrument) -> Direction:
        if self.params.side != "auto":
            return "up" if self.params.side == "BUY" else "down"
        bars = ctx.bars(instrument, 1)
        return "down" if self.params.allow_short and bars and bars[-1].close < bars[-1].open else "up"


def _day(at: datetime) -> date:
    return at.astimezone(IST).date()
