"""Create and update: two different calls (law 7; `twenty.md` 0.1 to 0.4, 1.2 to 1.5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import structlog

from schemas.answers import Answer, Verdict, Weather
from schemas.catalog import Object
from sinks.base import Outgoing
from sinks.twenty import rest, shape, words
from sinks.twenty.client import MAX_REQUEST, Client, Lost, NotSent, Outcome, Reply

Answers = Mapping[str, Answer]
BeforeSend = Callable[[], None]
_log = structlog.get_logger(__name__)

#: Kinds of error that one record alone can be told; DUPLICATE is TAKEN: whether the row is ours, a read tells.
_ONE = {
    words.Kind.DUPLICATE: Verdict.TAKEN,
    words.Kind.PARENT: Verdict.PARENT,
    words.Kind.MISSING: Verdict.MISSING,
    words.Kind.TOO_MANY: Verdict.NOT_SENT,
    words.Kind.TOO_LARGE: Verdict.REJECTED,
    words.Kind.REFUSED: Verdict.REJECTED,
}
#: Errors that come before the server touches a row, in an upsert too.
_BEFORE_ANY_ROW = (words.Kind.TOO_MANY, words.Kind.TOO_LARGE)


def create(client: Client, there: Object, records: Sequence[Outgoing], before_send: BeforeSend) -> Answers | Weather:
    """POST /rest/batch/{plural}, never an upsert: one INSERT, all or nothing (0.3). One call.

    Sent twice it is one effect: the second meets its own ids and is refused as a duplicate (1.2; capture 02)."""
    early, sendable, body = _prepare(there, records)
    if not sendable:
        return early
    if len(body) > MAX_REQUEST:
        return early | _all_or_one(sendable, words.Kind.TOO_LARGE, f"the call would be {len(body)} bytes")
    outcome = client.call("POST", f"/rest/batch/{there.plural}", body=body, before_send=before_send)
    settled = _settle(outcome, sendable)
    if isinstance(settled, Reply):
        return early | _all_or_one(sendable, words.kind(settled.status, settled.body), settled.words())
    return settled if isinstance(settled, Weather) else early | settled


def update(client: Client, there: Object, records: Sequence[Outgoing], before_send: BeforeSend) -> Answers | Weather:
    """Writes records that the caller has just read under their ids. One call.

    One record goes by PATCH /rest/{plural}/{id}, the better call whenever it is one: it cannot adopt another row over a
    unique value (400 duplicate instead, answered TAKEN), cannot restore a soft-deleted row, answers 404 for a missing
    one instead of inserting it, and a 400 says for certain that nothing was applied (0.2, 1.5; capture 04).
    Several go by POST /rest/batch/{plural}?upsert=true, row by row: refused, the updates already made stay and
    all records are UNSETTLED (0.3); after a fault or a lost answer all are UNKNOWN.
    Either sent twice is one effect on the fields, but for updatedAt (1.3). createdBy is written by PATCH, ignored by
    upsert on an existing row."""
    early, sendable, body = _prepare(there, records)
    if not sendable:
        return early
    if len(body) > MAX_REQUEST:
        return early | _all_or_one(sendable, words.Kind.TOO_LARGE, f"the call would be {len(body)} bytes")
    if len(sendable) == 1:
        settled = _patch(client, there, sendable[0], before_send)
    else:
        settled = _upsert(client, there, sendable, body, before_send)
    return settled if isinstance(settled, Weather) else early | settled


def _patch(client: Client, there: Object, record: Outgoing, before_send: BeforeSend) -> dict[str, Answer] | Weather:
    # An id lost from the path would rewrite the whole object (1.5): `_prepare` has checked that there is one.
    path = f"/rest/{there.plural}/{record.remote_id}"
    body = shape.encode(shape.fields(there, record))
    settled = _settle(client.call("PATCH", path, body=body, before_send=before_send), [record])
    if isinstance(settled, Reply):
        return _all_or_one([record], words.kind(settled.status, settled.body), settled.words())
    return settled


def _upsert(
    client: Client, there: Object, records: Sequence[Outgoing], body: bytes, before_send: BeforeSend
) -> dict[str, Answer] | Weather:
    path = f"/rest/batch/{there.plural}"
    outcome = client.call("POST", path, query={"upsert": "true"}, body=body, before_send=before_send)
    settled = _settle(outcome, records)
    if isinstance(settled, Reply):
        kind = words.kind(settled.status, settled.body)
        if kind in _BEFORE_ANY_ROW:
            return _all_or_one(records, kind, settled.words())
        return _each(records, Verdict.UNSETTLED, f"a batch of updates is applied row by row; it said {settled.words()}")
    return settled


def _prepare(there: Object, records: Sequence[Outgoing]) -> tuple[dict[str, Answer], list[Outgoing], bytes]:
    """(answers known without a call, records to send, their body)."""
    if any(record.object != there.name for record in records):
        raise ValueError(f"a call writes one object, {there.name}")
    if len({record.remote_id.lower() for record in records}) != len(records):
        raise ValueError("a call writes a record once")
    why = {record.remote_id: shape.refused(record) for record in records}
    early = {key: Answer(verdict=Verdict.REJECTED, reason=reason) for key, reason in why.items() if reason}
    sendable = [record for record in records if not why[record.remote_id]]
    return early, sendable, shape.encode([{**shape.fields(there, one), "id": one.remote_id} for one in sendable])


def _settle(outcome: Outcome, records: Sequence[Outgoing]) -> dict[str, Answer] | Weather | Reply:
    """Answers or weather where the outcome alone decides; an error answer that is about the records comes back."""
    if isinstance(outcome, NotSent):
        return rest.weather(outcome) or Weather(wait_s=1.0, reason=outcome.reason)
    if isinstance(outcome, Lost):
        return _each(records, Verdict.UNKNOWN, outcome.reason)
    if outcome.status < 300:
        return _match(outcome, records)
    kind = words.kind(outcome.status, outcome.body)
    if kind is words.Kind.LIMITED:
        return rest.limited(outcome)
    if kind is words.Kind.FAULT:
        return _each(records, Verdict.UNKNOWN, f"{outcome.status} {outcome.words()}")
    return outcome


def _match(reply: Reply, records: Sequence[Outgoing]) -> dict[str, Answer]:
    """By id, never by order (0.4). An id that comes back without having been sent is a row that was adopted (0.1)."""
    rows = rest.rows(reply.body)
    if rows is None:
        return _each(records, Verdict.UNKNOWN, f"{reply.status}, but not the rows that were written")
    came = {str(row["id"]).lower() for row in rows}
    others = sorted(came - {record.remote_id.lower() for record in records})
    if others:
        _log.error("another row was written", action="write", object=records[0].object, others=others)
    strange = f"not in the answer; it names {', '.join(others)} instead" if others else "not in the answer"
    return {
        record.remote_id: Answer(verdict=Verdict.WRITTEN, remote_id=record.remote_id)
        if record.remote_id.lower() in came
        else Answer(verdict=Verdict.UNKNOWN, reason=strange)
        for record in records
    }


def _all_or_one(records: Sequence[Outgoing], kind: words.Kind, reason: str) -> dict[str, Answer]:
    """One record gets its own verdict; of several nobody knows whose fault it was: NOT_SENT, to be bisected."""
    return _each(records, _ONE[kind] if len(records) == 1 else Verdict.NOT_SENT, reason)


def _each(records: Sequence[Outgoing], verdict: Verdict, reason: str) -> dict[str, Answer]:
    return {record.remote_id: Answer(verdict=verdict, reason=reason) for record in records}
