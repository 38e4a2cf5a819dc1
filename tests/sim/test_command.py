"""The command line as a child process: one line, restarts that forget nothing, and every way to stop."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
import urllib.request
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from alphapanda_desktop.sim.cli import run
from tests.sim.sim_process import WAIT_S, Child, child

BUY = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 5, "product": "MIS"}
MARKET = BUY | {"order_type": "MARKET", "market_protection": -1}


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_cleanly(number: signal.Signals) -> None:
    with child() as sim:
        assert list(sim.said) == ["rest", "ws", "login", "api_key", "api_secret", "user_id", "access_token"]
        assert sim("GET", "/user/profile")["user_id"] == sim.said["user_id"]
        sim.process.send_signal(number)
        assert sim.process.wait(WAIT_S) == 0


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM to send")
def test_a_signal_ends_it_cleanly_while_it_watches_its_parent() -> None:
    with child("--parent") as sim:
        sim.process.send_signal(signal.SIGTERM)
        assert sim.process.wait(WAIT_S) == 0


def test_it_ends_with_its_parent() -> None:
    with child("--parent") as sim:
        assert sim.process.stdin is not None
        sim.process.stdin.close()
        assert sim.process.wait(WAIT_S) == 0


def test_killed_outright_it_goes_on_with_everything_it_had_answered(tmp_path: Path) -> None:
    state = str(tmp_path / "day.state")
    with child("--state", state) as sim:
        filled = sim("POST", "/orders/regular", **MARKET, tag="one")["order_id"]
        price = sim("GET", f"/orders/{filled}")[-1]["average_price"]
        low = BUY | {"order_type": "LIMIT", "price": round(price * 0.95), "tag": "two"}
        rests = sim("POST", "/orders/regular", **low)["order_id"]
        before = {row["order_id"]: row for row in sim("GET", "/orders")}
        sim.process.kill()
    with child("--state", state) as sim:
        after = {row["order_id"]: row for row in sim("GET", "/orders")}
        assert list(after) == [filled, rests]
        assert after[filled] == before[filled] and after[rests]["tag"] == "two"
        (position,) = sim("GET", "/portfolio/positions")["net"]
        assert position["quantity"] == 5
        assert sim("DELETE", f"/orders/regular/{rests}")["order_id"] == rests
        third = sim("POST", "/orders/regular", **MARKET)["order_id"]
        assert int(third) > int(rests)
        assert len({trade["trade_id"] for trade in sim("GET", "/trades")}) == len(sim("GET", "/trades"))


def test_the_same_seed_knows_the_same_app_and_lists_as_many_as_asked() -> None:
    with child("--seed", "11", "--count", "300") as one, child("--seed", "11", "--port", "0") as two:
        assert one.said["api_key"] == two.said["api_key"] and one.said["rest"] != two.said["rest"]
        with urllib.request.urlopen(one.said["rest"] + "/instruments") as reply:
            assert len(reply.read().splitlines()) == 301


@pytest.mark.parametrize(
    "arguments",
    [["--switch", "nonsense=1"], ["--switch", "hours=never"], ["--scenario", "nonsense"], ["--speed", "0"],
     ["--speed", "nan"], ["--speed", "inf"], ["--port", "70000"], ["--count", "0"], ["--ticks", "no-such-file.csv"]],
)  # fmt: skip
def test_what_it_cannot_do_is_said_and_ends_with_two(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        run(arguments)
    said = capsys.readouterr()
    option, value = arguments
    why = said.err.splitlines()[-1]
    assert ended.value.code == 2 and said.out == ""
    assert option in why or value.partition("=")[0] in why


def test_as_a_process_too_it_says_what_it_cannot_do_and_ends_with_two() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "alphapanda_desktop.sim", "--speed", "0"],
        capture_output=True, text=True, timeout=WAIT_S, check=False,
    )  # fmt: skip
    assert done.returncode == 2 and "--speed is above 0" in done.stderr
    assert done.stdout == "" and "Traceback" not in done.stderr


def test_a_taken_port_is_said_and_ends_with_one() -> None:
    with child() as sim:
        port = sim.said["rest"].rsplit(":", 1)[1]
        done = subprocess.run(
            [sys.executable, "-m", "alphapanda_desktop.sim", "--port", port],
            capture_output=True, text=True, timeout=WAIT_S, check=False, env=os.environ,
        )  # fmt: skip
        assert done.returncode == 1 and port in done.stderr and "Traceback" not in done.stderr


def test_a_recording_is_replayed_and_traded(real_data: Path) -> None:
    ticks = real_data / "ticks" / "kite_ltp_NIFTY50_2025-10-08.csv.gz"
    with child("--ticks", str(ticks), "--speed", "60") as sim:
        with urllib.request.urlopen(sim.said["rest"] + "/sim/clock") as reply:
            said = json.load(reply)
        assert said["now"].startswith("2025-10-08") and said["speed"] == 60
        with urllib.request.urlopen(sim.said["rest"] + "/instruments/NFO") as reply:
            future = next(line.split(",") for line in reply.read().decode().splitlines() if ",FUT," in line)
        form = {"exchange": "NFO", "tradingsymbol": future[2], "transaction_type": "BUY", "product": "NRML",
                "quantity": future[8], "order_type": "MARKET", "market_protection": -1}  # fmt: skip
        id_ = sim("POST", "/orders/regular", **form)["order_id"]
        assert sim("GET", f"/orders/{id_}")[-1]["status"] == "COMPLETE"


def test_a_recording_goes_on_where_a_restart_left_it(real_data: Path, tmp_path: Path) -> None:
    ticks, state = real_data / "ticks" / "kite_ltp_NIFTY50_2025-10-08.csv.gz", str(tmp_path / "replay.state")
    seen = []
    for _ in range(2):
        with child("--ticks", str(ticks), "--speed", "600", "--state", state) as sim:
            deadline = time.monotonic() + WAIT_S
            start = _clock(sim)
            while _clock(sim) < start + timedelta(minutes=10) and time.monotonic() < deadline:
                time.sleep(0.05)
            seen.append((start, _clock(sim)))
            sim.process.kill()
    assert seen[1][0] > seen[0][0] + timedelta(minutes=5)


def _clock(sim: Child) -> datetime:
    with urllib.request.urlopen(sim.said["rest"] + "/sim/clock") as reply:
        return datetime.fromisoformat(json.load(reply)["now"])
