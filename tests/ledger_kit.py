"""A throw-away PostgreSQL for the session and, in it, a fresh ledger for each test: real SQL, real locks, ~1 s."""

from __future__ import annotations

import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from psycopg import conninfo

from infra import processes
from infra.clock import Deadline
from infra.processes import Account
from infra.stack import engines, layout
from ledger import connection, migrate
from ledger.connection import Connection
from ledger.pool import Pool

#: Nothing here outlives the session, so nothing is synced; conflicts are told soon.
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
    "deadlock_timeout": "50ms",
    "max_connections": "60",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "lc_messages": "C",
}
START_SECONDS = 60.0
PREFIX = "lockgate-pg-"
_numbers = itertools.count(1)


@dataclass(frozen=True, kw_only=True)
class Server:
    """One cluster, reached by a socket in its own folder."""

    folder: Path
    dsn: str


def start() -> Server:
    """initdb and postgres, as an unprivileged account when we are root (it will not run as root)."""
    account = layout.of(Path()).account
    # Short: a socket's path may not exceed 107 bytes. As root it must be a place that every account may enter.
    place = Path("/tmp") if account else Path(tempfile.gettempdir())
    _sweep(place)
    folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=place))
    folder.chmod(0o711)
    (folder / "session").write_text(f"{os.getpid()} {processes.started(os.getpid())}", encoding="ascii")
    own = folder / "own"
    own.mkdir(mode=0o700)
    if account:
        os.chown(own, account.uid, account.gid)
    programs = engines.postgres(folder, account)
    data = own / "data"
    _initdb(programs, data, account)
    flags = [text for name, value in SETTINGS.items() for text in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-k", str(own), *flags]
    processes.spawn(folder, "postgres", command, env=_environment(), cwd=Path("/"), account=account)
    server = Server(folder=folder, dsn=conninfo.make_conninfo(host=str(own), user="postgres", dbname="postgres"))
    _await(server)
    return server


def stop(server: Server) -> None:
    """The cluster and its folder go."""
    processes.stop(server.folder, "postgres", sig=signal.SIGINT)
    shutil.rmtree(server.folder, ignore_errors=True)


def _sweep(place: Path) -> None:
    """What sessions that were killed have left behind goes."""
    for folder in place.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            pid, _, token = (folder / "session").read_text(encoding="ascii").partition(" ")
            if folder.stat().st_uid == os.geteuid() and processes.started(int(pid)) != token:
                stop(Server(folder=folder, dsn=""))


def _initdb(programs: Path, data: Path, account: Account | None) -> None:
    done = subprocess.run(
        [str(programs / "initdb"), "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "-N"],
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
        cwd="/",
        env=_environment(),
        user=account.uid if account else None,
        group=account.gid if account else None,
        extra_groups=[] if account else None,
    )
    assert done.returncode == 0, done.stderr


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "LC_ALL": "C"}


def _await(server: Server) -> None:
    deadline = Deadline(START_SECONDS)
    while True:
        try:
            psycopg.connect(server.dsn, connect_timeout=3).close()
        except psycopg.OperationalError:
            said = processes.info(server.folder, "postgres")
            assert said.state is processes.State.RUNNING and not deadline.passed(), said.tail
        else:
            return


@dataclass(kw_only=True)
class Ledger:
    """A migrated ledger of its own."""

    dsn: str
    migration: str
    conn: Connection
    _opened: list[Connection] = field(default_factory=list)
    _pools: list[Pool] = field(default_factory=list)

    def connect(self, application: str = "test") -> Connection:
        """One more connection, for races; closed with the ledger."""
        conn = connection.open_ledger(self.dsn, self.migration, application)
        self._opened.append(conn)
        return conn

    def pool(self) -> Pool:
        """A pool, closed with the ledger."""
        pool = Pool(self.dsn, self.migration, "test")
        self._pools.append(pool)
        return pool

    def close(self) -> None:
        """Closes everything that was opened."""
        for pool in self._pools:
            pool.close()
        for conn in (*self._opened, self.conn):
            conn.close()


def fresh(server: Server) -> Ledger:
    """A new schema, migrated."""
    name = f"t{os.getpid()}n{next(_numbers)}"
    conn = connection.open_ledger(server.dsn, name, "test")
    migrate.migrate(conn, name)
    return Ledger(dsn=server.dsn, migration=name, conn=conn)
