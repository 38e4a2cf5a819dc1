"""What probes told, kept between starts: a file whose content was probed before needs no child to be listed.

Only what the panel shows is kept, never what may be executed: a run loads its file in a child, which judges anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from alphapanda_desktop import __version__
from alphapanda_desktop.authoring.describe import Spec
from alphapanda_desktop.authoring.names import problems_in
from alphapanda_desktop.authoring.probe import Probed, probe_content
from alphapanda_desktop.authoring.sources import Source

MOST: Final = 200
"""Files remembered; of more, those that were probed longest ago are asked again."""


class Remembered:
    """Asks a child once for each content. Call it on one thread; the list is remade where it cannot be read."""

    def __init__(self, file: Path, ask: Callable[[Source, bytes], Probed] = probe_content) -> None:
        self._file = file
        self._ask = ask
        self._told: dict[str, object] | None = None

    def __call__(self, source: Source, content: bytes) -> Probed:
        """What is known of this content, asked of a child where it was not before.

        What came with a package is always asked: what it imports may have changed though the file has not.
        """
        spec = None if source.entry else self._known(source.sha256)
        seen = problems_in(content)
        if spec is not None and not any(problem.severe for problem in seen):
            return Probed(source, spec, tuple(seen))
        probed = self._ask(source, content)
        if probed.spec is not None and not source.entry:
            self._keep(source.sha256, probed.spec)
        return probed

    def _known(self, sha256: str) -> Spec | None:
        try:
            return Spec.model_validate(self._all()[sha256])
        except (KeyError, ValidationError):
            return None

    def _all(self) -> dict[str, object]:
        if self._told is None:
            self._told = self._read()
        return self._told

    def _read(self) -> dict[str, object]:
        try:
            kept = json.loads(self._file.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        # Another version of the program may be told more, or describe it otherwise.
        told = kept.get("told") if isinstance(kept, dict) and kept.get("version") == __version__ else None
        return told if isinstance(told, dict) else {}

    def _keep(self, sha256: str, spec: Spec) -> None:
        """Remember it; a disk that does not take it costs a probe at the next start, no more."""
        told = self._all()
        told.pop(sha256, None)
        told[sha256] = spec.model_dump(mode="json")
        for old in list(told)[:-MOST]:
            del told[old]
        fresh = self._file.with_suffix(".new")
        with suppress(OSError):
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                json.dump({"version": __version__, "told": told}, file)
            fresh.replace(self._file)
