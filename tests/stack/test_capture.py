"""Debezium for real: what a table holds is what its topics say, in the encoding the decoder expects."""

from __future__ import annotations

import json
import os
import signal
import threading
from collections.abc import Iterator
from typing import Any

import psycopg
import pytest
import requests
from capture_kit import Captured, capturing, records
from psycopg import conninfo

from connectors import debezium
from connectors.atomic_crm import capture, catalog, marker, read
from infra import processes
from infra import stack as engines
from infra.stack import layout
from sandbox.atomic_crm import generator, team
from schemas import change_event
from schemas.change_event import Op
from schemas.errors import LockgateError

pytestmark = pytest.mark.stack

NAMES = tuple(catalog.OBJECTS.values())


@pytest.fixture(scope="module")
def crm(stack: Any) -> Iterator[Captured]:
    """An Atomic CRM of 50 companies and 250 contacts under capture."""
    dsn = stack.new_source()
    generator.create(dsn)
    generator.load(dsn, generator.generate(seed=7, scale=0.05))
    name = str(conninfo.conninfo_to_dict(dsn)["dbname"]).replace("_", "")[:20]
    with capturing(migration=name, dsn=dsn, names=NAMES, endpoints=stack.endpoints) as captured:
        yield captured


def _in_source(crm: Captured) -> dict[str, dict[str, dict[str, Any]]]:
    with read.snapshot(crm.source) as conn:
        return {t.name: {read.key_of(t, row): row for row in read.rows(conn, t)} for t in crm.tables}


def test_snapshot_and_stream_equal_the_source(crm: Captured) -> None:
    """Every column of every row, dirt included, after the snapshot and after a team's 300 changes (law 1, S0-18)."""
    assert crm.newest() == _in_source(crm)
    before = _in_source(crm)

    team.work(conninfo_of(crm), rate=1e6, seed=3, seconds=None, stop=threading.Event(), changes=300)

    assert crm.newest() == _in_source(crm) != before


def conninfo_of(crm: Captured) -> str:
    """The DSN the capture was made with."""
    return crm.source.dsn.get_secret_value()


def test_untouched_large_value_is_the_placeholder(crm: Captured) -> None:
    """An update beside a TOASTed background carries the placeholder, and the older image fills it (law 8)."""
    row = crm.conn.execute("select min(id) from contacts where pg_column_size(background) > 8000").fetchone()
    assert row is not None
    crm.conn.execute("update contacts set title = 'Toast' where id = %s", row)

    events = [change_event.decode(*record) for record in crm.settled()]
    last = [e for e in events if e and e.table == "public.contacts" and e.key == {"id": row[0]}][-1]

    assert last.image is not None
    assert last.image["background"] == change_event.UNAVAILABLE
    assert crm.newest() == _in_source(crm)


def test_row_of_megabytes_arrives(crm: Captured) -> None:
    """Kafka's limits of 1 MiB do not end the connector at the first long text."""
    crm.conn.execute(
        "update contacts set background = (select string_agg(md5(i::text), '') from generate_series(1, 100000) i)"
        " where id = (select min(id) from contacts)"
    )
    newest, source = crm.newest()["public.contacts"], _in_source(crm)["public.contacts"]
    assert max(len(row["background"] or "") for row in newest.values()) == 3_200_000
    assert newest == source


def test_delete_is_followed_by_a_tombstone_and_cascades(crm: Captured) -> None:
    """A company's delete brings its contacts' deletes, each with its tombstone (`atomic_crm.md` 5.8)."""
    company = crm.conn.execute(
        "select company_id from contacts where company_id is not null group by 1 order by count(*) desc, 1 limit 1"
    ).fetchone()
    assert company is not None
    children = {row[0] for row in crm.conn.execute("select id from contacts where company_id = %s", company)}
    crm.conn.execute("delete from companies where id = %s", company)

    after: dict[tuple[str, int], list[bool]] = {}
    for topic, key, value in crm.settled():
        assert key is not None
        event = change_event.decode(topic, key, value)
        gone = value is None or (event is not None and event.op is Op.DELETE)
        if gone:
            after.setdefault((topic.rsplit(".", 1)[1], json.loads(key)["id"]), []).append(value is None)

    assert children
    for at in [("companies", company[0]), *(("contacts", child) for child in children)]:
        assert after[at] == [False, True]


def test_marker_arrives_once_and_strangers_never(crm: Captured) -> None:
    """Our marker is there exactly once; heartbeats and messages of another prefix are not in the topic."""
    crm.conn.execute("select pg_logical_emit_message(true, 'somebody_else', 'x')")
    with crm.conn.transaction():
        at = marker.emit(crm.conn, crm.migration, "fence ⚓ 1")
        crm.conn.execute("update sales set last_name = last_name where id = 1")
    crm.settled()

    contents = crm.markers()
    assert contents.count("fence ⚓ 1") == 1
    assert None not in contents
    stored = debezium.offsets(crm.connect, crm.migration)
    assert stored.snapshot is False
    assert stored.lsn is not None
    _until(lambda: (debezium.offsets(crm.connect, crm.migration).lsn or 0) >= at)


def test_rolled_back_marker_does_not_arrive(crm: Captured) -> None:
    """A marker belongs to its transaction."""
    with crm.conn.transaction(force_rollback=True):
        marker.emit(crm.conn, crm.migration, "never")
    crm.settled()
    assert "never" not in crm.markers()


def test_applying_again_changes_nothing(crm: Captured) -> None:
    """The same configuration is a no-op: the task goes on, and no row is read twice."""
    before = len(crm.settled())
    assert debezium.apply(crm.connect, crm.migration, crm.config) is False
    assert capture.publish(crm.conn, crm.migration, crm.tables) is False
    assert debezium.status(crm.connect, crm.migration) == debezium.Status(state="RUNNING", tasks=("RUNNING",))
    assert len(crm.settled()) == before


def test_stopped_connector_goes_on_where_it_was(crm: Captured) -> None:
    """Stop lets go of the slot; apply resumes it, without another snapshot."""
    before = len(crm.settled())
    debezium.stop(crm.connect, crm.migration)
    _until(lambda: (slot := capture.slot(crm.conn, crm.migration)) is not None and not slot.active)
    crm.conn.execute("update sales set first_name = 'Meanwhile' where id = 2")

    assert debezium.apply(crm.connect, crm.migration, crm.config) is False
    debezium.wait_running(crm.connect, crm.migration)

    assert len(crm.settled()) == before + 1
    assert crm.newest() == _in_source(crm)


def test_killed_connect_neither_loses_nor_repeats(stack: Any, crm: Captured) -> None:
    """kill -9 of Connect amid edits: every change arrives, none twice, markers once (law 1, exactly-once source)."""
    team_done = threading.Event()
    worker = threading.Thread(
        target=lambda: (
            team.work(crm.source.dsn.get_secret_value(), rate=100, seed=9, seconds=None, stop=team_done, changes=300),
            team_done.set(),
        )
    )
    worker.start()
    marker.emit(crm.conn, crm.migration, "before the kill")
    _until(lambda: "before the kill" in crm.markers())
    pid = processes.info(layout.of(stack.root).state, "connect").pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    marker.emit(crm.conn, crm.migration, "while it is dead")
    engines.up(stack.root)
    worker.join(timeout=60)
    assert team_done.is_set()
    debezium.wait_running(crm.connect, crm.migration)

    assert crm.newest() == _in_source(crm)
    events = [json.loads(value) for _, _, value in crm.settled() if value]
    streamed = [(e["transaction"]["id"], e["transaction"]["total_order"]) for e in events if e["transaction"]]
    assert len(streamed) > 300
    assert len(set(streamed)) == len(streamed)
    assert [crm.markers().count(name) for name in ("before the kill", "while it is dead")] == [1, 1]


def test_password_is_a_reference(crm: Captured) -> None:
    """GET of the connector shows where the password lies, never the password (law 8)."""
    password = crm.conn.info.password
    assert password
    shown = requests.get(f"{crm.connect}/connectors/{crm.migration}", timeout=5).text
    assert password not in shown
    assert json.loads(shown)["config"]["database.password"] == f"${{file:{crm.secret_file}:password}}"
    assert crm.secret_file.stat().st_mode & 0o777 == 0o600


def test_wrong_password_is_said_without_it(crm: Captured) -> None:
    """Validation logs in: a refused login is a finding, and the word itself is in none (LG-0301's kind of error)."""
    wrong = crm.secret_file.with_name("wrong.properties")
    debezium.write_secret(wrong, 'S3cr#t = \\"ü€')
    bad = {**crm.config, "database.password": f"${{file:{wrong}:password}}"}
    found = debezium.validate(crm.connect, bad)
    wrong.unlink()
    assert any("password authentication failed" in line for line in found), found
    assert not any("S3cr" in line for line in found)


def test_secret_file_is_read_as_it_was_written(stack: Any, crm: Captured) -> None:
    """Properties files have escapes: a password of quotes, backslashes and umlauts must survive them."""
    password = " p#=:!\\\"'ü€ "
    crm.conn.execute("drop role if exists odd_password")
    crm.conn.execute(
        psycopg.sql.SQL("create role odd_password login superuser password {}").format(psycopg.sql.Literal(password))
    )
    file = crm.secret_file.with_name("odd.properties")
    debezium.write_secret(file, password)
    try:
        odd = {**crm.config, "database.user": "odd_password", "database.password": f"${{file:{file}:password}}"}
        assert debezium.validate(stack.endpoints.connect, odd) == []
    finally:
        crm.conn.execute("drop role odd_password")
        file.unlink()


def test_failing_connector_is_lg_0304(stack: Any, crm: Captured) -> None:
    """A connector whose publication is missing fails by name, with Debezium's reason."""
    broken = {
        **crm.config,
        "publication.name": "nobody_made_this",
        "slot.name": f"x_{crm.migration}",
        "topic.prefix": f"x{crm.migration}",
    }
    debezium.apply(crm.connect, f"x{crm.migration}", broken)
    try:
        _until(lambda: "FAILED" in debezium.status(crm.connect, f"x{crm.migration}").tasks)
        with pytest.raises(LockgateError) as failed:
            debezium.wait_running(crm.connect, f"x{crm.migration}", seconds=30)
        assert failed.value.code == "LG-0304"
        assert "Publication autocreation is disabled, please create one" in failed.value.details[0]
    finally:
        debezium.delete(crm.connect, f"x{crm.migration}")
        crm.conn.execute(
            "select pg_drop_replication_slot(slot_name) from pg_replication_slots where slot_name = %s",
            [f"x_{crm.migration}"],
        )


def test_truncate_arrives_and_the_connector_lives(crm: Captured) -> None:
    """A TRUNCATE's event has no key: it arrives, and what follows arrives too (ADR-0003)."""
    crm.conn.execute("truncate contacts cascade")
    crm.conn.execute("insert into contacts (first_name) values ('After')")
    events = [change_event.decode(*record) for record in crm.settled()]
    ops = [event.op for event in events if event and event.table == "public.contacts"]
    assert ops.count(Op.TRUNCATE) == 1
    assert debezium.status(crm.connect, crm.migration).tasks == ("RUNNING",)


def test_close_leaves_nothing(stack: Any) -> None:
    """After delete and drop the source's catalog is as before, and Connect remembers no offset to skip rows by."""
    dsn = stack.new_source()
    generator.create(dsn)
    name = str(conninfo.conninfo_to_dict(dsn)["dbname"]).replace("_", "")[:20]
    look = (
        "select 'slot', slot_name::text from pg_replication_slots where database = current_database()"
        " union all select 'publication', pubname from pg_publication"
        " union all select 'relation', oid::regclass || relreplident::text || coalesce(relacl::text, '')"
        " from pg_class where relnamespace = 'public'::regnamespace order by 1, 2"
    )
    with psycopg.connect(dsn, autocommit=True) as conn:
        before = list(conn.execute(look.encode()))
        with capturing(migration=name, dsn=dsn, names=NAMES, endpoints=stack.endpoints) as captured:
            conn.execute("insert into tags (name, color) values ('a', 'b')")
            captured.settled()
            assert list(conn.execute(look.encode())) != before
        assert list(conn.execute(look.encode())) == before
    assert debezium.status(stack.endpoints.connect, name).state == "MISSING"
    assert debezium.offsets(stack.endpoints.connect, name) == debezium.Offset(lsn=None, snapshot=True, raw={})
    debezium.delete(stack.endpoints.connect, name)


#: column → (type, SQL literal, JSON in the snapshot and in the stream)
TYPES: dict[str, tuple[str, str, Any]] = {
    "a_smallint": ("smallint", "-32768", -32768),
    "a_integer": ("integer", "2147483647", 2147483647),
    "a_bigint": ("bigint", "9007199254740993", 9007199254740993),
    "a_oid": ("oid", "4294967295", 4294967295),
    "a_domain": ("posint", "7", 7),
    "a_real": ("real", "1.5", 1.5),
    "a_double": ("double precision", "0.1", 0.1),
    "a_double_nan": ("double precision", "'NaN'", "NaN"),
    "a_numeric": ("numeric(12,4)", "12.3400", "12.3400"),
    "a_numeric_nan": ("numeric", "'NaN'", "NAN"),
    "a_numeric_long": ("numeric", "123456789012345678901234567890.5", "123456789012345678901234567890.5"),
    "a_money": ("money", "12.34", "12.34"),
    "a_boolean": ("boolean", "true", True),
    "a_text": ("text", "U&'Zo\\00eb \\+01f680'", "Zoë 🚀"),
    "a_null": ("text", "null", None),
    "a_varchar": ("varchar(10)", "'abc'", "abc"),
    "a_char": ("char(5)", "'ab'", "ab   "),
    "a_citext": ("extensions.citext", "'MiXed'", "MiXed"),
    "a_date": ("date", "'2026-06-29'", 20633),
    "a_date_year_1": ("date", "'0001-01-01'", -719162),
    "a_time": ("time", "'12:34:56.789012'", 45296789012),
    "a_time_24": ("time", "'24:00'", 86400000000),
    "a_timetz": ("timetz", "'12:34:56+02'", "10:34:56Z"),
    "a_timestamp": ("timestamp", "'2026-06-29 12:34:56.789012'", 1782736496789012),
    "a_timestamp_infinity": ("timestamp", "'infinity'", 9223372036854775807),
    "a_timestamptz": ("timestamptz", "'2026-06-29 12:34:56.789012+02'", "2026-06-29T10:34:56.789012Z"),
    "a_timestamptz_infinity": ("timestamptz", "'-infinity'", "-infinity"),
    "a_timestamptz_year_1": ("timestamptz", "'0001-01-01 00:00+00'", "0001-01-01T00:00:00.000000Z"),
    "a_timestamptz_year_9999": ("timestamptz", "'9999-12-31 23:59:59+00'", "9999-12-31T23:59:59.000000Z"),
    "a_timestamptz_far": ("timestamptz", "'20000-01-01 00:00+00'", "+20000-01-01T00:00:00.000000Z"),
    "a_timestamptz_bc": ("timestamptz", "'0044-03-15 00:00+00 BC'", "-0043-03-15T00:00:00.000000Z"),
    "a_interval": ("interval", "'1 year 2 months 3 days 04:05:06.7'", "P1Y2M3DT4H5M6.7S"),
    "a_bytea": ("bytea", "'\\x00ff10'", "AP8Q"),
    "a_bit": ("bit(4)", "B'1010'", "Cg=="),
    "a_uuid": ("uuid", "'6ba7b810-9dad-11d1-80b4-00c04fd430c8'", "6ba7b810-9dad-11d1-80b4-00c04fd430c8"),
    "a_inet": ("inet", "'192.0.2.1/24'", "192.0.2.1/24"),
    "a_macaddr": ("macaddr", "'08:00:2b:01:02:03'", "08:00:2b:01:02:03"),
    "a_json": ("json", '\'{"b": [1, null, "\\u0000"],  "a":1}\'', '{"b": [1, null, "\\u0000"],  "a":1}'),
    "a_jsonb": ("jsonb", '\'{"b": 1.50, "a": null}\'', '{"a": null, "b": 1.50}'),
    "a_jsonb_null": ("jsonb", "'null'", "null"),
    "a_jsonb_array": ("jsonb[]", "array['{\"a\":1}'::jsonb, null]", ['{"a": 1}', None]),
    "a_bigint_array": ("bigint[]", "'{1,NULL,3}'", [1, None, 3]),
    "a_bigint_square": ("bigint[]", "'{{1,2},{3,4}}'", [None, None]),  # lost: Debezium knows one dimension
    "a_text_array": ("text[]", "array['a', null, 'b,c']", ["a", None, "b,c"]),
    "a_numeric_array": ("numeric[]", "'{1.50,NULL}'", ["1.50", None]),
    "a_boolean_array": ("boolean[]", "'{t,f,NULL}'", [True, False, None]),
    "a_date_array": ("date[]", "'{2026-06-29}'", [20633]),
    "a_timestamptz_array": ("timestamptz[]", "'{2026-06-29 12:34:56+02}'", ["2026-06-29T10:34:56.000000Z"]),
    "a_citext_array": ("extensions.citext[]", "'{Aa}'", ["Aa"]),
    "an_enum": ("mood", "'happy'", "happy"),
    "an_enum_array": ("mood[]", "'{happy}'", ["happy"]),
    "a_range": ("int4range", "'[1,5)'", "[1,5)"),
    "a_tsvector": ("tsvector", "'a b'", "'a' 'b'"),
}


def test_every_type_arrives_as_engine_md_says(stack: Any) -> None:
    """Each PostgreSQL type, read by the snapshot and streamed; a generated column in neither (`engine.md` 3)."""
    dsn = stack.new_source()
    name = str(conninfo.conninfo_to_dict(dsn)["dbname"]).replace("_", "")[:20]
    columns = ", ".join(f"{column} {type_}" for column, (type_, _, _) in TYPES.items())
    values = ", ".join(sql for _, sql, _ in TYPES.values())
    insert = f"insert into types ({', '.join(TYPES)}, late, answer) values ({values}, null, null)"
    with psycopg.connect(dsn, autocommit=True) as conn:
        conn.execute("create schema extensions")
        conn.execute("create extension citext schema extensions")
        conn.execute("create type mood as enum ('sad', 'happy')")
        conn.execute("create domain posint as integer check (value > 0)")
        conn.execute(
            f"create table types (id bigint generated always as identity primary key, {columns},"
            " late timestamptz default now(), answer integer default 42,"
            " made integer generated always as (1) stored)".encode()
        )
        conn.execute(insert.encode())
        with capturing(migration=name, dsn=dsn, names=["public.types"], endpoints=stack.endpoints) as captured:
            captured.settled()
            conn.execute(insert.encode())
            images = {
                event.op: event.image
                for record in captured.settled()
                if (event := change_event.decode(*record)) is not None
            }
            assert captured.tables[0].columns["made"].generated is True
    # NULL in a column with a default is NULL: Connect's converter would write the default (1970 for `now()`).
    expected = {column: json_ for column, (_, _, json_) in TYPES.items()} | {"late": None, "answer": None}
    assert images[Op.READ] == {"id": 1, **expected}
    assert images[Op.CREATE] == {"id": 2, **expected}


def test_transactions_and_heartbeats_have_their_own_topics(crm: Captured) -> None:
    """BEGIN and END are written, and an idle source is kept moving by heartbeats that touch no table."""
    crm.settled()
    states = [json.loads(value or b"{}")["status"] for _, _, value in records(crm.kafka, [_transactions(crm)])]
    assert states[0] == "BEGIN"
    assert states.count("BEGIN") == states.count("END")
    first = debezium.offsets(crm.connect, crm.migration).lsn or 0
    _until(lambda: (debezium.offsets(crm.connect, crm.migration).lsn or 0) > first)


def _transactions(crm: Captured) -> str:
    return debezium.transaction_topic(crm.migration)


def _until(done: Any, seconds: float = 20.0) -> None:
    waiter = threading.Event()
    for _ in range(int(seconds / 0.1)):
        if done():
            return
        waiter.wait(0.1)
    raise AssertionError("the condition did not come true")
