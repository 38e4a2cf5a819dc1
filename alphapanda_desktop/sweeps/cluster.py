"""Who does the work: worker processes of this machine, or a Dask cluster (extra `[cluster]`), behind one interface."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from typing import Final

from alphapanda_desktop.domain.errors import BadData
from alphapanda_desktop.sweeps.pool import SILENCE_S, Pool
from alphapanda_desktop.sweeps.search import Hands

ANSWER_S: Final = 15.0
"""How long a scheduler may take to answer."""


_ADDRESS: Final = re.compile(r"(tcp|tls|ws|wss|ucx)://(\[[0-9A-Fa-f:.]+\]|[^\s:/\[\]]+):(\d{1,5})")


def address(text: str) -> str:
    """The address of a scheduler. Raises BadData: what is none would be asked for half a minute."""
    found = _ADDRESS.fullmatch(text)
    if not found or not 0 < int(found[3]) < 65_536:
        raise BadData(f"{text!r} is no address of a Dask scheduler such as tcp://10.0.0.5:8786")
    return text


@contextmanager
def hands(workers: int | None = None, scheduler: str = "", *, silence_s: float = SILENCE_S) -> Iterator[Hands]:
    """Workers for as long as the block lasts; whatever still runs at its end is ended.

    `scheduler` is the address of a Dask scheduler, whose workers need this program and the same files. Raises BadData
    where it cannot be reached or the extra is not installed.
    """
    if scheduler:
        with _cluster(scheduler) as found:
            yield found
        return
    pool = Pool(workers, silence_s=silence_s)
    try:
        yield Hands(pool, 2 * pool.workers)
    finally:
        pool.kill()


@contextmanager
def _cluster(scheduler: str) -> Iterator[Hands]:
    try:
        distributed = import_module("distributed")
    except ModuleNotFoundError:
        raise BadData("--scheduler needs Dask: install the extra alphapanda-desktop[cluster]") from None
    try:
        client = distributed.Client(scheduler, timeout=ANSWER_S, set_as_default=False)
    except (OSError, TimeoutError, ValueError) as error:
        raise BadData(f"no Dask scheduler answers at {scheduler}: {error}") from None
    with client:
        threads = sum(client.nthreads().values())
        if not threads:
            raise BadData(f"the Dask scheduler at {scheduler} has no workers")
        with client.get_executor(pure=False) as executor:
            yield Hands(executor, 2 * threads)
