"""Judges from outside: the exchange's own books against the journal in its file and what the program believes.

`judge` is pure; `look_into` reads a journal, `recordings_in` the recordings. Whatever is wrong comes out in words.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.store.dayfile import Recording
from alphapanda_desktop.store.proof import prove_file

OURS = "ap"
"""How every tag of the desk begins."""
NEVER_BECAME_ONE = frozenset({"refused", "absent", "rejected"})
"""States of an intent of which no order came, or one that the exchange refused."""
OVER = frozenset({"COMPLETE", "CANCELLED", "REJECTED"})
MONEY = 10_000
Row = Mapping[str, Any]


@dataclass
class Truth:
    """All that the exchange has ever been seen to hold: orders and trades by their ids, positions as they are now."""

    orders: dict[str, Row] = field(default_factory=dict)
    trades: dict[str, Row] = field(default_factory=dict)
    held: dict[tuple[str, str], int] = field(default_factory=dict)
    """Signed quantity by instrument and product, where there is any."""

    def take(self, said: Row) -> None:
        """One answer of its /sim/truth more: what was seen once is never forgotten here."""
        self.orders |= {row["order_id"]: row for row in said["orders"]}
        self.trades |= {row["trade_id"]: row for row in said["trades"]}
        self.held = {
            (f"{row['exchange']}:{row['tradingsymbol']}", row["product"]): row["quantity"]
            for row in said["positions"]
            if row["quantity"]
        }


@dataclass
class Written:
    """What a journal holds."""

    intents: dict[str, tuple[str, str, str]] = field(default_factory=dict)
    """State, order id, and the run that asked ("" for a person), by tag."""
    orders: dict[str, tuple[str, int]] = field(default_factory=dict)
    """Last status and filled quantity by order id."""
    fills: dict[str, Row] = field(default_factory=dict)
    """By trade id."""
    twice: list[str] = field(default_factory=list)
    """Trades that are in it more than once."""
    rows: int = 0
    faults: list[str] = field(default_factory=list)
    """What is wrong with the file itself."""


# -- reading ---------------------------------------------------------------------------------------------------------


def look_into(path: Path, scratch: Path, *, alive: bool) -> Written:
    """What the journal at `path` holds, read from a copy; `alive` says that a program has it open."""
    copy = scratch / "journal-copy.sqlite"
    for old in scratch.glob(f"{copy.name}*"):
        old.unlink()
    try:
        _copy(path, copy, alive=alive)
        with closing(sqlite3.connect(copy)) as database:
            database.row_factory = sqlite3.Row
            written = _read(database)
            (sound,) = database.execute("PRAGMA integrity_check").fetchone()
            if sound != "ok":
                written.faults.append(f"SQLite's integrity check says {sound!r}")
        proof = prove_file(copy)
    except (sqlite3.Error, OSError, Fatal) as error:
        return Written(faults=[f"the journal cannot be read: {error}"])
    written.rows = proof.rows
    if proof.bad is not None:
        written.faults.append(f"the chain breaks at {proof.bad}")
    return written


def _copy(path: Path, copy: Path, *, alive: bool) -> None:
    if alive:
        uri = f"{path.as_uri()}?mode=ro"
        with closing(sqlite3.connect(uri, uri=True)) as source, closing(sqlite3.connect(copy)) as target:
            source.backup(target)
        return
    for side in ("", "-wal"):  # what a crash left, as the next start finds it
        if (part := path.with_name(path.name + side)).exists():
            shutil.copyfile(part, copy.with_name(copy.name + side))


def _read(database: sqlite3.Connection) -> Written:
    states = {
        row["tag"]: (row["state"], row["order_id"])
        for row in database.execute("SELECT tag, state, order_id FROM intent_states ORDER BY seq")
    }
    intents = {
        row["tag"]: (*states.get(row["tag"], ("intended", "")), row["strategy"])
        for row in database.execute("SELECT tag, strategy FROM intents")
    }
    orders = {
        row["order_id"]: (row["status"], row["filled_quantity"])
        for row in database.execute("SELECT order_id, status, filled_quantity FROM orders ORDER BY seq")
        if row["order_id"]
    }
    fills = [dict(row) for row in database.execute("SELECT * FROM fills ORDER BY seq")]
    counts = Counter(row["trade_id"] for row in fills)
    twice = [trade for trade, count in counts.items() if count > 1]
    return Written(intents, orders, {row["trade_id"]: row for row in fills}, twice)


def recordings_in(folder: Path) -> tuple[int, list[str]]:
    """How many frames can be read, and what is wrong; a torn end that is shorter than a block is nothing."""
    frames, wrong = 0, []
    for path in sorted(folder.glob("*.ticks*")):
        if path.suffix in (".index", ".idx"):
            continue
        try:
            with Recording(path) as recording:
                count, last = 0, 0
                for at_ns, _ in recording.between():
                    count, last = count + 1, at_ns
                size = path.stat().st_size
                lost = [(at, length) for at, length in recording.damage.lost if at + length < size]
                if not recording.sound:
                    wrong.append(f"{path.name} is no recording")
                if lost:
                    wrong.append(f"{path.name} has lost {lost} of {size} bytes, and not at its end")
                if not last:
                    wrong.append(f"{path.name} holds nothing")
                frames += count
        except OSError as error:
            wrong.append(f"{path.name} cannot be read: {error}")
    return frames, wrong


# -- judging ---------------------------------------------------------------------------------------------------------


def judge(truth: Truth, written: Written, told: Row | None = None, clicks: int | None = None) -> list[str]:
    """All that is not as promised, in words; `told` is what the program shows, where it can be asked.

    `clicks` is how often a person has sent a ticket: there are no more of their orders than that.
    """
    wrong = [*written.faults, *(f"trade {id_} is in the journal twice" for id_ in written.twice)]
    wrong += _lost_or_doubled(truth, written)
    if told is not None:
        wrong += _undecided(truth, written, told)
        wrong += _apart(truth, written)
        wrong += _misfilled(truth, written)
        wrong += _misplaced(truth, written, told)
    by_hand = sum(not run for _, _, run in written.intents.values())
    if clicks is not None and by_hand > clicks:
        wrong.append(f"a ticket was sent {clicks} times, and {by_hand} orders by hand are in the journal")
    return wrong


def _by_tag(truth: Truth) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {}
    for order in truth.orders.values():
        for tag in order.get("tags") or [order.get("tag") or ""]:
            if tag.startswith(OURS):
                found.setdefault(tag, []).append(order)
    return found


def _lost_or_doubled(truth: Truth, written: Written) -> list[str]:
    """True at every moment, while the program is dead as well: written before it is sent, and sent once."""
    tags = _by_tag(truth)
    wrong = [
        f"{tag} was sent {len(orders)} times: {[order['order_id'] for order in orders]}"
        for tag, orders in tags.items()
        if len(orders) > 1
    ]
    wrong += [f"{tag} is at the exchange and not in the journal" for tag in tags if tag not in written.intents]
    for tag, (state, order_id, _) in written.intents.items():
        if state == "sent" and order_id not in truth.orders:
            wrong.append(f"{tag} is journaled as order {order_id}, which the exchange does not know")
    return wrong


def _undecided(truth: Truth, written: Written, told: Row) -> list[str]:
    """Intents of which the journal does not say what became of them, though the exchange or the screen would."""
    tags, shown = _by_tag(truth), {row["tag"]: row["status"] for row in told["orders"]}
    wrong = []
    for tag, (state, order_id, _) in written.intents.items():
        orders = tags.get(tag, [])
        if orders and (state in ("refused", "absent") or order_id not in ("", orders[0]["order_id"])):
            wrong.append(f"{tag} is {orders[0]['order_id']} at the exchange, {state} {order_id} in the journal")
        elif orders and state != "sent" and not (state == "rejected" and orders[0]["status"] == "REJECTED"):
            wrong.append(f"{tag} is at the exchange, and still {state} in the journal")
        elif not orders and state not in (*NEVER_BECAME_ONE, "sent") and shown.get(tag) != "UNKNOWN":
            wrong.append(f"{tag} is {state} in the journal, not at the exchange, shown as {shown.get(tag)}")
    return wrong


def _apart(truth: Truth, written: Written) -> list[str]:
    """Orders that are not in the journal as the exchange has them."""
    wrong = []
    for order_id, order in truth.orders.items():
        ours = written.orders.get(order_id)
        theirs = (order["status"], order["filled_quantity"])
        if ours is None:
            wrong.append(f"order {order_id} ({theirs[0]}) is at the exchange and has no picture in the journal")
        elif ours != theirs and (theirs[0] in OVER or ours[0] in OVER):
            wrong.append(f"order {order_id} is {ours} in the journal and {theirs} at the exchange")
    wrong += [
        f"order {order_id} is in the journal and not at the exchange"
        for order_id in written.orders
        if order_id not in truth.orders
    ]
    return wrong


def _misfilled(truth: Truth, written: Written) -> list[str]:
    """Trades that one side has and the other has not, or has otherwise."""
    wrong = [f"trade {id_} is at the exchange and not in the journal" for id_ in truth.trades.keys() - written.fills]
    wrong += [f"trade {id_} is in the journal and not at the exchange" for id_ in written.fills.keys() - truth.trades]
    for id_ in truth.trades.keys() & written.fills:
        theirs, ours = truth.trades[id_], written.fills[id_]
        price = round(theirs["average_price"] * MONEY)
        if (ours["quantity"], ours["price_e4"], ours["order_id"]) != (theirs["quantity"], price, theirs["order_id"]):
            wrong.append(f"trade {id_} is {dict(ours)} in the journal and {dict(theirs)} at the exchange")
    return wrong


def _misplaced(truth: Truth, written: Written, told: Row) -> list[str]:
    """Positions: the exchange's, the sum of the journal's fills, and those on the screen."""
    ours = net_of(written.fills.values())
    shown = {(row["key"], row["product"]): row["quantity"] for row in told["positions"] if row["quantity"]}
    wrong = []
    if ours != truth.held:
        wrong.append(f"positions: the journal's fills make {_said(ours)}, the exchange holds {_said(truth.held)}")
    if shown != truth.held:
        wrong.append(f"positions: the desk shows {_said(shown)}, the exchange holds {_said(truth.held)}")
    return wrong


def net_of(fills: Iterable[Row]) -> dict[tuple[str, str], int]:
    """Signed quantity by instrument and product that fills come to."""
    net: Counter[tuple[str, str]] = Counter()
    for fill in fills:
        sign = 1 if fill["transaction_type"] == "BUY" else -1
        net[f"{fill['exchange']}:{fill['tradingsymbol']}", fill["product"]] += sign * fill["quantity"]
    return {place: quantity for place, quantity in net.items() if quantity}


def _said(held: Mapping[tuple[str, str], int]) -> str:
    return ", ".join(f"{key} {product} {quantity:+d}" for (key, product), quantity in sorted(held.items())) or "nothing"


def slope_mb_per_h(samples: Sequence[tuple[float, float]]) -> float | None:
    """Growth of (seconds, MB) by least squares; None for fewer than three samples."""
    if len(samples) < 3:
        return None
    mean_t = sum(t for t, _ in samples) / len(samples)
    mean_m = sum(m for _, m in samples) / len(samples)
    spread = sum((t - mean_t) ** 2 for t, _ in samples)
    return sum((t - mean_t) * (m - mean_m) for t, m in samples) / spread * 3600 if spread else None
