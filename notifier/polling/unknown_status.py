"""Logs the status words of a gateway that are in no table, once each: one may mean an ending."""

from typing import Any

MOST = 100
"""How many words are logged."""


class UnknownStatusLog:
    """The unknown words that were logged to `log` already."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - structlog's loggers have no common type
        self._log = log
        self._reported: set[str] = set()

    def report(self, word: str) -> None:
        """Log an unknown word, if it is the first time and not too many were logged before."""
        if word in self._reported or len(self._reported) >= MOST:
            return
        self._reported.add(word)
        self._log.warning(
            "unknown_status_word",
            word=word,
            hint="if it means an ending, say so in status_words",
        )
        if len(self._reported) == MOST:
            self._log.warning(
                "unknown_status_words_not_logged",
                logged=MOST,
                hint="this gateway makes up words; those that follow are not logged",
            )
