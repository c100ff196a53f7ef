"""Asks a gateway about videos and turns its answers into values.

`client` makes the requests, `content` opens finished videos. `response_classifier` turns one HTTP
answer into one of the four kinds of `notifier.model.answer`: `decode` reads the JSON,
`video_parser` turns it into a snapshot, `not_found` recognises "no such video". `pages` reads
lists. Nothing a gateway can send raises.
"""

from typing import TYPE_CHECKING

from notifier.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from notifier.gateway.client import GatewayClient, GatewayRules
    from notifier.gateway.content import Content, ContentClient, ContentError, Part
    from notifier.gateway.pages import ListedVideo, Page
    from notifier.gateway.response_classifier import Dialect, classify
    from notifier.gateway.secret_echo import SecretEchoMask
else:
    __getattr__ = lazy_exports(
        __name__,
        {
            "client": ("GatewayClient", "GatewayRules"),
            "content": ("Content", "ContentClient", "ContentError", "Part"),
            "pages": ("ListedVideo", "Page"),
            "response_classifier": ("Dialect", "classify"),
            "secret_echo": ("SecretEchoMask",),
        },
    )

__all__ = [
    "Content",
    "ContentClient",
    "ContentError",
    "Dialect",
    "GatewayClient",
    "GatewayRules",
    "ListedVideo",
    "Page",
    "Part",
    "SecretEchoMask",
    "classify",
]
