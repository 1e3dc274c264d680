"""Law 7: ids are ours where the destination allows it, so a repeated create cannot make a twin."""

from __future__ import annotations

from uuid import UUID, uuid5


def remote_id(namespace: UUID, source: str, id_path: str) -> str:
    """uuid5 of `<source>/<object>/<source_key>`; Twenty 2.21 takes versions 1, 4 and 5 only (`twenty.md` 1.2)."""
    return str(uuid5(namespace, f"{source}/{id_path}"))


def record_path(kind: str, key: str) -> str:
    """The part of the id after the source's name: `contact/42`."""
    return f"{kind}/{key}"


def join_path(kind: str, key: str, target_kind: str, target_key: str) -> str:
    """A join row's path, e.g. `contact_note/7/target/contact/42`."""
    return f"{kind}/{key}/target/{target_kind}/{target_key}"
