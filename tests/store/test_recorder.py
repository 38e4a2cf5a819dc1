"""The recorder on a real disk: a day a file, crash, full disk, budget, and reading back."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import shutil
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from alphapanda_desktop.domain.ticklog import (
    INDEX_MAGIC,
    MAGIC,
    Damage,
    Frame,
    blocks,
    frames_of,
    names_of,
)
from alphapanda_desktop.kite.packets import encode_frame
from alphapanda_desktop.store import dayfile
from alphapanda_desktop.store import recorder as recorder_module
from alphapanda_desktop.store.dayfile import INDEX_SUFFIX, DayFile, Recording, compress, compressed
from alphapanda_desktop.store.recorder import Recorder
from tests.writtenblocks import frames_block

GB = 10**9
FRAME = encode_frame([(408065).to_bytes(4, "big") + (150_000).to_bytes(4, "big")])
NAMES = {408065: "NSE:INFY"}


def at(day: int, hour: int = 4, minute: int = 0) -> int:
    return int(datetime(2026, 11, day, hour, minute, tzinfo=UTC).timestamp()) * 1_000_000_000


def a_recorder(folder: Path, said: list[str], budget: int = GB) -> Recorder:
    return Recorder(folder, NAMES.get, budget, said.append)


def frames_in(path: Path, damage: Damage | None = None) -> list[Frame]:
    data = path.read_bytes()
    return [frame for block in blocks(data, damage) for frame in frames_of(data, block)]


def record(folder: Path, frames: list[Frame], budget: int = GB) -> list[str]:
    """What one run of a recorder says of these frames."""
    said: list[str] = []
    folder.mkdir(parents=True, exist_ok=True)

    async def story() -> None:
        recorder = a_recorder(folder, said, budget)
        for frame in frames:
            recorder.frame(*frame)
        await recorder.flush()
        recorder._thread.shutdown()
        recorder._file.close()

    asyncio.run(story())
    return said


def test_a_day_is_one_file_with_the_names_of_its_tokens(tmp_path: Path) -> None:
    frames = [(at(23) + n, FRAME) for n in range(5)]
    assert record(tmp_path / "ticks", [*frames, (at(23) + 9, b"\x00")]) == []
    path, index = sorted((tmp_path / "ticks").iterdir(), reverse=True)
    assert (path.name, index.name) == ("2026-11-23.ticks", "2026-11-23.index")
    assert stat.S_IMODE(index.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert frames_in(path) == frames
    data = path.read_bytes()
    assert names_of(data, next(blocks(data))) == NAMES


def test_midnight_in_india_begins_another_file(tmp_path: Path) -> None:
    before, after = (at(23, 18, 29), FRAME), (at(23, 18, 30), FRAME)
    record(tmp_path, [before, after])
    assert frames_in(tmp_path / "2026-11-23.ticks") == [before]
    assert frames_in(tmp_path / "2026-11-24.ticks") == [after]


def test_a_second_run_goes_on_after_the_last_whole_block_and_says_what_it_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-23.ticks"
    record(tmp_path, [(at(23), FRAME)])
    with path.open("ab") as file:
        half = file.write(frames_block([(at(23) + 1, FRAME)])[:-3])  # killed in the middle of a block
    (said,) = record(tmp_path, [(at(23) + 2, FRAME)])
    assert said == f"The recording of 2026-11-23 ended within a block: {half} bytes were cut off."
    damage = Damage()
    assert frames_in(path, damage) == [(at(23), FRAME), (at(23) + 2, FRAME)]
    assert not damage


# --- from any time on -------------------------------------------------------------------------------------------------


def a_long_day(folder: Path) -> Path:
    """Twenty blocks, a minute apart, with 50 frames each."""
    for minute in range(20):
        record(folder, [(at(23, 4, minute) + n, FRAME * 20) for n in range(50)])
    return folder / "2026-11-23.ticks"


def test_a_time_is_sought_by_the_index_and_only_its_blocks_are_read(tmp_path: Path) -> None:
    path = a_long_day(tmp_path)
    with Recording(path) as recording:
        found = list(recording.between(at(23, 4, 10) + 5, at(23, 4, 11)))
    assert [at_ns for at_ns, _ in found] == [at(23, 4, 10) + n for n in range(5, 50)] + [at(23, 4, 11)]
    assert recording.names == NAMES
    assert recording.touched < path.stat().st_size / 8
    assert not recording.damage


@pytest.mark.parametrize("harm", ["gone", "cut", "of another file", "a byte changed"])
def test_an_index_that_is_not_whole_costs_time_and_no_frame(tmp_path: Path, harm: str) -> None:
    path = a_long_day(tmp_path)
    index = path.with_suffix(INDEX_SUFFIX)
    whole = index.read_bytes()
    spoilt = {"cut": whole[:-30], "of another file": MAGIC + whole, "a byte changed": whole[:60] + b"!" + whole[61:]}
    index.unlink() if harm == "gone" else index.write_bytes(spoilt[harm])
    with Recording(path) as recording:
        assert list(recording.between()) == frames_in(path)
    assert not recording.damage
    record(tmp_path, [(at(23, 5), FRAME)])  # the next start makes it anew
    assert index.read_bytes()[: len(whole)] == whole
    with Recording(path) as recording:
        assert len(list(recording.between(at(23, 5)))) == 1
    assert recording.touched < path.stat().st_size / 8


def test_a_rotten_block_is_left_out_and_named_though_the_index_knows_it(tmp_path: Path) -> None:
    path = a_long_day(tmp_path)
    data = bytearray(path.read_bytes())
    rotten = [block for block in blocks(bytes(data)) if block.holds_frames][7]
    data[rotten.at + 100] ^= 1
    path.write_bytes(data)
    with Recording(path) as recording:
        assert len(list(recording.between())) == 19 * 50
    assert recording.damage.lost == [(rotten.at, rotten.size)]


def test_a_compressed_day_is_sought_too(tmp_path: Path) -> None:
    path = a_long_day(tmp_path)
    before = frames_in(path)
    compress(path)
    with Recording(path) as recording:
        assert list(recording.between(at(23, 4, 19))) == before[-50:]
        assert recording.touched < path.stat().st_size / 5
        assert list(recording.between()) == before


def test_a_day_that_goes_on_while_it_is_compressed_keeps_what_was_added(tmp_path: Path) -> None:
    path = a_long_day(tmp_path)
    made = compressed(path)
    assert made is not None
    recorder = a_recorder(tmp_path, [])
    record(tmp_path, [(at(23, 6), FRAME)])
    before = frames_in(path)
    assert recorder._swap(path, *made) == ""
    assert frames_in(path) == before
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".index", ".ticks"]


def test_compressing_stops_when_the_program_ends_and_leaves_nothing_behind(tmp_path: Path) -> None:
    path = a_long_day(tmp_path)
    assert compressed(path, lambda: True) is None
    assert sorted(p.suffix for p in tmp_path.iterdir()) == [".index", ".ticks"]


# --- what goes wrong --------------------------------------------------------------------------------------------------


def test_kill_minus_nine_loses_no_block_that_was_flushed(tmp_path: Path) -> None:
    program = (
        "import asyncio, os, sys\n"
        "from pathlib import Path\n"
        "from alphapanda_desktop.store.recorder import Recorder\n"
        "async def story():\n"
        "    recorder = Recorder(Path(sys.argv[1]), {}.get, 10**9, print)\n"
        "    for n in range(50):\n"
        f"        recorder.frame({at(23)} + n, bytes.fromhex('{FRAME.hex()}'))\n"
        "        await recorder.flush()\n"
        "    recorder.frame(1, b'never written')\n"
        "    os.kill(os.getpid(), 9)\n"
        "asyncio.run(story())\n"
    )
    done = subprocess.run([sys.executable, "-c", program, str(tmp_path)], check=False, timeout=60)
    assert done.returncode != 0
    assert frames_in(tmp_path / "2026-11-23.ticks") == [(at(23) + n, FRAME) for n in range(50)]


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can mount a small disk")
@pytest.mark.skipif(shutil.which("mount") is None, reason="this machine has no mount command")
def test_a_full_disk_costs_the_block_that_did_not_fit_and_is_said(tmp_path: Path) -> None:
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(tmp_path)], check=False)
    if mounted.returncode != 0:
        pytest.skip("this machine does not let its root mount a tmpfs")
    try:
        path = tmp_path / "2026-11-23.ticks"
        assert record(tmp_path, [(at(23), FRAME)]) == []
        (said,) = record(tmp_path, [(at(23) + 1, bytes(100_000))])
        assert "No space left on device" in said
        assert "1 frames were lost" in said
        assert record(tmp_path, [(at(23) + 2, FRAME)]) == []
        damage = Damage()
        assert [at_ns for at_ns, _ in frames_in(path, damage)] == [at(23), at(23) + 2]
        assert not damage
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_file_that_may_not_grow_costs_the_block_that_did_not_fit_and_is_said(tmp_path: Path) -> None:
    """As a full disk, where nobody may mount one: the system refuses the write half way through the block."""
    program = (
        "import asyncio, json, resource, signal, sys\n"
        "from pathlib import Path\n"
        "from alphapanda_desktop.store.recorder import Recorder\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "async def story():\n"
        "    said = []\n"
        "    recorder = Recorder(Path(sys.argv[1]), {}.get, 10**9, said.append)\n"
        "    for n, size, limit in ((0, 900, -1), (1, 9000, 4000), (1, 9000, 4000), (2, 900, -1), (3, 900, -1)):\n"
        "        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))\n"
        f"        recorder.frame({at(23)} + n, bytes(size))\n"
        "        await recorder.flush()\n"
        "    print(json.dumps(said))\n"
        "asyncio.run(story())\n"
    )
    command = [sys.executable, "-c", program, str(tmp_path)]
    done = subprocess.run(command, check=True, timeout=60, capture_output=True, text=True)
    assert json.loads(done.stdout) == [  # once while it lasts, and once when it is over
        "Ticks are not recorded: File too large. 1 frames were lost.",
        "Ticks are recorded again; 2 frames were lost.",
    ]
    damage = Damage()
    assert [at_ns for at_ns, _ in frames_in(tmp_path / "2026-11-23.ticks", damage)] == [at(23), at(23) + 2, at(23) + 3]
    assert not damage


def test_a_folder_that_cannot_be_written_is_said_and_breaks_nothing_off(tmp_path: Path) -> None:
    blocked = tmp_path / "ticks"
    blocked.mkdir()
    (blocked / "2026-11-23.ticks").mkdir()  # a folder where the file should be
    (said,) = record(blocked, [(at(23), FRAME)])
    assert said.startswith("Ticks are not recorded: ")


def test_what_is_over_the_budget_today_is_not_recorded_and_said(tmp_path: Path) -> None:
    assert record(tmp_path, [(at(23), FRAME)]) == []
    (said,) = record(tmp_path, [(at(23) + 1, FRAME)], budget=0)
    assert said == "Ticks are not recorded: today's recording has reached the budget of 0 GB. 1 frames were lost."


def test_frames_beyond_what_may_wait_are_counted_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recorder_module, "MAX_WAITING", 3 * len(FRAME) - 1)
    (said,) = record(tmp_path, [(at(23) + n, FRAME) for n in range(5)])
    assert said == "The disk is too slow for the recording: 2 frames were left out."
    assert len(frames_in(tmp_path / "2026-11-23.ticks")) == 3


def long_ago(folder: Path) -> None:
    """As if nothing had been written here for an hour."""
    for path in folder.iterdir():
        os.utime(path, (path.stat().st_mtime - 3_600,) * 2)


def test_finished_days_are_compressed_and_the_oldest_make_room(
    tmp_path: Path, arun: Any, eventually: Callable[..., Awaitable[Any]]
) -> None:
    frames = [(at(20) + n, FRAME * 30) for n in range(200)]
    for day in (20, 21, 22):
        record(tmp_path, [(at(day) + n, frame) for n, (_, frame) in enumerate(frames)])
    compress(tmp_path / "2026-11-20.ticks")
    rest = sum((tmp_path / f"2026-11-{day}{suffix}").stat().st_size for day in (21, 22) for suffix in SUFFIXES)
    record(tmp_path, [(at(23), FRAME)])
    long_ago(tmp_path)
    said: list[str] = []
    budget = rest + 1_000

    async def story() -> None:

        recorder = a_recorder(tmp_path, said, budget)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(recorder.run())
            await eventually(lambda: said)
            await eventually(lambda: all_packed(tmp_path / "2026-11-23.ticks"))
            await eventually((tmp_path / "2026-11-23.index").exists)  # the former went before: this is the new one
            task.cancel()

    arun(story())
    assert said == [f"Recordings of 2026-11-20 were deleted to keep within {budget / 1e9:g} GB."]
    names = [f"2026-11-{day}{suffix}" for day in (21, 22, 23) for suffix in SUFFIXES]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(names)
    assert all_packed(tmp_path / "2026-11-21.ticks")
    assert [frame for _, frame in frames_in(tmp_path / "2026-11-22.ticks")] == [frame for _, frame in frames]


SUFFIXES = (".ticks", ".index")


def all_packed(path: Path) -> bool:
    return all(block.packed for block in blocks(path.read_bytes()))


def test_a_day_is_compressed_after_its_session_and_goes_on_in_the_evening(
    tmp_path: Path, arun: Any, eventually: Callable[..., Awaitable[Any]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "BLOCK_S", 0.001)
    monkeypatch.setattr(recorder_module, "TIDY_S", 0.01)
    path = tmp_path / "2026-11-23.ticks"

    async def story() -> None:
        recorder = a_recorder(tmp_path, [])
        async with asyncio.TaskGroup() as group:
            task = group.create_task(recorder.run())
            recorder.frame(at(23), FRAME)
            await eventually(lambda: path.exists() and frames_in(path))
            long_ago(tmp_path)
            await eventually(lambda: all_packed(path))
            recorder.frame(at(23, 12), FRAME)
            await eventually(lambda: len(frames_in(path)) == 2)
            task.cancel()

    arun(story())
    with Recording(path) as recording:
        assert [frame[0] for frame in recording.between()] == [at(23), at(23, 12)]
        assert [block.packed for block in recording.blocks if block.holds_frames] == [True, False]


def test_the_budget_is_kept_while_the_day_grows(tmp_path: Path) -> None:
    record(tmp_path, [(at(20) + n, FRAME * 400) for n in range(100)])
    old = tmp_path / "2026-11-20.ticks"
    budget = old.stat().st_size + 30_000
    said = record(tmp_path, [(at(23) + n * 86_400_000_000_000, FRAME * 400) for n in range(8)], budget)
    assert not old.exists()
    assert said == [f"Recordings of 2026-11-20 were deleted to keep within {budget / 1e9:g} GB."]


def test_what_gathered_last_is_written_when_recording_ends(
    tmp_path: Path, arun: Any, eventually: Callable[..., Awaitable[Any]]
) -> None:
    async def story() -> None:

        recorder = a_recorder(tmp_path, [])
        async with asyncio.TaskGroup() as group:
            task = group.create_task(recorder.run())
            await asyncio.sleep(0)
            recorder.frame(at(23), FRAME)
            task.cancel()
        await eventually((tmp_path / "2026-11-23.ticks").exists)
        await eventually(lambda: frames_in(tmp_path / "2026-11-23.ticks"))

    arun(story())
    assert (tmp_path / "2026-11-23.ticks").read_bytes().startswith(MAGIC)


def test_a_flush_that_waits_for_the_thread_when_recording_ends_loses_nothing(
    tmp_path: Path, arun: Callable[[Awaitable[None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder_module, "BLOCK_S", 0.0)

    async def story() -> None:
        recorder, busy = a_recorder(tmp_path, []), threading.Event()
        async with asyncio.TaskGroup() as group:
            running = group.create_task(recorder.run())
            await asyncio.sleep(0.01)
            recorder._thread.submit(busy.wait)
            recorder.frame(at(23), FRAME)
            while not recorder._due:
                await asyncio.sleep(0)
            running.cancel()
        busy.set()
        await asyncio.to_thread(recorder._thread.shutdown)

    arun(story())
    assert frames_in(tmp_path / "2026-11-23.ticks") == [(at(23), FRAME)]


@pytest.mark.parametrize("opened", [True, False])
def test_todays_recording_is_kept_though_a_clock_that_was_ahead_left_days_of_the_future(
    tmp_path: Path, opened: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time_ns()
    monkeypatch.setattr(recorder_module, "time", SimpleNamespace(time_ns=lambda: now))  # no midnight comes between
    record(tmp_path, [(now, FRAME)])
    (today,) = tmp_path.glob("*.ticks")
    (tmp_path / "2126-11-30.ticks").write_bytes(MAGIC + bytes(5_000))

    async def story() -> str:
        recorder = a_recorder(tmp_path, [], budget=1_000)
        if opened:
            recorder.frame(now, FRAME)
            await recorder.flush()
        words = recorder._keep_to_budget()
        recorder._thread.shutdown()
        recorder._file.close()
        return words

    words = asyncio.run(story())
    assert today.exists()
    assert ("2126-11-30" in words) is opened


def test_a_damaged_beginning_costs_no_block_and_is_said(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-23.ticks"
    record(tmp_path, [(at(23), FRAME)])
    path.write_bytes(b"alpha" + path.read_bytes()[5:])
    said = record(tmp_path, [(at(23) + 1, FRAME)])
    assert said == ["The beginning of the recording of 2026-11-23 was damaged, and is put right."]
    assert frames_in(path) == [(at(23), FRAME), (at(23) + 1, FRAME)]


def test_a_file_that_is_no_recording_is_put_aside_and_said(tmp_path: Path) -> None:
    path, theirs = tmp_path / "2026-11-23.ticks", b"something that somebody may want to keep"
    path.write_bytes(theirs)
    (said,) = record(tmp_path, [(at(23), FRAME)])
    assert said.startswith("The recording of 2026-11-23 could not be read")
    assert (tmp_path / "2026-11-23.unreadable").read_bytes() == theirs
    assert frames_in(path) == [(at(23), FRAME)]


def test_compressing_hides_no_damage(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-23.ticks"
    for minute in range(3):
        record(tmp_path, [(at(23, 4, minute), FRAME)])
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    before, after = Damage(), Damage()
    frames = frames_in(path, before)
    compress(path)
    assert frames_in(path, after) == frames
    assert [size for _, size in after.lost] == [size for _, size in before.lost] != []
    with Recording(path) as recording:
        assert list(recording.between()) == frames
        assert recording.damage


def test_a_time_is_found_though_the_clock_was_set_back_within_a_block(tmp_path: Path) -> None:
    record(tmp_path, [(at(23) + n, FRAME) for n in (5, 6, 2, 3)])
    with Recording(tmp_path / "2026-11-23.ticks") as recording:
        assert [at_ns - at(23) for at_ns, _ in recording.between(at(23) + 5, at(23) + 6)] == [5, 6]
        assert (recording.blocks[-1].first_ns, recording.blocks[-1].last_ns) == (at(23) + 2, at(23) + 6)


def test_a_day_is_not_opened_while_it_is_read_to_be_compressed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Opening cuts off what a crash left: reading that through a memory map ends the process."""
    path = tmp_path / "2026-11-23.ticks"
    for minute in range(3):
        record(tmp_path, [(at(23, 4, minute), FRAME)])
    with path.open("ab") as file:
        file.write(os.urandom(100_000))
    recorder = a_recorder(tmp_path, [])
    reading, repacked = threading.Event(), dayfile.repacked

    def slowly(*args: Any) -> bytes:
        reading.set()
        for _ in range(6_000):
            if recorder._wanted is None:
                time.sleep(0.01)
        assert not recorder._file.day
        return repacked(*args)

    monkeypatch.setattr(dayfile, "repacked", slowly)
    packing = recorder._tidier.submit(recorder._compressed, path)
    assert reading.wait(60)
    writing = recorder._thread.submit(recorder._write, [(at(23, 5), FRAME)])
    assert "100,000 bytes were cut off" in writing.result(60)
    assert packing.result(60) is None
    recorder._thread.shutdown()
    recorder._tidier.shutdown()
    recorder._file.close()
    assert len(frames_in(path)) == 4
    assert not path.with_suffix(".part").exists()


def test_an_index_that_cannot_be_written_leaves_no_handle_open(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write = dayfile._write_all

    def full(handle: int, content: bytes) -> None:
        if content.startswith(INDEX_MAGIC):
            raise OSError(errno.ENOSPC, "no space left")
        write(handle, content)

    monkeypatch.setattr(dayfile, "_write_all", full)
    handles = open_handles(tmp_path)
    for _ in range(3):
        day = DayFile(tmp_path, NAMES.get)
        day.size_on(datetime(2026, 11, 23, tzinfo=UTC).date())
        day.append([(at(23), FRAME)])
        day.close()
    assert open_handles(tmp_path) == handles


def open_handles(folder: Path) -> list[str]:
    """What this process has open of a folder, where the system tells; other tests' threads open and close others."""
    known, found = Path("/proc/self/fd"), list[str]()
    for handle in known.iterdir() if known.exists() else ():
        with contextlib.suppress(FileNotFoundError):  # closed since
            found.append(str(handle.readlink()))
    return [name for name in found if name.startswith(str(folder))]


def test_a_day_that_the_budget_takes_away_meanwhile_breaks_nothing_off(tmp_path: Path) -> None:
    (tmp_path / "2026-11-20.ticks").symlink_to(tmp_path / "gone")
    recorder = a_recorder(tmp_path, [])
    assert recorder._finished() == []
    recorder._thread.shutdown()
    recorder._tidier.shutdown()
