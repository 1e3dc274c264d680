"""Named processes that outlive us: spawn, look, stop. Their pid and log files lie in one folder per area.

A process is known by its pid *and* its start time, so that a pid the system has given to another is never stopped.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from infra.clock import Deadline

TAIL_BYTES = 64 * 1024
POLL_SECONDS = 0.02
KILL_SECONDS = 5.0


class _Child(subprocess.Popen[bytes]):
    """A child that may outlive us on purpose: no warning when its object goes."""

    def __del__(self) -> None:
        """Nothing to say."""


#: Processes this interpreter started: kept so that they are reaped and none stays a zombie while we live.
_ours: dict[int, _Child] = {}


class State(StrEnum):
    """What a named process is doing."""

    RUNNING = "running"  #: it lives
    DEAD = "dead"  #: it was started, nobody stopped it, and it is gone
    STOPPED = "stopped"  #: never started, or stopped by us


@dataclass(frozen=True, kw_only=True)
class Account:
    """An unprivileged user to run a process as (only root may choose)."""

    #: Login name.
    name: str
    #: User id.
    uid: int
    #: Primary group id.
    gid: int


@dataclass(frozen=True, kw_only=True)
class ProcessInfo:
    """One named process as it is now."""

    #: The name it was spawned under.
    name: str
    #: Running, dead or stopped.
    state: State
    #: Its pid while running, else the last one known.
    pid: int | None
    #: Its log file.
    log: Path
    #: The last lines of its log if it is dead, else empty.
    tail: str = ""


def log_file(folder: Path, name: str) -> Path:
    """Where the process's output goes."""
    return folder / f"{name}.log"


def pid_file(folder: Path, name: str) -> Path:
    """Where its pid and start time are noted."""
    return folder / f"{name}.pid"


def spawn(
    folder: Path,
    name: str,
    command: Sequence[str],
    *,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    account: Account | None = None,
) -> int:
    """Start `command` in a session of its own (Ctrl-C does not reach it), output to its log; its pid.

    The log of the run before is kept as `<name>.log.1`. Raises FileExistsError if a process of that name lives,
    OSError if the program cannot be started.
    """
    if alive(folder, name):
        raise FileExistsError(f"{name} is already running")
    folder.mkdir(parents=True, exist_ok=True)
    log = log_file(folder, name)
    if log.exists():
        log.replace(log.with_suffix(".log.1"))
    with log.open("ab") as out:
        child = _Child(
            list(command),
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=None if env is None else dict(env),
            cwd=cwd,
            start_new_session=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )
    _ours[child.pid] = child
    _note(pid_file(folder, name), child.pid)
    return child.pid


def alive(folder: Path, name: str) -> bool:
    """True while the process spawned under that name lives."""
    noted = _noted(pid_file(folder, name))
    return noted is not None and _lives(*noted)


def info(folder: Path, name: str) -> ProcessInfo:
    """What is known of the name; never raises for one never spawned."""
    log = log_file(folder, name)
    noted = _noted(pid_file(folder, name))
    if noted is None:
        return ProcessInfo(name=name, state=State.STOPPED, pid=None, log=log)
    if _lives(*noted):
        return ProcessInfo(name=name, state=State.RUNNING, pid=noted[0], log=log)
    return ProcessInfo(name=name, state=State.DEAD, pid=noted[0], log=log, tail=tail(folder, name))


def names(folder: Path) -> list[str]:
    """Names spawned in the folder and not stopped since, sorted."""
    return sorted(path.stem for path in folder.glob("*.pid"))


def tail(folder: Path, name: str, lines: int = 20) -> str:
    """The last lines of the log; empty if there is none."""
    try:
        with log_file(folder, name).open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(0, log.tell() - TAIL_BYTES))
            text = log.read().decode("utf-8", "replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-lines:])


def stop(folder: Path, name: str, *, sig: signal.Signals = signal.SIGTERM, seconds: float = 10.0) -> bool:
    """Ask with `sig`, kill after `seconds`; True if it lived. Its pid file goes, its log stays."""
    path = pid_file(folder, name)
    noted = _noted(path)
    lived = noted is not None and _lives(*noted)
    if noted is not None and lived:
        _signal(noted[0], sig)
        if not _gone(noted, seconds):
            _signal_session(noted[0], signal.SIGKILL)
            _gone(noted, KILL_SECONDS)
    path.unlink(missing_ok=True)
    return lived


def started(pid: int) -> str | None:
    """A token of the process's start, different for every process that ever has this pid; None if it is gone."""
    child = _ours.get(pid)
    if child is not None and child.poll() is not None:
        _ours.pop(pid, None)
        return None
    stat = Path(f"/proc/{pid}/stat")
    if not Path("/proc/self/stat").exists():
        shown = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
        return shown.stdout.strip() or None
    try:
        fields = stat.read_text(encoding="utf-8", errors="replace").rpartition(")")[2].split()
    except OSError:
        return None
    # proc(5): after the command's closing parenthesis the state is the first field, the start time the twentieth.
    return None if fields[0] in {"Z", "X"} else f"{_boot_id()}:{fields[19]}"


def command(pid: int) -> str:
    """The command line of any process, words parted by spaces; empty for one that is gone or only waits for its end."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace").strip()
    except OSError:
        if Path("/proc/self").exists():
            return ""
    shown = subprocess.run(["ps", "-o", "command=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return shown.stdout.strip()


def _boot_id() -> str:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    except OSError:
        return ""


def _note(path: Path, pid: int) -> None:
    """Write the pid file in one step; a process already gone is noted too, and reads as dead."""
    fresh = path.with_suffix(".pid.new")
    fresh.write_text(json.dumps({"pid": pid, "started": started(pid) or ""}) + "\n", encoding="utf-8")
    fresh.replace(path)


def _noted(path: Path) -> tuple[int, str] | None:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        return int(found["pid"]), str(found["started"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _lives(pid: int, token: str) -> bool:
    return token != "" and started(pid) == token


def _gone(noted: tuple[int, str], seconds: float) -> bool:
    deadline = Deadline(seconds)
    while _lives(*noted):
        if deadline.passed():
            return False
        time.sleep(POLL_SECONDS)
    return True


def _signal(pid: int, sig: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, sig)


def _signal_session(pid: int, sig: signal.Signals) -> None:
    """To the process and its children: it leads a process group of its own (spawn)."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, sig)
