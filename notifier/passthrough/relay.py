"""The ASGI application: every request below /NAME/v1/ goes on to the gateway NAME."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from http import HTTPStatus

import trio
from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

from notifier import log
from notifier.background import running
from notifier.errors import ConfigError, TransportError
from notifier.http_server.asgi_server import CLIENT
from notifier.http_server.client_stream import ClientStream
from notifier.http_server.problem_document import document, problem
from notifier.http_server.request_checks import discard, drain, host_name, is_from_web_page
from notifier.passthrough.bodies import RequestBody, read_up_to
from notifier.passthrough.credentials import Caller, identify, query_for
from notifier.passthrough.deps import Deps, JobAnswer, Upstream, WatchOrder
from notifier.passthrough.headers import (
    RawHeaders,
    all_of,
    content_length,
    first,
    for_gateway,
    is_json,
)
from notifier.passthrough.job_spotting import new_job
from notifier.passthrough.taking import PATIENCE, Taker
from notifier.passthrough.targets import RefusedError, Target, read_target, video_id_of
from notifier.passthrough.transfer import Outgoing, Transfer
from notifier.passthrough.watch_order import read_wishes, take_callback_url

WATCH = "notifier-watch"
"""The header of an answer to a POST that says whether its job is watched."""

_NOT_A_VIDEO = {WATCH: "none; not a video"}
_MOST_BODY = 1024 * 1024
_FREE_CONNECTION = 1.0
_POLL_AFTER = "openai-poll-after-ms"


@dataclass(frozen=True, slots=True)
class Access:
    """Who may use pass-through.

    `token` returns the configured token, None without one. `hosts` are the names that a Host
    header may have; None is any, and then every caller must present the token or the gateway's
    key.
    """

    token: Callable[[], str | None]
    hosts: frozenset[str] | None


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that may be passed on; `configured` are the gateway's headers by now."""

    method: str
    target: Target
    query: str
    headers: RawHeaders
    upstream: Upstream
    configured: Mapping[str, str]
    caller: Caller
    order: WatchOrder


class Relay:
    """Passes requests on to gateways; `run` must be running."""

    def __init__(self, deps: Deps, access: Access) -> None:
        self._deps = deps
        self._access = access
        self._taker = Taker(deps)
        self._transfers = set[Transfer]()
        self._closing = False

    async def run(self, *, task_status: trio.TaskStatus[None] = trio.TASK_STATUS_IGNORED) -> None:
        """Keep what requests left to do going, for ever."""
        await self._taker.run(task_status=task_status)

    @property
    def patience(self) -> float:
        """How long `close` may take, in seconds; 0 if nothing is to be waited for."""
        waiting = [each for each in self._transfers if each.must_finish]
        return max((each.upstream.request_timeout for each in waiting), default=0.0)

    async def close(self) -> None:
        """Refuse further requests, and wait for the answers to POSTs that the gateway has."""
        self._closing = True
        with trio.move_on_after(self.patience):
            # a body that is sent whole meanwhile adds another one
            while waiting := [each for each in self._transfers if each.must_finish]:
                await waiting[0].over.wait()
        with trio.move_on_after(PATIENCE):
            await self._taker.settled()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request, as an ASGI application."""
        if scope["type"] == "websocket":
            await _refuse_upgrade(send)
            return
        if scope["type"] != "http":
            return
        receive = body = RequestBody(receive)
        try:
            await self._pass_on(self._checked(scope), receive, send, scope["state"][CLIENT])
        except RefusedError as refusal:
            if not body.ended and refusal.status != HTTPStatus.REQUEST_TIMEOUT:
                await drain(receive)
            answer = problem(refusal.status, str(refusal), refusal.headers)
            async with running(partial(discard, receive)):
                await answer(scope, receive, send)
        except TransportError as error:
            log.get().warning("relayed_answer_cut_short", reason=str(error))
            return
        # hypercorn waits until what it has read of a body is taken, also after the answer
        if not body.ended:
            with trio.move_on_after(_FREE_CONNECTION):
                await discard(receive)

    def _checked(self, scope: Scope) -> _Request:
        """Return what may be passed on; raises RefusedError."""
        headers, received = Headers(scope=scope), list(scope["headers"])
        method = scope["method"]
        self._check_sender(headers, scope)
        target = read_target(method, scope["raw_path"])
        upstream = self._deps.upstream(target.gateway)
        if upstream is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "there is no gateway of this name")
        configured, token = self._secrets(upstream)
        caller = self._caller(received, upstream, configured, token)
        order = self._order(received, upstream.name)
        query = query_for(caller, upstream.query, scope["query_string"].decode("latin-1"))
        return _Request(method, target, query, received, upstream, configured, caller, order)

    def _check_sender(self, headers: Headers, scope: Scope) -> None:
        if self._closing:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "notifier is stopping")
        if is_from_web_page(headers):
            detail = "requests from web pages are not passed on"
            raise RefusedError(HTTPStatus.FORBIDDEN, detail)
        hosts = self._access.hosts
        if hosts is not None and host_name(headers.get("host", "")) not in hosts:
            detail = "the Host header names another host"
            raise RefusedError(HTTPStatus.MISDIRECTED_REQUEST, detail)
        if "upgrade" in headers or scope["http_version"] not in {"1.0", "1.1"}:
            detail = "other protocols than HTTP/1.1 are not passed on"
            raise RefusedError(HTTPStatus.NOT_IMPLEMENTED, detail)
        if "content-length" in headers and "transfer-encoding" in headers:
            detail = "a body has either a Content-Length or a Transfer-Encoding"
            raise RefusedError(HTTPStatus.BAD_REQUEST, detail)

    def _secrets(self, upstream: Upstream) -> tuple[Mapping[str, str], str | None]:
        """Return the gateway's headers and the token, as they are now."""
        try:
            return upstream.headers(), self._access.token()
        except ValueError as error:
            raise RefusedError(HTTPStatus.BAD_GATEWAY, str(error)) from None

    def _caller(
        self,
        received: RawHeaders,
        upstream: Upstream,
        configured: Mapping[str, str],
        token: str | None,
    ) -> Caller:
        caller = identify(received, configured, upstream.credentials, token)
        if self._access.hosts is None and not caller.is_known:
            detail = "present the token of [passthrough] or the gateway's key"
            challenge = {"www-authenticate": "Bearer"}
            raise RefusedError(HTTPStatus.UNAUTHORIZED, detail, challenge)
        return caller

    def _order(self, received: RawHeaders, gateway: str, url: str | None = None) -> WatchOrder:
        try:
            return self._deps.order(gateway, read_wishes(received, url))
        except ConfigError as error:
            raise RefusedError(HTTPStatus.BAD_REQUEST, str(error)) from None

    async def _pass_on(
        self, request: _Request, receive: Receive, send: Send, client: ClientStream
    ) -> None:
        request, replaced, prefix, more = await self._with_callback(request, receive)
        outgoing = _outgoing(request, replaced, prefix, more_body=more)
        transfer = Transfer(outgoing, request.upstream, receive, send, client)
        self._deps.count_request(request.upstream.name)
        self._transfers.add(transfer)

        async def whole(status: int, headers: RawHeaders, body: bytes) -> Mapping[str, str]:
            return await self._read_answer(request, status, headers, body)

        try:
            await transfer.run(whole, _NOT_A_VIDEO if request.method == "POST" else {})
        finally:
            self._transfers.discard(transfer)
            self._deps.count_outcome(request.upstream.name, transfer.outcome)

    async def _with_callback(
        self, request: _Request, receive: Receive
    ) -> tuple[_Request, bytes | None, bytes, bool]:
        """Take the callback URL that stands in a request's body, if the config allows that.

        Return the request, its new body (None for the caller's), what was read of it and whether
        more comes.
        """
        length = content_length(request.headers)
        chunked = first(request.headers, b"transfer-encoding") is not None
        has_body = chunked or bool(length)
        readable = is_json(request.headers) and (length or 0) <= _MOST_BODY
        wanted = has_body and request.method == "POST" and self._deps.takes_callback_urls()
        if not (wanted and readable) or all_of(request.headers, b"notifier-callback-url"):
            return request, None, b"", has_body
        body, more = await read_up_to(_MOST_BODY, receive)
        taken = None if more else take_callback_url(body)
        if taken is None:
            return request, None, body, more
        order = self._order(request.headers, request.upstream.name, taken.callback_url)
        return replace(request, order=order), taken.body, taken.body, False

    async def _read_answer(
        self, request: _Request, status: int, headers: RawHeaders, body: bytes
    ) -> Mapping[str, str]:
        """Return the headers to add to an answer that was read whole."""
        readable = {name.decode("latin-1"): value.decode("latin-1") for name, value in headers}
        said = JobAnswer(status, readable, body)
        if request.method == "POST":
            return {WATCH: await self._watch(request, said)}
        return self._poll_after(request, said)

    async def _watch(self, request: _Request, said: JobAnswer) -> str:
        """Have the job of an answer watched; return what `notifier-watch` says."""
        video_id = new_job(*said, request.upstream.status_words)
        if video_id is None:
            return _NOT_A_VIDEO[WATCH]
        if request.caller is Caller.ANOTHER:
            return "none; another key"
        return await self._taker.take(request.order, video_id, said)

    def _poll_after(self, request: _Request, said: JobAnswer) -> Mapping[str, str]:
        """Take in a status answer, and tell the caller when to ask again."""
        video_id = video_id_of(request.target.path)
        assert video_id is not None  # noqa: S101 - else the answer is not read
        wait = self._deps.read_status(request.upstream.name, video_id, said)
        if wait is None or _POLL_AFTER in said.headers:
            return {}
        return {_POLL_AFTER: str(max(0, round(wait * 1000)))}


def _outgoing(
    request: _Request, replaced: bytes | None, prefix: bytes, *, more_body: bool
) -> Outgoing:
    """Return the request as the gateway gets it; `replaced` is a body in place of the caller's."""
    upstream, received = request.upstream, request.headers
    is_post = request.method == "POST"
    exchanged = request.caller is Caller.TOKEN
    status_asked = request.method == "GET" and video_id_of(request.target.path) is not None
    is_read = is_post or (status_asked and request.caller is not Caller.ANOTHER)
    headers = for_gateway(
        received,
        is_read=is_read,
        replaced=request.configured if exchanged else {},
        removed=frozenset({"authorization"}) if exchanged else frozenset(),
    )
    length = first(received, b"content-length")
    if replaced is not None:
        length = str(len(replaced)).encode()
    chunked = replaced is None and first(received, b"transfer-encoding") is not None
    if chunked:
        headers.append((b"transfer-encoding", b"chunked"))
    elif length is not None:
        headers.append((b"content-length", length))
    query = f"?{request.query}" if request.query else ""
    target = f"{upstream.path}{request.target.path}{query}".encode("latin-1")
    lines = [b"%s: %s\r\n" % header for header in [(b"host", upstream.host.encode()), *headers]]
    return Outgoing(
        request.method,
        b"%s %s HTTP/1.1\r\n%s\r\n" % (request.method.encode(), target, b"".join(lines)),
        prefix,
        more_body,
        chunked,
        is_read,
    )


async def _refuse_upgrade(send: Send) -> None:
    """Answer a request to speak WebSocket."""
    status = HTTPStatus.NOT_IMPLEMENTED
    body = json.dumps(document(status, "WebSocket is not passed on")).encode()
    headers = [(b"content-type", b"application/problem+json")]
    await send({"type": "websocket.http.response.start", "status": status, "headers": headers})
    await send({"type": "websocket.http.response.body", "body": body, "more_body": False})
