"""A small source that changes at random, and what must be in the destination at the end, reckoned independently."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import line_kit
from line_kit import Capture

Rows = dict[int, dict[str, Any]]

COMPANIES, CONTACTS, SALES = range(1, 6), (2, 3, 9, 10, 11, 30, 100), range(1, 4)
SITES = ("https://a.example", "https://b.example", "https://c.example", "")
MAILS = ("x@example.com", "y@example.com", "z@example.com", "")


@dataclass(kw_only=True)
class Source:
    """Three tables and their change events."""

    dice: random.Random
    capture: Capture
    tables: dict[str, Rows] = field(default_factory=lambda: {"sale": {}, "company": {}, "contact": {}})

    def begin(self) -> None:
        """A few rows are there; the snapshot reads them."""
        for key in SALES[:2]:
            self._put("sale", key, line_kit.sale(key), snapshot=True)
        for key in self.dice.sample(COMPANIES, 3):
            self._put("company", key, self._company(key), snapshot=True)
        for key in self.dice.sample(CONTACTS, 4):
            self._put("contact", key, self._contact(key), snapshot=True)

    def change(self) -> None:
        """One transaction of a user."""
        kind = self.dice.choices(
            ("contact", "company", "sale", "swap", "ring", "delete", "drop", "repeat"), (8, 4, 1, 2, 1, 3, 2, 1)
        )[0]
        getattr(self, f"_change_{kind}")()

    def _change_contact(self) -> None:
        key = self.dice.choice(CONTACTS)
        row = self.tables["contact"].get(key)
        if row is None:
            self._put("contact", key, self._contact(key))
            return
        fresh = self._contact(key)
        columns = self.dice.sample(("last_name", "email_jsonb", "company_id", "sales_id", "background"), 2)
        self._put("contact", key, {**row, **{c: fresh[c] for c in columns}})

    def _change_company(self) -> None:
        key = self.dice.choice(COMPANIES)
        row = self.tables["company"].get(key)
        fresh = self._company(key)
        columns = self.dice.sample(("name", "website", "sales_id"), 2)
        self._put("company", key, {**row, **{c: fresh[c] for c in columns}} if row else fresh)

    def _change_sale(self) -> None:
        key = self.dice.choice(SALES)
        self._put("sale", key, line_kit.sale(key, email=f"sale{key}.{self.dice.randrange(100)}@example.com"))

    def _change_swap(self) -> None:
        self._rotate(2)

    def _change_ring(self) -> None:
        self._rotate(3)

    def _rotate(self, many: int) -> None:
        """Unique values go round among contacts in one transaction (H-25)."""
        there = sorted(self.tables["contact"])
        if len(there) < many:
            return
        chosen = self.dice.sample(there, many)
        mails = [self.tables["contact"][key]["email_jsonb"] for key in chosen]
        for key, mail in zip(chosen, mails[1:] + mails[:1], strict=True):
            self._put("contact", key, {**self.tables["contact"][key], "email_jsonb": mail})

    def _change_delete(self) -> None:
        there = sorted(self.tables["contact"])
        if there:
            self._drop("contact", self.dice.choice(there))

    def _change_drop(self) -> None:
        """A company goes, its contacts lose their link: before it, or the foreign key does not care."""
        there = sorted(self.tables["company"])
        if not there:
            return
        key = self.dice.choice(there)
        if self.dice.random() < 0.7:
            for other, row in sorted(self.tables["contact"].items()):
                if row["company_id"] == key:
                    self._put("contact", other, {**row, "company_id": None})
        self._drop("company", key)

    def _change_repeat(self) -> None:
        """A snapshot reads a table again."""
        object_ = self.dice.choice(("company", "contact"))
        for key, row in sorted(self.tables[object_].items()):
            self.capture.write(object_, "r", key, row, snapshot=True)

    def _contact(self, key: int) -> dict[str, Any]:
        return line_kit.contact(
            key,
            last_name=f"Contact {self.dice.randrange(1000)}",
            background=self.dice.choice(("", "long")),
            email=self.dice.choice(MAILS),
            company_id=self.dice.choice([None, *self.tables["company"]]),
            sales_id=self.dice.choice((None, *SALES)),
        )

    def _company(self, key: int) -> dict[str, Any]:
        name = f"Company {self.dice.randrange(1000)}"
        site, sale = self.dice.choice(SITES), self.dice.choice((None, *SALES))
        return line_kit.company(key, name=name, website=site, sales_id=sale)

    def _put(self, object_: str, key: int, row: dict[str, Any], *, snapshot: bool = False) -> None:
        op = "r" if snapshot else "u" if key in self.tables[object_] else "c"
        self.tables[object_][key] = row
        self.capture.write(object_, op, key, row, snapshot=snapshot)

    def _drop(self, object_: str, key: int) -> None:
        del self.tables[object_][key]
        self.capture.write(object_, "d", key, None)

    def complete(self) -> None:
        """Every sale that somebody names is there: a record never waits for one for ever."""
        for key in SALES:
            if key not in self.tables["sale"]:
                self._put("sale", key, line_kit.sale(key))


def expected(source: Source) -> dict[str, dict[str, dict[str, Any]]]:
    """Destination object → remote id → fields, by the rules of `line_kit.plan`, written down a second time."""
    sales = source.tables["sale"]

    def owner(row: Mapping[str, Any]) -> str:
        return "" if row["sales_id"] is None else str(sales[row["sales_id"]]["email"])

    companies = {}
    sites = _smallest({key: row["website"] for key, row in source.tables["company"].items()})
    for key, row in source.tables["company"].items():
        site = row["website"]
        won = sites.get(site) == key
        companies[line_kit.remote_id("company", key)] = {
            "name": row["name"],
            "domainName": {"primaryLinkUrl": site if won else "", "primaryLinkLabel": "", "secondaryLinks": []},
            "ownerEmail": owner(row),
            "keptValues": "" if won else site,
        }
    people = {}
    mails = _smallest({key: _mail(row) for key, row in source.tables["contact"].items()})
    for key, row in source.tables["contact"].items():
        mail = _mail(row)
        won = mails.get(mail) == key
        people[line_kit.remote_id("contact", key)] = {
            "name": row["last_name"],
            "background": row["background"],
            "emails": {
                "primaryEmail": mail if won else "",
                "additionalEmails": [mail] if mail and not won else [],
            },
            "companyId": _company_id(source, row["company_id"]),
            "ownerEmail": owner(row),
            "keptValues": "" if won else mail,
        }
    return {"company": companies, "person": people}


def _company_id(source: Source, key: int | None) -> str | None:
    return line_kit.remote_id("company", key) if key in source.tables["company"] else None


def _mail(row: Mapping[str, Any]) -> str:
    return next(iter(mail for mail in MAILS if mail and mail in row["email_jsonb"]), "")


def _smallest(values: Mapping[int, str]) -> dict[str, int]:
    """The smallest key of each value: by number, 9 before 10."""
    found: dict[str, int] = {}
    for key in sorted(values, reverse=True):
        found[values[key]] = key
    return {value: key for value, key in found.items() if value}
