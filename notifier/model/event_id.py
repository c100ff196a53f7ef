"""Event ids: receivers see them as `webhook-id` and drop what they have already handled.

An id is `evt_` and 32 hex digits: 12 for a time in Unix milliseconds, so that ids sort by age,
and 20 that tell events of the same time apart. The id of an event about a watch is derived, not
random: after a restored backup the same ending gets the same id again, whatever its outcome.
"""

import hmac
import secrets

from notifier.model.event import EventKind
from notifier.model.watch import Watch

_LATEST = 2**48 - 1
_TAIL_BYTES = 10


def watch_event_id(store_id: str, watch: Watch, kind: EventKind) -> str:
    """Return the id of the event of `kind` about `watch`, keyed with the store's id.

    The digits are the time when this generation was first taken, and the first 80 bits of
    HMAC-SHA-256 over gateway, video id, generation and kind, each in UTF-8 after its length in
    four bytes, big endian.
    """
    parts = (*watch.key, str(watch.spec.generation), kind.value)
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join([len(part).to_bytes(4, "big") + part for part in encoded])
    digest = hmac.digest(store_id.encode(), message, "sha256")
    return _event_id(watch.first_taken_ms, digest[:_TAIL_BYTES])


def random_event_id(now: float) -> str:
    """Return the id of an event that is about no watch; `now` is in Unix seconds."""
    return _event_id(int(now * 1000), secrets.token_bytes(_TAIL_BYTES))


def _event_id(milliseconds: int, tail: bytes) -> str:
    return f"evt_{min(max(milliseconds, 0), _LATEST):012x}{tail.hex()}"
