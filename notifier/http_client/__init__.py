"""The HTTP door, and the one package that imports httpx: gateways and endpoints go through it.

`client` is what others use: exchanges with a deadline and a cap. Below it, `transport` is what
httpx sends through, a `pool` of `connection`s that `notifier.net` made; `proxied` is for
peers behind a proxy; `local` is for commands that talk to the daemon beside them.
"""

from notifier.http_client.client import (
    KINDS,
    HttpClient,
    HttpResponse,
    PeerClient,
    Route,
    check_url,
    open_client,
)
from notifier.http_client.local import LocalReply, ask_local

__all__ = [
    "KINDS",
    "HttpClient",
    "HttpResponse",
    "LocalReply",
    "PeerClient",
    "Route",
    "ask_local",
    "check_url",
    "open_client",
]
