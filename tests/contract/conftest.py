"""Servers that contract tests talk to over real sockets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import twenty_kit


@pytest.fixture
def twenty_sandbox(tmp_path: Path) -> Iterator[twenty_kit.TwentySandbox]:
    """A fresh Twenty stand-in without a call limit."""
    running = twenty_kit.start(tmp_path)
    yield running
    running.stop()
