"""Golden rows: a raw source row in, the whole payload out. Every expectation was written by hand from the reference.

The first line of a file is a whole row with its whole payload; each further line says what differs (`set`, `expect`),
so that every line still fixes every field. `flags` is what `migrationFlags` must list.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from schemas import column_types, desired, mapping_files
from schemas.catalog import Column, Table
from schemas.desired import Claim, Link, Ref
from schemas.plan import Plan
from streams.transform import converters, projection
from streams.transform.projection import Projected

HERE = Path(__file__).parent
COLUMNS: dict[str, dict[str, str]] = json.loads((HERE / "head_columns.json").read_text())
OBJECTS = ("company", "contact", "deal", "task", "contact_note", "deal_note")
TABLES = {
    name: Table(name=name, key=("id",), columns={c: Column(name=c, type=t) for c, t in columns.items()})
    for name, columns in COLUMNS.items()
}
JANE = {"id": 3, "first_name": "Jane", "last_name": "Doe", "email": "Jane@Acme.example", "disabled": False}
DESIRED = Draft202012Validator(json.loads((Path(desired.__file__).parent / "json" / "desired.schema.json").read_text()))


@pytest.fixture(scope="module")
def plan() -> Plan:
    """The default plan of the pair with one owner."""
    return Plan(
        source="atomic_crm",
        destination="twenty",
        id_namespace="5f6c2a60-0000-4000-8000-000000000000",
        objects=mapping_files.load("atomic_crm", "twenty", tables=TABLES, converters=converters.names()),
        columns={},
        owners={"jane@acme.example": "member-jane"},
        policies={},
    )


def _cases() -> list[Any]:
    cases = []
    for name in OBJECTS:
        lines = [json.loads(line) for line in (HERE / f"{name}.jsonl").read_text().splitlines()]
        base = {**lines[0], "object": name}
        for line in lines:
            case = {**base, **line}
            long = {column: text * times for column, (text, times) in line.get("repeat", {}).items()}
            case["row"] = {**base["row"], **line.get("set", {}), **long}
            case["expect"] = {**base["expect"], **line["expect"]}
            case["related"] = {**base.get("related", {}), **line.get("related", {})}
            if "repeat_expect" in line:
                first, again, times = line["repeat_expect"]
                case["expect"]["bodyV2"] = {"markdown": first + again * times}
            for field in line.get("absent", ()):
                del case["expect"][field]
            case["expect"]["migrationFlags"] = ", ".join(case["flags"])
            cases.append(pytest.param(case, id=f"{name}: {line['name']}"))
    return cases


@pytest.mark.parametrize("case", _cases())
def test_row_becomes_exactly_this_payload(case: dict[str, Any], plan: Plan) -> None:
    """S0-10, S0-11, S0-15, S0-18 … S0-32, S0-46, S0-47: a row gives its payload, its parts, and what is noted."""
    object_plan = plan.object(case["object"])
    row = column_types.decode_row(case["row"], COLUMNS[object_plan.table])
    related: dict[tuple[str, str], Any] = {("sale", "3"): JANE}
    related |= {tuple(name.split("/")): value for name, value in case["related"].items()}  # type: ignore[misc]
    losing = frozenset(Claim(field=field, value=value) for field, value in case.get("losing", ()))

    assert {*projection.reads(object_plan, case["row"])} <= {*related}, "the case must say what it reads"

    result = projection.project(plan, object_plan, str(case["row"]["id"]), row, related, losing)

    assert isinstance(result, Projected)
    main, *further = result.parts
    assert dict(main.fields) == case["expect"]
    assert main.object == object_plan.destination
    assert main.id_path == f"{case['object']}/{case['row']['id']}"
    assert [[part.object, part.id_path, dict(part.fields)] for part in further] == case.get("parts", [])
    assert result.claims == tuple(Claim(field=field, value=value) for field, value in case["claims"])
    assert result.refs == tuple(
        Ref(field=field, kind=kind, key=key, link=Link(link), part=part[0] if part else 0)
        for field, kind, key, link, *part in case["refs"]
    )
    assert list(result.flags) == case["flags"]
    assert DESIRED.is_valid(desired.to_json(result.parts))


def test_every_case_cites_what_it_fixes() -> None:
    """A golden row without a source of its expectation would be a guess."""
    cases = [param.values[0] for param in _cases()]
    assert {name: sum(case["object"] == name for case in cases) >= 12 for name in OBJECTS} == dict.fromkeys(
        OBJECTS, True
    )
    assert [case["name"] for case in cases if not case["cites"]] == []
