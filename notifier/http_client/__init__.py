"""The HTTP client for gateways and endpoints, and the one package that imports httpx.

`client` is what others use: `open_client` opens a `PeerClient`, which sends an `HttpRequest` and
returns an `HttpResponse`. It also makes requests without a task (`callback_exchange`, by a
`reactor`). Below it, `transport` sends over a `pool` of `connection`s that
`notifier.net` made; `proxied` is for peers behind a proxy. `streaming` passes requests and answers
on in constant memory; `proxy_connector` takes it through a proxy. `local` is for commands that ask
the daemon on the same machine.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.http_client.callback_exchange import Outcome
    from notifier.http_client.client import (
        KINDS,
        HttpClient,
        PeerClient,
        PollingClient,
        Route,
        StreamedResponse,
        StreamingClient,
        check_url,
        open_client,
    )
    from notifier.http_client.local import LocalReply, ask_local
    from notifier.http_client.requests import HttpRequest, RequestTemplate
    from notifier.http_client.responses import HttpResponse
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "client": (
                "KINDS",
                "HttpClient",
                "PeerClient",
                "PollingClient",
                "Route",
                "StreamedResponse",
                "StreamingClient",
                "check_url",
                "open_client",
            ),
            "local": ("LocalReply", "ask_local"),
            "requests": ("HttpRequest", "RequestTemplate"),
            "responses": ("HttpResponse",),
            "callback_exchange": ("Outcome",),
        },
    )

__all__ = [
    "KINDS",
    "HttpClient",
    "HttpRequest",
    "HttpResponse",
    "LocalReply",
    "Outcome",
    "PeerClient",
    "PollingClient",
    "RequestTemplate",
    "Route",
    "StreamedResponse",
    "StreamingClient",
    "ask_local",
    "check_url",
    "open_client",
]
