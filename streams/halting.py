"""The loud end of a worker: nothing is acknowledged, the process is gone, its log says why (DESIGN 2, law 4)."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

from infra import logs
from schemas.errors import REGISTRY

#: sysexits' EX_SOFTWARE: whoever started us sees that a person must look.
EXIT_HALTED = 70

log = logs.get("streams")


def halt(code: str, found: str, exc: BaseException | None = None) -> NoReturn:
    """Log `code` with what was found and end the process at once.

    `os._exit`, not an exception: an agent that Faust restarts goes on with the *next* batch while the ledger's
    highest offset runs past the hole (engine.md 9), and Faust's own shutdown commits what it thinks is done.
    """
    log.critical("halt", code=code, meaning=REGISTRY[code].meaning, found=found, exc_info=exc)
    leave(EXIT_HALTED)


def leave(code: int) -> NoReturn:
    """End the process now: logs are flushed, threads in the middle of a transaction are not waited for."""
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
