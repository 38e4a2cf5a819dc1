"""From the socket to a strategy's callback while a chart is panned: our feed against KiteTicker and a Qt signal."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

from tests.benchmarks.race import HERE, QUICK, Board, figure, percentile, rounds


def _process(*words: str) -> subprocess.Popen[str]:
    settings = {"QT_QPA_PLATFORM": "offscreen"} | os.environ | {"PYTHONPATH": str(HERE.parents[1])}
    return subprocess.Popen(
        [sys.executable, *words], env=settings, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


def _one(side: str, rate: int, size: int, seconds: float, count: int, one_in: int = 1) -> dict[str, Any]:
    server = _process(str(HERE / "path_server.py"), str(rate), str(size), str(seconds), str(count))
    try:
        assert server.stdout is not None
        port = json.loads(server.stdout.readline())["port"]
        frames = int(rate * seconds / size)
        words = (port, frames, size, count, one_in)
        client = _process(str(HERE / "path_drive.py"), side, *(str(word) for word in words))
        said, complaints = client.communicate(timeout=90)
        assert said.strip(), complaints[-600:]
        found: dict[str, Any] = json.loads(said.strip().splitlines()[-1])
        return found
    finally:
        server.kill()
        server.communicate()


def _both(rate: int, size: int, seconds: float, count: int, one_in: int = 1) -> tuple[list[Any], list[Any]]:
    turns = [
        tuple(_one(side, rate, size, seconds, count, one_in) for side in ("ours", "rival")) for _ in range(rounds(3, 1))
    ]
    assert all(turn["missing"] == 0 for turn, _ in turns)
    assert all(turn["took_ms"] for _, turn in turns)
    return [turn for turn, _ in turns], [turn for _, turn in turns]


def _us(turns: list[Any], share: float) -> list[float]:
    return [percentile(turn["took_ms"], share) * 1000 for turn in turns]


@figure("path-10k-p50", "path-10k-p99")
def test_ten_thousand_ticks_a_second(board: Board) -> None:
    ours, rival = _both(10_000, 100, 2.0 if QUICK else 5.0, 100)
    board.figure("path-10k-p50", _us(ours, 0.5), _us(rival, 0.5))
    board.figure("path-10k-p99", _us(ours, 0.99), _us(rival, 0.99))


@figure("path-50k-p99", "path-50k-cpu")
def test_fifty_thousand_ticks_a_second(board: Board) -> None:
    ours, rival = _both(50_000, 100, 2.0 if QUICK else 4.0, 100)
    behind = [turn["missing"] for turn in rival if turn["missing"]]
    detail = f"the rival had still {behind[0]} frames to go when it was given up" if behind else ""
    board.figure("path-50k-p99", _us(ours, 0.99), _us(rival, 0.99), detail)
    board.figure("path-50k-cpu", [turn["cpu_share"] * 100 for turn in ours])


@figure("burst-3000")
@pytest.mark.parametrize("one_in", [10, 1])
def test_a_frame_of_three_thousand(board: Board, one_in: int) -> None:
    ours, rival = _both(9_000, 3_000, 3.0 if QUICK else 6.0, 3_000, one_in)
    ours_ms, rival_ms = ([took_us / 1000 for took_us in _us(side, 0.5)] for side in (ours, rival))
    if one_in == 10:
        board.figure("burst-3000", ours_ms, rival_ms, "the strategy hears 300 of the 3,000")
    else:
        board.race("a frame of 3,000 to a strategy that hears all; KiteTicker, ms", ours_ms, rival_ms, 1 / 25)
