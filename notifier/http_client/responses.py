"""`HttpResponse`, what the client returns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import httpx

from notifier.http_client.lenient_reader import Headers


class ResponseHeaders(Mapping[str, str]):
    """An answer's headers, decoded by httpx once one of them is looked at."""

    __slots__ = ("_decoded", "_raw")

    def __init__(self, raw: Headers) -> None:
        self._raw = raw
        self._decoded: httpx.Headers | None = None

    def _headers(self) -> httpx.Headers:
        if self._decoded is None:
            self._decoded = httpx.Headers(self._raw)
        return self._decoded

    def __getitem__(self, name: str) -> str:
        return self._headers()[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers())

    def __len__(self) -> int:
        return len(self._headers())


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer: names of `headers` are lower case, `body` is as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes
