"""ledger.migrate: numbered migrations, once each, by whoever comes first."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import ledger_kit
from ledger_kit import Ledger, Server

from ledger import connection, migrate


def test_a_second_migration_applies_nothing(ledger: Ledger) -> None:
    """Idempotent: every file is applied once."""
    assert migrate.migrate(ledger.conn, ledger.migration) == []
    assert migrate.exists(ledger.conn, ledger.migration)
    assert not migrate.exists(ledger.conn, "another")


def test_migrations_at_the_same_time_apply_each_file_once(ledger_server: Server) -> None:
    """Three workers that start together: one applies, the others wait and find it done."""
    name = f"together{id(ledger_server)}"[:30]

    def one(number: int) -> list[str]:
        conn = connection.open_ledger(ledger_server.dsn, name, f"test-{number}")
        try:
            return migrate.migrate(conn, name)
        finally:
            conn.close()

    with ThreadPoolExecutor(3) as threads:
        applied = sorted(threads.map(one, range(3)), key=len)
    assert applied[:2] == [[], []]
    assert applied[2] == sorted(applied[2]) != []


def test_two_migrations_do_not_see_each_other(ledger_server: Server, ledger: Ledger) -> None:
    """Each has a schema of its own in one database."""
    other = ledger_kit.fresh(ledger_server)
    other.conn.execute("insert into offsets (topic, part, next_offset) values ('x', 0, 1)")
    assert ledger.conn.execute("select count(*) as n from offsets").fetchone() == {"n": 0}
    other.close()
