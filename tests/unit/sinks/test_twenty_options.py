"""Options against scripted answers: what a workspace without ids, a rival or a lagging process does to them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import pytest
from twenty_stub import COMPANY, Stub

from schemas import enums
from schemas.catalog import WantedField
from schemas.errors import LockgateError
from sinks.twenty import Settings, TwentySink

GOLD = {"id": "g", "value": "GOLD", "label": "Oro", "color": "chartreuse", "position": 3}
NEW = {"id": "n", "value": "NEW", "label": "New", "color": "red", "position": 0}
OPTIONS = enums.options([{"value": "gold", "label": "Gold"}, {"value": "tin", "label": "Tin", "color": "gray"}])
TIER = WantedField(object="company", name="tier", type="SELECT", label="Tier", options=OPTIONS)
ADDED = replace(TIER, options=OPTIONS[1:])
TIN = {"value": "TIN", "label": "Tin", "color": "gray", "position": 4}
NO_ROWS = {"data": {"companies": []}, "pageInfo": {"hasNextPage": False}}


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A scripted server."""
    made = Stub()
    yield made
    made.close()


@pytest.fixture
def sink(stub: Stub) -> Iterator[TwentySink]:
    """An adapter that talks to it and never really waits."""
    made = TwentySink(Settings.model_validate({"url": stub.url, "key": "k", "timeout_s": 5}), pause=lambda _: None)
    yield made
    made.close()


def with_tier(options: Sequence[Any] | None) -> dict[str, Any]:
    """The catalog with a SELECT that has these options."""
    tier = {"id": "f-tier", "name": "tier", "type": "SELECT", "applicationId": "own", "options": options}
    return {"data": [{**COMPANY, "fields": [*COMPANY["fields"], tier]}]}  # type: ignore[misc]


def reads(stub: Stub, *catalogs: dict[str, Any]) -> None:
    """What each read of the catalog shows, the last one ever after."""
    *first, stub.catalog = catalogs
    stub.catalogs.extend(first)


def refused(sink: TwentySink, *wanted: WantedField) -> LockgateError:
    """The LG-0504 it ends with."""
    with pytest.raises(LockgateError) as raised:
        sink.provision(wanted)
    assert raised.value.code == "LG-0504"
    return raised.value


def test_the_whole_list_is_sent_with_its_ids_and_what_is_missing_after_it(stub: Stub, sink: TwentySink) -> None:
    """twenty.md 0.7, 3.4: label, colour and place of what is there are not ours to change; no position twice."""
    reads(stub, with_tier([GOLD, NEW]), with_tier([GOLD, NEW]), with_tier([GOLD, NEW, {**TIN, "id": "t"}]))
    stub.say(200, {"id": "f-tier"})
    stub.say(200, NO_ROWS)
    stub.say(200, NO_ROWS)
    assert sink.provision([TIER]) == [ADDED]
    patch, known, takes = stub.asked
    assert (patch.method, patch.path) == ("PATCH", "/rest/metadata/fields/f-tier")
    assert patch.body == {"options": [GOLD, NEW, TIN]}
    assert [known.path, takes.path] == [
        "/rest/companies?filter=tier[is]:NULL&limit=1",
        "/rest/companies?filter=tier[eq]:TIN&limit=1",
    ]


def test_nothing_missing_is_no_call_whatever_the_ids(stub: Stub, sink: TwentySink) -> None:
    """Twice is one effect; a list nobody changes needs no ids."""
    reads(stub, with_tier([{**GOLD, "id": None}, {**TIN, "id": None}]))
    assert sink.provision([TIER]) == []
    assert stub.asked == []


def test_an_option_without_an_id_is_refused_before_anything_is_made(stub: Stub, sink: TwentySink) -> None:
    """LG-0504 names the field and the options: a list without ids would reset every row (twenty.md 3.4)."""
    idless = {name: value for name, value in NEW.items() if name != "id"}
    reads(stub, with_tier([GOLD, idless]))
    error = refused(sink, replace(TIER, name="other", type="TEXT", options=()), TIER)
    assert "company.tier has options without ids" in str(error)
    assert "TIN" in str(error)
    assert (error.details, stub.asked) == (("NEW",), [])


@pytest.mark.parametrize(
    ("after", "told"),
    [
        ([GOLD, {**TIN, "id": "t"}], "company.tier option NEW (n) is gone"),
        ([GOLD, {**NEW, "value": "OLD"}, {**TIN, "id": "t"}], "company.tier option NEW (n) is OLD now"),
        ([GOLD, {**NEW, "id": "n2"}, {**TIN, "id": "t"}], "company.tier option NEW (n) is gone"),
        (None, "company.tier option GOLD (g) is gone"),
    ],
)
def test_two_who_change_a_field_at_once_are_told(stub: Stub, sink: TwentySink, after: Any, told: str) -> None:
    """Rows follow ids: whoever loses one hears of it, at once."""
    reads(stub, with_tier([GOLD, NEW]), with_tier([GOLD, NEW]), with_tier(after))
    stub.say(200, {"id": "f-tier"})
    assert refused(sink, TIER).details[0] == told


def test_an_option_lost_before_the_call_stops_it(stub: Stub, sink: TwentySink) -> None:
    """The list is read once more right before it is sent."""
    reads(stub, with_tier([GOLD, NEW]), with_tier([GOLD]))
    assert refused(sink, TIER).details == ("company.tier option NEW (n) is gone",)
    assert stub.asked == []


def test_what_somebody_added_in_between_stays(stub: Stub, sink: TwentySink) -> None:
    """Theirs is in the list that is sent; ours, if they made it, is not made again."""
    between = {**NEW, "id": "b", "value": "BETWEEN", "position": 9}
    last = {**TIN, "id": "t", "position": 10}
    reads(stub, with_tier([GOLD]), with_tier([GOLD, between]), with_tier([GOLD, between, last]))
    stub.say(200, {"id": "f-tier"})
    stub.say(200, NO_ROWS)
    stub.say(200, NO_ROWS)
    assert sink.provision([TIER]) == [ADDED]
    assert stub.asked[0].body == {"options": [GOLD, between, {**TIN, "position": 10}]}
    stub.asked.clear()
    reads(stub, with_tier([GOLD]), with_tier([GOLD, last]))
    stub.say(200, NO_ROWS)
    stub.say(200, NO_ROWS)
    assert sink.provision([TIER]) == []
    assert [one.method for one in stub.asked] == ["GET", "GET"]


def test_a_select_a_rival_just_made_gets_the_rest(stub: Stub, sink: TwentySink) -> None:
    """NOT_AVAILABLE: it is there, with the rival's options (twenty.md 3.3)."""
    failed = {"errors": [{"code": "NOT_AVAILABLE", "message": "used"}]}
    stub.say(400, {"error": "METADATA_VALIDATION_ERROR", "errors": {"fieldMetadata": [failed]}})
    reads(stub, stub.catalog, with_tier([GOLD]), with_tier([GOLD, {**TIN, "id": "t"}]))
    stub.say(200, {"id": "f-tier"})
    stub.say(200, NO_ROWS)
    stub.say(200, NO_ROWS)
    assert sink.provision([TIER]) == [ADDED]
    post, patch, *_ = stub.asked
    assert [one["value"] for one in post.body["options"]] == ["GOLD", "TIN"]
    assert patch.body == {"options": [GOLD, TIN]}


def test_a_process_that_lags_is_asked_until_it_takes_the_option(stub: Stub, sink: TwentySink) -> None:
    """A record sent there with the new stage would be dead (twenty.md 3.2; capture 07)."""
    held = with_tier([GOLD, {**TIN, "id": "t"}])
    reads(stub, with_tier([GOLD]), with_tier([GOLD]), with_tier([GOLD]), held)
    stub.say(200, {"id": "f-tier"})
    stub.say(200, NO_ROWS)
    words = 'Invalid value "TIN" for field "tier". Valid values are: GOLD'
    stub.say(400, {"statusCode": 400, "messages": [words]})
    stub.say(200, NO_ROWS)
    stub.say(200, NO_ROWS)
    assert sink.provision([TIER]) == [ADDED]
    assert [one.method for one in stub.asked] == ["PATCH", "GET", "GET", "GET", "GET"]


def test_options_the_server_refuses_are_told_in_its_words(stub: Stub, sink: TwentySink) -> None:
    """LG-0504; the field stays as it was (twenty.md 3.3)."""
    reads(stub, with_tier([GOLD]))
    failed = {"errors": [{"code": "INVALID_FIELD_INPUT", "message": "Label must not contain a comma"}]}
    stub.say(400, {"error": "METADATA_VALIDATION_ERROR", "errors": {"fieldMetadata": [failed]}})
    assert "company.tier: Label must not contain a comma" in str(refused(sink, TIER))
