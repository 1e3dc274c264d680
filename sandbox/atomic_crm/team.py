"""A team that keeps editing: `python -m sandbox.atomic_crm.team --dsn … --rate 10 --seed 7 [--seconds N] [--swaps]`.

One session, one sequence of transactions: the same seed on the same data makes the same edits. Rows whose id is a
multiple of `desk.DONORS` keep their website and e-mails and are never deleted: duplicates are copied from them only,
and given-up values are taken again by the winner of a merge only, so no two living records want each other's unique
value, unless `--swaps` asks for that. Nothing is ever truncated. SIGTERM ends it after the running transaction; the
last line printed is a JSON summary.
"""

from __future__ import annotations

import argparse
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import psycopg

from sandbox.atomic_crm import desk as desks
from sandbox.atomic_crm import edits_people, edits_work, eras, merges
from sandbox.atomic_crm.desk import Conn, Desk

DONORS = desks.DONORS
BURST = 50
Edit = Callable[[Desk, Conn], int]

#: Each kind of edit with its weight.
EDITS: Mapping[str, tuple[int, Edit]] = {
    "insert_company": (6, edits_people.insert_company),
    "insert_contact": (20, edits_people.insert_contact),
    "name": (26, edits_people.name),
    "website": (14, edits_people.website),
    "emails": (22, edits_people.emails),
    "phones": (20, edits_people.phones),
    "owner": (14, edits_people.owner),
    "background": (14, edits_people.background),
    "company": (14, edits_people.company),
    "login": (12, edits_people.login),
    "nothing": (12, edits_people.nothing),
    "both": (14, edits_people.both),
    "delete_contact": (5, edits_people.delete_contact),
    "delete_company": (2, edits_people.delete_company),
    "insert_deal": (2, edits_work.insert_deal),
    "drag": (2, edits_work.drag),
    "deal": (22, edits_work.deal),
    "delete_deal": (3, edits_work.delete_deal),
    "insert_task": (14, edits_work.insert_task),
    "task": (18, edits_work.task),
    "delete_task": (4, edits_work.delete_task),
    "note": (18, edits_work.note),
    "deal_note": (10, edits_work.deal_note),
    "edit_note": (18, edits_work.edit_note),
    "delete_note": (4, edits_work.delete_note),
    "tags": (12, edits_work.tags),
    "insert_tag": (3, edits_work.insert_tag),
    "rename_tag": (3, edits_work.rename_tag),
    "delete_tag": (2, edits_work.delete_tag),
    "configure": (2, edits_work.configure),
    "merge_sql": (4, merges.merge_sql),
    "merge_edge": (4, merges.merge_edge),
}
SWAPS: Mapping[str, tuple[int, Edit]] = {"swap": (12, merges.swap)}
#: What needs tables or functions of newer eras.
NEW = frozenset({"configure", "merge_sql", "merge_edge"})


def kinds_of(desk: Desk, *, swaps: bool = False) -> dict[str, tuple[int, Edit]]:
    """The edits that this era's tables allow."""
    wanted = {**EDITS, **(SWAPS if swaps else {})}
    return {kind: edit for kind, edit in wanted.items() if desk.era not in eras.OLD or kind not in NEW}


def transactions(desk: Desk, *, burst_every: int = 400, swaps: bool = False) -> Iterator[tuple[str, Edit]]:
    """The endless sequence of edits; about every `burst_every` of them, one row is edited `BURST` times in a row."""
    edits = kinds_of(desk, swaps=swaps)
    kinds = list(edits)
    weights = [weight for weight, _ in edits.values()]
    #: What must be there before anything can be edited.
    first = {
        "companies": "insert_company",
        "contacts": "insert_contact",
        "tags": "insert_tag",
        "deals": "insert_deal",
        "tasks": "insert_task",
    }
    while True:
        lacking = next((kind for table, kind in first.items() if not desk.known[table]), None)
        if lacking is not None:
            yield lacking, edits[lacking][1]
            continue
        if desk.rng.random() < 1 / burst_every:
            contact = desk.any("contacts")
            for turn in range(BURST):
                yield "burst", _turn(contact, turn)
        kind = desk.rng.choices(kinds, weights)[0]
        yield kind, edits[kind][1]


def _turn(contact: int, turn: int) -> Edit:
    return lambda desk, conn: desk.set(conn, "contacts", contact, title=f"Turn {turn} of {desk.serial}")


def work(
    dsn: str,
    *,
    rate: float,
    seed: int,
    seconds: float | None,
    stop: threading.Event,
    changes: int | None = None,
    swaps: bool = False,
) -> dict[str, Any]:
    """Edits until told to stop, until the time is over, or until so many row changes are made; the summary."""
    began = time.monotonic()
    with psycopg.connect(dsn, autocommit=True, application_name="sandbox-team") as conn:
        desk = desks.sit_down(conn, seed)
        made = total = 0
        for kind, edit in transactions(desk, swaps=swaps):
            late = began + made / rate - time.monotonic()
            # A burst is as fast as one session can; the pace is made up afterwards.
            if stop.is_set() or (kind != "burst" and late > 0 and stop.wait(late)):
                break
            if seconds is not None and time.monotonic() - began >= seconds:
                break
            if changes is not None and made >= changes:
                break
            count = _commit(desk, conn, kind, edit)
            made += count
            total += 1
    spent = round(time.monotonic() - began, 3)
    return {
        "seed": seed,
        "rate": rate,
        "seconds": spent,
        "transactions": total,
        "changes": made,
        "kinds": dict(desk.done),
        "refused": desk.refused,
    }


def _commit(desk: Desk, conn: Conn, kind: str, edit: Edit) -> int:
    """One transaction; what the data or somebody else's edit makes impossible is counted as refused, as the UI shows an
    error: a merge of contacts with e-mails that have no address (22023), a row that is gone."""
    try:
        with conn.transaction():
            count = edit(desk, conn)
    except (psycopg.IntegrityError, psycopg.errors.DeadlockDetected, psycopg.errors.InvalidParameterValue):
        desk.refused += 1
        return 0
    desk.done[kind] += count
    return count


def main(argv: Sequence[str] | None = None) -> int:
    """Runs the team until SIGTERM, SIGINT or the time given."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.atomic_crm.team", description=main.__doc__)
    parser.add_argument("--dsn", required=True)
    parser.add_argument("--rate", type=float, default=10.0, help="row changes a second")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--seconds", type=float, default=None)
    parser.add_argument("--changes", type=int, default=None, help="stop after so many row changes")
    parser.add_argument("--swaps", action="store_true", help="also swap unique values in one transaction")
    options = parser.parse_args(argv)
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    summary = work(
        options.dsn,
        rate=options.rate,
        seed=options.seed,
        seconds=options.seconds,
        stop=stop,
        changes=options.changes,
        swaps=options.swaps,
    )
    sys.stdout.write(json.dumps(summary) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
