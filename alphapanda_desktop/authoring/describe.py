"""A strategy in plain JSON: what a child process tells of a file, and the class that the program shows for it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Final, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, create_model, model_validator
from pydantic.fields import FieldInfo

from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.sources import Source
from alphapanda_desktop.domain.market import Interval
from alphapanda_desktop.domain.strategy import Parameters, Presets, Strategy, choice, number

FIELD: Final = r"^[A-Za-z][A-Za-z0-9_]{0,59}$"
LONGEST: Final = 4_000
MOST: Final = 200
NAME: Final = r"^[a-z][a-z0-9_]{0,59}$"

Text = Annotated[str, Field(max_length=LONGEST)]
Plain = bool | int | float | Annotated[str, Field(max_length=LONGEST)]
TYPES: Final[dict[str, type]] = {"int": int, "float": float, "bool": bool, "str": str}


class FieldSpec(BaseModel):
    """One parameter. Of a type that forms do not know, "other": its default is told as text, and the child judges."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=FIELD)
    type: Literal["int", "float", "bool", "str", "choice", "other"]
    default: Plain
    help: Text = ""
    unit: Text = ""
    step: float | None = None
    ge: float | None = None
    le: float | None = None
    choices: tuple[Plain, ...] = Field((), max_length=MOST)

    @model_validator(mode="after")
    def _can_be_a_field(self) -> FieldSpec:
        if self.name.startswith("model_") or hasattr(BaseModel, self.name):
            raise ValueError(f"{self.name!r} cannot be the name of a parameter")
        if (self.type == "choice") != bool(self.choices):
            raise ValueError(f"{self.name}: choices belong to a choice, and a choice has some")
        return self


class Spec(BaseModel):
    """All that the program needs to know of a strategy that it must not execute."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(pattern=NAME)
    title: str = Field(min_length=1, max_length=120)
    description: Text = ""
    interval: Interval = Interval.MINUTE
    lookback: int = Field(0, ge=0, le=100_000)
    fields: tuple[FieldSpec, ...] = Field((), max_length=MOST)
    presets: dict[str, dict[str, Plain]] = Field({}, max_length=MOST)

    @model_validator(mode="after")
    def _names_are_told_apart(self) -> Spec:
        names = [field.name for field in self.fields]
        if len(set(names)) < len(names):
            raise ValueError("two parameters bear one name")
        for preset, values in self.presets.items():
            unknown = sorted(set(values) - set(names))
            if unknown:
                raise ValueError(f"preset {preset!r} sets {unknown[0]!r}, which is no parameter")
        return self


class Told(BaseModel):
    """A child's whole answer: either what the file holds, or what is wrong with it."""

    model_config = ConfigDict(extra="forbid")

    spec: Spec | None = None
    problems: tuple[Problem, ...] = Field((), max_length=MOST)
    """For parameters that were judged, `right` is the field."""


def spec_of(kind: type[Strategy]) -> Spec:
    """What there is to tell of a class. In the child; raises ValueError, pydantic's too, for what cannot be told."""
    strategy = kind(kind.Params())
    return Spec(
        name=kind.name,
        title=kind.title or kind.name.replace("_", " ").capitalize(),
        description=kind.description or _own_words(kind),
        interval=kind.interval,
        lookback=strategy.lookback,
        fields=tuple(_field_of(name, field) for name, field in kind.Params.model_fields.items()),
        presets={str(name): _checked(kind, str(name), values) for name, values in kind.presets.items()},
    )


def _own_words(kind: type[Strategy]) -> str:
    """The first paragraph of the class's own docstring, for one that has no description."""
    return " ".join(inspect.cleandoc(kind.__dict__.get("__doc__") or "").partition("\n\n")[0].split())


def _checked(kind: type[Strategy], preset: str, values: Mapping[str, object]) -> dict[str, Any]:
    try:
        kind.Params.model_validate(dict(values))
    except ValueError as error:
        raise ValueError(f"preset {preset!r}: {error}") from None
    return {name: _plain(value) for name, value in values.items()}


def _plain(value: object) -> Plain:
    return value if isinstance(value, bool | int | float | str) else str(value)


def _field_of(name: str, field: FieldInfo) -> FieldSpec:
    kind, extra = field.annotation, field.json_schema_extra if isinstance(field.json_schema_extra, dict) else {}
    options = get_args(kind) if get_origin(kind) is Literal else ()
    word = "choice" if options else next((word for word, known in TYPES.items() if kind is known), "other")
    if field.is_required():
        raise ValueError(f"parameter {name!r} has no default; Start must always have something to begin with")
    default = field.get_default(call_default_factory=True)
    step = extra.get("step")
    return FieldSpec(
        name=name,
        type=word,
        default=_plain(default),
        help=field.description or "",
        unit=str(extra.get("unit") or ""),
        step=float(step) if isinstance(step, int | float) else None,
        ge=_bound(field, "ge"),
        le=_bound(field, "le"),
        choices=tuple(_plain(option) for option in options),
    )


def _bound(field: FieldInfo, which: str) -> float | None:
    values = [getattr(part, which, None) for part in field.metadata]
    return next((float(value) for value in values if isinstance(value, int | float)), None)


class Described(Strategy):
    """A strategy that this process knows from hearsay: it has a form, and hooks only in a child process."""

    source: ClassVar[Source]
    spec: ClassVar[Spec]

    def __init__(self, params: Parameters) -> None:
        raise TypeError(f"{self.name} is a file of its own: it runs in a child process, never here")


def described(spec: Spec, source: Source) -> type[Described]:
    """A class with the spec's name, form and presets, for the panel, the runner and the journal."""
    fields: dict[str, Any] = {field.name: (_type_of(field), _made(field)) for field in spec.fields}
    params = create_model("Params", __base__=Parameters, __module__=__name__, **fields)
    presets: Presets = spec.presets
    members = {
        "name": spec.name, "title": spec.title, "description": spec.description, "interval": spec.interval,
        "Params": params, "presets": presets, "source": source, "spec": spec, "__module__": __name__,
        "__doc__": spec.description,
    }  # fmt: skip
    return type(spec.name, (Described,), members)


def _type_of(field: FieldSpec) -> Any:
    return Literal[field.choices] if field.choices else TYPES.get(field.type, str)


def _made(field: FieldSpec) -> Any:
    if field.type not in ("int", "float"):
        return choice(field.default, field.help)
    made: type[int] | type[float] = int if field.type == "int" else float
    low, high = (None if bound is None else made(bound) for bound in (field.ge, field.le))
    return number(made(field.default), field.help, unit=field.unit, ge=low, le=high, step=field.step)
