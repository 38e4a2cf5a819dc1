"""How docks stand, as data: the plans that come with the program, and kept states brought up to the docks there are.

A state is the XML of the docking library. It knows no Qt: what a plan becomes can be read, and what was kept can be
mended before it is restored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final
from xml.etree import ElementTree

CENTRE: Final = "centre"
"""What the docks stand around: the chart that cannot be closed."""

STATE_VERSION: Final = 3
"""Raised when what is kept would not fit docks any more."""

HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>'
"""By which the docking library knows that a state is not compressed."""

Element = ElementTree.Element


@dataclass(frozen=True, slots=True)
class Tabs:
    """Docks in one place, the first in front; `closed` ones come back there when they are shown."""

    names: tuple[str, ...]
    closed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Split:
    """Parts side by side, or one below another, each with its share of the pixels."""

    parts: tuple[Tabs | Split, ...]
    shares: tuple[int, ...]
    upright: bool = False


Plan = Tabs | Split

_BOOKS: Final = ("positions", "orders", "trades", "gtt", "holdings", "funds", "log", "options", "alerts")
_MIDDLE: Final = Tabs((CENTRE,))

PLANS: Final[dict[str, Plan]] = {
    "Trade": Split(
        (
            Split(
                (Split((Tabs(("watchlist", "ladder")), _MIDDLE), (440, 824)), Tabs(_BOOKS)), (502, 272), upright=True
            ),
            Tabs(("strategies",)),
        ),
        (1267, 330),
    ),
    "Build": Split(
        (
            Tabs(("strategies",)),
            Split(
                (_MIDDLE, Tabs(("log", "positions", "orders", "trades"), ("gtt", "holdings", "funds", "options"))),
                (470, 304),
                upright=True,
            ),
            Tabs(("watchlist", "alerts"), ("ladder",)),
        ),
        (430, 824, 340),
    ),
    "Review": Split(
        (
            Split((_MIDDLE, Tabs(("log", "alerts"), ("watchlist", "ladder", "strategies"))), (1000, 597)),
            Tabs(("trades", "positions", "orders", "holdings", "funds"), ("gtt", "options")),
        ),
        (430, 344),
        upright=True,
    ),
}
"""The workspaces that come with the program, for a window of the usual size."""

HOMES: Final = {"left": "watchlist", "right": "strategies", "bottom": "positions", "top": "positions"}
"""Beside which dock a new one of that side stands, where a state does not know it."""


def state_of(plan: Plan, known: Mapping[str, str]) -> str:
    """The state that a plan asks for, of the docks that are `known`: their names and sides."""
    root = ElementTree.Element(
        "QtAdvancedDockingSystem", Version="1", UserVersion=str(STATE_VERSION), Containers="1", CentralWidget=CENTRE
    )
    holder = ElementTree.SubElement(root, "Container", Floating="0")
    made = _element(plan, {*known, CENTRE})
    assert made is not None  # the centre is in every plan
    holder.append(made if made.tag == "Splitter" else _splitter([made], [1], upright=False))
    return mended(ElementTree.tostring(root, encoding="unicode"), known)


def _element(plan: Plan, known: set[str]) -> Element | None:
    if isinstance(plan, Tabs):
        return _area([name for name in plan.names if name in known], [name for name in plan.closed if name in known])
    pairs = [(_element(part, known), share) for part, share in zip(plan.parts, plan.shares, strict=True)]
    made = [(part, share) for part, share in pairs if part is not None]
    if len(made) < 2:
        return made[0][0] if made else None
    return _splitter([part for part, _ in made], [share for _, share in made], upright=plan.upright)


def _area(names: list[str], closed: list[str]) -> Element | None:
    if not names and not closed:
        return None
    area = ElementTree.Element("Area", Tabs=str(len(names) + len(closed)), Current=(names or closed)[0])
    for name in (*names, *closed):
        ElementTree.SubElement(area, "Widget", Name=name, Closed="1" if name in closed else "0")
    return area


def _splitter(parts: list[Element], shares: list[int], *, upright: bool) -> Element:
    made = ElementTree.Element("Splitter", Orientation="-" if upright else "|", Count=str(len(parts)))
    made.extend(parts)
    ElementTree.SubElement(made, "Sizes").text = " ".join(map(str, shares)) + " "
    return made


# --- what was kept


def readable(state: str) -> bool:
    """Whether this is a state, of this program's version, with the centre in its main window."""
    try:
        root = ElementTree.fromstring(state)
    except ElementTree.ParseError:
        return False
    main = _main(root)
    right = root.tag == "QtAdvancedDockingSystem" and root.get("UserVersion") == str(STATE_VERSION)
    return right and main is not None and CENTRE in set(_names(main))


def docks_in(state: str) -> set[str]:
    """Names of all docks that a readable state knows."""
    return set(_names(ElementTree.fromstring(state))) - {CENTRE}


def torn_off(state: str) -> list[tuple[set[str], bytes]]:
    """Of each torn-off window of a state, the docks in it and its geometry as Qt kept it; of none, nothing."""
    root = ElementTree.fromstring(state) if state else Element("none")
    floating = [one for one in root.findall("Container") if one.get("Floating") == "1"]
    return [(set(_names(one)), _bytes(one.findtext("Geometry", ""))) for one in floating]


def _bytes(text: str) -> bytes:
    try:
        return bytes.fromhex(text)
    except ValueError:
        return b""


def mended(state: str, known: Mapping[str, str]) -> str:
    """A readable state without the docks that there are not; each that it does not know is beside its neighbours."""
    root = ElementTree.fromstring(state)
    main = _main(root)
    assert main is not None
    _drop(root, lambda name: name != CENTRE and name not in known)
    there = set(_names(root))
    for name, side in known.items():
        if name not in there:
            _put(main, name, HOMES.get(side, ""))
    root.set("Containers", str(len(root.findall("Container"))))
    return HEAD + ElementTree.tostring(root, encoding="unicode")


def _main(root: Element) -> Element | None:
    return next((one for one in root.findall("Container") if one.get("Floating") == "0"), None)


def _names(within: Element) -> Iterator[str]:
    return (widget.get("Name", "") for widget in within.iter("Widget"))


def _drop(root: Element, unknown: Callable[[str], bool]) -> None:
    """Take docks away that there are not; what is left empty goes too, but for the splitter of a container."""
    for area in root.iter("Area"):
        for widget in area.findall("Widget"):
            if unknown(widget.get("Name", "")):
                area.remove(widget)
        area.set("Tabs", str(len(area.findall("Widget"))))
    for holder in root.findall("Container"):
        if holder.get("Floating") == "1" and not any(True for _ in _names(holder)):
            root.remove(holder)


def _put(main: Element, name: str, home: str) -> None:
    areas = list(main.iter("Area"))
    place = next((area for area in areas if home and home in _in_area(area)), None)
    place = place if place is not None else next((area for area in areas if CENTRE not in _in_area(area)), None)
    if place is None:
        return  # the docking library keeps it where it is added
    ElementTree.SubElement(place, "Widget", Name=name, Closed="0")
    place.set("Tabs", str(len(_in_area(place))))


def _in_area(area: Element) -> list[str]:
    return [widget.get("Name", "") for widget in area.findall("Widget")]


def named(names: Iterable[str], first: str) -> str:
    """A name that none of them has: the first, or it with a number."""
    taken, number, name = set(names), 1, first
    while name in taken:
        number += 1
        name = f"{first} {number}"
    return name
