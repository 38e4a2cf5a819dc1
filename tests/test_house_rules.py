"""House rules that no linter knows: a table of what not to write, and what to write instead.

Each rule carries an example that it must catch, so that a rule cannot fall silent.
"""

from __future__ import annotations

import ast
import io
import re
import shutil
import subprocess
import tokenize
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "alphapanda_desktop"
SOURCES = sorted(PACKAGE.rglob("*.py"))
COMMANDS = sorted((PACKAGE / "commands").glob("*.py"))
TESTS = sorted((ROOT / "tests").rglob("*.py"))


@dataclass(frozen=True)
class Rule:
    """A pattern of source text, what to do instead, and an example that the pattern must find."""

    pattern: str
    advice: str
    example: str
    allowed_in: frozenset[str] = field(default=frozenset())
    in_text: bool = False  # comments and strings count too

    def offences(self, path: Path, text: str) -> Iterator[str]:
        name = path.relative_to(ROOT).as_posix()
        if name in self.allowed_in:
            return
        view = text if self.in_text else _code_of(text)
        for match in re.finditer(self.pattern, view):
            line = view.count("\n", 0, match.start()) + 1
            yield f"{name}:{line}: {match.group(0).strip()!r}: {self.advice}"


def _in(*names: str) -> frozenset[str]:
    return frozenset(f"alphapanda_desktop/{name}" for name in names)


UNSANDBOXED = "QTWEBENGINE_" + "DISABLE_SANDBOX"
RULES = [
    Rule(
        r"\.exec_?\(",
        "a nested loop kills other tasks: open() and a future (ui.edge)",
        "answer = dialog.exec()",
        # The probe is a process of its own, with no tasks; at the first paint there is no asyncio loop yet.
        _in("loop.py", "ui/webprobe.py", "ui/firstpaint.py"),
    ),
    Rule(r"\bprocessEvents\b", "a nested loop: await something instead", "app.processEvents()"),
    Rule(r"\bQ(?:Table|Tree)Widget\b(?!Item)", "model and view: ui.tables.RowModel", "QTableWidget(3, 4)"),
    Rule(
        r"(?<![\w.])print\(",
        "the log is for the program, the window for people; only commands print",
        "    print(order)",
        _in("__main__.py", "start.py", "tour.py", "sim/cli.py", *(f"commands/{path.name}" for path in COMMANDS)),
    ),
    Rule(
        r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b",
        "finish it, or file an issue",
        "# TO" + "DO: later",
        in_text=True,
    ),
    Rule(
        r"raise Not" + r"ImplementedError\b|not " + r"implemented",
        "nothing here is a stub: a Protocol, or the real thing",
        "raise Not" + "ImplementedError",
        in_text=True,
    ),
    Rule(
        r"\bdatetime\.now\(\s*\)|\butcnow\(|\butcfromtimestamp\(|\bdate\.today\(",
        "aware UTC: datetime.now(UTC) at the edge, the Clock port elsewhere",
        "at = datetime.now()",
    ),
    Rule(
        r"(?:\bloop|get_(?:running|event)_loop\(\))\.create_task\(",
        "Scope.spawn, or a TaskGroup in kite/ and sim/",
        "asyncio.get_running_loop().create_task(work)",
        _in("trading/scope.py"),
    ),
    Rule(r"\bget_event_loop\(", "asyncio.get_running_loop(), inside a coroutine", "asyncio.get_event_loop()"),
    Rule(r"\basync(?:Slot|Close)\b", "a one-line slot that calls Scope.spawn", "@asyncSlot()"),
    Rule(
        r"setQuitOnLastWindowClosed\(\s*True",
        "the loop would stop before its tasks: closeEvent sets `closed`, app decides",
        "app.setQuitOnLastWindowClosed(True)",
    ),
    Rule(
        r"\bQ(?:Core|Gui)?Application\.instance\(\)",
        "no globals: it is handed to whoever needs it",
        "QApplication.instance()",
        _in("loop.py", "__main__.py"),
    ),
    Rule(
        r"\bverify\s*=\s*False|\bssl\s*=\s*False|check_hostname\s*=\s*False|\bCERT_NONE\b|_create_unverified_context",
        "TLS is always verified",
        "session.get(url, ssl=False)",
    ),
    Rule(
        UNSANDBOXED + r"""["']\s*(?:\]\s*=(?!=)|:|,\s*["'])|""" + UNSANDBOXED + "=",
        "the program never switches the web view's sandbox off (tests as root may)",
        f'os.environ["{UNSANDBOXED}"] = "1"',
        _in("ui/webprobe.py"),  # for root in practice mode alone, argued in its docstring and tested
        in_text=True,
    ),
    Rule(r"(?<!\w)global\s+\w", "an owner with a lifetime, not a module's variable", "    global _settings"),
]


@cache
def _code_of(text: str) -> str:
    """The text with comments and strings blanked, line for line."""
    lines = text.splitlines(keepends=True)
    middle = {getattr(tokenize, name, None) for name in ("COMMENT", "STRING", "FSTRING_MIDDLE")}
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type not in middle:
            continue
        (first, start), (last, end) = token.start, token.end
        for row in range(first, last + 1):
            line = lines[row - 1]
            left = start if row == first else 0
            right = end if row == last else len(line.rstrip("\n"))
            lines[row - 1] = line[:left] + " " * (right - left) + line[right:]
    return "".join(lines)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern[:30])
def test_no_source_breaks_the_rule(rule: Rule) -> None:
    offences = [line for path in SOURCES for line in rule.offences(path, path.read_text(encoding="utf-8"))]
    assert offences == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.pattern[:30])
def test_the_rule_finds_its_example(rule: Rule) -> None:
    assert list(rule.offences(PACKAGE / "anywhere.py", rule.example + "\n"))


def test_a_rule_about_code_is_deaf_to_comments_and_strings() -> None:
    text = 'x = "dialog.exec()"  # never dialog.exec()\n"""\ndialog.exec()\n"""\ny = f"dialog.exec() {x}"\n'
    assert not [line for rule in RULES for line in rule.offences(PACKAGE / "anywhere.py", text)]


# --- size and names ----------------------------------------------------------------------------------------------

LONGEST_FUNCTION = 60
LONGEST_MODULE = 400
EMPTY_NAMES = {"utils", "util", "helpers", "helper", "common", "manager", "managers", "base", "misc"}


def _docstring_lines(tree: ast.AST) -> set[int]:
    found: set[int] = set()
    for node in ast.walk(tree):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        first = node.body[0] if node.body else None
        if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
            found.update(range(first.lineno, (first.end_lineno or first.lineno) + 1))
    return found


def _code_lines(text: str) -> set[int]:
    """Numbers of the lines that hold code: no blank ones, no comments, no docstrings."""
    written = {
        row for row, line in enumerate(text.splitlines(), 1) if line.strip() and not line.lstrip().startswith("#")
    }
    return written - _docstring_lines(ast.parse(text))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_functions_and_modules_can_be_read_at_once(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    code = _code_lines(text)
    long = [
        f"{node.name}: {size} lines of code, {LONGEST_FUNCTION} allowed"
        for node in ast.walk(ast.parse(text))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := len(code & set(range(node.lineno, (node.end_lineno or 0) + 1)))) > LONGEST_FUNCTION
    ]
    assert long == []
    assert len(code) <= LONGEST_MODULE, f"{len(code)} lines of code: split it by idea"


def test_modules_are_named_for_what_they_are() -> None:
    named_for_nothing = [
        path.relative_to(ROOT).as_posix()
        for path in SOURCES + TESTS
        if {path.stem, path.parent.name} & EMPTY_NAMES or path.stem.endswith(("_utils", "_helpers", "_manager"))
    ]
    assert named_for_nothing == []


def test_test_modules_have_names_of_their_own_and_no_packages() -> None:
    names = [path.name for path in TESTS]
    assert sorted(name for name in set(names) if names.count(name) > 1 and name != "conftest.py") == []
    assert "__init__.py" not in names


# --- what is in the tree -----------------------------------------------------------------------------------------

TOP_LEVEL = {
    "alphapanda_desktop", "resources", "tests", "docs", "pyproject.toml", "pyinstaller.spec", "requirements.lock",
    "Makefile", "README.md", "CHANGELOG.md",
}  # fmt: skip
PICTURES = {".png", ".ico", ".icns", ".ttf", ".woff2", ".gz", ".packet", ".parquet"}


def _git(*words: str) -> str:
    if shutil.which("git") is None or not (ROOT / ".git").exists():
        pytest.skip("this tree is no git checkout")
    # The checkout may belong to another user than the one who runs the tests.
    done = subprocess.run(
        ["git", "-c", f"safe.directory={ROOT}", *words], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode in (0, 1), done.stderr
    return done.stdout


def _tracked() -> list[Path]:
    listed = _git("ls-files", "-z", "--cached", "--others", "--exclude-standard").split("\0")
    return [ROOT / name for name in listed if name and (ROOT / name).is_file()]


def _texts() -> Iterator[tuple[str, str]]:
    for path in _tracked():
        if path.suffix not in PICTURES:
            yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")


def test_the_top_level_holds_what_the_design_names() -> None:
    names = {path.relative_to(ROOT).parts[0] for path in _tracked()}
    assert {name for name in names if not name.startswith(".")} - TOP_LEVEL == set()


def test_there_is_no_licence_file() -> None:
    """Which licence, if any, is for the owner to decide; none is claimed by accident."""
    assert [path.name for path in _tracked() if re.match(r"licen[cs]e|copying", path.name, re.IGNORECASE)] == []


@pytest.mark.parametrize(
    ("name", "ignored"),
    [
        (".venv/bin/python", True),
        ("alphapanda_desktop/__pycache__/app.cpython-311.pyc", True),
        ("build/tour/01-start.png", True),
        ("dist/alphapanda/alphapanda", True),
        ("practice.sqlite", True),
        ("practice.sqlite-wal", True),
        (".mypy_cache/3.11/app.json", True),
        ("tests/ui/.hypothesis/examples/1", True),
        (".idea/workspace.xml", True),
        ("pyinstaller.spec", False),
        ("requirements.lock", False),
        ("lib/shared.py", False),
        ("alphapanda_desktop/lib/shared.py", False),
        ("alphapanda_desktop/store/migrations/versions/0001_start.py", False),
        ("resources/day.csv.gz", False),
        ("alphapanda_desktop/sim/build.py", False),
        (".ci/run", False),
        (".github/workflows/test.yml", False),
    ],
)
def test_git_ignores_leavings_and_no_source(name: str, *, ignored: bool) -> None:
    assert bool(_git("check-ignore", "--no-index", name).strip()) is ignored


# In pieces, so that this page does not name what it forbids.
HOSTS = ["py" + "pi.org", "python" + "hosted.org", "npm" + "js.", "deb." + "debian.org", "archive." + "ubuntu.com"]
MACHINE_FOLDERS = ["wo" + "rk", "ro" + "ot", "tm" + "p", "ho" + "me", "Us" + "ers"]


def test_no_file_names_a_package_registry() -> None:
    pattern = re.compile("|".join(map(re.escape, HOSTS)))
    assert [f"{name}: {match.group()}" for name, text in _texts() if (match := pattern.search(text))] == []


def test_no_file_names_a_path_of_one_machine() -> None:
    pattern = re.compile(rf"(?<![\w.}}/])/(?:{'|'.join(MACHINE_FOLDERS)})/")
    assert [f"{name}: {match.group()}" for name, text in _texts() if (match := pattern.search(text))] == []


# --- check machines ----------------------------------------------------------------------------------------------

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.y*ml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit(path: Path) -> None:
    """A tag can be moved to other code by whoever gets hold of the repository that it is in."""
    used = re.findall(r"\buses:\s*(.+)", path.read_text(encoding="utf-8"))
    exact = re.compile(r"[\w.-]+/[\w./-]+@[0-9a-f]{40}  # v\d+\.\d+\.\d+")
    assert used
    assert [action for action in used if not exact.fullmatch(action)] == []


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_a_workflow_may_read_the_repository_and_nothing_else(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    assert re.findall(r"^ *permissions:.*(?:\n  .*)*", text, re.MULTILINE) == ["permissions:\n  contents: read"]
    assert text.count("persist-credentials: false") == text.count("actions/checkout@") > 0
    assert not re.search(r"pull_request_target|workflow_run|secrets\.|github\.event|head_ref", text)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_machine_is_an_exact_version(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    machines = re.findall(r"\b(?:ubuntu|windows|macos|debian)[-:][\w.-]+", text)
    assert machines
    assert [name for name in machines if not re.fullmatch(r"[a-z]+[-:]\d[\w.-]*", name)] == []
    assert "-latest" not in text


def test_the_check_script_is_the_make_target() -> None:
    script = ROOT / ".ci" / "run"
    assert re.search(r"^exec make .*\btest$", script.read_text(encoding="utf-8"), re.MULTILINE)
    modes = _git("ls-files", "--stage", ".ci/run", ".ci/*.sh").split("\n")
    assert [line for line in modes if line and not line.startswith("100755")] == []
