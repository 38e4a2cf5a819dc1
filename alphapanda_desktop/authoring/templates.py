"""The file that `alphapanda new-strategy NAME` writes: complete, documented, and trading as it stands."""

from __future__ import annotations

import keyword
import re
from string import Template
from typing import Final

from alphapanda_desktop.domain.errors import StrategyError

_NAME: Final = re.compile(r"[a-z][a-z0-9_]{0,59}")

_TEXT: Final = Template('''\
"""$title: buys a close above the highest of the bars before it, leaves below their lowest.

Change it to what you want. `alphapanda check-strategy $name.py` says what is wrong with it, with the line; with
`--data bars.csv` it says as well whether its backtest can be believed.
"""

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy, number


class ${kind}Params(Parameters):
    """The form in the panel is made of these: default, help, unit and range of each."""

    bars: int = number(20, "Bars that are looked back on", unit="bars", ge=2, le=500, step=1)
    lots: int = number(1, "Lots in each entry", unit="lots", ge=1, le=100, step=1)
    stop_loss: float = number(1.0, "Loss at which a position is closed", unit="%", ge=0.1, le=20, step=0.1)
    profit: float = number(3.0, "Profit at which a position is closed", unit="%", ge=0.1, le=100, step=0.1)


class $kind(Strategy):
    """One class in one file. `self.params` holds the values of the form."""

    name = "$name"
    title = "$title"
    description = "Buys a close above the highest of the bars before it; leaves below their lowest."
    Params = ${kind}Params
    params: ${kind}Params
    presets = {
        "quick": {"bars": 10, "stop_loss": 0.5},
        "calm": {"bars": 60, "stop_loss": 2.0, "profit": 6.0},
    }

    @property
    def lookback(self) -> int:
        """How many closed bars there must be before the first on_bar; they are fetched from history."""
        return self.params.bars + 1

    def on_start(self, ctx: Context) -> None:
        """Once, when history is there."""
        ctx.log(f"looking back {self.params.bars} bars on {len(ctx.instruments)} instruments")

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        """For each bar that closes, for each instrument by itself."""
        before = ctx.bars(instrument, self.lookback)[:-1]
        highest, lowest = max(b.high for b in before), min(b.low for b in before)
        ctx.show(highest=highest, lowest=lowest)  # live on the strategy's card
        held = ctx.position(instrument).quantity
        if held and bar.close < lowest:
            ctx.exit(instrument, reason=f"close {bar.close:.2f} below {lowest:.2f}")
        elif not held and not ctx.working(instrument) and bar.close > highest:
            self.enter(ctx, instrument, bar.close, f"close {bar.close:.2f} above {highest:.2f}")

    def enter(self, ctx: Context, instrument: Instrument, price: float, reason: str) -> None:
        """Buy, with a real stop from the first unit on and a limit at the target: one of the two ends the position."""
        ctx.bracket(
            instrument,
            self.params.lots * instrument.lot,
            stop=price * (1 - self.params.stop_loss / 100),
            target=price * (1 + self.params.profit / 100),
            reason=reason,
        )

    def on_order(self, ctx: Context, order: Order) -> None:
        """When something became of one of this run's own orders."""
        if order.status == "REJECTED":
            ctx.log(f"{order.transaction_type} {order.quantity} was refused: {order.status_message}")
''')


def name_of(text: str) -> str:
    """A strategy's name from what was typed: "My idea" is "my_idea". Raises StrategyError for what cannot be one."""
    name = re.sub(r"[\s\-]+", "_", text.strip().removesuffix(".py")).lower()
    if not _NAME.fullmatch(name) or keyword.iskeyword(name):
        raise StrategyError(f"{text!r} cannot be a strategy's name: letters, digits and _, a letter first, 60 at most")
    return name


def template(name: str) -> str:
    """The text of a new strategy file of that name."""
    words = [word for word in name.split("_") if word]
    kind = "".join(word.capitalize() for word in words)
    if keyword.iskeyword(kind) or kind in ("Params", "Parameters", "Strategy", "Context", "Instrument", "Bar", "Order"):
        kind = f"My{kind}"
    return _TEXT.substitute(name=name, title=" ".join(words).capitalize(), kind=kind)
