"""Opens the adapter a run file names; the key comes from the environment and goes nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping

from schemas.errors import LockgateError
from schemas.run_file import RunFile
from sinks import twenty
from sinks.base import Sink


def open_sink(run: RunFile, environ: Mapping[str, str] = os.environ) -> Sink:
    """The destination's adapter. Raises LG-0103 when the key's variable is not set."""
    key = environ.get(run.destination_key_env, "").strip()
    if not key:
        raise LockgateError("LG-0103", run.destination_key_env)
    if run.destination == "twenty":
        return twenty.open(
            twenty.Settings.model_validate({"url": run.destination_url, "key": key, "timeout_s": run.http_timeout_s})
        )
    raise LockgateError("LG-0102", f"destination.kind: {run.destination} is not one this version writes to")
