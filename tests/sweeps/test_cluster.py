"""The same sweep on a real Dask scheduler with two workers, one of which is killed in the middle."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.sweeps.cluster import hands
from alphapanda_desktop.sweeps.search import Listed, search
from alphapanda_desktop.sweeps.space import Axis, points_of
from alphapanda_desktop.sweeps.suggest import Suggested
from alphapanda_desktop.sweeps.trial import Objective, Results, Trial
from tests.sweeps.searching import a_job, here

ROOT = Path(__file__).resolve().parents[2]
STARTS_S = 60.0


@contextmanager
def _child(*words: str) -> Iterator[subprocess.Popen[bytes]]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "DASK_DISTRIBUTED__ADMIN__TICK__LIMIT": "1h"}
    quiet = subprocess.DEVNULL
    process = subprocess.Popen([sys.executable, "-m", *words], env=env, stdout=quiet, stderr=quiet)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


@contextmanager
def _cluster(folder: Path) -> Iterator[tuple[str, list[subprocess.Popen[bytes]]]]:
    """A scheduler and two workers of one thread each, all of them processes of their own."""
    told = folder / "scheduler.json"
    with ExitStack() as stack:
        scheduler = ("distributed.cli.dask_scheduler", "--host", "127.0.0.1", "--port", "0", "--no-dashboard")
        stack.enter_context(_child(*scheduler, "--scheduler-file", str(told)))
        deadline = time.monotonic() + STARTS_S
        while not told.exists() or not told.read_text(encoding="utf-8").strip():
            assert time.monotonic() < deadline, "the scheduler does not start"
            time.sleep(0.05)
        address = json.loads(told.read_text(encoding="utf-8"))["address"]
        worker = ("distributed.cli.dask_worker", address, "--no-nanny", "--nthreads", "1", "--no-dashboard")
        yield address, [stack.enter_context(_child(*worker, "--local-directory", str(folder))) for _ in range(2)]


def _workers_of(address: str) -> int:
    from distributed import Client

    with Client(address, timeout=STARTS_S, set_as_default=False) as client:
        client.wait_for_workers(2, timeout=STARTS_S)
        return len(client.nthreads())


def test_a_cluster_finds_what_one_thread_finds_though_a_worker_is_killed_in_the_middle(tmp_path: Path) -> None:
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    job, points = (
        a_job(tmp_path / "bars", 3_000, bar_s=300),
        list(points_of([Axis.of("fast=2:8"), Axis.of("slow=9,15,20")])),
    )
    alone = search(job, Listed(points), here(), Results())
    killed: list[int] = []
    with _cluster(tmp_path) as (address, workers):
        assert _workers_of(address) == 2

        def told(done: int, _trial: Trial) -> None:
            if done == 3:
                os.kill(workers[0].pid, signal.SIGKILL)
                killed.append(done)

        with hands(scheduler=address) as who:
            assert who.width == 4
            together = search(job, Listed(points), who, Results(), told)
        assert workers[0].wait(STARTS_S) == -signal.SIGKILL and workers[1].poll() is None
    assert killed and together == alone
    assert sum(trial.status == "done" for trial in together) == 21


def test_an_extra_that_is_not_installed_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("optuna", "distributed"):
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(BadData, match=r"install the extra alphapanda-desktop\[cluster\]"), hands(scheduler="tcp://x:1"):
        pytest.fail("nobody could ask")
    with pytest.raises(BadData, match=r"install the extra alphapanda-desktop\[sweep\]"):
        Suggested([Axis.of("fast=2:3")], 1, Objective(), 0)


def test_a_scheduler_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("distributed", reason="the extra [cluster] is not installed")
    monkeypatch.setattr("alphapanda_desktop.sweeps.cluster.ANSWER_S", 0.3)
    with (
        pytest.raises(BadData, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        hands(scheduler="tcp://127.0.0.1:9"),
    ):
        pytest.fail("nobody listens there")
