"""Soft deletes (`twenty.md` 1.6). A plain DELETE destroys for good: nothing here sends one."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from schemas.answers import Answer, Verdict, Weather
from schemas.catalog import Object
from sinks.twenty import rest, words
from sinks.twenty.client import Client, Lost, NotSent


def remove(
    client: Client, there: Object, ids: Sequence[str], before_send: Callable[[], None]
) -> Mapping[str, Answer] | Weather:
    """DELETE /rest/{plural}?filter=id[in]:[…]&soft_delete=true: one call.

    The answer lists the rows it deleted; an id that it lacks has no live row: MISSING, be it unknown or deleted before.
    So sent twice it is one effect, told as MISSING the second time. The ids are checked before: a filter that is lost
    or widened would delete other rows, and no cap would stop it (1.6; capture 04)."""
    known = [one for one in ids if rest.is_id(one)]
    answers = {one: Answer(verdict=Verdict.MISSING, reason="not an id of this server") for one in ids}
    if not known:
        return answers
    query = {"filter": rest.ids_filter(known), "soft_delete": "true"}
    outcome = client.call("DELETE", f"/rest/{there.plural}", query=query, before_send=before_send)
    if isinstance(outcome, Lost):
        return answers | _each(known, Verdict.UNKNOWN, outcome.reason)
    if isinstance(outcome, NotSent):
        return Weather(wait_s=1.0, reason=outcome.reason)
    if outcome.status >= 300:
        settled = _refused(outcome.status, outcome.body, known, rest.weather(outcome))
        return settled if isinstance(settled, Weather) else answers | settled
    rows = rest.rows(outcome.body)
    if rows is None:
        return answers | _each(known, Verdict.UNKNOWN, f"{outcome.status}, but not the rows that were deleted")
    gone = {str(row["id"]).lower() for row in rows}
    absent = _each([one for one in known if one.lower() not in gone], Verdict.MISSING, "no live row under that id")
    return answers | _each([one for one in known if one.lower() in gone], Verdict.REMOVED, "") | absent


def _refused(status: int, body: object, ids: Sequence[str], storm: Weather | None) -> dict[str, Answer] | Weather:
    kind = words.kind(status, body)
    if kind is words.Kind.LIMITED and storm is not None:
        return storm
    if kind is words.Kind.FAULT:
        return _each(ids, Verdict.UNKNOWN, words.of(body))
    one = Verdict.MISSING if kind is words.Kind.MISSING else Verdict.REJECTED
    return _each(ids, one if len(ids) == 1 else Verdict.NOT_SENT, words.of(body))


def _each(ids: Sequence[str], verdict: Verdict, reason: str) -> dict[str, Answer]:
    return {one: Answer(verdict=verdict, reason=reason) for one in ids}
