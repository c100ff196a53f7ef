"""The HTTP door, and the one package that imports httpx: gateways and endpoints go through it.

`client` is what others use: exchanges with a deadline and a cap. Below it, `transport` is what
httpx sends through, a `pool` of `connection`s that `notifier.outbound` made; `proxied` is for
peers behind a proxy.
"""

from notifier.exchange.client import (
    KINDS,
    Exchange,
    Http,
    Reply,
    Route,
    check_url,
    open_exchange,
)

__all__ = ["KINDS", "Exchange", "Http", "Reply", "Route", "check_url", "open_exchange"]
