"""One stack of real engines for the whole session; each test takes databases and topics of its own in it."""

from __future__ import annotations

import os
import secrets
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import twenty_kit
from psycopg import conninfo, sql
from story import Story

from control import context as contexts
from infra import postgres
from infra import stack as engines
from sandbox.atomic_crm.eras import Era


@dataclass(frozen=True, kw_only=True)
class RunningStack:
    """The session's stack."""

    #: Folder whose `.lockgate/` it lives under.
    root: Path
    #: Where it answers.
    endpoints: engines.Endpoints

    def new_ledger(self) -> str:
        """The DSN of an empty database in the ledger's cluster, owned by the ledger's role."""
        return self._new_database(self.endpoints.ledger_dsn)

    def new_source(self) -> str:
        """The DSN of an empty database in the source's cluster (wal_level = logical), as its superuser."""
        return self._new_database(self.endpoints.source_dsn)

    def _new_database(self, dsn: str) -> str:
        name = f"test_{secrets.token_hex(6)}"
        owner = str(conninfo.conninfo_to_dict(dsn)["user"])
        admin = conninfo.make_conninfo(dsn, user="postgres", dbname="postgres")
        with postgres.connect(admin, application="test", error="LG-0208") as connection:
            words = sql.SQL("create database {} owner {}")
            connection.execute(words.format(sql.Identifier(name), sql.Identifier(owner)))
        return conninfo.make_conninfo(dsn, dbname=name)


@pytest.fixture
def story(stack: RunningStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Story]:
    """A story of its own, with leases of 9 s; whatever happens, its workers and its slot are gone afterwards."""
    monkeypatch.setattr(contexts, "HTTP_TIMEOUT_S", 3.0)
    twenty = twenty_kit.start(tmp_path)
    told = Story(stack, tmp_path, twenty)
    try:
        yield told
    finally:
        told.end()
        twenty.stop()


@pytest.fixture
def story_of(stack: RunningStack, tmp_path: Path) -> Iterator[Callable[[str], Story]]:
    """A story whose source is of the era named."""
    twenty = twenty_kit.start(tmp_path)
    told: list[Story] = []

    def of(era: str) -> Story:
        told.append(Story(stack, tmp_path, twenty, Era(era)))
        return told[-1]

    try:
        yield of
    finally:
        for one in told:
            one.end()
        twenty.stop()


@pytest.fixture(scope="session")
def stack() -> Iterator[RunningStack]:
    """The engines, up. With LOCKGATE_TEST_ROOT they stay warm under that folder for the next run."""
    warm = os.environ.get("LOCKGATE_TEST_ROOT")
    if warm:
        root = Path(warm)
        root.mkdir(parents=True, exist_ok=True)
        yield RunningStack(root=root, endpoints=engines.up(root))
        return
    with tempfile.TemporaryDirectory(prefix="lockgate-test-") as folder:
        root = Path(folder)
        try:
            yield RunningStack(root=root, endpoints=engines.up(root))
        finally:
            engines.wipe(root)
