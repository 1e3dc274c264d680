"""The rehearsal's scene, with the engines left out."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from demo import scene
from demo.scene import Scene, Wish
from infra import processes
from sandbox.twenty import __main__ as sandbox


@pytest.mark.parametrize("key", ["abc", "-abc", "--db"])
def test_the_sandbox_understands_any_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    """A random key may begin with a dash: one in 64 did, and the rehearsal ended before it began."""
    ports = {"host": "127.0.0.1", "port": 1, "control_port": 2, "pid": 3}
    spawned: list[Sequence[str]] = []

    def spawn(folder: Path, name: str, command: Sequence[str]) -> int:
        spawned.append(command)
        (folder / f"{name}.json").write_text(json.dumps(ports))
        return 3

    monkeypatch.setattr(processes, "spawn", spawn)
    monkeypatch.setenv(scene.KEY_ENV, key)
    assert Scene(Wish(root=tmp_path, limit=7), Console(file=io.StringIO()))._sandbox() == ports
    [command] = spawned
    monkeypatch.setattr(sys, "argv", ["sandbox.twenty", *command[3:]])
    given = sandbox._settings()
    assert (given.key, given.limit, given.db) == (key, 7, str(tmp_path / ".lockgate" / "side" / "twenty.sqlite"))
