"""Debezium on the tables of older eras: what they hold is what their topics say (S0-18)."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from capture_kit import capturing
from psycopg import conninfo

from connectors.atomic_crm import catalog, read
from connectors.atomic_crm import settings as source_settings
from connectors.atomic_crm.settings import Settings
from sandbox.atomic_crm import generator, team
from sandbox.atomic_crm.eras import Era

pytestmark = pytest.mark.stack


@pytest.mark.parametrize("era", [Era.V1_0_0, Era.V1_5_0])
def test_snapshot_and_stream_of_an_older_era_equal_its_source(stack: Any, era: Era) -> None:
    """Every column of every row of every object, camelCase tables too, after the snapshot and after 200 changes."""
    dsn = stack.new_source()
    generator.create(dsn, era)
    generator.load(dsn, generator.generate(seed=7, scale=0.05, era=era))
    source = Settings(dsn=dsn)
    with source_settings.connect(source, purpose="test") as conn:
        names = [table.name for table in catalog.captured(catalog.read(source, conn))]
    assert ("public.contactNotes" in names) is (era is Era.V1_0_0)
    migration = str(conninfo.conninfo_to_dict(dsn)["dbname"]).replace("_", "")[:20]
    with capturing(migration=migration, dsn=dsn, names=names, endpoints=stack.endpoints) as captured:
        assert captured.newest() == _in_source(source, captured.tables)
        team.work(dsn, rate=1e6, seed=3, seconds=None, stop=threading.Event(), changes=200)
        assert captured.newest() == _in_source(source, captured.tables)


def _in_source(source: Settings, tables: Any) -> dict[str, dict[str, dict[str, Any]]]:
    with read.snapshot(source) as conn:
        return {t.name: {read.key_of(t, row): row for row in read.rows(conn, t)} for t in tables}
