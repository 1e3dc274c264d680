"""kill -9 at named points: no field differs, no twin, states add up (H-04, H-16; S0-10, S0-15, S0-19, S0-20)."""

from __future__ import annotations

from pathlib import Path

import pytest
from story import SINK, STREAMS, Story, failing_at

from control import start
from infra import processes

pytestmark = pytest.mark.stack


def test_the_sink_dies_after_the_call_and_before_the_receipt(story: Story) -> None:
    """The answer was given, the receipt not written: the records are read, found equal, and not created again."""
    story.fill()
    story.begin(failing="sink.after-create=kill@1")
    story.died(SINK)
    story.settle()
    assert [] == story.compare().differences
    assert not story.listed()
    creates = [w for w in story.twenty.calls()["writes"] if w["action"] == "create"]
    ids = [i for w in creates for i in w["ids"]]
    assert len(ids) == len(set(ids))


def test_both_workers_die_under_a_team_that_edits_and_the_line_is_started_again(story: Story, tmp_path: Path) -> None:
    """kill -9 of streams and sink while people work, then stop and start: everything converges."""
    story.fill()
    context = story.begin(failing="take.after-ledger=kill@2,sink.after-receipt=kill@1")
    story.team(tmp_path)
    story.died(STREAMS)
    with failing_at("project.after-ledger=kill@2"):
        start.start(context)
    story.died(SINK)
    story.died(STREAMS)
    start.start(context)
    story.wait(lambda: story.status()["objects"]["contact"]["delivered"] > 20, "records to be delivered")
    story.kill(STREAMS)
    story.kill(SINK)
    start.start(context)
    assert ["sink-twenty-1", "streams-1"] == start.stop(context)  # Ctrl-C
    start.start(context)
    processes.stop(tmp_path, "team")
    story.settle()
    assert [] == story.compare().differences
