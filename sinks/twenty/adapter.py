"""The Twenty sink: `sinks.base.Sink` over one client."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from schemas.answers import Answer, Found, Page, Verdict, Weather
from schemas.catalog import Member, Object, WantedField
from schemas.errors import LockgateError
from sinks.base import Outgoing, Reactor, Sink
from sinks.twenty import catalog, find, listing, provision, read, remove, same, words, write
from sinks.twenty.client import Client
from sinks.twenty.settings import Settings

T = TypeVar("T")
_PATIENT_TRIES = 5
_LONGEST_WAIT_S = 60.0  #: the server's own window (5)


class TwentySink:
    """One workspace of a Twenty server. Each method says what it costs; facts: docs of the modules it calls."""

    def __init__(self, settings: Settings, pause: Callable[[float], None] = time.sleep) -> None:
        """Opens nothing and calls nothing. Raises LG-0502 for a key that no header can carry."""
        self.batch_size = settings.batch_size
        self._client = Client(settings)
        self._pause = pause
        self._objects: Mapping[str, Object] | None = None

    def close(self) -> None:
        """Closes idle connections."""
        self._client.close()

    def catalog(self) -> Mapping[str, Object]:
        """Objects by singular name, read anew. One metadata call a page of 200, not counted by the limit (3.2).

        Raises LG-0501 (cannot be reached, is no Twenty), LG-0502 (key), LG-0503 (unknown answer)."""
        self._objects = self._patiently(lambda: catalog.objects(self._client))
        return self._objects

    def members(self) -> Sequence[Member]:
        """People who may own records. One counted call a page of 200 (8). Raises like `catalog`."""
        return self._patiently(lambda: catalog.members(self._client))

    def reactors(self, objects: Sequence[str]) -> Sequence[Reactor]:
        """Active workflows that listen to creates and updates of `objects`. Two counted calls or more (10)."""
        return self._patiently(lambda: catalog.reactors(self._client, objects))

    def provision(self, wanted: Sequence[WantedField]) -> Sequence[WantedField]:
        """Makes the missing fields; returns those it made; twice is one effect (3). See `provision.provision`."""
        made = provision.provision(self._client, wanted, self._pause)
        self._objects = None
        return made

    def create(self, records: Sequence[Outgoing], before_send: Callable[[], None]) -> Mapping[str, Answer] | Weather:
        """All or nothing, never an upsert; one counted call; twice is one effect. See `write.create`."""
        return self._write(write.create, records, before_send)

    def update(self, records: Sequence[Outgoing], before_send: Callable[[], None]) -> Mapping[str, Answer] | Weather:
        """Records just read under their id; one counted call; twice is one effect. See `write.update`."""
        return self._write(write.update, records, before_send)

    def read(self, object: str, ids: Sequence[str]) -> Mapping[str, Found] | Weather:
        """Rows by id, deleted ones included; one counted call per 200 ids; changes nothing. See `read.read`."""
        there = self._object(object)
        return there if isinstance(there, Weather) else read.read(self._client, there, ids)

    def find(self, object: str, path: str, values: Sequence[str]) -> Mapping[str, Found] | Weather:
        """Rows by unique value, deleted ones included; about one counted call per 100. See `find.find`."""
        there = self._object(object)
        return there if isinstance(there, Weather) else find.find(self._client, there, path, values)

    def remove(
        self, object: str, ids: Sequence[str], before_send: Callable[[], None]
    ) -> Mapping[str, Answer] | Weather:
        """Soft-deletes; one counted call; twice is one effect. See `remove.remove`."""
        if len(set(ids)) > self.batch_size:
            raise ValueError(f"a call removes at most {self.batch_size} records")
        there = self._object(object)
        return there if isinstance(there, Weather) else remove.remove(self._client, there, ids, before_send)

    def page(self, object: str, after: str | None) -> Page | Weather:
        """A page of live rows; one counted call; changes nothing. See `listing.page`."""
        there = self._object(object)
        return there if isinstance(there, Weather) else listing.page(self._client, there, after)

    def same(self, object: str, sent: Mapping[str, Any], row: Mapping[str, Any]) -> list[str]:
        """Fields of `sent` that `row` does not hold, as Twenty normalises. No call, once the catalog is known."""
        there = self._object(object)
        if isinstance(there, Weather):
            raise LockgateError("LG-0501", there.reason)
        return same.differing(there, sent, row)

    def _write(
        self,
        send: Callable[[Client, Object, Sequence[Outgoing], Callable[[], None]], Mapping[str, Answer] | Weather],
        records: Sequence[Outgoing],
        before_send: Callable[[], None],
    ) -> Mapping[str, Answer] | Weather:
        if not records:
            return {}
        if len(records) > self.batch_size:
            raise ValueError(f"a call writes at most {self.batch_size} records")
        there = self._object(records[0].object)
        if isinstance(there, Weather):
            return there
        answers = send(self._client, there, records, before_send)
        if not isinstance(answers, Weather):
            self._learn(answers)
        return answers

    def _learn(self, answers: Mapping[str, Answer]) -> None:
        """A server that takes fewer records a call says how many (60 before 1.6; 1.4)."""
        told = [words.most_records(one.reason) for one in answers.values() if one.verdict is Verdict.NOT_SENT]
        self.batch_size = min([self.batch_size, *(most for most in told if most)])

    def _object(self, name: str) -> Object | Weather:
        """The object from the last catalog; read anew when it is not there (a metadata call, not counted)."""
        if self._objects is None or name not in self._objects:
            found = catalog.objects(self._client)
            if isinstance(found, Weather):
                return found
            self._objects = found
        if name not in self._objects:
            raise LockgateError("LG-0403", f"There is no object {name}.")
        return self._objects[name]

    def _patiently(self, ask: Callable[[], T | Weather]) -> T:
        """For the operator's own calls: a rate limit is waited out a few times, anything else is told at once."""
        answer = ask()
        for _ in range(_PATIENT_TRIES):
            if not (isinstance(answer, Weather) and answer.limited):
                break
            self._pause(min(answer.wait_s, _LONGEST_WAIT_S))
            answer = ask()
        if isinstance(answer, Weather):
            raise LockgateError("LG-0501", answer.reason)
        return answer


def open(settings: Settings) -> Sink:
    """A sink for this server; nothing is opened or called until its first method."""
    return TwentySink(settings)
