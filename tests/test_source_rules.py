"""What the sources must never do, read off their syntax: statements made of data, open doors, checks switched off."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parent.parent / "alphapanda_desktop"
SQL_CALLS = {"execute", "executemany", "executescript", "exec_driver_sql"}
SQL_WORDS = ("SELECT ", "INSERT ", "UPDATE ", "DELETE ", "PRAGMA ", "CREATE ", "DROP ", "ALTER ")
NOT_SQL = {"authoring/load.py", "hosting/child.py", "sweeps/job.py"}
"""Their `execute` runs the file of a strategy."""


@cache
def texts() -> dict[str, str]:
    return {
        path.relative_to(PACKAGE).as_posix(): path.read_text(encoding="utf-8") for path in sorted(PACKAGE.rglob("*.py"))
    }


def sources(words: str) -> dict[str, ast.Module]:
    """Modules in which any of these words stands: to look through all of them would take a minute."""
    return {name: ast.parse(text) for name, text in texts().items() if re.search(words, text)}


def statements_in(tree: ast.Module) -> Iterator[tuple[ast.expr, list[ast.AST]]]:
    """Each expression that is given to a database as a statement, and all that stands in its function or module."""
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    for scope in (tree, *functions):
        inside = list(ast.walk(scope))
        for node in inside:
            if isinstance(node, ast.Call) and node.args and called(node) in SQL_CALLS | {"text", "DDL"}:
                yield node.args[0], inside


def called(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")


def is_made_of_data(node: ast.expr) -> bool:
    """Whether text is put together here of anything but constants of the module, which are written in capitals."""
    if isinstance(node, ast.JoinedStr):
        parts = [part.value for part in node.values if isinstance(part, ast.FormattedValue)]
        return not all(isinstance(part, ast.Name) and part.id.strip("_").isupper() for part in parts)
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add | ast.Mod):
        return not all(
            isinstance(side, ast.Constant | ast.Name) and not is_lower(side) for side in (node.left, node.right)
        )
    return isinstance(node, ast.Call) and called(node) in ("format", "join", "replace")


def is_lower(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and not node.id.strip("_").isupper()


def made_of_data(tree: ast.Module) -> list[int]:
    """Lines where a statement is put together of data, there or where its name gets its value."""
    lines = set()
    for statement, scope in statements_in(tree):
        given = [statement]
        if isinstance(statement, ast.Name):
            given += [
                node.value for node in scope
                if isinstance(node, ast.Assign | ast.AnnAssign | ast.AugAssign | ast.NamedExpr) and node.value
                and any(isinstance(at, ast.Name) and at.id == statement.id for at in ast.walk(node))
            ]  # fmt: skip
        lines |= {
            node.lineno
            for part in given
            for node in ast.walk(part)
            if isinstance(node, ast.expr) and is_made_of_data(node)
        }
    return sorted(lines)


def sql_texts_of_data(tree: ast.Module) -> list[int]:
    """Lines where a text that begins as SQL does is put together of data, whoever it is given to."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr | ast.BinOp) and is_made_of_data(node):
            first = next((part for part in ast.walk(node) if isinstance(part, ast.Constant)), None)
            if first is not None and isinstance(first.value, str) and first.value.startswith(SQL_WORDS):
                found.append(node.lineno)
    return sorted(found)


TRIGGERS = {"store/schema.py": 1}
"""How often: the guards of a table are made of its name, once, in the file that names all tables."""
MIGRATIONS = "store/migrations/versions/"
"""Made once, of names of tables that stand beside them: no value of a person is known to them."""


def test_statements_are_of_constants_and_values_are_bound() -> None:
    found = sources(r"sqlite3|sqlalchemy|alembic")
    asked = {name: tree for name, tree in found.items() if name not in NOT_SQL and not name.startswith(MIGRATIONS)}
    assert len([None for tree in asked.values() for _ in statements_in(tree)]) > 60  # it finds what it is about
    assert {name: lines for name, tree in asked.items() if (lines := made_of_data(tree))} == {}
    texts_of_data = {name: len(lines) for name, tree in asked.items() if (lines := sql_texts_of_data(tree))}
    assert texts_of_data == TRIGGERS


@pytest.mark.parametrize(
    "line",
    [
        'db.execute(f"SELECT * FROM kept WHERE id = {id_}")',
        'db.execute("SELECT * FROM kept WHERE id = " + id_)',
        'db.execute("SELECT * FROM kept WHERE id = %s" % id_)',
        'db.execute("SELECT * FROM kept WHERE id = {}".format(id_))',
        'query = f"SELECT {id_}"; db.execute(query)',
        'query = "SELECT 1"; query += f" WHERE {id_}"; db.execute(query)',
        'select(text(f"at = {id_}"))',
        'db.executemany("INSERT INTO " + name, rows)',
    ],
)
def test_a_statement_that_is_made_of_data_is_found(line: str) -> None:
    assert made_of_data(ast.parse(line)) == [1]


# --- doors -----------------------------------------------------------------------------------------------------------

LISTENS = {"TCPSite": 1, "create_server": 1, "start_server": 1, "bind": 0}
"""Calls that open a port, and the place of the host among their arguments."""


def hosts_listened_on(tree: ast.Module) -> list[str]:
    """The host of each call that opens a port; "?" where it is no constant."""
    constants = {
        target.id: node.value.value
        for node in ast.walk(tree) if isinstance(node, ast.AnnAssign) and isinstance(target := node.target, ast.Name)
        and isinstance(node.value, ast.Constant)
    }  # fmt: skip
    hosts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and called(node) in LISTENS and len(node.args) > LISTENS[called(node)]:
            host = node.args[LISTENS[called(node)]]
            if called(node) == "bind":
                if not isinstance(host, ast.Tuple):
                    continue  # a signature's, or a widget's
                host = host.elts[0]
            known = constants.get(host.id) if isinstance(host, ast.Name) else getattr(host, "value", None)
            hosts.append(known if isinstance(known, str) else "?")
    return hosts


def test_every_port_that_is_opened_is_of_this_machine_alone() -> None:
    listening = sources(r"TCPSite|create_server|start_server|\.bind\(")
    found = {name: hosts for name, tree in listening.items() if (hosts := hosts_listened_on(tree))}
    assert {"sim/server.py", "kite/redirect.py"} <= set(found)
    assert {name: hosts for name, hosts in found.items() if set(hosts) != {"127.0.0.1"}} == {}


OFF = {("verify", False), ("ssl", False), ("check_hostname", False), ("disable_ssl", True), ("shell", True)}
NEVER = {
    "CERT_NONE", "_create_unverified_context", "setWebChannel", "QWebChannel", "QTcpServer", "acceptCertificate",
    "AllowRunningInsecureContent",
}  # fmt: skip
ONLY_IN = {"exec": {"authoring/load.py"}, "eval": set(), "loads of pickle": {"sweeps/worker.py"}}
"""`exec` runs a strategy file that a person enabled, in its own process; the pickle is of the program to its worker."""


def switched_off(tree: ast.Module) -> list[str]:
    """Checks of TLS and of the shell that are switched off here."""
    found = []
    for node in ast.walk(tree):
        if (
            isinstance(node, ast.keyword)
            and isinstance(node.value, ast.Constant)
            and (node.arg, node.value.value) in OFF
        ):
            found.append(f"{node.arg}={node.value.value}")
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant):
            names = [target.attr for target in node.targets if isinstance(target, ast.Attribute)]
            found += [f"{name}={node.value.value}" for name in names if (name, node.value.value) in OFF]
        if isinstance(node, ast.Attribute) and node.attr in NEVER:
            found.append(node.attr)
    return found


UNPICKLES = {"pickle.loads", "pickle.load", "pickle.Unpickler", "marshal.loads", "marshal.load", "shelve.open"}


def runs_text(tree: ast.Module) -> set[str]:
    """Which ways of running text or bytes as code are in here."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("exec", "eval"):
            found.add(node.func.id)
        if isinstance(node, ast.Call) and ast.unparse(node.func) in UNPICKLES:
            found.add("loads of pickle")
        if isinstance(node, ast.ImportFrom) and node.module in ("pickle", "_pickle", "marshal", "shelve"):
            found.add("loads of pickle")  # under a name of its own it would not be seen
    return found


def test_no_check_is_switched_off_and_no_bridge_leads_out_of_the_web_view() -> None:
    assert {
        name: found
        for name, tree in sources("|".join([*NEVER, *(name for name, _ in OFF)])).items()
        if (found := switched_off(tree))
    } == {}


def test_text_becomes_code_only_where_a_strategy_is_loaded() -> None:
    places: dict[str, set[str]] = {kind: set() for kind in ONLY_IN}
    for name, tree in sources(r"exec\(|eval\(|pickle|marshal").items():
        for kind in runs_text(tree):
            places[kind].add(name)
    assert places == ONLY_IN


@pytest.mark.parametrize(
    "line",
    ["exec(text)", "eval(text)", "pickle.loads(data)", "pickle.Unpickler(file).load()", "from pickle import loads"],
)
def test_text_that_becomes_code_is_found(line: str) -> None:
    assert runs_text(ast.parse(line)) != set()


@pytest.mark.parametrize(
    "line",
    ["get(url, verify=False)", "session.verify = False", "connect(ssl=False)", "context.verify_mode = ssl.CERT_NONE",
     "run(words, shell=True)", "page.setWebChannel(channel)"],
)  # fmt: skip
def test_a_check_that_is_switched_off_is_found(line: str) -> None:
    assert switched_off(ast.parse(line)) != []


def test_a_port_for_everybody_is_found() -> None:
    assert hosts_listened_on(ast.parse('web.TCPSite(runner, "0.0.0.0", 1)')) == ["0.0.0.0"]
    assert hosts_listened_on(ast.parse("web.TCPSite(runner, host, 1)")) == ["?"]
