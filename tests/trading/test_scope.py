"""Tasks end with their owner and report how."""

from __future__ import annotations

import asyncio

import pytest

from alphapanda_desktop.trading.scope import Scope
from tests.trading.desk_fakes import yields


def a_scope():
    errors = []
    return Scope("s", lambda name, error: errors.append((name, type(error)))), errors


async def fail():
    raise ValueError


def test_leaving_cancels_and_waits_for_the_children(arun):
    async def story():
        scope, errors = a_scope()
        ended = []

        async def child():
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                ended.append(1)

        async with scope:
            scope.spawn("a", child())
            await yields()
            assert scope.names() == ["s/a"]
        assert ended == [1] and scope.names() == [] and errors == []

    arun(story())


def test_a_failing_child_is_named_and_its_siblings_live(arun):
    async def story():
        scope, errors = a_scope()
        async with scope:
            scope.spawn("bad", fail())
            good = scope.spawn("good", asyncio.sleep(0.0, result=1))
            await yields()
            assert errors == [("s/bad", ValueError)] and good.result() == 1

    arun(story())


def test_a_child_that_fails_while_it_is_cancelled_is_reported_too(arun):
    async def story():
        scope, errors = a_scope()

        async def child():
            try:
                await asyncio.Event().wait()
            finally:
                raise KeyError

        async with scope:
            scope.spawn("late", child())
            await yields()
        assert errors == [("s/late", KeyError)]

    arun(story())


def test_nothing_starts_in_a_closed_scope(arun):
    async def story():
        scope, _ = a_scope()
        await scope.close()
        assert scope.closed
        with pytest.raises(RuntimeError, match="scope 's' is closed: 'x' cannot start"):
            scope.spawn("x", fail())

    arun(story())


def test_a_child_may_close_its_own_scope(arun):
    async def story():
        scope, _ = a_scope()
        await asyncio.wait({scope.spawn("last", scope.close())})
        assert scope.closed

    arun(story())


@pytest.mark.parametrize("error", [ValueError(), SystemExit(1), asyncio.CancelledError(), GeneratorExit()])
def test_code_that_is_not_ours_can_end_neither_the_program_nor_the_caller(error):
    scope, errors = a_scope()

    def theirs():
        raise error

    assert scope.call("hook", theirs) is error
    assert errors == [("s/hook", type(error))]
    assert scope.call("fine", int, "1") is None


def test_ctrl_c_passes():
    scope, _ = a_scope()

    def pressed():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        scope.call("hook", pressed)


def test_an_attempt_reports_failure_and_goes_on(arun):
    async def story():
        scope, errors = a_scope()
        async with scope:
            assert not await scope.attempt("bad", fail())
            assert await scope.attempt("good", asyncio.sleep(0))
            assert errors == [("s/bad", ValueError)]

    arun(story())
