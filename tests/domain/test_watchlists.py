from __future__ import annotations

from alphapanda_desktop.domain.watchlists import Imported, WatchedList, read_csv, to_csv, unused_name

MINE = WatchedList(name="Mine", keys=("NSE:A", "NSE:B", "NFO:C"), groups={"NSE:B": "Banks"})


def exists(key: str) -> bool:
    return key in ("NSE:A", "NSE:B", "NFO:C", "NSE:M&M", "NSE:NIFTY 50")


def test_an_instrument_moves_before_another_or_to_the_end() -> None:
    assert MINE.moved("NFO:C", "NSE:A").keys == ("NFO:C", "NSE:A", "NSE:B")
    assert MINE.moved("NSE:A", None).keys == ("NSE:B", "NFO:C", "NSE:A")
    assert MINE.moved("NSE:A", "NSE:A") is MINE
    assert MINE.moved("NSE:Z", "NSE:A") is MINE


def test_what_is_taken_off_leaves_its_group() -> None:
    left = MINE.without(["NSE:B"])
    assert left.keys == ("NSE:A", "NFO:C")
    assert left.group_names() == []


def test_groups_are_named_in_the_order_of_their_instruments() -> None:
    both = MINE.grouped(["NFO:C"], " Options ").grouped(["NSE:A"], "Options")
    assert both.group_names() == ["Options", "Banks"]
    assert both.keys_in("Options") == ["NSE:A", "NFO:C"]
    assert both.keys_in("") == list(MINE.keys)
    assert both.grouped(["NSE:A", "NFO:C"], "").group_names() == ["Banks"]


def test_a_list_without_groups_gets_its_first_one() -> None:
    plain = WatchedList(name="Plain", keys=("NSE:A", "NSE:B"))
    assert plain.grouped(["NSE:B"], "Banks").groups == {"NSE:B": "Banks"}
    assert plain.grouped(["NSE:B"], "").groups == {}


def test_an_instrument_that_is_not_listed_gets_no_group() -> None:
    assert MINE.grouped(["NSE:Z"], "Banks").groups == MINE.groups


def test_adding_twice_lists_once() -> None:
    assert MINE.with_key("NSE:A", "Metal").keys == MINE.keys
    assert MINE.with_key("NSE:A", "Metal").groups["NSE:A"] == "Metal"


def test_a_taken_name_gets_a_number() -> None:
    assert unused_name("mine", [MINE]) == "mine 2"
    assert unused_name("  Other   one ", [MINE]) == "Other one"
    assert unused_name("", [MINE]) == "List"


def test_a_list_comes_back_from_its_own_csv() -> None:
    read = read_csv(to_csv(MINE), exists)
    assert read == Imported((("NSE:A", ""), ("NSE:B", "Banks"), ("NFO:C", "")), ())


def test_plain_names_are_looked_for_on_the_cash_market_first() -> None:
    assert read_csv("A, B\nC\n", exists).found == (("NSE:A", ""), ("NSE:B", ""), ("NFO:C", ""))


def test_names_with_spaces_and_signs_are_taken_whole() -> None:
    assert read_csv("M&M\nNSE:NIFTY 50,Indices", exists).found == (("NSE:M&M", ""), ("NSE:NIFTY 50", "Indices"))


def test_headings_of_other_programs_are_understood() -> None:
    assert read_csv("Symbol,Exchange,Section\nb,nse,Banks\n", exists).found == (("NSE:B", "Banks"),)


def test_what_is_unknown_is_named_with_its_line() -> None:
    read = read_csv("exchange,tradingsymbol\nNSE,A\n\nNSE,GONE\n", exists)
    assert read.found == (("NSE:A", ""),)
    assert read.wrong == ("line 4: NSE:GONE",)
    assert read.text() == "1 instruments, 1 not found: line 4: NSE:GONE"


def test_nothing_at_all_is_nothing_found() -> None:
    assert read_csv("", exists) == Imported((), ())
