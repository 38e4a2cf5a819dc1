"""Routes of quotes, instruments, candles and trigger ranges.  Source: CONTRACT 2.10 and 2.11."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Final

from aiohttp import web

from alphapanda_desktop.sim import quotes
from alphapanda_desktop.sim.answers import IST, KiteError, answering, bad_input, missing
from alphapanda_desktop.sim.universe import to_csv
from alphapanda_desktop.sim.venue import LocalKite

REAL_DAYS: Final = {
    "minute": 60, "3minute": 100, "5minute": 100, "10minute": 100, "15minute": 200, "30minute": 200,
    "60minute": 400, "day": 2000,
}  # fmt: skip
LEGACY_DAYS: Final = {
    "minute": 30, "3minute": 90, "5minute": 90, "10minute": 90, "15minute": 180, "30minute": 180, "60minute": 365,
    "day": 2000,
}  # fmt: skip
"""Days of candles in one request: as Zerodha says now, and as its Python client's own suite expects."""

_KEYS_MAX: Final = {"quote": 500, "ohlc": 1000, "ltp": 1000}
_YES: Final = ("1", "true")
_ALIASES: Final = {"hour": "60minute"}
_TIMES: Final = ("%Y-%m-%d %H:%M:%S", "%Y-%m-%d")
_FUTURES: Final = ("NFO-FUT", "BFO-FUT", "MCX-FUT")


class MarketRoutes:
    """/quote*, /instruments*."""

    def __init__(self, kite: LocalKite) -> None:
        self._market = kite.market
        self._switches = kite.switches
        self._csv: dict[str | None, bytes] = {}

    def table(self) -> list[web.RouteDef]:
        shapes = {"/quote": quotes.full, "/quote/ohlc": quotes.ohlc, "/quote/ltp": quotes.ltp}
        return [
            *(web.get(path, answering(partial(self.quote, shape))) for path, shape in shapes.items()),
            web.get("/instruments", self.instruments),
            web.get("/instruments/{exchange}", self.instruments),
            web.get("/instruments/historical/{token}/{interval}", answering(self.candles)),
            web.get("/instruments/trigger_range/{side}", answering(self.trigger_range)),
        ]

    async def quote(self, shape: quotes.Shape, request: web.Request) -> object:
        keys, most = request.query.getall("i", []), _KEYS_MAX[shape.__name__.replace("full", "quote")]
        if not keys:
            raise missing("i")
        if len(keys) > most:
            raise bad_input(f"Too many instruments: {len(keys)} asked, {most} allowed.")
        return quotes.snapshot(self._market, keys, shape)

    async def instruments(self, request: web.Request) -> web.StreamResponse:
        """The master as CSV, compressed for whoever accepts that."""
        exchange = request.match_info.get("exchange")
        if exchange not in self._csv:
            self._csv[exchange] = to_csv(self._market.instruments, exchange).encode()
        response = web.Response(body=self._csv[exchange], content_type="text/csv")
        response.enable_compression()
        return response

    async def candles(self, request: web.Request) -> object:
        interval = _ALIASES.get(request.match_info["interval"], request.match_info["interval"])
        caps = LEGACY_DAYS if self._switches.historical_caps == "legacy" else REAL_DAYS
        if interval not in caps:
            raise bad_input("invalid interval")
        token = request.match_info["token"]
        instrument = self._market.by_token(int(token)) if token.isdecimal() else None
        if instrument is None:
            raise bad_input("invalid token")
        start, end = _time(request, "from"), _time(request, "to")
        if start > end:
            raise bad_input("invalid from or to: from date cannot be after to date")
        if (end - start).days > caps[interval]:
            raise bad_input(f"interval exceeds max limit: {caps[interval]} days")
        continuous = request.query.get("continuous") in _YES
        if continuous and (interval != "day" or instrument.segment not in _FUTURES):
            raise bad_input("continuous data is available for day candles of futures only")
        rows = self._market.candles(instrument.instrument_token, interval, start, end, continuous=continuous)
        width = 7 if request.query.get("oi") in _YES else 6
        return {"candles": [row[:width] for row in rows]}

    async def trigger_range(self, request: web.Request) -> object:
        """The range in which a cover order's stop may lie; a legacy call."""
        side = request.match_info["side"].lower()
        if side not in ("buy", "sell"):
            raise bad_input("Invalid `transaction_type`.")
        found: dict[str, object] = {}
        for key in request.query.getall("i", []):
            instrument = self._market.by_key(key)
            if instrument is not None:
                last = self._market.picture(instrument.instrument_token).last_price
                lower, upper = (0.93, 0.995) if side == "buy" else (1.005, 1.07)
                found[key] = {
                    "instrument_token": instrument.instrument_token,
                    "lower": instrument.snap(last * lower),
                    "upper": instrument.snap(last * upper),
                }
        return found


def _time(request: web.Request, name: str) -> datetime:
    text = request.query.get(name, "")
    if not text:
        raise missing(name)
    for form in _TIMES:
        try:
            return datetime.strptime(text, form).replace(tzinfo=IST)
        except ValueError:
            continue
    raise KiteError(400, "InputException", f"invalid {name}: {text!r} is no time as yyyy-mm-dd hh:mm:ss")
