"""The control API's own description, made from the models of its requests and answers."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from notifier import __version__
from notifier.control import request_models as asked
from notifier.control import response_models as given
from notifier.control.watch_batches import MAX_ITEMS

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_REFERENCE = "#/components/schemas/{model}"
_REFUSED_BY_GUARD = (401, 403, 421)
_OF_A_BODY = (400, 413, 415, 422)
_REASONS = {
    400: "the body is not JSON",
    401: "the token is missing or wrong",
    403: "requests from web pages are not answered",
    404: "there is no such thing",
    409: "it contradicts what is already so",
    413: "the body is too large",
    415: "the body is not application/json",
    421: "the Host header names another host",
    422: "a value cannot be used",
    500: "notifier met a bug",
    502: "what it needs could not be reached",
    503: "the store cannot be read or written",
}
_TAGS = {
    "watches": "watches",
    "events": "events",
    "replay": "events",
    "endpoints": "endpoints",
}
_BODIES: tuple[type[BaseModel], ...] = (
    asked.NewWatch,
    asked.WatchReference,
    asked.Resend,
    asked.ReplayRequest,
    asked.SampleRequest,
)
_ANSWERS: tuple[type[BaseModel], ...] = (
    *(given.Status, given.Reloaded, given.Watch, given.WatchList, given.WatchResults),
    *(given.Event, given.EventList, given.Resent, given.Replayed, given.EndpointList),
    *(given.Enabled, given.Tested, given.Health, given.Readiness, given.Problem),
)

Operation = dict[str, Any]


@cache
def document() -> Mapping[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "notifier control API",
            "version": __version__,
            "description": "On a Unix socket, and on TCP where `[http] listen` says so. "
            "Answers may get more members in later versions.",
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": _schemas(),
        },
        "security": [{}, {"token": []}],
        "paths": {path: _tagged(path, item) for path, item in (_RESOURCES | _PROBES).items()},
    }


def _tagged(path: str, item: Operation) -> Operation:
    """Return a path's operations with the resource that they are about."""
    resource = path.removeprefix("/v1/").partition("/")[0]
    tag = _TAGS.get(resource, "daemon")
    return {
        method: each if method == "parameters" else {**each, "tags": [tag]}
        for method, each in item.items()
    }


def _schemas() -> Mapping[str, Any]:
    asked_for = [(model, "validation") for model in _BODIES]
    answered = [(model, "serialization") for model in _ANSWERS]
    _, definitions = models_json_schema(
        [*asked_for, *answered],  # type: ignore[list-item] # the modes are literals
        ref_template=_REFERENCE,
    )
    schemas: Mapping[str, Any] = definitions["$defs"]
    return schemas


def _does(
    name: str,
    summary: str,
    gives: type[BaseModel],
    *,
    status: int = 200,
    refuses: tuple[int, ...] = (422, 503),
) -> Operation:
    """Describe an operation; `name` is what clients that are made from this call it."""
    return {
        "operationId": name,
        "summary": summary,
        "responses": {str(status): _answer(gives), **_refusals(*refuses)},
    }


def _takes(model: type[BaseModel], operation: Operation, *, required: bool = True) -> Operation:
    """Describe the body that an operation takes."""
    return {**operation, "requestBody": _body(_reference(model), required=required)}


def _body(schema: Mapping[str, object], *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {_JSON: {"schema": schema}}}


def _array(model: type[BaseModel]) -> dict[str, object]:
    return {"type": "array", "maxItems": MAX_ITEMS, "items": _reference(model)}


def _one_or_many(model: type[BaseModel]) -> dict[str, object]:
    return {"anyOf": [_reference(model), _array(model)]}


def _asks(query: type[BaseModel], operation: Operation) -> Operation:
    """Describe the parameters of an operation's URL."""
    parameters = [
        {"name": name, "in": "query", "required": False, "schema": schema}
        for name, schema in query.model_json_schema()["properties"].items()
    ]
    return {**operation, "parameters": parameters}


def _answer(model: type[BaseModel], description: str = "done") -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": _reference(model)}}}


def _reference(model: type[BaseModel]) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(model=model.__name__)}


def _refusals(*statuses: int) -> dict[str, Any]:
    content = {_PROBLEM: {"schema": _reference(given.Problem)}}
    return {
        str(status): {"description": _REASONS[status], "content": content}
        for status in sorted({*statuses, *_REFUSED_BY_GUARD, 500})
    }


def _text(name: str, summary: str, content_type: str, *refuses: int) -> Operation:
    answer = {"description": "done", "content": {content_type: {"schema": {"type": "string"}}}}
    return {
        "operationId": name,
        "summary": summary,
        "responses": {"200": answer, **_refusals(*refuses)},
    }


def _in_path(*names: str, **bounds: object) -> list[Mapping[str, object]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", **bounds}}
        for name in names
    ]


_ADD: Operation = {
    "operationId": "add_watch",
    "summary": "Watch a video, or up to 1,000 of them",
    "responses": {
        "200": {
            "description": "it is watched already, or has ended; or the results for an array",
            "content": {
                _JSON: {
                    "schema": {"anyOf": [_reference(given.Watch), _reference(given.WatchResults)]}
                }
            },
        },
        "201": _answer(given.Watch, "it is watched from now on"),
        **_refusals(409, 503, *_OF_A_BODY),
    },
}
_REMOVE: Operation = {
    "operationId": "remove_watch",
    "summary": "Stop watching; no event is sent",
    "responses": {"204": {"description": "done"}, **_refusals(404, 409, 503)},
}
_RESEND = _does(
    "resend_event",
    "Send an event again, under the same id",
    given.Resent,
    status=202,
    refuses=(404, 503, *_OF_A_BODY),
)
_REPLAY = _does(
    "replay_events",
    "Send the events of a time again",
    given.Replayed,
    status=202,
    refuses=(404, 503, *_OF_A_BODY),
)
_TEST = _does(
    "test_endpoint",
    "Send a sample of an event, once",
    given.Tested,
    refuses=(404, 503, *_OF_A_BODY),
)
_RESOURCES: dict[str, Operation] = {
    "/v1/status": {"get": _does("get_status", "The status of everything", given.Status)},
    "/v1/reload": {
        "post": _does(
            "reload",
            "Apply what is different in the config file",
            given.Reloaded,
            refuses=(422, 502, 503),
        )
    },
    "/v1/watches": {
        "get": _asks(
            asked.WatchQuery, _does("list_watches", "List watches, oldest first", given.WatchList)
        ),
        "post": _ADD | {"requestBody": _body(_one_or_many(asked.NewWatch))},
    },
    "/v1/watches/remove": {
        "post": _does(
            "remove_watches",
            "Stop watching up to 1,000 videos; no event is sent",
            given.WatchResults,
            refuses=(503, *_OF_A_BODY),
        )
        | {"requestBody": _body(_array(asked.WatchReference))}
    },
    "/v1/watches/{gateway}/{video_id}": {
        "parameters": [*_in_path("gateway"), *_in_path("video_id", maxLength=512)],
        "get": _does("get_watch", "One watch", given.Watch, refuses=(404, 503)),
        "delete": _REMOVE,
    },
    "/v1/events": {
        "get": _asks(
            asked.EventQuery,
            _does("list_events", "List events, the latest first", given.EventList),
        )
    },
    "/v1/events/{id}": {
        "parameters": _in_path("id"),
        "get": _does("get_event", "One event with every attempt", given.Event, refuses=(404, 503)),
    },
    "/v1/events/{id}/resend": {
        "parameters": _in_path("id"),
        "post": _takes(asked.Resend, _RESEND, required=False),
    },
    "/v1/replay": {"post": _takes(asked.ReplayRequest, _REPLAY)},
    "/v1/endpoints": {"get": _does("list_endpoints", "List endpoints", given.EndpointList)},
    "/v1/endpoints/{name}/enable": {
        "parameters": _in_path("name"),
        "post": _does(
            "enable_endpoint",
            "Switch a disabled endpoint on again",
            given.Enabled,
            refuses=(404, 503),
        ),
    },
    "/v1/endpoints/{name}/test": {
        "parameters": _in_path("name"),
        "post": _takes(asked.SampleRequest, _TEST, required=False),
    },
}
_READY = _does("get_readiness", "Store writable and loops alive?", given.Readiness, refuses=())
_PROBES: dict[str, Operation] = {
    "/healthz": {"get": _does("get_health", "Alive?", given.Health, refuses=())},
    "/readyz": {
        "get": _READY
        | {"responses": {**_READY["responses"], "503": _answer(given.Readiness, "not ready")}}
    },
    "/metrics": {"get": _text("get_metrics", "Metrics for Prometheus", "text/plain", 503)},
    "/docs": {"get": _text("get_docs", "This description as a page", "text/html")},
    "/openapi.json": {
        "get": {
            "operationId": "get_openapi",
            "summary": "This description",
            "responses": {
                "200": {
                    "description": "done",
                    "content": {_JSON: {"schema": {"type": "object"}}},
                },
                **_refusals(),
            },
        }
    },
}
