"""What the panels ask of the program as a whole: the trail of an order, the preflight, backtests, what is watched."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from alphapanda_desktop.preload import BENCH, REVIEW, preload

if TYPE_CHECKING:
    from alphapanda_desktop.domain.instruments import InstrumentMaster
    from alphapanda_desktop.domain.masterchanges import MasterChanges
    from alphapanda_desktop.domain.ports import Vault
    from alphapanda_desktop.domain.preflight import Check
    from alphapanda_desktop.domain.strategy import Strategy
    from alphapanda_desktop.domain.watchlists import WatchedList
    from alphapanda_desktop.options import Options
    from alphapanda_desktop.settings import Settings
    from alphapanda_desktop.store.journal import SqlJournal
    from alphapanda_desktop.testbench import TestBench
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.why import Trail
    from alphapanda_desktop.ui.backtestparts import Bench
    from alphapanda_desktop.ui.datamanager import Room
    from alphapanda_desktop.ui.reportparts import Review
    from alphapanda_desktop.venues.venue import Venue


class Answers:
    """Exists while a desk is open; `close` ends the workers of its backtests."""

    def __init__(
        self,
        options: Options,
        settings: Settings,
        mode: str,
        venue: Venue,
        vault: Vault,
        market: Market,
        desk: Desk,
        journal: SqlJournal,
        strategies: Mapping[str, type[Strategy]],
        tell: Callable[[str], None],
    ) -> None:
        self._options = options
        self._settings = settings
        self._mode = mode
        self._venue = venue
        self._vault = vault
        self._market = market
        self._desk = desk
        self._journal = journal
        self._strategies = strategies
        self._tell = tell
        self._tests: TestBench | None = None

    async def bench(self) -> Bench:
        """What plays backtests; made, and imported, when the first one is asked for."""
        await preload(BENCH)
        from alphapanda_desktop.testbench import bench_of

        if self._tests is None:
            own, master = self._options, self._market.master
            self._tests = bench_of(own.folder, own.practice, self._venue, master, self._strategies, self._tell)
        return self._tests

    async def review(self) -> Review:
        """What reads the journal for the review."""
        await preload(REVIEW)
        from alphapanda_desktop.review import JournalReview

        options, find = self._options, self._market.master.by_key
        path = options.database(self._mode)
        return JournalReview(options.folder, path, self._journal, find, self._venue.clock, self._mode)

    def room(self) -> Room:
        """What looks at the profile's folder, and cleans it up."""
        from alphapanda_desktop.dataroom import DataRoom
        from alphapanda_desktop.domain.session import IST

        def tested() -> bool:
            return self._tests is not None and self._tests.playing > 0

        return DataRoom(self._options.folder, lambda: self._venue.clock.now().astimezone(IST).date(), tested)

    def close(self) -> None:
        """End what plays backtests."""
        tests, self._tests = self._tests, None
        if tests is not None:
            tests.close()

    def watch_keys(self, master: InstrumentMaster) -> list[str]:
        """The watchlist to show: what was left, else the venue's first one, of instruments that exist today."""
        keys = self._settings.window.watchlist.get(self._mode) or list(self._venue.watch_keys)
        known = [key for key in keys if master.by_key(key)]
        return known or [i.key for i in list(master)[:6]]

    def watch_lists(self) -> tuple[Sequence[WatchedList], int]:
        """The lists of this mode, and which of them was shown."""
        kept = self._settings.watchlists
        return kept.lists.get(self._mode, ()), kept.shown.get(self._mode, 0)

    async def changes(self) -> MasterChanges | None:
        """What is different in today's instruments; None where no earlier list is kept, as in practice."""
        from alphapanda_desktop.daymaster import day_changes

        return await day_changes(self._venue, self._options.folder / "instruments")

    async def preflight(self) -> list[Check]:
        """Whether everything is ready for the day."""
        from alphapanda_desktop.preflight import Places, preflight

        roots = self._options.roots if self._mode in ("paper", "live") else None
        rest, feed = (roots.rest, roots.feed) if roots is not None else ("", "")
        places = Places(self._options.folder, self._mode, rest, feed, self._settings.account.api_key)
        return await preflight(places, self._vault, self._venue.clock.now)

    async def why(self, name: str) -> Trail:
        """The trail of an order, by its tag or order id."""
        from alphapanda_desktop.trading.why import why

        find = self._market.master.by_key
        return await why(self._journal, self._desk.ledger, name, price_of=self._price_of, find=find)

    def _price_of(self, key: str) -> float | None:
        instrument = self._market.master.by_key(key)
        tick = self._market.latest(instrument.instrument_token) if instrument else None
        return tick.last_price if tick else None
