"""Soak trader: buys one, sells it again, and now and then leaves an order to rest and takes it back."""

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy, number


class SoakTraderParams(Parameters):
    """How often it does something."""

    pace_s: int = number(8, "Seconds between two orders", unit="s", ge=1, le=3600, step=1)


class SoakTrader(Strategy):
    """One share at a time, by the clock and not by the price."""

    name = "soak_trader"
    title = "Soak trader"
    description = "Buys one share and sells it again, for ever."
    Params = SoakTraderParams
    params: SoakTraderParams
    turns = 0

    def on_start(self, ctx: Context) -> None:
        """The first turn comes after one pace."""
        ctx.timer("turn", every=self.params.pace_s)

    def on_bar(self, ctx: Context, instrument: Instrument, bar: Bar) -> None:
        """Bars tell it nothing."""

    def on_timer(self, ctx: Context, name: str) -> None:
        """One order, or one taken back."""
        self.turns += 1
        instrument = ctx.instruments[self.turns % len(ctx.instruments)]
        last = ctx.last_price(instrument)
        resting = [order for order in ctx.working(instrument) if order.order_type == "LIMIT"]
        if resting:
            ctx.cancel(resting[0].tag)
        elif ctx.position(instrument).quantity > 0:
            ctx.exit(instrument, reason="it is held")
        elif last is not None and self.turns % 5 == 0:
            ctx.buy(instrument, 1, price=instrument.snap(last * 0.98), reason="to rest below the market")
        else:
            ctx.buy(instrument, 1, reason="nothing is held")
