"""Named processes: real children, started, looked at, stopped by pid and start time."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from infra import processes
from infra.clock import Deadline
from infra.processes import State

SLEEP = [sys.executable, "-c", "import time; print('hello', flush=True); time.sleep(600)"]
STUBBORN = [
    sys.executable,
    "-c",
    "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('deaf', flush=True); time.sleep(600)",
]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A folder whose processes are stopped at the end."""
    yield tmp_path
    for name in processes.names(tmp_path):
        processes.stop(tmp_path, name, sig=signal.SIGKILL, seconds=5)


def until(condition: Callable[[], bool]) -> None:
    """Wait for the condition, ten seconds at most."""
    deadline = Deadline(10)
    while not condition():
        assert not deadline.passed()


def test_a_spawned_process_is_known_by_name(folder: Path) -> None:
    """It runs in its own session, its output is in its log, and a second of its name is refused."""
    pid = processes.spawn(folder, "worker", SLEEP)
    until(lambda: processes.tail(folder, "worker") == "hello")
    assert processes.info(folder, "worker").state is State.RUNNING
    assert processes.info(folder, "worker").pid == pid
    assert os.getsid(pid) == pid != os.getsid(0)
    assert processes.names(folder) == ["worker"]
    with pytest.raises(FileExistsError):
        processes.spawn(folder, "worker", SLEEP)


def test_stop_ends_it_and_is_repeatable(folder: Path) -> None:
    """SIGTERM ends it; a second stop has nothing to do; its log stays."""
    pid = processes.spawn(folder, "worker", SLEEP)
    until(lambda: processes.tail(folder, "worker") == "hello")
    assert processes.stop(folder, "worker")
    assert processes.started(pid) is None
    assert processes.info(folder, "worker").state is State.STOPPED
    assert not processes.stop(folder, "worker")
    assert processes.tail(folder, "worker") == "hello"


def test_one_that_ignores_the_signal_is_killed(folder: Path) -> None:
    """After the bound SIGKILL follows."""
    pid = processes.spawn(folder, "deaf", STUBBORN)
    until(lambda: processes.tail(folder, "deaf") == "deaf")
    assert processes.stop(folder, "deaf", seconds=0.1)
    assert processes.started(pid) is None


def test_one_that_died_by_itself_is_dead_with_its_last_words(folder: Path) -> None:
    """A process gone without our stopping it is dead, not stopped, and its log's tail says why; it can be respawned."""
    words = "import sys; [print(n) for n in range(100)]; sys.exit('boom')"
    processes.spawn(folder, "worker", [sys.executable, "-c", words])
    until(lambda: processes.info(folder, "worker").state is State.DEAD)
    tail = processes.info(folder, "worker").tail.splitlines()
    assert tail[-1] == "boom"
    assert len(tail) == 20
    processes.spawn(folder, "worker", SLEEP)
    until(lambda: processes.tail(folder, "worker") == "hello")
    assert "boom" in (folder / "worker.log.1").read_text()


def test_a_pid_given_to_another_process_is_never_stopped(folder: Path) -> None:
    """The pid file of a process long gone whose pid now is another's: not ours, and not touched."""
    stranger = subprocess.Popen(SLEEP, stdout=subprocess.DEVNULL)
    try:
        noted = {"pid": stranger.pid, "started": "another boot:1"}
        processes.pid_file(folder, "worker").write_text(json.dumps(noted))
        assert processes.info(folder, "worker").state is State.DEAD
        assert not processes.stop(folder, "worker")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_damaged_pid_file_is_a_stopped_process(folder: Path) -> None:
    """A pid file cut short by a crash harms nobody."""
    processes.pid_file(folder, "worker").write_text("{")
    assert processes.info(folder, "worker").state is State.STOPPED
    assert not processes.stop(folder, "worker")


def test_it_outlives_its_parent_and_another_interpreter_stops_it(folder: Path) -> None:
    """`lockgate start` ends, its workers stay, `lockgate stop` ends them."""
    script = "import sys; from pathlib import Path; from infra import processes; "
    script += "print(processes.spawn(Path(sys.argv[1]), 'worker', sys.argv[2:]))"
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder), *SLEEP], capture_output=True, text=True, check=True
    )
    assert processes.info(folder, "worker").pid == int(done.stdout)
    assert done.stderr == ""
    assert processes.stop(folder, "worker")
    assert not processes.alive(folder, "worker")
