"""Faults by plan: the nth request of a kind is lost, answered wrongly or late; the nth order update goes astray.

Counting begins when a plan is set, so the same plan and the same requests always meet the same faults.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from aiohttp import web

from alphapanda_desktop.sim.answers import KiteError, failure, form_of
from alphapanda_desktop.sim.limits import too_many

Answer = Callable[[], Awaitable[web.StreamResponse]]
Update = dict[str, object]

_KINDS: Final = (
    ("place", "POST", r"/orders/[^/]+"),
    ("modify", "PUT", r"/orders/[^/]+/[^/]+"),
    ("cancel", "DELETE", r"/orders/[^/]+/[^/]+"),
    ("convert", "PUT", r"/portfolio/positions"),
    ("gtt_place", "POST", r"/gtt/triggers"),
    ("gtt_modify", "PUT", r"/gtt/triggers/[^/]+"),
    ("gtt_delete", "DELETE", r"/gtt/triggers/[^/]+"),
    ("orders", "GET", r"/orders"),
    ("history", "GET", r"/orders/[^/]+"),
    ("trades", "GET", r"/trades"),
    ("positions", "GET", r"/portfolio/positions"),
    ("holdings", "GET", r"/portfolio/holdings"),
    ("gtts", "GET", r"/gtt/triggers"),
    ("funds", "GET", r"/user/margins"),
    ("margins", "POST", r"/margins/(orders|basket)"),
    ("charges", "POST", r"/charges/orders"),
)
KINDS: Final = tuple(name for name, _, _ in _KINDS)
WRITES: Final = KINDS[:7]
"""Kinds that change something, and are written down in the log."""

FAULTS: Final = (
    "lost_request", "lost_reply", "429", "5xx_before", "5xx_after", "html_before", "html_after",
    "slow_ms:N", "late_ms:N", "disconnect", "reject",
)  # fmt: skip
"""What can befall a request. 5xx is 500, 502, 503 or 504, in Kite's envelope; html the same as a proxy's page.

`slow_ms` does it and answers late; `late_ms` drops the connection and does it that much later; `disconnect` cuts the
sockets and answers as ever; `reject` accepts an order, and then the exchange refuses it.
"""

_FAULT: Final = re.compile(
    r"lost_request|lost_reply|429|(50[0234]|html)_(before|after)|(slow|late)_ms:\d+|disconnect|reject"
)
SOCKET: Final = ("drop", "duplicate", "reorder", "delay", "disconnect")
HELD_S: Final = 0.25
"""How long an update waits to be overtaken before it is sent all the same."""

_TYPES: Final = {500: "GeneralException", 502: "DataException", 503: "NetworkException", 504: "NetworkException"}


class Fault(NamedTuple):
    """The `nth` request of a kind, and `times` - 1 after it, meet this fault."""

    on: str
    nth: int
    fault: str
    times: int = 1


@dataclass
class SocketPlan:
    """Which order updates go astray, counted from 1; None means every one."""

    does: dict[str, frozenset[int] | None] = field(default_factory=dict)
    delay_s: float = 0.2

    def befalls(self, what: str, nth: int) -> bool:
        chosen = self.does.get(what, frozenset())
        return chosen is None or nth in chosen


class Faults:
    """The plan in force, what has come in since it was set, and which faults it has met. One loop, no locks."""

    def __init__(
        self,
        *,
        publish: Callable[[Update], None],
        cut: Callable[[], None],
        settle: Callable[[], None],
        later: Callable[[web.Request, Mapping[str, str]], object],
    ) -> None:
        """`publish` sends an update, `cut` ends the sockets, `settle` sends accepted orders on, `later` does a
        writing request whose caller has gone.
        """
        self._publish, self._cut, self._settle, self._later = publish, cut, settle, later
        self.rejecting = False
        self._held: list[Update] = []
        self.clear()

    def clear(self) -> None:
        """No faults, and counting from the start."""
        self.plan: list[Fault] = []
        self.socket = SocketPlan()
        self.seen: Counter[str] = Counter()
        self.updates = 0
        self.log: list[dict[str, object]] = []

    def take(self, body: object) -> None:
        """Put a plan in force, in place of the one before. ValueError for what is none."""
        if not isinstance(body, Mapping):
            raise ValueError("a plan is an object with `plan` and `socket`")
        plan, socket = [_fault(row) for row in _rows(body.get("plan", []))], _socket(body.get("socket", {}))
        self.clear()
        self.plan, self.socket = plan, socket

    # --- requests ---------------------------------------------------------------------------------------------------

    async def around(self, request: web.Request, answer: Answer) -> web.StreamResponse:
        """The answer, or what the plan makes of it."""
        kind = kind_of(request.method, request.path)
        self.seen[kind] += 1
        fault = self._due(kind)
        if not kind or (not fault and kind not in WRITES):
            return await answer()
        entry = await self._entered(request, kind, fault)
        before = fault.endswith("_before") or fault in ("lost_request", "429")
        if before:
            return self._unheard(request, fault)
        if fault.startswith("late_ms:"):
            asyncio.get_running_loop().call_later(_ms(fault), self._late, request, await form_of(request), entry)
            return _gone(request)
        return await self._done(request, answer, fault, entry)

    def _due(self, kind: str) -> str:
        nth = self.seen[kind]
        return next((f.fault for f in self.plan if f.on == kind and f.nth <= nth < f.nth + f.times), "")

    async def _entered(self, request: web.Request, kind: str, fault: str) -> dict[str, object]:
        form = await form_of(request) if request.method in ("POST", "PUT") else {}
        entry: dict[str, object] = {
            "on": kind, "nth": self.seen[kind], "fault": fault, "path": request.path, "tag": form.get("tag", ""),
            "done": False,
        }  # fmt: skip
        if kind in WRITES:
            self.log.append(entry)
        return entry

    async def _done(
        self, request: web.Request, answer: Answer, fault: str, entry: dict[str, object]
    ) -> web.StreamResponse:
        if fault == "reject":
            self._settle()
            self.rejecting = True
        try:
            reply = await answer()
            if self.rejecting:
                self._settle()
        finally:
            self.rejecting = False
        entry["done"] = reply.status == 200
        entry["answer"] = _data(reply)
        if fault == "disconnect":
            self._cut()
        elif fault == "lost_reply":
            return _gone(request)
        elif fault.startswith("slow_ms:"):
            await asyncio.sleep(_ms(fault))
        return _spoiled(fault) if fault.endswith("_after") else reply

    def _unheard(self, request: web.Request, fault: str) -> web.StreamResponse:
        if fault == "lost_request":
            return _gone(request)
        return failure(too_many()) if fault == "429" else _spoiled(fault)

    def _late(self, request: web.Request, form: Mapping[str, str], entry: dict[str, object]) -> None:
        try:
            entry["answer"] = self._later(request, form)
            entry["done"] = True
        except KiteError as error:
            entry["answer"] = error.message

    # --- order updates ----------------------------------------------------------------------------------------------

    def publish(self, order: Update) -> None:
        """Send one update, or do with it what the plan says."""
        self.updates += 1
        befalls, nth = self.socket.befalls, self.updates
        if befalls("reorder", nth):
            self._held.append(order)
            asyncio.get_running_loop().call_later(HELD_S, self._release)
        elif befalls("delay", nth):
            asyncio.get_running_loop().call_later(self.socket.delay_s, self._publish, order)
        elif not befalls("drop", nth):
            for _ in range(2 if befalls("duplicate", nth) else 1):
                self._publish(order)
            self._release()
        if befalls("disconnect", nth):
            self._cut()

    def _release(self) -> None:
        held, self._held = self._held, []
        for order in held:
            self._publish(order)


def kind_of(method: str, path: str) -> str:
    """What a request asks for, "" for what no plan speaks of."""
    return next((name for name, verb, form in _KINDS if verb == method and re.fullmatch(form, path)), "")


def _fault(row: Mapping[str, object]) -> Fault:
    fault = Fault(str(row.get("on", "")), _count(row, "nth"), str(row.get("fault", "")), _count(row, "times"))
    if fault.on not in KINDS:
        raise ValueError(f"no requests of kind {fault.on!r}: there are {', '.join(KINDS)}")
    if not _FAULT.fullmatch(fault.fault):
        raise ValueError(f"no fault {fault.fault!r}: there are {', '.join(FAULTS)}")
    if fault.fault.startswith("late_ms:") and fault.on not in WRITES[:3]:
        raise ValueError(f"late_ms is for {', '.join(WRITES[:3])}, not for {fault.on}")
    return fault


def _socket(given: object) -> SocketPlan:
    if not isinstance(given, Mapping):
        raise ValueError("`socket` is an object of lists by name")
    plan = SocketPlan(delay_s=float(str(given.get("delay_ms", 200))) / 1000)
    for name, chosen in given.items():
        if name == "delay_ms":
            continue
        if name not in SOCKET or not (chosen == "all" or isinstance(chosen, list)):
            raise ValueError(f"{name!r} with {chosen!r}: there are {', '.join(SOCKET)}, each a list of numbers or all")
        plan.does[str(name)] = None if chosen == "all" else frozenset(int(str(nth)) for nth in chosen)
    return plan


def _rows(given: object) -> list[Mapping[str, object]]:
    if not isinstance(given, list) or not all(isinstance(row, Mapping) for row in given):
        raise ValueError("`plan` is a list of objects with on, nth and fault")
    return given


def _count(row: Mapping[str, object], name: str) -> int:
    number = int(str(row.get(name, 1)))
    if number < 1:
        raise ValueError(f"{name} is counted from 1, not {number}")
    return number


def _ms(fault: str) -> float:
    return int(fault.partition(":")[2]) / 1000


def _gone(request: web.Request) -> web.StreamResponse:
    """End the connection without a word, as a broken line does; what is returned reaches nobody."""
    if request.transport is not None:
        request.transport.abort()
    return web.Response()


def _spoiled(fault: str) -> web.StreamResponse:
    if fault.startswith("html"):
        return web.Response(status=502, text="<html><h1>502 Bad Gateway</h1></html>", content_type="text/html")
    status = int(fault[:3])
    return failure(KiteError(status, _TYPES[status], "Something went wrong. Please try again."))


def _data(reply: web.StreamResponse) -> object:
    """What an answer said, for the log."""
    if not isinstance(reply, web.Response) or not isinstance(reply.body, bytes):
        return None
    body = json.loads(reply.body)
    return body.get("data") if reply.status == 200 else body.get("message")
