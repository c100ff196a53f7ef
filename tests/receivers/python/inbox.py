"""Verifies, stores and works on notifier's events, whatever the framework.

$WEBHOOK_SECRETS has the secret, or two separated by a space while one replaces the other.
$INBOX is the folder of events, one file each, named after its webhook-id. A file that is empty
has been worked on; its name stays, so that a repetition is known.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import logging
import os
import re
import tempfile
import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TOLERANCE = 5 * 60
SECRETS = [
    base64.b64decode(secret.removeprefix("whsec_"))
    for secret in os.environ.get("WEBHOOK_SECRETS", "").split()
]
INBOX = Path(os.environ.get("INBOX", "inbox"))
INBOX.mkdir(exist_ok=True)
arrived = threading.Event()


def verified(headers: Mapping[str, str], body: bytes) -> bool:
    """Tell whether one of the signatures was made with one of the secrets, and lately."""
    message_id = headers.get("webhook-id") or ""
    timestamp = headers.get("webhook-timestamp") or ""
    if not re.fullmatch(r"[\w-]{1,100}", message_id, re.ASCII):
        return False
    if not re.fullmatch(r"[0-9]{1,12}", timestamp):
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE:
        return False
    signed = f"{message_id}.{timestamp}.".encode() + body
    digests = (hmac.digest(secret, signed, hashlib.sha256) for secret in SECRETS)
    expected = [b"v1," + base64.b64encode(digest) for digest in digests]
    given = (headers.get("webhook-signature") or "").encode().split(b" ")
    return any(hmac.compare_digest(one, other) for one in expected for other in given)


def store(message_id: str, body: bytes) -> None:
    """Put an event on the disk, unless it is or was there."""
    with tempfile.NamedTemporaryFile(dir=INBOX) as file:
        file.write(body)
        file.flush()
        os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(file.name, INBOX / f"{message_id}.json")
    arrived.set()


def work() -> None:
    """Work on what is stored, what an earlier process left first; never returns."""
    while True:
        arrived.clear()
        for path in INBOX.glob("*.json"):
            try:
                if body := path.read_bytes():
                    handle(json.loads(body))
                    path.write_bytes(b"")
            except Exception:
                logging.exception("%s is tried again", path.name)
        arrived.wait(1)


def handle(event: dict[str, Any]) -> None:
    """Do your own work; after a crash it may be done again for the same event."""
    video = event["data"]
    match event["type"]:
        case "video.completed":
            print(video["id"], "is ready:", event["watch"]["content_url"], flush=True)
        case "video.failed":
            print(video["id"], "failed:", (video["error"] or {}).get("message"), flush=True)
        case "video.cancelled" | "video.lost" | "video.timed_out" as ending:
            print(video["id"], "has no video:", ending, flush=True)
        case _:
            pass  # a type that you do not need, or a later one


if __name__ == "__main__":
    work()
