"""Failpoints: nothing without the variable; kill, raise and wait with it."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from infra import failpoints
from infra.clock import Deadline

SCRIPT = """
from infra import failpoints
for turn in range(1, 6):
    print(turn, flush=True)
    try:
        failpoints.hit("here")
    except failpoints.FailpointError as error:
        print("raised", error, flush=True)
    failpoints.hit("elsewhere")
"""


def run(spec: str) -> subprocess.CompletedProcess[str]:
    """The script in an interpreter of its own under the specification."""
    environment = {**os.environ, failpoints.VARIABLE: spec}
    return subprocess.run([sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=False)


def test_without_the_variable_nothing_happens() -> None:
    """An empty specification is no specification."""
    done = run("")
    assert (done.returncode, done.stdout.split()) == (0, ["1", "2", "3", "4", "5"])


def test_kill_acts_at_the_named_hit() -> None:
    """`kill@3` is SIGKILL at the third pass, before the pass goes on."""
    done = run("here=kill@3")
    assert (done.returncode, done.stdout.split()) == (-signal.SIGKILL, ["1", "2", "3"])


def test_raise_acts_once() -> None:
    """`raise` without a number acts at the first pass and never again."""
    done = run("other=kill, here=raise")
    assert done.returncode == 0
    assert done.stdout.splitlines() == ["1", "raised here", "2", "3", "4", "5"]


def test_wait_holds_until_the_file_appears(tmp_path: Path) -> None:
    """`wait:PATH` tells that it was reached and goes on when the path exists."""
    gate, reached = tmp_path / "go", tmp_path / "go.reached"
    environment = {**os.environ, failpoints.VARIABLE: f"here=wait:{gate}@2"}
    with subprocess.Popen([sys.executable, "-c", SCRIPT], env=environment, stdout=subprocess.PIPE, text=True) as child:
        deadline = Deadline(20)
        while not reached.exists():
            assert not deadline.passed()
        assert child.poll() is None
        gate.touch()
        out, _ = child.communicate(timeout=20)
    assert (child.returncode, out.split()) == (0, ["1", "2", "3", "4", "5"])


@pytest.mark.parametrize("spec", ["here", "here=explode", "here=wait", "here=kill:/tmp/x"])
def test_a_specification_that_is_none_is_refused(spec: str) -> None:
    """A typing error in a test's failpoint must not look like a passed test."""
    with pytest.raises(ValueError, match="not a failpoint"):
        failpoints.parse(spec)
