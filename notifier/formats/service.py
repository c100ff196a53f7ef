"""What a row of the table of formats holds (`notifier.formats.table`)."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

from notifier.formats.message import Message
from notifier.model.event import Event, Notice


class Signing(StrEnum):
    """What an endpoint's `secret` is for."""

    REQUIRED = "required"
    """Standard Webhooks, always."""
    OPTIONAL = "optional"
    """Standard Webhooks, if there is a secret."""
    OWN = "own"
    """The service's own signature, if there is a secret."""
    NONE = "none"
    """The service checks no signature."""


Sign = Callable[[str, bytes, str, float], tuple[str, bytes]]
"""Returns URL and body, signed with a secret at a moment in Unix seconds."""

Refusal = Callable[[int, bytes], str]
"""Returns the service's own code for a refusal in an answer (status, body); "" for none."""

NOT_READ = "unreadable"
"""The code of a 2xx whose body does not say whether the message was accepted."""


def accepted(_status: int, _body: bytes) -> str:
    """Return no code: of this service the status says everything."""
    return ""


def code_in(*names: str) -> Refusal:
    """Return what reads the code under the first of `names` that is in an answer; 0 is none."""

    def refusal(status: int, body: bytes) -> str:
        try:
            answer = json.loads(body)
            code = next(answer[name] for name in names if name in answer)
        except (ValueError, TypeError, RecursionError, StopIteration):
            code = None
        text = str(code) if isinstance(code, int | str) else ""
        if isinstance(code, bool) or not _CODE.fullmatch(text):
            return NOT_READ if status in _SUCCESS else ""
        return "" if text == "0" else text

    return refusal


_SUCCESS = range(200, 300)
_CODE = re.compile(r"[\w.-]{1,20}", re.ASCII)
"""What a code may be: it is shown and stored, and whoever answers writes it."""


@dataclass(frozen=True, slots=True)
class Service:
    """One format: how its messages are made, and how its answers are judged.

    Exactly one of `message` (for people) and `event` (for programs) renders. `max_bytes` is the
    most that the service takes of a message, `max_per_second` how many messages (None: as many as
    come). `final_statuses` and `final_codes` are refusals that no retry will change; `waits` are
    the seconds until the next attempt that a code asks for. `refusal` reads the code.
    `url_is_secret` says that whoever has the URL may post.
    """

    signing: Signing
    message: Callable[[Message], bytes] | None = None
    event: Callable[[Event | Notice], bytes] | None = None
    content_type: str = "application/json"
    max_bytes: int = 256 * 1024
    max_per_second: float | None = None
    url_is_secret: bool = True
    refusal: Refusal = accepted
    final_statuses: frozenset[int] = frozenset()
    final_codes: frozenset[str] = frozenset()
    waits: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    sign: Sign | None = None

    def is_final(self, status: int, code: str) -> bool:
        """Tell whether no retry will change this answer; a code says more than a status."""
        if code in self.final_codes:
            return True
        return status in self.final_statuses and code not in self.waits
