"""A made-up recorded day on the disk, in the program's own form: three instruments, some ticks a second."""

from __future__ import annotations

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from alphapanda_desktop.domain.market import Mode, Ohlc, Tick
from alphapanda_desktop.kite.packets import encode_frame, encode_packet
from alphapanda_desktop.store.dayfile import DayFile

SECOND: Final = 1_000_000_000
BEGAN: Final = datetime(2026, 9, 21, 3, 45, tzinfo=UTC)
"""Monday 21 September 2026, 09:15 IST."""

BEGAN_S: Final = int(BEGAN.timestamp())
BEGAN_NS: Final = BEGAN_S * SECOND
INFY, SBIN, NIFTY = 408065, 779521, 256265
NAMES: Final = {INFY: "NSE:INFY", SBIN: "NSE:SBIN", NIFTY: "NSE:NIFTY 50"}


def price_of(token: int, second: int) -> float:
    """What an instrument trades at in that second of the day, on a tick of five paise."""
    base = {INFY: 1500.0, SBIN: 800.0, NIFTY: 24_000.0}[token]
    return round((base + 12 * math.sin(second / 97) + 5 * math.sin(second / 13 + token)) * 20) / 20


def tick_of(token: int, second: int) -> Tick:
    """A full tick of that second, its depth a tick about the price."""
    last, sent = price_of(token, second), BEGAN_S + second
    day = Ohlc(last, last + 30, last - 30, last - 10)
    if token == NIFTY:
        return Tick(token, Mode.FULL, last, tradable=False, ohlc=day, exchange_epoch_s=sent)
    paise = round(last * 100)
    depth = [n for level in range(5) for n in (500, paise - 5 * (level + 1), 3)]
    depth += [n for level in range(5) for n in (500, paise + 5 * (level + 1), 3)]
    return Tick(
        token, Mode.FULL, last, last_traded_quantity=10, average_traded_price=last, volume_traded=1000 + second * 10,
        total_buy_quantity=2500, total_sell_quantity=2500, ohlc=day, oi=0, oi_day_high=0, oi_day_low=0,
        exchange_epoch_s=sent, last_trade_epoch_s=sent, raw_depth=tuple(depth),
    )  # fmt: skip


def frame_of(second: int, tokens: tuple[int, ...] = (INFY, SBIN, NIFTY)) -> bytes:
    return encode_frame([encode_packet(tick_of(token, second), Mode.FULL) for token in tokens])


def a_recording(folder: Path, seconds: int = 600, tokens: tuple[int, ...] = (INFY, SBIN, NIFTY)) -> Path:
    """A day file of so many seconds: each second's frame comes 200 ms after it; SBIN ticks every third second."""
    day = DayFile(folder, NAMES.get)
    folder.mkdir(parents=True, exist_ok=True)
    frames = []
    for second in range(seconds):
        there = tuple(token for token in tokens if token != SBIN or second % 3 == 0)
        frames.append((BEGAN_NS + second * SECOND + 200_000_000, frame_of(second, there)))
    day.size_on(BEGAN.date())
    for first in range(0, len(frames), 60):
        day.append(frames[first : first + 60])
    day.close()
    return folder / f"{BEGAN.date().isoformat()}.ticks"
