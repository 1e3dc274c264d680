"""The live metadata of the workspace: objects, their fields, and what follows from them (defaults, unique keys)."""

from __future__ import annotations

import copy
import functools
import json
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from importlib import resources
from typing import Any

EMPTY: Mapping[str, Any] = {
    "TEXT": "",
    "FULL_NAME": {"firstName": "", "lastName": ""},
    "EMAILS": {"primaryEmail": "", "additionalEmails": []},
    "LINKS": {"primaryLinkLabel": "", "primaryLinkUrl": "", "secondaryLinks": []},
    "PHONES": {
        "primaryPhoneNumber": "",
        "primaryPhoneCountryCode": "",
        "primaryPhoneCallingCode": "",
        "additionalPhones": [],
    },
    "ADDRESS": {
        "addressStreet1": "",
        "addressStreet2": "",
        "addressCity": "",
        "addressPostcode": "",
        "addressState": "",
        "addressCountry": "",
        "addressLat": None,
        "addressLng": None,
    },
    "CURRENCY": {"amountMicros": None, "currencyCode": None},
    "RICH_TEXT": {"blocknote": None, "markdown": ""},
    "ACTOR": {"source": "MANUAL", "workspaceMemberId": None, "name": "System", "context": None},
    "ARRAY": [],
    "MULTI_SELECT": [],
    "TS_VECTOR": "",
}

#: Keys of the committed shapes that are not metadata themselves.
_PRIVATE = frozenset({"fields", "labelIdentifier", "imageIdentifier", "records"})

#: The subfield that carries the unique index of a composite type.
UNIQUE_PART = {"LINKS": "primaryLinkUrl", "EMAILS": "primaryEmail", "PHONES": "primaryPhoneNumber"}


@dataclass(kw_only=True)
class Field:
    """One field; `raw` is what the metadata API shows of it."""

    raw: dict[str, Any]
    object: str
    name: str
    type: str
    join: str | None  #: the column `{name}Id` of a many-to-one relation
    one_to_many: bool

    @property
    def relation(self) -> bool:
        """Is it a link, morph or not?"""
        return self.type in {"RELATION", "MORPH_RELATION"}

    @property
    def target(self) -> str:
        """The object a relation reaches; the public metadata does not say it, so it is kept beside it."""
        return str(self.raw["$target"][0])

    @property
    def back(self) -> str | None:
        """The field of the target that is the other end of this relation."""
        back: str | None = self.raw["$target"][1]
        return back

    @property
    def cascades(self) -> bool:
        """Is a row destroyed with the one it points to (ON DELETE CASCADE), or does it lose the link (SET NULL)?"""
        return bool((self.raw.get("settings") or {}).get("onDelete") == "CASCADE")

    @property
    def options(self) -> list[str]:
        """Accepted values of a select."""
        return [str(option["value"]) for option in self.raw.get("options") or []]

    @property
    def standard(self) -> bool:
        """Made by Twenty, not by a user."""
        return not self.raw.get("isCustom", False)

    def empty(self) -> Any:
        """The value of a row that was never given one."""
        default = self.raw.get("defaultValue")
        if self.type in {"SELECT", "TEXT", "RATING"} and isinstance(default, str):
            return default.strip("'")
        if self.type in {"NUMBER", "BOOLEAN", "MULTI_SELECT"} and default is not None:
            return copy.deepcopy(default)
        return copy.deepcopy(EMPTY.get(self.type))


@dataclass(frozen=True, kw_only=True)
class UniqueKey:
    """A unique index: field, and the part of it that counts."""

    field: str
    part: str | None

    @property
    def path(self) -> str:
        """`emails.primaryEmail`, or the bare field name."""
        return f"{self.field}.{self.part}" if self.part else self.field

    def value(self, row: Mapping[str, Any]) -> str | None:
        """The indexed value of a row; empty text and null are absent (`twenty.md` 1.3)."""
        value = row.get(self.field)
        if self.part:
            value = value.get(self.part) if isinstance(value, Mapping) else None
        return str(value) if value not in (None, "") else None


@dataclass(kw_only=True)
class ObjectType:
    """One object and its fields by name."""

    raw: dict[str, Any]
    fields: dict[str, Field] = field(default_factory=dict)
    joins: dict[str, Field] = field(default_factory=dict)
    uniques: list[UniqueKey] = field(default_factory=list)
    template: dict[str, Any] = field(default_factory=dict)
    required: list[str] = field(default_factory=list)  #: columns that refuse null although they have a default

    @property
    def name(self) -> str:
        """Singular name."""
        return str(self.raw["nameSingular"])

    @property
    def plural(self) -> str:
        """Plural name, the path of its records."""
        return str(self.raw["namePlural"])

    @property
    def custom(self) -> bool:
        """Made by a user, not by Twenty."""
        return bool(self.raw.get("$custom"))

    @property
    def has_records(self) -> bool:
        """Is there a recording of its rows? Of some standard objects only the metadata is known."""
        return bool(self.raw.get("$records", True))

    @property
    def capital(self) -> str:
        """As in `createCompany`."""
        return self.name[0].upper() + self.name[1:]

    @property
    def capital_plural(self) -> str:
        """As in `createCompanies`."""
        return self.plural[0].upper() + self.plural[1:]

    def rebuild(self, raws: Iterable[dict[str, Any]]) -> None:
        """Derives everything again from the raw fields, in their order."""
        self.fields = {}
        for raw in raws:
            settings = raw.get("settings") or {}
            relation = settings.get("relationType")
            self.fields[raw["name"]] = Field(
                raw=raw,
                object=self.name,
                name=raw["name"],
                type=raw["type"],
                join=settings.get("joinColumnName") if relation == "MANY_TO_ONE" else None,
                one_to_many=relation == "ONE_TO_MANY",
            )
        self.joins = {item.join: item for item in self.fields.values() if item.join}
        self.uniques = [
            UniqueKey(field=item.name, part=UNIQUE_PART.get(item.type))
            for item in self.fields.values()
            if item.raw.get("isUnique")
        ]
        self.required = [
            item.name
            for item in self.fields.values()
            if item.type in {"SELECT", "BOOLEAN"} and not item.raw.get("isNullable", True)
        ]
        self.template = {}
        for item in self.fields.values():
            if not item.relation:
                self.template[item.name] = item.empty()
            elif item.join:
                self.template[item.join] = None

    def render(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """A row with every field the object has now, in metadata order."""
        return {name: row.get(name, default) for name, default in self.template.items()}


def public(raw: Mapping[str, Any]) -> dict[str, Any]:
    """Metadata as the API shows it: without what only this stand-in keeps."""
    return {key: value for key, value in raw.items() if key[0] != "$" and key != "isCustom"}


@functools.cache
def shapes() -> dict[str, Any]:
    """The committed shapes of a fresh workspace (reduced from a recording of 2.21)."""
    text = resources.files("sandbox.twenty").joinpath("data/objects.json").read_text("utf-8")
    loaded: dict[str, Any] = json.loads(text)
    return loaded


def fresh(workspace: str, stamp: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Objects and fields of a new workspace, with ids that only this workspace has."""
    application = str(uuid.uuid4())
    objects: list[dict[str, Any]] = []
    fields: list[dict[str, Any]] = []
    for shape in shapes()["objects"]:
        object_id = str(uuid.uuid4())
        common = {"applicationId": application, "isActive": True, "workspaceId": workspace}
        own = []
        for part in shape["fields"]:
            raw = {"id": str(uuid.uuid4()), "universalIdentifier": str(uuid.uuid4()), **common}
            raw |= {"description": part["label"], **part}
            raw |= {"objectMetadataId": object_id, "isLabelSyncedWithName": False}
            raw |= {"createdAt": stamp, "updatedAt": stamp}
            if "target" in raw:
                raw["$target"] = raw.pop("target")
            if part.get("options"):
                raw["options"] = [{"id": str(uuid.uuid4()), **option} for option in part["options"]]
            own.append(raw)
        label = next(raw["id"] for raw in own if raw["name"] == shape["labelIdentifier"])
        image = next((raw["id"] for raw in own if raw["name"] == shape.get("imageIdentifier")), None)
        kept = {key: value for key, value in shape.items() if key not in _PRIVATE}
        head = {"id": object_id, "universalIdentifier": str(uuid.uuid4()), **common}
        head |= {"description": shape["labelSingular"], **kept, "isRemote": False, "isLabelSyncedWithName": False}
        head |= {"labelIdentifierFieldMetadataId": label, "createdAt": stamp, "updatedAt": stamp}
        head |= {"$records": shape.get("records", True)}
        objects.append(head | ({"imageIdentifierFieldMetadataId": image} if image else {}))
        fields += own
    return objects, fields
