"""The `alphapanda decode` command: a recorded packet or frame as JSON lines under Kite's ticker names."""

from __future__ import annotations

import argparse
import base64
import json
import os
import sys
from datetime import datetime
from pathlib import Path

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.market import Mode, Tick
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.kite.packets import decode_frame, decode_packet


def run(argv: list[str]) -> int:
    """Print the ticks of a file; exit code 2, with the reason on stderr, for what is no packet or frame."""
    options = _parser().parse_args(argv)
    try:
        data = _read(options.file, options.base64)
        ticks, problems = _ticks_of_frame(data) if options.frame else _ticks_of_packet(data)
    except (OSError, BadData) as error:
        return _complain(f"{options.file}: {error}")
    try:
        sys.stdout.writelines(json.dumps(by_kite_names(tick)) + "\n" for tick in ticks)
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for one, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    except OSError as error:
        return _complain(f"cannot write: {error}")
    return _complain(f"{options.file}: {'; '.join(problems)}") if problems else 0


def by_kite_names(tick: Tick) -> dict[str, object]:
    """What Kite's own ticker (pykiteconnect 4 and later) makes of the same packet; times are ISO 8601 in IST."""
    fields: dict[str, object] = {
        "tradable": tick.tradable,
        "mode": tick.mode.value,
        "instrument_token": tick.instrument_token,
        "last_price": tick.last_price,
    }
    if tick.mode is Mode.LTP:
        return fields
    # An index packet is told by what it lacks: Kite goes by its length, whatever the segment.
    trades = tick.volume_traded is not None
    if trades:
        fields |= _traded(tick)
    fields["ohlc"] = tick.ohlc._asdict() if tick.ohlc else None
    fields["change"] = tick.change
    if tick.mode is Mode.FULL:
        fields |= _full_of_tradable(tick) if trades else {}
        fields["exchange_timestamp"] = _in_ist(tick.exchange_timestamp)
    return fields


def _traded(tick: Tick) -> dict[str, object]:
    return {
        "last_traded_quantity": tick.last_traded_quantity,
        "average_traded_price": tick.average_traded_price,
        "volume_traded": tick.volume_traded,
        "total_buy_quantity": tick.total_buy_quantity,
        "total_sell_quantity": tick.total_sell_quantity,
    }


def _full_of_tradable(tick: Tick) -> dict[str, object]:
    return {
        "last_trade_time": _in_ist(tick.last_trade_time),
        "oi": tick.oi,
        "oi_day_high": tick.oi_day_high,
        "oi_day_low": tick.oi_day_low,
        "depth": _depth(tick),
    }


def _depth(tick: Tick) -> dict[str, list[dict[str, object]]]:
    depth = tick.depth
    if depth is None:
        return {"buy": [], "sell": []}
    return {
        side: [{"quantity": level.quantity, "price": level.price, "orders": level.orders} for level in levels]
        for side, levels in (("buy", depth.buy), ("sell", depth.sell))
    }


def _in_ist(at: datetime | None) -> str | None:
    return at.astimezone(IST).isoformat() if at else None


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="alphapanda decode", description="Print the ticks of one Kite packet, or of one frame, as JSON lines."
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="one packet as it is, or with --frame one message")
    parser.add_argument("--base64", action="store_true", help="the file is base64 text")
    parser.add_argument("--frame", action="store_true", help="a whole websocket message: packets with their lengths")
    return parser


def _read(file: Path, is_base64: bool) -> bytes:
    data = file.read_bytes()
    if is_base64:
        try:
            data = base64.b64decode(b"".join(data.split()), validate=True)
        except ValueError as error:
            raise BadData(f"this is no base64 text ({error})") from None
    if not data:
        raise BadData("there is nothing in it")
    return data


def _ticks_of_packet(data: bytes) -> tuple[list[Tick], list[str]]:
    tick = decode_packet(data, 0)
    if tick is None:
        raise BadData(f"{len(data)} bytes are no packet: 8, 28, 32, 44 or 184 are (a whole message needs --frame)")
    return [tick], []


def _ticks_of_frame(data: bytes) -> tuple[list[Tick], list[str]]:
    problems: dict[str, int] = {}
    ticks = decode_frame(data, 0, problems)
    return ticks, [f"{what} ({count})" for what, count in problems.items()]


def _complain(text: str) -> int:
    sys.stderr.write(f"alphapanda decode: {text}\n")
    return 2
