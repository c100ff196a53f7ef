"""What the documents name exists."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
CODE = re.compile(r"`([a-z_]+(?:/[a-z_]+)+(?:\.py|/)?)`")


def _named_in(document: str) -> list[str]:
    return sorted(set(CODE.findall((ROOT / document).read_text())))


def test_every_test_that_the_reliability_page_names_is_there() -> None:
    named = [path for path in _named_in("RELIABILITY.md") if path.endswith((".py", "/"))]
    missing = [path for path in named if not (ROOT / "tests" / path).exists()]
    assert named
    assert missing == []


@pytest.mark.parametrize("document", ["docs/architecture.md", "CONTRIBUTING.md"])
def test_every_module_that_a_page_for_engineers_names_is_there(document: str) -> None:
    def exists(path: str) -> bool:
        return any(
            (base / path).exists() or (base / f"{path}.py").exists()
            for base in (ROOT / "notifier", ROOT)
        )

    assert [path for path in _named_in(document) if not exists(path)] == []


RETIRED = (
    "desk desks clerk clerks seat seats shelf shelves timetable thermostat bell astray door doors"
).split()


@pytest.mark.parametrize("tree", ["notifier", "docs", "README.md", "CONTRIBUTING.md"])
def test_no_retired_word_is_used_where_the_glossary_has_a_better_one(tree: str) -> None:
    base = ROOT / tree
    files = [base] if base.is_file() else [*base.rglob("*.py"), *base.rglob("*.md")]
    retired = re.compile(rf"\b(?:{'|'.join(RETIRED)})\b", re.IGNORECASE)
    used = [
        f"{file.relative_to(ROOT)}:{number}: {line.strip()}"
        for file in files
        for number, line in enumerate(file.read_text().splitlines(), start=1)
        if retired.search(line)
    ]
    assert used == []
