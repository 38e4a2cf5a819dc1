"""`alphapanda charges` as a person or a script runs it: what it prints, and what it says of bad input."""

from __future__ import annotations

import io
import json
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from alphapanda_desktop.__main__ import main
from alphapanda_desktop.domain.charges import BEGIN

ORDER: dict[str, Any] = {
    "order_id": "111111111",
    "exchange": "NSE",
    "tradingsymbol": "SBIN",
    "transaction_type": "BUY",
    "variety": "regular",
    "product": "CNC",
    "order_type": "MARKET",
    "quantity": 10,
    "average_price": 1226.0,
}


@pytest.fixture
def ask(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Any:
    """Runs the command over rows or text; its exit code, the rows of its reply, and its complaints."""

    def run(content: Any, *options: str) -> tuple[int, Any, str]:
        path = tmp_path / "orders.json"
        path.write_text(content if isinstance(content, str) else json.dumps(content))
        code = main(["charges", str(path), *options])
        out, err = capsys.readouterr()
        reply = json.loads(out) if out else None
        assert reply is None or (list(reply) == ["status", "data"] and reply["status"] == "success")
        return code, reply and reply["data"], err

    return run


def charged(ask: Any, *options: str, **words: Any) -> dict[str, Any]:
    code, notes, _ = ask([ORDER | words], "--date", "2026-11-23", *options)
    assert code == 0
    charges: dict[str, Any] = notes[0]["charges"]
    return charges


def test_kites_sample_rows_come_back_as_kite_answered_them(ask: Any, kite_samples: Path) -> None:
    notes = json.loads((kite_samples / "mocks" / "virtual_contract_note.json").read_text())["data"]
    rows = [{k: v for k, v in note.items() if k not in ("price", "charges")} | {"order_id": "1"} for note in notes]
    rows = [row | {"average_price": note["price"]} for row, note in zip(rows, notes, strict=True)]
    code, ours, err = ask(rows, "--date", "2023-07-13")
    assert (code, err) == (0, "")
    assert [list(note) for note in ours] == [list(note) for note in notes]
    for mine, theirs in zip(ours, notes, strict=True):
        assert {k: v for k, v in mine.items() if k != "charges"} == {k: v for k, v in theirs.items() if k != "charges"}
        assert list(mine["charges"]) == list(theirs["charges"])
        assert mine["charges"]["gst"] == pytest.approx(theirs["charges"]["gst"], abs=1e-12)
        items = {k: v for k, v in theirs["charges"].items() if k not in ("gst", "transaction_tax_type")}
        assert {name: mine["charges"][name] for name in items} == pytest.approx(items, abs=1e-12)
        assert mine["charges"]["transaction_tax_type"] == theirs["charges"]["transaction_tax_type"]


def test_a_row_holds_the_echo_the_price_and_the_charges(ask: Any) -> None:
    code, notes, err = ask([ORDER], "--date", "2026-11-23")
    assert (code, err) == (0, "")
    assert notes == [
        {
            "transaction_type": "BUY",
            "tradingsymbol": "SBIN",
            "exchange": "NSE",
            "variety": "regular",
            "product": "CNC",
            "order_type": "MARKET",
            "quantity": 10,
            "price": 1226.0,
            "charges": {
                "transaction_tax": 12.26,
                "transaction_tax_type": "stt",
                "exchange_turnover_charge": 0.376382,
                "sebi_turnover_charge": 0.01226,
                "brokerage": 0,
                "stamp_duty": 2,
                "gst": {"igst": 0.06995556, "cgst": 0, "sgst": 0, "total": 0.06995556},
                "total": 14.71859756,
            },
        }
    ]


def test_whole_numbers_are_printed_without_a_point(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps([ORDER | {"average_price": 560}]))
    assert main(["charges", str(path)]) == 0
    printed = capsys.readouterr().out
    assert '"price": 560,' in printed and '"brokerage": 0,' in printed and '"cgst": 0,' in printed


def test_rows_come_back_in_their_order_and_each_pays_its_own_brokerage(ask: Any) -> None:
    rows = [ORDER | {"product": "MIS", "quantity": q, "average_price": 1_000} for q in (500, 10, 500)]
    _, notes, _ = ask(rows)
    assert [note["quantity"] for note in notes] == [500, 10, 500]
    assert [note["charges"]["brokerage"] for note in notes] == [20, 3, 20]


def test_an_empty_list_is_answered_by_an_empty_list(ask: Any) -> None:
    assert ask([]) == (0, [], "")


def test_the_tables_are_those_in_force_on_the_day(ask: Any) -> None:
    future = ORDER | {"exchange": "NFO", "tradingsymbol": "NIFTY26NOVFUT", "product": "NRML", "quantity": 65,
                      "transaction_type": "SELL", "average_price": 24_000}  # fmt: skip
    taxes = {day: ask([future], "--date", day)[1][0]["charges"]["transaction_tax"]
             for day in ("2024-09-30", "2024-10-01", "2026-03-31", "2026-04-01")}  # fmt: skip
    assert taxes == {"2024-09-30": 195, "2024-10-01": 312, "2026-03-31": 312, "2026-04-01": 780}


def test_without_a_date_it_is_today(ask: Any) -> None:
    assert ask([ORDER])[1] == ask([ORDER], "--date", date.today().isoformat())[1]  # noqa: DTZ011 # either table


def test_a_lot_of_crude_is_a_hundred_barrels_unless_the_row_says_otherwise(ask: Any) -> None:
    crude = {"exchange": "MCX", "tradingsymbol": "CRUDEOIL26DECFUT", "product": "NRML", "transaction_type": "SELL",
             "quantity": 1, "average_price": 5_600}  # fmt: skip
    assert charged(ask, **crude)["transaction_tax"] == 56
    assert charged(ask, **crude, multiplier=1)["transaction_tax"] == 0.56
    assert charged(ask, **crude)["transaction_tax_type"] == "ctt"


def test_a_commodity_with_unknown_lots_is_charged_for_one_unit_and_said_so(ask: Any) -> None:
    odd = {"exchange": "MCX", "tradingsymbol": "ODDITY26DECFUT", "product": "NRML", "quantity": 3}
    code, notes, err = ask([ORDER | odd])
    assert code == 0 and notes[0]["charges"]["sebi_turnover_charge"] == 0.003678
    assert "ODDITY26DECFUT: units of a lot are not known, 1 is taken" in err


def test_a_cover_order_is_intraday_and_an_iceberg_leg_is_an_order(ask: Any) -> None:
    assert charged(ask, variety="co", product="MIS")["brokerage"] == 3.678
    assert charged(ask, variety="co", product="CO")["stamp_duty"] == 0
    assert charged(ask, variety="iceberg", product="MIS")["brokerage"] == 3.678


def test_stamp_duty_is_whole_rupees_unless_asked_exactly(ask: Any) -> None:
    assert charged(ask)["stamp_duty"] == 2
    assert charged(ask, "--exact")["stamp_duty"] == 1.839


def test_order_id_variety_and_order_type_may_be_left_out(ask: Any) -> None:
    short = {k: v for k, v in ORDER.items() if k not in ("order_id", "variety", "order_type")}
    code, notes, _ = ask([short])
    assert (code, notes[0]["variety"], notes[0]["order_type"]) == (0, "regular", "MARKET")


def test_standard_input_is_read_for_a_dash(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(json.dumps([ORDER])))
    assert main(["charges", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["data"][0]["tradingsymbol"] == "SBIN"


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        ({"exchange": "LSE"}, 'exchange: one of NSE, BSE, NFO, BFO, CDS, BCD, MCX, NCO is expected, "LSE" given'),
        ({"exchange": None}, "exchange: one of NSE, BSE, NFO, BFO, CDS, BCD, MCX, NCO is expected, null given"),
        ({"tradingsymbol": ""}, 'tradingsymbol: a symbol is expected, "" given'),
        ({"tradingsymbol": 7}, "tradingsymbol: a symbol is expected, 7 given"),
        ({"transaction_type": "buy"}, 'transaction_type: one of BUY, SELL is expected, "buy" given'),
        ({"transaction_type": ["BUY"]}, 'transaction_type: one of BUY, SELL is expected, ["BUY"] given'),
        ({"variety": "bracket"}, 'variety: one of regular, amo, co, iceberg, auction is expected, "bracket" given'),
        ({"order_type": "STOP"}, 'order_type: one of MARKET, LIMIT, SL, SL-M is expected, "STOP" given'),
        ({"product": "NRML"}, 'product: one of CNC, MIS, MTF, CO, BO is expected, "NRML" given'),
        ({"exchange": "NFO"}, 'product: one of NRML, MIS, CO, BO is expected, "CNC" given'),
        ({"exchange": "NFO", "product": "NRML"}, "tradingsymbol: 'SBIN' is neither a future"),
        ({"quantity": 0}, "quantity: a number above 0 is expected, 0 given"),
        ({"quantity": -5}, "quantity: a number above 0 is expected, -5 given"),
        ({"quantity": 1.5}, "quantity: a whole number is expected, 1.5 given"),
        ({"quantity": "10"}, 'quantity: a number above 0 is expected, "10" given'),
        ({"quantity": True}, "quantity: a number above 0 is expected, true given"),
        ({"average_price": 0}, "average_price: a number above 0 is expected, 0 given"),
        ({"average_price": None}, "average_price: a number above 0 is expected, null given"),
        ({"average_price": float("nan")}, "average_price: a number above 0 is expected, NaN given"),
        ({"average_price": float("inf")}, "average_price: a number above 0 is expected, Infinity given"),
        ({"multiplier": 0}, "multiplier: a number above 0 is expected, 0 given"),
        ({"exchange": "nse"}, 'exchange: one of NSE, BSE, NFO, BFO, CDS, BCD, MCX, NCO is expected, "nse" given'),
        ({"average_price": "560.0"}, 'average_price: a number above 0 is expected, "560.0" given'),
        ({"quantity": 10**400}, "quantity: at most 1000000000000 is expected, 401 digits given"),
        ({"average_price": 1e308}, "average_price: at most 1000000000000 is expected, 309 digits given"),
    ],
)
def test_a_bad_value_is_named_with_its_row_and_field(ask: Any, words: dict[str, Any], complaint: str) -> None:
    code, notes, err = ask([ORDER, ORDER | words])
    assert (code, notes) == (2, None)
    assert "orders.json: row 2" in err and complaint in err


@pytest.mark.parametrize(
    "name", ["exchange", "tradingsymbol", "transaction_type", "product", "quantity", "average_price"]
)
def test_a_missing_field_is_named(ask: Any, name: str) -> None:
    code, _, err = ask([{k: v for k, v in ORDER.items() if k != name}])
    assert code == 2
    assert "row 1" in err and f"{name}: " in err and "none given" in err


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("{", "not JSON"),
        (ORDER, "a list of orders is expected, dict given"),
        ("[7]", "row 1: an order should be an object, 7 given"),
        ("", "not JSON"),
        ("null", "a list of orders is expected, NoneType given"),
        ({"orders": 7}, "a list of orders is expected, int given"),
        ("[" * 100_000, "nested too deeply"),
        (
            [ORDER, {**ORDER, "exchange": "MCX", "product": "NRML", "tradingsymbol": "WOOL26DECFUT"}, 5],
            "row 3: an order",
        ),
    ],
)
def test_what_is_no_list_of_orders_is_refused(ask: Any, content: Any, complaint: str) -> None:
    code, notes, err = ask(content)
    assert (code, notes) == (2, None) and complaint in err


@pytest.mark.parametrize("name", ["orders", "data"])
def test_a_list_inside_an_object_is_read_too(ask: Any, name: str) -> None:
    assert ask({"status": "success", name: [ORDER]}) == ask([ORDER])


def test_a_file_with_a_byte_order_mark_is_read(ask: Any) -> None:
    assert ask("\ufeff" + json.dumps([ORDER])) == ask([ORDER])


def test_the_rows_can_be_had_without_the_envelope(tmp_path: Path, capsys: pytest.CaptureFixture[str], ask: Any) -> None:
    path = tmp_path / "one.json"
    path.write_text(json.dumps([ORDER]))
    assert main(["charges", str(path), "--rows"]) == 0
    assert json.loads(capsys.readouterr().out) == ask([ORDER])[1]


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "nowhere.json"
    assert main(["charges", str(path)]) == 2
    assert capsys.readouterr().err == f"alphapanda charges: {path}: No such file or directory\n"
    assert main(["charges", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"alphapanda charges: {tmp_path}: Is a directory\n"


def test_a_day_ahead_is_charged_by_the_newest_tables_and_said_so(ask: Any) -> None:
    code, notes, err = ask([ORDER], "--date", "2999-01-01")
    assert (code, notes) == (0, ask([ORDER])[1])
    assert err == ("alphapanda charges: 2999-01-01 lies ahead; the newest rates that this release knows are taken\n")


def test_a_day_before_the_tables_is_refused(ask: Any) -> None:
    code, _, err = ask([ORDER], "--date", "2023-03-31")
    assert code == 2 and f"the tables begin on {BEGIN}, 2023-03-31 asked" in err
    assert ask([ORDER], "--date", BEGIN.isoformat())[0] == 0


@pytest.mark.parametrize("day", ["yesterday", "20260401", "2026-W14-3", "2026-4-1", "2026-02-30", ""])
def test_a_date_that_is_none_is_refused(ask: Any, capsys: pytest.CaptureFixture[str], day: str) -> None:
    with pytest.raises(SystemExit) as left:
        ask([ORDER], "--date", day)
    assert left.value.code == 2
    assert f"{day!r} is no date" in capsys.readouterr().err


def test_help_tells_the_fields_of_the_reply(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["charges", "--help"])
    told = capsys.readouterr().out
    for name in (
        "transaction_tax_type",
        "exchange_turnover_charge",
        "stamp_duty",
        "igst",
        "average_price",
        "multiplier",
    ):
        assert name in told
