"""Every command line of README and docs/ is run, in a folder with small files of the names that the pages use.

What needs a display, the network or more time than a test has is parsed only (`tests/test_docs.py`), each for a reason
that is named here. All of it is one test in one process: most of a command's time would be the start of a Python.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import gzip
import io
import re
import shlex
import shutil
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from alphapanda_desktop.__main__ import main, parser
from alphapanda_desktop.domain.ticklog import MAGIC, names_block
from alphapanda_desktop.kite.packets import encode_frame
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from tests.strategies.trained import write_model
from tests.test_docs import COMMAND_LINES
from tests.writtenblocks import frames_block

AT = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
MADE = "small.made"
"""Holds what is made once and copied into the folder of each page."""

NOT_RUN = {
    r"--self-test": "plays the tour; tests/test_selftest.py and `make package` run it",
    r"^tour\b": "opens windows; tests/e2e/test_tour.py runs it",
    r"^sim\b": "serves until it is stopped; tests/sim/test_command.py runs it",
    r"^bench\b": "takes a quarter of an hour; tests/commands/test_bench_command.py runs it",
    r"^torture\b": "takes half a minute; tests/commands/test_torture.py runs it",
    r"--mode live doctor": "asks Zerodha",
    r"^update --": "asks a web host, for which there is no address yet; tests/test_updates.py runs it",
    r"--optuna": "needs the extra [sweep], and a login for its candles",
    r"--scheduler": "needs a Dask cluster",
    r"^$": "opens the window; tests/e2e run it in each mode",
}
"""What is parsed only: a pattern of the command (empty where the window opens), and why."""

MAY_WARN = {"doctor": {0, 1}}
"""Exit codes of commands that are right where something is found; all others must end with 0."""

ONE_WORKER = ["--workers", "1"]
LINES = list(dict.fromkeys((page, line) for page, line in COMMAND_LINES))


def _why_not_run(line: str) -> str:
    words = shlex.split(line)[1:]
    options = parser().parse_args(words)
    if len(options.command) == 1 and options.command[0] in ("sim", "tour", "decode"):
        return "a command's bare name, in a sentence"
    command = (
        " ".join(words) if "--" in words[0] and (options.command or options.self_test) else " ".join(options.command)
    )
    return next((why for pattern, why in NOT_RUN.items() if re.search(pattern, command)), "")


# --- the files that the pages name ---------------------------------------------------------------------------------


def _bars() -> str:
    """Seven months and a half of two bars of five minutes on three days a week, up and down."""
    rows = ["time,open,high,low,close,volume"]
    for number in range(228):
        day = date(2024, 1, 1) + timedelta(days=number)
        price = 100.0 + number * 7 % 23
        for minute in (15, 20) if day.weekday() in (0, 2, 4) else ():
            rows.append(f"{day}T09:{minute},{price},{price + 1},{price - 1},{price + 0.5},1000")
    return "\n".join(rows) + "\n"


def _ticks() -> str:
    rows = [f"2026-11-23 09:{30 + n // 60}:{n % 60:02d},{100 + n // 60 % 4 * 0.5},{n * 75}" for n in range(600)]
    return "\n".join(["time,price,volume", *rows]) + "\n"


def _packet(price: int) -> bytes:
    return (408065).to_bytes(4, "big") + price.to_bytes(4, "big")


def _recording() -> bytes:
    start = int(AT.timestamp()) * 1_000_000_000
    frames = [(start + n * 1_000_000_000, encode_frame([_packet(150_000 + n // 60 % 4 * 50)])) for n in range(600)]
    return MAGIC + names_block({408065: "NSE:INFY"}, start) + frames_block(frames)


ORDERS = """[{"order_id": "1", "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY",
"variety": "regular", "product": "MIS", "order_type": "MARKET", "quantity": 10, "average_price": 1500}]"""


MINE = '''
from alphapanda_desktop.domain.strategy import Context, Parameters, Strategy, number

class MineParams(Parameters):
    fast: int = number(5, "bars", ge=2, le=100)
    stop_loss: float = number(1.0, "per cent", ge=0, le=5)

class Mine(Strategy):
    """Buys the first close above that of `fast` bars ago, and nothing after it."""

    name = "mine"
    Params = MineParams

    @property
    def lookback(self):
        return self.params.fast + 1

    def on_start(self, ctx):
        self.bought = False

    def on_bar(self, ctx, instrument, bar):
        if not self.bought and bar.close > ctx.closes(instrument, self.params.fast + 1)[0]:
            self.bought = True
            ctx.buy(instrument, 10, reason="higher")
'''


async def _journal(path: Path) -> None:
    database = Database(path)
    await database.open()
    await SqlJournal(database).session_began("AB1234", AT, AT + timedelta(hours=20))
    await database.close()


def _furnish(folder: Path) -> None:
    """Every file that a page's command reads, and a profile that has traded, in practice and on paper."""
    for name in ("infy.csv", "sbin.csv", "nifty.csv"):
        (folder / name).write_text(_bars(), encoding="utf-8")
    (folder / "ticks.csv.gz").write_bytes(gzip.compress(_ticks().encode()))
    frame = encode_frame([_packet(150_000)])
    for name, data in (("packet", _packet(150_000)), ("frame", frame)):
        (folder / f"{name}.bin").write_bytes(data)
        (folder / f"{name}.b64").write_bytes(base64.b64encode(data))
    for name in ("day", "2026-11-23"):
        (folder / f"{name}.ticks").write_bytes(_recording())
    (folder / "orders.json").write_text(ORDERS, encoding="utf-8")
    (folder / "mine.py").write_text(MINE, encoding="utf-8")
    profile = folder / "data" / "profiles" / "default"
    (profile / "backups").mkdir(parents=True)
    asyncio.run(_journal(profile / "practice.sqlite"))
    for name in ("paper.sqlite", "backups/paper-2026-11-20.sqlite"):
        shutil.copy(profile / "practice.sqlite", profile / name)
    models = folder / ".local/share/alphapanda/profiles/default/models"
    models.mkdir(parents=True)
    write_model(models / "my_model.json", 4)


# --- running them --------------------------------------------------------------------------------------------------


def _words(line: str) -> list[str]:
    """What the shell would hand over, the data folder being the test's own."""
    words = [_removed() if word == "NAME" else word for word in shlex.split(line)[1:]]
    words = [str(Path(word).expanduser()) if word.startswith("~") else word for word in words]
    return ["--data-dir", "data", *words, *(ONE_WORKER if "sweep" in words else [])]


def _removed() -> str:
    """What a page calls NAME: the profile that was removed a line before."""
    return next(iter(sorted(path.name for path in Path("data/removed").glob("*"))), "")


def _complaint(line: str, run: Callable[[list[str]], int]) -> str:
    """What is wrong with a line, run in this folder; empty where it does what the page says."""
    said, complained = io.StringIO(), io.StringIO()
    words = _words(line)
    with contextlib.redirect_stdout(said), contextlib.redirect_stderr(complained):
        try:
            code = run(words)
        except SystemExit as error:
            code = int(error.code or 0)
    made = [words[place + 1] for place, word in enumerate(words) if word in ("--report", "--results", "--out")]
    if code not in MAY_WARN.get(parser().parse_args(words).command[0], {0}):
        return f"{line}: exit code {code}: {complained.getvalue()[-300:] or said.getvalue()[-300:]}"
    lost = [name for name in made if not Path(name).exists()]
    return (
        f"{line}: {', '.join(lost)} was not written" if lost else ("" if said.getvalue() or made else f"{line}: silent")
    )


def test_every_command_line_in_the_pages_does_what_it_is_there_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = tmp_path / MADE
    made.mkdir()
    _furnish(made)
    wrong, ran = [], 0
    for page in dict.fromkeys(page for page, _ in LINES):
        folder = tmp_path / page.stem
        lines = [line for of, line in LINES if of == page and not _why_not_run(line)]
        if lines:
            shutil.copytree(made, folder)
            monkeypatch.chdir(folder)
            monkeypatch.setenv("HOME", str(folder))
            wrong += [complaint for line in lines if (complaint := _complaint(line, main))]
            ran += len(lines)
    assert wrong == []
    assert ran >= 30


def test_what_is_parsed_only_has_its_reason_and_each_reason_something() -> None:
    reasons = [_why_not_run(line) for _, line in LINES]
    assert set(NOT_RUN.values()) <= set(reasons)


def test_a_command_line_that_fails_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "exit code 2" in _complaint("alphapanda decode nowhere.bin", main)
    assert "was not written" in _complaint("alphapanda sessions NSE --out x", lambda _words: 0)
    assert "silent" in _complaint("alphapanda profiles list", lambda _words: 0)
