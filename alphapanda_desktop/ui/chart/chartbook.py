"""What a person put on charts, kept in one file of the profile: indicators, templates, drawings by instrument.

What cannot be read is set aside under another name, never overwritten.
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.ui.chart.drawings import Drawing
from alphapanda_desktop.ui.chart.studies import ROLES, Study, a_study
from alphapanda_desktop.ui.edge import Notify

Aside = Callable[[Callable[[], None]], None]


class ChartBook:
    """`tell(text, level)` hears what could not be read or written; what is in memory holds all the same.

    `aside(write)` calls what writes to the disk, once, on any thread, and tells the Fatal that it may raise.
    """

    def __init__(self, path: Path, tell: Notify, aside: Aside) -> None:
        self._path = path
        self._tell = tell
        self._aside = aside
        self._writing = threading.Lock()
        self._kept: dict[str, Any] = self._read()
        self._wanted = self._there = json.dumps(self._kept, indent=1)
        """What the file is to hold, and what it does; "" for none."""

    # --- indicators

    def studies(self) -> list[Study]:
        """Those on the chart when it was left."""
        return self._studies_of(self._kept.get("studies", []))

    def keep_studies(self, studies: Sequence[Study]) -> None:
        self._put("studies", [row_of_study(study) for study in studies])

    def templates(self) -> list[str]:
        """Names of kept sets of indicators, sorted."""
        return sorted(self._section("templates"))

    def template(self, name: str) -> list[Study]:
        """The indicators kept under this name; none for a name there is not."""
        return self._studies_of(self._section("templates").get(name, []))

    def keep_template(self, name: str, studies: Sequence[Study]) -> None:
        """Keep these under a name, in place of what was kept under it before; none forget the name."""
        rows = [row_of_study(study) for study in studies]
        others = {key: value for key, value in self._section("templates").items() if key != name}
        self._put("templates", {**others, name: rows} if rows else others)

    def _studies_of(self, rows: object) -> list[Study]:
        found = []
        for row in rows if isinstance(rows, list) else []:
            try:
                found.append(study_of_row(row))
            except (ValueError, TypeError, KeyError) as error:
                self._tell(f"An indicator that was kept cannot be shown: {error}", "warning")
        return found

    # --- drawings

    def drawings(self, key: str) -> list[Drawing]:
        """What was drawn on this instrument, oldest first."""
        found = []
        for row in self._section("drawings").get(key, []):
            try:
                found.append(Drawing.of(row))
            except (ValueError, TypeError, KeyError) as error:
                self._tell(f"A drawing on {key} cannot be shown: {error}", "warning")
        return found

    def keep_drawings(self, key: str, drawings: Sequence[Drawing]) -> None:
        rows = [asdict(drawing) for drawing in drawings]
        others = {other: value for other, value in self._section("drawings").items() if other != key}
        self._put("drawings", {**others, key: rows} if rows else others)

    # --- how candles are made

    @property
    def style(self) -> str:
        """The kind of candles that was chosen last, "" before any was."""
        return str(self._kept.get("style", ""))

    def keep_style(self, style: str) -> None:
        self._put("style", style)

    @property
    def profile(self) -> bool:
        """Whether the volume profile was shown."""
        return self._kept.get("profile") is True

    def keep_profile(self, shown: bool) -> None:
        self._put("profile", shown)

    @property
    def scale(self) -> str:
        """The kind of the price scale, "" before one was chosen."""
        return str(self._kept.get("scale", ""))

    def keep_scale(self, kind: str) -> None:
        self._put("scale", kind)

    @property
    def dress(self) -> Mapping[str, object]:
        """How candles look: hollow, and the roles of what rises and falls."""
        found = self._kept.get("dress")
        return found if isinstance(found, dict) else {}

    def keep_dress(self, dress: Mapping[str, object]) -> None:
        self._put("dress", dict(dress))

    @property
    def longer(self) -> str:
        """Label of the longer time frame beneath, "" for none."""
        return str(self._kept.get("longer", ""))

    def keep_longer(self, label: str) -> None:
        self._put("longer", label)

    # --- layouts: all of the above under a name

    def layouts(self) -> list[str]:
        """Names of kept layouts, sorted."""
        return sorted(self._section("layouts"))

    def layout(self, name: str) -> Mapping[str, object]:
        """What was kept under that name; empty for a name there is not."""
        found = self._section("layouts").get(name)
        return found if isinstance(found, dict) else {}

    def keep_layout(self, name: str, layout: Mapping[str, object]) -> None:
        """Keep it in place of what was kept under that name before; an empty one forgets the name."""
        others = {key: value for key, value in self._section("layouts").items() if key != name}
        self._put("layouts", {**others, name: dict(layout)} if layout else others)

    # --- the file

    def _section(self, name: str) -> dict[str, Any]:
        found = self._kept.get(name)
        return found if isinstance(found, dict) else {}

    def _put(self, name: str, value: object) -> None:
        if self._kept.get(name) == value:
            return
        self._kept[name] = value
        self._wanted = json.dumps(self._kept, indent=1)
        self._aside(self._bring_up)

    def forget(self) -> None:
        """Remove the file, and what was in it."""
        self._kept, self._wanted = {}, ""
        self._aside(self._bring_up)

    def _bring_up(self) -> None:
        """Have the file hold what is wanted now: whichever thread comes first, the last word is there in the end."""
        with self._writing:
            if (text := self._wanted) == self._there:
                return
            try:
                if text:
                    self._write(text)
                else:
                    self._path.unlink(missing_ok=True)
            except OSError as error:
                words = f"What is on the chart could not be kept in {self._path}: {error.strerror or error}"
                raise Fatal(words) from error
            self._there = text

    def _write(self, text: str) -> None:
        """All or nothing: a half-written file would lose what was there."""
        fresh = self._path.with_suffix(".new")
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with fresh.open("w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)

    def _read(self) -> dict[str, Any]:
        try:
            kept = json.loads(self._path.read_text(encoding="utf-8"))
            if not isinstance(kept, dict):
                raise ValueError("it holds no table")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError) as error:
            aside = self._path.with_suffix(".unreadable")
            self._tell(f"{self._path} cannot be read ({error}); it is set aside as {aside.name}.", "danger")
            self._set_aside(aside)
            return {}
        return kept

    def _set_aside(self, aside: Path) -> None:
        try:
            self._path.replace(aside)
        except OSError as error:
            self._tell(f"{self._path} could not be set aside: {error.strerror or error}", "danger")


def row_of_study(study: Study) -> dict[str, Any]:
    """What `study_of_row` takes."""
    return {"name": study.name, "parameters": dict(study.parameters), "over": study.over, "role": study.role}


def study_of_row(row: dict[str, Any]) -> Study:
    """The indicator kept so. Raises ValueError, TypeError or KeyError for what is none."""
    role = row["role"]
    made = a_study(row["name"], role if role in ROLES else ROLES[0], **row["parameters"])
    return Study(made.name, made.parameters, bool(row["over"]), made.role)
