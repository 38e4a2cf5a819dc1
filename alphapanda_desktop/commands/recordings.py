"""`alphapanda recordings`: what the recorder kept, whether it is whole, and as CSV."""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from alphapanda_desktop.domain.market import Tick
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.domain.ticklog import MAGIC, Damage, blocks, frames_of, names_of
from alphapanda_desktop.kite.packets import decode_frame

FIELDS = ("last_price", "last_traded_quantity", "average_traded_price", "volume_traded", "oi")
HEAD = ("received", "exchange_timestamp", "instrument", "instrument_token", "mode", *FIELDS)


def run(rest: list[str], _options: argparse.Namespace) -> int:
    """Do what the arguments say; 0, 1 where a recording is damaged, 2 for what cannot be read."""
    arguments = parser().parse_args(rest)
    try:
        data = arguments.file.read_bytes()
    except OSError as error:
        print(f"alphapanda recordings: {arguments.file}: {error.strerror}", file=sys.stderr)
        return 2
    if not data.startswith(MAGIC):
        print(f"alphapanda recordings: {arguments.file}: this is no recording of this program", file=sys.stderr)
        return 2
    return _show(data) if arguments.what == "show" else _export(data, arguments.out)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    made = argparse.ArgumentParser(
        prog="alphapanda recordings",
        description="Recordings lie in the profile's folder under recordings/MODE, one file a day. "
        "`alphapanda --ticks FILE` replays one on the practice exchange.",
    )
    made.add_argument("what", choices=("show", "export"), help="show: one JSON object; export: CSV, a line a tick")
    made.add_argument("file", type=Path)
    made.add_argument("--out", type=Path, help="write the CSV there instead of to the terminal")
    return made


def _show(data: bytes) -> int:
    damage = Damage()
    found = list(blocks(data, damage))
    held = [block for block in found if block.holds_frames]
    names: dict[int, str] = {}
    for block in found:
        names |= names_of(data, block)
    said = {
        "frames": sum(block.count for block in held),
        "from": _ist(held[0].first_ns) if held else None,
        "to": _ist(held[-1].last_ns) if held else None,
        "bytes": len(data),
        "compressed": bool(found) and all(block.packed for block in found),
        "instruments": sorted(names.values()),
        "damage": damage.text(),
    }
    print(json.dumps(said, ensure_ascii=False))
    return 1 if damage else 0


def _export(data: bytes, out: Path | None) -> int:
    damage = Damage()
    if out is None:
        _write(sys.stdout, data, damage)
    else:
        with out.open("w", newline="", encoding="utf-8") as file:
            _write(file, data, damage)
    if damage:
        print(f"alphapanda recordings: {damage.text()}", file=sys.stderr)
    return 1 if damage else 0


def _write(file: object, data: bytes, damage: Damage) -> None:
    writer = csv.writer(file)  # type: ignore[arg-type]  # any text file, the terminal among them
    writer.writerow(HEAD)
    writer.writerows(_rows(data, damage))


def _rows(data: bytes, damage: Damage) -> Iterator[tuple[object, ...]]:
    names: dict[int, str] = {}
    for block in blocks(data, damage):
        names |= names_of(data, block)
        for at_ns, frame in frames_of(data, block):
            for tick in decode_frame(frame, at_ns):
                yield _row(tick, names.get(tick.instrument_token, ""))


def _row(tick: Tick, name: str) -> tuple[object, ...]:
    sent = _ist(tick.exchange_epoch_s * 1_000_000_000) if tick.exchange_epoch_s else ""
    values = ["" if (value := getattr(tick, field)) is None else value for field in FIELDS]
    return (_ist(tick.received_ns), sent, name, tick.instrument_token, tick.mode.value, *values)


def _ist(at_ns: int) -> str:
    return datetime.fromtimestamp(at_ns / 1e9, UTC).astimezone(IST).isoformat(timespec="milliseconds")
