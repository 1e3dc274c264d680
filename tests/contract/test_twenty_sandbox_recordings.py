"""The stand-in answers as Twenty 2.21 was recorded to answer, exchange by exchange, over a real socket."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import twenty_kit
import twenty_replay
import webhook_listener

FILES = sorted(path.stem for path in twenty_replay.DATA.glob("[0-9]*.json"))


@pytest.mark.parametrize("name", FILES)
def test_recorded_exchanges(name: str, tmp_path: Path) -> None:
    """Every exchange of a recording gets the recorded status, key tree, error text and values (S0-53, S0-55)."""
    whole = twenty_replay.recording(name)
    start = whole["start"]
    options = ["--metadata-format", "legacy"] if start.get("legacy") else []
    if start.get("limited"):
        options += ["--limit", "100"]
    sandbox = twenty_kit.start(tmp_path, *options)
    try:
        with webhook_listener.listening() as listener:
            assert _differences(sandbox, whole, listener) == []
    finally:
        assert sandbox.stop() == 0


def _differences(
    sandbox: twenty_kit.TwentySandbox, whole: dict[str, Any], listener: webhook_listener.Listener
) -> list[str]:
    start = whole["start"]
    replay = twenty_replay.Replay(sandbox, start, listener.url if "listener" in start else None)
    found = []
    for exchange in whole["exchanges"]:
        if start.get("limited"):
            _drain(sandbox)
        answer = replay.send(exchange)
        label = f"{exchange['n']} {exchange['label']}"
        found += [f"{label} {line}" for line in replay.differences(exchange, answer)]
    return found + _delivery_differences(replay, whole.get("deliveries", []), listener)


def _delivery_differences(
    replay: twenty_replay.Replay, recorded: list[dict[str, Any]], listener: webhook_listener.Listener
) -> list[str]:
    """Webhooks come in no order; they are paired by path, event and the record's name."""
    came = listener.wait(len(recorded))
    assert len(came) == len(recorded)
    ours = sorted(came, key=lambda one: _kind(one.path, one.body))
    found = []
    for one, letter in zip(sorted(recorded, key=lambda one: _kind(one["path"], one["body"])), ours, strict=True):
        found += replay.letter_differences(one["body"], letter.body)
        names = {name.lower() for name in letter.headers} - {"content-length", "host"}
        if {name.lower() for name in one["headers"]} != names:
            found.append(f"{one['path']} headers {sorted(names)}")
    return found


def _kind(path: str, body: Any) -> tuple[str, str, str]:
    return path, body["eventName"], body["record"]["name"]


def _drain(sandbox: twenty_kit.TwentySandbox) -> None:
    """Spends every token; two hundred calls are more than enough for a hundred tokens."""
    for _ in range(200):
        if sandbox.call("GET", "/rest/companies?limit=0").status_code == 429:
            return
    raise AssertionError("the limit of 100 calls was never reached")


def test_every_exchange_left_out_has_its_reason() -> None:
    """What is not replayed is listed with why, beside the recording."""
    files = [twenty_replay.recording(name) for name in FILES]
    skipped = [text for one in files for text in one["skipped"].values()]
    replayed = sum(len(one["exchanges"]) for one in files)
    assert all(skipped)
    assert (len(FILES), replayed, len(skipped)) == (18, 375, 5)
    assert len(skipped) <= 0.1 * (replayed + len(skipped))
