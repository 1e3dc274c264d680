"""Makes missing fields and options: reads first, reads back, waits until the record API knows them (`twenty.md` 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from infra.clock import boottime
from schemas.answers import Weather
from schemas.catalog import Object, WantedField
from schemas.errors import LockgateError
from sinks.twenty import catalog, options, shape, words
from sinks.twenty.client import Client, Reply

#: Other processes of a server memoise metadata for 10 s (3.2).
READY_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.5

Pause = Callable[[float], None]
#: Option ids and their values by (object, field), as they were before anything was changed.
Before = dict[tuple[str, str], Mapping[str, str]]


@dataclass(frozen=True, kw_only=True)
class _There:
    """One read of the metadata."""

    objects: Mapping[str, Object]
    selects: options.Selects


def provision(client: Client, wanted: Sequence[WantedField], pause: Pause = time.sleep) -> Sequence[WantedField]:
    """Makes what is missing and returns it; twice is one effect. Of a field that is there nothing is changed but that a
    SELECT gets the options it lacks, after its own, under whose ids the rows stay; it is returned with only those.

    Two metadata calls, one more a field made, two more a SELECT extended, not counted by the limit (3.2), then one
    counted call a field, and one a SELECT, to see that the record API takes them. Before anything is made it raises
    LG-0406 for a field of another type, LG-0403 for an object or a field of Twenty's own that is not there, LG-0504
    for a SELECT whose options have no ids; afterwards LG-0504 for what the server refuses or somebody else undid,
    LG-0501 when it cannot be reached."""
    wanted = _once(wanted)
    there = _read(client)
    absent, extend = _missing(there.objects, wanted), _extend(there, wanted)
    for field in extend:
        options.check(field, there.selects[field.object, field.name])
    made = [field for field in absent if _make(client, there.objects[field.object], field)]
    # Somebody else made these a moment ago, perhaps with other options.
    extend += [field for field in absent if field.options and field not in made]
    before: Before = {key: held.ids() for key, held in there.selects.items()}
    made += [added for field in extend if (added := _add(client, field, before)) is not None]
    if absent or extend:
        _await(client, _once(absent + extend), before, pause)
    return made


def _once(wanted: Iterable[WantedField]) -> list[WantedField]:
    """Each field once, with the options of all who want it."""
    found: dict[tuple[str, str], WantedField] = {}
    for field in wanted:
        first = found.setdefault((field.object, field.name), field)
        names = {one.name for one in first.options}
        more = tuple(one for one in field.options if one.name not in names)
        found[field.object, field.name] = replace(first, options=first.options + more)
    return list(found.values())


def _read(client: Client) -> _There:
    listed: Sequence[Mapping[str, Any]] | Weather = catalog.listed(client)
    if isinstance(listed, Weather):
        raise LockgateError("LG-0501", listed.reason)
    return _There(objects=catalog.read(listed), selects=options.selects(listed))


def _missing(there: Mapping[str, Object], wanted: Sequence[WantedField]) -> list[WantedField]:
    """The wanted fields that are not there. Raises for what making fields cannot mend."""
    lacking = sorted({field.object for field in wanted} - set(there))
    if lacking:
        raise LockgateError("LG-0403", "These objects are missing, too.", details=lacking)
    other = [
        f"{field.object}.{field.name} is {held.type}, the plan needs {field.type}"
        for field in wanted
        if (held := there[field.object].fields.get(field.name)) is not None and held.type != field.type
    ]
    if other:
        raise LockgateError("LG-0406", details=other)
    absent = [field for field in wanted if field.name not in there[field.object].fields]
    theirs = [f"{field.object}.{field.name}" for field in absent if field.standard]
    if theirs:
        raise LockgateError("LG-0403", "These are fields of the destination's own: no verb makes them.", details=theirs)
    return absent


def _extend(there: _There, wanted: Sequence[WantedField]) -> list[WantedField]:
    """The fields that are there, with the options they lack."""
    held = [field for field in wanted if field.options and field.name in there.objects[field.object].fields]
    found = [options.lacking(field, there.selects.get((field.object, field.name))) for field in held]
    return [field for field in found if field.options]


def _make(client: Client, there: Object, field: WantedField) -> bool:
    """True when this call made it; False when somebody else had (NOT_AVAILABLE) or no answer came: the read tells."""
    body: dict[str, Any] = {
        "objectMetadataId": there.id, "type": field.type, "name": field.name, "label": field.label, "isNullable": True
    }  # fmt: skip
    if field.type in catalog.WITH_OPTIONS:
        body["options"] = options.described(field)
    outcome = client.call("POST", "/rest/metadata/fields", body=shape.encode(body))
    if not isinstance(outcome, Reply):
        return False
    if outcome.status < 300:
        return True
    if "NOT_AVAILABLE" in words.metadata_codes(outcome.body) or outcome.status >= 500:
        return False
    raise LockgateError("LG-0504", f"{field.object}.{field.name}: {words.metadata_why(outcome.body) or outcome.status}")


def _add(client: Client, field: WantedField, before: Before) -> WantedField | None:
    """Reads once more right before the call, since the whole list is sent: what was added in between stays.

    The field with the options this call added; None when they are there already, or no answer tells."""
    key = (field.object, field.name)
    held = _read(client).selects.get(key)
    options.kept(field, before.get(key, {}), held)
    if held is None:
        return None
    before[key] = held.ids()
    field = options.lacking(field, held)
    if not field.options:
        return None
    options.check(field, held)
    return field if options.add(client, field, held) else None


def _await(client: Client, made: Sequence[WantedField], before: Before, pause: Pause) -> None:
    """Until the catalog lists the fields with their type and options and the record API takes them, at most 15 s.

    Raises LG-0504 at once when an option that was there before is gone."""
    until = boottime() + READY_WITHIN_S
    while True:
        there = _read(client)
        for field in made:
            held = there.selects.get((field.object, field.name))
            options.kept(field, before.get((field.object, field.name), {}), held)
        late = _missing(there.objects, made) or _extend(there, made)
        late = late or [field for field in made if not _known(client, there.objects[field.object], field)]
        if not late:
            return
        if boottime() >= until:
            why = f"Not to be seen {READY_WITHIN_S:.0f} s after it was made, or deactivated: look in the settings."
            raise LockgateError("LG-0504", why, details=[line for field in late for line in _named(field)])
        pause(_LOOK_EVERY_S)


def _named(field: WantedField) -> list[str]:
    name = f"{field.object}.{field.name}"
    return [f"{name} option {one.name}" for one in field.options] or [name]


def _known(client: Client, there: Object, field: WantedField) -> bool:
    """Whether the record API filters by the field and takes its options; any other answer (a limit, a fault) is not
    about the field."""
    outcome = client.get(f"/rest/{there.plural}", {"filter": f"{field.name}[is]:NULL", "limit": "1"})
    if isinstance(outcome, Reply) and outcome.status == 400 and words.unknown_field(outcome.body):
        return False
    return not (field.options and options.unknown(client, there.plural, field))
