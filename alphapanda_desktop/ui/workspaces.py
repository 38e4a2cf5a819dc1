"""Named workspaces: how docks and charts stand, each kept as it was left, and what the window was like.

All of it is one JSON text that the window remembers as its layout.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Final

from alphapanda_desktop.ui.dockplan import PLANS, named, readable

VERSION: Final = 3
BUILT_IN: Final = tuple(PLANS)
LONGEST_NAME: Final = 40
BESIDE: Final = {"Build": ("backtest",), "Review": ("review",)}
"""Windows that a workspace of the program's opens beside the main one, as long as it is as it came."""


@dataclass(frozen=True, slots=True)
class ChartRecord:
    """One chart as it was left: its dock, instrument key, interval label, kind of candles, colour of its link."""

    name: str
    key: str = ""
    interval: str = "1m"
    kind: str = "candles"
    link: int = 0


@dataclass(frozen=True, slots=True)
class WindowRecord:
    """A window beside the main one as it was left: "backtest" or "review", and its geometry as Qt keeps it (base64)."""

    name: str
    open: bool = False
    geometry: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """How everything stands: the docks' state, the charts, the link of the watchlist, and windows beside the main one.

    With no `state` it is as the program's plan has it.
    """

    state: str = ""
    charts: tuple[ChartRecord, ...] = ()
    watchlist: int = 1
    windows: tuple[WindowRecord, ...] = ()


@dataclass(slots=True)
class Workspace:
    """`now` is how it was left, `kept` what it is reset to; a built-in one without goes back to its plan."""

    now: Standing = Standing()
    kept: Standing = Standing()


@dataclass(slots=True)
class Workspaces:
    """All of them, in the order of the menu, and which is shown."""

    current: str = BUILT_IN[0]
    locked: bool = False
    geometry: bytes = b""
    all: dict[str, Workspace] = field(default_factory=lambda: {name: Workspace() for name in BUILT_IN})

    @property
    def names(self) -> list[str]:
        return list(self.all)

    @property
    def shown(self) -> Workspace:
        return self.all[self.current]

    def leave(self, standing: Standing) -> None:
        """So the shown one stands now."""
        self.shown.now = standing

    def add(self, name: str, standing: Standing) -> str:
        """A new one that stands so, shown from now on; the name it got."""
        name = named(self.all, name)
        self.all[name] = Workspace(standing, standing)
        self.current = name
        return name

    def why_not_named(self, name: str, but: str = "") -> str:
        """Why no workspace can be called that; "" where one can."""
        if not name:
            return "A workspace needs a name."
        if len(name) > LONGEST_NAME:
            return f"{len(name)} letters given, {LONGEST_NAME} fit into the menu."
        if name != but and name in self.all:
            return f"There is a workspace {name} already."
        return ""

    def rename(self, old: str, new: str) -> None:
        """Another name in the same place; not for one that comes with the program."""
        self.all = {new if name == old else name: one for name, one in self.all.items()}
        if self.current == old:
            self.current = new

    def remove(self, name: str) -> None:
        """Forget it; where it was shown, the first is."""
        del self.all[name]
        if self.current == name:
            self.current = BUILT_IN[0]

    def next_chart(self) -> str:
        """A name for a new chart that no chart of any workspace has."""
        names = {c.name for one in self.all.values() for s in (one.now, one.kept) for c in s.charts}
        return next(name for name in (f"chart_{n}" for n in range(2, len(names) + 3)) if name not in names)

    def uses(self, chart: str) -> bool:
        """Whether any workspace has that chart."""
        return any(
            record.name == chart for one in self.all.values() for s in (one.now, one.kept) for record in s.charts
        )

    # --- kept

    def to_bytes(self) -> bytes:
        """What `from_bytes` reads."""
        rows = {name: {"now": asdict(one.now), "kept": asdict(one.kept)} for name, one in self.all.items()}
        text = {
            "version": VERSION,
            "current": self.current,
            "locked": self.locked,
            "geometry": base64.b64encode(self.geometry).decode("ascii"),
            "workspaces": rows,
        }
        return json.dumps(text).encode()

    @classmethod
    def from_bytes(cls, kept: bytes) -> Workspaces:
        """As they were left; whatever cannot be read is as it comes with the program."""
        try:
            raw = json.loads(kept or b"{}")
        except ValueError:  # of an earlier version, or spoilt
            return cls()
        if not isinstance(raw, dict) or raw.get("version") != VERSION:
            return cls()
        found = cls(locked=raw.get("locked") is True, geometry=_geometry(raw.get("geometry")))
        rows = raw.get("workspaces")
        for name, row in rows.items() if isinstance(rows, dict) else ():
            if isinstance(row, dict) and (name in BUILT_IN or not found.why_not_named(name)):
                found.all[name] = Workspace(_standing(row.get("now")), _standing(row.get("kept")))
        if raw.get("current") in found.all:
            found.current = str(raw["current"])
        return found


def _geometry(text: object) -> bytes:
    try:
        return base64.b64decode(text, validate=True) if isinstance(text, str) else b""
    except ValueError:
        return b""


def _standing(raw: object) -> Standing:
    if not isinstance(raw, Mapping):
        return Standing()
    state, charts = raw.get("state"), raw.get("charts")
    sound = isinstance(state, str) and readable(state)
    records = [_record(row) for row in charts] if isinstance(charts, list) else []
    windows = raw.get("windows")
    beside = [_window(row) for row in windows] if isinstance(windows, list) else []
    return Standing(
        str(state) if sound else "",
        tuple(one for one in records if one is not None),
        _link(raw.get("watchlist"), 1),
        tuple(one for one in beside if one is not None),
    )


def _window(raw: object) -> WindowRecord | None:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str):
        return None
    geometry = raw.get("geometry")
    sound = isinstance(geometry, str) and bool(_geometry(geometry))
    return WindowRecord(raw["name"], raw.get("open") is True, str(geometry) if sound else "")


def _record(raw: object) -> ChartRecord | None:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("name"), str):
        return None
    words = {name: raw[name] for name in ("name", "key", "interval", "kind") if isinstance(raw.get(name), str)}
    return ChartRecord(**words, link=_link(raw.get("link"), 0))


def _link(raw: Any, otherwise: int) -> int:
    return raw if type(raw) is int and 0 <= raw <= 4 else otherwise
