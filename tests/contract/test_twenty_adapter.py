"""What only Twenty has: composites, both metadata formats, finding by unique value, adoption by upsert."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import twenty_kit

from schemas.answers import Verdict, Weather
from schemas.catalog import WantedField
from schemas.errors import LockgateError
from sinks.base import Outgoing
from sinks.twenty import Settings, TwentySink


@pytest.fixture
def sink(twenty_sandbox: twenty_kit.TwentySandbox) -> Iterator[TwentySink]:
    """An adapter of a fresh workspace."""
    made = opened(twenty_sandbox.url, twenty_sandbox.key)
    yield made
    made.close()


def opened(url: str, key: str) -> TwentySink:
    """An adapter."""
    return TwentySink(Settings.model_validate({"url": url, "key": key, "timeout_s": 10}))


def record(object: str, **fields: Any) -> Outgoing:
    """A new record."""
    return Outgoing(object=object, remote_id=str(uuid.uuid4()), fields=fields)


def go() -> None:
    """A hook that lets the call go."""


def verdicts(answers: Any) -> list[Verdict]:
    """Verdicts, or the weather's reason."""
    assert not isinstance(answers, Weather), answers.reason
    return [one.verdict for one in answers.values()]


DIRTY = {
    "name": {"firstName": "Zoë 🙂", "lastName": "  O'Neil  "},
    "emails": {"primaryEmail": "Zoe.ONeil@Example.COM", "additionalEmails": ["ZO@example.com"]},
    "phones": {"primaryPhoneNumber": "+33 6 12 34 56 78", "additionalPhones": [{"number": "+14155552671"}]},
    "linkedinLink": {"primaryLinkUrl": "HTTPS://LinkedIn.com/in/Zoe/", "primaryLinkLabel": "L"},
    "jobTitle": None,
    "avatarUrl": "https://x.example/a.png",
    "createdBy": {"source": "IMPORT", "name": "Atomic CRM"},
    "createdAt": "2019-03-04T05:06:07.123456+02:00",
}


def test_dirty_values_come_back_the_same(sink: TwentySink) -> None:
    """Created, read, written again whole: no field differs (S0-33)."""
    person = record("person", **DIRTY)
    assert verdicts(sink.create([person], go)) == [Verdict.WRITTEN]
    for _ in range(2):
        found = sink.read("person", [person.remote_id])
        assert not isinstance(found, Weather)
        assert sink.same("person", DIRTY, found[person.remote_id].row) == []
        assert verdicts(sink.update([person], go)) == [Verdict.WRITTEN]


def test_a_partial_composite_clears_the_rest_in_one_update_as_in_many(sink: TwentySink) -> None:
    """EMAILS, LINKS and PHONES are sent whole: PATCH and upsert end alike (twenty.md 0.8)."""
    people = [record("person", **{**DIRTY, "emails": {"primaryEmail": f"p{i}@x.example"}}) for i in range(3)]
    assert set(verdicts(sink.create(people, go))) == {Verdict.WRITTEN}
    partial = {"phones": {"primaryPhoneNumber": "+33 6 12 34 56 79"}, "linkedinLink": None}
    changed = [Outgoing(object="person", remote_id=one.remote_id, fields=partial) for one in people]
    assert set(verdicts(sink.update(changed[:1], go)) + verdicts(sink.update(changed[1:], go))) == {Verdict.WRITTEN}
    found = sink.read("person", [one.remote_id for one in people])
    assert not isinstance(found, Weather)
    assert [found[one.remote_id].row["phones"]["additionalPhones"] for one in people] == [[], [], []]
    assert [sink.same("person", partial, found[one.remote_id].row) for one in people] == [[], [], []]


def test_the_holder_of_a_unique_value_is_found_deleted_ones_too(
    sink: TwentySink, twenty_sandbox: twenty_kit.TwentySandbox
) -> None:
    """Who holds this e-mail, this domain: soft-deleted rows hold it too (twenty.md 0.1)."""
    person = record("person", emails={"primaryEmail": "a@x.example"})
    gone = record("person", emails={"primaryEmail": "b@x.example"})
    comma = record("company", domainName={"primaryLinkUrl": "https://x.example/a,b"})
    assert set(verdicts(sink.create([person, gone], go))) == {Verdict.WRITTEN}
    assert verdicts(sink.create([comma], go)) == [Verdict.WRITTEN]
    twenty_sandbox.order("/rows/delete", {"object": "person", "ids": [gone.remote_id], "soft": True})
    people = sink.find("person", "emails.primaryEmail", ["A@X.example", "b@x.example", "c@x.example"])
    companies = sink.find("company", "domainName.primaryLinkUrl", ["https://X.example/a,b", "https://x.example/a"])
    assert not isinstance(people, Weather)
    assert not isinstance(companies, Weather)
    assert {value: (one.remote_id, one.deleted) for value, one in people.items()} == {
        "A@X.example": (person.remote_id, False),
        "b@x.example": (gone.remote_id, True),
    }
    assert {value: one.remote_id for value, one in companies.items()} == {"https://X.example/a,b": comma.remote_id}


def test_an_update_that_lands_on_another_row_is_unknown_and_names_it(
    sink: TwentySink, twenty_sandbox: twenty_kit.TwentySandbox
) -> None:
    """Ours was destroyed, its e-mail is another's by now: the batch upsert writes theirs (twenty.md 0.1)."""
    ours, other = record("person", emails={"primaryEmail": "a@x.example"}), record("person", jobTitle="x")
    assert set(verdicts(sink.create([ours, other], go))) == {Verdict.WRITTEN}
    twenty_sandbox.order("/rows/delete", {"object": "person", "ids": [ours.remote_id], "soft": False})
    theirs = {"id": str(uuid.uuid4()), "emails": {"primaryEmail": "a@x.example"}}
    twenty_sandbox.order("/rows", {"object": "person", "rows": [theirs], "by": "person"})
    answers = sink.update([ours, other], go)
    assert verdicts(answers) == [Verdict.UNKNOWN, Verdict.WRITTEN]
    assert not isinstance(answers, Weather)
    assert theirs["id"] in answers[ours.remote_id].reason


def test_a_workspace_with_the_legacy_metadata_format_is_provisioned(tmp_path: Path) -> None:
    """Older workspaces wrap metadata answers otherwise (twenty.md 3.1)."""
    running = twenty_kit.start(tmp_path, "--metadata-format", "legacy")
    sink = opened(running.url, running.key)
    wanted = [
        WantedField(object="company", name="legacyId", type="TEXT", label="Legacy id"),
        WantedField(object="person", name="legacyId", type="TEXT", label="Legacy id"),
    ]
    try:
        assert list(sink.provision(wanted)) == wanted
        assert list(sink.provision(wanted)) == []
        assert sink.catalog()["person"].fields["legacyId"].type == "TEXT"
        assert sink.catalog()["person"].fields["companyId"].type == "RELATION"
    finally:
        sink.close()
        running.stop()


def test_two_who_provision_at_once_make_each_field_once(
    sink: TwentySink, twenty_sandbox: twenty_kit.TwentySandbox
) -> None:
    """An answer lost after the field was made: the read-back shows it, and the next run makes nothing."""
    wanted = [WantedField(object="company", name="legacyId", type="TEXT", label="Legacy id")]
    twenty_sandbox.order("/faults", {"kind": "drop_after_commit", "method": "POST", "path": "/rest/metadata/fields"})
    assert list(sink.provision(wanted)) == []
    assert sink.catalog()["company"].fields["legacyId"].type == "TEXT"


def test_the_address_of_another_server_is_told(twenty_sandbox: twenty_kit.TwentySandbox) -> None:
    """A port that speaks HTTP but is no Twenty: LG-0501, not a stack trace (issue 3, must hold)."""
    wrong = opened(twenty_sandbox.control_url, twenty_sandbox.key)
    with pytest.raises(LockgateError) as raised:
        wrong.catalog()
    wrong.close()
    assert raised.value.code == "LG-0501"
