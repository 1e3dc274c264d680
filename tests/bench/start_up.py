"""How long the stack takes to start, with class archives and without, turn by turn; medians for ADR-0009.

    PYTHONPATH=. .venv/bin/python tests/bench/start_up.py [turns]

New: initdb and format are part of it. Again: the data is there. CPU: of the JVM until it is ready.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from unittest import mock

from infra import stack
from infra.clock import boottime
from infra.stack import archives
from infra.stack.machine import Machine


def cpu_s(pid: int) -> float:
    """CPU seconds a process has used so far (proc(5): fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def one(root: Path) -> dict[str, float]:
    """One start and stop; seconds by what took them."""
    took: dict[str, float] = {}
    began = boottime()
    stack.up(root, lambda name, state, s: took.update({name: s}) if state is stack.Progress.READY else None)
    took = {"all": boottime() - began, "kafka": took["kafka"], "connect": took["connect"]}
    for info in stack.status(root):
        if info.pid is not None and info.name in ("kafka", "connect"):
            took[f"{info.name} CPU"] = cpu_s(info.pid)
    began = boottime()
    stack.down(root)
    return {**took, "stop": boottime() - began}


def main(turns: int) -> None:
    """Prints a line a way."""
    found: dict[tuple[str, str], dict[str, list[float]]] = defaultdict(lambda: defaultdict(list))
    with tempfile.TemporaryDirectory(prefix="lockgate-bench-") as folder:
        root = Path(folder)
        try:
            for _ in range(turns):
                for way in ("without", "with"):
                    stack.wipe(root)
                    for age in ("new", "again"):
                        plain = mock.patch.object(Machine, "archive", lambda _self, _service: archives.NONE)
                        with plain if way == "without" else mock.MagicMock():
                            for name, seconds in one(root).items():
                                found[age, way][name].append(seconds)
        finally:
            stack.wipe(root)
    for (age, way), one_way in sorted(found.items()):
        print(age, way, {name: round(statistics.median(values), 2) for name, values in one_way.items()}, flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
