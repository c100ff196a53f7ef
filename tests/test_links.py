"""Links between pages lead somewhere, and README stays a page of five minutes."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted(
    page for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")] if page.is_file()
)
README_WORDS = 1_000
COMMANDS = ("demo-command", "test-command", "service-command")


def prose(page: Path) -> str:
    """Return a page without its code blocks and comments."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
    return re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)


def links(page: Path) -> Iterator[str]:
    """Yield the target of each link that does not lead to another site."""
    text = re.sub(r"`[^`]*`(?!\])", "", prose(page))
    for target in re.findall(r"\]\(([^()\s]+)\)", text):
        if not re.match(r"[a-z]+:", target):
            yield target


def anchors(page: Path) -> set[str]:
    """Return what can follow `#` in a link to a page, by the rule of GitHub."""
    found: set[str] = set()
    for title in re.findall(r"^#+ +(.+?)\s*$", prose(page), re.MULTILINE):
        words = re.sub(r"[^\w\- ]", "", re.sub(r"\]\([^)]*\)", "", title).lower())
        anchor = slug = words.replace(" ", "-")
        repeats = 0
        while anchor in found:
            repeats += 1
            anchor = f"{slug}-{repeats}"
        found.add(anchor)
    return found


def broken(page: Path) -> Iterator[str]:
    for target in links(page):
        path, _, anchor = target.partition("#")
        file = (page.parent / path).resolve() if path else page
        if not file.exists() or (anchor and anchor not in anchors(file)):
            yield target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_to_a_file_and_a_heading_that_exist(page: Path) -> None:
    assert list(broken(page)) == []


def test_a_link_that_leads_nowhere_is_found(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "# One: `two` & three?\n[good](#one-two--three) [bad](#two) [gone](gone.md)\n"
        "[elsewhere](https://host.example/#x)\n```\n[code](no.md)\n```\n"
    )
    assert list(broken(page)) == ["#two", "gone.md"]


def test_readme_leads_to_every_page_for_users() -> None:
    linked = {target.partition("#")[0] for target in links(ROOT / "README.md")}
    pages = {f"docs/{page.name}" for page in (ROOT / "docs").glob("*.md")}
    assert pages | {"RELIABILITY.md", "CONTRIBUTING.md", "config.example.toml"} <= linked


def test_each_page_for_users_starts_with_the_questions_that_it_answers() -> None:
    for name in ("configuration", "control-api", "events", "operations", "performance"):
        page = ROOT / "docs" / f"{name}.md"
        text = prose(page)
        asked = re.findall(r"^## (.+)$", text, re.MULTILINE)
        assert re.findall(r"^- \[(.+?)\]\(#", text, re.MULTILINE) == asked, name


def test_readme_is_read_in_five_minutes() -> None:
    assert len(prose(ROOT / "README.md").split()) <= README_WORDS


def test_readme_shows_what_it_is_then_the_commands_then_the_first_event() -> None:
    text = (ROOT / "README.md").read_text()
    first_screen = text[: text.index("\n## ")]
    order = [first_screen.index(f"<!-- {name} -->") for name in COMMANDS[:2]]
    order.append(first_screen.index("notifier watch add"))
    assert order == sorted(order)
    for name in COMMANDS:
        assert re.search(rf"<!-- {name} -->\n```sh\n[^`]+```", text), name
