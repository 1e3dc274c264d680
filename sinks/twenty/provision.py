"""Makes missing fields: reads first, reads back, waits until the record API knows them (`twenty.md` 3)."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence

from infra.clock import boottime
from schemas.answers import Weather
from schemas.catalog import Object, WantedField
from schemas.errors import LockgateError
from sinks.twenty import catalog, shape, words
from sinks.twenty.client import Client, Reply

#: Other processes of a server memoise metadata for 10 s (3.2).
READY_WITHIN_S = 15.0
_LOOK_EVERY_S = 0.5

Pause = Callable[[float], None]


def provision(client: Client, wanted: Sequence[WantedField], pause: Pause = time.sleep) -> Sequence[WantedField]:
    """Makes what is missing and returns it; twice is one effect. Touches no existing field and no SELECT option.

    Two metadata calls and one more a field made, not counted by the limit (3.2), then one counted call a field to
    see that the record API takes them. Raises LG-0406 for a field of another type (before anything is made), LG-0403
    for an object that is not there, LG-0504 for a field the server refuses, LG-0501 when it cannot be reached."""
    before = _objects(client)
    missing = _missing(before, wanted)
    made = [field for field in missing if _make(client, before[field.object], field)]
    if missing:
        _await(client, missing, pause)
    return made


def _objects(client: Client) -> Mapping[str, Object]:
    there = catalog.objects(client)
    if isinstance(there, Weather):
        raise LockgateError("LG-0501", there.reason)
    return there


def _missing(there: Mapping[str, Object], wanted: Sequence[WantedField]) -> list[WantedField]:
    """The wanted fields that are not there, each once. Raises for what making fields cannot mend."""
    absent = sorted({field.object for field in wanted} - set(there))
    if absent:
        raise LockgateError("LG-0403", "These objects are missing, too.", details=absent)
    other = [
        f"{field.object}.{field.name} is {held.type}, the plan needs {field.type}"
        for field in wanted
        if (held := there[field.object].fields.get(field.name)) is not None and held.type != field.type
    ]
    if other:
        raise LockgateError("LG-0406", details=other)
    once = {(field.object, field.name): field for field in wanted}
    return [field for (name, field_name), field in once.items() if field_name not in there[name].fields]


def _make(client: Client, there: Object, field: WantedField) -> bool:
    """True when this call made it; False when somebody else had (NOT_AVAILABLE) or no answer came: the read tells."""
    body = shape.encode(
        {"objectMetadataId": there.id, "type": field.type, "name": field.name, "label": field.label, "isNullable": True}
    )
    outcome = client.call("POST", "/rest/metadata/fields", body=body)
    if not isinstance(outcome, Reply):
        return False
    if outcome.status < 300:
        return True
    if "NOT_AVAILABLE" in words.metadata_codes(outcome.body) or outcome.status >= 500:
        return False
    raise LockgateError("LG-0504", f"{field.object}.{field.name}: {_why(outcome)}")


def _await(client: Client, made: Sequence[WantedField], pause: Pause) -> None:
    """Until the catalog lists the fields with their type and the record API takes them, at most 15 s."""
    until = boottime() + READY_WITHIN_S
    while True:
        there = _objects(client)
        late = _missing(there, made) or [field for field in made if not _known(client, there[field.object], field)]
        if not late:
            return
        if boottime() >= until:
            names = [f"{field.object}.{field.name}" for field in late]
            why = f"Not to be seen {READY_WITHIN_S:.0f} s after it was made, or deactivated: look in the settings."
            raise LockgateError("LG-0504", why, details=names)
        pause(_LOOK_EVERY_S)


def _known(client: Client, there: Object, field: WantedField) -> bool:
    """Whether the record API filters by the field; any other answer (a limit, a fault) is not about the field."""
    outcome = client.get(f"/rest/{there.plural}", {"filter": f"{field.name}[is]:NULL", "limit": "1"})
    return not (isinstance(outcome, Reply) and outcome.status == 400 and words.unknown_field(outcome.body))


def _why(reply: Reply) -> str:
    errors = reply.body.get("errors", {}) if isinstance(reply.body, Mapping) else {}
    told = [str(e.get("message")) for one in errors.get("fieldMetadata", []) for e in one.get("errors", [])]
    return "; ".join(told) or reply.words() or str(reply.status)
