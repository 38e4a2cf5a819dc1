"""The recorder on a real disk: a day a file, crash, full disk, budget, and reading back."""

from __future__ import annotations

import asyncio
import os
import shutil
import stat
import subprocess
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.domain.ticklog import MAGIC, Damage, Frame, blocks, frames_block, frames_of, names_of
from alphapanda_desktop.kite.packets import encode_frame
from alphapanda_desktop.store import recorder as recorder_module
from alphapanda_desktop.store.recorder import Recorder, compress

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
    (path,) = (tmp_path / "ticks").iterdir()
    assert path.name == "2026-11-23.ticks"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert frames_in(path) == frames
    data = path.read_bytes()
    assert names_of(data, next(blocks(data))) == NAMES


def test_midnight_in_india_begins_another_file(tmp_path: Path) -> None:
    before, after = (at(23, 18, 29), FRAME), (at(23, 18, 30), FRAME)
    record(tmp_path, [before, after])
    assert frames_in(tmp_path / "2026-11-23.ticks") == [before]
    assert frames_in(tmp_path / "2026-11-24.ticks") == [after]


def test_a_second_run_goes_on_after_the_last_whole_block(tmp_path: Path) -> None:
    path = tmp_path / "2026-11-23.ticks"
    record(tmp_path, [(at(23), FRAME)])
    with path.open("ab") as file:
        file.write(frames_block([(at(23) + 1, FRAME)])[:-3])  # killed in the middle of a block
    record(tmp_path, [(at(23) + 2, FRAME)])
    damage = Damage()
    assert frames_in(path, damage) == [(at(23), FRAME), (at(23) + 2, FRAME)]
    assert not damage


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


def test_finished_days_are_compressed_and_the_oldest_make_room(
    tmp_path: Path, arun: Any, eventually: Callable[..., Awaitable[Any]]
) -> None:
    frames = [(at(20) + n, FRAME * 30) for n in range(200)]
    for day in (20, 21, 22):
        record(tmp_path, [(at(day) + n, frame) for n, (_, frame) in enumerate(frames)])
    compress(tmp_path / "2026-11-20.ticks")
    one = (tmp_path / "2026-11-20.ticks").stat().st_size
    record(tmp_path, [(at(23), FRAME)])
    said: list[str] = []

    async def story() -> None:

        recorder = a_recorder(tmp_path, said, budget=2 * one + 1_000)
        async with asyncio.TaskGroup() as group:
            task = group.create_task(recorder.run())
            await eventually(lambda: said)
            recorder.frame(at(23) + 1, FRAME)
            task.cancel()

    arun(story())
    assert said == [f"Recordings of 2026-11-20 were deleted to keep within {(2 * one + 1_000) / 1e9:g} GB."]
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"2026-11-{day}.ticks" for day in (21, 22, 23)]
    assert all(block.packed for block in blocks((tmp_path / "2026-11-21.ticks").read_bytes()))
    assert [frame for _, frame in frames_in(tmp_path / "2026-11-22.ticks")] == [frame for _, frame in frames]


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
