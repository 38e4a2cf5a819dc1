"""What a strategy did, call by call: every wish, every line and every value that it showed, with the moment of it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from alphapanda_desktop.backtest.engine import Progress, Result, Setup, backtest
from alphapanda_desktop.domain.instruments import Instrument
from alphapanda_desktop.domain.strategy import Context, Strategy

ENTERS: Final = frozenset({"buy", "sell", "exit", "target", "bracket"})
WISHES: Final = ENTERS | {"protect", "cancel", "timer", "cancel_timer", "log", "show"}


class Act(NamedTuple):
    """One wish: epoch second, what was called, and with what, in words that are equal for equal wishes."""

    at_s: int
    call: str
    told: str


class Value(NamedTuple):
    """One number that was shown: by which name, and while which instrument was looked at."""

    at_s: int
    key: str
    name: str
    number: float


@dataclass(slots=True)
class Trace:
    """Up to `on_stop`, oldest first."""

    acts: list[Act] = field(default_factory=list)
    values: list[Value] = field(default_factory=list)
    decisions: list[tuple[int, str]] = field(default_factory=list)
    """Moment and instrument of each `on_bar`."""
    ends: list[int] = field(default_factory=list)
    """How many wishes there were when each of them was over."""
    key: str = ""
    over: bool = False

    def until(self, decision: int) -> list[Act]:
        """What was done until so many decisions were over: what came later may have met the next bar."""
        return self.acts[: self.ends[decision - 1]] if decision else []

    def orders(self) -> list[Act]:
        """Of all that, what asks for an order."""
        return [act for act in self.acts if act.call in ENTERS]


def traced(setup: Setup, progress: Progress | None = None) -> tuple[Trace, Result]:
    """Play a strategy over history, and what it did. Raises what `backtest` does."""
    trace = Trace()
    copy = Setup(**{**{name: getattr(setup, name) for name in setup.__dataclass_fields__},
                    "strategy": _watched(setup.strategy, trace)})  # fmt: skip
    result = backtest(copy, progress)
    return trace, result


def _watched(kind: type[Strategy], trace: Trace) -> type[Strategy]:
    """The same strategy, whose context writes down what is asked of it."""
    hooks = {
        name: _hook(getattr(kind, name), trace, name)
        for name in ("on_start", "on_bar", "on_tick", "on_order", "on_timer")
        if name == "on_bar" or getattr(kind, name) is not getattr(Strategy, name)
    }
    return type(kind.__name__, (kind,), {**hooks, "on_stop": _last(kind.on_stop, trace), "__module__": kind.__module__})


def _hook(own: Callable[..., None], trace: Trace, name: str) -> Callable[..., None]:
    def hook(self: Strategy, ctx: Context, *args: Any) -> None:
        if name == "on_bar" and not trace.over:
            trace.key = args[0].key
            trace.decisions.append((int(ctx.now.timestamp()), trace.key))
        own(self, Watched(ctx, trace), *args)
        if name == "on_bar" and not trace.over:
            trace.ends.append(len(trace.acts))

    return hook


def _last(own: Callable[..., None], trace: Trace) -> Callable[..., None]:
    def on_stop(self: Strategy, ctx: Context) -> None:
        trace.over = True
        own(self, ctx)

    return on_stop


class Watched:
    """A context that writes down the wishes on their way to the one behind it; all else is that one's."""

    def __init__(self, ctx: Context, trace: Trace) -> None:
        self._ctx = ctx
        self._trace = trace

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._ctx, name)
        if name not in WISHES or self._trace.over:
            return value

        def wish(*args: Any, **named: Any) -> Any:
            self._write(name, args, named)
            return value(*args, **named)

        return wish

    def _write(self, call: str, args: tuple[Any, ...], named: dict[str, Any]) -> None:
        at_s, trace = int(self._ctx.now.timestamp()), self._trace
        told = [_words(arg) for arg in args] + [f"{name}={_words(named[name])}" for name in sorted(named)]
        trace.acts.append(Act(at_s, call, ", ".join(told)))
        if call == "show":
            numbers = {name: _number(value) for name, value in named.items()}
            trace.values += [Value(at_s, trace.key, name, n) for name, n in numbers.items() if n is not None]


def _words(value: object) -> str:
    return value.key if isinstance(value, Instrument) else repr(value)


def _number(value: object) -> float | None:
    """A plain float of a number, numpy's included; None for what is none."""
    if isinstance(value, bool | str | bytes) or not hasattr(value, "__float__"):
        return None
    try:
        return float(value)
    except (TypeError, ValueError):
        return None
