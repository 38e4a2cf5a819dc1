"""The window by keys alone: workspaces, palette, keys, settings, checks, review, data, care, profiles, the guide."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtWidgets import QApplication

from tests.e2e.hands import Hands

# -- workspaces ----------------------------------------------------------------------------------------------------


async def goes_between_workspaces(hands: Hands, program: Any) -> None:
    spaces = program._window.workspaces.spaces
    for number, name in ((2, "Build"), (3, "Review"), (1, "Trade")):
        await hands.keys(f"ctrl+alt+{number}")  # heard in the window that a workspace brings along as well
        await hands.until(lambda name=name: spaces.current == name, f"no workspace {name}")  # type: ignore[misc]
        await hands.picture(f"workspace-{name.lower()}")


async def keeps_a_workspace_of_its_own(hands: Hands, program: Any) -> None:
    spaces = program._window.workspaces.spaces
    await hands.do("save as a new workspace")
    await hands.find("typed_workspace")
    await hands.type("Expiry day")
    await hands.keys("Return")
    await hands.until(lambda: spaces.current == "Expiry day", "it has no such name")
    await hands.gone("typed_workspace")


async def opens_a_linked_chart(hands: Hands, program: Any) -> None:
    view = program._window.view
    before = len(list(view.charts))
    await hands.keys("ctrl+shift+n")
    await hands.until(lambda: len(list(view.charts)) == before + 1, "no new chart")
    pane = list(view.charts)[-1]
    await hands.until(lambda: QApplication.focusWidget() is pane.chart, "it has not the keyboard")
    chip = await _chip_of(hands, pane.chart)
    await hands.tab_to(chip)
    await hands.keys("space")
    await hands.until(QApplication.activePopupWidget, "no colours to choose from")
    await hands.keys("Down", "Down", "Return")
    await hands.until(lambda: pane.link == 1, f"it is linked to {pane.link}")
    await hands.do("sbin")
    await hands.until(lambda: pane.chart.instrument.tradingsymbol == "SBIN", "it does not follow its colour")
    assert view.chart.instrument.tradingsymbol == "SBIN"
    await hands.picture("two-charts")


async def _chip_of(hands: Hands, chart: Any) -> Any:
    from alphapanda_desktop.ui.links import LinkChip

    return await hands.until(lambda: chart.findChild(LinkChip), "a chart without a colour")


async def tears_a_chart_off_and_puts_it_back(hands: Hands, program: Any) -> None:
    view = program._window.view
    pane = list(view.charts)[-1]
    await hands.keys("ctrl+0", "ctrl+Tab")
    await hands.until(lambda: QApplication.focusWidget() is pane.chart, "Ctrl+Tab does not lead to it")
    await hands.keys("ctrl+shift+d")
    await hands.until(lambda: pane.dock.floating, "it is not torn off")
    await hands.until(lambda: QApplication.focusWidget() is pane.chart, "the torn-off chart has not the keyboard")
    await hands.keys("ctrl+shift+d")
    await hands.until(lambda: not pane.dock.floating, "it is not put back")


async def locks_the_layout(hands: Hands, program: Any) -> None:
    spaces = program._window.workspaces.spaces
    await hands.do("lock the layout")
    await hands.until(lambda: spaces.locked, "it is not locked")
    pane = list(program._window.view.charts)[-1]
    await hands.keys("ctrl+0", "ctrl+Tab", "ctrl+shift+d")
    assert not pane.dock.floating
    await hands.do("lock the layout")
    await hands.until(lambda: not spaces.locked, "it stays locked")


async def resets_the_workspace(hands: Hands, program: Any) -> None:
    view = program._window.view
    await hands.do("reset the workspace")
    await hands.until(lambda: len(list(view.charts)) == 1, "the new chart stays")


async def removes_a_workspace(hands: Hands, program: Any) -> None:
    spaces = program._window.workspaces.spaces
    await hands.do("rename or remove workspaces")
    await hands.find("workspace_sheet")
    await hands.write("workspace_name", "Thursday")
    await hands.keys("Return")
    await hands.until(lambda: "Thursday" in spaces.names, "it is not called so")
    await hands.press("workspace_remove")
    await hands.until(lambda: "Thursday" not in spaces.names, "it stays")
    await hands.away("workspace_sheet")


# -- palette, keys, settings ---------------------------------------------------------------------------------------


async def reads_the_keys(hands: Hands, program: Any) -> None:
    await hands.keys("ctrl+0", "question")
    page = await hands.until(
        lambda: next((w for w in QApplication.topLevelWidgets() if w.isVisible() and w.windowTitle() == "Keys"), None),
        "? shows no keys",
    )
    await hands.until(page.isActiveWindow, "the keys are not in front")
    await hands.picture("keys")
    await hands.keys("Escape")
    await hands.until(lambda: QApplication.activeWindow() is program._window, "the window is not in front again")


async def gives_a_key_of_its_own(hands: Hands, program: Any) -> None:
    await hands.do("keys of your own")
    sheet = await hands.find("shortcuts_sheet")
    await hands.type("limits")
    await hands.until(lambda: sheet.model.rowCount() == 1, "not one action is found")
    edit = sheet.field.findChildren(type(sheet.search))[0]
    await hands.tab_to(edit)
    await hands.keys("ctrl+alt+l")
    await hands.keys("Tab")
    await hands.press("shortcuts_give")
    await hands.until(lambda: "Ctrl+Alt+L" in sheet.answer.text(), sheet.answer.text)
    await hands.picture("shortcuts")
    await hands.away("shortcuts_sheet")
    await hands.keys("ctrl+alt+l")
    await hands.find("limits_sheet")
    await hands.away("limits_sheet")
    assert "Ctrl+Alt+L" in program._settings.window.shortcuts.values()


async def finds_and_changes_a_setting(hands: Hands, program: Any) -> None:
    before = program._settings.practice.seed
    await hands.keys("ctrl+comma")
    sheet = await hands.find("settings_sheet")
    await hands.type("seed")
    await hands.until(lambda: sum(section.isVisible() for section in sheet.sections) == 1, "more is found")
    await hands.write("setting_practice_seed", "19")
    await hands.picture("settings")
    await hands.press("settings_save")
    await hands.gone("settings_sheet")
    assert before != 19 and program._settings.practice.seed == 19
    assert json.loads(program._options.settings_file.read_text())["practice"]["seed"] == 19


async def puts_a_setting_back(hands: Hands, program: Any) -> None:
    await hands.keys("ctrl+comma")
    await hands.find("settings_sheet")
    await hands.type("seed")
    await hands.press("setting_reset_practice_seed")
    await hands.press("settings_save")
    await hands.gone("settings_sheet")
    assert program._settings.practice.seed == 7


async def chooses_language_and_size(hands: Hands, program: Any) -> None:
    for words, name, key, field, wanted in (
        ("language", "setting_window_language", "Down", "language", "हिन्दी"),
        ("language", "setting_window_language", "Up", "language", "English"),
        ("size", "setting_window_scale", "", "scale", 125),
        ("size", "setting_window_scale", "", "scale", 100),
    ):
        await hands.keys("ctrl+comma")
        await hands.find("settings_sheet")
        await hands.type(words)
        if key:
            await hands.tab_to(name)
            await hands.keys(key)
        else:
            await hands.write(name, str(wanted))
        await hands.press("settings_save")
        await hands.gone("settings_sheet")
        assert getattr(program._settings.window, field) == wanted


async def wears_other_colours(hands: Hands, program: Any) -> None:
    edge = program._edge
    await hands.do("light colours")
    await hands.until(lambda: edge.theme.name == "light", "it stays dark")
    await hands.picture("light")
    await hands.do("blue rises")
    await hands.until(lambda: program._settings.window.pair.startswith("blue"), "green still rises")
    await hands.do("green rises")
    await hands.do("dark colours")
    await hands.until(lambda: edge.theme.name == "dark", "it stays light")


# -- checks --------------------------------------------------------------------------------------------------------


async def looks_whether_all_is_ready(hands: Hands, program: Any) -> None:
    await hands.keys("F10")
    await hands.find("preflight_sheet")
    await hands.picture("preflight")
    await hands.away("preflight_sheet")


async def reads_the_stop_coverage(hands: Hands, program: Any) -> None:
    await hands.keys("F7")
    await hands.find("coverage_sheet")
    await hands.picture("coverage")
    await hands.away("coverage_sheet")


async def changes_a_limit(hands: Hands, program: Any) -> None:
    await hands.keys("ctrl+alt+l")  # the key that it was given above
    sheet = await hands.find("limits_sheet")
    spin = next(iter(sheet.rates.values()))
    name = next(iter(sheet.rates))
    before = getattr(program.desk.governor.limits, name)
    await hands.write(spin, str(before - 1))
    await hands.press("limits_apply")
    await hands.until(lambda: getattr(program.desk.governor.limits, name) == before - 1, "the limit stays as it was")
    await hands.picture("limits")
    await hands.away("limits_sheet")


async def reconciles_and_reads_the_differences(hands: Hands, program: Any) -> None:
    at = program.desk.books.positions_at
    await hands.keys("F5")
    await hands.until(lambda: program.desk.books.positions_at != at, "the broker is not asked")
    await hands.keys("F6")
    await hands.find("reconcile_sheet")
    await hands.picture("differences")
    await hands.away("reconcile_sheet")


# -- review, data, care --------------------------------------------------------------------------------------------


async def writes_in_the_journal(hands: Hands, program: Any) -> None:
    await hands.keys("F3")
    window = await hands.find("review_window")
    await hands.until(lambda: window.isActiveWindow() and window.looked_at, "the review is not in front")
    await hands.write("review_note_text", "A calm day, by keys.")
    await hands.write("review_note_tags", "keys")
    await hands.keys("ctrl+s")
    written = [("A calm day, by keys.", ["keys"])]
    await hands.until(
        lambda: [(note.text, list(note.tags)) for note in window._looked.results.notes] == written,
        "the journal is not read again",
    )
    await hands.picture("review")


async def saves_the_review(hands: Hands, program: Any) -> None:
    window = await hands.find("review_window")
    folder = program._options.folder
    for name, kind in (("csv", "csv"), ("workbook", "xlsx"), ("pdf", "pdf")):
        await hands.press(f"review_{name}")
        await hands.until(lambda kind=kind: list(folder.rglob(f"*.{kind}")), f"no {kind}: {window.said.text()}", 30)
        await hands.until(lambda: window.said.text().startswith("Saved:"), "it is not said that it is saved")
    await hands.keys("ctrl+w")
    await hands.gone("review_window")


async def looks_at_the_disk(hands: Hands, program: Any) -> None:
    await hands.do("data on this computer")
    sheet = await hands.find("data_sheet")
    await hands.until(sheet.model.rowCount, "nothing is kept")
    await hands.until(sheet.table.hasFocus, "the table has not the keyboard")
    await hands.keys("Home")
    await hands.until(lambda: sheet.table.currentIndex().isValid(), "no row is chosen")
    await hands.picture("data")
    await hands.away("data_sheet")


async def makes_a_backup(hands: Hands, program: Any) -> None:
    await hands.do("backups of the journal")
    sheet = await hands.find("backups_sheet")
    await hands.press("backups_make")
    await hands.until(lambda: "copy is made" in sheet.answer.text(), "no copy is made")
    assert sheet.model.rowCount() == 1
    await hands.picture("backups")
    await hands.away("backups_sheet")


async def makes_a_support_bundle(hands: Hands, program: Any) -> None:
    await hands.do("support bundle")
    sheet = await hands.find("support_sheet")
    await hands.press("fault_bundle")
    await hands.until(lambda: sheet.answer.text().startswith("Saved to"), "no bundle", 30)
    assert list((program._options.folder / "reports").glob("*.zip"))
    await hands.picture("support")
    await hands.away("support_sheet")


async def reads_the_diagnostics(hands: Hands, program: Any) -> None:
    await hands.keys("ctrl+shift+m")
    await hands.find("diagnostics_facts")
    await hands.press("diagnostics_copy")
    await hands.until(lambda: "half below" in QApplication.clipboard().text(), "no figures on the clipboard")
    await hands.picture("diagnostics")


async def searches_the_log(hands: Hands, program: Any) -> None:
    log = program._window.view.log
    await hands.do("show log")
    await hands.until(lambda: log.isAncestorOf(QApplication.focusWidget()), "the log has not the keyboard")
    await hands.write("log_search", "workspace")
    await hands.until(lambda: "Workspace" in log.lines.toPlainText() or log.found.text(), "nothing is searched")
    lines = log.lines.toPlainText().lower().splitlines()
    assert all("workspace" in line for line in lines), lines
    await hands.keys("ctrl+a", "BackSpace")


async def makes_a_profile(hands: Hands, program: Any) -> None:
    await hands.keys("ctrl+shift+o")
    sheet = await hands.find("profiles_sheet")
    await hands.until(lambda: sheet.model.rowCount() == 1, "this profile is not listed")
    await hands.press("profiles_new")
    await hands.type("family")
    await hands.keys("Return")
    await hands.until(lambda: sheet.model.rowCount() == 2, "no profile was made")
    await hands.picture("profiles")
    await hands.press("profiles_remove")
    await hands.press("profiles_really")
    await hands.until(lambda: sheet.model.rowCount() == 1, "the profile stays")
    await hands.away("profiles_sheet")


async def follows_the_guide(hands: Hands, program: Any) -> None:
    await hands.do("guided first run")
    guide = await hands.find("guide")
    assert guide.now is not None
    await hands.picture("guide")
    await hands.press("guide_end")
    await hands.gone("guide")


async def reads_about_the_program(hands: Hands, program: Any) -> None:
    await hands.do("about")
    await hands.find("about_sheet")
    await hands.picture("about")
    await hands.away("about_sheet")


CHAPTERS = (
    goes_between_workspaces, keeps_a_workspace_of_its_own, opens_a_linked_chart, tears_a_chart_off_and_puts_it_back,
    locks_the_layout, resets_the_workspace, removes_a_workspace, reads_the_keys, gives_a_key_of_its_own,
    finds_and_changes_a_setting, puts_a_setting_back, chooses_language_and_size, wears_other_colours,
    looks_whether_all_is_ready, reads_the_stop_coverage, changes_a_limit, reconciles_and_reads_the_differences,
    writes_in_the_journal, saves_the_review, looks_at_the_disk, makes_a_backup, makes_a_support_bundle,
    reads_the_diagnostics, searches_the_log, makes_a_profile, follows_the_guide, reads_about_the_program,
)  # fmt: skip
