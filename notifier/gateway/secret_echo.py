"""Secrets that a gateway echoes: masked in what it said, before anything is cut or kept.

Many error answers quote the key that came with the request, and what a gateway says ends up
in events. So the texts of an answer are cleaned of what this one gateway was sent. They are
read afterwards, and have to survive it: a local server's key may be a placeholder such as
`video_gen`. One like that is masked only where it stands as a word of its own, and neither the
watched id nor a status word is ever touched.
"""

import re
from collections.abc import Callable, Mapping

from notifier import log
from notifier.model.status import Status, read_status
from notifier.model.video import Json

_PLACEHOLDER = re.compile(r"[A-Za-z_-]{1,15}")


class SecretEchoMask:
    """Knows the secrets that one gateway was sent; those it was sent before a rotation, too."""

    def __init__(self) -> None:
        self._secrets: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self._spelled: list[bytes] = []

    def add(self, secret: str) -> None:
        """Mask `secret` from now on; a text too short to be one is left alone."""
        new = set(log.spellings(secret)) - self._secrets
        if new:
            self._secrets |= new
            self._spelled = [secret.encode() for secret in self._secrets]
            longest_first = sorted(self._secrets, key=len, reverse=True)
            self._pattern = re.compile("|".join(map(_wherever_it_tells, longest_first)))

    def may_be_in(self, body: bytes) -> bool:
        """Tell whether there may be anything to mask in the JSON of an answer."""
        if self._spelled and (b"\\" in body or b"\0" in body):
            return True  # any letter may be written as an escape, or in UTF-16
        return any(secret in body for secret in self._spelled)

    def masked(self, value: Json, video_id: str, status_words: Mapping[str, Status]) -> Json:
        """Return a decoded answer about `video_id` with every secret masked in it."""
        if self._pattern is None:
            return value
        id_tells = self._clean(video_id) != video_id

        def clean(text: str) -> str:
            if read_status(text, status_words) is not None:
                return text
            parts = text.split(video_id) if id_tells else [text]
            return video_id.join(map(self._clean, parts))

        return _mapped(value, clean)

    def _clean(self, text: str) -> str:
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


def _wherever_it_tells(secret: str) -> str:
    word = re.escape(secret)
    return rf"(?<![\w-]){word}(?![\w-])" if _PLACEHOLDER.fullmatch(secret) else word
