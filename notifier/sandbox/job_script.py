"""Reads from a prompt how its job shall go: words choose the ending, `[12s]` the duration.

A word matches by its beginning, so that "fails" and "failing" count too; the first one wins.
"""

import re
from dataclasses import dataclass

from notifier.sandbox.jobs import Ending

WORDS = {
    "fail": Ending.FAILED,
    "cancel": Ending.CANCELLED,
    "expire": Ending.EXPIRED,
    "lose": Ending.LOST,
    "vanish": Ending.LOST,
    "stuck": Ending.STUCK,
}
"""The words that choose an ending."""

_WORD = re.compile(rf"\b({'|'.join(WORDS)})", re.IGNORECASE)
_DURATION = re.compile(r"\[([0-9]{1,6}(?:\.[0-9]{1,3})?)s\]")


@dataclass(frozen=True, slots=True)
class JobScript:
    """How a job shall go; `duration` is in seconds before speed, None when not mentioned."""

    ending: Ending
    duration: float | None

    def overridden(self, ending: Ending | None, duration: float | None) -> "JobScript":
        """Return this script with what is not None replaced."""
        return JobScript(
            self.ending if ending is None else ending,
            self.duration if duration is None else duration,
        )


def read_prompt(prompt: str) -> JobScript:
    """Return how the job of `prompt` shall go."""
    word = _WORD.search(prompt)
    seconds = _DURATION.search(prompt)
    return JobScript(
        WORDS[word[1].lower()] if word else Ending.COMPLETED,
        float(seconds[1]) if seconds else None,
    )
