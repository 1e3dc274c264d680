"""The scene: a stack of its own, a source full of believable and dirty data, a destination, a team that edits."""

from __future__ import annotations

import json
import os
import secrets
import shlex
import signal
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console

from control import context as contexts
from control import init
from control import up as up_verb
from control.context import Context
from infra import processes, stack
from infra.clock import Deadline
from sandbox.atomic_crm import generator
from schemas.errors import LockgateError

DSN_ENV = "LOCKGATE_DEMO_SOURCE_DSN"
KEY_ENV = "LOCKGATE_DEMO_TWENTY_KEY"
SANDBOX, TEAM = "sandbox-twenty", "team"
READY_S = 20.0


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What the person at the keyboard asked for."""

    scale: float = 1.0  #: 1 = 1,000 companies and 5,000 contacts
    seed: int = 7  #: same seed, same data and edits
    rate: float = 10.0  #: row changes a second
    limit: int = 100  #: calls per 60 s of the Twenty sandbox; 0 = none
    keep: bool = False  #: leave everything running
    twenty_url: str | None = None  #: a real Twenty instead of the sandbox
    twenty_key: str | None = None
    root: Path = Path(".lockgate/demo")  #: folder of this rehearsal


class Scene:
    """Sets everything up, and takes it away again."""

    def __init__(self, wish: Wish, console: Console) -> None:
        self.wish = wish
        self.root = wish.root.resolve()
        self._console = console
        self._side = self.root / ".lockgate" / "side"

    def set_up(self) -> Context:
        """A fresh scene: what an earlier rehearsal left is stopped and thrown away."""
        self.take_down()
        stack.wipe(self.root)
        self.root.mkdir(parents=True, exist_ok=True)
        endpoints = up_verb.up(self.root, self._console)
        data = generator.generate(seed=self.wish.seed, scale=self.wish.scale)
        generator.create(endpoints.source_dsn)
        generator.load(endpoints.source_dsn, data)
        os.environ[DSN_ENV] = endpoints.source_dsn
        url = self._destination([str(sale["email"]) for sale in data.sales])
        return self._migration(url)

    def team(self) -> None:
        """The team begins to edit."""
        command = [sys.executable, "-m", "sandbox.atomic_crm.team", "--dsn", os.environ[DSN_ENV]]
        command += ["--rate", str(self.wish.rate), "--seed", str(self.wish.seed)]
        processes.spawn(self._side, TEAM, command)

    def team_stops(self) -> dict[str, Any]:
        """The team ends its transaction and goes; what it did, by kind."""
        if processes.alive(self._side, TEAM):
            processes.stop(self._side, TEAM, sig=signal.SIGTERM, seconds=20.0)
        lines = processes.tail(self._side, TEAM, lines=1).splitlines()
        try:
            summary: dict[str, Any] = json.loads(lines[-1])
        except (IndexError, ValueError):
            raise LockgateError("LG-0703", "the editing team ended without its summary", details=lines) from None
        return summary

    def take_down_unhurried(self) -> None:
        """`take_down`, which a second Ctrl-C does not cut short: it takes seconds and leaves nothing running."""
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
        before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
        try:
            self.take_down()
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)

    def take_down(self) -> None:
        """Stops everything of this scene by pid, dependants first; data and logs stay until the next rehearsal."""
        for name in processes.names(self.root / ".lockgate" / "run" / "demo"):
            processes.stop(self.root / ".lockgate" / "run" / "demo", name, seconds=15.0)
        for name in (TEAM, SANDBOX):
            processes.stop(self._side, name)
        stack.down(self.root)

    def _destination(self, emails: list[str]) -> str:
        if self.wish.twenty_url:
            os.environ[KEY_ENV] = self.wish.twenty_key or os.environ.get(KEY_ENV, "")
            return self.wish.twenty_url
        os.environ[KEY_ENV] = secrets.token_urlsafe(24)
        ports = self._sandbox()
        with httpx.Client(base_url=f"http://127.0.0.1:{ports['control_port']}", timeout=10) as control:
            for email in emails:
                control.post("/members", json={"userEmail": email}).raise_for_status()
        return f"http://127.0.0.1:{ports['port']}"

    def _sandbox(self) -> dict[str, int]:
        where = self._side / "sandbox-twenty.json"
        self._side.mkdir(parents=True, exist_ok=True)
        where.unlink(missing_ok=True)
        (self._side / "twenty.sqlite").unlink(missing_ok=True)
        command = [sys.executable, "-m", "sandbox.twenty", "--db", str(self._side / "twenty.sqlite")]
        # `--key=`: a key made at random may begin with a dash.
        command += [f"--key={os.environ[KEY_ENV]}", "--limit", str(self.wish.limit), "--ports-file", str(where)]
        processes.spawn(self._side, SANDBOX, command)
        deadline = Deadline(READY_S)
        while not where.exists():
            if deadline.passed() or not processes.alive(self._side, SANDBOX):
                tail = processes.tail(self._side, SANDBOX).splitlines()
                raise LockgateError("LG-0202", "The Twenty sandbox.", details=tail)
        ports: dict[str, int] = json.loads(where.read_text())
        return ports

    def _migration(self, url: str) -> Context:
        path = self.root / "migration.yaml"
        path.unlink(missing_ok=True)
        init.init(path, migration="demo", url=url, dsn_env=DSN_ENV, key_env=KEY_ENV)
        text = path.read_text(encoding="utf-8")
        text = text.replace("calls: 100,", f"calls: {self.wish.limit},")
        if self.wish.twenty_url:
            text = text.replace("owner_unmatched: block", "owner_unmatched: hold")
        path.write_text(text, encoding="utf-8")
        self._environment()
        return contexts.load(path)

    def _environment(self) -> None:
        """For whoever looks at a kept rehearsal from another shell; the key of a real Twenty is never written."""
        names = [DSN_ENV] if self.wish.twenty_url else [DSN_ENV, KEY_ENV]
        path = self.root / "env"
        path.touch(mode=0o600)
        path.write_text("".join(f"export {name}={shlex.quote(os.environ[name])}\n" for name in names))
