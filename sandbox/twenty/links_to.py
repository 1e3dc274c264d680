"""Relations on write: `{field}Id`, connect, disconnect, and the foreign keys behind them."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

from sandbox.twenty import catalogue, scalars
from sandbox.twenty.errors import TwentyError, bad_request, unsupported
from sandbox.twenty.store import Row, Store

#: Constraint names as recorded; of the others only the form is known.
_CONSTRAINTS = {
    ("company", "accountOwnerId"): "FK_abe91dff1e48d77edca339f387c",
    ("noteTarget", "targetCompanyId"): "FK_b10df13291b5386b984298bdf20",
    ("company", "id"): "FK_7460f3992bc8d73165b3b2874e6",
}


def relation_value(store: Store, field: catalogue.Field, key: str, value: Any) -> str | None:
    """The parent's id that a write names. Raises 400."""
    if field.one_to_many:
        raise bad_request(f"One-to-many relation {key} field does not support write operations.")
    if key == field.join:
        return scalars.uuid_value(value, key)
    if not isinstance(value, Mapping) or not ({"connect", "disconnect"} & set(value)):
        raise bad_request(f'Relation "{key}" requires connect or disconnect operation')
    if "connect" not in value:
        if value["disconnect"] is not True:
            raise unsupported("disconnect with anything but true")
        return None
    where = value["connect"].get("where") if isinstance(value["connect"], Mapping) else None
    if not isinstance(where, Mapping) or len(where) != 1:
        raise unsupported("connect with anything but one unique field")
    return _connected(store, field.target, where)


def _connected(store: Store, target: str, where: Mapping[str, Any]) -> str:
    item = store.objects[target]
    ((name, wanted),) = where.items()
    key = next((one for one in item.uniques if one.field == name), None)
    if name == "id":
        text, shown = str(scalars.uuid_value(wanted, "id")), "id"
        found = text if text in store.rows[target] else None
    elif key is not None and (key.part is None or (isinstance(wanted, Mapping) and set(wanted) == {key.part})):
        text = str(wanted if key.part is None else wanted[key.part])
        shown = name if key.part is None else name + key.part[0].upper() + key.part[1:]
        found = store.holder(target, key, text)
    else:
        raise unsupported(f"connect by {name}")
    if found is None or store.rows[target][found].get("deletedAt") is not None:
        raise bad_request(f"Expected 1 record to connect to {target}, but found 0 for {shown} = {text}")
    return found


def check_parents(store: Store, item: catalogue.ObjectType, rows: Sequence[Row]) -> None:
    """Foreign keys: a soft-deleted parent will do, a missing one is the raw text of PostgreSQL."""
    for join, field in item.joins.items():
        parents = store.rows[field.target]
        for row in rows:
            if row.get(join) is not None and row[join] not in parents:
                raise bad_request(
                    f'insert or update on table "{item.name}" violates foreign key constraint'
                    f' "{_constraint(item.name, join)}"'
                )


def id_is_pointed_at(name: str) -> TwentyError:
    """Every company has a timelineActivity row that points to it, so its id cannot change (recording 04)."""
    if name != "company":
        return unsupported(f"changing the id of a {name}")
    return bad_request(
        f'update or delete on table "{name}" violates foreign key constraint'
        f' "{_constraint(name, "id")}" on table "timelineActivity"'
    )


def _constraint(name: str, column: str) -> str:
    digest = hashlib.sha256(f"{name}.{column}".encode()).hexdigest()[:27]
    return _CONSTRAINTS.get((name, column), f"FK_{digest}")
