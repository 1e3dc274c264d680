"""Starting the services of the table side by side, each when what it needs is ready; all or none."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from concurrent import futures
from enum import StrEnum
from pathlib import Path

from infra import processes
from infra.clock import Deadline, boottime
from infra.stack import archives
from infra.stack import machine as machines
from infra.stack.archives import Archive
from infra.stack.machine import Machine
from infra.stack.services import SERVICES, Service
from schemas.errors import LockgateError

LOOK_SECONDS = 0.1
TAIL_LINES = 20
PASSING_SECONDS = 15.0


class Progress(StrEnum):
    """What `on_progress` is told of a service."""

    FETCHING = "fetching"  #: the engines are looked for, and fetched the first time
    WAITING = "waiting"  #: it waits for what it needs
    PREPARING = "preparing"  #: its data folder is filled, the first time
    STARTING = "starting"  #: its process runs and is not ready yet
    RESTARTING = "restarting"  #: it had died; it is started again
    READY = "ready"  #: it was started and is ready
    RUNNING = "running"  #: it had been running before
    FAILED = "failed"  #: it did not become ready


#: Called as (name, state, seconds since the service's turn began), from several threads, one at a time.
OnProgress = Callable[[str, Progress, float], None]


class _CancelledError(Exception):
    """Another service failed, or the operator pressed Ctrl-C."""


class Starter:
    """One run over the table."""

    def __init__(self, machine: Machine, on_progress: OnProgress) -> None:
        self._machine = machine
        self._tell = on_progress
        self._lock = threading.Lock()
        self._cancelled = threading.Event()
        self._started: list[Service] = []

    def run(self) -> None:
        """Start all; on any failure, and on Ctrl-C, stop what this run started and raise."""
        pool = futures.ThreadPoolExecutor(max_workers=len(SERVICES))
        running: dict[str, futures.Future[None]] = {}
        for service in SERVICES:
            running[service.name] = pool.submit(self._bring, service, [running[need] for need in service.needs])
        try:
            futures.wait(running.values(), return_when=futures.FIRST_EXCEPTION)
            self._cancelled.set()  # those still on their way stop; where nothing failed there are none
            pool.shutdown(wait=True)
            _raise_first(running.values())
        except BaseException:
            self._cancelled.set()
            pool.shutdown(wait=True)
            for service in reversed(self._started):
                stop(self._machine.layout.state, service)
            raise

    def _bring(self, service: Service, needs: list[futures.Future[None]]) -> None:
        began = boottime()

        def tell(state: Progress) -> None:
            with self._lock:
                self._tell(service.name, state, boottime() - began)

        if needs:
            tell(Progress.WAITING)
        futures.wait(needs)
        if any(need.exception() for need in needs):
            raise _CancelledError
        began = boottime()
        try:
            self._start(service, tell)
        except _CancelledError:
            raise
        except BaseException:
            tell(Progress.FAILED)
            raise

    def _start(self, service: Service, tell: Callable[[Progress], None]) -> None:
        self._proceed()
        before = processes.info(self._machine.layout.state, service.name)
        if before.state is not processes.State.RUNNING:
            died = before.state is processes.State.DEAD
            tell(Progress.RESTARTING if died else Progress.PREPARING)
            archive = self._machine.archive(service)
            machines.prepare(self._machine, service, archive)
            self._proceed()
            tell(Progress.STARTING)
            self._started.append(service)
            machines.start(self._machine, service, archive)
            self._await(service, archive)
        else:
            self._await(service, archives.NONE)
        machines.complete(self._machine, service)
        tell(Progress.RUNNING if before.state is processes.State.RUNNING else Progress.READY)

    def _await(self, service: Service, archive: Archive) -> None:
        """Until it is ready. One that ends with a class archive gets another try without, and the archive goes."""
        state, suspect = self._machine.layout.state, archives.NONE
        deadline, patience = Deadline(service.start_seconds), Deadline(PASSING_SECONDS)
        while not machines.ready(self._machine, service):
            self._proceed()
            said = processes.tail(state, service.name, TAIL_LINES).splitlines()
            if not processes.alive(state, service.name):
                said = processes.tail(state, service.name, TAIL_LINES).splitlines()
                passing = any(word in line for word in service.passing for line in said)
                if not passing or patience.passed():
                    if not archive.flags:
                        raise LockgateError("LG-0202", f"{service.name} ended while it started.", details=said)
                    suspect, archive = archive, archives.NONE
                machines.start(self._machine, service, archive)
            if deadline.passed():
                words = f"{service.name} was not ready after {service.start_seconds:.0f} s."
                raise LockgateError("LG-0202", words, details=said)
            time.sleep(LOOK_SECONDS)
        if suspect.used is not None:
            suspect.used.unlink(missing_ok=True)
        archives.note(state, service.name, archive)

    def _proceed(self) -> None:
        if self._cancelled.is_set():
            raise _CancelledError


def stop(state: Path, service: Service) -> bool:
    """Stop the service; True if it ran. Where its JVM was to leave a class archive, that is published."""
    seconds = service.stop_seconds + archives.writing_seconds(state, service.name)
    ran = processes.stop(state, service.name, sig=service.stop_signal, seconds=seconds)
    archives.collect(state, service.name)
    return ran


def _raise_first(done: Iterable[futures.Future[None]]) -> None:
    """The cause, not those who only were cancelled because of it."""
    for future in done:
        problem = future.exception()
        if problem is not None and not isinstance(problem, _CancelledError):
            raise problem
