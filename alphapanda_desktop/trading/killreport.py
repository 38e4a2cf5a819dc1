"""What the kill switch did, step by step, and what it left: the written report, and its shape in the journal."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from alphapanda_desktop.domain.session import IST

MINUS: Final = "−"
"""The sign by which every figure below nought is shown."""

Held = tuple[str, str, int]
"""One position: instrument key, product, signed quantity."""


@dataclass(frozen=True, slots=True)
class KillStep:
    """One step. `ok` is None while it is under way, or where what became of it cannot be known."""

    name: str
    at: datetime
    ok: bool | None = None
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class KillReport:
    """What one press of the kill switch came to. `done_at` is None while it is at work, or was broken off.

    `cancelled` has the ids of orders that ended without having filled whole, `not_cancelled` ids and why.
    `flattened` are positions as they were, `left` those that are still held. `unknown` are the tags of orders whose
    answer never came. `flat` is None where the broker's positions could not be read.
    """

    why: str
    pressed_at: datetime
    flatten: bool
    steps: tuple[KillStep, ...] = ()
    cancelled: tuple[str, ...] = ()
    not_cancelled: tuple[tuple[str, str], ...] = ()
    flattened: tuple[Held, ...] = ()
    left: tuple[Held, ...] = ()
    unknown: tuple[str, ...] = ()
    flat: bool | None = None
    done_at: datetime | None = None

    @property
    def clean(self) -> bool:
        """Whether all that was asked for is known to have happened."""
        quiet = not self.not_cancelled and not self.unknown and self.done_at is not None
        last = {step.name: step.ok for step in self.steps}  # a step that was taken again counts as it ended then
        return quiet and all(last.values()) and (not self.flatten or self.flat is True)

    def text(self) -> str:
        """The report as a person reads and keeps it, times IST."""
        lines = [f"Kill switch pressed {_clock(self.pressed_at)}: {self.why}", _asked(self.flatten)]
        lines += [f"{_clock(step.at)}  {_MARK[step.ok]}  {step.name}: {step.detail}" for step in self.steps]
        lines += _listed("Orders cancelled", self.cancelled)
        lines += _listed("Orders NOT known to be cancelled", [f"{id_}: {why}" for id_, why in self.not_cancelled])
        lines += _listed("Orders whose answer never came, by tag", self.unknown)
        lines += _listed("Positions closed", [_held(row) for row in self.flattened])
        lines += _listed("Positions still held", [_held(row) for row in self.left])
        lines.append(_FLAT[self.flat])
        ended = f"Report closed {_clock(self.done_at)}." if self.done_at else "The report is not closed."
        return "\n".join([*lines, ended])

    def json(self) -> dict[str, Any]:
        """The shape that is journaled."""
        plain: dict[str, Any] = _plain(asdict(self))
        return plain


def report_of(detail: Mapping[str, Any]) -> KillReport:
    """A report as it was journaled."""
    return KillReport(
        why=str(detail["why"]),
        pressed_at=datetime.fromisoformat(detail["pressed_at"]),
        flatten=bool(detail["flatten"]),
        steps=tuple(
            KillStep(s["name"], datetime.fromisoformat(s["at"]), s["ok"], s["detail"]) for s in detail["steps"]
        ),
        cancelled=tuple(detail["cancelled"]),
        not_cancelled=tuple((id_, why) for id_, why in detail["not_cancelled"]),
        flattened=tuple((key, product, quantity) for key, product, quantity in detail["flattened"]),
        left=tuple((key, product, quantity) for key, product, quantity in detail["left"]),
        unknown=tuple(detail["unknown"]),
        flat=detail["flat"],
        done_at=datetime.fromisoformat(detail["done_at"]) if detail["done_at"] else None,
    )


_MARK = {True: "done", False: "FAILED", None: "open"}
_FLAT = {
    True: "The broker holds no open position.",
    False: "NOT FLAT: the broker holds the positions above.",
    None: "Whether positions are open is not known: the broker's positions could not be read.",
}


def _plain(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return value


def _clock(at: datetime) -> str:
    return f"{at.astimezone(IST):%d %b %Y %H:%M:%S} IST"


def _asked(flatten: bool) -> str:
    return "Asked for: stop strategies, cancel orders" + (", close positions." if flatten else ". Positions stay open.")


def _held(row: Held) -> str:
    key, product, quantity = row
    sign = "+" if quantity > 0 else MINUS
    return f"{sign}{abs(quantity)} {key} {product}"


def _listed(title: str, rows: Sequence[str]) -> list[str]:
    return [f"{title} ({len(rows)}):", *(f"  {row}" for row in rows)] if rows else []
