"""Starts the Twenty stand-in as a process of its own and talks to both its ports."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

KEY = "test-key"
START_DEADLINE_S = 20.0


@dataclass(kw_only=True)
class TwentySandbox:
    """A running stand-in: `url` for the Twenty API, `control_url` for orders."""

    url: str
    key: str
    control_url: str
    process: subprocess.Popen[bytes]
    db: str
    session: requests.Session = field(default_factory=requests.Session)

    def call(self, method: str, path: str, body: Any = None, **more: Any) -> requests.Response:
        """One call of the Twenty API with the valid key; `path` may carry a query."""
        headers = {"Authorization": f"Bearer {self.key}", **more.pop("headers", {})}
        if body is not None:
            more["json"] = body
        return self.session.request(method, self.url + path, headers=headers, timeout=30, **more)

    def order(self, path: str, body: Mapping[str, Any]) -> Any:
        """One order to the control port; must succeed."""
        answer = requests.post(self.control_url + path, json=body, timeout=30)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def calls(self) -> Any:
        """What was asked so far."""
        return requests.get(self.control_url + "/calls", timeout=30).json()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.session.close()
        self.process.terminate()
        return self.process.wait(timeout=20)


def start(folder: Path, *options: str, db: str | None = None, key: str = KEY) -> TwentySandbox:
    """A stand-in without a limit unless `options` set one; state in `folder` unless `db` says otherwise."""
    ports_file = folder / f"ports-{time.monotonic_ns()}.json"
    file = db or str(folder / "twenty.sqlite")
    command = [sys.executable, "-m", "sandbox.twenty", "--key", key, "--db", file, "--ports-file", str(ports_file)]
    options = options if "--limit" in options else ("--limit", "0", *options)
    process = subprocess.Popen([*command, *options], cwd=Path(__file__).parents[2])
    deadline = time.monotonic() + START_DEADLINE_S
    while not ports_file.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            process.kill()
            raise AssertionError(f"the Twenty sandbox did not start (exit code {process.wait()})")
        try:
            process.wait(timeout=0.02)
        except subprocess.TimeoutExpired:
            continue
    ports = json.loads(ports_file.read_text("utf-8"))
    host = ports["host"]
    return TwentySandbox(
        url=f"http://{host}:{ports['port']}",
        control_url=f"http://{host}:{ports['control_port']}",
        key=key,
        process=process,
        db=file,
    )
