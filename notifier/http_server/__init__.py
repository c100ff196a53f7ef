"""HTTP in: two servers, for different needs.

`serve` is small and can also misbehave on purpose. The sandbox gateway, the local receiver and
the tests run on it. It is built on trio and h11 directly because an ASGI server cannot reset a
connection, drip an answer byte by byte or send garbage. A handler here gets the whole request. It
returns a response, or uses the `Wire` that the request arrived on.

`asgi_server` serves ASGI applications with hypercorn: the control API and pass-through. What
both need is beside it: a limit on connections, checks of a request, problem documents.
"""

from notifier.http_server.messages import Request, Response, json_response
from notifier.http_server.serve import Handler, serve
from notifier.http_server.wire import Wire

__all__ = ["Handler", "Request", "Response", "Wire", "json_response", "serve"]
