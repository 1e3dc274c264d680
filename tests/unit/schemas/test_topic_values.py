"""The values of our own topics fit the schemas that ship, as the workers make them."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest
from jsonschema import Draft202012Validator

from ledger.desired import Desired, State, Verb
from ledger.records import ABSENT
from schemas import hint, naming
from schemas.run_file import RunFile
from sinks import wakes
from sinks.base import Outgoing
from sinks.steps import Ready
from streams.worker import StreamsWorker

SCHEMAS = Path(__file__).parents[3] / "schemas" / "json"
RUN = RunFile(
    migration="acme",
    generation=3,
    source="atomic_crm",
    kafka="127.0.0.1:1",
    ledger_dsn="host=127.0.0.1",
    destination="twenty",
    destination_url="http://127.0.0.1:2",
    destination_key_env="KEY",
    topics=("acme.cdc.public.contacts",),
    data_dir=Path("/nowhere"),
)
DESIRED = Desired(
    kind="contact",
    key="17",
    object="contact",
    seq=4,
    wanted=True,
    payload=[{"object": "person", "id_path": "contact/17", "fields": {"jobTitle": "Chief Secret Officer"}}],
    refs=[],
    claims=[],
    flags=[],
    hash="h",
    revision="r",
    state=State.QUEUED,
    verb=Verb.CREATE,
    lane="backfill",
    shard=0,
    cause="sale changed",
)


def _schema(name: str) -> Draft202012Validator:
    return Draft202012Validator(json.loads((SCHEMAS / f"{name}.schema.json").read_text()))


@pytest.mark.parametrize("name", ["hint", "landed", "desired", "mapping", "migration"])
def test_schemas_are_schemas(name: str) -> None:
    """Every file of schemas/json is a JSON Schema that its draft accepts, and refuses something."""
    validator = _schema(name)
    Draft202012Validator.check_schema(validator.schema)
    assert not validator.is_valid(7)


def test_every_schema_is_looked_at() -> None:
    """A new schema must be named in the test above."""
    found = {path.name for path in SCHEMAS.iterdir()}
    assert found == {f"{name}.schema.json" for name in ("hint", "landed", "desired", "mapping", "migration")}


def test_the_streams_workers_hint_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A hint has topic, key and value as DESIGN 2 says, and nothing of the payload (law 8)."""
    made = StreamsWorker(RUN, "streams-1")._hint(DESIRED)
    assert (made.topic, made.key) == ("acme.g3.load.backfill", "contact/17")
    value = orjson.loads(made.value)
    assert value == {"object": "contact", "key": "17", "seq": 4, "cause": "sale changed", "trace": "contact/17@4"}
    _schema("hint").validate(value)


def test_the_sinks_landing_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    """A landing names the record; its key is the hint's, so that both meet in the same partition."""
    sent: list[tuple[str, bytes, bytes]] = []
    producer = SimpleNamespace(
        produce=lambda topic, key, value: sent.append((topic, key, value)), poll=lambda _seconds: 0
    )
    consumer = SimpleNamespace(subscribe=lambda *_args, **_kwargs: None, assign=lambda _partitions: None)
    monkeypatch.setattr(wakes.kafka, "consumer", lambda *_args, **_kwargs: consumer)
    monkeypatch.setattr(wakes.kafka, "producer", lambda *_args, **_kwargs: producer)
    outgoing = Outgoing(object="person", remote_id="id", fields={"jobTitle": "Chief Secret Officer"})
    wakes.Wakes(RUN, "sink-1").tell_landed([Ready(desired=DESIRED, record=ABSENT, outgoing=outgoing, hash="h")])
    [(topic, key, value)] = sent
    assert (topic, key) == ("acme.g3.landed", naming.hint_key("contact", "17").encode())
    assert orjson.loads(value) == {"object": "contact", "key": "17", "seq": 4}
    _schema("landed").validate(orjson.loads(value))


@pytest.mark.parametrize("wrong", [{"seq": 0}, {"key": ""}, {"payload": {}}, {"object": "Contact"}])
def test_what_is_no_hint_is_refused(wrong: dict[str, Any]) -> None:
    """No payload beside the key, no empty key, no seq before the first."""
    good = hint.hint(object_="contact", kind="contact", key="17", seq=1, cause="update")
    _schema("hint").validate(good)
    assert not _schema("hint").is_valid({**good, **wrong})
    landed = hint.landed(kind="contact", key="17", seq=1)
    _schema("landed").validate(landed)
    assert not _schema("landed").is_valid({**landed, **wrong})


def test_a_desired_payload_fits() -> None:
    """The payload the ledger stores, with a reference that the sink resolves."""
    fields = {"companyId": {"$ref": ["company", "3"]}, "emails": {"additionalEmails": ["a@b.example"]}}
    stored = replace(DESIRED, payload=[{"object": "person", "id_path": "contact/17", "fields": fields}]).payload
    _schema("desired").validate(stored)
    assert not _schema("desired").is_valid([{"object": "person", "id_path": "contact/17"}])
