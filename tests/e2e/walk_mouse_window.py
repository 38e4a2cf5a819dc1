"""The window with the mouse: charts, docks, workspaces, colours, settings, checks, review, data, care, profiles."""

from __future__ import annotations

import json
from typing import Any

from PySide6.QtWidgets import QApplication

from alphapanda_desktop.ui.links import LinkChip
from tests.e2e.hands import Hands
from tests.e2e.mouse_ways import aside, close_by_its_frame, page, pick, row, tab, write


async def _away(hands: Hands, sheet: str) -> None:
    """Take a sheet away by its cross."""
    await hands.click(f"{sheet}_away")
    await hands.gone(sheet)


# -- charts, docks, workspaces -------------------------------------------------------------------------------------


async def opens_a_chart_and_links_it(hands: Hands, program: Any) -> None:
    view = program._window.view
    before = len(list(view.charts))
    await hands.menu("Workspace", "New chart")
    await hands.until(lambda: len(list(view.charts)) == before + 1, "no new chart")
    pane = list(view.charts)[-1]
    await hands.until(pane.chart.isVisible, "the new chart is not seen")
    await hands.click(pane.chart.findChild(LinkChip))
    await hands.choose("1 blue")
    await hands.until(lambda: pane.link == 1, f"it is linked to {pane.link}")
    await hands.by(
        lambda: row(hands, view.watchlist.table, lambda quote: quote.instrument.tradingsymbol == "SBIN"),
        lambda: pane.chart.instrument.tradingsymbol == "SBIN",
        "it does not follow its colour",
    )
    assert view.chart.instrument.tradingsymbol == "SBIN"
    await hands.picture("two-charts")


async def tears_a_panel_off_and_closes_its_window(hands: Hands, program: Any) -> None:
    await tab(hands, program, "positions")
    dock = program._window.dockyard().find("positions")
    await aside()
    await hands.click(dock.inner.tabWidget(), times=2)
    await hands.until(lambda: dock.floating, "a double click does not tear it off")
    window = dock.widget().window()
    await hands.until(lambda: window.frameGeometry().top() < window.geometry().top(), "its window has no frame")
    await hands.picture("torn-off")
    await close_by_its_frame(hands, window)
    await hands.until(lambda: dock.is_open and not dock.floating, "it does not come back")
    await hands.until(dock.widget().isVisible, "it is not seen")


async def locks_the_layout(hands: Hands, program: Any) -> None:
    spaces = program._window.workspaces.spaces
    dock = program._window.dockyard().find("positions")
    await hands.menu("Workspace", "Lock the layout")
    await hands.until(lambda: spaces.locked, "it is not locked")
    await aside()
    await hands.click(dock.inner.tabWidget(), times=2)
    assert not dock.floating
    await hands.menu("Workspace", "Lock the layout")
    await hands.until(lambda: not spaces.locked, "it stays locked")


async def goes_between_workspaces(hands: Hands, program: Any) -> None:
    spaces = program._window.workspaces.spaces
    for name in ("Build", "Review", "Trade"):
        await hands.menu("Workspace", name)
        await hands.until(lambda name=name: spaces.current == name, f"no workspace {name}")  # type: ignore[misc]
        await hands.picture(f"workspace-{name.lower()}")
    await hands.menu("Workspace", "Reset the workspace")
    await hands.until(lambda: len(list(program._window.view.charts)) == 1, "the new chart stays")


# -- colours, settings ---------------------------------------------------------------------------------------------


async def wears_dark_colours_at_once(hands: Hands, program: Any) -> None:
    await hands.menu("View", "Dark colours")
    await hands.until(lambda: program._edge.theme.name == "dark", "it stays light")
    await hands.picture("dark")
    await hands.menu("View", "Light colours")
    await hands.until(lambda: program._edge.theme.name == "light", "it stays dark")
    assert program._settings.window.theme == "light"


async def changes_a_setting_and_resets_it(hands: Hands, program: Any) -> None:
    for value in (23, 7):
        await hands.menu("File", "Settings…")
        await hands.find("settings_sheet")
        await write(hands, "settings_search", "seed")
        if value == 23:
            await write(hands, "setting_practice_seed", "23")
        else:
            await hands.click("setting_reset_practice_seed")
        await hands.picture("settings")
        await hands.click("settings_save")
        await hands.gone("settings_sheet")
        assert program._settings.practice.seed == value
    assert json.loads(program._options.settings_file.read_text()).get("practice", {}).get("seed", 7) == 7


async def asks_for_another_size(hands: Hands, program: Any) -> None:
    before = program._settings.window.scale
    for size in (125, before):
        await hands.menu("File", "Settings…")
        await hands.find("settings_sheet")
        await write(hands, "settings_search", "size")
        await write(hands, "setting_window_scale", str(size))
        await hands.click("settings_save")
        await hands.gone("settings_sheet")
        assert program._settings.window.scale == size


# -- checks --------------------------------------------------------------------------------------------------------


async def reads_the_desks_sheets(hands: Hands, program: Any) -> None:
    for words, sheet in (
        ("Ready for the day?", "preflight_sheet"),
        ("Differences with the broker", "reconcile_sheet"),
        ("Stop coverage", "coverage_sheet"),
        ("Limits", "limits_sheet"),
    ):
        await hands.menu("Trade", words)
        await hands.find(sheet)
        await hands.picture(sheet.removesuffix("_sheet"))
        await _away(hands, sheet)


async def finds_an_action_in_the_palette(hands: Hands, program: Any) -> None:
    await hands.menu("Help", "Find an action")
    palette = await hands.find("palette")
    await hands.type("keys of your own")
    await hands.until(lambda: palette.model.rowCount() > 0, "nothing is found")
    view = await hands.find("palette_list")
    await hands.click(view.viewport(), view.visualRect(view.model().index(0, 0)).center())
    await hands.find("shortcuts_sheet")
    await hands.picture("shortcuts")
    await _away(hands, "shortcuts_sheet")


# -- review, data, care --------------------------------------------------------------------------------------------


async def reviews_the_day_and_saves_it(hands: Hands, program: Any) -> None:
    await hands.menu("Trade", "Review")
    window = await hands.find("review_window")
    await hands.until(lambda: window.isActiveWindow() and window.looked_at, "the review is not in front")
    for at in range(window.pages.count()):
        await page(hands, window.pages.tabBar(), at)
        await hands.picture(f"review-{at}")
    await page(hands, window.pages.tabBar(), 0)
    await hands.click("review_note_text")
    await hands.type("A day with the mouse.")
    await hands.click("review_note_save")
    await hands.until(lambda: window._looked and window._looked.results.notes, "the note is not kept")
    assert [note.text for note in window._looked.results.notes] == ["A day with the mouse."]
    folder = program._options.folder
    for name, kind in (("csv", "csv"), ("workbook", "xlsx"), ("pdf", "pdf")):
        await hands.until((await hands.find(f"review_{name}")).isEnabled, "the one before is not saved")
        await hands.click(f"review_{name}")
        await hands.until(lambda kind=kind: list(folder.rglob(f"*.{kind}")), f"no {kind}: {window.said.text()}", 30)
        await hands.until(lambda: window.said.text().startswith("Saved:"), "it is not said that it is saved")
    await close_by_its_frame(hands, window)
    await hands.gone("review_window")


async def looks_at_the_disk(hands: Hands, program: Any) -> None:
    await hands.menu("Trade", "Data on this computer")
    sheet = await hands.find("data_sheet")
    await hands.until(sheet.model.rowCount, "nothing is kept")
    await hands.cell(sheet.table, 0)
    await hands.until(sheet.table.selected_rows, "no row is chosen")
    await hands.picture("data")
    await _away(hands, "data_sheet")


async def reads_the_diagnostics(hands: Hands, program: Any) -> None:
    await hands.menu("View", "Diagnostics")
    await hands.find("diagnostics_facts")
    await hands.click("diagnostics_copy")
    await hands.until(lambda: "half below" in QApplication.clipboard().text(), "no figures on the clipboard")
    await hands.picture("diagnostics")


async def narrows_the_log_to_a_level(hands: Hands, program: Any) -> None:
    log = await tab(hands, program, "log")
    words = [log.level.itemData(at) for at in range(log.level.count())]
    whole = log.lines.blockCount()
    await pick(hands, log.level, words[-1])
    await hands.until(lambda: log.lines.blockCount() < whole, "no line is left out")
    await hands.picture("log")
    await pick(hands, log.level, words[0])
    await hands.until(lambda: log.lines.blockCount() >= whole, "not all lines come back")


async def makes_a_profile_and_removes_it(hands: Hands, program: Any) -> None:
    await hands.menu("File", "Profiles…")
    sheet = await hands.find("profiles_sheet")
    await hands.until(lambda: sheet.model.rowCount() == 1, "this profile is not listed")
    await hands.click("profiles_new")
    await hands.type("family")
    await hands.keys("Return")
    await hands.until(lambda: sheet.model.rowCount() == 2, "no profile was made")
    await hands.picture("profiles")
    await row(hands, sheet.table, lambda card: card.name == "family")
    await hands.click("profiles_remove")
    await hands.click("profiles_really")
    await hands.until(lambda: sheet.model.rowCount() == 1, "the profile stays")
    await _away(hands, "profiles_sheet")


CHAPTERS = (
    opens_a_chart_and_links_it, tears_a_panel_off_and_closes_its_window, locks_the_layout, goes_between_workspaces,
    wears_dark_colours_at_once, changes_a_setting_and_resets_it, asks_for_another_size, reads_the_desks_sheets,
    finds_an_action_in_the_palette, reviews_the_day_and_saves_it, looks_at_the_disk, reads_the_diagnostics,
    narrows_the_log_to_a_level, makes_a_profile_and_removes_it,
)  # fmt: skip
