"""Holdings and the conversion of positions. Source: CONTRACT 2.9-2.10 (kite.trade/docs/connect/v3/portfolio)."""

from __future__ import annotations

from alphapanda_desktop.kite.contract_wire import Float, Int, Meta, Text, Wire


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

    @property
    def sellable(self) -> int:
        """Units that may be sold today, settlement and authorisation permitting."""
        return self.quantity + self.t1_quantity - self.used_quantity


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
