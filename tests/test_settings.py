"""Settings outlive the program, its upgrades and its crashes; a file that cannot be read is named."""

from __future__ import annotations

import json
import os
from dataclasses import replace
from datetime import date
from typing import get_args

import pytest

from alphapanda_desktop import settings
from alphapanda_desktop.domain.compliance import limits_on
from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.risk import InstrumentLimits
from alphapanda_desktop.domain.risk_profiles import PROFILES
from alphapanda_desktop.folders import data_dir
from alphapanda_desktop.sim.scenarios import SCENARIOS


def written(path, text):
    path.write_text(text, encoding="utf-8")
    return path


def test_without_a_file_there_are_defaults(tmp_path):
    assert settings.load(tmp_path / "settings.json") == settings.Settings()


def test_what_is_saved_is_loaded(tmp_path):
    mine = settings.Settings()
    mine.general.mode = "paper"
    mine.practice.seed = 71
    mine.window.watchlist["paper"] = ["NSE:INFY"]
    path = tmp_path / "settings.json"
    settings.save(mine, path)
    assert settings.load(path) == mine
    assert [entry.name for entry in tmp_path.iterdir()] == ["settings.json"]
    if os.name == "posix":
        assert path.stat().st_mode & 0o077 == 0


def test_an_older_file_is_upgraded_step_by_step(tmp_path, monkeypatch):
    def first(data):
        return {**data, "practice": {"seed": data.pop("biggest")}}

    def second(data):
        return {**data, "general": {"mode": data["general"]["kind"]}}

    monkeypatch.setattr(settings, "VERSION", 3)
    monkeypatch.setattr(settings, "UPGRADES", {1: first, 2: second})
    text = json.dumps({"version": 1, "biggest": 9, "general": {"kind": "live"}})
    loaded = settings.load(written(tmp_path / "settings.json", text))
    assert (loaded.version, loaded.practice.seed, loaded.general.mode) == (3, 9, "live")


def test_every_version_has_its_upgrade():
    assert sorted(settings.UPGRADES) == list(range(1, settings.VERSION))


def test_a_newer_file_is_refused_and_left_alone(tmp_path):
    path = written(tmp_path / "settings.json", '{"version": 99}')
    with pytest.raises(Fatal, match=r"settings\.json is of version 99; this program knows 2"):
        settings.load(path)
    assert path.read_text(encoding="utf-8") == '{"version": 99}'


@pytest.mark.parametrize(
    "text",
    ["", "{", "[]", "null", '{"version": "2"}', '{"version": null}', '{"version": 0}', '{"version": true}',
     '{"version": 1.5}', "\ufeff{}"],
)  # fmt: skip
def test_a_file_that_is_none_is_named(tmp_path, text):
    path = written(tmp_path / "settings.json", text)
    with pytest.raises(Fatal, match=r"settings\.json cannot be read: .*move the file away"):
        settings.load(path)


def test_bytes_that_are_no_text_and_a_folder_are_named(tmp_path):
    path = tmp_path / "settings.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(Fatal, match="cannot be read"):
        settings.load(path)
    path.unlink()
    path.mkdir()
    with pytest.raises(Fatal, match="cannot be read"):
        settings.load(path)


def test_a_value_out_of_bounds_is_named_with_its_field(tmp_path):
    path = written(tmp_path / "settings.json", '{"paper": {"opening_cash": 0}}')
    with pytest.raises(Fatal, match=r"settings\.json: paper\.opening_cash: .*greater than or equal to 1"):
        settings.load(path)


def test_a_save_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "settings.json"
    settings.save(settings.Settings(), path)
    before = path.read_text(encoding="utf-8")

    def full(_fd):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    changed = settings.Settings()
    changed.practice.seed = 1
    with pytest.raises(Fatal, match="No space left"):
        settings.save(changed, path)
    assert path.read_text(encoding="utf-8") == before


def test_a_profile_has_a_folder_of_its_own_within_the_chosen_one(tmp_path):
    folder = data_dir("mine", tmp_path)
    assert folder == tmp_path / "profiles" / "mine" and folder.is_dir()


@pytest.mark.parametrize("profile", ["", ".", "..", "../other", "a/b"])
def test_a_profile_cannot_lead_elsewhere(tmp_path, profile):
    with pytest.raises(Fatal, match="cannot name a profile"):
        data_dir(profile, tmp_path)


def test_a_folder_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "profiles").write_text("a file", encoding="utf-8")
    with pytest.raises(Fatal, match="--data-dir"):
        data_dir("mine", tmp_path)


def test_no_field_holds_a_secret():
    sections = settings.Settings.model_json_schema()["$defs"].values()
    fields = {name for section in sections for name in section["properties"]}
    assert "api_key" in fields and not [name for name in fields if "secret" in name or "token" in name]


def test_the_limits_of_the_first_version_become_whole_limits(tmp_path):
    text = json.dumps({"version": 1, "risk": {"max_order_quantity": 7, "price_band_pct": 2.5}})
    limits = settings.load(written(tmp_path / "settings.json", text)).risk.limits
    assert (limits.profile, limits.desk.max_order_quantity, limits.desk.price_band_pct) == ("own", 7, 2.5)
    assert limits.desk.max_orders_per_day == 500


def test_limits_of_every_scope_are_saved_and_loaded(tmp_path):
    mine, path = settings.Settings(), tmp_path / "settings.json"
    assert mine.risk.limits is PROFILES["default"]
    mine.risk.limits = replace(
        PROFILES["conservative"], instruments={"NSE:INFY": InstrumentLimits(max_order_quantity=3)}
    )
    mine.risk.order_limits = replace(limits_on(date(2026, 11, 23)), per_second=5)
    settings.save(mine, path)
    assert settings.load(path) == mine


@pytest.mark.parametrize("value", ["-1", "NaN", '"many"', "null"])
def test_a_limit_that_is_none_is_named(tmp_path, value):
    text = '{"version": 2, "risk": {"limits": {"desk": {"max_loss_per_day": ' + value + "}}}}"
    with pytest.raises(Fatal, match=r"risk\.limits.*"):
        settings.load(written(tmp_path / "settings.json", text))


def test_the_environment_sets_a_value_for_this_run_and_is_never_saved(tmp_path):
    path = written(tmp_path / "settings.json", '{"paper": {"opening_cash": 5000}}')
    environ = {"ALPHAPANDA_SET_PAPER__OPENING_CASH": "70000", "ALPHAPANDA_SET_WINDOW__THEME": "light"}
    loaded = settings.load(path, environ)
    assert (loaded.paper.opening_cash, loaded.window.theme) == (70_000.0, "light")
    assert loaded.overridden == {("paper", "opening_cash"), ("window", "theme")}
    loaded.practice.seed = 9
    settings.save(loaded, path)
    again = settings.load(path, {})
    assert (again.paper.opening_cash, again.window.theme, again.practice.seed) == (5_000.0, "dark", 9)


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("ALPHAPANDA_SET_PAPER__OPENING_CASH", "-3"),
        ("ALPHAPANDA_SET_PAPER__NOTHING", "3"),
        ("ALPHAPANDA_SET_VERSION", "3"),
        ("ALPHAPANDA_SET_WINDOW__THEME", "pink"),
    ],
)
def test_a_variable_that_sets_nothing_is_named(tmp_path, variable, value):
    with pytest.raises(Fatal, match=variable):
        settings.load(tmp_path / "settings.json", {variable: value})


def test_the_scenarios_to_choose_from_are_those_of_the_practice_exchange():
    assert get_args(settings.Scenario) == tuple(SCENARIOS)


def test_what_a_person_changes_over_the_environment_is_saved(tmp_path):
    path = written(tmp_path / "settings.json", '{"recording": {"budget_gb": 9}, "paper": {"opening_cash": 5000}}')
    environ = {"ALPHAPANDA_SET_RECORDING__BUDGET_GB": "5", "ALPHAPANDA_SET_PAPER__OPENING_CASH": "70000"}
    loaded = settings.load(path, environ)
    loaded.recording.budget_gb = 1.0
    settings.save(loaded, path)
    again = settings.load(path, {})
    assert (again.recording.budget_gb, again.paper.opening_cash) == (1.0, 5_000.0)


@pytest.mark.parametrize(
    ("variable", "text", "section", "field", "value"),
    [
        ("DELIVERY__TELEGRAM_CHAT", "-1001234567", "delivery", "telegram_chat", "-1001234567"),
        ("ACCOUNT__API_KEY", "12345678", "account", "api_key", "12345678"),
        ("GENERAL__MODE", "null", "general", "mode", None),
        ("RECORDING__ENABLED", "false", "recording", "enabled", False),
        ("WINDOW__ASK_FIRST", '{"paper": false}', "window", "ask_first", {"paper": False}),
    ],
)
def test_a_variable_is_taken_as_its_field_means_it(tmp_path, variable, text, section, field, value):
    loaded = settings.load(tmp_path / "settings.json", {f"ALPHAPANDA_SET_{variable}": text})
    assert getattr(getattr(loaded, section), field) == value


@pytest.mark.parametrize("number", ["Infinity", "NaN", "1e999"])
def test_a_number_without_end_is_refused_before_it_is_saved_as_none(tmp_path, number):
    path = written(tmp_path / "settings.json", '{"recording": {"budget_gb": ' + number + "}}")
    with pytest.raises(Fatal, match=r"recording\.budget_gb"):
        settings.load(path)
    with pytest.raises(Fatal, match="ALPHAPANDA_SET_PAPER__OPENING_CASH"):
        settings.load(tmp_path / "none.json", {"ALPHAPANDA_SET_PAPER__OPENING_CASH": number})


def test_a_file_without_bottom_is_named(tmp_path):
    with pytest.raises(Fatal, match="cannot be read"):
        settings.load(written(tmp_path / "settings.json", "[" * 100_000))


def test_an_older_file_stays_beside_the_new_one_for_the_older_program(tmp_path):
    old = json.dumps({"version": 1, "risk": {"max_order_quantity": 7}})
    path = written(tmp_path / "settings.json", old)
    loaded = settings.load(path)
    settings.save(loaded, path)
    settings.save(loaded, path)
    assert (tmp_path / "settings.version-1.json").read_text(encoding="utf-8") == old
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ["settings.json", "settings.version-1.json"]
    assert settings.load(path) == loaded


def test_what_cannot_be_written_is_a_reason_and_no_crash(tmp_path):
    mine = settings.Settings()
    mine.window.layout = "\ud800"
    with pytest.raises(Fatal, match="could not be saved"):
        settings.save(mine, tmp_path / "settings.json")
