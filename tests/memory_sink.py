"""A destination in memory with the habits that matter (`twenty.md` 0): ids are given, values are unique, the bin keeps
them, create is all or nothing, a batch of updates goes row by row and restores, answers get lost or come true late."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from schemas.answers import Answer, Found, Page, Verdict, Weather
from schemas.catalog import Member, Object, WantedField
from sinks.base import Outgoing, Reactor

#: Object → the composite field and the subfield whose value is unique, bin included.
UNIQUE = {"company": ("domainName", "primaryLinkUrl"), "person": ("emails", "primaryEmail")}
#: Object → its link: field, object it points to.
LINKS = {"person": ("companyId", "company")}


@dataclass(kw_only=True)
class Row:
    """One row there."""

    fields: dict[str, Any]
    deleted: bool = False
    person: bool = False  #: it was there before us, or a person put it there


@dataclass(frozen=True, kw_only=True)
class Odds:
    """How often a call meets what."""

    weather: float = 0.0  #: nothing applied, wait
    lost: float = 0.0  #: applied, the answer is lost
    dropped: float = 0.0  #: neither applied nor answered
    late: float = 0.0  #: not answered; applied later


@dataclass(kw_only=True)
class MemorySink:
    """The sink and what a test may ask of it."""

    batch_size: int = 10
    dice: random.Random = field(default_factory=lambda: random.Random(0))
    odds: Odds = field(default_factory=Odds)
    rows: dict[str, dict[str, Row]] = field(default_factory=lambda: {"company": {}, "person": {}})
    late: list[Callable[[], None]] = field(default_factory=list)
    calls: list[tuple[str, int]] = field(default_factory=list)  #: (what, records)
    sins: list[str] = field(default_factory=list)  #: what must never happen
    binned: set[str] = field(default_factory=set)  #: ids of ours that a person has deleted

    # the contract

    def create(self, records: Sequence[Outgoing], before_send: Callable[[], None]) -> Mapping[str, Answer] | Weather:
        """All or nothing."""

        def apply() -> dict[str, Answer]:
            there = self.rows[records[0].object]
            for one in records:
                if one.remote_id in there:
                    return self._one_or_all(records, Verdict.TAKEN)
            for at, one in enumerate(records):
                why = self._refuses(one, {r.remote_id: r.fields for r in records[:at]})
                if why is not None:
                    return self._one_or_all(records, why)
            for one in records:
                there[one.remote_id] = Row(fields=dict(one.fields))
            return _all(records, Verdict.WRITTEN)

        return self._call("create", records, before_send, apply)

    def update(self, records: Sequence[Outgoing], before_send: Callable[[], None]) -> Mapping[str, Answer] | Weather:
        """One: by its id, alone. Several: an upsert, row by row until one is refused."""
        return self._call(
            "update",
            records,
            before_send,
            (lambda: self._patch(records[0])) if len(records) == 1 else (lambda: self._upsert(records)),
        )

    def read(self, object: str, ids: Sequence[str]) -> Mapping[str, Found] | Weather:
        """Rows, the bin's too."""
        self.calls.append(("read", len(ids)))
        if self.dice.random() < self.odds.weather:
            return Weather(wait_s=1.0, reason="503")
        there = self.rows[object]
        return {
            one: Found(remote_id=one, deleted=there[one].deleted, row=dict(there[one].fields))
            for one in ids
            if one in there
        }

    def remove(
        self, object: str, ids: Sequence[str], before_send: Callable[[], None]
    ) -> Mapping[str, Answer] | Weather:
        """Into the bin."""

        def apply() -> dict[str, Answer]:
            answers = {}
            for one in ids:
                row = self.rows[object].get(one)
                live = row is not None and not row.deleted
                if row is not None:
                    row.deleted = True
                answers[one] = Answer(verdict=Verdict.REMOVED if live else Verdict.MISSING)
            return answers

        return self._call("remove", [Outgoing(object=object, remote_id=i, fields={}) for i in ids], before_send, apply)

    def same(self, object: str, sent: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
        """Plain comparison: nothing is normalised here."""
        return [name for name, value in sent.items() if row.get(name) != value]

    def catalog(self) -> Mapping[str, Object]:
        """Nothing asks."""
        return {}

    def members(self) -> Sequence[Member]:
        """Nobody."""
        return ()

    def reactors(self, objects: Sequence[str]) -> Sequence[Reactor]:
        """None."""
        return ()

    def provision(self, wanted: Sequence[WantedField]) -> Sequence[WantedField]:
        """Every field is there."""
        return ()

    def page(self, object: str, after: str | None) -> Page | Weather:
        """One page of everything."""
        return Page(rows={}, after=None)

    # a test's own hands

    def come_true(self) -> None:
        """What was not answered and not applied yet is applied now."""
        while self.late:
            self.late.pop(0)()

    def person_makes(self, object_: str, id_: str, fields: dict[str, Any]) -> None:
        """A row that is none of ours."""
        self.rows[object_][id_] = Row(fields=fields, person=True)

    def person_bins(self, dice: random.Random) -> None:
        """Somebody deletes one of our rows."""
        ours = [
            (o, one) for o, rows in self.rows.items() for one, row in rows.items() if not (row.deleted or row.person)
        ]
        if ours:
            object_, one = dice.choice(ours)
            self.rows[object_][one].deleted = True
            self.binned.add(one)

    def between_calls(self, event: Callable[[], None]) -> None:
        """Something happens while no call is under way."""
        event()

    def calm(self) -> None:
        """From now on every call is answered."""
        self.odds = Odds()

    def live(self, object: str) -> dict[str, dict[str, Any]]:
        """Fields by id of what is not in the bin."""
        return {one: row.fields for one, row in self.rows[object].items() if not row.deleted}

    # inside

    def _call(
        self,
        what: str,
        records: Sequence[Outgoing],
        before_send: Callable[[], None],
        apply: Callable[[], dict[str, Answer]],
    ) -> Mapping[str, Answer] | Weather:
        before_send()
        self.calls.append((what, len(records)))
        roll = self.dice.random()
        if (roll := roll - self.odds.weather) < 0:
            return Weather(wait_s=1.0, reason="503")
        if (roll := roll - self.odds.lost) < 0:
            apply()
            return _all(records, Verdict.UNKNOWN)
        if (roll := roll - self.odds.dropped) < 0:
            return _all(records, Verdict.UNKNOWN)
        if (roll := roll - self.odds.late) < 0:
            self.late.append(lambda: (apply(), None)[1])
            return _all(records, Verdict.UNKNOWN)
        return apply()

    def _patch(self, one: Outgoing) -> dict[str, Answer]:
        row = self.rows[one.object].get(one.remote_id)
        if row is None:
            return _all([one], Verdict.MISSING)
        why = self._refuses(one, {})
        if why is not None:
            return _all([one], why)
        row.fields |= one.fields
        row.deleted = row.deleted and not one.restore
        return _all([one], Verdict.WRITTEN)

    def _upsert(self, records: Sequence[Outgoing]) -> dict[str, Answer]:
        for one in records:
            there = self.rows[one.object]
            if self._refuses(one, {}) is not None:
                return _all(records, Verdict.UNSETTLED)
            row = there.setdefault(one.remote_id, Row(fields={}))
            row.fields |= one.fields
            row.deleted = False
        return _all(records, Verdict.WRITTEN)

    def _refuses(self, one: Outgoing, company: Mapping[str, Mapping[str, Any]]) -> Verdict | None:
        mine = _unique(one.object, one.fields)
        rows = {key: row.fields for key, row in self.rows[one.object].items()} | company
        rival = next(
            (k for k, f in rows.items() if mine and k != one.remote_id and _unique(one.object, f) == mine), None
        )
        if rival is not None:
            held = self.rows[one.object].get(rival)
            if held is None or not held.person:
                self.sins.append(f"{one.object} {one.fields.get('name')} met {mine}, which a row of ours holds")
            return Verdict.TAKEN
        link = LINKS.get(one.object)
        target = one.fields.get(link[0]) if link else None
        return Verdict.PARENT if link and target and target not in self.rows[link[1]] else None

    def _one_or_all(self, records: Sequence[Outgoing], verdict: Verdict) -> dict[str, Answer]:
        return _all(records, verdict if len(records) == 1 else Verdict.NOT_SENT)


def _unique(object_: str, fields: Mapping[str, Any]) -> str:
    root, leaf = UNIQUE[object_]
    return str((fields.get(root) or {}).get(leaf) or "")


def _all(records: Sequence[Outgoing], verdict: Verdict) -> dict[str, Answer]:
    return {one.remote_id: Answer(verdict=verdict, remote_id=one.remote_id, reason=verdict.value) for one in records}
