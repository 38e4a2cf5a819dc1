"""The tour: the first use of the program in practice mode, played by the program itself, with pictures.

Two real processes are run one after the other on a fresh profile: the first logs in, watches, trades and quits, the
second must find the session and the trades. Each drives the real widgets; `tour.json` tells what every step found.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from alphapanda_desktop.logs import CRASHES, struck
from alphapanda_desktop.practice import command

PART_LIMIT_S: Final = 600.0
SPEED: Final = 20.0
"""The tour's market runs this fast, so that a minute bar closes every three seconds."""

SEED: Final = 7
"""Of the practice exchange: it makes the market, and the demo app that the tour logs in with."""

SCREEN: Final = {"name": "tour", "x": 0, "y": 0, "width": 1600, "height": 900, "logicalDpi": 96,
                 "logicalBaseDpi": 96, "dpr": 1}  # fmt: skip
"""The screen of a tour that has none, in the words of Qt's offscreen plugin."""

CRASH_CHARS: Final = 1600
"""As much of a crash's stack, innermost first, as a report takes."""

CLOCKS: Final = {"first": "10:30:00", "second": "14:30:00"}
"""IST time of the practice exchange when each part begins: far from 06:00, when sessions end."""


@dataclass(slots=True)
class Step:
    """One thing a person did or saw."""

    name: str
    ok: bool
    seconds: float
    detail: str


@dataclass(slots=True)
class Story:
    """All steps, in order."""

    steps: list[Step] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return bool(self.steps) and all(step.ok for step in self.steps)

    def write(self, path: Path) -> None:
        data = {"steps": [asdict(step) for step in self.steps], "ok": self.ok}
        path.write_text(json.dumps(data, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _arguments(rest: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="alphapanda tour", description="Play the first use of the program.")
    parser.add_argument("--out", type=Path, required=True, help="folder for the pictures and tour.json")
    parser.epilog = "with --data-dir before the command the profile of the tour is made there, and kept"
    parser.add_argument("--part", choices=tuple(CLOCKS), help=argparse.SUPPRESS)
    parser.add_argument("--spawned-at", type=float, default=0.0, help=argparse.SUPPRESS)
    return parser.parse_args(rest)


def run(rest: Sequence[str], options: argparse.Namespace) -> int:
    """Play the tour; 0 only if every step was ok."""
    arguments = _arguments(rest)
    if arguments.part:
        from alphapanda_desktop.player import play

        return play(arguments.part, arguments.out, arguments.spawned_at, _window_options(options, arguments.part))
    out: Path = arguments.out
    kept: Path | None = options.data_dir
    what = f"no pictures can be put in {out}"
    try:
        _make_ready(out)
        what = f"no profile can be made in {kept}"
        folder = kept or Path(tempfile.mkdtemp(prefix="alphapanda-tour-"))
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        print(f"alphapanda tour: {what}: {error.strerror}", file=sys.stderr)
        return 1
    try:
        story = _play_parts(out, folder)
    finally:
        if kept is None:
            shutil.rmtree(folder, ignore_errors=True)
    story.write(out / "tour.json")
    _tell(story, out)
    return 0 if story.ok else 1


def _make_ready(out: Path) -> None:
    """A folder without an older tour in it that takes new files; OSError where there can be none."""
    out.mkdir(parents=True, exist_ok=True)
    for old in [*out.glob("*.png"), *out.glob("tour*.json")]:
        old.unlink()
    with tempfile.TemporaryFile(dir=out):
        pass


def _window_options(options: argparse.Namespace, part: str) -> argparse.Namespace:
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() + 19_800))
    options.mode, options.profile = "practice", "tour"
    options.speed, options.clock = SPEED, f"{day}T{CLOCKS[part]}+05:30"
    options.seed, options.scenario, options.ticks = SEED, "volatile", []
    return options


def _play_parts(out: Path, folder: Path) -> Story:
    story = Story()
    for part in CLOCKS:
        began = time.perf_counter()
        arguments = ["--data-dir", str(folder), "tour", "--out", str(out), "--part", part]
        code = _run_part([*command(*arguments), "--spawned-at", repr(time.time())], folder)
        said = out / f"tour-{part}.json"
        if said.exists():
            story.steps += [Step(**step) for step in json.loads(said.read_text(encoding="utf-8"))["steps"]]
            said.unlink()
        took = round(time.perf_counter() - began, 3)
        why = "" if code == 0 else _last_error(folder)
        story.steps.append(Step(f"{part} run ends", code == 0, took, f"exit code {code}{why}"))
        if not story.ok:
            break
    return story


def _last_error(folder: Path) -> str:
    """What the program's log complained of last, and where it crashed: its folder goes with the tour."""
    errors = _logged(folder, "alphapanda.log").rpartition(" ERROR ")
    told = f"; its log says: {' | '.join(errors[2].strip().splitlines()[-3:])[:600]}" if errors[1] else ""
    _, crashed, stacks = _logged(folder, CRASHES).rpartition("Fatal Python error: ")
    why, _, thread = stacks.partition("\n\nCurrent thread ")
    frames = " | ".join(line.strip() for line in thread.partition("\n\n")[0].splitlines()[1:])
    return f"{told}; it crashed, {struck(f'{why.splitlines()[0]}: {frames}')[:CRASH_CHARS]}" if crashed else told


def _logged(folder: Path, name: str) -> str:
    return "".join(path.read_text(encoding="utf-8", errors="replace") for path in folder.rglob(name))


def _run_part(command_line: list[str], folder: Path) -> int:
    environment = dict(os.environ, PYTHONUNBUFFERED="1")
    if environment.get("QT_QPA_PLATFORM") == "offscreen":  # whose own screen is 800 × 800, too small for the window
        screen = folder / "screen.json"
        screen.write_text(json.dumps({"screens": [SCREEN]}), encoding="utf-8")
        environment["QT_QPA_PLATFORM"] = f"offscreen:configfile={screen}"
    try:
        return subprocess.run(command_line, env=environment, timeout=PART_LIMIT_S, check=False).returncode
    except subprocess.TimeoutExpired:
        return -1


def _tell(story: Story, out: Path) -> None:
    for step in story.steps:
        print(f"{'ok  ' if step.ok else 'FAIL'} {step.seconds:7.2f} s  {step.name}: {step.detail}")
    print(f"{'The tour is ok' if story.ok else 'The tour FAILED'}; pictures are in {out}", file=sys.stdout)
