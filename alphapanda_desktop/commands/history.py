"""Kite's candles for commands: with the login that the window keeps, or from a practice exchange of this command's own.

No login is made here: a person logs in in the window, and what the keyring holds of that is used until 06:00 IST.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Final

from alphapanda_desktop.clock import SystemClock
from alphapanda_desktop.domain.errors import BadData, SessionEnded
from alphapanda_desktop.domain.instruments import InstrumentMaster
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.session import IST, Token, expiry_of
from alphapanda_desktop.folders import data_dir
from alphapanda_desktop.kite.contract_market import candle_pages
from alphapanda_desktop.kite.reader import KiteReader
from alphapanda_desktop.practice import PracticeExchange
from alphapanda_desktop.store.history import CandleHistory, Past, folder_of
from alphapanda_desktop.store.instruments import FileInstrumentCache
from alphapanda_desktop.store.vault import KeyringVault, service_of
from alphapanda_desktop.store.vault import log as vault_log
from alphapanda_desktop.trading.session import ACCESS_TOKEN
from alphapanda_desktop.trading.tokens import token_from_text

REAL: Final = ("live", "paper")
"""Modes whose login is Zerodha's."""

SEED: Final = 7
"""The practice exchange's, unless `--seed` says another."""

Told = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Profile:
    """Which folder and keyring entries to use: what the program's own command line says."""

    mode: str | None = None
    name: str = "default"
    data_dir: Path | None = None
    seed: int = SEED

    @classmethod
    def of(cls, options: argparse.Namespace | None) -> Profile:
        """The one that stands before the command."""
        if options is None:
            return cls()
        return cls(options.mode, options.profile, options.data_dir, SEED if options.seed is None else options.seed)


def candles_of(
    keys: Sequence[str], interval: Interval, first: date, last: date, profile: Profile, told: Told
) -> list[Past]:
    """Candles of these instruments ("NSE:INFY"), from the disk where they are kept. `told` hears how it goes.

    Raises SessionEnded where nobody is logged in, BadData for a key that is no instrument today, and what Kite does.
    """
    return asyncio.run(_candles_of(keys, interval, first, last, profile, told))


async def _candles_of(
    keys: Sequence[str], interval: Interval, first: date, last: date, profile: Profile, told: Told
) -> list[Past]:
    folder, clock = data_dir(profile.name, profile.data_dir), SystemClock()
    async with AsyncExitStack() as stack:
        client = await _client(stack, folder, profile, clock)
        practice = profile.mode == "practice"
        master = await _master(client, None if practice else folder / "instruments", clock)
        kept = folder_of(folder, f"practice-{profile.seed}" if practice else "kite")
        history = CandleHistory(client, candle_pages, kept, clock, told)
        found = []
        for key in keys:
            instrument = master.by_key(key)
            if instrument is None:
                raise BadData(f"{key} is no instrument today; contracts that have expired cannot be asked for")
            past = await history.past(
                instrument, interval, first, last,
                has_derivatives=master.has_derivatives(instrument), progress=_progress(key, told),
            )  # fmt: skip
            for line in past.lines():
                told(f"{key}: {line}")
            found.append(past)
        return found


def _progress(key: str, told: Told) -> Callable[[int, int], None]:
    def say(done: int, pages: int) -> None:
        if done and (done == pages or done % 10 == 0):
            told(f"{key}: {done} of {pages} pages of candles fetched")

    return say


async def _client(stack: AsyncExitStack, folder: Path, profile: Profile, clock: SystemClock) -> KiteReader:
    if profile.mode == "practice":
        return await _practice_client(stack, folder, profile, clock)
    modes = REAL if profile.mode is None else (profile.mode,)
    why = ""
    for mode in modes:
        vault = KeyringVault(service_of(mode, profile.name, folder))
        with _quiet(vault_log):  # it says that secrets are kept in memory, and nothing is kept here
            text = await vault.get(ACCESS_TOKEN)
        why = "" if vault.lasting else vault.where.partition(": ")[2]
        token = token_from_text(text) if text else None
        if token is not None and expiry_of(token.login_time) > clock.now():
            client = KiteReader(token.api_key, clock=clock)
            stack.push_async_callback(client.close)
            client.use(token)
            return client
    raise SessionEnded(_no_login(modes, why))


def _no_login(modes: Sequence[str], why: str) -> str:
    made_up = "`alphapanda --mode practice …` takes made-up prices instead and needs no login."
    if why:
        return (
            f"A command finds the window's login in the keyring, and {why}. Run it in the window instead (Trade → "
            f"Backtest…), or give a file of bars. {made_up}"
        )
    nobody = f"Nobody is logged in to Kite in {' or '.join(modes)} mode"
    return f"{nobody}: open AlphaPanda and log in, then ask again. {made_up}"


@contextmanager
def _quiet(log: logging.Logger) -> Iterator[None]:
    """Nothing but errors from this logger within."""
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        yield
    finally:
        log.setLevel(before)


async def _practice_client(stack: AsyncExitStack, folder: Path, profile: Profile, clock: SystemClock) -> KiteReader:
    """A practice exchange of this command's own, with a login that only it knows; the window's goes on beside it."""
    import aiohttp

    state = stack.enter_context(tempfile.TemporaryDirectory(prefix="alphapanda-"))
    logs = folder / "logs"
    logs.mkdir(exist_ok=True)
    arguments = ["--seed", str(profile.seed), "--state", str(Path(state) / "practice.state")]
    exchange = PracticeExchange(arguments, logs / "practice.log", lambda _text: None)
    stack.push_async_callback(exchange.stop)
    where = await exchange.start()
    async with aiohttp.ClientSession() as http, http.post(f"{where.rest}/sim/login") as reply:
        said = await reply.json()
    client = KiteReader(where.api_key, root=where.rest, clock=clock)
    stack.push_async_callback(client.close)
    client.use(Token(where.api_key, said["access_token"], said["user_id"], clock.now()))
    return client


async def _master(client: KiteReader, folder: Path | None, clock: SystemClock) -> InstrumentMaster:
    """Today's instruments, kept where the window looks for them."""
    if folder is None:
        return InstrumentMaster(await client.instruments())
    cache, day = FileInstrumentCache(folder), clock.now().astimezone(IST).date().isoformat()
    rows = await cache.load(day)
    if rows is None:
        rows = await client.instruments()
        await cache.save(day, rows)
    return InstrumentMaster(rows)
