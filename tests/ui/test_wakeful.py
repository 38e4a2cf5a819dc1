"""The computer is kept awake only while that is wanted: shown with services on D-Buses of the test's own."""

from __future__ import annotations

import asyncio
import os
import sys
import weakref
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

pytest.importorskip("PySide6.QtDBus")
from PySide6.QtCore import Slot
from PySide6.QtDBus import (
    QDBusConnection,
    QDBusMessage,
    QDBusServiceWatcher,
    QDBusUnixFileDescriptor,
    QDBusVirtualObject,
)

from alphapanda_desktop.ui.wakeful import LOGIND, SESSION, KeepAwake, Way

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps awake over D-Bus")
Eventually = Callable[..., Awaitable[Any]]


class Service(QDBusVirtualObject):
    """A desktop's or the system's inhibitor, as they are: it holds until its caller's connection is gone."""

    def __init__(self, address: str, way: Way) -> None:
        super().__init__()
        self.way = way
        self.asked: list[list[Any]] = []
        self.callers: set[str] = set()
        self.end = -1
        self.bus = QDBusConnection.connectToBus(address, f"service {way.service}")
        assert self.bus.registerService(way.service) and self.bus.registerVirtualObject(way.path, self)
        self.watcher = QDBusServiceWatcher(self)
        self.watcher.setConnection(self.bus)
        self.watcher.setWatchMode(QDBusServiceWatcher.WatchModeFlag.WatchForUnregistration)
        self.watcher.serviceUnregistered.connect(self.gone)

    @Slot(str)
    def gone(self, name: str) -> None:
        self.callers.discard(name)

    def introspect(self, _path: str) -> str:
        return ""

    def handleMessage(self, message: QDBusMessage, connection: QDBusConnection) -> bool:
        if message.member() != "Inhibit":
            return False
        self.asked.append(message.arguments())
        self.callers.add(message.service())
        self.watcher.addWatchedService(message.service())
        if self.way is not LOGIND:
            connection.send(message.createReply([7]))
            return True
        self.end, theirs = os.pipe()
        os.set_blocking(self.end, False)
        connection.send(message.createReply([QDBusUnixFileDescriptor(theirs)]))
        os.close(theirs)
        return True

    def let_go(self) -> bool:
        """Whether nobody holds it: the caller is gone, and so is logind's descriptor."""
        try:
            return not self.callers and (self.end < 0 or os.read(self.end, 1) == b"")
        except BlockingIOError:
            return False

    def close(self) -> None:
        self.bus.unregisterObject(self.way.path)
        self.bus.unregisterService(self.way.service)
        if self.end >= 0:
            os.close(self.end)


def test_it_is_held_once_while_armed_by_desktop_and_system_and_let_go_after(
    run: Any, bus_address: str, eventually: Eventually
) -> None:
    async def story() -> None:
        services = [Service(bus_address, way) for way in (SESSION[0], LOGIND)]
        awake = KeepAwake(None, (bus_address, bus_address))
        assert awake.words == ""
        awake.want(True)
        awake.want(True)
        await eventually(lambda: len(awake.held_by) == 2)
        assert [len(service.asked) for service in services] == [1, 1]
        assert services[0].asked[0] == ["AlphaPanda", "live trading is armed"]
        assert services[1].asked[0][0] == "idle" and services[1].asked[0][3] == "block"
        assert "logind" in awake.words and "power management" in awake.words
        assert not any(service.let_go() for service in services)
        awake.want(False)
        await eventually(lambda: all(service.let_go() for service in services))
        assert awake.words == "" and awake.held_by == []
        awake.want(True)  # armed again on the next day
        await eventually(lambda: len(awake.held_by) == 2)
        awake.want(False)
        await eventually(lambda: all(service.let_go() for service in services))
        for service in services:
            service.close()

    run(story())


def test_a_desktop_without_the_first_service_is_asked_by_the_next(
    run: Any, bus_address: str, eventually: Eventually
) -> None:
    async def story() -> None:
        saver = Service(bus_address, SESSION[1])
        awake = KeepAwake(None, (bus_address, bus_address))
        awake.want(True)
        await eventually(lambda: awake.held_by == [SESSION[1].words])
        awake.want(False)
        await eventually(saver.let_go)
        saver.close()

    run(story())


@pytest.mark.parametrize("bus", ["", "unix:path=/nowhere/at/all"], ids=["nobody there", "no bus"])
def test_where_nothing_can_keep_it_awake_that_is_said(
    bus: str, run: Any, bus_address: str, eventually: Eventually
) -> None:
    async def story() -> None:
        awake = KeepAwake(None, (bus or bus_address, bus or bus_address))
        awake.want(True)
        await eventually(lambda: awake.why_not)
        assert awake.words.startswith("Nothing keeps this computer awake") and "not to sleep" in awake.words
        awake.want(False)
        assert awake.words == ""

    run(story())


def test_it_may_go_as_soon_as_it_was_answered(run: Any, bus_address: str, eventually: Eventually) -> None:
    async def story() -> None:
        awake = KeepAwake(None, (bus_address, bus_address))
        awake.want(True)
        while not awake.settled:
            await asyncio.sleep(0)
        gone = weakref.ref(awake)
        del awake  # before the event loop has taken away whom it asked
        await eventually(lambda: gone() is None)

    run(story())
