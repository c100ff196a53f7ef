"""Reads the Dockerfile: its stages, and in each the instructions in order."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

CHECKOUT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction: its word, such as COPY, and all that follows."""

    word: str
    text: str


def instructions(path: Path = CHECKOUT / "Dockerfile") -> list[Instruction]:
    """Return every instruction, with comments removed and continued lines joined."""
    lines = [line for line in path.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [
        Instruction(*re.split(r"\s+", line, maxsplit=1)) for line in joined.splitlines() if line
    ]


def stages(path: Path = CHECKOUT / "Dockerfile") -> list[list[Instruction]]:
    """Return the instructions of each stage, the FROM first."""
    found: list[list[Instruction]] = []
    for each in instructions(path):
        if each.word == "FROM":
            found.append([])
        if found:
            found[-1].append(each)
    return found


def texts(stage: list[Instruction], word: str) -> Iterator[str]:
    """Yield what follows each `word` of a stage."""
    return (each.text for each in stage if each.word == word)
