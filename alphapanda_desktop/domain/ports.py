"""What the desk needs from the outside, as Protocols: brokers, feeds, history, login, clock, journal, vault.

Adapters in kite/, sim/ and store/ satisfy these; only app.py knows which.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol, runtime_checkable

from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Bar, Interval, Mode, Tick
from alphapanda_desktop.domain.masterchanges import MasterChanges
from alphapanda_desktop.domain.orders import Fill, Order, OrderChange, OrderRequest
from alphapanda_desktop.domain.positions import Position
from alphapanda_desktop.domain.session import AsksProfile, Session, Token
from alphapanda_desktop.domain.why import Cause


class Clock(Protocol):
    """Where now comes from; tests and replay bring their own."""

    def now(self) -> datetime:
        """Aware UTC."""
        ...

    def now_ns(self) -> int:
        """Epoch nanoseconds."""
        ...

    def monotonic_s(self) -> float:
        """Seconds that never step back, for measuring and deadlines."""
        ...


class LinkState(StrEnum):
    """What a feed's connection is doing."""

    OFF = "off"
    CONNECTING = "connecting"
    UP = "up"
    WAITING = "waiting to reconnect"
    REFUSED = "refused: login needed"


@dataclass(frozen=True, slots=True)
class LinkReport:
    """A change of a feed's connection, in words a person can read. `retry_in_s` is set while waiting."""

    state: LinkState
    detail: str = ""
    retry_in_s: float = 0.0


class FeedSink(Protocol):
    """Who hears from a feed; every call comes on the loop and must return quickly."""

    def ticks(self, ticks: Sequence[Tick]) -> None: ...

    def order(self, order: Order) -> None:
        """An update of any order of the user, from any program; may repeat, overtake, or be missed."""
        ...

    def link(self, report: LinkReport) -> None: ...

    def notice(self, kind: str, text: str) -> None:
        """Words from the broker: kind is Kite's message type ("message", "error", or one it has yet to tell us)."""
        ...


class Feed(Protocol):
    """A live source of ticks for one session."""

    def watch(self, tokens: Iterable[int], mode: Mode) -> None:
        """Want these instruments in this mode from now on, connected or not."""
        ...

    def unwatch(self, tokens: Iterable[int]) -> None: ...

    def renew(self, session: Session) -> None:
        """Go on with a new session in place: same subscriptions, new token."""
        ...

    async def run(self, sink: FeedSink) -> None:
        """Connect and stay connected until cancelled."""
        ...


@dataclass(frozen=True, slots=True)
class Funds:
    """Money of one segment in rupees: `live_balance` can be used now, `net` is what remains after utilisation."""

    segment: str
    net: float
    live_balance: float
    opening_balance: float
    utilised: float
    enabled: bool = True


@runtime_checkable
class TellsQuotes(Protocol):
    """A broker that can be asked for the quotes of instruments that do not tick."""

    async def quotes(self, keys: Iterable[str]) -> dict[str, Tick]:
        """Full snapshots of now by "EXCHANGE:SYMBOL"; what it does not know is absent."""
        ...


class Broker(Protocol):
    """Where orders go. Every call may raise Retry, Rejected, NotPermitted, SessionEnded; placing also Unknown."""

    async def place(self, request: OrderRequest) -> str:
        """Kite's order_id: accepted for processing, never a promise of execution. Never retried inside.

        Raises Unknown when no answer came: the order may exist.
        """
        ...

    async def modify(self, order: Order, change: OrderChange) -> str: ...

    async def cancel(self, order: Order) -> str: ...

    async def orders(self) -> list[Order]:
        """The day's book, oldest first."""
        ...

    async def order_history(self, order_id: str) -> list[Order]: ...

    async def fills(self) -> list[Fill]:
        """All executions of the day."""
        ...

    async def positions(self) -> list[Position]:
        """Net positions."""
        ...

    async def funds(self) -> list[Funds]: ...

    def renew(self, session: Session) -> None: ...


class History(Protocol):
    """Past candles."""

    async def candles(self, instrument: Instrument, interval: Interval, start: datetime, end: datetime) -> list[Bar]:
        """Bars from start to end, oldest first, the running one included and marked not closed.

        Longer spans than Kite allows in one request are fetched in pieces.
        """
        ...


class Instruments(Protocol):
    """The day's instrument master."""

    async def instruments(self) -> list[Instrument]: ...


class Login(AsksProfile, Protocol):
    """The steps of Kite's login that happen outside the browser."""

    @property
    def redirect_url(self) -> str: ...

    def login_url(self) -> str:
        """Where the person logs in."""
        ...

    def request_token_of(self, address: str) -> str:
        """The request_token in an address that the browser was sent to.

        Raises LoginFailed, with what to do, where the address carries none or says the login did not succeed.
        """
        ...

    async def exchange(self, request_token: str) -> Token:
        """Trade the single-use request_token for an access token. Raises LoginFailed, Offline."""
        ...

    async def log_out(self, token: Token) -> None:
        """End the API session at Kite; Kite's own web and mobile sessions live on."""
        ...


class Vault(Protocol):
    """Secrets in the operating system's keyring. Calls may block and run off the loop inside."""

    @property
    def where(self) -> str:
        """Name of the store in words, or why nothing is kept beyond this run."""
        ...

    @property
    def lasting(self) -> bool:
        """Whether what is put here survives the program."""
        ...

    async def get(self, name: str) -> str | None: ...

    async def put(self, name: str, secret: str) -> None: ...

    async def drop(self, name: str) -> None: ...


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A login as it is remembered: never the token. Times aware UTC; `ended_how` empty while it lives."""

    id: int
    user_id: str
    login_time: datetime
    expires_at: datetime
    ended_at: datetime | None = None
    ended_how: str = ""


@dataclass(frozen=True, slots=True)
class IntentRow:
    """An order as it was meant, written before it was sent, with what is known of it since.

    `state` is "intended", "sent", "unknown", "refused" or "rejected"; `order_id` is empty until it is known.
    """

    request: OrderRequest
    state: str
    order_id: str
    at: datetime
    detail: str = ""


@dataclass(frozen=True, slots=True)
class IntentState:
    """One thing that became of an intent: `state` as in IntentRow, `order_id` where it was known by then."""

    state: str
    at: datetime
    order_id: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class RunRow:
    """One run of a strategy, from Start to Stop. `parameters` and `instruments` as they were at Start."""

    run_id: str
    strategy: str
    instruments: tuple[str, ...]
    parameters: Mapping[str, object]
    started_at: datetime
    stopped_at: datetime | None = None
    how: str = ""


@dataclass(frozen=True, slots=True)
class Event:
    """Something worth keeping that is none of the above: risk refusals, kill switch, reconciliation, warnings."""

    kind: str
    at: datetime
    detail: Mapping[str, object] = field(default_factory=dict)


class Journal(Protocol):
    """Append-only memory of a venue; every call returns once the row is safely on disk."""

    async def session_began(self, user_id: str, login_time: datetime, expires_at: datetime) -> int:
        """Row id of the session."""
        ...

    async def session_ended(self, row_id: int, at: datetime, how: str) -> None: ...

    async def sessions(self, limit: int = 50) -> list[SessionRow]:
        """Newest first."""
        ...

    async def intend(self, request: OrderRequest, at: datetime, cause: Cause | None = None) -> None:
        """Written and synced, with what it was decided on, before the order may be sent.

        Raises Fatal where the disk does not take it.
        """
        ...

    async def settle(self, tag: str, state: str, at: datetime, order_id: str = "", detail: str = "") -> None:
        """What became of an intent."""
        ...

    async def intents(self, since: datetime) -> list[IntentRow]:
        """Intents since then with their latest state, oldest first."""
        ...

    async def intent_of(self, name: str) -> IntentRow | None:
        """The intent behind a tag or an order id; None for an order that was made elsewhere."""
        ...

    async def intent_states(self, tag: str) -> list[IntentState]:
        """All that became of one intent, oldest first."""
        ...

    async def cause(self, tag: str) -> Cause | None:
        """What an intent was decided on; None where nothing was written of it."""
        ...

    async def history(self, name: str) -> list[tuple[datetime, Order]]:
        """Every picture of one order, by its tag or its order id, with when it was seen, oldest first."""
        ...

    async def fills_of(self, order_id: str) -> list[Fill]:
        """Executions of one order, oldest first."""
        ...

    async def fills_in(self, exchange: str, tradingsymbol: str, product: str, strategy: str) -> list[Fill]:
        """All executions that one run ("" for no run) has made of one position, of every day, oldest first."""
        ...

    async def order_seen(self, order: Order, at: datetime) -> None: ...

    async def orders(self, since: datetime) -> list[Order]:
        """Latest picture of each order seen since then."""
        ...

    async def fill_seen(self, fill: Fill, at: datetime, strategy: str = "") -> bool:
        """False if this fill was known already."""
        ...

    async def fills(self, since: datetime) -> list[tuple[Fill, str]]:
        """Fills with the run id of the strategy that owns them, oldest first."""
        ...

    async def run_began(self, run: RunRow) -> None: ...

    async def run_ended(self, run_id: str, at: datetime, how: str) -> None: ...

    async def runs(self, since: datetime) -> list[RunRow]: ...

    async def note(self, event: Event) -> None: ...

    async def events(self, since: datetime, kind: str = "") -> list[Event]: ...

    async def events_about(self, name: str, since: datetime) -> list[Event]:
        """Events since then whose detail has this very text (a tag, an order id) for a value, oldest first."""
        ...


class InstrumentCache(Protocol):
    """The day's master, kept so that a second start does not fetch it again."""

    async def load(self, day: str) -> list[Instrument] | None:
        """Master saved for that ISO date, or None."""
        ...

    async def save(self, day: str, instruments: Sequence[Instrument]) -> None: ...

    async def changes(self, day: str) -> MasterChanges | None:
        """What was different that day from the master kept before it; None where that is not known."""
        ...


Now = Callable[[], datetime]
