"""Status words of a gateway that are in no table: said once each, for they may mean an ending."""

from typing import Any

_MOST = 100


class UnknownStatusLog:
    """The words that were explained already, to `log`."""

    def __init__(self, log: Any) -> None:  # noqa: ANN401 - structlog's loggers have no common type
        self._log = log
        self._said: set[str] = set()

    def explain(self, word: str) -> None:
        """Say once what an unknown word was."""
        if word in self._said:
            return
        if len(self._said) < _MOST:
            self._said.add(word)
        self._log.warning(
            "unknown_status_word",
            word=word,
            hint="if it means an ending, say so in status_words",
        )
