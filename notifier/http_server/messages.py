"""Requests and responses of the server as plain values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import parse_qsl, unquote

import h11


@dataclass(frozen=True, slots=True)
class Request:
    """One whole request.

    `target` is as it was sent, `path` what stands before its `?`. `segments` are the path's parts
    percent-decoded one by one, so that an id holding `%2F` stays one segment. `headers` has
    lower-case names, repeated ones joined. Where a query parameter is repeated, the last one
    counts.
    """

    method: str
    path: str
    segments: tuple[str, ...]
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes
    target: str = "/"

    @classmethod
    def from_head(cls, head: h11.Request, body: bytes) -> Self:
        """Make a request from what h11 read."""
        target = head.target.decode("latin-1")
        path, _, query = target.partition("?")
        headers: dict[str, str] = {}
        for raw_name, raw_value in head.headers:
            name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
            headers[name] = f"{headers[name]}, {value}" if name in headers else value
        inner = path.strip("/")
        return cls(
            method=head.method.decode("latin-1"),
            path=path,
            segments=tuple(unquote(part) for part in inner.split("/")) if inner else (),
            query=dict(parse_qsl(query, keep_blank_values=True)),
            headers=headers,
            body=body,
            target=target,
        )


@dataclass(frozen=True, slots=True)
class Response:
    """One whole answer; the server adds its content-length."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def json_response(
    data: Any,  # noqa: ANN401 - whatever json.dumps takes
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Return `data` as a JSON answer."""
    body = json.dumps(data).encode()
    return Response(status, {"content-type": "application/json", **(headers or {})}, body)
