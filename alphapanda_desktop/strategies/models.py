"""Trained models: loaded only if a person put their SHA-256 on the list, and only with the right count of features.

A `.joblib` file is a pickle: to load it is to run whatever its maker wrote into it. So its bytes are hashed first and
nothing of it is read unless the hash stands in `allowed.json` of the models' folder. A `.json` file holds numbers
alone (a logistic regression) and needs no library; it is listed all the same, because it decides about money.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final, Literal, NamedTuple, Protocol, TypeVar

FOLDER: Final = "ALPHAPANDA_MODELS"
"""Environment variable that names the folder of models; a run's host sets it."""

ALLOWED: Final = "allowed.json"
LARGEST: Final = 256 * 1024 * 1024
EXTRA: Final = "alphapanda-desktop[ml]"

M = TypeVar("M")
Direction = Literal["up", "down", "none"]
MEANINGS: Final[dict[str, Direction]] = {
    "1": "up", "buy": "up", "up": "up", "true": "up", "-1": "down", "sell": "down", "down": "down",
    "0": "none", "hold": "none", "none": "none", "false": "down",
}  # fmt: skip
"""What a model's class labels mean; 0 is "down" where the other label is 1 and there is no third."""


class NoModel(Exception):
    """There is no model to ask; the message says why and what to do."""


class Said(NamedTuple):
    """What a model expects, and the probability it gives that."""

    direction: Direction
    confidence: float


class Model(Protocol):
    """Something that was trained on `features` numbers."""

    @property
    def features(self) -> int: ...

    def say(self, values: Sequence[float]) -> Said:
        """What it expects after these features."""
        ...


@dataclass(frozen=True, slots=True)
class Logistic:
    """Multinomial logistic regression in plain numbers: one row of weights for each label."""

    labels: tuple[str, ...]
    weights: tuple[tuple[float, ...], ...]
    bias: tuple[float, ...]
    mean: tuple[float, ...]
    scale: tuple[float, ...]

    @property
    def features(self) -> int:
        return len(self.mean)

    def say(self, values: Sequence[float]) -> Said:
        """What it expects after these features."""
        known = [(v - m) / s for v, m, s in zip(values, self.mean, self.scale, strict=True)]
        rows = zip(self.weights, self.bias, strict=True)
        scores = [bias + sum(w * x for w, x in zip(row, known, strict=True)) for row, bias in rows]
        top = max(scores)
        parts = [math.exp(score - top) for score in scores]
        return _said(self.labels, [part / sum(parts) for part in parts])

    @classmethod
    def of(cls, told: Mapping[str, Any]) -> Logistic:
        """The model of a JSON file; raises NoModel for one that does not fit together."""
        try:
            model = cls(
                tuple(str(label) for label in told["labels"]),
                tuple(tuple(float(w) for w in row) for row in told["weights"]),
                tuple(float(b) for b in told["bias"]),
                tuple(float(m) for m in told["mean"]),
                tuple(float(s) for s in told["scale"]),
            )
        except (KeyError, TypeError, ValueError) as error:
            raise NoModel(f"the file is no logistic regression: {error!r}") from None
        numbers = [*model.bias, *model.mean, *model.scale, *(w for row in model.weights for w in row)]
        fits = len(model.labels) == len(model.weights) == len(model.bias) >= 2 and len(model.mean) == len(model.scale)
        if not fits or any(len(row) != len(model.mean) for row in model.weights):
            raise NoModel("the file is no logistic regression: its rows do not fit together")
        if not all(map(math.isfinite, numbers)) or not all(model.scale):
            raise NoModel("the file is no logistic regression: a number is not finite, or a scale is 0")
        return _known(model, model.labels)


class Estimator:
    """A classifier of scikit-learn's making."""

    def __init__(self, made: Any) -> None:
        if not hasattr(made, "predict_proba") or not hasattr(made, "classes_") or not hasattr(made, "n_features_in_"):
            raise NoModel(f"{type(made).__name__} is no trained classifier with probabilities")
        self._made = made
        self._labels = tuple(str(label) for label in made.classes_)
        _known(self, self._labels)

    @property
    def features(self) -> int:
        return int(self._made.n_features_in_)

    def say(self, values: Sequence[float]) -> Said:
        """What it expects after these features."""
        (row,) = self._made.predict_proba([list(values)])
        return _said(self._labels, [float(part) for part in row])


def load(name: str, features: int, folder: Path | None = None) -> Model:
    """The model of that file name, allowed and of so many features. Raises NoModel, which says what to do."""
    where = folder or _folder()
    if not name or Path(name).name != name or name.startswith("."):
        raise NoModel(f"{name!r} names no file of the models' folder")
    path = where / name
    try:
        if path.stat().st_size > LARGEST:
            raise NoModel(f"{name} has {path.stat().st_size:,} bytes, {LARGEST:,} allowed")
        content = path.read_bytes()
    except OSError as error:
        raise NoModel(f"{name} cannot be read in {where}: {error.strerror}") from None
    digest = hashlib.sha256(content).hexdigest()
    if digest not in allowed(where):
        raise NoModel(f"{name} is not on the list of allowed models ({ALLOWED}); its SHA-256 is {digest}")
    model = _of(path.suffix, content)
    if model.features != features:
        raise NoModel(f"{name} was trained on {model.features} features, this strategy has {features}")
    return model


def allow(path: Path) -> str:
    """Put a file of the models' folder on its list; its SHA-256. Only a person's wish may lead here."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    listed = {**allowed(path.parent), digest: path.name}
    fresh = path.parent / f".{ALLOWED}.new"
    fresh.write_text(json.dumps(listed, indent=2, sort_keys=True) + "\n", encoding="utf-8")
    fresh.replace(path.parent / ALLOWED)
    return digest


def allowed(folder: Path) -> dict[str, str]:
    """File names by SHA-256 on the folder's list; empty without one. Raises NoModel for a list that is damaged."""
    try:
        told = json.loads((folder / ALLOWED).read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise NoModel(f"the list of allowed models cannot be read: {error}") from None
    if not isinstance(told, dict):
        raise NoModel(f"the list of allowed models is no table of SHA-256 and name: {folder / ALLOWED}")
    return {str(digest): str(name) for digest, name in told.items()}


def _folder() -> Path:
    named = os.environ.get(FOLDER, "")
    if not named:
        raise NoModel("no folder of models is set up")
    return Path(named)


def _of(suffix: str, content: bytes) -> Model:
    if suffix == ".json":
        try:
            told = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise NoModel(f"the file is no JSON: {error}") from None
        if not isinstance(told, dict):
            raise NoModel("the file is no logistic regression: no table of its parts")
        return Logistic.of(told)
    if suffix != ".joblib":
        raise NoModel(f"models are .json or .joblib files, not {suffix or 'without a suffix'}")
    try:
        joblib = import_module("joblib")
    except ImportError:
        raise NoModel(f"a .joblib model needs scikit-learn: install {EXTRA}") from None
    return Estimator(joblib.load(io.BytesIO(content)))  # these bytes, not the file: it may change after the hash


def _known(model: M, labels: Sequence[str]) -> M:
    strange = [label for label in labels if label.lower().removesuffix(".0") not in MEANINGS]
    if strange:
        raise NoModel(f"the model's label {strange[0]!r} means neither up, down nor none")
    return model


def _said(labels: Sequence[str], chances: Sequence[float]) -> Said:
    best = max(range(len(labels)), key=lambda place: chances[place])
    meant = MEANINGS[labels[best].lower().removesuffix(".0")]
    if meant == "none" and len(labels) == 2:
        meant = "down"
    return Said(meant, chances[best])
