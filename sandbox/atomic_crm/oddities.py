"""The dirt of real databases: each oddity has an id, a change to a row, and a query that finds it once loaded.

Sources: atomic_crm 4 (field meaning), 6.2 (inconsistencies by cause), 7 (quirks). An oddity belongs to a *place*; a row
gets at most one of each place, so that they do not undo each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any

from sandbox.atomic_crm import eras
from sandbox.atomic_crm.eras import Era, Row


@dataclass(frozen=True, kw_only=True)
class Around:
    """What a change may look at."""

    rng: Random
    clean: Sequence[Row]  #: rows of the same table that no oddity of this place touches: their values may be copied
    disabled: Sequence[int] = ()  #: ids of sales that are disabled
    pending: Sequence[int] = ()  #: ids of sales still called 'Pending'
    contacts: Sequence[Row] = ()  #: all contacts


@dataclass(frozen=True, kw_only=True)
class Oddity:
    """One kind of dirt."""

    id: str
    table: str  #: by its head name, e.g. `contact_notes`
    place: str  #: the columns it touches; one oddity a place and row
    where: str  #: SQL condition over alias `t` that finds its rows
    change: Callable[[Row, Around], None]
    share: float = 0.01  #: of the table's rows
    least: int = 3  #: rows, however small the table
    legacy: bool = False  #: older eras stored it; today's trigger would refuse or rewrite it
    eras: frozenset[Era] = eras.ALL  #: where a database can hold it


def put(**values: Any) -> Callable[[Row, Around], None]:
    """A change that sets columns to fixed values."""

    def change(row: Row, _around: Around) -> None:
        row.update(values)

    return change


def pick(column: str, *values: Any) -> Callable[[Row, Around], None]:
    """A change that sets a column to one of the values."""

    def change(row: Row, around: Around) -> None:
        row[column] = around.rng.choice(values)

    return change


def edit(column: str, how: Callable[[str], str]) -> Callable[[Row, Around], None]:
    """A change made out of the clean value."""

    def change(row: Row, _around: Around) -> None:
        row[column] = how(row[column])

    return change


def copied(column: str, how: Callable[[Any], Any]) -> Callable[[Row, Around], None]:
    """A change that takes another row's clean value."""

    def change(row: Row, around: Around) -> None:
        row[column] = how(around.rng.choice(around.clean)[column])

    return change


def keep(_row: Row, _around: Around) -> None:
    """No change: the oddity is in the data anyway, or in how its rows came about."""


def spread(rows: Sequence[Row], oddities: Sequence[Oddity], around: Callable[[Sequence[Row]], Around]) -> Counter[str]:
    """Gives each oddity of one table its rows, place by place; the number of rows each got.

    At most four fifths of the rows of a place change, so that there is always something clean.
    """
    planted: Counter[str] = Counter()
    for place in dict.fromkeys(o.place for o in oddities):
        mine = [o for o in oddities if o.place == place]
        rng = around(()).rng
        order = rng.sample(range(len(rows)), len(rows))
        wanted = [max(o.least, round(o.share * len(rows))) for o in mine]
        taken = min(sum(wanted), len(rows) * 4 // 5)
        spots = iter(order[:taken])
        context = around([rows[i] for i in sorted(order[taken:])])
        for oddity, count in zip(mine, wanted, strict=True):
            for _ in range(count):
                if (spot := next(spots, None)) is not None:
                    oddity.change(rows[spot], context)
                    rows[spot]["legacy"] = rows[spot].get("legacy", False) or oddity.legacy
                    planted[oddity.id] += 1
    return planted
