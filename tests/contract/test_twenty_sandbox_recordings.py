"""The stand-in answers as Twenty 2.21 was recorded to answer, exchange by exchange, over a real socket."""

from __future__ import annotations

from pathlib import Path

import pytest
import twenty_kit
import twenty_replay

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
        replay = twenty_replay.Replay(sandbox, start)
        found = []
        for exchange in whole["exchanges"]:
            if start.get("limited"):
                _drain(sandbox)
            answer = replay.send(exchange)
            label = f"{exchange['n']} {exchange['label']}"
            found += [f"{label} {line}" for line in replay.differences(exchange, answer)]
        assert found == []
    finally:
        assert sandbox.stop() == 0


def _drain(sandbox: twenty_kit.TwentySandbox) -> None:
    """Spends every token; two hundred calls are more than enough for a hundred tokens."""
    for _ in range(200):
        if sandbox.call("GET", "/rest/companies?limit=0").status_code == 429:
            return
    raise AssertionError("the limit of 100 calls was never reached")


def test_every_exchange_left_out_has_its_reason() -> None:
    """What is not replayed is listed with why, beside the recording."""
    reasons = {name: twenty_replay.recording(name)["skipped"] for name in FILES}
    assert all(text for skipped in reasons.values() for text in skipped.values())
    assert sum(len(twenty_replay.recording(name)["exchanges"]) for name in FILES) == 305
