"""Finds the texts in which an error body says what is wrong.

They stand in an object in `error` or `detail`, in a list of such objects, in a bare text, in a
vendor's own field, or in another gateway's JSON answer that is quoted inside a message. Their
number and length are bounded, because searching them blocks the event loop.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from notifier.gateway.quoted import quoted_json
from notifier.model.video import Json

MOST = 8
"""How many texts of one body are looked at."""

_LONGEST = 4000
_MAX_DEPTH = 8
_MAX_QUOTATIONS = 4
_LONGEST_LIST = 8
_TEXTS = (
    *("code", "type", "message", "detail", "error", "errors", "msg", "error_msg", "status_msg"),
    *(
        "errmsg",
        "err_msg",
        "error_message",
        "errormessage",
        "errormsg",
        "errorcode",
        "error_code",
        "err_code",
    ),
    *("status_message", "task_status_msg", "reason", "fail_reason", "failure_reason"),
    *("error_description", "title", "description", "faultstring"),
)
_WRAPPERS = (
    *("base_resp", "data", "result", "response", "output", "body", "meta", "payload", "task"),
    *("video", "details", "status", "fault", "exception", "innererror", "responsemetadata"),
)


@dataclass(frozen=True, slots=True)
class _Depth:
    objects: int = _MAX_DEPTH
    quotations: int = _MAX_QUOTATIONS


def error_texts(value: Json) -> list[str]:
    """Return the texts of an error body: at most `MOST` texts of at most 4,000 characters."""
    return list(islice(_texts(value, _Depth()), MOST))


def _texts(value: Json, depth: _Depth) -> Iterator[str]:
    if depth.objects == 0:
        return
    if isinstance(value, str):
        yield value[:_LONGEST]
        if depth.quotations:
            for quoted, _ in quoted_json(value):
                yield from _texts(quoted, _Depth(_MAX_DEPTH, depth.quotations - 1))
        return
    for item in _parts(value):
        yield from _texts(item, _Depth(depth.objects - 1, depth.quotations))


def _parts(value: Json) -> Iterator[Json]:
    """Yield what may hold texts in an object or a list, the likeliest first."""
    if isinstance(value, list):
        yield from value[:_LONGEST_LIST]
    elif isinstance(value, dict):
        # Tencent and Volcengine write `Response`, `Error`, `Code`
        folded = {name.lower(): item for name, item in value.items()}
        yield from (folded.get(name) for name in _TEXTS)
        wrapped = (folded.get(name) for name in _WRAPPERS)
        yield from (item for item in wrapped if isinstance(item, dict | list))
