"""schemas.mapping_files: the packaged mappings are whole, and every fault of a file is named with its line."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from jsonschema import Draft202012Validator

from schemas import mapping_files
from schemas.catalog import Column, Table
from schemas.errors import LockgateError
from schemas.plan import Eras, ObjectPlan
from streams.transform import converters

_HEAD = json.loads((Path(__file__).parents[2] / "golden" / "head_columns.json").read_text())
TABLES = {
    name: Table(name=name, key=("id",), columns={c: Column(name=c, type=t) for c, t in columns.items()})
    for name, columns in _HEAD.items()
}
# Fields of a workspace made by sign-up, and those of upgraded ones (twenty.md 2, 9): ours must not collide with them.
_ALWAYS = "id createdAt updatedAt deletedAt name linkedinLink position createdBy updatedBy searchVector attachments"
_COMPANY = "domainName address annualRevenue people accountOwner accountOwnerId opportunities employees xLink"
_PERSON = "emails jobTitle phones avatarUrl avatarFile company companyId listMemberships xLink city"
_DEAL = "amount closeDate stage company companyId pointOfContact pointOfContactId owner ownerId"
_TASK = "title bodyV2 dueAt status assignee assigneeId taskTargets"
_LINKS = "noteTargets taskTargets timelineActivities calendarEventParticipants messageParticipants"
STANDARD = {
    "company": {*_ALWAYS.split(), *_LINKS.split(), *_COMPANY.split(), "annualRecurringRevenue", "idealCustomerProfile"},
    "person": {*_ALWAYS.split(), *_LINKS.split(), *_PERSON.split(), "pointOfContactForOpportunities"},
    "opportunity": {*_ALWAYS.split(), *_LINKS.split(), *_DEAL.split()},
    "task": {*_ALWAYS.split(), "timelineActivities", *_TASK.split()} - {"name", "linkedinLink"},
    "note": {*_ALWAYS.split(), "timelineActivities", "title", "bodyV2", "noteTargets"} - {"name", "linkedinLink"},
}
_RESERVED = (
    "user users role roles workspace workspaces event events field fields object objects type types index relation "
    "relations link links currency currencies address addresses plan plans job jobs search searches aggregate fullNames"
)
RESERVED = set(_RESERVED.split())


def _load(folder: Path | None = None) -> tuple[ObjectPlan, ...]:
    return mapping_files.load("atomic_crm", "twenty", folder=folder, tables=TABLES, converters=converters.names())


def _faults(folder: Path) -> list[str]:
    with pytest.raises(LockgateError) as caught:
        _load(folder)
    assert caught.value.code == "LG-0104"
    return [fault.replace(f"{folder}/", "") for fault in caught.value.details]


def test_every_column_of_the_head_era_is_accounted_for() -> None:
    """S0-15, S0-19, S0-22, S0-78: parents first, notes last, and no column is left out in silence."""
    plans = _load()
    feeders, order = ["configuration", "sale", "tag"], ["company", "contact", "deal", "task"]
    assert [plan.object for plan in plans] == [*feeders, *order, "contact_note", "deal_note"]
    for plan in plans:
        assert plan.read_columns() | set(plan.key) | set(plan.not_moved) == set(_HEAD[plan.table])
        assert not plan.read_columns() & set(plan.not_moved)


def test_every_custom_field_is_a_shape_that_twenty_makes() -> None:
    """Twenty: camelCase of at most 63 letters, not reserved, not a standard field; every field written exists."""
    for plan in _load():
        if plan.destination is None:
            assert plan.shapes == ()
            continue
        standard = STANDARD[plan.destination]
        assert {s.name for s in plan.shapes if s.standard} == ({"stage"} if plan.object == "deal" else set())
        names = [shape.name for shape in plan.shapes if not shape.standard]
        assert len(names) == len(set(names))
        assert not {*names} & {*standard, *RESERVED}
        assert [name for name in names if not re.fullmatch(r"[a-z][a-zA-Z0-9]{0,62}", name)] == []
        assert {shape.type for shape in plan.shapes} <= {"TEXT", "ARRAY", "SELECT"}
        assert all(shape.label for shape in plan.shapes)
        written = {rule.to for rule in plan.fields}
        written |= {field for rule in plan.fields for field in (rule.keep_both, rule.leftover) if field}
        assert {*names} == written - {*standard}
        assert {"keptValues", "migrationFlags"} <= {*names}
        assert [s.name for s in plan.shapes if (s.type == "SELECT") != (s.enum in {*plan.enums})] == []


def test_the_schema_is_a_schema() -> None:
    """The JSON Schema shipped is valid, and refuses an empty file."""
    Draft202012Validator.check_schema(mapping_files.json_schema())
    assert not Draft202012Validator(mapping_files.json_schema()).is_valid({})


def test_the_users_file_replaces_the_whole_object(tmp_path: Path) -> None:
    """A folder given by the user replaces objects, the others stay."""
    text = "object: company\ntable: public.companies\nkey: [id]\ndestination: company\nfields:\n"
    text += "  - {to: name, from: name, convert: text}\nnot_moved:\n"
    text += "".join(f"  {column}: not wanted\n" for column in _HEAD["public.companies"] if column not in ("id", "name"))
    (tmp_path / "company.yaml").write_text(text)
    plans = {plan.object: plan for plan in _load(tmp_path)}
    assert [rule.to for rule in plans["company"].fields] == ["name"]
    assert len(plans["contact"].fields) > 10
    assert plans["company"].eras == Eras()


def test_all_faults_of_a_file_at_once(tmp_path: Path) -> None:
    """Unknown converter and column, a target written twice, a column left out: each with its line."""
    columns = "first_name gender title background avatar first_seen last_seen has_newsletter status tags company_id "
    columns += "sales_id linkedin_url email_jsonb"
    (tmp_path / "contact.yaml").write_text(
        "object: contact\n"
        "table: public.contacts\n"
        "key: [id]\n"
        "destination: person\n"
        "fields:\n"
        "  - {to: jobTitle, from: title, convert: txet}\n"
        "  - {to: status, from: statsu, convert: text}\n"
        "  - to: status\n"
        "    from: status\n"
        "    convert: text\n"
        "  - {to: emails, from: email_jsonb, convert: emails, unique: primaryEmail, leftover: nowhere}\n"
        "not_moved:\n" + "".join(f"  {column}: why\n" for column in columns.split()) + "  last_nam: why\n"
    )
    assert _faults(tmp_path) == [
        "contact.yaml:5: column 'last_name' of public.contacts is neither mapped nor listed under not_moved",
        "contact.yaml:5: column 'phone_jsonb' of public.contacts is neither mapped nor listed under not_moved",
        "contact.yaml:6: unknown converter 'txet'",
        "contact.yaml:7: public.contacts has no column 'statsu'",
        "contact.yaml:8: two rules write 'status'; the other stands at line 7",
        "contact.yaml:11: unique needs keep_both: where the value goes when another holds it",
        "contact.yaml:11: leftover names 'nowhere', which is not among the shapes",
        "contact.yaml:27: public.contacts has no column 'last_nam'",
        "atomic_crm--twenty/deal.yaml:17: contact has no column 'last_name' to read",
    ]


def test_unknown_keys_are_named_at_their_line(tmp_path: Path) -> None:
    """A key we do not know is an error with its line, in the file and in a rule."""
    (tmp_path / "sale.yaml").write_text(
        "object: sale\ntable: public.sales\nkey: [id]\ndestination: null\nfilter: none\n"
        "fields:\n  - to: x\n    from: email\n    converter: text\n"
    )
    assert _faults(tmp_path) == [
        "sale.yaml:5: unknown key 'filter'",
        "sale.yaml:7: 'convert' is missing",
        "sale.yaml:9: unknown key 'converter'",
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("object: [", "sale.yaml:1: not YAML: expected the node content, but found '<stream end>'"),
        ("object: sale\nobject: sale\n", "sale.yaml:2: key 'object' is written twice"),
        ("", "sale.yaml:1: the file: None is not of type 'object'"),
        (b"\xff\xfe\xff", None),
    ],
)
def test_text_that_is_no_mapping(tmp_path: Path, text: str | bytes, fault: str | None) -> None:
    """Broken YAML, a key written twice, an empty or binary file."""
    (tmp_path / "sale.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    faults = _faults(tmp_path)
    assert faults[0].startswith("sale.yaml:1: not text in UTF-8") if fault is None else faults[0] == fault


def test_generated_columns_need_no_mapping_and_take_none() -> None:
    """`engine.md` 3: generated STORED columns are absent from change events."""
    columns = {**TABLES["public.sales"].columns, "search": Column(name="search", type="tsvector", generated=True)}
    tables = {**TABLES, "public.sales": Table(name="public.sales", key=("id",), columns=columns)}
    assert mapping_files.load("atomic_crm", "twenty", tables=tables)


def test_a_generated_column_that_is_read_is_a_fault() -> None:
    """Reading one would give null for every streamed change."""
    columns = {**TABLES["public.sales"].columns, "email": Column(name="email", type="citext", generated=True)}
    tables = {**TABLES, "public.sales": Table(name="public.sales", key=("id",), columns=columns)}
    with pytest.raises(LockgateError) as caught:
        mapping_files.load("atomic_crm", "twenty", tables=tables)
    assert [f.split(": ", 1)[1] for f in caught.value.details] == [
        "column 'email' is generated: change events do not carry it"
    ]


def test_a_column_of_a_fork_must_be_decided() -> None:
    """`atomic_crm.md` 1.7: a column we never heard of is not lost in silence."""
    columns = {**TABLES["public.sales"].columns, "preferences": Column(name="preferences", type="jsonb")}
    tables = {**TABLES, "public.sales": Table(name="public.sales", key=("id",), columns=columns)}
    with pytest.raises(LockgateError, match=r"'preferences' of public\.sales is neither mapped nor listed"):
        mapping_files.load("atomic_crm", "twenty", tables=tables)


def test_a_file_of_the_wrong_ending_or_a_missing_folder(tmp_path: Path) -> None:
    """An edit that nobody would read is told."""
    (tmp_path / "company.yml").write_text("object: company\n")
    assert _faults(tmp_path) == ["company.yml:1: mapping files end in .yaml"]
    missing = tmp_path / "missing"
    with pytest.raises(LockgateError) as caught:
        _load(missing)
    assert list(caught.value.details) == [f"{missing}:1: is not a folder"]


def test_faults_between_files(tmp_path: Path) -> None:
    """Two files must not map one object; a rule may only point to an object that has a mapping."""
    (tmp_path / "twice.yaml").write_text(
        "object: sale\ntable: public.sales\nkey: [id]\ndestination: null\n"
        "fields:\n  - {to: x, from: id, convert: reference, with: {object: tenant}}\n"
    )
    with pytest.raises(LockgateError) as caught:
        mapping_files.load("atomic_crm", "twenty", folder=tmp_path)
    assert list(caught.value.details) == [
        f"{tmp_path}/twice.yaml:1: object 'sale' is mapped in atomic_crm--twenty/sale.yaml too",
        f"{tmp_path}/twice.yaml:6: object 'tenant' has no mapping",
    ]


def test_an_unknown_pair() -> None:
    """There is no mapping from a source nobody wrote one for."""
    with pytest.raises(LockgateError, match="there is no mapping for this pair"):
        mapping_files.load("atomic_crm", "salesforce")


def test_faults_of_parts_links_enums_and_shapes(tmp_path: Path) -> None:
    """What a file says of other rows, parts and options is checked too, each fault with its line."""
    (tmp_path / "task.yaml").write_text(
        "object: task\n"
        "table: public.tasks\n"
        "key: [id]\n"
        "destination: note\n"
        "carry: true\n"
        "fields:\n"
        "  - {to: title, from: text, convert: title}\n"
        "  - {to: kind, from: type, convert: choice, with: {enum: task_typ}}\n"
        "  - {to: ownerEmail, from: sales_id, convert: owner_email, with: {object: sale, reads: [mail]}}\n"
        "parts:\n"
        "  - destination: taskTarget\n"
        "    link: taskId\n"
        "    fields:\n"
        "      - {to: taskId, from: [], convert: own_recrod}\n"
        "      - {to: targetPersonId, from: contact_di, convert: reference, with: {object: contact}}\n"
        "shapes:\n"
        "  - {name: kind, type: SELECT, label: Kind, enum: nothing}\n"
        "  - {name: other, type: SELECT, label: Other}\n"
        "  - {name: keptValues, type: TEXT, label: Something else}\n"
    )
    assert [fault for fault in _faults(tmp_path) if "deal_note" not in fault] == [
        "task.yaml:12: link names 'taskId', which no field with an object writes",
        "task.yaml:14: unknown converter 'own_recrod'",
        "task.yaml:15: public.tasks has no column 'contact_di'",
        "task.yaml:9: sale has no column 'mail' to read",
        "task.yaml:17: there is no enum 'nothing'",
        "task.yaml:18: a SELECT, and nothing else, needs an enum",
        "task.yaml:19: note.keptValues has another shape elsewhere",
        "task.yaml:8: there is no enum 'task_typ'",
    ]


@pytest.mark.parametrize(
    ("rule", "fault"),
    [
        ("{to: x, from: tags, convert: tag_names}", "'with' is missing"),
        ("{to: x, from: tags, convert: tag_names, with: {object: tag}}", "'reads' is missing"),
        ("{to: x, from: stage, convert: choice_or_first, with: {}}", "'enum' is missing"),
        ("{to: x, from: done, convert: presence, with: {present: DONE}}", "'absent' is missing"),
        ("{to: x, from: id, convert: prefixed, with: {}}", "'prefix' is missing"),
        ("{to: x, from: a, convert: money, with: {currency: euro}}", "fields.0.with.currency: 'euro' does not match"),
    ],
)
def test_settings_that_a_converter_needs(tmp_path: Path, rule: str, fault: str) -> None:
    """Found when the file is read, not when the first row is projected."""
    (tmp_path / "tag.yaml").write_text(
        f"object: tag\ntable: public.tags\nkey: [id]\ndestination: tag\nfields:\n  - {rule}\n"
    )
    assert _faults(tmp_path)[0].startswith(f"tag.yaml:6: {fault}")
