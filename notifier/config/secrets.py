"""Secret values: passed around as objects, revealed only where they are used.

A secret has an origin and a check of its text. It is read when it is revealed, not when the
config is loaded, so that commands which need no secret run without it. A file is read again when
it has changed. When that fails (it is being rewritten, it is gone), the last good text stays in
use.
"""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from notifier.config.bad_value import BadValueError
from notifier.config.secret_sources import LiteralOrigin, Origin, SecretSources, read_origin

Check = Callable[[str], object]
"""Raises BadValueError for a text that cannot be used, without repeating it."""


class SecretError(BadValueError):
    """A secret that cannot be revealed: one sentence that names its source, never its text."""


class Secret:
    """A text from `origin` that satisfies `check`."""

    __slots__ = ("_check", "_origin", "_stamp", "_text")

    def __init__(self, origin: Origin, check: Check) -> None:
        self._origin = origin
        self._check = check
        self._text: str | None = None
        self._stamp: object = None

    @property
    def source(self) -> str:
        """Where the text comes from, in words."""
        return self._origin.source

    @property
    def is_literal(self) -> bool:
        """Whether the text stands in the config itself."""
        return isinstance(self._origin, LiteralOrigin)

    @property
    def file(self) -> Path | None:
        """The file that an operator keeps the text in, if that is where it is."""
        return self._origin.file

    def reveal(self) -> str:
        """Return the current text.

        Raises SecretError when it cannot be read and never could.
        """
        stamp = self._origin.stamp()
        if self._text is None or stamp != self._stamp:
            try:
                self._text = self._read()
            except SecretError:
                if self._text is None:
                    raise
            else:
                self._stamp = stamp
        return self._text

    def _read(self) -> str:
        try:
            text = self._origin.read()
        except BadValueError as error:
            raise SecretError(str(error), error.hint) from None
        # editors and `echo` end a file with a newline that is not part of the secret
        text = text.removesuffix("\n").removesuffix("\r")
        subject = "" if self.is_literal else f"the value from {self.source} "
        if not text:
            raise SecretError(f"{subject}is empty")
        try:
            self._check(text)
        except BadValueError as error:
            raise SecretError(f"{subject}{error}", error.hint) from None
        return text

    def __repr__(self) -> str:
        """Return a text that does not hold the secret."""
        return f"<Secret from {self.source}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and self._origin == other._origin

    def __hash__(self) -> int:
        return hash(self._origin)

    def __reduce__(self) -> NoReturn:
        """Refuse to be pickled or copied: a pickle would hold the text."""
        raise TypeError("a Secret cannot be pickled")


def read_secret(value: object, check: Check, sources: SecretSources) -> Secret:
    """Return the secret that a value of the config describes.

    A literal is checked at once, any other when it is revealed. Raises BadValueError.
    """
    secret = Secret(read_origin(value, sources), check)
    if secret.is_literal:
        secret.reveal()
    return secret
