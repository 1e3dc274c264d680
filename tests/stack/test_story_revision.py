"""Another approved revision: obeyed from the next start on, and by every record (law 6; H-15)."""

from __future__ import annotations

from importlib import resources

import pytest
import yaml
from story import Story

from control import approve, propose, provision, start

pytestmark = pytest.mark.stack


def test_a_new_revision_reaches_every_record(story: Story) -> None:
    """An edited mapping changes nothing; approved it changes nothing before `start`; then every record follows it."""
    owner = story.owner()
    story.sql("insert into public.companies (id, name, sector, sales_id) values (1, 'A', 'energy', %s)", owner)
    story.begin()
    story.settle()
    folder = story.path.parent / "mappings"
    folder.mkdir()
    packaged = resources.files("schemas") / "mappings" / "atomic_crm--twenty" / "company.yaml"
    mapping = yaml.safe_load(packaged.read_text("utf-8"))
    rule = next(r for r in mapping["fields"] if r["to"] == "sector")
    rule["convert"], rule["with"] = "label", {"labels": {"energy": "Energy!"}}
    (folder / "company.yaml").write_text(yaml.safe_dump(mapping))
    story.file["mappings"] = "mappings"
    assert ["energy"] == sectors(story)
    proposal = propose.propose(story.context())
    approve.approve(story.context(), proposal.revision, "somebody")
    assert [] == list(provision.provision(story.context()))
    start.start(story.context())
    story.settle()
    assert ["Energy!"] == sectors(story)
    assert [] == story.compare().differences


def sectors(story: Story) -> list[object]:
    """What the destination's companies say."""
    return [c["sector"] for c in story.twenty.call("GET", "/rest/companies").json()["data"]["companies"]]
