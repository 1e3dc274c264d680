"""SQL lives in named files: `-- name: upsert`, a sentence, the statement."""

from __future__ import annotations

import re
from functools import cache
from importlib import resources
from typing import LiteralString

_NAME = re.compile(r"^-- name: (\w+)$", re.MULTILINE)


@cache
def _family(name: str) -> dict[str, str]:
    text = resources.files("ledger").joinpath("sql", f"{name}.sql").read_text()
    pieces = _NAME.split(text)[1:]
    return dict(zip(pieces[::2], pieces[1::2], strict=True))


def query(family: str, name: str) -> LiteralString:
    """The statement `name` of `ledger/sql/<family>.sql`."""
    return _family(family)[name]
