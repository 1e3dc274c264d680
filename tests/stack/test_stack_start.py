"""Starting the stack when something is wrong: told with the log's tail, and nothing left running."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from infra import processes
from infra import stack as engines
from infra.processes import State
from infra.stack import layout
from schemas.errors import LockgateError

pytestmark = [pytest.mark.stack, pytest.mark.timeout(120)]

UP = """
import sys
from pathlib import Path
from infra import stack
stack.up(Path(sys.argv[1]), lambda name, state, seconds: print(name, state.value, flush=True))
"""


@pytest.fixture
def root(tmp_path: Path) -> Iterator[Path]:
    """A root of its own, with a space in its path, wiped afterwards."""
    folder = tmp_path / "a root"
    folder.mkdir()
    yield folder
    engines.wipe(folder)
    assert not layout.of(folder).data.exists()


def test_a_service_that_ends_while_starting_is_told_with_its_log(root: Path) -> None:
    """LG-0202 carries the log's tail; what had started beside it is stopped again."""
    with pytest.raises(LockgateError) as failed:
        engines.up(root, jvm=["-XX:NoSuchFlag"])
    assert failed.value.code == "LG-0202"
    assert "kafka could not be prepared" in failed.value.message()
    place = layout.of(root)
    (place.data / "kafka.prepared").touch()
    with pytest.raises(LockgateError) as failed:
        engines.up(root, jvm=["-XX:NoSuchFlag"])
    assert failed.value.code == "LG-0202"
    assert "kafka ended while it started" in failed.value.message()
    assert any("NoSuchFlag" in line for line in failed.value.details)
    assert {one.state for one in engines.status(root)} == {State.STOPPED}


def test_ctrl_c_during_the_start_leaves_no_process(root: Path) -> None:
    """SIGINT while the broker starts: the command ends by it, after stopping what it had started."""
    with subprocess.Popen([sys.executable, "-c", UP, str(root)], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        for line in child.stdout:
            if line == "kafka starting\n":
                break
        child.send_signal(signal.SIGINT)
        child.stdout.read()
    assert child.returncode == -signal.SIGINT
    assert {one.state for one in engines.status(root)} == {State.STOPPED}


def test_another_stack_starts_beside_a_running_one(stack, root: Path) -> None:
    """Two roots, two stacks: no address in common, and stopping one leaves the other."""
    beside = engines.up(root)
    ours = stack.endpoints
    assert {beside.kafka, beside.connect, beside.source_dsn, beside.ledger_dsn}.isdisjoint(
        {ours.kafka, ours.connect, ours.source_dsn, ours.ledger_dsn}
    )
    pids = [one.pid for one in engines.status(root)]
    engines.down(root)
    assert [pid for pid in pids if pid is not None and processes.started(pid)] == []
    engines.check(stack.root)
