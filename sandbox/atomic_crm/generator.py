"""Seeded data for an Atomic CRM: `python -m sandbox.atomic_crm.generator --dsn … --scale 0.2 --seed 7 --era head`.

The same seed, scale, era and configuration give the same bytes. Scale 1 is 1,000 companies, 5,000 contacts,
1,500 deals, 1,800 tasks, 3,700 contact notes, 2,000 deal notes and 12 sales.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from psycopg.types.json import Jsonb

from sandbox.atomic_crm import activity, configuration, eras, loading, oddities, people
from sandbox.atomic_crm.eras import Era, Row
from sandbox.atomic_crm.odd_companies import COMPANIES
from sandbox.atomic_crm.odd_contacts import CONTACTS, SALES
from sandbox.atomic_crm.odd_deals import DEALS
from sandbox.atomic_crm.odd_notes import CONTACT_NOTES, DEAL_NOTES
from sandbox.atomic_crm.odd_tasks import TAGS, TASKS
from sandbox.atomic_crm.odd_v1_0_0 import CONTACTS_V1
from sandbox.atomic_crm.oddities import Around, Oddity

ODDITIES: tuple[Oddity, ...] = (
    *SALES,
    *COMPANIES,
    *CONTACTS,
    *CONTACTS_V1,
    *TAGS,
    *DEALS,
    *TASKS,
    *CONTACT_NOTES,
    *DEAL_NOTES,
)
NOW = people.NOW
SAVED, EMPTY, FORKED = "saved", "empty", "forked"
_SETTINGS: Mapping[str, Callable[[], dict[str, Any]]] = {
    SAVED: configuration.saved,
    EMPTY: dict,
    FORKED: configuration.forked,
}
_JSONB = {"companies": ("logo",), "contacts": ("email_jsonb", "phone_jsonb", "avatar")}


@dataclass(frozen=True, kw_only=True)
class Data:
    """Rows by table, as their era holds them, in the order they are loaded."""

    era: Era
    sales: Sequence[Row]
    tags: Sequence[Row]
    companies: Sequence[Row]
    contacts: Sequence[Row]
    deals: Sequence[Row]
    tasks: Sequence[Row]
    contact_notes: Sequence[Row]
    deal_notes: Sequence[Row]
    configuration: Sequence[Row]  #: one row; none in eras without that table
    planted: Mapping[str, int]  #: oddity → rows it was put on

    def tables(self) -> dict[str, Sequence[Row]]:
        """Rows by the head name of their table, parents first."""
        return {name: getattr(self, name) for name in loading.ORDER if eras.has(self.era, name)}


def generate(*, seed: int, scale: float = 1.0, era: Era = Era.HEAD, configured: str = SAVED) -> Data:
    """Makes the data; touches nothing outside. `configured`: `saved` (as settings are), `empty` (`{}`) or `forked`."""
    rng = Random(seed)
    planted: Counter[str] = Counter()
    settings = _SETTINGS[configured]() if era not in eras.OLD else {}
    stages = [stage["value"] for stage in settings.get("dealStages", ())] or list(configuration.STAGES)

    def count(whole: int) -> int:
        return max(1, round(whole * scale))

    sales = people.make_sales(rng)
    planted += oddities.spread(sales, SALES, lambda clean: Around(rng=rng, clean=clean))
    companies = people.make_companies(rng, count(1000), sales)
    contacts = people.make_contacts(rng, count(5000), companies)
    # From here on each table has a source of chance of its own, so that one more column does not change the others.
    own = {name: Random(f"{seed}/{name}") for name in ("tags", "deals", "tasks", "contact_notes", "deal_notes", "v1")}
    tags = activity.make_tags(own["tags"])
    deals = activity.make_deals(own["deals"], count(1500), contacts, stages, companies)
    tasks = activity.make_tasks(own["tasks"], count(1800), contacts)
    contact_notes = activity.make_contact_notes(own["contact_notes"], count(3700), contacts)
    deal_notes = activity.make_deal_notes(own["deal_notes"], count(2000), deals)
    around = _around(sales, contacts)
    planted += oddities.spread(companies, _held(COMPANIES, era), around(rng))
    planted += oddities.spread(contacts, _held(CONTACTS, era), around(rng))
    planted += oddities.spread(contacts, _held(CONTACTS_V1, era), around(own["v1"]))
    planted += oddities.spread(tags, TAGS, around(own["tags"]))
    planted += oddities.spread(deals, _held(DEALS, era), around(own["deals"]))
    planted += oddities.spread(tasks, _held(TASKS, era), around(own["tasks"]))
    planted += oddities.spread(contact_notes, _held(CONTACT_NOTES, era), around(own["contact_notes"]))
    planted += oddities.spread(deal_notes, _held(DEAL_NOTES, era), around(own["deal_notes"]))
    rows: dict[str, Sequence[Row]] = {
        "sales": sales,
        "tags": tags,
        "companies": companies,
        "contacts": contacts,
        "deals": deals,
        "tasks": tasks,
        "contact_notes": contact_notes,
        "deal_notes": deal_notes,
        "configuration": [] if era in eras.OLD else [{"id": 1, "config": Jsonb(settings)}],
    }
    for name, rows_ in rows.items():
        _wrap(name, rows_)
    shaped = {name: eras.shape(era, name, rows_) for name, rows_ in rows.items()}
    return Data(era=era, planted=dict(planted), **shaped)


def oddities_of(era: Era) -> tuple[Oddity, ...]:
    """Every oddity that a database of that era can hold."""
    return tuple(_held(ODDITIES, era))


def _held(all_: Sequence[Oddity], era: Era) -> list[Oddity]:
    return [oddity for oddity in all_ if era in oddity.eras]


def _around(sales: Sequence[Row], contacts: Sequence[Row]) -> Callable[[Random], Callable[[Sequence[Row]], Around]]:
    disabled = [s["id"] for s in sales if s["disabled"]]
    pending = [s["id"] for s in sales if s["first_name"] == "Pending"]

    def with_chance(rng: Random) -> Callable[[Sequence[Row]], Around]:
        return lambda clean: Around(rng=rng, clean=clean, disabled=disabled, pending=pending, contacts=contacts)

    return with_chance


def _wrap(table: str, rows: Sequence[Row]) -> None:
    """JSON as psycopg wants it; `JSON null` is JSON's null, None is SQL's."""
    for row in rows:
        for column in _JSONB.get(table, ()):
            row[column] = _jsonb(row[column])
        if row.get("attachments") is not None:
            row["attachments"] = [_jsonb(file) for file in row["attachments"]]


def _jsonb(value: Any) -> Jsonb | None:
    return None if value is None else Jsonb(None if value == "JSON null" else value)


def create(dsn: str, era: Era = Era.HEAD) -> None:
    """Makes the tables of that era in an empty database."""
    loading.create(dsn, era)


def load(dsn: str, data: Data) -> None:
    """Loads everything in one transaction."""
    loading.load(dsn, data.era, data.tables(), NOW)


def main(argv: Sequence[str] | None = None) -> int:
    """Creates the tables and fills them."""
    parser = argparse.ArgumentParser(prog="python -m sandbox.atomic_crm.generator", description=main.__doc__)
    parser.add_argument("--dsn", required=True, help="an empty database; its superuser")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--era", type=Era, choices=list(Era), default=Era.HEAD)
    parser.add_argument("--configuration", choices=list(_SETTINGS), default=SAVED)
    options = parser.parse_args(argv)
    data = generate(seed=options.seed, scale=options.scale, era=options.era, configured=options.configuration)
    create(options.dsn, options.era)
    load(options.dsn, data)
    sys.stdout.write(", ".join(f"{len(rows)} {name}" for name, rows in data.tables().items()) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
