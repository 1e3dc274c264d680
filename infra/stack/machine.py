"""One stack on this machine: fills the table of services with its paths and ports, prepares, starts and checks one."""

from __future__ import annotations

import base64
import contextlib
import os
import shutil
import subprocess
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import psycopg
import requests
from psycopg import conninfo, sql

from infra import kafka, ports, processes
from infra.stack import archives, engines, render, secrets
from infra.stack.archives import Archive
from infra.stack.layout import Layout
from infra.stack.services import Check, Database, Engine, Service
from schemas.errors import LockgateError

PREPARE_SECONDS = 120
CTYPES = ("C.UTF-8", "C")


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A stack's layout, ports, engines and JVM flags."""

    layout: Layout
    ports: Mapping[str, int]
    engines: engines.Engines
    jvm: tuple[str, ...]

    def data(self, service: Service) -> Path:
        """The service's data folder."""
        return self.layout.data / service.name

    def archive(self, service: Service) -> Archive:
        """The class archive for the service's next start; none for PostgreSQL."""
        if service.engine is not Engine.JVM:
            return archives.NONE
        stem = archives.stem(service.name, self.engines, self.jvm, os.environ)
        return archives.choose(engines.archives_folder(), stem, self.layout.digest, self.jvm)

    def places(self, service: Service, archive: Archive = archives.NONE) -> dict[str, str | tuple[str, ...]]:
        """What the places of the table stand for."""
        return {
            "host": ports.HOST,
            "advertised": ports.HOST,
            "digest": self.layout.digest,
            "data": str(self.data(service)),
            "settings": str(self.layout.state / f"{service.name}.properties"),
            "secrets": str(self.layout.secrets),
            "java": str(self.engines.java),
            "jvm": self.jvm,
            "archive": archive.flags,
            "postgres": str(self.engines.postgres),
            "libs": str(self.engines.jars / "libs"),
            "plugins": str(self.engines.jars / "plugins"),
            "log4j": str(engines.resource("log4j2.xml")),
            "cluster": cluster_id(uuid.uuid4()),
            **{f"port.{name}": str(port) for name, port in self.ports.items()},
        }

    def account(self, service: Service) -> processes.Account | None:
        """Whom the service runs as; None for ourselves."""
        return self.layout.account if service.engine is Engine.POSTGRES else None


def cluster_id(unique: uuid.UUID) -> str:
    """Kafka's text of a UUID; never with a leading dash, which its format tool would take for an option."""
    text = base64.urlsafe_b64encode(unique.bytes).decode()[:22]
    return f"A{text[1:]}" if text.startswith("-") else text


def prepare(machine: Machine, service: Service, archive: Archive = archives.NONE) -> bool:
    """Write the settings file and, once, fill the data folder; True if it was filled now."""
    places = machine.places(service)
    if service.settings:
        Path(str(places["settings"])).write_text(render.properties(service.settings, places), encoding="utf-8")
    done = machine.layout.data / f"{service.name}.prepared"
    data = machine.data(service)
    if not service.prepare or done.exists():
        _refuse_other_version(machine, service)
        return False
    shutil.rmtree(data, ignore_errors=True)
    if service.engine is Engine.POSTGRES:
        _initdb(machine, service)
    else:
        _format(machine, service, archive)
    done.touch()
    return True


def start(machine: Machine, service: Service, archive: Archive = archives.NONE) -> int:
    """Start the service's process; its pid, noted beside its data too, in case `.lockgate/` is deleted meanwhile."""
    layout = machine.layout
    layout.data.joinpath(service.name).mkdir(exist_ok=True)
    if service.engine is Engine.POSTGRES:
        _release(machine.data(service))
    pid = processes.spawn(
        layout.state,
        service.name,
        render.fill_command(service.command, machine.places(service, archive)),
        env={**_environment(service), **service.environment},
        cwd=layout.data,
        account=machine.account(service),
    )
    shutil.copy(processes.pid_file(layout.state, service.name), processes.pid_file(layout.data, service.name))
    return pid


def ready(machine: Machine, service: Service) -> bool:
    """One look whether the service is ready for its clients."""
    port = machine.ports[service.ports[0]]
    if not ports.answers(port):
        return False
    if service.check is Check.KAFKA:
        return kafka.reachable(f"{ports.HOST}:{port}")
    if service.check is Check.HTTP:
        return _answers_ok(f"http://{ports.HOST}:{port}{service.path}")
    try:
        with _superuser(machine, service):
            return True
    except psycopg.OperationalError:
        return False


def complete(machine: Machine, service: Service) -> None:
    """Make the service's role and database if they are missing."""
    if service.database is None:
        return
    wanted = service.database
    with _superuser(machine, service) as connection:
        if wanted.role != secrets.SUPERUSER and not _has(connection, "pg_roles", "rolname", wanted.role):
            word = secrets.password(machine.layout.secrets, wanted)
            connection.execute(
                sql.SQL("create role {} login password {}").format(sql.Identifier(wanted.role), sql.Literal(word))
            )
        if not _has(connection, "pg_database", "datname", wanted.name):
            connection.execute(
                sql.SQL("create database {} owner {}").format(sql.Identifier(wanted.name), sql.Identifier(wanted.role))
            )


def dsn(layout: Layout, port: int, database: Database) -> str:
    """The database's address; its password is in the passfile that it names."""
    return conninfo.make_conninfo(
        host=ports.HOST,
        port=port,
        dbname=database.name,
        user=database.role,
        passfile=str(secrets.passfile(layout.secrets, database)),
        sslmode="disable",
    )


def _initdb(machine: Machine, service: Service) -> None:
    """initdb wants the password in a file that its account can read; the file lives as long as initdb does."""
    pwfile = machine.layout.data / f"{service.name}.pw"
    database = service.database
    assert database is not None
    secrets.write(pwfile, secrets.password(machine.layout.secrets, database, superuser=True) + "\n")
    data = machine.data(service)
    data.mkdir(mode=0o700)
    account = machine.account(service)
    if account is not None:
        os.chown(pwfile, account.uid, account.gid)
        os.chown(data, account.uid, account.gid)
    try:
        for ctype in CTYPES:
            places = {**machine.places(service), "pwfile": str(pwfile), "ctype": ctype}
            try:
                return _prepare(machine, service, places)
            except LockgateError:
                # A system without C.UTF-8 (older macOS) still has C.
                if ctype == CTYPES[-1]:
                    raise
    finally:
        pwfile.unlink(missing_ok=True)


def _format(machine: Machine, service: Service, archive: Archive) -> None:
    """Fill the data folder of a JVM's service; an archive may hasten it, never hinder it, and is not made of it."""
    if archive.used is not None:
        with contextlib.suppress(LockgateError):
            _prepare(machine, service, machine.places(service, archive))
            return
        shutil.rmtree(machine.data(service), ignore_errors=True)
    _prepare(machine, service, machine.places(service))


def _release(data: Path) -> None:
    """Let PostgreSQL start although the pid in its lock file exists: as a process not yet reaped, or as a stranger's.

    It goes on, with its own check of the shared memory, if the file names its parent, which is us.
    """
    try:
        # Not through a link: the folder is the unprivileged account's, and we may be root.
        lock = os.fdopen(os.open(data / "postmaster.pid", os.O_RDWR | os.O_NOFOLLOW), "r+", encoding="utf-8")
    except OSError:
        return
    with lock:
        first, newline, rest = lock.read().partition("\n")
        if not first.isdecimal():
            return
        if str(data) in processes.command(int(first)):
            raise LockgateError("LG-0202", f"PostgreSQL, pid {first}, already runs on {data} and is not ours to stop.")
        lock.seek(0)
        lock.truncate()
        lock.write(f"{os.getpid()}{newline}{rest}")


def _prepare(machine: Machine, service: Service, places: render.Places) -> None:
    account = machine.account(service)
    try:
        done = subprocess.run(
            render.fill_command(service.prepare, places),
            capture_output=True,
            text=True,
            errors="replace",
            check=False,
            timeout=PREPARE_SECONDS,
            cwd=machine.layout.data,
            env=_environment(service),
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    except (OSError, subprocess.TimeoutExpired) as problem:
        raise LockgateError("LG-0202", f"{service.name} could not be prepared: {problem}.") from problem
    if done.returncode != 0:
        said = (done.stdout + done.stderr).strip().splitlines()
        raise LockgateError("LG-0202", f"{service.name} could not be prepared.", details=said[-20:])


def _refuse_other_version(machine: Machine, service: Service) -> None:
    """A cluster belongs to one major version; another's server would end at once with words few understand."""
    version = machine.data(service) / "PG_VERSION"
    if service.engine is Engine.POSTGRES and version.exists():
        made_by = int(version.read_text(encoding="ascii").strip())
        found = engines.postgres_version(machine.engines.postgres, machine.account(service))
        if found != made_by:
            words = f"{service.name} was made by PostgreSQL {made_by}, and {found} is what was found now:"
            raise LockgateError("LG-0202", f"{words} set LOCKGATE_PG_BIN, or start afresh with `make clean`.")


def _environment(service: Service) -> dict[str, str]:
    """Ours for a JVM; a bare one for PostgreSQL, whose variables (PGDATA, PGPORT, LC_ALL) would change it."""
    if service.engine is Engine.JVM:
        return dict(os.environ)
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def _answers_ok(url: str) -> bool:
    """One GET, past any proxy the environment names: it is for the world outside."""
    with requests.Session() as session:
        session.trust_env = False
        try:
            return session.get(url, timeout=2).status_code == 200
        except requests.RequestException:
            return False


def _superuser(machine: Machine, service: Service) -> psycopg.Connection[tuple[object, ...]]:
    assert service.database is not None
    return psycopg.connect(
        host=ports.HOST,
        port=machine.ports[service.ports[0]],
        user=secrets.SUPERUSER,
        dbname="postgres",
        password=secrets.password(machine.layout.secrets, service.database, superuser=True),
        sslmode="disable",
        connect_timeout=3,
        application_name="lockgate-up",
        autocommit=True,
    )


def _has(connection: psycopg.Connection[tuple[object, ...]], table: str, column: str, name: str) -> bool:
    query = sql.SQL("select 1 from {} where {} = %s").format(sql.Identifier(table), sql.Identifier(column))
    return connection.execute(query, (name,)).fetchone() is not None
