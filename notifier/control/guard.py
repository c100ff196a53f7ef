"""Authorizes requests before anything else of them is read.

On the Unix socket the file's mode decides. On TCP a browser must not act on behalf of its user:
requests from web pages are refused, and so are foreign host names, with which a page would get
around that (DNS rebinding). The daemon's own page may post its forms, and a link on another site
may lead to it. A token, where one is configured, is always required there; whoever has signed in
to the page with it may read, and post those forms.
"""

import hmac
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from math import inf
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

import trio
from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from notifier.control.body_limits import body_limit
from notifier.http_server.problem_document import problem
from notifier.http_server.request_checks import (
    BODY_TIMEOUT,
    drain,
    host_name,
    is_cross_site,
)
from notifier.store import is_same_config

_WITHOUT_TOKEN = frozenset({"/healthz", "/readyz", "/docs"})
_READING = frozenset({"GET", "HEAD"})


class BodyTooLargeError(Exception):
    """A request's body is over its limit."""


class BodyTooSlowError(Exception):
    """A request's body has not come in time."""


class BrowserAccess(Protocol):
    """What the guard asks about the page, the one thing that browsers may use."""

    def is_view(self, path: str) -> bool:
        """Return whether a path is one that the page shows something at."""

    def is_form(self, path: str) -> bool:
        """Return whether a path is one that the page posts a form to."""

    def is_public(self, path: str) -> bool:
        """Return whether a path is answered without a token: assets, and signing in."""

    def is_signed_in(self, headers: Headers) -> bool:
        """Return whether a request has the cookie of a session."""

    def ask_to_sign_in(self, headers: Headers, path: str) -> ASGIApp:
        """Return the answer to a view that needs a session."""


@dataclass(frozen=True, slots=True)
class Guard:
    """Passes authorized requests to `app`; a `token` or `hosts` of None is not checked.

    `hosts` are the names, without port, that a Host header may have. A request that names a
    config in `notifier-config` must name `config`: a command refuses to act on another project.
    Without `browsers` no request of a web page is answered.
    """

    app: ASGIApp
    token: Callable[[], str] | None = None
    hosts: frozenset[str] | None = None
    config: Path | None = None
    browsers: BrowserAccess | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as an ASGI application."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = body_limit(scope["path"])
        refusal = self._refusal(headers, scope["method"], scope["path"])
        if refusal is not None:
            await drain(receive)
            await refusal(scope, receive, send)
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

    def _refusal(self, headers: Headers, method: str, path: str) -> ASGIApp | None:
        """Return the answer to a request that is refused."""
        if self._is_from_foreign_page(headers, method, path):
            return problem(HTTPStatus.FORBIDDEN, "requests from web pages are not answered")
        if self.hosts is not None and host_name(headers.get("host", "")) not in self.hosts:
            detail = "the Host header names another host"
            return problem(HTTPStatus.MISDIRECTED_REQUEST, detail)
        if self.token is not None and not self._is_authorized(headers, method, path):
            return self._ask_for_token(headers, method, path)
        asked = unquote(headers.get("notifier-config", ""), errors="surrogateescape")
        if self.config is not None and asked and not is_same_config(self.config, Path(asked)):
            detail = _other_config(self.config, asked)
            return problem(HTTPStatus.MISDIRECTED_REQUEST, detail)
        length = headers.get("content-length", "0")
        if not (length.isascii() and length.isdigit()) or int(length[:20]) > body_limit(path):
            status = HTTPStatus.REQUEST_ENTITY_TOO_LARGE
            return problem(status, f"a body may have {body_limit(path)} bytes")
        return None

    def _is_from_foreign_page(self, headers: Headers, method: str, path: str) -> bool:
        """Return whether a browser sent the request for a page that is not the daemon's own.

        Forms of the page must prove that they come from it; a navigation may come from anywhere.
        """
        own = self.browsers
        if own is not None and method == "POST" and own.is_form(path):
            return is_cross_site(headers) or not _has_own_origin(headers)
        if "origin" in headers:
            return True
        if not is_cross_site(headers):
            return False
        shows = own is not None and method == "GET" and own.is_view(path)
        return not (shows and _is_navigation(headers))

    def _is_authorized(self, headers: Headers, method: str, path: str) -> bool:
        if path in _WITHOUT_TOKEN or self._has_token(headers):
            return True
        own = self.browsers
        if own is None:
            return False
        if own.is_public(path):
            return True
        return (method in _READING or own.is_form(path)) and own.is_signed_in(headers)

    def _ask_for_token(self, headers: Headers, method: str, path: str) -> ASGIApp:
        own = self.browsers
        if own is not None and own.is_view(path) and method in _READING:
            return own.ask_to_sign_in(headers, path)
        detail = "the token is missing or wrong"
        return problem(HTTPStatus.UNAUTHORIZED, detail, {"www-authenticate": "Bearer"})

    def _has_token(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        token = self.token() if self.token is not None else ""
        matches = hmac.compare_digest(given.strip().encode(), token.encode())
        return matches and scheme.lower() == "bearer"


def _has_own_origin(headers: Headers) -> bool:
    """Return whether the one Origin is the host that the request is for, by http or https."""
    origins = headers.getlist("origin")
    if len(origins) != 1:
        return False
    try:
        origin = urlsplit(origins[0].lower())
    except ValueError:
        return False
    is_web = origin.scheme in {"http", "https"}
    return is_web and bool(origin.netloc) and origin.netloc == headers.get("host", "").lower()


def _is_navigation(headers: Headers) -> bool:
    """Return whether a browser opens the address as a page of its own, not inside another."""
    return headers.getlist("sec-fetch-mode") == ["navigate"] and headers.getlist(
        "sec-fetch-dest"
    ) == ["document"]


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
