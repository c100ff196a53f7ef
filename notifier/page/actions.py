"""What the buttons do: the same operations as the control API and the commands."""

import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from functools import partial
from urllib.parse import parse_qsl

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from notifier.control import problems
from notifier.control.operations import Operations
from notifier.control.replays import replay
from notifier.control.request_models import NewWatch, ReplayRequest, Resend, SampleRequest
from notifier.control.requests import validated
from notifier.errors import NotifierError
from notifier.model.watch import WatchKey
from notifier.page.access import session_of
from notifier.page.notices import Notice, Notices
from notifier.page.sessions import Sessions
from notifier.page.views import with_notice
from notifier.store.resending import Replay

_FOR_EVER = 10.0**11
_MOST_FIELDS = 20
_STALE = "This page was older than the daemon, so nothing was done. Please try again."

Form = Mapping[str, str]
Action = Callable[[Operations, Form], Awaitable[Notice]]


@dataclass(frozen=True, slots=True)
class Actions:
    """Takes the forms of the page, does what they say, and leads back to where they were."""

    operations: Operations
    sessions: Sessions
    notices: Notices

    def route(self, action: Action) -> Callable[[Request], Awaitable[Response]]:
        """Return the handler of an action."""
        return partial(self._handle, action)

    async def _handle(self, action: Action, request: Request) -> Response:
        form = await read_form(request)
        if self.sessions.is_form_token(session_of(request.headers), form.get("form_token", "")):
            notice = await self._do(action, form)
        else:
            notice = Notice(_STALE, is_failure=True)
        address = with_notice(form.get("back", ""), self.notices.keep(notice))
        return RedirectResponse(address, 303)

    async def _do(self, action: Action, form: Form) -> Notice:
        try:
            return await action(self.operations, form)
        except NotifierError as error:
            return Notice(str(problems.of_error(error)["detail"]), is_failure=True)


async def read_form(request: Request) -> Form:
    """Read a form's fields; raises HTTPException for what is no form of ours."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind != "application/x-www-form-urlencoded":
        raise HTTPException(415, "the body must be a form")
    try:
        raw = (await request.body()).decode("ascii")
        return dict(parse_qsl(raw, max_num_fields=_MOST_FIELDS, errors="strict"))
    except ValueError:
        raise HTTPException(400, "the body is not a form") from None


async def add(operations: Operations, form: Form) -> Notice:
    """Watch a video."""
    given = {name: form[name] for name in ("video_id", "gateway") if form.get(name)}
    given["video_id"] = given.get("video_id", "").strip()
    wanted = validated(NewWatch, {**given, "again": "again" in form}, "form").request()
    (added,) = await operations.add_watches([wanted])
    if isinstance(added, NotifierError):
        raise added
    key = added.view.watch.key
    said = "is watched now" if added.created else "was watched before; it stays as it is"
    return Notice(f"{key.video_id} on {key.gateway} {said}.")


async def withdraw(operations: Operations, form: Form) -> Notice:
    """Stop watching a video."""
    key = WatchKey(form.get("gateway", ""), form.get("video_id", ""))
    (refusal,) = await operations.remove_watches([key])
    if refusal is not None:
        raise refusal
    return Notice(f"{key.video_id} on {key.gateway} is not watched any more. It gives no event.")


async def resend(operations: Operations, form: Form) -> Notice:
    """Send one event again."""
    endpoint = form.get("endpoint")
    wanted = validated(Resend, {"endpoints": [endpoint]} if endpoint else {}, "form")
    names = await operations.resend(form.get("event", ""), wanted.endpoints)
    if not names:
        return Notice("None of its endpoints is configured any more.", is_failure=True)
    return Notice(f"The event is sent again to {', '.join(names)}.")


async def replay_events(operations: Operations, form: Form) -> Notice:
    """Send the events of the last hours again; `hours` of "all" means every event."""
    hours = form.get("hours", "")
    since = 0.0 if hours == "all" else time.time() - 3600 * int(hours if hours.isdecimal() else 1)
    given = {"since": max(since, 0.0), "endpoint": form.get("endpoint") or None}
    asked = validated(ReplayRequest, {**given, "only": form.get("only", "undelivered")}, "form")
    endpoints = None if asked.endpoint is None else [asked.endpoint]
    wanted = Replay(asked.since, _FOR_EVER, asked.only == "undelivered")
    done = await replay(operations, wanted, endpoints, one_batch=False)
    sent = [f"{number} to {name}" for name, number in done.counts.items() if number]
    return Notice(f"Events are sent again: {', '.join(sent)}." if sent else "No event to send.")


async def enable(operations: Operations, form: Form) -> Notice:
    """Switch an endpoint on."""
    name = form.get("endpoint", "")
    enabled = await operations.enable(name)
    return Notice(f"{name} is enabled." if enabled else f"{name} was enabled already.")


async def test(operations: Operations, form: Form) -> Notice:
    """Send an endpoint a sample."""
    name = form.get("endpoint", "")
    wanted = validated(SampleRequest, {"type": form["type"]} if form.get("type") else {}, "form")
    done = await operations.test(name, wanted.type)
    if done["delivered"]:
        return Notice(f"{name} received {done['type']} and answered with {done['status']}.")
    return Notice(f"{name} did not take {done['type']}: {done['detail']}", is_failure=True)


ACTIONS: Mapping[str, Action] = {
    "add": add,
    "withdraw": withdraw,
    "resend": resend,
    "replay": replay_events,
    "enable": enable,
    "test": test,
}
"""The actions by the last part of their path."""
