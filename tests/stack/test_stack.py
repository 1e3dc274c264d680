"""The local stack on real engines: up, use, break, repair, down."""

from __future__ import annotations

import json
import os
import secrets
import signal
from pathlib import Path

import pytest
import requests
from confluent_kafka import TopicPartition
from psycopg import conninfo

from infra import kafka, postgres, processes
from infra import stack as engines
from infra.clock import Deadline
from infra.stack import layout
from schemas.errors import LockgateError

pytestmark = [pytest.mark.stack, pytest.mark.timeout(240)]

NAMES = ["postgres-source", "postgres-ledger", "kafka", "connect"]


def test_kafka_carries_a_record(stack) -> None:
    """A produced record is consumed, and offsets, topic id and partition count are told of its topic."""
    bootstrap, topic = stack.endpoints.kafka, f"t-{secrets.token_hex(4)}"
    assert kafka.ensure_topics(bootstrap, {topic: (4, {"cleanup.policy": "compact"})}) == [topic]
    assert kafka.ensure_topics(bootstrap, {topic: (4, {})}) == []
    producer = kafka.producer(bootstrap, "test")
    producer.produce(topic, key=b"17", value=b"hello")
    assert producer.flush(20) == 0
    assert kafka.topic_ids_and_counts(bootstrap, [topic, "no-such-topic"])[topic].partitions == 4
    ends = kafka.end_offsets(bootstrap, [topic])
    assert sorted(ends.values()) == [0, 0, 0, 1]
    assert set(kafka.first_offsets(bootstrap, [topic]).values()) == {0}

    group = f"g-{topic}"
    consumer = kafka.consumer(bootstrap, group, "test")
    consumer.subscribe([topic])
    deadline = Deadline(30)
    message = None
    while message is None and not deadline.passed():
        message = consumer.poll(1.0)
    assert message is not None
    assert (message.key(), message.value()) == (b"17", b"hello")
    assert kafka.committed(bootstrap, group, [topic]) == {}
    consumer.commit(message, asynchronous=False)
    consumer.close()
    assert kafka.committed(bootstrap, group, [topic]) == {(topic, message.partition()): 1}


def test_another_partition_count_is_refused(stack) -> None:
    """A topic that exists with another partition count is refused: murmur2 would send keys elsewhere (law 1)."""
    topic = f"t-{secrets.token_hex(4)}"
    kafka.ensure_topics(stack.endpoints.kafka, {topic: (2, {})})
    with pytest.raises(LockgateError) as refused:
        kafka.ensure_topics(stack.endpoints.kafka, {topic: (4, {})})
    assert refused.value.code == "LG-0701"


def test_connect_offers_debezium_and_hides_passwords(stack) -> None:
    """Connect's REST answers and knows the PostgreSQL connector; its file provider reads only the secrets folder."""
    plugins = requests.get(f"{stack.endpoints.connect}/connector-plugins", timeout=10).json()
    found = {one["class"]: one["version"] for one in plugins}
    assert found["io.debezium.connector.postgresql.PostgresConnector"] == "3.7.0.Final"
    settings = (stack.root / ".lockgate/stack/connect.properties").read_text()
    assert f"config.providers.file.param.allowed.paths={stack.endpoints.secrets_dir}" in settings


def test_debezium_logs_in_by_a_password_its_configuration_never_holds(stack) -> None:
    """A connector under exactly-once captures with ${file:…:password}; Connect shows the reference, not the word."""
    dsn, prefix = stack.new_source(), f"c{secrets.token_hex(4)}"
    with postgres.connect(dsn, application="test", error="LG-0301") as source:
        source.execute("create table t (id int primary key)")
        source.execute("insert into t values (17)")
    parts = conninfo.conninfo_to_dict(dsn)
    file = f"{stack.endpoints.secrets_dir}/source.properties"
    config = {
        "connector.class": "io.debezium.connector.postgresql.PostgresConnector",
        "exactly.once.support": "required",
        "database.hostname": parts["host"],
        "database.port": parts["port"],
        "database.dbname": parts["dbname"],
        "database.user": f"${{file:{file}:user}}",
        "database.password": f"${{file:{file}:password}}",
        "topic.prefix": prefix,
        "plugin.name": "pgoutput",
        "slot.name": prefix,
        "slot.drop.on.stop": "true",
        "publication.autocreate.mode": "filtered",
        "table.include.list": "public.t",
        "topic.creation.default.partitions": "1",
        "topic.creation.default.replication.factor": "1",
    }
    url = f"{stack.endpoints.connect}/connectors/{prefix}"
    assert requests.put(f"{url}/config", json=config, timeout=20).status_code == 201
    consumer = kafka.consumer(stack.endpoints.kafka, f"g-{prefix}", "test")
    try:
        deadline = Deadline(60)
        while (f"{prefix}.public.t", 0) not in kafka.end_offsets(stack.endpoints.kafka, [f"{prefix}.public.t"]):
            assert not deadline.passed(), requests.get(f"{url}/status", timeout=10).text
        consumer.assign([TopicPartition(f"{prefix}.public.t", 0, 0)])
        message = consumer.poll(30)
        assert message is not None
        assert json.loads(message.value())["after"] == {"id": 17}
        assert requests.get(f"{url}/config", timeout=10).json()["database.password"] == config["database.password"]
    finally:
        consumer.close()
        requests.delete(url, timeout=20)


def test_both_databases_answer_and_the_source_decodes(stack) -> None:
    """Source and ledger are two servers; the source writes a logical log; the ledger's role is no superuser."""
    with postgres.connect(stack.endpoints.source_dsn, application="test", error="LG-0301") as source:
        assert source.execute("show wal_level").fetchone() == ("logical",)
        assert source.execute("select current_database(), current_user").fetchone() == ("atomic", "postgres")
        first = source.execute("select system_identifier from pg_control_system()").fetchone()
    with postgres.connect(stack.new_ledger(), application="test", error="LG-0208") as ledger:
        ledger.execute("create table t (id int primary key)")
        assert ledger.execute("select rolsuper from pg_roles where rolname = current_user").fetchone() == (False,)
        assert ledger.execute("select system_identifier from pg_control_system()").fetchone() != first


def test_no_password_stands_in_the_open(stack) -> None:
    """Passwords are in files of mode 0600 only: not in endpoints, stack.json, settings, logs or command lines."""
    folder = Path(stack.endpoints.secrets_dir)
    words = {
        line.split("=", 1)[1]
        for path in folder.glob("*.properties")
        for line in path.read_text().splitlines()
        if "password=" in line
    }
    assert len(words) >= 3  # source, ledger, Connect; captures of this session add theirs
    assert {path.stat().st_mode & 0o777 for path in folder.iterdir()} == {0o600}
    told = repr(stack.endpoints)
    for path in (stack.root / ".lockgate/stack").iterdir():
        told += path.read_text(errors="replace")
    for one in engines.status(stack.root):
        told += Path(f"/proc/{one.pid}/cmdline").read_text() if Path("/proc").exists() else ""
    assert [word for word in words if word in told] == []


def test_up_again_changes_nothing(stack) -> None:
    """`up` on a running stack is a no-op: the same processes, the same endpoints."""
    before = {one.name: one.pid for one in engines.status(stack.root)}
    told: list[tuple[str, engines.Progress]] = []
    again = engines.up(stack.root, lambda name, state, _: told.append((name, state)))
    assert again == stack.endpoints == engines.endpoints(stack.root)
    assert {one.name: one.pid for one in engines.status(stack.root)} == before
    assert {name for name, state in told if state is engines.Progress.RUNNING} == set(NAMES)


def test_a_killed_broker_is_reported_and_repaired(stack) -> None:
    """kill -9 of the broker: status and check tell its log's tail; `up` starts it again at the same address."""
    broker = next(one for one in engines.status(stack.root) if one.name == "kafka")
    os.kill(broker.pid, signal.SIGKILL)
    deadline = Deadline(10)
    while processes.alive(stack.root / ".lockgate/stack", "kafka") and not deadline.passed():
        pass
    found = {one.name: one for one in engines.status(stack.root)}
    assert [name for name in NAMES if found[name].state is processes.State.DEAD] == ["kafka"]
    assert "QuorumController" in found["kafka"].tail
    with pytest.raises(LockgateError) as reported:
        engines.check(stack.root)
    assert reported.value.code == "LG-0203"
    assert any("QuorumController" in line for line in reported.value.details)

    told: list[tuple[str, engines.Progress]] = []
    assert engines.up(stack.root, lambda name, state, _: told.append((name, state))) == stack.endpoints
    assert ("kafka", engines.Progress.RESTARTING) in told
    engines.check(stack.root)
    assert kafka.reachable(stack.endpoints.kafka)


def test_a_killed_postgres_starts_although_its_pid_lives_on(stack) -> None:
    """kill -9 of the ledger's server with sessions open, its pid since given to another process: `up` repairs it."""
    dsn, area = stack.new_ledger(), stack.root / ".lockgate/stack"
    with postgres.connect(dsn, application="test", error="LG-0208") as ledger:
        ledger.execute("create table t (id int)")
        ledger.execute("insert into t values (17)")
        server = processes.info(area, "postgres-ledger").pid
        os.kill(server, signal.SIGKILL)
        deadline = Deadline(10)
        while processes.alive(area, "postgres-ledger") and not deadline.passed():
            pass
        lock = layout.of(stack.root).data / "postgres-ledger/postmaster.pid"
        lock.write_text(lock.read_text().replace(str(server), str(os.getppid()), 1))
        assert engines.up(stack.root) == stack.endpoints
    with postgres.connect(dsn, application="test", error="LG-0208") as ledger:
        assert ledger.execute("select id from t").fetchall() == [(17,)]


def test_down_leaves_no_process_and_up_finds_its_data(stack) -> None:
    """`down` ends every process; afterwards the endpoints are LG-0204; `up` finds the same addresses and data."""
    topic = f"t-{secrets.token_hex(4)}"
    kafka.ensure_topics(stack.endpoints.kafka, {topic: (3, {})})
    pids = [one.pid for one in engines.status(stack.root)]
    assert engines.down(stack.root) == ["connect", "kafka", "postgres-ledger", "postgres-source"]
    assert [pid for pid in pids if processes.started(pid)] == []
    assert engines.down(stack.root) == []
    with pytest.raises(LockgateError) as refused:
        engines.endpoints(stack.root)
    assert refused.value.code == "LG-0204"
    assert engines.up(stack.root) == stack.endpoints
    assert kafka.topic_ids_and_counts(stack.endpoints.kafka, [topic])[topic].partitions == 3
