"""A recorded day: its ticks come from files, its orders stay in this process, and nobody logs in.

Nothing that is reachable from here knows an address: neither Kite's REST nor its ticker is loaded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack
from datetime import UTC, date, datetime, time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from alphapanda_desktop.domain.errors import Fatal, LoginFailed
from alphapanda_desktop.domain.ports import Feed
from alphapanda_desktop.domain.session import IST, Profile, Token, recorded
from alphapanda_desktop.replaying.clock import DeskClock, ReplayClock
from alphapanda_desktop.replaying.control import SECOND, Player
from alphapanda_desktop.replaying.day import RecordedDay
from alphapanda_desktop.replaying.errands import UnderWay
from alphapanda_desktop.replaying.feed import ReplayFeed
from alphapanda_desktop.replaying.source import Known
from alphapanda_desktop.replaying.transport import RecordedTransport
from alphapanda_desktop.store.instruments import FileInstrumentCache
from alphapanda_desktop.venues.paperaccount import paper_account
from alphapanda_desktop.venues.venue import OnFrame, Recorded, ReplayOptions, Venue

if TYPE_CHECKING:
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market

WATCHED_FIRST: Final = 40
NO_LOGIN: Final = "A recorded day has no login."


class NoLogin:
    """In the place of a login: whoever asks for one is told that there is none."""

    redirect_url = ""

    def login_url(self) -> str:
        return ""

    def request_token_of(self, address: str) -> str:
        raise LoginFailed(NO_LOGIN)

    async def exchange(self, request_token: str) -> Token:
        raise LoginFailed(NO_LOGIN)

    async def profile(self, token: Token) -> Profile:
        raise LoginFailed(NO_LOGIN)

    async def log_out(self, token: Token) -> None:
        """Nothing: nobody is logged in."""


async def replay_venue(
    stack: AsyncExitStack, options: ReplayOptions, masters: Path, told: Callable[[str], None]
) -> Venue:
    """Open a recorded day, paused where it is to begin. `masters` is where the days' instruments are kept.

    Raises Fatal for files that cannot be read, BadData for what is no recording of one day.
    """
    known = await _master_of(options.files, masters)
    try:
        day = await RecordedDay.open(
            options.files, known, lambda part: told(f"Reading the recording… {part:.0%}"), keys=dict(options.keys)
        )
    except OSError as error:
        raise Fatal(f"The recording cannot be read: {error.filename}: {error.strerror}.") from error
    stack.callback(day.close)
    strange = [i.key for i in day.played.instruments if i.tradable and known(i.key) is None]
    return await _venue(day, options, tuple(_notices(day, options, strange)))


def _notices(day: RecordedDay, options: ReplayOptions, strange: Sequence[str]) -> Iterator[str]:
    if options.at_ns:
        at = datetime.fromtimestamp(options.at_ns / SECOND, IST)
        yield f"The day begins anew at {at:%H:%M:%S}: books are empty, and what ran before has ended."
    if not day.real_hours:
        yield "Recorded outside the exchange's hours: orders are taken at any time."
    if strange:
        yield (
            "That day's instrument list is not kept here: lots count one, and tick sizes are read from the prices. "
            f"That is so of {', '.join(strange[:3])}{' and others' if len(strange) > 3 else ''}."
        )


async def _venue(day: RecordedDay, options: ReplayOptions, notices: tuple[str, ...]) -> Venue:
    at_ns = min(max(options.at_ns or _at(day, options.at), day.begin_ns), day.end_ns)
    clock = day.clock = ReplayClock(at_ns)
    desk_clock = DeskClock(clock)
    player = Player(day.played, clock, desk_clock)
    player.set_speed(options.speed)
    snapshot = await day.snapshot(at_ns)
    problems: dict[str, int] = {}
    transport = RecordedTransport(_name(options.files), day, player, problems)
    under_way = UnderWay()

    def feed(on_frame: OnFrame | None) -> Feed:
        return ReplayFeed(player, snapshot, on_frame, problems)

    def follow(market: Market, desk: Desk) -> None:
        under_way.news_waits = lambda: desk.news_waits
        player.each_second = market.advance
        player.busy = under_way.__bool__

    def rewound(hear: Callable[[int], None]) -> None:
        transport.on_rewind = hear

    session = recorded(datetime.fromtimestamp(at_ns / SECOND, UTC))
    return Venue(
        mode="replay",
        clock=desk_clock,
        client=day,
        login=NoLogin(),
        login_hosts=frozenset(),
        feed_root="",
        open_account=partial(paper_account, desk_clock, lambda: day.real_hours),
        watch_keys=_first_watched(day),
        real_hours=day.real_hours,
        recorded=Recorded(session, clock, transport, feed, under_way.seats, follow, rewound, notices),
        scope=under_way.scope,
    )


def _first_watched(day: RecordedDay) -> tuple[str, ...]:
    """What a first watchlist shows: those that ticked most, by name."""
    busiest = set(day.minutes.busiest(WATCHED_FIRST))
    return tuple(row.key for row in day.played.instruments if row.instrument_token in busiest)


def _at(day: RecordedDay, at: time | None) -> int:
    """That time of the recorded day in India; its beginning without one."""
    if at is None:
        return day.begin_ns
    local = datetime.fromtimestamp(day.begin_ns / SECOND, IST)
    return int(datetime.combine(local.date(), at, IST).timestamp()) * SECOND


def _name(files: tuple[Path, ...]) -> str:
    return files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"


async def _master_of(files: tuple[Path, ...], masters: Path) -> Known:
    """Rows of the recorded day's own master where it is still kept; those of another day are of other contracts."""
    try:
        day = date.fromisoformat(files[0].name[:10])
    except ValueError:
        return lambda _key: None
    rows = await FileInstrumentCache(masters).load(day.isoformat()) or []
    found = {instrument.key: instrument for instrument in rows}
    return found.get
