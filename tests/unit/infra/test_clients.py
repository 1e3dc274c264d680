"""Clients and logs: failures in our words, nothing secret, nothing personal."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator

import psycopg
import pytest
import structlog

from infra import clock, kafka, logs, ports, postgres
from schemas.errors import LockgateError


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where the logs go during the test."""
    handlers, level = logging.root.handlers[:], logging.root.level
    out = io.StringIO()
    logs.configure("test", stream=out)
    yield out
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()
    logging.root.handlers[:] = handlers
    logging.root.setLevel(level)


def test_an_unreachable_postgres_is_told_without_its_password() -> None:
    """The code is the caller's; the message holds the address, not the DSN."""
    port = ports.free()
    with pytest.raises(LockgateError) as failed:
        postgres.connect(
            f"postgresql://bob:hunter2@127.0.0.1:{port}/crm", application="test", error="LG-0301", seconds=2
        )
    assert failed.value.code == "LG-0301"
    assert f"127.0.0.1:{port}/crm" in failed.value.message()
    assert "hunter2" not in failed.value.message()
    assert failed.value.__cause__ is None
    assert failed.value.__context__ is None


@pytest.mark.parametrize("dsn", ["postgres//bob:hunter2@host/crm", "host=h password='hunter2", "hunter2"])
def test_a_dsn_that_is_none_is_not_quoted(dsn: str) -> None:
    """libpq quotes what it cannot read, and that may be a password."""
    with pytest.raises(LockgateError) as failed:
        postgres.connect(dsn, application="test", error="LG-0208")
    assert failed.value.code == "LG-0208"
    assert "hunter2" not in failed.value.message() + postgres.address(dsn)


def test_an_unreachable_broker_is_lg_0206(monkeypatch: pytest.MonkeyPatch) -> None:
    """Kafka away: one code with its address, from every admin helper."""
    monkeypatch.setattr(kafka, "SECONDS", 0.5)
    bootstrap = f"127.0.0.1:{ports.free()}"
    assert not kafka.reachable(bootstrap, seconds=0.3)
    with pytest.raises(LockgateError) as failed:
        kafka.ensure_topics(bootstrap, {"t": (1, {})})
    assert failed.value.code == "LG-0206"
    assert bootstrap in failed.value.message()


def test_a_log_line_is_json_with_action_and_key(stream: io.StringIO) -> None:
    """One line an event; program, room, action and the record's key."""
    logs.get("sinks").info("claimed", object="company", key="17")
    line = json.loads(stream.getvalue())
    assert line.pop("at").endswith("Z")
    assert line == {
        "action": "claimed",
        "key": "17",
        "level": "info",
        "object": "company",
        "program": "test",
        "room": "sinks",
    }


def test_an_exception_is_logged_without_its_words(stream: io.StringIO) -> None:
    """An exception's text may quote a row (law 8): type and place are enough; our own errors keep their text."""
    for error in (psycopg.DataError("Key (email)=(ann@example.com)"), LockgateError("LG-0206", "host:1")):
        try:
            raise error
        except (psycopg.Error, LockgateError):
            logs.get("ledger").exception("failed")
            logging.getLogger("library").exception("oops")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["error"]["type"] for line in lines] == ["DataError"] * 2 + ["LockgateError"] * 2
    assert "test_clients.py" in lines[0]["error"]["at"][-1]
    assert lines[2]["error"]["code"] == "LG-0206"
    assert "ann@" not in stream.getvalue()


def test_the_clock_of_leases_goes_forward() -> None:
    """A deadline passes, and never has less than nothing left."""
    before = clock.boottime()
    deadline = clock.Deadline(0.0)
    assert deadline.passed()
    assert deadline.left() == 0.0
    assert not clock.Deadline(60).passed()
    assert clock.boottime() >= before
