"""Makes one attempt: sign, POST, return the outcome. `notifier.delivery` decides what follows."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from notifier import __version__
from notifier.errors import TransportError
from notifier.formats.service import Service
from notifier.formats.table import SERVICES
from notifier.http_client import HttpClient, HttpRequest, HttpResponse
from notifier.model.delivery import NOT_RENDERED, Format
from notifier.net import Admission
from notifier.schedule.retry_after import parse_retry_after
from notifier.signing import body_signature, signed_headers
from notifier.webhook.refusal import refusal_text
from notifier.webhook.templates import Template, TemplateError, apply_template

MAX_ANSWER = 64 * 1024
"""How much is read of a receiver's answer, in bytes; what is longer was received all the same."""

_SUCCESS = range(200, 300)
_USER_AGENT = f"notifier/{__version__}"


@dataclass(frozen=True, slots=True)
class Target:
    """Where to send, with every secret resolved at this moment; never logged.

    `keys` sign by Standard Webhooks, `body_key` signs as GitHub does, `own_secret` as `service`
    itself does; each is empty if nothing is signed so. `template` turns the `standard` body into
    the one that is sent. `timeout` is seconds for the whole attempt.
    """

    url: str
    headers: Mapping[str, str]
    keys: Sequence[bytes]
    timeout: float
    service: Service = SERVICES[Format.STANDARD]
    body_key: bytes = b""
    own_secret: str = ""
    template: Template | None = None

    def __repr__(self) -> str:
        """Return a text without secrets."""
        return "<Target>"


class Outcome(NamedTuple):
    """The outcome of one attempt.

    `word` is `delivered`, `http_500` and so on, or a `TransportError.kind`. `status` is the HTTP
    status of a complete answer. `retry_after` is the wait that the receiver asked for, in seconds.
    `code` is the refusal that the service states in its answer, "" for none. `detail` says why it
    was not delivered: in the receiver's words (`refusal_text`) or in ours.
    """

    word: str
    status: int | None = None
    retry_after: float | None = None
    detail: str = ""
    code: str = ""

    @property
    def delivered(self) -> bool:
        """Whether a 2xx came back that does not refuse in its body."""
        return self.status is not None and _is_success(self.status) and not self.code


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

    async def rendered(self, standard: bytes) -> bytes | Outcome:
        """Return what the endpoint's template makes of a `standard` body, or why it fails."""
        try:
            template = self._target().template
            return standard if template is None else await apply_template(template, standard)
        except TemplateError as error:
            return Outcome(NOT_RENDERED, detail=str(error))
        except ValueError as error:
            return Outcome("secret", detail=str(error))

    async def send(self, event_id: str, body: bytes) -> Outcome:
        """Make one attempt; every outcome is returned, only DeferredError is raised."""
        try:
            target = self._target()
            request = self._request(target, event_id, body)
            reply = await self._http.send(request)
        except TransportError as error:
            return Outcome(error.kind, detail=error.detail)
        except ValueError as error:
            return Outcome("secret", detail=str(error))
        code = target.service.refusal(reply.status, reply.body)
        if _is_success(reply.status) and not code:
            return Outcome("delivered", reply.status)
        return self._refused(target.service, request, reply, code)

    def _request(self, target: Target, event_id: str, body: bytes) -> HttpRequest:
        url, template = target.url, target.template
        headers = {
            **target.headers,
            "content-type": target.service.content_type if template is None else template.media,
            "user-agent": _USER_AGENT,
        }
        own: dict[str, str] = {}
        if target.keys:
            own |= signed_headers(target.keys, event_id, int(self._wall()), body)
        if target.body_key:
            own |= body_signature(target.body_key, body)
        if target.own_secret and target.service.sign is not None:
            url, body = target.service.sign(url, body, target.own_secret, self._wall())
        return HttpRequest(
            *("POST", url, headers, target.timeout, MAX_ANSWER, body),
            wants_body=False,
            admission=self._admission,
            own_headers=own,
        )

    def _refused(
        self, service: Service, request: HttpRequest, reply: HttpResponse, code: str
    ) -> Outcome:
        wait = parse_retry_after(reply.headers.get("retry-after", ""), self._wall())
        wait = max(wait or 0.0, service.waits.get(code, 0.0)) or wait
        detail = refusal_text(
            *(reply.status, reply.headers, reply.body),
            url=request.url,
            sent={**request.headers, **request.own_headers},
        )
        word = f"refused_{code}" if code and _is_success(reply.status) else f"http_{reply.status}"
        return Outcome(word, reply.status, wait, detail, code)


def _is_success(status: int) -> bool:
    return status in _SUCCESS
