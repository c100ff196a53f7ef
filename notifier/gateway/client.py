"""Asks one gateway about one video, or for a page of its list."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from http import HTTPStatus

from notifier import __version__
from notifier.errors import TransportError
from notifier.gateway.content_coding import decoded_body, utf8_body
from notifier.gateway.extra_fields import DEFAULT_HIDDEN
from notifier.gateway.pages import Page, read_page
from notifier.gateway.recent_answers import RecentAnswers
from notifier.gateway.recent_pages import RecentPages
from notifier.gateway.response_classifier import Dialect, asks_to_wait, classify
from notifier.gateway.secret_echo import SecretEchoMask
from notifier.gateway.urls import around_video, list_url, path_segment, video_url
from notifier.http_client import (
    HttpRequest,
    HttpResponse,
    Outcome,
    PollingClient,
    RequestTemplate,
)
from notifier.model.answer import Answer, PollError, Seen, Unauthorized
from notifier.model.status import Status

_HEADERS = {"accept": "application/json", "user-agent": f"notifier/{__version__}"}

_OF_CODING = frozenset({"content-encoding", "content-length"})

MAX_BODY = 1024 * 1024
"""Largest status answer that is read, in bytes, also after decompression."""


@dataclass(frozen=True, slots=True)
class GatewayRules:
    """How to ask one gateway and how to read its answers.

    `headers` returns the configured headers, the same object while they stay the same. It resolves
    their secrets at each call, so that a changed key file takes effect with the next request, and
    adds them to `echoes`. It raises ValueError when a secret cannot be read. `request_timeout` is
    in seconds.
    """

    base_url: str
    headers: Callable[[], Mapping[str, str]]
    request_timeout: float
    status_words: Mapping[str, Status]
    rewrites_ids: bool
    hide_fields: Sequence[str] = DEFAULT_HIDDEN
    echoes: SecretEchoMask = field(default_factory=SecretEchoMask)


class GatewayClient:
    """Asks one gateway; every outcome is an `Answer`, none is raised."""

    def __init__(
        self, rules: GatewayRules, http: PollingClient, wall: Callable[[], float]
    ) -> None:
        self._rules = rules
        self._dialect = Dialect(
            rules.status_words, rules.rewrites_ids, rules.echoes, rules.hide_fields
        )
        self._http = http
        self._wall = wall
        self._recent = RecentAnswers()
        self._pages = RecentPages(self._dialect)
        self._secrets = 0
        self._configured: Mapping[str, str] | None = None
        self._headers: Mapping[str, str] = _HEADERS
        self._template: RequestTemplate | None = None

    async def retrieve(self, video_id: str) -> Answer:
        """Ask for one video's status once."""
        self._dialect.asked.add(video_id)
        try:
            reply = await self.fetch(video_id)
        except TransportError as error:
            return PollError(error.kind, error.detail)
        except ValueError as error:
            return _unreadable_secret(error)
        return self.read(video_id, reply)

    def start(self, video_id: str, done: Callable[[Outcome], None]) -> bool:
        """Ask for one video's status once, without a task; False if `retrieve` has to be used.

        `done` gets what came of it, which `read_outcome` reads.
        """
        self._dialect.asked.add(video_id)
        try:
            return self._http.start(self._status_requests(), path_segment(video_id), done)
        except (TransportError, ValueError):
            return False  # `retrieve` meets it again, and says so

    def read_outcome(self, video_id: str, outcome: Outcome) -> Answer | None:
        """Return what came of a request without a task; None if `retrieve` is to be used."""
        if isinstance(outcome, TransportError):
            return PollError(outcome.kind, outcome.detail)
        return None if outcome is None else self.read_encoded(video_id, outcome)

    async def list_page(self, limit: int, after: str | None) -> Page | Unauthorized | PollError:
        """Ask once for up to `limit` videos, those that follow the id `after`."""
        try:
            reply = await self._get(list_url(self._rules.base_url, limit, after))
        except TransportError as error:
            return PollError(error.kind, error.detail)
        except ValueError as error:
            return _unreadable_secret(error)
        return read_page(
            reply.status,
            reply.headers,
            reply.body,
            dialect=self._dialect,
            wall=self._wall(),
            known=self._pages.read(after, reply.body),
        )

    async def fetch(self, video_id: str) -> HttpResponse:
        """Ask once and return the answer unread; raises TransportError."""
        return await self._get(video_url(self._rules.base_url, video_id))

    async def _get(self, url: str) -> HttpResponse:
        return _decoded(await self._http.send(self._request(url)))

    def _request(self, url: str) -> HttpRequest:
        """Return the request for a URL; raises ValueError when a secret cannot be read."""
        self._read_headers()
        return HttpRequest("GET", url, self._headers, self._rules.request_timeout, MAX_BODY)

    def _status_requests(self) -> RequestTemplate:
        """Return the template of status requests; raises ValueError for an unreadable secret."""
        self._read_headers()
        if self._template is None:
            before, after = around_video(self._rules.base_url)
            self._template = RequestTemplate(before, after, self._request(before))
        return self._template

    def _read_headers(self) -> None:
        configured = self._rules.headers()
        if configured is not self._configured:
            self._configured, self._headers = configured, {**_HEADERS, **configured}
            self._template = None

    def read_encoded(self, video_id: str, reply: HttpResponse) -> Answer:
        """Return what an answer means whose body is as it came over the wire."""
        known = self._recall(video_id, reply)  # it may repeat a body that needed no decoding
        if known is not None:
            return known
        try:
            decoded = _decoded(reply)
        except TransportError as error:
            return PollError(error.kind, error.detail)
        return self._parsed(video_id, reply) if decoded is reply else self.read(video_id, decoded)

    def read(self, video_id: str, reply: HttpResponse) -> Answer:
        """Return what a fetched answer means."""
        known = self._recall(video_id, reply)
        return self._parsed(video_id, reply) if known is None else known

    def _parsed(self, video_id: str, reply: HttpResponse) -> Answer:
        """Parse an answer, and remember what it means if it may be repeated."""
        status, headers, body = reply.status, reply.headers, reply.body
        answer = classify(
            status, headers, body, video_id=video_id, dialect=self._dialect, wall=self._wall()
        )
        if _is_usual(reply) and isinstance(answer, Seen):
            self._recent.remember(video_id, body, answer)
        else:
            self._recent.forget(video_id)
        return answer

    def _recall(self, video_id: str, reply: HttpResponse) -> Seen | None:
        """Return what an answer means that was parsed before, None if it has to be parsed."""
        if not _is_usual(reply):
            return None
        secrets = self._dialect.echoes.secrets
        if secrets != self._secrets:  # a new one may be in an answer that is known
            self._secrets = secrets
            self._recent.clear()
        return self._recent.find(video_id, reply.body)


def _is_usual(reply: HttpResponse) -> bool:
    """Return whether an answer says nothing beside its body."""
    return reply.status == HTTPStatus.OK and not asks_to_wait(reply.headers)


def _decoded(response: HttpResponse) -> HttpResponse:
    """Return an answer whose body is neither compressed nor in another character set."""
    body = utf8_body(response.headers, decoded_body(response.headers, response.body, MAX_BODY))
    if body is response.body:
        return response
    headers = {name: value for name, value in response.headers.items() if name not in _OF_CODING}
    headers["content-type"] = response.headers.get("content-type", "").partition(";")[0]
    return replace(response, headers=headers, body=body)


def _unreadable_secret(error: ValueError) -> PollError:
    return PollError("secret", str(error), "the daemon could not read this secret again")
