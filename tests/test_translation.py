"""README in Chinese says what README says: the same commands, tables and links."""

import re
from pathlib import Path

import pytest

from tests.test_links import prose

ROOT = Path(__file__).parent.parent
ENGLISH = ROOT / "README.md"
CHINESE = ROOT / "README.zh-CN.md"

_COMMENT = re.compile(r"(?:^|\s+)(?:#|//) .*$", re.MULTILINE)


def code_blocks(text: str) -> list[tuple[str, str]]:
    """Return language and code of each block, without what comments say."""
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return [(language, _COMMENT.sub("", code)) for language, code in blocks]


def tables(text: str) -> list[list[tuple[int, list[str]]]]:
    """Return, for each row of each table, how many cells it has, and its code and links."""
    blocks = re.findall(r"(?:^\|.*\n)+", text, re.MULTILINE)
    return [
        [
            (row.count("|"), sorted(re.findall(r"`[^`]+`|\]\([^)]+\)", row)))
            for row in block.splitlines()
        ]
        for block in blocks
    ]


def headings(text: str) -> list[int]:
    return [len(marks) for marks in re.findall(r"^(#+) ", text, re.MULTILINE)]


def link_targets(page: Path) -> list[str]:
    targets = re.findall(r"\]\(([^()\s]+)\)", prose(page))
    return sorted(target for target in targets if not target.startswith("README"))


def test_both_have_the_same_code_and_differ_in_comments_alone() -> None:
    english, chinese = (code_blocks(page.read_text()) for page in (ENGLISH, CHINESE))
    assert len(english) > 10
    assert chinese == english


def test_both_have_the_same_tables_with_the_same_words_of_code_and_links() -> None:
    english, chinese = (tables(page.read_text()) for page in (ENGLISH, CHINESE))
    assert len(english) >= 5
    assert chinese == english


def test_both_have_the_same_headings_and_links() -> None:
    english, chinese = (headings(prose(page)) for page in (ENGLISH, CHINESE))
    assert chinese == english
    assert link_targets(CHINESE) == link_targets(ENGLISH)


def test_each_leads_to_the_other_before_anything_else() -> None:
    for page, other in ((ENGLISH, CHINESE), (CHINESE, ENGLISH)):
        second_paragraph = page.read_text().split("\n\n")[1]
        assert f"]({other.name})" in second_paragraph


@pytest.mark.parametrize(
    ("code", "kept"),
    [
        ("notifier run   # the daemon", "notifier run"),
        ('url = "https://a.example/#x"', 'url = "https://a.example/#x"'),
        ("verify(body);      // throws", "verify(body);"),
    ],
)
def test_comments_are_what_is_left_out(code: str, kept: str) -> None:
    assert code_blocks(f"```sh\n{code}\n```\n") == [("sh", f"{kept}\n")]


def test_a_row_whose_code_differs_is_found() -> None:
    assert tables("| a | `b` |\n") != tables("| 甲 | `c` |\n")
