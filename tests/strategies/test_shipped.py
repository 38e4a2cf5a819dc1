"""What every shipped strategy keeps to, and the defects of the earlier AlphaPanda that none may have again."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphapanda_desktop.domain.strategy import Strategy
from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.strategies.models import FOLDER, allow
from tests.strategies.stage import INFY, SBIN, Stage, made
from tests.strategies.trained import write_model

DOCS = Path(__file__).resolve().parents[2] / "docs" / "strategies"
EACH = pytest.mark.parametrize("name", SHIPPED)
WITH_OPINION = [name for name in SHIPPED if name != "low_frequency_demo"]
BOTH_WAYS = {"allow_short": True, "cool_down": 0}


@pytest.fixture(autouse=True)
def models(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Models that follow the sign of the first feature, under the names that strategies look for."""
    folder = tmp_path_factory.mktemp("models")
    for strategy in SHIPPED.values():
        features = getattr(strategy, "FEATURES", {})
        if features:
            name = strategy.Params.model_fields["model"].default
            allow(write_model(folder / name.replace(".joblib", ".json"), len(features)))
    monkeypatch.setenv(FOLDER, str(folder))
    return folder


def ready(name: str, **params: Any) -> Strategy:
    """The strategy with a model of its own where it wants one, and a quick opening range."""
    kind = SHIPPED[name]
    if getattr(kind, "FEATURES", {}):
        params["model"] = kind.Params.model_fields["model"].default.replace(".joblib", ".json")
    if name == "opening_range":
        params = {"minutes": 5, "entries": 10, **params}
    return made(kind, **params)


def walk(seed: int, count: int, price: float = 100.0, step: float = 0.004) -> list[float]:
    moves = np.random.default_rng(seed).normal(0, step, count)
    return [round(float(value), 2) for value in price * np.exp(np.cumsum(moves))]


def test_the_panel_finds_all_eleven() -> None:
    assert set(SHIPPED) == {
        "momentum", "mean_reversion", "rsi", "low_frequency_demo", "ml_momentum", "ml_mean_reversion", "ml_breakout",
        "hybrid_momentum", "hybrid_mean_reversion", "opening_range", "ma_cross",
    }  # fmt: skip
    assert {name: kind.name for name, kind in SHIPPED.items()} == {name: name for name in SHIPPED}
    assert all(kind.title and kind.description for kind in SHIPPED.values())
    assert len({kind.title for kind in SHIPPED.values()}) == len(SHIPPED)


@EACH
def test_every_parameter_explains_itself_to_the_form(name: str) -> None:
    for field_name, field in SHIPPED[name].Params.model_fields.items():
        assert field.description, field_name
        numeric = field.annotation in (int, float)
        assert not numeric or (field.json_schema_extra and {"unit", "step"} <= set(field.json_schema_extra)), field_name
        bounds = {kind for part in field.metadata for kind in ("ge", "le") if hasattr(part, kind)}
        assert not numeric or bounds == {"ge", "le"}, field_name


@EACH
def test_every_preset_is_allowed_and_has_a_stop(name: str) -> None:
    assert SHIPPED[name].presets
    for preset, values in SHIPPED[name].presets.items():
        assert SHIPPED[name].Params.model_validate(dict(values)).stop_loss > 0, preset
    assert SHIPPED[name].Params().stop_loss > 0


@EACH
def test_its_page_names_every_parameter_and_preset(name: str) -> None:
    text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
    kind = SHIPPED[name]
    assert text.startswith(f"# {kind.title}\n")
    assert [field for field in kind.Params.model_fields if f"`{field}`" not in text] == []
    assert [preset for preset in kind.presets if f"| {preset} |" not in text] == []


@pytest.mark.parametrize("name", WITH_OPINION)
def test_two_flat_instruments_give_no_signal(name: str) -> None:
    """A.20.1: one history for all gave 9 signals and a momentum of 1900 %."""
    strategy = ready(name, **BOTH_WAYS)
    stage = Stage(strategy, [INFY, SBIN])
    for _ in range(max(60, strategy.lookback + 20)):
        stage.closes_come(INFY, [100.0])
        stage.closes_come(SBIN, [2000.0])
    assert stage.orders == []


@EACH
@settings(max_examples=4)
@given(seed=st.integers(0, 10_000))
def test_instruments_do_not_see_each_other(name: str, seed: int) -> None:
    """A.20.1 again, as a property: together each gives the orders that it gives alone."""
    closes = {INFY: walk(seed, 260), SBIN: walk(seed + 1, 260, 2000.0)}
    together = Stage(ready(name, **BOTH_WAYS), [INFY, SBIN])
    for pair in zip(closes[INFY], closes[SBIN], strict=True):
        for instrument, close in zip((INFY, SBIN), pair, strict=True):
            together.closes_come(instrument, [close], spread=0.05)
    for instrument in (INFY, SBIN):
        alone = Stage(ready(name, **BOTH_WAYS), [instrument])
        alone.closes_come(instrument, closes[instrument], spread=0.05)
        said = [(order.transaction_type, order.quantity, order.product) for order in together.of(instrument)]
        assert said == [(order.transaction_type, order.quantity, order.product) for order in alone.orders]


@EACH
@settings(max_examples=4)
@given(seed=st.integers(0, 10_000), short=st.booleans())
def test_one_position_at_a_time_each_with_a_stop_on_its_right_side(name: str, seed: int, short: bool) -> None:
    """A.20.2: 40 rising ticks gave 37 purchases."""
    stage = Stage(ready(name, allow_short=short, cool_down=0), [INFY])
    for close in walk(seed, 300):
        stage.closes_come(INFY, [close], spread=0.05)
        held = stage.position(INFY)
        assert held.quantity in ((-1, 0, 1) if short else (0, 1))
        stop = stage.stops.get(INFY.key)
        assert not held.quantity or (stop is not None and (held.average_price - stop) * held.quantity > 0)
    assert stage.bare == []
    assert all(stage.reasons)


@EACH
def test_it_trades_at_all(name: str) -> None:
    """A strategy that can do nothing keeps every other promise."""
    stage = Stage(ready(name, **BOTH_WAYS), [INFY])
    stage.closes_come(INFY, walk(5, 1_200, step=0.006), spread=0.05)
    assert {"BUY", "SELL"} <= set(stage.sides())


@EACH
def test_forty_rising_bars_give_at_most_one_entry_and_no_second_while_it_is_held(name: str) -> None:
    strategy = ready(name, stop_loss=0.0)
    stage = Stage(strategy, [INFY])
    stage.closes_come(INFY, walk(3, max(6, strategy.lookback), step=0.0005))
    stage.closes_come(INFY, [stage.last_price(INFY) * 1.004**k for k in range(1, 41)])
    bought = 0
    for side in stage.sides():
        bought += 1 if side == "BUY" else -1
        assert bought in (0, 1)


@EACH
def test_a_position_that_was_there_before_the_start_gets_its_stop(name: str) -> None:
    strategy = ready(name, stop_loss=2.0)
    stage = Stage(strategy, [INFY])
    stage.closes_come(INFY, [100.0] * max(1, strategy.lookback - 1))
    stage.hold(INFY, 1, 100.0)
    stage.closes_come(INFY, [100.0])
    assert stage.asked[:1] == [(INFY.key, 98.0, 1)]


@EACH
@settings(max_examples=3)
@given(seed=st.integers(0, 10_000), more=st.integers(1, 200))
def test_how_far_back_history_goes_changes_no_decision(name: str, seed: int, more: int) -> None:
    """The same bars lead to the same orders in a backtest, in a replay and live, wherever history began."""
    closes = walk(seed, 700)
    cut = 400
    runs = []
    for begin in (0, more):
        strategy = ready(name, **BOTH_WAYS)
        stage = Stage(strategy, [INFY])
        own_bar, strategy.on_bar = strategy.on_bar, lambda *_: None  # type: ignore[method-assign]  # history only
        stage.closes_come(INFY, closes[begin:cut], spread=0.05)
        strategy.on_bar = own_bar  # type: ignore[method-assign]
        stage.now = stage.now.replace(hour=6)
        stage.closes_come(INFY, closes[cut:], spread=0.05)
        runs.append(stage.reasons)
    if name not in ("opening_range", "low_frequency_demo"):  # they count from the hour, which the cut moves
        assert runs[0] == runs[1]


def test_the_package_is_cheap_to_import() -> None:
    code = "import sys, alphapanda_desktop.strategies; print([m for m in ('sklearn', 'joblib', 'pandas', 'PySide6', 'asyncio') if m in sys.modules])"  # fmt: skip # noqa: E501
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
