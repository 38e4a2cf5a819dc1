"""Small models of plain numbers, for the strategies that ask one."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def model_of(features: int, weight: float = 40.0) -> dict[str, Any]:
    """A logistic regression that says up where the first feature is above 0, and is sure of it far from 0."""
    first = [weight] + [0.0] * (features - 1)
    return {
        "labels": ["SELL", "BUY"],
        "weights": [[-w for w in first], first],
        "bias": [0.0, 0.0],
        "mean": [0.0] * features,
        "scale": [1.0] * features,
    }


def write_model(path: Path, features: int, **changes: Any) -> Path:
    """Such a model as a file."""
    path.write_text(json.dumps({**model_of(features), **changes}), encoding="utf-8")
    return path
