"""Models come only from the list, fit what they are asked, and their absence is a state of its own."""

from __future__ import annotations

import json
import pickle
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphapanda_desktop.strategies import SHIPPED
from alphapanda_desktop.strategies.features import BREAKOUT, MEAN_REVERSION, MOMENTUM, values_of
from alphapanda_desktop.strategies.models import FOLDER, Estimator, NoModel, allow, allowed, load
from alphapanda_desktop.strategies.voting import Opinion, decide
from tests.fakes import bars_of
from tests.strategies.stage import INFY, Stage, made
from tests.strategies.trained import write_model

RISE = [100 * 1.004**k for k in range(60)]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv(FOLDER, str(tmp_path))
    return tmp_path


# --- loading -----------------------------------------------------------------------------------------------------


def test_a_model_on_the_list_loads_and_one_byte_more_does_not(folder: Path) -> None:
    path = write_model(folder / "m.json", 4)
    digest = allow(path)
    assert allowed(folder) == {digest: "m.json"}
    assert load("m.json", 4).say([1.0, 0, 0, 0]).direction == "up"
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(NoModel, match=r"m.json is not on the list of allowed models .*SHA-256 is [0-9a-f]{64}"):
        load("m.json", 4)


def test_a_pickle_that_is_not_listed_is_never_read(folder: Path, tmp_path: Path) -> None:
    """A.6.63: joblib.load runs what its maker wrote."""
    trace = tmp_path / "executed"

    class Bomb:
        def __reduce__(self) -> Any:
            return Path.touch, (trace,)

    (folder / "m.joblib").write_bytes(pickle.dumps(Bomb()))
    with pytest.raises(NoModel, match="not on the list"):
        load("m.joblib", 4)
    assert not trace.exists()


def test_features_are_counted(folder: Path) -> None:
    allow(write_model(folder / "m.json", 4))
    with pytest.raises(NoModel, match="trained on 4 features, this strategy has 5"):
        load("m.json", 5)


@pytest.mark.parametrize("name", ["", "../m.json", "/etc/m.json", ".m.json", "missing.json", "a/b.json"])
def test_a_name_that_leads_nowhere_or_out_of_the_folder(folder: Path, name: str) -> None:
    with pytest.raises(NoModel, match=r"names no file|cannot be read"):
        load(name, 4)


def test_without_a_folder_there_is_no_model(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    with pytest.raises(NoModel, match="no folder of models is set up"):
        load("m.json", 4)


@pytest.mark.parametrize(
    "changes",
    [{"labels": ["BUY"]}, {"labels": ["BUY", "LUNCH"]}, {"scale": [0.0] * 4}, {"weights": [[1.0]]}, {"bias": None},
     {"mean": [float("nan")] * 4}, {"weights": [["a"] * 4] * 2}],
)  # fmt: skip
def test_a_model_that_does_not_fit_together_is_none(folder: Path, changes: dict[str, Any]) -> None:
    allow(write_model(folder / "m.json", 4, **changes))
    with pytest.raises(NoModel, match=r"no logistic regression|means neither"):
        load("m.json", 4)


@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_listed_bytes_are_a_model_or_no_model(content: bytes, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("models")
    (folder / "m.json").write_bytes(content)
    allow(folder / "m.json")
    with pytest.raises(NoModel):
        load("m.json", 4, folder)


@pytest.mark.parametrize("text", ["{", "[]", "\xff"])
def test_a_damaged_list_allows_nothing_and_says_so(folder: Path, text: str) -> None:
    write_model(folder / "m.json", 4)
    (folder / "allowed.json").write_text(text, encoding="latin-1")
    with pytest.raises(NoModel, match="list of allowed models"):
        load("m.json", 4)


def test_a_joblib_model_without_joblib_names_the_extra(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (folder / "m.joblib").write_bytes(b"x")
    allow(folder / "m.joblib")
    monkeypatch.setitem(sys.modules, "joblib", None)
    with pytest.raises(NoModel, match=r"install alphapanda-desktop\[ml\]"):
        load("m.joblib", 4)


class Sure:
    """As scikit-learn's classifiers look from outside."""

    classes_ = (-1, 0, 1)
    n_features_in_ = 2

    def predict_proba(self, rows: list[list[float]]) -> list[list[float]]:
        return [[0.1, 0.2, 0.7] if row[0] > 0 else [0.1, 0.8, 0.1] for row in rows]


def test_the_bytes_that_were_hashed_are_the_bytes_that_are_loaded(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stand_in = ModuleType("joblib")
    stand_in.load = pickle.load  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "joblib", stand_in)
    (folder / "m.joblib").write_bytes(pickle.dumps(Sure()))
    allow(folder / "m.joblib")
    model = load("m.joblib", 2)
    assert (model.features, model.say([1, 0]), model.say([-1, 0])) == (2, ("up", 0.7), ("none", 0.8))


def test_what_has_no_probabilities_is_no_model() -> None:
    with pytest.raises(NoModel, match="no trained classifier"):
        Estimator(object())


# --- features ----------------------------------------------------------------------------------------------------


def test_the_counts_of_the_earlier_alphapanda_stand() -> None:
    assert (len(MOMENTUM), len(MEAN_REVERSION), len(BREAKOUT)) == (5, 4, 4)


@given(st.lists(st.floats(0.05, 1e5), min_size=6, max_size=60))
def test_features_are_numbers_whatever_the_bars(closes: list[float]) -> None:
    for features in (MOMENTUM, MEAN_REVERSION, BREAKOUT):
        values = values_of(features, bars_of(closes))
        assert len(values) == len(features)
        assert all(abs(value) < float("inf") for value in values)


# --- strategies with one -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["ml_momentum", "ml_mean_reversion", "ml_breakout"])
def test_without_a_model_it_says_so_and_enters_nothing(name: str, folder: Path) -> None:
    stage = Stage(made(SHIPPED[name]), [INFY])
    stage.closes_come(INFY, RISE)
    assert stage.orders == []
    assert str(stage.shown["model"]).startswith(f"no model: {name}.joblib cannot be read")
    assert str(stage.shown["signal"]).startswith("no model: ")
    assert stage.lines[0].startswith("no model: ")


def test_with_a_model_it_goes_where_the_model_says(folder: Path) -> None:
    allow(write_model(folder / "m.json", 5))
    stage = Stage(made(SHIPPED["ml_momentum"], model="m.json"), [INFY])
    stage.closes_come(INFY, RISE)
    assert (stage.sides(), stage.reasons) == (["BUY"], ["model: up with 100%"])
    stage.closes_come(INFY, [RISE[-1] * 0.97])
    assert stage.sides() == ["BUY", "SELL"]


def test_a_model_that_is_not_sure_enough_is_not_followed(folder: Path) -> None:
    allow(write_model(folder / "m.json", 5, weights=[[0.0] * 5, [0.1] + [0.0] * 4]))
    stage = Stage(made(SHIPPED["ml_momentum"], model="m.json"), [INFY])
    stage.closes_come(INFY, RISE)
    assert stage.orders == []
    assert "60% needed" in str(stage.shown["signal"])


# --- rules and a model -------------------------------------------------------------------------------------------


def up(who: str = "a") -> Opinion:
    return Opinion(who, "up", "rises")


def down(who: str = "b") -> Opinion:
    return Opinion(who, "down", "falls")


SILENT = Opinion("model", "none", "", silent="no model: none")
CALM = Opinion("c", "none", "calm")


@pytest.mark.parametrize(
    ("opinions", "policy", "direction", "enter"),
    [
        ([up(), up(), up()], "majority_vote", "up", True),
        ([up(), up(), down()], "majority_vote", "up", True),
        ([up(), up(), SILENT], "majority_vote", "up", True),
        ([up(), CALM, SILENT], "majority_vote", "none", True),
        ([up(), down(), CALM], "majority_vote", "none", True),
        ([down(), down(), CALM], "majority_vote", "down", True),
        ([up(), up(), up()], "conservative", "up", True),
        ([up(), up(), SILENT], "conservative", "up", False),
        ([up(), up(), CALM], "conservative", "up", False),
        ([down(), CALM, CALM], "conservative", "down", False),
        ([up(), up(), down()], "conservative", "none", True),
        ([CALM, CALM, SILENT], "conservative", "none", True),
    ],
)
def test_what_opinions_come_to(opinions: list[Opinion], policy: Any, direction: str, enter: bool) -> None:
    seen = decide(opinions, policy)
    assert seen.direction == direction
    assert seen.direction == "none" or seen.enter is enter
    assert all(one.who in seen.reason for one in opinions)


@pytest.mark.parametrize("policy", ["majority_vote", "conservative"])
def test_a_hybrid_does_load_its_model_and_trades_under_either_policy(policy: str, folder: Path) -> None:
    """A.20.3: no model was ever loaded, so the conservative one never gave a signal."""
    allow(write_model(folder / "m.json", 5, weights=[[-3.0, 0, 0, 0, 0], [3.0, 0, 0, 0, 0]]))
    stage = Stage(
        made(SHIPPED["hybrid_momentum"], model="m.json", confidence=0.8, policy=policy, threshold=0.2), [INFY]
    )
    stage.closes_come(INFY, [100.0 + (k % 3) * 0.05 for k in range(210)])
    stage.closes_come(INFY, [100 * 1.004**k for k in range(30)])
    assert stage.sides() == ["BUY"]
    assert stage.reasons[0].startswith("3 of 3 up" if policy == "conservative" else ("2 of 3 up", "3 of 3 up"))
    assert "model: up with" in stage.reasons[0]


@pytest.mark.parametrize(("policy", "trades"), [("majority_vote", True), ("conservative", False)])
def test_a_hybrid_without_its_model_says_what_that_means(policy: str, trades: bool, folder: Path) -> None:
    stage = Stage(made(SHIPPED["hybrid_momentum"], policy=policy, threshold=0.2), [INFY])
    stage.closes_come(INFY, [100.0 + (k % 3) * 0.05 for k in range(210)])
    stage.closes_come(INFY, [100 * 1.004**k for k in range(30)])
    assert bool(stage.orders) is trades
    wanted = "the rules must all agree" if trades else "nothing is entered"
    assert stage.lines[1] == f"without a model, under {policy}: {wanted}"


def test_hybrid_mean_reversion_buys_when_most_agree(folder: Path) -> None:
    allow(write_model(folder / "m.json", 4, weights=[[40.0, 0, 0, 0], [-40.0, 0, 0, 0]]))
    stage = Stage(made(SHIPPED["hybrid_mean_reversion"], model="m.json", rsi_period=5, policy="conservative"), [INFY])
    stage.closes_come(INFY, [100.0 + (k % 4) * 0.1 for k in range(80)] + [99.5, 99.0, 98.0])
    assert stage.sides()[:1] == ["BUY"]
    assert stage.reasons[0].startswith("3 of 3 up: bands: ")


def test_the_list_is_json_that_a_person_can_read(folder: Path) -> None:
    digest = allow(write_model(folder / "m.json", 4))
    assert json.loads((folder / "allowed.json").read_text(encoding="utf-8")) == {digest: "m.json"}
