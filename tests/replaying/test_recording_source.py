"""Recordings as frames: day files and CSV, from any time on, several at once, and what is told of their instruments."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.market import Mode
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.kite.packets import decode_frame, encode_frame, encode_packet
from alphapanda_desktop.replaying.source import Recording
from alphapanda_desktop.store.dayfile import DayFile, compress, day_path
from tests.fakes import a_tick, an_instrument

OPEN = datetime(2026, 9, 21, 9, 15, tzinfo=IST)
OPEN_NS = int(OPEN.timestamp()) * 1_000_000_000
SECOND = 1_000_000_000
FUTURE = an_instrument("NIFTY26SEPFUT", token=58_000 << 8 | 2, exchange="NFO", kind="FUT", lot_size=75)


def day_file(folder: Path, count: int = 100, tokens: tuple[int, ...] = (408065,), names: str = "NSE:INFY") -> Path:
    """A recorded day of a tick a second for each token, in blocks of ten frames."""
    day = DayFile(folder, lambda _token: names)
    date = OPEN.date()
    day.size_on(date)
    for first in range(0, count, 10):
        frames = []
        for n in range(first, min(first + 10, count)):
            ticks = [a_tick(100 + n / 20, token=token, volume=n) for token in tokens]
            frames.append((OPEN_NS + n * SECOND, encode_frame([encode_packet(tick, Mode.QUOTE) for tick in ticks])))
        day.append(frames)
    day.close()
    return day_path(folder, date)


def prices(recording: Recording, from_ns: int = 0) -> list[float]:
    return [tick.last_price for at_ns, frame in recording.frames(from_ns) for tick in decode_frame(frame, at_ns)]


def test_a_day_file_tells_its_span_and_its_instruments_before_a_frame_is_read(tmp_path: Path) -> None:
    with Recording.open([day_file(tmp_path)]) as recording:
        assert (recording.begin_ns, recording.end_ns, recording.count) == (OPEN_NS, OPEN_NS + 99 * SECOND, 100)
        (infy,) = recording.instruments
        assert (infy.key, infy.instrument_token, infy.tick_size, infy.lot) == ("NSE:INFY", 408065, 0.05, 1)
        assert prices(recording)[:3] == [100.0, 100.05, 100.1]


def test_frames_from_a_time_on_read_only_the_blocks_that_hold_them(tmp_path: Path) -> None:
    path = day_file(tmp_path, 1_000)
    with Recording.open([path], known=lambda _key: an_instrument()) as recording:
        assert next(recording.frames(OPEN_NS + 900 * SECOND))[0] == OPEN_NS + 900 * SECOND
        assert recording._parts[0]._day.touched < path.stat().st_size / 20  # type: ignore[attr-defined]


def test_a_compressed_day_plays_the_same(tmp_path: Path) -> None:
    path = day_file(tmp_path)
    with Recording.open([path]) as recording:
        before = list(recording.frames())
    compress(path)
    with Recording.open([path]) as recording:
        assert list(recording.frames()) == before


def test_the_master_says_what_an_instrument_is_and_the_recording_which_token_it_had(tmp_path: Path) -> None:
    path = day_file(tmp_path, tokens=(58_001 << 8 | 2,), names="NFO:NIFTY26SEPFUT")
    with Recording.open([path], known=lambda key: FUTURE if key == FUTURE.key else None) as recording:
        (row,) = recording.instruments
    assert (row.lot_size, row.instrument_token) == (75, 58_001 << 8 | 2)


def test_a_csv_plays_as_full_packets_with_times_volumes_and_the_day_so_far(tmp_path: Path) -> None:
    path = tmp_path / "INFY.csv.gz"
    rows = "timestamp,ltp,volume\n2026-09-21 09:15:01.5,1500.05,10\n2026-09-21 09:15:00,1500,4\n"
    path.write_bytes(gzip.compress((rows + "2026-09-21T09:15:02,1499.95,25\n").encode()))
    with Recording.open([path]) as recording:
        ticks = [tick for at_ns, frame in recording.frames() for tick in decode_frame(frame, at_ns)]
        assert recording.instruments[0].key == "NSE:INFY"
    assert [tick.last_price for tick in ticks] == [1500.0, 1500.05, 1499.95]
    assert [tick.volume_traded for tick in ticks] == [4, 10, 25]
    assert [tick.last_traded_quantity for tick in ticks] == [0, 6, 15]
    assert [tick.received_ns - OPEN_NS for tick in ticks] == [0, 1_500_000_000, 2 * SECOND]
    assert [tick.exchange_epoch_s - OPEN_NS // SECOND for tick in ticks] == [0, 1, 2]
    assert ticks[2].ohlc is not None and ticks[2].ohlc[:3] == (1500.0, 1500.05, 1499.95)


@pytest.mark.parametrize(
    "text", ["1789962300.5", "1789962300500", "1789962300500000", "1789962300500000000", "2026-09-21T03:45:00.5Z"]
)
def test_times_are_read_by_their_size_or_zone(tmp_path: Path, text: str) -> None:
    path = tmp_path / "INFY.csv"
    path.write_text(f"time,price\n{text},100\n")
    with Recording.open([path]) as recording:
        assert recording.begin_ns == OPEN_NS + SECOND // 2


def test_several_files_are_played_together_in_the_order_of_time(tmp_path: Path) -> None:
    one, other = tmp_path / "INFY.csv", tmp_path / "f.csv"
    one.write_text("time,price\n2026-09-21 09:15:00,100\n2026-09-21 09:15:02,102\n")
    other.write_text("time,price\n2026-09-21 09:15:01,201\n2026-09-21 09:15:03,203\n")
    with Recording.open([one, other], keys={other: "NFO:NIFTY26SEPFUT"}) as recording:
        assert prices(recording) == [100.0, 201.0, 102.0, 203.0]
        assert prices(recording, OPEN_NS + SECOND) == [201.0, 102.0, 203.0]
        assert [row.key for row in recording.instruments] == ["NFO:NIFTY26SEPFUT", "NSE:INFY"]
        assert recording.find("NFO:NIFTY26SEPFUT") is not None and recording.find("NSE:TCS") is None


def test_a_csv_of_several_symbols_is_a_recording_of_each(tmp_path: Path) -> None:
    path = tmp_path / "both.csv"
    path.write_text("time,symbol,price\n2026-09-21 09:15:00,INFY,100\n2026-09-21 09:15:01,TCS,200.01\n")
    with Recording.open([path]) as recording:
        assert {row.key: row.tick_size for row in recording.instruments} == {"NSE:INFY": 0.05, "NSE:TCS": 0.01}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("time,price\n", "holds no ticks"),
        ("a,b\n1,2\n", "a time and a price column are needed"),
        ("time,price\n2026-09-21 09:15:00,-4\n", "row 2: '-4' is no price"),
        ("time,price\n2026-09-21 09:15:00,4\nsoon,4\n", "row 3: 'soon' is no time"),
        ("time,price\n2026-09-21 09:15:00,x\n", "row 2: 'x' is no price"),
        ("time,price\n2026-09-21 09:15:00\n", "row 2: 1 values, 2 expected"),
    ],
)
def test_what_is_no_recording_is_refused_by_file_and_row(tmp_path: Path, text: str, words: str) -> None:
    path = tmp_path / "INFY.csv"
    path.write_text(text)
    with pytest.raises(BadData, match=f"INFY.csv.*{words}"):
        Recording.open([path])


def test_a_damaged_block_is_left_out_and_told(tmp_path: Path) -> None:
    path = day_file(tmp_path)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with Recording.open([path]) as recording:
        assert len(prices(recording)) == 90
        assert "damaged bytes were left out" in recording.damage


def test_a_token_that_means_two_things_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files = [day_file(tmp_path / "a"), day_file(tmp_path / "b", names="NSE:TCS")]
    with pytest.raises(BadData, match="NSE:INFY in one file and NSE:TCS in another"):
        Recording.open(files)


def test_an_instrument_whose_token_changed_between_two_days_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    files = [day_file(tmp_path / "a"), day_file(tmp_path / "b", tokens=(408321,))]
    with pytest.raises(BadData, match="NSE:INFY has token 408065 in one file and 408321 in another"):
        Recording.open(files)


def test_real_ticks_are_read(real_data: Path) -> None:
    path = next((real_data / "ticks" / "nse_1s_GPL3").glob("*INFY*"))
    with Recording.open([path], keys={path: "NSE:INFY"}) as recording:
        times = [at_ns for at_ns, _ in recording.frames()]
        assert len(times) == recording.count > 20_000 and times == sorted(times)
        infy: Instrument = recording.instruments[0]
        begun = datetime.fromtimestamp(recording.begin_ns / 1e9, UTC).astimezone(IST)
        assert (infy.tick_size, begun.hour, begun.minute) == (0.05, 9, 15)
