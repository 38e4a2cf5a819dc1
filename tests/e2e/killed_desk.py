"""A desk that trades until it is killed: `python -m tests.e2e.killed_desk FOLDER ADDRESSES SECRETS`, the last two JSON.

Prints a line of JSON for every order that the journal has taken (`intended`) and every one that the broker has
(`placed`), so that whoever kills it can choose the moment.
"""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path

from alphapanda_desktop.trading.runner import StartOrder
from tests.e2e.headless import Exchange, MemoryVault, house

NAMES = ("NSE:INFY", "NSE:SBIN", "NSE:TCS", "NSE:RELIANCE")


def say(what: str, text: str) -> None:
    """One line, at once."""
    sys.stdout.write(json.dumps([what, text]) + "\n")
    sys.stdout.flush()


async def trade(folder: Path, said: dict[str, str], secrets: dict[str, str]) -> None:
    """Run ma_cross on the fastest averages, for ever."""
    vault = MemoryVault()
    vault.secrets.update(secrets)
    async with house(Exchange(said, None), folder, vault) as h:  # type: ignore[arg-type]  # its process is not ours
        intend, place = h.journal.intend, h.broker.place

        async def intended(request, at, cause=None):  # type: ignore[no-untyped-def]
            await intend(request, at, cause)
            say("intended", request.tag)

        async def placed(request):  # type: ignore[no-untyped-def]
            order_id = await place(request)
            say("placed", request.tag)
            return order_id

        h.journal.intend, h.broker.place = intended, placed  # type: ignore[method-assign]
        chosen = [i for i in map(h.market.master.by_key, NAMES) if i is not None]
        params = {"fast": 1, "slow": 2, "cool_down": 0, "allow_short": True}
        run = await h.runner.start(StartOrder("ma_cross", tuple(chosen), params))
        say("started", run.run_id)
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(trade(Path(sys.argv[1]), json.loads(sys.argv[2]), json.loads(sys.argv[3])))
