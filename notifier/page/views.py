"""What the page shows: the overview, lists of videos and events with filters, and one event."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeVar
from urllib.parse import urlencode

from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from notifier.control.operations import Operations
from notifier.control.request_models import EventQuery, WatchQuery
from notifier.control.requests import validated
from notifier.model.event import EventType
from notifier.model.views import Row, WatchView
from notifier.page import paths
from notifier.page.access import session_of
from notifier.page.changes import Changes
from notifier.page.feed import Feed
from notifier.page.notices import Notices
from notifier.page.rendering import render
from notifier.page.sessions import Sessions
from notifier.store.queries import EventFilter, WatchFilter

ROWS = 100
"""How many videos or events are shown at once."""

_RECENT = 20
_NOTICE = "notice"

Q = TypeVar("Q", bound=BaseModel)


@dataclass(frozen=True, slots=True)
class Views:
    """Renders the views; each raises what its operation raises."""

    operations: Operations
    changes: Changes
    feed: Feed
    sessions: Sessions
    notices: Notices

    async def overview(self, request: Request) -> Response:
        """Show everything at a glance."""
        stream = await self.feed.position()
        wanted = WatchFilter(state="open", limit=ROWS)
        events = await self.operations.events(EventFilter(limit=_RECENT))
        values = {
            "title": "Overview",
            "stream": stream,
            "videos": await self._videos(wanted),
            "events": [each.as_row() for each in events],
            "event_types": [*EventType],
        }
        return await self.show(request, "overview.html", values)

    async def videos(self, request: Request) -> Response:
        """Show the videos that the filters of the address describe, the oldest first."""
        stream = await self.feed.position()
        query, filters = _filters(request, WatchQuery)
        limit = min(query.limit, ROWS)
        wanted = WatchFilter(query.state, query.gateway, query.video_id, query.after, limit)
        videos = await self._videos(wanted)
        more = {**filters, "after": query.after + limit} if len(videos) == limit else None
        values = {"title": "Videos", "stream": stream, "videos": videos, "filters": filters}
        return await self.show(request, "videos.html", {**values, "more": _address(more)})

    async def events(self, request: Request) -> Response:
        """Show the events that the filters of the address describe, the latest first."""
        stream = await self.feed.position()
        query, filters = _filters(request, EventQuery)
        wanted = EventFilter(**{**query.model_dump(), "limit": min(query.limit, ROWS)})
        events = [each.as_row() for each in await self.operations.events(wanted)]
        is_full = len(events) == wanted.limit
        more = {**filters, "before": events[-1]["id"]} if is_full else None
        values = {
            "title": "Events",
            "stream": stream,
            "events": events,
            "filters": filters,
            "event_types": [*EventType],
        }
        return await self.show(request, "events.html", {**values, "more": _address(more)})

    async def event(self, request: Request) -> Response:
        """Show one event: its body, its deliveries, and every attempt with its reason."""
        stream = await self.feed.position()
        row = (await self.operations.event(request.path_params["id"])).as_row()
        body = json.dumps(row["body"], indent=2, ensure_ascii=False)
        values = {"title": row["type"], "stream": stream, "event": row, "body": body}
        return await self.show(request, "event.html", values)

    async def show(
        self, request: Request, template: str, values: Mapping[str, object], status: int = 200
    ) -> Response:
        """Render a template with what every view has."""
        session = session_of(request.headers)
        query = {k: v for k, v in request.query_params.multi_items() if k != _NOTICE}
        shared = {
            "path": request.url.path,
            "back": request.url.path + (f"?{urlencode(query)}" if query else ""),
            "form_token": self.sessions.form_token(session),
            "can_sign_out": self.sessions.is_open(session),
            "notice": self.notices.take(request.query_params.get(_NOTICE, "")),
            "status": await self.changes.status(),
        }
        return render(template, {**shared, **values}, status)

    async def _videos(self, wanted: WatchFilter) -> list[Row]:
        """Return videos with what is known of those that are polled."""
        found = await self.operations.watches(wanted)
        live = self.changes.videos.rows({view.watch.key for view in found})
        return [{**_video(view), **live.get(view.watch.key, {})} for view in found]


def _video(view: WatchView) -> Row:
    return {**view.as_row(), "expected_at": None, "gives_up_at": None}


def _filters(request: Request, model: type[Q]) -> tuple[Q, dict[str, str]]:
    """Return the validated query of an address, and the filters as they were written.

    A filter that is empty, as forms send it, is none. Raises ConfigError.
    """
    given = {
        name: value
        for name, value in request.query_params.multi_items()
        if value and name != _NOTICE
    }
    return validated(model, given, "query"), given


def _address(query: Mapping[str, object] | None) -> str | None:
    return None if query is None else f"?{urlencode(query)}"


def with_notice(address: str, notice_id: str) -> str:
    """Return an address of the page that shows a notice."""
    path, _, query = paths.own_view(address).partition("?")
    kept = "&".join(part for part in query.split("&") if part and not part.startswith(_NOTICE))
    return f"{path}?{kept}{'&' if kept else ''}{_NOTICE}={notice_id}"
