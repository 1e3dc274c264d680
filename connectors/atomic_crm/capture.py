"""What capture needs in the source, and nothing else: one publication and, made by Debezium, one slot (law 5).

`close` removes both. Facts: `atomic_crm.md` 5 (an explicit FOR TABLE list works on Supabase and on plain PostgreSQL;
a role blinded by row level security snapshots nothing without an error; an idle or lost slot).
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import psycopg
from psycopg import sql

from infra.postgres import Connection
from schemas import naming
from schemas.catalog import Table
from schemas.errors import LockgateError

OPERATIONS = "insert, update, delete, truncate"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that stands in the way of capture, or will."""

    check: str  #: short name, e.g. `wal_level`
    found: str  #: what is there
    remedy: str  #: what to do
    blocking: bool = True


@dataclass(frozen=True, kw_only=True)
class Slot:
    """The replication slot as the server shows it."""

    active: bool  #: somebody reads from it
    wal_status: str | None  #: reserved, extended, unreserved or lost
    confirmed_lsn: str | None  #: how far its reader has confirmed


def publish(conn: Connection, migration: str, tables: Sequence[Table]) -> bool:
    """Makes the publication be exactly these tables; True if anything changed. Idempotent; LG-0303 if refused."""
    name = naming.slot(migration)
    wanted = {table.name for table in tables}
    current = published(conn, migration)
    if current == wanted and _operations_right(conn, name):
        return False
    listed = sql.SQL(", ").join(sql.Identifier(*table.name.split(".", 1)) for table in tables)
    steps = (
        [sql.SQL("create publication {} for table {} with (publish = {})")]
        if current is None
        else [sql.SQL("alter publication {} set table {}"), sql.SQL("alter publication {} set (publish = {})")]
    )
    try:
        with conn.transaction():
            if current is None:
                conn.execute(steps[0].format(sql.Identifier(name), listed, sql.Literal(OPERATIONS)))
            else:
                conn.execute(steps[0].format(sql.Identifier(name), listed))
                conn.execute(steps[1].format(sql.Identifier(name), sql.Literal(OPERATIONS)))
    except psycopg.Error as refusal:
        raise LockgateError("LG-0303", f"publication {name}: {refusal.diag.message_primary or refusal}") from refusal
    return True


def published(conn: Connection, migration: str) -> set[str] | None:
    """The publication's tables; None if there is no publication."""
    name = naming.slot(migration)
    if _one(conn, "select 1 from pg_publication where pubname = %s", name) is None:
        return None
    rows = conn.execute("select schemaname || '.' || tablename from pg_publication_tables where pubname = %s", [name])
    return {row[0] for row in rows}


def _operations_right(conn: Connection, name: str) -> bool:
    query = "select pubinsert and pubupdate and pubdelete and pubtruncate from pg_publication where pubname = %s"
    return bool(_one(conn, query, name))


def slot(conn: Connection, migration: str) -> Slot | None:
    """Our slot, None if there is none."""
    row = conn.execute(
        "select active, wal_status, confirmed_flush_lsn::text from pg_replication_slots where slot_name = %s",
        [naming.slot(migration)],
    ).fetchone()
    return None if row is None else Slot(active=row[0], wal_status=row[1], confirmed_lsn=row[2])


def drop(conn: Connection, migration: str, *, seconds: float = 15.0) -> tuple[str, ...]:
    """Drops slot and publication, the connector being gone; says what it dropped. Idempotent; LG-0303 if in use."""
    name = naming.slot(migration)
    dropped: list[str] = []
    deadline = time.monotonic() + seconds
    while (there := slot(conn, migration)) is not None:
        if not there.active:
            try:
                conn.execute("select pg_drop_replication_slot(%s)", [name])
                dropped.append(f"slot {name}")
            except psycopg.errors.ObjectInUse:
                pass  # its last reader is just leaving (about 2 s after the connector's delete)
        elif time.monotonic() > deadline:
            raise LockgateError("LG-0303", f"slot {name} is still read by somebody; stop the connector first.")
        else:
            time.sleep(0.1)
    if published(conn, migration) is not None:
        conn.execute(sql.SQL("drop publication if exists {}").format(sql.Identifier(name)))
        dropped.append(f"publication {name}")
    return tuple(dropped)


def preflight(conn: Connection, migration: str, wanted: Sequence[str], found: Sequence[Table]) -> tuple[Finding, ...]:
    """Everything that would make capture fail or lie; reads only. `wanted` = full names of the tables to capture."""
    there = {table.name: table for table in found}
    missing = [
        Finding(
            check="tables",
            found=f"{name} does not exist",
            remedy="Check the schema the DSN leads to; it is moved, or others read it.",
        )
        for name in wanted
        if name not in there
    ]
    mine = [there[name] for name in wanted if name in there]
    return (
        *_server(conn),
        *_slots(conn, migration),
        *_role(conn),
        *missing,
        *(finding for table in mine for finding in _table(conn, table)),
    )


def require(findings: Sequence[Finding]) -> None:
    """LG-0303 with every blocking finding, if there is one."""
    blocking = [f"{f.check}: {f.found}. {f.remedy}" for f in findings if f.blocking]
    if blocking:
        raise LockgateError("LG-0303", f"{len(blocking)} to correct.", details=blocking)


def _server(conn: Connection) -> list[Finding]:
    findings = []
    level = _one(conn, "select current_setting('wal_level')")
    if level != "logical":
        findings.append(
            Finding(check="wal_level", found=f"is {level}", remedy="Set wal_level = logical and restart the server.")
        )
    if conn.info.server_version < 130000:
        findings.append(
            Finding(
                check="version", found=f"is {conn.info.server_version}", remedy="Upgrade to PostgreSQL 13 or later."
            )
        )
    if _one(conn, "select pg_is_in_recovery()"):
        findings.append(Finding(check="standby", found="this is a standby", remedy="Name the primary in the DSN."))
    return findings


def _slots(conn: Connection, migration: str) -> list[Finding]:
    ours = slot(conn, migration)
    if ours is not None and ours.wal_status == "lost":
        return [
            Finding(
                check="slot",
                found=f"{naming.slot(migration)} is lost: the server removed WAL it needed",
                remedy="Raise max_slot_wal_keep_size, drop the slot, capture anew under another migration name.",
            )
        ]
    findings = []
    limit = int(_one(conn, "select current_setting('max_replication_slots')"))
    used = int(_one(conn, "select count(*) from pg_replication_slots"))
    if ours is None and used >= limit:
        findings.append(
            Finding(
                check="slots",
                found=f"all {limit} replication slots are taken",
                remedy="Drop one that nobody uses, or raise max_replication_slots.",
            )
        )
    if int(_one(conn, "select current_setting('max_wal_senders')")) < 1:
        findings.append(
            Finding(check="wal_senders", found="max_wal_senders is 0", remedy="Raise it and restart the server.")
        )
    keep = _one(conn, "select current_setting('max_slot_wal_keep_size')")
    if keep != "-1":
        findings.append(
            Finding(
                check="wal_keep",
                found=f"max_slot_wal_keep_size is {keep}",
                remedy="A slot further behind than that is lost; watch the lag, or raise it.",
                blocking=False,
            )
        )
    return findings


def _role(conn: Connection) -> list[Finding]:
    findings = []
    if not _one(conn, "select rolsuper or rolreplication from pg_roles where rolname = current_user"):
        findings.append(
            Finding(
                check="role",
                found=f"{conn.info.user} has no REPLICATION",
                remedy="ALTER ROLE … REPLICATION, or use a role that has it (Supabase: postgres, direct connection).",
            )
        )
    if not _one(conn, "select has_database_privilege(current_database(), 'CREATE')"):
        findings.append(
            Finding(
                check="publication",
                found=f"{conn.info.user} may not create a publication in this database",
                remedy="GRANT CREATE ON DATABASE … to it.",
            )
        )
    return findings


_RIGHTS = """
select has_table_privilege(c.oid, 'SELECT'),
       pg_has_role(c.relowner, 'USAGE'),
       not c.relrowsecurity or r.rolsuper or r.rolbypassrls
           or (pg_has_role(c.relowner, 'USAGE') and not c.relforcerowsecurity),
       c.relpersistence = 'p'
  from pg_class c, pg_roles r
 where c.oid = to_regclass(%s) and r.rolname = current_user
"""


def _table(conn: Connection, table: Table) -> list[Finding]:
    schema, name = table.name.split(".", 1)
    quoted = sql.Identifier(schema, name).as_string(conn)
    row = conn.execute(_RIGHTS, [quoted]).fetchone()
    select, owner, sees_all, logged = row or (False, False, False, True)
    checks = (
        (select, "select", f"may not read {table.name}", "GRANT SELECT on it."),
        (owner, "owner", f"does not own {table.name}", "Only an owner may publish a table: use its owner's role."),
        (
            sees_all,
            "row level security",
            f"sees {table.name} through policies: its snapshot would be empty or partial, without an error",
            "Use a role with BYPASSRLS, or the owner.",
        ),
        (logged, "unlogged", f"{table.name} is not logged", "ALTER TABLE … SET LOGGED."),
        (bool(table.key), "key", f"{table.name} has no primary key", "Add one."),
        (
            table.replica_identity != "nothing",
            "replica identity",
            f"{table.name} has REPLICA IDENTITY NOTHING",
            "ALTER TABLE … REPLICA IDENTITY DEFAULT.",
        ),
    )
    return [Finding(check=check, found=found, remedy=remedy) for fine, check, found, remedy in checks if not fine]


def _one(conn: Connection, query: str, *values: Any) -> Any:
    row = conn.execute(query.encode(), values or None).fetchone()
    return None if row is None else row[0]
