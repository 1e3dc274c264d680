"""What is made from the code is what the code would make now."""

from __future__ import annotations

import pytest

from control import reference
from schemas.errors import GROUPS, REGISTRY


@pytest.mark.parametrize("name", list(reference.files()))
def test_a_made_file_has_not_drifted(name: str) -> None:
    """`make reference` would change nothing."""
    found = (reference.ROOT / name).read_text(encoding="utf-8")
    assert found == reference.files()[name], f"{name} has drifted: run `make reference`"


def test_every_code_has_its_place() -> None:
    """A code belongs to exactly one group, and has a heading that a link can name."""
    page = reference.errors_page()
    for code in REGISTRY:
        assert [prefix for prefix in GROUPS if code.startswith(prefix)] == [code[:5]]
        assert page.count(f"\n### {code}\n") == 1


def test_every_verb_is_told() -> None:
    """The verbs that come as entry points too, once, even when asked twice."""
    assert reference.verbs() == reference.verbs()
    assert {"init", "start", "status", "demo"} <= set(reference.verbs())
    page = reference.cli_page(reference.cli.whole())
    assert all(page.count(f"\n## lockgate {verb}\n") == 1 for verb in reference.verbs())
    assert "| `--revision` | required | What `propose` printed; 12 characters are enough. |" in page
