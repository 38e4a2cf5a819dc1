"""Arguments, then either a command or the window; the exit code."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path

from alphapanda_desktop import __version__

MODES = ("practice", "paper", "live", "replay")


def _sim(rest: list[str], _options: argparse.Namespace) -> int:
    from alphapanda_desktop.sim.cli import run

    return run(rest)


def _decode(rest: list[str], _options: argparse.Namespace) -> int:
    from alphapanda_desktop.kite.decode import run

    return run(rest)


def _tour(rest: list[str], options: argparse.Namespace) -> int:
    from alphapanda_desktop.tour import run

    return run(rest, options)


def _probe_strategy(rest: list[str], _options: argparse.Namespace) -> int:
    from alphapanda_desktop.authoring.load import main as probe

    return probe(rest)


def _backups(rest: list[str], options: argparse.Namespace) -> int:
    from alphapanda_desktop.commands.backups import run
    from alphapanda_desktop.single import hold

    return run(rest, options, hold)


def _profiles(rest: list[str], options: argparse.Namespace) -> int:
    from alphapanda_desktop.commands.profiles import run
    from alphapanda_desktop.single import hold

    return run(rest, options, hold)


def _of_profile(module: str) -> Callable[[list[str], argparse.Namespace], int]:
    """A command that is told where the profile is and what its settings say."""

    def run(rest: list[str], options: argparse.Namespace) -> int:
        from alphapanda_desktop.domain.errors import AlphaPandaError
        from alphapanda_desktop.folders import data_dir
        from alphapanda_desktop.preflight import Places
        from alphapanda_desktop.settings import load
        from alphapanda_desktop.venues.venue import ZERODHA

        try:
            folder = data_dir(options.profile, options.data_dir)
            settings = load(folder / "settings.json")
        except AlphaPandaError as error:
            print(f"alphapanda {module}: {error}", file=sys.stderr)
            return 1
        mode = options.mode or settings.general.mode or "practice"
        rest_root, feed_root = (ZERODHA.rest, ZERODHA.feed) if mode in ("paper", "live") else ("", "")
        command: Callable[..., int] = import_module(f"alphapanda_desktop.commands.{module}").run
        return command(rest, Places(folder, mode, rest_root, feed_root, settings.account.api_key), options.profile)

    return run


def _update(rest: list[str], options: argparse.Namespace) -> int:
    from alphapanda_desktop.commands.update import run
    from alphapanda_desktop.domain.errors import AlphaPandaError
    from alphapanda_desktop.folders import data_dir
    from alphapanda_desktop.settings import load

    try:
        folder = data_dir(options.profile, options.data_dir)
        address = load(folder / "settings.json").updates.address
    except AlphaPandaError as error:
        print(f"alphapanda update: {error}", file=sys.stderr)
        return 1
    return run(rest, folder, address)


def _sweep_worker(rest: list[str], _options: argparse.Namespace) -> int:
    from alphapanda_desktop.sweeps.worker import main as serve

    return serve(rest)


def _host_strategy(rest: list[str], _options: argparse.Namespace) -> int:
    from alphapanda_desktop.hosting.child import main as host

    return host(rest)


def _command(module: str) -> Callable[[list[str], argparse.Namespace], int]:
    """The command of that module, imported when it is asked for."""

    def run(rest: list[str], options: argparse.Namespace) -> int:
        command: Callable[[list[str], argparse.Namespace], int] = import_module(
            f"alphapanda_desktop.commands.{module}"
        ).run
        return command(rest, options)

    return run


COMMANDS: dict[str, tuple[Callable[[list[str], argparse.Namespace], int], str]] = {
    "sim": (_sim, "serve the practice exchange on 127.0.0.1"),
    "decode": (_decode, "print the ticks of a packet or frame as JSON lines"),
    "tour": (_tour, "play the first use in practice mode and take pictures"),
    "sessions": (_command("sessions"), "print an exchange's trading days and their hours"),
    "charges": (_command("charges"), "print what orders cost, as Kite's contract note does"),
    "journal": (_command("journal"), "verify the journal's hash chain, or export it"),
    "backups": (_backups, "show the copies of the databases, or go back to one"),
    "profiles": (_profiles, "list, make, label, remove and bring back profiles"),
    "recordings": (_command("recordings"), "show a recorded day, or export it as CSV"),
    "new-strategy": (_command("new_strategy"), "write a strategy file to begin with"),
    "check-strategy": (_command("check_strategy"), "say what is wrong with a strategy file, without the program"),
    "allow-model": (_command("allow_model"), "let strategies load a model file, by its hash"),
    "backtest": (_command("backtest"), "play a strategy over history from files"),
    "sweep": (_command("sweep"), "try many parameters of a strategy over history"),
    "doctor": (_of_profile("doctor"), "look whether everything is ready, with a remedy for what is not"),
    "support": (_of_profile("support"), "write a zip that helps to find a fault, without secrets"),
    "update": (_update, "look whether there is a newer version, and fetch it; nothing is installed"),
    "bench": (_command("bench"), "measure speed against rivals (from a checkout)"),
    "torture": (_command("torture"), "break the order path at seeded points and count the damage"),
}


WITHIN: dict[str, Callable[[list[str], argparse.Namespace], int]] = {
    "probe-strategy": _probe_strategy,
    "sweep-worker": _sweep_worker,
    "host-strategy": _host_strategy,
}
"""What a packaged program starts of itself; nobody types it."""
PLACED = ("--mode", "--profile", "--data-dir")
"""The program's own options that say where a command looks. They may stand behind it as well."""


class _Lines(argparse.RawDescriptionHelpFormatter):
    """Help as wide as the terminal, found out without the shutil that argparse imports for each argument."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, width=_columns() - 2)


def _columns() -> int:
    try:
        return int(os.environ["COLUMNS"]) if "COLUMNS" in os.environ else os.get_terminal_size().columns
    except (ValueError, OSError):
        return 80


def parser() -> argparse.ArgumentParser:
    """The command line of the program itself; each command has its own behind it."""
    lines = "\n".join(f"  {name:<14} {text}" for name, (_, text) in COMMANDS.items())
    parser = argparse.ArgumentParser(
        prog="alphapanda",
        description="AlphaPanda Desktop: the trading terminal for Zerodha's algo traders.",
        epilog=f"commands (each has --help):\n{lines}\n\nwithout a command the window opens.",
        formatter_class=_Lines,
    )
    parser.add_argument("--version", action="version", version=f"AlphaPanda Desktop {__version__}")
    _place(parser)
    parser.add_argument("--verbose", action="store_true", help="log to the terminal too")
    replay = parser.add_argument_group("replay of a recorded day")
    replay.add_argument(
        "--recording", action="append", default=[], metavar="FILE", help="with --mode replay; may be repeated: "
        "a day that was recorded here, or a CSV of ticks, FILE=EXCHANGE:SYMBOL where its name does not say of what"
    )  # fmt: skip
    replay.add_argument("--at", default="", help="begin at that time of the day, as 10:30, instead of its beginning")
    practice = parser.add_argument_group("practice exchange")
    practice.add_argument("--seed", type=int, help="another seed is another market")
    practice.add_argument("--scenario", help="what goes wrong, if anything: see `alphapanda sim --help`")
    practice.add_argument("--speed", type=float, default=1.0, help="how fast its clock runs (default: 1)")
    practice.add_argument(
        "--ticks", type=Path, action="append", default=[], help="let it play a recording; may be repeated"
    )
    practice.add_argument("--clock", default="", help="where its clock starts: an ISO time with a zone")
    practice.add_argument("--guide", action="store_true", help="lead whoever never used this profile through it")
    parser.add_argument("--self-test", type=Path, metavar="FILE", help="try this installation out; the result as JSON")
    parser.add_argument("--screenshot", type=Path, metavar="PNG", help="a picture that the self-test takes")
    parser.add_argument("--probe-webengine", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("command", nargs=argparse.REMAINDER, metavar="COMMAND …", help="see below")
    return parser


def _place(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--mode", choices=MODES, help="practice needs no account; the first start asks")
    parser.add_argument(
        "--profile", default="default", help="separate settings, databases and secrets (default: default)"
    )
    parser.add_argument("--data-dir", type=Path, help="where everything is kept, instead of the user's data folder")


def placed_behind(name: str, rest: list[str], options: argparse.Namespace) -> list[str]:
    """What is left for the command once the program's own options are taken out from behind it."""
    if not any(word.partition("=")[0] in PLACED for word in rest):
        return rest
    behind = argparse.ArgumentParser(prog=f"alphapanda {name}", add_help=False, allow_abbrev=False)
    _place(behind)
    behind.set_defaults(**{known: getattr(options, known) for known in ("mode", "profile", "data_dir")})
    return behind.parse_known_args(rest, options)[1]


OWNERS_ALONE = 0o077
"""Whatever the program and its children make, nobody else of this computer reads."""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the program; its exit code."""
    options = parser().parse_args(argv)
    before = os.umask(OWNERS_ALONE)
    try:
        with _without_core_dumps():
            return _run(options)
    finally:
        os.umask(before)


@contextmanager
def _without_core_dumps() -> Iterator[None]:
    """A crash writes stacks into its log, and not the whole memory, with the token in it, to wherever the system does.

    What the system asks first (systemd, apport) keeps to this limit as well. Children have it too.
    """
    if sys.platform == "win32":
        yield
        return
    import resource

    soft, hard = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, (soft, hard))


def _run(options: argparse.Namespace) -> int:
    if options.probe_webengine:
        from alphapanda_desktop.ui.webprobe import child_main

        return child_main()
    if options.self_test is not None:
        from alphapanda_desktop.selftest import run

        return run(options.self_test, options.screenshot)
    if options.command:
        name, *rest = options.command
        if name in WITHIN:
            return WITHIN[name](rest, options)
        if name not in COMMANDS:
            print(f"alphapanda: no command {name!r}; there are: {', '.join(COMMANDS)}", file=sys.stderr)
            return 2
        return COMMANDS[name][0](placed_behind(name, rest, options), options)
    if (options.mode == "replay") != bool(options.recording):
        print("alphapanda: --mode replay and --recording FILE go together", file=sys.stderr)
        return 2
    from alphapanda_desktop.start import open_window

    return open_window(options)


if __name__ == "__main__":
    sys.exit(main())
