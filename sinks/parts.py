"""Records of several rows: a note and its targets. The main row first, then its further parts, then what is no longer.

Sans-IO like `deliver`, and on top of it: only records whose main row stands are finished; a part in trouble leaves the
record queued, parked or dead with its main row known to be there.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from ledger.desired import RecordKey, State, Verb
from ledger.records import Known
from schemas.answers import Answer, Found, Verdict, Weather
from sinks import deliver
from sinks.base import Outgoing
from sinks.steps import Call, Does, Ends, Holds, Looked, Orphan, Outcome, Ready, Reply, Same, Steps, Unanswered

#: Records by name that could not be finished, and why.
Troubles = dict[RecordKey, Outcome]
Finishing = Generator[Call, Reply, Troubles]


@dataclass(frozen=True, kw_only=True)
class Item:
    """One further part of one record."""

    one: Ready  #: the record it belongs to
    part: Outgoing

    def ready(self) -> Ready:
        """The part, in the form a call takes."""
        return replace(self.one, outgoing=self.part)


def steps(verb: Verb, batch: Sequence[Ready], same: Same) -> Steps:
    """Delivers a claimed batch with all parts; every record of it has an outcome at the end."""
    outcomes = yield from deliver.deliver(verb, batch, same)
    standing = [one for one in batch if isinstance(outcomes[one.name], Holds) and (one.parts or one.record.parts)]
    if standing:
        fresh = {one.name for one in standing if _fresh(outcomes[one.name], one)}
        outcomes |= yield from _finish(standing, fresh, same)
    return outcomes


def _fresh(outcome: Outcome, one: Ready) -> bool:
    """Just made, by a create nobody doubts: its parts cannot be there yet."""
    return isinstance(outcome, Holds) and outcome.verb is Verb.CREATE and not one.record.unknown


def _finish(standing: Sequence[Ready], fresh: set[RecordKey], same: Same) -> Finishing:
    troubles: Troubles = {}
    for object_ in dict.fromkeys(part.object for one in standing for part in one.parts):
        items = [Item(one=one, part=part) for one in standing for part in one.parts if part.object == object_]
        new = [item for item in items if item.one.name in fresh]
        known = [item for item in items if item.one.name not in fresh]
        if known:
            missing, more = yield from _known(known, same)
            troubles |= more
            new += missing
        troubles |= yield from _create([item for item in new if item.one.name not in troubles])
    troubles |= yield from _remove_stale([one for one in standing if one.name not in troubles])
    return troubles


def _known(items: Sequence[Item], same: Same) -> Generator[Call, Reply, tuple[list[Item], Troubles]]:
    """Parts that may be there: read, write what differs; returns those that are missing."""
    reply = yield _call(Does.READ, items)
    if isinstance(reply, Weather):
        return [], _all(items, Looked(known=Known.THERE))
    missing, updates = [], []
    for item in items:
        row = reply.get(item.part.remote_id)
        if not isinstance(row, Found):
            missing.append(item)
        elif row.deleted and not item.one.record.removing:
            continue  # a person took it out, and it stays out
        elif row.deleted:
            updates.append(replace(item, part=replace(item.part, restore=True)))
        elif same(item.part.object, item.part.fields, row.row):
            updates.append(item)
    troubles: Troubles = {}
    if updates:
        answers = yield _call(Does.UPDATE, updates)
        if isinstance(answers, Weather):
            return [], _all(items, Looked(known=Known.THERE))
        for item in updates:
            trouble = _trouble(_answer(answers, item))
            if trouble is not None:
                troubles[item.one.name] = trouble
    return missing, troubles


def _create(items: Sequence[Item]) -> Finishing:
    """All or nothing, halved until the one at fault stands alone."""
    troubles: Troubles = {}
    stack = [list(items)] if items else []
    while stack:
        some = stack.pop()
        reply = yield _call(Does.CREATE, some)
        if isinstance(reply, Weather):
            return troubles | _all([i for group in (some, *stack) for i in group], Looked(known=Known.THERE))
        fallen = []
        for item in some:
            answer = _answer(reply, item)
            if answer.verdict is Verdict.NOT_SENT and len(some) > 1:
                fallen.append(item)
            elif (trouble := _trouble(answer)) is not None:
                troubles[item.one.name] = trouble
        middle = (len(fallen) + 1) // 2
        stack += [half for half in (fallen[middle:], fallen[:middle]) if half]
    return troubles


def _remove_stale(standing: Sequence[Ready]) -> Finishing:
    """Parts written before that the record no longer has: a note whose contact changed leaves the old one."""
    stale: dict[str, list[Item]] = {}
    for one in standing:
        wanted = {(part.object, part.remote_id) for part in one.parts}
        for object_, remote_id in one.record.parts:
            if (object_, remote_id) not in wanted:
                part = Outgoing(object=object_, remote_id=remote_id, fields={})
                stale.setdefault(object_, []).append(Item(one=one, part=part))
    troubles: Troubles = {}
    for items in stale.values():
        reply = yield _call(Does.REMOVE, items)
        if isinstance(reply, Weather):
            troubles |= _all(items, Looked(known=Known.THERE))
            continue
        for item in items:
            if _answer(reply, item).verdict not in (Verdict.REMOVED, Verdict.MISSING):
                troubles[item.one.name] = Unanswered(reason="the removal of a part was not answered")
    return troubles


def _trouble(answer: Answer) -> Outcome | None:
    """What a part's answer means for its record; None = it stands."""
    match answer.verdict:
        case Verdict.WRITTEN:
            return None
        case Verdict.REJECTED:
            return Ends(state=State.DEAD, code="LG-0601", reason=answer.reason, known=Known.THERE)
        case Verdict.PARENT:
            return Orphan(reason=answer.reason)
        case Verdict.TAKEN | Verdict.MISSING | Verdict.UNSETTLED | Verdict.NOT_SENT:
            return Looked(known=Known.THERE)  # read anew at the next claim, which knows better what is there
        case Verdict.UNKNOWN | Verdict.REMOVED:
            return Unanswered(reason=answer.reason)


def _call(does: Does, items: Iterable[Item]) -> Call:
    return Call(does=does, records=tuple(item.ready() for item in items))


def _answer(reply: Mapping[str, object], item: Item) -> Answer:
    answer = reply.get(item.part.remote_id)
    return answer if isinstance(answer, Answer) else Answer(verdict=Verdict.UNKNOWN, reason="no answer names it")


def _all(items: Iterable[Item], outcome: Outcome) -> Troubles:
    return dict.fromkeys((item.one.name for item in items), outcome)
