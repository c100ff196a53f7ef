"""Makes and verifies Standard Webhooks signatures (the daemon signs, `notifier listen` verifies).

The scheme (https://www.standardwebhooks.com) is HMAC-SHA256 over `id.timestamp.body`. The key is
the bytes behind `whsec_`; the signature is sent as `v1,` + base64. While a secret is rotated, the
header holds one signature per secret, separated by single spaces (two crash one verifier).
"""

import base64
import binascii
import hmac
import secrets
from collections.abc import Mapping, Sequence

PREFIX = "whsec_"
MIN_KEY_BYTES = 24
MAX_KEY_BYTES = 64
TOLERANCE = 300
"""How far, in seconds, a timestamp may be from the receiver's clock (the SDKs' default)."""


class SecretFormatError(ValueError):
    """A secret is not `whsec_` + base64 of 24 to 64 bytes; the message never repeats it."""


class SignatureError(ValueError):
    """A request was not signed with an expected secret, or not within the last minutes."""


def generate_secret() -> str:
    """Return a new secret of 32 random bytes."""
    return PREFIX + base64.b64encode(secrets.token_bytes(32)).decode()


def decode_secret(secret: str) -> bytes:
    """Return the key behind a `whsec_` secret.

    Raises SecretFormatError, with a message that does not repeat the secret.
    """
    if not secret.startswith(PREFIX):
        raise SecretFormatError(f"must start with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX).encode("ascii"), validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise SecretFormatError(f"must be {PREFIX} followed by standard base64") from None
    if not MIN_KEY_BYTES <= len(key) <= MAX_KEY_BYTES:
        raise SecretFormatError(
            f"must hold {MIN_KEY_BYTES} to {MAX_KEY_BYTES} bytes, this one holds {len(key)}"
        )
    return key


def signature(key: bytes, message_id: str, timestamp: int, body: bytes) -> str:
    """Return one `v1,…` signature."""
    signed = b"%s.%d.%s" % (message_id.encode(), timestamp, body)
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


def signed_headers(
    keys: Sequence[bytes], message_id: str, timestamp: int, body: bytes
) -> dict[str, str]:
    """Return the three headers that make `body` verifiable with any of `keys`."""
    made = [signature(key, message_id, timestamp, body) for key in keys]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(made),
    }


def body_signature(key: bytes, body: bytes) -> dict[str, str]:
    """Return the header that GitHub signs its webhooks with: an HMAC-SHA256 of the body alone.

    Source: https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
    """
    return {"x-hub-signature-256": f"sha256={hmac.digest(key, body, 'sha256').hex()}"}


def verify(keys: Sequence[bytes], headers: Mapping[str, str], body: bytes, now: float) -> None:
    """Check that a request was signed with one of `keys` within five minutes of `now`.

    `headers` has lower-case names. Raises SignatureError, saying which check failed.
    """
    try:
        message_id = headers["webhook-id"]
        stamp = headers["webhook-timestamp"]
        given = headers["webhook-signature"]
    except KeyError as missing:
        raise SignatureError(f"no {missing.args[0]} header") from None
    if not (stamp.isascii() and stamp.isdigit()):
        raise SignatureError("webhook-timestamp is not a whole number")
    timestamp = int(stamp[:20])
    if abs(now - timestamp) > TOLERANCE:
        raise SignatureError("webhook-timestamp is more than five minutes away from now")
    expected = [signature(key, message_id, timestamp, body).encode() for key in keys]
    offered = [part.encode() for part in given.split()]
    if not any(hmac.compare_digest(e, o) for e in expected for o in offered):
        raise SignatureError("no signature matches")
