"""`same`: what Twenty stored is what was sent, in Twenty's own normal form (pairs recorded on 2.21.0)."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from schemas.catalog import Field, Object
from sinks.twenty import same

TYPES = {
    "name": "TEXT",
    "fullName": "FULL_NAME",
    "emails": "EMAILS",
    "phones": "PHONES",
    "domainName": "LINKS",
    "annualRevenue": "CURRENCY",
    "address": "ADDRESS",
    "createdBy": "ACTOR",
    "createdAt": "DATE_TIME",
    "birthday": "DATE",
    "bodyV2": "RICH_TEXT",
    "companyId": "RELATION",
    "targetPersonId": "MORPH_RELATION",
    "stage": "SELECT",
    "further": "ARRAY",
    "tags": "MULTI_SELECT",
    "score": "NUMBER",
    "done": "BOOLEAN",
    "extra": "RAW_JSON",
}
THERE = Object(
    name="x", plural="xs", id="1", fields={name: Field(name=name, type=kind) for name, kind in TYPES.items()}
)
LINKS = {"primaryLinkLabel": "", "secondaryLinks": []}
NO_PHONE = {
    "primaryPhoneNumber": "",
    "primaryPhoneCountryCode": "",
    "primaryPhoneCallingCode": "",
    "additionalPhones": [],
}
FRENCH = {
    "primaryPhoneNumber": "612345678",
    "primaryPhoneCountryCode": "FR",
    "primaryPhoneCallingCode": "+33",
    "additionalPhones": [],
}
CLEAR_ADDRESS = {"addressStreet1": "", "addressCity": "", "addressLat": None}
HALF = "\ud800"

EQUAL: list[tuple[str, Any, Any]] = [
    ("name", None, ""),
    ("name", "  padded  ", "  padded  "),
    ("name", f"a{HALF}b", "a\ufffdb"),
    ("name", "🙂", "🙂"),
    ("fullName", {"firstName": "B"}, {"firstName": "B", "lastName": "kept"}),
    ("fullName", {"firstName": None, "lastName": "L"}, {"firstName": "", "lastName": "L"}),
    (
        "emails",
        {"primaryEmail": "Ada@Example.COM", "additionalEmails": ["ADA3@example.com"]},
        {"primaryEmail": "ada@example.com", "additionalEmails": ["ada3@example.com"]},
    ),
    ("emails", None, {"primaryEmail": "", "additionalEmails": []}),
    ("emails", {"primaryEmail": None}, {"primaryEmail": "", "additionalEmails": None}),
    ("phones", {"primaryPhoneNumber": "+33 6 12 34 56 78"}, FRENCH),
    ("phones", {"primaryPhoneNumber": "0612345678", "primaryPhoneCountryCode": "FR"}, FRENCH),
    ("phones", {"primaryPhoneNumber": "612345678", "primaryPhoneCallingCode": "+33"}, FRENCH),
    (
        "phones",
        {"primaryPhoneNumber": "+1 415 555 2671 ext 12"},
        {
            **FRENCH,
            "primaryPhoneNumber": "4155552671",
            "primaryPhoneCountryCode": "US",
            "primaryPhoneCallingCode": "+1",
        },
    ),
    (
        "phones",
        {"primaryPhoneNumber": "+1 555 0100"},
        {**NO_PHONE, "primaryPhoneNumber": "5550100", "primaryPhoneCallingCode": "+1"},
    ),
    (
        "phones",
        {"primaryPhoneNumber": "612345678901234", "primaryPhoneCountryCode": "FR", "primaryPhoneCallingCode": "+33"},
        {**FRENCH, "primaryPhoneNumber": "612345678901234"},
    ),
    (
        "phones",
        {"additionalPhones": [{"number": "+14155552671"}]},
        {**NO_PHONE, "additionalPhones": [{"number": "4155552671", "callingCode": "+1", "countryCode": "US"}]},
    ),
    ("phones", None, NO_PHONE),
    (
        "domainName",
        {"primaryLinkUrl": "HTTPS://PROBE.EXAMPLE/About/Us?X=1"},
        {"primaryLinkUrl": "https://probe.example/About/Us?X=1", **LINKS},
    ),
    ("domainName", {"primaryLinkUrl": " https://x.example/ "}, {"primaryLinkUrl": "https://x.example", **LINKS}),
    (
        "domainName",
        {"primaryLinkUrl": "https://exämple.de/ä"},
        {"primaryLinkUrl": "https://xn--exmple-cua.de/ä", **LINKS},
    ),
    ("domainName", None, {"primaryLinkUrl": "", **LINKS}),
    ("annualRevenue", {"amountMicros": "1500000000"}, {"amountMicros": 1500000000, "currencyCode": "EUR"}),
    ("annualRevenue", {"amountMicros": 1500000000.5}, {"amountMicros": 1500000000, "currencyCode": "EUR"}),
    ("annualRevenue", None, {"amountMicros": None, "currencyCode": None}),
    ("address", {"addressCity": "Lyon"}, {"addressCity": "Lyon", "addressStreet1": "rue"}),
    ("address", None, CLEAR_ADDRESS),
    ("createdBy", {"source": "IMPORT", "name": "L"}, {"source": "IMPORT", "name": "L", "workspaceMemberId": None}),
    ("createdAt", "2019-03-04T05:06:07+02:00", "2019-03-04T03:06:07.000Z"),
    ("createdAt", "2019-03-04", "2019-03-04T00:00:00.000Z"),
    ("createdAt", "2024-01-05T10:00:00.123456Z", "2024-01-05T10:00:00.123Z"),
    ("birthday", "2020-03-02", "2020-03-02"),
    ("bodyV2", {"markdown": "# Hi"}, {"markdown": "# Hi", "blocknote": "[]"}),
    ("companyId", "912780AF-9362-43ED-A140-FC6C1D659472", "912780af-9362-43ed-a140-fc6c1d659472"),
    ("companyId", None, None),
    ("targetPersonId", "912780AF-9362-43ED-A140-FC6C1D659472", "912780af-9362-43ed-a140-fc6c1d659472"),
    ("stage", "WON", "WON"),
    ("stage", None, None),
    ("further", ["a", f"b{HALF}"], ["a", "b\ufffd"]),
    ("further", "a", ["a"]),
    ("further", [], None),
    ("further", None, []),
    ("annualRevenue", {"amountMicros": -12500000}, {"amountMicros": "-12500000", "currencyCode": "EUR"}),
    ("bodyV2", None, None),
    ("bodyV2", {"markdown": ""}, {"markdown": None, "blocknote": None}),
    ("tags", "A", ["A"]),
    ("tags", None, []),
    ("score", 3, 3.0),
    ("extra", '{"a": 1}', {"a": 1}),
]

DIFFERENT: list[tuple[str, Any, Any]] = [
    ("name", "a", "A"),
    ("name", "padded", " padded"),
    ("fullName", {"firstName": "B"}, {"firstName": "C"}),
    ("emails", {"primaryEmail": "a@b.example"}, {"primaryEmail": "a@b.example", "additionalEmails": ["c@d.example"]}),
    ("phones", {"primaryPhoneNumber": "+33 6 12 34 56 79"}, FRENCH),
    ("phones", {**FRENCH, "primaryPhoneCountryCode": "RE"}, FRENCH),
    ("phones", FRENCH, NO_PHONE),
    ("phones", None, FRENCH),
    ("phones", {**FRENCH, "additionalPhones": [{"number": "+14155552671"}]}, FRENCH),
    ("domainName", {"primaryLinkUrl": "example.com"}, {"primaryLinkUrl": "https://example.com", **LINKS}),
    ("domainName", {"primaryLinkUrl": "https://x.example/A"}, {"primaryLinkUrl": "https://x.example/a", **LINKS}),
    ("annualRevenue", {"amountMicros": 1, "currencyCode": "EUR"}, {"amountMicros": 1, "currencyCode": "USD"}),
    ("address", None, {"addressCity": "Lyon"}),
    ("createdBy", {"source": "IMPORT"}, {"source": "API"}),
    ("createdAt", "2019-03-04T05:06:07.123Z", "2019-03-04T05:06:07.124Z"),
    ("bodyV2", {"markdown": "# Hi"}, {"markdown": "# Ho"}),
    ("companyId", "912780af-9362-43ed-a140-fc6c1d659472", None),
    ("score", 3, None),
    ("done", False, None),
    ("tags", ["A", "B"], ["A"]),
    ("targetPersonId", "912780af-9362-43ed-a140-fc6c1d659472", None),
    ("stage", "WON", "NEW"),
    ("stage", None, "NEW"),
    ("further", ["a", "b"], ["b", "a"]),
    ("further", [""], []),
    ("further", ["a"], None),
    ("bodyV2", {"markdown": "# Hi"}, None),
    ("bodyV2", None, {"markdown": "# Hi", "blocknote": "[]"}),
]


@pytest.mark.parametrize(("field", "sent", "held"), EQUAL)
def test_what_twenty_normalises_is_the_same(field: str, sent: Any, held: Any) -> None:
    """No false difference: verify would ask a person about it (twenty.md 1.9)."""
    assert same.differing(THERE, {field: sent}, {field: held}) == []


@pytest.mark.parametrize(("field", "sent", "held"), DIFFERENT)
def test_what_twenty_does_not_normalise_differs(field: str, sent: Any, held: Any) -> None:
    """No false equality: a lost field would go unseen."""
    assert same.differing(THERE, {field: sent}, {field: held}) == [field]


def test_fields_not_sent_are_not_compared_and_absent_ones_differ() -> None:
    """Only names of `sent` come back, in its order; a row without the field does not hold it."""
    assert same.differing(THERE, {"score": 1, "name": "a"}, {"name": "b", "done": True}) == ["score", "name"]


CAPTURES = Path(__file__).parents[4] / Path("shared/reference/twenty/captures")
CATALOG = Path(__file__).parents[4] / Path("shared/reference/twenty/metadata-objects.json")


@pytest.mark.skipif(not CAPTURES.is_dir(), reason="the recorded exchanges are not on this machine")
def test_every_recorded_write_is_the_same_as_its_answer() -> None:
    """Of each recorded create and update the answer holds what was sent."""
    raw = {one["nameSingular"]: one for one in json.loads(CATALOG.read_text())["data"]}
    there = {
        plural: Object(
            name=name,
            plural=plural,
            id="1",
            fields={f["name"]: Field(name=f["name"], type=f["type"]) for f in raw[name]["fields"]},
        )
        for name, plural in (
            ("company", "companies"),
            ("person", "people"),
            ("opportunity", "opportunities"),
            ("task", "tasks"),
            ("note", "notes"),
            ("taskTarget", "taskTargets"),
            ("noteTarget", "noteTargets"),
        )
    }
    told_apart = {
        "upsert with DIFFERENT new id but same unique domain": ["id"],  # the row of another id was written
        # These rows keep additional e-mails that a whole value would clear: a partial one is never sent.
        "patch primaryEmail only": ["emails"],
        "upsert person by email no id": ["emails"],
    }
    compared = 0
    for file in sorted(CAPTURES.glob("0[134678]-*.json")):
        for entry in json.loads(file.read_text()):
            request, answer = entry.get("request", {}), entry.get("response", {})
            plural = request.get("path", "").split("?")[0].split("/")[2:3]
            sent, body = request.get("body"), answer.get("body")
            if request.get("method") not in ("POST", "PATCH") or not plural or plural[0] not in there:
                continue
            if answer["status"] >= 300 or not isinstance(sent, dict) or not isinstance(body.get("data"), dict):
                continue
            row = next(iter(body["data"].values()))
            kept_by_upsert = {"createdBy"} if "upsert" in request["path"] else set()
            ignored = {"company", "accountOwner", "targetPerson", "updatedBy"} | kept_by_upsert
            fields = {name: value for name, value in sent.items() if name not in ignored}
            if isinstance(row, dict) and "__truncated__" not in sent:
                compared += 1
                expected = told_apart.get(entry["label"], [])
                assert same.differing(there[plural[0]], fields, row) == expected, entry["label"]
    assert compared > 80
