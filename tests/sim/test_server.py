"""The wire: envelopes, headers, limits, quotes, instruments, candles, and calls that only compute."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from typing import Any

import aiohttp
import pytest

from alphapanda_desktop.sim.limits import Limits
from tests.sim.practice_kite import INFY, NIFTY, order, served, still_kite

Run = Callable[[Any], Any]
HISTORY = "/instruments/historical/408065/minute"


def test_the_announcement_has_exactly_the_agreed_keys(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            assert list(call.said) == ["rest", "ws", "login", "api_key", "api_secret", "user_id", "access_token"]
            port = call.said["rest"].rsplit(":", 1)[1]
            assert call.said["rest"] == f"http://127.0.0.1:{port}" and call.said["ws"] == f"ws://127.0.0.1:{port}"

    arun(story())


@pytest.mark.parametrize(
    ("headers", "status", "kind", "message"),
    [
        ({"X-Kite-Version": None}, 400, "InputException", "Missing api_key"),
        ({"Authorization": None}, 400, "InputException", "Invalid `api_key` or `access_token`."),
        ({"Authorization": "Bearer x:y"}, 400, "InputException", "Invalid `api_key` or `access_token`."),
        ({"Authorization": "token onlyone"}, 400, "InputException", "Invalid `api_key` or `access_token`."),
        ({"Authorization": "token a:b"}, 403, "TokenException", "Incorrect `api_key` or `access_token`."),
    ],
)
def test_bad_headers_are_refused_in_kites_words(
    arun: Run, headers: dict[str, str | None], status: int, kind: str, message: str
) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            got, body = await call("GET", "/orders", headers=headers)
            assert got == status
            assert body == {"status": "error", "message": message, "data": None, "error_type": kind}

    arun(story())


def test_what_does_not_exist_is_404_and_a_wrong_method_405(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            for path, method, status in (("/nothing", "GET", 404), ("/user/profile", "POST", 405)):
                got, body = await call(method, path)
                assert (got, body["status"], body["error_type"]) == (status, "error", "GeneralException")
            assert (await call("GET", "/user/margins/forex"))[0] == 404

    arun(story())


@pytest.mark.parametrize(
    ("path", "kind"),
    [("/user/profile", "application/json"), ("/nothing", "application/json"), ("/instruments", "text/csv"),
     ("/instruments/NSE", "text/csv"), ("/mf/instruments", "text/csv")],
)  # fmt: skip
def test_content_types_are_bare_as_the_javascript_client_demands(arun: Run, path: str, kind: str) -> None:
    async def story() -> None:
        async with served(still_kite()) as call, call.http.get(path, headers=call.headers) as reply:
            assert reply.headers["Content-Type"] == kind

    arun(story())


def test_a_browser_at_the_bare_address_is_shown_the_login_page(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            for query in ({}, {"api_key": call.said["api_key"], "v": "3", "redirect_params": "a=1&b=2"}):
                async with call.http.get(call.said["login"], params=query) as reply:
                    assert (reply.status, reply.url.path) == (200, "/connect/login")
                    assert ("a=1&amp;b=2" in await reply.text()) == bool(query)

    arun(story())


def test_a_thousand_instruments_fit_one_question(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            keys = [("i", f"NFO:BANKNIFTY26NOV{n}00CE") for n in range(999)] + [("i", "NSE:INFY")]
            assert list(await call.data("GET", "/quote/ltp", params=keys)) == ["NSE:INFY"]

    arun(story())


def test_only_loopback_names_are_answered(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            assert (await call("GET", "/user/profile", headers={"Host": "evil.example:80"}))[0] == 403
            assert (await call("GET", "/user/profile", headers={"Host": "localhost:80"}))[0] == 200

    arun(story())


def test_quotes_leave_unknown_instruments_out_and_take_tokens(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite("rate_limits=off")) as call:
            keys = [("i", "NSE:INFY"), ("i", "NSE:NOSUCH"), ("i", str(NIFTY.instrument_token))]
            for path in ("/quote", "/quote/ohlc", "/quote/ltp"):
                data = await call.data("GET", path, params=keys)
                assert list(data) == ["NSE:INFY", "256265"]
            index = (await call.data("GET", "/quote", params=keys))["256265"]
            assert index["volume"] == 0 and index["depth"]["buy"] == [{"price": 0, "quantity": 0, "orders": 0}] * 5
            status, body = await call("GET", "/quote", params=[("i", f"NSE:A{n}") for n in range(501)])
            assert (status, body["error_type"]) == (400, "InputException")

    arun(story())


def test_the_master_is_csv_without_a_token_and_compressed_when_wanted(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            url = call.said["rest"] + "/instruments/NSE"
            async with aiohttp.ClientSession(auto_decompress=False) as http, http.get(url) as reply:
                assert reply.content_type == "text/csv" and reply.headers["Content-Encoding"] in ("gzip", "deflate")
                assert (await reply.read())[:2] == b"\x1f\x8b" or reply.headers["Content-Encoding"] == "deflate"
            _, text = await call("GET", "/instruments", headers={"Authorization": None, "X-Kite-Version": None})
            rows = list(csv.DictReader(io.StringIO(text)))
            assert {row["exchange"] for row in rows} == {"NSE", "NFO", "MCX"}
            _, text = await call("GET", "/instruments/MCX")
            assert [row["exchange"] for row in csv.DictReader(io.StringIO(text))] == ["MCX"]

    arun(story())


@pytest.mark.parametrize(
    ("path", "start", "end", "text"),
    [
        (HISTORY, "2026-09-01 09:15:00", "2026-11-23 09:15:00", "interval exceeds max limit: 60 days"),
        (HISTORY, "2026-11-23 09:15:00", "2026-11-20 09:15:00", "invalid from or to"),
        (HISTORY, "yesterday", "2026-11-20 09:15:00", "invalid from"),
        ("/instruments/historical/408065/2minute", "2026-11-20", "2026-11-20", "invalid interval"),
        ("/instruments/historical/1/day", "2026-11-20", "2026-11-20", "invalid token"),
        (HISTORY + "?continuous=1", "2026-11-20", "2026-11-20", "continuous data"),
    ],
)
def test_candles_that_cannot_be_given_are_refused(arun: Run, path: str, start: str, end: str, text: str) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            status, body = await call("GET", path, params={"from": start, "to": end})
            assert (status, body["error_type"]) == (400, "InputException") and text in body["message"]

    arun(story())


def test_candles_have_open_interest_only_when_asked(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite("historical_caps=legacy")) as call:
            asked = {"from": "2026-11-23 09:15:00", "to": "2026-11-23 09:16:00"}
            assert [len(row) for row in (await call.data("GET", HISTORY, params=asked))["candles"]] == [6]
            assert [len(r) for r in (await call.data("GET", HISTORY, params=asked | {"oi": "1"}))["candles"]] == [7]
            status, body = await call("GET", HISTORY, params=asked | {"from": "2026-10-20 09:15:00"})
            assert (status, body["message"]) == (400, "interval exceeds max limit: 30 days")

    arun(story())


def test_the_second_quote_of_a_second_is_too_many(arun: Run) -> None:
    async def story() -> None:
        kite = still_kite()
        kite.limits._monotonic = lambda: 7.0  # both come within the same second
        async with served(kite) as call:
            assert (await call("GET", "/quote/ltp?i=NSE:INFY"))[0] == 200
            status, body = await call("GET", "/quote?i=NSE:INFY")
            assert (status, body["error_type"], body["message"]) == (429, "NetworkException", "Too many requests")
            assert (await call("GET", "/orders"))[0] == 200, "each class has its own limit"

    arun(story())


def test_orders_are_counted_by_second_minute_and_day() -> None:
    now = [0.0]
    limits = Limits(lambda: now[0])

    def sent(count: int) -> int:
        done = 0
        for _ in range(count):
            try:
                limits.request("key", "order")
                done += 1
            except Exception as error:  # noqa: BLE001
                assert getattr(error, "status", 0) == 429
        return done

    assert sent(12) == 10
    for _ in range(45):
        now[0] += 1.0
        sent(10)
    assert sent(1) == 0, "400 in the last minute"
    limits.orders_today = 4_999
    limits.order()
    with pytest.raises(Exception, match="Maximum allowed order requests exceeded"):
        limits.order()


@pytest.mark.parametrize(
    ("setting", "text"), [("on", "No IPs configured"), ("203.0.113.7", "IP (127.0.0.1) is not allowed")]
)
def test_orders_from_an_unregistered_address_are_refused_and_reads_are_not(arun: Run, setting: str, text: str) -> None:
    async def story() -> None:
        async with served(still_kite(f"static_ip={setting}")) as call:
            status, body = await call("POST", "/orders/regular", data=order())
            assert (status, body["error_type"]) == (403, "PermissionException") and text in body["message"]
            assert await call.data("GET", "/orders") == []

    arun(story())


def test_a_registered_address_may_trade(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite("static_ip=203.0.113.7,127.0.0.1")) as call:
            assert (await call.data("POST", "/orders/regular", data=order(price=1490)))["order_id"]

    arun(story())


def test_an_order_over_http_is_in_the_book_and_its_history_is_settled(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            id_ = (await call.data("POST", "/orders/regular", data=order(price=1490)))["order_id"]
            assert (await call.data("GET", f"/orders/{id_}"))[-1]["status"] == "OPEN"
            assert await call.data("PUT", f"/orders/regular/{id_}", data={"price": "1500.1"}) == {"order_id": id_}
            (trade,) = await call.data("GET", f"/orders/{id_}/trades")
            assert trade["average_price"] == 1500.1 and trade["order_timestamp"] == "12:00:00"
            assert (await call("GET", "/orders/123"))[0] == 400
            status, body = await call("DELETE", f"/orders/amo/{id_}")
            assert status == 400 and body["message"] == "Invalid `variety`."

    arun(story())


def test_whole_numbers_travel_as_integers(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            await call.data("POST", "/orders/regular", data=order(price=1490))
            async with call.http.get("/orders", headers=call.headers) as reply:
                row = json.loads(await reply.text())["data"][0]
            assert row["price"] == 1490 and isinstance(row["price"], int)

    arun(story())


CALCULATED = {
    "exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "variety": "regular", "product": "MIS",
    "order_type": "LIMIT", "quantity": 10, "price": 1500, "trigger_price": 0,
}  # fmt: skip


def test_a_basket_that_closes_itself_needs_half(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            both = [CALCULATED, CALCULATED | {"transaction_type": "SELL"}]
            data = await call.data("POST", "/margins/basket?consider_positions=True", json=both)
            assert data["initial"]["total"] == 6000 and data["final"]["total"] == 3000
            assert data["charges"]["total"] > 0
            (one,) = await call.data("POST", "/margins/orders", json=[CALCULATED])
            assert (one["total"], one["leverage"], one["type"]) == (3000, 5, "equity")

    arun(story())


def test_the_contract_note_adds_up(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            row = {k: v for k, v in CALCULATED.items() if k != "price"} | {"average_price": 1500, "order_id": "1"}
            (note,) = await call.data("POST", "/charges/orders", json=[row])
            parts = note["charges"]
            whole = sum(parts[n] for n in ("transaction_tax", "exchange_turnover_charge", "sebi_turnover_charge",
                                           "brokerage", "stamp_duty")) + parts["gst"]["total"]  # fmt: skip
            assert parts["total"] == pytest.approx(whole) and note["price"] == 1500
            status, body = await call("POST", "/charges/orders", json=[row | {"average_price": 0}])
            assert (status, body["error_type"]) == (400, "InputException")
            assert (await call("POST", "/charges/orders", data=b"{"))[0] == 400

    arun(story())


def test_a_lost_reply_leaves_an_order_behind(arun: Run) -> None:
    async def story() -> None:
        kite = still_kite()
        kite.director.play("lost-reply")
        async with served(kite) as call:
            with pytest.raises(TimeoutError):
                timeout = aiohttp.ClientTimeout(None, sock_read=0.3)  # counted once it was sent
                await call("POST", "/orders/regular", data=order(tag="lost"), timeout=timeout)
            (row,) = await call.data("GET", "/orders")
            assert row["tag"] == "lost"
            assert (await call("POST", "/orders/regular", data=order()))[0] == 200, "every second one is answered"

    arun(story())


def test_controls_turn_scenario_switches_and_clock(arun: Run) -> None:
    async def story() -> None:
        kite = still_kite()
        async with served(kite) as call:
            assert (await call("POST", "/sim/scenario", json={"name": "rate-limited"}))[0] == 200
            assert (await call("GET", "/orders"))[0] == 429
            for name in ("nonsense", "volatile"):
                assert (await call("POST", "/sim/scenario", json={"name": name}))[0] == 400
            await call("POST", "/sim/scenario", json={"name": "calm"})
            assert (await call("GET", "/orders"))[0] == 200
            await call("POST", "/sim/switch", json={"market_protection": "off"})
            assert kite.switches.market_protection == "off"
            for name, value in (("hours", "real"), ("calendar", "pre-aug-2026")):
                status, body = await call("POST", "/sim/switch", json={name: value})
                assert status == 400 and name in body["error"], "the market is made with it"
            status, body = await call("POST", "/sim/clock", json={"now": "2026-11-20T10:00:00+05:30"})
            assert (status, body["now"]) == (200, "2026-11-20T04:30:00+00:00")
            assert (await call("GET", "/orders"))[0] == 200, "the session follows a clock that is set back"
            await call("POST", "/sim/expire")
            assert (await call("GET", "/orders"))[0] == 403

    arun(story())


def test_a_page_in_a_browser_cannot_turn_the_controls(arun: Run) -> None:
    async def story() -> None:
        async with served(still_kite()) as call:
            assert (await call("POST", "/sim/expire", headers={"Origin": "https://evil.example"}))[0] == 403
            assert (await call("GET", "/orders"))[0] == 200

    arun(story())


def test_dead_from_the_start_is_alive_after_a_login(arun: Run) -> None:
    async def story() -> None:
        kite = still_kite()
        kite.director.play("dead-token")
        async with served(kite) as call:
            kite.director.play("dead-token")
            assert (await call("GET", "/orders"))[0] == 403
            login = kite.sessions.open()
            call.headers["Authorization"] = f"token {call.said['api_key']}:{login.access_token}"
            assert (await call("GET", "/orders"))[0] == 200

    arun(story())


def test_order_updates_carry_the_postback_fields() -> None:
    import hashlib

    kite = still_kite()
    heard: list[dict[str, Any]] = []
    kite.book.publish = heard.append
    kite.exchange.place("regular", order(price=1500.1))
    kite.exchange.settle_all()
    assert [one["status"] for one in heard][-2:] == ["OPEN", "COMPLETE"]
    last = heard[-1]
    signed = f"{last['order_id']}{last['order_timestamp']}{kite.credentials.api_secret}"
    assert last["checksum"] == hashlib.sha256(signed.encode()).hexdigest()
    assert (last["user_id"], last["unfilled_quantity"]) == ("AP1234", 0)
    assert last["instrument_token"] == INFY.instrument_token


def test_shuffled_updates_all_arrive_in_another_order() -> None:
    kite = still_kite()
    kite.director.play("out-of-order")
    heard: list[Any] = []
    kite.updates._send = heard.append  # the socket's end of it
    for _ in range(5):
        kite.exchange.place("regular", order(price=1500.1))
        kite.exchange.settle_all()
    kite.updates.release()
    told = [(one["order_id"], one["status"]) for one in heard]
    ids = [str(row["order_id"]) for row in kite.book.rows()]
    true = [(id_, one["status"]) for id_ in ids for one in kite.book.get(id_).history]
    assert set(told) == set(true) and len(told) > len(true) and told != true


NONSENSE = ("abc", "-1", "nan", "1e999", "{", "[]", "null", "\u0664", "", "x" * 300)
WRITES = [
    ("POST", "/orders/regular", order()),
    ("PUT", "/portfolio/positions", {"exchange": "NSE", "tradingsymbol": "INFY", "quantity": "1", "old_product": "MIS",
                                     "new_product": "CNC", "transaction_type": "BUY", "position_type": "day"}),
    ("POST", "/gtt/triggers", {"type": "single", "condition": "{}", "orders": "[{}]"}),
    ("POST", "/alerts", {"name": "n", "type": "ato", "lhs_exchange": "NSE", "lhs_tradingsymbol": "INFY",
                         "lhs_attribute": "LastTradedPrice", "operator": "<", "rhs_type": "constant",
                         "rhs_constant": "1", "basket": '{"items": [{"exchange": "NSE"}]}'}),
    ("POST", "/mf/orders", {"tradingsymbol": "INF000P01011", "transaction_type": "BUY", "amount": "5000"}),
    ("POST", "/mf/sips", {"tradingsymbol": "INF000P01011", "amount": "1000", "instalments": "1",
                          "frequency": "weekly"}),
    ("POST", "/session/token", {"api_key": "a", "request_token": "r", "checksum": "c"}),
]  # fmt: skip


@pytest.mark.parametrize(("method", "path", "form"), WRITES, ids=lambda value: value if isinstance(value, str) else "")
def test_nonsense_is_refused_in_the_envelope_and_breaks_nothing(
    arun: Run, method: str, path: str, form: dict[str, str]
) -> None:
    async def story() -> None:
        async with served(still_kite("rate_limits=off")) as call:
            for name in form:
                for value in NONSENSE:
                    status, body = await call(method, path, data=form | {name: value})
                    assert status < 500, (name, value)
                    assert body["status"] == ("success" if status == 200 else "error")

    arun(story())


@pytest.mark.parametrize("path", ["/margins/orders", "/margins/basket", "/charges/orders"])
def test_nonsense_in_json_is_refused_in_the_envelope(arun: Run, path: str) -> None:
    async def story() -> None:
        async with served(still_kite("rate_limits=off")) as call:
            bodies = [b"", b"\xff", b"{}", b"[1]", b"[{}]", b"[null]"]
            rows = [CALCULATED | {name: value} for name in CALCULATED for value in (None, [], {}, "abc", -1, "1e999")]
            for body in [*bodies, *(json.dumps([row]).encode() for row in rows)]:
                status, answer = await call("POST", path, data=body, headers={"Content-Type": "application/json"})
                assert status in (200, 400) and answer["status"] == ("success" if status == 200 else "error"), body

    arun(story())
