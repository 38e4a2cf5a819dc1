"""One set of parameters that was tried, and what came of it: kept line by line, so that none is lost or done twice."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import IO, Any, Final, Literal

from alphapanda_desktop import __version__
from alphapanda_desktop.backtest.statistics import Statistics
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.sweeps.job import BadParameters, Job, play
from alphapanda_desktop.sweeps.space import Point, Value, key_of

Status = Literal["done", "skipped", "failed"]
FIGURES: Final = tuple(Statistics.__dataclass_fields__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """`skipped`: the strategy refuses these parameters together. `failed`: it raised, or its worker died twice."""

    params: dict[str, Value]
    status: Status = "done"
    reason: str = ""
    statistics: dict[str, float | int | None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Objective:
    """What the best trial has most of, or least."""

    figure: str = "sharpe"
    least: bool = False
    min_trades: int = 1
    """Trials with fewer closed trades are no candidates."""

    def __post_init__(self) -> None:
        if self.figure not in FIGURES:
            raise BadData(f"no figure is called {self.figure!r}; there are: {', '.join(FIGURES)}")

    def of(self, trial: Trial) -> float | None:
        """Its figure, or None where it is no candidate."""
        value = trial.statistics.get(self.figure)
        enough = (trial.statistics.get("trades") or 0) >= self.min_trades
        return float(value) if trial.status == "done" and value is not None and enough else None

    def ranked(self, trials: Sequence[Trial]) -> list[Trial]:
        """The candidates, best first; of equal ones the one that was tried first."""
        known = [(value, trial) for trial in trials if (value := self.of(trial)) is not None]
        known.sort(key=lambda pair: pair[0], reverse=not self.least)
        return [trial for _, trial in known]


def try_out(job: Job, point: dict[str, Value]) -> Trial:
    """Play a job with these parameters beside its own; in whichever process is asked."""
    try:
        outcome = play(replace(job, params={**job.params, **point}))
    except BadParameters as refusal:
        return Trial(params=point, status="skipped", reason=str(refusal))
    return Trial(params=point, statistics=outcome.statistics.as_dict())


def fingerprint(job: Job, **more: object) -> dict[str, Any]:
    """What must be the same for results to belong together, as plain values."""
    data = [
        {"key": ref.instrument.key, "sha256": ref.sha256, "tick": ref.instrument.tick_size, "lot": ref.instrument.lot}
        for ref in job.data
    ]
    strategy = job.strategy if isinstance(job.strategy, str) else {"sha256": job.strategy.sha256}
    told = {
        "version": __version__, "strategy": strategy, "params": dict(job.params), "data": data, "first": job.first,
        "last": job.last, "bar_s": job.bar_s, "product": job.product, "cash": job.cash, "slippage": str(job.slippage),
        "limits": asdict(job.limits), "closing_auction": job.closing_auction, "warm": job.warm, **more,
    }  # fmt: skip
    plain: dict[str, Any] = json.loads(json.dumps(told, default=str))
    return plain


class Results:
    """Trials as JSON lines in a file, each written when it is known; without a file they are kept in memory."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._file: IO[str] | None = None
        self._known: dict[str, Trial] = {}

    def open(self, print_: Mapping[str, Any]) -> int:
        """Begin, or take up what an earlier run of the same sweep found; how many trials that were.

        Raises BadData where the file holds another sweep. A last line that was not written whole is cut off.
        """
        if self._path is None:
            return 0
        text = self._path.read_bytes().decode("utf-8", "replace") if self._path.exists() else ""
        whole = text[: text.rfind("\n") + 1]
        lines = whole.splitlines()
        if lines:
            self._take_up(lines, print_)
        mode = "r+" if lines else "w"
        self._file = self._path.open(mode, encoding="utf-8", newline="\n")
        self._file.truncate(len(whole.encode()))
        self._file.seek(0, 2)
        if not lines:
            self._write({"sweep": dict(print_)})
        return len(self._known)

    def close(self) -> None:
        """No more will come."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def known(self, point: Point, of: str = "") -> Trial | None:
        """What came of these parameters earlier; `of` tells stretches of a walk forward apart."""
        return self._known.get(of + key_of(point))

    def add(self, trial: Trial, of: str = "") -> None:
        """Keep it, on the disk before anything else begins."""
        self._known[of + key_of(trial.params)] = trial
        self._write({"of": of, **asdict(trial)})

    def _take_up(self, lines: Sequence[str], print_: Mapping[str, Any]) -> None:
        try:
            head, *rows = map(json.loads, lines)
            told = head["sweep"]
            for row in rows:
                of = str(row.pop("of"))
                self._known[of + key_of(row["params"])] = Trial(**row)
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadData(f"{self._path} holds no results of a sweep: {error!r}") from None
        other = [name for name in {**told, **print_} if told.get(name) != print_.get(name)]
        if other:
            name = other[0]
            was, now = (str(each.get(name))[:80] for each in (told, print_))
            raise BadData(f"{self._path} holds the results of another sweep: {name} was {was}, is {now}")

    def _write(self, row: Mapping[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps(row, separators=(",", ":")) + "\n")
            self._file.flush()
