"""Doors of the program that bytes from outside come in by: each takes any bytes, and refuses in its own words alone.

A door is a callable of bytes that returns, whatever the bytes, and a few samples that it lets in. Hypothesis walks
through all of them in `make test`, coverage guides the walk in `make fuzz`.
"""

from __future__ import annotations

import contextlib
import json
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np

from alphapanda_desktop import settings
from alphapanda_desktop.domain.errors import BadData, Fatal, LoginFailed
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.quotes import LatestTable
from alphapanda_desktop.domain.ticklog import (
    MAGIC,
    KnownTokens,
    blocks,
    frames_of,
    frames_parts,
    names_block,
    names_of,
    read_index,
)
from alphapanda_desktop.domain.watchlists import read_csv as read_watchlist
from alphapanda_desktop.hosting.wire import Garbled, Splitter, heard, packed
from alphapanda_desktop.kite import contract
from alphapanda_desktop.kite.columns import put_frame
from alphapanda_desktop.kite.login import KiteLogin
from alphapanda_desktop.kite.packets import decode_frame
from alphapanda_desktop.replaying.csvticks import read_csv as read_ticks
from alphapanda_desktop.sim.recordings import read_recordings
from alphapanda_desktop.store.dayfile import Recording
from alphapanda_desktop.trading.tokens import token_from_text

Door = Callable[[bytes], None]
AT: Final = 1_763_700_000_000_000_000
FRAME: Final = b"\x00\x02\x00\x08\x00\x06:\x01\x00\x02\x95\x9c\x00\x1c\x00\x03\xe9\x01" + bytes(range(24))
ORDER: Final = {
    "order_id": "1", "exchange_order_id": None, "status": "OPEN", "exchange": "NSE", "tradingsymbol": "INFY",
    "transaction_type": "BUY", "order_type": "LIMIT", "product": "MIS", "validity": "DAY", "quantity": 1, "price": 1.5,
    "order_timestamp": "2026-11-20 09:15:00", "instrument_token": 408065, "filled_quantity": 0, "average_price": 0,
}  # fmt: skip
_READERS: Final[tuple[Callable[[Any], object], ...]] = (
    contract.order_from_wire, contract.fill_from_wire, contract.position_from_wire, contract.quote_from_wire,
    contract.profile_from_wire, contract.orders_from_wire, contract.autoslice_from_wire,
    lambda row: contract.funds_from_wire({"equity": row}),
    lambda row: contract.parse(contract.Gtt, row),
    lambda row: contract.parse(contract.Holding, row),
    lambda row: contract.bars_from_candles(row, Interval.MINUTE, 0.0),
)  # fmt: skip


@contextlib.contextmanager
def _as_file(data: bytes, name: str) -> Any:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        yield path


def packets(data: bytes) -> None:
    """A frame of the socket, in both ways that it is read."""
    ticks = decode_frame(data, AT, {})
    for tick in ticks:
        assert tick.depth is None or len(tick.depth.buy) <= 5
    assert len(put_frame(LatestTable(), data, AT, {}).rows) <= len(ticks)


def answers(data: bytes) -> None:
    """An answer of Kite over REST, or an order's update: the envelope, and what is in it read as everything."""
    with contextlib.suppress(BadData):
        contract.envelope_of(data)
    try:
        row = json.loads(data)
    except (ValueError, RecursionError):
        return
    for read in _READERS:
        with contextlib.suppress(BadData):
            read(row)


def settings_file(data: bytes) -> None:
    """A settings file: what is let in can be saved, and comes back the same."""
    with _as_file(data, "settings.json") as path, contextlib.suppress(Fatal):
        read = settings.load(path, {})
        settings.save(read, path)
        assert settings.load(path, {}) == read


def recording(data: bytes) -> None:
    """A recorded day, read block by block and as a file."""
    for block in blocks(data):
        frames, _ = list(frames_of(data, block)), names_of(data, block)
        assert not frames or block.holds_frames
    read_index(data, len(data))
    with _as_file(data, "2026-11-20.ticks") as path, Recording(path) as day:
        list(day.between())


def address(data: bytes) -> None:
    """What a person pastes after the login."""
    login = KiteLogin(None, "key", "secret", "http://127.0.0.1:5599/cb")  # type: ignore[arg-type]
    with contextlib.suppress(LoginFailed):
        assert login.request_token_of(data.decode("utf-8", "surrogateescape"))


def watchlist(data: bytes) -> None:
    """A list of instruments from somewhere else."""
    read = read_watchlist(data.decode("utf-8", "replace"), lambda key: key.endswith("Y"))
    assert all(key.endswith("Y") for key, _ in read.found) and read.text()


def tick_csv(data: bytes) -> None:
    """Ticks of another program, for a replay."""

    def known(_key: str) -> Instrument | None:
        return None

    with _as_file(data, "NIFTY.csv") as path, contextlib.suppress(BadData), np.errstate(all="raise"):
        for _, frame in read_ticks(path, "", known).frames():
            assert len(decode_frame(frame, AT)) == 1


def market_csv(data: bytes) -> None:
    """A recording that the practice exchange is to play."""
    with _as_file(data, "NIFTY.csv") as path, contextlib.suppress(BadData), np.errstate(all="raise"):
        assert read_recordings([path], [])


def wire(data: bytes) -> None:
    """What a strategy's process sends to the desk."""
    with contextlib.suppress(Garbled):
        for frame in Splitter(1 << 16, 1 << 16).feed(data):
            heard(frame)


def vault_entry(data: bytes) -> None:
    """What the keyring gives for a token."""
    token_from_text(data.decode("utf-8", "surrogateescape"))


_TICKS: Final = (
    b"timestamp,symbol,ltp,volume\n2026-11-20 09:15:00,NIFTY,24000.5,10\n2026-11-20 09:15:01,NIFTY,24001,11\n"
)
_BLOCK: Final = b"".join(frames_parts([(AT, FRAME), (AT + 1, FRAME)], KnownTokens())[0])
_DAY: Final = MAGIC + names_block({408065: "NSE:INFY"}, AT) + _BLOCK
_ADDRESS: Final = b"http://127.0.0.1:5599/cb?request_token=abcdefghijklmnopqrstuvwxyz012345&status=success"
DOORS: Final[dict[str, tuple[Door, tuple[bytes, ...]]]] = {
    "packets": (packets, (FRAME, b"\x00")),
    "answers": (
        answers,
        (
            json.dumps(ORDER).encode(),
            json.dumps({"status": "success", "data": [ORDER]}).encode(),
            b'[["2026-11-20T09:15:00+0530",1,2,0.5,1.5,100]]',
        ),
    ),
    "settings": (settings_file, (settings.Settings().model_dump_json().encode(), b'{"version": 1}')),
    "recording": (recording, (_DAY,)),
    "address": (address, (_ADDRESS, b"request_token=abc", b"abcdefghijklmnopqrstuvwxyz012345")),
    "watchlist": (watchlist, (b"Symbol,Exchange,Group\nINFY,NSE,IT\n", b"NSE:INFY,IT\nTCS", b"INFY,TCS")),
    "tick csv": (tick_csv, (_TICKS, b"time,price\n1763700000,10\n1763700000123,11.5\n", b"ts,token,ltp\n1,256265,5\n")),
    "market csv": (market_csv, (_TICKS, b"time,price\n1763700000,10\n", _DAY)),
    "wire": (wire, (packed({"kind": "log", "text": "x"}, b"body"),)),
    "vault entry": (vault_entry, (b'["k", "t", "AB1234", "2026-11-20T09:15:00+05:30"]',)),
}
