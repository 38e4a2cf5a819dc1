"""`alphapanda recordings`: what the recorder kept, whether it is whole, and as CSV or Parquet."""

from __future__ import annotations

import argparse
import json
import mmap
import sys
from datetime import UTC, datetime, time
from pathlib import Path

from alphapanda_desktop.commands.recordings_export import Wish, export
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.ticklog import Damage, blocks, names_of
from alphapanda_desktop.store.dayfile import Recording


def run(rest: list[str], _options: argparse.Namespace) -> int:
    """Do what the arguments say; 0, 1 where a recording is damaged, 2 for what cannot be read or written."""
    arguments = parser().parse_args(rest)
    try:
        with Recording(arguments.file) as recording:
            if not recording.sound:
                return _refuse(arguments.file, "this is no recording of this program")
            if arguments.what == "show":
                return _show(arguments.file)
            export(recording, arguments.out, _wish(recording, arguments))
            if recording.damage:
                print(f"alphapanda recordings: {recording.damage.text()}", file=sys.stderr)
            return 1 if recording.damage else 0
    except OSError as error:
        return _refuse(Path(error.filename or arguments.file), error.strerror or str(error))


def _refuse(path: Path, why: str) -> int:
    print(f"alphapanda recordings: {path}: {why}", file=sys.stderr)
    return 2


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="alphapanda recordings",
        description="Recordings lie in the profile's folder under recordings/MODE, one file a day. "
        "`alphapanda --ticks FILE` replays one on the practice exchange.",
    )
    made.add_argument("what", choices=("show", "export"), help="show: one JSON object; export: a row a tick")
    made.add_argument("file", type=Path)
    made.add_argument("--out", type=Path, help="export there instead of to the terminal: CSV, or Parquet if so called")
    made.add_argument("--from", dest="first", type=_time, metavar="HH:MM[:SS]", help="export from this Indian time on")
    made.add_argument("--to", dest="last", type=_time, metavar="HH:MM[:SS]", help="export up to this Indian time")
    made.add_argument("--depth", action="store_true", help="export the five levels of either side too")
    return made


def _time(text: str) -> time:
    try:
        return time.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text} is no time of day, such as 09:15 or 09:15:30") from None


def _wish(recording: Recording, arguments: argparse.Namespace) -> Wish:
    """Times of the recording's own day, as epoch nanoseconds."""
    day = datetime.fromtimestamp((recording.blocks[0].first_ns if recording.blocks else 0) / 1e9, UTC).astimezone(IST)

    def at_ns(when: time | None, otherwise: int) -> int:
        if when is None:
            return otherwise
        return round(datetime.combine(day.date(), when, IST).timestamp() * 1_000_000) * 1_000

    everything = Wish()
    return Wish(at_ns(arguments.first, everything.first_ns), at_ns(arguments.last, everything.last_ns), arguments.depth)


def _show(path: Path) -> int:
    """Every block is read and checked, whatever an index says."""
    damage = Damage()
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
        found = list(blocks(data, damage))
        names = {token: name for block in found for token, name in names_of(data, block).items()}
        size = len(data)
    held = [block for block in found if block.holds_frames]
    said = {
        "frames": sum(block.count for block in held),
        "from": _ist(held[0].first_ns) if held else None,
        "to": _ist(held[-1].last_ns) if held else None,
        "bytes": size,
        "compressed": bool(found) and all(block.packed for block in found),
        "instruments": sorted(names.values()),
        "damage": damage.text(),
    }
    print(json.dumps(said, ensure_ascii=False))
    return 1 if damage else 0


def _ist(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).astimezone(IST).isoformat(timespec="milliseconds")
