"""Strategies as files of a person's own, known to the program by what a probe would tell of them."""

from __future__ import annotations

from pathlib import Path

from alphapanda_desktop.authoring.describe import Described, FieldSpec, Spec, described
from alphapanda_desktop.authoring.sources import read
from alphapanda_desktop.trading.seat import Budgets

PATIENT = Budgets(call_s=60.0, load_s=60.0, stop_s=60.0)
"""For what is to come up and answer, on whatever machine."""

HEAD = """
import os, sys, time, threading, ctypes, signal
from alphapanda_desktop.domain.strategy import Parameters, Strategy, choice, number

class Mine(Strategy):
    name = "{name}"
    title = "{name}"
    class Params(Parameters):
        lots: int = number(1, "how many", ge=1, le=100)
"""


def a_file(folder: Path, name: str, body: str) -> type[Described]:
    """A strategy of that name whose hooks are the body, indented by four."""
    path = folder / f"{name}.py"
    path.write_text(HEAD.format(name=name) + body, encoding="utf-8")
    lots = FieldSpec(name="lots", type="int", default=1, ge=1, le=100)
    return described(Spec(name=name, title=name, fields=(lots,)), read(path)[0])
