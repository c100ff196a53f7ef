"""Faults of lists: the known ways in which gateways list their videos wrongly.

Each kind is one function. It takes the query and the function that answers a query rightly, and
returns the answer. Requests about single videos are answered rightly meanwhile.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from http import HTTPStatus

from notifier.http_server import Response
from notifier.sandbox.responses import refusal

Query = Mapping[str, str]
Lister = Callable[[Query], Response]

_MOST = 20
_KEPT = ("id", "object", "status")


def _ignores_after(query: Query, lister: Lister) -> Response:
    return lister({name: value for name, value in query.items() if name != "after"})


def _caps_limit(query: Query, lister: Lister) -> Response:
    answer = lister(query)
    if answer.status != HTTPStatus.OK or int(query.get("limit", _MOST)) <= _MOST:
        return answer
    message = f"'limit' must be at most {_MOST}."
    return refusal(HTTPStatus.BAD_REQUEST, message, "invalid_value", "limit")


def _without_fields(query: Query, lister: Lister) -> Response:
    answer = lister(query)
    listed = json.loads(answer.body)
    if "data" in listed:
        listed["data"] = [
            {name: item[name] for name in _KEPT if name in item} for item in listed["data"]
        ]
    return replace(answer, body=json.dumps(listed).encode())


def _missing(_query: Query, _lister: Lister) -> Response:
    return refusal(HTTPStatus.NOT_FOUND, "Invalid URL (GET /v1/videos)")


LIST_FAULTS: Mapping[str, Callable[[Query, Lister], Response]] = {
    "list-ignores-after": _ignores_after,
    "list-caps-limit": _caps_limit,
    "list-without-fields": _without_fields,
    "list-missing": _missing,
}
"""Every kind of fault that applies to lists alone."""
