"""The composition root: builds every part in order, starts and stops it; only __main__ and the tour import this.

The start order is store → venue → session gate → market → desk (reconciles before it accepts) → runner → panels;
everything is pushed on one exit stack, so stopping is the same page read upwards. Nothing that needs a login is
built before `gate.wait_open` has given a verified Session.
"""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from alphapanda_desktop import settings as settings_
from alphapanda_desktop.admission import Admission
from alphapanda_desktop.care import Care
from alphapanda_desktop.domain.errors import AlphaPandaError
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.figures import Watched
from alphapanda_desktop.keptlimits import KeptLimits
from alphapanda_desktop.noticing import Deliveries, open_alerts
from alphapanda_desktop.options import Options
from alphapanda_desktop.preload import DESK, VENUES, preload
from alphapanda_desktop.profiles import Profiles
from alphapanda_desktop.replaywindow import forget_replay, recorded_days, replay_command, replay_window
from alphapanda_desktop.single import hold
from alphapanda_desktop.store.backup import keep_daily, restore_asked
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.threads import in_daemon_thread
from alphapanda_desktop.store.vault import KeyringVault, service_of
from alphapanda_desktop.trading.scope import Scope
from alphapanda_desktop.trading.session import GateState, SessionGate
from alphapanda_desktop.trading.shedding import Kind
from alphapanda_desktop.updating import offer_updates
from alphapanda_desktop.upkeep import Upkeep, keep_login, watch_journal
from alphapanda_desktop.venues.venue import Needs, guarded

if TYPE_CHECKING:  # what is needed behind the login is imported there, after a thread has: see preload.py
    from alphapanda_desktop.answers import Answers
    from alphapanda_desktop.domain.instruments import InstrumentMaster
    from alphapanda_desktop.domain.ports import Vault
    from alphapanda_desktop.domain.session import Session
    from alphapanda_desktop.store.recorder import Recorder
    from alphapanda_desktop.strategyfiles import OwnFiles
    from alphapanda_desktop.trading.alerts import AlertBook
    from alphapanda_desktop.trading.arming import Arming
    from alphapanda_desktop.trading.coverage import StopCoverage
    from alphapanda_desktop.trading.desk import Desk
    from alphapanda_desktop.trading.market import Market
    from alphapanda_desktop.trading.runner import Runner
    from alphapanda_desktop.trading.seat import SeatMaker
    from alphapanda_desktop.ui.edge import Edge
    from alphapanda_desktop.ui.settingssheet import Keeper
    from alphapanda_desktop.ui.shell import MainWindow
    from alphapanda_desktop.venues.venue import Account, Venue

log = logging.getLogger("alphapanda.app")

STOP_LIMIT_S: Final = 20.0
"""How long strategies and orders may take to stop before the program ends all the same."""

FILES_WAIT_S: Final = 10.0
"""How long today's earlier runs wait for people's own strategies to be known; later they have no form."""


class Program:
    """One run of the program: owns every part, and shows them to a driver (the tour, a test)."""

    def __init__(self, options: Options, window: MainWindow, edge: Edge, settings: settings_.Settings) -> None:
        self._options = options
        self._window = window
        self._edge = edge
        self._settings = settings
        self._admission = Admission(options, settings, window, self._vault, self._save_settings)
        self._closing = asyncio.Event()
        window.closed.connect(self._closing.set)
        window.recorded_days = partial(recorded_days, options.folder / "recordings")
        window.recordings_wanted.connect(self._open_replay)
        window.keeper = self._keeper
        window.shelf = Profiles(options.folder.parents[1], options.folder.name, hold)
        self._vaults: dict[str, KeyringVault] = {}
        self.care = Care(window, edge, options, lambda: settings.account.api_key, self._vault)
        offer_updates(window, edge, options.folder, settings.updates.address)
        self._open = False
        self._restored = ""
        """What was done for a person who wanted to go back to a backup."""
        self._meter: object = None
        self._upkeep: Upkeep | None = None
        self.rewound_to: int | None = None
        """Where in a recorded day another program is to begin, once this one has ended."""
        self.speed = 1.0
        """How fast that day was played."""
        self.mode = ""
        self.venue: Venue | None = None
        self.journal: SqlJournal | None = None
        self.gate: SessionGate | None = None
        self.market: Market | None = None
        self.desk: Desk | None = None
        self.runner: Runner | None = None
        self.alerts: AlertBook | None = None
        self.deliveries: Deliveries | None = None
        self.answers: Answers | None = None
        self.files: OwnFiles | None = None

    async def run(self, drive: Callable[[Program], Coroutine[Any, Any, None]] | None = None) -> int:
        """Live until the window is closed; the exit code. `drive` plays a person meanwhile."""
        async with Scope("program", self._failed) as scope:
            life = scope.spawn("life", self._live())
            if drive is not None:
                scope.spawn("drive", drive(self))
            closing = scope.spawn("closing", self._closing.wait())
            await asyncio.wait({life, closing}, return_when=asyncio.FIRST_COMPLETED)
            if self._open:  # it stops by itself, and leaving the scope now would cut that short
                await asyncio.wait({life}, timeout=STOP_LIMIT_S)
            return 0 if closing.done() else 1

    def close(self) -> None:
        """Ask the program to end, as closing the window does."""
        self._closing.set()

    async def _live(self) -> None:
        while True:
            try:
                async with AsyncExitStack() as stack:
                    if not await self._start(stack):
                        continue
                    self._open = True
                    await self._closing.wait()
                    self._window.show_busy("Stopping strategies and closing…", stoppable=False)
                    return
            except AlphaPandaError as error:
                log.error("could not start: %s", error)
                await self._ask_to_retry(error)

    async def _ask_to_retry(self, error: AlphaPandaError) -> None:
        again = asyncio.Event()
        self._window.show_problem("AlphaPanda could not start", str(error), again.set)
        await again.wait()

    # -- the start, in order ---------------------------------------------------------------------------------

    async def _start(self, stack: AsyncExitStack) -> bool:
        """Start everything; False where it has to begin anew, with another key and secret."""
        self.mode = await self._admission.mode()
        self._window.set_mode(self.mode)
        self._window.show_busy("Opening the journal…")
        self.journal = await self._open_journal(stack)
        vault = self._vault(self.mode)
        self.venue = venue = await self._open_venue(stack, vault)
        # After the venue, so that what talks to it ends before it does.
        scope = await stack.enter_async_context(venue.scope(self.mode, self._failed))
        journal = self.journal
        scope.spawn("journal watched", watch_journal(lambda: journal.trouble, self._tell))
        today = venue.clock.now().astimezone(IST).date()
        if venue.recorded is None:
            scope.spawn(
                "database backup", keep_daily(self._options.database(self.mode), today, self._tell, self._edge.works)
            )
        for chore in venue.chores:
            scope.spawn("venue", chore())
        self.gate = gate = SessionGate(venue.login, vault, self.journal, venue.clock)
        gate.changed.connect(self._gate_changed)
        session = await self._admission.log_in(scope, gate, venue, self.mode)
        if session is not None:
            await self._open_desk(stack, scope, session, vault)
        return session is not None

    def _keeper(self) -> Keeper:
        from alphapanda_desktop.preferences import Preferences

        return Preferences(self._settings, self._options.settings_file)

    def _vault(self, mode: str) -> Vault:
        if self._options.vault is not None:
            return self._options.vault
        if mode not in self._vaults:  # one object for all, for it may be the only place where a secret is kept
            self._vaults[mode] = KeyringVault(service_of(mode, self._options.profile, self._options.folder))
        return self._vaults[mode]

    async def _open_journal(self, stack: AsyncExitStack) -> SqlJournal:
        path = self._options.database(self.mode)
        if self.mode == "replay":
            forget_replay(path)
        restored = await asyncio.wrap_future(
            in_daemon_thread("restore", lambda: restore_asked(path, datetime.now(IST)))
        )
        self._restored = restored
        database = Database(path)
        await database.open()
        stack.push_async_callback(database.close)
        return SqlJournal(database)

    async def _open_venue(self, stack: AsyncExitStack, vault: Vault) -> Venue:
        await preload(VENUES[self.mode])
        if self.mode == "practice":
            from alphapanda_desktop.venues.kite import practice_venue

            self._window.show_busy("Starting the practice exchange…")
            return await practice_venue(stack, self._options.folder, self._options.practice, self._tell)
        if self.mode == "replay":
            from alphapanda_desktop.venues.replay import replay_venue

            assert self._options.replay is not None
            masters = self._options.folder / "instruments"
            return await replay_venue(stack, self._options.replay, masters, self._window.show_busy)
        await self._admission.keys(self.mode)
        account, roots = self._settings.account, self._options.roots
        if self.mode == "paper":
            from alphapanda_desktop.venues.paper import paper_venue

            return await paper_venue(stack, account.api_key, account.redirect_url, vault, roots)
        from alphapanda_desktop.venues.kite import live_venue

        return await live_venue(stack, account.api_key, account.redirect_url, vault, roots)

    async def _open_desk(self, stack: AsyncExitStack, scope: Scope, session: Session, vault: Vault) -> None:
        await preload(DESK)
        from alphapanda_desktop.daymaster import day_master, prepare_search
        from alphapanda_desktop.trading.arming import Arming
        from alphapanda_desktop.trading.coverage import StopCoverage
        from alphapanda_desktop.trading.desk import Desk
        from alphapanda_desktop.trading.governor import Governor
        from alphapanda_desktop.trading.market import Market
        from alphapanda_desktop.trading.metering import MeteredSink, time_orders
        from alphapanda_desktop.trading.runner import Runner

        venue, journal, gate = self.venue, self.journal, self.gate
        assert venue is not None and journal is not None and gate is not None
        venue.client.use(session.token)
        files = self._own_files(scope)  # early: whoever traded yesterday is told below
        self._window.show_busy("Loading the day's instruments…")
        keys = self._settings.window.watchlist.get(self.mode, ())
        master = await day_master(venue, session, self._options.folder / "instruments", keys, self._tell)
        recorder = self._recorder(master)
        meter = self._edge.meter
        feed = venue.feed(session, meter.heard(recorder.frame if recorder else None))
        self.market = market = Market(
            session, feed, venue.history(), master, venue.market_clock, scope, hours=venue.real_hours
        )
        account = await venue.open_account(Needs(session, market, master, journal, self._settings.paper.opening_cash))
        time_orders(account.broker, meter)
        arming = Arming(venue.clock, needed=self.mode == "live")
        self.desk = desk = Desk(
            session, account.broker, journal, market, venue.clock, self._settings.risk.limits, scope, arming,
            governor=Governor(venue.clock, self._settings.risk.order_limits), hours=venue.real_hours,
        )  # fmt: skip
        KeptLimits(lambda: self._settings.risk, self._save_settings, self._tell).follow(stack, desk)
        seats = venue.seats(self._seats())
        self.runner = runner = Runner(session, desk, market, journal, venue.clock, files.available, scope, seats)
        stack.callback(runner.close)
        stack.callback(lambda: self.answers.close() if self.answers is not None else None)
        venue.attend(market, desk, self._rewind)
        account = guarded(desk, account)
        coverage = StopCoverage(desk, market, lambda: runner.runs, account.gtts)
        stack.callback(coverage.close)
        self._watch_account(scope, desk, account, coverage)
        self._upkeep = Upkeep(scope, venue, gate, market, desk, self._tell, self._window.hide_login)
        self._upkeep.begin()
        await self._open_alerts(stack, scope, session, vault)
        # On paper the feed tells of the real account's orders, which are none of this desk's.
        scope.spawn("feed", feed.run(MeteredSink(market, meter, orders=self.mode != "paper")))
        if recorder is not None:
            scope.spawn("recorder", recorder.run())
        scope.spawn("instrument search", prepare_search(master))
        self._window.show_busy("Reconciling with the broker…")
        await self._open_books(desk)
        await files.known(FILES_WAIT_S)
        await runner.recall(desk.day_start())
        stack.push_async_callback(runner.close_all, "the program is closing")
        await self._show_desk(account, arming, coverage)
        queues = partial(_queues, journal, recorder)
        self.care.follow(Watched(desk, market, runner, arming, session.user_id, queues))
        self._show_meter()
        self._tell_first_words()
        if venue.recorded is None:
            scope.spawn("login kept", keep_login(gate, vault, self._tell))

    def _own_files(self, scope: Scope) -> OwnFiles:
        """People's own strategies beside those that came along, followed from now on."""
        from alphapanda_desktop.strategies import SHIPPED
        from alphapanda_desktop.strategyfiles import OwnFiles

        own = self._options.folder
        self.files = files = OwnFiles(own / "strategies", own / "enabled.json", SHIPPED, scope, self._tell)
        scope.spawn("strategy files", files.run())
        return files

    async def _open_alerts(self, stack: AsyncExitStack, scope: Scope, session: Session, vault: Vault) -> None:
        """The alerts as they were left, and their ways out of the program."""
        venue, gate, market, desk, journal = self.venue, self.gate, self.market, self.desk, self.journal
        assert venue is not None and gate is not None
        assert market is not None and desk is not None and journal is not None
        who = f"{self.mode.upper()} {session.user_id}"
        self.deliveries = Deliveries(self._settings, self._save_settings, vault, venue.clock, who, self._tell)
        self.alerts = await open_alerts(stack, scope, venue, gate, market, desk, journal, self.deliveries)

    def _seats(self) -> SeatMaker:
        """Where strategies sit: each in a process of its own, with what the settings allow it."""
        from alphapanda_desktop.hosting.seat import process_seats
        from alphapanda_desktop.strategies.models import FOLDER
        from alphapanda_desktop.trading.seat import Budgets

        most = self._settings.strategies
        os.environ.setdefault(FOLDER, str(self._options.folder / "models"))
        return process_seats(Budgets(most.call_s, memory=most.memory_mb << 20), {FOLDER: os.environ[FOLDER]})

    def _watch_account(self, scope: Scope, desk: Desk, account: Account, coverage: StopCoverage) -> None:
        """What runs beside the desk for as long as the account is open."""
        from alphapanda_desktop.trading.chargecheck import ChargeCheck

        assert self.venue is not None and self.journal is not None
        for chore in account.chores:
            scope.spawn("account", chore())
        scope.spawn("stop coverage", coverage.run())
        if account.calculator is not None:
            check = ChargeCheck(desk.ledger, account.calculator, self.journal, self.venue.clock, self._tell)
            desk.filled.connect(lambda _fill, _run_id: check.look())
            scope.spawn("charge check", check.run())

    def _show_meter(self) -> None:
        """The meter in the window, and what each painter draws told to the frame clock."""
        from alphapanda_desktop.ui.entries import view_menu_of
        from alphapanda_desktop.ui.meter import MeterDock

        window, frames = self._window, self._edge.frames
        if self._meter is None:
            self._meter = MeterDock(window, self._edge, view_menu_of(window), self.care.panel, window.dock)
        if window.view is not None:
            frames.draws(window.view.chart, Kind.CHART)
            frames.draws(window.view.ticket, Kind.DEPTH)

    def _open_replay(self, recordings: list[str]) -> None:
        line = replay_command(self._options.profile, self._options.folder, recordings)
        self._edge.spawn("replay window", replay_window(line, self._tell))

    def _rewind(self, at_ns: int) -> None:
        """End here, and have another program begin the recorded day anew at an earlier time."""
        self.rewound_to = at_ns
        if self.venue is not None and self.venue.recorded is not None:
            self.speed = self.venue.recorded.transport.speed
        self.close()

    def _tell_first_words(self) -> None:
        recorded = self.venue.recorded if self.venue is not None else None
        for text in recorded.notices if recorded is not None else ():
            self._tell(text)
        if self._restored:
            self._tell(self._restored)

    async def _open_books(self, desk: Desk) -> None:
        try:
            await desk.open()
        except AlphaPandaError as error:
            self._tell(f"The broker's books could not be read yet; the desk takes no orders until they are: {error}")

    def _recorder(self, master: InstrumentMaster) -> Recorder | None:
        """What keeps the day's ticks, unless the settings say not to."""
        from alphapanda_desktop.store.recorder import Recorder

        kept = self._settings.recording
        if not kept.enabled or self.mode == "replay":
            return None
        folder = self._options.folder / "recordings" / self.mode
        return Recorder(folder, master.key_of, int(kept.budget_gb * 1e9), self._tell)

    # -- the window ------------------------------------------------------------------------------------------

    def _gate_changed(self) -> None:
        gate = self.gate
        if gate is None or gate.state is not GateState.ENDED or self._upkeep is None or self.venue is None:
            return
        if self._upkeep.session_over(gate.detail):
            self._edge.spawn("login again", self._admission.show_login(gate, self.venue, self.mode, first=False))

    def _answers(self, market: Market, desk: Desk) -> Answers:
        from alphapanda_desktop.answers import Answers

        assert self.venue is not None and self.journal is not None and self.files is not None
        vault, strategies = self._vault(self.mode), self.files.available
        self.answers = Answers(
            self._options,
            self._settings,
            self.mode,
            self.venue,
            vault,
            market,
            desk,
            self.journal,
            strategies,
            self._tell,
        )
        return self.answers

    async def _show_desk(self, account: Account, arming: Arming, coverage: StopCoverage) -> None:
        from alphapanda_desktop.domain.calendar import phase
        from alphapanda_desktop.ui.alertdesk import Ways
        from alphapanda_desktop.ui.shell import DeskParts

        market, desk, runner, gate = self.market, self.desk, self.runner, self.gate
        venue = self.venue
        assert market is not None and desk is not None and runner is not None and gate is not None
        assert venue is not None
        answers = self._answers(market, desk)
        await self._window.open_desk(
            DeskParts(
                market=market,
                desk=desk,
                runner=runner,
                gate=gate,
                mode=self.mode,
                user_id=gate.session.user_id if gate.session else "",
                database=str(self._options.database(self.mode)),
                phase=lambda: phase("NSE", self.venue.clock.now()) if self.venue else "",
                arming=arming,
                watch_keys=answers.watch_keys(market.master),
                watch_lists=answers.watch_lists(),
                changes=answers.changes,
                chart_key=self._settings.window.chart.get(self.mode, ""),
                aside=in_daemon_thread,
                gtts=account.gtts,
                portfolio=account.portfolio,
                calculator=account.calculator,
                why=answers.why,
                coverage=coverage,
                files=self.files,
                preflight=answers.preflight if venue.recorded is None else None,
                transport=venue.recorded.transport if venue.recorded is not None else None,
                bench=answers.bench,
                review=answers.review,
                room=answers.room() if venue.recorded is None else None,
                real_hours=venue.real_hours,
                alerts=self.alerts,
                deliveries=self.deliveries,
                alert_ways=Ways(**self._settings.notices.model_dump()),
            )
        )

    def _tell(self, text: str) -> None:
        log.info("%s", text)
        self._window.notify(text, "warning")

    def _failed(self, name: str, error: BaseException) -> None:
        self.care.failed(name, error)

    def _save_settings(self) -> None:
        settings_.save(self._settings, self._options.settings_file)


def _queues(journal: SqlJournal, recorder: Recorder | None) -> str:
    waits = f"{journal.waiting} calls to the journal"
    return waits + (f", {recorder.waiting / 1e3:,.0f} kB of ticks" if recorder is not None else "")
