"""A local Kite for tests: over a market that moves only when told to, or over the living one; served or not."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import aiohttp

from alphapanda_desktop.domain.instruments import Instrument, price_divisor
from alphapanda_desktop.domain.market import Mode, Ohlc, Tick
from alphapanda_desktop.sim.clock import SimClock
from alphapanda_desktop.sim.market import Listed, Listener
from alphapanda_desktop.sim.server import serving
from alphapanda_desktop.sim.switches import Switches
from alphapanda_desktop.sim.venue import LocalKite, Options

NOON = datetime(2026, 11, 23, 6, 30, tzinfo=UTC)
"""Monday 12:00 IST."""

LEVEL = 500
"""Units at each level of the still market's depth, one tick apart, the first one tick from the last price."""


def _listed(token: int, symbol: str, exchange: str, kind: str = "EQ", **more: Any) -> Instrument:
    fields: dict[str, Any] = {
        "instrument_token": token, "exchange_token": token >> 8, "tradingsymbol": symbol, "name": symbol,
        "last_price": 0.0, "expiry": None, "strike": 0.0, "tick_size": 0.05, "lot_size": 1, "instrument_type": kind,
        "segment": exchange, "exchange": exchange,
    }  # fmt: skip
    return Instrument(**(fields | more))


EXPIRY = date(2026, 11, 24)
NIFTY = _listed(256265, "NIFTY 50", "NSE", segment="INDICES", tick_size=0.0)
INFY = _listed(408065, "INFY", "NSE", name="INFOSYS", tick_size=0.1)
SBIN = _listed(779521, "SBIN", "NSE", name="STATE BANK OF INDIA")
FUT = _listed(2 + 256 * 9001, "NIFTY26NOVFUT", "NFO", "FUT", name="NIFTY", lot_size=65, expiry=EXPIRY, tick_size=0.1)
CALL = _listed(
    2 + 256 * 9002, "NIFTY26NOV25000CE", "NFO", "CE", name="NIFTY", lot_size=65, strike=25000.0, expiry=EXPIRY
)
CRUDE = _listed(7 + 256 * 9003, "CRUDEOIL26DECFUT", "MCX", "FUT", name="CRUDEOIL", tick_size=1.0, expiry=EXPIRY)
PRICES = {NIFTY: 25000.0, INFY: 1500.0, SBIN: 800.0, FUT: 25000.0, CALL: 100.0, CRUDE: 5600.0}


class StillMarket(Listed):
    """A market in which nothing happens by itself."""

    def __init__(self, at: datetime = NOON, without: Sequence[Instrument] = ()) -> None:
        super().__init__([i for i in PRICES if i not in without])
        self.clock = SimClock(at, speed=0.0)
        self.watched: set[int] = set()
        self.streamed: set[int] = set()
        self.listeners: list[Listener] = []
        self.open = True
        self.prices = {i.instrument_token: price for i, price in PRICES.items()}
        self.level = LEVEL

    def picture(self, instrument_token: int, at_s: float | None = None) -> Tick:
        instrument = self.by_token(instrument_token)
        assert instrument is not None
        last, close = self.prices[instrument_token], PRICES[instrument]
        divisor, now_s = price_divisor(instrument_token), int(self.clock.now_s())
        depth: list[int] = []
        for way in (-1, 1):
            for n in range(1, 6):
                depth += [self.level, round((last + way * n * instrument.tick_size) * divisor), 1]
        ohlc = Ohlc(close, max(last, close), min(last, close), close)
        if not instrument.tradable:
            return Tick(instrument_token, Mode.FULL, last, tradable=False, ohlc=ohlc, exchange_epoch_s=now_s)
        return Tick(
            instrument_token, Mode.FULL, last, last_traded_quantity=1, average_traded_price=last, volume_traded=1000,
            total_buy_quantity=2500, total_sell_quantity=2500, ohlc=ohlc, oi=0, oi_day_high=0, oi_day_low=0,
            exchange_epoch_s=now_s, last_trade_epoch_s=now_s, divisor=divisor, raw_depth=tuple(depth),
        )  # fmt: skip

    def pictures(self, instrument_tokens: Sequence[int]) -> list[Tick]:
        return [self.picture(token) for token in instrument_tokens]

    def circuit(self, instrument_token: int) -> tuple[float, float]:
        instrument = self.by_token(instrument_token)
        assert instrument is not None
        return instrument.snap(PRICES[instrument] * 0.9), instrument.snap(PRICES[instrument] * 1.1)

    def candles(
        self, instrument_token: int, interval: str, start: datetime, end: datetime, *, continuous: bool = False
    ) -> list[list[object]]:
        return [["2026-11-23T09:15:00+0530", 1.0, 2.0, 0.5, 1.5, 10, 0]]

    def step(self) -> list[Tick]:
        ticks = self.pictures(sorted(self.watched | self.streamed))
        for listener in list(self.listeners):
            listener(ticks)
        return ticks

    def is_open(self, instrument: Instrument) -> bool:
        return self.open

    def move(self, instrument: Instrument, price: float) -> None:
        """The instrument trades at another price, and everybody hears of it."""
        self.prices[instrument.instrument_token] = price
        self.step()


def still_kite(
    *switches: str, state: Path | None = None, scenario: str = "calm", market: StillMarket | None = None
) -> LocalKite:
    """A simulator over a still market, not served."""
    options = Options(switches=Switches.parse(list(switches)), state=state, scenario=scenario)
    return LocalKite(options, market or StillMarket())


def order(instrument: Instrument = INFY, **fields: object) -> dict[str, str]:
    """Form of an order: 10 INFY bought intraday at 1500, unless said otherwise; None leaves a field out."""
    usual: dict[str, object] = {
        "exchange": instrument.exchange, "tradingsymbol": instrument.tradingsymbol, "transaction_type": "BUY",
        "quantity": 10, "product": "MIS", "order_type": "LIMIT", "price": 1500,
    }  # fmt: skip
    return {name: str(value) for name, value in (usual | fields).items() if value is not None}


class Caller:
    """A bare HTTP client of a served simulator: no checks, no conversions."""

    def __init__(self, http: aiohttp.ClientSession, said: dict[str, str]) -> None:
        self.http, self.said = http, said
        self.headers = {
            "X-Kite-Version": "3",
            "Authorization": f"token {said['api_key']}:{said['access_token']}",
        }

    async def __call__(self, method: str, path: str, **more: Any) -> tuple[int, Any]:
        """HTTP status and body: parsed when it is JSON."""
        headers = {**self.headers, **more.pop("headers", {})}
        headers = {name: value for name, value in headers.items() if value is not None}
        async with self.http.request(method, path, headers=headers, allow_redirects=False, **more) as reply:
            if reply.content_type == "application/json":
                return reply.status, await reply.json()
            return reply.status, await reply.text()

    async def data(self, method: str, path: str, **more: Any) -> Any:
        """`data` of a success."""
        status, body = await self(method, path, **more)
        assert status == 200, body
        return body["data"]


@asynccontextmanager
async def served(kite: LocalKite) -> AsyncIterator[Caller]:
    """The simulator behind HTTP, without a beat: its market moves when the test moves it."""
    async with serving(kite) as said, aiohttp.ClientSession(said["rest"]) as http:
        yield Caller(http, said)
    kite.memory.close()
