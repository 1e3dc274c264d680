"""`lockgate down`: stop the local stack; its data stays."""

from __future__ import annotations

from pathlib import Path

from infra import stack


def down(root: Path) -> list[str]:
    """Stop every service by its pid, dependants first; the names of those that ran."""
    return stack.down(root)
