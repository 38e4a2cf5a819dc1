"""REST over the official kiteconnect client, in threads of its own; answers are judged and parsed in the thread.

Three lanes, each a thread with its own KiteConnect: `orders` places, modifies and reads the books, `cancels` cancels,
`data` fetches history, masters and quotes.  A slow page of history never delays an order, and a placement that hangs
never delays a cancellation.  Nothing is retried in here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import quote as escape

from alphapanda_desktop.domain.errors import AlphaPandaError, Offline, RateLimited, Refused, SessionEnded
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Tick
from alphapanda_desktop.domain.orders import Fill, Order, OrderRequest
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


class KiteClient:
    """Every REST call of one api_key. Belongs to one loop; `close` it at the end.

    With `trades` False it only reads: placing, modifying and cancelling are Refused before anything leaves.
    Calls raise SessionEnded, NotPermitted, Rejected, RateLimited, Offline, BadData; what sends an order also Unknown.
    """

    def __init__(
        self, api_key: str, *, root: str = ROOT, clock: Clock, timeout_s: float = 7.0, trades: bool = True
    ) -> None:
        self.api_key = api_key
        self._trades = trades
        self.root = root
        self._clock = clock
        self._timeout_s = timeout_s
        self._token: Token | None = None
        self._limits = Limits(clock)
        self._orders = self._lane("kite-orders")
        self._cancels = self._lane("kite-cancels")
        self._data = self._lane("kite-data")

    def use(self, token: Token | None) -> None:
        """Speak with this token from the next request on, in every lane; None forgets it.

        Raises SessionEnded for a token of another api_key.
        """
        self._token = token and self._ours(token)

    async def close(self) -> None:
        """Send nothing more; whoever waits is told. Does not wait for what is under way."""
        for lane in (self._orders, self._cancels, self._data):
            lane.close()

    # --- session ---------------------------------------------------------------------------------------------------

    async def profile(self, token: Token) -> Profile:
        """Who the token belongs to, whatever token is in use."""
        return await self._read("/user/profile", kite.profile_from_wire, lane=self._orders, token=self._ours(token))

    async def exchange(self, request_token: str, checksum: str) -> Token:
        """The access token that a single-use request token is worth. Raises SessionEnded for a dead one."""
        form = {"api_key": self.api_key, "request_token": request_token, "checksum": checksum}
        now = self._clock.now()

        def work(official: Any) -> Token:
            answer = fetch(official, "POST", "/session/token", data=form)
            return kite.token_from_wire(envelope_in(answer).data, self.api_key, now)

        return await self._call("log in", work, self._orders, token=None)

    async def end(self, token: Token) -> None:
        """End the API session of this token at Kite."""
        form = {"api_key": self.api_key, "access_token": token.access_token}

        def work(official: Any) -> object:
            return envelope_in(fetch(official, "DELETE", "/session/token", params=form)).data

        await self._call("log out", work, self._orders, token=self._ours(token))

    # --- orders ----------------------------------------------------------------------------------------------------

    async def place(self, variety: str, params: kite.Params) -> str:
        """The order_id of a new order: accepted, not executed. Raises Unknown where no clear answer came."""
        return await self._send("place order", self._orders, lambda o: o.place_order(variety=variety, **params))

    async def modify(self, variety: str, order_id: str, params: kite.Params) -> str:
        """The order_id of a changed order. Raises Unknown where no clear answer came."""
        return await self._send(
            "modify order", self._orders, lambda o: o.modify_order(variety=variety, order_id=order_id, **params)
        )

    async def cancel(self, variety: str, order_id: str, parent_order_id: str | None = None) -> str:
        """The order_id of an order asked to be cancelled; goes before whatever waits to be sent."""
        return await self._send(
            "cancel order", self._cancels, lambda o: o.cancel_order(variety, order_id, parent_order_id), urgent=True
        )

    async def orders(self) -> list[Order]:
        """The day's order book, oldest first."""
        return await self._read("/orders", kite.orders_from_wire, lane=self._orders)

    async def order_history(self, order_id: str) -> list[Order]:
        """Snapshots of one order, oldest first."""
        return await self._read(f"/orders/{escape(order_id, safe='')}", kite.orders_from_wire, lane=self._orders)

    async def trades(self) -> list[Fill]:
        """Every execution of the day."""
        return await self._read("/trades", kite.fills_from_wire, lane=self._orders)

    # --- portfolio -------------------------------------------------------------------------------------------------

    async def positions(self) -> list[Position]:
        """Net positions."""
        return await self._read("/portfolio/positions", kite.positions_from_wire, lane=self._orders)

    async def holdings(self) -> list[kite.Holding]:
        """Stock in the demat account."""
        return await self._read("/portfolio/holdings", lambda data: kite.parse_list(kite.Holding, data, "holdings"))

    async def margins(self) -> list[Funds]:
        """Funds by segment."""
        return await self._read("/user/margins", kite.funds_from_wire, lane=self._orders)

    async def order_margins(self, requests: Sequence[OrderRequest]) -> list[kite.OrderMargin]:
        """Margin that each of these orders would ask for."""
        rows = [kite.margin_query(request) for request in requests]
        return await self._calculate(lambda o: kite.parse_list(kite.OrderMargin, o.order_margins(rows), "margins"))

    async def basket_margins(self, requests: Sequence[OrderRequest]) -> kite.BasketMargin:
        """Margin of these orders together, open positions considered."""
        rows = [kite.margin_query(request) for request in requests]
        return await self._calculate(lambda o: kite.parse(kite.BasketMargin, o.basket_order_margins(rows), "basket"))

    async def charges(self, fills: Sequence[Fill]) -> list[kite.ContractNote]:
        """What these executions cost, by Kite's own calculation."""
        rows = [kite.charges_query(fill) for fill in fills]
        return await self._calculate(
            lambda o: kite.parse_list(kite.ContractNote, o.get_virtual_contract_note(rows), "charges")
        )

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

    async def candles(self, instrument: Instrument, interval: Interval, start: datetime, end: datetime) -> list[Bar]:
        """Bars from start to end, oldest first, the running one not closed; as many requests as Kite's caps ask for."""
        if interval is Interval.DAY:
            start = start.astimezone(IST).replace(hour=0, minute=0, second=0, microsecond=0)
        bars: dict[int, Bar] = {}
        for first, last in kite.candle_pages(start, end, interval):
            page = await self._candle_page(instrument.instrument_token, interval, first, last)
            bars.update((bar.start_s, bar) for bar in page)
        return [bars[start_s] for start_s in sorted(bars)]

    async def _candle_page(self, token: int, interval: Interval, first: datetime, last: datetime) -> list[Bar]:
        span = {"from": kite.ist_text(first), "to": kite.ist_text(last), "oi": 1}
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

    async def _send(self, what: str, lane: Lane[Any], work: Callable[[Any], Any], urgent: bool = False) -> str:
        if not self._trades:
            raise Refused(f"{what}: this window only reads from Kite and sends it no orders.", "mode")

        def send(official: Any) -> str:
            try:
                return str(work(official))
            except (LookupError, TypeError):  # the official client takes ["order_id"] of whatever came
                raise Unwelcome(200, "DataException", "the answer holds no order_id", garbled=True) from None

        token = self._token_in_use()
        return await self._call(what, send, lane, rate=Rate.ORDER, token=token, sends=True, urgent=urgent)

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
        return Lane(name, lambda: official_client(self.api_key, self.root, self._timeout_s))

    def _token_in_use(self) -> Token:
        if self._token is None:
            raise SessionEnded("no login is in use: log in first")
        return self._token

    def _ours(self, token: Token) -> Token:
        if token.api_key != self.api_key:
            raise SessionEnded("the stored login belongs to another api_key: log in again")
        return token
