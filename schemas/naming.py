"""Names of topics, slots, groups and records. DESIGN 2: `<m>.cdc.<schema>.<table>` and friends."""

from __future__ import annotations

import re

MIGRATION_NAME = re.compile(r"^[a-z][a-z0-9]{0,30}$")
LANES = ("live", "backfill")
PARTITIONS = 4


def cdc_topic(migration: str, table: str) -> str:
    """The topic Debezium writes for `schema.table`, e.g. `acme.cdc.public.companies`."""
    return f"{migration}.cdc.{table}"


def topic_prefix(migration: str) -> str:
    """Debezium's `topic.prefix`: every topic of the capture begins with it."""
    return f"{migration}.cdc"


def load_topic(migration: str, generation: int, lane: str) -> str:
    """Hints for the sink workers, one topic a lane."""
    return f"{migration}.g{generation}.load.{lane}"


def landed_topic(migration: str, generation: int) -> str:
    """Wakes those who waited for a record to land."""
    return f"{migration}.g{generation}.landed"


def streams_group(migration: str, generation: int) -> str:
    """Consumer group of the streams workers (Faust's app id)."""
    return f"{migration}.g{generation}.streams"


def sink_group(migration: str, generation: int) -> str:
    """Consumer group of the sink workers."""
    return f"{migration}.g{generation}.sink"


def slot(migration: str) -> str:
    """Replication slot and publication carry the same name."""
    return f"lockgate_{migration}"


def ledger_schema(migration: str) -> str:
    """Every migration has its own schema in the ledger's database."""
    return f"lockgate_{migration}"


def hint_key(kind: str, key: str) -> str:
    """Kafka key of a hint; its murmur2 decides `desired.shard` too."""
    return f"{kind}/{key}"


def key_order(key: str) -> tuple[int, str]:
    """Sorts source keys so that `9` comes before `10`: the smallest source key wins a unique value."""
    return (len(key), key)
