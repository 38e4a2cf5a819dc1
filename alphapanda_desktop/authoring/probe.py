"""The parent's side of a probe: a strategy file is read and judged, then executed in a child that tells what it is."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from pydantic import ValidationError

from alphapanda_desktop.authoring.describe import Spec, Told
from alphapanda_desktop.authoring.exitcodes import exit_words
from alphapanda_desktop.authoring.names import problems_in
from alphapanda_desktop.authoring.problems import Problem
from alphapanda_desktop.authoring.sources import Source, read
from alphapanda_desktop.domain.errors import StrategyError

DEADLINE_S: Final = 15.0
MEMORY: Final = 2 << 30
"""Address space of a probe; numpy and TA-Lib alone map about half a gigabyte."""

LARGEST_ANSWER: Final = 1_000_000
ROOT: Final = str(Path(__file__).resolve().parents[2])
PATHS: Final = os.pathsep.join([ROOT, *(path for path in sys.path if Path(path).name.endswith("-packages"))])
"""Where a child finds the program and its libraries: an isolated Python does not see those of PYTHONPATH by itself."""

FIND: Final = "import os, sys; own, *rest = sys.argv.pop(1).split(os.pathsep); sys.path[:] = [own, *sys.path, *rest]; "
CHILD: Final = f"{FIND}from alphapanda_desktop.authoring.load import main; main(sys.argv[1:])"
KEPT: Final = ("PATH", "LANG", "LC_ALL", "SYSTEMROOT", "TEMP", "TMP", "TMPDIR")
"""Environment variables that a child may see: none of them tells who somebody is, or a secret."""


@dataclass(frozen=True, slots=True)
class Probed:
    """A file, and what is known of it: `spec` where it can be run, and what is wrong, worst first."""

    source: Source
    spec: Spec | None
    problems: tuple[Problem, ...] = ()

    def words(self) -> list[str]:
        """The problems as they are printed, with file and line."""
        return [problem.at(self.source.label) for problem in self.problems]


def probe(
    path: Path, entry: str = "", package: str = "", *, deadline_s: float = DEADLINE_S, memory: int = MEMORY
) -> Probed:
    """Read and judge a file, then execute it in a child. Blocks for up to the deadline: call it in a thread.

    What can be seen to be wrong by reading is never executed. Raises StrategyError where it cannot be read.
    """
    source, content = read(path, entry, package)
    return probe_content(source, content, deadline_s=deadline_s, memory=memory)


def probe_content(source: Source, content: bytes, *, deadline_s: float = DEADLINE_S, memory: int = MEMORY) -> Probed:
    """`probe` for a file that was read: what a person has enabled is what is executed, whatever is saved meanwhile."""
    seen = problems_in(content)
    if any(problem.severe for problem in seen):
        return Probed(source, None, tuple(sorted(seen, key=_worst)))
    told = _ask(source, content, "", deadline_s, memory)
    problems = tuple(sorted([*told.problems, *seen], key=_worst))
    return Probed(source, None if any(problem.severe for problem in told.problems) else told.spec, problems)


def judge(
    source: Source, values: Mapping[str, object], *, deadline_s: float = DEADLINE_S, memory: int = MEMORY
) -> tuple[Problem, ...]:
    """What the file's own parameters say against these values; `right` is the field, empty for the whole. Blocks.

    Raises StrategyError where the file is no longer the one that was enabled.
    """
    now, content = read(source.path, source.entry, source.package)
    if now.sha256 != source.sha256:
        raise StrategyError(f"{source.label} was changed since it was loaded; load it again")
    return _ask(source, content, json.dumps(dict(values)), deadline_s, memory).problems


def command(source: Source, values: str, seconds: int, memory: int) -> list[str]:
    """How the child is started; a packaged program starts itself."""
    limits = [f"--seconds={seconds}", f"--memory={memory}", f"--entry={source.entry}", f"--sha256={source.sha256}"]
    rest = [str(source.path), *limits, f"--values={values}"]
    if getattr(sys, "frozen", False):
        return [sys.executable, "probe-strategy", *rest]
    return [sys.executable, "-I", "-B", "-X", "utf8", "-c", CHILD, PATHS, *rest]


def _ask(source: Source, content: bytes, values: str, deadline_s: float, memory: int) -> Told:
    words = command(source, values, int(deadline_s) + 1, memory)
    with (
        tempfile.TemporaryDirectory(prefix="alphapanda-probe-") as folder,
        tempfile.TemporaryFile() as answer,
        tempfile.TemporaryFile() as said,
    ):
        code = _run(words, content, answer, said, folder, deadline_s)
        answer.seek(0)
        told, tail = answer.read(LARGEST_ANSWER + 1), _tail(said)
    if code is None:
        return _failed(f"it did not load within {deadline_s:g} s: something in it does not end")
    if code != 0 or not told:
        return _failed(f"the process that loaded it ended with {exit_words(code)}{': ' + tail if tail else ''}")
    try:
        return Told.model_validate_json(told)
    except ValidationError as error:
        return _failed(f"what it tells of itself cannot be used: {error.errors()[0]['msg']}")


def _run(
    words: list[str], content: bytes, answer: IO[bytes], said: IO[bytes], folder: str, deadline_s: float
) -> int | None:
    """Run the child to its end or its deadline; its exit code, None when it was killed. Nothing of it stays behind."""
    env = {name: os.environ[name] for name in KEPT if name in os.environ} | {"OPENBLAS_NUM_THREADS": "1"}
    process = subprocess.Popen(
        words, stdin=subprocess.PIPE, stdout=answer, stderr=said, cwd=folder, env=env, start_new_session=True
    )
    try:
        process.communicate(content, deadline_s)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end(process)
    return process.returncode


def _end(process: subprocess.Popen[bytes]) -> None:
    """Kill the child and what it started."""
    if hasattr(os, "killpg"):
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, signal.SIGKILL)
    if process.poll() is None:
        process.kill()
    process.wait()
    if process.stdin is not None:
        with suppress(OSError):
            process.stdin.close()


def _tail(said: IO[bytes]) -> str:
    end = said.seek(0, os.SEEK_END)
    said.seek(max(0, end - 2_000))
    lines = said.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1][:300] if lines else ""


def _failed(text: str) -> Told:
    return Told(problems=(Problem(0, text),))


def _worst(problem: Problem) -> tuple[bool, int]:
    return not problem.severe, problem.line
