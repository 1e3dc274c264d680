"""`lockgate up` and `down`: what the operator sees, with the engines left out."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from control import down, up
from infra import stack
from infra.stack import Progress, services

ENDPOINTS = stack.Endpoints(
    kafka="127.0.0.1:1",
    connect="http://127.0.0.1:2",
    source_dsn="host=127.0.0.1 port=3 dbname=atomic passfile='/a long/path/that/is/never/wrapped/source.pgpass'",
    ledger_dsn="host=127.0.0.1 port=4 dbname=ledger passfile=/s/ledger.pgpass",
    secrets_dir="/s",
)


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The engines' part: tells a start, keeps the JVM flags it was given."""
    kept: dict[str, Any] = {}

    def fake(root: Path, on_progress: stack.OnProgress, *, jvm: Any) -> stack.Endpoints:
        kept.update(root=root, jvm=tuple(jvm))
        on_progress("connect", Progress.WAITING, 0.0)
        on_progress("kafka", Progress.STARTING, 0.0)
        on_progress("kafka", Progress.READY, 1.25)
        return ENDPOINTS

    monkeypatch.setattr(stack, "up", fake)
    monkeypatch.delenv(up.JVM_VARIABLE, raising=False)
    return kept


def test_a_pipe_gets_plain_lines(seen: dict[str, Any], tmp_path: Path) -> None:
    """One line a change, then the endpoints, each whole on its line."""
    out = io.StringIO()
    assert up.up(tmp_path, Console(file=out, width=40)) == ENDPOINTS
    assert out.getvalue().splitlines() == [
        "kafka: starting",
        "kafka: ready 1.2 s",
        "Kafka    127.0.0.1:1",
        "Connect  http://127.0.0.1:2",
        f"source   {ENDPOINTS.source_dsn}",
        f"ledger   {ENDPOINTS.ledger_dsn}",
    ]
    assert seen == {"root": tmp_path, "jvm": services.JVM}


def test_a_terminal_gets_a_live_table(seen: dict[str, Any], tmp_path: Path) -> None:
    """A line a service with its state, in the order of the table of services."""
    out = io.StringIO()
    up.up(tmp_path, Console(file=out, width=80, force_terminal=True, color_system=None))
    last = out.getvalue().split("\x1b[2K")[-1]
    assert last.index("kafka    ready") < last.index("connect  waiting")
    assert "1.2 s" in last


def test_the_flags_of_the_engines_can_be_set(
    seen: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """LOCKGATE_JVM replaces the flags, split as a shell would."""
    monkeypatch.setenv(up.JVM_VARIABLE, "-Xmx2g '-Dx=a b'")
    up.up(tmp_path, Console(file=io.StringIO()))
    assert seen["jvm"] == ("-Xmx2g", "-Dx=a b")


def test_down_where_nothing_runs_stops_nothing(tmp_path: Path) -> None:
    """`down` on a root that never had a stack is done already, and makes no folder."""
    assert down.down(tmp_path) == []
    assert list(tmp_path.iterdir()) == []


def test_down_removes_what_start_told_connect(tmp_path: Path) -> None:
    """Law 8: a source's password, copied for the local Connect, does not outlive the stack; its own ones stay."""
    folders = [place / ".lockgate" / "secrets" for place in (tmp_path, tmp_path / ".lockgate" / "demo")]
    for folder in folders:
        folder.mkdir(parents=True)
        for name in ("source.properties", "source.pgpass", "connect-acme.properties", "connect-source.properties"):
            (folder / name).write_text("password=x\n")
    assert down.down(tmp_path) == []
    assert [sorted(path.name for path in folder.iterdir()) for folder in folders] == [
        ["source.pgpass", "source.properties"]
    ] * 2
