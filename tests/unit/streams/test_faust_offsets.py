"""The guard: the group never stands ahead of the ledger (W12)."""

from __future__ import annotations

import asyncio

import pytest
from aiokafka.partitioner import DefaultPartitioner
from hypothesis import given
from hypothesis import strategies as st

from schemas import murmur2
from schemas.errors import LockgateError
from streams import offsets

PLACE, NEW = ("acme.cdc.public.companies", 0), ("acme.cdc.public.companies", 1)


@pytest.mark.parametrize(("committed", "ahead"), [(8, 0), (3, 0), (9, 1)])
def test_a_group_behind_its_ledger_is_well(committed: int, ahead: int) -> None:
    """Highest taken 7: the next to read is at most 8, plus the allowance."""
    offsets.compare({PLACE: committed}, {PLACE: 7}, {}, ahead)


@pytest.mark.parametrize(("committed", "taken"), [(9, {PLACE: 7}), (6, {}), (1, {})])
def test_a_group_ahead_is_named(committed: int, taken: dict[tuple[str, int], int]) -> None:
    """LG-0702 with the partition; where nothing was taken the group may only stand where it began."""
    with pytest.raises(LockgateError, match=f"companies/0: group at {committed}") as raised:
        offsets.compare({PLACE: committed}, taken, {PLACE: 0})
    assert raised.value.code == "LG-0702"
    assert len(raised.value.details) == 1


def test_the_watch_passes_bad_weather_and_ends_with_a_finding() -> None:
    """A ledger away is looked at again; partitions that come later begin where they were given."""
    looks: list[dict[tuple[str, int], int] | None] = [{PLACE: 4}, None, {PLACE: 4}, {PLACE: 4}]
    committed = [{PLACE: 5}, {PLACE: 5}, {PLACE: 5}, {PLACE: 5, NEW: 40}, {PLACE: 5, NEW: 41}]

    def ledger() -> dict[tuple[str, int], int]:
        taken = looks.pop(0)
        if taken is None:
            raise OSError
        return taken

    with pytest.raises(LockgateError, match="companies/1: group at 41"):
        asyncio.run(offsets.watch(lambda: committed.pop(0), ledger, every_s=0, ahead=0))
    assert looks == committed == []


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=60), st.integers(1, 12))
def test_hints_are_spread_as_the_ledger_computes(key: str, partitions: int) -> None:
    """aiokafka's default partitioner, which sends our hints, is `schemas.murmur2.partition`."""
    everywhere = list(range(partitions))
    sent = DefaultPartitioner()(key.encode(), everywhere, everywhere)
    assert sent == murmur2.partition(key, partitions)
