"""Who may use the page: what the guard of the control API asks about browsers."""

from dataclasses import dataclass
from urllib.parse import quote

from starlette.datastructures import Headers
from starlette.requests import cookie_parser
from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp

from notifier.page import paths
from notifier.page.rendering import render
from notifier.page.sessions import LIFETIME, Sessions

_COOKIE = "notifier-session"


@dataclass(frozen=True, slots=True)
class Access:
    """Lets browsers in that have the cookie of a session; see `notifier.control.guard`."""

    sessions: Sessions

    def is_view(self, path: str) -> bool:
        """Return whether something is shown at a path."""
        return paths.is_view(path)

    def is_form(self, path: str) -> bool:
        """Return whether a form is posted to a path."""
        return paths.is_form(path)

    def is_public(self, path: str) -> bool:
        """Return whether a path is answered without a session."""
        return paths.is_public(path)

    def is_signed_in(self, headers: Headers) -> bool:
        """Return whether a request has the cookie of an open session."""
        return self.sessions.is_open(session_of(headers))

    def ask_to_sign_in(self, headers: Headers, path: str) -> ASGIApp:
        """Return the answer to a view that needs a session.

        A browser sends no strict cookie when a link on another site leads here. So such a
        request is made once more, from here.
        """
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
            return render("again.html", {"address": path})
        return RedirectResponse(f"{paths.SIGN_IN}?next={quote(path, safe='')}", 303)


def session_of(headers: Headers) -> str:
    """Return the id of the session that a request names, "" when it names none."""
    cookies = cookie_parser(headers.get("cookie", ""))
    return cookies.get(_cookie_name(headers), "")


def set_session(response: Response, headers: Headers, session_id: str) -> None:
    """Give the browser a session; an empty id takes it away."""
    response.set_cookie(
        _cookie_name(headers),
        session_id,
        max_age=int(LIFETIME) if session_id else 0,
        secure=headers.get("origin", "").lower().startswith("https:"),
        httponly=True,
        samesite="strict",
    )


def _cookie_name(headers: Headers) -> str:
    """Return the cookie's name: browsers share cookies between the ports of one host."""
    port = headers.get("host", "").rpartition(":")[2]
    return f"{_COOKIE}-{port}" if port.isdecimal() and port.isascii() else _COOKIE
