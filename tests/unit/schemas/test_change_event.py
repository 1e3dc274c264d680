"""schemas.change_event: Debezium 3.7 envelopes without schemas, and the placeholder of unchanged large values."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from schemas import change_event
from schemas.change_event import UNAVAILABLE, ChangeEvent, Op

TOPIC = "acme.cdc.public.contacts"
CODES = [95, 95, 100, 101, 98, 101, 122, 105, 117, 109, 95, 117, 110, 97, 118, 97]
CODES += [105, 108, 97, 98, 108, 101, 95, 118, 97, 108, 117, 101]


def _source(**more: Any) -> dict[str, Any]:
    return {
        "version": "3.7.0.Final",
        "connector": "postgresql",
        "name": "acme.cdc",
        "ts_ms": 1_764_000_000_123,
        "snapshot": "false",
        "db": "crm",
        "sequence": '["24023128","24023128"]',
        "schema": "public",
        "table": "contacts",
        "txId": 571,
        "lsn": 24_023_128,
        "xmin": None,
        **more,
    }


def _envelope(op: str, **more: Any) -> bytes:
    transaction = {"id": "571:24023128", "total_order": 1, "data_collection_order": 1}
    return orjson.dumps(
        {"op": op, "source": _source(), "before": None, "after": None, "transaction": transaction} | more
    )


def test_update_is_read_whole() -> None:
    """Every field of an update has its place; the transaction is named by the part before the colon."""
    event = change_event.decode(TOPIC, b'{"id":42}', _envelope("u", after={"id": 42, "first_name": "Ada"}))
    assert event == ChangeEvent(
        table="public.contacts",
        op=Op.UPDATE,
        key={"id": 42},
        image={"id": 42, "first_name": "Ada"},
        source_ts_ms=1_764_000_000_123,
        snapshot=False,
        snapshot_mark="",
        lsn=24_023_128,
        tx="571",
    )


@pytest.mark.parametrize("mark", ["true", "first", "first_in_data_collection", "last", "incremental"])
def test_snapshot_reads_are_marked(mark: str) -> None:
    """Reads of initial and incremental snapshots are flagged; incremental ones have no LSN and no transaction."""
    envelope = _envelope("r", after={"id": 1}, transaction=None, source=_source(snapshot=mark, txId=None, lsn=None))
    event = change_event.decode(TOPIC, b'{"id":1}', envelope)
    assert event is not None
    assert (event.op, event.snapshot, event.snapshot_mark, event.lsn, event.tx) == (Op.READ, True, mark, None, None)


def test_delete_has_no_image() -> None:
    """A delete's before image holds only the key under the default replica identity: it is not used."""
    event = change_event.decode(TOPIC, b'{"id":42}', _envelope("d", before={"id": 42, "first_name": None}))
    assert event is not None
    assert (event.op, event.key, event.image) == (Op.DELETE, {"id": 42}, None)


def test_truncate_has_neither_key_nor_image() -> None:
    """TRUNCATE comes with a null key."""
    event = change_event.decode(TOPIC, None, _envelope("t"))
    assert event is not None
    assert (event.op, event.key, event.image) == (Op.TRUNCATE, {}, None)


def test_transaction_falls_back_to_the_source() -> None:
    """Without transaction metadata the xid of the source names the transaction."""
    event = change_event.decode(TOPIC, b'{"id":1}', _envelope("c", after={"id": 1}, transaction=None))
    assert event is not None
    assert event.tx == "571"


def test_table_falls_back_to_the_topic() -> None:
    """A source block without a table is named by its topic."""
    event = change_event.decode(TOPIC, b'{"id":1}', _envelope("c", after={"id": 1}, source={"ts_ms": 1}))
    assert event is not None
    assert event.table == "public.contacts"


@pytest.mark.parametrize(
    "value",
    [None, b'{"ts_ms":1764000000123}', b'{"status":"BEGIN","id":"571:1"}', _envelope("m"), b"[]", b"null"],
)
def test_what_is_no_row_event_is_none(value: bytes | None) -> None:
    """Tombstones, heartbeats, transaction boundaries and logical messages are no row events."""
    assert change_event.decode(TOPIC, b'{"id":1}', value) is None


def test_bytes_that_are_no_json_halt() -> None:
    """Law 4: a topic we do not understand is a bug, never skipped."""
    with pytest.raises(ValueError, match=r"acme\.cdc\.public\.contacts"):
        change_event.decode(TOPIC, b'{"id":1}', b"\x00\x01")


def test_source_key_is_the_key_as_text() -> None:
    """DESIGN 3: primary-key values as text joined by /, in the order given."""
    assert change_event.source_key({"id": 17}) == "17"
    assert change_event.source_key({"b": "x", "a": 4}, ["a", "b"]) == "4/x"


@pytest.mark.parametrize(
    "value",
    [UNAVAILABLE, [UNAVAILABLE], CODES, "X19kZWJleml1bV91bmF2YWlsYWJsZV92YWx1ZQ==", {UNAVAILABLE: UNAVAILABLE}],
    ids=["text and json", "jsonb[]", "bigint[]", "bytea", "hstore"],
)
def test_placeholder_is_known_in_every_form(value: Any) -> None:
    """Law 8: the placeholder is recognised in the form of every column type (`atomic_crm.md` 5.6)."""
    assert change_event.is_unavailable(value)


@pytest.mark.parametrize(
    "value", [None, "", [], {}, 0, [None], CODES[:-1], [*CODES, 1], [UNAVAILABLE, UNAVAILABLE], UNAVAILABLE + " "]
)
def test_other_values_are_not_the_placeholder(value: Any) -> None:
    """What only looks like the placeholder is a value."""
    assert not change_event.is_unavailable(value)


def test_fill_takes_the_older_value() -> None:
    """An untouched TOASTed background and tags come from the older image; the rest is the newer image's."""
    image = {"id": 1, "background": UNAVAILABLE, "tags": CODES, "status": None}
    older = {"id": 1, "background": "long", "tags": [7], "status": "hot", "gone": 1}
    assert change_event.fill(image, older) == ({"id": 1, "background": "long", "tags": [7], "status": None}, ())


def test_fill_names_what_nobody_ever_saw() -> None:
    """Without an older image, or with one that lacks the value, the column is missing (LG-0603)."""
    image = {"id": 1, "background": UNAVAILABLE}
    assert change_event.fill(image, None) == (image, ("background",))
    assert change_event.fill(image, {"id": 1}) == (image, ("background",))
    assert change_event.fill(image, {"background": UNAVAILABLE}) == (image, ("background",))
