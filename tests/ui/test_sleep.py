"""The word before sleep, from a stand-in of logind on a D-Bus of the test's own."""

from __future__ import annotations

import os
from typing import Any

import pytest
from PySide6.QtCore import QObject, Slot

from alphapanda_desktop.ui.sleep import LOGIND, SleepWatch

pytest.importorskip("PySide6.QtDBus")
from PySide6.QtDBus import QDBusConnection, QDBusMessage, QDBusUnixFileDescriptor, QDBusVirtualObject


class Logind(QDBusVirtualObject):
    """Takes delay locks, and knows when each was let go: the other end of its pipe is then closed."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.asked: list[list[Any]] = []
        self.ends: list[int] = []
        self.bus = QDBusConnection.connectToBus(address, "logind")
        assert self.bus.registerService(LOGIND[0])
        assert self.bus.registerVirtualObject(LOGIND[1], self)

    def introspect(self, _path: str) -> str:
        return ""

    def handleMessage(self, message: QDBusMessage, connection: QDBusConnection) -> bool:
        if message.member() != "Inhibit":
            return False
        self.asked.append(message.arguments())
        mine, theirs = os.pipe()
        self.ends.append(mine)
        os.set_blocking(mine, False)
        connection.send(message.createReply([QDBusUnixFileDescriptor(theirs)]))
        os.close(theirs)
        return True

    def say(self, going: bool) -> None:
        signal = QDBusMessage.createSignal(LOGIND[1], LOGIND[2], "PrepareForSleep")
        signal.setArguments([going])
        self.bus.send(signal)

    def let_go(self, number: int) -> bool:
        try:
            return os.read(self.ends[number], 1) == b""
        except BlockingIOError:
            return False


class Sleeper(QObject):
    def __init__(self) -> None:
        super().__init__()
        self.told = 0

    @Slot()
    def hear(self) -> None:
        self.told += 1


def test_sleep_is_told_of_and_waits_until_it_may(run: Any, bus_address: str, eventually: Any) -> None:
    async def story() -> None:
        logind, owner = Logind(bus_address), Sleeper()
        watch = SleepWatch(owner, bus_address)
        watch.sleeping.connect(owner.hear)
        watch.start()
        assert watch.told_beforehand, watch.why_not
        await eventually(lambda: watch.delays)
        assert logind.asked[0][0] == "sleep" and logind.asked[0][3] == "delay"
        logind.say(True)
        await eventually(lambda: owner.told == 1)
        assert not logind.let_go(0)
        watch.let_sleep()
        await eventually(lambda: logind.let_go(0))
        logind.say(False)
        await eventually(lambda: len(logind.asked) == 2)  # the next sleep waits too
        await eventually(lambda: watch.delays)

    run(story())


def test_without_a_bus_it_says_that_it_is_not_told(run: Any) -> None:
    async def story() -> None:
        owner = QObject()
        watch = SleepWatch(owner, "unix:path=/nowhere/at/all")
        watch.start()
        assert not watch.told_beforehand and "bus" in watch.why_not

    run(story())
