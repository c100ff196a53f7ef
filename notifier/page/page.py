"""The page as a whole: its routes, what the guard asks about it, and its tasks."""

from collections.abc import Awaitable, Callable
from http import HTTPStatus
from pathlib import Path

import trio
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import FileResponse, RedirectResponse, Response
from starlette.routing import Route

from notifier.control import problems
from notifier.control.operations import Operations
from notifier.errors import NotifierError
from notifier.http_server.problem_document import document
from notifier.page import paths
from notifier.page.access import Access, session_of, set_session
from notifier.page.actions import ACTIONS, Actions, read_form
from notifier.page.activity import Activity
from notifier.page.changes import Changes, EventLog, Videos
from notifier.page.feed import Feed
from notifier.page.notices import Notices
from notifier.page.other_videos import OtherVideos
from notifier.page.rendering import HEADERS, render
from notifier.page.sessions import Sessions
from notifier.page.stream import Stream
from notifier.page.views import Views

_FOLDER = Path(__file__).parent / "assets"
_WRONG_TOKEN_PAUSE = 1.0

Handler = Callable[[Request], Awaitable[Response]]


class Page:
    """The page; `token` returns the control API's token, None where it has none.

    `is_shared` says that other instances poll videos, too.
    """

    def __init__(
        self,
        operations: Operations,
        videos: Videos,
        events: EventLog,
        activity: Activity,
        token: Callable[[], str] | None,
        *,
        is_shared: bool,
    ) -> None:
        self._sessions = Sessions(token)
        self._activity = activity
        others = OtherVideos(operations, videos) if is_shared else None
        changes = Changes(operations, videos, events, activity, others)
        self._feed = Feed(changes)
        notices = Notices()
        self._views = Views(operations, changes, self._feed, self._sessions, notices)
        self._actions = Actions(operations, self._sessions, notices)
        self.access = Access(self._sessions)
        """Who may use the page, for the guard."""

    async def run(self) -> None:
        """Run the page's tasks, for ever."""
        async with trio.open_nursery() as nursery:
            nursery.start_soon(self._feed.run)
            nursery.start_soon(self._activity.run)

    @property
    def routes(self) -> list[Route]:
        """The routes, to be served beside those of the control API."""
        views = self._views
        shown: list[tuple[str, Handler]] = [
            (paths.OVERVIEW, views.overview),
            (paths.VIDEOS, views.videos),
            (paths.EVENTS, views.events),
            (f"{paths.EVENTS}/{{id}}", views.event),
        ]
        return [
            *(Route(path, self._answering(view)) for path, view in shown),
            *(
                Route(f"{paths.ACTIONS}{name}", self._actions.route(action), methods=["POST"])
                for name, action in ACTIONS.items()
            ),
            Route(paths.SIGN_IN, self._sign_in, methods=["GET", "POST"]),
            Route(paths.SIGN_OUT, self._sign_out, methods=["POST"]),
            *(Route(path, _asset) for path in paths.ASSETS),
            Route(paths.STREAM, Stream(self._feed), methods=["GET"]),
        ]

    def _answering(self, view: Handler) -> Handler:
        """Return `view` with an error as a page."""

        async def answer(request: Request) -> Response:
            try:
                return await view(request)
            except NotifierError as error:
                found = problems.of_error(error)
            except HTTPException as error:
                found = document(HTTPStatus(error.status_code), error.detail)
            return render("error.html", {"problem": found}, int(found["status"]))

        return answer

    async def _sign_in(self, request: Request) -> Response:
        """Ask for the token, and exchange it for a session."""
        address = paths.own_view(request.query_params.get("next", ""))
        if request.method != "POST":
            if not self._sessions.needed or self.access.is_signed_in(request.headers):
                return RedirectResponse(address, 303)
            return render("sign_in.html", {"next": address, "is_wrong": False})
        form = await read_form(request)
        address = paths.own_view(form.get("next", ""))
        session_id = self._sessions.open(form.get("token", ""))
        if session_id is None:
            await trio.sleep(_WRONG_TOKEN_PAUSE)
            return render("sign_in.html", {"next": address, "is_wrong": True}, 403)
        answer = RedirectResponse(address, 303)
        set_session(answer, request.headers, session_id)
        return answer

    async def _sign_out(self, request: Request) -> Response:
        session_id = session_of(request.headers)
        form = await read_form(request)
        if self._sessions.is_form_token(session_id, form.get("form_token", "")):
            self._sessions.close(session_id)
        answer = RedirectResponse(paths.SIGN_IN, 303)
        set_session(answer, request.headers, "")
        return answer


async def _asset(request: Request) -> Response:
    name, content_type = paths.ASSETS[request.url.path]
    headers = {**HEADERS, "content-type": content_type, "cache-control": "no-cache"}
    return FileResponse(_FOLDER / name, headers=headers)
