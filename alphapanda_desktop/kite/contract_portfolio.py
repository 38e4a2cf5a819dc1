"""Holdings and the conversion of positions. Source: CONTRACT 2.9-2.10 (kite.trade/docs/connect/v3/portfolio)."""

from __future__ import annotations

from alphapanda_desktop.domain import portfolio
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.kite.contract_wire import Float, Int, Meta, Text, Wire, parse_list


class MtfPart(Wire):
    """What of a holding is funded by margin trading."""

    quantity: Int = 0
    used_quantity: Int = 0
    average_price: Float = 0.0
    value: Float = 0.0
    initial_margin: Float = 0.0


class Holding(Wire):
    """Stock in the demat account; `day_change` is per share. Source: CONTRACT 2.10."""

    tradingsymbol: str
    exchange: str
    quantity: int
    instrument_token: Int = 0
    isin: Text = ""
    product: Text = ""
    price: Float = 0.0
    used_quantity: Int = 0
    t1_quantity: Int = 0
    realised_quantity: Int = 0
    authorised_quantity: Int = 0
    authorised_date: Text = ""
    authorisation: Meta = {}  # noqa: RUF012  # pydantic copies a model's default
    opening_quantity: Int = 0
    short_quantity: Int = 0
    collateral_quantity: Int = 0
    collateral_type: Text = ""
    discrepancy: bool | None = False
    average_price: Float = 0.0
    last_price: Float = 0.0
    close_price: Float = 0.0
    pnl: Float = 0.0
    day_change: Float = 0.0
    day_change_percentage: Float = 0.0
    mtf: MtfPart | None = None

    def holding(self) -> portfolio.Holding:
        """The row as the desk knows it."""
        mtf = self.mtf or MtfPart()
        return portfolio.Holding(
            tradingsymbol=self.tradingsymbol,
            exchange=self.exchange,
            quantity=self.quantity,
            instrument_token=self.instrument_token,
            isin=self.isin,
            product=self.product or "CNC",
            t1_quantity=self.t1_quantity,
            used_quantity=self.used_quantity,
            realised_quantity=self.realised_quantity,
            authorised_quantity=self.authorised_quantity,
            opening_quantity=self.opening_quantity,
            short_quantity=self.short_quantity,
            collateral_quantity=self.collateral_quantity,
            collateral_type=self.collateral_type,
            discrepancy=bool(self.discrepancy),
            average_price=self.average_price,
            last_price=self.last_price,
            close_price=self.close_price,
            pnl=self.pnl,
            day_change=self.day_change,
            day_change_percentage=self.day_change_percentage,
            mtf_quantity=mtf.quantity,
            mtf_average_price=mtf.average_price,
            mtf_value=mtf.value,
        )


class AuctionHolding(Holding):
    """A holding that can be offered in the day's auction."""

    auction_number: Text = ""


class CompactHolding(Wire):
    """A holding without prices. Source: the official sample holdings_compact."""

    exchange: str
    tradingsymbol: str
    quantity: int
    instrument_token: Int = 0
    t1_quantity: Int = 0


class HoldingsSummary(Wire):
    """What all holdings come to, in rupees."""

    total_pnl: Float = 0.0
    total_pnl_percent: Float = 0.0
    today_pnl: Float = 0.0
    today_pnl_percent: Float = 0.0
    invested_amount: Float = 0.0
    current_value: Float = 0.0


def holdings_from_wire(rows: object) -> list[portfolio.Holding]:
    """Holdings. Raises BadData."""
    return [row.holding() for row in parse_list(Holding, rows, "holdings")]


def conversion_fields(position: Position, quantity: int, to_product: str) -> dict[str, str | int | float]:
    """Form of PUT /portfolio/positions; `transaction_type` is the side of the open position. Source: CONTRACT 2.9."""
    return {
        "exchange": position.exchange,
        "tradingsymbol": position.tradingsymbol,
        "transaction_type": "BUY" if position.quantity > 0 else "SELL",
        "position_type": portfolio.position_type(position, quantity),
        "quantity": quantity,
        "old_product": position.product,
        "new_product": to_product,
    }


def converted(data: object) -> None:
    """Take the answer to a conversion. Raises BadData for anything but true."""
    if data is not True:
        raise BadData(f"conversion: true was expected, {data!r} came")
