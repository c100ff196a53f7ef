"""Makes one attempt: sign, POST, return the outcome. `notifier.delivery` decides what follows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from notifier import __version__
from notifier.errors import TransportError
from notifier.http_client import HttpClient, HttpRequest, HttpResponse
from notifier.net import Admission
from notifier.schedule.retry_after import parse_retry_after
from notifier.signing import signed_headers
from notifier.webhook.refusal import refusal_text

MAX_ANSWER = 64 * 1024
"""How much is read of a receiver's answer, in bytes; what is longer was received all the same."""

_SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, with every secret resolved at this moment; never logged.

    `keys` are empty for a format that is not signed. `timeout` is seconds for the whole attempt.
    """

    url: str
    headers: Mapping[str, str]
    keys: Sequence[bytes]
    timeout: float

    def __repr__(self) -> str:
        """Return a text without secrets."""
        return "<Target>"


@dataclass(frozen=True, slots=True)
class Outcome:
    """The outcome of one attempt.

    `word` is `delivered`, `http_500` and so on, or a `TransportError.kind`. `status` is the HTTP
    status of a complete answer. `retry_after` is the wait that the receiver asked for, in seconds.
    `detail` says why it was not delivered: in the receiver's words (`refusal_text`) or in ours.
    """

    word: str
    status: int | None = None
    retry_after: float | None = None
    detail: str = ""

    @property
    def delivered(self) -> bool:
        """Whether a 2xx came back."""
        return self.status is not None and _is_success(self.status)


class WebhookSender:
    """Sends to one endpoint.

    `target` is called for every attempt, so that a changed secret file takes effect. It raises
    ValueError when a secret cannot be read. `wall` (Unix seconds) stamps the signature.
    """

    def __init__(
        self,
        http: HttpClient,
        target: Callable[[], Target],
        wall: Callable[[], float],
        admission: Admission | None = None,
    ) -> None:
        self._http = http
        self._target = target
        self._wall = wall
        self._admission = admission

    def at(self, url: str, admission: Admission | None) -> "WebhookSender":
        """Return a sender to `url` with the same headers and keys, and what `admission` grants."""
        target = self._target
        return WebhookSender(self._http, lambda: replace(target(), url=url), self._wall, admission)

    async def send(self, event_id: str, body: bytes) -> Outcome:
        """Make one attempt; every outcome is returned, only DeferredError is raised."""
        try:
            request = self._request(self._target(), event_id, body)
            reply = await self._http.send(request)
        except TransportError as error:
            return Outcome(error.kind, detail=error.detail)
        except ValueError as error:
            return Outcome("secret", detail=str(error))
        if _is_success(reply.status):
            return Outcome("delivered", reply.status)
        return self._refused(request, reply)

    def _request(self, target: Target, event_id: str, body: bytes) -> HttpRequest:
        headers = {
            **target.headers,
            "content-type": "application/json",
            "user-agent": f"notifier/{__version__}",
        }
        if target.keys:
            headers |= signed_headers(target.keys, event_id, int(self._wall()), body)
        return HttpRequest(
            *("POST", target.url, headers, target.timeout, MAX_ANSWER, body),
            wants_body=False,
            admission=self._admission,
        )

    def _refused(self, request: HttpRequest, reply: HttpResponse) -> Outcome:
        wait = parse_retry_after(reply.headers.get("retry-after", ""), self._wall())
        detail = refusal_text(
            reply.status, reply.headers, reply.body, url=request.url, sent=request.headers
        )
        return Outcome(f"http_{reply.status}", reply.status, wait, detail)


def _is_success(status: int) -> bool:
    return status in _SUCCESS
