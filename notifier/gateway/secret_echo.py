"""Masks secrets that a gateway echoes, before anything of its answer is cut or kept.

Many error answers quote the key that came with the request, and texts of answers end up in
events. So every secret that this gateway was sent is masked in its answers. The answers are parsed
after that, and masking must not break them: a local server's key may be a placeholder such as
`video_gen`. A key like that is masked only where it is a whole word. The watched id and status
words are never masked.
"""

import re
from collections.abc import Callable, Mapping

from notifier import log
from notifier.model.status import Status, read_status
from notifier.model.video import Json

_PLACEHOLDER = re.compile(r"[A-Za-z_-]{1,15}")


class SecretEchoMask:
    """Masks the secrets that one gateway was sent, including those from before a rotation."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._spelled: list[bytes] = []

    def add(self, secret: str) -> None:
        """Mask `secret` from now on; a text too short to be a secret is not masked."""
        new = set(log.spellings(secret)) - self._secrets
        if new:
            self._secrets |= new
            self._spelled = [secret.encode() for secret in self._secrets]
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_pattern_of, longest_first)))

    @property
    def secrets(self) -> int:
        """How many spellings of secrets are masked; it only grows."""
        return len(self._secrets)

    def may_be_in(self, body: bytes) -> bool:
        """Return whether the JSON of an answer may hold anything to mask."""
        if self._spelled and (b"\\" in body or b"\0" in body):
            return True  # any letter may be written as an escape, or in UTF-16
        return any(secret in body for secret in self._spelled)

    def decoded(
        self, value: Json, body: bytes, video_id: str, status_words: Mapping[str, Status]
    ) -> Json:
        """Return the `value` that `body` was decoded to, masked if it may hold a secret."""
        return self.masked(value, video_id, status_words) if self.may_be_in(body) else value

    def masked(self, value: Json, video_id: str, status_words: Mapping[str, Status]) -> Json:
        """Return a decoded answer about `video_id` with every secret masked in it."""
        if self._pattern is None:
            return value
        id_holds_secret = self.clean(video_id) != video_id

        def clean(text: str) -> str:
            if read_status(text, status_words) is not None:
                return text
            parts = text.split(video_id) if id_holds_secret else [text]
            return video_id.join(map(self.clean, parts))

        return _mapped(value, clean)

    def clean(self, text: str) -> str:
        """Return a text with every secret masked."""
        return text if self._pattern is None else self._pattern.sub(log.MASK, text)


def _mapped(value: Json, clean: Callable[[str], str]) -> Json:
    match value:
        case str():
            return clean(value)
        case dict():
            return {clean(name): _mapped(item, clean) for name, item in value.items()}
        case list():
            return [_mapped(item, clean) for item in value]
        case _:
            return value


def _pattern_of(secret: str) -> str:
    word = re.escape(secret)
    return rf"(?<![\w-]){word}(?![\w-])" if _PLACEHOLDER.fullmatch(secret) else word
