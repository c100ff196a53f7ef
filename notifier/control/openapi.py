"""The OpenAPI document of the control API, made from the models that validate its requests."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel

from notifier import __version__
from notifier.control.request_models import (
    EventQuery,
    NewWatch,
    ReplayRequest,
    Resend,
    SampleRequest,
    WatchQuery,
    WatchReference,
)
from notifier.control.watch_batches import MAX_ITEMS

_JSON = "application/json"
_PROBLEM = "application/problem+json"
_OBJECT = {"type": "object"}
_ID = {"name": "id", "in": "path", "required": True, "schema": {"type": "string"}}
_NAME = {"name": "name", "in": "path", "required": True, "schema": {"type": "string"}}
_KEY = [
    {"name": "gateway", "in": "path", "required": True, "schema": {"type": "string"}},
    {
        "name": "video_id",
        "in": "path",
        "required": True,
        "schema": {"type": "string", "maxLength": 512},
    },
]


@cache
def document() -> Mapping[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "notifier control API",
            "version": __version__,
            "description": "On a Unix socket, and on TCP where `[http] listen` says so.",
        },
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "schemas": {
                "Problem": {
                    "type": "object",
                    "required": ["type", "title", "status", "detail"],
                    "properties": {
                        "type": {"type": "string"},
                        "title": {"type": "string"},
                        "status": {"type": "integer"},
                        "detail": {"type": "string"},
                        "problems": {"type": "array", "items": _OBJECT},
                    },
                },
                "List": {
                    "type": "object",
                    "required": ["object", "data"],
                    "properties": {
                        "object": {"const": "list"},
                        "data": {"type": "array", "items": _OBJECT},
                    },
                },
            },
        },
        "security": [{}, {"token": []}],
        "paths": _paths(),
    }


def _paths() -> Mapping[str, Any]:
    return {
        "/v1/status": {"get": _does("The status of everything")},
        "/v1/reload": {
            "post": _does("Apply what is different in the config file", refuses=(422, 502, 503))
        },
        "/v1/watches": {
            "get": _does("List watches, oldest first", query=WatchQuery, gives="List"),
            "post": {
                "summary": "Watch a video, or up to 1,000 of them",
                "requestBody": _takes({"anyOf": [NewWatch.model_json_schema(), _array(NewWatch)]}),
                "responses": {
                    "200": _gives("Known already, or the results for an array", _OBJECT),
                    "201": _gives("It is watched from now on", _OBJECT),
                    **_refusals(400, 409, 413, 415, 422, 503),
                },
            },
        },
        "/v1/watches/remove": {
            "post": {
                "summary": "Stop watching up to 1,000 videos; no event is sent",
                "requestBody": _takes(_array(WatchReference)),
                "responses": {
                    "200": _gives("A result for each item", _OBJECT),
                    **_refusals(400, 413, 415, 422, 503),
                },
            }
        },
        "/v1/watches/{gateway}/{video_id}": {
            "parameters": _KEY,
            "get": _does("One watch", refuses=(404, 503)),
            "delete": {
                "summary": "Stop watching; no event is sent",
                "responses": {"204": {"description": "done"}, **_refusals(404, 409, 503)},
            },
        },
        "/v1/events": {
            "get": _does("List events, the latest first", query=EventQuery, gives="List")
        },
        "/v1/events/{id}": {
            "parameters": [_ID],
            "get": _does("One event with every attempt", refuses=(404, 503)),
        },
        "/v1/events/{id}/resend": {
            "parameters": [_ID],
            "post": _does(
                "Send an event again, under the same id",
                body=Resend,
                required=False,
                success="202",
                refuses=(400, 404, 413, 415, 422, 503),
            ),
        },
        "/v1/replay": {
            "post": _does(
                "Send the events of a time again",
                body=ReplayRequest,
                success="202",
                refuses=(400, 404, 413, 415, 422, 503),
            )
        },
        "/v1/endpoints": {"get": _does("List endpoints", gives="List")},
        "/v1/endpoints/{name}/enable": {
            "parameters": [_NAME],
            "post": _does("Switch a disabled endpoint on again", refuses=(404, 503)),
        },
        "/v1/endpoints/{name}/test": {
            "parameters": [_NAME],
            "post": _does(
                "Send a sample of an event, once",
                body=SampleRequest,
                required=False,
                refuses=(400, 404, 413, 415, 422, 503),
            ),
        },
        "/healthz": {"get": _does("Alive?", refuses=())},
        "/readyz": {"get": _does("Store writable and loops alive?")},
        "/metrics": {
            "get": {
                "summary": "Metrics for Prometheus",
                "responses": {
                    "200": {"description": "text", "content": {"text/plain": {"schema": {}}}},
                    **_refusals(503),
                },
            }
        },
        "/openapi.json": {"get": _does("This document", refuses=())},
    }


def _does(
    summary: str,
    *,
    query: type[BaseModel] | None = None,
    body: type[BaseModel] | None = None,
    required: bool = True,
    success: str = "200",
    gives: str | None = None,
    refuses: tuple[int, ...] | None = None,
) -> dict[str, Any]:
    """Describe one operation."""
    schema = _OBJECT if gives is None else {"$ref": f"#/components/schemas/{gives}"}
    refusals = (422, 503) if refuses is None else refuses
    described: dict[str, Any] = {
        "summary": summary,
        "responses": {success: _gives("done", schema), **_refusals(*refusals)},
    }
    if query is not None:
        described["parameters"] = [
            {"name": name, "in": "query", "required": False, "schema": schema}
            for name, schema in query.model_json_schema()["properties"].items()
        ]
    if body is not None:
        described["requestBody"] = _takes(body.model_json_schema(), required=required)
    return described


def _takes(schema: Mapping[str, Any], *, required: bool = True) -> dict[str, Any]:
    return {"required": required, "content": {_JSON: {"schema": schema}}}


def _array(model: type[BaseModel]) -> dict[str, Any]:
    """Describe an array whose items are validated one by one: an invalid one refuses no other."""
    return {
        "type": "array",
        "maxItems": MAX_ITEMS,
        "description": "The results have the status of each item, and its watch or problem.",
        "items": {"description": f"{model.__doc__} An invalid one has its problem in `results`."},
        "examples": [[{"gateway": "main", "video_id": "video_1"}]],
    }


def _gives(description: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": description, "content": {_JSON: {"schema": schema}}}


def _refusals(*statuses: int) -> dict[str, Any]:
    schema = {"$ref": "#/components/schemas/Problem"}
    return {
        str(status): {"description": "refused", "content": {_PROBLEM: {"schema": schema}}}
        for status in statuses
    }
