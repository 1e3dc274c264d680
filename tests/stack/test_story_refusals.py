"""What stands in the way is one error with its code and remedy, and nothing is written (law 5, law 6; S0-33)."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from story import DSN_ENV, KEY_ENV, Story

from control import approve, propose, provision, start
from infra import ports
from schemas.errors import LockgateError

pytestmark = pytest.mark.stack


def refused(story: Story) -> LockgateError:
    """`start` is refused; nothing was written to source, ledger's generations or destination."""
    before = story.twenty.calls()["writes"]
    with pytest.raises(LockgateError) as caught:
        start.start(story.context())
    assert before == story.twenty.calls()["writes"]
    assert [(0,)] == story.sql("select count(*) from pg_publication where pubname like 'lockgate%%'")
    assert not story.context().run_dir.exists()
    return caught.value


def test_nothing_is_written_without_approval_and_shapes(story: Story) -> None:
    """Not approved: LG-0401. Approved but not provisioned: LG-0403 with the list. An edited file changes nothing."""
    story.fill()
    story.context()
    assert "LG-0401" == refused(story).code
    proposal = propose.propose(story.context())
    with pytest.raises(LockgateError) as caught:
        approve.approve(story.context(), "0" * 64, "somebody")
    assert "LG-0402" == caught.value.code
    approve.approve(story.context(), proposal.revision[:12], "somebody")
    error = refused(story)
    assert "LG-0403" == error.code
    assert "company.migrationFlags" in error.details
    made = provision.provision(story.context())
    assert made
    assert [] == list(provision.provision(story.context()))
    story.file["policies"] = {"owner_unmatched": "hold"}
    revision = approve.approved(story.context()).revision
    assert proposal.revision == revision
    assert start.start(story.context()).checked.edited


def test_an_owner_without_a_member_blocks(story: Story) -> None:
    """LG-0404 names the owner and what it owns; `hold` lets it through and lists it (S0-33)."""
    known = story.owner("known@example.com")
    unknown = story.owner("Unknown@example.com", member=False)
    story.owner("idle@example.com", member=False)  # owns nothing: no reason to stop
    story.sql("insert into public.companies (id, name, sales_id) values (1, 'A', %s), (2, 'B', %s)", known, unknown)
    story.ready()
    error = refused(story)
    assert "LG-0404" == error.code
    assert [f"sale {unknown} <unknown@example.com>: 1 company"] == list(error.details)
    story.file["policies"] = {"owner_unmatched": "hold"}
    story.ready()
    assert [str(unknown)] == [u.key for u in start.start(story.context()).checked.held]
    story.settle()
    assert [] == story.compare().differences


def test_a_workflow_that_would_react_blocks(story: Story) -> None:
    """LG-0405 names the workflow; the file may accept it by name; an inactive one does not matter (`twenty.md` 0.6)."""
    story.owner()
    story.ready()
    story.twenty.order("/workflows", {"name": "Asleep", "event": "person.upserted", "active": False})
    story.twenty.order("/workflows", {"name": "Create company", "event": "person.upserted"})
    error = refused(story)
    assert ("LG-0405", ["'Create company' on person.upserted"]) == (error.code, list(error.details))
    story.file["policies"] = {"accept_workflows": ["Create company"]}
    story.ready()
    start.start(story.context())


def test_wrong_key_wrong_address_kafka_down(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each is one error with its own code: LG-0502, LG-0501, LG-0206, LG-0207, LG-0301, LG-0103."""
    story.fill()
    story.ready()
    right = json.loads(json.dumps(story.file))
    nowhere = f"127.0.0.1:{ports.free()}"

    def with_(place: str, name: str, value: str) -> str:
        story.file = json.loads(json.dumps(right))
        story.file[place][name] = value
        return refused(story).code

    assert "LG-0501" == with_("destination", "url", f"http://{nowhere}")
    assert "LG-0206" == with_("engine", "kafka", nowhere)
    assert "LG-0207" == with_("engine", "connect", f"http://{nowhere}")
    assert "LG-0103" == with_("destination", "key_env", "NO_SUCH_VARIABLE")
    story.file = {**right, "policies": {"owner_unmatched": "hold"}}
    monkeypatch.setenv(KEY_ENV, "a key that is not the key")
    assert "LG-0502" == refused(story).code
    monkeypatch.setenv(KEY_ENV, story.twenty.key)
    monkeypatch.setenv(DSN_ENV, psycopg.conninfo.make_conninfo(story.source_dsn, password="wrong"))
    error = propose_error(story)
    assert "LG-0301" == error.code
    assert "wrong" not in error.message()
    monkeypatch.setenv(DSN_ENV, story.source_dsn)


def test_the_command_says_it_once_and_exits_by_the_table(story: Story) -> None:
    """An unknown key in migration.yaml: exit 2, file and line, JSON for programs; not approved: exit 1."""
    story.context()
    answer = lockgate(story, "start")
    assert (1, "LG-0401") == (answer.returncode, json.loads(answer.stdout)["error"]["code"])
    story.path.write_text(story.path.read_text() + "colour: red\n")
    answer = lockgate(story, "status")
    error = json.loads(answer.stdout)["error"]
    assert (2, "LG-0102") == (answer.returncode, error["code"])
    assert [f"migration.yaml:{len(story.path.read_text().splitlines())}: unknown key 'colour'"] == error["details"]
    assert "Traceback" not in answer.stderr
    story.path.write_text("")
    story.context()


def propose_error(story: Story) -> LockgateError:
    """What `propose` raises."""
    with pytest.raises(LockgateError) as caught:
        propose.propose(story.context())
    return caught.value


def lockgate(story: Story, verb: str) -> subprocess.CompletedProcess[str]:
    """The real command with JSON output."""
    command = [str(Path(sys.executable).with_name("lockgate")), verb, "--file", str(story.path), "--output", "json"]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
