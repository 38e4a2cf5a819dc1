"""What a venue is: its clock, its login and feed before anybody has logged in, and its account behind the login."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field, replace
from datetime import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Protocol

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.trading.scope import OnError, Scope

if TYPE_CHECKING:  # the journal is opened before the venue, and does not wait for what the venue needs
    from alphapanda_desktop.domain.instruments import Instrument, InstrumentMaster
    from alphapanda_desktop.domain.portfolio import Calculator, Gtts, Portfolio
    from alphapanda_desktop.domain.ports import Broker, Clock, Feed, History, Instruments, Journal, Login, Vault
    from alphapanda_desktop.domain.replay import Transport
    from alphapanda_desktop.domain.session import Session, Token
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.seat import SeatMaker

    class Reader(History, Instruments, Protocol):
        """Where history and the master come from, in the name of a token."""

        def use(self, token: Token) -> None: ...


KITE_HOSTS: Final = frozenset({"kite.zerodha.com", "kite.trade", "zerodha.com"})
"""Hosts, with their subdomains, that the login view may show."""

API_SECRET: Final = "api_secret"
"""Name of the secret in the vault."""

WATCHED: Final = ("NSE:NIFTY 50", "NSE:INFY", "NSE:RELIANCE", "NSE:SBIN", "NSE:HDFCBANK", "NSE:TCS", "NSE:ICICIBANK")
"""What a first watchlist shows."""


@dataclass(frozen=True, slots=True)
class Roots:
    """Where a Kite is served; other addresses than Zerodha's own are for tests."""

    rest: str = "https://api.kite.trade"
    feed: str = "wss://ws.kite.trade"
    login: str = "https://kite.zerodha.com"
    hosts: frozenset[str] = KITE_HOSTS


ZERODHA: Final = Roots()


@dataclass(frozen=True, slots=True)
class PracticeOptions:
    """How the practice exchange is started; `ticks` replays recordings instead of the made-up market."""

    seed: int = 7
    scenario: str = "calm"
    speed: float = 1.0
    ticks: tuple[Path, ...] = ()
    clock: str = ""
    switches: tuple[str, ...] = ()

    def arguments(self, state: Path) -> list[str]:
        arguments = ["--seed", str(self.seed), "--scenario", self.scenario, "--speed", str(self.speed)]
        arguments += ["--state", str(state)]
        for path in self.ticks:
            arguments += ["--ticks", str(path)]
        for switch in self.switches:
            arguments += ["--switch", switch]
        return arguments


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """Which recorded day is played, and from when: an epoch nanosecond, else a time of its day, else its beginning.

    `keys` names the instrument of a CSV whose own name does not tell it.
    """

    files: tuple[Path, ...]
    at_ns: int = 0
    at: time | None = None
    speed: float = 1.0
    keys: tuple[tuple[Path, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Needs:
    """What an account is opened with: all of it exists only behind the login."""

    session: Session
    market: Market
    master: InstrumentMaster
    journal: Journal
    opening_cash: float


@dataclass(frozen=True, slots=True)
class Account:
    """Where orders go, and what stands beside them; what the venue has not is None."""

    broker: Broker
    gtts: Gtts | None = None
    portfolio: Portfolio | None = None
    calculator: Calculator | None = None
    chores: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    """Coroutines that run as long as the account is open."""


def guarded(desk: Desk, account: Account) -> Account:
    """The same account, with what writes to it behind the desk's gate."""
    return replace(
        account,
        gtts=desk.guard_gtts(account.gtts) if account.gtts else None,
        portfolio=desk.guard_portfolio(account.portfolio) if account.portfolio else None,
    )


OnFrame = Callable[[int, bytes], None]
"""Hears each frame of a feed as it came, with the epoch nanoseconds at which it was read."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What a venue has in addition where its market was recorded.

    `session` stands in for a login. `clock` is the market's; the venue's own goes on where the market stands.
    """

    session: Session
    clock: Clock
    transport: Transport
    feed: Callable[[OnFrame | None], Feed]
    seats: Callable[[SeatMaker], SeatMaker]
    """The same seats, whose strategies' answers the day waits for."""
    follow: Callable[[Market, Desk], None]
    """Keeps the market's bars in step with the day, and the day with what it has caused."""
    rewound: Callable[[Callable[[int], None]], None]
    """Says who hears that the day is to begin anew at an earlier time."""
    notices: tuple[str, ...] = ()
    """What a person should know of this replay."""


@dataclass(slots=True)
class Venue:
    """One place to trade, before anybody has logged in: only its login works without a session.

    `real_hours` says that orders are held to the exchanges' hours.
    """

    mode: str
    clock: Clock
    client: Reader
    login: Login
    login_hosts: frozenset[str]
    feed_root: str
    open_account: Callable[[Needs], Awaitable[Account]]
    hint: str = ""
    watch_keys: tuple[str, ...] = WATCHED
    real_hours: bool = True
    chores: list[Callable[[], Coroutine[Any, Any, None]]] = field(default_factory=list)
    """Coroutines that run as long as the venue does."""
    recorded: Recorded | None = None
    scope: Callable[[str, OnError], Scope] = Scope
    """What the desk's tasks live in."""

    @property
    def market_clock(self) -> Clock:
        """The time that prices grow old by."""
        return self.recorded.clock if self.recorded else self.clock

    def feed(self, session: Session, on_frame: OnFrame | None = None) -> Feed:
        """Live ticks of a session; `on_frame` hears each frame as it came."""
        if self.recorded:
            return self.recorded.feed(on_frame)
        from alphapanda_desktop.kite.contract import order_from_wire
        from alphapanda_desktop.kite.ticker import Ticker

        return Ticker(session, self.clock, self.feed_root, order_of=order_from_wire, on_frame=on_frame)

    def seats(self, make: SeatMaker) -> SeatMaker:
        """Where its strategies sit."""
        return self.recorded.seats(make) if self.recorded else make

    def attend(self, market: Market, desk: Desk, rewound: Callable[[int], None]) -> None:
        """Follow a desk that was opened on it; `rewound` hears from where a recorded day is to begin anew."""
        if self.recorded:
            self.recorded.follow(market, desk)
            self.recorded.rewound(rewound)

    def history(self) -> History:
        return self.client

    async def instruments(self, session: Session) -> list[Instrument]:
        """The day's master."""
        return await self.client.instruments()


async def secret_of(vault: Vault) -> str:
    """The person's api_secret. Raises Fatal where it is gone from the keyring."""
    secret = await vault.get(API_SECRET)
    if not secret:
        raise Fatal("The api_secret is not in the keyring. Enter it again on the first page.")
    return secret
