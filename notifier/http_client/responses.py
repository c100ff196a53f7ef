"""`HttpResponse`, what the client returns."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

from notifier.http_client.lenient_reader import Headers


class ResponseHeaders(Mapping[str, str]):
    """An answer's headers by their names in lower case, decoded once one of them is read.

    The values of several with one name are joined. Most answers are only asked for headers that
    they do not have, which takes their names alone.
    """

    __slots__ = ("_decoded", "_names", "_raw")

    def __init__(self, raw: Headers) -> None:
        self._raw = raw
        self._names: frozenset[str] | None = None
        self._decoded: Mapping[str, str] | None = None

    def __contains__(self, name: object) -> bool:
        if self._names is None:
            self._names = _names(tuple([name for name, _ in self._raw]))
        return name in self._names

    def _headers(self) -> Mapping[str, str]:
        if self._decoded is None:
            self._decoded = _by_name(self._raw)
        return self._decoded

    def __getitem__(self, name: str) -> str:
        if name not in self:
            raise KeyError(name)
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


def _by_name(headers: Headers) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for raw_name, raw_value in headers:
        name, value = _name(raw_name), _text(raw_value)
        found[name] = f"{found[name]}, {value}" if name in found else value
    return found


@lru_cache(maxsize=64)
def _names(raw: tuple[bytes, ...]) -> frozenset[str]:
    """Return the names of headers; a server sends nearly always the same ones."""
    return frozenset(map(_name, raw))


@lru_cache(maxsize=64)
def _name(raw: bytes) -> str:
    return raw.decode("latin-1").lower()


def _text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value.decode("latin-1")
