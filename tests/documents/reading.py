"""What documents contain: blocks of code, commands, words in code type."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")])


class Block(NamedTuple):
    """One block of code."""

    page: str
    language: str
    code: str


class Said(NamedTuple):
    """Something that a page says, such as a command."""

    page: str
    text: str


def blocks(*languages: str) -> Iterator[Block]:
    """Yield the blocks of code of all pages that are in one of the languages."""
    for page in PAGES:
        found = re.findall(r"^```(\w*)\n(.*?)^```$", page.read_text(), re.DOTALL | re.MULTILINE)
        for language, code in found:
            if language in languages:
                yield Block(_name(page), language, code)


def pasted_commands() -> Iterator[Said]:
    """Yield each command that a reader can paste, without its comment, in one line."""
    for page, language, code in blocks("console", "sh"):
        line = r"^\$ (.*)$" if language == "console" else r"^(\S.*)$"
        for command in re.findall(line, code.replace("\\\n", " "), re.MULTILINE):
            yield Said(page, " ".join(re.sub(r"\s+# .*$", "", command).split()))


def words_in_code_type() -> Iterator[Said]:
    """Yield what stands between back quotes in the prose of all pages."""
    for page in PAGES:
        prose = re.sub(r"^```.*?^```$", "", page.read_text(), flags=re.DOTALL | re.MULTILINE)
        for text in re.findall(r"`([^`]+)`", prose):
            yield Said(_name(page), " ".join(text.split()))


def _name(page: Path) -> str:
    return str(page.relative_to(ROOT))
