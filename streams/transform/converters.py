"""The registry of converters: the names a mapping file may use in `convert`.

A converter is a pure function `Given → Converted` (converted.py). It never raises on dirty data, reads nothing but its
input, and gives exactly what Twenty 2.21 will store, so that a record read back compares equal field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from streams.transform import dates, emails, links, owners, phones, references, text
from streams.transform.converted import Converted, Converter, Given

FLAGS = "flags"


def _flags(given: Given) -> Converted:
    """The field that lists what the other rules flagged; the projection fills it last."""
    return Converted(value="")


CONVERTERS: Mapping[str, Converter] = MappingProxyType(
    {
        "composite": text.composite,
        "constant": text.constant,
        "emails": emails.emails,
        FLAGS: _flags,
        "label": text.label,
        "lines": text.lines,
        "link": links.link,
        "moment": dates.moment,
        "moment_text": dates.moment_text,
        "owner": owners.owner,
        "owner_email": owners.owner_email,
        "phones": phones.phones,
        "reference": references.reference,
        "text": text.text,
        "yes_no": text.yes_no,
    }
)


def names() -> frozenset[str]:
    """What `schemas.mapping_files.load` checks `convert` against."""
    return frozenset(CONVERTERS)
