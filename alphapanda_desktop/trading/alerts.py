"""The book of alerts: rules that are watched, what fired, and what a person has acknowledged; all of it journaled.

What a person sets is on the disk before it is watched. What fires is told at once and written behind it: a program
that dies in between tells once more, and never swallows it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from psygnal import Signal

from alphapanda_desktop.domain.alerts import (
    INDICATORS,
    WITH_KEY,
    Alert,
    AlertFact,
    AlertJournal,
    Crossing,
    Direction,
    Figure,
    Firing,
    Folded,
    Kind,
    Rule,
    finely,
    indicator_name,
    plain,
    problem,
    reached,
    side_of,
    words_of,
)
from alphapanda_desktop.domain.errors import AlphaPandaError, Refused
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval, Mode
from alphapanda_desktop.domain.orders import UNKNOWN, Order
from alphapanda_desktop.domain.ports import Clock
from alphapanda_desktop.trading.alertvalues import TellsSession, Values, crossing_of
from alphapanda_desktop.trading.desk import Desk
from alphapanda_desktop.trading.market import Market
from alphapanda_desktop.trading.scope import Scope

log = logging.getLogger(__name__)

LOOK_S: Final = 1.0
"""How often profit and loss, sessions and the feed are looked at; prices with each tick, indicators with each bar."""

REST_S: Final = 60.0
"""A rule that arms itself anew is silent for so long: a price that dances on its line is one piece of news."""

MOST: Final = 500
"""Alerts that may be set at a time."""

KEPT: Final = 500
"""Firings that are kept in sight; the journal has all."""

OWNER: Final = "alerts"
EVENTS: Final = {"COMPLETE": "filled", "REJECTED": "rejected", "CANCELLED": "cancelled", UNKNOWN: "unknown"}
ON_TICKS: Final = frozenset({Kind.PRICE, Kind.MOVE})
WITH_SIDE: Final = frozenset({Kind.PRICE, Kind.MOVE, Kind.INDICATOR, Kind.PNL})
"""Kinds whose value may cross its line while the program is closed."""
BY_CLOCK: Final = frozenset({Kind.PNL, Kind.SESSION, Kind.FEED})

Ends = Callable[[], None]


class AlertBook:
    """Owner of the alerts of one venue; `open` before use, `run` beside it. Signals: `changed()` after any change,
    `fired(Firing)` once for each, `noticed(text)` where the journal did not take what had happened already.

    `figure` writes a number with so many decimals; `hours` says whether the exchanges keep hours.
    """

    changed = Signal()
    fired = Signal(object)
    noticed = Signal(str)

    def __init__(
        self,
        journal: AlertJournal,
        market: Market,
        desk: Desk,
        gate: TellsSession,
        clock: Clock,
        scope: Scope,
        *,
        figure: Figure = plain,
        hours: bool = False,
    ) -> None:
        self._journal = journal
        self._market = market
        self._scope = scope
        self._figure = figure
        self._now_s = clock.monotonic_s
        self.values = Values(market, desk, gate, clock, hours=hours)
        self._folded = Folded(KEPT)
        self._count = 0
        self._side_kept_s: dict[str, float] = {}
        self._crossings: dict[str, Crossing] = {}
        self._ends: dict[str, Ends] = {}
        self._rest_until_s: dict[str, float] = {}
        self._behind: set[asyncio.Task[object]] = set()
        """Firings that are on their way to the disk; what a person does about them is written after them."""
        self._desk = desk
        desk.order_changed.connect(self._order_changed)

    # -- what readers ask ------------------------------------------------------------------------------------

    @property
    def alerts(self) -> list[Alert]:
        """Every alert, in the order in which they were set."""
        return list(self._folded.alerts.values())

    @property
    def firings(self) -> list[Firing]:
        """What fired, newest first."""
        return list(reversed(self._folded.firings.values()))

    @property
    def unseen(self) -> int:
        """How many firings nobody has acknowledged."""
        return sum(firing.seen_at is None for firing in self._folded.firings.values())

    # -- life ------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read the journal and watch what is armed. Raises Fatal where the journal cannot be read."""
        for fact in await self._journal.alert_facts():
            try:
                self._folded.take(fact)
            except (KeyError, TypeError, ValueError) as error:
                log.warning("a fact of alert %s is not understood and was left out: %r", fact.alert_id, error)
            self._count += fact.fact == "fired"
        self._watch_all()
        self.changed.emit()

    async def run(self) -> None:
        """Look once a second until cancelled."""
        while True:
            self.look()
            await asyncio.sleep(LOOK_S)

    def close(self) -> None:
        """Watch nothing any more."""
        self._desk.order_changed.disconnect(self._order_changed, missing_ok=True)
        for end in self._ends.values():
            end()
        self._ends.clear()
        self._market.unwatch(OWNER)

    # -- what a person does ----------------------------------------------------------------------------------

    async def add(self, rule: Rule) -> Alert:
        """Set an alert; it is watched when this returns. Raises Refused, saying why, and Fatal for a full disk."""
        await self._warm(rule)
        self._refuse(rule)
        side = side_of(self.values.now(rule), rule.level)
        own = str(self._folded.last_number + 1)
        self._folded.last_number += 1  # before the wait: another may be set meanwhile
        await self._write(own, "set", {"rule": rule.as_json(), "side": side})
        self._watch_all()
        self.changed.emit()
        return self._folded.alerts[own]

    def _refuse(self, rule: Rule, *, is_new: bool = True) -> None:
        """Raise Refused for what is no rule, can never be true, or is true already."""
        why = problem(rule) or self.values.why_not(rule)
        if not why and is_new and len(self._folded.alerts) >= MOST:
            why = f"{len(self._folded.alerts)} alerts are set, {MOST} are allowed. Remove some first."
        value = self.values.now(rule)
        crossing = crossing_of(rule)
        if not why and value is not None and reached(value, rule.level, crossing.direction):
            told = words_of(rule, self._figure)
            why = f"It is so already: {self._now_words(rule, value)}. {told} would tell nothing new."
        if why:
            raise Refused(why, rule="alert")

    async def move(self, alert_id: str, level: float) -> None:
        """Watch another level in its place, armed whether it had fired or not. Raises Refused as `add` does."""
        alert = self._folded.alerts.get(alert_id)
        if alert is None:
            raise Refused(f"Alert {alert_id} is not set any more.", rule="alert")
        value, old = self.values.now(alert.rule), alert.rule
        beyond = side_of(value, level)
        turned: Direction = old.direction if old.direction == "either" or not beyond else _towards(beyond)
        rule = replace(old, level=level, direction=turned)
        self._refuse(rule, is_new=False)
        await self._write(alert_id, "set", {"rule": rule.as_json(), "side": beyond})
        self._drop(alert_id)
        self._watch_all()
        self.changed.emit()

    async def rearm(self, alert_id: str) -> None:
        """Watch one that has fired once more; it has to cross its line anew."""
        alert = self._folded.alerts.get(alert_id)
        if alert is None or alert.armed:
            return
        value = self.values.now(alert.rule)
        await self._write(alert_id, "armed", {"side": side_of(value, alert.rule.level)})
        self._drop(alert_id)
        self._watch_all()
        self.changed.emit()

    async def remove(self, alert_id: str) -> None:
        """Forget an alert; what it has told stays in the history."""
        if alert_id in self._folded.alerts:
            await self._write(alert_id, "removed", {})
            self._drop(alert_id)
            self._watch_all()
            self.changed.emit()

    async def acknowledge(self, firing_id: str) -> None:
        """Note that a person has seen it."""
        firing = self._folded.firings.get(firing_id)
        if firing is not None and firing.seen_at is None:
            await self._write(firing.alert_id, "seen", {"firing": firing_id})
            self.changed.emit()

    async def acknowledge_all(self) -> None:
        """Note that a person has seen everything."""
        for firing in [f for f in self._folded.firings.values() if f.seen_at is None]:
            await self._write(firing.alert_id, "seen", {"firing": firing.id})
        self.changed.emit()

    # -- watching --------------------------------------------------------------------------------------------

    def _watch_all(self) -> None:
        """Watch what is armed and was not watched, and want ticks of just these instruments."""
        wanted: dict[str, Instrument] = {}
        for alert in self.alerts:
            instrument = self._market.master.by_key(alert.rule.key) if alert.rule.key else None
            why = self.values.why_not(alert.rule)
            if why != alert.why_not:
                self._folded.alerts[alert.id] = replace(alert, why_not=why)
            if alert.armed and not why and instrument is not None:
                wanted[instrument.key] = instrument
        self._want(list(wanted.values()))
        for alert in self.alerts:
            if alert.armed and not alert.why_not and alert.id not in self._crossings:
                self._watch(alert)

    def _want(self, instruments: list[Instrument]) -> None:
        try:
            self._market.watch(OWNER, instruments, Mode.QUOTE)
        except AlphaPandaError as error:
            self.noticed.emit(f"Alerts are not told of all their instruments: {error}")

    def _watch(self, alert: Alert) -> None:
        rule = alert.rule
        self._crossings[alert.id] = crossing_of(rule, alert.side)
        instrument = self._market.master.by_key(rule.key) if rule.kind in WITH_KEY else None
        if instrument is None:
            return
        if rule.kind in ON_TICKS:
            token = instrument.instrument_token
            self._ends[alert.id] = self._market.on_tick(token, lambda _tick: self._look_at(alert.id))
        else:
            interval = Interval(rule.interval)
            self._ends[alert.id] = self._market.on_bar(instrument, interval, lambda *_bar: self._look_at(alert.id))
            self._scope.spawn(f"bars for alert {alert.id}", self._fill(instrument, interval))

    async def _warm(self, rule: Rule) -> None:
        """History before a rule on an indicator is judged: without it nobody knows whether it is so already."""
        instrument = self._market.master.by_key(rule.key) if rule.kind is Kind.INDICATOR else None
        if instrument is not None and not problem(rule):
            await self._fill(instrument, Interval(rule.interval))

    async def _fill(self, instrument: Instrument, interval: Interval) -> None:
        """History behind the bars of an indicator; without it the indicator waits for live bars."""
        try:
            await self._market.series(instrument, interval)
        except AlphaPandaError as error:
            self.noticed.emit(f"An alert on {instrument.key} waits for live bars, for history failed: {error}")

    def _drop(self, alert_id: str) -> None:
        self._crossings.pop(alert_id, None)
        self._rest_until_s.pop(alert_id, None)
        self._side_kept_s.pop(alert_id, None)
        end = self._ends.pop(alert_id, None)
        if end is not None:
            end()

    def look(self) -> None:
        """Look at what neither ticks nor bars tell of."""
        self.values.look()
        for alert in self.alerts:
            if alert.rule.kind in BY_CLOCK and alert.id in self._crossings:
                self._look_at(alert.id)
        for alert in self.alerts:
            if alert.armed and alert.rule.kind in WITH_SIDE and alert.id in self._crossings:
                self._keep_side(alert, self._crossings[alert.id].side)

    def _keep_side(self, alert: Alert, side: int) -> None:
        """Write down that the value has come back over its line: what crosses it while we are closed is news then."""
        now_s = self._now_s()
        if side == crossing_of(alert.rule, alert.side).side or self._rests(alert.id):
            return
        if now_s - self._side_kept_s.get(alert.id, float("-inf")) >= REST_S:
            self._side_kept_s[alert.id] = now_s
            self._write_behind(AlertFact(alert.id, "side", self._market.now(), {"side": side}))

    def _look_at(self, alert_id: str) -> None:
        alert, crossing = self._folded.alerts.get(alert_id), self._crossings.get(alert_id)
        if alert is None or crossing is None or not alert.armed:
            return
        value = self.values.now(alert.rule)
        if value is not None and crossing.take(value) and not self._rests(alert_id):
            self._fire(
                alert, f"{self._now_words(alert.rule, value)} ({words_of(alert.rule, self._figure)})", crossing.side
            )

    def _rests(self, alert_id: str) -> bool:
        return self._now_s() < self._rest_until_s.get(alert_id, float("-inf"))

    def _order_changed(self, order: Order) -> None:
        event = EVENTS.get(order.status, "")
        if not event:
            return
        for alert in self.alerts:
            rule = alert.rule
            concerns = rule.kind is Kind.ORDER and rule.event == event and rule.key in ("", order.key)
            # Orders of other programs may share a tag: their numbers do not.
            about = f"{order.order_id or order.tag} {order.status}"
            if concerns and alert.armed and (alert.id, about) not in self._folded.told and _is_news(alert, order):
                self._fire(alert, self._order_words(order, event), 0, about)

    # -- firing ----------------------------------------------------------------------------------------------

    def _fire(self, alert: Alert, text: str, side: int, about: str = "") -> None:
        """Told once: the alert is disarmed, or at rest, before anybody hears of it."""
        self._count += 1
        if alert.rule.repeat and alert.rule.kind is not Kind.ORDER:
            self._rest_until_s[alert.id] = self._now_s() + REST_S
        said = f"{text} — {alert.rule.note}" if alert.rule.note else text
        name = str(self._count)
        fact = AlertFact(
            alert.id, "fired", self._market.now(), {"firing": name, "text": said, "side": side, "about": about}
        )
        self._folded.take(fact)
        if not alert.rule.repeat:
            self._drop(alert.id)
        self._spawn_keeping(fact)
        self._scope.call("alert", self.fired.emit, self._folded.firings[name])
        self._scope.call("alert", self.changed.emit)

    def _write_behind(self, fact: AlertFact) -> None:
        self._folded.take(fact)
        self._spawn_keeping(fact)

    def _spawn_keeping(self, fact: AlertFact) -> None:
        writing = self._scope.spawn(f"alert {fact.alert_id} {fact.fact}", self._keep(fact))
        self._behind.add(writing)
        writing.add_done_callback(self._behind.discard)

    async def _keep(self, fact: AlertFact) -> None:
        try:
            await self._journal.alert_fact(fact)
        except AlphaPandaError as error:
            what = "An alert fired and" if fact.fact == "fired" else "Where an alert's value stands"
            self.noticed.emit(f"{what} could not be journaled; after a restart it may tell again: {error}")

    async def _write(self, alert_id: str, what: str, detail: dict[str, object]) -> None:
        if self._behind:
            await asyncio.wait(set(self._behind))
        fact = AlertFact(alert_id, what, self._market.now(), detail)
        await self._journal.alert_fact(fact)
        self._folded.take(fact)

    # -- words -----------------------------------------------------------------------------------------------

    def _now_words(self, rule: Rule, value: float) -> str:
        """What is so now, with its value."""
        figure = self._figure
        instrument = self._market.master.by_key(rule.key) if rule.key else None
        decimals = instrument.decimals if instrument is not None else 2
        match rule.kind:
            case Kind.PRICE:
                return f"{rule.key} is at {figure(value, decimals)}"
            case Kind.MOVE:
                change = -value if rule.direction == "below" else value
                return f"{rule.key} has moved {figure(change, 2)} %"
            case Kind.INDICATOR:
                name = rule.indicator.upper() if rule.indicator in INDICATORS else indicator_name(rule)
                return f"{rule.key} {name} is {figure(value, finely(rule, value))}"
            case Kind.PNL:
                return f"Net P&L is ₹ {figure(value, 2)}"
            case Kind.SESSION:
                return f"{figure(max(0.0, value), 0)} min are left"
            case _:
                return f"{rule.key or 'The feed'} has been silent for {figure(value, 0)} s"

    def _order_words(self, order: Order, event: str) -> str:
        said = "is not answered for" if event == "unknown" else f"is {event}"
        price = order.average_price if event == "filled" else order.price
        at = f" at {self._figure(price, 2)}" if price else ""
        why = f": {order.status_message}" if event == "rejected" and order.status_message else ""
        who = self._desk.by_whom(order)
        return f"{order.transaction_type} {order.quantity} {order.key}{at} ({who}) {said}{why}"


def _towards(side: int) -> Direction:
    """Which way a value goes to reach its line from that side."""
    return "below" if side > 0 else "above"


def _is_news(alert: Alert, order: Order) -> bool:
    """Whether it happened since the alert was armed: an order may be told of again whenever the books are read."""
    at = order.exchange_update_timestamp or order.order_timestamp
    return at is None or alert.armed_at is None or at >= alert.armed_at.replace(microsecond=0)  # Kite's are whole
