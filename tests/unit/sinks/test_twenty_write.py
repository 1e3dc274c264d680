"""What one call's answer means for each of its records."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from twenty_stub import Stub

from schemas.answers import Answer, Verdict, Weather
from schemas.errors import LockgateError
from sinks.base import Outgoing
from sinks.twenty import Settings, TwentySink

A = "0b0fd5f1-9a3e-5d2b-8c35-0000000000aa"
B = "0b0fd5f1-9a3e-5d2b-8c35-0000000000bb"
C = "0b0fd5f1-9a3e-5d2b-8c35-0000000000cc"


@pytest.fixture
def stub() -> Iterator[Stub]:
    """A scripted server."""
    made = Stub()
    yield made
    made.close()


@pytest.fixture
def sink(stub: Stub) -> Iterator[TwentySink]:
    """An adapter that talks to it."""
    made = TwentySink(Settings.model_validate({"url": stub.url, "key": "k", "timeout_s": 5}), pause=lambda _: None)
    yield made
    made.close()


def company(remote_id: str, **fields: Any) -> Outgoing:
    """A record to write."""
    return Outgoing(object="company", remote_id=remote_id, fields={"name": "x", **fields})


def refusal(text: str, status: int = 400) -> dict[str, Any]:
    """An error body."""
    return {"statusCode": status, "error": "BadRequestException", "messages": [text]}


def verdicts(answers: Any) -> dict[str, Verdict]:
    """Verdict per id."""
    return {key: answer.verdict for key, answer in answers.items()}


def nothing() -> None:
    """A hook that lets go."""


def test_answers_are_matched_by_id_never_by_order(stub: Stub, sink: TwentySink) -> None:
    """A batch upsert replies updated rows first (twenty.md 0.4)."""
    stub.say(201, {"data": {"createCompanies": [{"id": B}, {"id": A}]}})
    answers = sink.create([company(A), company(B)], nothing)
    assert answers == {
        A: Answer(verdict=Verdict.WRITTEN, remote_id=A),
        B: Answer(verdict=Verdict.WRITTEN, remote_id=B),
    }
    assert [(one.method, one.path) for one in stub.asked] == [("POST", "/rest/batch/companies")]
    assert [one["id"] for one in stub.asked[0].body] == [A, B]


def test_a_row_missing_from_the_answer_is_unknown_and_the_stranger_is_named(stub: Stub, sink: TwentySink) -> None:
    """An upsert adopts the row of another id and drops ours (twenty.md 0.1, H-38)."""
    stub.say(201, {"data": {"createCompanies": [{"id": A}, {"id": C}]}})
    answers = sink.update([company(A), company(B)], nothing)
    assert not isinstance(answers, Weather)
    assert verdicts(answers) == {A: Verdict.WRITTEN, B: Verdict.UNKNOWN}
    assert C in answers[B].reason
    assert stub.asked[0].path == "/rest/batch/companies?upsert=true"


@pytest.mark.parametrize(
    ("text", "alone"),
    [
        ("A duplicate entry was detected", Verdict.TAKEN),
        ('Object company doesn\'t have any "zz" field.', Verdict.REJECTED),
        ('insert or update on table "company" violates foreign key constraint "FK_a"', Verdict.PARENT),
    ],
)
def test_a_create_that_fell_names_one_record_and_bisects_several(
    stub: Stub, sink: TwentySink, text: str, alone: Verdict
) -> None:
    """Create is one INSERT: of several none was applied and none is known to be the cause (twenty.md 0.3, H-40)."""
    for _ in range(2):
        stub.say(400, refusal(text))
    one = sink.create([company(A)], nothing)
    several = sink.create([company(A), company(B)], nothing)
    assert one == {A: Answer(verdict=alone, reason=text)}
    assert verdicts(several) == {A: Verdict.NOT_SENT, B: Verdict.NOT_SENT}


def test_a_batch_of_updates_that_fell_is_unsettled_as_a_whole(stub: Stub, sink: TwentySink) -> None:
    """On a 400 the updates already made stay (twenty.md 0.3)."""
    stub.say(400, refusal("Multiple records found with the same unique field values for id (id: x)"))
    assert verdicts(sink.update([company(A), company(B)], nothing)) == {A: Verdict.UNSETTLED, B: Verdict.UNSETTLED}


@pytest.mark.parametrize(
    ("status", "body", "verdict"),
    [
        (200, {"data": {"updateCompany": {"id": A}}}, Verdict.WRITTEN),
        (404, refusal("Record not found", 404), Verdict.MISSING),
        (400, refusal("A duplicate entry was detected"), Verdict.TAKEN),
        (400, refusal("The URL of the link is not valid"), Verdict.REJECTED),
        (500, refusal("Data validation error.", 500), Verdict.REJECTED),
        (500, refusal("Internal server error", 500), Verdict.UNKNOWN),
        (400, refusal("Connection terminated unexpectedly"), Verdict.UNKNOWN),
        (200, {"data": {"updateCompany": {"id": C}}}, Verdict.UNKNOWN),
        (200, {"ok": True}, Verdict.UNKNOWN),
    ],
)
def test_one_update_goes_by_patch(stub: Stub, sink: TwentySink, status: int, body: Any, verdict: Verdict) -> None:
    """PATCH can neither adopt another row nor restore a deleted one, and its 400 is certain (twenty.md 0.2, 1.5)."""
    stub.say(status, body)
    assert verdicts(sink.update([company(A)], nothing)) == {A: verdict}
    assert (stub.asked[0].method, stub.asked[0].path) == ("PATCH", f"/rest/companies/{A}")
    assert "id" not in stub.asked[0].body


@pytest.mark.parametrize("act", ["create", "update"])
def test_a_server_fault_after_a_write_is_unknown(stub: Stub, sink: TwentySink, act: str) -> None:
    """It may have been applied: read before anyone writes (law 2)."""
    stub.say(502, b"<html>Bad Gateway</html>")
    answers = getattr(sink, act)([company(A), company(B)], nothing)
    assert verdicts(answers) == {A: Verdict.UNKNOWN, B: Verdict.UNKNOWN}


def test_a_limit_is_weather_with_its_own_numbers(stub: Stub, sink: TwentySink) -> None:
    """The token is taken before anything is applied; one call earns its token in window / limit (twenty.md 5)."""
    stub.say(429, refusal("Limit reached (100 tokens per 60000 ms)", 429))
    storm = sink.update([company(A), company(B)], nothing)
    assert isinstance(storm, Weather)
    assert (storm.limited, storm.limit_calls, storm.window_ms, storm.wait_s) == (True, 100, 60000, 0.61)


def test_what_is_known_to_be_refused_is_not_sent(stub: Stub, sink: TwentySink) -> None:
    """A NUL fails the whole INSERT with a 500, an id of version 7 with a 400: the rest goes without them (S0-33)."""
    stub.say(201, {"data": {"createCompanies": [{"id": A}]}})
    seven = "0190f3a0-7c1b-7338-9327-33104d6cfeb7"
    answers = sink.create([company(A), company(B, name="a\0b"), company(seven)], nothing)
    assert verdicts(answers) == {A: Verdict.WRITTEN, B: Verdict.REJECTED, seven: Verdict.REJECTED}
    assert len(stub.asked[0].body) == 1


def test_a_body_the_server_would_not_read_is_not_sent(stub: Stub, sink: TwentySink) -> None:
    """10 MB of JSON is the parser's limit: one record is refused, several are for bisecting (twenty.md 5)."""
    big = "x" * 6_000_000
    several = sink.create([company(A, name=big), company(B, name=big)], nothing)
    one = sink.create([company(A, name=big + big)], nothing)
    assert verdicts(several) == {A: Verdict.NOT_SENT, B: Verdict.NOT_SENT}
    assert verdicts(one) == {A: Verdict.REJECTED}
    assert stub.asked == []


def test_links_are_sent_whole(stub: Stub, sink: TwentySink) -> None:
    """A partial LINKS value wipes label and secondary links unevenly (twenty.md 0.8)."""
    stub.say(200, {"data": {"updateCompany": {"id": A}}})
    sink.update([company(A, domainName={"primaryLinkUrl": "https://x.example"})], nothing)
    whole = {"primaryLinkUrl": "https://x.example", "primaryLinkLabel": "", "secondaryLinks": []}
    assert stub.asked[0].body["domainName"] == whole


def test_a_server_that_takes_fewer_records_teaches_the_batch_size(stub: Stub, sink: TwentySink) -> None:
    """60 was the limit before 1.6 (twenty.md 1.4)."""
    stub.say(400, refusal("Maximum number of records to upsert is 60."))
    answers = sink.create([company(A), company(B)], nothing)
    assert verdicts(answers) == {A: Verdict.NOT_SENT, B: Verdict.NOT_SENT}
    assert sink.batch_size == 60


def test_a_batch_that_breaks_the_contract_is_a_bug(sink: TwentySink) -> None:
    """Too many, twice the same, two objects, an id to change: halt, send nothing (law 4)."""
    person = Outgoing(object="person", remote_id=B, fields={})
    for records in ([company(A)] * 201, [company(A), company(A)], [company(A), person], [company(A, id=B)]):
        with pytest.raises(ValueError, match=r"."):
            sink.create(records, nothing)


def test_an_unreachable_catalog_is_weather_to_a_writer(stub: Stub, sink: TwentySink) -> None:
    """The writer waits; the operator's own verb is told LG-0501."""
    stub.catalog_status, stub.catalog = 503, {"message": "starting"}
    assert isinstance(sink.create([company(A)], nothing), Weather)
    with pytest.raises(LockgateError) as raised:
        sink.catalog()
    assert raised.value.code == "LG-0501"
