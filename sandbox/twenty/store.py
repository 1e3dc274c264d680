"""Rows and metadata: SQLite is the truth, memory its index. One process, one writer; a call is one transaction."""

from __future__ import annotations

import bisect
import json
import sqlite3
import uuid
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sandbox.twenty import catalogue
from sandbox.twenty.errors import Conflict, TwentyError, duplicate

Row = dict[str, Any]

_SCHEMA = """
create table if not exists meta (name text primary key, value text not null) without rowid;
create table if not exists objects (id text primary key, position integer not null, json text not null);
create table if not exists fields (id text primary key, position integer not null, json text not null);
create table if not exists rows (object text, id text, json text not null, primary key (object, id)) without rowid;
create table if not exists uniques (object text, field text, value text, id text not null,
    primary key (object, field, value)) without rowid;
"""


class Store:
    """All state of one workspace."""

    def __init__(self, file: str, stamp: str) -> None:
        self._sql = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
        self._sql.execute("pragma journal_mode=wal")
        self._sql.execute("pragma synchronous=normal")
        self._sql.executescript(_SCHEMA)
        self.objects: dict[str, catalogue.ObjectType] = {}
        self.rows: dict[str, dict[str, Row]] = {}
        self.order: dict[str, list[str]] = {}
        self._unique: dict[tuple[str, str], dict[str, str]] = {}
        self._children: dict[tuple[str, str], dict[str, set[str]]] = {}
        if self.meta("workspace") is None:
            self._found(stamp)
        if self.meta("application") is None:
            raise ValueError(f"{file} was made by an older stand-in; remove it")
        self._load()

    def close(self) -> None:
        """Flushes and lets go of the file."""
        self.flush()
        self._sql.close()

    def meta(self, name: str) -> str | None:
        """A single remembered text."""
        found = self._sql.execute("select value from meta where name = ?", (name,)).fetchone()
        return str(found[0]) if found else None

    def remember(self, name: str, value: str) -> None:
        """Keeps a single text."""
        self._begin()
        self._sql.execute("insert or replace into meta values (?, ?)", (name, value))

    def flush(self) -> None:
        """Commits what the running call has done; called once a call, answered or refused."""
        if self._sql.in_transaction:
            self._sql.execute("commit")

    def _begin(self) -> None:
        if not self._sql.in_transaction:
            self._sql.execute("begin immediate")

    def _found(self, stamp: str) -> None:
        workspace = str(uuid.uuid4())
        objects, fields = catalogue.fresh(workspace, stamp)
        self.remember("workspace", workspace)
        self.remember("application", str(uuid.uuid4()))  # what people make belongs to an application of their own
        self._sql.executemany("insert into objects values (?, ?, ?)", _numbered(objects))
        self._sql.executemany("insert into fields values (?, ?, ?)", _numbered(fields))
        self.flush()

    def _load(self) -> None:
        raws = [json.loads(text) for (text,) in self._sql.execute("select json from fields order by position")]
        for (text,) in self._sql.execute("select json from objects order by position"):
            item = catalogue.ObjectType(raw=json.loads(text))
            item.rebuild(raw for raw in raws if raw["objectMetadataId"] == item.raw["id"])
            self.objects[item.name] = item
            self.rows[item.name] = {}
            for join in item.joins:
                self._children[(item.name, join)] = {}
        for name, row_id, text in self._sql.execute("select object, id, json from rows order by object, id"):
            row = json.loads(text)
            self.rows[name][row_id] = row
            self._adopt(name, row)
        for name in self.objects:
            self.order[name] = sorted(self.rows[name])
            for key in self.objects[name].uniques:
                self._unique[(name, key.field)] = {}
        for name, key_field, value, row_id in self._sql.execute("select object, field, value, id from uniques"):
            self._unique[(name, key_field)][value] = row_id

    # metadata

    def add_object(self, raw: dict[str, Any]) -> catalogue.ObjectType:
        """A new object, still without fields."""
        self._begin()
        last = self._sql.execute("select coalesce(max(position), 0) + 1 from objects").fetchone()[0]
        self._sql.execute("insert into objects values (?, ?, ?)", (raw["id"], last, json.dumps(raw)))
        item = catalogue.ObjectType(raw=raw)
        self.objects[item.name] = item
        self.rows[item.name], self.order[item.name] = {}, []
        return item

    def drop_object(self, item: catalogue.ObjectType) -> None:
        """Removes an object, its fields and its rows; relations to it must be gone."""
        self._begin()
        self._sql.execute("delete from objects where id = ?", (item.raw["id"],))
        self._sql.executemany("delete from fields where id = ?", [(one.raw["id"],) for one in item.fields.values()])
        self._sql.execute("delete from rows where object = ?", (item.name,))
        self._sql.execute("delete from uniques where object = ?", (item.name,))
        del self.objects[item.name], self.rows[item.name], self.order[item.name]
        for gone in [key for key in self._unique if key[0] == item.name]:
            del self._unique[gone]
        for gone in [key for key in self._children if key[0] == item.name]:
            del self._children[gone]

    def save_field(self, raw: dict[str, Any]) -> None:
        """Inserts or replaces one field and rebuilds its object."""
        self._begin()
        last = self._sql.execute("select coalesce(max(position), 0) + 1 from fields").fetchone()[0]
        self._sql.execute(
            "insert into fields values (?, ?, ?) on conflict (id) do update set json = excluded.json",
            (raw["id"], last, json.dumps(raw)),
        )
        self._rebuild(raw["objectMetadataId"])

    def drop_field(self, raw: dict[str, Any]) -> None:
        """Removes a field and its data."""
        self._begin()
        self._sql.execute("delete from fields where id = ?", (raw["id"],))
        item = self._rebuild(raw["objectMetadataId"])
        join = (raw.get("settings") or {}).get("joinColumnName")
        self._children.pop((item.name, join or ""), None)
        for row in self.rows[item.name].values():
            row.pop(join or raw["name"], None)
        self._rewrite(item.name)

    def set_unique(self, item: catalogue.ObjectType, key: catalogue.UniqueKey, on: bool) -> bool:
        """Makes or drops a unique index over the rows there are; False when they hold duplicates."""
        index: dict[str, str] = {}
        if on:
            for row in self.rows[item.name].values():
                value = key.value(row)
                if value is not None and index.setdefault(value, row["id"]) != row["id"]:
                    return False
        self._begin()
        self._sql.execute("delete from uniques where object = ? and field = ?", (item.name, key.field))
        self._unique[(item.name, key.field)] = index
        self._sql.executemany(
            "insert into uniques values (?, ?, ?, ?)", [(item.name, key.field, v, i) for v, i in index.items()]
        )
        return True

    def _rebuild(self, object_id: str) -> catalogue.ObjectType:
        item = next(one for one in self.objects.values() if one.raw["id"] == object_id)
        raws = (json.loads(text) for (text,) in self._sql.execute("select json from fields order by position"))
        item.rebuild(raw for raw in raws if raw["objectMetadataId"] == object_id)
        for key in item.uniques:
            self._unique.setdefault((item.name, key.field), {})
        for join in item.joins:
            self._children.setdefault((item.name, join), {})
        return item

    def _rewrite(self, name: str) -> None:
        texts = [(json.dumps(row), name, row_id) for row_id, row in self.rows[name].items()]
        self._sql.executemany("update rows set json = ? where object = ? and id = ?", texts)

    def rewrite(self, name: str) -> None:
        """Saves every row of an object after an edit in place (a SELECT option renamed or removed)."""
        self._begin()
        self._rewrite(name)

    # rows

    def holder(self, name: str, key: catalogue.UniqueKey, value: str) -> str | None:
        """Id of the row, soft-deleted or not, that holds a unique value."""
        return self._unique[(name, key.field)].get(value)

    def clash(self, item: catalogue.ObjectType, key: catalogue.UniqueKey, holder: str | None) -> TwentyError:
        """The refusal of a value that another row holds; a soft-deleted holder is not named (`twenty.md` 6)."""
        if holder is None or self.rows[item.name][holder].get("deletedAt") is not None:
            return duplicate()
        label = str(item.fields[key.field].raw["label"])
        return duplicate(Conflict(label=label, row_id=holder, object=item.name))

    def children(self, name: str, join: str, parent: str) -> list[str]:
        """Ids of rows that point to a parent, sorted."""
        return sorted(self._children[(name, join)].get(parent, ()))

    def insert(self, item: catalogue.ObjectType, rows: Sequence[Row]) -> None:
        """One INSERT of many rows: all or none; ids and unique values count, soft-deleted rows included."""
        have = self.rows[item.name]
        ids = {row["id"] for row in rows}
        if len(ids) < len(rows) or any(row_id in have for row_id in ids):
            raise duplicate()
        fresh = self._claims(item, rows)
        self._begin()
        self._sql.executemany(
            "insert into rows values (?, ?, ?)", [(item.name, row["id"], json.dumps(row)) for row in rows]
        )
        self._sql.executemany("insert into uniques values (?, ?, ?, ?)", fresh)
        for _, key_field, value, row_id in fresh:
            self._unique[(item.name, key_field)][value] = row_id
        for row in rows:
            have[row["id"]] = row
            self._adopt(item.name, row)
        self.order[item.name].extend(row["id"] for row in rows)
        self.order[item.name].sort()

    def _claims(self, item: catalogue.ObjectType, rows: Sequence[Row]) -> list[tuple[str, str, str, str]]:
        claims = []
        for key in item.uniques:
            taken = self._unique[(item.name, key.field)]
            seen: set[str] = set()
            for row in rows:
                value = key.value(row)
                if value is None:
                    continue
                if value in taken or value in seen:
                    raise duplicate()
                seen.add(value)
                claims.append((item.name, key.field, value, row["id"]))
        return claims

    def update(self, item: catalogue.ObjectType, rows: Sequence[Row]) -> None:
        """One UPDATE of rows that exist: all or none."""
        have = self.rows[item.name]
        moves: list[tuple[str, str | None, str | None, str]] = []
        for key in item.uniques:
            given_up = {key.value(have[row["id"]]) for row in rows}
            seen: set[str] = set()
            for row in rows:
                old, new = key.value(have[row["id"]]), key.value(row)
                if new is not None:
                    other = self._unique[(item.name, key.field)].get(new)
                    if new in seen or (other not in (None, row["id"]) and new not in given_up):
                        raise self.clash(item, key, other)
                    seen.add(new)
                if old != new:
                    moves.append((key.field, old, new, row["id"]))
        self._begin()
        self._move(item.name, moves)
        self._sql.executemany(
            "update rows set json = ? where object = ? and id = ?",
            [(json.dumps(row), item.name, row["id"]) for row in rows],
        )
        for row in rows:
            self._forsake(item.name, have[row["id"]])
            have[row["id"]] = row
            self._adopt(item.name, row)

    def _move(self, name: str, moves: Iterable[tuple[str, str | None, str | None, str]]) -> None:
        moved = list(moves)
        for key_field, old, _, _ in moved:
            if old is not None:
                self._unique[(name, key_field)].pop(old, None)
                self._sql.execute(
                    "delete from uniques where object = ? and field = ? and value = ?", (name, key_field, old)
                )
        for key_field, _, new, row_id in moved:
            if new is not None:
                self._unique[(name, key_field)][new] = row_id
                self._sql.execute("insert into uniques values (?, ?, ?, ?)", (name, key_field, new, row_id))

    def delete(self, item: catalogue.ObjectType, ids: Iterable[str]) -> None:
        """Destroys rows; what points to them goes with them or points to nothing, as the foreign key says.

        Neither gives the other row a new updatedAt: PostgreSQL does it, not Twenty."""
        self._begin()
        for row_id in list(ids):
            self._destroy(item, row_id)

    def _destroy(self, item: catalogue.ObjectType, row_id: str) -> None:
        row = self.rows[item.name].pop(row_id, None)
        if row is None:
            return
        self._forsake(item.name, row)
        self._move(item.name, [(key.field, key.value(row), None, row_id) for key in item.uniques])
        place = bisect.bisect_left(self.order[item.name], row_id)
        del self.order[item.name][place]
        self._sql.execute("delete from rows where object = ? and id = ?", (item.name, row_id))
        for child, field in self.pointing_to(item.name):
            for other in self.children(child.name, str(field.join), row_id):
                if field.cascades:
                    self._destroy(child, other)
                else:
                    self._unlink(child.name, other, str(field.join))

    def pointing_to(self, name: str) -> list[tuple[catalogue.ObjectType, catalogue.Field]]:
        """Every relation that ends at an object, with the object it starts from."""
        return [
            (item, field)
            for item in self.objects.values()
            for field in item.joins.values()
            if field.target == name and item.has_records
        ]

    def _unlink(self, name: str, row_id: str, join: str) -> None:
        row = self.rows[name][row_id]
        self._children[(name, join)].get(row[join], set()).discard(row_id)
        row[join] = None
        self._sql.execute("update rows set json = ? where object = ? and id = ?", (json.dumps(row), name, row_id))

    def _adopt(self, name: str, row: Mapping[str, Any]) -> None:
        for join in self.objects[name].joins:
            if row.get(join):
                self._children[(name, join)].setdefault(row[join], set()).add(row["id"])

    def _forsake(self, name: str, row: Mapping[str, Any]) -> None:
        for join in self.objects[name].joins:
            if row.get(join):
                self._children[(name, join)].get(row[join], set()).discard(row["id"])


def _numbered(raws: Sequence[dict[str, Any]]) -> list[tuple[str, int, str]]:
    return [(raw["id"], number, json.dumps(raw)) for number, raw in enumerate(raws)]
