"""Arrays of watches: each item is validated alone, and the valid ones are changed together."""

from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import TypeVar

from pydantic import BaseModel
from starlette.exceptions import HTTPException

from notifier.control import problems
from notifier.control.operations import AddedWatch, Operations
from notifier.control.request_models import NewWatch, WatchReference
from notifier.control.requests import validated
from notifier.errors import ConfigError, NotifierError
from notifier.http_server.problem_document import document
from notifier.model.views import Row

MAX_ITEMS = 1000
"""The most items of an array."""

M = TypeVar("M", bound=BaseModel)
R = TypeVar("R")


async def add_all(operations: Operations, items: Sequence[object]) -> list[Row]:
    """Add the watches that `items` describe; return a result for each item, in their order."""

    async def add(models: Sequence[NewWatch]) -> Sequence[AddedWatch | NotifierError]:
        return await operations.add_watches([model.request() for model in models])

    return await _change(NewWatch, items, add, _added)


async def remove_all(operations: Operations, items: Sequence[object]) -> list[Row]:
    """Stop watching the videos that `items` name; return a result for each item."""

    async def remove(models: Sequence[WatchReference]) -> Sequence[NotifierError | None]:
        return await operations.remove_watches([model.key() for model in models])

    return await _change(WatchReference, items, remove, lambda _: {"status": 204})


async def _change(
    model: type[M],
    items: Sequence[object],
    change: Callable[[Sequence[M]], Awaitable[Sequence[R | NotifierError]]],
    describe: Callable[[R], Row],
) -> list[Row]:
    if len(items) > MAX_ITEMS:
        reason = f"the array has {len(items)} items; send at most {MAX_ITEMS} at once"
        raise HTTPException(HTTPStatus.UNPROCESSABLE_ENTITY, reason)
    read = [_read(model, item) for item in items]
    outcomes = iter(await change([each for each in read if not isinstance(each, dict)]))
    rows: list[Row] = []
    for each in read:
        outcome = each if isinstance(each, dict) else next(outcomes)
        if isinstance(outcome, dict):
            rows.append(outcome)
        elif isinstance(outcome, NotifierError):
            rows.append(_refused(problems.of_error(outcome)))
        else:
            rows.append(describe(outcome))
    return rows


def _read(model: type[M], item: object) -> M | Row:
    """Return the validated item, or the result that refuses it."""
    try:
        return validated(model, item, "watch")
    except ConfigError as error:
        return _refused(problems.of_error(error))
    except HTTPException as error:
        return _refused(document(HTTPStatus(error.status_code), error.detail))


def _added(added: AddedWatch) -> Row:
    status = HTTPStatus.CREATED if added.created else HTTPStatus.OK
    return {"status": status.value, "watch": added.view.as_row()}


def _refused(problem: Row) -> Row:
    return {"status": problem["status"], "problem": problem}
