"""What the rehearsal source says must become of its rows, and what the default plans make of them: the same, by row."""

from __future__ import annotations

import threading
import uuid
from collections import defaultdict
from typing import Any

import psycopg
import pytest

from connectors.atomic_crm import catalog, read
from connectors.atomic_crm import settings as source_settings
from connectors.atomic_crm.settings import Settings
from sandbox.atomic_crm import generator, planted, team
from sandbox.atomic_crm.eras import Era
from sandbox.atomic_crm.planted import End
from schemas import mapping_files
from schemas.plan import Plan
from streams.transform import converters, projection

pytestmark = pytest.mark.stack
#: enum of the default plans → key of the configuration
ENUMS = {"deal_stage": "dealStages", "deal_category": "dealCategories", "task_type": "taskTypes"}


def _projected(source: Settings) -> dict[tuple[str, str], set[str]]:
    """(object, flag or code) → source keys, as the default plans project every row now."""
    with source_settings.connect(source, purpose="test") as conn:
        found = catalog.read(source, conn)
    objects = mapping_files.load("atomic_crm", "twenty", tables=found, converters=converters.names())
    with read.snapshot(source) as conn:
        config = read.configuration(conn)
        rows = {o.object: {read.key_of(found[o.table], r): r for r in read.rows(conn, found[o.table])} for o in objects}
    plan = Plan(
        source="atomic_crm",
        destination="twenty",
        id_namespace=str(uuid.UUID(int=7)),
        objects=objects,
        columns={o.object: {c.name: c.type for c in found[o.table].columns.values()} for o in objects},
        owners={str(sale["email"]).lower(): str(sale["id"]) for sale in rows["sale"].values()},
        policies={},
        enums={enum: config[key] for enum, key in ENUMS.items() if config.get(key)},
    )
    ends: dict[tuple[str, str], set[str]] = defaultdict(set)
    for mapping in objects:
        for key, row in rows[mapping.object].items():
            related = {(o, k): rows[o].get(k) for o, k in projection.references(mapping, row)}
            made = projection.project(plan, mapping, key, row, related, frozenset())
            for word in made.flags if isinstance(made, projection.Projected) else (made.code,):
                ends[mapping.object, word].add(key)
    return ends


@pytest.mark.parametrize("era", list(Era))
def test_flags_are_what_was_planted(stack: Any, era: Era) -> None:
    """Each reason names exactly the rows that the plan flags, freshly filled and after 800 changes; none is dead."""
    dsn = stack.new_source()
    generator.create(dsn, era)
    generator.load(dsn, generator.generate(seed=7, scale=0.05, era=era))
    for changes in (0, 800):
        team.work(dsn, rate=1e6, seed=5, seconds=None, stop=threading.Event(), changes=changes)
        ends = _projected(Settings(dsn=dsn))
        with psycopg.connect(dsn) as conn:
            counted = planted.count(conn, era)
        said: dict[tuple[str, str], set[str]] = {
            (one.object, "LG-0609" if one.end is End.FILTERED else one.reason): set(one.keys) for one in counted
        }
        assert {where: ends[where] for where in said} == said
        dead = {where: keys for where, keys in ends.items() if where[1].startswith("LG-") and where[1] != "LG-0609"}
        assert dead == {}
