"""The table of services: everything that starts, checks and stops the stack is driven from here.

Texts may hold places such as `{data}` or `{port.kafka}`; whoever runs the table fills them (render.fill). The settings
of broker and Connect are those measured for quick start, quick recovery from kill -9 and exactly-once capture.
"""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

#: Serial collector and C1 only: half the start-up time and two thirds of the memory of the defaults on two cores.
JVM = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx512m")

SOURCE_DATABASE = "atomic"
SOURCE_ROLE = "postgres"
LEDGER_DATABASE = "ledger"
LEDGER_ROLE = "lockgate"


class Engine(StrEnum):
    """What a service runs on."""

    POSTGRES = "postgres"  #: binaries of PostgreSQL, run by an unprivileged account
    JVM = "jvm"  #: java and the jars of pom.xml


class Check(StrEnum):
    """How to see that a service is ready."""

    POSTGRES = "postgres"  #: its superuser logs in
    KAFKA = "kafka"  #: the broker answers with its metadata
    HTTP = "http"  #: GET of a path answers 200


@dataclass(frozen=True, kw_only=True)
class Database:
    """A role and its database, made once the server is ready."""

    #: Owner; `postgres` is the superuser that initdb makes.
    role: str
    #: Database name.
    name: str
    #: Base name of the files in the secrets folder (`<files>.pgpass`, `<files>.properties`).
    files: str


@dataclass(frozen=True, kw_only=True)
class Service:
    """One process of the stack."""

    #: Its name everywhere: pid and log files, progress, docker-compose.
    name: str
    #: What it runs on.
    engine: Engine
    #: Names of the services that must be ready before it starts.
    needs: tuple[str, ...] = ()
    #: Names of its ports; the first is the one clients use.
    ports: tuple[str, ...]
    #: Run once into an empty `{data}`; empty if there is nothing to prepare.
    prepare: tuple[str, ...] = ()
    #: The command that runs it.
    command: tuple[str, ...]
    #: Environment variables on top of the inherited ones.
    environment: Mapping[str, str] = field(default_factory=dict)
    #: Written to `{settings}` as a Java properties file if not empty.
    settings: Mapping[str, str] = field(default_factory=dict)
    #: How to see that it is ready.
    check: Check
    #: Path for Check.HTTP.
    path: str = ""
    #: What to make in it when it is ready.
    database: Database | None = None
    #: Words of its log after which another try helps, if it ended while it started.
    passing: tuple[str, ...] = ()
    #: The signal that ends it in good order.
    stop_signal: signal.Signals = signal.SIGTERM
    #: Seconds until it must be ready.
    start_seconds: float = 90.0
    #: Seconds until it is killed after the signal.
    stop_seconds: float = 15.0


def _postgres(name: str, database: Database, settings: Mapping[str, str]) -> Service:
    common = {
        "listen_addresses": "{host}",
        "port": f"{{port.{name}}}",
        # TCP with a password only: a socket's path may not exceed 107 bytes, and a checkout's may.
        "unix_socket_directories": "",
        "password_encryption": "scram-sha-256",
        "timezone": "UTC",
        "log_min_messages": "warning",
        "shared_buffers": "64MB",
        **settings,
    }
    flags = [text for key, value in common.items() for text in ("-c", f"{key}={value}")]
    return Service(
        name=name,
        engine=Engine.POSTGRES,
        ports=(name,),
        prepare=(
            *("{postgres}/initdb", "-D", "{data}", "-U", "postgres", "--pwfile={pwfile}", "--auth=scram-sha-256"),
            *("--encoding=UTF8", "--locale=C", "--lc-ctype={ctype}", "--no-sync"),
        ),
        command=("{postgres}/postgres", "-D", "{data}", *flags),
        check=Check.POSTGRES,
        database=database,
        # After kill -9 its sessions take a moment to notice, and hold the shared memory until then.
        passing=("pre-existing shared memory block",),
        # SIGINT is PostgreSQL's fast shutdown: SIGTERM would wait for clients to leave.
        stop_signal=signal.SIGINT,
    )


def _java(main: str, *arguments: str) -> tuple[str, ...]:
    return ("{java}", "{jvm}", "{archive}", "-Dlog4j2.configurationFile={log4j}", "-cp", "{libs}/*", main, *arguments)


BROKER = {
    "process.roles": "broker,controller",
    "node.id": "1",
    "listeners": "CLIENT://{host}:{port.kafka},CONTROLLER://{host}:{port.kafka-controller}",
    "advertised.listeners": "CLIENT://{advertised}:{port.kafka},CONTROLLER://{host}:{port.kafka-controller}",
    "listener.security.protocol.map": "CLIENT:PLAINTEXT,CONTROLLER:PLAINTEXT",
    "inter.broker.listener.name": "CLIENT",
    "controller.listener.names": "CONTROLLER",
    "controller.quorum.bootstrap.servers": "{host}:{port.kafka-controller}",
    "log.dirs": "{data}",
    # Topics are made beforehand, with the partition count the ledger knows; a typing error must not make one.
    "auto.create.topics.enable": "false",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    "group.initial.rebalance.delay.ms": "0",
    "group.min.session.timeout.ms": "1000",
    # Together: a restarted broker serves after 2-4 s instead of 13-15 s.
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "300",
    "controlled.shutdown.enable": "true",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "transaction.abort.timed.out.transaction.cleanup.interval.ms": "1000",
}

CONNECT = {
    "bootstrap.servers": "{host}:{port.kafka}",
    "group.id": "lockgate-{digest}",
    "listeners": "http://{host}:{port.connect}",
    "rest.advertised.host.name": "{advertised}",
    "rest.advertised.port": "{port.connect}",
    "plugin.path": "{plugins}",
    "plugin.discovery": "service_load",
    "key.converter": "org.apache.kafka.connect.json.JsonConverter",
    "key.converter.schemas.enable": "false",
    "value.converter": "org.apache.kafka.connect.json.JsonConverter",
    "value.converter.schemas.enable": "false",
    "config.storage.topic": "connect-configs",
    "config.storage.replication.factor": "1",
    "offset.storage.topic": "connect-offsets",
    "offset.storage.replication.factor": "1",
    "offset.storage.partitions": "1",
    "status.storage.topic": "connect-status",
    "status.storage.replication.factor": "1",
    "status.storage.partitions": "1",
    "offset.flush.interval.ms": "1000",
    "exactly.once.source.support": "enabled",
    "connector.client.config.override.policy": "All",
    # Recovery from kill -9 in 4.5 s instead of 11 s.
    "session.timeout.ms": "3000",
    "heartbeat.interval.ms": "500",
    "rebalance.timeout.ms": "4000",
    "scheduled.rebalance.max.delay.ms": "0",
    "task.shutdown.graceful.timeout.ms": "3000",
    # A connector names its password as ${file:<secrets>/source.properties:password} and never holds it.
    "config.providers": "file",
    "config.providers.file.class": "org.apache.kafka.common.config.provider.FileConfigProvider",
    "config.providers.file.param.allowed.paths": "{secrets}",
}

SERVICES: tuple[Service, ...] = (
    _postgres(
        "postgres-source",
        Database(role=SOURCE_ROLE, name=SOURCE_DATABASE, files="source"),
        {"wal_level": "logical", "max_wal_senders": "10", "max_replication_slots": "10"},
    ),
    _postgres("postgres-ledger", Database(role=LEDGER_ROLE, name=LEDGER_DATABASE, files="ledger"), {}),
    Service(
        name="kafka",
        engine=Engine.JVM,
        ports=("kafka", "kafka-controller"),
        prepare=_java("kafka.tools.StorageTool", "format", "-t", "{cluster}", "-c", "{settings}", "--standalone"),
        command=_java("kafka.Kafka", "{settings}"),
        settings=BROKER,
        check=Check.KAFKA,
    ),
    Service(
        name="connect",
        engine=Engine.JVM,
        needs=("kafka",),
        ports=("connect",),
        command=_java("org.apache.kafka.connect.cli.ConnectDistributed", "{settings}"),
        settings=CONNECT,
        check=Check.HTTP,
        path="/health",
    ),
)

BY_NAME: Mapping[str, Service] = {service.name: service for service in SERVICES}


def port_names() -> tuple[str, ...]:
    """The names of all ports, in the order of the table."""
    return tuple(port for service in SERVICES for port in service.ports)


def stop_order() -> tuple[Service, ...]:
    """Dependants before what they need: the table lists every service after its needs."""
    return tuple(reversed(SERVICES))
