"""The control API's own description, made from the models of its requests and answers."""

from collections.abc import Mapping
from functools import cache
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from notifier import __version__
from notifier.control import instance_models as cluster
from notifier.control import request_models as asked
from notifier.control import response_models as given
from notifier.control.openapi_operations import (
    JSON,
    OF_A_BODY,
    REFERENCE,
    Operation,
    answer,
    array_of,
    operation,
    path_parameters,
    reference,
    refusals,
    text_answer,
    with_body,
    with_query,
)

_TAGS = {
    "watches": "watches",
    "events": "events",
    "replay": "events",
    "endpoints": "endpoints",
    "instances": "instances",
}
_BODIES: tuple[type[BaseModel], ...] = (
    asked.NewWatch,
    asked.WatchReference,
    asked.Resend,
    asked.ReplayRequest,
    asked.SampleRequest,
)
_ANSWERS: tuple[type[BaseModel], ...] = (
    *(given.Status, given.Reloaded, given.Watch, given.WatchList, given.Event, given.EventList),
    *(given.Resent, given.Replayed, given.EndpointList, given.Enabled, given.Tested),
    *(given.Health, given.Readiness, given.Problem, given.WatchResults),
    *(cluster.InstanceList, cluster.Draining, cluster.Undraining),
)


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
        ref_template=REFERENCE,
    )
    schemas: Mapping[str, Any] = definitions["$defs"]
    return schemas


def _known_or_results() -> dict[str, Any]:
    either = [reference(given.Watch), reference(given.WatchResults)]
    return {
        "description": "it is known already, or the results for an array",
        "content": {JSON: {"schema": {"anyOf": either}}},
    }


_ADD = operation(
    "add_watch",
    "Watch a video, or up to 1,000 of them",
    given.Watch,
    refuses=(409, 503, *OF_A_BODY),
)
_REMOVE: Operation = {
    "operationId": "remove_watch",
    "summary": "Stop watching; no event is sent",
    "responses": {"204": {"description": "done"}, **refusals(404, 409, 503)},
}
_REMOVE_ALL = operation(
    "remove_watches",
    "Stop watching up to 1,000 videos; no event is sent",
    given.WatchResults,
    refuses=(503, *OF_A_BODY),
)
_RESEND = operation(
    "resend_event",
    "Send an event again, under the same id",
    given.Resent,
    status=202,
    refuses=(404, 503, *OF_A_BODY),
)
_REPLAY = operation(
    "replay_events",
    "Send the events of a time again",
    given.Replayed,
    status=202,
    refuses=(404, 503, *OF_A_BODY),
)
_TEST = operation(
    "test_endpoint",
    "Send a sample of an event, once",
    given.Tested,
    refuses=(404, 503, *OF_A_BODY),
)
_RESOURCES: dict[str, Operation] = {
    "/v1/status": {"get": operation("get_status", "The status of everything", given.Status)},
    "/v1/reload": {
        "post": operation(
            "reload",
            "Apply what is different in the config file",
            given.Reloaded,
            refuses=(422, 502, 503),
        )
    },
    "/v1/watches": {
        "get": with_query(
            asked.WatchQuery,
            operation("list_watches", "List watches, oldest first", given.WatchList),
        ),
        "post": with_body(
            {"anyOf": [reference(asked.NewWatch), array_of(asked.NewWatch)]},
            _ADD
            | {
                "responses": {
                    **_ADD["responses"],
                    "200": _known_or_results(),
                    "201": answer(given.Watch, "it is watched from now on"),
                }
            },
        ),
    },
    "/v1/watches/remove": {"post": with_body(array_of(asked.WatchReference), _REMOVE_ALL)},
    "/v1/watches/{gateway}/{video_id}": {
        "parameters": [*path_parameters("gateway"), *path_parameters("video_id", maxLength=512)],
        "get": operation("get_watch", "One watch", given.Watch, refuses=(404, 503)),
        "delete": _REMOVE,
    },
    "/v1/events": {
        "get": with_query(
            asked.EventQuery,
            operation("list_events", "List events, the latest first", given.EventList),
        )
    },
    "/v1/events/{id}": {
        "parameters": path_parameters("id"),
        "get": operation(
            "get_event", "One event with every attempt", given.Event, refuses=(404, 503)
        ),
    },
    "/v1/events/{id}/resend": {
        "parameters": path_parameters("id"),
        "post": with_body(reference(asked.Resend), _RESEND, required=False),
    },
    "/v1/replay": {"post": with_body(reference(asked.ReplayRequest), _REPLAY)},
    "/v1/endpoints": {"get": operation("list_endpoints", "List endpoints", given.EndpointList)},
    "/v1/endpoints/{name}/enable": {
        "parameters": path_parameters("name"),
        "post": operation(
            "enable_endpoint",
            "Switch a disabled endpoint on again",
            given.Enabled,
            refuses=(404, 503),
        ),
    },
    "/v1/endpoints/{name}/test": {
        "parameters": path_parameters("name"),
        "post": with_body(reference(asked.SampleRequest), _TEST, required=False),
    },
    "/v1/instances": {
        "get": operation(
            "list_instances", "List the instances that share the database", cluster.InstanceList
        )
    },
    "/v1/instances/{name}/drain": {
        "parameters": path_parameters("name"),
        "post": operation(
            "drain_instance",
            "Have an instance hand over all that it does",
            cluster.Draining,
            status=202,
            refuses=(404, 409, 503),
        ),
        "delete": operation(
            "undrain_instance",
            "Have an instance that was drained take its share again",
            cluster.Undraining,
            status=202,
            refuses=(404, 503),
        ),
    },
}
_READY = operation("get_readiness", "Store writable and loops alive?", given.Readiness, refuses=())
_PROBES: dict[str, Operation] = {
    "/healthz": {"get": operation("get_health", "Alive?", given.Health, refuses=())},
    "/readyz": {
        "get": _READY
        | {"responses": {**_READY["responses"], "503": answer(given.Readiness, "not ready")}}
    },
    "/metrics": {"get": text_answer("get_metrics", "Metrics for Prometheus", "text/plain", 503)},
    "/docs": {"get": text_answer("get_docs", "This description as a page", "text/html")},
    "/openapi.json": {
        "get": {
            "operationId": "get_openapi",
            "summary": "This description",
            "responses": {
                "200": {
                    "description": "done",
                    "content": {JSON: {"schema": {"type": "object"}}},
                },
                **refusals(),
            },
        }
    },
}
