"""Recording: the CPU of a tick, all threads and the sync included, against rows by SQLAlchemy Core."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy import BigInteger, Column, Float, Integer, MetaData, Table, create_engine, event, insert

from alphapanda_desktop.domain.ticklog import blocks, frames_of
from alphapanda_desktop.kite.packets import FULL_SIZE, decode_frame, encode_frame
from alphapanda_desktop.store.recorder import Recorder
from tests.benchmarks.race import Board, alternating, figure

FRAMES, PER_FRAME = 100, 100
TICKS = FRAMES * PER_FRAME
"""A second at 10,000 ticks/s."""
AT_NS = 1_795_410_900_000_000_000
COLUMNS = (
    *("token", "received_ns", "exchange_s", "last", "quantity", "average", "volume", "buy", "sell"),
    *("open", "high", "low", "close", "traded_s", "oi"),
)
"""What a full packet says besides its depth, which we keep and the rival does not."""


def _frames() -> list[bytes]:
    """Full packets of 100 instruments, their prices wandering."""
    packets = [
        [((256 + n) << 8 | 1).to_bytes(4, "big") + (150_000 + number * 7 + n).to_bytes(4, "big") for n in range(100)]
        for number in range(FRAMES)
    ]
    return [encode_frame([packet + bytes(FULL_SIZE - 8) for packet in frame]) for frame in packets]


def _core(path: Path) -> tuple[Callable[[list[dict[str, object]]], None], Callable[[], None]]:
    """Insert rows as one executemany in a table as journals have it: WAL, NORMAL."""
    engine = create_engine(f"sqlite:///{path}")

    @event.listens_for(engine, "connect")
    def tune(connection: object, _record: object) -> None:
        connection.execute("PRAGMA journal_mode=WAL")  # type: ignore[attr-defined]
        connection.execute("PRAGMA synchronous=NORMAL")  # type: ignore[attr-defined]

    kinds = {"token": Integer, "received_ns": BigInteger, "exchange_s": Integer, "volume": BigInteger, "oi": Integer}
    ticks = Table("ticks", MetaData(), *(Column(name, kinds.get(name, Float)) for name in COLUMNS))
    ticks.create(engine)

    def write(rows: list[dict[str, object]]) -> None:
        with engine.begin() as connection:
            connection.execute(insert(ticks), rows)

    return write, engine.dispose


@figure("recording")
def test_recording_a_second(board: Board, tmp_path: Path) -> None:
    """The rival's rows are made beforehand: what is measured of it is the writing alone."""
    frames = _frames()
    folder = tmp_path / "ticks"
    folder.mkdir()
    loop = asyncio.new_event_loop()
    said: list[str] = []
    recorder = Recorder(folder, {}.get, 10**11, said.append)
    write, dispose = _core(tmp_path / "rival.sqlite")
    rows = [
        dict(zip(COLUMNS, (t.instrument_token, AT_NS, 0, t.last_price, 1, 2.0, 3, 4, 5, *[6.0] * 4, 7, 8), strict=True))
        for frame in frames
        for t in decode_frame(frame, AT_NS)
    ]
    second = [0]

    def ours() -> None:
        second[0] += 1
        for number, frame in enumerate(frames):
            recorder.frame(AT_NS + second[0] * 1_000_000_000 + number * 10_000_000, frame)
        loop.run_until_complete(recorder.flush())

    times = alternating(ours, lambda: write(rows), 15, clock=time.process_time)
    recorder._thread.shutdown()
    recorder._file.close()
    loop.close()
    dispose()
    (path,) = folder.glob("*.ticks")
    data = path.read_bytes()
    assert said == []
    assert sum(1 for block in blocks(data) for _ in frames_of(data, block)) == second[0] * FRAMES
    row = board.figure("recording", *[[microseconds / TICKS for microseconds in side] for side in times])
    assert row.ours is not None
    board.note("recording 10,000 ticks/s, % of a core", row.ours * TICKS / 1e6 * 100)
