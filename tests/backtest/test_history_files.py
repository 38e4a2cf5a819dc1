"""History from files: what is read, what is refused and how, and longer bars."""

from __future__ import annotations

from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest

from alphapanda_desktop.backtest.data import read_series
from alphapanda_desktop.domain.bars import combined
from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.domain.market import Interval
from tests.backtest.history import INFY, walk

ROWS = "1,2,0.5,1.5"


def written(folder: Path, *lines: str) -> Path:
    path = folder / "bars.csv"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("names", "first", "second"),
    [
        ("time", "2024-06-03 09:15:00", "2024-06-03 09:16"),
        ("Date", "2024-06-03T09:15:00+0530", "2024-06-03T03:46:00+00:00"),
        ("start_s", "1717386300", "1717386360"),
        ("date,time", "2024-06-03,09:15", "2024-06-03,09:16:00"),
    ],
)
def test_times_are_iso_or_epoch_and_indian_where_nothing_else_is_said(
    names: str, first: str, second: str, tmp_path: Path
) -> None:
    path = written(tmp_path, f"{names},Open,High,Low,Close", f"{second},{ROWS}", f"{first},{ROWS}")
    series = read_series(path, INFY)
    assert series.start_s.tolist() == [1_717_386_300, 1_717_386_360]
    assert (series.seconds, series.close.tolist(), series.volume.tolist()) == (60, [1.5, 1.5], [0, 0])


def test_of_two_rows_of_one_time_the_later_counts(tmp_path: Path) -> None:
    path = written(tmp_path, "ts,open,high,low,close,volume", f"1717386300,{ROWS},5", "1717386300,1,3,1,3,7")
    assert (read_series(path, INFY).close.tolist(), read_series(path, INFY).volume.tolist()) == ([3.0], [7])


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (("time,open,high,low", "1,1,1,1"), "no column close"),
        (("open,high,low,close", ROWS), "no column one of start_s, datetime"),
        (("ts,open,high,low,close", f"yesterday,{ROWS}"), "row 2: 'yesterday' is no time"),
        (("ts,open,high,low,close", f"1,{ROWS}", "2,1,x,1,1"), "row 3: high 'x' is no number"),
        (("ts,open,high,low,close", "1,1,1"), "row 2 has 3 values, 5 expected"),
        (("ts,open,high,low,close",), "1 lines found"),
    ],
)
def test_what_cannot_be_read_is_told_with_its_row(lines: tuple[str, ...], why: str, tmp_path: Path) -> None:
    with pytest.raises(BadData, match=why):
        read_series(written(tmp_path, *lines), INFY)


@pytest.mark.skipif(find_spec("pyarrow") is not None, reason="pyarrow is installed here")
def test_parquet_without_pyarrow_says_what_to_install(tmp_path: Path) -> None:
    with pytest.raises(BadData, match=r"alphapanda-desktop\[parquet\], or give a CSV"):
        read_series(tmp_path / "bars.parquet", INFY)


@pytest.mark.parametrize("interval", [Interval.MINUTE_5, Interval.MINUTE_60, Interval.DAY])
def test_longer_bars_are_the_charts(interval: Interval) -> None:
    series = walk(375 * 3)
    ours = list(series.longer(interval.seconds).bars())
    theirs = combined(list(series.bars()), Interval.MINUTE, interval)
    assert [bar[1:6] for bar in ours] == [bar[1:6] for bar in theirs]
    assert interval is Interval.DAY or [bar.start_s for bar in ours] == [bar.start_s for bar in theirs]


def test_days_are_indian_and_both_ends_are_included() -> None:
    series = walk(375 * 4)
    part = series.between(date(2024, 6, 4), date(2024, 6, 5))
    assert len(part) == 750
    assert np.array_equal(part.start_s, series.start_s[375:1125])


@pytest.mark.parametrize(
    ("row", "why"),
    [
        (f"1717386300000,{ROWS},5", "row 3: a time before 1980 or after 2100"),
        (f"9999-12-31 09:15,{ROWS},5", "row 3: a time before 1980 or after 2100"),
        (f"0001-01-01 09:15,{ROWS},5", "row 3: a time before 1980 or after 2100"),
        (f"2024-06-03 09:16,{ROWS},nan", "row 3: a volume that is no number from 0 on"),
        (f"2024-06-03 09:16,{ROWS},-5", "row 3: a volume that is no number from 0 on"),
        (f"2024-06-03 09:16,{ROWS},1e30", "row 3: a volume that is no number from 0 on"),
    ],
)
def test_what_is_no_time_of_a_market_and_no_volume_is_told_with_its_row(row: str, why: str, tmp_path: Path) -> None:
    path = written(tmp_path, "time,open,high,low,close,volume", f"2024-06-03 09:15,{ROWS},5", row)
    with pytest.raises(BadData, match=why):
        read_series(path, INFY)


@pytest.mark.parametrize("second", ["20240604", "2024-06-04", "2024-06-04 15:30:00", "2024-06-04T00:00:00+00:00"])
def test_a_bar_of_a_day_begins_at_its_open_however_the_day_is_written(second: str, tmp_path: Path) -> None:
    first = second.replace("0604", "0603").replace("06-04", "06-03")
    series = read_series(written(tmp_path, "date,open,high,low,close", f"{first},{ROWS}", f"{second},{ROWS}"), INFY)
    assert (series.start_s.tolist(), series.seconds) == ([1_717_386_300, 1_717_472_700], 86_400)
