#!/usr/bin/env python
"""Tries a packaged program as a stranger would have it, and says what was found.

    tryout.py DIST [OUT]      DIST is the folder that was built; reports and pictures go to OUT (default: build/package)

Its self-test runs as an ordinary user, in a read-only folder with a space and a ₹ in its name, with an empty
environment, from another folder, offscreen and under Xvfb; nothing of it may be left running. Size, missing
libraries, rights, licences and traces of the machine that built it are looked at, and the time to the first paint is
held against that of the source. Linux only.
"""

from __future__ import annotations

import json
import marshal
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib.metadata import packages_distributions
from pathlib import Path
from types import CodeType

from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
LARGEST_MB = 480
SLOWEST = 1.3
"""First paint of the package against that of the source."""
ROUNDS = 5
NOBODY = 65534
SCREEN = "1600x900x24"
SHOWN = "window shown after"
LIMIT_S = 1300.0
PAINT_LIMIT_S = 30.0
ENDING_S = 20.0
ENDS_WITHIN_S = 3.0


class Faulty(Exception):
    """The package is not fit to be given away, and why."""


def size(dist: Path) -> str:
    """Megabytes and files; Faulty where there are too many."""
    files = [path for path in dist.rglob("*") if path.is_file() and not path.is_symlink()]
    megabytes = sum(path.stat().st_size for path in files) / 2**20
    if megabytes > LARGEST_MB:
        raise Faulty(f"{megabytes:.1f} MB, {LARGEST_MB} are allowed")
    return f"{megabytes:.1f} MB in {len(files)} files, {LARGEST_MB} MB are allowed"


def linked(dist: Path) -> str:
    """Whether every shared library finds the libraries that it names."""
    libraries = [path for path in dist.rglob("*.so*") if path.is_file()]
    lost = {
        line.split()[0]
        for path in [dist / "alphapanda", *libraries]
        for line in subprocess.run(["ldd", str(path)], capture_output=True, text=True, check=False).stdout.splitlines()
        if "not found" in line
    }
    if lost:
        raise Faulty(f"libraries that are not found: {', '.join(sorted(lost))}")
    return f"{len(libraries)} shared libraries find what they need"


def clean(dist: Path) -> str:
    """Whether rights are what a folder of programs needs, and nothing of the machine that built it came along."""
    files = [path for path in dist.rglob("*") if path.is_file() and not path.is_symlink()]
    loose = [path.name for path in files if path.stat().st_mode & 0o7022]
    if loose:
        raise Faulty(f"files that others may write to or that lend rights: {', '.join(loose[:5])}")
    inside = {str(path.relative_to(dist)): path.read_bytes() for path in files} | dict(frozen(dist))
    marks = [place.encode() for place in (str(ROOT), sys.base_prefix) if not place.startswith("/usr")]
    told = sorted(name for name, data in inside.items() if any(mark in data for mark in marks))
    if told:
        raise Faulty(f"folders of this machine are named in {', '.join(told[:5])}")
    return f"{len(inside)} files and modules name no folder of the machine that built them, and lend no rights"


def frozen(dist: Path) -> Iterator[tuple[str, bytes]]:
    """The modules inside the program, by name, as code."""
    from PyInstaller.archive.readers import CArchiveReader

    archive = CArchiveReader(str(dist / "alphapanda"))
    modules = archive.open_embedded_archive(next(name for name in archive.toc if name.lower().endswith(".pyz")))
    for name in modules.toc:
        code = modules.extract(name)
        if isinstance(code, CodeType):
            yield name, marshal.dumps(code)


def licensed(dist: Path) -> str:
    """Whether every library that went in is in the list of licences; a tool that slipped in is not."""
    told = json.loads((dist / "_internal" / "resources" / "third-party" / "third-party.json").read_text("utf-8"))
    listed = {canonicalize_name(part["name"]) for part in told}
    names = {name.partition(".")[0] for name, _ in frozen(dist)}
    names |= {path.name.partition(".")[0] for path in (dist / "_internal").iterdir() if not path.name.endswith("-info")}
    owners = packages_distributions()
    owned = {canonicalize_name(owner) for name in names for owner in owners.get(name, ())}
    lacking = sorted(owned - listed - {"alphapanda-desktop"})
    if lacking:
        raise Faulty(f"in the folder and in no list of licences: {', '.join(lacking)}")
    return f"{len(owned)} libraries of the folder are all in the list of {len(listed)} licences"


@contextmanager
def installed(dist: Path) -> Iterator[Path]:
    """A read-only copy in a place that no developer has; and a folder beside it that may be written."""
    with tempfile.TemporaryDirectory(prefix="AlphaPanda ₹ try ") as name:
        place = Path(name)
        place.chmod(0o755)
        shutil.copytree(dist, place / "opt", symlinks=True)
        for path in [place / "opt", *(place / "opt").rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode & ~0o222)
        (place / "out").mkdir()
        if os.geteuid() == 0:
            os.chown(place / "out", NOBODY, NOBODY)
        try:
            yield place
        finally:
            for path in (place / "opt").rglob("*"):
                if path.is_dir() and not path.is_symlink():
                    path.chmod(0o755)
            (place / "opt").chmod(0o755)


def run_self_test(place: Path, how: str, environment: Mapping[str, str], out: Path) -> str:
    """Run it once as an ordinary user; Faulty with what failed. The report and the picture are kept in `out`."""
    report, picture = place / "out" / f"self-test-{how}.json", place / "out" / f"self-test-{how}.png"
    began = time.monotonic()
    done = subprocess.run(
        [str(place / "opt" / "alphapanda"), "--self-test", str(report), "--screenshot", str(picture)],
        env=dict(environment), cwd="/", capture_output=True, text=True, timeout=LIMIT_S, check=False,
        **({"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}),
    )  # fmt: skip
    seconds = time.monotonic() - began
    for made in (report, picture):
        if made.exists():
            shutil.copyfile(made, out / made.name)
    if not report.exists():
        raise Faulty(f"{how}: exit code {done.returncode} and no report: {done.stderr[-800:]}")
    checks = json.loads(report.read_text(encoding="utf-8"))["checks"]
    failed = [f"{check['name']}: {check['detail']}" for check in checks if not check["ok"]]
    if failed or done.returncode or not picture.exists():
        raise Faulty(f"{how}: exit code {done.returncode}; " + "; ".join(failed))
    left = left_running(place)
    if left:
        raise Faulty(f"{how}: still running: {', '.join(left)}")
    return f"{len(checks)} checks ok in {seconds:.1f} s, nothing left running"


def left_running(place: Path) -> list[str]:
    """Processes whose program is of that folder, after a moment for the last of them to end."""
    until = time.monotonic() + ENDS_WITHIN_S
    while (left := list(_running(place))) and time.monotonic() < until:
        time.sleep(0.1)
    return left


def _running(place: Path) -> Iterator[str]:
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            with suppress(OSError):
                if str(place) in str((process / "exe").readlink()):
                    yield f"{process.name} {(process / 'cmdline').read_bytes().replace(bytes(1), b' ').decode()}"


@contextmanager
def screen() -> Iterator[str]:
    """An X server of our own with a window manager, for keys reach an active window alone; its display."""
    reading, writing = os.pipe()
    server = subprocess.Popen(["Xvfb", "-displayfd", str(writing), "-screen", "0", SCREEN, "-nolisten", "tcp"],
        pass_fds=[writing], stderr=subprocess.DEVNULL)  # fmt: skip
    os.close(writing)
    try:
        with os.fdopen(reading) as told:
            display = f":{told.readline().strip()}"
        manager = subprocess.Popen(["openbox"], env={**os.environ, "DISPLAY": display},
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            yield display
        finally:
            manager.terminate()
            manager.wait()
    finally:
        server.terminate()
        server.wait()


def first_paint(command: list[str]) -> float:
    """Milliseconds from the spawning of a program to its window being shown."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "profiles" / "default" / "logs" / "alphapanda.log"
        environment = {**os.environ, "QT_QPA_PLATFORM": "offscreen", "HOME": folder}
        began = time.perf_counter()
        child = subprocess.Popen([*command, "--mode", "practice", "--data-dir", folder], env=environment, cwd=ROOT,
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
        try:
            while SHOWN not in (log.read_text(encoding="utf-8") if log.exists() else ""):
                if child.poll() is not None or time.perf_counter() - began > PAINT_LIMIT_S:
                    raise Faulty(f"{command[0]} showed no window")
                time.sleep(0.002)
            return (time.perf_counter() - began) * 1000
        finally:
            child.send_signal(signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                child.wait(ENDING_S)
            child.kill()
            child.wait()


def start_time(dist: Path) -> str:
    """Medians of package and source, taken in turn; said, and not judged: the machine may be busy."""
    commands = {"package": [str(dist / "alphapanda")], "source": [sys.executable, "-m", "alphapanda_desktop"]}
    times: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(ROUNDS + 1):
        for name, command in commands.items():
            spent = first_paint(command)
            if turn:  # the first reads the files from the disk
                times[name].append(spent)
    package, source = (statistics.median(times[name]) for name in commands)
    verdict = "within" if package <= SLOWEST * source else "beyond"
    return f"{package:.0f} ms against {source:.0f} ms of the source: {package / source:.2f}x, {verdict} {SLOWEST}x"


def main(dist: Path, out: Path) -> int:
    """Everything in turn; 0 where all is well."""
    out.mkdir(parents=True, exist_ok=True)
    faults = 0

    def say(what: str, found: str) -> None:
        print(f"{what:<12} {found}", flush=True)
        with (out / "figures.txt").open("a", encoding="utf-8") as file:
            file.write(f"{what:<12} {found}\n")

    (out / "figures.txt").unlink(missing_ok=True)
    with installed(dist) as place, screen() as display:
        trials = {
            "size": lambda: size(dist),
            "libraries": lambda: linked(dist),
            "traces": lambda: clean(dist),
            "licences": lambda: licensed(dist),
            "offscreen": lambda: run_self_test(place, "offscreen", {"QT_QPA_PLATFORM": "offscreen"}, out),
            "under X": lambda: run_self_test(place, "x11", {"DISPLAY": display}, out),
            "first paint": lambda: start_time(dist),
        }
        for what, trial in trials.items():
            try:
                say(what, trial())
            except (Faulty, OSError, subprocess.SubprocessError) as fault:
                faults += 1
                say(what, f"FAULTY: {fault}")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).resolve(), Path(sys.argv[2] if len(sys.argv) > 2 else "build/package").resolve()))
