"""The loud end of a worker: nothing is acknowledged, the process is gone, its log says why (DESIGN 2, law 4)."""

from __future__ import annotations

import logging
import os
import sys
from typing import NoReturn

from schemas.errors import REGISTRY

#: sysexits' EX_SOFTWARE: whoever started us sees that a person must look.
EXIT_HALTED = 70

log = logging.getLogger("lockgate.streams")


def halt(code: str, found: str, exc: BaseException | None = None) -> NoReturn:
    """Log `code` with what was found and end the process at once.

    `os._exit`, not an exception: an agent that Faust restarts goes on with the *next* batch while the ledger's
    highest offset runs past the hole (engine.md 9), and Faust's own shutdown commits what it thinks is done.
    """
    kind = REGISTRY[code]
    exc_info = (type(exc), exc, exc.__traceback__) if exc is not None else None
    log.critical("%s %s %s", code, kind.meaning, found, exc_info=exc_info, extra={"action": "halt", "code": code})
    logging.shutdown()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(EXIT_HALTED)
