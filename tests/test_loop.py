"""The one loop: timers never early, callbacks in order, Qt always gets its turn, and a clean end."""

from __future__ import annotations

import asyncio
import socket
import threading
import time

import pytest
from PySide6.QtCore import QCoreApplication, QEvent, Qt, QTimer
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QWidget

from alphapanda_desktop.loop import MANY, AppLoop


@pytest.fixture
def loop(qapp):
    qapp.setQuitOnLastWindowClosed(False)
    loop = AppLoop(qapp, reentrant=True)
    asyncio.set_event_loop(loop)
    yield loop
    asyncio.set_event_loop(None)
    loop.close()


def test_timers_never_ring_early_and_ring_in_order(loop):
    rung = []

    async def story():
        began = loop.time()
        for delay_s in (0.021, 0.0004, 0.013, 0.0, 0.0071, 0.013):
            loop.call_at(began + delay_s, lambda d=delay_s: rung.append((d, loop.time() - began)))
        await asyncio.sleep(0.03)

    loop.run_until_complete(story())
    assert [d for d, _ in rung] == [0.0, 0.0004, 0.0071, 0.013, 0.013, 0.021]
    assert all(at >= d for d, at in rung)


def test_callbacks_run_in_the_order_in_which_they_were_asked_for(loop):
    ran = []

    async def story():
        for k in range(100):
            loop.call_soon(ran.append, k)
            if k % 10 == 0:
                loop.call_soon(lambda k=k: loop.call_soon(ran.append, 1000 + k))
        await asyncio.sleep(0.01)

    loop.run_until_complete(story())
    assert ran == [*range(100), *range(1000, 1100, 10)]


def test_cancelled_callbacks_and_timers_do_not_run(loop):
    ran = []

    async def story():
        loop.call_soon(ran.append, 1).cancel()
        loop.call_later(0.001, ran.append, 2).cancel()
        loop.call_later(0.002, ran.append, 3)
        await asyncio.sleep(0.01)

    loop.run_until_complete(story())
    assert ran == [3]


def test_deadlines_that_were_not_needed_do_not_pile_up(loop):
    async def story():
        for _ in range(5_000):
            async with asyncio.timeout(3600):
                await asyncio.sleep(0)
        fine = loop.call_later(0.005, lambda: None)
        await asyncio.sleep(0.01)
        return fine.when()

    assert loop.run_until_complete(story()) < loop.time()
    assert len(loop._timers) <= 2 * MANY


def test_busy_tasks_leave_qt_its_turn(loop):
    beats = []
    timer = QTimer()
    timer.setInterval(1)
    timer.timeout.connect(lambda: beats.append(1))

    async def story():
        timer.start()
        spins = 0
        while len(beats) < 10:
            await asyncio.sleep(0)  # never waits: only fairness lets the timer ring
            spins += 1
            assert spins < 20_000_000
        timer.stop()
        return spins

    assert loop.run_until_complete(story()) > 10


def test_busy_tasks_leave_sockets_and_timers_their_turn(loop):
    async def story():
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            heard = asyncio.create_task(loop.sock_recv(ours, 10))
            rung = asyncio.create_task(asyncio.sleep(0.001))
            theirs.send(b"tick")
            while not (heard.done() and rung.done()):
                await asyncio.sleep(0)
            return heard.result()

    assert loop.run_until_complete(story()) == b"tick"


def test_other_threads_reach_it_in_their_order(loop):
    async def story():
        heard, done = [], asyncio.Event()

        def speak():
            for k in range(100):
                loop.call_soon_threadsafe(heard.append, k)
            loop.call_soon_threadsafe(done.set)

        thread = threading.Thread(target=speak)
        thread.start()
        await done.wait()
        thread.join()
        return heard

    assert loop.run_until_complete(story()) == list(range(100))


def test_an_async_generator_left_open_is_closed(loop):
    closed = []

    async def numbers():
        try:
            while True:
                yield 1
        finally:
            await asyncio.sleep(0)
            closed.append(1)

    async def story():
        async for _ in numbers():
            break
        await asyncio.sleep(0.01)

    loop.run_until_complete(story())
    assert closed == [1]

    async def leave_open():
        loop.kept = numbers()
        return await anext(loop.kept)

    loop.run_until_complete(leave_open())
    loop.run_until_complete(loop.shutdown_asyncgens())
    assert closed == [1, 1]


def test_it_may_be_run_again_and_a_callback_left_over_is_not_lost(loop):
    ran = []
    assert loop.run_until_complete(asyncio.sleep(0, 1)) == 1
    loop.call_soon(ran.append, 1)
    assert loop.run_until_complete(asyncio.sleep(0.001, 2)) == 2
    assert ran == [1] and not loop.is_running()


def test_an_error_comes_out_and_leaves_the_loop_usable(loop):
    async def fail():
        raise ValueError("mine")

    with pytest.raises(ValueError, match="mine"):
        loop.run_until_complete(fail())
    assert loop.run_until_complete(asyncio.sleep(0, 3)) == 3


def test_a_closed_loop_takes_nothing_more(qapp):
    loop = AppLoop(qapp, reentrant=True)
    loop.call_later(0.001, pytest.fail, "it ran after the end")
    loop.close()
    assert loop.is_closed()
    for ask in (loop.call_soon, lambda f: loop.call_later(1, f), lambda f: loop.call_at(1, f)):
        with pytest.raises(RuntimeError, match="closed"):
            ask(print)
    qapp.sendPostedEvents()


def test_a_long_callback_does_not_make_timers_ring_early_or_twice(loop):
    rung = []

    async def story():
        due = loop.time() + 0.005
        loop.call_at(due, lambda: rung.append(loop.time() - due))
        loop.call_soon(time.sleep, 0.02)
        await asyncio.sleep(0.03)

    loop.run_until_complete(story())
    assert len(rung) == 1 and rung[0] >= 0


# --- fairness under a storm of callbacks


class Storm:
    """Chains of callbacks that ask for themselves again, without end, until it is stopped."""

    def __init__(self, loop, chains=200, work_s=0.0002):
        self._loop = loop
        self._work_s = work_s
        self.ran = 0
        self.going = True
        for _ in range(chains):
            loop.call_soon(self._step)

    def _step(self):
        self.ran += 1
        until = time.perf_counter() + self._work_s
        while time.perf_counter() < until:
            pass
        if self.going:
            self._loop.call_soon(self._step)


class Keys(QWidget):
    """Counts what Qt brings it."""

    def __init__(self):
        super().__init__()
        self.pressed = 0
        self.painted = 0

    def keyPressEvent(self, event):
        self.pressed += 1

    def paintEvent(self, event):
        self.painted += 1


def test_a_storm_of_callbacks_leaves_input_and_paints_their_turn(loop, qtbot):
    keys = Keys()
    qtbot.addWidget(keys)
    keys.show()

    async def story():
        storm = Storm(loop)
        try:
            for number in range(1, 6):
                before = storm.ran
                QCoreApplication.postEvent(keys, QKeyEvent(QEvent.Type.KeyPress, Qt.Key.Key_K, Qt.KeyboardModifier(0)))
                keys.update()
                while keys.pressed < number or keys.painted < number:
                    await asyncio.sleep(0)
                    assert storm.ran - before < 4_000, "twenty turns of the storm, and Qt was not heard"
        finally:
            storm.going = False
        keys.hide()

    loop.run_until_complete(story())
    assert keys.pressed == 5


def test_a_storm_of_callbacks_leaves_the_kill_switch_its_turn(loop):
    """Its work is a task of many awaits, a timer and a socket among them: each waits for one turn of the storm."""
    done = []

    async def kill():
        for _ in range(10):
            await asyncio.sleep(0)
        await asyncio.sleep(0.001)
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.setblocking(False)
            theirs.send(b"cancelled")
            done.append(await loop.sock_recv(ours, 20))

    async def story():
        storm = Storm(loop)
        try:
            task = asyncio.create_task(kill())
            while not task.done():
                await asyncio.sleep(0)
                assert storm.ran < 200 * 60, "sixty turns of the storm, and the kill switch had not ended"
        finally:
            storm.going = False
        await task

    loop.run_until_complete(story())
    assert done == [b"cancelled"]


def test_a_storm_does_not_make_timers_ring_early_or_out_of_order(loop):
    rung = []

    async def story():
        storm = Storm(loop, chains=20)
        began = loop.time()
        for delay_s in (0.009, 0.002, 0.02):
            loop.call_at(began + delay_s, lambda d=delay_s: rung.append((d, loop.time() - began)))
        while len(rung) < 3:
            await asyncio.sleep(0)
        storm.going = False

    loop.run_until_complete(story())
    assert [d for d, _ in rung] == [0.002, 0.009, 0.02] and all(at >= d for d, at in rung)


def test_what_waits_is_counted(loop):
    async def story():
        assert loop.backlog == 0
        handles = [loop.call_soon(int) for _ in range(5)]
        waiting = loop.backlog
        for handle in handles:
            handle.cancel()
        return waiting

    assert loop.run_until_complete(story()) == 5


def test_a_loop_that_is_stopped_in_a_storm_ends_clean(qapp):
    loop = AppLoop(qapp, reentrant=True)
    asyncio.set_event_loop(loop)
    storm = Storm(loop, chains=50)
    loop.call_later(0.02, loop.stop)
    loop.run_forever()
    storm.going = False
    ran = storm.ran
    assert ran > 0 and loop.backlog > 0 and not loop.is_running()
    loop.close()
    asyncio.set_event_loop(None)
    qapp.sendPostedEvents()
    assert storm.ran == ran and loop.backlog == 0
