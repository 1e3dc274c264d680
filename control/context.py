"""The composition root of every verb: the migration file, its secrets, and the ways to what it names."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from connectors.atomic_crm import settings as source_settings
from infra import stack
from ledger import connection, migrate
from ledger.connection import Connection
from schemas import migration_file, naming
from schemas.errors import LockgateError
from schemas.migration_file import Engine, MigrationFile
from schemas.run_file import RunFile
from sinks.base import Sink
from sinks.open import open_sink

#: The only generation of this version; rebuilds make further ones.
GENERATION = 1
HTTP_TIMEOUT_S = 10.0


@dataclass(frozen=True)
class Context:
    """One migration as the operator named it."""

    path: Path  #: the migration file
    file: MigrationFile

    @property
    def root(self) -> Path:
        """Folder of the migration file; `.lockgate/` lies in it."""
        return self.path.resolve().parent

    @property
    def run_dir(self) -> Path:
        """Where this migration's workers keep pid, log and run files."""
        return self.root / ".lockgate" / "run" / self.file.migration

    @property
    def connector(self) -> str:
        """The connector's name in Kafka Connect."""
        return naming.slot(self.file.migration)

    @cached_property
    def local(self) -> stack.Endpoints | None:
        """The local stack's endpoints; None with an engine of one's own. Raises LG-0204 when it does not run."""
        return stack.endpoints(self.root) if self.file.engine == "local" else None

    @property
    def engine(self) -> Engine | None:
        """The engine of one's own; None with the local stack."""
        return self.file.engine if isinstance(self.file.engine, Engine) else None

    @property
    def ledger_dsn_env(self) -> str | None:
        """The variable that holds the ledger's DSN, with an engine of one's own."""
        return self.engine.ledger_dsn_env if self.engine else None

    @property
    def kafka(self) -> str:
        """Bootstrap servers."""
        return self.local.kafka if self.local else self._own.kafka

    @property
    def connect(self) -> str:
        """Base address of Connect's REST API."""
        return self.local.connect if self.local else self._own.connect.rstrip("/")

    @property
    def source(self) -> source_settings.Settings:
        """Where the source is. Raises LG-0103 when its variable is not set."""
        return source_settings.Settings.model_validate(
            {"dsn": secret(self.file.source.dsn_env), "schema_": self.file.source.schema_name}
        )

    @cached_property
    def sink(self) -> Sink:
        """The destination's adapter; opens nothing yet. Raises LG-0103."""
        return open_sink(self.run_file(()))

    @contextmanager
    def ledger(self, application: str, *, create: bool = False) -> Iterator[Connection]:
        """The migration's ledger. Raises LG-0407 when there is none yet and `create` is not given, LG-0208."""
        dsn = self.local.ledger_dsn if self.local else secret(self._own.ledger_dsn_env)
        with connection.open_ledger(dsn, self.file.migration, f"lockgate-{application}") as conn:
            if create:
                migrate.migrate(conn, self.file.migration)
            elif not migrate.exists(conn, self.file.migration):
                raise LockgateError("LG-0407", f"Migration {self.file.migration}.")
            yield conn

    def close(self) -> None:
        """Closes the destination's connections, if any were opened."""
        sink = self.__dict__.get("sink")
        if sink is not None:
            sink.close()

    def run_file(self, topics: tuple[str, ...]) -> RunFile:
        """What the workers are told."""
        return RunFile(
            migration=self.file.migration,
            generation=GENERATION,
            source=self.file.source.kind,
            kafka=self.kafka if topics else "",
            ledger_dsn=self.local.ledger_dsn if topics and self.local else "",
            ledger_dsn_env=self.ledger_dsn_env,
            destination=self.file.destination.kind,
            destination_url=self.file.destination.url,
            destination_key_env=self.file.destination.key_env,
            topics=topics,
            data_dir=self.run_dir / "data",
            http_timeout_s=HTTP_TIMEOUT_S,
        )

    @property
    def _own(self) -> Engine:
        assert self.engine is not None
        return self.engine


def load(path: Path) -> Context:
    """The context of a migration file. Raises LG-0101, LG-0102."""
    return Context(path=path, file=migration_file.load(path))


def secret(name: str) -> str:
    """The value of an environment variable that holds a secret. Raises LG-0103."""
    value = os.environ.get(name, "").strip()
    if not value:
        raise LockgateError("LG-0103", name)
    return value
