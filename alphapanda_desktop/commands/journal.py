"""`alphapanda journal`: prove a journal's hash chain, or export it without secrets; no window, no writing to it."""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TextIO

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.session import IST
from alphapanda_desktop.folders import data_dir
from alphapanda_desktop.store.export import exported
from alphapanda_desktop.store.proof import Proof, prove_file
from alphapanda_desktop.store.rows import to_ns

MODES: Final = ("practice", "paper", "live")

_ABOUT: Final = """\
The journal of a mode is MODE.sqlite in the profile's folder: --mode, --profile and --data-dir say which; verify takes
all of a profile without a mode. Both may be asked while the program runs, and of a copy.

verify  reads every row and compares it with its link in the hash chain, and the last with the record of the end.
        Prints "FILE: N rows, whole; the last is HASH", or the first bad row with its number, its table and what is
        wrong with it. Who could change everything could also make all hashes anew: keep a printed HASH elsewhere,
        and --expect HASH then says whether the journal still holds that row.
export  prints one JSON object a line, oldest first: {"seq", "kind", "at", "hash", "content"}. Tokens, secrets,
        e-mail and network addresses are struck out; accounts are named "account 1", "account 2". Hashes are of the
        rows as they are in the journal.

exit code: 0 whole or exported, 1 a bad row, 2 no such journal or wrong use.
"""


def run(rest: list[str], options: argparse.Namespace) -> int:
    """Do what the arguments say; the exit code."""
    arguments = _parser().parse_args(rest)
    try:
        paths = [arguments.database] if arguments.database is not None else _journals(options)
        if arguments.what == "verify":
            return max(_verify(path, arguments.expect) for path in paths)
        return _export(_one(paths), arguments.since, arguments.out)
    except (Fatal, OSError) as error:
        print(f"alphapanda journal: {error}", file=sys.stderr)
        return 2


def _parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="alphapanda journal",
        description="Prove that a journal is as it was written, or export it.",
        epilog=_ABOUT,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    made.add_argument("what", choices=("verify", "export"))
    made.add_argument("--database", type=Path, metavar="FILE", help="this file, instead of one of a profile")
    made.add_argument("--expect", metavar="HASH", help="verify: a hash that the chain has to hold")
    made.add_argument("--since", type=_moment, default=0, metavar="D", help="export: from this date (IST) or ISO time")
    made.add_argument("--out", type=Path, metavar="FILE", help="export: write there instead of to the terminal")
    return made


def _moment(text: str) -> int:
    """Epoch nanoseconds of a date, which begins at midnight IST, or of an ISO time, IST unless it has a zone."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is no date like 2026-11-23, nor an ISO time") from None
    return to_ns((at if at.tzinfo else at.replace(tzinfo=IST)).astimezone(UTC))


def _journals(options: argparse.Namespace) -> list[Path]:
    folder = data_dir(options.profile, options.data_dir)
    paths = [folder / f"{mode}.sqlite" for mode in ([options.mode] if options.mode else MODES)]
    found = [path for path in paths if path.exists()]
    if not found:
        raise Fatal(f"There is no journal {' or '.join(path.name for path in paths)} in {folder}.")
    return found


def _one(paths: list[Path]) -> Path:
    if len(paths) > 1:
        raise Fatal(f"There are {len(paths)} journals: choose one with --mode {'|'.join(path.stem for path in paths)}.")
    return paths[0]


# --- verify ----------------------------------------------------------------------------------------------------------


def _verify(path: Path, expect: str | None) -> int:
    try:
        proof = prove_file(path, expect)
    except UnicodeDecodeError as error:  # the file's own names are spoilt: no row can be told any more
        print(f"{path}: NOT whole: its tables cannot be read: {error}")
        return 1
    print(f"{path}: {_words(proof, expect)}")
    return 1 if proof.bad else 0


def _words(proof: Proof, expect: str | None) -> str:
    if proof.bad is not None:
        bad = proof.bad
        return f"NOT whole: the first bad entry is row {bad.seq} ({bad.kind}): {bad.why}"
    whole = f"{proof.rows} rows, whole; the last is {proof.last_hash}"
    if expect:
        whole += "; the expected row is among them"
    return whole if proof.has_head else f"{whole}; this older schema would not show rows cut off at the end"


# --- export ----------------------------------------------------------------------------------------------------------


def _export(path: Path, since_ns: int, out: Path | None) -> int:
    try:
        if out is None:
            _to_terminal(path, since_ns)
        else:
            with _whole_or_nothing(out, path) as file:
                count = exported(path, since_ns, _teller(file))
            print(f"{count} rows of {path} written to {out}", file=sys.stderr)
    except (sqlite3.Error, UnicodeDecodeError) as error:
        print(f"alphapanda journal: {path} cannot be read to its end: {error}; `verify` tells where", file=sys.stderr)
        return 1
    return 0


def _teller(file: TextIO) -> Callable[[dict[str, Any]], None]:
    return lambda entry: print(json.dumps(entry, ensure_ascii=False), file=file)


def _to_terminal(path: Path, since_ns: int) -> None:
    try:
        exported(path, since_ns, _teller(sys.stdout))
        sys.stdout.flush()
    except BrokenPipeError:  # the reader, `head` for one, has enough
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def _whole_or_nothing(out: Path, journal: Path) -> Iterator[TextIO]:
    """A file of its owner's alone that stands at `out` once it is complete."""
    if out.resolve() == journal.resolve():
        raise Fatal(f"{out} is the journal itself: choose another name.")
    handle, half = tempfile.mkstemp(prefix=out.stem, suffix=".part", dir=out.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            yield file
        Path(half).replace(out)
    finally:
        Path(half).unlink(missing_ok=True)
