"""Walk through one door for some seconds: guided by coverage where atheris is, else by blind changes of the samples.

python -m tests.fuzz.walk [DOOR SECONDS [CORPUS]], which lists the doors where none is named; what makes one fall is
printed as bytes, and atheris keeps it as well.
"""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path


def blindly(door: str, seconds: float) -> int:
    """How many visits were made until the time was over."""
    from tests.fuzz.doors import DOORS

    enter, samples = DOORS[door]
    rng, visits, end = random.Random(7), 0, time.monotonic() + seconds
    while time.monotonic() < end:
        data = bytearray(rng.choice(samples))
        for _ in range(rng.randint(1, 8)):
            at = rng.randrange(len(data) + 1)
            data[at : at + rng.choice((0, 1, 4))] = rng.choice((b"", rng.randbytes(1), rng.randbytes(4), b"9" * 30))
        fell = True
        try:
            enter(bytes(data))
            fell = False
        finally:
            if fell:
                print(f"{door} fell over {bytes(data)!r}", file=sys.stderr)
        visits += 1
    return visits


def guided(door: str, seconds: float, corpus: Path) -> None:
    """Ends the process: 0 when the time was over."""
    import atheris  # type: ignore[import-not-found]

    with atheris.instrument_imports(include=["alphapanda_desktop", "csv", "urllib"]):
        from tests.fuzz.doors import DOORS
    enter, samples = DOORS[door]
    corpus.mkdir(parents=True, exist_ok=True)
    for number, sample in enumerate(samples):
        (corpus / f"sample-{number}").write_bytes(sample)
    options = [
        f"-max_total_time={seconds:g}",
        "-timeout=20",
        "-rss_limit_mb=3000",
        "-max_len=4096",
        "-print_final_stats=1",
    ]
    atheris.Setup(
        [sys.argv[0], *options, f"-artifact_prefix={corpus.parent}/fell-{door.replace(' ', '-')}-", str(corpus)], enter
    )
    atheris.Fuzz()


def main() -> None:
    if len(sys.argv) == 1:
        from tests.fuzz.doors import DOORS

        print("\n".join(DOORS))
        return
    door, seconds = sys.argv[1], float(sys.argv[2])
    corpus = Path(sys.argv[3]) if len(sys.argv) > 3 else Path("build/fuzz/corpus") / door.replace(" ", "-")
    try:
        import atheris  # noqa: F401
    except ImportError:
        print(f"{door}: {blindly(door, seconds):,} visits without atheris, nothing fell")
        return
    guided(door, seconds, corpus)


if __name__ == "__main__":
    main()
