"""Laws of the pure transform over arbitrary rows: total, deterministic, idempotent, serialisable (S0-18 … S0-32)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import orjson
from atomic_rows import ADDRESSES, ANY_TEXT, COLUMNS, JSON, NUMBERS, PLAN, RELATED, ROWS, SITES, projected
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.twenty import catalogue, values
from sandbox.twenty import links as twenty_links
from sandbox.twenty import phones as twenty_phones
from schemas import change_event, column_types, desired, enums
from schemas.change_event import UNAVAILABLE
from streams.transform import emails, links, phones, projection, references
from streams.transform.converted import Given


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


@settings(max_examples=400, deadline=None)
@given(ROWS)
def test_projection_is_total_deterministic_and_serialisable(row: tuple[str, dict[str, Any]]) -> None:
    """Whatever JSON stands in the columns: one payload, twice the same, that orjson writes, without NUL."""
    first, second = projected(*row), projected(*row)
    assert first == second
    written = orjson.dumps(desired.to_json(first.parts))  # refuses lone surrogates
    assert [value for part in first.parts for value in _texts(part.fields) if "\0" in value] == []
    assert desired.from_json(orjson.loads(written)) == first.parts


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_claims_do_not_depend_on_who_loses(row: tuple[str, dict[str, Any]]) -> None:
    """DESIGN 2, Uniqueness: the same claims however they are decided; a lost value is in text."""
    won = projected(*row)
    lost = projected(*row, losing=frozenset(won.claims))
    assert lost.claims == won.claims
    assert lost.refs == won.refs
    for claim in won.claims:
        field, subfield = claim.field.split(".")
        assert won.parts[0].fields[field][subfield] == claim.value
        assert lost.parts[0].fields[field][subfield] == ""
        assert claim.value in lost.parts[0].fields["keptValues"]


def _fields(destination: str) -> dict[str, catalogue.Field]:
    """The stand-in's fields of an object: its own, our shapes, and our options among those of its own."""
    raws = {}
    for raw in next(o["fields"] for o in catalogue.shapes()["objects"] if o["nameSingular"] == destination):
        raws[raw["name"]] = raw
    for owner, shape in PLAN.shapes():
        if owner == destination:
            more = [{"value": option.name} for option in PLAN.options.get(shape.enum or "", ())]
            raw = raws.get(shape.name, {"name": shape.name, "type": shape.type, "isNullable": True})
            raws[shape.name] = {**raw, "options": [*(raw.get("options") or []), *more]}
    kept = {name: raw for name, raw in raws.items() if raw["type"] not in ("RELATION", "MORPH_RELATION")}
    return {
        name: catalogue.Field(raw=raw, object=destination, name=name, type=raw["type"], join=None, one_to_many=False)
        for name, raw in kept.items()
    }


FIELDS = {name: _fields(name) for name in ("company", "person", "opportunity", "task", "note")}
LINKS = {"companyId", "pointOfContactId", "accountOwnerId", "ownerId", "assigneeId"}


@settings(max_examples=400, deadline=None)
@given(ROWS)
def test_what_is_sent_is_what_is_stored(row: tuple[str, dict[str, Any]]) -> None:
    """`twenty.md` 1.9: the stand-in, which was written without us, takes every value and holds exactly it."""
    result = projected(*row)
    main = result.parts[0]
    for name, sent in main.fields.items():
        if name in LINKS:
            continue
        field = FIELDS[main.object][name]
        held = values.merge(field, field.empty(), values.check(field, name, sent))
        if isinstance(sent, dict):
            assert {part: held[part] for part in sent} == sent, name
        else:
            assert held == sent, name


@settings(max_examples=300, deadline=None)
@given(ROWS)
def test_parts_and_references_belong_together(row: tuple[str, dict[str, Any]]) -> None:
    """S0-27, S0-28: a part exists exactly when its link does, points to its own record, and its reference says so;
    whatever is read or pointed to is among the references of the raw image."""
    kind, image = row
    result, plan = projected(*row), PLAN.object(kind)
    linked = [part for part in plan.parts if image.get(part.fields[-1].from_[0]) is not None]
    assert [part.object for part in result.parts[1:]] == [part.destination for part in linked]
    for number, (rule, part) in enumerate(zip(linked, result.parts[1:], strict=True), start=1):
        (ref,) = [ref for ref in result.refs if ref.part == number]
        assert part.fields[rule.link] == {"$ref": [ref.kind, ref.key]}
        assert part.fields[rule.fields[0].to] == {"$ref": [kind, str(image["id"])]}
        assert part.id_path == f"{kind}/{image['id']}/target/{ref.kind}/{ref.key}"
    named = projection.references(plan, image)
    assert {(ref.kind, ref.key) for ref in result.refs} <= {*named}
    assert {*projection.reads(plan, image)} <= {*named}
    assert len(named) == len({*named})


@settings(max_examples=200, deadline=None)
@given(ROWS, st.sampled_from(sorted(RELATED)))
def test_what_the_plan_does_not_read_changes_nothing(row: tuple[str, dict[str, Any]], other: tuple[str, str]) -> None:
    """DESIGN 2: a row that `reads` does not name may be anything; a column that `readers` does not name as well."""
    kind, image = row
    before, found = projected(*row), RELATED[other]
    readers = PLAN.readers(other[0]).get(kind, frozenset())
    if other not in projection.reads(PLAN.object(kind), image):
        changed: Any = {"anything": 1}
    elif found is None:
        return
    else:
        changed = {**{column: value for column, value in found.items() if column in readers}, "other": 1}
    assert projected(kind, image, related={**RELATED, other: changed}) == before


@settings(max_examples=300, deadline=None)
@given(JSON)
def test_keys_of_anything(value: Any) -> None:
    """`atomic_crm.md` 7.10: arrays of anything name rows in order, each once, and never fail."""
    keys = references.keys_of(value)
    assert len(keys) == len({*keys})
    assert all(isinstance(key, str) and key for key in keys)


@settings(max_examples=300, deadline=None)
@given(st.lists(st.fixed_dictionaries({"value": ANY_TEXT, "label": ANY_TEXT}), max_size=8))
def test_options_are_names_that_twenty_takes(raw: list[dict[str, str]]) -> None:
    """`twenty.md` 3.3: UPPER_SNAKE from a letter on, unique; each value once, in order; made again they stay."""
    made = enums.options(raw)
    assert [option.value for option in made] == list(dict.fromkeys(item["value"] for item in raw))
    assert [option.name for option in made if not re.fullmatch(r"[A-Z][A-Z0-9_]*", option.name)] == []
    assert len({option.name for option in made}) == len(made)
    assert [option.position for option in made] == list(range(len(made)))
    assert [option.label for option in made if not option.label or "," in option.label] == []
    assert enums.options(made) == made


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | SITES)
def test_a_link_sent_is_a_link_stored(raw: str) -> None:
    """A normalised link is its own normal form, for us and for the stand-in of Twenty, which was written without us."""
    url = links.normalise(raw)
    if url is not None:
        assert links.normalise(url) == url
        assert twenty_links.normal_url(url) == url


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | ADDRESSES)
def test_an_address_sent_is_an_address_stored(raw: str) -> None:
    """A normalised address is its own normal form, also when it is read back as an element."""
    address = emails.normalise(raw)
    if address is not None:
        assert emails.normalise(address) == address
        again = emails.emails(Given(values=([{"email": address, "type": "Work"}],)))
        assert again.value == {"primaryEmail": address, "additionalEmails": []}


@settings(max_examples=300, deadline=None)
@given(ANY_TEXT | NUMBERS)
def test_a_number_sent_is_a_number_stored(raw: str) -> None:
    """A number in Twenty's form reads back as the same number, for us and for the stand-in of Twenty."""
    phone = phones.normalise(raw)
    if phone is not None:
        again = phones.normalise(phone.calling + phone.number)
        assert again is not None
        assert again[:3] == phone[:3]
        value = phones.phones(Given(values=([raw, "+33612345678"],))).value
        stored = twenty_phones.phones_value(value, "phones")
        assert stored == value


@settings(max_examples=200, deadline=None)
@given(
    st.dictionaries(st.sampled_from("abcd"), JSON | st.just(UNAVAILABLE)),
    st.none() | st.dictionaries(st.sampled_from("abcd"), JSON),
)
def test_fill_leaves_no_placeholder_behind(image: dict[str, Any], older: dict[str, Any] | None) -> None:
    """Law 8: what is not named as missing is a value; what was a value is untouched; filling again changes nothing."""
    whole, missing = change_event.fill(image, older)
    assert set(whole) == set(image)
    unseen = {name for name, value in whole.items() if change_event.is_unavailable(value)}
    assert unseen == set(missing)
    for name, value in image.items():
        if not change_event.is_unavailable(value):
            assert whole[name] is value
        elif name not in missing:
            assert older is not None
            assert whole[name] is older[name]
    assert repr(change_event.fill(whole, older)) == repr((whole, missing))  # repr: NaN is not equal to itself


@settings(max_examples=300, deadline=None)
@given(
    JSON, st.sampled_from(sorted({t for columns in COLUMNS.values() for t in columns.values()} | {"numeric", "date"}))
)
def test_decoding_never_raises(value: Any, pg_type: str) -> None:
    """A value that does not fit its type comes through; null stays null."""
    decoded = column_types.decode(value, pg_type)
    assert value is not None or decoded is None
