"""What tests of several rooms share: a real ledger."""

from __future__ import annotations

from collections.abc import Iterator

import ledger_desk
import ledger_kit
import pytest

from ledger import desired


@pytest.fixture(scope="session")
def ledger_server() -> Iterator[ledger_kit.Server]:
    """One throw-away PostgreSQL a session."""
    server = ledger_kit.start()
    yield server
    ledger_kit.stop(server)


@pytest.fixture
def ledger(ledger_server: ledger_kit.Server) -> Iterator[ledger_kit.Ledger]:
    """A fresh, migrated ledger a test."""
    made = ledger_kit.fresh(ledger_server)
    yield made
    made.close()


@pytest.fixture
def desk(ledger: ledger_kit.Ledger, monkeypatch: pytest.MonkeyPatch) -> ledger_desk.Desk:
    """A ledger to work on by hand, step by step; a record may be written again at once."""
    monkeypatch.setattr(desired, "CALM_S", 0.0)
    return ledger_desk.Desk(ledger=ledger)
