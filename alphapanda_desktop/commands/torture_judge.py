"""What became of a story: the exchange's truth against the journal and against what the desk believes."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

from alphapanda_desktop.commands.torture_desk import fill_told, order_told, position_told
from alphapanda_desktop.commands.torture_line import Heard
from alphapanda_desktop.domain.orders import TERMINAL, UNKNOWN
from alphapanda_desktop.kite.contract import fills_from_wire, orders_from_wire, positions_from_wire
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.trading.killrun import GTTS

OURS: Final = "ap"
"""How every tag of the desk begins."""

_NEVER_BECAME_ONE: Final = frozenset({"rejected", "refused", "absent"})

Row = Mapping[str, Any]


@dataclass(slots=True)
class Verdict:
    """Broken promises of one story, in words; empty when all were kept."""

    doubled: list[str] = field(default_factory=list)
    lost: list[str] = field(default_factory=list)
    unresolved: list[str] = field(default_factory=list)
    mismatched: list[str] = field(default_factory=list)

    def words(self) -> list[str]:
        return [f"{name}: {text}" for name in self.__slots__ for text in getattr(self, name)]


@dataclass(slots=True)
class Truth:
    """What the exchange holds: order rows by tag, and what was traded."""

    orders: dict[str, list[Row]]
    fills: list[list[object]]
    positions: list[list[Any]]
    gtts: list[Row] = field(default_factory=list)


@dataclass(slots=True)
class Written:
    """What the journal holds: each intent with its state and order id, orders, fills, its chain, the latch."""

    intents: dict[str, tuple[str, str]]
    orders: dict[str, Row]
    fills: list[list[object]]
    broken: str
    halted: bool = False
    gtts: int = 0
    """How many GTTs were asked for."""


def truth_of(said: Mapping[str, Any]) -> Truth:
    """The answer of the simulator's own /sim/truth, in our words."""
    by_tag: dict[str, list[Row]] = defaultdict(list)
    for order in orders_from_wire(said["orders"]):
        by_tag[order.tag or order.order_id].append(order_told(order))
    positions = positions_from_wire({"net": said["positions"], "day": []})
    return Truth(
        dict(by_tag),
        [fill_told(fill) for fill in fills_from_wire(said["trades"])],
        [position_told(position) for position in positions if position.quantity],
        said.get("gtts", []),
    )


async def written_in(path: Path, since: Any) -> Written:
    """The journal in that file, read by the program's own reader."""
    database = Database(path)
    await database.open()
    try:
        journal = SqlJournal(database)
        day = since - timedelta(days=1)
        bad = await journal.verify()
        return Written(
            {row.request.tag: (row.state, row.order_id) for row in await journal.intents(day)},
            {order.order_id: order_told(order) for order in await journal.orders(day) if order.order_id},
            [fill_told(fill) for fill, _ in await journal.fills(day)],
            "" if bad is None else str(bad),
            any(event.detail.get("state") == "halted" for event in await journal.events(day, "kill switch")),
            len(await journal.events(day, "gtt placed")),
        )
    finally:
        await database.close()


def judge(truth: Truth, written: Written, told: Row) -> Verdict:
    """All that is not as it was promised."""
    verdict = Verdict()
    shown = {str(row["tag"]): row for row in told["orders"]}
    _count_orders(verdict, truth, written, shown)
    for tag, intent in written.intents.items():
        why = _unresolved(intent, truth.orders.get(tag, []), shown.get(tag))
        if why:
            verdict.unresolved.append(f"{tag} {why}")
    _compare_orders(verdict, truth, written, shown)
    _compare_rest(verdict, truth, written, told)
    if len(truth.gtts) > written.gtts:
        verdict.doubled.append(f"{len(truth.gtts)} GTTs are at the broker, {written.gtts} were asked for")
    verdict.unresolved.extend(f"the desk broke: {error}" for error in told["errors"])
    return verdict


def judge_kill(truth: Truth, written: Written, told: Row, heard: Sequence[Heard]) -> list[str]:
    """What the kill switch did not do, where the story has one; empty when it did all."""
    wrong = _after_the_latch(heard, told) if told["latched_ns"] else []
    if written.halted and not told["halted"]:
        wrong.append("the kill switch is on in the journal, and the desk is not halted")
    for report in told["reports"][-1:]:
        wrong.extend(_apart_from_report(truth, report))
        wrong.extend(_still_waiting(truth, report))
    return wrong


def _still_waiting(truth: Truth, report: Row) -> list[str]:
    """GTTs that a closed report says are gone and that could still buy; all of a story's open positions."""
    looks = [step["ok"] for step in report.get("steps", ()) if step["name"] == GTTS]
    if not looks or not looks[-1] or not report["done_at"]:
        return []
    return [f"GTT {gtt['id']} waits after the kill switch" for gtt in truth.gtts if gtt["status"] == "active"]


def _after_the_latch(heard: Sequence[Heard], told: Row) -> list[str]:
    """Orders of the story that reached the line after the latch: none asked for after it, one on its way before."""
    latched_ns, asked_ns = told["latched_ns"], told["asked_ns"]
    late = [h.tag for h in heard if h.name == "place" and h.tag in asked_ns and h.at_ns > latched_ns]
    new = [tag for tag in late if asked_ns[tag] > latched_ns]
    return [f"{tag} left after the latch" for tag in {*new, *late[1:]}]


def _apart_from_report(truth: Truth, report: Row) -> list[str]:
    """Where a closed report and the broker differ; what it names as not known may be anything."""
    if not report["done_at"]:
        return []
    orders = [order for rows in truth.orders.values() for order in rows]
    status = {order["order_id"]: order["status"] for order in orders}
    named = {id_ for id_, _ in report["not_cancelled"]}
    named |= {order["order_id"] for order in orders if order["tag"] in report["unknown"]}
    wrong = [
        f"{id_} is cancelled in the report and {status[id_]}"
        for id_ in report["cancelled"]
        if status[id_] not in TERMINAL
    ]
    wrong += [
        f"{id_} works and the report does not say so"
        for id_ in status
        if status[id_] not in TERMINAL and id_ not in named
    ]
    left = sorted([key, product, quantity] for key, product, quantity in report["left"])
    held = sorted([key, product, quantity] for key, product, quantity, _ in truth.positions)
    if left != held and report["flat"] is not None and not named and not report["unknown"]:
        wrong.append(f"the report leaves {left}, the broker holds {held}")
    return wrong


def _count_orders(verdict: Verdict, truth: Truth, written: Written, shown: Mapping[str, Row]) -> None:
    for tag, orders in truth.orders.items():
        if len(orders) > 1:
            verdict.doubled.append(f"{tag} is {len(orders)} orders")
        if tag.startswith(OURS) and tag not in written.intents:
            verdict.lost.append(f"{tag} is at the broker and was never journaled")
    for tag, (state, _) in written.intents.items():
        if tag not in shown and (tag in truth.orders or state not in _NEVER_BECAME_ONE):
            verdict.lost.append(f"{tag} is journaled ({state}) and not shown")


def _unresolved(intent: tuple[str, str], orders: Sequence[Row], shown: Row | None) -> str:
    state, order_id = intent
    if shown is None:
        return ""  # lost, or refused before a restart: then the journal knows all of it
    if orders:
        known = state == "sent" and order_id == orders[0]["order_id"] == shown["order_id"]
        return "" if known else f"is {orders[0]['order_id']} at the broker, {state} in the journal, shown as {shown}"
    if shown["status"] == UNKNOWN:
        return "" if state in ("intended", "unknown", "sent") else f"is shown as unknown, and {state} in the journal"
    ended = shown["status"] == "REJECTED" and state in _NEVER_BECAME_ONE
    return "" if ended else f"is not at the broker, {state} in the journal, shown as {shown}"


def _compare_orders(verdict: Verdict, truth: Truth, written: Written, shown: Mapping[str, Row]) -> None:
    for tag, orders in truth.orders.items():
        for order in orders:
            for where, row in (("journal", written.orders.get(order["order_id"])), ("desk", shown.get(tag))):
                apart = _apart(order, row)
                if apart:
                    verdict.mismatched.append(f"{tag} in the {where}: {apart}")


def _apart(true: Row, row: Row | None) -> str:
    if row is None:
        return "absent"
    return ", ".join(f"{name} {row[name]!r} is {true[name]!r}" for name in true if row[name] != true[name])


def _compare_rest(verdict: Verdict, truth: Truth, written: Written, told: Row) -> None:
    for what, ours, theirs in (
        ("fills in the journal", written.fills, truth.fills),
        ("fills at the desk", told["fills"], truth.fills),
        ("positions at the desk", told["positions"], truth.positions),
        ("positions by the journal's fills", _net(written.fills), _net(truth.fills)),
    ):
        missing, extra = _counted(theirs) - _counted(ours), _counted(ours) - _counted(theirs)
        if missing or extra:
            verdict.mismatched.append(f"{what}: missing {list(missing.elements())}, extra {list(extra.elements())}")
    if written.broken:
        verdict.mismatched.append(f"the journal's chain: {written.broken}")


def _counted(rows: Iterable[Sequence[object]]) -> Counter[tuple[object, ...]]:
    return Counter(tuple(row) for row in rows)


def _net(fills: Iterable[Sequence[Any]]) -> list[list[object]]:
    net: Counter[str] = Counter()
    for _, order_id, _, side, quantity, _ in fills:
        net[order_id] += quantity if side == "BUY" else -quantity
    return [[order_id, quantity] for order_id, quantity in net.items()]
