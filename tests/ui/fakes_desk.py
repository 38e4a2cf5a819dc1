"""The real desk, market and runner over a fake broker, journal and feed: what the panels are tested on."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.matching import Quote
from alphapanda_desktop.domain.orders import Order
from alphapanda_desktop.domain.risk import DEFAULT_LIMITS
from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.trading.arming import Arming
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.runner import Runner
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.ui.edge import Edge, FrameClock
from alphapanda_desktop.ui.theme import DARK, Theme
from tests.fakes import FakeBroker, FakeJournal, a_session
from tests.ui.fakes_market import ALL, INFY, MarketStage

LIMITS = replace(DEFAULT_LIMITS, price_band_pct=50.0)


class DeskStage(MarketStage):
    """A desk that is open, with its broker, journal and notices in the test's hands."""

    def __init__(self, scope: Scope, *, live: bool, theme: Theme, strategies: Mapping[str, type[Strategy]]) -> None:
        super().__init__(*ALL)
        self.broker = FakeBroker(Quote(1500.0))
        self.broker.clock.at = self.clock.at
        self.journal = FakeJournal()
        self.notices: list[tuple[str, str]] = []
        self.errors: list[str] = []
        self.edge = Edge(scope, FrameClock(), lambda text, level: self.notices.append((text, level)), theme)
        self.arming = Arming(self.clock, needed=live)
        session = a_session(self.clock.now())
        self.desk = Desk(session, self.broker, self.journal, self.market, self.clock, LIMITS, scope, self.arming)
        self.runner = Runner(session, self.desk, self.market, self.journal, self.clock, strategies, scope)
        self.broker.on_order = self.market.take_order

    def price(self, instrument: Instrument, price: float) -> None:
        """A tick, and the same price at the broker."""
        self.tick(instrument, price, 1000)
        self.broker.quote = Quote(price)

    def give_history(self) -> None:
        """Past minutes for every instrument."""
        for instrument in ALL:
            self.fill_history(instrument, Interval.MINUTE)

    def frame(self, times: int = 1) -> None:
        """Draw that many frames."""
        for _ in range(times):
            self.edge.frames.beat()

    def order(self, order_id: str, status: str, **more: object) -> Order:
        """Put a row into the book as Kite would tell it."""
        words: dict[str, object] = {
            "exchange": "NSE",
            "tradingsymbol": "INFY",
            "transaction_type": "BUY",
            "quantity": 10,
            "product": "MIS",
            "order_type": "LIMIT",
            "price": 1500.0,
            "instrument_token": 408065,
            "order_timestamp": self.clock.now(),
        }
        order = Order(order_id=order_id, status=status, **{**words, **more})  # type: ignore[arg-type]
        self.broker.book[order_id] = [order]
        self.desk.take_update(order)
        return order


@asynccontextmanager
async def a_desk(
    *, live: bool = False, theme: Theme = DARK, strategies: Mapping[str, type[Strategy]] = SHIPPED
) -> AsyncIterator[DeskStage]:
    """An open desk with a price of INFY; leaving it ends all its tasks. Errors the test does not clear fail it."""
    errors: list[str] = []
    async with Scope("stage", lambda name, error: errors.append(f"{name}: {error!r}")) as scope:
        stage = DeskStage(scope, live=live, theme=theme, strategies=strategies)
        stage.errors = errors
        await stage.desk.open()
        stage.price(INFY, 1500.0)
        yield stage
        stage.runner.close()
    assert errors == []
