"""Sends many watches to the daemon with few requests, and reads the result of each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any

import click

from notifier.cli.daemon_client import ask_daemon
from notifier.cli.project import Project
from notifier.model.watch import WatchKey

_MAX_ITEMS = 1000
_MAX_BYTES = 4 * 1024 * 1024 - 4096


def ask_for_each(
    project: Project, path: str, items: Sequence[Mapping[str, object]]
) -> list[Mapping[str, Any]]:
    """Send `items` as arrays; return the result of each. Raises as `ask_daemon` does."""
    results: list[Mapping[str, Any]] = []
    for batch in _batches(items):
        results += ask_daemon(project, "POST", path, batch)["results"]
    return results


def _batches(items: Sequence[Mapping[str, object]]) -> Iterator[list[Mapping[str, object]]]:
    batch: list[Mapping[str, object]] = []
    size = 0
    for item in items:
        needed = len(json.dumps(item)) + 2
        if batch and (len(batch) == _MAX_ITEMS or size + needed > _MAX_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(item)
        size += needed
    if batch:
        yield batch


def refusal_of(result: Mapping[str, Any]) -> str | None:
    """Return why an item was refused, in one sentence; None for one that was granted."""
    if result["status"] < HTTPStatus.BAD_REQUEST:
        return None
    problem = result["problem"]
    found = problem.get("problems")
    if not found:
        return str(problem["detail"])
    return "; ".join(_sentence(each) for each in found)


def _sentence(problem: Mapping[str, Any]) -> str:
    place = f"{problem['key']}: " if problem.get("key") else ""
    hint = f" ({problem['hint']})" if problem.get("hint") else ""
    return f"{place}{problem['message']}{hint}"


def remove_through_daemon(project: Project, keys: Sequence[WatchKey]) -> list[str]:
    """Have the daemon stop watching; print what it did, and return the errors.

    Raises as `ask_daemon` does.
    """
    errors = []
    items = [key._asdict() for key in keys]
    for key, result in zip(keys, ask_for_each(project, "/v1/watches/remove", items), strict=True):
        refusal = refusal_of(result)
        if refusal is None:
            click.echo(f"removed {key.video_id}")
        else:
            errors.append(refusal)
    return errors
