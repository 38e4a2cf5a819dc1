"""All that can be read from Kite over REST: no call in here can move an order, a trigger or a position.

Over the official kiteconnect client, in threads of its own; answers are judged and parsed in the thread. Two lanes,
each a thread with its own KiteConnect: `books` reads the day's books, `data` fetches history, masters and quotes.
Paper trading has this page and never `kite.client`, which sends orders. Nothing is retried in here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote as escape

from alphapanda_desktop.domain.charges import Charges
from alphapanda_desktop.domain.errors import AlphaPandaError, Offline, RateLimited, SessionEnded
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Tick
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
from alphapanda_desktop.domain.portfolio import ChargeQuery, Gtt, Holding
from alphapanda_desktop.domain.ports import Clock, Funds
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import IST, Profile, Token
from alphapanda_desktop.kite import contract as kite
from alphapanda_desktop.kite.failures import Unwelcome, envelope_in, failure
from alphapanda_desktop.kite.lane import Lane
from alphapanda_desktop.kite.limits import Limits, Rate
from alphapanda_desktop.kite.official import fetch, freshen, official_client

T = TypeVar("T")
Query = Mapping[str, object] | Sequence[tuple[str, object]]

ROOT: Final = "https://api.kite.trade"


class KiteReader:
    """Every reading REST call of one api_key. Belongs to one loop; `close` it at the end.

    Its connections let nothing else out: whatever it were asked to send is Refused before it leaves.
    Calls raise SessionEnded, NotPermitted, Rejected, RateLimited, Offline, BadData.
    """

    reads_only = True
    """Whether its connections refuse all that could change something at Kite."""

    def __init__(self, api_key: str, *, root: str = ROOT, clock: Clock, timeout_s: float = 7.0) -> None:
        self.api_key = api_key
        self.root = root
        self._clock = clock
        self._timeout_s = timeout_s
        self._token: Token | None = None
        self._limits = Limits(clock)
        self._books = self._lane("kite-books")
        self._data = self._lane("kite-data")

    def use(self, token: Token | None) -> None:
        """Speak with this token from the next request on, in every lane; None forgets it.

        Raises SessionEnded for a token of another api_key.
        """
        self._token = token and self._ours(token)

    async def close(self) -> None:
        """Send nothing more; whoever waits is told. Does not wait for what is under way."""
        for lane in (self._books, self._data):
            lane.close()

    # --- session ---------------------------------------------------------------------------------------------------

    async def profile(self, token: Token) -> Profile:
        """Who the token belongs to, whatever token is in use."""
        return await self._read("/user/profile", kite.profile_from_wire, lane=self._books, token=self._ours(token))

    async def exchange(self, request_token: str, checksum: str) -> Token:
        """The access token that a single-use request token is worth. Raises SessionEnded for a dead one."""
        form = {"api_key": self.api_key, "request_token": request_token, "checksum": checksum}
        now = self._clock.now()

        def work(official: Any) -> Token:
            answer = fetch(official, "POST", "/session/token", data=form)
            return kite.token_from_wire(envelope_in(answer).data, self.api_key, now)

        return await self._call("log in", work, self._books, token=None)

    async def end(self, token: Token) -> None:
        """End the API session of this token at Kite."""
        form = {"api_key": self.api_key, "access_token": token.access_token}

        def work(official: Any) -> object:
            return envelope_in(fetch(official, "DELETE", "/session/token", params=form)).data

        await self._call("log out", work, self._books, token=self._ours(token))

    # --- books -----------------------------------------------------------------------------------------------------

    async def orders(self) -> list[Order]:
        """The day's order book, oldest first."""
        return await self._read("/orders", kite.orders_from_wire, lane=self._books)

    async def order_history(self, order_id: str) -> list[Order]:
        """Snapshots of one order, oldest first."""
        return await self._read(f"/orders/{escape(order_id, safe='')}", kite.orders_from_wire, lane=self._books)

    async def trades(self) -> list[Fill]:
        """Every execution of the day."""
        return await self._read("/trades", kite.fills_from_wire, lane=self._books)

    # --- portfolio -------------------------------------------------------------------------------------------------

    async def positions(self) -> list[Position]:
        """Net positions."""
        return await self._read("/portfolio/positions", kite.positions_from_wire, lane=self._books)

    async def holdings(self) -> list[Holding]:
        """Stock in the demat account."""
        return await self._read("/portfolio/holdings", kite.holdings_from_wire)

    async def auctions(self) -> list[kite.AuctionHolding]:
        """Holdings that today's auction asks for, each with its auction number."""
        path = "/portfolio/holdings/auctions"
        return await self._read(path, lambda data: kite.parse_list(kite.AuctionHolding, data, "auctions"))

    async def gtts(self) -> list[Gtt]:
        """GTTs that wait, and what became of others in the last seven days."""
        return await self._read("/gtt/triggers", kite.gtts_from_wire)

    async def gtt(self, id: int) -> Gtt:
        """One GTT, of any age."""
        return await self._read(f"/gtt/triggers/{id}", kite.gtt_from_wire)

    async def margins(self) -> list[Funds]:
        """Funds by segment."""
        return await self._read("/user/margins", kite.funds_from_wire, lane=self._books)

    async def order_margins(self, requests: Sequence[OrderRequest]) -> list[kite.OrderMargin]:
        """Margin that each of these orders would ask for."""
        rows = [kite.margin_query(request) for request in requests]
        return await self._calculate(lambda o: kite.parse_list(kite.OrderMargin, o.order_margins(rows), "margins"))

    async def basket_margins(self, requests: Sequence[OrderRequest]) -> kite.BasketMargin:
        """Margin of these orders together, open positions considered."""
        rows = [kite.margin_query(request) for request in requests]
        return await self._calculate(lambda o: kite.parse(kite.BasketMargin, o.basket_order_margins(rows), "basket"))

    async def charges(self, orders: Sequence[ChargeQuery]) -> list[Charges]:
        """What these orders cost, by Kite's own calculation, in the same order."""
        rows = [kite.charges_query(order) for order in orders]
        return await self._calculate(lambda o: kite.charges_from_wire(o.get_virtual_contract_note(rows), len(rows)))

    # --- market ----------------------------------------------------------------------------------------------------

    async def quote(self, keys: Iterable[str]) -> dict[str, Tick]:
        """Full snapshots by "EXCHANGE:SYMBOL"; what Kite does not know is absent."""
        return await self._quotes("/quote", keys)

    async def ohlc(self, keys: Iterable[str]) -> dict[str, Tick]:
        """Last prices with the day's open, high, low and the previous close."""
        return await self._quotes("/quote/ohlc", keys)

    async def ltp(self, keys: Iterable[str]) -> dict[str, Tick]:
        """Last prices."""
        return await self._quotes("/quote/ltp", keys)

    async def instruments(self, exchange: str | None = None) -> list[Instrument]:
        """The day's master, of one exchange or of all."""
        path = f"/instruments/{escape(exchange, safe='')}" if exchange else "/instruments"

        def work(official: Any) -> list[Instrument]:
            return kite.instruments_from_csv(fetch(official, "GET", path).content)

        return await self._call("read instruments", work, self._data, token=self._token)

    async def candles(
        self, instrument: Instrument, interval: Interval, start: datetime, end: datetime, *, continuous: bool = False
    ) -> list[Bar]:
        """Bars from start to end, oldest first, the running one not closed; as many requests as Kite's caps ask for.

        `continuous` asks for a future's day candles stitched over its expiries.
        """
        if interval is Interval.DAY:
            start = start.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
        bars: dict[int, Bar] = {}
        for first, last in kite.candle_pages(start, end, interval):
            page = await self._candle_page(instrument.instrument_token, interval, first, last, continuous)
            bars.update((bar.start_s, bar) for bar in page)
        return [bars[start_s] for start_s in sorted(bars)]

    async def _candle_page(
        self, token: int, interval: Interval, first: datetime, last: datetime, continuous: bool
    ) -> list[Bar]:
        span = {"from": kite.ist_text(first), "to": kite.ist_text(last), "oi": 1, "continuous": int(continuous)}
        return await self._read(
            f"/instruments/historical/{token}/{interval.value}",
            lambda data: kite.bars_from_candles(data, interval, self._clock.now().timestamp()),
            span,
            rate=Rate.HISTORICAL,
        )

    async def _quotes(self, path: str, keys: Iterable[str]) -> dict[str, Tick]:
        def parse(data: object) -> dict[str, Tick]:
            return kite.quotes_from_wire(data, self._clock.now_ns())

        found: dict[str, Tick] = {}
        for batch in kite.quote_batches(keys, kite.MAX_KEYS[path]):
            query = [("i", key) for key in batch]
            found |= await self._read(path, parse, query, rate=Rate.QUOTE)
        return found

    # --- the way through a lane --------------------------------------------------------------------------------------

    async def get(self, path: str, params: Query | None = None) -> object:
        """`data` of any GET route, as it came."""
        return await self._read(path, lambda data: data, params)

    async def _read(
        self,
        path: str,
        parse: Callable[[Any], T],
        params: Query | None = None,
        *,
        rate: Rate = Rate.OTHER,
        lane: Lane[Any] | None = None,
        token: Token | None = None,
    ) -> T:
        def work(official: Any) -> T:
            return parse(envelope_in(fetch(official, "GET", path, params=params)).data)

        token = token or self._token_in_use()
        return await self._call(f"read {path}", work, lane or self._data, rate=rate, token=token)

    async def _calculate(self, work: Callable[[Any], T]) -> T:
        return await self._call("calculate margin or charges", work, self._data, token=self._token_in_use())

    async def _call(
        self,
        what: str,
        work: Callable[[Any], T],
        lane: Lane[Any],
        *,
        rate: Rate = Rate.OTHER,
        token: Token | None = None,
        sends: bool = False,
        urgent: bool = False,
    ) -> T:
        secret = token.access_token if token else ""

        def judged(official: Any) -> T:
            official.set_access_token(secret or None)
            freshen(official, self._clock.now_ns() / 1e9)  # the wall's clock: the other stands still in sleep
            try:
                return work(official)
            except (Unwelcome, OSError) as error:
                problem: AlphaPandaError = failure(error, what, sends)
            raise problem  # here, so that no transport error with a token in its address hangs on it

        # A late order is an order nobody wants any more; a late cancellation is still wanted.
        patience_s = self._timeout_s if sends and not urgent else None
        in_use = token is not None and token is self._token
        try:
            return await lane.run(judged, lambda: self._limits.turn(rate, urgent), urgent, sends, patience_s)
        except RateLimited:
            self._limits.back_off(rate)
            raise
        except SessionEnded:
            if in_use and self._token not in (token, None):
                # The end of the former login is no news of the one in use now.
                raise Offline(f"{what}: it was asked with the former login; ask again", after_s=0.1) from None
            raise

    def _lane(self, name: str) -> Lane[Any]:
        return Lane(name, lambda: official_client(self.api_key, self.root, self._timeout_s, self.reads_only))

    def _token_in_use(self) -> Token:
        if self._token is None:
            raise SessionEnded("no login is in use: log in first")
        return self._token

    def _ours(self, token: Token) -> Token:
        if token.api_key != self.api_key:
            raise SessionEnded("the stored login belongs to another api_key: log in again")
        return token
