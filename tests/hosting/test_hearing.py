"""Strategies are heard in turn, and the loop goes on meanwhile."""

from __future__ import annotations

import asyncio
import time

import pytest

from alphapanda_desktop.hosting.hearing import Hearing


@pytest.fixture
def own_time(monkeypatch: pytest.MonkeyPatch):
    """Has the story's loop go by what this thread works: a program that runs in between uses up nobody's turn."""
    return lambda: monkeypatch.setattr(asyncio.get_running_loop(), "time", time.thread_time)


def test_one_that_never_ends_neither_stops_the_loop_nor_the_others(arun):
    async def story():
        hearing, heard = Hearing(), list[str]()

        def endless():
            heard.append("endless")
            return len(heard) < 1_000_000

        def short():
            heard.append("short")
            return heard.count("short") < 3

        hearing.want(endless)
        before = len(heard)
        hearing.want(short)
        while heard.count("short") < 3:
            await asyncio.sleep(0)
        first = heard.index("short")
        assert heard[first : first + 5] == ["short", "endless", "short", "endless", "short"]
        for _ in range(3):
            await asyncio.sleep(0.005)
        assert before < len(heard) < 1_000_000
        heard.extend([""] * 1_000_000)
        await asyncio.sleep(0.02)

    arun(story())


def test_what_is_said_now_and_then_is_heard_at_once(arun, own_time):
    async def story():
        own_time()
        hearing, heard = Hearing(), list[int]()
        for n in range(5):
            hearing.want(lambda n=n: bool(heard.append(n)))
            assert heard[-1] == n

    arun(story())


def test_what_is_wished_for_while_another_is_heard_comes_after_it(arun, own_time):
    async def story():
        own_time()
        hearing, heard = Hearing(), list[str]()

        def inner():
            heard.append("inner")
            return False

        def outer():
            hearing.want(inner)
            heard.append("outer")
            return False

        hearing.want(outer)
        assert heard == ["outer", "inner"]

    arun(story())
