"""Links between records: a foreign key becomes `{"$ref": [kind, key]}`, resolved by the sink (S0-10, S0-20)."""

from __future__ import annotations

from schemas.desired import Link, Ref
from streams.transform.converted import Converted, Given
from streams.transform.owners import key_of


def reference(given: Given) -> Converted:
    """`company_id` → a reference to that company; null → null. `with: {object: company, link: optional | required}`.

    Whether the parent is there is no concern of the projection: the ledger parks, registers or resolves.
    """
    key = key_of(given.value)
    if key is None:
        return Converted(value=None)
    kind = str(given.settings["object"])
    link = Link(given.settings.get("link", Link.OPTIONAL))
    return Converted(value={"$ref": [kind, key]}, ref=Ref(field=given.to, kind=kind, key=key, link=link))
