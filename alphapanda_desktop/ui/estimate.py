"""What an order would cost and where it breaks even, from charges that were asked for. No Qt."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import OrderRequest, Side
from alphapanda_desktop.domain.portfolio import Calculator, ChargeQuery, Margin
from alphapanda_desktop.domain.positions import RUPEE


@dataclass(frozen=True, slots=True)
class Estimate:
    """Before an order is sent: what it asks for and costs, in rupees; None is unknown, and `why` says why."""

    margin: Margin = field(default_factory=Margin)
    charges: Charges | None = None
    break_even: float | None = None
    why: str = ""

    @property
    def cost(self) -> float | None:
        return None if self.charges is None else self.charges.total / RUPEE


def break_even(side: Side, price: float, units: float, entry: float, way_out: float) -> float:
    """Price at which leaving again pays for both ways; `entry` and `way_out` are rupees of charges at `price`.

    Charges of the way out grow with its price: what little of them is flat is counted as growing too.
    """
    if side == "BUY":
        return (price * units + entry) / (units - way_out / price)
    return (price * units - entry) / (units + way_out / price)


def to_tick(instrument: Instrument, price: float, side: Side) -> float:
    """The first price on a tick that is not worse than breaking even."""
    if not instrument.tick_size:
        return price
    count = price / instrument.tick_size
    # A hair of float error must not cost a whole tick.
    ticks = math.ceil(count - 1e-6) if side == "BUY" else math.floor(count + 1e-6)
    return round(ticks * instrument.tick_size, 4)


async def estimate(
    calculator: Calculator, request: OrderRequest, instrument: Instrument, price: float | None, *, margin: bool = True
) -> Estimate:
    """Ask for margin and charges at that price; what is not answered stays unknown, and says why."""
    problems: list[str] = []
    asked = Margin()
    if margin:
        try:
            asked = await calculator.margin([request])
        except AlphaPandaError as error:
            problems.append(str(error))
    both: Sequence[Charges] = ()
    if price:
        try:
            both = await calculator.charges(_there_and_back(request, price))
        except AlphaPandaError as error:
            problems.append(str(error))
    else:
        problems.append("no price is known")
    level = _level(request, instrument, price, both)
    return Estimate(asked, both[0] if both else None, level, "; ".join(dict.fromkeys(problems)))


def _there_and_back(request: OrderRequest, price: float) -> list[ChargeQuery]:
    one_way = ChargeQuery.of_request(request, price)
    back: Side = "SELL" if request.transaction_type == "BUY" else "BUY"
    return [
        one_way,
        ChargeQuery(
            exchange=one_way.exchange,
            tradingsymbol=one_way.tradingsymbol,
            transaction_type=back,
            product=one_way.product,
            quantity=one_way.quantity,
            average_price=price,
            order_id="2",
        ),
    ]


def _level(request: OrderRequest, instrument: Instrument, price: float | None, both: Sequence[Charges]) -> float | None:
    if not price or len(both) != 2:
        return None
    there, back = (charges.total / RUPEE for charges in both)
    units = request.quantity * instrument.multiplier
    return to_tick(
        instrument, break_even(request.transaction_type, price, units, there, back), request.transaction_type
    )
