"""What an exchange brings."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """A whole answer: names of `headers` are lower case, `body` is as it came over the wire."""

    status: int
    headers: Mapping[str, str]
    body: bytes
