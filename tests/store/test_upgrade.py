"""Old files are copied and upgraded, newer and foreign ones are left alone, and both ways to today's schema agree."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from alphapanda_desktop.domain.errors import Fatal
from alphapanda_desktop.domain.why import Cause
from alphapanda_desktop.store import upgrade
from alphapanda_desktop.store.database import Database
from alphapanda_desktop.store.journal import SqlJournal
from alphapanda_desktop.store.proof import prove_file
from alphapanda_desktop.store.schema import HEAD, REVISIONS, metadata

Arun = Callable[..., Any]
LONG_AGO = datetime(2000, 1, 1, tzinfo=UTC)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "paper.sqlite"


async def open_and_close(path: Path) -> None:
    database = Database(path)
    await database.open()
    await database.close()


def made_by(how: Callable[[Connection], None]) -> Connection:
    connection = create_engine("sqlite://").connect()
    how(connection)
    return connection


def schema_of(connection: Connection) -> list[tuple[str, str, str]]:
    rows = connection.exec_driver_sql("SELECT type, name, sql FROM sqlite_master")
    return sorted((kind, name, sql or "") for kind, name, sql in rows)


def test_migrations_from_nothing_make_the_very_schema_that_a_new_file_gets() -> None:
    with made_by(upgrade.create) as created, made_by(upgrade.migrate) as migrated:
        assert len(schema_of(created)) > 30
        assert schema_of(migrated) == schema_of(created)
        stamps = [c.exec_driver_sql("SELECT version_num FROM alembic_version").all() for c in (created, migrated)]
        assert stamps == [[(HEAD,)]] * 2


def test_alembic_finds_nothing_left_to_migrate() -> None:
    with made_by(upgrade.migrate) as migrated:
        assert compare_metadata(MigrationContext.configure(migrated), metadata) == []


def test_the_revisions_that_the_program_names_are_the_migrations_there_are() -> None:
    steps = ScriptDirectory(str(upgrade.MIGRATIONS)).walk_revisions()
    assert tuple(step.revision for step in steps)[::-1] == REVISIONS


def test_no_column_has_room_for_a_secret() -> None:
    names = {column.name for table in metadata.tables.values() for column in table.columns}
    assert not [name for name in names if any(word in name for word in ("token_", "secret", "password", "access"))]


def _stamp(path: Path, version: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))


def test_a_file_of_a_newer_program_is_refused_and_not_touched(path: Path, arun: Arun) -> None:
    arun(open_and_close(path))
    _stamp(path, "0999")
    path.chmod(0o644)
    before, mode = path.read_bytes(), path.stat().st_mode
    with pytest.raises(Fatal, match=r"newer AlphaPanda.*0999") as caught:
        arun(open_and_close(path))
    assert str(path) in str(caught.value)
    assert (path.read_bytes(), path.stat().st_mode) == (before, mode)
    assert [file.name for file in path.parent.iterdir()] == [path.name]


def test_a_database_of_another_program_is_refused_and_not_touched(path: Path, arun: Arun) -> None:
    with closing(sqlite3.connect(path)) as other, other:
        other.execute("CREATE TABLE recipes (name TEXT)")
    before = path.read_bytes()
    with pytest.raises(Fatal, match="another program"):
        arun(open_and_close(path))
    assert path.read_bytes() == before


@pytest.fixture
def two_steps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The migrations, with one more that this test has written."""
    folder = tmp_path / "migrations"
    (folder / "versions").mkdir(parents=True)
    for source in [upgrade.MIGRATIONS / "env.py", *(upgrade.MIGRATIONS / "versions").glob("*.py")]:
        (folder / source.relative_to(upgrade.MIGRATIONS)).write_text(source.read_text(encoding="utf-8"))
    monkeypatch.setattr(upgrade, "MIGRATIONS", folder)
    monkeypatch.setattr(upgrade, "REVISIONS", (*REVISIONS, "next"))
    monkeypatch.setattr(upgrade, "HEAD", "next")
    return folder / "versions" / "next.py"


NEXT = f"""
import sqlalchemy as sa
from alembic import op
revision, down_revision = "next", {HEAD!r}
def upgrade():
    op.add_column("events", sa.Column("colour", sa.Text))
"""


def test_an_older_file_is_copied_and_upgraded_with_its_rows(path: Path, arun: Arun, two_steps: Path) -> None:
    _old_file(path)
    two_steps.write_text(NEXT)
    arun(open_and_close(path))
    with closing(sqlite3.connect(path)) as now, closing(sqlite3.connect(path.with_stem("paper.before-next"))) as old:
        assert now.execute("SELECT kind, colour FROM events").fetchall() == [("halt", None)]
        assert now.execute("SELECT version_num FROM alembic_version").fetchall() == [("next",)]
        assert old.execute("SELECT * FROM events").fetchall() == [(1, 0, "halt", "{}")]
        assert old.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


def test_an_upgrade_that_fails_half_way_leaves_the_old_schema(path: Path, arun: Arun, two_steps: Path) -> None:
    _old_file(path)
    two_steps.write_text(NEXT + "    op.execute('SELECT * FROM nowhere')\n")
    with pytest.raises(Fatal, match="nowhere"):
        arun(open_and_close(path))
    with closing(sqlite3.connect(path)) as now:
        assert now.execute("SELECT * FROM events").fetchall() == [(1, 0, "halt", "{}")]
        assert now.execute("SELECT version_num FROM alembic_version").fetchall() == [(HEAD,)]


def _old_file(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for _, _, sql in schema_of_new():
            if sql:
                connection.execute(sql)
        connection.execute("INSERT INTO alembic_version VALUES (?)", (HEAD,))
        connection.execute("INSERT INTO chain VALUES (1, 'events', '', '')")
        connection.execute("INSERT INTO events VALUES (1, 0, 'halt', '{}')")
        connection.commit()


def schema_of_new() -> list[tuple[str, str, str]]:
    with made_by(metadata.create_all) as connection:
        tables_first = sorted(schema_of(connection), key=lambda row: row[0] != "table")
    version = "CREATE TABLE alembic_version (version_num VARCHAR(32) NOT NULL)"
    return [("table", "alembic_version", version), *tables_first]


WRITTEN_BY_0001 = Path(__file__).with_name("journal_0001.sql")
"""Dump of a journal that the program wrote when its schema was 0001."""


@pytest.fixture
def of_0001(path: Path) -> Path:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(WRITTEN_BY_0001.read_text(encoding="utf-8"))
    return path


def test_a_journal_of_schema_0001_is_copied_upgraded_and_still_proven(of_0001: Path, arun: Arun) -> None:
    before = prove_file(of_0001)
    assert (before.rows, before.bad, before.has_head) == (12, None, False)

    async def story() -> None:
        database = Database(of_0001)
        await database.open()
        journal = SqlJournal(database)
        assert await journal.verify() is None
        (first, second) = await journal.intents(LONG_AGO)
        assert (first.request.tag, first.state, first.order_id) == ("ap1", "sent", "261120000000001")
        assert (second.state, await journal.cause("ap1")) == ("unknown", None)
        assert [order.status for _, order in await journal.history("ap1")] == ["OPEN", "COMPLETE"]
        await journal.intend(replace(first.request, tag="ap3"), first.at, Cause(reason="after the upgrade"))
        assert await journal.verify() is None
        await database.close()

    arun(story())
    after, copy = prove_file(of_0001), prove_file(of_0001.with_stem(f"paper.before-{HEAD}"))
    assert (after.rows, after.bad, after.has_head) == (14, None, True)
    assert copy == before
    with closing(sqlite3.connect(of_0001)) as now:
        assert now.execute("SELECT seq, hash FROM head").fetchall() == [(14, after.last_hash)]
        hashes = now.execute("SELECT hash FROM chain WHERE seq = 12").fetchall()
    assert hashes == [(before.last_hash,)]


def test_rows_cut_off_before_the_upgrade_are_not_noticed_and_those_after_it_are(of_0001: Path, arun: Arun) -> None:
    with closing(sqlite3.connect(of_0001)) as vandal, vandal:
        _drop_guards(vandal)
        vandal.executescript("DELETE FROM session_ends; DELETE FROM chain WHERE seq = 12")
    arun(open_and_close(of_0001))
    assert prove_file(of_0001).bad is None
    with closing(sqlite3.connect(of_0001)) as vandal, vandal:
        _drop_guards(vandal)
        vandal.executescript("DELETE FROM run_ends; DELETE FROM chain WHERE seq = 11")
    bad = prove_file(of_0001).bad
    assert bad is not None and "rows 11 to 11 were cut off" in bad.why


def _drop_guards(connection: sqlite3.Connection) -> None:
    for (trigger,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'").fetchall():
        connection.execute(f"DROP TRIGGER {trigger}")


@pytest.mark.parametrize("sql", ["DELETE FROM head", "UPDATE head SET seq = 1", "UPDATE head SET hash = 'x'"])
def test_the_record_of_the_last_row_only_moves_on(of_0001: Path, arun: Arun, sql: str) -> None:
    arun(open_and_close(of_0001))
    with closing(sqlite3.connect(of_0001)) as other, pytest.raises(sqlite3.IntegrityError, match="head"):
        other.execute(sql)


def test_an_everyday_start_does_not_import_alembic(path: Path, arun: Arun) -> None:
    arun(open_and_close(path))
    script = (
        "import asyncio, sys; from pathlib import Path; from alphapanda_desktop.store.database import Database\n"
        "async def main():\n    d = Database(Path(sys.argv[1])); await d.open(); await d.close()\n"
        "asyncio.run(main()); sys.exit('alembic' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", script, str(path)], check=False).returncode == 0


def test_what_a_killed_program_left_in_its_log_is_read_before_the_version_is_judged(path: Path, arun: Arun) -> None:
    arun(open_and_close(path))
    script = (
        "import os, sqlite3, sys; c = sqlite3.connect(sys.argv[1]); c.execute('PRAGMA wal_autocheckpoint=0')\n"
        "c.execute('UPDATE alembic_version SET version_num = 999'); c.commit(); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", script, str(path)], check=True)
    assert path.with_name("paper.sqlite-wal").stat().st_size > 0
    with pytest.raises(Fatal, match="newer AlphaPanda"):
        arun(open_and_close(path))
