"""The largest request bodies of the control API, in bytes."""

MAX_BODY = 64 * 1024
"""For all requests but those below."""

MAX_ARRAY = 4 * 1024 * 1024
"""For requests that may hold an array of watches."""

_ARRAYS = frozenset({"/v1/watches", "/v1/watches/remove"})


def body_limit(path: str) -> int:
    """Return the largest body that a request to `path` may have."""
    return MAX_ARRAY if path in _ARRAYS else MAX_BODY
