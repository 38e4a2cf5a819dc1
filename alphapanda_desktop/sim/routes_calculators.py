"""Routes that compute without trading: margins of orders and baskets, charges.  Source: CONTRACT 2.12."""

from __future__ import annotations

from collections.abc import Mapping

from aiohttp import web

from alphapanda_desktop.domain.charges import exact_charges, turnover_of
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.orders import Side
from alphapanda_desktop.sim.answers import KiteError, answering, bad_input, ist, missing
from alphapanda_desktop.sim.checks import number, whole
from alphapanda_desktop.sim.margins import CASH, Need, multiplier_of, need_of, segment_of
from alphapanda_desktop.sim.venue import LocalKite

Row = Mapping[str, object]


class CalculatorRoutes:
    """/margins/* and /charges/orders, all with JSON bodies."""

    def __init__(self, kite: LocalKite) -> None:
        self._market = kite.market
        self._accounts = kite.book.accounts

    def table(self) -> list[web.RouteDef]:
        return [
            web.post("/margins/orders", answering(self.orders)),
            web.post("/margins/basket", answering(self.basket)),
            web.post("/charges/orders", answering(self.contract_note)),
            web.get("/margins/{segment}", answering(self.segment)),
        ]

    async def orders(self, request: web.Request) -> object:
        return [self._order(row, _quantity(row)) for row in await _rows(request)]

    async def basket(self, request: web.Request) -> object:
        """Margin before and after what the orders offset in each other, and in positions when they count."""
        rows = await _rows(request)
        consider = request.query.get("consider_positions", "").lower() == "true"
        needs = [self._order(row, _quantity(row)) for row in rows]
        final = [self._order(row, self._after_offsets(rows, n, consider=consider)) for n, row in enumerate(rows)]
        return {
            "initial": _sum(needs),
            "final": _sum(final),
            "orders": needs,
            "charges": _sum_charges([_object(one["charges"]) for one in needs]),
        }

    def _after_offsets(self, rows: list[Row], n: int, *, consider: bool) -> int:
        """Units of a row that still open something when the rows before it, and positions, have been netted."""
        row, quantity = rows[n], _quantity(rows[n])
        same = [r for r in rows[:n] if all(r.get(k) == row.get(k) for k in ("exchange", "tradingsymbol", "product"))]
        held = sum(_quantity(r) * (1 if r["transaction_type"] == "BUY" else -1) for r in same)
        if consider:
            position = self._accounts.positions.get(
                (str(row["exchange"]), str(row["tradingsymbol"]), str(row.get("product", "")))
            )
            held += position.quantity if position else 0
        closable = -held if row["transaction_type"] == "BUY" else held
        return max(0, quantity - max(0, closable))

    def _order(self, row: Row, opening: int) -> dict[str, object]:
        instrument, side, product = self._instrument(row), _side(row), str(row.get("product", ""))
        last = self._market.picture(instrument.instrument_token).last_price
        price = _number(row, "price") or _number(row, "trigger_price") or last
        need = need_of(instrument, side, product, opening, price)
        return _need_row(instrument, need, _leverage(need, opening * price * multiplier_of(instrument))) | {
            "charges": self._charges(row, instrument, price),
            "total": need.total,
        }

    async def contract_note(self, request: web.Request) -> object:
        notes = []
        for row in await _rows(request):
            instrument, price = self._instrument(row), _number(row, "average_price")
            if price <= 0:
                raise bad_input("Invalid `average_price`.")
            echoed = ("transaction_type", "tradingsymbol", "exchange", "variety", "product", "order_type", "quantity")
            notes.append(
                {name: row.get(name) for name in echoed}
                | {"price": price, "charges": self._charges(row, instrument, price)}
            )
        return notes

    def _charges(self, row: Row, instrument: Instrument, price: float) -> dict[str, object]:
        cost = exact_charges(
            exchange=instrument.exchange,
            instrument_type=instrument.instrument_type,
            product=str(row.get("product", "")),
            transaction_type=_side(row),
            turnover=turnover_of(_quantity(row), price, multiplier_of(instrument)),
            on=ist(self._market.clock.now_s()).date(),
            variety=str(row.get("variety") or "regular"),
            tradingsymbol=instrument.tradingsymbol,
        )
        gst = float(cost.gst)
        return {
            "transaction_tax": float(cost.transaction_tax),
            "transaction_tax_type": cost.transaction_tax_type,
            "exchange_turnover_charge": float(cost.exchange_turnover_charge),
            "sebi_turnover_charge": float(cost.sebi_turnover_charge),
            "brokerage": float(cost.brokerage),
            "stamp_duty": float(cost.stamp_duty),
            "gst": {"igst": gst, "cgst": 0, "sgst": 0, "total": gst},
            "total": float(cost.total),
        }

    async def segment(self, request: web.Request) -> object:
        """The legacy table of margins by instrument; the practice exchange has one for futures and shares."""
        segment = request.match_info["segment"]
        if segment not in ("equity", "commodity", "futures", "currency"):
            raise bad_input("Invalid `segment`.")
        rows = []
        for instrument in self._market.instruments:
            if not instrument.tradable or not _in_table(instrument, segment):
                continue
            need = need_of(instrument, "BUY", "MIS" if instrument.exchange in CASH else "NRML", 1, 100.0)
            share = need.total / multiplier_of(instrument)
            rows.append({"tradingsymbol": instrument.tradingsymbol, "margin": share, "mis_margin": share})
        return rows

    def _instrument(self, row: Row) -> Instrument:
        for name in ("exchange", "tradingsymbol", "transaction_type", "quantity"):
            if not row.get(name):
                raise missing(name)
        instrument = self._market.by_key(f"{row['exchange']}:{row['tradingsymbol']}")
        if instrument is None or not instrument.tradable:
            raise bad_input("Invalid `tradingsymbol`.")
        return instrument


def _in_table(instrument: Instrument, segment: str) -> bool:
    if segment == "equity":
        return instrument.exchange in CASH
    exchanges = {"commodity": ("MCX", "NCO"), "futures": ("NFO", "BFO"), "currency": ("CDS", "BCD")}[segment]
    return instrument.exchange in exchanges and instrument.instrument_type == "FUT"


async def _rows(request: web.Request) -> list[Row]:
    try:
        body = await request.json()
    except ValueError:
        raise bad_input("Couldn't parse the JSON body.") from None
    if not isinstance(body, list) or not all(isinstance(row, dict) for row in body):
        raise bad_input("The body should be a list of orders.")
    return body


def _number(row: Row, name: str) -> float:
    return number({name: str(row.get(name) or "")}, name)


def _quantity(row: Row) -> int:
    return whole({"quantity": str(row.get("quantity") or "")}, "quantity")


def _side(row: Row) -> Side:
    side = row.get("transaction_type")
    if side not in ("BUY", "SELL"):
        raise bad_input("Invalid `transaction_type`.")
    return "BUY" if side == "BUY" else "SELL"


def _leverage(need: Need, value: float) -> float:
    return round(value / need.total, 2) if need.total else 1


def _need_row(instrument: Instrument, need: Need, leverage: float) -> dict[str, object]:
    return {
        "type": segment_of(instrument.exchange),
        "tradingsymbol": instrument.tradingsymbol,
        "exchange": instrument.exchange,
        "span": need.span,
        "exposure": need.exposure,
        "option_premium": need.premium,
        "additional": 0,
        "bo": 0,
        "cash": 0,
        "var": need.var,
        "pnl": {"realised": 0, "unrealised": 0},
        "leverage": leverage,
    }


_ADDED = ("span", "exposure", "option_premium", "additional", "bo", "cash", "var", "total")


def _sum(needs: list[dict[str, object]]) -> dict[str, object]:
    total = {name: sum(float(str(one[name])) for one in needs) for name in _ADDED}
    kind = str(needs[0]["type"]) if needs else ""
    return {
        "type": kind, "tradingsymbol": "", "exchange": "", "pnl": {"realised": 0, "unrealised": 0}, "leverage": 0,
        "charges": _sum_charges([]), **total,
    }  # fmt: skip


def _object(value: object) -> dict[str, object]:
    if not isinstance(value, dict):
        raise KiteError(500, "GeneralException", "Something went wrong.")
    return value


def _sum_charges(many: list[dict[str, object]]) -> dict[str, object]:
    names = ("transaction_tax", "exchange_turnover_charge", "sebi_turnover_charge", "brokerage", "stamp_duty", "total")
    added: dict[str, object] = {name: sum(float(str(one[name])) for one in many) for name in names}
    gst = sum(float(str(_object(one["gst"])["total"])) for one in many)
    kind = many[0]["transaction_tax_type"] if many else ""
    return added | {"transaction_tax_type": kind, "gst": {"igst": gst, "cgst": 0, "sgst": 0, "total": gst}}
