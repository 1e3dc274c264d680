"""What can drift in the pages for people: verbs, make targets, links, files, tests and decisions they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from control import reference
from schemas.errors import REGISTRY

ROOT = Path(__file__).parents[2]
PAGES = ["README.md", "CONTRIBUTING.md", *(str(p.relative_to(ROOT)) for p in sorted((ROOT / "docs").rglob("*.md")))]


def _text(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def _options(verb: str) -> set[str]:
    page = reference.files()["docs/reference/cli.md"].split(f"\n## lockgate {verb}\n")[1].split("\n## ")[0]
    return {
        option for row in re.findall(r"^\| (`-.*?) \|", page, re.MULTILINE) for option in re.findall(r"`(-.*?)`", row)
    }


@pytest.mark.parametrize("page", PAGES)
def test_verbs_and_their_options_exist(page: str) -> None:
    """`lockgate VERB --option` of a page is one that the program has."""
    for verb, rest in re.findall(r"(?:^|[`;] ?)lockgate ([a-z]+)([^`#\n]*)", _text(page), re.MULTILINE):
        assert verb in reference.verbs(), f"{page} names lockgate {verb}"
        assert set(re.findall(r"--[a-z-]+", rest)) <= _options(verb), f"{page}: lockgate {verb}{rest}"


@pytest.mark.parametrize("code", sorted(REGISTRY))
def test_an_errors_action_can_be_done(code: str) -> None:
    """The verbs that an error tells a person to run exist in this version."""
    for verb in re.findall(r"`lockgate ([a-z]+)", REGISTRY[code].action):
        assert verb in reference.verbs(), code


@pytest.mark.parametrize("page", PAGES)
def test_make_targets_exist(page: str) -> None:
    """`make TARGET` of a page stands in the Makefile."""
    targets = set(re.findall(r"^([a-z]+):", _text("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|[`;] ?)make ([a-z]+)\b", _text(page), re.MULTILINE)) <= targets


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    """A link to a file of the repository, and its anchor, exist; nothing is linked outside."""
    for target in re.findall(r"\]\(([^)]+)\)", _text(page)):
        assert not target.startswith("http"), target
        name, _, anchor = target.partition("#")
        file = ((ROOT / page).parent / name) if name else ROOT / page
        assert file.exists(), f"{page} links {target}"
        if anchor:
            headings = re.findall(r"^#+ (.+)$", file.read_text(encoding="utf-8"), re.MULTILINE)
            assert anchor in {re.sub(r"[^\w -]", "", h).strip().lower().replace(" ", "-") for h in headings}


@pytest.mark.parametrize("page", [page for page in PAGES if not page.startswith("docs/reference/")])
def test_files_named_exist(page: str) -> None:
    """A path of the repository in a page is one of today's."""
    pattern = (
        r"(?<![\w/.<])((?:schemas|connectors|streams|sinks|ledger|control|demo|sandbox|infra|tests|docs)/[\w./-]*\w)"
    )
    for name in re.findall(pattern, _text(page)):
        found = list(ROOT.glob(name)) or list(ROOT.glob(f"{name}.py"))
        assert found, f"{page} names {name}"


@pytest.mark.parametrize("page", PAGES)
def test_tests_named_exist(page: str) -> None:
    """A test that a page names as its proof is there."""
    every = "\n".join(path.read_text(encoding="utf-8") for path in sorted((ROOT / "tests").rglob("test_*.py")))
    for name in re.findall(r"`(test_\w+)`", _text(page)):
        assert f"def {name}(" in every or (list((ROOT / "tests").rglob(f"{name}.py"))), f"{page} names {name}"


def test_decisions_are_listed_once() -> None:
    """The index names every ADR, and every ADR that code or a page cites exists."""
    folder = ROOT / "docs" / "adr"
    there = {path.name for path in folder.glob("0*.md")}
    assert sorted(re.findall(r"\]\((0[^)]+)\)", _text("docs/adr/README.md"))) == sorted(there)
    numbers = {name[:4] for name in there}
    assert len(numbers) == len(there)
    for room in ("control", "connectors", "streams", "sinks", "ledger", "infra", "schemas", "demo", "docs"):
        for path in [*(ROOT / room).rglob("*.py"), *(ROOT / room).rglob("*.md")]:
            cited = set(re.findall(r"ADR-(\d{4})", path.read_text(encoding="utf-8")))
            assert cited <= numbers, f"{path} cites {cited - numbers}"


def test_the_ledgers_tables_are_told() -> None:
    """ARCHITECTURE names every table of the ledger, and no other."""
    sql = "\n".join(path.read_text() for path in sorted((ROOT / "ledger" / "migrations").glob("*.sql")))
    page = _text("docs/ARCHITECTURE.md").split("## The ledger")[1].split("\n## ")[0]
    told = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    assert told == set(re.findall(r"^create table (\w+)", sql, re.MULTILINE))


@pytest.mark.parametrize(("page", "most"), [("README.md", 75), ("docs/ARCHITECTURE.md", 130)])
def test_pages_stay_short(page: str, most: int) -> None:
    """README is one screen, the architecture two pages."""
    assert len(_text(page).splitlines()) <= most


@pytest.mark.parametrize("path", sorted((ROOT / "docs" / "adr").glob("0*.md")), ids=lambda p: p.name[:4])
def test_a_decision_is_short(path: Path) -> None:
    """An ADR is about ten lines: twenty at most, and its number is its file's."""
    lines = path.read_text(encoding="utf-8").splitlines()
    assert len(lines) <= 20
    assert lines[0].startswith(f"# ADR-{path.name[:4]}: ")
