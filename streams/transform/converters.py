"""The registry of converters: the names a mapping file may use in `convert`.

A converter is a pure function `Given → Converted` (converted.py). It never raises on dirty data, reads nothing but its
input, and gives exactly what Twenty 2.21 will store, so that a record read back compares equal field by field.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from streams.transform import (
    choices,
    dates,
    emails,
    links,
    markdown,
    money,
    owners,
    people,
    phones,
    references,
    text,
    titles,
)
from streams.transform.converted import Converted, Converter, Given

FLAGS = "flags"


def _flags(given: Given) -> Converted:
    """The field that lists what the other rules flagged; the projection fills it last."""
    return Converted(value="")


CONVERTERS: Mapping[str, Converter] = MappingProxyType(
    {
        "author": owners.author,
        "choice": choices.choice,
        "choice_or_first": choices.choice_or_first,
        "composite": text.composite,
        "constant": text.constant,
        "email_text": emails.email_text,
        "emails": emails.emails,
        "first_reference": references.first_reference,
        FLAGS: _flags,
        "further_people": people.further_people,
        "instant": dates.instant,
        "label": text.label,
        "lines": text.lines,
        "link": links.link,
        "moment": dates.moment,
        "moment_text": dates.moment_text,
        "money": money.money,
        "own_record": references.own_record,
        "owner": owners.owner,
        "owner_email": owners.owner_email,
        "phone_columns": phones.phone_columns,
        "phones": phones.phones,
        "prefixed": text.prefixed,
        "presence": choices.presence,
        "reference": references.reference,
        "rich_text": markdown.rich_text,
        "tag_names": people.tag_names,
        "text": text.text,
        "title": titles.title,
        "yes_no": text.yes_no,
    }
)


def names() -> frozenset[str]:
    """What `schemas.mapping_files.load` checks `convert` against."""
    return frozenset(CONVERTERS)
