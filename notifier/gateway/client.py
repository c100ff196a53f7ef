"""Asks one gateway about one video, or for a page of its list."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from notifier import __version__
from notifier.errors import TransportError
from notifier.gateway.pages import Page, list_url, read_page
from notifier.gateway.response_classifier import Dialect, classify
from notifier.gateway.secret_echo import SecretEchoMask
from notifier.http_client import HttpClient, HttpRequest, HttpResponse
from notifier.model.answer import Answer, PollError, Unauthorized
from notifier.model.status import Status

_HEADERS = {"accept": "application/json", "user-agent": f"notifier/{__version__}"}
_UNRESERVED = re.compile(r"[A-Za-z0-9_.~-]+")

MAX_BODY = 1024 * 1024
"""Largest status answer that is read, in bytes."""


@dataclass(frozen=True, slots=True)
class GatewayRules:
    """How to ask one gateway and how to read its answers.

    `headers` returns the configured headers. It resolves their secrets at each call, so that a
    changed key file takes effect with the next request, and adds them to `echoes`. It raises
    ValueError when a secret cannot be read. `request_timeout` is in seconds.
    """

    base_url: str
    headers: Callable[[], Mapping[str, str]]
    request_timeout: float
    status_words: Mapping[str, Status]
    rewrites_ids: bool
    echoes: SecretEchoMask = field(default_factory=SecretEchoMask)


def video_url(base_url: str, video_id: str) -> str:
    """Return the URL of a video's status; every reserved character of the opaque id is quoted."""
    plain = _UNRESERVED.fullmatch(video_id) is not None
    return f"{base_url}/videos/{video_id if plain else quote(video_id, safe='')}"


def content_url(base_url: str, video_id: str) -> str:
    """Return the URL from which a completed video can be downloaded."""
    return f"{video_url(base_url, video_id)}/content"


class GatewayClient:
    """Asks one gateway; every outcome is an `Answer`, none is raised."""

    def __init__(self, rules: GatewayRules, http: HttpClient, wall: Callable[[], float]) -> None:
        self._rules = rules
        self._dialect = Dialect(rules.status_words, rules.rewrites_ids, rules.echoes)
        self._http = http
        self._wall = wall

    async def retrieve(self, video_id: str) -> Answer:
        """Ask for one video's status once."""
        try:
            reply = await self.fetch(video_id)
        except TransportError as error:
            return PollError(error.kind, error.detail)
        except ValueError as error:
            return _unreadable_secret(error)
        return self.read(video_id, reply)

    async def list_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        """Ask once for up to `limit` videos, those that follow the id `after`."""
        try:
            reply = await self._get(list_url(self._rules.base_url, limit, after))
        except TransportError as error:
            return PollError(error.kind, error.detail)
        except ValueError as error:
            return _unreadable_secret(error)
        return read_page(
            reply.status, reply.headers, reply.body, dialect=self._dialect, wall=self._wall()
        )

    async def fetch(self, video_id: str) -> HttpResponse:
        """Ask once and return the answer unread; raises TransportError."""
        return await self._get(video_url(self._rules.base_url, video_id))

    async def _get(self, url: str) -> HttpResponse:
        headers = {**_HEADERS, **self._rules.headers()}
        return await self._http.send(
            HttpRequest("GET", url, headers, self._rules.request_timeout, MAX_BODY)
        )

    def read(self, video_id: str, reply: HttpResponse) -> Answer:
        """Return what a fetched answer means."""
        return classify(
            reply.status,
            reply.headers,
            reply.body,
            video_id=video_id,
            dialect=self._dialect,
            wall=self._wall(),
        )


def _unreadable_secret(error: ValueError) -> PollError:
    return PollError("secret", str(error), "the daemon could not read this secret again")
