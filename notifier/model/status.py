"""The status of a job, in one vocabulary for all gateways.

Gateways agree on the five words of the protocol and on little else. A word that is in no table
is *not* an ending: it is logged and the watch goes on.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """The five words of the protocol."""

    QUEUED = "queued"
    IN_PROGRESS = "in_progress"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        """Whether a job with this status will never change again."""
        return self in _TERMINAL


_TERMINAL = frozenset({Status.COMPLETED, Status.FAILED, Status.CANCELLED})

_WORDS = {
    Status.QUEUED: "queued pending submitted not_start preparing unknown created starting",
    Status.IN_PROGRESS: "in_progress processing running generating",
    Status.COMPLETED: "completed complete success succeeded finished",
    Status.FAILED: "failed failure fail error expired",
    Status.CANCELLED: "cancelled canceled",
}
SYNONYMS: Mapping[str, Status] = MappingProxyType(
    {word: status for status, words in _WORDS.items() for word in words.split()}
)
"""The meaning of every known word, lower case (new-api, LiteLLM, OpenRouter, Azure …)."""

EXPIRED = "expired"
"""A word that also becomes the `error.code` of the failed job."""


def fold_word(word: str) -> str:
    """Return `word` as tables hold it: gateways differ in case and in word separators."""
    return word.strip().lower().replace("-", "_").replace(" ", "_")


def read_status(word: str, extra: Mapping[str, Status] | None = None) -> Status | None:
    """Return the status that `word` means, None for an unknown word.

    `extra` are a gateway's `status_words`, folded; they win over the built-in synonyms.
    """
    if not extra and word in SYNONYMS:
        return SYNONYMS[word]
    folded = fold_word(word)
    if extra and folded in extra:
        return extra[folded]
    return SYNONYMS.get(folded)
