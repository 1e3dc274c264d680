"""A story: one small migration on the session's real engines, with its own databases, topics and Twenty stand-in."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import psycopg
import twenty_kit
import yaml
from rich.console import Console

from connectors import debezium
from connectors.atomic_crm import capture
from connectors.atomic_crm import settings as source_settings
from control import approve, propose, provision, start, status
from control import context as contexts
from control.context import GENERATION, Context
from demo import compare
from demo.watch import Watch
from infra import failpoints, processes
from infra.clock import Deadline
from infra.stack import Endpoints
from ledger import states
from sandbox.atomic_crm import generator
from sandbox.atomic_crm.eras import Era

DSN_ENV, KEY_ENV, LEDGER_ENV = "STORY_SOURCE_DSN", "STORY_TWENTY_KEY", "STORY_LEDGER_DSN"
STREAMS, SINK = "streams-1", "sink-twenty-1"


class Stack(Protocol):
    """The session's stack, as tests/stack/conftest.py makes it."""

    endpoints: Endpoints

    def new_ledger(self) -> str:
        """An empty ledger database."""

    def new_source(self) -> str:
        """An empty source database."""


class Story:
    """The parts of one story, and what a test does with them."""

    def __init__(self, stack: Stack, folder: Path, twenty: twenty_kit.TwentySandbox, era: Era = Era.HEAD) -> None:
        self.era = era
        self.name = f"s{secrets.token_hex(4)}"
        self.twenty = twenty
        self.source_dsn = stack.new_source()
        os.environ[DSN_ENV] = self.source_dsn
        os.environ[KEY_ENV] = twenty.key
        os.environ[LEDGER_ENV] = stack.new_ledger()
        self.path = folder / "migration.yaml"
        self.file: dict[str, Any] = {
            "migration": self.name,
            "id_namespace": "6f0f9a5e-7a52-4c9f-9a0f-2f5b3a1d8c11",
            "source": {"kind": "atomic_crm", "dsn_env": DSN_ENV},
            "destination": {
                "kind": "twenty",
                "url": twenty.url,
                "key_env": KEY_ENV,
                "limits": {"calls": 0, "window_ms": 60000},
            },
            "engine": {
                "kafka": stack.endpoints.kafka,
                "connect": stack.endpoints.connect,
                "ledger_dsn_env": LEDGER_ENV,
                "source_password": f"${{file:{stack.endpoints.secrets_dir}/source.properties:password}}",
            },
        }
        self._context: Context | None = None
        self._team: Path | None = None
        generator.create(self.source_dsn, era)

    def context(self) -> Context:
        """The migration file as it is now."""
        text = yaml.safe_dump(self.file)
        if self._context is None or text != self.path.read_text():
            self.path.write_text(text)
            self._close()
            self._context = contexts.load(self.path)
        return self._context

    def _close(self) -> None:
        if self._context is not None:
            self._context.close()

    def fill(self, scale: float = 0.02, seed: int = 7) -> None:
        """Generated rows, and a member for each owner."""
        data = generator.generate(seed=seed, scale=scale, era=self.era)
        generator.load(self.source_dsn, data)
        for sale in data.sales:
            self.twenty.order("/members", {"userEmail": str(sale["email"])})

    def owner(self, email: str = "owner@example.com", *, member: bool = True) -> int:
        """One owner in the source, matched in the destination unless told otherwise."""
        sql = (
            "insert into auth.users (id, email, raw_user_meta_data) values (gen_random_uuid(), %s,"
            ' \'{"first_name": "An", "last_name": "Owner"}\') returning id'
        )
        with psycopg.connect(self.source_dsn) as conn:
            user = conn.execute(sql.encode(), [email]).fetchone()  # a trigger makes the sale
            assert user is not None
            row = conn.execute("select id from public.sales where user_id = %s", [user[0]]).fetchone()
        if member:
            self.twenty.order("/members", {"userEmail": email})
        assert row is not None
        return int(row[0])

    def sql(self, query: str, *values: Any) -> list[tuple[Any, ...]]:
        """One transaction in the source."""
        with psycopg.connect(self.source_dsn) as conn:
            cursor = conn.execute(query.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def ready(self) -> Context:
        """Proposed, signed, provisioned."""
        context = self.context()
        approve.approve(context, propose.propose(context).revision, "the story")
        provision.provision(context)
        return self.context()

    def begin(self, failing: str = "") -> Context:
        """Ready and started; `failing` are failpoints of the first workers only."""
        context = self.ready()
        with failing_at(failing):
            start.start(context)
        return context

    def team(self, folder: Path, rate: float = 10.0, seed: int = 7, options: Sequence[str] = ()) -> None:
        """A team edits until its process is stopped, at the end of the story at the latest."""
        self._team = folder
        command = [sys.executable, "-m", "sandbox.atomic_crm.team", "--dsn", self.source_dsn]
        processes.spawn(folder, "team", [*command, "--rate", str(rate), "--seed", str(seed), *options])

    def kill(self, worker: str) -> None:
        """kill -9 of a worker that lives."""
        pid = processes.info(self.context().run_dir, worker).pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        self.wait(lambda: not processes.alive(self.context().run_dir, worker), f"{worker} to die")

    def died(self, worker: str) -> None:
        """Waits until the worker has died of its failpoint."""
        self.wait(lambda: not processes.alive(self.context().run_dir, worker), f"{worker} to die")

    def wait(self, done: Callable[[], bool], what: str, seconds: float = 60.0) -> None:
        """Waits for a condition, looking ten times a second."""
        deadline = Deadline(seconds)
        while not done():
            assert not deadline.passed(), f"waited {seconds} s for {what}"
            with contextlib.suppress(TimeoutError):
                signal.sigtimedwait([], 0.1)

    def settle(self, seconds: float = 120.0, *, parked_may_stay: bool = False) -> None:
        """Waits until the line is quiet; workers that died come back, as under `lockgate start`."""
        Watch(self.context(), Console(quiet=True)).drain(seconds, parked_may_stay=parked_may_stay)

    def status(self) -> Mapping[str, Any]:
        """As `lockgate status --output json` answers."""
        return status.status(self.context())

    def listed(self) -> dict[tuple[str, str], Mapping[str, Any]]:
        """Dead, asked and filtered records with their reasons."""
        with self.context().ledger("story") as conn:
            found = states.listed(conn, GENERATION, ["dead", "asked", "filtered", "parked"])
        return {(r["kind"], r["key"]): r for r in found}

    def compare(self) -> compare.Comparison:
        """Every field of every record, read back; sums add up."""
        answer = self.status()
        for one in answer["objects"].values():
            six = [one[s] for s in ("filtered", "queued", "parked", "asked", "dead", "delivered")]
            assert one["rows"] == one["source"] == sum(six)
        context = self.context()
        return compare.compare(context, approve.approved(context).plan, self.listed())

    def end(self) -> None:
        """Stops team and workers and gives slot and publication back."""
        if self._team is not None:
            processes.stop(self._team, "team")
        context = self.context()
        start.stop(context)
        debezium.delete(context.connect, context.connector)
        with source_settings.connect(context.source, purpose="story") as conn:
            capture.drop(conn, self.name)
        self._close()


@contextlib.contextmanager
def failing_at(points: str) -> Iterator[None]:
    """Workers spawned inside carry these failpoints."""
    os.environ[failpoints.VARIABLE] = points
    try:
        yield
    finally:
        del os.environ[failpoints.VARIABLE]
