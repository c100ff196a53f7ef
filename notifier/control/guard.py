"""Authorizes requests before anything else of them is read.

On the Unix socket the file's mode decides. On TCP a browser must not act on behalf of its user:
requests from web pages are refused, and so are foreign host names, with which a page would get
around that (DNS rebinding). A token, where one is configured, is always required there.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from pathlib import Path
from urllib.parse import unquote

import trio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.control.body_limits import body_limit
from notifier.http_server.problem_document import problem
from notifier.http_server.request_checks import (
    BODY_TIMEOUT,
    drain,
    host_name,
    is_from_web_page,
)
from notifier.store import is_same_config

_WITHOUT_TOKEN = frozenset({"/healthz", "/readyz", "/docs"})


class BodyTooLargeError(Exception):
    """A request's body is over its limit."""


class BodyTooSlowError(Exception):
    """A request's body has not come in time."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Passes authorized requests to `app`; a `token` or `hosts` of None is not checked.

    `hosts` are the names, without port, that a Host header may have. A request that names a
    config in `notifier-config` must name `config`: a command refuses to act on another project.
    """

    app: ASGIApp
    token: Callable[[], str] | None = None
    hosts: frozenset[str] | None = None
    config: Path | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as an ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = body_limit(scope["path"])
        refusal = self._refusal(headers, scope["path"])
        if refusal is not None:
            status, detail = refusal
            await drain(receive)
            extra = {"www-authenticate": "Bearer"} if status == HTTPStatus.UNAUTHORIZED else None
            await problem(status, detail, extra)(scope, receive, send)
            return
        try:
            await self.app(scope, _limited(receive, limit), send)
        except BodyTooLargeError:
            await drain(receive)
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            answer = problem(status, f"a body may have {limit} bytes", {"connection": "close"})
            await answer(scope, receive, send)
        except BodyTooSlowError:
            detail = f"the body did not come within {BODY_TIMEOUT:g} seconds"
            answer = problem(HTTPStatus.REQUEST_TIMEOUT, detail, {"connection": "close"})
            await answer(scope, receive, send)

    def _refusal(self, headers: Headers, path: str) -> tuple[HTTPStatus, str] | None:
        if is_from_web_page(headers):
            return HTTPStatus.FORBIDDEN, "requests from web pages are not answered"
        if self.hosts is not None and host_name(headers.get("host", "")) not in self.hosts:
            return HTTPStatus.MISDIRECTED_REQUEST, "the Host header names another host"
        if self.token is not None and path not in _WITHOUT_TOKEN and not self._has_token(headers):
            return HTTPStatus.UNAUTHORIZED, "the token is missing or wrong"
        asked = unquote(headers.get("notifier-config", ""), errors="surrogateescape")
        if self.config is not None and asked and not is_same_config(self.config, Path(asked)):
            return HTTPStatus.MISDIRECTED_REQUEST, _other_config(self.config, asked)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > body_limit(path):
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return status, f"a body may have {body_limit(path)} bytes"
        return None

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        token = self.token() if self.token is not None else ""
        matches = hmac.compare_digest(given.strip().encode(), token.encode())
        return matches and scheme.lower() == "bearer"


def _other_config(own: Path, asked: str) -> str:
    detail = (
        f"it runs on {own}, not on {asked}; use -c {own}, or give each config an [http] socket "
        "of its own"
    )
    return detail.encode(errors="surrogateescape").decode(errors="replace")


def _limited(receive: Receive, limit: int) -> Receive:
    """Return `receive` with bounds: a chunked body may not grow too large, none come too slowly.

    It raises BodyTooLargeError or BodyTooSlowError. What follows the body, which is the client
    going away, may be waited for as long as an answer takes.
    """
    seen = 0
    deadline = trio.current_time() + BODY_TIMEOUT

    async def bounded() -> Message:
        nonlocal seen, deadline
        with trio.move_on_at(deadline):
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise BodyTooLargeError
            if not message.get("more_body", False):
                deadline = inf
            return message
        raise BodyTooSlowError

    return bounded
