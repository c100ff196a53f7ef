"""The control API's resources, each a few lines around one operation."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from notifier.control import problems
from notifier.control.body_limits import MAX_BODY
from notifier.control.docs_page import POLICY, render_docs
from notifier.control.operations import Operations
from notifier.control.replays import replay
from notifier.control.request_models import (
    EventQuery,
    NewWatch,
    ReplayRequest,
    Resend,
    SampleRequest,
    WatchQuery,
)
from notifier.control.requests import read_body, read_json, read_query, validated
from notifier.control.watch_batches import MAX_ITEMS, add_all, remove_all
from notifier.errors import NotifierError
from notifier.model.views import Row
from notifier.model.watch import WatchKey
from notifier.store.pruning import Position
from notifier.store.queries import EventFilter, WatchFilter
from notifier.store.resending import Replay

_FOR_EVER = 10.0**11
_NOT_READY = {
    "store": "the store takes no writes",
    "loops": "polling or delivering makes no progress",
}
_NO_WATCH = f"the body must be a JSON object, or an array of at most {MAX_ITEMS} of them"
Handler = Callable[[Request], Awaitable[Response]]


def build_api(operations: Operations, others: Sequence[Route] = ()) -> Starlette:
    """Return the ASGI application for `operations`, and for the routes of `others`."""
    api = _Api(operations)
    routes: list[tuple[str, str, Handler]] = [
        ("GET", "/v1/status", api.status),
        ("POST", "/v1/reload", api.reload),
        ("POST", "/v1/watches", api.add_watch),
        ("GET", "/v1/watches", api.watches),
        ("POST", "/v1/watches/remove", api.remove_watches),
        ("GET", "/v1/watches/{gateway}/{video_id:path}", api.watch),
        ("DELETE", "/v1/watches/{gateway}/{video_id:path}", api.remove_watch),
        ("GET", "/v1/events", api.events),
        ("GET", "/v1/events/{id}", api.event),
        ("POST", "/v1/events/{id}/resend", api.resend),
        ("POST", "/v1/replay", api.replay),
        ("GET", "/v1/endpoints", api.endpoints),
        ("POST", "/v1/endpoints/{name}/enable", api.enable),
        ("POST", "/v1/endpoints/{name}/test", api.test),
        ("GET", "/v1/instances", api.instances),
        ("POST", "/v1/instances/{name}/drain", api.drain),
        ("DELETE", "/v1/instances/{name}/drain", api.undrain),
        ("GET", "/healthz", api.healthz),
        ("GET", "/readyz", api.readyz),
        ("GET", "/metrics", api.metrics),
        ("GET", "/docs", api.docs),
        ("GET", "/openapi.json", api.openapi),
    ]
    app = Starlette(
        routes=[*_resources(routes), *others],
        exception_handlers={
            NotifierError: problems.for_error,
            HTTPException: problems.for_http,
            Exception: problems.for_bug,
        },
    )
    app.router.redirect_slashes = False  # an unknown path is answered as one
    return app


def _resources(routes: Iterable[tuple[str, str, Handler]]) -> list[Route]:
    """Return one route per path, so that the answer to a wrong method lists all right ones."""
    handlers: dict[str, dict[str, Handler]] = {}
    for method, path, handler in routes:
        handlers.setdefault(path, {})[method] = handler
    return [Route(path, _by_method(each), methods=list(each)) for path, each in handlers.items()]


def _by_method(handlers: Mapping[str, Handler]) -> Handler:
    async def handle(request: Request) -> Response:
        method = "GET" if request.method == "HEAD" else request.method
        return await handlers[method](request)

    return handle


@dataclass(frozen=True, slots=True)
class _Api:
    operations: Operations

    async def status(self, _request: Request) -> Response:
        return JSONResponse(await self.operations.status())

    async def reload(self, _request: Request) -> Response:
        return JSONResponse(await self.operations.reload())

    async def add_watch(self, request: Request) -> Response:
        body = await read_json(request)
        if isinstance(body, list):
            return JSONResponse({"results": await add_all(self.operations, body)})
        if not isinstance(body, dict):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, _NO_WATCH)
        _limit_object(await request.body())
        wanted = validated(NewWatch, body, "body").request()
        (added,) = await self.operations.add_watches([wanted])
        if isinstance(added, NotifierError):
            raise added
        key = added.view.watch.key
        status = HTTPStatus.CREATED if added.created else HTTPStatus.OK
        location = f"/v1/watches/{quote(key.gateway, safe='')}/{quote(key.video_id, safe='')}"
        return JSONResponse(added.view.as_row(), status, headers={"location": location})

    async def watches(self, request: Request) -> Response:
        query = read_query(request, WatchQuery)
        wanted = WatchFilter(query.state, query.gateway, query.video_id, query.after, query.limit)
        return _list([view.as_row() for view in await self.operations.watches(wanted)])

    async def watch(self, request: Request) -> Response:
        return JSONResponse((await self.operations.watch(_key(request))).as_row())

    async def remove_watch(self, request: Request) -> Response:
        (refusal,) = await self.operations.remove_watches([_key(request)])
        if refusal is not None:
            raise refusal
        return Response(status_code=HTTPStatus.NO_CONTENT)

    async def remove_watches(self, request: Request) -> Response:
        body = await read_json(request)
        if not isinstance(body, list):
            raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, "the body must be a JSON array")
        return JSONResponse({"results": await remove_all(self.operations, body)})

    async def events(self, request: Request) -> Response:
        wanted = EventFilter(**read_query(request, EventQuery).model_dump())
        return _list([each.as_row() for each in await self.operations.events(wanted)])

    async def event(self, request: Request) -> Response:
        view = await self.operations.event(request.path_params["id"])
        return JSONResponse(view.as_row())

    async def resend(self, request: Request) -> Response:
        wanted = await read_body(request, Resend, empty=True)
        names = await self.operations.resend(request.path_params["id"], wanted.endpoints)
        return JSONResponse({"endpoints": names}, HTTPStatus.ACCEPTED)

    async def replay(self, request: Request) -> Response:
        asked = await read_body(request, ReplayRequest)
        until = _FOR_EVER if asked.until is None else asked.until
        start = None if asked.after is None else Position(*asked.after)
        wanted = Replay(asked.since, until, asked.only == "undelivered", start)
        endpoints = None if asked.endpoint is None else [asked.endpoint]
        done = await replay(self.operations, wanted, endpoints, one_batch=asked.one_batch)
        answer = {"deliveries": dict(done.counts), "next": done.end}
        return JSONResponse(answer, HTTPStatus.ACCEPTED)

    async def endpoints(self, _request: Request) -> Response:
        return _list(await self.operations.endpoints())

    async def enable(self, request: Request) -> Response:
        enabled = await self.operations.enable(request.path_params["name"])
        return JSONResponse({"enabled": enabled})

    async def test(self, request: Request) -> Response:
        wanted = await read_body(request, SampleRequest, empty=True)
        return JSONResponse(await self.operations.test(request.path_params["name"], wanted.type))

    async def instances(self, _request: Request) -> Response:
        return _list(await self.operations.instances())

    async def drain(self, request: Request) -> Response:
        await self.operations.drain(request.path_params["name"])
        return JSONResponse({"draining": True}, HTTPStatus.ACCEPTED)

    async def undrain(self, request: Request) -> Response:
        await self.operations.undrain(request.path_params["name"])
        return JSONResponse({"draining": False}, HTTPStatus.ACCEPTED)

    async def healthz(self, _request: Request) -> Response:
        return JSONResponse({"status": "alive"})

    async def readyz(self, _request: Request) -> Response:
        parts = dict(await self.operations.ready())
        if all(parts.values()):
            return JSONResponse({"status": "ready", **parts})
        wrong = [_NOT_READY.get(part, part) for part, well in parts.items() if not well]
        body = {"status": "not ready", **parts, "detail": f"not ready: {'; '.join(wrong)}"}
        return JSONResponse(body, HTTPStatus.SERVICE_UNAVAILABLE)

    async def metrics(self, _request: Request) -> Response:
        text, content_type = await self.operations.metrics()
        return Response(text, headers={"content-type": content_type})

    async def docs(self, _request: Request) -> Response:
        return HTMLResponse(render_docs(_document()), headers={"content-security-policy": POLICY})

    async def openapi(self, _request: Request) -> Response:
        return JSONResponse(_document())


def _document() -> Mapping[str, Any]:
    # its models take a twentieth of a daemon's start, and few ask for them
    from notifier.control.openapi import document  # noqa: PLC0415

    return document()


def _key(request: Request) -> WatchKey:
    return WatchKey(request.path_params["gateway"], request.path_params["video_id"])


def _list(rows: list[Row]) -> Response:
    return JSONResponse({"object": "list", "data": rows})


def _limit_object(raw: bytes) -> None:
    """Refuse a single watch that is as large as only an array may be."""
    if len(raw) > MAX_BODY:
        reason = f"a body that is no array may have {MAX_BODY} bytes"
        raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, reason)
